# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OceanBase in Oracle mode, from rows as the vendor's pages and the server's source have them: the mode, who sees what, and
which sessions the rows become. What a server does with statements is tested on the stand-in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from unit.oracle_mode_tenant import (
    IDLE,
    LOGIN,
    NOW,
    OLD,
    OLD_OWN,
    OLD_ROW,
    OTHER_USER,
    OWN,
    PROXIED,
    SYS,
    Tenant,
    failure,
    introduced,
)

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase import OceanBase
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_oracle import (
    OceanBaseOracle,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session

# --- the mode


def test_the_mode_is_recognised_after_the_login() -> None:
    server = Tenant()
    found, about = introduced(server, OceanBase())
    assert about["dialect"] == found.name == "oceanbase_oracle" and server.one_at_a_time
    own = OceanBaseOracle()
    assert introduced(Tenant(), own)[0] is own


def test_the_wrong_mode_is_refused_with_the_right_name() -> None:
    with pytest.raises(
        DatabaseError, match=r"^dialect: .* in Oracle mode; set dialect to oceanbase_oracle, or to oceanb"
    ):
        OceanBaseMySQL().introduce(Tenant(), LOGIN)
    with pytest.raises(
        DatabaseError, match=r"^dialect: .* in MySQL mode; set dialect to oceanbase_mysql, or to oceanbas"
    ):
        OceanBaseOracle().introduce(Tenant(mode="MYSQL"), LOGIN)


def test_a_version_of_one_number() -> None:
    assert introduced(Tenant(version="OceanBase 4"))[1]["version"] == "4"


def test_what_is_no_oceanbase_is_refused() -> None:
    with pytest.raises(DatabaseError, match=r"^dialect: the server calls itself Proxy 1.0, which is not OceanBase"):
        introduced(Tenant(version="Proxy 1.0"))


def test_the_database_of_a_result() -> None:
    assert introduced(Tenant())[1] == {
        "dialect": "oceanbase_oracle",
        "version": "4.3.5.1",
        "name": "shop",
        "unique_name": None,
        "dbid": "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        "role": None,
        "instance": "10.1.1.1:2882",
        "instances": [],
        "platform": None,
        "host": "10.1.1.1",
        "proxy": None,
        "container": "shop",
        "all_users": True,
        "all_containers": False,
        "startup_time": None,
    }


def test_two_databases_without_a_name_of_their_own_are_told_apart_by_their_address() -> None:
    assert introduced(Tenant(uuid=None))[1]["dbid"] == "10.1.1.1:2881"


# --- who sees what


@pytest.mark.parametrize(
    ("user", "privileges", "rows", "all_users"),
    [
        ("SYS", (), [OTHER_USER], True),
        ("KILL_USER", ("CREATE SESSION", "SHOW PROCESS"), [OWN], True),
        ("KILL_USER", ("CREATE SESSION",), [OWN], False),
        # It shows all of them or those of the own user only, so who sees one of somebody else's sees all.
        ("KILL_USER", ("CREATE SESSION",), [OWN, OTHER_USER], True),
    ],
)
def test_whether_the_account_sees_other_users(
    user: str, privileges: tuple[str, ...], rows: list[dict[str, Any]], all_users: bool
) -> None:
    server = Tenant(rows, user=user, privileges=privileges, greeted=rows[0]["ID"])
    assert introduced(server)[1]["all_users"] is all_users


def test_privileges_of_a_role_that_is_not_enabled_do_not_count() -> None:
    server = Tenant([OWN], enabled=("CREATE SESSION",), privileges=("CREATE SESSION", "SHOW PROCESS", "ALTER SYSTEM"))
    found, about = introduced(server)
    assert about["all_users"] is False
    assert found.doubts(Way(KILL), [])[0].startswith("login_user: it lacks ALTER SYSTEM")


def test_the_session_list_names_the_grant() -> None:
    with pytest.raises(DatabaseError) as error:
        introduced(Tenant(refused={"OB_PROCESSLIST": failure(942, "table or view does not exist")}))
    assert error.value.message.startswith("login_user: missing privilege")
    assert "GRANT SELECT ON SYS.GV$OB_PROCESSLIST TO the login user; without it" in error.value.message


def test_the_view_of_one_server_is_not_taken_for_that_of_the_cluster() -> None:
    with pytest.raises(DatabaseError, match=r"GRANT SELECT ON SYS\.GV\$OB_PROCESSLIST"):
        introduced(Tenant(refused={"GV$OB_PROCESSLIST": failure(942, "table or view does not exist")}))
    found, _about = introduced(
        server := Tenant(refused={"GV$OB_TRANSACTION_SCHEDULERS": failure(942, "table or view does not exist")})
    )
    keys = frozenset({"transaction_age"})
    assert "GRANT SELECT ON SYS.GV$OB_TRANS" in found.sessions(server.ask, keys)[2]["transaction_age"]


@pytest.mark.parametrize("rows", [[OTHER_USER], []])
def test_a_list_without_our_own_session_is_not_believed(rows: list[dict[str, Any]]) -> None:
    server = Tenant([OWN])
    server.rows = rows
    with pytest.raises(DatabaseError, match=rf"^login_user: the session list does not show our own session, {IDLE}, "):
        introduced(server)


@pytest.mark.parametrize("other", [{"PROXY_SESSID": "7"}, {"TENANT": "blog"}])
def test_an_id_that_is_not_ours_alone_is_no_way_to_know_ourselves(other: dict[str, str]) -> None:
    client = {**OWN, **PROXIED, "ID": 524301}
    server = Tenant([client, {**client, "SVR_IP": "10.1.1.2"}], greeted=524301)
    server.own = 2
    assert introduced(server)[1]["proxy"] == "v2", "our own session on another server"
    server.rows[1].update(other)
    with pytest.raises(DatabaseError, match=r"^login_dsn: our own session id, 524301, is that of another client"):
        introduced(server)


@pytest.mark.parametrize("number", [600, 30006])
def test_privileges_that_cannot_be_read_just_now_are_not_guessed(number: int) -> None:
    with pytest.raises(StatementFailed):
        introduced(Tenant(refused={"SESSION_PRIVS": failure(number)}))


def test_a_server_that_does_not_tell_our_id_is_not_believed() -> None:
    server = Tenant()
    server.who["SID"] = None
    with pytest.raises(DatabaseError, match=r"^login_user: the session list does not show our own session, "):
        introduced(server)


# --- our own session


def test_our_session_carries_the_tag_and_the_comment() -> None:
    server = Tenant()
    introduced(server)
    assert f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{TAG}', '')" in server.asked
    assert "CALL DBMS_APPLICATION_INFO.SET_CLIENT_INFO('CHG-1 o''clock')" in server.asked
    assert "SET ob_query_timeout = 30000000" in server.asked


def test_a_server_without_the_package_leaves_us_unnamed() -> None:
    found, _about = introduced(server := Tenant(refused={"DBMS_APPLICATION_INFO": failure(900)}))
    assert [each.sid for each in found.sessions(server.ask, frozenset())[1] if each.own] == [IDLE]


# --- rows


def test_rows_become_sessions() -> None:
    found, _about = introduced(server := Tenant())
    now, (own, other), unavailable = found.sessions(server.ask, frozenset({"username"}))
    assert now == NOW and own.own and not other.own
    assert (other.sid, other.username, other.schema, other.container) == (SYS, "SYS", "SYS", "shop")
    assert (other.status, other.idle_seconds, other.client_port, other.node) == (
        "inactive",
        93.0,
        40025,
        "10.1.1.1:2882",
    )
    assert other.oracle_maintained and not own.oracle_maintained and other.serial is None
    assert other.transaction is None and "in_transaction" not in unavailable


@pytest.mark.parametrize("told", ["0", None])
def test_a_client_s_port_that_is_not_told_is_that_of_its_connection(told: str | None) -> None:
    found, _about = introduced(
        server := Tenant([OWN, {**OTHER_USER, "USER_CLIENT_PORT": told, "HOST": "10.9.9.9:40025"}])
    )
    assert found.sessions(server.ask, frozenset())[1][1].client_port == 40025


def test_names_are_quoted_as_oracle_mode_wants_them() -> None:
    found, _about = introduced(server := Tenant())
    found.sessions(server.ask, frozenset(KEYS), [SYS])
    (listed,) = [text for text in server.asked if "AS NOW" not in text and '"USER", ' in text and "TIME" in text]
    assert '"ID", ' in listed and "`" not in listed and "oceanbase." not in listed and "LIMIT" not in listed


@pytest.mark.parametrize("user", ["SYS", "LBACSYS", "ORAAUDITOR", "__OCEANBASE_INNER_DRC_USER"])
def test_users_of_the_server_itself(user: str) -> None:
    found, _about = introduced(server := Tenant([OWN, {**OTHER_USER, "USER": user}]))
    assert found.sessions(server.ask, frozenset())[1][1].oracle_maintained


@pytest.mark.parametrize(
    ("state", "within"), [("ACTIVE", True), ("IN_TERMINATE", True), (None, False), ("ABORTED", False), ("IDLE", False)]
)
def test_an_empty_state_of_a_transaction_is_null(state: str | None, within: bool) -> None:
    row = {**OTHER_USER, "TRANS_ID": "4711", "TRANS_STATE": state}
    found, _about = introduced(server := Tenant([OWN, row]))
    assert bool(found.sessions(server.ask, frozenset())[1][1].transaction) is within


def test_the_age_of_a_transaction() -> None:
    row = {**OTHER_USER, "TRANS_ID": "4711", "TRANS_STATE": "ACTIVE"}
    since = {"SESSION_ID": str(SYS), "SINCE": f"{(NOW - timedelta(seconds=2)).isoformat(' ')}.500000"}
    found, _about = introduced(server := Tenant([OWN, row], begun=[since]))
    assert found.sessions(server.ask, frozenset({"transaction_age"}))[1][1].transaction == {
        "age_seconds": 1.5,
        "undo_records": None,
    }


# --- before 4.0


def test_before_4_the_list_is_show_full_processlist() -> None:
    found, about = introduced(server := Tenant([OLD_OWN, OLD_ROW], version=OLD))
    assert (about["version"], about["container"], about["instance"]) == ("2.2.77", "shop", "10.1.1.1:2881")
    _now, sessions, unavailable = found.sessions(server.ask, frozenset({"username", "blocked"}), [SYS])
    assert [(each.sid, each.username) for each in sessions] == [(SYS, "SYS")]
    assert "SHOW FULL PROCESSLIST of this version has no column TRANS_ID" in unavailable["in_transaction"]
    assert unavailable["blocked"] == "before OceanBase 4 the server does not list it"
    assert not any("OB_" in text for text in server.asked if not text.startswith(("SET", "SHOW")))


def test_a_list_without_tenants_is_that_of_the_login_s_tenant() -> None:
    rows = [{name: value for name, value in row.items() if name != "TENANT"} for row in (OLD_OWN, OLD_ROW)]
    found, about = introduced(server := Tenant(rows, version=OLD))
    assert about["container"] == "shop"
    assert {each.container for each in found.sessions(server.ask, frozenset())[1]} == {"shop"}


def test_before_4_the_statement_is_kill() -> None:
    found, _about = introduced(Tenant([OLD_OWN, OLD_ROW], version=OLD, privileges=("CREATE SESSION",)))
    assert found.statement(Way(KILL), Session(sid=SYS)) == f"KILL {SYS}"
    assert not found.doubts(Way(KILL), []), "KILL needs no ALTER SYSTEM"
