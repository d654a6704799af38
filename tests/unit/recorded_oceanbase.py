# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded rows of OceanBase in MySQL mode, of servers that the test machine cannot run, and what answers with them.

The shapes are those of the vendor's view pages (GV$OB_PROCESSLIST of 4.x with SVR_IP, TENANT and a proxy) and of seekdb
1.4, whose rows were copied from a running server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import Login
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session, Snapshot, iso

NOW = datetime(2026, 11, 21, 7, 0, 0)
LOGIN = Login("127.0.0.1:2881", "root@sys", "", 10.0, 30.0, "CHG-1", "127.0.0.1", 2881)
ALL_KEYS = frozenset(KEYS)
SQL_ID = "BCDAC2647DAB9F33F5CA2F5FCB96FE26"

# An idle and a running session as seekdb 1.4 lists them, without columns that nothing reads.
SEEKDB_IDLE = {
    "ID": 178,
    "USER": "app",
    "HOST": "127.0.0.1:47856",
    "DB": "NULL",
    "COMMAND": "Sleep",
    "TIME": 3.13,
    "TOTAL_TIME": 3.13,
    "STATE": "SLEEP",
    "INFO": None,
    "MASTER_SESSID": None,
    "USER_CLIENT_IP": "127.0.0.1",
    "USER_CLIENT_PORT": 47856,
    "SQL_ID": "",
    "TRANS_ID": 0,
    "TRANS_STATE": "",
    "TRACE_ID": None,
    "ACTION": "",
    "MODULE": "",
    "CLIENT_INFO": "",
}
SEEKDB_RUNNING = {
    **SEEKDB_IDLE,
    "ID": 184,
    "HOST": "127.0.0.1:47866",
    "USER_CLIENT_PORT": 47866,
    "COMMAND": "Query",
    "TIME": 0.5,
    "TOTAL_TIME": 2.5,
    "STATE": "ACTIVE",
    "INFO": "select sleep(60)",
    "SQL_ID": SQL_ID,
    "TRACE_ID": "YB427F000001-000660C445510A29-0-0",
}
OWN = {**SEEKDB_RUNNING, "ID": 99, "USER": "root", "MODULE": TAG}
# What OceanBase 4.x adds, here for a session behind a proxy: HOST is the proxy's address.
CLUSTER = {"SVR_IP": "10.1.1.1", "SVR_PORT": 2882, "SQL_PORT": 2881, "TENANT": "shop"}
BEHIND_PROXY = {
    **SEEKDB_IDLE,
    **CLUSTER,
    "ID": 3221487726,
    "HOST": "10.2.2.2:40112",
    "USER_CLIENT_IP": "10.3.3.3",
    "USER_CLIENT_PORT": 51515,
}
CLUSTER_OWN = {**OWN, **CLUSTER, "TENANT": "sys"}

_SELECT = re.compile(r"SELECT (?P<columns>.+?) FROM oceanbase\.(?P<view>\S+)(?P<rest>.*)", re.DOTALL)


class Recorded:
    """Answers a dialect's queries from recorded rows: views by name, and what the server says of itself.

    A column that the recorded server does not have is an error, as it is there.
    """

    def __init__(
        self,
        sessions: Iterable[dict[str, Any]],
        view: str = "V$OB_PROCESSLIST",
        version: str = "OceanBase 4.3.5.3 seekdb (r1.4.0.0)",
        errors: dict[str, int] | None = None,
        transactions: Iterable[dict[str, Any]] = (),
        locks: Iterable[dict[str, Any]] = (),
        objects: Iterable[dict[str, Any]] = (),
        uptime: int | None = 3600,
        uuid: str = "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        mode: str = "MYSQL",
        now: datetime = NOW,
        grants: str = "GRANT ALL PRIVILEGES ON *.* TO 'root' WITH GRANT OPTION",
    ) -> None:
        prefix = "GV$" if view.startswith("GV$") else "V$"
        self.views = {
            view: list(sessions),
            f"{prefix}OB_TRANSACTION_SCHEDULERS": list(transactions),
            f"{prefix}OB_LOCKS": list(locks),
            "DBA_OBJECTS": [],
        }
        self.objects = list(objects)
        self.errors = errors or {}
        self.about = {"comment": version, "sid": 99, "uuid": uuid, "now": now}
        self.uptime = [] if uptime is None else [{"Value": str(uptime)}]
        self.mode = mode
        self.grants = grants
        self.asked: list[str] = []
        self.session_id = self.about["sid"]

    def ask(self, queries: list[str]) -> list[list[dict[str, Any]]]:
        return [self.answer(query) for query in queries]

    def answer(self, query: str) -> list[dict[str, Any]]:
        self.asked.append(query)
        for part, code in self.errors.items():
            if part in query:
                raise StatementFailed(f"refused {code}", code)
        if query.startswith("SHOW VARIABLES LIKE 'ob_compatibility_mode'"):
            return [{"Value": self.mode}]
        if query.startswith("SHOW GLOBAL STATUS LIKE 'Uptime'"):
            return self.uptime
        if query == "SHOW GRANTS":
            return [{"Grants": self.grants}]
        if query.startswith("SELECT @@version_comment"):
            return [self.about]
        if query == "SELECT NOW(6) AS NOW":
            return [{"NOW": self.about["now"]}]
        if query.startswith(("SET ", "CALL DBMS_APPLICATION_INFO.")):
            return []
        return self.select(query)

    def select(self, query: str) -> list[dict[str, Any]]:
        asked = _SELECT.fullmatch(query)
        assert asked, query
        view = asked["view"]
        if view not in self.views:
            raise StatementFailed(f"Table 'oceanbase.{view}' doesn't exist", 1146)
        rows = self.views[view]
        if "_PROCESSLIST" not in view:
            return self.objects if "JOIN" in query else rows
        only = re.search(r"WHERE ID (?:IN \((.+)\)|= (\d+))", asked["rest"])
        if only:
            sids = {int(each) for each in (only[1] or only[2]).split(",")}
            rows = [row for row in rows if row["ID"] in sids]
        if "LIMIT 1" in asked["rest"]:
            rows = rows[:1]
        if asked["columns"] == "*":
            return rows
        names = asked["columns"].split(", ")
        missing = set(names) - set(self.views[view][0])
        if missing:
            raise StatementFailed(f"Unknown column '{missing.pop()}' in 'field list'", 1054)
        return [{name: row[name] for name in names} for row in rows]


def look(server: Recorded, keys: Iterable[str] = ALL_KEYS) -> Snapshot:
    """The snapshot of a recorded server, as Database.snapshot makes it."""
    dialect = OceanBaseMySQL()
    found, about = dialect.introduce(server, LOGIN)
    assert found is dialect
    now, sessions, unavailable = dialect.sessions(server.ask, frozenset(keys))
    return Snapshot({**about, "taken_at": iso(now)}, sessions, unavailable)


def one(*rows: dict[str, Any], sid: int | None = None, **server: Any) -> Session:
    """The session of the first row, among our own and the others."""
    own = {name: value for name, value in CLUSTER_OWN.items() if name in rows[0]}
    found = look(Recorded([own, *rows], **server)).sessions
    (wanted,) = [each for each in found if each.sid == (sid or rows[0]["ID"])]
    return wanted


def begun(sid: int, seconds: float) -> dict[str, Any]:
    """The row of a transaction that began so many seconds ago."""
    return {"SESSION_ID": sid, "SINCE": NOW - timedelta(seconds=seconds)}
