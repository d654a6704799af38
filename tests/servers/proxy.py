# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loopback TCP proxy in front of a database server: latency, held statements, cut connections, counters.

It reads the client's side of the protocol, MySQL's or Oracle's, only as far as framing.py does: the packet header and
the text of statements. Not for TLS, which the servers here do not offer.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from .framing import FRAMINGS, Framing
from .seekdb import LOOPBACK, free_port

CHUNK = 65536
LOOP_SECONDS = 10.0

_T = TypeVar("_T")
_NO_STATEMENT_TEXT = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*` | /\*.*?\*/ | (?:--[ \t]|\#)[^\n]*""", re.VERBOSE | re.DOTALL
)


def count_statements(text: str) -> int:
    """How many statements a COM_QUERY text holds: the parts between semicolons, outside strings and comments."""
    return sum(1 for part in _NO_STATEMENT_TEXT.sub("x", text).split(";") if part.strip())


class _Watch:
    """Waits for one client packet whose text (see framing.py) satisfies ``predicate``."""

    def __init__(self, proxy: Proxy, predicate: Callable[[str], bool]) -> None:
        self._proxy = proxy
        self._predicate = predicate
        self._text = ""
        self._error: BaseException | None = None
        self._happened = threading.Event()

    @property
    def text(self) -> str:
        """The statement text; empty before it came."""
        return self._text

    def wait(self, timeout: float = 10.0) -> str:
        """Block until it happened and return the statement text; TimeoutError after ``timeout`` seconds.

        An exception of the predicate is raised here.
        """
        if not self._happened.wait(timeout):
            raise TimeoutError(f"no such statement came through the proxy within {timeout} s")
        if self._error is not None:
            raise self._error
        return self._text

    def _matches(self, text: str) -> bool:
        try:
            return self._predicate(text)
        except Exception as error:
            self._error = error
            self._happened.set()
            return False


class Hold(_Watch):
    """One statement, held before it goes upstream. Leaving it as a context manager releases it."""

    def __init__(self, proxy: Proxy, predicate: Callable[[str], bool]) -> None:
        super().__init__(proxy, predicate)
        self._link: _Link | None = None
        self._go = asyncio.Event()

    def release(self) -> None:
        """Let the statement go upstream. When none was caught yet, catch none any more."""
        self._proxy._call(self._release())

    def drop(self) -> None:
        """Close the connection of the held statement, on both sides, without forwarding the statement."""
        self._proxy._call(self._drop())

    async def _release(self) -> None:
        if self in self._proxy._holds:
            self._proxy._holds.remove(self)
        self._go.set()

    async def _drop(self) -> None:
        if self._link is None:
            raise RuntimeError("nothing is held yet")
        self._link.cut()

    async def _keep(self, link: _Link, text: str) -> None:
        self._link, self._text = link, text
        self._happened.set()
        await self._go.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class CutAfter(_Watch):
    """One statement that the server runs to its end and whose client never hears of it.

    :meth:`wait` returns when the server has finished, its session has ended and the client is cut off.
    """


class _Link:
    """One client connection with its upstream connection."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.cutting: CutAfter | None = None
        self._framing: Framing = FRAMINGS[proxy.protocol]()
        self._heard_server = self._framing.client_first
        self._parted = False

    def cut(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()

    async def run(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        """Pass bytes both ways until the server's side has ended."""
        upstream = asyncio.create_task(self._upstream(from_client))
        try:
            await self._pass_on(from_server, lambda reader: reader.read(CHUNK), self._send_reply)
            self.client.close()
            await self.client.wait_closed()
        except OSError:
            pass  # The client is gone.
        finally:
            upstream.cancel()
            self.cut()
            if self.cutting is not None:
                self.cutting._happened.set()

    async def _upstream(self, from_client: asyncio.StreamReader) -> None:
        try:
            await self._pass_on(from_client, self._read_packet, self._send_packet)
            self.server.write_eof()
        except OSError:
            self.cut()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        read: Callable[[asyncio.StreamReader], Coroutine[Any, Any, bytes]],
        send: Callable[[bytes], Coroutine[Any, Any, None]],
    ) -> None:
        """Send each piece ``delay`` after it came; reading goes on meanwhile, so throughput is not limited."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def fill() -> None:
            piece = b"unread"
            while piece:
                try:
                    piece = await read(reader)
                except OSError:  # A reset ends the stream as a close does.
                    piece = b""
                pieces.put_nowait((time.monotonic() + self.proxy.delay, piece))

        filler = asyncio.create_task(fill())
        try:
            while True:
                due, piece = await pieces.get()
                if (left := due - time.monotonic()) > 0:
                    await asyncio.sleep(left)
                if not piece:
                    return
                await send(piece)
        finally:
            filler.cancel()

    async def _read_packet(self, reader: asyncio.StreamReader) -> bytes:
        try:
            packet = await self._framing.read(reader)
        except asyncio.IncompleteReadError:
            return b""
        if self._heard_server and not self._framing.is_farewell(packet):
            self._heard_server = False
            self.proxy.round_trips += 1
        return packet

    async def _send_packet(self, packet: bytes) -> None:
        if self._parted:
            return  # The client is being cut off: neither its break nor its good-bye is to stop the statement.
        text = self._framing.text(packet)
        if text is not None and self.cutting is None:
            self.proxy._count(text)
            hold = self.proxy._take(self.proxy._holds, text)
            if hold is not None:
                await hold._keep(self, text)
            self.cutting = self.proxy._take(self.proxy._cuts, text)
            if self.cutting is not None:
                self.cutting._text = text
        self.server.write(packet)
        if self.cutting is not None and self._framing.ends_request(packet):
            self._parted = True
            farewell = self._framing.farewell()
            if farewell is None:
                self.server.write_eof()
            else:
                self.server.write(farewell)
        await self.server.drain()

    async def _send_reply(self, reply: bytes) -> None:
        self._framing.heard(reply)
        if self.cutting is None:
            self._heard_server = True
            self.client.write(reply)
            await self.client.drain()


class Proxy:
    """A proxy on a free loopback port; a context manager that closes every connection on leaving.

    ``delay``: seconds added in each direction, so that a round trip takes twice as long. May be set at any time.
    ``record``: keep the texts in ``queries``. ``protocol``: ``mysql``, whose texts are those of COM_QUERY, or ``tns``,
    whose texts are a client's DATA packets as latin-1, also those of its login.

    Counters: ``round_trips`` (turns in which a client spoke after it had heard the server; logging in has its own,
    a good-bye has none because nobody waits for it), ``statements`` (see :func:`count_statements`; of ``mysql`` only,
    as a DATA packet is more than a statement), ``connections`` (accepted so far).

    A listener that redirects a TNS client leads it past the proxy: the address goes through as it is.
    """

    host = LOOPBACK

    def __init__(
        self,
        upstream_host: str,
        upstream_port: int,
        delay: float = 0.0,
        record: bool = False,
        protocol: Literal["mysql", "tns"] = "mysql",
    ) -> None:
        self.upstream_host = upstream_host
        self.upstream_port = upstream_port
        self.delay = delay
        self.record = record
        self.protocol = protocol
        self.port = 0
        self.reset_counters()
        self._holds: list[Hold] = []
        self._cuts: list[CutAfter] = []
        self._links: set[_Link] = set()
        self._refuse_new = False

    def reset_counters(self) -> None:
        self.round_trips = 0
        self.statements = 0
        self.connections = 0
        self.queries: list[str] = []

    @property
    def dsn(self) -> str:
        return f"{self.host}:{self.port}"

    def hold(self, predicate: Callable[[str], bool]) -> Hold:
        """Hold the next statement that satisfies ``predicate``, and what its client sends after it."""
        return self._call(self._watch(self._holds, Hold(self, predicate)))

    def cut_after(self, predicate: Callable[[str], bool]) -> CutAfter:
        """Let the server run the next statement that satisfies ``predicate``, then cut its client off unanswered."""
        return self._call(self._watch(self._cuts, CutAfter(self, predicate)))

    def cut(self) -> None:
        """Close all current connections, on both sides. What is held is not forwarded."""
        self._call(self._cut())

    @property
    def refuse_new(self) -> bool:
        """While true, new connections are refused (ECONNREFUSED); current ones go on."""
        return self._refuse_new

    @refuse_new.setter
    def refuse_new(self, refuse: bool) -> None:
        if refuse != self._refuse_new:
            self._call(self._close_door() if refuse else self._open_door())
            self._refuse_new = refuse

    def start(self) -> Proxy:
        # Bound to a port given by number: only then does the kernel keep the port while refuse_new stops listening.
        self.port = free_port()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self.host, self.port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {self.dsn}", daemon=True)
        self._thread.start()
        self._call(self._open_door())
        return self

    def stop(self) -> None:
        self._call(self._shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LOOP_SECONDS)
        self._loop.close()
        self._socket.close()

    def _call(self, action: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(action, self._loop).result(LOOP_SECONDS)

    async def _watch(self, watches: list[Any], watch: _T) -> _T:
        watches.append(watch)
        return watch

    def _take(self, watches: list[Any], text: str) -> Any:
        for watch in watches:
            if watch._matches(text):
                watches.remove(watch)
                return watch
        return None

    def _count(self, text: str) -> None:
        if self.protocol == "mysql":
            self.statements += count_statements(text)
        if self.record:
            self.queries.append(text)

    async def _open_door(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._socket.dup(), backlog=1024)

    async def _close_door(self) -> None:
        self._server.close()
        self._socket.shutdown(socket.SHUT_RDWR)

    async def _cut(self) -> None:
        for link in self._links:
            link.cut()

    async def _shut_down(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            from_server, server = await asyncio.open_connection(self.upstream_host, self.upstream_port)
        except OSError:
            client.transport.abort()
            return
        for writer in (client, server):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(self, client, server)
        self._links.add(link)
        try:
            await link.run(from_client, from_server)
        except asyncio.CancelledError:
            pass  # The proxy is being stopped; asyncio's own callback would log the cancellation as an error.
        finally:
            self._links.discard(link)

    def __enter__(self) -> Proxy:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class SilentServer:
    """Accepts TCP connections and never sends a byte, as a hung host or a wrong port does."""

    host = LOOPBACK

    def __init__(self) -> None:
        # The kernel completes the handshake of a listening socket by itself; nobody ever calls accept().
        self._socket = socket.create_server((self.host, 0), backlog=1024)
        self.port = int(self._socket.getsockname()[1])

    @property
    def dsn(self) -> str:
        return f"{self.host}:{self.port}"

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> SilentServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
