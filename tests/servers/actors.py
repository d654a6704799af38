# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Database sessions in a known state, opened by real clients: the victims and the bystanders of tests and demo.

Every factory returns only when the server itself shows the state: in V$OB_PROCESSLIST, and in V$OB_LOCKS for locks.
``login`` is passed to :meth:`servers.seekdb.Seekdb.connect` (``user``, ``password``, ``database``, ``port`` of a
proxy, ...). All sessions are context managers.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self

import pymysql

from .seekdb import Seekdb

READY_SECONDS = 15.0
POLL_SECONDS = 0.01
# More threads than this only wait for each other and for the server.
POOL_THREADS = 4


def wait_until(condition: Callable[[], Any], timeout: float = READY_SECONDS, what: str = "the condition") -> Any:
    """Poll until ``condition()`` is true and return its value; TimeoutError that names ``what`` after ``timeout`` s."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout} s in vain for {what}; last seen: {value!r}")
        time.sleep(POLL_SECONDS)
    return value


class Server(Protocol):
    """What a session needs of its server."""

    def connect(self, **login: Any) -> Any:
        """A new connection, the administrator's unless the login says otherwise."""

    def sql(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        """Rows of a statement, run as the administrator."""


class Session:
    """One client connection. ``id`` is what KILL takes, ``connection`` is PyMySQL's own object."""

    ping = "SELECT 1"

    def __init__(self, server: Server, connection: Any) -> None:
        self.server = server
        self.connection = connection
        self.id: int = connection.thread_id()

    def alive(self) -> bool:
        """True when this very connection still answers a query. Never reconnects."""
        try:
            self.execute(self.ping)
        except pymysql.err.MySQLError:
            return False
        return True

    def execute(self, statement: str | bytes, args: Any = None) -> tuple[tuple[Any, ...], ...]:
        """Run one statement in this session and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, args)
            return tuple(cursor.fetchall())

    def close(self) -> None:
        with contextlib.suppress(pymysql.err.MySQLError):  # Closed already.
            self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class BusySession(Session):
    """A session that runs one statement in a thread.

    ``done`` is set when the client has its answer; then either ``error`` is what PyMySQL raised (1317 after
    KILL QUERY; 2013 or 5066 after KILL) or ``rows`` is the result.
    """

    def __init__(self, server: Server, connection: Any, statement: str | bytes) -> None:
        super().__init__(server, connection)
        self.statement = statement
        self.done = threading.Event()
        self.error: pymysql.err.MySQLError | None = None
        self.rows: tuple[tuple[Any, ...], ...] = ()
        self._thread = threading.Thread(target=self._run, name=f"session {self.id}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.rows = self.execute(self.statement)
        except pymysql.err.MySQLError as error:
            self.error = error
        finally:
            self.done.set()

    @property
    def error_code(self) -> int | None:
        """The number of ``error``; None when there is none."""
        return None if self.error is None else int(self.error.args[0])

    def wait(self, timeout: float = READY_SECONDS) -> None:
        """Block until the statement has ended; TimeoutError after ``timeout`` seconds."""
        if not self.done.wait(timeout):
            raise TimeoutError(f"after {timeout} s session {self.id} still runs: {self.statement}")

    def alive(self) -> bool:
        """True while the statement runs, afterwards as :meth:`Session.alive`.

        A killed lock waiter is told up to 10 s after the KILL; until then its client cannot know.
        """
        return not self.done.is_set() or super().alive()

    def close(self) -> None:
        if not self.done.is_set():
            # KILL frees its locks at once; after a mere hang-up the server keeps those of a waiter for up to 10 s.
            # It fails when the session, or the whole server, has ended meanwhile.
            with contextlib.suppress(pymysql.err.MySQLError):
                self.server.sql(f"KILL {self.id}")
            _hang_up(self.connection)
            self._thread.join(READY_SECONDS)
        super().close()


def idle(server: Seekdb, **login: Any) -> Session:
    """A session that runs nothing and has no transaction."""
    session = Session(server, server.connect(**login))
    _await_processlist(session, "COMMAND = 'Sleep' AND TRANS_ID = 0")
    return session


def idle_in_transaction(server: Seekdb, row: int = 1, database: str = "app", **login: Any) -> Session:
    """A session that runs nothing, in an open transaction that holds the lock of row ``row`` of ``database``.t."""
    make_table(server, database, [row])
    session = Session(server, server.connect(**login))
    session.execute("BEGIN")
    session.execute(_update(database, row))
    _await_lock(session, "LMODE = 'X' AND BLOCK = 0")
    _await_processlist(session, "COMMAND = 'Sleep' AND TRANS_STATE = 'ACTIVE'")
    return session


def waiter(server: Seekdb, row: int = 1, database: str = "app", holds: int | None = None, **login: Any) -> BusySession:
    """A session that waits for the lock of a row somebody holds; the UPDATE runs in a thread.

    With ``holds`` it holds the lock of that row meanwhile, which makes it a link in a chain of blockers; its
    transaction then stays open after the UPDATE. Otherwise the UPDATE is a transaction of its own.
    """
    make_table(server, database, [row] if holds is None else [row, holds])
    connection = server.connect(**login)
    if holds is not None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(_update(database, holds))
    session = BusySession(server, connection, _update(database, row))
    _await_lock(session, "BLOCK = 1")
    return session


def sleeping(server: Seekdb, seconds: float = 3600, **login: Any) -> BusySession:
    """A session that runs ``SELECT SLEEP(seconds)``: active for long, without load."""
    return _busy(server, f"SELECT SLEEP({seconds})", login)


def runaway(server: Seekdb, **login: Any) -> BusySession:
    """A session whose statement computes for hours and takes one core all the time."""
    return _busy(server, "SELECT BENCHMARK(1000000000000, MD5('runaway'))", login)


def pool(server: Seekdb, n: int, user: str = "root", password: str = "", **login: Any) -> list[Session]:
    """``n`` idle sessions of one account. Close them with :func:`close_all`."""
    with ThreadPoolExecutor(POOL_THREADS) as threads:
        connections = list(threads.map(lambda _number: server.connect(user, password, **login), range(n)))
    sessions = [Session(server, connection) for connection in connections]
    wanted = {session.id for session in sessions}
    with server.connect() as connection, connection.cursor() as cursor:

        def all_idle() -> bool:
            cursor.execute("SELECT ID FROM oceanbase.V$OB_PROCESSLIST WHERE COMMAND = 'Sleep'")
            return wanted <= {row[0] for row in cursor.fetchall()}

        wait_until(all_idle, what=f"{n} idle sessions of {user}")
    return sessions


def close_all(sessions: Iterable[Session]) -> None:
    for session in sessions:
        session.close()


def make_table(server: Seekdb, database: str = "app", rows: Iterable[int] = (1,)) -> None:
    """Make sure that ``database``.t(id, v) exists and has these rows. Existing rows are left as they are."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {database}.t (id INT PRIMARY KEY, v INT NOT NULL)")
        for row in rows:
            # Looked at first: an INSERT of a row that somebody has locked would wait for the lock.
            cursor.execute(f"SELECT 1 FROM {database}.t WHERE id = %s", (row,))
            if not cursor.fetchall():
                cursor.execute(f"INSERT INTO {database}.t VALUES (%s, 0)", (row,))


