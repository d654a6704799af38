# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""session_kill on Oracle Database: what becomes of idle, busy, stubborn and rolling-back sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import oracledb
import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed
from servers.real_oracle import RealOracle

from .rows import outcomes, placed, the

Server = OracleServer | RealOracle
Run = Callable[..., dict[str, Any]]
Busy = Callable[..., BusySession]
User = dict[str, str]

KILLED, LOCKED, NO_REPLAY = 28, 54, 45


def statement(session: Session, how: str = " IMMEDIATE") -> str:
    return f"ALTER SYSTEM KILL SESSION '{session.sid},{session.serial},@{session.inst_id}'{how}"


# --- idle and busy


def test_an_idle_session_ends_and_its_neighbour_does_not(server: Server, run_module: Run, db_user: User) -> None:
    with actors.idle(server, **db_user) as victim, actors.idle(server, **db_user) as bystander:
        result = run_module("session_kill", placed(victim))
        assert listed(victim) is None and not victim.alive() and bystander.alive()
    row = the(result)
    assert (row["outcome"], row["statement"], row["verb"]) == ("ended", statement(victim), "kill")
    assert result["changed"] and not result["failed"] and "error" not in row
    assert row["process"]["kind"] == "dedicated" and row["process"]["spid"]


def test_what_is_told_is_what_was_sent(
    stand_in: OracleServer, run_module: Run, db_user: User, logins: Callable[[], int]
) -> None:
    with actors.idle(stand_in, **db_user) as victim:
        result = run_module("session_kill", placed(victim))
    assert stand_in.statements() == [the(result)["statement"]] == [statement(victim)] and logins() == 1


def test_a_transaction_is_rolled_back_and_its_lock_is_free(server: Server, run_module: Run, db_user: User) -> None:
    table = actors.make_table(server, "freed", [1])
    before = server.sql(f"SELECT v FROM {table} WHERE id = 1")
    with (
        actors.idle_in_transaction(server, database="freed", **db_user) as victim,
        actors.idle(server, **db_user) as bystander,
    ):
        result = run_module("session_kill", {"match": {"username": db_user["user"], "in_transaction": True}})
        assert outcomes(result) == {victim.sid: "ended"} and not victim.alive()
        assert bystander.execute(f"SELECT v FROM {table} WHERE id = 1 FOR UPDATE NOWAIT") == before


def test_marked_for_kill_is_no_error_and_leaves_our_own_connection_alone(
    stand_in: OracleServer,
    run_module: Run,
    db_user: User,
    answers: Callable[[], list[tuple[str, int]]],
    logins: Callable[[], int],
) -> None:
    """The driver takes ORA-00031, which is about the victim, for the death of its own connection."""
    with actors.sleeping(stand_in, **db_user) as victim, actors.sleeping(stand_in) as bystander:
        stand_in.reset_calls()
        result = run_module("session_kill", {"match": {"username": db_user["user"], "active": 0}})
        assert answers() == [(statement(victim), 31)] and logins() == 1
        victim.wait()
        assert victim.error_code == KILLED and not victim.alive() and listed(victim) is None
        assert not bystander.done.is_set()
    row = the(result)
    assert row["outcome"] == "ended" and "error" not in row and not result["failed"] and result["changed"]


# --- rolling back


