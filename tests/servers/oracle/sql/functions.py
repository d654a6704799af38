# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle's functions as functions of SQLite, under names that begin with ``o_``.

SQLite tells nothing of an exception in a function but that there was one: ``failure()`` keeps it for the engine.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..errors import OracleError
from . import date_formats, dates, numbers, strings
from .aggregates import AGGREGATES
from .failures import keep
from .interface import Context, Function

Scalar = Any


class Running(threading.local):
    """The statement that runs now, for functions that depend on it. One at a time in a thread."""

    context: Context = Context()
    now_days: float = 0.0
    functions: tuple[Function, ...] = ()


running = Running()


def _strict(function: Callable[..., Scalar], needed: int | None = None) -> Callable[..., Scalar]:
    """NULL where an argument is NULL (of the first ``needed`` ones), and for an empty string."""

    def call(*arguments: Scalar) -> Scalar:
        if None in (arguments if needed is None else arguments[:needed]):
            return None
        try:
            result = function(*arguments)
        except Exception as error:
            keep(error)
            raise
        return None if result == "" else result

    return call


def _open(function: Callable[..., Scalar]) -> Callable[..., Scalar]:
    return _strict(function, 0)


def _number_text(value: float | str) -> str:
    return value if isinstance(value, str) else numbers.to_text(value)


def divide(left: float, right: float) -> float:
    if right == 0:
        raise OracleError(1476)
    result = left / right
    return int(result) if result.is_integer() and abs(result) < 2**53 else result


def modulo(left: float, right: float) -> float:
    """The sign is that of the dividend, and MOD(n, 0) is n."""
    if right == 0:
        return left
    if isinstance(left, int) and isinstance(right, int):
        return int(math.fmod(left, right)) if abs(left) < 2**53 else abs(left) % abs(right) * (1 if left > 0 else -1)
    return numbers.clean(math.fmod(left, right))


def round_half_up(value: float, places: float = 0) -> float:
    """Half away from zero, on the decimal number that is meant."""
    places = int(places)
    if isinstance(value, int) and places >= 0:
        return value
    scale = 10.0**places
    scaled = numbers.clean(abs(value) * scale)
    result = math.floor(scaled + 0.5) / scale
    return numbers.clean(math.copysign(result, value))


def truncate(value: float, places: float = 0) -> float:
    if isinstance(value, int) and places >= 0:
        return value
    scale = 10.0 ** int(places)
    return numbers.clean(math.copysign(math.floor(numbers.clean(abs(value) * scale)) / scale, value))


def _ceil(value: float) -> int:
    return math.ceil(numbers.clean(value))


def _floor(value: float) -> int:
    return math.floor(numbers.clean(value))


def _power(base: float, exponent: float) -> float:
    if base < 0 and not float(exponent).is_integer():
        raise OracleError(1428, numbers.to_text(base))
    try:
        result = base**exponent
    except ZeroDivisionError:
        raise OracleError(1476) from None
    except OverflowError:
        raise OracleError(1426) from None
    return result if isinstance(result, int) and abs(result) < 2**63 else numbers.clean(float(result))


def _logarithm(base: float, value: float) -> float:
    if base <= 0 or base == 1 or value <= 0:
        raise OracleError(1428, numbers.to_text(value if value <= 0 else base))
    return numbers.clean(math.log(value) / math.log(base))


def _positive(function: Callable[[float], float]) -> Callable[[float], float]:
    def call(value: float) -> float:
        try:
            return numbers.clean(function(value))
        except (ValueError, OverflowError):
            raise OracleError(1428, numbers.to_text(value)) from None

    return call


def _binary(value: str) -> bytes:
    text = value.strip()
    if not re.fullmatch(r"[0-9A-Fa-f]*", text):
        raise OracleError(1465)
    return bytes.fromhex(text.rjust(len(text) + len(text) % 2, "0"))


def _date_text(days: float, model: str) -> str:
    return date_formats.format_date(dates.to_date(days), model)


def _timestamp_text(days: float, model: str) -> str:
    return date_formats.format_date(dates.to_datetime(days), model)


def _to_date(text: str, model: str) -> float:
    moment = date_formats.parse_date(text, model, _today())
    return dates.from_datetime(moment.replace(microsecond=0))


def _to_timestamp(text: str, model: str) -> float:
    return dates.from_datetime(date_formats.parse_date(text, model, _today()))


def _today() -> datetime:
    return dates.to_date(running.now_days)


def _interval(amount: float, unit: str) -> float:
    size = {"DAY": 1.0, "HOUR": 1 / 24, "MINUTE": 1 / 1440, "SECOND": 1 / dates.DAY_SECONDS}
    try:
        return amount * size[unit.strip().upper()]
    except KeyError:
        raise OracleError(1760) from None


