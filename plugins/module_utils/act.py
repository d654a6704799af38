# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Sends the planned statements, batch by batch, each session looked at again right before its turn."""

from __future__ import annotations

import time
from collections import defaultdict

from .dialect.base import GONE, MARKED, PRIVILEGE, REFUSED, UNKNOWN
from .errors import CallTimedOut, ConnectionLost, DatabaseError, ServerRestarted
from .plan import CANCEL
from .select import ambiguous_ids, changed_since

# Sessions per batch. Where a batch is looked at and then sent, this is also the window in which a session may change
# unseen: the larger, the faster, and the riskier.
BATCH = 50
# What a call that waits is given beyond the server's own limit, in seconds.
_GRACE_SECONDS = 10.0
# The least that a call of several that wait is given, in seconds.
_SHORTEST_SECONDS = 1.0


def act(database, steps, rule, way, deadline):
    """Brings every step as far as a statement can: settled, or sent and left for verify to judge.

    `deadline` is the moment, on the monotonic clock, after which only a first statement is sent.
    """
    todo = [step for step in steps if not step.outcome]
    try:
        if way.waits:
            _one_by_one(database, todo, rule, way, deadline)
            return
        together = defaultdict(list)
        for step in todo:
            instance = database.dialect.instance_for(way, step.session)
            together[instance, step.session.identity in rule.under_way].append(step)
        for (instance, _under_way), group in together.items():
            _in_batches(database, group, rule, instance, deadline)
    except ServerRestarted as error:
        lost_to_restart(todo, error)
    except DatabaseError as error:
        abandon(todo, "failed", error)


def _in_batches(database, steps, rule, instance, deadline):
    for start in range(0, len(steps), BATCH):
        batch = steps[start : start + BATCH]
        if start and time.monotonic() > deadline:
            _too_late(batch)
            continue
        _dispatch(database, batch, rule, deadline, instance)


def _one_by_one(database, steps, rule, way, deadline):
    """For statements whose answer the server holds back: each gets its share of the time, not one of them all of it."""
    longest = way.waits + _GRACE_SECONDS
    for index, step in enumerate(steps):
        left = deadline - time.monotonic()
        if index and left <= 0:
            _too_late([step])
            continue
        alone = len(steps) == 1 or way.server_timeout is not None
        share = longest if alone else min(longest, max(_SHORTEST_SECONDS, left / (len(steps) - index)))
        _dispatch(database, [step], rule, deadline, seconds=share)


def _dispatch(database, batch, rule, deadline, instance=None, seconds=None):
    """Deals with each of these steps; whoever has to wait for its turn is looked at again before it comes."""
    left = _send(database, _ready(database, batch, rule), rule, instance, seconds)
    while left and time.monotonic() <= deadline:
        left = _send(database, _ready(database, left, rule), rule, instance, seconds)
    _too_late([step for step in left if not step.sent])
    # What is open and was not sent is what the server said it does not know.
    _look_for_denied(database, [step for step in batch if not (step.outcome or step.sent)])


def _too_late(steps):
    for step in steps:
        step.settle(
            "failed", "its statement was not sent, because wait_timeout was over before its turn came; raise it"
        )


def _ready(database, steps, rule):
    """The steps to send now: all of them where the statements look for themselves, else those that still fit."""
    again = any(step.unanswered for step in steps)
    matching, sparing = rule.matching(steps[0].session), rule.sparing()
    return _still_fitting(database, steps, rule) if again or database.dialect.looks_first(matching, sparing) else steps


