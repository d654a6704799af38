# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of the Oracle stand-in, with the unmodified python-oracledb (thin) as the client."""

from __future__ import annotations

import asyncio
import datetime
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import oracledb
import pytest
from integration.oracle_server.wire_backend import HOST, Backend, Session

from servers.actors import wait_until
from servers.oracle.errors import OracleError
from servers.oracle.requests import (
    ApplicationContext,
    Commit,
    CurrentSchema,
    EndToEnd,
    Execute,
    Ping,
    Release,
    Rollback,
)
from servers.oracle.ttc import Channel, ConnectRequest, Settings
from servers.oracle.values import Column, Type

V19 = Settings.of_release((19, 0, 0, 0, 0))
V23 = Settings.of_release((23, 4, 0, 0, 0))
SERVERS = {
    "11.2-like": replace(V19, version=(11, 2, 0, 4, 0), field_version=6, verifier="11g", max_string=4000),
    "12.1": Settings.of_release((12, 1, 0, 2, 0)),
    "12.2": Settings.of_release((12, 2, 0, 1, 0)),
    "18c": Settings.of_release((18, 3, 0, 0, 0)),
    "19c": V19,
    "19c-11g-verifier": replace(V19, verifier="11g"),
    "19c-fast-auth": replace(V19, fast_auth=True),
    "19c-small-packets": replace(V19, sdu=300),
    "21c": Settings.of_release((21, 3, 0, 0, 0)),
    "23ai": V23,
    "23ai-classic": replace(V23, fast_auth=False, end_of_response=False),
    "23ai-end-of-response": replace(V23, fast_auth=False),
    "23ai-small-packets": replace(V23, sdu=270),
}
ONE = [Column("N", Type.NUMBER)]


@pytest.fixture(params=SERVERS)
def any_backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with Backend(SERVERS[request.param]) as backend:
        yield backend


@pytest.fixture(params=["19c", "23ai"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with Backend(SERVERS[request.param]) as running:
        yield running


def code_of(error: pytest.ExceptionInfo[oracledb.Error]) -> tuple[str, int]:
    return error.value.args[0].full_code, error.value.args[0].code


# --- login


def test_login(any_backend: Backend) -> None:
    with any_backend.connect(program="check", machine="box", terminal="tty1", osuser="alice") as connection:
        assert connection.version == ".".join(map(str, any_backend.settings.version))
        assert (connection.session_id, connection.serial_num) == (12, 54321)
        assert (connection.service_name, connection.instance_name) == ("shop", "ORCL1")
        assert (connection.db_name, connection.db_domain) == ("ORCL", "example.com")
        assert connection.max_open_cursors == 300
        connection.ping()
    assert any_backend.requests == [Ping()]
    (wanted,), (login,) = any_backend.connects, any_backend.logins
    assert (wanted.service_name, wanted.sid, wanted.server, wanted.program) == ("shop", "", "DEDICATED", "check")
    assert (wanted.host, wanted.user) == ("box", "alice")
    assert (login.username, login.mode, login.target) == ("SCOTT", "", "")
    assert (login.program, login.machine, login.terminal, login.os_user) == ("check", "box", "tty1", "alice")
    assert login.pid == str(os.getpid())
    assert login.driver_name == f"python-oracledb thn : {oracledb.__version__}"
    assert login.alter_session.startswith("ALTER SESSION SET TIME_ZONE='")


@pytest.mark.parametrize("credentials", [{"password": "Tiger"}, {"user": "nobody"}, {"user": '"scott"'}])
def test_wrong_credentials(any_backend: Backend, credentials: dict[str, str]) -> None:
    with pytest.raises(oracledb.DatabaseError) as caught:
        any_backend.connect(**credentials)
    assert code_of(caught) == ("ORA-01017", 1017)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (oracledb.AUTH_MODE_SYSDBA, "SYSDBA"),
        (oracledb.AUTH_MODE_SYSOPER, "SYSOPER"),
        (oracledb.AUTH_MODE_SYSBKP, "SYSBACKUP"),
        (oracledb.AUTH_MODE_SYSDGD, "SYSDG"),
        (oracledb.AUTH_MODE_SYSKMT, "SYSKM"),
        (oracledb.AUTH_MODE_SYSRAC, "SYSRAC"),
    ],
)
def test_modes(backend: Backend, mode: oracledb.AuthMode, name: str) -> None:
    backend.connect(mode=mode).close()
    assert backend.logins[0].mode == name


