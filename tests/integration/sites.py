# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases that the contract set runs over, and all in which they differ for it."""

from __future__ import annotations

import getpass
import itertools
import re
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import oracledb
import pytest

from servers import actors, oceanbase_actors, oracle_actors
from servers.actors import wait_until
from servers.oceanbase.handle import OceanBaseServer
from servers.oracle import sga, tables
from servers.oracle.handle import OracleServer
from servers.proxy import Proxy
from servers.real_oracle import RealOracle
from servers.seekdb import Seekdb

PASSWORD = "Tr0ub4dor_3"
TAG = "dbops.oracle_sessions"
# ORA-01031
NO_PRIVILEGE = 1031


@dataclass(frozen=True)
class Driver:
    """A Python driver: what people call it, its package, and how to make that an old one: in which file to replace which
    line, by what, and how the version of that is shown.
    """

    name: str
    package: str
    needed: str
    version_file: str
    version_line: str
    old_line: str
    old: str


@dataclass(frozen=True)
class Hidden:
    """A condition that an account of nothing but ``Site.least`` cannot see: its key, and the view that a grant opens."""

    condition: dict[str, Any]
    view: str

    @property
    def option(self) -> str:
        return next(iter(self.condition))

    def __str__(self) -> str:
        return self.option


@dataclass(frozen=True)
class Denial:
    """What the server answers, and a word of what people are told."""

    code: int
    told: str


class Wire(Proxy):
    """A way to a server that a module under test takes, and what of it reached the server."""

    def __init__(self, site: Site) -> None:
        self.site = site
        super().__init__(*site.address, record=True, protocol=site.protocol)

    @property
    def dsn(self) -> str:
        return self.site.dsn_at(super().dsn)

    def reset_counters(self) -> None:
        super().reset_counters()
        self.site.forget()

    def ended(self) -> list[str] | None:
        """Every statement of ours that was to end something; None where nobody tells."""
        return self.site.ended(self)

    def asked(self) -> bool:
        """Whether anything was asked over it, beyond the login."""
        return any("SELECT" in text for text in self.queries)


