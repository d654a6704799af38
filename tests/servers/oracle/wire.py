# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bricks of messages: integers of fixed and variable length, bytes with their length before them.

:class:`Reader` takes them from a message, :class:`Writer` puts them into one. Source of the formats: the thin driver
python-oracledb (impl/base/buffer.pyx, thin/packet.pyx), read, not copied.
"""

from __future__ import annotations

from collections.abc import Callable

UTF8_CHARSET = 873  # AL32UTF8
UTF16_CHARSET = 2000  # AL16UTF16, the national character set

# Character set form of a bind or column: none, the database's character set, the national one.
FORM_NONE, FORM_CHAR, FORM_NCHAR = 0, 1, 2

_SHORT_LENGTH = 252
_CHUNKED = 0xFE
_NULL = 0xFF
_CHUNK = 32767


class NeedMore(Exception):
    """The message goes on beyond the bytes at hand."""


class ProtocolError(Exception):
    """Bytes that this side of the protocol has no meaning for."""


class Reader:
    """Reads one message. ``more`` gives further bytes where the message is longer than ``data``.

    Without ``more``, NeedMore is raised there. A request does not say how long it is: only reading it tells.
    """

    def __init__(self, data: bytes, more: Callable[[], bytes] | None = None) -> None:
        self._data = data
        self._at = 0
        self._more = more

    @property
    def left(self) -> int:
        """Bytes at hand that have not been read."""
        return len(self._data) - self._at

    def raw(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            self._fill(count)
            end = count
        found = self._data[self._at : end]
        self._at = end
        return found

    def _fill(self, count: int) -> None:
        if self._more is None:
            raise NeedMore
        pieces = [self._data[self._at :]]
        size = len(pieces[0])
        while size < count:
            pieces.append(self._more())
            size += len(pieces[-1])
        self._data, self._at = b"".join(pieces), 0

    def u8(self) -> int:
        if self._at < len(self._data):
            self._at += 1
            return self._data[self._at - 1]
        return self.raw(1)[0]

    def peek(self) -> int:
        """The next byte, which is not taken."""
        byte = self.u8()
        self._at -= 1
        return byte

    def u16(self) -> int:
        return int.from_bytes(self.raw(2), "big")

    def u16le(self) -> int:
        return int.from_bytes(self.raw(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.raw(4), "big")

    def ub(self) -> int:
        """An unsigned integer of variable length, up to 8 bytes."""
        length = self.u8()
        if length > 8:
            raise ProtocolError(f"an unsigned integer of {length} bytes")
        return int.from_bytes(self.raw(length), "big") if length else 0

    def sb(self) -> int:
        """A signed one: the length byte carries the sign."""
        length = self.u8()
        if length & 0x7F > 8:
            raise ProtocolError(f"a signed integer of {length & 0x7F} bytes")
        value = int.from_bytes(self.raw(length & 0x7F), "big")
        return -value if length & 0x80 else value

    def clr(self) -> bytes | None:
        """Bytes with their length before them; None for NULL, which has no bytes."""
        length = self.u8()
        if length == 0 or length == _NULL:
            return None
        if length != _CHUNKED:
            return self.raw(length)
        chunks = []
        while size := self.ub():
            chunks.append(self.raw(size))
        return b"".join(chunks)

    def two(self) -> bytes | None:
        """Bytes with their length before them twice, the second one only where there are any."""
        return self.clr() if self.ub() else None

    def text(self) -> str:
        return (self.clr() or b"").decode("utf-8", "replace")


class Writer:
    """Builds one message; each method gives the writer back, so that calls can be chained."""

    def __init__(self) -> None:
        self.data = bytearray()

    def raw(self, value: bytes | bytearray) -> Writer:
        self.data += value
        return self

    def u8(self, *values: int) -> Writer:
        self.data += bytes(values)
        return self

    def u16(self, *values: int) -> Writer:
        for value in values:
            self.data += value.to_bytes(2, "big")
        return self

    def u16le(self, value: int) -> Writer:
        self.data += value.to_bytes(2, "little")
        return self

    def u32(self, *values: int) -> Writer:
        for value in values:
            self.data += value.to_bytes(4, "big")
        return self

    def ub(self, *values: int) -> Writer:
        for value in values:
            if value == 0:
                self.data.append(0)
            else:
                length = (value.bit_length() + 7) // 8
                self.data.append(length)
                self.data += value.to_bytes(length, "big")
        return self

    def sb(self, value: int) -> Writer:
        start = len(self.data)
        self.ub(abs(value))
        if value < 0:
            self.data[start] |= 0x80
        return self

    def clr(self, value: bytes | None) -> Writer:
        if not value:
            self.data.append(0)
        elif len(value) <= _SHORT_LENGTH:
            self.data.append(len(value))
            self.data += value
        else:
            self.data.append(_CHUNKED)
            for start in range(0, len(value), _CHUNK):
                chunk = value[start : start + _CHUNK]
                self.ub(len(chunk))
                self.data += chunk
            self.data.append(0)
        return self

    def two(self, value: bytes | str | None) -> Writer:
        raw = value.encode() if isinstance(value, str) else value or b""
        self.ub(len(raw))
        return self.clr(raw) if raw else self