def test_a_rollback_is_told_with_its_rate_and_its_end(
    stand_in: OracleServer, run_module: Run, start_module: Any, db_user: User, policy: Any
) -> None:
    records = 600
    with (
        policy(rollback_rate=100),
        actors.idle_in_transaction(stand_in, database="rollback", rows=records, **db_user) as victim,
        actors.idle(stand_in, **db_user) as bystander,
    ):
        table = actors.make_table(stand_in, "rollback", [])
        spid = stand_in.sql(
            "SELECT p.spid FROM v$process p JOIN v$session s ON p.addr = s.paddr WHERE s.sid = :1", (victim.sid,)
        )[0][0]
        stand_in.reset_calls()
        result = run_module("session_kill", {**placed(victim), "wait_timeout": 1.2, "wait_interval": 0.3})
        row = the(result)
        assert row["outcome"] == "rolling_back" and result["changed"] and not result["failed"]
        rollback = row["rollback"]
        assert 0 < rollback["records"] < records and 20 < rollback["per_second"] < 200
        assert rollback["eta_seconds"] == pytest.approx(rollback["records"] / rollback["per_second"], rel=0.05)
        assert len(result["warnings"]) == 1 and "rolling back" in result["warnings"][0]
        assert f"{rollback['records']} undo records left" in row["reason"]

        shown = listed(victim)
        assert shown is not None and (shown["status"], shown["server"]) == ("KILLED", "PSEUDO")
        with pytest.raises(oracledb.DatabaseError) as locked:
            bystander.execute(f"SELECT v FROM {table} WHERE id = 1 FOR UPDATE NOWAIT")
        assert locked.value.args[0].code == LOCKED, "its locks are held until it is rolled back"
        (seen,) = run_module("session_info", {**placed(victim), "include": ["rollback"]})["sessions"]
        assert seen["status"] == "killed" and seen["process"]["spid"] == spid, "although PADDR leads nowhere by now"
        assert 0 < seen["rollback"]["records"] < records and seen["rollback"]["per_second"] > 0

        looks = len(stand_in.calls())
        second = start_module("session_kill", placed(victim))
        wait_until(lambda: any(f"s.sid IN ({victim.sid})" in (call.text or "") for call in stand_in.calls()[looks:]))
        stand_in.set_policy("rollback_rate", 20000)
        again = second.result()
        assert outcomes(again) == {victim.sid: "gone"} and not again["changed"] and not again["failed"]
        assert "killed earlier" in the(again)["reason"]
        assert stand_in.statements() == [statement(victim)], "nothing was sent twice"
        assert listed(victim) is None and not victim.alive()
        assert bystander.execute(f"SELECT v FROM {table} WHERE id = 1 FOR UPDATE NOWAIT") == [(0,)]


def test_one_look_tells_no_rate(stand_in: OracleServer, run_module: Run, db_user: User, policy: Any) -> None:
    with (
        policy(rollback_rate=20),
        actors.idle_in_transaction(stand_in, database="one_look", rows=100, **db_user) as victim,
    ):
        result = run_module("session_kill", {**placed(victim), "wait": False})
        rollback = the(result)["rollback"]
        assert rollback["records"] > 0 and rollback["per_second"] is None and rollback["eta_seconds"] is None
        strict = run_module("session_kill", {**placed(victim), "wait": False, "on_pending": "fail"})
        assert strict["failed"] and not strict["changed"] and outcomes(strict) == {victim.sid: "rolling_back"}
        stand_in.set_policy("rollback_rate", 20000)


def test_who_would_roll_back_for_too_long_is_refused(server: Server, run_module: Run, db_user: User) -> None:
    with (
        actors.idle_in_transaction(server, database="undo", row=1, rows=30, **db_user) as large,
        actors.idle_in_transaction(server, database="undo", row=100, rows=3, **db_user) as small,
    ):
        result = run_module(
            "session_kill", {"match": {"username": db_user["user"]}, "max_rollback_records": 20, "wait_timeout": 20}
        )
        assert outcomes(result) == {large.sid: "refused", small.sid: "ended"}
        assert large.alive() and not small.alive()


# --- pending


def test_a_session_that_hears_of_nothing_is_pending_and_fails(
    stand_in: OracleServer, run_module: Run, db_user: User, running: Busy
) -> None:
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    options = {**placed(victim), "wait_timeout": 0.3}
    result = run_module("session_kill", options)
    assert outcomes(result) == {victim.sid: "pending"} and result["failed"] and result["changed"]
    assert "still there" in result["msg"] and not result["warnings"]
    shown = listed(victim)
    assert shown is not None and shown["status"] == "KILLED"
    warned = run_module("session_kill", {**options, "on_pending": "warn"})
    assert not warned["failed"] and not warned["changed"] and len(warned["warnings"]) == 1
    fine = run_module("session_kill", {**options, "on_pending": "ok"})
    assert not fine["failed"] and not fine["changed"] and not fine["warnings"]
    assert stand_in.statements() == [statement(victim)], "what is killed already is waited for, not sent again"
    again = run_module("session_kill", {**options, "allow": ["killed"], "on_pending": "ok"})
    assert again["changed"] and stand_in.statements() == [statement(victim)] * 2