class Site(ABC):
    """One database."""

    name = ""
    protocol: Any = "mysql"
    # The factories of its sessions.
    actors: ModuleType
    driver: Driver
    # The modules' option.
    dialect = ""
    # A session's name as options that fit none that matters.
    somebody: dict[str, int] = {}
    # What people are told of a session's name as `typed`.
    remark = ""
    # A condition that fits sessions opened with `marked`, and no others of the tests.
    mark: dict[str, str] = {}
    marked: dict[str, str] = {}
    # A condition that fits the sessions of every client here, and narrows.
    every_client: dict[str, Any] = {}
    # The administrator's sessions by their user name, and what an actor logs in with to be one.
    system_user = ""
    system_login: dict[str, str] = {}
    # Grants for a session of the tests.
    ordinary: tuple[str, ...] = ()
    # Grants that are too little to list sessions, with the words that name what is missing.
    too_little: list[tuple[tuple[str, ...], str]] = []
    # The grants that a module needs for a plain rule.
    least: tuple[str, ...] = ()
    hidden: list[Hidden] = []
    # What the client of a cancelled statement is told.
    cancelled = 0
    # What the server answers to a statement whose session id is no number, by verb, and to one with an id that it does not
    # have.
    garbled: dict[str, Denial] = {}
    unknown: Denial
    # Seconds within which a module has given up on a server that does not answer two calls of 1 s each.
    patience = 0.0
    # Our own sessions, as the server lists them: their ids.
    own_sessions = ""

    def __init__(self, server: Any) -> None:
        self.server = server

    # --- logging in

    @property
    def address(self) -> tuple[str, int]:
        return self.server.host, self.server.port

    def dsn_at(self, address: str) -> str:
        """The login_dsn that leads to ``host:port`` in place of the server's own address."""
        return address

    @property
    @abstractmethod
    def login(self) -> dict[str, Any]:
        """The login options of the modules, as the administrator."""

    def create_user(self, grants: tuple[str, ...] | None = None, password: str = PASSWORD) -> dict[str, str]:
        """A new account that may do this, or what test sessions do, as the arguments of an actor."""
        name = f"capp_{secrets.token_hex(4)}"
        self.server.create_user(name, password, self.ordinary if grants is None else grants)
        return {"user": name, "password": password}

    def as_account(self, account: dict[str, str]) -> dict[str, str]:
        """The login options of the modules, as this account."""
        return {"login_user": account["user"], "login_password": account["password"]}

    # --- naming sessions

    def named(self, session: Any) -> dict[str, int]:
        """The options that name this session."""
        return {"sid": session.id}

    def typed(self, session: Any) -> dict[str, int]:
        """The same as somebody writes it down who is used to the other database, too."""
        return self.named(session)

    def shown(self, session: Any) -> str:
        """What people are told that it is."""
        return str(session.id)

    @abstractmethod
    def next_login(self) -> dict[str, int] | None:
        """The options that will name the next session, unless another login is faster; None where nobody can know."""

    # --- what was sent

    @abstractmethod
    def statement(self, verb: str, session: Any) -> str:
        """What is to be sent to end it."""

    @abstractmethod
    def is_snapshot(self, text: str) -> bool:
        """Whether this is the call that lists the sessions."""

    @abstractmethod
    def is_look(self, text: str) -> bool:
        """Whether this is the call in which sessions are looked at for the last time before they are ended."""

    @abstractmethod
    def is_act(self, text: str) -> bool:
        """Whether this is the call that ends sessions."""

    @abstractmethod
    def ended(self, wire: Wire) -> list[str] | None:
        """See :meth:`Wire.ended`."""

    @abstractmethod
    def forget(self) -> None:
        """Start anew with what :meth:`ended` tells."""

    # --- what others do meanwhile

    @abstractmethod
    def kill(self, session: Any) -> None:
        """Somebody else ends it; returns when the server lists it no more."""

    @abstractmethod
    def moves_on(self, session: Any) -> Any:
        """What it runs, if anything, comes to its end, and it runs something else that lasts: a session of its own right,
        to be closed.
        """

    def ours(self) -> set[int]:
        """The ids of the sessions of this collection."""
        return {row[0] for row in self.server.sql(self.own_sessions)}


