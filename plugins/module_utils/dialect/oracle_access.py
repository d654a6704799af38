# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Oracle Database: the grants of an account that uses this collection, and the procedure that stands between it and
ALTER SYSTEM.

Sources: the vendor's SQL Language Reference (CREATE USER, GRANT, REVOKE, ALTER USER container_data_clause), Database
Reference (DBA_USERS, DBA_SYS_PRIVS, DBA_TAB_PRIVS, DBA_ROLE_PRIVS, DBA_SOURCE, DBA_CONTAINER_DATA), SQL*Plus User's
Guide; Amazon RDS User Guide, "Granting SELECT or EXECUTE privileges to SYS objects".
"""

from __future__ import annotations

from ..access import (
    ALTER_SYSTEM,
    EXECUTE,
    LOCKED_OBJECTS,
    RECOVERY,
    SELECT,
    SQL_TEXT,
    TEMP_SPACE,
    Grant,
    Present,
    Program,
    Statement,
    User,
)
from ..errors import DatabaseError, StatementFailed
from ..plan import KILL
from ..values import BadOption
from .oracle_snapshot import MAINTAINED_BEFORE_12, NO_PRIVILEGE, NO_SUCH_TABLE, literal

# ORA-01031 missing privilege, 00942 what may not be seen does not exist, 01932 the same for a role.
_NOT_ALLOWED = (NO_PRIVILEGE, NO_SUCH_TABLE, 1932)
_RDS_UTIL = "RDSADMIN.RDSADMIN_UTIL"
# What is read, by the name without V$: of an instance, which with several instances is GV$; and always so.
_INSTANCE_VIEWS = ("session", "process", "transaction", "px_session", "instance")
_FEATURE_VIEWS = {
    TEMP_SPACE: ("sort_usage",),
    SQL_TEXT: ("sql",),
    LOCKED_OBJECTS: ("locked_object",),
    RECOVERY: ("fast_start_transactions",),
}
_WRAPPER_VIEWS = ("session", "process", "px_session")
# Every line of the wrapper is compared, and this one says whose work it is.
_SIGNATURE = "-- Installed by dbops.oracle_sessions.session_account"

# The numbers of the wrapper's own answers, which the collection takes for refusals.
BAD_MODE, BAD_NUMBER, NOT_A_USER, MAINTAINED, OWN_SESSION, BACKGROUND, WORKER, OTHER_USER, OTHER_INSTANCE = range(
    20301, 20310
)
REFUSALS = {
    BAD_MODE: "the mode is not on its list, or the sql_id is none",
    BAD_NUMBER: "inst, sid or serial is not a whole number of at least 1",
    NOT_A_USER: "the session is not of TYPE USER, or has no user name",
    MAINTAINED: "its user belongs to the database itself",
    OWN_SESSION: "it is the session that calls",
    BACKGROUND: "a background process, a dispatcher or a shared or pooled server is behind it",
    WORKER: "it is a parallel server or runs a job of the scheduler",
    OTHER_USER: "its user fits none of the patterns of only_users",
    OTHER_INSTANCE: "a disconnect for another instance: DISCONNECT SESSION knows no instance",
}

_PARALLEL = "SELECT parallel FROM v$instance"
_USERS = """
SELECT username, account_status, {maintained} AS maintained
FROM dba_users WHERE username IN (:account, :owner)"""
_CONTAINER_DATA = """
SELECT username FROM dba_container_data
WHERE username IN (:account, :owner) AND default_attr = 'Y' AND all_containers = 'Y'"""
_SYSTEM_GRANTS = "SELECT grantee, privilege, {common} AS common FROM dba_sys_privs WHERE grantee IN (:account, :owner)"
_ROLE_GRANTS = (
    "SELECT grantee, granted_role, {common} AS common FROM dba_role_privs WHERE grantee IN (:account, :owner)"
)
_OBJECT_GRANTS = """
SELECT grantee, privilege, owner, table_name, {common} AS common FROM dba_tab_privs WHERE grantee IN (:account, :owner)"""
_OBJECT = """
SELECT object_type, status FROM dba_objects WHERE owner = :owner AND object_name = :name AND object_type <> 'SYNONYM'"""
_SOURCE = "SELECT text FROM dba_source WHERE owner = :owner AND name = :name AND type = 'PROCEDURE' ORDER BY line"
_ERRORS = """
SELECT line, text FROM dba_errors
WHERE owner = :owner AND name = :name AND type = 'PROCEDURE' AND attribute = 'ERROR' ORDER BY sequence"""

_PROCEDURE = """PROCEDURE {name} (
  p_inst IN NUMBER,
  p_sid IN NUMBER,
  p_serial IN NUMBER,
  p_mode IN VARCHAR2,
  p_code OUT NUMBER,
  p_message OUT VARCHAR2
) AUTHID DEFINER AS
  {signature}
  -- which replaces it when it differs. Ends one session, or cancels what it runs, for callers without ALTER SYSTEM.
  -- p_code is 0, or the number of the server's error, or {first} to {last} where a guard below refuses.
  l_inst PLS_INTEGER;
  l_sid PLS_INTEGER;
  l_serial PLS_INTEGER;
  l_here PLS_INTEGER := TO_NUMBER(SYS_CONTEXT('USERENV', 'INSTANCE'));
  l_mode VARCHAR2(240);
  l_at PLS_INTEGER;
  l_clause VARCHAR2(60);
  l_limit VARCHAR2(10);
  l_sql_id VARCHAR2(13);
  l_type VARCHAR2(30);
  l_username VARCHAR2(128);
  l_program VARCHAR2(200);
  l_pname VARCHAR2(30);
  l_background VARCHAR2(10);
  l_parallel NUMBER;
  l_maintained NUMBER;
  l_allowed NUMBER;
  l_statement VARCHAR2(200);
  PROCEDURE refuse(p_number IN PLS_INTEGER, p_reason IN VARCHAR2) IS
  BEGIN
    RAISE_APPLICATION_ERROR(-p_number, p_reason);
  END refuse;
  FUNCTION whole(p_number IN NUMBER, p_what IN VARCHAR2) RETURN PLS_INTEGER IS
  BEGIN
    IF p_number IS NULL OR p_number < 1 OR p_number > 2147483647 OR p_number <> TRUNC(p_number) THEN
      refuse({bad_number}, p_what || ' is not a whole number of at least 1');
    END IF;
    RETURN p_number;
  END whole;
  -- The text again, put together from allowed characters, or null when it has another character or another length.
  FUNCTION checked(p_text IN VARCHAR2, p_allowed IN VARCHAR2, p_least IN PLS_INTEGER, p_most IN PLS_INTEGER) RETURN VARCHAR2 IS
    l_found VARCHAR2(13);
    l_position PLS_INTEGER;
  BEGIN
    IF p_text IS NULL OR LENGTH(p_text) < p_least OR LENGTH(p_text) > p_most THEN
      RETURN NULL;
    END IF;
    FOR i IN 1 .. LENGTH(p_text) LOOP
      l_position := INSTR(p_allowed, SUBSTR(p_text, i, 1));
      IF l_position = 0 THEN
        RETURN NULL;
      END IF;
      l_found := l_found || SUBSTR(p_allowed, l_position, 1);
    END LOOP;
    RETURN l_found;
  END checked;
