# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant in Oracle mode for the tests of this room: servers, runs of modules, and what became of the sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from servers import oceanbase_actors as actors
from servers.actors import Session
from servers.oceanbase.handle import OceanBaseServer

from ..conftest import launch
from ..sites import OceanBaseOracle, Wire

MAY_LIST = ("CREATE SESSION", "SHOW PROCESS", "SELECT ON SYS.GV$OB_PROCESSLIST")
MAY_KILL = (*MAY_LIST, "ALTER SYSTEM")


@contextmanager
def serving(**options: Any) -> Iterator[OceanBaseOracle]:
    """A server of its own, with these options."""
    with OceanBaseServer(**options) as server:
        yield OceanBaseOracle(server)


def idle(site: OceanBaseOracle, stack: ExitStack, account: dict[str, str] | None = None) -> Session:
    return stack.enter_context(actors.idle(site.server, **(account or site.create_user())))


def run(
    site: OceanBaseOracle, name: str, wire: Wire | None = None, check: bool = False, **options: Any
) -> dict[str, Any]:
    """The result of a module; the login is SYS's unless the options say otherwise."""
    login = {"login_dsn": wire.dsn if wire else site.server.dsn, **site.login}
    return launch(name, login | options, check=check).result()


def outcomes(result: dict[str, Any]) -> dict[int, str]:
    return {row["sid"]: row["outcome"] for row in result["sessions"]}


def reason(result: dict[str, Any]) -> str:
    """That of the only session."""
    (row,) = result["sessions"]
    return str(row["reason"])
