# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""OceanBase, Oracle-mode tenants: Oracle's grammar and error numbers over MySQL's protocol.

Sources: the vendor's page ALTER SYSTEM KILL SESSION, and those of oceanbase.py; the grammar of Oracle mode as far as it was
published (sql_parser_oracle_mode.y). No such tenant was ever asked by us: docs/oceanbase.md says what that means.
"""

from __future__ import annotations

import re

from ..errors import StatementFailed
from ..guard import TAG
from ..plan import KILL, Way
from .base import GONE, PRIVILEGE, REFUSED, UNKNOWN
from .oceanbase import ORACLE_MODE, PROXY_S_OWN, OceanBase, client_info, value_of
from .oceanbase_snapshot import Grammar, checked

# The server wraps its own errors into number 600; which one it is stands in the text. Its prefix is that of Oracle, or OBE
# where the cluster's parameter enable_ob_error_msg_style is on, as it is by default in newer releases.
_WRAPPED = re.compile(r"(?:ORA|OBE)-00600\b.*?\barguments: (-[0-9]+)", re.DOTALL)
_NUMBERED = re.compile(r"(?:ORA|OBE)-([0-9]{5})\b")
_NO_SUCH_TABLE, _NO_PRIVILEGE, _INVALID, _SYNTAX = 942, 1031, 900, 1064
_NOT_OWNER = -5251
_AS_ANOTHER_USER = "log in as SYS, or as the user of that session"
# Since this version there is ALTER SYSTEM KILL SESSION; KILL is as old as the mode.
_KILLS_SESSIONS = (4,)
_TIME = "TO_CHAR({time}, 'YYYY-MM-DD HH24:MI:SS.FF6')"
_WHO = "SELECT SYS_CONTEXT('USERENV', 'SID') AS SID, SYS_CONTEXT('USERENV', 'SESSION_USER') AS NAME FROM DUAL"
# The privileges in force now; where that view cannot be read, those that were granted, to the user and to its roles.
_PRIVILEGES = (("SESSION_PRIVS",), ("USER_SYS_PRIVS", "ROLE_SYS_PRIVS"))


def number_of(error):
    """The number that tells what a StatementFailed is about: Oracle's, or where that is 600, OceanBase's own one.

    An error of the proxy is MySQL's and has no number in its text.
    """
    wrapped = _WRAPPED.search(error.message)
    if wrapped:
        return int(wrapped[1])
    numbered = _NUMBERED.search(error.message)
    return int(numbered[1]) if numbered else error.code


_GRAMMAR = Grammar(
    schema="SYS",
    # USER and LEVEL are reserved words there.
    name='"{}"'.format,
    first="SELECT {columns} FROM {view} WHERE ROWNUM <= 1",
    now=f"SELECT {_TIME.format(time='CURRENT_TIMESTAMP')} AS NOW FROM DUAL",
    time=_TIME,
    tablet="TO_NUMBER(REGEXP_SUBSTR(l.ID3, '^[0-9]+'))",
    number=number_of,
    unknown_table=_NO_SUCH_TABLE,
    # A view that may not be read looks like one that is not there.
    denied=_NO_PRIVILEGE,
    missing="missing privilege, unless this version has no such view: GRANT SELECT ON {view} TO the login user",
    views_of_one_server=False,
    empty=None,
)


class OceanBaseOracle(OceanBase):
    name = "oceanbase_oracle"
    mode = ORACLE_MODE
    grammar = _GRAMMAR
    # -4174 unknown session id, -5251 not owner, -5065/-4012 interrupted by us or by the server's own time limit before it
    # answered (ob_errno.def); 1094, 1095 and 1317 are the same from a proxy.
    error_classes = {
        **{-4174: GONE, 1094: GONE, _NOT_OWNER: REFUSED, 1095: REFUSED, _NO_PRIVILEGE: PRIVILEGE},
        **{-5065: UNKNOWN, -4012: UNKNOWN, 1317: UNKNOWN},
    }
    confined = (
        f"it is not SYS and lacks SUPER, so the server may refuse to end what other users run; {_AS_ANOTHER_USER}"
    )
    advice = {
        _NO_PRIVILEGE: "GRANT ALTER SYSTEM TO the login user",
        _NOT_OWNER: _AS_ANOTHER_USER,
        # Only behind a proxy does it come that far; see send.
        _INVALID: "log in to a server itself, not through a proxy, so that KILL can be sent instead",
    }

    def __init__(self):
        super().__init__()
        self._may_alter_system = True
        self._knows_alter_system = True
        self._nameless = ""

    def describe(self, connection, login):
        # Whether this mode takes several statements in one go, nobody has measured.
        connection.one_at_a_time = True
        ask = connection.ask
        comment, uuid = _variable(ask, "version_comment"), _variable(ask, "server_uuid")
        version = self._recognise(str(comment))
        self._nameless = _settle_in(ask, login)
        (rows,) = ask([_WHO])
        own = self._open_list(connection, int(rows[0]["SID"] or 0))
        tenant = self._sessions.tenant = own.get("TENANT") or _tenant(login.user)
        held = None if rows[0]["NAME"] == "SYS" else _privileges(ask)
        self._may_alter_system = not held or "ALTER SYSTEM" in held
        self._confined_to = rows[0]["NAME"] if held and "SUPER" not in held else None
        return {
            **self._about(login, version, tenant, uuid or login.dsn),
            "all_users": held is None or "SHOW PROCESS" in held or self._sessions.shows_others(ask),
            "all_containers": False,
            # It does not tell when it started: its grammar has no SHOW STATUS.
            "startup_time": None,
        }

    # --- statements

    def doubts(self, way, sessions):
        found = super().doubts(way, sessions)
        if not (self._may_alter_system or self._is_kill(way)):
            found.append(
                "login_user: it lacks ALTER SYSTEM, so the server would refuse this: GRANT ALTER SYSTEM TO it."
            )
        if self._nameless:
            found.append(
                f"login_user: its sessions cannot call themselves {TAG} ({self._nameless}), so another run of this "
                "collection does not recognise them."
            )
        return found

    @property
    def _alters_system(self):
        return self._knows_alter_system and self.version >= _KILLS_SESSIONS

    def _verb(self, way):
        return "ALTER SYSTEM KILL SESSION" if way.verb == KILL and self._alters_system else super()._verb(way)

    def statement(self, way, session):
        if way.verb == KILL and self._alters_system:
            # serial# and IMMEDIATE are accepted and ignored there; what would suggest otherwise is not sent.
            return f"{self._verb(way)} '{checked(session.sid)}'"
        return super().statement(way, session)

    def send(self, connection, steps, matching, sparing, seconds=None):
        if not self._knows_alter_system:
            for step in steps:
                step.statement = self.statement(Way(step.verb), step.session)
        answers = super().send(connection, steps, matching, sparing, seconds)
        if not (self._knows_alter_system and answers and answers[-1].code in (_INVALID, _SYNTAX)):
            return answers
        if steps[0].verb != KILL or self.proxy == PROXY_S_OWN:
            return answers
        # The version promised more than the server knows; the rest is asked for again, in the other way.
        self._knows_alter_system = False
        return answers[:-1]


def _settle_in(ask, login):
    """As in MySQL mode; why our session could not be named, if so. Only the time zone, that of all ages, must be set."""
    told = client_info(login).replace("'", "''")
    ask(["ALTER SESSION SET TIME_ZONE = '+00:00'"])
    tagging = f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{TAG}', '')"
    nameless = ""
    for statement in (
        f"SET ob_query_timeout = {int(login.call_timeout * 1_000_000)}",
        tagging,
        f"CALL DBMS_APPLICATION_INFO.SET_CLIENT_INFO('{told}')",
    ):
        try:
            ask([statement])
        except StatementFailed as error:
            # Our own session is known by its id all the same.
            if statement == tagging:
                nameless = error.message
    return nameless


def _variable(ask, name):
    (rows,) = ask([f"SHOW VARIABLES LIKE '{name}'"])
    return value_of(rows) if rows else None


def _privileges(ask):
    """The system privileges that our user has; none where they cannot be read."""
    for views in _PRIVILEGES:
        found: set[str] = set()
        for view in views:
            try:
                (rows,) = ask([f"SELECT PRIVILEGE FROM SYS.{view}"])
            except StatementFailed as error:
                if number_of(error) not in (_NO_SUCH_TABLE, _NO_PRIVILEGE):
                    raise
                continue
            found.update(row["PRIVILEGE"] for row in rows)
        if found:
            return found
    return set()


def _tenant(user):
    """The tenant in user@tenant#cluster."""
    return user.partition("@")[2].partition("#")[0] or None
