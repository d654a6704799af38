# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of a proxy with session ids of the whole cluster: one id, and sessions on two servers of the cluster.

Whoever judges these sessions one by one ends a client that works elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from servers import oceanbase_actors as actors
from servers.actors import wait_until

from ..conftest import launch
from ..sites import OceanBaseOracle, Wire
from .tenant import idle, outcomes, reason, run, serving


@pytest.fixture(scope="module")
def cluster() -> Iterator[OceanBaseOracle]:
    with serving(proxy="v2", nodes=2) as site:
        yield site


def on_both(site: OceanBaseOracle, stack: ExitStack, account: dict[str, str]) -> actors.Session:
    """A client that is idle on both servers."""
    session = idle(site, stack, account)
    site.server.route(session.id, 2)
    session.execute("SELECT 1 FROM DUAL")
    assert len(actors.every_row(session)) == 2
    return session


def test_a_client_is_one_session(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack:
        account = cluster.create_user()
        busy = stack.enter_context(actors.spread(cluster.server, **account))
        assert sorted(row["COMMAND"] for row in actors.every_row(busy)) == ["Query", "Sleep"]
        result = run(cluster, "session_info", match={"username": account["user"]})
        (row,) = result["sessions"]
        assert (row["sid"], row["status"], row["node"]) == (busy.id, "active", None)
        assert result["database"]["proxy"] == "v2"


def test_a_client_that_works_on_another_server_is_not_idle(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(cluster) as wire:
        account = cluster.create_user()
        busy = stack.enter_context(actors.spread(cluster.server, **account))
        victim = on_both(cluster, stack, account)
        match = {"username": account["user"], "idle": 0}
        result = run(cluster, "session_kill", wire, match=match)
        assert busy.alive() and not busy.done.is_set() and not victim.alive()
        assert outcomes(result) == {victim.id: "ended"}
        assert wire.ended() == [f"ALTER SYSTEM KILL SESSION '{victim.id}'"]
        named = run(cluster, "session_kill", wire, sid=busy.id, match=match)
        assert busy.alive() and outcomes(named) == {busy.id: "skipped"} and len(wire.ended() or []) == 1


def test_a_client_that_begins_to_work_on_another_server_is_left_alone(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(cluster) as wire:
        account = cluster.create_user()
        bystander, victim = idle(cluster, stack, account), on_both(cluster, stack, account)
        with wire.hold(cluster.is_look) as hold:
            login = {"login_dsn": wire.dsn, **cluster.login}
            module = launch("session_kill", {**login, "match": {"username": account["user"], "idle": 0}})
            hold.wait()
            cluster.server.route(bystander.id, 2)
            working = stack.enter_context(cluster.runs(bystander))
            hold.release()
            result = module.result()
        assert working.alive() and not working.done.is_set() and not victim.alive()
        assert outcomes(result) == {bystander.id: "skipped", victim.id: "ended"}


def test_a_transaction_on_another_server_is_the_client_s(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(cluster) as wire:
        account = cluster.create_user()
        within = idle(cluster, stack, account)
        cluster.server.route(within.id, 2)
        actors.begin(within, database="elsewhere")
        assert len(actors.every_row(within)) == 2
        match = {"username": account["user"], "in_transaction": False}
        assert run(cluster, "session_kill", wire, match=match)["matched"] == 0
        assert within.alive() and wire.ended() == []
        ended = run(cluster, "session_kill", wire, match={**match, "in_transaction": True})
        assert not within.alive() and outcomes(ended) == {within.id: "ended"}
        assert stack.enter_context(actors.idle_in_transaction(cluster.server, database="elsewhere")).alive(), (
            "free again"
        )


def test_a_client_s_statement_is_cancelled_wherever_it_runs(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack:
        account = cluster.create_user()
        busy = stack.enter_context(actors.spread(cluster.server, **account))
        result = run(cluster, "sql_cancel", match={"username": account["user"], "active": 0})
        busy.wait()
        assert busy.error_code == cluster.cancelled and busy.alive() and outcomes(result) == {busy.id: "ended"}


@pytest.mark.parametrize(
    "rule",
    [
        {"exclude": [{"module": "PAYROLL"}]},
        {"protect": [{"module": "PAYROLL"}]},
    ],
    ids=["exclude", "protect"],
)
def test_what_spares_one_of_its_sessions_spares_the_client(cluster: OceanBaseOracle, rule: dict[str, Any]) -> None:
    """The session that was used last has another name."""
    with ExitStack() as stack, Wire(cluster) as wire:
        account = cluster.create_user()
        bystander, victim = idle(cluster, stack, account), idle(cluster, stack, account)
        bystander.execute("CALL DBMS_APPLICATION_INFO.SET_MODULE('PAYROLL', '')")
        cluster.server.route(bystander.id, 2)
        bystander.execute("CALL DBMS_APPLICATION_INFO.SET_MODULE('x', '')")
        assert sorted(row["MODULE"] for row in actors.every_row(bystander)) == ["PAYROLL", "x"]
        run(cluster, "session_kill", wire, match={"username": account["user"]}, **rule)
        assert bystander.alive() and not victim.alive() and len(wire.ended() or []) == 1


def test_an_id_that_two_clients_have_is_refused(cluster: OceanBaseOracle) -> None:
    """Two proxies that were given one number: the statement would end both clients."""
    with ExitStack() as stack, Wire(cluster) as wire:
        meant, other = cluster.create_user(), cluster.create_user()
        for _turn in range(2):
            cluster.server.next_session_id(4711)
        clients = [stack.enter_context(actors.idle(cluster.server, **account)) for account in (meant, other)]
        assert [client.id for client in clients] == [4711, 4711]
        match = {"username": meant["user"]}
        assert run(cluster, "session_kill", wire, match=match)["matched"] == 0
        named = run(cluster, "session_kill", wire, sid=4711)
        assert outcomes(named) == {4711: "refused"} and named["failed"]
        assert meant["user"].upper() in reason(named) and other["user"].upper() in reason(named)
        assert all(client.alive() for client in clients) and wire.ended() == []


def test_an_id_that_another_client_gets_meanwhile_is_left_alone(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(cluster) as wire:
        account, other = cluster.create_user(), cluster.create_user()
        cluster.server.next_session_id(4712)
        meant, victim = idle(cluster, stack, account), idle(cluster, stack, account)
        with wire.hold(cluster.is_look) as hold:
            login = {"login_dsn": wire.dsn, **cluster.login}
            module = launch("session_kill", {**login, "match": {"username": account["user"]}})
            hold.wait()
            cluster.server.next_session_id(4712)
            bystander = idle(cluster, stack, other)
            hold.release()
            result = module.result()
        assert meant.id == bystander.id == 4712
        assert bystander.alive() and meant.alive() and not victim.alive()
        assert outcomes(result) == {4712: "skipped", victim.id: "ended"}


def test_a_login_without_the_proxy_says_where_to_log_in(cluster: OceanBaseOracle) -> None:
    with ExitStack() as stack:
        account = cluster.create_user()
        for client in (idle(cluster, stack, account), on_both(cluster, stack, account)):
            result = run(cluster, "session_kill", sid=client.id, login_dsn=cluster.server.direct_dsn)
            assert client.alive() and outcomes(result) == {client.id: "failed"}
            assert not result["changed"] and result["sessions"][0]["error"]["code"] in (-4174, -4016)
        assert (
            "log in through that proxy"
            in run(cluster, "session_kill", sid=idle(cluster, stack, account).id, login_dsn=cluster.server.direct_dsn)[
                "sessions"
            ][0]["reason"]
        )


def test_a_client_that_rolls_back_unlisted_has_not_ended() -> None:
    with serving(proxy="v2", nodes=2, rollback_linger=3600, rolling_back_listed=False) as site, ExitStack() as stack:
        account = site.create_user()
        victim = idle(site, stack, account)
        site.server.route(victim.id, 2)
        actors.begin(victim, database="rolling")
        result = run(site, "session_kill", match={"username": account["user"]}, wait_timeout=1)
        assert actors.every_row(victim) == [] and outcomes(result) == {victim.id: "rolling_back"}
        site.server.set_policy("rollback_linger", 0.0)
        wait_until(lambda: outcomes(run(site, "session_kill", sid=victim.id)) == {victim.id: "gone"})
