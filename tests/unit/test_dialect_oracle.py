# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact statement of every verb and option on Oracle Database, which version has what, and where it is sent.

No server is asked: `Recorded` answers the few questions of the introduction from rows as V$INSTANCE and V$DATABASE
return them.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import oracle, oracle_running, oracle_session, outcomes, planned, rule, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import (
    GONE,
    MARKED,
    OTHER,
    PRIVILEGE,
    REFUSED,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle import Oracle
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_rds import OracleRDS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import Login
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import (
    CANCEL,
    DISCONNECT,
    KILL,
    Way,
    check_sql_id,
    parse_way,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

LOGIN = Login("db1:1521/SHOP", "dba", "tiger", 10.0, 30.0)
SQL_ID = "7h35uxf5uhmm1"
VERSIONS = {
    "11.2": (11, 2, 0, 4, 0),
    "12.1": (12, 1, 0, 2, 0),
    "12.2": (12, 2, 0, 1, 0),
    "18c": (18, 14, 0, 0, 0),
    "19c": (19, 30, 0, 0, 0),
    "21c": (21, 3, 0, 0, 0),
    "23ai": (23, 4, 0, 24, 5),
    "26ai": (23, 26, 1, 0, 0),
}
ALL, FROM_12_1, FROM_12_2, FROM_18 = (list(VERSIONS)[start:] for start in (0, 1, 2, 3))
FROM_23 = ["23ai", "26ai"]
BETWEEN_12_2_AND_21 = ["12.2", "18c", "19c", "21c"]


def dialect(version: str = "19c", of: type[Oracle] = Oracle, procedure: str | None = None) -> Oracle:
    found = of()
    found.version = VERSIONS[version]
    found._procedure = procedure
    return found


def stated(version: str, verb: str, of: type[Oracle] = Oracle, procedure: str | None = None, **options: Any) -> str:
    """The statement for session 30,15 on instance 2, checked as a run checks it."""
    found, way = dialect(version, of, procedure), parse_way(verb, options)
    found.check(way)
    return found.statement(way, oracle_running(30, inst_id=2))


def refused(version: str, verb: str, of: type[Oracle] = Oracle, **options: Any) -> BadOption:
    with pytest.raises(BadOption) as error:
        stated(version, verb, of, **options)
    assert str(error.value).startswith(f"{error.value.option}: ")
    return error.value


# --- statements

KILL_ONE = "ALTER SYSTEM KILL SESSION '30,15,@2'"
DISCONNECT_ONE = "ALTER SYSTEM DISCONNECT SESSION '30,15'"
UNDOCUMENTED = {"allow_undocumented": True}


@pytest.mark.parametrize(
    ("versions", "verb", "options", "statement"),
    [
        (ALL, KILL, {}, f"{KILL_ONE} IMMEDIATE"),
        (ALL, KILL, {"immediate": False}, KILL_ONE),
        (ALL, KILL, UNDOCUMENTED, f"{KILL_ONE} IMMEDIATE"),
        (FROM_12_1, KILL, {"immediate": False, "noreplay": True}, f"{KILL_ONE} NOREPLAY"),
        (FROM_23, KILL, {"noreplay": True}, f"{KILL_ONE} IMMEDIATE NOREPLAY"),
        (FROM_23, KILL, {"noreplay": True, "force": True}, f"{KILL_ONE} FORCE NOREPLAY"),
        (FROM_23, KILL, {"force": True}, f"{KILL_ONE} FORCE"),
        (FROM_23, KILL, {"force": True, "immediate": False}, f"{KILL_ONE} FORCE"),
        (FROM_23, KILL, {"server_timeout": 20}, f"{KILL_ONE} IMMEDIATE TIMEOUT 20"),
        (FROM_23, KILL, {"server_timeout": 20, "immediate": False}, f"{KILL_ONE} TIMEOUT 20"),
        (FROM_23, KILL, {"server_timeout": "0", "force": True}, f"{KILL_ONE} FORCE TIMEOUT 0"),
        (FROM_23, KILL, {"server_timeout": 0, "noreplay": True}, f"{KILL_ONE} IMMEDIATE NOREPLAY TIMEOUT 0"),
        (FROM_12_2, KILL, {**UNDOCUMENTED, "force": True}, f"{KILL_ONE} FORCE"),
        (FROM_12_2, KILL, {**UNDOCUMENTED, "force": True, "server_timeout": 0}, f"{KILL_ONE} FORCE TIMEOUT 0"),
        (ALL, DISCONNECT, {}, f"{DISCONNECT_ONE} IMMEDIATE"),
        (ALL, DISCONNECT, {"post_transaction": True}, f"{DISCONNECT_ONE} POST_TRANSACTION"),
        (
            ALL,
            DISCONNECT,
            {"post_transaction": True, "immediate": True},
            f"{DISCONNECT_ONE} POST_TRANSACTION IMMEDIATE",
        ),
        (["12.1", *BETWEEN_12_2_AND_21], DISCONNECT, {"noreplay": True}, f"{DISCONNECT_ONE} NOREPLAY"),
        (
            ["12.1", *BETWEEN_12_2_AND_21],
            DISCONNECT,
            {"noreplay": True, "post_transaction": True},
            f"{DISCONNECT_ONE} POST_TRANSACTION NOREPLAY",
        ),
        (FROM_18, CANCEL, {}, f"ALTER SYSTEM CANCEL SQL '30, 15, @2, {SQL_ID}'"),
        (FROM_12_2, CANCEL, UNDOCUMENTED, f"ALTER SYSTEM CANCEL SQL '30, 15, @2, {SQL_ID}'"),
    ],
)
def test_statements(versions: list[str], verb: str, options: dict[str, Any], statement: str) -> None:
    for version in versions:
        assert stated(version, verb, **options) == statement


# --- which version has what


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("verb", "options", "option", "since"),
    [
        (KILL, {"force": True}, "force", "23ai"),
        (KILL, {"server_timeout": 5}, "server_timeout", "23ai"),
        (KILL, {"noreplay": True, "immediate": False}, "noreplay", "12.1"),
        (DISCONNECT, {"noreplay": True}, "noreplay", "12.1"),
        (CANCEL, {}, "sql_cancel", "18c"),
    ],
)
def test_an_option_is_refused_before_the_version_that_has_it(
    version: str, verb: str, options: dict[str, Any], option: str, since: str
) -> None:
    order = list(VERSIONS)
    if order.index(version) >= order.index(since):
        if not (verb == DISCONNECT and version in FROM_23):
            assert stated(version, verb, **options)
        return
    error = refused(version, verb, **options)
    assert error.option == option
    shown = ".".join(map(str, VERSIONS[version]))
    cure = "leave it out"
    if since != "12.1" and order.index(version) >= order.index("12.2"):
        cure += ", or set allow_undocumented: true, for it works since 12.2 without being documented"
    assert str(error) == f"{option}: it exists since Oracle Database {since}, and this is {shown}; {cure}."


@pytest.mark.parametrize("version", ["11.2", "12.1"])
@pytest.mark.parametrize(("verb", "options"), [(KILL, {"force": True}), (KILL, {"server_timeout": 1}), (CANCEL, {})])
def test_what_does_not_work_undocumented_either(version: str, verb: str, options: dict[str, Any]) -> None:
    error = refused(version, verb, **options, allow_undocumented=True)
    assert str(error).endswith("; leave it out.")


@pytest.mark.parametrize("version", ["12.1", *BETWEEN_12_2_AND_21])
def test_before_23ai_noreplay_stands_in_the_place_of_the_others(version: str) -> None:
    for options in ({}, {"force": True, "allow_undocumented": True, "immediate": False}):
        if options and version == "12.1":
            continue
        assert str(refused(version, KILL, noreplay=True, **options)) == (
            "noreplay: before 23ai it stands in the place of IMMEDIATE and FORCE; "
            "set immediate: false, and leave out force."
        )
    error = refused(version, DISCONNECT, noreplay=True, immediate=True)
    assert str(error) == "noreplay: it stands in the place of IMMEDIATE; set immediate: false."


@pytest.mark.parametrize("version", FROM_23)
def test_since_23ai_a_disconnect_has_no_noreplay(version: str) -> None:
    for immediate in (False, True):
        error = refused(version, DISCONNECT, noreplay=True, immediate=immediate)
        shown = ".".join(map(str, VERSIONS[version]))
        assert str(error) == (
            f"noreplay: since 23ai a disconnect has no such clause, and this is {shown}; leave it out."
        )


def test_a_version_that_is_not_told_has_nothing_new() -> None:
    found = oracle("")
    assert found.version == ()
    found.check(Way(KILL))
    with pytest.raises(
        BadOption, match=r"^sql_cancel: it exists since .* 18c, and this is of an unknown version; leave"
    ):
        found.check(Way(CANCEL))


@pytest.mark.parametrize(
    ("told", "version"),
    [("19.3.0.0.0", (19, 3, 0, 0, 0)), ("23.26.1.0.0", (23, 26, 1, 0, 0)), ("19", (19,)), ("", ()), (None, ())],
)
def test_the_version_of_a_saved_snapshot(told: Any, version: tuple[int, ...]) -> None:
    found = Oracle()
    found.assume({"version": told})
    assert found.version == version


# --- Amazon RDS

RDS = "BEGIN rdsadmin.rdsadmin_util."


@pytest.mark.parametrize(
    ("verb", "options", "statement"),
    [
        (KILL, {}, f"{RDS}kill(sid => 30, serial => 15, method => 'IMMEDIATE'); END;"),
        (KILL, {"force": True}, f"{RDS}kill(sid => 30, serial => 15, method => 'PROCESS'); END;"),
        (KILL, {"force": True, "immediate": False}, f"{RDS}kill(sid => 30, serial => 15, method => 'PROCESS'); END;"),
        (KILL, {"immediate": False}, f"{RDS}kill(sid => 30, serial => 15, method => NULL); END;"),
        (DISCONNECT, {}, f"{RDS}disconnect(sid => 30, serial => 15, method => 'IMMEDIATE'); END;"),
        (
            DISCONNECT,
            {"post_transaction": True},
            f"{RDS}disconnect(sid => 30, serial => 15, method => 'POST_TRANSACTION'); END;",
        ),
        (CANCEL, {}, f"{RDS}cancel(sid => 30, serial => 15, sql_id => '{SQL_ID}'); END;"),
    ],
)
def test_statements_on_amazon_rds(verb: str, options: dict[str, Any], statement: str) -> None:
    for version in ("19c", "21c", "23ai"):
        assert stated(version, verb, OracleRDS, **options) == statement


@pytest.mark.parametrize(
    ("verb", "options", "option", "function"),
    [
        (KILL, {"noreplay": True, "immediate": False}, "noreplay", "kill"),
        (KILL, {"server_timeout": 0}, "server_timeout", "kill"),
        (DISCONNECT, {"noreplay": True}, "noreplay", "disconnect"),
    ],
)
def test_what_amazon_rds_does_not_have(verb: str, options: dict[str, Any], option: str, function: str) -> None:
    for version in VERSIONS:
        assert str(refused(version, verb, OracleRDS, **options)) == (
            f"{option}: rdsadmin_util.{function} of Amazon RDS has no such option; leave it out."
        )


def test_amazon_rds_cancels_since_19c() -> None:
    for version in ("11.2", "12.2", "18c"):
        for allowed in (False, True):
            error = refused(version, CANCEL, OracleRDS, allow_undocumented=allowed)
            assert str(error).startswith("sql_cancel: it exists since Oracle Database 19c, and this is ")
            assert str(error).endswith("; leave it out.")


def test_amazon_rds_has_one_instance() -> None:
    assert OracleRDS().instance_for(Way(DISCONNECT), oracle_session(1, inst_id=2)) is None


# --- through a wrapper

WRAPPER = "DBOPS.END_SESSION"


@pytest.mark.parametrize("of", [Oracle, OracleRDS])
@pytest.mark.parametrize(
    ("verb", "options", "mode"),
    [
        (KILL, {}, "KILL IMMEDIATE"),
        (KILL, {"immediate": False}, "KILL"),
        (KILL, {"force": True}, "KILL FORCE"),
        (DISCONNECT, {}, "DISCONNECT IMMEDIATE"),
        (DISCONNECT, {"post_transaction": True}, "DISCONNECT POST_TRANSACTION"),
        (CANCEL, {}, f"CANCEL {SQL_ID}"),
    ],
)
def test_statements_through_a_wrapper(of: type[Oracle], verb: str, options: dict[str, Any], mode: str) -> None:
    assert stated("23ai", verb, of, WRAPPER, **options) == (
        f"BEGIN {WRAPPER}(2, 30, 15, '{mode}', :code, :message); END;"
    )


def test_a_wrapper_is_called_where_its_disconnect_can_work() -> None:
    found = introduced(parallel="YES")
    found._procedure = WRAPPER
    assert found.instance_for(Way(DISCONNECT), oracle_session(1, inst_id=2)) == 2


# --- nothing but digits

HOSTILE = [0, -1, 2**31, 2**64, True, 30.0, "12; DROP", "30 OR 1", "3_0", "30'", None, [30], "\u0663"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["sid", "serial", "inst_id"])
@pytest.mark.parametrize("of", [Oracle, OracleRDS])
@pytest.mark.parametrize("procedure", [None, WRAPPER])
def test_no_statement_for_an_id_that_is_none(value: Any, field: str, of: type[Oracle], procedure: str | None) -> None:
    found = dialect("23ai", of, procedure)
    one = oracle_running(30, **{field: value}) if field != "sid" else oracle_running()
    one.sid = value if field == "sid" else one.sid
    for way in (Way(KILL), Way(DISCONNECT), Way(CANCEL)):
        if field == "inst_id" and of is OracleRDS and not procedure:
            # It has one instance only, and its procedures take none.
            assert found.statement(way, one) == found.statement(way, oracle_running())
            continue
        with pytest.raises(BadOption, match=f"^{field}: "):
            found.statement(way, one)


def test_ids_of_every_size() -> None:
    for number in (1, 65535, 2**31 - 1):
        one = oracle_session(number, serial=number, inst_id=number)
        assert (
            dialect().statement(Way(KILL), one) == f"ALTER SYSTEM KILL SESSION '{number},{number},@{number}' IMMEDIATE"
        )


@pytest.mark.parametrize(
    "sql_id",
    [None, "", SQL_ID.upper(), SQL_ID[:-1], SQL_ID + "1", SQL_ID[:-1] + "'", SQL_ID + "\n", "7h35uxf5uhmm\u00e9"],
)
def test_a_sql_id_that_is_none(sql_id: Any) -> None:
    for of, procedure in ((Oracle, None), (OracleRDS, None), (Oracle, WRAPPER)):
        with pytest.raises(BadOption, match=r"^sql_id: .* is not 13 characters of 0-9 and a-z\.$"):
            dialect("23ai", of, procedure).statement(Way(CANCEL), oracle_running(sql_id=sql_id))
    if sql_id is not None:
        with pytest.raises(
            BadOption, match=r"(?s)^sql_id: .* of oracle; copy it from session_info \(13 characters of 0-9 and a-z\)"
        ):
            check_sql_id(Oracle(), sql_id)


SHAPE = re.compile(
    r"ALTER SYSTEM KILL SESSION '[0-9]+,[0-9]+,@[0-9]+'( IMMEDIATE| FORCE)?( NOREPLAY)?( TIMEOUT [0-9]+)?"
    r"|ALTER SYSTEM DISCONNECT SESSION '[0-9]+,[0-9]+'( POST_TRANSACTION)?( IMMEDIATE| NOREPLAY)?"
    r"|ALTER SYSTEM CANCEL SQL '[0-9]+, [0-9]+, @[0-9]+, [0-9a-z]{13}'"
    r"|BEGIN rdsadmin\.rdsadmin_util\.kill\(sid => [0-9]+, serial => [0-9]+, method => (NULL|'IMMEDIATE'|'PROCESS')\); END;"
    r"|BEGIN rdsadmin\.rdsadmin_util\.disconnect\(sid => [0-9]+, serial => [0-9]+, method => '(IMMEDIATE|POST_TRANSACTION)'\); END;"
    r"|BEGIN rdsadmin\.rdsadmin_util\.cancel\(sid => [0-9]+, serial => [0-9]+, sql_id => '[0-9a-z]{13}'\); END;"
    r"|BEGIN DBOPS\.END_SESSION\([0-9]+, [0-9]+, [0-9]+, '[A-Z]+( [A-Z_]+| [0-9a-z]{13})*( [0-9]+)?', :code, :message\); END;",
    re.ASCII,
)
TEXT = st.text(alphabet="0123456789abcm'\"; @,)", max_size=14)
IDS = st.integers(-2, 2**33) | st.booleans() | st.floats() | TEXT | st.none()
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("immediate", "force", "noreplay", "post_transaction", "allow_undocumented"), st.booleans()),
        "server_timeout": IDS,
    },
)