def test_proxy_user_and_application_context(backend: Backend) -> None:
    context = [("shop", "role", "clerk"), ("shop", "desk", "7")]
    backend.connect(user="scott[app_owner]", appcontext=context, edition="e1").close()
    (login,) = backend.logins
    assert (login.username, login.target, login.edition, login.context) == ("SCOTT", "APP_OWNER", "e1", context)


def test_long_connect_descriptor(backend: Backend) -> None:
    with backend.connect(program="p" * 200, machine="m" * 60):
        pass
    assert backend.connects[0].program == backend.logins[0].program == "p" * 200


def test_sid_and_instance(backend: Backend) -> None:
    address = f"(ADDRESS=(PROTOCOL=tcp)(HOST={HOST})(PORT={backend.port}))"
    for data in ("(SID=ORCL1)", "(SERVICE_NAME=shop)(INSTANCE_NAME=ORCL2)(SERVER=shared)"):
        backend.connect(dsn=f"(DESCRIPTION={address}(CONNECT_DATA={data}))").close()
    one, other = backend.connects
    assert (one.sid, one.service_name) == ("ORCL1", "")
    assert (other.service_name, other.instance_name, other.server) == ("shop", "ORCL2", "SHARED")


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [(12514, "DPY-6001", 'Service "shop"'), (12505, "DPY-6003", "SID"), (12521, "DPY-6000", "ORA-12521")],
)
def test_refused(backend: Backend, number: int, code: str, text: str) -> None:
    def refuse(channel: Channel, wanted: ConnectRequest) -> bool:
        channel.refuse(number)
        return True

    backend.gate = refuse
    with pytest.raises(oracledb.OperationalError) as caught:
        backend.connect()
    assert code_of(caught) == ("DPY-6005", 0)
    assert code in str(caught.value) and text in str(caught.value)


def test_redirected(backend: Backend) -> None:
    with Backend(V19) as other:

        def redirect(channel: Channel, wanted: ConnectRequest) -> bool:
            channel.redirect(f"(ADDRESS=(PROTOCOL=TCP)(HOST={HOST})(PORT={other.port}))")
            return True

        backend.gate = redirect
        with backend.connect() as connection:
            connection.ping()
        assert (len(backend.connects), len(other.connects), backend.logins) == (1, 1, [])
        assert other.connects[0].redirected
        assert other.connects[0].service_name == "shop"


def test_the_driver_refuses_the_protocol_of_11_2() -> None:
    with Backend(Settings.of_release((11, 2, 0, 4, 0))) as backend:
        with pytest.raises(oracledb.OperationalError, match="DPY-3010"):
            backend.connect()


def test_login_that_fails_for_other_reasons(backend: Backend) -> None:
    def fail(channel: Channel, wanted: ConnectRequest) -> bool:
        channel.accept()
        channel.authenticate(backend._find)
        channel.fail(OracleError(28000))
        return True

    backend.gate = fail
    with pytest.raises(oracledb.DatabaseError) as caught:
        backend.connect()
    assert code_of(caught)[1] == 28000


# --- queries

