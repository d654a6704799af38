# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The session list of Oracle Database: one query, joined in the database, and its rows as Sessions.

Source of the columns: the vendor's Database Reference, V$SESSION, V$PROCESS, V$TRANSACTION, V$PX_SESSION,
V$SORT_USAGE, V$LOCKED_OBJECT.
"""

from __future__ import annotations

import re

from ..blocking import LOCK_KEYS, Wait, relate
from ..errors import DatabaseError, StatementFailed
from ..session import NOT_READ, Session, moment
from .oracle_process import find_shared_processes, kind_of

NO_SUCH_TABLE, NO_PRIVILEGE = 942, 1031
# Longer lists of ids than this are not worth their text; Oracle takes at most 1000 members (ORA-01795).
_MOST_IDS = 500


def literal(text):
    """A text as SQL takes it."""
    return "'" + text.replace("'", "''") + "'"


# The accounts of the database itself before there was ORACLE_MAINTAINED (12.1), and as the list that SQL compares with.
_OF_THE_DATABASE = (
    *("SYS", "SYSTEM", "SYSMAN", "DBSNMP", "OUTLN", "MGMT_VIEW", "WMSYS", "ORDSYS", "ORDPLUGINS", "ORDDATA", "MDSYS"),
    *("CTXSYS", "XDB", "EXFSYS", "OLAPSYS", "DMSYS", "LBACSYS", "DVSYS", "DVF", "APPQOSSYS", "ORACLE_OCM", "DIP", "ANONYMOUS"),
)  # fmt: skip
MAINTAINED_BEFORE_12 = f"({', '.join(map(literal, _OF_THE_DATABASE))})"
# The clock of the server, with its offset; all other times and ages come from the same clock.
CLOCK = "TO_CHAR(SYSTIMESTAMP, 'YYYY-MM-DD\"T\"HH24:MI:SS.FF3TZH:TZM')"
LOGON_TIME = "TO_CHAR(s.logon_time, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
# Waits for what another session holds: locks, and the two kinds of dictionary locks that hang like locks.
LOCK_WAIT = (
    "({0}.event LIKE 'enq:%' OR {0}.event LIKE 'library cache lock%' OR {0}.event LIKE 'library cache pin%' "
    "OR {0}.event LIKE 'row cache lock%')"
)
# V$SESSION.COMMAND by number, as far as a rule may want to name it (Database Reference, V$SQLCOMMAND).
_COMMANDS = {
    **{1: "CREATE TABLE", 2: "INSERT", 3: "SELECT", 6: "UPDATE", 7: "DELETE", 9: "CREATE INDEX", 11: "ALTER INDEX"},
    **{12: "DROP TABLE", 15: "ALTER TABLE", 26: "LOCK TABLE", 42: "ALTER SESSION", 44: "COMMIT", 45: "ROLLBACK"},
    **{47: "PL/SQL EXECUTE", 48: "SET TRANSACTION", 49: "ALTER SYSTEM", 50: "EXPLAIN", 62: "ANALYZE TABLE"},
    **{63: "ANALYZE INDEX", 85: "TRUNCATE TABLE", 170: "CALL METHOD", 189: "UPSERT"},
}
# Each view that can be left out: its alias in the query, what is null without it, and the match keys and row fields that
# then cannot be answered.
_OPTIONAL = {
    "transaction": ("in_transaction", "transaction_age", "undo_records"),
    "process": ("process", "pga_mb"),
    "px_session": ("coordinator",),
    "sort_usage": ("temp_mb",),
    "sql": ("sql_text",),
    "locked_object": ("locked_object",),
}
# What is read only where a key asks for it.
_ON_DEMAND = {"sort_usage": "temp_mb", "sql": "sql_text", "locked_object": "locked_object"}


class SessionList:
    """How this server's sessions are read: which views, with or without instances, and what must be done without."""

    def __init__(self, version, instances, here, own_sid, zone, container, windows=False):
        self.instances = instances
        # The views of all instances cost processes on each, so they are used only where there is more than one.
        self.several = len(instances) > 1
        self.here = here
        self._own = {"inst_id": here, "sid": own_sid}
        self._version = version
        self._zone = zone
        self._container = container
        self._windows = windows
        self.whole_cdb = container == "CDB$ROOT"
        self._objects_view = "cdb_objects" if self.whole_cdb else "dba_objects"
        self._denied: dict[str, str] = {}

    def view(self, name):
        return f"gv${name}" if self.several else f"v${name}"

    def same_instance(self, one, other):
        return f" AND {one}.inst_id = {other}.inst_id" if self.several else ""

    def container_of_session(self):
        """An expression for the container that a session is in now: ALTER SESSION can change it."""
        if self.whole_cdb:
            return "(SELECT NVL(MAX(c.name), 'CDB$ROOT') FROM v$containers c WHERE c.con_id = s.con_id)"
        return literal(self._container)

    def read(self, ask, keys, sids=None):
        """The server's time, the Sessions (all, or those of `sids`), and the match keys that cannot be answered."""
        # Who blocks whom shows only in the whole list: a chain may lead through sessions that were not asked for.
        among = None if keys & LOCK_KEYS else sids
        while True:
            try:
                rows = ask(self.query(keys, among))
                objects = self._objects(ask) if self._reads("locked_object", keys) else ()
                break
            except StatementFailed as error:
                if error.code not in (NO_SUCH_TABLE, NO_PRIVILEGE) or not self._find_denied(ask, keys):
                    raise
        sessions = [self._session(row) for row in rows]
        _add_up(sessions)
        if among is None:
            find_shared_processes(sessions)
        relate(sessions, [wait for wait in map(self._wait, rows) if wait])
        by_key = {session.place: session for session in sessions}
        for row in objects:
            holder = by_key.get((int(row["INST_ID"]), int(row["SESSION_ID"])))
            if holder:
                holder.locked_objects = sorted({*(holder.locked_objects or ()), f"{row['OWNER']}.{row['OBJECT_NAME']}"})
        if sids is not None:
            wanted = set(sids)
            sessions = [session for session in sessions if session.sid in wanted]
        return moment(rows[0]["NOW"]) if rows else None, sessions, self.unavailable(keys)

    # --- what may be read

    def _reads(self, name, keys):
        return name not in self._denied and (name not in _ON_DEMAND or _ON_DEMAND[name] in keys)

    def _find_denied(self, ask, keys):
        """Tries the views one by one after a query was refused; whether the query can go on without some of them."""
        before = len(self._denied)
        for name in _OPTIONAL:
            if self._reads(name, keys) and not self._readable(ask, self.view(name)):
                self._denied[name] = (
                    f"missing privilege: GRANT SELECT ON SYS.{grantable(self.view(name))} TO the login user"
                )
        if self._reads("locked_object", keys) and not self._readable(ask, self._objects_view):
            self._denied["locked_object"] = (
                f"missing privilege: GRANT SELECT ON SYS.{self._objects_view.upper()} TO the login user"
            )
        if self._reads("sort_usage", keys) and not self._readable(ask, "v$parameter"):
            self._denied["sort_usage"] = "missing privilege: GRANT SELECT ON SYS.V_$PARAMETER TO the login user"
        for view in (self.view("session"), *(("v$containers",) if self.whole_cdb else ())):
            if not self._readable(ask, view):
                raise DatabaseError(
                    f"login_user: missing privilege: GRANT SELECT ON SYS.{grantable(view)} TO the login user; without it no session can be listed."
                )
        return len(self._denied) > before

    @staticmethod
    def _readable(ask, view):
        try:
            ask(f"SELECT 1 FROM {view} WHERE 1 = 0")
        except StatementFailed as error:
            if error.code in (NO_SUCH_TABLE, NO_PRIVILEGE):
                return False
            raise
        return True

    def unavailable(self, keys):
        """Every match key, and every kind of evidence, that cannot be had here or was not read, with the reason."""
        missing = {"client_address": "Oracle Database does not list it"}
        for name, answered in _OPTIONAL.items():
            for key in answered:
                if name in self._denied:
                    missing[key] = self._denied[name]
                elif not self._reads(name, keys):
                    missing[key] = NOT_READ
        return missing

    # --- the query

    def query(self, keys, sids=None):
        """One statement for everything: the sessions of every type but the recursive ones."""
        several = self.several
        selected = [
            f"{CLOCK} AS now",
            f"{'s.inst_id' if several else self.here} AS inst_id",
            "s.sid, s.serial# AS serial, s.type, s.server, s.username, s.schemaname, s.osuser, s.machine, s.port, s.program",
            "s.module, s.action, s.client_identifier, s.client_info, s.service_name, s.resource_consumer_group, s.status",
            "s.command, s.sql_id, s.sql_exec_id, s.event, s.wait_class, s.last_call_et",
            f"{LOGON_TIME} AS logon_time, ROUND((SYSDATE - s.logon_time) * 86400) AS logon_seconds",
            "ROUND((SYSDATE - s.sql_exec_start) * 86400) AS sql_seconds",
            f"CASE WHEN s.blocking_session_status = 'VALID' AND s.state = 'WAITING' AND {LOCK_WAIT.format('s')} "
            "THEN s.blocking_session END AS holder, s.blocking_instance AS holder_instance, s.wait_time_micro",
            f"{self._maintained()} AS maintained",
        ]
        joins = [f"FROM {self.view('session')} s"]
        if self.whole_cdb:
            selected.append("c.name AS container")
            joins.append("LEFT JOIN v$containers c ON c.con_id = s.con_id")
        if self._version >= (12, 1):
            joins.append("LEFT JOIN all_users u ON u.username = s.username AND u.oracle_maintained = 'Y'")
        for name, add in (
            ("process", self._processes),
            ("transaction", self._transactions),
            ("px_session", self._parallel_servers),
            ("sort_usage", self._temporary_space),
            ("sql", self._texts),
        ):
            if self._reads(name, keys):
                columns, join = add()
                selected.append(columns)
                joins.append(join)
        where = "WHERE s.type IN ('USER', 'BACKGROUND')"
        if sids is not None and len(sids) <= _MOST_IDS:
            ids = ", ".join(str(int(sid)) for sid in sorted(set(sids)))
            # With its parallel servers, whose transactions count as the coordinator's.
            servers = f" OR x.qcsid IN ({ids})" if self._reads("px_session", keys) else ""
            where += f" AND (s.sid IN ({ids}){servers})"
        return "\n".join([f"SELECT {', '.join(selected)}", *joins, where])

    def _maintained(self):
        if self._version >= (12, 1):
            return "CASE WHEN u.username IS NULL THEN 0 ELSE 1 END"
        return f"CASE WHEN s.username IN {MAINTAINED_BEFORE_12} THEN 1 ELSE 0 END"

    def _processes(self):
        # A killed session's PADDR leads nowhere; the process that created it is the one that served it, if dedicated.
        view, here = self.view("process"), self.same_instance
        threads = self._version >= (12, 1)
        kind = (
            "NVL(p.execution_type, k.execution_type) AS execution_type"
            if threads
            else "CAST(NULL AS VARCHAR2(10)) AS execution_type"
        )
        return (
            "NVL(p.spid, k.spid) AS spid, NVL(p.pname, k.pname) AS pname, NVL(p.background, k.background) AS background, "
            f"NVL(p.pga_alloc_mem, k.pga_alloc_mem) AS pga, {kind}",
            f"LEFT JOIN {view} p ON p.addr = s.paddr{here('p', 's')}\n"
            f"LEFT JOIN {view} k ON k.addr = s.creator_addr AND k.serial# = s.creator_serial#{here('k', 's')}",
        )

    def _transactions(self):
        by = "inst_id, ses_addr" if self.several else "ses_addr"
        return (
            "t.undo_records, t.age_seconds, t.ses_addr AS in_transaction",
            f"LEFT JOIN (SELECT {by}, SUM(used_urec) AS undo_records, MAX((SYSDATE - start_date) * 86400) AS age_seconds "
            f"FROM {self.view('transaction')} GROUP BY {by}) t ON t.ses_addr = s.saddr{self.same_instance('t', 's')}",
        )

    def _parallel_servers(self):
        instance = "NVL(x.qcinst_id, x.inst_id)" if self.several else str(self.here)
        return (
            f"CASE WHEN x.qcsid <> s.sid OR x.qcserial# IS NOT NULL THEN x.qcsid END AS coordinator, {instance} AS coordinator_instance",
            f"LEFT JOIN {self.view('px_session')} x ON x.sid = s.sid AND x.serial# = s.serial#{self.same_instance('x', 's')}",
        )

    def _temporary_space(self):
        by = "inst_id, session_addr" if self.several else "session_addr"
        return (
            "m.temp_mb",
            # A temporary tablespace always has the database's own block size.
            f"LEFT JOIN (SELECT {by}, SUM(blocks) * (SELECT TO_NUMBER(value) FROM v$parameter WHERE name = 'db_block_size') / 1048576 AS temp_mb "
            f"FROM {self.view('sort_usage')} GROUP BY {by}) m ON m.session_addr = s.saddr{self.same_instance('m', 's')}",
        )

    def _texts(self):
        return (
            "q.sql_text",
            f"LEFT JOIN {self.view('sql')} q ON q.address = s.sql_address AND q.hash_value = s.sql_hash_value "
            f"AND q.child_number = s.sql_child_number{self.same_instance('q', 's')}",
        )

    def _objects(self, ask):
        instance = "l.inst_id" if self.several else f"{self.here} AS inst_id"
        # Each container counts its objects for itself: a number alone would name another container's object.
        container = " AND o.con_id = l.con_id" if self.whole_cdb else ""
        return ask(
            f"SELECT DISTINCT {instance}, l.session_id, o.owner, o.object_name "
            f"FROM {self.view('locked_object')} l JOIN {self._objects_view} o ON o.object_id = l.object_id{container}"
        )

    # --- a row

    def _session(self, row):
        inst_id, sid = int(row["INST_ID"]), int(row["SID"])
        status = row["STATUS"].lower()
        active = status == "active"
        since = _number(row["LAST_CALL_ET"])
        coordinator = row.get("COORDINATOR")
        working_for = None
        if coordinator is not None:
            working_for = {"inst_id": int(row["COORDINATOR_INSTANCE"]), "sid": int(coordinator)}
        return Session(
            inst_id=inst_id,
            sid=sid,
            serial=int(row["SERIAL"]),
            logon_time=f"{row['LOGON_TIME']}{self._zone}",
            client_port=int(row["PORT"]) if row["PORT"] else None,
            type=row["TYPE"].lower(),
            server=(row["SERVER"] or "none").lower(),
            own=self._own in ({"inst_id": inst_id, "sid": sid}, working_for),
            oracle_maintained=bool(row["MAINTAINED"]),
            username=row["USERNAME"],
            schema=row["SCHEMANAME"],
            os_user=row["OSUSER"],
            # A Windows client's name ends in a NUL character on some releases.
            machine=(row["MACHINE"] or "").rstrip("\0") or None,
            program=row["PROGRAM"],
            module=row["MODULE"],
            action=row["ACTION"],
            client_identifier=row["CLIENT_IDENTIFIER"],
            client_info=row["CLIENT_INFO"],
            service=row["SERVICE_NAME"],
            resource_group=row["RESOURCE_CONSUMER_GROUP"],
            container=(row.get("CONTAINER") or "CDB$ROOT") if self.whole_cdb else self._container,
            status=status,
            command=_COMMANDS.get(int(row["COMMAND"] or 0)),
            sql_id=row["SQL_ID"] if active else None,
            sql_exec_id=row["SQL_EXEC_ID"] if active else None,
            sql_text=row.get("SQL_TEXT"),
            event=row["EVENT"],
            wait_class=row["WAIT_CLASS"],
            idle_seconds=None if active else since,
            active_seconds=since if active else None,
            sql_active_seconds=_number(row["SQL_SECONDS"]) if active and row["SQL_ID"] else None,
            logon_seconds=_number(row["LOGON_SECONDS"]),
            transaction=_transaction(row),
            temp_mb=_rounded(row.get("TEMP_MB")),
            pga_mb=_rounded(row["PGA"] / 1048576) if row.get("PGA") is not None else None,
            coordinator=working_for,
            process=self._process(row, inst_id, working_for),
        )

    def _process(self, row, inst_id, working_for):
        if not row.get("SPID"):
            return None
        instance = self.instances.get(inst_id, {})
        return {
            "host": instance.get("HOST_NAME"),
            "spid": str(row["SPID"]),
            "kind": kind_of(row, working_for, self._windows),
            "oracle_sid": instance.get("INSTANCE_NAME"),
        }

    def _wait(self, row):
        if row["HOLDER"] is None:
            return None
        holder = (int(row["HOLDER_INSTANCE"] or row["INST_ID"]), int(row["HOLDER"]))
        return Wait((int(row["INST_ID"]), int(row["SID"])), holder, (row["WAIT_TIME_MICRO"] or 0) / 1e6)


