# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Looks until the sessions are gone or the time is up. What the server shows decides, not what it replied."""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import values
from .act import abandon, lost_to_restart
from .errors import DatabaseError, ServerRestarted
from .plan import CANCEL
from .session import progress
from .values import BadOption

# How fast the pause between two looks grows, and the longest one in seconds.
_GROWTH, _LONGEST = 1.5, 5.0
# The match keys that tell whether a killed session has still something to roll back, and whether a statement still runs.
_WATCHED = frozenset({"in_transaction", "sql_id"})
# The pause between two looks at a rollback, in seconds.
_BETWEEN_LOOKS = 2.0
# What a dialect that cannot see transactions says of them; without it, "nothing to roll back" would be a guess.
_EVIDENCE = "in_transaction"


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


def verify(database, outcomes, waiting, way, began):
    """Settles every outcome that is still open: ended or gone, or at the deadline rolling_back or pending.

    `began` is the moment of the first statement, on the monotonic clock; without waiting there is one look only.
    """
    deadline = began + waiting.timeout
    pause = waiting.interval
    rollbacks: dict[int, Rollback] = {}
    try:
        for each in doubt_gone(database, outcomes):
            each.outcome = ""
        while True:
            left = [each for each in outcomes if not each.outcome]
            if not left:
                return
            present = database.look_up([each.session.sid for each in left], _WATCHED)
            unseen = database.unavailable.get(_EVIDENCE)
            hidden, doubt = _hidden(database, left, present)
            waited = time.monotonic() - began
            for each in left:
                now = present.get(each.session.identity)
                if each.session.sid in hidden:
                    continue
                if now is None:
                    _over(each, f"seen gone{doubt}", waited)
                    continue
                _judge(each, now, waited, database.dialect.killed_is_ended and not unseen)
                if not each.outcome and now.killed and now.transaction:
                    rollbacks.setdefault(id(each), Rollback()).add(waited, now.transaction["undo_records"])
            left = [each for each in left if not each.outcome]
            if not left:
                return
            remaining = deadline - time.monotonic() if waiting.wait else 0.0
            if remaining <= 0:
                for each in left:
                    now = present.get(each.session.identity)
                    if each.session.sid in hidden:
                        _still_hidden(each, waited)
                    else:
                        _still_there(each, now, waited, way, rollbacks.get(id(each)), unseen)
                return
            time.sleep(min(pause, remaining))
            pause = min(pause * _GROWTH, _LONGEST)
    except ServerRestarted as error:
        lost_to_restart(outcomes, error)
    except DatabaseError as error:
        abandon(outcomes, "failed", error)


class Rollback:
    """How a rollback goes on, from the undo records left at its first and at its last look."""

    def __init__(self):
        self._looks = []

    def add(self, seconds, records):
        if records is not None:
            self._looks = [*self._looks[:1], (seconds, records)]

    def told(self):
        """The result's dictionary; the rate and the time left are None until two looks tell them."""
        if not self._looks:
            return None
        (first, before), (last, records) = self._looks[0], self._looks[-1]
        rate = (before - records) / (last - first) if last > first else 0.0
        return {
            "records": records,
            "per_second": round(rate, 1) if last > first else None,
            "eta_seconds": round(records / rate, 1) if rate > 0 else None,
        }


def watch_rollbacks(database, sessions):
    """What the killed ones among these sessions still have to roll back, by their identities: two looks tell the rate."""
    rolling = [session for session in sessions if session.killed and session.transaction]
    rollbacks = {session.identity: Rollback() for session in rolling}
    for look in range(2 if rolling else 0):
        if look:
            time.sleep(_BETWEEN_LOOKS)
        present = database.look_up([session.sid for session in rolling], _WATCHED)
        now = time.monotonic()
        for session in rolling:
            seen = present.get(session.identity)
            rollbacks[session.identity].add(now, (seen.transaction or {}).get("undo_records", 0) if seen else 0)
    return {identity: rollback.told() for identity, rollback in rollbacks.items()}


def _judge(outcome, now, waited, killed_is_ended):
    """Settles what one look decides; `killed_is_ended` says that a killed session without a transaction is over."""
    if outcome.verb == CANCEL and outcome.sent:
        _judge_cancelled(outcome, now, waited)
    elif now.killed and now.transaction is None and killed_is_ended:
        _over(outcome, "killed, its transaction is over; the server lists it a little longer", waited)


def _judge_cancelled(outcome, now, waited):
    if now.execution != outcome.session.execution:
        outcome.settle("ended", "the statement runs no more; the session lives on")
        outcome.waited_seconds = round(waited, 3)


def _over(outcome, reason, waited):
    outcome.settle("ended" if outcome.sent else "gone", reason if outcome.sent else f"killed earlier: {reason}")
    outcome.waited_seconds = round(waited, 3)


def _hidden(database, outcomes, present):
    """The ids of those sessions that still roll back although the list has nothing of that; what must be said where nobody can
    see it.
    """
    if not database.dialect.hides_killed:
        return frozenset(), ""
    # An id that somebody else has by now may have that one's transaction.
    taken = {session.sid for session in present.values() if session.transaction}
    asked = [each.session.sid for each in outcomes if each.session.sid not in taken and not _lives(each, present)]
    if not asked:
        return frozenset(), ""
    rolling, unseen = database.rolling_back(asked)
    return rolling, f"; whether it still rolls back cannot be seen ({unseen})" if unseen else ""


def _lives(outcome, present):
    now = present.get(outcome.session.identity)
    return now is not None and not now.killed


def doubt_gone(database, outcomes):
    """Those that count as gone and are not: the server does not list them any more, but they still roll back."""
    gone = [each for each in outcomes if each.outcome == "gone"]
    if not (gone and database.dialect.hides_killed):
        return []
    hidden, doubt = _hidden(database, gone, database.look_up([each.session.sid for each in gone], _WATCHED))
    for each in gone:
        each.reason += doubt
    doubtful = [each for each in gone if each.session.sid in hidden]
    for each in doubtful:
        _still_hidden(each)
    return doubtful


def _still_hidden(outcome, waited=0.0):
    outcome.waited_seconds = round(waited, 3)
    outcome.settle("rolling_back", f"killed, not listed any more, and still rolling back after {waited:.1f} s")


def _still_there(outcome, now, waited, way, rollback=None, unseen=None):
    outcome.waited_seconds = round(waited, 3)
    if now.killed and now.transaction is not None:
        outcome.rollback = rollback.told() if rollback else None
        outcome.settle(
            "rolling_back", f"killed, and still rolling back after {waited:.1f} s{progress(outcome.rollback)}"
        )
    elif outcome.verb == CANCEL and outcome.sent:
        outcome.settle("pending", f"the statement still runs {waited:.1f} s after it was cancelled")
    elif way.post_transaction and outcome.sent and not now.killed and now.transaction is not None:
        outcome.settle("pending", "marked; it will be disconnected when its transaction ends")
    else:
        since = "the statement" if outcome.sent else "we began to look; it was killed earlier"
        doubt = f"; whether it rolls back cannot be seen ({unseen})" if unseen else ""
        outcome.settle("pending", f"still there {waited:.1f} s after {since}{doubt}")


def as_seen(outcomes, way, dialect, unavailable):
    """Settles what is still open by the snapshot alone: check mode looks no further."""
    unseen = unavailable.get(_EVIDENCE)
    for each in outcomes:
        if not each.outcome:
            _judge(each, each.session, 0.0, dialect.killed_is_ended and not unseen)
        if not each.outcome:
            _still_there(each, each.session, 0.0, way, unseen=unseen)
