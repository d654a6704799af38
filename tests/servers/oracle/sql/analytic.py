# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVER, WITHIN GROUP and KEEP: analytic functions and aggregates with an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..errors import OracleError
from ..values import Type
from .calls import AGGREGATES, aggregate, call_name
from .expr import Expr, as_number, as_text, quote, text_size
from .ordering import Key, order_text, sort_key
from .plain_calls import count
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr

# Functions that exist only with OVER, by SQLite's name: the number of arguments that are numbers is all that differs.
_RANKS = ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE")
_VALUES = ("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE")


def _spec(keys: Sequence[Key]) -> str:
    """The order for an aggregate function of ours, see aggregates.py."""
    return quote("".join(("d" if key.descending else "a") + ("f" if key.nulls_first else "l") for key in keys))


def _order_nodes(order: Node | None) -> list[Node]:
    return list(order.expressions) if order is not None else []


def window(c: Compiler, node: exp.Window, scope: Scope) -> Expr:
    if str(node.args.get("over") or "").upper() == "KEEP":
        return _keep(c, node, scope)
    function: Node = node.this
    ignore = isinstance(function, exp.IgnoreNulls)
    if isinstance(function, (exp.IgnoreNulls, exp.RespectNulls)):
        function = function.this
    arguments = list(getattr(function, "expressions", []))
    if len(arguments) == 1 and isinstance(arguments[0], (exp.IgnoreNulls, exp.RespectNulls)):
        ignore = isinstance(arguments[0], exp.IgnoreNulls)
        arguments = [arguments[0].this]
    over = _over(c, node, scope)
    if isinstance(function, exp.WithinGroup):
        inner = within_group(c, function, scope, over=True)
        return replace(inner, sql=f"{inner.sql} OVER {over}")
    if isinstance(function, exp.Window):
        inner = _keep(c, function, scope, over=True)
        return replace(inner, sql=f"{inner.sql} OVER {over}")
    name = call_name(c, function)
    position = c.position(function)
    if name in _RANKS:
        count(arguments, int(name == "NTILE"), int(name == "NTILE"), position)
        texts = ", ".join(c.number(argument, scope) for argument in arguments)
        return Expr(f"{name.lower()}({texts}) OVER {over}", Type.NUMBER, 22)
    if name in _VALUES:
        return _navigation(c, name, arguments, ignore, over, scope, position)
    if name == "RATIO_TO_REPORT":
        count(arguments, 1, 1, position)
        amount = c.number(arguments[0], scope)
        return Expr(f"o_div({amount}, nullif(sum({amount}) OVER {over}, 0))", Type.NUMBER, 22)
    if name in AGGREGATES:
        inner = aggregate(c, name, arguments, scope, position, over=True)
        return replace(inner, sql=f"{inner.sql} OVER {over}")
    if name in ("LISTAGG", "WM_CONCAT"):
        default = "','" if name == "WM_CONCAT" else "NULL"
        inner = listagg(c, arguments, None, scope, position, over=True, default=default)
        return replace(inner, sql=f"{inner.sql} OVER {over}")
    raise OracleError(904, f'"{name}"', position=position)


def _navigation(
    c: Compiler, name: str, arguments: Sequence[Node], ignore: bool, over: str, scope: Scope, position: int
) -> Expr:
    count(arguments, 1, 3, position)
    operand = c.operand(arguments[0], scope)
    rest = [c.operand(argument, scope).sql for argument in arguments[1:]]
    sqlite = name.lower()
    if ignore:
        if name not in ("FIRST_VALUE", "LAST_VALUE"):
            raise OracleError(3001, position=c.position(arguments[0]))
        sqlite = "o_first_filled" if name == "FIRST_VALUE" else "o_last_filled"
    return Expr(f"{sqlite}({', '.join([operand.sql, *rest])}) OVER {over}", operand.kind, text_size(operand))


