# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries, bind variables and PL/SQL on the Oracle stand-in, with the unmodified python-oracledb (thin) as the client."""

from __future__ import annotations

import datetime
from decimal import Decimal

import oracledb
import pytest
from integration.oracle_server.wire_backend import (
    ONE,
    Backend,
    Session,
    code_of,
    done,
)

from servers.oracle.requests import (
    Execute,
)
from servers.oracle.values import Column, Type

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
