# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several instances of one database: whose sessions are seen and ended where, and what the end of an instance leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import oracledb
import pytest
from integration.oracle_server.life import (
    SPIN,
    Act,
    Open,
    Run,
    attempt,
    await_gone,
    code,
    fate,
    named,
    processes_of,
    row,
    rule,
    runs,
    spid,
    status,
)  # fmt: skip

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle.policy import CLOSE
from servers.oracle_actors import Session

STAND_IN = {"instances": 2, "kill_wait_seconds": 0.3}
TESTS = Path(__file__).resolve().parents[2]


@pytest.fixture
def both(server: OracleServer) -> Iterator[OracleServer]:
    """The server, with both instances open before and after the test."""
    yield server
    server.start_instance(1)
    server.start_instance(2)


@contextmanager
def acting_on(server: OracleServer, instance: int) -> Iterator[Act]:
    """As the fixture ``act``, from an instance of one's choice."""
    with server.connect(instance=instance) as connection:
        yield lambda clause: attempt(connection, f"ALTER SYSTEM {clause}")


# ---- what is seen, and from where


def test_v_shows_one_instance_and_gv_all(server: OracleServer, idle: Open) -> None:
    here, there = idle(instance=1), idle(instance=2)
    assert here.execute("SELECT instance_number, instance_name, parallel FROM v$instance") == [(1, "ORCL1", "YES")]
    assert there.execute("SELECT instance_number, instance_name, status FROM v$instance") == [(2, "ORCL2", "OPEN")]
    for session in (here, there):
        assert session.execute("SELECT inst_id FROM gv$instance ORDER BY inst_id") == [(1,), (2,)]
        seen = session.execute("SELECT inst_id, sid, serial# FROM gv$session WHERE type = 'USER'")
        assert {(each.inst_id, each.sid, each.serial) for each in (here, there)} <= set(seen)
    for session, other in ((here, there), (there, here)):
        found = session.execute("SELECT sid, serial# FROM v$session")
        assert (session.sid, session.serial) in found
        assert (other.sid, other.serial) not in found or other.sid == session.sid


def only_on(server: OracleServer, idle: Open, instance: int) -> Session:
    """A session whose SID the other instance does not have."""
    while True:
        session = idle(instance=instance)
        if server.sql("SELECT COUNT(*) FROM gv$session WHERE sid = :1", [session.sid]) == [(1,)]:
            return session


def test_kill_on_another_instance_takes_its_number(
    server: OracleServer, idle: Open, act: Act, bystander: Session
) -> None:
    victim = only_on(server, idle, 2)
    assert act(f"KILL SESSION '{named(victim)}' IMMEDIATE") == rule("kill_elsewhere")
    assert status(victim) == "INACTIVE"
    assert act(f"KILL SESSION '{named(victim)},@2' IMMEDIATE") == 0
    assert fate(victim) == CLOSE
    await_gone(victim)


def test_the_same_sid_on_two_instances_is_two_sessions(server: OracleServer, opened: list[Session], act: Act) -> None:
    there = actors.idle(server, instance=2)
    opened.append(there)
    here = actors.idle(server, instance=1)
    opened.append(here)
    while here.sid != there.sid:
        behind = 1 if here.sid < there.sid else 2
        opened.append(actors.idle(server, instance=behind))
        here, there = (opened[-1], there) if behind == 1 else (here, opened[-1])
    assert act(f"KILL SESSION '{there.sid},{there.serial},@2' IMMEDIATE") == 0
    assert fate(there) == CLOSE
    assert here.alive()


def test_a_busy_session_on_another_instance(server: OracleServer, busy: Run, act: Act) -> None:
    victim = busy(SPIN, instance=2)
    assert act(f"KILL SESSION '{named(victim)},@2' IMMEDIATE") == rule("kill_busy_immediate")
    assert fate(victim) == rule("victim_busy_immediate")
    await_gone(victim)


def test_cancel_on_another_instance(busy: Run, act: Act) -> None:
    victim = busy(SPIN, instance=2)
    (sql_id,) = row(victim, "sql_id") or ()
    assert act(f"CANCEL SQL '{named(victim)},{sql_id}'") != 0
    assert act(f"CANCEL SQL '{named(victim)},@2,{sql_id}'") == 0
    assert fate(victim) == rule("victim_cancelled")
    assert victim.alive()


def test_disconnect_goes_to_the_instance(server: OracleServer, idle: Open, act: Act) -> None:
    victim = only_on(server, idle, 2)
    assert act(f"DISCONNECT SESSION '{named(victim)},@2' IMMEDIATE") == rule("disconnect_instance")
    assert act(f"DISCONNECT SESSION '{named(victim)}' IMMEDIATE") == rule("kill_elsewhere")
    with acting_on(server, 2) as act_there:
        assert act_there(f"DISCONNECT SESSION '{named(victim)}' IMMEDIATE") == 0
    assert fate(victim) == rule("victim_disconnect")


