# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a step by what the server answers, and which sessions are asked which questions in one go.

The database is a stand-in of a few lines: it lists sessions and hands out answers that were laid ready. How a lost
connection is dealt with is tested against real servers (tests/integration).
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from unit.builders import ORACLE_ZONE, oracle_running, oracle_session, rule, session

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.act import BATCH, act
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import Dialect
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle import Oracle
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_snapshot import SessionList
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import ServerRestarted, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, DISCONNECT, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import Rule
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Answer, Outcome, Session


def on_oracle() -> Oracle:
    dialect = Oracle()
    dialect.assume({"version": "19.3"})
    instances: dict[int, Any] = {1: {}, 2: {}}
    dialect._sessions = SessionList((19, 3), instances, 1, 99, ORACLE_ZONE, "SHOP")
    return dialect


class Laid:
    """A database that lists these sessions and answers to each statement by the sid of its session."""

    def __init__(self, dialect: Dialect, *now: Session, answers: dict[int, Answer] | None = None) -> None:
        self.dialect = dialect
        self.now = now
        self.answers = answers or {}
        self.looked: list[list[int]] = []
        self.sent: list[dict[str, Any]] = []

    def look_up(self, sids: list[int], _keys: Any) -> dict[tuple[Any, ...], Session]:
        self.looked.append(list(sids))
        return {each.identity: each for each in self.now if each.sid in sids}

    def send(
        self,
        steps: list[Outcome],
        matching: Any,
        sparing: Any,
        instance: int | None = None,
        seconds: float | None = None,
    ) -> list[Answer]:
        told = {"sids": [each.session.sid for each in steps], "matching": set(matching), "sparing": set(sparing)}
        self.sent.append({**told, "instance": instance, "seconds": seconds})
        return [self.answers.get(each.session.sid, Answer()) for each in steps]


def carried_out(
    database: Laid, what: Rule, *found: Session, way: Way | None = None, seconds: float = 60
) -> list[Outcome]:
    way = way or Way(KILL)
    steps = [Outcome(each, way.verb, f"end {each.sid}") for each in found]
    act(database, steps, what, way, time.monotonic() + seconds)
    return steps


IDLE = rule(match={"idle": 60})
GONE = Answer(held="gone", reason="no such session any more when its turn came")


@pytest.mark.parametrize(
    ("answer", "listed", "outcome", "reason", "sent"),
    [
        # Left to verify, because only what the server shows decides.
        (Answer(), True, "", "", True),
        (Answer(31, "ORA-00031: session marked for kill"), True, "", "", True),
        (GONE, True, "gone", "no such session any more when its turn came", False),
        (Answer(30, "ORA-00030: x"), False, "gone", "no such session any more when its turn came", False),
        (Answer(30, "ORA-00030: x"), True, "failed", "log in to its own container", False),
        (
            Answer(held="changed", reason="it has run something"),
            True,
            "skipped",
            "before its turn came: it has run",
            False,
        ),
        (
            Answer(held="another", reason="it runs another"),
            True,
            "skipped",
            "before its turn came: it runs another",
            False,
        ),
        (Answer(29, "ORA-00029: x"), True, "refused", "the server refuses it: ORA-00029: x", False),
        (Answer(27, "ORA-00027: x"), True, "refused", "the server refuses it: ORA-00027: x", False),
        (
            Answer(1031, "ORA-01031: x"),
            True,
            "failed",
            "x; GRANT ALTER SYSTEM TO the login user, or set via_pro",
            False,
        ),
        (Answer(2065, "ORA-02065: x"), True, "failed", "ORA-02065: x; this server does not know", False),
        (
            Answer(20001, "ORA-20001: not this one"),
            True,
            "failed",
            "the server answered: ORA-20001: not this one",
            False,
        ),
    ],
)
def test_answers_of_oracle_database(answer: Answer, listed: bool, outcome: str, reason: str, sent: bool) -> None:
    one = oracle_session(30)
    database = Laid(on_oracle(), *([one] if listed else []), answers={30: answer})
    (step,) = carried_out(database, IDLE, one)
    assert (step.outcome, step.sent) == (outcome, sent)
    assert reason in step.reason
    assert (step.error is not None) is (answer.code not in (None, 31))
    assert step.error is None or step.error == {"code": answer.code, "message": answer.message}


