# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, variables, errors, names of users and options of the stand-in."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from servers.oceanbase import errors, variables
from servers.oceanbase.accounts import Account, Accounts
from servers.oceanbase.observer import names_of
from servers.oceanbase.options import Options
from servers.oceanbase.views import views
from servers.oracle import command_parser
from servers.oracle.errors import OracleError

NONCE = b"12345678901234567890"


def scramble(password: bytes, nonce: bytes = NONCE) -> bytes:
    """What a client answers to the nonce, by the protocol's documentation."""
    once = hashlib.sha1(password).digest()
    mask = hashlib.sha1(nonce + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(["sys", "shop", "other"], "secret")


def run(accounts: Accounts, statement: str, tenant: str = "shop", caller: str = "SYS") -> None:
    account = accounts.find(tenant, caller)
    assert account is not None
    accounts.execute(tenant, account, command_parser.parse(statement))


def find(accounts: Accounts, name: str, tenant: str = "shop") -> Account:
    found = accounts.find(tenant, name)
    assert found is not None
    return found


# --- accounts


@pytest.mark.parametrize(
    ("password", "answer", "right"),
    [
        (b"secret", scramble(b"secret"), True),
        (b"secret", scramble(b"Secret"), False),
        (b"secret", scramble(b"secret", NONCE[::-1]), False),
        (b"secret", b"", False),
        (b"secret", b"short", False),
        (b"", b"", True),
        (b"", scramble(b""), False),
        (None, b"", False),
    ],
)
def test_a_password_is_proven(password: bytes | None, answer: bytes, right: bool) -> None:
    assert Account("A", password).logs_in_with(answer, NONCE) is right


def test_grants_of_all_kinds(accounts: Accounts) -> None:
    for statement in (
        "CREATE USER a IDENTIFIED BY pw",
        "CREATE ROLE r",
        "CREATE ROLE q",
        "GRANT SHOW PROCESS TO q",
        "GRANT q TO r",
        "GRANT r, CREATE SESSION TO a",
        "GRANT SELECT ON SYS.GV$OB_LOCKS TO r",
    ):
        run(accounts, statement)
    account = find(accounts, "A")
    assert account.has("CREATE SESSION") and account.has("SHOW PROCESS") and not account.has("ALTER SYSTEM")
    assert account.may("SELECT", "SYS", "GV$OB_LOCKS") and not account.may("DELETE", "SYS", "GV$OB_LOCKS")
    run(accounts, "REVOKE q FROM r")
    assert not account.has("SHOW PROCESS")
    run(accounts, "DROP ROLE r")
    assert not account.may("SELECT", "SYS", "GV$OB_LOCKS")
    assert accounts.find("other", "A") is None


def test_passwords_keep_their_case_and_a_role_cannot_log_in(accounts: Accounts) -> None:
    run(accounts, "CREATE USER a IDENTIFIED BY Pw1")
    run(accounts, 'CREATE USER b IDENTIFIED BY "p@ 1"')
    run(accounts, "ALTER USER a IDENTIFIED BY Pw2")
    assert (find(accounts, "A").password, find(accounts, "B").password) == (b"Pw2", b"p@ 1")
    assert find(accounts, "CONNECT").password is None


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("CREATE USER sys IDENTIFIED BY x", 1920),
        ("CREATE ROLE dba", 1921),
        ("DROP USER nobody", 1918),
        ("ALTER USER nobody IDENTIFIED BY x", 1918),
        ("DROP ROLE nobody", 1919),
        ("GRANT CREATE SESSION TO nobody", 1917),
        ("GRANT FLY TO sys", 1919),
        ("GRANT FLY HIGH TO sys", 990),
        ("GRANT sys TO sys", 1919),
        ("GRANT FLY ON t TO sys", 990),
    ],
)
def test_what_cannot_be_done(accounts: Accounts, statement: str, code: int) -> None:
    with pytest.raises(OracleError) as caught:
        run(accounts, statement)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "statement",
    ["CREATE USER b IDENTIFIED BY x", "DROP USER a", "GRANT ALTER SYSTEM TO a", "GRANT SELECT ON sys.t TO a",
     "ALTER USER sys IDENTIFIED BY x", "CREATE ROLE r", "DROP ROLE dba"],
)  # fmt: skip
def test_what_takes_a_privilege(accounts: Accounts, statement: str) -> None:
    run(accounts, "CREATE USER a IDENTIFIED BY x")
    with pytest.raises(OracleError) as caught:
        run(accounts, statement, caller="A")
    assert caught.value.code == 1031


def test_own_tables_and_the_own_password_are_one_s_own(accounts: Accounts) -> None:
    run(accounts, "CREATE USER a IDENTIFIED BY x")
    run(accounts, "GRANT SELECT ON t TO sys", caller="A")
    run(accounts, "ALTER USER a IDENTIFIED BY y", caller="A")
    assert find(accounts, "SYS").may("SELECT", "A", "T") and find(accounts, "A").password == b"y"


# --- names


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("SYS@shop", ("SYS", "shop")),
        ("kill_user@shop", ("KILL_USER", "shop")),
        ("sys@shop#cluster", ("SYS", "shop")),
        ("cluster:shop:sys", ("SYS", "shop")),
        ('"kill_user"@shop', ("kill_user", "shop")),
        ("a@b@shop", ("A@B", "shop")),
        ("root", ("ROOT", "sys")),
    ],
)
def test_a_login_names_user_and_tenant(login: str, names: tuple[str, str]) -> None:
    assert names_of(login) == names


