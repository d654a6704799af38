# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance: a process with a listener that forks a server process for each connection, and cleans up after them.

Forking is how an Oracle listener starts dedicated servers, and how a session gets a process of its own whose SPID is
real. All modules are loaded before the first fork, so that a server process owns only what it changes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from setproctitle import setproctitle

from . import cleanup, process, registration, sga, signals, special, tables, transactions
from .instance_requests import control_path
from .options import Options
from .place import Place
from .session import Policies, Post

_BACKLOG = 1024
# The container of server threads with THREADED_EXECUTION=TRUE, and the background processes that there are (Oracle has
# many more). A required one that ends takes the instance with it, and so does the end of a container of threads.
THREADS = "U004"
DISPATCHER, SHARED_SERVER = "D000", "S000"
BACKGROUND = ("PMON", "SMON", "DBW0", "LGWR", "CKPT", "MMON", "RECO", "CJQ0")
_PR_SET_PDEATHSIG = 1
# Resolved at import: looking a symbol up between fork and exec can deadlock in a process that has threads.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends (Linux, prctl(2), PR_SET_PDEATHSIG). 0 is a parent that lives
    where process ids are others."""
    if _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != parent:
        os._exit(1)


def fork(work: Callable[[], None], title: str, place: Place | None = None) -> int:
    """Run ``work`` in a child that ends with this process, on a host of its own if one is named; its process id."""
    parent = 0 if place else os.getpid()
    child = place.fork() if place else os.fork()
    if child:
        return child
    status = 1
    try:
        if place:
            place.move_in()
        # After the change of user, which takes the wish back.
        die_with(parent)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
        setproctitle(title)
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


class Instance:
    """One instance, in the process that :meth:`run` is called in. ``listener`` is bound and not yet listening.

    SQLite takes no connection over a fork, so this process opens the shared memory only for moments in which it does
    not fork.
    """

    def __init__(self, folder: Path, inst_id: int, options: Options, listener: socket.socket) -> None:
        self.folder = folder
        self.inst_id = inst_id
        self.options = options
        self.name = options.instance_name(inst_id)
        self._listener = listener
        self._essential: set[int] = set()
        # Dispatcher and shared server: they serve many sessions, and are no background processes in V$PROCESS.
        self._shared: dict[int, str] = {}
        self._control = socket.socket(socket.AF_UNIX)

    @contextlib.contextmanager
    def _memory(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sga.connect(self.folder / sga.FILE_NAME)) as connection:
            yield connection

    def run(self) -> NoReturn:
        """Serve until a signal ends it."""
        post = Post()
        signal.signal(signal.SIGCHLD, _note)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(control_path(self.folder, self.inst_id))
        self._control.bind(control_path(self.folder, self.inst_id))
        self._control.listen(_BACKLOG)
        # First, as the instance is open, and said to be so, at the end of the second.
        self._listener.listen(_BACKLOG)
        self._start_background()
        self._control.setblocking(False)
        self._listener.setblocking(False)
        gc.collect()
        gc.freeze()
        poll = select.poll()
        for fd in (self._listener.fileno(), self._control.fileno(), post.fd):
            poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _event in poll.poll()}
            post.take()
            self._reap()
            if self._listener.fileno() in ready:
                self._accept()
            if self._control.fileno() in ready:
                self._start_special()

    def _fork(self, work: Callable[[], None], title: str) -> int:
        def in_child() -> None:
            self._listener.close()
            self._control.close()
            work()

        return fork(in_child, title)

    # -- processes of sessions

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # The client has gone again.
            client, _address = self._listener.accept()
            with client:
                client.setblocking(True)
                self._fork(
                    lambda: process.serve(client, self.folder, self.inst_id, self.options),
                    f"oracle{self.name} (LOCAL=NO)",
                )

    def _start_special(self) -> None:
        with contextlib.suppress(OSError):
            client, _address = self._control.accept()
            with client:
                client.setblocking(True)
                self._fork(lambda: self._be_special(client), f"ora_special_{self.name}")

    def _be_special(self, client: socket.socket) -> None:
        with client.makefile("rb") as stream:
            what = json.loads(stream.readline())
        kind = what.pop("kind")
        if kind == "signal":
            with contextlib.suppress(ProcessLookupError):
                os.kill(what["pid"], what["number"])
            return
        with self._memory() as connection:
            special.serve(connection, self.inst_id, self.name, kind, what, special.stream_answer(client))

    # -- background processes

    def _start_background(self) -> None:
        names = [*BACKGROUND, *([THREADS] if self.options.threaded else [])]
        pids = {self._fork_background(name): name for name in names}
        self._essential = set(pids)
        self._shared = {self._fork_background(name): name for name in (DISPATCHER, SHARED_SERVER)}
        with self._memory() as connection, sga.write(connection):
            for pid, name in (pids | self._shared).items():
                registration.add_background(connection, self.inst_id, self.name, name, pid, pid in pids)
            sga.update(
                connection,
                tables.Instance,
                {
                    "status": "OPEN",
                    "os_pid": os.getpid(),
                    "pid_space": signals.pid_space(),
                    "host": registration.host_name(),
                    "startup": sga.now(),
                },
                inst_id=self.inst_id,
            )

    def _fork_background(self, name: str) -> int:
        return self._fork(_sleep, registration.title(self.name, name))

    def _replace_shared(self, pid: int) -> None:
        """A dispatcher or shared server was killed: so are the sessions that it serves, and another one takes its place."""
        name = self._shared.pop(pid)
        served = ("NONE", "SHARED") if name == DISPATCHER else ("SHARED",)
        successor = self._fork_background(name)
        self._shared[successor] = name
        with self._memory() as connection, sga.write(connection):
            for row in sga.select(connection, tables.Session, inst_id=self.inst_id):
                if row.server in served:
                    cleanup.kill_process(connection, row)
            sga.update(
                connection,
                tables.Process,
                {"os_pid": successor, "spid": str(successor), "stid": str(successor)},
                inst_id=self.inst_id,
                pname=name,
            )

    # -- PMON

    def _reap(self) -> None:
        while True:
            try:
                pid, _status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._essential:
                # Without it an instance cannot go on; the kernel ends all its processes with this one.
                os._exit(1)
            if pid in self._shared:
                self._replace_shared(pid)
            else:
                self._bury(pid)

    def _bury(self, pid: int) -> None:
        """Clean up after a server process that has not done so itself; in a process of its own if that takes time."""
        with self._memory() as connection:
            if sga.get(connection, tables.Session, inst_id=self.inst_id, os_pid=pid) is None:
                return
            policies = Policies(connection)
            delay = policies["pmon_seconds"]
            undo = connection.execute(
                "SELECT sum(t.used_urec) FROM x_transaction t JOIN x_session s ON s.inst_id = t.inst_id AND s.sid = t.sid"
                " WHERE s.inst_id = ? AND s.os_pid = ?",
                (self.inst_id, pid),
            ).fetchone()[0]
            if delay == 0 and (undo or 0) <= policies["rollback_rate"] * transactions.STEP_SECONDS:
                _clean_up(connection, self.inst_id, pid)
                return
        self._fork(lambda: self._clean_up_later(pid, delay), registration.title(self.name, "P000"))

    def _clean_up_later(self, pid: int, delay: float) -> None:
        with self._memory() as connection:
            time.sleep(delay)
            _clean_up(connection, self.inst_id, pid)


def _clean_up(connection: sqlite3.Connection, inst_id: int, pid: int) -> None:
    policies = Policies(connection)
    for transaction_id in cleanup.bury(connection, inst_id, pid, policies):
        cleanup.recover(connection, transaction_id, policies)


def _note(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor tells the loop; a handler has to be there for that."""


def _sleep() -> None:
    while True:
        signal.pause()
