# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rows of OceanBase become sessions, from recorded rows of servers that the test machine cannot run.

The shapes are those of the vendor's view pages (GV$OB_PROCESSLIST of 4.x with SVR_IP, TENANT and a proxy) and of seekdb
1.4, whose rows were copied from a running server.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from unit.builders import outcomes, planned, rule

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.act import act
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import (
    GONE,
    OTHER,
    PRIVILEGE,
    REFUSED,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import Login
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, DISCONNECT, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session, Snapshot, iso
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

NOW = datetime(2026, 11, 21, 7, 0, 0)
LOGIN = Login("127.0.0.1:2881", "root@sys", "", 10.0, 30.0, "CHG-1", "127.0.0.1", 2881)
ALL_KEYS = frozenset(KEYS)
SQL_ID = "BCDAC2647DAB9F33F5CA2F5FCB96FE26"

# An idle and a running session as seekdb 1.4 lists them, without columns that nothing reads.
SEEKDB_IDLE = {
    "ID": 178,
    "USER": "app",
    "HOST": "127.0.0.1:47856",
    "DB": "NULL",
    "COMMAND": "Sleep",
    "TIME": 3.13,
    "TOTAL_TIME": 3.13,
    "STATE": "SLEEP",
    "INFO": None,
    "MASTER_SESSID": None,
    "USER_CLIENT_IP": "127.0.0.1",
    "USER_CLIENT_PORT": 47856,
    "SQL_ID": "",
    "TRANS_ID": 0,
    "TRANS_STATE": "",
    "TRACE_ID": None,
    "ACTION": "",
    "MODULE": "",
    "CLIENT_INFO": "",
}
SEEKDB_RUNNING = {
    **SEEKDB_IDLE,
    "ID": 184,
    "HOST": "127.0.0.1:47866",
    "USER_CLIENT_PORT": 47866,
    "COMMAND": "Query",
    "TIME": 0.5,
    "TOTAL_TIME": 2.5,
    "STATE": "ACTIVE",
    "INFO": "select sleep(60)",
    "SQL_ID": SQL_ID,
    "TRACE_ID": "YB427F000001-000660C445510A29-0-0",
}
OWN = {**SEEKDB_RUNNING, "ID": 99, "USER": "root", "MODULE": TAG}
# What OceanBase 4.x adds, here for a session behind a proxy: HOST is the proxy's address.
CLUSTER = {"SVR_IP": "10.1.1.1", "SVR_PORT": 2882, "SQL_PORT": 2881, "TENANT": "shop"}
BEHIND_PROXY = {
    **SEEKDB_IDLE,
    **CLUSTER,
    "ID": 3221487726,
    "HOST": "10.2.2.2:40112",
    "USER_CLIENT_IP": "10.3.3.3",
    "USER_CLIENT_PORT": 51515,
}
CLUSTER_OWN = {**OWN, **CLUSTER, "TENANT": "sys"}

_SELECT = re.compile(r"SELECT (?P<columns>.+?) FROM oceanbase\.(?P<view>\S+)(?P<rest>.*)", re.DOTALL)


class Recorded:
    """Answers a dialect's queries from recorded rows: views by name, and what the server says of itself.

    A column that the recorded server does not have is an error, as it is there.
    """

    def __init__(
        self,
        sessions: Iterable[dict[str, Any]],
        view: str = "V$OB_PROCESSLIST",
        version: str = "OceanBase 4.3.5.3 seekdb (r1.4.0.0)",
        errors: dict[str, int] | None = None,
        transactions: Iterable[dict[str, Any]] = (),
        locks: Iterable[dict[str, Any]] = (),
        objects: Iterable[dict[str, Any]] = (),
        uptime: int | None = 3600,
        uuid: str = "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        mode: str = "MYSQL",
        now: datetime = NOW,
        grants: str = "GRANT ALL PRIVILEGES ON *.* TO 'root' WITH GRANT OPTION",
    ) -> None:
        prefix = "GV$" if view.startswith("GV$") else "V$"
        self.views = {
            view: list(sessions),
            f"{prefix}OB_TRANSACTION_SCHEDULERS": list(transactions),
            f"{prefix}OB_LOCKS": list(locks),
            "DBA_OBJECTS": [],
        }
        self.objects = list(objects)
        self.errors = errors or {}
        self.about = {"comment": version, "sid": 99, "uuid": uuid, "now": now}
        self.uptime = [] if uptime is None else [{"Value": str(uptime)}]
        self.mode = mode
        self.grants = grants
        self.asked: list[str] = []
        self.session_id = self.about["sid"]

    def ask(self, queries: list[str]) -> list[list[dict[str, Any]]]:
        return [self.answer(query) for query in queries]

    def answer(self, query: str) -> list[dict[str, Any]]:
        self.asked.append(query)
        for part, code in self.errors.items():
            if part in query:
                raise StatementFailed(f"refused {code}", code)
        if query.startswith("SHOW VARIABLES LIKE 'ob_compatibility_mode'"):
            return [{"Value": self.mode}]
        if query.startswith("SHOW GLOBAL STATUS LIKE 'Uptime'"):
            return self.uptime
        if query == "SHOW GRANTS":
            return [{"Grants": self.grants}]
        if query.startswith("SELECT @@version_comment"):
            return [self.about]
        if query == "SELECT NOW(6) AS NOW":
            return [{"NOW": self.about["now"]}]
        if query.startswith(("SET ", "CALL DBMS_APPLICATION_INFO.")):
            return []
        return self.select(query)

    def select(self, query: str) -> list[dict[str, Any]]:
        asked = _SELECT.fullmatch(query)
        assert asked, query
        view = asked["view"]
        if view not in self.views:
            raise StatementFailed(f"Table 'oceanbase.{view}' doesn't exist", 1146)
        rows = self.views[view]
        if "_PROCESSLIST" not in view:
            return self.objects if "JOIN" in query else rows
        only = re.search(r"WHERE ID (?:IN \((.+)\)|= (\d+))", asked["rest"])
        if only:
            sids = {int(each) for each in (only[1] or only[2]).split(",")}
            rows = [row for row in rows if row["ID"] in sids]
        if "LIMIT 1" in asked["rest"]:
            rows = rows[:1]
        if asked["columns"] == "*":
            return rows
        names = asked["columns"].split(", ")
        missing = set(names) - set(self.views[view][0])
        if missing:
            raise StatementFailed(f"Unknown column '{missing.pop()}' in 'field list'", 1054)
        return [{name: row[name] for name in names} for row in rows]


def look(server: Recorded, keys: Iterable[str] = ALL_KEYS) -> Snapshot:
    """The snapshot of a recorded server, as Database.snapshot makes it."""
    dialect = OceanBaseMySQL()
    found, about = dialect.introduce(server, LOGIN)
    assert found is dialect
    now, sessions, unavailable = dialect.sessions(server.ask, frozenset(keys))
    return Snapshot({**about, "taken_at": iso(now)}, sessions, unavailable)


def one(*rows: dict[str, Any], sid: int | None = None, **server: Any) -> Session:
    """The session of the first row, among our own and the others."""
    own = {name: value for name, value in CLUSTER_OWN.items() if name in rows[0]}
    found = look(Recorded([own, *rows], **server)).sessions
    (wanted,) = [each for each in found if each.sid == (sid or rows[0]["ID"])]
    return wanted


def begun(sid: int, seconds: float) -> dict[str, Any]:
    """The row of a transaction that began so many seconds ago."""
    return {"SESSION_ID": sid, "SINCE": NOW - timedelta(seconds=seconds)}


# --- rows


def test_an_idle_session() -> None:
    found = one(SEEKDB_IDLE)
    assert (found.sid, found.username, found.status, found.command) == (178, "app", "inactive", "Sleep")
    assert (found.idle_seconds, found.active_seconds, found.sql_active_seconds) == (3.13, None, None)
    assert (found.client_address, found.machine, found.client_port) == ("127.0.0.1", "127.0.0.1", 47856)
    assert (found.sql_id, found.sql_exec_id, found.execution) == (None, None, None)
    assert (found.schema, found.module, found.action, found.client_info) == (None, None, None, None)
    assert (found.type, found.own, found.oracle_maintained, found.container) == ("user", False, False, "sys")
    assert (found.transaction, found.coordinator, found.node, found.serial) == (None, None, None, None)


def test_a_running_session() -> None:
    found = one(SEEKDB_RUNNING)
    assert (found.status, found.idle_seconds) == ("active", None)
    # TIME starts anew when a statement is tried again; TOTAL_TIME does not.
    assert (found.active_seconds, found.sql_active_seconds) == (2.5, 2.5)
    assert found.execution == (SQL_ID, "YB427F000001-000660C445510A29-0-0")
    assert found.sql_text == "select sleep(60)"


def test_the_own_session_is_known_by_its_id() -> None:
    found = look(Recorded([{**OWN, "MODULE": ""}, SEEKDB_IDLE])).sessions
    assert {each.sid: each.own for each in found} == {99: True, 178: False}


def test_a_session_behind_a_proxy_has_the_client_s_own_address() -> None:
    found = one(BEHIND_PROXY, view="GV$OB_PROCESSLIST")
    assert (found.client_address, found.machine, found.client_port) == ("10.3.3.3", "10.3.3.3", 51515)
    assert (found.node, found.container) == ("10.1.1.1:2882", "shop")


def test_a_proxy_of_a_server_that_does_not_tell_the_client_s_port() -> None:
    row = {name: value for name, value in BEHIND_PROXY.items() if name != "USER_CLIENT_PORT"}
    found = one(row, view="GV$OB_PROCESSLIST")
    # The proxy's own connection tells the sessions apart as well.
    assert (found.client_address, found.client_port) == ("10.3.3.3", 40112)


def test_an_ipv6_client() -> None:
    found = one({**SEEKDB_IDLE, "HOST": "fe80::1:47856", "USER_CLIENT_IP": None, "USER_CLIENT_PORT": None})
    assert (found.client_address, found.client_port) == ("fe80::1", 47856)


@pytest.mark.parametrize("client", ["0.0.0.0", "unix:"])
def test_internal_sessions_are_background(client: str) -> None:
    """A client on the Unix socket looks the same and has no port that could tell it from its successor."""
    row = {**SEEKDB_IDLE, "HOST": "0.0.0.0:0", "USER_CLIENT_IP": client, "USER_CLIENT_PORT": 0}
    where = look(Recorded([OWN, row]))
    assert where.sessions[1].type == "background"
    assert outcomes(planned(where, rule(sid=178, allow=["system_users"]))) == {178: "refused"}
    assert planned(where, rule(match={"username": "app"})).outcomes == []


@pytest.mark.parametrize(
    ("user", "system"),
    [
        ("root", True),
        ("ROOT", True),
        ("SYS", True),
        ("proxyro", True),
        ("__oceanbase_inner_drc_user", True),
        ("app", False),
        ("rooted", False),
        ("_app", False),
    ],
)
def test_system_users(user: str, system: bool) -> None:
    assert one({**SEEKDB_IDLE, "USER": user}).oracle_maintained is system


@pytest.mark.parametrize("sid", [1, 2**31 - 1, 2**31, 3221487726, 2**32 - 1])
def test_ids_of_every_size_are_planned_as_they_are(sid: int) -> None:
    where = look(Recorded([OWN, {**SEEKDB_IDLE, "ID": sid}]))
    assert [each.statement for each in planned(where, rule(match={"idle": 1})).outcomes] == [f"KILL {sid}"]


def test_a_parallel_worker_names_its_coordinator() -> None:
    assert one({**SEEKDB_RUNNING, "MASTER_SESSID": 178}).coordinator == {"inst_id": None, "sid": 178}
    assert one({**SEEKDB_RUNNING, "MASTER_SESSID": 184}).coordinator is None


@pytest.mark.parametrize(
    ("row", "within"),
    [
        ({"TRANS_ID": 267, "TRANS_STATE": "ACTIVE"}, True),
        ({"TRANS_ID": 267, "TRANS_STATE": "IMPLICIT_ACTIVE"}, True),
        ({"TRANS_ID": 267, "TRANS_STATE": "COMMIT_TIMEOUT"}, True),
        ({"TRANS_ID": 267, "TRANS_STATE": "IN_TERMINATE"}, True),
        ({"TRANS_ID": 267, "TRANS_STATE": None}, True),
        ({"TRANS_ID": 267, "TRANS_STATE": "ABORTED"}, False),
        ({"TRANS_ID": 267, "TRANS_STATE": "ROLLED_BACK"}, False),
        ({"TRANS_ID": 0, "TRANS_STATE": ""}, False),
        ({"TRANS_ID": None, "TRANS_STATE": None}, False),
    ],
)
def test_transactions(row: dict[str, Any], within: bool) -> None:
    assert (one({**SEEKDB_IDLE, **row}).transaction is not None) is within


def test_the_age_of_a_transaction() -> None:
    row = {**SEEKDB_IDLE, "TRANS_ID": 267, "TRANS_STATE": "ACTIVE"}
    found = one(row, transactions=[begun(178, 2.5), begun(7, 1)])
    assert found.transaction == {"age_seconds": 2.5, "undo_records": None}


@pytest.mark.parametrize(
    ("state", "transaction", "outcome"),
    [("ABORTED", 267, "gone"), ("", 0, "gone"), ("ACTIVE", 267, "rolling_back"), ("IN_TERMINATE", 267, "rolling_back")],
)
def test_a_killed_session_is_over_when_its_transaction_is(state: str, transaction: int, outcome: str) -> None:
    row = {**SEEKDB_RUNNING, "STATE": "SESSION_KILLED", "TRANS_STATE": state, "TRANS_ID": transaction}
    where = look(Recorded([OWN, row]))
    assert where.sessions[1].status == "killed"
    assert outcomes(planned(where, rule(sid=184))) == {184: outcome}
    assert planned(where, rule(match={"username": "app"})).outcomes == []
    (found,) = planned(where, rule(match={"username": "app", "status": "killed"})).outcomes
    assert found.statement is None


def test_a_killed_query_is_no_killed_session() -> None:
    assert one({**SEEKDB_IDLE, "STATE": "QUERY_KILLED"}).status == "inactive"


# --- locks


def waiting(waiter: int, holder: int, seconds: float) -> dict[str, Any]:
    return {"SESSION_ID": waiter, "ID2": holder, "CTIME": int(seconds * 1e6)}


def test_blockers_from_lock_rows() -> None:
    where = look(Recorded([OWN, SEEKDB_IDLE, SEEKDB_RUNNING], locks=[waiting(184, 178, 4.0)]))
    found = {each.sid: each for each in where.sessions}
    assert found[184].blocked_by == {"inst_id": None, "sid": 178}
    assert found[178].blocking == {"waiters": 1, "longest_seconds": 4.0, "root": True}
    assert [each.session.sid for each in planned(where, rule(match={"root_blocker": True})).outcomes] == [178]


def test_a_killed_waiter_whose_lock_row_lingers_makes_nobody_a_blocker() -> None:
    dying = {**SEEKDB_RUNNING, "STATE": "SESSION_KILLED"}
    where = look(Recorded([OWN, SEEKDB_IDLE, dying], locks=[waiting(184, 178, 9.0)]))
    assert all(each.blocking is None and each.blocked_by is None for each in where.sessions)


def test_objects_that_are_locked() -> None:
    rows = [{"SESSION_ID": 178, "OWNER": "shop", "OBJECT_NAME": name} for name in ("b", "a")]
    server = Recorded([OWN, SEEKDB_IDLE], objects=rows)
    assert look(server, {"locked_object"}).sessions[1].locked_objects == ["shop.a", "shop.b"]


def test_who_blocks_whom_is_seen_through_sessions_that_were_not_asked_for() -> None:
    dialect = OceanBaseMySQL()
    server = Recorded(
        [OWN, SEEKDB_IDLE, SEEKDB_RUNNING, {**SEEKDB_RUNNING, "ID": 200}],
        locks=[waiting(184, 178, 4.0), waiting(200, 184, 5.0)],
    )
    dialect.introduce(server, LOGIN)
    found = dialect.sessions(server.ask, frozenset({"waiters"}), [178])[1]
    assert [(each.sid, each.blocking) for each in found] == [
        (178, {"waiters": 2, "longest_seconds": 5.0, "root": True})
    ]


ADDRESSES = [
    {},
    {"USER_CLIENT_PORT": 0},
    {"USER_CLIENT_PORT": None},
    {"USER_CLIENT_IP": None},
    {"USER_CLIENT_IP": None, "USER_CLIENT_PORT": None},
    {"HOST": "0.0.0.0:0", "USER_CLIENT_IP": "unix:", "USER_CLIENT_PORT": 0},
]


@pytest.mark.parametrize("row", [SEEKDB_IDLE, SEEKDB_RUNNING, BEHIND_PROXY])
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("without", ["TRACE_ID", "USER_CLIENT_IP", "USER_CLIENT_PORT", "MODULE"])
@pytest.mark.parametrize("keys", [set(), {"username"}, {"idle"}, {"sql_id", "in_transaction"}, set(KEYS)])
def test_a_session_looked_at_again_is_the_same(
    row: dict[str, Any], address: dict[str, Any], without: str, keys: set[str]
) -> None:
    own = CLUSTER_OWN if "TENANT" in row else OWN
    rows = [{name: value for name, value in each.items() if name != without} for each in (own, {**row, **address})]
    server = Recorded(rows, "GV$OB_PROCESSLIST")
    dialect = OceanBaseMySQL()
    dialect.introduce(server, LOGIN)
    seen = dialect.sessions(server.ask, keys)[1][1]
    (now,) = dialect.sessions(server.ask, keys, [row["ID"]])[1]
    assert now.identity == seen.identity
    assert now.status == seen.status
    if "sql_id" in keys:
        assert now.execution == seen.execution
        assert now.active_seconds == seen.active_seconds
    if "in_transaction" in keys:
        assert now.transaction == seen.transaction
    if "idle" in keys:
        assert now.idle_seconds == seen.idle_seconds


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_session_looked_at_again_answers_the_key_as_before(key: str) -> None:
    row = {
        **SEEKDB_RUNNING,
        **{"DB": "shop", "MODULE": "m", "ACTION": "a", "CLIENT_INFO": "c", "TRANS_ID": 7, "TRANS_STATE": "ACTIVE"},
    }
    server = Recorded(
        [OWN, SEEKDB_IDLE, row],
        transactions=[begun(184, 5)],
        locks=[waiting(184, 178, 4.0)],
        objects=[{"SESSION_ID": 184, "OWNER": "shop", "OBJECT_NAME": "a"}],
    )
    dialect = OceanBaseMySQL()
    dialect.introduce(server, LOGIN)
    seen = {each.sid: each for each in dialect.sessions(server.ask, {key})[1]}
    now = {each.sid: each for each in dialect.sessions(server.ask, {key}, [178, 184])[1]}
    for sid in (178, 184):
        assert KEYS[key].describe(now[sid]) == KEYS[key].describe(seen[sid])


def test_only_the_asked_sessions_are_read_where_that_is_enough() -> None:
    dialect = OceanBaseMySQL()
    server = Recorded([OWN, SEEKDB_IDLE, SEEKDB_RUNNING])
    dialect.introduce(server, LOGIN)
    assert [each.sid for each in dialect.sessions(server.ask, frozenset(), [178, 7])[1]] == [178]
    assert server.asked[-1].endswith("WHERE ID IN (178, 7)")
    for bad in (2**32, 0, "1) OR (1=1", True):
        with pytest.raises(BadOption, match=r"^sid: "):
            dialect.sessions(server.ask, frozenset(), [178, bad])


# --- what a server cannot answer

OPTIONAL = {
    "MODULE": {"module"},
    "ACTION": {"action"},
    "CLIENT_INFO": {"client_info"},
    "SQL_ID": {"sql_id"},
    "TRANS_ID": {"in_transaction", "transaction_age"},
    "INFO": {"sql_text"},
    "DB": {"schema"},
    "TRACE_ID": set(),
    "TOTAL_TIME": set(),
    "TRANS_STATE": set(),
    "MASTER_SESSID": set(),
    "USER_CLIENT_IP": set(),
    "USER_CLIENT_PORT": set(),
}


@pytest.mark.parametrize(("column", "keys"), OPTIONAL.items())
def test_an_old_server_without_a_column(column: str, keys: set[str]) -> None:
    rows = [{name: value for name, value in row.items() if name != column} for row in (OWN, SEEKDB_IDLE)]
    complete, where = look(Recorded([OWN, SEEKDB_IDLE])), look(Recorded(rows))
    assert set(where.unavailable) - set(complete.unavailable) == keys
    # Fine until a rule needs it.
    assert outcomes(planned(where, rule(match={"idle": 1}))) == {178: "planned"}
    for key in keys:
        assert f"has no column {column}" in where.unavailable[key]
        operand = {"in_transaction": True, "transaction_age": 1}.get(key, "x")
        with pytest.raises(BadOption, match=rf"^{key}: it cannot be seen here \(.* has no column {column}\)"):
            planned(where, rule(match={"idle": 1}, exclude=[{key: operand}]))


def test_what_oceanbase_never_tells() -> None:
    where = look(Recorded([OWN, SEEKDB_IDLE]))
    assert set(where.unavailable) == {
        *(
            "logon_age",
            "undo_records",
            "os_user",
            "program",
            "service",
            "resource_group",
            "client_identifier",
            "server",
        ),
        *("event", "wait_class", "inst_id", "temp_mb", "pga_mb"),
    }
    assert set(where.unavailable) < set(KEYS)
    for options, option in (
        ({"pick": "oldest"}, "pick"),
        ({"keep": 1, "per": "program"}, "per"),
        ({"max_rollback_records": 1}, "max_rollback_records"),
    ):
        with pytest.raises(BadOption, match=rf"^{option}: "):
            planned(where, rule(match={"username": "app"}, **options))


def test_what_was_not_read_is_unavailable_too() -> None:
    where = look(Recorded([OWN, SEEKDB_IDLE]), ())
    assert {"transaction_age", "blocked", "root_blocker", "locked_object", "sql_text"} <= set(where.unavailable)
    server = Recorded([OWN, SEEKDB_IDLE])
    look(server, ())
    assert not any("INFO" in query or "LOCKS" in query for query in server.asked if query.startswith("SELECT ID"))


LOCK_KEYS = {"waiters", "blocking_for", "blocking", "blocked", "root_blocker", "blocked_by", "locked_object"}


@pytest.mark.parametrize("version", ["4.0.0.0", "4.2.3.9", "4.2"])
def test_before_4_2_4_nobody_is_known_to_hold_a_lock(version: str) -> None:
    server = Recorded(
        [CLUSTER_OWN, BEHIND_PROXY],
        "GV$OB_PROCESSLIST",
        f"OceanBase_CE {version} (r1)",
        locks=[waiting(3221487726, 99, 9.0)],
    )
    where = look(server)
    assert where.database["version"] == version
    assert {where.unavailable[key] for key in LOCK_KEYS} == {
        "before OceanBase 4.2.4 the server does not list who holds a lock"
    }
    assert not any("OB_LOCKS" in query for query in server.asked)
    assert "transaction_age" not in where.unavailable


@pytest.mark.parametrize("version", ["4.2.4.0", "4.2.10", "4.3.5.3", "10.0"])
def test_from_4_2_4_on_holders_are_known(version: str) -> None:
    where = look(Recorded([CLUSTER_OWN, BEHIND_PROXY], "GV$OB_PROCESSLIST", f"OceanBase_CE {version} (r1)"))
    assert not LOCK_KEYS & set(where.unavailable)


@pytest.mark.parametrize(
    ("view", "keys"), [("OB_LOCKS", LOCK_KEYS), ("OB_TRANSACTION_SCHEDULERS", {"transaction_age"})]
)
@pytest.mark.parametrize("code", [1142, 1146])
def test_a_view_that_cannot_be_read_names_the_grant(view: str, keys: set[str], code: int) -> None:
    where = look(Recorded([OWN, SEEKDB_IDLE], errors={f"V${view}": code}))
    for key in keys:
        reason = where.unavailable[key]
        if code == 1142:
            assert reason == f"missing privilege: GRANT SELECT ON oceanbase.GV${view} TO the login user"
        else:
            assert reason == f"this server has no view oceanbase.GV${view}"


def test_no_rights_on_the_session_list() -> None:
    with pytest.raises(DatabaseError, match=r"^login_user: missing privilege: GRANT SELECT ON oceanbase\.GV\$OB_PROC"):
        look(Recorded([OWN], errors={"OB_PROCESSLIST": 1142}))


# --- where we are


def test_the_cluster_s_view_comes_first() -> None:
    assert any("GV$OB_PROCESSLIST" in query for query in read([CLUSTER_OWN], "GV$OB_PROCESSLIST").asked)
    server = read([OWN], "V$OB_PROCESSLIST")
    assert server.asked[-1].endswith("FROM oceanbase.V$OB_PROCESSLIST")


def read(rows: list[dict[str, Any]], view: str) -> Recorded:
    server = Recorded(rows, view)
    look(server, ())
    return server


def test_the_database_of_a_result() -> None:
    where = look(Recorded([OWN]))
    assert where.database == {
        "dialect": "oceanbase_mysql",
        "version": "4.3.5.3",
        "name": "sys",
        "unique_name": None,
        "dbid": "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        "role": None,
        "instance": None,
        "instances": [],
        "host": "127.0.0.1",
        "proxy": None,
        "container": "sys",
        "all_users": True,
        "all_containers": False,
        "startup_time": "2026-11-21T06:00:00.000+00:00",
        "taken_at": "2026-11-21T07:00:00.000+00:00",
    }


def test_without_an_uptime_there_is_no_start_up_time() -> None:
    assert look(Recorded([OWN], uptime=None)).database["startup_time"] is None


def test_the_sys_tenant_sees_every_tenant_and_must_name_one() -> None:
    rows = [CLUSTER_OWN, BEHIND_PROXY, {**BEHIND_PROXY, "ID": 5, "TENANT": "blog"}]
    where = look(Recorded(rows, "GV$OB_PROCESSLIST"))
    assert (where.database["container"], where.database["all_containers"]) == ("sys", True)
    with pytest.raises(BadOption, match=r"^match\.container: this login sees the sessions of every container"):
        planned(where, rule(match={"username": "app"}))
    assert outcomes(planned(where, rule(match={"username": "app", "container": "SHOP"}))) == {3221487726: "planned"}
    assert len(planned(where, rule(match={"username": "app", "container": "*"})).outcomes) == 2


def test_another_tenant_sees_its_own_sessions_and_need_not_name_itself() -> None:
    rows = [{**CLUSTER_OWN, "TENANT": "shop"}, BEHIND_PROXY]
    where = look(Recorded(rows, "GV$OB_PROCESSLIST"))
    assert (where.database["name"], where.database["all_containers"]) == ("shop", False)
    assert outcomes(planned(where, rule(match={"username": "app"}))) == {3221487726: "planned"}


@pytest.mark.parametrize(
    ("tenant", "grants", "all_users"),
    [
        ("sys", "GRANT USAGE ON *.* TO 'ops'", True),
        ("shop", "GRANT USAGE ON *.* TO 'ops'", False),
        ("shop", "GRANT PROCESS ON `oceanbase`.* TO 'ops'", False),
        ("shop", "GRANT SELECT, PROCESS ON *.* TO 'ops'", True),
        ("shop", "GRANT SUPER ON *.* TO 'ops'", False),
        ("shop", "GRANT ALL PRIVILEGES ON *.* TO 'ops' WITH GRANT OPTION", True),
    ],
)
def test_whether_the_account_sees_other_users(tenant: str, grants: str, all_users: bool) -> None:
    where = look(Recorded([{**CLUSTER_OWN, "TENANT": tenant}], "GV$OB_PROCESSLIST", grants=grants))
    assert where.database["all_users"] is all_users


def test_our_session_carries_the_tag_and_the_comment() -> None:
    server = Recorded([OWN])
    look(server)
    assert f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{TAG}', '')" in server.asked
    assert any(f"X'{b'CHG-1'.hex()}'" in query for query in server.asked)


def test_a_comment_reaches_no_statement_as_text() -> None:
    server = Recorded([OWN])
    comment = "'; DROP TABLE x; -- " + "\u00e9" * 60
    OceanBaseMySQL().introduce(server, replace(LOGIN, comment=comment))
    (told,) = [query for query in server.asked if "SET_CLIENT_INFO" in query]
    assert "DROP" not in told
    written = re.search(r"X'([0-9a-f]*)'", told)
    assert written
    # CLIENT_INFO has 64 bytes; a character is not cut in two.
    assert comment.startswith(bytes.fromhex(written[1]).decode())
    assert len(bytes.fromhex(written[1])) <= 64


def test_a_server_without_the_package_leaves_us_unnamed() -> None:
    for code in (1049, 1064, 1235, 1305):
        assert look(Recorded([OWN], errors={"DBMS_APPLICATION_INFO": code})).sessions[0].own
    with pytest.raises(StatementFailed):
        look(Recorded([OWN], errors={"DBMS_APPLICATION_INFO": 1227}))


def test_what_is_not_oceanbase_in_mysql_mode_is_refused() -> None:
    with pytest.raises(DatabaseError, match=r"^dialect: the server calls itself MySQL Community .*not OceanBase"):
        look(Recorded([OWN], version="MySQL Community Server - GPL"))
    with pytest.raises(
        DatabaseError, match=r"^dialect: root@sys belongs to a tenant in Oracle mode; set dialect to oceanbase_oracle"
    ):
        look(Recorded([OWN], mode="ORACLE"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1094, GONE), (1095, REFUSED), (1142, PRIVILEGE), (1227, PRIVILEGE), (1064, OTHER), (None, OTHER)],
)
def test_error_classes(code: int | None, kind: str) -> None:
    assert OceanBaseMySQL().classify(code) == kind


