# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Who blocks whom: from single waits to blockers, root blockers and the tree that people read. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

# The match keys that are about who waits for whom.
LOCK_KEYS = frozenset({"waiters", "blocking_for", "blocking", "blocked", "root_blocker", "blocked_by"})


@dataclass(frozen=True)
class Wait:
    """One session waiting for a lock that another one holds, for so many seconds.

    A session is named by (inst_id, sid).
    """

    waiter: tuple
    holder: tuple
    seconds: float


def relate(sessions, waits):
    """Sets `blocked_by` and `blocking` of every session from the waits.

    A session that is already killed waits for nothing any more, even while the server still lists its wait
    (measured on seekdb 1.4: the lock row stays until the worker wakes up, up to 10 s after the kill).
    """
    killed = {session.place for session in sessions if session.killed}
    live = [wait for wait in waits if wait.waiter not in killed and wait.waiter != wait.holder]
    waiters = defaultdict(list)
    longest: dict[tuple, Wait] = {}
    for wait in live:
        waiters[wait.holder].append(wait)
        if wait.waiter not in longest or wait.seconds > longest[wait.waiter].seconds:
            longest[wait.waiter] = wait
    for session in sessions:
        key = session.place
        wait = longest.get(key)
        session.blocked_by = {"inst_id": wait.holder[0], "sid": wait.holder[1]} if wait else None
        behind = _behind(key, waiters)
        session.blocking = (
            {
                "waiters": len({each.waiter for each in behind} - {key}),
                "longest_seconds": max(each.seconds for each in behind),
                "root": wait is None,
            }
            if behind
            else None
        )


def _behind(key, waiters):
    """Every wait that would end, sooner or later, if this session let go."""
    found, queue, seen = [], [key], {key}
    while queue:
        for wait in waiters.get(queue.pop(), ()):
            found.append(wait)
            if wait.waiter not in seen:
                seen.add(wait.waiter)
                queue.append(wait.waiter)
    return found


def chain(session, sessions):
    """The holders from the one that blocks this session up to the root, nearest first; a cycle ends where it closes."""
    by_key = {each.place: each for each in sessions}
    found, current, seen = [], session, {session.place}
    while current is not None and current.blocked_by:
        key = (current.blocked_by["inst_id"], current.blocked_by["sid"])
        if key in seen:
            break
        seen.add(key)
        found.append(dict(current.blocked_by))
        current = by_key.get(key)
    return found


def tree(sessions):
    """The blocking tree as text: roots first, the longest blocked first; one line per session."""
    children = defaultdict(list)
    for session in sessions:
        if session.blocked_by:
            children[(session.blocked_by["inst_id"], session.blocked_by["sid"])].append(session)
    listed = {session.place: session for session in sessions}
    roots = [key for key in children if key not in listed or not listed[key].blocked_by]
    lines: list[str] = []
    drawn: set[tuple] = set()
    # A cycle has no root: it is drawn last, from any of its members.
    ordered = sorted(roots, key=lambda key: _weight(listed[key]) if key in listed else (0, 0, key[1]))
    for start in [*ordered, *sorted(children, key=str)]:
        stack = [] if start in drawn else [(start, 0)]
        while stack:
            key, depth = stack.pop()
            branch = "   " * depth + ("└─ " if depth else "")
            if key in drawn:
                lines.append(f"{branch}session {key[1]} (see above: a deadlock)")
                continue
            drawn.add(key)
            lines.append(branch + (_line(listed[key]) if key in listed else f"session {key[1]} (not listed)"))
            behind = sorted(children.get(key, ()), key=_weight, reverse=True)
            stack.extend((child.place, depth + 1) for child in behind)
    return "\n".join(lines) if lines else "No session waits for a lock of another one."


def _weight(session):
    blocking = session.blocking or {"waiters": 0, "longest_seconds": 0}
    return -blocking["waiters"], -blocking["longest_seconds"], session.sid


def _line(session):
    doing = (
        f"idle {session.idle_seconds:.0f} s"
        if session.idle_seconds is not None
        else f"active {session.active_seconds or 0:.0f} s"
    )
    parts = [
        f"session {session.name()}",
        session.username or "(no user)",
        session.machine or session.program or "",
        session.status,
        doing,
    ]
    if session.transaction:
        parts.append("in a transaction")
    if session.blocking:
        parts.append(f"blocks {session.blocking['waiters']} for up to {session.blocking['longest_seconds']:.0f} s")
    return "  ".join(part for part in parts if part)
