# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OceanBase in Oracle mode, what only it has: its grammar, privileges and numbers, and the id spaces of a proxy.

The server is the stand-in, the driver is the real one; the contract set and the races run over it as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.dbops.oracle_sessions.plugins.filter.plan import plan
from servers import oceanbase_actors as actors
from servers.actors import Session, wait_until
from servers.seekdb import Seekdb

from ..conftest import Play, launch
from ..sites import OceanBaseOracle, Wire
from .tenant import MAY_KILL, MAY_LIST, idle, outcomes, run, serving

# The ids of the reference document.
KILL_USER, SYS = 3221487726, 3221487722

# --- which mode it is


@pytest.mark.parametrize("dialect", ["oceanbase", "oceanbase_oracle"])
def test_the_mode_is_recognised_or_named(site: OceanBaseOracle, dialect: str) -> None:
    with Wire(site) as wire:
        result = run(site, "session_info", wire, dialect=dialect)
        assert not result["failed"] and result["database"]["dialect"] == "oceanbase_oracle"
        assert (result["database"]["container"], result["database"]["proxy"]) == (site.server.tenant, None)
        # Nobody is told of Oracle mode who has not asked, unless the user says that it is one.
        assert wire.connections == (2 if dialect == "oceanbase" else 1)


def test_the_wrong_mode_names_the_right_one(site: OceanBaseOracle, server: Seekdb) -> None:
    result = run(site, "session_info", dialect="oceanbase_mysql")
    assert result["failed"] and re.match(r"dialect: SYS@\w+ belongs to a tenant in Oracle mode", result["msg"])
    assert "set dialect to oceanbase_oracle, or to oceanbase" in result["msg"]
    login = {"login_dsn": server.dsn, "login_user": "root", "dialect": "oceanbase_oracle"}
    result = launch("session_info", login).result()
    assert result["msg"].startswith("dialect: root belongs to a tenant in MySQL mode; set dialect to oceanbase_mysql")


# --- the reference document's example


def test_the_session_of_the_reference_document_is_killed() -> None:
    with serving(listing="everybody") as site, ExitStack() as stack:
        site.server.create_user("kill_user", "killuser123", ("CREATE SESSION", "ALTER SYSTEM"))
        account = {"user": "KILL_USER", "password": "killuser123"}
        site.server.next_session_id(SYS)
        bystander = idle(site, stack, site.system_login)
        site.server.next_session_id(KILL_USER)
        victim = idle(site, stack, account)
        assert (bystander.id, victim.id) == (SYS, KILL_USER)
        site.server.sql("GRANT SELECT ON SYS.GV$OB_PROCESSLIST TO kill_user")
        login = site.as_account(account)
        planned = launch("session_kill", {**_dsn(site), **login, "sid": KILL_USER}, check=True).result()
        assert victim.alive() and outcomes(planned) == {KILL_USER: "planned"}
        result = run(site, "session_kill", sid=KILL_USER, **login)
        assert not victim.alive() and bystander.alive()
        (row,) = result["sessions"]
        assert (row["outcome"], row["statement"]) == ("ended", "ALTER SYSTEM KILL SESSION '3221487726'")
        assert row["statement"] == planned["sessions"][0]["statement"]
        again = run(site, "session_kill", sid=KILL_USER, **login)
        assert outcomes(again) == {KILL_USER: "gone"} and not again["changed"] and not again["failed"]


def _dsn(site: OceanBaseOracle) -> dict[str, Any]:
    return {"login_dsn": site.server.dsn, "dialect": site.dialect}


