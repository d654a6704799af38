# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module says, and does not do, when something is broken: the driver, the login, the way, the server."""

from __future__ import annotations

import importlib.util
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

import pytest

from servers.proxy import SilentServer
from servers.seekdb import LOOPBACK, free_port

from ..conftest import COLLECTIONS
from ..sites import Acting, Hidden, Site, Wire
from .conftest import nothing_sent, sent, untouched

# A fork of PyMySQL.
FORK = "pyoceanbase"

Act = Callable[..., dict[str, Any]]
Make = Callable[..., list[Any]]


def said(result: dict[str, Any]) -> str:
    """The message of a task that failed before it could have done anything."""
    assert result["failed"] and not result.get("changed") and "Traceback" not in json.dumps(result), result
    return str(result["msg"])


def outcomes(result: dict[str, Any]) -> dict[int, str]:
    return {row["sid"]: row["outcome"] for row in result["sessions"]}


# --- driver


@pytest.fixture
def without_driver(site: Site, tmp_path: Path) -> Path:
    """A folder that offers every installed package but the driver and its fork."""
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.lower().startswith((site.driver.package, FORK)):
            (tmp_path / package.name).symlink_to(package)
    return tmp_path


def only(folder: Path, act: Act, **options: Any) -> dict[str, Any]:
    """Runs the module with this folder in place of site-packages."""
    return act(python=("-S",), env={"PYTHONPATH": f"{COLLECTIONS}:{folder}"}, **options)


@pytest.mark.shared
def test_driver_missing(act: Act, rule: dict[str, Any], site: Site, proxy: Wire, without_driver: Path) -> None:
    message = said(only(without_driver, act, match=rule))
    assert f"{site.driver.name} is not installed (No module named '{site.driver.package}')" in message
    assert "install" in message and proxy.connections == 0


@pytest.mark.shared
def test_driver_too_old(act: Act, rule: dict[str, Any], site: Site, proxy: Wire, without_driver: Path) -> None:
    driver = site.driver
    found = importlib.util.find_spec(driver.package)
    assert found is not None and found.origin is not None
    source = Path(found.origin).parent
    old = shutil.copytree(source, without_driver / driver.package, ignore=shutil.ignore_patterns("__pycache__"))
    file = old / driver.version_file
    text, replaced = re.subn(driver.version_line, driver.old_line, file.read_text())
    assert replaced == 1
    file.write_text(text)
    message = said(only(without_driver, act, match=rule))
    assert f"{driver.name} {driver.old} is too old, {driver.needed} is needed" in message
    assert proxy.connections == 0


@pytest.mark.only("oceanbase", "oceanbase_oracle")
def test_a_fork_of_the_driver_will_do(act: Act, rule: dict[str, Any], make: Make, without_driver: Path) -> None:
    found = importlib.util.find_spec(FORK)
    assert found is not None and found.origin is not None
    (without_driver / FORK).symlink_to(Path(found.origin).parent)
    (victim,) = make()
    assert outcomes(only(without_driver, act, match=rule)) == {victim.id: "ended"}


# --- login


@pytest.mark.shared
def test_wrong_password(act: Act, rule: dict[str, Any], proxy: Wire, db_user: dict[str, str]) -> None:
    message = said(act(match=rule, login_user=db_user["user"], login_password="not-this-one"))
    assert message.startswith("login_password: ") and db_user["user"] in message
    assert "not-this-one" not in message and not proxy.asked()


@pytest.mark.shared
def test_unreachable(act: Act, rule: dict[str, Any], site: Site) -> None:
    dsn = site.dsn_at(f"{LOOPBACK}:{free_port()}")
    message = said(act(match=rule, login_dsn=dsn))
    assert message.startswith("login_dsn: ") and dsn in message
    nowhere = site.dsn_at("no-such-host.invalid:2881")
    assert said(act(match=rule, login_dsn=nowhere)).startswith("login_dsn: ")


@pytest.mark.shared
def test_server_that_accepts_and_never_answers(act: Act, rule: dict[str, Any], site: Site) -> None:
    with SilentServer() as silent:
        start = time.monotonic()
        message = said(act(match=rule, login_dsn=site.dsn_at(silent.dsn), login_timeout=1))
    assert message.startswith("login_timeout: ") and "within 1 s" in message
    assert time.monotonic() - start < 5


@pytest.mark.shared
def test_server_that_stops_answering(act: Act, make: Make, rule: dict[str, Any], site: Site, proxy: Wire) -> None:
    (bystander,) = make()
    with ExitStack() as holds:
        for _turn in range(2):  # The lost connection is replaced once.
            holds.enter_context(proxy.hold(site.is_snapshot))
        start = time.monotonic()
        message = said(act(match=rule, call_timeout=1))
        assert time.monotonic() - start < site.patience
        proxy.cut()
    assert message.startswith("call_timeout: the server did not answer within 1 s")
    assert untouched(bystander) and nothing_sent(proxy)


