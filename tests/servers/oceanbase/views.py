# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of the server: what they are made of in SQLite, and since which version they exist.

Sources of the columns: the vendor's reference of each view, and what seekdb shows, whose views are the same without the
columns of the node.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..oracle.sql import Source
from ..oracle.values import Column, Type
from .data import Table, Transaction

if TYPE_CHECKING:
    from .session import Session

Version = tuple[int, ...]

_N, _V, _D, _T = Type.NUMBER, Type.VARCHAR2, Type.BINARY_DOUBLE, Type.TIMESTAMP_TZ
DAY = 86400.0
_NODE = (Column("SVR_IP", _V, 46), Column("SVR_PORT", _N))
# Since this version ID1 and ID2 of a waiter name who holds the lock.
_HOLDERS_SINCE = (4, 2, 4)
TENANT_ID = 1002


@dataclass(frozen=True)
class Listed:
    """A column of the session list, and how a session fills it; ``sql`` is what the view computes of it."""

    column: Column
    read: Callable[[Session], Any]
    since: Version = (4,)
    sql: str = ""


def _attribute(name: str) -> Callable[[Session], Any]:
    return lambda session: getattr(session, name)


def _always(value: Any) -> Callable[[Session], Any]:
    return lambda _session: value


def _since(name: str) -> str:
    """Seconds since a moment that the table has as days."""
    return f'max(0.0, round((:now - "{name}") * {DAY}, 6))'


_LATER = (4, 2)
SESSION_COLUMNS = (
    Listed(Column("SVR_IP", _V, 46), lambda session: session.node.ip),
    Listed(Column("SVR_PORT", _N), lambda session: session.node.rpc_port),
    Listed(Column("SQL_PORT", _N), lambda session: session.node.sql_port),
    Listed(Column("ID", _N), _attribute("id")),
    Listed(Column("USER", _V, 32), _attribute("user")),
    Listed(Column("HOST", _V, 128), _attribute("host")),
    Listed(Column("DB", _V, 128), _attribute("schema")),
    Listed(Column("TENANT", _V, 128), _attribute("tenant")),
    Listed(Column("COMMAND", _V, 4096), _attribute("command")),
    Listed(Column("TIME", _D), lambda session: session.since / DAY, sql=_since("TIME")),
    Listed(Column("TOTAL_TIME", _D), lambda session: session.total_since / DAY, sql=_since("TOTAL_TIME")),
    Listed(Column("STATE", _V, 128), _attribute("state")),
    Listed(Column("INFO", _V, 4000), _attribute("info")),
    Listed(Column("PROXY_SESSID", _N), lambda session: session.proxy_sessid and str(session.proxy_sessid)),
    Listed(Column("MASTER_SESSID", _N), _always(None)),
    Listed(Column("USER_CLIENT_IP", _V, 46), _attribute("client_ip")),
    Listed(Column("USER_HOST", _V, 128), _always("%")),
    Listed(Column("RETRY_CNT", _N), _always(0)),
    Listed(Column("RETRY_INFO", _N), _always(0)),
    Listed(Column("SQL_ID", _V, 32), _attribute("sql_id")),
    Listed(Column("TRANS_ID", _N), _attribute("transaction_id")),
    Listed(Column("THREAD_ID", _N), _attribute("thread_id")),
    Listed(Column("SSL_CIPHER", _V, 4096), _always(None)),
    Listed(Column("TRACE_ID", _V, 64), _attribute("trace_id")),
    Listed(Column("TRANS_STATE", _V, 32), _attribute("transaction_state")),
    Listed(Column("ACTION", _V, 4096), _attribute("action")),
    Listed(Column("MODULE", _V, 4096), _attribute("module")),
    Listed(Column("CLIENT_INFO", _V, 4096), _attribute("client_info")),
    Listed(Column("LEVEL", _N), _always(1)),
    Listed(Column("SAMPLE_PERCENTAGE", _N), _always(10)),
    Listed(Column("RECORD_POLICY", _V, 32), _always("SAMPLE_AND_SLOW_QUERY")),
    Listed(Column("LB_VID", _N), _always(None), _LATER),
    Listed(Column("LB_VIP", _V, 46), _always(None), _LATER),
    Listed(Column("LB_VPORT", _N), _always(None), _LATER),
    Listed(Column("IN_BYTES", _N), _always(0), _LATER),
    Listed(Column("OUT_BYTES", _N), _always(0), _LATER),
    Listed(Column("USER_CLIENT_PORT", _N), _attribute("client_port"), _LATER),
    Listed(Column("TOTAL_CPU_TIME", _D), _always(0.0), _LATER),
    Listed(Column("PROXY_USER", _V, 128), _always(None), _LATER),
)
_LOCK_COLUMNS = (
    *_NODE,
    Column("TENANT_ID", _N),
    Column("TRANS_ID", _N),
    Column("SESSION_ID", _N),
    Column("TYPE", _V, 2),
    Column("ID1", _N),
    Column("ID2", _N),
    Column("ID3", _V, 4000),
    Column("LMODE", _V, 16),
    Column("REQUEST", _V, 16),
    Column("CTIME", _N),
    Column("BLOCK", _N),
)
_SCHEDULER_COLUMNS = (
    *_NODE,
    Column("SESSION_ID", _N),
    Column("TX_ID", _N),
    Column("STATE", _V, 18),
    Column("ISOLATION_LEVEL", _V, 64),
    Column("ACCESS_MODE", _V, 16),
    Column("ACTIVE_TIME", _T, 13),
    Column("EXPIRE_TIME", _T, 13),
)
_OBJECT_COLUMNS = (
    Column("OWNER", _V, 128),
    Column("OBJECT_NAME", _V, 128),
    Column("OBJECT_ID", _N),
    Column("DATA_OBJECT_ID", _N),
    Column("OBJECT_TYPE", _V, 23),
    Column("STATUS", _V, 7),
)
_PRIVILEGE, _ADMIN_OPTION = Column("PRIVILEGE", _V, 40), Column("ADMIN_OPTION", _V, 3)


