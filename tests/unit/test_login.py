# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login options: what is taken, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.registry import find
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import (
    MODES,
    Login,
    parse_oceanbase_login,
    parse_oracle_login,
    parse_procedure,
    shown_secret,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.options import LOGIN
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

# What a module hands over: every option, with its default where it was not given.
DEFAULTS = {name: spec.get("default") for name, spec in LOGIN.items()}
OCEANBASE = {
    **DEFAULTS,
    "login_dsn": "db1.example.com:2881",
    "login_user": "root@sys",
    "login_password": "tiger",
    "login_timeout": 10,
    "call_timeout": "30",
}
ORACLE = {**OCEANBASE, "login_dsn": "db1.example.com:1521/SHOP", "login_user": "dba"}
Parse = Callable[[dict[str, Any]], Login]
BOTH = [(parse_oceanbase_login, OCEANBASE), (parse_oracle_login, ORACLE)]


def refused(parse: Parse, options: dict[str, Any]) -> BadOption:
    with pytest.raises(BadOption) as error:
        parse(options)
    assert str(error.value).startswith(f"{error.value.option}: ")
    assert "\n" not in str(error.value)
    assert "tiger" not in str(error.value)
    return error.value


# --- both


@pytest.mark.parametrize(("parse", "good"), BOTH)
def test_what_every_login_has(parse: Parse, good: dict[str, Any]) -> None:
    login = parse({**good, "comment": "CHG-1"})
    assert (login.dsn, login.user, login.password) == (good["login_dsn"], good["login_user"], "tiger")
    assert (login.login_timeout, login.call_timeout, login.comment) == (10.0, 30.0, "CHG-1")
    assert parse({**good, "login_password": None}).password == ""
    assert parse({**good, "call_timeout": "1m"}).call_timeout == 60.0


@pytest.mark.parametrize(
    ("options", "option", "cure"),
    [
        ({"login_dsn": None}, "login_dsn", "set it in the task, in module_defaults, or as the host's variable"),
        ({"login_user": None}, "login_user", "set it in the task, in module_defaults, or as the host's variable"),
        ({"login_dsn": ""}, "login_dsn", "give it a value"),
        ({"login_dsn": 2881}, "login_dsn", "put it in quotes"),
        ({"login_user": " "}, "login_user", "give it a value"),
        ({"login_user": 7}, "login_user", "put it in quotes"),
        ({"login_timeout": "10x"}, "login_timeout", "such as 90, 15m or 2h"),
        ({"login_timeout": True}, "login_timeout", "such as 90, 15m or 2h"),
        ({"login_timeout": -1}, "login_timeout", "such as 90, 15m or 2h"),
        ({"login_timeout": 0}, "login_timeout", "it must be longer than 0 s"),
        ({"call_timeout": "0s"}, "call_timeout", "it must be longer than 0 s"),
        ({"call_timeout": 1e300}, "call_timeout", "such as 90, 15m or 2h"),
    ],
)
@pytest.mark.parametrize(("parse", "good"), BOTH)
def test_bad_logins(parse: Parse, good: dict[str, Any], options: dict[str, Any], option: str, cure: str) -> None:
    error = refused(parse, {**good, **options})
    assert error.option == option
    assert cure in str(error)


@pytest.mark.parametrize(
    "dsn",
    [
        "root/s3cret@db1:2881",
        "root:s3cret@db1:2881",
        "dba/s3cret@//db1:1521/SHOP",
        "dba/s3cret@SHOP",
        "@s3cret",
        "tcps://db1:2484/SHOP?wallet_location=/w&wallet_password=s3cret",
        "db1:1521/SHOP?PWD=s3cret",
        "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcps)(HOST=db1)(PORT=2484))(SECURITY=(WALLET_PASSWORD=s3cret)))",
        "(DESCRIPTION=(ADDRESS=(HOST=db1))(CONNECT_DATA=(PASSWD = s3cret)(SERVICE_NAME=SHOP)))",
    ],
)
@pytest.mark.parametrize(("parse", "good"), BOTH)
def test_a_dsn_that_carries_a_secret_is_refused_without_showing_it(
    parse: Parse, good: dict[str, Any], dsn: str
) -> None:
    error = refused(parse, {**good, "login_dsn": dsn})
    assert str(error) == shown_secret({"login_dsn": dsn})
    assert error.option == "login_dsn"
    assert "s3cret" not in str(error) and "give them in login_user and login_password" in str(error)


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["@", "/S3cret@", "password=", "pwd=", "PASSWD"]))
def test_no_text_around_a_secret_hides_it(before: str, after: str, mark: str) -> None:
    for parse, good in BOTH:
        error = refused(parse, {**good, "login_dsn": f"db1{before}{mark}S3cret{after}"})
        assert "S3cret" not in str(error)


