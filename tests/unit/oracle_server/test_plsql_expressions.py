# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PL/SQL expressions: operators, three-valued logic, conversions and built-in functions."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.oracle_server.plsql_world import Memory

from servers.oracle.errors import OracleError
from servers.oracle.plsql import Bind
from servers.oracle.values import Type, Value

WORLD = Memory()
TRUTH = {"TRUE": True, "FALSE": False, "NULL": None}


def truth(condition: str) -> bool | None:
    """A condition, told apart from NULL."""
    found = WORLD.run(
        f"DECLARE b BOOLEAN := {condition}; BEGIN IF b THEN :r := 'T'; ELSIF NOT b THEN :r := 'F'; ELSE :r := 'N'; END IF; END;"
    )["R"]
    return {"T": True, "F": False, "N": None}[found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("7 / 2", Decimal("3.5")),
        ("6 / 2", 3),
        ("1 / 3", Decimal("0.3333333333333333333333333333333333333333")),
        ("MOD(7, 3)", 1),
        ("MOD(-7, 3)", -1),
        ("MOD(7, 0)", 7),
        ("7 MOD 3", 1),
        ("10 - 3 - 2", 5),
        ("'12' + 1", 13),
        ("'1' || 2 || 3.5", "123.5"),
        ("1 || NULL || 'x'", "1x"),
        ("NULL || ''", None),
        ("1 + NULL", None),
        ("0.5 || ''", ".5"),
        ("-0.5 || ''", "-.5"),
        ("1e3", 1000),
        ("1.50", Decimal("1.50")),
        ("'it''s'", "it's"),
        ("q'[it's]'", "it's"),
        ("''", None),
        ("DATE '2026-11-21' + 1", datetime(2026, 11, 22)),
        ("DATE '2026-11-21' + 0.5", datetime(2026, 11, 21, 12)),
        ("DATE '2026-11-21' - DATE '2026-11-20'", 1),
        ("TIMESTAMP '2026-11-21 00:00:01.5' - TIMESTAMP '2026-11-21 00:00:00'", timedelta(seconds=1.5)),
        ("DATE '2026-11-21' || ''", "21-NOV-26"),
        ("CASE WHEN 1 = 2 THEN 'a' WHEN 2 = 2 THEN 'b' ELSE 'c' END", "b"),
        ("CASE 3 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", None),
        ("CASE NULL WHEN NULL THEN 'same' ELSE 'unknown' END", "unknown"),
        ("NVL(NULL, 5)", 5),
        ("NVL('', 'x')", "x"),
        ("COALESCE(NULL, NULL, 3, 1 / 0)", 3),
        ("NULLIF(1, 1)", None),
        ("GREATEST(1, 5, 3)", 5),
        ("LEAST('b', 'a', 'c')", "a"),
        ("GREATEST(1, NULL)", None),
        ("UPPER('aBc') || LOWER('AbC') || INITCAP('ab cd')", "ABCabcAb Cd"),
        ("SUBSTR('abcdef', 2, 3)", "bcd"),
        ("SUBSTR('abcdef', -2)", "ef"),
        ("SUBSTR('abcdef', 0, 2)", "ab"),
        ("SUBSTR('abc', 5)", None),
        ("SUBSTR('abc', -5)", None),
        ("SUBSTR('abc', 1, 0)", None),
        ("SUBSTR(NULL, 1, 400)", None),
        ("INSTR('abcabc', 'bc')", 2),
        ("INSTR('abcabc', 'bc', 3)", 5),
        ("INSTR('abcabc', 'bc', 1, 2)", 5),
        ("INSTR('abcabc', 'bc', -1)", 5),
        ("INSTR('abcabc', 'x')", 0),
        ("LENGTH('abc')", 3),
        ("LENGTH('')", None),
        ("LENGTHB('é')", 2),
        ("REPLACE('a.b.c', '.', '-')", "a-b-c"),
        ("REPLACE('a.b.c', '.')", "abc"),
        ("TRANSLATE('12x', '12', 'ab')", "abx"),
        ("LPAD('7', 3, '0')", "007"),
        ("RPAD('abc', 5, 'xy')", "abcxy"),
        ("LPAD('abcdef', 3)", "abc"),
        ("TRIM('  a ')", "a"),
        ("TRIM(BOTH 'x' FROM 'xax')", "a"),
        ("TRIM(LEADING '0' FROM '007')", "7"),
        ("TRIM(' ')", None),
        ("LTRIM('xxa', 'x') || RTRIM('ayy', 'y')", "aa"),
        ("ROUND(2.5)", 3),
        ("ROUND(-2.5)", -3),
        ("ROUND(1.256, 2)", Decimal("1.26")),
        ("ROUND(1256, -2)", 1300),
        ("TRUNC(1.999, 1)", Decimal("1.9")),
        ("TRUNC(DATE '2026-11-21' + 0.7)", datetime(2026, 11, 21)),
        ("CEIL(1.2) + FLOOR(1.8)", 3),
        ("SIGN(-3) + ABS(-3)", 2),
        ("POWER(2, 10)", 1024),
        ("SQRT(16)", 4),
        ("BITAND(12, 10)", 8),
        ("CHR(65) || ASCII('a')", "A97"),
        ("TO_CHAR(12.50)", "12.5"),
        ("TO_NUMBER(' 42 ')", 42),
        ("HEXTORAW('00ff')", b"\x00\xff"),
        ("RAWTOHEX(HEXTORAW('00ff'))", "00FF"),
        ("USER", "TESTER"),
        ("SQLCODE", 0),
        ("SQLERRM", "ORA-0000: normal, successful completion"),
        ("SQLERRM(-31)", "ORA-00031: session marked for kill"),
        ("SQLERRM(100)", "ORA-01403: no data found"),
        ("SQLERRM(1)", "User-Defined Exception"),
        ("SQLERRM(7)", "-7: non-ORACLE exception"),
        ("SQLERRM(-20999)", "ORA-20999: "),
        ("DBMS_LOCK.X_MODE", 6),
    ],
)
def test_values(expression: str, expected: Value) -> None:
    found = WORLD.value(expression)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("expression", "code", "text"),
    [
        ("1 / 0", 1476, ""),
        ("'x' + 1", 6502, "character to number conversion error"),
        ("TO_NUMBER('x')", 6502, "character to number conversion error"),
        ("10 ** 200", 1426, ""),
        ("SQRT(-1)", 6502, ""),
        ("'a' LIKE 'b\\c' ESCAPE '\\'", 6550, "PLS-00382"),
        ("nothing", 6550, "PLS-00201: identifier 'NOTHING' must be declared"),
        ("nothing(1)", 6550, "PLS-00201: identifier 'NOTHING' must be declared"),
        ("some.thing(1)", 6550, "PLS-00201: identifier 'SOME.THING' must be declared"),
        ("SUBSTR('x')", 6550, "PLS-00306: wrong number or types of arguments in call to 'SUBSTR'"),
        (
            "DECODE(1, 2, 3)",
            6550,
            "PLS-00204: function or pseudo-column 'DECODE' may be used inside a SQL statement only",
        ),
        ("COUNT(1)", 6550, "PLS-00204"),
        ("1 + TRUE", 6550, "PLS-00306: wrong number or types of arguments in call to '+'"),
        ("TRUE || 'x'", 6550, "PLS-00306"),
        ("CASE WHEN 1 THEN 2 END", 6550, "PLS-00382: expression is of wrong type"),
    ],
)
def test_errors(expression: str, code: int, text: str) -> None:
    with pytest.raises(OracleError) as caught:
        WORLD.run(f"DECLARE n NUMBER; BEGIN n := {expression}; END;")
    assert caught.value.code == code
    assert text in caught.value.text


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("1 = 1", True),
        ("'' IS NULL", True),
        ("'' = ''", None),
        ("1 <> NULL", None),
        ("1 != 2 AND 1 ^= 2 AND 1 ~= 2", True),
        ("NOT NULL", None),
        ("'10' > 9", True),
        ("'10' > '9'", False),
        ("'a ' = 'a'", True),
        ("2 BETWEEN 1 AND 3", True),
        ("2 NOT BETWEEN 1 AND 3", False),
        ("2 BETWEEN NULL AND 1", False),
        ("2 BETWEEN NULL AND 3", None),
        ("2 IN (1, 2)", True),
        ("3 IN (1, NULL)", None),
        ("3 NOT IN (1, 2)", True),
        ("3 NOT IN (1, NULL)", None),
        ("'abc' LIKE 'a%'", True),
        ("'abc' LIKE '_b_'", True),
        ("'a%c' LIKE 'a\\%c' ESCAPE '\\'", True),
        ("'abc' NOT LIKE 'b%'", True),
        ("NULL LIKE '%'", None),
        ("'a\nb' LIKE 'a_b'", True),
        ("1 IS NOT NULL", True),
        ("DATE '2026-01-02' > DATE '2026-01-01'", True),
        ("NOT 1 = 2 AND 1 = 1", True),
        ("1 = 2 OR 1 = 1 AND 2 = 2", True),
        ("FALSE AND 1 / 0 = 1", False),
        ("TRUE OR 1 / 0 = 1", True),
        ("NVL(NULL, TRUE)", True),
    ],
)
def test_conditions(condition: str, expected: bool | None) -> None:
    assert truth(condition) is expected


