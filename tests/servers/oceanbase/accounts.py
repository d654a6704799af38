# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and roles of all tenants, and what they may do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..oracle import commands
from ..oracle.errors import OracleError

SYS, SYS_TENANT, PUBLIC = "SYS", "sys", "PUBLIC"
ADMINISTRATOR = "ROOT"
# Of the documented ones those that a session of the collection or of its tests may need.
SYSTEM_PRIVILEGES = frozenset(
    """ALTER SYSTEM|ALTER SESSION|CREATE SESSION|CREATE USER|DROP USER|CREATE ROLE|DROP ANY ROLE|CREATE TABLE|CREATE ANY TABLE
|DROP ANY TABLE|SELECT ANY TABLE|INSERT ANY TABLE|UPDATE ANY TABLE|DELETE ANY TABLE|SELECT ANY DICTIONARY|GRANT ANY PRIVILEGE
|GRANT ANY OBJECT PRIVILEGE|GRANT ANY ROLE|EXECUTE ANY PROCEDURE|SHOW PROCESS|SUPER""".replace("\n", "").split("|")
)
OBJECT_PRIVILEGES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE", "REFERENCES", "INDEX", "ALTER"})
_ROLES = {
    "CONNECT": frozenset({"CREATE SESSION"}),
    "RESOURCE": frozenset({"CREATE TABLE"}),
    "DBA": SYSTEM_PRIVILEGES - {"SUPER"},
}


@dataclass
class Account:
    """A user or, without a password, a role. ``objects`` holds privileges as (privilege, owner, object name)."""

    name: str
    password: bytes | None = None
    privileges: set[str] = field(default_factory=set)
    objects: set[tuple[str, str, str]] = field(default_factory=set)
    roles: list[Account] = field(default_factory=list)

    def logs_in_with(self, scramble: bytes, nonce: bytes) -> bool:
        """Whether the client's answer to the nonce is right (mysql_native_password)."""
        if self.password is None:
            return False
        if not self.password or not scramble:
            return not self.password and not scramble
        once = hashlib.sha1(self.password).digest()
        mask = hashlib.sha1(nonce + hashlib.sha1(once).digest()).digest()
        return scramble == bytes(a ^ b for a, b in zip(once, mask, strict=True))

    def sources(self) -> Iterator[Account]:
        """The account and all roles that it has, also by other roles."""
        yield self
        for role in self.roles:
            yield from role.sources()

    def has(self, privilege: str) -> bool:
        return self.name == SYS or any(privilege in source.privileges for source in self.sources())

    def may(self, privilege: str, owner: str, name: str) -> bool:
        return any((privilege, owner, name) in source.objects for source in self.sources())


class Accounts:
    """``changes`` counts grants and the like, for what is kept of an earlier answer."""

    def __init__(self, tenants: list[str], password: str) -> None:
        self._every: dict[tuple[str, str], Account] = {}
        self.changes = 0
        for tenant in tenants:
            self._add(tenant, Account(PUBLIC))
            for role, privileges in _ROLES.items():
                self._add(tenant, Account(role, privileges=set(privileges)))
            name = ADMINISTRATOR if tenant == SYS_TENANT else SYS
            self._add(tenant, Account(name, password.encode(), set(SYSTEM_PRIVILEGES)))

    def _add(self, tenant: str, account: Account) -> None:
        self._every[tenant, account.name] = account
        self.changes += 1

    def find(self, tenant: str, name: str) -> Account | None:
        return self._every.get((tenant, name))

    def _needed(self, tenant: str, name: str) -> Account:
        found = self.find(tenant, name)
        if found is None:
            raise OracleError(1917, name)
        return found

    def execute(self, tenant: str, caller: Account, command: commands.Command) -> None:
        """CREATE and DROP USER or ROLE, GRANT, REVOKE, ALTER USER ... IDENTIFIED BY."""
        self.changes += 1
        if isinstance(command, (commands.Grant, commands.Revoke)):
            self._grant(tenant, caller, command)
            return
        kind = "ROLE" if isinstance(command, (commands.CreateRole, commands.DropRole)) else "USER"
        verb = "CREATE" if isinstance(command, (commands.CreateUser, commands.CreateRole)) else "DROP"
        own = isinstance(command, commands.AlterUser) and command.name == caller.name
        if not own and not caller.has("DROP ANY ROLE" if (verb, kind) == ("DROP", "ROLE") else f"{verb} {kind}"):
            raise OracleError(1031)
        if isinstance(command, (commands.CreateUser, commands.CreateRole)):
            if self.find(tenant, command.name):
                raise OracleError(1920 if kind == "USER" else 1921, command.name)
            password = (command.clauses.password or "").encode() if isinstance(command, commands.CreateUser) else None
            self._add(tenant, Account(command.name, password))
        elif isinstance(command, (commands.DropUser, commands.DropRole)):
            found = self.find(tenant, command.name)
            if found is None:
                raise OracleError(1918 if kind == "USER" else 1919, command.name)
            del self._every[tenant, command.name]
            for (_tenant, _name), other in self._every.items():
                other.roles = [role for role in other.roles if role is not found]
        elif isinstance(command, commands.AlterUser):
            found = self.find(tenant, command.name)
            if found is None:
                raise OracleError(1918, command.name)
            if command.clauses.password is not None:
                found.password = command.clauses.password.encode()
        else:
            raise OracleError(900)

    def _grant(self, tenant: str, caller: Account, command: commands.Grant | commands.Revoke) -> None:
        needed = "GRANT ANY OBJECT PRIVILEGE" if command.target else "GRANT ANY PRIVILEGE"
        owner, name = command.target or (None, "")
        if not caller.has(needed) and not (command.target and (owner or caller.name) == caller.name):
            raise OracleError(1031)
        given = isinstance(command, commands.Grant)
        for grantee in command.grantees:
            account = self._needed(tenant, grantee)
            for privilege in command.privileges:
                if command.target:
                    self._object(account, privilege, owner or caller.name, name, given)
                elif privilege == "ALL PRIVILEGES":
                    account.privileges = set(SYSTEM_PRIVILEGES) if given else set()
                elif privilege in SYSTEM_PRIVILEGES:
                    (account.privileges.add if given else account.privileges.discard)(privilege)
                else:
                    self._role(account, tenant, privilege, given)

    def _object(self, account: Account, privilege: str, owner: str, name: str, given: bool) -> None:
        for each in OBJECT_PRIVILEGES if privilege in ("ALL", "ALL PRIVILEGES") else {privilege}:
            if each not in OBJECT_PRIVILEGES:
                raise OracleError(990)
            (account.objects.add if given else account.objects.discard)((each, owner, name))

    def _role(self, account: Account, tenant: str, name: str, given: bool) -> None:
        role = self.find(tenant, name)
        if role is None or role.password is not None:
            raise OracleError(990 if " " in name else 1919, name)
        if given and role not in account.roles:
            account.roles.append(role)
        elif not given:
            account.roles = [each for each in account.roles if each is not role]
