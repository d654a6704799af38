# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world that the scenarios act on: a real server, and real sessions held open while several playbooks run.

A playbook ends long before the next one looks, so both live in processes of their own. What is running stands in
files of a state folder: ``server.json`` and one file per scenario.

    world.py serve FOLDER                    start a server, and end whatever an earlier run has left
    world.py hold FOLDER SCENARIO SESSIONS   open sessions, a JSON list of {name, kind, user[, count][, row][, idle]}
    world.py list FOLDER                     ask the server which sessions it has
    world.py end FOLDER                      end all of it, remove the folder
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))
from servers import actors
from servers.seekdb import Seekdb

READY_SECONDS = 60.0
END_SECONDS = 15.0
PASSWORD = "held open by molecule"
SERVER = "server"


def main(command: str, folder: str, *rest: str) -> None:
    state = Path(folder).resolve()
    if command == "serve":
        end(state)
        state.mkdir(mode=0o700, parents=True)
        launch(state, SERVER, "be-server")
    elif command == "hold":
        launch(state, rest[0], "be-holder", *rest)
    elif command == "list":
        print(json.dumps(listed(state)))
    elif command == "end":
        end(state)
    elif command == "be-server":
        be_server(state)
    elif command == "be-holder":
        be_holder(state, rest[0], json.loads(rest[1]))
    else:
        raise SystemExit(__doc__)


def launch(state: Path, name: str, *arguments: str) -> None:
    """Start a process that outlives us; return when it has written its file, that is, when its part is ready."""
    log = state / f"{name}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, __file__, arguments[0], str(state), *arguments[1:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + READY_SECONDS
    while not (state / f"{name}.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise SystemExit(f"{name} did not get ready:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
    print((state / f"{name}.json").read_text())


def be_server(state: Path) -> None:
    signals = block_signals()
    with Seekdb() as server:
        announce(state, SERVER, dsn=server.dsn, port=server.port)
        signal.sigwait(signals)


def be_holder(state: Path, scenario: str, wanted: list[dict[str, Any]]) -> None:
    signals = block_signals()
    server = running_server(state)
    known = {row[0] for row in server.sql("SELECT user FROM mysql.user")}
    for user in {each["user"] for each in wanted} - known:
        server.create_user(user, PASSWORD, ["ALL ON *.*"])
    held: dict[str, list[actors.Session]] = {}
    for each in wanted:
        held[each["name"]] = [opened(server, scenario, **each) for number in range(each.get("count", 1))]
        for session in held[each["name"]]:
            wait_idle(server, session, each.get("idle", 0))
    announce(state, scenario, sessions={name: [session.id for session in held[name]] for name in held})
    signal.sigwait(signals)
    for sessions in held.values():
        actors.close_all(sessions)


def opened(server: Seekdb, scenario: str, kind: str, user: str, row: int = 1, **others: Any) -> actors.Session:
    login = {"user": user, "password": "" if user == "root" else PASSWORD}
    if kind == "idle":
        return actors.idle(server, **login)
    if kind == "sleeping":
        return actors.sleeping(server, **login)
    # Each scenario locks in a database of its own: they share the server.
    factory = {"in_transaction": actors.idle_in_transaction, "waiter": actors.waiter}[kind]
    return factory(server, row=row, database=scenario, **login)


def wait_idle(server: Seekdb, session: actors.Session, seconds: float) -> None:
    query = f"SELECT 1 FROM oceanbase.V$OB_PROCESSLIST WHERE ID = {session.id} AND TIME >= {seconds}"
    actors.wait_until(lambda: server.sql(query), what=f"session {session.id} that is idle for {seconds} s")


def listed(state: Path) -> dict[str, dict[str, str]]:
    """Every session of the server by id. One that is killed already, and only not yet off the list, is left out."""
    rows = running_server(state).sql(
        "SELECT ID, USER, COMMAND, TRANS_STATE FROM oceanbase.V$OB_PROCESSLIST WHERE STATE <> 'SESSION_KILLED'"
    )
    return {
        str(sid): {"user": user, "command": command, "transaction": transaction}
        for sid, user, command, transaction in rows
    }


def end(state: Path) -> None:
    """End every process that is on file, the server last, and remove the folder."""
    files = sorted(state.glob("*.json"), key=lambda path: path.stem == SERVER)
    for about in filter(lambda each: "started" in each, (json.loads(path.read_text()) for path in files)):
        deadline = time.monotonic() + END_SECONDS
        number = signal.SIGTERM
        while started(about["pid"]) == about["started"]:
            os.kill(about["pid"], number)
            time.sleep(0.05)
            if time.monotonic() > deadline:
                number = signal.SIGKILL
    if state.exists():
        shutil.rmtree(state)


def started(pid: int) -> str | None:
    """When the process was started, in clock ticks since boot; None when there is none, or only its exit code is left.

    It tells the process from a later one with the same number (proc(5), /proc/pid/stat, fields 3 and 22).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return None
    return None if fields[0] == "Z" else fields[19]


def announce(state: Path, name: str, **about: Any) -> None:
    written = state / f"{name}.new"
    written.write_text(json.dumps({"pid": os.getpid(), "started": started(os.getpid()), **about}))
    written.rename(state / f"{name}.json")


def running_server(state: Path) -> Seekdb:
    server = Seekdb()
    server.port = json.loads((state / f"{SERVER}.json").read_text())["port"]
    return server


def block_signals() -> set[signal.Signals]:
    """Blocked here, before any thread is there, so that sigwait gets them."""
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    return signals


if __name__ == "__main__":
    main(*sys.argv[1:])
