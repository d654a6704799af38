# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of expressions: operators, conversions and functions, at noon on 10 March 2026."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from unit.oracle_server.sql_world import NOW, World

EXPRESSIONS = [
    # NULL and the empty string
    ("''", None),
    ("'a' || null || 1 || .5", "a1.5"),
    ("null || ''", None),
    ("nvl('', 'x')", "x"),
    ("nvl2(null, 1, 2)", 2),
    ("coalesce(null, null, 3)", 3),
    ("nullif(1, 1)", None),
    ("length('')", None),
    ("replace('abc', 'abc')", None),
    ("decode(null, null, 'n', 'x')", "n"),
    ("decode(1, null, 'a', 1, 'b')", "b"),
    ("decode(3, 1, 'a', 2, 'b')", None),
    ("decode('2', 1, 'a', 2, 'b', 'c')", "b"),
    ("case when null = null then 1 else 2 end", 2),
    ("case when not (null = 1) then 1 else 2 end", 2),
    ("case 2 when 1 then 'a' when 2 then 'b' end", "b"),
    ("case when 1 = 1 and (2 > 3 or 'a' <> 'b') then 'yes' end", "yes"),
    ("greatest(1, 3, 2)", 3),
    ("least('b', 'a')", "a"),
    ("greatest(1, null)", None),
    ("least(date '2020-01-01', date '2019-01-01')", datetime(2019, 1, 1)),
    # numbers
    ("1/4", 0.25),
    ("7/2 * 2", 7),
    ("-3 + +2", -1),
    ("2 + 3 * 4 - 1", 13),
    ("(2 + 3) * 4", 20),
    ("0.1 + 0.2", 0.3),
    ("1.1 * 3", 3.3),
    ("1e3", 1000),
    ("'5' + 1", 6),
    ("'1.5' * 2", 3),
    ("mod(-7, 3)", -1),
    ("mod(7, 0)", 7),
    ("mod(5.5, 2)", 1.5),
    ("remainder(7, 4)", -1),
    ("round(2.5)", 3),
    ("round(-2.5)", -3),
    ("round(1.005, 2)", 1.01),
    ("round(1234, -2)", 1200),
    ("trunc(1.987, 2)", 1.98),
    ("trunc(-1.9)", -1),
    ("ceil(1.2) + floor(-1.2)", 0),
    ("abs(-4) + sign(-3)", 3),
    ("power(2, 10)", 1024),
    ("sqrt(16)", 4),
    ("log(10, 1000)", 3),
    ("bitand(13, 6)", 4),
    ("ora_hash('x', 0)", 0),
    ("to_number('12.50')", 12.5),
    ("to_number('1,234.5', '9,999.9')", 1234.5),
    ("to_number('ff', 'XX')", 255),
    ("cast('12' as number)", 12),
    ("cast(1.567 as number(5,2))", 1.57),
    ("cast(2.5 as integer)", 3),
    # numbers as text
    ("to_char(0.5)", ".5"),
    ("to_char(-0.25)", "-.25"),
    ("to_char(1e20)", "100000000000000000000"),
    ("to_char(1234.5, '9,999.99')", " 1,234.50"),
    ("to_char(1234567.891, 'FM9,999,999.00')", "1,234,567.89"),
    ("to_char(-5, 'S99')", " -5"),
    ("to_char(5, '99MI')", " 5 "),
    ("to_char(-5, '99PR')", " <5>"),
    ("to_char(12, '000')", " 012"),
    ("to_char(0, '990.0')", "   0.0"),
    ("to_char(0.5, '9.9')", "  .5"),
    ("to_char(12345, '999')", "####"),
    ("to_char(255, 'XX')", " FF"),
    ("to_char(255, 'fm0xxx')", "00ff"),
    ("to_char(1234, '$9,999')", " $1,234"),
    ("to_char(0.000123, '9.9EEEE')", " 1.2E-04"),
    ("to_char(12.50, 'FM990.99')", "12.5"),
    ("to_char(7, 'TM9')", "7"),
    # text
    ("upper('é') || lower('ÀB')", "Éàb"),
    ("initcap('hello wORLD-x')", "Hello World-X"),
    ("substr('hello', 2, 3)", "ell"),
    ("substr('hello', -3, 2)", "ll"),
    ("substr('hello', 0, 2)", "he"),
    ("substr('hello', 9)", None),
    ("substr('hello', 2, 0)", None),
    ("instr('hello', 'l')", 3),
    ("instr('hello', 'l', 1, 2)", 4),
    ("instr('hello', 'l', -1)", 4),
    ("instr('hello', 'z')", 0),
    ("lpad('x', 3, 'ab')", "abx"),
    ("rpad('x', 3) || '|'", "x  |"),
    ("lpad('hello', 2)", "he"),
    ("trim(leading '0' from '007')", "7"),
    ("trim(both from ' x ')", "x"),
    ("trim('x' from 'xax')", "a"),
    ("trim('  ')", None),
    ("ltrim('xxa', 'x') || rtrim('b  ')", "ab"),
    ("replace('a-b-c', '-', '+')", "a+b+c"),
    ("translate('a-b', '-', '_')", "a_b"),
    ("translate('a1b2', 'x12', 'x')", "ab"),
    ("ascii('A') || chr(66)", "65B"),
    ("length('häuser') || ' ' || lengthb('häuser')", "6 7"),
    ("soundex('Robert')", "R163"),
    ("cast('abcdef' as varchar2(3 char))", "abc"),
    ("regexp_substr('a-b-c', '[^-]+', 1, 2)", "b"),
    ("regexp_substr('key=val', '(\\w+)=(\\w+)', 1, 1, null, 2)", "val"),
    ("regexp_replace('abc123', '[[:digit:]]+', '#')", "abc#"),
    ("case when 'x' not like 'y%' then 1 end", 1),
    ("regexp_replace('john smith', '(\\w+) (\\w+)', '\\2 \\1')", "smith john"),
    ("regexp_instr('abc', 'c')", 3),
    ("regexp_count('banana', 'a')", 3),
    ("case when regexp_like('ABC', 'b', 'i') then 1 end", 1),
    ("rawtohex(hextoraw('0aff'))", "0AFF"),
    ("hextoraw('ff')", b"\xff"),
    ("utl_raw.cast_to_varchar2(hextoraw('414243'))", "ABC"),
    ("standard_hash('x', 'MD5')", bytes.fromhex("9dd4e461268c8034f5c8564e155c67a6")),
    ("vsize(hextoraw('0102'))", 2),
    # dates
    ("sysdate", NOW),
    ("systimestamp", NOW.replace(tzinfo=UTC)),
    ("localtimestamp", NOW),
    ("sysdate - 1/24", datetime(2026, 3, 10, 11)),
    ("1 + sysdate", datetime(2026, 3, 11, 12)),
    ("sysdate - date '2026-03-01'", 9.5),
    ("(sysdate - to_date('2026-03-10 11:59:59', 'YYYY-MM-DD HH24:MI:SS')) * 86400", 1),
    ("sysdate + interval '90' minute", datetime(2026, 3, 10, 13, 30)),
    ("sysdate - interval '1 02:03:04' day to second", datetime(2026, 3, 9, 9, 56, 56)),
    ("sysdate - interval '2' month", datetime(2026, 1, 10, 12)),
    ("sysdate + numtoyminterval(1, 'YEAR')", datetime(2027, 3, 10, 12)),
    ("systimestamp - timestamp '2026-03-10 10:30:00'", timedelta(minutes=90)),
    ("numtodsinterval(90, 'SECOND') * 2", timedelta(minutes=3)),
    ("to_char(numtodsinterval(-3661.5, 'SECOND'))", "-000000000 01:01:01.500000000"),
    ("to_dsinterval('1 00:00:01')", timedelta(days=1, seconds=1)),
    ("trunc(sysdate)", datetime(2026, 3, 10)),
    ("trunc(sysdate, 'HH24')", datetime(2026, 3, 10, 12)),
    ("trunc(sysdate, 'MM')", datetime(2026, 3, 1)),
    ("trunc(sysdate, 'Q')", datetime(2026, 1, 1)),
    ("trunc(sysdate, 'DAY')", datetime(2026, 3, 8)),
    ("trunc(sysdate, 'IW')", datetime(2026, 3, 9)),
    ("trunc(sysdate, 'YYYY')", datetime(2026, 1, 1)),
    ("round(sysdate)", datetime(2026, 3, 11)),
    ("round(date '2026-03-16', 'MM')", datetime(2026, 4, 1)),
    ("add_months(date '2024-01-31', 1)", datetime(2024, 2, 29)),
    ("add_months(date '2024-02-29', -12)", datetime(2023, 2, 28)),
    ("last_day(date '2024-02-01')", datetime(2024, 2, 29)),
    ("next_day(date '2026-03-10', 'MONDAY')", datetime(2026, 3, 16)),
    ("months_between(date '2026-03-31', date '2026-02-28')", 1),
    ("months_between(date '2026-03-15', date '2026-02-28')", 0.580645161290323),
    ("extract(year from sysdate) || extract(month from sysdate) || extract(day from sysdate)", "2026310"),
    ("extract(hour from systimestamp)", 12),
    ("extract(day from numtodsinterval(100000, 'SECOND'))", 1),
    ("extract(hour from numtodsinterval(-100000, 'SECOND'))", -3),
    ("extract(second from to_dsinterval('0 00:00:01.5'))", 1.5),
    ("extract(year from to_yminterval('3-04'))", 3),
    ("cast(timestamp '2026-01-02 03:04:05.9' as date)", datetime(2026, 1, 2, 3, 4, 5)),
    ("cast(date '2026-01-02' as timestamp)", datetime(2026, 1, 2)),
    ("timestamp '2026-01-02 03:04:05.5 +02:00'", datetime(2026, 1, 2, 1, 4, 5, 500000, tzinfo=UTC)),
    ("systimestamp at time zone 'UTC'", NOW.replace(tzinfo=UTC)),
    ("sys_extract_utc(systimestamp)", NOW),
    ("sessiontimezone || dbtimezone", "+00:00+00:00"),
    # dates as text
    ("to_char(sysdate, 'YYYY-MM-DD\"T\"HH24:MI:SS')", "2026-03-10T12:00:00"),
    ("to_char(sysdate, 'fmDay, ddth Month YYYY')", "Tuesday, 10th March 2026"),
    ("to_char(sysdate, 'DAY') || '|'", "TUESDAY  |"),
    ("to_char(sysdate, 'Mon dy DY')", "Mar tue TUE"),
    ("to_char(sysdate, 'hh:mi:ss am')", "12:00:00 pm"),
    ("to_char(sysdate, 'IYYY-IW D DDD Q J WW W')", "2026-11 3 069 1 2461110 10 2"),
    ("to_char(sysdate, 'SSSSS')", "43200"),
    ("to_char(systimestamp, 'HH24:MI:SS.FF3 TZH:TZM')", "12:00:00.000 +00:00"),
    ("to_char(sysdate)", "10-MAR-26"),
    ("'on ' || sysdate", "on 10-MAR-26"),
    ("to_char(date '2026-12-05', 'RM \"x\" CC')", "XII  x 21"),
    ("to_date('2026-03-10 13:45', 'YYYY-MM-DD HH24:MI')", datetime(2026, 3, 10, 13, 45)),
    ("to_date('10-MAR-26')", datetime(2026, 3, 10)),
    ("to_date('01-FEB-99', 'DD-MON-RR')", datetime(1999, 2, 1)),
    ("to_date('01/02/99', 'DD/MM/YY')", datetime(2099, 2, 1)),
    ("to_date('5', 'DD')", datetime(2026, 3, 5)),
    ("to_date('03:15 pm', 'HH:MI AM')", datetime(2026, 3, 1, 15, 15)),
    ("to_date('2026069', 'YYYYDDD')", datetime(2026, 3, 10)),
    ("to_date('20260310', 'YYYYMMDD')", datetime(2026, 3, 10)),
    ("to_date('2026/3/1', 'YYYY-MM-DD')", datetime(2026, 3, 1)),
    ("to_date('March 7, 2026', 'Month DD, YYYY')", datetime(2026, 3, 7)),
    ("to_timestamp('2026-01-02 03:04:05.678', 'YYYY-MM-DD HH24:MI:SS.FF3')", datetime(2026, 1, 2, 3, 4, 5, 678000)),
    (
        "to_timestamp_tz('2026-01-02 03:04 -05:30', 'YYYY-MM-DD HH24:MI TZH:TZM')",
        datetime(2026, 1, 2, 8, 34, tzinfo=UTC),
    ),
    # the session
    ("user", "SYSTEM"),
    ("uid", 9),
    ("sys_context('userenv', 'session_user')", "SYSTEM"),
    ("sys_context('USERENV', 'NO_SUCH')", None),
    ("userenv('instance')", "1"),
    # conversions in comparisons
    ("case when '10' = 10 and 10 = '10.0' then 1 end", 1),
    ("case when hextoraw('0A') = '0A' then 1 end", 1),
    ("case when date '2026-03-10' = '10-MAR-26' then 1 end", 1),
    ("case when sysdate between '01-MAR-26' and '31-MAR-26' then 1 end", 1),
    ("case when 'abc' like 'a_c' and 'A' not like 'a' and 'a%c' like 'a\\%%' escape '\\' then 1 end", 1),
    ("case when 5 in (1, '5', null) then 1 end", 1),
    ("case when 5 not in (1, null) then 1 else 0 end", 0),
]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("expression, expected", EXPRESSIONS, ids=[expression for expression, _unused in EXPRESSIONS])
def test_value(world: World, expression: str, expected: object) -> None:
    value = world.value(expression)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        -(2**40),
        1.5,
        "text",
        "it's :not a 'bind'",
        b"\x00\xff",
        datetime(2026, 3, 10, 1, 2, 3),
        datetime(2026, 3, 10, 1, 2, 3, 456789),
        datetime(2026, 3, 10, 1, 2, 3, tzinfo=UTC),
        datetime(1601, 1, 1),
        datetime(9999, 12, 31, 23, 59, 59),
        timedelta(days=-1, microseconds=1),
    ],
)
def test_bind_comes_back(world: World, value: object) -> None:
    assert world.value(":1", value) == value