def test_a_rule_sees_the_killed_only_when_it_names_them(
    stand_in: OracleServer, run_module: Run, db_user: User, running: Busy
) -> None:
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    run_module("session_kill", {**placed(victim), "wait_timeout": 0})
    user = {"username": db_user["user"]}
    assert run_module("session_kill", {"match": user})["matched"] == 0
    named_status = run_module("session_kill", {"match": {**user, "status": "killed"}, "wait_timeout": 0})
    assert outcomes(named_status) == {victim.sid: "pending"} and stand_in.statements() == [statement(victim)]


def test_a_plain_kill_of_an_idle_session_lasts_until_its_client_calls(
    server: Server, run_module: Run, db_user: User
) -> None:
    with (
        actors.idle_in_transaction(server, database="plain", **db_user) as victim,
        actors.idle(server, **db_user) as bystander,
    ):
        options = {**placed(victim), "immediate": False, "wait_timeout": 1}
        result = run_module("session_kill", options)
        row = the(result)
        assert (row["outcome"], row["statement"]) == ("pending", statement(victim, "")) and result["failed"]
        shown = listed(victim)
        assert shown is not None and (shown["status"], shown["server"]) == ("KILLED", "PSEUDO")
        table = actors.make_table(server, "plain", [])
        assert bystander.execute(f"SELECT id FROM {table} WHERE id = 1 FOR UPDATE NOWAIT"), "its lock is free"
        with pytest.raises(oracledb.DatabaseError) as dead:
            victim.execute("SELECT 1 FROM dual")
        assert dead.value.args[0].code == KILLED
        wait_until(lambda: listed(victim) is None, what="the row to go")
        again = run_module("session_kill", options)
        assert outcomes(again) == {victim.sid: "gone"} and not again["failed"] and not again["changed"]


def test_a_plain_kill_of_a_busy_session_ends_it(server: Server, run_module: Run, db_user: User) -> None:
    with actors.sleeping(server, **db_user) as victim:
        result = run_module("session_kill", {**placed(victim), "immediate": False})
        victim.wait()
        assert outcomes(result) == {victim.sid: "ended"} and victim.error_code == KILLED


def test_plain_kills_share_the_time(
    stand_in: OracleServer, run_module: Run, db_user: User, running: Busy, answers: Callable[[], list[tuple[str, int]]]
) -> None:
    """Each would keep its killer waiting for 60 s."""
    victims = [running("BEGIN STANDIN.HOLD(120); END;", **db_user) for _turn in range(3)]
    stand_in.reset_calls()
    began = time.monotonic()
    result = run_module("session_kill", {"match": {"username": db_user["user"]}, "immediate": False, "wait_timeout": 3})
    assert time.monotonic() - began < 3 + 4
    assert outcomes(result) == {victim.sid: "pending" for victim in victims} and result["failed"]
    sent = [text for text, _code in answers()]
    assert sorted(sent) == sorted(statement(victim, "") for victim in victims), "each one once"


def test_a_single_plain_kill_waits_as_long_as_the_server_does(
    stand_in: OracleServer,
    run_module: Run,
    db_user: User,
    running: Busy,
    policy: Any,
    answers: Callable[[], list[tuple[str, int]]],
    logins: Callable[[], int],
) -> None:
    """Longer than call_timeout, which is not for calls that lawfully wait."""
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    with policy(kill_wait_seconds=2):
        stand_in.reset_calls()
        result = run_module(
            "session_kill", {**placed(victim), "immediate": False, "call_timeout": 1, "wait_timeout": 0.1}
        )
    assert outcomes(result) == {victim.sid: "pending"} and answers() == [(statement(victim, ""), 31)]
    assert logins() == 1


