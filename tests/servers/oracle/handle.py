# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private stand-in for tests, demo and benchmark: started, asked, changed and stopped from a program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import oracledb

from ..oracle_actors import Session
from . import cleanup, instance_requests, policy, sga, tables
from .instance import die_with
from .options import Options
from .predefined import RDS_MASTER

_STOP_SECONDS = 10.0
_TESTS = Path(__file__).resolve().parents[2]


class OracleError(Exception):
    """The stand-in did not start; the text has its own last words."""


class OracleServer:
    """One database with its instances, each a process with a listener on a free port, of this machine's loopback or of a
    host of its own (``places``; see servers.hosts).

    Use it as a context manager. ``options`` are those of :class:`~servers.oracle.options.Options`; any other keyword is
    a policy of policy.py with its value. The kernel ends the server when the *thread* that called :meth:`start` ends.
    """

    password = "Tr0ub4dor_3"

    def __init__(self, **options: Any) -> None:
        policies = {name: options.pop(name) for name in list(options) if name in policy.POLICIES}
        self.options = Options(**options, policies=policies)
        self.ports: dict[int, int] = {}
        self.folder = Path()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._connections: dict[str, oracledb.Connection] = {}

    # -- where it is

    @property
    def service(self) -> str:
        """The service that the tests use: that of the first pluggable database, or of the database."""
        return self.options.service(self.options.pdbs[0] if self.options.pdbs else None)

    @property
    def host(self) -> str:
        """The address of the first instance, and of all of them where they have no hosts of their own."""
        return self.options.address(1)

    @property
    def dsn(self) -> str:
        return self.dsn_of()

    def dsn_of(self, instance: int = 1, service: str | None = None) -> str:
        return f"{self.options.address(instance)}:{self.ports[instance]}/{service or self.service}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise OracleError("the stand-in is not running")
        return self._process.pid

    @property
    def administrator(self) -> str:
        return RDS_MASTER.lower() if self.options.rds else "system"

    # -- start and stop

    def start(self) -> Self:
        """Start it and return once a login works."""
        process = subprocess.Popen(
            [sys.executable, "-m", "servers.oracle", "--options", self.options.to_json(), "--password", self.password],
            env=os.environ | {"PYTHONPATH": str(_TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_die_with(os.getpid()),
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait()
            raise OracleError(f"the stand-in ended with {process.returncode} while starting")
        told = json.loads(line)
        self._process = process
        self.ports = {int(number): port for number, port in told["ports"].items()}
        self.folder = Path(told["folder"])
        return self

    def stop(self) -> None:
        """End all of it, sessions included."""
        process, self._process = self._process, None
        if process is None:
            return
        self._connections.clear()
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_STOP_SECONDS)
        process.kill()
        process.wait()
        sga.remove_folder(self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start_instance(self, number: int) -> None:
        self._tell(f"start {number}")

    def stop_instance(self, number: int) -> None:
        """End an instance at once, with all its sessions, as a crash or SHUTDOWN ABORT does."""
        self._tell(f"stop {number}")

    def _tell(self, command: str) -> None:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.write(command + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise OracleError(f"the stand-in has ended over {command!r}")
        if "error" in (answer := json.loads(line)):
            raise OracleError(answer["error"])

    # -- clients

    def connect(
        self,
        user: str | None = None,
        password: str | None = None,
        instance: int = 1,
        service: str | None = None,
        **arguments: Any,
    ) -> oracledb.Connection:
        """A connection of the real driver; the administrator's where no user is named."""
        return oracledb.connect(
            user=user or self.administrator,
            password=password or self.password,
            dsn=arguments.pop("dsn", None) or self.dsn_of(instance, service),
            **arguments,
        )

    def sql(self, statement: str, binds: Any = (), service: str | None = None) -> list[tuple[Any, ...]]:
        """Rows of a statement, run and committed as SYS (on Amazon RDS as the master user)."""
        with self._lock:
            connection = self._administrators(service or self.service)
            with connection.cursor() as cursor:
                cursor.execute(statement, binds)
                rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows

    def _administrators(self, service: str) -> oracledb.Connection:
        found = self._connections.get(service)
        if found is None or not found.is_healthy():
            as_sys: dict[str, Any] = {"user": "sys", "mode": oracledb.AUTH_MODE_SYSDBA}
            instance = next(iter(sorted(self.ports)))
            found = self.connect(service=service, instance=instance, **({} if self.options.rds else as_sys))
            self._connections[service] = found
        return found

    def create_user(
        self, name: str, password: str, grants: Sequence[str] = ("CREATE SESSION",), service: str | None = None
    ) -> None:
        self.sql(f'CREATE USER {name} IDENTIFIED BY "{password}"', service=service)
        for grant in grants:
            self.sql(f"GRANT {grant} TO {name}", service=service)

    # -- what happened, and what is to happen

    @contextlib.contextmanager
    def memory(self) -> Any:
        """The shared memory itself, for a moment."""
        with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
            yield connection

    def calls(self, module: str = "dbops.oracle_sessions") -> list[tables.Call]:
        """The calls of sessions that bear this name as program or module, oldest first, since the last reset."""
        with self.memory() as connection:
            return [call for call in sga.select(connection, tables.Call) if module in (call.module, call.program)]

    def statements(self) -> list[str]:
        """The texts of all statements that were to end a session, by whomever, since the last reset."""
        with self.memory() as connection:
            return [statement.text for statement in sga.select(connection, tables.Statement)]

    def reset_calls(self) -> None:
        with self.memory() as connection, sga.write(connection):
            for kind in (tables.Call, tables.Statement):
                connection.execute(f"DELETE FROM {kind.TABLE}")

    def set_policy(self, name: str, value: Any) -> None:
        """Change a row of policy.py while the server runs."""
        with self.memory() as connection:
            changed = {"value": json.dumps(policy.checked(name, value))}
            sga.update(connection, tables.Policy, changed, name=name)

    @contextlib.contextmanager
    def policies(self, **values: Any) -> Iterator[None]:
        """``with server.policies(name=value): ...``: rows of policy.py are others meanwhile."""
        before = {name: self.options.policies.get(name, policy.POLICIES[name].value) for name in values}
        for name, value in values.items():
            self.set_policy(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                self.set_policy(name, value)

    def set_session(self, sid: int, instance: int = 1, **columns: Any) -> None:
        """Make an idle session a special one, such as ``status="SNIPED"`` or ``status="CACHED"``."""
        with self.memory() as connection:
            sga.update(connection, tables.Session, columns, inst_id=instance, sid=sid)

    def release(self, session: Session) -> None:
        """End the STANDIN.HOLD that a session is in: it hears then of what was done to it."""
        names = {"inst_id": session.inst_id, "sid": session.sid, "serial": session.serial}
        with self.memory() as connection:
            sga.update(connection, tables.Session, {"uninterruptible": 0}, **names)

    def end_process(self, session: Session) -> None:
        """As kill -9 of a session's server process does, on whichever host it is."""
        names = {"inst_id": session.inst_id, "sid": session.sid, "serial": session.serial}
        with self.memory() as connection:
            row = sga.get(connection, tables.Session, **names)
            if row is not None:
                cleanup.kill_process(connection, row)

    def open_job(self, owner: str, job: str = "NIGHTLY", instance: int = 1) -> dict[str, Any]:
        """A job slave (Jnnn) that runs for an hour: its sid, serial and spid."""
        return instance_requests.request(self.folder, instance, kind="job", owner=owner.upper(), job=job)


def _die_with(parent: int) -> Any:
    return lambda: die_with(parent)
