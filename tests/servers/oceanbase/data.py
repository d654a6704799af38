# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of users, transactions and row locks.

A change is made in place in SQLite. The image before the transaction goes into the table's twin, from where everybody else
reads the row meanwhile; the images before each single change are kept in the transaction, which puts them back.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..oracle.commands import CreateTable
from ..oracle.definitions import column_of
from ..oracle.errors import OracleError
from ..oracle.sql import Plan, Source
from ..oracle.values import Column, Type

if TYPE_CHECKING:
    from .session import Session

_STORED = {Type.NUMBER: "NUMERIC", Type.VARCHAR2: "TEXT", Type.CHAR: "TEXT", Type.RAW: "BLOB"}
_FIRST_TABLET = 200001
Image = tuple[Any, ...] | None
Key = tuple[str, int]


class Locks(Protocol):
    """Where locks are shown."""

    def held(self, transaction: Transaction, tablet: int, row: str | None) -> None:
        """A row of this tablet is locked now; without a row, the table."""

    def released(self, transaction: Transaction) -> None:
        """All locks of this transaction are free."""


@dataclass(frozen=True)
class Table:
    """A user's table. ``sql`` is its quoted name in SQLite, ``twin`` that of the images."""

    tenant: str
    owner: str
    name: str
    columns: tuple[Column, ...]
    tablet: int
    sql: str
    twin: str

    def source(self) -> Source:
        """What a transaction sees of it, by the parameter ``:transaction``."""
        names = ", ".join(f'"{column.name}"' for column in self.columns)
        visible = (
            f"(SELECT rowid, {names} FROM {self.sql} WHERE rowid NOT IN"
            f" (SELECT row_id FROM {self.twin} WHERE changed_by <> :transaction)"
            f" UNION ALL SELECT row_id, {names} FROM {self.twin} WHERE changed_by <> :transaction AND existed)"
        )
        return Source(visible, self.columns, self.sql, self.owner)


@dataclass(eq=False)
class Transaction:
    id: int
    session: Session
    explicit: bool
    # Seconds since 1970.
    begun: float
    changes: list[tuple[Table, int, Image]] = field(default_factory=list)
    rows: set[Key] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    waiters: list[Session] = field(default_factory=list)
    savepoints: dict[str, int] = field(default_factory=dict)
    open: bool = True


