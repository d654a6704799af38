# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to Oracle Database: what works, and what a failed login says. Nothing secret is ever shown."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.oracle_actors import Session
from servers.proxy import SilentServer
from servers.real_oracle import RealOracle
from servers.seekdb import free_port

Server = OracleServer | RealOracle
Run = Callable[..., dict[str, Any]]
User = dict[str, str]


def as_user(user: User) -> dict[str, str]:
    return {"login_user": user["user"], "login_password": user["password"]}


def address(server: Server) -> tuple[str, int, str]:
    where, _slash, service = server.dsn.partition("/")
    host, _colon, port = where.rpartition(":")
    return host, int(port), service


def descriptor(server: Server) -> str:
    host, port, service = address(server)
    return f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))(CONNECT_DATA=(SERVICE_NAME={service})))"


def assert_lists(result: dict[str, Any], session: Session) -> None:
    assert not result["failed"], result["msg"]
    assert (session.sid, session.serial) in {(row["sid"], row["serial"]) for row in result["sessions"]}


def own_user(result: dict[str, Any]) -> str:
    (row,) = (row for row in result["sessions"] if row["own"])
    return str(row["username"])


@pytest.fixture(scope="module")
def reader(create_user: Callable[..., User]) -> User:
    return create_user("SELECT_CATALOG_ROLE")


# --- ways in


def test_easy_connect_descriptor_and_alias(
    server: Server, run_module: Run, reader: User, db_user: User, tmp_path: Path
) -> None:
    (tmp_path / "tnsnames.ora").write_text(f"shop.example.com =\n  {descriptor(server)}\n")
    with actors.idle(server, **db_user) as session:
        for options in (
            {"login_dsn": server.dsn},
            {"login_dsn": f"  //{server.dsn} "},
            {"login_dsn": descriptor(server)},
            {"login_dsn": "SHOP.example.com", "login_config_dir": str(tmp_path)},
        ):
            assert_lists(run_module("session_info", {**as_user(reader), **options}), session)
        killed = run_module("session_kill", {"sid": session.sid, "serial": session.serial, **options})
        assert not killed["failed"] and not session.alive()


def test_a_password_of_any_characters(
    server: Server, run_module: Run, db_user: User, create_user: Callable[..., User]
) -> None:
    password = "it's @a/b: {{ c }} \\ $d %e; --"
    user = create_user("SELECT_CATALOG_ROLE")
    server.sql(f'ALTER USER {user["user"]} IDENTIFIED BY "{password}"')
    with actors.idle(server, **db_user) as session:
        result = run_module("session_info", {"login_user": user["user"], "login_password": password})
        assert_lists(result, session)
        wrong = run_module("session_info", {"login_user": user["user"], "login_password": password[:-1]})
        assert wrong["failed"] and wrong["msg"].startswith("login_password: ")
        assert password[:-1] not in json.dumps(wrong)


def test_a_proxy_user_acts_as_its_target(server: Server, run_module: Run, create_user: Callable[..., User]) -> None:
    target, proxy = create_user("SELECT_CATALOG_ROLE", "ALTER SYSTEM"), create_user()
    victim_user = create_user()
    login = {"login_user": f"{proxy['user']}[{target['user']}]", "login_password": proxy["password"]}
    refused = run_module("session_info", login)
    assert refused["failed"] and "Traceback" not in refused["msg"]
    server.sql(f"ALTER USER {target['user']} GRANT CONNECT THROUGH {proxy['user']}")
    with actors.idle(server, **victim_user) as victim:
        result = run_module("session_info", login)
        assert_lists(result, victim)
        assert own_user(result) == target["user"]
        run_module("session_kill", {"sid": victim.sid, "serial": victim.serial, **login})
        assert not victim.alive()


def test_sysdba(stand_in: OracleServer, run_module: Run, db_user: User) -> None:
    login = {"login_user": "sys", "login_password": stand_in.password, "login_mode": "sysdba"}
    with actors.idle(stand_in, **db_user) as victim:
        assert own_user(run_module("session_info", login)) == "SYS"
        run_module("session_kill", {"sid": victim.sid, "serial": victim.serial, **login})
        assert not victim.alive()
        without = run_module("session_info", {**login, "login_mode": "default"})
        assert without["failed"] and without["msg"].startswith("login_mode: ")
        unasked = run_module("session_info", {**as_user(db_user), "login_mode": "sysdba"})
        assert unasked["failed"] and unasked["msg"].startswith(("login_mode: ", "login_password: "))


