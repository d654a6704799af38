# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens between look and act, on a real server and on the stand-in for Oracle mode: a proxy holds one statement of ours while the world changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from pymysql.constants import COMMAND

from servers import actors
from servers.actors import Session, wait_until

from .conftest import launch
from .contract.conftest import SERVERS
from .sites import OceanBase, OceanBaseOracle, Wire

Run = Callable[..., dict[str, Any]]
Start = Callable[..., Any]

SITES = {each.name: each for each in (OceanBase, OceanBaseOracle)}


@pytest.fixture(params=list(SITES))
def site(request: pytest.FixtureRequest) -> OceanBase:
    return SITES[request.param](request.getfixturevalue(SERVERS[request.param]))


@pytest.fixture
def server(site: OceanBase) -> Any:
    return site.server


@pytest.fixture
def db_user(site: OceanBase) -> dict[str, str]:
    return site.create_user()


@pytest.fixture
def proxy(site: OceanBase) -> Iterator[Wire]:
    with Wire(site) as running:
        yield running


@pytest.fixture
def start_module(site: OceanBase) -> Start:
    login = {"login_dsn": site.server.dsn, **site.login}
    return lambda name, options, **settings: launch(name, login | dict(options), **settings)


@pytest.fixture
def run_module(start_module: Start) -> Run:
    return lambda name, options, **settings: start_module(name, options, **settings).result()


@pytest.fixture
def pool(site: OceanBase) -> Iterator[Callable[..., list[Session]]]:
    every: list[Session] = []

    def open_them(n: int, **login: Any) -> list[Session]:
        every.extend(opened := site.actors.pool(site.server, n, **(login or site.system_login)))
        return opened

    yield open_them
    actors.close_all(every)


def kills(proxy: Wire) -> list[str]:
    return proxy.ended() or []


def outcomes(result: dict[str, Any]) -> dict[int, str]:
    return {row["sid"]: row["outcome"] for row in result["sessions"]}


@contextmanager
def running(site: OceanBase, session: Session) -> Iterator[actors.BusySession]:
    """The session runs a statement meanwhile; it is cancelled at the end."""
    busy = site.runs(session)
    try:
        yield busy
    finally:
        if not busy.done.is_set():
            site.server.sql(f"KILL QUERY {session.id}")
        busy.wait()


# --- idle when matched, running when its turn comes


