# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions: names, literals, binds, arithmetic, CASE, CAST and all else but conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Type
from .analytic import window, within_group
from .calls import call, dotted_call
from .conditions import CONDITIONS
from .expr import (
    DATES,
    NULL,
    STAMPS,
    TEXTS,
    Expr,
    Kind,
    Pseudo,
    as_number,
    as_text,
    convert,
    number_literal,
    text_literal,
    type_name,
)
from .masking import unmask
from .operators import choice, compare, concatenate, date_difference, date_shift
from .plain_calls import DOTTED, SESSION
from .query import scalar
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr

# --- names and literals ---------------------------------------------------------------------------------------------

_HIERARCHICAL = ("LEVEL", "CONNECT_BY_ISLEAF", "CONNECT_BY_ISCYCLE")
# Reserved words, which alone and without quotes name no column.
_RESERVED = ("LEVEL", "SYSDATE", "UID", "USER")


def _column(c: Compiler, node: exp.Column, scope: Scope) -> Expr:
    identifier = node.this
    if isinstance(identifier, exp.Star):
        raise OracleError(936, position=c.position(node))
    position = c.position(node)
    raw = str(identifier.this)
    if not node.args.get("table") and not identifier.args.get("quoted"):
        bind = c.masked.bind_at(raw)
        if bind is not None:
            return _bind(c, bind)
        literal = c.masked.literal(raw)
        if literal is not None:
            return _masked_literal(literal.type, literal.value)
    name, table, owner = c.name(identifier), c.name(node.args.get("table")), c.name(node.args.get("db"))
    reserved = not table and not identifier.args.get("quoted") and name in _RESERVED
    within: Scope | None = scope
    while within is not None:
        if not table:
            if name in within.pseudo:
                return within.pseudo[name]
            if name in within.aliases and not any(name in relation.by_name for relation in within.relations):
                return within.aliases[name]
        found = None if reserved else within.find(name, table, owner, position)
        if found is not None:
            return found[0]
        within = within.parent
    if not table:
        if name in SESSION:
            return SESSION[name]
        if name in _HIERARCHICAL:
            raise OracleError(1788, position=position)
    elif table == "SYS" and name in SESSION:
        return SESSION[name]
    names = tuple(part for part in (owner, table, name) if part)
    if names[-2:] in DOTTED:
        return dotted_call(c, names, [], scope, position)
    return c.called(names, [], position)


def _identifier(c: Compiler, node: exp.Identifier, scope: Scope) -> Expr:
    """What FETCH FIRST and OFFSET have for a bind variable."""
    return _column(c, exp.Column(this=node.copy()), scope)


def _bind(c: Compiler, index: int) -> Expr:
    kind = c.bind_kinds[index]
    return Expr(f":b{index}", kind, 4000 if kind in TEXTS or kind is Type.RAW else 22)


def _masked_literal(kind: Type | str | None, literal: str | float | None) -> Expr:
    if kind is None or literal is None:
        return NULL
    if kind is Type.VARCHAR2:
        return text_literal(str(literal))
    if kind == "MONTHS":
        return Expr(str(literal), Pseudo.MONTHS)
    assert isinstance(kind, Type)
    return Expr(repr(literal), kind, 13)


def _literal(c: Compiler, node: exp.Literal, scope: Scope) -> Expr:
    if node.is_string:
        return text_literal(str(node.this))
    text = str(node.this).rstrip("fFdD")
    number: float
    try:
        number = int(text)
        if not -(2**63) <= number < 2**63:
            number = float(number)
    except ValueError:
        number = float(text)
        if number.is_integer() and abs(number) < 1e15:
            number = int(number)
    return number_literal(number)


def _null(c: Compiler, node: exp.Null, scope: Scope) -> Expr:
    return NULL


# --- operators ------------------------------------------------------------------------------------------------------


def _paren(c: Compiler, node: exp.Paren, scope: Scope) -> Expr:
    return c.value(node.this, scope)


def _negative(c: Compiler, node: exp.Neg, scope: Scope) -> Expr:
    operand = c.operand(node.this, scope)
    if operand.kind is Type.INTERVAL_DS or operand.kind is Pseudo.MONTHS:
        return Expr(f"(- {operand.sql})", operand.kind)
    operand = as_number(operand)
    if isinstance(operand.literal, (int, float)) and operand.literal > 0:
        return number_literal(0 - operand.literal)
    return Expr(f"(- {operand.sql})", Type.NUMBER, 22)


