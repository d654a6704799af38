# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Database hosts: each is a machine of its own to those who log in, and leaves nothing on this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers import host_programs
from servers.actors import wait_until
from servers.host_files import GUEST, OPERATOR, OTHER_OWNER, OWNER, Account
from servers.hosts import DatabaseHosts, Host, HostError

from ..conftest import Play

Ansible = Callable[..., Play]
TESTS = Path(__file__).resolve().parents[2]


# ---- what a host is


def test_each_has_a_name_and_an_address_of_its_own(hosts: DatabaseHosts) -> None:
    for host in hosts:
        assert host.run("uname", "-n").stdout.strip() == host.name
        assert host.run("getent", "hosts", host.name).stdout.split() == [host.address, host.name]
        assert host.address in host.run("ip", "-brief", "address").stdout
    assert len({host.address for host in hosts}) == 2
    assert os.uname().nodename not in [host.name for host in hosts]


def test_a_process_id_means_one_process_on_each(hosts: DatabaseHosts) -> None:
    started = []
    for host in hosts:
        host.set_next_pid(20000)
        command = f"sleep {60 + len(started)} >/dev/null 2>&1 & echo $!"
        # The shell itself is the first process that starts, its child the second.
        pid = int(host.run("sh", "-c", command, user=OWNER).stdout)
        started.append((host, pid, f"sleep {60 + len(started)}"))
    (first, pid, title), (second, other_pid, other_title) = started
    assert pid == other_pid == 20001
    assert (first.processes()[pid], second.processes()[pid]) == (title, other_title)
    first.run("kill", "-KILL", str(pid))
    wait_until(lambda: pid not in first.processes(), what="the process to end")
    assert second.processes()[pid] == other_title
    second.run("kill", "-KILL", str(pid))


def test_a_host_sees_only_what_is_its_own(hosts: DatabaseHosts) -> None:
    for host in hosts:
        seen = host.run("ps", "-e", "-o", "pid=,args=").stdout
        assert str(TESTS) not in seen
        assert host.run("ls", "/tmp", "/home").stdout.split() == [
            "/home:", *sorted(each.name for each in (OWNER, OTHER_OWNER, OPERATOR, GUEST)), "/tmp:",
        ]  # fmt: skip
    first, second = hosts
    first.run("touch", "/tmp/mine", "/home/oracle/mine", user=OWNER)
    assert second.run("ls", "/tmp/mine", "/home/oracle/mine", check=False).stdout == ""
    assert not Path("/tmp/mine").exists()
    assert first.run("stat", "--format", "%U", "/home/oracle/mine").stdout == "oracle\n"
    first.run("rm", "/tmp/mine")


def test_the_accounts_are_on_the_hosts_only(hosts: DatabaseHosts) -> None:
    here = Path("/etc/passwd").read_text()
    for host in hosts:
        for account in (OWNER, OTHER_OWNER, OPERATOR, GUEST):
            assert host.run("id", "-un", user=account).stdout.strip() == account.name
    assert "database-hosts" not in here
    assert [line for line in here.splitlines() if line.startswith("deploy:")] == []


# ---- Ansible


@pytest.mark.parametrize("user", [OPERATOR, OWNER, OTHER_OWNER, GUEST], ids=lambda each: each.name)
def test_ansible_logs_in(hosts: DatabaseHosts, run_ansible: Ansible, user: Account) -> None:
    play = run_ansible(hosts.inventory(user), "all", "-m", "ansible.builtin.command", "-a", "id -un")
    assert play.code == 0, play.output
    assert play.output.splitlines().count(user.name) == 2


def test_ansible_finds_python(hosts: DatabaseHosts, run_ansible: Ansible) -> None:
    play = run_ansible(hosts.inventory(), "all", "-m", "ansible.builtin.ping")
    assert play.code == 0, play.output
    assert play.output.count("pong") == 2


