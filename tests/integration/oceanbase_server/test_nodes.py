# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes behind a proxy with ids of version 2: a client has one id, and a session on each node that it came to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from integration.oceanbase_server.life import PASSWORD, Account, Change, Client, Open, fate, rule

from servers import oceanbase_actors as actors
from servers.actors import wait_until
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import CUT, OK
from servers.oceanbase_actors import BusySession, Session, every_row

STAND_IN = {"nodes": 2, "proxy": "v2"}
NODES = ["127.0.0.1", "127.0.0.2"]
KILLS = ["KILL {}", "ALTER SYSTEM KILL SESSION '{}'"]
ON = "SELECT SYS_CONTEXT('USERENV', 'INSTANCE_NAME') FROM DUAL"


@pytest.fixture
def spread(server: OceanBaseServer, stack: ExitStack) -> Callable[..., BusySession]:
    return lambda **login: stack.enter_context(actors.spread(server, **login))


@pytest.fixture
def two_rows(server: OceanBaseServer, idle: Open) -> Open:
    """``two_rows(**login)``: a client that is idle on both nodes, on the second one last."""

    def open_both(**login: Any) -> Session:
        session = idle(**login)
        server.route(session.id, 2)
        session.execute("SELECT 1 FROM DUAL")
        return session

    return open_both


@pytest.fixture
def killer(client: Callable[..., Client]) -> Client:
    return client()


def where(session: Session) -> list[str]:
    return [row["SVR_IP"] for row in every_row(session)]


def states(session: Session) -> list[str]:
    return [row["STATE"] for row in every_row(session)]


# --- rows


def test_a_client_on_two_nodes_has_two_rows_with_one_id(
    server: OceanBaseServer, spread: Callable[..., BusySession], killer: Client
) -> None:
    session = spread()
    assert session.id == session.connection.thread_id() < 2**31
    rows = every_row(session)
    same = {"ID", "USER", "TENANT", "USER_CLIENT_IP", "USER_CLIENT_PORT", "PROXY_SESSID"}
    assert all(rows[0][name] == rows[1][name] for name in same)
    assert [row["SVR_IP"] for row in rows] == NODES
    assert [row["SQL_PORT"] for row in rows] == server.direct_ports
    assert rows[0]["HOST"] != rows[1]["HOST"], "two connections of the proxy"
    assert [(row["COMMAND"], row["STATE"], row["INFO"]) for row in rows] == [
        ("Sleep", "SLEEP", None),
        ("Query", "ACTIVE", session.statement),
    ]
    assert [(bool(row["SQL_ID"]), bool(row["TRACE_ID"])) for row in rows] == [(False, False), (True, True)]
    assert rows[0]["TIME"] > rows[1]["TIME"], "the idle one grows older"
    assert killer.values("SHOW PROCESSLIST").count(session.id) == 2


def test_a_session_opens_when_it_is_needed(server: OceanBaseServer, idle: Open, bystander: Session) -> None:
    session = idle()
    server.route(session.id, 2)
    assert where(session) == NODES[:1]
    sid = "SELECT SYS_CONTEXT('USERENV', 'SID') FROM DUAL"
    assert session.execute(sid) == ((str(session.id),),) and session.execute(ON) == ((f"{NODES[1]}:2882",),)
    server.route(session.id, 1)
    assert session.execute(sid) == ((str(session.id),),) and session.execute(ON) == ((f"{NODES[0]}:2882",),)
    assert where(session) == NODES and where(bystander) == NODES[:1]


def test_a_client_that_leaves_takes_all_rows_along(two_rows: Open) -> None:
    session = two_rows()
    session.close()
    wait_until(lambda: not every_row(session), what="both rows to go")


def test_what_a_session_says_of_itself_stays_on_its_node_and_its_settings_do_not(
    server: OceanBaseServer, idle: Open
) -> None:
    server.create_user("other_schema", PASSWORD)
    session = idle()
    session.execute("CALL DBMS_APPLICATION_INFO.SET_MODULE('billing', 'close')")
    server.route(session.id, 2)
    session.execute("ALTER SESSION SET CURRENT_SCHEMA = OTHER_SCHEMA")
    session.execute("SET autocommit = 0")
    assert [(row["MODULE"], row["ACTION"], row["DB"]) for row in every_row(session)] == [
        ("billing", "close", "SYS"),
        (None, None, "OTHER_SCHEMA"),
    ]
    server.route(session.id, 1)
    assert session.execute("SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL") == (("OTHER_SCHEMA",),)
    assert session.execute("SHOW VARIABLES LIKE 'autocommit'") == (("autocommit", "OFF"),)


