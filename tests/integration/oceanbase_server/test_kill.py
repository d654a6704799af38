# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""KILL in its forms: what becomes of the victim, of bystanders, of locks; and what is no session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from integration.oceanbase_server.life import (
    Account,
    Change,
    Client,
    Open,
    await_gone,
    fate,
    listed,
    rule,
    value_of,
)

from servers import oceanbase_actors as actors
from servers.actors import wait_until
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import CUT, OK
from servers.oceanbase_actors import Session

FORMS = [
    "KILL {}",
    "KILL CONNECTION {}",
    "ALTER SYSTEM KILL SESSION '{}'",
    "ALTER SYSTEM KILL SESSION '{},7' IMMEDIATE",
]


@pytest.fixture
def killer(client: Callable[..., Client]) -> Client:
    return client()


@pytest.mark.parametrize("form", FORMS)
def test_an_idle_session(server: OceanBaseServer, killer: Client, idle: Open, bystander: Session, form: str) -> None:
    victim = idle()
    assert killer.code(form.format(victim.id)) == OK
    assert listed(server, victim) is None, "gone with the answer"
    assert fate(victim) == rule("victim_idle")
    assert killer.code(form.format(victim.id)) == rule("kill_unknown")


@pytest.mark.parametrize("form", FORMS)
def test_a_running_statement(
    server: OceanBaseServer, killer: Client, stack: ExitStack, bystander: Session, form: str
) -> None:
    victim = stack.enter_context(actors.sleeping(server))
    assert killer.code(form.format(victim.id)) == OK
    assert listed(server, victim) is None
    assert fate(victim) == rule("victim_busy") and not victim.alive()


def test_a_running_statement_whose_connection_is_cut(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change
) -> None:
    policy(victim_busy=CUT)
    victim = stack.enter_context(actors.sleeping(server))
    assert killer.code(f"KILL {victim.id}") == OK and fate(victim) == CUT


def test_an_open_transaction_is_rolled_back_and_its_locks_are_free(
    server: OceanBaseServer, killer: Client, stack: ExitStack, bystander: Session
) -> None:
    victim = stack.enter_context(actors.idle_in_transaction(server, database="rolled"))
    blocked = stack.enter_context(actors.waiter(server, database="rolled"))
    assert value_of(server, "rolled") == 0
    assert killer.code(f"KILL {victim.id}") == OK
    assert fate(blocked) == OK and fate(victim) == rule("victim_idle")
    assert value_of(server, "rolled") == 1, "the change of the blocked one, not that of the victim"
    assert not server.sql(f"SELECT 1 FROM GV$OB_LOCKS WHERE SESSION_ID = {victim.id}")


def test_a_waiter_for_a_lock_does_not_get_it(
    server: OceanBaseServer, killer: Client, stack: ExitStack, bystander: Session
) -> None:
    holder = stack.enter_context(actors.idle_in_transaction(server, database="waiting"))
    victim = stack.enter_context(actors.waiter(server, database="waiting", holds=2))
    behind = stack.enter_context(actors.waiter(server, row=2, database="waiting"))
    assert rule("linger") == 0
    assert killer.code(f"KILL {victim.id}") == OK
    assert listed(server, victim) is None and fate(victim) == rule("victim_waiter")
    assert fate(behind) == OK, "the lock that the victim held is free"
    holder.execute("COMMIT")
    assert (value_of(server, "waiting"), value_of(server, "waiting", 2)) == (1, 1)


def test_a_killed_waiter_lingers(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change, bystander: Session
) -> None:
    policy(linger=3600)
    holder = stack.enter_context(actors.idle_in_transaction(server, database="linger"))
    victim = stack.enter_context(actors.waiter(server, database="linger", holds=2))
    behind = stack.enter_context(actors.waiter(server, row=2, database="linger"))
    assert killer.code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == OK
    assert fate(behind) == OK, "its locks are free at once"
    row = listed(server, victim)
    assert row is not None and row["TRANS_ID"] != 0
    assert (row["STATE"], row["COMMAND"], row["TRANS_STATE"]) == ("SESSION_KILLED", "Query", "ABORTED")
    assert killer.code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == rule("kill_again")
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    holder.execute("ROLLBACK")
    assert not victim.done.is_set(), "the lock that it waited for is not for it any more"
    with server.policies(kill_again=rule("kill_unknown")):
        assert killer.code(f"KILL {victim.id}") == rule("kill_unknown")
    server.set_policy("linger", 0)
    assert fate(victim) == rule("victim_waiter")
    await_gone(server, victim)
    assert value_of(server, "linger") == 0


