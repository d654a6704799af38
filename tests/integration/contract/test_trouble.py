# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module says, and does not do, when something is broken: the driver, the login, the way, the server."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from servers.actors import Session
from servers.proxy import Proxy, SilentServer
from servers.seekdb import LOOPBACK, Seekdb, free_port

from .conftest import Acting, statements, untouched

Act = Callable[..., dict[str, Any]]
Make = Callable[..., list[Session]]

SNAPSHOT = "SELECT NOW(6)"


def said(result: dict[str, Any]) -> str:
    """The message of a task that failed before it could have done anything."""
    assert result["failed"] and not result.get("changed") and "Traceback" not in json.dumps(result), result
    return str(result["msg"])


# --- driver


@pytest.fixture
def without_driver(tmp_path: Path) -> Path:
    """A folder that offers every installed package but PyMySQL."""
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.lower().startswith("pymysql"):
            (tmp_path / package.name).symlink_to(package)
    return tmp_path


def only(folder: Path, act: Act, **options: Any) -> dict[str, Any]:
    """Runs the module with this folder in place of site-packages."""
    collections = Path(__file__).resolve().parents[3] / ".work" / "collections"
    return act(python=("-S",), env={"PYTHONPATH": f"{collections}:{folder}"}, **options)


def test_driver_missing(act: Act, rule: dict[str, Any], proxy: Proxy, without_driver: Path) -> None:
    message = said(only(without_driver, act, match=rule))
    assert "PyMySQL is not installed (No module named 'pymysql')" in message
    assert "install" in message and proxy.connections == 0


def test_driver_too_old(act: Act, rule: dict[str, Any], proxy: Proxy, without_driver: Path) -> None:
    source = Path(pymysql.__file__).parent
    old = shutil.copytree(source, without_driver / "pymysql", ignore=shutil.ignore_patterns("__pycache__"))
    text, replaced = re.subn(r"(?m)^VERSION = .*", "VERSION = (1, 1, 3, 'final')", (old / "__init__.py").read_text())
    assert replaced == 1
    (old / "__init__.py").write_text(text)
    assert "PyMySQL 1.1.3 is too old, 1.2.0 is needed" in said(only(without_driver, act, match=rule))
    assert proxy.connections == 0


# --- login


def test_wrong_password(act: Act, rule: dict[str, Any], proxy: Proxy, db_user: dict[str, str]) -> None:
    message = said(act(match=rule, login_user=db_user["user"], login_password="not-this-one"))
    assert message.startswith("login_password: ") and db_user["user"] in message
    assert "not-this-one" not in message and not proxy.queries


def test_unreachable(act: Act, rule: dict[str, Any]) -> None:
    dsn = f"{LOOPBACK}:{free_port()}"
    message = said(act(match=rule, login_dsn=dsn))
    assert message.startswith("login_dsn: ") and dsn in message
    assert said(act(match=rule, login_dsn="no-such-host.invalid:2881")).startswith("login_dsn: ")


def test_server_that_accepts_and_never_answers(act: Act, rule: dict[str, Any]) -> None:
    with SilentServer() as silent:
        start = time.monotonic()
        message = said(act(match=rule, login_dsn=silent.dsn, login_timeout=1))
    assert message.startswith("login_timeout: ") and "within 1 s" in message
    assert time.monotonic() - start < 5


def test_server_that_stops_answering(acting: Acting, act: Act, make: Make, rule: dict[str, Any], proxy: Proxy) -> None:
    (bystander,) = make()
    with ExitStack() as holds:
        for _turn in range(2):  # The lost connection is replaced once.
            holds.enter_context(proxy.hold(lambda text: SNAPSHOT in text))
        start = time.monotonic()
        message = said(act(match=rule, call_timeout=1))
        assert time.monotonic() - start < 6
        proxy.cut()
    assert message.startswith("call_timeout: the server did not answer within 1 s")
    assert untouched(bystander) and not statements(proxy)


