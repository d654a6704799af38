# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions without a client: parallel servers and job slaves. Each is a process that an instance forks on request."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable
from typing import Any

from setproctitle import setproctitle

from . import cleanup, registration, sga, tables
from .errors import OracleError
from .session import Ended, Post, Session

_LONG = 3600.0

Answer = Callable[[dict[str, Any]], None]


def serve(
    connection: sqlite3.Connection, inst_id: int, instance: str, kind: str, what: dict[str, Any], answer: Answer
) -> None:
    """Be a special session until it is ended. ``answer`` is called once it is entered."""
    post = Post()
    with sga.write(connection):
        row = _KINDS[kind](connection, inst_id, instance, **what)
    process = sga.get(connection, tables.Process, inst_id=inst_id, pid=row.pid)
    assert process is not None and process.pname is not None
    setproctitle(registration.title(instance, process.pname))
    answer({"sid": row.sid, "serial": row.serial, "spid": os.getpid()})
    session = Session(connection, row, post, None)
    session.work_alone()
    seconds = what.get("seconds", _LONG)
    try:
        if kind == "job":
            session.sleep(seconds)
        while kind == "parallel":
            session.pause(_LONG)
    except (Ended, OracleError):
        # Killed, or its statement was cancelled, which is all that it is there for.
        pass
    cleanup.finish(connection, row, session.policies)


def _parallel_server(
    connection: sqlite3.Connection,
    inst_id: int,
    instance: str,
    qc_inst_id: int,
    qc_sid: int,
    qc_serial: int,
    number: int,
    degree: int,
) -> tables.Session:
    coordinator = sga.get(connection, tables.Session, inst_id=qc_inst_id, sid=qc_sid, serial=qc_serial)
    if coordinator is None:
        raise ValueError("the coordinator has gone")
    name = registration.free_name(connection, inst_id, "P")
    process = registration.add_process(connection, inst_id, instance, os.getpid(), name, con_id=coordinator.con_id)
    row = registration.add_session(
        connection,
        process,
        os.getpid(),
        status="ACTIVE",
        in_call=1,
        waiting=0,
        user_id=coordinator.user_id,
        username=coordinator.username,
        schema_id=coordinator.schema_id,
        schemaname=coordinator.schemaname,
        service_name=coordinator.service_name,
        con_id=coordinator.con_id,
        audsid=coordinator.audsid,
        module=coordinator.module,
        action=coordinator.action,
        command=coordinator.command,
        sql_id=coordinator.sql_id,
        sql_child=coordinator.sql_child,
        sql_exec_id=coordinator.sql_exec_id,
        sql_exec_start=coordinator.sql_exec_start,
        owner_id=qc_inst_id << 16 | qc_sid,
        osuser=coordinator.osuser,
        process=coordinator.process,
        machine=coordinator.machine,
        terminal=coordinator.terminal,
    )
    server = tables.PxSession(
        inst_id, row.sid, row.serial, row.saddr, qc_inst_id, qc_sid, qc_serial, 1, 1, number, degree, degree, row.con_id
    )
    sga.insert(connection, server)
    return row


def _job_slave(
    connection: sqlite3.Connection,
    inst_id: int,
    instance: str,
    owner: str,
    job: str,
    seconds: float = _LONG,
    con_id: int = 0,
) -> tables.Session:
    name = registration.free_name(connection, inst_id, "J")
    process = registration.add_process(connection, inst_id, instance, os.getpid(), name, con_id=con_id)
    user = sga.get(connection, tables.User, name=owner)
    row = registration.add_session(
        connection,
        process,
        os.getpid(),
        status="ACTIVE",
        in_call=1,
        user_id=user.id if user else 0,
        username=owner,
        schema_id=user.id if user else 0,
        schemaname=owner,
        service_name="SYS$USERS",
        con_id=con_id,
        module="DBMS_SCHEDULER",
        action=job,
        event="PL/SQL lock timer",
    )
    sga.insert(
        connection,
        tables.Job(owner, job, inst_id, row.sid, process.pid, process.spid, sga.now(), con_id=con_id),
    )
    return row


_KINDS: dict[str, Callable[..., tables.Session]] = {"parallel": _parallel_server, "job": _job_slave}


def stream_answer(client: socket.socket) -> Answer:
    """An answer that goes through the socket on which the request came."""

    def answer(found: dict[str, Any]) -> None:
        client.sendall(json.dumps(found).encode() + b"\n")
        client.close()

    return answer
