# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of server_process_kill: what is read, and that all else is refused in one sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils import values
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.request import (
    BadOption,
    Request,
    Target,
    parse_request,
)

ROW = {"spid": "3859", "oracle_sid": "SHOP", "logon_seconds": 5402.0}
MASK = "********"
# Whatever a variable or a template may come out as.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["3859", "30m", MASK]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


def parse(**options: Any) -> Request:
    return parse_request(options)


def refusal(**options: Any) -> str:
    with pytest.raises(BadOption) as refused:
        parse(**options)
    sentence = str(refused.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def test_rows_as_results_carry_them() -> None:
    whole = {**ROW, "host": "db1.example.com", "kind": "dedicated", "sid": 30, "serial": 15, "inst_id": 1, "node": "x"}
    request = parse(processes=[whole, {**ROW, "spid": 3860, "looked_seconds_ago": "2m"}])
    assert request.targets == [
        Target(3859, "SHOP", 5402.0, 0.0, "dedicated", "db1.example.com", {"sid": 30, "serial": 15, "inst_id": 1}),
        Target(3860, "SHOP", 5402.0, 120.0, "dedicated", None, {}),
    ]
    assert (request.signals, request.grace, request.patterns, request.owner) == (("TERM", "KILL"), 30.0, (), None)


def test_one_process() -> None:
    assert parse(spid=3859, oracle_sid="SHOP", logon_seconds="90m").targets == [Target(3859, "SHOP", 5400.0)]
    assert parse(spid="3859", oracle_sid="SHOP").targets == [Target(3859, "SHOP", None)]


@pytest.mark.parametrize(
    ("session", "named"),
    [
        ({}, "process 3859 of SHOP"),
        ({"sid": 30, "serial": 15}, "process 3859 of SHOP, session 30,15"),
        ({"sid": 30, "serial": 15, "inst_id": 1, "username": "APP"}, "process 3859 of SHOP, session 30,15,@1 APP"),
        ({"username": "APP"}, "process 3859 of SHOP, APP"),
    ],
)
def test_names_in_messages(session: dict[str, Any], named: str) -> None:
    assert Target(3859, "SHOP", session=session).named() == named


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({}, "processes: say which processes are meant"),
        ({"processes": [ROW], "spid": 1}, "processes: say which processes are meant"),
        ({"processes": [ROW], "oracle_sid": "SHOP"}, "oracle_sid: it belongs to spid"),
        ({"processes": [ROW], "logon_seconds": 1}, "logon_seconds: it belongs to spid"),
        ({"processes": ROW}, "processes: {"),
        ({"processes": [ROW, None]}, "processes[1]: None is not a dictionary"),
        ({"processes": ["3859"]}, "processes[0]: '3859' is not a dictionary"),
        ({"spid": 3859}, "oracle_sid: it is missing"),
        ({"spid": 0, "oracle_sid": "SHOP"}, "spid: 0 is not the id of a process; they go from 1"),
        ({"spid": 3859, "oracle_sid": "SHOP", "logon_seconds": True}, "logon_seconds: True is not a duration"),
        ({"processes": [ROW], "signals": []}, "signals: [] cannot be used"),
        ({"processes": [ROW], "signals": ["KILL", "TERM"]}, "signals: ['KILL', 'TERM'] cannot be used"),
        ({"processes": [ROW], "signals": ["TERM", "TERM"]}, "signals: "),
        ({"processes": [ROW], "signals": ["INT"]}, "signals: ['INT'] cannot be used; write [TERM], "),
        ({"processes": [ROW], "grace": "soon"}, "grace: 'soon' is not a duration"),
        ({"processes": [ROW], "grace": True}, "grace: True is not a duration"),
        ({"processes": [ROW], "grace": -1}, "grace: -1 is not a duration"),
        ({"processes": [ROW], "owner": " "}, "owner: ' ' is no text"),
        ({"processes": [ROW], "process_pattern": "~("}, "process_pattern: '~(' is not a regular expression"),
        ({"processes": [ROW], "process_pattern": 7}, "process_pattern: 7 is no text"),
        ({"processes": [ROW], "process_pattern": []}, "process_pattern: [] is no text"),
        ({"processes": [ROW], "process_pattern": "*"}, "process_pattern: '*' fits any process"),
        ({"processes": [ROW], "process_pattern": ["oracleSHOP*", "~.*"]}, "process_pattern: '~.*' fits any process"),
        ({"processes": [ROW], "process_pattern": "~(x|)"}, "process_pattern: '~(x|)' fits any process"),
    ],
)
def test_what_is_refused(options: dict[str, Any], begins: str) -> None:
    assert refusal(**options).startswith(begins)


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        *(
            ({"spid": value}, "processes[0].spid: ")
            for value in (True, False, None, 3859.0, "", " 3859", "3859_3860", "0x1f", "1e3", "٣٨", "-5", 0, -5, MASK)
        ),
        ({"spid": "9" * 41}, "processes[0].spid: "),
        ({"spid": 2**22 + 1}, "processes[0].spid: 4194305 is not the id of a process; they go from 1 to 4194304."),
        ({"spid": [3859]}, "processes[0].spid: [3859] is not the id of a process; write digits only"),
        *(
            ({"oracle_sid": value}, "processes[0].oracle_sid: ")
            for value in (None, "", 7, True, "+ASM", "a b", "a\n", MASK)
        ),
        ({"oracle_sid": "-MGMTDB"}, "processes[0].oracle_sid: '-MGMTDB' is not the name of a database instance"),
        *(
            ({"logon_seconds": value}, "processes[0].logon_seconds: ")
            for value in (None, True, -1, "x", float("nan"), float("inf"), 10**12, MASK)
        ),
        *(({"looked_seconds_ago": value}, "processes[0].looked_seconds_ago: ") for value in (None, False, "soon", -1)),
        ({"kind": 1}, "processes[0].kind: 1 is not text"),
        ({"host": ["db1"]}, "processes[0].host: ['db1'] is not text"),
        ({"username": f"app_{MASK}"}, "processes[0].username: Ansible masked it"),
    ],
)
def test_rows_that_are_refused(changes: dict[str, Any], begins: str) -> None:
    assert refusal(processes=[{**ROW, **changes}]).startswith(begins)


