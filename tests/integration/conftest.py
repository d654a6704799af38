# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server, and the two ways to run our modules against it: alone, and under Ansible's controller."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from servers import actors, host_programs
from servers.actors import Session
from servers.hosts import DatabaseHosts
from servers.oceanbase.handle import OceanBaseServer
from servers.proxy import Proxy
from servers.seekdb import Seekdb

HERE = Path(__file__).resolve().parent
COLLECTIONS = HERE.parents[1] / ".work" / "collections"
PASSWORD = "Tr0ub4dor&3"
MODULE_SECONDS = 120.0

_S = TypeVar("_S", bound=Session)


@pytest.fixture(scope="session")
def server(mysql_mode_server: Seekdb) -> Seekdb:
    """The server, unless a file of tests says that it is about another one."""
    return mysql_mode_server


@pytest.fixture(scope="session")
def mysql_mode_server() -> Iterator[Seekdb]:
    with Seekdb() as running:
        # The first call of a PL package loads them all, which takes 5 s on a new server: longer than tests let calls last.
        running.sql("CALL DBMS_APPLICATION_INFO.SET_MODULE('warm-up', '')")
        yield running


@pytest.fixture(scope="session")
def oracle_mode_server() -> Iterator[OceanBaseServer]:
    """The stand-in for an OceanBase tenant in Oracle mode."""
    with OceanBaseServer() as running:
        yield running


@pytest.fixture
def proxy(server: Seekdb) -> Iterator[Proxy]:
    """A way to the server that records every statement."""
    with Proxy(server.host, server.port, record=True) as running:
        yield running


@pytest.fixture(scope="session")
def create_user(server: Seekdb) -> Callable[..., dict[str, str]]:
    """``create_user(*grants)``: a new account, as the arguments that every actor takes."""
    numbers = itertools.count(1)

    def create(*grants: str) -> dict[str, str]:
        name = f"app_{next(numbers)}"
        server.create_user(name, PASSWORD, grants)
        return {"user": name, "password": PASSWORD}

    return create


@pytest.fixture
def db_user(create_user: Callable[..., dict[str, str]]) -> dict[str, str]:
    """An account of this test alone, so that its rules meet no session of another test; it may use all tables."""
    return create_user("ALL ON *.*")


@pytest.fixture
def opened() -> Iterator[Callable[[_S], _S]]:
    """``opened(session)`` keeps a session until the end of the test and closes it then."""
    with ExitStack() as stack:
        yield stack.enter_context


@dataclass
class Running:
    """A module at work in its own process."""

    process: subprocess.Popen[str]

    def result(self, timeout: float = MODULE_SECONDS) -> dict[str, Any]:
        """What the module returned; AssertionError when that is not exactly one JSON document, and nothing on stderr."""
        try:
            out, err = self.process.communicate(timeout=timeout)
        finally:
            self.process.kill()
        assert not err, err
        returned = json.loads(out)
        assert (self.process.returncode != 0) == returned.get("failed", False)
        returned["warnings"] = [_text(warning) for warning in returned.get("warnings", [])]
        returned.setdefault("failed", False)
        return returned


def _text(warning: Any) -> str:
    """ansible-core 2.19 hands warnings on as dictionaries, 2.16 as texts."""
    return warning if isinstance(warning, str) else warning["event"]["msg"]


