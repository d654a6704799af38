# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session in a call that hears of nothing: no statement ends it, a signal does, and PMON and SMON clean up after it."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.oracle_server.life import (
    HOLD,
    Act,
    Change,
    Open,
    Run,
    await_active,
    await_gone,
    fate,
    named,
    row,
    rule,
    runs,
    spid,
    status,
)

from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

# As deaf as it can be, and a KILL without IMMEDIATE does not wait for a minute.
STAND_IN = {"version": "23.4.0.0.0", "disconnect_busy": 31, "force_busy": 31, "kill_wait_seconds": 0.1}
ROWS = 600
_numbers = itertools.count(1)
Hold = Callable[[str], BusySession]


@pytest.fixture
def table(server: OracleServer) -> str:
    """A table with ``ROWS`` rows whose v is 0."""
    name = f"system.held{next(_numbers)}"
    server.sql(f"CREATE TABLE {name} (id NUMBER(10), v NUMBER(10))")
    server.sql(f"INSERT INTO {name} SELECT LEVEL, 0 FROM dual CONNECT BY LEVEL <= {ROWS}")
    return name


@pytest.fixture
def held_after(server: OracleServer, opened: list[Session]) -> Hold:
    """``held_after(statement)``: a session that has run this, and hangs with what it has open."""

    def hold(statement: str) -> BusySession:
        connection = server.connect()
        with connection.cursor() as cursor:
            cursor.execute(statement)
        session = BusySession(server, connection, HOLD)
        opened.append(session)
        await_active(session)
        return session

    return hold


@pytest.mark.parametrize(
    "clause",
    [
        "KILL SESSION '{}'",
        "KILL SESSION '{}' IMMEDIATE",
        "KILL SESSION '{}' FORCE TIMEOUT 0",
        "DISCONNECT SESSION '{}' IMMEDIATE",
        "DISCONNECT SESSION '{}' POST_TRANSACTION",
    ],
)
def test_no_statement_ends_it(busy: Run, act: Act, clause: str) -> None:
    assert (rule("disconnect_busy"), rule("force_busy")) == (0, 0)
    victim = busy(HOLD)
    process = spid(victim)
    for code in (rule("kill_busy"), rule("kill_again")):
        assert act(clause.format(named(victim))) == code
        assert row(victim, "status", "server") == ("KILLED", "DEDICATED")
        assert (runs(process), victim.done.is_set()) == (True, False)


def test_no_cancel_reaches_it(busy: Run, act: Act) -> None:
    victim = busy(HOLD)
    assert act(f"CANCEL SQL '{named(victim)}'") == 0
    victim.connection.cancel()
    assert not victim.done.wait(0.3)
    assert status(victim) == "ACTIVE"


def test_released_it_hears_of_all(server: OracleServer, busy: Run, act: Act, bystander: Session) -> None:
    spared, killed = busy(HOLD), busy(HOLD)
    assert act(f"KILL SESSION '{named(killed)}' IMMEDIATE") == rule("kill_busy_immediate")
    server.release(killed)
    assert fate(killed) == rule("victim_busy_immediate")
    await_gone(killed)
    server.release(spared)
    spared.wait()
    assert spared.error is None
    assert spared.alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(busy: Run, act: Act, bystander: Session, number: signal.Signals) -> None:
    assert rule("hold_hears_term") is True
    victim, other = busy(HOLD), busy(HOLD)
    act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
    os.kill(spid(victim), number)
    assert fate(victim) == rule("victim_process_killed")
    await_gone(victim)
    assert (status(other), other.done.is_set()) == ("ACTIVE", False)


def test_a_call_that_term_does_not_end(server: OracleServer, busy: Run, policy: Change, bystander: Session) -> None:
    with policy(hold_hears_term=False):
        stubborn, patient = busy(HOLD), busy(HOLD)
    processes = spid(stubborn), spid(patient)
    for process in processes:
        os.kill(process, signal.SIGTERM)
        wait_until(lambda pid=process: _pending(pid, signal.SIGTERM), what="the signal to wait")  # type: ignore[misc]
        assert runs(process)
    assert (status(stubborn), stubborn.done.is_set()) == ("ACTIVE", False)
    os.kill(processes[0], signal.SIGKILL)
    await_gone(stubborn)
    # The other one gets its signal as soon as it can.
    assert runs(processes[1])
    server.release(patient)
    assert fate(patient) == rule("victim_process_killed")
    await_gone(patient)


