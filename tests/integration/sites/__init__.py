# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases that the contract set runs over, all in which they differ for it, and the modules that act on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .oceanbase import OceanBase, OceanBaseOracle
from .oracle import Oracle
from .site import Denial, Hidden, Site, Wire

__all__ = [
    "CASES",
    "SHARED",
    "SITES",
    "Acting",
    "Case",
    "Denial",
    "Hidden",
    "OceanBase",
    "OceanBaseOracle",
    "Oracle",
    "Site",
    "Wire",
]


@dataclass(frozen=True)
class Case:
    """A module on a database. ``victim`` names the actor that it acts on; ``rule`` fits it, together with its user name.
    ``session_stays`` says whether only the statement ends; ``again`` is the outcome for a session by name when the module
    has done its work already, ``moved_on`` that of one which does something else when its turn comes.
    """

    site: str
    module: str
    verb: str
    victim: str
    rule: dict[str, Any]
    session_stays: bool = False
    again: str = "gone"
    moved_on: str = "skipped"

    def __str__(self) -> str:
        return f"{self.site}-{self.module}"


@dataclass(frozen=True)
class Acting:
    """A case on its running server: what is sent for a session, and what a person then finds on the server."""

    case: Case
    site: Site

    @property
    def module(self) -> str:
        return self.case.module

    @property
    def verb(self) -> str:
        return self.case.verb

    @property
    def rule(self) -> dict[str, Any]:
        return self.case.rule

    @property
    def session_stays(self) -> bool:
        return self.case.session_stays

    def of(self, session: Any) -> str:
        """The statement that the module is to send for it."""
        return self.site.statement(self.verb, session)

    def named(self, session: Any) -> dict[str, int]:
        """The options that name it."""
        return self.site.named(session)

    def dead(self, session: Any) -> bool:
        """Asks the victim itself."""
        if not self.session_stays:
            return not session.alive()
        session.wait()
        return session.error_code == self.site.cancelled and session.alive()


def _cases() -> list[Case]:
    on_idle: dict[str, Any] = {"victim": "idle", "rule": {"idle": 0}}
    on_busy: dict[str, Any] = {"victim": "sleeping", "rule": {"active": 0}, "session_stays": True}
    left: dict[str, Any] = {"again": "unchanged", "moved_on": "unchanged"}
    return [
        Case("oceanbase", "session_kill", "kill", **on_idle),
        Case("oceanbase", "sql_cancel", "cancel", **on_busy, **left),
        Case("oceanbase_oracle", "session_kill", "kill", **on_idle),
        Case("oceanbase_oracle", "sql_cancel", "cancel", **on_busy, **left),
        Case("oracle", "session_kill", "kill", **on_idle),
        Case("oracle", "session_disconnect", "disconnect", **on_idle),
        Case("oracle", "sql_cancel", "cancel", **on_busy, **left),
    ]


CASES = _cases()
# What the modules share needs not be tried with each of them on each database: each once.
SHARED = [case for case in CASES if case.site == "oceanbase" or case.module == "session_disconnect"]
SHARED += [case for case in CASES if case.site == "oceanbase_oracle" and case.module == "session_kill"]
SITES: dict[str, type[Site]] = {each.name: each for each in (OceanBase, OceanBaseOracle, Oracle)}
