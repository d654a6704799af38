# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception that a function called by SQLite raised, which SQLite itself does not hand on."""

from __future__ import annotations

_kept: list[Exception] = []


def keep(error: Exception) -> None:
    """The first one counts: SQLite finishes aggregates even after one of their steps has failed."""
    if not _kept:
        _kept.append(error)


def take() -> Exception | None:
    """The kept exception, once."""
    return _kept.pop() if _kept else None
