# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of SQLite with Oracle's type, and Oracle's implicit conversions between the types.

Source: the vendor's SQL Language Reference, "Data Type Comparison Rules".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ..errors import OracleError
from ..values import Column, Type
from . import date_formats, numbers


class Pseudo(Enum):
    """Types that no column of a result has."""

    NULL = "NULL"
    CONDITION = "condition"
    # A whole number of months: INTERVAL YEAR TO MONTH.
    MONTHS = "INTERVAL YEAR TO MONTH"


Kind = Type | Pseudo

TEXTS = frozenset({Type.VARCHAR2, Type.CHAR})
NUMBERS = frozenset({Type.NUMBER, Type.BINARY_DOUBLE})
DATES = frozenset({Type.DATE, Type.TIMESTAMP, Type.TIMESTAMP_TZ})
STAMPS = frozenset({Type.TIMESTAMP, Type.TIMESTAMP_TZ})
_SIZES = {
    Type.NUMBER: 22,
    Type.BINARY_DOUBLE: 8,
    Type.DATE: 7,
    Type.TIMESTAMP: 11,
    Type.TIMESTAMP_TZ: 13,
    Type.INTERVAL_DS: 11,
}
# How wide a value is as text.
_TEXT_SIZES = {Type.NUMBER: 40, Type.BINARY_DOUBLE: 40, Type.DATE: 9, Type.INTERVAL_DS: 30}
_NAMES = {
    Type.VARCHAR2: "CHAR",
    Type.TIMESTAMP_TZ: "TIMESTAMP WITH TIME ZONE",
    Type.INTERVAL_DS: "INTERVAL DAY TO SECOND",
}


@dataclass(frozen=True)
class Expr:
    """``sql`` stands alone wherever an operand may. ``literal`` is the value of a literal; ``column`` what it was read from."""

    sql: str
    kind: Kind
    size: int = 4000
    literal: str | float | None = None
    column: Column | None = None
    position: int = 0


NULL = Expr("NULL", Pseudo.NULL, 1)


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'" if "\0" not in text else f"CAST(x'{text.encode().hex()}' AS TEXT)"


def text_literal(value: str) -> Expr:
    return Expr(quote(value), Type.VARCHAR2, max(len(value.encode()), 1), literal=value) if value else NULL


def number_literal(value: float) -> Expr:
    return Expr(repr(value), Type.NUMBER, 22, literal=value)


def condition(sql: str, position: int = 0) -> Expr:
    return Expr(sql, Pseudo.CONDITION, 1, position=position)


def to_column(name: str, expr: Expr) -> Column:
    """The description of an item of a select list."""
    if expr.column is not None:
        return replace(expr.column, name=name)
    kind = Type.VARCHAR2 if isinstance(expr.kind, Pseudo) else expr.kind
    return Column(name, kind, _SIZES.get(kind, max(min(expr.size, 4000), 1)))


def from_column(column: Column, sql: str, position: int = 0) -> Expr:
    return Expr(sql, column.type, column.size, column=column, position=position)


def type_name(kind: Kind) -> str:
    return _NAMES.get(kind, kind.name) if isinstance(kind, Type) else kind.value


def _mismatch(wanted: Kind, expr: Expr) -> OracleError:
    return OracleError(932, type_name(wanted), type_name(expr.kind), position=expr.position)


def value(expr: Expr) -> Expr:
    """ORA-00920 family is the caller's: a condition is no value."""
    if expr.kind is Pseudo.CONDITION:
        raise OracleError(907 if expr.position else 923, position=expr.position)
    return expr


def as_number(expr: Expr) -> Expr:
    expr = value(expr)
    if expr.kind in NUMBERS or expr.kind is Pseudo.NULL:
        return expr
    if expr.kind in TEXTS:
        if isinstance(expr.literal, str):
            try:
                return number_literal(numbers.to_number(expr.literal))
            except OracleError:
                # As in a real server, only a row that is looked at makes the error.
                return Expr(f"o_num({expr.sql})", Type.NUMBER, 22, position=expr.position)
        return Expr(f"o_num({expr.sql})", Type.NUMBER, 22, position=expr.position)
    raise _mismatch(Type.NUMBER, expr)


