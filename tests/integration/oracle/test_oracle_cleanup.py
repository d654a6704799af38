# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_cleanup and the playbooks on Oracle Database, and one policy for both databases in one play."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers import actors as oceanbase_actors
from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session
from servers.real_oracle import RealOracle
from servers.seekdb import Seekdb

Server = OracleServer | RealOracle
Busy = Callable[..., BusySession]
User = dict[str, str]
Cleanup = Callable[..., Any]

ROLE = "dbops.oracle_sessions.session_cleanup"
CANCEL, DISCONNECT, KILL, REPORT = "Cancel what they run", "Disconnect them", "Kill them", "report"


@pytest.fixture
def host(login: dict[str, Any]) -> dict[str, Any]:
    """The variables of a host that is this database."""
    return {f"oracle_sessions_{name}": value for name, value in login.items()}


def play(policy: Any, **variables: Any) -> dict[str, Any]:
    return {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"oracle_sessions_policy": policy}
        | {f"oracle_sessions_{name}": value for name, value in variables.items()},
        "tasks": [
            {
                "block": [{"include_role": {"name": ROLE}}],
                "always": [{"name": REPORT, "debug": {"msg": "{{ oracle_sessions_report }}"}}],
            }
        ],
    }


@pytest.fixture
def cleanup(run_playbook: Any, host: dict[str, Any]) -> Cleanup:
    """``cleanup(policy, *arguments, **variables)``: a play of the role, report included."""
    return lambda policy, *arguments, **variables: run_playbook({"db1": host}, [play(policy, **variables)], *arguments)


def outcomes(done: Any, task: str) -> dict[int, str]:
    """What became of each session in the one rung that ran this task; the others skipped it."""
    (result,) = (each["result"] for each in done.results if each["task"] == task and "sessions" in each["result"])
    return {row["sid"]: row["outcome"] for row in result["sessions"]}


# --- ladders


def test_cancel_then_disconnect(
    stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User, create_user: Any
) -> None:
    stubborn = running("BEGIN STANDIN.HOLD(120); END;", **db_user)
    with actors.sleeping(stand_in, **db_user) as obedient, actors.sleeping(stand_in, **create_user()) as bystander:
        policy = [
            {
                "name": "running",
                "match": {"username": db_user["user"], "active": 0},
                "then": ["cancel", {"disconnect": {"after": "1s"}}],
            }
        ]
        done = cleanup(policy)
        assert done.code == 0, done.output
        assert outcomes(done, CANCEL) == {stubborn.sid: "pending", obedient.sid: "ended"}
        assert outcomes(done, DISCONNECT) == {stubborn.sid: "ended"}
        obedient.wait()
        stubborn.wait()
        assert obedient.error_code == 1013 and obedient.alive() and not stubborn.alive()
        assert not bystander.done.is_set()
        report = done.of(REPORT)["msg"]["rules"][0]
        assert (report["matched"], report["done"], report["verbs"]) == (2, 2, ["cancel", "disconnect"])


def test_disconnect_after_the_transaction_then_kill(server: Server, cleanup: Cleanup, db_user: User) -> None:
    with (
        actors.idle_in_transaction(server, database="ladder", **db_user) as working,
        actors.idle(server, **db_user) as idle,
        actors.idle(server) as bystander,
    ):
        policy = [
            {
                "name": "drain",
                "match": {"username": db_user["user"]},
                "then": [
                    {"disconnect": {"post_transaction": True, "immediate": True}},
                    {"kill": {"after": "1s"}},
                ],
            }
        ]
        done = cleanup(policy)
        assert done.code == 0, done.output
        assert outcomes(done, DISCONNECT) == {working.sid: "pending", idle.sid: "ended"}
        assert outcomes(done, KILL) == {working.sid: "ended"}
        assert not working.alive() and not idle.alive() and bystander.alive()


def test_kill_then_disconnect_of_a_session_that_hears_of_nothing(
    stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User
) -> None:
    stubborn = running("BEGIN STANDIN.HOLD(120); END;", **db_user)
    policy = [
        {
            "name": "stuck",
            "match": {"username": db_user["user"], "active": 0},
            "then": ["kill", {"disconnect": {"after": "1s"}}],
        }
    ]
    done = cleanup(policy)
    assert done.code == 0, done.output
    assert outcomes(done, KILL) == {stubborn.sid: "pending"}
    assert outcomes(done, DISCONNECT) == {stubborn.sid: "ended"}
    stubborn.wait()
    assert [text.split("'")[0] for text in stand_in.statements()] == [
        "ALTER SYSTEM KILL SESSION ",
        "ALTER SYSTEM DISCONNECT SESSION ",
    ]


# --- policies


