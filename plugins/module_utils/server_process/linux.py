# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The processes of a Linux host: read from /proc, held on to by a pidfd, sent signals. Decides nothing."""

import contextlib
import errno
import os
import pwd
import re
import select
import signal
import time

from .proof import Here, Process

_STARTED_BY_THE_KERNEL = 0x00200000
_TICKS = os.sysconf("SC_CLK_TCK")
# As /proc/PID/stat counts. Containers may show another /proc/uptime, but this clock is everybody's.
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", 7)
# Linux gives new system calls one number on all machines; some old kinds of machine differ, which no database runs on.
_ALIKE = ("x86_64", "aarch64", "ppc64le", "s390x")
_PIDFD_SEND_SIGNAL, _PIDFD_OPEN = 424, 434
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)


class Unreadable(Exception):
    """What would prove or refute something cannot be read: one sentence with the cure."""


def look_around():
    """Where and when we look. A /proc of another PID namespace has other processes by the numbers that signals take."""
    try:
        shown = os.readlink("/proc/self")
    except OSError as error:
        raise Unreadable(f"this takes the /proc of Linux, which is not there ({error.strerror})") from error
    if shown != str(os.getpid()):
        raise Unreadable("/proc shows another PID namespace than the one that this runs in; mount the own one there")
    ourselves = set()
    pid = os.getpid()
    # An ancestor that has ended, or that /proc hides, is none that we could hit.
    with contextlib.suppress(OSError):
        while pid and pid not in ourselves:
            ourselves.add(pid)
            pid = int(_status(pid)["PPid"])
    return Here(os.uname().nodename, time.clock_gettime(_SINCE_BOOT), frozenset(ourselves))


def uid_of(owner):
    """The uid of a name or of digits; None when there is no such user."""
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError:
        return int(owner) if _DIGITS.fullmatch(owner) else None


def titles():
    """The command lines of all processes that we may see, by PID."""
    found = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            found[pid] = _title(pid)
    return found


def find_pmons(oracle_sid, by_pid):
    """The processes, among these command lines, that are PMON of an instance of that name; there may be several."""
    wanted = f"ora_pmon_{oracle_sid}"
    read_again = [read(pid) for pid, title in by_pid.items() if title == wanted]
    found = [each for each in read_again if each and each.title == wanted]
    # A process that was just forked has its parent's name until it becomes another program.
    return [each for each in found if each.parent not in [other.pid for other in found]]


def find(spid, pmon):
    """Our number for the process that is `spid` in the PID namespace of its PMON; None when there is none."""
    if pmon is None or not pmon.namespace:
        return spid
    pids = _pids()
    inside = [pid for pid in pids if _is(pid, spid, pmon.namespace)]
    if inside:
        return inside[0]
    # A number that no process has may be that of a thread.
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            for thread in map(int, os.listdir(f"/proc/{pid}/task")):
                if thread != pid and _is(thread, spid, pmon.namespace):
                    return thread
    return None


def _is(pid, spid, namespace):
    try:
        numbers = _numbers(_status(pid))
        return len(numbers) > 1 and numbers[-1] == spid and _namespace(pid) == namespace
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError as error:
        raise _unreadable(pid) from error


def read(pid):
    """The process, or thread, as it is now; None when there is none."""
    for _attempt in range(3):
        try:
            _flags, started = _stat(pid)
            process = _read(pid)
            if process.started == started / _TICKS:
                return process
            # It ended while it was read, and another one has its PID.
        except (FileNotFoundError, ProcessLookupError):
            if not _exists(pid):
                return None
            # It was about to end, or /proc hides it.
        except PermissionError as error:
            raise _unreadable(pid) from error
    raise _unreadable(pid)


