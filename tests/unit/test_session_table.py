# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of sessions that people read."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from unit.builders import running, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.filter.session_table import FilterModule, session_table


def test_who_matters_most_comes_first() -> None:
    everyone = snapshot(
        session(100, idle_seconds=7.9),
        session(101, idle_seconds=273000.0, username=None, machine=None, protected_by="no_username"),
        running(102, module="nightly", active_seconds=245.0, transaction={"age_seconds": None, "undo_records": None}),
        running(
            103,
            blocked_by={"inst_id": None, "sid": 104},
            active_seconds=7800.0,
            transaction={"age_seconds": 7801.0, "undo_records": None},
        ),
        session(
            104,
            machine="a-name-that-is-longer-than-a-column.example.com",
            blocking={"waiters": 1, "longest_seconds": 7800.0, "root": True},
            transaction={"age_seconds": 86400.0, "undo_records": None},
        ),
    )
    assert session_table(saved(everyone)).splitlines() == [
        "sid  user   machine                       program  status         doing  in transaction  blocked by  protected by",
        "───  ─────  ────────────────────────────  ───────  ────────  ──────────  ──────────────  ──────────  ────────────",
        "104  APP_1  a-name-that-is-longer-than-…  -        inactive  idle 1h00m           1d00h  -           -",
        "103  APP_1  app1                          -        active    runs 2h10m           2h10m  104         -",
        "102  APP_1  app1                          nightly  active    runs 4m05s             yes  -           -",
        "101  -      -                             -        inactive  idle 3d03h               -  -           no_username",
        "100  APP_1  app1                          -        inactive     idle 7s               -  -           -",
    ]


def test_instances_are_shown_where_there_are_any() -> None:
    rows = [session(30, serial=15, inst_id=2, blocked_by={"inst_id": 1, "sid": 7}).row()]
    assert session_table(rows).splitlines()[2].split()[0] == "30,15,@2"
    assert "7,@1" in session_table(rows)


def test_nothing_to_show() -> None:
    assert session_table({"sessions": []}) == "No sessions."


@pytest.mark.parametrize("bad", [None, "text", {}, [{"sid": 1}], [7]])
def test_what_is_no_listing_is_refused(bad: object) -> None:
    with pytest.raises(AnsibleFilterError, match=r"session_table"):
        session_table(bad)


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"session_table": session_table}