def test_server_that_does_not_answer_once(acting: Acting, act: Act, make: Make, rule: Any, proxy: Proxy) -> None:
    (victim,) = make()
    with proxy.hold(lambda text: text.startswith(acting.of(victim))) as hold:
        result = act(match=rule, call_timeout=1)
        hold.drop()
    assert acting.dead(victim) and proxy.connections == 2
    assert not result["failed"] and result["counts"]["ended"] == 1


# --- privileges


def test_no_right_on_the_session_list(act: Act, make: Make, rule: Any, proxy: Proxy, create_user: Any) -> None:
    (bystander,) = make()
    account = create_user()
    message = said(act(match=rule, login_user=account["user"], login_password=account["password"]))
    assert "GRANT SELECT ON oceanbase.V$OB_PROCESSLIST" in message
    assert untouched(bystander) and not statements(proxy)


@pytest.mark.parametrize(
    ("condition", "option", "view"),
    [
        ({"blocked": False}, "blocked", "V$OB_LOCKS"),
        ({"locked_object": "*.T"}, "locked_object", "V$OB_LOCKS"),
        ({"transaction_age": 0}, "transaction_age", "V$OB_TRANSACTION_SCHEDULERS"),
    ],
)
@pytest.mark.parametrize("place", ["match", "exclude", "protect"])
def test_no_right_on_a_view_that_the_rule_needs(
    act: Act,
    make: Make,
    rule: Any,
    proxy: Proxy,
    create_user: Any,
    condition: dict[str, Any],
    option: str,
    view: str,
    place: str,
) -> None:
    (bystander,) = make()
    account = create_user("SELECT ON oceanbase.V$OB_PROCESSLIST")
    options: dict[str, Any] = (
        {"match": {**rule, **condition}} if place == "match" else {"match": rule, place: [condition]}
    )
    message = said(act(**options, login_user=account["user"], login_password=account["password"]))
    assert message.startswith(f"{option}: ") and f"GRANT SELECT ON oceanbase.{view}" in message
    assert untouched(bystander) and not statements(proxy)


def test_the_rights_that_are_asked_for_are_enough(
    acting: Acting, act: Act, make: Make, rule: Any, create_user: Any
) -> None:
    (victim,) = make()
    account = create_user("SELECT ON oceanbase.V$OB_PROCESSLIST")
    result = act(match=rule, login_user=account["user"], login_password=account["password"])
    assert not result["failed"] and acting.dead(victim)


# --- while it acts


def test_gone_before_the_second_look(
    acting: Acting, start_module: Any, make: Make, rule: Any, proxy: Proxy, server: Seekdb
) -> None:
    leaver, victim = make(2)
    with proxy.hold(lambda text: "WHERE ID IN" in text) as hold:
        running = start_module(acting.module, {"match": rule, "login_dsn": proxy.dsn})
        hold.wait()
        server.sql(f"KILL {leaver.id}")
        hold.release()
        result = running.result()
    assert acting.dead(victim) and statements(proxy) == [acting.of(victim)]
    assert {row["sid"]: row["outcome"] for row in result["sessions"]} == {leaver.id: "gone", victim.id: "ended"}
    assert not result["failed"] and result["changed"]


def test_gone_after_the_second_look(
    acting: Acting, start_module: Any, make: Make, rule: Any, proxy: Proxy, server: Seekdb
) -> None:
    first, leaver, last = make(3)
    with proxy.hold(lambda text: text.startswith("KILL")) as hold:
        running = start_module(acting.module, {"match": rule, "login_dsn": proxy.dsn})
        assert hold.wait().count("KILL") == 3, "one batch"
        server.sql(f"KILL {leaver.id}")
        hold.release()
        result = running.result()
    # The server stops at the statement it cannot carry out; what stands behind it goes out again, and nothing else.
    assert acting.dead(first) and acting.dead(last)
    assert statements(proxy)[3:] == [acting.of(last)]
    rows = {row["sid"]: row for row in result["sessions"]}
    assert [rows[each.id]["outcome"] for each in (first, leaver, last)] == ["ended", "gone", "ended"]
    assert rows[leaver.id]["error"]["code"] == 1094
    assert not result["failed"] and result["changed"]


