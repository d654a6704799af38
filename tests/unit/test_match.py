# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Match dictionaries: what each key asks, what fits, what is refused, and which keys narrow."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import running, session

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS, parse_match, parse_matches
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

TEXT_KEYS = (
    "username schema os_user machine client_address program module action client_identifier client_info service "
    "resource_group container status type server command sql_id sql_text event wait_class"
).split()
FOLDED = ("username", "schema", "container", "service", "resource_group")
LEAST = {
    "idle": "idle_seconds",
    "active": "active_seconds",
    "sql_active": "sql_active_seconds",
    "logon_age": "logon_seconds",
    "temp_mb": "temp_mb",
    "pga_mb": "pga_mb",
}
FLAGS = ("in_transaction", "blocking", "blocked", "root_blocker")


def fits(match: dict[str, Any], one: Session) -> bool:
    return parse_match(match).fits(one)


def blocker(longest: float = 10.0, waiters: int = 2, root: bool = True, **fields: Any) -> Session:
    return session(blocking={"waiters": waiters, "longest_seconds": longest, "root": root}, **fields)


def test_the_keys_are_those_of_the_contract() -> None:
    assert set(KEYS) == {
        *TEXT_KEYS,
        "locked_object",
        *LEAST,
        *("transaction_age", "undo_records", "waiters", "blocking_for", "inst_id"),
        *FLAGS,
        "blocked_by",
    }


# --- text


# These take the words that exist for them and nothing else.
CLOSED = {"status": "inactive", "type": "background", "server": "shared"}
OPEN_KEYS = [key for key in TEXT_KEYS if key not in CLOSED]


@pytest.mark.parametrize(("key", "word"), CLOSED.items())
def test_a_word_that_no_session_can_have_is_refused(key: str, word: str) -> None:
    assert fits({key: word}, Session(**{key: word})) and fits({key: f"{word[:3]}*"}, Session(**{key: word}))
    assert not fits({key: word}, Session(**{key: "other"}))
    for wrong in (word.upper(), "idle", f"~{word}x", [word, "gone"]):
        with pytest.raises(BadOption, match=f"fits no {key} there is; those are .*{word}"):
            parse_match({key: wrong})


@pytest.mark.parametrize("key", OPEN_KEYS)
def test_every_text_key_reads_its_own_field(key: str) -> None:
    one = Session(**{**dict.fromkeys(TEXT_KEYS, "other"), key: "wanted"})
    assert fits({key: "wanted"}, one)
    assert not fits({key: "want"}, one)
    assert not fits({key: "anted"}, one)


@pytest.mark.parametrize("key", OPEN_KEYS)
@pytest.mark.parametrize("pattern", ["*", "~.*", "None", "?*"])
def test_null_never_satisfies_a_text_condition(key: str, pattern: str) -> None:
    assert not fits({key: pattern}, Session(**dict.fromkeys(TEXT_KEYS)))


@pytest.mark.parametrize("key", OPEN_KEYS)
def test_upper_case_is_folded_where_the_database_folds_it(key: str) -> None:
    assert fits({key: "App_*"}, Session(**{key: "APP_7"})) is (key in FOLDED)
    assert fits({key: "~app_[0-9]"}, Session(**{key: "APP_7"})) is (key in FOLDED)
    assert fits({key: "APP_7"}, Session(**{key: "app_7"})) is (key in FOLDED)


@pytest.mark.parametrize("key", FOLDED)
def test_double_quotes_make_a_folded_key_exact_in_case(key: str) -> None:
    assert fits({key: '"App_?"'}, Session(**{key: "App_7"}))
    assert not fits({key: '"App_?"'}, Session(**{key: "APP_7"}))
    assert fits({key: '"~App_[0-9]"'}, Session(**{key: "App_7"}))
    assert not fits({key: '"~App_[0-9]"'}, Session(**{key: "app_7"}))


