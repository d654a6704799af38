# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""server_process_kill in PID namespaces, where a PID can be given away again on purpose, and around containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers.named_processes import Cast, NamedProcess, in_a_namespace, why_no_namespaces

from ..conftest import COLLECTIONS
from .conftest import MODULE, SERVER, row

TESTS = Path(__file__).resolve().parents[2]


@pytest.fixture
def play_scene() -> Callable[..., dict[str, Any]]:
    """``play_scene(name, argument)``: one of servers.namespace_scenes, and what was seen."""
    if reason := why_no_namespaces():
        pytest.skip(f"there are no PID namespaces here: {reason}")

    def play(*scene: str) -> dict[str, Any]:
        path = f"{TESTS}{os.pathsep}{COLLECTIONS}"
        shown = subprocess.check_output(
            [*in_a_namespace(), sys.executable, "-m", "servers.namespace_scenes", *scene],
            env=os.environ | {"PYTHONPATH": path},
            text=True,
        )
        return json.loads(shown)

    return play


@pytest.mark.parametrize("way", ["recycled", "recycled_without_pidfd"])
@pytest.mark.parametrize(("moment", "outcome"), [("look", "gone"), ("send", "gone"), ("kill", "ended")])
def test_a_pid_that_is_given_away_while_we_act(
    play_scene: Callable[..., dict[str, Any]], way: str, moment: str, outcome: str
) -> None:
    seen = play_scene(way, moment)
    assert seen["recycled"], "the scene did not come off"
    assert seen["bystander"], "the process that got the PID was signalled"
    assert seen["row"]["outcome"] == outcome and seen["row"]["signals"] == ["TERM"] * (outcome == "ended")
    assert seen["row"]["proven"]["pidfd"] == (way == "recycled")


def test_a_pid_that_is_given_away_in_the_moment_of_the_signal(play_scene: Callable[..., dict[str, Any]]) -> None:
    # Without a pidfd nothing helps against that; this is what one is for.
    seen = play_scene("recycled", "call")
    assert seen["recycled"] and seen["bystander"]
    assert seen["row"]["outcome"] == "gone" and seen["row"]["signals"] == []


def test_a_database_in_a_container(play_scene: Callable[..., dict[str, Any]]) -> None:
    seen = play_scene("container")
    assert seen["victim"]["outcome"] == "ended" and not seen["victim lives"]
    assert seen["victim"]["proven"]["pid"] == seen["pid"] != int(seen["victim"]["spid"])
    assert seen["outside lives"] and seen["other lives"]
    assert seen["first"]["outcome"] == "refused" and seen["first"]["reason"].startswith("PID 1 ")
    assert seen["thread"]["outcome"] == "refused" and "it is a thread of process" in seen["thread"]["reason"]
    assert seen["nobody"]["outcome"] == "gone"


def test_two_containers_with_instances_of_one_name(play_scene: Callable[..., dict[str, Any]]) -> None:
    seen = play_scene("two_containers")
    assert seen["row"]["outcome"] == "refused" and "there are 2 processes ora_pmon_SHOP" in seen["row"]["reason"]
    assert seen["lives"]


def test_a_process_in_a_container_and_an_instance_outside(play_scene: Callable[..., dict[str, Any]]) -> None:
    seen = play_scene("own_instance")
    assert seen["row"]["outcome"] == "refused" and "in another PID namespace" in seen["row"]["reason"]
    assert seen["lives"]


def test_what_proc_hides_is_not_taken_for_gone(play_scene: Callable[..., dict[str, Any]]) -> None:
    seen = play_scene("hidden")
    assert seen["row"]["outcome"] == "failed" and "become: true" in seen["row"]["reason"]
    assert seen["lives"]


def test_a_proc_of_another_namespace(play_scene: Callable[..., dict[str, Any]], cast: Cast, pmon: NamedProcess) -> None:
    # PIDs that are read there would be other processes' when signals are sent.
    bystander = cast.start(SERVER)
    ran = subprocess.run(
        [*in_a_namespace(mount_proc=False), sys.executable, "-m", MODULE],
        env=os.environ | {"PYTHONPATH": str(COLLECTIONS)},
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"processes": [row(bystander)]}}),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    failed = json.loads(ran.stdout)
    assert failed["failed"] and failed["msg"].startswith("/proc shows another PID namespace than the one")
    assert bystander.alive()
