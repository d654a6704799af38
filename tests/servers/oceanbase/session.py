# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session: what the views show of it, its waits, its transaction."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from typing import Any

from .client import Client, Node
from .data import Transaction
from .errors import Cut, ServerError, internal, oracle

_traces = itertools.count(1)
IN_TERMINATE, ABORTED, ACTIVE = "IN_TERMINATE", "ABORTED", "ACTIVE"


class Session:
    """``id`` is that of the views, ``host`` where its connection comes from."""

    def __init__(self, client: Client, number: int, host: str) -> None:
        self.client = client
        self.observer = client.observer
        self.node: Node = client.node
        self.id = number
        self.host = host
        self.tenant = client.tenant
        self.account = client.account
        self.user = self.schema = client.account.name
        self.client_ip, self.client_port = client.ip, client.port
        self.proxy_sessid: int | None = client.proxy_sessid
        self.variables = client.variables
        self.module = self.action = self.client_info = ""
        self.info: str | None = None
        self.sql_id: str | None = None
        self.trace_id: str | None = None
        self.thread_id = 0
        self.transaction: Transaction | None = None
        # Of a killed session, whose transaction is not its own any more.
        self.ended_transaction: tuple[int, str] | None = None
        self.killed = False
        # Whether session lists have it.
        self.listed = True
        # What its statement gets that was cancelled; a session that ran nothing keeps it until its next statement.
        self.cancelled: ServerError | None = None
        # Seconds since 1970: of the present state, and of the statement.
        self.since: float = time.time()
        self.total_since: float = self.since
        self.statement_began = 0.0
        self._pause: asyncio.Future[None] | None = None
        self._interruption: Exception | None = None
        self.waits_for: Transaction | None = None

    # --- what the views show

    @property
    def key(self) -> tuple[int, int]:
        """What no other session has."""
        return self.id, self.node.number

    @property
    def running(self) -> bool:
        return self.info is not None

    @property
    def command(self) -> str:
        return "Query" if self.running else "Sleep"

    @property
    def state(self) -> str:
        if self.killed:
            return "SESSION_KILLED"
        if self.cancelled:
            return "QUERY_KILLED"
        return "ACTIVE" if self.running else "SLEEP"

    @property
    def transaction_id(self) -> int:
        if self.ended_transaction:
            return self.ended_transaction[0]
        return self.transaction.id if self.transaction else 0

    @property
    def transaction_state(self) -> str:
        if self.ended_transaction:
            return self.ended_transaction[1]
        return ACTIVE if self.transaction else ""

    @property
    def scheduled(self) -> tuple[str, float] | None:
        """The state of its transaction and when it began, as the view of transactions has them."""
        if self.transaction is None:
            return None
        state = "EXPLICIT_ACTIVE" if self.transaction.explicit else "IMPLICIT_ACTIVE"
        return self.ended_transaction[1] if self.ended_transaction else state, self.transaction.begun

    def show(self) -> None:
        if self.observer.sessions.get(self.key) is self:
            self.observer.memory.show(self)

    def changed_state(self) -> None:
        """TIME starts anew."""
        self.since = time.time()
        self.show()

    # --- statements

    def start(self, text: str) -> None:
        self.info = text
        self.cancelled = self._interruption = None
        self.statement_began = asyncio.get_running_loop().time()
        self.sql_id = hashlib.md5(text.encode()).hexdigest().upper()
        self.trace_id = f"YB427F000001-{next(_traces):016X}-0-0"
        self.thread_id = self.id & 0xFFFF
        self.total_since = time.time()
        self.changed_state()

    def finish(self) -> None:
        self.info = self.sql_id = self.trace_id = None
        self.cancelled = None
        self.thread_id = 0
        self.changed_state()

    def variable(self, name: str) -> int:
        return int(self.variables[name])

    def deadline(self) -> float:
        """When the statement has lasted too long."""
        return self.statement_began + self.variable("ob_query_timeout") / 1e6

    # --- waits

    async def sleep(self, seconds: float) -> None:
        """Wait so long; may be interrupted, by the time limit, too."""
        loop = asyncio.get_running_loop()
        until = min(loop.time() + seconds, self.deadline())
        await self._wait(until)
        if until == self.deadline():
            raise internal(self.observer.policies["query_timeout"], self.variables["ob_query_timeout"])

    async def wait_for(self, holder: Transaction, tablet: int, row: str, seconds: int | None) -> None:
        """Wait until this transaction ends; may be interrupted."""
        assert self.transaction is not None
        self._refuse_circle(holder)
        limit = self.variable("ob_trx_lock_timeout") / 1e6 if seconds is None else seconds
        until = self.deadline()
        if limit >= 0:
            until = min(until, asyncio.get_running_loop().time() + limit)
        memory = self.observer.memory
        self.waits_for = holder
        holder.waiters.append(self)
        memory.waits(self.transaction, holder, tablet, row)
        try:
            if not await self._wait(until):
                raise oracle(self.observer.policies["lock_timeout"])
        finally:
            self.stop_waiting()

    def stop_waiting(self) -> None:
        """Whatever happens to the lock now, it is not this session's matter any more."""
        holder, self.waits_for = self.waits_for, None
        if holder is not None:
            holder.waiters.remove(self)
            if self.transaction is not None:
                self.observer.memory.waits_no_more(self.transaction)

    def _refuse_circle(self, holder: Transaction) -> None:
        blocker: Transaction | None = holder
        # Who waits for one that has ended waits no more, although it may not have noticed yet.
        while blocker is not None and blocker.open:
            if blocker is self.transaction:
                raise oracle(self.observer.policies["deadlock"])
            blocker = blocker.session.waits_for

    async def _wait(self, until: float) -> bool:
        """Whether it was woken before that moment. One that was killed or cancelled is left alone until it is interrupted."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._pause = loop.create_future()
                doomed = self.killed or self.cancelled
                await asyncio.wait({self._pause}, timeout=None if doomed else max(0.0, until - loop.time()))
                if self._interruption is not None:
                    raise self._interruption
                if not (self.killed or self.cancelled):
                    return self._pause.done()
        finally:
            self._pause = None

    @property
    def waiting(self) -> bool:
        """Whether its statement waits for anything, which is when it can be interrupted."""
        return self._pause is not None

    def wake(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def interrupt(self, error: Exception) -> None:
        """Its statement, if it waits, gets this."""
        if self.waiting:
            self._interruption = error
            self.wake()

    def hang_up(self) -> None:
        """Its client has gone."""
        self.interrupt(Cut())

    # --- transactions

    @property
    def autocommit(self) -> bool:
        return self.variables["autocommit"] == "ON"

    def begin(self, explicit: bool = False) -> Transaction:
        """The transaction that is open, or a new one."""
        if self.transaction is None:
            self.transaction = self.observer.data.begin(self, explicit, time.time())
            self.show()
        return self.transaction

    def end_transaction(self, commit: bool) -> None:
        if self.transaction is not None:
            self.stop_waiting()
            transaction, self.transaction = self.transaction, None
            self.observer.data.end(transaction, commit)
            self.show()

    def context_value(self, namespace: str, name: str) -> str | None:
        """SYS_CONTEXT, as far as it is not about the user alone."""
        if namespace != "USERENV":
            return None
        found: dict[str, Any] = {
            "SID": self.id,
            "SESSIONID": self.id,
            "IP_ADDRESS": self.client_ip,
            "HOST": self.client_ip,
            "MODULE": self.module,
            "ACTION": self.action,
            "CLIENT_INFO": self.client_info,
            "INSTANCE_NAME": f"{self.node.ip}:{self.node.rpc_port}",
            "DB_NAME": self.tenant,
            "CON_NAME": self.tenant,
        }
        return str(found[name]) if found.get(name) not in (None, "") else None
