# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From outcomes to what a task returns: rows, counts, message, diff, changed and failed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from unit.builders import oracle_session, planned, rule, running, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.result import (
    Report,
    listing,
    listing_message,
    report,
    session_row,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.select import Selection
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import (
    NOT_READ,
    OUTCOMES,
    Outcome,
    Session,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

COMPACT = {
    *("inst_id", "sid", "serial", "username", "machine", "program", "status"),
    *("verb", "statement", "outcome", "reason"),
}
# The row of a listing, as the contract has it, and the evidence of conditions that a saved result must be able to answer.
ROW = set(
    "inst_id sid serial logon_time node client_address client_port type server own oracle_maintained protected_by "
    "username schema os_user machine program module action client_identifier client_info service resource_group container "
    "status command sql_id sql_exec_id sql_text event wait_class idle_seconds active_seconds sql_active_seconds "
    "logon_seconds transaction temp_mb pga_mb blocked_by blocking process locked_objects coordinator".split()
)


def made(*found: tuple[str, bool], verb: str = "kill", **fields: Any) -> Report:
    """A report with one outcome per (outcome, sent)."""
    each = [
        Outcome(session(sid), statement=f"KILL {sid}", sent=sent).settle(outcome, "because")
        for sid, (outcome, sent) in enumerate(found, start=30)
    ]
    return replace(report(snapshot(), Selection(matched=len(each)), each, verb), **fields)


# --- changed and failed


@pytest.mark.parametrize(
    ("outcome", "sent", "changed"),
    [
        ("planned", False, True),
        ("ended", True, True),
        ("rolling_back", True, True),
        ("rolling_back", False, False),
        ("pending", True, True),
        ("pending", False, False),
        ("gone", False, False),
        ("unchanged", False, False),
        ("refused", False, False),
        ("skipped", False, False),
        ("failed", False, False),
    ],
)
def test_changed(outcome: str, sent: bool, changed: bool) -> None:
    assert made((outcome, sent)).changed is changed
    assert made((outcome, sent), ("gone", False)).changed is changed


def test_every_outcome_of_the_contract_is_counted() -> None:
    assert OUTCOMES == tuple("planned ended pending rolling_back gone unchanged refused skipped failed".split())
    counts = made(("ended", True), ("ended", True), ("gone", False)).counts()
    assert counts == {**dict.fromkeys(OUTCOMES, 0), "ended": 2, "gone": 1}


@pytest.mark.parametrize(
    ("outcome", "named", "on_pending", "fails"),
    [
        *(
            (outcome, named, None, False)
            for outcome in ("planned", "ended", "gone", "unchanged", "skipped")
            for named in (False, True)
        ),
        ("failed", False, None, True),
        ("failed", False, "ok", True),
        ("refused", False, None, False),
        ("refused", True, None, True),
        ("pending", False, None, True),
        ("pending", False, "warn", False),
        ("pending", True, "ok", False),
        ("rolling_back", False, None, False),
        ("rolling_back", False, "fail", True),
        ("rolling_back", True, "ok", False),
    ],
)
def test_failed(outcome: str, named: bool, on_pending: str | None, fails: bool) -> None:
    failure = made((outcome, True)).failure(named, on_pending)
    words = outcome.replace("_", " ")
    assert failure == (f"Session 30 is {words}: because." if fails else None)


def test_a_failure_names_the_first_and_counts_the_others() -> None:
    found = made(("ended", True), ("failed", True), ("failed", True), ("pending", True))
    assert found.failure(False) == "Session 31 is failed: because (and 2 more)."


def test_a_run_that_was_refused_fails_with_its_reason() -> None:
    refusal = BadOption("max_sessions", "too many; narrow it.")
    assert made(("refused", False), refusal=refusal).failure(False) == "max_sessions: too many; narrow it."


@pytest.mark.parametrize(
    ("outcome", "on_pending", "warned"),
    [
        ("rolling_back", None, True),
        ("rolling_back", "ok", False),
        ("pending", None, False),
        ("pending", "warn", True),
        ("refused", "warn", False),
    ],
)
def test_warnings(outcome: str, on_pending: str | None, warned: bool) -> None:
    found = made((outcome, True), warnings=["first"]).doubts(on_pending)
    assert found == ["first"] + ([f"Session 30 is {outcome.replace('_', ' ')}: because."] if warned else [])


# --- rows


def test_a_row_of_an_acting_module_is_compact() -> None:
    (row,) = made(("ended", True)).rows()
    assert set(row) == COMPACT
    assert (row["sid"], row["verb"], row["statement"], row["outcome"], row["reason"]) == (
        30,
        "kill",
        "KILL 30",
        "ended",
        "because",
    )
    each = Outcome(session(), error={"code": 1}, waited_seconds=0.0, rollback={"records": 1}).settle("failed", "x")
    (row,) = report(snapshot(), Selection(), [each], "kill").rows()
    assert set(row) == COMPACT | {"error", "waited_seconds", "rollback"}


def test_a_row_tells_the_process_and_how_old_its_session_is() -> None:
    (row,) = report(snapshot(), Selection(), [Outcome(oracle_session(30)).settle("pending", "x")], "kill").rows()
    assert set(row) == COMPACT | {"process"}
    assert row["process"] == {
        **{"host": "db1", "spid": "4030", "kind": "dedicated", "oracle_sid": "SHOP1"},
        "logon_seconds": 3600.0,
    }


def test_detail_full_adds_the_session() -> None:
    (row,) = made(("ended", True)).rows(full=True)
    assert set(row) == ROW | COMPACT


def test_a_row_of_a_listing_has_every_field() -> None:
    assert set(session_row(Session())) == ROW
    assert session_row(session(idle_seconds=1.23456))["idle_seconds"] == 1.235


def test_spared_rows_are_compact_with_a_reason() -> None:
    found = planned(snapshot(session(1), session(2, username="OTHER")), rule(match={"username": "APP_1"}))
    assert found.spared == [
        {
            **dict.fromkeys(("inst_id", "serial", "program")),
            "sid": 2,
            "username": "OTHER",
            "machine": "app1",
            "status": "inactive",
            "reason": "username is 'OTHER', the rule wants 'APP_1'",
        }
    ]


# --- the listing


def test_a_listing() -> None:
    within = session(3, transaction={"age_seconds": 1.0, "undo_records": None}, blocked_by={"inst_id": None, "sid": 4})
    holder = session(4, blocking={"waiters": 1, "longest_seconds": 9.0, "root": True})
    brief = session(5, blocking={"waiters": 1, "longest_seconds": 1.0, "root": True})
    everybody = [session(1), running(2), within, holder, brief, session(6, status="killed")]
    result = listing(snapshot(*everybody), Selection(picked=everybody, matched=6), rule())
    assert result["counts"] == {
        "sessions": 6,
        "active": 1,
        "inactive": 4,
        "killed": 1,
        "in_transaction": 1,
        "blocked": 1,
        "blocking": 1,
    }
    assert listing_message(result["counts"]) == (
        "6 sessions: 1 active, 4 inactive, 1 killed, 1 in transaction, 1 blocked, 1 blocking"
    )
    assert [row["sid"] for row in result["sessions"]] == [1, 2, 3, 4, 5, 6]
    assert "spared" not in result
    assert listing_message(listing(snapshot(), Selection(), rule())["counts"]) == "0 sessions"


def test_a_listing_explains_and_shows_chains_when_asked() -> None:
    one = session(1)
    selection = Selection(picked=[one], spared=[(session(2), "excluded")])
    result = listing(snapshot(one), selection, rule(), chains={id(one): [{"inst_id": None, "sid": 9}]}, explain=True)
    assert result["sessions"][0]["blockers"] == [{"inst_id": None, "sid": 9}]
    assert [(row["sid"], row["reason"]) for row in result["spared"]] == [(2, "excluded")]


def test_unavailable_keys_are_told() -> None:
    where = snapshot(unavailable={"program": "not listed", "sql_text": NOT_READ})
    assert listing(where, Selection(), rule())["database"]["unavailable"] == ["program", "sql_text"]
    # An acting module reads only what its rule needs; what it left aside says nothing about the server.
    assert report(where, Selection(), [], "kill").database["unavailable"] == ["program"]


def test_every_result_can_be_json() -> None:
    where = snapshot(session(1), running(2))
    assert saved(where)["sessions"][1]["sid"] == 2
    json.dumps(planned(where, rule(match={"username": "APP_1"})).rows(full=True))


# --- message and diff


def test_the_message_has_a_line_per_victim_and_the_counts() -> None:
    assert made(("ended", True), ("refused", False)).message().splitlines() == [
        "ended: session 30 APP_1 app1 inactive - KILL 30",
        "refused: session 31 APP_1 app1 inactive - because",
        "2 matched: 1 ended, 1 refused",
    ]
    assert made().message() == "0 matched; nothing to do"


def test_the_message_names_ten_at_most() -> None:
    lines = made(*[("ended", True)] * 12).message().splitlines()
    assert len(lines) == 12
    assert lines[-2:] == ["... and 2 more", "12 matched: 12 ended"]


def test_the_diff_shows_who_goes() -> None:
    found = made(("ended", True), ("refused", False), ("gone", False)).diff()
    assert found["before"] == "session 30 APP_1 app1 inactive\nsession 31 APP_1 app1 inactive\n"
    assert found["after"] == "session 31 APP_1 app1 inactive\n"


def test_the_diff_of_a_cancel_shows_what_runs() -> None:
    found = planned(snapshot(running(30)), rule(sid=30), CANCEL).diff()
    assert found["before"] == f"session 30 APP_1 app1 active running {'A' * 32}\n"
    assert found["after"] == "session 30 APP_1 app1 active\n"


def test_a_diff_of_nothing_is_empty() -> None:
    found = made().diff()
    assert found["before"] == found["after"] == ""
