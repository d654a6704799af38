# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act three: OceanBase in Oracle mode, played by the stand-in: the example of the vendor's page ALTER SYSTEM KILL SESSION,
with its two sessions and their ids. The driver and the modules are real.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from stage import Role, Stage, introduce, say, show, verdict

from servers import oceanbase_actors as actors
from servers.oceanbase.handle import OceanBaseServer

PASSWORD = "killuser123"
SYS_ID, KILL_USER_ID = 3221487722, 3221487726
INVENTORY = """
all:
  hosts:
    shop_oracle_mode:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      oracle_sessions_dialect: oceanbase
      oracle_sessions_login_dsn: {dsn}
      oracle_sessions_login_user: KILL_USER@{tenant}
      oracle_sessions_login_password: "{password}"
"""


def perform() -> bool:
    """Whether the session of the page is dead, the other one lives, and a second call changed nothing."""
    with contextlib.ExitStack() as stack:
        # On that page a user with nothing but these two privileges sees the session of SYS, too.
        server = stack.enter_context(OceanBaseServer(listing="everybody"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say(f"OceanBase in Oracle mode, NOT A REAL TENANT: a stand-in that speaks its protocol, on {server.dsn}")
        server.create_user("kill_user", PASSWORD, ("CREATE SESSION", "ALTER SYSTEM", "SELECT ON SYS.GV$OB_PROCESSLIST"))
        server.next_session_id(SYS_ID)
        admin = stack.enter_context(actors.idle(server))
        server.next_session_id(KILL_USER_ID)
        victim = stack.enter_context(actors.idle(server, user="KILL_USER", password=PASSWORD))
        cast = [
            Role("KILL_USER, as on the vendor's page", victim, "die", lambda: not victim.alive()),
            Role("SYS, idle", admin, "live", admin.alive),
        ]
        introduce(cast)
        show_processlist(victim)

        inventory = INVENTORY.format(dsn=server.dsn, tenant=server.tenant, password=PASSWORD)
        stage = Stage("shop_oracle_mode", inventory, "", folder)
        say("The vendor's example; a serial# has no meaning there, and is not sent")
        killed = stage.ad_hoc("session_kill", f"sid={KILL_USER_ID} serial=15")
        rows = killed.get("sessions") or [{}]
        right = rows[0].get("statement") == f"ALTER SYSTEM KILL SESSION '{KILL_USER_ID}'"
        verdict("the statement is that of the page", right)
        say("And once more: there is nothing left to do")
        again = stage.ad_hoc("session_kill", f"sid={KILL_USER_ID}")
        gone = again.get("counts", {}).get("gone") == 1 and not again.get("changed")
        verdict("the second call sent nothing", gone)

        say("Who died, who lived")
        fates = [show(role) for role in cast]
    return all(fates) and right and gone


def show_processlist(session: actors.Session) -> None:
    """The list as a client shows it."""
    with session.connection.cursor() as cursor:
        cursor.execute("SHOW PROCESSLIST")
        lines = [[column[0] for column in cursor.description], *cursor.fetchall()]
    texts = [["NULL" if value is None else str(value) for value in line] for line in lines]
    widths = [max(len(line[index]) for line in texts) for index in range(len(texts[0]))]
    print("\n  KILL_USER> SHOW PROCESSLIST;")
    for line in texts:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
