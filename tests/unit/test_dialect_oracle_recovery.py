# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server still rolls back for dead processes, from recorded rows of V$FAST_START_TRANSACTIONS."""

from __future__ import annotations

from typing import Any

import pytest
from unit.test_dialect_oracle_snapshot import session_list

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_recovery import recovering
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

ROW = {
    "INST_ID": 1,
    "USN": 7,
    "SLT": 12,
    "SEQ": 2104,
    "STATE": "RECOVERING",
    "UNDOBLOCKSDONE": 480,
    "UNDOBLOCKSTOTAL": 600,
    "CPUTIME": 48,
}


def asked(row: dict[str, Any] | None = None, **kind: Any) -> tuple[str, list[dict[str, Any]]]:
    """The query, and what its one row comes out as."""
    queries: list[str] = []
    found = recovering(lambda query: queries.append(query) or [{**ROW, **(row or {})}], session_list(**kind))
    return queries[0], found


def test_a_row() -> None:
    assert asked()[1] == [
        {
            "inst_id": 1,
            "usn": 7,
            "slot": 12,
            "sequence": 2104,
            "state": "recovering",
            "undo_blocks_done": 480,
            "undo_blocks_total": 600,
            "eta_seconds": 12.0,
        }
    ]


@pytest.mark.parametrize(
    "row", [{"UNDOBLOCKSDONE": 0}, {"UNDOBLOCKSDONE": None}, {"CPUTIME": 0}, {"CPUTIME": None}], ids=str
)
def test_nothing_is_guessed(row: dict[str, Any]) -> None:
    (found,) = asked({"STATE": "TO BE RECOVERED", **row})[1]
    assert found["state"] == "to be recovered" and found["eta_seconds"] is None


def test_the_views_of_all_instances_where_there_are_several() -> None:
    assert (
        "f.inst_id AS inst_id" in asked(several=True)[0]
        and "FROM gv$fast_start_transactions f" in asked(several=True)[0]
    )
    assert "1 AS inst_id" in asked()[0] and "FROM v$fast_start_transactions f" in asked()[0]


@pytest.mark.parametrize(("several", "view"), [(False, "V_$"), (True, "GV_$")])
@pytest.mark.parametrize("code", [942, 1031])
def test_a_missing_grant_is_named(code: int, several: bool, view: str) -> None:
    def ask(_query: str) -> list[dict[str, Any]]:
        raise StatementFailed(f"ORA-{code:05d}: no", code)

    with pytest.raises(
        BadOption, match=rf"^include: recovery .*GRANT SELECT ON SYS\.{view.replace('$', '[$]')}FAST_START"
    ):
        recovering(ask, session_list(several=several))


def test_another_error_stays_what_it_is() -> None:
    def ask(_query: str) -> list[dict[str, Any]]:
        raise StatementFailed("ORA-00600: internal", 600)

    with pytest.raises(StatementFailed, match="ORA-00600"):
        recovering(ask, session_list())


def test_a_dialect_that_does_not_show_it_says_so() -> None:
    with pytest.raises(BadOption, match=r"^include: oceanbase_mysql does not show the recovery"):
        OceanBaseMySQL().recovering(lambda _query: [])
