# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rows of Oracle Database become sessions, and what is asked for to get them, from recorded rows.

The shapes are those of the vendor's Database Reference (V$SESSION, V$PROCESS, V$TRANSACTION, V$PX_SESSION), joined as the
query joins them: what a join did not find is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import oracle, outcomes, planned, rule

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_snapshot import SessionList
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import protected_by
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import NOT_READ, Session, Snapshot, iso

ALL_KEYS = frozenset(KEYS)
INSTANCES = {
    number: {"INST_ID": number, "INSTANCE_NAME": f"SHOP{number}", "HOST_NAME": f"db{number}"} for number in (1, 2)
}
SQL_ID = "7h35uxf5uhmm1"
# A dedicated session that has been idle for five minutes.
DEDICATED: dict[str, Any] = {
    "NOW": "2026-11-21T09:00:00.123+02:00",
    "INST_ID": 1,
    "SID": 30,
    "SERIAL": 15,
    "TYPE": "USER",
    "SERVER": "DEDICATED",
    "USERNAME": "APP_1",
    "SCHEMANAME": "SHOP",
    "OSUSER": "app",
    "MACHINE": "app1",
    "PORT": 47856,
    "PROGRAM": "app@app1 (TNS V1-V3)",
    "MODULE": "orders",
    "ACTION": "list",
    "CLIENT_IDENTIFIER": "user 7",
    "CLIENT_INFO": "page 3",
    "SERVICE_NAME": "shop_rw",
    "RESOURCE_CONSUMER_GROUP": "OLTP",
    "STATUS": "INACTIVE",
    "COMMAND": 0,
    "SQL_ID": None,
    "SQL_EXEC_ID": None,
    "EVENT": "SQL*Net message from client",
    "WAIT_CLASS": "Idle",
    "LAST_CALL_ET": 300,
    "LOGON_TIME": "2026-11-21T08:00:00",
    "LOGON_SECONDS": 3600,
    "SQL_SECONDS": None,
    "HOLDER": None,
    "HOLDER_INSTANCE": None,
    "WAIT_TIME_MICRO": 300_000_000,
    "MAINTAINED": 0,
    "CONTAINER": None,
    "SPID": "4711",
    "PNAME": None,
    "BACKGROUND": None,
    "PGA": 5 * 1048576,
    "EXECUTION_TYPE": "PROCESS",
    "UNDO_RECORDS": None,
    "AGE_SECONDS": None,
    "IN_TRANSACTION": None,
    "COORDINATOR": None,
    "COORDINATOR_INSTANCE": 1,
    "TEMP_MB": None,
    "SQL_TEXT": None,
}
RUNNING = {
    **DEDICATED,
    **{"SID": 31, "STATUS": "ACTIVE", "COMMAND": 3, "SQL_ID": SQL_ID, "SQL_EXEC_ID": 16777216, "LAST_CALL_ET": 60},
    **{"SQL_SECONDS": 42, "SQL_TEXT": "SELECT 1 FROM dual", "SPID": "4712", "EVENT": "db file sequential read"},
}
OWN = {**RUNNING, "SID": 99, "USERNAME": "DBA", "PROGRAM": "dbops.oracle_sessions", "SPID": "4799"}
# After an end that the client has not noticed: PADDR leads nowhere, the process is found by who created the session.
KILLED = {**DEDICATED, "STATUS": "KILLED", "SERVER": "PSEUDO"}
TRANSACTION = {"IN_TRANSACTION": b"\x01", "UNDO_RECORDS": 500, "AGE_SECONDS": 12.3456}


class Recorded:
    """Answers the list's queries; a view that is denied is refused wherever a query names it."""

    def __init__(
        self,
        rows: Iterable[dict[str, Any]],
        denied: Iterable[str] = (),
        objects: Iterable[dict[str, Any]] = (),
        code: int = 942,
    ) -> None:
        self.rows, self.objects = list(rows), list(objects)
        self.denied, self.code = set(denied), code
        self.asked: list[str] = []

    def ask(self, query: str) -> list[dict[str, Any]]:
        self.asked.append(query)
        for view in self.denied:
            if re.search(rf"(FROM|JOIN) {re.escape(view)}\b", query):
                raise StatementFailed(f"ORA-{self.code:05d}: no", self.code)
        if "1 = 0" in query:
            return []
        return self.objects if "l.session_id" in query else self.rows


def session_list(
    version: tuple[int, ...] = (19, 3),
    several: bool = False,
    container: str = "SHOP",
    here: int = 1,
    windows: bool = False,
) -> SessionList:
    instances = INSTANCES if several else {here: INSTANCES[here]}
    return SessionList(version, instances, here, 99, "+02:00", container, windows)


