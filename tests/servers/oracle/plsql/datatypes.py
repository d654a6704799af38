# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of variables: what a value becomes when it is assigned to one.

Source: the vendor's PL/SQL Language Reference, "PL/SQL Data Types", "PL/SQL Collections and Records".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..errors import OracleError
from ..values import Column, Type, Value
from . import operators
from .operators import CONTEXT, value_error

# Bytes that a VARCHAR2 variable can have at most.
LONGEST = 32767


@dataclass(frozen=True)
class Scalar:
    """``kind`` is CHAR, VARCHAR2, NUMBER, DATE, TIMESTAMP, INTERVAL, RAW or BOOLEAN, NULL for the literal, and "" where
    it is only known at run time. ``assign`` gives what the variable then has; ORA-06502 if the value does not fit."""

    kind: str
    assign: Callable[[Value], Value]

    def initial(self, frame: Any) -> Value:
        """What a variable has that is declared without a value."""
        return None


def _any(value: Value) -> Value:
    return None if value == "" else value


def _characters(size: int, pad: bool = False) -> Callable[[Value], Value]:
    def assign(value: Value) -> Value:
        found = operators.text(value)
        if found is None:
            return None
        if len(found) > size or (not found.isascii() and len(found.encode()) > size):
            raise value_error("character string buffer too small")
        return found.ljust(size) if pad else found

    return assign


def _unlimited(value: Value) -> Value:
    return operators.text(value)


def _number(precision: int, scale: int) -> Callable[[Value], Value]:
    """NUMBER(precision, scale)."""
    limit = Decimal(10) ** (precision - scale)
    step = Decimal(1).scaleb(-scale)

    def assign(value: Value) -> Value:
        found = operators.number(value)
        if found is None:
            return None
        # The first condition keeps what is far too large from being rounded.
        if abs(found) >= limit or abs(rounded := Decimal(found).quantize(step, ROUND_HALF_UP, CONTEXT)) >= limit:
            raise value_error("number precision too large")
        return operators.plain(rounded)

    return assign


def _integer(low: int | None, high: int | None, error: Callable[[], OracleError]) -> Callable[[Value], Value]:
    def assign(value: Value) -> Value:
        found = operators.number(value)
        if found is None:
            return None
        if found.__class__ is not int:
            found = int(Decimal(found).to_integral_value(rounding=ROUND_HALF_UP))
        if (low is not None and found < low) or (high is not None and found > high):
            raise error()
        return found

    return assign


def _overflow() -> OracleError:
    return OracleError(1426)


def _double(value: Value) -> Value:
    found = operators.number(value)
    return None if found is None else float(found)


def _date(value: Value) -> Value:
    found = operators.date(value)
    return None if found is None else found.replace(microsecond=0, tzinfo=None)


def _timestamp(value: Value) -> Value:
    found = operators.date(value)
    return None if found is None else found.replace(tzinfo=None)


def _interval(value: Value) -> Value:
    if value is not None and not isinstance(value, timedelta):
        raise value_error()
    return value


def _raw(size: int) -> Callable[[Value], Value]:
    def assign(value: Value) -> Value:
        if isinstance(value, str):
            try:
                value = bytes.fromhex(value if len(value) % 2 == 0 else "0" + value)
            except ValueError:
                raise value_error("hex to raw conversion error") from None
        if value is not None and not isinstance(value, bytes):
            raise value_error()
        if value and len(value) > size:
            raise value_error("raw variable length too long")
        return value or None

    return assign


def _boolean(value: Value) -> Value:
    if value is not None and not isinstance(value, bool):
        raise OracleError(6550, 1, 1, "PLS-00382: expression is of wrong type")
    return value


