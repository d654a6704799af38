# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module server_process_kill among real processes: who was signalled, who died, and who must live on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.actors import wait_until
from servers.named_processes import (
    NOBODY,
    Cast,
    NamedProcess,
    age,
    in_a_namespace,
    server_name,
    why_no_namespaces,
)

from .conftest import COLLECTIONS, Play, launch

MODULE = "ansible_collections.dbops.oracle_sessions.plugins.modules.server_process_kill"
PACKAGE = "ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process"
# What an interpreter runs before the module, in its place.
WITHOUT_PIDFD = f"from {PACKAGE} import linux; linux._pidfd_calls = lambda: (None, None)"
# As on Pythons that have no functions for it.
BY_SYSTEM_CALL = "import os, signal; del os.pidfd_open, signal.pidfd_send_signal"
AS_NOBODY = f"import os, {MODULE}; os.setgid({NOBODY}); os.setuid({NOBODY})"
SERVER = server_name("SHOP")
# A process that has the name of a server process, and the module in a child of it, which is to end one of both.
OURSELVES = f"""
import io, json, os, sys, setproctitle
setproctitle.setproctitle("{SERVER}")
child = os.fork()
if child == 0:
    row = {{"spid": {{"os.getpid": os.getpid, "os.getppid": os.getppid}}[sys.argv.pop()](), "oracle_sid": "SHOP"}}
    options = {{"ANSIBLE_MODULE_ARGS": {{"processes": [dict(row, logon_seconds=0)], "grace": 0}}}}
    sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps(options).encode()))
    from {MODULE} import main
    main()
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(0 if status == 1 else 3)
"""

HERE = Path(__file__).resolve().parent

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="processes of other users take root")


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Cast]:
    with Cast(tmp_path) as started:
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
        "oracle_sid": "SHOP",
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
    assert reason in found["reason"] and reason in result["msg"].splitlines()[0]
    assert result["counts"]["refused"] == 1


# --- who dies


def test_the_server_process_ends_and_all_others_live(cast: Cast, pmon: NamedProcess) -> None:
    victim = cast.start(SERVER)
    bystanders = [pmon, *map(cast.start, (SERVER, server_name("SHOP2"), "ora_smon_SHOP", "ora_pmon_SHOP2"))]
    result = kill(row(victim, inst_id=1, sid=30, serial=15, username="TEST", host=os.uname().nodename))
    assert result["changed"] and not result["failed"]
    (found,) = result["processes"]
    assert found["outcome"] == "ended" and found["signals"] == ["TERM"] and found["reason"] == "ended by TERM"
    assert found["sid"] == 30 and found["username"] == "TEST" and found["spid"] == str(victim.pid)
    assert found["proven"]["pid"] == victim.pid and found["proven"]["name"] == SERVER and found["proven"]["pidfd"]
    assert victim.ended_by() == signal.SIGTERM
    assert all(each.alive() for each in bystanders)
    assert result["msg"].splitlines() == [
        f"ended: process {victim.pid} of SHOP, session 30,15,@1 TEST - ended by TERM",
        "1 process: 1 ended",
    ]
    assert result["diff"]["before"] == f"process {victim.pid} of SHOP, session 30,15,@1 TEST\n"
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
    assert result["processes"][0]["proven"]["name"] == SERVER
    assert not victim.alive()


def test_one_process_by_options_of_its_own(cast: Cast, pmon: NamedProcess) -> None:
    victim, other = cast.start(SERVER), cast.start(SERVER)
    result = kill(spid=victim.pid, oracle_sid="SHOP", logon_seconds="0s")
    assert outcomes(result) == ["ended"] and result["warnings"] == []
    unproven = kill(spid=other.pid, oracle_sid="SHOP")
    assert outcomes(unproven) == ["ended"] and unproven["processes"][0]["proven"]["session_seconds"] is None
    (warning,) = unproven["warnings"]
    assert warning.startswith("logon_seconds: ")