@contextmanager
def misspelling(server: Seekdb, wrong: bytes, right: bytes) -> Iterator[str]:
    """A way to the server on which the first ``right`` becomes ``wrong``, of the same length; yields its address."""
    assert len(wrong) == len(right)
    door = socket.create_server((LOOPBACK, 0))

    def pass_on(source: socket.socket, target: socket.socket, spell: bool) -> None:
        with suppress(OSError):  # The other side has hung up.
            while chunk := source.recv(65536):
                target.sendall(chunk.replace(right, wrong) if spell else chunk)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        client, _address = door.accept()
        with client, socket.create_connection((server.host, server.port)) as upstream:
            back = threading.Thread(target=pass_on, args=(upstream, client, False), daemon=True)
            back.start()
            pass_on(client, upstream, True)
            back.join()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with door:
        yield f"{LOOPBACK}:{door.getsockname()[1]}"
        thread.join(10)


def test_one_of_three_fails(acting: Acting, act: Act, make: Make, rule: Any, server: Seekdb) -> None:
    # Accounts of seekdb may end every session, so the server's refusal of a single one comes from a damaged statement.
    first, spared, last = make(3)
    right = acting.of(spared).encode()
    wrong = right.replace(str(spared.id).encode(), b"x" + str(spared.id)[1:].encode())
    with misspelling(server, wrong, right) as dsn:
        result = act(match=rule, login_dsn=dsn)
    assert acting.dead(first) and acting.dead(last) and untouched(spared)
    assert result["failed"] and result["changed"]
    rows = {row["sid"]: row for row in result["sessions"]}
    assert [rows[each.id]["outcome"] for each in (first, spared, last)] == ["ended", "failed", "ended"]
    assert rows[spared.id]["error"]["code"] == 1054 and "x" in rows[spared.id]["error"]["message"]
    assert result["msg"].startswith(f"Session {spared.id} is failed: the server answered: ")
    assert result["counts"]["ended"] == 2 and result["counts"]["failed"] == 1


def test_an_unknown_id_that_is_listed_is_not_gone(acting: Acting, act: Act, make: Make, server: Seekdb) -> None:
    """A proxy with ids of its own answers "unknown thread id" for every id of the server's list."""
    (spared,) = make(1)
    right = acting.of(spared).encode()
    wrong = right.replace(str(spared.id).encode(), b"9" * len(str(spared.id)))
    with misspelling(server, wrong, right) as dsn:
        result = act(sid=spared.id, login_dsn=dsn)
    assert untouched(spared)
    (row,) = result["sessions"]
    assert (row["outcome"], row["error"]["code"]) == ("failed", 1094)
    assert "log in to the server directly, not through a proxy" in row["reason"] and result["failed"]


@contextmanager
def greeting(greeted: bytes) -> Iterator[str]:
    """Something that says this to its first client and hangs up; yields its address."""
    with socket.create_server((LOOPBACK, 0)) as door:

        def greet() -> None:
            client, _address = door.accept()
            with client:
                client.sendall(greeted)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield f"{LOOPBACK}:{door.getsockname()[1]}"
        thread.join(10)


@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 64])
def test_something_else_listens_there(act: Act, banner: bytes) -> None:
    with greeting(banner) as dsn:
        result = act(sid=1, login_dsn=dsn, login_timeout=5)
    assert result["failed"] and result["msg"].startswith("login_") and "exception" not in result


def test_an_oracle_mode_tenant_comes_with_a_later_version(act: Act) -> None:
    # An error packet with the code and the text of the server's source (obmp_connect), as the answer to the login.
    error = b"\xff\xd3\x04#0A000Oracle tenant for current client driver is not supported"
    with greeting(len(error).to_bytes(3, "little") + b"\x00" + error) as dsn:
        result = act(sid=1, login_dsn=dsn, login_user="SYS@shop")
    assert result["msg"].startswith("dialect: SYS@shop belongs to an Oracle-mode tenant")
    assert "comes with a later one" in result["msg"]