def look(
    rows: Iterable[dict[str, Any]],
    keys: Iterable[str] = ALL_KEYS,
    sids: list[int] | None = None,
    server: Recorded | None = None,
    **kind: Any,
) -> list[Session]:
    return session_list(**kind).read((server or Recorded(rows)).ask, frozenset(keys), sids)[1]


def one(row: dict[str, Any], **kind: Any) -> Session:
    (found,) = [each for each in look([OWN, row], **kind) if each.sid == row["SID"]]
    return found


def server(name: str, sid: int, **columns: Any) -> dict[str, Any]:
    """A parallel server of session 31."""
    return {
        **RUNNING,
        **{"SID": sid, "PNAME": name, "PROGRAM": f"oracle@db1 ({name})", "COORDINATOR": 31, "PGA": 2 * 1048576},
        **columns,
    }


# --- rows


def test_a_dedicated_session_that_is_idle() -> None:
    found = one(DEDICATED)
    assert found == Session(
        inst_id=1,
        sid=30,
        serial=15,
        logon_time="2026-11-21T08:00:00+02:00",
        client_port=47856,
        type="user",
        server="dedicated",
        own=False,
        oracle_maintained=False,
        username="APP_1",
        schema="SHOP",
        os_user="app",
        machine="app1",
        program="app@app1 (TNS V1-V3)",
        module="orders",
        action="list",
        client_identifier="user 7",
        client_info="page 3",
        service="shop_rw",
        resource_group="OLTP",
        container="SHOP",
        status="inactive",
        event="SQL*Net message from client",
        wait_class="Idle",
        idle_seconds=300.0,
        logon_seconds=3600.0,
        pga_mb=5.0,
        process={"host": "db1", "spid": "4711", "kind": "dedicated", "oracle_sid": "SHOP1"},
    )
    assert found.identity == (1, 30, 15, "2026-11-21T08:00:00")
    assert protected_by(found, rule(oracle(), sid=30, serial=15)) is None


def test_a_running_session() -> None:
    found = one(RUNNING)
    assert (found.status, found.idle_seconds, found.active_seconds, found.sql_active_seconds) == (
        *("active", None),
        *(60.0, 42.0),
    )
    assert found.execution == (SQL_ID, 16777216)
    assert (found.command, found.sql_text) == ("SELECT", "SELECT 1 FROM dual")


def test_a_call_that_runs_no_statement_of_its_own() -> None:
    found = one({**RUNNING, "SQL_ID": None, "SQL_EXEC_ID": None, "SQL_SECONDS": None})
    assert (found.active_seconds, found.sql_active_seconds, found.execution) == (60.0, None, (None, None))


@pytest.mark.parametrize("status", ["INACTIVE", "KILLED", "SNIPED", "CACHED"])
def test_what_does_not_run_is_idle_and_has_no_statement(status: str) -> None:
    found = one({**RUNNING, "STATUS": status})
    assert (found.status, found.idle_seconds, found.active_seconds) == (status.lower(), 60.0, None)
    assert (found.sql_id, found.sql_exec_id, found.sql_active_seconds, found.execution) == (None, None, None, None)


def test_numbers_come_as_the_driver_likes() -> None:
    texts = {name: str(RUNNING[name]) for name in ("SERIAL", "INST_ID", "PORT", "COMMAND", "LAST_CALL_ET")}
    assert one({**RUNNING, **texts}) == one(RUNNING)
    assert one({**DEDICATED, "PORT": 0}).client_port is None
    assert one({**DEDICATED, "PORT": None}).client_port is None
    assert one({**DEDICATED, "COMMAND": 999}).command is None


