# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The session list as a table for people. Pure."""

from __future__ import annotations

# A wider value is cut: one long module name must not push the other columns off the screen.
_WIDEST = 28
_NUMBERS = ("sid", "doing", "in transaction")


def table(sessions):
    """One line per session under a headline, busiest first: blockers and blocked, then running, then idle ones."""
    if not sessions:
        return "No sessions."
    rows = [_cells(session) for session in sorted(sessions, key=_weight)]
    names = list(rows[0])
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    lines = ["  ".join(_aligned(name, name, widths) for name in names)]
    lines.append("  ".join("─" * widths[name] for name in names))
    lines += ["  ".join(_aligned(name, row[name], widths) for name in names) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cells(session):
    idle = session.idle_seconds is not None
    age = (session.transaction or {}).get("age_seconds")
    return {
        "sid": session.name(),
        "user": _cut(session.username or "-"),
        "machine": _cut(session.machine or "-"),
        "program": _cut(session.program or session.module or "-"),
        "status": session.status,
        "doing": f"{'idle' if idle else 'runs'} {_duration(session.idle_seconds if idle else session.active_seconds)}",
        "in transaction": "-" if session.transaction is None else "yes" if age is None else _duration(age),
        "blocked by": _holder(session.blocked_by) if session.blocked_by else "-",
        "protected by": session.protected_by or "-",
    }


def _holder(blocked_by):
    instance = "" if blocked_by.get("inst_id") is None else f",@{blocked_by['inst_id']}"
    return f"{blocked_by['sid']}{instance}"


def _weight(session):
    waiters = (session.blocking or {}).get("waiters", 0)
    running = session.active_seconds is not None
    return (
        -waiters,
        session.blocked_by is None,
        not running,
        -(session.active_seconds or session.idle_seconds or 0.0),
        session.inst_id or 0,
        session.sid,
    )


def _duration(seconds):
    """Two units at most, such as 7s, 4m05s, 2h10m or 3d04h."""
    total = int(seconds or 0)
    for unit, size, part, smaller in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if total >= size:
            return f"{total // size}{unit}{total % size // smaller:02d}{part}"
    return f"{total}s"


def _cut(text):
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _aligned(name, text, widths):
    return text.rjust(widths[name]) if name in _NUMBERS else text.ljust(widths[name])