@dataclass(frozen=True)
class View:
    """``restricted``: it takes a privilege to read it."""

    source: Source
    since: Version
    restricted: bool = True


def _of_tenant(alias: str) -> str:
    return f"(:tenant = 'sys' OR {alias}.tenant = :tenant)"


def _processlist(version: Version, where: str) -> Source:
    shown = [listed for listed in SESSION_COLUMNS if version >= listed.since]
    names = ", ".join(
        f'{listed.sql} AS "{listed.column.name}"' if listed.sql else f's."{listed.column.name}"' for listed in shown
    )
    visible = f'{where} AND s.listed AND {_of_tenant("s")} AND (:everybody OR s."USER" = :user)'
    return Source(f"(SELECT {names} FROM x_session s WHERE {visible})", [listed.column for listed in shown])


def _locks(version: Version, where: str) -> Source:
    holders = version >= _HOLDERS_SINCE
    names = "SVR_IP, SVR_PORT, TENANT_ID, TRANS_ID, SESSION_ID, TYPE"
    # What an older version has there is known not to be the holder, and no more than that.
    ids = "ID1, ID2, ID3" if holders else "TRANS_ID AS ID1, SESSION_ID AS ID2, ID3"
    elapsed = f"CASE WHEN :lock_time THEN CAST((:now - since) * {DAY * 1e6} AS INTEGER) END AS CTIME"
    return Source(
        f"(SELECT {names}, {ids}, LMODE, REQUEST, {elapsed}, BLOCK FROM x_lock l WHERE {where} AND {_of_tenant('l')})",
        _LOCK_COLUMNS,
    )


def _schedulers(_version: Version, where: str) -> Source:
    names = "SVR_IP, SVR_PORT, ID AS SESSION_ID, TRANS_ID AS TX_ID, transaction_state AS STATE"
    more = "'READ COMMITTED' AS ISOLATION_LEVEL, 'READ_WRITE' AS ACCESS_MODE, transaction_begun AS ACTIVE_TIME"
    return Source(
        f"(SELECT {names}, {more}, transaction_begun + 1 AS EXPIRE_TIME FROM x_session s"
        f" WHERE {where} AND transaction_begun IS NOT NULL AND {_of_tenant('s')})",
        _SCHEDULER_COLUMNS,
    )


def _objects() -> Source:
    return Source(f"(SELECT * FROM x_object o WHERE {_of_tenant('o')})", _OBJECT_COLUMNS)


def _privileges(of: str) -> Source:
    """The system privileges of the own account (``own``) or of its roles (``role``)."""
    name = Column({"own": "USERNAME", "role": "ROLE"}[of], _V, 128)
    return Source(
        f"(SELECT name AS {name.name}, PRIVILEGE, 'NO' AS ADMIN_OPTION FROM x_privilege WHERE kind = '{of}')",
        (name, _PRIVILEGE, _ADMIN_OPTION),
    )