def test_an_empty_list_ends_nothing(pmon: NamedProcess) -> None:
    result = kill(processes=[])
    assert not result["changed"] and not result["failed"] and result["msg"] == "0 processes; nothing to do"


def test_by_a_pattern(cast: Cast, pmon: NamedProcess) -> None:
    victim, other = cast.start("shadow server of SHOP"), cast.start("shadow server of SHOP")
    assert_refused(kill(row(victim)), "is not that of a dedicated server of SHOP")
    assert outcomes(kill(row(victim), process_pattern=["nothing", "shadow * SHOP"])) == ["ended"]
    assert outcomes(kill(row(other), process_pattern="~shadow .*SHOP")) == ["ended"]
    assert not victim.alive() and not other.alive()


# --- with which signals


def test_what_ignores_term_is_killed_after_the_grace(cast: Cast, pmon: NamedProcess) -> None:
    deaf, obedient = cast.start(SERVER, deaf=True), cast.start(SERVER)
    result = kill(row(deaf), row(obedient), grace="0.2s")
    assert outcomes(result) == ["ended", "ended"]
    assert [each["signals"] for each in result["processes"]] == [["TERM", "KILL"], ["TERM"]]
    assert (deaf.ended_by(), obedient.ended_by()) == (signal.SIGKILL, signal.SIGTERM)


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


# --- who lives


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (server_name("SHOP2"), "it is a server process of the instance SHOP2, not of SHOP"),
        (server_name("SHO"), "it is a server process of the instance SHO, not of SHOP"),
        (server_name("shop"), "it is a server process of the instance shop, not of SHOP"),
        (server_name("+ASM_asmb_SHOP"), "it is a server process of the instance +ASM_asmb_SHOP"),
        ("oracle_4805_SHOP2", "it is a server process of the instance SHOP2"),
        ("ora_smon_SHOP", "it is the background process 'ora_smon_SHOP'"),
        ("ora_u004_SHOP", "it is the background process 'ora_u004_SHOP'"),
        ("asm_pmon_+ASM", "it is the background process 'asm_pmon_+ASM'"),
        ("mdb_pmon_-MGMTDB", "it is the background process"),
        ("apx_pmon_+APX1", "it is the background process"),
        ("db_pmon_SHOP", "it is the background process"),
        ("oracleSHOP", "it is 'cat', whose name is not that of a dedicated server of SHOP"),
        ("sqlplus oracleSHOP (LOCAL=NO)", "whose name is not that of a dedicated server"),
        ("oracleSHOP (LOCAL=NO) scott", "whose name is not that of a dedicated server"),
        ("oracleSHOP (LOCAL=NO)\nscott", "whose name is not that of a dedicated server"),
        ("extprocSHOP (LOCAL=NO)", "whose name is not that of a dedicated server"),
    ],
)
def test_processes_of_other_names(cast: Cast, pmon: NamedProcess, name: str, reason: str) -> None:
    bystander = cast.start(name)
    assert_refused(kill(row(bystander), grace=0), reason)
    assert bystander.alive()


def test_a_background_process_whatever_the_pattern(cast: Cast, pmon: NamedProcess) -> None:
    for process in (pmon, cast.start("ora_j000_SHOP")):
        assert_refused(kill(row(process), process_pattern="ora_*_SHOP"), "it is the background process")
        assert process.alive()


def test_another_instance_whatever_the_pattern(cast: Cast, pmon: NamedProcess) -> None:
    bystander = cast.start(server_name("SHOP2"))
    assert_refused(kill(row(bystander), process_pattern="oracle*"), "it is a server process of the instance SHOP2")
    assert bystander.alive()


def test_a_password_on_a_command_line_is_not_shown(cast: Cast, pmon: NamedProcess) -> None:
    bystander = cast.start("sqlplus scott/tiger@oracleSHOP")
    assert "tiger" not in json.dumps(kill(row(bystander)))
    shown = kill(row(bystander), process_pattern="sqlplus*", check=True)
    assert outcomes(shown) == ["planned"] and "tiger" not in json.dumps(shown)


