# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""session_disconnect on Oracle Database: at once, after the transaction, and on another instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import oracledb
import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed
from servers.proxy import Proxy

from .rows import placed, the

STAND_IN = {"instances": 2}

Run = Callable[..., dict[str, Any]]
Busy = Callable[..., BusySession]
User = dict[str, str]

OURS = "SELECT inst_id FROM gv$session WHERE program = 'dbops.oracle_sessions' ORDER BY inst_id"


def statement(session: Session, how: str = "IMMEDIATE") -> str:
    return f"ALTER SYSTEM DISCONNECT SESSION '{session.sid},{session.serial}' {how}"


def where_from(stand_in: OracleServer) -> set[int]:
    """The instances on which sessions of ours have sent a block."""
    return {call.inst_id for call in stand_in.calls() if "DECLARE" in (call.text or "")}


def test_at_once(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle_in_transaction(stand_in, database="cut_off", **db_user) as victim,
        actors.idle(stand_in, **db_user) as bystander,
    ):
        table = actors.make_table(stand_in, "cut_off", [])
        stand_in.reset_calls()
        result = run_module("session_disconnect", placed(victim))
        row = the(result)
        assert (row["outcome"], row["verb"], row["statement"]) == ("ended", "disconnect", statement(victim))
        assert stand_in.statements() == [statement(victim)] and result["changed"] and not result["failed"]
        with pytest.raises(oracledb.DatabaseError) as lost:
            victim.execute("SELECT 1 FROM dual")
        assert lost.value.args[0].full_code == "DPY-4011" and lost.value.args[0].code != 28
        assert listed(victim) is None
        assert bystander.execute(f"SELECT v FROM {table} WHERE id = 1 FOR UPDATE NOWAIT") == [(0,)]
        again = run_module("session_disconnect", placed(victim))
        assert the(again)["outcome"] == "gone" and not again["changed"]


def test_a_session_that_a_kill_cannot_end(
    stand_in: OracleServer, run_module: Run, db_user: User, running: Busy
) -> None:
    """Its server process, which is in a call that hears of nothing, is ended."""
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    killed = run_module("session_kill", {**placed(victim), "wait_timeout": 0, "on_pending": "ok"})
    assert the(killed)["outcome"] == "pending"
    stand_in.reset_calls()
    result = run_module("session_disconnect", {**placed(victim), "allow": ["killed"], "wait_timeout": 5})
    assert the(result)["outcome"] == "ended" and stand_in.statements() == [statement(victim)]
    victim.wait()
    assert not victim.alive()


def test_where_a_disconnect_cannot_end_it_either(
    stand_in: OracleServer, run_module: Run, db_user: User, running: Busy, policy: Any
) -> None:
    """The documentation gives it the effect of a kill; what it is called on the server decides nothing."""
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    with policy(disconnect_busy=31):
        result = run_module("session_disconnect", {**placed(victim), "wait_timeout": 0.5})
    assert the(result)["outcome"] == "pending" and result["failed"] and stand_in.statements() == [statement(victim)]


