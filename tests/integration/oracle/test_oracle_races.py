# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens between look and act on Oracle Database: a proxy holds our call while the world changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed
from servers.proxy import Proxy
from servers.real_oracle import RealOracle

from .rows import outcomes

Server = OracleServer | RealOracle
Start = Callable[..., Any]
Busy = Callable[..., BusySession]
Aged = Callable[[Session, float], None]
User = dict[str, str]

LIST = "WHERE s.type IN ('USER', 'BACKGROUND')"


def is_act(text: str) -> bool:
    """The call that carries the block: the statements are values of its bind variables."""
    return "ALTER SYSTEM " in text


class SecondLook:
    """Fits the call after the one that reads the list. The driver may send that without its text, which the server has."""

    def __init__(self) -> None:
        self.looked = False

    def __call__(self, text: str) -> bool:
        second, self.looked = self.looked, self.looked or LIST in text
        return second


def reasons(result: dict[str, Any]) -> dict[int, str]:
    return {row["sid"]: row["reason"] for row in result["sessions"]}


# --- the rule is asked again in the very block that sends the statement


def test_an_idle_session_that_began_to_work_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, running: Busy
) -> None:
    with (
        actors.idle(server, **db_user) as bystander,
        actors.idle_in_transaction(server, database="race", **db_user) as victim,
        actors.idle_in_transaction(server, database="race", row=2) as holder,
    ):
        table = actors.make_table(server, "race", [])
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"], "idle": 0}, **through})
            hold.wait()
            work = BusyAgain(bystander, f"UPDATE {table} SET v = v + 1 WHERE id = 2")
            hold.release()
            result = module.result()
        assert not work.done.is_set(), "its statement lives"
        assert not victim.alive()
        holder.commit()
        work.wait()
        assert work.error is None and bystander.alive()
    assert outcomes(result) == {bystander.sid: "skipped", victim.sid: "ended"} and not result["failed"]
    assert (
        reasons(result)[bystander.sid] == "it changed before its turn came: it has run something since it was matched"
    )


class BusyAgain(BusySession):
    """An open session that runs a statement now, seen on the server."""

    def __init__(self, session: Session, statement: str) -> None:
        super().__init__(session.server, session.connection, statement)
        wait_until(
            lambda: (shown := listed(self)) and shown["status"] == "ACTIVE", what=f"session {self.sid} to be busy"
        )


def test_an_idle_session_that_has_worked_meanwhile_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, aged: Aged
) -> None:
    """Idle both times, but not all the time: a pool has given the connection to somebody between the two looks."""
    with actors.idle(server, **db_user) as bystander:
        aged(bystander, 5)
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"], "idle": 2}, **through})
            hold.wait()
            bystander.execute("SELECT 1 FROM dual")
            hold.release()
            result = module.result()
        assert bystander.alive()
    assert outcomes(result) == {bystander.sid: "skipped"} and not result["failed"] and not result["changed"]


def test_a_statement_that_is_another_one_by_now_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, aged: Aged
) -> None:
    with (
        actors.idle_in_transaction(server, database="another", row=1) as first,
        actors.idle_in_transaction(server, database="another", row=2) as second,
        actors.waiter(server, database="another", row=1, **db_user) as busy,
    ):
        aged(busy, 10)
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"], "active": 5}, **through})
            hold.wait()
            first.commit()
            busy.wait()
            again = BusyAgain(busy, busy.statement.replace("id = 1", "id = 2"))
            hold.release()
            result = module.result()
        assert not again.done.is_set()
        second.commit()
        again.wait()
        assert again.error is None
    assert outcomes(result) == {busy.sid: "skipped"}
    assert "it runs another statement by now, or none" in reasons(result)[busy.sid]


@pytest.mark.parametrize(
    ("match", "attribute", "before", "after", "what"),
    [
        ({"module": "REPORT*"}, "module", "REPORT_1", "MONTH_END", "module"),
        ({"action": "load"}, "action", "load", "publish", "action"),
        ({"client_identifier": "alice"}, "client_identifier", "alice", "bob", "client identifier"),
        ({"client_info": "batch?"}, "clientinfo", "batch1", "interactive", "client info"),
        ({"schema": "APP_*"}, "current_schema", None, "SYSTEM", "schema"),
    ],
)
def test_what_it_says_of_itself_has_changed(
    server: Server,
    proxy: Proxy,
    through: dict[str, str],
    start_module: Start,
    db_user: User,
    match: dict[str, str],
    attribute: str,
    before: str | None,
    after: str,
    what: str,
) -> None:
    def become(value: str | None) -> None:
        if value is not None:
            setattr(bystander.connection, attribute, value)
        bystander.execute("SELECT 1 FROM dual")

    with actors.idle(server, **db_user) as bystander, actors.idle(server, **db_user) as victim:
        for session in (bystander, victim):
            if before is not None:
                setattr(session.connection, attribute, before)
            session.execute("SELECT 1 FROM dual")
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"], **match}, **through})
            hold.wait()
            become(after)
            hold.release()
            result = module.result()
        assert bystander.alive() and not victim.alive()
    assert outcomes(result) == {bystander.sid: "skipped", victim.sid: "ended"}
    assert reasons(result)[bystander.sid] == f"it changed before its turn came: its {what} has changed"


