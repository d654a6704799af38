# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rung process_kill for Windows hosts, on this machine: tests/integration/windows says what stands in for what."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession

from ..conftest import COLLECTIONS
from .ladders import HOLD, cleanup_play, key, rows, spid, stuck

Busy = Callable[..., BusySession]
User = dict[str, str]

WINDOWS = Path(__file__).resolve().parents[1] / "windows"
NAME = f"W{secrets.token_hex(3).upper()}"
STAND_IN = {"name": NAME, "disconnect_busy": 31, "force_busy": 31}


@pytest.fixture(autouse=True)
def on_windows(stand_in: OracleServer) -> None:
    """The database says that this is its platform."""
    with stand_in.memory() as connection:
        for row in sga.select(connection, tables.Database):
            sga.update(connection, tables.Database, {"platform": "Microsoft Windows x86 64-bit"}, dbid=row.dbid)


@pytest.fixture
def threads(stand_in: OracleServer, running: Busy) -> Callable[[User], BusySession]:
    """``threads(login)``: a session that hears of nothing, and whose process the database calls a thread."""

    def hold(login: User) -> BusySession:
        session = running(HOLD, **login)
        with stand_in.memory() as connection:
            sga.update(connection, tables.Process, {"execution_type": "THREAD"}, inst_id=1, spid=str(spid(session)))
        return session

    return hold


@pytest.fixture
def cleanup(run_playbook: Any, login: dict[str, Any], tmp_path: Path) -> Callable[..., Any]:
    """``cleanup(policy, *arguments, env={}, collections=True)``: a play of the role, with a Windows host in its inventory."""

    def run(policy: Any, *arguments: str, env: dict[str, str] | None = None, collections: bool = True) -> Any:
        named = {**login, "wait_timeout": 2, "hosts": {1: "win1"}}
        inventory = {
            "db": {f"oracle_sessions_{name}": value for name, value in named.items()},
            "win1": {"ansible_connection": "psrp"},
        }
        settings = {
            "ANSIBLE_CONNECTION_PLUGINS": str(WINDOWS / "connection"),
            "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{WINDOWS / 'collections'}" if collections else str(COLLECTIONS),
            "PATH": f"{WINDOWS / 'bin'}:{os.environ['PATH']}",
            "ORAKILL_CALLS": str(tmp_path / "orakill"),
        }
        return run_playbook(inventory, [cleanup_play(policy)], *arguments, env=settings | (env or {}))

    return run


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """``calls()``: how orakill was called."""
    return lambda: (tmp_path / "orakill").read_text().splitlines() if (tmp_path / "orakill").exists() else []


def alive(session: BusySession) -> bool:
    return actors.listed(session) is not None and not session.done.is_set()


LADDER = ["kill", {"process_kill": {"after": "1s"}}]


def test_each_thread_by_a_call_of_its_own(
    threads: Any, cleanup: Any, calls: Any, db_user: User, create_user: Any
) -> None:
    """Although it exits with 1: its text decides."""
    victims, bystander = [threads(db_user), threads(db_user)], threads(create_user())
    numbers = [str(spid(each)) for each in victims]
    done = cleanup(stuck(db_user, LADDER))
    assert done.code == 0, done.output
    assert not any(map(alive, victims)) and alive(bystander)
    assert sorted(calls()) == sorted(f"{NAME} {number}" for number in numbers)
    for each, number in zip(victims, numbers, strict=True):
        row = rows(done)[key(each)]
        assert (row["outcome"], row["statement"]) == ("ended", f"orakill {NAME} {number} on win1")
        assert row["reason"].startswith("its process was ended by orakill")


def test_what_goes_wrong(stand_in: OracleServer, threads: Any, cleanup: Any, calls: Any, db_user: User) -> None:
    """One thread lives through it all: check mode, no collection, no connection, an unknown answer, another host."""
    victim = threads(db_user)
    number = spid(victim)
    done = cleanup(stuck(db_user, ["kill"]))
    killed = [{"name": "killed", "match": {"username": db_user["user"], "status": "killed"}, "then": LADDER}]

    planned = cleanup(killed, "--check")
    assert planned.code == 0, planned.output
    assert (rows(planned)[key(victim)]["outcome"], rows(planned)[key(victim)]["statement"]) == (
        "planned",
        f"orakill {NAME} {number} on win1",
    )

    done = cleanup(killed, collections=False)
    assert rows(done)[key(victim)]["outcome"] == "pending" and done.code != 0
    assert (
        rows(done)[key(victim)]["reason"]
        == "win1 is a Windows host, and the collection ansible.windows is not installed"
    )

    done = cleanup(killed, env={"WINDOWS_IS_DOWN": "1"})
    assert rows(done)[key(victim)]["outcome"] == "pending"
    reason = rows(done)[key(victim)]["reason"]
    assert reason.startswith("win1 was not reached, so its thread there was not ended: ") and "psrp: no route" in reason
    assert not calls()

    done = cleanup(killed, env={"ORAKILL_SAYS": "Usage: orakill sid thread"})
    row = rows(done)[key(victim)]
    assert (row["outcome"], row["reason"]) == ("failed", "orakill on win1 said: Usage: orakill sid thread")
    assert done.code != 0 and calls() == [f"{NAME} {number}"]

    with stand_in.memory() as connection:
        sga.update(connection, tables.Instance, {"host": "elsewhere"}, inst_id=1)
    try:
        done = cleanup(killed)
    finally:
        with stand_in.memory() as connection:
            sga.update(connection, tables.Instance, {"host": os.uname().nodename}, inst_id=1)
    row = rows(done)[key(victim)]
    assert row["outcome"] == "refused" and row["reason"].startswith(
        "its thread is on elsewhere, and win1 says that it is "
    )
    assert alive(victim) and calls() == [f"{NAME} {number}"]