UNKNOWN = Scalar("", _any)
NULL = Scalar("NULL", _any)
BOOLEAN = Scalar("BOOLEAN", _boolean)
NUMBER = Scalar("NUMBER", operators.number)
VARCHAR2 = Scalar("VARCHAR2", _unlimited)
LITERAL = Scalar("CHAR", _unlimited)
DATE = Scalar("DATE", _date)
TIMESTAMP = Scalar("TIMESTAMP", _timestamp)
TIMESTAMP_TZ = Scalar("TIMESTAMP", operators.date)
INTERVAL = Scalar("INTERVAL", _interval)
RAW = Scalar("RAW", _raw(LONGEST))
INTEGER = Scalar("NUMBER", _integer(None, None, value_error))
PLS_INTEGER = Scalar("NUMBER", _integer(-(2**31), 2**31 - 1, _overflow))
_PLAIN = {
    "BOOLEAN": BOOLEAN,
    "DATE": DATE,
    "TIMESTAMP": TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": TIMESTAMP_TZ,
    "TIMESTAMP WITH LOCAL TIME ZONE": TIMESTAMP_TZ,
    "INTERVAL DAY TO SECOND": INTERVAL,
    "DSINTERVAL_UNCONSTRAINED": INTERVAL,
    "BINARY_DOUBLE": Scalar("NUMBER", _double),
    "BINARY_FLOAT": Scalar("NUMBER", _double),
    "PLS_INTEGER": PLS_INTEGER,
    "BINARY_INTEGER": PLS_INTEGER,
    "SIMPLE_INTEGER": PLS_INTEGER,
    "NATURAL": Scalar("NUMBER", _integer(0, 2**31 - 1, value_error)),
    "NATURALN": Scalar("NUMBER", _integer(0, 2**31 - 1, value_error)),
    "POSITIVE": Scalar("NUMBER", _integer(1, 2**31 - 1, value_error)),
    "POSITIVEN": Scalar("NUMBER", _integer(1, 2**31 - 1, value_error)),
    "SIGNTYPE": Scalar("NUMBER", _integer(-1, 1, value_error)),
    "INTEGER": INTEGER,
    "INT": INTEGER,
    "SMALLINT": INTEGER,
    "FLOAT": NUMBER,
    "REAL": NUMBER,
    "DOUBLE PRECISION": NUMBER,
    "CLOB": VARCHAR2,
    "NCLOB": VARCHAR2,
    "LONG": VARCHAR2,
    "ROWID": VARCHAR2,
    "UROWID": VARCHAR2,
    "BLOB": RAW,
    "LONG RAW": RAW,
}
_CHARACTERS = {
    "VARCHAR2": False, "VARCHAR": False, "NVARCHAR2": False, "STRING": False, "CHAR": True, "NCHAR": True,
}  # fmt: skip


def scalar(name: str, sizes: Sequence[int] = (), parameter: bool = False) -> Scalar | None:
    """The type of that name; None if there is none. A VARCHAR2 without a size is only right for a parameter
    (ValueError otherwise, for the compiler to report)."""
    if name in _CHARACTERS:
        pad = _CHARACTERS[name]
        if not sizes and not pad:
            if not parameter:
                raise ValueError("PLS-00215: String length constraints must be in range (1 .. 32767)")
            return VARCHAR2
        if sizes and not 1 <= sizes[0] <= LONGEST:
            raise ValueError("PLS-00215: String length constraints must be in range (1 .. 32767)")
        if pad and parameter:
            return LITERAL
        return Scalar("CHAR" if pad else "VARCHAR2", _characters(sizes[0] if sizes else 1, pad))
    if name in ("NUMBER", "DECIMAL", "NUMERIC", "DEC"):
        if not sizes:
            return NUMBER if name == "NUMBER" else INTEGER
        precision = sizes[0] or 38
        if not 1 <= precision <= 38:
            raise ValueError("PLS-00216: NUMBER precision constraint must be in range (1 .. 38)")
        return Scalar("NUMBER", _number(precision, sizes[1] if len(sizes) > 1 else 0))
    if name == "RAW":
        return Scalar("RAW", _raw(sizes[0] if sizes else LONGEST))
    return _PLAIN.get(name)


def of_column(column: Column) -> Scalar:
    """What ``%TYPE`` of it is."""
    match column.type:
        case Type.VARCHAR2:
            return Scalar("VARCHAR2", _characters(column.size))
        case Type.CHAR:
            return Scalar("CHAR", _characters(column.size, pad=True))
        case Type.NUMBER:
            return Scalar("NUMBER", _number(column.precision, max(column.scale, 0))) if column.precision else NUMBER
        case Type.BINARY_DOUBLE:
            return _PLAIN["BINARY_DOUBLE"]
        case Type.RAW:
            return Scalar("RAW", _raw(column.size))
        case Type.DATE:
            return DATE
        case Type.TIMESTAMP:
            return TIMESTAMP
        case Type.TIMESTAMP_TZ:
            return TIMESTAMP_TZ
    return INTERVAL


def of_bind(kind: Type | None, size: int) -> Scalar:
    """What a bind variable takes; ``size`` 0 is no limit."""
    if kind is None:
        return UNKNOWN
    if kind in (Type.VARCHAR2, Type.CHAR):
        return Scalar("VARCHAR2", _characters(size)) if size else VARCHAR2
    if kind is Type.RAW and size:
        return Scalar("RAW", _raw(size))
    return of_column(Column("", kind, LONGEST))


def not_null(kind: Scalar) -> Scalar:
    """The same type, for a variable that must not become NULL."""

    def assign(value: Value) -> Value:
        found = kind.assign(value)
        if found is None:
            raise value_error()
        return found

    return Scalar(kind.kind, assign)


# ---- Records


