# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the views show, of which release, in which container, and to whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from unit.oracle_server.memory import START, Memory

from servers.oracle import accounts, sga, views
from servers.oracle.errors import OracleError
from servers.oracle.rights import Rights, find_object, rights_of
from servers.oracle.sql import Context, Engine, install
from servers.oracle.tables import (
    DeadTransaction,
    Job,
    Object,
    PxSession,
    Session,
    Synonym,
    TableColumn,
    TempSegment,
    Transaction,
)
from servers.oracle.values import Type

RELEASES = ("11.2.0.4.0", "12.1.0.2.0", "12.2.0.1.0", "19.0.0.0.0", "21.0.0.0.0", "23.0.0.0.0")
PYTHON_TYPES: dict[Type, tuple[type, ...]] = {
    Type.NUMBER: (int, float),
    Type.VARCHAR2: (str,),
    Type.RAW: (bytes,),
    Type.DATE: (float,),
    Type.TIMESTAMP_TZ: (float,),
    Type.INTERVAL_DS: (int, float),
}
Make = Callable[..., Memory]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(version: str = "19.0.0.0.0", **options: Any) -> Memory:
        if version.startswith("11."):
            options["pdbs"] = ()
        return Memory(tmp_path, version, **options)

    return build


def populated(memory: Memory) -> Memory:
    """With at least a row for every view that can have one from sessions."""
    holder, waiter = memory.session(), memory.session()
    memory.transaction(holder)
    memory.holds(holder, 65537)
    memory.holds(holder, 77, 3, "TM")
    memory.waits(waiter, 65537)
    memory.add(TempSegment(None, 1, holder.sid, holder.serial, holder.saddr, "APP", 128))
    memory.add(DeadTransaction(1, 5, 6, 7))
    server = memory.session(pname="P000")
    memory.add(PxSession(1, server.sid, server.serial, server.saddr, 1, holder.sid, holder.serial, 1, 1, 1, 2, 2))
    memory.add(Job("APP", "NIGHTLY", 1, waiter.sid, 44, "4044", START))
    memory.session(type="BACKGROUND", username=None, pname="PMON", con_id=0)
    memory.session(type="BACKGROUND", username=None, pname="CLMN", con_id=0)
    return memory


# ---- shape


@pytest.mark.parametrize("version", RELEASES)
def test_every_view_can_be_read_and_keeps_its_types(make: Make, version: str) -> None:
    memory = populated(make(version))
    context = Context(user="SYS", con_id=1 if memory.cdb else 0)
    names = [row.name for row in sga.select(memory.connection, Object, owner="SYS", type="VIEW")]
    assert len(names) > 140
    for name in names:
        columns = memory.dictionary.resolve("SYS", name, context).columns
        assert len({column.name for column in columns}) == len(columns), name
        for row in memory.rows(name, owner="SYS"):
            for column in columns:
                value = row[column.name]
                assert value is None or isinstance(value, PYTHON_TYPES[column.type]), (name, column.name, value)
                assert not isinstance(value, (str, bytes)) or 0 < len(value) <= column.size, (name, column.name, value)


@pytest.mark.parametrize("version", RELEASES)
def test_a_gv_view_is_its_v_view_with_the_instance(make: Make, version: str) -> None:
    memory = populated(make(version, instances=2))
    other = memory.session(inst_id=2)
    context = Context(user="SYS", con_id=1 if memory.cdb else 0)
    for name, view in views.FIXED.items():
        if view.since > memory.dictionary.release or not view.everywhere:
            continue
        local = [column.name for column in memory.dictionary.resolve(None, f"V${name}", context).columns]
        everywhere = [column.name for column in memory.dictionary.resolve(None, f"GV${name}", context).columns]
        assert everywhere == ["INST_ID", *local]
        here = [{**row, "INST_ID": 1} for row in memory.rows(f"V${name}")]
        assert memory.rows(f"GV${name}", "INST_ID = 1") == here, name
    assert [row["SID"] for row in memory.rows("V$SESSION", inst_id=2)] == [other.sid]


@pytest.mark.parametrize(
    ("view", "column", "since"),
    [
        ("V$SESSION", "CON_ID", (12, 1)),
        ("V$SESSION", "CREATOR_SERIAL#", (11, 2)),
        ("V$SESSION", "FINAL_BLOCKING_SESSION", (11, 2)),
        ("V$SESSION", "PLSQL_DEBUGGER_CONNECTED", (12, 2)),
        ("V$PROCESS", "EXECUTION_TYPE", (12, 1)),
        ("V$PROCESS", "STID", (12, 1)),
        ("V$PROCESS", "SOSID", (12, 2)),
        ("V$INSTANCE", "VERSION_FULL", (18,)),
        ("V$DATABASE", "CDB", (12, 1)),
        ("V$DEAD_CLEANUP", "ROOT_ADDR", (12, 2)),
        ("V$PX_PROCESS", "IS_GV", (12, 1)),
        ("DBA_USERS", "ORACLE_MAINTAINED", (12, 1)),
        ("ALL_USERS", "ORACLE_MAINTAINED", (12, 1)),
    ],
)
@pytest.mark.parametrize("version", RELEASES)
def test_columns_come_with_their_release(
    make: Make, version: str, view: str, column: str, since: tuple[int, ...]
) -> None:
    memory = make(version)
    context = Context(user="SYS")
    names = {found.name for found in memory.dictionary.resolve(None, view, context).columns}
    assert (column in names) == (memory.dictionary.release >= since)


