# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks at a session decide: the pure part of verify, without a database and without waiting."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import oracle, oracle_running, oracle_session, running, session

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, DISCONNECT, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.verify import (
    Rollback,
    Waiting,
    as_seen,
    doubt_gone,
    parse_waiting,
    verify,
)

ROLLING = {"age_seconds": 9.0, "undo_records": 500}

# --- rollback


def looks(*found: tuple[float, int | None]) -> dict[str, Any] | None:
    rollback = Rollback()
    for seconds, records in found:
        rollback.add(seconds, records)
    return rollback.told()


@pytest.mark.parametrize(
    ("found", "records", "per_second", "eta"),
    [
        # One look tells what is left, and nothing of the time.
        ([(0.0, 500)], 500, None, None),
        ([(0.0, 0)], 0, None, None),
        # The first and the last look tell the rate.
        ([(0.0, 500), (10.0, 400)], 400, 10.0, 40.0),
        ([(0.0, 500), (1.0, 499), (10.0, 400)], 400, 10.0, 40.0),
        ([(2.0, 500), (12.0, 0)], 0, 50.0, 0.0),
        ([(0.0, 3), (10.0, 2)], 2, 0.1, 20.0),
        # No progress, or still growing: no time can be told.
        ([(0.0, 500), (10.0, 500)], 500, 0.0, None),
        ([(0.0, 500), (10.0, 600)], 600, -10.0, None),
        # Two looks at one moment.
        ([(5.0, 500), (5.0, 400)], 400, None, None),
        # A look that could not tell is none.
        ([(0.0, None), (1.0, 500), (2.0, None), (11.0, 400)], 400, 10.0, 40.0),
    ],
)
def test_rate_and_time_left(
    found: list[tuple[float, int | None]], records: int, per_second: float | None, eta: float | None
) -> None:
    assert looks(*found) == {"records": records, "per_second": per_second, "eta_seconds": eta}


def test_without_a_look_that_tells_nothing_is_told() -> None:
    assert looks() is None
    assert looks((0.0, None), (1.0, None)) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.none() | st.integers(0, 10**12)), max_size=6))
def test_a_time_left_is_told_only_of_a_rollback_that_goes_on(found: list[tuple[float, int | None]]) -> None:
    found.sort(key=lambda each: each[0])
    told = looks(*found)
    counted = [(seconds, records) for seconds, records in found if records is not None]
    assert (told is None) is (not counted)
    if told is None:
        return
    assert told["records"] == counted[-1][1]
    if told["eta_seconds"] is not None:
        assert counted[-1][1] < counted[0][1] and counted[-1][0] > counted[0][0]
        assert told["eta_seconds"] >= 0 and told["per_second"] >= 0


# --- one look


def seen(one: Session, way: Way, sent: bool = False, **kind: Any) -> Outcome:
    """The outcome that one look at this session leaves, the last one: check mode and the deadline are alike."""
    outcome = Outcome(one, verb=way.verb, sent=sent)
    as_seen([outcome], way, kind.get("dialect") or oracle(), {})
    assert outcome.outcome and outcome.reason
    return outcome


def test_a_killed_session_with_a_transaction_rolls_back_whatever_the_trend() -> None:
    for records in (500, 0, None):
        one = oracle_session(status="killed", transaction={"age_seconds": 9.0, "undo_records": records})
        for sent in (False, True):
            found = seen(one, Way(KILL), sent)
            assert (found.outcome, found.reason) == ("rolling_back", "killed, and still rolling back after 0.0 s")


def test_a_killed_session_without_a_transaction_is_still_there_on_oracle_and_over_on_oceanbase() -> None:
    found = seen(oracle_session(status="killed"), Way(KILL))
    assert found.outcome == "pending"
    assert found.reason == "still there 0.0 s after we began to look; it was killed earlier"
    found = seen(oracle_session(status="killed"), Way(KILL), sent=True)
    assert (found.outcome, found.reason) == ("pending", "still there 0.0 s after the statement")
    found = seen(session(status="killed"), Way(KILL), dialect=OceanBaseMySQL())
    assert (found.outcome, found.waited_seconds) == ("gone", 0.0)
    assert seen(session(status="killed"), Way(KILL), sent=True, dialect=OceanBaseMySQL()).outcome == "ended"


def test_a_disconnect_that_waits_for_the_transaction_is_marked() -> None:
    way = Way(DISCONNECT, post_transaction=True, immediate=False)
    within = oracle_session(transaction=ROLLING)
    found = seen(within, way, sent=True)
    assert (found.outcome, found.reason) == ("pending", "marked; it will be disconnected when its transaction ends")
    assert seen(oracle_session(), way, sent=True).reason == "still there 0.0 s after the statement"
    assert seen(within, Way(DISCONNECT), sent=True).reason == "still there 0.0 s after the statement"
    assert seen(oracle_session(status="killed", transaction=ROLLING), way, sent=True).outcome == "rolling_back"


def test_a_cancel_is_about_the_execution() -> None:
    for one, dialect in ((running(), OceanBaseMySQL()), (oracle_running(), oracle())):
        found = seen(one, Way(CANCEL), sent=True, dialect=dialect)
        assert (found.outcome, found.reason) == ("pending", "the statement still runs 0.0 s after it was cancelled")


def test_what_is_settled_stays_so() -> None:
    outcome = Outcome(oracle_session(status="killed"), verb=KILL).settle("refused", "because")
    as_seen([outcome], Way(KILL), oracle(), {})
    assert (outcome.outcome, outcome.reason) == ("refused", "because")