def test_a_cancel_for_another_execution_is_unchanged() -> None:
    one = oracle_running(30)
    answers = {30: Answer(held="another", reason="it runs another statement by now, or none")}
    (step,) = carried_out(Laid(on_oracle(), one, answers=answers), IDLE, one, way=Way(CANCEL))
    assert (step.outcome, step.sent) == ("unchanged", False)
    assert carried_out(Laid(on_oracle(), one, answers={30: GONE}), IDLE, one, way=Way(CANCEL))[0].outcome == "gone"


def test_what_the_statements_look_for_is_not_looked_at_twice() -> None:
    one = oracle_session(30)
    database = Laid(on_oracle(), one)
    carried_out(database, rule(match={"idle": 60}, exclude=[{"module": "x"}]), one)
    assert database.looked == []
    assert database.sent[0]["matching"] == {"idle"} and database.sent[0]["sparing"] == {"module"}
    for options in ({"match": {"blocking": True}}, {"match": {"idle": 60}, "exclude": [{"idle": "2h"}]}):
        database = Laid(on_oracle())
        (step,) = carried_out(database, rule(**options), one)
        assert (database.looked, database.sent, step.outcome) == ([[30]], [], "gone")


def test_a_cancel_is_always_about_its_execution() -> None:
    one = oracle_running(30)
    database = Laid(on_oracle(), one)
    carried_out(database, rule(match={"username": "APP_1"}), one, way=Way(CANCEL))
    assert database.sent[0]["matching"] == {"username", "sql_id"}


def test_those_that_were_told_to_end_are_never_asked_together_with_the_others() -> None:
    """Or the questions of the first one would be those of all."""
    told, fresh = oracle_session(30, status="killed"), oracle_session(31)
    rows = [told.row() | {"verb": "kill", "outcome": "pending"}, fresh.row() | {"verb": "kill", "outcome": "failed"}]
    what = rule(on_oracle(), match={"idle": 60}, sessions={"sessions": rows, "database": {}})
    for found in ((told, fresh), (fresh, told)):
        database = Laid(on_oracle(), *found)
        carried_out(database, what, *found)
        assert {tuple(each["sids"]): each["matching"] for each in database.sent} == {(30,): set(), (31,): {"idle"}}


def test_batches() -> None:
    found = [oracle_session(sid) for sid in range(1, 2 * BATCH + 2)]
    database = Laid(on_oracle(), *found)
    carried_out(database, IDLE, *found)
    assert [len(each["sids"]) for each in database.sent] == [BATCH, BATCH, 1]
    # After the time is up there is no further one.
    database = Laid(on_oracle(), *found)
    steps = carried_out(database, IDLE, *found, seconds=-1)
    assert [len(each["sids"]) for each in database.sent] == [BATCH]
    assert {(each.outcome, each.sent) for each in steps[BATCH:]} == {("failed", False)}
    assert "wait_timeout was over before its turn came; raise it" in steps[-1].reason


def test_a_disconnect_goes_to_the_session_s_own_instance() -> None:
    found = [oracle_session(30), oracle_session(31, inst_id=2), oracle_session(32)]
    database = Laid(on_oracle(), *found)
    carried_out(database, IDLE, *found, way=Way(DISCONNECT))
    assert {tuple(each["sids"]): each["instance"] for each in database.sent} == {(30, 32): None, (31,): 2}
    database = Laid(on_oracle(), *found)
    carried_out(database, IDLE, *found)
    assert [(each["sids"], each["instance"]) for each in database.sent] == [([30, 31, 32], None)]


def test_statements_that_wait_go_one_by_one_and_share_the_time() -> None:
    found = [oracle_session(sid) for sid in (30, 31, 32)]
    database = Laid(on_oracle(), *found)
    carried_out(database, IDLE, *found, way=Way(KILL, immediate=False), seconds=30)
    assert [each["sids"] for each in database.sent] == [[30], [31], [32]]
    assert [round(each["seconds"]) for each in database.sent] == [10, 15, 30]
    # One alone has what the server may need, and so has each where the server itself was given a limit.
    for way, seconds in ((Way(KILL, immediate=False), 70), (Way(KILL, server_timeout=20), 30)):
        database = Laid(on_oracle(), *found)
        carried_out(database, IDLE, found[0], way=way)
        assert [round(each["seconds"]) for each in database.sent] == [seconds]
    database = Laid(on_oracle(), *found)
    steps = carried_out(database, IDLE, *found, way=Way(KILL, immediate=False), seconds=-1)
    assert [each["sids"] for each in database.sent] == [[30]]
    assert [each.outcome for each in steps] == ["", "failed", "failed"]


