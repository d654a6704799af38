# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Plain data that the steps hand on: sessions, the database they live in, and what became of each.

Knows neither Ansible nor a driver.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime, timezone

# What makes a session the same session. OceanBase has neither serial# nor logon time; the client's port stands in
# for them: a reused id almost surely comes from another port.
IDENTITY = ("inst_id", "sid", "serial", "logon_time", "node", "username", "container", "client_address", "client_port")
# The length of a time in ISO 8601, up to its seconds.
_WITHOUT_OFFSET = 19

# The shortest wait, in seconds, that makes its holder a blocker: shorter ones are everyday row locks.
BLOCKING_SECONDS = 3.0

# How far two readings of one start-up time may lie apart, in seconds: OceanBase tells it as whole seconds of uptime.
_STARTUP_TOLERANCE = 3.0


@dataclass
class Session:
    """One row of the session list; a field is None when there is none or when it could not be read."""

    inst_id: int | None = None
    sid: int = 0
    serial: int | None = None
    logon_time: str | None = None
    node: str | None = None
    client_address: str | None = None
    client_port: int | None = None
    type: str = "user"
    server: str | None = None
    own: bool = False
    oracle_maintained: bool | None = None
    protected_by: str | None = None
    username: str | None = None
    schema: str | None = None
    os_user: str | None = None
    machine: str | None = None
    program: str | None = None
    module: str | None = None
    action: str | None = None
    client_identifier: str | None = None
    client_info: str | None = None
    service: str | None = None
    resource_group: str | None = None
    container: str | None = None
    status: str | None = "active"
    command: str | None = None
    sql_id: str | None = None
    sql_exec_id: str | int | None = None
    sql_text: str | None = None
    event: str | None = None
    wait_class: str | None = None
    idle_seconds: float | None = None
    active_seconds: float | None = None
    sql_active_seconds: float | None = None
    logon_seconds: float | None = None
    transaction: dict | None = None
    temp_mb: float | None = None
    pga_mb: float | None = None
    blocked_by: dict | None = None
    blocking: dict | None = None
    locked_objects: list | None = None
    coordinator: dict | None = None
    process: dict | None = None
    # No field of a row: what a proxy opened on several servers for the one client that this session is.
    members: tuple = ()

    @property
    def identity(self):
        # Where there is a serial#, the server itself keeps sessions apart by these, and the rest may change.
        if self.serial is None:
            return tuple(getattr(self, name) for name in IDENTITY)
        # The clock's offset from UTC, which is not the session's, may change while it lives.
        return self.inst_id, self.sid, self.serial, (self.logon_time or "")[:_WITHOUT_OFFSET]

    @property
    def place(self):
        """By what statements and lists of locks name it; nobody else has that at the same time, with rare exceptions."""
        return self.inst_id, self.sid

    @property
    def parts(self):
        """All that would end with it, and speaks for it: its members, or itself."""
        return self.members or (self,)

    @property
    def killed(self):
        return self.status == "killed"

    @property
    def execution(self):
        """What tells one execution of a statement from the next; None while nothing runs."""
        return (self.sql_id, self.sql_exec_id) if self.active_seconds is not None else None

    def blocks(self):
        """Whether somebody has waited for it long enough to call it a blocker."""
        return self.blocking is not None and self.blocking["longest_seconds"] >= BLOCKING_SECONDS

    def name(self):
        """How messages name it."""
        instance = "" if self.inst_id is None else f",@{self.inst_id}"
        serial = "" if self.serial is None else f",{self.serial}"
        return f"{self.sid}{serial}{instance}"

    def row(self):
        return {name: getattr(self, name) for name in FIELDS}

    @classmethod
    def from_row(cls, row):
        """The session of a saved row; keys that are not fields of a session (verb, outcome, ...) are left aside."""
        return cls(**{name: row[name] for name in FIELDS if name in row})


# Why a key cannot be answered that the server would have answered if it had been asked.
NOT_READ = "it was not read for this result"

FIELDS = tuple(each.name for each in fields(Session) if each.name != "members")


@dataclass
class Snapshot:
    """All user sessions of one database at one moment.

    `database` is the result's own dictionary; `unavailable` maps each match key that could not be read to the
    reason, which names the missing grant where a grant would help.
    """

    database: dict
    sessions: list
    unavailable: dict = field(default_factory=dict)


@dataclass
class Outcome:
    """What is meant for one session, and what became of it; `outcome` is empty until that is known.

    `sent` says that this run sent a statement for it, answered or not; `unanswered` that the answer was lost, so that
    the server may have carried it out, or may still do so.
    """

    session: Session
    verb: str | None = None
    statement: str | None = None
    outcome: str = ""
    reason: str = ""
    error: dict | None = None
    sent: bool = False
    unanswered: bool = False
    waited_seconds: float | None = None
    rollback: dict | None = None

    def settle(self, outcome, reason):
        self.outcome = outcome
        self.reason = reason
        return self


@dataclass(frozen=True)
class Answer:
    """What the server said to the statement of one session.

    It was carried out unless there is an error `code` or it was `held` back: the session was "gone", "killed" by somebody,
    or had "changed", or ran "another" statement than the one that was matched.
    """

    code: int | None = None
    message: str = ""
    held: str | None = None
    reason: str = ""


def iso(moment):
    """A time of the server as ISO 8601 with offset; dialects set their sessions to UTC."""
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).isoformat(timespec="milliseconds")


def moment(text):
    """A time of a result as an aware datetime, or None where there is none; ValueError when it is no time."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def restarted(before, after):
    """Whether the instance of one database dictionary has been restarted since another one was taken.

    Another node of a cluster has a start-up time of its own, which tells nothing.
    """
    if before.get("instance") != after.get("instance"):
        return False
    earlier, later = moment(before.get("startup_time")), moment(after.get("startup_time"))
    if earlier and later and earlier.utcoffset() != later.utcoffset():
        # Oracle keeps the time by the clock on the wall; it was put forward or back since.
        earlier, later = earlier.replace(tzinfo=None), later.replace(tzinfo=None)
    return bool(earlier and later) and abs((later - earlier).total_seconds()) > _STARTUP_TOLERANCE


def progress(rollback):
    """How a rollback goes on, as the end of a sentence; nothing where nobody has looked."""
    if not rollback:
        return ""
    told = f": {rollback['records']} undo records left"
    if rollback["eta_seconds"] is not None:
        told += f", about {rollback['eta_seconds']:.0f} s at {rollback['per_second']:.0f} per second"
    return told


OUTCOMES = ("planned", "ended", "pending", "rolling_back", "gone", "unchanged", "refused", "skipped", "failed")
