# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PL/SQL statements: control, variables, tables, records, cursors, static and dynamic SQL."""

from __future__ import annotations

import pytest
from unit.oracle_server.plsql_world import Memory

from servers.oracle.errors import OracleError
from servers.oracle.plsql import Bind, parse, run
from servers.oracle.values import Type, Value

# A block (its result in :r), and what it gives.
BLOCKS = {
    "assignment": ("DECLARE a NUMBER := 1; b CONSTANT NUMBER DEFAULT 2; BEGIN a := a + b; :r := a; END;", 3),
    "no value": ("DECLARE a NUMBER; BEGIN :r := NVL(a, -1); END;", -1),
    "varchar2": ("DECLARE a VARCHAR2(3 CHAR) := 123; BEGIN :r := a; END;", "123"),
    "char is padded": ("DECLARE a CHAR(3) := 'x'; BEGIN :r := a || '|'; END;", "x  |"),
    "char compares padded": ("DECLARE a CHAR(3) := 'x'; BEGIN IF a = 'x' THEN :r := 1; END IF; END;", 1),
    "number rounds": ("DECLARE a NUMBER(5, 1) := 1.25; BEGIN :r := a || ''; END;", "1.3"),
    "integer rounds": ("DECLARE a PLS_INTEGER := 2.5; BEGIN :r := a; END;", 3),
    "subtype": ("DECLARE SUBTYPE name IS VARCHAR2(2); a name := 'ab'; BEGIN :r := a; END;", "ab"),
    "%type of a column": ("DECLARE a v$session.username%TYPE := 'x'; b a%TYPE := 'y'; BEGIN :r := a || b; END;", "xy"),
    "if": ("BEGIN IF 1 = 2 THEN :r := 1; ELSIF NULL THEN :r := 2; ELSIF 1 = 1 THEN :r := 3; ELSE :r := 4; END IF; END;", 3),
    "else": ("BEGIN IF NULL THEN :r := 1; ELSE :r := 2; END IF; END;", 2),
    "case": ("BEGIN CASE 2 WHEN 1 THEN :r := 'a'; WHEN 2 THEN :r := 'b'; END CASE; END;", "b"),
    "searched case": ("BEGIN CASE WHEN 1 = 2 THEN :r := 'a'; ELSE :r := 'b'; END CASE; END;", "b"),
    "loop": ("DECLARE i INT := 0; BEGIN LOOP i := i + 1; EXIT WHEN i = 5; END LOOP; :r := i; END;", 5),
    "while": ("DECLARE i INT := 0; BEGIN WHILE i < 5 LOOP i := i + 2; END LOOP; :r := i; END;", 6),
    "for": ("DECLARE s INT := 0; BEGIN FOR i IN 1 .. 4 LOOP s := s + i; END LOOP; :r := s; END;", 10),
    "for reverse": ("BEGIN FOR i IN REVERSE 1..3 LOOP :r := :r || i; END LOOP; END;", "321"),
    "empty for": ("BEGIN :r := 0; FOR i IN 2 .. 1 LOOP :r := 1; END LOOP; END;", 0),
    "continue": ("BEGIN FOR i IN 1..5 LOOP CONTINUE WHEN MOD(i, 2) = 0; :r := :r || i; END LOOP; END;", "135"),
    "exit by label": (
        "BEGIN <<outer>> FOR i IN 1..3 LOOP FOR j IN 1..3 LOOP EXIT outer WHEN j = 2; :r := :r || i || j; END LOOP; "
        "END LOOP outer; END;",
        "11",
    ),
    "continue by label": (
        "BEGIN <<outer>> FOR i IN 1..3 LOOP LOOP :r := :r || i; CONTINUE outer; END LOOP; END LOOP; END;",
        "123",
    ),
    "inner variables hide": ("DECLARE a INT := 1; BEGIN DECLARE a INT := 2; BEGIN :r := a; END; :r := :r || a; END;", "21"),
    "label qualifies": ("<<o>> DECLARE a INT := 1; BEGIN DECLARE a INT := 2; BEGIN :r := o.a || a; END; END;", "12"),
    "block in a loop starts anew": (
        "BEGIN FOR i IN 1..2 LOOP DECLARE a INT; BEGIN :r := :r || NVL(a, 0); a := i; END; END LOOP; END;",
        "00",
    ),
    "return ends": ("BEGIN :r := 1; RETURN; :r := 2; END;", 1),
    "boolean": ("DECLARE b BOOLEAN := 1 = 1; BEGIN IF b AND NOT FALSE THEN :r := 1; END IF; END;", 1),
    "table": (
        "DECLARE TYPE t IS TABLE OF VARCHAR2(5) INDEX BY PLS_INTEGER; x t; BEGIN x(3) := 'c'; x(-1) := 'a'; "
        ":r := x.COUNT || x.FIRST || x.LAST || x(3) || x.NEXT(-1) || NVL(x.PRIOR(-1), 0); END;",
        "2-13c30",
    ),
    "table walk": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY VARCHAR2(10); x t; k VARCHAR2(10); BEGIN x('b') := 2; x('a') := 1; "
        "k := x.FIRST; WHILE k IS NOT NULL LOOP :r := :r || k || x(k); k := x.NEXT(k); END LOOP; END;",
        "a1b2",
    ),
    "table delete": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY PLS_INTEGER; x t; BEGIN FOR i IN 1..5 LOOP x(i) := i; END LOOP; "
        "x.DELETE(2); x.DELETE(4, 5); IF x.EXISTS(1) AND NOT x.EXISTS(2) THEN :r := x.COUNT; END IF; x.DELETE; :r := :r || x.COUNT; END;",
        "20",
    ),
    "tables are copied": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY PLS_INTEGER; x t; y t; BEGIN x(1) := 1; y := x; y(1) := 2; :r := x(1); END;",
        1,
    ),
    "nested table": (
        "DECLARE TYPE t IS TABLE OF INT; x t := t(4, 5); BEGIN x.EXTEND; x(3) := 6; x.EXTEND(2, 1); x.TRIM; "
        "FOR i IN 1 .. x.COUNT LOOP :r := :r || x(i); END LOOP; END;",
        "4564",
    ),
    "varray": ("DECLARE TYPE t IS VARRAY(3) OF INT; x t := t(1); BEGIN :r := x.LIMIT || x.COUNT; END;", "31"),
    "package type": ("DECLARE x dbms_sql.varchar2_table; BEGIN x(1) := 'a'; :r := x(1); END;", "a"),
    "record": (
        "DECLARE TYPE t IS RECORD (a INT := 7, b VARCHAR2(3)); x t; y t; BEGIN x.b := 'q'; y := x; y.a := 8; :r := x.a || y.a || y.b; END;",
        "78q",
    ),
    "table of records": (
        "DECLARE TYPE p IS RECORD (a INT); TYPE t IS TABLE OF p INDEX BY PLS_INTEGER; x t; BEGIN x(2).a := 5; :r := x(2).a; END;",
        5,
    ),
    "table in a record": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY PLS_INTEGER; TYPE p IS RECORD (x t); y p; BEGIN y.x(1) := 3; :r := y.x(1) + y.x.COUNT; END;",
        4,
    ),
    "row type": ("DECLARE x v$session%ROWTYPE; BEGIN x.sid := 5; :r := x.sid || NVL(x.username, '-'); END;", "5-"),
    "select into": ("DECLARE u v$session.username%TYPE; BEGIN SELECT username INTO u FROM v$session WHERE sid = 11; :r := u; END;", "APP"),
    "select into two": ("DECLARE a INT; b INT; BEGIN SELECT sid, serial# INTO a, b FROM v$session WHERE sid = 12; :r := a || b; END;", "12102"),
    "select into a record": (
        "DECLARE x v$session%ROWTYPE; BEGIN SELECT * INTO x FROM v$session WHERE sid = 13; :r := x.username || x.serial#; END;",
        "BATCH103",
    ),
    "select into an element": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY PLS_INTEGER; x t; BEGIN SELECT COUNT(*) INTO x(1) FROM v$session; :r := x(1); END;",
        4,
    ),
    "select with a variable": ("DECLARE v INT := 13; BEGIN SELECT username INTO :r FROM v$session WHERE sid = v; END;", "BATCH"),
    "columns before variables": (
        "DECLARE sid INT := 13; BEGIN SELECT COUNT(*) INTO :r FROM v$session WHERE sid = sid; END;",
        4,
    ),
    "a label helps": (
        "<<me>> DECLARE sid INT := 13; BEGIN SELECT COUNT(*) INTO :r FROM v$session s WHERE s.sid = me.sid; END;",
        1,
    ),
    "a table alias is no record": (
        "DECLARE s v$session%ROWTYPE; BEGIN SELECT COUNT(*) INTO :r FROM v$session s WHERE s.sid = 13; END;",
        1,
    ),
    "an alias of the query is no variable": (
        "DECLARE n INT := 99; BEGIN SELECT MAX(n) INTO :r FROM (SELECT COUNT(*) n FROM v$session); END;",
        4,
    ),
    "field in sql": (
        "DECLARE x v$session%ROWTYPE; BEGIN x.sid := 13; SELECT username INTO :r FROM v$session WHERE sid = x.sid; END;",
        "BATCH",
    ),
    "element in sql": (
        "DECLARE TYPE t IS TABLE OF INT INDEX BY PLS_INTEGER; x t; BEGIN x(1) := 13; SELECT username INTO :r FROM v$session WHERE sid = x(0 + 1); END;",
        "BATCH",
    ),
    "bulk collect": (
        "DECLARE TYPE t IS TABLE OF INT; x t; y t; BEGIN SELECT sid, serial# BULK COLLECT INTO x, y FROM v$session ORDER BY sid; "
        ":r := x.COUNT || y(4) || SQL%ROWCOUNT; END;",
        "41044",
    ),
    "bulk collect records": (
        "DECLARE TYPE t IS TABLE OF v$session%ROWTYPE INDEX BY PLS_INTEGER; x t; BEGIN SELECT * BULK COLLECT INTO x FROM v$session ORDER BY sid; "
        ":r := x(3).username; END;",
        "BATCH",
    ),
    "bulk collect nothing": (
        "DECLARE TYPE t IS TABLE OF INT; x t; BEGIN SELECT sid BULK COLLECT INTO x FROM v$session WHERE sid = 0; :r := x.COUNT; END;",
        0,
    ),
    "query loop": ("BEGIN FOR r IN (SELECT sid AS s FROM v$session ORDER BY sid) LOOP :r := :r || r.s || ','; END LOOP; END;", "11,12,13,14,"),
    "cursor loop": (
        "DECLARE CURSOR c IS SELECT sid FROM v$session ORDER BY sid; BEGIN FOR r IN c LOOP EXIT WHEN c%ROWCOUNT > 2; :r := :r || r.sid; END LOOP; END;",
        "1112",
    ),
    "cursor with parameters": (
        "DECLARE CURSOR c(lo INT, hi INT DEFAULT 12) IS SELECT sid FROM v$session WHERE sid BETWEEN lo AND hi ORDER BY sid; "
        "BEGIN FOR r IN c(hi => 13, lo => 13) LOOP :r := :r || r.sid; END LOOP; FOR r IN c(12) LOOP :r := :r || r.sid; END LOOP; END;",
        "1312",
    ),
    "open fetch close": (
        "DECLARE CURSOR c IS SELECT sid, username FROM v$session WHERE username = 'APP' ORDER BY sid; n INT; u VARCHAR2(30); "
        "BEGIN OPEN c; LOOP FETCH c INTO n, u; EXIT WHEN c%NOTFOUND; :r := :r || n || u; END LOOP; :r := :r || c%ROWCOUNT; CLOSE c; "
        "IF NOT c%ISOPEN THEN :r := :r || 'x'; END IF; END;",
        "11APP12APP2x",
    ),
    "fetch into a record": (
        "DECLARE CURSOR c IS SELECT sid FROM v$session ORDER BY sid; r c%ROWTYPE; BEGIN OPEN c; FETCH c INTO r; :r := r.sid; CLOSE c; END;",
        11,
    ),
    "fetch bulk": (
        "DECLARE CURSOR c IS SELECT sid FROM v$session ORDER BY sid; TYPE t IS TABLE OF INT; x t; BEGIN OPEN c; "
        "LOOP FETCH c BULK COLLECT INTO x LIMIT 3; :r := :r || x.COUNT; EXIT WHEN c%NOTFOUND; END LOOP; CLOSE c; END;",
        "31",
    ),
    "cursor of an outer subprogram": (
        "DECLARE CURSOR c IS SELECT sid FROM v$session WHERE sid = 11; PROCEDURE p IS BEGIN FOR r IN c LOOP :r := r.sid; END LOOP; END; BEGIN p; END;",
        11,
    ),
    "cursor variable": (
        "DECLARE c SYS_REFCURSOR; n INT; BEGIN OPEN c FOR SELECT sid FROM v$session ORDER BY sid; FETCH c INTO n; CLOSE c; :r := n; END;",
        11,
    ),
    "cursor variable with a text": (
        "DECLARE TYPE t IS REF CURSOR; c t; n INT; BEGIN OPEN c FOR 'SELECT sid FROM v$session WHERE sid > :a ORDER BY sid' USING 12; "
        "LOOP FETCH c INTO n; EXIT WHEN c%NOTFOUND; :r := :r || n; END LOOP; CLOSE c; END;",
        "1314",
    ),
    "dynamic select": ("DECLARE n INT; BEGIN EXECUTE IMMEDIATE 'select count(*) from v$session' INTO n; :r := n; END;", 4),
    "dynamic select with binds": (
        "DECLARE n INT; BEGIN EXECUTE IMMEDIATE 'select sid from v$session where username = :u and status = :s' INTO n USING 'APP', 'ACTIVE'; :r := n; END;",
        11,
    ),
    "dynamic select of a record": (
        "DECLARE x v$session%ROWTYPE; BEGIN EXECUTE IMMEDIATE 'select * from v$session where sid = 13' INTO x; :r := x.username; END;",
        "BATCH",
    ),
    "dynamic bulk collect": (
        "DECLARE TYPE t IS TABLE OF INT; x t; BEGIN EXECUTE IMMEDIATE 'select sid from v$session' BULK COLLECT INTO x; :r := x.COUNT; END;",
        4,
    ),
    "dynamic block": (
        "DECLARE n INT := 1; t VARCHAR2(9); BEGIN "
        "EXECUTE IMMEDIATE 'begin :a := :a + :b; :c := ''x'' || :a; end;' USING IN OUT n, 2, OUT t; :r := n || t; END;",
        "3x3",
    ),
    "dynamic call": (
        "DECLARE m VARCHAR2(48); BEGIN "
        "EXECUTE IMMEDIATE 'begin dbms_application_info.read_module(:m, :a); end;' USING OUT m, OUT :a; :r := m; END;",
        "a module",
    ),
    "attributes of sql": (
        "BEGIN UPDATE notes SET text = 'x' WHERE id = -1; IF SQL%NOTFOUND AND NOT SQL%FOUND AND NOT SQL%ISOPEN THEN :r := SQL%ROWCOUNT; END IF; END;",
        0,
    ),
    "no sql yet": ("BEGIN :r := NVL(SQL%ROWCOUNT, -1); END;", -1),
    "comments": ("BEGIN -- one\n /* two\n */ :r := 1; /* three */ END;", 1),
    "quoted names": ('DECLARE "a b" INT := 3; BEGIN :r := "a b"; END;', 3),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BLOCKS.values(), ids=BLOCKS.keys())
