# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options to rules: what a rule may say, and the sentence for everything else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from unit.builders import DATABASE, running, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import LIFTABLE
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.options import ACTING_SPEC
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import RULE_OPTIONS, parse_rule, saved_rows
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.run import fit_to_dialect
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import IDENTITY
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

A = {"username": "A"}


def refused(options: dict[str, Any], acting: bool = True) -> BadOption:
    with pytest.raises(BadOption) as error:
        fit_to_dialect(parse_rule(options, acting), OceanBaseMySQL())
    assert "\n" not in str(error.value)
    return error.value


def test_defaults() -> None:
    rule = parse_rule({"match": A})
    assert (rule.pick, rule.limit, rule.keep, rule.per) == ("all", None, None, None)
    assert (rule.max_sessions, rule.max_percent, rule.max_rollback_records) == (20, None, None)
    assert (rule.exclude, rule.protect, rule.allow, rule.wanted) == ((), (), frozenset(), ())
    assert not rule.named


def test_what_a_module_hands_over_when_nothing_is_given() -> None:
    params = {name: spec.get("default") for name, spec in ACTING_SPEC.items()}
    assert parse_rule({**params, "match": A}) == parse_rule({"match": A})


def test_every_option_is_read() -> None:
    rule = parse_rule(
        {
            "match": A,
            "exclude": [{"module": "X"}],
            "protect": [{"machine": "Y"}],
            "pick": "longest_idle",
            "limit": "3",
            "keep": 0,
            "per": "machine",
            "max_sessions": "100",
            "max_percent": 50,
            "max_rollback_records": 0,
            "allow": ["killed", "system_users"],
        }
    )
    assert (rule.pick, rule.limit, rule.keep, rule.per) == ("longest_idle", 3, 0, "machine")
    assert (rule.max_sessions, rule.max_percent, rule.max_rollback_records) == (100, 50, 0)
    assert rule.allow == {"killed", "system_users"}
    assert [each.keys() for each in rule.matches()] == [{"username"}, {"module"}, {"machine"}]
    assert rule.keys() == {"username", "module", "machine", "idle", "undo_records"}
    assert parse_rule({"match": A, "allow": "killed"}).allow == {"killed"}


def test_what_a_rule_needs_comes_from_every_option() -> None:
    options = {"match": {**A, "idle": 1}, "exclude": [{"blocked": True}], "protect": [{"sql_text": "x"}]}
    rule = parse_rule({**options, "pick": "oldest", "keep": 1, "per": "service", "max_rollback_records": 5})
    assert rule.needs() == [
        ("idle", "idle"),
        ("username", "username"),
        ("blocked", "blocked"),
        ("sql_text", "sql_text"),
        ("pick", "logon_age"),
        ("per", "service"),
        ("max_rollback_records", "undo_records"),
    ]
    assert rule.keys() == {key for _option, key in rule.needs()}
    assert parse_rule({"match": A}).keys() == {"username"}
    assert parse_rule({"match": A, "pick": "longest_idle"}).keys() == {"username", "idle"}


def test_the_offline_options_are_options_of_the_modules() -> None:
    assert set(RULE_OPTIONS) <= set(ACTING_SPEC)


