# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries: WITH, set operations, and queries that stand as an expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Type
from .expr import Expr, Kind, Pseudo
from .joins import derived
from .ordering import Key, limited, order_text, position_of
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr


@dataclass
class Query:
    """A query in SQLite, whose columns are named c1, c2 ... there.

    ``headings``: for each column the number of its item in the select list if it has no name, else None.
    """

    sql: str
    columns: list[Column]
    headings: list[int | None] = field(default_factory=list)
    # Columns that are NULL by type, which take the type of the other side in a set operation.
    null: list[bool] = field(default_factory=list)
    # Has WITH, ORDER BY or LIMIT, so it cannot be an operand of a set operation as it is.
    closed: bool = False
    # Ends in LIMIT.
    limited: bool = False
    # At most one row.
    single: bool = False
    # A set operation.
    compound: bool = False

    @property
    def in_from(self) -> str:
        """As a query in FROM: without a limit SQLite may leave out its order there."""
        return f"{self.sql} LIMIT -1" if self.closed and not self.limited else self.sql


def query(c: Compiler, node: Node, parent: Scope | None) -> Query:
    """Any query; ``parent`` is the scope that a correlated one sees."""
    if isinstance(node, exp.Subquery):
        return query(c, _unwrapped(node), parent)
    if isinstance(node, exp.Paren):
        return query(c, node.this, parent)
    clause = node.args.get("with_")
    if clause is None:
        return _body(c, node, parent)
    c.ctes.append({})
    try:
        texts = [_named_query(c, named, parent) for named in clause.expressions]
        inner = _body(c, node, parent)
    finally:
        c.ctes.pop()
    sql = f"SELECT * FROM ({inner.sql})" if inner.sql.startswith("WITH") else inner.sql
    return replace(inner, sql=f"WITH RECURSIVE {', '.join(texts)} {sql}", closed=True)


def _unwrapped(node: exp.Subquery) -> Node:
    """A query in parentheses, with the ORDER BY and FETCH FIRST that are written behind them."""
    inner = node.this
    outside = {key: node.args[key] for key in ("order", "limit", "offset") if node.args.get(key) is not None}
    if not outside or not isinstance(inner, exp.Query):
        return inner
    wrapped = inner.copy()
    for key, clause in outside.items():
        wrapped.set(key, clause)
    return wrapped


def _body(c: Compiler, node: Node, parent: Scope | None) -> Query:
    if isinstance(node, exp.SetOperation):
        return _set_operation(c, node, parent)
    if isinstance(node, exp.Select):
        from .block import select

        return select(c, node, parent)
    raise OracleError(900, position=c.position(node))


def _named_query(c: Compiler, node: exp.CTE, parent: Scope | None) -> str:
    """``name [(columns)] AS (query)`` of WITH, recursive where the query names itself."""
    alias = node.args["alias"]
    name = c.name(alias.this)
    names = [c.name(column) for column in alias.args.get("columns") or []]
    sqlite = c.alias() + "_with"

    def named(columns: Sequence[Column]) -> list[Column]:
        if names and len(names) != len(columns):
            raise OracleError(32038, position=c.position(node))
        given = names or [column.name for column in columns]
        return [replace(column, name=new) for column, new in zip(columns, given, strict=True)]

    def register(columns: Sequence[Column]) -> None:
        c.ctes[-1][name] = lambda qualifier: derived(c, sqlite, columns, qualifier, bare=True)

    body = node.this
    recursive = isinstance(body, exp.SetOperation) and any(
        c.name(found.this) == name and not found.args.get("db")
        for found in body.args["expression"].find_all(exp.Table)
        if isinstance(found.this, exp.Identifier)
    )
    if recursive:
        register(named(query(c, body.this, parent).columns))
    rows = query(c, body, parent)
    columns = named(rows.columns)
    register(columns)
    return f"{sqlite}({', '.join(f'c{number}' for number in range(1, len(columns) + 1))}) AS ({rows.in_from})"


# --- set operations -------------------------------------------------------------------------------------------------

_WORDS: dict[type[Node], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
# Types whose columns may stand above each other.
_GROUPS = {
    Type.CHAR: "text",
    Type.VARCHAR2: "text",
    Type.NUMBER: "number",
    Type.BINARY_DOUBLE: "number",
    Type.DATE: "date",
    Type.TIMESTAMP: "date",
    Type.TIMESTAMP_TZ: "date",
}


def _set_operation(c: Compiler, node: exp.SetOperation, parent: Scope | None) -> Query:
    left, right = query(c, node.this, parent), query(c, node.args["expression"], parent)
    if len(left.columns) != len(right.columns):
        raise OracleError(1789, position=c.position(node.this))
    columns = []
    for number, (one, other) in enumerate(zip(left.columns, right.columns, strict=True)):
        if left.null[number]:
            columns.append(replace(other, name=one.name))
        elif right.null[number] or one == replace(other, name=one.name):
            columns.append(one)
        elif _GROUPS.get(one.type, one.type) != _GROUPS.get(other.type, other.type):
            raise OracleError(1790, position=c.position(node.this))
        else:
            columns.append(replace(one, size=max(one.size, other.size), precision=0, scale=-127))
    word = _WORDS[type(node)]
    word += " ALL" if word == "UNION" and not node.args.get("distinct") else ""
    sql = f"{_operand(left, first=True)} {word} {_operand(right)}"
    null = [a and b for a, b in zip(left.null, right.null, strict=True)]
    result = Query(sql, columns, left.headings, null, compound=True)
    order = node.args.get("order")
    names = [column.name for column in columns]
    keys = [
        Key(f"c{position_of(c, item.this, names)}", bool(item.args.get("desc")), bool(item.args.get("nulls_first")))
        for item in (order.expressions if order is not None else [])
    ]
    if keys:
        result = replace(result, sql=f"{sql} ORDER BY {order_text(keys)}", closed=True)
    return limited(c, node, result, keys, Scope(parent=parent))


def _operand(rows: Query, first: bool = False) -> str:
    plain = not rows.closed and (first or not rows.compound)
    return rows.sql if plain else f"SELECT * FROM ({rows.in_from})"


# --- queries as expressions -------------------------------------------------------------------------------------------


def scalar(c: Compiler, node: Node, scope: Scope) -> Expr:
    """A scalar subquery: NULL without a row, ORA-01427 with two."""
    rows = query(c, node, replace(scope, aggregates=False, nulled=frozenset()))
    if len(rows.columns) != 1:
        raise OracleError(913, position=c.position(node))
    sql = f"({rows.sql})" if rows.single else f"(SELECT o_single(c1) FROM ({rows.sql}))"
    column = rows.columns[0]
    kind: Kind = Pseudo.NULL if rows.null[0] else column.type
    return Expr(sql, kind, column.size, position=c.position(node))
