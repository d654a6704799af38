# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of a connection, with a client that is a pair of hands: what a driver does not do at will."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from servers.oracle import tns
from servers.oracle.errors import OracleError
from servers.oracle.request_reader import RequestReader, statement_kind
from servers.oracle.requests import (
    OUT,
    ApplicationContext,
    CloseCursors,
    Commit,
    CurrentSchema,
    EndToEnd,
    Execute,
    Fetch,
    Ping,
    SessionState,
    Unknown,
)
from servers.oracle.tns import Marker, Packets
from servers.oracle.ttc import Channel, ProtocolError, Settings, Woken
from servers.oracle.values import Column, Type
from servers.oracle.wire import Reader, Writer

PING = bytes([3, 147, 1])
V12_1 = Settings(field_version=7)


def execute(sql: str, cursor_id: int = 0, options: int = 0x8021, executions: int = 1, fetch: int = 0) -> Writer:
    """An execution of a statement without binds, as a client of 12.1 writes it."""
    out = Writer().u8(3, 94, 1).ub(options, cursor_id).u8(1).ub(len(sql)).u8(1).ub(13).u8(0, 0).ub(0, fetch, 1000)
    out.u8(0).ub(0).u8(0, 0, 0, 0, 0, 0).ub(0, 0).u8(0, 1, 0).ub(0).u8(0).ub(0, 0).u8(0).ub(0).u8(0)
    if sql:
        out.clr(sql.encode())
    return out.ub(1, executions, *[0] * 11)


def read(message: bytes | Writer, field_version: int = 7, reader: RequestReader | None = None) -> object:
    data = bytes(message.data) if isinstance(message, Writer) else message
    return (reader or RequestReader(field_version, 32767)).read(Reader(data))


@pytest.fixture
def client() -> Iterator[tuple[Packets, Channel]]:
    one, other = socket.socketpair()
    with one, other:
        yield Packets(one), Channel(other, V12_1)


def error_number(reply: tns.Packet | None) -> int:
    assert reply is not None
    reader = Reader(reply.data)
    assert reader.u8() == 4
    return [reader.ub() for _unused in range(4)][3]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", "SELECT"),
        (" /* x */ ((with a as", "WITH"),
        ("-- c\nBegin null; end;", "BEGIN"),
        ("", ""),
        ("'x", ""),
        ("12", ""),
    ],
)
def test_statement_kind(sql: str, kind: str) -> None:
    assert statement_kind(sql) == kind


def test_calls_without_arguments() -> None:
    assert read(PING) == Ping()
    assert read(bytes([3, 14, 2])) == Commit()
    assert read(bytes([3, 14, 2, 2, 1, 0]), 18) == Commit(token=256)
    assert read(Writer().u8(3, 5, 1).ub(7, 100)) == Fetch(7, 100)


def test_piggybacks() -> None:
    message = Writer()
    message.u8(17, 105, 1, 1).ub(2, 5, 300)
    message.u8(17, 152, 2, 1).two("APP")
    message.u8(17, 176, 3).ub(65)
    message.u8(17, 154, 4, 1).ub(4).u8(1).ub(2, 0x21).u8(0).clr(b"SHOP")
    message.two("a").two("1").ub(0).two("b").two(None).ub(0)
    message.u8(17, 135, 5, 0, 0).ub(0x1E).u8(0).ub(0).u8(1).ub(2).u8(1).ub(0)
    message.u8(0).ub(0).u8(0).ub(0).u8(1).ub(0).u8(0).ub(0).u8(0).ub(0).u8(0).ub(0)
    message.clr(b"me").clr(b"")
    found = read(message.raw(PING))
    assert isinstance(found, Ping)
    assert found.before == [
        CloseCursors((5, 300)),
        CurrentSchema("APP"),
        SessionState(65),
        ApplicationContext("SHOP", {"a": "1", "b": ""}),
        EndToEnd({"module": "me", "action": None, "client_info": None}),
    ]


def test_executions_and_their_cursors() -> None:
    reader = RequestReader(7, 32767)
    first = read(execute("DELETE T"), reader=reader)
    assert first == Execute("DELETE T", 1, [], [[]])
    assert read(execute("SELECT 1", options=0x8061, fetch=2), reader=reader) == Execute("SELECT 1", 2, [], [[]], rows=2)
    again = read(Writer().u8(3, 4, 1).ub(1, 3, 0, 1), reader=reader)
    assert again == Execute("DELETE T", 1, [], [[]] * 3, new=False, commit=True)
    fetched = read(Writer().u8(3, 78, 1).ub(2, 50, 0x20, 0), reader=reader)
    assert fetched == Execute("SELECT 1", 2, [], [[]], new=False, rows=50)
    read(Writer().u8(17, 105, 1, 1).ub(1, 1).raw(PING), reader=reader)
    assert isinstance(read(Writer().u8(3, 4, 1).ub(1, 3, 0, 1), reader=reader), Unknown)
    assert isinstance(read(execute("", cursor_id=9), reader=reader), Unknown)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (bytes([3, 96, 1, 1, 2, 3]), "function 96"),
        (bytes([17, 205, 1, 0]), "piggyback 205"),
        (bytes([99, 1, 1]), "message of type 99"),
        (PING + b"\0", "1 bytes behind"),
    ],
)
def test_unknown(message: bytes, reason: str) -> None:
    found = read(message)
    assert isinstance(found, Unknown)
    assert reason in found.reason


