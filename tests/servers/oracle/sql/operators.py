# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators over ready expressions."""

from __future__ import annotations

from collections.abc import Sequence

from ..values import Type
from .expr import STAMPS, Expr, Kind, Pseudo, as_number, as_text, common, comparable, convert, text_size

# SQLite lets an expression be 1000 deep.
_WIDE = 100


def connect(word: str, tests: Sequence[str]) -> str:
    """AND or OR over any number of conditions."""
    parts = list(tests)
    while len(parts) > _WIDE:
        parts = [f"({f' {word} '.join(parts[at : at + _WIDE])})" for at in range(0, len(parts), _WIDE)]
    return "(" + f" {word} ".join(parts) + ")"


def compare(left: Expr, operator: str, right: Expr) -> str:
    left, right = comparable(left, right)
    return f"({left.sql} {operator} {right.sql})"


def choice(tests: Sequence[str], results: Sequence[Expr], kind: Kind | None = None) -> Expr:
    """CASE over ready tests; ``results`` has the default last."""
    kind = kind or common([result.kind for result in results])
    converted = [convert(result, kind) for result in results]
    branches = " ".join(f"WHEN {test} THEN {result.sql}" for test, result in zip(tests, converted, strict=False))
    size = max(text_size(result) for result in results)
    return Expr(f"(CASE {branches} ELSE {converted[-1].sql} END)", kind, size)


def concatenate(parts: Sequence[Expr]) -> Expr:
    """``||``: NULL is an empty string, and an empty result is NULL."""
    texts = [as_text(part) for part in parts]
    sure = any(isinstance(text.literal, str) for text in texts)
    joined = " || ".join(text.sql if isinstance(text.literal, str) else f"ifnull({text.sql}, '')" for text in texts)
    size = sum(text_size(part) for part in parts)
    return Expr(f"({joined})" if sure else f"nullif({joined}, '')", Type.VARCHAR2, min(max(size, 1), 4000))


def date_difference(left: Expr, right: Expr) -> Expr:
    if left.kind in STAMPS or right.kind in STAMPS:
        return Expr(f"({left.sql} - {right.sql})", Type.INTERVAL_DS, 11)
    return Expr(f"(round(({left.sql} - {right.sql}) * 86400.0) / 86400.0)", Type.NUMBER, 22)


def date_shift(date: Expr, by: Expr, sign: str) -> Expr:
    if by.kind is Pseudo.MONTHS:
        shifted = f"o_add_months({date.sql}, {'' if sign == '+' else '-'}({by.sql}))"
        return Expr(shifted, date.kind, date.size)
    if by.kind is Type.INTERVAL_DS:
        moved = f"({date.sql} {sign} {by.sql})"
        return Expr(moved, date.kind, date.size) if date.kind in STAMPS else whole_seconds(moved)
    amount = as_number(by)
    moved = f"({date.sql} {sign} {amount.sql})"
    # With a number, a timestamp becomes a date.
    if isinstance(amount.literal, int) and date.kind is Type.DATE:
        return Expr(moved, Type.DATE, 7)
    return whole_seconds(moved)


def whole_seconds(sql: str) -> Expr:
    return Expr(f"(round({sql} * 86400.0) / 86400.0)", Type.DATE, 7)
