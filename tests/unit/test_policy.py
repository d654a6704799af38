# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies as people write them: what they come out as, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.filter.policy import FilterModule, policy
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.policy import parse_policy
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

APP = {"username": "APP_*"}


def entry(**keys: Any) -> dict[str, Any]:
    return {"name": "apps", "match": APP, **keys}


def ladder(then: Any) -> list[tuple[str, float, float, str | None]]:
    (rule,) = parse_policy([entry(then=then)], wait_timeout="90s")
    return [(each["verb"], each["after_seconds"], each["wait_timeout"], each["on_pending"]) for each in rule["rungs"]]


def test_a_rule_of_a_name_and_a_match() -> None:
    assert parse_policy([entry()]) == [
        {
            "name": "apps",
            "options": {"match": APP, "max_sessions": 20},
            "rungs": [{"verb": "kill", "way": {}, "after_seconds": 0.0, "wait_timeout": 60.0, "on_pending": None}],
        }
    ]


def test_every_key_of_a_rule() -> None:
    keys = {
        "exclude": [{"username": "APP_PAYROLL"}],
        "pick": "longest_idle",
        "limit": 10,
        "keep": "5",
        "per": "machine",
        "max_percent": 50,
        "max_rollback_records": 1000,
        "allow": ["system_users"],
    }
    (rule,) = parse_policy([entry(**keys)])
    assert rule["options"] == {"match": APP, "max_sessions": 20, **keys}


@pytest.mark.parametrize(("of_the_rule", "effective"), [(None, 7), (3, 3), ("3", 3), (50, 7), (0, 0)])
def test_a_rule_lowers_the_limit_and_does_not_raise_it(of_the_rule: Any, effective: int) -> None:
    keys = {} if of_the_rule is None else {"max_sessions": of_the_rule}
    (rule,) = parse_policy([entry(**keys)], max_sessions="7")
    assert rule["options"]["max_sessions"] == effective


def test_what_the_role_protects_is_added() -> None:
    first, second = parse_policy(
        [entry(), entry(name="more", protect={"machine": "m*"})], protect=[{"username": "PAYROLL"}]
    )
    assert first["options"]["protect"] == [{"username": "PAYROLL"}]
    assert second["options"]["protect"] == [{"username": "PAYROLL"}, {"machine": "m*"}]


def test_a_rung_waits_until_the_next_one_has_its_turn() -> None:
    assert ladder("cancel") == [("cancel", 0.0, 90.0, None)]
    assert ladder(["kill"]) == [("kill", 0.0, 90.0, None)]
    assert ladder(["cancel", "kill"]) == [("cancel", 0.0, 90.0, "ok"), ("kill", 90.0, 90.0, None)]
    assert ladder(["cancel", {"kill": {"after": "2m"}}]) == [("cancel", 0.0, 120.0, "ok"), ("kill", 120.0, 90.0, None)]


def test_a_rung_says_how_its_verb_is_carried_out() -> None:
    then = [
        {"cancel": {"allow_undocumented": True}},
        {"disconnect": {"post_transaction": True, "after": "5s"}},
        {"kill": {"immediate": False, "server_timeout": "20"}},
        {"disconnect": {"after": "1m", "immediate": True}},
    ]
    (rule,) = parse_policy([entry(then=then)])
    assert [(each["verb"], each["way"], each["after_seconds"]) for each in rule["rungs"]] == [
        ("cancel", {"allow_undocumented": True}, 0.0),
        ("disconnect", {"post_transaction": True}, 5.0),
        ("kill", {"immediate": False, "server_timeout": "20"}, 60.0),
        ("disconnect", {"immediate": True}, 60.0),
    ]
    assert ladder(["kill", "disconnect"]) == [("kill", 0.0, 90.0, "ok"), ("disconnect", 90.0, 90.0, None)]


