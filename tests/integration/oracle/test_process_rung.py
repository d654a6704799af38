# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rung process_kill of the role session_cleanup, with a stand-in whose server processes run on this machine."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

from .ladders import (
    BETWEEN_THE_LOOKS,
    HOLD,
    LADDER,
    ROLE,
    alive,
    before_task,
    cleanup_play,
    here,
    key,
    rows,
    spid,
    stuck,
)
from .test_kinds import EVERY_GUARD, servers

Busy = Callable[..., BusySession]
User = dict[str, str]
Cleanup = Callable[..., Any]

# Other tests have instances on this machine, too, and PMON goes by the instance's name.
STAND_IN = {"name": f"R{secrets.token_hex(3).upper()}", "disconnect_busy": 31, "force_busy": 31}


@pytest.fixture
def host(login: dict[str, Any]) -> dict[str, Any]:
    return here(login)


@pytest.fixture
def cleanup(run_playbook: Any, host: dict[str, Any]) -> Cleanup:
    """``cleanup(policy, *arguments, env={}, **variables)``: a play of the role, report included."""

    def run(policy: Any, *arguments: str, env: dict[str, str] | None = None, **variables: Any) -> Any:
        return run_playbook({"db": host}, [cleanup_play(policy, **variables)], *arguments, env=env)

    return run


@pytest.fixture
def seeing(create_user: Callable[..., User]) -> Callable[..., User]:
    """``seeing(*views)``: the login of an account that may kill, and see no more than it must and these views."""

    def create(*views: str) -> User:
        needed = ("SESSION", "PROCESS", "PX_SESSION", "INSTANCE", "DATABASE", *views)
        account = create_user("ALTER SYSTEM", *(f"SELECT ON sys.V_${view}" for view in needed))
        return {"login_user": account["user"], "login_password": account["password"]}

    return create


def test_what_no_statement_ends_a_signal_ends(
    stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User, create_user: Any, tmp_path: Path
) -> None:
    """And a second one what ignores the first. It says so everywhere: in the report, in the audit file, and by a second run
    that changes nothing.
    """
    victim, bystander = running(HOLD, **db_user), running(HOLD, **create_user())
    with stand_in.policies(hold_hears_term=False):
        deaf = running(HOLD, **db_user)
    one, other = spid(victim), spid(deaf)
    audit, then = tmp_path / "audit.jsonl", ["kill", {"process_kill": {"after": "1s", "grace": 1}}]
    # What a session calls itself is never run as a template.
    stand_in.set_session(victim.sid, **dict.fromkeys(("program", "machine", "client_info"), "{{ 1 / 0 }}"))
    done = cleanup(stuck(db_user, then), audit_file=str(audit), comment="CHG-1")
    assert done.code == 0, done.output
    assert not alive(victim) and not alive(deaf) and alive(bystander)
    row = rows(done)[key(victim)]
    assert {where: (row["outcome"], row["statement"]) for where, row in rows(done).items()} == {
        key(victim): ("ended", f"kill -TERM {one} on localhost"),
        key(deaf): ("ended", f"kill -TERM {other}, kill -KILL {other} on localhost"),
    }
    assert row["reason"] == "its process was ended by TERM, and the database lists it no more"
    assert row["program"] == row["machine"] == "{{ 1 / 0 }}"
    report = done.of("report")["msg"]["rules"][0]
    assert (report["verbs"], report["done"], report["recovering"]) == (["kill", "process_kill"], 2, [])
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["verb"], line["outcome"], line["sid"], line["serial"]) for line in lines] == [
        (verb, outcome, each.sid, each.serial)
        for verb, outcome in (("kill", "pending"), ("process_kill", "ended"))
        for each in sorted((victim, deaf), key=key)
    ]
    assert {line["comment"] for line in lines} == {"CHG-1"} and lines[-1]["statement"] in (
        row["statement"],
        rows(done)[key(deaf)]["statement"],
    )
    assert all(set(line) == set(lines[0]) for line in lines)
    again = cleanup(stuck(db_user))
    assert again.code == 0 and not any(each["result"].get("changed") for each in again.results)


def test_check_mode_says_who_and_sends_nothing(
    stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User
) -> None:
    """Who was killed before is all that can be said of: what this run would kill, it does not know the end of."""
    killed, running_on = running(HOLD, **db_user), running(HOLD, **db_user)
    process = spid(killed)
    mark(stand_in, killed)
    policy = [{"name": "killed", "match": {"username": db_user["user"], "status": "killed"}, "then": LADDER}]
    stand_in.reset_calls()
    done = cleanup(policy, "--check")
    assert done.code == 0, done.output
    assert alive(killed) and alive(running_on) and not stand_in.statements()
    assert {where: row["outcome"] for where, row in rows(done).items()} == {key(killed): "planned"}
    assert rows(done)[key(killed)]["statement"] == f"kill -TERM {process} on localhost"
    assert done.of("Wait 10 s, as a second look tells more than one")["elapsed"] >= 10


