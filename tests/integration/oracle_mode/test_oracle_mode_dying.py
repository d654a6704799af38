# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the last look at an idle session to the end of what it had: what is sent late, and what rolls back unseen."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pymysql
import pytest

from servers import oceanbase_actors as actors
from servers.actors import wait_until

from ..conftest import launch
from ..sites import OceanBaseOracle, Wire
from .tenant import MAY_KILL, idle, outcomes, reason, run, serving

# Seconds: the module looks again when its last look is older than half of one.
LONGER_THAN_A_LOOK_IS_GOOD_FOR = 0.6

# --- dying


def test_a_killed_session_that_is_still_listed_has_ended_and_is_not_picked_again() -> None:
    with serving(linger=3600) as site, ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        holder = stack.enter_context(actors.idle_in_transaction(site.server, database="lingering"))
        victim = stack.enter_context(actors.waiter(site.server, database="lingering", holds=2, **account))
        result = run(site, "session_kill", match={"username": account["user"]})
        assert site.state(victim) == "SESSION_KILLED" and outcomes(result) == {victim.id: "ended"}
        again = run(site, "session_kill", wire, match={"username": account["user"]})
        assert again["matched"] == 0 and not again["changed"] and wire.ended() == []
        named = run(site, "session_kill", wire, sid=victim.id)
        assert outcomes(named) == {victim.id: "gone"} and wire.ended() == []
        assert holder.alive()
        free = stack.enter_context(actors.idle_in_transaction(site.server, row=2, database="lingering"))
        assert free.alive(), "its own lock is free"


def test_a_transaction_that_still_rolls_back_is_not_gone() -> None:
    with serving(rollback_linger=3600) as site, ExitStack() as stack:
        account = site.create_user()
        victim = stack.enter_context(actors.idle_in_transaction(site.server, database="rolling", **account))
        result = run(site, "session_kill", match={"username": account["user"]}, wait_timeout=1)
        assert outcomes(result) == {victim.id: "rolling_back"} and result["changed"] and not result["failed"]
        again = run(site, "session_kill", sid=victim.id, wait_timeout=1)
        assert outcomes(again) == {victim.id: "rolling_back"} and not again["changed"]


def test_before_4_nobody_sees_whether_a_killed_session_still_rolls_back() -> None:
    """SHOW FULL PROCESSLIST has no column for it, so a session that is still listed is not called ended."""
    with serving(version="3.2.4.5", rollback_linger=3600) as site, ExitStack() as stack:
        account = site.create_user()
        victim = stack.enter_context(actors.idle_in_transaction(site.server, database="unseen", **account))
        result = run(site, "session_kill", match={"username": account["user"]}, wait_timeout=1)
        assert outcomes(result) == {victim.id: "pending"} and result["failed"]
        assert "whether it rolls back cannot be seen" in result["sessions"][0]["reason"]


# --- one statement after the other


def test_only_what_was_sent_counts_as_sent(site: OceanBaseOracle) -> None:
    """The second statement of a batch is lost; whoever stands behind it and goes meanwhile is gone, not ended."""
    with ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        first, second, third = (idle(site, stack, account) for _turn in range(3))
        acts: list[str] = []

        def is_second(text: str) -> bool:
            acts.extend([text] * site.is_act(text))
            return len(acts) == 2

        with wire.hold(is_second) as hold:
            login = {"login_dsn": wire.dsn, **site.login}
            module = launch("session_kill", {**login, "match": {"username": account["user"]}})
            hold.wait()
            site.kill(third)
            hold.drop()
            result = module.result()
        assert outcomes(result) == {first.id: "ended", second.id: "ended", third.id: "gone"}
        assert not any(each.alive() for each in (first, second, third))


def test_whoever_works_while_others_are_slow_to_die_is_left_alone(site: OceanBaseOracle) -> None:
    """The server takes its time for the first statement of a batch; meanwhile the last session begins to work."""
    with ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        first, second, third = (idle(site, stack, account) for _turn in range(3))
        with wire.hold(site.is_act) as hold:
            login = {"login_dsn": wire.dsn, **site.login}
            module = launch("session_kill", {**login, "match": {"username": account["user"], "idle": 0}})
            hold.wait()
            began = time.monotonic()
            working = stack.enter_context(site.runs(third))
            wait_until(lambda: time.monotonic() - began > LONGER_THAN_A_LOOK_IS_GOOD_FOR)
            hold.release()
            result = module.result()
        assert working.alive() and not working.done.is_set()
        assert not any(each.alive() for each in (first, second))
        assert outcomes(result) == {first.id: "ended", second.id: "ended", third.id: "skipped"}
        assert "changed before its turn came" in result["sessions"][-1]["reason"]


