# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PL/SQL errors: syntax, compilation, exceptions and their handlers, numbers and lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.oracle_server.plsql_world import Memory

from servers.oracle.errors import OracleError
from servers.oracle.lexer import tokens
from servers.oracle.plsql import parse

# A text, and what ORA-06550 says: line, column, symbol.
SYNTAX = {
    "missing operand": ("BEGIN x := ; END;", 1, 12, ";"),
    "missing semicolon": ("BEGIN\n  NULL\nEND;", 3, 1, "END"),
    "unfinished": ("BEGIN NULL; END", 1, 16, "end-of-file"),
    "empty block": ("BEGIN END;", 1, 7, "END"),
    "empty if": ("BEGIN IF 1 = 1 THEN END IF; END;", 1, 21, "END"),
    "no then": ("BEGIN IF 1 = 1 NULL; END IF; END;", 1, 16, "NULL"),
    "no end if": ("BEGIN IF 1 = 1 THEN NULL; END; END;", 1, 30, ";"),
    "no loop": ("BEGIN FOR i IN 1..2 NULL; END LOOP; END;", 1, 21, "NULL"),
    "no end loop": ("BEGIN LOOP NULL; END; END;", 1, 21, ";"),
    "ddl": ("BEGIN ALTER SYSTEM CHECKPOINT; END;", 1, 7, "ALTER"),
    "create": ("BEGIN CREATE TABLE x (a INT); END;", 1, 7, "CREATE"),
    "drop": ("BEGIN\n\tDROP TABLE x; END;", 2, 2, "DROP"),
    "truncate": ("BEGIN TRUNCATE TABLE x; END;", 1, 16, "TABLE"),
    "something behind": ("BEGIN NULL; END; SELECT", 1, 18, "SELECT"),
    "double equals": ("BEGIN x == 1; END;", 1, 9, "="),
    "assignment in an expression": ("BEGIN IF x := 1 THEN NULL; END IF; END;", 1, 12, ":="),
    "parenthesis": ("BEGIN x := (1 + 2; END;", 1, 18, ";"),
    "call": ("BEGIN f(1; END;", 1, 10, ";"),
    "declaration": ("DECLARE x; BEGIN NULL; END;", 1, 10, ";"),
    "no handlers": ("BEGIN NULL; EXCEPTION END;", 1, 23, "END"),
    "handler": ("BEGIN NULL; EXCEPTION WHEN OTHERS NULL; END;", 1, 35, "NULL"),
    "select": ("BEGIN SELECT 1 INTO x FROM dual END;", 1, 37, "end-of-file"),
    "execute": ("BEGIN EXECUTE 'x'; END;", 1, 15, "'x'"),
    "case": ("BEGIN CASE x END CASE; END;", 1, 14, "END"),
    "number of a pragma": ("DECLARE e EXCEPTION; PRAGMA EXCEPTION_INIT(e, x); BEGIN NULL; END;", 1, 47, "X"),
}


@pytest.mark.parametrize(("text", "line", "column", "symbol"), SYNTAX.values(), ids=SYNTAX.keys())
def test_syntax(text: str, line: int, column: int, symbol: str) -> None:
    with pytest.raises(OracleError) as caught:
        parse(text)
    assert caught.value.code == 6550
    assert caught.value.text.startswith(
        f'ORA-06550: line {line}, column {column}:\nPLS-00103: Encountered the symbol "{symbol}" when expecting one of'
    )


@pytest.mark.parametrize(("text", "code"), [("BEGIN x := 'a; END;", 1756), ("BEGIN x := #; END;", 911)])
def test_tokens(text: str, code: int) -> None:
    with pytest.raises(OracleError) as caught:
        parse(text)
    assert caught.value.code == code


def test_the_same_text_is_parsed_once() -> None:
    assert parse("BEGIN NULL; END;") is parse("BEGIN NULL; END;")


