# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Which picked sessions must not be touched, and when the whole run must not happen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from .session import Outcome
from .values import BadOption

# What our own sessions call themselves, so that two runs never end each other.
TAG = "dbops.oracle_sessions"


@dataclass(frozen=True)
class Guard:
    """One reason to hold a session back: `holds(session)`, the reason in words, and whether `allow` may lift it."""

    name: str
    holds: Callable
    reason: str
    liftable: bool = True


def _user_is(*names):
    return lambda session: (session.username or "").upper() in {name.upper() for name in names}


# The order is that of the reasons: the first one that holds is the one reported. docs/guards.md shows this table with
# the source of each row.
GUARDS = (
    Guard(
        "own",
        lambda session: session.own or session.module == TAG,
        "it is our own session, or another run of this collection",
        liftable=False,
    ),
    Guard(
        "background", lambda session: session.type != "user", "it is a background session of the server", liftable=False
    ),
    Guard(
        "system_users",
        lambda session: bool(session.oracle_maintained),
        "its user belongs to the database itself",
    ),
    Guard("no_username", lambda session: not session.username, "it has no user name"),
    Guard(
        "parallel_servers",
        lambda session: session.coordinator is not None,
        "it works for another session, its coordinator",
    ),
    Guard("replication", _user_is("__oceanbase_inner_drc_user"), "it feeds a replica"),
    Guard("monitoring", _user_is("ocp_monitor", "ocp"), "it belongs to the monitoring"),
)
# These two judge a session that is dying already, and the rule itself; `allow` lifts them like the others.
KILLED, UNFILTERED = "killed", "unfiltered"
LIFTABLE = (*(guard.name for guard in GUARDS if guard.liftable), KILLED, UNFILTERED)


@dataclass
class Guarded:
    """`passed`: sessions to plan for; `held`: the others, each as an Outcome."""

    passed: list = field(default_factory=list)
    held: list = field(default_factory=list)


def protected_by(session, rule):
    """The name and the reason of the guard that holds this session back, or None."""
    for guard in GUARDS:
        if guard.holds(session) and not (guard.liftable and guard.name in rule.allow):
            coordinator = f" {session.coordinator}" if guard.name == "parallel_servers" else ""
            return guard.name, guard.reason + coordinator
    for entry in rule.protect:
        if entry.fits(session):
            return "protect", f"protected by {entry}"
    return None


def mark_protected(snapshot, rule):
    """Writes into every session the name of the guard that would hold it back, if there is one."""
    for session in snapshot.sessions:
        held = protected_by(session, rule)
        session.protected_by = held[0] if held else KILLED if session.killed else None


def guard(selection, rule):
    """The Guarded of a Selection: every picked session either passes or is held back with its reason."""
    guarded = Guarded()
    for session in selection.picked:
        held = protected_by(session, rule) or _too_much_undo(session, rule)
        if held:
            guarded.held.append(Outcome(session).settle("refused", f"{held[0]}: {held[1]}"))
        elif session.killed and KILLED not in rule.allow:
            guarded.held.append(Outcome(session, reason="already killed; waited for, not sent again"))
        else:
            guarded.passed.append(session)
    return guarded


def _too_much_undo(session, rule):
    records = (session.transaction or {}).get("undo_records")
    if rule.max_rollback_records is not None and records is not None and records > rule.max_rollback_records:
        return (
            "max_rollback_records",
            f"it would roll back {records} undo records, more than {rule.max_rollback_records}",
        )
    return None


def refusal(snapshot, rule, count):
    """Why the whole run is refused, `count` being the sessions that a statement would be sent for; or None."""
    if not rule.named and not rule.match.narrows() and UNFILTERED not in rule.allow:
        return BadOption(
            "match",
            "the rule does not narrow, so it could end every session; add a condition that some sessions fail, such as username or idle, "
            "or set allow: [unfiltered].",
        )
    if count > rule.max_sessions:
        return BadOption(
            "max_sessions",
            f"the rule picks {count} sessions, more than the {rule.max_sessions} allowed in a run; narrow it, or raise max_sessions.",
        )
    users = sum(1 for session in snapshot.sessions if session.type == "user")
    if rule.max_percent is not None and count * 100 > rule.max_percent * users:
        return BadOption(
            "max_percent",
            f"the rule picks {count} of {users} user sessions, more than {rule.max_percent} percent; narrow it, or raise max_percent.",
        )
    return None
