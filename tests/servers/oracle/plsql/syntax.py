# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parser makes of PL/SQL: a tree. ``at`` is an offset in the text everywhere, names are in upper case."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from ..lexer import Token
from ..values import Value
from .source import Problem, Source

# ---- Expressions


@dataclass(frozen=True)
class Literal:
    """``timestamp`` tells ``TIMESTAMP '...'`` from ``DATE '...'``."""

    at: int
    value: Value
    timestamp: bool = False


@dataclass(frozen=True)
class Name:
    at: int
    name: str


@dataclass(frozen=True)
class BindName:
    """``:name``."""

    at: int
    name: str


@dataclass(frozen=True)
class Member:
    """``base.name``."""

    at: int
    base: Expression
    name: str


@dataclass(frozen=True)
class Argument:
    """``name => value``, or a positional one with name None."""

    name: str | None
    value: Expression


@dataclass(frozen=True)
class Apply:
    """``base(arguments)``: a call, or an element of a table."""

    at: int
    base: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Attribute:
    """``base%name``, such as SQL%ROWCOUNT."""

    at: int
    base: Expression
    name: str


@dataclass(frozen=True)
class Unary:
    """``operator`` is -, + or NOT."""

    at: int
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary:
    at: int
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class IsNull:
    at: int
    operand: Expression
    negated: bool


@dataclass(frozen=True)
class Like:
    at: int
    operand: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(frozen=True)
class Between:
    at: int
    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True)
class InList:
    at: int
    operand: Expression
    choices: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True)
class When:
    """One branch of a CASE or an IF: what has to hold, and what it gives or does."""

    condition: Expression
    result: Any


@dataclass(frozen=True)
class CaseExpression:
    at: int
    selector: Expression | None
    branches: tuple[When, ...]
    otherwise: Expression | None


@dataclass(frozen=True)
class SqlExpression:
    """What the SQL engine evaluates: text with expressions in between, such as ``EXTRACT(DAY FROM`` x ``)``."""

    at: int
    pieces: tuple[str | Expression, ...]


Expression = (
    Literal | Name | BindName | Member | Apply | Attribute | Unary | Binary | IsNull | Like | Between | InList
    | CaseExpression | SqlExpression
)  # fmt: skip

# ---- Types and declarations


@dataclass(frozen=True)
class TypeName:
    """``NUMBER(10,2)``, ``TIMESTAMP WITH TIME ZONE``, ``SYS.V_$SESSION.SID%TYPE``; ``attribute`` is TYPE or ROWTYPE."""

    at: int
    parts: tuple[str, ...]
    sizes: tuple[int, ...] = ()
    attribute: str = ""


@dataclass(frozen=True)
class Variable:
    """A variable, a constant, or a field of a record type."""

    at: int
    name: str
    type: TypeName
    constant: bool = False
    not_null: bool = False
    default: Expression | None = None


@dataclass(frozen=True)
class Parameter:
    """Of a subprogram or cursor; ``mode`` is IN, OUT or IN OUT."""

    at: int
    name: str
    mode: str
    type: TypeName
    default: Expression | None


@dataclass(frozen=True)
class ExceptionName:
    at: int
    name: str


@dataclass(frozen=True)
class ExceptionInit:
    """PRAGMA EXCEPTION_INIT(name, number)."""

    at: int
    name: str
    number: int


@dataclass(frozen=True)
class Subtype:
    at: int
    name: str
    type: TypeName


@dataclass(frozen=True)
class RecordDefinition:
    at: int
    name: str
    fields: tuple[Variable, ...]


@dataclass(frozen=True)
class TableDefinition:
    """``index`` is None for a nested table or a VARRAY; ``limit`` is that of a VARRAY."""

    at: int
    name: str
    element: TypeName
    index: TypeName | None
    limit: int | None


@dataclass(frozen=True)
class RefCursorDefinition:
    at: int
    name: str


@dataclass(frozen=True)
class Query:
    """A SELECT in the text; ``into`` and ``bulk`` are what its INTO clause had, which is not in ``tokens``."""

    at: int
    tokens: tuple[Token, ...]
    into: tuple[Expression, ...] = ()
    bulk: bool = False


@dataclass(frozen=True)
class CursorDefinition:
    at: int
    name: str
    parameters: tuple[Parameter, ...]
    query: Query


@dataclass(frozen=True)
class Subprogram:
    """A local or a stored one; ``body`` is None for a forward declaration, ``returns`` for a procedure."""

    at: int
    name: str
    parameters: tuple[Parameter, ...]
    returns: TypeName | None
    body: Block | None