def _transaction(row):
    if row.get("IN_TRANSACTION") is None:
        return None
    return {"age_seconds": _rounded(row["AGE_SECONDS"]), "undo_records": int(row["UNDO_RECORDS"] or 0)}


def _add_up(sessions):
    """Adds to each coordinator what its parallel servers use: it is the coordinator that would be ended for it."""
    by_key = {session.place: session for session in sessions}
    for server in sessions:
        leader = server.coordinator and by_key.get((server.coordinator["inst_id"], server.coordinator["sid"]))
        if not leader:
            continue
        for name in ("temp_mb", "pga_mb"):
            if getattr(server, name) is not None:
                setattr(leader, name, _rounded((getattr(leader, name) or 0.0) + getattr(server, name)))
        if server.transaction:
            total = leader.transaction or {"age_seconds": 0.0, "undo_records": 0}
            leader.transaction = {
                "age_seconds": max(total["age_seconds"] or 0.0, server.transaction["age_seconds"] or 0.0),
                "undo_records": total["undo_records"] + server.transaction["undo_records"],
            }


def grantable(view):
    """The name that a grant takes: V$SESSION is a synonym of V_$SESSION."""
    return re.sub(r"^(G?V)\$", r"\1_$", view.upper())


def _number(value):
    return None if value is None else float(value)


def _rounded(value):
    return None if value is None else round(float(value), 3)
