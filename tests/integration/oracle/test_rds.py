# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon RDS: nobody has ALTER SYSTEM there; the dialect is recognised and goes through rdsadmin_util."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

from .rows import named, the

STAND_IN = {"rds": True}

Run = Callable[..., dict[str, Any]]
Busy = Callable[..., BusySession]
User = dict[str, str]


def call(function: str, session: Session, last: str) -> str:
    return f"BEGIN rdsadmin.rdsadmin_util.{function}(sid => {session.sid}, serial => {session.serial}, {last}); END;"


@pytest.mark.parametrize("dialect", ["oracle", "oracle_rds"])
def test_it_is_recognised(stand_in: OracleServer, run_module: Run, db_user: User, dialect: str) -> None:
    with actors.idle(stand_in, **db_user) as victim, actors.idle(stand_in, **db_user) as bystander:
        result = run_module("session_kill", {**named(victim), "dialect": dialect})
        assert result["database"]["dialect"] == "oracle_rds"
        assert the(result)["outcome"] == "ended" and not victim.alive() and bystander.alive()
        assert the(result)["statement"] == call("kill", victim, "method => 'IMMEDIATE'")
        assert len(stand_in.statements()) == 1
        again = run_module("session_kill", {**named(victim), "dialect": dialect})
        assert the(again)["outcome"] == "gone" and not again["changed"]


def test_a_busy_one_is_marked(
    stand_in: OracleServer, run_module: Run, db_user: User, answers: Any, logins: Any
) -> None:
    with actors.sleeping(stand_in, **db_user) as victim:
        stand_in.reset_calls()
        result = run_module("session_kill", named(victim))
        victim.wait()
        assert the(result)["outcome"] == "ended" and victim.error_code == 28
        assert [code for _text, code in answers()] == [31] and logins() == 1


def test_force_ends_the_process(stand_in: OracleServer, run_module: Run, db_user: User, running: Busy) -> None:
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    pending = run_module("session_kill", {**named(victim), "wait_timeout": 0.3, "on_pending": "ok"})
    assert the(pending)["outcome"] == "pending"
    result = run_module("session_kill", {**named(victim), "force": True, "allow": ["killed"]})
    victim.wait()
    assert the(result)["outcome"] == "ended" and not victim.alive()
    assert the(result)["statement"] == call("kill", victim, "method => 'PROCESS'")


def test_plain(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle(stand_in, **db_user) as victim:
        result = run_module("session_kill", {**named(victim), "immediate": False, "wait_timeout": 0.3})
        assert the(result)["statement"] == call("kill", victim, "method => NULL")
        assert the(result)["outcome"] == "pending" and not victim.alive()


def test_disconnect(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle(stand_in, **db_user) as idle,
        actors.idle_in_transaction(stand_in, database="rds", **db_user) as working,
    ):
        result = run_module("session_disconnect", named(idle))
        assert the(result)["statement"] == call("disconnect", idle, "method => 'IMMEDIATE'")
        assert the(result)["outcome"] == "ended" and not idle.alive()
        later = run_module("session_disconnect", {**named(working), "post_transaction": True, "wait_timeout": 0.3})
        assert the(later)["statement"] == call("disconnect", working, "method => 'POST_TRANSACTION'")
        assert the(later)["outcome"] == "pending" and not later["failed"] and working.alive()
        working.commit()
        assert not working.alive()


def test_cancel(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.sleeping(stand_in, **db_user) as runaway:
        result = run_module("sql_cancel", named(runaway))
        runaway.wait()
        assert the(result)["outcome"] == "ended" and runaway.error_code == 1013 and runaway.alive()
        assert the(result)["statement"].startswith(
            f"BEGIN rdsadmin.rdsadmin_util.cancel(sid => {runaway.sid}, serial => {runaway.serial}, sql_id => '"
        )


@pytest.mark.parametrize(
    ("module", "options", "option"),
    [
        ("session_kill", {"noreplay": True}, "noreplay"),
        ("session_kill", {"server_timeout": 3}, "server_timeout"),
        ("session_disconnect", {"noreplay": True}, "noreplay"),
    ],
)
def test_what_it_does_not_have(
    stand_in: OracleServer, run_module: Run, db_user: User, module: str, options: dict[str, Any], option: str
) -> None:
    with actors.idle(stand_in, **db_user) as bystander:
        result = run_module(module, {**named(bystander), **options})
        assert result["failed"] and result["msg"].startswith(f"{option}: rdsadmin_util.") and bystander.alive()
        assert not stand_in.statements()


def test_its_own_user_is_not_a_customers(stand_in: OracleServer, run_module: Run) -> None:
    """Other sessions of the master user may be ended: it is not one of the database's own."""
    with actors.idle(stand_in) as session:
        (row,) = run_module("session_info", named(session))["sessions"]
        assert row["username"] == "ADMIN" and row["protected_by"] is None