def test_what_stands_behind_an_answer_goes_again() -> None:
    """OceanBase stops at the first error."""

    class Stopping(Laid):
        def send(self, steps: list[Outcome], *how: Any) -> list[Answer]:
            answers = super().send(steps, *how)
            failed = next((at for at, each in enumerate(answers) if each.code), len(answers))
            return answers[: failed + 1]

    found = [session(sid) for sid in (1, 2, 3, 4)]
    database = Stopping(OceanBaseMySQL(), *found, answers={2: Answer(1095, "not owner")})
    steps = carried_out(database, IDLE, *found)
    assert [each["sids"] for each in database.sent] == [[1, 2, 3, 4], [3, 4]]
    assert [(each.outcome, each.sent) for each in steps] == [("", True), ("refused", False), ("", True), ("", True)]


def test_an_error_that_ends_the_run_leaves_nobody_unaccounted_for() -> None:
    class Failing(Laid):
        def send(self, *_how: Any) -> list[Answer]:
            raise StatementFailed("ORA-06550: x", 6550)

    found = [oracle_session(sid) for sid in (30, 31)]
    steps = carried_out(Failing(on_oracle(), *found), IDLE, *found)
    assert {each.outcome for each in steps} == {"failed"}
    assert all(each.reason.startswith("ORA-06550: x; its statement was") for each in steps)


# --- a restart


def test_what_lived_on_another_server_is_not_gone_when_ours_was_restarted() -> None:
    class Restarted(Laid):
        def send(self, steps: list[Outcome], *_how: Any, **_named: Any) -> list[Answer]:
            raise ServerRestarted("the server was restarted meanwhile", lambda session: session.node == "10.1.1.1:2882")

    here, there, anywhere = session(30, node="10.1.1.1:2882"), session(31, node="10.1.1.2:2882"), session(32)
    database = Restarted(OceanBaseMySQL(), here, there, anywhere)
    steps = carried_out(database, IDLE, here, there, anywhere)
    assert [step.outcome for step in steps] == ["gone", "failed", "failed"]


# --- whoever has to wait for its turn


class Slow(Laid):
    """It deals with so many statements at a time, and one session begins to work after the first of them."""

    def __init__(self, dialect: Dialect, *now: Session, at_once: int, works: int, **laid: Any) -> None:
        super().__init__(dialect, *now, **laid)
        self.at_once, self.works = at_once, works

    def send(self, steps: list[Outcome], *how: Any, **named: Any) -> list[Answer]:
        answers = super().send(steps[: self.at_once], *how, **named)
        self.now = tuple(session(each.sid, active_seconds=0.1) if each.sid == self.works else each for each in self.now)
        return answers


@pytest.mark.parametrize("error", [None, Answer(1095, "not owner"), Answer(1094, "Unknown thread id")])
def test_what_the_server_has_not_got_to_is_looked_at_again(error: Answer | None) -> None:
    """Ignoring that kills a session that is not idle any more."""
    sessions = [session(sid) for sid in (30, 31, 32)]
    database = Slow(OceanBaseMySQL(), *sessions, at_once=1, works=32, answers={30: error} if error else {})
    steps = carried_out(database, IDLE, *sessions)
    assert [each["sids"] for each in database.sent] == [[30], [31]]
    assert database.looked[:2] == [[30, 31, 32], [31, 32]]
    assert (steps[2].outcome, steps[2].sent) == ("skipped", False)
    first = {None: "", 1095: "refused", 1094: "failed"}[error.code if error else None]
    assert [step.outcome for step in steps[:2]] == [first, ""]


def test_whoever_has_to_wait_beyond_the_deadline_is_not_sent() -> None:
    sessions = [session(sid) for sid in (30, 31, 32)]
    database = Slow(OceanBaseMySQL(), *sessions, at_once=2, works=0)
    steps = carried_out(database, IDLE, *sessions, seconds=0)
    assert [each["sids"] for each in database.sent] == [[30, 31]]
    assert [step.outcome for step in steps] == ["", "", "failed"]
    assert "raise it" in steps[2].reason and not steps[2].sent
