# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What an account needs to do this collection's work, compared with what it has. Pure.

The dialect writes the statements; which of them are due, and in which order, is decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import values
from .plan import KILL
from .values import BadOption

TEMP_SPACE, SQL_TEXT, LOCKED_OBJECTS, RECOVERY = "temp_space", "sql_text", "locked_objects", "recovery"
FEATURES = (KILL, TEMP_SPACE, SQL_TEXT, LOCKED_OBJECTS, RECOVERY)
PRESENT, SCRIPT = "present", "script"
ALTER_SYSTEM, SELECT, READ, EXECUTE = "ALTER SYSTEM", "SELECT", "READ", "EXECUTE"

# The quotes are the whole difference between a name and a piece of SQL, so there is no name that would need them.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_$#]{0,127}", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,5}){0,4}", re.ASCII)
_UNPRINTABLE = re.compile(r'["\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Wanted:
    """The account as it is to be. Names are in upper case; `procedure` is the wrapper as OWNER.NAME, or None.

    `only_users` are the patterns of the users whose sessions the wrapper may end, None for everybody's.
    """

    account: str
    password: str | None = field(default=None, repr=False)
    features: frozenset = frozenset({KILL})
    procedure: str | None = None
    only_users: tuple | None = None
    exclusive: bool = False
    replace: bool = False

    @property
    def owner(self):
        """The schema that the wrapper lives in."""
        return self.procedure.partition(".")[0] if self.procedure else None


@dataclass(frozen=True)
class Grant:
    """A privilege: on an object as OWNER.NAME, a system privilege, or a role. `everywhere` is in all containers."""

    grantee: str
    privilege: str
    on: str | None = None
    everywhere: bool = False
    role: bool = False

    @property
    def what(self):
        return self.privilege + (f" ON {self.on}" if self.on else "") + (" (in all containers)" * self.everywhere)

    def covers(self, other):
        """Whether somebody who has this one needs the other one no more."""
        enough = {other.privilege} | ({READ} if other.privilege == SELECT else set())
        return (
            (self.grantee, self.on, self.role) == (other.grantee, other.on, other.role)
            and self.privilege in enough
            and (self.everywhere or not other.everywhere)
        )


@dataclass(frozen=True)
class User:
    """What there is to know of a user: whether one can log in to it, and whether it belongs to the database itself."""

    open: bool = True
    maintained: bool = False
    sees_all_containers: bool = False


@dataclass(frozen=True)
class Program:
    """A stored procedure: its source, and whether it compiles."""

    source: str
    valid: bool = True


@dataclass
class Present:
    """What is there already of the account, of the wrapper and of its owner: nothing, where nobody has looked."""

    users: dict = field(default_factory=dict)
    grants: set = field(default_factory=set)
    program: Program | None = None


@dataclass(frozen=True)
class Statement:
    """A statement, how it is shown where it has a secret in it, and how SQL*Plus asks for that secret.

    `block` says that it is PL/SQL, `may_fail` that a script goes on without it: what it creates may be there.
    """

    text: str = field(repr=False)
    shown: str = ""
    prompted: str = ""
    block: bool = False
    may_fail: bool = False

    def __str__(self):
        return self.shown or self.text


@dataclass
class Plan:
    """The statements that are due, in their order; what people should know; the account before and after, as lines."""

    statements: list = field(default_factory=list)
    doubts: list = field(default_factory=list)
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)


def parse_wanted(params, procedure):
    """The Wanted of a module's options; raises BadOption for what nobody can have meant."""
    account, features = _name(params["name"], "name"), frozenset(params["features"])
    wanted = Wanted(
        account=account,
        # A script asks whoever runs it.
        password="" if params["state"] == SCRIPT else _password(params["password"]),
        features=features,
        procedure=procedure if KILL in features else None,
        only_users=_patterns(params["only_users"]),
        exclusive=params["exclusive"],
        replace=params["replace"],
    )
    if wanted.owner == account:
        raise BadOption(
            "via_procedure",
            f"its owner has ALTER SYSTEM, which {account} is to do without; give the procedure an owner of its own.",
        )
    if wanted.only_users and not wanted.procedure:
        raise BadOption("only_users", "only the wrapper can hold to it; set via_procedure, or leave it out.")
    if params["state"] == PRESENT and (params["login_user"] or "").upper() == account:
        raise BadOption(
            "name",
            f"{account} is the user that logs in here, and nobody can give privileges to itself; "
            "log in as an administrator, with login_user.",
        )
    return wanted


def parse_version(text):
    """A release such as 19 or 12.2.0.1 as numbers, for a script that is written without a server."""
    if text is None:
        raise BadOption(
            "server_version", "it is missing: without a login nobody knows the release; write it such as 19."
        )
    if not _VERSION.fullmatch(text):
        raise BadOption("server_version", f"{values.shown(text)} is not a release; write it such as 19 or 12.2.")
    return tuple(int(part) for part in text.split("."))


