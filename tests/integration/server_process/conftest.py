# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes with the names of Oracle's, and the module server_process_kill among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.named_processes import NOBODY, Cast, NamedProcess, age, server_name

from ..conftest import launch

MODULE = "ansible_collections.dbops.oracle_sessions.plugins.modules.server_process_kill"
PACKAGE = "ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process"
# What an interpreter runs before the module, in its place.
WITHOUT_PIDFD = f"from {PACKAGE} import linux; linux._pidfd_calls = lambda: (None, None)"
# As on Pythons that have no functions for it.
BY_SYSTEM_CALL = "import os, signal; del os.pidfd_open, signal.pidfd_send_signal"
AS_NOBODY = f"import os, {MODULE}; os.setgid({NOBODY}); os.setuid({NOBODY})"
SERVER = server_name("SHOP")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="processes of other users take root")


def ours(text: str) -> str:
    """The same with SHOP, and what is named like it, under names of our own: other tests run on this host meanwhile."""
    return re.sub(r"(?i)sho(?=p|\b)", lambda found: f"{os.getpid()}{found[0]}", text)


SID = ours("SHOP")


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Cast]:
    with Cast(tmp_path, rename=ours) as started:
        yield started


@pytest.fixture
def pmon(cast: Cast) -> NamedProcess:
    """The instance SHOP, which a test that asks for nobody else's has on this host."""
    return cast.start("ora_pmon_SHOP")


def kill(*rows: dict[str, Any], before: str = "", check: bool = False, **options: Any) -> dict[str, Any]:
    """Runs the module on these processes; ``before`` is Python that runs in its process first."""
    asked = {"processes": list(rows), **options} if rows else options
    script = f"import sys; del sys.argv[1:]\n{before}\nfrom {MODULE} import main\nmain()"
    python = ("-c", script) if before else ()
    return launch("server_process_kill", asked, check=check, diff=True, python=python).result()


def row(process: NamedProcess | int, **keys: Any) -> dict[str, Any]:
    """A process as results carry it, with the age of its session as the database would tell it."""
    pid = process if isinstance(process, int) else process.pid
    return {
        "spid": str(pid),
        "oracle_sid": SID,
        "logon_seconds": float(round(age(pid))),
        "kind": "dedicated",
        **keys,
    }


def outcomes(result: dict[str, Any]) -> list[str]:
    return [each["outcome"] for each in result["processes"]]


def assert_refused(result: dict[str, Any], reason: str) -> None:
    """The one process of the call was left alone, and the task says why."""
    assert result["failed"] and not result["changed"]
    (found,) = result["processes"]
    assert found["outcome"] == "refused" and found["signals"] == []
    assert ours(reason) in found["reason"] and ours(reason) in result["msg"].splitlines()[0]
    assert result["counts"]["refused"] == 1