@settings(deadline=None, max_examples=1000)
@given(
    st.sampled_from(list(VERSIONS)),
    st.sampled_from([KILL, DISCONNECT, CANCEL]),
    SETTINGS,
    st.tuples(IDS | st.just(30), IDS | st.just(15), IDS | st.just(2), TEXT | st.just(SQL_ID)),
    st.sampled_from([(Oracle, None), (OracleRDS, None), (Oracle, WRAPPER), (OracleRDS, WRAPPER)]),
)
def test_whatever_is_asked_for_a_statement_has_its_shape(
    version: str, verb: str, options: dict[str, Any], ids: tuple[Any, ...], kind: tuple[type[Oracle], str | None]
) -> None:
    found = dialect(version, *kind)
    sid, serial, inst_id, sql_id = ids
    try:
        way = parse_way(verb, options)
        found.check(way)
        statement = found.statement(way, Session(sid=sid, serial=serial, inst_id=inst_id, sql_id=sql_id))
    except BadOption as error:
        assert str(error).startswith(f"{error.option}: ")
        return
    assert SHAPE.fullmatch(statement), statement
    assert re.search(rf"\b{int(sid)}\b", statement) and re.search(rf"\b{int(serial)}\b", statement)
    if verb == CANCEL:
        assert sql_id in statement
    # A disconnect without a word behind it is ORA-02000.
    assert not statement.endswith("' ") and not (verb == DISCONNECT and statement.endswith("'"))


