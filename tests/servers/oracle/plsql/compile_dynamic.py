# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling the statements that execute SQL: queries, DML, cursors and EXECUTE IMMEDIATE."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .. import lexer
from ..errors import OracleError
from ..values import Column, Type, Value
from . import datatypes as kinds
from . import syntax as ast
from .compile_declarations import DeclarationCompiler
from .compile_places import undeclared
from .datatypes import OpenCursor, Record, RecordType, TableType
from .interface import IN, IN_OUT, Bind
from .operators import text as to_text
from .runtime import Frame
from .scope import CursorSymbol, Get, Place, Step
from .source import CompileError

# Puts a row (names and values) somewhere.
Into = Callable[[Frame, Sequence[str], Sequence[Value]], None]
# Puts many rows somewhere.
BulkInto = Callable[[Frame, Sequence[str], Sequence[Sequence[Value]]], None]

_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\()*([A-Za-z]+|<<)", re.DOTALL)
_PLSQL = ("BEGIN", "DECLARE", "CALL", "<<")
_QUERIES = ("SELECT", "WITH")
_DEFINITIONS = ("CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "TRUNCATE", "RENAME", "COMMENT")
_CONTROL = ("COMMIT", "ROLLBACK", "SAVEPOINT", "SET", "LOCK")
_NO_SQL_TYPE = ("BOOLEAN", "RECORD", "TABLE", "CURSOR")


class DynamicCompiler(DeclarationCompiler):
    """Adds statements that execute SQL to declarations and expressions."""

    @abstractmethod
    def run_text(self, frame: Frame, text: str, arguments: list[Bind]) -> None:
        """Run a block that EXECUTE IMMEDIATE has, its bind variables in order of their first appearance. ORA-06536 if
        it assigns to one whose direction is given as IN."""

    # ---- INTO

    def into(self, targets: Sequence[ast.Expression], columns: Sequence[Column] | None) -> Into:
        """For one row. ORA-00947 or ORA-00913 where the number of columns is known and another one."""
        places = [self.target(target) for target in targets]
        if len(places) == 1 and isinstance(places[0].type, RecordType):
            kind, put = places[0].type, places[0].set
            assert put is not None
            self._check_count(targets[0].at, columns, len(kind.fields) if kind.fields is not None else None)
            return lambda frame, names, row: put(frame, kind.row(row, names))
        self._check_count(targets[0].at, columns, len(places))
        setters = [_setter(place) for place in places]

        def store(frame: Frame, _names: Sequence[str], row: Sequence[Value]) -> None:
            if len(row) != len(setters):
                raise OracleError(1007)
            for put, value in zip(setters, row, strict=True):
                put(frame, value)

        return store

    @staticmethod
    def _check_count(at: int, columns: Sequence[Column] | None, wanted: int | None) -> None:
        if columns is None or wanted is None or len(columns) == wanted:
            return
        text = "ORA-00947: not enough values" if len(columns) < wanted else "ORA-00913: too many values"
        raise CompileError(at, f"PL/SQL: {text}")

    def bulk_into(self, targets: Sequence[ast.Expression], columns: Sequence[Column] | None) -> BulkInto:
        """BULK COLLECT: one table of records, or a table for each column."""
        places = [self.target(target) for target in targets]
        for place, target in zip(places, targets, strict=True):
            if not isinstance(place.type, TableType) and not place.bind:
                raise CompileError(
                    target.at, "PLS-00497: cannot mix between single row and multi-row (BULK) in INTO list"
                )
        setters = [_setter(place) for place in places]
        kind = places[0].type
        if len(places) == 1 and isinstance(kind, TableType) and isinstance(kind.element, RecordType):
            record = kind.element
            self._check_count(targets[0].at, columns, len(record.fields) if record.fields is not None else None)
            return lambda frame, names, rows: setters[0](frame, [record.row(row, names) for row in rows])
        self._check_count(targets[0].at, columns, len(places))

        def store(frame: Frame, names: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
            if len(names) != len(setters):
                raise OracleError(1007)
            for at, put in enumerate(setters):
                put(frame, [row[at] for row in rows])

        return store

    # ---- Static SQL

    def _query(self, statement: ast.Query) -> Step:
        if not statement.into:
            raise CompileError(statement.at, "PLS-00428: an INTO clause is expected in this SELECT statement")
        compiled = self.statement(statement.at, statement.tokens)
        store = (self.bulk_into if statement.bulk else self.into)(statement.into, compiled.columns)
        text, binds, bulk = compiled.text, compiled.binds, statement.bulk

        def run(frame: Frame) -> None:
            execution = frame.run
            result = execution.host.query(text, {name: get(frame) for name, get in binds})
            names = [column.name for column in result.columns]
            if bulk:
                execution.rowcount = len(result.rows)
                store(frame, names, result.rows)
                return
            store(frame, names, _single(frame, result.rows))

        return run

    def _sql_statement(self, statement: ast.Sql) -> Step:
        if statement.tokens[0].is_(*_CONTROL):
            words = " ".join(token.value if token.kind == "word" else token.text for token in statement.tokens)

            def control(frame: Frame) -> None:
                frame.run.host.execute(words, {})
                frame.run.rowcount = 0

            return control
        compiled = self.statement(statement.at, statement.tokens)
        text, binds = compiled.text, compiled.binds

        def run(frame: Frame) -> None:
            frame.run.rowcount = frame.run.host.execute(text, {name: get(frame) for name, get in binds})

        return run

    # ---- EXECUTE IMMEDIATE

    def _execute_immediate(self, statement: ast.ExecuteImmediate) -> Step:
        text = self.scalar(statement.text, "EXECUTE IMMEDIATE").run
        arguments = [self._using(argument) for argument in statement.using]
        store = bulk_store = None
        if statement.into:
            if statement.bulk:
                bulk_store = self.bulk_into(statement.into, None)
            else:
                store = self.into(statement.into, None)

        def run(frame: Frame) -> None:
            execution = frame.run
            written = to_text(text(frame))
            if not written:
                raise OracleError(6535)
            found = _FIRST_WORD.match(written)
            word = found[1].upper() if found else ""
            if word in _PLSQL:
                self._run_block(frame, written, arguments)
                execution.rowcount = 1
                return
            values = _positional(written, word, [argument.get(frame) for argument in arguments])
            if word not in _QUERIES:
                execution.rowcount = execution.host.execute(written, values)
                return
            result = execution.host.query(written, values)
            names = [column.name for column in result.columns]
            if bulk_store is not None:
                execution.rowcount = len(result.rows)
                bulk_store(frame, names, result.rows)
            elif store is not None:
                store(frame, names, _single(frame, result.rows))

        return run

    def _using(self, argument: ast.UsingArgument) -> Argument:
        get: Get = _null
        put = None
        if argument.mode != "OUT":
            code = self.value(argument.value)
            if code.type.kind in _NO_SQL_TYPE:
                raise CompileError(argument.value.at, "PLS-00457: expressions have to be of SQL types")
            get = code.run
        if argument.mode != "IN":
            put = self.target(argument.value).set
        return Argument(get, put)

    def _run_block(self, frame: Frame, text: str, arguments: Sequence[Argument]) -> None:
        binds = [Bind(argument.get(frame), direction=IN_OUT if argument.set else IN) for argument in arguments]
        self.run_text(frame, text, binds)
        for argument, bind in zip(arguments, binds, strict=True):
            if argument.set is not None:
                argument.set(frame, bind.value)

    # ---- Cursors

    def _opener(self, expression: ast.Expression) -> tuple[CursorSymbol, Step]:
        """A declared cursor with its arguments, and what opens it."""
        base = expression
        given: tuple[ast.Argument, ...] = ()
        if isinstance(expression, ast.Apply):
            base, given = expression.base, expression.arguments
        symbol = self.cursor_symbol(base)
        if symbol is None:
            raise undeclared(expression.at, base.name if isinstance(base, ast.Name) else "cursor")
        assert isinstance(base, ast.Name)
        wanted = [(formal.name, formal.default is not None) for formal in symbol.formals]
        matched = self.match(base.name, wanted, given, expression.at)
        values: list[tuple[int, Get, Callable[[Value], Value], bool]] = []
        for formal, value in zip(symbol.formals, matched, strict=True):
            if value is None:
                assert formal.default is not None
                values.append((formal.slot, formal.default, formal.type.assign, True))
            else:
                values.append(
                    (formal.slot, self.argument(value, formal.type, base.name).run, formal.type.assign, False)
                )
        home, slot, query = self.ancestor(self.scope.unit.level - symbol.unit.level), symbol.slot, symbol.query

        def run(frame: Frame) -> None:
            owner = home(frame)
            if owner.slots[slot] is not None:
                raise OracleError(6511)
            for at, get, convert, by_default in values:
                owner.slots[at] = convert(get(owner if by_default else frame))
            owner.slots[slot] = query(owner)

        return symbol, run

    def _open(self, statement: ast.Open) -> Step:
        if statement.query is None:
            return self._opener(statement.cursor)[1]
        place = self.target(statement.cursor)
        put = place.set
        assert put is not None
        if isinstance(statement.query, ast.Query):
            _row, query = self.query(statement.query)
            return lambda frame: put(frame, query(frame))
        text = self.scalar(statement.query, "OPEN").run
        arguments = [self._using(argument) for argument in statement.using]

        def run(frame: Frame) -> None:
            written = to_text(text(frame)) or ""
            found = _FIRST_WORD.match(written)
            word = found[1].upper() if found else ""
            if word not in _QUERIES:
                raise OracleError(6539)
            values = _positional(written, word, [argument.get(frame) for argument in arguments])
            result = frame.run.host.query(written, values)
            put(frame, OpenCursor([column.name for column in result.columns], result.rows))

        return run

    def _fetch(self, statement: ast.Fetch) -> Step:
        cursor = self.cursor(statement.cursor)
        symbol = self.cursor_symbol(statement.cursor)
        columns = None
        if symbol is not None and symbol.row.fields is not None:
            columns = [Column(name, Type.VARCHAR2) for name in symbol.row.fields]
        if statement.bulk:
            return self._fetch_bulk(statement, cursor, columns)
        store = self.into(statement.into, columns)

        def run(frame: Frame) -> None:
            opened = cursor(frame)
            if opened is None:
                raise OracleError(1001)
            opened.found = opened.fetched < len(opened.rows)
            if opened.found:
                opened.fetched += 1
                store(frame, opened.names, opened.rows[opened.fetched - 1])

        return run

    def _fetch_bulk(
        self, statement: ast.Fetch, cursor: Callable[[Frame], OpenCursor | None], columns: Sequence[Column] | None
    ) -> Step:
        store = self.bulk_into(statement.into, columns)
        limit = self.scalar(statement.limit, "LIMIT").run if statement.limit else None

        def run(frame: Frame) -> None:
            opened = cursor(frame)
            if opened is None:
                raise OracleError(1001)
            left = len(opened.rows) - opened.fetched
            wanted = left if limit is None else kinds.PLS_INTEGER.assign(limit(frame)) or 0
            rows = opened.rows[opened.fetched : opened.fetched + wanted]
            opened.fetched += len(rows)
            # %NOTFOUND as soon as fewer rows came than were asked for.
            opened.found = bool(rows) and len(rows) == wanted
            store(frame, opened.names, rows)

        return run

    def _close(self, statement: ast.Close) -> Step:
        cursor = self.cursor(statement.cursor)
        symbol = self.cursor_symbol(statement.cursor)
        if symbol is not None:
            home, slot = self.ancestor(self.scope.unit.level - symbol.unit.level), symbol.slot
        else:
            put = self.target(statement.cursor).set

        def run(frame: Frame) -> None:
            if cursor(frame) is None:
                raise OracleError(1001)
            if symbol is not None:
                home(frame).slots[slot] = None
            else:
                assert put is not None
                put(frame, None)

        return run

    def loop_rows(
        self, statement: ast.CursorLoop
    ) -> tuple[RecordType, Callable[[Frame], Iterator[Record]], Callable[[Frame], None]]:
        """For a cursor FOR loop: the type of its rows, what opens it and gives them, and what closes it."""
        if isinstance(statement.rows, ast.Query):
            row, query = self.query(statement.rows)

            def rows(frame: Frame) -> Iterator[Record]:
                return _records(query(frame))

            return row, rows, _nothing
        symbol, opens = self._opener(statement.rows)
        home, slot = self.ancestor(self.scope.unit.level - symbol.unit.level), symbol.slot

        def cursor_rows(frame: Frame) -> Iterator[Record]:
            opens(frame)
            return _records(home(frame).slots[slot])

        def close(frame: Frame) -> None:
            home(frame).slots[slot] = None

        return symbol.row, cursor_rows, close


@dataclass(frozen=True, slots=True)
class Argument:
    """Of USING: ``set`` is None for IN."""

    get: Get
    set: Callable[[Frame, Value], None] | None


def _null(_frame: Frame) -> Value:
    return None


def _nothing(_frame: Frame) -> None:
    return None


def _setter(place: Place) -> Callable[[Frame, Value], None]:
    assert place.set is not None
    return place.set


def _records(opened: OpenCursor) -> Iterator[Record]:
    for row in opened.rows:
        opened.fetched += 1
        opened.found = True
        yield Record(zip(opened.names, row, strict=True))
    opened.found = False


def _single(frame: Frame, rows: Sequence[Sequence[Value]]) -> Sequence[Value]:
    """The only row: ORA-01403 if there is none, ORA-01422 if there are more."""
    frame.run.rowcount = min(len(rows), 1)
    if not rows:
        raise OracleError(1403)
    if len(rows) > 1:
        raise OracleError(1422)
    return rows[0]


def _positional(text: str, word: str, values: list[Value]) -> list[Value]:
    """The values of USING, when they are as many as the statement has bind variables: ORA-01006 or ORA-01008."""
    if not values and ":" not in text:
        return values
    if word in _DEFINITIONS:
        if values:
            raise OracleError(1027 if ":" in text else 1006)
        return values
    wanted = len(lexer.bind_names(text))
    if len(values) != wanted:
        raise OracleError(1006 if len(values) > wanted else 1008)
    return values
