# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, and what a login leaves behind."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest
from integration.oceanbase_server.life import PASSWORD, Account, Client
from pymysql._auth import scramble_native_password
from pymysql.constants import CLIENT

from servers.actors import wait_until
from servers.oceanbase.handle import ORACLE_CLIENT, OceanBaseServer

TESTS = Path(__file__).resolve().parents[2]


def refused(server: OceanBaseServer, **login: Any) -> tuple[int, str]:
    with pytest.raises(pymysql.err.Error) as caught:
        server.connect(**login)
    return caught.value.args


@pytest.mark.parametrize("user", ["SYS", "sys", '"SYS"', "SYS@shop", "SYS@shop#cluster", "cluster:shop:SYS"])
def test_ways_to_name_oneself(server: OceanBaseServer, user: str) -> None:
    with server.connect(user=user) as connection:
        assert Client(connection).value("SELECT USER FROM DUAL") == "SYS"


def test_a_client_that_does_not_know_oracle_mode_is_told_so(server: OceanBaseServer) -> None:
    before = len(server.sql("SHOW PROCESSLIST"))
    number, text = refused(server, client_flag=0)
    assert (number, text) == (1235, "Oracle tenant for current client driver is not supported")
    assert len(server.sql("SHOW PROCESSLIST")) == before


def test_the_password_is_looked_at_before_the_client(server: OceanBaseServer) -> None:
    assert refused(server, client_flag=0, password="wrong")[0] == 1045


@pytest.mark.parametrize(
    "login", [{"password": "wrong"}, {"password": ""}, {"user": "NOBODY"}, {"tenant": "nowhere"}, {"user": "CONNECT"}]
)
def test_a_wrong_name_or_password(server: OceanBaseServer, login: Account) -> None:
    number, text = refused(server, **login)
    assert number == 1045 and text.startswith(f"Access denied for user '{login.get('user', 'SYS')}'")


def test_a_user_needs_a_privilege_to_log_in(server: OceanBaseServer) -> None:
    server.create_user("locked_out", PASSWORD, ())
    number, text = refused(server, user="LOCKED_OUT", password=PASSWORD)
    assert (number, text) == (1045, "OBE-01045: user LOCKED_OUT lacks CREATE SESSION privilege; logon denied")


def test_the_tenant_of_all_tenants_takes_every_client(server: OceanBaseServer) -> None:
    with server.connect(user="ROOT", tenant="sys", client_flag=0) as connection:
        assert Client(connection).value("SELECT USER FROM DUAL") == "ROOT"


def test_a_bit_with_another_meaning_in_mysql_is_not_offered(server: OceanBaseServer) -> None:
    connection: Any = server.connect()
    with connection:
        assert not connection.server_capabilities & ORACLE_CLIENT
        assert connection.get_server_info() == f"5.7.25-OceanBase-v{server.options.version}"


def test_a_client_that_offers_another_proof_is_asked_for_this_one(server: OceanBaseServer) -> None:
    """As clients of MySQL 8 do, which guess the proof that is usual there."""
    flags = CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH | ORACLE_CLIENT
    offer = struct.pack("<IIB23x", flags, 2**24 - 1, 45) + b"SYS@shop\0" + b"\x04none" + b"caching_sha2_password\0"
    with socket.create_connection((server.host, server.port)) as raw:
        _packet(raw)
        raw.sendall(struct.pack("<I", len(offer) | 1 << 24) + offer)
        kind, plugin, nonce = _packet(raw).partition(b"mysql_native_password\0")
        assert kind == b"\xfe" and plugin
        proof = scramble_native_password(server.password.encode(), nonce[:20])
        raw.sendall(struct.pack("<I", len(proof) | 3 << 24) + proof)
        assert _packet(raw)[:1] == b"\0", "an OK"


def _packet(raw: socket.socket) -> bytes:
    (header,) = struct.unpack("<I", raw.recv(4, socket.MSG_WAITALL))
    return raw.recv(header & 0xFFFFFF, socket.MSG_WAITALL)


def test_the_id_of_the_login_is_that_of_the_session(client: Callable[..., Client]) -> None:
    one = client()
    number = one.connection.thread_id()
    assert number > 2**31
    assert one.value("SELECT SYS_CONTEXT('USERENV', 'SID') FROM DUAL") == str(number)
    assert one.value("SELECT USERENV('SESSIONID') FROM DUAL") == str(number)
    assert one.value(f"SELECT COUNT(*) FROM GV$OB_PROCESSLIST WHERE ID = {number}") == 1


def test_the_next_logins_get_the_ids_that_a_test_wants(server: OceanBaseServer, client: Callable[..., Client]) -> None:
    server.next_session_id(3221487722)
    server.next_session_id(7)
    assert [client().connection.thread_id() for _turn in range(2)] == [3221487722, 7]


def test_hanging_up_takes_the_session_away(server: OceanBaseServer) -> None:
    before = len(server.sql("SHOW PROCESSLIST"))
    polite, rude = server.connect(), server.connect()
    polite.close()
    rude._force_close()  # type: ignore[attr-defined]
    wait_until(lambda: len(server.sql("SHOW PROCESSLIST")) == before, what="two sessions to go")


def test_what_is_no_statement_of_the_protocol(client: Callable[..., Client]) -> None:
    one = client()
    one.connection.ping(reconnect=False)
    with pytest.raises(pymysql.err.Error) as caught:
        one.connection.select_db("test")
    assert caught.value.args[0] == 1047 and one.value("SELECT 1 FROM DUAL") == 1


# --- the server itself


@pytest.mark.parametrize("proxy", [None, "v1", "v2"])
def test_a_stopped_server_leaves_no_thread_and_no_port(proxy: str | None) -> None:
    before = set(threading.enumerate())
    with OceanBaseServer(proxy=proxy) as server:
        ports = {server.port, server.direct_port}
        clients = [server.connect(), server.connect(port=server.direct_port)]
        busy = threading.Thread(target=Client(server.connect()).code, args=("CALL DBMS_LOCK.SLEEP(3600)",))
        busy.start()
    busy.join()
    assert set(threading.enumerate()) == before and len(ports) == (1 if proxy is None else 2)
    for client in clients:
        assert Client(client).code("SELECT 1 FROM DUAL") == "cut"
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, port))
    with pytest.raises(RuntimeError):
        server.set_policy("linger", 1)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "end of input"])
def test_by_hand(end: str) -> None:
    options = json.dumps({"version": "4.2.5.0", "proxy": "v1", "tenant": "till", "policies": {"linger": 1}})
    command = [sys.executable, "-m", "servers.oceanbase", "--options", options, "--password", "p w"]
    with subprocess.Popen(
        command, env={"PYTHONPATH": str(TESTS)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["pid"] == process.pid and told["direct_port"] != told["port"]
        with pymysql.connect(
            host=told["host"], port=told["port"], user=told["user"], password="p w", client_flag=ORACLE_CLIENT
        ) as connection:
            assert told["user"] == "SYS@till"
            assert Client(connection).value("SELECT OB_VERSION() FROM DUAL") == "4.2.5.0"
        if end == "end of input":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, end))
        assert process.wait(10) == 0


def test_by_hand_with_options_that_there_are_not() -> None:
    command = [sys.executable, "-m", "servers.oceanbase", "--options", '{"proxy": "v3"}']
    done = subprocess.run(command, env={"PYTHONPATH": str(TESTS)}, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "not 'v3'" in done.stderr
