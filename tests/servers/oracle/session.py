# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session as its own server process sees it: its row in V$SESSION, its calls and waits, and the news of its end.

Somebody who ends a session or cancels its statement writes that into the session's row and sends SIGUSR1 to its server
process ("posts" it). The process looks at its row when it was posted: in :meth:`Session.check`, which everything that
takes time calls, and while it waits for its client.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, Protocol

from . import sga, tables
from .errors import OracleError
from .policy import CLOSE
from .sql.sql_id import sql_id
from .tns import Woken

IDLE_EVENT = "SQL*Net message from client"
# SQL*Net driver id "TCP" as P1 of the idle event.
_TCP = 1413697536
# SQL_EXEC_ID counts the executions of a statement from here on, once the instance has started for the first time.
_FIRST_EXECUTION = 16777216
_BREAK_SECONDS = 0.05
# When SQL_ID shows a query that a block executes, if that does not wait for anything before.
_SHOW_SECONDS = 0.25
# Marks of x_session.kill_mode: which statement ended the session.
KILL, IMMEDIATE, FORCE, DISCONNECT, POST_TRANSACTION, PROCESS = (
    "kill", "immediate", "force", "disconnect", "post_transaction", "process",
)  # fmt: skip


class Ended(BaseException):
    """The session was ended by another one. No handler of a PL/SQL block catches it.

    ``outcome`` is what its client gets: the number of an error, or ``"close"``.
    """

    def __init__(self, outcome: int | str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Interrupted(BaseException):
    """A statement of SQLite was stopped because there is news; it may have to be run again."""


class Client(Protocol):
    """The connection to the client, as far as a running call needs it."""

    def poll_break(self, timeout: float = 0.0, wake_fd: int | None = None) -> bool:
        """Whether the client has asked to end the call, within ``timeout`` seconds; Woken for ``wake_fd``."""


class Post:
    """SIGUSR1 as a flag and as a readable file descriptor. One for each process."""

    def __init__(self) -> None:
        self.posted = False
        self.fd, write_end = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write_end, False)
        signal.signal(signal.SIGUSR1, self._note)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.posted = True

    def take(self) -> bool:
        """Whether it was posted since the last time."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 4096):
                pass
        posted, self.posted = self.posted, False
        return posted


class Policies(Mapping[str, Any]):
    """The policies as the shared memory has them now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getitem__(self, name: str) -> Any:
        row = self._connection.execute("SELECT value FROM x_policy WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise KeyError(name)
        return json.loads(row[0])

    def __iter__(self) -> Iterator[str]:
        return (name for (name,) in self._connection.execute("SELECT name FROM x_policy").fetchall())

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM x_policy").fetchone()[0])


class Session:
    """The session of this process. ``row`` is as it was at login, apart from what only its own process changes.

    ``shared`` holds the addresses of the dispatcher and the shared server of a shared-server session, which has the one
    as PADDR while it is idle and the other during a call.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        row: tables.Session,
        post: Post,
        client: Client | None,
        shared: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.connection = connection
        self.row = row
        self.inst_id = row.inst_id
        self.sid = row.sid
        self.serial = row.serial
        self.post = post
        self.client = client
        self.policies = Policies(connection)
        # The client's own break ended the running call: the protocol wants an answer of its own to that.
        self.broken = False
        # Somebody has ended the session.
        self.ended = False
        self._key = (row.inst_id, row.sid, row.serial)
        self._in_call = False
        self._heard = 0.0
        self._deaf = False
        # The statement that a block, or the call itself, executes now, and its number in V$SESSION.COMMAND; when it is
        # to be shown; and what was shown before, once it is.
        self._inner: tuple[str, int] | None = None
        self._show_at = math.inf
        self._shown_before: dict[str, Any] | None = None
        # A cancel that was asked for while the session was idle waits for its next statement.
        self._cancel_waits = False
        # To be left as soon as its transaction is over.
        self.leaving = False
        self._shared = shared

    @property
    def con_id(self) -> int:
        return self.row.con_id

    @property
    def in_call(self) -> bool:
        return self._in_call

    def outcome_while_idle(self) -> int | str:
        """What the client of a session that was ended while it was idle gets."""
        return self._outcome(in_call=False)

    # -- calls

    def begin_call(self, kind: str, top_level_call: int, text: str | None = None, command: int = 0) -> None:
        """A call of the client begins; Ended when the session was ended, ORA-01013 when a cancel waited for it.

        ``kind`` is what the log of calls has; ``text`` the statement of an execution.
        """
        now = sga.now()
        row = self.row
        identifier = sql_id(text) if text else None
        with sga.write(self.connection) as connection:
            sga.insert(
                connection,
                tables.Call(
                    None, now, row.inst_id, row.sid, row.serial, row.username, row.program, row.module, kind, text
                ),
            )
            execution = self._count_execution(identifier, text, command, now) if identifier and text else None
            found = connection.execute(
                "UPDATE x_session SET status_since = iif(status = 'ACTIVE', status_since, ?), status = 'ACTIVE',"
                " in_call = 1, top_level_call = ?, command = ?, sql_id = ?, sql_child = ?, sql_exec_start = ?,"
                " sql_exec_id = ?, waiting = 0, wait_end = ?, user_calls = user_calls + 1,"
                " server = coalesce(?, server), paddr = coalesce(?, paddr)"
                " WHERE inst_id = ? AND sid = ? AND serial = ? AND status IN ('ACTIVE', 'INACTIVE', 'CACHED')"
                " AND (kill_mode IS NULL OR kill_mode = 'post_transaction') RETURNING cancel_time",
                (
                    now, top_level_call, command, identifier, identifier and 0, identifier and now, execution, now,
                    self._shared and "SHARED", self._shared and self._shared[1], *self._key,
                ),
            ).fetchone()  # fmt: skip
        if found is None:
            raise self._end(in_call=False)
        self._in_call = True
        row.sql_id, row.sql_exec_start, row.sql_exec_id, row.command = (
            identifier,
            now if identifier else None,
            execution,
            command,
        )
        self._cancel_waits = found[0] is not None and not text
        if found[0] is not None and text:
            self._forget_cancel()
            raise OracleError(self.policies["victim_cancelled"])

    def _count_execution(self, identifier: str, text: str, command: int, now: float) -> int:
        row = self.connection.execute(
            "INSERT INTO x_sql (inst_id, sql_id, text, first_load, last_active, hash_value, command, executions,"
            " parse_calls, rows_processed, elapsed_micro, cpu_micro, buffer_gets, disk_reads, users_executing,"
            " parsing_user_id, parsing_schema, module, action, con_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 1, 1, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET executions = executions + 1, last_active = excluded.last_active"
            " RETURNING executions",
            (
                self.inst_id, identifier, text, now, now, _hash_value(identifier), command, self.row.user_id,
                self.row.schemaname, self.row.module, self.row.action, self.con_id,
            ),
        ).fetchone()  # fmt: skip
        return _FIRST_EXECUTION + int(row[0]) - 1

    def end_call(self) -> None:
        """The call is over and about to be answered; Ended when the session was ended meanwhile."""
        now = sga.now()
        found = self.connection.execute(
            "UPDATE x_session SET status_since = ?, status = 'INACTIVE', in_call = 0, command = 0,"
            " prev_sql_id = coalesce(sql_id, prev_sql_id), prev_child = coalesce(sql_child, prev_child),"
            " prev_exec_start = coalesce(sql_exec_start, prev_exec_start),"
            " prev_exec_id = coalesce(sql_exec_id, prev_exec_id), sql_id = NULL, sql_child = NULL,"
            " sql_exec_start = NULL, sql_exec_id = NULL, event = ?, p1 = ?, p2 = 1, p3 = 0, waiting = 1,"
            " wait_start = ?, wait_seq = wait_seq + 1, row_wait_object = -1, row_wait_file = 0, row_wait_block = 0,"
            " row_wait_row = 0, cancel_time = iif(?, cancel_time, NULL), cancel_sql_id = iif(?, cancel_sql_id, NULL),"
            " server = coalesce(?, server), paddr = coalesce(?, paddr)"
            " WHERE inst_id = ? AND sid = ? AND serial = ? AND (kill_mode IS NULL OR kill_mode = 'post_transaction')"
            " RETURNING kill_mode",
            (
                now, IDLE_EVENT, _TCP, now, self._cancel_waits, self._cancel_waits,
                self._shared and "NONE", self._shared and self._shared[0], *self._key,
            ),
        ).fetchone()  # fmt: skip
        if found is None:
            raise self._end(in_call=True)
        self._in_call = False
        # DISCONNECT ... POST_TRANSACTION: the session goes when its transaction is over.
        self.leaving = found[0] == POST_TRANSACTION

    def work_alone(self) -> None:
        """Be in a call from now on: a session that has no client."""
        self._in_call = True

    def reload(self) -> tables.Session | None:
        """The session's row as it is now; None when somebody has removed it."""
        inst_id, sid, serial = self._key
        return sga.get(self.connection, tables.Session, inst_id=inst_id, sid=sid, serial=serial)

    def set(self, **columns: Any) -> None:
        """Change columns of the session's row."""
        inst_id, sid, serial = self._key
        sga.update(self.connection, tables.Session, columns, inst_id=inst_id, sid=sid, serial=serial)
        for name, value in columns.items():
            setattr(self.row, name, value)

    # -- news

    def check(self) -> None:
        """Look for news, if there may be any; raises Ended, or ORA-01013 for a cancelled statement. Cheap."""
        if self._deaf:
            return
        if self.post.posted:
            self.post.take()
            self._read_news()
        now = time.monotonic()
        if self.client is not None and now - self._heard > _BREAK_SECONDS:
            self._heard = now
            if self.client.poll_break():
                self._break()

    def news(self) -> bool:
        """Whether a running statement should stop to let :meth:`check` look. Touches no SQLite connection."""
        if self._deaf or self.broken:
            return self.broken
        now = time.monotonic()
        if self.client is not None and now - self._heard > _BREAK_SECONDS:
            self._heard = now
            self.broken = self.client.poll_break()
        return self.post.posted or self.broken or now > self._show_at

    def check_interrupted(self) -> None:
        """After a statement was stopped because of :meth:`news`."""
        if self.broken:
            self._break()
        if time.monotonic() > self._show_at:
            self._show_inner()
        self.check()

    def _break(self) -> None:
        self.broken = True
        raise OracleError(1013)

    def _read_news(self, cancel: bool = True) -> None:
        row = self.connection.execute(
            "SELECT kill_mode, cancel_time FROM x_session WHERE inst_id = ? AND sid = ? AND serial = ?", self._key
        ).fetchone()
        if row is None or row[0] not in (None, POST_TRANSACTION):
            raise self._end(in_call=self._in_call)
        if row[1] is not None and cancel and self._in_call and not self._cancel_waits:
            self._forget_cancel()
            raise OracleError(self.policies["victim_cancelled"])

    def _forget_cancel(self) -> None:
        self.set(cancel_time=None, cancel_sql_id=None)

    def _end(self, in_call: bool) -> Ended:
        self.ended = True
        return Ended(self._outcome(in_call))

    def _outcome(self, in_call: bool) -> int | str:
        row = self.reload()
        if row is None:
            return CLOSE
        if row.kill_mode is None:
            return self.policies["victim_sniped"] if row.status == "SNIPED" else CLOSE
        if row.kill_mode in (DISCONNECT, POST_TRANSACTION, PROCESS):
            return CLOSE
        if row.kill_mode == FORCE and (not in_call or sga.now() >= (row.kill_deadline or 0)):
            return self.policies["victim_force"]
        name = f"victim_{'busy' if in_call else 'idle'}" + ("" if row.kill_mode == KILL else "_immediate")
        outcome = self.policies[name]
        return self.policies["victim_noreplay"] if row.kill_noreplay and outcome != CLOSE else outcome

    # -- waits

    def pause(self, seconds: float) -> None:
        """Wait so long, or until posted; raises what ends the call."""
        if self.client is None:
            select.select([self.post.fd], [], [], seconds)
            self.check()
            return
        try:
            if self.client.poll_break(seconds, self.post.fd):
                self._break()
        except Woken:
            self.post.posted = True
        self.check()

    def sleep(self, seconds: float, event: str = "PL/SQL lock timer", deaf_to_cancel: bool = False) -> None:
        """Wait for all of ``seconds``. ``deaf_to_cancel``: a cancel or a break has its effect when that is over."""
        deadline = time.monotonic() + seconds
        with self.waiting(event):
            while (left := deadline - time.monotonic()) > 0:
                if not deaf_to_cancel:
                    self.pause(left)
                    continue
                select.select([self.post.fd], [], [], left)
                posted = self.post.take()
                if posted and not self.policies["sleep_ignores_kill"]:
                    self._read_news(cancel=False)
        # What was not heard during the sleep is heard now.
        self.post.posted = True
        self._heard = 0.0
        self.check()

    @contextlib.contextmanager
    def waiting(self, event: str, **details: Any) -> Iterator[None]:
        """Show a wait in V$SESSION; ``details`` are columns such as ``p1`` and ``row_wait_object``.

        During a wait SQL_ID is that of the statement that waits, also of one that a block executes.
        """
        before = self._statement_shown()
        with sga.write(self.connection):
            columns = {"event": event, "waiting": 1, "wait_start": sga.now(), "wait_seq": self.row.wait_seq + 1}
            self.set(**columns, **details, **self._inner_statement())
        try:
            yield
        finally:
            self.set(waiting=0, wait_end=sga.now(), **before)

    @contextlib.contextmanager
    def executing(self, text: str, command: int) -> Iterator[None]:
        """Show this statement if it waits or takes long, also when a block executes it."""
        self._inner = text, command
        self._show_at = time.monotonic() + _SHOW_SECONDS
        try:
            yield
        finally:
            self._inner = None
            self._show_at = math.inf
            if self._shown_before is not None:
                self.set(**self._shown_before)
                self._shown_before = None

    def _show_inner(self) -> None:
        before = self._statement_shown()
        with sga.write(self.connection):
            if columns := self._inner_statement():
                self.set(**columns)
                self._shown_before = before
        self._show_at = math.inf

    def _statement_shown(self) -> dict[str, Any]:
        return {name: getattr(self.row, name) for name in ("sql_id", "sql_exec_start", "sql_exec_id", "command")}

    def _inner_statement(self) -> dict[str, Any]:
        if self._inner is None:
            return {}
        text, command = self._inner
        identifier = sql_id(text)
        if identifier == self.row.sql_id:
            return {}
        now = sga.now()
        execution = self._count_execution(identifier, text, command, now)
        return {"sql_id": identifier, "sql_exec_start": now, "sql_exec_id": execution, "command": command}

    @contextlib.contextmanager
    def uninterruptible(self) -> Iterator[None]:
        """Inside, neither kill nor cancel nor break is heard, nor SIGTERM if the policy says so."""
        blocked = [] if self.policies["hold_hears_term"] else [signal.SIGTERM]
        self.set(uninterruptible=1)
        self._deaf = True
        before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._deaf = False
            self.set(uninterruptible=0)

    def is_released(self) -> bool:
        """Whether somebody has ended the call that hears of nothing."""
        row = self.reload()
        return row is None or not row.uninterruptible


def _hash_value(identifier: str) -> int:
    """HASH_VALUE: the lower 32 bits of the number that SQL_ID is."""
    number = 0
    for character in identifier:
        number = number * 32 + "0123456789abcdfghjkmnpqrstuvwxyz".index(character)
    return number & 0xFFFFFFFF