@pytest.mark.parametrize(
    ("version", "name", "there"),
    [
        ("12.1.0.2.0", "V$CLEANUP_PROCESS", False),
        ("12.2.0.1.0", "V$CLEANUP_PROCESS", True),
        ("11.2.0.4.0", "V$PDBS", False),
        ("11.2.0.4.0", "CDB_USERS", False),
        ("12.1.0.2.0", "CDB_USERS", True),
        ("19.0.0.0.0", "V$WAIT_CHAINS", True),
        ("19.0.0.0.0", "GV$WAIT_CHAINS", False),
        ("19.0.0.0.0", "V$NO_SUCH", False),
        ("19.0.0.0.0", "X$KTUXE", False),
    ],
)
def test_views_come_with_their_release(make: Make, version: str, name: str, there: bool) -> None:
    memory = make(version)
    if there:
        memory.rows(name)
        return
    with pytest.raises(OracleError) as caught:
        memory.rows(name)
    assert caught.value.code == 942


def test_the_columns_of_views_are_in_the_dictionary(make: Make) -> None:
    memory = make()
    found = memory.rows(
        "ALL_TAB_COLUMNS", "TABLE_NAME = 'GV_$SESSION' AND COLUMN_NAME IN ('INST_ID', 'SERIAL#', 'MODULE')"
    )
    assert {(row["COLUMN_NAME"], row["COLUMN_ID"], row["DATA_TYPE"]) for row in found} == {
        ("INST_ID", 1, "NUMBER"),
        ("SERIAL#", 4, "NUMBER"),
        ("MODULE", 40, "VARCHAR2"),
    }


# ---- containers


def test_the_root_sees_all_containers_and_a_pdb_its_own(make: Make) -> None:
    memory = make()
    shop, stock = memory.session(con_id=3), memory.session(con_id=4)
    root, background = memory.session(con_id=1), memory.session(con_id=0, type="BACKGROUND")
    for view in ("V$SESSION", "GV$SESSION"):
        assert {row["SID"] for row in memory.rows(view)} == {shop.sid, stock.sid, root.sid, background.sid}
        assert {row["SID"] for row in memory.rows(view, con_id=3)} == {shop.sid, background.sid}
    assert {row["SPID"] for row in memory.rows("V$PROCESS", con_id=4)} == {
        str(4000 + stock.pid),
        str(4000 + background.pid),
    }
    assert [row["NAME"] for row in memory.rows("V$PDBS")] == ["PDB$SEED", "SHOP", "STOCK"]
    assert [row["NAME"] for row in memory.rows("V$PDBS", con_id=3)] == ["SHOP"]
    assert [row["NAME"] for row in memory.rows("V$CONTAINERS", con_id=4)] == ["STOCK"]


def test_users_of_containers(make: Make) -> None:
    memory = make()
    for con_id, name in ((3, "APP"), (4, "APP"), (1, "C##OPS")):
        accounts.create_user(memory.connection, Rights("SYS", con_id), name, None)
    assert {row["USERNAME"] for row in memory.rows("DBA_USERS", "ORACLE_MAINTAINED = 'N'")} == {"C##OPS"}
    seen = memory.rows("DBA_USERS", "ORACLE_MAINTAINED = 'N'", con_id=3)
    assert {(row["USERNAME"], row["COMMON"], row["INHERITED"]) for row in seen} == {
        ("APP", "NO", "NO"),
        ("C##OPS", "YES", "YES"),
    }
    everywhere = memory.rows("CDB_USERS", "ORACLE_MAINTAINED = 'N'")
    assert {(row["USERNAME"], row["CON_ID"]) for row in everywhere} == {
        *(("C##OPS", con_id) for con_id in (1, 3, 4)),
        ("APP", 3),
        ("APP", 4),
    }
    assert {row["CON_ID"] for row in memory.rows("CDB_USERS", con_id=4)} == {4}


def test_a_database_without_containers(make: Make) -> None:
    memory = make(pdbs=())
    memory.session()
    assert [row["CON_ID"] for row in memory.rows("V$SESSION")] == [0]
    assert memory.rows("V$PDBS") == []
    assert [row["CDB"] for row in memory.rows("V$DATABASE")] == ["NO"]
    assert {row["COMMON"] for row in memory.rows("DBA_USERS")} == {"NO"}


# ---- times


