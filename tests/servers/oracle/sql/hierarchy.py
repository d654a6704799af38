# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CONNECT BY as a recursive query.

Rows are numbered in the order of their siblings; a row's path is the numbers from its root down, so that sorting by
path is depth first, and a number that is in the path already is a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Type
from .calls import call_name
from .expr import Expr, as_text, from_column
from .joins import Joined, conjuncts, own, remap, render, touches
from .ordering import order_text, sort_key
from .scope import Item, Relation, Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr
_DIGITS = 7
# In the SQL of a carrier: its own value in the parent row.
_OWN = "$own$"


@dataclass
class _Carrier:
    """A value that goes down the path: as SQL its value in a root row and in a row below, and what it is."""

    at_root: str
    below: str
    expr: Expr
    nodes: list[Node] = field(default_factory=list)


def _level(sql: str) -> Expr:
    return from_column(Column("LEVEL", Type.NUMBER, 22), sql)


def _shifted(scope: Scope, old: str, new: str) -> Scope:
    """The same columns, read from another alias of the same query."""
    relations = []
    for relation in scope.relations:
        items = [Item(item.column, item.sql.replace(f"{old}.", f"{new}.", 1)) for item in relation.items]
        rowid = relation.rowid.replace(f"{old}.", f"{new}.", 1)
        relations.append(Relation(relation.name, "", items, relation.owner, rowid, relation.table))
    merged = {n: Item(item.column, item.sql.replace(f"{old}.", f"{new}.", 1)) for n, item in scope.merged.items()}
    return Scope(relations=relations, parent=scope.parent, merged=merged)


def connect(
    c: Compiler, node: exp.Select, found: Sequence[Joined], where: Sequence[Node], scope: Scope
) -> tuple[str, list[Node]]:
    """The FROM text that gives the hierarchy, in its order, and the conditions that come after it.

    Of WHERE, what joins two tables comes before the hierarchy, all else after it. The scope reads from the result.
    """
    clause = node.args["connect"]
    joining = [condition for condition in where if len(found) > 1 and touches(c, condition, scope) > 1]
    after = [condition for condition in where if condition not in joining]
    from_sql, left = render(c, found, joining, scope)
    before = [c.condition(condition, scope) for condition in left]

    order = node.args.get("order")
    siblings = order.expressions if order is not None and order.args.get("siblings") else []
    keys = [sort_key(c, _named(c, item, node), scope) for item in siblings]
    base, walk, child, parent = (c.alias() for _unused in range(4))
    base_items = remap(scope, base)
    numbering = f"row_number() OVER ({'ORDER BY ' + order_text(keys) if keys else ''})"
    base_sql = f"SELECT {base_items}, {numbering} AS rn" + (f" FROM {from_sql}" if from_sql else "")
    if before:
        base_sql += " WHERE " + " AND ".join(before)

    child_scope, parent_scope = _shifted(scope, base, child), _shifted(scope, base, parent)
    columns = [item.sql.partition(".")[2] for relation in scope.relations for item in relation.items]
    columns += [relation.rowid.partition(".")[2] for relation in scope.relations if relation.rowid]
    columns += [item.sql.partition(".")[2] for item in scope.merged.values()]

    condition = clause.args["connect"]
    priors = [n for n in own(condition) if isinstance(n, exp.Prior)]
    for prior in priors:
        child_scope.ready[id(prior)] = c.operand(prior.this, parent_scope)
    child_scope.pseudo["LEVEL"] = _level(f"({parent}.lvl + 1)")
    # CONNECT BY ROWNUM <= n over one row is as usual as LEVEL <= n.
    child_scope.pseudo["ROWNUM"] = child_scope.pseudo["LEVEL"]
    connects = [c.condition(part, child_scope) for part in conjuncts(condition)]
    start = clause.args.get("start")
    child_scope.pseudo = {"LEVEL": _level("1")}
    start_sql = c.condition(start, child_scope) if start is not None else "1"

    # Expressions that are carried along the path.
    carried = _carried(c, node, child_scope, parent_scope)
    first = "".join(f", {carrier.at_root} AS k{n}" for n, carrier in enumerate(carried))
    next_ = "".join(f", {carrier.below.replace(_OWN, f'{parent}.k{n}')}" for n, carrier in enumerate(carried))
    listed = "".join(f", {child}.{column}" for column in columns)
    step = f"printf('%0{_DIGITS}d.', {child}.rn)"
    # Without PRIOR no row has a parent: it generates rows, and nothing is a loop.
    looping = f"instr({parent}.path, {step})"
    if not priors:
        path_first, path_next = "''", "''"
    else:
        path_first, path_next = step, f"{parent}.path || {step}"
        if clause.args.get("nocycle"):
            connects.append(f"{looping} = 0")
        else:
            connects.append(f"CASE WHEN {looping} > 0 THEN o_raise(1436) ELSE 1 END")
    names = ", ".join(["lvl", "path", "rn", *columns, *(f"k{n}" for n in range(len(carried)))])
    joined = " AND ".join(connects)
    with_sql = (
        f"WITH RECURSIVE {base}_base AS ({base_sql}), {walk}({names}) AS ("
        f"SELECT 1, {path_first}, {child}.rn{listed}{first} FROM {base}_base {child} WHERE {start_sql} UNION ALL "
        f"SELECT {parent}.lvl + 1, {path_next}, {child}.rn{listed}{next_} FROM {walk} {parent} JOIN {base}_base {child} ON {joined}) "
    )
    leaf = ", NULL AS leaf"
    if any(isinstance(n, exp.Column) and c.name(n.this) == "CONNECT_BY_ISLEAF" for n in _names(node)):
        leaf = f", NOT EXISTS (SELECT 1 FROM {base}_base {child} WHERE {joined}) AS leaf"
    sql = f"({with_sql}SELECT {parent}.*{leaf} FROM {walk} {parent} ORDER BY {'path' if priors else 'lvl'} LIMIT -1) {base}"

    scope.pseudo["LEVEL"] = _level(f"{base}.lvl")
    scope.pseudo["CONNECT_BY_ISLEAF"] = _level(f"{base}.leaf")
    scope.pseudo["CONNECT_BY_ISCYCLE"] = _level("0")
    for n, carrier in enumerate(carried):
        for user in carrier.nodes:
            kind = carrier.expr
            scope.ready[id(user)] = Expr(f"{base}.k{n}", kind.kind, kind.size, column=kind.column)
    return sql, after


