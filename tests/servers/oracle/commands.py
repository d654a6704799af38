# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements that are neither queries nor changes of rows: one class for each; command_parser.py makes them.

Names are in upper case unless they were quoted. A quoted string such as ``'sid,serial#'`` is kept as written: what is in
it is looked at when the statement runs, after the privilege.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .errors import OracleError

Name = tuple[str | None, str]
"""Owner (None: the current schema) and name of an object."""


@dataclass(frozen=True)
class Command:
    """``command`` is what V$SESSION.COMMAND shows (V$SQLCOMMAND); ``commits`` says that it ends the transaction."""

    command: ClassVar[int] = 0
    commits: ClassVar[bool] = True


# ---- transactions


@dataclass(frozen=True)
class Commit(Command):
    command: ClassVar[int] = 44
    commits: ClassVar[bool] = False


@dataclass(frozen=True)
class Rollback(Command):
    """``savepoint`` is None for the whole transaction."""

    command: ClassVar[int] = 45
    commits: ClassVar[bool] = False
    savepoint: str | None = None


@dataclass(frozen=True)
class Savepoint(Command):
    command: ClassVar[int] = 46
    commits: ClassVar[bool] = False
    name: str = ""


@dataclass(frozen=True)
class LockTable(Command):
    command: ClassVar[int] = 26
    commits: ClassVar[bool] = False
    table: Name = (None, "")
    mode: int = 6
    nowait: bool = False


@dataclass(frozen=True)
class Accepted(Command):
    """A statement that changes nothing here, such as SET ROLE ALL or ALTER SYSTEM CHECKPOINT.

    ``privilege`` is the system privilege it takes, if any.
    """

    command: ClassVar[int] = 0
    commits: ClassVar[bool] = False
    privilege: str | None = None


# ---- ALTER SYSTEM


@dataclass(frozen=True)
class AlterSystem(Command):
    command: ClassVar[int] = 49
    commits: ClassVar[bool] = False


@dataclass(frozen=True)
class KillSession(AlterSystem):
    target: str = ""
    immediate: bool = False
    force: bool = False
    noreplay: bool = False
    timeout: int | None = None


@dataclass(frozen=True)
class DisconnectSession(AlterSystem):
    target: str = ""
    post_transaction: bool = False
    immediate: bool = False
    noreplay: bool = False


@dataclass(frozen=True)
class CancelSql(AlterSystem):
    target: str = ""


@dataclass(frozen=True)
class AlterSystemSet(AlterSystem):
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RestrictSession(AlterSystem):
    enable: bool = True


# ---- ALTER SESSION


@dataclass(frozen=True)
class AlterSession(Command):
    """``SET name = value ...``; other clauses set nothing."""

    command: ClassVar[int] = 42
    commits: ClassVar[bool] = False
    parameters: Mapping[str, str] = field(default_factory=dict)


# ---- accounts


@dataclass(frozen=True)
class UserClauses:
    """``password`` None: not mentioned; ``""``: the account has none (NO AUTHENTICATION, EXTERNALLY, GLOBALLY)."""

    password: str | None = None
    locked: bool | None = None
    profile: str | None = None
    container: str | None = None


@dataclass(frozen=True)
class CreateUser(Command):
    command: ClassVar[int] = 51
    name: str = ""
    clauses: UserClauses = field(default_factory=UserClauses)
    if_not_exists: bool = False


@dataclass(frozen=True)
class AlterUser(Command):
    command: ClassVar[int] = 43
    name: str = ""
    clauses: UserClauses = field(default_factory=UserClauses)


@dataclass(frozen=True)
class AlterUserProxy(Command):
    """``ALTER USER name GRANT | REVOKE CONNECT THROUGH proxy``."""

    command: ClassVar[int] = 43
    name: str = ""
    proxy: str = ""
    grant: bool = True


@dataclass(frozen=True)
class DropUser(Command):
    command: ClassVar[int] = 53
    name: str = ""
    cascade: bool = False
    if_exists: bool = False


@dataclass(frozen=True)
class CreateRole(Command):
    command: ClassVar[int] = 52
    name: str = ""
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropRole(Command):
    command: ClassVar[int] = 54
    name: str = ""
    if_exists: bool = False


@dataclass(frozen=True)
class Grant(Command):
    """``target`` None: system privileges and roles. ``option`` is WITH ADMIN OPTION or WITH GRANT OPTION."""

    command: ClassVar[int] = 17
    privileges: tuple[str, ...] = ()
    target: Name | None = None
    grantees: tuple[str, ...] = ()
    option: bool = False
    container: str | None = None


@dataclass(frozen=True)
class Revoke(Command):
    command: ClassVar[int] = 18
    privileges: tuple[str, ...] = ()
    target: Name | None = None
    grantees: tuple[str, ...] = ()
    container: str | None = None


# ---- objects


@dataclass(frozen=True)
class ColumnDefinition:
    """``type`` is a name such as VARCHAR2, ``arguments`` its numbers: (10,) or (12, 2)."""

    name: str
    type: str
    arguments: tuple[int, ...] = ()
    nullable: bool = True
    primary: bool = False
    unique: bool = False
    default: str | None = None


@dataclass(frozen=True)
class CreateTable(Command):
    """Either ``columns`` or ``query``, the text after AS. ``keys`` are the PRIMARY KEY and UNIQUE constraints."""

    command: ClassVar[int] = 1
    name: Name = (None, "")
    columns: tuple[ColumnDefinition, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    query: str | None = None
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropObject(Command):
    """``kind`` is TABLE, PROCEDURE, FUNCTION, SYNONYM or VIEW."""

    command: ClassVar[int] = 12
    kind: str = "TABLE"
    name: Name = (None, "")
    public: bool = False
    if_exists: bool = False


@dataclass(frozen=True)
class TruncateTable(Command):
    command: ClassVar[int] = 85
    name: Name = (None, "")


@dataclass(frozen=True)
class CreateProgram(Command):
    """``source`` is the text from PROCEDURE or FUNCTION on, as ALL_SOURCE keeps it."""

    command: ClassVar[int] = 24
    name: Name = (None, "")
    kind: str = "PROCEDURE"
    source: str = ""
    replace: bool = False


@dataclass(frozen=True)
class CreateSynonym(Command):
    command: ClassVar[int] = 19
    name: Name = (None, "")
    target: Name = (None, "")
    public: bool = False
    replace: bool = False


@dataclass(frozen=True)
class CompileProgram(Command):
    command: ClassVar[int] = 25
    name: Name = (None, "")
    kind: str = "PROCEDURE"


# ---- the session that a statement names


@dataclass(frozen=True)
class Target:
    """What ``'sid,serial#[,@inst][,sql_id]'`` names; ``instance`` None: the session's own."""

    sid: int
    serial: int
    instance: int | None = None
    sql_id: str | None = None


def parse_target(text: str, malformed: int = 26, sql_id: bool = False) -> Target:
    """Read the quoted string of a KILL, DISCONNECT or CANCEL; with ``sql_id`` it may end in one.

    Error ``malformed`` (ORA-00026) for anything else, such as an instance without its ``@``.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts[:2]):
        raise OracleError(malformed)
    rest = parts[2:]
    instance: int | None = None
    if rest and rest[0].startswith("@") and rest[0][1:].strip().isdigit():
        instance = int(rest.pop(0)[1:])
    wanted: str | None = None
    if sql_id and rest and rest[0].isascii() and rest[0].isalnum():
        wanted = rest.pop(0)
    if rest:
        raise OracleError(malformed)
    return Target(int(parts[0]), int(parts[1]), instance, wanted)
