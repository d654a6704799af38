# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module is: one row per module. A new module adds its row and thereby passes the whole set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from servers import actors
from servers.actors import BusySession, Session
from servers.proxy import Proxy
from servers.seekdb import Seekdb

# ER_QUERY_INTERRUPTED: what the client of a cancelled statement reads.
CANCELLED = 1317


@dataclass(frozen=True)
class Acting:
    """One module: what it acts on, what it sends, and what a person then finds on the server.

    ``victim`` makes a session that the module can act on; ``rule`` fits it, together with its user name. ``dead``
    asks the victim itself. ``session_stays`` says whether only the statement ends. ``again`` is the outcome for a
    session by name when the module has done its work already.
    """

    module: str
    verb: str
    statement: str
    victim: Callable[..., Session]
    rule: dict[str, Any]
    dead: Callable[[Session], bool]
    session_stays: bool
    again: str
    options: dict[str, Any] = field(default_factory=dict)

    def of(self, session: Session) -> str:
        return self.statement.format(session.id)


def _connection_gone(session: Session) -> bool:
    return not session.alive()


def _only_its_statement_ended(session: Session) -> bool:
    assert isinstance(session, BusySession)
    session.wait()
    return session.error_code == CANCELLED and session.alive()


MODULES = [
    Acting(
        module="session_kill",
        verb="kill",
        statement="KILL {}",
        victim=actors.idle,
        rule={"idle": 0},
        dead=_connection_gone,
        session_stays=False,
        again="gone",
    ),
    Acting(
        module="sql_cancel",
        verb="cancel",
        statement="KILL QUERY {}",
        victim=actors.sleeping,
        rule={"active": 0},
        dead=_only_its_statement_ended,
        session_stays=True,
        again="unchanged",
    ),
]


def untouched(session: Session) -> bool:
    """True while the session lives and what it runs, if anything, goes on."""
    return session.alive() and not (isinstance(session, BusySession) and session.done.is_set())


def statements(proxy: Proxy) -> list[str]:
    """Every statement sent through the proxy that ends something."""
    parts = [part.strip() for text in proxy.queries for part in text.split(";")]
    return [part for part in parts if re.match(r"(?i)kill|alter\s+system", part)]


@pytest.fixture(params=MODULES, ids=lambda each: each.module)
def acting(request: pytest.FixtureRequest) -> Acting:
    return request.param


@pytest.fixture
def make(acting: Acting, server: Seekdb, db_user: dict[str, str]) -> Iterator[Callable[..., list[Session]]]:
    """``make(n)``: n victims of the test's own user."""
    with ExitStack() as stack:

        def victims(n: int = 1, **login: Any) -> list[Session]:
            return [stack.enter_context(acting.victim(server, **(db_user | login))) for _turn in range(n)]

        yield victims


@pytest.fixture
def rule(acting: Acting, db_user: dict[str, str]) -> dict[str, Any]:
    """A match that fits the test's own victims and nobody else."""
    return {"username": db_user["user"], **acting.rule}


@pytest.fixture
def act(acting: Acting, proxy: Proxy, run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """``act(**options)``: runs the module through the recording proxy; check, diff, env, python as run_module."""

    def run(check: bool = False, diff: bool = False, env: Any = None, python: Any = (), **options: Any) -> Any:
        options = {"login_dsn": proxy.dsn, **acting.options, **options}
        return run_module(acting.module, options, check=check, diff=diff, env=env, python=python)

    return run