def test_a_second_run_and_check_mode_change_nothing(
    stand_in: OracleServer, cleanup: Cleanup, pool: Any, db_user: User, tmp_path: Path
) -> None:
    victims, audit = pool(4, **db_user), tmp_path / "audit.jsonl"
    policy = [{"name": "idle ones", "match": {"username": db_user["user"], "idle": 0}, "keep": 1, "per": "username"}]
    stand_in.reset_calls()
    foretold = cleanup(policy, "--check")
    assert foretold.code == 0, foretold.output
    assert all(victim.alive() for victim in victims) and not stand_in.statements()
    assert foretold.of(REPORT)["msg"]["rules"][0]["counts"]["planned"] == 3
    first = cleanup(policy, audit_file=str(audit), comment="CHG-1")
    assert first.code == 0, first.output
    assert sum(victim.alive() for victim in victims) == 1 and len(stand_in.statements()) == 3
    written = [json.loads(line) for line in audit.read_text().splitlines()]
    assert {(line["rule"], line["outcome"], line["comment"]) for line in written} == {("idle ones", "ended", "CHG-1")}
    assert all(line["serial"] and line["inst_id"] == 1 for line in written)
    second = cleanup(policy, audit_file=str(audit))
    assert second.code == 0 and not any(each["result"].get("changed") for each in second.results)
    assert len(audit.read_text().splitlines()) == 3


def test_one_policy_for_both_databases(server: Server, run_playbook: Any, host: dict[str, Any], db_user: User) -> None:
    """The same file, whatever the dialect; each host acts on its own database."""
    user = db_user["user"]
    with Seekdb() as seekdb:
        # Names are compared in upper case, so the same rule fits both.
        seekdb.create_user(user.lower(), "secret", ())
        hosts = {
            "shop_oracle": host,
            "shop_oceanbase": {
                "oracle_sessions_dialect": "oceanbase",
                "oracle_sessions_login_dsn": seekdb.dsn,
                "oracle_sessions_login_user": "root",
            },
        }
        with (
            actors.idle(server, **db_user) as oracle_idle,
            actors.sleeping(server, **db_user) as oracle_busy,
            actors.idle(server) as oracle_bystander,
            oceanbase_actors.idle(seekdb, user=user.lower(), password="secret") as oceanbase_idle,
            oceanbase_actors.sleeping(seekdb, user=user.lower(), password="secret") as oceanbase_busy,
            oceanbase_actors.idle(seekdb) as oceanbase_bystander,
        ):
            policy = [
                {"name": "running", "match": {"username": user, "active": 0}, "then": ["cancel"]},
                {"name": "idle", "match": {"username": user, "idle": 0}, "then": ["kill"]},
            ]
            done = run_playbook(hosts, [play(policy)])
            assert done.code == 0, done.output
            for busy, code in ((oracle_busy, 1013), (oceanbase_busy, 1317)):
                busy.wait()
                assert busy.error_code == code
            assert not oracle_idle.alive() and not oceanbase_idle.alive()
            assert oracle_bystander.alive() and oceanbase_bystander.alive()
    for name, dialect in (("shop_oracle", "oracle"), ("shop_oceanbase", "oceanbase_mysql")):
        report = done.of(REPORT, name)["msg"]
        assert report["counts"]["ended"] >= 2 and report["database"]["dialect"] == dialect, report


# --- the playbooks


def test_kill_session_and_report(server: Server, run_ansible_playbook: Callable[..., Any], db_user: User) -> None:
    with (
        actors.idle_in_transaction(server, database="books", **db_user) as victim,
        actors.waiter(server, database="books") as waiter,
    ):
        shown = run_ansible_playbook("report")
        assert shown.code == 0 and f"session {victim.sid},{victim.serial}" in shown.output, shown.output
        without = run_ansible_playbook("kill_session", "-e", f"oracle_sessions_sid={victim.sid}")
        assert without.code != 0 and "serial: it is missing" in without.output and victim.alive()
        named = [f"oracle_sessions_sid={victim.sid}", f"oracle_sessions_serial={victim.serial}"]
        done = run_ansible_playbook("kill_session", *(each for name in named for each in ("-e", name)))
        assert done.code == 0, done.output
        assert not victim.alive()
        waiter.wait()
        assert waiter.error is None


def test_cleanup_playbook(
    server: Server, run_ansible_playbook: Callable[..., Any], db_user: User, tmp_path: Path
) -> None:
    policy = [{"name": "all of them", "match": {"username": db_user["user"]}}]
    book = tmp_path / "policy.json"
    book.write_text(json.dumps({"oracle_sessions_policy": policy}))
    with Session(server, server.connect(**db_user)) as victim, actors.idle(server) as bystander:
        done = run_ansible_playbook("cleanup", "-e", f"@{book}")
        assert done.code == 0, done.output
        assert not victim.alive() and bystander.alive()


@pytest.fixture
def run_ansible_playbook(run_playbook: Any, host: dict[str, Any]) -> Callable[..., Any]:
    """``run_ansible_playbook(name, *arguments)``: a playbook of the collection, against this database."""
    return lambda name, *arguments: run_playbook(
        {"db1": host}, [{"import_playbook": f"dbops.oracle_sessions.{name}"}], *arguments
    )
