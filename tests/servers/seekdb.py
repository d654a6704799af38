# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private OceanBase kernel (seekdb, MySQL mode) for tests: a real server, started and removed in seconds.

The server binary is the one that the PyPI package ``pylibseekdb`` carries; it needs no root and no set-up.

``python -m servers.seekdb`` starts one by hand, prints ``{"host": ..., "port": ..., "pid": ...}`` on one line and
serves until SIGTERM, SIGINT or the end of its standard input.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pymysql
from pymysql.connections import Connection

LOOPBACK = "127.0.0.1"
START_ATTEMPTS = 3
START_SECONDS = 60.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
QUERY_TIMEOUT_SECONDS = 3600
# 5000 sessions take as many descriptors on both sides; the usual soft limit is 1024.
OPEN_FILES = 65536

_PR_SET_PDEATHSIG = 1
# Resolved at import: looking a symbol up between fork and exec can deadlock in a process that has threads.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class SeekdbError(Exception):
    """The server did not start; the text ends with its own last words."""


def free_port() -> int:
    """A TCP port that is free on the loopback address at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _package() -> Path:
    # Located, never imported: importing would load a second kernel into this process.
    spec = importlib.util.find_spec("pylibseekdb")
    if spec is None or spec.origin is None:
        raise SeekdbError("the Python package pylibseekdb, which carries the seekdb server, is not installed")
    return Path(spec.origin).parent


def _die_with(parent: int) -> Callable[[], None]:
    def in_child() -> None:
        if _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != parent:
            os._exit(1)

    return in_child


class Seekdb:
    """One seekdb server on a free loopback port, in a temporary folder of its own.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. The account is ``root`` without a password;
    only 127.0.0.1 is let in. The kernel kills the server when the *thread* that called :meth:`start` ends (Linux,
    prctl(2), PR_SET_PDEATHSIG): start it from the thread that outlives its use. A starter that was itself killed
    leaves no process, but does leave the folder ``seekdb-*`` (about 170 MB) in the temporary directory.

    With ``long_statements`` (the default) new sessions get an ``ob_query_timeout`` of one hour. The server's own
    default, 10 s, ends lock waits and long statements with an error before a test has looked at them.

    There are no privileges between users here: every account lives in the sys tenant and may kill any session.
    """

    host = LOOPBACK

    def __init__(self, long_statements: bool = True) -> None:
        self.long_statements = long_statements
        self.port = 0
        self.folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise SeekdbError("seekdb is not running")
        return self._process.pid

    def start(self) -> Seekdb:
        """Start the server and return once a login works.

        Raises SeekdbError when there is none within 60 s, or when three starts on three ports have ended early.
        """
        if self._process is not None:
            raise SeekdbError(f"seekdb already runs as process {self._process.pid}")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        deadline = time.monotonic() + START_SECONDS
        last_words = ""
        for _turn in range(START_ATTEMPTS):
            try:
                self._launch()
                if self._wait_ready(deadline):
                    self._configure()
                    return self
                last_words = self._last_words()
            except BaseException:
                self.stop()
                raise
            # The usual reason for an early end: somebody else got the port between our look and the server's bind.
            self.stop()
        raise SeekdbError(f"seekdb ended {START_ATTEMPTS} times while starting; last words:\n{last_words}")

    def stop(self) -> None:
        """End the server (SIGTERM, after 10 s SIGKILL) and remove its folder. Does nothing when it is not running."""
        process, self._process = self._process, None
        folder, self.folder = self.folder, None
        try:
            if process is not None:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(STOP_SECONDS)
        finally:
            if folder is not None:
                shutil.rmtree(folder)

    def connect(self, user: str = "root", password: str = "", **options: Any) -> Connection[Any]:
        """A new PyMySQL connection, autocommit on. ``options`` are PyMySQL's own; ``port`` leads through a proxy.

        TLS is off because setting it up costs 35 ms per login, which counts with thousands of sessions.
        """
        settings: dict[str, Any] = {"host": self.host, "port": self.port, "ssl_disabled": True, "autocommit": True}
        return pymysql.connect(user=user, password=password, **(settings | options))

    def sql(self, statement: str, args: Sequence[Any] | None = None) -> tuple[tuple[Any, ...], ...]:
        """Run one statement as root on a connection of its own and return its rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, args)
            return tuple(cursor.fetchall())

    def create_user(self, name: str, password: str, grants: Iterable[str] = ()) -> None:
        """Create an account. Each grant is what stands between GRANT and TO: ``"SELECT ON oceanbase.*"``."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER %s IDENTIFIED BY %s", (name, password))
            for grant in grants:
                cursor.execute(f"GRANT {grant} TO %s", (name,))

    def _launch(self) -> None:
        package = _package()
        folder = Path(tempfile.mkdtemp(prefix="seekdb-"))
        self.folder = folder
        self.port = free_port()
        environment = os.environ | {
            "LD_LIBRARY_PATH": f"{package}:{package.parent / 'pylibseekdb.libs'}",
            # The server reports its host to its vendor unless told not to (oceanbase.ai/docs/telemetry).
            "TELEMETRY_ENABLED": "false",
        }
        command = [str(package / "seekdb"), "--nodaemon", "--port", str(self.port), "--base-dir", str(folder)]
        with open(folder / "console.log", "wb") as console:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C goes to us; we stop the server in order.
                preexec_fn=_die_with(os.getpid()),
            )

    def _wait_ready(self, deadline: float) -> bool:
        """True when a login works, False when the process ended first; SeekdbError past the deadline."""
        assert self._process is not None
        while self._process.poll() is None:
            try:
                if self._answers():
                    return True
                refusal = "another server answers on its port"
            except pymysql.err.MySQLError as error:
                refusal = str(error)
            if time.monotonic() > deadline:
                raise SeekdbError(
                    f"no login on {self.dsn} within {START_SECONDS:.0f} s ({refusal}); "
                    f"last words:\n{self._last_words()}"
                )
            time.sleep(POLL_SECONDS)
        return False

    def _answers(self) -> bool:
        """True when the server that answers on our port is ours: its pid file lies in our folder."""
        with self.connect(connect_timeout=5, read_timeout=5) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@pid_file")
            pid_file = Path(cursor.fetchall()[0][0])
            return self.folder is not None and pid_file.is_relative_to(self.folder.resolve())

    def _configure(self) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            # INFO, which a failed start needs to be told apart by, writes megabytes a second under load.
            cursor.execute("ALTER SYSTEM SET syslog_level = 'WARN'")
            # The server listens on all addresses and has no option against that; this one is its gate.
            cursor.execute("SET GLOBAL ob_tcp_invited_nodes = %s", (LOOPBACK,))
            if self.long_statements:
                cursor.execute("SET GLOBAL ob_query_timeout = %s", (QUERY_TIMEOUT_SECONDS * 1_000_000,))

    def _last_words(self) -> str:
        assert self.folder is not None
        words = []
        for name in ("console.log", "log/seekdb.log"):
            path = self.folder / name
            if path.exists():
                lines = path.read_text(errors="replace").splitlines()
                telling = [line for line in lines if " ERROR " in line] or lines
                words += [line[:400] for line in telling[-8:]]
        return "\n".join(words)

    def __enter__(self) -> Seekdb:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _leave(signum: int, frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM, SIGINT or the end of standard input."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with Seekdb() as server:
        print(json.dumps({"host": server.host, "port": server.port, "pid": server.pid}), flush=True)
        while sys.stdin.buffer.read(65536):
            pass


if __name__ == "__main__":
    main()
