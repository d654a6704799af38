# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module audit_append, in a process of its own as Ansible runs it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COLLECTIONS = Path(__file__).resolve().parents[2] / ".work" / "collections"


def start(path: Path | str, records: list[Any], check: bool = False) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ansible_collections.dbops.oracle_sessions.plugins.modules.audit_append"],
        env=os.environ | {"PYTHONPATH": str(COLLECTIONS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    arguments = {"path": str(path), "records": records, "_ansible_check_mode": check}
    json.dump({"ANSIBLE_MODULE_ARGS": arguments}, process.stdin)
    process.stdin.close()
    process.stdin = None  # So that communicate() does not touch it again.
    return process


def run(path: Path | str, records: list[Any], check: bool = False) -> dict[str, Any]:
    return json.loads(start(path, records, check).communicate(timeout=30)[0])


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_records_are_appended_one_per_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    records = [{"user": "Zoë", "text": "two\nlines"}, {"user": None}]
    first = run(path, records)
    assert first["changed"] and first["appended"] == 2
    assert run(path, records[:1])["appended"] == 1
    assert lines(path) == [*records, records[0]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.touch(mode=0o600)
    path.chmod(0o640)
    run(path, [{"a": 1}])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_without_records_it_only_proves_that_the_file_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    assert run(path, [])["changed"] is False
    assert path.read_bytes() == b""


def test_check_mode_neither_creates_nor_writes(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    foretold = run(path, [{"a": 1}], check=True)
    assert foretold["changed"] and foretold["appended"] == 1
    assert not path.exists()
    path.write_text("{}\n")
    assert run(path, [{"a": 1}], check=True)["changed"]
    assert path.read_text() == "{}\n"


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("where", ["missing/audit.jsonl", ".", "a file/audit.jsonl", "a pipe", ""])
def test_a_file_that_cannot_be_written(tmp_path: Path, where: str, check: bool) -> None:
    (tmp_path / "a file").touch()
    os.mkfifo(tmp_path / "a pipe")
    path = str(tmp_path / where) if where else ""
    for records in ([], [{"a": 1}]):
        failed = run(path, records, check)
        assert failed["failed"] and failed["msg"].startswith(f"path: {path!r} cannot be appended to (")
        assert "\n" not in failed["msg"]
    assert not (tmp_path / "missing").exists()


def test_many_writers_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    records = [{"writer": number, "text": "x" * 2000} for number in range(4)]
    processes = [start(path, [record] * 50) for record in records]
    for process in processes:
        assert json.loads(process.communicate(timeout=60)[0])["appended"] == 50
    found = lines(path)
    assert len(found) == 200
    assert all(found.count(record) == 50 for record in records)


def test_a_record_begins_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"a": 1}')
    run(path, [{"b": 2}])
    assert lines(path) == [{"a": 1}, {"b": 2}]


def test_half_a_record_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    run(path, [{"a": 1}])
    limit = path.stat().st_size + 10
    module = "ansible_collections.dbops.oracle_sessions.plugins.modules.audit_append"
    # A file size limit of the process cuts the write short, as a full disk does.
    script = (
        "import resource, signal, runpy; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); runpy.run_module({module!r}, run_name='__main__')"
    )
    arguments = {"ANSIBLE_MODULE_ARGS": {"path": str(path), "records": [{"b": "x" * 100}]}}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(COLLECTIONS)},
        input=json.dumps(arguments),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["failed"] and "found room" in done.stdout
    assert lines(path) == [{"a": 1}]
