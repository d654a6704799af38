# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as a client gets them: a number on the wire, and a text.

Numbers of Oracle are the number on the wire, too; what Oracle has no number for is 600 there, and the text has OceanBase's
own number (ob_errno.def). The text begins with ORA or OBE, which the cluster chooses. Errors of the proxy are MySQL's, and
most of the login, but not that of a user who lacks CREATE SESSION, whose number 1045 is Oracle's, too.
"""

from __future__ import annotations

from ..oracle.errors import OracleError

INTERNAL = 600
UNKNOWN_SESSION, NOT_OWNER, INTERRUPTED, TIMEOUT = -4174, -5251, -5065, -4012
UNEXPECTED, UNKNOWN_VARIABLE = -4016, -5044
LOCK_TIMEOUT, TERMINATED, MAY_NOT_LOG_IN = 30006, 1092, 1045
DENIED, NO_DRIVER, PROXY_UNKNOWN, PROXY_NOT_OWNER, PROXY_INTERRUPTED, UNKNOWN_COMMAND = (
    1045,
    1235,
    1094,
    1095,
    1317,
    1047,
)

_INTERNAL_TEXTS = {
    UNKNOWN_SESSION: "Unknown thread id: {}",
    NOT_OWNER: "You are not owner of thread {}",
    INTERRUPTED: "Query execution was interrupted",
    TIMEOUT: "Timeout, query has reached the maximum query timeout: {}(us), maybe you can adjust the session variable "
    "ob_query_timeout or query_timeout hint, and try again.",
    UNEXPECTED: "Internal error",
    UNKNOWN_VARIABLE: "Unknown system variable '{}'",
}
_TEXTS = {
    LOCK_TIMEOUT: "resource busy; acquire with WAIT timeout expired",
    TERMINATED: "OceanBase instance terminated. Disconnection forced",
}
_MYSQL_TEXTS = {
    DENIED: "Access denied for user '{}'@'xxx.xxx.xxx.xxx' (using password: {})",
    NO_DRIVER: "Oracle tenant for current client driver is not supported",
    PROXY_UNKNOWN: "Unknown thread id: {}",
    PROXY_NOT_OWNER: "You are not owner of thread {}",
    PROXY_INTERRUPTED: "Query execution was interrupted",
    UNKNOWN_COMMAND: "Unknown command",
}
# All that Oracle tells apart in a statement which is none is one error here.
_SYNTAX = frozenset(
    {900, 901, 902, 903, 905, 906, 907, 908, 911, 917, 921, 922, 923, 924, 926, 927, 928, 933, 936, 940, 950, 987, 988}
    | {1756, 2065, 2248}
)


class ServerError(Exception):
    """``number`` is that on the wire. After a ``fatal`` one the connection ends."""

    def __init__(self, number: int, message: str, prefixed: bool = True, fatal: bool = False) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.prefixed = prefixed
        self.fatal = fatal

    def text(self, prefix: str) -> str:
        return f"{prefix}-{self.number:05d}: {self.message}" if self.prefixed else self.message


class Cut(Exception):
    """The session's connection ends without a word."""


def internal(code: int, value: object = "") -> ServerError:
    """An error that only OceanBase has."""
    return ServerError(INTERNAL, f"internal error code, arguments: {code}, {_INTERNAL_TEXTS[code].format(value)}")


def oracle(code: int, *values: object) -> ServerError:
    text = _TEXTS[code] if code in _TEXTS else OracleError(code, *values).message
    return ServerError(code, text, fatal=code == TERMINATED)


def mysql(number: int, *values: object) -> ServerError:
    return ServerError(number, _MYSQL_TEXTS[number].format(*values), prefixed=False)


def syntax(text: str, position: int) -> ServerError:
    """What the server says of a statement that it cannot parse."""
    line = text.count("\n", 0, position) + 1
    return ServerError(
        900,
        "You have an error in your SQL syntax; check the manual that corresponds to your OceanBase version for the right "
        f"syntax to use near '{text[position:][:80]}' at line {line}",
    )


def of_engine(error: OracleError, text: str) -> ServerError:
    """An error of the SQL engine as this server gives it."""
    return syntax(text, error.position) if error.code in _SYNTAX else ServerError(error.code, error.message)
