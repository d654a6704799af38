# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants from the modules, from the server's side: who died, who lived, what was freed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.dbops.oracle_sessions.plugins.filter.plan import plan
from servers import actors
from servers.actors import BusySession, Session, wait_until
from servers.proxy import Proxy
from servers.seekdb import Seekdb

Run = Callable[..., dict[str, Any]]


@dataclass
class Jam:
    """``root`` holds a row and is idle; ``link`` waits for it and holds another row; ``last`` waits for ``link``."""

    root: Session
    link: BusySession
    last: BusySession
    bystander: Session

    @property
    def everyone(self) -> tuple[Session, ...]:
        return self.root, self.link, self.last, self.bystander


@pytest.fixture
def jam(server: Seekdb, db_user: dict[str, str]) -> Iterator[Jam]:
    """A chain of blockers that has lasted the 3 s after which a holder counts as a blocker."""
    database = f"jam_{db_user['user']}"
    with (
        actors.idle_in_transaction(server, row=1, database=database, **db_user) as root,
        actors.waiter(server, row=1, holds=2, database=database, **db_user) as link,
        actors.waiter(server, row=2, database=database, **db_user) as last,
        actors.idle(server, **db_user) as bystander,
    ):
        waits = "SELECT 1 FROM oceanbase.V$OB_LOCKS WHERE BLOCK = 1 AND SESSION_ID = %s AND CTIME > 3000000"
        for each in (link, last):
            wait_until(lambda each=each: server.sql(waits, (each.id,)), what="a wait of 3 s")
        yield Jam(root, link, last, bystander)


def sids(result: dict[str, Any]) -> list[int]:
    return sorted(row["sid"] for row in result["sessions"])


