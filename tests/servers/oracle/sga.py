# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared memory of the stand-in: one SQLite file that all server processes of all instances of a database open.

Every process opens the file for itself, after it was forked (SQLite forbids to carry a connection over a fork). A
single statement is a transaction of its own; several that belong together go into ``with write(connection):``. Writers
queue for one lock, so keep those blocks short and never wait for anything inside one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from .events import EVENTS
from .tables import TABLES, Counter, Record, Slot

FILE_NAME = "sga"
_FOLDER_PREFIX = "oracle-stand-in-"
# How long a process waits for the writers ahead of it: a thousand of them at a millisecond each, and some patience.
BUSY_SECONDS = 60.0
# The memory that a connection keeps for pages. It is what a thousand sessions have a thousand times.
CACHE_KIB = 512
SECONDS_PER_DAY = 86400.0
_EXPECTED_ROWS = 2000

# Where the arrays of sessions, processes and transactions seem to be in memory. A place in an array has one address
# whoever uses it, and instances have equal addresses for different things: both are so in a real database, and catch
# joins that forget SERIAL# or INST_ID.
_SESSIONS, _SESSION_BYTES = 0x7B000000, 0x2F08
_PROCESSES, _PROCESS_BYTES = 0x7A000000, 0x1108
_TRANSACTIONS, _TRANSACTION_BYTES = 0x78000000, 0x528
_LOCKS, _LOCK_BYTES = 0x77000000, 0x58
# PADDR of a killed session: the pseudo process, which V$PROCESS does not list under this address.
PSEUDO_PROCESS = (_PROCESSES - _PROCESS_BYTES).to_bytes(8, "big")
# The serial number that a client is told has to fit 16 bits (facts/oracle-wire.md, b4).
_LAST_SERIAL = 65535
# Data types of SQLite for those of the tables.
_SQL_TYPES = {"int": "INTEGER", "float": "REAL", "str": "TEXT", "bytes": "BLOB"}

Kind = TypeVar("Kind", bound=Record)


def now() -> float:
    """The time of the database: days since 1970-01-01 UTC."""
    return time.time() / SECONDS_PER_DAY


def session_address(sid: int) -> bytes:
    """SADDR of the session with this SID."""
    return (_SESSIONS + sid * _SESSION_BYTES).to_bytes(8, "big")


def process_address(pid: int) -> bytes:
    """ADDR of the process with this PID (Oracle's number, not the OS's)."""
    return (_PROCESSES + pid * _PROCESS_BYTES).to_bytes(8, "big")


def transaction_address(usn: int, slot: int) -> bytes:
    """ADDR of the transaction in this slot of this undo segment."""
    return (_TRANSACTIONS + (usn * 64 + slot) * _TRANSACTION_BYTES).to_bytes(8, "big")


def rows_of(object_id: int) -> str:
    """The SQLite table with the rows of a user's table."""
    return f"t_{object_id}"


# ---- the file -------------------------------------------------------------------------------------------------------


def _parent() -> Path:
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


def make_folder() -> Path:
    """A new private folder for the file: in memory where the machine has a file system for that."""
    return Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=_parent()))


def folders() -> list[Path]:
    """All such folders, of whomever."""
    return list(_parent().glob(f"{_FOLDER_PREFIX}*"))


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def create(path: str | Path) -> None:
    """Makes the file with all its tables, and the rows that are the same in every database."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Readers and one writer at a time work side by side; set once, it stays with the file.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN")
        for cls in TABLES:
            for statement in _definition(cls):
                connection.execute(statement)
        for event in EVENTS:
            insert(connection, event)
        connection.execute("ANALYZE")
        connection.execute("DELETE FROM sqlite_stat1")
        connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", _expectations())
        connection.execute("COMMIT")
    finally:
        connection.close()


def _definition(cls: type[Record]) -> Iterator[str]:
    columns = []
    for name, annotation in _annotations(cls).items():
        python_type, _unused, optional = annotation.partition(" | ")
        sql_type = _SQL_TYPES[python_type]
        if cls.KEY == (name,) and sql_type == "INTEGER":
            columns.append(f'"{name}" INTEGER PRIMARY KEY')
        else:
            columns.append(f'"{name}" {sql_type}' + ("" if optional else " NOT NULL"))
    rowid = len(cls.KEY) == 1 and " PRIMARY KEY" in "".join(columns)
    if not rowid:
        columns.append("PRIMARY KEY (" + ", ".join(f'"{name}"' for name in cls.KEY) + ")")
    yield f"CREATE TABLE {cls.TABLE} ({', '.join(columns)})" + ("" if rowid else " WITHOUT ROWID")
    for number, (indexed, condition) in enumerate(cls.INDEXES, 1):
        where = f" WHERE {condition}" if condition else ""
        yield f"CREATE INDEX {cls.TABLE}_{number} ON {cls.TABLE} ({indexed}){where}"


def _expectations() -> Iterator[tuple[str, str, str]]:
    """What the planner is to expect of each index, before there are rows: a large database, spread over two instances, in
    which each further column tells much apart. Left to guess, it prefers to scan all rows of an instance."""
    for cls in TABLES:
        indexes = [(cls.TABLE, ", ".join(cls.KEY)), *((f"{cls.TABLE}_{n}", i[0]) for n, i in enumerate(cls.INDEXES, 1))]
        for name, indexed in indexes:
            columns = indexed.split(", ")
            if name == cls.TABLE and columns == ["id"]:
                continue
            left = _EXPECTED_ROWS
            numbers = [left]
            for place, column in enumerate(columns):
                unique = name == cls.TABLE and place == len(columns) - 1
                left = 1 if unique else max(2, left // 2) if column == "inst_id" else 2
                numbers.append(left)
            yield cls.TABLE, name, " ".join(map(str, numbers))


def _annotations(cls: type[Record]) -> dict[str, str]:
    return {name: text for name, text in cls.__annotations__.items() if not text.startswith("ClassVar")}


def connect(path: str | Path) -> sqlite3.Connection:
    """Opens the file for one process; closes nothing by itself. Statements commit at once outside :func:`write`."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=64)
    # Nothing has to survive the machine; a process that dies leaves the file whole either way.
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