def _months(amount: float, unit: str) -> int:
    name = unit.strip().upper()
    if name not in ("YEAR", "MONTH"):
        raise OracleError(1760)
    return round(amount * (12 if name == "YEAR" else 1))


def _parse_months(text: str) -> int:
    found = re.fullmatch(r"\s*([+-]?)(\d+)-(\d+)\s*", text)
    if found is None:
        raise OracleError(1867)
    return (int(found[2]) * 12 + int(found[3])) * (-1 if found[1] == "-" else 1)


def _zone(days: float, offset: str, sign: float) -> float:
    found = re.fullmatch(r"\s*(?:UTC|GMT|Z|([+-]?)(\d{1,2}):(\d{2}))\s*", offset, re.IGNORECASE)
    if found is None:
        raise OracleError(1882)
    minutes = (int(found[2]) * 60 + int(found[3])) * (-1 if found[1] == "-" else 1) if found[2] else 0
    return days + sign * minutes / 1440


def _character(code: float) -> str:
    return chr(int(code) % 256 if code < 256 else int(code))


def _hash(value: Scalar, maximum: float = 4294967295, seed: float = 0) -> int:
    digest = hashlib.md5(f"{seed}:{value}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big") % (int(maximum) + 1)


def _standard_hash(value: Scalar, method: str = "SHA1") -> bytes:
    data = value if isinstance(value, bytes) else str(value).encode()
    return hashlib.new(method.strip().lower(), data, usedforsecurity=False).digest()


def _greatest(*values: Scalar) -> Scalar:
    return max(values)


def _least(*values: Scalar) -> Scalar:
    return min(values)


def _cast_text(text: str, size: float) -> str:
    return text[: int(size)]


def _cast_number(value: float, precision: float, scale: float) -> float:
    result = round_half_up(value, scale)
    if abs(result) >= 10.0 ** (precision - scale):
        raise OracleError(1438)
    return result


def _sys_context(namespace: str, name: str) -> str | None:
    context = running.context
    space, parameter = namespace.strip().upper(), name.strip().upper()
    if context.sys_context is not None:
        value = context.sys_context(space, parameter)
        if value is not None:
            return value
    if space != "USERENV":
        return None
    return {
        "SESSION_USER": context.user,
        "CURRENT_USER": context.user,
        "SESSION_USERID": str(context.user_id),
        "CURRENT_USERID": str(context.user_id),
        "CURRENT_SCHEMA": context.schema or context.user,
        "INSTANCE": str(context.inst_id),
        "CON_ID": str(context.con_id),
        "LANG": "US",
        "LANGUAGE": "AMERICAN_AMERICA.AL32UTF8",
        "NLS_TERRITORY": "AMERICA",
        "NLS_DATE_FORMAT": date_formats.DATE_FORMAT,
    }.get(parameter)


def _store(value: Scalar, code: str, size: int, precision: int, scale: int, missing: int, name: str) -> Scalar:
    """A value on its way into a column: ORA-12899, ORA-01438, and ``missing`` for NULL unless that is 0."""
    if value is None:
        if missing:
            raise OracleError(missing, name)
        return None
    if code == "S" and len(value.encode()) > size:
        raise OracleError(12899, name, len(value.encode()), size)
    if code == "N" and precision:
        return _cast_number(value, precision, max(scale, -84) if scale != -127 else 0)
    return value


_ROWID_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def rowid_text(rowid: int) -> str:
    """ROWID as text: 6 digits for the object, 3 for the file, 9 for block and row."""
    digits = "".join(_ROWID_DIGITS[rowid >> shift & 63] for shift in range(48, -1, -6))
    return "AAAAAAAAB" + digits


def _called(index: int, *arguments: Scalar) -> Scalar:
    return running.functions[index].call(*arguments)


def _raise(code: int) -> None:
    raise OracleError(code)