def test_server_that_does_not_answer_once(acting: Acting, act: Act, make: Make, rule: Any, proxy: Wire) -> None:
    (victim,) = make()
    with proxy.hold(lambda text: acting.of(victim) in text) as hold:
        result = act(match=rule, call_timeout=1)
        hold.drop()
    assert acting.dead(victim) and proxy.connections == 2
    assert not result["failed"] and result["counts"]["ended"] == 1


# --- privileges


def test_no_right_on_the_session_list(act: Act, make: Make, rule: Any, site: Site, proxy: Wire) -> None:
    (bystander,) = make()
    for grants, told in site.too_little:
        assert told in said(act(match=rule, **site.as_account(site.create_user(grants))))
    assert untouched(bystander) and nothing_sent(proxy)


@pytest.mark.shared
@pytest.mark.parametrize("place", ["match", "exclude", "protect"])
def test_no_right_on_a_view_that_the_rule_needs(
    act: Act, make: Make, rule: Any, site: Site, proxy: Wire, hidden: Hidden, place: str
) -> None:
    (bystander,) = make()
    options: dict[str, Any] = (
        {"match": {**rule, **hidden.condition}} if place == "match" else {"match": rule, place: [hidden.condition]}
    )
    message = said(act(**options, **site.as_account(site.create_user(site.least))))
    assert message.startswith(f"{hidden.option}: ") and f"GRANT SELECT ON {hidden.view}" in message
    assert untouched(bystander) and nothing_sent(proxy)


def test_the_rights_that_are_asked_for_are_enough(acting: Acting, act: Act, make: Make, rule: Any, site: Site) -> None:
    (victim,) = make()
    result = act(match=rule, **site.as_account(site.create_user(site.least)))
    assert not result["failed"] and acting.dead(victim)


@pytest.mark.only("oracle")
@pytest.mark.parametrize("view", ["V_$PROCESS", "V_$PX_SESSION"])
def test_no_right_on_what_the_guards_need(act: Act, make: Make, rule: Any, site: Site, proxy: Wire, view: str) -> None:
    (bystander,) = make()
    grants = tuple(grant for grant in site.least if not grant.endswith(view))
    result = act(match=rule, **site.as_account(site.create_user(grants)))
    assert untouched(bystander) and nothing_sent(proxy) and not result["changed"]
    assert outcomes(result) == {bystander.id: "refused"}
    assert f"GRANT SELECT ON SYS.{view}" in result["sessions"][0]["reason"]


@pytest.mark.only("oracle")
def test_no_right_to_act(act: Act, make: Make, rule: Any, site: Site) -> None:
    (bystander,) = make()
    grants = [grant for grant in site.least if grant != "ALTER SYSTEM"]
    result = act(match=rule, **site.as_account(site.create_user(grants)))
    assert untouched(bystander) and result["failed"] and not result["changed"]
    assert outcomes(result) == {bystander.id: "failed"}
    assert "GRANT ALTER SYSTEM TO the login user" in result["msg"]


# --- while it acts


def test_gone_before_the_last_look(
    acting: Acting, start_module: Any, make: Make, rule: Any, site: Site, proxy: Wire
) -> None:
    leaver, victim = make(2)
    with proxy.hold(site.is_look) as hold:
        running = start_module(acting.module, {"match": rule, "login_dsn": proxy.dsn})
        hold.wait()
        site.kill(leaver)
        hold.release()
        result = running.result()
    assert acting.dead(victim) and sent(proxy, [acting.of(victim)])
    assert outcomes(result) == {leaver.id: "gone", victim.id: "ended"}
    assert not result["failed"] and result["changed"]


@pytest.mark.only("oceanbase", "oceanbase_oracle")
def test_gone_after_the_second_look(
    acting: Acting, start_module: Any, make: Make, rule: Any, site: Site, proxy: Wire
) -> None:
    first, leaver, last = make(3)
    with proxy.hold(site.is_act) as hold:
        running = start_module(acting.module, {"match": rule, "login_dsn": proxy.dsn})
        assert hold.wait().count("KILL") == (3 if site.batched else 1)  # type: ignore[attr-defined]
        site.kill(leaver)
        hold.release()
        result = running.result()
    # The server stops at the statement it cannot carry out; what stands behind it goes out again, and nothing else.
    assert acting.dead(first) and acting.dead(last)
    again = [acting.of(last)] * site.batched  # type: ignore[attr-defined]
    assert sent(proxy, [*map(acting.of, (first, leaver, last)), *again])
    rows = {row["sid"]: row for row in result["sessions"]}
    assert [rows[each.id]["outcome"] for each in (first, leaver, last)] == ["ended", "gone", "ended"]
    assert rows[leaver.id]["error"]["code"] == site.gone  # type: ignore[attr-defined]
    assert not result["failed"] and result["changed"]


