# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles and grants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.oracle_server.memory import START, Memory

from servers.oracle import accounts, rights, sga
from servers.oracle.errors import OracleError
from servers.oracle.rights import Rights
from servers.oracle.tables import Object, Session, SysGrant, User

SYS, PDB = Rights("SYS", 0), Rights("SYS", 3)


@pytest.fixture
def plain(tmp_path: Path) -> Memory:
    """A database without containers, with three users."""
    memory = Memory(tmp_path, pdbs=())
    for name in ("SCOTT", "ADAMS", "OPS"):
        accounts.create_user(memory.connection, SYS, name, b"secret")
    return memory


@pytest.fixture
def cdb(tmp_path: Path) -> Memory:
    return Memory(tmp_path)


def code_of(action: Callable[..., Any], *arguments: Any, **options: Any) -> int:
    """The number of the error, 0 without any."""
    try:
        action(*arguments, **options)
    except OracleError as error:
        return error.code
    return 0


def of(memory: Memory, user: str, con_id: int = 0) -> Rights:
    return rights.rights_of(memory.connection, user, con_id)


# ---- users


def test_a_user_is_made_changed_and_dropped(plain: Memory) -> None:
    c = plain.connection
    user = rights.find_user(c, "SCOTT", 0)
    assert user is not None
    assert (user.verifiers, user.locked, user.common, user.oracle_maintained) == (b"secret", 0, 0, 0)
    accounts.alter_user(c, SYS, "SCOTT", verifiers=b"new", locked=True)
    user = rights.find_user(c, "SCOTT", 0)
    assert user is not None
    assert (user.verifiers, user.locked) == (b"new", 1)
    assert user.lock_date is not None
    assert accounts.drop_user(c, SYS, "SCOTT") == []
    assert rights.find_user(c, "SCOTT", 0) is None
    assert code_of(accounts.alter_user, c, SYS, "SCOTT", locked=False) == 1918
    assert code_of(accounts.drop_user, c, SYS, "SCOTT") == 1918


def test_a_name_is_taken_once(plain: Memory) -> None:
    c = plain.connection
    assert code_of(accounts.create_user, c, SYS, "SCOTT", None) == 1920
    assert code_of(accounts.create_user, c, SYS, "DBA", None) == 1920
    assert code_of(accounts.create_role, c, SYS, "SCOTT") == 1921


def test_everybody_changes_the_own_password_only(plain: Memory) -> None:
    c, scott = plain.connection, of(plain, "SCOTT")
    accounts.alter_user(c, scott, "SCOTT", verifiers=b"mine")
    assert code_of(accounts.alter_user, c, scott, "SCOTT", locked=True) == 1031
    assert code_of(accounts.alter_user, c, scott, "ADAMS", verifiers=b"x") == 1031
    for command in (accounts.create_user, accounts.create_role):
        assert code_of(command, c, scott, "X", *([None] if command is accounts.create_user else [])) == 1031
    assert code_of(accounts.drop_user, c, scott, "ADAMS") == 1031
    assert code_of(accounts.alter_user, c, of(plain, "SYSTEM"), "SYS", verifiers=b"x") == 1031


def test_a_connected_user_is_not_dropped(plain: Memory) -> None:
    session = plain.session(username="SCOTT")
    assert code_of(accounts.drop_user, plain.connection, SYS, "SCOTT") == 1940
    sga.delete(plain.connection, Session, sid=session.sid)
    assert code_of(accounts.drop_user, plain.connection, SYS, "SCOTT") == 0


def test_objects_go_only_with_cascade(plain: Memory) -> None:
    c = plain.connection
    plain.add(Object(77, 0, "SCOTT", "EMP", "TABLE", START, START))
    target = rights.find_object(c, SYS, "SCOTT", None, "EMP")
    accounts.grant(c, SYS, ["SELECT"], ["ADAMS"], target=target)
    assert code_of(accounts.drop_user, c, SYS, "SCOTT") == 1922
    assert [found.id for found in accounts.drop_user(c, SYS, "SCOTT", cascade=True)] == [77]
    assert plain.rows("DBA_TAB_PRIVS", "OWNER = 'SCOTT'") == []
    assert code_of(accounts.drop_user, c, SYS, "SYSTEM", cascade=True) == 28014


# ---- containers


