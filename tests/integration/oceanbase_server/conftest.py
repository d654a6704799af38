# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stand-in for each test module, of the kind that the module names in ``STAND_IN``, and clients of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from integration.oceanbase_server.life import PASSWORD, Account, Client, Open

from servers import oceanbase_actors as actors
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase_actors import Session


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[OceanBaseServer]:
    with OceanBaseServer(**getattr(request.module, "STAND_IN", {})) as running:
        yield running


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is entered is left at the end of the test."""
    with ExitStack() as every:
        yield every


@pytest.fixture
def client(server: OceanBaseServer, stack: ExitStack) -> Callable[..., Client]:
    """``client(**login)``: a connection that sends statements; SYS's unless the login says otherwise."""
    return lambda **login: Client(stack.enter_context(server.connect(**login)))


@pytest.fixture
def account(server: OceanBaseServer) -> Callable[..., Account]:
    """``account("ALTER SYSTEM", ...)``: the login of a new user who has these grants and may log in."""

    def create(*grants: str) -> Account:
        name = f"U_{secrets.token_hex(4).upper()}"
        server.create_user(name, PASSWORD, ("CREATE SESSION", *grants))
        return {"user": name, "password": PASSWORD}

    return create


@pytest.fixture
def idle(server: OceanBaseServer, stack: ExitStack) -> Open:
    """``idle(**login)``: an idle session without a transaction."""
    return lambda **login: stack.enter_context(actors.idle(server, **login))


@pytest.fixture
def bystander(idle: Open) -> Iterator[Session]:
    """A session that nobody means; it is alive in the end."""
    session = idle()
    yield session
    assert session.alive()


@pytest.fixture
def policy(server: OceanBaseServer, stack: ExitStack) -> Callable[..., Any]:
    """``policy(name=value)``: a row of the table is another one until the end of the test."""
    return lambda **values: stack.enter_context(server.policies(**values))