def _still_fitting(database, steps, rule):
    """The steps whose session is the one that was matched, and still does what it was matched for."""
    keys = rule.keys() | ({"sql_id"} if steps[0].verb == CANCEL else set())
    present = database.look_up([step.session.sid for step in steps], keys)
    ambiguous = ambiguous_ids(present.values())
    ready = []
    for step in steps:
        now = present.get(step.session.identity)
        if now is None:
            _vanished(step)
            continue
        reason = changed_since(rule, step.session, now, cancelling=step.verb == CANCEL)
        reason = reason or ambiguous.get(now.place)
        if reason is None:
            ready.append(step)
        elif step.unanswered and (now.killed or step.verb == CANCEL):
            # Our own statement may have done that; verify looks on.
            step.reason = reason
        elif step.unanswered:
            step.settle("skipped", f"{reason}; the connection was lost before its first statement was answered")
        elif step.verb == CANCEL and now.execution != step.session.execution:
            step.settle("unchanged", reason)
        else:
            step.settle("skipped", reason)
    return ready


def _vanished(step):
    # Where its statement may have been carried out, verify looks on.
    if not step.sent:
        step.settle("gone", "no such session any more when its turn came")


def _send(database, steps, rule, instance=None, seconds=None):
    """Sends the statements in one go; returns the steps to look at again, as their turn has not come or the answer was lost."""
    if not steps:
        return []
    for step in steps:
        step.sent = True
    try:
        matching = rule.matching(steps[0].session) | ({"sql_id"} if steps[0].verb == CANCEL else set())
        answers = database.send(steps, matching, rule.sparing(), instance, seconds)
    except ConnectionLost as error:
        for step in steps[: error.reached]:
            step.unanswered = True
        for step in steps:
            step.sent = step.unanswered
        if seconds and isinstance(error, CallTimedOut):
            # It was told to end, and has had its share of the time: verify looks on.
            return []
        database.recover(error)
        return steps
    for step, answer in zip(steps, answers):
        if answer.held:
            _held(step, answer)
        elif answer.code is not None:
            _refused(step, answer, database.dialect)
    behind = steps[len(answers) :]
    for step in behind:
        step.sent = step.unanswered
    return behind


def _held(step, answer):
    """The server looked and found that the session is not what it was."""
    step.sent = step.unanswered
    if answer.held == "gone":
        _vanished(step)
    elif answer.held == "killed" and step.unanswered:
        # Our own first statement may have done that; verify looks on.
        step.reason = answer.reason
    elif step.verb == CANCEL and answer.held == "another":
        step.settle("unchanged", answer.reason)
    else:
        step.settle("skipped", f"it changed before its turn came: {answer.reason}")


def _refused(step, answer, dialect):
    """The server's answer to one statement, by its class; no such session is left open, to be looked at again."""
    kind = dialect.classify(answer.code)
    step.sent = step.unanswered or kind in (UNKNOWN, MARKED)
    if kind == MARKED:
        return
    step.error = {"code": answer.code, "message": answer.message}
    told = answer.message + (f"; {dialect.advice[answer.code]}" if answer.code in dialect.advice else "")
    if kind == REFUSED:
        step.settle("refused", f"the server refuses it: {told}")
    elif kind == PRIVILEGE:
        step.settle("failed", f"missing privilege: {told}")
    elif kind not in (GONE, UNKNOWN):
        step.settle("failed", f"the server answered: {told}")


def _look_for_denied(database, steps):
    """Whether the sessions that the server says it does not know are really gone: a proxy has ids of its own."""
    if not steps:
        return
    present = database.look_up([step.session.sid for step in steps], frozenset())
    for step in steps:
        now = present.get(step.session.identity)
        if now is None:
            step.settle("gone", "no such session any more when its turn came")
        elif not now.killed:
            step.settle("failed", database.dialect.unknown_although_listed)


def lost_to_restart(steps, error):
    """The sessions of a server that was restarted are gone; of those on another one nothing is known."""
    abandon([step for step in steps if not error.ended(step.session)], "failed", error)
    abandon(steps, "gone", error)


def abandon(steps, outcome, error):
    """Accounts for every step that is still open after an error which ends the run."""
    for step in steps:
        if not step.outcome:
            sent = (
                "its statement was sent, but its end could not be seen" if step.sent else "its statement was not sent"
            )
            step.settle(outcome, f"{error.message}; {sent}")