@pytest.mark.parametrize(
    ("con_id", "name", "container", "code"),
    [
        (1, "APP", None, 65096),
        (1, "C##APP", None, 0),
        (1, "C##APP", "ALL", 0),
        (1, "C##APP", "CURRENT", 65049),
        (3, "APP", None, 0),
        (3, "APP", "CURRENT", 0),
        (3, "C##APP", None, 65094),
        (3, "APP", "ALL", 65050),
    ],
)
def test_names_of_common_and_local_users(cdb: Memory, con_id: int, name: str, container: str | None, code: int) -> None:
    made = Rights("SYS", con_id)
    assert code_of(accounts.create_user, cdb.connection, made, name, None, container=container) == code
    assert code_of(accounts.create_role, cdb.connection, made, name, container) == (1921 if code == 0 else code)
    user = rights.find_user(cdb.connection, name, con_id)
    assert (user is not None) == (code == 0)
    if user is not None:
        assert user.common == (con_id == 1)
        assert (rights.find_user(cdb.connection, name, 4) is not None) == (con_id == 1)


def test_a_grant_holds_in_its_container_or_in_all(cdb: Memory) -> None:
    c, root = cdb.connection, Rights("SYS", 1)
    accounts.create_user(c, root, "C##OPS", None)
    accounts.grant(c, root, ["CREATE SESSION"], ["C##OPS"])
    accounts.grant(c, root, ["ALTER SYSTEM"], ["C##OPS"], container="ALL")
    accounts.grant(c, PDB, ["CREATE TABLE"], ["C##OPS"])
    held = {con_id: rights.system_privileges(c, of(cdb, "C##OPS", con_id)) for con_id in (1, 3, 4)}
    assert held == {
        1: {"CREATE SESSION", "ALTER SYSTEM"},
        3: {"CREATE TABLE", "ALTER SYSTEM"},
        4: {"ALTER SYSTEM"},
    }
    assert code_of(accounts.grant, c, PDB, ["CREATE TABLE"], ["C##OPS"], container="ALL") == 65050
    assert code_of(accounts.revoke, c, root, ["ALTER SYSTEM"], ["C##OPS"]) == 1952
    accounts.revoke(c, root, ["ALTER SYSTEM"], ["C##OPS"], container="ALL")
    assert rights.system_privileges(c, of(cdb, "C##OPS", 4)) == frozenset()


def test_a_common_user_is_dropped_in_the_root(cdb: Memory) -> None:
    accounts.create_user(cdb.connection, Rights("SYS", 1), "C##OPS", None)
    assert code_of(accounts.drop_user, cdb.connection, PDB, "C##OPS") == 1031
    cdb.session(username="C##OPS", con_id=4)
    assert code_of(accounts.drop_user, cdb.connection, Rights("SYS", 1), "C##OPS") == 1940


# ---- privileges and roles


def test_system_privileges_are_given_and_taken(plain: Memory) -> None:
    c = plain.connection
    accounts.grant(c, SYS, ["ALTER SYSTEM", "CREATE SESSION"], ["SCOTT", "ADAMS"])
    accounts.grant(c, SYS, ["ALTER SYSTEM"], ["SCOTT"])
    assert rights.has_privilege(c, of(plain, "SCOTT"), "ALTER SYSTEM")
    rights.require(c, of(plain, "ADAMS"), "ALTER SYSTEM")
    accounts.revoke(c, SYS, ["ALTER SYSTEM"], ["SCOTT"])
    assert code_of(rights.require, c, of(plain, "SCOTT"), "ALTER SYSTEM") == 1031
    assert code_of(accounts.revoke, c, SYS, ["ALTER SYSTEM"], ["SCOTT"]) == 1952


@pytest.mark.parametrize(
    ("privileges", "grantees", "code"),
    [
        (["CREATE SESSION"], ["NOBODY"], 1917),
        (["NO_SUCH_ROLE"], ["SCOTT"], 1919),
        (["KILL ANY SESSION"], ["SCOTT"], 990),
        (["SELECT"], ["SCOTT"], 990),
        (["DBA"], ["PUBLIC"], 0),
        (["ALL PRIVILEGES"], ["SCOTT"], 0),
    ],
)
def test_what_cannot_be_granted(plain: Memory, privileges: list[str], grantees: list[str], code: int) -> None:
    assert code_of(accounts.grant, plain.connection, SYS, privileges, grantees) == code


def test_all_privileges_do_not_open_the_dictionary(plain: Memory) -> None:
    accounts.grant(plain.connection, SYS, ["ALL PRIVILEGES"], ["SCOTT"])
    held = rights.system_privileges(plain.connection, of(plain, "SCOTT"))
    assert "ALTER SYSTEM" in held
    assert held.isdisjoint({"SELECT ANY DICTIONARY", "SYSDBA"})


