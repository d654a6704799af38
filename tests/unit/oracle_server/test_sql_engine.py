# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How results are described, what is cached, and SQL_ID."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from unit.oracle_server.sql_world import World

from servers.oracle.errors import OracleError
from servers.oracle.sql import Context, Engine, Function, Source, sql_id
from servers.oracle.sql.sql_id import hash_value
from servers.oracle.values import Column, Type


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize(
    "item, column",
    [
        ("sid", Column("SID", Type.NUMBER, 22)),
        ("s.username", Column("USERNAME", Type.VARCHAR2, 64)),
        ("saddr", Column("SADDR", Type.RAW, 8)),
        ("logon_time", Column("LOGON_TIME", Type.DATE, 7)),
        ("logon_time since", Column("SINCE", Type.DATE, 7)),
        ('status as "State"', Column("State", Type.VARCHAR2, 8)),
        ("count(*) over ()", Column("COUNT(*)OVER()", Type.NUMBER, 22)),
        ("max(logon_time) over () x", Column("X", Type.DATE, 7)),
        ("nvl(status, 'none') s", Column("S", Type.VARCHAR2, 8)),
        ("decode(type, 'USER', 1) u", Column("U", Type.NUMBER, 22)),
        ("sid || '' x", Column("X", Type.VARCHAR2, 41)),
        ("status || '-' || state x", Column("X", Type.VARCHAR2, 28)),
        ("upper(status) x", Column("X", Type.VARCHAR2, 8)),
        ("case when sid = 1 then logon_time end x", Column("X", Type.DATE, 7)),
        ("sysdate - logon_time x", Column("X", Type.NUMBER, 22)),
        ("systimestamp x", Column("X", Type.TIMESTAMP_TZ, 13)),
        ("systimestamp - logon_time x", Column("X", Type.INTERVAL_DS, 11)),
        ("cast(logon_time as timestamp) x", Column("X", Type.TIMESTAMP, 11)),
        ("cast(sid as number(10,2)) x", Column("X", Type.NUMBER, 22, 10, 2)),
        ("to_binary_double(sid) x", Column("X", Type.BINARY_DOUBLE, 8)),
        ("null x", Column("X", Type.VARCHAR2, 1)),
        ("'abc' x", Column("X", Type.VARCHAR2, 3)),
        ("(select max(sid) from v$lock) x", Column("X", Type.NUMBER, 22)),
        ("rownum", Column("ROWNUM", Type.NUMBER, 22)),
        ("nvl( s.sid ,  0 )", Column("NVL(S.SID,0)", Type.NUMBER, 22)),
        ("'Hello World'", Column("'HELLOWORLD'", Type.VARCHAR2, 11)),
    ],
)
def test_column(world: World, item: str, column: Column) -> None:
    assert world.engine.describe(f"select {item} from v$session s", world.context) == [column]


def test_column_of_a_table_keeps_its_precision(world: World) -> None:
    columns = world.engine.describe("select * from (select id, name from emp)", world.context)
    assert columns == [Column("ID", Type.NUMBER, 22, 6, 0, False), Column("NAME", Type.VARCHAR2, 10)]


def test_set_operation_takes_the_wider_text(world: World) -> None:
    columns = world.engine.describe("select 'a' x from dual union all select 'abc' y from dual", world.context)
    assert columns == [Column("X", Type.VARCHAR2, 3)]


def test_bind_without_a_value_can_be_described(world: World) -> None:
    assert [c.name for c in world.engine.describe("select :a, sid from v$session where sid = :b", world.context)] == [
        ":A",
        "SID",
    ]


def test_number_without_noise(world: World) -> None:
    rows = world.rows("select (sysdate - logon_time) * 24 * 60 from v$session order by sid")
    assert rows == [(4320,), (300,), (90,), (45,), (0.5,), (1440,)]


def test_new_version_of_the_catalog_is_seen(world: World) -> None:
    with pytest.raises(OracleError):
        world.rows("select * from later")
    world.catalog.add("LATER", [Column("A", Type.NUMBER, 22)], [(1,)])
    assert world.rows("select * from later") == [(1,)]


def test_translations_are_kept_per_user(world: World) -> None:
    sql = "select user, sys_context('USERENV', 'SESSION_USER') from dual"
    assert world.rows(sql) == [("SYSTEM", "SYSTEM")]
    other = replace(world.context, user="SCOTT")
    assert list(world.engine.query(sql, (), other).rows) == [("SCOTT", "SCOTT")]
    own = replace(world.context, sys_context=lambda space, name: f"{space}.{name}")
    assert list(world.engine.query("select sys_context('a', 'b') from dual", (), own).rows) == [("A.B",)]