# --- errors


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((30, GONE), (31, MARKED), (27, REFUSED), (29, REFUSED), (1031, PRIVILEGE), (942, PRIVILEGE)),
        *((code, OTHER) for code in (26, 28, 2065, 922, 933, 900, 1013, 1089, 6550, 20001)),
        (None, OTHER),
    ],
)
def test_error_classes(code: int | None, kind: str) -> None:
    for of in (Oracle, OracleRDS):
        assert of().classify(code) == kind


def test_what_is_said_beside_the_server_s_own_text() -> None:
    assert Oracle().advice[1031] == "GRANT ALTER SYSTEM TO the login user, or set via_procedure"
    for code in (900, 922, 933, 2065):
        assert "leave it out" in Oracle().advice[code]
    assert "log in to" in Oracle().unknown_although_listed


# --- where we are

ABOUT = {
    "INST_ID": 1,
    "INSTANCE_NAME": "SHOP1",
    "HOST_NAME": "db1",
    "PARALLEL": "NO",
    "STARTUP_TIME": "2026-11-01T00:00:00",
    "DBID": 4711,
    "NAME": "SHOP",
    "DB_UNIQUE_NAME": "SHOP_A",
    "DATABASE_ROLE": "PRIMARY",
    "PLATFORM_NAME": "Linux x86 64-bit",
    "ZONE": "+02:00",
    "OWN_SID": "99",
    "CONTAINER": "PDB1",
    "RDS": 0,
    "MAY_END": 1,
}
OPEN = [{"INST_ID": number, "INSTANCE_NAME": f"SHOP{number}", "HOST_NAME": f"db{number}"} for number in (1, 2)]