def test_blocks(text: str, expected: Value) -> None:
    world = Memory()
    assert world.run(text, r=None)["R"] == expected


def test_dml_is_in_normal_form_with_binds() -> None:
    world = Memory()
    world.run(
        """DECLARE v VARCHAR2(10) := 'new'; TYPE t IS RECORD (id INT, text VARCHAR2(10)); r t;
        BEGIN
          insert   into notes (id, text) values (:n, v); -- a comment
          r.id := 2; r.text := 'rec';
          INSERT INTO notes VALUES r;
          update notes set text = v || 'x' where id = r.id;
          :c := SQL%ROWCOUNT;
          delete from notes where id = :n;
          SAVEPOINT here;
          ROLLBACK TO here;
          COMMIT;
        END;""",
        n=1,
    )
    assert world.log == [
        "INSERT INTO NOTES (ID, TEXT) VALUES (:B1, :B2)",
        "INSERT INTO NOTES VALUES (:B1, :B2)",
        "UPDATE NOTES SET TEXT = :B1 || 'x' WHERE ID = :B2",
        "DELETE FROM NOTES WHERE ID = :B1",
        "SAVEPOINT HERE",
        "ROLLBACK TO HERE",
        "COMMIT",
    ]
    assert world.db.execute("select * from notes").fetchall() == [(2, "newx")]


