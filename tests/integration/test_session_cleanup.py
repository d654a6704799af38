# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_cleanup and the playbooks, as users run them, on a real server: the corners of a policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers import actors
from servers.actors import Session, wait_until
from servers.proxy import Proxy
from servers.seekdb import Seekdb

ROLE = "dbops.oracle_sessions.session_cleanup"
KILL, CANCEL, FAIL, REPORT = "Kill them", "Cancel what they run", "Say which rules have failed", "report"

Cleanup = Callable[..., Any]
Pool = Callable[..., list[Session]]
User = dict[str, str]


def host(dsn: str) -> dict[str, Any]:
    return {
        "oracle_sessions_dialect": "oceanbase",
        "oracle_sessions_login_dsn": dsn,
        "oracle_sessions_login_user": "root",
    }


def rule(user: User, name: str = "idle ones", **keys: Any) -> dict[str, Any]:
    return {"name": name, "match": {"username": user["user"], "status": "inactive"}, **keys}


@pytest.fixture
def cleanup(run_playbook: Any, proxy: Proxy) -> Cleanup:
    """``cleanup(policy, *arguments, hosts=(), **variables)``: a play of the role through the proxy, report included."""

    def run(policy: Any, *arguments: str, hosts: tuple[str, ...] = ("db1",), **variables: Any) -> Any:
        play = {
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
        return run_playbook({name: host(proxy.dsn) for name in hosts}, [play], *arguments)

    return run


def kills(proxy: Proxy) -> list[str]:
    return [part for text in proxy.queries for part in text.split(";") if part.strip().upper().startswith("KILL")]


def outcomes(done: Any, task: str) -> dict[int, str]:
    """What became of each session in the one rung that ran this task; the others skipped it."""
    (result,) = (each["result"] for each in done.results if each["task"] == task and "sessions" in each["result"])
    return {row["sid"]: row["outcome"] for row in result["sessions"]}


def refused_before_acting(done: Any, sentence: str) -> bool:
    return done.code != 0 and sentence in done.output


def test_a_second_run_changes_nothing(cleanup: Cleanup, pool: Pool, db_user: User, tmp_path: Path) -> None:
    victims = pool(3, **db_user)
    audit = tmp_path / "audit.jsonl"
    first = cleanup([rule(db_user)], audit_file=str(audit), comment="CHG-1")
    assert first.code == 0, first.output
    assert not any(victim.alive() for victim in victims)
    report = first.of(REPORT)["msg"]
    assert report["rules"][0]["done"] == 3 and report["counts"]["ended"] == 3
    written = [json.loads(line) for line in audit.read_text().splitlines()]
    assert sorted(line["sid"] for line in written) == sorted(victim.id for victim in victims)
    assert {(line["run"], line["rule"], line["comment"]) for line in written} == {(report["run"], "idle ones", "CHG-1")}

    second = cleanup([rule(db_user)], audit_file=str(audit))
    assert second.code == 0, second.output
    assert not any(each["result"].get("changed") for each in second.results)
    assert second.of(REPORT)["msg"]["rules"][0]["matched"] == 0
    assert len(audit.read_text().splitlines()) == 3


def test_a_rung_takes_only_what_the_one_before_has_left(
    cleanup: Cleanup, server: Seekdb, db_user: User, create_user: Any
) -> None:
    other = create_user("ALL ON *.*")
    database = f"ladder_{db_user['user']}"
    with (
        actors.idle_in_transaction(server, database=database, **other) as holder,
        # It notices a cancel only after several seconds.
        actors.waiter(server, database=database, **db_user) as stubborn,
        actors.sleeping(server, **db_user) as obedient,
        actors.sleeping(server, **other) as bystander,
    ):
        running = {"name": "running", "match": {"username": db_user["user"], "active": "0.1s"}}
        done = cleanup([{**running, "then": ["cancel", {"kill": {"after": "1s"}}]}])
        assert done.code == 0, done.output
        assert outcomes(done, CANCEL) == {obedient.id: "ended", stubborn.id: "pending"}
        assert outcomes(done, KILL) == {stubborn.id: "ended"}
        obedient.wait()
        assert obedient.error_code == 1317 and obedient.alive()
        stubborn.wait()
        assert not stubborn.alive()
        assert holder.alive() and not bystander.done.is_set()
        report = done.of(REPORT)["msg"]["rules"][0]
        assert (report["matched"], report["done"], report["verbs"]) == (2, 2, ["cancel", "kill"])
        assert {row["sid"]: row["verb"] for row in report["sessions"]} == {obedient.id: "cancel", stubborn.id: "kill"}


def test_a_ladder_ends_where_nobody_is_left(cleanup: Cleanup, server: Seekdb, db_user: User) -> None:
    with actors.sleeping(server, **db_user) as victim:
        running = {"name": "running", "match": {"username": db_user["user"], "active": "0.1s"}}
        done = cleanup([{**running, "then": ["cancel", {"kill": {"after": "1m"}}]}])
        assert done.code == 0, done.output
        victim.wait()
        assert victim.alive() and done.of(REPORT)["msg"]["rules"][0]["verbs"] == ["cancel"]


def test_what_a_rule_picked_is_closed_to_the_later_ones(cleanup: Cleanup, pool: Pool, db_user: User) -> None:
    (spared,) = pool(1, **db_user)
    done = cleanup([rule(db_user, protect=[{"username": db_user["user"]}]), rule(db_user, name="again")])
    assert done.code == 0, done.output
    first, second = done.of(REPORT)["msg"]["rules"]
    assert (first["counts"]["refused"], second["matched"], second["sessions"]) == (1, 0, [])
    assert spared.alive()


def test_the_limit_holds_for_all_rules_of_a_run(
    cleanup: Cleanup, pool: Pool, db_user: User, create_user: Any, proxy: Proxy
) -> None:
    other = create_user()
    few, many = pool(2, **db_user), pool(2, **other)
    policy = [rule(db_user, name="few"), rule(other, name="many")]
    for arguments in (("--check",), ()):
        proxy.reset_counters()
        done = cleanup(policy, *arguments, max_sessions=3)
        assert done.code != 0
        failure = "max_sessions: the rule picks 2 sessions, more than the 1 allowed in a run; "
        assert f"Rule 'many' failed: {failure}" in done.of(FAIL)["msg"]
        report = done.of(REPORT)["msg"]["rules"]
        assert report[0]["failure"] is None and report[1]["failure"].startswith(failure)
        assert len(kills(proxy)) == (0 if arguments else 2)
    assert not any(session.alive() for session in few) and all(session.alive() for session in many)


def test_a_rule_that_fails_does_not_stop_the_next(
    cleanup: Cleanup, pool: Pool, db_user: User, create_user: Any, tmp_path: Path
) -> None:
    other = create_user()
    spared, victims = pool(2, **other), pool(1, **db_user)
    audit = tmp_path / "audit.jsonl"
    policy = [
        rule(other, name="too many", max_sessions=1),
        {"name": "unseen", "match": {"program": "x"}},
        rule(db_user, name="fine"),
    ]
    done = cleanup(policy, audit_file=str(audit))
    assert done.code != 0
    sentences = done.of(FAIL)["msg"].splitlines()
    assert len(sentences) == 2
    assert sentences[0].startswith("Rule 'too many' failed: max_sessions: ")
    assert sentences[1].startswith("Rule 'unseen' failed: program: it cannot be seen here ")
    assert not victims[0].alive() and all(session.alive() for session in spared)
    written = [json.loads(line) for line in audit.read_text().splitlines()]
    assert sorted((line["rule"], line["outcome"]) for line in written) == [
        ("fine", "ended"),
        ("too many", "refused"),
        ("too many", "refused"),
    ]


def test_two_hosts_that_are_one_database_act_once(cleanup: Cleanup, pool: Pool, db_user: User, proxy: Proxy) -> None:
    victims = pool(2, **db_user)
    done = cleanup([rule(db_user)], hosts=("db1", "db2"))
    assert done.code == 0, done.output
    assert not any(victim.alive() for victim in victims) and len(kills(proxy)) == 2
    assert {each["host"] for each in done.results if each["task"] == KILL} == {"db1"}
    one, other = (done.of(REPORT, name)["msg"] for name in ("db1", "db2"))
    assert (one["acted_by"], other["acted_by"]) == ("db1", "db1")
    assert one["counts"]["ended"] == 2 and other["rules"] == [] and other["counts"]["ended"] == 0
    assert one["run"] == other["run"]


def test_two_hosts_that_are_one_database_must_have_one_policy(
    cleanup: Cleanup, pool: Pool, db_user: User, proxy: Proxy
) -> None:
    (bystander,) = pool(1, **db_user)
    strict = rule(db_user, protect=[{"username": db_user["user"]}])
    policies = {"db1": [rule(db_user)], "db2": [strict]}
    done = cleanup("{{ oracle_sessions_each[inventory_hostname] }}", hosts=("db1", "db2"), each=policies)
    assert refused_before_acting(done, "db1, db2 are one database with different policies")
    assert bystander.alive() and not kills(proxy)


def test_a_host_that_cannot_log_in_leaves_the_others_alone(
    run_playbook: Any, pool: Pool, db_user: User, proxy: Proxy
) -> None:
    (victim,) = pool(1, **db_user)
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"oracle_sessions_policy": [rule(db_user)]},
        "roles": [ROLE],
    }
    done = run_playbook({"broken": host("127.0.0.1:1"), "db1": host(proxy.dsn)}, [play])
    assert done.code != 0 and not victim.alive()
    assert done.of("Find out which database this is", "broken")["msg"].startswith("login_dsn: ")