class Recorded:
    """A connection that answers the introduction, and keeps what it was asked and which blocks it was given."""

    def __init__(self, version: tuple[int, ...], denied: dict[str, int], **about: Any) -> None:
        self.version = version
        self.denied = denied
        self.about = {**ABOUT, **about}
        self.asked: list[str] = []
        self.blocks: list[tuple[str, list[dict[str, Any]], dict[str, type], Any]] = []
        self.out: list[dict[str, Any]] = []

    def ask(self, query: str) -> list[dict[str, Any]]:
        self.asked.append(query)
        for part, code in self.denied.items():
            if part in query:
                raise StatementFailed(f"ORA-{code:05d}: no", code)
        if "gv$instance" in query:
            return OPEN
        if "'INSTANCE'" in query:
            return [{"INST_ID": "2"}]
        assert "FROM v$instance i CROSS JOIN v$database d" in query
        return [self.about]

    def block(
        self, text: str, rows: list[dict[str, Any]], inputs: dict[str, type], outputs: dict[str, type], seconds: Any
    ) -> list[dict[str, Any]]:
        self.blocks.append((text, rows, inputs, seconds))
        assert set(outputs) == {"changed", "code", "message"}
        return self.out


def introduced(version: str = "19c", of: type[Oracle] = Oracle, parallel: str = "NO") -> Oracle:
    return of().introduce(Recorded(VERSIONS[version], {}, PARALLEL=parallel), LOGIN)[0]


