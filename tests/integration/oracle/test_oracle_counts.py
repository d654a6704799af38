# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls a run takes, as the server counts them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle.tables import Call
from servers.oracle_actors import Session
from servers.proxy import Proxy

Run = Callable[..., dict[str, Any]]
Pool = Callable[..., list[Session]]
User = dict[str, str]

BATCH = 50


def kinds(calls: list[Call]) -> Counter[str]:
    """What the calls are: the question who answers, a list of everybody, one of some, a block, the good-bye."""

    def kind(call: Call) -> str:
        text = call.text or ""
        if "DECLARE" in text:
            return "act"
        if "v$instance i" in text:
            return "introduction"
        if "s.sid IN (" in text:
            return "look"
        return "snapshot" if "FROM v$session s" in text else call.kind

    return Counter(map(kind, calls))


def victims_end_at_once(stand_in: OracleServer, victims: list[Session]) -> Callable[[str], bool]:
    """Holds the first look after the act until the server has removed them all, which is what the count is about."""

    def is_look(text: str) -> bool:
        if "s.sid IN (" not in text:
            return False
        gone = "SELECT COUNT(*) FROM v$session WHERE username = :1"
        (user,) = {session.connection.username.upper() for session in victims}
        wait_until(lambda: stand_in.sql(gone, (user,)) == [(0,)], what="all to go")
        return True

    return is_look


@pytest.mark.parametrize("n", [1, 50, 120])
def test_calls_of_n_kills(
    stand_in: OracleServer,
    proxy: Proxy,
    through: dict[str, str],
    start_module: Any,
    pool: Pool,
    db_user: User,
    logins: Callable[[], int],
    n: int,
) -> None:
    victims = pool(n, **db_user)
    stand_in.reset_calls()
    options = {"match": {"username": db_user["user"], "idle": 0, "in_transaction": False}, "max_sessions": n}
    with proxy.hold(victims_end_at_once(stand_in, victims)) as hold:
        module = start_module("session_kill", {**options, **through})
        hold.wait()
        hold.release()
        result = module.result()
    assert result["counts"]["ended"] == n and not any(victim.alive() for victim in victims)
    found = kinds(stand_in.calls())
    assert found.pop("act") <= math.ceil(n / BATCH) + 1
    assert found == {"connect": 1, "introduction": 1, "snapshot": 1, "look": 1, "logoff": 1} and logins() == 1
    assert proxy.connections == 1 and len(stand_in.statements()) == n


def test_300_sessions_in_one_call(stand_in: OracleServer, run_module: Run, pool: Pool, db_user: User) -> None:
    victims, bystanders = pool(300, **db_user), pool(5)
    stand_in.reset_calls()
    result = run_module("session_kill", {"match": {"username": db_user["user"]}, "max_sessions": 300})
    assert not any(victim.alive() for victim in victims) and all(each.alive() for each in bystanders)
    assert {row["sid"] for row in result["sessions"]} == {victim.sid for victim in victims}
    assert result["counts"]["ended"] == 300 == len(stand_in.statements())
    assert kinds(stand_in.calls())["act"] <= 300 // BATCH + 1
    assert len(result["msg"].splitlines()) == 12


def test_the_limits_refuse_before_anything_is_sent(
    stand_in: OracleServer, run_module: Run, pool: Pool, db_user: User
) -> None:
    victims = pool(21, **db_user)
    result = run_module("session_kill", {"match": {"username": db_user["user"]}})
    assert result["failed"] and result["msg"].startswith("max_sessions: the rule picks 21 sessions, ")
    assert all(victim.alive() for victim in victims)
    assert not stand_in.statements() and kinds(stand_in.calls())["act"] == 0


def test_check_mode_takes_the_same_looks_and_sends_nothing(
    stand_in: OracleServer, run_module: Run, db_user: User
) -> None:
    with actors.idle(stand_in, **db_user) as victim:
        stand_in.reset_calls()
        options = {"match": {"username": db_user["user"], "idle": 0}}
        foretold = run_module("session_kill", options, check=True)
        assert kinds(stand_in.calls()) == {"connect": 1, "introduction": 1, "snapshot": 1, "logoff": 1}
        assert victim.alive() and not stand_in.statements() and foretold["changed"]
        done = run_module("session_kill", options)
        for result, outcome in ((foretold, "planned"), (done, "ended")):
            assert [row["outcome"] for row in result["sessions"]] == [outcome]
        assert foretold["sessions"][0]["statement"] == done["sessions"][0]["statement"] == stand_in.statements()[0]
