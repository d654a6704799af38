# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of its own for an instance: a network, a host name and process ids that are not those of the machine.

``servers.hosts`` makes such hosts. The processes of an instance are forked into the host's namespaces and belong to its
software owner; nothing is executed there, so the owner need not be able to read the files of this program. The file
system stays the machine's: all instances of a database open one shared memory.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# What Python would import when it is first used: on the host the owner of the process may not be able to read it.
codecs.lookup("utf-16-be")
time.strptime("0", "%S")
_PR_SET_DUMPABLE = 4
# Resolved at import, as prctl in instance.py.
_libc = ctypes.CDLL(None, use_errno=True)
_setns, _prctl = _libc.setns, _libc.prctl


@dataclass(frozen=True)
class Place:
    """``pid`` is any process of the host, as the machine numbers it; ``uid`` and ``gid`` are the software owner's."""

    address: str
    pid: int
    uid: int
    gid: int

    @property
    def proc(self) -> Path:
        """/proc as the host has it."""
        return Path(f"/proc/{self.pid}/root/proc")

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Sockets that are made meanwhile are the host's."""
        with open("/proc/self/ns/net", "rb") as own:
            self._enter("net")
            try:
                yield
            finally:
                _enter(own)

    def fork(self) -> int:
        """As os.fork; the child has a process id of the host, and is to :meth:`move_in`."""
        with open("/proc/self/ns/pid", "rb") as own:
            # It is for children only, and there is no way back out of it for them.
            self._enter("pid")
            child = os.fork()
            if child:
                _enter(own)
            return child

    def move_in(self) -> None:
        """Be a process of the host, of the software owner."""
        self._enter("net")
        self._enter("uts")
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        # Who changes its user hides in /proc from then on; a process that was executed as that user does not.
        _prctl(_PR_SET_DUMPABLE, 1)

    def _enter(self, kind: str) -> None:
        with open(f"/proc/{self.pid}/ns/{kind}", "rb") as namespace:
            _enter(namespace)


def _enter(namespace: BinaryIO) -> None:
    if _setns(namespace.fileno(), 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