@pytest.mark.parametrize(("parse", "good"), BOTH)
def test_a_login_does_not_show_its_secrets(parse: Parse, good: dict[str, Any]) -> None:
    login = parse(good)
    assert repr(login) == f"Login({good['login_user']} at {good['login_dsn']})"
    walleted = parse_oracle_login({**ORACLE, "login_wallet_dir": "/w", "login_wallet_password": "w4llet"})
    for shown in (repr(login), f"{login}", f"{walleted}", repr({"login": walleted})):
        assert "tiger" not in shown and "w4llet" not in shown


def test_each_dialect_reads_its_own_options() -> None:
    for name, oracle_mode in (("oceanbase", None), ("oceanbase_mysql", False), ("oceanbase_oracle", True)):
        expected = replace(parse_oceanbase_login(OCEANBASE), oracle_mode=oracle_mode)
        assert find(name).parse_login(OCEANBASE) == expected
    for name in ("oracle", "oracle_rds"):
        assert find(name).parse_login(ORACLE) == parse_oracle_login(ORACLE)
        assert refused(find(name).parse_login, {**ORACLE, "via_procedure": "x"}).option == "via_procedure"


# --- OceanBase


def test_a_login_to_oceanbase() -> None:
    assert parse_oceanbase_login({**OCEANBASE, "login_ca_cert": "/ca.pem"}) == Login(
        dsn="db1.example.com:2881",
        user="root@sys",
        password="tiger",
        login_timeout=10.0,
        call_timeout=30.0,
        host="db1.example.com",
        port=2881,
        ca_cert="/ca.pem",
    )


@pytest.mark.parametrize(
    ("dsn", "host", "port"),
    [
        ("127.0.0.1:2881", "127.0.0.1", 2881),
        ("[::1]:2881", "::1", 2881),
        ("[fe80::1]:1", "fe80::1", 1),
        ("db-1_a:65535", "db-1_a", 65535),
    ],
)
def test_addresses(dsn: str, host: str, port: int) -> None:
    login = parse_oceanbase_login({**OCEANBASE, "login_dsn": dsn})
    assert (login.host, login.port) == (host, port)


@pytest.mark.parametrize(
    "dsn", ["db1", "db1:", ":2881", "db1:0", "db1:65536", "db1:2881 ", "db1:2881\n", "::1:2881", "db1:2881/sys"]
)
def test_bad_addresses(dsn: str) -> None:
    error = refused(parse_oceanbase_login, {**OCEANBASE, "login_dsn": dsn})
    assert error.option == "login_dsn"
    assert "is not host:port; write it such as db1.example.com:2881" in str(error)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("login_external_auth", True),
        ("login_wallet_dir", "/w"),
        ("login_wallet_password", "tiger"),
        ("login_config_dir", "/tns"),
        ("login_thick_mode", True),
        ("login_client_dir", "/client"),
        ("via_procedure", "DBOPS.END_SESSION"),
        ("login_mode", "sysdba"),
    ],
)
def test_what_only_oracle_has(option: str, value: Any) -> None:
    parse_oracle_login({**ORACLE, "login_thick_mode": True, "login_password": None, option: value})
    error = refused(parse_oceanbase_login, {**OCEANBASE, option: value})
    assert error.option == option
    assert "leave it out" in str(error)


# --- Oracle Database


