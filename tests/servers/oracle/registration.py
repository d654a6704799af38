# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""New rows of V$PROCESS and V$SESSION: what a process or a session is entered as when it begins."""

from __future__ import annotations

import socket
import sqlite3
from typing import Any

from . import sga, tables

# USER# of sessions that belong to nobody; V$SESSION.USERNAME is NULL there.
_NOBODY = 0
OWN_SERVICE = "SYS$BACKGROUND"
_TRACE_FOLDER = "/u01/app/oracle/diag/rdbms"


def host_name() -> str:
    """The name of the machine that the instances run on: this one, where their processes are."""
    return socket.gethostname()


def title(instance: str, pname: str) -> str:
    """What the operating system calls a process that is no dedicated server."""
    return f"ora_{pname.lower()}_{instance}"


def add_process(
    connection: sqlite3.Connection, inst_id: int, instance: str, os_pid: int, pname: str | None = None, **columns: Any
) -> tables.Process:
    """Enter a process. Call it inside ``sga.write``, together with its session: a place without a session is free."""
    pid, serial = sga.take_process_slot(connection, inst_id)
    host = host_name()
    spid = columns.pop("spid", str(os_pid))
    kind = pname.lower() if pname else "ora"
    row = tables.Process(
        inst_id,
        pid,
        serial,
        sga.process_address(pid),
        sga.now(),
        spid=spid,
        stid=str(os_pid),
        os_pid=os_pid,
        pname=pname,
        program=f"oracle@{host} ({pname})" if pname else f"oracle@{host}",
        tracefile=f"{_TRACE_FOLDER}/{instance.lower()}/{instance}/trace/{instance}_{kind}_{spid}.trc",
        **columns,
    )
    sga.insert(connection, row)
    return row


def free_name(connection: sqlite3.Connection, inst_id: int, letter: str) -> str:
    """The first name like P000 that no process of the instance has."""
    taken = {process.pname for process in sga.select(connection, tables.Process, inst_id=inst_id)}
    return next(name for number in range(1000) if (name := f"{letter}{number:03d}") not in taken)


def add_session(connection: sqlite3.Connection, owner: tables.Process, os_pid: int, **columns: Any) -> tables.Session:
    """Enter a session of that process. Call it inside ``sga.write``."""
    sid, serial = sga.take_session_slot(connection, owner.inst_id)
    now = sga.now()
    given: dict[str, Any] = {
        "status_since": now,
        "wait_start": now,
        "process": str(os_pid),
        "machine": host_name(),
        "osuser": "oracle",
        "program": owner.program,
        "terminal": "UNKNOWN",
        "audsid": sga.next_number(connection, "audsid", first=4_000_001),
    } | columns
    row = tables.Session(
        owner.inst_id,
        sid,
        serial,
        sga.session_address(sid),
        owner.addr,
        owner.addr,
        owner.serial,
        now,
        pid=owner.pid,
        os_pid=os_pid,
        **given,
    )
    sga.insert(connection, row)
    return row


def add_background(
    connection: sqlite3.Connection, inst_id: int, instance: str, pname: str, os_pid: int, essential: bool = True
) -> None:
    """Enter a background process and its session. Dispatchers and shared servers (not ``essential``) have no session."""
    process = add_process(connection, inst_id, instance, os_pid, pname, background=1 if essential else None)
    if essential:
        add_session(
            connection,
            process,
            os_pid,
            type="BACKGROUND",
            status="ACTIVE",
            service_name=OWN_SERVICE,
            audsid=0,
            event="rdbms ipc message",
            p1=300,
        )
