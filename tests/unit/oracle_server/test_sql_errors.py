# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which error a statement gives, and where: the mark ``^`` stands in front of the place, and is no part of the text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.oracle_server.sql_world import World

from servers.oracle.errors import OracleError

ERRORS = [
    # names
    (904, "select ^nocol from v$session"),
    (904, "select sid from v$session s where ^s.nocol = 1"),
    (904, "select ^v$session.sid from v$session s"),
    (904, "select sid from v$session order by ^nocol"),
    (904, "select ^x.* from v$session s"),
    (904, 'select ^"Sid" from v$session'),
    (904, "select username u from v$session group by ^u"),
    (904, "select ^nofunc(sid) from v$session"),
    (904, "select ^nopackage.nofunc(1) from dual"),
    (904, "select (select max(l.sid) from v$lock l where l.sid = ^z.sid) from v$session s"),
    (942, "select * from ^nosuch"),
    (942, "select * from v$session s join ^nosuch n on n.sid = s.sid"),
    (942, "select * from hr.^v$session"),
    (942, "select 1 from dual where exists (select 1 from ^nosuch)"),
    (942, 'select * from ^"v$session"'),
    (942, "with x as (select 1 n from dual) select * from ^y"),
    (918, "select ^sid from v$session, v$lock"),
    (918, "select s.sid from v$session s, v$lock l where ^sid = 1"),
    (918, "select ^sid from (select sid, serial# sid from v$session)"),
    (918, "select ^id from emp e, emp e"),
    (960, "select sid a, serial# a from v$session order by ^a"),
    (2019, "select sid from v$session@^remote"),
    # syntax
    (900, "^selec 1 from dual"),
    (900, "^begin null; end;"),
    (903, "select sid from^"),
    (903, "select sid from ^where sid = 1"),
    (903, "select sid from v$session, ^where sid = 1"),
    (905, "select case when 1 = 1 then 2 ^from dual"),
    (906, "with x as ^select 1 from dual select * from x"),
    (907, "select sid from v$session where (sid = 1^"),
    (907, "select count(* from v$session^"),
    (908, "select sid from v$session where sid is ^5"),
    (911, "select sid ^§ from v$session"),
    (920, "select sid from v$session where sid^"),
    (920, "select sid from v$session where sid ^5"),
    (920, "select sid from v$session where (sid) and 1 = 1"),
    (923, "select 1^"),
    (923, "select (select 1^) from dual"),
    (923, "select sid serial# ^x from v$session"),
    (923, "select sid fro ^v$session"),
    (923, "select 'a' ^'b' from dual"),
    (923, "select ^sid = 1 from v$session"),
    (923, "select sid as ^from v$session"),
    (924, "select sid from v$session group ^sid"),
    (924, "select sid from v$session order ^sid"),
    (928, "select sid from v$session union^"),
    (933, "select sid from v$session^;"),
    (933, "select sid from v$session where sid = 1^)"),
    (933, "select sid from v$session foo ^bar"),
    (933, "select sid from v$session where username = 'A' ^'B'"),
    (933, "select sid from v$session limit ^5"),
    (936, "select ^from dual"),
    (936, "select sid, ^from v$session"),
    (936, "select sid,^,serial# from v$session"),
    (936, "select sid from v$session where^"),
    (936, "select sid from v$session where sid =^"),
    (936, "select sid from v$session where sid = ^= 1"),
    (936, "select sid from v$session where sid = 1 and^"),
    (936, "select sid from v$session where sid = ^and 1 = 1"),
    (936, "select sid from v$session where sid between 1^"),
    (936, "select sid from v$session where not^"),
    (936, "select sid from v$session order by^"),
    (936, "select nvl(sid, ^) from v$session"),
    (1756, "select ^'abc from dual"),
    (1756, 'select ^"abc from dual'),
    # functions and groups
    (909, "select ^upper() from dual"),
    (909, "select ^upper('a', 'b') from dual"),
    (938, "select ^substr('x') from dual"),
    (939, "select ^substr('x', 1, 1, 1) from dual"),
    (934, "select sid from v$session where ^sum(sid) > 1"),
    (30483, "select sid from v$session where ^row_number() over (order by sid) = 1"),
    (937, "select ^sid, count(*) from v$session"),
    (937, "select max(sid), nvl(^username, 'x') from v$session"),
    (978, "select sum(^sum(sid)) from v$session"),
    (979, "select ^sid, count(*) from v$session group by username"),
    (979, "select upper(^username), count(*) from v$session group by lower(username)"),
    (979, "select dept, count(*) from emp group by dept order by ^sal"),
    (979, "select dept from emp group by dept having ^sal > 1"),
    (979, "select dept, rank() over (order by ^sal) from emp group by dept"),
    (979, "select * from emp group by dept"),
    # numbers of columns, types
    (913, "select (select sid, serial# from v$session) from dual"),
    (913, "select sid from v$session where sid in (select sid, serial# from v$session)"),
    (947, "select sid from v$session where (sid, serial#) in (select sid from v$session)"),
    (932, "select sid from v$session where logon_time > 5"),
    (932, "select sysdate + saddr from v$session"),
    (975, "select ^sysdate + sysdate from dual"),
    (1785, "select sid from v$session order by ^3"),
    (1789, "select sid from v$session union select sid, serial# from v$session"),
    (1790, "select sid from v$session union select username from v$session"),
    (1791, "select distinct username from v$session order by ^sid"),
    (1788, "select ^level from dual"),
    (1788, "select prior ^sid from v$session"),
    (1436, "select id from emp start with id = 1 connect by prior mgr = id or prior id = mgr"),
    (1468, "select 1 from emp e, dept d where ^e.dept(+) = d.id(+)"),
    (1719, "select 1 from dual where ^1 = 1 or dummy(+) = 'x'"),
    (902, "select cast(^1 as foo) from dual"),
    (30076, "select extract(hour from ^sysdate) from dual"),
    (32038, "with x (a, b) as (select 1 from dual) select * from x"),
    # values
    (1722, "select sid from v$session where username = 5"),
    (1722, "select to_number('1x') from dual"),
    (1476, "select 1/0 from dual"),
    (1476, "select sid / (sid - 10) from v$session"),
    (1427, "select sid from v$session where sid = (select sid from v$lock)"),
    (1427, "select (select name from emp) from dual"),
    (1428, "select sqrt(-1) from dual"),
    (1438, "select cast(12345 as number(3)) from dual"),
    (1465, "select hextoraw('xyz') from dual"),
    (1481, "select to_char(1, 'nonsense') from dual"),
    (1489, "select listagg(rpad('x', 1000, 'x')) from v$session"),
    (1821, "select to_char(sysdate, 'XXQQZZ') from dual"),
    (1830, "select to_date('2020-01-01 10', 'YYYY-MM-DD') from dual"),
    (1840, "select to_date('2020', 'YYYY-MM-DD') from dual"),
    (1843, "select to_date('2020-13-01', 'YYYY-MM-DD') from dual"),
    (1847, "select to_date('2020-01-32', 'YYYY-MM-DD') from dual"),
    (1839, "select to_date('2023-02-29', 'YYYY-MM-DD') from dual"),
    (1850, "select to_date('25', 'HH24') from dual"),
    (1858, "select to_date('x', 'YYYY') from dual"),
    (1858, "select date ^'2020-1x-01' from dual"),
    (1867, "select interval ^'x' day from dual"),
    (12725, "select regexp_substr('a', '(') from dual"),
    # other statements
    (900, "^drop table emp"),
]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("code, marked", ERRORS, ids=[f"{code} {marked}" for code, marked in ERRORS])
def test_number_and_position(world: World, code: int, marked: str) -> None:
    place = marked.find("^") if "^" in marked and "^=" not in marked else None
    text = marked.replace("^", "", 1)
    with pytest.raises(OracleError) as raised:
        world.rows(text)
    assert raised.value.code == code, raised.value.text
    if place is not None:
        assert raised.value.position == place, text[raised.value.position :]