# --- options that this release does not have


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"force": True},
            "force: it exists since Oracle Database 23ai, and this is 19.0.0.0.0; leave it out, or set allow_undocumented: true",
        ),
        ({"server_timeout": 3}, "server_timeout: it exists since Oracle Database 23ai, and this is 19.0.0.0.0; "),
        (
            {"noreplay": True},
            "noreplay: before 23ai it stands in the place of IMMEDIATE and FORCE; set immediate: false",
        ),
    ],
)
def test_what_19c_does_not_have_is_refused(
    stand_in: OracleServer, run_module: Run, db_user: User, options: dict[str, Any], sentence: str
) -> None:
    with actors.idle(stand_in, **db_user) as bystander:
        for check in (True, False):
            result = run_module("session_kill", {**placed(bystander), **options}, check=check)
            assert result["failed"] and result["msg"].startswith(sentence), result["msg"]
        assert bystander.alive() and not stand_in.statements()


def test_undocumented_options_on_demand(stand_in: OracleServer, run_module: Run, db_user: User, running: Busy) -> None:
    victim = running("BEGIN STANDIN.HOLD(60); END;", **db_user)
    options = {"force": True, "server_timeout": 1, "allow_undocumented": True}
    result = run_module("session_kill", {**placed(victim), **options})
    victim.wait()
    assert outcomes(result) == {victim.sid: "ended"} and not victim.alive()
    assert stand_in.statements() == [statement(victim, " FORCE TIMEOUT 1")]


def test_no_replay_in_the_place_of_immediate(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.sleeping(stand_in, **db_user) as victim:
        stand_in.reset_calls()
        result = run_module("session_kill", {**placed(victim), "noreplay": True, "immediate": False})
        victim.wait()
        assert outcomes(result) == {victim.sid: "ended"} and victim.error_code == NO_REPLAY
        assert stand_in.statements() == [statement(victim, " NOREPLAY")]


# --- which one


def test_without_a_serial_nothing_is_asked(
    stand_in: OracleServer, run_module: Run, db_user: User, logins: Callable[[], int]
) -> None:
    with actors.idle(stand_in, **db_user) as bystander:
        result = run_module("session_kill", {"sid": bystander.sid})
        assert result["failed"] and result["msg"].startswith("serial: it is missing: ") and bystander.alive()
    assert logins() == 0 and not stand_in.statements()


def test_a_sid_that_somebody_else_has_by_now(server: Server, run_module: Run, db_user: User) -> None:
    with actors.idle(server, **db_user) as bystander:
        result = run_module("session_kill", {**placed(bystander), "serial": bystander.serial + 1})
        assert outcomes(result) == {bystander.sid: "gone"} and not result["failed"] and not result["changed"]
        (warning,) = result["warnings"]
        assert f"session {bystander.sid},{bystander.serial},@{bystander.inst_id} of {db_user['user']}" in warning
        assert bystander.alive()


def test_an_instance_that_it_is_not_on(server: Server, run_module: Run, db_user: User) -> None:
    with actors.idle(server, **db_user) as bystander:
        result = run_module("session_kill", {**placed(bystander), "inst_id": bystander.inst_id + 1})
        assert outcomes(result) == {bystander.sid: "gone"} and not result["failed"] and not result["changed"]
        assert len(result["warnings"]) == 1 and bystander.alive()


def test_our_own_session_and_another_run_of_ours(server: Server, run_module: Run, db_user: User) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(Session(server, server.connect(program="dbops.oracle_sessions", **db_user)))
        result = run_module("session_kill", {**placed(other), "allow": ["unfiltered", "system_users"]})
        assert outcomes(result) == {other.sid: "refused"} and result["failed"] and other.alive()
        everybody = run_module("session_info", {})
        assert [row["protected_by"] for row in everybody["sessions"] if row["own"]] == ["own"]
