# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that are not one dedicated server each: parallel servers, job slaves, shared servers, pools, XA, the sniped."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import oracledb
import pytest
from integration.oracle_server.life import (
    SPIN,
    Act,
    Change,
    Open,
    Run,
    await_active,
    await_gone,
    failure,
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

PARALLEL = "BEGIN standin.parallel(3, 60); END;"


# ---- parallel servers


@pytest.fixture
def coordinator(server: OracleServer, busy: Run) -> Iterator[BusySession]:
    """A coordinator and its three parallel servers; none of them may be left at the end."""
    session = busy(PARALLEL)
    wait_until(lambda: len(servers_of(session)) == 3, what="the parallel servers")
    yield session
    server.end_process(session)
    wait_until(lambda: not servers_of(session), what="the parallel servers to end")


def servers_of(coordinator: Session) -> list[tuple[int, int]]:
    """Sid and serial# of its parallel servers."""
    return [
        (int(sid), int(serial))
        for sid, serial in coordinator.server.sql(
            "SELECT p.sid, p.serial# FROM v$px_session p JOIN v$session s ON s.sid = p.sid AND s.serial# = p.serial#"
            " WHERE p.qcsid = :1 AND p.sid <> p.qcsid ORDER BY 1",
            [coordinator.sid],
        )
    ]


def test_what_parallel_servers_look_like(server: OracleServer, coordinator: BusySession) -> None:
    found = server.sql(
        "SELECT s.type, s.status, s.username, s.sql_id, p.pname, x.qcserial#, x.qcinst_id, x.degree"
        " FROM v$px_session x JOIN v$session s ON s.saddr = x.saddr JOIN v$process p ON p.addr = s.paddr"
        " WHERE x.qcsid = :1 AND x.sid <> x.qcsid ORDER BY p.pname",
        [coordinator.sid],
    )
    sql_id = row(coordinator, "sql_id") or ("",)
    assert found == [
        ("USER", "ACTIVE", "SYSTEM", sql_id[0], name, coordinator.serial, 1, 3) for name in ("P000", "P001", "P002")
    ]
    # The coordinator itself has a row without a server group.
    assert server.sql("SELECT qcserial#, server_set FROM v$px_session WHERE sid = :1", [coordinator.sid]) == [
        (None, None)
    ]


@pytest.mark.parametrize(
    "clause", ["KILL SESSION '{}'", "KILL SESSION '{}' IMMEDIATE", "DISCONNECT SESSION '{}' IMMEDIATE"]
)
def test_with_the_coordinator_its_servers_end(
    coordinator: BusySession, act: Act, bystander: Session, clause: str
) -> None:
    act(clause.format(named(coordinator)))
    coordinator.wait()
    assert rule("px_coordinator_killed") == "servers end"
    wait_until(lambda: not servers_of(coordinator), what="the parallel servers to end")
    await_gone(coordinator)


def test_with_a_cancel_its_servers_end(coordinator: BusySession, act: Act) -> None:
    assert act(f"CANCEL SQL '{named(coordinator)}'") == 0
    assert fate(coordinator) == rule("victim_cancelled")
    wait_until(lambda: not servers_of(coordinator), what="the parallel servers to end")
    assert coordinator.alive()


@pytest.mark.parametrize("code", [12805, 12801])
@pytest.mark.parametrize("clause", ["KILL SESSION '{},{}' IMMEDIATE", "CANCEL SQL '{},{}'"])
def test_without_a_server_the_coordinator_fails(
    coordinator: BusySession, act: Act, policy: Change, clause: str, code: int
) -> None:
    assert rule("px_server_killed") == 12805
    sid, serial = servers_of(coordinator)[1]
    with policy(px_server_killed=code):
        assert act(clause.format(sid, serial)) in (0, rule("kill_busy_immediate"))
        assert fate(coordinator) == code
    assert coordinator.alive()


def test_a_parallel_server_that_dies(server: OracleServer, coordinator: BusySession) -> None:
    sid, _serial = servers_of(coordinator)[0]
    ((process,),) = server.sql(
        "SELECT p.spid FROM v$session s JOIN v$process p ON p.addr = s.paddr WHERE sid = :1", [sid]
    )
    os.kill(int(process), signal.SIGKILL)
    assert fate(coordinator) == rule("px_server_killed")


# ---- jobs


def test_a_job_slave(server: OracleServer, act: Act, bystander: Session) -> None:
    server.create_user("reporter", "Tr0ub4dor_3")
    job = server.open_job("reporter", "NIGHTLY")
    found = server.sql(
        "SELECT type, username, status, module, action, program FROM v$session WHERE sid = :1", [job["sid"]]
    )
    assert found[0][:5] == ("USER", "REPORTER", "ACTIVE", "DBMS_SCHEDULER", "NIGHTLY")
    assert found[0][5].endswith("(J000)")
    running = "SELECT job_name, session_id FROM dba_scheduler_running_jobs"
    assert server.sql(running) == [("NIGHTLY", job["sid"])]
    assert act(f"KILL SESSION '{job['sid']},{job['serial']}' IMMEDIATE") == rule("kill_busy_immediate")
    wait_until(lambda: not server.sql(running), what="the job to end")
    wait_until(lambda: not runs(job["spid"]), what="the job's process to end")


def test_the_cancel_of_a_job(server: OracleServer, act: Act) -> None:
    job = server.open_job("system", "CANCELLED")
    assert act(f"CANCEL SQL '{job['sid']},{job['serial']}'") == 0
    wait_until(lambda: not runs(job["spid"]), what="the job's process to end")
    assert server.sql("SELECT COUNT(*) FROM v$session WHERE sid = :1", [job["sid"]]) == [(0,)]


# ---- shared servers


def shared(server: OracleServer) -> str:
    return (
        f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={server.host})(PORT={server.ports[1]}))"
        f"(CONNECT_DATA=(SERVICE_NAME={server.service})(SERVER=SHARED)))"
    )


