# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks and the end of a connection on the Oracle stand-in, with the unmodified python-oracledb (thin) as the client."""

from __future__ import annotations

import os
import threading
from typing import Any

import oracledb
import pytest
from integration.oracle_server.wire_backend import (
    ONE,
    Backend,
    Session,
    code_of,
    still_works,
    wait_for_break,
)

from servers.actors import wait_until
from servers.oracle.errors import OracleError
from servers.oracle.requests import (
    Execute,
)
from servers.oracle.values import Column, Type

# --- breaks


@pytest.fixture
def busy(any_backend: Backend) -> Backend:
    any_backend.answers["BEGIN sleep; END;"] = wait_for_break
    any_backend.query("SELECT 1", ONE, [[1]])
    return any_backend


def test_cancel(busy: Backend) -> None:
    with busy.connect() as connection, connection.cursor() as cursor:
        for _turn in range(2):
            seen = len(busy.requests)
            canceller = threading.Thread(
                target=lambda seen=seen: (wait_until(lambda: len(busy.requests) > seen), connection.cancel())
            )
            canceller.start()
            with pytest.raises(oracledb.DatabaseError) as caught:
                cursor.execute("BEGIN sleep; END;")
            canceller.join()
            assert code_of(caught) == ("ORA-01013", 1013)
            assert still_works(connection)


def test_call_timeout(busy: Backend) -> None:
    with busy.connect() as connection, connection.cursor() as cursor:
        connection.call_timeout = 100
        with pytest.raises(oracledb.DatabaseError) as caught:
            cursor.execute("BEGIN sleep; END;")
        assert code_of(caught)[0] == "DPY-4024"
        connection.call_timeout = 0
        assert still_works(connection)


def test_cancel_between_calls_hits_the_next_one(busy: Backend) -> None:
    with busy.connect() as connection, connection.cursor() as cursor:
        assert still_works(connection)
        connection.cancel()
        with pytest.raises(oracledb.DatabaseError) as caught:
            cursor.execute("SELECT 1")
        assert code_of(caught)[1] == 1013
        assert still_works(connection)


def test_break_that_comes_with_the_reply(busy: Backend) -> None:
    """The call ends by itself although the client has sent its break: it gets an ORA-01013 all the same."""
    go = threading.Event()

    def answer(session: Session, request: Execute) -> None:
        assert session.channel.poll_break(10.0)
        go.set()
        session.channel.reply_dml(1)

    busy.answers["UPDATE T"] = answer
    with busy.connect() as connection, connection.cursor() as cursor:
        canceller = threading.Thread(target=lambda: (wait_until(lambda: bool(busy.requests)), connection.cancel()))
        canceller.start()
        with pytest.raises(oracledb.DatabaseError) as caught:
            cursor.execute("UPDATE T")
        canceller.join()
        assert go.is_set() and code_of(caught)[1] == 1013
        assert still_works(connection)


def test_client_that_fails_in_the_middle_of_a_reply(busy: Backend) -> None:
    """An exception in the client, here of an output type handler, makes it break off and reset."""
    busy.query("SELECT MANY", [Column("S", Type.VARCHAR2, 4000)], [["x" * 4000]] * 300)

    def handler(cursor: Any, metadata: Any) -> Any:
        raise RuntimeError("no")

    with busy.connect() as connection, connection.cursor() as cursor:
        cursor.prefetchrows = 300
        cursor.outputtypehandler = handler
        with pytest.raises(RuntimeError, match="no"):
            cursor.execute("SELECT MANY")
        assert still_works(connection)


# --- death


def test_killed_while_idle(any_backend: Backend) -> None:
    killed = threading.Event()
    any_backend.answers["SELECT 1"] = lambda session, request: (
        session.channel.send_death(OracleError(28)) if killed.is_set() else session.reply_query(request, ONE, [[1]])
    )
    connection = any_backend.connect()
    assert still_works(connection)
    killed.set()
    with pytest.raises(oracledb.DatabaseError) as caught:
        still_works(connection)
    assert code_of(caught) == ("DPY-4011", 28)
    assert "ORA-00028: your session has been killed" in str(caught.value)
    assert not connection.is_healthy()
    with pytest.raises(oracledb.InterfaceError) as closed:
        still_works(connection)
    assert code_of(closed)[0] == "DPY-1001"


def test_killed_in_a_call_that_reads_its_waker(backend: Backend) -> None:
    """As a session does it: a signal handler writes to a pipe, the call wakes up and dies."""
    read, write = os.pipe()

    def answer(session: Session, request: Execute) -> None:
        try:
            session.channel.poll_break(20.0, read)
        except Exception:
            session.channel.send_death(OracleError(28))

    backend.answers["BEGIN sleep; END;"] = answer
    connection = backend.connect()
    killer = threading.Thread(target=lambda: (wait_until(lambda: bool(backend.requests)), os.write(write, b"!")))
    killer.start()
    with pytest.raises(oracledb.DatabaseError) as caught:
        connection.cursor().execute("BEGIN sleep; END;")
    killer.join()
    os.close(read)
    os.close(write)
    assert code_of(caught) == ("DPY-4011", 28)


def test_connection_that_ends_without_a_word(any_backend: Backend) -> None:
    any_backend.answers["SELECT 1"] = lambda session, request: session.reply_query(request, ONE, [[1]])
    any_backend.answers["SELECT 2"] = lambda session, request: session.channel.close()
    idle, busy = any_backend.connect(), any_backend.connect()
    assert still_works(idle)
    any_backend.channels[0].close()
    with pytest.raises(oracledb.DatabaseError) as caught:
        still_works(idle)
    assert code_of(caught) == ("DPY-4011", 0)
    with pytest.raises(oracledb.DatabaseError) as caught:
        busy.cursor().execute("SELECT 2")
    assert code_of(caught) == ("DPY-4011", 0)
    any_backend.errors.clear()  # The threads of sockets that were closed under them.


def test_killed_with_a_break_on_the_way(backend: Backend) -> None:
    def answer(session: Session, request: Execute) -> None:
        assert session.channel.poll_break(20.0)
        session.channel.answer_break()
        session.channel.send_death(OracleError(28))

    backend.answers["BEGIN sleep; END;"] = answer
    connection = backend.connect()
    connection.call_timeout = 50
    with pytest.raises(oracledb.DatabaseError) as caught:
        connection.cursor().execute("BEGIN sleep; END;")
    assert code_of(caught)[0] in ("DPY-4024", "DPY-4011")
    with pytest.raises(oracledb.Error):
        connection.ping()
    backend.errors.clear()
