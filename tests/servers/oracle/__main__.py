# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m servers.oracle``: a stand-in by hand, or the child process of :class:`servers.oracle.handle.OracleServer`.

Prints one line of JSON when logins work, and serves until SIGTERM, SIGINT or the end of its standard input. Each line on
its standard input starts or stops an instance: ``start 2``, ``stop 2``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from . import database, sga, tables
from .instance import Instance, fork
from .options import Options

_START_SECONDS = 30.0
_LOOK_SECONDS = 0.01


class Cluster:
    """All instances of one database, as children of this process."""

    def __init__(self, folder: Path, options: Options, password: str) -> None:
        self.folder = folder
        self.options = options
        self.pids: dict[int, int] = {}
        self._listeners = dict(enumerate(database.listeners(options), 1))
        self.ports = {number: listener.getsockname()[1] for number, listener in self._listeners.items()}
        database.create(folder, options, password, list(self.ports.values()))
        self._keeper = self._keep_open() if options.places else None

    def _keep_open(self) -> int:
        """A process that has the shared memory open all the time. SQLite makes and removes files beside it with the first
        and the last that open it, and those that we, as root, would make belong to the software owner a moment later only.
        """
        ready, write_end = os.pipe()

        def keep() -> None:
            self._close_listeners()
            with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
                sga.select(connection, tables.Instance)
                os.write(write_end, b"1")
                signal.pause()

        keeper = fork(keep, "oracle stand-in memory")
        os.close(write_end)
        os.read(ready, 1)
        os.close(ready)
        return keeper

    def start(self, number: int) -> None:
        """Start an instance and wait until it is open. Its port stays the same over a restart."""
        if number in self.pids:
            return
        listener = self._listeners.pop(number, None) or database.listen_on(self.options, number, self.ports[number])
        instance = Instance(self.folder, number, self.options, listener)
        place = self.options.place(number)

        def run() -> None:
            self._close_listeners()
            instance.run()

        self.pids[number] = fork(run, f"tnslsnr LISTENER_{instance.name} -inherit", place)
        listener.close()
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_open(number):
            if time.monotonic() > deadline:
                raise TimeoutError(f"instance {number} did not open")
            time.sleep(_LOOK_SECONDS)

    def _close_listeners(self) -> None:
        """For a child: those that it inherits would go on listening there after their own instances have ended."""
        for listener in self._listeners.values():
            listener.close()

    def stop(self, number: int) -> None:
        """End an instance as SHUTDOWN ABORT does: all its processes at once. The others clean up after it."""
        pid = self.pids.get(number)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._clean_up(number)

    def look(self) -> None:
        """Clean up after instances that have ended by themselves, because a process that they need was killed."""
        for number, pid in list(self.pids.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._clean_up(number)

    def _clean_up(self, number: int) -> None:
        del self.pids[number]
        with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
            database.remove_instance(connection, self.options, number)

    def stop_all(self) -> None:
        for number in list(self.pids):
            os.kill(self.pids[number], signal.SIGKILL)
            os.waitpid(self.pids.pop(number), 0)
        if self._keeper is not None:
            os.kill(self._keeper, signal.SIGKILL)
            os.waitpid(self._keeper, 0)

    def _is_open(self, number: int) -> bool:
        with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
            row = sga.get(connection, tables.Instance, inst_id=number)
            return row is not None and row.status == "OPEN"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m servers.oracle", description=__doc__)
    parser.add_argument("--options", default="{}", help="what kind of database to be, as JSON; see options.py")
    parser.add_argument("--password", default="oracle", help="of SYS and SYSTEM, on Amazon RDS of ADMIN")
    chosen = parser.parse_args()
    try:
        options = Options.from_json(chosen.options)
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    database.remove_stale_folders()
    folder = sga.make_folder()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        database.mark_folder(folder)
        cluster = Cluster(folder, options, chosen.password)
        try:
            for number in cluster.ports:
                cluster.start(number)
            told = {
                "host": options.address(1),
                "ports": cluster.ports,
                "service": options.service(),
                "folder": str(folder),
                "pid": os.getpid(),
            }
            print(json.dumps(told), flush=True)
            _serve(cluster)
        finally:
            cluster.stop_all()
    finally:
        sga.remove_folder(folder)


def _leave(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def _serve(cluster: Cluster) -> None:
    wake, write_end = os.pipe()
    for end in (wake, write_end):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0) as commands:
        while True:
            ready, _unused, _unused = select.select([commands.fileno(), wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                cluster.look()
            if commands.fileno() not in ready:
                continue
            line = commands.readline().decode()
            if not line:
                return
            verb, _space, number = line.strip().partition(" ")
            try:
                {"start": cluster.start, "stop": cluster.stop}[verb](int(number))
                answer = {"done": line.strip()}
            except (KeyError, ValueError, OSError) as error:
                answer = {"error": f"{line.strip()}: {error!r}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
