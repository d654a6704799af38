# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception that a function called by SQLite raised, which SQLite itself does not hand on."""

from __future__ import annotations

import threading


class _Kept(threading.local):
    error: Exception | None = None


_kept = _Kept()


def keep(error: Exception) -> None:
    """The first one counts: SQLite finishes aggregates even after one of their steps has failed."""
    if _kept.error is None:
        _kept.error = error


def take() -> Exception | None:
    """The kept exception, once."""
    error, _kept.error = _kept.error, None
    return error