def test_times_are_computed_when_they_are_read(make: Make) -> None:
    memory = make()
    memory.session()
    (row,) = memory.rows("V$SESSION", after=90)
    assert (row["LAST_CALL_ET"], row["SECONDS_IN_WAIT"], row["STATE"]) == (90, 90, "WAITING")
    assert row["WAIT_TIME_MICRO"] == pytest.approx(90e6, abs=100)
    assert (row["TIME_SINCE_LAST_WAIT_MICRO"], row["WAIT_TIME"], row["TIME_REMAINING_MICRO"]) == (0, 0, -1)
    # A clock that a process read later than the statement began gives no negative age.
    assert memory.rows("V$SESSION", after=-5)[0]["LAST_CALL_ET"] == 0


@pytest.mark.parametrize(
    ("lasted", "state", "wait_time"), [(0.001, "WAITED SHORT TIME", -1), (3.0, "WAITED KNOWN TIME", 300)]
)
def test_a_session_on_cpu_shows_its_last_wait(make: Make, lasted: float, state: str, wait_time: int) -> None:
    memory = make()
    memory.session(status="ACTIVE", waiting=0, wait_end=START + lasted / 86400)
    (row,) = memory.rows("V$SESSION", after=10)
    assert (row["STATE"], row["WAIT_TIME"], row["EVENT"]) == (state, wait_time, "SQL*Net message from client")
    assert row["SECONDS_IN_WAIT"] == pytest.approx(10 - lasted, abs=1)
    assert row["TIME_SINCE_LAST_WAIT_MICRO"] == pytest.approx((10 - lasted) * 1e6, abs=200)
    assert row["WAIT_TIME_MICRO"] == pytest.approx(lasted * 1e6, abs=200)
    assert row["TIME_REMAINING_MICRO"] is None
    assert (row["BLOCKING_SESSION_STATUS"], row["FINAL_BLOCKING_SESSION_STATUS"]) == ("NOT IN WAIT", "NOT IN WAIT")


def test_the_start_of_a_transaction_is_a_text_and_a_date(make: Make) -> None:
    memory = make()
    memory.transaction(memory.session())
    (row,) = memory.rows("V$TRANSACTION")
    assert (row["START_TIME"], row["START_DATE"]) == ("10/04/24 00:00:00", START)


# ---- who blocks whom


def blocking(memory: Memory, session: Session, view: str = "V$SESSION") -> tuple[Any, ...]:
    (row,) = memory.rows(view, f"SID = {session.sid}", inst_id=session.inst_id)
    return tuple(
        row[f"{prefix}BLOCKING_{name}"]
        for prefix in ("", "FINAL_")
        for name in ("SESSION_STATUS", "INSTANCE", "SESSION")
    )


def test_a_chain_of_waiters_across_instances(make: Make) -> None:
    memory = make(instances=2)
    root, middle, last = memory.session(), memory.session(inst_id=2), memory.session()
    idle = memory.session()
    for session, resource in ((root, 1), (middle, 2)):
        memory.holds(session, resource)
    memory.waits(middle, 1)
    memory.waits(last, 2)
    nobody = ("NO HOLDER", None, None)
    assert blocking(memory, root) == blocking(memory, idle) == nobody * 2
    assert blocking(memory, middle) == ("VALID", 1, root.sid) * 2
    assert blocking(memory, last) == ("VALID", 2, middle.sid, "VALID", 1, root.sid)
    pairs = {
        (row["INST_ID"], row["SID"], row["BLOCKER_INSTANCE_ID"], row["BLOCKER_SID"], row["BLOCKER_SESS_SERIAL#"])
        for row in memory.rows("GV$SESSION_BLOCKERS")
    }
    assert pairs == {(2, middle.sid, 1, root.sid, root.serial), (1, last.sid, 2, middle.sid, middle.serial)}
    assert [row["HOLDING_SESSION"] for row in memory.rows("DBA_BLOCKERS")] == [root.sid]


def test_a_holder_that_is_gone_blocks_nobody(make: Make) -> None:
    memory = make()
    holder, waiter = memory.session(), memory.session()
    memory.holds(holder, 1)
    memory.waits(waiter, 1)
    assert blocking(memory, waiter)[0] == "VALID"
    memory.connection.execute("DELETE FROM x_lock WHERE lmode > 0")
    assert blocking(memory, waiter) == ("NO HOLDER", None, None) * 2


def test_a_killed_session_that_rolls_back_still_blocks(make: Make) -> None:
    memory = make()
    holder, waiter = memory.session(), memory.session()
    memory.transaction(holder)
    memory.holds(holder, 1)
    memory.waits(waiter, 1)
    kill(memory, holder)
    assert blocking(memory, waiter)[2] == holder.sid
    (row,) = memory.rows("V$DEAD_CLEANUP")
    assert (row["STATE"], row["NUM_BLOCKED"], row["SADDR"]) == ("CLEANUP IN PROGRESS", 1, holder.saddr)


