# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a session when it has ended, and how it goes: by its own process, or by PMON when that has died."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from . import sga, signals, tables, transactions
from .session import PROCESS
from .signals import Target
from .tables import DeadTransaction, Lock, PxSession, TempSegment


def remove_session(connection: sqlite3.Connection, inst_id: int, sid: int, serial: int) -> None:
    """Remove a session that has no transaction any more, and its process; end the parallel servers that work for it."""
    with sga.write(connection):
        posts = _remove(connection, inst_id, sid, serial)
    signals.post_all(connection, posts)


def _remove(connection: sqlite3.Connection, inst_id: int, sid: int, serial: int) -> list[Target]:
    """The OS processes to post, once what was written can be read."""
    row = sga.get(connection, tables.Session, inst_id=inst_id, sid=sid, serial=serial)
    if row is None:
        return []
    posts = end_parallel_servers(connection, inst_id, sid, serial)
    posts += _notify_coordinator(connection, inst_id, sid, serial)
    posts += release_locks(connection, inst_id, sid)
    sga.delete(connection, TempSegment, inst_id=inst_id, saddr=row.saddr)
    sga.delete(connection, PxSession, inst_id=inst_id, sid=sid)
    sga.delete(connection, tables.LongOperation, inst_id=inst_id, sid=sid, serial=serial)
    sga.delete(connection, tables.Job, inst_id=inst_id, sid=sid)
    sga.delete(connection, tables.Circuit, inst_id=inst_id, saddr=row.saddr)
    sga.delete(connection, tables.Session, inst_id=inst_id, sid=sid)
    sga.delete(connection, tables.Process, inst_id=inst_id, pid=row.pid, os_pid=row.os_pid)
    return posts


def release_locks(connection: sqlite3.Connection, inst_id: int, sid: int) -> list[Target]:
    """Release what the session has locked apart from rows; the OS processes to post."""
    released = sga.delete(connection, Lock, inst_id=inst_id, sid=sid)
    return transactions.waiters_of_all(connection) if released else []


def end_parallel_servers(connection: sqlite3.Connection, inst_id: int, sid: int, serial: int) -> list[Target]:
    """Mark the parallel servers of a coordinator to end; the OS processes to post."""
    return connection.execute(
        "UPDATE x_session SET kill_mode = ?, kill_time = ?, status = 'KILLED' FROM x_px_session p"
        " WHERE p.inst_id = x_session.inst_id AND p.sid = x_session.sid AND p.serial = x_session.serial"
        " AND p.server_set IS NOT NULL AND p.qc_sid = ? AND coalesce(p.qc_inst_id, p.inst_id) = ?"
        " AND coalesce(p.qc_serial, ?) = ? RETURNING x_session.inst_id, x_session.os_pid",
        (PROCESS, sga.now(), sid, inst_id, serial, serial),
    ).fetchall()


def _notify_coordinator(connection: sqlite3.Connection, inst_id: int, sid: int, serial: int) -> list[Target]:
    """The coordinator that a parallel server works for has to look whether its servers are still there."""
    return connection.execute(
        "SELECT c.inst_id, c.os_pid FROM x_px_session p JOIN x_session c ON c.sid = p.qc_sid"
        " AND c.inst_id = coalesce(p.qc_inst_id, p.inst_id) WHERE p.inst_id = ? AND p.sid = ? AND p.serial = ?"
        " AND p.server_set IS NOT NULL",
        (inst_id, sid, serial),
    ).fetchall()


def post(connection: sqlite3.Connection, row: tables.Session) -> None:
    """Make a session look at its row."""
    signals.post_all(connection, [(row.inst_id, row.os_pid)])


def finish(
    connection: sqlite3.Connection,
    row: tables.Session,
    policies: Mapping[str, Any],
    pace: transactions.Pace = time.sleep,
) -> None:
    """Roll back what a session left and remove it: by its own process, or for one that has no process."""
    for transaction in reversed(transactions.of_session(connection, row.inst_id, row.sid)):
        assert transaction.id is not None
        transactions.roll_back(connection, transaction.id, policies, pace)
    remove_session(connection, row.inst_id, row.sid, row.serial)


def bury(connection: sqlite3.Connection, inst_id: int, os_pid: int, policies: Mapping[str, Any]) -> list[int]:
    """PMON's part after a server process has died: its sessions go at once, their transactions become dead ones.

    The dead transactions, which :func:`recover` is to undo; none when the process had cleaned up by itself.
    """
    dead: list[int] = []
    posts: list[Target] = []
    with sga.write(connection):
        for row in sga.select(connection, tables.Session, inst_id=inst_id, os_pid=os_pid):
            for transaction in transactions.of_session(connection, row.inst_id, row.sid):
                dead.append(_make_dead(connection, transaction, policies["dead_transaction_listed"]))
            posts += _remove(connection, row.inst_id, row.sid, row.serial)
    signals.post_all(connection, posts)
    return dead


def _make_dead(connection: sqlite3.Connection, transaction: tables.Transaction, listed: bool) -> int:
    assert transaction.id is not None
    smon = sga.get(connection, tables.Process, inst_id=transaction.inst_id, pname="SMON")
    sga.insert(
        connection,
        DeadTransaction(
            transaction.inst_id,
            transaction.usn,
            transaction.slot,
            transaction.sqn,
            blocks_total=transaction.used_ublk,
            pid=smon.pid if smon else 0,
            start=sga.now(),
            listed=int(listed),
            con_id=transaction.con_id,
        ),
    )
    sga.delete(connection, tables.Transaction, id=transaction.id)
    return transaction.id


def recover(connection: sqlite3.Connection, transaction_id: int, policies: Mapping[str, Any]) -> None:
    """SMON's part: undo a dead transaction at the rate of the policy; its row locks stay until that is done."""
    usn, slot, sqn = transactions.numbers(transaction_id)

    def pace(seconds: float) -> None:
        connection.execute(
            "UPDATE x_dead_transaction SET blocks_done = blocks_total - n / ?"
            " FROM (SELECT count(*) n FROM x_undo WHERE transaction_id = ?) WHERE usn = ? AND slot = ? AND sqn = ?",
            (transactions.RECORDS_PER_BLOCK, transaction_id, usn, slot, sqn),
        )
        time.sleep(seconds)

    transactions.roll_back(connection, transaction_id, policies, pace)
    if policies["recovered_transaction"] == "goes":
        sga.delete(connection, DeadTransaction, usn=usn, slot=slot, sqn=sqn)
        return
    connection.execute(
        "UPDATE x_dead_transaction SET state = 'RECOVERED', blocks_done = blocks_total, ended = ?"
        " WHERE usn = ? AND slot = ? AND sqn = ?",
        (sga.now(), usn, slot, sqn),
    )


def kill_process(connection: sqlite3.Connection, row: tables.Session) -> None:
    """As kill -9 of a session's process does."""
    signals.send(connection, (row.inst_id, row.os_pid), signal.SIGKILL)