def test_the_database_of_a_result() -> None:
    found, about = Oracle().introduce(Recorded(VERSIONS["19c"], {}), LOGIN)
    assert found.name == "oracle" and found.version == VERSIONS["19c"]
    assert about == {
        "dialect": "oracle",
        "version": "19.30.0.0.0",
        "name": "SHOP",
        "unique_name": "SHOP_A",
        "dbid": "4711",
        "role": "PRIMARY",
        "platform": "Linux x86 64-bit",
        "instance": "SHOP1",
        "instances": [1],
        "host": "db1",
        "proxy": None,
        "container": "PDB1",
        "all_users": True,
        "all_containers": False,
        "startup_time": "2026-11-01T00:00:00+02:00",
    }


def test_every_open_instance_is_told() -> None:
    connection = Recorded(VERSIONS["19c"], {}, PARALLEL="YES")
    found, about = Oracle().introduce(connection, LOGIN)
    assert about["instances"] == [1, 2]
    assert [found.instance_name(number) for number in (1, 2)] == ["SHOP1", "SHOP2"]
    assert any("gv$instance WHERE status = 'OPEN'" in query for query in connection.asked)


@pytest.mark.parametrize(
    ("version", "container", "named", "everything"),
    [
        ("19c", "CDB$ROOT", "CDB$ROOT", True),
        ("19c", "PDB1", "PDB1", False),
        ("19c", "SHOP", "SHOP", False),
        ("11.2", None, "SHOP", False),
    ],
)
def test_containers(version: str, container: str | None, named: str, everything: bool) -> None:
    connection = Recorded(VERSIONS[version], {}, CONTAINER=container)
    about = Oracle().introduce(connection, LOGIN)[1]
    assert (about["container"], about["all_containers"]) == (named, everything)
    # 11.2 has no CON_NAME (ORA-02003).
    assert ("CON_NAME" in connection.asked[0]) is (version != "11.2")