def plan(wanted, present, server):
    """The Plan that makes of what is `present` what is wanted; `server` is the dialect that writes its statements."""
    server.check(wanted)
    due = Plan()
    _check_users(wanted, present, due)
    if wanted.account not in present.users:
        due.statements.append(server.create_account(wanted.account, wanted.password))
    if wanted.owner and wanted.owner not in present.users:
        due.statements.append(server.create_owner(wanted.owner))
    for name in filter(None, (wanted.owner, wanted.account)):
        if server.hides_containers and not present.users.get(name, User()).sees_all_containers:
            due.statements.append(server.show_all_containers(name))
    needed = server.grants(wanted)
    missing = [grant for grant in needed if not any(held.covers(grant) for held in present.grants)]
    due.statements += [server.grant(grant) for grant in missing if grant.grantee == wanted.owner]
    source = server.procedure(wanted) if wanted.procedure else None
    if source is not None and not _stored(wanted, present, server, source):
        due.statements.append(server.create_procedure(source))
    due.statements += [server.grant(grant) for grant in missing if grant.grantee == wanted.account]
    excess = _excess(wanted, present, needed, server)
    if wanted.exclusive:
        due.statements += [server.revoke(grant) for grant in excess]
    elif wanted.procedure and any(held.privilege in (ALTER_SYSTEM, "DBA") for held in excess):
        due.doubts.append(
            f"exclusive: {wanted.account} still has ALTER SYSTEM, itself or by the role DBA, so it does not depend on {wanted.procedure} and its guards; "
            "set exclusive: true, or revoke it."
        )
    due.before = _lines(present.users, present.grants, present.program and present.program.source, wanted)
    left = present.grants - set(excess if wanted.exclusive else ())
    users = {**present.users, **{name: User() for name in (wanted.account, wanted.owner) if name}}
    due.after = _lines(users, left | set(missing), source, wanted) if due.statements else due.before
    return due


def _check_users(wanted, present, due):
    account, owner = present.users.get(wanted.account), present.users.get(wanted.owner)
    if account and account.maintained:
        raise BadOption("name", f"{wanted.account} belongs to the database itself; use an account of your own.")
    if owner and owner.maintained:
        raise BadOption("via_procedure", f"{wanted.owner} belongs to the database itself; use an owner of your own.")
    if not account and wanted.password is None:
        raise BadOption("password", f"{wanted.account} does not exist, and cannot be created without one; give it one.")
    if owner and owner.open:
        due.doubts.append(
            f"via_procedure: whoever logs in as {wanted.owner} has ALTER SYSTEM without any guard; "
            f"lock it, with ALTER USER {wanted.owner} ACCOUNT LOCK."
        )


def _stored(wanted, present, server, source):
    """Whether the wrapper is there as it should be; one that somebody else has written is not replaced unasked."""
    if present.program is None:
        return False
    if not server.is_ours(present.program.source) and not wanted.replace:
        raise BadOption(
            "via_procedure",
            f"{wanted.procedure} is there already, and not the work of this collection; "
            "use another name, or set replace: true to replace it.",
        )
    return present.program.valid and server.same_source(present.program.source, source)


def _excess(wanted, present, needed, server):
    """What the account has and does not need, as far as it can be taken away here."""
    return sorted(
        (
            held
            for held in present.grants
            if held.grantee == wanted.account
            and server.revocable(held)
            and not any(held.covers(Grant(each.grantee, each.privilege, each.on)) for each in needed)
        ),
        key=lambda held: held.what,
    )


def _lines(users, grants, source, wanted):
    lines = []
    for name in (wanted.account, wanted.owner):
        if name in users:
            lines.append(f"user {name}")
            lines += sorted(f"  {grant.what}" for grant in grants if grant.grantee == name)
    return lines + (source.splitlines() if source else [])


def _name(name, option):
    if not _NAME.fullmatch(name):
        raise BadOption(
            option, f"{values.shown(name)} is not the name of a user; write letters, digits, _, $ and #, such as DBOPS."
        )
    return name.upper()


def _password(password):
    if password is None:
        return None
    if not password or _UNPRINTABLE.search(password):
        # Not shown: it may well be a secret all the same.
        raise BadOption(
            "password", 'it is empty, or has a character that no password can have (", a line end); change it.'
        )
    return password


def _patterns(patterns):
    if patterns is None:
        return None
    found = []
    for pattern in values.members(patterns, "only_users"):
        text = values.text(pattern, "only_users")
        if text.startswith("~"):
            raise BadOption("only_users", "the wrapper knows no regular expressions; use * and ?.")
        quoted = len(text) > 2 and text[0] == text[-1] == '"'
        text = text[1:-1] if quoted else text.upper()
        if _UNPRINTABLE.search(text):
            raise BadOption(
                "only_users", f"{values.shown(pattern)} has a character that no user name can have; change it."
            )
        if not text.strip("*?"):
            raise BadOption("only_users", f"{values.shown(pattern)} fits everybody; leave only_users out for that.")
        found.append(text)
    return tuple(sorted(set(found)))
