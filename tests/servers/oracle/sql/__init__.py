# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle's SQL over SQLite: queries and DML statements are parsed, given Oracle's meaning and run on one connection.

``install(connection)`` registers Oracle's functions on a SQLite connection, once, before anything else here uses it.
``Engine(connection, catalog)`` then answers statements; the catalog (see ``interface.Catalog``) says what a table is::

    engine.query("SELECT sid, serial# FROM v$session WHERE username = :1", ["SCOTT"], context)   -> Result
    engine.describe("SELECT sid FROM v$session", context)                                      -> list[Column]
    plan = engine.dml("UPDATE emp SET sal = :s WHERE id = :i", {"S": 10, "I": 7}, context)     -> Plan

Binds are a sequence in the order of ``lexer.bind_names`` (every occurrence is one), or a mapping by upper-case name.
Binding a datetime makes a DATE, or a TIMESTAMP where it has microseconds, or a TIMESTAMP WITH TIME ZONE where it is
aware; bytes make RAW, timedelta an INTERVAL DAY TO SECOND, None a NULL of type VARCHAR2.

A ``Plan`` changes nothing by itself, so that its user can lock a row and keep its before image first::

    plan.kind          "insert", "update", "delete", "merge" or "lock" (SELECT ... FOR UPDATE)
    plan.table         the SQLite table that it touches (Source.sql), plan.source the Source, "" for a lock on nothing
    plan.rowids()      SQLite rowids of the rows that it would change or lock, as the data are now
    plan.apply(rowid)  tests the condition again, then updates or deletes that row: whether it did. For a lock: whether the
                       row still fits. Run rowids() again after a wait for a lock if new rows matter
    plan.rows          rows to insert, as mappings of SQLite column name to SQLite value; plan.insert(row) -> new rowid.
                       Take them and rowids() before anything is changed: a query in the statement sees no change of its own
    plan.wait          for a lock: None waits, 0 is NOWAIT, n is WAIT n (s); plan.skip_locked
    plan.query()       for a lock: the Result of the query, as the data are now

In SQLite a DATE or TIMESTAMP is a REAL number of days since 1970-01-01 00:00:00 UTC, an INTERVAL a REAL number of days,
RAW a BLOB, NUMBER an INTEGER or REAL, everything else TEXT; an empty string must be stored as NULL.

Errors are OracleError with number and position. A statement that the progress handler of the connection interrupts raises
``engine.interrupted()``, which gives ORA-01013 unless it is replaced. Statements that are neither a query nor DML give
ORA-00900: the caller looks at the first word before.

Translations are kept per text, types of the binds, ``Catalog.version`` and ``Context.key``. The server's time zone is UTC;
NLS settings are those of AMERICAN_AMERICA.
"""

from __future__ import annotations

# query.py imports it when it first needs it, which is to have happened before a server process is forked.
from . import block  # noqa: F401
from .dml import Plan
from .engine import Engine
from .functions import install
from .interface import Catalog, Context, Function, Source
from .sql_id import sql_id

__all__ = ["Catalog", "Context", "Engine", "Function", "Plan", "Source", "install", "sql_id"]
