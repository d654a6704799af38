# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Looks until the sessions are gone or the time is up. What the server shows decides, not what it replied."""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import values
from .act import abandon
from .errors import DatabaseError, ServerRestarted
from .plan import CANCEL
from .values import BadOption

# How fast the pause between two looks grows, and the longest one in seconds.
_GROWTH, _LONGEST = 1.5, 5.0
# The match keys that tell whether a killed session has still something to roll back, and whether a statement still runs.
_WATCHED = frozenset({"in_transaction", "sql_id"})


@dataclass(frozen=True)
class Waiting:
    """`wait`: look more than once; the time limit and the first pause, in seconds."""

    wait: bool
    timeout: float
    interval: float


def parse_waiting(options):
    """The Waiting of a module's options."""
    interval = values.seconds(options["wait_interval"], "wait_interval")
    if interval <= 0:
        raise BadOption("wait_interval", "it must be longer than 0 s, or the looks would be a load of their own.")
    return Waiting(options["wait"], values.seconds(options["wait_timeout"], "wait_timeout"), interval)


def verify(database, outcomes, waiting):
    """Settles every outcome that is still open: ended or gone, or at the deadline rolling_back or pending."""
    started = time.monotonic()
    deadline = started + (waiting.timeout if waiting.wait else 0.0)
    pause = waiting.interval
    try:
        while True:
            left = [each for each in outcomes if not each.outcome]
            if not left:
                return
            present = database.look_up([each.session.sid for each in left], _WATCHED)
            waited = time.monotonic() - started
            for each in left:
                _judge(each, present.get(each.session.identity), waited, database.dialect)
            remaining = deadline - time.monotonic()
            left = [each for each in left if not each.outcome]
            if not left:
                return
            if remaining <= 0:
                for each in left:
                    _still_there(each, present[each.session.identity], waited)
                return
            time.sleep(min(pause, remaining))
            pause = min(pause * _GROWTH, _LONGEST)
    except ServerRestarted as error:
        abandon(outcomes, "gone", error)
    except DatabaseError as error:
        abandon(outcomes, "failed", error)


def _judge(outcome, now, waited, dialect):
    """Settles what one look decides."""
    if now is None:
        _over(outcome, "seen gone", waited)
    elif outcome.verb == CANCEL and outcome.sent:
        _judge_cancelled(outcome, now, waited)
    elif now.killed and now.transaction is None and dialect.killed_is_ended:
        _over(outcome, "killed, its transaction is over; the server lists it a little longer", waited)


def _judge_cancelled(outcome, now, waited):
    if now.execution != outcome.session.execution:
        outcome.settle("ended", "the statement runs no more; the session lives on")
        outcome.waited_seconds = round(waited, 3)


def _over(outcome, reason, waited):
    outcome.settle("ended" if outcome.sent else "gone", reason if outcome.sent else f"killed earlier: {reason}")
    outcome.waited_seconds = round(waited, 3)


def _still_there(outcome, now, waited):
    outcome.waited_seconds = round(waited, 3)
    if now.killed and now.transaction is not None:
        outcome.settle("rolling_back", f"killed, and still rolling back after {waited:.1f} s")
    elif outcome.verb == CANCEL and outcome.sent:
        outcome.settle("pending", f"the statement still runs {waited:.1f} s after it was cancelled")
    else:
        outcome.settle(
            "pending",
            f"still there {waited:.1f} s after {'the statement' if outcome.sent else 'we began to look; it was killed earlier'}",
        )


def as_seen(outcomes, dialect):
    """Settles what is still open by the snapshot alone: check mode looks no further."""
    for each in outcomes:
        if not each.outcome:
            _judge(each, each.session, 0.0, dialect)
        if not each.outcome:
            _still_there(each, each.session, 0.0)
