# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook kill_session with oracle_sessions_process_kill."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession

from .ladders import HOLD, alive, here, spid

Busy = Callable[..., BusySession]
User = dict[str, str]

# Other tests have instances on this machine, too, and PMON goes by the instance's name.
STAND_IN = {"name": f"P{secrets.token_hex(3).upper()}", "disconnect_busy": 31, "force_busy": 31}


@pytest.fixture
def host(login: dict[str, Any]) -> dict[str, Any]:
    return here(login)


def test_the_playbook_ends_the_process_when_it_is_told_to(
    stand_in: OracleServer, run_playbook: Any, host: dict[str, Any], running: Busy, db_user: User
) -> None:
    victim, bystander = running(HOLD, **db_user), running(HOLD, **db_user)
    named = {"sid": victim.sid, "serial": victim.serial, "wait_timeout": 3}
    process = spid(victim)

    def kill(*arguments: str, **variables: Any) -> Any:
        book = [{"import_playbook": "dbops.oracle_sessions.kill_session"}]
        given = json.dumps({f"oracle_sessions_{name}": value for name, value in (named | variables).items()})
        return run_playbook({"db": host}, book, "-e", given, *arguments)

    unclear = kill(process_kill="maybe")
    assert unclear.code != 0 and "oracle_sessions_process_kill: 'maybe' is neither true nor false" in unclear.output
    wrong = kill("-e", "oracle_sessions_process_kill=true", hosts={1: "rac9"})
    assert wrong.code != 0 and "'rac9' is not in the inventory" in wrong.output
    assert not stand_in.statements()

    without = kill()
    assert without.code != 0 and "is pending: " in without.output and alive(victim)
    told = kill("-e", "oracle_sessions_process_kill=true")
    assert told.code == 0, told.output
    assert not alive(victim) and alive(bystander)
    assert f"kill -TERM {process} on localhost" in "".join(told.of("Say what happened")["msg"])
    again = kill("-e", "oracle_sessions_process_kill=true")
    assert again.code == 0 and not any(each["result"].get("changed") for each in again.results), again.output


def test_the_playbook_leaves_a_process_alone_whose_session_is_gone(
    stand_in: OracleServer, run_playbook: Any, host: dict[str, Any], db_user: User
) -> None:
    with actors.idle(stand_in, **db_user) as victim:
        given = {"sid": victim.sid, "serial": victim.serial, "process_kill": True}
        variables = json.dumps({f"oracle_sessions_{name}": value for name, value in given.items()})
        book = [{"import_playbook": "dbops.oracle_sessions.kill_session"}]
        done = run_playbook({"db": host}, book, "-e", variables)
        assert done.code == 0, done.output
        assert not victim.alive()
        assert not any(each["task"].startswith("Look at what was killed") for each in done.results)
