# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CANCEL SQL, the client's own break, and what V$SESSION shows of calls meanwhile."""

from __future__ import annotations

import asyncio
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
    await_active,
    await_gone,
    code,
    failure,
    fate,
    named,
    row,
    rule,
)

from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle.sql import sql_id
from servers.oracle_actors import Session

# Takes minutes: each level multiplies the rows by 100.
LONG_QUERY = (
    "SELECT COUNT(*) FROM (SELECT LEVEL a FROM dual CONNECT BY LEVEL <= 100), (SELECT LEVEL b FROM dual CONNECT BY"
    " LEVEL <= 100), (SELECT LEVEL c FROM dual CONNECT BY LEVEL <= 100), (SELECT LEVEL d FROM dual CONNECT BY LEVEL <="
    " 100), (SELECT LEVEL e FROM dual CONNECT BY LEVEL <= 100) WHERE a + b + c + d + e > 100"
)


@pytest.mark.parametrize(
    "statement", [SPIN, LONG_QUERY, "BEGIN LOOP NULL; END LOOP; END;"], ids=["wait", "query", "loop"]
)
@pytest.mark.parametrize("with_id", [True, False])
def test_the_statement_ends_and_the_session_lives(
    busy: Run, act: Act, bystander: Session, statement: str, with_id: bool
) -> None:
    victim = busy(statement)
    running = sql_id(statement)
    assert row(victim, "status", "sql_id") == ("ACTIVE", running)
    assert act(f"CANCEL SQL '{named(victim)}" + (f", {running}'" if with_id else "'")) == 0
    assert fate(victim) == rule("victim_cancelled")
    assert row(victim, "status", "sql_id", "prev_sql_id") == ("INACTIVE", None, running)
    assert victim.alive()


def test_another_statement_is_not_cancelled(busy: Run, act: Act, policy: Change) -> None:
    victim = busy(SPIN)
    other = f"CANCEL SQL '{named(victim)}, {sql_id('SELECT 1 FROM dual')}'"
    assert act(other) == rule("cancel_other_sql_id")
    with policy(cancel_other_sql_id=0):
        assert act(other) == 0
    assert not victim.done.is_set()


def test_cancel_of_nobody(act: Act, bystander: Session) -> None:
    assert act(f"CANCEL SQL '{bystander.sid},{bystander.serial + 1}'") == rule("cancel_gone")
    assert act("CANCEL SQL '1'") == rule("kill_malformed")


def test_an_idle_session_loses_its_next_statement(idle: Open, act: Act, policy: Change) -> None:
    victim = idle()
    assert rule("cancel_idle") == "next"
    assert act(f"CANCEL SQL '{named(victim)}'") == 0
    assert row(victim, "status") == ("INACTIVE",)
    # A call that is no statement takes no notice.
    victim.connection.ping()
    victim.commit()
    assert failure(victim.connection, "SELECT 1 FROM dual") == rule("victim_cancelled")
    assert victim.alive()
    with policy(cancel_idle="nothing"):
        assert act(f"CANCEL SQL '{named(victim)}'") == 0
    assert victim.alive()
    assert act(f"CANCEL SQL '{named(victim)}, {sql_id('SELECT 1 FROM dual')}'") == rule("cancel_other_sql_id")
    assert victim.alive()


def test_a_sleep_hears_of_it_when_it_is_over(busy: Run, act: Act, policy: Change) -> None:
    assert rule("sleep_ignores_cancel") is True
    victim = busy("BEGIN dbms_session.sleep(0.7); standin.spin(60); END;")
    begun = time.monotonic()
    act(f"CANCEL SQL '{named(victim)}'")
    assert fate(victim) == rule("victim_cancelled")
    assert time.monotonic() - begun > 0.3
    with policy(sleep_ignores_cancel=False):
        victim = busy("BEGIN dbms_session.sleep(60); END;")
        act(f"CANCEL SQL '{named(victim)}'")
        assert fate(victim) == rule("victim_cancelled")


def test_a_sleep_and_a_kill(busy: Run, act: Act, policy: Change) -> None:
    assert rule("sleep_ignores_kill") is False
    victim = busy("BEGIN dbms_lock.sleep(60); END;")
    await_active(victim, "PL/SQL lock timer")
    act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
    assert fate(victim) == rule("victim_busy_immediate")
    with policy(sleep_ignores_kill=True):
        victim = busy("BEGIN dbms_session.sleep(0.7); standin.spin(60); END;")
        await_active(victim, "PL/SQL lock timer")
        begun = time.monotonic()
        act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
        assert fate(victim) == rule("victim_busy_immediate")
        assert time.monotonic() - begun > 0.3