# --- killed sessions that the server does not list any more


class Hiding:
    """A database that lists these sessions; of those that it does not list, ``rolling`` still have a transaction.

    With each look one of the lists in ``rolling`` is used up, the last one stays.
    """

    def __init__(self, *listed: Session, rolling: list[set[int]], unseen: str | None = None) -> None:
        self.dialect = OceanBaseMySQL()
        self.unavailable: dict[str, str] = {}
        self.listed = listed
        self.rolling = rolling
        self.unseen = unseen
        self.asked: list[list[int]] = []

    def look_up(self, sids: list[int], _keys: Any) -> dict[tuple[Any, ...], Session]:
        return {each.identity: each for each in self.listed if each.sid in sids}

    def rolling_back(self, sids: list[int]) -> tuple[set[int], str | None]:
        self.asked.append(sids)
        now = self.rolling.pop(0) if len(self.rolling) > 1 else self.rolling[0]
        return now & set(sids), self.unseen


def verified(database: Hiding, *outcomes: Outcome, wait: bool = True) -> list[tuple[str, str]]:
    verify(database, list(outcomes), Waiting(wait, 0.2, 0.01), Way(KILL), time.monotonic())
    return [(each.outcome, each.reason) for each in outcomes]


def sent(sid: int) -> Outcome:
    return Outcome(session(sid), KILL, f"KILL {sid}", sent=True)


def test_a_session_that_is_hidden_while_it_rolls_back_has_not_ended() -> None:
    (other, rolling) = verified(Hiding(rolling=[{31}]), sent(30), sent(31))
    assert other == ("ended", "seen gone")
    assert rolling[0] == "rolling_back"
    assert rolling[1].startswith("killed, not listed any more, and still rolling back after 0.")


def test_it_has_ended_when_its_transaction_is_over() -> None:
    database = Hiding(rolling=[{30}, {30}, set()])
    assert verified(database, sent(30)) == [("ended", "seen gone")]
    assert database.asked == [[30]] * 3


@pytest.mark.parametrize("wait", [True, False])
def test_what_counts_as_gone_is_looked_for_among_the_hidden(wait: bool) -> None:
    gone = [Outcome(session(sid)).settle("gone", "no such session when looked at") for sid in (30, 31)]
    (other, rolling) = verified(Hiding(rolling=[{31}]), *gone, wait=wait)
    assert other == ("gone", "no such session when looked at")
    assert rolling[0] == "rolling_back" and rolling[1].startswith("killed, not listed any more, and still rolling")
    earlier = Outcome(session(31)).settle("gone", "no such session when looked at")
    if wait:
        assert verified(Hiding(rolling=[{31}, {31}, set()]), earlier) == [("gone", "killed earlier: seen gone")]


def test_a_transaction_of_whoever_has_the_id_now_is_not_that_of_the_session_that_is_gone() -> None:
    another = session(30, client_port=1, transaction={"age_seconds": 1.0, "undo_records": None})
    gone = Outcome(session(30)).settle("gone", "its sid now belongs to another")
    database = Hiding(another, rolling=[{30}])
    assert verified(database, sent(30), gone) == [("ended", "seen gone"), ("gone", "its sid now belongs to another")]
    assert database.asked == []
    # Without one, it can only be that of the session that was killed.
    database = Hiding(session(30, client_port=1), rolling=[{30}])
    assert [outcome for outcome, _reason in verified(database, sent(30))] == ["rolling_back"]


def test_what_is_listed_as_killed_without_its_transaction_may_have_it_all_the_same() -> None:
    dying = session(30, status="killed")
    assert verified(Hiding(dying, rolling=[{30}]), sent(30))[0][0] == "rolling_back"
    assert verified(Hiding(dying, rolling=[set()]), sent(30))[0][0] == "ended"


def test_where_rollbacks_cannot_be_seen_that_is_said() -> None:
    unseen = "missing privilege: GRANT SELECT ON v TO the login user"
    database = Hiding(rolling=[set()], unseen=unseen)
    gone = Outcome(session(31)).settle("gone", "no such session when looked at")
    assert verified(database, sent(30), gone) == [
        ("ended", f"seen gone; whether it still rolls back cannot be seen ({unseen})"),
        ("gone", f"no such session when looked at; whether it still rolls back cannot be seen ({unseen})"),
    ]


def test_check_mode_says_what_still_rolls_back() -> None:
    gone = [Outcome(session(sid)).settle("gone", "no such session when looked at") for sid in (30, 31)]
    assert doubt_gone(Hiding(rolling=[{31}]), gone) == [gone[1]]
    assert [each.outcome for each in gone] == ["gone", "rolling_back"]


# --- the options


def test_waiting() -> None:
    options = {"wait": False, "wait_timeout": "2m", "wait_interval": "0.5"}
    assert parse_waiting(options) == Waiting(False, 120.0, 0.5)
    for name, value, cure in (
        ("wait_interval", 0, "it must be longer than 0 s"),
        ("wait_interval", True, "such as 90, 15m or 2h"),
        ("wait_timeout", "soon", "such as 90, 15m or 2h"),
        ("wait_timeout", -1, "such as 90, 15m or 2h"),
    ):
        with pytest.raises(BadOption) as error:
            parse_waiting({**options, name: value})
        assert error.value.option == name and cure in str(error.value)
    assert parse_waiting({**options, "wait_timeout": 0}).timeout == 0.0
