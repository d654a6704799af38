# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statement the stand-in takes a text for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.oceanbase.errors import ServerError
from servers.oceanbase.grammar import (
    Begin,
    Block,
    Call,
    Change,
    ExecuteImmediate,
    Kill,
    KillSession,
    Query,
    SetNames,
    SetVariables,
    ShowProcesslist,
    ShowVariables,
    Statement,
    parse,
)
from servers.oracle import commands

SLEEP = Call(("DBMS_LOCK", "SLEEP"), (5,))


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT 1 FROM DUAL", Query("SELECT 1 FROM DUAL")),
        ("  select 1 from dual ;", Query("  select 1 from dual ")),
        ("/* why */ select ';' from dual", Query("/* why */ select ';' from dual")),
        ("update t set v = 1;", Change("update t set v = 1")),
        ("KILL 5", Kill("5")),
        ("kill connection 5;", Kill("5")),
        ("KILL QUERY 3221487726", Kill("3221487726", query=True)),
        ("kill -1", Kill("-1")),
        ("kill '12abc'", Kill("'12abc'")),
        ("kill query 2 + 3", Kill("2 + 3", query=True)),
        ("ALTER SYSTEM KILL SESSION '3221487726'", KillSession("3221487726")),
        ("alter  system kill\nsession '15, 1' immediate;", KillSession("15, 1")),
        ("BEGIN", Begin()),
        ("begin;", Begin()),
        ("begin work;", Begin()),
        ("START TRANSACTION", Begin()),
        ("SET NAMES utf8mb4", SetNames()),
        ("SET AUTOCOMMIT = 1", SetVariables((("autocommit", "1"),))),
        ("set session ob_query_timeout=5, time_zone = '+02:00'",
         SetVariables((("ob_query_timeout", "5"), ("time_zone", "+02:00")))),
        ("SET @@ob_trx_lock_timeout := -1", SetVariables((("ob_trx_lock_timeout", "-1"),))),
        ("SET GLOBAL ob_query_timeout = 7", SetVariables((("ob_query_timeout", "7"),), everywhere=True)),
        ("SHOW PROCESSLIST", ShowProcesslist()),
        ("show full processlist", ShowProcesslist(full=True)),
        ("SHOW VARIABLES", ShowVariables()),
        ("SHOW SESSION VARIABLES LIKE 'ob_compat%'", ShowVariables("ob_compat%")),
        ("SHOW GLOBAL VARIABLES LIKE 'x'", ShowVariables("x", everywhere=True)),
        ("CALL DBMS_LOCK.SLEEP(5)", SLEEP),
        ("call sys.dbms_lock.sleep(5);", SLEEP),
        ("CALL p", Call(("P",))),
        ("CALL p()", Call(("P",))),
        ("CALL p('it''s', NULL, -1.5, '')", Call(("P",), ("it's", None, -1.5, None))),
        ("CALL p(1, action_name => 'x')", Call(("P",), (1,), (("ACTION_NAME", "x"),))),
        ("BEGIN DBMS_LOCK.SLEEP(5); END;", Block((SLEEP,))),
        ("begin p; NULL; p(2); end", Block((Call(("P",)), Call(("P",), (2,))))),
        ("BEGIN EXECUTE IMMEDIATE 'KILL 5'; END;", Block((ExecuteImmediate("KILL 5"),))),
        ("COMMIT", commands.Commit()),
        ("rollback;", commands.Rollback()),
        ("ALTER SESSION SET TIME_ZONE = '+00:00'", commands.AlterSession({"TIME_ZONE": "+00:00"})),
        ("GRANT ALTER SYSTEM TO kill_user", commands.Grant(("ALTER SYSTEM",), None, ("KILL_USER",))),
        ("GRANT SELECT ON SYS.GV$OB_PROCESSLIST TO a",
         commands.Grant(("SELECT",), ("SYS", "GV$OB_PROCESSLIST"), ("A",))),
    ],
)  # fmt: skip
def test_statements(text: str, statement: Statement) -> None:
    assert parse(text) == statement


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("", ""),
        (";", ";"),
        ("foo", "foo"),
        ("SELECT 1 FROM DUAL; SELECT 2 FROM DUAL", "; SELECT 2 FROM DUAL"),
        ("KILL 5; KILL 6", "; KILL 6"),
        ("SELECT 1 FROM DUAL;;", ";"),
        ("KILL", ""),
        ("KILL QUERY", ""),
        ("ALTER SYSTEM KILL SESSION 5", "5"),
        ("ALTER SYSTEM KILL SESSION '5' FORCE", "FORCE"),
        ("ALTER SYSTEM KILL SESSION '5' IMMEDIATE NOREPLAY", "NOREPLAY"),
        ("ALTER SYSTEM DISCONNECT SESSION '5'", "SYSTEM DISCONNECT SESSION '5'"),
        ("ALTER SYSTEM CANCEL SQL '5'", "SYSTEM CANCEL SQL '5'"),
        ("ALTER SYSTEM SET x = 1", "SYSTEM SET x = 1"),
        ("SET x", ""),
        ("SHOW TABLES", "TABLES"),
        ("SHOW STATUS LIKE 'Uptime'", "STATUS LIKE 'Uptime'"),
        ("CALL p(1", ""),
        ("CALL p(x)", "x)"),
        ("BEGIN p; END; BEGIN p; END;", "BEGIN p; END;"),
        ("BEGIN p", ""),
        ("SELECT `a` FROM DUAL", "`a` FROM DUAL"),
        ("SELECT 'a FROM DUAL", "'a FROM DUAL"),
        ("DESCRIBE t", "DESCRIBE t"),
    ],
)
def test_what_is_none(text: str, near: str) -> None:
    with pytest.raises(ServerError) as caught:
        parse(text)
    assert caught.value.number == 900 and f" near '{near}' at line 1" in caught.value.message


WORDS = st.sampled_from(
    """KILL QUERY CONNECTION ALTER SYSTEM SESSION '5' 5 IMMEDIATE ; , ( ) . := = => BEGIN END NULL CALL p EXECUTE SET GLOBAL
    NAMES SHOW FULL PROCESSLIST VARIABLES LIKE SELECT FROM DUAL GRANT TO ON CREATE USER IDENTIFIED BY DROP TABLE @ - ` 'x""".split()
)


@given(st.lists(WORDS, max_size=9))
def test_any_text_is_a_statement_or_an_error_of_the_server(words: list[str]) -> None:
    try:
        parse(" ".join(words))
    except ServerError as error:
        assert error.number > 0 and error.message
