# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FROM clause: tables, inline views and joins, also those with ``(+)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Type
from .expr import Expr, convert, from_column
from .scope import Item, Relation, Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr


@dataclass
class Joined:
    """A relation and how it is joined to those before it; ``kind`` is "" for a comma."""

    relation: Relation
    kind: str = ""
    on: list[str] = field(default_factory=list)


def own(node: Node) -> list[Node]:
    """The node and what is in it, without queries inside it."""
    found: list[Node] = []
    todo = [node]
    while todo:
        current = todo.pop()
        found.append(current)
        todo.extend(child for child in current.iter_expressions() if not isinstance(child, exp.Query))
    return found


def conjuncts(node: Node | None) -> list[Node]:
    """What AND connects."""
    if node is None:
        return []
    if isinstance(node, exp.And):
        return [*conjuncts(node.this), *conjuncts(node.args["expression"])]
    if isinstance(node, exp.Paren) and isinstance(node.this, (exp.And, exp.Paren)):
        return conjuncts(node.this)
    return [node]


def tables(c: Compiler, node: exp.Select, scope: Scope) -> list[Joined]:
    """All of FROM; fills the scope."""
    found: list[Joined] = []
    clause = node.args.get("from_")
    if clause is None:
        return found
    _add(c, clause.this, "", None, scope, found)
    for join in node.args.get("joins") or []:
        _join(c, join, scope, found)
    names = [joined.relation.name for joined in found if joined.relation.name]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        # Only a reference to the name is an error in Oracle; its columns are ambiguous then.
        twins = [joined.relation for joined in found if joined.relation.name == duplicate]
        for twin in twins[1:]:
            if twin.owner == twins[0].owner:
                twin.name = ""
    return found


def _join(c: Compiler, join: exp.Join, scope: Scope, found: list[Joined]) -> None:
    side = str(join.args.get("side") or "").upper()
    natural = str(join.args.get("method") or "").upper() == "NATURAL"
    kind = str(join.args.get("kind") or "").upper()
    if isinstance(join.this, exp.Lateral):
        from .lateral import lateral

        lateral(c, join, scope, found)
        return
    on = join.args.get("on")
    using = join.args.get("using") or []
    word = f"{side} JOIN" if side else "JOIN"
    is_join = bool(side or natural or kind or on is not None or using)
    before = len(found)
    _add(c, join.this, word if is_join else "", on, scope, found)
    if natural or using:
        right = found[before].relation
        left_items = [item for joined in found[:before] for item in joined.relation.items]
        names = [c.name(identifier) for identifier in using] or [
            item.column.name for item in left_items if item.column.name in right.by_name
        ]
        _merge(c, join, names, side, scope, found, before)


def _merge(
    c: Compiler, join: exp.Join, names: Sequence[str], side: str, scope: Scope, found: list[Joined], before: int
) -> None:
    right = found[before].relation
    for name in dict.fromkeys(names):
        left = scope.merged.get(name) or next(
            (joined.relation.by_name[name][0] for joined in found[:before] if name in joined.relation.by_name), None
        )
        if left is None or name not in right.by_name:
            raise OracleError(904, f'"{name}"', position=c.position(join))
        other = right.by_name[name][0]
        found[before].on.append(f"({left.sql} = {other.sql})")
        both = f"coalesce({left.sql}, {other.sql})" if side in ("FULL", "RIGHT") else left.sql
        scope.merged[name] = Item(left.column, both)


def _add(c: Compiler, node: Node, word: str, on: Node | None, scope: Scope, found: list[Joined]) -> None:
    if isinstance(node, exp.Paren):
        node = node.this
    pivots = node.args.get("pivots")
    relation = _relation(c, node, scope)
    if pivots:
        from .pivot import pivot

        relation = pivot(c, relation, pivots[0], scope)
    scope.relations.append(relation)
    joined = Joined(relation, word)
    found.append(joined)
    for nested in node.args.get("joins") or []:
        _join(c, nested, scope, found)
    if on is not None:
        found[-1].on.append(c.condition(on, scope))