def test_a_server_that_does_not_know_yet_says_so(make: Make) -> None:
    memory = make()
    holder, waiter = memory.session(), memory.session(blocker_unknown=1)
    memory.holds(holder, 1)
    memory.waits(waiter, 1)
    assert blocking(memory, waiter) == ("UNKNOWN", None, None) * 2
    assert memory.rows("V$SESSION_BLOCKERS") == []


def test_a_deadlock_ends_the_search(make: Make) -> None:
    memory = make()
    one, other = memory.session(), memory.session()
    for session, held, wanted in ((one, 1, 2), (other, 2, 1)):
        memory.holds(session, held)
        memory.waits(session, wanted)
    assert blocking(memory, one)[:3] == ("VALID", 1, other.sid)
    assert blocking(memory, one)[3] == "VALID"


# Table of the vendor's Concepts manual: which table locks exclude which.
EXCLUDES = {2: {6}, 3: {4, 5, 6}, 4: {3, 5, 6}, 5: {3, 4, 5, 6}, 6: {2, 3, 4, 5, 6}}


@pytest.mark.parametrize("held", range(1, 7))
@pytest.mark.parametrize("wanted", range(1, 7))
def test_lock_modes(make: Make, held: int, wanted: int) -> None:
    memory = make()
    holder, waiter = memory.session(), memory.session()
    memory.holds(holder, 77, held, "TM")
    memory.waits(waiter, 77, wanted, "TM")
    blocked = wanted in EXCLUDES.get(held, set())
    assert (blocking(memory, waiter)[0] == "VALID") == blocked
    assert [row["BLOCK"] for row in memory.rows("V$LOCK", "LMODE > 0")] == [int(blocked)]


def test_a_library_cache_lock_blocks_without_being_an_enqueue(make: Make) -> None:
    memory = make()
    holder, waiter = memory.session(), memory.session()
    memory.holds(holder, 5, 6, "LB", enqueue=0)
    memory.waits(waiter, 5, 6, "LB", enqueue=0)
    sga.update(memory.connection, Session, {"event": "library cache lock"}, sid=waiter.sid)
    assert blocking(memory, waiter)[:3] == ("VALID", 1, holder.sid)
    assert memory.rows("V$LOCK") == []
    (row,) = memory.rows("V$SESSION", f"SID = {waiter.sid}")
    assert (row["WAIT_CLASS"], row["P1TEXT"]) == ("Concurrency", "handle address")


def test_block_is_2_where_another_instance_might_wait(make: Make) -> None:
    memory = make(instances=2)
    holder, here, there = memory.session(), memory.session(), memory.session(inst_id=2)
    memory.holds(holder, 1)
    memory.holds(holder, 2)
    memory.waits(here, 1)
    memory.waits(there, 2)
    assert {row["ID1"]: row["BLOCK"] for row in memory.rows("V$LOCK", "LMODE > 0")} == {1: 1, 2: 2}


def test_the_waiter_shows_what_it_waits_for(make: Make) -> None:
    memory = make()
    holder, waiter = memory.session(), memory.session()
    memory.transaction(holder)
    memory.holds(holder, 65537)
    memory.waits(waiter, 65537)
    (row,) = memory.rows("V$SESSION", f"SID = {waiter.sid}", after=5)
    (lock,) = memory.rows("V$LOCK", "REQUEST > 0", after=5)
    assert row["LOCKWAIT"] == lock["KADDR"].hex().upper()
    assert (lock["CTIME"], lock["SID"], lock["REQUEST"]) == (5, waiter.sid, 6)
    (held,) = memory.rows("V$SESSION", f"SID = {holder.sid}")
    (transaction,) = memory.rows("V$TRANSACTION")
    assert held["TADDR"] == transaction["ADDR"].hex().upper()
    assert held["LOCKWAIT"] is None
    assert row["TADDR"] is None
    (pair,) = memory.rows("DBA_WAITERS")
    assert (pair["LOCK_TYPE"], pair["MODE_HELD"], pair["MODE_REQUESTED"]) == ("Transaction", "Exclusive", "Exclusive")


# ---- a killed session


def kill(memory: Memory, session: Session) -> None:
    """As a plain KILL leaves an idle session."""
    changes = {"status": "KILLED", "server": "PSEUDO", "paddr": sga.PSEUDO_PROCESS, "kill_time": START}
    sga.update(memory.connection, Session, changes, inst_id=session.inst_id, sid=session.sid)