def test_double_quotes_are_plain_characters_in_other_keys() -> None:
    assert fits({"program": '"x"'}, session(program='"x"'))
    assert not fits({"program": '"x"'}, session(program="x"))
    assert fits({"username": '"'}, session(username='"'))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("sqlplus", "sqlplus", True),
        ("sqlplus", "sqlplus@db", False),
        ("sqlplus*", "sqlplus", True),
        ("sqlplus*", "sqlplus@db", True),
        ("*plus", "sqlplus", True),
        ("sql?lus", "sqlplus", True),
        ("sql?lus", "sqllus", False),
        ("*", "two\nlines", True),
        # What is special in a regular expression is not special in a glob, and nothing but * and ? is special in one.
        ("a.c", "abc", False),
        ("a.c", "a.c", True),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("!a", "b", False),
        ("a|b", "a", False),
        ("(x86) $", "(x86) $", True),
        ("a\\*", "a\\b", True),
        # One pattern, commas and all.
        ("a,b", "a,b", True),
        ("a,b", "a", False),
        ("APP_1,APP_2", "APP_1", False),
        # Anchored at both ends, and only the first tilde is ours.
        ("~sql", "sqlplus", False),
        ("~plus", "sqlplus", False),
        ("~sql.*", "sqlplus", True),
        ("~a|b", "ab", False),
        ("~a|b", "b", True),
        ("~sql$", "sql\n", False),
        ("~[0-9]{2},[0-9]", "12,3", True),
        ("a~b", "a~b", True),
        ("~~x", "~x", True),
    ],
)
def test_patterns(pattern: str, text: str, expected: bool) -> None:
    assert fits({"program": pattern}, session(program=text)) is expected


# --- numbers, durations, flags


@pytest.mark.parametrize(("key", "field"), LEAST.items())
def test_thresholds_are_inclusive_and_null_never_reaches_them(key: str, field: str) -> None:
    assert fits({key: 60}, Session(**{field: 60.0}))
    assert fits({key: 60}, Session(**{field: 61}))
    assert not fits({key: 60}, Session(**{field: 59.9}))
    assert not fits({key: 60}, Session())


@pytest.mark.parametrize(("key", "field"), LEAST.items())
def test_zero_means_any_such_session(key: str, field: str) -> None:
    assert fits({key: 0}, Session(**{field: 0.0}))
    assert not fits({key: 0}, Session())


def test_an_idle_session_has_no_active_time_and_the_other_way_round() -> None:
    assert fits({"idle": 0}, session()) and not fits({"active": 0}, session())
    assert fits({"active": 0, "sql_active": 0}, running()) and not fits({"idle": 0}, running())


def test_transaction_conditions() -> None:
    within = session(transaction={"age_seconds": 90.0, "undo_records": 5})
    unread = session(transaction={"age_seconds": None, "undo_records": None})
    without = session()
    assert fits({"transaction_age": "90s"}, within) and not fits({"transaction_age": 91}, within)
    assert fits({"undo_records": 5}, within) and not fits({"undo_records": 6}, within)
    for key in ("transaction_age", "undo_records"):
        assert fits({key: 0}, within)
        assert not fits({key: 0}, unread)
        assert not fits({key: 0}, without)
    assert [fits({"in_transaction": True}, each) for each in (within, unread, without)] == [True, True, False]
    assert [fits({"in_transaction": False}, each) for each in (within, unread, without)] == [False, False, True]


@pytest.mark.parametrize(("longest", "counts"), [(0.0, False), (2.999, False), (3.0, True), (60.0, True)])
def test_a_blocker_counts_from_three_seconds(longest: float, counts: bool) -> None:
    one = blocker(longest)
    for condition in ({"blocking": True}, {"root_blocker": True}, {"waiters": 1}, {"blocking_for": 0}):
        assert fits(condition, one) is counts, condition
    for condition in ({"blocking": False}, {"root_blocker": False}):
        assert fits(condition, one) is not counts, condition


def test_waiters_and_their_longest_wait() -> None:
    assert fits({"waiters": 2, "blocking_for": 10}, blocker())
    assert not fits({"waiters": 3}, blocker())
    assert not fits({"blocking_for": "11s"}, blocker())
    for key in ("waiters", "blocking_for"):
        assert not fits({key: 0}, session())


