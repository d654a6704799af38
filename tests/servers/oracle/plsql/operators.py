# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on values as :mod:`servers.oracle.values` describes them: NULL is None, and wins almost everywhere.

Conditions are True, False or None (unknown). Source of the rules: the vendor's PL/SQL Language Reference, "Expression",
and SQL Language Reference, "Data Type Comparison Rules", "Implicit Data Conversion".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache

from ..errors import OracleError
from ..values import Value

# NUMBER keeps up to 40 decimal digits, and nothing from 1E126 on.
CONTEXT = Context(prec=40, Emax=125, Emin=-130, traps=[InvalidOperation, DivisionByZero, Overflow])
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*\Z")
_DAY = Decimal(86400)


def value_error(detail: str = "") -> OracleError:
    """ORA-06502, with what went wrong."""
    return OracleError(6502, f": {detail}" if detail else "")


# ---- Conversions


def plain(value: Decimal | float) -> Value:
    """A number as the stand-in keeps it: an int where it is a whole one."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return value
        value = Decimal(repr(value))
    if value.adjusted() > CONTEXT.Emax:
        raise OracleError(1426)
    return int(value) if value == value.to_integral_value() else value


def number(value: Value) -> Value:
    """ORA-06502 for a text that is none."""
    if value is None or value.__class__ is int or value.__class__ is Decimal:
        return value
    if isinstance(value, str):
        if not _NUMBER.match(value):
            raise value_error("character to number conversion error")
        return plain(CONTEXT.create_decimal(value.strip()))
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise value_error()
    return value


def text(value: Value) -> str | None:
    """What TO_CHAR makes of it without a format, under the default NLS settings of the territory AMERICA."""
    if value is None or value == "":
        return None
    if value.__class__ is str:
        return value
    if value.__class__ is int:
        return str(value)
    if isinstance(value, (Decimal, float)):
        return _digits(value)
    if isinstance(value, datetime):
        day = value.strftime("%d-%b-%y").upper()
        if not value.microsecond and value.tzinfo is None:
            return day
        clock = value.strftime("%I.%M.%S.%f %p")
        if value.tzinfo is None:
            return f"{day} {clock}"
        offset = value.strftime("%z")
        return f"{day} {clock} {offset[:3]}:{offset[3:5]}"
    if isinstance(value, timedelta):
        sign = "-" if value < timedelta(0) else "+"
        value = abs(value)
        minutes, seconds = divmod(value.seconds, 60)
        return f"{sign}{value.days:09d} {minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{value.microseconds:06d}"
    if isinstance(value, bytes):
        return value.hex().upper()
    raise value_error()


def _digits(value: Decimal | float) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return "Nan"
        if value in (float("inf"), float("-inf")):
            return "Inf" if value > 0 else "-Inf"
        value = Decimal(repr(value))
    if not value:
        return "0"
    if not -40 < value.adjusted() < 40:
        mantissa, exponent = f"{value:.33E}".split("E")
        return f"{mantissa}E{int(exponent):+03d}"
    written = f"{value:f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return written.replace("0.", ".", 1) if written.startswith(("0.", "-0.")) else written


def date(value: Value) -> datetime | None:
    """A text is read by the default format DD-MON-RR; ORA-01858 and the like if it is no such date."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise value_error()
    found = re.fullmatch(r"\s*(\d{1,2})[-/. ]?([A-Za-z]{3,9})[-/. ]?(\d{2}|\d{4})\s*", value)
    if found is None:
        raise OracleError(1858)
    day, month, year = found[1], found[2][:3].title(), found[3]
    if len(year) == 2:
        year = str(2000 + int(year) if int(year) < 50 else 1900 + int(year))
    try:
        return datetime.strptime(f"{day}-{month}-{year}", "%d-%b-%Y")
    except ValueError:
        raise OracleError(1843) from None


# ---- Arithmetic


def _decimal(value: Value) -> Decimal:
    found = number(value)
    return Decimal(repr(found)) if isinstance(found, float) else Decimal(found)


def _calculated(operation: Callable[[Decimal, Decimal], Decimal], left: Value, right: Value) -> Value:
    try:
        return plain(operation(_decimal(left), _decimal(right)))
    except DivisionByZero:
        raise OracleError(1476) from None
    except Overflow:
        raise OracleError(1426) from None
    except InvalidOperation:
        raise value_error() from None


def add(left: Value, right: Value) -> Value:
    if left.__class__ is int and right.__class__ is int:
        return left + right
    if left is None or right is None:
        return None
    if isinstance(right, datetime):
        left, right = right, left
    if isinstance(left, datetime):
        return left + (right if isinstance(right, timedelta) else _days(right))
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left + right
    return _calculated(CONTEXT.add, left, right)


def _days(value: Value) -> timedelta:
    # Rounded to the second, as a DATE is.
    return timedelta(seconds=round(_decimal(value) * _DAY))


