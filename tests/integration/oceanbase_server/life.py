# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the stand-in share: the rule that is tested, a client, and what became of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pymysql

from servers.actors import wait_until
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import CUT, OK, POLICIES
from servers.oceanbase_actors import BusySession, Session

PASSWORD = "Tr0ub4dor_3"
# The driver's numbers for a connection that is gone: when it notices, and from then on.
_GONE = (2013, 0)
_NUMBER = re.compile(r"(?:(ORA|OBE)-(\d{5}): )?(?:internal error code, arguments: (-\d+), )?(.*)", re.DOTALL)

# What the fixtures of these tests are.
Account = dict[str, str]
Open = Callable[..., Session]
Change = Callable[..., None]


def rule(name: str) -> Any:
    """What the table of policies says."""
    return POLICIES[name].value


def code(error: BaseException | None) -> Any:
    """What an error means, as the table of policies has it: the number in its text, that on the wire where it has none."""
    if error is None:
        return OK
    if error.args[0] in _GONE:
        return CUT
    number, text = error.args
    found = _NUMBER.match(text)
    assert found is not None
    if found[3]:
        assert number == 600 and found[2] == "00600"
        return int(found[3])
    assert found[2] is None or int(found[2]) == number
    return number


class Client:
    """A connection that sends statements."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Rows by the names of their columns."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def values(self, statement: str) -> list[Any]:
        """The first column."""
        return [next(iter(row.values())) for row in self.rows(statement)]

    def value(self, statement: str) -> Any:
        (value,) = self.values(statement)
        return value

    def code(self, statement: str) -> Any:
        """What it gets: ``ok``, ``cut`` or a number."""
        try:
            self.rows(statement)
        except pymysql.err.Error as error:
            return code(error)
        return OK

    def text(self, statement: str) -> str:
        """The text of the error that it gets, "" for none."""
        try:
            self.rows(statement)
        except pymysql.err.Error as error:
            return str(error.args[1])
        return ""


def fate(session: Session) -> Any:
    """What the client of a session gets now: for a busy one when its statement ends."""
    if isinstance(session, BusySession):
        session.wait()
        return code(session.error)
    try:
        session.execute(session.ping)
    except pymysql.err.Error as error:
        return code(error)
    return OK


def await_gone(server: OceanBaseServer, session: Session) -> None:
    wait_until(lambda: not listed(server, session), what=f"session {session.id} to go")


def listed(server: OceanBaseServer, session: Session) -> dict[str, Any] | None:
    """Its row in the session list of the server itself."""
    with server.connect(port=server.direct_port) as connection:
        rows = Client(connection).rows(f"SELECT * FROM SYS.GV$OB_PROCESSLIST WHERE ID = {session.id}")
    return rows[0] if rows else None


def value_of(server: OceanBaseServer, database: str, row: int = 1) -> int:
    """What everybody sees in this row of the actors' table."""
    return int(server.sql(f"SELECT v FROM SYS.{database}_t WHERE id = {row}")[0][0])