def test_a_login_to_oracle_database() -> None:
    options = {
        **ORACLE,
        "login_mode": "sysdba",
        "login_wallet_dir": "/w",
        "login_wallet_password": "w4llet",
        "login_config_dir": "/tns",
        "login_thick_mode": True,
        "login_client_dir": "/client",
    }
    assert parse_oracle_login(options) == Login(
        dsn="db1.example.com:1521/SHOP",
        user="dba",
        password="tiger",
        login_timeout=10.0,
        call_timeout=30.0,
        mode="sysdba",
        wallet_dir="/w",
        wallet_password="w4llet",
        config_dir="/tns",
        thick_mode=True,
        client_dir="/client",
    )
    plain = parse_oracle_login(ORACLE)
    assert (plain.mode, plain.external_auth, plain.thick_mode, plain.host, plain.port) == (
        "default",
        False,
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    "dsn",
    [
        "db1:1521/SHOP",
        "//db1/SHOP",
        "[::1]:1521/SHOP",
        "SHOP_HIGH",
        "tcps://db1:2484/SHOP?ssl_server_dn_match=on",
        " (DESCRIPTION=\n (ADDRESS=(PROTOCOL=tcp)(HOST=db1)(PORT=1521))\n (CONNECT_DATA=(SERVICE_NAME=SHOP)))\n",
    ],
)
def test_connect_strings_of_every_kind(dsn: str) -> None:
    assert shown_secret({"login_dsn": dsn}) is None
    assert parse_oracle_login({**ORACLE, "login_dsn": dsn}).dsn == dsn.strip()


@pytest.mark.parametrize(("parse", "good"), BOTH)
def test_a_user_that_carries_a_password_is_refused_without_showing_it(parse: Parse, good: dict[str, Any]) -> None:
    error = refused(parse, {**good, "login_user": "scott/s3cret"})
    assert str(error) == shown_secret({"login_user": "scott/s3cret"})
    assert error.option == "login_user" and "s3cret" not in str(error) and "login_password" in str(error)
    assert shown_secret({"login_user": '"odd/name"'}) is None


def test_every_mode_of_the_contract() -> None:
    assert MODES == tuple("default sysdba sysoper sysbackup sysdg syskm sysrac".split())
    for mode in MODES:
        assert parse_oracle_login({**ORACLE, "login_mode": mode}).mode == mode
    assert parse_oracle_login({**ORACLE, "login_mode": None}).mode == "default"
    for mode in ("SYSDBA", "sysasm", "dba"):
        error = refused(parse_oracle_login, {**ORACLE, "login_mode": mode})
        assert str(error) == f"login_mode: '{mode}' is not a mode; use one of {', '.join(MODES)}."


def test_external_authentication_needs_no_user_and_has_no_password() -> None:
    external = {**ORACLE, "login_external_auth": True, "login_password": None}
    assert parse_oracle_login({**external, "login_user": None}).user is None
    assert parse_oracle_login({**external, "login_user": "[app]"}).user == "[app]"
    error = refused(parse_oracle_login, {**external, "login_password": "tiger"})
    assert str(error) == "login_password: with login_external_auth there is none; leave one of them out."


def test_what_would_have_no_effect_is_refused() -> None:
    error = refused(parse_oracle_login, {**ORACLE, "login_client_dir": "/client"})
    assert error.option == "login_client_dir" and "set login_thick_mode: true, or leave it out" in str(error)
    error = refused(parse_oracle_login, {**ORACLE, "login_ca_cert": "/ca.pem"})
    assert error.option == "login_ca_cert" and "it is for OceanBase" in str(error) and "login_wallet_dir" in str(error)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (None, None),
        ("dbops.end_session", "DBOPS.END_SESSION"),
        ("DBOPS.END_SESSION", "DBOPS.END_SESSION"),
        ("c$x#1.p_$#", "C$X#1.P_$#"),
    ],
)
def test_the_wrapper(name: str | None, found: str | None) -> None:
    assert parse_procedure({"via_procedure": name}) == found


@pytest.mark.parametrize(
    "name",
    [
        "",
        "end_session",
        "a.b.c",
        "dbops.end_session ",
        "dbops.end_session\n",
        "dbops.end_session;",
        "dbops.end_session(1); DROP USER x --",
        '"dbops"."end_session"',
        "1a.b",
        "a.1b",
        "dböps.end",
        f"a.{'b' * 129}",
        True,
        7,
    ],
)
def test_what_is_no_name_of_a_wrapper(name: Any) -> None:
    error = refused(parse_procedure, {"via_procedure": name})  # type: ignore[arg-type]
    assert error.option == "via_procedure"
    assert "is not owner.name; write it such as DBOPS.END_SESSION" in str(error)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_other_text_reaches_a_statement(name: str) -> None:
    try:
        found = parse_procedure({"via_procedure": name})
    except BadOption:
        return
    assert found is not None
    owner, procedure = found.split(".")
    for part in (owner, procedure):
        assert part[0].isalpha() and part.isascii()
        assert part.replace("_", "").replace("$", "").replace("#", "").isalnum()
