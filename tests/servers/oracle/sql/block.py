# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A query block: SELECT with all that follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Type
from .calls import is_aggregate
from .expr import Pseudo, from_column, to_column
from .grouping import check_grouping, grouping_sets, has_aggregates, nested_aggregates
from .hierarchy import connect
from .joins import conjuncts, own, remap, render, tables
from .ordering import Key, limited, order_text
from .query import Query
from .rownum import least, row_limits, uses_rownum
from .scope import Scope
from .select_list import Selected, listed, order_expression, order_key, select_list

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr


@dataclass
class _Part:
    """A block for one grouping set; most blocks have one part. ``tail`` is SQLite from FROM on."""

    scope: Scope
    items: list[Selected]
    tail: str


def select(c: Compiler, node: exp.Select, parent: Scope | None) -> Query:
    """ORA-00923 without FROM before release 23."""
    scope = Scope(parent=parent)
    found = tables(c, node, scope)
    if not found and c.context.release < 23:
        raise OracleError(923 if node.expressions else 936, position=_missing_from(c, node))
    where = conjuncts(node.args["where"].this if node.args.get("where") is not None else None)
    for condition in where:
        _no_groups(c, condition)
    if node.args.get("connect") is not None:
        from_sql, rest = connect(c, node, found, where, scope)
        one_row = False
    else:
        from_sql, rest = render(c, found, where, scope)
        one_row = not any(joined.relation.sql for joined in found)
    limits: list[str] = []
    if uses_rownum(c, node):
        limits, rest, late = row_limits(c, rest, scope)
        conditions = [c.condition(condition, scope) for condition in rest]
        if _numbers_rows(c, node) or late:
            from_sql = _numbered(c, from_sql, conditions, limits, scope)
            conditions, limits = [c.condition(condition, scope) for condition in late], []
    else:
        conditions = [c.condition(condition, scope) for condition in rest]
    tail = f" FROM {from_sql}" if from_sql else ""
    tail += " WHERE " + " AND ".join(conditions) if conditions else ""
    if node.args.get("group") is None and node.args.get("having") is None and not has_aggregates(c, node):
        result = _finished(c, node, [_Part(scope, select_list(c, node, scope), tail)], limits)
        return replace(result, single=result.single or one_row)
    return _grouped(c, node, scope, tail)


def _missing_from(c: Compiler, node: exp.Select) -> int:
    """Where FROM would have to be: at the end of the statement, or the parenthesis that ends the block."""
    last = c.last(node)
    return next((t.start for t in c.masked.tokens if t.start > last and (t.is_(")") or t.kind == "end")), last)


def _no_groups(c: Compiler, node: Node) -> None:
    """Neither group functions nor analytic ones stand in WHERE."""
    for found in own(node):
        if isinstance(found, exp.Window) and str(found.args.get("over") or "").upper() == "OVER":
            raise OracleError(30483, position=c.position(found))
        if is_aggregate(c, found):
            raise OracleError(934, position=c.position(found))


def _numbers_rows(c: Compiler, node: exp.Select) -> bool:
    """Whether ROWNUM is more than a limit on the rows of the whole block."""
    order = node.args.get("order")
    if order is not None and not order.args.get("siblings"):
        return True
    if any(node.args.get(key) for key in ("group", "distinct", "having", "limit", "offset")) or has_aggregates(c, node):
        return True
    analytic = any(isinstance(found, exp.Window) for item in node.expressions for found in own(item))
    return analytic or uses_rownum(c, node, outside_where=True)


def _numbered(c: Compiler, from_sql: str, conditions: Sequence[str], limits: Sequence[str], scope: Scope) -> str:
    """FROM with ROWNUM as a column: rows are numbered as they pass WHERE, before they are grouped or sorted."""
    alias = c.alias()
    inner = f"SELECT {remap(scope, alias)}, row_number() OVER () AS rn"
    for number, (key, expr) in enumerate(scope.ready.items()):
        inner += f", {expr.sql} AS r{number}"
        scope.ready[key] = replace(expr, sql=f"{alias}.r{number}")
    for number, (name, expr) in enumerate(scope.pseudo.items()):
        inner += f", {expr.sql} AS p{number}"
        scope.pseudo[name] = replace(expr, sql=f"{alias}.p{number}")
    inner += f" FROM {from_sql}" if from_sql else ""
    inner += " WHERE " + " AND ".join(conditions) if conditions else ""
    inner += f" LIMIT {least(limits)}" if limits else " LIMIT -1"
    scope.pseudo["ROWNUM"] = from_column(Column("ROWNUM", Type.NUMBER, 22), f"{alias}.rn")
    return f"({inner}) {alias}"