def test_ansible_becomes_the_owner(hosts: DatabaseHosts, run_ansible: Ansible) -> None:
    become = ("--become", "--become-user", "oracle")
    play = run_ansible(hosts.inventory(), "all", *become, "-m", "ansible.builtin.command", "-a", "id -un")
    assert play.code == 0, play.output
    assert play.output.splitlines().count("oracle") == 2
    # sudo knows the name of the host that it runs on.
    assert "unable to resolve" not in play.output


@pytest.mark.parametrize(
    ("user", "become"), [(OPERATOR, "root"), (OPERATOR, "grid"), (GUEST, "oracle"), (OTHER_OWNER, "oracle")], ids=str
)
def test_nobody_becomes_what_he_may_not(hosts: DatabaseHosts, run_ansible: Ansible, user: Account, become: str) -> None:
    inventory = {"rac1": hosts["rac1"].variables(user)}
    play = run_ansible(inventory, "all", "--become", "--become-user", become, "-m", "ansible.builtin.ping")
    assert play.code != 0
    assert "sudo" in play.output


def test_a_host_that_is_not_reached(hosts: DatabaseHosts, run_ansible: Ansible) -> None:
    with hosts["rac2"].unreachable():
        play = run_ansible(hosts.inventory(), "all", "-m", "ansible.builtin.ping")
        assert "rac2 | UNREACHABLE!" in play.output
        assert play.output.count("pong") == 1
    play = run_ansible(hosts.inventory(), "all", "-m", "ansible.builtin.ping")
    assert (play.code, play.output.count("pong")) == (0, 2)


# ---- what is left


@dataclass(frozen=True)
class Traces:
    """What hosts have on this machine."""

    folder: Path
    addresses: list[str]
    # Process ids of the machine, with what tells them from later processes of the same id.
    processes: dict[int, str]

    @classmethod
    def of(cls, folder: str | Path, addresses: list[str], pids: list[int]) -> Traces:
        """``pids`` are the hosts' first processes."""
        spaces = {_space(pid) for pid in pids}
        inside = [int(name) for name in os.listdir("/proc") if name.isdigit() and _space(int(name)) in spaces]
        return cls(Path(folder), addresses, {pid: _start(pid) for pid in inside})

    def found(self) -> list[str]:
        """What is still there, in words."""
        there = _networks()
        return [
            *(f"address {address}" for address in self.addresses if address in there),
            *(f"process {pid}" for pid, start in self.processes.items() if start == _start(pid)),
            *([str(self.folder)] if self.folder.exists() else []),
        ]


def _networks() -> list[str]:
    """All words that this machine says of its addresses."""
    shown = subprocess.run(["ip", "address"], capture_output=True, text=True, check=True).stdout
    return shown.replace("/", " ").split()


def _count(host: Host, title: str) -> int:
    return list(host.processes().values()).count(title)


