# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""via_procedure: an account without ALTER SYSTEM acts through a procedure with its owner's rights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession
from servers.real_oracle import RealOracle

from .rows import named, the

Server = OracleServer | RealOracle
Run = Callable[..., dict[str, Any]]
User = dict[str, str]

# The smallest one that keeps the contract; what it must not be used for stands in it.
PROCEDURE = """
CREATE OR REPLACE PROCEDURE {owner}.end_session(
    p_inst IN NUMBER, p_sid IN NUMBER, p_serial IN NUMBER, p_mode IN VARCHAR2, p_code OUT NUMBER, p_message OUT VARCHAR2
) AUTHID DEFINER AS
  l_user VARCHAR2(128);
  l_target VARCHAR2(100);
BEGIN
  p_code := 0;
  SELECT MAX(username) INTO l_user FROM sys.v_$session WHERE sid = p_sid AND serial# = p_serial;
  IF l_user IS NULL THEN
    p_code := 30;
    p_message := 'no such session';
    RETURN;
  END IF;
  IF l_user LIKE 'APP%' THEN
    l_target := p_sid || ',' || p_serial;
    IF p_mode LIKE 'CANCEL %' THEN
      EXECUTE IMMEDIATE 'ALTER SYSTEM CANCEL SQL ''' || l_target || ',@' || p_inst || ',' || SUBSTR(p_mode, 8, 13) || '''';
    ELSIF p_mode LIKE 'DISCONNECT %' THEN
      EXECUTE IMMEDIATE 'ALTER SYSTEM DISCONNECT SESSION ''' || l_target || ''' ' || SUBSTR(p_mode, 12);
    ELSE
      EXECUTE IMMEDIATE 'ALTER SYSTEM KILL SESSION ''' || l_target || ',@' || p_inst || ''' ' || SUBSTR(p_mode, 6);
    END IF;
  ELSE
    p_code := 20001;
    p_message := 'only sessions of applications may be ended, not those of ' || l_user;
  END IF;
EXCEPTION
  WHEN OTHERS THEN
    p_code := SQLCODE;
    p_message := SUBSTR(SQLERRM, 1, 400);
END;"""
READS = ("V_$SESSION", "V_$INSTANCE", "V_$DATABASE", "V_$PROCESS", "V_$PX_SESSION", "V_$TRANSACTION")


@pytest.fixture(scope="module")
def wrapped(server: Server, create_user: Callable[..., User]) -> dict[str, str]:
    """The login of an account that may read and execute the procedure, nothing else; the procedure with it."""
    owner = create_user("ALTER SYSTEM", "CREATE PROCEDURE", "SELECT ON sys.v_$session")["user"]
    server.sql(PROCEDURE.format(owner=owner))
    user = create_user(*(f"SELECT ON sys.{view}" for view in READS), f"EXECUTE ON {owner}.end_session")
    return {
        "login_user": user["user"],
        "login_password": user["password"],
        "via_procedure": f"{owner.lower()}.end_session",
    }


def test_kill(server: Server, run_module: Run, db_user: User, wrapped: dict[str, str]) -> None:
    with actors.idle_in_transaction(server, database="wrapped", **db_user) as victim, actors.idle(server) as bystander:
        without = {name: value for name, value in wrapped.items() if name != "via_procedure"}
        refused = run_module("session_kill", {**named(victim), **without})
        assert the(refused)["error"]["code"] == 1031 and victim.alive()
        result = run_module("session_kill", {**named(victim), **wrapped})
        assert the(result)["outcome"] == "ended" and not victim.alive() and bystander.alive()
        assert the(result)["statement"] == (
            f"BEGIN {wrapped['via_procedure'].upper()}(1, {victim.sid}, {victim.serial}, 'KILL IMMEDIATE', :code, :message); END;"
        )
        again = run_module("session_kill", {**named(victim), **wrapped})
        assert the(again)["outcome"] == "gone" and not again["changed"]


def test_what_it_came_down_to(stand_in: OracleServer, run_module: Run, db_user: User, wrapped: dict[str, str]) -> None:
    with actors.idle(stand_in, **db_user) as killed, actors.idle(stand_in, **db_user) as cut:
        run_module("session_kill", {**named(killed), **wrapped})
        result = run_module("session_disconnect", {**named(cut), **wrapped})
        assert the(result)["outcome"] == "ended" and not cut.alive() and not killed.alive()
        assert stand_in.statements() == [
            f"ALTER SYSTEM KILL SESSION '{killed.sid},{killed.serial},@1' IMMEDIATE",
            f"ALTER SYSTEM DISCONNECT SESSION '{cut.sid},{cut.serial}' IMMEDIATE",
        ]


def test_a_busy_one_is_marked(
    stand_in: OracleServer, run_module: Run, db_user: User, wrapped: dict[str, str], answers: Any, logins: Any
) -> None:
    """The number that the procedure hands back is the server's own, with its sign."""
    with actors.sleeping(stand_in, **db_user) as victim:
        stand_in.reset_calls()
        result = run_module("session_kill", {**named(victim), **wrapped})
        victim.wait()
        assert the(result)["outcome"] == "ended" and victim.error_code == 28
        assert [code for _text, code in answers()] == [31] and logins() == 1


def test_cancel(server: Server, run_module: Run, db_user: User, wrapped: dict[str, str]) -> None:
    with actors.sleeping(server, **db_user) as runaway:
        result = run_module("sql_cancel", {**named(runaway), **wrapped})
        assert isinstance(runaway, BusySession)
        runaway.wait()
        assert the(result)["outcome"] == "ended" and runaway.error_code == 1013 and runaway.alive()
        assert ", 'CANCEL " in the(result)["statement"]


def test_the_guards_inside_it_are_told(server: Server, run_module: Run, wrapped: dict[str, str]) -> None:
    with actors.idle(server) as administrator:
        result = run_module("session_kill", {**named(administrator), "allow": ["system_users"], **wrapped})
        row = the(result)
        assert row["outcome"] == "failed" and result["failed"] and administrator.alive()
        assert row["error"]["code"] == 20001 and "only sessions of applications may be ended" in row["reason"]


def test_many_at_once(server: Server, run_module: Run, pool: Any, db_user: User, wrapped: dict[str, str]) -> None:
    victims = pool(60, **db_user)
    options = {"match": {"username": db_user["user"], "idle": 0}, "max_sessions": 60}
    result = run_module("session_kill", {**options, **wrapped})
    assert result["counts"]["ended"] == 60 and not any(victim.alive() for victim in victims)


def test_one_that_may_not_be_executed(server: Server, run_module: Run, db_user: User, wrapped: dict[str, str]) -> None:
    with actors.idle(server, **db_user) as bystander:
        result = run_module("session_kill", {**named(bystander), **wrapped, "via_procedure": "NOBODY.END_SESSION"})
        row = the(result)
        assert row["outcome"] == "failed" and bystander.alive() and row["error"]["code"] == 6550
        assert "NOBODY.END_SESSION" in row["reason"]
        hostile = run_module(
            "session_kill", {**named(bystander), **wrapped, "via_procedure": "a.b(1); DROP TABLE x; --"}
        )
        assert hostile["failed"] and hostile["msg"].startswith("via_procedure: ") and bystander.alive()
