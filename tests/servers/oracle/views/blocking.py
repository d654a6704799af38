# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who blocks whom, as SQL over the locks that are held and asked for. Nothing of it is stored.

Lock modes and which of them exclude each other: the vendor's Concepts, "Data Concurrency and Consistency", table
"Summary of Table Locks".
"""

from __future__ import annotations

# A longer chain than this is cut: it could be a deadlock that nobody has noticed yet.
_LONGEST_CHAIN = 200
_LOCK_ADDRESS, _LOCK_BYTES = 0x77000000, 0x58


def excludes(held: str, requested: str) -> str:
    """SQL: the held mode keeps the requested one out (2 SS, 3 SX, 4 S, 5 SSX, 6 X; 0 and 1 exclude nothing)."""
    return (
        f"({held} = 6 AND {requested} > 1 OR {requested} = 6 AND {held} > 1"
        f" OR {held} = 5 AND {requested} > 2 OR {requested} = 5 AND {held} > 2"
        f" OR {held} = 4 AND {requested} = 3 OR {held} = 3 AND {requested} = 4)"
    )


def holds(holder: str = "h", waiter: str = "w") -> str:
    """SQL: the lock row ``holder`` is what the lock row ``waiter`` waits for."""
    return (
        f"{holder}.type = {waiter}.type AND {holder}.id1 = {waiter}.id1 AND {holder}.id2 = {waiter}.id2"
        f" AND {holder}.lmode > 0 AND {waiter}.request > 0"
        f" AND {excludes(f'{holder}.lmode', f'{waiter}.request')}"
        f" AND NOT ({holder}.inst_id = {waiter}.inst_id AND {holder}.sid = {waiter}.sid)"
    )


def blocker(column: str) -> str:
    """SQL for a column of the session that the session ``s`` waits for; NULL if it waits for no lock."""
    return (
        f"(SELECT h.{column} FROM x_lock w JOIN x_lock h ON {holds()}"
        f" WHERE w.inst_id = s.inst_id AND w.sid = s.sid AND w.request > 0 ORDER BY h.id LIMIT 1)"
    )


def final_blocker(column: str) -> str:
    """The same for the session at the end of the chain, which waits for no lock itself."""
    return (
        f"(WITH RECURSIVE chain (depth, inst_id, sid) AS (SELECT 0, s.inst_id, s.sid"
        f" UNION ALL SELECT c.depth + 1, h.inst_id, h.sid FROM chain c"
        f" JOIN x_lock w ON w.inst_id = c.inst_id AND w.sid = c.sid AND w.request > 0"
        f" JOIN x_lock h ON {holds()} WHERE c.depth < {_LONGEST_CHAIN})"
        f" SELECT c.{column} FROM chain c WHERE c.depth > 0 ORDER BY c.depth DESC LIMIT 1)"
    )


def lock_address(lock: str) -> str:
    """SQL for the address of a lock row, as a number."""
    return f"({_LOCK_ADDRESS} + {lock}.id * {_LOCK_BYTES})"


def requested_lock() -> str:
    """SQL for LOCKWAIT of the session ``s``: the address of the lock that it asks for, in hexadecimal."""
    return (
        f"(SELECT printf('%016X', {lock_address('w')}) FROM x_lock w"
        f" WHERE w.inst_id = s.inst_id AND w.sid = s.sid AND w.request > 0 LIMIT 1)"
    )