def test_amazon_rds_is_recognised_and_keeps_what_it_was_told() -> None:
    asked = Oracle()
    asked._procedure = WRAPPER
    found, about = asked.introduce(Recorded(VERSIONS["19c"], {}, RDS=1), LOGIN)
    assert (type(found), about["dialect"], found._procedure) == (OracleRDS, "oracle_rds", WRAPPER)
    assert found.version == VERSIONS["19c"]
    # Introduced again after a lost connection it is still the same.
    again = found.introduce(Recorded(VERSIONS["19c"], {}, RDS=1), LOGIN)[0]
    assert again is found
    named = OracleRDS()
    assert named.introduce(Recorded(VERSIONS["19c"], {}, RDS=0), LOGIN)[0] is named


@pytest.mark.parametrize("code", [942, 1031])
@pytest.mark.parametrize(
    ("view", "grant"),
    [("v$database", "SYS.V_$INSTANCE and SYS.V_$DATABASE"), ("gv$instance", "SYS.GV_$INSTANCE")],
)
def test_without_the_rights_to_know_where_we_are(view: str, grant: str, code: int) -> None:
    with pytest.raises(DatabaseError) as error:
        Oracle().introduce(Recorded(VERSIONS["19c"], {view: code}, PARALLEL="YES"), LOGIN)
    assert str(error.value) == (
        f"login_user: missing privilege (ORA-{code:05d}: no): GRANT SELECT ON {grant} TO the login user."
    )


def test_another_failure_is_not_taken_for_a_missing_privilege() -> None:
    with pytest.raises(StatementFailed):
        Oracle().introduce(Recorded(VERSIONS["19c"], {"v$database": 1507}), LOGIN)


# --- acting


@pytest.mark.parametrize("verb", [KILL, DISCONNECT, CANCEL])
@pytest.mark.parametrize("inst_id", [1, 2])
def test_only_a_disconnect_must_be_sent_on_the_session_s_own_instance(verb: str, inst_id: int) -> None:
    found = introduced(parallel="YES").instance_for(Way(verb), oracle_session(1, inst_id=inst_id))
    assert found == (2 if verb == DISCONNECT and inst_id == 2 else None)