def rows(result: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {row["sid"]: row for row in result["sessions"]}


def wait_until_idle(server: Seekdb, session: Session, seconds: float = 0.1) -> None:
    idle = "SELECT 1 FROM oceanbase.V$OB_PROCESSLIST WHERE ID = %s AND COMMAND = 'Sleep' AND TIME > %s"
    wait_until(lambda: server.sql(idle, (session.id, seconds)), what=f"{seconds} s of idleness")


# --- locks


@pytest.mark.parametrize(
    "condition",
    [{"root_blocker": True}, {"in_transaction": True, "idle": 1}, {"waiters": 2, "blocked": False}],
    ids=json.dumps,
)
def test_the_waiters_go_on_when_the_root_blocker_is_killed(
    server: Seekdb, run_module: Run, db_user: dict[str, str], jam: Jam, condition: dict[str, Any]
) -> None:
    result = run_module("session_kill", {"match": {"username": db_user["user"], **condition}})
    assert sids(result) == [jam.root.id] and result["counts"]["ended"] == 1
    assert not jam.root.alive()
    jam.link.wait()
    assert jam.link.error is None and jam.link.alive(), "it got its row"
    jam.link.execute("COMMIT")
    jam.last.wait()
    assert jam.last.error is None and jam.last.alive() and jam.bystander.alive()
    assert server.sql(f"SELECT id, v FROM jam_{db_user['user']}.t ORDER BY id") == ((1, 1), (2, 2))


def test_who_blocks_whom(run_module: Run, db_user: dict[str, str], jam: Jam) -> None:
    user = db_user["user"]
    listing = run_module("session_info", {"match": {"username": user}, "include": ["blockers", "sql_text"]})
    found = rows(listing)
    assert sorted(found) == sorted(session.id for session in jam.everyone)
    root, link, last, bystander = (found[session.id] for session in jam.everyone)
    assert [row["blocked_by"] for row in (root, link, last, bystander)] == [
        None,
        {"inst_id": None, "sid": jam.root.id},
        {"inst_id": None, "sid": jam.link.id},
        None,
    ]
    assert (root["blocking"]["waiters"], root["blocking"]["root"]) == (2, True)
    assert (link["blocking"]["waiters"], link["blocking"]["root"]) == (1, False)
    assert last["blocking"] is None and bystander["blocking"] is None
    assert root["blocking"]["longest_seconds"] >= 3
    assert [each["sid"] for each in last["blockers"]] == [jam.link.id, jam.root.id] and root["blockers"] == []
    assert root["status"] == "inactive" and root["idle_seconds"] >= 3 and root["active_seconds"] is None
    assert link["status"] == "active" and link["active_seconds"] >= 3 and link["idle_seconds"] is None
    assert "UPDATE" in last["sql_text"] and last["sql_id"]
    assert root["transaction"]["age_seconds"] >= 3 and bystander["transaction"] is None
    assert listing["counts"] == {
        **{"sessions": 4, "active": 2, "inactive": 2, "killed": 0},
        **{"in_transaction": 3, "blocked": 2, "blocking": 2},
    }
    picks: list[tuple[dict[str, Any], list[Session]]] = [
        ({"root_blocker": True}, [jam.root]),
        ({"blocking": True}, [jam.root, jam.link]),
        ({"blocked": True}, [jam.link, jam.last]),
        ({"blocked_by": {"sid": jam.root.id}}, [jam.link]),
        ({"blocking_for": "3s"}, [jam.root, jam.link]),
        ({"blocking_for": "1h"}, []),
        ({"waiters": 1}, [jam.root, jam.link]),
        ({"waiters": 2}, [jam.root]),
        ({"transaction_age": 3}, [jam.root, jam.link, jam.last]),
        ({"in_transaction": False}, [jam.bystander]),
    ]
    for condition, sessions in picks:
        live = run_module("session_info", {"match": {"username": user, **condition}})
        assert sids(live) == sorted(session.id for session in sessions), condition
        assert sids(plan(listing, {"match": {"username": user, **condition}, "allow": ["unfiltered"]})) == sids(live)


def test_holder_of_a_lock_on_a_table(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    mine, other = f"mine_{db_user['user']}", f"other_{db_user['user']}"
    with (
        actors.idle_in_transaction(server, database=mine, **db_user) as holder,
        actors.idle_in_transaction(server, database=other, **db_user) as bystander,
        actors.idle(server, database=mine, **db_user) as idle,
    ):
        result = run_module("session_kill", {"match": {"locked_object": [f"{mine}.t", "no_such.t"]}})
        assert sids(result) == [holder.id] and result["counts"]["ended"] == 1
        assert not holder.alive() and bystander.alive() and idle.alive()
        idle.execute("UPDATE t SET v = v + 1")  # The lock is free.


# --- cancel


def test_a_cancelled_runaway_keeps_its_session_and_its_transaction(
    server: Seekdb, run_module: Run, db_user: dict[str, str]
) -> None:
    database = f"runaway_{db_user['user']}"
    actors.make_table(server, database, [1])
    connection = server.connect(**db_user)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"UPDATE {database}.t SET v = 42")
    with (
        BusySession(server, connection, "SELECT BENCHMARK(1000000000000, MD5('runaway'))") as runaway,
        actors.sleeping(server) as bystander,
    ):
        busy = "SELECT 1 FROM oceanbase.V$OB_PROCESSLIST WHERE ID = %s AND SQL_ID <> ''"
        wait_until(lambda: server.sql(busy, (runaway.id,)), what="the runaway")
        result = run_module("sql_cancel", {"match": {"username": db_user["user"], "active": 0}})
        assert sids(result) == [runaway.id] and result["counts"]["ended"] == 1
        runaway.wait()
        assert runaway.error_code == 1317 and not bystander.done.is_set()
        runaway.execute("COMMIT")
        assert server.sql(f"SELECT v FROM {database}.t") == ((42,),), "its transaction was still open"


def test_cancelling_an_idle_session_is_nothing_to_do(
    server: Seekdb, proxy: Proxy, run_module: Run, db_user: dict[str, str]
) -> None:
    database = f"idle_{db_user['user']}"
    with actors.idle_in_transaction(server, database=database, **db_user) as session:
        result = run_module("sql_cancel", {"sid": session.id, "login_dsn": proxy.dsn})
        assert result["sessions"][0]["outcome"] == "unchanged" and not result["changed"] and not result["failed"]
        session.execute("COMMIT")
    assert not any("KILL" in text for text in proxy.queries)


def test_cancel_of_one_sql_id_only(server: Seekdb, proxy: Proxy, run_module: Run, db_user: dict[str, str]) -> None:
    with actors.sleeping(server, 3600, **db_user) as victim:
        match = {"username": db_user["user"]}
        (row,) = run_module("session_info", {"match": match})["sessions"]
        other = run_module("sql_cancel", {"match": match, "sql_id": "0" * 32, "login_dsn": proxy.dsn})
        assert other["sessions"][0]["outcome"] == "unchanged" and not victim.done.is_set()
        assert not any("KILL" in text for text in proxy.queries)
        same = run_module("sql_cancel", {"match": match, "sql_id": row["sql_id"]})
        victim.wait()
        assert same["sessions"][0]["outcome"] == "ended" and victim.error_code == 1317 and victim.alive()


# --- which ones, and how many


def test_200_sessions(
    run_module: Run, proxy: Proxy, pool: Callable[..., list[Session]], db_user: dict[str, str]
) -> None:
    victims, bystanders = pool(200, **db_user), pool(5)
    options = {"match": {"username": db_user["user"]}, "max_sessions": 200, "login_dsn": proxy.dsn}
    result = run_module("session_kill", options)
    assert not any(victim.alive() for victim in victims) and all(bystander.alive() for bystander in bystanders)
    assert sids(result) == sorted(victim.id for victim in victims) and result["counts"]["ended"] == 200
    batches = [text for text in proxy.queries if text.startswith("KILL")]
    assert [batch.count("KILL") for batch in batches] == [50, 50, 50, 50]
    assert proxy.round_trips <= 2 * len(batches) + 20
    assert len(result["msg"].splitlines()) == 12


def test_keep_the_most_recently_used_of_each_group(
    server: Seekdb, run_module: Run, create_user: Callable[..., dict[str, str]]
) -> None:
    with ExitStack() as stack:
        users = [create_user(), create_user()]
        groups = [[stack.enter_context(actors.idle(server, **user)) for _turn in range(4)] for user in users]
        # The server stamps the beginning of a state with a clock that ticks every 10 ms.
        wait_until_idle(server, groups[1][-1])
        for used in groups[0][:2] + groups[1][2:]:
            used.execute("SELECT 1")
        options = {"match": {"username": [user["user"] for user in users]}, "keep": 2, "per": "username"}
        result = run_module("session_kill", options)
        ended = {row["sid"] for row in result["sessions"]}
        kept = [*groups[0][:2], *groups[1][2:]]
        assert all(session.alive() for session in kept) and result["matched"] == 8
        killed = [*groups[0][2:], *groups[1][:2]]
        assert not any(session.alive() for session in killed) and ended == {session.id for session in killed}
        # Nobody is left to end, and those that are kept stay kept.
        again = run_module("session_kill", options)
        assert not again["changed"] and all(session.alive() for session in kept)


def test_limit_and_longest_idle(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    with ExitStack() as stack:
        first, second, third = (stack.enter_context(actors.idle(server, **db_user)) for _turn in range(3))
        wait_until_idle(server, third)
        first.execute("SELECT 1")
        options = {"match": {"username": db_user["user"]}, "pick": "longest_idle", "limit": 2}
        result = run_module("session_kill", options)
        assert sids(result) == sorted([second.id, third.id]) and result["matched"] == 3
        assert first.alive() and not second.alive() and not third.alive()


def test_what_cannot_be_ordered_by_is_refused(run_module: Run, proxy: Proxy, db_user: dict[str, str]) -> None:
    for option in ({"pick": "oldest"}, {"per": "program", "keep": 1}, {"max_rollback_records": 10}):
        result = run_module("session_kill", {"match": {"username": db_user["user"]}, "login_dsn": proxy.dsn, **option})
        assert result["failed"] and result["msg"].startswith(f"{next(iter(option))}: "), result["msg"]
    assert not any("KILL" in text for text in proxy.queries)


def test_a_name_that_is_hostile_stays_a_name(server: Seekdb, run_module: Run) -> None:
    """What clients write about themselves reaches no statement and no template."""
    name = "it's; -- {{ 1 }} ; KILL"
    server.create_user(name, "secret")
    with actors.idle(server, user=name, password="secret") as victim, actors.idle(server) as bystander:
        result = run_module("session_kill", {"match": {"username": name}, "comment": "'; KILL 1; -- {{ 2 }} ü"})
        assert result["sessions"][0]["username"] == name and sids(result) == [victim.id]
        assert not victim.alive() and bystander.alive()


def test_the_server_cuts_ids_to_32_bits(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    """Why larger ids are refused: to the server this one is somebody else's."""
    with actors.idle(server, **db_user) as bystander:
        refused = run_module("session_kill", {"sid": bystander.id + 2**32})
        assert refused["failed"] and bystander.alive()
        server.sql(f"KILL {bystander.id + 2**32}")
        assert not bystander.alive()


# --- looking only


def test_explain_gives_everybody_a_reason(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    user = db_user["user"]
    with (
        actors.idle(server, **db_user) as picked,
        actors.idle(server, database="test", **db_user) as excluded,
        actors.sleeping(server, **db_user) as active,
        actors.idle(server) as root,
    ):
        rule = {"match": {"username": [user, "root"], "idle": 0}, "exclude": [{"schema": "test", "username": user}]}
        listing = run_module("session_info", {**rule, "explain": True})
        spared = {row["sid"]: row["reason"] for row in listing["spared"]}
        assert spared[excluded.id] == f"excluded by schema: 'test', username: {user!r}"
        assert spared[active.id] == "idle is none, the rule wants 0"
        found = rows(listing)
        assert found[picked.id]["protected_by"] is None and found[root.id]["protected_by"] == "system_users"
        assert spared[root.id].startswith("system_users: ") and picked.id not in spared
        assert not listing["changed"]
        everybody = {row["sid"] for row in run_module("session_info", {})["sessions"]}
        assert {picked.id, excluded.id, active.id, root.id} <= everybody


def test_facts(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    with actors.idle(server, **db_user) as session:
        result = run_module("session_facts", {"match": {"username": db_user["user"]}})
        listing = run_module("session_info", {"match": {"username": db_user["user"]}})
        assert session.alive()
    assert set(result) - {"invocation", "warnings", "failed"} == {"changed", "ansible_facts"} and not result["changed"]
    facts = result["ansible_facts"]["oracle_sessions"]
    assert set(result["ansible_facts"]) == {"oracle_sessions"} and set(facts) == {"sessions", "database", "counts"}
    assert sids(facts) == sids(listing) == [session.id] and facts["counts"] == listing["counts"]
    assert facts["database"]["dbid"] == listing["database"]["dbid"] and facts["database"]["taken_at"]


@pytest.mark.parametrize(
    ("module", "verb", "make"), [("session_kill", "kill", actors.idle), ("sql_cancel", "cancel", actors.sleeping)]
)
def test_the_plan_filter_says_what_check_mode_says(
    server: Seekdb, run_module: Run, db_user: dict[str, str], module: str, verb: str, make: Any
) -> None:
    user = db_user["user"]
    with make(server, **db_user) as one, make(server, **db_user) as two, make(server, database="test", **db_user):
        rule = {"match": {"username": user}, "protect": [{"schema": "test"}], "limit": 3}
        saved = json.loads(json.dumps(run_module("session_info", {})))
        planned = plan(saved, {**rule, "verb": verb})
        foretold = run_module(module, {**rule, "detail": "full"}, check=True)
        names = ("sid", "statement", "outcome", "reason", "username", "sql_id")
        assert [[row[name] for name in names] for row in planned["sessions"]] == [
            [row[name] for name in names] for row in foretold["sessions"]
        ]
        assert planned["counts"] == foretold["counts"] and planned["matched"] == foretold["matched"] == 3
        assert planned["counts"]["planned"] == 2 and planned["counts"]["refused"] == 1
        assert one.alive() and two.alive()


# --- what a listing must survive


def test_a_statement_that_is_no_utf_8(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    session = Session(server, server.connect(**db_user))
    with BusySession(server, session.connection, b"SELECT SLEEP(3600), '\xff\xfe'") as busy:
        running = "SELECT 1 FROM oceanbase.V$OB_PROCESSLIST WHERE ID = %s AND COMMAND = 'Query'"
        wait_until(lambda: server.sql(running, (busy.id,)), what="the statement to run")
        (row,) = run_module("session_info", {"sid": busy.id, "include": ["sql_text"]})["sessions"]
        assert "SLEEP" in row["sql_text"]
        assert rows(run_module("session_kill", {"sid": busy.id}))[busy.id]["outcome"] == "ended"


# --- what the limits count


def test_a_cancel_counts_statements_not_idle_sessions(
    server: Seekdb, run_module: Run, pool: Callable[..., list[Session]], db_user: dict[str, str]
) -> None:
    idle = pool(25, **db_user)
    with actors.sleeping(server, **db_user) as busy:
        result = run_module("sql_cancel", {"match": {"username": db_user["user"]}})
        busy.wait()
    assert not result["failed"] and busy.error_code == 1317 and all(each.alive() for each in idle)
    assert (result["counts"]["ended"], result["counts"]["unchanged"]) == (1, 25)


def test_a_row_that_is_given_twice_is_sent_once(server: Seekdb, run_module: Run, db_user: dict[str, str]) -> None:
    with actors.idle(server, **db_user) as victim:
        listed = run_module("session_info", {"sid": victim.id})
        twice = {"database": listed["database"], "sessions": listed["sessions"] * 2}
        result = run_module("session_kill", {"sessions": twice})
        assert [row["outcome"] for row in result["sessions"]] == ["ended"] and not victim.alive()