def test_views_of_the_cluster_and_of_a_node(
    server: OceanBaseServer, two_rows: Open, killer: Client, client: Callable[..., Client]
) -> None:
    session = two_rows()
    query = f"SELECT SVR_IP FROM {{}}$OB_PROCESSLIST WHERE ID = {session.id} ORDER BY 1"
    for number, node in enumerate(NODES, start=1):
        server.route(killer.connection.thread_id(), number)
        near = client(port=server.direct_ports[number - 1])
        for one in (killer, near):
            assert one.values(query.format("V")) == [node]
            assert one.values(query.format("GV")) == NODES


def test_who_logs_in_to_the_second_node_itself(
    server: OceanBaseServer, idle: Open, killer: Client, bystander: Session
) -> None:
    first, second = (idle(port=port) for port in server.direct_ports)
    assert where(first) == NODES[:1] and where(second) == NODES[1:]
    assert (first.id >> 18 & 0xFFF, second.id >> 18 & 0xFFF) == (1, 2), "the id has the number of the node"
    assert Client(first.connection).code(f"ALTER SYSTEM KILL SESSION '{second.id}'") == OK
    assert fate(second) == CUT and first.alive()


# --- transactions


@pytest.mark.parametrize("node", [1, 2])
def test_a_transaction_belongs_to_its_node(server: OceanBaseServer, two_rows: Open, killer: Client, node: int) -> None:
    session = two_rows()
    server.route(session.id, node)
    actors.begin(session, database=f"node_{node}")
    server.route(session.id, 3 - node)
    ip = NODES[node - 1]
    assert session.execute(ON) == ((f"{ip}:2882",),), "the proxy keeps to the node"
    rows = {row["SVR_IP"]: row for row in every_row(session)}
    assert [rows[each]["TRANS_ID"] != 0 for each in NODES] == [each == ip for each in NODES]
    number = rows[ip]["TRANS_ID"]
    for view, name in (("LOCKS", "TRANS_ID"), ("TRANSACTION_SCHEDULERS", "TX_ID")):
        query = f"SELECT DISTINCT SVR_IP, SESSION_ID, {name} FROM {{}}$OB_{view} WHERE SESSION_ID = {session.id}"
        assert [tuple(row.values()) for row in killer.rows(query.format("GV"))] == [(ip, session.id, number)]
        assert len(killer.rows(query.format("V"))) == (node == 1)
    session.execute("COMMIT")
    assert session.execute(ON) == ((f"{NODES[2 - node]}:2882",),)


def test_a_holder_on_one_node_blocks_a_waiter_on_the_other(
    server: OceanBaseServer, stack: ExitStack, two_rows: Open
) -> None:
    holder = two_rows()
    actors.begin(holder, database="across")
    waiter = stack.enter_context(actors.waiter(server, database="across"))
    names = "l.SVR_IP, l.SESSION_ID, l.ID1, l.ID2"
    ((number,),) = server.sql(f"SELECT TX_ID FROM GV$OB_TRANSACTION_SCHEDULERS WHERE SESSION_ID = {holder.id}")
    assert server.sql(f"SELECT {names} FROM GV$OB_LOCKS l WHERE BLOCK = 1") == (
        (NODES[0], waiter.id, number, holder.id),
    )
    holder.execute("COMMIT")
    assert fate(waiter) == OK


# --- KILL


@pytest.mark.parametrize("node", [1, 2])
@pytest.mark.parametrize("form", KILLS)
def test_kill_ends_all_rows_and_the_client(
    server: OceanBaseServer,
    spread: Callable[..., BusySession],
    killer: Client,
    bystander: Session,
    form: str,
    node: int,
) -> None:
    assert rule("kill_client_id") == "every node"
    victim, other = spread(), spread()
    server.route(killer.connection.thread_id(), node)
    assert killer.code(form.format(victim.id)) == OK
    assert every_row(victim) == []
    assert fate(victim) == rule("victim_busy") and not victim.alive()
    assert not other.done.is_set() and where(other) == NODES
    assert killer.code(form.format(victim.id)) == rule("kill_unknown")


def test_kill_of_a_client_that_is_idle_everywhere(two_rows: Open, killer: Client, bystander: Session) -> None:
    victim, other = two_rows(), two_rows()
    assert killer.code(f"KILL {victim.id}") == OK
    assert every_row(victim) == [] and fate(victim) == CUT
    assert other.alive() and where(other) == NODES


