# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module refuses to do. Each test has a bystander that dies when its rule is not kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from servers.actors import wait_until

from ..sites import Acting, Site, Wire
from .conftest import nothing_sent, sent, untouched

Act = Callable[..., dict[str, Any]]
Make = Callable[..., list[Any]]


def refused(result: dict[str, Any], option: str) -> bool:
    """Whether the whole run was refused because of this option, in words, and without a traceback."""
    assert result["failed"] and not result.get("changed"), result
    assert "Traceback" not in json.dumps(result)
    return bool(result["msg"].startswith(f"{option}: "))


# --- guards


def test_system_users_are_held_back_and_the_others_are_not(
    acting: Acting, act: Act, make: Make, proxy: Wire, db_user: dict[str, str], site: Site
) -> None:
    (bystander,) = make(**site.system_login, **site.marked)
    (victim,) = make(**site.marked)
    match = {"username": [db_user["user"], site.system_user], **site.mark, **acting.rule}
    result = act(match=match)
    assert untouched(bystander) and acting.dead(victim)
    assert sent(proxy, [acting.of(victim)])
    rows = {row["sid"]: row for row in result["sessions"]}
    assert (rows[bystander.id]["outcome"], rows[victim.id]["outcome"]) == ("refused", "ended")
    assert rows[bystander.id]["statement"] is None
    assert rows[bystander.id]["reason"].startswith("system_users: its user belongs to the database itself")
    assert not result["failed"], "a guard in the way of a rule is no failure"
    lifted = act(match=match, allow=["system_users"])
    assert acting.dead(bystander) and lifted["counts"]["ended"] == 1


def test_a_held_back_session_that_was_named_fails_the_task(
    acting: Acting, act: Act, make: Make, proxy: Wire, site: Site
) -> None:
    (bystander,) = make(**site.system_login)
    result = act(**acting.named(bystander))
    assert untouched(bystander) and nothing_sent(proxy)
    assert result["failed"] and not result["changed"]
    assert "system_users" in result["msg"] and result["sessions"][0]["outcome"] == "refused"


def test_protected_sessions_are_held_back(
    acting: Acting, act: Act, make: Make, rule: Any, proxy: Wire, site: Site
) -> None:
    (victim,), (bystander,) = make(), make(**site.marked)
    result = act(match=rule, protect=[site.mark])
    assert untouched(bystander) and acting.dead(victim) and sent(proxy, [acting.of(victim)])
    (row,) = [row for row in result["sessions"] if row["sid"] == bystander.id]
    assert row["outcome"] == "refused" and row["reason"].startswith(f"protect: protected by {next(iter(site.mark))}: ")


def test_excluded_sessions_are_left_alone(
    acting: Acting, act: Act, make: Make, rule: Any, proxy: Wire, site: Site
) -> None:
    (victim,), (bystander,) = make(), make(**site.marked)
    ((key, value),) = site.mark.items()
    result = act(match=rule, exclude=[{"username": "NOBODY"}, {key: f"{value[:2]}*"}])
    assert untouched(bystander) and acting.dead(victim) and sent(proxy, [acting.of(victim)])
    assert [row["sid"] for row in result["sessions"]] == [victim.id]


@pytest.mark.only("oracle")
def test_the_servers_own_sessions_whatever_is_allowed(act: Act, site: Site, proxy: Wire) -> None:
    query = "SELECT sid, serial# FROM v$session WHERE type = 'BACKGROUND' ORDER BY sid FETCH FIRST 3 ROWS ONLY"
    bystanders = site.server.sql(query)
    for sid, serial in bystanders:
        result = act(sid=sid, serial=serial, allow=["no_username", "system_users", "unfiltered"])
        assert result["failed"] and not result["changed"] and nothing_sent(proxy)
        assert result["sessions"][0]["reason"].startswith("background: ")
    assert site.server.sql(query) == bystanders


def test_own_session_named_by_sid(acting: Acting, act: Act, site: Site, proxy: Wire) -> None:
    for _turn in range(10):
        named = site.next_login()
        if named is None:
            pytest.skip("which session the next login gets, a real database does not tell")
        result = act(**named, allow=["system_users"])
        if result["sessions"][0]["outcome"] != "gone":
            break
    assert result["failed"] and not result["changed"] and nothing_sent(proxy)
    assert result["sessions"][0]["outcome"] == "refused"
    assert result["sessions"][0]["reason"] == "own: it is our own session, or another run of this collection"


