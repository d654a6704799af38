# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles and grants: the commands that change them.

Rules and errors: the vendor's SQL Language Reference (CREATE USER, CREATE ROLE, GRANT, REVOKE). All commands take the
:class:`Rights` of the session that issues them and raise OracleError; each is one short write transaction. Names are as
the dictionary has them, in upper case unless they were quoted. What may be asked about accounts is in ``rights.py``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from . import sga
from .errors import OracleError
from .predefined import ADMINISTRATIVE, OBJECT_PRIVILEGES, SYSTEM_PRIVILEGES
from .rights import Rights, find_role, find_user, has_privilege, object_privileges, require
from .tables import (
    Database,
    Object,
    ObjectGrant,
    ProxyGrant,
    Record,
    Role,
    RoleGrant,
    Session,
    Source,
    Synonym,
    SysGrant,
    TableColumn,
    User,
)

_ROOT = 1
_COMMON_PREFIX = "C##"
_PROGRAMS = ("PROCEDURE", "FUNCTION", "PACKAGE")


def create_user(
    connection: sqlite3.Connection,
    rights: Rights,
    name: str,
    verifiers: bytes | None,
    *,
    locked: bool = False,
    profile: str | None = None,
    container: str | None = None,
) -> None:
    """``container`` is ALL, CURRENT or None for what is usual where the session is."""
    require(connection, rights, "CREATE USER")
    common = _commonness(connection, rights, name, container)
    with sga.write(connection):
        if find_user(connection, name, rights.con_id) or find_role(connection, name, rights.con_id):
            raise OracleError(1920, name)
        now = sga.now()
        user = User(
            con_id=rights.con_id,
            name=name,
            id=sga.next_number(connection, "user", first=110),
            created=now,
            verifiers=verifiers,
            locked=int(locked),
            lock_date=now if locked else None,
            common=int(common),
            profile=profile or "DEFAULT",
        )
        sga.insert(connection, user)
        sga.changed(connection)


def _commonness(connection: sqlite3.Connection, rights: Rights, name: str, container: str | None) -> bool:
    database = sga.get(connection, Database)
    if database is None or not database.cdb:
        return False
    prefixed = name.upper().startswith(_COMMON_PREFIX)
    if rights.con_id == _ROOT:
        if container == "CURRENT":
            raise OracleError(65049)
        # Amazon RDS has its own master user in the root, which was not created by this command.
        if not prefixed:
            raise OracleError(65096, _COMMON_PREFIX)
        return True
    if container == "ALL":
        raise OracleError(65050)
    if prefixed:
        raise OracleError(65094)
    return False


def alter_user(
    connection: sqlite3.Connection,
    rights: Rights,
    name: str,
    *,
    verifiers: bytes | None = None,
    locked: bool | None = None,
    profile: str | None = None,
) -> None:
    """Changes what is given. Everybody may change the own password; all else needs ALTER USER."""
    own_password = name == rights.user and locked is None and profile is None
    if not own_password:
        require(connection, rights, "ALTER USER")
    with sga.write(connection):
        user = find_user(connection, name, rights.con_id)
        if user is None:
            raise OracleError(1918, name)
        if name == "SYS" and rights.user != "SYS":
            raise OracleError(1031)
        changes: dict[str, object] = {}
        if verifiers is not None:
            changes["verifiers"] = verifiers
        if locked is not None:
            changes.update(locked=int(locked), lock_date=sga.now() if locked else None)
        if profile is not None:
            changes["profile"] = profile
        if changes:
            sga.update(connection, User, changes, name=name, con_id=user.con_id)
            sga.changed(connection)


def drop_user(connection: sqlite3.Connection, rights: Rights, name: str, *, cascade: bool = False) -> list[Object]:
    """Returns the objects that went with it, whose rows (``sga.rows_of``) the caller removes. ORA-01940 while it is
    connected, ORA-01922 when it owns something and CASCADE is missing."""
    require(connection, rights, "DROP USER")
    with sga.write(connection):
        user = find_user(connection, name, rights.con_id)
        if user is None:
            raise OracleError(1918, name)
        if user.oracle_maintained:
            raise OracleError(28014)
        if user.common and rights.con_id != _ROOT:
            raise OracleError(1031)
        sessions = sga.select(connection, Session, username=name)
        if any(user.common or session.con_id == user.con_id for session in sessions):
            raise OracleError(1940)
        objects = sga.select(connection, Object, owner=name, **({} if user.common else {"con_id": user.con_id}))
        if objects and not cascade:
            raise OracleError(1922, name)
        for found in objects:
            sga.delete(connection, Object, id=found.id)
            sga.delete(connection, TableColumn, object_id=found.id)
            sga.delete(connection, Source, object_id=found.id)
        for table in (SysGrant, RoleGrant, ObjectGrant):
            _delete_in(connection, table, user, grantee=name)
        _delete_in(connection, ObjectGrant, user, owner=name)
        _delete_in(connection, Synonym, user, owner=name)
        _delete_in(connection, ProxyGrant, user, proxy=name)
        _delete_in(connection, ProxyGrant, user, client=name)
        sga.delete(connection, User, name=name, con_id=user.con_id)
        sga.changed(connection)
    return objects