# --- how a session is ended


def test_no_session_is_disconnected() -> None:
    with pytest.raises(BadOption, match=r"^dialect: OceanBase has no DISCONNECT SESSION; use session_kill"):
        OceanBaseMySQL().check(Way(DISCONNECT))
    for verb in (KILL, CANCEL):
        OceanBaseMySQL().check(Way(verb))


@pytest.mark.parametrize(
    ("option", "value"),
    [("immediate", False), ("force", True), ("noreplay", True), ("server_timeout", 0), ("allow_undocumented", True)],
)
def test_what_modifies_a_kill_elsewhere_is_refused(option: str, value: Any) -> None:
    for verb in (KILL, CANCEL):
        with pytest.raises(BadOption) as error:
            OceanBaseMySQL().check(Way(verb, **{option: value}))
        assert str(error.value) == f"{option}: the KILL of OceanBase has no such option; leave it out."


def test_behind_a_proxy_with_ids_of_its_own_nothing_is_sent() -> None:
    server = Recorded([CLUSTER_OWN])
    # What the client was greeted with is the proxy's id, not that of the server's list.
    server.session_id = 524301
    dialect = OceanBaseMySQL()
    assert dialect.introduce(server, LOGIN)[1]["proxy"] == "v1"
    for verb, statement in ((KILL, "KILL"), (CANCEL, "KILL QUERY")):
        with pytest.raises(BadOption, match=f"^login_dsn: it leads through the proxy ODP, which takes {statement} for"):
            dialect.check(Way(verb))


