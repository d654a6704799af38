# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rung process_kill from end to end: a database of two instances on two hosts, reached by ssh and sudo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.host_files import GUEST, OPERATOR, Account
from servers.hosts import DatabaseHosts
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession

from .ladders import HOLD, LADDER, between_the_looks, cleanup_play, key, rows, spid, stuck

Busy = Callable[..., BusySession]
User = dict[str, str]
Cleanup = Callable[..., Any]

# A lock of the session, without a transaction: only the end of its process frees it.
LOCK = "DECLARE n NUMBER; BEGIN n := dbms_lock.request(4711); {} END;"
PID = 24000


@pytest.fixture(scope="module")
def server(hosts: DatabaseHosts) -> Iterator[OracleServer]:
    with OracleServer(instances=2, places=hosts.places, disconnect_busy=31, force_busy=31) as running:
        yield running


@pytest.fixture
def cleanup(run_playbook: Any, login: dict[str, Any], hosts: DatabaseHosts) -> Cleanup:
    """``cleanup(policy, accounts={host: account}, **variables)``: a play of the role; the accounts log in to the hosts, the
    operator where none is named.
    """
    database = {f"oracle_sessions_{name}": value for name, value in {**login, "wait_timeout": "20s"}.items()}

    def run(policy: Any, *arguments: str, accounts: dict[str, Account] | None = None, **variables: Any) -> Any:
        inventory = {each.name: each.variables((accounts or {}).get(each.name, OPERATOR)) for each in hosts}
        return run_playbook({"db": database, **inventory}, [cleanup_play(policy, **variables)], *arguments)

    return run


@pytest.fixture
def app(create_user: Any) -> User:
    return create_user("EXECUTE ON dbms_lock")


def alive(session: BusySession) -> bool:
    return actors.listed(session) is not None and not session.done.is_set()


def outcomes(done: Any) -> dict[tuple[int, int], str]:
    return {where: row["outcome"] for where, row in rows(done).items()}


def test_the_right_process_on_the_right_host(
    hosts: DatabaseHosts, server: OracleServer, cleanup: Cleanup, running: Busy, app: User, create_user: Any
) -> None:
    """While the same number is another one's process on the other host, and somebody waits for what the victim holds."""
    other = create_user()

    def started(instance: int, statement: str, login: User) -> BusySession:
        return hosts[f"rac{instance}"].start_as(PID, lambda: running(statement, instance=instance, **login), spid)

    victim, twin = started(1, LOCK.format("STANDIN.HOLD(600);"), app), started(2, HOLD, other)
    second = running(HOLD, instance=2, **app)
    waiter = running(LOCK.format(""), instance=2, **create_user("EXECUTE ON dbms_lock"))
    assert (spid(victim), spid(twin)) == (PID, PID) and not waiter.done.is_set()
    process = spid(second)
    # By their host names: the inventory names both, and nobody says which is which.
    done = cleanup(stuck(app))
    assert done.code == 0, done.output
    told = {where: (row["outcome"], row["statement"]) for where, row in rows(done).items()}
    assert told == {
        key(victim): ("ended", f"kill -TERM {PID} on rac1"),
        key(second): ("ended", f"kill -TERM {process} on rac2"),
    }
    assert not alive(victim) and not alive(second)
    waiter.wait()
    assert waiter.error is None
    assert alive(twin) and spid(twin) == PID and PID in hosts["rac2"].processes()
    calls = [each["host"] for each in done.results if each["task"].startswith("End their server processes on ")]
    assert len(calls) == 2, "one call for each host"
    # SQL ran where the driver is, and the signal where the process was.
    proven = [done.of(f"End their server processes on {name}")["processes"][0]["proven"] for name in ("rac1", "rac2")]
    assert [each["owner"] for each in proven] == ["oracle", "oracle"] and all(each["pidfd"] for each in proven)


def test_hosts_that_are_not_reached_or_do_not_let_us(
    hosts: DatabaseHosts, server: OracleServer, cleanup: Cleanup, running: Busy, app: User
) -> None:
    """Their sessions stay pending, and people are told which host it is and why; the others are dealt with."""
    first, second = running(HOLD, instance=1, **app), running(HOLD, instance=2, **app)
    killed = [{"name": "killed", "match": {"username": app["user"], "status": "killed"}, "then": LADDER}]
    with hosts["rac2"].unreachable():
        done = cleanup(stuck(app), accounts={"rac1": GUEST})
    assert done.code != 0
    assert outcomes(done) == {key(first): "pending", key(second): "pending"} and alive(first) and alive(second)
    assert "may not act on rac1 as its owner: " in rows(done)[key(first)]["reason"]
    assert "sudo" in rows(done)[key(first)]["reason"]
    assert rows(done)[key(second)]["reason"].startswith("rac2 was not reached, so its process there was not ended: ")
    assert not any(row["statement"] for row in rows(done).values())

    with hosts["rac2"].unreachable():
        done = cleanup(killed)
    assert outcomes(done) == {key(first): "ended", key(second): "pending"} and not alive(first) and alive(second)
    assert done.code != 0 and "rac2 was not reached" in done.output

    # The instances exchanged: each host says that it is another one. An owner that may not be become: nothing is done.
    done = cleanup(killed, hosts={1: "rac2", 2: "rac1"})
    assert outcomes(done) == {key(second): "refused"} and alive(second)
    assert "it lives on rac2, this is rac1" in rows(done)[key(second)]["reason"]
    done = cleanup(killed, software_owner="grid")
    assert outcomes(done) == {key(second): "pending"} and alive(second)
    assert "may not act on rac2 as its owner: " in rows(done)[key(second)]["reason"]

    done = cleanup(killed, hosts='{"1": "rac1", "2": "rac2"}')
    assert done.code == 0 and outcomes(done) == {key(second): "ended"} and not alive(second), done.output


def test_another_process_has_its_number_at_the_second_look(
    hosts: DatabaseHosts, server: OracleServer, cleanup: Cleanup, running: Busy, app: User, create_user: Any
) -> None:
    """The victim's process dies, and its number becomes that of a bystander, before the database has cleaned up."""
    other = create_user()
    victim = running(HOLD, instance=1, **app)
    process, heir = spid(victim), []

    def inherit() -> None:
        server.end_process(victim)
        heir.append(hosts["rac1"].start_as(process, lambda: running(HOLD, instance=1, **other), spid))

    with server.policies(pmon_seconds=18.0), between_the_looks(server, inherit):
        done = cleanup(stuck(app))
    (bystander,) = heir
    assert spid(bystander) == process and alive(bystander)
    row = rows(done)[key(victim)]
    # The database lists both with that number, so that it is nobody's alone.
    assert (row["outcome"], row["statement"]) == ("refused", None) and done.code != 0, done.output
    assert "it serves other sessions as well" in row["reason"]
