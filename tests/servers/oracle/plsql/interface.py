# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PL/SQL needs from the session that runs it, and what passes between the two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..values import Column, Result, Type, Value

if TYPE_CHECKING:
    from .syntax import Program

# Directions of a bind variable as the protocol numbers them.
OUT, IN, IN_OUT = 16, 32, 48


@dataclass
class Bind:
    """A bind variable of a block: ``value`` goes in and comes out.

    ``type`` None takes whatever is assigned; otherwise the value is converted, or ORA-06502 if it cannot be. ``size``
    is the room for a VARCHAR2, CHAR or RAW in bytes, 0 for no limit. ``elements`` greater than 0 makes it a PL/SQL
    index-by table of at most so many elements, whose ``value`` is a list before and after.
    ``direction`` is found by compiling: IN where the block only reads it, OUT where it only assigns it, else IN_OUT.
    """

    value: Value = None
    type: Type | None = None
    size: int = 0
    elements: int = 0
    direction: int = IN


@dataclass(frozen=True)
class Parameter:
    """A parameter of a :class:`Routine`, its name in upper case. ``mode`` is IN, OUT or IN OUT."""

    name: str
    mode: str = "IN"
    optional: bool = False


@dataclass(frozen=True)
class Routine:
    """A procedure or function that the server itself has, such as DBMS_SESSION.SLEEP.

    ``body`` gets the arguments by parameter name (upper case; one that was left out is missing), puts the values of
    OUT parameters into the same dictionary and returns the value of a function. An index-by table is a list in it.
    ``name`` is how an error stack shows it, such as ``SYS.DBMS_SESSION``; "" leaves no line there.
    A package constant is a function without parameters.
    """

    body: Callable[[dict[str, Value]], Value]
    parameters: tuple[Parameter, ...] = ()
    function: bool = False
    name: str = ""


@dataclass(frozen=True, eq=False)
class StoredProgram:
    """A stored procedure or function as the dictionary has it. Both names are in upper case."""

    owner: str
    name: str
    program: Program


class Host(Protocol):
    """The session in which PL/SQL runs. Names are tuples of one to three parts in upper case, owner first."""

    @property
    def user(self) -> str:
        """What USER gives: who logged in, also inside of definer's rights."""

    def key(self) -> Hashable:
        """All that compiled code depends on: rights and schema in force (so :meth:`as_owner` changes it), and a version
        that rises with every change of tables, programs and grants. Compiled code is kept for as long as it is equal."""

    def check(self) -> None:
        """Called before every statement and loop turn; raises what ends the call (ORA-00028, ORA-01013).
        ORA-00028 cannot be handled by a block."""

    def describe(self, name: tuple[str, ...]) -> Sequence[Column]:
        """The columns of a table or view; ORA-00942 if there is none or it may not be seen."""

    def prepare(self, sql: str, binds: Sequence[str]) -> Sequence[Column] | None:
        """Check a static statement when a block is compiled, without executing it: the columns of a query, [] for other
        statements; ORA-00904 and the like with their position. ``binds`` are the names in it. None: it shows only when
        it is executed."""

    def query(self, sql: str, binds: Mapping[str, Value] | Sequence[Value]) -> Result:
        """Execute a SELECT (also FOR UPDATE) and fetch all. Static SQL comes in Oracle's own normal form (upper case,
        binds :B1, :B2) with a mapping; EXECUTE IMMEDIATE as written, with a sequence in order of lexer.bind_names."""

    def execute(self, sql: str, binds: Mapping[str, Value] | Sequence[Value]) -> int:
        """Execute any other SQL (DML, COMMIT, DDL, ALTER SYSTEM, ...): how many rows it touched. Never PL/SQL."""

    def routine(self, name: tuple[str, ...]) -> Routine | None:
        """A procedure or function of the server itself, None if there is no such one or it may not be called."""

    def program(self, name: tuple[str, ...]) -> StoredProgram | None:
        """A stored program by its name, through the current schema and synonyms; None if there is none or it may not
        be executed."""

    def as_owner(self, owner: str) -> AbstractContextManager[None]:
        """Definer's rights: inside, only what is granted to the owner directly counts, and names are the owner's."""

    def autonomous(self) -> AbstractContextManager[None]:
        """PRAGMA AUTONOMOUS_TRANSACTION: inside, the session has a transaction of its own; one that is still open at
        the end is rolled back with ORA-06519."""
