# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has logged in, and the sessions by which the nodes serve it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .accounts import Account

if TYPE_CHECKING:
    from .observer import Observer
    from .session import Session


@dataclass(frozen=True)
class Node:
    """An observer of the cluster, as the views name it; the first one has the number 1."""

    number: int
    ip: str
    rpc_port: int
    sql_port: int


@dataclass(eq=False)
class Client:
    """``kind`` is how it came: direct, or through a proxy with ids of version v1 or v2; ``told_id`` what it was told as its
    id. ``end`` cuts its connection.

    It has one session, on the node of its login. A proxy with ids of version 2 may send what comes next to another
    ``node``, where it then opens a session, too; all of them have the client's id.
    """

    observer: Observer
    kind: str
    tenant: str
    account: Account
    ip: str
    port: int
    told_id: int
    node: Node
    end: Callable[[], None]
    proxy_sessid: int | None = None
    sessions: list[Session] = field(default_factory=list)
    # Its connection ends after the answer to what it has sent.
    closing: bool = False

    def __post_init__(self) -> None:
        self.variables = dict(self.observer.variables)

    @property
    def proxied(self) -> bool:
        return self.kind != "direct"

    @property
    def killed(self) -> bool:
        return any(session.killed for session in self.sessions)

    @property
    def waiting(self) -> bool:
        """Whether its statement waits for anything."""
        return any(session.waiting for session in self.sessions)

    @property
    def session(self) -> Session:
        """The one that had its last statement."""
        return self.sessions[-1]

    def next_session(self) -> Session:
        """The one that gets its next statement. While a transaction is open, that is where it began."""
        before = self.session
        if before.node is self.node or before.transaction is not None:
            return before
        session = next((each for each in self.sessions if each.node is self.node), None)
        if session is None:
            session = self.observer.open(self)
        else:
            self.sessions.remove(session)
        self.sessions.append(session)
        # As a proxy sees to it; variables are the same anyway.
        session.schema = before.schema
        return session

    def hang_up(self) -> None:
        """It has gone: what its statement waits for comes too late."""
        for session in self.sessions:
            session.hang_up()
