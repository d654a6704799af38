# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The session list of OceanBase: which views and columns answer what, and how their rows become sessions.

Both tenant modes have the same views; a Grammar holds what they spell differently. Sources: see oceanbase.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from .. import values
from ..blocking import LOCK_KEYS, relate
from ..errors import DatabaseError, StatementFailed
from ..session import NOT_READ
from ..values import BadOption
from .oceanbase_rows import FINISHED, add_ages, add_objects, of_clients, session_of, time_of, wait_of

# The server casts an id to 32 bits without a check: KILL 4294968696 kills session 1400 (measured).
LARGEST_SID = 2**32 - 1

# Since this version the views of this file exist, and since that one a lock row tells the holder's session (commit 1196d9a
# of the server's source).
_VIEWS_SINCE, _HOLDERS_LISTED = (4,), (4, 2, 4)
# Before, this is the session list, with these names for the columns that are called otherwise now.
_OLD_LIST = "SHOW FULL PROCESSLIST"
_OLD_NAMES = {"IP": "SVR_IP", "PORT": "SVR_PORT"}

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
    *("ID", "USER", "SVR_IP", "SVR_PORT", "TENANT", "HOST", "USER_CLIENT_IP", "USER_CLIENT_PORT", "PROXY_SESSID"),
    *("COMMAND", "STATE", "MODULE"),
)
# What our own row tells of the server and of the way to it.
_OWN = frozenset({"ID", "USER", "TENANT", "SVR_IP", "SVR_PORT", "PROXY_SESSID"})
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


@dataclass(frozen=True)
class Grammar:
    """How a tenant mode spells what the other one spells differently.

    `schema` owns the views; `name` is how the name of a column is written; `first` makes a query of a select list and a
    view that returns one row at most; `now` asks for the server's time as NOW, `time` turns a time into a text that both
    share; `tablet` is the tablet in the column ID3 of a lock, `empty` how an empty text arrives. `number` is the error
    number of a StatementFailed, `unknown_table` that of a view which is not there, `denied` that of one which may not be
    read, `missing` what the former means; `views_of_one_server` says that those will do where the views of the whole
    cluster are not there.
    """

    schema: str
    name: Callable
    first: str
    now: str
    time: str
    tablet: str
    number: Callable
    unknown_table: int
    denied: int
    missing: str
    views_of_one_server: bool
    empty: str | None


