# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy in front of a TNS server, with python-oracledb as the client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import oracledb
import pytest
from integration.oracle_server.wire_backend import HOST, Backend, Session

from servers.actors import wait_until
from servers.oracle.requests import Execute
from servers.oracle.ttc import Settings
from servers.oracle.values import Column, Type
from servers.proxy import Proxy

SERVERS = {
    "12.1": Settings.of_release((12, 1, 0, 2, 0)),
    "19c": Settings.of_release((19, 0, 0, 0, 0)),
    "23ai": Settings.of_release((23, 4, 0, 0, 0)),
    "small-packets": replace(Settings.of_release((19, 0, 0, 0, 0)), sdu=400),
}
KILL = "ALTER SYSTEM KILL SESSION '12,345' IMMEDIATE"


@pytest.fixture(params=SERVERS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with Backend(SERVERS[request.param]) as running:
        running.query("SELECT 1", [Column("N", Type.NUMBER)], [[1]])
        running.answers[KILL] = lambda session, request: session.channel.reply_dml(0)
        yield running


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(HOST, backend.port, record=True, protocol="tns") as running:
        yield running


@pytest.fixture
def connection(backend: Backend, proxy: Proxy) -> Iterator[oracledb.Connection]:
    with backend.connect(dsn=f"{proxy.dsn}/shop") as opened:
        yield opened


class Calling:
    """A call in another thread; :meth:`result` raises what it raised."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action
        self._error: BaseException | None = None
        self._value: Any = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._action()
        except BaseException as error:
            self._error = error

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error
        return self._value


def query(connection: oracledb.Connection, sql: str = "SELECT 1") -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if sql.startswith("SELECT") else None


def kills(text: str) -> bool:
    return "KILL SESSION" in text


def test_counters(backend: Backend, proxy: Proxy) -> None:
    fast = backend.settings.fast_auth
    with backend.connect(dsn=f"{proxy.dsn}/shop") as connection:
        # Connect, then fast authentication in two turns or the classic one in four.
        assert (proxy.connections, proxy.round_trips) == (1, 3 if fast else 5)
        proxy.reset_counters()
        assert query(connection) == [(1,)]
        connection.ping()
        assert (proxy.round_trips, proxy.connections) == (2, 0)
        assert "SELECT 1" in proxy.queries[0]
        proxy.reset_counters()
    # The log-off is answered, the good-bye after it is not.
    wait_until(lambda: len(proxy.queries) == 2)
    assert proxy.round_trips == 1


def test_long_statements_and_many_rows(backend: Backend, proxy: Proxy, connection: oracledb.Connection) -> None:
    columns = [Column("N", Type.NUMBER), Column("S", Type.VARCHAR2, 4000)]
    rows = [[n, "x" * (n * 7)] for n in range(1, 300)]
    sql = "SELECT /* " + "long " * 3000 + "*/ N, S FROM T"
    backend.query(sql, columns, rows)
    proxy.reset_counters()
    assert query(connection, sql) == [tuple(row) for row in rows]
    assert backend.executed()[-1].sql == sql
    assert proxy.round_trips == 1 + 3  # 2 rows come with the execution, then 100 at a time.


def test_delay(proxy: Proxy, connection: oracledb.Connection) -> None:
    proxy.delay = 0.05
    started = time.monotonic()
    query(connection)
    assert 0.1 <= time.monotonic() - started < 2.0
    proxy.delay = 0.0


def test_hold_and_release(backend: Backend, proxy: Proxy, connection: oracledb.Connection) -> None:
    with backend.connect(dsn=f"{proxy.dsn}/shop") as other, proxy.hold(kills) as hold:
        killer = Calling(lambda: query(connection, KILL))
        assert KILL in hold.wait()
        assert query(other) == [(1,)]
        assert killer.running
        assert all(request.sql != KILL for request in backend.executed())
        hold.release()
        killer.result()
        assert backend.executed()[-1].sql == KILL


def test_predicates_see_short_bind_values(backend: Backend, proxy: Proxy, connection: oracledb.Connection) -> None:
    backend.answers["UPDATE T SET A = :a"] = lambda session, request: session.channel.reply_dml(1)
    with proxy.hold(lambda text: "the value" in text) as hold, connection.cursor() as cursor:
        call = Calling(lambda: cursor.execute("UPDATE T SET A = :a", ["the value"]))
        hold.wait()
        hold.release()
        call.result()


def test_dropped_statement_never_reaches_the_server(
    backend: Backend, proxy: Proxy, connection: oracledb.Connection
) -> None:
    hold = proxy.hold(kills)
    killer = Calling(lambda: query(connection, KILL))
    hold.wait()
    hold.drop()
    with pytest.raises(oracledb.DatabaseError) as caught:
        killer.result()
    assert caught.value.args[0].full_code == "DPY-4011"
    assert all(request.sql != KILL for request in backend.executed())


@pytest.mark.parametrize("filler", [0, 20000], ids=["short", "long"])
def test_cut_after(backend: Backend, proxy: Proxy, connection: oracledb.Connection, filler: int) -> None:
    sql = f"{KILL} /* {'x' * filler} */"
    go, done = threading.Event(), threading.Event()

    def answer(session: Session, request: Execute) -> None:
        go.wait(20)
        done.set()
        session.channel.reply_dml(0)

    backend.answers[sql] = answer
    cut = proxy.cut_after(kills)
    killer = Calling(lambda: query(connection, sql))
    wait_until(lambda: any(request.sql == sql for request in backend.executed()))
    assert killer.running
    with pytest.raises(TimeoutError):
        cut.wait(0.05)
    go.set()
    assert KILL in cut.wait()
    assert done.is_set()
    with pytest.raises(oracledb.DatabaseError) as caught:
        killer.result()
    assert caught.value.args[0].full_code == "DPY-4011"


def test_a_break_does_not_stop_a_statement_that_is_being_cut(
    backend: Backend, proxy: Proxy, connection: oracledb.Connection
) -> None:
    broken: list[bool] = []

    def answer(session: Session, request: Execute) -> None:
        broken.append(session.channel.poll_break(0.5))
        session.channel.reply_dml(0)

    backend.answers[KILL] = answer
    cut = proxy.cut_after(kills)
    connection.call_timeout = 100
    with pytest.raises(oracledb.DatabaseError):
        query(connection, KILL)
    cut.wait()
    assert broken == [False]


def test_cut_and_refuse_new(backend: Backend, proxy: Proxy, connection: oracledb.Connection) -> None:
    proxy.refuse_new = True
    with pytest.raises(oracledb.OperationalError, match="DPY-6005"):
        backend.connect(dsn=f"{proxy.dsn}/shop")
    assert query(connection) == [(1,)]
    proxy.cut()
    with pytest.raises(oracledb.DatabaseError) as caught:
        query(connection)
    assert caught.value.args[0].full_code == "DPY-4011"
    proxy.refuse_new = False
    with backend.connect(dsn=f"{proxy.dsn}/shop") as again:
        assert query(again) == [(1,)]


def test_breaks_go_through(backend: Backend, proxy: Proxy, connection: oracledb.Connection) -> None:
    def answer(session: Session, request: Execute) -> None:
        assert session.channel.poll_break(20.0)
        session.channel.answer_break()

    backend.answers["BEGIN sleep; END;"] = answer
    connection.call_timeout = 100
    with pytest.raises(oracledb.DatabaseError) as caught:
        query(connection, "BEGIN sleep; END;")
    assert caught.value.args[0].full_code == "DPY-4024"
    connection.call_timeout = 0
    assert query(connection) == [(1,)]
