# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ALTER SYSTEM KILL SESSION, DISCONNECT SESSION and CANCEL SQL: the part of the session that issues them.

It finds the session that is meant, marks it, posts its process and waits for as long as the statement says. What the
marked session makes of it is in session.py and process.py, every outcome in policy.py.
"""

from __future__ import annotations

import time
from typing import Any

from . import cleanup, sga, tables
from .commands import CancelSql, DisconnectSession, KillSession, Target, parse_target
from .errors import OracleError
from .session import DISCONNECT, FORCE, IMMEDIATE, KILL, POST_TRANSACTION, PROCESS, Session
from .transactions import of_session

_LOOK_SECONDS = 0.005
_LOOK_SECONDS_LATER = 0.05


def kill(issuer: Session, command: KillSession) -> None:
    """KILL SESSION; also what rdsadmin's procedures come down to."""
    mode = FORCE if command.force else IMMEDIATE if command.immediate else KILL
    name = {FORCE: "kill_force_wait_seconds", IMMEDIATE: "kill_immediate_wait_seconds", KILL: "kill_wait_seconds"}[mode]
    limit = command.timeout if command.timeout is not None else issuer.policies[name]
    _end(issuer, parse_target(command.target, issuer.policies["kill_malformed"]), mode, limit, command.noreplay)


def disconnect(issuer: Session, command: DisconnectSession) -> None:
    """DISCONNECT SESSION. Without a transaction, POST_TRANSACTION is like KILL, with IMMEDIATE like KILL IMMEDIATE."""
    target = parse_target(command.target, issuer.policies["kill_malformed"])
    if target.instance is not None:
        raise OracleError(issuer.policies["disconnect_instance"])
    if command.post_transaction:
        with sga.write(issuer.connection):
            row = _find(issuer, target, "kill_gone")
            if row.kill_mode in (None, POST_TRANSACTION) and of_session(issuer.connection, row.inst_id, row.sid):
                _mark(issuer, row, {"kill_mode": POST_TRANSACTION, "kill_noreplay": int(command.noreplay)})
                return
    mode = (
        DISCONNECT if command.immediate and not command.post_transaction else IMMEDIATE if command.immediate else KILL
    )
    limit = issuer.policies["kill_wait_seconds"] if mode == KILL else 0.0
    _end(issuer, target, mode, limit, command.noreplay)


def kill_process(issuer: Session, sid: int, serial: int) -> None:
    """rdsadmin_util.kill(method => 'PROCESS'): end the server process; PMON does the rest."""
    row = _find(issuer, Target(sid, serial), "kill_gone")
    with sga.write(issuer.connection):
        _mark(issuer, row, {"kill_mode": PROCESS, "kill_time": sga.now(), "status": "KILLED"})
    cleanup.kill_process(issuer.connection, row)


def cancel(issuer: Session, command: CancelSql) -> None:
    """CANCEL SQL. Without sql_id it takes whatever runs, or the next statement of a session that is idle."""
    policies = issuer.policies
    target = parse_target(command.target, policies["kill_malformed"], sql_id=True)
    with sga.write(issuer.connection):
        row = _find(issuer, target, "cancel_gone")
        if target.sql_id is not None and not (row.in_call and row.sql_id == target.sql_id):
            _raise(policies["cancel_other_sql_id"])
            return
        if not row.in_call and policies["cancel_idle"] == "nothing":
            return
        _mark(issuer, row, {"cancel_time": sga.now(), "cancel_sql_id": target.sql_id})
    cleanup.post(issuer.connection, row)


def _session(issuer: Session, inst_id: int, sid: int) -> tables.Session | None:
    return sga.get(issuer.connection, tables.Session, inst_id=inst_id, sid=sid)


