# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is while PL/SQL runs: frames of subprograms, and the errors that blocks raise and handle.

Source of the names: the vendor's PL/SQL Language Reference, "Predefined Exceptions", "SQLCODE Function", "SQLERRM
Function". An error that is raised again by RAISE shows the line of that RAISE only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import MESSAGES, OracleError
from ..values import Value
from .datatypes import Datatype, Table, TableType, of_bind
from .interface import Bind, Host

PREDEFINED = {
    "ACCESS_INTO_NULL": 6530,
    "CASE_NOT_FOUND": 6592,
    "COLLECTION_IS_NULL": 6531,
    "CURSOR_ALREADY_OPEN": 6511,
    "DUP_VAL_ON_INDEX": 1,
    "INVALID_CURSOR": 1001,
    "INVALID_NUMBER": 1722,
    "LOGIN_DENIED": 1017,
    "NOT_LOGGED_ON": 1012,
    "NO_DATA_FOUND": 1403,
    "NO_DATA_NEEDED": 6548,
    "PROGRAM_ERROR": 6501,
    "ROWTYPE_MISMATCH": 6504,
    "SELF_IS_NULL": 30625,
    "STORAGE_ERROR": 6500,
    "SUBSCRIPT_BEYOND_COUNT": 6533,
    "SUBSCRIPT_OUTSIDE_LIMIT": 6532,
    "SYS_INVALID_ROWID": 1410,
    "TIMEOUT_ON_RESOURCE": 51,
    "TOO_MANY_ROWS": 1422,
    "VALUE_ERROR": 6502,
    "ZERO_DIVIDE": 1476,
}
# "Your session has been killed": no handler gets it.
UNCATCHABLE = 28
SQLERRM_BYTES = 512


class PlsqlError(OracleError):
    """An error with any number and text, as RAISE_APPLICATION_ERROR and RAISE give them."""

    def __init__(self, code: int, message: str) -> None:
        # Any number that has a text will do to begin with: ours need not be one that the table has.
        super().__init__(3001)
        self.code = code
        self.message = message
        self.args = (self.text,)


class UserError(PlsqlError):
    """A declared exception without a number; unhandled it is ORA-06510. ``exception`` is what a handler names."""

    def __init__(self, exception: object) -> None:
        super().__init__(6510, MESSAGES[6510])
        self.exception = exception


def message_of(code: int) -> str:
    """The text of an Oracle error with nothing filled in."""
    if 20000 <= code <= 20999:
        return ""
    template = MESSAGES.get(code)
    if template is None:
        return f"Message {code} not found;  product=RDBMS; facility=ORA"
    return template.replace("'{}'", "").replace("{}", "")


def sqlcode(error: OracleError | None) -> int:
    if error is None:
        return 0
    if isinstance(error, UserError):
        return 1
    return 100 if error.code == 1403 else -error.code


def sqlerrm(error: OracleError | None) -> str:
    """Of the error that is being handled."""
    if error is None:
        return sqlerrm_of(0)
    if isinstance(error, UserError):
        return sqlerrm_of(1)
    return error.text.encode()[:SQLERRM_BYTES].decode(errors="ignore")


def sqlerrm_of(code: int) -> str:
    """SQLERRM with a number: negative for an Oracle error, 100 for "no data found"."""
    if code == 0:
        return "ORA-0000: normal, successful completion"
    if code == 1:
        return "User-Defined Exception"
    if code == 100:
        code = -1403
    if code > 0:
        return f"-{code}: non-ORACLE exception"
    return f"ORA-{-code:05d}: {message_of(-code)}"


class Execution:
    """One run of a block: the session, the bind variables, and SQL%ROWCOUNT (None before the first SQL)."""

    def __init__(self, host: Host, binds: Mapping[str, Bind]) -> None:
        self.host = host
        self.check = host.check
        self.rowcount: int | None = None
        # The error that leaves subprograms, and their lines: what SQLERRM has only behind EXECUTE IMMEDIATE.
        self.failing: OracleError | None = None
        self.lines: list[str] = []
        # What is being handled, the innermost last.
        self.handled: list[OracleError] = []
        self.binds = binds
        self.values: dict[str, Value] = {}
        self.types: dict[str, Datatype] = {}
        for name, bind in binds.items():
            kind = of_bind(bind.type, bind.size)
            if bind.elements:
                self.types[name] = TableType(kind, index=kind, limit=bind.elements)
                self.values[name] = Table(dict(enumerate(bind.value or (), 1)), bind.elements)
            else:
                self.types[name] = kind
                self.values[name] = None if bind.value == "" else bind.value

    def leaves(self, error: OracleError, line: str) -> None:
        """An error leaves a subprogram: add its line of the error stack."""
        if self.failing is not error:
            self.failing, self.lines = error, []
        self.lines.append(line)

    def finish(self, error: OracleError) -> None:
        """An error leaves the outermost block: its lines belong to its text from now on."""
        if self.failing is error:
            error.stack += self.lines

    def store_binds(self) -> None:
        """Put what the block assigned into the binds."""
        for name, bind in self.binds.items():
            value = self.values[name]
            bind.value = value.values() if isinstance(value, Table) else value


class Frame:
    """The variables of one call of a subprogram, or of the outermost block."""

    __slots__ = ("line", "parent", "result", "run", "slots")

    def __init__(self, run: Execution, parent: Frame | None, slots: int) -> None:
        self.run = run
        # The frame of the subprogram around it in the text, for the variables declared there.
        self.parent = parent
        self.slots: list[Any] = [None] * slots
        self.line = 0
        self.result: Value = None