@pytest.mark.parametrize("option", ["exclude", "protect"])
def test_what_spares_it_has_come_true_meanwhile(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, option: str
) -> None:
    with actors.idle(server, **db_user) as bystander, actors.idle(server, **db_user) as victim:
        with proxy.hold(is_act) as hold:
            options = {"match": {"username": db_user["user"]}, option: [{"module": "month_end*"}], **through}
            module = start_module("session_kill", options)
            hold.wait()
            bystander.connection.module = "month_end_close"
            bystander.execute("SELECT 1 FROM dual")
            hold.release()
            result = module.result()
        assert bystander.alive() and not victim.alive()
    assert outcomes(result) == {bystander.sid: "skipped", victim.sid: "ended"}


@pytest.mark.parametrize("option", ["exclude", "protect"])
def test_what_it_does_spares_it_meanwhile(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, option: str
) -> None:
    """A rule that spares by something which may come true by itself reads the list again before the block."""
    with (
        actors.idle(server, **db_user) as bystander,
        actors.idle(server, **db_user) as victim,
        actors.idle_in_transaction(server, database=f"spared_{option}") as holder,
    ):
        with proxy.hold(SecondLook()) as hold:
            options = {"match": {"username": db_user["user"]}, option: [{"active": 0}], **through}
            module = start_module("session_kill", options)
            hold.wait()
            table = actors.make_table(server, f"spared_{option}", [])
            work = BusyAgain(bystander, f"UPDATE {table} SET v = 0 WHERE id = 1")
            hold.release()
            result = module.result()
        assert not work.done.is_set() and not victim.alive()
        holder.commit()
        work.wait()
        assert work.error is None
    assert outcomes(result) == {bystander.sid: "skipped", victim.sid: "ended"}


def test_idle_for_too_long_to_be_spared_or_not_yet(
    server: Server, run_module: Callable[..., dict[str, Any]], db_user: User, aged: Aged
) -> None:
    with actors.idle(server, **db_user) as long_idle, actors.idle(server, **db_user) as victim:
        aged(long_idle, 60)
        options = {"match": {"username": db_user["user"]}, "exclude": [{"idle": 30}]}
        result = run_module("session_kill", options)
        assert outcomes(result) == {victim.sid: "ended"} and long_idle.alive() and not victim.alive()


def test_a_transaction_that_is_another_one_by_now_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, aged: Aged
) -> None:
    with (
        actors.idle_in_transaction(server, database="txn", row=1, **db_user) as bystander,
        actors.idle_in_transaction(server, database="txn", row=2, **db_user) as victim,
    ):
        for session in (bystander, victim):
            aged(session, 30)
        with proxy.hold(is_act) as hold:
            options = {"match": {"username": db_user["user"], "transaction_age": 20}, **through}
            module = start_module("session_kill", options)
            hold.wait()
            bystander.commit()
            bystander.execute(f"UPDATE {actors.make_table(server, 'txn', [])} SET v = 7 WHERE id = 1")
            hold.release()
            result = module.result()
        assert bystander.alive() and not victim.alive()
    assert outcomes(result) == {bystander.sid: "skipped", victim.sid: "ended"}
    assert "its transaction is over, or another one by now" in reasons(result)[bystander.sid]


def test_a_session_that_has_begun_a_transaction_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User
) -> None:
    table = actors.make_table(server, "begun", [1])
    with actors.idle(server, **db_user) as bystander, actors.idle(server, **db_user) as victim:
        with proxy.hold(is_act) as hold:
            options = {"match": {"username": db_user["user"], "in_transaction": False}, **through}
            module = start_module("session_kill", options)
            hold.wait()
            bystander.execute(f"UPDATE {table} SET v = v + 1 WHERE id = 1")
            hold.release()
            result = module.result()
        assert bystander.alive() and not victim.alive()
    assert outcomes(result) == {bystander.sid: "skipped", victim.sid: "ended"}
    assert "it has begun or ended a transaction" in reasons(result)[bystander.sid]


@pytest.mark.parametrize("at", [lambda: is_act, SecondLook], ids=["at the block", "at the second look"])
def test_a_blocker_that_has_let_go_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, aged: Aged, at: Any
) -> None:
    with (
        actors.idle_in_transaction(server, database="let_go", **db_user) as holder,
        actors.waiter(server, database="let_go") as waiter,
    ):
        aged(waiter, 10)
        with proxy.hold(at()) as hold:
            options = {"match": {"username": db_user["user"], "root_blocker": True}, **through}
            module = start_module("session_kill", options)
            hold.wait()
            holder.commit()
            waiter.wait()
            hold.release()
            result = module.result()
        assert holder.alive() and waiter.error is None
    assert outcomes(result) == {holder.sid: "skipped"} and not result["changed"]


