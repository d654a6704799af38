# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""KILL SESSION and DISCONNECT SESSION: what the killer is told, what the client gets, and what the views show."""

from __future__ import annotations

import threading
import time

import oracledb
import pytest
from integration.oracle_server.life import (
    HOLD,
    SPIN,
    Act,
    Change,
    Open,
    Run,
    attempt,
    await_gone,
    code,
    failure,
    fate,
    named,
    row,
    rule,
    runs,
    spid,
    status,
)

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle.policy import CLOSE
from servers.oracle_actors import Session
from servers.proxy import Proxy

STAND_IN = {"kill_wait_seconds": 0.3, "kill_force_wait_seconds": 0.3}


ENDS = [
    "KILL SESSION '{}'",
    "KILL SESSION '{}' IMMEDIATE",
    "KILL SESSION '{}' FORCE",
    "KILL SESSION '{}' NOREPLAY",
    "DISCONNECT SESSION '{}' IMMEDIATE",
    "DISCONNECT SESSION '{}' POST_TRANSACTION",
    "DISCONNECT SESSION '{}' POST_TRANSACTION IMMEDIATE",
]


# ---- who is not ended


@pytest.mark.parametrize("clause", ENDS)
def test_the_own_session_is_not_ended(killer: oracledb.Connection, clause: str) -> None:
    own = f"{killer.session_id},{killer.serial_num}"
    assert attempt(killer, "ALTER SYSTEM " + clause.format(own)) == rule("kill_self")


@pytest.mark.parametrize("clause", ENDS)
def test_a_background_session_is_not_ended(server: OracleServer, act: Act, clause: str) -> None:
    ((sid, serial),) = server.sql("SELECT sid, serial# FROM v$session WHERE program LIKE '%(PMON)'")
    assert act(clause.format(f"{sid},{serial}")) == rule("kill_no_user_session")


@pytest.mark.parametrize("clause", ENDS)
def test_another_serial_number_is_another_session(act: Act, bystander: Session, clause: str) -> None:
    assert act(clause.format(f"{bystander.sid},{bystander.serial + 1}")) == rule("kill_gone")
    assert act(clause.format("9999,1")) == rule("kill_gone")
    assert status(bystander) == "INACTIVE"


@pytest.mark.parametrize("text", ["", "1", "1,", "a,b", "1,2,3", "1,2,@", "1,2,@x", "1;2", "-1,2", "1,2,@1,@1"])
@pytest.mark.parametrize("clause", ENDS[:2])
def test_a_malformed_name_is_refused(act: Act, clause: str, text: str) -> None:
    assert act(clause.format(text)) == rule("kill_malformed")


def test_an_instance_that_does_not_run(act: Act, bystander: Session) -> None:
    assert act(f"KILL SESSION '{named(bystander)},@7' IMMEDIATE") == rule("kill_no_instance")


def test_blanks_and_the_own_instance_are_allowed(idle: Open, act: Act) -> None:
    victim = idle()
    assert act(f"KILL SESSION ' {victim.sid} , {victim.serial} , @1 ' IMMEDIATE") == 0
    assert fate(victim) == CLOSE


def test_it_takes_alter_system(server: OracleServer, bystander: Session) -> None:
    server.create_user("helpless", "Tr0ub4dor_3")
    with server.connect(user="helpless", password="Tr0ub4dor_3") as connection:
        for clause in ENDS:
            statement = "ALTER SYSTEM " + clause.format(named(bystander))
            assert failure(connection, statement) == rule("kill_not_allowed")
        server.sql("GRANT ALTER SYSTEM TO helpless")
        assert failure(connection, f"ALTER SYSTEM KILL SESSION '{connection.session_id},1' IMMEDIATE") == 30


def test_disconnect_needs_to_know_when(act: Act, bystander: Session) -> None:
    assert act(f"DISCONNECT SESSION '{named(bystander)}'") == rule("disconnect_bare")


def test_disconnect_is_for_the_own_instance(act: Act, bystander: Session) -> None:
    assert act(f"DISCONNECT SESSION '{named(bystander)},@1' IMMEDIATE") == rule("disconnect_instance")


# ---- KILL


def test_killed_while_idle(idle: Open, act: Act, bystander: Session) -> None:
    victim = idle()
    process = spid(victim)
    assert act(f"KILL SESSION '{named(victim)}'") == 0
    # The row stays, whatever time goes by, until the client calls.
    server, paddr_is_known = row(victim, "server", "(SELECT COUNT(*) FROM gv$process p WHERE p.addr = paddr)") or ()
    assert (rule("killed_idle_row"), status(victim)) == ("next call", "KILLED")
    assert server == rule("killed_idle_server")
    assert (rule("killed_paddr"), paddr_is_known) == ("pseudo", 0)
    assert runs(process)
    assert fate(victim) == rule("victim_idle")
    await_gone(victim)
    assert failure(victim.connection, "SELECT 1 FROM dual") == 1001  # The driver's own: not connected.


