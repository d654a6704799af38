# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Oracle Database, 11.2 to 26ai.

Sources: the vendor's SQL Language Reference (ALTER SYSTEM, end_session_clauses) and Database Error Messages, and
measurements that others have published; docs/oracle.md says which is which.
"""

from __future__ import annotations

import re

from .. import values
from ..blocking import LOCK_KEYS
from ..errors import DatabaseError, StatementFailed
from ..login import parse_oracle_login, parse_procedure
from ..plan import CANCEL, DISCONNECT, KILL
from ..values import BadOption
from .base import GONE, MARKED, PRIVILEGE, REFUSED, Dialect
from .oracle_access import REFUSALS, Access
from .oracle_recheck import OUTPUTS, SPARED_IN_BLOCK, Recheck
from .oracle_recovery import recovering
from .oracle_snapshot import NO_PRIVILEGE, NO_SUCH_TABLE, SessionList

_ABOUT = """
SELECT i.instance_number AS inst_id, i.instance_name, i.host_name, i.parallel,
       TO_CHAR(i.startup_time, 'YYYY-MM-DD"T"HH24:MI:SS') AS startup_time,
       d.dbid, d.name, d.db_unique_name, d.database_role, d.platform_name,
       TO_CHAR(SYSTIMESTAMP, 'TZH:TZM') AS zone,
       SYS_CONTEXT('USERENV', 'SID') AS own_sid,
       {container} AS container,
       (SELECT COUNT(*) FROM all_users WHERE username = 'RDSADMIN') AS rds,
       (SELECT COUNT(*) FROM session_privs WHERE privilege = 'ALTER SYSTEM') AS may_end
