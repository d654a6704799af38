# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TNS packets over a socket, and the CONNECT packet's descriptor.

A packet has a header of 8 bytes: length, type, flags. The length is 2 bytes wide up to the server's ACCEPT and 4 bytes
after an ACCEPT of version 315 or later. Source: python-oracledb (impl/thin/packet.pyx, messages/connect.pyx), read, not
copied.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from .wire import ProtocolError, Reader, Writer

HEADER = 8
DATA_HEADER = 2  # the data flags
LARGE_LENGTHS = 315  # the protocol version since which lengths have 4 bytes
FLAGS2 = 318  # the one since which ACCEPT carries a second word of flags
PACKET_REDIRECTED = 0x04  # on the CONNECT of a client that comes from a REDIRECT
_PACKET_HAS_DESCRIPTOR = 0x02  # on a REDIRECT: behind the address stands what to present there (node-oracledb)

EOF = 0x0040
END_OF_REQUEST = 0x0800
BEGIN_PIPELINE = 0x1000
END_OF_RESPONSE = 0x2000

_RECEIVE = 65536
_DESCRIPTOR_OFFSET = 74
_CONNECT_DATA_INLINE = 230  # a longer descriptor follows in a DATA packet of its own


class Kind(IntEnum):
    CONNECT = 1
    ACCEPT = 2
    REFUSE = 4
    REDIRECT = 5
    DATA = 6
    MARKER = 12


class Marker(IntEnum):
    BREAK = 1
    RESET = 2
    INTERRUPT = 3


class ClientGone(ConnectionError):
    """The client has closed the connection, or it broke, in the middle of something."""


class Woken(Exception):
    """The caller's own descriptor became readable while the channel was waiting."""


@dataclass(frozen=True)
class Packet:
    kind: int
    flags: int
    body: bytes

    @property
    def data_flags(self) -> int:
        return int.from_bytes(self.body[:DATA_HEADER], "big")

    @property
    def data(self) -> bytes:
        return self.body[DATA_HEADER:]

    @property
    def marker(self) -> int:
        """1, 2 or 3 of a MARKER packet, 0 for other packets."""
        return self.body[2] if self.kind == Kind.MARKER and len(self.body) == 3 else 0


