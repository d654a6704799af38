# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other tests connect to does what they rely on. Runs against a real seekdb."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import CLIENT

from servers import actors, seekdb
from servers.actors import BusySession, wait_until
from servers.proxy import Proxy, SilentServer, count_statements
from servers.seekdb import Seekdb, SeekdbError

TESTS = Path(__file__).resolve().parents[1]


def runs(pid: int) -> bool:
    """True while the process exists and is no zombie (an orphan's zombie is somebody else's to reap)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def listed(server: Seekdb, session_id: int) -> bool:
    return bool(server.sql("SELECT 1 FROM oceanbase.V$OB_PROCESSLIST WHERE ID = %s", (session_id,)))


@pytest.fixture(scope="module")
def server() -> Iterator[Seekdb]:
    with Seekdb() as running:
        yield running


@pytest.fixture
def proxy(server: Seekdb) -> Iterator[Proxy]:
    with Proxy(server.host, server.port, record=True) as running:
        yield running


# --- seekdb


def test_stop_leaves_no_process_and_no_folder() -> None:
    with Seekdb(long_statements=False) as server:
        pid, folder = server.pid, server.folder
        assert folder is not None and folder.is_dir() and runs(pid)
        assert server.dsn == f"127.0.0.1:{server.port}"
        assert server.sql("SELECT @@ob_query_timeout") == ((10_000_000,),)
        # Our only measure against its reports to the vendor is an environment variable.
        assert b"TELEMETRY_ENABLED=false" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert not runs(pid) and not folder.exists()
    server.stop()
    with pytest.raises(SeekdbError, match="not running"):
        server.pid  # noqa: B018


def test_long_statements_and_loopback_only(server: Seekdb) -> None:
    assert server.sql("SELECT @@ob_query_timeout, @@ob_tcp_invited_nodes") == ((3_600_000_000, "127.0.0.1"),)


def test_second_start_is_refused(server: Seekdb) -> None:
    with pytest.raises(SeekdbError, match=f"already runs as process {server.pid}"):
        server.start()
    assert server.sql("SELECT 1") == ((1,),)


def test_taken_port_is_left_for_another_one(server: Seekdb, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [seekdb.free_port(), server.port]
    monkeypatch.setattr(seekdb, "free_port", ports.pop)
    with Seekdb() as second:
        assert second.port != server.port
        assert second.sql("SELECT @@port") == ((second.port,),)
    assert server.sql("SELECT 1") == ((1,),)


def test_failed_start_shows_the_servers_last_words(server: Seekdb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seekdb, "free_port", lambda: server.port)
    monkeypatch.setattr(seekdb, "START_ATTEMPTS", 1)
    broken = Seekdb()
    with pytest.raises(SeekdbError, match=r"(?s)ended 1 times while starting; last words:\nStarting seekdb"):
        broken.start()
    assert broken.folder is None


def test_deadline_ends_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seekdb, "START_SECONDS", 0.0)
    broken = Seekdb()
    with pytest.raises(SeekdbError, match=r"no login on 127.0.0.1:.* within 0 s"):
        broken.start()
    with pytest.raises(SeekdbError, match="not running"):
        broken.pid  # noqa: B018


def test_create_user(server: Seekdb) -> None:
    server.create_user("reader", "it's; odd", ["SELECT ON oceanbase.*", "PROCESS ON *.*"])
    with server.connect("reader", "it's; odd") as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT ID FROM oceanbase.V$OB_PROCESSLIST") > 0
    with pytest.raises(pymysql.err.OperationalError, match="1045"):
        server.connect("reader", "wrong")


@pytest.fixture
def by_hand() -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """``python -m servers.seekdb``: its process, the server's process id and folder."""
    with subprocess.Popen(
        [sys.executable, "-m", "servers.seekdb"],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        hello = json.loads(process.stdout.readline())
        with socket.create_connection((hello["host"], hello["port"]), timeout=5):
            pass
        yield process, hello["pid"], Path(os.readlink(f"/proc/{hello['pid']}/cwd"))
        process.kill()


@pytest.mark.parametrize(
    "end", [lambda process: process.stdin.close(), lambda process: process.terminate()], ids=["stdin", "SIGTERM"]
)
def test_by_hand_ends_and_cleans_up(
    by_hand: tuple[subprocess.Popen[bytes], int, Path], end: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    process, pid, folder = by_hand
    end(process)
    assert process.wait(10) == 0
    assert not runs(pid) and not folder.exists()


def test_server_dies_with_a_killed_starter(by_hand: tuple[subprocess.Popen[bytes], int, Path]) -> None:
    process, pid, folder = by_hand
    try:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        wait_until(lambda: not runs(pid), 10, f"the end of process {pid}")
    finally:
        shutil.rmtree(folder)


# --- proxy


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT 1", 1),
        ("KILL 1;", 1),
        ("KILL 1; KILL 2 ;\n", 2),
        ("SELECT ';', \"a;b\", `c;d`, 'it''s; \\'; x'; SELECT 2", 2),
        ("SELECT 1 /* ; */ -- ; more\n; # ;\nSELECT 2", 2),
        ("", 0),
    ],
)
def test_count_statements(text: str, count: int) -> None:
    assert count_statements(text) == count