def _arithmetic(c: Compiler, node: exp.Binary, scope: Scope) -> Expr:
    left, right = c.operand(node.this, scope), c.operand(node.args.get("expression"), scope)
    sign = "+" if isinstance(node, exp.Add) else "-"
    if left.kind in DATES and right.kind in DATES:
        if sign == "+":
            raise OracleError(975, position=c.position(node))
        return date_difference(left, right)
    if left.kind in DATES or right.kind in DATES:
        if right.kind in DATES:
            if sign == "-":
                raise OracleError(932, "NUMBER", type_name(right.kind), position=c.position(node))
            left, right = right, left
        return date_shift(left, right, sign)
    if Pseudo.MONTHS in (left.kind, right.kind) or Type.INTERVAL_DS in (left.kind, right.kind):
        kind = left.kind if left.kind in (Pseudo.MONTHS, Type.INTERVAL_DS) else right.kind
        if Pseudo.NULL not in (left.kind, right.kind) and left.kind is not right.kind:
            raise OracleError(932, type_name(left.kind), type_name(right.kind), position=c.position(node))
        return Expr(f"({left.sql} {sign} {right.sql})", kind, 11)
    return Expr(f"({as_number(left).sql} {sign} {as_number(right).sql})", Type.NUMBER, 22)


def _product(c: Compiler, node: exp.Binary, scope: Scope) -> Expr:
    left, right = c.operand(node.this, scope), c.operand(node.args.get("expression"), scope)
    divides = isinstance(node, exp.Div)
    kind: Kind = Type.NUMBER
    if left.kind in (Type.INTERVAL_DS, Pseudo.MONTHS):
        kind, right = left.kind, as_number(right)
    elif right.kind in (Type.INTERVAL_DS, Pseudo.MONTHS) and not divides:
        kind, left = right.kind, as_number(left)
    else:
        left, right = as_number(left), as_number(right)
    if divides:
        return Expr(f"o_div({left.sql}, {right.sql})", kind, 22)
    return Expr(f"({left.sql} * {right.sql})", kind, 22)


def _concatenation(c: Compiler, node: exp.DPipe, scope: Scope) -> Expr:
    operands: list[Any] = []
    at: Any = node
    while isinstance(at, exp.DPipe):
        operands.append(at.args.get("expression"))
        at = at.this
    operands.append(at)
    return concatenate([c.operand(operand, scope) for operand in reversed(operands)])


def _case(c: Compiler, node: exp.Case, scope: Scope) -> Expr:
    """Simple and searched; the type is that of the first result that is not NULL."""
    results = [c.operand(branch.args["true"], scope) for branch in node.args["ifs"]]
    default = node.args.get("default")
    results.append(c.operand(default, scope) if default is not None else NULL)
    if node.this is not None:
        subject = c.operand(node.this, scope)
        tests = [compare(subject, "=", c.operand(branch.this, scope)) for branch in node.args["ifs"]]
    else:
        tests = [c.condition(branch.this, scope) for branch in node.args["ifs"]]
    return choice(tests, results)


# --- functions with a grammar of their own ----------------------------------------------------------------------------