def test_paddr_of_a_killed_session_leads_nowhere_but_its_creator_does(make: Make) -> None:
    memory = make(instances=2)
    victim, twin = memory.session(), memory.session(inst_id=2)
    assert victim.creator_addr == twin.creator_addr
    kill(memory, victim)
    context = Context(user="SYS", con_id=1)
    sessions = memory.dictionary.resolve(None, "GV$SESSION", context).sql
    processes = memory.dictionary.resolve(None, "GV$PROCESS", context).sql
    join = f"SELECT s.INST_ID, p.SPID FROM {sessions} s LEFT JOIN {processes} p ON p.INST_ID = s.INST_ID AND "
    by_paddr = memory.connection.execute(join + "p.ADDR = s.PADDR ORDER BY 1", {"now": START}).fetchall()
    by_creator = memory.connection.execute(
        join + 'p.ADDR = s.CREATOR_ADDR AND p."SERIAL#" = s."CREATOR_SERIAL#" ORDER BY 1', {"now": START}
    ).fetchall()
    assert by_paddr == [(1, None), (2, str(4000 + twin.pid))]
    assert by_creator == [(1, str(4000 + victim.pid)), (2, str(4000 + twin.pid))]


def test_the_process_of_another_session_at_the_same_address_is_told_apart(make: Make) -> None:
    memory = make()
    victim = memory.session()
    kill(memory, victim)
    memory.connection.execute("DELETE FROM x_process WHERE pid = ?", (victim.pid,))
    heir = memory.session()
    assert heir.creator_addr == victim.creator_addr
    assert heir.creator_serial != victim.creator_serial


@pytest.mark.parametrize(
    ("version", "state", "rolling_back"),
    [
        ("12.1.0.2.0", "RESOURCES FREED - PENDING ACK", "PARTIAL CLEANUP"),
        ("19.0.0.0.0", "RESOURCES FREED", "CLEANUP IN PROGRESS"),
    ],
)
def test_dead_cleanup_lists_killed_sessions(make: Make, version: str, state: str, rolling_back: str) -> None:
    memory = make(version)
    victim = memory.session()
    memory.session()
    assert memory.rows("V$DEAD_CLEANUP") == []
    kill(memory, victim)
    (row,) = memory.rows("V$DEAD_CLEANUP", after=30)
    assert (row["TYPE"], row["STATE"], row["DEAD_TIME"], row["SADDR"]) == ("KILLED SESSION", state, 30, victim.saddr)
    memory.transaction(victim)
    assert memory.rows("V$DEAD_CLEANUP")[0]["STATE"] == rolling_back


def test_recursive_sessions_are_hidden(make: Make) -> None:
    memory = make()
    memory.session(type="RECURSIVE")
    assert memory.rows("V$SESSION") == []


# ---- parallel execution, threads, statistics


def test_a_parallel_server_names_its_coordinator(make: Make) -> None:
    memory = make(instances=2)
    coordinator, server = memory.session(), memory.session(inst_id=2, pname="P000")
    memory.add(PxSession(1, coordinator.sid, coordinator.serial, coordinator.saddr, None, coordinator.sid, None))
    row = PxSession(2, server.sid, server.serial, server.saddr, 1, coordinator.sid, coordinator.serial, 1, 1, 1, 4, 4)
    memory.add(row)
    (shown,) = memory.rows("V$SESSION", f"SID = {server.sid}", inst_id=2)
    assert shown["OWNERID"] == 65536 + coordinator.sid
    assert memory.rows("V$SESSION")[0]["OWNERID"] == 2147483644
    found = memory.rows("GV$PX_SESSION", '"SERVER_SET" IS NOT NULL')
    assert [(found[0][name]) for name in ("QCINST_ID", "QCSID", "QCSERIAL#")] == [
        1,
        coordinator.sid,
        coordinator.serial,
    ]
    (process,) = memory.rows("V$PX_PROCESS", inst_id=2)
    assert (process["STATUS"], process["SID"], process["IS_GV"]) == ("IN USE", server.sid, "FALSE")


def test_threads_share_a_process(make: Make) -> None:
    memory = make()
    for stid in ("71", "72"):
        session = memory.session()
        memory.connection.execute(
            "UPDATE x_process SET spid = '70', stid = ?, execution_type = 'THREAD' WHERE pid = ?", (stid, session.pid)
        )
    shown = [(row["SPID"], row["STID"], row["SOSID"], row["EXECUTION_TYPE"]) for row in memory.rows("V$PROCESS")]
    assert shown == [("70", "71", "70_71", "THREAD"), ("70", "72", "70_72", "THREAD")]


def test_memory_of_a_session_by_the_name_of_the_statistic(make: Make) -> None:
    memory = make()
    session = memory.session()
    memory.connection.execute("UPDATE x_process SET pga_alloc = 987654 WHERE pid = ?", (session.pid,))
    (name,) = memory.rows("V$STATNAME", "NAME = 'session pga memory'")
    (row,) = memory.rows("V$SESSTAT", f'"STATISTIC#" = {name["STATISTIC#"]}')
    assert (row["SID"], row["VALUE"]) == (session.sid, 987654)
    assert memory.rows("V$MYSTAT", sid=session.sid) != []
    assert memory.rows("V$MYSTAT", sid=session.sid + 1) == []


# ---- who may read


