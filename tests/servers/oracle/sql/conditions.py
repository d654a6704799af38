# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions: comparisons, IN, LIKE, BETWEEN, EXISTS, IS NULL, and what connects them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..errors import OracleError
from .expr import Expr, Pseudo, comparable, condition, quote
from .operators import compare, connect
from .query import query
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr

_OPERATORS: dict[type[Node], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


def _comparison(c: Compiler, node: exp.Binary, scope: Scope) -> Expr:
    operator = _OPERATORS[type(node)]
    right_node = node.args.get("expression")
    if isinstance(node.this, exp.Tuple):
        return condition(_tuple_comparison(c, node, operator, scope))
    left = c.operand(node.this, scope)
    if isinstance(right_node, (exp.Any, exp.All)):
        return condition(_quantified(c, left, operator, right_node, scope))
    return condition(compare(left, operator, c.operand(right_node, scope)))


def _tuple_comparison(c: Compiler, node: exp.Binary, operator: str, scope: Scope) -> str:
    lefts = [c.operand(item, scope) for item in node.this.expressions]
    right = node.args["expression"]
    right = right.this if isinstance(right, exp.Paren) else right
    if operator not in ("=", "<>"):
        raise OracleError(1796, position=c.position(node))
    if isinstance(right, exp.Tuple) and len(right.expressions) == len(lefts):
        pairs = [
            compare(left, "=", c.operand(item, scope)) for left, item in zip(lefts, right.expressions, strict=True)
        ]
        return f"({'NOT ' if operator == '<>' else ''}({' AND '.join(pairs)}))"
    if isinstance(right, exp.Subquery):
        rows = query(c, right, scope)
        if len(rows.columns) != len(lefts):
            raise OracleError(947 if len(rows.columns) < len(lefts) else 913, position=c.position(right))
        return f"(({', '.join(left.sql for left in lefts)}) {operator} ({rows.sql}))"
    raise OracleError(1797, position=c.position(right))


def _quantified(c: Compiler, left: Expr, operator: str, node: Node, scope: Scope) -> str:
    """``x > ALL (...)`` and ``x = ANY (...)`` over a list or a query."""
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    every = isinstance(node, exp.All)
    if isinstance(inner, (exp.Subquery, exp.Query)):
        rows = query(c, inner, scope)
        name = c.alias()
        right = Expr(f"{name}.c1", rows.columns[0].type)
        test = compare(left, operator, right)
        if every:
            return f"(NOT EXISTS (SELECT 1 FROM ({rows.sql}) {name} WHERE NOT ifnull({test}, 0)))"
        return f"(EXISTS (SELECT 1 FROM ({rows.sql}) {name} WHERE {test}))"
    items = inner.expressions if isinstance(inner, exp.Tuple) else [inner]
    tests = [compare(left, operator, c.operand(item, scope)) for item in items]
    return connect("AND" if every else "OR", tests)


def _is(c: Compiler, node: exp.Is, scope: Scope) -> Expr:
    if not isinstance(node.args.get("expression"), exp.Null):
        raise OracleError(908, position=c.position(node.args.get("expression")))
    word = "IS NOT NULL" if node.args.get("negate") else "IS NULL"
    return condition(f"({c.operand(node.this, scope).sql} {word})")


def _between(c: Compiler, node: exp.Between, scope: Scope) -> Expr:
    operand = c.operand(node.this, scope)
    low = compare(operand, ">=", c.operand(node.args["low"], scope))
    high = compare(operand, "<=", c.operand(node.args["high"], scope))
    return condition(f"({low} AND {high})")


def _like(c: Compiler, node: exp.Like, scope: Scope, escape: str = "") -> Expr:
    pattern = node.args.get("expression")
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return condition(f"({c.text(node.this, scope)} {word} {c.text(pattern, scope)}{escape})")


def _escape(c: Compiler, node: exp.Escape, scope: Scope) -> Expr:
    character = str(node.args["expression"].this)
    if len(character) != 1:
        raise OracleError(1425, position=c.position(node.args["expression"]))
    return _like(c, node.this, scope, f" ESCAPE {quote(character)}")


def _in(c: Compiler, node: exp.In, scope: Scope) -> Expr:
    rows = node.args.get("query")
    if rows is not None:
        return condition(_in_query(c, node.this, rows, scope))
    items = list(node.expressions)
    if node.args.get("field") is not None:
        items = [node.args["field"]]
    if not items:
        raise OracleError(936, position=c.behind(node.this))
    if isinstance(node.this, exp.Tuple):
        return condition(_in_rows(c, node.this, items, scope))
    left = c.operand(node.this, scope)
    pairs = [comparable(left, c.operand(item, scope)) for item in items]
    if all(pair[0].sql == left.sql for pair in pairs):
        return condition(f"({left.sql} IN ({', '.join(pair[1].sql for pair in pairs)}))")
    return condition(connect("OR", [f"{a.sql} = {b.sql}" for a, b in pairs]))


def _in_rows(c: Compiler, node: exp.Tuple, items: Sequence[Node], scope: Scope) -> str:
    """``(a, b) IN ((1, 2), (3, 4))``."""
    lefts = [c.operand(part, scope) for part in node.expressions]
    rows: list[list[tuple[Expr, Expr]]] = []
    for item in items:
        if not isinstance(item, exp.Tuple) or len(item.expressions) != len(lefts):
            raise OracleError(920, position=c.position(item))
        given = [c.operand(part, scope) for part in item.expressions]
        rows.append([comparable(left, right) for left, right in zip(lefts, given, strict=True)])
    if all(pair[0].sql == left.sql for row in rows for pair, left in zip(row, lefts, strict=True)):
        values = ", ".join(f"({', '.join(pair[1].sql for pair in row)})" for row in rows)
        return f"(({', '.join(left.sql for left in lefts)}) IN (VALUES {values}))"
    return connect("OR", [connect("AND", [f"{a.sql} = {b.sql}" for a, b in row]) for row in rows])


def _in_query(c: Compiler, left_node: Node, rows_node: Node, scope: Scope) -> str:
    rows = query(c, rows_node, scope)
    left_nodes = left_node.expressions if isinstance(left_node, exp.Tuple) else [left_node]
    if len(left_nodes) != len(rows.columns):
        raise OracleError(947 if len(rows.columns) < len(left_nodes) else 913, position=c.position(rows_node))
    name = c.alias()
    lefts, rights, plain = [], [], True
    for number, (item, column) in enumerate(zip(left_nodes, rows.columns, strict=True), 1):
        read = f"{name}.c{number}"
        left, right = comparable(
            c.operand(item, scope), Expr(read, column.type if not rows.null[number - 1] else Pseudo.NULL)
        )
        plain = plain and right.sql == read
        lefts.append(left.sql)
        rights.append(right.sql)
    sql = rows.sql if plain else f"SELECT {', '.join(rights)} FROM ({rows.sql}) {name}"
    operand = f"({', '.join(lefts)})" if len(lefts) > 1 else lefts[0]
    return f"({operand} IN ({sql}))"


def _exists(c: Compiler, node: exp.Exists, scope: Scope) -> Expr:
    return condition(f"EXISTS ({query(c, node.this, scope).sql})")


def _logic(c: Compiler, node: exp.Connector, scope: Scope) -> Expr:
    word = "AND" if isinstance(node, exp.And) else "OR"
    operands: list[Node] = []
    at: Any = node
    while type(at) is type(node):
        operands.append(at.args["expression"])
        at = at.this
    operands.append(at)
    return condition(connect(word, [c.condition(operand, scope) for operand in reversed(operands)]))


def _not(c: Compiler, node: exp.Not, scope: Scope) -> Expr:
    return condition(f"(NOT {c.condition(node.this, scope)})")


CONDITIONS: dict[type[Node], Callable[[Compiler, Any, Scope], Expr]] = {
    exp.And: _logic,
    exp.Or: _logic,
    exp.Not: _not,
    exp.Is: _is,
    exp.Between: _between,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.In: _in,
    exp.Exists: _exists,
    **dict.fromkeys(_OPERATORS, _comparison),
}
