# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that are not a client's own dedicated server: parallel servers, jobs, background, shared, pooled, XA, sniped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

from .rows import named, outcomes, the

Run = Callable[..., dict[str, Any]]
Busy = Callable[..., BusySession]
User = dict[str, str]

EVERY_GUARD = [
    *("system_users", "no_username", "parallel_servers", "job_slaves", "xa", "replication", "backup", "datapump"),
    *("monitoring", "killed", "unfiltered"),
]


# --- parallel query


@pytest.fixture
def coordinator(stand_in: OracleServer, running: Busy, db_user: User) -> BusySession:
    """It has two parallel servers, which use temporary space, PGA and undo for it."""
    session = running("BEGIN STANDIN.PARALLEL(2, 60); END;", **db_user)
    wait_until(lambda: len(servers(stand_in, session)) == 2, what="the parallel servers")
    # Asked before: a call of a client writes into the shared memory, and would wait for us.
    both = servers(stand_in, session)
    with stand_in.memory() as connection, sga.write(connection):
        for sid, serial in both:
            row = sga.get(connection, tables.Session, inst_id=1, sid=sid)
            assert row is not None
            sga.insert(connection, tables.TempSegment(None, 1, sid, serial, row.saddr, row.username, 1280))
            work = tables.Transaction(None, 1, sid, row.saddr, b"", 1, sid, 1, sga.now(), used_urec=100)
            sga.insert(connection, work)
    return session


def servers(stand_in: OracleServer, session: Session) -> list[tuple[int, int]]:
    return stand_in.sql(
        "SELECT sid, serial# FROM v$px_session WHERE qcsid = :1 AND qcserial# IS NOT NULL ORDER BY sid", (session.sid,)
    )


def test_a_parallel_server_is_refused_with_its_coordinator_named(
    stand_in: OracleServer, run_module: Run, coordinator: BusySession
) -> None:
    (sid, serial), _other = servers(stand_in, coordinator)
    result = run_module("session_kill", {"sid": sid, "serial": serial})
    assert outcomes(result) == {sid: "refused"} and result["failed"]
    assert the(result)["reason"] == (
        f"parallel_servers: it works for another session, its coordinator {coordinator.sid} on instance 1"
    )
    assert len(servers(stand_in, coordinator)) == 2 and not stand_in.statements()


def test_the_coordinator_answers_for_its_servers(
    stand_in: OracleServer, run_module: Run, coordinator: BusySession, db_user: User
) -> None:
    match = {"username": db_user["user"], "temp_mb": 1, "pga_mb": 1}
    listing = run_module("session_info", {"match": match})
    rows = {row["sid"]: row for row in listing["sessions"]}
    leader = rows.pop(coordinator.sid)
    assert len(rows) == 2 and all(row["process"]["kind"] == "parallel" for row in rows.values())
    assert {row["coordinator"]["sid"] for row in rows.values()} == {coordinator.sid}
    assert leader["temp_mb"] == 20.0 and leader["transaction"]["undo_records"] == 200
    assert leader["pga_mb"] == pytest.approx(3 * 3_600_000 / 1048576, abs=0.01)
    refused = run_module("session_kill", {**named(coordinator), "max_rollback_records": 150})
    assert the(refused)["outcome"] == "refused" and "200 undo records" in the(refused)["reason"]


def test_the_end_of_the_coordinator_ends_them_all(
    stand_in: OracleServer, run_module: Run, coordinator: BusySession, db_user: User
) -> None:
    result = run_module("session_kill", {"match": {"username": db_user["user"], "active": 0}})
    coordinator.wait()
    found = outcomes(result)
    assert found.pop(coordinator.sid) == "ended" and set(found.values()) == {"refused"} and len(found) == 2
    wait_until(lambda: not servers(stand_in, coordinator), what="the parallel servers to end")
    assert not coordinator.alive() and len(stand_in.statements()) == 1


# --- the server's own


def test_background_sessions_are_never_ended(stand_in: OracleServer, run_module: Run) -> None:
    background = stand_in.sql("SELECT sid, serial# FROM v$session WHERE type = 'BACKGROUND' ORDER BY sid")
    assert len(background) > 3
    for sid, serial in background[:2]:
        result = run_module("session_kill", {"sid": sid, "serial": serial, "allow": EVERY_GUARD})
        assert outcomes(result) == {sid: "refused"} and the(result)["reason"].startswith("background: ")
    everybody = run_module("session_info", {})
    assert not {sid for sid, _serial in background} & {row["sid"] for row in everybody["sessions"]}
    assert not stand_in.statements()


def test_the_server_itself_refuses(
    stand_in: OracleServer, run_module: Run, policy: Any, db_user: User, answers: Callable[[], list[tuple[str, int]]]
) -> None:
    """ORA-00029, not a user session: a recursive one, say, whose TYPE was not seen."""
    with actors.idle(stand_in, **db_user) as bystander, policy(kill_gone=29):
        stand_in.set_session(bystander.sid, type="RECURSIVE")
        missing = run_module("session_kill", named(bystander))
        assert the(missing)["outcome"] == "gone", "not listed"
        stand_in.set_session(bystander.sid, type="USER")
        assert bystander.alive() and not answers()


