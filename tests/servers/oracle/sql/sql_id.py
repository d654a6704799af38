# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL_ID, the name that V$SQL and V$SESSION have for a statement's text."""

from __future__ import annotations

import hashlib
from functools import lru_cache

_DIGITS = "0123456789abcdfghjkmnpqrstuvwxyz"


@lru_cache(maxsize=4096)
def sql_id(text: str) -> str:
    """13 digits in base 32: the last 64 bits of MD5 over the text and a NUL, each half little endian.

    Source: "SQL_ID is just a fancy representation of hash value" (tanelpoder.com, 2009). ``select * from dual`` has
    a5ks9fhw2v9s1 in every database.
    """
    digest = hashlib.md5(text.encode() + b"\0", usedforsecurity=False).digest()
    number = int.from_bytes(digest[8:12], "little") << 32 | int.from_bytes(digest[12:16], "little")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def hash_value(text: str) -> int:
    """HASH_VALUE (SQL_HASH_VALUE): the low 32 bits of what SQL_ID spells."""
    return int.from_bytes(hashlib.md5(text.encode() + b"\0", usedforsecurity=False).digest()[12:16], "little")