# --- variables


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("ob_compatibility_mode", ["ob_compatibility_mode"]),
        ("OB_COMPATIBILITY_MODE", ["ob_compatibility_mode"]),
        ("ob%timeout", ["ob_query_timeout", "ob_trx_idle_timeout", "ob_trx_lock_timeout", "ob_trx_timeout"]),
        ("versio_", ["version"]),
        ("nosuch", []),
        ("version.*", []),
    ],
)
def test_variables_by_pattern(pattern: str, names: list[str]) -> None:
    assert [name for name, _value in variables.matching(variables.defaults("4.3.5.1", 1), pattern)] == names


def test_what_the_version_is_recognised_by() -> None:
    known = variables.defaults("4.3.5.1", 10)
    assert known["ob_compatibility_mode"] == "ORACLE" and known["ob_query_timeout"] == "10"
    assert re.fullmatch(r"OceanBase 4\.3\.5\.1 \(r\S+\) \(Built .*\)", known["version_comment"])


@pytest.mark.parametrize("name", ["nosuch", "version", "ob_compatibility_mode"])
def test_a_variable_that_cannot_be_set(name: str) -> None:
    with pytest.raises(errors.ServerError, match=re.escape(f"-5044, Unknown system variable '{name}'")):
        variables.changed(variables.defaults("4.3.5.1", 1), name, "x")


@pytest.mark.parametrize(("value", "kept"), [("1", "ON"), ("off", "OFF"), ("True", "ON"), ("2", "2")])
def test_a_switch_has_two_names_for_each_value(value: str, kept: str) -> None:
    assert variables.changed(variables.defaults("4.3.5.1", 1), "autocommit", value) == kept


# --- errors


@pytest.mark.parametrize(
    ("error", "number", "text"),
    [
        (errors.internal(-4174, 5), 600, "OBE-00600: internal error code, arguments: -4174, Unknown thread id: 5"),
        (
            errors.internal(-5251, 5),
            600,
            "OBE-00600: internal error code, arguments: -5251, You are not owner of thread 5",
        ),
        (
            errors.internal(-5065),
            600,
            "OBE-00600: internal error code, arguments: -5065, Query execution was interrupted",
        ),
        (errors.oracle(1092), 1092, "OBE-01092: OceanBase instance terminated. Disconnection forced"),
        (errors.oracle(1045, "A"), 1045, "OBE-01045: user A lacks CREATE SESSION privilege; logon denied"),
        (errors.mysql(1045, "A", "YES"), 1045, "Access denied for user 'A'@'xxx.xxx.xxx.xxx' (using password: YES)"),
        (errors.internal(-4016), 600, "OBE-00600: internal error code, arguments: -4016, Internal error"),
        (errors.oracle(1031), 1031, "OBE-01031: insufficient privileges"),
        (errors.oracle(30006), 30006, "OBE-30006: resource busy; acquire with WAIT timeout expired"),
        (errors.mysql(1094, 5), 1094, "Unknown thread id: 5"),
        (errors.mysql(1235), 1235, "Oracle tenant for current client driver is not supported"),
        (errors.of_engine(OracleError(942), ""), 942, "OBE-00942: table or view does not exist"),
    ],
)
def test_errors_as_a_client_gets_them(error: errors.ServerError, number: int, text: str) -> None:
    assert (error.number, error.text("OBE")) == (number, text)
    assert error.fatal == (number == 1092)


def test_a_syntax_error_says_where() -> None:
    error = errors.of_engine(OracleError(936, position=16), "SELECT\n1\nFROM a WHERE")
    assert error.text("ORA").endswith("right syntax to use near 'WHERE' at line 3")


# --- options


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "4.x"},
        {"error_prefix": "MY"},
        {"proxy": "v3"},
        {"proxy": "v2", "version": "4.2.1"},
        {"tenant": "sys"},
        {"nodes": 0},
    ],
)
def test_options_that_there_are_not(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Options(**wrong)


def test_before_4_errors_are_oracle_s() -> None:
    assert Options(version="3.2.4").prefix == "ORA" and Options().prefix == "OBE"
    assert Options.from_json('{"tenants": ["b"], "proxy": "v2"}') == Options(tenants=("b",), proxy="v2")


@pytest.mark.parametrize(
    ("version", "there", "missing"),
    [
        ((3, 2, 4), "DBA_OBJECTS", "GV$OB_PROCESSLIST"),
        ((4, 0), "V$OB_PROCESSLIST", "GV$OB_LOCKS"),
        ((4, 2, 0), "V$OB_LOCKS", "GV$OB_TRANSACTION_SCHEDULERS"),
        ((4, 2, 1), "V$OB_TRANSACTION_SCHEDULERS", "V$SESSION"),
    ],
)
def test_views_by_version(version: tuple[int, ...], there: str, missing: str) -> None:
    assert there in views(version) and missing not in views(version)


def test_columns_by_version() -> None:
    old, new = (
        [column.name for column in views(version)["GV$OB_PROCESSLIST"].source.columns] for version in ((4,), (4, 2))
    )
    assert "USER_CLIENT_PORT" not in old and "USER_CLIENT_PORT" in new and set(old) < set(new)
