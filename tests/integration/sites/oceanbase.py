# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OceanBase: the real kernel in MySQL mode, and the stand-in for Oracle mode."""

from __future__ import annotations

import re
from typing import Any

from servers import actors, oceanbase_actors
from servers.actors import wait_until
from servers.oceanbase.handle import OceanBaseServer
from servers.seekdb import Seekdb

from .site import TAG, Denial, Driver, Hidden, Site, Wire


class OceanBase(Site):
    name = "oceanbase"
    actors = actors
    driver = Driver(
        name="PyMySQL",
        package="pymysql",
        needed="1.2.0",
        version_file="__init__.py",
        version_line="(?m)^VERSION = .*",
        old_line="VERSION = (1, 1, 3, 'final')",
        old="1.1.3",
    )
    dialect = "oceanbase"
    somebody = {"sid": 1}
    remark = "serial 15 was dropped"
    mark = {"schema": "test"}
    marked = {"database": "test"}
    every_client = {"client_address": "127.*"}
    system_user = "ROOT"
    system_login = {"user": "root", "password": ""}
    ordinary = ("ALL ON *.*",)
    too_little = [((), "GRANT SELECT ON oceanbase.V$OB_PROCESSLIST")]
    least = ("SELECT ON oceanbase.V$OB_PROCESSLIST",)
    hidden = [
        Hidden({"blocked": False}, "oceanbase.V$OB_LOCKS"),
        Hidden({"locked_object": "*.T"}, "oceanbase.V$OB_LOCKS"),
        Hidden({"transaction_age": 0}, "oceanbase.V$OB_TRANSACTION_SCHEDULERS"),
    ]
    # ER_QUERY_INTERRUPTED, ER_BAD_FIELD_ERROR, ER_NO_SUCH_THREAD
    cancelled = 1317
    garbled = dict.fromkeys(("kill", "cancel"), Denial(1054, "x"))
    unknown = Denial(1094, "log in through that proxy, otherwise to the server itself")
    patience = 6.0
    own_sessions = f"SELECT ID FROM oceanbase.V$OB_PROCESSLIST WHERE MODULE = '{TAG}'"
    # The views that show sessions and waits for locks, and a statement that lasts for a while.
    sessions_view, locks_view = "oceanbase.V$OB_PROCESSLIST", "oceanbase.V$OB_LOCKS"
    lasting = "SELECT SLEEP(3600)"
    # The number of an unknown session id.
    gone = 1094
    # Whether a batch goes out in one go.
    batched = True
    server: Any

    @classmethod
    def new_server(cls) -> Any:
        """Another server of this kind, not started yet."""
        return Seekdb()

    @property
    def login(self) -> dict[str, Any]:
        return {"dialect": self.dialect, "login_user": "root"}

    def typed(self, session: Any) -> dict[str, int]:
        return {"sid": session.id, "serial": 15}

    def next_login(self) -> dict[str, int] | None:
        # The server counts up.
        with self.server.connect() as connection:
            return {"sid": connection.thread_id() + 1}

    def statement(self, verb: str, session: Any) -> str:
        return f"{ {'kill': 'KILL', 'cancel': 'KILL QUERY'}[verb] } {session.id}"

    def is_snapshot(self, text: str) -> bool:
        return "SELECT NOW(6)" in text

    def is_look(self, text: str) -> bool:
        return "WHERE ID IN" in text

    def is_look_at_locks(self, text: str) -> bool:
        return "V$OB_LOCKS" in text and "CTIME" in text

    def is_act(self, text: str) -> bool:
        return text.startswith(("KILL", "ALTER SYSTEM KILL"))

    def ended(self, wire: Wire) -> list[str] | None:
        parts = [part.strip() for text in wire.queries for part in text.split(";")]
        return [part for part in parts if re.match(r"(?i)kill|alter\s+system", part)]

    def forget(self) -> None:
        """There is nothing to forget: every way to the server has a record of its own."""

    def kill(self, session: Any) -> None:
        self.server.sql(f"KILL {session.id}")

    def state(self, session: Any) -> str | None:
        """STATE in the session list, None where it is not listed."""
        rows = self.server.sql(f"SELECT STATE FROM {self.sessions_view} WHERE ID = {session.id}")
        return rows[0][0] if rows else None

    def works(self, sid: int) -> bool:
        """Whether the session of this id runs a statement."""
        running = f"ID = {sid} AND COMMAND = 'Query' AND LENGTH(SQL_ID) > 0"
        return bool(self.server.sql(f"SELECT 1 FROM {self.sessions_view} WHERE {running}"))

    def runs(self, session: Any) -> actors.BusySession:
        """The session with a statement that lasts."""
        again = self.actors.BusySession(self.server, session.connection, self.lasting)
        wait_until(lambda: self.works(again.id), what="its next statement")
        return again

    def moves_on(self, session: Any) -> actors.BusySession:
        if isinstance(session, actors.BusySession):
            self.server.sql(f"KILL QUERY {session.id}")
            session.wait()
        return self.runs(session)


class OceanBaseOracle(OceanBase):
    """The stand-in for a tenant in Oracle mode, behind the real PyMySQL."""

    name = "oceanbase_oracle"
    actors = oceanbase_actors
    # Found out by itself it takes two logins.
    dialect = "oceanbase_oracle"
    mark = {"module": "marked"}
    marked = {"init_command": "CALL DBMS_APPLICATION_INFO.SET_MODULE('marked', '')"}
    system_user = "SYS"
    ordinary = ("CREATE SESSION",)
    too_little = [(("CREATE SESSION",), "GRANT SELECT ON SYS.GV$OB_PROCESSLIST")]
    least = ("CREATE SESSION", "ALTER SYSTEM", "SHOW PROCESS", "SUPER", "SELECT ON SYS.GV$OB_PROCESSLIST")
    hidden = [
        Hidden({"blocked": False}, "SYS.GV$OB_LOCKS"),
        Hidden({"locked_object": "*.T"}, "SYS.GV$OB_LOCKS"),
        Hidden({"transaction_age": 0}, "SYS.GV$OB_TRANSACTION_SCHEDULERS"),
    ]
    # The number on the wire for all errors of its own; the others are those of the texts: unknown session id, ORA-00904.
    cancelled = 600
    gone = -4174
    garbled = {"kill": Denial(-4174, "Unknown thread id"), "cancel": Denial(904, "invalid identifier")}
    unknown = Denial(-4174, "log in through that proxy, otherwise to the server itself")
    own_sessions = f"SELECT ID FROM SYS.GV$OB_PROCESSLIST WHERE MODULE = '{TAG}'"
    sessions_view, locks_view = "SYS.GV$OB_PROCESSLIST", "SYS.GV$OB_LOCKS"
    lasting = "CALL DBMS_LOCK.SLEEP(3600)"
    batched = False

    @classmethod
    def new_server(cls) -> OceanBaseServer:
        return OceanBaseServer()

    @property
    def login(self) -> dict[str, Any]:
        return {"dialect": self.dialect, **self.as_account(self.system_login)}

    @property
    def system_login(self) -> dict[str, str]:  # type: ignore[override]
        return {"user": "SYS", "password": self.server.password}

    def as_account(self, account: dict[str, str]) -> dict[str, str]:
        return super().as_account({**account, "user": f"{account['user']}@{self.server.tenant}"})

    def statement(self, verb: str, session: Any) -> str:
        return f"ALTER SYSTEM KILL SESSION '{session.id}'" if verb == "kill" else super().statement(verb, session)

    def is_snapshot(self, text: str) -> bool:
        return bool(re.match(r'SELECT "', text)) and text.endswith("PROCESSLIST")
