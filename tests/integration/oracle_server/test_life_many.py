# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of sessions at once: what each costs, and that ending many ends those that were meant."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import oracledb
import pytest
from integration.oracle_server.life import attempt, failure, rule, runs

from servers.actors import wait_until
from servers.oracle.handle import OracleServer

COUNT, APART = 300, 40
# Of its own: what a server process does not share with the others. The design allows 8.
SESSION_MIB = 8.0
ALL = "SELECT sid, serial#, inst_id FROM gv$session WHERE program = 'many'"
# One call that ends all of them but those of another machine, as a tool would.
SWEEP = """
DECLARE
  ended PLS_INTEGER := 0;
BEGIN
  FOR s IN (SELECT sid, serial#, inst_id FROM gv$session WHERE program = 'many' AND machine = 'here') LOOP
    BEGIN
      EXECUTE IMMEDIATE 'ALTER SYSTEM KILL SESSION ''' || s.sid || ',' || s.serial# || ',@' || s.inst_id || ''' IMMEDIATE';
      ended := ended + 1;
    EXCEPTION WHEN OTHERS THEN
      IF SQLCODE NOT IN (-30, -31) THEN RAISE; END IF;
    END;
  END LOOP;
  :ended := ended;
END;"""


@pytest.fixture(scope="module")
def crowd(server: OracleServer) -> Iterator[list[oracledb.Connection]]:
    """Connections of one account from two machines, the second of which is nobody's target."""
    server.create_user("member", server.password)

    def connect(number: int) -> oracledb.Connection:
        machine = "here" if number < COUNT else "elsewhere"
        return server.connect(user="member", program="many", machine=machine)

    with ThreadPoolExecutor(4) as threads:
        connections = list(threads.map(connect, range(COUNT + APART)))
    yield connections
    for connection in connections:
        if connection.is_healthy():
            connection.close()


def processes(server: OracleServer) -> list[int]:
    found = server.sql("SELECT p.spid FROM v$session s JOIN v$process p ON p.addr = s.paddr WHERE s.program = 'many'")
    return [int(spid) for (spid,) in found]


def private_bytes(pid: int) -> int:
    """Memory that this process shares with no other (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_each_has_a_row_and_a_process(server: OracleServer, crowd: list[oracledb.Connection]) -> None:
    wanted = {(connection.session_id, connection.serial_num, 1) for connection in crowd}
    assert len(wanted) == COUNT + APART
    assert set(server.sql(ALL)) == wanted
    pids = processes(server)
    assert len(set(pids)) == COUNT + APART
    assert all(runs(pid) for pid in pids)
    assert {Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0") for pid in pids} == {b"oracleORCL (LOCAL=NO)"}


def test_what_a_session_costs(server: OracleServer, crowd: list[oracledb.Connection]) -> None:
    for connection in crowd[:COUNT:30]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT USER FROM dual")
    pids = processes(server)
    mean = sum(private_bytes(pid) for pid in pids) / len(pids) / 2**20
    print(f"{mean:.1f} MiB of its own in each of {len(pids)} server processes")
    assert mean < SESSION_MIB


def test_idle_sessions_do_nothing(server: OracleServer, crowd: list[oracledb.Connection]) -> None:
    pids = processes(server)
    before = {pid: cpu_seconds(pid) for pid in pids}
    time.sleep(0.5)
    assert {pid: cpu_seconds(pid) for pid in pids} == before


def test_processes_that_are_killed_at_once(server: OracleServer, crowd: list[oracledb.Connection]) -> None:
    victims = crowd[COUNT - 50 : COUNT]
    names = {(connection.session_id, connection.serial_num) for connection in victims}
    found = server.sql("SELECT s.sid, s.serial#, p.spid FROM v$session s JOIN v$process p ON p.addr = s.paddr")
    for sid, serial, spid in found:
        if (sid, serial) in names:
            os.kill(int(spid), signal.SIGKILL)
    wait_until(lambda: len(server.sql(ALL)) == COUNT + APART - 50, what="PMON to clean up")
    assert not names & {(sid, serial) for sid, serial, _inst_id in server.sql(ALL)}
    assert len(processes(server)) == COUNT + APART - 50


def test_one_call_ends_hundreds(server: OracleServer, crowd: list[oracledb.Connection]) -> None:
    with server.connect() as killer, killer.cursor() as cursor:
        ended = cursor.var(int)
        began = time.monotonic()
        cursor.execute(SWEEP, {"ended": ended})
        took = time.monotonic() - began
        wait_until(lambda: len(server.sql(ALL)) == APART, what="them to go")
        gone = time.monotonic() - began
        print(f"{ended.getvalue()} killed in {took:.2f} s, gone after {gone:.2f} s")
        assert ended.getvalue() == COUNT - 50
        assert attempt(killer, f"ALTER SYSTEM KILL SESSION '{crowd[0].session_id},{crowd[0].serial_num}'") == rule(
            "kill_gone"
        )
    assert all(failure(connection, "SELECT 1 FROM dual") for connection in crowd[:COUNT:25])
    assert not any(failure(connection, "SELECT 1 FROM dual") for connection in crowd[COUNT:])
    wait_until(lambda: len(processes(server)) == APART, what="their processes to go")


def test_their_places_are_used_again_with_other_serial_numbers(
    server: OracleServer, crowd: list[oracledb.Connection]
) -> None:
    old = {(connection.session_id, connection.serial_num) for connection in crowd[:COUNT]}
    with ThreadPoolExecutor(4) as threads:
        fresh = list(threads.map(lambda _number: server.connect(user="member", program="again"), range(100)))
    try:
        names = {(connection.session_id, connection.serial_num) for connection in fresh}
        assert len(names) == 100
        assert not names & old
        assert {sid for sid, _serial in names} & {sid for sid, _serial in old}
    finally:
        for connection in fresh:
            connection.close()
