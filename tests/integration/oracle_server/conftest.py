# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stand-in for each test module, of the kind that the module names in ``STAND_IN``, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import oracledb
import pytest
from integration.oracle_server.life import attempt, await_active
from integration.oracle_server.wire_backend import SERVERS, Backend

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[OracleServer]:
    with OracleServer(**getattr(request.module, "STAND_IN", {})) as running:
        yield running


@pytest.fixture(scope="module")
def killer(server: OracleServer) -> Iterator[oracledb.Connection]:
    """The administrator's connection that ends sessions."""
    with server.connect() as connection:
        yield connection


@pytest.fixture
def act(killer: oracledb.Connection) -> Callable[[str], int]:
    """``act("KILL SESSION ...")``: ALTER SYSTEM with that, and the error that it got, 0 for none."""
    return lambda clause: attempt(killer, f"ALTER SYSTEM {clause}")


@pytest.fixture
def opened(server: OracleServer) -> Iterator[list[Session]]:
    """What is in it is closed at the end of the test."""
    every: list[Session] = []
    yield every
    for session in every:
        if isinstance(session, BusySession) and not session.done.is_set():
            # It may hear of nothing else.
            server.end_process(session)
        session.close()


@pytest.fixture
def idle(server: OracleServer, opened: list[Session]) -> Callable[..., Session]:
    """``idle(**login)``: an idle session without a transaction."""

    def open_one(**login: Any) -> Session:
        opened.append(actors.idle(server, **login))
        return opened[-1]

    return open_one


@pytest.fixture
def busy(server: OracleServer, opened: list[Session]) -> Callable[..., BusySession]:
    """``busy(statement, **login)``: a session that runs this now."""

    def open_one(statement: str, **login: Any) -> BusySession:
        session = BusySession(server, server.connect(**login), statement)
        opened.append(session)
        await_active(session)
        return session

    return open_one


@pytest.fixture
def bystander(idle: Callable[..., Session]) -> Iterator[Session]:
    """A session that nobody means; it must live after the test."""
    session = idle()
    yield session
    assert session.alive()


@pytest.fixture
def policy(server: OracleServer) -> Callable[..., AbstractContextManager[None]]:
    """As OracleServer.policies."""
    return server.policies


# --- the protocol alone


@pytest.fixture(params=SERVERS)
def any_backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with Backend(SERVERS[request.param]) as backend:
        yield backend


@pytest.fixture(params=["19c", "23ai"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with Backend(SERVERS[request.param]) as running:
        yield running