FROM v$instance i CROSS JOIN v$database d"""
_INSTANCES = "SELECT inst_id, instance_name, host_name FROM gv$instance WHERE status = 'OPEN'"
_UNKNOWN_OPTION = (
    "this server does not know one of immediate, force, noreplay, server_timeout and post_transaction; leave it out"
)
_VERSIONS = {(11, 2): "11.2", (12, 1): "12.1", (12, 2): "12.2", (18,): "18c", (19,): "19c", (23,): "23ai"}


class Oracle(Dialect):
    name = "oracle"
    driver = "oracle"
    largest_sid = 2**31 - 1
    has_serial = True
    has_instances = True
    # ORA-00030 no such session, 00031 marked for kill, 00027 our own session, 00029 not a user session, 01031 and 00942
    # missing privilege; and the refusals of the wrapper that session_account installs.
    error_classes = {
        **{30: GONE, 31: MARKED, 27: REFUSED, 29: REFUSED, NO_PRIVILEGE: PRIVILEGE, NO_SUCH_TABLE: PRIVILEGE},
        **dict.fromkeys(REFUSALS, REFUSED),
    }
    advice = {
        NO_PRIVILEGE: "GRANT ALTER SYSTEM TO the login user, or set via_procedure",
        **dict.fromkeys((900, 922, 933, 2065), _UNKNOWN_OPTION),
    }
    unknown_although_listed = "the server lists it, but answers that it does not exist; log in to its own container"
    sql_id_form = re.compile(r"[0-9a-z]{13}", re.ASCII)
    sql_id_shape = "13 characters of 0-9 and a-z"

    def __init__(self):
        super().__init__()
        self._procedure = None
        self._may_end = True
        self._sessions: SessionList
        self._rechecks: dict[tuple, Recheck] = {}

    def parse_login(self, options):
        self._procedure = parse_procedure(options)
        return parse_oracle_login(options)

    def introduce(self, connection, login):
        self.version = connection.version
        container = "SYS_CONTEXT('USERENV', 'CON_NAME')" if self.version >= (12, 1) else "NULL"
        row = _ask(connection, _ABOUT.format(container=container), "V_$INSTANCE and SYS.V_$DATABASE")[0]
        instances = {int(row["INST_ID"]): row}
        if row["PARALLEL"] == "YES":
            rows = _ask(connection, _INSTANCES, "GV_$INSTANCE")
            instances = {int(each["INST_ID"]): each for each in rows}
        # Outside a container database 11.2 has no name for it, later versions give that of the database.
        container = row["CONTAINER"] or row["NAME"]
        dialect = self._recognised(row)
        dialect._may_end = bool(int(row["MAY_END"]))
        dialect._rechecks.clear()
        dialect._sessions = SessionList(
            self.version,
            instances,
            int(row["INST_ID"]),
            int(row["OWN_SID"]),
            row["ZONE"],
            container,
            windows=row["PLATFORM_NAME"].startswith("Microsoft Windows"),
        )
        return dialect, {
            "dialect": dialect.name,
            "version": ".".join(map(str, self.version)),
            "name": row["NAME"],
            "unique_name": row["DB_UNIQUE_NAME"],
            "dbid": str(row["DBID"]),
            "role": row["DATABASE_ROLE"],
            "platform": row["PLATFORM_NAME"],
            "instance": row["INSTANCE_NAME"],
            "instances": sorted(instances),
            "host": row["HOST_NAME"],
            "proxy": None,
            "container": container,
            "all_users": True,
            "all_containers": container == "CDB$ROOT",
            "startup_time": f"{row['STARTUP_TIME']}{row['ZONE']}",
        }

    def _recognised(self, row):
        """This dialect, or that of Amazon RDS, where the server is a managed one without ALTER SYSTEM."""
        if not int(row["RDS"]):
            return self
        # Imported here, because it is made of this one.
        from .oracle_rds import OracleRDS

        dialect = OracleRDS()
        dialect.version, dialect._procedure = self.version, self._procedure
        return dialect

    def sessions(self, ask, keys, sids=None):
        return self._sessions.read(ask, keys, sids)

    def recovering(self, ask):
        return recovering(ask, self._sessions)

    # --- accounts

    def access(self, connection, about):
        return Access.of(connection, self.version, about["all_containers"], self.name == "oracle_rds")

    def access_of(self, version, cluster, account):
        """The Access of a server that nobody asks. A common account is one of the root."""
        return Access(version, cluster, account.startswith("C##"), self.name == "oracle_rds")

    # --- statements

    def doubts(self, way, sessions):
        if self._may_end or self._procedure:
            return []
        return [f"login_user: it has no ALTER SYSTEM, so the server will refuse this; {self.advice[NO_PRIVILEGE]}."]

    def check(self, way):
        {KILL: self._check_kill, DISCONNECT: self._check_disconnect, CANCEL: self._check_cancel}[way.verb](way)

    def _check_kill(self, way):
        for option, given in (("force", way.force), ("server_timeout", way.server_timeout is not None)):
            if given:
                self._since(option, (23,), way.allow_undocumented, (12, 2))
        if way.noreplay:
            self._since("noreplay", (12, 1))
            if self.version < (23,) and (way.immediate or way.force):
                raise BadOption(
                    "noreplay",
                    "before 23ai it stands in the place of IMMEDIATE and FORCE; set immediate: false, and leave out force.",
                )

    def _check_disconnect(self, way):
        if way.noreplay:
            self._since("noreplay", (12, 1))
            if self.version >= (23,):
                raise BadOption(
                    "noreplay",
                    f"since 23ai a disconnect has no such clause, and this is {self._shown()}; leave it out.",
                )
            if way.immediate:
                raise BadOption("noreplay", "it stands in the place of IMMEDIATE; set immediate: false.")

    def _check_cancel(self, way):
        self._since("sql_cancel", (18,), way.allow_undocumented, (12, 2))

    def _since(self, option, documented, allow_undocumented=False, works=None):
        """Refuses an option before the version that has it; undocumented ones only with allow_undocumented."""
        if self.version >= documented or (allow_undocumented and works and self.version >= works):
            return
        cure = "leave it out"
        if works and self.version >= works:
            cure += f", or set allow_undocumented: true, for it works since {_VERSIONS[works]} without being documented"
        raise BadOption(
            option, f"it exists since Oracle Database {_VERSIONS[documented]}, and this is {self._shown()}; {cure}."
        )

    def _shown(self):
        return ".".join(map(str, self.version)) or "of an unknown version"

    def statement(self, way, session):
        sid, serial = self._checked(session.sid, "sid"), self._checked(session.serial, "serial")
        instance = self._checked(session.inst_id, "inst_id")
        if self._procedure:
            mode = f"{way.verb.upper()} {self._clause(way, session)}".strip()
            return f"BEGIN {self._procedure}({instance}, {sid}, {serial}, '{mode}', :code, :message); END;"
        if way.verb == DISCONNECT:
            return f"ALTER SYSTEM DISCONNECT SESSION '{sid},{serial}' {self._clause(way, session)}"
        if way.verb == CANCEL:
            return f"ALTER SYSTEM CANCEL SQL '{sid}, {serial}, @{instance}, {self._clause(way, session)}'"
        return f"ALTER SYSTEM KILL SESSION '{sid},{serial},@{instance}' {self._clause(way, session)}".strip()

    def _clause(self, way, session):
        """What stands behind the session; for a cancel, the statement that is meant."""
        if way.verb == CANCEL:
            if not self.sql_id_form.fullmatch(session.sql_id or ""):
                raise BadOption("sql_id", f"{values.shown(session.sql_id)} is not {self.sql_id_shape}.")
            return session.sql_id
        if way.verb == DISCONNECT:
            words = ("POST_TRANSACTION" * way.post_transaction, "IMMEDIATE" * way.immediate, "NOREPLAY" * way.noreplay)
        else:
            how = "FORCE" if way.force else "IMMEDIATE" * way.immediate
            limit = (
                ""
                if way.server_timeout is None
                else f"TIMEOUT {self._checked(way.server_timeout, 'server_timeout', 0)}"
            )
            words = (how, "NOREPLAY" * way.noreplay, limit)
        return " ".join(word for word in words if word)

    def _checked(self, number, option, minimum=1):
        found = values.whole(number, option, minimum)
        if found > self.largest_sid:
            raise BadOption(option, f"{found} is too large; the largest is {self.largest_sid}.")
        return found

    # --- acting

    def looks_first(self, matching, sparing):
        # Who waits for whom, and for how long, is told by the whole list only; and what spares a session may come true
        # without anything having changed, as an idle time that goes on.
        return bool(matching & LOCK_KEYS) or bool(sparing - SPARED_IN_BLOCK)

    def lives_here(self, session):
        return session.inst_id == self._sessions.here

    def instance_for(self, way, session):
        """DISCONNECT SESSION knows no instance: it must be sent on the session's own."""
        if way.verb != DISCONNECT or session.inst_id == self._sessions.here:
            return None
        return session.inst_id

    def instance_name(self, inst_id):
        """Its name, None for one that was not open when we logged in."""
        return self._sessions.instances.get(inst_id, {}).get("INSTANCE_NAME")

    @staticmethod
    def reached(connection):
        """The instance that a connection is on."""
        return int(connection.ask("SELECT SYS_CONTEXT('USERENV', 'INSTANCE') AS inst_id FROM dual")[0]["INST_ID"])

    def send(self, connection, steps, matching, sparing, seconds=None):
        disconnecting = steps[0].verb == DISCONNECT
        variant = (frozenset(matching), frozenset(sparing), bool(self._procedure), disconnecting)
        recheck = self._rechecks.setdefault(variant, Recheck(self._sessions, *variant))
        rows = [recheck.row(step) for step in steps]
        answers = connection.block(recheck.text, rows, recheck.inputs, OUTPUTS, seconds)
        return [recheck.answer(out) for out in answers]


def _ask(connection, query, views):
    try:
        return connection.ask(query)
    except StatementFailed as error:
        if error.code in (NO_SUCH_TABLE, NO_PRIVILEGE):
            raise DatabaseError(
                f"login_user: missing privilege ({error.message}): GRANT SELECT ON SYS.{views} TO the login user."
            ) from error
        raise
