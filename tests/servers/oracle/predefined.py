# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every database has from the start: accounts, roles, privileges, and the objects of SYS.

Sources: the vendor's Security Guide (predefined accounts and roles; system privileges of the administrative users), the
Database Reference, and for what is granted to PUBLIC or SELECT_CATALOG_ROLE the catalog script cited as S93 in the facts.
"""

from __future__ import annotations

import sqlite3

from . import sga, views
from .tables import Database, Object, ObjectGrant, Role, RoleGrant, Synonym, SysGrant, TableColumn, User
from .views.model import Release, View, release_of

ADMINISTRATIVE = ("SYSDBA", "SYSOPER", "SYSBACKUP", "SYSDG", "SYSKM", "SYSRAC")
OBJECT_PRIVILEGES = ("SELECT", "READ", "INSERT", "UPDATE", "DELETE", "ALTER", "INDEX", "REFERENCES", "EXECUTE")
# Those without a system privilege "... ANY TABLE".
NO_ANY = ("INDEX", "REFERENCES")

_ANY = ("ALTER", "CREATE", "DROP")
SYSTEM_PRIVILEGES = (
    *ADMINISTRATIVE,
    *(f"{verb} ANY {kind}" for verb in _ANY for kind in ("INDEX", "PROCEDURE", "ROLE", "SEQUENCE", "TABLE", "TRIGGER")),
    *(f"{verb} ANY {kind}" for verb in ("CREATE", "DROP") for kind in ("SYNONYM", "VIEW")),
    *(f"{verb} {kind}" for verb in _ANY for kind in ("PROFILE", "ROLLBACK SEGMENT", "TABLESPACE", "USER")),
    *(f"{verb} PUBLIC {kind}" for verb in ("CREATE", "DROP") for kind in ("DATABASE LINK", "SYNONYM")),
    *(f"{verb} ANY TABLE" for verb in ("SELECT", "READ", "INSERT", "UPDATE", "DELETE", "LOCK", "COMMENT", "FLASHBACK")),
    *(f"CREATE {kind}" for kind in ("DATABASE LINK", "JOB", "MATERIALIZED VIEW", "PROCEDURE", "ROLE", "SEQUENCE")),
    *(f"CREATE {kind}" for kind in ("SESSION", "SYNONYM", "TABLE", "TRIGGER", "TYPE", "VIEW", "PLUGGABLE DATABASE")),
    *(f"GRANT ANY {kind}" for kind in ("OBJECT PRIVILEGE", "PRIVILEGE", "ROLE")),
    "ADVISOR",
    "ALTER DATABASE",
    "ALTER SESSION",
    "ALTER SYSTEM",
    "ANALYZE ANY",
    "ANALYZE ANY DICTIONARY",
    "AUDIT ANY",
    "AUDIT SYSTEM",
    "BECOME USER",
    "CREATE ANY JOB",
    "DEBUG CONNECT SESSION",
    "EXECUTE ANY PROCEDURE",
    "EXEMPT ACCESS POLICY",
    "FORCE ANY TRANSACTION",
    "FORCE TRANSACTION",
    "MANAGE SCHEDULER",
    "MANAGE TABLESPACE",
    "RESTRICTED SESSION",
    "RESUMABLE",
    "SELECT ANY DICTIONARY",
    "SELECT ANY TRANSACTION",
    "SET CONTAINER",
    "UNLIMITED TABLESPACE",
)

# Name, number, and since when; all are ORACLE_MAINTAINED and, in a CDB, common.
_USERS: tuple[tuple[str, int, Release], ...] = (
    ("SYS", 0, (11, 2)),
    ("SYSTEM", 9, (11, 2)),
    ("OUTLN", 13, (11, 2)),
    ("DIP", 14, (11, 2)),
    ("ORACLE_OCM", 21, (11, 2)),
    ("DBSNMP", 24, (11, 2)),
    ("APPQOSSYS", 25, (11, 2)),
    ("XDB", 31, (11, 2)),
    ("ANONYMOUS", 32, (11, 2)),
    ("AUDSYS", 8, (12, 1)),
    ("SYSBACKUP", 2147483617, (12, 1)),
    ("SYSDG", 2147483618, (12, 1)),
    ("SYSKM", 2147483619, (12, 1)),
    ("SYSRAC", 2147483620, (12, 2)),
    ("GSMADMIN_INTERNAL", 22, (12, 1)),
    ("GSMUSER", 23, (12, 1)),
    ("GSMCATUSER", 26, (12, 1)),
    ("DBSFWUSER", 27, (12, 2)),
    ("GGSYS", 28, (12, 2)),
    ("REMOTE_SCHEDULER_AGENT", 29, (12, 2)),
    ("SYS$UMF", 30, (12, 2)),
    ("XS$NULL", 2147483638, (11, 2)),
)
# Accounts that one can log in to from the start; the others are locked.
_OPEN = ("SYS", "SYSTEM")
_ROLES = (
    "CONNECT",
    "RESOURCE",
    "DBA",
    "SELECT_CATALOG_ROLE",
    "EXECUTE_CATALOG_ROLE",
    "AUDIT_ADMIN",
    "AUDIT_VIEWER",
    "EXP_FULL_DATABASE",
    "IMP_FULL_DATABASE",
    "DATAPUMP_EXP_FULL_DATABASE",
    "DATAPUMP_IMP_FULL_DATABASE",
    "RECOVERY_CATALOG_OWNER",
    "SCHEDULER_ADMIN",
    "GATHER_SYSTEM_STATISTICS",
    "OEM_MONITOR",
    "PDB_DBA",
    "CDB_DBA",
)
_NOT_DBA = (*ADMINISTRATIVE, "EXEMPT ACCESS POLICY")
_SYSTEM_GRANTS: dict[str, tuple[str, ...]] = {
    "CONNECT": ("CREATE SESSION", "SET CONTAINER"),
    "RESOURCE": (*(f"CREATE {kind}" for kind in ("PROCEDURE", "SEQUENCE", "TABLE", "TRIGGER", "TYPE")),),
    "DBA": tuple(name for name in SYSTEM_PRIVILEGES if name not in _NOT_DBA),
    "SYSTEM": ("UNLIMITED TABLESPACE",),
    "DBSNMP": ("CREATE SESSION", "SELECT ANY DICTIONARY"),
    "OEM_MONITOR": ("CREATE SESSION", "SELECT ANY DICTIONARY", "ADVISOR"),
    "SYSBACKUP": ("ALTER DATABASE", "ALTER SESSION", "ALTER SYSTEM", "SELECT ANY DICTIONARY", "SELECT ANY TRANSACTION"),
    "SYSDG": ("ALTER DATABASE", "ALTER SESSION", "ALTER SYSTEM", "SELECT ANY DICTIONARY"),
    "SYSKM": (),
    "SYSRAC": ("ALTER DATABASE", "ALTER SESSION", "ALTER SYSTEM", "SELECT ANY DICTIONARY"),
    "SCHEDULER_ADMIN": ("CREATE JOB", "CREATE ANY JOB", "MANAGE SCHEDULER"),
}
_ROLE_GRANTS: dict[str, tuple[str, ...]] = {
    "SYS": ("DBA",),
    "SYSTEM": ("DBA",),
    "DBA": (
        *("SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE", "SCHEDULER_ADMIN", "GATHER_SYSTEM_STATISTICS"),
        *("EXP_FULL_DATABASE", "IMP_FULL_DATABASE"),
    ),
    "EXP_FULL_DATABASE": ("SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE"),
    "IMP_FULL_DATABASE": ("SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE"),
    "DBSNMP": ("OEM_MONITOR",),
    "OEM_MONITOR": ("SELECT_CATALOG_ROLE",),
    "SYSBACKUP": ("SELECT_CATALOG_ROLE",),
}
# Packages of SYS, and the role that may use each.
_PACKAGES = {
    "DBMS_APPLICATION_INFO": "PUBLIC",
    "DBMS_LOCK": "EXECUTE_CATALOG_ROLE",
    "DBMS_OUTPUT": "PUBLIC",
    "DBMS_SCHEDULER": "PUBLIC",
    "DBMS_SERVICE": "DBA",
    "DBMS_SESSION": "PUBLIC",
    "DBMS_SQL": "PUBLIC",
    "DBMS_SYSTEM": "",
    "DBMS_UTILITY": "PUBLIC",
}
# Amazon RDS: its own schema, which Oracle's flag does not cover (chosen: no document says what the flag shows), and the
# master user, who has almost all that DBA has (docs.aws.amazon.com, AmazonRDS, Oracle.Concepts.Privileges).
RDS_OWNER, RDS_MASTER = "RDSADMIN", "ADMIN"
_RDS_DENIED = ("ALTER DATABASE", "ALTER SYSTEM", "CREATE ANY DIRECTORY", "GRANT ANY PRIVILEGE", "GRANT ANY ROLE")
_SYSTEM_TABLESPACE = ("SYS", "SYSTEM", "OUTLN", "AUDSYS")


def create(connection: sqlite3.Connection) -> None:
    """Fills a new database, whose ``x_database`` and ``x_pdb`` rows exist: accounts without passwords, objects, grants."""
    database = sga.get(connection, Database)
    if database is None:
        raise ValueError("the database has no name yet")
    release = release_of(database.version)
    with sga.write(connection):
        _accounts(connection, database, release)
        _views(connection, database, release)
        _packages(connection, database)
        if database.rds:
            _rds(connection, database)
        sga.changed(connection)


def _accounts(connection: sqlite3.Connection, database: Database, release: Release) -> None:
    root = int(bool(database.cdb))
    for name, number, since in _USERS:
        if since <= release:
            tablespace = "SYSTEM" if name in _SYSTEM_TABLESPACE else "SYSAUX"
            locked = int(name not in _OPEN)
            user = User(root, name, number, database.created, locked=locked, oracle_maintained=1, common=root)
            user.default_tablespace = tablespace
            user.lock_date = database.created if locked else None
            sga.insert(connection, user)
    for number, name in enumerate(_ROLES, 2):
        sga.insert(connection, Role(root, name, number, oracle_maintained=1, common=root))
    known = {user.name for user in sga.select(connection, User)} | set(_ROLES)
    for grantee, privileges in _SYSTEM_GRANTS.items():
        if grantee in known:
            for privilege in privileges:
                sga.insert(connection, SysGrant(0, grantee, privilege, admin=int(grantee == "DBA")))
    for grantee, roles in _ROLE_GRANTS.items():
        if grantee in known:
            for role in roles:
                sga.insert(connection, RoleGrant(0, grantee, role, admin=1))


def _views(connection: sqlite3.Connection, database: Database, release: Release) -> None:
    for name, view in views.FIXED.items():
        for prefix in ("V", "GV") if view.everywhere else ("V",):
            _view(connection, database, release, view, f"{prefix}_${name}", f"{prefix}${name}", prefix == "GV")
    for name, view in views.DICTIONARY.items():
        _view(connection, database, release, view, name, name, False)


def _view(
    connection: sqlite3.Connection,
    database: Database,
    release: Release,
    view: View,
    name: str,
    synonym: str,
    with_instance: bool,
) -> None:
    """The view, its public synonym, and who may read it."""
    if view.since > release:
        return
    number = _object(connection, database, "SYS", name, "VIEW")
    _object(connection, database, "PUBLIC", synonym, "SYNONYM")
    sga.insert(connection, Synonym(0, "PUBLIC", synonym, "SYS", name))
    if view.role:
        privilege = "SELECT" if release < (12, 1, 0, 2) or view.role != "PUBLIC" else "READ"
        grant = ObjectGrant(0, view.role, "SYS", name, privilege, "SYS", 0, "VIEW")
        sga.insert(connection, grant)
    described = [column.column for column in view.columns_of(release)]
    if with_instance:
        described.insert(0, views.INSTANCE_COLUMN)
    connection.executemany(
        f"INSERT INTO {TableColumn.TABLE} (object_id, position, name, type, size, precision, scale, nullable)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (number, position, found.name, found.type.name, found.size, found.precision, found.scale, 1)
            for position, found in enumerate(described, 1)
        ],
    )


def _object(connection: sqlite3.Connection, database: Database, owner: str, name: str, kind: str) -> int:
    number = sga.next_number(connection, "object", first=1000)
    created = database.created
    authid = "DEFINER" if kind == "PACKAGE" else None
    return sga.insert(connection, Object(number, 0, owner, name, kind, created, created, authid=authid))


def _packages(connection: sqlite3.Connection, database: Database) -> None:
    for name, grantee in _PACKAGES.items():
        _object(connection, database, "SYS", name, "PACKAGE")
        _object(connection, database, "PUBLIC", name, "SYNONYM")
        sga.insert(connection, Synonym(0, "PUBLIC", name, "SYS", name))
        if grantee:
            sga.insert(connection, ObjectGrant(0, grantee, "SYS", name, "EXECUTE", "SYS", 0, "PACKAGE"))


def _rds(connection: sqlite3.Connection, database: Database) -> None:
    root = int(bool(database.cdb))
    for number, name in enumerate((RDS_OWNER, RDS_MASTER), 100):
        user = User(root, name, number, database.created, locked=int(name == RDS_OWNER), common=root)
        sga.insert(connection, user)
    for privilege in SYSTEM_PRIVILEGES:
        if privilege not in (*_NOT_DBA, *_RDS_DENIED):
            sga.insert(connection, SysGrant(0, RDS_MASTER, privilege, admin=1))
    sga.insert(connection, SysGrant(0, RDS_OWNER, "ALTER SYSTEM"))
    sga.insert(connection, RoleGrant(0, RDS_MASTER, "SELECT_CATALOG_ROLE", admin=1))
    sga.insert(connection, RoleGrant(0, RDS_MASTER, "CONNECT", admin=1))
    sga.insert(connection, RoleGrant(0, RDS_MASTER, "RESOURCE", admin=1))
    _object(connection, database, RDS_OWNER, "RDSADMIN_UTIL", "PACKAGE")
    for grantee in (RDS_MASTER, "DBA"):
        sga.insert(connection, ObjectGrant(0, grantee, RDS_OWNER, "RDSADMIN_UTIL", "EXECUTE", RDS_OWNER, 0, "PACKAGE"))
