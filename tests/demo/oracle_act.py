# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act two: Oracle Database, two instances, played by the stand-in. The driver, the modules and the playbooks are real."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from stage import Role, Stage, introduce, say, show, verdict

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer

SETTLE_SECONDS = 5
PASSWORD = "Tr0ub4dor_3"
# A batch whose changes take about 20 s to roll back.
CHANGED_ROWS, ROLLBACK_PER_SECOND = 600, 30
INVENTORY = """
all:
  hosts:
    shop_oracle:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      oracle_sessions_dialect: oracle
      oracle_sessions_login_dsn: {dsn}
      oracle_sessions_login_user: system
      oracle_sessions_login_password: "{password}"
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
    per: program
    then: [kill]
  - name: runaway reports
    match: {username: SHOP_REPORT, active: 4s}
    exclude:
      - module: month_end*
    then: [cancel, {disconnect: {after: 20s}}]
"""


def perform() -> bool:
    """Whether everybody has what they deserve, and the run that changed nothing changed nothing."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(OracleServer(instances=2, rollback_rate=ROLLBACK_PER_SECOND))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say(f"Oracle Database, NOT A REAL ONE: a stand-in that speaks its protocol, two instances, on {server.dsn}")
        cast = open_sessions(server, stack)
        introduce(cast)
        settle(server, [role.session for role in cast], SETTLE_SECONDS)

        stage = Stage("shop_oracle", INVENTORY.format(dsn=server.dsn, password=server.password), POLICY, folder)
        cleaned = stage.clean_up(lambda: len(listed(server, [role.session for role in cast])) == len(cast))

        batch = next(role.session for role in cast if "nightly batch" in role.who)
        say("By hand, a busy batch with a large transaction: it is marked for kill, and rolls back")
        named = f"sid={batch.sid} serial={batch.serial} inst_id={batch.inst_id}"
        rolling = stage.ad_hoc("session_kill", f"{named} wait_timeout=5")
        told = (rolling.get("sessions") or [{}])[0].get("rollback") or {}
        verdict("it says how long the rollback will take", bool(told.get("eta_seconds")))
        say("Again, a little later: it is on its way, so nothing is sent twice")
        again = stage.ad_hoc("session_kill", f"{named} wait_timeout=60")
        verdict("the second call sent nothing and saw it gone", again.get("counts", {}).get("gone") == 1)

        admin = cast[-1].session
        say("By hand, the wrong session: the administrator's own")
        result = stage.ad_hoc("session_kill", f"sid={admin.sid} serial={admin.serial} inst_id={admin.inst_id}")
        refused = bool(result.get("failed")) and result["counts"]["refused"] == 1
        verdict("it was refused", refused)

        say("Who died, who lived")
        right = [show(role) for role in cast]
    done = again.get("counts", {}).get("gone") == 1 and bool(told.get("eta_seconds"))
    return all(right) and cleaned and refused and done


def open_sessions(server: OracleServer, stack: contextlib.ExitStack) -> list[Role]:
    for user in ("shop_web", "shop_web_monitor", "shop_batch", "shop_orders", "shop_report"):
        server.create_user(user, PASSWORD)

    def opened(session: actors.Session) -> actors.Session:
        return stack.enter_context(session)

    def dead(session: actors.Session) -> Callable[[], bool]:
        return lambda: not session.alive()

    def idle(user: str, instance: int = 1) -> actors.Session:
        return opened(actors.idle(server, instance=instance, **client(user)))

    monitor = idle("shop_web_monitor")
    forgotten = [idle("shop_web", instance) for instance in (1, 1, 2, 2)]
    # The server counts idle time in whole seconds: who was opened within one cannot be told apart.
    settle(server, forgotten, 2)
    kept = [idle("shop_web", instance) for instance in (1, 2)]
    editing = opened(actors.idle_in_transaction(server, row=7, database="shop", **client("shop_web")))
    holder = opened(actors.idle_in_transaction(server, row=1, database="shop", **client("shop_batch")))
    waiters = [
        opened(actors.waiter(server, row=1, database="shop", instance=instance, **client("shop_orders")))
        for instance in (1, 2)
    ]
    runaway = opened(actors.sleeping(server, **client("shop_report")))
    month_end = opened(month_end_report(server))
    nightly = opened(nightly_batch(server))
    admin = opened(actors.idle(server, **client("system") | {"password": server.password}))
    return [
        *(Role(f"forgotten web connection, instance {each.inst_id}", each, "die", dead(each)) for each in forgotten),
        Role("idle in a transaction, holds the lock of row 1, instance 1", holder, "die", dead(holder)),
        Role("runaway report", runaway, "be cancelled", lambda: runaway.error_code == 1013 and runaway.alive()),
        *(
            Role(
                f"order, waits for row 1, instance {each.inst_id}",
                each,
                "go on",
                lambda each=each: each.done.is_set() and not each.error,
            )
            for each in waiters
        ),
        *(Role("web connection, idle like the forgotten, but used last", each, "live", each.alive) for each in kept),
        Role("monitor of the web servers, idle for longest, protected", monitor, "live", monitor.alive),
        Role("web session idle in a transaction that blocks nobody", editing, "live", editing.alive),
        Role(
            "month-end report, active for long, excluded by its module",
            month_end,
            "live",
            lambda: not month_end.done.is_set(),
        ),
        Role("nightly batch, busy, 600 changed rows to roll back, instance 2", nightly, "die", dead(nightly)),
        Role("the administrator, idle", admin, "live", admin.alive),
    ]


def client(user: str) -> dict[str, str]:
    """What the server is told of a client: account, program, machine."""
    name = user.removeprefix("shop_")
    return {"user": user, "password": PASSWORD, "program": f"{name}.exe", "machine": f"{name}-1"}


def month_end_report(server: OracleServer) -> actors.BusySession:
    connection = server.connect(**client("shop_report"))
    connection.module = "month_end_close"
    return actors.BusySession(server, connection, "BEGIN DBMS_SESSION.SLEEP(3600); END;")


def nightly_batch(server: OracleServer) -> actors.BusySession:
    """Has changed many rows, and is in the middle of a call."""
    table = actors.make_table(server, "shop", range(100, 100 + CHANGED_ROWS))
    connection = server.connect(instance=2, **client("shop_batch"))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET v = v + 1 WHERE id >= 100")
    return actors.BusySession(server, connection, "BEGIN DBMS_SESSION.SLEEP(3600); END;")


def settle(server: OracleServer, sessions: list[actors.Session], wanted: float) -> None:
    """Waits until every session has been idle, active or waiting for so many seconds."""
    wait_until(
        lambda: (found := listed(server, sessions)) and all(seconds > wanted for seconds in found),
        what=f"sessions to have been in their state for {wanted} s",
    )


def listed(server: OracleServer, sessions: list[actors.Session]) -> list[int]:
    """For how many seconds each of them that the server lists as alive has been in its present state."""
    wanted = {(session.inst_id, session.sid, session.serial) for session in sessions}
    rows = server.sql("SELECT inst_id, sid, serial#, last_call_et FROM gv$session WHERE status <> 'KILLED'")
    return [seconds for *identity, seconds in rows if tuple(identity) in wanted]