@pytest.mark.parametrize(
    ("told", "machine"), [("WORK\\PC7\0", "WORK\\PC7"), ("app1", "app1"), ("\0", None), (None, None), ("", None)]
)
def test_the_machine_of_a_windows_client(told: str | None, machine: str | None) -> None:
    assert one({**DEDICATED, "MACHINE": told}).machine == machine


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({}, "dedicated"),
        ({"EXECUTION_TYPE": None}, "dedicated"),
        ({"SERVER": "SHARED", "PNAME": "S000"}, "shared"),
        # Between two calls PADDR is the dispatcher's.
        ({"SERVER": "NONE", "PNAME": "D000"}, "shared"),
        ({"SERVER": "SHARED"}, "shared"),
        ({"SERVER": "NONE"}, "shared"),
        ({"SERVER": "DEDICATED", "PNAME": "N000"}, "shared"),
        ({"SERVER": "POOLED", "PNAME": "L000"}, "pooled"),
        ({"SERVER": "POOLED"}, "pooled"),
        ({"SERVER": "PSEUDO", "PNAME": "L001"}, "pooled"),
        ({"SERVER": "PSEUDO", "PNAME": "D001"}, "shared"),
        ({"EXECUTION_TYPE": "THREAD"}, "thread"),
        ({"EXECUTION_TYPE": "THREAD", "SERVER": "SHARED", "PNAME": "S000"}, "thread"),
        ({"PNAME": "J000"}, "job"),
        ({"PNAME": "J0A1"}, "job"),
        ({"PNAME": "P000"}, "parallel"),
        ({"PNAME": "PZ99"}, "parallel"),
        ({"PNAME": "PPA7"}, "parallel"),
        ({"BACKGROUND": "1", "PNAME": "MMON"}, "background"),
        ({"BACKGROUND": "1", "EXECUTION_TYPE": "THREAD", "PNAME": "GEN0"}, "background"),
    ],
)
def test_what_kind_of_process_serves_it(row: dict[str, Any], kind: str) -> None:
    found = one({**DEDICATED, **row})
    assert found.process == {"host": "db1", "spid": "4711", "kind": kind, "oracle_sid": "SHOP1"}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({}, "dedicated"),
        ({"SERVER": "SHARED"}, "shared"),
        ({"SERVER": "POOLED"}, "pooled"),
        ({"PNAME": "J000"}, "job"),
        ({"COORDINATOR": 31}, "parallel"),
        ({"BACKGROUND": "1", "PNAME": "MMON"}, "background"),
    ],
)
@pytest.mark.parametrize("execution_type", ["THREAD", "NONE", "PROCESS", None])
def test_on_windows_all_are_threads_of_one_process(row: dict[str, Any], kind: str, execution_type: str | None) -> None:
    found = one({**DEDICATED, **row, "EXECUTION_TYPE": execution_type}, windows=True)
    assert found.process is not None and found.process["kind"] == kind


def test_a_process_that_serves_several_sessions_is_nobody_s_alone() -> None:
    """Those of one connection, one of them killed: its own PADDR leads nowhere by then."""
    rows = [OWN, KILLED, {**DEDICATED, "SID": 31}, {**DEDICATED, "SID": 32, "SPID": "4712"}]
    kinds = {each.sid: each.process and each.process["kind"] for each in look(rows)}
    assert kinds == {99: "dedicated", 30: "shared", 31: "shared", 32: "dedicated"}
    jobs = look([{**DEDICATED, "PNAME": "J000"}, {**DEDICATED, "PNAME": "J000", "SID": 31}])
    assert {each.process and each.process["kind"] for each in jobs} == {"job"}


def test_one_number_on_two_hosts_is_two_processes() -> None:
    found = look([OWN, DEDICATED, {**DEDICATED, "INST_ID": 2}], several=True)
    assert {each.process and each.process["kind"] for each in found} == {"dedicated"}


@pytest.mark.parametrize(
    ("row", "guard"),
    [
        ({"BACKGROUND": "1", "PNAME": "MMON"}, "background"),
        ({"TYPE": "BACKGROUND", "USERNAME": None}, "background"),
        ({"PROGRAM": "oracle@db1 (S000)"}, "background"),
        ({"PNAME": "J000", "PROGRAM": "oracle@db1 (J000)"}, "job_slaves"),
        ({"PNAME": "J000"}, "job_slaves"),
        ({"MAINTAINED": 1, "USERNAME": "SYS"}, "system_users"),
        ({"USERNAME": None}, "no_username"),
        ({"STATUS": "CACHED"}, "xa"),
        ({"PNAME": "P000", "COORDINATOR": 7}, "parallel_servers"),
        ({"SID": 99}, "own"),
        ({"PNAME": "PZ99", "COORDINATOR": 99}, "own"),
        ({"PROGRAM": "rman@db1 (TNS V1-V3)"}, "backup"),
        ({"SERVER": "SHARED", "PNAME": "S000"}, None),
        ({"SERVER": "POOLED", "PNAME": "L000"}, None),
        ({"EXECUTION_TYPE": "THREAD"}, None),
        ({"STATUS": "SNIPED"}, None),
    ],
)
def test_what_protects_it(row: dict[str, Any], guard: str | None) -> None:
    (found,) = look([{**DEDICATED, **row}])
    held = protected_by(found, rule(oracle(), match={"username": "APP_1"}))
    assert (held and held[0]) == guard


def test_the_own_session_and_its_servers_on_every_instance() -> None:
    mine = {"COORDINATOR": 99, "COORDINATOR_INSTANCE": 2}
    rows = [
        {**OWN, "INST_ID": 2},
        {**OWN, "INST_ID": 1, "SID": 99},
        {**OWN, "INST_ID": 1, "SID": 40, **mine},
        {**OWN, "INST_ID": 2, "SID": 40, **mine},
        {**OWN, "INST_ID": 2, "SID": 41, "COORDINATOR": 99, "COORDINATOR_INSTANCE": 1},
    ]
    found = look(rows, several=True, here=2)
    assert [(each.inst_id, each.sid, each.own) for each in found] == [
        *((2, 99, True), (1, 99, False)),
        *((1, 40, True), (2, 40, True), (2, 41, False)),
    ]