@pytest.mark.parametrize("left", TRUTH)
@pytest.mark.parametrize("right", TRUTH)
def test_three_valued_logic(left: str, right: str) -> None:
    one, two = TRUTH[left], TRUTH[right]
    both = False if False in (one, two) else None if None in (one, two) else True
    either = True if True in (one, two) else None if None in (one, two) else False
    assert truth(f"{left} AND {right}") is both
    assert truth(f"{left} OR {right}") is either
    assert truth(f"NOT ({left})") is (None if one is None else not one)
    if one is not None and two is not None:
        assert truth(f"{left} = {right}") is (one == two)


numbers = st.one_of(st.integers(-(10**12), 10**12), st.decimals(-1000, 1000, places=3, allow_nan=False), st.none())


@given(numbers, numbers)
def test_arithmetic_is_exact(left: int | Decimal | None, right: int | Decimal | None) -> None:
    found = WORLD.run("BEGIN :s := :a + :b; :d := :a - :b; :p := :a * :b; END;", a=left, b=right)
    if left is None or right is None:
        assert (found["S"], found["D"], found["P"]) == (None, None, None)
    else:
        one, two = Decimal(left), Decimal(right)
        assert (found["S"], found["D"], found["P"]) == (one + two, one - two, one * two)


@given(numbers, numbers)
def test_comparisons_agree(left: int | Decimal | None, right: int | Decimal | None) -> None:
    found = WORLD.run(
        """DECLARE FUNCTION shown(b BOOLEAN) RETURN NUMBER IS BEGIN RETURN CASE WHEN b THEN 1 WHEN NOT b THEN 0 END; END;
        BEGIN :l := shown(:a < :b); :le := shown(:a <= :b); :e := shown(:a = :b); :n := shown(:a <> :b);
        :g := shown(:a > :b); :ge := shown(:a >= :b); END;""",
        a=left,
        b=right,
    )
    names = ("L", "LE", "E", "N", "G", "GE")
    if left is None or right is None:
        assert [found[name] for name in names] == [None] * 6
    else:
        assert [found[name] for name in names] == [
            left < right, left <= right, left == right, left != right, left > right, left >= right,
        ]  # fmt: skip


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), st.integers(-6, 14), st.integers(0, 8)
)
def test_substr_agrees(text: str, start: int, length: int) -> None:
    found = WORLD.value("SUBSTR(:t, :s, :n)", t=text, s=start, n=length)
    begin = start - 1 if start > 0 else 0 if start == 0 else len(text) + start
    expected = text[begin : begin + length] if begin >= 0 else ""
    assert found == (expected or None)