def test_counters(server: Seekdb, proxy: Proxy) -> None:
    with actors.idle(server, port=proxy.port, client_flag=CLIENT.MULTI_STATEMENTS) as session:
        assert (proxy.connections, proxy.round_trips) == (1, 2)  # The login and its SET NAMES.
        proxy.reset_counters()
        session.execute("SELECT 1; SELECT ';'")
        session.execute("SELECT 3")
        assert proxy.queries == ["SELECT 1; SELECT ';'", "SELECT 3"]
        assert (proxy.statements, proxy.round_trips, proxy.connections) == (3, 2, 0)
    wait_until(lambda: not listed(server, session.id), what="the end of the session")
    assert proxy.round_trips == 2


def test_delay_adds_to_a_round_trip_but_not_to_each_packet(server: Seekdb, proxy: Proxy) -> None:
    with actors.idle(server, port=proxy.port) as session:
        proxy.delay = 0.05
        for statement in ("SELECT 1", "SELECT REPEAT('x', 3000000)"):
            start = time.monotonic()
            session.execute(statement)
            assert 0.1 <= time.monotonic() - start < 0.6


def test_hold_and_release(server: Seekdb, proxy: Proxy) -> None:
    with (
        actors.idle(server) as victim,
        proxy.hold(lambda text: text.startswith("KILL")) as hold,
        BusySession(server, server.connect(port=proxy.port), f"KILL {victim.id}") as killer,
    ):
        assert hold.wait() == hold.text == f"KILL {victim.id}"
        assert victim.alive() and not killer.done.is_set()
        hold.release()
        killer.wait()
        assert killer.error is None
        assert not victim.alive()


def test_dropped_statement_never_reaches_the_server(server: Seekdb, proxy: Proxy) -> None:
    with actors.idle(server) as victim:
        hold = proxy.hold(lambda text: text.startswith("KILL"))
        with pytest.raises(RuntimeError, match="nothing is held"):
            hold.drop()
        with BusySession(server, server.connect(port=proxy.port), f"KILL {victim.id}") as killer:
            hold.wait()
            hold.drop()
            killer.wait()
            assert killer.error_code == 2013
            wait_until(lambda: not listed(server, killer.id), what="the end of the killer's session")
        assert victim.alive()


def test_hold_that_catches_nothing(server: Seekdb, proxy: Proxy) -> None:
    hold = proxy.hold(lambda text: text == "SELECT 1")
    with pytest.raises(TimeoutError):
        hold.wait(0.05)
    hold.release()
    wrong = proxy.hold(lambda text: text[1000] == "x")
    with actors.idle(server, port=proxy.port) as session:
        assert session.alive()
    with pytest.raises(IndexError):
        wrong.wait(0)


def test_cut_after_lets_the_server_finish(server: Seekdb, proxy: Proxy) -> None:
    cut = proxy.cut_after(lambda text: text.startswith("KILL"))
    with actors.idle(server) as first, actors.idle(server) as second:
        login = server.connect(port=proxy.port, client_flag=CLIENT.MULTI_STATEMENTS)
        batch = f"KILL {first.id}; SELECT SLEEP(0.2); KILL {second.id}"
        with BusySession(server, login, batch) as killer:
            assert cut.wait() == batch
            killer.wait()
            assert killer.error_code == 2013
            assert not first.alive() and not second.alive() and not killer.alive()
            assert not listed(server, killer.id)


