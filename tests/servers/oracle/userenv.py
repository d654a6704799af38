# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SYS_CONTEXT: the namespace USERENV (SQL Language Reference, "SYS_CONTEXT"), and what clients put into theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import sga, tables

if TYPE_CHECKING:
    from .executor import Executor

_DBA_MODES = ("SYSDBA",)


def userenv(executor: Executor, namespace: str, name: str) -> str | None:
    """The value, None where there is none; names are in upper case."""
    if namespace != "USERENV":
        return executor.application_context.get((namespace, name))
    found = _ENTRIES.get(name)
    return None if found is None else found(executor)


def _column(name: str) -> Callable[[Executor], str | None]:
    def read(executor: Executor) -> str | None:
        value = getattr(executor.session.row, name)
        return None if value is None else str(value)

    return read


def _database(name: str) -> Callable[[Executor], str | None]:
    def read(executor: Executor) -> str | None:
        database = sga.get(executor.connection, tables.Database)
        return None if database is None else str(getattr(database, name))

    return read


def _instance(name: str) -> Callable[[Executor], str | None]:
    def read(executor: Executor) -> str | None:
        instance = sga.get(executor.connection, tables.Instance, inst_id=executor.session.inst_id)
        return None if instance is None else str(getattr(instance, name))

    return read


def _container(executor: Executor) -> str | None:
    con_id = executor.session.con_id
    if con_id <= 1:
        return "CDB$ROOT" if con_id else _database("name")(executor)
    pdb = sga.get(executor.connection, tables.Pdb, con_id=con_id)
    return pdb.name if pdb else None


_ENTRIES: dict[str, Callable[[Executor], str | None]] = {
    "ACTION": _column("action"),
    "AUTHENTICATION_METHOD": lambda _executor: "PASSWORD",
    "CDB_NAME": lambda executor: _database("name")(executor) if executor.session.con_id else None,
    # In a database that is no CDB both are as in the root of one, but for the number.
    "CON_ID": lambda executor: str(executor.session.con_id),
    "CON_NAME": _container,
    "CLIENT_IDENTIFIER": _column("client_identifier"),
    "CLIENT_INFO": _column("client_info"),
    "CLIENT_PROGRAM_NAME": _column("program"),
    "CURRENT_SCHEMA": lambda executor: executor.schema,
    "CURRENT_USER": lambda executor: executor.rights.user,
    "DATABASE_ROLE": _database("role"),
    "DB_DOMAIN": lambda _executor: None,
    "DB_NAME": _database("name"),
    "DB_UNIQUE_NAME": _database("unique_name"),
    "HOST": _column("machine"),
    "INSTANCE": lambda executor: str(executor.session.inst_id),
    "INSTANCE_NAME": _instance("name"),
    "IP_ADDRESS": lambda _executor: "127.0.0.1",
    "ISDBA": lambda executor: "TRUE" if executor.session.row.login_mode.upper() in _DBA_MODES else "FALSE",
    "LANG": lambda _executor: "US",
    "LANGUAGE": lambda _executor: "AMERICAN_AMERICA.AL32UTF8",
    "MODULE": _column("module"),
    "NETWORK_PROTOCOL": lambda _executor: "tcp",
    "ORACLE_HOME": lambda _executor: "/u01/app/oracle/product/dbhome_1",
    "OS_USER": _column("osuser"),
    "PROXY_USER": _column("proxy_user"),
    "SERVER_HOST": _instance("host"),
    "SERVICE_NAME": _column("service_name"),
    "SESSIONID": _column("audsid"),
    "SESSION_USER": lambda executor: executor.user,
    "SESSION_USERID": _column("user_id"),
    "SID": _column("sid"),
    "TERMINAL": _column("terminal"),
}
