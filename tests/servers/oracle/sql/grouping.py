# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GROUP BY: its sets of expressions, and what may stand beside them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from .calls import is_aggregate
from .joins import own
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr
Keys = tuple[str, ...]


def grouping_sets(c: Compiler, group: Node | None, scope: Scope) -> list[Keys]:
    """The grouping sets, each the SQL of its expressions; a plain GROUP BY is one set."""
    if group is None:
        return [()]
    parts: list[list[Keys]] = []
    for item in group.expressions:
        parts.append(_sets(c, item, scope))
    for key in ("rollup", "cube", "grouping_sets"):
        for item in group.args.get(key) or []:
            parts.append(_sets(c, item, scope))
    return [tuple(dict.fromkeys(sql for keys in chosen for sql in keys)) for chosen in product(*parts)]


def _sets(c: Compiler, item: Node, scope: Scope) -> list[Keys]:
    if isinstance(item, exp.Rollup):
        members = [_keys(c, member, scope) for member in item.expressions]
        return [sum(members[:count], ()) for count in range(len(members), -1, -1)]
    if isinstance(item, exp.Cube):
        members = [_keys(c, member, scope) for member in item.expressions]
        return [sum(chosen, ()) for count in range(len(members), -1, -1) for chosen in combinations(members, count)]
    if isinstance(item, exp.GroupingSets):
        return [keys for member in item.expressions for keys in _sets(c, member, scope)]
    return [_keys(c, item, scope)]


def _keys(c: Compiler, node: Node, scope: Scope) -> Keys:
    if isinstance(node, exp.Tuple):
        return tuple(c.operand(member, scope).sql for member in node.expressions)
    if isinstance(node, exp.Paren):
        return _keys(c, node.this, scope)
    return (c.operand(node, scope).sql,)


def has_aggregates(c: Compiler, node: exp.Select) -> bool:
    """Whether the block groups its rows even without GROUP BY."""
    parts: list[Node] = [*node.expressions]
    parts += [node.args[key] for key in ("having", "order") if node.args.get(key) is not None]
    return any(is_aggregate(c, found) and not _is_analytic(found) for part in parts for found in own(part))


def _is_analytic(node: Node) -> bool:
    """Whether OVER belongs to this call. Its arguments may still hold group functions: RANK() OVER (ORDER BY SUM(x))."""
    outer, inner = node.parent, node
    while isinstance(outer, (exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.Window)) and outer.this is inner:
        if isinstance(outer, exp.Window) and str(outer.args.get("over") or "").upper() == "OVER":
            return True
        outer, inner = outer.parent, outer
    return False


def nested_aggregates(c: Compiler, node: exp.Select) -> list[Node]:
    """Group functions that are in the argument of another one."""
    found: list[Node] = []
    for item in node.expressions:
        for call in own(item):
            if is_aggregate(c, call) and not isinstance(call.parent, exp.Window):
                found += [inner for inner in own(call) if inner is not call and is_aggregate(c, inner)]
    return found


def check_grouping(c: Compiler, node: exp.Select, scope: Scope, keys: set[str], grouped: bool) -> None:
    """ORA-00979, or ORA-00937 without GROUP BY, for what is neither grouped nor in a group function."""
    code = 979 if grouped else 937
    parts: list[Node] = [item.this if isinstance(item, exp.Alias) else item for item in node.expressions]
    if node.args.get("having") is not None:
        parts.append(node.args["having"].this)
    names = {c.name(item.args["alias"]) for item in node.expressions if isinstance(item, exp.Alias)}
    for item in node.args["order"].expressions if node.args.get("order") is not None else []:
        ordered = item.this if isinstance(item, exp.Ordered) else item
        by_alias = any(
            isinstance(n, exp.Column) and not n.args.get("table") and c.name(n.this) in names for n in ordered.walk()
        )
        if not by_alias:
            parts.append(ordered)
    for part in parts:
        _check(c, part, scope, keys, code)


def _check(c: Compiler, node: Node, scope: Scope, keys: set[str], code: int) -> None:
    if isinstance(node, exp.Query) or (is_aggregate(c, node) and not isinstance(node.parent, exp.Window)):
        return
    if isinstance(node, exp.WithinGroup) and not isinstance(node.parent, exp.Window):
        return
    if isinstance(node, exp.Window):
        if str(node.args.get("over") or "").upper() != "KEEP":
            for part in _window_parts(node):
                _check(c, part, scope, keys, code)
        return
    if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
        raise OracleError(code, position=c.position(node))
    if isinstance(node, exp.Column):
        _check_column(c, node, scope, keys, code)
        return
    if keys and not isinstance(
        node, (exp.Identifier, exp.Order, exp.Ordered, exp.Distinct, exp.WindowSpec, exp.Var, exp.If)
    ):
        try:
            sql = c.value(node, replace(scope, aggregates=True)).sql
        except OracleError as error:
            # An error in the arguments has its own turn; a part that is no expression by itself is looked into.
            if error.code != 3001:
                raise
            sql = ""
        if sql in keys:
            return
    for child in node.iter_expressions():
        if not isinstance(child, (exp.Identifier, exp.DataType)):
            _check(c, child, scope, keys, code)


def _window_parts(node: exp.Window) -> list[Node]:
    """The expressions of an analytic function, which see the groups: arguments, PARTITION BY and ORDER BY."""
    call = node.this
    while isinstance(call, (exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.Window)):
        call = call.this
    parts: list[Node] = [item for item in call.expressions if not isinstance(item, exp.Star)]
    parts += node.args.get("partition_by") or []
    order = node.args.get("order")
    parts += [item.this for item in order.expressions] if order is not None else []
    return parts


def _check_column(c: Compiler, node: exp.Column, scope: Scope, keys: set[str], code: int) -> None:
    raw = str(node.this.this)
    if not node.args.get("table") and c.masked.stands_for_value(raw):
        return
    position = c.position(node)
    name, table = c.name(node.this), c.name(node.args.get("table"))
    if c.value(node, scope).sql in keys:
        return
    here = scope.find(name, table, c.name(node.args.get("db")), position) is not None
    if here or (not table and name in scope.pseudo):
        raise OracleError(code, position=position)