@pytest.mark.parametrize(
    ("where", "check"), [("/missing/audit.jsonl", ()), ("/missing/audit.jsonl", ("--check",)), (None, ())]
)
def test_an_audit_file_that_cannot_be_written_stops_the_run_before_it_logs_in(
    cleanup: Cleanup,
    pool: Pool,
    db_user: User,
    proxy: Proxy,
    tmp_path: Path,
    where: str | None,
    check: tuple[str, ...],
) -> None:
    (spared,) = pool(1, **db_user)
    path = f"{tmp_path}{where}" if where else ""
    done = cleanup([rule(db_user)], *check, audit_file=path)
    assert refused_before_acting(done, f"path: {path!r} cannot be appended to (")
    assert proxy.connections == 0 and spared.alive()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"then": ["process_kill"]}, "oracle_sessions_policy[0].then[0]: process_kill must come right after a kill"),
        ({"match": {"username": "{{ nothing }}"}}, "'nothing' is undefined"),
    ],
)
def test_a_bad_policy_stops_the_run_before_it_logs_in(
    cleanup: Cleanup, pool: Pool, db_user: User, proxy: Proxy, changes: dict[str, Any], sentence: str
) -> None:
    (spared,) = pool(1, **db_user)
    assert refused_before_acting(cleanup([rule(db_user, **changes)]), sentence)
    assert proxy.connections == 0 and spared.alive()