def _space(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def _start(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def traces_of(hosts: DatabaseHosts) -> Traces:
    return Traces.of(hosts.folder, [host.address for host in hosts], [host.pid for host in hosts])


@pytest.fixture
def nothing_changed() -> Iterator[None]:
    """In the files of this machine that are about accounts and names."""
    files = [Path("/etc", name) for name in ("passwd", "shadow", "group", "sudoers", "hosts")]
    before = [file.read_text() for file in files]
    namespaces = os.listdir("/run/netns") if Path("/run/netns").exists() else None
    yield
    assert [file.read_text() for file in files] == before
    assert (os.listdir("/run/netns") if Path("/run/netns").exists() else None) == namespaces


@pytest.mark.usefixtures("hosts", "nothing_changed")
def test_the_end_leaves_nothing() -> None:
    with DatabaseHosts() as hosts:
        # One that nobody waits for, and one that has made itself independent of who started it.
        for command in ("sleep 1000 >/dev/null 2>&1 &", "setsid sh -c 'trap \"\" TERM; sleep 1000' >/dev/null 2>&1 &"):
            hosts["rac1"].run("sh", "-c", command, user=OWNER)
        wait_until(lambda: _count(hosts["rac1"], "sleep 1000") == 2, what="both processes")
        traces = traces_of(hosts)
        # Two first processes, two sshd, those two and the shell of one of them; two addresses, one folder.
        assert len(traces.found()) == 10
    wait_until(lambda: not traces.found(), what="nothing to be left")


@pytest.mark.usefixtures("hosts", "nothing_changed")
def test_an_exception_leaves_nothing() -> None:
    found = []
    with pytest.raises(ZeroDivisionError), DatabaseHosts() as hosts:
        found.append(traces_of(hosts))
        raise ZeroDivisionError
    wait_until(lambda: not found[0].found(), what="nothing to be left")


@pytest.mark.usefixtures("hosts", "nothing_changed")
@pytest.mark.parametrize(
    ("part", "broken", "message"),
    [
        ("_FIRST_PROCESS", "echo something is missing >&2; exit 1", "rac1 did not start: something is missing"),
        ("_SSHD_CONFIG", "NoSuchOption yes\n", "sshd on rac1 did not start: .*NoSuchOption"),
    ],
    ids=["first process", "sshd"],
)
def test_a_host_that_does_not_start_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, part: str, broken: str, message: str
) -> None:
    monkeypatch.setattr(f"servers.host_files.{part}", broken)
    hosts = DatabaseHosts()
    with pytest.raises(HostError, match=message):
        hosts.start()
    assert not hosts.folder.exists()
    assert not any(host.address and host.address in _networks() for host in hosts)
    assert not any(Path(f"/proc/{host.pid}").exists() for host in hosts if host.pid)


@pytest.mark.usefixtures("nothing_changed")
def test_a_killed_run_leaves_its_folder_only(hosts: DatabaseHosts) -> None:
    script = (
        "import signal, json\nfrom servers.hosts import DatabaseHosts\nwith DatabaseHosts() as hosts:\n"
        "    about = [[host.address for host in hosts], [host.pid for host in hosts], str(hosts.folder)]\n"
        "    print(json.dumps(about), flush=True)\n    signal.pause()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(TESTS)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    addresses, pids, folder = json.loads(process.stdout.readline())
    traces = Traces.of(folder, addresses, pids)
    assert len(traces.found()) == 7
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: traces.found() == [folder], what="the hosts to end")
    # The next run removes it, and leaves those of others alone.
    with DatabaseHosts("rac1"):
        assert not Path(folder).exists()
    assert hosts.folder.exists()


def test_two_at_a_time_do_not_meet(hosts: DatabaseHosts, run_ansible: Ansible) -> None:
    with DatabaseHosts() as others:
        assert {host.address for host in hosts}.isdisjoint(host.address for host in others)
        inventory = hosts.inventory() | {f"other_{name}": each for name, each in others.inventory().items()}
        play = run_ansible(inventory, "all", "-m", "ansible.builtin.ping")
        assert (play.code, play.output.count("pong")) == (0, 4), play.output
    play = run_ansible(hosts.inventory(), "all", "-m", "ansible.builtin.ping")
    assert (play.code, play.output.count("pong")) == (0, 2), play.output


# ---- where there can be none


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        (["unshare", "--user"], "need root"),
        (["setpriv", "--bounding-set=-sys_admin"], "need CAP_SYS_ADMIN and CAP_NET_ADMIN"),
        (["setpriv", "--bounding-set=-net_admin"], "need CAP_SYS_ADMIN and CAP_NET_ADMIN"),
    ],
    ids=["not root", "no namespaces", "no network"],
)
def test_why_there_can_be_none(hosts: DatabaseHosts, without: list[str], reason: str) -> None:
    script = "from servers.host_programs import why_not; print(why_not())"
    done = subprocess.run(
        [*without, sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert reason in done.stdout
    assert host_programs.why_not() is None


def test_what_is_missing_and_cannot_be_installed_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test run that may have hosts must not skip them."""
    monkeypatch.setattr(host_programs, "_PATH", str(tmp_path))
    with pytest.raises(host_programs.NotInstalled, match=r"openssh-server.* there is no apt-get"):
        DatabaseHosts().start()
