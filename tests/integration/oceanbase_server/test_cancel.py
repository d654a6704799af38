# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""KILL QUERY, and statements that last too long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from integration.oceanbase_server.life import Change, Client, Open, code, fate, listed, rule, value_of

from servers import oceanbase_actors as actors
from servers.actors import wait_until
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import OK
from servers.oceanbase_actors import Session


@pytest.fixture
def killer(client: Callable[..., Client]) -> Client:
    return client()


def state(server: OceanBaseServer, session: Session) -> str:
    row = listed(server, session)
    assert row is not None
    return str(row["STATE"])


def test_a_running_statement_ends_and_the_session_lives(
    server: OceanBaseServer, killer: Client, stack: ExitStack
) -> None:
    victim, bystander = (stack.enter_context(actors.sleeping(server)) for _turn in range(2))
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    assert fate(victim) == rule("victim_cancelled") and victim.error_code == 600
    assert victim.alive() and not bystander.done.is_set()
    assert state(server, victim) == "SLEEP"


def test_a_waiter_keeps_what_it_had_before(server: OceanBaseServer, killer: Client, stack: ExitStack) -> None:
    holder = stack.enter_context(actors.idle_in_transaction(server, database="kept"))
    victim = stack.enter_context(actors.waiter(server, database="kept", holds=2))
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    assert fate(victim) == rule("victim_cancelled") and victim.alive()
    row = listed(server, victim)
    assert row is not None and row["TRANS_STATE"] == "ACTIVE"
    waits = f"SELECT BLOCK FROM GV$OB_LOCKS WHERE SESSION_ID = {victim.id} AND TYPE = 'TR'"
    assert [int(block) for (block,) in server.sql(waits)] == [0], "it holds one row, and waits for none"
    holder.execute("ROLLBACK")
    victim.execute("COMMIT")
    assert (value_of(server, "kept"), value_of(server, "kept", 2)) == (0, 1)


def test_a_waiter_of_no_transaction_has_changed_nothing(
    server: OceanBaseServer, killer: Client, stack: ExitStack
) -> None:
    stack.enter_context(actors.idle_in_transaction(server, row=2, database="single"))
    actors.make_table(server, "single", [1, 2])
    session = stack.enter_context(actors.idle(server))
    victim = stack.enter_context(
        actors.BusySession(server, session.connection, "UPDATE SYS.single_t SET v = v + 1 WHERE id IN (1, 2)")
    )
    wait_until(lambda: server.sql(f"SELECT 1 FROM GV$OB_LOCKS WHERE SESSION_ID = {victim.id} AND BLOCK = 1"))
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    assert fate(victim) == rule("victim_cancelled")
    row = listed(server, victim)
    assert row is not None and not row["TRANS_ID"]
    assert value_of(server, "single") == 0


def test_a_cancelled_waiter_lingers(server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change) -> None:
    assert rule("cancel_linger") == 0
    policy(cancel_linger=3600)
    holder = stack.enter_context(actors.idle_in_transaction(server, database="slow"))
    victim = stack.enter_context(actors.waiter(server, database="slow"))
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    assert state(server, victim) == "QUERY_KILLED" and not victim.done.is_set()
    holder.execute("ROLLBACK")
    assert not victim.done.is_set(), "it does not get the lock"
    server.set_policy("cancel_linger", 0)
    assert fate(victim) == rule("victim_cancelled") and victim.alive()
    assert value_of(server, "slow") == 0


def test_a_cancelled_waiter_can_be_killed(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change
) -> None:
    policy(cancel_linger=3600)
    stack.enter_context(actors.idle_in_transaction(server, database="both"))
    victim = stack.enter_context(actors.waiter(server, database="both"))
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    assert killer.code(f"KILL {victim.id}") == OK
    assert fate(victim) == rule("victim_waiter") and listed(server, victim) is None


def test_an_idle_session_is_shown_as_cancelled_and_that_is_all(
    server: OceanBaseServer, killer: Client, idle: Open, stack: ExitStack
) -> None:
    victims = [idle(), stack.enter_context(actors.idle_in_transaction(server, database="idle"))]
    for victim in victims:
        assert killer.code(f"KILL QUERY {victim.id}") == rule("cancel_idle")
        assert state(server, victim) == "QUERY_KILLED"
        assert fate(victim) == OK and state(server, victim) == "SLEEP"
    row = listed(server, victims[1])
    assert row is not None and row["TRANS_STATE"] == "ACTIVE"


def test_a_statement_after_that_is_not_cancelled(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change
) -> None:
    """What was cancelled late must not end what the session runs next."""
    policy(cancel_linger=3600)
    session = stack.enter_context(actors.idle(server))
    assert killer.code(f"KILL QUERY {session.id}") == OK
    busy = stack.enter_context(actors.BusySession(server, session.connection, "CALL DBMS_SESSION.SLEEP(3600)"))
    wait_until(lambda: state(server, busy) == "ACTIVE")
    server.set_policy("cancel_linger", 0)
    assert state(server, busy) == "ACTIVE" and not busy.done.is_set()


def test_the_own_session(client: Callable[..., Client]) -> None:
    one = client()
    assert one.code(f"KILL QUERY {one.connection.thread_id()}") == OK
    assert one.value("SELECT 1 FROM DUAL") == 1


def test_nobody(killer: Client) -> None:
    assert killer.code("KILL QUERY 4") == rule("kill_unknown")


# --- time limits


def test_a_statement_that_lasts_too_long(client: Callable[..., Client]) -> None:
    one = client()
    one.rows("SET ob_query_timeout = 20000")
    assert one.code("CALL DBMS_LOCK.SLEEP(60)") == rule("query_timeout")
    assert "ob_query_timeout" in one.text("CALL DBMS_LOCK.SLEEP(60)") and one.code("CALL DBMS_LOCK.SLEEP(0)") == OK


def test_a_lock_that_does_not_come(server: OceanBaseServer, stack: ExitStack, client: Callable[..., Client]) -> None:
    stack.enter_context(actors.idle_in_transaction(server, database="busy"))
    one = client()
    one.rows("SET ob_query_timeout = 20000")
    assert one.code("UPDATE SYS.busy_t SET v = 9 WHERE id = 1") == rule("lock_timeout")
    one.rows("SET ob_query_timeout = 3600000000")
    one.rows("SET ob_trx_lock_timeout = 20000")
    assert one.code("UPDATE SYS.busy_t SET v = 9 WHERE id = 1") == rule("lock_timeout")
    query = "SELECT v FROM SYS.busy_t WHERE id = 1 FOR UPDATE"
    assert (one.code(query), one.code(f"{query} NOWAIT"), one.code(f"{query} SKIP LOCKED")) == (
        rule("lock_timeout"),
        54,
        OK,
    )


def test_a_circle_of_waiters(server: OceanBaseServer, stack: ExitStack) -> None:
    holder = stack.enter_context(actors.idle_in_transaction(server, database="circle"))
    blocked = stack.enter_context(actors.waiter(server, database="circle", holds=2))
    with pytest.raises(Exception, match="deadlock") as caught:
        holder.execute("UPDATE SYS.circle_t SET v = 9 WHERE id = 2")
    assert code(caught.value) == rule("deadlock")
    holder.execute("ROLLBACK")
    assert fate(blocked) == OK


def test_a_server_as_it_comes_gives_up_after_ten_seconds() -> None:
    with OceanBaseServer(long_statements=False) as server:
        assert server.sql("SHOW VARIABLES LIKE 'ob_query_timeout'") == (("ob_query_timeout", "10000000"),)
