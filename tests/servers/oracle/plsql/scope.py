# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names stand for while a block is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..values import Value
from .datatypes import DATE, LONGEST, NUMBER, PLS_INTEGER, VARCHAR2, CursorType, Datatype, RecordType, TableType
from .runtime import Frame

Get = Callable[[Frame], Value]
Set = Callable[[Frame, Value], None]
# A statement: None, or what leaves the statements around it (see compile_statements).
Step = Callable[[Frame], Any]


class Code(NamedTuple):
    """A compiled expression."""

    run: Get
    type: Datatype


@dataclass
class Place:
    """Something that has a value and may be assigned to.

    ``reach`` gives a composite value to change something inside of it, and makes it if it is an element that is not
    there yet. ``set`` is None for a constant. ``bind`` is the bind variable that it is or belongs to.
    """

    get: Get
    set: Set | None
    reach: Get
    type: Datatype
    bind: str = ""


@dataclass
class Formal:
    """A parameter of a subprogram or cursor; ``default`` runs in the frame around it."""

    name: str
    mode: str
    type: Datatype
    default: Get | None
    slot: int


@dataclass(eq=False)
class Unit:
    """A subprogram or the outermost block. ``label`` is how ORA-06512 names it, "" for what has no name.

    ``level`` counts the subprograms around it in the text. ``owner`` is set for definer's rights.
    """

    name: str
    label: str
    level: int
    slots: int = 0
    formals: list[Formal] = field(default_factory=list)
    returns: Datatype | None = None
    body: Step | None = None
    autonomous: bool = False
    owner: str = ""

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def at(self, line: int) -> str:
        """The line of an error stack."""
        return f'ORA-06512: at "{self.label}", line {line}' if self.label else f"ORA-06512: at line {line}"


@dataclass(eq=False)
class VariableSymbol:
    unit: Unit
    slot: int
    type: Datatype
    constant: bool = False


@dataclass(eq=False)
class ExceptionSymbol:
    """``code`` is positive, or None until PRAGMA EXCEPTION_INIT gives it one."""

    name: str
    code: int | None = None


@dataclass(eq=False)
class TypeSymbol:
    type: Datatype


@dataclass(eq=False)
class CursorSymbol:
    """``slot`` has the OpenCursor; ``query`` gives the rows for the parameters in their slots."""

    unit: Unit
    slot: int
    formals: list[Formal]
    row: RecordType
    query: Get


@dataclass(eq=False)
class LabelSymbol:
    """A block by its label, or the subprogram around it by its name: ``label.variable``."""

    scope: Scope


Symbol = VariableSymbol | ExceptionSymbol | TypeSymbol | CursorSymbol | LabelSymbol | Unit


class Scope:
    """The declarations of one block, and those around it."""

    def __init__(self, unit: Unit, outer: Scope | None = None) -> None:
        self.unit = unit
        self.outer = outer
        self.symbols: dict[str, Symbol] = {}

    def find(self, name: str) -> Symbol | None:
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.symbols.get(name)) is not None:
                return found
            scope = scope.outer
        return None


# Types of the server's own packages that tools declare variables with.
PACKAGE_TYPES: dict[tuple[str, ...], Datatype] = {
    ("DBMS_OUTPUT", "CHARARR"): TableType(VARCHAR2, PLS_INTEGER),
    ("DBMS_SQL", "DATE_TABLE"): TableType(DATE, PLS_INTEGER),
    ("DBMS_SQL", "NUMBER_TABLE"): TableType(NUMBER, PLS_INTEGER),
    ("DBMS_SQL", "VARCHAR2A"): TableType(VARCHAR2, PLS_INTEGER),
    ("DBMS_SQL", "VARCHAR2_TABLE"): TableType(VARCHAR2, PLS_INTEGER),
    ("DBMSOUTPUT_LINESARRAY",): TableType(VARCHAR2, None, LONGEST),
    ("SYS", "ODCINUMBERLIST"): TableType(NUMBER, None, LONGEST),
    ("SYS", "ODCIVARCHAR2LIST"): TableType(VARCHAR2, None, LONGEST),
    ("SYS_REFCURSOR",): CursorType(),
}
