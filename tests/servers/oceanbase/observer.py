# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server behind its ports: accounts, sessions, data. All of it lives in the thread of one event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from ..oracle.sql import Engine, install
from . import variables
from .accounts import SYS_TENANT, Account, Accounts
from .catalog import Catalog
from .data import Data
from .errors import DENIED, NO_DRIVER, ServerError, mysql
from .ids import Ids
from .options import Options
from .session import Node, Session, Way
from .views import Memory, views

_LOOK_SECONDS = 0.01
RPC_PORT = 2882


class Observer:
    """``policies`` are read whenever they are needed."""

    def __init__(self, options: Options, password: str, ip: str, sql_port: int) -> None:
        self.options = options
        self.version = options.numbers
        self.policies: dict[str, Any] = options.all_policies()
        self.node = Node(ip, RPC_PORT, sql_port)
        self.ids = Ids()
        self.sessions: dict[int, Session] = {}
        self.accounts = Accounts(options.every_tenant(), password)
        self.variables = variables.defaults(options.version, options.query_timeout)
        connection = sqlite3.connect(":memory:", isolation_level=None)
        install(connection)
        self.memory = Memory(connection)
        self.data = Data(connection, self.memory)
        self.catalog = Catalog(self.data, self.accounts, views(self.version), options.version)
        self.engine = Engine(connection, self.catalog)
        self._later: set[asyncio.Task[None]] = set()

    # --- sessions

    def account_of(self, login: str, scramble: bytes, nonce: bytes, oracle_client: bool) -> tuple[str, Account]:
        """The tenant and the account of a login; the error that the client gets. The driver is looked at last."""
        user, tenant = names_of(login)
        account = self.accounts.find(tenant, user)
        if account is None or not account.logs_in_with(scramble, nonce):
            raise mysql(DENIED, user, "YES" if scramble else "NO")
        if not account.has("CREATE SESSION"):
            message = f"user {user} lacks CREATE SESSION privilege; logon denied"
            raise ServerError(DENIED, message)
        if not oracle_client and tenant != SYS_TENANT:
            raise mysql(NO_DRIVER)
        return tenant, account

    def add(self, tenant: str, account: Account, way: Way, end: Callable[[], None]) -> Session:
        number = self.ids.observer(self.sessions) if way.kind == "v1" else way.handshake_id
        session = Session(self, number, tenant, account, way, end)
        self.sessions[number] = session
        session.show()
        return session

    def forget(self, session: Session) -> None:
        """It is there no more, and what it had is rolled back."""
        if self.sessions.get(session.id) is session:
            session.end_transaction(commit=False)
            del self.sessions[session.id]
            self.memory.hide(session)

    def hang_up(self, session: Session) -> None:
        """Its connection is gone. What was killed goes when its time has come."""
        if not session.killed:
            self.forget(session)

    def taken_by_clients(self) -> set[int]:
        """The ids that clients were told at login."""
        return {session.way.handshake_id for session in self.sessions.values()}

    def shows_everybody(self, session: Session) -> bool:
        """Whether it sees the sessions of other users."""
        return self.policies["listing"] == "everybody" or session.account.has("SHOW PROCESS")

    def elapsed(self, session: Session) -> int:
        """TIME as SHOW PROCESSLIST has it."""
        return int(max(0.0, time.time() - session.since))

    # --- later

    def after(self, policy: str, act: Callable[[], None]) -> None:
        """Do this once so much time has passed as the policy says, which may change meanwhile."""
        if not self.policies[policy]:
            act()
            return
        task = asyncio.get_running_loop().create_task(self._after(policy, act))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _after(self, policy: str, act: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < self.policies[policy]:
            await asyncio.sleep(_LOOK_SECONDS)
        act()

    async def close(self) -> None:
        """Give up what was to happen later, and interrupt whatever waits."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        for session in self.sessions.values():
            session.hang_up()


def names_of(login: str) -> tuple[str, str]:
    """User and tenant of ``user@tenant#cluster`` or ``cluster:tenant:user``. Unless quoted, a user is in upper case."""
    name, _hash, _cluster = login.partition("#")
    if name.count(":") == 2 and "@" not in name:
        _cluster, tenant, user = name.split(":")
    else:
        user, _at, tenant = name.rpartition("@")
        if not _at:
            user, tenant = tenant, SYS_TENANT
    quoted = len(user) > 2 and user[0] == user[-1] == '"'
    return user[1:-1] if quoted else user.upper(), tenant
