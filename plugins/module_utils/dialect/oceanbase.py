# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""OceanBase: what MySQL-mode and Oracle-mode tenants have in common, and which of the two a login leads to.

Sources: the server's own source (ob_kill_session_arg, ob_kill_executor, ob_show_processlist, ob_errno), that of its proxy
ODP (ob_kill_op_handler, ob_mysql_client_session), the vendor's view pages, and measurements on seekdb 1.4, which is the
OceanBase 4.3.5 kernel in MySQL mode; docs/oceanbase.md says which is which.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..errors import DatabaseError
from ..login import parse_oceanbase_login
from ..plan import CANCEL, DISCONNECT, KILL
from ..session import Answer
from ..values import BadOption
from .base import Dialect
from .oceanbase_rows import SERVER_S_OWN, is_of_cluster, node_of
from .oceanbase_snapshot import LARGEST_SID, Grammar, SessionList, checked

_VERSION = re.compile(r"OceanBase\S*\s+([0-9]+(?:\.[0-9]+)*)")
MYSQL_MODE, ORACLE_MODE = "MySQL", "Oracle"
# The session ids that a proxy goes by: its own, which no server knows, or those of the cluster (ODP 4.2.3 and later,
# where client_session_id_version is 2).
PROXY_S_OWN, _CLUSTER_WIDE = "v1", "v2"
# Where statements go out one by one, for so long, in seconds; then the sessions of the rest are looked at again.
_STALE_SECONDS = 0.5