@pytest.mark.parametrize("name", ["spid", "oracle_sid", "logon_seconds"])
def test_what_rows_must_have(name: str) -> None:
    row = {key: value for key, value in ROW.items() if key != name}
    assert refusal(processes=[row]) == (
        f"processes[0].{name}: it is missing; give spid, oracle_sid and logon_seconds, as results do."
    )


@pytest.mark.parametrize(
    ("written", "fits", "misses"),
    [
        ("oracleSHOP (LOCAL=NO)", "oracleSHOP (LOCAL=NO)", "oracleSHOP (LOCAL=NO) x"),
        ("oracleSHOP (*", "oracleSHOP (LOCAL=YES)", "oracleSHOP2 (LOCAL=YES)"),
        ("oracle[SHOP] ?", "oracle[SHOP] x", "oracleS x"),
        ("~oracleSHOP .*", "oracleSHOP (LOCAL=NO)", "an oracleSHOP (LOCAL=NO)"),
    ],
)
def test_patterns_fit_the_whole_name(written: str, fits: str, misses: str) -> None:
    (pattern,) = parse(processes=[ROW], process_pattern=written).patterns
    assert pattern.fullmatch(fits) and not pattern.fullmatch(misses)


@given(name=st.sampled_from([*ROW, "looked_seconds_ago", "kind", "host", "sid", "username"]), value=ANYTHING)
def test_any_value_is_read_or_refused_in_one_sentence(name: str, value: Any) -> None:
    try:
        (target,) = parse(processes=[{**ROW, name: value}]).targets
    except BadOption as refused:
        assert str(refused).startswith(f"processes[0].{name}: ") and "\n" not in str(refused)
        return
    assert not isinstance(target.spid, bool) and 1 <= target.spid <= 2**22
    assert re.fullmatch(r"[A-Za-z0-9_$#]+", target.oracle_sid)
    assert 0 <= target.logon_seconds < 10**10 and 0 <= target.looked_seconds_ago < 10**10
    if name == "spid":
        assert not isinstance(value, bool) and str(value).lstrip("0") == str(target.spid)


@given(value=ANYTHING)
def test_durations_are_those_of_the_other_modules(value: Any) -> None:
    try:
        expected = values.seconds(value, "grace")
    except values.BadOption:
        if value is not None:
            refusal(processes=[ROW], grace=value)
    else:
        assert parse(processes=[ROW], grace=value).grace == expected