class Scripted:
    """A connection on which the statements up to one of them work."""

    def __init__(self, works: int, code: int) -> None:
        self.works, self.code = works, code
        self.sent: list[str] = []

    def script(self, statements: list[str]) -> tuple[list[list[Any]], StatementFailed | None]:
        self.sent += statements
        failed = StatementFailed("no", self.code) if self.works < len(statements) else None
        return [[]] * min(self.works, len(statements)), failed


@pytest.mark.parametrize(("works", "answered"), [(0, 1), (1, 2), (2, 3), (3, 3)])
def test_what_stands_behind_an_error_has_no_answer(works: int, answered: int) -> None:
    connection = Scripted(works, 1094)
    steps = [Outcome(Session(sid=sid), KILL, f"KILL {sid}") for sid in (1, 2, 3)]
    answers = OceanBaseMySQL().send(connection, steps, frozenset(), frozenset())
    assert connection.sent == ["KILL 1", "KILL 2", "KILL 3"]
    assert [each.code for each in answers] == [*[None] * min(works, 3), *[1094] * (works < 3)]
    assert len(answers) == answered
    assert all(each.held is None for each in answers)


def test_every_session_is_looked_at_first_and_from_one_server() -> None:
    assert OceanBaseMySQL().looks_first(frozenset(), frozenset())
    assert OceanBaseMySQL().instance_for(Way(KILL), Session(sid=1)) is None