@pytest.mark.parametrize(
    "value, expected", [("", None), (True, 1), (Decimal("1.50"), 1.5), (Decimal(7), 7), (2**70, 1.18059162071741e21)]
)
def test_bind_becomes(world: World, value: object, expected: object) -> None:
    assert world.value(":x", value) == expected


def test_binds_by_occurrence_and_by_name(world: World) -> None:
    sql = "SELECT :b || :a || :b FROM DUAL WHERE :a IS NOT NULL"
    assert world.rows(sql, "1", "2", "3", "4") == [("123",)]
    assert world.rows(sql, A="x", B="y") == [("yxy",)]


def test_bind_of_another_type_gives_another_translation(world: World) -> None:
    sql = "SELECT TO_CHAR(:1, 'FMXX') FROM DUAL"
    assert world.rows(sql, 171) == [("AB",)]
    assert world.rows("SELECT :1 - DATE '2026-03-01' FROM DUAL", datetime(2026, 3, 2)) == [(1,)]
    assert world.rows("SELECT :1 - 1 FROM DUAL", "3") == [(2,)]


def test_time_stands_still_during_a_statement(world: World) -> None:
    world.engine.query("SELECT SYSDATE FROM DUAL")
    rows = world.engine.query("SELECT DISTINCT SYSTIMESTAMP FROM DUAL CONNECT BY LEVEL <= 1000").rows
    assert len(rows) == 1


def test_binds_of_row_limits(world: World) -> None:
    assert world.rows("select id from emp order by id offset :o rows fetch next :n rows only", 1, 2) == [(2,), (3,)]
    assert world.rows("select id from emp order by id fetch first :n rows only", "1") == [(1,)]
    assert world.rows("select id from emp where rownum <= :n", N=2) == [(1,), (2,)]
