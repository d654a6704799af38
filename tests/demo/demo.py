# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server, rogue and innocent sessions on it, and the collection's own playbooks at work among them.

Ends with exit code 0 only when every target is dead or cancelled, every bystander lives, and the last run changed
nothing. Stops everything that it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers import actors
from servers.seekdb import Seekdb

COLLECTIONS = Path(__file__).resolve().parents[2] / ".work" / "collections"
# Long enough for the policy's shortest limits; a session must have been idle or waiting for so long.
SETTLE_SECONDS = 5
INVENTORY = """
all:
  hosts:
    shop_db:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      oracle_sessions_dialect: oceanbase
      oracle_sessions_login_dsn: {dsn}
      oracle_sessions_login_user: root
"""
POLICY = """
oracle_sessions_policy:
  - name: idle in a transaction, and others wait for its locks
    match: {username: SHOP_*, root_blocker: true, idle: 3s}
    then: [kill]
  - name: forgotten web connections
    match: {username: SHOP_WEB*, idle: 4s, in_transaction: false}
    protect:
      - username: SHOP_WEB_MONITOR
    keep: 2
    per: machine
    then: [kill]
  - name: runaway reports
    match: {username: SHOP_REPORT, active: 4s}
    exclude:
      - module: month_end*
    then: [cancel, {kill: {after: 20s}}]
"""
BOLD, GREEN, RED, DIM, PLAIN = (f"\x1b[{code}m" if sys.stdout.isatty() else "" for code in (1, 32, 31, 2, 0))


@dataclass
class Role:
    """One session of the play: what it is, and whether it has what it deserves when all is over."""

    who: str
    session: actors.Session
    fate: str
    deserved: Callable[[], bool]


def main() -> int:
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Seekdb())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say(f"A real server: {server.sql('SELECT @@version_comment')[0][0].split(' (')[0]}, on {server.dsn}")
        cast = open_sessions(server, stack)
        for role in cast:
            print(f"  session {role.session.id:<6} {role.who:<62} {DIM}must {role.fate}{PLAIN}")
        settle(server, [role.session for role in cast], SETTLE_SECONDS)

        stage = Stage(server, folder)
        say("Who is there, and who blocks whom")
        stage.play("report")
        say("What the policy would do: check mode, nothing is sent")
        stage.play("cleanup", "--check", "-e", f"@{stage.policy}")
        untouched = len(listed(server, [role.session for role in cast])) == len(cast)
        verdict("nobody was touched", untouched)
        say("The same for real")
        stage.play("cleanup", "-e", f"@{stage.policy}")
        say("And once more: there is nothing left to do")
        changed = stage.play("cleanup", "-e", f"@{stage.policy}")
        verdict("the second run changed nothing", changed == 0)
        say("By hand, the wrong session: the administrator's own")
        refused = stage.ad_hoc("session_kill", f"sid={cast[-1].session.id}")
        verdict("it was refused", refused)

        say("Who died, who lived")
        right = [show(role) for role in cast]
    good = all(right) and untouched and changed == 0 and refused
    print(f"\n{GREEN if good else RED}{BOLD}{'All as it must be' if good else 'NOT as it must be'}{PLAIN}", end=" ")
    print(f"after {time.monotonic() - began:.0f} s; server and sessions are stopped.")
    return 0 if good else 1


