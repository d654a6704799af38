# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of commands: every clause, the releases that have it, and where an error points to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servers.oracle import commands as c
from servers.oracle.command_parser import parse
from servers.oracle.errors import OracleError
from servers.oracle.policy import POLICIES

V11, V12_1, V12_2, V18, V19, V21, V23 = (11, 2), (12, 1), (12, 2), (18,), (19,), (21,), (23,)
KILL, DISCONNECT, CANCEL = (
    f"ALTER SYSTEM {verb} '1,2'" for verb in ("KILL SESSION", "DISCONNECT SESSION", "CANCEL SQL")
)
UNKNOWN = POLICIES["option_unknown"].value
TOGETHER = POLICIES["noreplay_immediate"].value


def failure(text: str, version: tuple[int, ...] = V19) -> tuple[int, int]:
    with pytest.raises(OracleError) as caught:
        parse(text, version)
    return caught.value.code, caught.value.position


# ---- the statements that end sessions


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        (KILL, V11, c.KillSession("1,2")),
        (f"{KILL} IMMEDIATE", V11, c.KillSession("1,2", immediate=True)),
        ("alter system kill session '1, 2, @3' immediate", V11, c.KillSession("1, 2, @3", immediate=True)),
        (f"{KILL} NOREPLAY", V12_1, c.KillSession("1,2", noreplay=True)),
        (f"{KILL} FORCE", V12_2, c.KillSession("1,2", force=True)),
        (f"{KILL} FORCE TIMEOUT 0", V12_2, c.KillSession("1,2", force=True, timeout=0)),
        (f"{KILL} TIMEOUT 20", V19, c.KillSession("1,2", timeout=20)),
        (f"{KILL} IMMEDIATE TIMEOUT 5", V19, c.KillSession("1,2", immediate=True, timeout=5)),
        (f"{KILL} IMMEDIATE NOREPLAY", V23, c.KillSession("1,2", immediate=True, noreplay=True)),
        (f"{KILL} FORCE NOREPLAY TIMEOUT 3", V23, c.KillSession("1,2", force=True, noreplay=True, timeout=3)),
        (f"{DISCONNECT} IMMEDIATE", V11, c.DisconnectSession("1,2", immediate=True)),
        (f"{DISCONNECT} POST_TRANSACTION", V11, c.DisconnectSession("1,2", post_transaction=True)),
        (
            f"{DISCONNECT} POST_TRANSACTION IMMEDIATE",
            V19,
            c.DisconnectSession("1,2", post_transaction=True, immediate=True),
        ),
        (
            f"{DISCONNECT} POST_TRANSACTION NOREPLAY",
            V12_1,
            c.DisconnectSession("1,2", post_transaction=True, noreplay=True),
        ),
        (CANCEL, V12_2, c.CancelSql("1,2")),
        ("ALTER SYSTEM CANCEL SQL '1,2,@1,0abcdefghijkm'", V18, c.CancelSql("1,2,@1,0abcdefghijkm")),
    ],
)
def test_ending_a_session(text: str, version: tuple[int, ...], expected: c.Command) -> None:
    assert parse(text, version) == expected


@pytest.mark.parametrize(
    ("text", "version", "code"),
    [
        (f"{KILL} NOREPLAY", V11, UNKNOWN),
        (f"{KILL} FORCE", V12_1, UNKNOWN),
        (f"{KILL} TIMEOUT 5", V12_1, UNKNOWN),
        (CANCEL, V12_1, UNKNOWN),
        (f"{KILL} IMMEDIATE NOREPLAY", V21, TOGETHER),
        (f"{KILL} IMMEDIATE FORCE", V23, 933),
        (f"{KILL} IMMEDIATE IMMEDIATE", V23, 933),
        (f"{KILL} TIMEOUT", V23, 922),
        (f"{KILL} TIMEOUT 1.5", V23, 922),
        (f"{KILL} TIMEOUT -1", V23, 922),
        (f"{KILL} NOW", V19, 933),
        (f"{KILL};", V19, 933),
        ("ALTER SYSTEM KILL SESSION", V19, 26),
        ("ALTER SYSTEM KILL SESSION 1,2", V19, 26),
        ('ALTER SYSTEM KILL SESSION "1,2"', V19, 26),
        ("ALTER SYSTEM KILL '1,2'", V19, 905),
        (DISCONNECT, V19, 2000),
        (f"{DISCONNECT} NOREPLAY", V19, 2000),
        (f"{DISCONNECT} IMMEDIATE POST_TRANSACTION", V19, 933),
        (f"{DISCONNECT} FORCE", V23, 2000),
        (f"{CANCEL} IMMEDIATE", V19, 933),
        ("ALTER SYSTEM", V19, UNKNOWN),
        ("ALTER SYSTEM STOP SESSION '1,2'", V19, UNKNOWN),
        ("ALTER SYSTEM KILL SESSION '1,2", V19, 1756),
    ],
)
def test_what_is_no_statement_that_ends_a_session(text: str, version: tuple[int, ...], code: int) -> None:
    assert failure(text, version)[0] == code


