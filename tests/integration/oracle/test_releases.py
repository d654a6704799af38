# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each release of Oracle Database has, and what is refused before it: 11.2-like, 12.1, 12.2, 18c, 23ai."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

from .rows import named, the

Run = Callable[..., dict[str, Any]]
Release = Callable[[str], OracleServer]

# What no driver in thin mode talks to calls itself 11.2 here and speaks as 12.1 does: the dialect can be tried so.
LIKE_11_2 = {"version": "11.2.0.4.0", "field_version": 7}


@pytest.fixture(scope="module")
def release(server: Any) -> Iterator[Release]:
    """``release("23.0.0.0.0")``: a stand-in of this release, started when it is first asked for."""
    if not isinstance(server, OracleServer):
        pytest.skip("needs the stand-in")
    started: dict[str, OracleServer] = {}
    with ExitStack() as stack:

        def get(version: str) -> OracleServer:
            if version not in started:
                options = LIKE_11_2 if version.startswith("11.") else {"version": version}
                started[version] = stack.enter_context(OracleServer(**options))
            started[version].reset_calls()
            return started[version]

        yield get


@pytest.fixture(scope="module")
def run_at(run_module: Run) -> Callable[..., dict[str, Any]]:
    """``run_at(server, module, options)``: as run_module, with the administrator's login there."""

    def run(server: OracleServer, module: str, options: dict[str, Any], **settings: Any) -> dict[str, Any]:
        login = {"login_dsn": server.dsn, "login_user": server.administrator, "login_password": server.password}
        return run_module(module, {**login, **options}, **settings)

    return run


def kill(session: Session, how: str) -> str:
    return f"ALTER SYSTEM KILL SESSION '{session.sid},{session.serial},@1' {how}"


RELEASES = ["11.2.0.4.0", "12.1.0.2.0", "12.2.0.1.0", "18.0.0.0.0", "21.0.0.0.0", "23.0.0.0.0"]


@pytest.mark.parametrize("version", RELEASES)
def test_each_release_is_listed_and_killed_on(release: Release, run_at: Run, version: str) -> None:
    server = release(version)
    with actors.idle_in_transaction(server) as victim, actors.sleeping(server) as busy:
        server.reset_calls()
        listing = run_at(server, "session_info", {"include": ["sql_text", "blockers"]})
        assert not listing["failed"], listing["msg"]
        assert listing["database"]["version"].startswith(version[:4]) and listing["database"]["container"] == "ORCL"
        rows = {row["sid"]: row for row in listing["sessions"]}
        assert (
            rows[victim.sid]["protected_by"] == "system_users" and rows[victim.sid]["transaction"]["undo_records"] == 1
        )
        assert "UPDATE" in rows[busy.sid]["sql_text"] and rows[busy.sid]["blocked_by"]
        allow = {"allow": ["system_users"]}
        result = run_at(server, "session_kill", {**named(victim), **allow})
        assert the(result)["outcome"] == "ended" and not victim.alive()
        result = run_at(server, "session_disconnect", {**named(busy), **allow})
        assert the(result)["outcome"] == "ended" and not busy.alive()
        assert server.statements() == [
            kill(victim, "IMMEDIATE"),
            f"ALTER SYSTEM DISCONNECT SESSION '{busy.sid},{busy.serial}' IMMEDIATE",
        ]


def test_without_oracle_maintained_the_list_of_users_is_fixed(release: Release, run_at: Run) -> None:
    server = release("11.2.0.4.0")
    server.create_user("APP_11", server.password)
    with actors.idle(server, user="app_11") as app, actors.idle(server) as system:
        rows = {row["sid"]: row for row in run_at(server, "session_info", {})["sessions"]}
        assert rows[app.sid]["protected_by"] is None and rows[system.sid]["protected_by"] == "system_users"


def test_a_server_too_old_for_the_thin_mode_names_the_thick_one(release: Release, run_module: Run) -> None:
    with OracleServer(version="11.2.0.4.0") as server:
        result = run_module("session_info", {"login_dsn": server.dsn})
    assert result["failed"] and result["msg"].startswith("login_thick_mode: the driver's thin mode cannot do this ")


# --- 23ai


@pytest.fixture
def stubborn(release: Release) -> Iterator[BusySession]:
    """A session of 23ai in a call that hears of nothing."""
    server = release("23.0.0.0.0")
    session = BusySession(server, server.connect(), "BEGIN STANDIN.HOLD(60); END;")
    actors._await_session(session, "status = 'ACTIVE'")
    with session:
        yield session
        if not session.done.is_set():
            server.sql(f"ALTER SYSTEM DISCONNECT SESSION '{session.sid},{session.serial}' IMMEDIATE")