class Record(dict[str, Value]):
    """Values by field name, in the order of the fields."""


@dataclass(frozen=True)
class RecordType:
    """``fields`` is None for the row of a query whose columns show only when it is executed.

    ``defaults`` gives initial values of fields, each in the frame of the declaration.
    """

    fields: dict[str, Datatype] | None
    defaults: dict[str, Callable[[Any], Value]] = field(default_factory=dict)
    kind: str = "RECORD"

    def initial(self, frame: Any) -> Record:
        record = Record()
        for name, kind in (self.fields or {}).items():
            default = self.defaults.get(name)
            record[name] = kind.initial(frame) if default is None else kind.assign(default(frame))
        return record

    def assign(self, value: Value) -> Value:
        if value is None:
            return Record({name: kind.assign(None) for name, kind in (self.fields or {}).items()})
        if not isinstance(value, Record):
            raise value_error()
        return self.row(list(value.values()), list(value))

    def row(self, values: Sequence[Value], names: Sequence[str] = ()) -> Record:
        """A record with these values, converted to the types of the fields. ORA-01007 if there are more or fewer."""
        if self.fields is None:
            return Record(zip(names, values, strict=True))
        if len(values) != len(self.fields):
            raise OracleError(1007)
        return Record(
            {name: kind.assign(value) for (name, kind), value in zip(self.fields.items(), values, strict=True)}
        )


def of_columns(columns: Sequence[Column]) -> RecordType:
    return RecordType({column.name: of_column(column) for column in columns})


# ---- Tables


class Table:
    """A collection: elements by integer or, for INDEX BY VARCHAR2, by string."""

    def __init__(self, items: dict[Value, Value] | None = None, limit: int | None = None) -> None:
        self.items: dict[Value, Value] = items if items is not None else {}
        self.limit = limit
        self._keys: list[Value] | None = None

    def copy(self) -> Table:
        return Table({key: _copied(value) for key, value in self.items.items()}, self.limit)

    def set(self, key: Value, value: Value) -> None:
        if key not in self.items:
            self._keys = None
        self.items[key] = value

    def delete(self, low: Value = None, high: Value = None) -> None:
        """All, one, or those from ``low`` to ``high``."""
        if low is None:
            self.items.clear()
        elif high is None:
            self.items.pop(low, None)
        else:
            for key in [key for key in self.items if low <= key <= high]:
                del self.items[key]
        self._keys = None

    @property
    def keys(self) -> list[Value]:
        """In ascending order."""
        if self._keys is None:
            self._keys = sorted(self.items)
        return self._keys

    def next(self, key: Value) -> Value:
        at = bisect_right(self.keys, key)
        return self.keys[at] if at < len(self.keys) else None

    def prior(self, key: Value) -> Value:
        at = bisect_left(self.keys, key)
        return self.keys[at - 1] if at else None

    def values(self) -> list[Value]:
        """What a client has of it: the elements from 1 on, None where there is none."""
        return [self.items.get(key) for key in range(1, self.keys[-1] + 1)] if self.items else []


def _copied(value: Value) -> Value:
    if isinstance(value, Table):
        return value.copy()
    return Record(value) if isinstance(value, Record) else value


@dataclass(frozen=True)
class TableType:
    """``index`` None: a nested table or VARRAY, NULL until it is constructed, its elements numbered from 1."""

    element: Datatype
    index: Scalar | None
    limit: int | None = None
    kind: str = "TABLE"

    def initial(self, frame: Any) -> Table | None:
        return None if self.index is None else Table()

    def assign(self, value: Value) -> Value:
        if value is None:
            return self.initial(None)
        if isinstance(value, list):
            return self.of(value)
        if not isinstance(value, Table):
            raise value_error()
        return value.copy()

    def of(self, values: Sequence[Value]) -> Table:
        """Numbered from 1. ORA-06532 if a VARRAY has no room for so many."""
        if self.limit is not None and len(values) > self.limit:
            raise OracleError(6532)
        assign = self.element.assign
        return Table({key: assign(value) for key, value in enumerate(values, 1)}, self.limit)


# ---- Cursors


@dataclass
class OpenCursor:
    """Rows that a cursor has, and how many were fetched. ``found`` is None before the first FETCH."""

    names: Sequence[str]
    rows: Sequence[Sequence[Value]]
    fetched: int = 0
    found: bool | None = None


@dataclass(frozen=True)
class CursorType:
    """Of a SYS_REFCURSOR variable, whose value is an OpenCursor or None."""

    kind: str = "CURSOR"

    def initial(self, frame: Any) -> Value:
        return None

    def assign(self, value: Value) -> Value:
        if value is not None and not isinstance(value, OpenCursor):
            raise value_error()
        return value


Datatype = Scalar | RecordType | TableType | CursorType
