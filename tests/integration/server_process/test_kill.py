# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is ended by server_process_kill, and with which signals; all others live on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import pytest

from servers.named_processes import Cast, NamedProcess, server_name

from ..conftest import Play
from .conftest import BY_SYSTEM_CALL, SERVER, SID, WITHOUT_PIDFD, assert_refused, kill, ours, outcomes, row


def test_the_server_process_ends_and_all_others_live(cast: Cast, pmon: NamedProcess) -> None:
    victim = cast.start(SERVER)
    bystanders = [pmon, *map(cast.start, (SERVER, server_name("SHOP2"), "ora_smon_SHOP", "ora_pmon_SHOP2"))]
    result = kill(row(victim, inst_id=1, sid=30, serial=15, username="TEST", host=os.uname().nodename))
    assert result["changed"] and not result["failed"]
    (found,) = result["processes"]
    assert found["outcome"] == "ended" and found["signals"] == ["TERM"] and found["reason"] == "ended by TERM"
    assert found["sid"] == 30 and found["username"] == "TEST" and found["spid"] == str(victim.pid)
    assert found["proven"]["pid"] == victim.pid and found["proven"]["name"] == ours(SERVER) and found["proven"]["pidfd"]
    assert victim.ended_by() == signal.SIGTERM
    assert all(each.alive() for each in bystanders)
    assert result["msg"].splitlines() == [
        f"ended: process {victim.pid} of {SID}, session 30,15,@1 TEST - ended by TERM",
        "1 process: 1 ended",
    ]
    assert result["diff"]["before"] == f"process {victim.pid} of {SID}, session 30,15,@1 TEST\n"
    assert result["diff"]["after"] == ""


def test_a_second_run_changes_nothing(cast: Cast, pmon: NamedProcess) -> None:
    victim = cast.start(SERVER)
    named = row(victim)
    assert outcomes(kill(named)) == ["ended"]
    victim.process.wait()
    again = kill(named)
    assert outcomes(again) == ["gone"] and not again["changed"] and not again["failed"]
    assert again["diff"]["before"] == again["diff"]["after"] == ""
    assert pmon.alive()


def test_check_mode_proves_the_same_and_sends_nothing(cast: Cast, pmon: NamedProcess) -> None:
    victim, other = cast.start(SERVER), cast.start(server_name("SHOP2"))
    foretold = kill(row(victim), row(other), check=True)
    assert outcomes(foretold) == ["planned", "refused"] and foretold["changed"] and foretold["failed"]
    assert foretold["diff"]["before"].count("\n") == 2 and str(victim.pid) not in foretold["diff"]["after"]
    assert victim.alive() and other.alive()
    assert outcomes(kill(row(victim), row(other))) == ["ended", "refused"]
    assert not victim.alive() and other.alive()


@pytest.mark.parametrize("name", ["oracleSHOP (DESCRIPTION=(LOCAL=YES)(ADDRESS=(PROTOCOL=beq)))", "oracle_4805_SHOP"])
def test_other_names_of_dedicated_servers(cast: Cast, pmon: NamedProcess, name: str) -> None:
    victim = cast.start(name)
    assert outcomes(kill(row(victim))) == ["ended"]
    assert not victim.alive()


def test_a_name_of_several_arguments(cast: Cast, pmon: NamedProcess) -> None:
    victim = cast.start_split("oracleSHOP", "(LOCAL=NO)")
    result = kill(row(victim))
    assert result["processes"][0]["proven"]["name"] == ours(SERVER)
    assert not victim.alive()


def test_a_pmon_that_starts_a_process(cast: Cast) -> None:
    pmon, child = cast.start_forked("ora_pmon_SHOP")
    victim = cast.start(SERVER)
    assert outcomes(kill(row(victim))) == ["ended"]
    assert not victim.alive() and pmon.alive() and child.alive()


def test_one_process_by_options_of_its_own(cast: Cast, pmon: NamedProcess) -> None:
    victim, other = cast.start(SERVER), cast.start(SERVER)
    result = kill(spid=victim.pid, oracle_sid=SID, logon_seconds="0s")
    assert outcomes(result) == ["ended"] and result["warnings"] == []
    unproven = kill(spid=other.pid, oracle_sid=SID)
    assert outcomes(unproven) == ["ended"] and unproven["processes"][0]["proven"]["session_seconds"] is None
    (warning,) = unproven["warnings"]
    assert warning.startswith("logon_seconds: ")


def test_an_empty_list_ends_nothing(pmon: NamedProcess) -> None:
    result = kill(processes=[])
    assert not result["changed"] and not result["failed"] and result["msg"] == "0 processes; nothing to do"