def test_another_run_of_this_collection(
    acting: Acting, act: Act, start_module: Callable[..., Any], site: Site, proxy: Wire
) -> None:
    before = site.ours()
    with Wire(site) as other:
        with other.hold(site.is_snapshot):
            bystander = start_module("session_info", {"login_dsn": other.dsn})
            (started,) = wait_until(lambda: site.ours() - before, what="the other run")
            # Itself, it is one of them.
            result = act(match={"module": "dbops.oracle_sessions"}, allow=["system_users"])
            rows = {row["sid"]: row for row in result["sessions"]}
            named = {key: rows[started][key] for key in site.somebody}
            by_name = act(**named, allow=["system_users"])
        assert not bystander.result()["failed"] and other.connections == 1
    assert nothing_sent(proxy) and len(rows) > 1
    assert {row["outcome"] for row in rows.values()} == {"refused"} and not result["failed"]
    assert by_name["failed"] and by_name["sessions"][0]["reason"].startswith("own: ")


# --- limits of a run


@pytest.mark.parametrize("match", [{"status": "*"}, {"username": "*"}, {"idle": 0}, {"in_transaction": False}])
def test_a_rule_that_does_not_narrow(acting: Acting, act: Act, make: Make, proxy: Wire, match: dict[str, Any]) -> None:
    (bystander,) = make()
    result = act(match=match, max_sessions=1000)
    assert untouched(bystander) and nothing_sent(proxy)
    assert refused(result, "match") and "allow: [unfiltered]" in result["msg"]
    assert not result["counts"]["ended"]


def test_more_than_max_sessions(act: Act, make: Make, rule: dict[str, Any], proxy: Wire) -> None:
    bystanders = make(3)
    result = act(match=rule, max_sessions=2)
    assert all(untouched(bystander) for bystander in bystanders) and nothing_sent(proxy)
    assert refused(result, "max_sessions") and "picks 3 sessions, more than the 2 allowed" in result["msg"]
    assert [row["sid"] for row in result["sessions"]] == [bystander.id for bystander in bystanders]
    assert all(row["outcome"] == "refused" and row["statement"] is None for row in result["sessions"])


def test_max_sessions_counts_what_is_left_after_the_guards(
    acting: Acting, act: Act, make: Make, rule: dict[str, Any], site: Site
) -> None:
    victims, (spared,) = make(2), make(**site.marked)
    result = act(match=rule, max_sessions=2, protect=[site.mark])
    assert all(acting.dead(victim) for victim in victims) and untouched(spared) and not result["failed"]


def test_more_than_max_percent(act: Act, make: Make, rule: dict[str, Any], proxy: Wire) -> None:
    bystanders = make(3)
    result = act(match=rule, max_percent=1)
    assert all(untouched(bystander) for bystander in bystanders) and nothing_sent(proxy)
    assert refused(result, "max_percent")


def test_default_limit_is_twenty(act: Act, make: Make, rule: dict[str, Any], proxy: Wire) -> None:
    bystanders = make(21)
    result = act(match=rule)
    assert all(untouched(bystander) for bystander in bystanders) and nothing_sent(proxy)
    assert refused(result, "max_sessions")


@pytest.mark.only("oracle")
def test_more_to_roll_back_than_max_rollback_records(
    acting: Acting, act: Act, site: Site, proxy: Wire, db_user: dict[str, str]
) -> None:
    with ExitStack() as stack:

        def with_changes(row: int, rows: int) -> Any:
            session = stack.enter_context(site.actors.idle_in_transaction(site.server, row, "changes", rows, **db_user))
            return session if acting.case.victim == "idle" else stack.enter_context(site.moves_on(session))

        bystander, victim = with_changes(1, 20), with_changes(100, 1)
        result = act(match={"username": db_user["user"], **acting.rule}, max_rollback_records=10)
        assert untouched(bystander) and acting.dead(victim) and sent(proxy, [acting.of(victim)])
    (row,) = [row for row in result["sessions"] if row["sid"] == bystander.id]
    assert row["outcome"] == "refused" and row["reason"].startswith("max_rollback_records: it would roll back 20 ")


@pytest.mark.only("oceanbase", "oceanbase_oracle")
def test_max_rollback_records_cannot_be_kept(act: Act, make: Make, rule: dict[str, Any], proxy: Wire) -> None:
    (bystander,) = make()
    result = act(match=rule, max_rollback_records=10)
    assert untouched(bystander) and nothing_sent(proxy)
    assert refused(result, "max_rollback_records")


# --- what has changed between look and act


