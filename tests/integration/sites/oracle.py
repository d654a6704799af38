# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle Database: the stand-in, or a real one in other hands."""

from __future__ import annotations

import getpass
import itertools
from typing import Any

import oracledb
import pytest

from servers import oracle_actors
from servers.actors import wait_until
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.real_oracle import RealOracle

from .site import PASSWORD, TAG, Denial, Driver, Hidden, Site, Wire

# ORA-01031
NO_PRIVILEGE = 1031


class Oracle(Site):
    name = "oracle"
    protocol = "tns"
    actors = oracle_actors
    driver = Driver(
        name="oracledb",
        package="oracledb",
        needed="3.0.0",
        version_file="version.py",
        version_line="(?m)^__version__ = .*",
        old_line='__version__ = "2.5.1"',
        old="2.5.1",
    )
    dialect = "oracle"
    somebody = {"sid": 1, "serial": 1}
    mark = {"program": "marked"}
    marked = {"program": "marked"}
    every_client = {"os_user": getpass.getuser()}
    ordinary = ("CREATE SESSION",)
    too_little = [
        (("CREATE SESSION",), "GRANT SELECT ON SYS.V_$INSTANCE and SYS.V_$DATABASE"),
        (
            ("CREATE SESSION", "SELECT ON sys.V_$INSTANCE", "SELECT ON sys.V_$DATABASE"),
            "GRANT SELECT ON SYS.V_$SESSION",
        ),
    ]
    least = (
        *("CREATE SESSION", "ALTER SYSTEM"),
        *(f"SELECT ON sys.V_${view}" for view in ("INSTANCE", "DATABASE", "SESSION", "PROCESS", "PX_SESSION")),
    )
    hidden = [
        Hidden({"transaction_age": 0}, "SYS.V_$TRANSACTION"),
        Hidden({"sql_text": "*T*"}, "SYS.V_$SQL"),
        Hidden({"locked_object": "*.T"}, "SYS.V_$LOCKED_OBJECT"),
        Hidden({"temp_mb": 1}, "SYS.V_$SORT_USAGE"),
    ]
    # ORA-01013 user requested cancel, ORA-00026 missing or invalid session ID, ORA-00030 does not exist
    cancelled = 1013
    garbled = dict.fromkeys(("kill", "disconnect", "cancel"), Denial(26, "session ID"))
    unknown = Denial(30, "log in to its own container")
    # The driver waits for an answer to its break, too.
    patience = 9.0
    own_sessions = f"SELECT sid FROM gv$session WHERE program = '{TAG}'"
    server: OracleServer | RealOracle

    def __init__(self, server: OracleServer | RealOracle) -> None:
        super().__init__(server)
        self._rows = itertools.count(1)
        self._administrator = server.user if isinstance(server, RealOracle) else server.administrator
        self.system_user = self._administrator.upper()
        self.system_login = {"user": self._administrator, "password": server.password}

    @property
    def address(self) -> tuple[str, int]:
        host, _colon, port = self.server.dsn.partition("/")[0].rpartition(":")
        return host, int(port)

    def dsn_at(self, address: str) -> str:
        return f"{address}/{self.server.dsn.partition('/')[2]}"

    @property
    def login(self) -> dict[str, Any]:
        return {
            "dialect": self.dialect,
            "login_user": self._administrator,
            "login_password": self.server.password,
        }

    def create_user(self, grants: tuple[str, ...] | None = None, password: str = PASSWORD) -> dict[str, str]:
        try:
            return super().create_user(grants, password)
        except oracledb.DatabaseError as error:
            if isinstance(self.server, RealOracle) and error.args[0].code == NO_PRIVILEGE:
                pytest.skip(f"{self._administrator} may not grant {grants}")
            raise

    def named(self, session: Any) -> dict[str, int]:
        return {"sid": session.sid, "serial": session.serial}

    def shown(self, session: Any) -> str:
        return f"{session.sid},{session.serial},@{session.inst_id}"

    def next_login(self) -> dict[str, int] | None:
        if isinstance(self.server, RealOracle):
            return None
        # The stand-in gives the lowest free SID, with a SERIAL# that grows by the same amount each time.
        seen = []
        for _turn in range(2):
            with oracle_actors.idle(self.server) as session:
                seen.append(session)
            wait_until(lambda: oracle_actors.listed(seen[-1]) is None, what="the session to go")
        first, second = seen
        return {"sid": second.sid, "serial": second.serial + (second.serial - first.serial)}

    def statement(self, verb: str, session: Any) -> str:
        sid, serial, instance = session.sid, session.serial, session.inst_id
        if verb == "cancel":
            return f"ALTER SYSTEM CANCEL SQL '{sid}, {serial}, @{instance}, {session.sql_id}'"
        if verb == "disconnect":
            return f"ALTER SYSTEM DISCONNECT SESSION '{sid},{serial}' IMMEDIATE"
        return f"ALTER SYSTEM KILL SESSION '{sid},{serial},@{instance}' IMMEDIATE"

    def is_snapshot(self, text: str) -> bool:
        return "WHERE s.type IN ('USER', 'BACKGROUND')" in text

    def is_act(self, text: str) -> bool:
        return "ALTER SYSTEM " in text

    # The block that ends a session is what looks at it.
    is_look = is_act

    def ended(self, wire: Wire) -> list[str] | None:
        """What the server has executed, within a block: a session that the block spares has none."""
        if isinstance(self.server, RealOracle):
            return None
        with self.server.memory() as connection:
            return [row.text for row in sga.select(connection, tables.Statement) if row.module == TAG]

    def forget(self) -> None:
        if isinstance(self.server, OracleServer):
            self.server.reset_calls()

    def kill(self, session: Any) -> None:
        statement = f"ALTER SYSTEM KILL SESSION '{self.shown(session)}' IMMEDIATE"
        # ORA-00031, marked for kill, is what it hears of a busy one; left to the driver, that would end the connection.
        self.server.sql(
            "DECLARE marked EXCEPTION; PRAGMA EXCEPTION_INIT(marked, -31); "
            "BEGIN EXECUTE IMMEDIATE :1; EXCEPTION WHEN marked THEN NULL; END;",
            (statement,),
        )
        wait_until(lambda: oracle_actors.listed(session) is None, what="the killed session to go")

    def moves_on(self, session: Any) -> oracle_actors.BusySession:
        if isinstance(session, oracle_actors.BusySession):
            assert session.holder is not None
            session.holder.connection.rollback()
            session.wait()
        row = next(self._rows)
        holder = oracle_actors.idle_in_transaction(self.server, row=row, database="moved_on")
        table = oracle_actors.make_table(self.server, "moved_on", [])
        statement = f"UPDATE {table} SET v = v + 1 WHERE id = {row}"
        again = oracle_actors.BusySession(self.server, session.connection, statement, holder=holder)
        wait_until(
            lambda: (shown := oracle_actors.listed(again)) and shown["blocking_session"], what="its next statement"
        )
        shown = oracle_actors.listed(again)
        again.sql_id = shown and shown["sql_id"]
        return again
