# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of functions: which one a name is, and the group functions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Type
from .expr import (
    Expr,
    Pseudo,
    as_number,
)
from .plain_calls import DOTTED, PLAIN, SESSION, Arguments, count, plain
from .scope import Scope
from .special_calls import SPECIAL

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr

# Oracle's name: SQLite's name and the type of its argument, N or * for the argument's own.
AGGREGATES: dict[str, tuple[str, str]] = {
    "ANY_VALUE": ("max", "*"),
    "APPROX_COUNT_DISTINCT": ("count", "*"),
    "AVG": ("avg", "N"),
    "COUNT": ("count", "*"),
    "MAX": ("max", "*"),
    "MEDIAN": ("o_median", "N"),
    "MIN": ("min", "*"),
    "STATS_MODE": ("o_mode", "*"),
    "STDDEV": ("o_stddev", "N"),
    "STDDEV_POP": ("o_stddev_pop", "N"),
    "STDDEV_SAMP": ("o_stddev_samp", "N"),
    "SUM": ("sum", "N"),
    "VARIANCE": ("o_variance", "N"),
    "VAR_POP": ("o_var_pop", "N"),
    "VAR_SAMP": ("o_var_samp", "N"),
}
_COUNTS = ("COUNT", "APPROX_COUNT_DISTINCT")
# Aggregates that need WITHIN GROUP, or sort without.
ORDERED_AGGREGATES = ("LISTAGG", "WM_CONCAT", "PERCENTILE_CONT", "PERCENTILE_DISC")


def call_name(c: Compiler, node: Node) -> str:
    """The upper-case name of an undotted call, "" for another node."""
    return c.name(node.this) if isinstance(node, exp.Anonymous) else ""


def is_aggregate(c: Compiler, node: Node) -> bool:
    name = call_name(c, node)
    return name in AGGREGATES or name in ORDERED_AGGREGATES


def call(c: Compiler, node: Node, scope: Scope) -> Expr:
    position = c.position(node)
    if isinstance(node, exp.Dot):
        return _dotted(c, node, scope, position)
    name = call_name(c, node)
    arguments = node.expressions
    if name in SESSION:
        return SESSION[name]
    if name in PLAIN:
        return plain(c, PLAIN[name], arguments, scope, position)
    if name in SPECIAL:
        return SPECIAL[name](c, arguments, scope, position)
    if name in AGGREGATES:
        return aggregate(c, name, arguments, scope, position)
    if name == "GROUPING":
        count(arguments, 1, 1, position)
        nulled = c.operand(arguments[0], replace(scope, nulled=frozenset())).sql in scope.nulled
        return Expr(str(int(nulled)), Type.NUMBER, 22)
    if name in ("LISTAGG", "WM_CONCAT"):
        from .analytic import listagg

        return listagg(c, arguments, None, scope, position, default="','" if name == "WM_CONCAT" else "NULL")
    if name in ORDERED_AGGREGATES:
        raise OracleError(30491, position=position)
    if name == "SYS_CONNECT_BY_PATH":
        raise OracleError(1788, position=position)
    return c.called((name,), [c.operand(argument, scope) for argument in arguments], position)


def _dotted(c: Compiler, node: exp.Dot, scope: Scope, position: int) -> Expr:
    names: list[str] = []
    part: Node = node
    while isinstance(part, exp.Dot):
        names.insert(
            0,
            c.name(
                part.args["expression"].this
                if isinstance(part.args["expression"], exp.Anonymous)
                else part.args["expression"]
            ),
        )
        part = part.this
    if isinstance(part, exp.Column):
        names[:0] = [c.name(part.args[key]) for key in ("db", "table", "this") if part.args.get(key) is not None]
    else:
        names.insert(0, c.name(part))
    last = node.args["expression"]
    arguments = last.expressions if isinstance(last, exp.Anonymous) else []
    return dotted_call(c, tuple(names), arguments, scope, position)


def dotted_call(c: Compiler, names: tuple[str, ...], arguments: Arguments, scope: Scope, position: int) -> Expr:
    bare = names[1:] if names[0] == "SYS" and len(names) > 1 else names
    if len(bare) == 2 and (bare[0], bare[1]) in DOTTED:
        return plain(c, DOTTED[bare[0], bare[1]], arguments, scope, position)
    return c.called(names, [c.operand(argument, scope) for argument in arguments], position)


def aggregate(c: Compiler, name: str, arguments: Arguments, scope: Scope, position: int, over: bool = False) -> Expr:
    """COUNT, SUM and the like, before any OVER. ORA-00934 where no group function may stand."""
    if not over and not scope.aggregates:
        raise OracleError(934, position=position)
    if len(arguments) != 1:
        raise OracleError(909, position=position)
    sqlite, kind = AGGREGATES[name]
    inner = replace(scope, aggregates=over and scope.aggregates, nulled=frozenset())
    argument = arguments[0]
    if isinstance(argument, exp.Star):
        if name != "COUNT":
            raise OracleError(936, position=position)
        return Expr("count(*)", Type.NUMBER, 22)
    distinct = "DISTINCT " if name == "APPROX_COUNT_DISTINCT" else ""
    if isinstance(argument, exp.Distinct):
        distinct = "DISTINCT "
        argument = argument.expressions[0]
    operand = c.operand(argument, inner)
    if name in _COUNTS:
        return Expr(f"count({distinct}{operand.sql})", Type.NUMBER, 22)
    if kind == "N":
        operand = as_number(operand)
        if sqlite == "sum" and operand.kind is Type.INTERVAL_DS:
            raise OracleError(932, "NUMBER", "INTERVAL DAY TO SECOND", position=position)
        return Expr(f"{sqlite}({distinct}{operand.sql})", Type.NUMBER, 22)
    if operand.kind is Pseudo.NULL:
        return Expr(f"{sqlite}({operand.sql})", Type.VARCHAR2, 1)
    return Expr(f"{sqlite}({distinct}{operand.sql})", operand.kind, operand.size)