class OceanBase(Site):
    name = "oceanbase"
    actors = actors
    driver = Driver(
        name="PyMySQL",
        package="pymysql",
        needed="1.2.0",
        version_file="__init__.py",
        version_line="(?m)^VERSION = .*",
        old_line="VERSION = (1, 1, 3, 'final')",
        old="1.1.3",
    )
    dialect = "oceanbase"
    somebody = {"sid": 1}
    remark = "serial 15 was dropped"
    mark = {"schema": "test"}
    marked = {"database": "test"}
    every_client = {"client_address": "127.*"}
    system_user = "ROOT"
    system_login = {"user": "root", "password": ""}
    ordinary = ("ALL ON *.*",)
    too_little = [((), "GRANT SELECT ON oceanbase.V$OB_PROCESSLIST")]
    least = ("SELECT ON oceanbase.V$OB_PROCESSLIST",)
    hidden = [
        Hidden({"blocked": False}, "oceanbase.V$OB_LOCKS"),
        Hidden({"locked_object": "*.T"}, "oceanbase.V$OB_LOCKS"),
        Hidden({"transaction_age": 0}, "oceanbase.V$OB_TRANSACTION_SCHEDULERS"),
    ]
    # ER_QUERY_INTERRUPTED, ER_BAD_FIELD_ERROR, ER_NO_SUCH_THREAD
    cancelled = 1317
    garbled = dict.fromkeys(("kill", "cancel"), Denial(1054, "x"))
    unknown = Denial(1094, "log in to the server directly, not through a proxy")
    patience = 6.0
    own_sessions = f"SELECT ID FROM oceanbase.V$OB_PROCESSLIST WHERE MODULE = '{TAG}'"
    # The views that show sessions and waits for locks, and a statement that lasts for a while.
    sessions_view, locks_view = "oceanbase.V$OB_PROCESSLIST", "oceanbase.V$OB_LOCKS"
    lasting = "SELECT SLEEP(3600)"
    # The number of an unknown session id.
    gone = 1094
    # Whether a batch goes out in one go.
    batched = True
    server: Any

    @classmethod
    def new_server(cls) -> Any:
        """Another server of this kind, not started yet."""
        return Seekdb()

    @property
    def login(self) -> dict[str, Any]:
        return {"dialect": self.dialect, "login_user": "root"}

    def typed(self, session: Any) -> dict[str, int]:
        return {"sid": session.id, "serial": 15}

    def next_login(self) -> dict[str, int] | None:
        # The server counts up.
        with self.server.connect() as connection:
            return {"sid": connection.thread_id() + 1}

    def statement(self, verb: str, session: Any) -> str:
        return f"{ {'kill': 'KILL', 'cancel': 'KILL QUERY'}[verb] } {session.id}"

    def is_snapshot(self, text: str) -> bool:
        return "SELECT NOW(6)" in text

    def is_look(self, text: str) -> bool:
        return "WHERE ID IN" in text

    def is_look_at_locks(self, text: str) -> bool:
        return "V$OB_LOCKS" in text and "CTIME" in text

    def is_act(self, text: str) -> bool:
        return text.startswith(("KILL", "ALTER SYSTEM KILL"))

    def ended(self, wire: Wire) -> list[str] | None:
        parts = [part.strip() for text in wire.queries for part in text.split(";")]
        return [part for part in parts if re.match(r"(?i)kill|alter\s+system", part)]

    def forget(self) -> None:
        """There is nothing to forget: every way to the server has a record of its own."""

    def kill(self, session: Any) -> None:
        self.server.sql(f"KILL {session.id}")

    def state(self, session: Any) -> str | None:
        """STATE in the session list, None where it is not listed."""
        rows = self.server.sql(f"SELECT STATE FROM {self.sessions_view} WHERE ID = {session.id}")
        return rows[0][0] if rows else None

    def works(self, sid: int) -> bool:
        """Whether the session of this id runs a statement."""
        running = f"ID = {sid} AND COMMAND = 'Query' AND LENGTH(SQL_ID) > 0"
        return bool(self.server.sql(f"SELECT 1 FROM {self.sessions_view} WHERE {running}"))

    def runs(self, session: Any) -> actors.BusySession:
        """The session with a statement that lasts."""
        again = self.actors.BusySession(self.server, session.connection, self.lasting)
        wait_until(lambda: self.works(again.id), what="its next statement")
        return again

    def moves_on(self, session: Any) -> actors.BusySession:
        if isinstance(session, actors.BusySession):
            self.server.sql(f"KILL QUERY {session.id}")
            session.wait()
        return self.runs(session)


class OceanBaseOracle(OceanBase):
    """The stand-in for a tenant in Oracle mode, behind the real PyMySQL."""

    name = "oceanbase_oracle"
    actors = oceanbase_actors
    # Found out by itself it takes two logins.
    dialect = "oceanbase_oracle"
    mark = {"module": "marked"}
    marked = {"init_command": "CALL DBMS_APPLICATION_INFO.SET_MODULE('marked', '')"}
    system_user = "SYS"
    ordinary = ("CREATE SESSION",)
    too_little = [(("CREATE SESSION",), "GRANT SELECT ON SYS.GV$OB_PROCESSLIST")]
    least = ("CREATE SESSION", "ALTER SYSTEM", "SHOW PROCESS", "SUPER", "SELECT ON SYS.GV$OB_PROCESSLIST")
    hidden = [
        Hidden({"blocked": False}, "SYS.GV$OB_LOCKS"),
        Hidden({"locked_object": "*.T"}, "SYS.GV$OB_LOCKS"),
        Hidden({"transaction_age": 0}, "SYS.GV$OB_TRANSACTION_SCHEDULERS"),
    ]
    # The number on the wire for all errors of its own; the others are those of the texts: unknown session id, ORA-00904.
    cancelled = 600
    gone = -4174
    garbled = {"kill": Denial(-4174, "Unknown thread id"), "cancel": Denial(904, "invalid identifier")}
    unknown = Denial(-4174, "log in to the server directly, not through a proxy")
    own_sessions = f"SELECT ID FROM SYS.GV$OB_PROCESSLIST WHERE MODULE = '{TAG}'"
    sessions_view, locks_view = "SYS.GV$OB_PROCESSLIST", "SYS.GV$OB_LOCKS"
    lasting = "CALL DBMS_LOCK.SLEEP(3600)"
    batched = False

    @classmethod
    def new_server(cls) -> OceanBaseServer:
        return OceanBaseServer()

    @property
    def login(self) -> dict[str, Any]:
        return {"dialect": self.dialect, **self.as_account(self.system_login)}

    @property
    def system_login(self) -> dict[str, str]:  # type: ignore[override]
        return {"user": "SYS", "password": self.server.password}

    def as_account(self, account: dict[str, str]) -> dict[str, str]:
        return super().as_account({**account, "user": f"{account['user']}@{self.server.tenant}"})

    def statement(self, verb: str, session: Any) -> str:
        return f"ALTER SYSTEM KILL SESSION '{session.id}'" if verb == "kill" else super().statement(verb, session)

    def is_snapshot(self, text: str) -> bool:
        return bool(re.match(r'SELECT "', text)) and text.endswith("PROCESSLIST")


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