def test_an_idle_session_that_began_to_work_is_left_alone(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    with site.actors.idle(server, **db_user) as bystander, site.actors.idle(server, **db_user) as victim:
        with proxy.hold(site.is_look) as hold:
            options = {"match": {"username": db_user["user"], "idle": 0}, "login_dsn": proxy.dsn}
            module = start_module("session_kill", options)
            hold.wait()
            with running(site, bystander) as work:
                hold.release()
                result = module.result()
                assert not work.done.is_set(), "its query lives"
        assert bystander.alive() and not victim.alive()
    assert kills(proxy) == [site.statement("kill", victim)]
    assert outcomes(result) == {bystander.id: "skipped", victim.id: "ended"} and not result["failed"]


def test_an_idle_session_that_has_worked_meanwhile_is_left_alone(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    """Idle both times, but not all the time: a pool has given the connection to somebody between the two looks."""
    with site.actors.idle(server, **db_user) as bystander:
        idle = f"SELECT 1 FROM {site.sessions_view} WHERE ID = {bystander.id} AND TIME > 1"
        wait_until(lambda: server.sql(idle), what="a second of idleness")
        with proxy.hold(site.is_look) as hold:
            options = {"match": {"username": db_user["user"], "idle": 0}, "login_dsn": proxy.dsn}
            module = start_module("session_kill", options)
            hold.wait()
            assert bystander.alive()
            hold.release()
            result = module.result()
        assert bystander.alive()
    assert not kills(proxy) and outcomes(result) == {bystander.id: "skipped"}
    assert "it has run something since" in result["sessions"][0]["reason"]


def test_the_window_between_the_second_look_and_the_kill(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    """OceanBase has no conditional KILL: what begins after the second look dies. The window is one round trip."""
    with site.actors.idle(server, **db_user) as victim:
        with proxy.hold(site.is_act) as hold:
            options = {"match": {"username": db_user["user"], "idle": 0}, "login_dsn": proxy.dsn}
            module = start_module("session_kill", options)
            hold.wait()
            looks = [index for index, text in enumerate(proxy.queries) if site.is_look(text)]
            assert looks == [proxy.queries.index(hold.text) - 1], "nothing stands between the look and the kill"
            with running(site, victim):
                hold.release()
                assert outcomes(module.result()) == {victim.id: "ended"}
        assert not victim.alive()


# --- the statement that was to be cancelled


def test_the_next_statement_is_not_cancelled_in_its_stead(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    with site.actors.idle(server, **db_user) as session:
        with running(site, session) as first:
            with proxy.hold(site.is_look) as hold:
                options = {"match": {"username": db_user["user"], "active": 0}, "login_dsn": proxy.dsn}
                module = start_module("sql_cancel", options)
                hold.wait()
                server.sql(f"KILL QUERY {session.id}")
                first.wait()
                # The same text again: same sql_id, another execution.
                with running(site, session) as second:
                    hold.release()
                    result = module.result()
                    assert not second.done.is_set(), "the statement that nobody matched lives"
    assert not kills(proxy) and outcomes(result) == {session.id: "unchanged"} and not result["changed"]


def test_a_blocker_that_has_let_go_is_left_alone(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    looks: list[str] = []

    def is_look_with_locks(text: str) -> bool:
        looks.extend([text] * site.is_look_at_locks(text))
        return len(looks) == 2

    user, database = db_user["user"], "let_go"
    with (
        site.actors.idle_in_transaction(server, database=database, **db_user) as holder,
        site.actors.waiter(server, database=database, **db_user) as waiter,
        proxy.hold(is_look_with_locks) as hold,
    ):
        wait_until(
            lambda: server.sql(f"SELECT 1 FROM {site.locks_view} WHERE BLOCK = 1 AND CTIME > 3000000"),
            what="a wait of 3 s",
        )
        module = start_module(
            "session_kill", {"match": {"username": user, "root_blocker": True}, "login_dsn": proxy.dsn}
        )
        hold.wait()
        holder.execute("COMMIT")
        waiter.wait()
        hold.release()
        result = module.result()
        assert holder.alive() and waiter.alive() and waiter.error is None
    assert not kills(proxy) and outcomes(result) == {holder.id: "skipped"}


# --- the same id, somebody else


def change_user(session: Session, user: str) -> None:
    """Go on as another account without a password, on the same connection, as some pools do (COM_CHANGE_USER)."""
    connection = session.connection
    utf8mb4 = (45).to_bytes(2, "little")
    connection._execute_command(
        COMMAND.COM_CHANGE_USER,
        # name, empty password, empty database, character set, authentication plugin
        user.encode() + b"\0" + b"\0" + b"\0" + utf8mb4 + b"mysql_native_password\0",
    )
    if connection._read_packet().is_auth_switch_request():
        connection.write_packet(b"")
        assert connection._read_packet().is_ok_packet()
    assert session.execute("SELECT USER()")[0][0].startswith(f"{user}@")


# The stand-in has no COM_CHANGE_USER.
@pytest.mark.parametrize("site", ["oceanbase"], indirect=True)
def test_a_session_that_belongs_to_somebody_else_by_now_is_left_alone(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    server.create_user("successor", "")
    with site.actors.idle(server, **db_user) as bystander:
        with proxy.hold(site.is_look) as hold:
            module = start_module("session_kill", {"sid": bystander.id, "login_dsn": proxy.dsn})
            hold.wait()
            change_user(bystander, "successor")
            hold.release()
            result = module.result()
        assert bystander.alive()
    assert not kills(proxy) and outcomes(result) == {bystander.id: "gone"} and not result["changed"]


def test_another_server_behind_our_address(site: OceanBase, start_module: Start) -> None:
    """A failover: the session ids that we know mean others there."""
    with site.new_server() as one, site.new_server() as another, ExitStack() as stack:
        before, after = type(site)(one), type(site)(another)
        proxy = stack.enter_context(Wire(before))
        accounts = [each.create_user() for each in (before, after)]
        victim, bystander = (
            stack.enter_context(each.actors.idle(each.server, **account))
            for each, account in zip((before, after), accounts, strict=True)
        )
        # Both count up from the same start; the one that is behind opens sessions until the ids meet.
        while victim.id != bystander.id:
            if victim.id < bystander.id:
                victim = stack.enter_context(Session(one, one.connect(**accounts[0])))
            else:
                bystander = stack.enter_context(Session(another, another.connect(**accounts[1])))
        with proxy.hold(site.is_act) as hold:
            login = {**before.login, "login_dsn": proxy.dsn}
            module = start_module("session_kill", {"sid": victim.id, **login})
            hold.wait()
            proxy.upstream_port = another.port
            hold.drop()
            result = module.result()
        assert victim.alive() and bystander.alive()
        assert kills(proxy) == [site.statement("kill", victim)], "the held one, which nobody got"
    assert outcomes(result) == {victim.id: "failed"}
    assert "another server answers at its address now" in result["sessions"][0]["reason"]


# --- gone, killed, or being killed


# How long the stand-in lists it is a policy; see oracle_mode.
@pytest.mark.parametrize("site", ["oceanbase"], indirect=True)
def test_a_killed_lock_waiter_is_ended_although_listed_and_never_picked_again(
    site: OceanBase, server: Any, proxy: Wire, run_module: Run, db_user: dict[str, str]
) -> None:
    user, database = db_user["user"], "killed_waiter"
    with site.actors.idle_in_transaction(server, database=database) as bystander:
        # How long the server goes on to list it depends on when its worker wakes up, which may be at once.
        for _turn in range(5):
            with site.actors.waiter(server, database=database, **db_user) as waiter:
                result = run_module("session_kill", {"match": {"username": user, "active": 0}})
                assert outcomes(result) == {waiter.id: "ended"} and result["changed"] and not result["failed"]
                assert result["sessions"][0]["waited_seconds"] < 3
                again = run_module("session_kill", {"match": {"username": user}, "login_dsn": proxy.dsn})
                assert again["matched"] == 0 and not again["changed"] and not again["sessions"]
                named = run_module("session_kill", {"sid": waiter.id, "login_dsn": proxy.dsn})
                assert outcomes(named) == {waiter.id: "gone"} and not named["changed"] and not named["failed"]
                assert not kills(proxy)
                said_in_its_presence = site.state(waiter) == "SESSION_KILLED"
                waiter.wait()
                assert waiter.error is not None and not waiter.alive()
            if said_in_its_presence:
                break
        assert said_in_its_presence and bystander.alive()


def test_two_runs_on_the_same_rule(
    site: OceanBase,
    proxy: Wire,
    start_module: Start,
    pool: Callable[..., list[Session]],
    db_user: dict[str, str],
) -> None:
    """Both have looked twice and decided; then one is faster: each session is ended once, and nothing fails."""
    victims = pool(60, **db_user)
    (bystander,) = pool(1)
    options = {"match": {"username": db_user["user"], "idle": 0}, "max_sessions": 100}
    with proxy.hold(site.is_act) as hold:
        slower = start_module("session_kill", {**options, "login_dsn": proxy.dsn})
        hold.wait()
        first = start_module("session_kill", options).result()
        hold.release()
        second = slower.result()
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert outcomes(first) == {victim.id: "ended" for victim in victims}
    assert outcomes(second) == {victim.id: "gone" for victim in victims}
    assert not first["failed"] and not second["failed"] and not second["changed"]


def test_two_runs_at_the_same_instant(
    site: OceanBase, server: Any, start_module: Start, pool: Callable[..., list[Session]], db_user: dict[str, str]
) -> None:
    """The server may answer OK to both who kill one session at one instant; then both have ended it. Whoever looks again after
    an error may still see one that the other run has killed, and passes it by.
    """
    victims = pool(60, **db_user)
    (bystander,) = pool(1)
    with ExitStack() as stack:
        proxies = [stack.enter_context(Wire(site)) for _turn in range(2)]
        holds = [proxy.hold(site.is_act) for proxy in proxies]
        options = {"match": {"username": db_user["user"], "idle": 0}, "max_sessions": 100}
        modules = [start_module("session_kill", {**options, "login_dsn": proxy.dsn}) for proxy in proxies]
        for hold in holds:
            hold.wait()
        for hold in holds:
            hold.release()
        with ThreadPoolExecutor() as threads:
            results = list(threads.map(lambda module: module.result(), modules))
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert not any(result["failed"] for result in results)
    by_session = [{outcomes(result)[victim.id] for result in results} for victim in victims]
    assert all("ended" in both and both <= {"ended", "gone", "skipped"} for both in by_session), by_session


# --- our own connection


def test_own_connection_killed_by_a_third_party(
    site: OceanBase,
    server: Any,
    proxy: Wire,
    start_module: Start,
    pool: Callable[..., list[Session]],
    db_user: dict[str, str],
) -> None:
    victims = pool(3, **db_user)
    (bystander,) = pool(1)
    before = site.ours()
    with proxy.hold(site.is_act) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, "login_dsn": proxy.dsn})
        hold.wait()
        (ours,) = site.ours() - before
        server.sql(f"KILL {ours}")
        hold.release()
        result = module.result()
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert set(outcomes(result).values()) == {"ended"} and not result["failed"]
    assert proxy.connections == 2, "it logged in once more"
    assert [site.is_look(text) for text in proxy.queries].count(True) >= 2, "and looked again before it acted"


def test_connection_cut_after_the_batch_was_carried_out(
    site: OceanBase,
    proxy: Wire,
    run_module: Run,
    pool: Callable[..., list[Session]],
    db_user: dict[str, str],
) -> None:
    victims = pool(3, **db_user)
    (bystander,) = pool(1)
    proxy.cut_after(site.is_act)
    result = run_module("session_kill", {"match": {"username": db_user["user"]}, "login_dsn": proxy.dsn})
    assert not any(victim.alive() for victim in victims) and bystander.alive()
    assert outcomes(result) == {victim.id: "ended" for victim in victims} and not result["failed"]
    assert sorted(kills(proxy)) == sorted(site.statement("kill", victim) for victim in victims), (
        "nothing was sent twice"
    )
    assert proxy.connections == 2


def test_connection_cut_after_a_cancel(
    site: OceanBase, server: Any, proxy: Wire, start_module: Start, db_user: dict[str, str]
) -> None:
    with site.actors.sleeping(server, **db_user) as busy:
        cut = proxy.cut_after(site.is_act)
        result = start_module("sql_cancel", {"sid": busy.id, "login_dsn": proxy.dsn}).result()
        assert cut.text == f"KILL QUERY {busy.id}"
        busy.wait()
        assert busy.error_code == site.cancelled and busy.alive()
    assert outcomes(result) == {busy.id: "ended"}
    # A statement that still runs when it is looked at again is cancelled again; its session is never killed instead.
    assert set(kills(proxy)) == {f"KILL QUERY {busy.id}"}


def test_connection_lost_for_good(
    site: OceanBase,
    proxy: Wire,
    start_module: Start,
    pool: Callable[..., list[Session]],
    db_user: dict[str, str],
) -> None:
    bystanders = pool(3, **db_user)
    with proxy.hold(site.is_act) as hold:
        module = start_module("session_kill", {"match": {"username": db_user["user"]}, "login_dsn": proxy.dsn})
        hold.wait()
        proxy.refuse_new = True
        hold.drop()
        result = module.result()
    assert all(bystander.alive() for bystander in bystanders)
    assert result["failed"] and outcomes(result) == {bystander.id: "failed" for bystander in bystanders}
    reasons = [row["reason"] for row in result["sessions"]]
    sent = [reason.endswith("its statement was sent, but its end could not be seen") for reason in reasons]
    assert sent == [True] * 3 if site.batched else [True, False, False]
    assert all(reason.endswith("its statement was not sent") for reason in reasons[sum(sent) :])


def test_server_stopped_in_the_middle_of_200_kills(site: OceanBase, start_module: Start) -> None:
    # The first statement of the third batch of 50.
    wanted, tried = (3, 150) if site.batched else (101, 101)
    with site.new_server() as server, ExitStack() as stack:
        own = type(site)(server)
        proxy = stack.enter_context(Wire(own))
        account = own.create_user()
        sessions = site.actors.pool(server, 200, **account)
        acts: list[str] = []

        def is_third_batch(text: str) -> bool:
            acts.extend([text] * site.is_act(text))
            return len(acts) == wanted

        with proxy.hold(is_third_batch) as hold:
            options = {"match": {"username": account["user"]}, "max_sessions": 200, **own.login, "login_dsn": proxy.dsn}
            module = start_module("session_kill", options)
            hold.wait()
            server.stop()
            hold.release()
            result = module.result()
        actors.close_all(sessions)
        sent_ids = {int(number) for kill in kills(proxy) for number in re.findall(r"[0-9]+", kill)}
    assert result["failed"] and not result["msg"].startswith("Traceback")
    rows = {row["sid"]: row for row in result["sessions"]}
    assert set(rows) == {session.id for session in sessions}, "every session is accounted for"
    assert result["counts"]["failed"] == sum(result["counts"].values()) == 200
    sent = [row for row in rows.values() if row["reason"].endswith("its end could not be seen")]
    unsent = [row for row in rows.values() if row["reason"].endswith("its statement was not sent")]
    assert len(sent) == tried and len(unsent) == 200 - tried
    assert {row["sid"] for row in sent} == sent_ids
