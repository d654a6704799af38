# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""INSERT, UPDATE, DELETE, MERGE and SELECT ... FOR UPDATE as plans: which rows, and what becomes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..errors import OracleError
from ..values import Column, Result, Type
from .compiler import Compiler
from .expr import NULL, Expr, Kind, convert, quote
from .hierarchy import connect
from .interface import Catalog, Context, Function, Source
from .joins import conjuncts, render, table, tables
from .query import query
from .rownum import least, row_limits
from .scope import Relation, Scope
from .translate import Parsed, translate

if TYPE_CHECKING:
    from .engine import Engine

Node = exp.Expr


@dataclass
class Prepared:
    """A translated statement. ``rowids``, ``apply`` and ``insert_rows`` are SQLite, "" where the kind has none of it."""

    kind: str
    source: Source
    name: str
    rowids: str = ""
    apply: str = ""
    insert_rows: str = ""
    insert_columns: list[str] = field(default_factory=list)
    functions: tuple[Function, ...] = ()
    wait: int | None = None
    skip_locked: bool = False
    select: tuple[str, list[Column], tuple[Function, ...]] | None = None


class Plan:
    """One execution of a statement; see the package's docstring."""

    def __init__(self, engine: Engine, prepared: Prepared, parameters: Mapping[str, Any], context: Context) -> None:
        self._engine, self._prepared, self._parameters, self._context = engine, prepared, parameters, context
        self.kind = prepared.kind
        self.source = prepared.source
        self.table = prepared.source.table
        # Of the object, as the statement has it.
        self.name = prepared.name
        self.wait = prepared.wait
        self.skip_locked = prepared.skip_locked

    def rowids(self) -> list[int]:
        """Rows that the statement would touch, in its order."""
        if not self._prepared.rowids:
            return []
        found = [row[0] for row in self._run(self._prepared.rowids, self._parameters)]
        unique = list(dict.fromkeys(found))
        if self.kind == "merge" and len(unique) < len(found):
            raise OracleError(30926)
        return unique

    def apply(self, rowid: int) -> bool:
        """Changes one row if it still fits; whether it did."""
        parameters = {**self._parameters, "rowid": rowid}
        if self.kind == "lock":
            return bool(self._run(self._prepared.apply, parameters))
        with self._engine.errors(parameters, self._prepared.functions, self._context):
            return self._engine.connection.execute(self._prepared.apply, parameters).rowcount > 0

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows that the statement would insert."""
        if not self._prepared.insert_rows:
            return []
        found = self._run(self._prepared.insert_rows, self._parameters)
        return [dict(zip(self._prepared.insert_columns, row, strict=True)) for row in found]

    def insert(self, row: Mapping[str, Any]) -> int:
        """Inserts a row, and gives its rowid."""
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        with self._engine.errors(self._parameters, (), self._context):
            statement = f"INSERT INTO {self.table} ({names}) VALUES ({marks})"
            return int(self._engine.connection.execute(statement, tuple(row.values())).lastrowid or 0)

    def query(self) -> Result:
        """What a SELECT ... FOR UPDATE reads."""
        if self._prepared.select is None:
            raise OracleError(900)
        from .engine import convert_rows

        sql, columns, functions = self._prepared.select
        rows = self._engine.run(sql, self._parameters, functions, self._context)
        return Result(columns, convert_rows(rows, columns), len(rows))

    def _run(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._engine.run(sql, parameters, self._prepared.functions, self._context)


def prepare(parsed: Parsed, catalog: Catalog, context: Context, kinds: Sequence[Kind]) -> Prepared:
    """ORA-00900 for another kind of statement, ORA-01031 for what no statement may change."""
    c = Compiler(parsed.masked, catalog, context, kinds)
    tree = parsed.tree
    for kind, build in _BUILDERS.items():
        if isinstance(tree, kind):
            prepared = build(c, tree)
            prepared.functions = tuple(c.functions)
            if isinstance(tree, exp.Select):
                found = translate(parsed, catalog, context, kinds)
                prepared.select = (found.sql, found.columns, found.functions)
            return prepared
    raise OracleError(900)


def _target(c: Compiler, node: Node | None, scope: Scope) -> tuple[Relation, Source, str]:
    """The table of a statement, and its name for messages: ``"OWNER"."TABLE"`` or ``"TABLE"``."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise OracleError(1732 if isinstance(node, exp.Subquery) else 903, position=c.position(node))
    alias = node.args.get("alias")
    name, owner = c.name(node.this), c.name(node.args.get("db"))
    relation = table(c, node, c.name(alias.this) if alias is not None else "")
    if name == "DUAL" or not relation.table:
        raise OracleError(1031, position=c.position(node))
    scope.relations.append(relation)
    source = c.catalog.resolve(owner or None, name, c.context)
    return relation, source, ".".join(f'"{part}"' for part in (source.owner or owner, name) if part)


