# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle Database for the modules to act on: the stand-in, or a real one where the environment names it.

A test module says in ``STAND_IN`` what kind of database its stand-in is to be. Whatever a real database in other hands
cannot be asked for (a certain release, several instances, its death, what was sent to it) takes the fixture ``stand_in``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session
from servers.proxy import Proxy
from servers.real_oracle import RealOracle, given

from ..conftest import Running, launch

PASSWORD = "Tr0ub4dor_3"


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[OracleServer | RealOracle]:
    with RealOracle() if given() else OracleServer(**getattr(request.module, "STAND_IN", {})) as running:
        yield running


@pytest.fixture
def stand_in(server: OracleServer | RealOracle) -> OracleServer:
    """The stand-in, with nothing in its records; without one the test is skipped."""
    if isinstance(server, RealOracle):
        pytest.skip("needs the stand-in")
    server.reset_calls()
    return server


@pytest.fixture(scope="module")
def login(server: OracleServer | RealOracle) -> dict[str, Any]:
    """The administrator's login, as options of a module."""
    user = server.user if isinstance(server, RealOracle) else server.administrator
    return {"login_dsn": server.dsn, "login_user": user, "login_password": server.password}


@pytest.fixture(scope="module")
def start_module(login: dict[str, Any]) -> Callable[..., Running]:
    """``start_module(name, options)``: starts a module as its wrapper on a target does. The login is the administrator's
    unless the options say otherwise.
    """

    return lambda name, options, **settings: launch(name, {"dialect": "oracle"} | login | dict(options), **settings)


@pytest.fixture(scope="module")
def run_module(start_module: Callable[..., Running]) -> Callable[..., dict[str, Any]]:
    """``run_module(name, options, check, diff)``: as start_module, and the module's result."""

    def run(name: str, options: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
        return start_module(name, options, **settings).result()

    return run


@pytest.fixture
def proxy(server: OracleServer | RealOracle) -> Iterator[Proxy]:
    """A way to the server that records what clients send."""
    address, _slash, _service = server.dsn.partition("/")
    host, _colon, port = address.rpartition(":")
    with Proxy(host, int(port), record=True, protocol="tns") as running:
        yield running


@pytest.fixture
def through(server: OracleServer | RealOracle, proxy: Proxy) -> dict[str, str]:
    """The options that lead a module through the proxy."""
    return {"login_dsn": f"{proxy.dsn}/{server.dsn.partition('/')[2]}"}


@pytest.fixture(scope="module")
def create_user(server: OracleServer | RealOracle) -> Callable[..., dict[str, str]]:
    """``create_user(*grants)``: a new account that may log in, as the arguments that every actor takes."""

    def create(*grants: str, session: bool = True) -> dict[str, str]:
        name = f"APP_{secrets.token_hex(4).upper()}"
        server.create_user(name, PASSWORD, (("CREATE SESSION",) if session else ()) + grants)
        return {"user": name, "password": PASSWORD}

    return create


@pytest.fixture
def db_user(create_user: Callable[..., dict[str, str]]) -> dict[str, str]:
    """An account of this test alone, so that its rules meet no session of another test."""
    return create_user()


@pytest.fixture
def pool(server: OracleServer | RealOracle) -> Iterator[Callable[..., list[Session]]]:
    """``pool(n, **login)``: that many idle sessions, closed at the end of the test."""
    every: list[Session] = []

    def open_them(n: int, **login: Any) -> list[Session]:
        sessions = actors.pool(server, n, **login)
        every.extend(sessions)
        return sessions

    yield open_them
    actors.close_all(every)


@pytest.fixture
def policy(stand_in: OracleServer) -> Callable[..., AbstractContextManager[None]]:
    """As OracleServer.policies."""
    return stand_in.policies


@pytest.fixture
def aged(server: OracleServer | RealOracle) -> Callable[[Session, float], None]:
    """``aged(session, seconds)``: what the session does, waits for and has open has lasted for so long. The stand-in is
    told so, with a real database it is waited for.
    """

    def age(session: Session, seconds: float) -> None:
        if isinstance(server, RealOracle):
            time.sleep(seconds)
            return
        earlier, key = seconds / sga.SECONDS_PER_DAY, (session.inst_id, session.sid)
        with server.memory() as connection, sga.write(connection):
            for table, columns in (
                (tables.Session, ("status_since", "wait_start", "sql_exec_start")),
                (tables.Transaction, ("start_date",)),
                (tables.Lock, ("since",)),
            ):
                changes = ", ".join(f"{column} = {column} - {earlier!r}" for column in columns)
                connection.execute(f"UPDATE {table.TABLE} SET {changes} WHERE inst_id = ? AND sid = ?", key)

    return age


@pytest.fixture
def answers(stand_in: OracleServer) -> Callable[[], list[tuple[str, int]]]:
    """``answers()``: every statement that was to end a session, and the error that the server answered, 0 for none."""

    def read() -> list[tuple[str, int]]:
        with stand_in.memory() as connection:
            return [(each.text, each.code) for each in sga.select(connection, tables.Statement)]

    return read


@pytest.fixture
def logins(stand_in: OracleServer) -> Callable[[], int]:
    """``logins()``: how many sessions of ours have called the stand-in."""
    return lambda: len({(call.inst_id, call.sid, call.serial) for call in stand_in.calls()})


@pytest.fixture
def running(server: OracleServer | RealOracle) -> Iterator[Callable[..., BusySession]]:
    """``running(statement, **login)``: a session that runs this, seen on the server, until the end of the test at the
    longest: the stand-in's sessions can be in a call that hears of nothing, so their processes are ended.
    """
    every: list[BusySession] = []

    def run(statement: str, **login: Any) -> BusySession:
        session = BusySession(server, server.connect(**login), statement)
        every.append(session)
        busy = "SELECT 1 FROM gv$session WHERE inst_id = :1 AND sid = :2 AND serial# = :3 AND status = 'ACTIVE'"
        names = (session.inst_id, session.sid, session.serial)
        wait_until(lambda: server.sql(busy, names), what=f"session {session.sid} to run {statement}")
        return session

    yield run
    for session in every:
        if isinstance(server, OracleServer) and not session.done.is_set():
            server.end_process(session)
        session.close()