@pytest.mark.parametrize("before", ["", WITHOUT_PIDFD])
def test_a_pid_that_is_another_ones_by_now(cast: Cast, pmon: NamedProcess, before: str) -> None:
    bystander = cast.start(SERVER)
    assert_refused(kill(row(bystander, logon_seconds=3600), before=before), "its PID is another one's by now")
    # The session had been logged on for a moment only when it was looked at, which was long ago.
    again = row(bystander, logon_seconds=0, looked_seconds_ago="1h")
    assert_refused(kill(again, before=before), "its PID is another one's by now")
    assert bystander.alive()


def test_a_process_older_than_its_instance(cast: Cast) -> None:
    bystander = cast.start(SERVER)
    born = age(bystander.pid)
    wait_until(lambda: age(bystander.pid) > born + 0.1)
    cast.start("ora_pmon_SHOP")
    assert_refused(kill(row(bystander)), "it is older than the instance SHOP itself")
    assert bystander.alive()


@as_root
def test_a_process_of_another_owner(cast: Cast, pmon: NamedProcess) -> None:
    bystander, own = cast.start(SERVER, uid=NOBODY), cast.start(SERVER)
    assert_refused(kill(row(bystander)), "it belongs to nobody")
    assert_refused(kill(row(bystander), owner="root"), "it belongs to nobody")
    assert_refused(kill(row(own), owner="nobody"), "ora_pmon_SHOP belongs to root, not to the owner that was given")
    assert bystander.alive() and own.alive()


@as_root
def test_the_owner_tells_instances_of_one_name_apart(cast: Cast, pmon: NamedProcess) -> None:
    cast.start("ora_pmon_SHOP", uid=NOBODY)
    victim, bystander = cast.start(SERVER, uid=NOBODY), cast.start(SERVER)
    for each in (victim, bystander):
        assert_refused(kill(row(each)), "there are 2 processes ora_pmon_SHOP on this host")
    assert_refused(kill(row(bystander), owner="nobody"), "it belongs to root")
    assert victim.alive() and bystander.alive()
    assert outcomes(kill(row(victim), owner=str(NOBODY))) == ["ended"]
    assert not victim.alive() and bystander.alive()


def test_without_pmon_only_an_owner_will_do(cast: Cast) -> None:
    victim, stranger = cast.start(SERVER), cast.start("sqlplus")
    assert_refused(kill(row(victim)), "no process ora_pmon_SHOP is seen here")
    me = str(os.geteuid())
    assert_refused(kill(row(stranger), owner=me), "whose name is not that of a dedicated server")
    named = row(victim)
    assert outcomes(kill(named, owner=me)) == ["ended"]
    victim.process.wait()
    # It may as well be another host that the process lives on.
    assert_refused(kill(named, owner=me), "there is no such process, and no ora_pmon_SHOP")
    assert_refused(kill(named), "no process ora_pmon_SHOP is seen here")


def test_another_host(cast: Cast, pmon: NamedProcess) -> None:
    bystander = cast.start(SERVER)
    assert_refused(kill(row(bystander, host="another-host.example.com")), "it lives on another-host.example.com")
    assert bystander.alive()
    here = os.uname().nodename.upper() + ".example.com"
    assert outcomes(kill(row(bystander, host=here), check=True)) == ["planned"]


def test_another_program(cast: Cast) -> None:
    oracle = cast.copy_of_program("oracle")
    cast.start("ora_pmon_SHOP", program=oracle)
    victim, bystander = cast.start(SERVER, program=oracle), cast.start(SERVER)
    assert_refused(kill(row(bystander)), f"and the instance SHOP runs {oracle}")
    # Updated since it was started: another file by the same path.
    os.unlink(oracle)
    assert cast.copy_of_program("oracle") == oracle
    newer = cast.start(SERVER, program=oracle)
    assert outcomes(kill(row(victim), row(newer))) == ["ended", "ended"]
    assert bystander.alive()


