# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Oracle-mode tenant of OceanBase answers, by the vendor's pages and the server's source: rows, and an object that answers with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import (
    Dialect,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_oracle import (
    OceanBaseOracle,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import Login
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session

NOW = datetime(2026, 11, 21, 7, 0, 0)
LOGIN = Login("10.1.1.1:2881", "KILL_USER@shop#obcluster", "", 10.0, 30.0, "CHG-1 o'clock", "10.1.1.1", 2881)
SYS, IDLE = 3221487722, 3221487726
OWN = {
    "ID": IDLE,
    "USER": "KILL_USER",
    "TENANT": "shop",
    "HOST": "10.9.9.9:34803",
    "DB": "KILL_USER",
    "COMMAND": "Query",
    "TIME": "0",
    "TOTAL_TIME": "0",
    "STATE": "ACTIVE",
    "INFO": "SHOW PROCESSLIST",
    "SVR_IP": "10.1.1.1",
    "SVR_PORT": "2882",
    "PROXY_SESSID": None,
    "USER_CLIENT_IP": "10.9.9.9",
    "USER_CLIENT_PORT": "34803",
    "SQL_ID": "BCDAC2647DAB9F33F5CA2F5FCB96FE26",
    "TRACE_ID": "YB427F000001-000660C445510A29-0-0",
    "TRANS_ID": "0",
    "TRANS_STATE": None,
    "MODULE": None,
}
OTHER_USER = {
    **OWN,
    "ID": SYS,
    "USER": "SYS",
    "DB": "SYS",
    "COMMAND": "Sleep",
    "TIME": "93",
    "TOTAL_TIME": "93",
    "STATE": "SLEEP",
    "INFO": None,
    "SQL_ID": None,
    "TRACE_ID": None,
    "USER_CLIENT_PORT": "40025",
}


PROXIED = {"PROXY_SESSID": "12402504630519660553", "HOST": "10.8.8.8:50000"}
OLD = "OceanBase 2.2.77 (r20211015104618)"
OLD_ROW = {
    **{name: OTHER_USER[name] for name in ("ID", "USER", "TENANT", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO")},
    "IP": "10.1.1.1",
    "PORT": "2881",
}
OLD_OWN = {**OLD_ROW, "ID": IDLE, "USER": "KILL_USER", "COMMAND": "Query", "STATE": "ACTIVE"}
OTHERS = [Session(sid=SYS, username="SYS", node="10.1.1.1:2882")]


def failure(number: int, text: str = "", prefix: str = "OBE") -> StatementFailed:
    return StatementFailed(f"{prefix}-{number:05d}: {text}", number)


class Tenant:
    """Answers what the dialect asks of an Oracle-mode tenant; ``refused`` are parts of queries with their errors."""

    def __init__(
        self,
        rows: Iterable[dict[str, Any]] = (OWN, OTHER_USER),
        version: str = "OceanBase 4.3.5.1 (r101000032025) (Built Jan  1 2025 00:00:00)",
        mode: str = "ORACLE",
        greeted: int = IDLE,
        user: str = "KILL_USER",
        privileges: tuple[str, ...] = ("CREATE SESSION", "ALTER SYSTEM", "SUPER"),
        enabled: tuple[str, ...] = (),
        uuid: str | None = "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        begun: Iterable[dict[str, Any]] = (),
        refused: dict[str, StatementFailed] | None = None,
    ) -> None:
        self.rows = list(rows)
        self.session_id = greeted
        self.one_at_a_time = False
        self.privileges, self.enabled = privileges, enabled
        self.begun = list(begun)
        self.variables = {"ob_compatibility_mode": mode, "version_comment": version, "server_uuid": uuid}
        self.who: dict[str, str | None] = {"SID": str(self.rows[0]["ID"]), "NAME": user}
        self.refused = refused or {}
        # How many of the rows have our id.
        self.own = 1
        self.asked: list[str] = []
        self.sent: list[str] = []

    def ask(self, queries: list[str]) -> list[list[dict[str, Any]]]:
        return [self._answer(query) for query in queries]

    def script(self, statements: list[str], _seconds: float) -> tuple[list[list[Any]], StatementFailed | None]:
        done: list[list[Any]] = []
        for statement in statements:
            self.sent.append(statement)
            try:
                self._refuse(statement)
            except StatementFailed as error:
                return done, error
            done.append([])
        return done, None

    def _refuse(self, text: str) -> None:
        for part, error in self.refused.items():
            if part in text:
                raise error

    def _answer(self, query: str) -> list[dict[str, Any]]:
        self.asked.append(query)
        self._refuse(query)
        variable = re.fullmatch(r"SHOW VARIABLES LIKE '(\w+)'", query)
        if variable:
            value = self.variables[variable[1]]
            return [] if value is None else [{"VARIABLE_NAME": variable[1], "VALUE": value}]
        if query == "SHOW FULL PROCESSLIST":
            return self.rows
        if query.startswith(("ALTER SESSION SET ", "SET ob_query_timeout = ", "CALL DBMS_APPLICATION_INFO.")):
            return []
        if "USERENV" in query:
            return [self.who]
        if query.endswith("AS NOW FROM DUAL"):
            return [{"NOW": f"{NOW.isoformat(' ')}.000000"}]
        if "_PRIVS" in query:
            held = self.enabled if "SESSION_PRIVS" in query else self.privileges if "USER_SYS" in query else ()
            return [{"PRIVILEGE": each} for each in held]
        if "COUNT(DISTINCT" in query:
            return [{"USERS": str(len({row["USER"] for row in self.rows}))}]
        if "OB_TRANSACTION_SCHEDULERS" in query:
            return self.begun
        if "_PROCESSLIST" not in query:
            return []
        return self.rows if re.search(r" WHERE ID IN | WHERE ROWNUM|PROCESSLIST$", query) else self.rows[: self.own]


def introduced(server: Tenant, dialect: Dialect | None = None) -> tuple[OceanBaseOracle, dict[str, Any]]:
    found, about = (dialect or OceanBaseOracle()).introduce(server, LOGIN)
    assert isinstance(found, OceanBaseOracle)
    return found, about
