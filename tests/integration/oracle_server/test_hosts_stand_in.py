# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One database whose two instances run on a host each: who is where, and that the hosts are no wall between sessions."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import oracledb
import pytest
from integration.oracle_server.life import (
    HOLD,
    SPIN,
    Act,
    Open,
    Run,
    await_active,
    await_gone,
    fate,
    named,
    row,
    rule,
    spid,
    status,
)

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.host_files import GUEST, OTHER_OWNER, OWNER, Account
from servers.hosts import DatabaseHosts, Host
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session

OPTIONS = {"instances": 2, "version": "23.4.0.0.0", "kill_wait_seconds": 0.3, "kill_force_wait_seconds": 0.3}
DEDICATED = "oracleORCL{} (LOCAL=NO)"


@pytest.fixture(scope="module")
def server(hosts: DatabaseHosts) -> Iterator[OracleServer]:
    with OracleServer(places=hosts.places, **OPTIONS) as running:
        yield running


@pytest.fixture
def both(server: OracleServer) -> Iterator[OracleServer]:
    """The server, with both instances open before and after the test."""
    yield server
    server.start_instance(1)
    server.start_instance(2)


# ---- who is where


def test_each_instance_is_on_its_host(server: OracleServer, hosts: DatabaseHosts) -> None:
    found = server.sql("SELECT inst_id, instance_name, host_name FROM gv$instance ORDER BY 1")
    assert found == [(1, "ORCL1", "rac1"), (2, "ORCL2", "rac2")]
    for number, host in enumerate(hosts, 1):
        assert server.dsn_of(number) == f"{host.address}:{server.ports[number]}/orcl"
        with server.connect(instance=number) as connection:
            assert connection.instance_name == f"ORCL{number}"


def test_no_other_address_listens(server: OracleServer, hosts: DatabaseHosts) -> None:
    for number, port in server.ports.items():
        for address in ("127.0.0.1", next(host.address for at, host in enumerate(hosts, 1) if at != number)):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, port), timeout=10)


def test_a_spid_is_the_number_on_the_host(server: OracleServer, hosts: DatabaseHosts, idle: Open) -> None:
    for number, host in enumerate(hosts, 1):
        session = idle(instance=number)
        process = spid(session)
        assert host.processes()[process] == DEDICATED.format(number)
        assert host.run("ps", "-o", "user=", "-p", str(process)).stdout == "oracle\n"
        # As of any process that was started as this user; one that has changed its user hides from that user, too.
        assert host.run("readlink", f"/proc/{process}/exe", user=OWNER).stdout
        # The machine gives it another number, and the first one to something else or to nothing.
        outside = Path(f"/proc/{process}/cmdline")
        assert not outside.exists() or DEDICATED.format(number).encode() not in outside.read_bytes()


def test_background_processes_are_on_the_host(server: OracleServer, hosts: DatabaseHosts) -> None:
    for number, host in enumerate(hosts, 1):
        names = server.sql(
            "SELECT spid, LOWER(pname) FROM gv$process WHERE inst_id = :1 AND pname IS NOT NULL", [number]
        )
        there = host.processes()
        assert {there[int(process)] for process, _name in names} == {f"ora_{name}_ORCL{number}" for _pid, name in names}
        assert f"ora_pmon_ORCL{number}" in there.values()
        assert f"tnslsnr LISTENER_ORCL{number} -inherit" in there.values()
        assert not any(f"ORCL{3 - number}" in title for title in there.values())


def test_those_that_are_no_dedicated_servers_look_so(
    server: OracleServer, hosts: DatabaseHosts, idle: Open, busy: Run
) -> None:
    host = hosts["rac2"]
    before = list(host.processes().values())
    job = server.open_job("system", instance=2)
    assert host.processes()[job["spid"]] == "ora_j000_ORCL2"
    coordinator = busy("BEGIN standin.parallel(2, 60); END;", instance=2)
    wait_until(lambda: "ora_p001_ORCL2" in host.processes().values(), what="the parallel servers")
    idle(instance=2, server_type="pooled", cclass="SHOP", purity=oracledb.PURITY_SELF)
    shared = f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host.address})(PORT={server.ports[2]}))" + (
        f"(CONNECT_DATA=(SERVICE_NAME={server.service})(SERVER=SHARED)))"
    )
    idle(dsn=shared)
    titles = list(host.processes().values())
    # Only the coordinator is one.
    assert titles.count(DEDICATED.format(2)) == before.count(DEDICATED.format(2)) + 1
    assert host.processes()[spid(coordinator)] == DEDICATED.format(2)
    assert "ora_l000_ORCL2" in titles
    host.run("kill", str(job["spid"]))


