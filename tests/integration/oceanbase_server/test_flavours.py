# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases, prefixes of errors, tenants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from integration.oceanbase_server.life import Client, fate, rule

from servers import oceanbase_actors as actors
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import CUT, OK


@contextmanager
def serving(**options: Any) -> Iterator[tuple[OceanBaseServer, Client, ExitStack]]:
    with OceanBaseServer(**options) as server, ExitStack() as stack:
        yield server, Client(stack.enter_context(server.connect())), stack


@pytest.mark.parametrize("prefix", ["ORA", "OBE"])
def test_errors_begin_as_the_cluster_wants(prefix: str) -> None:
    with serving(error_prefix=prefix) as (_server, one, _stack):
        assert one.text("SELECT * FROM nosuch") == f"{prefix}-00942: table or view does not exist"
        text = f"{prefix}-00600: internal error code, arguments: -4174, Unknown thread id: 4"
        assert one.text("KILL 4") == one.text("ALTER SYSTEM KILL SESSION '4'") == text
        assert one.text("foo").startswith(f"{prefix}-00900: You have an error in your SQL syntax")


def test_before_version_4() -> None:
    with serving(version="3.2.4.5") as (server, one, stack):
        assert one.rows("SHOW VARIABLES LIKE 'version_comment'")[0]["VALUE"].startswith("OceanBase 3.2.4.5 (r")
        victim, bystander = stack.enter_context(actors.sleeping(server)), stack.enter_context(actors.idle(server))
        for view in ("GV$OB_PROCESSLIST", "V$OB_LOCKS", "GV$OB_TRANSACTION_SCHEDULERS"):
            assert one.text(f"SELECT * FROM SYS.{view}").startswith("ORA-00942")
        statement = f"ALTER SYSTEM KILL SESSION '{victim.id}'"
        assert one.text(statement).startswith("ORA-00900") and not victim.done.is_set()
        rows = {row["ID"]: row for row in one.rows("SHOW FULL PROCESSLIST")}
        assert rows[victim.id]["INFO"] == victim.statement and rows[bystander.id]["STATE"] == "SLEEP"
        assert one.code(f"KILL QUERY {victim.id}") == OK and fate(victim) == rule("victim_cancelled")
        assert one.code(f"KILL {victim.id}") == OK and not victim.alive() and bystander.alive()


def test_a_server_that_does_not_know_the_statement() -> None:
    with serving(knows_kill_session=False) as (server, one, stack):
        victim = stack.enter_context(actors.idle(server))
        assert one.code(f"ALTER SYSTEM KILL SESSION '{victim.id}'") == 900 and victim.alive()
        assert one.code(f"KILL {victim.id}") == OK and fate(victim) == CUT


@pytest.mark.parametrize(("version", "views"), [("4.0.0.0", 1), ("4.2.0.0", 2), ("4.2.1.0", 3), ("4.3.5.1", 3)])
def test_views_that_came_with_a_release(version: str, views: int) -> None:
    with serving(version=version) as (_server, one, _stack):
        names = ("OB_PROCESSLIST", "OB_LOCKS", "OB_TRANSACTION_SCHEDULERS")
        there = [one.code(f"SELECT 1 FROM GV${name}") == one.code(f"SELECT 1 FROM V${name}") == OK for name in names]
        assert there == [number < views for number in range(3)]


@pytest.mark.parametrize(("version", "named"), [("4.2.3.0", False), ("4.2.4.0", True)])
def test_who_holds_a_lock_is_said_since_a_release(version: str, named: bool) -> None:
    with serving(version=version) as (server, one, stack):
        holder = stack.enter_context(actors.idle_in_transaction(server))
        waiter = stack.enter_context(actors.waiter(server))
        shown = one.value(f"SELECT ID2 FROM GV$OB_LOCKS WHERE SESSION_ID = {waiter.id} AND BLOCK = 1")
        assert (shown == holder.id) is named


# --- tenants


def test_tenants_do_not_see_or_end_each_other() -> None:
    with serving(tenants=("other",)) as (server, one, stack):
        far = stack.enter_context(actors.idle(server, tenant="other"))
        assert far.id not in one.values("SELECT ID FROM GV$OB_PROCESSLIST")
        assert far.id not in one.values("SHOW PROCESSLIST")
        for form in ("KILL {}", "KILL QUERY {}", "ALTER SYSTEM KILL SESSION '{}'"):
            assert one.code(form.format(far.id)) == rule("kill_not_owner")
        assert far.alive()
        one.rows("CREATE TABLE t (id NUMBER(10))")
        assert Client(stack.enter_context(server.connect(tenant="other"))).code("SELECT * FROM t") == 942


def test_the_administrator_of_all_tenants_sees_and_ends_everybody() -> None:
    with serving(tenants=("other",)) as (server, one, stack):
        far, near = (stack.enter_context(actors.idle(server, tenant=name)) for name in ("other", "shop"))
        root = Client(stack.enter_context(server.connect(user="ROOT", tenant="sys")))
        tenants = {row["ID"]: row["TENANT"] for row in root.rows("SELECT ID, TENANT FROM GV$OB_PROCESSLIST")}
        assert tenants[far.id] == "other" and tenants[near.id] == "shop"
        assert {far.id, near.id} <= set(root.values("SHOW PROCESSLIST"))
        assert root.code(f"ALTER SYSTEM KILL SESSION '{far.id}'") == OK
        assert fate(far) == CUT and near.alive() and one.value("SELECT 1 FROM DUAL") == 1


def test_accounts_of_tenants_are_not_each_other_s() -> None:
    with serving(tenants=("other",)) as (server, _one, stack):
        server.create_user("a", "x", tenant="other")
        server.create_user("b", "x", tenant="sys")
        stack.enter_context(server.connect(user="a", password="x", tenant="other"))
        stack.enter_context(server.connect(user="b", password="x", tenant="sys"))
        with pytest.raises(Exception, match="Access denied"):
            server.connect(user="a", password="x")


def test_two_servers_in_one_program_do_not_meet() -> None:
    with serving() as (one, here, stack), serving(version="4.2.5.0") as (_other, there, _stack):
        session = stack.enter_context(actors.sleeping(one))
        assert session.id not in there.values("SHOW PROCESSLIST")
        assert (here.value("SELECT OB_VERSION() FROM DUAL"), there.value("SELECT OB_VERSION() FROM DUAL")) == (
            "4.3.5.1",
            "4.2.5.0",
        )