# --- killed


def test_a_killed_session_is_found_with_the_process_that_created_it() -> None:
    found = one({**KILLED, **TRANSACTION})
    assert (found.status, found.killed, found.server) == ("killed", True, "pseudo")
    assert found.process == {"host": "db1", "spid": "4711", "kind": "dedicated", "oracle_sid": "SHOP1"}
    assert found.transaction == {"age_seconds": 12.346, "undo_records": 500}
    assert found.identity == one(DEDICATED).identity


def test_a_killed_session_whose_process_is_gone_has_none() -> None:
    gone = {"SPID": None, "PNAME": None, "BACKGROUND": None, "PGA": None, "EXECUTION_TYPE": None}
    found = one({**KILLED, **gone})
    assert (found.process, found.pga_mb, found.transaction) == (None, None, None)


def test_the_creator_is_known_by_its_serial_number_too() -> None:
    for several in (False, True):
        query = session_list(several=several).query(frozenset())
        there = " AND k.inst_id = s.inst_id" if several else ""
        assert f"k ON k.addr = s.creator_addr AND k.serial# = s.creator_serial#{there}\n" in query
        # No inner join with V$PROCESS: it would lose the killed ones.
        assert len(re.findall(r"LEFT JOIN g?v\$process ", query)) == query.count("v$process ") == 2


@pytest.mark.parametrize("transaction", [None, TRANSACTION])
def test_a_killed_session_in_a_plan(transaction: dict[str, Any] | None) -> None:
    rows = [OWN, {**KILLED, **(transaction or {})}]
    where = Snapshot({"dialect": "oracle", "instances": [1], "version": "19.3"}, look(rows))
    report = planned(where, rule(oracle(), sid=30, serial=15), dialect=oracle())
    assert outcomes(report) == {30: "rolling_back" if transaction else "pending"}
    assert not report.changed


# --- transactions and parallel servers


def test_several_transactions_of_one_session_are_one() -> None:
    """The query adds them up; autonomous transactions have rows of their own."""
    query = session_list().query(frozenset())
    assert "SUM(used_urec) AS undo_records, MAX((SYSDATE - start_date) * 86400) AS age_seconds" in query
    assert "FROM v$transaction GROUP BY ses_addr) t ON t.ses_addr = s.saddr" in query
    assert "FROM gv$transaction GROUP BY inst_id, ses_addr) t ON t.ses_addr = s.saddr AND t.inst_id = s.inst_id" in (
        session_list(several=True).query(frozenset())
    )


@pytest.mark.parametrize(
    ("row", "transaction"),
    [
        ({}, None),
        (TRANSACTION, {"age_seconds": 12.346, "undo_records": 500}),
        # One that has changed nothing yet is a transaction, too.
        ({**TRANSACTION, "UNDO_RECORDS": 0}, {"age_seconds": 12.346, "undo_records": 0}),
        ({**TRANSACTION, "AGE_SECONDS": None}, {"age_seconds": None, "undo_records": 500}),
    ],
)
def test_a_transaction(row: dict[str, Any], transaction: dict[str, Any] | None) -> None:
    assert one({**DEDICATED, **row}).transaction == transaction


def test_a_coordinator_carries_what_its_servers_use() -> None:
    rows = [
        OWN,
        {**RUNNING, "TEMP_MB": 1.0, "PGA": 10 * 1048576, **TRANSACTION},
        server("P000", 40, TEMP_MB=2.5, **{**TRANSACTION, "UNDO_RECORDS": 7, "AGE_SECONDS": 99.0}),
        server("P001", 41),
        DEDICATED,
    ]
    found = {each.sid: each for each in look(rows)}
    assert (found[31].temp_mb, found[31].pga_mb) == (3.5, 14.0)
    assert found[31].transaction == {"age_seconds": 99.0, "undo_records": 507}
    assert found[31].coordinator is None
    for sid in (40, 41):
        assert found[sid].coordinator == {"inst_id": 1, "sid": 31}
        assert found[sid].process is not None and found[sid].process["kind"] == "parallel"
    assert found[40].transaction == {"age_seconds": 99.0, "undo_records": 7}
    assert (found[30].temp_mb, found[30].pga_mb, found[30].transaction) == (None, 5.0, None)


def test_a_coordinator_without_a_transaction_of_its_own_rolls_back_its_servers_all_the_same() -> None:
    rows = [OWN, {**RUNNING, "STATUS": "KILLED"}, server("P000", 40, **TRANSACTION)]
    found = {each.sid: each for each in look(rows)}
    assert found[31].transaction == {"age_seconds": 12.346, "undo_records": 500}
    assert found[31].killed


