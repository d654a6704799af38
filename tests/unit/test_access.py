# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account needs against what it has, and the statements and the script that come of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.access import (
    FEATURES,
    Grant,
    Plan,
    Present,
    Program,
    Statement,
    User,
    Wanted,
    parse_version,
    parse_wanted,
    plan,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import OTHER, REFUSED
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle import Oracle
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_access import REFUSALS, Access
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

SECRET = "Tr0ub4dor_3"
WRAPPER = "DBOPS_OWNER.END_SESSION"
V11, V12, V19 = (11, 2), (12, 1), (19,)


def wanted(procedure: str | None = None, **options: Any) -> Wanted:
    given_options = {
        "state": "present",
        "name": "dbops",
        "password": SECRET,
        "features": ["kill"],
        "only_users": None,
        "exclusive": False,
        "replace": False,
        "login_user": "sys",
    }
    return parse_wanted(given_options | options, procedure)


def due(want: Wanted, present: Present | None = None, server: Access | None = None) -> Plan:
    return plan(want, present or Present(), server or Access(V19))


def texts(made: Plan) -> list[str]:
    return [str(statement) for statement in made.statements]


def everything(want: Wanted, server: Access) -> Present:
    """The world after the statements of a plan."""
    program = Program(server.procedure(want)) if want.procedure else None
    users = {name: User(open=name != want.owner) for name in (want.account, want.owner) if name}
    return Present(users, set(server.grants(want)), program)


# --- what is due


def test_an_account_of_nothing() -> None:
    assert texts(due(wanted())) == [
        'CREATE USER DBOPS IDENTIFIED BY "********"',
        "GRANT CREATE SESSION TO DBOPS",
        *(
            f"GRANT SELECT ON SYS.V_${view} TO DBOPS"
            for view in ("DATABASE", "INSTANCE", "PROCESS", "PX_SESSION", "SESSION", "TRANSACTION")
        ),
        "GRANT ALTER SYSTEM TO DBOPS",
    ]


def test_the_password_is_in_nothing_but_the_statement() -> None:
    want = wanted()
    made = due(want)
    assert made.statements[0].text == f'CREATE USER DBOPS IDENTIFIED BY "{SECRET}"'
    script = Access.script(made.statements, want)
    assert SECRET not in repr(made) + str(texts(made)) + repr(want) + script + str(made.before + made.after)


def test_with_a_wrapper_the_account_has_no_alter_system() -> None:
    made = texts(due(wanted(WRAPPER)))
    assert "GRANT ALTER SYSTEM TO DBOPS_OWNER" in made and "GRANT ALTER SYSTEM TO DBOPS" not in made
    assert made[-1] == f"GRANT EXECUTE ON {WRAPPER} TO DBOPS"
    created = next(
        index for index, text in enumerate(made) if text.startswith(f"CREATE OR REPLACE PROCEDURE {WRAPPER} (")
    )
    owner_grants = [index for index, text in enumerate(made) if text.endswith("TO DBOPS_OWNER")]
    assert len(owner_grants) == 4 and max(owner_grants) < created


@pytest.mark.parametrize(
    "server", [Access(V11), Access(V19), Access(V19, cluster=True), Access((23,), root=True), Access(V19, rds=True)]
)
@pytest.mark.parametrize("features", [[], ["kill"], list(FEATURES)])
@pytest.mark.parametrize("procedure", [None, WRAPPER])
def test_a_second_run_has_nothing_to_do(server: Access, features: list[str], procedure: str | None) -> None:
    want = wanted(None if server.rds else procedure, features=features, exclusive=True)
    present = everything(want, server)
    if server.hides_containers:
        present.users = {name: User(user.open, sees_all_containers=True) for name, user in present.users.items()}
    made = due(want, present, server)
    assert not made.statements and not made.doubts and made.before == made.after


@pytest.mark.parametrize(
    ("features", "views"),
    [
        (["temp_space"], {"V_$SORT_USAGE", "V_$PARAMETER"}),
        (["sql_text"], {"V_$SQL"}),
        (["locked_objects"], {"V_$LOCKED_OBJECT", "DBA_OBJECTS"}),
        (["recovery"], {"V_$FAST_START_TRANSACTIONS"}),
    ],
)
def test_a_feature_brings_its_views_and_no_more(features: list[str], views: set[str]) -> None:
    server = Access(V19)
    without = set(server.grants(wanted(features=[])))
    added = set(server.grants(wanted(features=features))) - without
    assert added == {Grant("DBOPS", "SELECT", f"SYS.{view}") for view in views}
    assert not any(grant.privilege in ("ALTER SYSTEM", "EXECUTE") for grant in without)