def _column(c: Compiler, relation: Relation, node: Node) -> Column:
    name = c.name(node.this) if isinstance(node, exp.Column) else c.name(node)
    items = relation.by_name.get(name)
    if not items:
        raise OracleError(904, f'"{name}"', position=c.position(node))
    return items[0].column


_CODES = {Type.VARCHAR2: "S", Type.CHAR: "S", Type.NUMBER: "N"}


def _stored(expr: Expr, column: Column, name: str, missing: int = 1400) -> str:
    """A value on its way into a column: converted, and tested for its size and for NULL (error ``missing``)."""
    converted = convert(expr, column.type)
    code = _CODES.get(column.type, "")
    if column.nullable and not code:
        return converted.sql
    arguments = [converted.sql, quote(code), str(column.size), str(column.precision), str(column.scale)]
    arguments += ["0" if column.nullable else str(missing), quote(f'{name}."{column.name}"')]
    return f"o_store({', '.join(arguments)})"


def _limited_where(c: Compiler, node: Node, scope: Scope) -> tuple[str, str]:
    clause = node.args.get("where")
    limits, rest, late = row_limits(c, conjuncts(clause.this if clause is not None else None), scope)
    if late:
        raise OracleError(3001, position=c.position(late[0]))
    where = " AND ".join(c.condition(part, scope) for part in rest) or "1"
    limit = f" LIMIT {least(limits)}" if limits else ""
    return where, limit


def _assignments(
    c: Compiler, nodes: Sequence[Node], relation: Relation, scope: Scope, name: str
) -> tuple[list[Column], list[str]]:
    columns: list[Column] = []
    values: list[str] = []
    for node in nodes:
        if not isinstance(node, exp.EQ):
            raise OracleError(927, position=c.position(node))
        left, right = node.this, node.args["expression"]
        if isinstance(left, (exp.Tuple, exp.Paren)):
            members = left.expressions if isinstance(left, exp.Tuple) else [left.this]
            rows = query(c, right, scope)
            if len(rows.columns) != len(members):
                raise OracleError(947 if len(rows.columns) < len(members) else 913, position=c.position(right))
            for number, (member, read) in enumerate(zip(members, rows.columns, strict=True), 1):
                column = _column(c, relation, member)
                value = Expr(f"(SELECT o_single(c{number}) FROM ({rows.sql}))", read.type, read.size)
                columns.append(column)
                values.append(_stored(NULL if rows.null[number - 1] else value, column, name, 1407))
            continue
        column = _column(c, relation, left)
        columns.append(column)
        values.append(_stored(_given(c, right, scope), column, name, 1407))
    if len({column.name for column in columns}) < len(columns):
        raise OracleError(957, position=c.position(nodes[0]))
    return columns, values


def _given(c: Compiler, node: Node, scope: Scope) -> Expr:
    return NULL if isinstance(node, exp.Var) and c.name(node.this) == "DEFAULT" else c.operand(node, scope)