def _relation(c: Compiler, node: Node, scope: Scope) -> Relation:
    alias = node.args.get("alias")
    name = c.name(alias.this) if alias is not None and alias.this is not None else ""
    if isinstance(node, exp.Table):
        if isinstance(node.this, exp.Identifier):
            return table(c, node, name)
        return _collection(c, node, name, scope)
    if isinstance(node, (exp.Subquery, exp.Select, exp.SetOperation)):
        inner: Node = node.this if isinstance(node, exp.Subquery) else node
        if isinstance(inner, exp.Table):
            return _relation(c, inner, scope)
        from .query import query

        rows = query(c, node, scope.parent)
        return derived(c, rows.in_from, rows.columns, name)
    raise OracleError(903, position=c.position(node))


def derived(c: Compiler, sql: str, columns: Sequence[Column], name: str, bare: bool = False) -> Relation:
    """A query in FROM, whose columns are c1, c2 ...; ``bare`` where its name stands for it."""
    alias = c.alias()
    items = [Item(column, f"{alias}.c{number}") for number, column in enumerate(columns, 1)]
    return Relation(name, f"{sql} {alias}" if bare else f"({sql}) {alias}", items)


def table(c: Compiler, node: exp.Table, name: str) -> Relation:
    """A name of WITH, DUAL, or what the catalog has; ORA-00942 with its position."""
    wanted, owner = c.name(node.this), c.name(node.args.get("db"))
    position = c.position(node.this)
    if not owner:
        for named in reversed(c.ctes):
            if wanted in named:
                return named[wanted](name or wanted)
    if wanted == "DUAL" and owner in ("", "SYS", "PUBLIC"):
        return Relation(name or wanted, "", [Item(Column("DUMMY", Type.VARCHAR2, 1), "'X'")], "SYS")
    try:
        source = c.catalog.resolve(owner or None, wanted, c.context)
    except OracleError as error:
        error.position = c.position(node) if error.code == 942 and not owner else position
        raise
    alias = c.alias()
    items = [Item(column, f'{alias}."{column.name}"') for column in source.columns]
    rowid = f"{alias}.rowid" if source.table else ""
    return Relation(name or wanted, f"{source.sql} {alias}", items, owner if not name else "", rowid, source.table)


_COLLECTIONS = {
    "ODCIVARCHAR2LIST": Type.VARCHAR2,
    "ODCINUMBERLIST": Type.NUMBER,
    "ODCIDATELIST": Type.DATE,
    "DBMS_DEBUG_VC2COLL": Type.VARCHAR2,
}


def _collection(c: Compiler, node: exp.Table, name: str, scope: Scope) -> Relation:
    """``TABLE(sys.odcivarchar2list('a', 'b'))``."""
    call = node.this
    arguments = call.expressions if isinstance(call, exp.Anonymous) and c.name(call.this) == "TABLE" else []
    inner = arguments[0] if len(arguments) == 1 else None
    inner = inner.args["expression"] if isinstance(inner, exp.Dot) else inner
    kind = _COLLECTIONS.get(c.name(inner.this)) if isinstance(inner, exp.Anonymous) else None
    if kind is None or inner is None:
        raise OracleError(904, f'"{c.name(getattr(inner, "this", None)) or "TABLE"}"', position=c.position(node))
    values = [convert(c.operand(item, scope), kind).sql for item in inner.expressions]
    rows = " UNION ALL ".join(f"SELECT {value} AS c1" for value in values) or "SELECT NULL AS c1 WHERE 0"
    return derived(c, rows, [Column("COLUMN_VALUE", kind)], name)


def render(c: Compiler, found: Sequence[Joined], where: Sequence[Node], scope: Scope) -> tuple[str, list[Node]]:
    """FROM as SQLite has it ("" for DUAL alone), and the conditions of WHERE that are left."""
    left = list(where)
    if any(isinstance(n, exp.Column) and n.args.get("join_mark") for condition in where for n in own(condition)):
        found, left = _outer_marked(c, found, where, scope)
    text = ""
    for joined in found:
        sql = joined.relation.sql
        if not sql:
            if not joined.kind or (not joined.on and not text):
                continue
            sql = f"(SELECT 1) {c.alias()}"
        if not text:
            # What is joined to DUAL alone needs a table to be joined to.
            text = f"(SELECT 1) {c.alias()} {joined.kind} {sql}" if joined.kind else sql
        else:
            text += f" {joined.kind or 'JOIN'} {sql}"
        if joined.on:
            text += " ON " + " AND ".join(joined.on)
        elif joined.kind not in ("", "JOIN"):
            text += " ON 1"
    return text, left


