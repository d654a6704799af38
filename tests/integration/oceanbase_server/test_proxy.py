# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind a proxy: which ids are shown where, and which statement takes which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from integration.oceanbase_server.life import Client, code, fate, listed, rule

from servers import oceanbase_actors as actors
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import CUT, OK
from servers.oceanbase_actors import Session

KILLS = ["KILL {}", "KILL QUERY {}", "ALTER SYSTEM KILL SESSION '{}'"]


class World:
    """A server behind a proxy, and clients of both."""

    def __init__(self, server: OceanBaseServer, stack: ExitStack) -> None:
        self.server, self.stack = server, stack

    def client(self, **login: Any) -> Client:
        return Client(self.stack.enter_context(self.server.connect(**login)))

    def direct(self) -> Client:
        return self.client(port=self.server.direct_port)

    def idle(self, **login: Any) -> Session:
        return self.stack.enter_context(actors.idle(self.server, **login))

    def sleeping(self, **login: Any) -> actors.BusySession:
        return self.stack.enter_context(actors.sleeping(self.server, **login))


@contextmanager
def behind(proxy: str | None) -> Iterator[World]:
    with OceanBaseServer(proxy=proxy) as server, ExitStack() as stack:
        server.create_user("a", "x", ("CREATE SESSION", "ALTER SYSTEM", "SUPER"))
        yield World(server, stack)


def known_as(session: Session) -> int:
    """The id that its client was told."""
    return int(session.connection.thread_id())


@pytest.mark.parametrize("proxy", ["v1", "v2"])
def test_what_the_list_says_of_a_client(proxy: str) -> None:
    with behind(proxy) as world:
        session, near = world.idle(), world.idle(port=world.server.direct_port)
        row, other = listed(world.server, session), listed(world.server, near)
        assert row is not None and other is not None
        ip, port = session.connection._sock.getsockname()
        assert (row["USER_CLIENT_IP"], row["USER_CLIENT_PORT"]) == (ip, port)
        assert row["HOST"] != f"{ip}:{port}" and not row["HOST"].startswith(ip), "the address of the proxy"
        assert 2**63 < row["PROXY_SESSID"] < 2**64 and other["PROXY_SESSID"] is None
        assert other["HOST"] == "{}:{}".format(*near.connection._sock.getsockname())
        assert row["SQL_PORT"] == world.server.direct_port != world.server.port


@pytest.mark.parametrize("proxy", [None, "v1", "v2"])
def test_whether_there_is_a_proxy_can_be_asked(proxy: str | None) -> None:
    with behind(proxy) as world:
        statement = "SELECT PROXY_VERSION() FROM DUAL"
        assert world.direct().code(statement) == 904
        assert world.client().code(statement) == (904 if proxy is None else OK)


# --- ids of version 1


def test_version_1_has_two_ids_for_a_client() -> None:
    with behind("v1") as world:
        session = world.idle()
        assert known_as(session) < 2**31 < session.id
        assert listed(world.server, session) is not None
        one = world.client()
        assert one.value("SELECT SYS_CONTEXT('USERENV', 'SID') FROM DUAL") != str(one.connection.thread_id())


def test_version_1_lists_its_own_clients_itself() -> None:
    with behind("v1") as world:
        session, near = world.idle(), world.idle(port=world.server.direct_port)
        one = world.client()
        rows = one.rows("SHOW PROCESSLIST")
        names = "Id Tenant User Host db trans_count svr_session_count state tid pid"
        assert list(rows[0]) == names.split()
        assert {row["Id"] for row in rows} == {known_as(session), one.connection.thread_id()}
        full = one.rows("SHOW FULL PROCESSLIST")
        assert {session.id, near.id} <= {row["ID"] for row in full}, "which goes to the server"
        assert "TIME" in world.direct().rows("SHOW PROCESSLIST")[0]


@pytest.mark.parametrize("form", KILLS[:2])
def test_version_1_takes_its_own_ids_for_kill(form: str) -> None:
    with behind("v1") as world:
        victim, bystander, near = world.sleeping(), world.sleeping(), world.idle(port=world.server.direct_port)
        one = world.client()
        for number in (victim.id, near.id, 4):
            assert one.code(form.format(number)) == rule("proxy_unknown") == 1094
            assert one.text(form.format(number)) == f"Unknown thread id: {number}", "in the words of MySQL"
        assert one.code(form.format(known_as(victim))) == OK
        if "QUERY" in form:
            assert fate(victim) == rule("victim_cancelled") and victim.alive()
        else:
            assert fate(victim) == CUT and listed(world.server, victim) is None
        assert not bystander.done.is_set() and near.alive()