@given(st.text("ab%_", max_size=6), st.text("ab%_", max_size=6))
def test_like_agrees_with_sqlite(text: str, pattern: str) -> None:
    found = WORLD.run("BEGIN :r := CASE WHEN :t LIKE :p THEN 1 ELSE 0 END; END;", t=text, p=pattern)["R"]
    if text and pattern:
        expected = WORLD.db.execute("select ? like ?", (text, pattern)).fetchone()[0]
        assert found == expected
    else:
        assert found == 0


@given(st.decimals(-10000, 10000, places=4, allow_nan=False), st.integers(-3, 4))
def test_round_agrees(value: Decimal, digits: int) -> None:
    step = Decimal(1).scaleb(-digits)
    expected = (value / step).to_integral_value(ROUND_HALF_UP) * step
    assert WORLD.value("ROUND(:v, :d)", v=value, d=digits) == expected


@pytest.mark.parametrize(
    ("bind", "expression", "expected"),
    [
        (Bind(None, Type.NUMBER), "'7'", 7),
        (Bind(None, Type.VARCHAR2, 10), "7", "7"),
        (Bind(None, Type.VARCHAR2, 3), "'abcd'", OracleError),
        (Bind(None, Type.NUMBER), "'x'", OracleError),
        (Bind(None, Type.DATE), "DATE '2026-01-01'", datetime(2026, 1, 1)),
        (Bind(None, Type.RAW, 2), "'00ff'", b"\x00\xff"),
        (Bind(None, Type.RAW, 1), "'00ff'", OracleError),
        (
            Bind(None, Type.INTERVAL_DS),
            "TIMESTAMP '2026-01-02 00:00:00' - TIMESTAMP '2026-01-01 00:00:00'",
            timedelta(1),
        ),
        (Bind(None, Type.BINARY_DOUBLE), "1 / 4", 0.25),
    ],
)
def test_binds_convert(bind: Bind, expression: str, expected: Value) -> None:
    if expected is OracleError:
        with pytest.raises(OracleError, match="ORA-06502"):
            WORLD.value(expression, result=bind)
    else:
        assert WORLD.value(expression, result=bind) == expected