def _set(columns: Sequence[Column], values: Sequence[str]) -> str:
    return ", ".join(f'"{column.name}" = {value}' for column, value in zip(columns, values, strict=True))


def _renamed(relation: Relation, source: Source) -> str:
    """The table itself under the name that its columns have: ``"T" AS q1``. Which rows there are is asked of ``relation.sql``,
    which may be what the transaction sees of it."""
    return f"{source.table} AS {relation.rowid.partition('.')[0]}"


def _update(c: Compiler, tree: exp.Update) -> Prepared:
    scope = Scope()
    relation, source, name = _target(c, tree.this, scope)
    columns, values = _assignments(c, tree.expressions, relation, scope, name)
    where, limit = _limited_where(c, tree, scope)
    target = _renamed(relation, source)
    return Prepared(
        "update",
        source,
        name,
        rowids=f"SELECT {relation.rowid} FROM {relation.sql} WHERE {where}{limit}",
        apply=f"UPDATE {target} SET {_set(columns, values)} WHERE {relation.rowid} = :rowid AND {where}",
    )


def _delete(c: Compiler, tree: exp.Delete) -> Prepared:
    scope = Scope()
    node = tree.this if isinstance(tree.this, exp.Expr) else (tree.args.get("tables") or [None])[0]
    relation, source, name = _target(c, node, scope)
    where, limit = _limited_where(c, tree, scope)
    target = _renamed(relation, source)
    return Prepared(
        "delete",
        source,
        name,
        rowids=f"SELECT {relation.rowid} FROM {relation.sql} WHERE {where}{limit}",
        apply=f"DELETE FROM {target} WHERE {relation.rowid} = :rowid AND {where}",
    )


def _insert(c: Compiler, tree: exp.Insert) -> Prepared:
    scope = Scope()
    node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    relation, source, name = _target(c, node, scope)
    listed = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    columns = [_column(c, relation, item) for item in listed] or [item.column for item in relation.items]
    if len({column.name for column in columns}) < len(columns):
        raise OracleError(957, position=c.position(tree.this))
    body = tree.args.get("expression")
    if isinstance(body, exp.Values):
        given = [[_given(c, value, Scope()) for value in _members(row)] for row in body.expressions]
        for row in given:
            if len(row) != len(columns):
                raise OracleError(947 if len(row) < len(columns) else 913, position=c.position(body))
        rows = " UNION ALL ".join(f"SELECT {_listed(row, columns, source, name)}" for row in given)
    elif isinstance(body, exp.Query):
        found = query(c, body, None)
        if len(found.columns) != len(columns):
            raise OracleError(947 if len(found.columns) < len(columns) else 913, position=c.position(body))
        read = [
            NULL if null else Expr(f"c{number}", column.type, column.size)
            for number, (column, null) in enumerate(zip(found.columns, found.null, strict=True), 1)
        ]
        rows = f"SELECT {_listed(read, columns, source, name)} FROM ({found.sql})"
    else:
        raise OracleError(926, position=len(c.masked.text))
    return Prepared("insert", source, name, insert_rows=rows, insert_columns=[column.name for column in source.columns])


def _members(row: Node) -> list[Node]:
    return row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]


def _listed(given: Sequence[Expr], columns: Sequence[Column], source: Source, name: str) -> str:
    """A value for every column of the table, in its order."""
    by_name = {column.name: expr for column, expr in zip(columns, given, strict=True)}
    return ", ".join(_stored(by_name.get(column.name, NULL), column, name) for column in source.columns)


