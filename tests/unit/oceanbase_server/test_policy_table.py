# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of policies: every row is sound, says where it comes from, and is one that the code asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from servers.oceanbase import policy
from servers.oceanbase.options import Options
from servers.oceanbase.policy import CUT, POLICIES, SOURCE, checked
from servers.oracle.policy import CHOSEN, DOCUMENTED, MEASURED, Policy

PACKAGE = Path(policy.__file__).parent
ROWS = [pytest.param(row, id=row.name) for row in POLICIES.values()]
BASES = (DOCUMENTED, SOURCE, MEASURED, CHOSEN)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_sound(row: Policy) -> None:
    assert row.check(row.value) == row.value
    assert row.basis in BASES
    assert row.source or row.basis == CHOSEN
    assert row.meaning


@pytest.mark.parametrize("row", ROWS)
def test_a_row_with_a_choice_is_asked_for(row: Policy) -> None:
    """A row that can be changed is looked up by its name; one that cannot is a rule the code follows."""
    if len(row.allowed) == 1:
        return
    texts = [path.read_text() for path in PACKAGE.glob("*.py") if path.name != "policy.py"]
    assert any(f'"{row.name}"' in text for text in texts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("linger", -1),
        ("linger", "9"),
        ("linger", True),
        ("victim_busy", 942),
        ("listing", "nobody"),
        ("no_such_row", 1),
    ],
)
def test_what_a_row_does_not_take(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        checked(name, value)
    with pytest.raises(ValueError, match=name):
        Options(policies={name: value})


def test_what_a_row_takes() -> None:
    assert (checked("linger", 9), checked("victim_busy", CUT), checked("listing", "everybody")) == (9, CUT, "everybody")


@pytest.mark.parametrize("row", ROWS)
def test_the_readme_has_the_row(row: Policy) -> None:
    line = f"| `{row.name}` | `{row.value}` | {row.basis} | {row.meaning} |"
    assert line in (PACKAGE / "README.md").read_text().splitlines()


def test_the_readme_has_no_other_row_and_counts_what_they_rest_on() -> None:
    text = (PACKAGE / "README.md").read_text()
    assert sum(f"| {basis} |" in line for line in text.splitlines() for basis in BASES) == len(POLICIES)
    bases = [row.basis for row in POLICIES.values()]
    counted = ", ".join(f"{bases.count(basis)} {basis}" for basis in BASES)
    assert f"{len(bases)} rows: {counted}" in text


def test_every_row_has_a_test_of_the_server() -> None:
    """Those tests ask the table with ``rule("name")`` for what they expect."""
    folder = Path(__file__).parents[2] / "integration" / "oceanbase_server"
    text = "".join(path.read_text() for path in folder.glob("test_*.py"))
    assert [name for name in POLICIES if f'rule("{name}")' not in text] == []
