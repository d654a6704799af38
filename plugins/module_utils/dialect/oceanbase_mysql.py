# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""OceanBase, MySQL-mode tenants.

Sources: the server's own source (ob_kill_session_arg, ob_kill_executor, ob_errno), the vendor's view pages, and
measurements on seekdb 1.4, which is the OceanBase 4.3.5 kernel; docs/oceanbase.md says which is which.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from .. import values
from ..blocking import LOCK_KEYS, Wait, relate
from ..errors import DatabaseError, StatementFailed
from ..guard import TAG
from ..login import parse_oceanbase_login
from ..plan import CANCEL, DISCONNECT, KILL
from ..session import NOT_READ, Answer, Session, iso
from ..values import BadOption
from .base import GONE, PRIVILEGE, REFUSED, UNKNOWN, Dialect

_VERSION = re.compile(r"OceanBase\S*\s+([0-9]+(?:\.[0-9]+)+)")
# It lets an account of a tenant other than sys see the sessions of other users.
_SEES_ALL = re.compile(r"GRANT (?:ALL PRIVILEGES|.*\bPROCESS\b).* ON \*\.\*")
# The server lists these states; QUERY_KILLED is not one of them: the session lives on.
_DYING = "SESSION_KILLED"
_INTERNAL_HOST = "0.0.0.0:0"
# A transaction in one of these states holds no lock any more, although its row is still there.
_FINISHED = ("", "IDLE", "ABORTED", "ROLLED_BACK", "COMMITED")
# The tenant's administrator, the proxy's account; what begins with two underscores belongs to the server, too.
_SYSTEM_USERS = ("ROOT", "SYS", "PROXYRO")
_DENIED, _UNKNOWN_TABLE = 1142, 1146
_UNKNOWN_DATABASE, _SYNTAX, _NOT_SUPPORTED, _NO_SUCH_ROUTINE = 1049, 1064, 1235, 1305
# Since this version a lock row tells the holder's session (commit 1196d9a of the server's source).
_HOLDERS_LISTED = (4, 2, 4)

# Match keys that no version of this dialect can answer.
_NEVER = {
    "logon_age": "OceanBase does not list when a session logged on",
    "undo_records": "OceanBase does not list undo per session",
    **dict.fromkeys(
        (
            "os_user",
            "program",
            "service",
            "resource_group",
            "client_identifier",
            "server",
            "event",
            "wait_class",
            "inst_id",
        ),
        "OceanBase does not list it",
    ),
    **dict.fromkeys(("temp_mb", "pga_mb"), "OceanBase does not list it per session"),
}
_ELAPSED = ("TIME", "TOTAL_TIME")
_STATEMENT = ("SQL_ID", "TRACE_ID")
_TRANSACTION = ("TRANS_ID", "TRANS_STATE")
# The columns that answer each remaining match key; a server without the first of them cannot answer it.
_COLUMNS_OF = {
    "username": ("USER",),
    "schema": ("DB",),
    "machine": ("HOST",),
    "client_address": ("HOST",),
    "type": ("HOST",),
    "module": ("MODULE",),
    "action": ("ACTION",),
    "client_info": ("CLIENT_INFO",),
    "status": ("STATE",),
    "command": ("COMMAND",),
    "idle": ("TIME",),
    "active": (*_ELAPSED, *_STATEMENT),
    "sql_active": (*_ELAPSED, *_STATEMENT),
    "sql_id": (*_STATEMENT, *_ELAPSED),
    "sql_text": ("INFO", *_STATEMENT, *_ELAPSED),
    "in_transaction": _TRANSACTION,
    "transaction_age": _TRANSACTION,
}
# Identity, status and our own tag, which every look needs. HOST stands in where a proxy does not pass on the client's address or port.
_ALWAYS = (
    *("ID", "USER", "SVR_IP", "SVR_PORT", "TENANT", "HOST", "USER_CLIENT_IP", "USER_CLIENT_PORT"),
    *("COMMAND", "STATE", "MODULE"),
)
# What takes a view of its own and is read only where a key asks for it.
_VIEW_KEYS = {
    "transactions": frozenset({"transaction_age"}),
    "locks": LOCK_KEYS | {"locked_object"},
    "objects": frozenset({"locked_object"}),
}