def test_the_instance_that_a_connection_has_reached() -> None:
    assert Oracle().reached(Recorded((19,), {})) == 2


LOCKS = {"waiters", "blocking_for", "blocking", "blocked", "root_blocker", "blocked_by"}
# What cannot have changed by itself, or is compared in the block, when it spares a session.
SPARING = {
    *("username", "os_user", "machine", "client_address", "program", "type", "server", "inst_id", "logon_age"),
    *("status", "schema", "module", "action", "client_identifier", "client_info", "resource_group"),
    *("service", "container"),
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_what_the_statements_cannot_look_for_is_looked_at_first(key: str) -> None:
    assert Oracle().looks_first(frozenset({key}), frozenset()) is (key in LOCKS)
    assert Oracle().looks_first(frozenset(), frozenset({key})) is (key not in SPARING)
    assert not Oracle().looks_first(frozenset(), frozenset())


def test_one_block_for_all_of_them_with_the_statement_as_a_value() -> None:
    found, connection = introduced(), Recorded((19,), {})
    connection.out = [
        {"changed": None, "code": 0, "message": None},
        {"changed": None, "code": -31, "message": "ORA-00031: session marked for kill"},
        {"changed": "gone", "code": None, "message": None},
        {"changed": "0", "code": None, "message": None},
    ]
    steps = [
        Outcome(oracle_session(sid), KILL, found.statement(Way(KILL), oracle_session(sid))) for sid in (1, 2, 3, 4)
    ]
    answers = found.send(connection, steps, frozenset({"idle"}), frozenset({"module"}), 12.0)
    ((text, rows, inputs, seconds),) = connection.blocks
    assert seconds == 12.0
    assert [row["statement"] for row in rows] == [step.statement for step in steps]
    assert "KILL SESSION" not in text and ":statement" in text
    assert all(set(row) == set(inputs) for row in rows)
    assert [(each.code, each.held) for each in answers] == [(None, None), (31, None), (None, "gone"), (None, "killed")]
    assert answers[1].message == "ORA-00031: session marked for kill"


def test_blocks_of_an_instance_that_we_have_left_are_forgotten() -> None:
    found, connection = Oracle(), Recorded(VERSIONS["19c"], {})
    connection.out = [{"changed": None, "code": 0, "message": None}]
    found.introduce(connection, LOGIN)
    step = [Outcome(oracle_session(1), KILL, "x")]
    found.send(connection, step, frozenset(), frozenset())
    found.introduce(Recorded(VERSIONS["19c"], {}, INST_ID=2, PARALLEL="YES"), LOGIN)
    found.send(connection, step, frozenset(), frozenset())
    before, after = (block[0] for block in connection.blocks)
    assert "FROM v$session s" in before and " 1 = :inst_id" in before
    assert "FROM gv$session s" in after and " s.inst_id = :inst_id" in after


# --- in a plan


def test_a_plan_for_oracle_database() -> None:
    where = snapshot(
        oracle_session(1), oracle_running(2), oracle_running(3, sql_id=None), dialect="oracle", instances=[1]
    )
    what = rule(oracle(), match={"username": "APP_1"})
    found = planned(where, what, dialect=oracle())
    assert [each.statement for each in found.outcomes] == [
        f"ALTER SYSTEM KILL SESSION '{sid},15,@1' IMMEDIATE" for sid in (1, 2, 3)
    ]
    found = planned(where, what, CANCEL, dialect=oracle())
    assert outcomes(found) == {1: "unchanged", 2: "planned", 3: "refused"}
    found = planned(where, what, CANCEL, "0123456789abc", dialect=oracle())
    assert outcomes(found) == {1: "unchanged", 2: "unchanged", 3: "refused"}


def test_a_plan_that_the_version_cannot_carry_out_is_refused_as_a_whole() -> None:
    where = snapshot(oracle_session(1), dialect="oracle", instances=[1])
    with pytest.raises(BadOption, match=r"^force: it exists since Oracle Database 23ai"):
        planned(where, rule(oracle(), match={"idle": 1}), dialect=oracle(), force=True)
