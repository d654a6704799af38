# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rung process_kill for Windows hosts, on this machine: tests/integration/windows says what stands in for what."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession

from ..conftest import COLLECTIONS
from .ladders import HOLD, alive, before_task, cleanup_play, key, rows, spid, stuck

Busy = Callable[..., BusySession]
User = dict[str, str]

WINDOWS = Path(__file__).resolve().parents[1] / "windows"
NAME = f"W{secrets.token_hex(3).upper()}"
STAND_IN = {"name": NAME, "instances": 3, "disconnect_busy": 31, "force_busy": 31}
# win2 is down, and instance 3 says that it runs elsewhere.
DOWN, ELSEWHERE = "win2", 3


@pytest.fixture(autouse=True)
def on_windows(stand_in: OracleServer) -> None:
    """The database says that this is its platform."""
    with stand_in.memory() as connection:
        for row in sga.select(connection, tables.Database):
            sga.update(connection, tables.Database, {"platform": "Microsoft Windows x86 64-bit"}, dbid=row.dbid)
        sga.update(connection, tables.Instance, {"host": "elsewhere"}, inst_id=ELSEWHERE)


@pytest.fixture
def threads(stand_in: OracleServer, running: Busy) -> Callable[[User], BusySession]:
    """``threads(login, instance=1)``: a session that hears of nothing, and whose process the database calls a thread."""

    def hold(login: User, instance: int = 1) -> BusySession:
        session = running(HOLD, instance=instance, **login)
        thread = {"inst_id": instance, "spid": str(spid(session))}
        with stand_in.memory() as connection:
            sga.update(connection, tables.Process, {"execution_type": "THREAD"}, **thread)
        return session

    return hold


@pytest.fixture
def cleanup(run_playbook: Any, login: dict[str, Any], tmp_path: Path) -> Callable[..., Any]:
    """``cleanup(policy, *arguments, env={}, collections=True)``: a play of the role, with Windows hosts in its inventory."""

    def run(policy: Any, *arguments: str, env: dict[str, str] | None = None, collections: bool = True) -> Any:
        named = {**login, "wait_timeout": 2, "hosts": {number: f"win{number}" for number in (1, 2, 3)}}
        inventory = {
            "db": {f"oracle_sessions_{name}": value for name, value in named.items()},
            **{f"win{number}": {"ansible_connection": "psrp"} for number in (1, 2, 3)},
        }
        settings = {
            "ANSIBLE_CONNECTION_PLUGINS": str(WINDOWS / "connection"),
            "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{WINDOWS / 'collections'}" if collections else str(COLLECTIONS),
            "PATH": f"{WINDOWS / 'bin'}:{os.environ['PATH']}",
            "ORAKILL_CALLS": str(tmp_path / "orakill"),
            "WINDOWS_IS_DOWN": DOWN,
        }
        return run_playbook(inventory, [cleanup_play(policy)], *arguments, env=settings | (env or {}))

    return run


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """``calls()``: how orakill was called."""
    return lambda: (tmp_path / "orakill").read_text().splitlines() if (tmp_path / "orakill").exists() else []


# Seconds after the last look.
TOO_LATE = 10.0
LADDER = ["kill", {"process_kill": {"after": "1s"}}]


def test_each_thread_by_a_call_of_its_own(
    threads: Any, cleanup: Any, calls: Any, db_user: User, create_user: Any
) -> None:
    """Although it exits with 1: its text decides. Beside them one of whom it says something else and exits with 0, one whose
    host is down, and one whose host is another one.
    """
    victims, bystander = [threads(db_user), threads(db_user)], threads(create_user())
    unknown, unreached, misplaced = threads(db_user), threads(db_user, 2), threads(db_user, ELSEWHERE)
    numbers = {key(each): spid(each) for each in (*victims, unknown)}
    done = cleanup(stuck(db_user, LADDER), env={"ORAKILL_WONDERS": str(spid(unknown))})
    told = rows(done)
    assert {where: row["outcome"] for where, row in told.items()} == {
        **{key(each): "ended" for each in victims},
        key(unknown): "failed",
        key(unreached): "pending",
        key(misplaced): "refused",
    }, done.output
    assert not any(map(alive, victims)) and all(map(alive, (unknown, unreached, misplaced, bystander)))
    assert sorted(calls()) == sorted(f"{NAME}1 {number}" for number in numbers.values())
    for each in victims:
        row = told[key(each)]
        assert row["statement"] == f"orakill {NAME}1 {numbers[key(each)]} on win1"
        assert row["reason"].startswith("its process was ended by orakill")
    assert told[key(unknown)]["reason"] == "orakill on win1 said: Usage: orakill sid thread"
    reason = told[key(unreached)]["reason"]
    assert reason.startswith("win2 was not reached, so its thread there was not ended: ") and "psrp: no route" in reason
    assert told[key(misplaced)]["reason"].startswith("its thread is on elsewhere, and win3 says that it is ")
    assert not told[key(unreached)]["statement"] and not told[key(misplaced)]["statement"] and done.code != 0


def test_a_thread_is_not_ended_long_after_it_was_looked_at(
    threads: Any, cleanup: Any, calls: Callable[[], list[str]], db_user: User, tmp_path: Path
) -> None:
    """Nothing on its host would tell it from another one that has its number by then."""
    victim = threads(db_user)

    def hold_up() -> None:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > TOO_LATE, timeout=2 * TOO_LATE)

    with before_task("End its thread on win1", tmp_path, hold_up) as env:
        done = cleanup(stuck(db_user, LADDER), env=env)
    row = rows(done)[key(victim)]
    assert calls() == [] and alive(victim)
    assert row["outcome"] == "pending" and "held up for more than 10 s" in row["reason"], done.output


def test_check_mode_and_no_collection(
    threads: Any, cleanup: Any, calls: Any, stand_in: OracleServer, db_user: User
) -> None:
    victim = threads(db_user)
    stand_in.set_session(victim.sid, status="KILLED")
    killed = [{"name": "killed", "match": {"username": db_user["user"], "status": "killed"}, "then": LADDER}]
    planned = cleanup(killed, "--check")
    assert planned.code == 0, planned.output
    row = rows(planned)[key(victim)]
    assert (row["outcome"], row["statement"]) == ("planned", f"orakill {NAME}1 {spid(victim)} on win1")

    done = cleanup(killed, collections=False)
    row = rows(done)[key(victim)]
    assert row["outcome"] == "pending" and done.code != 0
    assert row["reason"] == "win1 is a Windows host, and the collection ansible.windows is not installed"
    assert alive(victim) and not calls()