_VIEWS = {
    "sessions": ("GV$OB_PROCESSLIST", "V$OB_PROCESSLIST"),
    "transactions": ("GV$OB_TRANSACTION_SCHEDULERS", "V$OB_TRANSACTION_SCHEDULERS"),
    "locks": ("GV$OB_LOCKS", "V$OB_LOCKS"),
    "objects": ("DBA_OBJECTS",),
}


class OceanBaseMySQL(Dialect):
    name = "oceanbase_mysql"
    driver = "mysql"
    # The server casts an id to 32 bits without a check: KILL 4294968696 kills session 1400 (measured).
    largest_sid = 2**32 - 1
    # 1094 unknown thread id, 1095 not owner, 1142/1227 missing privilege, 1317/4012 interrupted by us or by the server's
    # own time limit before it answered (ob_errno.def).
    error_classes = {1094: GONE, 1095: REFUSED, 1142: PRIVILEGE, 1227: PRIVILEGE, 1317: UNKNOWN, 4012: UNKNOWN}
    # A killed session whose transaction is over has let go of everything, even while the server still lists it.
    killed_is_ended = True
    unknown_although_listed = (
        "the server lists it, but does not know its id; log in to the server directly, not through a proxy"
    )
    sql_id_form = re.compile(r"[0-9A-F]{32}", re.ASCII)
    sql_id_shape = "32 characters of 0-9 and A-F"

    def __init__(self):
        super().__init__()
        self._found = {}
        self._denied = {}
        self._columns: frozenset[str] = frozenset()
        self._own_sid = None

    def parse_login(self, options):
        return parse_oceanbase_login(options)

    def check(self, way):
        if way.verb == DISCONNECT:
            raise BadOption(
                "dialect", "OceanBase has no DISCONNECT SESSION; use session_kill, which ends the connection as well."
            )
        for option, given in (
            ("immediate", not way.immediate),
            ("force", way.force),
            ("noreplay", way.noreplay),
            ("server_timeout", way.server_timeout is not None),
            ("allow_undocumented", way.allow_undocumented),
        ):
            if given:
                raise BadOption(option, "the KILL of OceanBase has no such option; leave it out.")

    def statement(self, way, session):
        return f"{ {KILL: 'KILL', CANCEL: 'KILL QUERY'}[way.verb] } {self._checked(session.sid)}"

    def send(self, connection, steps, matching, sparing, seconds=None):
        # The server stops at the first error; what stands behind it was not carried out.
        done, error = connection.script([step.statement for step in steps])
        return [Answer() for _result in done] + ([Answer(error.code, error.message)] if error else [])

    def _checked(self, sid):
        number = values.whole(sid, "sid", minimum=1)
        if number > self.largest_sid:
            raise BadOption("sid", f"{number} is no session id of OceanBase; those are 1 to {self.largest_sid}.")
        return number

    def introduce(self, connection, login):
        """Marks our session and finds out where we are."""
        ask = connection.ask
        (mode,) = ask(["SHOW VARIABLES LIKE 'ob_compatibility_mode'"])
        if mode and mode[0]["Value"].upper() == "ORACLE":
            raise DatabaseError(
                f"dialect: {login.user} belongs to an Oracle-mode tenant; this version ends sessions of MySQL-mode tenants, "
                "dialect oceanbase_oracle comes with a later one."
            )
        about, uptime, grants = ask(
            [
                "SELECT @@version_comment AS comment, CONNECTION_ID() AS sid, @@server_uuid AS uuid, UTC_TIMESTAMP(6) AS now",
                "SHOW GLOBAL STATUS LIKE 'Uptime'",
                "SHOW GRANTS",
            ]
        )
        version = _VERSION.search(str(about[0]["comment"]))
        if version is None:
            raise DatabaseError(
                f"dialect: the server calls itself {about[0]['comment']}, which is not OceanBase; set dialect to what it is."
            )
        self.version = tuple(int(part) for part in version[1].split("."))
        self._own_sid = int(about[0]["sid"])
        self._settle_in(ask, login)
        row = self._discover(ask, "sessions", "*")
        if row is None:
            raise DatabaseError(f"login_user: {self._denied['sessions']}; without it no session can be listed.")
        self._columns = frozenset(row)
        own = self._own_row(ask)
        # A server without the column has one tenant only: seekdb, where root@sys logs in.
        tenant = own.get("TENANT") or "sys"
        return self, {
            "dialect": self.name,
            "version": version[1],
            "name": tenant,
            "unique_name": None,
            "dbid": about[0]["uuid"],
            "role": None,
            "instance": _node(own),
            "instances": [],
            "platform": None,
            "host": login.host,
            "container": tenant,
            "all_users": tenant.lower() == "sys"
            or any(_SEES_ALL.search(str(grant)) for row in grants for grant in row.values()),
            "all_containers": "TENANT" in self._columns and tenant.lower() == "sys",
            "startup_time": _started(_time(about[0]["now"]), uptime),
        }

    def _settle_in(self, ask, login):
        """Sets our session to UTC and to our limit, and names it, so that another run of this collection recognises it.

        A server without the package leaves us unnamed there; our own session is known by its id all the same.
        """
        written = (login.comment or "").encode(errors="replace")[:64].decode(errors="ignore").encode().hex()
        client_info = f"CONVERT(X'{written}' USING utf8mb4)" if written else "''"
        try:
            ask(
                [
                    "SET time_zone = '+00:00'",
                    f"SET ob_query_timeout = {int(login.call_timeout * 1_000_000)}",
                    f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{TAG}', '')",
                    f"CALL DBMS_APPLICATION_INFO.SET_CLIENT_INFO({client_info})",
                ]
            )
        except StatementFailed as error:
            if error.code not in (_NO_SUCH_ROUTINE, _UNKNOWN_DATABASE, _NOT_SUPPORTED, _SYNTAX):
                raise

    def _discover(self, ask, view, columns):
        """Finds the view of the cluster or, failing that, of the node; returns its first row, {} if it has none.

        None when it cannot be read: the reason then stands in `_denied`.
        """
        for name in _VIEWS[view]:
            try:
                (rows,) = ask([f"SELECT {columns} FROM oceanbase.{name} LIMIT 1"])
            except StatementFailed as error:
                if error.code == _UNKNOWN_TABLE:
                    self._denied.setdefault(view, f"this server has no view oceanbase.{name}")
                elif error.code == _DENIED:
                    self._denied[view] = f"missing privilege: GRANT SELECT ON oceanbase.{name} TO the login user"
                    break
                else:
                    raise
            else:
                self._found[view] = name
                self._denied.pop(view, None)
                return rows[0] if rows else {}
        return None

    def _own_row(self, ask):
        columns = [name for name in ("TENANT", "SVR_IP", "SVR_PORT") if name in self._columns]
        if not columns:
            return {}
        view = self._found["sessions"]
        (rows,) = ask([f"SELECT {', '.join(columns)} FROM oceanbase.{view} WHERE ID = {self._own_sid}"])
        return rows[0] if rows else {}

    def sessions(self, ask, keys, sids=None):
        """The server's time, its sessions (all, or those of `sids`), and the match keys it cannot answer, with reasons.

        All sessions come with every column that costs little; those of `sids` with what `keys` need.
        """
        for view, asking in _VIEW_KEYS.items():
            if keys & asking and view not in self._found and view not in self._denied:
                self._look_for(ask, view)
        # Who blocks whom shows only in the whole list: a chain may lead through sessions that were not asked for.
        among = None if keys & LOCK_KEYS else sids
        columns = self._cheap(keys) if sids is None else self._needed(keys)
        queries = {"now": "SELECT NOW(6) AS now", "sessions": self._list(columns, among)}
        if "transactions" in self._found and "transaction_age" in keys:
            queries["ages"] = self._ages()
        if "locks" in self._found and keys & LOCK_KEYS:
            queries["waits"] = self._waits()
        if {"locks", "objects"} <= set(self._found) and "locked_object" in keys:
            queries["objects"] = self._locked_objects()
        found = dict(zip(queries, ask(list(queries.values()))))
        sessions = [self._session(row) for row in found["sessions"]]
        _add_ages(sessions, found.get("ages", ()))
        relate(sessions, [_wait(row) for row in found.get("waits", ())])
        _add_objects(sessions, found.get("objects", ()))
        if sids is not None:
            wanted = set(sids)
            sessions = [session for session in sessions if session.sid in wanted]
        return _time(found["now"][0]["now"]), sessions, self._unavailable(keys)

    def _look_for(self, ask, view):
        if view == "locks" and self.version < _HOLDERS_LISTED:
            since = ".".join(map(str, _HOLDERS_LISTED))
            self._denied[view] = f"before OceanBase {since} the server does not list who holds a lock"
        else:
            self._discover(ask, view, "1")

    def _cheap(self, keys):
        """All columns of a session, except for its SQL text unless that is asked for."""
        columns = {"MASTER_SESSID", *_ALWAYS, *(name for names in _COLUMNS_OF.values() for name in names)}
        return columns if "sql_text" in keys else columns - {"INFO"}

    def _needed(self, keys):
        """Identity, status and what these keys ask for: every column more is felt when thousands are looked at again."""
        return {*_ALWAYS, *(name for key in keys for name in _COLUMNS_OF.get(key, ()))}

    def _list(self, columns, sids):
        where = "" if sids is None else f" WHERE ID IN ({', '.join(str(self._checked(sid)) for sid in sids)})"
        return f"SELECT {', '.join(sorted(columns & self._columns))} FROM oceanbase.{self._found['sessions']}{where}"

    def _ages(self):
        return (
            "SELECT SESSION_ID, TIMESTAMPDIFF(MICROSECOND, ACTIVE_TIME, NOW(6)) AS AGE "
            f"FROM oceanbase.{self._found['transactions']} WHERE ACTIVE_TIME IS NOT NULL"
        )

    def _waits(self):
        # A row with BLOCK=1 is a wait: SESSION_ID waits since CTIME microseconds for what session ID2 holds.
        return f"SELECT SESSION_ID, ID2, CTIME FROM oceanbase.{self._found['locks']} WHERE BLOCK = 1 AND SESSION_ID > 0 AND ID2 > 0"

    def _locked_objects(self):
        # ID3 starts with the tablet; a row with a LMODE other than NONE is a lock that is held.
        return (
            "SELECT DISTINCT l.SESSION_ID, o.OWNER, o.OBJECT_NAME "
            f"FROM oceanbase.{self._found['locks']} l JOIN oceanbase.{self._found['objects']} o "
            "ON o.DATA_OBJECT_ID = CAST(SUBSTRING_INDEX(l.ID3, '-', 1) AS UNSIGNED) "
            "WHERE l.TYPE IN ('TM', 'TR') AND l.LMODE <> 'NONE' AND l.SESSION_ID > 0"
        )

    def _session(self, row):
        sid = int(row["ID"])
        state = row.get("STATE")
        active = row.get("COMMAND") != "Sleep"
        address, port = _client(row)
        elapsed = max(float(row.get("TIME") or 0.0), float(row.get("TOTAL_TIME") or 0.0))
        coordinator = int(row.get("MASTER_SESSID") or 0)
        username = row.get("USER") or None
        return Session(
            sid=sid,
            node=_node(row),
            client_address=address,
            client_port=port,
            type="background" if row.get("HOST") == _INTERNAL_HOST else "user",
            own=sid == self._own_sid,
            oracle_maintained=(username or "").upper() in _SYSTEM_USERS or (username or "").startswith("__"),
            username=username,
            schema=row.get("DB") if row.get("DB") not in ("NULL", "") else None,
            machine=address,
            module=row.get("MODULE") or None,
            action=row.get("ACTION") or None,
            client_info=row.get("CLIENT_INFO") or None,
            container=row.get("TENANT") or "sys",
            status="killed" if state == _DYING else "active" if active else "inactive",
            command=row.get("COMMAND"),
            sql_id=(row.get("SQL_ID") or None) if active else None,
            sql_exec_id=(row.get("TRACE_ID") or None) if active else None,
            sql_text=row.get("INFO"),
            # TIME counts the present state and starts anew when a statement is retried or killed; TOTAL_TIME goes on.
            idle_seconds=None if active else float(row.get("TIME") or 0.0),
            active_seconds=elapsed if active else None,
            sql_active_seconds=elapsed if active else None,
            transaction=_transaction(row),
            coordinator={"inst_id": None, "sid": coordinator} if coordinator and coordinator != sid else None,
        )

    def _unavailable(self, keys):
        """Every match key that cannot be answered here, or that was not read, with the reason."""
        missing = dict(_NEVER)
        for key, columns in _COLUMNS_OF.items():
            if columns[0] not in self._columns:
                missing[key] = f"oceanbase.{self._found['sessions']} of this version has no column {columns[0]}"
        # Whoever reads one of the lock keys has read them all.
        read = keys | (LOCK_KEYS if keys & LOCK_KEYS else set())
        for view, answered in _VIEW_KEYS.items():
            for key in answered:
                if view in self._denied:
                    missing.setdefault(key, self._denied[view])
                elif key not in read:
                    missing.setdefault(key, NOT_READ)
        if "sql_text" not in keys:
            missing.setdefault("sql_text", NOT_READ)
        return missing