def test_by_a_pattern(cast: Cast, pmon: NamedProcess) -> None:
    victim, other = cast.start("shadow server of SHOP"), cast.start("shadow server of SHOP")
    assert_refused(kill(row(victim)), "is not that of a dedicated server of SHOP")
    assert outcomes(kill(row(victim), process_pattern=["nothing", ours("shadow * SHOP")])) == ["ended"]
    assert outcomes(kill(row(other), process_pattern=ours("~shadow .*SHOP"))) == ["ended"]
    assert not victim.alive() and not other.alive()


# --- with which signals


def test_what_ignores_term_is_killed_after_the_grace(cast: Cast, pmon: NamedProcess) -> None:
    deaf, obedient = cast.start(SERVER, deaf=True), cast.start(SERVER)
    result = kill(row(deaf), row(obedient), grace="0.2s")
    assert outcomes(result) == ["ended", "ended"]
    assert [each["signals"] for each in result["processes"]] == [["TERM", "KILL"], ["TERM"]]
    assert (deaf.ended_by(), obedient.ended_by()) == (signal.SIGKILL, signal.SIGTERM)


def test_what_has_lost_its_name_is_killed_and_what_has_another_is_not(cast: Cast, pmon: NamedProcess) -> None:
    ending, other = cast.start_renamed(SERVER, ""), cast.start_renamed(SERVER, "sqlplus")
    result = kill(row(ending), row(other), grace=0.3)
    assert outcomes(result) == ["ended", "refused"]
    assert [each["signals"] for each in result["processes"]] == [["TERM", "KILL"], ["TERM"]]
    assert ending.ended_by() == signal.SIGKILL and other.alive()


def test_kill_alone(cast: Cast, pmon: NamedProcess) -> None:
    victim = cast.start(SERVER)
    result = kill(row(victim), signals=["KILL"])
    assert result["processes"][0]["signals"] == ["KILL"] and victim.ended_by() == signal.SIGKILL


def test_what_is_still_there_is_pending(cast: Cast, pmon: NamedProcess) -> None:
    deaf, in_the_kernel = cast.start(SERVER, deaf=True), cast.start_in_the_kernel(SERVER)
    stopped, obedient = cast.start(SERVER), cast.start(SERVER)
    stopped.signal(signal.SIGSTOP)
    result = kill(*map(row, (deaf, in_the_kernel, stopped, obedient)), signals=["TERM"], grace=0)
    assert outcomes(result) == ["pending", "pending", "pending", "ended"]
    assert result["failed"] and result["changed"]
    reasons = [each["reason"] for each in result["processes"]]
    assert all("is still there" in reason for reason in reasons[:3])
    assert "cannot be interrupted" in reasons[1] and "it is stopped" in reasons[2]
    assert result["processes"][0]["waited_seconds"] >= 5
    assert deaf.alive() and in_the_kernel.alive() and stopped.alive() and not obedient.alive()
    assert f"process {obedient.pid} " not in result["diff"]["after"]
    assert outcomes(kill(*map(row, (deaf, in_the_kernel, stopped)), grace=0)) == ["ended"] * 3


@pytest.mark.parametrize("before", [WITHOUT_PIDFD, BY_SYSTEM_CALL])
def test_kernels_and_pythons_without_pidfd(cast: Cast, pmon: NamedProcess, before: str) -> None:
    victim, deaf, bystander = cast.start(SERVER), cast.start(SERVER, deaf=True), cast.start(server_name("SHOP2"))
    result = kill(row(victim), row(deaf), row(bystander), before=before, grace=0.2)
    assert outcomes(result) == ["ended", "ended", "refused"]
    assert {each["proven"]["pidfd"] for each in result["processes"][:2]} == {before == BY_SYSTEM_CALL}
    assert not victim.alive() and not deaf.alive() and bystander.alive()
    assert outcomes(kill({**row(bystander), "spid": victim.pid}, before=before)) == ["gone"]


# --- under Ansible


def test_as_a_task_with_become(run_playbook: Callable[..., Play], cast: Cast, pmon: NamedProcess) -> None:
    victim, bystander = cast.start(SERVER), cast.start(SERVER)
    rows = [row(victim)]
    tasks = [
        {"name": f"run {number}", "dbops.oracle_sessions.server_process_kill": {"processes": rows}} for number in (1, 2)
    ]
    play = run_playbook(
        {"db1": {"ansible_python_interpreter": sys.executable}},
        [{"hosts": "db1", "gather_facts": False, "tasks": tasks}],
    )
    assert play.code == 0, play.output
    assert outcomes(play.of("run 1")) == ["ended"] and play.of("run 1")["changed"]
    assert victim.ended_by() == signal.SIGTERM and bystander.alive()


def test_a_bad_option_is_one_sentence(pmon: NamedProcess) -> None:
    failed = kill({"spid": True, "oracle_sid": SID, "logon_seconds": 1})
    assert failed["failed"] and failed["msg"].startswith("processes[0].spid: True is not the id of a process; ")
    assert "\n" not in failed["msg"] and "processes" not in failed