def _outer_marked(
    c: Compiler, found: Sequence[Joined], where: Sequence[Node], scope: Scope
) -> tuple[list[Joined], list[Node]]:
    """Conditions with ``(+)`` become LEFT JOIN ... ON; the tables are put in an order that allows it."""
    rest: list[Node] = []
    conditions: dict[int, list[Node]] = {}
    needs: dict[int, set[int]] = {}
    index = {id(joined.relation): number for number, joined in enumerate(found)}
    for node in where:
        columns = [n for n in own(node) if isinstance(n, exp.Column) and not isinstance(n.this, exp.Star)]
        touched = {number for n in columns if (number := _owner(c, n, scope, index)) is not None}
        marked = {
            number for n in columns if n.args.get("join_mark") and (number := _owner(c, n, scope, index)) is not None
        }
        if not marked:
            rest.append(node)
            continue
        if len(marked) > 1:
            raise OracleError(1468, position=c.position(node))
        if any(isinstance(n, exp.Or) or (isinstance(n, exp.In) and n.args.get("query") is not None) for n in own(node)):
            raise OracleError(1719, position=c.position(node))
        target = marked.pop()
        conditions.setdefault(target, []).append(node)
        needs.setdefault(target, set()).update(touched - {target})
    order = [number for number in range(len(found)) if number not in conditions or not needs[number]]
    for number in list(conditions):
        if not needs[number]:
            # Marked, but joined to nothing: an ordinary condition.
            rest += conditions.pop(number)
    pending = [number for number in range(len(found)) if number in conditions]
    result = [found[number] for number in order]
    done = set(order)
    while pending:
        ready = next((number for number in pending if needs[number] <= done), None)
        if ready is None:
            raise OracleError(1416, position=c.position(conditions[pending[0]][0]))
        pending.remove(ready)
        done.add(ready)
        on = [c.condition(node, scope) for node in conditions[ready]]
        result.append(Joined(found[ready].relation, "LEFT JOIN", on))
    return result, rest


def _owner(c: Compiler, node: exp.Column, scope: Scope, index: dict[int, int]) -> int | None:
    """Which relation of this block a column belongs to."""
    raw = str(node.this.this)
    if not node.args.get("table") and c.masked.stands_for_value(raw):
        return None
    found = scope.find(c.name(node.this), c.name(node.args.get("table")), c.name(node.args.get("db")), c.position(node))
    return index.get(id(found[1])) if found is not None and found[1] is not None else None


def touches(c: Compiler, node: Node, scope: Scope) -> int:
    """How many relations of this block a condition speaks of."""
    index = {id(relation): number for number, relation in enumerate(scope.relations)}
    columns = [n for n in own(node) if isinstance(n, exp.Column) and not isinstance(n.this, exp.Star)]
    return len({_owner(c, n, scope, index) for n in columns} - {None})


def remap(scope: Scope, alias: str) -> str:
    """Reads every column of the scope from a query named ``alias`` from now on; gives that query's select list."""
    items: list[str] = []

    def moved(item: Item) -> Item:
        items.append(f"{item.sql} AS c{len(items) + 1}")
        return Item(item.column, f"{alias}.c{len(items)}")

    relations = []
    for relation in scope.relations:
        rowid = ""
        copies = [moved(item) for item in relation.items]
        if relation.rowid:
            items.append(f"{relation.rowid} AS c{len(items) + 1}")
            rowid = f"{alias}.c{len(items)}"
        relations.append(Relation(relation.name, relation.sql, copies, relation.owner, rowid, relation.table))
    scope.merged = {name: moved(item) for name, item in scope.merged.items()}
    scope.relations = relations
    return ", ".join(items) or "1 AS c0"


def star(relations: Sequence[Relation], scope: Scope) -> list[tuple[str, Expr]]:
    """The columns of ``*``: merged ones first, once. ORA-00918 where an inline view has a name twice."""
    if any(len(items) > 1 for relation in relations for items in relation.by_name.values()):
        raise OracleError(918)
    found = [(name, from_column(item.column, item.sql)) for name, item in scope.merged.items()]
    for relation in relations:
        for item in relation.items:
            if item.column.name not in scope.merged:
                found.append((item.column.name, from_column(item.column, item.sql)))
    return found
