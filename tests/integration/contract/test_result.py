# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module does with its victims, and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ..sites import Acting, Site, Wire
from .conftest import nothing_sent, sent, untouched

Act = Callable[..., dict[str, Any]]
Make = Callable[..., list[Any]]

RESULT = {"changed", "msg", "database", "matched", "comment", "sessions", "counts"}
# What Ansible itself adds to a result, and our helper.
ANSIBLE = {"invocation", "warnings", "failed"}
DATABASE = {
    *(
        "dialect",
        "version",
        "name",
        "unique_name",
        "dbid",
        "role",
        "instance",
        "host",
        "proxy",
        "container",
        "all_containers",
    ),
    *("all_users", "instances", "platform", "startup_time", "taken_at", "unavailable"),
}
COUNTS = {"planned", "ended", "pending", "rolling_back", "gone", "unchanged", "refused", "skipped", "failed"}
ROW = {"inst_id", "sid", "serial", "username", "machine", "program", "status", "verb", "statement", "outcome", "reason"}
SOMETIMES = {"error", "waited_seconds", "rollback", "process"}
FULL = {
    *("logon_time", "node", "client_address", "client_port", "type", "server", "own", "oracle_maintained"),
    *("protected_by", "schema", "os_user", "module", "action", "client_identifier", "client_info", "service"),
    *("resource_group", "container", "command", "sql_id", "sql_exec_id", "sql_text", "event", "wait_class"),
    *("idle_seconds", "active_seconds", "sql_active_seconds", "logon_seconds", "transaction", "temp_mb", "pga_mb"),
    *("blocked_by", "blocking", "process"),
}


def outcomes(result: dict[str, Any]) -> dict[int, str]:
    return {row["sid"]: row["outcome"] for row in result["sessions"]}


