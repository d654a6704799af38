# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session ids: how the server hands them out, and what it takes the value in a KILL statement for.

An id has 32 bits. That of an observer has the two highest set, then the server's number, then a sequence of 18 bits. That of
a proxy, the client session id, has the highest one clear.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Container
from decimal import ROUND_HALF_UP, Decimal

OBSERVER_BIT = 1 << 31
_OBSERVER = OBSERVER_BIT | 1 << 30
_SEQUENCE_BITS = 18
# Version 1: the number of the proxy in 8 bits, then 23 bits; version 2: 13 bits, then 18.
_PROXY = {"v1": 1 << 23, "v2": 1 << 18}
_PROXY_NUMBERS = 1 << 17
_FIRST_PROXY_SESSID = 12402504630519660544
_WHOLE = re.compile(r"\s*([+-]?\d+)")
_INT64 = (-(2**63), 2**63 - 1)


class Ids:
    """Hands out ids in sequence; an id comes back only after all others were used."""

    def __init__(self) -> None:
        # What the next logins to an observer and to a proxy get, set by a test.
        self.planned: deque[int] = deque()
        self.planned_for_clients: deque[int] = deque()
        self._observer = self._client = self._proxy_sessid = 0

    def observer(self, taken: Container[int], node: int = 1) -> int:
        """An id of the observer with this number."""
        if self.planned:
            return self.planned.popleft()
        while True:
            self._observer = self._observer % ((1 << _SEQUENCE_BITS) - 1) + 1
            if (found := _OBSERVER | node << _SEQUENCE_BITS | self._observer) not in taken:
                return found

    def client(self, version: str, taken: Container[int]) -> int:
        """A client session id of a proxy."""
        if self.planned_for_clients:
            return self.planned_for_clients.popleft()
        while True:
            self._client = self._client % (_PROXY_NUMBERS - 1) + 1
            if (found := _PROXY[version] | self._client) not in taken:
                return found

    def proxy_sessid(self) -> int:
        """The number that a proxy keeps for a client; it has 64 bits, and no statement takes it."""
        self._proxy_sessid += 1
        return _FIRST_PROXY_SESSID + self._proxy_sessid


def of_value(value: object) -> int:
    """A value as the server casts it: its whole number, 0 where it is none, and of that the lowest 32 bits."""
    if value is None:
        return 0
    if isinstance(value, str):
        found = _WHOLE.match(value)
        number = int(found[1]) if found else 0
    else:
        number = int(Decimal(str(value)).to_integral_value(ROUND_HALF_UP))
    return min(max(number, _INT64[0]), _INT64[1]) & 0xFFFFFFFF


def of_string(text: str) -> int:
    """The string of ALTER SYSTEM KILL SESSION: what follows the first comma is thrown away unread."""
    return of_value(text.partition(",")[0])