def views(version: Version) -> dict[str, View]:
    """Those of the schema SYS in this version, by name."""
    found = {}
    for name, source, since in (
        ("OB_PROCESSLIST", _processlist, (4,)),
        ("OB_TRANSACTION_SCHEDULERS", _schedulers, (4, 2, 1)),
        ("OB_LOCKS", _locks, (4, 2)),
    ):
        found["GV$" + name] = View(source(version, "TRUE"), since)
        # The rows of the node that answers.
        found["V$" + name] = View(source(version, "SVR_IP = :node"), since)
    found["DBA_OBJECTS"] = View(_objects(), ())
    every = Source("(SELECT DISTINCT PRIVILEGE FROM x_privilege)", (_PRIVILEGE,))
    found["SESSION_PRIVS"] = View(every, (), restricted=False)
    found["USER_SYS_PRIVS"] = View(_privileges("own"), (), restricted=False)
    found["ROLE_SYS_PRIVS"] = View(_privileges("role"), (), restricted=False)
    return {name: view for name, view in found.items() if version >= view.since}


class Memory:
    """What the views show, in SQLite. Whoever changes a session shows it here anew."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        names = ", ".join(
            f'"{listed.column.name}"' + (" INTEGER" if listed.column.name == "ID" else "") for listed in SESSION_COLUMNS
        )
        more = "listed, transaction_state, transaction_begun, PRIMARY KEY (ID, SVR_IP)"
        connection.execute(f"CREATE TABLE x_session ({names}, {more})")
        connection.execute(
            "CREATE TABLE x_lock (tenant, SVR_IP, SVR_PORT, TENANT_ID, TRANS_ID INTEGER, SESSION_ID INTEGER, TYPE, ID1, ID2,"
            " ID3, LMODE, REQUEST, since, BLOCK)"
        )
        connection.execute("CREATE INDEX x_lock_of ON x_lock (TRANS_ID)")
        connection.execute(
            "CREATE TABLE x_object (tenant, OWNER, OBJECT_NAME, OBJECT_ID, DATA_OBJECT_ID INTEGER, OBJECT_TYPE, STATUS)"
        )
        connection.execute("CREATE TABLE x_privilege (name, PRIVILEGE, kind)")
        self._show = f"INSERT OR REPLACE INTO x_session VALUES ({', '.join('?' * (len(SESSION_COLUMNS) + 3))})"

    def show(self, session: Session) -> None:
        state, begun = session.scheduled or (None, None)
        columns = (listed.read(session) for listed in SESSION_COLUMNS)
        self._connection.execute(self._show, (*columns, session.listed, state, begun and begun / DAY))

    def hide(self, session: Session) -> None:
        self._connection.execute("DELETE FROM x_session WHERE ID = ? AND SVR_IP = ?", (session.id, session.node.ip))

    # --- locks

    def held(self, transaction: Transaction, tablet: int, row: str | None) -> None:
        if row is None:
            self._lock(transaction, "TM", (transaction.id, transaction.session.id, str(tablet)), "RX", "NONE", 0)
            self._lock(transaction, "TX", (transaction.id, transaction.session.id, None), "X", "NONE", 0)
        else:
            self._lock(transaction, "TR", (transaction.id, transaction.session.id, f"{tablet}-{row}"), "X", "NONE", 0)

    def waits(self, transaction: Transaction, holder: Transaction, tablet: int, row: str) -> None:
        self._lock(transaction, "TR", (holder.id, holder.session.id, f"{tablet}-{row}"), "NONE", "X", 1)

    def waits_no_more(self, transaction: Transaction) -> None:
        self._connection.execute("DELETE FROM x_lock WHERE TRANS_ID = ? AND BLOCK = 1", (transaction.id,))

    def released(self, transaction: Transaction) -> None:
        self._connection.execute("DELETE FROM x_lock WHERE TRANS_ID = ?", (transaction.id,))

    def _lock(
        self, transaction: Transaction, kind: str, ids: tuple[Any, ...], mode: str, request: str, block: int
    ) -> None:
        session = transaction.session
        where = (session.tenant, session.node.ip, session.node.rpc_port, TENANT_ID, transaction.id, session.id)
        self._connection.execute(
            "INSERT INTO x_lock VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*where, kind, *ids, mode, request, time.time() / DAY, block),
        )

    # --- objects and privileges

    def created(self, table: Table) -> None:
        row = (table.tenant, table.owner, table.name, table.tablet + 300002, table.tablet, "TABLE", "VALID")
        self._connection.execute("INSERT INTO x_object VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def dropped(self, table: Table) -> None:
        self._connection.execute("DELETE FROM x_object WHERE DATA_OBJECT_ID = ?", (table.tablet,))

    def show_privileges(self, session: Session) -> None:
        """Fill the views of privileges with those of the session that asks."""
        self._connection.execute("DELETE FROM x_privilege")
        rows = [
            (source.name, privilege, "own" if source is session.account else "role")
            for source in session.account.sources()
            for privilege in sorted(source.privileges)
        ]
        self._connection.executemany("INSERT INTO x_privilege VALUES (?, ?, ?)", rows)