def _delete_in(connection: sqlite3.Connection, table: type[Record], account: User | Role, **key: str) -> None:
    # Rows about a common one are in all containers, those about a local one only in its own.
    sga.delete(connection, table, **key, **({} if account.common else {"con_id": account.con_id}))


def create_role(connection: sqlite3.Connection, rights: Rights, name: str, container: str | None = None) -> None:
    """The creator has it, with the right to grant it on."""
    require(connection, rights, "CREATE ROLE")
    common = _commonness(connection, rights, name, container)
    with sga.write(connection):
        if find_user(connection, name, rights.con_id) or find_role(connection, name, rights.con_id):
            raise OracleError(1921, name)
        sga.insert(
            connection, Role(rights.con_id, name, sga.next_number(connection, "user", first=110), common=int(common))
        )
        if rights.user != "SYS":
            _put(connection, RoleGrant(_scope(rights, common), rights.user, name, 1))
        sga.changed(connection)


def drop_role(connection: sqlite3.Connection, rights: Rights, name: str) -> None:
    with sga.write(connection):
        role = find_role(connection, name, rights.con_id)
        if role is None:
            raise OracleError(1919, name)
        if role.oracle_maintained:
            raise OracleError(1031)
        if not has_privilege(connection, rights, "DROP ANY ROLE") and not _may_grant_role(connection, rights, name):
            raise OracleError(1031)
        for table in (SysGrant, RoleGrant, ObjectGrant):
            _delete_in(connection, table, role, grantee=name)
        _delete_in(connection, RoleGrant, role, role=name)
        sga.delete(connection, Role, name=name, con_id=role.con_id)
        sga.changed(connection)


def grant_proxy(connection: sqlite3.Connection, rights: Rights, client: str, proxy: str, give: bool = True) -> None:
    """ALTER USER client GRANT (or REVOKE) CONNECT THROUGH proxy."""
    require(connection, rights, "ALTER USER")
    with sga.write(connection):
        for name in (client, proxy):
            if find_user(connection, name, rights.con_id) is None:
                raise OracleError(1918, name)
        if give:
            _put(connection, ProxyGrant(rights.con_id, proxy, client))
        else:
            sga.delete(connection, ProxyGrant, proxy=proxy, client=client, con_id=rights.con_id)
        sga.changed(connection)


# ---- grants ---------------------------------------------------------------------------------------------------------


def grant(
    connection: sqlite3.Connection,
    rights: Rights,
    privileges: Sequence[str],
    grantees: Sequence[str],
    *,
    target: Object | None = None,
    option: bool = False,
    container: str | None = None,
) -> None:
    """Gives each grantee each privilege: on ``target`` (see :func:`find_object`), or system privileges and roles.

    ``option`` lets it be passed on. CONTAINER=ALL makes it hold everywhere; it is for the root of a CDB.
    """
    con_id = _scope(rights, _in_all(connection, rights, container))
    with sga.write(connection):
        _require_grantees(connection, rights, grantees)
        if target is not None:
            _grant_object(connection, rights, target, privileges, grantees, option, con_id)
        else:
            for privilege in _expanded(privileges):
                record: type[SysGrant] | type[RoleGrant] = SysGrant
                if privilege in SYSTEM_PRIVILEGES:
                    _require_grantable(connection, rights, privilege)
                else:
                    _require_role(connection, rights, privilege)
                    record = RoleGrant
                for grantee in grantees:
                    _put(connection, record(con_id, grantee, privilege, int(option)))
        sga.changed(connection)


def revoke(
    connection: sqlite3.Connection,
    rights: Rights,
    privileges: Sequence[str],
    grantees: Sequence[str],
    *,
    target: Object | None = None,
    container: str | None = None,
) -> None:
    """Takes back. ORA-01952, 01951 and 01927 where a system privilege, a role, an object privilege was not granted."""
    con_id = _scope(rights, _in_all(connection, rights, container))
    with sga.write(connection):
        _require_grantees(connection, rights, grantees)
        for grantee in grantees:
            if target is not None:
                _require_object_grantable(connection, rights, target)
                names = _object_privileges(connection, target, privileges)
                gone = sum(
                    sga.delete(
                        connection,
                        ObjectGrant,
                        con_id=con_id,
                        grantee=grantee,
                        owner=target.owner,
                        name=target.name,
                        privilege=name,
                    )
                    for name in names
                )
                if not gone:
                    raise OracleError(1927)
                continue
            for privilege in _expanded(privileges):
                if privilege in SYSTEM_PRIVILEGES:
                    _require_grantable(connection, rights, privilege)
                    if not sga.delete(connection, SysGrant, con_id=con_id, grantee=grantee, privilege=privilege):
                        raise OracleError(1952, grantee)
                else:
                    _require_role(connection, rights, privilege)
                    if not sga.delete(connection, RoleGrant, con_id=con_id, grantee=grantee, role=privilege):
                        raise OracleError(1951, privilege, grantee)
        sga.changed(connection)