def as_text(expr: Expr) -> Expr:
    expr = value(expr)
    kind = expr.kind
    if kind in TEXTS or kind is Pseudo.NULL:
        return expr
    if kind in NUMBERS:
        if isinstance(expr.literal, int):
            return text_literal(str(expr.literal))
        return Expr(f"o_text({expr.sql})", Type.VARCHAR2, 40)
    if kind is Type.RAW:
        return Expr(f"nullif(hex({expr.sql}), '')", Type.VARCHAR2, expr.size * 2)
    if kind is Type.DATE:
        return Expr(f"o_date_text({expr.sql}, {quote(date_formats.DATE_FORMAT)})", Type.VARCHAR2, 9)
    if kind is Type.TIMESTAMP:
        return Expr(f"o_timestamp_text({expr.sql}, {quote(date_formats.TIMESTAMP_FORMAT)})", Type.VARCHAR2, 40)
    if kind is Type.TIMESTAMP_TZ:
        return Expr(f"o_timestamp_text({expr.sql}, {quote(date_formats.TIMESTAMP_TZ_FORMAT)})", Type.VARCHAR2, 50)
    if kind is Type.INTERVAL_DS:
        return Expr(f"o_interval_text({expr.sql})", Type.VARCHAR2, 30)
    raise _mismatch(Type.VARCHAR2, expr)


def as_date(expr: Expr) -> Expr:
    """A date or timestamp as it is; a text by the default format."""
    expr = value(expr)
    if expr.kind in DATES or expr.kind is Pseudo.NULL:
        return expr
    if expr.kind in TEXTS:
        return Expr(f"o_to_date({expr.sql}, {quote(date_formats.DATE_FORMAT)})", Type.DATE, 7)
    raise _mismatch(Type.DATE, expr)


def as_raw(expr: Expr) -> Expr:
    expr = value(expr)
    if expr.kind is Type.RAW or expr.kind is Pseudo.NULL:
        return expr
    if expr.kind in TEXTS:
        return Expr(f"o_hextoraw({expr.sql})", Type.RAW, max(expr.size // 2, 1))
    raise _mismatch(Type.RAW, expr)


def convert(expr: Expr, kind: Kind) -> Expr:
    """Implicit conversion to a type; ORA-00932 where there is none."""
    expr = value(expr)
    if expr.kind is kind or isinstance(kind, Pseudo) or expr.kind is Pseudo.NULL:
        return expr
    if kind in TEXTS:
        return as_text(expr)
    if kind in NUMBERS:
        return as_number(expr)
    if kind is Type.RAW:
        return as_raw(expr)
    if kind is Type.DATE:
        moment = as_date(expr)
        if moment.kind in STAMPS:
            return Expr(f"(CAST({moment.sql} * 86400.0 + 0.0001 AS INTEGER) / 86400.0)", Type.DATE, 7)
        return moment
    if kind in STAMPS:
        if expr.kind in TEXTS:
            model = date_formats.TIMESTAMP_FORMAT if kind is Type.TIMESTAMP else date_formats.TIMESTAMP_TZ_FORMAT
            return Expr(f"o_to_timestamp({expr.sql}, {quote(model)})", kind, _SIZES[kind])
        moment = as_date(expr)
        return Expr(moment.sql, kind, _SIZES[kind])
    if kind is Type.INTERVAL_DS and expr.kind in TEXTS:
        return Expr(f"o_to_interval({expr.sql})", kind, 11)
    raise _mismatch(kind, expr)


def comparable(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Both of one type, as a comparison sees them: a text becomes what the other side is."""
    left, right = value(left), value(right)
    if left.kind is right.kind or Pseudo.NULL in (left.kind, right.kind):
        return left, right
    for group in (TEXTS, NUMBERS, DATES):
        if left.kind in group and right.kind in group:
            return left, right
    if left.kind in TEXTS:
        return convert(left, right.kind), right
    if right.kind in TEXTS:
        return left, convert(right, left.kind)
    raise _mismatch(left.kind, right)


def common(kinds: list[Kind]) -> Kind:
    """The type of a CASE, a set operation and the like: that of the first which is not NULL."""
    found = [kind for kind in kinds if kind is not Pseudo.NULL]
    if not found:
        return Pseudo.NULL
    if all(kind in DATES for kind in found):
        return next((kind for kind in found if kind in STAMPS), found[0])
    return Type.VARCHAR2 if found[0] in TEXTS else found[0]


def text_size(expr: Expr) -> int:
    return expr.size if expr.kind in TEXTS else _TEXT_SIZES.get(expr.kind, 4000) if isinstance(expr.kind, Type) else 1