P = "oracle_sessions_policy"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (None, f"{P}: None is not a list of rules; "),
        ([], f"{P}: [] is not a list of rules; "),
        ("apps", f"{P}: 'apps' is not a list of rules; "),
        (entry(), f"{P}: {{'name': 'apps', "),
        (["apps"], f"{P}[0]: 'apps' is not a dictionary; "),
        ([{}], f"{P}[0]: it is empty, "),
        ([{"match": APP}], f"{P}[0].name: it is missing; "),
        ([{"name": "apps"}], f"{P}[0].match: it is missing; "),
        ([entry(name="")], f"{P}[0].name: it is empty, "),
        ([entry(name=None)], f"{P}[0].name: it is null, "),
        ([entry(name=7)], f"{P}[0].name: 7 is not text; "),
        ([entry(), entry()], f"{P}[1].name: 'apps' is the name of {P}[0] already; "),
        ([entry(), entry(name="b", match={"idle": "10x"})], f"{P}[1].match.idle: '10x' is not a duration; "),
        ([entry(match={})], f"{P}[0].match: it is empty, "),
        ([entry(match={"username": None})], f"{P}[0].match.username: it is null, "),
        ([entry(match={"user": "x"})], f"{P}[0].match.user: there is no such key; "),
        ([entry(match={"username": "~("})], f"{P}[0].match.username: '~(' is not a regular expression "),
        ([entry(exclude=None)], f"{P}[0].exclude: it is null, "),
        ([entry(exclude=[{"machine": ""}])], f"{P}[0].exclude[0].machine: it is empty, "),
        ([entry(protect=[{"machin": "m"}])], f"{P}[0].protect[0].machin: there is no such key; "),
        ([entry(keep=5)], f"{P}[0].keep: keep and per go together"),
        ([entry(keep=5, per="os_user")], f"{P}[0].per: 'os_user' is not something to group by; "),
        ([entry(pick="some")], f"{P}[0].pick: 'some' is not a way to pick; "),
        ([entry(limit=True)], f"{P}[0].limit: True is not a whole number; "),
        ([entry(limit=-1)], f"{P}[0].limit: -1 is too small; "),
        ([entry(max_sessions="3_0")], f"{P}[0].max_sessions: '3_0' is not a whole number; "),
        ([entry(max_percent=101)], f"{P}[0].max_percent: 101 is more than all sessions; "),
        ([entry(allow=["own"])], f"{P}[0].allow: 'own' is not a guard that can be lifted; "),
        ([entry(sid=30)], f"{P}[0].sid: a rule has no such key; "),
        ([entry(wait_timeout=5)], f"{P}[0].wait_timeout: a rule has no such key; "),
        ([entry(then=None)], f"{P}[0].then: it is null, "),
        ([entry(then=[])], f"{P}[0].then: it is an empty list, "),
        ([entry(then=["shoot"])], f"{P}[0].then[0]: 'shoot' is not a verb; this version has cancel, "),
        ([entry(then=[["kill"]])], f"{P}[0].then[0]: ['kill'] is not a verb; "),
        ([entry(then=["disconnect", "kill"])], f"{P}[0].then[1]: kill cannot follow disconnect; a ladder goes up, in "),
        ([entry(then=["disconnect", "disconnect"])], f"{P}[0].then[1]: disconnect cannot follow disconnect; "),
        (
            [entry(then=["kill", {"disconnect": {"post_transaction": True}}])],
            f"{P}[0].then[1]: disconnect with post_transaction cannot follow kill; ",
        ),
        ([entry(then=[{"kill": {"force": "yes"}}])], f"{P}[0].then[0].kill.force: 'yes' is not a boolean; "),
        ([entry(then=[{"kill": {"force": None}}])], f"{P}[0].then[0].kill.force: it is null, "),
        (
            [entry(then=[{"kill": {"server_timeout": "1m"}}])],
            f"{P}[0].then[0].kill.server_timeout: '1m' is not a whole ",
        ),
        ([entry(then=[{"kill": {"post_transaction": True}}])], f"{P}[0].then[0].kill.post_transaction: a rung has no "),
        ([entry(then=[{"cancel": {"sql_id": "x"}}])], f"{P}[0].then[0].cancel.sql_id: a rung has no such setting; "),
        (
            [entry(then=[{"disconnect": {"immediate": False}}])],
            f"{P}[0].then[0].disconnect.immediate: a disconnect is ",
        ),
        ([entry(then=["kill", "cancel"])], f"{P}[0].then[1]: cancel cannot follow kill; "),
        ([entry(then=["kill", "kill"])], f"{P}[0].then[1]: kill cannot follow kill; "),
        ([entry(then=[{"kill": {"after": "5s"}}])], f"{P}[0].then[0].kill.after: there is nothing before the first "),
        ([entry(then=["cancel", {"kill": {}}])], f"{P}[0].then[1].kill: it is empty, "),
        ([entry(then=["cancel", {"kill": None}])], f"{P}[0].then[1].kill: None is not a dictionary; "),
        ([entry(then=["cancel", {"kill": {"after": None}}])], f"{P}[0].then[1].kill.after: it is null, "),
        ([entry(then=["cancel", {"kill": {"after": True}}])], f"{P}[0].then[1].kill.after: True is not a duration; "),
        ([entry(then=["cancel", {"kill": {"when": 5}}])], f"{P}[0].then[1].kill.when: a rung has no such setting; "),
        ([entry(then=["cancel", {"kill": {"after": 1}, "x": 1}])], f"{P}[0].then[1]: "),
    ],
)
def test_bad_input(rules: Any, sentence: str) -> None:
    with pytest.raises(BadOption) as refused:
        parse_policy(rules)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).startswith(f"{refused.value.option}: ")
    with pytest.raises(AnsibleFilterError, match=r"oracle_sessions_policy") as failed:
        policy(rules)
    assert str(failed.value).startswith(str(refused.value).rstrip("."))