@pytest.mark.only("oracle")
def test_one_that_is_gone_does_not_hold_up_the_others(
    acting: Acting, start_module: Any, make: Make, rule: Any, site: Site, proxy: Wire
) -> None:
    first, leaver, last = make(3)
    with proxy.hold(site.is_act) as hold:
        running = start_module(acting.module, {"match": rule, "login_dsn": proxy.dsn})
        hold.wait()
        site.kill(leaver)
        hold.release()
        result = running.result()
    assert acting.dead(first) and acting.dead(last) and sent(proxy, [acting.of(first), acting.of(last)])
    assert outcomes(result) == {first.id: "ended", leaver.id: "gone", last.id: "ended"}
    assert not result["failed"] and result["changed"]


@contextmanager
def misspelling(site: Site, wrong: bytes, right: bytes) -> Iterator[str]:
    """A way to the server on which ``right`` becomes ``wrong``, of the same length; yields its login_dsn."""
    assert len(wrong) == len(right)
    door = socket.create_server((LOOPBACK, 0))

    def pass_on(source: socket.socket, target: socket.socket, spell: bool) -> None:
        with suppress(OSError):  # The other side has hung up.
            while chunk := source.recv(65536):
                target.sendall(chunk.replace(right, wrong) if spell else chunk)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        client, _address = door.accept()
        with client, socket.create_connection(site.address) as upstream:
            back = threading.Thread(target=pass_on, args=(upstream, client, False), daemon=True)
            back.start()
            pass_on(client, upstream, True)
            back.join()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with door:
        yield site.dsn_at(f"{LOOPBACK}:{door.getsockname()[1]}")
        thread.join(10)


def test_one_of_three_fails(acting: Acting, act: Act, make: Make, rule: Any, site: Site) -> None:
    # The administrator may end every session, so the server's refusal of a single one comes from a damaged statement.
    first, spared, last = make(3)
    right = acting.of(spared).encode()
    wrong = right.replace(str(spared.id).encode(), b"x" + str(spared.id)[1:].encode(), 1)
    with misspelling(site, wrong, right) as dsn:
        result = act(match=rule, login_dsn=dsn)
    assert acting.dead(first) and acting.dead(last) and untouched(spared)
    assert result["failed"] and result["changed"]
    rows = {row["sid"]: row for row in result["sessions"]}
    assert [rows[each.id]["outcome"] for each in (first, spared, last)] == ["ended", "failed", "ended"]
    error, garbled = rows[spared.id]["error"], site.garbled[acting.verb]
    assert error["code"] == garbled.code and garbled.told in error["message"]
    assert result["msg"].startswith(f"Session {site.shown(spared)} is failed: the server ")
    assert result["counts"]["ended"] == 2 and result["counts"]["failed"] == 1


def test_an_unknown_id_that_is_listed_is_not_gone(acting: Acting, act: Act, make: Make, site: Site) -> None:
    """A proxy with ids of its own answers "unknown thread id" for every id of the server's list; Oracle Database answers so
    where a session is in another container than we are.
    """
    (spared,) = make(1)
    right = acting.of(spared).encode()
    wrong = right.replace(str(spared.id).encode(), b"9" * len(str(spared.id)), 1)
    with misspelling(site, wrong, right) as dsn:
        result = act(**acting.named(spared), login_dsn=dsn)
    assert untouched(spared)
    (row,) = result["sessions"]
    assert (row["outcome"], row["error"]["code"]) == ("failed", site.unknown.code)
    assert site.unknown.told in row["reason"] and result["failed"]


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


@pytest.mark.shared
@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 64])
def test_something_else_listens_there(act: Act, site: Site, banner: bytes) -> None:
    with greeting(banner) as address:
        result = act(**site.somebody, login_dsn=site.dsn_at(address), login_timeout=5)
    assert result["failed"] and result["msg"].startswith("login_") and "exception" not in result


@pytest.mark.only("oceanbase")
def test_a_tenant_of_the_other_mode_is_told_how_to_be_reached(act: Act) -> None:
    # An error packet with the code and the text of the server's source (obmp_connect), as the answer to the login.
    error = b"\xff\xd3\x04#0A000Oracle tenant for current client driver is not supported"
    for dialect, sentence in (
        ("oceanbase_mysql", "dialect: SYS@shop belongs to a tenant in Oracle mode ("),
        ("oceanbase_oracle", "login_dsn: "),
    ):
        with greeting(len(error).to_bytes(3, "little") + b"\x00" + error) as dsn:
            result = act(sid=1, login_dsn=dsn, login_user="SYS@shop", dialect=dialect)
        assert result["failed"] and result["msg"].startswith(sentence)
        cure = (
            "set dialect to oceanbase_oracle" if dialect == "oceanbase_mysql" else "give the address of a server itself"
        )
        assert cure in result["msg"]
