# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, transactions and variables: what a session sees of its own and of others' work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pymysql
import pytest
from integration.oceanbase_server.life import Account, Client, fate, value_of

from servers import oceanbase_actors as actors
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import OK


def test_a_change_is_seen_by_others_once_it_is_committed(client: Callable[..., Client]) -> None:
    one, other = client(), client()
    one.rows("CREATE TABLE seen (id NUMBER(10) PRIMARY KEY, name VARCHAR2(10))")
    one.rows("INSERT INTO seen VALUES (1, 'a')")
    one.rows("BEGIN")
    one.rows("INSERT INTO seen (id) VALUES (2)")
    one.rows("UPDATE seen SET name = 'b', id = 10 WHERE id = 1")
    assert one.rows("SELECT * FROM seen ORDER BY id") == [{"ID": 2, "NAME": None}, {"ID": 10, "NAME": "b"}]
    assert other.rows("SELECT * FROM seen") == [{"ID": 1, "NAME": "a"}]
    one.rows("DELETE FROM seen WHERE id = 10")
    assert other.values("SELECT id FROM seen") == [1]
    one.rows("ROLLBACK")
    assert one.values("SELECT id FROM seen") == other.values("SELECT id FROM seen") == [1]
    one.rows("BEGIN")
    one.rows("DELETE FROM seen")
    one.rows("COMMIT")
    assert other.values("SELECT COUNT(*) FROM seen") == [0]


def test_a_statement_that_fails_has_changed_nothing(client: Callable[..., Client]) -> None:
    one = client()
    one.rows("CREATE TABLE whole (id NUMBER(10) PRIMARY KEY)")
    one.rows("INSERT INTO whole VALUES (1)")
    one.rows("BEGIN")
    one.rows("INSERT INTO whole VALUES (3)")
    assert one.code("INSERT INTO whole SELECT id - 1 FROM whole") == OK
    assert one.code("UPDATE whole SET id = 7") == 1
    assert one.values("SELECT id FROM whole ORDER BY id") == [0, 1, 2, 3]
    one.rows("COMMIT")
    assert one.code("INSERT INTO whole VALUES (NULL)") == 1400
    assert one.values("SELECT COUNT(*) FROM whole") == [4]


def test_savepoints(client: Callable[..., Client]) -> None:
    one = client(autocommit=False)
    one.rows("CREATE TABLE points (id NUMBER(10))")
    one.rows("INSERT INTO points VALUES (1)")
    one.rows("SAVEPOINT a")
    one.rows("INSERT INTO points VALUES (2)")
    assert one.code("ROLLBACK TO b") == 1086
    one.rows("ROLLBACK TO SAVEPOINT a")
    one.rows("COMMIT")
    assert client().values("SELECT id FROM points") == [1]


def test_without_autocommit_a_change_waits_for_its_commit(client: Callable[..., Client]) -> None:
    one, other = client(autocommit=False), client()
    one.rows("CREATE TABLE later (id NUMBER(10))")
    one.rows("INSERT INTO later VALUES (1)")
    assert other.values("SELECT COUNT(*) FROM later") == [0]
    kind = "SELECT STATE FROM SYS.GV$OB_TRANSACTION_SCHEDULERS WHERE SESSION_ID = SYS_CONTEXT('USERENV', 'SID')"
    assert one.value(kind) == "IMPLICIT_ACTIVE"
    one.rows("SET AUTOCOMMIT = 1")
    assert other.values("SELECT COUNT(*) FROM later") == [1] and one.values(kind) == []
    one.rows("START TRANSACTION")
    assert one.value(kind) == "EXPLICIT_ACTIVE"
    one.rows("CREATE TABLE later2 (id NUMBER(10))")
    assert one.values(kind) == [], "a definition commits"


def test_rows_are_locked_for_an_update_to_come(
    client: Callable[..., Client], server: OceanBaseServer, stack: ExitStack
) -> None:
    actors.make_table(server, "forupdate", [1, 2])
    one = client()
    one.rows("BEGIN")
    assert one.rows("SELECT v FROM SYS.forupdate_t WHERE id = 1 FOR UPDATE") == [{"V": 0}]
    blocked = stack.enter_context(actors.waiter(server, database="forupdate"))
    free = stack.enter_context(actors.idle_in_transaction(server, row=2, database="forupdate"))
    one.rows("COMMIT")
    assert fate(blocked) == OK and free.alive() and value_of(server, "forupdate") == 1


def test_a_lost_client_frees_its_locks(server: OceanBaseServer, stack: ExitStack) -> None:
    holder = stack.enter_context(actors.idle_in_transaction(server, database="lost"))
    lost = stack.enter_context(actors.waiter(server, database="lost", holds=2))
    behind = stack.enter_context(actors.waiter(server, row=2, database="lost"))
    lost.connection._sock.shutdown(2)
    assert fate(behind) == OK
    holder.close()
    assert fate(stack.enter_context(actors.idle_in_transaction(server, database="lost"))) == OK


