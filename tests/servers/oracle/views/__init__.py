# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of the data dictionary, as data: which columns each has since which release, and where they come from.

Source of names, types and releases: the vendor's Database Reference (11.2, 12.1, 12.2, 19c, 23ai). Columns whose
contents have no life in the stand-in are NULL, 0 or the constant that an ordinary database shows.

The expressions are SQLite's SQL over the tables of ``tables.py``. They may use ``:now`` (days since 1970, the time of the
statement) and ``:sid`` (the session that asks), and the functions that :func:`install` registers.
"""

from __future__ import annotations

from . import instance, jobs, locks, objects, parallel, process, session, statement, statistics, users
from .model import DICTIONARY, FIXED, INSTANCE_COLUMN, View, ViewColumn, install

__all__ = [
    "DICTIONARY",
    "FIXED",
    "INSTANCE_COLUMN",
    "View",
    "ViewColumn",
    "install",
    "instance",
    "jobs",
    "locks",
    "objects",
    "parallel",
    "process",
    "session",
    "statement",
    "statistics",
    "users",
]
