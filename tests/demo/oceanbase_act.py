# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act one: a real server, the OceanBase kernel; rogue and innocent sessions on it, and the playbooks among them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from stage import Role, Stage, introduce, say, show, verdict

from servers import actors
from servers.seekdb import Seekdb

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


def perform() -> bool:
    """Whether everybody has what they deserve, and the run that changed nothing changed nothing."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Seekdb())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say(f"A real server: {server.sql('SELECT @@version_comment')[0][0].split(' (')[0]}, on {server.dsn}")
        cast = open_sessions(server, stack)
        introduce(cast)
        settle(server, [role.session for role in cast], SETTLE_SECONDS)

        stage = Stage("shop_db", INVENTORY.format(dsn=server.dsn), POLICY, folder)
        cleaned = stage.clean_up(lambda: len(listed(server, [role.session for role in cast])) == len(cast))
        say("By hand, the wrong session: the administrator's own")
        result = stage.ad_hoc("session_kill", f"sid={cast[-1].session.id}")
        refused = bool(result.get("failed")) and result["counts"]["refused"] == 1
        verdict("it was refused", refused)

        say("Who died, who lived")
        right = [show(role) for role in cast]
    return all(right) and cleaned and refused


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
