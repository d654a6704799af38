# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Row locks, table locks and user locks: who has to wait for whom, and the deadlock in that.

Source: the vendor's Concepts, "Data Concurrency and Consistency": a writer waits for the transaction that has its row
(TX, event "enq: TX - row lock contention"); a transaction has a TM lock in mode 3 on each table that it changes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from . import sga
from .errors import OracleError
from .tables import Lock, RowLock, Transaction
from .transactions import lock_name

ROW_EXCLUSIVE, EXCLUSIVE = 3, 6
# A waiter is posted when its lock comes free; this is how often it looks by itself all the same.
_LOOK_SECONDS = 1.0
# Which table locks go together (vendor's Concepts, table "Summary of Table Locks"), by mode held and asked for.
_COMPATIBLE = {(2, 2), (2, 3), (3, 2), (3, 3), (2, 4), (4, 2), (4, 4), (2, 5), (5, 2)}


class Waiter(Protocol):
    """The session that wants a lock."""

    connection: sqlite3.Connection
    inst_id: int
    sid: int

    @property
    def policies(self) -> Mapping[str, Any]:
        """The policies as they are now."""

    @property
    def con_id(self) -> int:
        """The container that it is in."""

    def set(self, **columns: Any) -> None:
        """Change columns of its row."""

    def pause(self, seconds: float) -> None:
        """Wait until posted, or so long; raises what ends the call."""

    def waiting(self, event: str, **details: Any) -> AbstractContextManager[None]:
        """Show this wait in V$SESSION."""


def holder_of(connection: sqlite3.Connection, object_id: int, row_id: int) -> int | None:
    """The transaction that has the lock of a row."""
    held = connection.execute(
        "SELECT transaction_id FROM x_row_lock WHERE object_id = ? AND row_id = ?", (object_id, row_id)
    ).fetchone()
    return None if held is None else int(held[0])


def try_row(connection: sqlite3.Connection, transaction_id: int, object_id: int, row_id: int) -> int | None:
    """Lock a row for a transaction: None when it has it now, else the transaction that has it. Inside ``sga.write``."""
    holder = holder_of(connection, object_id, row_id)
    if holder is None:
        sga.insert(connection, RowLock(object_id, row_id, transaction_id))
    return None if holder == transaction_id else holder


def wait_for_row(waiter: Waiter, holder: int, object_id: int, row_id: int, seconds: float | None) -> None:
    """Wait until transaction ``holder`` has let go of the row; ORA-00054 after ``seconds``, ORA-00060 for a deadlock."""
    connection = waiter.connection
    if seconds == 0:
        raise OracleError(54)
    with sga.write(connection):
        transaction = sga.get(connection, Transaction, id=holder)
        # A dead transaction that is being recovered has a lock, but nobody to be seen with it.
        id1, id2 = lock_name(transaction) if transaction else (0, holder)
        request = sga.insert(
            connection,
            Lock(None, waiter.inst_id, waiter.sid, "TX", id1, id2, 0, EXCLUSIVE, sga.now(), con_id=waiter.con_id),
        )
        if _is_deadlock(connection, waiter, transaction):
            sga.delete(connection, Lock, id=request)
            raise OracleError(60)
    deadline = None if seconds is None else time.monotonic() + seconds
    unseen = waiter.policies["lock_holder_shown_after_seconds"]
    try:
        with waiter.waiting(
            "enq: TX - row lock contention",
            p1=0x54580006,
            p2=id1,
            p3=id2,
            row_wait_object=object_id,
            row_wait_file=1,
            row_wait_block=128 + row_id // 100,
            row_wait_row=row_id % 100,
            blocker_unknown=int(unseen > 0),
        ):
            begun = time.monotonic()
            while True:
                if holder_of(connection, object_id, row_id) != holder:
                    return
                left = unseen - (time.monotonic() - begun)
                if unseen and left <= 0:
                    waiter.set(blocker_unknown=0)
                    unseen = 0
                _pause(waiter, deadline, left if unseen else _LOOK_SECONDS)
    finally:
        sga.delete(connection, Lock, id=request)


