# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login options: what is taken, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.database import Login, parse_login
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

GOOD = {
    "login_dsn": "db1.example.com:2881",
    "login_user": "root@sys",
    "login_password": "tiger",
    "login_ca_cert": None,
    "login_timeout": 10,
    "call_timeout": "30",
    "comment": None,
}


def test_a_login() -> None:
    assert parse_login(GOOD) == Login("db1.example.com", 2881, "root@sys", "tiger", None, 10.0, 30.0, None)
    assert parse_login({**GOOD, "login_password": None}).password == ""
    assert parse_login({**GOOD, "call_timeout": "1m"}).call_timeout == 60.0


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
    login = parse_login({**GOOD, "login_dsn": dsn})
    assert (login.host, login.port) == (host, port)


@pytest.mark.parametrize(
    ("options", "option", "cure"),
    [
        ({"login_dsn": None}, "login_dsn", "set it in the task, in module_defaults, or as the host's variable"),
        ({"login_user": None}, "login_user", "set it in the task, in module_defaults, or as the host's variable"),
        ({"login_dsn": ""}, "login_dsn", "give it a value"),
        ({"login_dsn": 2881}, "login_dsn", "put it in quotes"),
        ({"login_dsn": "db1"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "db1:"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": ":2881"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "db1:0"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "db1:65536"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "db1:2881 "}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "db1:2881\n"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "::1:2881"}, "login_dsn", "write it such as db1.example.com:2881"),
        ({"login_dsn": "db1:2881/sys"}, "login_dsn", "it takes host:port only"),
        ({"login_user": " "}, "login_user", "give it a value"),
        ({"login_timeout": "10x"}, "login_timeout", "such as 90, 15m or 2h"),
        ({"login_timeout": True}, "login_timeout", "such as 90, 15m or 2h"),
        ({"login_timeout": -1}, "login_timeout", "such as 90, 15m or 2h"),
        ({"login_timeout": 0}, "login_timeout", "it must be longer than 0 s"),
        ({"call_timeout": "0s"}, "call_timeout", "it must be longer than 0 s"),
        ({"call_timeout": 1e300}, "call_timeout", "such as 90, 15m or 2h"),
    ],
)
def test_bad_logins(options: dict[str, Any], option: str, cure: str) -> None:
    with pytest.raises(BadOption) as error:
        parse_login({**GOOD, **options})
    assert error.value.option == option
    assert str(error.value).startswith(f"{option}: ")
    assert cure in str(error.value)


@pytest.mark.parametrize("dsn", ["root/s3cret@db1:2881", "root:s3cret@db1:2881"])
def test_a_dsn_that_carries_a_password_is_refused_without_showing_it(dsn: str) -> None:
    with pytest.raises(BadOption, match=r"^login_dsn: it takes host:port only; give user and password in ") as error:
        parse_login({**GOOD, "login_dsn": dsn})
    assert "s3cret" not in str(error.value)


def test_a_login_does_not_show_its_password() -> None:
    assert repr(parse_login(GOOD)) == "Login(root@sys at db1.example.com:2881)"
    assert "tiger" not in f"{parse_login(GOOD)}"