def test_a_database_without_hosts_of_its_own_ends_no_server_processes(
    cleanup: Cleanup, pool: Pool, db_user: User, proxy: Proxy
) -> None:
    (spared,) = pool(1, **db_user)
    done = cleanup([rule(db_user, name="harmless"), rule(db_user, then=["kill", "process_kill"])])
    sentence = (
        "the rule 'idle ones' has the rung process_kill, and dialect oceanbase_mysql has no host of its own to go to"
    )
    assert done.code != 0 and sentence in " ".join(done.output.split())
    assert not kills(proxy) and spared.alive()


def test_check_mode_sends_nothing_and_writes_nothing(
    cleanup: Cleanup, pool: Pool, db_user: User, proxy: Proxy, tmp_path: Path
) -> None:
    (spared,) = pool(1, **db_user)
    audit = tmp_path / "audit.jsonl"
    done = cleanup([rule(db_user)], "--check", audit_file=str(audit))
    assert done.code == 0, done.output
    assert done.of(KILL)["changed"]
    report = done.of(REPORT)["msg"]
    assert report["check_mode"] and report["counts"]["planned"] == 1
    assert report["rules"][0]["sessions"][0]["statement"] == f"KILL {spared.id}"
    assert not kills(proxy) and spared.alive() and not audit.exists()


def test_a_report_that_an_earlier_job_handed_on_does_not_count(cleanup: Cleanup, pool: Pool, db_user: User) -> None:
    """AWX gives the statistics of one job to the next of a workflow, as extra variables."""
    (victim,) = pool(1, **db_user)
    handed_on = {"oracle_sessions_report": {"db1": {"rules": [{"name": "old", "failure": "old"}]}}}
    done = cleanup([rule(db_user)], "-e", json.dumps(handed_on))
    assert done.code == 0 and not victim.alive(), done.output