def process_of(session: Session) -> tuple[str, int]:
    """Name and SPID of the process that PADDR is."""
    found = session.server.sql(
        "SELECT p.pname, p.spid FROM v$session s JOIN v$process p ON p.addr = s.paddr WHERE s.sid = :1", [session.sid]
    )
    return found[0][0], int(found[0][1])


def test_a_shared_server_session(server: OracleServer, idle: Open, act: Act) -> None:
    session = idle(dsn=shared(server))
    assert row(session, "server", "status") == ("NONE", "INACTIVE")
    dispatcher = process_of(session)
    assert dispatcher[0] == "D000"
    assert server.sql(
        "SELECT COUNT(*) FROM v$circuit c JOIN v$session s ON s.saddr = c.saddr WHERE s.sid = :1", [session.sid]
    ) == [(1,)]
    working = BusySession(server, session.connection, SPIN)
    await_active(working)
    assert row(session, "server") == ("SHARED",)
    assert process_of(session)[0] == "S000"
    act(f"CANCEL SQL '{named(session)}'")
    assert fate(working) == rule("victim_cancelled")
    assert row(session, "server") == ("NONE",)
    assert process_of(session) == dispatcher


@pytest.mark.parametrize("busy_one", [False, True])
def test_the_kill_of_a_shared_server_session_leaves_the_others(
    server: OracleServer, idle: Open, busy: Run, act: Act, busy_one: bool
) -> None:
    other = idle(dsn=shared(server))
    victim = busy(SPIN, dsn=shared(server)) if busy_one else idle(dsn=shared(server))
    act(f"KILL SESSION '{named(victim)}' IMMEDIATE")
    assert fate(victim) == rule("victim_busy_immediate" if busy_one else "victim_idle_immediate")
    await_gone(victim)
    assert other.alive()
    assert server.sql("SELECT pname FROM v$process WHERE pname IN ('D000', 'S000') ORDER BY 1") == [
        ("D000",),
        ("S000",),
    ]


def test_the_end_of_a_dispatcher_is_the_end_of_its_sessions(
    server: OracleServer, idle: Open, bystander: Session
) -> None:
    victims = [idle(dsn=shared(server)) for _number in range(3)]
    _name, process = process_of(victims[0])
    os.kill(process, signal.SIGKILL)
    for victim in victims:
        await_gone(victim)
        assert fate(victim) == rule("victim_process_killed")
    wait_until(
        lambda: server.sql("SELECT spid FROM v$process WHERE pname = 'D000'") != [(str(process),)], what="another one"
    )
    assert idle(dsn=shared(server)).alive()


def test_the_end_of_a_shared_server_is_the_end_of_those_in_a_call(server: OracleServer, idle: Open, busy: Run) -> None:
    other, victim = idle(dsn=shared(server)), busy(SPIN, dsn=shared(server))
    os.kill(process_of(victim)[1], signal.SIGKILL)
    assert fate(victim) == rule("victim_process_killed")
    assert other.alive()


