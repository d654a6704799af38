# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes that take a PID namespace of their own, in which PIDs can be given away again on purpose.

``python -m servers.namespace_scenes NAME [ARGUMENT]`` plays one as PID 1 of such a namespace and writes what was seen,
as JSON: by what name tests know a process, and whether it lives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process import linux, run
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.request import parse_request

from .actors import wait_until
from .named_processes import NOBODY, Cast, NamedProcess, age, in_a_namespace, server_name

SERVER, PMON = server_name("SHOP"), "ora_pmon_SHOP"
# PID 1 of a container: it has the first name, starts a process of each further name, or a thread for "thread", and says
# their ids inside. From the number on, ids are those that follow it.
_CONTAINER = """
import json, subprocess, sys, threading, setproctitle
setproctitle.setproctitle(sys.argv[1])
ids, kept = [1], []
for name in sys.argv[2:]:
    if name.isdigit():
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(name)
    elif name == "thread":
        started = threading.Thread(target=threading.Event().wait, daemon=True)
        started.start()
        ids.append(started.native_id)
    else:
        kept.append(subprocess.Popen([name], executable="/bin/cat", stdin=subprocess.PIPE))
        ids.append(kept[-1].pid)
print(json.dumps(ids), flush=True)
sys.stdin.read()
"""


def end(spid: int, check: bool = False, **options: Any) -> dict[str, Any]:
    """The row that the module returns for one process whose session has just logged on."""
    asked = {"processes": [{"spid": spid, "oracle_sid": "SHOP", "logon_seconds": 0}], "grace": 0.2, **options}
    (fate,) = run.end_processes(parse_request(asked), check)
    return fate.row()


def start_at(pid: int, cast: Cast, name: str) -> NamedProcess:
    """A process with this very PID, which must be free."""
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
    started = cast.start(name)
    assert started.pid == pid, f"PID {started.pid} instead of {pid}"
    return started


def recycled(cast: Cast, moment: str) -> dict[str, Any]:
    """The victim ends, and its PID becomes that of a bystander with the same name, at one of these moments.

    ``look``: after it was looked at and before it is looked at again; ``send``: before the first signal is sent;
    ``kill``: before the second one is; ``call``: in the moment of the system call itself.
    """
    cast.start(PMON)
    victim = cast.start(SERVER, deaf=True)
    # Starts are told apart by a hundredth of a second.
    wait_until(lambda: age(victim.pid) > 0.05)
    bystanders: list[NamedProcess] = []
    begun: list[bool] = []

    def recycle() -> None:
        if begun:
            return
        begun.append(True)
        victim.process.kill()
        victim.process.wait()
        bystanders.append(start_at(victim.pid, cast, SERVER))

    def before(function: Callable[..., Any], turn: int) -> Callable[..., Any]:
        calls = iter(range(1, 1000))

        def wrapped(*arguments: Any) -> Any:
            if next(calls) == turn:
                recycle()
            return function(*arguments)

        return wrapped

    if moment == "look":
        run._signal_all = before(run._signal_all, 1)
    elif moment == "call":
        open_pidfd, send = linux._pidfd_calls()
        linux._pidfd_calls = lambda: (open_pidfd, before(send, 1))
        # What would be called in its stead.
        os.kill = before(os.kill, 1)
    else:
        linux.Held.send = before(linux.Held.send, 2 if moment == "kill" else 1)  # type: ignore[method-assign]
    row = end(victim.pid)
    return {"row": row, "bystander": bystanders[0].alive(), "recycled": bystanders[0].pid == victim.pid}


def recycled_without_pidfd(cast: Cast, moment: str) -> dict[str, Any]:
    linux._pidfd_calls = lambda: (None, None)
    return recycled(cast, moment)


def start_container(cast: Cast, *names: str) -> list[tuple[int, NamedProcess]]:
    """Processes in a PID namespace inside ours: the id there, and the process as it is seen from here."""
    process = subprocess.Popen(
        [*in_a_namespace(), sys.executable, "-c", _CONTAINER, *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    cast.keep(NamedProcess(process))
    assert process.stdout is not None
    numbers = json.loads(process.stdout.readline())
    (first,) = (int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    space = Path(f"/proc/{first}/ns/pid").readlink()
    seen = {}
    for folder in [*Path("/proc").glob("[0-9]*"), *Path("/proc").glob("[0-9]*/task/[0-9]*")]:
        fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        if (folder / "ns/pid").readlink() == space:
            seen[int(fields["NSpid"].split()[-1])] = int(folder.name)
    return [(number, NamedProcess(process, seen[number])) for number in numbers]


def container(cast: Cast, _argument: str) -> dict[str, Any]:
    """An instance in a container, and outside of it a process that has the same name and the number of the victim."""
    first, _pmon, (spid, victim), (_number, other), thread = start_container(
        cast, SERVER, PMON, "500", SERVER, SERVER, "thread"
    )
    outside = start_at(spid, cast, SERVER)
    return {
        "first": end(first[0]),
        "thread": end(thread[0]),
        "victim": end(spid),
        "pid": victim.pid,
        "nobody": end(3000),
        "victim lives": victim.alive(),
        "outside lives": outside.alive(),
        "other lives": other.alive(),
    }


def two_containers(cast: Cast, _argument: str) -> dict[str, Any]:
    """Two instances of one name, in a container each."""
    one = start_container(cast, "init", PMON, SERVER)
    other = start_container(cast, "init", PMON, SERVER)
    (spid, process), (same, second) = one[2], other[2]
    assert spid == same
    return {"row": end(spid), "lives": process.alive() and second.alive()}


def own_instance(cast: Cast, _argument: str) -> dict[str, Any]:
    """An instance here, and in a container a process that we see by the number that the database has in mind."""
    cast.start(PMON)
    _first, (_number, inside) = start_container(cast, "init", SERVER)
    return {"row": end(inside.pid), "lives": inside.alive()}


def hidden(cast: Cast, _argument: str) -> dict[str, Any]:
    """A /proc that shows nobody what belongs to others: the instance is nobody's, and the process is there."""
    subprocess.check_call(["mount", "-o", "remount,hidepid=2", "/proc"])
    cast.start(PMON, uid=NOBODY)
    process = cast.start(SERVER)
    read, write = os.pipe()
    if os.fork() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.write(write, json.dumps(end(process.pid)).encode())
        os._exit(0)
    os.close(write)
    with open(read) as answer:
        return {"row": json.load(answer), "lives": process.alive()}


def main() -> None:
    name, argument = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder, Cast(Path(folder)) as cast:
        print(json.dumps(globals()[name](cast, argument)))


if __name__ == "__main__":
    main()