def _find(issuer: Session, target: Target, gone: str) -> tables.Session:
    """The session that is meant, or the error that says why not."""
    policies = issuer.policies
    inst_id = target.instance if target.instance is not None else issuer.inst_id
    instance = sga.get(issuer.connection, tables.Instance, inst_id=inst_id)
    if instance is None or instance.status != "OPEN":
        raise OracleError(policies["kill_no_instance"])
    row = _session(issuer, inst_id, target.sid)
    if row is None or row.serial != target.serial:
        elsewhere = target.instance is None and sga.get(
            issuer.connection, tables.Session, sid=target.sid, serial=target.serial
        )
        raise OracleError(policies["kill_elsewhere" if elsewhere else gone])
    if issuer.con_id > 1 and row.con_id != issuer.con_id:
        raise OracleError(policies["kill_other_container"])
    if (inst_id, row.sid) == (issuer.inst_id, issuer.sid):
        raise OracleError(policies["kill_self"])
    if row.type != "USER":
        raise OracleError(policies["kill_no_user_session"])
    return row


def _mark(issuer: Session, row: tables.Session, columns: dict[str, Any]) -> None:
    sga.update(issuer.connection, tables.Session, columns, inst_id=row.inst_id, sid=row.sid, serial=row.serial)


def _raise(code: int) -> None:
    """An outcome of the policy, where 0 stands for success."""
    if code:
        raise OracleError(code)


def _end(issuer: Session, target: Target, mode: str, limit: float, noreplay: bool) -> None:
    policies = issuer.policies
    connection = issuer.connection
    with sga.write(connection):
        row = _find(issuer, target, "kill_gone")
        marked = row.kill_mode not in (None, POST_TRANSACTION)
        busy = bool(row.in_call)
        columns: dict[str, Any] = {"kill_mode": mode, "kill_noreplay": int(noreplay), "cancel_time": None}
        if mode == FORCE:
            columns["kill_deadline"] = sga.now() + limit / sga.SECONDS_PER_DAY
        if not marked:
            columns |= {"kill_time": sga.now(), "status": "KILLED", "status_since": sga.now()}
            if not busy:
                columns["paddr"] = sga.PSEUDO_PROCESS
                if row.server == "DEDICATED":
                    columns["server"] = policies["killed_idle_server"]
        # A weaker statement takes nothing back of a stronger one.
        if not marked or mode != KILL:
            _mark(issuer, row, columns)
    if not row.os_pid:
        cleanup.finish(connection, row, policies, issuer.pause)
        return
    busy_policy = {DISCONNECT: "disconnect_busy", FORCE: "force_busy"}.get(mode)
    ends_process = busy_policy is not None and policies[busy_policy] == 0
    if ends_process and mode == DISCONNECT:
        limit = policies["kill_post_seconds"]
    cleanup.post(connection, row)
    if _wait(issuer, row, busy, max(limit, 0.0 if busy else policies["kill_post_seconds"])):
        return
    if ends_process:
        found = _session(issuer, row.inst_id, row.sid)
        if found is not None and found.serial == row.serial and found.in_call:
            # It has had its time. What is left is PMON's.
            cleanup.kill_process(connection, found)
            return
        if mode == DISCONNECT:
            return
    if marked:
        _raise(policies["kill_again"])
    else:
        _raise(policies["kill_busy" if mode == KILL else "kill_busy_immediate"])


def _wait(issuer: Session, row: tables.Session, busy: bool, seconds: float) -> bool:
    """Whether the session, or all that others could be waiting for, is gone within so many seconds.

    Who waits no time does not look: whether an interrupted call would just have ended is not left to chance.
    """
    if seconds <= 0:
        return False
    deadline = time.monotonic() + seconds
    look = _LOOK_SECONDS
    while not _has_ended(issuer, row, busy):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        issuer.pause(min(look, left))
        look = min(look * 1.5, _LOOK_SECONDS_LATER)
    return True


def _has_ended(issuer: Session, row: tables.Session, busy: bool) -> bool:
    found = _session(issuer, row.inst_id, row.sid)
    if found is None or found.serial != row.serial:
        return True
    if found.in_call:
        return False
    # A session that was idle waits for its client, or goes by itself; what counts is that it has let go of everything.
    return not busy and not of_session(issuer.connection, row.inst_id, row.sid)
