# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to the Oracle stand-in, with the unmodified python-oracledb (thin) as the client."""

from __future__ import annotations

import os

import oracledb
import pytest
from integration.oracle_server.wire_backend import (
    HOST,
    V19,
    Backend,
    code_of,
)

from servers.oracle.errors import OracleError
from servers.oracle.requests import (
    Ping,
)
from servers.oracle.ttc import Channel, ConnectRequest, Settings


def test_login(any_backend: Backend) -> None:
    with any_backend.connect(program="check", machine="box", terminal="tty1", osuser="alice") as connection:
        assert connection.version == ".".join(map(str, any_backend.settings.version))
        assert (connection.session_id, connection.serial_num) == (12, 54321)
        assert (connection.service_name, connection.instance_name) == ("shop", "ORCL1")
        assert (connection.db_name, connection.db_domain) == ("ORCL", "example.com")
        assert connection.max_open_cursors == 300
        connection.ping()
    assert any_backend.requests == [Ping()]
    (wanted,), (login,) = any_backend.connects, any_backend.logins
    assert (wanted.service_name, wanted.sid, wanted.server, wanted.program) == ("shop", "", "DEDICATED", "check")
    assert (wanted.host, wanted.user) == ("box", "alice")
    assert (login.username, login.mode, login.target) == ("SCOTT", "", "")
    assert (login.program, login.machine, login.terminal, login.os_user) == ("check", "box", "tty1", "alice")
    assert login.pid == str(os.getpid())
    assert login.driver_name == f"python-oracledb thn : {oracledb.__version__}"
    assert login.alter_session.startswith("ALTER SESSION SET TIME_ZONE='")


@pytest.mark.parametrize("credentials", [{"password": "Tiger"}, {"user": "nobody"}, {"user": '"scott"'}])
def test_wrong_credentials(any_backend: Backend, credentials: dict[str, str]) -> None:
    with pytest.raises(oracledb.DatabaseError) as caught:
        any_backend.connect(**credentials)
    assert code_of(caught) == ("ORA-01017", 1017)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (oracledb.AUTH_MODE_SYSDBA, "SYSDBA"),
        (oracledb.AUTH_MODE_SYSOPER, "SYSOPER"),
        (oracledb.AUTH_MODE_SYSBKP, "SYSBACKUP"),
        (oracledb.AUTH_MODE_SYSDGD, "SYSDG"),
        (oracledb.AUTH_MODE_SYSKMT, "SYSKM"),
        (oracledb.AUTH_MODE_SYSRAC, "SYSRAC"),
    ],
)
def test_modes(backend: Backend, mode: oracledb.AuthMode, name: str) -> None:
    backend.connect(mode=mode).close()
    assert backend.logins[0].mode == name


def test_proxy_user_and_application_context(backend: Backend) -> None:
    context = [("shop", "role", "clerk"), ("shop", "desk", "7")]
    backend.connect(user="scott[app_owner]", appcontext=context, edition="e1").close()
    (login,) = backend.logins
    assert (login.username, login.target, login.edition, login.context) == ("SCOTT", "APP_OWNER", "e1", context)


def test_long_connect_descriptor(backend: Backend) -> None:
    with backend.connect(program="p" * 200, machine="m" * 60):
        pass
    assert backend.connects[0].program == backend.logins[0].program == "p" * 200


def test_sid_and_instance(backend: Backend) -> None:
    address = f"(ADDRESS=(PROTOCOL=tcp)(HOST={HOST})(PORT={backend.port}))"
    for data in ("(SID=ORCL1)", "(SERVICE_NAME=shop)(INSTANCE_NAME=ORCL2)(SERVER=shared)"):
        backend.connect(dsn=f"(DESCRIPTION={address}(CONNECT_DATA={data}))").close()
    one, other = backend.connects
    assert (one.sid, one.service_name) == ("ORCL1", "")
    assert (other.service_name, other.instance_name, other.server) == ("shop", "ORCL2", "SHARED")


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [(12514, "DPY-6001", 'Service "shop"'), (12505, "DPY-6003", "SID"), (12521, "DPY-6000", "ORA-12521")],
)
def test_refused(backend: Backend, number: int, code: str, text: str) -> None:
    def refuse(channel: Channel, wanted: ConnectRequest) -> bool:
        channel.refuse(number)
        return True

    backend.gate = refuse
    with pytest.raises(oracledb.OperationalError) as caught:
        backend.connect()
    assert code_of(caught) == ("DPY-6005", 0)
    assert code in str(caught.value) and text in str(caught.value)


def test_redirected(backend: Backend) -> None:
    with Backend(V19) as other:

        def redirect(channel: Channel, wanted: ConnectRequest) -> bool:
            channel.redirect(f"(ADDRESS=(PROTOCOL=TCP)(HOST={HOST})(PORT={other.port}))")
            return True

        backend.gate = redirect
        with backend.connect() as connection:
            connection.ping()
        assert (len(backend.connects), len(other.connects), backend.logins) == (1, 1, [])
        assert other.connects[0].redirected
        assert other.connects[0].service_name == "shop"


def test_the_driver_refuses_the_protocol_of_11_2() -> None:
    with Backend(Settings.of_release((11, 2, 0, 4, 0))) as backend:
        with pytest.raises(oracledb.OperationalError, match="DPY-3010"):
            backend.connect()


def test_login_that_fails_for_other_reasons(backend: Backend) -> None:
    def fail(channel: Channel, wanted: ConnectRequest) -> bool:
        channel.accept()
        channel.authenticate(backend._find)
        channel.fail(OracleError(28000))
        return True

    backend.gate = fail
    with pytest.raises(oracledb.DatabaseError) as caught:
        backend.connect()
    assert code_of(caught)[1] == 28000
