# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions: before images of what they changed, commit, and a rollback that takes its time.

A change is made in place, in the SQLite table of the user's table; the row as it was goes into the undo (x_undo), from
where a rollback puts it back, latest change first. V$TRANSACTION.USED_UREC counts those records and falls while they
are applied, at the rate of the policy ``rollback_rate``.
"""

from __future__ import annotations

import marshal
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import sga
from .signals import Target, post_all
from .tables import Lock, RowLock, Transaction, Undo

# How long one step of a rollback holds the writers' lock at most, in records, and how often it takes a step, in seconds.
_STEP_RECORDS = 2000
STEP_SECONDS = 0.02
# Undo records in a block; a round figure, real ones depend on the length of rows.
RECORDS_PER_BLOCK = 50
# Undo segments and the places in each, so that about a thousand transactions at a time have addresses of their own.
_SEGMENTS, _SLOTS = 20, 64
ROLLING_BACK = 128

Pace = Callable[[float], None]
"""Waits for so many seconds, or raises."""


def begin(connection: sqlite3.Connection, inst_id: int, sid: int, con_id: int) -> Transaction:
    """Start a transaction and its TX lock. Call it inside ``sga.write``."""
    started = sga.now()
    address = sga.session_address(sid)
    # Never one that was used before: undo and row locks of the dead outlive their row.
    number = sga.next_number(connection, "transaction")
    usn, slot, sqn = numbers(number)
    transaction = Transaction(
        number, inst_id, sid, address, sga.transaction_address(usn, slot), usn, slot, sqn, started,
        start_scn=1_000_000 + number, con_id=con_id,
    )  # fmt: skip
    sga.insert(connection, transaction)
    id1, id2 = lock_name(transaction)
    sga.insert(connection, Lock(None, inst_id, sid, "TX", id1, id2, 6, 0, started, con_id=con_id))
    return transaction


def numbers(transaction_id: int) -> tuple[int, int, int]:
    """XIDUSN, XIDSLOT and XIDSQN of a transaction: undo segment, place in it, and how often that was used."""
    return (
        transaction_id % _SEGMENTS + 1,
        transaction_id // _SEGMENTS % _SLOTS,
        transaction_id // (_SEGMENTS * _SLOTS) + 1,
    )


def lock_name(transaction: Transaction) -> tuple[int, int]:
    """ID1 and ID2 of its TX lock."""
    return transaction.usn << 16 | transaction.slot, transaction.sqn


def of_session(connection: sqlite3.Connection, inst_id: int, sid: int) -> list[Transaction]:
    """The session's transactions, the oldest first; more than one where an autonomous one runs."""
    return sga.select(connection, Transaction, inst_id=inst_id, sid=sid)


def row_image(connection: sqlite3.Connection, object_id: int, row_id: int) -> bytes | None:
    """The row as it is now, None when there is none."""
    row = connection.execute(f"SELECT * FROM {sga.rows_of(object_id)} WHERE rowid = ?", (row_id,)).fetchone()
    return None if row is None else marshal.dumps(row)


def record(
    connection: sqlite3.Connection, transaction_id: int, object_id: int, row_id: int, action: str, before: bytes | None
) -> None:
    """Keep the image of a row that is about to be changed (None for an insert). Call it inside ``sga.write``."""
    sga.insert(connection, Undo(None, transaction_id, object_id, row_id, action, before))


def count(connection: sqlite3.Connection, transaction_id: int) -> None:
    """Show the undo that there is. Call it once after a number of :func:`record`."""
    connection.execute(
        "UPDATE x_transaction SET used_urec = n, used_ublk = 1 + n / ?, log_io = log_io + n"
        " FROM (SELECT count(*) n FROM x_undo WHERE transaction_id = ?) WHERE id = ?",
        (RECORDS_PER_BLOCK, transaction_id, transaction_id),
    )


def mark(connection: sqlite3.Connection, transaction_id: int) -> int:
    """Where the undo is now, for :func:`undo_to`."""
    row = connection.execute("SELECT max(id) FROM x_undo WHERE transaction_id = ?", (transaction_id,)).fetchone()
    return int(row[0] or 0)


def undo_to(connection: sqlite3.Connection, transaction_id: int, position: int, limit: int = -1) -> int:
    """Undo what came after ``position``, the latest first, ``limit`` records at most; how many were undone."""
    with sga.write(connection):
        records = connection.execute(
            "SELECT id, object_id, row_id, action, before FROM x_undo WHERE transaction_id = ? AND id > ?"
            " ORDER BY id DESC LIMIT ?",
            (transaction_id, position, limit),
        ).fetchall()
        for _id, object_id, row_id, action, before in records:
            _put_back(connection, object_id, row_id, action, before)
        if records:
            connection.execute(
                "DELETE FROM x_undo WHERE transaction_id = ? AND id >= ?", (transaction_id, records[-1][0])
            )
            count(connection, transaction_id)
    return len(records)


