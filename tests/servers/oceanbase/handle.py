# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private stand-in for tests and demo: started, asked, changed and stopped from a program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

import pymysql
from pymysql.connections import Connection

from . import policy
from .accounts import ADMINISTRATOR, SYS, SYS_TENANT
from .observer import Observer
from .options import LOOPBACK, Options
from .wire import ClientConnection, Reader

Found = TypeVar("Found")
# The capability bit by which a client says that it can talk to a tenant in Oracle mode.
ORACLE_CLIENT = 1 << 27
_START_SECONDS = 10.0
# Every error that a client gets is one to it.
logging.getLogger("mysql_mimic").setLevel(logging.CRITICAL)


class OceanBaseServer:
    """Observers on free loopback ports, one unless ``nodes`` says more, and a proxy on another one where ``proxy`` is v1 or
    v2.

    Use it as a context manager. ``options`` are those of :class:`~servers.oceanbase.options.Options`; any other keyword is a
    policy of policy.py with its value. It runs in a thread of this process.
    """

    host = LOOPBACK
    password = "Tr0ub4dor_3"

    def __init__(self, **options: Any) -> None:
        policies = {name: options.pop(name) for name in list(options) if name in policy.POLICIES}
        self.options = Options(**{**options, "policies": options.get("policies", {}) | policies})
        self.port = 0
        # Of the observers, by node.
        self.direct_ports: list[int] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._observer: Observer | None = None
        self._stop: asyncio.Event | None = None

    # --- where it is

    @property
    def tenant(self) -> str:
        return self.options.tenant

    @property
    def dsn(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def direct_port(self) -> int:
        """That of the first observer."""
        return self.direct_ports[0]

    @property
    def direct_dsn(self) -> str:
        """The observer itself, where there is a proxy in front."""
        return f"{self.host}:{self.direct_port}"

    # --- start and stop

    def start(self) -> Self:
        """Start it and return once it listens."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="oceanbase", daemon=True)
        self._thread.start()
        ready.result(_START_SECONDS)
        return self

    def stop(self) -> None:
        """End it, sessions included. Does nothing when it does not run."""
        thread, self._thread = self._thread, None
        if thread is not None:
            assert self._loop is not None and self._stop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, ready: Future[None]) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        clients: dict[asyncio.Task[None], ClientConnection] = {}

        def door(kind: str, node: int = 1) -> Callable[[], asyncio.Protocol]:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None and isinstance(reader, Reader) and self._observer is not None
                clients[task] = client = ClientConnection(self._observer, kind, node, reader, writer)
                task.add_done_callback(clients.pop)
                try:
                    await client.serve()
                except Exception:
                    # Nobody else would hear of it.
                    traceback.print_exc()

            return lambda: asyncio.StreamReaderProtocol(Reader(loop), serve, loop=loop)

        async with contextlib.AsyncExitStack() as stack:

            async def listen(protocol: Callable[[], asyncio.Protocol]) -> int:
                listener = await loop.create_server(protocol, self.host, 0, backlog=1000)
                await stack.enter_async_context(listener)
                port: int = listener.sockets[0].getsockname()[1]
                return port

            self.direct_ports = [await listen(door("direct", node + 1)) for node in range(self.options.nodes)]
            proxy = self.options.proxy
            self.port = await listen(door(proxy)) if proxy else self.direct_port
            self._observer = Observer(self.options, self.password, self.direct_ports)
            ready.set_result(None)
            await self._stop.wait()
            assert self._observer is not None
            await self._observer.close()
            for client in clients.values():
                client.abort()
            await asyncio.gather(*clients)

    def _call(self, act: Callable[[Observer], Found]) -> Found:
        """Do this in the server's thread."""
        if self._thread is None or self._loop is None or self._observer is None:
            raise RuntimeError("the stand-in is not running")
        observer = self._observer

        async def run() -> Found:
            return act(observer)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_START_SECONDS)

    # --- clients

    def connect(
        self, user: str = SYS, password: str | None = None, tenant: str | None = None, **options: Any
    ) -> Connection[Any]:
        """A new PyMySQL connection, autocommit on, SYS unless told otherwise. ``options`` are PyMySQL's own; ``port`` may
        be ``direct_port``. An administrator of all tenants is ``user="ROOT", tenant="sys"``.

        TLS is off because setting it up costs 35 ms per login, which counts with many sessions.
        """
        settings: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "ssl_disabled": True,
            "autocommit": True,
            "client_flag": ORACLE_CLIENT,
        }
        login = {
            "user": user if "@" in user or ":" in user else f"{user}@{tenant or self.tenant}",
            "password": self.password if password is None else password,
        }
        return pymysql.connect(**(settings | login | options))

    def sql(self, statement: str, args: Sequence[Any] | None = None) -> tuple[tuple[Any, ...], ...]:
        """Run one statement as SYS on a connection of its own, to the observer itself, and return its rows."""
        with self.connect(port=self.direct_port) as connection, connection.cursor() as cursor:
            cursor.execute(statement, args)
            return tuple(cursor.fetchall())

    def create_user(
        self, name: str, password: str, grants: Iterable[str] = ("CREATE SESSION",), tenant: str | None = None
    ) -> None:
        """Create an account. Each grant is what stands between GRANT and TO: ``"SELECT ON SYS.GV$OB_PROCESSLIST"``."""
        administrator = ADMINISTRATOR if tenant == SYS_TENANT else SYS
        login: dict[str, Any] = {"user": administrator, "port": self.direct_port, "tenant": tenant}
        with self.connect(**login) as connection, connection.cursor() as cursor:
            cursor.execute(f'CREATE USER {name} IDENTIFIED BY "{password}"')
            for grant in grants:
                cursor.execute(f"GRANT {grant} TO {name}")

    # --- what is to happen

    def next_session_id(self, number: int) -> None:
        """The next login to an observer gets this id; called twice, the next two logins get the two. Where there is a proxy
        with ids of version 2, an id below 2**31 goes to its next client; if another client has it, the login goes to the next
        node, as if there were two proxies with one number.
        """
        self._call(lambda observer: observer.plan(number))

    def route(self, client_id: int, node: int) -> None:
        """What the client with this id sends next the proxy, with ids of version 2, sends to this node (1, 2, ...), once no
        transaction is open on the node before.
        """
        self._call(lambda observer: observer.route(client_id, node))

    def set_policy(self, name: str, value: Any) -> None:
        """Change a row of policy.py while the server runs."""
        checked = policy.checked(name, value)
        self._call(lambda observer: observer.policies.update({name: checked}))

    @contextlib.contextmanager
    def policies(self, **values: Any) -> Iterator[None]:
        """``with server.policies(name=value): ...``: rows of policy.py are others meanwhile."""
        before = self._call(lambda observer: {name: observer.policies[name] for name in values})
        for name, value in values.items():
            self.set_policy(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                self.set_policy(name, value)
