# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The steps, in their order: snapshot, select, guard, plan, act, verify, result."""

from __future__ import annotations

import time
from dataclasses import replace

from .act import act
from .blocking import chain
from .errors import InstanceOutOfReach
from .guard import guard, mark_protected, refusal
from .plan import plan
from .result import listing, report
from .select import select
from .values import BadOption
from .verify import as_seen, doubt_gone, verify, watch_rollbacks

# The match keys that a whole row needs beyond those of the rule.
_WHOLE_ROW = frozenset({"transaction_age", "blocking"})


def end_sessions(database, rule, way, waiting, check_mode=False, whole_rows=False):
    """Ends what the rule picks; in check mode everything but the statements happens."""
    database.dialect.check(way)
    snapshot = database.snapshot(rule.keys() | (_WHOLE_ROW if whole_rows else set()))
    if whole_rows:
        mark_protected(snapshot, rule)
    selection, steps, outcomes, refused = intend(snapshot, rule, way, database.dialect)
    _refuse_out_of_reach(database, steps, way)
    if check_mode or refused:
        as_planned(steps, refused)
        as_seen(outcomes, way, database.dialect, snapshot.unavailable)
        doubt_gone(database, outcomes)
    else:
        began = time.monotonic()
        act(database, steps, rule, way, began + waiting.timeout)
        verify(database, outcomes, waiting, way, began)
    found = report(snapshot, selection, outcomes, way.verb, refused)
    if check_mode and any(step.statement for step in steps):
        found.warnings += database.dialect.doubts(way, [step.session for step in steps if step.statement])
    return found


def plan_sessions(snapshot, rule, way, dialect):
    """What end_sessions would do on this snapshot, without a database."""
    dialect.check(way)
    selection, steps, outcomes, refused = intend(snapshot, rule, way, dialect)
    if refused:
        raise refused
    as_planned(steps)
    as_seen(outcomes, way, dialect, snapshot.unavailable)
    return report(snapshot, selection, outcomes, way.verb)


def intend(snapshot, rule, way, dialect):
    """Select, guard and plan: the Selection, the steps to send, all outcomes with them, and why nothing may be sent."""
    selection = select(snapshot, rule)
    for each in selection.settled:
        misread = dialect.misreads(each.session.sid) if each.outcome == "gone" else None
        if misread:
            each.settle("failed", f"sid: {each.session.sid} {misread}")
    guarded = guard(selection, rule, snapshot.unavailable)
    steps = plan(guarded.passed, way, dialect)
    refused = refusal(snapshot, rule, sum(1 for step in steps if step.statement))
    return selection, steps, selection.settled + guarded.held + steps, refused


def _refuse_out_of_reach(database, steps, way):
    """Settles the steps whose statement must be sent on an instance that our login does not lead to."""
    for step in steps:
        instance = None if step.outcome else database.dialect.instance_for(way, step.session)
        if instance is not None:
            try:
                database.reach(instance)
            except InstanceOutOfReach as error:
                step.statement = None
                step.settle("refused", f"{error.message}; a disconnect must be sent on the session's own instance")


def list_sessions(database, rule, include=(), explain=False):
    """The sessions that the rule fits, with what protects each of them; a result and its warnings."""
    recovering = database.recovering() if "recovery" in include else None
    snapshot = database.snapshot(rule.keys() | _WHOLE_ROW | ({"sql_text"} & set(include)))
    if "rollback" in include and "undo_records" in snapshot.unavailable:
        raise BadOption(
            "include", f"rollback cannot be seen here ({snapshot.unavailable['undo_records']}); leave it out."
        )
    mark_protected(snapshot, rule)
    selection = select(snapshot, rule, listing=True)
    rollbacks = watch_rollbacks(database, selection.picked) if "rollback" in include else None
    chains = (
        {id(session): chain(session, snapshot.sessions) for session in selection.picked}
        if "blockers" in include
        else None
    )
    found = listing(snapshot, selection, rule, chains, explain, rollbacks)
    if recovering is not None:
        found["recovering"] = recovering
    return found, selection.warnings


def as_planned(steps, refused=None):
    """Settles the steps that were not carried out."""
    for step in steps:
        if step.outcome:
            continue
        if refused:
            step.statement = None
            step.settle("refused", str(refused))
        else:
            step.settle("planned", "would be sent")


def fit_to_dialect(rule, dialect):
    """The rule as this dialect can take it, and what has to be said about that; refuses ids that it would misread."""
    wanted, warnings = [], []
    for each in rule.wanted:
        if each.sid > dialect.largest_sid:
            raise BadOption(
                "sid",
                f"{each.sid} is no session id here, the largest is {dialect.largest_sid}; copy the id from session_info.",
            )
        if each.inst_id is not None and not dialect.has_instances:
            raise BadOption(
                "inst_id",
                f"{dialect.name} has no instance numbers, its session ids are unique in the whole cluster; leave it out.",
            )
        if each.serial is None and dialect.has_serial:
            raise BadOption(
                "serial",
                "it is missing: Oracle Database gives a sid to the next session as soon as it is free, and the serial# tells them "
                "apart; copy both from session_info.",
            )
        if each.serial is not None and not dialect.has_serial:
            warnings.append(
                f"serial {each.serial} was dropped: {dialect.name} has no serial#; the session is known by its client's address and port."
            )
            each = replace(each, serial=None)
        wanted.append(each)
    return replace(rule, wanted=tuple(wanted)), warnings