def test_version_1_passes_the_other_statement_on() -> None:
    with behind("v1") as world:
        victim, bystander = world.idle(), world.idle()
        one = world.client()
        assert one.code(f"ALTER SYSTEM KILL SESSION '{known_as(victim)}'") == rule("kill_unknown")
        assert victim.alive()
        assert one.code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == OK
        assert fate(victim) == CUT and bystander.alive()


def test_version_1_does_not_see_a_kill_inside_of_a_block() -> None:
    with behind("v1") as world:
        victim, bystander = world.idle(), world.idle()
        assert world.client().code(f"BEGIN EXECUTE IMMEDIATE 'KILL {victim.id}'; END;") == OK
        assert fate(victim) == CUT and bystander.alive()


def test_version_1_guards_the_clients_of_others() -> None:
    with behind("v1") as world:
        victim = world.idle()
        one = world.client(user="a", password="x")
        for form in KILLS[:2]:
            assert one.code(form.format(known_as(victim))) == rule("proxy_not_owner") == 1095
        assert victim.alive()


def test_version_1_and_the_own_session() -> None:
    with behind("v1") as world:
        one = world.client()
        number = one.connection.thread_id()
        assert one.code(f"KILL QUERY {number}") == rule("proxy_cancel_self") == 1317
        assert one.code(f"KILL {number}") == CUT
        near = world.direct()
        assert near.code(f"KILL {near.connection.thread_id()}") == OK


def test_version_1_takes_the_driver_s_own_kill_as_well() -> None:
    with behind("v1") as world:
        victim = world.idle()
        one = world.client()
        with pytest.raises(Exception, match="Unknown thread id") as caught:
            one.connection.kill(victim.id)
        assert code(caught.value) == rule("proxy_unknown") and victim.alive()
        one.connection.kill(known_as(victim))
        assert fate(victim) == CUT


# --- ids of version 2


@pytest.mark.parametrize("form", KILLS)
def test_version_2_has_one_id_for_everything(form: str) -> None:
    with behind("v2") as world:
        victim, bystander = world.sleeping(), world.sleeping()
        assert victim.id == known_as(victim) < 2**31
        one, near = world.client(), world.direct()
        assert victim.id in one.values("SHOW PROCESSLIST") and victim.id in near.values("SHOW PROCESSLIST")
        assert near.code(form.format(victim.id)) == rule("kill_client_id_directly") and not victim.done.is_set()
        assert one.code(form.format(victim.id)) == OK
        assert fate(victim) == rule("victim_cancelled" if "QUERY" in form else "victim_busy")
        assert not bystander.done.is_set()


def test_version_2_still_takes_the_ids_of_the_server() -> None:
    with behind("v2") as world:
        near = world.idle(port=world.server.direct_port)
        assert near.id > 2**31 and world.client().code(f"ALTER SYSTEM KILL SESSION '{near.id}'") == OK
        assert fate(near) == CUT


def test_version_2_does_not_say_that_nobody_was_cancelled() -> None:
    with behind("v2") as world:
        assert world.client().code("KILL QUERY 4") == rule("cancel_unknown_v2")
        assert world.client().code("KILL QUERY 3221499999") == rule("kill_unknown")
        assert world.client().code("KILL 4") == rule("kill_unknown")
        assert world.direct().code("KILL QUERY 4") == rule("kill_unknown")


@pytest.mark.parametrize(("policy", "outcome"), [({}, rule("kill_self_v2")), ({"kill_self_v2": OK}, OK)])
def test_version_2_and_the_own_session(policy: dict[str, str], outcome: str) -> None:
    with behind("v2") as world, world.server.policies(**policy):
        one = world.client()
        assert one.code(f"KILL {one.connection.thread_id()}") == outcome
        assert one.code("SELECT 1 FROM DUAL") == CUT


def test_version_2_guards_the_sessions_of_others() -> None:
    with behind("v2") as world:
        world.server.create_user("b", "x")
        victim = world.idle()
        assert world.client(user="b", password="x").code(f"KILL {victim.id}") == rule("kill_not_owner")
        assert world.client(user="a", password="x").code(f"KILL {victim.id}") == OK
        assert fate(victim) == CUT
