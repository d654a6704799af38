# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server behind its ports: accounts, sessions, data. All of it lives in the thread of one event loop."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..oracle.sql import Engine, install
from . import variables
from .accounts import SYS_TENANT, Account, Accounts
from .catalog import Catalog
from .client import Client, Node
from .data import Data
from .errors import DENIED, MAY_NOT_LOG_IN, NO_DRIVER, mysql, oracle
from .ids import OBSERVER_BIT, Ids
from .options import Options
from .session import Session
from .views import Memory, views

_LOOK_SECONDS = 0.01
RPC_PORT = 2882
# As the views have them: a node's by its number, a proxy's with a port of its own for each of its connections.
_NODE_IP, _PROXY_IP, _PROXY_PORTS = "127.0.0.{}", "127.0.1.1", 40000


class Observer:
    """A cluster of as many nodes as there are ``sql_ports``. ``policies`` are read whenever they are needed. The key of a
    session is its id and its node: several nodes may have sessions with one id, which is that of a client of a proxy.
    """

    def __init__(self, options: Options, password: str, sql_ports: Sequence[int]) -> None:
        self.options = options
        self.version = options.numbers
        self.policies: dict[str, Any] = options.all_policies()
        self.nodes = [
            Node(number, _NODE_IP.format(number), RPC_PORT, port) for number, port in enumerate(sql_ports, start=1)
        ]
        self.ids = Ids()
        self._proxy_connections = itertools.count(1)
        self.sessions: dict[tuple[int, int], Session] = {}
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
            raise oracle(MAY_NOT_LOG_IN, user)
        if not oracle_client and tenant != SYS_TENANT:
            raise mysql(NO_DRIVER)
        return tenant, account

    def log_in(self, client: Client) -> None:
        """Open its first session. A proxy leaves out the nodes where the client of another proxy has the same id."""
        free = (node for node in self.nodes if (client.told_id, node.number) not in self.sessions)
        client.node = next(free, client.node) if client.proxied else client.node
        client.sessions.append(self.open(client))

    def open(self, client: Client) -> Session:
        """A session of this client on the node that it is sent to now."""
        number, host = client.told_id, f"{client.ip}:{client.port}"
        if client.kind == "v1":
            number = self.ids.observer(self.taken(), client.node.number)
        if client.proxied:
            host = f"{_PROXY_IP}:{_PROXY_PORTS + next(self._proxy_connections) % 20000}"
        session = Session(client, number, host)
        if session.key in self.sessions:
            raise ValueError(f"node {client.node.number} has a session with the id {number}, of another client")
        self.sessions[session.key] = session
        session.show()
        return session

    def plan(self, number: int) -> None:
        """The next session gets this id, through a proxy with ids of version 2 if it is one of its kind."""
        of_client = self.options.proxy == "v2" and not number & OBSERVER_BIT
        (self.ids.planned_for_clients if of_client else self.ids.planned).append(number)

    def route(self, number: int, node: int) -> None:
        """What the client with this id sends next goes to the node with that number."""
        clients = {session.client for session in self.with_id(number) if session.client.kind == "v2"}
        if len(clients) != 1 or not 1 <= node <= len(self.nodes):
            raise ValueError(
                f"{len(clients)} clients of the proxy have the id {number}, the nodes are {len(self.nodes)}"
            )
        (client,) = clients
        client.node = self.nodes[node - 1]

    def with_id(self, number: int) -> list[Session]:
        """The sessions that are shown with this id, one for each node at most."""
        keys = ((number, node.number) for node in self.nodes)
        return [self.sessions[key] for key in keys if key in self.sessions]

    def forget(self, session: Session) -> None:
        """It is there no more, and what it had is rolled back."""
        if self.sessions.get(session.key) is session:
            session.end_transaction(commit=False)
            del self.sessions[session.key]
            self.memory.hide(session)

    def hang_up(self, client: Client) -> None:
        """Its connection is gone. What was killed goes when its time has come."""
        for session in client.sessions:
            if not session.killed:
                self.forget(session)

    def taken(self) -> set[int]:
        """The ids of sessions, and those that clients were told at login."""
        return {number for session in self.sessions.values() for number in (session.id, session.client.told_id)}

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