def test_a_blocker_on_another_instance(server: OracleServer, opened: list[Session], act: Act) -> None:
    holder = actors.idle_in_transaction(server, database="across", instance=2)
    waiter = actors.waiter(server, database="across", instance=1)
    opened += [holder, waiter]
    columns = ("blocking_session_status", "blocking_instance", "blocking_session", "final_blocking_instance")
    wait_until(lambda: row(waiter, *columns) == ("VALID", 2, holder.sid, 2), what="the blocker to be seen")
    assert server.sql(
        "SELECT inst_id, request FROM gv$lock WHERE (id1, id2) IN (SELECT id1, id2 FROM gv$lock WHERE inst_id = 2"
        " AND sid = :1 AND type = 'TX') ORDER BY inst_id",
        [holder.sid],
    ) == [(1, 6), (2, 0)]
    assert act(f"KILL SESSION '{named(holder)},@2' IMMEDIATE") == 0
    waiter.wait()
    assert waiter.error is None


# ---- listeners


def descriptor(server: OracleServer, port: int, **connect_data: str) -> str:
    data = "".join(f"({name}={value})" for name, value in connect_data.items())
    return f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={server.host})(PORT={server.ports[port]}))(CONNECT_DATA={data}))"


@pytest.mark.parametrize("listener", [1, 2])
def test_a_listener_sends_on_to_the_instance_that_is_named(server: OracleServer, listener: int) -> None:
    for number in (1, 2):
        dsn = descriptor(server, listener, SERVICE_NAME=server.service, INSTANCE_NAME=f"orcl{number}")
        with server.connect(dsn=dsn) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT instance_number FROM v$instance")
            assert cursor.fetchone() == (number,)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"SERVICE_NAME": "nosuch"}, 12514),
        ({"SID": "nosuch"}, 12505),
        ({"SERVICE_NAME": "orcl", "INSTANCE_NAME": "nosuch"}, 12521),
    ],
)
def test_what_a_listener_does_not_know(server: OracleServer, asked: dict[str, str], number: int) -> None:
    with pytest.raises(oracledb.Error, match=rf"ORA-{number}"):
        server.connect(dsn=descriptor(server, 1, **asked))


