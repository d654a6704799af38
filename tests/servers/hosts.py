# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Database hosts: machines within this machine, each with a name, a network, process ids, accounts, sshd and sudo.

A host is a set of Linux namespaces. Its first process waits for the end of its standard input, and with that process the
kernel ends all others of the host, its namespaces and its link: nothing is left, however the tests end. Accounts and
sudoers are files that only the host sees in the place of the machine's; so are its /home, /tmp and /run. All else of the
file system is the machine's.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from . import host_programs
from .actors import wait_until
from .host_files import OPERATOR, OWNER, SSH_PORT, Account, make_files
from .oracle.instance import die_with
from .oracle.place import Place

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_SUBNETS = 256 * 256
_TRIES = 20
# Keys and the files that only the hosts see are kept in memory; the file that says which run a folder belongs to.
_MEMORY, _FOLDER_PREFIX, _RUN = Path("/dev/shm"), "database-hosts-", "pid"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_T = TypeVar("_T")


class HostError(Exception):
    """A host did not start; the text says why."""


class Host:
    """One of :class:`DatabaseHosts`. ``pid`` is its first process, as the machine numbers it."""

    def __init__(self, name: str, key: Path) -> None:
        self.name = name
        self.key = key
        self.address = ""
        self.pid = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def place(self) -> Place:
        """Where the stand-in for Oracle Database is to run an instance, as the software owner."""
        return Place(self.address, self.pid, OWNER.uid, OWNER.gid)

    def variables(self, user: Account = OPERATOR) -> dict[str, Any]:
        """What Ansible's inventory has to say of it; ``user`` logs in."""
        alone = "-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        return {
            "ansible_connection": "ssh",
            "ansible_host": self.address,
            "ansible_port": SSH_PORT,
            "ansible_user": user.name,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"{alone} -o IdentitiesOnly=yes -o ConnectTimeout=10",
            # A connection that is kept for the next task would outlive the host.
            "ansible_ssh_args": "-o ControlMaster=no",
            # The files of one account cannot be read by another one that it becomes.
            "ansible_pipelining": True,
            "ansible_remote_tmp": "~/.ansible/tmp",
            "ansible_python_interpreter": "/usr/bin/python3",
        }

    def run(self, *command: str, user: Account | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on the host, as root or as ``user``, with its output as text."""
        home = f"/home/{user.name}" if user else "/root"
        return subprocess.run(
            [
                *(host_programs.path_of("nsenter") or "nsenter", "--target", str(self.pid)),
                *("--mount", "--uts", "--net", "--pid"),
                *(("--setuid", str(user.uid), "--setgid", str(user.gid)) if user else ()),
                *("--", *command),
            ],
            env={"PATH": _PATH, "HOME": home, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=check,
        )

    def processes(self) -> dict[int, str]:
        """All that run on the host, without zombies: what each calls itself, by process ids of the host."""
        found = {}
        for folder in self.place.proc.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                title = (folder / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
                if title:
                    found[int(folder.name)] = title
        return found

    def set_next_pid(self, pid: int) -> None:
        """The next process that starts on the host gets this id, or the first one behind it that is free."""
        self.run("sh", "-c", f"echo {pid - 1} > /proc/sys/kernel/ns_last_pid")

    def start_as(self, pid: int, start: Callable[[], _T], pid_of: Callable[[_T], int]) -> _T:
        """What ``start`` returns, once the process that it starts on the host has this id. Others may come between; what
        they have got is the caller's to close.
        """
        for _often in range(_TRIES):
            self.set_next_pid(pid)
            started = start()
            if pid_of(started) == pid:
                return started
        raise HostError(f"{self.name} started no process with the id {pid}")

    # -- sshd

    def start_ssh(self) -> None:
        sshd = host_programs.path_of("sshd") or "sshd"
        # It goes to the background by itself.
        done = self.run(sshd, "-f", "/run/host/sshd_config", "-E", "/run/sshd.log", check=False)
        if done.returncode:
            raise HostError(f"sshd on {self.name} did not start: {self.run('cat', '/run/sshd.log').stdout.strip()}")
        wait_until(self._answers, what=f"sshd on {self.name}")

    def stop_ssh(self) -> None:
        """Nobody gets in any more; who is in stays."""
        self.run("sh", "-c", "kill $(cat /run/sshd.pid)")
        wait_until(lambda: not self._answers(), what=f"the end of sshd on {self.name}")

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """For Ansible; the database on it goes on."""
        self.stop_ssh()
        try:
            yield
        finally:
            self.start_ssh()

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((self.address, SSH_PORT), timeout=_START_SECONDS) as ssh,
        ):
            return ssh.recv(4) == b"SSH-"
        return False

    # -- its life

    def begin(self, files: Path) -> None:
        """Start the first process; the host then waits for :meth:`join`."""
        parent = os.getpid()
        self._process = subprocess.Popen(
            [
                *(host_programs.path_of("unshare") or "unshare", "--net", "--uts", "--mount", "--pid", "--fork"),
                *("--kill-child", "--", "bash", str(files / "first_process"), self.name, str(files)),
            ],
            env={"PATH": _PATH},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: die_with(parent),
        )
        self.pid = int(self._hear())

    def join(self, address: str, gateway: str) -> None:
        """Be reached at an address, from ``gateway`` only; the link is there already."""
        self.address = address
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{address} {gateway}\n")
        self._process.stdin.flush()
        self._hear()
        self.start_ssh()

    def _hear(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise HostError(f"{self.name} did not start: {self._process.communicate()[1].strip()}")
        return line.strip()

    def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            # The end of its standard input is the end of its first process, and so of all.
            process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate(timeout=_STOP_SECONDS)


class DatabaseHosts:
    """Hosts on a network of their own that this machine, and nobody else, is on. Use it as a context manager.

    ``host_programs.why_not()`` says whether there can be any here.
    """

    def __init__(self, *names: str) -> None:
        self._names = names or ("rac1", "rac2")
        self.folder = Path()
        self._subnet = 0
        self._links: list[str] = []
        self.hosts: list[Host] = []

    def __getitem__(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the stand-in for Oracle Database is to run its instances: ``OracleServer(instances=2, places=...)``."""
        return tuple(host.place for host in self.hosts)

    def inventory(self, user: Account = OPERATOR) -> dict[str, dict[str, Any]]:
        """All hosts for Ansible's inventory, by name."""
        return {host.name: host.variables(user) for host in self.hosts}

    def start(self) -> Self:
        """Bring them up and return once one can log in."""
        host_programs.install()
        parent = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
        _remove_stale_folders(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=parent))
        try:
            (self.folder / _RUN).write_text(str(os.getpid()))
            key, files = self.folder / "key", self.folder / "files"
            make_files(files, key)
            self.hosts = [Host(name, key) for name in self._names]
            for host in self.hosts:
                host.begin(files)
            for number, host in enumerate(self.hosts):
                self._link(number, host)
                host.join(self._address(11 + number), self._address(1))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all of them, with all that runs on them."""
        for host in self.hosts:
            host.end()
        for link in self._links:
            # The kernel removes it with its other end, a little later.
            _ip("link", "delete", link, check=False)
        self._links.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- the network

    def _address(self, number: int) -> str:
        return f"10.{self._subnet // 256}.{self._subnet % 256}.{number}"

    def _link(self, number: int, host: Host) -> None:
        """Join a host to this machine. The first link has the number of the subnet in its name, which takes the subnet."""
        taken = [] if number else _networks()
        while True:
            if not number:
                self._subnet = random.randrange(_SUBNETS)
                own = ipaddress.ip_network(f"{self._address(0)}/24")
                if any(own.overlaps(network) for network in taken):
                    continue
            name = f"dbh{self._subnet}-{number}"
            done = _ip(
                *("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(host.pid)), check=False
            )
            if not done.returncode:
                break
            if number or "exists" not in done.stderr:
                raise HostError(f"no link to {host.name}: {done.stderr.strip()}")
        self._links.append(name)
        _ip("address", "add", self._address(1), "peer", self._address(11 + number), "dev", name)
        _ip("link", "set", name, "up")


def _ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [host_programs.path_of("ip") or "ip", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=check)


def _networks() -> list[ipaddress.IPv4Network]:
    """Those that this machine has routes to; wide ones do not count, as ours go before them."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all").stdout)
    found = [ipaddress.ip_network(route["dst"]) for route in routes if route["dst"][:1].isdigit()]
    return [network for network in found if isinstance(network, ipaddress.IPv4Network) and network.prefixlen > 8]


def _remove_stale_folders(parent: Path) -> None:
    """Those of runs that were killed."""
    for folder in parent.glob(f"{_FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if not Path("/proc", str(int((folder / _RUN).read_text()))).exists():
                shutil.rmtree(folder, ignore_errors=True)
