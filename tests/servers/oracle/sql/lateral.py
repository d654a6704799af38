# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""LATERAL, CROSS APPLY and OUTER APPLY, which SQLite lacks: queries in FROM that see the tables before them.

A query that filters one FROM becomes a join; one that gives at most one row (an aggregate without GROUP BY, or FETCH
FIRST 1 ROW) becomes a subquery for each of its columns. ORA-03001 for others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from .expr import to_column
from .grouping import has_aggregates
from .joins import Joined, conjuncts, render, tables
from .query import query
from .scope import Item, Relation, Scope
from .select_list import select_list

if TYPE_CHECKING:
    from .compiler import Compiler

_COMPLEX = ("group", "distinct", "having", "connect", "order", "offset", "limit", "with_", "joins")


def lateral(c: Compiler, join: exp.Join, scope: Scope, found: list[Joined]) -> None:
    node = join.this
    alias = node.args.get("alias")
    name = c.name(alias.this) if alias is not None else ""
    inner = node.this
    while isinstance(inner, (exp.Subquery, exp.Paren)):
        inner = inner.this
    # CROSS APPLY is true, OUTER APPLY false; LATERAL has neither and may be LEFT JOIN ... ON.
    optional = node.args.get("cross_apply") is False or str(join.args.get("side") or "").upper() == "LEFT"
    if not isinstance(inner, exp.Select):
        raise OracleError(3001, position=c.position(node))
    visible = Scope(relations=list(scope.relations), parent=scope.parent, merged=scope.merged)
    limit = inner.args.get("limit")
    one_row = isinstance(limit, exp.Fetch) and str(limit.args.get("count") or "1") == "1"
    if one_row or (has_aggregates(c, inner) and not inner.args.get("group")):
        rows = query(c, inner, visible)
        items = [Item(column, f"(SELECT c{number} FROM ({rows.sql}))") for number, column in enumerate(rows.columns, 1)]
        needed = one_row and not optional
        scope.relations.append(Relation(name, f"(SELECT 1) {c.alias()}" if needed else "", items))
        found.append(
            Joined(scope.relations[-1], "JOIN", [f"EXISTS ({rows.sql})"]) if needed else Joined(scope.relations[-1])
        )
        return
    if any(inner.args.get(key) for key in _COMPLEX):
        raise OracleError(3001, position=c.position(node))
    within = Scope(parent=visible)
    sources = tables(c, inner, within)
    text, rest = render(c, sources, conjuncts(inner.args["where"].this if inner.args.get("where") else None), within)
    on = [c.condition(condition, within) for condition in rest]
    if join.args.get("on") is not None and not optional:
        raise OracleError(3001, position=c.position(node))
    items = [Item(to_column(i.name, i.expr), i.expr.sql) for i in select_list(c, inner, within)]
    scope.relations.append(Relation(name, text, items))
    found.append(Joined(scope.relations[-1], "LEFT JOIN" if optional else "JOIN", on))
