# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The select list of a query block, and the ORDER BY that may speak of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from .expr import Expr, Pseudo, from_column
from .joins import star
from .masking import readable
from .ordering import Key, position_of, sort_key
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr


@dataclass(frozen=True)
class Selected:
    """A column of a select list. ``heading`` is the number of its item if that has no name."""

    name: str
    expr: Expr
    heading: int | None = None


def select_list(c: Compiler, node: exp.Select, scope: Scope) -> list[Selected]:
    """With ``*`` spelled out. ORA-00936 for an empty list, ORA-00923 for a condition in it."""
    found: list[Selected] = []
    if not node.expressions:
        raise OracleError(936, position=c.position(node.args.get("from_")))
    for number, item in enumerate(node.expressions):
        if isinstance(item, exp.Star):
            if not scope.relations:
                raise OracleError(923, position=len(c.masked.text))
            found += [Selected(name, expr) for name, expr in star(scope.relations, scope)]
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            table = c.name(item.args.get("table"))
            relation = scope.relation(table, c.name(item.args.get("db")))
            if relation is None:
                raise OracleError(904, f'"{table}"', position=c.position(item))
            found += [Selected(i.column.name, from_column(i.column, i.sql)) for i in relation.items]
        elif isinstance(item, exp.Alias):
            alias = item.args["alias"]
            if c.masked.stands_for_value(str(alias.this)):
                raise OracleError(923, position=c.position(alias))
            found.append(Selected(c.name(alias), _value(c, item.this, scope)))
        elif isinstance(item, exp.Column) and (item.args.get("table") or not c.masked.stands_for_value(item.name)):
            found.append(Selected(c.name(item.this), _value(c, item, scope)))
        else:
            text = readable(item.sql(dialect="oracle"), c.masked)
            found.append(Selected("".join(text.split()).upper(), _value(c, item, scope), number))
    return found


def _value(c: Compiler, node: Node, scope: Scope) -> Expr:
    expr = c.value(node, scope)
    if expr.kind is Pseudo.CONDITION:
        raise OracleError(923, position=c.position(node))
    return expr


def listed(items: Sequence[Selected]) -> str:
    """The select list in SQLite."""
    return ", ".join(f"{item.expr.sql} AS c{number}" for number, item in enumerate(items, 1))


def order_key(c: Compiler, item: Node, items: Sequence[Selected], scope: Scope) -> tuple[Key, bool]:
    """An item of ORDER BY, and whether it is a column of the select list, named c1 and so on.

    A number is such a column, a name first one of the select list, then a column of the tables.
    """
    node = item.this if isinstance(item, exp.Ordered) else item
    descending, nulls_first = bool(item.args.get("desc")), bool(item.args.get("nulls_first"))
    names = [selected.name for selected in items]
    if isinstance(node, exp.Literal) and not node.is_string:
        return Key(f"c{position_of(c, node, names)}", descending, nulls_first), True
    if isinstance(node, exp.Column) and not node.args.get("table") and c.name(node.this) in names:
        name = c.name(node.this)
        if len({selected.expr.sql for selected in items if selected.name == name}) > 1:
            raise OracleError(960, position=c.position(node))
        return Key(f"c{names.index(name) + 1}", descending, nulls_first), True
    key = order_expression(c, item, items, scope)
    same = [number for number, selected in enumerate(items, 1) if selected.expr.sql == key.sql]
    if same:
        return Key(f"c{same[0]}", descending, nulls_first), True
    return key, False


def order_expression(c: Compiler, item: Node, items: Sequence[Selected], scope: Scope) -> Key:
    """An item of ORDER BY as an expression, in which names of the select list may stand."""
    aliases: dict[str, Expr] = {}
    for selected in items:
        aliases.setdefault(selected.name, selected.expr)
    return sort_key(c, item, replace(scope, aliases=aliases))