# --- id reuse and restart


class Reread:
    """A database for act: what is there now comes from recorded rows, and sending anything is a failure."""

    def __init__(self, server: Recorded) -> None:
        self.dialect = OceanBaseMySQL()
        self.dialect.introduce(server, LOGIN)
        self.server = server

    def look_up(self, sids: list[int], keys: Iterable[str]) -> dict[tuple[Any, ...], Session]:
        return {each.identity: each for each in self.dialect.sessions(self.server.ask, frozenset(keys), sids)[1]}

    def send(self, steps: list[Outcome], *_how: Any) -> None:
        pytest.fail(f"sent {[step.statement for step in steps]}")


REUSED = [
    {**SEEKDB_IDLE, "USER_CLIENT_PORT": 47857, "HOST": "127.0.0.1:47857"},
    {**SEEKDB_IDLE, "USER_CLIENT_IP": "127.0.0.2"},
    {**SEEKDB_IDLE, "USER": "other"},
]
BECAME_ANOTHER_NODE_S = {**BEHIND_PROXY, "SVR_IP": "10.1.1.2"}
BECAME_ANOTHER_TENANT_S = {**BEHIND_PROXY, "TENANT": "blog"}
REUSED_IDS = [
    *(([OWN, SEEKDB_IDLE], [OWN, other], "V$OB_PROCESSLIST") for other in REUSED),
    ([OWN, SEEKDB_IDLE], [OWN], "V$OB_PROCESSLIST"),
    ([CLUSTER_OWN, BEHIND_PROXY], [CLUSTER_OWN, BECAME_ANOTHER_NODE_S], "GV$OB_PROCESSLIST"),
    ([CLUSTER_OWN, BEHIND_PROXY], [CLUSTER_OWN, BECAME_ANOTHER_TENANT_S], "GV$OB_PROCESSLIST"),
]