def test_a_session_that_does_something_else_when_its_turn_comes(
    acting: Acting, start_module: Any, make: Make, rule: dict[str, Any], site: Site, proxy: Wire
) -> None:
    bystander, victim = make(2)
    with proxy.hold(site.is_look) as hold:
        running = start_module(acting.module, {"match": rule, "login_dsn": proxy.dsn})
        hold.wait()
        with site.moves_on(bystander) as work:
            hold.release()
            result = running.result()
            assert untouched(work), "its statement lives"
    assert acting.dead(victim) and sent(proxy, [acting.of(victim)])
    outcomes = {row["sid"]: row["outcome"] for row in result["sessions"]}
    assert outcomes == {bystander.id: acting.case.moved_on, victim.id: "ended"} and not result["failed"]


# --- input that is refused before a connection is opened

BAD_MATCHES = [
    ("match.usernam", {"usernam": "APP"}),
    ("match.username", {"username": None}),
    ("match.username", {"username": ""}),
    ("match.username", {"username": []}),
    ("match.username", {"username": ["", "APP"]}),
    ("match.username", {"username": "~("}),
    ("match.username", {"username": 7}),
    ("match.idle", {"idle": "10x"}),
    ("match.idle", {"idle": -5}),
    ("match.idle", {"idle": True}),
    ("match.waiters", {"waiters": "-1"}),
    ("match.blocking", {"blocking": "yes"}),
    ("match", {}),
]


@pytest.mark.shared
@pytest.mark.parametrize(("option", "bad"), BAD_MATCHES, ids=json.dumps)
def test_bad_match(
    act: Act, make: Make, rule: dict[str, Any], proxy: Wire, site: Site, option: str, bad: dict[str, Any]
) -> None:
    (bystander,) = make()
    # A module that dropped the bad condition would be left with a rule that narrows, and fits the bystander.
    result = act(match={**rule, **site.every_client, **bad} if bad else bad)
    assert untouched(bystander) and proxy.connections == 0
    assert refused(result, option)


BAD_SIDS = ["12abc", -1, "-1", 0, True, "true", "3_0", "1e2", 30.0, "30.0", "12; DROP", "0x1f", " 30", "٣٠", "", []]


@pytest.mark.shared
@pytest.mark.parametrize("sid", BAD_SIDS, ids=json.dumps)
def test_bad_sid(act: Act, proxy: Wire, sid: Any) -> None:
    assert refused(act(sid=sid, serial=1), "sid") and proxy.connections == 0


@pytest.mark.shared
@pytest.mark.only("oracle")
@pytest.mark.parametrize("serial", BAD_SIDS, ids=json.dumps)
def test_bad_serial(act: Act, proxy: Wire, serial: Any) -> None:
    assert refused(act(sid=1, serial=serial), "serial") and proxy.connections == 0


@pytest.mark.only("oracle")
def test_a_sid_alone_is_whoever_has_it_now(act: Act, make: Make, proxy: Wire) -> None:
    (bystander,) = make()
    result = act(sid=bystander.sid)
    assert untouched(bystander) and proxy.connections == 0
    assert refused(result, "serial")


@pytest.mark.only("oracle")
def test_the_right_sid_with_another_serial(act: Act, make: Make, proxy: Wire) -> None:
    (bystander,) = make()
    result = act(sid=bystander.sid, serial=bystander.serial - 1)
    assert untouched(bystander) and nothing_sent(proxy)
    assert not result["failed"] and not result["changed"]
    assert [row["outcome"] for row in result["sessions"]] == ["gone"]
    now = f"its sid now belongs to session {bystander.sid},{bystander.serial}"
    assert any(now in warning for warning in result["warnings"])


@pytest.mark.only("oracle")
def test_the_right_sid_and_serial_of_another_instance(act: Act, make: Make, proxy: Wire) -> None:
    (bystander,) = make()
    result = act(sid=bystander.sid, serial=bystander.serial, inst_id=bystander.inst_id + 1)
    assert untouched(bystander) and nothing_sent(proxy)
    assert not result["changed"] and [row["outcome"] for row in result["sessions"]] == ["gone"]


@pytest.mark.only("oceanbase", "oceanbase_oracle")
def test_inst_id_is_refused(act: Act, make: Make, proxy: Wire) -> None:
    (bystander,) = make()
    result = act(sid=bystander.id, inst_id=1)
    assert untouched(bystander) and proxy.connections == 0
    assert refused(result, "inst_id") and "leave it out" in result["msg"]


