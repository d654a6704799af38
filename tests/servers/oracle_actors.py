# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of Oracle Database in a known state, opened by real clients; the same cast as in actors.py.

Every factory returns only when the server itself shows the state in V$SESSION. ``login`` is passed to the server's
``connect`` (``user``, ``password``, ``instance``, ``service``, ...). They need nothing that a real Oracle Database does
not have, so they work on the stand-in and on a real one alike.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self

import oracledb

from .actors import POOL_THREADS, READY_SECONDS, wait_until

NO_SUCH_TABLE, NAME_IN_USE = 942, 955


class Server(Protocol):
    """What the actors need of a server: the stand-in's handle and :class:`servers.real_oracle.RealOracle` have it."""

    def connect(self, **login: Any) -> oracledb.Connection:
        """A connection of the real driver; the administrator's where no user is named."""

    def sql(self, statement: str, binds: Any = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement, run and committed as the administrator."""


class Session:
    """One client connection. ``sid``, ``serial`` and ``inst_id`` name its session; ``connection`` is the driver's own."""

    def __init__(self, server: Server, connection: oracledb.Connection) -> None:
        self.server = server
        self.connection = connection
        self.inst_id, self.sid, self.serial = self.execute(
            "SELECT TO_NUMBER(SYS_CONTEXT('USERENV', 'INSTANCE')), TO_NUMBER(SYS_CONTEXT('USERENV', 'SID')), "
            f"{connection.serial_num} FROM dual"
        )[0]

    @property
    def id(self) -> int:
        return self.sid

    def alive(self) -> bool:
        """True when this very connection still answers a query. Never reconnects."""
        try:
            self.execute("SELECT 1 FROM dual")
        except oracledb.Error:
            return False
        return True

    def execute(self, statement: str, binds: Any = ()) -> list[tuple[Any, ...]]:
        """Run one statement in this session and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, binds)
            return list(cursor.fetchall()) if cursor.description else []

    def commit(self) -> None:
        self.connection.commit()

    def close(self) -> None:
        # Once the driver knows that the connection is dead, it must not be touched again.
        if self.connection.is_healthy():
            with contextlib.suppress(oracledb.Error):
                self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class BusySession(Session):
    """A session that runs one statement in a thread; ``holder`` is what it waits for, if anything of ours, and ``sql_id``
    what :func:`sleeping` has seen that it runs.

    ``done`` is set when the client has its answer; then ``error`` is what the driver raised, or None.
    """

    def __init__(
        self, server: Server, connection: oracledb.Connection, statement: str, holder: Session | None = None
    ) -> None:
        super().__init__(server, connection)
        self.statement = statement
        self.holder = holder
        self.sql_id: str | None = None
        self.done = threading.Event()
        self.error: oracledb.Error | None = None
        self._thread = threading.Thread(target=self._run, name=f"session {self.sid}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.execute(self.statement)
        except oracledb.Error as error:
            self.error = error
        finally:
            self.done.set()

    @property
    def error_code(self) -> int | None:
        """The number of ``error``; None when there is none."""
        return None if self.error is None else int(self.error.args[0].code)

    def wait(self, timeout: float = READY_SECONDS) -> None:
        """Block until the statement has ended; TimeoutError after ``timeout`` seconds."""
        if not self.done.wait(timeout):
            raise TimeoutError(f"after {timeout} s session {self.sid} still runs: {self.statement}")

    def alive(self) -> bool:
        """True while the statement runs, afterwards as :meth:`Session.alive`."""
        return not self.done.is_set() or super().alive()

    def close(self) -> None:
        if self.holder is not None:
            self.holder.close()
        if not self.done.is_set():
            with contextlib.suppress(oracledb.Error):  # It has ended meanwhile.
                self.server.sql(f"ALTER SYSTEM KILL SESSION '{self.sid},{self.serial},@{self.inst_id}' IMMEDIATE")
            self._thread.join(READY_SECONDS)
        super().close()


def idle(server: Server, **login: Any) -> Session:
    """A session that runs nothing and has no transaction."""
    session = Session(server, server.connect(**login))
    _await_session(session, "status = 'INACTIVE' AND taddr IS NULL")
    return session


def idle_in_transaction(server: Server, row: int = 1, database: str = "app", rows: int = 1, **login: Any) -> Session:
    """A session that runs nothing, in an open transaction that holds the locks of ``rows`` rows from ``row`` on.

    ``database`` names the table, as two sessions fight for a row only when both name the same.
    """
    table = make_table(server, database, range(row, row + rows))
    session = Session(server, server.connect(**login))
    session.execute(f"UPDATE {table} SET v = v + 1 WHERE id BETWEEN {row} AND {row + rows - 1}")
    _await_session(session, "status = 'INACTIVE' AND taddr IS NOT NULL")
    return session


def waiter(server: Server, row: int = 1, database: str = "app", holds: int | None = None, **login: Any) -> BusySession:
    """A session that waits for the lock of a row somebody holds; the UPDATE runs in a thread.

    With ``holds`` it holds the lock of that row meanwhile, which makes it a link in a chain of blockers; its transaction
    then stays open after the UPDATE. Otherwise the UPDATE is a transaction of its own.
    """
    table = make_table(server, database, [row] if holds is None else [row, holds])
    connection = server.connect(**login)
    if holds is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET v = v + 1 WHERE id = {holds}")
    connection.autocommit = holds is None
    session = BusySession(server, connection, f"UPDATE {table} SET v = v + 1 WHERE id = {row}")
    _await_session(session, "blocking_session_status = 'VALID'")
    return session


_rows = itertools.count(1_000_000)


def sleeping(server: Server, **login: Any) -> BusySession:
    """A session that is active for long, without load, and that can be interrupted: it waits for a row of its own holder."""
    row = next(_rows)
    holder = idle_in_transaction(server, row=row, database="sleepers")
    table = make_table(server, "sleepers", [])
    session = BusySession(
        server, server.connect(**login), f"UPDATE {table} SET v = v + 1 WHERE id = {row}", holder=holder
    )
    _await_session(session, "status = 'ACTIVE' AND sql_id IS NOT NULL AND blocking_session_status = 'VALID'")
    shown = listed(session)
    session.sql_id = shown and shown["sql_id"]
    return session


def pool(server: Server, n: int, **login: Any) -> list[Session]:
    """``n`` idle sessions of one account. Close them with :func:`close_all`."""
    with ThreadPoolExecutor(POOL_THREADS) as threads:
        return list(threads.map(lambda _number: Session(server, server.connect(**login)), range(n)))


def close_all(sessions: Iterable[Session]) -> None:
    for session in sessions:
        session.close()


def make_table(server: Server, database: str, rows: Iterable[int]) -> str:
    """Make sure that the table of this name exists, for everybody, with these rows; its full name."""
    owner = server.sql("SELECT USER FROM dual")[0][0]
    table = f"{owner}.{database}_t"
    try:
        server.sql(f"CREATE TABLE {table} (id NUMBER(10) PRIMARY KEY, v NUMBER(10) NOT NULL)")
        server.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO PUBLIC")
    except oracledb.DatabaseError as error:
        if error.args[0].code != NAME_IN_USE:
            raise
    wanted: Sequence[int] = list(rows)
    if wanted:
        # Looked at first: an INSERT of a row that somebody has locked would wait for the lock.
        there = {
            row[0] for row in server.sql(f"SELECT id FROM {table} WHERE id BETWEEN {min(wanted)} AND {max(wanted)}")
        }
        for row in wanted:
            if row not in there:
                server.sql(f"INSERT INTO {table} VALUES ({row}, 0)")
    return table


def listed(session: Session) -> dict[str, Any] | None:
    """What the server shows of the session, by lower-case column names; None when it is gone."""
    columns = ("status", "server", "taddr", "sql_id", "event", "blocking_session", "module", "last_call_et")
    rows = session.server.sql(
        f"SELECT {', '.join(columns)} FROM gv$session WHERE inst_id = :1 AND sid = :2 AND serial# = :3",
        (session.inst_id, session.sid, session.serial),
    )
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def _await_session(session: Session, state: str) -> None:
    query = f"SELECT 1 FROM gv$session WHERE inst_id = :1 AND sid = :2 AND serial# = :3 AND {state}"
    names = (session.inst_id, session.sid, session.serial)
    try:
        wait_until(lambda: session.server.sql(query, names), what=f"session {session.sid} with {state}")
    except TimeoutError:
        session.close()
        raise