def test_the_client_of_a_lingering_session_may_hang_up(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change
) -> None:
    policy(linger=3600)
    stack.enter_context(actors.idle_in_transaction(server, database="hangs_up"))
    victim = stack.enter_context(actors.waiter(server, database="hangs_up"))
    assert killer.code(f"KILL {victim.id}") == OK
    victim.connection._sock.shutdown(2)
    victim.wait()
    assert listed(server, victim) is not None
    server.set_policy("linger", 0)
    await_gone(server, victim)


@pytest.mark.parametrize("busy", [False, True])
def test_a_long_rollback_keeps_row_and_locks(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change, busy: bool
) -> None:
    assert rule("rollback_linger") == 0
    policy(rollback_linger=3600)
    name = f"rollback_{busy}"
    victim: Session = stack.enter_context(actors.idle_in_transaction(server, database=name))
    if busy:
        victim = actors.BusySession(server, victim.connection, "CALL DBMS_LOCK.SLEEP(3600)")
        wait_until(lambda: (listed(server, victim) or {}).get("INFO") == "CALL DBMS_LOCK.SLEEP(3600)")
    assert killer.code(f"KILL {victim.id}") == OK
    assert fate(victim) == rule("victim_busy" if busy else "victim_idle")
    row = listed(server, victim)
    assert row is not None and (row["STATE"], row["TRANS_STATE"]) == ("SESSION_KILLED", "IN_TERMINATE")
    assert killer.values(f"SELECT STATE FROM GV$OB_TRANSACTION_SCHEDULERS WHERE SESSION_ID = {victim.id}") == [
        "IN_TERMINATE"
    ]
    blocked = stack.enter_context(actors.waiter(server, database=name))
    server.set_policy("rollback_linger", 0)
    assert fate(blocked) == OK
    await_gone(server, victim)
    assert value_of(server, name) == 1


@pytest.mark.parametrize("busy", [False, True])
def test_a_long_rollback_that_no_list_shows(
    server: OceanBaseServer, killer: Client, stack: ExitStack, policy: Change, bystander: Session, busy: bool
) -> None:
    assert rule("rolling_back_listed") is True
    policy(rollback_linger=3600, rolling_back_listed=False)
    name = f"hidden_{busy}"
    victim: Session = stack.enter_context(actors.idle_in_transaction(server, database=name))
    row = listed(server, victim)
    assert row is not None
    if busy:
        victim = actors.BusySession(server, victim.connection, "CALL DBMS_LOCK.SLEEP(3600)")
        wait_until(lambda: (listed(server, victim) or {}).get("INFO") == "CALL DBMS_LOCK.SLEEP(3600)")
    assert killer.code(f"KILL {victim.id}") == OK
    assert fate(victim) == rule("victim_busy" if busy else "victim_idle")
    for statement in ("SELECT ID FROM GV$OB_PROCESSLIST", "SHOW PROCESSLIST", "SHOW FULL PROCESSLIST"):
        numbers = killer.values(statement)
        assert victim.id not in numbers and bystander.id in numbers, statement
    transaction = f"SELECT TX_ID, STATE FROM GV$OB_TRANSACTION_SCHEDULERS WHERE SESSION_ID = {victim.id}"
    locks = f"SELECT DISTINCT TRANS_ID FROM GV$OB_LOCKS WHERE SESSION_ID = {victim.id}"
    assert server.sql(transaction) == ((row["TRANS_ID"], "IN_TERMINATE"),)
    assert server.sql(locks) == ((row["TRANS_ID"],),)
    assert killer.code(f"KILL {victim.id}") == rule("kill_again")
    blocked = stack.enter_context(actors.waiter(server, database=name))
    assert value_of(server, name) == 0 and not blocked.done.is_set()
    server.set_policy("rollback_linger", 0)
    assert fate(blocked) == OK
    wait_until(lambda: not server.sql(transaction) and not server.sql(locks), what="the rollback to end")
    assert value_of(server, name) == 1
    assert killer.code(f"KILL {victim.id}") == rule("kill_unknown")


def test_a_session_without_a_transaction_has_nothing_to_roll_back(
    server: OceanBaseServer, killer: Client, idle: Open, policy: Change
) -> None:
    policy(rollback_linger=3600, linger=3600)
    victim = idle()
    assert killer.code(f"KILL {victim.id}") == OK and listed(server, victim) is None


@pytest.mark.parametrize("form", FORMS)
def test_the_own_session(server: OceanBaseServer, client: Callable[..., Client], bystander: Session, form: str) -> None:
    one = client()
    number = one.connection.thread_id()
    assert one.code(form.format(number)) == rule("kill_self")
    assert one.code("SELECT 1 FROM DUAL") == CUT
    wait_until(lambda: not server.sql(f"SELECT 1 FROM GV$OB_PROCESSLIST WHERE ID = {number}"), what="it to go")