def test_the_other_instance_is_named_by_its_address(server: OracleServer) -> None:
    """A listener that sends a client on to the other instance."""
    data = f"(SERVICE_NAME={server.service})(INSTANCE_NAME=ORCL2)"
    dsn = f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={server.host})(PORT={server.ports[1]}))(CONNECT_DATA={data}))"
    with server.connect(dsn=dsn) as connection:
        assert connection.instance_name == "ORCL2"


def test_all_of_the_program_is_loaded_before_it_moves(server: OracleServer, hosts: DatabaseHosts, idle: Open) -> None:
    """The owner may not be able to read Python's library, parts of which Python imports when they are first used."""
    session = idle(instance=2)
    with session.connection.cursor() as cursor:
        day = cursor.var(oracledb.DB_TYPE_DATE)
        cursor.execute("DECLARE d DATE := '02-JAN-20'; BEGIN :day := d; END;", {"day": day})
        assert day.getvalue().year == 2020
        text = cursor.var(oracledb.DB_TYPE_NVARCHAR)
        cursor.execute("BEGIN :text := 'x'; END;", {"text": text})
        assert text.getvalue() == "x"


# ---- equal numbers, and signals


@pytest.fixture
def twins(hosts: DatabaseHosts, busy: Run) -> tuple[BusySession, BusySession]:
    """Two sessions in a call that hears of nothing, whose processes have the same id, each on its host."""

    def twin(number: int, host: Host) -> BusySession:
        return host.start_as(24000, lambda: busy(HOLD, instance=number), spid)

    first, second = (twin(number, host) for number, host in enumerate(hosts, 1))
    return first, second


@pytest.mark.parametrize("victim_at", [1, 2])
def test_a_signal_ends_the_one_on_its_host(
    server: OracleServer,
    hosts: DatabaseHosts,
    twins: tuple[BusySession, BusySession],
    act: Act,
    bystander: Session,
    victim_at: int,
) -> None:
    victim, other = twins if victim_at == 1 else twins[::-1]
    assert spid(victim) == spid(other) == 24000
    assert act(f"KILL SESSION '{named(victim)},@{victim_at}' IMMEDIATE") == rule("kill_busy_immediate")
    hosts[f"rac{victim_at}"].run("kill", "24000", user=OWNER)
    assert fate(victim) == rule("victim_process_killed")
    await_gone(victim)
    assert (status(other), other.done.is_set(), spid(other)) == ("ACTIVE", False, 24000)
    server.release(other)
    assert fate(other) == 0


@pytest.mark.parametrize("user", [GUEST, OTHER_OWNER], ids=["no owner", "another owner"])
def test_who_does_not_own_the_database_ends_nothing(
    hosts: DatabaseHosts, busy: Run, user: Account, bystander: Session
) -> None:
    session = busy(SPIN)
    done = hosts["rac1"].run("kill", "-KILL", str(spid(session)), user=user, check=False)
    assert done.returncode != 0
    assert "not permitted" in done.stderr
    assert (status(session), session.done.is_set()) == ("ACTIVE", False)


def test_the_stand_in_itself_ends_the_right_one(server: OracleServer, twins: tuple[BusySession, BusySession]) -> None:
    """From this machine, where the number means nothing."""
    first, second = twins
    server.end_process(second)
    assert fate(second) == rule("victim_process_killed")
    await_gone(second)
    assert (status(first), first.done.is_set()) == ("ACTIVE", False)


# ---- what one session does to another one, over there


def test_locks_over_there(server: OracleServer, opened: list[Session], busy: Run) -> None:
    holder = actors.idle_in_transaction(server, row=1, database="hosts", instance=1)
    waiter = actors.waiter(server, row=1, database="hosts", instance=2)
    opened += [holder, waiter]
    assert row(waiter, "blocking_instance", "blocking_session") == (1, holder.sid)
    holder.commit()
    waiter.wait()
    assert waiter.error is None


def test_kill_over_there(idle: Open, busy: Run, act: Act, bystander: Session) -> None:
    sleeper, spinner, cancelled = idle(instance=2), busy(SPIN, instance=2), busy(SPIN, instance=2)
    assert act(f"KILL SESSION '{named(sleeper)},@2' IMMEDIATE") == 0
    await_gone(sleeper)
    assert act(f"CANCEL SQL '{named(cancelled)},@2'") == 0
    assert fate(cancelled) == rule("victim_cancelled")
    assert act(f"KILL SESSION '{named(spinner)},@2' IMMEDIATE") == rule("kill_busy_immediate")
    assert fate(spinner) == rule("victim_busy_immediate")
    await_gone(spinner)