def _update(database: str, row: int) -> str:
    return f"UPDATE {database}.t SET v = v + 1 WHERE id = {row}"


def _busy(server: Seekdb, statement: str, login: dict[str, Any]) -> BusySession:
    session = BusySession(server, server.connect(**login), statement)
    # SQL_ID appears when the statement has passed the parser, that is when it really runs.
    _await_processlist(session, "COMMAND = 'Query' AND STATE = 'ACTIVE' AND SQL_ID <> ''")
    return session


def _await_processlist(session: Session, state: str) -> None:
    _await_row(session, f"SELECT * FROM oceanbase.V$OB_PROCESSLIST WHERE ID = {session.id} AND {state}", state)


def _await_lock(session: Session, lock: str) -> None:
    _await_row(session, f"SELECT * FROM oceanbase.V$OB_LOCKS WHERE SESSION_ID = {session.id} AND {lock}", lock)


def _await_row(session: Session, query: str, state: str) -> None:
    with session.server.connect() as connection, connection.cursor() as cursor:
        try:
            wait_until(lambda: cursor.execute(query), what=f"session {session.id} with {state}")
        except TimeoutError:
            session.close()
            raise


def _hang_up(connection: Any) -> None:
    """End a connection that another thread is reading from: close() alone would not wake that thread."""
    with contextlib.suppress(AttributeError, OSError):  # The server was faster.
        connection._sock.shutdown(socket.SHUT_RDWR)
