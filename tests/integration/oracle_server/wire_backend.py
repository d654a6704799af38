# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend for tests of the protocol alone: it has canned answers and no idea of SQL.

Its only account is ``scott`` with the password ``tiger``; each connection is served by a thread.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import oracledb
import pytest

from servers.oracle.errors import OracleError
from servers.oracle.requests import CloseCursors, Execute, Fetch, Logoff, Request, Unknown
from servers.oracle.ttc import Channel, ClientGone, ConnectRequest, Login, Settings
from servers.oracle.values import Column, Row, Type
from servers.oracle.verifier import Verifier, make_verifier

HOST = "127.0.0.1"
PASSWORD = "tiger"
# Hashing takes a while; the tests may share the results.
VERIFIERS = {"11g": make_verifier(PASSWORD, "11g"), "12c": make_verifier(PASSWORD, "12c")}
PARAMETERS = {
    "AUTH_SC_SERVICE_NAME": "shop",
    "AUTH_INSTANCENAME": "ORCL1",
    "AUTH_SC_DBUNIQUE_NAME": "ORCL",
    "AUTH_SC_REAL_DBUNIQUE_NAME": "orcl_site",
    "AUTH_SC_DB_DOMAIN": "example.com",
    "AUTH_MAX_OPEN_CURSORS": "300",
    "AUTH_MAX_IDEN_LENGTH": "128",
}

V19 = Settings.of_release((19, 0, 0, 0, 0))
V23 = Settings.of_release((23, 4, 0, 0, 0))
SERVERS = {
    "11.2-like": replace(V19, version=(11, 2, 0, 4, 0), field_version=6, verifier="11g", max_string=4000),
    "12.1": Settings.of_release((12, 1, 0, 2, 0)),
    "12.2": Settings.of_release((12, 2, 0, 1, 0)),
    "18c": Settings.of_release((18, 3, 0, 0, 0)),
    "19c": V19,
    "19c-11g-verifier": replace(V19, verifier="11g"),
    "19c-fast-auth": replace(V19, fast_auth=True),
    "19c-small-packets": replace(V19, sdu=300),
    "21c": Settings.of_release((21, 3, 0, 0, 0)),
    "23ai": V23,
    "23ai-classic": replace(V23, fast_auth=False, end_of_response=False),
    "23ai-end-of-response": replace(V23, fast_auth=False),
    "23ai-small-packets": replace(V23, sdu=270),
}
ONE = [Column("N", Type.NUMBER)]

Answer = Callable[["Session", Execute], None]


class Session:
    """One connection as the answers see it."""

    def __init__(self, backend: Backend, channel: Channel) -> None:
        self.backend = backend
        self.channel = channel
        self.remaining: dict[int, tuple[Sequence[Column], list[Row]]] = {}

    def reply_query(self, request: Execute, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Answer with as many rows as the client asked for, and keep the rest for its fetches."""
        if request.describe_only:
            self.channel.reply_describe(columns)
            return
        now, rest = list(rows[: request.rows]), list(rows[request.rows :])
        self.remaining[request.cursor_id] = (columns, rest)
        self.channel.reply_rows(columns, now, more=bool(rest) or request.rows == 0)

    def serve(self, request: Request) -> None:
        for piggyback in request.before:
            if isinstance(piggyback, CloseCursors):
                for cursor_id in piggyback.cursor_ids:
                    self.remaining.pop(cursor_id, None)
        if isinstance(request, Execute):
            answer = self.backend.answers.get(request.sql)
            if answer is None:
                self.channel.reply_error(OracleError(900))
            else:
                answer(self, request)
        elif isinstance(request, Fetch):
            columns, rows = self.remaining[request.cursor_id]
            now, rest = rows[: request.rows], rows[request.rows :]
            self.remaining[request.cursor_id] = (columns, rest)
            self.channel.reply_fetch(columns, now, more=bool(rest))
        elif isinstance(request, Unknown):
            self.channel.reply_error(OracleError(3001))
        elif request.answered:
            self.channel.reply_status()


class Backend:
    """A listener on a free port; on leaving it raises what went wrong in its threads."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.connects: list[ConnectRequest] = []
        self.logins: list[Login] = []
        self.errors: list[BaseException] = []
        self.channels: list[Channel] = []
        self.dsn = ""
        self.port = 0
        # What to do with a connection before it is accepted; true: it has been dealt with.
        self.gate: Callable[[Channel, ConnectRequest], bool] = lambda channel, wanted: False
        self._threads: list[threading.Thread] = []
        self._leaving = False

    def query(self, sql: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        self.answers[sql] = lambda session, request: session.reply_query(request, columns, rows)

    def connect(self, **arguments: Any) -> oracledb.Connection:
        return oracledb.connect(**({"user": "scott", "password": PASSWORD, "dsn": self.dsn} | arguments))

    def executed(self) -> list[Execute]:
        return [request for request in self.requests if isinstance(request, Execute)]

    def _accept(self) -> None:
        while True:
            sock, _address = self._listener.accept()
            if self._leaving:
                sock.close()
                return
            thread = threading.Thread(target=self._run, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket) -> None:
        channel = Channel(sock, self.settings)
        self.channels.append(channel)
        try:
            self._serve(channel)
        except ClientGone:
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            channel.close()

    def _find(self, user: str) -> Verifier | None:
        return VERIFIERS[self.settings.verifier] if user == "SCOTT" else None

    def _serve(self, channel: Channel) -> None:
        wanted = channel.connect_request()
        self.connects.append(wanted)
        if self.gate(channel, wanted):
            return
        channel.accept()
        try:
            self.logins.append(channel.authenticate(self._find))
        except OracleError as error:
            channel.fail(error)
            return
        channel.welcome(12, 54321, PARAMETERS)
        session = Session(self, channel)
        while (request := channel.next_request()) is not None:
            if not isinstance(request, Logoff):
                self.requests.append(request)
            try:
                session.serve(request)
            except OracleError as error:
                channel.reply_error(error)

    def __enter__(self) -> Backend:
        self._listener = socket.create_server((HOST, 0), backlog=100)
        self.port = int(self._listener.getsockname()[1])
        self.dsn = f"{HOST}:{self.port}/shop"
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        socket.create_connection((HOST, self.port)).close()
        self._acceptor.join()
        self._listener.close()
        for channel in self.channels:
            channel.close()
        for thread in self._threads:
            thread.join(10)
        if self.errors and error is None:
            raise self.errors[0]


def code_of(error: pytest.ExceptionInfo[oracledb.Error]) -> tuple[str, int]:
    return error.value.args[0].full_code, error.value.args[0].code


def done(session: Session, request: Execute) -> None:
    session.channel.reply_dml(len(request.iterations))


def wait_for_break(session: Session, request: Execute) -> None:
    if session.channel.poll_break(20.0):
        session.channel.answer_break()
    else:
        session.channel.reply_error(OracleError(1012))


def still_works(connection: oracledb.Connection) -> bool:
    with connection.cursor() as cursor:
        return bool(cursor.execute("SELECT 1").fetchall() == [(1,)])