def test_the_statistics_of_a_run_hold_the_report_of_every_host(
    run_playbook: Any, db_user: User, proxy: Proxy, tmp_path: Path
) -> None:
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"oracle_sessions_policy": [rule(db_user)]},
        "roles": [ROLE],
    }
    inventory = {name: host(proxy.dsn) for name in ("db1", "db2")}
    done = run_playbook(inventory, [play], env={"ANSIBLE_SHOW_CUSTOM_STATS": "1"})
    assert done.code == 0, done.output
    stats = json.loads(done.output.partition("RUN: ")[2])["oracle_sessions_report"]
    assert {name: stats[name]["acted_by"] for name in stats} == {"db1": "db1", "db2": "db1"}


def test_what_a_session_calls_itself_is_never_run_as_a_template(
    cleanup: Cleanup, server: Seekdb, opened: Any, db_user: User, tmp_path: Path
) -> None:
    victim = opened(actors.idle(server, **db_user))
    victim.execute("CALL DBMS_APPLICATION_INFO.SET_CLIENT_INFO(%s)", ("{{ 1 / 0 }}",))
    braces = "{{ 7 * 7 }}"
    server.create_user(braces, "x")
    named = opened(actors.idle(server, user=braces, password="x"))
    audit = tmp_path / "audit.jsonl"
    done = cleanup([rule(db_user), {"name": "braces", "match": {"username": "?? 7 ? 7 ??"}}], audit_file=str(audit))
    assert done.code == 0, done.output
    assert not victim.alive() and not named.alive()
    assert [json.loads(line)["username"] for line in audit.read_text().splitlines()] == [db_user["user"], braces]
    assert done.of(REPORT)["msg"]["rules"][1]["sessions"][0]["username"] == braces


def playbook(name: str) -> list[dict[str, str]]:
    return [{"import_playbook": f"dbops.oracle_sessions.{name}"}]


def test_the_playbook_cleanup(run_playbook: Any, pool: Pool, db_user: User, proxy: Proxy) -> None:
    (victim,) = pool(1, **db_user)
    inventory = {"db1": host(proxy.dsn) | {"oracle_sessions_policy": [rule(db_user)]}, "other": {}}
    done = run_playbook(inventory, playbook("cleanup"), "-e", "oracle_sessions_target=db1")
    assert done.code == 0 and not victim.alive(), done.output


def test_the_playbook_kill_session(run_playbook: Any, pool: Pool, db_user: User, proxy: Proxy) -> None:
    victim, bystander = pool(2, **db_user)
    one, two = {"db1": host(proxy.dsn)}, {name: host(proxy.dsn) for name in ("db1", "db2")}
    sid = ("-e", f"oracle_sessions_sid={victim.id}")

    done = run_playbook(one, playbook("kill_session"))
    assert refused_before_acting(done, "oracle_sessions_sid: it is missing; say which session to kill, ")
    done = run_playbook(two, playbook("kill_session"), *sid)
    assert refused_before_acting(done, "oracle_sessions_target: the play has 2 hosts, ")
    assert proxy.connections == 0 and victim.alive()

    done = run_playbook(two, playbook("kill_session"), *sid, "-e", "oracle_sessions_target=db2")
    assert done.code == 0, done.output
    assert done.of("Say what happened")["msg"][0].startswith(f"ended: session {victim.id} {db_user['user']} ")
    assert not victim.alive() and bystander.alive()
    assert run_playbook(one, playbook("kill_session"), *sid).of("Say what happened")["msg"][0].startswith("gone: ")


def test_the_playbook_report(
    run_playbook: Any, server: Seekdb, db_user: User, proxy: Proxy, opened: Any, create_user: Any
) -> None:
    database = f"report_{db_user['user']}"
    holder = opened(actors.idle_in_transaction(server, database=database, **db_user))
    blocked = opened(actors.waiter(server, database=database, **db_user))
    wait_until(
        lambda: server.sql(f"SELECT 1 FROM oceanbase.V$OB_LOCKS WHERE SESSION_ID = {blocked.id} AND BLOCK = 1"),
        what="a wait",
    )
    done = run_playbook({"db1": host(proxy.dsn)}, playbook("report"))
    assert done.code == 0, done.output
    table = done.of("Show the sessions")["msg"]
    assert table[1].split()[:3] == ["sid", "user", "machine"]
    (line,) = (line for line in table if line.split()[0] == str(blocked.id))
    assert db_user["user"] in line and f" {holder.id} " in line
    tree = "\n".join(done.of("Show who blocks whom")["msg"])
    assert f"session {holder.id}  {db_user['user']}" in tree and f"└─ session {blocked.id}  " in tree
    assert not kills(proxy) and holder.alive()