def test_a_coordinator_on_another_instance() -> None:
    rows = [
        {**RUNNING, "INST_ID": 1, "PGA": 0},
        {**RUNNING, "INST_ID": 2, "PGA": 0},
        server("P000", 40, INST_ID=2, COORDINATOR_INSTANCE=1, TEMP_MB=2.0),
    ]
    found = {(each.inst_id, each.sid): each for each in look(rows, several=True)}
    assert found[2, 40].coordinator == {"inst_id": 1, "sid": 31}
    assert (found[1, 31].temp_mb, found[2, 31].temp_mb) == (2.0, None)
    # One whose coordinator is not listed changes nobody.
    assert look([server("P000", 40, COORDINATOR=12345)])[0].coordinator == {"inst_id": 1, "sid": 12345}


# --- who blocks whom


def waits(row: dict[str, Any], holder: int, seconds: float, instance: int | None = None) -> dict[str, Any]:
    return {**row, "HOLDER": holder, "HOLDER_INSTANCE": instance, "WAIT_TIME_MICRO": int(seconds * 1e6)}


def test_blockers() -> None:
    found = {each.sid: each for each in look([OWN, DEDICATED, waits(RUNNING, 30, 4.0, 1)])}
    assert found[31].blocked_by == {"inst_id": 1, "sid": 30}
    assert found[30].blocking == {"waiters": 1, "longest_seconds": 4.0, "root": True}
    found = {each.sid: each for each in look([OWN, DEDICATED, waits(RUNNING, 30, 4.0)])}
    assert found[31].blocked_by == {"inst_id": 1, "sid": 30}


def test_a_blocker_on_another_instance() -> None:
    rows = [DEDICATED, {**DEDICATED, "INST_ID": 2}, waits({**RUNNING, "INST_ID": 2}, 30, 4.0, 1)]
    found = {(each.inst_id, each.sid): each for each in look(rows, several=True)}
    assert found[2, 31].blocked_by == {"inst_id": 1, "sid": 30}
    assert found[1, 30].blocking is not None and found[2, 30].blocking is None


def test_only_waits_for_locks_count() -> None:
    """The query decides: the status of the blocking session, a wait that goes on, and one of the four kinds of locks."""
    query = session_list().query(frozenset())
    start = query.index("CASE WHEN s.blocking_session_status = 'VALID' AND s.state = 'WAITING' AND ")
    condition = query[start : query.index("THEN s.blocking_session END AS holder")]
    assert re.findall(r"s\.event LIKE '([^']*)'", condition) == [
        *("enq:%", "library cache lock%", "library cache pin%", "row cache lock%")
    ]


@pytest.mark.parametrize("key", ["waiters", "blocking_for", "blocking", "blocked", "root_blocker", "blocked_by"])
def test_who_blocks_whom_is_seen_through_sessions_that_were_not_asked_for(key: str) -> None:
    rows = [OWN, DEDICATED, waits(RUNNING, 30, 4.0), waits({**RUNNING, "SID": 32}, 31, 5.0)]
    answering = Recorded(rows)
    (found,) = look([], {key}, [30], answering)
    assert found.blocking == {"waiters": 2, "longest_seconds": 5.0, "root": True}
    assert "s.sid IN" not in answering.asked[0]
    # Where nobody asks for it, only those are read that were asked for.
    answering = Recorded(rows)
    look([], {"idle"}, [30], answering)
    assert "s.sid IN (30)" in answering.asked[0]


# --- objects


def test_objects_that_are_locked() -> None:
    objects = [
        {"INST_ID": 1, "SESSION_ID": 30, "OWNER": "SHOP", "OBJECT_NAME": name} for name in ("ORDERS", "ITEMS", "ORDERS")
    ]
    objects.append({"INST_ID": 1, "SESSION_ID": 77, "OWNER": "SHOP", "OBJECT_NAME": "GONE"})
    found = look([], {"locked_object"}, None, Recorded([OWN, DEDICATED], objects=objects))
    assert [each.locked_objects for each in found] == [None, ["SHOP.ITEMS", "SHOP.ORDERS"]]


@pytest.mark.parametrize(
    ("kind", "join"),
    [
        ({}, "FROM v$locked_object l JOIN dba_objects o ON o.object_id = l.object_id"),
        ({"several": True}, "FROM gv$locked_object l JOIN dba_objects o ON o.object_id = l.object_id"),
        # Object numbers repeat in every container.
        (
            {"container": "CDB$ROOT"},
            "FROM v$locked_object l JOIN cdb_objects o ON o.object_id = l.object_id AND o.con_id = l.con_id",
        ),
    ],
)
def test_an_object_is_looked_up_in_its_own_container(kind: dict[str, Any], join: str) -> None:
    answering = Recorded([OWN])
    look([], {"locked_object"}, None, answering, **kind)
    assert answering.asked[-1].endswith(join)
    answering = Recorded([OWN])
    look([], {"idle"}, None, answering, **kind)
    assert len(answering.asked) == 1