def _wait(row):
    return Wait((None, int(row["SESSION_ID"])), (None, int(row["ID2"])), float(row["CTIME"]) / 1e6)


def _add_ages(sessions, rows):
    ages = {int(row["SESSION_ID"]): float(row["AGE"]) / 1e6 for row in rows}
    for session in sessions:
        if session.transaction:
            session.transaction["age_seconds"] = ages.get(session.sid)


def _add_objects(sessions, rows):
    objects: dict[int, list[str]] = {}
    for row in rows:
        objects.setdefault(int(row["SESSION_ID"]), []).append(f"{row['OWNER']}.{row['OBJECT_NAME']}")
    for session in sessions:
        session.locked_objects = sorted(objects.get(session.sid, ())) or None


def _time(written):
    return datetime.fromisoformat(str(written))


def _node(row):
    return f"{row['SVR_IP']}:{row['SVR_PORT']}" if row.get("SVR_IP") else None


def _client(row):
    """Address and port of the client itself; behind a proxy HOST is the proxy's."""
    host, _colon, port = str(row.get("HOST") or "").rpartition(":")
    port = str(row.get("USER_CLIENT_PORT") or port)
    return row.get("USER_CLIENT_IP") or host or None, (int(port) if port.isdigit() else 0) or None


def _transaction(row):
    state = row.get("TRANS_STATE")
    if not int(row.get("TRANS_ID") or 0) or (state is not None and state in _FINISHED):
        return None
    return {"age_seconds": None, "undo_records": None}


def _started(now, uptime):
    """When the server started, as ISO 8601 in UTC; its uptime has a resolution of one second."""
    if not uptime:
        return None
    return iso(now - timedelta(seconds=int(uptime[0]["Value"])))