def test_a_serial_is_dropped_with_a_warning(site: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(site) as wire:
        victim = idle(site, stack)
        result = run(site, "session_kill", wire, sid=victim.id, serial=15)
        assert not victim.alive() and wire.ended() == [f"ALTER SYSTEM KILL SESSION '{victim.id}'"]
    assert [warning.startswith("serial 15 was dropped") for warning in result["warnings"]] == [True]


@pytest.mark.parametrize("option", [{"immediate": False}, {"force": True}, {"noreplay": True}, {"server_timeout": 5}])
def test_what_the_statement_does_not_have_is_refused(site: OceanBaseOracle, option: dict[str, Any]) -> None:
    with ExitStack() as stack, Wire(site) as wire:
        bystander = idle(site, stack)
        result = run(site, "session_kill", wire, sid=bystander.id, **option)
        assert bystander.alive() and wire.ended() == []
    assert result["msg"].startswith(f"{next(iter(option))}: the KILL of OceanBase has no such option")


def test_there_is_no_disconnect(site: OceanBaseOracle) -> None:
    with ExitStack() as stack, Wire(site) as wire:
        bystander = idle(site, stack)
        result = run(site, "session_disconnect", wire, sid=bystander.id)
        assert bystander.alive() and wire.ended() == []
    assert "OceanBase has no DISCONNECT SESSION; use session_kill" in result["msg"]


# --- privileges and errors, with either prefix


@pytest.mark.parametrize("prefix", ["ORA", "OBE"])
def test_what_the_server_refuses(prefix: str) -> None:
    with serving(error_prefix=prefix) as site, ExitStack() as stack:
        bystander = idle(site, stack)
        stranger, lacking = site.create_user(MAY_KILL), site.create_user(MAY_LIST)
        result = run(site, "session_kill", sid=bystander.id, **site.as_account(stranger))
        (row,) = result["sessions"]
        assert (row["outcome"], row["error"]["code"]) == ("refused", -5251) and result["failed"]
        assert f"{prefix}-00600" in row["reason"] and "You are not owner of thread" in row["reason"]

        result = run(site, "session_kill", sid=bystander.id, **site.as_account(lacking))
        (row,) = result["sessions"]
        assert (row["outcome"], row["error"]["code"]) == ("failed", 1031)
        assert row["reason"].startswith(f"missing privilege: {prefix}-01031")
        assert "GRANT ALTER SYSTEM TO the login user" in row["reason"]
        assert bystander.alive()


def test_check_mode_says_that_the_privilege_is_missing(site: OceanBaseOracle) -> None:
    with ExitStack() as stack:
        bystander = idle(site, stack)
        options = {**_dsn(site), **site.as_account(site.create_user(MAY_LIST)), "sid": bystander.id}
        result = launch("session_kill", options, check=True).result()
        assert bystander.alive() and outcomes(result) == {bystander.id: "planned"}
    assert any("it lacks ALTER SYSTEM" in warning for warning in result["warnings"])


def test_one_s_own_sessions_need_no_more_than_alter_system(site: OceanBaseOracle) -> None:
    account = site.create_user(MAY_KILL)
    with ExitStack() as stack:
        victim, bystander = idle(site, stack, account), idle(site, stack)
        match = {"username": account["user"], "idle": 0}
        result = run(site, "session_kill", match=match, **site.as_account(account))
        assert not victim.alive() and bystander.alive() and outcomes(result) == {victim.id: "ended"}


def test_who_does_not_see_the_others_may_not_speak_of_them(site: OceanBaseOracle) -> None:
    account = site.create_user(("CREATE SESSION", "ALTER SYSTEM", "SELECT ON SYS.GV$OB_PROCESSLIST"))
    login = site.as_account(account)
    with ExitStack() as stack, Wire(site) as wire:
        bystander = idle(site, stack)
        result = run(site, "session_kill", wire, match={"idle": 1}, **login)
        assert "it lacks the privilege SHOW PROCESS" in result["msg"] and "GRANT SHOW PROCESS TO it" in result["msg"]
        hidden = run(site, "session_kill", wire, sid=bystander.id, **login)
        assert outcomes(hidden) == {bystander.id: "failed"} and "may mean nothing" in hidden["sessions"][0]["reason"]
        assert bystander.alive() and wire.ended() == []
        listing = run(site, "session_info", **login)
        assert any("SHOW PROCESS" in warning for warning in listing["warnings"])


# --- servers that do not know the statement


@pytest.mark.parametrize("options", [{"knows_kill_session": False}, {"version": "3.2.4.5"}], ids=["4.x", "3.x"])
def test_a_server_without_the_statement_gets_kill(options: dict[str, Any]) -> None:
    with serving(**options) as site, ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        victims, bystander = [idle(site, stack, account) for _turn in range(3)], idle(site, stack)
        result = run(site, "session_kill", wire, match={"username": account["user"]})
        assert not any(victim.alive() for victim in victims) and bystander.alive()
        told = {row["sid"]: row["statement"] for row in result["sessions"]}
        assert told == {victim.id: f"KILL {victim.id}" for victim in victims}, "the result says which"
        assert result["counts"]["ended"] == 3 and not result["failed"]
        assert (wire.ended() or [])[-3:] == sorted(told.values())


def test_before_4_a_rule_says_what_cannot_be_seen() -> None:
    with serving(version="3.2.4.5") as site, ExitStack() as stack, Wire(site) as wire:
        bystander = idle(site, stack)
        for match in ({"in_transaction": False}, {"blocked": False}, {"transaction_age": 0}):
            result = run(site, "session_kill", wire, match=match)
            option = next(iter(match))
            assert result["msg"].startswith(f"{option}: it cannot be seen here (") and wire.ended() == []
        assert bystander.alive()


# --- the proxy


def greeted(session: Session) -> int:
    """The id that the client was told at its login: behind a proxy, the proxy's."""
    return session.connection.thread_id()


def test_behind_a_proxy_with_ids_of_its_own_the_server_s_id_is_killed() -> None:
    with serving(proxy="v1") as site, ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        victim, bystander = idle(site, stack, account), idle(site, stack)
        assert greeted(victim) < 2**31 < victim.id
        result = run(site, "session_kill", wire, match={"username": account["user"]})
        assert not victim.alive() and bystander.alive()
        assert result["database"]["proxy"] == "v1" and outcomes(result) == {victim.id: "ended"}
        assert wire.ended() == [f"ALTER SYSTEM KILL SESSION '{victim.id}'"]


def test_a_proxy_s_own_id_names_nobody() -> None:
    with serving(proxy="v1") as site, ExitStack() as stack:
        bystander = idle(site, stack)
        result = run(site, "session_kill", sid=greeted(bystander))
        assert bystander.alive() and outcomes(result) == {greeted(bystander): "failed"} and not result["changed"]
        assert "is an id of the proxy, which no server knows; take one from session_info" in result["msg"]


def test_what_such_a_proxy_takes_for_itself_is_refused() -> None:
    with serving(proxy="v1") as site, ExitStack() as stack, Wire(site) as wire:
        account = site.create_user()
        busy = stack.enter_context(actors.sleeping(site.server, **account))
        match = {"username": account["user"], "active": 0}
        result = run(site, "sql_cancel", wire, match=match)
        assert result["failed"] and wire.ended() == [] and not busy.done.is_set()
        assert result["msg"].startswith("login_dsn: it leads through the proxy ODP, which takes KILL QUERY for itself")
        assert "give the address of a server" in result["msg"]
        direct = run(site, "sql_cancel", match=match, login_dsn=site.server.direct_dsn)
        busy.wait()
        assert busy.error_code == site.cancelled and busy.alive() and outcomes(direct) == {busy.id: "ended"}


def test_a_server_behind_such_a_proxy_that_does_not_know_the_statement() -> None:
    with serving(proxy="v1", knows_kill_session=False) as site, ExitStack() as stack, Wire(site) as wire:
        bystander = idle(site, stack)
        result = run(site, "session_kill", wire, sid=bystander.id)
        assert bystander.alive() and outcomes(result) == {bystander.id: "failed"}
        assert wire.ended() == [f"ALTER SYSTEM KILL SESSION '{bystander.id}'"]
        assert "log in to a server itself" in result["sessions"][0]["reason"]


def test_ids_of_the_whole_cluster_do_for_everything() -> None:
    with serving(proxy="v2") as site, ExitStack() as stack:
        account = site.create_user()
        busy, bystander = stack.enter_context(actors.sleeping(site.server, **account)), idle(site, stack)
        assert greeted(busy) == busy.id < 2**31
        cancelled = run(site, "sql_cancel", match={"username": account["user"], "active": 0})
        busy.wait()
        assert outcomes(cancelled) == {busy.id: "ended"} and cancelled["database"]["proxy"] == "v2" and busy.alive()
        result = run(site, "session_kill", match={"username": account["user"]})
        assert not busy.alive() and bystander.alive() and outcomes(result) == {busy.id: "ended"}


# --- offline, and in a policy


def test_a_saved_list_gives_the_same_plan(site: OceanBaseOracle) -> None:
    with ExitStack() as stack:
        account = site.create_user()
        victim, bystander = idle(site, stack, account), idle(site, stack)
        saved = run(site, "session_info")
        found = plan(saved, {"match": {"username": account["user"], "idle": 0}})
        (row,) = found["sessions"]
        assert (row["sid"], row["outcome"]) == (victim.id, "planned")
        assert row["statement"] == f"ALTER SYSTEM KILL SESSION '{victim.id}'"
        result = run(site, "session_kill", match={"username": account["user"], "idle": 0})
        assert [each["statement"] for each in result["sessions"]] == [row["statement"]]
        assert not victim.alive() and bystander.alive()


def test_a_policy_cleans_up(site: OceanBaseOracle, run_playbook: Callable[..., Play]) -> None:
    with ExitStack() as stack:
        account, innocent = site.create_user(), site.create_user()
        busy = stack.enter_context(actors.sleeping(site.server, **account))
        holder = stack.enter_context(actors.idle_in_transaction(site.server, database="policy", **account))
        bystander = idle(site, stack, innocent)
        policy = [
            {"name": "busy", "match": {"username": account["user"], "active": 0}, "then": ["cancel"]},
            {"name": "open", "match": {"username": account["user"], "in_transaction": True}, "then": ["kill"]},
        ]
        names = {f"oracle_sessions_{name}": value for name, value in site.login.items()}
        host = {**names, "oracle_sessions_login_dsn": site.server.dsn, "oracle_sessions_policy": policy}
        play = {"hosts": "all", "gather_facts": False, "roles": ["dbops.oracle_sessions.session_cleanup"]}
        done = run_playbook({"shop": host}, [play])
        assert done.code == 0, done.output
        busy.wait()
        assert busy.error_code == site.cancelled and busy.alive() and not holder.alive() and bystander.alive()
        wait_until(lambda: site.state(holder) is None, what="the killed session to go")
        assert "changed=0" in run_playbook({"shop": host}, [play]).output