COLUMNS = [
    Column("ID", Type.NUMBER, nullable=False),
    Column("PRICE", Type.NUMBER, precision=10, scale=2),
    Column("NAME", Type.VARCHAR2, 100),
    Column("CODE", Type.CHAR, 3),
    Column("BORN", Type.DATE),
    Column("SEEN", Type.TIMESTAMP),
    Column("SENT", Type.TIMESTAMP_TZ),
    Column("ADDR", Type.RAW, 8),
    Column("AGE", Type.INTERVAL_DS),
    Column("RATIO", Type.BINARY_DOUBLE),
]
ROW = [
    10**30,
    Decimal("-12.5"),
    "größer",
    "ab ",
    datetime.datetime(2026, 2, 3, 4, 5, 6),
    datetime.datetime(2026, 2, 3, 4, 5, 6, 789000),
    datetime.datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.UTC),
    b"\x00\x00\x7f",
    datetime.timedelta(days=-3, seconds=7, microseconds=5),
    -2.25,
]


def test_types(any_backend: Backend) -> None:
    any_backend.query("SELECT * FROM T", COLUMNS, [ROW, [1] + [None] * 9])
    with any_backend.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM T")
        assert [(item[0], item[5], item[6]) for item in cursor.description[:2]] == [
            ("ID", -127, False),
            ("PRICE", 2, True),
        ]
        assert [item[1] for item in cursor.description] == [
            oracledb.DB_TYPE_NUMBER,
            oracledb.DB_TYPE_NUMBER,
            oracledb.DB_TYPE_VARCHAR,
            oracledb.DB_TYPE_CHAR,
            oracledb.DB_TYPE_DATE,
            oracledb.DB_TYPE_TIMESTAMP,
            oracledb.DB_TYPE_TIMESTAMP_TZ,
            oracledb.DB_TYPE_RAW,
            oracledb.DB_TYPE_INTERVAL_DS,
            oracledb.DB_TYPE_BINARY_DOUBLE,
        ]
        assert [cursor.description[place][3] for place in (2, 3, 7)] == [100, 3, 8]
        # The driver gives TIMESTAMP WITH TIME ZONE without its zone.
        expected = [value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value for value in ROW]
        assert [list(row) for row in cursor] == [expected, [1] + [None] * 9]


def test_offsets_of_time_zones(backend: Backend) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    moment = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=zone)
    backend.query("SELECT T", [Column("T", Type.TIMESTAMP_TZ)], [[moment]])
    with backend.connect() as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT T").fetchone() == (moment.replace(tzinfo=None),)


def test_many_rows_and_long_texts(any_backend: Backend) -> None:
    columns = [Column("N", Type.NUMBER), Column("S", Type.VARCHAR2, 32767)]
    rows = [[number, "é" * (number * 37 % 400)] for number in range(1, 700)] + [[0, "x" * 32767]]
    any_backend.query("SELECT ALL", columns, rows)
    expected = [(number, text or None) for number, text in rows]
    with any_backend.connect() as connection, connection.cursor() as cursor:
        for prefetch, size in ((2, 100), (0, 50), (1000, 100), (1, 1)):
            cursor.prefetchrows, cursor.arraysize = prefetch, size
            assert cursor.execute("SELECT ALL").fetchall() == expected


def test_wide_rows(any_backend: Backend) -> None:
    columns = [Column(f"A_RATHER_LONG_COLUMN_NAME_{place}", Type.VARCHAR2, 64) for place in range(120)]
    rows = [[f"{line}/{place}" if place % 7 else None for place in range(120)] for line in range(50)]
    any_backend.query("SELECT WIDE", columns, rows)
    with any_backend.connect() as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT WIDE").fetchall() == [tuple(row) for row in rows]
        assert [item[0] for item in cursor.description] == [column.name for column in columns]


