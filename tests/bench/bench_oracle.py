# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls it takes to kill many Oracle sessions, and what a slow network makes of that, on the stand-in.

A stand-in says nothing about the speed of a real server. What it does tell is the number of calls, which are the same
on a real one, the memory of the module, and the ratio of the times with and without a delay. `--quick` is for trying out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from measured import Cost, Launcher

from servers.oracle.handle import OracleServer
from servers.oracle_actors import close_all, pool
from servers.proxy import Proxy

HERE = Path(__file__).resolve().parent
COLLECTIONS = HERE.parents[1] / ".work" / "collections"
USER, PASSWORD = "bench_app", "Tr0ub4dor_3"
# One way, so that a round trip takes twice as long.
DELAY_SECONDS = 0.005
BATCH = 50
INVENTORY = """
all:
  hosts:
    bench:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      oracle_sessions_login_dsn: {dsn}
      oracle_sessions_login_user: system
      oracle_sessions_login_password: "{password}"
"""


class Bench:
    def __init__(self, server: OracleServer, launcher: Launcher, folder: Path, count: int) -> None:
        self.server = server
        self.launcher = launcher
        self.folder = folder
        self.count = count
        self.env = dict(os.environ, PYTHONPATH=str(COLLECTIONS), ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS))

    def run(self, *command: str) -> Cost:
        """A program that must end all sessions of a new pool."""
        sessions = pool(self.server, self.count, user=USER, password=PASSWORD)
        try:
            self.server.reset_calls()
            cost = self.launcher.run(command, self.server.pid, self.env)
            left = self.server.sql("SELECT COUNT(*) FROM v$session WHERE username = :1", (USER.upper(),))[0][0]
            if left:
                raise RuntimeError(f"{left} of {self.count} sessions are still alive")
            return cost
        finally:
            close_all(sessions)

    def inside(self, dsn: str, batch: int = BATCH) -> float:
        """The seconds from connect to verified, the steps alone, with so many sessions to a call."""
        login = {
            "dialect": "oracle",
            "login_dsn": dsn,
            "login_user": "system",
            "login_password": self.server.password,
        }
        cost = self.run(sys.executable, str(HERE / "inside.py"), json.dumps(login), USER, str(self.count), str(batch))
        return float(json.loads(cost.output.splitlines()[-1])["seconds"])

    def whole(self) -> Cost:
        """A whole `ansible` process."""
        inventory = self.folder / "hosts.yml"
        inventory.write_text(INVENTORY.format(dsn=self.server.dsn, password=self.server.password))
        rule = {"match": {"username": USER, "idle": 0}, "max_sessions": self.count}
        return self.run(
            *("ansible", "-i", str(inventory), "bench", "-m", "dbops.oracle_sessions.session_kill"),
            *("-a", json.dumps(rule)),
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    count, runs = (150, 1) if chosen.quick else (1000, chosen.runs)
    began = time.monotonic()
    with Launcher() as launcher, OracleServer() as server, tempfile.TemporaryDirectory() as folder:
        server.create_user(USER, PASSWORD)
        bench = Bench(server, launcher, Path(folder), count)
        print(f"\nOracle stand-in, {count} idle sessions, medians of {runs}")
        bench.inside(server.dsn)
        calls = Counter(call.kind for call in server.calls())
        batches = -(-count // BATCH)
        print(f"  calls of one run: {dict(calls)}; {batches} batches of {BATCH}")
        whole = bench.whole()
        print(f"  session_kill, whole ansible       {whole.line()}")
        near = statistics.median(bench.inside(server.dsn) for _turn in range(runs))
        print(f"  session_kill, connect to verified {near:8.2f} s")
        with Proxy(server.host, server.ports[1], delay=DELAY_SECONDS, protocol="tns") as proxy:
            dsn = f"{proxy.dsn}/{server.service}"
            far = statistics.median(bench.inside(dsn) for _turn in range(runs))
            one_by_one = bench.inside(dsn, batch=1)
        print(f"  behind {DELAY_SECONDS * 1e3:.0f} ms each way           {far:8.2f} s: {far / near:.2f} times as long")
        print(f"  the same, one statement to a call {one_by_one:8.2f} s: {one_by_one / far:.1f} times as long as that")
    print(f"{time.monotonic() - began:.0f} s in all")


main()
