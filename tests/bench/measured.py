# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one program to its end and tells what it cost: wall time, CPU, peak memory; and what the server spent on it."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def run(command: Sequence[str], server_pid: int, env: dict[str, str] | None = None) -> Cost:
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


def median(runs: Sequence[Cost]) -> Cost:
    """The run in the middle by wall time."""
    return sorted(runs, key=lambda cost: cost.wall)[(len(runs) - 1) // 2]


def spread(runs: Sequence[Cost]) -> str:
    walls = [cost.wall for cost in runs]
    return f"{min(walls):.2f}-{max(walls):.2f}, n={len(walls)}, median {statistics.median(walls):.2f}"


def repeat(times: int, once: Callable[[], Cost]) -> list[Cost]:
    return [once() for _turn in range(times)]
