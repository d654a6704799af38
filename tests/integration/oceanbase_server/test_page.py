# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of the vendor's page ALTER SYSTEM KILL SESSION, as it stands there."""

from __future__ import annotations

from integration.oceanbase_server.life import Client

from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import CUT, OK

SYS, KILL_USER = 3221487722, 3221487726


def test_the_example() -> None:
    # A user with these two privileges sees the session of SYS there.
    with OceanBaseServer(listing="everybody") as server:
        server.next_session_id(SYS)
        with server.connect() as connection:
            sys = Client(connection)
            for statement in (
                "CREATE USER kill_user IDENTIFIED BY killuser123;",
                "GRANT CREATE SESSION TO kill_user;",
                "GRANT ALTER SYSTEM TO kill_user;",
            ):
                assert sys.code(statement) == OK
            server.next_session_id(KILL_USER)
            with server.connect(user="KILL_USER", password="killuser123") as own:
                kill_user = Client(own)
                rows = kill_user.rows("SHOW PROCESSLIST;")
                assert list(rows[0]) == ["ID", "USER", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO"]
                shown = [{name: value for name, value in row.items() if name not in ("HOST", "TIME")} for row in rows]
                # Of a text that ends with a semicolon a real server shows what its client sent, which leaves that away.
                assert shown == [
                    {"ID": KILL_USER, "USER": "KILL_USER", "DB": "KILL_USER", "COMMAND": "Query", "STATE": "ACTIVE",
                     "INFO": "SHOW PROCESSLIST;"},
                    {"ID": SYS, "USER": "SYS", "DB": "SYS", "COMMAND": "Sleep", "STATE": "SLEEP", "INFO": None},
                ]  # fmt: skip
                assert kill_user.code("ALTER SYSTEM KILL SESSION '3221487726';") == OK
                assert kill_user.code("SELECT 1 FROM DUAL") == CUT
            assert sys.value("SELECT COUNT(*) FROM GV$OB_PROCESSLIST") == 1, "the other one lives, and is alone"