def test_text_of_an_unknown_column(world: World) -> None:
    with pytest.raises(OracleError, match=r'^ORA-00904: "S"\."NOCOL": invalid identifier$'):
        world.rows("select s.nocol from v$session s")


def test_binds_that_are_missing_or_too_many(world: World) -> None:
    for binds, code in (((), 1008), ((1, 2), 1036)):
        with pytest.raises(OracleError) as raised:
            world.rows("select :a from dual", *binds)
        assert raised.value.code == code
    with pytest.raises(OracleError) as raised:
        world.rows("select :a, :b from dual", A=1)
    assert raised.value.code == 1008


def test_query_without_from_since_release_23(world: World) -> None:
    context = replace(world.context, release=23)
    assert list(world.engine.query("select 1 + 1", (), context).rows) == [(2,)]


def test_interrupted_statement(world: World) -> None:
    sql = (
        "select count(*) from v$session a, v$session b, v$session c, v$session d, v$session e, v$session f, v$session g"
    )
    world.connection.set_progress_handler(lambda: 1, 1000)
    try:
        with pytest.raises(OracleError) as raised:
            world.rows(sql)
        assert raised.value.code == 1013
        world.engine.interrupted = lambda: OracleError(28)
        with pytest.raises(OracleError) as raised:
            world.rows(sql)
        assert raised.value.code == 28
    finally:
        world.connection.set_progress_handler(None, 0)
        world.engine.interrupted = lambda: OracleError(1013)


def test_error_of_one_statement_is_not_that_of_the_next(world: World) -> None:
    with pytest.raises(OracleError):
        world.rows("select 1/0 from dual")
    assert world.value("1 + 1") == 2


def test_function_that_fails(world: World) -> None:
    def fail() -> None:
        raise OracleError(20001, "ORA from within")

    world.catalog.add_function(("FAIL",), fail)
    with pytest.raises(OracleError) as raised:
        world.rows("select fail from dual")
    assert raised.value.code == 20001
