# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's transaction, and how a DML statement changes rows under their locks."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from . import locks, sga, transactions
from .errors import OracleError
from .session import Session
from .sql import Plan

# How many rows are changed in one write of the shared memory; others have to wait so long.
_CHUNK = 500

Answer = TypeVar("Answer")


class Work:
    """The transaction of a session, which begins with its first change; while an autonomous one runs, that one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._current: int | None = None
        self._savepoints: dict[str, int] = {}

    @property
    def current(self) -> int | None:
        """The id of the transaction, None when there is none."""
        return self._current

    def begin(self) -> int:
        """The id of the transaction, which begins now if there is none."""
        if self._current is None:
            session = self._session
            with sga.write(session.connection) as connection:
                begun = transactions.begin(connection, session.inst_id, session.sid, session.con_id)
            self._current = begun.id
        assert self._current is not None
        return self._current

    def commit(self) -> None:
        if self._current is not None:
            transactions.commit(self._session.connection, self._current)
            self._current = None
            self._session.row.user_commits += 1
        self._savepoints.clear()

    def roll_back(self) -> None:
        """Takes as long as the undo is large, and hears of nothing meanwhile."""
        if self._current is not None:
            transactions.roll_back(self._session.connection, self._current, self._session.policies, time.sleep)
            self._current = None
            self._session.row.user_rollbacks += 1
        self._savepoints.clear()

    def savepoint(self, name: str) -> None:
        self._savepoints.pop(name, None)
        self._savepoints[name] = self.mark()

    def roll_back_to(self, name: str) -> None:
        if name not in self._savepoints:
            raise OracleError(1086, name)
        self.undo_to(self._savepoints[name])
        names = list(self._savepoints)
        for later in names[names.index(name) + 1 :]:
            del self._savepoints[later]

    def mark(self) -> int:
        """Where the undo is now, for :meth:`undo_to`."""
        return 0 if self._current is None else transactions.mark(self._session.connection, self._current)

    def undo_to(self, position: int) -> None:
        if self._current is not None:
            transactions.undo_to(self._session.connection, self._current, position)

    @contextlib.contextmanager
    def autonomous(self) -> Iterator[None]:
        """A transaction of its own; one that is open at the end is rolled back with ORA-06519."""
        outer, self._current = self._current, None
        savepoints, self._savepoints = self._savepoints, {}
        try:
            yield
            if self._current is not None:
                raise OracleError(6519)
        finally:
            try:
                self.roll_back()
            finally:
                self._current, self._savepoints = outer, savepoints


def _at_once(read: Callable[[], Answer]) -> Answer:
    return read()


def execute(
    session: Session,
    work: Work,
    plan: Plan,
    reading: Callable[[Callable[[], Any]], Any] = _at_once,
) -> int:
    """Carry out a plan; the number of rows. A statement that fails or is cancelled has changed nothing.

    ``reading`` calls what it is given, which finds the rows; it may interrupt that. The transaction begins with the first
    row that the statement gets: one that waits for its first row, or finds none, has no transaction.
    """
    if not plan.table:
        return 0
    object_id = int(plan.table.strip('"').removeprefix("t_"))
    position = work.mark()
    try:
        locks.lock_table(session, object_id)
        # Both before anything is changed: a statement does not see its own changes.
        inserted = reading(lambda: list(plan.rows)) if plan.kind in ("insert", "merge") else []
        changed = reading(plan.rowids) if plan.kind != "insert" else []
        return _change(session, work, plan, object_id, changed) + _insert(session, work, plan, object_id, inserted)
    except BaseException:
        # Not when the session ends: then all of it is rolled back, visibly.
        if not session.ended:
            work.undo_to(position)
        raise
    finally:
        if work.current is None and not session.ended:
            transactions.release_tables(session.connection, session.inst_id, session.sid)


def _insert(session: Session, work: Work, plan: Plan, object_id: int, rows: Sequence[Any]) -> int:
    connection = session.connection
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        with sga.write(connection):
            transaction_id = work.begin()
            for row_id, row in enumerate(chunk, _first_row_id(connection, object_id, len(chunk))):
                plan.insert({"rowid": row_id, **row})
                locks.try_row(connection, transaction_id, object_id, row_id)
                transactions.record(connection, transaction_id, object_id, row_id, "insert", None)
            transactions.count(connection, transaction_id)
        session.check()
    return len(rows)


def _first_row_id(connection: sqlite3.Connection, object_id: int, count: int) -> int:
    """The first of ``count`` rowids that no row of the table ever had: a deleted row may come back by a rollback."""
    ((last,),) = connection.execute(
        "INSERT INTO x_counter (name, inst_id, value) VALUES ('rows', ?, ?)"
        " ON CONFLICT DO UPDATE SET value = value + excluded.value RETURNING value",
        (object_id, count),
    ).fetchall()
    return int(last) - count + 1


def _change(session: Session, work: Work, plan: Plan, object_id: int, row_ids: Sequence[int]) -> int:
    connection = session.connection
    seconds = plan.wait if plan.kind == "lock" else None
    action = "update" if plan.kind == "merge" else plan.kind
    changed = 0
    pending = list(row_ids)
    while pending:
        blocked: tuple[int, int] | None = None
        done = 0
        with sga.write(connection):
            for row_id in pending[:_CHUNK]:
                holder = _lock_row(connection, work, object_id, row_id)
                if holder is not None:
                    if plan.kind == "lock" and plan.skip_locked:
                        done += 1
                        continue
                    blocked = holder, row_id
                    break
                done += 1
                before = transactions.row_image(connection, object_id, row_id)
                if before is not None and plan.apply(row_id):
                    changed += 1
                    if plan.kind != "lock":
                        transactions.record(connection, work.begin(), object_id, row_id, action, before)
            if work.current is not None:
                transactions.count(connection, work.current)
        pending = pending[done:]
        if blocked is not None:
            locks.wait_for_row(session, blocked[0], object_id, blocked[1], seconds)
        else:
            session.check()
    return changed


def _lock_row(connection: sqlite3.Connection, work: Work, object_id: int, row_id: int) -> int | None:
    """Lock a row: None when the transaction has it now, which may begin with that; else the transaction that has it."""
    if work.current is None and (holder := locks.holder_of(connection, object_id, row_id)) is not None:
        return holder
    return locks.try_row(connection, work.begin(), object_id, row_id)