ALIVE = "process_kill must come right after a kill or a disconnect: "
GENTLE = {"disconnect": {"post_transaction": True}}


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        (["process_kill"], f"{P}[0].then[0]: {ALIVE}it ends what the database was told to end"),
        ("process_kill", f"{P}[0].then: {ALIVE}"),
        ([{"process_kill": {"grace": 5}}, "kill"], f"{P}[0].then[0]: {ALIVE}"),
        (["cancel", "process_kill"], f"{P}[0].then[1]: {ALIVE}what a cancel leaves is not killed"),
        ([GENTLE, "process_kill"], f"{P}[0].then[1]: {ALIVE}what waits for the end of its transaction is not killed"),
        (["kill", "process_kill", "process_kill"], f"{P}[0].then[2]: process_kill cannot follow process_kill; "),
        (["kill", "process_kill", "disconnect"], f"{P}[0].then[2]: disconnect cannot follow process_kill; "),
        (
            ["kill", {"process_kill": {"force": True}}],
            f"{P}[0].then[1].process_kill.force: a rung has no such setting; ",
        ),
        (["kill", {"process_kill": {"owner": "oracle"}}], f"{P}[0].then[1].process_kill.owner: a rung has no such "),
        (
            ["kill", {"process_kill": {"allow": "x"}}],
            f"{P}[0].then[1].process_kill.allow: a rung has no such setting; ",
        ),
        (["kill", {"process_kill": {"signals": ["HUP"]}}], f"{P}[0].then[1].process_kill.signals: ['HUP'] cannot be "),
        (["kill", {"process_kill": {"signals": ["KILL", "TERM"]}}], f"{P}[0].then[1].process_kill.signals: "),
        (["kill", {"process_kill": {"signals": []}}], f"{P}[0].then[1].process_kill.signals: it is an empty list, "),
        (["kill", {"process_kill": {"signals": 9}}], f"{P}[0].then[1].process_kill.signals: [9] cannot be used; "),
        (["kill", {"process_kill": {"signals": None}}], f"{P}[0].then[1].process_kill.signals: it is null, "),
        (
            ["kill", {"process_kill": {"grace": "soon"}}],
            f"{P}[0].then[1].process_kill.grace: 'soon' is not a duration; ",
        ),
        (["kill", {"process_kill": {"grace": True}}], f"{P}[0].then[1].process_kill.grace: True is not a duration; "),
    ],
)
def test_a_process_kill_that_is_refused(then: Any, sentence: str) -> None:
    with pytest.raises(BadOption) as refused:
        parse_policy([entry(then=then)])
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("before", ["kill", "disconnect", {"disconnect": {"noreplay": True}}])
def test_a_process_kill_after_what_kills(before: Any) -> None:
    then = ["cancel", before, {"process_kill": {"after": "2m", "grace": "45s", "signals": ["TERM"]}}]
    (rule,) = parse_policy([entry(then=then)], wait_timeout=90)
    _cancel, killing, last = rule["rungs"]
    # What rolls back it leaves aside, so that somebody must speak of it.
    assert (killing["wait_timeout"], killing["on_pending"]) == (120.0, "warn")
    assert last == {
        "verb": "process_kill",
        "way": {"grace": "45s", "signals": ["TERM"]},
        "after_seconds": 120.0,
        "wait_timeout": 90.0,
        "on_pending": None,
    }
    assert ladder(["kill", "process_kill"])[1] == ("process_kill", 90.0, 90.0, None)
    assert parse_policy([entry(then=["kill", {"process_kill": {"signals": "KILL"}}])])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_sessions": "many"}, "oracle_sessions_max_sessions: 'many' is not a whole number; "),
        ({"max_sessions": None}, "oracle_sessions_max_sessions: None is not a whole number; "),
        ({"wait_timeout": "1w"}, "oracle_sessions_wait_timeout: '1w' is not a duration; "),
        ({"protect": [{"username": ""}]}, "oracle_sessions_protect[0].username: it is empty, "),
        ({"protect": "APP"}, "oracle_sessions_protect[0]: 'APP' is not a dictionary; "),
    ],
)
def test_bad_settings_of_the_role(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadOption) as refused:
        parse_policy([entry()], **settings)
    assert str(refused.value).startswith(sentence)


def test_the_filters_have_their_names() -> None:
    assert set(FilterModule().filters()) == {"policy", "policy_rung", "policy_report", "policy_audit"}