def test_threads(cast: Cast, pmon: NamedProcess) -> None:
    container, (thread,) = cast.start_threads(SERVER, "oracle_4805_S")
    for before in ("", WITHOUT_PIDFD):
        named = row(container, spid=thread)
        assert_refused(kill(named, before=before), f"it is a thread of process {container.pid}")
    assert container.alive()


@pytest.mark.parametrize(
    ("threads", "reason"),
    [
        (("oracle_4805_S", "oracle_4806_S"), "it is shared: its threads are oracle"),
        (("ora_gen0_SHOP",), "it is the background process 'ora_gen0_SHOP'"),
    ],
)
def test_a_process_of_several_oracle_threads(
    cast: Cast, pmon: NamedProcess, threads: tuple[str, ...], reason: str
) -> None:
    shared, _ids = cast.start_threads(SERVER, *threads)
    assert_refused(kill(row(shared)), reason)
    assert shared.alive()


@pytest.mark.parametrize("kind", ["shared", "pooled", "parallel", "job", "thread", "background", "DEDICATED", None])
def test_kinds_that_serve_others(cast: Cast, pmon: NamedProcess, kind: str | None) -> None:
    bystander = cast.start(SERVER)
    assert_refused(kill(row(bystander, kind=kind)), f"it is of kind {kind}")
    assert bystander.alive()


def test_a_process_that_two_sessions_name(cast: Cast, pmon: NamedProcess) -> None:
    bystander = cast.start(SERVER)
    result = kill(row(bystander, sid=30, serial=1), row(bystander, sid=31, serial=7))
    assert outcomes(result) == ["refused", "refused"] and bystander.alive()
    assert "it is named more than once" in result["msg"]


def test_kernel_threads(pmon: NamedProcess) -> None:
    if Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("the kernel's threads are not seen from here")
    assert_refused(kill(row(2)), "it is the kernel's own thread")


@pytest.mark.parametrize("who", ["os.getpid", "os.getppid"])
def test_our_own_process_and_its_ancestors(pmon: NamedProcess, who: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", OURSELVES, who],
        env=os.environ | {"PYTHONPATH": str(COLLECTIONS)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, "the module, or what had started it, was signalled"
    assert_refused(json.loads(ran.stdout), "it is the process of this module, or one that it was started by")


def test_one_that_has_ended_and_is_still_listed(cast: Cast, pmon: NamedProcess) -> None:
    zombie = cast.start_unnoticed(SERVER)
    for before in ("", WITHOUT_PIDFD):
        result = kill(row(zombie), before=before)
        assert outcomes(result) == ["gone"] and not result["changed"] and not result["failed"]


@as_root
def test_without_the_rights(cast: Cast, pmon: NamedProcess) -> None:
    bystander = cast.start(SERVER)
    result = kill(row(bystander), before=AS_NOBODY)
    assert outcomes(result) == ["failed"] and not result["changed"] and result["failed"]
    assert "become: true" in result["msg"]
    assert bystander.alive()


# --- in PID namespaces, where a PID can be given away again on purpose


@pytest.fixture
def play_scene() -> Callable[..., dict[str, Any]]:
    """``play_scene(name, argument)``: one of servers.namespace_scenes, and what was seen."""
    if reason := why_no_namespaces():
        pytest.skip(f"there are no PID namespaces here: {reason}")

    def play(*scene: str) -> dict[str, Any]:
        path = f"{HERE.parent}{os.pathsep}{COLLECTIONS}"
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
    failed = kill({"spid": True, "oracle_sid": "SHOP", "logon_seconds": 1})
    assert failed["failed"] and failed["msg"].startswith("processes[0].spid: True is not the id of a process; ")
    assert "\n" not in failed["msg"] and "processes" not in failed
