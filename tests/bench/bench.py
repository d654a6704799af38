# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast sessions are ended, beside pt-kill and beside one task per session, on one real server in one run.

Times on a shared machine are noisy: read the ratios. `--quick` is for trying out: 200 sessions, one run each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measured import Cost, Launcher, median, repeat, spread

from servers.actors import close_all, pool
from servers.proxy import Proxy
from servers.seekdb import Seekdb

HERE = Path(__file__).resolve().parent
COLLECTIONS = HERE.parents[1] / ".work" / "collections"
USER = "bench_app"
# One way, so that a round trip takes twice as long.
DELAY_SECONDS = 0.005
# pt-kill sleeps once for its --interval of 1 s before it looks at its --run-time; strace shows one sleep of 1 s.
PT_KILL_SLEEPS = 1.0
INVENTORY = """
all:
  hosts:
    bench:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      oracle_sessions_dialect: oceanbase
      oracle_sessions_login_dsn: {dsn}
      oracle_sessions_login_user: root
"""
LOOP = """
- hosts: bench
  gather_facts: false
  tasks:
    - name: One task per session
      dbops.oracle_sessions.session_kill:
        sid: "{{ item }}"
      loop: "{{ sids }}"
"""


class Bench:
    def __init__(self, server: Seekdb, launcher: Launcher, folder: Path, runs: int) -> None:
        self.server = server
        self.launcher = launcher
        self.folder = folder
        self.runs = runs
        self.env = dict(os.environ, PYTHONPATH=str(COLLECTIONS), ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS))

    @contextmanager
    def idle(self, count: int) -> Iterator[list[int]]:
        """So many idle sessions; they must all be dead at the end, or the figures are worth nothing."""
        sessions = pool(self.server, count, USER)
        try:
            yield [session.id for session in sessions]
            left = [session.id for session in sessions if session.id in self._alive()]
            if left:
                raise RuntimeError(f"{len(left)} of {count} sessions are still alive")
        finally:
            close_all(sessions)

    def _alive(self) -> set[int]:
        return {row[0] for row in self.server.sql(f"SELECT ID FROM oceanbase.V$OB_PROCESSLIST WHERE USER = '{USER}'")}

    def inside(self, count: int, dsn: str | None = None) -> tuple[Cost, dict]:
        """The steps alone; also what the process itself measured, see inside.py."""
        with self.idle(count):
            login = {"dialect": "oceanbase_mysql", "login_dsn": dsn or self.server.dsn, "login_user": "root"}
            cost = self._run(sys.executable, str(HERE / "inside.py"), json.dumps(login), USER, str(count))
        told = json.loads(cost.output.splitlines()[-1])
        if told["ended"] != count:
            raise RuntimeError(f"only {told['ended']} of {count} ended")
        return cost, told

    def pt_kill(self, count: int, port: int | None = None) -> Cost:
        with self.idle(count):
            return self._run(
                "pt-kill",
                f"h={self.server.host},P={port or self.server.port},u=root",
                *("--no-version-check", "--match-command", "Sleep", "--match-user", f"^{USER}$"),
                *("--victims", "all", "--kill", "--run-time", "1", "--interval", "1"),
            )

    def one_call(self, count: int) -> Cost:
        """A whole `ansible` process with one session_kill for all."""
        rule = {"match": {"username": USER, "idle": 0}, "max_sessions": count}
        with self.idle(count):
            return self._ansible("dbops.oracle_sessions.session_kill", "-a", json.dumps(rule))

    def loop(self, count: int) -> Cost:
        playbook = self.folder / "loop.yml"
        playbook.write_text(LOOP)
        with self.idle(count) as sids:
            return self._run(
                "ansible-playbook",
                "-i",
                str(self.folder / "hosts.yml"),
                str(playbook),
                "-e",
                json.dumps({"sids": sids}),
            )

    def listing(self, count: int) -> Cost:
        """session_info with a rule that picks 3 of many; the module's process alone decides the peak."""
        sessions = pool(self.server, count - 3, USER)
        few = pool(self.server, 3, f"{USER}_few")
        try:
            return self._ansible(
                "dbops.oracle_sessions.session_info", "-a", json.dumps({"match": {"username": f"{USER}_few"}})
            )
        finally:
            close_all([*sessions, *few])

    def start(self, module: str) -> Cost:
        return self._ansible(module)

    def counted(self, count: int) -> tuple[int, int]:
        """Round trips and statements of one run over so many sessions."""
        with Proxy(self.server.host, self.server.port) as proxy:
            self.inside(count, proxy.dsn)
            return proxy.round_trips, proxy.statements

    def _ansible(self, module: str, *more: str) -> Cost:
        inventory = self.folder / "hosts.yml"
        inventory.write_text(INVENTORY.format(dsn=self.server.dsn))
        return self._run("ansible", "-i", str(inventory), "bench", "-m", module, *more)

    def _run(self, *command: str) -> Cost:
        return self.launcher.run(command, self.server.pid, self.env)


