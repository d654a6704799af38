# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the server or our connection fails between look and act, in the middle of the act, and after it.

Every module here must end by itself, with one JSON document and exit code 0 or 1: on a connection that it has lost, the
driver's cancel() and the setting of call_timeout end the process instead.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed
from servers.proxy import Proxy

STAND_IN = {"instances": 2}

Run = Callable[..., dict[str, Any]]
Start = Callable[..., Any]
Busy = Callable[..., BusySession]
Pool = Callable[..., list[Session]]
User = dict[str, str]

OURS = "SELECT sid, serial#, inst_id FROM gv$session WHERE program = 'dbops.oracle_sessions'"
LIST = "s.type IN ('USER', 'BACKGROUND')"


def is_act(text: str) -> bool:
    return "ALTER SYSTEM " in text


def is_list(text: str) -> bool:
    return LIST in text


def outcomes(result: dict[str, Any]) -> dict[tuple[int, int], str]:
    return {(row["inst_id"], row["sid"]): row["outcome"] for row in result["sessions"]}


def each(sessions: list[Session], outcome: str) -> dict[tuple[int, int], str]:
    return {(session.inst_id, session.sid): outcome for session in sessions}


def reasons(result: dict[str, Any]) -> set[str]:
    return {row["reason"] for row in result["sessions"]}


def statement(session: Session) -> str:
    return f"ALTER SYSTEM KILL SESSION '{session.sid},{session.serial},@{session.inst_id}' IMMEDIATE"


# --- our own connection


def test_our_own_session_is_killed_while_a_batch_is_on_its_way(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, pool: Pool
) -> None:
    victims = pool(3, **db_user)
    (bystander,) = pool(1)
    with proxy.hold(is_act) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
        hold.wait()
        ((sid, serial, _instance),) = stand_in.sql(OURS)
        stand_in.sql(f"ALTER SYSTEM KILL SESSION '{sid},{serial}' IMMEDIATE")
        hold.release()
        result = module.result()
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert outcomes(result) == each(victims, "ended") and not result["failed"]
    assert proxy.connections == 2, "it logged in once more"


def test_our_own_session_is_killed_in_the_middle_of_its_call(
    stand_in: OracleServer,
    run_module: Run,
    start_module: Start,
    db_user: User,
    running: Busy,
    policy: Any,
    answers: Callable[[], list[tuple[str, int]]],
) -> None:
    """ORA-00028 in the block is about ourselves; no handler of the block may take it for the victim's."""
    with policy(kill_immediate_wait_seconds=30):
        stubborn = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
        stand_in.reset_calls()
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, "wait_timeout": 0.5})
        wait_until(lambda: (shown := listed(stubborn)) and shown["status"] == "KILLED", what="the mark")
        ((sid, serial, _instance),) = stand_in.sql(OURS)
        stand_in.sql(f"ALTER SYSTEM KILL SESSION '{sid},{serial}' IMMEDIATE")
        result = module.result()
    assert outcomes(result) == each([stubborn], "pending")
    assert Counter(text for text, _code in answers())[statement(stubborn)] == 1, (
        "it is marked, so nothing is sent again"
    )


def test_connection_cut_after_the_batch_was_carried_out(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], run_module: Run, db_user: User, pool: Pool
) -> None:
    victims = pool(3, **db_user)
    (bystander,) = pool(1)
    stand_in.reset_calls()
    proxy.cut_after(is_act)
    result = run_module("session_kill", {"match": {"username": db_user["user"]}, **through})
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert outcomes(result) == each(victims, "ended") and not result["failed"]
    assert sorted(stand_in.statements()) == sorted(map(statement, victims)), "nothing was sent twice"
    assert proxy.connections == 2


def test_connection_cut_after_the_last_batch_was_carried_out(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], run_module: Run, db_user: User, pool: Pool
) -> None:
    victims = pool(1, **db_user)
    stand_in.reset_calls()
    proxy.cut_after(is_act)
    result = run_module("session_kill", {"match": {"username": db_user["user"]}, **through})
    assert outcomes(result) == each(victims, "ended") and result["changed"] and not result["failed"]
    assert stand_in.statements() == [statement(victims[0])]