def test_the_policy_decides_what_an_unknown_clause_gets() -> None:
    with pytest.raises(OracleError) as caught:
        parse(f"{KILL} FORCE", V11, {"option_unknown": 922, "kill_malformed": 26})
    assert caught.value.code == 922


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2", c.Target(1, 2)),
        (" 12 , 345 ", c.Target(12, 345)),
        ("1,2,@3", c.Target(1, 2, 3)),
        ("1, 2, @ 3", c.Target(1, 2, 3)),
    ],
)
def test_the_session_that_is_named(text: str, expected: c.Target) -> None:
    assert c.parse_target(text) == expected
    assert c.parse_target(text, sql_id=True) == expected


def test_a_statement_that_is_named() -> None:
    assert c.parse_target("1,2,0abcdefghijkm", sql_id=True) == c.Target(1, 2, None, "0abcdefghijkm")
    assert c.parse_target("1,2,@3, 0abcdefghijkm", sql_id=True) == c.Target(1, 2, 3, "0abcdefghijkm")


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,", ",2", "1,2,3", "1,2,@", "1,2,@x", "1,2,@3,4", "1.5,2", "-1,2", "1 2", "1;2", "٣,2", "1,2,@3,@4"],
)
def test_a_string_that_names_none(text: str) -> None:
    with pytest.raises(OracleError) as caught:
        c.parse_target(text)
    assert caught.value.code == 26


@pytest.mark.parametrize("text", ["1,2,a b", "1,2,'x'", "1,2,@1,abc,def", "1,2,@1,"])
def test_a_string_that_names_no_statement(text: str) -> None:
    with pytest.raises(OracleError) as caught:
        c.parse_target(text, sql_id=True)
    assert caught.value.code == 26