def launch(
    name: str,
    options: Mapping[str, Any],
    check: bool = False,
    diff: bool = False,
    env: Mapping[str, str] | None = None,
    python: tuple[str, ...] = (),
) -> Running:
    """Starts a module as its wrapper on a target does, without packing it first.

    Both ansible-core 2.16 and 2.19 let a module read its arguments from standard input (ansible.module_utils.basic).
    ``python`` are arguments of the interpreter.
    """
    controls = {"_ansible_check_mode": check, "_ansible_diff": diff}
    process = subprocess.Popen(
        [sys.executable, *python, "-m", f"ansible_collections.dbops.oracle_sessions.plugins.modules.{name}"],
        env=os.environ | {"PYTHONPATH": str(COLLECTIONS)} | dict(env or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    json.dump({"ANSIBLE_MODULE_ARGS": dict(options) | controls}, process.stdin)
    process.stdin.close()
    process.stdin = None  # So that communicate() does not touch it again.
    return Running(process)


@pytest.fixture(scope="session")
def start_module(server: Seekdb) -> Callable[..., Running]:
    """``start_module(name, options)``: as launch; the login is root's unless the options say otherwise."""
    login = {"dialect": "oceanbase", "login_dsn": server.dsn, "login_user": "root"}
    return lambda name, options, **settings: launch(name, login | dict(options), **settings)


@pytest.fixture(scope="session")
def run_module(start_module: Callable[..., Running]) -> Callable[..., dict[str, Any]]:
    """``run_module(name, options, check, diff, env, python)``: as start_module, and the module's result."""

    def run(name: str, options: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
        return start_module(name, options, **settings).result()

    return run


@dataclass
class Play:
    """A finished ansible or ansible-playbook: its exit code, all it printed, and its task results in their order."""

    code: int
    output: str
    results: list[dict[str, Any]] = field(default_factory=list)

    def of(self, task: str, host: str | None = None) -> dict[str, Any]:
        """The result of the task of this name."""
        found = [each["result"] for each in self.results if each["task"] == task and host in (None, each["host"])]
        assert found, f"no result of {task!r} in:\n{self.output}"
        return found[-1]


def _controller(command: list[str], folder: Path, inventory: Mapping[str, Any], env: Mapping[str, str] | None) -> Play:
    hosts = folder / "inventory.json"
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts.write_text(json.dumps({"all": {"vars": common, "hosts": inventory}}))
    records = folder / "results.jsonl"
    records.unlink(missing_ok=True)
    ours = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(HERE.parent / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
        "ANSIBLE_ASYNC_DIR": str(folder / "async"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "record,hold",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "LC_ALL": "C.UTF-8",
        "RECORD_RESULTS_IN": str(records),
    }
    program, *arguments = command
    finished = subprocess.run(
        [str(Path(sys.executable).parent / program), "-i", str(hosts), *arguments],
        env=os.environ | ours | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MODULE_SECONDS,
        check=False,
    )
    lines = records.read_text().splitlines() if records.exists() else []
    return Play(finished.returncode, finished.stdout, [json.loads(line) for line in lines])


@pytest.fixture
def run_ansible(tmp_path: Path) -> Callable[..., Play]:
    """``run_ansible(inventory, *arguments, env=None)``: the real `ansible`. An inventory is a dictionary of hosts."""

    def run(inventory: Mapping[str, Any], *arguments: str, env: Mapping[str, str] | None = None) -> Play:
        return _controller(["ansible", *arguments], tmp_path, inventory, env)

    return run


@pytest.fixture
def run_playbook(tmp_path: Path) -> Callable[..., Play]:
    """``run_playbook(inventory, plays, *arguments, env=None)``: the real `ansible-playbook`."""

    def run(
        inventory: Mapping[str, Any], plays: list[Any], *arguments: str, env: Mapping[str, str] | None = None
    ) -> Play:
        book = tmp_path / "playbook.json"
        book.write_text(json.dumps(plays))
        return _controller(["ansible-playbook", *arguments, str(book)], tmp_path, inventory, env)

    return run


@pytest.fixture(scope="module")
def hosts(request: pytest.FixtureRequest) -> Iterator[DatabaseHosts]:
    """Database hosts, rac1 and rac2 where the test module names no others in ``HOSTS``. Where namespaces are not permitted
    the test is skipped; a program that is missing there, such as sshd, is an error.
    """
    if reason := host_programs.why_not():
        pytest.skip(reason)
    with DatabaseHosts(*getattr(request.module, "HOSTS", ())) as running:
        yield running


@pytest.fixture
def pool(server: Seekdb) -> Iterator[Callable[..., list[Session]]]:
    """``pool(n, **login)``: that many idle sessions, closed at the end of the test."""
    every: list[Session] = []

    def open_them(n: int, **login: Any) -> list[Session]:
        sessions = actors.pool(server, n, **login)
        every.extend(sessions)
        return sessions

    yield open_them
    actors.close_all(every)