def test_cursors_are_reused_closed_and_described_anew(backend: Backend) -> None:
    backend.query("SELECT 1", ONE, [[1], [2], [3]])
    with backend.connect(stmtcachesize=2) as connection:
        for _turn in range(3):
            with connection.cursor() as cursor:
                assert cursor.execute("SELECT 1").fetchall() == [(1,), (2,), (3,)]
        assert {request.cursor_id for request in backend.executed()} == {1}
        assert [request.new for request in backend.executed()] == [True, False, False]
        backend.query("SELECT 1", [Column("S", Type.VARCHAR2, 9), *ONE], [["x", 4]])
        with connection.cursor() as cursor:
            assert cursor.execute("SELECT 1").fetchall() == [("x", 4)]
            assert [item[0] for item in cursor.description] == ["S", "N"]
        # Two cursors of one text at a time have a statement each; the cache then throws some out.
        with connection.cursor() as one, connection.cursor() as other:
            for cursor in (one, other):
                cursor.execute("SELECT 1")
            assert (one.fetchall(), other.fetchall()) == ([("x", 4)], [("x", 4)])
        for number in range(4):
            backend.query(f"SELECT {number}", ONE, [[number]])
            with connection.cursor() as cursor:
                assert cursor.execute(f"SELECT {number}").fetchone() == (number,)
    closed = [item for request in backend.requests for item in request.before]
    assert closed


def test_empty_result_and_parse_only(backend: Backend) -> None:
    backend.query("SELECT NONE", COLUMNS, [])
    with backend.connect() as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT NONE").fetchall() == []
        cursor.parse("SELECT NONE")
        assert [request.describe_only for request in backend.executed()] == [False, True]
        assert len(cursor.description) == len(COLUMNS)
        backend.answers["DELETE NONE"] = lambda session, request: session.channel.reply_dml(0)
        cursor.parse("DELETE NONE")
        assert backend.executed()[-1].describe_only


# --- binds

BINDS: list[tuple[object, object]] = [
    (7, 7),
    (-(10**20), -(10**20)),
    (1.25, Decimal("1.25")),
    (Decimal("1e-20"), Decimal("1e-20")),
    ("text é", "text é"),
    ("", None),
    (None, None),
    ("x" * 5000, "x" * 5000),
    (b"\x00\x01", b"\x00\x01"),
    (datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.datetime(2026, 1, 2, 3, 4, 5)),
    (datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2)),
    (datetime.timedelta(hours=-5, microseconds=3), datetime.timedelta(hours=-5, microseconds=3)),
]


def done(session: Session, request: Execute) -> None:
    session.channel.reply_dml(len(request.iterations))


def test_values_of_binds(any_backend: Backend) -> None:
    sql = "INSERT INTO T VALUES (" + ", ".join(f":{place}" for place in range(1, len(BINDS) + 1)) + ")"
    any_backend.answers[sql] = done
    with any_backend.connect() as connection, connection.cursor() as cursor:
        for _turn in range(2):
            cursor.execute(sql, [sent for sent, _received in BINDS])
            assert cursor.rowcount == 1
    for request in any_backend.executed():
        assert request.iterations == [[received for _sent, received in BINDS]]
        assert [bind.name for bind in request.binds] == [str(place) for place in range(1, len(BINDS) + 1)]


def test_declared_types_of_binds(backend: Backend) -> None:
    sql = "UPDATE T SET A = :a, B = :b, C = :c, D = :d, E = :e, F = :f"
    backend.answers[sql] = done
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
    with backend.connect() as connection, connection.cursor() as cursor:
        cursor.setinputsizes(
            a=oracledb.DB_TYPE_TIMESTAMP,
            b=oracledb.DB_TYPE_TIMESTAMP_TZ,
            c=oracledb.DB_TYPE_NVARCHAR,
            d=oracledb.DB_TYPE_BINARY_DOUBLE,
            e=oracledb.DB_TYPE_BINARY_FLOAT,
            f=oracledb.DB_TYPE_CHAR,
        )
        cursor.execute(sql, a=moment, b=moment, c="naïve", d=0.1, e=0.5, f="c")
    (request,) = backend.executed()
    aware = moment.replace(tzinfo=datetime.UTC)
    assert request.iterations == [[moment, aware, "naïve", 0.1, 0.5, "c"]]
    assert [bind.type for bind in request.binds] == [180, 181, 1, 101, 100, 96]


