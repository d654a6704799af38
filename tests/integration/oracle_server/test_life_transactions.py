# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions: locks, waiting, deadlock, what others see, and a rollback that takes its time."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import oracledb
import pytest
from integration.oracle_server.life import (
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
    status,
)

from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

TX_WAIT = "enq: TX - row lock contention"
ROWS = 600
RECOVERING = "SELECT COUNT(*) FROM v$fast_start_transactions WHERE state = 'RECOVERING'"
_numbers = itertools.count(1)


@pytest.fixture
def table(server: OracleServer) -> str:
    """A table with the rows 1 to 3, whose v is 0."""
    name = f"system.t{next(_numbers)}"
    server.sql(f"CREATE TABLE {name} (id NUMBER(10) PRIMARY KEY, v NUMBER(10), name VARCHAR2(10))")
    server.sql(f"INSERT INTO {name} SELECT LEVEL, 0, 'x' FROM dual CONNECT BY LEVEL <= 3")
    return name


@pytest.fixture
def many(server: OracleServer) -> str:
    """A table with ``ROWS`` rows."""
    name = f"system.t{next(_numbers)}"
    server.sql(f"CREATE TABLE {name} (id NUMBER(10), v NUMBER(10))")
    server.sql(f"INSERT INTO {name} SELECT LEVEL, 0 FROM dual CONNECT BY LEVEL <= {ROWS}")
    return name


def undo(session: Session) -> int | None:
    """USED_UREC of the session's transaction, None without one."""
    found = session.server.sql(
        "SELECT t.used_urec FROM gv$transaction t JOIN gv$session s ON s.inst_id = t.inst_id AND s.saddr = t.ses_addr"
        " WHERE s.inst_id = :1 AND s.sid = :2",
        (session.inst_id, session.sid),
    )
    return int(found[0][0]) if found else None


def locks(session: Session) -> list[tuple[Any, ...]]:
    return session.server.sql("SELECT type, lmode, request FROM v$lock WHERE sid = :1 ORDER BY 1, 2", [session.sid])


def rows(server: OracleServer, table: str) -> list[tuple[Any, ...]]:
    return server.sql(f"SELECT id, v FROM {table} ORDER BY id")


# ---- who sees what


def test_nobody_sees_what_is_not_committed(server: OracleServer, idle: Open, table: str) -> None:
    writer, reader = idle(), idle()
    writer.execute(f"UPDATE {table} SET v = 9 WHERE id = 1")
    writer.execute(f"DELETE FROM {table} WHERE id = 2")
    writer.execute(f"INSERT INTO {table} VALUES (4, 4, 'new')")
    before = [(1, 0), (2, 0), (3, 0)]
    assert rows(server, table) == reader.execute(f"SELECT id, v FROM {table} ORDER BY id") == before
    assert writer.execute(f"SELECT id, v FROM {table} ORDER BY id") == [(1, 9), (3, 0), (4, 4)]
    writer.connection.rollback()
    assert rows(server, table) == before
    writer.execute(f"UPDATE {table} SET v = 9 WHERE id = 1")
    writer.commit()
    assert rows(server, table)[0] == (1, 9)


def test_a_transaction_begins_with_its_first_row(idle: Open, table: str) -> None:
    session = idle()
    session.execute(f"UPDATE {table} SET v = 1 WHERE id = 99")
    assert undo(session) is None
    assert locks(session) == []
    session.execute(f"SELECT * FROM {table} WHERE id = 1 FOR UPDATE")
    assert undo(session) == 0
    session.execute(f"UPDATE {table} SET v = 1 WHERE id < 3")
    assert undo(session) == 2
    assert locks(session) == [("TM", 3, 0), ("TX", 6, 0)]
    assert row(session, "CASE WHEN taddr IS NULL THEN 0 ELSE 1 END") == (1,)
    session.connection.rollback()
    assert (undo(session), locks(session)) == (None, [])


def test_a_waiter_and_whom_it_waits_for(server: OracleServer, idle: Open, busy: Run, table: str) -> None:
    holder = idle()
    holder.execute(f"UPDATE {table} SET v = 1 WHERE id = 1")
    statement = f"UPDATE {table} SET v = v + 10 WHERE id = 1"
    waiter = busy(statement)
    await_active(waiter, TX_WAIT)
    shown = row(waiter, "state", "blocking_session_status", "blocking_session", "final_blocking_session", "taddr")
    assert shown == ("WAITING", "VALID", holder.sid, holder.sid, None)
    assert locks(waiter) == [("TM", 3, 0), ("TX", 0, 6)]
    holder.commit()
    waiter.wait()
    assert waiter.error is None
    waiter.commit()
    assert rows(server, table)[0] == (1, 11)