def test_woken_between_calls_and_in_a_reset(client: tuple[Packets, Channel]) -> None:
    peer, channel = client
    wake, waker = os.pipe()
    try:
        os.write(waker, b"!")
        with pytest.raises(Woken):
            channel.next_request(wake)
        peer.send_marker(Marker.INTERRUPT)
        with pytest.raises(Woken):
            channel.next_request(wake)
        os.read(wake, 1)
        # The client has not answered the server's marker yet: the session must not be deaf meanwhile.
        assert channel.poll_break()
        channel.answer_break()
        os.write(waker, b"!")
        with pytest.raises(Woken):
            channel.next_request(wake)
        os.read(wake, 1)
        peer.send_data(PING)  # Sent before the client read the marker; lost in the reset.
        peer.send_marker(Marker.RESET)
        peer.send_data(bytes([3, 14, 9]))
        assert channel.next_request(wake) == Commit()
        first, second = peer.receive(), peer.receive()
        assert first is not None and second is not None
        assert (first.marker, second.marker) == (Marker.BREAK, Marker.RESET)
        assert error_number(peer.receive()) == 1013
    finally:
        os.close(wake)
        os.close(waker)


def test_break_in_the_middle_of_a_request(client: tuple[Packets, Channel]) -> None:
    peer, channel = client
    peer.send_data(bytes(execute("DELETE T").data)[:20])
    peer.send_marker(Marker.BREAK)
    peer.send_marker(Marker.RESET)
    peer.send_data(PING)
    assert channel.next_request() == Ping()


def test_the_end_of_the_connection(client: tuple[Packets, Channel]) -> None:
    peer, channel = client
    peer.send_data(b"", tns.EOF)
    assert channel.next_request() is None
    peer.send_data(bytes(execute("DELETE T").data)[:20])
    peer.close()
    assert channel.next_request() is None
    channel.send_death(OracleError(28))


def test_bytes_that_are_no_packets(client: tuple[Packets, Channel]) -> None:
    peer, channel = client
    peer.sock.sendall(b"\0\0\0\0GET / HTTP/1.0")
    with pytest.raises(ProtocolError):
        channel.connect_request()


def test_death_answers_a_client_that_is_resetting(client: tuple[Packets, Channel]) -> None:
    peer, channel = client
    peer.send_data(PING)
    peer.send_marker(Marker.INTERRUPT)
    assert channel.next_request() == Ping()
    assert channel.poll_break(1.0)
    channel.answer_break()
    peer.sock.shutdown(socket.SHUT_WR)
    channel.send_death(OracleError(28))
    first, second = peer.receive(), peer.receive()
    assert first is not None and second is not None
    assert (first.marker, second.marker) == (Marker.BREAK, Marker.RESET)
    assert error_number(peer.receive()) == 28
    assert peer.receive() is None


def test_wrong_values_send_nothing(client: tuple[Packets, Channel]) -> None:
    peer, channel = client
    peer.send_data(execute("SELECT 1", options=0x8061, fetch=2).data)
    assert isinstance(channel.next_request(), Execute)
    with pytest.raises(TypeError):
        channel.reply_rows([Column("N", Type.NUMBER)], [["no number"]], more=False)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        channel.reply_rows([Column("N", Type.NUMBER)], [[1, 2]], more=False)
    channel.reply_error(OracleError(942))
    assert error_number(peer.receive()) == 942


def test_directions_are_remembered() -> None:
    """What only comes out is not sent again."""
    reader = RequestReader(7, 32767)
    message = Writer().u8(3, 94, 1).ub(0x429, 0).u8(1).ub(20).u8(1).ub(13).u8(0, 0).ub(0, 1, 1000).u8(1).ub(2)
    message.u8(0, 0, 0, 0, 0, 0).ub(0, 0).u8(0, 1, 0).ub(0).u8(0).ub(0, 0).u8(0).ub(0).u8(0)
    message.clr(b"BEGIN p(:a, :b); END").ub(1, 1, *[0] * 11)
    for _bind in range(2):
        message.u8(2, 1, 0, 0).ub(22, 0, 0, 0, 0, 0).u8(0).ub(0)
    first = read(message.u8(7).clr(b"\xc1\x02").clr(None), reader=reader)
    assert isinstance(first, Execute)
    assert ([bind.name for bind in first.binds], first.iterations) == (["A", "B"], [[1, None]])
    reader.statements[first.cursor_id].directions[1] = OUT
    again = read(Writer().u8(3, 4, 2).ub(1, 2, 0, 0).u8(7).clr(b"\xc1\x03").u8(7).clr(b"\xc1\x04"), reader=reader)
    assert isinstance(again, Execute)
    assert again.iterations == [[2, None], [3, None]]