def test_connection_cut_after_a_cancel(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], run_module: Run, db_user: User
) -> None:
    with actors.sleeping(stand_in, **db_user) as busy:
        proxy.cut_after(is_act)
        result = run_module("sql_cancel", {"match": {"username": db_user["user"]}, **through})
        busy.wait()
        assert busy.error_code == 1013 and busy.alive()
    assert outcomes(result) == each([busy], "ended")


def test_connection_lost_for_good(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, pool: Pool
) -> None:
    bystanders = pool(3, **db_user)
    with proxy.hold(is_act) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
        hold.wait()
        proxy.refuse_new = True
        hold.drop()
        result = module.result()
    assert all(bystander.alive() for bystander in bystanders)
    assert result["failed"] and outcomes(result) == each(bystanders, "failed")
    assert all(reason.endswith("its statement was sent, but its end could not be seen") for reason in reasons(result))


def test_connection_lost_while_it_looks_whether_they_are_gone(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, pool: Pool
) -> None:
    victims = pool(2, **db_user)
    acted: list[str] = []

    def is_verify(text: str) -> bool:
        acted.extend([text] * is_act(text))
        return bool(acted) and is_list(text)

    with proxy.hold(is_verify) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
        hold.wait()
        hold.drop()
        result = module.result()
    assert outcomes(result) == each(victims, "ended") and not result["failed"] and proxy.connections == 2


# --- a server that hangs


def test_a_call_that_is_never_answered(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, pool: Pool
) -> None:
    """The break is not answered either, so the connection is given up: call_timeout twice, and once more for the rest."""
    victims = pool(3, **db_user)
    with proxy.hold(is_act) as hold:
        began = time.monotonic()
        options = {"match": {"username": db_user["user"]}, "call_timeout": 1, **through}
        result = start_module("session_kill", options).result()
        assert time.monotonic() - began < 8
        hold.drop()
    assert outcomes(result) == each(victims, "ended") and not result["failed"]
    assert not any(victim.alive() for victim in victims) and proxy.connections == 2


def test_a_snapshot_that_is_never_answered(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, pool: Pool
) -> None:
    (bystander,) = pool(1, **db_user)
    with proxy.hold(is_list) as first, proxy.hold(is_list) as second:
        options = {"match": {"username": db_user["user"]}, "call_timeout": 1, **through}
        result = start_module("session_kill", options).result(timeout=20)
        for hold in (first, second):
            hold.drop()
    assert result["failed"] and result["msg"] == "call_timeout: the server did not answer within 1 s"
    assert bystander.alive() and not stand_in.statements()


def test_a_kill_that_takes_longer_than_a_call_may(
    stand_in: OracleServer,
    run_module: Run,
    db_user: User,
    running: Busy,
    policy: Any,
    answers: Callable[[], list[tuple[str, int]]],
    logins: Callable[[], int],
) -> None:
    """The server answers the break, so the connection lives on; what became of the kill is looked up."""
    with policy(kill_immediate_wait_seconds=30):
        stubborn = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
        stand_in.reset_calls()
        options = {"match": {"username": db_user["user"]}, "call_timeout": 1, "wait_timeout": 0.5}
        result = run_module("session_kill", options)
    assert outcomes(result) == each([stubborn], "pending") and result["changed"] and logins() == 1
    assert [text for text, _code in answers()] == [statement(stubborn)]


# --- the server dies: instance 2, which our login leads to


@pytest.fixture
def second(stand_in: OracleServer) -> Iterator[Proxy]:
    """A way to instance 2, which is up at the end of the test again."""

    def instance() -> tables.Instance:
        with stand_in.memory() as connection:
            found = sga.get(connection, tables.Instance, inst_id=2)
        assert found is not None
        return found

    with stand_in.memory() as connection:
        an_hour_ago = sga.now() - 1 / 24
        sga.update(connection, tables.Instance, {"startup": an_hour_ago}, inst_id=2)
    with Proxy(stand_in.host, stand_in.ports[2], record=True, protocol="tns") as proxy:
        yield proxy
    if instance().status != "OPEN":
        stand_in.start_instance(2)


def leading(stand_in: OracleServer, proxy: Proxy) -> dict[str, str]:
    return {"login_dsn": f"{proxy.dsn}/{stand_in.service}"}