def test_force_over_there(hosts: DatabaseHosts, twins: tuple[BusySession, BusySession], act: Act) -> None:
    """It ends a process there, and not the one with the same number here."""
    first, second = twins
    assert act(f"KILL SESSION '{named(second)},@2' FORCE") == 0
    assert fate(second) == rule("victim_force")
    await_gone(second)
    assert 24000 in hosts["rac1"].processes()
    assert (status(first), first.done.is_set()) == ("ACTIVE", False)


def test_the_dead_are_recovered_over_there(
    server: OracleServer, hosts: DatabaseHosts, opened: list[Session], bystander: Session
) -> None:
    victim = actors.idle_in_transaction(server, row=7, database="hosts", rows=200, instance=2)
    waiter = actors.waiter(server, row=7, database="hosts", instance=1)
    opened += [victim, waiter]
    recovering = "SELECT inst_id FROM gv$fast_start_transactions WHERE state = 'RECOVERING'"
    with server.policies(rollback_rate=200.0):
        hosts["rac2"].run("kill", "-KILL", str(spid(victim)), user=OWNER)
        await_gone(victim)
        assert server.sql(recovering) == [(2,)]
        assert not waiter.done.is_set()
        waiter.wait()
    assert waiter.error is None
    wait_until(lambda: server.sql(recovering) == [], what="the recovery")


# ---- the end of an instance


def test_the_end_of_pmon_is_the_end_of_one_instance(
    both: OracleServer, hosts: DatabaseHosts, idle: Open, bystander: Session
) -> None:
    there = idle(instance=2)
    host = hosts["rac2"]
    pmon = next(pid for pid, title in host.processes().items() if title == "ora_pmon_ORCL2")
    # On the other host it is the same process, of the other instance.
    assert re.fullmatch(r"ora_\w+_ORCL1", hosts["rac1"].processes()[pmon])
    host.run("kill", "-KILL", str(pmon), user=OWNER)
    wait_until(lambda: both.sql("SELECT inst_id FROM gv$instance") == [(1,)], what="the end of instance 2")
    assert fate(there) == rule("victim_process_killed")
    assert not any("ORCL2" in title for title in host.processes().values())
    both.start_instance(2)
    again = idle(instance=2)
    assert host.processes()[spid(again)] == DEDICATED.format(2)


def test_stopped_and_started(
    both: OracleServer, hosts: DatabaseHosts, opened: list[Session], bystander: Session
) -> None:
    """What its sessions had locked is free at once."""
    holder = actors.idle_in_transaction(both, row=9, database="hosts", instance=2)
    waiter = actors.waiter(both, row=9, database="hosts", instance=1)
    opened += [holder, waiter]
    both.stop_instance(2)
    waiter.wait()
    assert waiter.error is None
    both.start_instance(2)
    assert both.sql("SELECT host_name FROM gv$instance WHERE inst_id = 2") == [("rac2",)]


def test_the_end_of_the_server_leaves_the_hosts_alone(hosts: DatabaseHosts) -> None:
    before = [set(host.processes().values()) for host in hosts]
    with OracleServer(name="SHOP", instances=2, places=hosts.places) as another:
        folder = another.folder
        assert folder.stat().st_uid == OWNER.uid
        assert all(any("SHOP" in title for title in host.processes().values()) for host in hosts)
    wait_until(lambda: [set(host.processes().values()) for host in hosts] == before, what="its end")
    assert not os.path.exists(folder)


def test_the_end_of_a_host_is_the_end_of_its_instance() -> None:
    with DatabaseHosts() as own, OracleServer(instances=2, places=own.places) as server, actors.idle(server) as here:
        there = actors.idle(server, instance=2)
        own["rac2"].end()
        await_gone(there)
        assert server.sql("SELECT host_name FROM gv$instance") == [("rac1",)]
        assert here.alive()


def test_places_for_each_instance_or_for_none(hosts: DatabaseHosts) -> None:
    with pytest.raises(ValueError, match="1 instances on 2 hosts"):
        OracleServer(places=hosts.places)


def test_a_session_waits_on_its_host(server: OracleServer, busy: Run) -> None:
    """DBMS_LOCK's locks are those of the whole database."""
    lock = "DECLARE n NUMBER; BEGIN n := dbms_lock.request(4711); {} END;"
    holder = busy(lock.format("standin.hold(60);"), instance=2)
    waiter = busy(lock.format(""), instance=1)
    await_active(waiter, "enq: UL - contention")
    assert row(waiter, "blocking_instance", "blocking_session") == (2, holder.sid)
    server.end_process(holder)
    waiter.wait()
    assert waiter.error is None