# --- the query


def test_one_instance_is_asked_by_its_own_views() -> None:
    query = session_list().query(ALL_KEYS)
    assert "gv$" not in query and "s.inst_id" not in query
    assert "1 AS inst_id" in query
    assert set(re.findall(r"v\$\w+", query)) == {
        *("v$session", "v$process", "v$transaction", "v$px_session", "v$sort_usage", "v$sql", "v$parameter")
    }
    assert "2 AS inst_id" in session_list(here=2).query(ALL_KEYS)


def test_several_instances_are_asked_together_and_never_mixed_up() -> None:
    query = session_list(several=True).query(ALL_KEYS)
    assert set(re.findall(r"\bg?v\$\w+", query)) == {
        *("gv$session", "gv$process", "gv$transaction", "gv$px_session", "gv$sort_usage", "gv$sql", "v$parameter")
    }
    assert "s.inst_id AS inst_id" in query
    for alias in "pktxmq":
        assert f" AND {alias}.inst_id = s.inst_id" in query


@pytest.mark.parametrize(
    ("version", "container", "has", "lacks"),
    [
        ((11, 2, 0, 4, 0), "SHOP", (), ("con_id", "oracle_maintained", "p.execution_type", "all_users")),
        ((12, 1, 0, 2, 0), "SHOP", ("u.oracle_maintained = 'Y'", "p.execution_type"), ("con_id", "v$containers")),
        ((19, 3), "CDB$ROOT", ("v$containers c ON c.con_id = s.con_id", "c.name AS container"), ()),
        ((23, 26), "PDB1", ("u.oracle_maintained = 'Y'",), ("con_id", "v$containers")),
    ],
)
def test_columns_that_not_every_version_has(
    version: tuple[int, ...], container: str, has: tuple[str, ...], lacks: tuple[str, ...]
) -> None:
    for several in (False, True):
        query = session_list(version, several, container).query(ALL_KEYS)
        for part in has:
            assert part in query
        for part in lacks:
            assert part not in query


def test_the_accounts_of_the_database_on_11_2() -> None:
    query = session_list((11, 2, 0, 4, 0)).query(frozenset())
    listed = re.search(r"s\.username IN \(([^)]*)\) THEN 1 ELSE 0 END AS maintained", query)
    assert listed
    assert {"'SYS'", "'SYSTEM'", "'DBSNMP'", "'XDB'", "'WMSYS'"} <= set(listed[1].split(", "))


def test_what_costs_is_read_only_where_it_is_asked_for() -> None:
    query = session_list().query(frozenset({"idle"}))
    for view in ("sort_usage", "v$sql ", "v$parameter"):
        assert view not in query
    assert "v$sort_usage" in session_list().query(frozenset({"temp_mb"}))
    assert "v$sql q ON q.address = s.sql_address AND q.hash_value = s.sql_hash_value AND q.child_number" in (
        session_list().query(frozenset({"sql_text"}))
    )


def test_recursive_sessions_are_not_listed() -> None:
    assert "WHERE s.type IN ('USER', 'BACKGROUND')" in session_list().query(frozenset())


def test_a_session_is_asked_for_with_its_parallel_servers() -> None:
    query = session_list().query(frozenset(), [31, 30, 31])
    assert query.endswith(" AND (s.sid IN (30, 31) OR x.qcsid IN (30, 31))")
    rows = [OWN, RUNNING, server("P000", 40, **TRANSACTION)]
    (found,) = look(rows, {"in_transaction"}, [31])
    assert found.transaction == {"age_seconds": 12.346, "undo_records": 500}


@pytest.mark.parametrize(("count", "listed"), [(0, True), (1, True), (500, True), (501, False), (5000, False)])
def test_long_lists_of_ids_are_no_part_of_the_query(count: int, listed: bool) -> None:
    sids = list(range(1, count + 1))
    answering = Recorded([{**DEDICATED, "SID": sid} for sid in range(1, count + 10)])
    if count:
        found = look([], {"idle"}, sids, answering)
        assert [each.sid for each in found] == sids
        assert ("s.sid IN" in answering.asked[0]) is listed
        # ORA-01795: at most 1000 members in one list.
        for members in re.findall(r"IN \(([0-9, ]*)\)", answering.asked[0]):
            assert len(members.split(",")) <= 1000


