# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of the set for each acting module on each database: a new module adds its row to sites.CASES.

A test that is about one database only says so: ``@pytest.mark.only("oracle")``. One of what the modules share, such as the
reading of options, runs for every module and every database, but not for every pair: ``@pytest.mark.shared``. Oracle
Database is the stand-in, or a real one where the environment names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from servers.oracle.handle import OracleServer
from servers.real_oracle import RealOracle, given

from ..conftest import Running, launch
from ..sites import CASES, SHARED, SITES, Acting, Case, Site, Wire

# The fixtures that start the servers.
SERVERS = {"oceanbase": "mysql_mode_server", "oceanbase_oracle": "oracle_mode_server", "oracle": "oracle_server"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    only = metafunc.definition.get_closest_marker("only")
    every = SHARED if metafunc.definition.get_closest_marker("shared") else CASES
    cases = [case for case in every if only is None or case.site in only.args]
    if "hidden" in metafunc.fixturenames:
        both = [(case, hidden) for case in cases for hidden in SITES[case.site].hidden]
        metafunc.parametrize(("acting", "hidden"), both, indirect=["acting"], ids=str)
    elif "acting" in metafunc.fixturenames:
        metafunc.parametrize("acting", cases, indirect=True, ids=str)


def untouched(session: Any) -> bool:
    """True while the session lives and what it runs, if anything, goes on."""
    busy = getattr(session, "done", None)
    return session.alive() and not (busy is not None and busy.is_set())


def sent(wire: Wire, expected: list[str], any_order: bool = False) -> bool:
    """True when just these statements were to end something on the server, and where nobody tells; else AssertionError."""
    told = wire.ended()
    if told is not None and any_order:
        told, expected = sorted(told), sorted(expected)
    assert told is None or told == expected
    return True


def nothing_sent(wire: Wire) -> bool:
    return sent(wire, [])


@pytest.fixture(scope="session")
def oracle_server() -> Iterator[OracleServer | RealOracle]:
    with RealOracle() if given() else OracleServer() as running:
        yield running


@pytest.fixture
def acting(request: pytest.FixtureRequest) -> Acting:
    case: Case = request.param
    return Acting(case, SITES[case.site](request.getfixturevalue(SERVERS[case.site])))


@pytest.fixture
def site(acting: Acting) -> Site:
    return acting.site


@pytest.fixture
def proxy(site: Site) -> Iterator[Wire]:
    """A way to the server that records what goes over it."""
    with Wire(site) as running:
        yield running


@pytest.fixture
def db_user(site: Site) -> dict[str, str]:
    """An account of this test alone, so that its rules meet no session of another test."""
    return site.create_user()


@pytest.fixture
def make(acting: Acting, site: Site, db_user: dict[str, str]) -> Iterator[Callable[..., list[Any]]]:
    """``make(n)``: n victims of the test's own user."""
    with ExitStack() as stack:
        open_one = getattr(site.actors, acting.case.victim)

        def victims(n: int = 1, **login: Any) -> list[Any]:
            return [stack.enter_context(open_one(site.server, **(db_user | login))) for _turn in range(n)]

        yield victims


@pytest.fixture
def rule(acting: Acting, db_user: dict[str, str]) -> dict[str, Any]:
    """A match that fits the test's own victims and nobody else."""
    return {"username": db_user["user"], **acting.rule}


@pytest.fixture
def start_module(site: Site) -> Callable[..., Running]:
    """``start_module(name, options)``: as launch; the login is an administrator's unless the options say otherwise."""
    login = {"login_dsn": site.server.dsn, **site.login}
    return lambda name, options, **settings: launch(name, login | dict(options), **settings)


@pytest.fixture
def run_module(start_module: Callable[..., Running]) -> Callable[..., dict[str, Any]]:
    """``run_module(name, options, check, diff, env, python)``: as start_module, and the module's result."""
    return lambda name, options, **settings: start_module(name, options, **settings).result()


@pytest.fixture
def act(acting: Acting, proxy: Wire, run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """``act(**options)``: runs the module through the recording proxy; check, diff, env, python as run_module."""

    def run(check: bool = False, diff: bool = False, env: Any = None, python: Any = (), **options: Any) -> Any:
        options = {"login_dsn": proxy.dsn, **options}
        return run_module(acting.module, options, check=check, diff=diff, env=env, python=python)

    return run