# ---- the rest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COMMIT", c.Commit()),
        ("commit work write wait immediate", c.Commit()),
        ("ROLLBACK", c.Rollback()),
        ("ROLLBACK WORK TO SAVEPOINT s", c.Rollback("S")),
        ("ROLLBACK TO s", c.Rollback("S")),
        ("SAVEPOINT s", c.Savepoint("S")),
        ("SET ROLE ALL", c.Accepted()),
        ("SET TRANSACTION READ ONLY", c.Accepted()),
        ("LOCK TABLE a.t IN EXCLUSIVE MODE NOWAIT", c.LockTable(("A", "T"), 6, True)),
        ("LOCK TABLE t IN ROW EXCLUSIVE MODE", c.LockTable((None, "T"), 3)),
        ("LOCK TABLE t IN SHARE MODE", c.LockTable((None, "T"), 4)),
        ("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE", c.LockTable((None, "T"), 5)),
        ("LOCK TABLE t IN ROW SHARE MODE", c.LockTable((None, "T"), 2)),
        ("ALTER SYSTEM CHECKPOINT", c.Accepted("ALTER SYSTEM")),
        ("ALTER SYSTEM FLUSH SHARED_POOL", c.Accepted("ALTER SYSTEM")),
        ("ALTER SYSTEM ENABLE RESTRICTED SESSION", c.RestrictSession(True)),
        ("ALTER SYSTEM DISABLE RESTRICTED SESSION", c.RestrictSession(False)),
        (
            "ALTER SYSTEM SET max_idle_time = 30 SCOPE = BOTH SID = '*'",
            c.AlterSystemSet({"MAX_IDLE_TIME": "30", "SCOPE": "BOTH", "SID": "*"}),
        ),
        ("ALTER SYSTEM SET pga_aggregate_target = 100M", c.AlterSystemSet({"PGA_AGGREGATE_TARGET": "100M"})),
        (
            "ALTER SESSION SET nls_date_format = 'YYYY' current_schema = app",
            c.AlterSession({"NLS_DATE_FORMAT": "YYYY", "CURRENT_SCHEMA": "APP"}),
        ),
        ("ALTER SESSION SET EVENTS 'x'", c.AlterSession({"EVENTS": "x"})),
        ("ALTER SESSION ENABLE PARALLEL DML", c.AlterSession()),
        ("CREATE ROLE r", c.CreateRole("R")),
        ("DROP ROLE r", c.DropRole("R")),
        ("DROP USER u CASCADE", c.DropUser("U", True)),
        ("ALTER USER u GRANT CONNECT THROUGH p WITH ROLE r", c.AlterUserProxy("U", "P", True)),
        ("ALTER USER u REVOKE CONNECT THROUGH p", c.AlterUserProxy("U", "P", False)),
        ("GRANT CREATE SESSION, r TO u, v", c.Grant(("CREATE SESSION", "R"), None, ("U", "V"))),
        ("GRANT SELECT ON SYS.V_$SESSION TO u", c.Grant(("SELECT",), ("SYS", "V_$SESSION"), ("U",))),
        ("GRANT UPDATE (a, b), READ ON t TO PUBLIC", c.Grant(("UPDATE", "READ"), (None, "T"), ("PUBLIC",))),
        (
            "GRANT ALTER SYSTEM TO u WITH ADMIN OPTION CONTAINER = ALL",
            c.Grant(("ALTER SYSTEM",), None, ("U",), True, "ALL"),
        ),
        ("REVOKE EXECUTE ON a.p FROM u", c.Revoke(("EXECUTE",), ("A", "P"), ("U",))),
        ("TRUNCATE TABLE a.t DROP STORAGE", c.TruncateTable(("A", "T"))),
        ("DROP TABLE t CASCADE CONSTRAINTS PURGE", c.DropObject("TABLE", (None, "T"))),
        ("DROP PROCEDURE a.p", c.DropObject("PROCEDURE", ("A", "P"))),
        ("DROP PUBLIC SYNONYM s", c.DropObject("SYNONYM", (None, "S"), True)),
        ("CREATE PUBLIC SYNONYM s FOR a.p", c.CreateSynonym((None, "S"), ("A", "P"), True)),
        ("ALTER PROCEDURE p COMPILE", c.CompileProgram((None, "P"))),
        ("CREATE UNIQUE INDEX i ON t (a)", c.Accepted()),
        (
            "CREATE OR REPLACE EDITIONABLE PROCEDURE a.p AS BEGIN NULL; END;",
            c.CreateProgram(("A", "P"), "PROCEDURE", "PROCEDURE a.p AS BEGIN NULL; END;", True),
        ),
    ],
)
def test_the_other_statements(text: str, expected: c.Command) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("IDENTIFIED BY secret", c.UserClauses("secret")),
        ("IDENTIFIED BY SeCret", c.UserClauses("SeCret")),
        ('IDENTIFIED BY "a b@c\'d" ACCOUNT LOCK', c.UserClauses("a b@c'd", locked=True)),
        ("IDENTIFIED EXTERNALLY AS 'cn=x'", c.UserClauses("")),
        ("NO AUTHENTICATION", c.UserClauses("")),
        (
            "IDENTIFIED BY x DEFAULT TABLESPACE users TEMPORARY TABLESPACE temp QUOTA 10M ON users PROFILE p"
            " PASSWORD EXPIRE ACCOUNT UNLOCK CONTAINER = CURRENT",
            c.UserClauses("x", False, "P", "CURRENT"),
        ),
    ],
)
def test_the_clauses_of_an_account(clauses: str, expected: c.UserClauses) -> None:
    assert parse(f'CREATE USER "app" {clauses}') == c.CreateUser("app", expected)
    assert parse(f'ALTER USER "app" {clauses}') == c.AlterUser("app", expected)


