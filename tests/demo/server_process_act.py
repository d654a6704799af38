# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act four: a session that no statement ends. The database is the stand-in, its server processes are real ones."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import tempfile
from pathlib import Path

from stage import Role, Stage, introduce, say, show, verdict

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer

PASSWORD = "Tr0ub4dor_3"
# Its lock is the session's, and no transaction's: nothing is to be rolled back, and only its end frees the lock.
LOCK = "DECLARE n NUMBER; BEGIN n := dbms_lock.request(4711); {} END;"
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
      oracle_sessions_hosts: {{1: localhost}}
      oracle_sessions_software_owner: {owner}
"""


def perform() -> bool:
    """Whether the one that hears of nothing has died, and nobody else."""
    with contextlib.ExitStack() as stack:
        # Its own name: whoever else runs one here has a PMON of his.
        server = stack.enter_context(OracleServer(name=f"SHOP{secrets.token_hex(2).upper()}", disconnect_busy=31))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say(
            f"Oracle Database, the stand-in again, on {server.dsn}: a session hangs in a call with a lock that an order waits for"
        )
        server.create_user("shop_batch", PASSWORD, ("CREATE SESSION", "EXECUTE ON dbms_lock"))
        held = [
            busy(server, stack, LOCK.format("STANDIN.HOLD(600);")),
            busy(server, stack, "BEGIN STANDIN.HOLD(600); END;"),
        ]
        order = busy(server, stack, LOCK.format(""))
        hung, other = held
        cast = [
            Role("batch that hangs in a call and holds a lock", hung, "die", lambda: actors.listed(hung) is None),
            Role("batch that hangs as well, and nobody minds", other, "live", lambda: not other.done.is_set()),
            Role("order, waits for that lock", order, "go on", lambda: order.done.is_set() and not order.error),
        ]
        introduce(cast)
        inventory = INVENTORY.format(dsn=server.dsn, password=server.password, owner=getpass.getuser())
        stage = Stage("shop_oracle", inventory, "", folder)

        say("By SQL: it is marked for kill, and does not hear of it")
        marked = stage.ad_hoc("session_kill", f"sid={hung.sid} serial={hung.serial} wait_timeout=3")
        still_there = marked.get("counts", {}).get("pending") == 1 and not order.done.is_set()
        verdict("it is still there, and so is its lock", still_there)

        say("Its server process: looked at twice, proven to be the one on its host, and ended")
        named = {"sid": hung.sid, "serial": hung.serial, "wait_timeout": 3, "process_kill": "true"}
        arguments = [word for name, value in named.items() for word in ("-e", f"oracle_sessions_{name}={value}")]
        ended = stage.play("kill_session", *arguments) is not None

        say("Who died, who lived")
        right = [show(role) for role in cast]
        for session in held:
            if not session.done.is_set():
                server.end_process(session)
    return all(right) and still_there and ended


def busy(server: OracleServer, stack: contextlib.ExitStack, statement: str) -> actors.BusySession:
    """A session that runs this, as the server shows."""
    connection = server.connect(user="shop_batch", password=PASSWORD, program="batch.exe", machine="batch-1")
    session = stack.enter_context(actors.BusySession(server, connection, statement))
    wait_until(
        lambda: (actors.listed(session) or {}).get("status") == "ACTIVE", what=f"session {session.sid} to be busy"
    )
    return session