def _merge(c: Compiler, tree: exp.Merge) -> Prepared:
    scope = Scope()
    relation, source, name = _target(c, tree.this, scope)
    holder = exp.Select(expressions=[exp.Star()], from_=exp.From(this=tree.args["using"]))
    used = Scope()
    source_sql, _unused = render(c, tables(c, holder, used), [], used)
    scope.relations += used.relations
    source_sql = source_sql or f"(SELECT 1) {c.alias()}"
    on = c.condition(tree.args["on"], scope)
    target = _renamed(relation, source)
    prepared = Prepared("merge", source, name)
    for when in tree.args["whens"].expressions:
        then = when.args["then"]
        extra = when.args.get("condition")
        clause = then.args.get("where")
        if when.args.get("matched"):
            where = on + (f" AND {c.condition(clause.this, scope)}" if clause is not None else "")
            where += f" AND {c.condition(extra, scope)}" if extra is not None else ""
            columns, values = _assignments(c, then.expressions, relation, scope, name)
            prepared.rowids = f"SELECT {relation.rowid} FROM {relation.sql} JOIN {source_sql} ON {where}"
            prepared.apply = f"UPDATE {target} SET {_set(columns, values)} FROM {source_sql} WHERE {relation.rowid} = :rowid AND {where}"
        else:
            listed = then.this.expressions if isinstance(then.this, exp.Tuple) else []
            columns = [_column(c, relation, item) for item in listed] or [item.column for item in relation.items]
            given = [_given(c, value, used) for value in _members(then.args["expression"])]
            if len(given) != len(columns):
                raise OracleError(947 if len(given) < len(columns) else 913, position=c.position(then))
            condition = f" AND {c.condition(clause.this, used)}" if clause is not None else ""
            prepared.insert_rows = (
                f"SELECT {_listed(given, columns, source, name)} FROM {source_sql} "
                f"WHERE NOT EXISTS (SELECT 1 FROM {target} WHERE {on}){condition}"
            )
            prepared.insert_columns = [column.name for column in source.columns]
    return prepared


def _lock(c: Compiler, tree: exp.Select) -> Prepared:
    locks = tree.args.get("locks")
    if not locks:
        raise OracleError(900)
    lock = locks[0]
    scope = Scope()
    found = tables(c, tree, scope)
    clause = tree.args.get("where")
    where = conjuncts(clause.this if clause is not None else None)
    limits, rest, _unused = row_limits(c, where, scope)
    if tree.args.get("connect") is not None:
        from_sql, rest = connect(c, tree, found, rest, scope)
    else:
        from_sql, rest = render(c, found, rest, scope)
    conditions = " AND ".join(c.condition(part, scope) for part in rest) or "1"
    relation = _locked_relation(c, lock, scope)
    wait = lock.args.get("wait")
    prepared = Prepared("lock", Source("", ()), "", skip_locked=wait is False)
    prepared.wait = 0 if wait is True else int(wait.this) if isinstance(wait, exp.Literal) else None
    if relation is None:
        return prepared
    limit = f" LIMIT {limits[0]}" if limits else ""
    prepared.source = Source(relation.sql, [item.column for item in relation.items], relation.table)
    prepared.name = f'"{relation.name}"'
    prepared.rowids = f"SELECT {relation.rowid} FROM {from_sql} WHERE {conditions}{limit}"
    prepared.apply = f"SELECT 1 FROM {from_sql} WHERE {relation.rowid} = :rowid AND {conditions}"
    return prepared


def _locked_relation(c: Compiler, lock: exp.Lock, scope: Scope) -> Relation | None:
    """FOR UPDATE OF names a column; without it the first table that can be locked."""
    for item in lock.expressions:
        qualifier, name = c.name(item.args.get("db")), c.name(item.this)
        found = scope.find(name, qualifier, "", c.position(item))
        if found is None:
            raise OracleError(904, f'"{name}"', position=c.position(item))
        return found[1] if found[1] is not None and found[1].rowid else None
    return next((relation for relation in scope.relations if relation.rowid), None)


_BUILDERS: dict[type[Node], Any] = {
    exp.Update: _update,
    exp.Delete: _delete,
    exp.Insert: _insert,
    exp.Merge: _merge,
    exp.Select: _lock,
}