@settings(deadline=None)
@given(st.lists(st.integers(-5, 2**40) | st.text(max_size=6) | st.none() | st.floats(), max_size=4))
def test_nothing_but_digits_gets_into_the_query(sids: list[Any]) -> None:
    try:
        query = session_list().query(frozenset({"idle"}), sids)
    except (TypeError, ValueError, OverflowError):
        return
    where = query[query.index("WHERE s.type") :]
    numbers = "[-0-9, ]*"
    assert re.fullmatch(
        rf"WHERE s\.type IN \('USER', 'BACKGROUND'\) AND \(s\.sid IN \({numbers}\) OR x\.qcsid IN \({numbers}\)\)",
        where,
        re.ASCII,
    )


def test_the_server_s_own_clock() -> None:
    now, found, _unavailable = session_list().read(Recorded([OWN]).ask, frozenset())
    assert now is not None and iso(now) == "2026-11-21T09:00:00.123+02:00"
    assert [each.own for each in found] == [True]
    # None of those that were asked for is there any more.
    assert session_list().read(Recorded([]).ask, frozenset(), [7])[:2] == (None, [])


# --- containers


def test_the_root_sees_every_container() -> None:
    rows = [{**OWN, "CONTAINER": "CDB$ROOT"}, {**DEDICATED, "CONTAINER": "PDB1"}, {**RUNNING, "CONTAINER": None}]
    assert [each.container for each in look(rows, container="CDB$ROOT")] == ["CDB$ROOT", "PDB1", "CDB$ROOT"]
    assert [each.container for each in look(rows, container="PDB1")] == ["PDB1"] * 3


@pytest.mark.parametrize(
    ("container", "expression"),
    [
        ("SHOP", "'SHOP'"),
        ("O'HARE", "'O''HARE'"),
        ("CDB$ROOT", "(SELECT NVL(MAX(c.name), 'CDB$ROOT') FROM v$containers c WHERE c.con_id = s.con_id)"),
    ],
)
def test_the_container_that_a_session_is_in_now(container: str, expression: str) -> None:
    assert session_list(container=container).container_of_session() == expression


# --- what may not be read

DENIED = {
    "transaction": {"in_transaction", "transaction_age", "undo_records"},
    "process": {"process", "pga_mb"},
    "px_session": {"coordinator"},
    "sort_usage": {"temp_mb"},
    "sql": {"sql_text"},
    "locked_object": {"locked_object"},
}


@pytest.mark.parametrize("code", [942, 1031])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(("view", "keys"), DENIED.items())
def test_a_view_that_is_denied_names_the_grant_and_is_done_without(
    view: str, keys: set[str], several: bool, code: int
) -> None:
    prefix = "gv$" if several else "v$"
    answering = Recorded([OWN, DEDICATED], {f"{prefix}{view}"}, code=code)
    listed = session_list(several=several)
    _now, found, unavailable = listed.read(answering.ask, ALL_KEYS)
    assert [each.sid for each in found] == [99, 30]
    grant = (
        f"missing privilege: GRANT SELECT ON SYS.{prefix.upper().replace('$', '_$')}{view.upper()} TO the login user"
    )
    assert {key: reason for key, reason in unavailable.items() if reason == grant} == dict.fromkeys(keys, grant)
    assert set(unavailable) == keys | {"client_address"}
    # From now on it is not asked for.
    answering.asked.clear()
    listed.read(answering.ask, ALL_KEYS)
    assert not any(re.search(rf"\b{re.escape(prefix + view)}\b", query) for query in answering.asked)
    assert len(answering.asked) == (1 if view == "locked_object" else 2)


@pytest.mark.parametrize("view", ["transaction", "process", "px_session"])
def test_a_query_without_a_join_names_none_of_its_columns(view: str) -> None:
    answering = Recorded([OWN], {f"v${view}"})
    listed = session_list()
    listed.read(answering.ask, frozenset())
    query = answering.asked[-1]
    for alias in {"transaction": "t", "process": "pk", "px_session": "x"}[view]:
        assert not re.search(rf"(?<![\w$]){alias}\.", query)
    if view == "px_session":
        assert listed.query(frozenset(), [30]).endswith(" AND (s.sid IN (30))")


def test_rows_without_what_was_denied() -> None:
    without = ("SPID", "PNAME", "BACKGROUND", "PGA", "EXECUTION_TYPE", "UNDO_RECORDS", "AGE_SECONDS", "IN_TRANSACTION")
    without += ("COORDINATOR", "COORDINATOR_INSTANCE", "TEMP_MB", "SQL_TEXT")
    row = {name: value for name, value in DEDICATED.items() if name not in without}
    with pytest.raises(KeyError):
        # Columns that are always read are never taken for None.
        look([{name: value for name, value in row.items() if name != "STATUS"}])
    answering = Recorded([row], {f"v${view}" for view in DENIED})
    _now, (found,), unavailable = session_list().read(answering.ask, ALL_KEYS)
    assert (found.process, found.transaction, found.coordinator) == (None, None, None)
    assert set(unavailable) == set().union(*DENIED.values(), {"client_address"})