def test_the_own_session_on_a_server_that_does_not_answer(client: Callable[..., Client], policy: Change) -> None:
    policy(kill_self=CUT)
    one = client()
    assert one.code(f"KILL {one.connection.thread_id()}") == CUT


def test_the_driver_s_own_kill(killer: Client, idle: Open, bystander: Session) -> None:
    victim = idle()
    killer.connection.kill(victim.id)
    assert fate(victim) == CUT


# --- what a number is taken for


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER SYSTEM KILL SESSION '{0}'",
        "ALTER SYSTEM KILL SESSION ' {0} , 15 , @2'",
        "ALTER SYSTEM KILL SESSION '{0}x'",
        "ALTER SYSTEM KILL SESSION '{1}'",
        "KILL '{0}x'",
        "KILL {1}",
        "KILL {0}.4",
        "KILL {0} + 0",
        "KILL TO_NUMBER('{0}')",
        "BEGIN EXECUTE IMMEDIATE 'KILL {0}'; END;",
    ],
)
def test_a_low_id_is_hit_by_much(
    server: OceanBaseServer, killer: Client, idle: Open, bystander: Session, statement: str
) -> None:
    """Of a number the lowest 32 bits count, of a string what it begins with."""
    assert rule("kill_string") == "cast" and rule("kill_immediate") == "ignored"
    server.next_session_id(1400)
    victim = idle()
    assert victim.id == 1400
    assert killer.code(statement.format(1400, 4294968696)) == OK
    assert fate(victim) == CUT


@pytest.mark.parametrize("statement", ["KILL 'abc'", "KILL NULL", "ALTER SYSTEM KILL SESSION ''", "KILL 0"])
def test_what_is_no_number_is_session_0(killer: Client, bystander: Session, statement: str) -> None:
    assert killer.code(statement) == rule("kill_unknown")
    assert killer.text(statement).endswith("arguments: -4174, Unknown thread id: 0")


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("KILL", 900),
        ("KILL 5, 6", 900),
        ("KILL 5 6", 900),
        ("KILL x", 904),
        ("KILL USER 5", 900),
        ("ALTER SYSTEM KILL SESSION 5", 900),
        ("ALTER SYSTEM KILL SESSION '5' FORCE", 900),
        ("ALTER SYSTEM DISCONNECT SESSION '5'", rule("disconnect")),
        ("ALTER SYSTEM DISCONNECT SESSION '5' IMMEDIATE", rule("disconnect")),
        ("ALTER SYSTEM CANCEL SQL '5'", rule("disconnect")),
        ("KILL 5; KILL 6", 900),
    ],
)
def test_what_is_not_in_the_grammar(killer: Client, statement: str, number: int) -> None:
    assert killer.code(statement) == number


# --- who may


def test_alter_system_is_asked_for_first(
    client: Callable[..., Client], idle: Open, account: Callable[..., Account], bystander: Session
) -> None:
    nobody = account()
    victim, one = idle(**nobody), client(**nobody)
    for number in (victim.id, bystander.id, 4):
        assert one.code(f"ALTER SYSTEM KILL SESSION '{number}'") == rule("kill_not_allowed")
    assert victim.alive()
    assert one.code(f"KILL {victim.id}") == OK, "the other form does not need it"
    assert fate(victim) == CUT


@pytest.mark.parametrize("form", ["KILL {}", "KILL QUERY {}", "ALTER SYSTEM KILL SESSION '{}'"])
def test_other_users_sessions_take_super(
    client: Callable[..., Client], idle: Open, account: Callable[..., Account], bystander: Session, form: str
) -> None:
    one, other = client(**account("ALTER SYSTEM")), idle(**account("ALTER SYSTEM", "SUPER"))
    for victim in (other, bystander):
        assert one.code(form.format(victim.id)) == rule("kill_not_owner")
        assert one.text(form.format(victim.id)).endswith(f"-5251, You are not owner of thread {victim.id}")
    assert one.code(form.format(4)) == (rule("kill_unknown")), "which tells who is there"
    assert other.alive()
    strong = client(**account("ALTER SYSTEM", "SUPER"))
    assert strong.code(form.format(other.id)) == OK
    assert fate(other) == (OK if "QUERY" in form else CUT)


def test_own_sessions_need_no_more_than_alter_system(
    client: Callable[..., Client], idle: Open, account: Callable[..., Account], bystander: Session
) -> None:
    login = account("ALTER SYSTEM")
    victim = idle(**login)
    assert client(**login).code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == OK
    assert fate(victim) == CUT


def test_a_role_does_as_well(client: Callable[..., Client], idle: Open, account: Callable[..., Account]) -> None:
    victim = idle()
    assert client(**account("DBA")).code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == rule("kill_not_owner")
    assert client(**account("DBA", "SUPER")).code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == OK
