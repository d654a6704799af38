# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules return alike they describe alike: Ansible has no fragments for that, so each has the text of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.dbops.oracle_sessions.plugins.modules import session_disconnect, session_kill, sql_cancel

MODULES = {module.__name__.rpartition(".")[2]: module for module in (session_kill, session_disconnect, sql_cancel)}
# What depends on the verb.
OWN = {"sessions.outcome", "sessions.statement", "sessions.verb", "counts", "diff.after"}


def described(entries: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each returned value by its path, without its samples."""
    for name, entry in entries.items():
        yield above + name, {key: value for key, value in entry.items() if key not in ("contains", "sample")}
        yield from described(entry.get("contains", {}), f"{above}{name}.")


@pytest.mark.parametrize("name", [name for name in MODULES if name != "session_kill"])
def test_a_result_is_described_as_that_of_session_kill(name: str) -> None:
    model, other = (dict(described(yaml.safe_load(MODULES[each].RETURN))) for each in ("session_kill", name))
    assert {path: entry for path, entry in other.items() if path not in OWN} == {
        path: entry for path, entry in model.items() if path not in OWN
    }