def _cast(c: Compiler, node: exp.Cast, scope: Scope) -> Expr:
    operand = c.operand(node.this, scope)
    target = node.args["to"]
    name = getattr(target.this, "value", str(target.this)).upper()
    parameters = [int(p.this.this) for p in target.expressions if isinstance(p.this, exp.Literal)]
    if name in ("VARCHAR", "NVARCHAR", "CHAR", "NCHAR", "TEXT", "VARCHAR2", "CLOB", "NVARCHAR2"):
        text = as_text(operand)
        size = parameters[0] if parameters else 4000 if "CLOB" in name or name == "TEXT" else 1
        return Expr(f"o_cast_text({text.sql}, {size})", Type.VARCHAR2, size)
    if name in (
        "DECIMAL",
        "NUMBER",
        "INT",
        "BIGINT",
        "SMALLINT",
        "INTEGER",
        "BIGDECIMAL",
        "DOUBLE",
        "FLOAT",
        "UDOUBLE",
    ):
        number = as_number(operand)
        if name in ("INT", "SMALLINT", "INTEGER"):
            parameters = parameters or [38]
        if not parameters:
            kind = Type.BINARY_DOUBLE if name == "DOUBLE" else Type.NUMBER
            return Expr(f"({number.sql})", kind, 22)
        scale = parameters[1] if len(parameters) > 1 else 0
        return Expr(
            f"o_cast_number({number.sql}, {parameters[0]}, {scale})",
            Type.NUMBER,
            22,
            column=Column("", Type.NUMBER, 22, parameters[0], scale),
        )
    if name == "DATE" or name == "DATETIME":
        return convert(operand, Type.DATE)
    if name == "TIMESTAMP":
        return convert(operand, Type.TIMESTAMP)
    if name in ("TIMESTAMPTZ", "TIMESTAMPLTZ"):
        return convert(operand, Type.TIMESTAMP_TZ)
    if name in ("VARBINARY", "BINARY", "RAW", "BLOB"):
        return convert(operand, Type.RAW)
    raise OracleError(902, position=c.position(node))


_INTERVAL_UNITS = ("DAY", "HOUR", "MINUTE", "SECOND")


def _extract(c: Compiler, node: exp.Extract, scope: Scope) -> Expr:
    unit = unmask(node.this.name)
    operand = c.operand(node.args["expression"], scope)
    if operand.kind is Pseudo.MONTHS and unit in ("YEAR", "MONTH"):
        return Expr(f"({operand.sql} {'/' if unit == 'YEAR' else '%'} 12)", Type.NUMBER, 22)
    if operand.kind is Type.INTERVAL_DS and unit in _INTERVAL_UNITS:
        return Expr(f"o_interval_part('{unit}', {operand.sql})", Type.NUMBER, 22)
    allowed = ("YEAR", "MONTH", "DAY") if operand.kind is Type.DATE else (*_INTERVAL_UNITS, "YEAR", "MONTH")
    if operand.kind in DATES and (unit in allowed or (operand.kind in STAMPS and unit.startswith("TIMEZONE_"))):
        kind = Type.VARCHAR2 if unit in ("TIMEZONE_REGION", "TIMEZONE_ABBR") else Type.NUMBER
        return Expr(f"o_part('{unit}', {operand.sql})", kind, 22)
    raise OracleError(30076, position=c.position(node))


def _trim(c: Compiler, node: exp.Trim, scope: Scope) -> Expr:
    operand = as_text(c.operand(node.this, scope))
    characters = c.text(node.args["expression"], scope) if node.args.get("expression") is not None else "' '"
    name = {"LEADING": "o_ltrim", "TRAILING": "o_rtrim"}.get(str(node.args.get("position") or "").upper(), "o_trim")
    return Expr(f"{name}({operand.sql}, {characters})", Type.VARCHAR2, operand.size)


def _time_zone(c: Compiler, node: exp.AtTimeZone, scope: Scope) -> Expr:
    """The clock of UTC is what a client gets of any zone here, so only the type changes."""
    operand = c.operand(node.this, scope)
    return Expr(convert(operand, Type.TIMESTAMP).sql if operand.kind in TEXTS else operand.sql, Type.TIMESTAMP_TZ, 13)


def _outside_hierarchy(c: Compiler, node: Node, scope: Scope) -> Expr:
    raise OracleError(1788, position=c.position(node))


def _tuple(c: Compiler, node: Node, scope: Scope) -> Expr:
    raise OracleError(907, position=c.position(node))


HANDLERS: dict[type[Node], Callable[[Compiler, Any, Scope], Expr]] = {
    **CONDITIONS,
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Literal: _literal,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.Neg: _negative,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _product,
    exp.Div: _product,
    exp.DPipe: _concatenation,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Extract: _extract,
    exp.Trim: _trim,
    exp.AtTimeZone: _time_zone,
    exp.Subquery: scalar,
    exp.Select: scalar,
    exp.Anonymous: call,
    exp.Dot: call,
    exp.Window: window,
    exp.WithinGroup: within_group,
    exp.Prior: _outside_hierarchy,
    exp.ConnectByRoot: _outside_hierarchy,
    exp.Tuple: _tuple,
}
