# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one program to its end and tells what it cost: wall time, CPU, peak memory; and what the server spent on it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Seconds, except for ``peak_mb``: the largest resident set of the program or of one of its children, in MiB."""

    wall: float
    cpu: float
    server_cpu: float
    peak_mb: float
    output: str

    def line(self) -> str:
        return (
            f"{self.wall:8.2f} s wall {self.cpu:7.2f} s CPU {self.server_cpu:7.2f} s server CPU {self.peak_mb:6.0f} MB"
        )


def server_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def run(command: Sequence[str], server_pid: int, env: dict[str, str]) -> Cost:
    """Run a program; RuntimeError with its output when it fails."""
    before = server_seconds(server_pid)
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} failed with {process.returncode}:\n{output[-3000:]}")
    spent = server_seconds(server_pid) - before
    return Cost(wall, usage.ru_utime + usage.ru_stime, spent, usage.ru_maxrss / 1024, output)


class Launcher:
    """Runs programs from a small process of its own.

    A program's peak memory, as the kernel counts it, is never less than that of the process that started it
    (setmax_mm_hiwater_rss in Linux's exec), and the benchmark itself holds thousands of connections.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, command: Sequence[str], server_pid: int, env: dict[str, str]) -> Cost:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([command, server_pid, env]), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return Cost(**answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.communicate()


def serve() -> None:
    """The launcher's side: one command a line in, one cost a line out."""
    for line in sys.stdin:
        try:
            answer = asdict(run(*json.loads(line)))
        except (OSError, RuntimeError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


def median(runs: Sequence[Cost]) -> Cost:
    """The run in the middle by wall time."""
    return sorted(runs, key=lambda cost: cost.wall)[(len(runs) - 1) // 2]


def spread(runs: Sequence[Cost]) -> str:
    walls = [cost.wall for cost in runs]
    return f"{min(walls):.2f}-{max(walls):.2f}, n={len(walls)}, median {statistics.median(walls):.2f}"


def repeat(times: int, once: Callable[[], Cost]) -> list[Cost]:
    return [once() for _turn in range(times)]


if __name__ == "__main__":
    serve()