def test_roles_of_roles_count_and_not_in_definers_rights(plain: Memory) -> None:
    c = plain.connection
    for role in ("INNER_ROLE", "OUTER_ROLE"):
        accounts.create_role(c, SYS, role)
    accounts.grant(c, SYS, ["ALTER SYSTEM"], ["INNER_ROLE"])
    accounts.grant(c, SYS, ["INNER_ROLE"], ["OUTER_ROLE"])
    accounts.grant(c, SYS, ["OUTER_ROLE"], ["SCOTT"])
    # A circle does no harm.
    accounts.grant(c, SYS, ["OUTER_ROLE"], ["INNER_ROLE"])
    scott = of(plain, "SCOTT")
    assert scott.roles == {"INNER_ROLE", "OUTER_ROLE"}
    assert rights.has_privilege(c, scott, "ALTER SYSTEM")
    definer = rights.rights_of(c, "SCOTT", 0, roles_active=False)
    assert not rights.has_privilege(c, definer, "ALTER SYSTEM")
    accounts.drop_role(c, SYS, "INNER_ROLE")
    assert of(plain, "SCOTT").roles == {"OUTER_ROLE"}
    assert code_of(accounts.drop_role, c, SYS, "INNER_ROLE") == 1919
    assert code_of(accounts.drop_role, c, SYS, "DBA") == 1031
    assert code_of(accounts.revoke, c, SYS, ["OUTER_ROLE"], ["ADAMS"]) == 1951


def test_only_who_has_it_with_admin_option_passes_it_on(plain: Memory) -> None:
    c = plain.connection
    accounts.grant(c, SYS, ["ALTER SYSTEM"], ["SCOTT"])
    assert code_of(accounts.grant, c, of(plain, "SCOTT"), ["ALTER SYSTEM"], ["ADAMS"]) == 1031
    accounts.grant(c, SYS, ["ALTER SYSTEM"], ["SCOTT"], option=True)
    assert code_of(accounts.grant, c, of(plain, "SCOTT"), ["ALTER SYSTEM"], ["ADAMS"]) == 0
    accounts.grant(c, SYS, ["CREATE ROLE"], ["SCOTT"])
    accounts.create_role(c, of(plain, "SCOTT"), "HIS")
    assert code_of(accounts.grant, c, of(plain, "SCOTT"), ["HIS"], ["ADAMS"]) == 0
    assert code_of(accounts.grant, c, of(plain, "ADAMS"), ["HIS"], ["OPS"]) == 1932
    assert code_of(accounts.grant, c, of(plain, "SYSTEM"), ["SYSDBA"], ["OPS"]) == 1031


def test_a_failed_grant_changes_nothing(plain: Memory) -> None:
    before = sga.select(plain.connection, SysGrant)
    assert code_of(accounts.grant, plain.connection, SYS, ["CREATE TABLE", "NO_SUCH"], ["SCOTT"]) == 1919
    assert sga.select(plain.connection, SysGrant) == before


# ---- objects


@pytest.fixture
def objects(plain: Memory) -> Memory:
    plain.add(Object(70, 0, "SCOTT", "EMP", "TABLE", START, START))
    plain.add(Object(71, 0, "SCOTT", "KILL_IT", "PROCEDURE", START, START))
    return plain


@pytest.mark.parametrize(
    ("name", "privileges", "code"),
    [
        ("EMP", ["SELECT", "UPDATE"], 0),
        ("EMP", ["ALL"], 0),
        ("EMP", ["READ"], 0),
        ("EMP", ["EXECUTE"], 2224),
        ("EMP", ["FLY"], 990),
        ("KILL_IT", ["EXECUTE"], 0),
        ("KILL_IT", ["SELECT"], 2225),
    ],
)
def test_privileges_on_objects(objects: Memory, name: str, privileges: list[str], code: int) -> None:
    c, scott = objects.connection, of(objects, "SCOTT")
    target = rights.find_object(c, scott, "SCOTT", None, name)
    assert code_of(accounts.grant, c, scott, privileges, ["ADAMS"], target=target) == code
    held = rights.object_privileges(c, of(objects, "ADAMS"), "SCOTT", name)
    assert bool(held) == (code == 0)


def test_require_object_tells_hidden_from_forbidden(objects: Memory) -> None:
    c, scott = objects.connection, of(objects, "SCOTT")
    target = rights.find_object(c, scott, "SCOTT", None, "EMP")
    assert code_of(rights.require_object, c, of(objects, "ADAMS"), "SCOTT", "EMP", "UPDATE") == 942
    accounts.grant(c, scott, ["SELECT"], ["ADAMS"], target=target)
    assert code_of(rights.require_object, c, of(objects, "ADAMS"), "SCOTT", "EMP", "UPDATE") == 1031
    assert code_of(rights.require_object, c, of(objects, "ADAMS"), "SCOTT", "EMP", "SELECT") == 0
    assert code_of(rights.require_object, c, scott, "SCOTT", "EMP", "DELETE") == 0
    accounts.grant(c, SYS, ["UPDATE ANY TABLE", "EXECUTE ANY PROCEDURE"], ["OPS"])
    assert rights.object_privileges(c, of(objects, "OPS"), "SCOTT", "EMP") == {"UPDATE", "EXECUTE"}