def test_what_our_session_calls_itself(
    server: Server, run_module: Run, start_module: Callable[..., Any], proxy: Any, through: dict[str, str]
) -> None:
    with proxy.hold(lambda text: "FROM v$session s" in text) as hold:
        module = start_module("session_info", {"comment": "CHG-1 '; {{ 1 }} ü" + "x" * 80, **through})
        hold.wait()
        # What is set on the connection goes with the next call, the one before this.
        ((module_name, identifier),) = server.sql(
            "SELECT module, client_identifier FROM v$session WHERE program = 'dbops.oracle_sessions'"
        )
        hold.release()
        assert not module.result()["failed"]
    assert module_name == "dbops.oracle_sessions" and identifier.startswith("CHG-1 '; {{ 1 }} ü")
    assert len(identifier.encode()) <= 64


# --- ways that lead nowhere: one sentence that names the option


@pytest.mark.parametrize(
    "options",
    [
        {"login_password": "wrong"},
        {"login_user": "NO_SUCH_USER_EVER"},
        {"login_password": ""},
    ],
)
def test_a_wrong_password_or_user(server: Server, run_module: Run, reader: User, options: dict[str, str]) -> None:
    result = run_module("session_info", {**as_user(reader), **options})
    assert result["failed"] and result["msg"].startswith(f"login_password: {server.dsn} refuses the login of ")
    assert result["msg"].endswith("check login_user and login_password.") and "\n" not in result["msg"]


def test_an_unknown_service_and_an_unknown_sid(server: Server, run_module: Run) -> None:
    host, port, _service = address(server)
    for dsn in (
        f"{host}:{port}/no_such_service",
        f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))(CONNECT_DATA=(SID=NOSUCH)))",
    ):
        result = run_module("session_info", {"login_dsn": dsn})
        assert result["failed"] and result["msg"].startswith(f"login_dsn: {dsn} has no such service ("), result["msg"]
        assert "lsnrctl" in result["msg"] and "\n" not in result["msg"]


def test_nobody_listens(run_module: Run) -> None:
    began = time.monotonic()
    result = run_module("session_info", {"login_dsn": f"127.0.0.1:{free_port()}/shop"})
    assert result["failed"] and result["msg"].startswith("login_dsn: no login at 127.0.0.1:")
    assert result["msg"].endswith("check the address, and that the listener and the database are up.")
    assert time.monotonic() - began < 5


def test_a_host_that_there_is_not(run_module: Run) -> None:
    result = run_module("session_info", {"login_dsn": "no-such-host.invalid:1521/shop", "login_timeout": 5})
    assert result["failed"] and result["msg"].startswith(("login_dsn: ", "login_timeout: "))


def test_a_listener_that_accepts_and_never_answers(run_module: Run) -> None:
    with SilentServer() as silent:
        began = time.monotonic()
        result = run_module("session_kill", {"sid": 1, "serial": 1, "login_dsn": f"{silent.dsn}/x", "login_timeout": 1})
        assert time.monotonic() - began < 4
    assert result["msg"] == (
        f"login_timeout: {silent.dsn}/x did not complete a login within 1 s; check login_dsn, or raise it."
    )


def test_a_login_that_hangs_half_way(run_module: Run, proxy: Any, through: dict[str, str]) -> None:
    """After the TCP connection and the listener's answer, where no timeout of the driver's own applies."""
    with proxy.hold(lambda _text: True) as hold:
        began = time.monotonic()
        result = run_module("session_info", {**through, "login_timeout": 1})
        assert time.monotonic() - began < 4 and result["msg"].startswith("login_timeout: ")
        hold.drop()