@pytest.mark.parametrize(
    ("options", "how", "outcome"),
    [
        ({"force": True, "server_timeout": 1}, "FORCE TIMEOUT 1", "ended"),
        ({"server_timeout": 1}, "IMMEDIATE TIMEOUT 1", "pending"),
        ({"server_timeout": 1, "immediate": False}, "TIMEOUT 1", "pending"),
        ({"noreplay": True}, "IMMEDIATE NOREPLAY", "pending"),
        ({"noreplay": True, "immediate": False, "server_timeout": 0}, "NOREPLAY TIMEOUT 0", "pending"),
        ({"force": True, "noreplay": True, "server_timeout": 0}, "FORCE NOREPLAY TIMEOUT 0", "ended"),
    ],
)
def test_options_of_23ai(
    release: Release, run_at: Run, stubborn: BusySession, options: dict[str, Any], how: str, outcome: str
) -> None:
    server = release("23.0.0.0.0")
    asked = {**named(stubborn), **options, "allow": ["system_users"], "wait_timeout": 0.3}
    result = run_at(server, "session_kill", asked)
    row = the(result)
    assert (row["statement"], row["outcome"]) == (kill(stubborn, how), outcome), row["reason"]
    assert server.statements() == [kill(stubborn, how)] and "error" not in row


def test_force_ends_what_immediate_cannot(release: Release, run_at: Run) -> None:
    server = release("23.0.0.0.0")
    server.set_policy("kill_force_wait_seconds", 0.5)
    session = BusySession(server, server.connect(), "BEGIN STANDIN.HOLD(60); END;")
    actors._await_session(session, "status = 'ACTIVE'")
    with session, actors.sleeping(server) as bystander:
        server.reset_calls()
        result = run_at(server, "session_kill", {**named(session), "force": True, "allow": ["system_users"]})
        session.wait()
        assert the(result)["outcome"] == "ended" and not session.alive() and not bystander.done.is_set()
        assert server.statements() == [kill(session, "FORCE")]


def test_a_disconnect_of_23ai_has_no_noreplay(release: Release, run_at: Run) -> None:
    server = release("23.0.0.0.0")
    with actors.idle(server) as bystander:
        asked = {**named(bystander), "noreplay": True, "post_transaction": True, "allow": ["system_users"]}
        result = run_at(server, "session_disconnect", asked)
        assert result["failed"] and result["msg"].startswith("noreplay: since 23ai a disconnect has no such clause")
        assert bystander.alive() and not server.statements()


# --- before that


@pytest.mark.parametrize(
    ("version", "module", "options", "sentence"),
    [
        (
            "12.1.0.2.0",
            "sql_cancel",
            {},
            "sql_cancel: it exists since Oracle Database 18c, and this is 12.1.0.2.0; leave it out.",
        ),
        (
            "12.1.0.2.0",
            "sql_cancel",
            {"allow_undocumented": True},
            "sql_cancel: it exists since Oracle Database 18c, and this is 12.1.0.2.0; leave it out.",
        ),
        ("12.2.0.1.0", "sql_cancel", {}, "sql_cancel: it exists since Oracle Database 18c, and this is 12.2.0.1.0; "),
        (
            "11.2.0.4.0",
            "session_kill",
            {"noreplay": True, "immediate": False},
            "noreplay: it exists since Oracle Database 12.1, ",
        ),
        ("11.2.0.4.0", "session_disconnect", {"noreplay": True}, "noreplay: it exists since Oracle Database 12.1, "),
        (
            "12.1.0.2.0",
            "session_kill",
            {"force": True, "allow_undocumented": True},
            "force: it exists since Oracle Database 23ai, ",
        ),
        ("21.0.0.0.0", "session_kill", {"server_timeout": 1}, "server_timeout: it exists since Oracle Database 23ai, "),
    ],
)
def test_what_a_release_does_not_have(
    release: Release, run_at: Run, version: str, module: str, options: dict[str, Any], sentence: str
) -> None:
    server = release(version)
    with actors.idle(server) as bystander:
        for check in (True, False):
            asked = {**named(bystander), **options, "allow": ["system_users"]}
            result = run_at(server, module, asked, check=check)
            assert result["failed"] and result["msg"].startswith(sentence), result["msg"]
        assert bystander.alive() and not server.statements()


@pytest.mark.parametrize(("version", "options"), [("12.2.0.1.0", {"allow_undocumented": True}), ("18.0.0.0.0", {})])
def test_cancel_where_it_works(release: Release, run_at: Run, version: str, options: dict[str, Any]) -> None:
    server = release(version)
    with actors.sleeping(server) as busy:
        result = run_at(server, "sql_cancel", {**named(busy), **options, "allow": ["system_users"]})
        busy.wait()
        assert the(result)["outcome"] == "ended" and busy.error_code == 1013 and busy.alive()


def test_no_replay_on_12_1(release: Release, run_at: Run) -> None:
    server = release("12.1.0.2.0")
    with actors.sleeping(server) as busy, actors.idle(server) as idle:
        server.reset_calls()
        asked: dict[str, Any] = {"noreplay": True, "immediate": False, "allow": ["system_users"]}
        result = run_at(server, "session_kill", {**named(busy), **asked})
        busy.wait()
        assert the(result)["outcome"] == "ended" and busy.error_code == 45
        asked |= {"post_transaction": True, "wait_timeout": 0}
        result = run_at(server, "session_disconnect", {**named(idle), **asked})
        assert the(result)["statement"].endswith(" POST_TRANSACTION NOREPLAY")
        assert [text.rpartition("' ")[2] for text in server.statements()] == ["NOREPLAY", "POST_TRANSACTION NOREPLAY"]