def test_names_of_binds(backend: Backend) -> None:
    sql = "UPDATE T SET A = :v, B = ':no', C = :\"Mixed\" WHERE D = :v -- :nor"
    backend.answers[sql] = done
    block = "BEGIN p(:v, :w, :V); END;"
    backend.answers[block] = lambda session, request: session.channel.reply_plsql([32, 32], [[None, None]])
    with backend.connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql, {"v": 1, '"Mixed"': 2})
        cursor.execute(block, v=3, w=4)
    one, other = backend.executed()
    assert ([bind.name for bind in one.binds], one.iterations) == (["V", "Mixed", "V"], [[1, 2, 1]])
    assert ([bind.name for bind in other.binds], other.iterations) == (["V", "W"], [[3, 4]])


def test_values_too_long_for_a_column_come_last(any_backend: Backend) -> None:
    sql = "INSERT INTO T VALUES (:1, :2, :3)"
    any_backend.answers[sql] = done
    with any_backend.connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql, ["L" * 40000, 2, "M" * 100000])
        cursor.executemany(sql, [["L" * 50000, 3, "x"], ["y", 4, "z"]])
    assert [request.iterations for request in any_backend.executed()] == [
        [["L" * 40000, 2, "M" * 100000]],
        [["L" * 50000, 3, "x"], ["y", 4, "z"]],
    ]


def test_executemany(any_backend: Backend) -> None:
    sql = "INSERT INTO T VALUES (:1, :2)"
    any_backend.answers[sql] = done
    rows = [[number, "v" * (number % 90)] for number in range(1, 3000)]
    with any_backend.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(sql, rows)
        assert cursor.rowcount == len(rows)
        cursor.executemany(sql, rows[:7])
        assert cursor.rowcount == 7
        any_backend.answers["DELETE T"] = done
        cursor.executemany("DELETE T", 4)
        assert cursor.rowcount == 4
    expected = [[number, text or None] for number, text in rows]
    assert [request.iterations for request in any_backend.executed()] == [expected, expected[:7], [[]] * 4]


# --- PL/SQL


def add_one(session: Session, request: Execute) -> None:
    """``BEGIN :result := :given + 1; :text := :text || '!'; END;``"""
    values = [[given + 1, None, (text or "") + "!"] for _result, given, text in request.iterations]
    session.channel.reply_plsql([16, 32, 48], values)


ADD_ONE = "BEGIN :result := :given + 1; :text := :text || '!'; END;"


def test_out_binds(any_backend: Backend) -> None:
    any_backend.answers[ADD_ONE] = add_one
    with any_backend.connect() as connection, connection.cursor() as cursor:
        result, text = cursor.var(int), cursor.var(str, 200)
        text.setvalue(0, "hi")
        for turn in range(1, 4):
            cursor.execute(ADD_ONE, result=result, given=turn, text=text)
            assert (result.getvalue(), text.getvalue()) == (turn + 1, "hi" + "!" * turn)
        # The second time on, the client sends no value for what only comes out.
        assert [request.iterations[0][0] for request in any_backend.executed()] == [None] * 3
        assert cursor.execute(ADD_ONE, result=result, given=9, text="z" * 180) is None
        assert result.getvalue() == 10


def test_out_binds_of_many_executions(any_backend: Backend) -> None:
    block = "BEGIN :result := f(:given); END;"
    any_backend.answers[block] = lambda session, request: session.channel.reply_plsql(
        [16, 32], [[f"<{given}>", None] for _result, given in request.iterations]
    )
    any_backend.answers[ADD_ONE] = add_one
    with any_backend.connect() as connection, connection.cursor() as cursor:
        result = cursor.var(str, 30, arraysize=5)
        cursor.setinputsizes(result, None)
        cursor.executemany(block, [[None, number] for number in range(5)])
        assert result.values == [f"<{number}>" for number in range(5)]
        # A first execution tells which binds come out, the others follow in one call.
        assert [len(request.iterations) for request in any_backend.executed()] == [1, 4]
        cursor.executemany(block, [[None, number] for number in range(3)])
        assert result.values[:3] == ["<0>", "<1>", "<2>"]
        assert len(any_backend.executed()[-1].iterations) == 3
        any_backend.requests.clear()
        number, text = cursor.var(int, arraysize=3), cursor.var(str, 30, arraysize=3)
        cursor.setinputsizes(result=number, given=None, text=text)
        rows = [{"result": None, "given": place, "text": "t" * place} for place in range(3)]
        cursor.executemany(ADD_ONE, rows)
        assert (number.values, text.values) == ([1, 2, 3], ["!", "t!", "tt!"])
        # With a bind that goes both ways, 26.1.0 makes each execution a call of its own.
        assert [len(request.iterations) for request in any_backend.executed()] in ([1, 1, 1], [1, 2])


