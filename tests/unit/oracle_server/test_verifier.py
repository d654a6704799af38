# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both sides of a login, the client's written here from the rules that the driver follows."""

from __future__ import annotations

import pickle
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.oracle import verifier as v
from servers.oracle.verifier import Exchange, Kind, make_verifier, unknown_user


def answer(exchange: Exchange, password: str, kind: Kind, speedy: bool = True) -> tuple[dict[str, str], bytes]:
    """What a client with this password says to the challenge, and the key it then believes in."""
    said = {key: value for key, value, _flags in exchange.challenge}
    salt = bytes.fromhex(said["AUTH_VFR_DATA"])
    hashed = v.hash_password(password.encode(), salt, kind)
    server_key = v.decrypt_blocks(hashed, bytes.fromhex(said["AUTH_SESSKEY"]))
    client_key = secrets.token_bytes(len(server_key))
    combined = v.combine(kind, server_key, client_key, bytes.fromhex(said.get("AUTH_PBKDF2_CSK_SALT", "")))
    pairs = {
        "AUTH_SESSKEY": v.encrypt_blocks(hashed, client_key).hex().upper(),
        "AUTH_PASSWORD": v.encrypt(combined, secrets.token_bytes(16) + password.encode()).hex().upper(),
    }
    if kind == "12c" and speedy:
        key = v.password_key(password.encode(), salt)
        pairs["AUTH_PBKDF2_SPEEDY_KEY"] = v.encrypt(combined, secrets.token_bytes(16) + key)[:80].hex().upper()
    return pairs, combined


@pytest.mark.parametrize("kind", ["11g", "12c"])
@pytest.mark.parametrize("speedy", [True, False])
@settings(max_examples=5, deadline=None)
@given(password=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_right_password(kind: Kind, speedy: bool, password: str) -> None:
    exchange = Exchange(pickle.loads(pickle.dumps(make_verifier(password, kind))))
    pairs, combined = answer(exchange, password, kind, speedy)
    response = exchange.check(pairs)
    assert response is not None
    assert v.decrypt_blocks(combined, bytes.fromhex(response))[16:32] == b"SERVER_TO_CLIENT"


@pytest.mark.parametrize("kind", ["11g", "12c"])
def test_wrong_passwords(kind: Kind) -> None:
    stored = make_verifier("tiger", kind)
    for password in ("Tiger", "tiger ", "x"):
        exchange = Exchange(stored)
        assert exchange.check(answer(exchange, password, kind)[0]) is None
        exchange = Exchange(stored)
        assert exchange.check(answer(exchange, password, kind, speedy=False)[0]) is None


@pytest.mark.parametrize("kind", ["11g", "12c"])
def test_unknown_user_sees_the_same_challenge(kind: Kind) -> None:
    exchange = Exchange(unknown_user(kind))
    shape = [(key, len(value), flags) for key, value, flags in exchange.challenge]
    assert shape == [(key, len(value), flags) for key, value, flags in Exchange(make_verifier("x", kind)).challenge]
    assert exchange.check(answer(exchange, "x", kind)[0]) is None


def test_answers_that_are_none() -> None:
    exchange = Exchange(make_verifier("tiger"))
    for pairs in ({}, {"AUTH_SESSKEY": "00"}, {"AUTH_SESSKEY": "zz"}, {"AUTH_SESSKEY": "00" * 32}):
        assert exchange.check(pairs) is None