@pytest.mark.parametrize(
    "how", ["KILL SESSION '{}' IMMEDIATE", "KILL SESSION '{}'", "DISCONNECT SESSION '{}' IMMEDIATE"]
)
def test_the_end_of_a_holder_frees_its_waiters(idle: Open, busy: Run, act: Act, table: str, how: str) -> None:
    holder = idle()
    holder.execute(f"UPDATE {table} SET v = 1")
    waiters = [busy(f"UPDATE {table} SET v = v + 10 WHERE id = {number}") for number in (1, 2)]
    for waiter in waiters:
        await_active(waiter, TX_WAIT)
    assert act(how.format(named(holder))) == 0
    for waiter in waiters:
        waiter.wait()
        assert waiter.error is None
        assert waiter.execute(f"SELECT MAX(v) FROM {table}") == [(10,)]
    assert undo(holder) is None


@pytest.mark.parametrize("how", ["KILL SESSION '{}' IMMEDIATE", "KILL SESSION '{}'", "CANCEL SQL '{}'"])
def test_a_waiter_is_interrupted_at_once(idle: Open, busy: Run, act: Act, table: str, how: str) -> None:
    holder = idle()
    holder.execute(f"UPDATE {table} SET v = 1 WHERE id = 1")
    waiter = busy(f"UPDATE {table} SET v = 2 WHERE id = 1")
    await_active(waiter, TX_WAIT)
    act(how.format(named(waiter)))
    assert fate(waiter) == (rule("victim_cancelled") if "CANCEL" in how else rule("victim_busy"))
    if "CANCEL" not in how:
        await_gone(waiter)
    assert locks(waiter) == []
    assert holder.alive()


def test_nowait_wait_and_skip_locked(idle: Open, table: str) -> None:
    holder, other = idle(), idle()
    holder.execute(f"UPDATE {table} SET v = 1 WHERE id = 1")
    assert failure(other.connection, f"SELECT id FROM {table} FOR UPDATE NOWAIT") == 54
    assert failure(other.connection, f"SELECT id FROM {table} WHERE id = 1 FOR UPDATE WAIT 1") in (54, 30006)
    other.execute(f"SELECT id FROM {table} WHERE id > 1 FOR UPDATE NOWAIT")
    assert failure(holder.connection, f"SELECT id FROM {table} WHERE id = 2 FOR UPDATE NOWAIT") == 54


def test_a_deadlock_costs_one_statement(idle: Open, busy: Run, table: str) -> None:
    first = idle()
    first.execute(f"UPDATE {table} SET v = 1 WHERE id = 1")
    second = busy(f"BEGIN UPDATE {table} SET v = 2 WHERE id = 2; UPDATE {table} SET v = 2 WHERE id = 1; END;")
    await_active(second, TX_WAIT)
    assert failure(first.connection, f"UPDATE {table} SET v = 1 WHERE id = 2") == 60
    # Only that statement: the other one still waits for the first row.
    assert undo(first) == 1
    assert not second.done.is_set()
    first.connection.rollback()
    second.wait()
    assert second.error is None


def test_lock_table(idle: Open, busy: Run, table: str) -> None:
    holder = idle()
    holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
    waiter = busy(f"UPDATE {table} SET v = 1 WHERE id = 3")
    await_active(waiter, "enq: TM - contention")
    assert row(waiter, "blocking_session") == (holder.sid,)
    holder.commit()
    waiter.wait()
    assert waiter.error is None


def test_a_lock_that_the_session_asked_for(idle: Open, busy: Run, act: Act) -> None:
    """DBMS_LOCK's: no transaction has it, so that neither commit nor rollback releases it."""
    request = "DECLARE n NUMBER; BEGIN n := dbms_lock.request({}); IF n <> {} THEN RAISE NO_DATA_FOUND; END IF; END;"
    holder, other = idle(), idle()
    holder.execute(request.format(1, 0))
    holder.commit()
    holder.connection.rollback()
    assert ("UL", 6, 0) in locks(holder)
    assert undo(holder) is None
    other.execute(request.format("1, 6, 0", 1))
    other.execute(request.format("2, timeout => 0", 0))
    waiter = busy(request.format(1, 0))
    await_active(waiter, "enq: UL - contention")
    assert row(waiter, "blocking_session") == (holder.sid,)
    holder.execute("DECLARE n NUMBER; BEGIN n := dbms_lock.release(1) + 10 * dbms_lock.release(1); IF n <> 40 THEN RAISE"
                   " NO_DATA_FOUND; END IF; END;")  # fmt: skip
    waiter.wait()
    assert waiter.error is None
    # A session that is killed while idle lets go at once, although its row stays.
    second = busy(request.format(1, 0))
    await_active(second, "enq: UL - contention")
    assert act(f"KILL SESSION '{named(waiter)}'") == 0
    second.wait()
    assert (second.error, status(waiter)) == (None, "KILLED")