def test_a_cluster_is_read_by_both_names() -> None:
    on = {grant.on for grant in Access(V19, cluster=True).grants(wanted(WRAPPER)) if grant.grantee == "DBOPS"}
    assert {"SYS.GV_$SESSION", "SYS.V_$SESSION", "SYS.GV_$INSTANCE", "SYS.V_$DATABASE"} <= on
    assert "SYS.GV_$DATABASE" not in on
    source = Access(V19, cluster=True).procedure(wanted(WRAPPER))
    assert "sys.gv_$session" in source and "sys.v_$" not in source and "s.inst_id = l_inst" in source


def test_in_the_root_it_is_for_all_containers() -> None:
    made = texts(due(wanted(name="c##dbops", features=["kill", "locked_objects"]), server=Access(V19, root=True)))
    assert "GRANT ALTER SYSTEM TO C##DBOPS CONTAINER = ALL" in made
    assert "ALTER USER C##DBOPS SET CONTAINER_DATA = ALL CONTAINER = CURRENT" in made
    assert "GRANT SELECT ON SYS.V_$CONTAINERS TO C##DBOPS" in made
    assert "GRANT SELECT ON SYS.CDB_OBJECTS TO C##DBOPS" in made


def test_on_rds_the_package_stands_in() -> None:
    made = texts(due(wanted(), server=Access(V19, rds=True)))
    assert (
        "BEGIN rdsadmin.rdsadmin_util.grant_sys_object(p_obj_name => 'V_$SESSION', p_grantee => 'DBOPS', p_privilege => 'SELECT'); END;"
        in made
    )
    assert made[-1] == "GRANT EXECUTE ON RDSADMIN.RDSADMIN_UTIL TO DBOPS"
    with pytest.raises(BadOption, match="via_procedure: on Amazon RDS nobody has ALTER SYSTEM"):
        due(wanted(WRAPPER), server=Access(V19, rds=True))


def test_read_is_as_good_as_select_and_a_local_grant_not_as_a_common_one() -> None:
    session = Grant("DBOPS", "SELECT", "SYS.V_$SESSION")
    assert Grant("DBOPS", "READ", "SYS.V_$SESSION").covers(session)
    assert not Grant("DBOPS", "READ", "SYS.V_$PROCESS").covers(session)
    assert not Grant("OTHER", "SELECT", "SYS.V_$SESSION").covers(session)
    everywhere = Grant("DBOPS", "ALTER SYSTEM", everywhere=True)
    local = Grant("DBOPS", "ALTER SYSTEM")
    assert everywhere.covers(local) and not local.covers(everywhere)
    assert not Grant("DBOPS", "ALTER SYSTEM", role=True).covers(local)


def test_the_owner_is_locked_and_has_no_password() -> None:
    assert "CREATE USER DBOPS_OWNER NO AUTHENTICATION ACCOUNT LOCK" in texts(due(wanted(WRAPPER)))
    assert "CREATE USER DBOPS_OWNER IDENTIFIED EXTERNALLY ACCOUNT LOCK" in texts(
        due(wanted(WRAPPER), server=Access(V12))
    )
    server, want = Access(V19), wanted(WRAPPER)
    present = everything(want, server)
    present.users["DBOPS_OWNER"] = User(open=True)
    (doubt,) = due(want, present, server).doubts
    assert "ALTER USER DBOPS_OWNER ACCOUNT LOCK" in doubt


# --- what there is too much of


def test_more_is_taken_away_only_when_told_so() -> None:
    server, want = Access(V19), wanted(WRAPPER)
    present = everything(want, server)
    present.grants |= {
        Grant("DBOPS", "ALTER SYSTEM"),
        Grant("DBOPS", "SELECT_CATALOG_ROLE", role=True),
        Grant("DBOPS", "My Role", role=True),
        Grant("DBOPS", "DELETE", "SHOP.Orders"),
        Grant("DBOPS", "CREATE TABLE", everywhere=True),
        Grant("DBOPS_OWNER", "CREATE TABLE"),
    }
    lax = due(want, present, server)
    assert not lax.statements and "still has ALTER SYSTEM" in lax.doubts[0]
    strict = due(wanted(WRAPPER, exclusive=True), present, server)
    assert texts(strict) == [
        "REVOKE ALTER SYSTEM FROM DBOPS",
        'REVOKE DELETE ON SHOP."Orders" FROM DBOPS',
        'REVOKE "My Role" FROM DBOPS',
        "REVOKE SELECT_CATALOG_ROLE FROM DBOPS",
    ]
    assert not strict.doubts
    gone = Counter(strict.before) - Counter(strict.after)
    assert sorted(gone) == ["  ALTER SYSTEM", "  DELETE ON SHOP.Orders", "  My Role", "  SELECT_CATALOG_ROLE"]