def test_tables_of_others(client: Callable[..., Client], account: Callable[..., Account]) -> None:
    owner, reader = account("CREATE TABLE"), account()
    one, other = client(**owner), client(**reader)
    one.rows("CREATE TABLE mine (id NUMBER(10))")
    one.rows("INSERT INTO mine VALUES (1)")
    name = f"{owner['user']}.mine"
    assert other.code(f"SELECT * FROM {name}") == 942
    one.rows(f"GRANT SELECT ON mine TO {reader['user']}")
    assert other.values(f"SELECT id FROM {name}") == [1] and other.code(f"DELETE FROM {name}") == 1031
    assert other.code("CREATE TABLE hers (id NUMBER(10))") == 1031 and other.code(f"DROP TABLE {name}") == 1031
    other.rows(f"ALTER SESSION SET CURRENT_SCHEMA = {owner['user']}")
    assert other.values("SELECT id FROM mine") == [1]
    assert client().values(f"SELECT id FROM {name}") == [1]
    one.rows("DROP TABLE mine")
    assert one.code("SELECT * FROM mine") == 942


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("CREATE TABLE app_t (id NUMBER(10))", 955),
        ("DROP TABLE nosuch", 942),
        ("ALTER SESSION SET CURRENT_SCHEMA = nosuch", 1435),
        ("SET nosuch = 1", -5044),
        ("SET GLOBAL version = 1", -5044),
        ("CALL nosuch(1)", 6550),
        ("CALL DBMS_LOCK.SLEEP()", 6550),
        ("CALL DBMS_LOCK.SLEEP('x')", 6502),
        ("CALL DBMS_APPLICATION_INFO.SET_MODULE(MODULE_NAME => 'x', NOSUCH => 'y')", 6550),
        ("SELECT nosuch FROM DUAL", 904),
        ("SELECT * FROM V$SESSION", 942),
        ("SELECT 1 FROM DUAL WHERE 1 = 'x'", 1722),
        ("SELECT 1", 900),
        ("DELETE FROM GV$OB_PROCESSLIST", 1031),
        ("DELETE FROM DUAL", 1031),
        ("ALTER SYSTEM SET x = 1", 900),
    ],
)
def test_what_fails(server: OceanBaseServer, client: Callable[..., Client], statement: str, number: int) -> None:
    actors.make_table(server, "app", [])
    one = client()
    assert one.code(statement) == number
    assert one.text(statement).startswith("OBE-"), "in the words of this server"


def test_a_table_in_use_cannot_be_dropped(
    server: OceanBaseServer, stack: ExitStack, client: Callable[..., Client]
) -> None:
    stack.enter_context(actors.idle_in_transaction(server, database="inuse"))
    assert client().code("DROP TABLE SYS.inuse_t") == 54


def test_variables_of_a_session_and_of_all(client: Callable[..., Client], account: Callable[..., Account]) -> None:
    one, other = client(), client(**account())
    query = "SHOW VARIABLES LIKE 'time_zone'"
    one.rows("ALTER SESSION SET TIME_ZONE = '+02:00'")
    assert one.rows(query) == [{"VARIABLE_NAME": "time_zone", "VALUE": "+02:00"}]
    assert other.rows(query)[0]["VALUE"] == client().rows(query)[0]["VALUE"] == "+00:00"
    assert other.code("SET GLOBAL ob_trx_timeout = 5") == 1031
    one.rows("SET GLOBAL ob_trx_timeout = 5")
    asked = "SHOW {} VARIABLES LIKE 'ob_trx_timeout'"
    assert client().rows(asked.format("SESSION"))[0]["VALUE"] == "5" == other.rows(asked.format("GLOBAL"))[0]["VALUE"]
    assert other.rows(asked.format(""))[0]["VALUE"] == "86400000000", "it was there before"


def test_results_have_the_types_of_oracle_mode(client: Callable[..., Client]) -> None:
    one = client()
    with one.connection.cursor() as cursor:
        cursor.execute("SELECT 1.5 AS n, 'x' AS s, SYSDATE AS d, SYSTIMESTAMP AS t, '' AS e FROM DUAL")
        (row,) = cursor.fetchall()
        assert [column[0] for column in cursor.description] == ["N", "S", "D", "T", "E"]
    assert str(row[0]) == "1.5" and (row[1], row[4]) == ("x", None)
    assert row[2].year > 2000 and row[3].endswith(" +00:00"), "a moment is a text in the format of the session"
    assert one.value("SELECT TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD HH24:MI:SS.FF6') FROM DUAL")[4] == "-"


def test_a_statement_says_how_many_rows_it_changed(server: OceanBaseServer, client: Callable[..., Client]) -> None:
    actors.make_table(server, "counted", [1, 2, 3])
    with client().connection.cursor() as cursor:
        assert cursor.execute("UPDATE SYS.counted_t SET v = 1 WHERE id < 3") == 2
        assert cursor.execute("DELETE FROM SYS.counted_t") == 3


def test_several_statements_in_one_go_are_none(client: Callable[..., Client]) -> None:
    one = client(client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS | 1 << 27)
    assert one.code("SELECT 1 FROM DUAL; SELECT 2 FROM DUAL") == 900
    assert one.value("SELECT 1 FROM DUAL;") == 1
