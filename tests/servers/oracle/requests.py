# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client asks for after login: piggybacks, which have no answer of their own, and calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from .values import Value

# Message types that a client sends.
PROTOCOL, DATA_TYPES, FUNCTION, ROW_DATA, PIGGYBACK, ONE_WAY, FAST_AUTH = 1, 2, 3, 7, 17, 26, 34

# Field versions: how far both sides have come; names after the releases that brought them.
V12_2, V12_2_EXT, V18_EXT, V19_EXT, V20, V23, V23_EXT1, V23_EXT3, V23_4 = 8, 9, 11, 13, 14, 17, 18, 20, 24

# Directions of a bind, as the server tells them.
OUT, IN, IN_OUT = 16, 32, 48


@dataclass(frozen=True)
class CloseCursors:
    """Piggyback: the client will not use these cursors again."""

    cursor_ids: tuple[int, ...]


@dataclass(frozen=True)
class EndToEnd:
    """Piggyback: new values of MODULE, ACTION, CLIENT_IDENTIFIER, CLIENT_INFO, DBOP, those that change; None clears."""

    changes: dict[str, str | None]


@dataclass(frozen=True)
class CurrentSchema:
    """Piggyback: ALTER SESSION SET CURRENT_SCHEMA by other means."""

    name: str


@dataclass(frozen=True)
class ApplicationContext:
    """Piggyback: values of one namespace of SYS_CONTEXT; none at all clears the namespace."""

    namespace: str
    values: dict[str, str]


@dataclass(frozen=True)
class SessionState:
    """Piggyback: a connection pool marks the begin or the end of a request."""

    state: int


@dataclass(frozen=True)
class PipelineBegin:
    """Piggyback: calls follow that do not wait for each other's replies; after an error they go on, or are left out."""

    continue_on_error: bool


Piggyback = CloseCursors | EndToEnd | CurrentSchema | ApplicationContext | SessionState | PipelineBegin


@dataclass(frozen=True)
class Bind:
    """One bind variable as the client declares it.

    ``type`` is the type code (values.Type, or one of wire.py), ``form`` the character set form, ``size`` the client's
    buffer in bytes, ``elements`` the most that fit into an array (a PL/SQL index-by table), None for a scalar.
    ``returning``: it stands behind RETURNING ... INTO, goes out only, and has no value in.
    """

    name: str
    type: int
    form: int
    size: int
    elements: int | None
    returning: bool


@dataclass
class Request:
    """One call. ``before`` holds its piggybacks in order; ``token`` is not 0 inside a pipeline."""

    before: list[Piggyback] = field(default_factory=list, kw_only=True)
    token: int = field(default=0, kw_only=True)
    # Whether the client waits for a reply.
    answered: ClassVar[bool] = True


@dataclass
class Execute(Request):
    """Parse, describe, execute, fetch: ``sql`` as sent, or as remembered of ``cursor_id``.

    ``cursor_id``: the client's handle of the statement from now on; the channel gives each new statement a new one.
    ``new``: it is the first time for this cursor. ``describe_only``: parse (and describe a query), execute nothing.
    ``iterations``: a row of bind values per execution, in the order of ``binds`` (executemany has many; a bind that
    only goes out has None). ``rows``: how many rows of a query the reply may hold, 0 for none. ``commit``: autocommit.
    ``fetch_only``: executes nothing, continues with the cursor's rows.
    """

    sql: str
    cursor_id: int
    binds: list[Bind] = field(default_factory=list)
    iterations: list[list[Value]] = field(default_factory=list)
    new: bool = True
    describe_only: bool = False
    fetch_only: bool = False
    rows: int = 0
    commit: bool = False


@dataclass
class Fetch(Request):
    """The next ``rows`` rows of a query."""

    cursor_id: int
    rows: int


@dataclass
class Commit(Request):
    pass


@dataclass
class Rollback(Request):
    pass


@dataclass
class Ping(Request):
    pass


@dataclass
class Logoff(Request):
    """Answer with a status; the client closes the connection then."""


@dataclass
class PipelineEnd(Request):
    """The channel answers it by itself."""


@dataclass
class Release(Request):
    """A client of a server-side pool (DRCP) gives its session back, and does not wait for a reply."""

    answered = False


@dataclass
class Unknown(Request):
    """A call that the stand-in does not know; the honest answer is ORA-03001. ``reason`` is for people."""

    function: int
    reason: str