def test_busy(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.sleeping(stand_in, **db_user) as victim, actors.sleeping(stand_in) as bystander:
        result = run_module("session_disconnect", {"match": {"username": db_user["user"], "active": 0}})
        victim.wait()
        assert the(result)["outcome"] == "ended" and not victim.alive() and not bystander.done.is_set()


def test_after_the_transaction(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle_in_transaction(stand_in, database="after", **db_user) as victim:
        table = actors.make_table(stand_in, "after", [])
        stand_in.reset_calls()
        options = {**placed(victim), "post_transaction": True, "wait_timeout": 0.5}
        foretold = run_module("session_disconnect", options, check=True)
        assert the(foretold)["outcome"] == "planned" and not stand_in.statements()
        result = run_module("session_disconnect", options)
        row = the(result)
        assert (row["outcome"], row["statement"]) == ("pending", statement(victim, "POST_TRANSACTION"))
        assert row["reason"] == "marked; it will be disconnected when its transaction ends"
        assert result["changed"] and not result["failed"] and not result["warnings"]
        assert stand_in.statements() == [row["statement"]]
        victim.execute(f"UPDATE {table} SET v = 42 WHERE id = 1")
        victim.commit()
        wait_until(lambda: listed(victim) is None, what="the session to go")
        assert not victim.alive()
        assert stand_in.sql(f"SELECT v FROM {table} WHERE id = 1") == [(42,)], "its transaction was committed"
        again = run_module("session_disconnect", options)
        assert the(again)["outcome"] == "gone" and not again["changed"]


def test_after_the_transaction_can_be_made_to_matter(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle_in_transaction(stand_in, database="matter", **db_user) as victim:
        options = {**placed(victim), "post_transaction": True, "wait_timeout": 0}
        failed = run_module("session_disconnect", {**options, "on_pending": "fail"})
        assert failed["failed"] and the(failed)["outcome"] == "pending" and victim.alive()


def test_after_the_transaction_while_it_is_waited_for(
    stand_in: OracleServer, start_module: Callable[..., Any], db_user: User
) -> None:
    with actors.idle_in_transaction(stand_in, database="waited", **db_user) as victim:
        stand_in.reset_calls()
        module = start_module("session_disconnect", {**placed(victim), "post_transaction": True})
        wait_until(stand_in.statements, what="the statement")
        victim.commit()
        assert the(module.result())["outcome"] == "ended"


def test_after_the_transaction_or_at_once_without_one(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle_in_transaction(stand_in, database="both", **db_user) as working,
        actors.idle(stand_in, **db_user) as idle,
    ):
        options = {"match": {"username": db_user["user"]}, "post_transaction": True, "immediate": True}
        result = run_module("session_disconnect", {**options, "wait_timeout": 0.5})
        found = {row["sid"]: row["outcome"] for row in result["sessions"]}
        assert found == {working.sid: "pending", idle.sid: "ended"}
        assert working.alive() and not idle.alive()
        assert all(text.endswith(" POST_TRANSACTION IMMEDIATE") for text in stand_in.statements())


def test_neither_is_refused(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle(stand_in, **db_user) as bystander:
        result = run_module("session_disconnect", {**placed(bystander), "immediate": False})
        assert result["failed"] and result["msg"].startswith("immediate: a disconnect is either immediate or ")
        result = run_module("session_disconnect", {**placed(bystander), "noreplay": True, "immediate": True})
        assert result["failed"] and result["msg"].startswith("noreplay: it stands in the place of IMMEDIATE; ")
        assert bystander.alive() and not stand_in.statements()


# --- another instance


def test_on_its_own_instance(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    """There may be one with the same sid and serial# on ours, which the statement would hit."""
    with (
        actors.idle(stand_in, instance=2, **db_user) as far,
        actors.idle(stand_in, instance=1, **db_user) as near,
        actors.idle(stand_in, instance=1) as bystander,
    ):
        stand_in.reset_calls()
        result = run_module("session_disconnect", placed(far))
        assert the(result)["outcome"] == "ended" and the(result)["inst_id"] == 2
        assert where_from(stand_in) == {2} and stand_in.statements() == [statement(far)]
        assert not far.alive() and near.alive() and bystander.alive()
        assert not stand_in.sql(OURS), "both our sessions are gone"


def test_on_both_instances(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle(stand_in, instance=1, **db_user) as near,
        actors.idle(stand_in, instance=2, **db_user) as far,
        actors.idle(stand_in, instance=2, **db_user) as further,
    ):
        stand_in.reset_calls()
        result = run_module("session_disconnect", {"match": {"username": db_user["user"]}})
        assert result["counts"]["ended"] == 3
        assert not any(session.alive() for session in (near, far, further))
        assert where_from(stand_in) == {1, 2}
        assert sum(call.kind == "connect" for call in stand_in.calls()) == 2


@pytest.mark.parametrize("check", [True, False], ids=["check mode", "for real"])
def test_an_instance_that_is_out_of_reach(
    stand_in: OracleServer, run_module: Run, db_user: User, proxy: Proxy, check: bool
) -> None:
    """The connect string does not lead there: it names the instance, or a listener that knows no other one."""
    host, port = stand_in.host, stand_in.ports[1]
    fixed = (
        f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))"
        f"(CONNECT_DATA=(SID={stand_in.options.instance_name(1)})))"
    )
    with (
        actors.idle(stand_in, instance=1, **db_user) as near,
        actors.idle(stand_in, instance=2, **db_user) as far,
    ):
        stand_in.reset_calls()
        options = {"match": {"username": db_user["user"]}, "login_dsn": fixed}
        result = run_module("session_disconnect", options, check=check)
        rows = {row["inst_id"]: row for row in result["sessions"]}
        assert rows[2]["outcome"] == "refused" and rows[1]["outcome"] == ("planned" if check else "ended")
        assert "a disconnect must be sent on the session's own instance" in rows[2]["reason"]
        assert "2" in rows[2]["reason"] and rows[2]["reason"].startswith("login_dsn: it ")
        assert rows[2]["statement"] is None and not result["failed"]
        assert far.alive() and near.alive() == check
        assert stand_in.statements() == ([] if check else [statement(near)])
        by_name = run_module("session_disconnect", {**placed(far), "login_dsn": fixed}, check=check)
        assert by_name["failed"] and the(by_name)["outcome"] == "refused" and far.alive()


@pytest.mark.parametrize("check", [True, False], ids=["check mode", "for real"])
def test_a_login_that_ends_up_elsewhere(stand_in: OracleServer, run_module: Run, db_user: User, check: bool) -> None:
    """The listener takes us to another instance than the one we asked for: there, the statement could hit anybody."""

    def call_the_second(name: str) -> None:
        with stand_in.memory() as connection:
            sga.update(connection, tables.Instance, {"name": name}, inst_id=2)

    with actors.idle(stand_in, instance=2, **db_user) as far, actors.idle(stand_in, instance=1, **db_user) as near:
        call_the_second(stand_in.options.instance_name(1))
        try:
            stand_in.reset_calls()
            result = run_module("session_disconnect", placed(far), check=check)
        finally:
            call_the_second(stand_in.options.instance_name(2))
        assert the(result)["outcome"] == "refused" and result["failed"]
        assert the(result)["reason"].startswith("login_dsn: it leads to instance 1 only, not to 2, ")
        assert far.alive() and near.alive() and not stand_in.statements()


def test_an_instance_that_dies_before_its_turn(
    stand_in: OracleServer, start_module: Callable[..., Any], db_user: User, proxy: Proxy, through: dict[str, str]
) -> None:
    """We are logged in there by then: that connection is lost, ours is not, and a second login finds them gone."""
    with (
        actors.idle(stand_in, instance=1, **db_user) as near,
        actors.idle(stand_in, instance=2, **db_user) as far,
        proxy.hold(lambda text: "DISCONNECT SESSION" in text) as hold,
    ):
        module = start_module("session_disconnect", {"match": {"username": db_user["user"]}, **through})
        hold.wait()
        assert stand_in.sql(OURS) == [(1,), (2,)]
        stand_in.stop_instance(2)
        try:
            hold.release()
            result = module.result()
        finally:
            stand_in.start_instance(2)
        assert not near.alive() and not far.alive() and not result["failed"]
    found = {row["inst_id"]: row["outcome"] for row in result["sessions"]}
    assert found[1] == "ended" and found[2] in ("ended", "gone")
