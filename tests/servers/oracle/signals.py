# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals to the server processes of a database, wherever they run.

A process id means something only where it was given out. Instances may run on hosts of their own (see place.py), so a
process is always named together with its instance, and whoever lives elsewhere asks that instance to send the signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from . import instance_requests

# An instance, and the id that the process has on the instance's host.
Target = tuple[int, int]


def pid_space() -> int:
    """What tells the process ids of this host from those of others: its PID namespace."""
    return os.stat("/proc/self/ns/pid").st_ino


def post_all(connection: sqlite3.Connection, processes: Iterable[Target]) -> None:
    """Tell server processes to look at the shared memory; those that have ended meanwhile are left out."""
    for target in processes:
        send(connection, target, signal.SIGUSR1)


def send(connection: sqlite3.Connection, target: Target, number: int) -> None:
    """Send a signal; a process that has ended meanwhile gets none. To another host it goes without waiting for the effect."""
    inst_id, pid = target
    if pid <= 0:
        return
    found = connection.execute("SELECT pid_space FROM x_instance WHERE inst_id = ?", (inst_id,)).fetchone()
    if found is not None and found[0] == pid_space():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return
    _seq, _name, file = connection.execute("PRAGMA database_list").fetchone()
    with contextlib.suppress(OSError):  # The instance has ended, and its processes with it.
        instance_requests.tell(Path(file).parent, inst_id, kind="signal", pid=pid, number=number)
