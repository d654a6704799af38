# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rows of OceanBase become sessions, and what a server cannot answer, from recorded rows."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import outcomes, planned, rule
from unit.recorded_oceanbase import (
    BEHIND_PROXY,
    CLUSTER_OWN,
    LOGIN,
    OWN,
    SEEKDB_IDLE,
    SEEKDB_RUNNING,
    SQL_ID,
    Recorded,
    begun,
    look,
    one,
)

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

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


def test_a_wait_that_does_not_say_since_when_makes_nobody_a_blocker() -> None:
    row = {**waiting(184, 178, 0.0), "CTIME": None}
    found = {each.sid: each for each in look(Recorded([OWN, SEEKDB_IDLE, SEEKDB_RUNNING], locks=[row])).sessions}
    assert found[184].blocked_by == {"inst_id": None, "sid": 178} and not found[178].blocks()


def test_a_killed_waiter_whose_lock_row_lingers_makes_nobody_a_blocker() -> None:
    dying = {**SEEKDB_RUNNING, "STATE": "SESSION_KILLED"}
    where = look(Recorded([OWN, SEEKDB_IDLE, dying], locks=[waiting(184, 178, 9.0)]))
    assert all(each.blocking is None and each.blocked_by is None for each in where.sessions)


def test_objects_that_are_locked() -> None:
    rows = [{"SESSION_ID": 178, "OWNER": "shop", "OBJECT_NAME": name} for name in ("b", "a")]
    server = Recorded([OWN, SEEKDB_IDLE], objects=rows)
    assert look(server, {"locked_object"}).sessions[1].locked_objects == ["shop.a", "shop.b"]


def test_sessions_are_looked_at_after_what_takes_longer() -> None:
    """Whoever begins to work while the locks are read must not be taken for idle."""
    server = Recorded([OWN, SEEKDB_IDLE])
    look(server)
    assert "_PROCESSLIST" in server.asked[-1] and any("OB_LOCKS" in query for query in server.asked)


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