@dataclass(frozen=True)
class Case:
    """A module on a database. ``victim`` names the actor that it acts on; ``rule`` fits it, together with its user name.
    ``session_stays`` says whether only the statement ends; ``again`` is the outcome for a session by name when the module
    has done its work already, ``moved_on`` that of one which does something else when its turn comes.
    """

    site: str
    module: str
    verb: str
    victim: str
    rule: dict[str, Any]
    session_stays: bool = False
    again: str = "gone"
    moved_on: str = "skipped"

    def __str__(self) -> str:
        return f"{self.site}-{self.module}"


@dataclass(frozen=True)
class Acting:
    """A case on its running server: what is sent for a session, and what a person then finds on the server."""

    case: Case
    site: Site

    @property
    def module(self) -> str:
        return self.case.module

    @property
    def verb(self) -> str:
        return self.case.verb

    @property
    def rule(self) -> dict[str, Any]:
        return self.case.rule

    @property
    def session_stays(self) -> bool:
        return self.case.session_stays

    def of(self, session: Any) -> str:
        """The statement that the module is to send for it."""
        return self.site.statement(self.verb, session)

    def named(self, session: Any) -> dict[str, int]:
        """The options that name it."""
        return self.site.named(session)

    def dead(self, session: Any) -> bool:
        """Asks the victim itself."""
        if not self.session_stays:
            return not session.alive()
        session.wait()
        return session.error_code == self.site.cancelled and session.alive()


def _cases() -> list[Case]:
    on_idle: dict[str, Any] = {"victim": "idle", "rule": {"idle": 0}}
    on_busy: dict[str, Any] = {"victim": "sleeping", "rule": {"active": 0}, "session_stays": True}
    left: dict[str, Any] = {"again": "unchanged", "moved_on": "unchanged"}
    return [
        Case("oceanbase", "session_kill", "kill", **on_idle),
        Case("oceanbase", "sql_cancel", "cancel", **on_busy, **left),
        Case("oceanbase_oracle", "session_kill", "kill", **on_idle),
        Case("oceanbase_oracle", "sql_cancel", "cancel", **on_busy, **left),
        Case("oracle", "session_kill", "kill", **on_idle),
        Case("oracle", "session_disconnect", "disconnect", **on_idle),
        Case("oracle", "sql_cancel", "cancel", **on_busy, **left),
    ]


CASES = _cases()
# What the modules share needs not be tried with each of them on each database: each once.
SHARED = [case for case in CASES if case.site == "oceanbase" or case.module == "session_disconnect"]
SHARED += [case for case in CASES if case.site == "oceanbase_oracle" and case.module == "session_kill"]
SITES: dict[str, type[Site]] = {each.name: each for each in (OceanBase, OceanBaseOracle, Oracle)}
