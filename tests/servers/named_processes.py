# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes that carry the names of Oracle's: the victims and the bystanders of tests that send signals.

They are programs of the system that wait for the end of their input, started under another name. So they take no Oracle,
no compiler and no rights, and end with whoever started them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .actors import wait_until

NOBODY = 65534
# Calls itself by its first argument, has a thread for each further one that calls itself by that, and says their ids.
_THREADS = """
import os, sys, threading, setproctitle
def work(name):
    setproctitle.setthreadtitle(name)
    os.write(1, b"%d\\n" % threading.get_native_id())
    threading.Event().wait()
setproctitle.setproctitle(sys.argv[1])
for name in sys.argv[2:]:
    threading.Thread(target=work, args=[name], daemon=True).start()
sys.stdin.read()
"""

# CLONE_VFORK without CLONE_VM: the child has its own memory, and the parent waits for it in the kernel.
# It handles SIGTERM, as a server process does: a signal that would end it at once counts as SIGKILL there.
_IN_THE_KERNEL = """
import ctypes, os, signal, sys, setproctitle
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
setproctitle.setproctitle(sys.argv[1])
print(os.getpid(), flush=True)
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0x4000 | 17, 0, 0, 0, 0) == 0:
    sys.stdin.read()
    os._exit(0)
"""
# At SIGTERM it takes another name, as empty as that of a process that is giving back its memory, and goes on.
_RENAMED = """
import os, signal, sys, setproctitle
setproctitle.setproctitle(sys.argv[1])
signal.signal(signal.SIGTERM, lambda number, frame: setproctitle.setproctitle(sys.argv[2]))
print(os.getpid(), flush=True)
while sys.stdin.readline():
    pass
"""
# A child that has just been forked has its parent's name.
_FORKED = """
import os, sys, setproctitle
setproctitle.setproctitle(sys.argv[1])
if child := os.fork():
    print(child, flush=True)
sys.stdin.read()
"""
_UNNOTICED = """
import os, sys, setproctitle
child = os.fork()
if child == 0:
    setproctitle.setproctitle(sys.argv[1])
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(child, flush=True)
sys.stdin.read()
"""


def server_name(oracle_sid: str) -> str:
    return f"oracle{oracle_sid} (LOCAL=NO)"


class NamedProcess:
    """A running process; ``pid`` is its own, not that of something around it."""

    def __init__(self, process: subprocess.Popen[Any], pid: int | None = None) -> None:
        self.process = process
        self.pid = process.pid if pid is None else pid
        # Popen may be back before the new program has its command line.
        wait_until(lambda: self.state() in ("Z", "X", None) or self.title(), what=f"a name of process {self.pid}")

    def state(self) -> str | None:
        """The letter that ps shows; None when there is no such process."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return None

    def title(self) -> str:
        """Its command line; empty when there is no such process."""
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def alive(self) -> bool:
        """Whether it runs; one that has ended and was not collected does not."""
        return self.state() not in (None, "Z", "X")

    def ended_by(self) -> int | None:
        """The signal that ended it; None while it runs."""
        code = self.process.poll()
        return None if code is None else -code

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()


class Cast:
    """Starts processes and ends them all. ``folder`` holds what they are made from.

    ``rename`` makes their names such that nobody else's processes on this machine have them, which tests look for, too.
    """

    def __init__(self, folder: Path, rename: Callable[[str], str] = str) -> None:
        self._folder = folder
        self._rename = rename
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def keep(self, process: NamedProcess) -> NamedProcess:
        return self._stack.enter_context(process)

    def start(
        self, name: str, *, program: str | None = None, uid: int | None = None, deaf: bool = False
    ) -> NamedProcess:
        """A process of this name. A ``deaf`` one ignores SIGTERM, as what is ignored stays so over exec."""
        process = subprocess.Popen(
            [self._rename(name)],
            executable=program or shutil.which("cat"),
            stdin=subprocess.PIPE,
            user=uid,
            group=uid,
            preexec_fn=_ignore_term if deaf else None,
        )
        return self.keep(NamedProcess(process))

    def start_split(self, *words: str) -> NamedProcess:
        """One whose name is several arguments, as a listener writes it: a shell that reads a script of that name."""
        (self._folder / words[1]).write_text("read line\n")
        renamed = [self._rename(word) for word in words]
        process = subprocess.Popen(renamed, executable="/bin/sh", cwd=self._folder, stdin=subprocess.PIPE)
        return self.keep(NamedProcess(process))

    def start_threads(self, name: str, *threads: str) -> tuple[NamedProcess, list[int]]:
        """A process with threads of these names besides its first one, and their ids."""
        return self._start_script(_THREADS, len(threads), name, *threads)

    def start_in_the_kernel(self, name: str) -> NamedProcess:
        """One in a system call that nothing but SIGKILL interrupts: it waits for a child to run a program, which never does."""
        started, _ids = self._start_script(_IN_THE_KERNEL, 1, name)
        wait_until(lambda: started.state() == "D", what=f"an uninterruptible {name}")
        return started

    def start_renamed(self, name: str, later: str) -> NamedProcess:
        """One that calls itself otherwise when it gets SIGTERM, and goes on."""
        started, _ids = self._start_script(_RENAMED, 1, name, later)
        return started

    def start_forked(self, name: str) -> tuple[NamedProcess, NamedProcess]:
        """One with a child of the same name."""
        started, (child,) = self._start_script(_FORKED, 1, name)
        return started, NamedProcess(started.process, child)

    def start_unnoticed(self, name: str) -> NamedProcess:
        """One that has ended and that its parent does not collect."""
        started, (child,) = self._start_script(_UNNOTICED, 1, name)
        return NamedProcess(started.process, child)

    def _start_script(self, script: str, numbers: int, *arguments: str) -> tuple[NamedProcess, list[int]]:
        renamed = [self._rename(argument) for argument in arguments]
        process = subprocess.Popen(
            [sys.executable, "-c", script, *renamed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started = self.keep(NamedProcess(process))
        assert process.stdout is not None
        return started, [int(process.stdout.readline()) for _number in range(numbers)]

    def copy_of_program(self, name: str, owner: int | None = None) -> str:
        """The path of a program of its own that does the same as the others, and with an owner runs as that user."""
        folder = self._folder / "bin"
        folder.mkdir(exist_ok=True)
        os.chmod(self._folder, 0o755)
        source = shutil.which("cat")
        assert source is not None
        path = shutil.copy(source, folder / name)
        if owner is not None:
            os.chown(path, owner, owner)
            os.chmod(path, 0o4755)
        return path


def _ignore_term() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def in_a_namespace(mount_proc: bool = True) -> list[str]:
    """The command in front of one that is to be PID 1 of a PID namespace of its own, which ends with it."""
    return ["unshare", "--pid", "--fork", "--kill-child", *["--mount-proc"] * mount_proc]


def why_no_namespaces() -> str | None:
    """Why no PID namespace can be made here; None when one can."""
    tried = subprocess.run([*in_a_namespace(), "true"], check=False, stderr=subprocess.PIPE, text=True)
    return tried.stderr.strip() or "unshare fails" if tried.returncode else None


def age(pid: int) -> float:
    """How many seconds ago a process started."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return float(Path("/proc/uptime").read_text().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