def test_a_number_that_the_server_would_cut_to_32_bits(acting: Acting, act: Act, make: Make, proxy: Wire) -> None:
    (bystander,) = make()
    named = acting.named(bystander)
    result = act(**named | {"sid": bystander.id + 2**32})
    assert untouched(bystander) and proxy.connections == 0
    assert refused(result, "sid") and "the largest is " in result["msg"]
    for number in set(named) - {"sid"}:
        result = act(**named | {number: named[number] + 2**32})
        assert untouched(bystander) and nothing_sent(proxy) and not result.get("changed")


BAD_OPTIONS = [
    ("match", {}),
    ("sessions", {"sid": 1, "sessions": {"sessions": [], "database": {}}}),
    ("serial", {"serial": 1, "match": {"username": "APP"}}),
    ("inst_id", {"sid": 1, "serial": 1, "inst_id": "one"}),
    ("exclude[0].usernam", {"sid": 1, "serial": 1, "exclude": [{"usernam": "APP"}]}),
    ("protect[0].username", {"sid": 1, "serial": 1, "protect": [{"username": None}]}),
    ("limit", {"match": {"username": "APP"}, "limit": 0}),
    ("keep", {"match": {"username": "APP"}, "keep": 1}),
    ("max_sessions", {"sid": 1, "serial": 1, "max_sessions": "many"}),
    ("max_percent", {"sid": 1, "serial": 1, "max_percent": 101}),
    ("wait_timeout", {"sid": 1, "serial": 1, "wait_timeout": "1w"}),
    ("login_timeout", {"sid": 1, "serial": 1, "login_timeout": 0}),
    ("call_timeout", {"sid": 1, "serial": 1, "call_timeout": True}),
    ("sessions_max_age", {"sessions": {"sessions": [], "database": {}}, "sessions_max_age": "soon"}),
    ("sessions", {"sessions": [1, 2]}),
    ("sessions[0]", {"sessions": {"sessions": [{"sid": 1}], "database": {}}}),
    ("login_dsn", {"sid": 1, "serial": 1, "login_dsn": "root:secret@db1:2881"}),
    ("login_dsn", {"sid": 1, "serial": 1, "login_dsn": None}),
    ("login_user", {"sid": 1, "serial": 1, "login_user": None}),
]


@pytest.mark.shared
@pytest.mark.parametrize(("option", "bad"), BAD_OPTIONS, ids=json.dumps)
def test_bad_option(act: Act, proxy: Wire, option: str, bad: dict[str, Any]) -> None:
    assert refused(act(**bad), option) and proxy.connections == 0


def test_unknown_option_and_guard(act: Act, proxy: Wire) -> None:
    for bad in ({"allow": ["own"]}, {"allow": ["background"]}, {"usernam": "APP"}):
        result = act(sid=1, serial=1, **bad)
        assert result["failed"] and next(iter(bad)) in result["msg"] and proxy.connections == 0


# --- saved sessions that are not those of this database any more


@pytest.mark.parametrize(
    ("what", "option", "words"),
    [
        ("dbid", "sessions", "listed in another database"),
        ("container", "sessions", "listed in another database"),
        ("startup_time", "sessions", "was restarted"),
        ("taken_at", "sessions", "longer than sessions_max_age"),
        ("mask", "sessions[0].username", "Ansible masked it"),
    ],
)
def test_saved_sessions(
    act: Act, make: Make, proxy: Wire, run_module: Any, db_user: Any, what: str, option: str, words: str
) -> None:
    (bystander,) = make()
    saved = run_module("session_info", {"match": {"username": db_user["user"]}})
    if what == "mask":
        saved["sessions"][0]["username"] = "app_********"
    elif what.endswith(("_at", "_time")):
        if saved["database"][what] is None:
            # OceanBase in Oracle mode does not tell when it started.
            words = "lacks startup_time"
        saved["database"][what] = "2026-01-01T00:00:00.000+00:00"
    else:
        saved["database"][what] = "another"
    result = act(sessions=saved)
    assert untouched(bystander) and nothing_sent(proxy)
    assert refused(result, option) and words in result["msg"]


def test_saved_sessions_grow_old(act: Act, make: Make, proxy: Wire, run_module: Any, db_user: Any) -> None:
    (bystander,) = make()
    saved = run_module("session_info", {"match": {"username": db_user["user"]}})
    assert refused(act(sessions=saved, sessions_max_age=0), "sessions")
    assert untouched(bystander) and nothing_sent(proxy)
