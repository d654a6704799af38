# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter plan: select, guard and plan on a saved snapshot."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from unit.builders import DATABASE, oracle_running, oracle_session, running, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.filter.plan import FilterModule, plan
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import OUTCOMES

EVERYBODY = snapshot(
    session(1),
    running(2),
    session(3, username="OTHER"),
    session(4, own=True),
    session(5, oracle_maintained=True),
    session(6, status="killed"),
    unavailable={"program": "not listed", "undo_records": "not listed"},
)


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"plan": plan}


def test_planned_refused_and_spared() -> None:
    found = plan(saved(EVERYBODY), {"match": {"username": "APP_1", "idle": 60}})
    assert [(row["sid"], row["outcome"], row["statement"], row["verb"]) for row in found["sessions"]] == [
        (4, "refused", None, "kill"),
        (5, "refused", None, "kill"),
        (1, "planned", "KILL 1", "kill"),
    ]
    assert {row["sid"]: row["reason"] for row in found["spared"]} == {
        2: "idle is none, the rule wants 60",
        3: "username is 'OTHER', the rule wants 'APP_1'",
        6: "already killed; a rule sees such sessions only when it names status: killed",
    }
    assert found["counts"] == {**dict.fromkeys(OUTCOMES, 0), "planned": 1, "refused": 2}
    assert found["matched"] == 3


def test_every_option_of_a_rule() -> None:
    found = plan(
        saved(EVERYBODY),
        {
            "match": {"username": ["APP_1", "OTHER"]},
            "exclude": [{"username": "OTHER"}],
            "protect": [{"status": "active"}],
            "allow": ["system_users"],
            "pick": "longest_idle",
            "limit": 4,
            "keep": 1,
            "per": "username",
            "max_sessions": 2,
            "max_percent": 50,
            "verb": "kill",
        },
    )
    # Of 1, 2, 4 and 5 the running one is the most recently used and kept.
    assert {row["sid"]: row["outcome"] for row in found["sessions"]} == {1: "planned", 4: "refused", 5: "planned"}


def test_cancel_with_and_without_a_sql_id() -> None:
    for options in ({}, {"sql_id": "A" * 32}):
        found = plan(saved(EVERYBODY), {"match": {"active": 1}, "verb": "cancel", **options})
        assert [row["statement"] for row in found["sessions"]] == ["KILL QUERY 2"]
    found = plan(saved(EVERYBODY), {"match": {"active": 1}, "verb": "cancel", "sql_id": "B" * 32})
    assert [row["outcome"] for row in found["sessions"]] == ["unchanged"]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({}, "rule: it is empty"),
        ("username: A", "rule: 'username: A' is not a dictionary"),
        (None, "rule: None is not a dictionary"),
        ({"limit": 1}, "match: say which sessions are meant"),
        ({"match": {"user": "A"}}, "match.user: there is no such key"),
        ({"match": {"username": None}}, "match.username: it is null"),
        ({"match": {"username": ""}}, "match.username: it is empty"),
        ({"match": {"username": "~("}}, "match.username: '~(' is not a regular expression"),
        ({"match": {"idle": "10x"}}, "match.idle: '10x' is not a duration"),
        ({"match": {"idle": 0}}, "match: the rule does not narrow"),
        ({"match": {"username": "APP_1"}, "max_sessions": 1}, "max_sessions: the rule picks 2 sessions"),
        ({"match": {"username": "APP_1"}, "max_percent": 1}, "max_percent: the rule picks 2 of 6 user sessions"),
        ({"match": {"program": "x"}}, "program: it cannot be seen here"),
        ({"match": {"idle": 1}, "exclude": [{"program": "x"}]}, "program: it cannot be seen here"),
        ({"match": {"idle": 1}, "protect": [{"program": "x"}]}, "program: it cannot be seen here"),
        ({"match": {"idle": 1}, "exclude": ""}, "exclude[0]: '' is not a dictionary"),
        ({"match": {"idle": 1}, "max_rollback_records": 1}, "max_rollback_records: undo_records, which it needs,"),
        ({"match": {"idle": 1}, "keep": 1, "per": "program"}, "per: program, which it needs,"),
        ({"match": {"idle": 1}, "verb": "end"}, "verb: 'end' is not a verb; use one of kill, disconnect, cancel"),
        (
            {"match": {"idle": 1}, "verb": "disconnect"},
            "dialect: OceanBase has no DISCONNECT SESSION; use session_kill",
        ),
        ({"match": {"idle": 1}, "force": True}, "force: the KILL of OceanBase has no such option; leave it out"),
        ({"match": {"idle": 1}, "force": "yes"}, "force: 'yes' is not a boolean; write true or false"),
        ({"match": {"idle": 1}, "post_transaction": True}, "post_transaction: a rule to kill has no such option; it"),
        (
            {"match": {"idle": 1}, "verb": "disconnect", "immediate": False},
            "immediate: a disconnect is either immediate or post_transaction; set one of them to true",
        ),
        ({"match": {"idle": 1}, "verb": None}, "verb: it is null"),
        ({"match": {"idle": 1}, "exclude": None}, "exclude: it is null"),
        (
            {"match": {"idle": 1}, "verb": "cancel", "sql_id": "1 OR 1"},
            "sql_id: '1 OR 1' is not a sql_id of oceanbase_mysql; copy it",
        ),
        (
            {"match": {"idle": 1}, "sql_id": "A" * 32},
            "sql_id: a rule to kill has no such option; it has match, exclude,",
        ),
        ({"sid": 1}, "sid: a rule to kill has no such option; it has match, exclude,"),
        ({"match": {"idle": 1}, "limits": 1}, "limits: a rule to kill has no such option; it has match, exclude,"),
    ],
)
def test_refused_rules(rule: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        plan(saved(EVERYBODY), rule)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        "text",
        {},
        {"sessions": []},
        {"database": dict(DATABASE)},
        {"sessions": [], "database": []},
    ],
)
def test_what_is_no_snapshot(result: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="plan: it takes the result of session_info"):
        plan(result, {"match": {"idle": 1}})