def mark(server: OracleServer, session: Session) -> None:
    """Somebody kills it, which it does not hear of."""
    statement = f"ALTER SYSTEM KILL SESSION '{session.sid},{session.serial},@{session.inst_id}' IMMEDIATE"
    server.sql(
        "DECLARE marked EXCEPTION; PRAGMA EXCEPTION_INIT(marked, -31); "
        "BEGIN EXECUTE IMMEDIATE :1; EXCEPTION WHEN marked THEN NULL; END;",
        (statement,),
    )


def test_who_is_not_alone_in_his_process_lives(
    stand_in: OracleServer,
    cleanup: Cleanup,
    running: Busy,
    db_user: User,
    create_user: Any,
    seeing: Callable[..., User],
) -> None:
    """With every guard lifted, beside one who is ended: a shared server, a pooled one, two sessions of one process, two
    parallel servers and a job, all of them killed and still there.
    """
    victim = running(HOLD, **db_user)
    of_server = [running(HOLD, server_type=kind, **db_user) for kind in ("shared", "pooled")]
    one, other = running(HOLD, **db_user), running(HOLD, **create_user())
    coordinator = running("BEGIN STANDIN.PARALLEL(2, 600); END;", **db_user)
    wait_until(lambda: len(servers(stand_in, coordinator)) == 2, what="the parallel servers")
    job = stand_in.open_job(db_user["user"])
    of_server_itself = [sid for sid, _serial in servers(stand_in, coordinator)] + [job["sid"]]
    with stand_in.memory() as connection, sga.write(connection):
        mine = sga.get(connection, tables.Session, inst_id=1, sid=one.sid)
        assert mine is not None
        sga.update(connection, tables.Session, {"paddr": mine.paddr}, inst_id=1, sid=other.sid)
        sga.update(connection, tables.Session, {"client_info": "spare"}, inst_id=1, sid=coordinator.sid)
        for sid in of_server_itself:
            sga.update(connection, tables.Session, {"status": "KILLED"}, inst_id=1, sid=sid)
    policy = stuck(db_user, allow=[guard for guard in EVERY_GUARD if guard != "killed"])
    policy[0]["match"] = {"username": db_user["user"], "status": ["active", "killed"]}
    policy[0]["exclude"] = [{"client_info": "spare"}]
    done = cleanup(policy, **seeing("TRANSACTION"))
    told = {sid: (row["outcome"], row["verb"]) for (_inst, sid), row in rows(done).items()}
    refused = [*(each.sid for each in (*of_server, one)), *of_server_itself]
    assert told == {victim.sid: ("ended", "process_kill"), **dict.fromkeys(refused, ("refused", "process_kill"))}, (
        done.output
    )
    assert not alive(victim) and all(map(alive, (*of_server, one, other, coordinator)))
    processes = stand_in.sql("SELECT s.sid FROM v$session s JOIN v$process p ON p.addr = s.paddr")
    assert {(sid,) for sid in of_server_itself} <= set(processes)
    reasons = {sid: row["reason"] for (_inst, sid), row in rows(done).items()}
    for each in (of_server[0], one):
        assert "its process is not its alone: it serves other sessions as well" in reasons[each.sid]
    assert [reasons[sid].partition(":")[0] for sid in of_server_itself] == ["parallel_servers"] * 2 + ["job_slaves"]
    # They are still there: that is no success.
    assert done.code != 0 and "Rule 'stuck' failed: Session " in done.output
    # That recoveries cannot be seen is said, and no failure: nothing depends on it.
    assert any("GRANT SELECT ON SYS.V_$FAST_START_TRANSACTIONS" in line for line in done.of("report")["msg"]["lines"])


def test_threads_live(run_playbook: Any, tmp_path: Path) -> None:
    """A signal to one of them would end the instance."""
    with OracleServer(threaded=True, disconnect_busy=31) as server, ExitStack() as stack:
        server.create_user("app", "secret")
        login = {"login_dsn": server.dsn, "login_user": "system", "login_password": server.password}
        victim = BusySession(server, server.connect(user="app", password="secret"), HOLD)
        stack.callback(victim.close)
        stack.callback(server.release, victim)
        play = cleanup_play(stuck({"user": "APP"}, allow=EVERY_GUARD))
        done = run_playbook({"db": here(login, wait_timeout=5)}, [play])
        row = rows(done)[key(victim)]
        assert row["outcome"] == "refused" and "it is a thread" in row["reason"]
        assert alive(victim) and server.sql("SELECT 1 FROM dual") == [(1,)]