def test_a_root_blocker_is_itself_not_blocked() -> None:
    middle = blocker(root=False, blocked_by={"inst_id": None, "sid": 7})
    assert fits({"blocking": True, "blocked": True, "root_blocker": False}, middle)
    assert not fits({"root_blocker": True}, middle)
    assert fits({"root_blocker": True, "blocked": False}, blocker())


def test_blocked_by_names_the_holder() -> None:
    one = session(blocked_by={"inst_id": 2, "sid": 7})
    assert fits({"blocked_by": {"sid": 7}}, one)
    assert fits({"blocked_by": {"sid": "7", "inst_id": 2}}, one)
    assert not fits({"blocked_by": {"sid": 8}}, one)
    assert not fits({"blocked_by": {"sid": 7, "inst_id": 1}}, one)
    assert not fits({"blocked_by": {"sid": 7}}, session())


def test_inst_id_is_an_equality() -> None:
    assert fits({"inst_id": 2}, session(inst_id=2)) and fits({"inst_id": [1, "2"]}, session(inst_id=2))
    assert not fits({"inst_id": 1}, session(inst_id=2)) and not fits({"inst_id": 1}, session())


def test_locked_object_asks_every_object() -> None:
    one = session(locked_objects=["APP.A", "APP.B"])
    assert fits({"locked_object": "APP.B"}, one) and fits({"locked_object": ["X.*", "APP.?"]}, one)
    assert not fits({"locked_object": "APP.C"}, one)
    assert not fits({"locked_object": "*"}, session())


# --- together


def test_all_keys_must_hold_and_one_member_of_a_list_is_enough() -> None:
    match = {"username": ["A", "B"], "idle": "1h"}
    assert fits(match, session(username="B"))
    assert not fits(match, session(username="C"))
    assert not fits(match, session(username="B", idle_seconds=3599.0))


def test_a_miss_is_told_in_plain_words() -> None:
    miss = parse_match({"username": "APP_*", "idle": "2h"}).first_miss(session())
    assert miss is not None
    assert miss.miss(session()) == "idle is 3600, the rule wants '2h'"
    miss = parse_match({"module": "X"}).first_miss(session())
    assert miss is not None
    assert miss.miss(session()) == "module is empty, the rule wants 'X'"
    assert str(parse_match({"username": ["A", "B"], "idle": 5})) == "username: ['A', 'B'], idle: 5"


@pytest.mark.parametrize("key", sorted(KEYS))
@pytest.mark.parametrize("one", [Session(), session(), running(), blocker(), session(blocked_by={"sid": 7})])
def test_every_key_can_describe_every_session(key: str, one: Session) -> None:
    assert KEYS[key].describe(one)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"status": "killed"}, True),
        ({"status": ["inactive", "killed"]}, True),
        ({"status": "*"}, False),
        ({"status": "kill*"}, False),
        ({"status": "inactive"}, False),
        ({"username": "killed"}, False),
    ],
)
def test_only_the_word_itself_names_killed_sessions(match: dict[str, Any], expected: bool) -> None:
    assert parse_match(match).names_killed() is expected


def test_inst_id_does_not_narrow_and_a_holder_does() -> None:
    assert not parse_match({"inst_id": 1}).narrows()
    assert parse_match({"blocked_by": {"sid": 1}}).narrows()
    assert not parse_match(
        {"status": "inactive", "command": "Sleep", "in_transaction": False, "username": "*"}
    ).narrows()
    assert parse_match({"status": "inactive", "username": "A"}).narrows()


# --- what is refused