@pytest.mark.parametrize("view", ["dba_objects", "v$parameter"])
def test_what_a_view_needs_beside_itself(view: str) -> None:
    key = {"dba_objects": "locked_object", "v$parameter": "temp_mb"}[view]
    _now, _found, unavailable = session_list().read(Recorded([OWN], {view}).ask, ALL_KEYS)
    name = {"dba_objects": "DBA_OBJECTS", "v$parameter": "V_$PARAMETER"}[view]
    assert unavailable[key] == f"missing privilege: GRANT SELECT ON SYS.{name} TO the login user"
    answering = Recorded([OWN], {"cdb_objects"})
    _now, _found, unavailable = session_list(container="CDB$ROOT").read(answering.ask, ALL_KEYS)
    assert unavailable["locked_object"].endswith("GRANT SELECT ON SYS.CDB_OBJECTS TO the login user")


@pytest.mark.parametrize(
    ("kind", "view", "name"),
    [
        ({}, "v$session", "V_$SESSION"),
        ({"several": True}, "gv$session", "GV_$SESSION"),
        ({"container": "CDB$ROOT"}, "v$containers", "V_$CONTAINERS"),
    ],
)
def test_without_the_session_list_itself_nothing_goes_on(kind: dict[str, Any], view: str, name: str) -> None:
    with pytest.raises(DatabaseError) as error:
        session_list(**kind).read(Recorded([OWN], {view}).ask, ALL_KEYS)
    assert str(error.value) == (
        f"login_user: missing privilege: GRANT SELECT ON SYS.{name} TO the login user; without it no session can be listed."
    )


def test_a_failure_that_no_missing_grant_explains_is_told() -> None:
    with pytest.raises(StatementFailed):
        session_list().read(Recorded([OWN], {"all_users"}).ask, frozenset())
    for code in (1, 600, 1555):
        with pytest.raises(StatementFailed):
            session_list().read(Recorded([OWN], {"v$transaction"}, code=code).ask, frozenset())


def test_what_was_not_read_is_unavailable_too() -> None:
    _now, _found, unavailable = session_list().read(Recorded([OWN]).ask, frozenset())
    assert unavailable == {
        "client_address": "Oracle Database does not list it",
        **dict.fromkeys(("temp_mb", "sql_text", "locked_object"), NOT_READ),
    }
    assert set(session_list().unavailable(ALL_KEYS)) == {"client_address"}


@pytest.mark.parametrize(
    ("view", "guard", "allow"),
    [("px_session", "parallel_servers", ["parallel_servers"]), ("process", "background", None)],
)
def test_without_the_evidence_of_a_guard_nobody_is_ended(view: str, guard: str, allow: list[str] | None) -> None:
    database = {"dialect": "oracle", "version": "19.3", "instances": [1]}
    _now, found, unavailable = session_list().read(Recorded([OWN, DEDICATED], {f"v${view}"}).ask, frozenset({"idle"}))
    where = Snapshot(database, found, unavailable)
    (held,) = planned(where, rule(oracle(), match={"idle": 1}), dialect=oracle()).outcomes
    assert held.outcome == "refused"
    assert held.reason.startswith(
        f"{guard}: whether it is one cannot be seen here (missing privilege: GRANT SELECT ON "
    )
    if allow:
        lifted = planned(where, rule(oracle(), match={"idle": 1}, allow=allow), dialect=oracle())
        assert outcomes(lifted) == {30: "planned"}


# --- looked at again


@pytest.mark.parametrize(
    "row", [DEDICATED, RUNNING, KILLED, {**RUNNING, **TRANSACTION}, {**DEDICATED, "USERNAME": None}]
)
@pytest.mark.parametrize("keys", [set(), {"idle"}, {"sql_id", "in_transaction"}, set(KEYS)])
def test_a_session_looked_at_again_is_the_same(row: dict[str, Any], keys: set[str]) -> None:
    (seen,) = look([row])
    (now,) = look([row], keys, [row["SID"]])
    assert now.identity == seen.identity
    assert (now.status, now.execution, now.transaction) == (seen.status, seen.execution, seen.transaction)


@pytest.mark.parametrize("other", [{"SERIAL": 16}, {"LOGON_TIME": "2026-11-21T08:00:01"}, {"INST_ID": 2}])
def test_a_sid_that_was_given_to_another_session(other: dict[str, Any]) -> None:
    assert one(DEDICATED).identity != one({**DEDICATED, **other}, several=True).identity