# --- the wrapper


def test_the_wrapper_is_replaced_when_it_differs_and_when_it_does_not_compile() -> None:
    server, want = Access(V19), wanted(WRAPPER)
    present = everything(want, server)
    assert not due(want, present, server).statements
    for changed in (wanted(WRAPPER, only_users=["APP_*"]), wanted(WRAPPER, only_users="app_*")):
        assert [text.split(" (")[0] for text in texts(due(changed, present, server))] == [
            f"CREATE OR REPLACE PROCEDURE {WRAPPER}"
        ]
    present.program = Program(server.procedure(want), valid=False)
    assert len(due(want, present, server).statements) == 1


def test_the_stored_source_may_name_the_procedure_in_its_own_way() -> None:
    server = Access(V19)
    source = server.procedure(wanted(WRAPPER))
    stored = source.replace("PROCEDURE DBOPS_OWNER.END_SESSION", "procedure             end_session", 1) + "\n"
    assert server.same_source(stored, source)
    assert not server.same_source(stored.replace("l_maintained > 0", "l_maintained > 1"), source)
    assert not server.same_source("wrapped", source)


def test_somebody_elses_procedure_is_not_replaced_unasked() -> None:
    server = Access(V19)
    present = everything(wanted(WRAPPER), server)
    present.program = Program("PROCEDURE END_SESSION (a NUMBER) AS BEGIN NULL; END;")
    with pytest.raises(BadOption, match="not the work of this collection; use another name, or set replace: true"):
        due(wanted(WRAPPER), present, server)
    assert len(due(wanted(WRAPPER, replace=True), present, server).statements) == 1


@pytest.mark.parametrize(
    ("pattern", "like"),
    [
        ("app_*", "'APP!_%'"),
        ("A?B", "'A_B'"),
        ('"App*"', "'App%'"),
        ("O'HARA", "'O''HARA'"),
        ("100%!", "'100!%!!'"),
        ("X' OR '1'='1", "'X'' OR ''1''=''1'"),
    ],
)
def test_a_pattern_becomes_a_literal(pattern: str, like: str) -> None:
    assert f"s.username LIKE {like} ESCAPE '!'" in Access(V19).procedure(wanted(WRAPPER, only_users=pattern))


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1), min_size=1, max_size=4)
)
def test_no_pattern_leaves_its_literal(patterns: list[str]) -> None:
    try:
        source = Access(V19).procedure(wanted(WRAPPER, only_users=patterns))
    except BadOption:
        return
    lines = [line for line in source.splitlines() if "s.username LIKE" in line]
    for line in lines:
        inside = line.partition(" LIKE '")[2].rpartition("' ESCAPE '!'")[0]
        assert "'" not in inside.replace("''", "")
    assert len(source.splitlines()) == len(Access(V19).procedure(wanted(WRAPPER)).splitlines()) + len(lines)


def test_before_12_1_maintained_users_are_a_list() -> None:
    source = Access(V11).procedure(wanted(WRAPPER))
    assert "oracle_maintained" not in source and "'SYS', 'SYSTEM'" in source
    assert "u.oracle_maintained = 'Y'" in Access(V12).procedure(wanted(WRAPPER))


def test_its_refusals_are_refusals_to_the_modules() -> None:
    assert {Oracle().classify(code) for code in REFUSALS} == {REFUSED}
    assert Oracle().classify(20001) == OTHER
    source = Access(V19).procedure(wanted(WRAPPER))
    assert all(f"refuse({code}, " in source for code in REFUSALS)


# --- the script