def test_a_blocker_of_fewer_by_now_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, aged: Aged
) -> None:
    """Somebody still waits for it, so only a second look at all of them can tell."""
    with (
        actors.idle_in_transaction(server, database="fewer", rows=2, **db_user) as holder,
        actors.waiter(server, database="fewer", row=1) as stays,
        actors.waiter(server, database="fewer", row=2) as leaves,
    ):
        for waiter in (stays, leaves):
            aged(waiter, 10)
        with proxy.hold(SecondLook()) as hold:
            options = {"match": {"username": db_user["user"], "waiters": 2}, **through}
            module = start_module("session_kill", options)
            hold.wait()
            leaves.connection.cancel()
            leaves.wait()
            hold.release()
            result = module.result()
        assert holder.alive() and not stays.done.is_set()
    assert outcomes(result) == {holder.sid: "skipped"} and not result["changed"]


# --- what spares a session is asked in the block, too


@pytest.mark.parametrize("option", ["exclude", "protect"])
def test_who_fits_an_exclusion_only_just_before_the_act_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, option: str
) -> None:
    """The look before the block does not see it: the block itself must."""
    with actors.idle(server, **db_user) as bystander:
        table = actors.make_table(server, "spared", [1])
        with proxy.hold(is_act) as hold:
            rule = {"match": {"username": db_user["user"]}, option: [{"in_transaction": True}]}
            module = start_module("session_kill", {**rule, **through})
            hold.wait()
            bystander.execute(f"UPDATE {table} SET v = v + 1 WHERE id = 1")
            hold.release()
            result = module.result()
        assert bystander.alive()
        bystander.connection.rollback()
    assert outcomes(result) == {bystander.sid: "skipped"} and not result["failed"]


def test_a_disconnect_that_waits_is_no_licence_to_kill(
    server: Server, run_module: Callable[..., dict[str, Any]], db_user: User
) -> None:
    """Told to go when its transaction ends, but not killed: it may do anything until then, so the rule is asked."""
    with actors.idle_in_transaction(server, database="licence", **db_user) as bystander:
        match = {"username": db_user["user"]}
        told = run_module(
            "session_disconnect", {"match": match, "post_transaction": True, "wait": False, "detail": "full"}
        )
        assert outcomes(told) == {bystander.sid: "pending"}
        saved = {"database": told["database"], "sessions": told["sessions"]}
        result = run_module("session_kill", {"sessions": saved, "match": {**match, "module": "nothing_like_it"}})
        assert bystander.alive() and outcomes(result) == {bystander.sid: "skipped"}


# --- killed meanwhile


def test_gone_before_its_turn_came(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User
) -> None:
    with actors.idle(server, **db_user) as victim:
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
            hold.wait()
            server.sql(f"ALTER SYSTEM KILL SESSION '{victim.sid},{victim.serial}' IMMEDIATE")
            wait_until(lambda: listed(victim) is None, what="the victim to go")
            with actors.idle(server, **db_user) as successor:
                hold.release()
                result = module.result()
                assert successor.alive(), "even if it has the same sid"
    assert outcomes(result) == {victim.sid: "gone"} and not result["changed"] and not result["failed"]


def test_killed_by_somebody_else_before_its_turn_came(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User
) -> None:
    with actors.idle(server, **db_user) as victim:
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
            hold.wait()
            # It stays listed as killed until its client calls.
            server.sql(f"ALTER SYSTEM KILL SESSION '{victim.sid},{victim.serial}'")
            hold.release()
            result = module.result()
    assert outcomes(result) == {victim.sid: "skipped"} and not result["changed"]
    assert "somebody else has killed it meanwhile" in reasons(result)[victim.sid]


def test_two_runs_on_the_same_rule(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User, pool: Any
) -> None:
    """Both have looked and decided; then one is faster: each session is ended once, and nothing fails."""
    victims = pool(60, **db_user)
    (bystander,) = pool(1)
    options = {"match": {"username": db_user["user"], "idle": 0}, "max_sessions": 100}
    with proxy.hold(is_act) as hold:
        slower = start_module("session_kill", {**options, **through})
        hold.wait()
        first = start_module("session_kill", options).result()
        hold.release()
        second = slower.result()
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert outcomes(first) == {victim.sid: "ended" for victim in victims}
    assert outcomes(second) == {victim.sid: "gone" for victim in victims}
    assert not first["failed"] and not second["failed"] and not second["changed"]


def test_a_session_that_has_become_one_of_ours_is_left_alone(
    server: Server, proxy: Proxy, through: dict[str, str], start_module: Start, db_user: User
) -> None:
    """A pooled connection may be handed to another run of this collection between look and act."""
    with actors.idle(server, **db_user) as bystander:
        with proxy.hold(is_act) as hold:
            module = start_module("session_kill", {"match": {"username": db_user["user"]}, **through})
            hold.wait()
            bystander.connection.module = "dbops.oracle_sessions"
            bystander.execute("SELECT 1 FROM dual")
            hold.release()
            result = module.result()
        assert bystander.alive()
    assert outcomes(result) == {bystander.sid: "skipped"} and "own: " in reasons(result)[bystander.sid]