BEGIN
  p_code := 0;
  l_inst := whole(p_inst, 'inst');
  l_sid := whole(p_sid, 'sid');
  l_serial := whole(p_serial, 'serial');
  IF p_mode IS NULL OR LENGTH(p_mode) > 60 THEN
    refuse({bad_mode}, 'the mode is empty or too long');
  END IF;
  l_mode := p_mode;
  IF SUBSTR(l_mode, 1, 7) = 'CANCEL ' THEN
    l_sql_id := checked(SUBSTR(l_mode, 8), '0123456789abcdefghijklmnopqrstuvwxyz', 13, 13);
    IF l_sql_id IS NULL THEN
      refuse({bad_mode}, 'a cancel needs a sql_id of 13 characters of 0-9 and a-z');
    END IF;
    l_mode := 'CANCEL';
  ELSE
    l_at := INSTR(l_mode, ' TIMEOUT ');
    IF l_at > 0 THEN
      l_limit := checked(SUBSTR(l_mode, l_at + 9), '0123456789', 1, 9);
      IF l_limit IS NULL OR SUBSTR(l_mode, 1, 4) <> 'KILL' THEN
        refuse({bad_mode}, 'TIMEOUT goes with KILL, and with a number of seconds');
      END IF;
      l_mode := SUBSTR(l_mode, 1, l_at - 1);
    END IF;
    l_clause := CASE l_mode
{modes}
    END;
    IF l_clause IS NULL THEN
      refuse({bad_mode}, 'the mode is not one of KILL, DISCONNECT and CANCEL with the clauses that they have');
    END IF;
  END IF;
  BEGIN
    SELECT s.type, s.username, s.program, NVL(p.pname, k.pname), NVL(NVL(p.background, k.background), '0'),
      (SELECT COUNT(*) FROM {px_session} x
       WHERE x.sid = s.sid AND x.serial# = s.serial#{x_instance} AND (x.qcsid <> s.sid OR x.qcserial# IS NOT NULL)),
      {maintained},
      {allowed}
    INTO l_type, l_username, l_program, l_pname, l_background, l_parallel, l_maintained, l_allowed
    FROM {session} s
    LEFT JOIN {process} p ON p.addr = s.paddr{p_instance}
    LEFT JOIN {process} k ON k.addr = s.creator_addr AND k.serial# = s.creator_serial#{k_instance}
    WHERE s.sid = l_sid AND s.serial# = l_serial AND {s_instance} = l_inst;
  EXCEPTION
    WHEN NO_DATA_FOUND THEN
      p_code := 30;
      p_message := 'ORA-00030: User session ID does not exist.';
      RETURN;
  END;
  IF l_type IS NULL OR l_type <> 'USER' OR l_username IS NULL THEN
    refuse({not_a_user}, 'it is not a session of a user');
  END IF;
  IF l_maintained > 0 THEN
    refuse({is_maintained}, 'its user belongs to the database itself');
  END IF;
  IF l_inst = l_here AND l_sid = TO_NUMBER(SYS_CONTEXT('USERENV', 'SID')) THEN
    refuse({own_session}, 'it is the session that calls');
  END IF;
  IF l_background = '1' OR REGEXP_LIKE(l_program, '\\((D|S|N|L)[0-9]{{3}}\\)$') THEN
    refuse({background}, 'a process of the server itself is behind it');
  END IF;
  IF l_parallel > 0 OR REGEXP_LIKE(l_pname, '^(J|P)[0-9A-Z]{{3}}$') OR REGEXP_LIKE(l_program, '\\((J|P)[0-9A-Z]{{3}}\\)$') THEN
    refuse({worker}, 'it is a parallel server or runs a job of the scheduler');
  END IF;
  IF l_allowed = 0 THEN
    refuse({other_user}, 'its user is not one whose sessions this procedure may end');
  END IF;
  IF l_mode = 'CANCEL' THEN
    l_statement := 'CANCEL SQL ''' || l_sid || ', ' || l_serial || ', @' || l_inst || ', ' || l_sql_id || '''';
  ELSIF SUBSTR(l_mode, 1, 4) = 'KILL' THEN
    l_statement := 'KILL SESSION ''' || l_sid || ',' || l_serial || ',@' || l_inst || '''' || RTRIM(l_clause);
    IF l_limit IS NOT NULL THEN
      l_statement := l_statement || ' TIMEOUT ' || l_limit;
    END IF;
  ELSE
    IF l_inst <> l_here THEN
      refuse({other_instance}, 'DISCONNECT SESSION works on its own instance only; call this on instance ' || l_inst);
    END IF;
    l_statement := 'DISCONNECT SESSION ''' || l_sid || ',' || l_serial || '''' || l_clause;
  END IF;
  EXECUTE IMMEDIATE 'ALTER SYSTEM ' || l_statement;
EXCEPTION
  WHEN OTHERS THEN
    p_code := ABS(SQLCODE);
    p_message := SUBSTR(SQLERRM, 1, INSTR(SQLERRM || CHR(10), CHR(10)) - 1);
END;"""
_MODES = (
    *("KILL", "KILL IMMEDIATE", "KILL FORCE", "KILL NOREPLAY", "KILL IMMEDIATE NOREPLAY", "KILL FORCE NOREPLAY"),
    *("DISCONNECT IMMEDIATE", "DISCONNECT POST_TRANSACTION", "DISCONNECT POST_TRANSACTION IMMEDIATE"),
    *("DISCONNECT NOREPLAY", "DISCONNECT POST_TRANSACTION NOREPLAY"),
)


class Access:
    """What an account needs on one server, in SQL. `cluster` says that several instances can be open, `root` that we
    are in the root of a container database.
    """

    def __init__(self, version, cluster=False, root=False, rds=False, connection=None):
        self.version = version
        self.cluster = cluster
        # In the root, views show other containers' rows only to users that were told so.
        self.hides_containers = root
        self.rds = rds
        self._connection = connection

    @classmethod
    def of(cls, connection, version, root, rds):
        """That of the server at the other end."""
        return cls(version, connection.ask(_PARALLEL)[0]["PARALLEL"] == "YES", root, rds, connection)

    def check(self, wanted):
        if self.rds and wanted.procedure:
            raise BadOption(
                "via_procedure",
                "on Amazon RDS nobody has ALTER SYSTEM, so there is nothing that a wrapper could use; leave it out.",
            )

    # --- what is there

    def read(self, wanted):
        """The Present of an account and of its wrapper."""
        ask = self._connection.ask
        names = {"account": wanted.account, "owner": wanted.owner or wanted.account}
        later = self.version >= (12, 1)
        maintained = (
            "oracle_maintained" if later else f"CASE WHEN username IN {MAINTAINED_BEFORE_12} THEN 'Y' ELSE 'N' END"
        )
        common = {"common": "common" if later else "'NO'"}
        present = Present()
        try:
            seeing = {row["USERNAME"] for row in ask(_CONTAINER_DATA, names)} if self.hides_containers else set()
            for row in ask(_USERS.format(maintained=maintained), names):
                present.users[row["USERNAME"]] = User(
                    open="LOCKED" not in row["ACCOUNT_STATUS"],
                    maintained=row["MAINTAINED"] == "Y",
                    sees_all_containers=row["USERNAME"] in seeing,
                )
            for row in ask(_SYSTEM_GRANTS.format(**common), names):
                present.grants.add(Grant(row["GRANTEE"], row["PRIVILEGE"], everywhere=row["COMMON"] == "YES"))
            for row in ask(_ROLE_GRANTS.format(**common), names):
                present.grants.add(Grant(row["GRANTEE"], row["GRANTED_ROLE"], None, row["COMMON"] == "YES", role=True))
            for row in ask(_OBJECT_GRANTS.format(**common), names):
                on = f"{row['OWNER']}.{row['TABLE_NAME']}"
                present.grants.add(Grant(row["GRANTEE"], row["PRIVILEGE"], on, row["COMMON"] == "YES"))
            if wanted.procedure:
                present.program = self._program(wanted.procedure)
        except StatementFailed as error:
            if error.code in _NOT_ALLOWED:
                raise DatabaseError(
                    f"login_user: missing privilege ({error.message}): it must be able to read the dictionary, "
                    "GRANT SELECT_CATALOG_ROLE TO the login user."
                ) from error
            raise
        return present

    def _program(self, procedure):
        binds = _names(procedure)
        found = self._connection.ask(_OBJECT, binds)
        if not found:
            return None
        if found[0]["OBJECT_TYPE"] != "PROCEDURE":
            raise BadOption(
                "via_procedure", f"{procedure} is there already, as a {found[0]['OBJECT_TYPE']}; use another name."
            )
        text = "".join(row["TEXT"] or "" for row in self._connection.ask(_SOURCE, binds))
        return Program(text, found[0]["STATUS"] == "VALID")

    def compile_errors(self, wanted):
        """Why the stored wrapper does not compile: lines for people, none when it does or when there is none."""
        rows = self._connection.ask(_ERRORS, _names(wanted.procedure)) if wanted.procedure else ()
        return [f"line {row['LINE']}: {row['TEXT']}" for row in rows]

    def carry_out(self, statement):
        """Executes one Statement; an error says which one it was."""
        try:
            self._connection.run([statement.text])
        except StatementFailed as error:
            cure = "; login_user: log in as an administrator who may do that" if error.code in _NOT_ALLOWED else ""
            first = str(statement).partition("(\n")[0].rstrip()
            raise StatementFailed(f"{first}: {error.message}{cure}", error.code) from error

    # --- statements

    @staticmethod
    def create_account(name, password):
        create = f'CREATE USER {name} IDENTIFIED BY "{{}}"'
        return Statement(
            create.format(password), create.format("********"), create.format("&account_password"), may_fail=True
        )

    def create_owner(self, name):
        # Nobody ever logs in to it: there is no password, and it is locked.
        how = "NO AUTHENTICATION" if self.version >= (18,) else "IDENTIFIED EXTERNALLY"
        return Statement(f"CREATE USER {name} {how} ACCOUNT LOCK", may_fail=True)

    @staticmethod
    def show_all_containers(name):
        return Statement(f"ALTER USER {name} SET CONTAINER_DATA = ALL CONTAINER = CURRENT")

    def grants(self, wanted):
        """Every Grant that the account and the owner of the wrapper need."""
        account = wanted.account
        needed = [Grant(account, "CREATE SESSION")]
        needed += [Grant(account, SELECT, f"SYS.{view}") for view in self._views(wanted.features)]
        if wanted.procedure:
            needed.append(Grant(account, EXECUTE, wanted.procedure))
            needed += [
                Grant(wanted.owner, SELECT, f"SYS.{view}") for view in sorted(self._named(*_WRAPPER_VIEWS, both=False))
            ]
            needed.append(Grant(wanted.owner, ALTER_SYSTEM, everywhere=self.hides_containers))
        elif KILL in wanted.features and self.rds:
            needed.append(Grant(account, EXECUTE, _RDS_UTIL))
        elif KILL in wanted.features:
            # What ends sessions of all containers takes a privilege that holds in all of them.
            needed.append(Grant(account, ALTER_SYSTEM, everywhere=self.hides_containers))
        return needed

    def _views(self, features):
        views = self._named(*_INSTANCE_VIEWS, *(view for name in features for view in _FEATURE_VIEWS.get(name, ())))
        views.add("V_$DATABASE")
        if TEMP_SPACE in features:
            views.add("V_$PARAMETER")
        if LOCKED_OBJECTS in features:
            views.add("CDB_OBJECTS" if self.hides_containers else "DBA_OBJECTS")
        if self.hides_containers:
            views.add("V_$CONTAINERS")
        return sorted(views)

    def _named(self, *views, both=True):
        """As a grant names them. Of a cluster the collection reads GV$ or V$, by how many instances are open just then."""
        prefixes = (("V_$", "GV_$") if both else ("GV_$",)) if self.cluster else ("V_$",)
        return {f"{prefix}{view.upper()}" for prefix in prefixes for view in views}

    def grant(self, grant):
        if self.rds and grant.on and grant.on.startswith("SYS."):
            return self._sys_object("grant", "p_grantee", grant)
        return Statement(f"GRANT {self._what(grant)} TO {grant.grantee}{self._scope(grant)}")

    def revoke(self, grant):
        if self.rds and grant.on and grant.on.startswith("SYS."):
            return self._sys_object("revoke", "p_revokee", grant)
        return Statement(f"REVOKE {self._what(grant)} FROM {grant.grantee}{self._scope(grant)}")

    def revocable(self, grant):
        """Whether it can be taken away here: what was granted in all containers can only be in the root."""
        return self.hides_containers or not grant.everywhere

    @staticmethod
    def _what(grant):
        if grant.on:
            return f"{grant.privilege} ON {'.'.join(map(_quoted, grant.on.split('.', 1)))}"
        return _quoted(grant.privilege) if grant.role else grant.privilege

    def _scope(self, grant):
        return " CONTAINER = ALL" if grant.everywhere and self.hides_containers else ""

    @staticmethod
    def _sys_object(verb, whom, grant):
        name = literal(grant.on.partition(".")[2])
        return Statement(
            f"BEGIN rdsadmin.rdsadmin_util.{verb}_sys_object(p_obj_name => {name}, {whom} => {literal(grant.grantee)}, "
            f"p_privilege => {literal(grant.privilege)}); END;",
            block=True,
        )

    # --- the wrapper

    def procedure(self, wanted):
        """The source of the wrapper, from PROCEDURE on."""
        view = "sys.gv_${}" if self.cluster else "sys.v_${}"
        names = {name: view.format(name) for name in _WRAPPER_VIEWS}
        for alias in ("p", "k", "x"):
            names[f"{alias}_instance"] = f" AND {alias}.inst_id = s.inst_id" if self.cluster else ""
        if self.version >= (12, 1):
            maintained = (
                "(SELECT COUNT(*) FROM sys.all_users u WHERE u.username = s.username AND u.oracle_maintained = 'Y')"
            )
        else:
            maintained = f"CASE WHEN s.username IN {MAINTAINED_BEFORE_12} THEN 1 ELSE 0 END"
        return _PROCEDURE.format(
            name=wanted.procedure,
            signature=_SIGNATURE,
            first=min(REFUSALS),
            last=max(REFUSALS),
            modes="\n".join(f"      WHEN '{mode}' THEN '{mode[len(mode.split()[0]) :] or ' '}'" for mode in _MODES),
            s_instance="s.inst_id" if self.cluster else "l_here",
            maintained=maintained,
            allowed=_allowed(wanted.only_users),
            bad_mode=BAD_MODE,
            bad_number=BAD_NUMBER,
            not_a_user=NOT_A_USER,
            is_maintained=MAINTAINED,
            own_session=OWN_SESSION,
            background=BACKGROUND,
            worker=WORKER,
            other_user=OTHER_USER,
            other_instance=OTHER_INSTANCE,
            **names,
        )

    @staticmethod
    def create_procedure(source):
        return Statement(f"CREATE OR REPLACE {source}", block=True)

    @staticmethod
    def is_ours(source):
        return _SIGNATURE in source

    @staticmethod
    def same_source(stored, source):
        """Whether both are one procedure. How the server stores the name before the parameters is its own affair."""
        return _body(stored) == _body(source)

    @staticmethod
    def script(statements, wanted):
        """One SQL*Plus script of these statements, for somebody who runs it by hand; it asks for what is secret."""
        lines = [
            f"-- The account {wanted.account} of the Ansible collection dbops.oracle_sessions, as SQL*Plus takes it.",
            "-- Run it as SYS, or as another administrator who may grant all this, in the container that is meant.",
            "-- It can be run again: ORA-01920 (the user exists) is no error here. What stands in the procedure's place is replaced.",
            "SET ECHO OFF VERIFY OFF",
        ]
        for statement in statements:
            if statement.may_fail:
                lines += ["", "WHENEVER SQLERROR CONTINUE"]
            if statement.prompted:
                lines += [
                    "SET DEFINE ON",
                    f"ACCEPT account_password CHAR PROMPT 'Password for {wanted.account}, used if it is created now: ' HIDE",
                    f"{statement.prompted};",
                    "UNDEFINE account_password",
                ]
            else:
                lines += ["SET DEFINE OFF"] * statement.block
                lines += [statement.text, "/"] if statement.block else [f"{statement.text};"]
            if statement.may_fail:
                lines += ["WHENEVER SQLERROR EXIT FAILURE", ""]
            if statement.text.startswith("CREATE OR REPLACE"):
                lines.append(f"SHOW ERRORS PROCEDURE {wanted.procedure}")
        return "\n".join(lines) + "\n"


def _allowed(patterns):
    if not patterns:
        return "1"
    likes = "\n        OR ".join(f"s.username LIKE {literal(_like(pattern))} ESCAPE '!'" for pattern in patterns)
    return f"CASE WHEN {likes}\n      THEN 1 ELSE 0 END"


def _like(pattern):
    escaped = "".join(f"!{character}" if character in "!%_" else character for character in pattern)
    return escaped.replace("*", "%").replace("?", "_")


def _quoted(name):
    """A name of the dictionary as SQL takes it: without quotes where it needs none."""
    plain = name.replace("_", "A").replace("$", "A").replace("#", "A")
    return name if plain.isascii() and plain.isalnum() and plain.isupper() and plain[0].isalpha() else f'"{name}"'


def _names(procedure):
    owner, _dot, name = procedure.partition(".")
    return {"owner": owner, "name": name}


def _body(source):
    at = source.find("(")
    return [line.rstrip() for line in source[at:].strip().splitlines()] if at >= 0 else None