def test_the_killed_session_is_found_by_its_creator(server: OracleServer, idle: Open, act: Act) -> None:
    victim = idle()
    process = spid(victim)
    act(f"KILL SESSION '{named(victim)}'")
    found = server.sql(
        "SELECT p.spid FROM v$session s JOIN v$process p ON p.addr = s.creator_addr AND p.serial# = s.creator_serial#"
        " WHERE s.sid = :1",
        [victim.sid],
    )
    assert (rule("killed_creator"), found) == ("kept", [(str(process),)])


def test_a_killed_client_that_hangs_up_leaves_no_row(idle: Open, act: Act) -> None:
    victim = idle()
    act(f"KILL SESSION '{named(victim)}'")
    victim.close()
    await_gone(victim)


def test_killed_while_busy(busy: Run, act: Act, bystander: Session) -> None:
    victim = busy(SPIN)
    assert act(f"KILL SESSION '{named(victim)}'") == 0
    assert fate(victim) == rule("victim_busy")
    await_gone(victim)


def test_killed_while_it_cannot_end(busy: Run, act: Act, bystander: Session) -> None:
    victim = busy(HOLD)
    process = spid(victim)
    assert rule("kill_wait_seconds") == 60
    begun = time.monotonic()
    assert act(f"KILL SESSION '{named(victim)}'") == rule("kill_busy")
    assert time.monotonic() - begun >= STAND_IN["kill_wait_seconds"]
    # Marked, and neither cleaned up nor gone.
    assert row(victim, "status", "server") == ("KILLED", "DEDICATED")
    assert spid(victim) == process
    assert act(f"KILL SESSION '{named(victim)}'") == rule("kill_again")
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_again")
    assert not victim.done.is_set()


def test_it_ends_as_soon_as_it_can(busy: Run, act: Act) -> None:
    victim = busy("BEGIN standin.hold(0.6); standin.spin(60); END;")
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_busy_immediate")
    assert fate(victim) == rule("victim_busy_immediate")
    await_gone(victim)


def test_no_block_catches_its_own_death(busy: Run, act: Act) -> None:
    victim = busy("BEGIN standin.spin(60); EXCEPTION WHEN OTHERS THEN standin.spin(60); END;")
    act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
    assert fate(victim) == rule("victim_busy_immediate")


# ---- IMMEDIATE, FORCE, TIMEOUT, NOREPLAY


def test_immediate_while_idle(idle: Open, act: Act, bystander: Session) -> None:
    victim = idle()
    process = spid(victim)
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == 0
    await_gone(victim)
    wait_until(lambda: not runs(process), what="the server process to end")
    assert fate(victim) == rule("victim_idle_immediate")


def test_immediate_while_busy(busy: Run, act: Act, bystander: Session) -> None:
    victim = busy(SPIN)
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_busy_immediate")
    assert fate(victim) == rule("victim_busy_immediate")
    await_gone(victim)


def test_immediate_waits_for_nothing(busy: Run, act: Act, policy: Change) -> None:
    victim = busy(HOLD)
    assert rule("kill_immediate_wait_seconds") == 0
    with policy(kill_wait_seconds=60.0):
        begun = time.monotonic()
        assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_busy_immediate")
        assert time.monotonic() - begun < 10


def test_immediate_ends_what_waits_for_its_client(idle: Open, act: Act) -> None:
    victim = idle()
    act(f"KILL SESSION '{named(victim)}'")
    assert status(victim) == "KILLED"
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == 0
    await_gone(victim)


def test_force_ends_the_process_of_what_cannot_end(busy: Run, act: Act, bystander: Session) -> None:
    victim = busy(HOLD)
    process = spid(victim)
    begun = time.monotonic()
    assert act(f"KILL SESSION '{named(victim)}' FORCE") == 0
    assert time.monotonic() - begun >= STAND_IN["kill_force_wait_seconds"]
    assert fate(victim) == rule("victim_force")
    await_gone(victim)
    wait_until(lambda: not runs(process), what="the server process to end")


def test_force_gives_it_time_to_end_by_itself(busy: Run, act: Act, policy: Change) -> None:
    assert rule("kill_force_wait_seconds") == 5
    victim = busy(SPIN)
    with policy(kill_force_wait_seconds=10.0):
        assert act(f"KILL SESSION '{named(victim)}' FORCE") == 0
    assert fate(victim) == rule("victim_busy_immediate")