# Name, number of arguments (-1: any), function. All of them give equal results for equal arguments during a statement.
_SCALARS: tuple[tuple[str, int, Callable[..., Scalar]], ...] = (
    ("o_num", 1, _strict(numbers.to_number)),
    ("o_text", 1, _strict(_number_text)),
    ("o_num_format", 2, _strict(numbers.format_number)),
    ("o_num_parse", 2, _strict(numbers.parse)),
    ("o_div", 2, _strict(divide)),
    ("o_mod", 2, _strict(modulo)),
    ("o_round", -1, _strict(round_half_up)),
    ("o_trunc", -1, _strict(truncate)),
    ("o_ceil", 1, _strict(_ceil)),
    ("o_floor", 1, _strict(_floor)),
    ("o_power", 2, _strict(_power)),
    ("o_sqrt", 1, _strict(_positive(math.sqrt))),
    ("o_exp", 1, _strict(_positive(math.exp))),
    ("o_ln", 1, _strict(_positive(math.log))),
    ("o_log", 2, _strict(_logarithm)),
    ("o_greatest", -1, _strict(_greatest)),
    ("o_least", -1, _strict(_least)),
    ("o_upper", 1, _strict(str.upper)),
    ("o_lower", 1, _strict(str.lower)),
    ("o_initcap", 1, _strict(strings.initcap)),
    ("o_substr", -1, _strict(strings.substr)),
    ("o_instr", -1, _strict(strings.instr)),
    ("o_lpad", -1, _strict(strings.pad_left)),
    ("o_rpad", -1, _strict(strings.pad_right)),
    ("o_ltrim", -1, _strict(str.lstrip)),
    ("o_rtrim", -1, _strict(str.rstrip)),
    ("o_trim", -1, _strict(str.strip)),
    ("o_replace", -1, _strict(lambda text, old, new=None: text.replace(old, new or "") if old else text, 1)),
    ("o_translate", 3, _strict(strings.translate)),
    ("o_reverse", 1, _strict(lambda text: text[::-1])),
    ("o_soundex", 1, _strict(strings.soundex)),
    ("o_lengthb", 1, _strict(lambda value: len(value if isinstance(value, bytes) else str(value).encode()))),
    ("o_ascii", 1, _strict(lambda text: ord(text[0]))),
    ("o_chr", 1, _strict(_character)),
    ("o_regexp_like", -1, _strict(strings.regexp_like, 2)),
    ("o_regexp_substr", -1, _strict(strings.regexp_substr, 4)),
    ("o_regexp_instr", -1, _strict(strings.regexp_instr, 5)),
    ("o_regexp_count", -1, _strict(strings.regexp_count, 3)),
    ("o_regexp_replace", -1, _strict(strings.regexp_replace, 2)),
    ("o_hextoraw", 1, _strict(_binary)),
    ("o_raw_text", 1, _strict(lambda raw: raw.decode("utf-8", "replace"))),
    ("o_text_raw", 1, _strict(str.encode)),
    ("o_hash", -1, _open(_hash)),
    ("o_standard_hash", -1, _strict(_standard_hash)),
    ("o_date_text", 2, _strict(_date_text)),
    ("o_timestamp_text", 2, _strict(_timestamp_text)),
    ("o_interval_text", -1, _strict(dates.interval_text)),
    ("o_to_date", 2, _strict(_to_date)),
    ("o_to_timestamp", 2, _strict(_to_timestamp)),
    ("o_to_interval", -1, _strict(dates.parse_interval)),
    ("o_to_months", 1, _strict(_parse_months)),
    ("o_interval", 2, _strict(_interval)),
    ("o_months", 2, _strict(_months)),
    ("o_zone", 3, _strict(_zone)),
    ("o_add_months", 2, _strict(dates.add_months)),
    ("o_months_between", 2, _strict(dates.months_between)),
    ("o_last_day", 1, _strict(dates.last_day)),
    ("o_next_day", 2, _strict(dates.next_day)),
    ("o_date_trunc", -1, _strict(lambda days, unit="DD": dates.truncate(days, unit.upper()))),
    ("o_date_round", -1, _strict(lambda days, unit="DD": dates.round_(days, unit.upper()))),
    ("o_part", 2, _strict(dates.part)),
    ("o_interval_part", 2, _strict(dates.interval_part)),
    ("o_cast_text", 2, _strict(_cast_text)),
    ("o_cast_number", 3, _strict(_cast_number)),
    ("o_sys_context", -1, _strict(_sys_context, 2)),
    ("o_store", 7, _open(_store)),
    ("o_rowid", 1, _strict(rowid_text)),
    ("o_call_fixed", -1, _open(_called)),
)
# These are called for every row.
_VOLATILE: tuple[tuple[str, int, Callable[..., Scalar]], ...] = (
    ("o_call", -1, _open(_called)),
    ("o_raise", 1, _open(_raise)),
    ("o_guid", 0, _open(lambda: os.urandom(16))),
    ("o_random", -1, _open(lambda low=0, high=1: low + (high - low) * int.from_bytes(os.urandom(6), "big") / 2**48)),
)


def install(connection: sqlite3.Connection) -> None:
    """Register all functions; also makes LIKE case-sensitive, as Oracle's is."""
    for name, count, function in _SCALARS:
        connection.create_function(name, count, function, deterministic=True)
    for name, count, function in _VOLATILE:
        connection.create_function(name, count, function)
    for name, aggregate in AGGREGATES.items():
        connection.create_window_function(name, -1, aggregate)
    connection.execute("PRAGMA case_sensitive_like = ON")