def may_read(memory: Memory, user: str, name: str, con_id: int = 3, **options: Any) -> bool:
    try:
        memory.rows(name, user=user, con_id=con_id, **options)
    except OracleError as error:
        assert error.code == 942
        return False
    return True


@pytest.fixture
def people(make: Make) -> Memory:
    """Users of a pluggable database with different rights."""
    memory = make()
    root = Rights("SYS", 3)
    connection = memory.connection
    for user in ("NOBODY", "DIRECT", "BY_ROLE", "CATALOG", "ANYDICT", "BOSS"):
        accounts.create_user(connection, root, user, None)
        accounts.grant(connection, root, ["CREATE SESSION"], [user])
    accounts.create_role(connection, root, "WATCHER")
    target = find_object(connection, root, "SYS", "SYS", "V_$SESSION")
    accounts.grant(connection, root, ["SELECT"], ["DIRECT", "WATCHER"], target=target)
    accounts.grant(connection, root, ["WATCHER"], ["BY_ROLE"])
    accounts.grant(connection, root, ["SELECT_CATALOG_ROLE"], ["CATALOG"])
    accounts.grant(connection, root, ["SELECT ANY DICTIONARY"], ["ANYDICT"])
    accounts.grant(connection, root, ["DBA"], ["BOSS"])
    return memory


@pytest.mark.parametrize(
    ("user", "session", "process", "dba_users"),
    [
        ("NOBODY", False, False, False),
        ("DIRECT", True, False, False),
        ("BY_ROLE", True, False, False),
        ("CATALOG", True, True, True),
        ("ANYDICT", True, True, True),
        ("BOSS", True, True, True),
        ("SYS", True, True, True),
        ("SYSTEM", True, True, True),
    ],
)
def test_what_each_kind_of_user_may_read(
    people: Memory, user: str, session: bool, process: bool, dba_users: bool
) -> None:
    assert may_read(people, user, "V$SESSION") == session
    assert may_read(people, user, "V_$SESSION", owner="SYS") == session
    # The grant was on V_$SESSION alone.
    assert may_read(people, user, "GV$SESSION") == process
    assert may_read(people, user, "V$PROCESS") == process
    assert may_read(people, user, "DBA_USERS") == dba_users
    for public in ("ALL_USERS", "USER_USERS", "SESSION_PRIVS", "SESSION_ROLES", "ALL_OBJECTS", "V$VERSION"):
        assert may_read(people, user, public)
    # The fixed view itself is nobody's but SYS's.
    assert may_read(people, user, "V$SESSION", owner="SYS") == (user == "SYS")


@pytest.mark.parametrize(
    ("user", "seen"), [("DIRECT", True), ("BY_ROLE", False), ("CATALOG", False), ("BOSS", False), ("ANYDICT", True)]
)
def test_roles_do_not_count_with_definers_rights(people: Memory, user: str, seen: bool) -> None:
    definer = rights_of(people.connection, user, 3, roles_active=False)
    assert may_read(people, "NOBODY", "V$SESSION", roles_key=definer) == seen


def test_a_grant_shows_at_once_and_changes_the_version(people: Memory) -> None:
    context = Context(user="NOBODY", con_id=3)
    before = people.dictionary.version(context)
    assert not may_read(people, "NOBODY", "V$LOCK")
    target = find_object(people.connection, Rights("SYS", 3), "SYS", None, "V_$LOCK")
    accounts.grant(people.connection, Rights("SYS", 3), ["READ"], ["NOBODY"], target=target)
    assert may_read(people, "NOBODY", "V$LOCK")
    assert people.dictionary.version(context) != before
    accounts.revoke(people.connection, Rights("SYS", 3), ["READ"], ["NOBODY"], target=target)
    assert not may_read(people, "NOBODY", "V$LOCK")


def test_from_23_on_the_error_names_the_view(make: Make) -> None:
    memory = make("23.0.0.0.0")
    accounts.create_user(memory.connection, Rights("SYS", 3), "NOBODY", None)
    with pytest.raises(OracleError) as caught:
        memory.rows("V$SESSION", user="NOBODY", con_id=3)
    assert caught.value.text == 'ORA-00942: table or view "SYS"."V_$SESSION" does not exist'
    assert str(caught.value) == caught.value.text
    with pytest.raises(OracleError, match=r'"NOBODY"\."NO_SUCH" does not exist'):
        memory.rows("NO_SUCH", user="NOBODY", con_id=3)


def test_session_privileges_and_roles(people: Memory) -> None:
    assert [row["PRIVILEGE"] for row in people.rows("SESSION_PRIVS", user="NOBODY", con_id=3)] == ["CREATE SESSION"]
    assert "ALTER SYSTEM" in {row["PRIVILEGE"] for row in people.rows("SESSION_PRIVS", user="BOSS", con_id=3)}
    assert [row["ROLE"] for row in people.rows("SESSION_ROLES", user="BY_ROLE", con_id=3)] == ["WATCHER"]
    definer = rights_of(people.connection, "BY_ROLE", 3, roles_active=False)
    assert people.rows("SESSION_ROLES", user="BY_ROLE", con_id=3, roles_key=definer) == []


