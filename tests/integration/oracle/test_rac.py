# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several instances: who is meant, who blocks whom across them, and that each statement reaches its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed

STAND_IN = {"instances": 2}

Run = Callable[..., dict[str, Any]]
User = dict[str, str]
Key = tuple[int, int]


def key(session: Session) -> Key:
    return session.inst_id, session.sid


def outcomes(result: dict[str, Any]) -> dict[Key, str]:
    return {(row["inst_id"], row["sid"]): row["outcome"] for row in result["sessions"]}


def rows(result: dict[str, Any]) -> dict[Key, dict[str, Any]]:
    return {(row["inst_id"], row["sid"]): row for row in result["sessions"]}


# --- which one


def test_without_its_instance_nothing_is_sent(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle(stand_in, instance=2, **db_user) as bystander:
        result = run_module("session_kill", {"sid": bystander.sid, "serial": bystander.serial})
        assert result["failed"] and bystander.alive() and not stand_in.statements()
        # Where the other instance happens to have such a session too, it is named as well.
        assert result["msg"].startswith("inst_id: several instances are open, each with sids of its own; session ")
        assert result["msg"].endswith("2: say which one is meant.")


def test_the_same_sid_on_the_other_instance_lives(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with ExitStack() as stack:
        victim, bystander = twins(stand_in, stack, db_user)
        result = run_module("session_kill", {"sid": victim.sid, "serial": victim.serial, "inst_id": victim.inst_id})
        assert outcomes(result) == {key(victim): "ended"}
        assert not victim.alive() and bystander.alive()
        assert stand_in.statements() == [
            f"ALTER SYSTEM KILL SESSION '{victim.sid},{victim.serial},@{victim.inst_id}' IMMEDIATE"
        ]


def twins(stand_in: OracleServer, stack: ExitStack, db_user: User) -> tuple[Session, Session]:
    """Two sessions of one sid, on different instances."""
    found: dict[int, list[Session]] = {1: [], 2: []}
    while True:
        for inst_id, sessions in found.items():
            sessions.append(stack.enter_context(actors.idle(stand_in, instance=inst_id, **db_user)))
        for one in found[1]:
            for other in found[2]:
                if one.sid == other.sid:
                    return other, one


def test_a_match_by_instance(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle(stand_in, instance=1, **db_user) as near,
        actors.idle(stand_in, instance=2, **db_user) as far,
    ):
        result = run_module("session_kill", {"match": {"username": db_user["user"], "inst_id": 2}})
        assert outcomes(result) == {key(far): "ended"} and near.alive() and not far.alive()
        row = rows(result)[key(far)]
        assert row["process"]["oracle_sid"] == stand_in.options.instance_name(2)


def test_rows_of_a_listing_end_on_their_instances(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle(stand_in, instance=1, **db_user) as near,
        actors.idle(stand_in, instance=2, **db_user) as far,
        actors.idle(stand_in, instance=2) as bystander,
    ):
        listing = run_module("session_info", {"match": {"username": db_user["user"]}})
        assert listing["database"]["instances"] == [1, 2] and listing["database"]["instance"] == "ORCL1"
        result = run_module("session_kill", {"sessions": listing})
        assert outcomes(result) == {key(near): "ended", key(far): "ended"} and bystander.alive()


def test_the_servers_of_our_own_queries_are_never_picked(stand_in: OracleServer, run_module: Run) -> None:
    listing = run_module("session_info", {})
    assert {row["protected_by"] for row in listing["sessions"] if row["own"]} == {"own"}


# --- who blocks whom


@dataclass(frozen=True)
class Jam:
    """``root``, idle on instance 1, holds up ``link`` on instance 2, which holds up ``last`` on instance 1."""

    root: Session
    link: BusySession
    last: BusySession
    bystander: Session


@pytest.fixture
def jam(stand_in: OracleServer, db_user: User, aged: Callable[[Session, float], None]) -> Iterator[Jam]:
    database = f"jam_{db_user['user']}"
    with (
        actors.idle_in_transaction(stand_in, row=1, database=database, **db_user) as root,
        actors.waiter(stand_in, row=1, holds=2, database=database, instance=2, **db_user) as link,
        actors.waiter(stand_in, row=2, database=database, instance=1, **db_user) as last,
        actors.idle_in_transaction(stand_in, row=9, database=database, instance=2, **db_user) as bystander,
    ):
        for session in (link, last):
            aged(session, 10)
        yield Jam(root, link, last, bystander)


def test_a_chain_across_instances_is_told(stand_in: OracleServer, run_module: Run, db_user: User, jam: Jam) -> None:
    user = {"username": db_user["user"]}
    found = rows(run_module("session_info", {"match": user, "include": ["blockers"]}))
    root, link, last, bystander = (found[key(each)] for each in (jam.root, jam.link, jam.last, jam.bystander))
    assert (root["blocking"]["waiters"], root["blocking"]["root"], root["blocked_by"]) == (2, True, None)
    assert root["blocking"]["longest_seconds"] >= 10
    assert (link["blocking"]["waiters"], link["blocking"]["root"]) == (1, False)
    assert link["blocked_by"] == {"inst_id": 1, "sid": jam.root.sid}
    assert last["blocked_by"] == {"inst_id": 2, "sid": jam.link.sid} and last["blocking"] is None
    assert bystander["blocking"] is None and bystander["blocked_by"] is None
    assert [(each["inst_id"], each["sid"]) for each in last["blockers"]] == [key(jam.link), key(jam.root)]
    for condition, sessions in (
        ({"root_blocker": True}, [jam.root]),
        ({"blocking": True}, [jam.root, jam.link]),
        ({"blocked": True}, [jam.link, jam.last]),
        ({"blocked_by": {"inst_id": 1, "sid": jam.root.sid}}, [jam.link]),
        ({"blocked_by": {"inst_id": 2, "sid": jam.root.sid}}, [] if jam.link.sid != jam.root.sid else [jam.last]),
        ({"waiters": 2}, [jam.root]),
        ({"blocking_for": "5s"}, [jam.root, jam.link]),
        ({"blocking_for": "1h"}, []),
    ):
        live = run_module("session_info", {"match": {**user, **condition}})
        assert set(rows(live)) == {key(each) for each in sessions}, condition


def test_the_root_blocker_ends_and_frees_them_all(
    stand_in: OracleServer, run_module: Run, db_user: User, jam: Jam
) -> None:
    result = run_module("session_kill", {"match": {"username": db_user["user"], "root_blocker": True, "waiters": 2}})
    assert outcomes(result) == {key(jam.root): "ended"} and not jam.root.alive()
    jam.link.wait()
    assert jam.link.error is None, "it has its lock"
    jam.link.commit()
    jam.last.wait()
    assert jam.last.error is None and jam.bystander.alive()
    assert len(stand_in.statements()) == 1


def test_a_root_blocker_on_the_other_instance(
    stand_in: OracleServer, run_module: Run, db_user: User, aged: Callable[[Session, float], None]
) -> None:
    with (
        actors.idle_in_transaction(stand_in, database="far_root", instance=2, **db_user) as root,
        actors.waiter(stand_in, database="far_root", instance=1) as waiter,
    ):
        aged(waiter, 10)
        result = run_module("session_kill", {"match": {"username": db_user["user"], "root_blocker": True}})
        assert outcomes(result) == {key(root): "ended"} and not root.alive()
        waiter.wait()
        assert waiter.error is None


def test_a_wait_that_is_young_makes_no_blocker(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with (
        actors.idle_in_transaction(stand_in, database="young", **db_user) as holder,
        actors.waiter(stand_in, database="young", instance=2) as waiter,
    ):
        result = run_module("session_kill", {"match": {"username": db_user["user"], "root_blocker": True}})
        waited = listed(waiter)
        assert waited is not None and waited["blocking_session"] == holder.sid
        assert result["matched"] == 0 and not result["changed"] and holder.alive() and not waiter.done.is_set()


def test_a_blocked_session_dies_and_its_blocker_lives(
    stand_in: OracleServer, run_module: Run, db_user: User, jam: Jam
) -> None:
    options = {"match": {"username": db_user["user"], "blocked_by": {"inst_id": 1, "sid": jam.root.sid}}}
    result = run_module("session_kill", options)
    assert outcomes(result) == {key(jam.link): "ended"}
    jam.link.wait()
    assert not jam.link.alive() and jam.root.alive()
    jam.last.wait()
    assert jam.last.error is None, "the lock of the dead one is free"


def test_one_instance_of_a_cluster_is_up(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    stand_in.stop_instance(2)
    try:
        with actors.idle(stand_in, **db_user) as victim:
            result = run_module("session_kill", {"sid": victim.sid, "serial": victim.serial})
            assert outcomes(result) == {key(victim): "ended"} and result["database"]["instances"] == [1]
    finally:
        stand_in.start_instance(2)