def _named(c: Compiler, item: Node, node: exp.Select) -> Node:
    """ORDER SIBLINGS BY may name a column of the select list."""
    ordered = item.this if isinstance(item, exp.Ordered) else item
    if isinstance(ordered, exp.Column) and not ordered.args.get("table"):
        for selected in node.expressions:
            if isinstance(selected, exp.Alias) and c.name(selected.args["alias"]) == c.name(ordered.this):
                replaced = item.copy()
                if isinstance(replaced, exp.Ordered):
                    replaced.set("this", selected.this.copy())
                    return replaced
                return selected.this
    return item


def _names(node: exp.Select) -> list[Node]:
    """Everything in the block's own clauses that are read after the hierarchy is there."""
    parts: list[Node] = [*node.expressions]
    for key in ("where", "group", "having", "order"):
        if node.args.get(key) is not None:
            parts.append(node.args[key])
    return [found for part in parts for found in own(part)]


def _carried(c: Compiler, node: exp.Select, child: Scope, parent: Scope) -> list[_Carrier]:
    """PRIOR x, CONNECT_BY_ROOT x and SYS_CONNECT_BY_PATH(x, s) outside CONNECT BY, equal ones once."""
    result: dict[tuple[str, str], _Carrier] = {}
    for found in _names(node):
        if isinstance(found, exp.Prior):
            above = c.operand(found.this, parent)
            carrier = _Carrier("NULL", above.sql, above)
        elif isinstance(found, exp.ConnectByRoot):
            root = c.operand(found.this, child)
            carrier = _Carrier(root.sql, _OWN, root)
        elif call_name(c, found) == "SYS_CONNECT_BY_PATH":
            if len(found.expressions) != 2:
                raise OracleError(30004, position=c.position(found))
            text = as_text(c.operand(found.expressions[0], child))
            added = f"{c.text(found.expressions[1], child)} || ifnull({text.sql}, '')"
            carrier = _Carrier(added, f"{_OWN} || {added}", Expr("", Type.VARCHAR2, 4000))
        else:
            continue
        result.setdefault((carrier.at_root, carrier.below), carrier).nodes.append(found)
    return list(result.values())