def _read(pid):
    status = _status(pid)
    state = status["State"][0]
    numbers = _numbers(status)
    comms = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            comms.append(_text(f"/proc/{pid}/task/{thread}/comm").rstrip("\n"))
    uid = int(status["Uid"].split()[1])
    # Last, so that all before is known to be of one process when this is what it was before.
    title, program = _title(pid), _program(pid)
    namespace = _namespace(pid) if len(numbers) > 1 and state not in "ZX" else ""
    flags, started = _stat(pid)
    return Process(
        pid=pid,
        leader=int(status["Tgid"]),
        parent=int(status["PPid"]),
        numbers=numbers,
        namespace=namespace,
        title=title,
        comm=status["Name"],
        threads=tuple(comms),
        uid=uid,
        user=_user(uid),
        state=state,
        started=started / _TICKS,
        kernel=bool(flags & _STARTED_BY_THE_KERNEL),
        program=program,
    )


def _pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _status(pid):
    lines = (line.partition(":") for line in _text(f"/proc/{pid}/status").splitlines())
    return {name: value.strip() for name, _colon, value in lines}


def _numbers(status):
    if "NSpid" not in status:
        raise Unreadable("this kernel does not tell PID namespaces apart; it takes Linux 4.1 or later")
    return tuple(map(int, status["NSpid"].split()))


def _namespace(pid):
    return os.readlink(f"/proc/{pid}/ns/pid")


def _stat(pid):
    """Its flags, and its start in ticks since that of the machine; its name in front may hold anything."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[6]), int(fields[19])


def _title(pid):
    return _text(f"/proc/{pid}/cmdline").rstrip("\0 ").replace("\0", " ")


def _program(pid):
    """Path, device and inode; None where we may not know."""
    try:
        path, file = os.readlink(f"/proc/{pid}/exe"), os.stat(f"/proc/{pid}/exe")
    except OSError:
        return None
    return path[: -len(" (deleted)")] if path.endswith(" (deleted)") else path, file.st_dev, file.st_ino


def _user(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _unreadable(pid):
    return Unreadable(f"/proc/{pid} cannot be read by {_user(os.geteuid())}; run this with become: true")


class Held:
    """A process that stays the same one, whatever becomes of its number.

    Where the kernel has no pidfd, it is known by its start, which is looked at again right before each signal.
    """

    def __init__(self, pid):
        self.pid = pid
        self.started = None
        self._open = contextlib.ExitStack()
        self._fd = None
        open_pidfd, self._send = _pidfd_calls()
        if open_pidfd is None:
            return
        try:
            self._fd = open_pidfd(pid, 0)
        except OSError as error:
            # Those are what kernels without it and sandboxes say, and kernels that are asked for a thread.
            if error.errno not in (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.ENOENT):
                raise
        else:
            self._open.callback(os.close, self._fd)

    @property
    def by_pidfd(self):
        return self._fd is not None

    def ended(self):
        """Whether it has ended; what its parent has not noticed yet counts as ended."""
        if self._fd is not None:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            return bool(poll.poll(0))
        now = read(self.pid)
        return now is None or now.ended() or self.started not in (None, now.started)

    def send(self, name):
        """Raises ProcessLookupError when it has ended."""
        number = getattr(signal, f"SIG{name}")
        if self.ended():
            raise ProcessLookupError
        if self._fd is None:
            os.kill(self.pid, number)
        else:
            self._send(self._fd, number, None, 0)

    def close(self):
        self._open.close()


def _pidfd_calls():
    """The system calls pidfd_open and pidfd_send_signal, which Python has since 3.9, and kernels have before that."""
    own = getattr(os, "pidfd_open", None), getattr(signal, "pidfd_send_signal", None)
    if all(own):
        return own
    if os.uname().machine not in _ALIKE:
        return None, None
    try:
        import ctypes

        system_call = ctypes.CDLL(None, use_errno=True).syscall
    except (ImportError, OSError, AttributeError):
        return None, None
    system_call.restype = ctypes.c_long

    def call(number, *arguments):
        result = system_call(ctypes.c_long(number), *map(ctypes.c_long, arguments))
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    return (
        lambda pid, flags: call(_PIDFD_OPEN, pid, flags),
        lambda fd, number, _info, flags: call(_PIDFD_SEND_SIGNAL, fd, number, 0, flags),
    )
