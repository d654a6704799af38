# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of an OceanBase tenant in Oracle mode in a known state, opened by real clients; the same cast as in actors.py.

Every factory returns only when the server itself shows the state, in GV$OB_PROCESSLIST and GV$OB_LOCKS; before version 4,
which has no such views, in SHOW FULL PROCESSLIST. ``login`` is passed to the server's ``connect`` (``user``, ``password``,
``port``, ``init_command``, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql

from . import actors
from .actors import POOL_THREADS, close_all, wait_until
from .oceanbase.accounts import ADMINISTRATOR, SYS_TENANT
from .oceanbase.handle import OceanBaseServer

__all__ = [
    "BusySession",
    "Session",
    "begin",
    "close_all",
    "every_row",
    "idle",
    "idle_in_transaction",
    "listed",
    "make_table",
    "pool",
    "sleeping",
    "spread",
    "waiter",
]
NAME_IN_USE = 955


class Session(actors.Session):
    """``id`` is the session's own in the server, by which it is listed and killed there; behind a proxy the client may have
    been told another one.
    """

    ping = "SELECT 1 FROM DUAL"
    server: OceanBaseServer

    def __init__(self, server: OceanBaseServer, connection: Any) -> None:
        super().__init__(server, connection)
        self.id = int(self.execute("SELECT SYS_CONTEXT('USERENV', 'SID') FROM DUAL")[0][0])


class BusySession(actors.BusySession, Session):
    """Of a cancelled statement ``error_code`` is 600, of one that was killed 1092 or 2013."""


def idle(server: OceanBaseServer, **login: Any) -> Session:
    """A session that runs nothing and has no transaction."""
    session = Session(server, server.connect(**login))
    _await_listed(session, lambda row: row["COMMAND"] == "Sleep" and not row.get("TRANS_ID"))
    return session


def idle_in_transaction(
    server: OceanBaseServer, row: int = 1, database: str = "app", rows: int = 1, **login: Any
) -> Session:
    """A session that runs nothing, in an open transaction that holds the locks of ``rows`` rows from ``row`` on.

    ``database`` names the table, as two sessions fight for a row only when both name the same.
    """
    session = Session(server, server.connect(**login))
    begin(session, row, database, rows)
    _await_listed(session, lambda row: row["COMMAND"] == "Sleep" and row.get("TRANS_STATE", "ACTIVE") == "ACTIVE")
    return session


def begin(session: Session, row: int = 1, database: str = "app", rows: int = 1) -> None:
    """Open a transaction in this session that holds the locks of ``rows`` rows from ``row`` on."""
    table = make_table(session.server, database, range(row, row + rows))
    session.execute("BEGIN")
    session.execute(f"UPDATE {table} SET v = v + 1 WHERE id BETWEEN {row} AND {row + rows - 1}")


def waiter(
    server: OceanBaseServer, row: int = 1, database: str = "app", holds: int | None = None, **login: Any
) -> BusySession:
    """A session that waits for the lock of a row somebody holds; the UPDATE runs in a thread.

    With ``holds`` it holds the lock of that row meanwhile, which makes it a link in a chain of blockers; its transaction
    then stays open after the UPDATE. Otherwise the UPDATE is a transaction of its own.
    """
    table = make_table(server, database, [row] if holds is None else [row, holds])
    connection = server.connect(**login)
    if holds is not None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"UPDATE {table} SET v = v + 1 WHERE id = {holds}")
    session = BusySession(server, connection, f"UPDATE {table} SET v = v + 1 WHERE id = {row}")
    # Nothing else of it lasts.
    _await_listed(session, lambda row: row["COMMAND"] == "Query" and row["INFO"] == session.statement)
    return session


def sleeping(server: OceanBaseServer, seconds: float = 3600, **login: Any) -> BusySession:
    """A session that runs ``DBMS_LOCK.SLEEP(seconds)``: active for long, without load."""
    session = BusySession(server, server.connect(**login), f"CALL DBMS_LOCK.SLEEP({seconds})")
    _await_listed(session, lambda row: row["COMMAND"] == "Query" and row["INFO"] == session.statement)
    return session


def spread(server: OceanBaseServer, seconds: float = 3600, **login: Any) -> BusySession:
    """The client of a proxy with ids of version 2 that has one id on two nodes: idle on node 1, while it runs
    ``DBMS_LOCK.SLEEP(seconds)`` on node 2. What it sends later goes to node 2, too.
    """
    connection = server.connect(**login)
    server.route(connection.thread_id(), 2)
    session = BusySession(server, connection, f"CALL DBMS_LOCK.SLEEP({seconds})")
    _await_listed(session, lambda row: row["COMMAND"] == "Query" and row["INFO"] == session.statement)
    return session


def pool(server: OceanBaseServer, n: int, **login: Any) -> list[Session]:
    """``n`` idle sessions of one account. Close them with :func:`close_all`."""
    with ThreadPoolExecutor(POOL_THREADS) as threads:
        return list(threads.map(lambda _number: Session(server, server.connect(**login)), range(n)))


def make_table(server: OceanBaseServer, database: str, rows: Iterable[int]) -> str:
    """Make sure that the table of this name exists, for everybody, with these rows; its full name."""
    table = f"SYS.{database}_t"
    with server.connect(port=server.direct_port) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(f"CREATE TABLE {table} (id NUMBER(10) PRIMARY KEY, v NUMBER(10) NOT NULL)")
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO PUBLIC")
        except pymysql.err.MySQLError as error:
            if error.args[0] != NAME_IN_USE:
                raise
        for row in rows:
            cursor.execute(f"INSERT INTO {table} SELECT {row}, 0 FROM DUAL WHERE NOT EXISTS ({_row(table, row)})")
    return table


def _row(table: str, row: int) -> str:
    return f"SELECT 1 FROM {table} WHERE id = {row}"


def listed(session: Session) -> dict[str, Any] | None:
    """What the server lists of the session, by upper-case column names; None when it is gone. Of one that has rows on
    several nodes it is the first node's.
    """
    return next(iter(every_row(session)), None)


def every_row(session: Session) -> list[dict[str, Any]]:
    """All that the server lists with the id of the session, by node."""
    server = session.server
    # Who sees all tenants.
    login: dict[str, Any] = {"user": ADMINISTRATOR, "tenant": SYS_TENANT, "port": server.direct_port}
    with server.connect(**login) as connection, connection.cursor() as cursor:
        if server.options.numbers < (4,):
            cursor.execute("SHOW FULL PROCESSLIST")
        else:
            cursor.execute(f"SELECT * FROM SYS.GV$OB_PROCESSLIST WHERE ID = {session.id} ORDER BY SVR_IP")
        names = [column[0].upper() for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [row for row in found if row["ID"] == session.id]


def _await_listed(session: Session, state: Callable[[dict[str, Any]], bool]) -> None:
    try:
        wait_until(lambda: any(map(state, every_row(session))), what=f"session {session.id}")
    except TimeoutError:
        session.close()
        raise