# --- never while something is rolled back


def in_transaction(server: OracleServer, user: User, row: int = 1) -> BusySession:
    """It has changed something, and hangs."""
    table = actors.make_table(server, "hanging", [row])
    connection = server.connect(**user)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET v = v + 1 WHERE id = {row}")
    return BusySession(server, connection, HOLD)


def test_a_rollback_is_left_alone_with_every_override(
    stand_in: OracleServer, run_playbook: Any, host: dict[str, Any], cleanup: Cleanup, db_user: User
) -> None:
    """Not by the ladder, which does not take it, and not by its tasks, even when they are told that it is pending. Neither
    is one that hangs, and has yet to begin.
    """
    with (
        stand_in.policies(rollback_rate=5),
        in_transaction(stand_in, db_user) as hanging,
        actors.idle_in_transaction(stand_in, database="rolling", rows=600, **db_user) as rolling,
    ):
        processes = spid(hanging), spid(rolling)
        try:
            done = cleanup(stuck(db_user, match={"username": db_user["user"]}, allow=EVERY_GUARD))
            assert done.code == 0, done.output
            told = {where: (row["verb"], row["outcome"]) for where, row in rows(done).items()}
            assert told == dict.fromkeys((key(hanging), key(rolling)), ("kill", "rolling_back"))

            forged = {
                "hosts": "db",
                "gather_facts": False,
                "tasks": [
                    {
                        "dbops.oracle_sessions.session_kill": {
                            "match": {"username": db_user["user"], "status": "killed"},
                            "wait": False,
                            "allow": EVERY_GUARD,
                            "on_pending": "ok",
                            "detail": "full",
                        },
                        "register": "killed",
                    },
                    {
                        "include_role": {"name": ROLE, "tasks_from": "process_kill"},
                        "vars": {
                            "session_cleanup_killed": {
                                "database": "{{ killed.database }}",
                                "sessions": "{{ killed.sessions | map('combine', {'outcome': 'pending', 'transaction': none}) }}",
                            },
                            "session_cleanup_signals": ["KILL"],
                            "session_cleanup_grace": 0,
                        },
                    },
                    {"name": "result", "debug": {"msg": "{{ session_cleanup_process_kill }}"}},
                ],
            }
            done = run_playbook({"db": host}, [forged])
            assert done.code == 0, done.output
            found = {(row["inst_id"], row["sid"]): row for row in done.of("result")["msg"]["sessions"]}
            assert {where: (row["outcome"], row["statement"]) for where, row in found.items()} == dict.fromkeys(
                (key(hanging), key(rolling)), ("rolling_back", None)
            )
            assert found[key(hanging)]["rollback"]["records"] == 1
            assert "undo records left, about " in found[key(rolling)]["reason"]
            assert 0 < found[key(rolling)]["rollback"]["records"] < 600
            assert alive(hanging) and alive(rolling) and all(Path(f"/proc/{process}").exists() for process in processes)
        finally:
            stand_in.end_process(hanging)
        stand_in.set_policy("rollback_rate", 20000)
        wait_until(lambda: not alive(rolling), what="the end of the rollback")