def _in_all(connection: sqlite3.Connection, rights: Rights, container: str | None) -> bool:
    if container != "ALL":
        return False
    if rights.con_id != _ROOT:
        raise OracleError(65050)
    return True


def _scope(rights: Rights, everywhere: bool) -> int:
    return 0 if everywhere else rights.con_id


def _put(connection: sqlite3.Connection, record: SysGrant | RoleGrant | ObjectGrant | ProxyGrant) -> None:
    """Inserts, or replaces what has the same key: to grant again is no error."""
    sga.delete(connection, type(record), **{name: getattr(record, name) for name in record.KEY})
    sga.insert(connection, record)


def _require_grantees(connection: sqlite3.Connection, rights: Rights, grantees: Iterable[str]) -> None:
    for name in grantees:
        known = (
            name == "PUBLIC" or find_user(connection, name, rights.con_id) or find_role(connection, name, rights.con_id)
        )
        if not known:
            raise OracleError(1917, name)


def _expanded(privileges: Iterable[str]) -> list[str]:
    found: list[str] = []
    for privilege in privileges:
        if privilege == "ALL PRIVILEGES":
            found += [
                name for name in SYSTEM_PRIVILEGES if name not in ADMINISTRATIVE and name != "SELECT ANY DICTIONARY"
            ]
        elif privilege in ("ALL", *OBJECT_PRIVILEGES) or (" " in privilege and privilege not in SYSTEM_PRIVILEGES):
            raise OracleError(990)
        else:
            found.append(privilege)
    return found


def _require_grantable(connection: sqlite3.Connection, rights: Rights, privilege: str) -> None:
    if privilege in ADMINISTRATIVE and rights.user != "SYS":
        raise OracleError(1031)
    if has_privilege(connection, rights, "GRANT ANY PRIVILEGE"):
        return
    marks = ", ".join("?" * len(rights.grantees))
    held = connection.execute(
        f"SELECT 1 FROM x_sys_grant WHERE privilege = ? AND admin AND con_id IN (0, ?) AND grantee IN ({marks})",
        (privilege, rights.con_id, *rights.grantees),
    ).fetchone()
    if held is None:
        raise OracleError(1031)


def _require_role(connection: sqlite3.Connection, rights: Rights, role: str) -> None:
    if find_role(connection, role, rights.con_id) is None:
        raise OracleError(1919, role)
    if not has_privilege(connection, rights, "GRANT ANY ROLE") and not _may_grant_role(connection, rights, role):
        raise OracleError(1932, role)


def _may_grant_role(connection: sqlite3.Connection, rights: Rights, role: str) -> bool:
    return rights.user == "SYS" or any(
        grant.admin and grant.con_id in (0, rights.con_id) and grant.grantee in rights.grantees
        for grant in sga.select(connection, RoleGrant, role=role)
    )


def _object_privileges(connection: sqlite3.Connection, target: Object, privileges: Iterable[str]) -> list[str]:
    program = target.type in _PROGRAMS
    database = sga.get(connection, Database)
    found: list[str] = []
    for privilege in privileges:
        if privilege in ("ALL", "ALL PRIVILEGES"):
            found += ["EXECUTE"] if program else [name for name in OBJECT_PRIVILEGES if name != "EXECUTE"]
        elif privilege not in OBJECT_PRIVILEGES:
            raise OracleError(990)
        elif program and privilege != "EXECUTE":
            raise OracleError(2225)
        elif not program and privilege == "EXECUTE":
            raise OracleError(2224)
        elif privilege == "READ" and database is not None and database.version.startswith(("11.", "12.1.0.1")):
            raise OracleError(990)
        else:
            found.append(privilege)
    return found


def _require_object_grantable(connection: sqlite3.Connection, rights: Rights, target: Object) -> None:
    """The owner and SYS may; GRANT ANY OBJECT PRIVILEGE does not reach the objects of SYS."""
    if rights.user in ("SYS", target.owner):
        return
    if target.owner != "SYS" and has_privilege(connection, rights, "GRANT ANY OBJECT PRIVILEGE"):
        return
    held = sga.select(connection, ObjectGrant, owner=target.owner, name=target.name)
    if any(
        grant.grantable and grant.grantee in rights.grantees and grant.con_id in (0, rights.con_id) for grant in held
    ):
        return
    visible = object_privileges(connection, rights, target.owner, target.name)
    raise OracleError(1031 if visible else 942)


def _grant_object(
    connection: sqlite3.Connection,
    rights: Rights,
    target: Object,
    privileges: Sequence[str],
    grantees: Sequence[str],
    option: bool,
    con_id: int,
) -> None:
    _require_object_grantable(connection, rights, target)
    names = _object_privileges(connection, target, privileges)
    for grantee in grantees:
        # Roles cannot pass object privileges on, so they cannot get them with that option.
        if option and find_role(connection, grantee, rights.con_id):
            raise OracleError(1926)
        for name in names:
            # Whoever grants on an owner's behalf appears as the owner.
            record = ObjectGrant(
                con_id, grantee, target.owner, target.name, name, target.owner, int(option), target.type
            )
            _put(connection, record)