def _pending(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("ShdPnd:")[2].split()[0], 16) >> (number - 1) & 1)


def test_its_lock_is_free_when_its_process_has_ended(held_after: Hold, busy: Run, act: Act, bystander: Session) -> None:
    """A lock of the session, without a transaction: nothing is rolled back, and only the end of the process frees it."""
    victim = held_after("DECLARE n NUMBER; BEGIN n := dbms_lock.request(4711); END;")
    waiter = busy("DECLARE n NUMBER; BEGIN n := dbms_lock.request(4711); END;")
    await_active(waiter, "enq: UL - contention")
    assert row(victim, "taddr") == (None,)
    assert row(waiter, "blocking_session") == (victim.sid,)
    act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
    assert not waiter.done.wait(0.3)
    os.kill(spid(victim), signal.SIGTERM)
    waiter.wait()
    assert waiter.error is None
    await_gone(victim)


def test_its_transaction_is_recovered_when_its_process_has_ended(
    server: OracleServer, held_after: Hold, busy: Run, act: Act, policy: Change, table: str, bystander: Session
) -> None:
    victim = held_after(f"UPDATE {table} SET v = 1")
    names = server.sql(
        "SELECT t.xidusn, t.xidslot, t.xidsqn, t.used_ublk, t.xid FROM v$transaction t"
        " JOIN v$session s ON s.saddr = t.ses_addr WHERE s.sid = :1",
        [victim.sid],
    )[0]
    waiter = busy(f"UPDATE {table} SET v = 2 WHERE id = 1")
    act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
    # Its own process is the one that would roll back.
    assert server.sql("SELECT used_urec FROM v$transaction WHERE xid = :1", [names[4]]) == [(ROWS,)]
    recovery = (
        "SELECT f.state, f.undoblockstotal, f.undoblocksdone, f.parentusn, p.pname, f.slt, f.seq, f.xid"
        " FROM v$fast_start_transactions f JOIN v$process p ON p.pid = f.pid WHERE f.usn = :1"
    )
    with policy(rollback_rate=400.0):
        os.kill(spid(victim), signal.SIGKILL)
        await_gone(victim)
        assert server.sql("SELECT COUNT(*) FROM v$transaction") == [(0,)]
        state, total, done, parent, by, slot, sequence, xid = server.sql(recovery, [names[0]])[0]
        assert (state, total, parent, by) == ("RECOVERING", names[3], 0, "SMON")
        assert (slot, sequence, xid) == (names[1], names[2], names[4])
        assert done < total
        assert not waiter.done.is_set()
        waiter.wait()
    assert waiter.error is None
    assert rule("recovered_transaction") == "stays"
    wait_until(lambda: server.sql(recovery, [names[0]])[0][:3] == ("RECOVERED", total, total), what="the recovery")
    waiter.connection.rollback()
    assert server.sql(f"SELECT COUNT(*) FROM {table} WHERE v = 0") == [(ROWS,)]


@pytest.mark.parametrize("values", [{"dead_transaction_listed": False}, {"recovered_transaction": "goes"}], ids=str)
def test_a_recovery_that_is_not_listed(
    server: OracleServer, idle: Open, busy: Run, policy: Change, table: str, values: dict[str, object]
) -> None:
    assert rule("dead_transaction_listed") is True
    listed = "SELECT COUNT(*) FROM v$fast_start_transactions WHERE usn = :1 AND slt = :2 AND seq = :3"
    victim = idle()
    victim.execute(f"UPDATE {table} SET v = 1")
    names = server.sql(
        "SELECT t.xidusn, t.xidslot, t.xidsqn FROM v$transaction t JOIN v$session s ON s.saddr = t.ses_addr"
        " WHERE s.sid = :1",
        [victim.sid],
    )[0]
    waiter = busy(f"UPDATE {table} SET v = 2 WHERE id = 1")
    with policy(rollback_rate=1000.0, **values):
        os.kill(spid(victim), signal.SIGKILL)
        await_gone(victim)
        assert server.sql(listed, names) == [(int("dead_transaction_listed" not in values),)]
        # The locks are held either way.
        assert not waiter.done.is_set()
        waiter.wait()
        wait_until(lambda: server.sql(listed, names) == [(0,)], what="the row to go")
    waiter.connection.rollback()
    assert server.sql(f"SELECT COUNT(*) FROM {table} WHERE v = 0") == [(ROWS,)]
