# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions whose arguments decide their type: NVL, DECODE, TO_CHAR, ROUND and the like.

Source: the vendor's SQL Language Reference, "Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..values import Type
from . import date_formats
from .expr import (
    DATES,
    NULL,
    STAMPS,
    TEXTS,
    Expr,
    Pseudo,
    as_number,
    as_text,
    common,
    comparable,
    condition,
    convert,
    quote,
    text_size,
)
from .operators import choice
from .plain_calls import CONVERT, PLAIN, Arguments, count, plain
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

_V, _N, _D = Type.VARCHAR2, Type.NUMBER, Type.DATE


def _operands(c: Compiler, arguments: Arguments, scope: Scope, least: int, most: int, position: int) -> list[Expr]:
    count(arguments, least, most, position)
    return [c.operand(argument, scope) for argument in arguments]


def _nvl(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    first, second = _operands(c, arguments, scope, 2, 2, position)
    if first.kind is Pseudo.NULL:
        return second
    return _coalesced([first, second])


def _coalesced(parts: Sequence[Expr]) -> Expr:
    kind = common([part.kind for part in parts])
    converted = [convert(part, kind) for part in parts]
    size = max(text_size(part) for part in converted)
    return Expr(f"coalesce({', '.join(part.sql for part in converted)})", kind, size)


def _coalesce(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    return _coalesced(_operands(c, arguments, scope, 2, 1000, position))


def _nvl2(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    tested, filled, empty = _operands(c, arguments, scope, 3, 3, position)
    return choice([f"({tested.sql} IS NOT NULL)"], [filled, empty])


def _nullif(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    first, second = _operands(c, arguments, scope, 2, 2, position)
    left, right = comparable(first, second)
    return Expr(f"nullif({left.sql}, {right.sql})", left.kind, left.size)


def _decode(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    """NULL matches NULL; types are those of the first search and of the first result, where NULL counts as text."""
    subject, *pairs = _operands(c, arguments, scope, 3, 255, position)
    searches, results = pairs[0 : len(pairs) // 2 * 2 : 2], pairs[1::2]
    default = pairs[-1] if len(pairs) % 2 else NULL
    compared = searches[0].kind if searches[0].kind is not Pseudo.NULL else subject.kind
    if compared in DATES and subject.kind in DATES:
        compared = subject.kind
    left = convert(subject, compared)
    tests = [f"({left.sql} IS {convert(search, compared).sql})" for search in searches]
    first = results[0].kind
    kind = Type.VARCHAR2 if first is Pseudo.NULL and any(r.kind is not Pseudo.NULL for r in results) else first
    return choice(tests, [*results, default], common([default.kind]) if kind is Pseudo.NULL else kind)


def _extreme(sqlite: str) -> Callable[[Compiler, Arguments, Scope, int], Expr]:
    def build(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
        operands = _operands(c, arguments, scope, 1, 1000, position)
        kind = common([operand.kind for operand in operands])
        texts = [convert(operand, kind).sql for operand in operands]
        return Expr(f"{sqlite}({', '.join(texts)})", kind, max(text_size(operand) for operand in operands))

    return build


def _to_char(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    operand, *rest = _operands(c, arguments, scope, 1, 3, position)
    if not rest or (rest[0].kind is Pseudo.NULL and operand.kind in TEXTS):
        return as_text(operand)
    model = as_text(rest[0]).sql
    size = max(2 * len(rest[0].literal) + 10, 20) if isinstance(rest[0].literal, str) else 100
    if operand.kind is Type.DATE:
        return Expr(f"o_date_text({operand.sql}, {model})", _V, size)
    if operand.kind in STAMPS:
        return Expr(f"o_timestamp_text({operand.sql}, {model})", _V, size)
    if operand.kind is Type.INTERVAL_DS:
        return as_text(operand)
    return Expr(f"o_num_format({as_number(operand).sql}, {model})", _V, size)


def _to_moment(kind: Type, sqlite: str, default: str) -> Callable[[Compiler, Arguments, Scope, int], Expr]:
    def build(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
        operand, *rest = _operands(c, arguments, scope, 1, 3, position)
        model = as_text(rest[0]).sql if rest else quote(default)
        if operand.kind in STAMPS and kind in STAMPS:
            return convert(operand, kind)
        # A date goes through a text by the default format, and loses its time by it.
        return Expr(f"{sqlite}({as_text(operand).sql}, {model})", kind, 7 if kind is Type.DATE else 11)

    return build


def _to_number(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    operand, *rest = _operands(c, arguments, scope, 1, 3, position)
    if rest and operand.kind in TEXTS:
        return Expr(f"o_num_parse({operand.sql}, {as_text(rest[0]).sql})", _N, 22)
    return as_number(operand)


def _rounding(number: str, date: str) -> Callable[[Compiler, Arguments, Scope, int], Expr]:
    def build(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
        operand, *rest = _operands(c, arguments, scope, 1, 2, position)
        if operand.kind in DATES:
            unit = f", {as_text(rest[0]).sql}" if rest else ""
            return Expr(f"{date}({operand.sql}{unit})", _D, 7)
        places = f", {as_number(rest[0]).sql}" if rest else ""
        return Expr(f"{number}({as_number(operand).sql}{places})", _N, 22)

    return build


def _trimming(sqlite: str) -> Callable[[Compiler, Arguments, Scope, int], Expr]:
    def build(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
        operand, *rest = _operands(c, arguments, scope, 1, 2, position)
        characters = as_text(rest[0]).sql if rest else "' '"
        return Expr(f"{sqlite}({as_text(operand).sql}, {characters})", _V, text_size(operand))

    return build


def _months(sqlite: str, arguments_of: str) -> Callable[[Compiler, Arguments, Scope, int], Expr]:
    def build(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
        operands = _operands(c, arguments, scope, len(arguments_of), len(arguments_of), position)
        texts = [CONVERT[letter](operand).sql for letter, operand in zip(arguments_of, operands, strict=True)]
        return Expr(f"{sqlite}({', '.join(texts)})", Pseudo.MONTHS)

    return build


def _regexp_like(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    operands = _operands(c, arguments, scope, 2, 3, position)
    return condition(f"o_regexp_like({', '.join(as_text(operand).sql for operand in operands)})", position)


def _lnnvl(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    count(arguments, 1, 1, position)
    return condition(f"(NOT ifnull({c.condition(arguments[0], scope)}, 0))")


def _rawtonhex(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    return plain(c, PLAIN["RAWTOHEX"], arguments, scope, position)


def _binary_double(c: Compiler, arguments: Arguments, scope: Scope, position: int) -> Expr:
    return Expr(
        f"CAST({as_number(_operands(c, arguments, scope, 1, 3, position)[0]).sql} AS REAL)", Type.BINARY_DOUBLE, 8
    )


SPECIAL: dict[str, Callable[[Compiler, Arguments, Scope, int], Expr]] = {
    "NVL": _nvl,
    "NVL2": _nvl2,
    "COALESCE": _coalesce,
    "NULLIF": _nullif,
    "DECODE": _decode,
    "GREATEST": _extreme("o_greatest"),
    "LEAST": _extreme("o_least"),
    "TO_CHAR": _to_char,
    "TO_NCHAR": _to_char,
    "TO_DATE": _to_moment(Type.DATE, "o_to_date", date_formats.DATE_FORMAT),
    "TO_TIMESTAMP": _to_moment(Type.TIMESTAMP, "o_to_timestamp", date_formats.TIMESTAMP_FORMAT),
    "TO_TIMESTAMP_TZ": _to_moment(Type.TIMESTAMP_TZ, "o_to_timestamp", date_formats.TIMESTAMP_TZ_FORMAT),
    "TO_NUMBER": _to_number,
    "TO_BINARY_DOUBLE": _binary_double,
    "TO_BINARY_FLOAT": _binary_double,
    "ROUND": _rounding("o_round", "o_date_round"),
    "TRUNC": _rounding("o_trunc", "o_date_trunc"),
    "LTRIM": _trimming("o_ltrim"),
    "RTRIM": _trimming("o_rtrim"),
    "NUMTOYMINTERVAL": _months("o_months", "NS"),
    "TO_YMINTERVAL": _months("o_to_months", "S"),
    "REGEXP_LIKE": _regexp_like,
    "LNNVL": _lnnvl,
    "NANVL": _nvl,
    "RAWTONHEX": _rawtonhex,
}
