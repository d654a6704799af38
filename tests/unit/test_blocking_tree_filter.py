# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter blocking_tree, on a result of session_info or on its rows."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from unit.builders import saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.filter.blocking_tree import FilterModule, blocking_tree
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.blocking import Wait, relate


def result() -> dict[str, Any]:
    sessions = [session(sid) for sid in (1, 2, 3)]
    relate(sessions, [Wait((None, 2), (None, 1), 5.0)])
    return saved(snapshot(*sessions))


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"blocking_tree": blocking_tree}


def test_a_result_and_its_rows() -> None:
    text = blocking_tree(result())
    assert text.splitlines() == [
        "session 1  APP_1  app1  inactive  idle 3600 s  blocks 1 for up to 5 s",
        "   └─ session 2  APP_1  app1  inactive  idle 3600 s",
    ]
    assert blocking_tree(result()["sessions"]) == text
    assert blocking_tree([]) == "No session waits for a lock of another one."


@pytest.mark.parametrize("value", [None, "text", 5, {}, {"database": {}}, [5], [{"sid": 1}]])
def test_what_is_no_list_of_sessions(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"blocking_tree.*: .* give (those|rows) of (a )?session_info"):
        blocking_tree(value)


def test_masked_rows_are_refused() -> None:
    rows = result()["sessions"]
    rows[0]["username"] = "********"
    with pytest.raises(AnsibleFilterError, match=r"blocking_tree\[0\]\.username: Ansible masked it"):
        blocking_tree(rows)
