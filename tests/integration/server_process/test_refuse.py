# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom server_process_kill leaves alone: each rule of safety, with a bystander that dies without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.actors import wait_until
from servers.named_processes import NOBODY, Cast, NamedProcess, age, server_name

from ..conftest import COLLECTIONS
from .conftest import AS_NOBODY, MODULE, SERVER, SID, WITHOUT_PIDFD, as_root, assert_refused, kill, ours, outcomes, row

# A process that has the name of a server process, and the module in a child of it, which is to end one of both.
OURSELVES = f"""
import io, json, os, sys, setproctitle
setproctitle.setproctitle("{ours(SERVER)}")
child = os.fork()
if child == 0:
    row = {{"spid": {{"os.getpid": os.getpid, "os.getppid": os.getppid}}[sys.argv.pop()](), "oracle_sid": "{SID}"}}
    options = {{"ANSIBLE_MODULE_ARGS": {{"processes": [dict(row, logon_seconds=0)], "grace": 0}}}}
    sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps(options).encode()))
    from {MODULE} import main
    main()
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(0 if status == 1 else 3)
"""


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
        assert_refused(kill(row(process), process_pattern=ours("ora_*_SHOP")), "it is the background process")
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
def test_it_is_the_effective_user_that_owns_it(cast: Cast) -> None:
    # As a listener of another user starts them: the program changes to its owner.
    oracle = cast.copy_of_program("oracle", owner=NOBODY)
    pmon, victim = (cast.start(name, program=oracle) for name in ("ora_pmon_SHOP", SERVER))
    if os.statvfs(oracle).f_flag & os.ST_NOSUID:
        pytest.skip("programs cannot change their user on the file system of this test")
    bystander = cast.start(SERVER, program=cast.copy_of_program("cat"))
    assert_refused(kill(row(bystander)), "it belongs to root")
    assert outcomes(kill(row(victim))) == ["ended"]
    assert bystander.alive() and pmon.alive()


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
        (("ora_gen0_SHOP",), "it is the background process 'ora_gen0_"),
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