def open_sessions(server: Seekdb, stack: contextlib.ExitStack) -> list[Role]:
    for user in ("shop_web", "shop_web_monitor", "shop_batch", "shop_orders", "shop_report"):
        server.create_user(user, "", grants=["ALL ON shop.*"])

    def opened(session: actors.Session) -> actors.Session:
        return stack.enter_context(session)

    def dead(session: actors.Session) -> Callable[[], bool]:
        return lambda: not session.alive()

    def idle(user: str) -> actors.Session:
        return opened(actors.idle(server, user=user))

    monitor = idle("shop_web_monitor")
    forgotten = [idle("shop_web") for _turn in range(4)]
    # The server counts idle time by a coarse clock: who was opened within a few milliseconds cannot be told apart.
    settle(server, forgotten, 1)
    kept = [idle("shop_web") for _turn in range(2)]
    editing = opened(actors.idle_in_transaction(server, row=7, database="shop", user="shop_web"))
    searching = opened(actors.sleeping(server, user="shop_web"))
    holder = opened(actors.idle_in_transaction(server, row=1, database="shop", user="shop_batch"))
    waiters = [opened(actors.waiter(server, row=1, database="shop", user="shop_orders")) for _turn in range(2)]
    runaway = opened(actors.runaway(server, user="shop_report"))
    month_end = opened(month_end_report(server))
    admin = idle("root")
    return [
        *(Role("forgotten web connection", each, "die", dead(each)) for each in forgotten),
        Role("idle in a transaction, holds the lock of row 1", holder, "die", dead(holder)),
        Role("runaway report", runaway, "be cancelled", lambda: runaway.error_code == 1317 and runaway.alive()),
        *(
            Role("order, waits for row 1", each, "go on", lambda each=each: each.done.is_set() and not each.error)
            for each in waiters
        ),
        *(Role("web connection, idle like the forgotten, but used last", each, "live", each.alive) for each in kept),
        Role("monitor of the web servers, idle for longest, protected", monitor, "live", monitor.alive),
        Role("web session idle in a transaction that blocks nobody", editing, "live", editing.alive),
        Role("web session in the middle of a query", searching, "live", lambda: not searching.done.is_set()),
        Role(
            "month-end report, active for long, excluded by its module",
            month_end,
            "live",
            lambda: not month_end.done.is_set(),
        ),
        Role("the administrator, idle", admin, "live", admin.alive),
    ]


def month_end_report(server: Seekdb) -> actors.BusySession:
    connection = server.connect(user="shop_report")
    with connection.cursor() as cursor:
        cursor.execute("CALL DBMS_APPLICATION_INFO.SET_MODULE('month_end_close', '')")
    return actors.BusySession(server, connection, "SELECT SLEEP(3600)")


def settle(server: Seekdb, sessions: list[actors.Session], wanted: float) -> None:
    """Waits until every session has been idle, active or waiting for so many seconds."""
    actors.wait_until(
        lambda: all(seconds > wanted for _sid, seconds in listed(server, sessions)),
        what=f"sessions to have been in their state for {wanted} s",
    )


def listed(server: Seekdb, sessions: list[actors.Session]) -> tuple[tuple[int, float], ...]:
    """Who of them the server lists as alive, with the seconds in their present state; asking a client would end it."""
    ids = ", ".join(str(session.id) for session in sessions)
    return server.sql(
        f"SELECT ID, TOTAL_TIME FROM oceanbase.V$OB_PROCESSLIST WHERE ID IN ({ids}) AND STATE IN ('SLEEP', 'ACTIVE')"
    )


class Stage:
    """Runs the real commands and shows them as a user would type them."""

    def __init__(self, server: Seekdb, folder: Path) -> None:
        self.inventory = folder / "inventory.yml"
        self.inventory.write_text(INVENTORY.format(dsn=server.dsn))
        self.policy = folder / "policy.yml"
        self.policy.write_text(POLICY)
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
        print(messages(done.stdout))
        recap = re.search(r"ok=.*changed=(\d+).*failed=(\d+)", done.stdout)
        if done.returncode != 0 or recap is None:
            print(done.stdout[-4000:])
            return None
        return int(recap[1])

    def ad_hoc(self, module: str, arguments: str) -> bool:
        """Runs a module by hand; true when it refused."""
        print(f'{DIM}$ ansible shop_db -i inventory.yml -m dbops.oracle_sessions.{module} -a "{arguments}"{PLAIN}')
        name = f"dbops.oracle_sessions.{module}"
        done = self._run("ansible", "shop_db", "-i", str(self.inventory), "-m", name, "-a", arguments, "-o")
        told = re.search(r'"msg": "(.*?)(\\n|")', done.stdout)
        print(f"  {json.loads(chr(34) + told[1] + chr(34)) if told else done.stdout}")
        return done.returncode != 0 and '"outcome": "refused"' in done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )


def messages(output: str) -> str:
    """What the tasks told people, without Ansible's frame around it."""
    told = [
        json.loads(found)["msg"]
        for found in re.findall(r"^ok: \[shop_db\] => (\{.*?^\})", output, re.DOTALL | re.MULTILINE)
    ]
    return "\n".join(
        "\n".join(f"  {line}" for line in ([each] if isinstance(each, str) else each)) + "\n" for each in told
    )


def show(role: Role) -> bool:
    try:
        actors.wait_until(role.deserved, what=role.who)
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


if __name__ == "__main__":
    sys.exit(main())