def test_forall() -> None:
    world = Memory()
    world.run(
        "DECLARE TYPE t IS TABLE OF INT; x t := t(5, 6, 7); BEGIN FORALL i IN 1 .. x.COUNT INSERT INTO notes VALUES (x(i), NULL); END;"
    )
    assert world.db.execute("select id from notes order by 1").fetchall() == [(5,), (6,), (7,)]


def test_autonomous_blocks_are_the_hosts() -> None:
    world = Memory()
    world.run(
        """DECLARE PROCEDURE note IS PRAGMA AUTONOMOUS_TRANSACTION; BEGIN INSERT INTO notes VALUES (1, 'a'); COMMIT; END;
        BEGIN note; END;"""
    )
    assert world.log == ["(begin autonomous)", "INSERT INTO NOTES VALUES (1, 'a')", "COMMIT", "(end autonomous)"]


@pytest.mark.parametrize(
    ("text", "binds", "code"),
    [
        ("insert into notes values (:a, :b)", "1", 1008),
        ("insert into notes values (:a, :a)", "1", 1008),
        ("insert into notes values (1, :a)", "1, 2", 1006),
        ("begin :a := 1; end;", "", 1008),
        ("begin null; end;", "1", 1006),
        ("begin :a := 1; end;", "1", 6536),
        ("alter system kill session :a", "'1,2'", 1027),
        ("", "", 6535),
    ],
)
def test_binds_of_dynamic_sql(text: str, binds: str, code: int) -> None:
    world = Memory()
    using = f"USING {binds}" if binds else ""
    with pytest.raises(OracleError) as caught:
        world.run(f"BEGIN EXECUTE IMMEDIATE '{text}' {using}; END;")
    assert caught.value.code == code
    assert not world.log


