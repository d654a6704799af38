# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m servers.oracle``: a stand-in by hand, or the child process of :class:`servers.oracle.handle.OracleServer`.

Prints one line of JSON when logins work, and serves until SIGTERM, SIGINT or the end of its standard input. Each line on
its standard input starts, stops or crashes an instance: ``start 2``, ``stop 2``, ``crash 2``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

from . import database, sga, tables
from .instance import Instance, fork
from .options import LOOPBACK, Options

_START_SECONDS = 30.0


class Cluster:
    """All instances of one database, as children of this process."""

    def __init__(self, folder: Path, options: Options, password: str) -> None:
        self.folder = folder
        self.options = options
        self.pids: dict[int, int] = {}
        self._listeners = dict(enumerate(database.listeners(options), 1))
        self.ports = {number: listener.getsockname()[1] for number, listener in self._listeners.items()}
        database.create(folder, options, password, list(self.ports.values()))

    def start(self, number: int) -> None:
        """Start an instance and wait until it is open. Its port stays the same over a restart."""
        listener = self._listeners.pop(number, None) or self._listen_again(self.ports[number])
        instance = Instance(self.folder, number, self.options, listener)
        self.pids[number] = fork(lambda: instance.run(), f"ora_listener_{instance.name}")
        listener.close()
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_open(number):
            if time.monotonic() > deadline:
                raise TimeoutError(f"instance {number} did not open")
            time.sleep(0.01)

    def stop(self, number: int) -> None:
        """End an instance as SHUTDOWN ABORT does: all its processes at once. The others clean up after it."""
        pid = self.pids.pop(number, None)
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
            database.remove_instance(connection, number)

    def stop_all(self) -> None:
        for number in list(self.pids):
            os.kill(self.pids[number], signal.SIGKILL)
            os.waitpid(self.pids.pop(number), 0)

    def _listen_again(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        return listener

    def _is_open(self, number: int) -> bool:
        with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
            row = sga.get(connection, tables.Instance, inst_id=number)
            return row is not None and row.status == "OPEN"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m servers.oracle", description=__doc__)
    parser.add_argument("--options", default="{}", help="what kind of database to be, as JSON; see options.py")
    parser.add_argument("--password", default="oracle", help="of SYS and SYSTEM")
    chosen = parser.parse_args()
    options = Options.from_json(chosen.options)
    folder = sga.make_folder()
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(0))
    try:
        cluster = Cluster(folder, options, chosen.password)
        try:
            for number in cluster.ports:
                cluster.start(number)
            told = {
                "host": LOOPBACK,
                "ports": cluster.ports,
                "service": options.service(),
                "folder": str(folder),
                "pid": os.getpid(),
            }
            print(json.dumps(told), flush=True)
            _serve(cluster)
        finally:
            cluster.stop_all()
    except KeyboardInterrupt:
        pass
    finally:
        sga.remove_folder(folder)


def _serve(cluster: Cluster) -> None:
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0) as commands:
        while True:
            select.select([commands], [], [])
            line = commands.readline().decode()
            if not line:
                return
            verb, _space, number = line.strip().partition(" ")
            {"start": cluster.start, "stop": cluster.stop}[verb](int(number))
            print(json.dumps({"done": line.strip()}), flush=True)


if __name__ == "__main__":
    main()