@pytest.mark.parametrize(
    ("match", "option", "cure"),
    [
        ({"user": "A"}, "match.user", "there is no such key; the keys are action, active, "),
        ({"usernames": "A"}, "match.usernames", "there is no such key; the keys are"),
        ({"Username": "A"}, "match.Username", "there is no such key; the keys are"),
        ({5: "A"}, "match", "its key 5 is not text; keys are names"),
        ({"username": None}, "match.username", "give it a value or leave the key out"),
        ({"idle": None}, "match.idle", "give it a value or leave the key out"),
        ({"blocked": None}, "match.blocked", "give it a value or leave the key out"),
        ({"username": ""}, "match.username", "give it a value or leave the key out"),
        ({"username": "  "}, "match.username", "give it a value or leave the key out"),
        ({"username": []}, "match.username", "give it a member or leave the key out"),
        ({"username": ["A", None]}, "match.username", "give it a value or leave the key out"),
        ({"username": ["A", ""]}, "match.username", "give it a value or leave the key out"),
        ({"username": ["A", ["B"]]}, "match.username", "put it in quotes"),
        ({"username": 5}, "match.username", "put it in quotes"),
        ({"username": {"A": 1}}, "match.username", "put it in quotes"),
        ({"username": '""'}, "match.username", "give it a value or leave the key out"),
        ({"username": "~"}, "match.username", "give it a value or leave the key out"),
        ({"username": "~("}, "match.username", "mend it, or drop the leading ~"),
        ({"username": "~*"}, "match.username", "mend it, or drop the leading ~"),
        ({"username": "~a{99999999999999}"}, "match.username", "mend it, or drop the leading ~"),
        ({"username": "~" + "(" * 3000 + ")" * 3000}, "match.username", "mend it, or drop the leading ~"),
        ({"username": '"~["'}, "match.username", "mend it, or drop the leading ~"),
        ({"username": "__omit_place_holder__0"}, "match.username", "leave the key out"),
        ({"idle": "10x"}, "match.idle", "such as 90, 15m or 2h"),
        ({"idle": -1}, "match.idle", "such as 90, 15m or 2h"),
        ({"idle": True}, "match.idle", "such as 90, 15m or 2h"),
        ({"idle": [60]}, "match.idle", "such as 90, 15m or 2h"),
        ({"undo_records": -1}, "match.undo_records", "the smallest is 0"),
        ({"temp_mb": "1e2"}, "match.temp_mb", "write digits only"),
        ({"waiters": True}, "match.waiters", "write digits only"),
        ({"waiters": 1.5}, "match.waiters", "write digits only"),
        ({"inst_id": 0}, "match.inst_id", "the smallest is 1"),
        ({"inst_id": []}, "match.inst_id", "give it a member or leave the key out"),
        ({"in_transaction": "false"}, "match.in_transaction", "write true or false, without quotes"),
        ({"blocked": 1}, "match.blocked", "write true or false, without quotes"),
        ({"blocked_by": 7}, "match.blocked_by", "write one key and value per condition"),
        ({"blocked_by": {}}, "match.blocked_by", "give it a condition or leave the option out"),
        ({"blocked_by": {"inst_id": 1}}, "match.blocked_by", "it takes sid, and inst_id where there are instances"),
        ({"blocked_by": {"sid": 1, "serial": 2}}, "match.blocked_by", "it takes sid, and inst_id"),
        ({"blocked_by": {"sid": "12abc"}}, "match.blocked_by.sid", "write digits only"),
        ({"blocked_by": {"sid": 0}}, "match.blocked_by.sid", "the smallest is 1"),
        ({}, "match", "give it a condition or leave the option out"),
        ("username=A", "match", "write one key and value per condition"),
        (None, "match", "write one key and value per condition"),
        ([{"username": "A"}], "match", "write one key and value per condition"),
    ],
)
def test_bad_dictionaries(match: Any, option: str, cure: str) -> None:
    with pytest.raises(BadOption) as error:
        parse_match(match)
    assert error.value.option == option
    assert str(error.value).startswith(f"{option}: ")
    assert cure in str(error.value)
    assert "\n" not in str(error.value)


def test_one_bad_key_refuses_the_whole_dictionary() -> None:
    with pytest.raises(BadOption, match=r"^match\.idle: "):
        parse_match({"username": "A", "idle": None})


def test_lists_of_dictionaries_name_the_entry() -> None:
    first, second = parse_matches([{"username": "A"}, {"idle": 5}], "exclude")
    assert (first.keys(), second.keys()) == ({"username"}, {"idle"})
    assert len(parse_matches({"username": "A"}, "exclude")) == 1
    with pytest.raises(BadOption, match=r"^exclude\[1\]\.user: there is no such key"):
        parse_matches([{"username": "A"}, {"user": "B"}], "exclude")
    for empty in ([], [{}], [None], ""):
        with pytest.raises(BadOption, match=r"^exclude"):
            parse_matches(empty, "exclude")