def test_something_else_listens(run_module: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            client, _address = other.accept()
            client.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
            client.recv(4096)
            client.close()

        threading.Thread(target=speak, daemon=True).start()
        dsn = f"127.0.0.1:{other.getsockname()[1]}/shop"
        result = run_module("session_info", {"login_dsn": dsn, "login_timeout": 3})
    assert result["failed"] and result["msg"].startswith(("login_dsn: no login at ", "login_timeout: "))


def test_locked_without_create_session_and_expired(
    server: Server, run_module: Run, create_user: Callable[..., User]
) -> None:
    locked, closed = create_user(), create_user(session=False)
    server.sql(f"ALTER USER {locked['user']} ACCOUNT LOCK")
    result = run_module("session_info", as_user(locked))
    assert result["failed"] and result["msg"].startswith(f"login_user: the account {locked['user']} is locked (")
    result = run_module("session_info", as_user(closed))
    assert result["failed"] and result["msg"].endswith(f"GRANT CREATE SESSION TO {closed['user']}.")


def test_a_database_that_is_not_open(stand_in: OracleServer, run_module: Run, reader: User) -> None:
    def become(status: str) -> None:
        with stand_in.memory() as connection:
            sga.update(connection, tables.Instance, {"status": status}, inst_id=1)

    become("MOUNTED")
    try:
        result = run_module("session_info", as_user(reader))
        assert result["failed"] and result["msg"].startswith(f"login_dsn: the database at {stand_in.dsn} is not open (")
    finally:
        become("OPEN")


def test_an_alias_that_there_is_not(run_module: Run, tmp_path: Path) -> None:
    result = run_module("session_info", {"login_dsn": "nowhere"})
    assert result["failed"] and result["msg"].startswith("login_config_dir: nowhere is no connect string"), result[
        "msg"
    ]
    (tmp_path / "tnsnames.ora").write_text("somewhere = (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=h)(PORT=1)))\n")
    result = run_module("session_info", {"login_dsn": "nowhere", "login_config_dir": str(tmp_path)})
    assert result["failed"] and result["msg"].startswith("login_config_dir: nowhere is no connect string"), result[
        "msg"
    ]
    result = run_module("session_info", {"login_dsn": "nowhere", "login_config_dir": str(tmp_path / "missing")})
    assert result["failed"] and result["msg"].startswith("login_config_dir: "), result["msg"]


@pytest.mark.parametrize(
    "dsn",
    [
        "(DESCRIPTION=garbage)",
        "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=h)(PORT=x)))",
        "(DESCRIPTION=(ADDRESS=(PROTOCOL=UDP)(HOST=h)(PORT=1)))",
        "db1:1521/shop:fast",
    ],
)
def test_a_connect_string_that_cannot_be_read(run_module: Run, dsn: str) -> None:
    result = run_module("session_info", {"login_dsn": dsn})
    assert result["failed"] and result["msg"].startswith(f"login_dsn: {dsn} cannot be read ("), result["msg"]
    assert result["msg"].endswith("write host:port/service, a TNS alias or a descriptor.")


def test_a_wallet_that_there_is_not(server: Server, run_module: Run, tmp_path: Path) -> None:
    options = {
        "login_dsn": f"tcps://{server.dsn}",
        "login_wallet_dir": str(tmp_path),
        "login_wallet_password": "h1dden",
    }
    result = run_module("session_info", options)
    assert result["failed"] and result["msg"].startswith("login_wallet_dir: the wallet cannot be read (wallet file ")
    assert "h1dden" not in json.dumps(result)


def test_thick_mode_without_its_libraries(run_module: Run, tmp_path: Path) -> None:
    result = run_module("session_info", {"login_thick_mode": True, "login_client_dir": str(tmp_path)})
    assert result["failed"] and result["msg"].startswith(
        "login_client_dir: the Oracle Client libraries cannot be loaded"
    )


@pytest.mark.parametrize("dsn", ["scott/tiger@db1:1521/shop", "(DESCRIPTION=(PASSWORD=tiger))", "db1/shop?pwd=tiger"])
def test_a_secret_in_the_dsn_is_refused_and_not_repeated(run_module: Run, dsn: str) -> None:
    result = run_module("session_info", {"login_dsn": dsn})
    assert result["msg"] == (
        "login_dsn: it must not carry a user or a password; give them in login_user and login_password."
    )


# --- what nobody is shown


def test_no_secret_is_shown_however_verbose_one_is(
    server: Server, run_ansible: Callable[..., Any], create_user: Callable[..., User], tmp_path: Path
) -> None:
    password = "it's@h1dden/really"
    user = create_user("SELECT_CATALOG_ROLE")
    server.sql(f'ALTER USER {user["user"]} IDENTIFIED BY "{password}"')
    host = {
        "oracle_sessions_login_dsn": server.dsn,
        "oracle_sessions_login_user": user["user"],
        "oracle_sessions_login_password": password,
        "ansible_python_interpreter": sys.executable,
    }
    module = "dbops.oracle_sessions.session_info"
    good = run_ansible({"db1": host}, "db1", "-m", module, "-vvvv", "--diff")
    assert good.code == 0, good.output
    wrong = run_ansible(
        {"db1": host | {"oracle_sessions_login_password": password + "!"}}, "db1", "-m", module, "-vvvv"
    )
    assert wrong.code != 0 and "login_password: " in wrong.output
    for play in (good, wrong):
        assert "h1dden" not in play.output


def test_no_traceback_of_ours(run_module: Run, server: Server) -> None:
    """A login whose failure nobody foresaw is one sentence as well."""
    host, port, service = address(server)
    for dsn in (f"{host}:{port}", f"{host}:0/{service}", f"tcps://{host}:{port}/{service}", f"[::1]:{port}/{service}"):
        result = run_module("session_info", {"login_dsn": dsn, "login_timeout": 3})
        assert result["failed"] and "Traceback" not in result["msg"], (dsn, result["msg"])
        assert result["msg"].split(":")[0].startswith("login_"), (dsn, result["msg"])
