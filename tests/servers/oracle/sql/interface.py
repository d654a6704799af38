# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SQL engine is given from outside: the objects that names stand for, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..values import Column, Type, Value


@dataclass(frozen=True)
class Source:
    """A table, view or query of SQLite that a name of Oracle stands for.

    ``sql`` goes into FROM as it is: a quoted name, or a query in parentheses. It may use the parameters
    ``:inst_id``, ``:con_id``, ``:user``, ``:schema`` (current schema), ``:now`` (days since 1970) and those of
    ``Context.parameters``. Its columns have the upper-case names of ``columns``, in any order.

    ``table`` is the quoted SQLite table of a user table, whose rowid is Oracle's ROWID here; "" for what no DML
    statement may touch (ORA-01031). ``owner`` is for messages that name a column of it.
    """

    sql: str
    columns: Sequence[Column]
    table: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Function:
    """A function that is part of the server, or a stored one: ``call`` gets the arguments in order.

    It must not run a query on the same connection that changes something. ``fixed`` says that equal arguments give
    equal results during one statement.
    """

    call: Callable[..., Value]
    type: Type = Type.VARCHAR2
    size: int = 4000
    fixed: bool = False


@dataclass
class Context:
    """Who runs a statement, where and when.

    ``key`` is all that decides what ``Catalog.resolve`` answers (user, roles, container ...): translations are kept
    per key. ``now`` is fixed by the caller only in tests; otherwise it is the time when a statement starts.
    """

    user: str = "SYS"
    schema: str = ""
    user_id: int = 0
    inst_id: int = 1
    con_id: int = 0
    # Seconds since 1970 UTC.
    now: float | None = None
    # SYS_CONTEXT(namespace, name), both in upper case, for what is not derived from the fields above.
    sys_context: Callable[[str, str], str | None] | None = None
    parameters: Mapping[str, int | float | str | bytes | None] = field(default_factory=dict)
    # From release 23 on a query needs no FROM, and ORA-00942 names the object.
    release: int = 19
    roles_key: Hashable = ()

    @property
    def key(self) -> Hashable:
        return (self.user, self.schema, self.inst_id, self.con_id, self.release, self.roles_key)


class Catalog(Protocol):
    """Resolves the names of tables, views and functions."""

    def version(self, context: Context) -> Hashable:
        """Changes with every change of an object or a privilege. It is asked at every statement: make it cheap."""

    def resolve(self, owner: str | None, name: str, context: Context) -> Source:
        """The object of these upper-case names (as written where they are quoted), for this user.

        Without an owner it is the current schema's, else a public synonym. Raises OracleError 942 when there is none
        or the user may not see it; the engine adds the position. DUAL is the engine's own and is not asked for.
        """

    def function(self, name: tuple[str, ...], context: Context) -> Function | None:
        """The function of this upper-case dotted name, e.g. ("DBMS_UTILITY", "GET_TIME"), or None: ORA-00904."""