def test_what_is_logged_of_dynamic_sql() -> None:
    world = Memory()
    world.run(
        """BEGIN
          FOR r IN (SELECT sid, serial# FROM v$session WHERE username = 'APP' ORDER BY sid) LOOP
            BEGIN
              EXECUTE IMMEDIATE 'alter system kill session ''' || r.sid || ',' || r.serial# || '''';
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
          END LOOP;
        END;"""
    )
    assert world.log == ["alter system kill session '11,101'", "alter system kill session '12,102'"]


def test_one_block_for_many_sessions() -> None:
    world = Memory()
    world.failing = {"'12,": 31, "'13,": 1031}
    codes = Bind([None] * 4, Type.NUMBER, 22, 4)
    messages = Bind([], Type.VARCHAR2, 400, 4)
    found = world.run(
        """DECLARE
          c PLS_INTEGER;
        BEGIN
          FOR i IN 1 .. :n LOOP
            BEGIN
              SELECT COUNT(*) INTO c FROM v$session WHERE sid=:sids(i) AND serial#=:serials(i) AND username IS NOT NULL;
              IF c = 0 THEN :codes(i) := -30; :msgs(i) := 'gone before statement';
              ELSE
                EXECUTE IMMEDIATE 'alter system kill session '''||:sids(i)||','||:serials(i)||',@1'' immediate';
                :codes(i) := 0; :msgs(i) := NULL;
              END IF;
            EXCEPTION WHEN OTHERS THEN :codes(i) := SQLCODE; :msgs(i) := SUBSTR(SQLERRM, 1, 400);
            END;
          END LOOP;
        END;""",
        n=Bind(4, Type.NUMBER),
        sids=Bind([11, 12, 13, 14], Type.NUMBER, 22, 4),
        serials=Bind([101, 102, 103, 104], Type.NUMBER, 22, 4),
        codes=codes,
        msgs=messages,
    )
    assert found["CODES"] == [0, -31, -1031, -30]
    assert found["MSGS"] == [
        None,
        "ORA-00031: session marked for kill",
        "ORA-01031: insufficient privileges",
        "gone before statement",
    ]
    assert (codes.direction, messages.direction) == (48, 48)