class SessionList:
    """What a server lists of its sessions, and what it cannot tell, with the reasons."""

    def __init__(self, grammar, version):
        self._grammar = grammar
        self._version = version
        self._found = {}
        self._denied = {}
        self._columns: frozenset[str] = frozenset()
        self._own_sid = None
        self._own_proxy_id = None
        # Where the rows do not tell theirs; a server without the column has one tenant only: seekdb, where root@sys logs in.
        self.tenant = "sys"

    @property
    def has_tenants(self):
        """Whether the server has more than one tenant; seekdb has not."""
        return "TENANT" in self._columns

    @property
    def has_nodes(self):
        """Whether there may be several servers; seekdb is one, and does not say which."""
        return "SVR_IP" in self._columns

    def open(self, ask, own_sid):
        """Finds the session list; returns our own row in it, {} if the server does not show it.

        Raises DatabaseError, with the grant that is missing, when the list cannot be read, and when our id is not ours alone.
        """
        self._own_sid = own_sid
        if self._version < _VIEWS_SINCE:
            rows = [_renamed(row) for row in ask([_OLD_LIST])[0]]
            self._columns = frozenset(rows[0]) if rows else frozenset()
        else:
            row = self._discover(ask, "sessions", "*")
            if row is None:
                raise DatabaseError(f"login_user: {self._denied['sessions']}; without it no session can be listed.")
            self._columns = frozenset(row)
            (rows,) = ask([f"{self._query(_OWN, None)} WHERE ID = {own_sid}"]) if row else ([],)
        ours = [row for row in rows if int(row["ID"]) == own_sid]
        if len({(row.get("PROXY_SESSID"), row.get("TENANT")) for row in ours}) > 1:
            raise DatabaseError(
                f"login_dsn: our own session id, {own_sid}, is that of another client as well; two proxies have the same number."
            )
        own: dict = ours[0] if ours else {}
        self._own_proxy_id = int(own.get("PROXY_SESSID") or 0) or None
        return own

    def shows_others(self, ask):
        """Whether it shows a session of another user, which it does to nobody who may not see all of them."""
        if self._version < _VIEWS_SINCE:
            rows = [_renamed(row) for row in ask([_OLD_LIST])[0]]
            own = next((row["USER"] for row in rows if int(row["ID"]) == self._own_sid), None)
            return any(row["USER"] != own for row in rows)
        user = self._grammar.name("USER")
        (rows,) = ask([f"SELECT COUNT(DISTINCT {user}) AS USERS FROM {self._place('sessions')}"])
        return int(rows[0]["USERS"]) > 1

    def read(self, ask, keys, sids=None):
        """The server's time, its sessions (all, or those of `sids`), and the match keys it cannot answer, with reasons.

        All sessions come with every column that costs little; those of `sids` with what `keys` need.
        """
        for view, asking in _VIEW_KEYS.items():
            if keys & asking and view not in self._found and view not in self._denied:
                self._look_for(ask, view)
        # Who blocks whom shows only in the whole list: a chain may lead through sessions that were not asked for.
        among = None if keys & LOCK_KEYS else sids
        columns = self._cheap(keys) if sids is None else self._needed(keys)
        queries = {"now": self._grammar.now}
        if "transactions" in self._found and "transaction_age" in keys:
            queries["begun"] = self._begun()
        if "locks" in self._found and keys & LOCK_KEYS:
            queries["waits"] = self._waits()
        if {"locks", "objects"} <= set(self._found) and "locked_object" in keys:
            queries["objects"] = self._locked_objects()
        # Last: it changes the most, and must not be older than what the other views take to tell.
        queries["sessions"] = self._query(columns, among)
        found = dict(zip(queries, ask(list(queries.values()))))
        now = time_of(found["now"][0]["NOW"])
        sessions = of_clients([self._session(_renamed(row)) for row in found["sessions"]])
        add_ages(sessions, found.get("begun", ()), now)
        relate(sessions, [wait_of(row) for row in found.get("waits", ())])
        add_objects(sessions, found.get("objects", ()))
        if sids is not None:
            wanted = set(sids)
            sessions = [session for session in sessions if session.sid in wanted]
        return now, sessions, self._unavailable(keys)

    def rolling_back(self, ask, sids):
        """Which of these ids have a transaction that is not over, listed or not; why that cannot be seen, None if it can."""
        if "transactions" not in self._found and "transactions" not in self._denied:
            self._look_for(ask, "transactions")
        if "transactions" in self._denied:
            return frozenset(), self._denied["transactions"]
        finished = ", ".join(f"'{state}'" for state in FINISHED)
        among = ", ".join(str(checked(sid)) for sid in sids)
        (rows,) = ask(
            [
                f"SELECT SESSION_ID FROM {self._place('transactions')} "
                f"WHERE SESSION_ID IN ({among}) AND (STATE IS NULL OR STATE NOT IN ({finished}))"
            ]
        )
        return frozenset(int(row["SESSION_ID"]) for row in rows), None

    # --- views

    def _place(self, view):
        return f"{self._grammar.schema}.{self._found[view]}"

    def _look_for(self, ask, view):
        if self._version < _VIEWS_SINCE:
            self._denied[view] = "before OceanBase 4 the server does not list it"
        elif view == "locks" and self._version < _HOLDERS_LISTED:
            since = ".".join(map(str, _HOLDERS_LISTED))
            self._denied[view] = f"before OceanBase {since} the server does not list who holds a lock"
        else:
            self._discover(ask, view, "1")

    def _discover(self, ask, view, columns):
        """Finds the view of the cluster or, failing that, of the node; returns its first row, {} if it has none.

        None when it cannot be read: the reason then stands in `_denied`.
        """
        grammar = self._grammar
        for name in _VIEWS[view] if grammar.views_of_one_server else _VIEWS[view][:1]:
            place = f"{grammar.schema}.{name}"
            try:
                (rows,) = ask([grammar.first.format(columns=columns, view=place)])
            except StatementFailed as error:
                number = grammar.number(error)
                if number == grammar.unknown_table:
                    self._denied.setdefault(view, grammar.missing.format(view=place))
                elif number == grammar.denied:
                    self._denied[view] = f"missing privilege: GRANT SELECT ON {place} TO the login user"
                    break
                else:
                    raise
            else:
                self._found[view] = name
                self._denied.pop(view, None)
                return rows[0] if rows else {}
        return None

    # --- queries

    def _cheap(self, keys):
        """All columns of a session, except for its SQL text unless that is asked for."""
        columns = {"MASTER_SESSID", *_ALWAYS, *(name for names in _COLUMNS_OF.values() for name in names)}
        return columns if "sql_text" in keys else columns - {"INFO"}

    def _needed(self, keys):
        """Identity, status and what these keys ask for: every column more is felt when thousands are looked at again."""
        # Which of a client's sessions behind a proxy was used last.
        used = {"TIME"} if "PROXY_SESSID" in self._columns else set()
        return {*_ALWAYS, *used, *(name for key in keys for name in _COLUMNS_OF.get(key, ()))}

    def _query(self, columns, sids):
        if self._version < _VIEWS_SINCE:
            return _OLD_LIST
        names = ", ".join(self._grammar.name(each) for each in sorted(columns & self._columns))
        where = "" if sids is None else f" WHERE ID IN ({', '.join(str(checked(sid)) for sid in sids)})"
        return f"SELECT {names} FROM {self._place('sessions')}{where}"

    def _begun(self):
        since = self._grammar.time.format(time="ACTIVE_TIME")
        return (
            f"SELECT SESSION_ID, {since} AS SINCE FROM {self._place('transactions')} "
            "WHERE SESSION_ID > 0 AND ACTIVE_TIME IS NOT NULL"
        )

    def _waits(self):
        # A row with BLOCK=1 is a wait: SESSION_ID waits since CTIME microseconds for what session ID2 holds.
        return (
            f"SELECT SESSION_ID, ID2, CTIME FROM {self._place('locks')} WHERE BLOCK = 1 AND SESSION_ID > 0 AND ID2 > 0"
        )

    def _locked_objects(self):
        # ID3 starts with the tablet; a row with a LMODE other than NONE is a lock that is held.
        return (
            f"SELECT DISTINCT l.SESSION_ID, o.OWNER, o.OBJECT_NAME FROM {self._place('locks')} l "
            f"JOIN {self._place('objects')} o ON o.DATA_OBJECT_ID = {self._grammar.tablet} "
            "WHERE l.TYPE IN ('TM', 'TR') AND l.LMODE <> 'NONE' AND l.SESSION_ID > 0"
        )

    # --- rows

    def _session(self, row):
        found = session_of(row, self.tenant, self._grammar.empty)
        # A proxy serves one client by sessions on several servers, which all carry its own number for the client.
        found.own = found.sid == self._own_sid or (
            self._own_proxy_id is not None and int(row.get("PROXY_SESSID") or 0) == self._own_proxy_id
        )
        return found

    def _unavailable(self, keys):
        """Every match key that cannot be answered here, or that was not read, with the reason."""
        missing = dict(_NEVER)
        place = self._place("sessions") if "sessions" in self._found else _OLD_LIST
        for key, columns in _COLUMNS_OF.items():
            if columns[0] not in self._columns:
                missing[key] = f"{place} of this version has no column {columns[0]}"
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


def checked(sid):
    """A session id as a whole number that the server takes for what it is; the only form in which it reaches a statement."""
    number = values.whole(sid, "sid", minimum=1)
    if number > LARGEST_SID:
        raise BadOption("sid", f"{number} is no session id of OceanBase; those are 1 to {LARGEST_SID}.")
    return number


def _renamed(row):
    """A row of either list by the names of the view's columns."""
    return {_OLD_NAMES.get(name.upper(), name.upper()): value for name, value in row.items()}
