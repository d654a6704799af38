# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls without a statement, piggybacks, errors, pools and pipelines on the Oracle stand-in, with the unmodified python-oracledb (thin) as the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import oracledb
import pytest
from integration.oracle_server.wire_backend import (
    ONE,
    Backend,
    Session,
    code_of,
    done,
    still_works,
    wait_for_break,
)

from servers.actors import wait_until
from servers.oracle.errors import OracleError
from servers.oracle.requests import (
    ApplicationContext,
    Commit,
    CurrentSchema,
    EndToEnd,
    Execute,
    Release,
    Rollback,
)
from servers.oracle.values import Column, Type

# --- calls without a statement, piggybacks, errors


def test_transactions(any_backend: Backend) -> None:
    def work(session: Session, request: Execute) -> None:
        session.channel.transaction_open = True
        session.channel.reply_dml(1)

    any_backend.answers["DELETE T"] = work
    with any_backend.connect() as connection, connection.cursor() as cursor:
        assert not connection.transaction_in_progress
        cursor.execute("DELETE T")
        assert connection.transaction_in_progress
        connection.commit()
        connection.rollback()
        connection.autocommit = True
        cursor.execute("DELETE T")
        cursor.execute("DELETE T")
        assert [request.commit for request in any_backend.executed()] == [False, True, True]
    # Closing rolls back what the status says is still open.
    kinds = [type(request) for request in any_backend.requests]
    assert kinds == [Execute, Commit, Rollback, Execute, Execute, Rollback]


def test_attributes_of_a_session(any_backend: Backend) -> None:
    any_backend.answers["DROP T"] = done
    with any_backend.connect() as connection, connection.cursor() as cursor:
        connection.module, connection.action = "shop", "pay"
        connection.client_identifier, connection.clientinfo, connection.dbop = "cid", "é" * 40, "op"
        connection.current_schema = "APP"
        cursor.execute("DROP T")
        connection.module, connection.action = "", None
        connection.ping()
        connection.ping()
    first, second, third = any_backend.requests
    assert first.before == [
        CurrentSchema("APP"),
        EndToEnd(
            {"client_identifier": "cid", "module": "shop", "action": "pay", "client_info": "é" * 40, "dbop": "op"}
        ),
    ]
    assert [item for item in second.before if isinstance(item, EndToEnd)] == [
        EndToEnd({"module": None, "action": None})
    ]
    assert not any(isinstance(item, EndToEnd) for item in third.before)
    # The driver sets its schema again with every call.
    assert CurrentSchema("APP") in third.before


def test_errors(any_backend: Backend) -> None:
    def fail(error: OracleError, count: int = 0) -> Callable[[Session, Execute], None]:
        return lambda session, request: session.channel.reply_error(error, count)

    raised = OracleError(20001, "no such thing")
    raised.stack = ["ORA-06512: at line 3"]
    any_backend.answers |= {
        "SELECT X FROM DUAL": fail(OracleError(904, '"X"', position=7)),
        "INSERT T": fail(OracleError(1, "APP.PK"), 3),
        "BEGIN raise; END;": fail(raised),
        "SELECT LONG": fail(OracleError(20999, "é" * 5000)),
        "BEGIN none; END;": fail(OracleError(1403)),
    }
    with any_backend.connect() as connection, connection.cursor() as cursor:
        for _turn in range(2):
            with pytest.raises(oracledb.DatabaseError) as caught:
                cursor.execute("SELECT X FROM DUAL")
            assert code_of(caught) == ("ORA-00904", 904)
            assert caught.value.args[0].offset == 7
            with pytest.raises(oracledb.IntegrityError) as caught:
                cursor.execute("INSERT T")
            assert cursor.rowcount == 3
            with pytest.raises(oracledb.DatabaseError, match="no such thing\nORA-06512: at line 3"):
                cursor.execute("BEGIN raise; END;")
            with pytest.raises(oracledb.DatabaseError, match="é" * 5000):
                cursor.execute("SELECT LONG")
            with pytest.raises(oracledb.DatabaseError, match="ORA-01403"):
                cursor.execute("BEGIN none; END;")
        connection.ping()
        assert not any_backend.channels[0]._reader.statements


def test_compilation_warning(backend: Backend) -> None:
    sql = "CREATE PROCEDURE p AS BEGIN nonsense; :not_a_bind; END;"
    backend.answers[sql] = lambda session, request: session.channel.reply_dml(0, warning=True)
    with backend.connect() as connection, connection.cursor() as cursor:
        for _turn in range(2):
            cursor.execute(sql)
            assert cursor.warning is not None and cursor.warning.full_code == "DPY-7000"
        assert [request.binds for request in backend.executed()] == [[], []]


def test_what_the_stand_in_does_not_know(any_backend: Backend) -> None:
    with any_backend.connect() as connection, connection.cursor() as cursor:
        for _turn in range(2):
            with pytest.raises(oracledb.DatabaseError) as caught:
                connection.createlob(oracledb.DB_TYPE_CLOB, "x" * 10)
            assert code_of(caught) == ("ORA-03001", 3001)
            with pytest.raises(oracledb.DatabaseError, match="ORA-00900"):
                cursor.execute("no statement :at all", [1])
        connection.ping()