# ---- statements that fail


def test_a_failed_statement_has_changed_nothing(server: OracleServer, idle: Open, table: str) -> None:
    session = idle()
    session.execute(f"UPDATE {table} SET v = 5 WHERE id = 1")
    assert failure(session.connection, f"INSERT INTO {table} SELECT id + 2, 0, 'y' FROM {table}") == 1
    assert failure(session.connection, f"UPDATE {table} SET name = 'much too long a name' WHERE id = 2") == 12899
    assert failure(session.connection, f"BEGIN UPDATE {table} SET v = 6; RAISE NO_DATA_FOUND; END;") == 1403
    assert undo(session) == 1
    session.commit()
    assert rows(server, table) == [(1, 5), (2, 0), (3, 0)]


def test_a_cancelled_block_is_undone_and_its_transaction_goes_on(idle: Open, busy: Run, act: Act, table: str) -> None:
    session = idle()
    session.execute(f"UPDATE {table} SET v = 5 WHERE id = 1")
    again = BusySession(session.server, session.connection, f"BEGIN UPDATE {table} SET v = 6; standin.spin(60); END;")
    await_active(again)
    wait_until(lambda: undo(again) == 4, what="the block to have changed three rows more")
    assert act(f"CANCEL SQL '{named(again)}'") == 0
    assert fate(again) == rule("victim_cancelled")
    assert (rule("cancel_keeps_transaction"), undo(session)) == (True, 1)
    assert session.execute(f"SELECT v FROM {table} ORDER BY id") == [(5,), (0,), (0,)]


def test_savepoints(server: OracleServer, idle: Open, table: str) -> None:
    session = idle()
    session.execute(f"UPDATE {table} SET v = 1")
    session.execute("SAVEPOINT here")
    session.execute(f"DELETE FROM {table}")
    session.execute("ROLLBACK TO SAVEPOINT here")
    session.commit()
    assert rows(server, table) == [(1, 1), (2, 1), (3, 1)]
    assert failure(session.connection, "ROLLBACK TO here") == 1086


def test_an_autonomous_transaction_survives_the_one_around_it(server: OracleServer, idle: Open, table: str) -> None:
    session = idle()
    session.execute(
        f"DECLARE PROCEDURE note IS PRAGMA AUTONOMOUS_TRANSACTION;"
        f" BEGIN INSERT INTO {table} VALUES (7, 7, 'log'); COMMIT; END;"
        f" BEGIN UPDATE {table} SET v = 1 WHERE id = 1; note; END;"
    )
    session.connection.rollback()
    assert rows(server, table) == [(1, 0), (2, 0), (3, 0), (7, 7)]


def test_a_row_that_is_deleted_comes_back(server: OracleServer, idle: Open, table: str) -> None:
    """Also when another row was inserted meanwhile: places of rows are not used twice."""
    first, second = idle(), idle()
    first.execute(f"DELETE FROM {table} WHERE id = 3")
    second.execute(f"INSERT INTO {table} VALUES (4, 4, 'new')")
    second.commit()
    first.connection.rollback()
    assert rows(server, table) == [(1, 0), (2, 0), (3, 0), (4, 4)]


def test_merge(server: OracleServer, idle: Open, table: str) -> None:
    session = idle()
    statement = (
        f"MERGE INTO {table} t USING (SELECT LEVEL + 1 AS id FROM dual CONNECT BY LEVEL <= 3) s ON (t.id = s.id)"
        " WHEN MATCHED THEN UPDATE SET t.v = 8 WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 9)"
    )
    session.execute(statement)
    assert session.execute(f"SELECT id, v FROM {table} ORDER BY id") == [(1, 0), (2, 8), (3, 8), (4, 9)]
    session.connection.rollback()
    assert rows(server, table) == [(1, 0), (2, 0), (3, 0)]


def test_many_rows_in_one_call(server: OracleServer, idle: Open, table: str) -> None:
    connection = idle().connection
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (:1, :2, 'a')", [(number, number) for number in range(10, 20)])
        assert cursor.rowcount == 10
        with pytest.raises(oracledb.IntegrityError) as raised:
            cursor.executemany(f"INSERT INTO {table} VALUES (:1, :2, 'a')", [(20, 1), (21, 1), (20, 1), (22, 1)])
        assert (code(raised.value), cursor.rowcount) == (1, 2)
    connection.commit()
    assert [number for number, _v in rows(server, table)] == [1, 2, 3, *range(10, 22)]