def test_a_held_call_hears_of_it_when_it_is_over(busy: Run, act: Act) -> None:
    victim = busy("BEGIN standin.hold(0.5); standin.spin(60); END;")
    act(f"CANCEL SQL '{named(victim)}'")
    assert not victim.done.is_set()
    assert fate(victim) == rule("victim_cancelled")


def test_a_block_may_catch_its_cancel(busy: Run, act: Act) -> None:
    victim = busy("BEGIN standin.spin(60); EXCEPTION WHEN OTHERS THEN standin.spin(0.01); END;")
    act(f"CANCEL SQL '{named(victim)}'")
    assert fate(victim) == 0


def test_cancel_needs_alter_system(server: OracleServer, bystander: Session) -> None:
    server.create_user("weak", "Tr0ub4dor_3")
    with server.connect(user="weak", password="Tr0ub4dor_3") as connection:
        assert attempt(connection, f"ALTER SYSTEM CANCEL SQL '{named(bystander)}'") == rule("kill_not_allowed")


# ---- the client's own break


@pytest.mark.parametrize("statement", [SPIN, LONG_QUERY], ids=["wait", "query"])
def test_the_call_timeout_leaves_a_usable_session(server: OracleServer, opened: list[Session], statement: str) -> None:
    session = Session(server, server.connect())
    opened.append(session)
    session.connection.call_timeout = 200
    for _twice in range(2):
        assert failure(session.connection, statement) == 4024
        assert session.alive()
    assert failure(session.connection, "BEGIN standin.spin(60); EXCEPTION WHEN OTHERS THEN NULL; END;") == 4024
    assert session.alive()


def test_a_break_in_a_transaction(server: OracleServer, idle: Open) -> None:
    server.sql("CREATE TABLE system.broken (id NUMBER)")
    session = idle()
    session.execute("INSERT INTO system.broken VALUES (1)")
    session.connection.call_timeout = 200
    assert failure(session.connection, "BEGIN INSERT INTO system.broken VALUES (2); standin.spin(60); END;") == 4024
    session.connection.call_timeout = 0
    assert session.execute("SELECT id FROM system.broken") == [(1,)]
    session.commit()
    assert server.sql("SELECT id FROM system.broken") == [(1,)]


def test_cancel_by_the_client(server: OracleServer, busy: Run) -> None:
    victim = busy(SPIN)
    victim.connection.cancel()
    assert fate(victim) == 1013
    assert victim.alive()


def test_a_held_call_outlives_its_client(server: OracleServer, opened: list[Session]) -> None:
    """The client gives up, as the break is not answered; the session goes on by itself until it is over."""
    session = Session(server, server.connect())
    opened.append(session)
    session.connection.call_timeout = 200
    assert failure(session.connection, "BEGIN standin.hold(1.5); END;") == 4011
    assert row(session, "status") == ("ACTIVE",)
    await_gone(session)


# ---- what is shown of calls


def test_the_statement_inside_a_block_is_shown(server: OracleServer, idle: Open, busy: Run, act: Act) -> None:
    server.sql("CREATE TABLE system.inside (id NUMBER)")
    server.sql("INSERT INTO system.inside VALUES (1)")
    idle().execute("DELETE FROM system.inside")
    inner = "UPDATE system.inside SET id = 2"
    waiter = busy(f"BEGIN EXECUTE IMMEDIATE '{inner}'; END;")
    await_active(waiter, "enq: TX - row lock contention")
    assert row(waiter, "sql_id", "command") == (sql_id(inner), 6)
    assert act(f"CANCEL SQL '{named(waiter)}, {sql_id(inner)}'") == 0
    assert fate(waiter) == rule("victim_cancelled")
    outer = f"DECLARE n NUMBER; BEGIN EXECUTE IMMEDIATE '{LONG_QUERY}' INTO n; END;"
    reader = busy(outer)
    wait_until(lambda: row(reader, "sql_id", "command") == (sql_id(LONG_QUERY), 3), what="the query to be shown")
    assert server.sql("SELECT COUNT(*) FROM v$sql WHERE sql_id = :1", [sql_id(LONG_QUERY)]) == [(1,)]
    assert act(f"CANCEL SQL '{named(reader)}, {sql_id(LONG_QUERY)}'") == 0
    assert fate(reader) == rule("victim_cancelled")