def test_force_at_once(busy: Run, act: Act) -> None:
    victim = busy(HOLD)
    assert act(f"KILL SESSION '{named(victim)}' FORCE TIMEOUT 0") == 0
    assert fate(victim) == rule("victim_force")
    await_gone(victim)


def test_a_timeout_is_how_long_the_killer_waits(busy: Run, act: Act) -> None:
    victim = busy(HOLD)
    begun = time.monotonic()
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE TIMEOUT 1") == rule("kill_busy_immediate")
    assert 1.0 <= time.monotonic() - begun < 10


@pytest.mark.parametrize("option", ["", " IMMEDIATE"])
def test_what_becomes_of_an_idle_client_is_policy(idle: Open, act: Act, policy: Change, option: str) -> None:
    name = "victim_idle_immediate" if option else "victim_idle"
    for outcome in (28, 3113, 3135, 1012, CLOSE) if option else (28, 3113, 3135, 1012):
        with policy(**{name: outcome}):
            victim = idle()
            assert act(f"KILL SESSION '{named(victim)}'{option}") == 0
            if option:
                await_gone(victim)
            assert fate(victim) == outcome


@pytest.mark.parametrize("outcome", [28, 45, 1012, 3113, 3135, CLOSE])
def test_what_becomes_of_a_busy_client_is_policy(busy: Run, act: Act, policy: Change, outcome: int | str) -> None:
    with policy(victim_busy=outcome, victim_busy_immediate=outcome):
        for option in ("", " IMMEDIATE"):
            victim = busy(SPIN)
            act(f"KILL SESSION '{named(victim)}'{option}")
            assert fate(victim) == outcome


def test_noreplay(idle: Open, busy: Run, act: Act) -> None:
    victim = idle()
    assert act(f"KILL SESSION '{named(victim)}' NOREPLAY") == 0
    assert fate(victim) == rule("victim_noreplay")
    running = busy(SPIN)
    assert act(f"KILL SESSION '{named(running)}' NOREPLAY") == 0
    assert fate(running) == rule("victim_noreplay")


def test_noreplay_and_immediate_exclude_each_other_before_23(act: Act, bystander: Session) -> None:
    assert act(f"KILL SESSION '{named(bystander)}' IMMEDIATE NOREPLAY") == rule("noreplay_immediate")


# ---- DISCONNECT


@pytest.mark.parametrize("statement", [None, SPIN], ids=["idle", "busy"])
def test_disconnect_immediate(idle: Open, busy: Run, act: Act, bystander: Session, statement: str | None) -> None:
    victim = busy(statement) if statement else idle()
    process = spid(victim)
    act(f"DISCONNECT SESSION '{named(victim)}' IMMEDIATE")
    assert fate(victim) == rule("victim_disconnect")
    await_gone(victim)
    wait_until(lambda: not runs(process), what="the server process to end")


def test_disconnect_ends_the_process_of_what_cannot_end(
    busy: Run, act: Act, policy: Change, bystander: Session
) -> None:
    assert rule("disconnect_busy") == 0
    victim = busy(HOLD)
    process = spid(victim)
    with policy(disconnect_busy=31):
        assert act(f"DISCONNECT SESSION '{named(victim)}' IMMEDIATE") == 31
        assert runs(process)
    assert act(f"DISCONNECT SESSION '{named(victim)}' IMMEDIATE") == 0
    assert fate(victim) == rule("victim_disconnect")
    await_gone(victim)
    wait_until(lambda: not runs(process), what="the server process to end")


@pytest.mark.parametrize("option", ["POST_TRANSACTION", "POST_TRANSACTION IMMEDIATE"])
@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_disconnect_after_the_transaction(
    server: OracleServer, opened: list[Session], act: Act, bystander: Session, option: str, ending: str
) -> None:
    victim = actors.idle_in_transaction(server, row=50)
    opened.append(victim)
    for _twice in range(2):
        assert act(f"DISCONNECT SESSION '{named(victim)}' {option}") == 0
        assert status(victim) == "INACTIVE"
        assert fate(victim) == 0
    getattr(victim.connection, ending)()
    await_gone(victim)
    assert fate(victim) == rule("victim_post_transaction")


def test_kill_takes_precedence_over_post_transaction(server: OracleServer, opened: list[Session], act: Act) -> None:
    victim = actors.idle_in_transaction(server, row=51)
    opened.append(victim)
    act(f"DISCONNECT SESSION '{named(victim)}' POST_TRANSACTION")
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == 0
    assert fate(victim) == rule("victim_idle_immediate")