def test_rows_that_do_not_tell_who_they_are() -> None:
    result = saved(EVERYBODY)
    for field, value, sentence in (
        ("client_port", None, "it lacks the identity of its session"),
        ("username", "********", "Ansible masked it"),
        ("sid", 4294968696, "sid: 4294968696 is no session id"),
        ("sid", "12; DROP", "sessions[0].sid: '12; DROP' is not a whole number"),
        ("sid", True, "sessions[0].sid: True is not a whole number"),
    ):
        bad = copy.deepcopy(result)
        bad["sessions"][0][field] = value
        if value is None:
            del bad["sessions"][0][field]
        with pytest.raises(AnsibleFilterError) as error:
            plan(bad, {"match": {"idle": 1}})
        assert sentence in str(error.value)


def test_a_snapshot_of_no_dialect() -> None:
    result = {"sessions": [], "database": {**DATABASE, "dialect": None}}
    with pytest.raises(AnsibleFilterError, match=r"dialect: .*there is no None"):
        plan(result, {"match": {"idle": 1}})


ORACLE = {"dialect": "oracle", "version": "19.3.0.0.0", "name": "SHOP", "container": "SHOP", "instances": [1]}


def test_a_snapshot_of_oracle_database_goes_by_its_version() -> None:
    found = saved(snapshot(oracle_session(1), oracle_running(2), **ORACLE))
    idle, active = {"match": {"idle": 1}}, {"match": {"active": 1}}
    for options, statement in (
        (idle, "ALTER SYSTEM KILL SESSION '1,15,@1' IMMEDIATE"),
        ({**idle, "immediate": False, "noreplay": True}, "ALTER SYSTEM KILL SESSION '1,15,@1' NOREPLAY"),
        ({**idle, "force": True, "allow_undocumented": True}, "ALTER SYSTEM KILL SESSION '1,15,@1' FORCE"),
        ({**idle, "verb": "disconnect"}, "ALTER SYSTEM DISCONNECT SESSION '1,15' IMMEDIATE"),
        ({**active, "verb": "cancel"}, "ALTER SYSTEM CANCEL SQL '2, 15, @1, 7h35uxf5uhmm1'"),
    ):
        assert [row["statement"] for row in plan(found, options)["sessions"]] == [statement]
    with pytest.raises(
        AnsibleFilterError, match=r"force: it exists since Oracle Database 23ai, and this is 19\.3\.0\.0\.0"
    ):
        plan(found, {**idle, "force": True})
    found["database"]["version"] = "23.26.1.0.0"
    (row,) = plan(found, {**idle, "force": True})["sessions"]
    assert row["statement"] == "ALTER SYSTEM KILL SESSION '1,15,@1' FORCE"
    found["database"]["version"] = None
    with pytest.raises(
        AnsibleFilterError, match="force: it exists since Oracle Database 23ai, and this is of an unknown"
    ):
        plan(found, {**idle, "force": True})


def test_a_snapshot_of_amazon_rds_has_its_own_statements() -> None:
    found = saved(snapshot(oracle_session(1), **{**ORACLE, "dialect": "oracle_rds"}))
    (row,) = plan(found, {"match": {"idle": 1}})["sessions"]
    assert row["statement"].startswith("BEGIN rdsadmin.rdsadmin_util.kill(sid => 1, serial => 15, ")


@pytest.mark.parametrize(("guard", "evidence"), [("background", "process"), ("parallel_servers", "coordinator")])
def test_what_a_saved_snapshot_could_not_tell_holds_everybody_back(guard: str, evidence: str) -> None:
    where = snapshot(oracle_session(1), oracle_session(2), unavailable={evidence: "missing privilege: x"}, **ORACLE)
    found = plan(saved(where), {"match": {"idle": 1}})
    assert {(row["sid"], row["outcome"], row["statement"]) for row in found["sessions"]} == {
        (1, "refused", None),
        (2, "refused", None),
    }
    assert {row["reason"] for row in found["sessions"]} == {
        f"{guard}: whether it is one cannot be seen here (the snapshot does not tell it)"
    }


def test_a_snapshot_of_every_container_needs_one_named() -> None:
    result = saved(snapshot(session(1), all_containers=True))
    with pytest.raises(AnsibleFilterError, match=r"match\.container: "):
        plan(result, {"match": {"idle": 1}})
    assert len(plan(result, {"match": {"idle": 1, "container": "sys"}})["sessions"]) == 1


def test_arguments_are_left_as_they_are() -> None:
    result, rule = saved(EVERYBODY), {"match": {"username": "APP_1"}, "verb": "cancel", "allow": ["killed"]}
    before = copy.deepcopy((result, rule))
    plan(result, rule)
    assert (result, rule) == before
