# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""OceanBase, MySQL-mode tenants. Sources: see oceanbase.py."""

from __future__ import annotations

import re
from datetime import timedelta

from ..errors import StatementFailed
from ..guard import TAG
from ..session import iso
from .base import GONE, PRIVILEGE, REFUSED, UNKNOWN
from .oceanbase import MYSQL_MODE, OceanBase, client_info
from .oceanbase_rows import time_of
from .oceanbase_snapshot import Grammar

# It lets an account of a tenant other than sys see the sessions of other users.
_SEES_ALL = re.compile(r"GRANT (?:ALL PRIVILEGES|.*\bPROCESS\b).* ON \*\.\*")
# It lets one end them.
_ENDS_ALL = re.compile(r"GRANT (?:ALL PRIVILEGES|.*\bSUPER\b).* ON \*\.\*")
_DENIED, _UNKNOWN_TABLE = 1142, 1146
_UNKNOWN_DATABASE, _SYNTAX, _NOT_SUPPORTED, _NO_SUCH_ROUTINE = 1049, 1064, 1235, 1305

_GRAMMAR = Grammar(
    schema="oceanbase",
    name=lambda name: name,
    first="SELECT {columns} FROM {view} LIMIT 1",
    now="SELECT NOW(6) AS NOW",
    time="{time}",
    tablet="CAST(SUBSTRING_INDEX(l.ID3, '-', 1) AS UNSIGNED)",
    number=lambda error: error.code,
    unknown_table=_UNKNOWN_TABLE,
    denied=_DENIED,
    missing="this server has no view {view}",
    # seekdb, which is one server, has only these.
    views_of_one_server=True,
    empty="",
)


class OceanBaseMySQL(OceanBase):
    name = "oceanbase_mysql"
    mode = MYSQL_MODE
    confined = "it lacks SUPER, so the server would refuse to end what other users run: GRANT SUPER ON *.* TO it"
    grammar = _GRAMMAR
    # 1094 unknown thread id, 1095 not owner, 1142/1227 missing privilege, 1317/4012 interrupted by us or by the server's
    # own time limit before it answered (ob_errno.def).
    error_classes = {1094: GONE, 1095: REFUSED, 1142: PRIVILEGE, 1227: PRIVILEGE, 1317: UNKNOWN, 4012: UNKNOWN}

    def describe(self, connection, login):
        ask = connection.ask
        about, uptime, grants = ask(
            [
                "SELECT @@version_comment AS comment, CONNECTION_ID() AS sid, @@server_uuid AS uuid, UTC_TIMESTAMP(6) AS now",
                "SHOW GLOBAL STATUS LIKE 'Uptime'",
                "SHOW GRANTS",
            ]
        )
        version = self._recognise(str(about[0]["comment"]))
        _settle_in(ask, login)
        own = self._open_list(connection, int(about[0]["sid"]))
        tenant = own.get("TENANT") or self._sessions.tenant
        of_sys = tenant.lower() == "sys"
        granted = [str(grant) for row in grants for grant in row.values()]
        self._confined_to = None if of_sys or any(map(_ENDS_ALL.search, granted)) else own["USER"]
        return {
            **self._about(login, version, tenant, about[0]["uuid"]),
            "all_users": of_sys or any(map(_SEES_ALL.search, granted)),
            "all_containers": self._sessions.has_tenants and of_sys,
            # A proxy may have asked another server than the one before.
            "startup_time": None if self.proxy else _started(time_of(about[0]["now"]), uptime),
        }


def _settle_in(ask, login):
    """Sets our session to UTC and to our limit, and names it, so that another run of this collection recognises it.

    A server without the package leaves us unnamed there; our own session is known by its id all the same.
    """
    written = client_info(login).encode().hex()
    told = f"CONVERT(X'{written}' USING utf8mb4)" if written else "''"
    try:
        ask(
            [
                "SET time_zone = '+00:00'",
                f"SET ob_query_timeout = {int(login.call_timeout * 1_000_000)}",
                f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{TAG}', '')",
                f"CALL DBMS_APPLICATION_INFO.SET_CLIENT_INFO({told})",
            ]
        )
    except StatementFailed as error:
        if error.code not in (_NO_SUCH_ROUTINE, _UNKNOWN_DATABASE, _NOT_SUPPORTED, _SYNTAX):
            raise


def _started(now, uptime):
    """When the server started, as ISO 8601 in UTC; its uptime has a resolution of one second."""
    if not uptime:
        return None
    return iso(now - timedelta(seconds=int(uptime[0]["Value"])))
