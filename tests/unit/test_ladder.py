# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of a rule: whom the next rung gets and under which conditions, and what is reported in the end."""

from __future__ import annotations

import json
from typing import Any

from unit.builders import DATABASE, outcomes, planned, rule, running, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.filter.policy import policy_rung
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.ladder import (
    audit_records,
    next_rung,
    policy_report,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.policy import parse_policy
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.result import outcome_row
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import IDENTITY, OUTCOMES, Outcome, Session

MATCH = {"username": "APP_*", "active": "30s"}


def reports(**keys: Any) -> dict[str, Any]:
    return {"name": "reports", "match": MATCH, "then": ["cancel", {"kill": {"after": "10s"}}], **keys}


def row(of: Session, outcome: str, verb: str = "cancel", sent: bool = True, **facts: Any) -> dict[str, Any]:
    each = Outcome(of, verb=verb, statement=f"{verb} {of.sid}" if sent else None, outcome=outcome, reason="so", **facts)
    return outcome_row(each, full=True)


def step(name: str, verb: str, *rows: dict[str, Any], **result: Any) -> dict[str, Any]:
    """A step as the role keeps it, gone through JSON as a module's result does."""
    kept = {"rule": name, "verb": verb, "result": {"sessions": list(rows), "database": DATABASE, **result}}
    return json.loads(json.dumps(kept))


def test_the_first_rung_picks_by_the_rule() -> None:
    (written,) = parse_policy([reports(limit=5, keep=1, per="username")])
    assert next_rung(written, 0, [], 20) == {
        "verb": "cancel",
        "way": {},
        "pause_seconds": 0,
        "options": {
            "match": MATCH,
            "limit": 5,
            "keep": 1,
            "per": "username",
            "max_sessions": 20,
            "closed_sessions": [],
            "wait_timeout": 10.0,
            "on_pending": "ok",
            "detail": "full",
        },
    }


def test_the_last_rung_is_judged_as_the_module_does_it() -> None:
    (written,) = parse_policy([{"name": "a", "match": MATCH}], wait_timeout=7)
    options = next_rung(written, 0, [], 20)["options"]
    assert options["wait_timeout"] == 7 and "on_pending" not in options


def test_a_later_rung_takes_what_was_left_and_nobody_else() -> None:
    everyone = [row(running(sid), outcome) for sid, outcome in enumerate(OUTCOMES, start=1)]
    (written,) = parse_policy([reports()])
    options = next_rung(written, 1, [step("reports", "cancel", *everyone)], 20)["options"]
    taken = options["sessions"]["sessions"]
    assert {each["outcome"] for each in taken} == {"pending", "rolling_back", "failed"}
    assert options["sessions"]["database"] == DATABASE
    assert options["max_sessions"] == 3 and "closed_sessions" not in options


def test_nobody_is_left() -> None:
    (written,) = parse_policy([reports()])
    assert next_rung(written, 1, [step("reports", "cancel", row(running(1), "ended"))], 20) == {}
    assert next_rung(written, 1, [step("reports", "cancel", row(running(1), "planned"))], 20) == {}
    assert next_rung(written, 1, [step("other", "cancel", row(running(1), "pending"))], 20) == {}
    login_failed = {"rule": "reports", "verb": "cancel", "result": {"failed": True, "msg": "no login"}}
    assert next_rung(written, 1, [login_failed], 20) == {}


def test_a_later_rung_keeps_the_conditions_and_picks_no_more() -> None:
    keys = {"exclude": [{"machine": "m"}], "protect": [{"machine": "n"}], "allow": ["system_users"]}
    (written,) = parse_policy([reports(limit=1, pick="longest_idle", keep=1, per="username", max_percent=9, **keys)])
    options = next_rung(written, 1, [step("reports", "cancel", row(running(1), "pending"))], 20)["options"]
    assert {name: options[name] for name in keys} == keys
    assert not {"limit", "pick", "keep", "per", "max_percent"} & set(options)
    assert options["match"] == {**MATCH, "sql_id": ["A" * 32]}


def test_a_later_rung_spares_who_is_on_to_the_next_execution() -> None:
    """Even where the rule would fit it: the same statement, and running for long enough."""
    left = step("reports", "cancel", *(row(running(sid), "pending") for sid in (1, 2, 3)))
    (written,) = parse_policy([reports()])
    options = next_rung(written, 1, [left], 20)["options"]
    taken = {name: options[name] for name in ("match", "sessions", "max_sessions")}
    now = snapshot(running(1, active_seconds=71.0), running(2, sql_exec_id="YB42-2"), running(3, sql_id="B" * 32))
    assert outcomes(planned(now, rule(**taken))) == {1: "planned", 2: "skipped", 3: "skipped"}


def test_a_kill_after_a_disconnect_takes_those_that_it_has_marked() -> None:
    then = [{"disconnect": {"post_transaction": True}}, {"kill": {"after": "10s", "force": True}}]
    (written,) = parse_policy([reports(then=then, allow="system_users")])
    first = next_rung(written, 0, [], 20)
    assert (first["verb"], first["way"]) == ("disconnect", {"post_transaction": True})
    killed = {"status": "killed", "active_seconds": 0.5, "transaction": {"age_seconds": 1.0, "undo_records": 9}}
    left = [
        row(running(1), "pending", "disconnect"),
        row(running(2), "rolling_back", "disconnect"),
        row(running(3), "failed", "disconnect"),
    ]
    second = next_rung(written, 1, [step("reports", "disconnect", *left)], 20)
    assert (second["verb"], second["way"], second["pause_seconds"]) == ("kill", {"force": True}, 10)
    # They are killed because the ladder did it, and are no longer asked what they do.
    assert second["options"]["allow"] == ["killed", "system_users"]
    assert second["options"]["match"] == MATCH
    taken = {name: second["options"][name] for name in ("match", "sessions", "max_sessions", "allow")}
    now = snapshot(running(1, **killed), running(2, **killed), running(3, active_seconds=1.0))
    assert outcomes(planned(now, rule(**taken))) == {1: "planned", 2: "planned", 3: "skipped"}


def process_kills(**keys: Any) -> dict[str, Any]:
    return reports(then=["kill", {"process_kill": {"after": "10s", "grace": 5}}], **keys)


def test_a_process_kill_takes_what_is_pending_and_nobody_else() -> None:
    everyone = [row(running(sid), outcome, "kill") for sid, outcome in enumerate(OUTCOMES, start=1)]
    (written,) = parse_policy([process_kills(allow="system_users", protect=[{"machine": "m"}])])
    rung = next_rung(written, 1, [step("reports", "kill", *everyone)], 20)
    assert [each["outcome"] for each in rung["options"]["sessions"]["sessions"]] == ["pending"]
    assert (rung["verb"], rung["way"], rung["pause_seconds"]) == ("process_kill", {"grace": 5}, 10)
    # It is told who and for how long, and nothing that could lift anything.
    assert set(rung["options"]) == {"sessions", "sessions_max_age", "wait_timeout", "detail"}
    for outcome in set(OUTCOMES) - {"pending"}:
        assert next_rung(written, 1, [step("reports", "kill", row(running(1), outcome, "kill"))], 20) == {}


def test_what_failed_before_a_process_kill_fails_the_rule() -> None:
    rules = parse_policy([process_kills()])
    killed = step(
        "reports", "kill", row(running(1), "failed"), row(running(2), "pending"), failed=True, msg="1 failed."
    )
    ended = step("reports", "process_kill", row(running(2), "ended", "process_kill"), failed=False, msg="ended")
    assert policy_report(rules, [killed, ended])["rules"][0]["failure"] == "1 failed."
    assert (
        policy_report(rules, [{**killed, "result": {**killed["result"], "failed": False}}, ended])["rules"][0][
            "failure"
        ]
        is None
    )
    left = step("reports", "process_kill", row(running(2), "pending", "process_kill"), failed=True, msg="2 is pending.")
    assert policy_report(rules, [killed, left])["rules"][0]["failure"] == "2 is pending."


def test_what_is_still_rolled_back_for_the_dead_is_reported() -> None:
    seen = {"recovering": [{"usn": 7}], "remarks": ["still rolled back on instance 1: ..."]}
    ended = step("reports", "process_kill", row(running(2), "ended", "process_kill"), **seen)
    report = policy_report(parse_policy([process_kills()]), [ended])
    assert report["rules"][0]["recovering"] == [{"usn": 7}]
    assert report["lines"][-1] == "  still rolled back on instance 1: ..."


def test_the_rest_of_the_time_is_waited() -> None:
    (written,) = parse_policy([reports()])

    def pause(*rows: dict[str, Any]) -> int:
        return next_rung(written, 1, [step("reports", "cancel", *rows)], 20)["pause_seconds"]

    failed = row(running(1), "failed")
    assert pause(failed) == 10
    assert pause(failed, row(running(2), "ended", waited_seconds=3.2)) == 7
    assert pause(failed, row(running(2), "pending", waited_seconds=9.999)) == 0
    assert pause(row(running(2), "pending", waited_seconds=10.4)) == 0


def test_a_run_has_so_many_sessions_and_no_more() -> None:
    first, second = parse_policy([{"name": "a", "match": MATCH}, {"name": "b", "match": MATCH}], max_sessions=5)
    rows = [row(session(1), "ended"), row(session(2), "skipped"), row(session(3), "refused", sent=False)]
    steps = [step("a", "kill", *rows), step("a", "kill", row(session(1), "ended"))]
    assert next_rung(first, 0, [], 5)["options"]["max_sessions"] == 5
    assert next_rung(second, 0, steps, 5)["options"]["max_sessions"] == 3
    assert next_rung(second, 0, steps, 1)["options"]["max_sessions"] == 0
    assert policy_rung(second, "0", steps, "5") == next_rung(second, 0, steps, 5)


def test_what_a_rule_picked_is_closed_whatever_became_of_it() -> None:
    (written,) = parse_policy([{"name": "b", "match": MATCH}])
    rows = [row(session(sid), outcome) for sid, outcome in enumerate(OUTCOMES, start=1)]
    closed = next_rung(written, 0, [step("a", "kill", *rows)], 20)["options"]["closed_sessions"]
    assert [each["sid"] for each in closed] == list(range(1, len(OUTCOMES) + 1))
    assert set(closed[0]) == set(IDENTITY)
    now = snapshot(*(session(sid) for sid in range(1, len(OUTCOMES) + 2)))
    assert list(outcomes(planned(now, rule(closed_sessions=closed)))) == [len(OUTCOMES) + 1]


def test_the_report_counts_every_session_once_with_its_last_outcome() -> None:
    rules = parse_policy([reports(), {"name": "none", "match": MATCH}, {"name": "later", "match": MATCH}])
    steps = [
        step("reports", "cancel", row(running(1), "ended"), row(running(2), "pending"), matched=2),
        step("reports", "kill", row(running(2), "rolling_back", verb="kill"), matched=1),
        step("none", "kill", matched=0),
    ]
    report = policy_report(rules, steps)
    first, second, third = report["rules"]
    assert (first["matched"], first["done"], first["left"], first["failed"]) == (2, 1, 1, 0)
    assert first["verbs"] == ["cancel", "kill"] and first["failure"] is None
    assert [(each["sid"], each["verb"], each["outcome"]) for each in first["sessions"]] == [
        (1, "cancel", "ended"),
        (2, "kill", "rolling_back"),
    ]
    assert (second["matched"], second["sessions"], second["failure"]) == (0, [], None)
    assert third["failure"] == "it was not carried out, because the run ended before."
    assert report["counts"] == {**dict.fromkeys(OUTCOMES, 0), "ended": 1, "rolling_back": 1}


def test_a_rule_fails_by_its_last_rung() -> None:
    rules = parse_policy([reports()])
    cancelled = step("reports", "cancel", row(running(1), "failed"), failed=True, msg="Session 1 is failed.\n1 matched")
    killed = step("reports", "kill", row(running(1), "ended", verb="kill"), failed=False, msg="ended")
    assert policy_report(rules, [cancelled])["rules"][0]["failure"] == "Session 1 is failed."
    assert policy_report(rules, [cancelled, killed])["rules"][0]["failure"] is None


def test_audit_records() -> None:
    done = step("reports", "cancel", row(running(1), "ended"), row(running(2), "pending"), comment="CHG-1")
    first, second = audit_records(done, "2026-11-21T07:00:00Z", "4711", "shop")
    assert (first["outcome"], second["outcome"]) == ("ended", "pending")
    assert first == {
        "time": "2026-11-21T07:00:00Z",
        "run": "4711",
        "host": "shop",
        "database": {"name": "sys", "dbid": DATABASE["dbid"], "container": "sys"},
        "rule": "reports",
        "verb": "cancel",
        "inst_id": None,
        "sid": 1,
        "serial": None,
        "logon_time": None,
        "node": None,
        "username": "APP_1",
        "container": "sys",
        "client_address": "10.0.0.7",
        "client_port": 40001,
        "statement": "cancel 1",
        "outcome": "ended",
        "reason": "so",
        "comment": "CHG-1",
    }
    assert audit_records({"rule": "a", "verb": "kill", "result": {"failed": True, "msg": "no login"}}, "", "", "") == []