class Packets:
    """Packets to and from one client, over a connected blocking socket.

    ``large`` says how wide lengths are, ``sdu`` how long a packet that is sent may be.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.large = False
        self.sdu = 8192
        self.gone = False
        self._bytes = bytearray()
        self._queue: deque[Packet] = deque()

    def receive(self, wake_fd: int | None = None) -> Packet | None:
        """The next packet, None when the client has closed. Woken when ``wake_fd`` becomes readable first."""
        while not self._queue:
            if self.gone:
                return None
            self._wait(None, wake_fd)
            self._read()
        return self._queue.popleft()

    def take_break(self, timeout: float = 0.0, wake_fd: int | None = None) -> bool:
        """Whether the client has sent a BREAK or INTERRUPT, within ``timeout`` seconds; takes it out of the queue.

        All other packets stay: with pipelining the next requests are here already. A client that has gone does not
        end the wait: a server does not notice that before it writes.
        """
        end = time.monotonic() + timeout
        while True:
            for packet in self._queue:
                if packet.marker in (Marker.BREAK, Marker.INTERRUPT):
                    self._queue.remove(packet)
                    return True
            if not self._wait(max(0.0, end - time.monotonic()), wake_fd):
                return False
            self._read()

    def _wait(self, timeout: float | None, wake_fd: int | None) -> bool:
        """Wait until the socket can be read; False when the time is over."""
        poll = select.poll()
        if not self.gone:
            poll.register(self.sock, select.POLLIN)
        if wake_fd is not None:
            poll.register(wake_fd, select.POLLIN)
        ready = [fd for fd, _event in poll.poll(None if timeout is None else timeout * 1000)]
        if wake_fd is not None and wake_fd in ready:
            raise Woken
        return bool(ready)

    def _read(self) -> None:
        try:
            received = self.sock.recv(_RECEIVE)
        except OSError:
            received = b""
        if not received:
            self.gone = True
            return
        self._bytes += received
        while (packet := self._cut()) is not None:
            self._queue.append(packet)

    def _cut(self) -> Packet | None:
        if len(self._bytes) < HEADER:
            return None
        length = int.from_bytes(self._bytes[: 4 if self.large else 2], "big")
        if length < HEADER:
            raise ProtocolError(f"a packet of {length} bytes")
        if len(self._bytes) < length:
            return None
        packet = Packet(self._bytes[4], self._bytes[5], bytes(self._bytes[HEADER:length]))
        del self._bytes[:length]
        return packet

    def send(self, kind: int, body: bytes | bytearray, flags: int = 0) -> None:
        """ClientGone where the connection does not take it."""
        length = HEADER + len(body)
        head = length.to_bytes(4, "big") if self.large else length.to_bytes(2, "big") + bytes(2)
        self._write(head + bytes((kind, flags, 0, 0)) + body)

    def send_data(self, message: bytes | bytearray, last_flags: int = 0) -> None:
        """A message as DATA packets; ``last_flags`` are the data flags of the last one."""
        room = self.sdu - HEADER - DATA_HEADER
        stream = bytearray()
        for start in range(0, max(len(message), 1), room):
            piece = message[start : start + room]
            flags = last_flags if start + room >= len(message) else 0
            length = HEADER + DATA_HEADER + len(piece)
            stream += length.to_bytes(4, "big") if self.large else length.to_bytes(2, "big") + bytes(2)
            stream += bytes((Kind.DATA, 0, 0, 0)) + flags.to_bytes(2, "big") + piece
        self._write(stream)

    def _write(self, stream: bytes | bytearray) -> None:
        try:
            self.sock.sendall(stream)
        except OSError as error:
            self.gone = True
            raise ClientGone("the client has gone") from error

    def send_marker(self, kind: Marker) -> None:
        self.send(Kind.MARKER, bytes((1, 0, kind)))

    def close(self, linger: float = 0.0) -> None:
        """Close for every process that has the socket.

        With ``linger``, wait up to so many seconds for the client to close: closing over bytes that nobody has read
        makes TCP reset the connection, and a reset can overtake what was sent last.
        """
        try:
            if linger > 0 and not self.gone:
                self.sock.shutdown(socket.SHUT_WR)
                self.sock.settimeout(linger)
                while self.sock.recv(_RECEIVE):
                    pass
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # Closed by the other side.
        self.sock.close()
        self.gone = True


Tree = list[tuple[str, "str | Tree"]]

_NAME = re.compile(r"\s*\(\s*([^()=]+?)\s*=")
_VALUE = re.compile(r"\s*([^()]*?)\s*(?=[()]|$)")
_CLOSE = re.compile(r"\s*\)")


def parse_descriptor(text: str) -> Tree:
    """``(A=(B=c)(D=e))`` as ``[("A", [("B", "c"), ("D", "e")])]``, names in upper case. ProtocolError otherwise."""
    tree, at = _parse_list(text, 0)
    if not tree or text[at:].strip():
        raise ProtocolError(f"not a connect descriptor: {text!r}")
    return tree


def _parse_list(text: str, at: int) -> tuple[Tree, int]:
    items: Tree = []
    while (name := _NAME.match(text, at)) is not None:
        value: str | Tree
        value, at = _parse_list(text, name.end())
        if not value:
            word = _VALUE.match(text, at)
            assert word is not None
            value, at = word[1], word.end()
        close = _CLOSE.match(text, at)
        if close is None:
            raise ProtocolError(f"not a connect descriptor: {text!r}")
        items.append((name[1].upper(), value))
        at = close.end()
    return items, at


def find(tree: Tree, *path: str) -> str:
    """The text at ``path``, such as ``find(tree, "CONNECT_DATA", "CID", "USER")``, wherever the path starts; or ''."""
    for name, value in tree:
        if name == path[0]:
            if len(path) == 1:
                return value if isinstance(value, str) else ""
            found = find(value, *path[1:]) if isinstance(value, list) else ""
        else:
            found = find(value, *path) if isinstance(value, list) else ""
        if found:
            return found
    return ""


@dataclass(frozen=True)
class ConnectRequest:
    """What a client asks a listener for. Texts are empty where the descriptor does not have them."""

    descriptor: str
    service_name: str
    sid: str
    instance_name: str
    server: str  # DEDICATED, SHARED or POOLED
    program: str
    host: str
    user: str
    version: int
    sdu: int
    redirected: bool


def read_connect(packets: Packets) -> ConnectRequest:
    """ClientGone when it closes instead, ProtocolError for anything else than a CONNECT packet."""
    packet = packets.receive()
    if packet is None:
        raise ClientGone("the client has gone")
    if packet.kind != Kind.CONNECT:
        raise ProtocolError(f"a packet of type {packet.kind} where CONNECT was due")
    reader = Reader(packet.body)
    version = reader.u16()
    reader.raw(4)  # the oldest version it takes, options
    small_sdu = reader.u16()
    reader.raw(8)  # transport data unit, characteristics, line turnaround, a 1
    length = reader.u16()
    offset = reader.u16()
    sdu = int.from_bytes(packet.body[50:54], "big") if offset >= _DESCRIPTOR_OFFSET else 0
    raw = packet.body[offset - HEADER : offset - HEADER + length]
    if length > _CONNECT_DATA_INLINE and len(raw) < length:
        packet_with_data = packets.receive()
        if packet_with_data is None:
            raise ClientGone("the client has gone")
        raw = packet_with_data.data
    text = raw.decode("utf-8", "replace")
    tree = parse_descriptor(text)
    return ConnectRequest(
        descriptor=text,
        service_name=find(tree, "CONNECT_DATA", "SERVICE_NAME"),
        sid=find(tree, "CONNECT_DATA", "SID"),
        instance_name=find(tree, "CONNECT_DATA", "INSTANCE_NAME"),
        server=find(tree, "CONNECT_DATA", "SERVER").upper() or "DEDICATED",
        program=find(tree, "CONNECT_DATA", "CID", "PROGRAM"),
        host=find(tree, "CONNECT_DATA", "CID", "HOST"),
        user=find(tree, "CONNECT_DATA", "CID", "USER"),
        version=version,
        sdu=sdu or small_sdu,
        redirected=bool(packet.flags & PACKET_REDIRECTED),
    )


def accept(packets: Packets, version: int, sdu: int, flags2: int) -> None:
    """Take the connection. From here on, lengths are as wide as ``version`` has them."""
    body = Writer().u16(version, 0, min(sdu, 65535), min(sdu, 65535), 1, 0, 45).u8(4, 4).raw(bytes(8))
    body.u32(sdu, sdu).u8(0).u32(flags2 if version >= FLAGS2 else 0)
    packets.send(Kind.ACCEPT, body.data)
    packets.sdu = sdu
    packets.large = version >= LARGE_LENGTHS


def refuse(packets: Packets, number: int) -> None:
    text = f"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR={number})(ERROR_STACK=(ERROR=(CODE={number})(EMFI=4))))"
    packets.send(Kind.REFUSE, Writer().u8(4, 4).u16(len(text)).raw(text.encode()).data)


def redirect(packets: Packets, address: str, descriptor: str) -> None:
    """Send the client to ``address`` with the descriptor that it is to present there."""
    target = f"{address}\0{descriptor}".encode()
    packets.send(Kind.REDIRECT, Writer().u16(len(target)).data, _PACKET_HAS_DESCRIPTOR)
    packets.send_data(target)