@pytest.mark.parametrize(("before", "after", "view"), REUSED_IDS)
@pytest.mark.parametrize("cancel", [False, True])
def test_a_reused_id_is_gone_when_its_turn_comes_and_nothing_is_sent(
    before: list[dict[str, Any]], after: list[dict[str, Any]], view: str, cancel: bool
) -> None:
    what = rule(sid=before[1]["ID"])
    (step,) = planned(look(Recorded(before, view)), what).outcomes
    assert step.statement == f"KILL {before[1]['ID']}"
    step.settle("", "")
    step.verb = "cancel" if cancel else "kill"
    act(Reread(Recorded(after, view)), [step], what, Way(step.verb), time.monotonic() + 60)
    assert (step.outcome, step.sent) == ("gone", False)


@pytest.mark.parametrize(("before", "after", "view"), REUSED_IDS)
def test_a_saved_session_whose_id_was_reused_is_gone(
    before: list[dict[str, Any]], after: list[dict[str, Any]], view: str
) -> None:
    (asked,) = [each for each in look(Recorded(before, view)).sessions if each.sid == before[1]["ID"]]
    where = look(Recorded(after, view))
    result = {"sessions": [asked.row()], "database": where.database}
    report = planned(where, rule(sessions=json.loads(json.dumps(result))))
    assert [(each.outcome, each.statement) for each in report.outcomes] == [("gone", None)]


def test_a_restarted_server_takes_no_saved_sessions_even_where_the_ids_repeat() -> None:
    before = look(Recorded([OWN, SEEKDB_IDLE]))
    later = datetime(2026, 11, 21, 7, 10, 0)
    result = {"sessions": [each.row() for each in before.sessions if not each.own], "database": before.database}
    again = look(Recorded([OWN, SEEKDB_IDLE], uptime=60, now=later))
    with pytest.raises(
        BadOption, match=r"^sessions: the instance was restarted at 2026-11-21T07:09:00.000\+00:00, .*; list"
    ):
        planned(again, rule(sessions=result))
    still = look(Recorded([OWN, SEEKDB_IDLE], uptime=4201, now=later))
    assert outcomes(planned(still, rule(sessions=result))) == {178: "planned"}
    another = look(Recorded([OWN, SEEKDB_IDLE], uptime=4200, now=later, uuid="another"))
    with pytest.raises(BadOption, match=r"^sessions: they were listed in another database \(dbid "):
        planned(another, rule(sessions=result))


def test_times_are_utc_with_offset() -> None:
    assert iso(NOW) == iso(NOW.replace(tzinfo=UTC)) == "2026-11-21T07:00:00.000+00:00"