def test_the_script_is_one_for_sql_plus() -> None:
    want = wanted(WRAPPER, state="script", password=None, login_user=None)
    server = Access(V19)
    made = due(want, server=server)
    lines = server.script(made.statements, want).splitlines()
    assert 'CREATE USER DBOPS IDENTIFIED BY "&account_password";' in lines
    assert any(line.startswith("ACCEPT account_password CHAR PROMPT") and line.endswith(" HIDE") for line in lines)
    assert lines[lines.index("END;") + 1] == "/" and lines.count("/") == 1
    assert lines.index("SET DEFINE OFF") < lines.index(f"CREATE OR REPLACE PROCEDURE {WRAPPER} (")
    for statement in made.statements[1:]:
        assert statement.text.splitlines()[0] in "\n".join(lines)
    assert lines[-1] == f"GRANT EXECUTE ON {WRAPPER} TO DBOPS;"
    after_users = lines[lines.index("CREATE USER DBOPS_OWNER NO AUTHENTICATION ACCOUNT LOCK;") :]
    assert after_users[1] == "WHENEVER SQLERROR EXIT FAILURE" and "WHENEVER SQLERROR CONTINUE" not in after_users


def test_a_statement_shows_what_it_may() -> None:
    assert str(Statement("GRANT A TO B")) == "GRANT A TO B"
    assert str(Statement("secret", "shown")) == "shown" and "secret" not in repr(Statement("secret", "shown"))


# --- bad input


@pytest.mark.parametrize(
    ("options", "procedure", "sentence"),
    [
        ({"name": "my user"}, None, "name: 'my user' is not the name of a user"),
        ({"name": 'X" IDENTIFIED BY'}, None, "is not the name of a user"),
        ({"name": "proxy[dbops]"}, None, "is not the name of a user"),
        ({"password": ""}, None, "password: it is empty"),
        ({"password": 'a"b'}, None, "password: it is empty, or has a character"),
        ({"password": "a\nb"}, None, "password: it is empty, or has a character"),
        ({"login_user": "DBOPS"}, None, "name: DBOPS is the user that logs in here"),
        ({}, "DBOPS.END_SESSION", "via_procedure: its owner has ALTER SYSTEM, which DBOPS is to do without"),
        ({"only_users": ["A"]}, None, "only_users: only the wrapper can hold to it"),
        ({"only_users": []}, WRAPPER, "only_users: it is an empty list"),
        ({"only_users": ["*"]}, WRAPPER, "only_users: '\\*' fits everybody"),
        ({"only_users": [""]}, WRAPPER, "only_users: it is empty"),
        ({"only_users": [None]}, WRAPPER, "only_users: it is null"),
        ({"only_users": ["~A.*"]}, WRAPPER, "only_users: the wrapper knows no regular expressions"),
        ({"only_users": ["A\nB"]}, WRAPPER, "has a character that no user name can have"),
        ({"only_users": [True]}, WRAPPER, "only_users: True is not text"),
    ],
)
def test_what_nobody_can_have_meant_is_refused(options: dict[str, Any], procedure: str | None, sentence: str) -> None:
    with pytest.raises(BadOption, match=sentence) as caught:
        wanted(procedure, **options)
    assert SECRET not in str(caught.value) and 'a"b' not in str(caught.value)


@pytest.mark.parametrize(
    ("users", "options", "sentence"),
    [
        ({"DBOPS": User(maintained=True)}, {}, "name: DBOPS belongs to the database itself"),
        ({"DBOPS_OWNER": User(maintained=True)}, {}, "via_procedure: DBOPS_OWNER belongs to the database itself"),
        ({}, {"password": None}, "password: DBOPS does not exist"),
    ],
)
def test_some_users_are_not_ours_to_set_up(users: dict[str, User], options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadOption, match=sentence):
        due(wanted(WRAPPER, **options), Present(users))


def test_an_account_that_is_there_needs_no_password() -> None:
    assert not any("CREATE USER" in text for text in texts(due(wanted(password=None), Present({"DBOPS": User()}))))


def test_one_that_ends_nothing_gets_no_wrapper() -> None:
    assert wanted(WRAPPER, features=["sql_text"]).procedure is None


@pytest.mark.parametrize(("text", "version"), [("19", (19,)), ("12.2", (12, 2)), ("11.2.0.4.0", (11, 2, 0, 4, 0))])
def test_a_release(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", [None, "", "19c", "19;", "1.2.3.4.5.6"])
def test_what_is_no_release(text: str | None) -> None:
    with pytest.raises(BadOption, match="server_version"):
        parse_version(text)
