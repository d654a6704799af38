# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read consistency: a query sees what was committed, and what its own transaction has changed.

Changes are made in place, so the rows that other transactions have changed are read from their undo instead (Concepts,
"Multiversion Read Consistency"). The state is that of the query's start, as SQLite has it.
"""

from __future__ import annotations

import dataclasses
import marshal
import sqlite3

from .dictionary import Dictionary
from .sql import Context, Source
from .values import Value

# The parameter of a statement that has the session's own transaction, 0 for none.
TRANSACTION = "transaction"


class ConsistentDictionary(Dictionary):
    """The catalog of a session, whose tables are as its transaction may see them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        connection.create_function("undo_column", 2, _undo_column, deterministic=True)

    def resolve(self, owner: str | None, name: str, context: Context) -> Source:
        source = super().resolve(owner, name, context)
        return dataclasses.replace(source, sql=_as_committed(source)) if source.table else source


def _as_committed(source: Source) -> str:
    object_id = source.table.strip('"').removeprefix("t_")
    foreign = f"u.object_id = {object_id} AND u.transaction_id <> :{TRANSACTION}"
    names = ", ".join(f't."{column.name}"' for column in source.columns)
    before = ", ".join(f'undo_column(u.before, {at}) AS "{column.name}"' for at, column in enumerate(source.columns))
    return (
        f"(SELECT t.rowid AS rowid, {names} FROM {source.table} t"
        f" WHERE NOT EXISTS (SELECT 1 FROM x_undo u WHERE {foreign} AND u.row_id = t.rowid)"
        f" UNION ALL SELECT u.row_id, {before} FROM x_undo u WHERE {foreign} AND u.before IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM x_undo e WHERE e.object_id = u.object_id AND e.row_id = u.row_id"
        f" AND e.transaction_id <> :{TRANSACTION} AND e.id < u.id))"
    )


def _undo_column(before: bytes, number: int) -> Value:
    return marshal.loads(before)[number]