def test_arrays(any_backend: Backend) -> None:
    block = "BEGIN :sum := total(:numbers); :names := list(); END;"

    def answer(session: Session, request: Execute) -> None:
        ((_sum, numbers, _names),) = request.iterations
        session.channel.reply_plsql([16, 32, 16], [[sum(numbers), None, ["a", None, "ccc"]]])

    any_backend.answers[block] = answer
    with any_backend.connect() as connection, connection.cursor() as cursor:
        for _turn in range(2):
            total, names = cursor.var(int), cursor.arrayvar(str, 10, 20)
            numbers = cursor.arrayvar(int, list(range(300)))
            cursor.execute(block, sum=total, numbers=numbers, names=names)
            assert (total.getvalue(), names.getvalue()) == (44850, ["a", None, "ccc"])
    request = any_backend.executed()[0]
    assert [bind.elements for bind in request.binds] == [None, 300, 10]


def test_out_values_that_do_not_fit(backend: Backend) -> None:
    block = "BEGIN :text := 'long'; END;"
    backend.answers[block] = lambda session, request: session.channel.reply_plsql([16], [["much too long" * 9]])
    with backend.connect() as connection, connection.cursor() as cursor:
        with pytest.raises(oracledb.DatabaseError) as caught:
            cursor.execute(block, text=cursor.var(str, 5))
        assert code_of(caught)[1] == 6502
        cursor.execute(block, text=(text := cursor.var(str, 500)))
        assert text.getvalue().startswith("much")


def test_returning(backend: Backend) -> None:
    sql = "UPDATE T SET A = :a RETURNING ID, NAME INTO :id, :name"

    def answer(session: Session, request: Execute) -> None:
        rows = [[[row[0], row[0] + 1], ["x", None]] for row in request.iterations]
        session.channel.reply_returning(rows, 2 * len(rows))

    backend.answers[sql] = answer
    with backend.connect() as connection, connection.cursor() as cursor:
        ids, names = cursor.var(int, arraysize=2), cursor.var(str, 10, arraysize=2)
        for _turn in range(2):
            cursor.execute(sql, [5, ids, names])
            assert (ids.getvalue(), names.getvalue(), cursor.rowcount) == ([5, 6], ["x", None], 2)
        cursor.setinputsizes(None, ids, names)
        cursor.executemany(sql, [[7], [8]])
        assert (ids.values, cursor.rowcount) == ([[7, 8], [8, 9]], 4)
        only = "DELETE T RETURNING ID INTO :id"
        backend.answers[only] = lambda session, request: session.channel.reply_returning([[[]]], 0)
        cursor.execute(only, [ids])
        assert ids.getvalue() == []


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


# --- breaks


def wait_for_break(session: Session, request: Execute) -> None:
    if session.channel.poll_break(20.0):
        session.channel.answer_break()
    else:
        session.channel.reply_error(OracleError(1012))


@pytest.fixture
def busy(any_backend: Backend) -> Backend:
    any_backend.answers["BEGIN sleep; END;"] = wait_for_break
    any_backend.query("SELECT 1", ONE, [[1]])
    return any_backend


def still_works(connection: oracledb.Connection) -> bool:
    with connection.cursor() as cursor:
        return bool(cursor.execute("SELECT 1").fetchall() == [(1,)])


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