class OneView:
    """A catalog whose only view is made of parameters."""

    def version(self, context: Context) -> int:
        return 1

    def resolve(self, owner: str | None, name: str, context: Context) -> Source:
        columns = [Column("INST_ID", Type.NUMBER), Column("ANSWER", Type.NUMBER), Column("NAME", Type.VARCHAR2)]
        return Source("(SELECT :inst_id AS INST_ID, :answer AS ANSWER, :user AS NAME)", columns)

    def function(self, name: tuple[str, ...], context: Context) -> Function | None:
        return None


def test_parameters_of_sources(world: World) -> None:
    engine = Engine(world.connection, OneView())
    for inst_id in (3, 4):
        context = Context(user="SCOTT", inst_id=inst_id, parameters={"answer": 42})
        assert list(engine.query("select * from gv$x", (), context).rows) == [(inst_id, 42, "SCOTT")]


def test_repeated_statement_is_fast(world: World) -> None:
    sql = "select s.sid, s.serial# from v$session s where s.username = :u and s.status <> 'KILLED'"
    world.rows(sql, "HR")
    best = float("inf")
    for _unused in range(5):
        started = time.perf_counter()
        for _unused in range(100):
            world.engine.query(sql, ("HR",), world.context)
        best = min(best, (time.perf_counter() - started) / 100)
    assert best < 0.0003


def test_many_statements_do_not_fill_the_memory(world: World) -> None:
    for number in range(2100):
        assert world.value(f"{number} + 0") == number
    assert len(world.engine._translated) <= 2000


@pytest.mark.parametrize(
    "text, expected",
    [
        ("select * from dual", "a5ks9fhw2v9s1"),
        ("select 1 from dual", "520mkxqpf15q8"),
        ("select sysdate from dual", "7h35uxf5uhmm1"),
    ],
)
def test_sql_id(text: str, expected: str) -> None:
    assert sql_id(text) == expected


def test_hash_value() -> None:
    # V$SQL.HASH_VALUE of the statement that has SQL_ID a5ks9fhw2v9s1.
    assert hash_value("select * from dual") == 942515969


def test_a_thousand_and_more_conditions(world: World) -> None:
    numbers = range(1, 3000)
    pairs = ", ".join(f"({number}, {number + 1})" for number in numbers)
    assert world.rows(f"select sid from v$session where (sid, serial#) in ({pairs}) order by 1") == [
        (10,),
        (11,),
        (12,),
        (13,),
        (14,),
    ]
    ors = " or ".join(f"sid = {number}" for number in numbers)
    assert world.rows(f"select count(*) from v$session where {ors}") == [(6,)]
    texts = ", ".join(f"'{number}'" for number in numbers)
    assert world.rows(f"select count(*) from v$session where sid in ({texts})") == [(6,)]
    binds = ", ".join(f":{number}" for number in numbers)
    assert world.rows(f"select count(*) from v$session where sid in ({binds})", *numbers) == [(6,)]


def test_a_number_too_large_for_sqlite_keeps_its_digits(world: World) -> None:
    number = 12402504630519660553
    world.catalog.add("BIG", [Column("N", Type.NUMBER, 22), Column("USER", Type.VARCHAR2, 30)])
    world.connection.execute('INSERT INTO "SYS.BIG" VALUES (NULL, ?)', ("SCOTT",))
    world.connection.execute("CREATE TABLE digits (N)")
    world.connection.execute("INSERT INTO digits VALUES (?)", (str(number),))
    world.catalog._sources["DIGITS"] = ("SYS", Source("digits", (Column("N", Type.NUMBER, 22),)))
    assert world.rows("select n from digits where n is not null") == [(number,)]


def test_a_reserved_word_names_a_column_only_with_quotes_or_a_table(world: World) -> None:
    assert world.rows('select user, "USER", b.user from big b where "USER" <> user') == [("SYSTEM", "SCOTT", "SCOTT")]
    with pytest.raises(OracleError) as caught:
        world.rows("select level from big")
    assert caught.value.code == 1788


def test_engines_in_several_threads_do_not_meet() -> None:
    """Who asks is known to functions that SQLite calls, and an error in one of them to its own statement only."""
    failed: list[object] = []

    def ask(user: str) -> None:
        own = World()
        own.context = replace(own.context, user=user)
        for _turn in range(100):
            if own.value("sys_context('USERENV', 'SESSION_USER')") != user:
                failed.append(user)
            try:
                own.value("to_number('x' || sid) from v$session where rownum = 1 union select 1")
            except OracleError as error:
                if error.code != 1722:
                    failed.append(error)

    threads = [threading.Thread(target=ask, args=(f"U{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