def test_directions_of_binds() -> None:
    binds = {name: Bind(1) for name in ("a", "b", "c", "d", "e", "f")}
    Memory().run(
        """DECLARE PROCEDURE p(x OUT NUMBER, y IN OUT NUMBER) IS BEGIN x := y; END;
        BEGIN :a := :b; IF FALSE THEN :c := :c + 1; END IF; p(:d, :e); SELECT :f INTO :a FROM dual; END;""",
        **binds,
    )
    assert [bind.direction for bind in binds.values()] == [16, 32, 48, 16, 48, 32]


def test_every_statement_and_turn_is_checked() -> None:
    world = Memory()
    world.run("BEGIN FOR i IN 1..10 LOOP NULL; END LOOP; END;")
    assert world.checks == 11


def test_a_bind_that_is_missing() -> None:
    with pytest.raises(OracleError, match="ORA-01008"):
        run(parse("BEGIN :a := 1; END;"), {}, Memory())


def test_compiled_code_is_kept_until_the_dictionary_changes() -> None:
    world = Memory()
    text = "BEGIN SELECT COUNT(*) INTO :r FROM v$session WHERE sid > 11; END;"
    for _time in range(3):
        world.run(text)
    assert len(parse(text).compiled) == 1
    world.version += 1
    world.run(text)
    assert len(parse(text).compiled) == 2
