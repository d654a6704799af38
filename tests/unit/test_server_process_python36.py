# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module server_process_kill on Python 3.6, which hosts of databases have, where this machine has one.

From ansible-core 2.17 on, hosts need a later Python: the oldest core that we support is the one to ask.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from servers.named_processes import Cast, server_name

WORK = Path(__file__).resolve().parents[2] / ".work"
# Other tests, which run at the same time, are on this host as well.
SID = f"SHOP{os.getpid()}"
ANSIBLE = WORK / "venv216" / "bin" / "ansible"


def find_python36() -> str | None:
    """One that runs: a pyenv may have a python3.6 on PATH that does not."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which("python3.6"), *map(str, sorted(pyenv.glob("versions/3.6*/bin/python3.6")))]
    for each in filter(None, candidates):
        asked = [each, "-c", "import sys; print(sys.version_info[:2])"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False)
        if said.stdout.strip() == "(3, 6)":
            return each
    return None


@pytest.fixture(scope="module")
def python36() -> str:
    found = find_python36()
    if not found:
        pytest.skip("there is no Python 3.6 on this machine; its syntax is checked by `make lint`")
    if not ANSIBLE.exists():
        pytest.skip("the oldest ansible-core is not installed; `make contract-2.16` does that")
    return found


def kernel_has_pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def run(python: str, options: dict[str, Any], folder: Path) -> dict[str, Any]:
    arguments = ["-m", "dbops.oracle_sessions.server_process_kill", "-a", json.dumps(options)]
    ran = subprocess.run(
        [str(ANSIBLE), "localhost", "-c", "local", "-e", f"ansible_python_interpreter={python}", *arguments],
        env=os.environ
        | {
            "ANSIBLE_COLLECTIONS_PATH": str(WORK / "collections"),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # "localhost | CHANGED => {...}"
    _host, arrow, shown = ran.stdout.partition(" => ")
    assert arrow, ran.stdout
    return json.loads(shown)


def test_it_ends_the_victim_and_nobody_else(python36: str, tmp_path: Path) -> None:
    with Cast(tmp_path) as cast:
        cast.start(f"ora_pmon_{SID}")
        victim, deaf = cast.start(server_name(SID)), cast.start(server_name(SID), deaf=True)
        bystander = cast.start(server_name(f"{SID}2"))
        rows = [
            {"spid": each.pid, "oracle_sid": SID, "logon_seconds": 0, "kind": "dedicated"}
            for each in (victim, deaf, bystander)
        ]
        result = run(python36, {"processes": rows, "grace": 0.2}, tmp_path)
        assert [each["outcome"] for each in result["processes"]] == ["ended", "ended", "refused"], result
        assert (victim.ended_by(), deaf.ended_by()) == (signal.SIGTERM, signal.SIGKILL)
        assert bystander.alive()
        # Its standard library knows of no pidfd, the kernel may.
        assert {each["proven"]["pidfd"] for each in result["processes"][:2]} == {kernel_has_pidfd()}


def test_bad_options_are_refused(python36: str, tmp_path: Path) -> None:
    failed = run(python36, {"spid": "x", "oracle_sid": "SHOP"}, tmp_path)
    assert failed["msg"] == "spid: 'x' is not the id of a process; write digits only, such as 3859."