def compare(bench: Bench, count: int) -> None:
    print(f"\n{count} idle sessions, {bench.runs} runs each, medians")
    inside = [bench.inside(count) for _turn in range(bench.runs)]
    ours = statistics.median(told["seconds"] for _cost, told in inside)
    window = max(told["window"] for _cost, told in inside)
    print(
        f"  session_kill, connect to verified {ours:8.2f} s   the process: {median([cost for cost, _told in inside]).line()}"
    )
    print(f"  longest window between look and act, a batch of 50 sessions: {window * 1e3:.1f} ms")
    whole = repeat(bench.runs, lambda: bench.one_call(count))
    print(f"  session_kill, whole ansible       {median(whole).line()}   ({spread(whole)})")
    trips, statements = bench.counted(count)
    print(
        f"  round trips {trips}, of which {trips - 2 * -(-count // 50)} beside 2 per batch of 50; statements {statements}"
    )
    if not shutil.which("pt-kill"):
        print("  pt-kill is not installed (percona-toolkit): no comparison")
        return
    theirs = repeat(bench.runs, lambda: bench.pt_kill(count))
    work = median(theirs).wall - PT_KILL_SLEEPS
    print(f"  pt-kill                           {median(theirs).line()}   ({spread(theirs)})")
    print(
        f"  per session, sleeps subtracted: {ours / count * 1e3:.3f} ms, pt-kill {work / count * 1e3:.3f} ms: ratio {ours / work:.2f}"
    )
    print(f"  whole process beside pt-kill as its users run it: {median(whole).wall / median(theirs).wall:.2f}")


def compare_loop(bench: Bench, count: int, per_task: int) -> None:
    once = median(repeat(bench.runs, lambda: bench.one_call(count))).wall
    looped = median(repeat(bench.runs, lambda: bench.loop(per_task))).wall
    scaled = looped * count / per_task
    print(f"\nOne task per session: {looped:.1f} s for {per_task}, {scaled:.0f} s scaled to {count}")
    print(f"  one call for {count}: {once:.2f} s, {scaled / once:.0f} times faster")


def compare_delayed(bench: Bench, count: int) -> None:
    print(f"\n{count} idle sessions behind {DELAY_SECONDS * 1e3:.0f} ms each way")
    with Proxy(bench.server.host, bench.server.port, delay=DELAY_SECONDS) as proxy:
        ours = statistics.median(bench.inside(count, proxy.dsn)[1]["seconds"] for _turn in range(bench.runs))
        print(f"  session_kill, connect to verified {ours:8.2f} s")
        if shutil.which("pt-kill"):
            theirs = median(repeat(bench.runs, lambda: bench.pt_kill(count, proxy.port))).wall - PT_KILL_SLEEPS
            print(f"  pt-kill, sleeps subtracted        {theirs:8.2f} s: {theirs / ours:.1f} times slower")


def start(bench: Bench) -> None:
    runs = max(bench.runs, 3)
    info = median(repeat(runs, lambda: bench.start("dbops.oracle_sessions.session_info"))).wall
    ping = median(repeat(runs, lambda: bench.start("ansible.builtin.ping"))).wall
    print(f"\nStart: session_info {info:.2f} s, ansible.builtin.ping {ping:.2f} s: {info - ping:+.2f} s")


def listing(bench: Bench, count: int) -> None:
    cost = median(repeat(bench.runs, lambda: bench.listing(count)))
    print(f"\nListing {count} sessions with a rule that picks 3: {cost.line()}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    small, large, per_task = (200, 400, 3) if chosen.quick else (1000, 5000, 100)
    began = time.monotonic()
    with Launcher() as launcher, Seekdb() as server, tempfile.TemporaryDirectory() as folder:
        bench = Bench(server, launcher, Path(folder), 1 if chosen.quick else chosen.runs)
        for user in (USER, f"{USER}_few"):
            server.create_user(user, "")
        print(f"server: {server.sql('SELECT @@version_comment')[0][0]}; 2 CPUs are enough, other load is not")
        # The first statements of their kind are slow on a new server: its plan cache is empty.
        bench.inside(small)
        compare(bench, small)
        compare(bench, large)
        compare_delayed(bench, large)
        listing(bench, large)
        start(bench)
        compare_loop(bench, small, per_task)
    print(f"\n{time.monotonic() - began:.0f} s in all")


main()