def test_grants_are_listed(people: Memory) -> None:
    found = people.rows("DBA_TAB_PRIVS", "TABLE_NAME = 'V_$SESSION'", con_id=3)
    assert {(row["GRANTEE"], row["PRIVILEGE"], row["OWNER"]) for row in found} == {
        ("SELECT_CATALOG_ROLE", "SELECT", "SYS"),
        ("DIRECT", "SELECT", "SYS"),
        ("WATCHER", "SELECT", "SYS"),
    }
    assert [row["GRANTED_ROLE"] for row in people.rows("USER_ROLE_PRIVS", user="BY_ROLE", con_id=3)] == ["WATCHER"]
    assert [row["TABLE_NAME"] for row in people.rows("ROLE_TAB_PRIVS", user="BY_ROLE", con_id=3)] == ["V_$SESSION"]
    assert people.rows("DBA_SYS_PRIVS", "GRANTEE = 'DIRECT'", con_id=4) == []


# ---- tables of users


def table(memory: Memory, owner: str, name: str, con_id: int = 3) -> int:
    number = sga.next_number(memory.connection, "object")
    memory.add(Object(number, con_id, owner, name, "TABLE", START, START))
    memory.add(TableColumn(number, 1, "ID", "NUMBER", 22, 10, 0, nullable=0))
    memory.add(TableColumn(number, 2, "NAME", "VARCHAR2", 40))
    memory.connection.execute(f'CREATE TABLE {sga.rows_of(number)} ("ID", "NAME")')
    sga.changed(memory.connection)
    return number


def test_a_table_and_its_synonyms(people: Memory) -> None:
    number = table(people, "DIRECT", "EMP")
    people.add(Synonym(3, "PUBLIC", "STAFF", "DIRECT", "EMP"))
    people.add(Synonym(3, "DIRECT", "MINE", "DIRECT", "EMP"))
    context = Context(user="DIRECT", con_id=3)
    for owner, name in ((None, "EMP"), ("DIRECT", "EMP"), (None, "STAFF"), (None, "MINE")):
        source = people.dictionary.resolve(owner, name, context)
        assert (source.sql, source.table) == (f'"{sga.rows_of(number)}"',) * 2
    column = source.columns[0]
    assert (column.name, column.type, column.precision, column.scale, column.nullable) == (
        "ID",
        Type.NUMBER,
        10,
        0,
        False,
    )
    people.dictionary.resolve(None, "EMP", Context(user="SYS", schema="DIRECT", con_id=3))
    for context in (Context(user="NOBODY", con_id=3), Context(user="SYS", con_id=4)):
        with pytest.raises(OracleError):
            people.dictionary.resolve("DIRECT", "EMP", context)


def test_a_granted_table_is_seen(people: Memory) -> None:
    table(people, "DIRECT", "EMP")
    owner = Rights("DIRECT", 3)
    target = find_object(people.connection, owner, "DIRECT", None, "EMP")
    accounts.grant(people.connection, owner, ["UPDATE"], ["NOBODY"], target=target)
    people.dictionary.resolve("DIRECT", "EMP", Context(user="NOBODY", con_id=3))
    assert [row["TABLE_NAME"] for row in people.rows("ALL_TABLES", user="NOBODY", con_id=3)] == ["EMP"]
    assert people.rows("ALL_TABLES", user="BY_ROLE", con_id=3) == []
    assert [row["COLUMN_NAME"] for row in people.rows("USER_TAB_COLUMNS", user="DIRECT", con_id=3)] == ["ID", "NAME"]
    assert [row["OBJECT_NAME"] for row in people.rows("USER_OBJECTS", user="DIRECT", con_id=3)] == ["EMP"]


def test_synonyms_in_a_circle_are_not_followed_for_ever(people: Memory) -> None:
    people.add(Synonym(3, "DIRECT", "A", "DIRECT", "B"))
    people.add(Synonym(3, "DIRECT", "B", "DIRECT", "A"))
    with pytest.raises(OracleError):
        people.dictionary.resolve(None, "A", Context(user="DIRECT", con_id=3))


def test_rds_is_recognised(make: Make) -> None:
    memory = make(rds=True, pdbs=())
    assert [row["USERNAME"] for row in memory.rows("ALL_USERS", "USERNAME = 'RDSADMIN'", user="ADMIN")] == ["RDSADMIN"]
    found = memory.rows("ALL_OBJECTS", "OBJECT_NAME = 'RDSADMIN_UTIL'", user="ADMIN")
    assert [(row["OWNER"], row["OBJECT_TYPE"]) for row in found] == [("RDSADMIN", "PACKAGE")]
    assert may_read(memory, "ADMIN", "V$SESSION", con_id=0)
    privileges = {row["PRIVILEGE"] for row in memory.rows("SESSION_PRIVS", user="ADMIN")}
    assert "ALTER SYSTEM" not in privileges
    assert "CREATE SESSION" in privileges


