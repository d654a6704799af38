# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Password verifiers, and the exchange in which client and server prove to each other that they know the password.

Two kinds: ``11g`` (salted SHA-1, session keys of 48 bytes) and ``12c`` (PBKDF2 with SHA-512, session keys of 32
bytes). Both encrypt with AES in CBC mode and an initialization vector of zeros; hexadecimal text is in upper case.
Source: the client's side in python-oracledb (impl/thin/messages/auth.pyx, crypto.pyx), read, not copied.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Kind = Literal["11g", "12c"]
Pair = tuple[str, str, int]  # key, value, flags

# The number that tells a client which kind it is; it goes as the flags of AUTH_VFR_DATA.
_TYPES: dict[Kind, int] = {"11g": 0x1B25, "12c": 0x4815}
_SALT_BYTES: dict[Kind, int] = {"11g": 10, "12c": 16}
_HASH_BYTES: dict[Kind, int] = {"11g": 24, "12c": 32}
_SESSION_KEY_BYTES: dict[Kind, int] = {"11g": 48, "12c": 32}
_BLOCK = 16
_VERIFIER_ITERATIONS = 4096
_SESSION_ITERATIONS = 3


@dataclass(frozen=True)
class Verifier:
    """What the server keeps of a password: the salt, and what the password and the salt were hashed to."""

    kind: Kind
    salt: bytes
    hash: bytes


def make_verifier(password: str, kind: Kind = "12c") -> Verifier:
    """A new verifier, with a salt of its own; takes some milliseconds for ``12c``."""
    salt = secrets.token_bytes(_SALT_BYTES[kind])
    return Verifier(kind, salt, hash_password(password.encode(), salt, kind))


def unknown_user(kind: Kind) -> Verifier:
    """A verifier that no password satisfies, for an account that there is not: the client cannot tell from outside."""
    return Verifier(kind, secrets.token_bytes(_SALT_BYTES[kind]), secrets.token_bytes(_HASH_BYTES[kind]))


def hash_password(password: bytes, salt: bytes, kind: Kind) -> bytes:
    if kind == "11g":
        return hashlib.sha1(password + salt).digest() + bytes(4)
    return _hash_key(password_key(password, salt), salt)


def password_key(password: bytes, salt: bytes) -> bytes:
    """The slow half of the ``12c`` hash. A client sends it along, so that the server need not compute it again."""
    return hashlib.pbkdf2_hmac("sha512", password, salt + b"AUTH_PBKDF2_SPEEDY_KEY", _VERIFIER_ITERATIONS, 64)


def _hash_key(key: bytes, salt: bytes) -> bytes:
    return hashlib.sha512(key + salt).digest()[:32]


def encrypt(key: bytes, data: bytes) -> bytes:
    """AES-CBC of ``data``, filled up to whole blocks by PKCS #7."""
    fill = _BLOCK - len(data) % _BLOCK
    return encrypt_blocks(key, data + bytes([fill]) * fill)


def encrypt_blocks(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt_blocks(key: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK))).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _without_fill(data: bytes) -> bytes | None:
    fill = data[-1] if data else 0
    return data[:-fill] if 1 <= fill <= _BLOCK and data.endswith(bytes([fill]) * fill) else None


def combine(kind: Kind, server_key: bytes, client_key: bytes, salt: bytes) -> bytes:
    """The key of the rest of the exchange, made of both sides' session keys; ``salt`` counts for ``12c`` only."""
    if kind == "11g":
        mixed = bytes(ours ^ theirs for ours, theirs in zip(server_key[16:40], client_key[16:40], strict=True))
        return (hashlib.md5(mixed[:16]).digest() + hashlib.md5(mixed[16:]).digest())[:24]
    both = (client_key[:32] + server_key[:32]).hex().upper().encode()
    return hashlib.pbkdf2_hmac("sha512", both, salt, _SESSION_ITERATIONS, 32)


class Exchange:
    """The server's side of one login: a :attr:`challenge` to the client, and a :meth:`check` of its answer."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._session_key = secrets.token_bytes(_SESSION_KEY_BYTES[verifier.kind])
        self._salt = secrets.token_bytes(16)

    @property
    def challenge(self) -> list[Pair]:
        kind = self._verifier.kind
        pairs: list[Pair] = [
            ("AUTH_SESSKEY", encrypt_blocks(self._verifier.hash, self._session_key).hex().upper(), 0),
            ("AUTH_VFR_DATA", self._verifier.salt.hex().upper(), _TYPES[kind]),
        ]
        if kind == "12c":
            pairs += [
                ("AUTH_PBKDF2_CSK_SALT", self._salt.hex().upper(), 0),
                ("AUTH_PBKDF2_VGEN_COUNT", str(_VERIFIER_ITERATIONS), 0),
                ("AUTH_PBKDF2_SDER_COUNT", str(_SESSION_ITERATIONS), 0),
            ]
        return pairs

    def check(self, answer: Mapping[str, str]) -> str | None:
        """AUTH_SVR_RESPONSE, which proves the server to the client; None where the password is wrong."""
        kind, verifier = self._verifier.kind, self._verifier
        try:
            encrypted_key = bytes.fromhex(answer["AUTH_SESSKEY"])
            client_key = decrypt_blocks(verifier.hash, encrypted_key)[: len(self._session_key)]
            combined = combine(kind, self._session_key, client_key, self._salt)
            if kind == "12c" and "AUTH_PBKDF2_SPEEDY_KEY" in answer:
                speedy = decrypt_blocks(combined, bytes.fromhex(answer["AUTH_PBKDF2_SPEEDY_KEY"]))
                found = _hash_key(speedy[16:80], verifier.salt)
            else:
                password = _without_fill(decrypt_blocks(combined, bytes.fromhex(answer["AUTH_PASSWORD"])))
                found = hash_password(password[16:], verifier.salt, kind) if password else b""
        except (KeyError, ValueError):
            return None
        if not hmac.compare_digest(found, verifier.hash):
            return None
        return encrypt(combined, secrets.token_bytes(16) + b"SERVER_TO_CLIENT").hex().upper()
