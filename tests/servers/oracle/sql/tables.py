# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest catalog: SQLite tables under Oracle's names, without privileges."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterable, Sequence

from ..errors import OracleError
from ..values import Column, Type, Value
from .engine import to_sqlite
from .interface import Context, Function, Source


class Tables:
    """Tables that a program fills itself, each known by its name alone or as OWNER.NAME.

    ``writable`` tables take DML statements. Used by tests of what needs no dictionary.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sources: dict[str, tuple[str, Source]] = {}
        self._functions: dict[tuple[str, ...], Function] = {}

    def add(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Value]] = (),
        owner: str = "SYS",
        writable: bool = False,
    ) -> None:
        """A new table with rows in the order of the columns."""
        table = f'"{owner}.{name}"'
        self._connection.execute(f"CREATE TABLE {table} ({', '.join(_declared(column) for column in columns)})")
        marks = ", ".join("?" * len(columns))
        values = ([to_sqlite(value) for value in row] for row in rows)
        self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
        self._sources[name] = (owner, Source(table, tuple(columns), table if writable else "", owner))

    def add_function(self, name: tuple[str, ...], call: Callable[..., Value], type_: Type = Type.VARCHAR2) -> None:
        self._functions[name] = Function(call, type_)

    def version(self, context: Context) -> Hashable:
        return len(self._sources)

    def resolve(self, owner: str | None, name: str, context: Context) -> Source:
        found = self._sources.get(name)
        if found is None or (owner is not None and owner != found[0]):
            raise OracleError(942)
        return found[1]

    def function(self, name: tuple[str, ...], context: Context) -> Function | None:
        return self._functions.get(name)


def _declared(column: Column) -> str:
    affinity = {Type.NUMBER: "NUMERIC", Type.VARCHAR2: "TEXT", Type.CHAR: "TEXT", Type.RAW: "BLOB"}
    return f'"{column.name}" {affinity.get(column.type, "REAL")}'
