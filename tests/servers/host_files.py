# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database host has in the place of this machine's files: accounts, sudoers, the set-up of sshd; and its start."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import host_programs

SSH_PORT = 22


@dataclass(frozen=True)
class Account:
    """``sudo`` is the account that it may become with sudo, without a password; everybody may log in with the key."""

    name: str
    uid: int
    gid: int
    sudo: str | None = None


OWNER = Account("oracle", 54321, 54321)
OTHER_OWNER = Account("grid", 54331, 54321)
OPERATOR = Account("deploy", 54341, 54341, sudo="oracle")
GUEST = Account("guest", 54351, 54351)
ACCOUNTS = (OWNER, OTHER_OWNER, OPERATOR, GUEST)
_GROUPS = {"oinstall": 54321, "deploy": 54341, "guest": 54351}

_SSHD_CONFIG = f"""\
Port {SSH_PORT}
HostKey /run/host/host_key
AuthorizedKeysFile /run/host/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
"""

# The first process of a host: bash, as it collects the children that others leave behind. It tells the number that the
# machine knows it by, is told its address, and waits for the end of its standard input.
_FIRST_PROCESS = """\
set -eu
umask 022
name=$1 files=$2
read -r pid _ < /proc/self/stat
mount -t proc proc /proc
echo "$name" > /proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd /run/host
cp -p "$files"/* /run/host
mount -t tmpfs -o mode=755 tmpfs /home
mount -t tmpfs -o mode=1777 tmpfs /tmp
for file in passwd shadow group sudoers; do
  mount --bind "/run/host/$file" "/etc/$file"
done
while read -r user uid gid; do
  mkdir -p -m 700 "/home/$user/.ansible/tmp"
  chown -R "$uid:$gid" "/home/$user"
  chmod -R go= "/home/$user"
done < /run/host/homes
echo "$pid"
read -r address gateway
printf '127.0.0.1 localhost\\n%s %s\\n' "$address" "$name" > /run/host/hosts
mount --bind /run/host/hosts /etc/hosts
ip link set lo up
ip address add "$address" peer "$gateway" dev eth0
ip link set eth0 up
echo ready
while read -r _; do :; done
"""


def make_files(folder: Path, key: Path) -> None:
    """Make them in a new folder; whoever has ``key`` may log in."""
    folder.mkdir()
    for file in (key, folder / "host_key"):
        keygen = host_programs.path_of("ssh-keygen") or "ssh-keygen"
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)
    (folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
    (folder / "sshd_config").write_text(_SSHD_CONFIG)
    (folder / "first_process").write_text(_FIRST_PROCESS)
    passwd = [f"{each.name}:x:{each.uid}:{each.gid}::/home/{each.name}:/bin/bash" for each in ACCOUNTS]
    _add(Path("/etc/passwd"), folder, passwd)
    # "*": nobody's password, and not the "!" of a locked account, which sshd refuses.
    _add(Path("/etc/shadow"), folder, [f"{each.name}:*:19000:0:99999:7:::" for each in ACCOUNTS]).chmod(0o600)
    _add(Path("/etc/group"), folder, [f"{name}:x:{gid}:" for name, gid in _GROUPS.items()])
    (folder / "homes").write_text("".join(f"{each.name} {each.uid} {each.gid}\n" for each in ACCOUNTS))
    for name in ("authorized_keys", "passwd", "group"):
        (folder / name).chmod(0o644)
    sudoers = folder / "sudoers"
    sudoers.write_text(
        "Defaults env_reset, lecture=never\nroot ALL=(ALL:ALL) ALL\n"
        + "".join(f"{each.name} ALL=({each.sudo}) NOPASSWD: ALL\n" for each in ACCOUNTS if each.sudo)
    )
    sudoers.chmod(0o440)


def _add(original: Path, folder: Path, lines: Sequence[str]) -> Path:
    """The machine's file with lines of ours, which take the place of those that begin with the same names."""
    names = {line.partition(":")[0] for line in lines}
    kept = [line for line in original.read_text().splitlines() if line.partition(":")[0] not in names]
    file = folder / original.name
    file.write_text("\n".join([*kept, *lines, ""]))
    return file
