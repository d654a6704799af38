# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Which picked sessions must not be touched, and when the whole run must not happen. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable

from .session import Outcome
from .values import BadOption

# What our own sessions call themselves, so that two runs never end each other.
TAG = "dbops.oracle_sessions"


@dataclass(frozen=True)
class Guard:
    """One reason to hold a session back: `holds(session)`, the reason in words, and whether `allow` may lift it.

    `evidence` names what it must know of a session, in the words of a snapshot's `unavailable`.
    """

    name: str
    holds: Callable
    reason: str
    liftable: bool = True
    evidence: str | None = None


def _user_is(*names):
    return lambda session: (session.username or "").upper() in {name.upper() for name in names}


def _called(**patterns):
    """Whether one of these fields looks like that; what a client says of itself can only add protection."""
    compiled = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in patterns.items()}
    return lambda session: any(each.match(getattr(session, name) or "") for name, each in compiled.items())


def _any(*tests):
    return lambda session: any(test(session) for test in tests)


def _served_by(kind):
    return lambda session: (session.process or {}).get("kind") == kind


# The order is that of the reasons: the first one that holds is the one reported. docs/guards.md shows this table with
# the source of each row.
GUARDS = (
    Guard(
        "own",
        lambda session: session.own or TAG in (session.module, session.program),
        "it is our own session, or another run of this collection",
        liftable=False,
    ),
    Guard(
        "background",
        _any(
            lambda session: session.type != "user",
            _served_by("background"),
            # Dispatchers, shared servers and pooled servers have sessions of their own, beside those they serve.
            _called(program=r".*\((D|S|N|L)[0-9]{3}\)$"),
        ),
        "it is a background session of the server",
        liftable=False,
        evidence="process",
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
        evidence="coordinator",
    ),
    Guard(
        "job_slaves",
        _any(_served_by("job"), _called(program=r".*\(J[0-9A-Z]{3}\)$")),
        "it runs a job of the scheduler; stop the job with DBMS_SCHEDULER.STOP_JOB",
    ),
    Guard("xa", lambda session: session.status == "cached", "it is kept for a distributed transaction (XA)"),
    Guard(
        "replication",
        _any(
            _user_is("__oceanbase_inner_drc_user", "GGSYS", "GGADMIN", "C##GGADMIN", "XSTRMADMIN", "C##XSTRMADMIN"),
            _called(
                program=r"(extract|replicat)(@|\.exe)|.*\((AP|AS|CP|CS|LSP|MRP|PR|TT|TMON)[0-9A-Z]{0,3}\)$",
                module=r"(OGG|GoldenGate|XStream|Logminer|Streams)\b",
            ),
        ),
        "it feeds a replica",
    ),
    Guard(
        "backup",
        _called(program=r"rman(@|\.exe)", module=r"rman(@|\.exe)|(backup|restore|recover) "),
        "it makes or restores a backup",
    ),
    Guard(
        "datapump",
        _called(program=r".*\((DM|DW)[0-9A-Z]{2}\)$|(expdp|impdp|ude|udi)(@|\.exe)", module=r"Data Pump"),
        "it belongs to an export or import by Data Pump",
    ),
    Guard(
        "monitoring",
        _any(
            _user_is("ocp_monitor", "ocp", "DBSNMP"),
            _called(
                program=r"(emagent|OMS\b)",
                module=r"(emagent|OEM|Oracle Enterprise Manager|Realtime Connection)",
            ),
        ),
        "it belongs to the monitoring",
    ),
)
# These two judge a session that is dying already, and the rule itself; `allow` lifts them like the others.
KILLED, UNFILTERED = "killed", "unfiltered"
LIFTABLE = (*(guard.name for guard in GUARDS if guard.liftable), KILLED, UNFILTERED)


@dataclass
class Guarded:
    """`passed`: sessions to plan for; `held`: the others, each as an Outcome."""

    passed: list = field(default_factory=list)
    held: list = field(default_factory=list)


def protected_by(session, rule, unavailable=None):
    """The name and the reason of the guard that holds this session back, or any part of it; or None.

    A guard whose evidence is `unavailable` holds back everybody: what cannot be read is never taken for "none".
    """
    return next(filter(None, (_protected_by(part, rule, unavailable) for part in session.parts)), None)


def _protected_by(session, rule, unavailable):
    for guard in GUARDS:
        if guard.liftable and guard.name in rule.allow:
            continue
        if guard.holds(session):
            coordinator = session.coordinator if guard.name == "parallel_servers" else None
            return guard.name, guard.reason + (f" {_named(coordinator)}" if coordinator else "")
        if unavailable and guard.evidence in unavailable:
            return guard.name, f"whether it is one cannot be seen here ({unavailable[guard.evidence]})"
    for entry in rule.protect:
        if entry.fits(session):
            return "protect", f"protected by {entry}"
    return None


def _named(coordinator):
    instance = "" if coordinator["inst_id"] is None else f" on instance {coordinator['inst_id']}"
    return f"{coordinator['sid']}{instance}"


def mark_protected(snapshot, rule):
    """Writes into every session the name of the guard that would hold it back, if there is one."""
    for session in snapshot.sessions:
        held = protected_by(session, rule, snapshot.unavailable)
        session.protected_by = held[0] if held else KILLED if session.killed else None


def guard(selection, rule, unavailable):
    """The Guarded of a Selection: every picked session either passes or is held back with its reason."""
    guarded = Guarded()
    for session in selection.picked:
        held = protected_by(session, rule, unavailable) or _too_much_undo(session, rule)
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