def test_who_may_grant_on_an_object(objects: Memory) -> None:
    c, scott = objects.connection, of(objects, "SCOTT")
    target = rights.find_object(c, scott, "SCOTT", None, "EMP")
    assert code_of(accounts.grant, c, of(objects, "ADAMS"), ["SELECT"], ["OPS"], target=target) == 942
    accounts.grant(c, scott, ["SELECT"], ["ADAMS"], target=target)
    assert code_of(accounts.grant, c, of(objects, "ADAMS"), ["SELECT"], ["OPS"], target=target) == 1031
    accounts.grant(c, scott, ["SELECT"], ["ADAMS"], target=target, option=True)
    assert code_of(accounts.grant, c, of(objects, "ADAMS"), ["SELECT"], ["OPS"], target=target) == 0
    assert code_of(accounts.grant, c, of(objects, "SYSTEM"), ["SELECT"], ["OPS"], target=target) == 0
    accounts.create_role(c, SYS, "R")
    assert code_of(accounts.grant, c, scott, ["SELECT"], ["R"], target=target, option=True) == 1926
    accounts.revoke(c, scott, ["SELECT"], ["ADAMS"], target=target)
    assert code_of(accounts.revoke, c, scott, ["SELECT"], ["ADAMS"], target=target) == 1927


def test_only_sys_grants_its_views(plain: Memory) -> None:
    c = plain.connection
    view = rights.find_object(c, of(plain, "SYSTEM"), "SYSTEM", None, "V$SESSION")
    assert (view.owner, view.name) == ("SYS", "V_$SESSION")
    assert code_of(accounts.grant, c, of(plain, "SYSTEM"), ["SELECT"], ["SCOTT"], target=view) == 1031
    assert code_of(accounts.grant, c, SYS, ["SELECT"], ["SCOTT"], target=view) == 0


def test_read_is_younger_than_11_2(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "11.2.0.4.0", pdbs=())
    accounts.create_user(memory.connection, SYS, "SCOTT", None)
    view = rights.find_object(memory.connection, SYS, "SYS", None, "V_$SESSION")
    assert code_of(accounts.grant, memory.connection, SYS, ["READ"], ["SCOTT"], target=view) == 990


# ---- logging in


def test_who_may_log_on(plain: Memory) -> None:
    c = plain.connection

    def logon(name: str, mode: str = "default") -> int:
        user = rights.find_user(c, name, 0)
        assert user is not None
        return code_of(rights.check_logon, c, user, 0, mode)

    assert logon("SCOTT") == 1045
    accounts.grant(c, SYS, ["CONNECT"], ["SCOTT"])
    assert logon("SCOTT") == 0
    accounts.alter_user(c, SYS, "SCOTT", locked=True)
    assert logon("SCOTT") == 28000
    assert logon("SYSTEM") == 0
    assert logon("SYS") == 28009
    assert logon("SYS", "sysdba") == 0
    assert logon("ADAMS", "sysdba") == 1031
    accounts.grant(c, SYS, ["SYSBACKUP"], ["ADAMS"])
    assert logon("ADAMS", "sysbackup") == 0
    assert logon("ADAMS", "sysdba") == 1031


def test_proxy_users(plain: Memory) -> None:
    c = plain.connection
    assert not rights.may_proxy(c, "OPS", "SCOTT", 0)
    accounts.grant_proxy(c, SYS, "SCOTT", "OPS")
    accounts.grant_proxy(c, SYS, "SCOTT", "OPS")
    assert rights.may_proxy(c, "OPS", "SCOTT", 0)
    assert [(row["PROXY"], row["CLIENT"]) for row in plain.rows("PROXY_USERS")] == [("OPS", "SCOTT")]
    accounts.grant_proxy(c, SYS, "SCOTT", "OPS", give=False)
    assert not rights.may_proxy(c, "OPS", "SCOTT", 0)
    assert code_of(accounts.grant_proxy, c, SYS, "NOBODY", "OPS") == 1918


def test_predefined_accounts_are_marked(cdb: Memory, tmp_path_factory: pytest.TempPathFactory) -> None:
    users = {user.name: user for user in sga.select(cdb.connection, User)}
    assert {"SYS", "SYSTEM", "DBSNMP", "SYSBACKUP", "SYSDG", "SYSKM", "SYSRAC"} <= set(users)
    assert all(user.oracle_maintained and user.common and user.con_id == 1 for user in users.values())
    old = Memory(tmp_path_factory.mktemp("old"), "11.2.0.4.0", pdbs=())
    assert rights.find_user(old.connection, "SYSBACKUP", 0) is None
    assert rights.has_privilege(cdb.connection, of(cdb, "SYSTEM", 3), "ALTER SYSTEM")
    assert not rights.has_privilege(cdb.connection, of(cdb, "DBSNMP", 3), "ALTER SYSTEM")