def test_many_blocks_in_one_call(idle: Open) -> None:
    with idle().connection.cursor() as cursor:
        double = cursor.var(int, arraysize=4)
        cursor.executemany("BEGIN :double := 2 * :given; END;", [{"given": n, "double": double} for n in range(4)])
        assert [double.getvalue(n) for n in range(4)] == [0, 2, 4, 6]


def test_many_blocks_of_which_one_fails(server: OracleServer, idle: Open, table: str) -> None:
    connection = idle().connection
    block = f"BEGIN INSERT INTO {table} (id) VALUES (:id); INSERT INTO {table} (id) VALUES (:id + 10 / :ok); END;"
    with connection.cursor() as cursor, pytest.raises(oracledb.DatabaseError) as raised:
        cursor.executemany(block, [{"id": 40, "ok": 1}, {"id": 60, "ok": 1}, {"id": 80, "ok": 0}, {"id": 100, "ok": 1}])
    assert code(raised.value) == 1476
    connection.commit()
    assert [number for number, _v in rows(server, table)] == [1, 2, 3, 40, 50, 60, 70]


def test_returning_is_not_built(idle: Open, table: str) -> None:
    session = idle()
    with session.connection.cursor() as cursor:
        ids = cursor.var(int)
        statement = f"UPDATE {table} SET v = 1 RETURNING id INTO :ids"
    assert failure(session.connection, statement, [ids]) == 3001
    assert undo(session) is None


# ---- rollback that takes its time


def test_a_killed_session_is_seen_to_roll_back(
    server: OracleServer, idle: Open, busy: Run, act: Act, policy: Change, many: str, bystander: Session
) -> None:
    victim = idle()
    victim.execute(f"UPDATE {many} SET v = 1")
    waiter = busy(f"UPDATE {many} SET v = 2 WHERE id = 1")
    await_active(waiter, TX_WAIT)
    assert undo(victim) == ROWS
    assert rule("rollback_rate") > 0
    with policy(rollback_rate=400.0):
        assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_busy_immediate")
        # It is still there and still has the lock, while its undo gets less.
        seen = [undo(victim)]
        wait_until(lambda: seen.append(undo(victim)) or seen[-1] != seen[0], what="the undo to fall")
        assert 0 < (seen[-1] or 0) < ROWS
        assert status(victim) == "KILLED"
        assert server.sql("SELECT BITAND(flag, 128) FROM v$transaction WHERE ses_addr = (SELECT saddr FROM v$session"
                          " WHERE sid = :1)", [victim.sid]) == [(128,)]  # fmt: skip
        assert row(waiter, "blocking_session") == (victim.sid,)
        assert not waiter.done.is_set()
    waiter.wait()
    assert waiter.error is None
    await_gone(victim)
    waiter.connection.rollback()
    assert server.sql(f"SELECT COUNT(*) FROM {many} WHERE v = 0") == [(ROWS,)]


def test_a_plain_kill_waits_for_the_rollback(idle: Open, act: Act, policy: Change, many: str) -> None:
    victim = idle()
    victim.execute(f"UPDATE {many} SET v = 1")
    with policy(rollback_rate=1000.0):
        assert act(f"KILL SESSION '{named(victim)}'") == 0
        assert (undo(victim), status(victim)) == (None, "KILLED")
    victim = idle()
    victim.execute(f"UPDATE {many} SET v = 1")
    with policy(rollback_rate=100.0, kill_wait_seconds=0.2):
        assert act(f"KILL SESSION '{named(victim)}'") == rule("kill_busy")
        assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_again")
        assert undo(victim)


def test_kill_lets_a_short_rollback_finish(idle: Open, act: Act, many: str) -> None:
    assert rule("kill_post_seconds") > 0
    victim = idle()
    victim.execute(f"UPDATE {many} SET v = 1")
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == 0
    assert undo(victim) is None


