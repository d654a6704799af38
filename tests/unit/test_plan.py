# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact statement for each session, and the sessions for which there is nothing to send."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import outcomes, planned, rule, running, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.registry import DIALECTS, find
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, KILL, Way, check_sql_id, plan
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

SQL_ID = "A" * 32


@pytest.mark.parametrize("sid", [1, 30, 2**31 - 1, 2**31, 3221487726, 2**32 - 1])
def test_kill_and_cancel(sid: int) -> None:
    dialect = OceanBaseMySQL()
    assert [each.statement for each in plan([session(sid)], Way(KILL), dialect)] == [f"KILL {sid}"]
    assert [each.statement for each in plan([running(sid)], Way(CANCEL), dialect)] == [f"KILL QUERY {sid}"]


@pytest.mark.parametrize("sid", [0, -1, 2**32, 4294968696, 2**64, True, 30.0, "12; DROP", "30 OR 1", None])
def test_no_statement_for_an_id_that_the_server_would_misread(sid: Any) -> None:
    for verb in (KILL, CANCEL):
        with pytest.raises(BadOption, match=r"^sid: "):
            OceanBaseMySQL().statement(Way(verb), Session(sid=sid))


def test_a_kill_is_planned_whatever_the_session_does() -> None:
    report = planned(snapshot(session(1), running(2)), rule(match={"username": "APP_1"}))
    assert [each.statement for each in report.outcomes] == ["KILL 1", "KILL 2"]
    assert outcomes(report) == {1: "planned", 2: "planned"}
    assert {each.verb for each in report.outcomes} == {"kill"}


@pytest.mark.parametrize(
    ("one", "sql_id", "outcome", "reason"),
    [
        (running(), None, "planned", "would be sent"),
        (running(), SQL_ID, "planned", "would be sent"),
        (running(), "B" * 32, "unchanged", f"it runs {SQL_ID}, not {'B' * 32}"),
        (session(), None, "unchanged", "it runs nothing"),
        (session(), SQL_ID, "unchanged", "it runs nothing"),
        (
            running(sql_id=None),
            None,
            "refused",
            "what it runs has no sql_id, so it cannot be told from the next statement",
        ),
    ],
)
def test_cancel(one: Session, sql_id: str | None, outcome: str, reason: str) -> None:
    (found,) = planned(snapshot(one), rule(sid=30), CANCEL, sql_id).outcomes
    assert (found.outcome, found.reason, found.verb) == (outcome, reason, "cancel")
    assert found.statement == ("KILL QUERY 30" if outcome == "planned" else None)


@pytest.mark.parametrize("sql_id", ["", "a" * 32, "A" * 31, "A" * 33, "A" * 31 + ";", "0123456789abc", "A" * 32 + "\n"])
def test_bad_sql_ids(sql_id: str) -> None:
    with pytest.raises(
        BadOption, match=r"(?s)^sql_id: .*copy it from session_info \(32 characters of 0-9 and A-F\)\.$"
    ):
        check_sql_id(OceanBaseMySQL(), sql_id)


def test_good_sql_ids() -> None:
    check_sql_id(OceanBaseMySQL(), None)
    check_sql_id(OceanBaseMySQL(), "BCDAC2647DAB9F33F5CA2F5FCB96FE26")


def test_dialects_by_their_names() -> None:
    for name in DIALECTS:
        assert find(name).name == name
    for name in ("mysql", "", None, "OceanBase", "Oracle"):
        with pytest.raises(BadOption, match=r"^dialect: there is no .*; use one of oracle, "):
            find(name)
