# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Sends the planned statements, batch by batch, each session looked at again right before its turn."""

from __future__ import annotations

from .dialect.base import GONE, PRIVILEGE, REFUSED, UNKNOWN
from .errors import DatabaseError, ServerRestarted
from .plan import CANCEL
from .select import changed_since

# Sessions per batch. A batch is looked at and sent at once, so this is also the window in which a session may change
# unseen: the larger, the faster, and the riskier.
BATCH = 50


def act(database, steps, rule):
    """Brings every step as far as a statement can: settled, or sent and left for verify to judge."""
    todo = [step for step in steps if not step.outcome]
    try:
        for start in range(0, len(todo), BATCH):
            _batch(database, todo[start : start + BATCH], rule)
    except ServerRestarted as error:
        abandon(todo, "gone", error)
    except DatabaseError as error:
        abandon(todo, "failed", error)


def _batch(database, steps, rule):
    """Looks, sends, and again for those whose fate a lost connection left open."""
    while steps:
        ready = _still_fitting(database, steps, rule)
        steps = _send(database, ready)


def _still_fitting(database, steps, rule):
    """The steps whose session is the one that was matched, and still does what it was matched for."""
    keys = rule.keys() | ({"sql_id"} if steps[0].verb == CANCEL else set())
    present = database.look_up([step.session.sid for step in steps], keys)
    ready = []
    for step in steps:
        now = present.get(step.session.identity)
        if now is None:
            _vanished(step)
            continue
        reason = changed_since(rule, step.session, now, cancelling=step.verb == CANCEL)
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
    if step.sent:
        step.settle("ended", "seen gone after the statement was sent")
    else:
        step.settle("gone", "no such session any more when its turn came")


def _send(database, steps):
    """Sends the statements in one go; returns the steps to look at again after a lost connection."""
    denied = []
    while steps:
        for step in steps:
            step.sent = True
        try:
            done, error = database.send([step.statement for step in steps])
        except DatabaseError:
            for step in steps:
                step.unanswered = True
            database.reconnect()
            break
        # The server stops at the first error; what stands behind it was not carried out, and goes again without it.
        for step in steps[done + 1 :]:
            step.sent = step.unanswered
        if error is not None:
            denied.append(steps[done])
            _refused(steps[done], error, database.dialect)
        steps = steps[done + 1 :]
    _look_for_denied(database, [step for step in denied if not step.outcome and not step.sent])
    return steps


def _refused(step, error, dialect):
    """The server's answer to one statement, by its class; no such session is left open, to be looked at again."""
    step.error = {"code": error.code, "message": error.message}
    kind = dialect.classify(error.code)
    step.sent = step.unanswered or kind == UNKNOWN
    if kind == REFUSED:
        step.settle("refused", f"the server refuses it: {error.message}")
    elif kind == PRIVILEGE:
        step.settle("failed", f"missing privilege: {error.message}")
    elif kind not in (GONE, UNKNOWN):
        step.settle("failed", f"the server answered: {error.message}")


def _look_for_denied(database, steps):
    """Whether the sessions that the server says it does not know are really gone: a proxy has ids of its own."""
    if not steps:
        return
    present = database.look_up([step.session.sid for step in steps], frozenset())
    for step in steps:
        if step.session.identity in present:
            step.settle(
                "failed",
                "the server lists it, but does not know its id; log in to the server directly, not through a proxy",
            )
        else:
            step.settle("gone", "no such session any more when its turn came")


def abandon(steps, outcome, error):
    """Accounts for every step that is still open after an error which ends the run."""
    for step in steps:
        if not step.outcome:
            sent = (
                "its statement was sent, but its end could not be seen" if step.sent else "its statement was not sent"
            )
            step.settle(outcome, f"{error.message}; {sent}")