def test_the_dead_are_recovered(
    server: OracleServer, idle: Open, busy: Run, policy: Change, many: str, bystander: Session
) -> None:
    victim = idle()
    victim.execute(f"UPDATE {many} SET v = 1")
    waiter = busy(f"UPDATE {many} SET v = 2 WHERE id = 1")
    await_active(waiter, TX_WAIT)
    with policy(rollback_rate=1000.0):
        server.end_process(victim)
        await_gone(victim)
        found = server.sql(
            "SELECT undoblocksdone, undoblockstotal FROM v$fast_start_transactions WHERE state = 'RECOVERING'"
        )
        assert (rule("dead_transaction"), len(found)) == ("recovered", 1)
        assert found[0][0] < found[0][1]
        assert server.sql("SELECT COUNT(*) FROM v$transaction") == [(0,)]
        assert not waiter.done.is_set()
        waiter.wait()
    assert waiter.error is None
    waiter.connection.rollback()
    assert server.sql(RECOVERING) == [(0,)]
    assert server.sql(f"SELECT COUNT(*) FROM {many} WHERE v = 0") == [(ROWS,)]


def test_the_dead_keep_their_identity(server: OracleServer, idle: Open, policy: Change, many: str, table: str) -> None:
    """Another transaction that begins and ends meanwhile has nothing to do with the undo of a dead one."""
    victim, other = idle(), idle()
    victim.execute(f"UPDATE {many} SET v = 1")
    with policy(rollback_rate=1000.0):
        server.end_process(victim)
        await_gone(victim)
        for _often in range(3):
            other.execute(f"UPDATE {table} SET v = v + 1")
            other.commit()
        assert server.sql(RECOVERING) == [(1,)]
        wait_until(lambda: server.sql(RECOVERING) == [(0,)], what="the recovery")
    assert server.sql(f"SELECT COUNT(*) FROM {many} WHERE v = 0") == [(ROWS,)]
    assert rows(server, table) == [(1, 3), (2, 3), (3, 3)]


def test_pmon_takes_its_time(server: OracleServer, idle: Open, policy: Change) -> None:
    assert rule("pmon_seconds") == 0
    victim = idle()
    with policy(pmon_seconds=0.5):
        server.end_process(victim)
        assert fate(victim) == rule("victim_process_killed")
        assert status(victim) == "INACTIVE"
        await_gone(victim)


def test_the_holder_is_shown_late(idle: Open, busy: Run, policy: Change, table: str) -> None:
    assert rule("lock_holder_shown_after_seconds") == 0
    holder = idle()
    holder.execute(f"UPDATE {table} SET v = 1 WHERE id = 1")
    with policy(lock_holder_shown_after_seconds=0.5):
        waiter = busy(f"UPDATE {table} SET v = 2 WHERE id = 1")
        await_active(waiter, TX_WAIT)
        assert row(waiter, "blocking_session_status", "blocking_session") == ("UNKNOWN", None)
        wait_until(
            lambda: row(waiter, "blocking_session_status", "blocking_session") == ("VALID", holder.sid),
            what="the holder to be shown",
        )


# ---- many at once


def test_counting_together_loses_nothing(server: OracleServer, table: str) -> None:
    def count() -> None:
        with server.connect() as connection, connection.cursor() as cursor:
            for _number in range(10):
                cursor.execute(f"UPDATE {table} SET v = v + 1 WHERE id = 1")
                connection.commit()

    threads = [threading.Thread(target=count) for _number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(server, table)[0] == (1, 50)


def test_clients_end_at_any_moment(server: OracleServer, killer: oracledb.Connection, table: str) -> None:
    """Sessions that change rows are killed wherever they are: nothing of them stays, not even half of a transaction."""
    stop = threading.Event()

    def transfer() -> None:
        while not stop.is_set():
            try:
                with server.connect() as connection, connection.cursor() as cursor:
                    while not stop.is_set():
                        cursor.execute(f"UPDATE {table} SET v = v - 1 WHERE id = 1")
                        cursor.execute(f"UPDATE {table} SET v = v + 1 WHERE id = 2")
                        connection.commit()
            except oracledb.Error:
                continue

    threads = [threading.Thread(target=transfer) for _number in range(3)]
    for thread in threads:
        thread.start()
    killed = 0
    ways = ("IMMEDIATE", "", "FORCE TIMEOUT 0")
    while killed < 24:
        for sid, serial in server.sql(
            "SELECT sid, serial# FROM v$session WHERE taddr IS NOT NULL AND type = 'USER' AND status <> 'KILLED'"
        ):
            attempt(killer, f"ALTER SYSTEM KILL SESSION '{sid},{serial}' {ways[killed % 3]}")
            killed += 1
    stop.set()
    for thread in threads:
        thread.join()
    wait_until(lambda: server.sql("SELECT COUNT(*) FROM v$transaction") == [(0,)], what="the transactions to end")
    found = server.sql(f"SELECT SUM(v) FROM {table} WHERE id < 3")
    assert found == [(0,)]
    with server.memory() as connection:
        for name in ("x_undo", "x_row_lock"):
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)