class OceanBase(Dialect):
    """Knows the mode of the tenant after the login only; the dialect of the mode then takes over.

    That one has a `grammar`, and `describe(connection, login)`: settles our session in, and tells what the server says of
    itself.
    """

    name = "oceanbase"
    driver = "mysql"
    # The mode of the tenants that this dialect is for; None for both.
    mode: str | None = None
    grammar: Grammar
    largest_sid = LARGEST_SID
    # A killed session whose transaction is over has let go of everything, even while the server still lists it.
    killed_is_ended = True
    # ob_show_processlist leaves out whoever is marked as killed, which may be long before its transaction is rolled back.
    hides_killed = True
    unknown_although_listed = (
        "the server lists it, but does not know its id; where its client came through a proxy with session ids of the "
        "whole cluster, log in through that proxy, otherwise to the server itself"
    )
    sql_id_form = re.compile(r"[0-9A-F]{32}", re.ASCII)
    sql_id_shape = "32 characters of 0-9 and A-F"

    # What to say of a login user that may end the sessions of its own user only.
    confined: str

    def __init__(self):
        super().__init__()
        self.proxy = None
        self._sessions: SessionList
        # The server that we are logged in to; None where it is the only one, or where a proxy goes from one to the other.
        self._node: str | None = None
        # The user whose sessions are the only ones that it may end; None where it may end those of others, or nobody knows.
        self._confined_to: str | None = None

    def assume(self, database):
        super().assume(database)
        self.proxy = database.get("proxy")

    def parse_login(self, options):
        # To an Oracle-mode tenant a client must say that it knows that mode; where nobody knows, the driver finds out.
        oracle_mode = None if self.mode is None else self.mode == ORACLE_MODE
        return replace(parse_oceanbase_login(options), oracle_mode=oracle_mode)

    def introduce(self, connection, login):
        (rows,) = connection.ask(["SHOW VARIABLES LIKE 'ob_compatibility_mode'"])
        # seekdb, which has MySQL mode only, has no such variable.
        found = ORACLE_MODE if rows and value_of(rows).upper() == "ORACLE" else MYSQL_MODE
        if self.mode not in (None, found):
            raise DatabaseError(
                f"dialect: {login.user} belongs to a tenant in {found} mode; set dialect to oceanbase_{found.lower()}, "
                "or to oceanbase, which finds that out by itself."
            )
        dialect: Any = self if self.mode else _of_mode(found)
        return dialect, dialect.describe(connection, login)

    def _recognise(self, comment):
        """Learns the version from how the server calls itself; its text."""
        version = _VERSION.search(comment)
        if version is None:
            raise DatabaseError(
                f"dialect: the server calls itself {comment}, which is not OceanBase; set dialect to what it is."
            )
        self.version = tuple(int(part) for part in version[1].split("."))
        return version[1]

    def _open_list(self, connection, own_sid):
        """Opens the session list and finds out whether there is a proxy in between; our own row."""
        self._sessions = SessionList(self.grammar, self.version)
        own = self._sessions.open(connection.ask, own_sid)
        if not own:
            raise DatabaseError(
                f"login_user: the session list does not show our own session, {own_sid}, so nobody knows what else it hides; "
                "log in to a server itself, as a user that sees all sessions."
            )
        if connection.session_id != own_sid:
            # The number that we were greeted with is not the server's: it is the proxy's.
            self.proxy = PROXY_S_OWN
        elif is_of_cluster(own):
            self.proxy = _CLUSTER_WIDE
        else:
            self.proxy = None
        self._node = node_of(own) if self.proxy is None else None
        return own

    def _about(self, login, version, tenant, dbid):
        return {
            "dialect": self.name,
            "version": version,
            "name": tenant,
            "unique_name": None,
            "dbid": dbid,
            "role": None,
            "instance": self._node,
            "instances": [],
            "platform": None,
            "host": login.host,
            "proxy": self.proxy,
            "container": tenant,
        }

    def sessions(self, ask, keys, sids=None):
        return self._sessions.read(ask, keys, sids)

    def rolling_back(self, ask, sids):
        return self._sessions.rolling_back(ask, sids)

    def lives_here(self, session):
        return not self._sessions.has_nodes or (self._node is not None and session.node == self._node)

    def misreads(self, sid):
        if self.proxy == PROXY_S_OWN and sid < SERVER_S_OWN:
            return "is an id of the proxy, which no server knows; take one from session_info"
        return None

    # --- statements

    def doubts(self, way, sessions):
        found = []
        if self._confined_to and any(session.username != self._confined_to for session in sessions):
            found.append(f"login_user: {self.confined}.")
        # Clients that a proxy takes from server to server have no node.
        if self._node and any(session.node is None for session in sessions):
            found.append(
                "login_dsn: it leads to a server, which does not know the session ids that a proxy gave to its clients; "
                "for those log in through that proxy."
            )
        return found

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
        if self.proxy == PROXY_S_OWN and self._is_kill(way):
            raise BadOption(
                "login_dsn",
                f"it leads through the proxy ODP, which takes {self._verb(way)} for itself and goes by session ids of its own, "
                "so no session could be named to it; give the address of a server, such as db1.example.com:2881.",
            )

    def _is_kill(self, way):
        """Whether it is a statement that a proxy with session ids of its own takes for itself."""
        return self._verb(way).startswith("KILL")

    def _verb(self, way):
        return {KILL: "KILL", CANCEL: "KILL QUERY"}[way.verb]

    def statement(self, way, session):
        return f"{self._verb(way)} {checked(session.sid)}"

    def send(self, connection, steps, matching, sparing, seconds=None):
        # The server stops at the first error; what stands behind it was not carried out.
        done, error = connection.script([step.statement for step in steps], _STALE_SECONDS)
        return [Answer() for _result in done] + ([Answer(self.grammar.number(error), error.message)] if error else [])


def _of_mode(mode):
    # Imported here, because they are made of this one.
    if mode == ORACLE_MODE:
        from .oceanbase_oracle import OceanBaseOracle

        return OceanBaseOracle()
    from .oceanbase_mysql import OceanBaseMySQL

    return OceanBaseMySQL()


def client_info(login):
    """What our session tells of itself beside its name, as much of the comment as the server keeps."""
    return (login.comment or "").encode(errors="replace")[:64].decode(errors="ignore")


def value_of(rows):
    """The value in a row of SHOW VARIABLES; each mode writes the names of its columns in its own case."""
    return next(value for name, value in rows[0].items() if name.upper() == "VALUE") or ""
