# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OceanBase in Oracle mode, from rows and errors as the vendor's pages and the server's source have them.

What a server does with the statements is tested on the stand-in; here are the tables of numbers, the choice of the
statement by version and proxy, and the recognition of the mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import (
    GONE,
    OTHER,
    PRIVILEGE,
    REFUSED,
    UNKNOWN,
    Dialect,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase import OceanBase
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_oracle import (
    OceanBaseOracle,
    number_of,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import Login
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, DISCONNECT, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

NOW = datetime(2026, 11, 21, 7, 0, 0)
LOGIN = Login("10.1.1.1:2881", "KILL_USER@shop#obcluster", "", 10.0, 30.0, "CHG-1 o'clock", "10.1.1.1", 2881)
SYS, IDLE = 3221487722, 3221487726
OWN = {
    "ID": IDLE,
    "USER": "KILL_USER",
    "TENANT": "shop",
    "HOST": "10.9.9.9:34803",
    "DB": "KILL_USER",
    "COMMAND": "Query",
    "TIME": "0",
    "TOTAL_TIME": "0",
    "STATE": "ACTIVE",
    "INFO": "SHOW PROCESSLIST",
    "SVR_IP": "10.1.1.1",
    "SVR_PORT": "2882",
    "PROXY_SESSID": None,
    "USER_CLIENT_IP": "10.9.9.9",
    "USER_CLIENT_PORT": "34803",
    "SQL_ID": "BCDAC2647DAB9F33F5CA2F5FCB96FE26",
    "TRACE_ID": "YB427F000001-000660C445510A29-0-0",
    "TRANS_ID": "0",
    "TRANS_STATE": None,
    "MODULE": None,
}
OTHER_USER = {
    **OWN,
    "ID": SYS,
    "USER": "SYS",
    "DB": "SYS",
    "COMMAND": "Sleep",
    "TIME": "93",
    "TOTAL_TIME": "93",
    "STATE": "SLEEP",
    "INFO": None,
    "SQL_ID": None,
    "TRACE_ID": None,
    "USER_CLIENT_PORT": "40025",
}


OTHERS = [Session(sid=SYS, username="SYS")]


def failure(number: int, text: str = "", prefix: str = "OBE") -> StatementFailed:
    return StatementFailed(f"{prefix}-{number:05d}: {text}", number)


class Tenant:
    """Answers what the dialect asks of an Oracle-mode tenant; ``refused`` are parts of queries with their errors."""

    def __init__(
        self,
        rows: Iterable[dict[str, Any]] = (OWN, OTHER_USER),
        version: str = "OceanBase 4.3.5.1 (r101000032025) (Built Jan  1 2025 00:00:00)",
        mode: str = "ORACLE",
        greeted: int = IDLE,
        user: str = "KILL_USER",
        privileges: tuple[str, ...] = ("CREATE SESSION", "ALTER SYSTEM", "SUPER"),
        enabled: tuple[str, ...] = (),
        uuid: str | None = "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        begun: Iterable[dict[str, Any]] = (),
        refused: dict[str, StatementFailed] | None = None,
    ) -> None:
        self.rows = list(rows)
        self.session_id = greeted
        self.one_at_a_time = False
        self.privileges, self.enabled = privileges, enabled
        self.begun = list(begun)
        self.variables = {"ob_compatibility_mode": mode, "version_comment": version, "server_uuid": uuid}
        self.who: dict[str, str | None] = {"SID": str(self.rows[0]["ID"]), "NAME": user}
        self.refused = refused or {}
        self.asked: list[str] = []
        self.sent: list[str] = []

    def ask(self, queries: list[str]) -> list[list[dict[str, Any]]]:
        return [self._answer(query) for query in queries]

    def script(self, statements: list[str], _seconds: float) -> tuple[list[list[Any]], StatementFailed | None]:
        done: list[list[Any]] = []
        for statement in statements:
            self.sent.append(statement)
            try:
                self._refuse(statement)
            except StatementFailed as error:
                return done, error
            done.append([])
        return done, None

    def _refuse(self, text: str) -> None:
        for part, error in self.refused.items():
            if part in text:
                raise error

    def _answer(self, query: str) -> list[dict[str, Any]]:
        self.asked.append(query)
        self._refuse(query)
        variable = re.fullmatch(r"SHOW VARIABLES LIKE '(\w+)'", query)
        if variable:
            value = self.variables[variable[1]]
            return [] if value is None else [{"VARIABLE_NAME": variable[1], "VALUE": value}]
        if query == "SHOW FULL PROCESSLIST":
            return self.rows
        if query.startswith(("ALTER SESSION SET ", "SET ob_query_timeout = ", "CALL DBMS_APPLICATION_INFO.")):
            return []
        if "USERENV" in query:
            return [self.who]
        if query.endswith("AS NOW FROM DUAL"):
            return [{"NOW": f"{NOW.isoformat(' ')}.000000"}]
        if "_PRIVS" in query:
            held = self.enabled if "SESSION_PRIVS" in query else self.privileges if "USER_SYS" in query else ()
            return [{"PRIVILEGE": each} for each in held]
        if "COUNT(DISTINCT" in query:
            return [{"USERS": str(len({row["USER"] for row in self.rows}))}]
        if "OB_TRANSACTION_SCHEDULERS" in query:
            return self.begun
        if "_PROCESSLIST" not in query:
            return []
        return self.rows if re.search(r" WHERE ID IN | WHERE ROWNUM|PROCESSLIST$", query) else self.rows[:1]


def introduced(server: Tenant, dialect: Dialect | None = None) -> tuple[OceanBaseOracle, dict[str, Any]]:
    found, about = (dialect or OceanBaseOracle()).introduce(server, LOGIN)
    assert isinstance(found, OceanBaseOracle)
    return found, about


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


def test_check_mode_says_that_alter_system_is_missing() -> None:
    lacking = introduced(Tenant(privileges=("CREATE SESSION", "SUPER")))[0]
    assert lacking.doubts(Way(KILL), OTHERS) == [
        "login_user: it lacks ALTER SYSTEM, so the server would refuse this: GRANT ALTER SYSTEM TO it."
    ]
    assert not lacking.doubts(Way(CANCEL), OTHERS), "KILL QUERY needs no such privilege"
    for server in (Tenant(), Tenant(user="SYS"), Tenant(refused={"_PRIVS": failure(942)})):
        assert not introduced(server)[0].doubts(Way(KILL), OTHERS)


@pytest.mark.parametrize("verb", [KILL, CANCEL])
def test_check_mode_says_that_others_sessions_may_be_out_of_reach(verb: str) -> None:
    found = introduced(Tenant(privileges=("CREATE SESSION", "ALTER SYSTEM")))[0]
    assert found.doubts(Way(verb), OTHERS) == [
        "login_user: it is not SYS and lacks SUPER, so the server may refuse to end what other users run; "
        "log in as SYS, or as the user of that session."
    ]
    assert not found.doubts(Way(verb), [Session(sid=IDLE, username="KILL_USER")])


def test_check_mode_says_that_other_runs_do_not_recognise_us() -> None:
    found = introduced(Tenant(refused={"SET_MODULE": failure(1031, "insufficient privileges")}))[0]
    (doubt,) = found.doubts(Way(KILL), OTHERS)
    assert doubt.startswith(f"login_user: its sessions cannot call themselves {TAG} (OBE-01031: insufficient")


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


OLD = "OceanBase 2.2.77 (r20211015104618)"
OLD_ROW = {
    **{name: OTHER_USER[name] for name in ("ID", "USER", "TENANT", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO")},
    "IP": "10.1.1.1",
    "PORT": "2881",
}
OLD_OWN = {**OLD_ROW, "ID": IDLE, "USER": "KILL_USER", "COMMAND": "Query", "STATE": "ACTIVE"}


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


# --- statements


@pytest.mark.parametrize(
    ("version", "verb", "statement"),
    [
        ("4.3.5.1", KILL, f"ALTER SYSTEM KILL SESSION '{SYS}'"),
        ("4.0.0.0", KILL, f"ALTER SYSTEM KILL SESSION '{SYS}'"),
        ("3.2.4.5", KILL, f"KILL {SYS}"),
        ("4.3.5.1", CANCEL, f"KILL QUERY {SYS}"),
        ("2.2.77", CANCEL, f"KILL QUERY {SYS}"),
    ],
)
def test_the_statement_by_verb_and_version(version: str, verb: str, statement: str) -> None:
    found = OceanBaseOracle()
    found.assume({"version": version})
    assert found.statement(Way(verb), Session(sid=SYS, serial=15)) == statement


@given(st.one_of(st.integers(max_value=0), st.integers(min_value=2**32), st.text(), st.booleans()))
def test_nothing_but_an_id_reaches_a_statement(sid: Any) -> None:
    found = OceanBaseOracle()
    found.assume({"version": "4.3.5.1"})
    if isinstance(sid, str) and re.fullmatch(r"[0-9]+", sid, re.ASCII) and 1 <= int(sid) < 2**32:
        assert found.statement(Way(KILL), Session(sid=sid)) == f"ALTER SYSTEM KILL SESSION '{int(sid)}'"  # type: ignore[arg-type]
        return
    with pytest.raises(BadOption, match=r"^sid: "):
        found.statement(Way(KILL), Session(sid=sid))


@pytest.mark.parametrize(
    ("option", "value"),
    [("immediate", False), ("force", True), ("noreplay", True), ("server_timeout", 0), ("allow_undocumented", True)],
)
def test_what_modifies_a_kill_elsewhere_is_refused(option: str, value: Any) -> None:
    with pytest.raises(BadOption, match=f"^{option}: the KILL of OceanBase has no such option; leave it out"):
        OceanBaseOracle().check(Way(KILL, **{option: value}))
    with pytest.raises(BadOption, match=r"^dialect: OceanBase has no DISCONNECT SESSION; use session_kill"):
        OceanBaseOracle().check(Way(DISCONNECT))


def steps(dialect: OceanBaseOracle, *sids: int) -> list[Outcome]:
    return [Outcome(Session(sid=sid), KILL, dialect.statement(Way(KILL), Session(sid=sid))) for sid in sids]


@pytest.mark.parametrize("number", [900, 1064])
def test_a_server_that_does_not_know_the_statement_gets_kill(number: int) -> None:
    server = Tenant(refused={"ALTER SYSTEM": failure(number)})
    found, _about = introduced(server)
    batch, later = steps(found, 5, 6), steps(found, 7)
    assert [each.code for each in found.send(server, batch, frozenset(), frozenset())] == [None, None]
    assert [each.code for each in found.send(server, later, frozenset(), frozenset())] == [None]
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'", "KILL 5", "KILL 6", "KILL 7"]
    assert [each.statement for each in batch + later] == ["KILL 5", "KILL 6", "KILL 7"], "the result says which"


def test_what_went_before_is_not_sent_again() -> None:
    server = Tenant(refused={"ALTER SYSTEM KILL SESSION '6'": failure(900)})
    found, _about = introduced(server)
    assert [each.code for each in found.send(server, steps(found, 5, 6), frozenset(), frozenset())] == [None, None]
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'", "ALTER SYSTEM KILL SESSION '6'", "KILL 6"]


def test_a_syntax_error_of_kill_itself_is_an_answer() -> None:
    server = Tenant(refused={"KILL": failure(900)})
    found, _about = introduced(server)
    assert [each.code for each in found.send(server, steps(found, 5, 6), frozenset(), frozenset())] == [900]


# --- the proxy


PROXIED = {"PROXY_SESSID": "12402504630519660553", "HOST": "10.8.8.8:50000"}


def test_behind_a_proxy_with_ids_of_its_own_only_the_statement_that_it_does_not_know_is_sent() -> None:
    server = Tenant([{**OWN, **PROXIED}, OTHER_USER], greeted=524301, refused={"ALTER SYSTEM": failure(900)})
    found, about = introduced(server)
    assert about["proxy"] == "v1"
    found.check(Way(KILL))
    with pytest.raises(
        BadOption, match=r"^login_dsn: it leads through the proxy ODP, which takes KILL QUERY for itself"
    ):
        found.check(Way(CANCEL))
    assert [each.code for each in found.send(server, steps(found, 5), frozenset(), frozenset())] == [900]
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'"], "KILL would mean a session of the proxy"


def test_behind_such_a_proxy_an_old_server_gets_nothing() -> None:
    found, about = introduced(Tenant([OLD_OWN, OLD_ROW], version=OLD, greeted=524301))
    assert about["proxy"] == "v1"
    with pytest.raises(BadOption, match=r"^login_dsn: .* takes KILL for itself .* give the address of a server"):
        found.check(Way(KILL))


def test_a_saved_result_tells_the_proxy_to_the_plan() -> None:
    found = OceanBaseOracle()
    found.assume({"version": "4.3.5.1", "proxy": "v1"})
    with pytest.raises(BadOption, match=r"^login_dsn: "):
        found.check(Way(CANCEL))
    found.assume({"version": "4.3.5.1", "proxy": "v2"})
    found.check(Way(CANCEL))


def test_ids_of_the_whole_cluster_are_trusted() -> None:
    found, about = introduced(Tenant([{**OWN, **PROXIED, "ID": 524301}, OTHER_USER], greeted=524301))
    assert about["proxy"] == "v2"
    found.check(Way(KILL))
    found.check(Way(CANCEL))


def test_all_sessions_by_which_a_proxy_serves_us_are_our_own() -> None:
    elsewhere = {**OWN, **PROXIED, "ID": 3222012000, "SVR_IP": "10.1.1.2"}
    somebody = {**OTHER_USER, **PROXIED, "ID": 3222012001, "PROXY_SESSID": "12402504630519660554"}
    found, _about = introduced(server := Tenant([{**OWN, **PROXIED}, elsewhere, somebody], greeted=524301))
    assert [each.own for each in found.sessions(server.ask, frozenset())[1]] == [True, True, False]


# --- errors


@pytest.mark.parametrize(
    ("code", "text", "number", "kind"),
    [
        (600, "OBE-00600: internal error code, arguments: -4174, Unknown thread id: 5", -4174, GONE),
        (600, "ORA-00600: internal error code, arguments: -4174, Unknown thread id: 5", -4174, GONE),
        (600, "OBE-00600: internal error code, arguments: -5251, You are not owner of thread 5", -5251, REFUSED),
        (600, "ORA-00600: internal error code, arguments: -5251, You are not owner of thread 5", -5251, REFUSED),
        (600, "OBE-00600: internal error code, arguments: -5065, Query execution was interrupted", -5065, UNKNOWN),
        (600, "OBE-00600: internal error code, arguments: -4012, Timeout", -4012, UNKNOWN),
        (600, "OBE-00600: internal error code, arguments: -4402, Kill Client Session failed", -4402, OTHER),
        (1031, "OBE-01031: insufficient privileges", 1031, PRIVILEGE),
        (1031, "ORA-01031: insufficient privileges", 1031, PRIVILEGE),
        (600, "ORA-01031: insufficient privileges", 1031, PRIVILEGE),
        (1094, "Unknown thread id: 5", 1094, GONE),
        (1095, "You are not owner of thread 5", 1095, REFUSED),
        (1317, "Query execution was interrupted", 1317, UNKNOWN),
        (900, "ORA-00900: invalid SQL statement", 900, OTHER),
        # What a session is called must not be taken for a number of the server.
        (1045, "Access denied for user 'ORA-1'@'xxx.xxx.xxx.xxx'", 1045, OTHER),
    ],
)
def test_errors_by_their_inner_number(code: int, text: str, number: int, kind: str) -> None:
    assert number_of(StatementFailed(text, code)) == number
    assert OceanBaseOracle().classify(number) == kind
    server = Tenant(refused={"KILL": StatementFailed(text, code)})
    found, _about = introduced(server)
    (answer,) = found.send(server, steps(found, 5), frozenset(), frozenset())
    assert (answer.code, answer.message) == (number, text)


@given(st.integers(min_value=1, max_value=99999), st.text())
def test_a_text_without_a_number_leaves_the_number_of_the_wire(code: int, text: str) -> None:
    error = StatementFailed(text, code)
    if not re.search(r"(ORA|OBE)-[0-9]{5}", text, re.ASCII):
        assert number_of(error) == code