def test_a_job_slave(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    job = stand_in.open_job(db_user["user"])
    target = {"sid": job["sid"], "serial": job["serial"]}
    result = run_module("session_kill", target)
    assert the(result)["outcome"] == "refused" and "DBMS_SCHEDULER.STOP_JOB" in the(result)["reason"]
    assert the(result)["process"]["kind"] == "job" and not stand_in.statements()
    by_rule = run_module("session_kill", {"match": {"username": db_user["user"]}})
    assert the(by_rule)["outcome"] == "refused" and not by_rule["failed"]
    lifted = run_module("session_kill", {**target, "allow": ["job_slaves"]})
    assert the(lifted)["outcome"] == "ended" and len(stand_in.statements()) == 1


# --- states and servers of clients' sessions


def test_xa_is_left_alone(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle(stand_in, **db_user) as session:
        stand_in.set_session(session.sid, status="CACHED")
        result = run_module("session_kill", named(session))
        assert the(result)["outcome"] == "refused" and the(result)["reason"].startswith("xa: ")
        stand_in.set_session(session.sid, status="INACTIVE")
        assert session.alive()


def test_what_a_profile_leaves_behind_is_removed(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    with actors.idle(stand_in, **db_user) as sniped, actors.idle(stand_in, **db_user) as bystander:
        stand_in.set_session(sniped.sid, status="SNIPED")
        result = run_module("session_kill", {"match": {"username": db_user["user"], "status": "sniped"}})
        assert outcomes(result) == {sniped.sid: "ended"} and not sniped.alive() and bystander.alive()


@pytest.mark.parametrize(
    ("server_type", "kind"), [("shared", "shared"), ("pooled", "pooled"), ("dedicated", "dedicated")]
)
def test_the_kind_of_server_is_told(
    stand_in: OracleServer, run_module: Run, db_user: User, server_type: str, kind: str
) -> None:
    with (
        actors.Session(stand_in, stand_in.connect(server_type=server_type, **db_user)) as session,
        actors.idle(stand_in, **db_user) as bystander,
    ):
        (row,) = run_module("session_info", named(session))["sessions"]
        assert row["process"]["kind"] == kind and row["protected_by"] is None
        result = run_module("session_kill", named(session))
        assert the(result)["outcome"] == "ended" and not session.alive() and bystander.alive()


def test_threads(run_module: Run) -> None:
    with OracleServer(threaded=True) as server, actors.idle(server) as session:
        login = {"login_dsn": server.dsn, "login_user": "system", "login_password": server.password}
        (row,) = run_module("session_info", {**named(session), **login})["sessions"]
        assert row["process"]["kind"] == "thread"
        result = run_module("session_kill", {**named(session), **login, "allow": ["system_users"]})
        assert the(result)["outcome"] == "ended" and not session.alive()


@pytest.mark.parametrize(
    ("client", "guard"),
    [
        ({"program": "rman@db1 (TNS V1-V3)"}, "backup"),
        ({"program": "expdp@db1 (TNS V1-V3)"}, "datapump"),
        ({"program": "extract@db1 (TNS V1-V3)"}, "replication"),
        ({"program": "emagent@db1 (TNS V1-V3)"}, "monitoring"),
    ],
)
def test_who_must_not_be_disturbed(
    stand_in: OracleServer, run_module: Run, db_user: User, client: dict[str, str], guard: str
) -> None:
    with (
        actors.idle(stand_in, **db_user) as session,
        actors.idle(stand_in, **db_user) as victim,
    ):
        # The driver lets no program call itself that.
        stand_in.set_session(session.sid, **client)
        result = run_module("session_kill", {"match": {"username": db_user["user"]}})
        assert outcomes(result) == {session.sid: "refused", victim.sid: "ended"} and session.alive()
        reasons = {row["sid"]: row["reason"] for row in result["sessions"]}
        assert reasons[session.sid].startswith(f"{guard}: ")
        lifted = run_module("session_kill", {**named(session), "allow": [guard]})
        assert the(lifted)["outcome"] == "ended" and not session.alive()


def test_users_of_the_database_itself(stand_in: OracleServer, run_module: Run) -> None:
    with actors.idle(stand_in) as system:
        result = run_module("session_kill", named(system))
        assert the(result)["outcome"] == "refused" and the(result)["reason"].startswith("system_users: ")
        assert system.alive() and not stand_in.statements()


def test_temporary_space_and_locks_by_rule(
    stand_in: OracleServer, run_module: Run, db_user: User, running: Busy
) -> None:
    with (
        actors.idle_in_transaction(stand_in, database="locked_a", **db_user) as holder,
        actors.idle_in_transaction(stand_in, database="locked_b", **db_user) as bystander,
        actors.idle(stand_in, **db_user) as sorter,
    ):
        sorter.execute("BEGIN STANDIN.TEMP(12800); END;")
        result = run_module("session_kill", {"match": {"username": db_user["user"], "temp_mb": 50}})
        assert outcomes(result) == {sorter.sid: "ended"}
        locked = {"locked_object": [actors.make_table(stand_in, "locked_a", []).upper(), "NO.SUCH"]}
        result = run_module("session_kill", {"match": {"username": db_user["user"], **locked}})
        assert outcomes(result) == {holder.sid: "ended"} and bystander.alive() and not holder.alive()