def test_what_changes_between_the_looks(
    stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User, create_user: Any, tmp_path: Path
) -> None:
    """Transactions show, one of them a parallel server's; one session ends by itself, and of one the process, whose
    session the database lists until PMON has cleaned up. Somebody else died before, and is still rolled back.
    """
    victim, released, dead = (running(HOLD, **db_user) for _each in range(3))
    coordinator = running("BEGIN STANDIN.PARALLEL(1, 600); END;", **db_user)
    wait_until(lambda: servers(stand_in, coordinator), what="the parallel server")
    ((server_sid, _serial),) = servers(stand_in, coordinator)
    stand_in.set_session(coordinator.sid, status="KILLED")
    wreck = actors.idle_in_transaction(stand_in, database="wreck", rows=600, **create_user())

    def change() -> None:
        stand_in.release(released)
        stand_in.end_process(dead)
        with stand_in.memory() as connection, sga.write(connection):
            for sid, records in ((victim.sid, 100), (server_sid, 70)):
                row = sga.get(connection, tables.Session, inst_id=1, sid=sid)
                assert row is not None
                work = tables.Transaction(None, 1, sid, row.saddr, b"", 1, 9, sid, sga.now(), used_urec=records)
                sga.insert(connection, work)

    policy = stuck(db_user)
    policy[0]["match"] = {"username": db_user["user"], "status": ["active", "killed"]}
    with stand_in.policies(rollback_rate=1, pmon_seconds=0):
        stand_in.end_process(wreck)
        dying = "SELECT usn FROM v$fast_start_transactions WHERE state = 'RECOVERING'"
        wait_until(lambda: stand_in.sql(dying), what="the recovery to begin")
        ((usn,),) = stand_in.sql(dying)
        with stand_in.policies(pmon_seconds=18.0), before_task(BETWEEN_THE_LOOKS, tmp_path, change) as env:
            done = cleanup(policy, env=env)
    told = {sid: row["outcome"] for (_inst, sid), row in rows(done).items() if sid != server_sid}
    rolling, gone = (
        dict.fromkeys((victim.sid, coordinator.sid), "rolling_back"),
        dict.fromkeys((released.sid, dead.sid), "gone"),
    )
    assert told == rolling | gone, done.output
    assert alive(victim) and alive(coordinator)
    assert rows(done)[1, server_sid]["verb"] == "kill" and rows(done)[1, server_sid]["outcome"] == "refused"
    # A rollback is waited for, and no failure.
    assert done.code == 0
    for each, records in ((victim, 100), (coordinator, 70)):
        assert f"{records} undo records left" in rows(done)[key(each)]["reason"]
    (asked,) = done.of("End their server processes on localhost")["processes"]
    assert (asked["sid"], asked["outcome"]) == (dead.sid, "gone") and rows(done)[key(dead)]["statement"] is None
    report = done.of("report")["msg"]
    assert [each["usn"] for each in report["rules"][0]["recovering"]] == [usn]
    assert any(f"still rolled back on instance 1: the transaction {usn}." in line for line in report["lines"])


def test_whether_it_has_a_transaction_cannot_be_seen(
    cleanup: Cleanup, running: Busy, db_user: User, seeing: Callable[..., User]
) -> None:
    victim = running(HOLD, **db_user)
    done = cleanup(stuck(db_user), **seeing())
    row = rows(done)[key(victim)]
    assert row["outcome"] == "refused" and "GRANT SELECT ON SYS.V_$TRANSACTION TO the login user" in row["reason"]
    assert done.code != 0 and alive(victim)


# --- refused before anything is sent


def test_no_host_is_known(stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User) -> None:
    """It stays pending, and people are told which host it is and what to do. The hosts of other instances do not help."""
    victim = running(HOLD, **db_user)
    done = cleanup(stuck(db_user), hosts={2: "localhost"})
    row = rows(done)[key(victim)]
    assert row["outcome"] == "pending" and alive(victim) and done.code != 0
    assert "oracle_sessions_hosts: {1: <inventory host>}" in row["reason"] and "no inventory host is " in row["reason"]


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ({1: "rac9"}, "oracle_sessions_hosts[1]: 'rac9' is not in the inventory"),
        ("localhost", "oracle_sessions_hosts: 'localhost' is neither a dictionary nor JSON"),
    ],
)
def test_hosts_that_are_none(
    stand_in: OracleServer, cleanup: Cleanup, running: Busy, db_user: User, hosts: Any, sentence: str
) -> None:
    victim = running(HOLD, **db_user)
    done = cleanup(stuck(db_user), hosts=hosts)
    assert done.code != 0 and sentence in done.output
    assert not stand_in.calls() and not stand_in.statements() and alive(victim)


def test_a_database_without_hosts_of_its_own(run_playbook: Any) -> None:
    with OracleServer(rds=True) as server, actors.idle(server) as bystander:
        login = {"login_dsn": server.dsn, "login_user": server.administrator, "login_password": server.password}
        host = {f"oracle_sessions_{name}": value for name, value in login.items()}
        policy = [
            {"name": "harmless", "match": {"username": "NOBODY"}},
            {"name": "stuck", "match": {"username": "*"}, "allow": EVERY_GUARD, "then": LADDER},
        ]
        done = run_playbook({"db": host}, [cleanup_play(policy)])
        assert done.code != 0
        sentence = (
            "oracle_sessions_policy: the rule 'stuck' has the rung process_kill, and dialect oracle_rds has no host"
        )
        assert sentence in " ".join(done.output.split())
        assert not server.statements() and bystander.alive()