@pytest.mark.parametrize(
    ("options", "option", "cure"),
    [
        ({}, "match", "give sid, sessions or match"),
        ({"match": None}, "match", "give sid, sessions or match"),
        ({"exclude": [A]}, "match", "give sid, sessions or match"),
        ({"match": {}}, "match", "give it a condition or leave the option out"),
        ({"match": {"user": "A"}}, "match.user", "there is no such key"),
        ({"match": A, "exclude": [{"username": None}]}, "exclude[0].username", "give it a value"),
        ({"match": A, "exclude": [A, {}]}, "exclude[1]", "give it a condition"),
        ({"match": A, "exclude": {}}, "exclude[0]", "give it a condition"),
        ({"match": A, "exclude": ""}, "exclude[0]", "write one key and value per condition"),
        ({"match": A, "exclude": False}, "exclude[0]", "write one key and value per condition"),
        ({"match": A, "protect": ""}, "protect[0]", "write one key and value per condition"),
        ({"match": A, "protect": [{"idle": "10x"}]}, "protect[0].idle", "such as 90, 15m or 2h"),
        ({"match": A, "pick": "first"}, "pick", "use one of all, oldest, newest, longest_idle"),
        ({"match": A, "per": "schema", "keep": 1}, "per", "use one of username, program, machine, service"),
        ({"match": A, "keep": 1}, "keep", "keep and per go together"),
        ({"match": A, "per": "machine"}, "keep", "keep and per go together"),
        ({"match": A, "keep": -1, "per": "machine"}, "keep", "the smallest is 0"),
        ({"match": A, "limit": 0}, "limit", "the smallest is 1"),
        ({"match": A, "limit": True}, "limit", "write digits only"),
        ({"match": A, "max_sessions": "1e2"}, "max_sessions", "write digits only"),
        ({"match": A, "max_sessions": -1}, "max_sessions", "the smallest is 0"),
        ({"match": A, "max_percent": 0}, "max_percent", "the smallest is 1"),
        ({"match": A, "max_percent": 101}, "max_percent", "write 1 to 100"),
        ({"match": A, "max_percent": 12.5}, "max_percent", "write digits only"),
        ({"match": A, "max_rollback_records": "many"}, "max_rollback_records", "write digits only"),
        ({"match": A, "allow": ["own"]}, "allow", f"those are {', '.join(LIFTABLE)}"),
        ({"match": A, "allow": ["background"]}, "allow", f"those are {', '.join(LIFTABLE)}"),
        ({"match": A, "allow": "own"}, "allow", f"those are {', '.join(LIFTABLE)}"),
        ({"match": A, "allow": ["protect"]}, "allow", f"those are {', '.join(LIFTABLE)}"),
        ({"match": A, "allow": [["killed"]]}, "allow", f"those are {', '.join(LIFTABLE)}"),
        ({"match": A, "serial": 5}, "serial", "give sid as well"),
        ({"match": A, "inst_id": 1}, "inst_id", "give sid as well"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, cure: str) -> None:
    error = refused(options)
    assert error.option == option
    assert str(error).startswith(f"{option}: ")
    assert cure in str(error)


# --- sid


@pytest.mark.parametrize(
    "sid", ["12abc", -1, "-1", 0, "0", True, "true", "3_0", "1e2", 30.0, "30.0", "12; DROP", "", " 30", [30]]
)
def test_bad_sids(sid: Any) -> None:
    error = refused({"sid": sid})
    assert error.option == "sid"
    assert "write digits only, such as 30" in str(error) or "the smallest is 1" in str(error)


@pytest.mark.parametrize("sid", [4294967296, 4294968696, "4294968696", 2**64, "9" * 40])
def test_a_sid_that_the_server_would_cut_to_32_bits(sid: Any) -> None:
    error = refused({"sid": sid})
    assert str(error) == f"sid: {sid} is no session id here, the largest is 4294967295; copy the id from session_info."


@pytest.mark.parametrize(("sid", "number"), [(1, 1), ("3221487726", 3221487726), (4294967295, 4294967295)])
def test_good_sids(sid: Any, number: int) -> None:
    rule, warnings = fit_to_dialect(parse_rule({"sid": sid}), OceanBaseMySQL())
    assert [each.sid for each in rule.wanted] == [number]
    assert rule.named
    assert warnings == []


def test_a_serial_is_dropped_with_a_warning_where_there_is_none() -> None:
    rule, warnings = fit_to_dialect(parse_rule({"sid": 30, "serial": 15}), OceanBaseMySQL())
    assert rule.wanted[0].serial is None
    assert warnings == [
        "serial 15 was dropped: oceanbase_mysql has no serial#; the session is known by its client's address and port."
    ]
    assert refused({"sid": 30, "serial": "1_5"}).option == "serial"
    assert refused({"sid": 30, "serial": 0}).option == "serial"


def test_instances_are_refused_where_there_are_none() -> None:
    assert "leave it out" in str(refused({"sid": 30, "inst_id": 1}))


def test_a_listing_needs_no_target() -> None:
    assert parse_rule({}, acting=False).match is None
    assert refused({"sid": "x"}, acting=False).option == "sid"


def test_match_beside_an_identity_is_kept_as_an_assertion() -> None:
    rule = parse_rule({"sid": 30, "match": A})
    assert rule.named
    assert rule.match is not None
    assert rule.match.keys() == {"username"}


# --- saved results


def test_a_saved_result_names_its_sessions() -> None:
    result = saved(snapshot(session(30), running(31)))
    rule = parse_rule({"sessions": result, "sessions_max_age": "5m"})
    assert rule.named
    assert rule.origin is not None
    assert rule.origin.max_age == 300
    assert rule.origin.database == result["database"]
    assert [(each.sid, each.seen.identity) for each in rule.wanted if each.seen] == [
        (30, session(30).identity),
        (31, running(31).identity),
    ]


def test_an_empty_saved_result_means_nobody() -> None:
    rule = parse_rule({"sessions": saved(snapshot())})
    assert rule.named and rule.wanted == ()


def test_sessions_and_sid_exclude_each_other() -> None:
    assert refused({"sid": 1, "sessions": saved(snapshot())}).option == "sessions"


@pytest.mark.parametrize(
    "result",
    [
        [],
        [session(30).row()],
        {},
        {"sessions": []},
        {"sessions": [], "database": None},
        {"sessions": [], "database": []},
        {"database": dict(DATABASE)},
        "sessions",
        5,
    ],
)
def test_what_is_no_saved_result(result: Any) -> None:
    error = refused({"sessions": result})
    assert str(error).startswith("sessions: give a registered result of session_info")


@pytest.mark.parametrize("rows", ["30", {"sid": 30}, 5, None])
def test_what_is_no_list_of_rows(rows: Any) -> None:
    assert "give those of a session_info result" in str(refused({"sessions": {"sessions": rows, "database": DATABASE}}))


@pytest.mark.parametrize("name", IDENTITY)
def test_rows_without_their_identity(name: str) -> None:
    row = session(30).row()
    del row[name]
    error = refused({"sessions": {"sessions": [session(29).row(), row], "database": DATABASE}})
    assert error.option == "sessions[1]"
    assert "give rows of session_info, or of an acting module run with detail: full" in str(error)


@pytest.mark.parametrize("mask", ["********", "10.0.0.********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"])
@pytest.mark.parametrize("name", ["username", "client_address", "machine", "sid", "client_port"])
def test_masked_rows(name: str, mask: str) -> None:
    row = {**session(30).row(), name: mask}
    error = refused({"sessions": {"sessions": [row], "database": DATABASE}})
    assert error.option == f"sessions[0].{name}"
    assert "list the sessions with another password or user" in str(error)


@pytest.mark.parametrize(
    ("name", "value"), [("idle_seconds", "x"), ("client_port", "40030"), ("transaction", True), ("blocking", [3])]
)
def test_saved_rows_that_were_tampered_with(name: str, value: Any) -> None:
    error = refused({"sessions": {"sessions": [{**session(30).row(), name: value}], "database": DATABASE}})
    assert error.option == f"sessions[0].{name}"
    assert "give the rows as they were returned" in str(error)


@pytest.mark.parametrize("sid", [0, -1, "12; DROP", True, 30.0, None])
def test_saved_rows_with_bad_sids(sid: Any) -> None:
    row = {**session(30).row(), "sid": sid}
    assert refused({"sessions": {"sessions": [row], "database": DATABASE}}).option == "sessions[0].sid"


def test_a_saved_sid_that_became_text_is_the_number_again() -> None:
    (one,) = saved_rows([{**session(30).row(), "sid": "30"}], "sessions")
    assert one.sid == 30 and isinstance(one.sid, int)


def test_a_saved_sid_beyond_32_bits() -> None:
    row = {**session(30).row(), "sid": 4294968696}
    assert refused({"sessions": {"sessions": [row], "database": DATABASE}}).option == "sid"


def test_saved_rows_are_left_as_they_are() -> None:
    result = saved(snapshot(session(30)))
    before = copy.deepcopy(result)
    parse_rule({"sessions": result})
    assert result == before


def test_closed_sessions_are_known_by_identity() -> None:
    rule = parse_rule({"match": A, "closed_sessions": [session(30).row()]})
    assert rule.closed == {session(30).identity}
    assert refused({"match": A, "closed_sessions": [{"sid": 30}]}).option == "closed_sessions[0]"


def test_parsing_leaves_the_options_as_they_are() -> None:
    options = {"match": {"username": ["A"]}, "exclude": [{"idle": "1h"}], "allow": ["killed"]}
    before = copy.deepcopy(options)
    parse_rule(options)
    assert options == before
