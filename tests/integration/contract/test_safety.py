# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module refuses to do. Each test has a bystander that dies when its rule is not kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from servers.actors import Session, wait_until
from servers.proxy import Proxy
from servers.seekdb import Seekdb

from .conftest import Acting, statements, untouched

Act = Callable[..., dict[str, Any]]
Make = Callable[..., list[Session]]

OUR_SESSIONS = "SELECT ID FROM oceanbase.V$OB_PROCESSLIST WHERE MODULE = 'dbops.oracle_sessions'"


def refused(result: dict[str, Any], option: str) -> bool:
    """Whether the whole run was refused because of this option, in words, and without a traceback."""
    assert result["failed"] and not result.get("changed"), result
    assert "Traceback" not in json.dumps(result)
    return bool(result["msg"].startswith(f"{option}: "))


# --- guards


def test_system_users_are_held_back_and_the_others_are_not(
    acting: Acting, act: Act, make: Make, proxy: Proxy, db_user: dict[str, str]
) -> None:
    (bystander,) = make(user="root", password="", database="test")
    (victim,) = make(database="test")
    match = {"username": [db_user["user"], "ROOT"], "schema": "test", **acting.rule}
    result = act(match=match)
    assert untouched(bystander) and acting.dead(victim)
    assert statements(proxy) == [acting.of(victim)]
    rows = {row["sid"]: row for row in result["sessions"]}
    assert (rows[bystander.id]["outcome"], rows[victim.id]["outcome"]) == ("refused", "ended")
    assert rows[bystander.id]["statement"] is None
    assert rows[bystander.id]["reason"].startswith("system_users: its user belongs to the database itself")
    assert not result["failed"], "a guard in the way of a rule is no failure"
    lifted = act(match=match, allow=["system_users"])
    assert acting.dead(bystander) and lifted["counts"]["ended"] == 1


def test_a_held_back_session_that_was_named_fails_the_task(acting: Acting, act: Act, make: Make, proxy: Proxy) -> None:
    (bystander,) = make(user="root", password="")
    result = act(sid=bystander.id)
    assert untouched(bystander) and not statements(proxy)
    assert result["failed"] and not result["changed"]
    assert "system_users" in result["msg"] and result["sessions"][0]["outcome"] == "refused"


def test_protected_sessions_are_held_back(acting: Acting, act: Act, make: Make, rule: Any, proxy: Proxy) -> None:
    (victim,), (bystander,) = make(), make(database="test")
    result = act(match=rule, protect=[{"schema": "test"}])
    assert untouched(bystander) and acting.dead(victim) and statements(proxy) == [acting.of(victim)]
    (row,) = [row for row in result["sessions"] if row["sid"] == bystander.id]
    assert row["outcome"] == "refused" and row["reason"] == "protect: protected by schema: 'test'"


def test_excluded_sessions_are_left_alone(acting: Acting, act: Act, make: Make, rule: Any, proxy: Proxy) -> None:
    (victim,), (bystander,) = make(), make(database="test")
    result = act(match=rule, exclude=[{"username": "NOBODY"}, {"schema": "te*"}])
    assert untouched(bystander) and acting.dead(victim) and statements(proxy) == [acting.of(victim)]
    assert [row["sid"] for row in result["sessions"]] == [victim.id]


def test_own_session_named_by_sid(acting: Acting, act: Act, server: Seekdb, proxy: Proxy) -> None:
    # The server counts up: the next login, which is the module's, has the next id unless somebody else was faster.
    for _turn in range(10):
        with server.connect() as connection:
            following = connection.thread_id() + 1
        result = act(sid=following, allow=["system_users"])
        if result["sessions"][0]["outcome"] != "gone":
            break
    assert result["failed"] and not result["changed"] and not statements(proxy)
    assert result["sessions"][0]["outcome"] == "refused"
    assert result["sessions"][0]["reason"] == "own: it is our own session, or another run of this collection"


def test_another_run_of_this_collection(
    acting: Acting, act: Act, start_module: Callable[..., Any], server: Seekdb, proxy: Proxy
) -> None:
    before = {row[0] for row in server.sql(OUR_SESSIONS)}
    with Proxy(server.host, server.port) as other:
        with other.hold(lambda text: "SELECT NOW(6)" in text):
            bystander = start_module("session_info", {"login_dsn": other.dsn})
            started = wait_until(lambda: {row[0] for row in server.sql(OUR_SESSIONS)} - before, what="the other run")
            result = act(match={"module": "dbops.oracle_sessions"}, allow=["system_users"])
            named = act(sid=started.pop(), allow=["system_users"])
        assert not bystander.result()["failed"] and other.connections == 1
    assert not statements(proxy)
    assert {row["outcome"] for row in result["sessions"]} == {"refused"} and not result["failed"]
    assert named["failed"] and named["sessions"][0]["reason"].startswith("own: ")


# --- limits of a run


@pytest.mark.parametrize("match", [{"status": "*"}, {"username": "*"}, {"idle": 0}, {"in_transaction": False}])
def test_a_rule_that_does_not_narrow(acting: Acting, act: Act, make: Make, proxy: Proxy, match: dict[str, Any]) -> None:
    (bystander,) = make()
    result = act(match=match, max_sessions=1000)
    assert untouched(bystander) and not statements(proxy)
    assert refused(result, "match") and "allow: [unfiltered]" in result["msg"]
    assert not result["counts"]["ended"]


def test_more_than_max_sessions(act: Act, make: Make, rule: dict[str, Any], proxy: Proxy) -> None:
    bystanders = make(3)
    result = act(match=rule, max_sessions=2)
    assert all(untouched(bystander) for bystander in bystanders) and not statements(proxy)
    assert refused(result, "max_sessions") and "picks 3 sessions, more than the 2 allowed" in result["msg"]
    assert [row["sid"] for row in result["sessions"]] == [bystander.id for bystander in bystanders]
    assert all(row["outcome"] == "refused" and row["statement"] is None for row in result["sessions"])


