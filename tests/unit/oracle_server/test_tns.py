# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets over a pair of sockets, without a driver."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.oracle import tns
from servers.oracle.tns import ClientGone, Kind, Marker, Packets, Woken, find, parse_descriptor
from servers.oracle.wire import ProtocolError, Writer

DESCRIPTOR = (
    "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=shop)"
    "(INSTANCE_NAME=ORCL2)(SERVER=pooled)(CID=(PROGRAM=/usr/bin/python 3)(HOST=vm)(USER=root))(CONNECTION_ID=a+b/c==)))"
)


@pytest.fixture
def pair() -> Iterator[tuple[Packets, Packets]]:
    one, other = socket.socketpair()
    with one, other:
        yield Packets(one), Packets(other)


def connect_body(descriptor: str, inline: bool = True) -> bytes:
    body = Writer().u16(319, 300, 0x401, 8192, 8192, 0x4F98, 0, 1, len(descriptor), 74).u32(0).u8(0x84, 0x84)
    body.raw(bytes(24)).u32(65000, 65000, 0, 1)
    return bytes(body.raw(descriptor.encode() if inline else b"").data)


def test_descriptor() -> None:
    tree = parse_descriptor(" ( A = (B = c d) (e=) ) ")
    assert tree == [("A", [("B", "c d"), ("E", "")])]
    assert find(parse_descriptor(DESCRIPTOR), "CONNECT_DATA", "CID", "PROGRAM") == "/usr/bin/python 3"
    assert find(parse_descriptor(DESCRIPTOR), "CONNECTION_ID") == "a+b/c=="
    assert find(parse_descriptor(DESCRIPTOR), "SID") == ""


@pytest.mark.parametrize("text", ["", "x", "(A=b", "(A=b))", "(A)", "(=b)", "((A=b))"])
def test_broken_descriptors(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_descriptor(text)


@pytest.mark.parametrize("inline", [True, False])
def test_connect(pair: tuple[Packets, Packets], inline: bool) -> None:
    client, server = pair
    descriptor = DESCRIPTOR if inline else DESCRIPTOR.replace("shop", "s" * 200)
    client.send(Kind.CONNECT, connect_body(descriptor, inline), tns.PACKET_REDIRECTED)
    if not inline:
        client.send_data(descriptor.encode())
    found = tns.read_connect(server)
    assert found.descriptor == descriptor
    assert (found.instance_name, found.server, found.user, found.host) == ("ORCL2", "POOLED", "root", "vm")
    assert (found.version, found.sdu, found.redirected, found.sid) == (319, 65000, True, "")
    tns.accept(server, 319, 8192, 0x10000000)
    accepted = client.receive()
    assert accepted is not None
    assert (accepted.kind, len(accepted.body)) == (Kind.ACCEPT, 37)
    assert (server.large, server.sdu) == (True, 8192)


def test_something_else_than_connect(pair: tuple[Packets, Packets]) -> None:
    client, server = pair
    client.send_data(b"hello")
    with pytest.raises(ProtocolError):
        tns.read_connect(server)
    client.sock.sendall(b"\0\x01\0\0\0\0\0\0")
    with pytest.raises(ProtocolError):
        server.receive()


def test_gone(pair: tuple[Packets, Packets]) -> None:
    client, server = pair
    client.close()
    with pytest.raises(ClientGone):
        tns.read_connect(server)
    assert server.receive() is None
    assert not server.take_break(0.01)
    with pytest.raises(ClientGone):
        for _unused in range(3):
            server.send_data(b"x")


@settings(max_examples=40, deadline=None)
@given(message=st.binary(max_size=3000), sdu=st.integers(11, 600), large=st.booleans())
def test_data_is_split_and_joined(message: bytes, sdu: int, large: bool) -> None:
    one, other = socket.socketpair()
    with one, other:
        sender, receiver = Packets(one), Packets(other)
        sender.sdu, sender.large, receiver.large = sdu, large, large
        sender.send_data(message, tns.END_OF_RESPONSE)
        pieces = b""
        while True:
            packet = receiver.receive()
            assert packet is not None
            assert len(packet.body) <= sdu - tns.HEADER
            pieces += packet.data
            if packet.data_flags:
                break
        assert pieces == message


def test_break_is_taken_and_the_rest_stays(pair: tuple[Packets, Packets]) -> None:
    client, server = pair
    assert not server.take_break()
    client.send_data(b"one")
    client.send_marker(Marker.INTERRUPT)
    client.send_data(b"two")
    assert server.take_break(1.0)
    assert not server.take_break()
    assert [packet.data for packet in (server.receive(), server.receive()) if packet] == [b"one", b"two"]


def test_woken(pair: tuple[Packets, Packets]) -> None:
    client, server = pair
    read, write = os.pipe()
    try:
        os.write(write, b"!")
        with pytest.raises(Woken):
            server.receive(read)
        with pytest.raises(Woken):
            server.take_break(5.0, read)
        client.send_data(b"still there")
        os.read(read, 1)
        packet = server.receive(read)
        assert packet is not None and packet.data == b"still there"
    finally:
        os.close(read)
        os.close(write)


def test_refuse_and_redirect(pair: tuple[Packets, Packets]) -> None:
    client, server = pair
    tns.refuse(server, 12514)
    refused = client.receive()
    assert refused is not None and refused.kind == Kind.REFUSE and b"(ERR=12514)" in refused.body
    tns.redirect(server, "(ADDRESS=x)", "(DESCRIPTION=y)")
    redirected, target = client.receive(), client.receive()
    assert redirected is not None and target is not None
    assert (redirected.kind, target.data) == (Kind.REDIRECT, b"(ADDRESS=x)\0(DESCRIPTION=y)")
    assert int.from_bytes(redirected.body, "big") == len(target.data)