# ---- pools of the server


def test_a_pooled_session(server: OracleServer, idle: Open, act: Act, bystander: Session) -> None:
    session = idle(server_type="pooled", cclass="SHOP", purity=oracledb.PURITY_SELF)
    assert row(session, "server") == ("POOLED",)
    assert process_of(session)[0] == "L000"
    another = idle(server_type="pooled", cclass="SHOP", purity=oracledb.PURITY_SELF)
    assert process_of(another)[0] == "L001"
    act(f"KILL SESSION '{named(session)}' IMMEDIATE")
    assert fate(session) == rule("victim_idle_immediate")
    assert another.alive()


def test_a_pooled_session_that_is_given_back(server: OracleServer) -> None:
    """What it had open is rolled back."""
    server.sql("CREATE TABLE system.pooled (id NUMBER)")
    pool = oracledb.create_pool(
        user="system", password=server.password, dsn=server.dsn, min=1, max=2, server_type="pooled", cclass="SHOP"
    )
    for _twice in range(2):
        connection = pool.acquire()
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO system.pooled VALUES (1)")
        pool.release(connection)
        wait_until(lambda: server.sql("SELECT COUNT(*) FROM v$transaction") == [(0,)], what="the rollback")
    pool.close(force=True)
    assert server.sql("SELECT COUNT(*) FROM system.pooled") == [(0,)]
    wait_until(lambda: not server.sql("SELECT 1 FROM v$session WHERE server = 'POOLED'"), what="the sessions to go")


# ---- states that others put a session into


def test_the_sniped(server: OracleServer, idle: Open, act: Act) -> None:
    victim = idle()
    server.set_session(victim.sid, status="SNIPED")
    assert status(victim) == "SNIPED"
    assert fate(victim) == rule("victim_sniped")
    await_gone(victim)
    another = idle()
    server.set_session(another.sid, status="SNIPED")
    process = spid(another)
    assert act(f"KILL SESSION '{named(another)}' IMMEDIATE") == 0
    await_gone(another)
    wait_until(lambda: not runs(process), what="its process to end")


def test_a_cached_session_of_xa(server: OracleServer, idle: Open, act: Act) -> None:
    session = idle()
    server.set_session(session.sid, status="CACHED")
    assert status(session) == "CACHED"
    assert session.alive()
    assert status(session) == "INACTIVE"
    server.set_session(session.sid, status="CACHED")
    assert act(f"KILL SESSION '{named(session)}' IMMEDIATE") == 0
    assert fate(session) == rule("victim_idle_immediate")


# ---- the stand-in's own procedures, and Oracle's


def test_temporary_space(server: OracleServer, idle: Open) -> None:
    session = idle()
    session.execute("BEGIN standin.temp(640); END;")
    usage = "SELECT SUM(blocks) FROM v$tempseg_usage u JOIN v$session s ON s.saddr = u.session_addr WHERE s.sid = :1"
    assert server.sql(usage, [session.sid]) == [(640,)]
    sid = session.sid
    session.close()
    wait_until(lambda: server.sql(usage, [sid]) == [(None,)], what="the space to be free")


def test_output(idle: Open) -> None:
    with idle().connection.cursor() as cursor:
        cursor.callproc("dbms_output.enable")
        cursor.execute("BEGIN dbms_output.put_line('one'); dbms_output.put('t'); dbms_output.put_line('wo'); END;")
        line, end = cursor.var(str), cursor.var(int)
        found = []
        while True:
            cursor.callproc("dbms_output.get_line", (line, end))
            if end.getvalue():
                break
            found.append(line.getvalue())
    assert found == ["one", "two"]


def test_all_sessions_of_a_service(server: OracleServer, idle: Open, killer: oracledb.Connection) -> None:
    victims = [idle() for _number in range(2)]
    block = "BEGIN dbms_service.disconnect_session(:1, dbms_service.immediate); END;"
    assert failure(killer, block, ["nowhere"]) == 0
    assert all(victim.alive() for victim in victims)
    assert failure(killer, block, [server.service]) == 0
    with contextlib.suppress(oracledb.Error):
        server.sql("SELECT 1 FROM dual")  # The handle's own session was one of them.
    for victim in victims:
        assert fate(victim) == rule("victim_disconnect")
        await_gone(victim)