def _grouped(c: Compiler, node: exp.Select, scope: Scope, tail: str) -> Query:
    group, having = node.args.get("group"), node.args.get("having")
    sets = grouping_sets(c, group, scope)
    everything = {sql for keys in sets for sql in keys}
    nested = nested_aggregates(c, node)
    within = replace(scope, aggregates=True)
    if nested:
        if group is None:
            raise OracleError(978, position=c.position(nested[0]))
        return _twice_grouped(c, node, within, nested, tail + _group_by(sets[0], True))
    check_grouping(c, node, within, everything, group is not None)
    parts = []
    for keys in sets:
        block = replace(within, nulled=frozenset(everything - set(keys)))
        # The grand total of ROLLUP is there without rows, too; a group of a constant is not.
        text = tail + _group_by(keys, having is not None or (group is not None and len(sets) == 1))
        text += f" HAVING {c.condition(having.this, block)}" if having is not None else ""
        parts.append(_Part(block, select_list(c, node, block), text))
    result = _finished(c, node, parts, [])
    return replace(result, single=result.single or (group is None and having is None))


def _group_by(keys: Sequence[str], needed: bool) -> str:
    """GROUP BY in SQLite, to which a bare number would be the number of a column."""
    if keys:
        return " GROUP BY " + ", ".join(f"{key} + 0" if key.isdigit() else key for key in keys)
    return " GROUP BY NULL" if needed else ""


def _twice_grouped(c: Compiler, node: exp.Select, scope: Scope, nested: Sequence[Node], tail: str) -> Query:
    """``MAX(COUNT(*)) ... GROUP BY x``: the outer function takes the groups of the inner one together, as one row."""
    alias = c.alias()
    inner = [c.operand(call, scope) for call in nested]
    text = f"SELECT {', '.join(f'{expr.sql} AS n{number}' for number, expr in enumerate(inner))}{tail}"
    having = node.args.get("having")
    text += f" HAVING {c.condition(having.this, scope)}" if having is not None else ""
    outer = Scope(parent=scope.parent, aggregates=True)
    for number, (call, expr) in enumerate(zip(nested, inner, strict=True)):
        outer.ready[id(call)] = replace(expr, sql=f"{alias}.n{number}")
    part = _Part(outer, select_list(c, node, outer), f" FROM ({text}) {alias}")
    return replace(_finished(c, node, [part], []), single=True)


def _finished(c: Compiler, node: exp.Select, parts: Sequence[_Part], limits: Sequence[str]) -> Query:
    """Select list, DISTINCT, ORDER BY and limits."""
    distinct = node.args.get("distinct") is not None
    first = parts[0]
    columns = [to_column(item.name, item.expr) for item in first.items]
    null = [item.expr.kind is Pseudo.NULL for item in first.items]
    hidden: list[list[str]] = [[] for _unused in parts]
    keys: list[Key] = []
    order = node.args.get("order")
    fetch = node.args.get("limit")
    options = fetch.args.get("limit_options") if isinstance(fetch, exp.Fetch) else None
    ties = options is not None and bool(options.args.get("with_ties"))
    for item in order.expressions if order is not None and not order.args.get("siblings") else []:
        key, selected = order_key(c, item, first.items, first.scope)
        if not selected:
            if distinct:
                raise OracleError(1791, position=c.position(item))
            if ties or len(parts) > 1:
                # The rows are sorted outside the block, which must have the key as a column of its own.
                for part, extra in zip(parts, hidden, strict=True):
                    extra.append(order_expression(c, item, part.items, part.scope).sql)
                key = key._replace(sql=f"k{len(hidden[0])}")
        keys.append(key)
    word = "SELECT DISTINCT" if distinct else "SELECT"
    blocks = []
    for part, extra in zip(parts, hidden, strict=True):
        names = "".join(f", {sql} AS k{number}" for number, sql in enumerate(extra, 1))
        blocks.append(f"{word} {listed(part.items)}{names}{part.tail}")
    headings = [item.heading for item in first.items]
    result = Query(" UNION ALL ".join(blocks), columns, headings, null, compound=len(parts) > 1)
    if keys and not ties:
        if hidden[0]:
            visible = ", ".join(f"c{number}" for number in range(1, len(columns) + 1))
            result = replace(result, sql=f"SELECT {visible} FROM ({result.sql})")
        result = replace(result, sql=f"{result.sql} ORDER BY {order_text(keys)}", closed=True)
    if limits:
        result = replace(result, sql=f"{result.sql} LIMIT {least(limits)}", closed=True, limited=True)
    return limited(c, node, result, keys, first.scope)
