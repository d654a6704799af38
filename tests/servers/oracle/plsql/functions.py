# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in functions that are cheap to evaluate here; everything else of SQL is asked of the SQL engine.

Source of the rules: the vendor's SQL Language Reference, "Functions", and PL/SQL Language Reference, "SQL Functions in
PL/SQL Expressions".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from ..errors import OracleError
from ..values import Value
from . import datatypes as kinds
from . import operators
from .datatypes import Scalar
from .operators import CONTEXT, number, text, value_error


class NotHere(Exception):
    """These arguments need the SQL engine, such as a format."""


@dataclass(frozen=True)
class Function:
    """``strict``: NULL as soon as one argument is. ``kind`` None is the type of the first argument."""

    least: int
    most: int
    run: Callable[..., Value]
    kind: Scalar | None
    strict: bool = True


def _text(value: Value) -> str:
    return str(text(value))


def _integer(value: Value) -> int:
    found = number(value)
    return found if found.__class__ is int else int(Decimal(found).to_integral_value(rounding=ROUND_DOWN))


def _number(value: Value) -> Value:
    """ORA-06502 for what is none; a date is for the SQL engine."""
    if isinstance(value, datetime):
        raise NotHere
    return number(value)


def _decimal(value: Value) -> Decimal:
    found = _number(value)
    return Decimal(repr(found)) if isinstance(found, float) else Decimal(found)


def _substr(value: Value, start: Value, length: Value = "") -> Value:
    whole = _text(value)
    begin = _integer(start)
    at = begin - 1 if begin > 0 else len(whole) + begin if begin else 0
    if at < 0:
        return None
    if length == "":
        return whole[at:]
    wanted = _integer(length)
    return whole[at : at + wanted] if wanted > 0 else None


def _instr(value: Value, part: Value, start: Value = 1, occurrence: Value = 1) -> Value:
    whole, wanted = _text(value), _text(part)
    begin, times = _integer(start), _integer(occurrence)
    if not begin or times < 1:
        return 0
    at = begin - 2 if begin > 0 else len(whole) + begin + 1
    for _time in range(times):
        at = whole.find(wanted, at + 1) if begin > 0 else whole.rfind(wanted, 0, max(at - 1 + len(wanted), 0))
        if at < 0:
            return 0
    return at + 1