def _pause(waiter: Waiter, deadline: float | None, longest: float = _LOOK_SECONDS) -> None:
    left = longest if deadline is None else min(longest, deadline - time.monotonic())
    if left <= 0:
        raise OracleError(54)
    waiter.pause(left)


def _is_deadlock(connection: sqlite3.Connection, waiter: Waiter, transaction: Transaction | None) -> bool:
    """Whether the chain of who waits for whom leads from the holder of that transaction back to the waiter."""
    seen = set()
    while transaction is not None and (transaction.inst_id, transaction.sid) not in seen:
        if (transaction.inst_id, transaction.sid) == (waiter.inst_id, waiter.sid):
            return True
        seen.add((transaction.inst_id, transaction.sid))
        wanted = connection.execute(
            "SELECT id1, id2 FROM x_lock WHERE inst_id = ? AND sid = ? AND type = 'TX' AND request > 0",
            (transaction.inst_id, transaction.sid),
        ).fetchone()
        transaction = wanted and sga.get(
            connection, Transaction, usn=wanted[0] >> 16, slot=wanted[0] & 0xFFFF, sqn=wanted[1]
        )
    return False


def lock_table(waiter: Waiter, object_id: int, mode: int = ROW_EXCLUSIVE, seconds: float | None = None) -> None:
    """Get a TM lock on a table for the session's transaction, waiting for others that do not go with it."""
    _get(waiter, "TM", object_id, mode, seconds, p1=0x544D0000 + mode, row_wait_object=object_id)


def lock_number(waiter: Waiter, number: int, mode: int, seconds: float | None) -> None:
    """Get a UL lock, which DBMS_LOCK gives to a session: it is held until the session ends or gives it back."""
    _get(waiter, "UL", number, mode, seconds, p1=0x554C0000 + mode)


def _get(waiter: Waiter, kind: str, id1: int, mode: int, seconds: float | None, **shown: Any) -> None:
    connection = waiter.connection
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        with sga.write(connection):
            if not _conflict(connection, waiter, kind, id1, mode):
                _hold(connection, waiter, kind, id1, mode)
                return
            if seconds == 0:
                raise OracleError(54)
            request = sga.insert(
                connection,
                Lock(None, waiter.inst_id, waiter.sid, kind, id1, 0, 0, mode, sga.now(), con_id=waiter.con_id),
            )
        try:
            with waiter.waiting(f"enq: {kind} - contention", p2=id1, **shown):
                while _conflict(connection, waiter, kind, id1, mode):
                    _pause(waiter, deadline)
        finally:
            sga.delete(connection, Lock, id=request)


def _conflict(connection: sqlite3.Connection, waiter: Waiter, kind: str, id1: int, mode: int) -> bool:
    held = connection.execute(
        "SELECT lmode FROM x_lock WHERE type = ? AND id1 = ? AND lmode > 0 AND NOT (inst_id = ? AND sid = ?)",
        (kind, id1, waiter.inst_id, waiter.sid),
    )
    return any((lmode, mode) not in _COMPATIBLE for (lmode,) in held)


def _hold(connection: sqlite3.Connection, waiter: Waiter, kind: str, id1: int, mode: int) -> None:
    held = connection.execute(
        "SELECT id, lmode FROM x_lock WHERE inst_id = ? AND sid = ? AND type = ? AND id1 = ? AND lmode > 0",
        (waiter.inst_id, waiter.sid, kind, id1),
    ).fetchone()
    if held is None:
        sga.insert(
            connection,
            Lock(None, waiter.inst_id, waiter.sid, kind, id1, 0, mode, 0, sga.now(), con_id=waiter.con_id),
        )
    elif held[1] < mode:
        sga.update(connection, Lock, {"lmode": mode}, id=held[0])
