# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the acts of the demo share: the real commands, run and shown as a user would type them, and the verdict."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from servers.actors import wait_until

COLLECTIONS = Path(__file__).resolve().parents[2] / ".work" / "collections"
BOLD, GREEN, RED, DIM, PLAIN = (f"\x1b[{code}m" if sys.stdout.isatty() else "" for code in (1, 32, 31, 2, 0))


class Actor(Protocol):
    """A session of either database."""

    @property
    def id(self) -> int:
        """Its number in the session list."""


@dataclass
class Role:
    """One session of the play: what it is, and whether it has what it deserves when all is over."""

    who: str
    session: Actor
    fate: str
    deserved: Callable[[], bool]


class Stage:
    """Runs the real commands and shows them as a user would type them."""

    def __init__(self, host: str, inventory: str, policy: str, folder: Path) -> None:
        self.host = host
        self.inventory = folder / "inventory.yml"
        self.inventory.write_text(inventory)
        self.policy = folder / "policy.yml"
        self.policy.write_text(policy)
        self.env = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
            ANSIBLE_CALLBACK_RESULT_FORMAT="json",
            ANSIBLE_FORCE_COLOR="false",
        )

    def play(self, name: str, *more: str) -> int | None:
        """Runs a playbook of the collection; the number of changed tasks, None when it failed."""
        shown = " ".join(more).replace(str(self.policy), self.policy.name)
        print(f"{DIM}$ ansible-playbook -i inventory.yml dbops.oracle_sessions.{name} {shown}".rstrip() + PLAIN)
        done = self._run("ansible-playbook", "-i", str(self.inventory), f"dbops.oracle_sessions.{name}", *more)
        print(messages(self.host, done.stdout))
        recap = re.search(r"ok=.*changed=(\d+).*failed=(\d+)", done.stdout)
        if done.returncode != 0 or recap is None:
            print(done.stdout[-4000:])
            return None
        return int(recap[1])

    def clean_up(self, intact: Callable[[], bool]) -> bool:
        """The policy in check mode, for real, and once more; whether the first left everybody ``intact`` and the last
        changed nothing.
        """
        say("Who is there, and who blocks whom")
        self.play("report")
        say("What the policy would do: check mode, nothing is sent")
        self.play("cleanup", "--check", "-e", f"@{self.policy}")
        untouched = intact()
        verdict("nobody was touched", untouched)
        say("The same for real")
        self.play("cleanup", "-e", f"@{self.policy}")
        say("And once more: there is nothing left to do")
        changed = self.play("cleanup", "-e", f"@{self.policy}")
        verdict("the second run changed nothing", changed == 0)
        return untouched and changed == 0

    def ad_hoc(self, module: str, arguments: str) -> dict:
        """Runs a module by hand, and returns its result."""
        print(f'{DIM}$ ansible {self.host} -i inventory.yml -m dbops.oracle_sessions.{module} -a "{arguments}"{PLAIN}')
        name = f"dbops.oracle_sessions.{module}"
        done = self._run("ansible", self.host, "-i", str(self.inventory), "-m", name, "-a", arguments, "-o")
        found = re.search(r"=> (\{.*\})", done.stdout)
        if found is None:
            print(done.stdout)
            return {}
        result = json.loads(found[1]) | {"failed": done.returncode != 0}
        for line in result["msg"].splitlines():
            print(f"  {line}")
        return result

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )


def messages(host: str, output: str) -> str:
    """What the tasks told people, without Ansible's frame around it."""
    told = [
        json.loads(found)["msg"]
        for found in re.findall(rf"^ok: \[{host}\] => (\{{.*?^\}})", output, re.DOTALL | re.MULTILINE)
    ]
    return "\n".join(
        "\n".join(f"  {line}" for line in ([each] if isinstance(each, str) else each)) + "\n" for each in told
    )


def introduce(cast: list[Role]) -> None:
    for role in cast:
        print(f"  session {role.session.id:<6} {role.who:<62} {DIM}must {role.fate}{PLAIN}")


def show(role: Role) -> bool:
    try:
        wait_until(role.deserved, what=role.who)
    except TimeoutError:
        pass
    right = role.deserved()
    mark = f"{GREEN}✔{PLAIN}" if right else f"{RED}✘ NOT:{PLAIN}"
    print(f"  {mark} session {role.session.id:<6} {role.who:<62} {past(role.fate)}")
    return right


def past(fate: str) -> str:
    return {
        "die": "died",
        "be cancelled": "was cancelled, its session lives",
        "go on": "got its lock and went on",
        "live": "lives",
    }[fate]


def verdict(what: str, right: bool | None) -> None:
    print(f"  {GREEN + '✔' if right else RED + '✘ NOT:'}{PLAIN} {what}")


def say(title: str) -> None:
    print(f"\n{BOLD}{title}{PLAIN}")