def _pad(left: bool) -> Callable[..., Value]:
    def pad(value: Value, length: Value, filler: Value = " ") -> Value:
        whole, wanted, fill = _text(value), _integer(length), _text(filler)
        if wanted <= 0:
            return None
        if len(whole) >= wanted:
            return whole[:wanted]
        missing = wanted - len(whole)
        filling = (fill * (missing // len(fill) + 1))[:missing]
        return filling + whole if left else whole + filling

    return pad


def _replace(value: Value, old: Value, new: Value = None) -> Value:
    if value is None or old is None:
        return text(value)
    return _text(value).replace(_text(old), text(new) or "")


def _translate(value: Value, old: Value, new: Value) -> Value:
    fresh = _text(new)
    table: dict[int, str | None] = {}
    for at, character in enumerate(_text(old)):
        table.setdefault(ord(character), fresh[at] if at < len(fresh) else None)
    return _text(value).translate(table)


def _round(mode: str) -> Callable[..., Value]:
    def rounded(value: Value, digits: Value = 0) -> Value:
        if isinstance(value, datetime):
            if mode == ROUND_DOWN and digits == 0:
                return value.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
            raise NotHere
        if value.__class__ is int and digits == 0:
            return value
        step = Decimal(1).scaleb(-_integer(digits))
        exact = _decimal(value)
        if exact.adjusted() + _integer(digits) > 38:
            return operators.plain(exact)
        return operators.plain((exact / step).to_integral_value(rounding=mode) * step)

    return rounded


def _whole(mode: str) -> Callable[[Value], Value]:
    def whole(value: Value) -> Value:
        return int(_decimal(value).to_integral_value(rounding=mode))

    return whole


def _greatest(*values: Value) -> Value:
    found = values[0]
    for value in values[1:]:
        if operators.less(found, value):
            found = value
    return found


def _least(*values: Value) -> Value:
    found = values[0]
    for value in values[1:]:
        if operators.less(value, found):
            found = value
    return found


def _to_char(value: Value, *options: Value) -> Value:
    if options or isinstance(value, datetime):
        raise NotHere
    return text(value)


def _to_number(value: Value, *options: Value) -> Value:
    if options:
        raise NotHere
    return number(value)


def _sqrt(value: Value) -> Value:
    exact = _decimal(value)
    if exact < 0:
        raise value_error()
    return operators.plain(CONTEXT.sqrt(exact))


def _nullif(left: Value, right: Value) -> Value:
    return None if operators.equal(left, right) else left


def _chr(value: Value) -> Value:
    code = _integer(value)
    if not 0 <= code < 0x110000:
        raise OracleError(1426)
    return chr(code)


def _bitand(left: Value, right: Value) -> Value:
    return _integer(left) & _integer(right)


def _sysdate() -> datetime:
    # The time zone of the server is UTC.
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def _to_raw(value: Value) -> Value:
    return kinds.RAW.assign(value)


FUNCTIONS = {
    "ABS": Function(1, 1, lambda value: abs(_number(value)), kinds.NUMBER),
    "ASCII": Function(1, 1, lambda value: ord(_text(value)[0]), kinds.NUMBER),
    "BITAND": Function(2, 2, _bitand, kinds.NUMBER),
    "CEIL": Function(1, 1, _whole(ROUND_CEILING), kinds.NUMBER),
    "CHR": Function(1, 1, _chr, kinds.VARCHAR2),
    "CONCAT": Function(2, 2, operators.concatenate, kinds.VARCHAR2, strict=False),
    "FLOOR": Function(1, 1, _whole(ROUND_FLOOR), kinds.NUMBER),
    "GREATEST": Function(1, 255, _greatest, None),
    "HEXTORAW": Function(1, 1, _to_raw, kinds.RAW),
    "INITCAP": Function(1, 1, lambda value: _text(value).title(), kinds.VARCHAR2),
    "INSTR": Function(2, 4, _instr, kinds.NUMBER),
    "LEAST": Function(1, 255, _least, None),
    "LENGTH": Function(1, 1, lambda value: len(_text(value)), kinds.NUMBER),
    "LENGTHB": Function(1, 1, lambda value: len(_text(value).encode()), kinds.NUMBER),
    "LOWER": Function(1, 1, lambda value: _text(value).lower(), kinds.VARCHAR2),
    "LPAD": Function(2, 3, _pad(left=True), kinds.VARCHAR2),
    "LTRIM": Function(1, 2, lambda value, cut=" ": _text(value).lstrip(_text(cut)), kinds.VARCHAR2),
    "MOD": Function(2, 2, operators.modulo, kinds.NUMBER),
    "NULLIF": Function(2, 2, _nullif, None, strict=False),
    "NVL": Function(2, 2, lambda value, other: other if value is None else value, None, strict=False),
    "POWER": Function(2, 2, operators.power, kinds.NUMBER),
    "RAWTOHEX": Function(1, 1, lambda value: text(_to_raw(value)), kinds.VARCHAR2),
    "REPLACE": Function(2, 3, _replace, kinds.VARCHAR2, strict=False),
    "ROUND": Function(1, 2, _round(ROUND_HALF_UP), None),
    "RPAD": Function(2, 3, _pad(left=False), kinds.VARCHAR2),
    "RTRIM": Function(1, 2, lambda value, cut=" ": _text(value).rstrip(_text(cut)), kinds.VARCHAR2),
    "SIGN": Function(1, 1, lambda value: (_number(value) > 0) - (_number(value) < 0), kinds.NUMBER),
    "SQRT": Function(1, 1, _sqrt, kinds.NUMBER),
    "SUBSTR": Function(2, 3, _substr, kinds.VARCHAR2),
    "SYSDATE": Function(0, 0, _sysdate, kinds.DATE),
    "TO_CHAR": Function(1, 3, _to_char, kinds.VARCHAR2),
    "TO_NUMBER": Function(1, 3, _to_number, kinds.NUMBER),
    "TRANSLATE": Function(3, 3, _translate, kinds.VARCHAR2),
    "TRIM": Function(1, 2, lambda value, cut=" ": _text(value).strip(_text(cut)), kinds.VARCHAR2),
    "TRUNC": Function(1, 2, _round(ROUND_DOWN), None),
    "UPPER": Function(1, 1, lambda value: _text(value).upper(), kinds.VARCHAR2),
}  # fmt: skip

# What the SQL engine evaluates for PL/SQL, with the type of the result. A condition has BOOLEAN.
SQL_FUNCTIONS = {
    "ADD_MONTHS": kinds.DATE,
    "COS": kinds.NUMBER,
    "CURRENT_DATE": kinds.DATE,
    "CURRENT_TIMESTAMP": kinds.TIMESTAMP_TZ,
    "DBTIMEZONE": kinds.VARCHAR2,
    "EXP": kinds.NUMBER,
    "FROM_TZ": kinds.TIMESTAMP_TZ,
    "LAST_DAY": kinds.DATE,
    "LN": kinds.NUMBER,
    "LOCALTIMESTAMP": kinds.TIMESTAMP,
    "LOG": kinds.NUMBER,
    "MONTHS_BETWEEN": kinds.NUMBER,
    "NEXT_DAY": kinds.DATE,
    "NUMTODSINTERVAL": kinds.INTERVAL,
    "REGEXP_COUNT": kinds.NUMBER,
    "REGEXP_INSTR": kinds.NUMBER,
    "REGEXP_LIKE": kinds.BOOLEAN,
    "REGEXP_REPLACE": kinds.VARCHAR2,
    "REGEXP_SUBSTR": kinds.VARCHAR2,
    "SESSIONTIMEZONE": kinds.VARCHAR2,
    "SIN": kinds.NUMBER,
    "SYSTIMESTAMP": kinds.TIMESTAMP_TZ,
    "SYS_CONTEXT": kinds.VARCHAR2,
    "SYS_EXTRACT_UTC": kinds.TIMESTAMP,
    "SYS_GUID": kinds.RAW,
    "TAN": kinds.NUMBER,
    "TO_DATE": kinds.DATE,
    "TO_DSINTERVAL": kinds.INTERVAL,
    "TO_TIMESTAMP": kinds.TIMESTAMP,
    "TO_TIMESTAMP_TZ": kinds.TIMESTAMP_TZ,
    "UID": kinds.NUMBER,
    "USERENV": kinds.VARCHAR2,
}
# Functions without parentheses, where they have no arguments.
BARE = frozenset(
    ["CURRENT_DATE", "CURRENT_TIMESTAMP", "DBTIMEZONE", "LOCALTIMESTAMP", "SESSIONTIMEZONE", "SYSTIMESTAMP", "UID"]
)
# What a SQL statement can use, and PL/SQL cannot: PLS-00204.
ONLY_SQL = frozenset(
    "AVG COUNT DECODE DENSE_RANK DUMP FIRST_VALUE LAG LAST_VALUE LEAD LISTAGG LNNVL MAX MEDIAN MIN NVL2 ORA_HASH RANK "
    "ROW_NUMBER STDDEV SUM VARIANCE VSIZE".split()
)
