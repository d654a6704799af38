# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of policies: every row is sound, says where it comes from, and is one that the code asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from servers.oracle import policy
from servers.oracle.errors import MESSAGES, OracleError
from servers.oracle.options import Options
from servers.oracle.policy import CHOSEN, CLOSE, DOCUMENTED, MEASURED, POLICIES, Policy, checked, defaults

PACKAGE = Path(policy.__file__).parent
ROWS = [pytest.param(row, id=row.name) for row in POLICIES.values()]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_sound(row: Policy) -> None:
    assert row.check(row.value) == row.value
    assert row.basis in (DOCUMENTED, MEASURED, CHOSEN)
    assert row.source or row.basis == CHOSEN
    assert row.meaning
    # The shared memory keeps it as JSON.
    assert json.loads(json.dumps(row.value)) == row.value


@pytest.mark.parametrize("row", ROWS)
def test_every_error_of_a_row_has_a_message(row: Policy) -> None:
    for value in row.allowed:
        if isinstance(value, int) and not isinstance(value, bool) and value:
            assert value in MESSAGES
            assert OracleError(value, *["x"] * MESSAGES[value].count("{}")).code == value


@pytest.mark.parametrize("row", ROWS)
def test_a_row_with_a_choice_is_asked_for(row: Policy) -> None:
    """A row that can be changed is looked up by its name; one that cannot is a rule the code follows."""
    if len(row.allowed) == 1:
        return
    texts = [path.read_text() for path in PACKAGE.glob("*.py") if path.name != "policy.py"]
    # The outcomes of a victim are put together from their parts; see Session._outcome.
    name = "victim_{" if row.name.startswith("victim_") else row.name
    assert any(name in text for text in texts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kill_wait_seconds", -1),
        ("kill_wait_seconds", "60"),
        ("kill_wait_seconds", True),
        ("rollback_rate", None),
        ("victim_idle_immediate", 942),
        ("victim_idle_immediate", "shut"),
        ("cancel_idle", "all"),
        ("kill_gone", 99999),
        ("no_such_row", 1),
    ],
)
def test_what_a_row_does_not_take(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        checked(name, value)
    with pytest.raises(ValueError, match=name):
        Options(policies={name: value})


def test_what_a_row_takes() -> None:
    assert checked("kill_wait_seconds", 0) == 0
    assert checked("victim_idle_immediate", 28) == 28
    assert checked("victim_idle_immediate", CLOSE) == CLOSE
    assert checked("kill_busy_immediate", 0) == 0


def test_the_values_that_oracle_documents() -> None:
    values = defaults()
    assert (values["kill_wait_seconds"], values["kill_immediate_wait_seconds"], values["kill_force_wait_seconds"]) == (
        60, 0, 5,
    )  # fmt: skip
    assert [values[name] for name in ("kill_malformed", "kill_self", "kill_no_user_session", "kill_gone", "kill_busy")] == [
        26, 27, 29, 30, 31,
    ]  # fmt: skip
    assert (values["disconnect_bare"], values["victim_cancelled"], values["victim_idle"]) == (2000, 1013, 28)


@pytest.mark.parametrize("row", ROWS)
def test_the_readme_has_the_row(row: Policy) -> None:
    line = f"| `{row.name}` | `{row.value}` | {row.basis} | {row.meaning} |"
    assert line in (PACKAGE / "README.md").read_text().splitlines()


def test_the_readme_has_no_other_row() -> None:
    lines = (PACKAGE / "README.md").read_text().splitlines()
    assert sum(f"| {basis} |" in line for line in lines for basis in (DOCUMENTED, MEASURED, CHOSEN)) == len(POLICIES)


def test_every_row_has_a_test_of_the_server() -> None:
    """The tests of sessions ask the table with ``rule("name")`` for what they expect."""
    folder = Path(__file__).parents[2] / "integration" / "oracle_server"
    text = "".join(path.read_text() for path in folder.glob("test_life_*.py"))
    assert [name for name in POLICIES if f'rule("{name}"' not in text] == []


def test_the_readme_counts_what_rows_rest_on() -> None:
    bases = [row.basis for row in POLICIES.values()]
    counted = ", ".join(f"{bases.count(basis)} {basis}" for basis in (DOCUMENTED, MEASURED, CHOSEN))
    assert f"{len(bases)} rows: {counted}" in " ".join((PACKAGE / "README.md").read_text().split())