def test_if_exists_came_with_23() -> None:
    assert parse("DROP USER IF EXISTS u", V23) == c.DropUser("U", if_exists=True)
    assert parse("CREATE ROLE IF NOT EXISTS r", V23) == c.CreateRole("R", True)
    assert failure("DROP USER IF EXISTS u", V21)[0] == 933


def test_a_table() -> None:
    command = parse(
        "CREATE TABLE app.t (id NUMBER(10) PRIMARY KEY, name VARCHAR2(20 CHAR) DEFAULT 'x' NOT NULL, at TIMESTAMP(6) WITH"
        " TIME ZONE, n NUMBER(*,2) DEFAULT NULL, CONSTRAINT u UNIQUE (name, at), CHECK (n > 0)) TABLESPACE users"
    )
    assert command == c.CreateTable(
        ("APP", "T"),
        (
            c.ColumnDefinition("ID", "NUMBER", (10,), nullable=False, primary=True),
            c.ColumnDefinition("NAME", "VARCHAR2", (20,), nullable=False, default="'x'"),
            c.ColumnDefinition("AT", "TIMESTAMP WITH TIME ZONE", (6,)),
            c.ColumnDefinition("N", "NUMBER", (38, 2), default="NULL"),
        ),
        (("NAME", "AT"),),
    )


def test_a_table_from_a_query() -> None:
    command = parse("CREATE TABLE t NOLOGGING AS SELECT level id FROM dual CONNECT BY level <= 10")
    assert command == c.CreateTable((None, "T"), query="SELECT level id FROM dual CONNECT BY level <= 10")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (900, 0)),
        ("  -- nothing", (900, 12)),
        ("FROB x", (900, 0)),
        ("'COMMIT'", (900, 0)),
        ("COMMIT NOW", (933, 7)),
        ("ALTER TABLESPACE x", (940, 6)),
        ("ALTER SESSION FROB", (2248, 14)),
        ("ALTER SESSION SET x", (927, 19)),
        ("CREATE FROB x", (901, 7)),
        ("CREATE TABLE t", (906, 14)),
        ("CREATE TABLE t (a)", (902, 17)),
        ("CREATE TABLE t (a NUMBER(x))", (910, 25)),
        ("CREATE TABLE t (a NUMBER", (907, 24)),
        ("CREATE USER u", (922, 13)),
        ("CREATE USER u IDENTIFIED", (924, 24)),
        ("CREATE USER u IDENTIFIED BY", (988, 27)),
        ("CREATE USER u IDENTIFIED BY x FROB", (922, 30)),
        ("GRANT TO u", (990, 6)),
        ("GRANT SELECT ON t u", (905, 18)),
        ("GRANT DBA TO", (987, 12)),
        ("GRANT DBA TO u WITH FROB", (994, 20)),
        ("LOCK TABLE t IN FROB MODE", (1737, 16)),
        ("DROP FROB x", (950, 5)),
        ("TRUNCATE t", (3290, 9)),
    ],
)
def test_errors_and_where_they_are(text: str, expected: tuple[int, int]) -> None:
    assert failure(text) == expected


_WORDS = st.sampled_from(
    "ALTER SYSTEM SESSION KILL DISCONNECT CANCEL SQL SET IMMEDIATE FORCE TIMEOUT NOREPLAY POST_TRANSACTION CREATE DROP"
    " TABLE USER ROLE GRANT REVOKE ON TO FROM WITH ADMIN OPTION IDENTIFIED BY ( ) , = . * 5 '1,2' \"q\" x PRIMARY KEY"
    " NOT NULL DEFAULT AS SELECT PROCEDURE SYNONYM FOR PUBLIC LOCK IN MODE EXCLUSIVE IF EXISTS ; :b".split()
)


@given(st.lists(_WORDS, max_size=12).map(" ".join), st.sampled_from([V11, V12_1, V19, V23]))
@example("ALTER SYSTEM SET x =", V19)
def test_any_words_give_a_command_or_an_error_of_oracles(text: str, version: tuple[int, ...]) -> None:
    try:
        found: Any = parse(text, version)
    except OracleError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert isinstance(found, c.Command)
