# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rung process_kill from end to end: a database of two instances on two hosts, reached by ssh and sudo."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.actors import wait_until
from servers.host_files import GUEST, OPERATOR, OTHER_OWNER
from servers.hosts import DatabaseHosts
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession

from .ladders import BETWEEN_THE_LOOKS, HOLD, alive, before_task, cleanup_play, key, rows, spid, stuck

Busy = Callable[..., BusySession]
User = dict[str, str]
Cleanup = Callable[..., Any]

# A lock of the session, without a transaction: only the end of its process frees it.
LOCK = "DECLARE n NUMBER; BEGIN n := dbms_lock.request(4711); {} END;"
PID = 24000
# One for each thing that can be wrong.
HOSTS = tuple(f"rac{number}" for number in range(1, 7))


@pytest.fixture(scope="module")
def server(hosts: DatabaseHosts) -> Iterator[OracleServer]:
    with OracleServer(instances=len(HOSTS), places=hosts.places, disconnect_busy=31, force_busy=31) as running:
        yield running


@pytest.fixture
def cleanup(run_playbook: Any, login: dict[str, Any], hosts: DatabaseHosts) -> Cleanup:
    """``cleanup(policy, others={}, env={}, **variables)``: a play of the role; the operator logs in to the hosts, but for
    ``others``, variables by host.
    """
    database = {f"oracle_sessions_{name}": value for name, value in {**login, "wait_timeout": "20s"}.items()}

    def run(policy: Any, others: Any = None, env: dict[str, str] | None = None, **variables: Any) -> Any:
        inventory = {"db": database} | hosts.inventory(OPERATOR) | (others or {})
        return run_playbook(inventory, [cleanup_play(policy, **variables)], env=env)

    return run


@pytest.fixture
def app(create_user: Any) -> User:
    return create_user("EXECUTE ON dbms_lock")


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
    hosts: DatabaseHosts, cleanup: Cleanup, running: Busy, app: User
) -> None:
    """Their sessions stay, and people are told which host it is and why; the others are dealt with."""
    no_sudo, down, well, misplaced, foreign, other = (running(HOLD, instance=number, **app) for number in range(1, 7))
    others = {
        "rac1": hosts["rac1"].variables(GUEST),
        "rac5": hosts["rac5"].variables(OTHER_OWNER) | {"ansible_become": False},
        "rac6": hosts["rac6"].variables() | {"ansible_become_user": OTHER_OWNER.name},
    }
    process = spid(well)
    with hosts["rac2"].unreachable():
        # Whoever wrote this has taken rac3 for the host of instance 4, too.
        done = cleanup(
            stuck(app), others, hosts=json.dumps({number: f"rac{number}" for number in (1, 2, 3, 5, 6)} | {4: "rac3"})
        )
    told = {where: (row["outcome"], row["statement"]) for where, row in rows(done).items()}
    assert told == {
        key(no_sudo): ("pending", None),
        key(down): ("pending", None),
        key(well): ("ended", f"kill -TERM {process} on rac3"),
        key(misplaced): ("refused", None),
        key(foreign): ("failed", None),
        key(other): ("pending", None),
    }, done.output
    assert not alive(well) and all(map(alive, (no_sudo, down, misplaced, foreign, other)))
    reasons = {where: row["reason"] for where, row in rows(done).items()}
    assert "may not act on rac1 as its owner: " in reasons[key(no_sudo)] and "sudo" in reasons[key(no_sudo)]
    assert reasons[key(down)].startswith("rac2 was not reached, so its process there was not ended: ")
    assert "it lives on rac4, this is rac3" in reasons[key(misplaced)]
    assert "become" in reasons[key(foreign)] and "may not act on rac6 as its owner: " in reasons[key(other)]
    assert done.code != 0 and "rac2 was not reached" in done.output
    calls = [each["host"] for each in done.results if each["task"].startswith("End their server processes on ")]
    assert len(calls) == 5, "one call for each host"


def test_another_process_has_its_number_at_the_second_look(
    hosts: DatabaseHosts,
    server: OracleServer,
    cleanup: Cleanup,
    running: Busy,
    app: User,
    create_user: Any,
    tmp_path: Path,
) -> None:
    """The victim's process dies, and its number becomes that of a bystander, before the database has cleaned up."""
    other = create_user()
    victim = running(HOLD, instance=1, **app)
    process, heir = spid(victim), []

    def inherit() -> None:
        server.end_process(victim)
        # Whoever is to clean up later is a process as well, and must not be the one to get that number.
        titles = hosts["rac1"].processes
        wait_until(lambda: "ora_p000_ORCL1" in titles().values(), what="PMON to have noticed")
        heir.append(hosts["rac1"].start_as(process, lambda: running(HOLD, instance=1, **other), spid))

    with server.policies(pmon_seconds=30.0), before_task(BETWEEN_THE_LOOKS, tmp_path, inherit) as env:
        done = cleanup(stuck(app), env=env)
    (bystander,) = heir
    assert spid(bystander) == process and alive(bystander)
    row = rows(done)[key(victim)]
    # The database lists both with that number, so that it is nobody's alone.
    assert (row["outcome"], row["statement"]) == ("refused", None) and done.code != 0, done.output
    assert "it serves other sessions as well" in row["reason"]


@pytest.mark.parametrize("held", ["See whose processes may be ended", "End their server processes on rac1"])
def test_another_process_has_its_number_when_its_turn_comes(
    hosts: DatabaseHosts,
    server: OracleServer,
    cleanup: Cleanup,
    running: Busy,
    app: User,
    create_user: Any,
    tmp_path: Path,
    held: str,
) -> None:
    """The same after the second look, and the play waits so long then that the bystander gets as old as the victim was at
    that look: only who knows how long ago that was can tell them apart.
    """
    other = create_user()
    victim = running(HOLD, instance=1, **app)
    process, heir = spid(victim), []
    age = "SELECT (SYSDATE - logon_time) * 86400 FROM gv$session WHERE inst_id = 1 AND sid = :1"

    def inherit() -> None:
        ((seconds,),) = server.sql(age, (victim.sid,))
        server.end_process(victim)
        heir.append(hosts["rac1"].start_as(process, lambda: running(HOLD, instance=1, **other), spid))
        wait_until(lambda: server.sql(age, (heir[0].sid,))[0][0] >= seconds, timeout=60, what="it to be as old")

    with before_task(held, tmp_path, inherit) as env:
        done = cleanup(stuck(app), env=env)
    (bystander,) = heir
    assert spid(bystander) == process and alive(bystander), done.output
    (told,) = done.of("End their server processes on rac1")["processes"]
    assert told["outcome"] == "refused" and "its PID is another one's by now" in told["reason"]
    # The database has cleaned up meanwhile.
    assert outcomes(done) == {key(victim): "gone"} and not alive(victim)