@pytest.mark.parametrize("shown", [True, False])
def test_a_rollback_goes_on_where_the_transaction_was(
    server: OceanBaseServer, two_rows: Open, killer: Client, policy: Change, shown: bool
) -> None:
    policy(rollback_linger=3600, rolling_back_listed=shown)
    victim = two_rows()
    actors.begin(victim, database=f"rolls_{shown}")
    assert killer.code(f"KILL {victim.id}") == OK and fate(victim) == CUT
    assert where(victim) == (NODES[1:] if shown else [])
    transactions = f"SELECT SVR_IP, STATE FROM GV$OB_TRANSACTION_SCHEDULERS WHERE SESSION_ID = {victim.id}"
    assert server.sql(transactions) == ((NODES[1], "IN_TERMINATE"),)
    server.set_policy("rollback_linger", 0)
    wait_until(lambda: not every_row(victim) and not server.sql(transactions), what="the rollback to end")


def test_a_killed_waiter_lingers_on_its_node(
    server: OceanBaseServer, stack: ExitStack, two_rows: Open, killer: Client, policy: Change
) -> None:
    policy(linger=3600)
    stack.enter_context(actors.idle_in_transaction(server, database="lingers"))
    opened = two_rows()
    victim = BusySession(server, opened.connection, "UPDATE SYS.lingers_t SET v = 5 WHERE id = 1")
    wait_until(lambda: states(victim) == ["SLEEP", "ACTIVE"], what="it to wait")
    assert killer.code(f"KILL {victim.id}") == OK
    assert (where(victim), states(victim)) == (NODES[1:], ["SESSION_KILLED"])
    assert not victim.done.is_set()
    server.set_policy("linger", 0)
    assert fate(victim) == rule("victim_waiter")
    wait_until(lambda: not every_row(victim), what="the last row to go")


def test_kill_query_cancels_on_every_node(
    spread: Callable[..., BusySession], killer: Client, bystander: Session
) -> None:
    victim, other = spread(), spread()
    assert killer.code(f"KILL QUERY {victim.id}") == OK
    assert fate(victim) == rule("victim_cancelled") and victim.alive() and where(victim) == NODES
    assert not other.done.is_set()


@pytest.mark.parametrize("login", [{}, {"user": "ROOT", "tenant": "sys"}])
@pytest.mark.parametrize("form", [*KILLS, "KILL QUERY {}"])
def test_a_client_id_is_no_id_to_a_login_without_the_proxy(
    server: OceanBaseServer,
    spread: Callable[..., BusySession],
    bystander: Session,
    client: Callable[..., Client],
    form: str,
    login: dict[str, str],
) -> None:
    victim = spread()
    for port in server.direct_ports:
        near = client(port=port, **login)
        assert near.code(form.format(bystander.id)) == rule("kill_client_id_directly") == rule("kill_unknown")
        assert near.text(form.format(bystander.id)).endswith(f"-4174, Unknown thread id: {bystander.id}")
        assert near.code(form.format(victim.id)) == rule("kill_client_id_twice_directly") == -4016
    assert states(victim) == ["SLEEP", "ACTIVE"] and not victim.done.is_set()


@pytest.mark.parametrize("node", [1, 2])
def test_the_own_client(server: OceanBaseServer, two_rows: Open, bystander: Session, node: int) -> None:
    session = two_rows()
    server.route(session.id, node)
    assert Client(session.connection).code(f"KILL {session.id}") == rule("kill_self_v2")
    wait_until(lambda: not every_row(session), what="both rows to go")


# --- two proxies with one number


@pytest.mark.parametrize("form", KILLS)
def test_two_clients_with_one_id(
    server: OceanBaseServer,
    idle: Open,
    client: Callable[..., Client],
    account: Callable[..., Account],
    bystander: Session,
    form: str,
) -> None:
    login = account("ALTER SYSTEM")
    for _turn in range(2):
        server.next_session_id(4711)
    first, second = idle(**login), idle()
    one = client(**login)
    assert first.id == second.id == 4711
    rows = every_row(first)
    assert [(row["SVR_IP"], row["USER"]) for row in rows] == [(NODES[0], login["user"]), (NODES[1], "SYS")]
    assert rows[0]["PROXY_SESSID"] != rows[1]["PROXY_SESSID"]
    with pytest.raises(ValueError, match="2 clients of the proxy have the id 4711"):
        server.route(4711, 1)
    assert rule("kill_client_id_owner") == "first node"
    assert one.code(form.format(4711)) == OK, "although the other one is not its own"
    assert (fate(first), fate(second)) == (CUT, CUT) and every_row(first) == []


@pytest.mark.parametrize(("number", "node"), [(4, 1), (None, 0), (None, 3)])
def test_what_cannot_be_routed(server: OceanBaseServer, bystander: Session, number: int | None, node: int) -> None:
    with pytest.raises(ValueError, match="clients of the proxy"):
        server.route(number or bystander.id, node)