def test_max_sessions_counts_what_is_left_after_the_guards(
    acting: Acting, act: Act, make: Make, rule: dict[str, Any]
) -> None:
    victims, (spared,) = make(2), make(database="test")
    result = act(match=rule, max_sessions=2, protect=[{"schema": "test"}])
    assert all(acting.dead(victim) for victim in victims) and untouched(spared) and not result["failed"]


def test_more_than_max_percent(act: Act, make: Make, rule: dict[str, Any], proxy: Proxy) -> None:
    bystanders = make(3)
    result = act(match=rule, max_percent=1)
    assert all(untouched(bystander) for bystander in bystanders) and not statements(proxy)
    assert refused(result, "max_percent")


def test_default_limit_is_twenty(act: Act, make: Make, rule: dict[str, Any], proxy: Proxy) -> None:
    bystanders = make(21)
    result = act(match=rule)
    assert all(untouched(bystander) for bystander in bystanders) and not statements(proxy)
    assert refused(result, "max_sessions")


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


@pytest.mark.parametrize(("option", "bad"), BAD_MATCHES, ids=json.dumps)
def test_bad_match(act: Act, make: Make, rule: dict[str, Any], proxy: Proxy, option: str, bad: dict[str, Any]) -> None:
    (bystander,) = make()
    # A module that dropped the bad condition would be left with a rule that narrows, and fits the bystander.
    result = act(match={**rule, "client_address": "127.*", **bad} if bad else bad)
    assert untouched(bystander) and proxy.connections == 0
    assert refused(result, option)


BAD_SIDS = ["12abc", -1, "-1", 0, True, "true", "3_0", "1e2", 30.0, "30.0", "12; DROP", "0x1f", " 30", "٣٠", "", []]


@pytest.mark.parametrize("sid", BAD_SIDS, ids=json.dumps)
def test_bad_sid(act: Act, proxy: Proxy, sid: Any) -> None:
    assert refused(act(sid=sid), "sid") and proxy.connections == 0


def test_a_sid_that_the_server_would_cut_to_32_bits(act: Act, make: Make, proxy: Proxy) -> None:
    (bystander,) = make()
    result = act(sid=bystander.id + 2**32)
    assert untouched(bystander) and proxy.connections == 0
    assert refused(result, "sid") and "the largest is 4294967295" in result["msg"]


BAD_OPTIONS = [
    ("match", {}),
    ("sessions", {"sid": 1, "sessions": {"sessions": [], "database": {}}}),
    ("serial", {"serial": 1, "match": {"username": "APP"}}),
    ("inst_id", {"sid": 1, "inst_id": 1}),
    ("exclude[0].usernam", {"sid": 1, "exclude": [{"usernam": "APP"}]}),
    ("protect[0].username", {"sid": 1, "protect": [{"username": None}]}),
    ("limit", {"match": {"username": "APP"}, "limit": 0}),
    ("keep", {"match": {"username": "APP"}, "keep": 1}),
    ("max_sessions", {"sid": 1, "max_sessions": "many"}),
    ("max_percent", {"sid": 1, "max_percent": 101}),
    ("wait_timeout", {"sid": 1, "wait_timeout": "1w"}),
    ("login_timeout", {"sid": 1, "login_timeout": 0}),
    ("call_timeout", {"sid": 1, "call_timeout": True}),
    ("sessions_max_age", {"sessions": {"sessions": [], "database": {}}, "sessions_max_age": "soon"}),
    ("sessions", {"sessions": [1, 2]}),
    ("sessions[0]", {"sessions": {"sessions": [{"sid": 1}], "database": {}}}),
    ("login_dsn", {"sid": 1, "login_dsn": "root:secret@db1:2881"}),
    ("login_dsn", {"sid": 1, "login_dsn": "db1"}),
    ("login_dsn", {"sid": 1, "login_dsn": None}),
    ("login_user", {"sid": 1, "login_user": None}),
    ("dialect", {"sid": 1, "serial": 1, "dialect": "oracle"}),
]


@pytest.mark.parametrize(("option", "bad"), BAD_OPTIONS, ids=json.dumps)
def test_bad_option(act: Act, proxy: Proxy, option: str, bad: dict[str, Any]) -> None:
    assert refused(act(**bad), option) and proxy.connections == 0


def test_unknown_option_and_guard(act: Act, proxy: Proxy) -> None:
    for bad in ({"allow": ["own"]}, {"allow": ["background"]}, {"usernam": "APP"}):
        result = act(sid=1, **bad)
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
    act: Act, make: Make, proxy: Proxy, run_module: Any, db_user: Any, what: str, option: str, words: str
) -> None:
    (bystander,) = make()
    saved = run_module("session_info", {"match": {"username": db_user["user"]}})
    if what == "mask":
        saved["sessions"][0]["username"] = "app_********"
    elif what.endswith(("_at", "_time")):
        saved["database"][what] = "2026-01-01T00:00:00.000+00:00"
    else:
        saved["database"][what] = "another"
    result = act(sessions=saved)
    assert untouched(bystander) and not statements(proxy)
    assert refused(result, option) and words in result["msg"]


def test_saved_sessions_grow_old(act: Act, make: Make, proxy: Proxy, run_module: Any, db_user: Any) -> None:
    (bystander,) = make()
    saved = run_module("session_info", {"match": {"username": db_user["user"]}})
    assert refused(act(sessions=saved, sessions_max_age=0), "sessions")
    assert untouched(bystander) and not statements(proxy)
