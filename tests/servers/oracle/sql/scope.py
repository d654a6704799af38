# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which column a name means: the tables of a query block, and of the blocks around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import OracleError
from ..values import Column, Type
from .expr import Expr, from_column


@dataclass
class Item:
    """A column of a relation and the SQLite expression that reads it."""

    column: Column
    sql: str


class Relation:
    """Something in FROM, under the name by which columns are qualified.

    ``sql`` is what goes into FROM, "" for DUAL, whose one row needs none.
    """

    def __init__(
        self, name: str, sql: str, items: Sequence[Item], owner: str = "", rowid: str = "", table: str = ""
    ) -> None:
        self.name, self.sql, self.items, self.owner, self.rowid, self.table = (
            name,
            sql,
            list(items),
            owner,
            rowid,
            table,
        )
        self.by_name: dict[str, list[Item]] = {}
        for item in items:
            self.by_name.setdefault(item.column.name, []).append(item)


@dataclass
class Scope:
    """The names that a query block sees."""

    relations: list[Relation] = field(default_factory=list)
    parent: Scope | None = None
    # Columns of JOIN ... USING and NATURAL JOIN: one for both sides.
    merged: dict[str, Item] = field(default_factory=dict)
    # What pseudo columns are here: ROWNUM, LEVEL, CONNECT_BY_ISLEAF ...
    pseudo: dict[str, Expr] = field(default_factory=dict)
    # Ready expressions by id of their node: PRIOR x, CONNECT_BY_ROOT x, grouping columns of ROLLUP.
    ready: dict[int, Expr] = field(default_factory=dict)
    # Names of the select list, which only ORDER BY sees.
    aliases: dict[str, Expr] = field(default_factory=dict)
    # Where aggregate functions may stand.
    aggregates: bool = False
    # Expressions that are NULL in this grouping set of ROLLUP, CUBE or GROUPING SETS, by their SQL.
    nulled: frozenset[str] = frozenset()

    def relation(self, name: str, owner: str = "") -> Relation | None:
        return next(
            (r for r in self.relations if r.name == name and (not owner or not r.owner or r.owner == owner)), None
        )

    def find(self, name: str, table: str, owner: str, position: int) -> tuple[Expr, Relation | None] | None:
        """In this block only. ORA-00918 where two tables have the column, ORA-00904 where the named one has not."""
        if table:
            relation = self.relation(table, owner)
            if relation is None:
                return None
            if name == "ROWID" and relation.rowid:
                return _rowid(relation, position), relation
            items = relation.by_name.get(name)
            if not items:
                raise OracleError(904, f'"{table}"."{name}"', position=position)
            if len(items) > 1:
                raise OracleError(918, position=position)
            return from_column(items[0].column, items[0].sql, position), relation
        if name in self.merged:
            return from_column(self.merged[name].column, self.merged[name].sql, position), None
        if name == "ROWID":
            having = [relation for relation in self.relations if relation.rowid]
            if len(having) > 1:
                raise OracleError(918, position=position)
            return (_rowid(having[0], position), having[0]) if having else None
        found = [(item, relation) for relation in self.relations for item in relation.by_name.get(name, ())]
        if len(found) > 1:
            raise OracleError(918, position=position)
        if not found:
            return None
        item, relation = found[0]
        return from_column(item.column, item.sql, position), relation


def _rowid(relation: Relation, position: int) -> Expr:
    return Expr(f"o_rowid({relation.rowid})", Type.VARCHAR2, 18, position=position)
