# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every database of the contract set tells of itself."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from servers.proxy import Proxy

PASSWORD = "Tr0ub4dor_3"
TAG = "dbops.oracle_sessions"


@dataclass(frozen=True)
class Driver:
    """A Python driver: what people call it, its package, and how to make that an old one: in which file to replace which
    line, by what, and how the version of that is shown.
    """

    name: str
    package: str
    needed: str
    version_file: str
    version_line: str
    old_line: str
    old: str


@dataclass(frozen=True)
class Hidden:
    """A condition that an account of nothing but ``Site.least`` cannot see: its key, and the view that a grant opens."""

    condition: dict[str, Any]
    view: str

    @property
    def option(self) -> str:
        return next(iter(self.condition))

    def __str__(self) -> str:
        return self.option


@dataclass(frozen=True)
class Denial:
    """What the server answers, and a word of what people are told."""

    code: int
    told: str


class Wire(Proxy):
    """A way to a server that a module under test takes, and what of it reached the server."""

    def __init__(self, site: Site) -> None:
        self.site = site
        super().__init__(*site.address, record=True, protocol=site.protocol)

    @property
    def dsn(self) -> str:
        return self.site.dsn_at(super().dsn)

    def reset_counters(self) -> None:
        super().reset_counters()
        self.site.forget()

    def ended(self) -> list[str] | None:
        """Every statement of ours that was to end something; None where nobody tells."""
        return self.site.ended(self)

    def asked(self) -> bool:
        """Whether anything was asked over it, beyond the login."""
        return any("SELECT" in text for text in self.queries)


class Site(ABC):
    """One database."""

    name = ""
    protocol: Any = "mysql"
    # The factories of its sessions.
    actors: ModuleType
    driver: Driver
    # The modules' option.
    dialect = ""
    # A session's name as options that fit none that matters.
    somebody: dict[str, int] = {}
    # What people are told of a session's name as `typed`.
    remark = ""
    # A condition that fits sessions opened with `marked`, and no others of the tests.
    mark: dict[str, str] = {}
    marked: dict[str, str] = {}
    # A condition that fits the sessions of every client here, and narrows.
    every_client: dict[str, Any] = {}
    # The administrator's sessions by their user name, and what an actor logs in with to be one.
    system_user = ""
    system_login: dict[str, str] = {}
    # Grants for a session of the tests.
    ordinary: tuple[str, ...] = ()
    # Grants that are too little to list sessions, with the words that name what is missing.
    too_little: list[tuple[tuple[str, ...], str]] = []
    # The grants that a module needs for a plain rule.
    least: tuple[str, ...] = ()
    hidden: list[Hidden] = []
    # What the client of a cancelled statement is told.
    cancelled = 0
    # What the server answers to a statement whose session id is no number, by verb, and to one with an id that it does not
    # have.
    garbled: dict[str, Denial] = {}
    unknown: Denial
    # Seconds within which a module has given up on a server that does not answer two calls of 1 s each.
    patience = 0.0
    # Our own sessions, as the server lists them: their ids.
    own_sessions = ""

    def __init__(self, server: Any) -> None:
        self.server = server

    # --- logging in

    @property
    def address(self) -> tuple[str, int]:
        return self.server.host, self.server.port

    def dsn_at(self, address: str) -> str:
        """The login_dsn that leads to ``host:port`` in place of the server's own address."""
        return address

    @property
    @abstractmethod
    def login(self) -> dict[str, Any]:
        """The login options of the modules, as the administrator."""

    def create_user(self, grants: tuple[str, ...] | None = None, password: str = PASSWORD) -> dict[str, str]:
        """A new account that may do this, or what test sessions do, as the arguments of an actor."""
        name = f"capp_{secrets.token_hex(4)}"
        self.server.create_user(name, password, self.ordinary if grants is None else grants)
        return {"user": name, "password": password}

    def as_account(self, account: dict[str, str]) -> dict[str, str]:
        """The login options of the modules, as this account."""
        return {"login_user": account["user"], "login_password": account["password"]}

    # --- naming sessions

    def named(self, session: Any) -> dict[str, int]:
        """The options that name this session."""
        return {"sid": session.id}

    def typed(self, session: Any) -> dict[str, int]:
        """The same as somebody writes it down who is used to the other database, too."""
        return self.named(session)

    def shown(self, session: Any) -> str:
        """What people are told that it is."""
        return str(session.id)

    @abstractmethod
    def next_login(self) -> dict[str, int] | None:
        """The options that will name the next session, unless another login is faster; None where nobody can know."""

    # --- what was sent

    @abstractmethod
    def statement(self, verb: str, session: Any) -> str:
        """What is to be sent to end it."""

    @abstractmethod
    def is_snapshot(self, text: str) -> bool:
        """Whether this is the call that lists the sessions."""

    @abstractmethod
    def is_look(self, text: str) -> bool:
        """Whether this is the call in which sessions are looked at for the last time before they are ended."""

    @abstractmethod
    def is_act(self, text: str) -> bool:
        """Whether this is the call that ends sessions."""

    @abstractmethod
    def ended(self, wire: Wire) -> list[str] | None:
        """See :meth:`Wire.ended`."""

    @abstractmethod
    def forget(self) -> None:
        """Start anew with what :meth:`ended` tells."""

    # --- what others do meanwhile

    @abstractmethod
    def kill(self, session: Any) -> None:
        """Somebody else ends it; returns when the server lists it no more."""

    @abstractmethod
    def moves_on(self, session: Any) -> Any:
        """What it runs, if anything, comes to its end, and it runs something else that lasts: a session of its own right,
        to be closed.
        """

    def ours(self) -> set[int]:
        """The ids of the sessions of this collection."""
        return {row[0] for row in self.server.sql(self.own_sessions)}