def test_what_a_session_is_doing(server: OracleServer, busy: Run, act: Act) -> None:
    victim = busy(SPIN)
    shown = row(victim, "status", "state", "sql_exec_id", "command", "prev_sql_id", "type", "server")
    assert shown is not None
    assert shown[:2] == ("ACTIVE", "WAITED SHORT TIME") or shown[1].startswith("WAITED")
    first = shown[2]
    act(f"CANCEL SQL '{named(victim)}'")
    victim.wait()
    assert row(victim, "status", "event", "state") == ("INACTIVE", "SQL*Net message from client", "WAITING")
    again = busy(SPIN)
    assert (row(again, "sql_exec_id") or (0,))[0] > first
    assert row(again, "ROUND((SYSDATE - sql_exec_start) * 86400)") in ((0,), (1,))


def test_dates_are_whole_seconds(server: OracleServer, idle: Open) -> None:
    session = idle()
    (logon,) = row(session, "logon_time") or ()
    assert server.sql("SELECT COUNT(*) FROM v$session WHERE sid = :1 AND logon_time = :2", [session.sid, logon]) == [
        (1,)
    ]
    assert server.sql("SELECT startup_time FROM v$instance")[0][0].microsecond == 0


def test_attributes_of_the_client(server: OracleServer, idle: Open) -> None:
    session = idle()
    session.connection.module, session.connection.action = "night batch", "step 1"
    session.connection.client_identifier, session.connection.clientinfo = "alice", "info"
    session.execute("SELECT 1 FROM dual")
    names = ("module", "action", "client_identifier", "client_info")
    assert row(session, *names) == ("night batch", "step 1", "alice", "info")
    session.execute("BEGIN dbms_application_info.set_module('other', NULL); dbms_session.clear_identifier; END;")
    assert row(session, *names) == ("other", None, None, "info")
    session.connection.current_schema = "DBSNMP"
    session.execute("SELECT 1 FROM dual")
    assert row(session, "schemaname") == ("DBSNMP",)


def test_fetching_in_parts(idle: Open) -> None:
    connection = idle().connection
    with connection.cursor() as cursor, connection.cursor() as other:
        cursor.arraysize = cursor.prefetchrows = 7
        cursor.execute("SELECT LEVEL FROM dual CONNECT BY LEVEL <= 100")
        first = cursor.fetchmany(3)
        other.execute("SELECT 1 FROM dual")
        assert [*first, *cursor.fetchall()] == [(n,) for n in range(1, 101)]


def test_calls_are_logged(server: OracleServer, opened: list[Session]) -> None:
    server.reset_calls()
    session = Session(server, server.connect(program="counted"))
    opened.append(session)
    session.execute("SELECT 2 FROM dual")
    session.commit()
    session.connection.ping()
    kinds = [call.kind for call in server.calls("counted")]
    assert kinds[0] == "connect"
    assert kinds[-3:] == ["execute", "commit", "ping"]
    killer = server.connect()
    attempt(killer, f"ALTER SYSTEM KILL SESSION '{named(session)}' IMMEDIATE")
    assert server.statements() == [f"ALTER SYSTEM KILL SESSION '{named(session)}' IMMEDIATE"]


def test_pipelines() -> None:
    """What the driver sends in one go on 23ai is answered in order, and an error inside is that of one operation."""

    async def work(dsn: str, password: str) -> list[object]:
        connection = await oracledb.connect_async(user="system", password=password, dsn=dsn)
        pipeline = oracledb.create_pipeline()
        for number in range(3):
            pipeline.add_fetchone("SELECT :1 FROM dual", [number])
        pipeline.add_execute("BEGIN raise_application_error(-20001, 'no'); END;")
        pipeline.add_fetchall("SELECT LEVEL FROM dual CONNECT BY LEVEL <= 3")
        results = await connection.run_pipeline(pipeline, continue_on_error=True)
        await connection.close()
        return [code(found.error) if found.error else found.rows for found in results]

    with OracleServer(version="23.4.0.0.0") as server:
        found = asyncio.run(work(server.dsn, server.password))
    assert found == [[(0,)], [(1,)], [(2,)], 20001, [(1,), (2,), (3,)]]


def test_a_break_reaches_only_its_own_session(server: OracleServer, busy: Run, bystander: Session) -> None:
    victims = [busy(SPIN) for _number in range(5)]
    threads = [threading.Thread(target=victim.connection.cancel) for victim in victims[:3]]
    for thread in threads:
        thread.start()
    assert [fate(victim) for victim in victims[:3]] == [1013] * 3
    assert not any(victim.done.is_set() for victim in victims[3:])


def test_holding_is_what_it_says(busy: Run) -> None:
    victim = busy(HOLD)
    victim.connection.cancel()
    assert not victim.done.wait(0.3)