def test_disconnect_without_a_transaction(idle: Open, act: Act) -> None:
    victim = idle()
    assert act(f"DISCONNECT SESSION '{named(victim)}' POST_TRANSACTION") == 0
    assert status(victim) == "KILLED"
    assert fate(victim) == rule("victim_idle")
    victim = idle()
    assert act(f"DISCONNECT SESSION '{named(victim)}' POST_TRANSACTION IMMEDIATE") == 0
    await_gone(victim)
    assert fate(victim) == rule("victim_idle_immediate")


# ---- what the driver makes of it


def test_the_driver_takes_ora_00031_for_its_own_death(server: OracleServer, busy: Run) -> None:
    victim = busy(HOLD)
    connection = server.connect()
    with pytest.raises(oracledb.DatabaseError) as raised, connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM KILL SESSION '{named(victim)}' IMMEDIATE")
    assert (raised.value.args[0].full_code, code(raised.value)) == ("DPY-4011", 31)
    assert not connection.is_healthy()


def test_the_outcome_of_every_refusal_is_policy(
    server: OracleServer, idle: Open, busy: Run, act: Act, policy: Change
) -> None:
    """An outcome that nobody documents can be another one elsewhere: each row is asked for each time."""
    held = busy(HOLD)
    victim = idle()
    acts: dict[str, str] = {
        "kill_gone": "KILL SESSION '9999,1'",
        "kill_malformed": "KILL SESSION '1'",
        "kill_no_instance": f"KILL SESSION '{named(victim)},@9'",
        "disconnect_instance": f"DISCONNECT SESSION '{named(victim)},@1' IMMEDIATE",
        "option_unknown": "KILN SESSION '1,1'",
        "cancel_gone": "CANCEL SQL '9999,1'",
        "cancel_other_sql_id": f"CANCEL SQL '{named(victim)}, 0123456789abc'",
        "noreplay_immediate": f"KILL SESSION '{named(victim)}' IMMEDIATE NOREPLAY",
        "kill_busy_immediate": f"KILL SESSION '{named(held)}' IMMEDIATE",
        "kill_again": f"KILL SESSION '{named(held)}' IMMEDIATE",
    }
    for name, clause in acts.items():
        with policy(**{name: 1031}) if name not in ("kill_busy_immediate", "kill_again") else policy(**{name: 0}):
            assert act(clause) == (0 if name in ("kill_busy_immediate", "kill_again") else 1031), name
    assert status(victim) == "INACTIVE"


def test_killers_at_the_same_time(server: OracleServer, idle: Open, bystander: Session) -> None:
    victims = [idle() for _number in range(4)]
    outcomes: list[int] = []

    def end_all() -> None:
        with server.connect() as connection:
            outcomes.extend(attempt(connection, f"ALTER SYSTEM KILL SESSION '{named(v)}' IMMEDIATE") for v in victims)

    threads = [threading.Thread(target=end_all) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 12
    assert set(outcomes) <= {0, rule("kill_gone"), rule("kill_again")}
    for victim in victims:
        await_gone(victim)


def test_a_server_process_that_is_killed(server: OracleServer, opened: list[Session], bystander: Session) -> None:
    victim = actors.idle_in_transaction(server, row=60)
    waiting = actors.waiter(server, row=60)
    opened += [victim, waiting]
    server.end_process(victim)
    await_gone(victim)
    waiting.wait()
    assert waiting.error is None
    assert fate(victim) == rule("victim_process_killed")


def test_the_client_that_vanishes(server: OracleServer, opened: list[Session]) -> None:
    """Nobody says good-bye when the way to the client is lost; the end of the connection is enough."""
    with Proxy(server.host, server.ports[1], protocol="tns") as proxy:
        victim = actors.idle_in_transaction(server, row=61, dsn=f"{proxy.dsn}/{server.service}")
        waiting = actors.waiter(server, row=61)
        opened.append(waiting)
    await_gone(victim)
    waiting.wait()
    assert waiting.error is None


def test_an_error_of_the_stand_in_ends_one_session(capfd: pytest.CaptureFixture[str]) -> None:
    with OracleServer() as server:
        victim, other = Session(server, server.connect()), Session(server, server.connect())
        with server.memory() as connection:
            connection.execute("DELETE FROM x_policy WHERE name = 'sleep_ignores_cancel'")
        assert failure(victim.connection, "BEGIN dbms_session.sleep(0); END;") == 4011
        await_gone(victim)
        assert other.alive()
        other.close()
    assert "KeyError: 'sleep_ignores_cancel'" in capfd.readouterr().err
