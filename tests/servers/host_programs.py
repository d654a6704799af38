# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What database hosts need of this machine: the right to make namespaces, and programs, which Debian's packages bring."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# What the hosts call, and the package that it comes from.
_PROGRAMS = {
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sudo": "sudo",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "/usr/bin/python3": "python3",
}
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_CAP_NET_ADMIN, _CAP_SYS_ADMIN = 12, 21
# Whoever is asked before a package starts a service, and the answer "no" (Debian Policy, invoke-rc.d).
_SERVICES, _NONE = Path("/usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n"
_APT_SECONDS = 600.0


class NotInstalled(Exception):
    """A program is missing and could not be installed."""


def path_of(program: str) -> str | None:
    return shutil.which(program, path=_PATH)


@functools.cache
def why_not() -> str | None:
    """Why this machine does not let us make database hosts; None where it does."""
    if sys.platform != "linux":
        return "database hosts are made of Linux's namespaces"
    if os.geteuid() != 0:
        return "database hosts need root, to make namespaces"
    status = Path("/proc/self/status").read_text()
    held = int(status.partition("CapEff:")[2].split()[0], 16)
    if not (held >> _CAP_SYS_ADMIN & 1 and held >> _CAP_NET_ADMIN & 1):
        return "database hosts need CAP_SYS_ADMIN and CAP_NET_ADMIN, which this container does not have"
    if unshare := path_of("unshare"):
        probe = [unshare, "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "true"]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"database hosts need namespaces, which are not permitted here: {done.stderr.strip()}"
    return None


def _missing() -> list[str]:
    return sorted({package for program, package in _PROGRAMS.items() if not path_of(program)})


def install() -> None:
    """Install the packages of all programs that are missing; no service is started, now or when the machine starts."""
    if not _missing():
        return
    with _alone():
        if not (packages := _missing()):
            return
        if not (program := path_of("apt-get")):
            raise NotInstalled(
                f"database hosts need {', '.join(packages)}, and there is no apt-get to install them with"
            )
        apt = [program, "-qq", "-o", "DPkg::Lock::Timeout=120"]
        with _without_services():
            _run(*apt, "update")
            _run(*apt, "install", "-y", "--no-install-recommends", *packages)
        if (
            "openssh-server" in packages
            and (systemctl := path_of("systemctl"))
            and Path("/run/systemd/system").exists()
        ):
            _run(systemctl, "disable", "--now", "ssh.service", "ssh.socket")
        if missing := _missing():
            raise NotInstalled(
                f"apt-get has installed {', '.join(packages)}, and still there is no {', '.join(missing)}"
            )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One test run at a time."""
    with open(Path(tempfile.gettempdir()) / "database-hosts.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _without_services() -> Iterator[None]:
    if _SERVICES.exists():
        yield
        return
    _SERVICES.write_text(_NONE)
    _SERVICES.chmod(0o755)
    try:
        yield
    finally:
        _SERVICES.unlink()


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": _PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_APT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise NotInstalled(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