def test_ora_00031_closes_the_killers_own_connection(backend: Backend) -> None:
    """The driver takes it for the end of the session; the stand-in must not depend on that."""
    backend.answers["ALTER SYSTEM KILL SESSION '1,2'"] = lambda session, request: session.channel.reply_error(
        OracleError(31)
    )
    connection = backend.connect()
    with pytest.raises(oracledb.DatabaseError) as caught:
        connection.cursor().execute("ALTER SYSTEM KILL SESSION '1,2'")
    assert code_of(caught) == ("DPY-4011", 31)
    assert not connection.is_healthy()


def test_rows_beyond_what_was_asked_for_are_refused(backend: Backend) -> None:
    caught: list[ValueError] = []

    def answer(session: Session, request: Execute) -> None:
        try:
            session.channel.reply_rows(ONE, [[1]] * (request.rows + 1), more=False)
        except ValueError as error:
            caught.append(error)
            session.channel.reply_rows(ONE, [[1]], more=False)

    backend.answers["SELECT 1"] = answer
    with backend.connect() as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]
    assert len(caught) == 1


# --- pools, asyncio, pipelines


def test_server_side_pool(backend: Backend) -> None:
    """With DRCP a client releases its session instead of logging off, and does not wait for an answer."""
    backend.query("SELECT 1", ONE, [[1]])
    with backend.connect(server_type="pooled", cclass="shop") as connection:
        assert still_works(connection)
    wait_until(lambda: any(isinstance(request, Release) for request in backend.requests))
    assert backend.connects[0].server == "POOLED"


def test_pool(any_backend: Backend) -> None:
    any_backend.query("SELECT 1", ONE, [[1]])
    pool = oracledb.create_pool(user="scott", password="tiger", dsn=any_backend.dsn, min=1, max=3)
    with pool.acquire() as one, pool.acquire() as other:
        assert still_works(one) and still_works(other)
    with pool.acquire() as again:
        assert still_works(again)
    pool.close()
    assert not any(isinstance(item, ApplicationContext) for request in any_backend.requests for item in request.before)


async def run_pipeline(dsn: str, continue_on_error: bool) -> list[tuple[Any, str]]:
    async with oracledb.connect_async(user="scott", password="tiger", dsn=dsn) as connection:
        pipeline = oracledb.create_pipeline()
        pipeline.add_execute("DELETE T")
        pipeline.add_fetchall("SELECT N")
        pipeline.add_fetchone("SELECT :1", [7])
        pipeline.add_fetchall("SELECT FROM NOWHERE")
        pipeline.add_commit()
        results = await connection.run_pipeline(pipeline, continue_on_error=continue_on_error)
        cursor = connection.cursor()
        await cursor.execute("SELECT N")
        assert len(await cursor.fetchall()) == 250
        return [(result.rows, str(result.error or "")) for result in results]


@pytest.fixture
def piped(any_backend: Backend) -> Backend:
    any_backend.answers["DELETE T"] = done
    any_backend.query("SELECT N", ONE, [[number] for number in range(250)])
    any_backend.query("SELECT :1", ONE, [[7]])
    return any_backend


def test_pipeline(piped: Backend) -> None:
    results = asyncio.run(run_pipeline(piped.dsn, continue_on_error=True))
    assert [rows and len(rows) for rows, _error in results] == [None, 250, 1, None, None]
    assert [error[:9] for _rows, error in results] == ["", "", "", "ORA-00900", ""]
    assert any(isinstance(request, Commit) for request in piped.requests)


def test_pipeline_that_stops_at_an_error(piped: Backend) -> None:
    with pytest.raises(oracledb.DatabaseError) as caught:
        asyncio.run(run_pipeline(piped.dsn, continue_on_error=False))
    assert code_of(caught)[1] == 900
    assert not any(isinstance(request, Commit) for request in piped.requests)


def test_asyncio(any_backend: Backend) -> None:
    any_backend.answers["BEGIN sleep; END;"] = wait_for_break
    rows = [[number, "x" * 500] for number in range(400)]
    any_backend.query("SELECT N", [*ONE, Column("S", Type.VARCHAR2, 500)], rows)

    async def main() -> None:
        async with oracledb.connect_async(user="scott", password="tiger", dsn=any_backend.dsn) as connection:
            cursor = connection.cursor()
            await cursor.execute("SELECT N")
            assert len(await cursor.fetchall()) == 400
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.1):
                    await cursor.execute("BEGIN sleep; END;")
            await cursor.execute("SELECT N")
            assert len(await cursor.fetchall()) == 400
            connection.call_timeout = 100
            with pytest.raises(oracledb.DatabaseError) as caught:
                await cursor.execute("BEGIN sleep; END;")
            assert code_of(caught)[0] == "DPY-4024"
            connection.call_timeout = 0
            await connection.ping()

    asyncio.run(main())