def test_our_instance_dies_before_the_act_and_stays_away(
    stand_in: OracleServer, second: Proxy, start_module: Start, db_user: User
) -> None:
    with (
        actors.idle(stand_in, instance=2, **db_user) as near,
        actors.idle(stand_in, instance=1, **db_user) as far,
        second.hold(is_act) as hold,
    ):
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **leading(stand_in, second)})
        hold.wait()
        stand_in.stop_instance(2)
        hold.release()
        result = module.result()
        assert far.alive() and not near.alive()
    assert result["failed"] and outcomes(result) == each([near, far], "failed")
    assert all(reason.endswith("its statement was sent, but its end could not be seen") for reason in reasons(result))


def test_our_instance_dies_in_the_middle_of_a_batch_and_another_one_goes_on(
    stand_in: OracleServer,
    second: Proxy,
    start_module: Start,
    db_user: User,
    running: Busy,
    policy: Any,
    answers: Callable[[], list[tuple[str, int]]],
) -> None:
    """The first is dead by then, the second keeps the server waiting, the third has not had its turn."""
    with ExitStack() as stack:
        stack.enter_context(policy(kill_immediate_wait_seconds=30))
        bystander = stack.enter_context(actors.idle(stand_in))
        first = stack.enter_context(actors.idle(stand_in, **db_user))
        stubborn = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
        third = stack.enter_context(actors.idle(stand_in, **db_user))
        assert first.sid < stubborn.sid < third.sid, "which is the order of their turns"
        stand_in.reset_calls()
        options = {"match": {"username": db_user["user"]}, "wait_timeout": 1, **leading(stand_in, second)}
        module = start_module("session_kill", options)
        wait_until(lambda: (shown := listed(stubborn)) and shown["status"] == "KILLED", what="the mark")
        stand_in.set_policy("kill_immediate_wait_seconds", 0)
        second.upstream_port = stand_in.ports[1]
        stand_in.stop_instance(2)
        result = module.result()
        assert not first.alive() and not third.alive() and bystander.alive()
    assert outcomes(result) == each([first, third], "ended") | each([stubborn], "pending")
    # The server that died could not tell any more what became of its last statement.
    assert [text for text, _code in answers()] == [statement(first), statement(third)]


def test_our_instance_was_restarted_meanwhile(
    stand_in: OracleServer, second: Proxy, start_module: Start, db_user: User
) -> None:
    """All its sessions ended then, and their ids mean others now."""
    with actors.idle(stand_in, instance=2, **db_user) as victim, second.hold(is_act) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **leading(stand_in, second)})
        hold.wait()
        # It would find that out at once, and nobody there.
        module.process.send_signal(signal.SIGSTOP)
        stand_in.stop_instance(2)
        stand_in.start_instance(2)
        with actors.idle(stand_in, instance=2, **db_user) as successor:
            stand_in.reset_calls()
            hold.release()
            module.process.send_signal(signal.SIGCONT)
            result = module.result()
            assert successor.alive() and not stand_in.statements()
    assert outcomes(result) == each([victim], "gone") and not result["changed"] and not result["failed"]
    assert any("the server was restarted meanwhile" in reason for reason in reasons(result))


def test_the_server_is_away_when_it_is_to_be_seen_gone(
    stand_in: OracleServer, second: Proxy, start_module: Start, db_user: User
) -> None:
    acted: list[str] = []

    def is_verify(text: str) -> bool:
        acted.extend([text] * is_act(text))
        return bool(acted) and is_list(text)

    with actors.idle(stand_in, **db_user) as victim, second.hold(is_verify) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **leading(stand_in, second)})
        hold.wait()
        stand_in.stop_instance(2)
        hold.release()
        result = module.result()
        assert not victim.alive()
    assert result["failed"] and outcomes(result) == each([victim], "failed") and result["changed"] is False
    assert all(reason.endswith("its statement was sent, but its end could not be seen") for reason in reasons(result))


def test_the_other_instance_dies_with_its_sessions(
    stand_in: OracleServer, proxy: Proxy, through: dict[str, str], second: Proxy, start_module: Start, db_user: User
) -> None:
    with (
        actors.idle(stand_in, **db_user) as near,
        actors.idle(stand_in, instance=2, **db_user) as far,
        proxy.hold(is_act) as hold,
    ):
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
        hold.wait()
        stand_in.stop_instance(2)
        hold.release()
        result = module.result()
        assert not near.alive() and not far.alive()
    assert outcomes(result) == each([near], "ended") | each([far], "gone") and not result["failed"]
