# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what, and what a name stands for in whose eyes.

Rules: the vendor's Security Guide ("Configuring Privilege and Role Authorization", "Managing Security for Definer's
Rights and Invoker's Rights"): in a stored program with definer's rights only what was granted to its owner directly, or to
PUBLIC, counts.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from . import sga
from .errors import OracleError
from .predefined import NO_ANY, OBJECT_PRIVILEGES, SYSTEM_PRIVILEGES
from .tables import Object, ProxyGrant, Role, Synonym, SysGrant, User

# How deep roles may be granted to roles, and synonyms point to synonyms, before it must be a circle.
_DEEPEST = 32


@dataclass(frozen=True)
class Rights:
    """On whose behalf something is done: a user in a container, with the roles that are in force.

    It may be the ``roles_key`` of the SQL engine's Context, for definer's rights above all.
    """

    user: str
    con_id: int = 0
    roles: frozenset[str] = frozenset()

    @property
    def grantees(self) -> tuple[str, ...]:
        """All names whose grants count."""
        return (self.user, "PUBLIC", *sorted(self.roles))


def rights_of(connection: sqlite3.Connection, user: str, con_id: int, roles_active: bool = True) -> Rights:
    """The rights of a user: with all the roles that it has, as after a login, or with none, as in definer's rights."""
    return Rights(user, con_id, _roles(connection, user, con_id) if roles_active else frozenset())


def _roles(connection: sqlite3.Connection, user: str, con_id: int) -> frozenset[str]:
    found = connection.execute(
        "WITH RECURSIVE held (role, depth) AS ("
        " SELECT role, 1 FROM x_role_grant WHERE grantee IN (:user, 'PUBLIC') AND con_id IN (0, :con) AND is_default"
        " UNION SELECT g.role, h.depth + 1 FROM held h JOIN x_role_grant g ON g.grantee = h.role"
        f" WHERE g.con_id IN (0, :con) AND h.depth < {_DEEPEST}) SELECT DISTINCT role FROM held",
        {"user": user, "con": con_id},
    )
    return frozenset(row[0] for row in found)


def system_privileges(connection: sqlite3.Connection, rights: Rights) -> frozenset[str]:
    """All system privileges in force (SESSION_PRIVS)."""
    if rights.user == "SYS":
        return frozenset(SYSTEM_PRIVILEGES)
    marks = ", ".join("?" * len(rights.grantees))
    found = connection.execute(
        f"SELECT privilege FROM x_sys_grant WHERE con_id IN (0, ?) AND grantee IN ({marks})",
        (rights.con_id, *rights.grantees),
    )
    return frozenset(row[0] for row in found)


def has_privilege(connection: sqlite3.Connection, rights: Rights, *privileges: str) -> bool:
    """Whether one of these system privileges is in force."""
    return rights.user == "SYS" or not system_privileges(connection, rights).isdisjoint(privileges)


def require(connection: sqlite3.Connection, rights: Rights, *privileges: str) -> None:
    """ORA-01031 unless one of these system privileges is in force."""
    if not has_privilege(connection, rights, *privileges):
        raise OracleError(1031)


def object_privileges(connection: sqlite3.Connection, rights: Rights, owner: str, name: str) -> frozenset[str]:
    """What may be done with an object: its own privileges, and what ANY privileges allow."""
    if rights.user in ("SYS", owner):
        return frozenset(OBJECT_PRIVILEGES)
    marks = ", ".join("?" * len(rights.grantees))
    found = connection.execute(
        "SELECT privilege FROM x_object_grant"
        f" WHERE owner = ? AND name = ? AND con_id IN (0, ?) AND grantee IN ({marks})",
        (owner, name, rights.con_id, *rights.grantees),
    )
    privileges = {row[0] for row in found}
    system = system_privileges(connection, rights)
    if owner == "SYS":
        # ANY privileges do not reach into SYS; this one is made for it.
        if "SELECT ANY DICTIONARY" in system:
            privileges.add("SELECT")
    else:
        privileges.update(
            privilege
            for privilege in OBJECT_PRIVILEGES
            if privilege not in NO_ANY
            and f"{privilege} ANY {'PROCEDURE' if privilege == 'EXECUTE' else 'TABLE'}" in system
        )
    return frozenset(privileges)


def require_object(connection: sqlite3.Connection, rights: Rights, owner: str, name: str, *privileges: str) -> None:
    """ORA-01031 unless one of these privileges is held on an object that the user may see; ORA-00942 if it may not."""
    held = object_privileges(connection, rights, owner, name)
    if not held:
        raise OracleError(942)
    if held.isdisjoint(privileges):
        raise OracleError(1031)


def find_user(connection: sqlite3.Connection, name: str, con_id: int) -> User | None:
    """The user of this name in this container: its own, or a common one."""
    return sga.get(connection, User, name=name, con_id=con_id) or sga.get(connection, User, name=name, common=1)


def find_role(connection: sqlite3.Connection, name: str, con_id: int) -> Role | None:
    return sga.get(connection, Role, name=name, con_id=con_id) or sga.get(connection, Role, name=name, common=1)


def find_object(connection: sqlite3.Connection, rights: Rights, schema: str, owner: str | None, name: str) -> Object:
    """The object that a name stands for, through synonyms: the schema's, or the public one. ORA-00942 without any."""
    for _unused in range(_DEEPEST):
        found = _object(connection, rights.con_id, owner or schema, name)
        if found is not None:
            return found
        synonym = _synonym(connection, rights.con_id, owner or schema, name)
        if synonym is None and owner is None:
            synonym = _synonym(connection, rights.con_id, "PUBLIC", name)
        if synonym is None:
            break
        owner, name = synonym.table_owner, synonym.table_name
    raise OracleError(942)


def _object(connection: sqlite3.Connection, con_id: int, owner: str, name: str) -> Object | None:
    for container in dict.fromkeys((con_id, 0)):
        for found in sga.select(connection, Object, owner=owner, name=name, con_id=container):
            if found.type != "SYNONYM":
                return found
    return None


def _synonym(connection: sqlite3.Connection, con_id: int, owner: str, name: str) -> Synonym | None:
    return sga.get(connection, Synonym, owner=owner, name=name, con_id=con_id) or sga.get(
        connection, Synonym, owner=owner, name=name, con_id=0
    )


def check_logon(connection: sqlite3.Connection, user: User, con_id: int, mode: str = "default") -> None:
    """What is asked after the password was right: ORA-28000 locked, ORA-01045 without CREATE SESSION, ORA-01031 where an
    administrative mode was not granted, ORA-28009 for SYS in the ordinary one."""
    if mode != "default":
        if user.name != "SYS" and sga.get(connection, SysGrant, grantee=user.name, privilege=mode.upper()) is None:
            raise OracleError(1031)
        return
    if user.locked:
        raise OracleError(28000)
    if user.name == "SYS":
        raise OracleError(28009)
    if not has_privilege(connection, rights_of(connection, user.name, con_id), "CREATE SESSION"):
        raise OracleError(1045, user.name)


def may_proxy(connection: sqlite3.Connection, proxy: str, client: str, con_id: int) -> bool:
    """Whether ``proxy`` may log in as ``client`` (ALTER USER client GRANT CONNECT THROUGH proxy)."""
    return any(
        sga.get(connection, ProxyGrant, proxy=proxy, client=client, con_id=container) for container in (0, con_id)
    )