def _put_back(connection: sqlite3.Connection, object_id: int, row_id: int, action: str, before: bytes | None) -> None:
    table = sga.rows_of(object_id)
    if action == "insert":
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row_id,))
        return
    assert before is not None
    values: Sequence[Any] = marshal.loads(before)
    names = [f'"{row[1]}"' for row in connection.execute(f"PRAGMA table_info({table})")]
    if action == "update":
        settings = ", ".join(f"{name} = ?" for name in names)
        connection.execute(f"UPDATE {table} SET {settings} WHERE rowid = ?", (*values, row_id))
    else:
        marks = ", ".join("?" * (len(names) + 1))
        connection.execute(f"INSERT INTO {table} (rowid, {', '.join(names)}) VALUES ({marks})", (row_id, *values))


def commit(connection: sqlite3.Connection, transaction_id: int) -> None:
    """Make it permanent, release its locks and wake who waited for them."""
    with sga.write(connection):
        waiters = _release(connection, transaction_id)
    post_all(connection, waiters)


def roll_back(
    connection: sqlite3.Connection, transaction_id: int, policies: Mapping[str, Any], pace: Pace = time.sleep
) -> None:
    """Undo all of it at the rate of the policy, then release its locks and wake who waited for them.

    ``pace`` is called between steps; what it raises leaves the rollback where it is.
    """
    with sga.write(connection):
        connection.execute("UPDATE x_transaction SET flag = flag | ? WHERE id = ?", (ROLLING_BACK, transaction_id))
    allowed = 0.0
    while True:
        allowed += policies["rollback_rate"] * STEP_SECONDS
        step = min(int(allowed), _STEP_RECORDS)
        undo_to(connection, transaction_id, 0, step)
        allowed -= step
        if not mark(connection, transaction_id):
            break
        pace(STEP_SECONDS)
    commit(connection, transaction_id)


def _release(connection: sqlite3.Connection, transaction_id: int) -> list[Target]:
    """Remove all traces of a transaction; the OS processes of those who wait for it."""
    row = sga.get(connection, Transaction, id=transaction_id)
    sga.delete(connection, Undo, transaction_id=transaction_id)
    sga.delete(connection, RowLock, transaction_id=transaction_id)
    if row is None:
        return waiters_of_all(connection)
    id1, id2 = lock_name(row)
    processes = connection.execute(
        "SELECT s.inst_id, s.os_pid FROM x_lock l JOIN x_session s ON s.inst_id = l.inst_id AND s.sid = l.sid"
        " WHERE l.type = 'TX' AND l.id1 = ? AND l.id2 = ? AND l.request > 0",
        (id1, id2),
    ).fetchall()
    sga.delete(connection, Lock, type="TX", id1=id1, id2=id2, inst_id=row.inst_id, sid=row.sid)
    sga.delete(connection, Transaction, id=transaction_id)
    # The end of an autonomous transaction leaves the locks on tables of the one around it alone.
    return processes + _release_tables(connection, row.inst_id, row.sid)


def release_tables(connection: sqlite3.Connection, inst_id: int, sid: int) -> None:
    """Release the table locks of a session that has no transaction, and wake who waited for them."""
    with sga.write(connection):
        waiters = _release_tables(connection, inst_id, sid)
    post_all(connection, waiters)


def _release_tables(connection: sqlite3.Connection, inst_id: int, sid: int) -> list[Target]:
    if of_session(connection, inst_id, sid):
        return []
    waiters = _waiters_for_tables(connection, inst_id, sid)
    connection.execute("DELETE FROM x_lock WHERE inst_id = ? AND sid = ? AND type = 'TM' AND lmode > 0", (inst_id, sid))
    return waiters


def _waiters_for_tables(connection: sqlite3.Connection, inst_id: int, sid: int) -> list[Target]:
    return connection.execute(
        "SELECT s.inst_id, s.os_pid FROM x_lock h JOIN x_lock w ON w.type = 'TM' AND w.id1 = h.id1 AND w.request > 0"
        " JOIN x_session s ON s.inst_id = w.inst_id AND s.sid = w.sid"
        " WHERE h.type = 'TM' AND h.lmode > 0 AND h.inst_id = ? AND h.sid = ?",
        (inst_id, sid),
    ).fetchall()


def waiters_of_all(connection: sqlite3.Connection) -> list[Target]:
    """The OS processes of all sessions that wait for a lock."""
    return connection.execute(
        "SELECT s.inst_id, s.os_pid FROM x_lock l JOIN x_session s ON s.inst_id = l.inst_id AND s.sid = l.sid"
        " WHERE l.request > 0"
    ).fetchall()