@contextmanager
def write(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction that has the writers' lock from its start; rolled back by an exception. Inside another it is part of
    that one."""
    inside = connection.in_transaction
    if inside:
        yield connection
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        # SQLite may have rolled back by itself, when it was interrupted or out of space.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


# ---- rows -----------------------------------------------------------------------------------------------------------


def insert(connection: sqlite3.Connection, record: Record) -> int:
    """Adds a row; its ``id`` where SQLite gives that out."""
    columns = record.columns()
    names = ", ".join(f'"{name}"' for name in columns)
    cursor = connection.execute(
        f"INSERT INTO {record.TABLE} ({names}) VALUES ({', '.join('?' * len(columns))})", record.values()
    )
    return cursor.lastrowid or 0


def select(connection: sqlite3.Connection, cls: type[Kind], **key: Any) -> list[Kind]:
    """All rows whose columns have these values (None for NULL), in the order of the primary key."""
    names = ", ".join(f'"{name}"' for name in cls.columns())
    order = ", ".join(f'"{name}"' for name in cls.KEY)
    found = connection.execute(f"SELECT {names} FROM {cls.TABLE}{_where(key)} ORDER BY {order}", list(key.values()))
    return [cls(*row) for row in found]


def get(connection: sqlite3.Connection, cls: type[Kind], **key: Any) -> Kind | None:
    """The first such row, or None."""
    names = ", ".join(f'"{name}"' for name in cls.columns())
    row = connection.execute(f"SELECT {names} FROM {cls.TABLE}{_where(key)} LIMIT 1", list(key.values())).fetchone()
    return None if row is None else cls(*row)


def update(connection: sqlite3.Connection, cls: type[Record], changes: Mapping[str, Any], **key: Any) -> int:
    """Sets columns of all such rows; how many there were."""
    settings = ", ".join(f'"{name}" = ?' for name in changes)
    statement = f"UPDATE {cls.TABLE} SET {settings}{_where(key)}"
    return connection.execute(statement, [*changes.values(), *key.values()]).rowcount


def delete(connection: sqlite3.Connection, cls: type[Record], **key: Any) -> int:
    """Removes all such rows; how many there were."""
    return connection.execute(f"DELETE FROM {cls.TABLE}{_where(key)}", list(key.values())).rowcount


def _where(key: Mapping[str, Any]) -> str:
    # "IS" compares like "=", finds NULL too, and uses an index as well.
    return " WHERE " + " AND ".join(f'"{name}" IS ?' for name in key) if key else ""


# ---- numbers that are given out -------------------------------------------------------------------------------------


def next_number(connection: sqlite3.Connection, name: str, inst_id: int = 0, first: int = 1) -> int:
    """The next value of a counter that starts with ``first``; inst_id 0 is the one of the whole database."""
    with write(connection):
        row = connection.execute(
            f"UPDATE {Counter.TABLE} SET value = value + 1 WHERE name = ? AND inst_id = ? RETURNING value",
            (name, inst_id),
        ).fetchone()
        if row is not None:
            return int(row[0])
        insert(connection, Counter(name, inst_id, first))
        return first


def changed(connection: sqlite3.Connection) -> None:
    """Call it after every change of an object, an account or a grant: what was translated or compiled is stale then."""
    next_number(connection, "dictionary")


def dictionary_version(connection: sqlite3.Connection) -> int:
    """A number that rises with :func:`changed`."""
    row = connection.execute("SELECT value FROM x_counter WHERE name = 'dictionary' AND inst_id = 0").fetchone()
    return row[0] if row else 0


def take_session_slot(connection: sqlite3.Connection, inst_id: int) -> tuple[int, int]:
    """The lowest SID that no session of the instance has, and a SERIAL# that this SID did not have before.

    Call it in the same :func:`write` block that inserts the session: the row is what takes the place, and its removal
    frees it.
    """
    return _take_slot(connection, "session", "x_session", "sid", inst_id)


def take_process_slot(connection: sqlite3.Connection, inst_id: int) -> tuple[int, int]:
    """The same for a process: PID and SERIAL#."""
    return _take_slot(connection, "process", "x_process", "pid", inst_id)


def _take_slot(connection: sqlite3.Connection, kind: str, used: str, column: str, inst_id: int) -> tuple[int, int]:
    with write(connection):
        free = connection.execute(
            f"SELECT slot, serial FROM x_slot t WHERE kind = ? AND inst_id = ? AND NOT EXISTS"
            f" (SELECT 1 FROM {used} u WHERE u.inst_id = t.inst_id AND u.{column} = t.slot) ORDER BY slot LIMIT 1",
            (kind, inst_id),
        ).fetchone()
        if free is None:
            last = connection.execute(
                "SELECT max(slot) FROM x_slot WHERE kind = ? AND inst_id = ?", (kind, inst_id)
            ).fetchone()[0]
            slot = (last or 0) + 1
            # Where a new place starts is arbitrary, but differs, so that nobody gets away with comparing the SID only.
            serial = slot * 7919 % 40000 + 1
            insert(connection, Slot(kind, inst_id, slot, serial))
            return slot, serial
        slot, serial = free
        serial = (serial + 1) % _LAST_SERIAL + 1
        update(connection, Slot, {"serial": serial}, kind=kind, inst_id=inst_id, slot=slot)
        return slot, serial
