# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sql_cancel on Oracle Database: the statement that was meant ends, its session and its transaction live on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed
from servers.proxy import Proxy
from servers.real_oracle import RealOracle

from .rows import placed, the

Server = OracleServer | RealOracle
Run = Callable[..., dict[str, Any]]
Start = Callable[..., Any]
Busy = Callable[..., BusySession]
User = dict[str, str]

CANCELLED = 1013
OTHER = "0" * 13


def is_act(text: str) -> bool:
    return "ALTER SYSTEM CANCEL SQL" in text


def statement(session: Session, sql_id: str) -> str:
    return f"ALTER SYSTEM CANCEL SQL '{session.sid}, {session.serial}, @{session.inst_id}, {sql_id}'"


def sql_id(session: Session) -> str:
    shown = listed(session)
    assert shown is not None and shown["sql_id"]
    return str(shown["sql_id"])


def test_the_statement_ends_and_the_transaction_goes_on(server: Server, run_module: Run, db_user: User) -> None:
    with (
        actors.idle_in_transaction(server, database="cancel", row=1) as holder,
        actors.waiter(server, database="cancel", row=1, holds=2, **db_user) as runaway,
        actors.sleeping(server) as bystander,
    ):
        table = actors.make_table(server, "cancel", [])
        running = sql_id(runaway)
        result = run_module("sql_cancel", {"match": {"username": db_user["user"], "active": 0}})
        row = the(result)
        assert (row["outcome"], row["verb"], row["statement"]) == ("ended", "cancel", statement(runaway, running))
        assert result["changed"] and not result["failed"]
        runaway.wait()
        assert runaway.error_code == CANCELLED and runaway.alive() and not bystander.done.is_set()
        shown = listed(runaway)
        assert shown is not None and shown["taddr"] is not None, "its transaction is open"
        runaway.commit()
        assert server.sql(f"SELECT v FROM {table} WHERE id = 2") == [(1,)]
        holder.commit()


def test_what_was_sent_and_that_it_was_one_login(
    stand_in: OracleServer, run_module: Run, db_user: User, logins: Callable[[], int]
) -> None:
    with actors.sleeping(stand_in, **db_user) as runaway:
        running = sql_id(runaway)
        stand_in.reset_calls()
        run_module("sql_cancel", placed(runaway))
        assert stand_in.statements() == [statement(runaway, running)] and logins() == 1


def test_only_the_statement_that_was_named(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.sleeping(stand_in, **db_user) as runaway:
        stand_in.reset_calls()
        other = run_module("sql_cancel", {**placed(runaway), "sql_id": OTHER})
        assert the(other)["outcome"] == "unchanged" and not other["changed"] and not other["failed"]
        assert not stand_in.statements() and not runaway.done.is_set()
        same = run_module("sql_cancel", {**placed(runaway), "sql_id": sql_id(runaway)})
        runaway.wait()
        assert the(same)["outcome"] == "ended" and runaway.error_code == CANCELLED


def test_what_is_no_sql_id(stand_in: OracleServer, run_module: Run) -> None:
    for wrong in ("DROP TABLE x;", OTHER.upper() + "'", "0" * 12):
        result = run_module("sql_cancel", {"sid": 1, "serial": 1, "sql_id": wrong})
        assert result["failed"] and result["msg"].startswith("sql_id: ") and "13 characters" in result["msg"]
    assert not stand_in.calls()


def test_an_idle_session_is_left_alone_and_its_next_statement_too(
    stand_in: OracleServer, run_module: Run, db_user: User
) -> None:
    """Without a sql_id, the server would cancel the next statement that it runs."""
    with actors.idle_in_transaction(stand_in, database="idle_cancel", **db_user) as session:
        stand_in.reset_calls()
        result = run_module("sql_cancel", placed(session))
        assert the(result)["outcome"] == "unchanged" and not result["changed"] and not result["failed"]
        assert not stand_in.statements()
        session.commit()
        assert session.alive()


def test_the_next_statement_is_not_cancelled_in_its_stead(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User
) -> None:
    """The same text again: the same sql_id, another execution."""
    with (
        actors.idle_in_transaction(server, database="next", row=1) as first,
        actors.waiter(server, database="next", row=1, **db_user) as session,
    ):
        with proxy.hold(is_act) as hold:
            module = start_module("sql_cancel", {**placed(session), **through})
            hold.wait()
            first.commit()
            session.wait()
            assert session.error is None
            with actors.idle_in_transaction(server, database="next", row=1) as second:
                again = BusySession(server, session.connection, session.statement)
                wait_until(
                    lambda: (shown := listed(again)) and shown["blocking_session"] == second.sid, what="the second wait"
                )
                hold.release()
                result = module.result()
                assert not again.done.is_set(), "the statement that nobody matched lives"
                second.commit()
                again.wait()
                assert again.error is None
    assert the(result)["outcome"] == "unchanged" and not result["changed"]


def test_idle_by_the_time_of_its_turn(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User
) -> None:
    with (
        actors.idle_in_transaction(server, database="over", row=1) as holder,
        actors.waiter(server, database="over", row=1, **db_user) as session,
        proxy.hold(is_act) as hold,
    ):
        module = start_module("sql_cancel", {**placed(session), **through})
        hold.wait()
        holder.commit()
        session.wait()
        hold.release()
        result = module.result()
        assert session.error is None and session.alive()
    assert the(result)["outcome"] == "unchanged"


def test_a_sleep_in_a_block_ends_first(stand_in: OracleServer, run_module: Run, db_user: User, running: Busy) -> None:
    sleeper = running("BEGIN DBMS_SESSION.SLEEP(2); END;", **db_user)
    result = run_module("sql_cancel", {**placed(sleeper), "wait_timeout": 0.3})
    assert the(result)["outcome"] == "pending" and result["failed"] and not sleeper.done.is_set()
    assert "the statement still runs" in the(result)["reason"]
    sleeper.wait()
    assert sleeper.error_code == CANCELLED and sleeper.alive()


def test_parallel_servers_go_with_it(stand_in: OracleServer, run_module: Run, db_user: User, running: Busy) -> None:
    coordinator = running("BEGIN STANDIN.PARALLEL(2, 60); END;", **db_user)
    servers = "SELECT COUNT(*) FROM v$px_session WHERE qcsid = :1 AND qcserial# IS NOT NULL"
    wait_until(lambda: stand_in.sql(servers, (coordinator.sid,)) == [(2,)], what="the parallel servers")
    result = run_module("sql_cancel", placed(coordinator))
    coordinator.wait()
    assert the(result)["outcome"] == "ended" and coordinator.error_code == CANCELLED and coordinator.alive()
    wait_until(lambda: stand_in.sql(servers, (coordinator.sid,)) == [(0,)], what="the parallel servers to end")


def test_check_mode(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.sleeping(stand_in, **db_user) as runaway:
        stand_in.reset_calls()
        result = run_module("sql_cancel", {"match": {"username": db_user["user"], "active": 0}}, check=True)
        assert the(result)["outcome"] == "planned" and result["changed"]
        assert the(result)["statement"] == statement(runaway, sql_id(runaway))
        assert not stand_in.statements() and not runaway.done.is_set()
