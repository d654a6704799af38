# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the stand-in's sessions share: the rule that is tested, the act, and what became of a client."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import oracledb

from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle.policy import CLOSE, POLICIES
from servers.oracle_actors import BusySession, Session

# What the fixtures of these tests are.
Act = Callable[[str], int]
Open = Callable[..., Session]
Run = Callable[..., BusySession]
Change = Callable[..., AbstractContextManager[None]]
PASSWORD = "Tr0ub4dor_3"
# A connection that ended without a word, in the driver's numbers.
_DRIVER_SAYS_CLOSED = 4011
SPIN, HOLD = "BEGIN standin.spin(60); END;", "BEGIN standin.hold(60); END;"


def rule(name: str) -> Any:
    """What the table of policies says; test_life_policy.py asks that there is a test of each row."""
    return POLICIES[name].value


def code(error: Any) -> int:
    """The number of an error, the driver's own ones included; 0 for none."""
    if error is None:
        return 0
    # In a pipeline it is what an exception has as its argument.
    found: Any = error.args[0] if isinstance(error, BaseException) else error
    return int(found.code) or int(found.full_code.rpartition("-")[2])


def failure(connection: oracledb.Connection, statement: str, binds: Any = ()) -> int:
    """The error that a statement of the client's own gets, 0 for none."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, binds)
    except oracledb.Error as error:
        return code(error)
    return 0


def attempt(connection: oracledb.Connection, statement: str) -> int:
    """The error that a statement gets inside a block; 0 for none. Otherwise the driver would take ORA-00031, which is
    about another session, for the end of this one."""
    with connection.cursor() as cursor:
        outcome = cursor.var(int)
        cursor.execute(
            "BEGIN EXECUTE IMMEDIATE :statement; :outcome := 0; EXCEPTION WHEN OTHERS THEN :outcome := SQLCODE; END;",
            {"statement": statement, "outcome": outcome},
        )
        return -int(outcome.getvalue())


def fate(session: Session) -> int | str:
    """What the client gets: from the statement that it runs, or from its next one; 0 when it lives."""
    if isinstance(session, BusySession):
        session.wait()
        return _outcome(code(session.error))
    return _outcome(failure(session.connection, "SELECT 1 FROM dual"))


def _outcome(number: int) -> int | str:
    return CLOSE if number == _DRIVER_SAYS_CLOSED else number


def named(session: Session) -> str:
    """``sid,serial#`` as the statements want it."""
    return f"{session.sid},{session.serial}"


def row(session: Session, *columns: str) -> tuple[Any, ...] | None:
    """Columns of the session in GV$SESSION; None when it is not there."""
    found = session.server.sql(
        f"SELECT {', '.join(columns or ('status',))} FROM gv$session WHERE inst_id = :1 AND sid = :2 AND serial# = :3",
        (session.inst_id, session.sid, session.serial),
    )
    return found[0] if found else None


def status(session: Session) -> str | None:
    found = row(session, "status")
    return found[0] if found else None


def await_gone(session: Session) -> None:
    """Wait until the views show nothing of the session any more, and its process has ended."""
    wait_until(lambda: row(session) is None, what=f"session {session.sid} to go")


def await_active(session: Session, event: str | None = None) -> None:
    wanted = ("ACTIVE", event) if event else ("ACTIVE",)
    columns = ("status", "event") if event else ("status",)
    wait_until(lambda: row(session, *columns) == wanted, what=f"session {session.sid} to be {wanted}")


def spid(session: Session) -> int:
    """The OS process that serves the session."""
    found = session.server.sql(
        "SELECT p.spid FROM gv$session s JOIN gv$process p ON p.inst_id = s.inst_id AND p.addr = s.paddr"
        " WHERE s.inst_id = :1 AND s.sid = :2 AND s.serial# = :3",
        (session.inst_id, session.sid, session.serial),
    )
    return int(found[0][0])


def runs(pid: int) -> bool:
    """Whether this process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_of(server: OracleServer) -> set[int]:
    """All processes that have come from the server's own."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(name))
    found, ahead = set(), [server.pid]
    while ahead:
        pid = ahead.pop()
        found.add(pid)
        ahead += parents.get(pid, [])
    return found


def values(server: OracleServer, table: str) -> list[tuple[Any, ...]]:
    return server.sql(f"SELECT id, v FROM {table} ORDER BY id")