# ---- through the SQL engine


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "SELECT s.sid, t.used_urec FROM v$session s, v$transaction t WHERE s.taddr = t.addr",
            [("HOLDER", 7)],
        ),
        (
            "SELECT s.sid, s.blocking_session, t.xidusn FROM gv$session s LEFT JOIN gv$transaction t"
            " ON t.inst_id = s.inst_id AND t.ses_addr = s.saddr WHERE s.blocking_session_status = 'VALID'",
            [("WAITER", "HOLDER", None)],
        ),
        (
            "SELECT sid FROM v$session WHERE username IS NOT NULL"
            " START WITH blocking_session IS NULL CONNECT BY PRIOR sid = blocking_session",
            [("HOLDER",), ("WAITER",)],
        ),
        (
            "SELECT s.sid, s.logon_time, s.last_call_et FROM v$session s, v$process p"
            " WHERE p.addr = s.creator_addr AND p.serial# = s.creator_serial# AND p.spid = '4001'",
            [("HOLDER", datetime(2024, 10, 4), 60)],
        ),
        ("SELECT COUNT(*) FROM gv$session WHERE inst_id = 1 AND type = 'USER' AND sid = 1", [("HOLDER",)]),
        ("SELECT name, cdb FROM v$database", [("ORCL", "YES")]),
        ("SELECT instance_name, startup_time FROM v$instance", [("ORCL1", datetime(2024, 10, 3))]),
        ("SELECT username FROM dba_users WHERE oracle_maintained = 'N'", []),
        (
            "SELECT st.sid FROM v$mystat st JOIN v$statname n USING (statistic#) WHERE n.name = 'user calls'",
            [("HOLDER",)],
        ),
    ],
)
def test_queries_that_people_write(make: Make, query: str, expected: list[tuple[Any, ...]]) -> None:
    memory = make()
    install(memory.connection)
    holder, waiter = memory.session(), memory.session()
    memory.transaction(holder, used_urec=7)
    memory.holds(holder, 65537)
    memory.waits(waiter, 65537)
    context = Context(con_id=1, now=START * 86400 + 60, parameters={"sid": holder.sid})
    found = Engine(memory.connection, memory.dictionary).query(query, [], context).rows
    names = {"HOLDER": holder.sid, "WAITER": waiter.sid}
    assert [tuple(row) for row in found] == [tuple(names.get(value, value) for value in row) for row in expected]


# ---- speed


@pytest.mark.parametrize("prefix", ["V", "GV"])
def test_a_snapshot_of_1000_sessions_takes_no_time(make: Make, prefix: str) -> None:
    memory = make(instances=2)
    with sga.write(memory.connection):
        root = memory.session()
        memory.holds(root, 1)
        for number in range(1000):
            session = memory.session(inst_id=1 + number % 2)
            memory.transaction(session, slot=2 + number)
            memory.waits(session, 1)
    context = Context(user="SYS", con_id=1)

    def source(name: str) -> str:
        return memory.dictionary.resolve(None, f"{prefix}${name}", context).sql

    same = "{0}.INST_ID = s.INST_ID AND " if prefix == "GV" else ""
    query = (
        f"SELECT s.*, p.SPID, t.USED_UREC FROM {source('SESSION')} s"
        f' LEFT JOIN {source("PROCESS")} p ON {same.format("p")} p.ADDR = s.CREATOR_ADDR AND p."SERIAL#" = s."CREATOR_SERIAL#"'
        f" LEFT JOIN {source('TRANSACTION')} t ON {same.format('t')} t.SES_ADDR = s.SADDR"
        f' LEFT JOIN {source("PX_SESSION")} x ON {same.format("x")} x.SID = s.SID AND x."SERIAL#" = s."SERIAL#"'
        " WHERE s.TYPE = 'USER'"
    )
    plan = [row[3] for row in memory.connection.execute("EXPLAIN QUERY PLAN " + query, {"now": START})]
    # Nothing but the sessions themselves is read from end to end, and no index is made up on the way.
    assert any("SEARCH p USING INDEX x_process_1 (inst_id=? AND addr=?)" in step for step in plan)
    assert any("SEARCH t USING INDEX x_transaction_1 (inst_id=? AND saddr=?)" in step for step in plan)
    assert any("SEARCH x USING PRIMARY KEY (inst_id=? AND sid=?)" in step for step in plan)
    started = time.process_time()
    rows = memory.connection.execute(query, {"now": START}).fetchall()
    assert len(rows) == (1001 if prefix == "GV" else 501)
    assert time.process_time() - started < 1.0
    assert sga.get(memory.connection, Transaction, sid=root.sid, inst_id=1) is None