def planned(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Which sessions, and which statements: what check mode and the real run must agree on."""
    names = ("sid", "username", "machine", "program", "status", "verb", "statement")
    return [tuple(row[name] for name in names) for row in result["sessions"]]


@pytest.fixture
def listed(run_module: Callable[..., dict[str, Any]], db_user: dict[str, str]) -> Callable[[], dict[str, Any]]:
    """``listed()``: session_info's result for the test's own user."""
    return lambda: run_module("session_info", {"match": {"username": db_user["user"]}})


# --- which victims, by rule and by name


def test_by_rule(acting: Acting, act: Act, make: Make, rule: dict[str, Any], proxy: Wire, site: Site) -> None:
    victims = make(3)
    with site.actors.idle(site.server) as bystander:
        result = act(match=rule)
        assert all(acting.dead(victim) for victim in victims)
        assert untouched(bystander)
    assert sent(proxy, [acting.of(victim) for victim in victims])
    assert result["changed"] and not result["failed"]
    assert (result["matched"], result["counts"]["ended"]) == (3, 3)
    assert outcomes(result) == {victim.id: "ended" for victim in victims}


def test_by_sid(acting: Acting, act: Act, make: Make, proxy: Wire) -> None:
    victim, bystander = make(2)
    result = act(**{"session_id" if key == "sid" else key: str(value) for key, value in acting.named(victim).items()})
    assert acting.dead(victim) and untouched(bystander)
    assert sent(proxy, [acting.of(victim)])
    assert result["changed"] and outcomes(result) == {victim.id: "ended"}


def test_by_sessions(acting: Acting, act: Act, make: Make, listed: Callable[[], Any], proxy: Wire) -> None:
    victims = make(2)
    snapshot = listed()
    (bystander,) = make(1)
    result = act(sessions=snapshot)
    assert all(acting.dead(victim) for victim in victims) and untouched(bystander)
    assert sent(proxy, [acting.of(victim) for victim in victims], any_order=True)
    assert outcomes(result) == {victim.id: "ended" for victim in victims}


def test_match_beside_sid_is_an_assertion(acting: Acting, act: Act, make: Make, proxy: Wire) -> None:
    (victim,) = make()
    result = act(**acting.named(victim), match={"username": "SOMEBODY_ELSE"})
    assert untouched(victim) and nothing_sent(proxy)
    assert not result["failed"] and outcomes(result) == {victim.id: "skipped"}
    assert "username" in result["sessions"][0]["reason"]


@pytest.mark.only("oceanbase", "oceanbase_oracle")
def test_serial_is_dropped_with_a_warning(acting: Acting, act: Act, make: Make) -> None:
    (victim,) = make()
    result = act(sid=victim.id, serial=17)
    assert acting.dead(victim) and outcomes(result) == {victim.id: "ended"}
    assert ["serial 17 was dropped" in warning for warning in result["warnings"]] == [True]
    assert result["sessions"][0]["serial"] is None


def test_a_sid_that_now_is_somebody_else(
    acting: Acting, act: Act, make: Make, listed: Callable[[], Any], proxy: Wire
) -> None:
    (bystander,) = make()
    snapshot = listed()
    # As if the session that was listed had gone and its id had come to another client.
    known_by = "client_port" if snapshot["sessions"][0]["serial"] is None else "serial"
    snapshot["sessions"][0][known_by] -= 1
    result = act(sessions=snapshot)
    assert untouched(bystander) and nothing_sent(proxy)
    assert not result["changed"] and not result["failed"] and outcomes(result) == {bystander.id: "gone"}
    assert any(f"its sid now belongs to session {bystander.id}" in warning for warning in result["warnings"])


def test_empty_selection(act: Act, make: Make, rule: dict[str, Any], proxy: Wire) -> None:
    (bystander,) = make()
    result = act(match={**rule, "schema": "no_such_schema"})
    assert untouched(bystander) and nothing_sent(proxy)
    assert not result["failed"] and not result["changed"]
    assert result["sessions"] == [] and result["matched"] == 0 and not any(result["counts"].values())


def test_commas_do_not_split_a_pattern(act: Act, make: Make, proxy: Wire, db_user: dict[str, str]) -> None:
    (bystander,) = make()
    result = act(match={"username": f"{db_user['user']},{db_user['user']}"})
    assert untouched(bystander) and nothing_sent(proxy)
    assert not result["failed"] and result["matched"] == 0


# --- twice, in check mode, with diff


def test_second_run_changes_nothing(
    acting: Acting, act: Act, make: Make, rule: dict[str, Any], proxy: Wire, db_user: dict[str, str]
) -> None:
    by_rule, by_name = make(2)
    assert act(match=rule, limit=1)["changed"] and act(**acting.named(by_name))["changed"]
    assert acting.dead(by_rule) and acting.dead(by_name)
    proxy.reset_counters()
    again = act(match=rule)
    assert not again["changed"] and not again["failed"] and again["matched"] == 0
    again = act(**acting.named(by_name))
    assert not again["changed"] and not again["failed"] and outcomes(again) == {by_name.id: acting.case.again}
    assert nothing_sent(proxy)


def test_check_mode_sends_nothing_and_foretells_the_run(
    acting: Acting, act: Act, make: Make, rule: dict[str, Any], proxy: Wire
) -> None:
    victims = make(3)
    foretold = act(check=True, diff=True, match=rule)
    assert all(untouched(victim) for victim in victims) and nothing_sent(proxy)
    assert foretold["changed"] and foretold["counts"]["planned"] == 3
    assert set(outcomes(foretold).values()) == {"planned"}
    done = act(diff=True, match=rule)
    assert all(acting.dead(victim) for victim in victims)
    assert planned(done) == planned(foretold)
    assert sent(proxy, [row["statement"] for row in foretold["sessions"]])
    assert done["diff"] == foretold["diff"]


def test_diff_is_the_difference(acting: Acting, act: Act, make: Make, rule: dict[str, Any], site: Site) -> None:
    victims, (spared,) = make(2), make(1, **site.marked)
    diff = act(diff=True, match=rule, protect=[site.mark])["diff"]
    assert all(acting.dead(victim) for victim in victims) and untouched(spared)
    before, after = ({_sid(line): line for line in diff[side].splitlines()} for side in ("before", "after"))
    assert set(before) == {victim.id for victim in victims} | {spared.id}
    assert after[spared.id] == before[spared.id]
    for victim in victims:
        if acting.session_stays:
            assert after[victim.id] == before[victim.id].partition(" running ")[0] != before[victim.id]
        else:
            assert victim.id not in after


def _sid(line: str) -> int:
    found = re.match(r"session (\d+)[, ]", line)
    assert found, line
    return int(found[1])


# --- what the result is made of


def test_result_has_exactly_the_fields_of_the_contract(
    acting: Acting, act: Act, make: Make, rule: dict[str, Any]
) -> None:
    make(2)
    result = act(match=rule, limit=1, comment="CHG-4711")
    assert set(result) - ANSIBLE == RESULT
    assert set(result["database"]) == DATABASE and set(result["counts"]) == COUNTS
    assert result["comment"] == "CHG-4711"
    (row,) = result["sessions"]
    assert ROW <= set(row) <= ROW | SOMETIMES
    assert row["verb"] == acting.verb
    assert result["msg"].splitlines()[0].startswith(f"ended: session {row['sid']}")
    full = act(match=rule, detail="full", diff=True)
    assert set(full) - ANSIBLE == RESULT | {"diff"}
    assert ROW | FULL <= set(full["sessions"][0])