IGNORED, SQL_IGNORED = "PL/SQL: Statement ignored", "PL/SQL: SQL Statement ignored"
# A text, and all that is wrong with it: line, column, text.
COMPILATION = {
    "procedures": (
        "BEGIN\n  foo;\n  IF 1 = 1 THEN\n    bar.baz(1);\n  END IF;\nEND;",
        [
            (2, 3, "PLS-00201: identifier 'FOO' must be declared"),
            (2, 3, IGNORED),
            (4, 5, "PLS-00201: identifier 'BAR.BAZ' must be declared"),
            (4, 5, IGNORED),
        ],
    ),
    "a variable": ("BEGIN\n  x := 1; END;", [(2, 3, "PLS-00201: identifier 'X' must be declared"), (2, 3, IGNORED)]),
    "a table": (
        "BEGIN\n  SELECT 1 INTO :x\n  FROM nosuch;\nEND;",
        [(3, 8, "PL/SQL: ORA-00942: table or view does not exist"), (2, 3, SQL_IGNORED)],
    ),
    "a table of a loop": (
        "BEGIN\n  FOR r IN (SELECT 1 FROM nosuch) LOOP NULL; END LOOP;\nEND;",
        [(2, 27, "PL/SQL: ORA-00942: table or view does not exist"), (2, 13, SQL_IGNORED), (2, 3, IGNORED)],
    ),
    "a table of dml": (
        "BEGIN DELETE FROM nosuch; END;",
        [(1, 19, "PL/SQL: ORA-00942: table or view does not exist"), (1, 7, SQL_IGNORED)],
    ),
    "a column": (
        "BEGIN\n  SELECT sid\n    INTO :x FROM v$session WHERE nosuch = 1;\nEND;",
        [(3, 34, 'PL/SQL: ORA-00904: "NOSUCH": invalid identifier'), (2, 3, SQL_IGNORED)],
    ),
    "too many targets": (
        "DECLARE a INT; BEGIN SELECT sid INTO a, :b FROM v$session; END;",
        [(1, 38, "PL/SQL: ORA-00947: not enough values"), (1, 22, IGNORED)],
    ),
    "too few targets": (
        "DECLARE a INT; BEGIN SELECT sid, serial# INTO a FROM v$session; END;",
        [(1, 47, "PL/SQL: ORA-00913: too many values"), (1, 22, IGNORED)],
    ),
    "a field": (
        "BEGIN FOR r IN (SELECT sid FROM v$session) LOOP :x := r.nosuch; END LOOP; END;",
        [(1, 57, "PLS-00302: component 'NOSUCH' must be declared"), (1, 49, IGNORED)],
    ),
    "a constant": (
        "DECLARE c CONSTANT INT := 1; BEGIN c := 2; END;",
        [(1, 36, "PLS-00363: expression 'C' cannot be used as an assignment target"), (1, 36, IGNORED)],
    ),
    "a loop index": (
        "BEGIN FOR i IN 1..2 LOOP i := 2; END LOOP; END;",
        [(1, 26, "PLS-00363: expression 'I' cannot be used as an assignment target"), (1, 26, IGNORED)],
    ),
    "no into": (
        "BEGIN SELECT 1 FROM dual; END;",
        [(1, 7, "PLS-00428: an INTO clause is expected in this SELECT statement"), (1, 7, IGNORED)],
    ),
    "exit": (
        "BEGIN EXIT; END;",
        [(1, 7, "PLS-00376: illegal EXIT/CONTINUE statement; it must appear inside a loop"), (1, 7, IGNORED)],
    ),
    "raise": (
        "BEGIN RAISE; END;",
        [(1, 7, "PLS-00367: a RAISE statement with no exception name must be inside an exception handler"), (1, 7, IGNORED)],
    ),
    "an exception": (
        "BEGIN NULL; EXCEPTION WHEN oops THEN NULL; END;",
        [(1, 28, "PLS-00201: identifier 'OOPS' must be declared")],
    ),
    "a type": (
        "DECLARE x nosuch; BEGIN x := 1; END;",
        [(1, 11, "PLS-00201: identifier 'NOSUCH' must be declared"), (1, 9, "PL/SQL: Item ignored")],
    ),
    "a column's type": (
        "DECLARE x v$session.nosuch%TYPE; BEGIN NULL; END;",
        [(1, 11, "PLS-00302: component 'NOSUCH' must be declared"), (1, 9, "PL/SQL: Item ignored")],
    ),
    "a table's type": (
        "DECLARE x nosuch%ROWTYPE; BEGIN NULL; END;",
        [(1, 11, "PLS-00201: identifier 'NOSUCH' must be declared"), (1, 9, "PL/SQL: Item ignored")],
    ),
    "a length": (
        "DECLARE x VARCHAR2; BEGIN NULL; END;",
        [(1, 11, "PLS-00215: String length constraints must be in range (1 .. 32767)"), (1, 9, "PL/SQL: Item ignored")],
    ),
    "twice": (
        "DECLARE x INT; x INT; BEGIN NULL; END;",
        [(1, 16, "PLS-00371: at most one declaration for 'X' is permitted"), (1, 16, "PL/SQL: Item ignored")],
    ),
    "a condition": ("BEGIN IF 1 THEN NULL; END IF; END;", [(1, 10, "PLS-00382: expression is of wrong type"), (1, 7, IGNORED)]),
    "a boolean": (
        "DECLARE n INT; BEGIN n := TRUE; END;",
        [(1, 27, "PLS-00382: expression is of wrong type"), (1, 22, IGNORED)],
    ),
    "arguments": (
        "DECLARE PROCEDURE p(a INT, b INT DEFAULT 1) IS BEGIN NULL; END; BEGIN p; p(1, 2, 3); p(c => 1); p(1, a => 2); END;",
        [
            problem
            for column in (71, 74, 86, 97)
            for problem in [
                (1, column, "PLS-00306: wrong number or types of arguments in call to 'P'"),
                (1, column, IGNORED),
            ]
        ],
    ),
    "an out argument": (
        "DECLARE PROCEDURE p(a OUT INT) IS BEGIN a := 1; END; BEGIN p(1); END;",
        [(1, 62, "PLS-00363: expression 'expression' cannot be used as an assignment target"), (1, 60, IGNORED)],
    ),
    "a procedure in an expression": (
        "DECLARE PROCEDURE p IS BEGIN NULL; END; BEGIN :x := p; END;",
        [(1, 53, "PLS-00222: no function with name 'P' exists in this scope"), (1, 47, IGNORED)],
    ),
    "a function as a statement": (
        "DECLARE FUNCTION f RETURN INT IS BEGIN RETURN 1; END; BEGIN f; UPPER('x'); END;",
        [
            (1, 61, "PLS-00221: 'F' is not a procedure or is undefined"),
            (1, 61, IGNORED),
            (1, 64, "PLS-00221: 'UPPER' is not a procedure or is undefined"),
            (1, 64, IGNORED),
        ],
    ),
    "a function in sql": (
        "DECLARE FUNCTION f(a INT) RETURN INT IS BEGIN RETURN 1; END; BEGIN SELECT f(1) INTO :x FROM dual; END;",
        [(1, 75, "PLS-00231: function 'F' may not be used in SQL"), (1, 68, SQL_IGNORED)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problems"), COMPILATION.values(), ids=COMPILATION.keys())
def test_compilation(text: str, problems: list[tuple[int, int, str]]) -> None:
    world = Memory()
    with pytest.raises(OracleError) as caught:
        world.run(f"{text}")
    assert caught.value.code == 6550
    assert caught.value.text == "\n".join(
        f"ORA-06550: line {line}, column {column}:\n{problem}" for line, column, problem in problems
    )
    assert not world.checks


def test_handlers_get_no_mistake_of_the_block_itself() -> None:
    with pytest.raises(OracleError, match="PLS-00201"):
        Memory().run("BEGIN nosuch; EXCEPTION WHEN OTHERS THEN NULL; END;")


def test_handlers_get_mistakes_of_dynamic_blocks() -> None:
    found = Memory().run(
        "BEGIN EXECUTE IMMEDIATE 'begin nosuch; end;'; EXCEPTION WHEN OTHERS THEN :c := SQLCODE; :m := SQLERRM; END;"
    )
    assert found["C"] == -6550
    assert found["M"].startswith("ORA-06550: line 1, column 7:\nPLS-00201: identifier 'NOSUCH' must be declared")


# A text, and the error that leaves it.
UNHANDLED = {
    "a line": ("BEGIN\n  NULL;\n  :x := 1 / 0;\nEND;", "ORA-01476: divisor is equal to zero\nORA-06512: at line 3"),
    "a statement of several lines": (
        "BEGIN\n  :x := 1\n     / 0;\nEND;",
        "ORA-01476: divisor is equal to zero\nORA-06512: at line 2",
    ),
    "a declaration": (
        "DECLARE\n  x VARCHAR2(1) := 'ab';\nBEGIN\n  NULL;\nEXCEPTION WHEN OTHERS THEN NULL;\nEND;",
        "ORA-06502: PL/SQL: numeric or value error: character string buffer too small\nORA-06512: at line 2",
    ),
    "no data": (
        "BEGIN\n  SELECT sid INTO :x FROM v$session WHERE sid = 0;\nEND;",
        "ORA-01403: no data found\nORA-06512: at line 2",
    ),
    "too many rows": (
        "BEGIN SELECT sid INTO :x FROM v$session; END;",
        "ORA-01422: exact fetch returns more than requested number of rows\nORA-06512: at line 1",
    ),
    "no element": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY PLS_INTEGER; x t; BEGIN :x := x(1); END;",
        "ORA-01403: no data found\nORA-06512: at line 1",
    ),
    "no collection": (
        "DECLARE TYPE t IS TABLE OF INT; x t; BEGIN :x := x(1); END;",
        "ORA-06531: Reference to uninitialized collection\nORA-06512: at line 1",
    ),
    "beyond": (
        "DECLARE TYPE t IS TABLE OF INT; x t := t(); BEGIN x(1) := 1; END;",
        "ORA-06533: Subscript beyond count\nORA-06512: at line 1",
    ),
    "precision": (
        "DECLARE x NUMBER(2); BEGIN x := 100; END;",
        "ORA-06502: PL/SQL: numeric or value error: number precision too large\nORA-06512: at line 1",
    ),
    "overflow": ("DECLARE x PLS_INTEGER; BEGIN x := 2 ** 31; END;", "ORA-01426: numeric overflow\nORA-06512: at line 1"),
    "not null": (
        "DECLARE x INT NOT NULL := 1; BEGIN x := NULL; END;",
        "ORA-06502: PL/SQL: numeric or value error\nORA-06512: at line 1",
    ),
    "case": ("BEGIN CASE 1 WHEN 2 THEN NULL; END CASE; END;", "ORA-06592: CASE not found while executing CASE statement\nORA-06512: at line 1"),
    "no cursor": ("DECLARE CURSOR c IS SELECT sid FROM v$session; BEGIN CLOSE c; END;", "ORA-01001: invalid cursor\nORA-06512: at line 1"),
    "open twice": (
        "DECLARE CURSOR c IS SELECT sid FROM v$session; BEGIN OPEN c; OPEN c; END;",
        "ORA-06511: PL/SQL: cursor already open\nORA-06512: at line 1",
    ),
    "application error": (
        "BEGIN\n  raise_application_error(-20007, 'no ' || 'way');\nEND;",
        "ORA-20007: no way\nORA-06512: at line 2",
    ),
    "application error out of range": (
        "BEGIN raise_application_error(-1, 'x'); END;",
        "ORA-21000: error number argument to raise_application_error of -1 is out of range\nORA-06512: at line 1",
    ),
    "user-defined": ("DECLARE e EXCEPTION; BEGIN RAISE e; END;", "ORA-06510: PL/SQL: unhandled user-defined exception\nORA-06512: at line 1"),
    "with a number": (
        "DECLARE e EXCEPTION; PRAGMA EXCEPTION_INIT(e, -31); BEGIN RAISE e; END;",
        "ORA-00031: session marked for kill\nORA-06512: at line 1",
    ),
    "predefined": ("BEGIN RAISE no_data_found; END;", "ORA-01403: no data found\nORA-06512: at line 1"),
    "raised again": (
        "BEGIN\n  :x := 1 / 0;\nEXCEPTION WHEN OTHERS THEN\n  RAISE;\nEND;",
        "ORA-01476: divisor is equal to zero\nORA-06512: at line 4",
    ),
    "in a handler": (
        "BEGIN\n  :x := 1 / 0;\nEXCEPTION WHEN OTHERS THEN\n  raise_application_error(-20001, 'outer', TRUE);\nEND;",
        "ORA-20001: outer\nORA-01476: divisor is equal to zero\nORA-06512: at line 4",
    ),
    "in a local procedure": (
        "DECLARE\n  PROCEDURE p IS\n  BEGIN\n    :x := 1 / 0;\n  END;\nBEGIN\n  p;\nEND;",
        "ORA-01476: divisor is equal to zero\nORA-06512: at line 4\nORA-06512: at line 7",
    ),
    "in a dynamic block": (
        "BEGIN\n  EXECUTE IMMEDIATE 'begin\n\n:x := 1 / 0; end;' USING OUT :y;\nEND;",
        "ORA-01476: divisor is equal to zero\nORA-06512: at line 3\nORA-06512: at line 2",
    ),
    "of a routine": (
        "BEGIN\n  rdsadmin.rdsadmin_util.kill(sid => 1, serial => 2);\nEND;",
        'ORA-20001: refused\nORA-06512: at "RDSADMIN.RDSADMIN_UTIL", line 1\nORA-06512: at line 2',
    ),
    "no return": (
        "DECLARE FUNCTION f RETURN INT IS BEGIN NULL; END; BEGIN :x := f; END;",
        "ORA-06503: PL/SQL: Function returned without value\nORA-06512: at line 1\nORA-06512: at line 1",
    ),
    "a bound": ("BEGIN FOR i IN 1 .. NULL LOOP NULL; END LOOP; END;", "ORA-06502: PL/SQL: numeric or value error\nORA-06512: at line 1"),
    "dynamic no data": (
        "DECLARE n INT; BEGIN EXECUTE IMMEDIATE 'select sid from v$session where 1=0' INTO n; END;",
        "ORA-01403: no data found\nORA-06512: at line 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), UNHANDLED.values(), ids=UNHANDLED.keys())
def test_unhandled(text: str, expected: str) -> None:
    with pytest.raises(OracleError) as caught:
        Memory().run(text)
    assert caught.value.text == expected


# A block (its result in :r), and what it gives.
HANDLED = {
    "by name": ("BEGIN SELECT sid INTO :r FROM v$session WHERE sid = 0; EXCEPTION WHEN no_data_found THEN :r := SQLCODE; END;", 100),
    "by one of several names": (
        "BEGIN SELECT sid INTO :r FROM v$session; EXCEPTION WHEN zero_divide OR too_many_rows THEN :r := SQLCODE; END;",
        -1422,
    ),
    "the first that fits": (
        "BEGIN RAISE zero_divide; EXCEPTION WHEN value_error THEN :r := 1; WHEN zero_divide THEN :r := 2; WHEN OTHERS THEN :r := 3; END;",
        2,
    ),
    "others": ("BEGIN RAISE zero_divide; EXCEPTION WHEN OTHERS THEN :r := SQLERRM; END;", "ORA-01476: divisor is equal to zero"),
    "an inner handler": ("BEGIN BEGIN RAISE zero_divide; EXCEPTION WHEN zero_divide THEN :r := 1; END; :r := :r + 1; END;", 2),
    "not the inner handler": (
        "BEGIN BEGIN RAISE zero_divide; EXCEPTION WHEN value_error THEN :r := 1; END; EXCEPTION WHEN OTHERS THEN :r := 2; END;",
        2,
    ),
    "an error in a handler": (
        "BEGIN BEGIN RAISE zero_divide; EXCEPTION WHEN OTHERS THEN RAISE value_error; END; EXCEPTION WHEN OTHERS THEN :r := SQLCODE; END;",
        -6502,
    ),
    "an error in a declaration": (
        "BEGIN DECLARE x INT := 'a'; BEGIN NULL; EXCEPTION WHEN OTHERS THEN :r := 1; END; EXCEPTION WHEN value_error THEN :r := 2; END;",
        2,
    ),
    "sqlcode afterwards": ("BEGIN BEGIN RAISE zero_divide; EXCEPTION WHEN OTHERS THEN NULL; END; :r := SQLCODE; END;", 0),
    "sqlcode of a nested handler": (
        "BEGIN RAISE zero_divide; EXCEPTION WHEN OTHERS THEN BEGIN RAISE value_error; EXCEPTION WHEN OTHERS THEN NULL; END; :r := SQLCODE; END;",
        -1476,
    ),
    "user-defined": ("DECLARE e EXCEPTION; BEGIN RAISE e; EXCEPTION WHEN e THEN :r := SQLCODE || SQLERRM; END;", "1User-Defined Exception"),
    "another user-defined one": (
        "DECLARE e EXCEPTION; f EXCEPTION; BEGIN RAISE e; EXCEPTION WHEN f THEN :r := 1; WHEN OTHERS THEN :r := 2; END;",
        2,
    ),
    "by number": (
        "DECLARE e EXCEPTION; PRAGMA EXCEPTION_INIT(e, -20001); BEGIN raise_application_error(-20001, 'x'); EXCEPTION WHEN e THEN :r := SQLERRM; END;",
        "ORA-20001: x",
    ),
    "a duplicate": (
        "BEGIN INSERT INTO notes VALUES (1, 'a'); INSERT INTO notes VALUES (1, 'b'); EXCEPTION WHEN dup_val_on_index THEN :r := SQLERRM; END;",
        "ORA-00001: unique constraint (TESTER.NOTES_ID) violated",
    ),
    "raised again and handled": (
        "BEGIN BEGIN RAISE zero_divide; EXCEPTION WHEN OTHERS THEN RAISE; END; EXCEPTION WHEN zero_divide THEN :r := SQLERRM; END;",
        "ORA-01476: divisor is equal to zero",
    ),
    "of a local procedure": (
        "DECLARE PROCEDURE p IS BEGIN RAISE zero_divide; END; BEGIN p; EXCEPTION WHEN OTHERS THEN :r := SQLERRM; END;",
        "ORA-01476: divisor is equal to zero",
    ),
    "of a dynamic block": (
        "BEGIN EXECUTE IMMEDIATE 'begin raise zero_divide; end;'; EXCEPTION WHEN OTHERS THEN :r := SQLERRM; END;",
        "ORA-01476: divisor is equal to zero\nORA-06512: at line 1",
    ),
    "out of a loop": (
        "BEGIN FOR i IN 1..3 LOOP BEGIN IF i = 2 THEN RAISE zero_divide; END IF; :r := :r || i; EXCEPTION WHEN OTHERS THEN EXIT; END; END LOOP; END;",
        "1",
    ),
    "a cursor is closed by an error": (
        "DECLARE CURSOR c IS SELECT sid FROM v$session; BEGIN BEGIN FOR x IN c LOOP RAISE zero_divide; END LOOP; EXCEPTION WHEN OTHERS THEN NULL; END; "
        "IF c%ISOPEN THEN :r := 1; ELSE :r := 2; END IF; END;",
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), HANDLED.values(), ids=HANDLED.keys())
def test_handled(text: str, expected: object) -> None:
    assert Memory().run(text, r=None)["R"] == expected


@pytest.mark.parametrize(("code", "catchable"), [(28, False), (1013, True), (1031, True), (31, True)])
def test_errors_of_the_session(code: int, catchable: bool) -> None:
    world = Memory()
    world.failing = {"alter": code}
    text = "BEGIN EXECUTE IMMEDIATE 'alter'; EXCEPTION WHEN OTHERS THEN :r := SQLCODE; END;"
    if catchable:
        assert world.run(text)["R"] == -code
    else:
        with pytest.raises(OracleError) as caught:
            world.run(text)
        assert caught.value.code == code


def test_a_killed_session_leaves_its_loop() -> None:
    world = Memory()
    world.end_after = 500, 28
    with pytest.raises(OracleError, match="ORA-00028"):
        world.run("BEGIN LOOP BEGIN NULL; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END;")
    assert world.checks == 500


WORDS = [[token.text for token in tokens(text)[:-1]] for text, *_rest in (*HANDLED.values(), *UNHANDLED.values())]


@given(st.sampled_from(WORDS), st.data())
def test_mutilated_blocks_get_errors_of_oracle(words: list[str], data: st.DataObject) -> None:
    words = list(words)
    for _time in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(words) - 1))
        words[at] = data.draw(st.sampled_from(["", *data.draw(st.sampled_from(WORDS))]))
    world = Memory()
    # What has become endless is killed.
    world.end_after = 1000, 28
    try:
        world.run(" ".join(words))
    except OracleError as error:
        assert error.text.startswith("ORA-")