@pytest.mark.parametrize(
    ("expression", "statement"),
    [
        ("TO_CHAR(SYSDATE, 'YYYY')", "SELECT TO_CHAR(:B1, :B2) FROM DUAL"),
        ("SYS_CONTEXT('USERENV', 'SID')", "SELECT SYS_CONTEXT(:B1, :B2) FROM DUAL"),
        ("SYSTIMESTAMP", "SELECT SYSTIMESTAMP FROM DUAL"),
        ("EXTRACT(DAY FROM SYSTIMESTAMP)", "SELECT SYSTIMESTAMP FROM DUAL"),
        ("CAST('1' AS NUMBER(3))", "SELECT CAST(:B1 AS NUMBER ( 3 )) FROM DUAL"),
        ("TRUNC(SYSDATE, 'MM')", "SELECT TRUNC(:B1, :B2) FROM DUAL"),
        ("INTERVAL '5' MINUTE", "SELECT INTERVAL '5' MINUTE FROM DUAL"),
        ("some_sequence.NEXTVAL", "SELECT SOME_SEQUENCE.NEXTVAL FROM DUAL"),
    ],
)
def test_the_rest_is_asked_of_sql(expression: str, statement: str) -> None:
    world = Memory()
    world.failing = {"": 3001}
    with pytest.raises(OracleError, match="ORA-03001"):
        world.value(expression)
    assert world.seen == [statement]


def test_regexp_like_is_a_condition() -> None:
    world = Memory()
    world.failing = {"": 3001}
    with pytest.raises(OracleError, match="ORA-03001"):
        world.run("BEGIN IF REGEXP_LIKE('a', '^a') THEN NULL; END IF; END;")
    assert "CASE WHEN REGEXP_LIKE(:B1, :B2) THEN 1" in world.seen[0]
