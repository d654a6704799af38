# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proxy has to know of a protocol: where a client's packet ends, and whether it carries a statement."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Framing(Protocol):
    """One connection's client side; the server's bytes are looked at in :meth:`heard` only."""

    # Whether the client speaks first, so that its first packet makes a round trip as well.
    client_first: bool

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """One packet of the client; IncompleteReadError at the end of the stream."""

    def heard(self, reply: bytes) -> None:
        """The server's bytes, before the client gets them."""

    def is_farewell(self, packet: bytes) -> bool:
        """Whether the client says good-bye and waits for nothing."""

    def text(self, packet: bytes) -> str | None:
        """The text that a hold or a cut looks at; None for packets without a statement."""

    def ends_request(self, packet: bytes) -> bool:
        """Whether the server starts to work on what it has been sent once it has this packet."""

    def farewell(self) -> bytes | None:
        """What makes the server end the session after the request before it; None: the end of the stream does."""


class MySql:
    """MySQL packets: 3 bytes of length, little-endian, a sequence number; of commands only COM_QUERY's text is read.

    Not for compression. Source: MySQL client/server protocol, "MySQL Packets", "COM_QUERY".
    """

    HEADER = 4
    COM_QUIT = 0x01
    COM_QUERY = 0x03

    client_first = False

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        header = await reader.readexactly(self.HEADER)
        return header + await reader.readexactly(int.from_bytes(header[:3], "little"))

    def heard(self, reply: bytes) -> None:
        pass

    def _command(self, packet: bytes) -> int:
        # Only a command has sequence number 0; a login answer may begin with any byte.
        return packet[self.HEADER] if len(packet) > self.HEADER and packet[3] == 0 else -1

    def is_farewell(self, packet: bytes) -> bool:
        return self._command(packet) == self.COM_QUIT

    def text(self, packet: bytes) -> str | None:
        if self._command(packet) != self.COM_QUERY:
            return None
        return packet[self.HEADER + 1 :].decode("utf-8", "replace")

    def ends_request(self, packet: bytes) -> bool:
        return True

    def farewell(self) -> bytes | None:
        # The server serves one command after another: it closes only when the statement before QUIT is done.
        return bytes([1, 0, 0, 0, self.COM_QUIT])


class Tns:
    """TNS packets: 8 bytes of header, with 2 bytes of length up to the server's ACCEPT and 4 after a recent one.

    The text is all of a DATA packet behind the ACCEPT, as latin-1: statements, and the values of short binds, stand in
    it in one piece. Source: python-oracledb (impl/thin/packet.pyx); see oracle/tns.py.
    """

    HEADER = 8
    ACCEPT, DATA = 2, 6
    EOF = 0x0040
    LARGE_LENGTHS = 315

    client_first = True

    def __init__(self) -> None:
        self._large = False
        self._accepted = False
        self._sdu = 0
        self._from_server = b""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        header = await reader.readexactly(self.HEADER)
        length = int.from_bytes(header[: 4 if self._large else 2], "big")
        return header + await reader.readexactly(max(0, length - self.HEADER))

    def heard(self, reply: bytes) -> None:
        if self._accepted:
            return
        self._from_server += reply
        while len(self._from_server) >= self.HEADER:
            length = int.from_bytes(self._from_server[:2], "big")
            if len(self._from_server) < length:
                return
            packet, self._from_server = self._from_server[:length], self._from_server[max(length, self.HEADER) :]
            if packet[4] == self.ACCEPT:
                self._accepted = True
                self._large = int.from_bytes(packet[8:10], "big") >= self.LARGE_LENGTHS
                self._sdu = int.from_bytes(packet[32:36] if self._large else packet[12:14], "big")
                return

    def is_farewell(self, packet: bytes) -> bool:
        return packet[4] == self.DATA and bool(int.from_bytes(packet[8:10], "big") & self.EOF)

    def text(self, packet: bytes) -> str | None:
        if not self._accepted or packet[4] != self.DATA:
            return None
        return packet[self.HEADER + 2 :].decode("latin-1")

    def ends_request(self, packet: bytes) -> bool:
        # A request does not say how long it is, but a client fills each packet before it begins another.
        return len(packet) < self._sdu

    def farewell(self) -> bytes | None:
        return None


FRAMINGS: dict[str, type[MySql] | type[Tns]] = {"mysql": MySql, "tns": Tns}