def subtract(left: Value, right: Value) -> Value:
    """The difference of two dates is a number of days."""
    if left.__class__ is int and right.__class__ is int:
        return left - right
    if left is None or right is None:
        return None
    if isinstance(left, datetime):
        if isinstance(right, datetime):
            seconds = timestamps(left, right).total_seconds()
            return plain(CONTEXT.divide(Decimal(repr(seconds)), _DAY))
        return left - (right if isinstance(right, timedelta) else _days(right))
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left - right
    return _calculated(CONTEXT.subtract, left, right)


def subtract_timestamps(left: Value, right: Value) -> Value:
    """The difference of two timestamps is an interval."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return timestamps(left, right)
    return subtract(left, right)


def timestamps(left: datetime, right: datetime) -> timedelta:
    return _aware(left) - _aware(right)


def _aware(value: datetime) -> datetime:
    # The time zone of the server and of its sessions is UTC.
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def multiply(left: Value, right: Value) -> Value:
    if left.__class__ is int and right.__class__ is int:
        return left * right
    if left is None or right is None:
        return None
    if isinstance(right, timedelta):
        left, right = right, left
    if isinstance(left, timedelta):
        return left * float(_decimal(right))
    return _calculated(CONTEXT.multiply, left, right)


def divide(left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, timedelta):
        divisor = float(_decimal(right))
        if not divisor:
            raise OracleError(1476)
        return left / divisor
    if not _decimal(right):
        raise OracleError(1476)
    return _calculated(CONTEXT.divide, left, right)


def power(left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    return _calculated(CONTEXT.power, left, right)


def modulo(left: Value, right: Value) -> Value:
    """MOD(n, 0) is n; the sign is that of the dividend."""
    if left is None or right is None:
        return None
    if not _decimal(right):
        return number(left)
    return _calculated(CONTEXT.remainder, left, right)


def negative(value: Value) -> Value:
    if value is None or isinstance(value, timedelta):
        return None if value is None else -value
    return -number(value)


def concatenate(left: Value, right: Value) -> str | None:
    """NULL is an empty string here."""
    return ((text(left) or "") + (text(right) or "")) or None


# ---- Conditions


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Both of one type: a number or a date beside a text makes that a number or a date too."""
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    if isinstance(left, datetime) or isinstance(right, datetime):
        return _aware(date(left)), _aware(date(right))  # type: ignore[arg-type]
    for kind in (bool, timedelta):
        if isinstance(left, kind) and isinstance(right, kind):
            return left, right
    if isinstance(left, bytes) or isinstance(right, bytes):
        return text(left), text(right)
    return number(left), number(right)


def equal(left: Value, right: Value) -> bool | None:
    if left is None or right is None:
        return None
    if type(left) is not type(right):
        left, right = _alike(left, right)
    return bool(left == right)


def unequal(left: Value, right: Value) -> bool | None:
    found = equal(left, right)
    return None if found is None else not found


def less(left: Value, right: Value) -> bool | None:
    if left is None or right is None:
        return None
    if left.__class__ is not right.__class__ or isinstance(left, datetime):
        left, right = _alike(left, right)
    return bool(left < right)


def less_equal(left: Value, right: Value) -> bool | None:
    more = greater(left, right)
    return None if more is None else not more


def greater(left: Value, right: Value) -> bool | None:
    if left is None or right is None:
        return None
    if left.__class__ is not right.__class__ or isinstance(left, datetime):
        left, right = _alike(left, right)
    return bool(left > right)


def greater_equal(left: Value, right: Value) -> bool | None:
    found = less(left, right)
    return None if found is None else not found


def padded(operation: Callable[[Value, Value], bool | None]) -> Callable[[Value, Value], bool | None]:
    """The comparison of two CHAR values: trailing blanks do not count."""

    def compare(left: Value, right: Value) -> bool | None:
        return operation(
            left.rstrip(" ") if isinstance(left, str) else left, right.rstrip(" ") if isinstance(right, str) else right
        )

    return compare


def negation(value: bool | None) -> bool | None:
    return None if value is None else not value


def both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def like(value: Value, pattern: Value, escape: Value = None) -> bool | None:
    """ORA-01424 if the escape character is not followed by what it can escape."""
    if value is None or pattern is None:
        return None
    return _pattern(str(text(pattern)), None if escape is None else str(escape)).fullmatch(str(text(value))) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str, escape: str | None) -> re.Pattern[str]:
    written = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            character = next(characters, "")
            if character not in ("%", "_", escape):
                raise OracleError(1424)
            written.append(re.escape(character))
        else:
            written.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.compile("".join(written), re.DOTALL)


ARITHMETIC = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "**": power, "MOD": modulo,
}  # fmt: skip
COMPARISONS = {
    "=": equal, "<>": unequal, "<": less, "<=": less_equal, ">": greater, ">=": greater_equal,
}  # fmt: skip
