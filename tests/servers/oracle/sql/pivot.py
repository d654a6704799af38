# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIVOT and UNPIVOT."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Type
from .calls import AGGREGATES, call_name
from .expr import Expr, as_number, comparable, to_column
from .joins import derived
from .plain_calls import count
from .scope import Relation, Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr


def pivot(c: Compiler, relation: Relation, node: exp.Pivot, scope: Scope) -> Relation:
    alias = node.args.get("alias")
    name = c.name(alias.this) if alias is not None else ""
    inner = Scope(relations=[relation], parent=scope.parent)
    return _unpivot(c, relation, node, name) if node.args.get("unpivot") else _pivot(c, relation, node, name, inner)


def _labelled(c: Compiler, node: Node, scope: Scope) -> tuple[Expr, str]:
    """A value of the IN list, and the name of its column."""
    if isinstance(node, (exp.PivotAlias, exp.Alias)):
        return c.operand(node.this, scope), c.name(node.args["alias"])
    value = c.operand(node, scope)
    return value, value.sql


def _pivot(c: Compiler, relation: Relation, node: exp.Pivot, name: str, scope: Scope) -> Relation:
    field = node.args["fields"][0]
    subject = c.operand(field.this, scope)
    measures: list[tuple[str, Expr, str]] = []
    used = {c.name(n.this) for n in field.this.find_all(exp.Column)}
    for item in node.expressions:
        label = c.name(item.args["alias"]) if isinstance(item, exp.Alias) else ""
        call = item.this if isinstance(item, exp.Alias) else item
        function = call_name(c, call)
        if function not in AGGREGATES:
            raise OracleError(56902, position=c.position(item))
        count(call.expressions, 1, 1, c.position(item))
        argument = call.expressions[0]
        used |= {c.name(n.this) for n in argument.find_all(exp.Column)}
        operand = Expr("1", Type.NUMBER, 22) if isinstance(argument, exp.Star) else c.operand(argument, scope)
        measures.append((function, operand, label))
    kept = [item for item in relation.items if item.column.name not in used]
    columns = [item.column for item in kept]
    listed = [item.sql for item in kept]
    for value, heading in (_labelled(c, item, scope) for item in field.expressions):
        left, right = comparable(subject, value)
        for function, operand, label in measures:
            sqlite, kind = AGGREGATES[function]
            operand = as_number(operand) if kind == "N" else operand
            listed.append(f"{sqlite}(CASE WHEN {left.sql} IS {right.sql} THEN {operand.sql} END)")
            described = to_column(f"{heading}_{label}" if label else heading, operand)
            counted = function == "COUNT" or kind == "N"
            columns.append(Column(described.name, Type.NUMBER, 22) if counted else described)
    sql = ", ".join(f"{text} AS c{number}" for number, text in enumerate(listed, 1))
    groups = f" GROUP BY {', '.join(item.sql for item in kept)}" if kept else ""
    return derived(c, f"SELECT {sql} FROM {relation.sql}{groups}", columns, name or relation.name)


def _unpivot(c: Compiler, relation: Relation, node: exp.Pivot, name: str) -> Relation:
    field = node.args["fields"][0]
    measure = c.name(node.expressions[0].this if isinstance(node.expressions[0], exp.Column) else node.expressions[0])
    subject = c.name(field.this.this if isinstance(field.this, exp.Column) else field.this)
    sources: list[tuple[str, str]] = []
    for item in field.expressions:
        if isinstance(item, (exp.PivotAlias, exp.Alias)):
            alias = item.args["alias"]
            literal = c.masked.literal(str(alias.this.this if isinstance(alias, exp.Column) else alias.this))
            label = str(literal.value) if literal is not None else c.name(alias)
            sources.append((c.name(item.this.this), label))
        else:
            sources.append((c.name(item.this), c.name(item.this)))
    for column, _unused in sources:
        if column not in relation.by_name:
            raise OracleError(904, f'"{column}"', position=c.position(field))
    kept = [item for item in relation.items if item.column.name not in {column for column, _unused in sources}]
    first = relation.by_name[sources[0][0]][0].column
    columns = [item.column for item in kept]
    columns += [
        Column(subject, Type.VARCHAR2, max(len(label) for _unused, label in sources)),
        replace(first, name=measure),
    ]
    blocks = []
    for column, label in sources:
        value = relation.by_name[column][0].sql
        texts = [*(item.sql for item in kept), "'" + label.replace("'", "''") + "'", value]
        listed = ", ".join(f"{text} AS c{number}" for number, text in enumerate(texts, 1))
        blocks.append(f"SELECT {listed} FROM {relation.sql} WHERE {value} IS NOT NULL")
    return derived(c, " UNION ALL ".join(blocks), columns, name)
