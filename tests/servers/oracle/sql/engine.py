# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs statements: binds, the cache of translations, results by type, errors."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..errors import OracleError
from ..values import Column, Result, Row, Type, Value
from . import dates, failures, numbers
from .dml import Plan, Prepared, prepare
from .expr import Kind, Pseudo
from .functions import running
from .interface import Catalog, Context, Function
from .translate import Parsed, Translation, parse, translate

Binds = Sequence[Value] | Mapping[str, Value]
_CACHED = 2000
_QUERY_WORDS = ("SELECT", "WITH", "(")


def bind_kind(value: Value) -> Kind:
    """The type that a client's value has."""
    if value is None or value == "":
        return Pseudo.NULL
    if isinstance(value, str):
        return Type.VARCHAR2
    if isinstance(value, (int, float, Decimal)):
        return Type.NUMBER
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return Type.TIMESTAMP_TZ
        return Type.TIMESTAMP if value.microsecond else Type.DATE
    if isinstance(value, date):
        return Type.DATE
    if isinstance(value, (bytes, bytearray)):
        return Type.RAW
    if isinstance(value, timedelta):
        return Type.INTERVAL_DS
    raise OracleError(902)


def to_sqlite(value: Value) -> Any:
    """A value as it is kept in SQLite."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, datetime):
        return dates.from_datetime(value)
    if isinstance(value, date):
        return dates.from_datetime(datetime(value.year, value.month, value.day))
    if isinstance(value, timedelta):
        return dates.from_interval(value)
    return value


def _number(value: Any) -> Any:
    if value is None or value.__class__ is int:
        return value
    if isinstance(value, float):
        return numbers.clean(value)
    # A whole number too large for SQLite is kept as its digits.
    return int(value) if isinstance(value, str) and value.isdigit() else numbers.to_number(value)


def _text(value: Any) -> Any:
    if value is None or value.__class__ is str:
        return value or None
    return value.hex().upper() if isinstance(value, bytes) else numbers.to_text(value)


def _raw(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value or None


def _moment(convert: Callable[[float], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _double(value: Any) -> Any:
    return None if value is None else float(value)


_FROM_SQLITE: dict[Type, Callable[[Any], Any]] = {
    Type.VARCHAR2: _text,
    Type.CHAR: _text,
    Type.NUMBER: _number,
    Type.BINARY_DOUBLE: _double,
    Type.DATE: _moment(dates.to_date),
    Type.TIMESTAMP: _moment(dates.to_datetime),
    Type.TIMESTAMP_TZ: _moment(dates.to_datetime_utc),
    Type.INTERVAL_DS: _moment(dates.to_interval),
    Type.RAW: _raw,
}


class Engine:
    """Oracle's SQL on one connection; see the package's docstring."""

    def __init__(self, connection: sqlite3.Connection, catalog: Catalog) -> None:
        self.connection = connection
        self.catalog = catalog
        # What a statement raises that the progress handler stopped.
        self.interrupted: Callable[[], BaseException] = lambda: OracleError(1013)
        self._parsed: dict[str, Parsed] = {}
        self._translated: dict[Hashable, Translation] = {}
        self._prepared: dict[Hashable, Prepared] = {}

    def query(self, sql: str, binds: Binds = (), context: Context | None = None) -> Result:
        """Runs a SELECT, all its rows at once. Other statements: ORA-00900."""
        context = context or Context()
        parsed, values = self._bound(sql, binds)
        translation = self._translation(sql, parsed, values, context)
        rows = self.run(translation.sql, self.parameters(values, context), translation.functions, context)
        return Result(translation.columns, convert_rows(rows, translation.columns), len(rows))

    def describe(self, sql: str, context: Context | None = None, binds: Binds | None = None) -> list[Column]:
        """The columns of a query, without running it. Binds that are not given count as NULL."""
        parsed = self.parse(sql)
        values = [None] * len(parsed.masked.binds) if binds is None else self._bound(sql, binds)[1]
        return self._translation(sql, parsed, values, context or Context()).columns

    def dml(self, sql: str, binds: Binds = (), context: Context | None = None) -> Plan:
        """What an INSERT, UPDATE, DELETE, MERGE or SELECT ... FOR UPDATE would do; see the package's docstring."""
        context = context or Context()
        parsed, values = self._bound(sql, binds)
        key = self._key(sql, values, context)
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = prepare(parsed, self.catalog, context, [bind_kind(value) for value in values])
            _keep(self._prepared, key, prepared)
        return Plan(self, prepared, self.parameters(values, context), context)

    def is_lock(self, sql: str) -> bool:
        """Whether a query is a SELECT ... FOR UPDATE, which ``dml`` is for."""
        return "FOR" in sql.upper() and bool(self.parse(sql).tree.args.get("locks"))

    # --- for Plan ---

    def parse(self, sql: str) -> Parsed:
        parsed = self._parsed.get(sql)
        if parsed is None:
            parsed = parse(sql)
            _keep(self._parsed, sql, parsed)
        return parsed

    def parameters(self, values: Sequence[Value], context: Context) -> dict[str, Any]:
        """All that a translation may name."""
        seconds = time.time() if context.now is None else context.now
        found: dict[str, Any] = dict(context.parameters)
        found.update(
            now=round(seconds * 1e6) / 86400e6,
            now_date=dates.from_seconds(seconds),
            user=context.user,
            schema=context.schema or context.user,
            user_id=context.user_id,
            inst_id=context.inst_id,
            con_id=context.con_id,
        )
        for number, value in enumerate(values):
            found[f"b{number}"] = value if value.__class__ is int and -(2**63) <= value < 2**63 else to_sqlite(value)
        return found

    def run(
        self, sql: str, parameters: Mapping[str, Any], functions: Sequence[Function], context: Context
    ) -> list[tuple[Any, ...]]:
        """Rows as SQLite gives them; its errors as Oracle's."""
        with self.errors(parameters, functions, context):
            return self.connection.execute(sql, parameters).fetchall()

    @contextmanager
    def errors(self, parameters: Mapping[str, Any], functions: Sequence[Function], context: Context) -> Iterator[None]:
        """Sets what functions of the statement see, and turns errors of SQLite into those of Oracle."""
        before = running.context, running.now_days, running.functions
        running.context, running.now_days, running.functions = context, parameters["now"], tuple(functions)
        failures.take()
        try:
            yield
        except sqlite3.Error as error:
            kept = failures.take()
            known = isinstance(kept, OracleError)
            failure = kept if known else self._translated_error(error, kept)
            raise failure from (None if known else error)
        finally:
            running.context, running.now_days, running.functions = before

    def _translated_error(self, error: sqlite3.Error, kept: Exception | None) -> BaseException:
        text = str(error)
        if text == "interrupted":
            return self.interrupted()
        if isinstance(error, sqlite3.IntegrityError):
            if text.startswith("NOT NULL"):
                return OracleError(1400, ".".join(f'"{part}"' for part in text.rpartition(": ")[2].split(".")))
            return OracleError(1, text.rpartition(": ")[2].split(",")[0].upper())
        if text == "integer overflow":
            return OracleError(1426)
        return OracleError(3001)

    # --- own ---

    def _bound(self, sql: str, binds: Binds) -> tuple[Parsed, Sequence[Value]]:
        """The parsed statement, and a value for each occurrence of a bind variable."""
        parsed = self.parse(sql)
        tokens = parsed.masked.binds
        if isinstance(binds, Mapping):
            try:
                return parsed, [binds[token.value] for token in tokens]
            except KeyError:
                raise OracleError(1008) from None
        if len(binds) != len(tokens):
            raise OracleError(1008 if len(binds) < len(tokens) else 1036)
        return parsed, binds

    def _key(self, sql: str, values: Sequence[Value], context: Context) -> Hashable:
        kinds = tuple([bind_kind(value) for value in values])
        return sql, kinds, context.key, self.catalog.version(context)

    def _translation(self, sql: str, parsed: Parsed, values: Sequence[Value], context: Context) -> Translation:
        key = self._key(sql, values, context)
        found = self._translated.get(key)
        if found is None:
            if not parsed.masked.tokens[0].is_(*_QUERY_WORDS):
                raise OracleError(900)
            found = translate(parsed, self.catalog, context, [bind_kind(value) for value in values])
            _keep(self._translated, key, found)
        return found


def convert_rows(rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> list[Row]:
    """Rows of SQLite as Oracle's values."""
    converters = [_FROM_SQLITE[column.type] for column in columns]
    return [tuple([convert(value) for convert, value in zip(converters, row, strict=True)]) for row in rows]


def _keep(cache: dict[Any, Any], key: Hashable, value: Any) -> None:
    if len(cache) >= _CACHED:
        # The oldest tenth goes.
        for old in list(cache)[: _CACHED // 10]:
            del cache[old]
    cache[key] = value