class Data:
    def __init__(self, connection: sqlite3.Connection, locks: Locks) -> None:
        self._connection = connection
        self._locks = locks
        self._holders: dict[Key, Transaction] = {}
        self._tablets = itertools.count(_FIRST_TABLET)
        self._row_ids = itertools.count(1)
        self._transaction_ids = itertools.count(1)
        self._tables: dict[tuple[str, str, str], Table] = {}
        self._by_sql: dict[str, Table] = {}
        self.changes = 0

    # --- tables

    def find(self, tenant: str, owner: str, name: str) -> Table | None:
        return self._tables.get((tenant, owner, name))

    def table_of(self, plan: Plan) -> Table:
        return self._by_sql[plan.table]

    def create(self, tenant: str, owner: str, command: CreateTable) -> Table:
        """ORA-00955 when there is such a table."""
        name = command.name[1]
        if self.find(tenant, owner, name):
            raise OracleError(955)
        if command.query is not None:
            raise OracleError(900)
        columns = tuple(column_of(definition) for definition in command.columns)
        tablet = next(self._tablets)
        table = Table(tenant, owner, name, columns, tablet, f'"t{tablet}"', f'"t{tablet}_before"')
        declared = [f'"{column.name}" {_STORED.get(column.type, "REAL")}' for column in columns]
        keys = [(column.name,) for column in command.columns if column.primary or column.unique] + list(command.keys)
        unique = ["UNIQUE (" + ", ".join(f'"{each}"' for each in key) + ")" for key in keys]
        self._connection.execute(f"CREATE TABLE {table.sql} ({', '.join(declared + unique)})")
        hidden = "row_id INTEGER PRIMARY KEY, changed_by INTEGER, existed INTEGER"
        self._connection.execute(f"CREATE TABLE {table.twin} ({hidden}, {', '.join(declared)})")
        self._tables[tenant, owner, name] = self._by_sql[table.sql] = table
        self.changes += 1
        return table

    def drop(self, table: Table) -> None:
        """ORA-00054 while a transaction has changed it."""
        if any(name == table.sql for name, _row in self._holders):
            raise OracleError(54)
        for name in (table.sql, table.twin):
            self._connection.execute(f"DROP TABLE {name}")
        del self._tables[table.tenant, table.owner, table.name], self._by_sql[table.sql]
        self.changes += 1

    # --- transactions

    def begin(self, session: Session, explicit: bool, now: float) -> Transaction:
        return Transaction(next(self._transaction_ids), session, explicit, now)

    async def execute(self, transaction: Transaction, plan: Plan) -> int:
        """Carry out a plan, and wait for rows that others have locked; the number of rows. One that fails changes nothing."""
        table = self.table_of(plan)
        mark = len(transaction.changes)
        # Both before anything is changed: a statement does not see its own changes.
        inserted: Iterable[Mapping[str, Any]] = list(plan.rows)
        row_ids = plan.rowids()
        count = 0
        try:
            for row_id in row_ids:
                if not await self._lock(transaction, table, row_id, plan):
                    continue
                before = self._image(table, row_id)
                if before is not None and plan.apply(row_id):
                    count += 1
                    if plan.kind != "lock":
                        self._record(transaction, table, row_id, before)
            for row in inserted:
                row_id = next(self._row_ids)
                plan.insert({"rowid": row_id, **row})
                self._hold(transaction, table, row_id)
                self._record(transaction, table, row_id, None)
                count += 1
        except BaseException:
            if transaction.open:
                self.undo_to(transaction, mark)
            raise
        return count

    async def _lock(self, transaction: Transaction, table: Table, row_id: int, plan: Plan) -> bool:
        """Whether it has the row, which it has not where locked rows are to be skipped."""
        while (holder := self._holders.get((table.sql, row_id))) is not None and holder is not transaction:
            if plan.skip_locked:
                return False
            if plan.wait == 0:
                raise OracleError(54)
            await transaction.session.wait_for(holder, table.tablet, self._row_name(table, row_id), plan.wait)
        self._hold(transaction, table, row_id)
        return True

    def _hold(self, transaction: Transaction, table: Table, row_id: int) -> None:
        key = (table.sql, row_id)
        if key in transaction.rows:
            return
        self._holders[key] = transaction
        transaction.rows.add(key)
        if table.sql not in transaction.tables:
            transaction.tables.add(table.sql)
            self._locks.held(transaction, table.tablet, None)
        self._locks.held(transaction, table.tablet, self._row_name(table, row_id))

    def _row_name(self, table: Table, row_id: int) -> str:
        """How the lock view names a row: by its key, for which the first column stands."""
        image = self._image(table, row_id)
        return json.dumps({table.columns[0].type.name: image[0] if image else row_id}, separators=(",", ":"))

    def _image(self, table: Table, row_id: int) -> Image:
        found: Image = self._connection.execute(f"SELECT * FROM {table.sql} WHERE rowid = ?", (row_id,)).fetchone()
        return found

    def _record(self, transaction: Transaction, table: Table, row_id: int, before: Image) -> None:
        transaction.changes.append((table, row_id, before))
        marks = ", ".join("?" * len(table.columns))
        self._connection.execute(
            f"INSERT OR IGNORE INTO {table.twin} VALUES (?, ?, ?, {marks})",
            (row_id, transaction.id, before is not None, *(before or (None,) * len(table.columns))),
        )

    def undo_to(self, transaction: Transaction, mark: int) -> None:
        """Put back what came after ``mark``; the locks stay."""
        while len(transaction.changes) > mark:
            table, row_id, before = transaction.changes.pop()
            self._connection.execute(f"DELETE FROM {table.sql} WHERE rowid = ?", (row_id,))
            if before is not None:
                names = ", ".join(f'"{column.name}"' for column in table.columns)
                marks = ", ".join("?" * len(before))
                self._connection.execute(
                    f"INSERT INTO {table.sql} (rowid, {names}) VALUES (?, {marks})", (row_id, *before)
                )

    def end(self, transaction: Transaction, commit: bool) -> None:
        """Commit it or roll it back, and wake who waits for it."""
        if not commit:
            self.undo_to(transaction, 0)
        for table_sql, row_id in transaction.rows:
            del self._holders[table_sql, row_id]
            twin = self._by_sql[table_sql].twin
            self._connection.execute(
                f"DELETE FROM {twin} WHERE row_id = ? AND changed_by = ?", (row_id, transaction.id)
            )
        transaction.open = False
        self._locks.released(transaction)
        for waiter in transaction.waiters[:]:
            waiter.wake()