def test_cut_ends_current_connections_only(server: Seekdb, proxy: Proxy) -> None:
    with actors.idle(server, port=proxy.port) as before:
        proxy.cut()
        assert not before.alive()
        wait_until(lambda: not listed(server, before.id), what="the end of the session")
        with actors.idle(server, port=proxy.port) as after:
            assert after.alive()


def test_refuse_new(server: Seekdb, proxy: Proxy) -> None:
    with actors.idle(server, port=proxy.port) as current:
        for _turn in range(2):
            proxy.refuse_new = True
            with pytest.raises(pymysql.err.OperationalError, match=r"2003.*Connection refused"):
                server.connect(port=proxy.port)
            assert current.alive()
            proxy.refuse_new = False
            server.connect(port=proxy.port).close()


def test_dead_upstream_and_stop() -> None:
    with Proxy("127.0.0.1", seekdb.free_port()) as proxy:
        with pytest.raises(pymysql.err.OperationalError):
            pymysql.connect(host=proxy.host, port=proxy.port, ssl_disabled=True)
        name = f"proxy {proxy.dsn}"
        assert name in {thread.name for thread in threading.enumerate()}
    assert name not in {thread.name for thread in threading.enumerate()}


def test_silent_server() -> None:
    with SilentServer() as silent:
        start = time.monotonic()
        with pytest.raises(pymysql.err.OperationalError, match=r"2013.*timed out"):
            pymysql.connect(host=silent.host, port=silent.port, ssl_disabled=True, read_timeout=0.3)
        assert time.monotonic() - start >= 0.3
        assert silent.dsn == f"127.0.0.1:{silent.port}"


# --- actors


def test_killed_idle_session_is_not_alive(server: Seekdb) -> None:
    with actors.idle(server) as victim, actors.idle(server) as bystander:
        assert victim.alive()
        server.sql(f"KILL {victim.id}")
        assert not victim.alive() and not victim.alive()
        assert bystander.alive()


def test_killed_holder_frees_the_chain(server: Seekdb) -> None:
    with (
        actors.idle_in_transaction(server, row=1, database="chain") as root,
        actors.waiter(server, row=1, database="chain", holds=2) as middle,
        actors.waiter(server, row=2, database="chain") as last,
    ):
        blockers = dict(server.sql("SELECT SESSION_ID, ID2 FROM oceanbase.V$OB_LOCKS WHERE BLOCK = 1"))
        assert {int(who): int(whom) for who, whom in blockers.items()} == {middle.id: root.id, last.id: middle.id}
        assert middle.alive() and last.alive()
        server.sql(f"KILL {root.id}")
        middle.wait()
        assert middle.error is None and not last.done.is_set() and not root.alive()
        middle.execute("COMMIT")
        last.wait()
        assert last.error is None and last.alive()
    assert server.sql("SELECT id, v FROM chain.t ORDER BY id") == ((1, 1), (2, 2))


def test_closed_waiter_frees_its_own_locks_at_once(server: Seekdb) -> None:
    with actors.idle_in_transaction(server, row=1, database="closing"):
        blocked = actors.waiter(server, row=1, database="closing", holds=2)
        start = time.monotonic()
        blocked.close()
        with actors.idle_in_transaction(server, row=2, database="closing"):
            assert time.monotonic() - start < 2


def test_running_statements(server: Seekdb) -> None:
    with actors.sleeping(server) as sleeper, actors.runaway(server) as runaway:
        with pytest.raises(TimeoutError, match="still runs"):
            runaway.wait(0)
        server.sql(f"KILL QUERY {sleeper.id}")
        sleeper.wait()
        assert sleeper.error_code == 1317 and sleeper.alive()
        server.sql(f"KILL {runaway.id}")
        runaway.wait()
        assert runaway.error_code in (2013, 5066) and not runaway.alive()


def test_pool(server: Seekdb) -> None:
    server.create_user("many", "pw")
    sessions = actors.pool(server, 100, "many", "pw")
    count = "SELECT COUNT(*) FROM oceanbase.V$OB_PROCESSLIST WHERE USER = 'many'"
    assert server.sql(count) == ((100,),)
    assert len({session.id for session in sessions}) == 100
    actors.close_all(sessions)
    wait_until(lambda: server.sql(count) == ((0,),), what="the end of the pool")


def test_wait_until_names_what_it_waited_for() -> None:
    with pytest.raises(TimeoutError, match="in vain for the moon; last seen: 0"):
        wait_until(lambda: 0, 0.02, "the moon")