Declaration = (
    Variable | ExceptionName | ExceptionInit | Subtype | RecordDefinition | TableDefinition | RefCursorDefinition
    | CursorDefinition | Subprogram
)  # fmt: skip

# ---- Statements


@dataclass(frozen=True)
class Assign:
    at: int
    target: Expression
    value: Expression


@dataclass(frozen=True)
class Call:
    at: int
    call: Expression


@dataclass(frozen=True)
class If:
    at: int
    branches: tuple[When, ...]
    otherwise: Statements


@dataclass(frozen=True)
class Case:
    """``otherwise`` None: ORA-06592 if no branch fits."""

    at: int
    selector: Expression | None
    branches: tuple[When, ...]
    otherwise: Statements | None


@dataclass(frozen=True)
class Loop:
    """``condition`` is that of WHILE."""

    at: int
    label: str
    condition: Expression | None
    body: Statements


@dataclass(frozen=True)
class RangeLoop:
    """``FOR variable IN [REVERSE] low .. high LOOP``; ``statement`` of FORALL is a body of one statement too."""

    at: int
    label: str
    variable: str
    low: Expression
    high: Expression
    reverse: bool
    body: Statements


@dataclass(frozen=True)
class CursorLoop:
    """``FOR variable IN cursor LOOP``; ``rows`` is a query, or the name of a cursor with its arguments."""

    at: int
    label: str
    variable: str
    rows: Query | Expression
    body: Statements


@dataclass(frozen=True)
class Exit:
    """EXIT, or CONTINUE with ``again``."""

    at: int
    label: str
    condition: Expression | None
    again: bool


@dataclass(frozen=True)
class Null:
    at: int


@dataclass(frozen=True)
class Return:
    at: int
    value: Expression | None


@dataclass(frozen=True)
class Raise:
    """``name`` None raises again what is being handled."""

    at: int
    name: Expression | None


@dataclass(frozen=True)
class Sql:
    """A static statement that is no query: DML and transaction control."""

    at: int
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class UsingArgument:
    mode: str
    value: Expression


@dataclass(frozen=True)
class ExecuteImmediate:
    at: int
    text: Expression
    into: tuple[Expression, ...]
    bulk: bool
    using: tuple[UsingArgument, ...]


@dataclass(frozen=True)
class Open:
    """OPEN cursor, or with ``query`` OPEN ref_cursor FOR a query or a text."""

    at: int
    cursor: Expression
    query: Query | Expression | None
    using: tuple[UsingArgument, ...]


@dataclass(frozen=True)
class Fetch:
    at: int
    cursor: Expression
    into: tuple[Expression, ...]
    bulk: bool
    limit: Expression | None


@dataclass(frozen=True)
class Close:
    at: int
    cursor: Expression


@dataclass(frozen=True)
class Handler:
    """``names`` empty: OTHERS."""

    at: int
    names: tuple[Expression, ...]
    body: Statements


@dataclass(frozen=True)
class Block:
    at: int
    label: str
    declarations: tuple[Declaration, ...]
    body: Statements
    handlers: tuple[Handler, ...]
    autonomous: bool = False


Statement = (
    Assign | Call | If | Case | Loop | RangeLoop | CursorLoop | Exit | Null | Return | Raise | Query | Sql
    | ExecuteImmediate | Open | Fetch | Close | Block
)  # fmt: skip
Statements = tuple[Statement, ...]

# ---- Whole texts


@dataclass(eq=False)
class Anonymous:
    """A block or CALL from a client, with what it was compiled to by :meth:`Host.key`.

    ``binds`` are its bind variables in order of their first appearance.
    """

    source: Source
    block: Block
    binds: tuple[str, ...]
    compiled: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Program:
    """CREATE PROCEDURE or FUNCTION. ``owner`` is "" where the statement names none.

    ``text`` starts with the word PROCEDURE or FUNCTION, as ALL_SOURCE shows it. ``subprogram`` is None if its text has
    ``problems``. ``definer`` is False with AUTHID CURRENT_USER.
    """

    owner: str
    name: str
    kind: str
    replace: bool
    text: str
    definer: bool
    source: Source
    subprogram: Subprogram | None
    problems: tuple[Problem, ...]
    compiled: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def authid(self) -> str:
        """What ALL_PROCEDURES shows: DEFINER or CURRENT_USER."""
        return "DEFINER" if self.definer else "CURRENT_USER"