def test_whoever_works_while_the_locks_are_read_is_left_alone(site: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        holder = stack.enter_context(actors.idle_in_transaction(site.server, database="slow", **account))
        looks: list[str] = []

        def is_second_look_at_locks(text: str) -> bool:
            looks.extend([text] * ("OB_LOCKS l JOIN" in text))
            return len(looks) == 2

        with wire.hold(is_second_look_at_locks) as hold:
            rule = {"match": {"username": account["user"], "idle": 0, "locked_object": "*.SLOW_T"}}
            module = launch("session_kill", {"login_dsn": wire.dsn, **site.login, **rule})
            hold.wait()
            working = stack.enter_context(site.runs(holder))
            hold.release()
            result = module.result()
        assert working.alive() and not working.done.is_set()
        assert outcomes(result) == {holder.id: "skipped"}


def test_whoever_works_by_the_time_of_the_other_statement_is_left_alone() -> None:
    """The server takes its time to say that it does not know ALTER SYSTEM KILL SESSION."""
    with serving(knows_kill_session=False) as site, ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        first, second = idle(site, stack, account), idle(site, stack, account)
        with wire.hold(site.is_act) as hold:
            rule = {"match": {"username": account["user"], "idle": 0}}
            module = launch("session_kill", {"login_dsn": wire.dsn, **site.login, **rule})
            hold.wait()
            working = stack.enter_context(site.runs(first))
            hold.release()
            result = module.result()
        assert working.alive() and not working.done.is_set() and not second.alive()
        assert outcomes(result) == {first.id: "skipped", second.id: "ended"}
        assert wire.ended() == [f"ALTER SYSTEM KILL SESSION '{first.id}'", f"KILL {second.id}"]


# --- hidden from the list, and still rolling back


def locked(site: OceanBaseOracle, database: str) -> bool:
    """Whether somebody holds the lock of the first row."""
    try:
        site.server.sql(f"SELECT v FROM SYS.{database}_t WHERE id = 1 FOR UPDATE NOWAIT")
    except pymysql.MySQLError:
        return True
    return False


def test_a_session_that_is_not_listed_any_more_has_not_ended_while_it_rolls_back() -> None:
    with serving(rollback_linger=3600, rolling_back_listed=False) as site, ExitStack() as stack:
        account = site.create_user()
        victim = stack.enter_context(actors.idle_in_transaction(site.server, database="hidden", **account))
        result = run(site, "session_kill", match={"username": account["user"]}, wait_timeout=1)
        assert site.state(victim) is None and locked(site, "hidden")
        assert outcomes(result) == {victim.id: "rolling_back"} and result["changed"] and not result["failed"]
        assert "not listed any more, and still rolling back" in reason(result)
        for check in (False, True):
            again = run(site, "session_kill", sid=victim.id, wait_timeout=0, check=check)
            assert outcomes(again) == {victim.id: "rolling_back"} and not again["changed"]
        site.server.set_policy("rollback_linger", 0.0)
        wait_until(lambda: not locked(site, "hidden"))
        assert outcomes(run(site, "session_kill", sid=victim.id)) == {victim.id: "gone"}


def test_ended_means_that_its_locks_are_free() -> None:
    with serving(rollback_linger=1.5, rolling_back_listed=False) as site, ExitStack() as stack:
        account = site.create_user()
        victim = stack.enter_context(actors.idle_in_transaction(site.server, database="freed", **account))
        result = run(site, "session_kill", match={"username": account["user"]})
        assert not locked(site, "freed") and not victim.alive()
        assert outcomes(result) == {victim.id: "ended"} and reason(result) == "seen gone"


def test_who_may_not_see_transactions_is_told_what_that_hides() -> None:
    with serving(rollback_linger=3600, rolling_back_listed=False) as site, ExitStack() as stack:
        login = site.as_account(site.create_user((*MAY_KILL, "SUPER")))
        victim = stack.enter_context(actors.idle_in_transaction(site.server, database="unseen", **site.create_user()))
        result = run(site, "session_kill", sid=victim.id, **login)
        assert outcomes(result) == {victim.id: "ended"} and locked(site, "unseen")
        assert "whether it still rolls back cannot be seen" in reason(result)
        assert "GRANT SELECT ON SYS.GV$OB_TRANSACTION_SCHEDULERS TO the login user" in reason(result)


# --- a new connection that sees less


@pytest.mark.parametrize("revoked", ["SHOW PROCESS", "SELECT ON SYS.GV$OB_PROCESSLIST"])
def test_what_a_new_connection_does_not_see_is_not_gone(site: OceanBaseOracle, revoked: str) -> None:
    account = site.create_user((*MAY_KILL, "SUPER"))
    with ExitStack() as stack, Wire(site) as wire:
        victim = idle(site, stack)
        with wire.hold(site.is_act) as hold:
            login = {"login_dsn": wire.dsn, **site.login, **site.as_account(account)}
            module = launch("session_kill", {**login, "sid": victim.id})
            hold.wait()
            site.server.sql(f"REVOKE {revoked} FROM {account['user']}")
            hold.drop()
            result = module.result()
        assert victim.alive() and result["failed"] and not result["changed"]
        assert outcomes(result) == {victim.id: "failed"}