def _over(c: Compiler, node: exp.Window, scope: Scope) -> str:
    parts = []
    partition = node.args.get("partition_by") or []
    if partition:
        parts.append("PARTITION BY " + ", ".join(c.operand(item, scope).sql for item in partition))
    keys = [sort_key(c, item, scope) for item in _order_nodes(node.args.get("order"))]
    if keys:
        parts.append("ORDER BY " + order_text(keys))
    spec = node.args.get("spec")
    if spec is not None:
        start = _bound(c, spec.args.get("start"), spec.args.get("start_side"), scope)
        end = _bound(c, spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"), scope)
        parts.append(f"{str(spec.args['kind']).upper()} BETWEEN {start} AND {end}")
    return f"({' '.join(parts)})"


def _bound(c: Compiler, bound: Any, side: Any, scope: Scope) -> str:
    text = str(bound).upper() if isinstance(bound, str) else c.operand(bound, scope).sql
    return f"{text} {str(side).upper()}" if side else text


def within_group(c: Compiler, node: exp.WithinGroup, scope: Scope, over: bool = False) -> Expr:
    function = node.this
    name = call_name(c, function)
    position = c.position(function)
    if name == "LISTAGG":
        return listagg(c, function.expressions, node.args["expression"], scope, position, over)
    if not over and not scope.aggregates:
        raise OracleError(934, position=position)
    if name not in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
        raise OracleError(3001, position=position)
    count(function.expressions, 1, 1, position)
    inner = replace(scope, aggregates=False, nulled=frozenset())
    keys = [sort_key(c, item, inner) for item in _order_nodes(node.args["expression"])]
    share = c.number(function.expressions[0], inner)
    continuous = int(name == "PERCENTILE_CONT")
    return Expr(f"o_percentile({_spec(keys)}, {continuous}, {share}, {keys[0].sql})", Type.NUMBER, 22)


def listagg(
    c: Compiler,
    arguments: Sequence[Node],
    order: Node | None,
    scope: Scope,
    position: int,
    over: bool = False,
    default: str = "NULL",
) -> Expr:
    """``default`` is the separator where none is given, as SQL."""
    if not over and not scope.aggregates:
        raise OracleError(934, position=position)
    inner = replace(scope, aggregates=over and scope.aggregates, nulled=frozenset())
    count(arguments, 1, 2, position)
    distinct = False
    items = list(arguments)
    if isinstance(items[0], exp.Distinct):
        distinct = True
        items = [*items[0].expressions, *items[1:]]
    measured = as_text(c.operand(items[0], inner)).sql
    separator = c.text(items[1], inner) if len(items) > 1 else default
    keys = [sort_key(c, item, inner) for item in _order_nodes(order)]
    flags = f"{_spec(keys)}, {int(distinct)}, {int(c.masked.truncates)}"
    texts = ", ".join([flags, measured, separator, *(key.sql for key in keys)])
    return Expr(f"o_listagg({texts})", Type.VARCHAR2, 4000)


def _keep(c: Compiler, node: exp.Window, scope: Scope, over: bool = False) -> Expr:
    """``MAX(x) KEEP (DENSE_RANK LAST ORDER BY y)``."""
    name = call_name(c, node.this)
    position = c.position(node.this)
    if name not in ("MAX", "MIN", "SUM", "AVG", "COUNT"):
        raise OracleError(3001, position=position)
    if not over and not scope.aggregates:
        raise OracleError(934, position=position)
    inner = replace(scope, aggregates=over and scope.aggregates, nulled=frozenset())
    count(node.this.expressions, 1, 1, position)
    argument = node.this.expressions[0]
    operand = Expr("1", Type.NUMBER, 22) if isinstance(argument, exp.Star) else c.operand(argument, inner)
    if name in ("SUM", "AVG"):
        operand = as_number(operand)
    keys = [sort_key(c, item, inner) for item in _order_nodes(node.args.get("order"))]
    which = "FIRST" if node.args.get("first") else "LAST"
    texts = ", ".join([_spec(keys), quote(name), quote(which), operand.sql, *(key.sql for key in keys)])
    kind = Type.NUMBER if name in ("COUNT", "SUM", "AVG") else operand.kind
    return Expr(f"o_keep({texts})", kind, text_size(operand))