def test_an_instance_is_known_by_its_sid_too(server: OracleServer) -> None:
    with server.connect(dsn=descriptor(server, 2, SID="ORCL2")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT service_name FROM v$session WHERE sid = SYS_CONTEXT('USERENV', 'SID')")
        assert cursor.fetchone() == ("SYS$USERS",)


def test_restricted_session_keeps_others_out(server: OracleServer, act: Act) -> None:
    server.create_user("plain", server.password)
    assert act("ENABLE RESTRICTED SESSION") == 0
    try:
        assert server.sql("SELECT logins FROM gv$instance ORDER BY inst_id") == [("RESTRICTED",), ("ALLOWED",)]
        with pytest.raises(oracledb.Error) as caught:
            server.connect(user="plain")
        assert code(caught.value) == 1035
        server.connect(user="plain", instance=2).close()
        server.connect().close()
    finally:
        assert act("DISABLE RESTRICTED SESSION") == 0
    server.connect(user="plain").close()


# ---- the end of an instance


def test_what_the_end_of_an_instance_leaves(both: OracleServer, opened: list[Session], act: Act) -> None:
    table = actors.make_table(both, "left", [1])
    before = both.sql(f"SELECT v FROM {table}")
    holder = actors.idle_in_transaction(both, database="left", instance=2)
    waiter = actors.waiter(both, database="left", instance=1)
    bystander = actors.idle(both, instance=1)
    opened += [holder, waiter, bystander]
    process = spid(holder)
    both.stop_instance(2)
    assert not runs(process)
    assert fate(holder) == CLOSE
    # The other instance's SMON has rolled back for it.
    waiter.wait()
    assert waiter.error is None
    ((value,),) = before
    assert both.sql(f"SELECT v FROM {table}") == [(value + 1,)]
    assert bystander.alive()
    assert both.sql("SELECT DISTINCT inst_id FROM gv$session") == [(1,)]
    assert both.sql("SELECT inst_id, status FROM gv$instance") == [(1, "OPEN")]
    assert act(f"KILL SESSION '{named(holder)},@2' IMMEDIATE") == rule("kill_no_instance")
    with pytest.raises(oracledb.Error, match="DPY-6005"):
        both.connect(instance=2)
    with pytest.raises(oracledb.Error, match="ORA-12521"):
        both.connect(dsn=descriptor(both, 1, SERVICE_NAME=both.service, INSTANCE_NAME="ORCL2"))


def test_an_instance_comes_back_where_it_was(both: OracleServer, opened: list[Session]) -> None:
    port = both.ports[2]
    gone = actors.idle(both, instance=2)
    both.stop_instance(2)
    both.start_instance(2)
    assert both.ports[2] == port
    with pytest.raises(oracledb.Error):
        gone.execute("SELECT 1 FROM dual")
    again = actors.idle(both, instance=2)
    opened.append(again)
    assert again.alive()
    # A SID is used again, its serial number is not.
    assert again.sid != gone.sid or again.serial != gone.serial


def test_a_background_process_takes_its_instance_along(both: OracleServer, idle: Open, act: Act) -> None:
    here, there = idle(instance=1), idle(instance=2)
    ((process,),) = both.sql("SELECT spid FROM gv$process WHERE inst_id = 2 AND pname = 'CKPT'")
    os.kill(int(process), signal.SIGKILL)
    assert rule("background_killed") == "instance ends"
    wait_until(lambda: both.sql("SELECT inst_id FROM gv$instance") == [(1,)], what="instance 2 to end")
    assert fate(there) == CLOSE
    assert here.alive()


def test_a_job_slave_ends_alone(both: OracleServer, idle: Open) -> None:
    here = idle()
    job = both.open_job("SYSTEM")
    os.kill(job["spid"], signal.SIGKILL)
    wait_until(lambda: not both.sql("SELECT 1 FROM v$session WHERE sid = :1", [job["sid"]]), what="the job to go")
    assert here.alive()


# ---- threads


def test_a_server_thread_takes_its_instance_along() -> None:
    with OracleServer(threaded=True) as server:
        first, second = actors.idle(server), actors.idle(server)
        found = server.sql(
            "SELECT p.spid, p.stid, p.execution_type FROM v$process p JOIN v$session s ON s.paddr = p.addr"
            " WHERE s.sid IN (:1, :2)",
            [first.sid, second.sid],
        )
        assert [kind for _spid, _stid, kind in found] == ["THREAD", "THREAD"]
        assert found[0][0] == found[1][0]
        assert found[0][1] != found[1][1]
        os.kill(int(found[0][0]), signal.SIGKILL)
        assert rule("thread_killed") == "instance ends"
        wait_until(lambda: not (first.alive() or second.alive()), what="both threads to end")
        with pytest.raises(oracledb.Error):
            server.connect()


def test_killing_a_thread_by_sql_spares_the_others() -> None:
    with OracleServer(threaded=True) as server, server.connect() as killer:
        victim, bystander = actors.idle(server), actors.idle(server)
        assert attempt(killer, f"ALTER SYSTEM KILL SESSION '{named(victim)}' IMMEDIATE") == 0
        assert fate(victim) == CLOSE
        assert bystander.alive()


# ---- the server as a whole


@contextmanager
def by_hand(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "servers.oracle", *arguments],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            with suppress(OSError):
                stream.close()


def _end(process: subprocess.Popen[str], how: signal.Signals | None) -> None:
    if how is None:
        assert process.stdin is not None
        process.stdin.close()
    else:
        process.send_signal(how)


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGINT], ids=["end of input", "SIGTERM", "SIGINT"])
def test_started_by_hand_it_ends_without_a_trace(how: signal.Signals | None) -> None:
    with by_hand("--options", '{"instances": 2}', "--password", "by hand") as process:
        assert process.stdout is not None and process.stderr is not None
        told = json.loads(process.stdout.readline())
        assert told["pid"] == process.pid
        assert list(told["ports"]) == ["1", "2"]
        dsn = f"{told['host']}:{told['ports']['2']}/{told['service']}"
        connection = oracledb.connect(user="system", password="by hand", dsn=dsn)
        children = _children(process.pid)
        assert len(children) > 10
        _end(process, how)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        wait_until(lambda: not any(runs(pid) for pid in children), what="its processes to end")
        assert not Path(told["folder"]).exists()
        with pytest.raises(oracledb.Error):
            connection.ping()


def _children(pid: int) -> set[int]:
    class Started:
        def __init__(self) -> None:
            self.pid = pid

    found: Any = Started()
    return processes_of(found) - {pid}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ('{"version": "19"}', "five numbers"),
        ('{"instances": 0}', "instances"),
        ('{"frob": 1}', "frob"),
        ("nonsense", "Expecting value"),
        ('{"policies": {"kill_wait_seconds": -1}}', "kill_wait_seconds"),
        ('{"version": "11.2.0.4.0", "pdbs": ["P"]}', "12.1"),
        ('{"rds": true, "instances": 2}', "RDS"),
    ],
)
def test_options_that_make_no_sense(options: str, complaint: str) -> None:
    with by_hand("--options", options) as process:
        out, err = process.communicate(timeout=10)
        assert process.returncode == 2
        assert out == ""
        assert re.search(complaint, err)
        assert "Traceback" not in err


def test_it_ends_with_its_starter_and_the_next_one_sweeps_up() -> None:
    program = (
        "import os, signal, sys\n"
        "from servers.oracle.handle import OracleServer\n"
        "server = OracleServer().start()\n"
        "print(server.pid, server.folder, flush=True)\n"
        "server.connect()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    pid, folder = done.stdout.split()
    wait_until(lambda: not runs(int(pid)), what="the server to end")
    # Its folder stays until any other stand-in starts, one of another test run included.
    with OracleServer():
        assert not Path(folder).exists()


def test_what_is_written_to_it_can_be_wrong() -> None:
    with by_hand() as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        for line in ("frob 1", "stop x", "start 7", ""):
            process.stdin.write(line + "\n")
            process.stdin.flush()
            assert "error" in json.loads(process.stdout.readline())
        process.stdin.write("stop 1\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"done": "stop 1"}


def test_it_starts_fast() -> None:
    began = time.monotonic()
    with OracleServer():
        assert time.monotonic() - began < 5
