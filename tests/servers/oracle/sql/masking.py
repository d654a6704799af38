# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrites a statement, without moving anything, so that sqlglot sees its grammar and nothing else.

sqlglot knows the words of twenty dialects and gives many of them a meaning of its own. So every word that is not
grammar at its place gets another first character, which makes it a plain identifier; literals and bind variables
become identifiers of one private character each, filled up with blanks. Offsets stay those of the client's text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ..errors import OracleError
from ..lexer import Token, tokens
from ..values import Type
from . import date_formats, dates

_WORD = 0xE000
_BIND = 0xF0000
_LITERAL = 0x100000

# Words that are grammar wherever they stand as a word of their own.
_ALWAYS = frozenset(
    """SELECT FROM WHERE AND OR NOT IN EXISTS ANY SOME ALL ON USING VALUES AS BY WITH BETWEEN LIKE ESCAPE THEN ELSE WHEN CASE
    END UNION INTERSECT MINUS SET INTO JOIN FOR GROUP ORDER HAVING DISTINCT UNIQUE CONNECT_BY_ROOT IS NULL PRIOR UPDATE DELETE
    INSERT MERGE ASC DESC OF""".split()
)
_TYPES = frozenset(
    """VARCHAR2 VARCHAR CHAR CHARACTER NVARCHAR2 NCHAR NUMBER INTEGER INT SMALLINT FLOAT REAL DECIMAL DEC NUMERIC DATE TIMESTAMP
    RAW CLOB NCLOB BLOB BINARY_DOUBLE BINARY_FLOAT""".split()
)
_UNITS = ("DAY", "HOUR", "MINUTE", "SECOND")
_FRAME = ("BETWEEN", "UNBOUNDED", "CURRENT")


@dataclass(frozen=True)
class Literal:
    """A literal: its type (None for the empty string, which is NULL; "MONTHS" for a year to month interval)."""

    type: Type | str | None
    value: str | float | None


@dataclass
class Masked:
    text: str
    tokens: list[Token]
    literals: list[Literal] = field(default_factory=list)
    binds: list[Token] = field(default_factory=list)
    # LISTAGG(... ON OVERFLOW TRUNCATE) somewhere.
    truncates: bool = False

    def bind_at(self, name: str) -> int | None:
        """Which bind variable an identifier stands for."""
        code = ord(name[0]) - _BIND if name else -1
        return code if 0 <= code < len(self.binds) else None

    def literal(self, name: str) -> Literal | None:
        code = ord(name[0]) - _LITERAL if name else -1
        return self.literals[code] if 0 <= code < len(self.literals) else None

    def stands_for_value(self, name: str) -> bool:
        """Whether an identifier is really a literal or a bind variable."""
        return self.bind_at(name) is not None or self.literal(name) is not None


def unmask(name: str) -> str:
    """The name behind a masked identifier, in upper case."""
    code = ord(name[0]) - _WORD if name else -1
    return (chr(code) + name[1:] if 0 <= code < 0x100 else name).upper()


def readable(text: str, masked: Masked) -> str:
    """Generated text with its masked names and literals put back, for headings."""
    out = []
    for character in text:
        code = ord(character)
        if _WORD <= code < _WORD + 0x100:
            out.append(chr(code - _WORD))
        elif (literal := masked.literal(character)) is not None:
            out.append(f"'{literal.value}'" if isinstance(literal.value, str) else str(literal.value))
        elif (bind := masked.bind_at(character)) is not None:
            out.append(masked.binds[bind].text)
        else:
            out.append(character)
    return "".join(out)


_Test = Callable[["_Place"], bool]


class _Place:
    """A token with its neighbours, by upper-case word or operator."""

    def __init__(self, found: list[Token], at: int) -> None:
        self.found, self.at = found, at

    def word(self, distance: int) -> str:
        index = self.at + distance
        if not 0 <= index < len(self.found):
            return ""
        token = self.found[index]
        return token.value if token.kind in ("word", "op") else ""

    def kind(self, distance: int) -> str:
        index = self.at + distance
        return self.found[index].kind if 0 <= index < len(self.found) else "end"

    def next(self, *words: str) -> bool:
        return self.word(1) in words

    def last(self, *words: str) -> bool:
        return self.word(-1) in words


def _opens(place: _Place) -> bool:
    return place.next("(")


_CONDITIONAL: dict[str, _Test] = {
    "OVER": _opens,
    "KEEP": _opens,
    "WITHIN": lambda p: p.next("GROUP"),
    "CAST": _opens,
    "EXTRACT": _opens,
    "TRIM": _opens,
    "TABLE": _opens,
    "LATERAL": _opens,
    "CUBE": _opens,
    "ROLLUP": _opens,
    "PIVOT": _opens,
    "UNPIVOT": lambda p: p.next("(", "INCLUDE", "EXCLUDE"),
    "APPLY": lambda p: p.last("CROSS", "OUTER"),
    "CROSS": lambda p: p.next("JOIN", "APPLY"),
    "OUTER": lambda p: p.next("JOIN", "APPLY"),
    "LEFT": lambda p: p.next("JOIN", "OUTER"),
    "RIGHT": lambda p: p.next("JOIN", "OUTER"),
    "FULL": lambda p: p.next("JOIN", "OUTER"),
    "INNER": lambda p: p.next("JOIN"),
    "NATURAL": lambda p: p.next("JOIN", "LEFT", "RIGHT", "FULL", "INNER"),
    "GROUPING": lambda p: p.next("SETS"),
    "SETS": lambda p: p.last("GROUPING"),
    "SIBLINGS": lambda p: p.next("BY"),
    "PARTITION": lambda p: p.next("BY", "("),
    "CONNECT": lambda p: p.next("BY"),
    "START": lambda p: p.next("WITH"),
    "NOCYCLE": lambda p: p.last("BY"),
    "EXCEPT": lambda p: p.next("SELECT", "ALL", "("),
    "MATCHED": lambda p: p.last("WHEN", "NOT"),
    "NULLS": lambda p: p.next("FIRST", "LAST") or p.last("IGNORE", "RESPECT"),
    "IGNORE": lambda p: p.next("NULLS"),
    "RESPECT": lambda p: p.next("NULLS"),
    "FIRST": lambda p: p.last("NULLS", "FETCH", "DENSE_RANK"),
    "LAST": lambda p: p.last("NULLS", "DENSE_RANK"),
    "NEXT": lambda p: p.last("FETCH"),
    "FETCH": lambda p: p.next("FIRST", "NEXT"),
    "DENSE_RANK": lambda p: p.next("FIRST", "LAST"),
    "RANGE": lambda p: p.next(*_FRAME) or p.kind(1) in ("number", "bind"),
    "ROWS": lambda p: (
        p.next(*_FRAME, "ONLY", "WITH", "FETCH") or p.kind(1) in ("number", "bind") or p.word(-2) == "OFFSET"
    ),
    "ROW": lambda p: p.last("CURRENT") or p.next("ONLY", "WITH", "FETCH") or p.word(-2) == "OFFSET",
    "CURRENT": lambda p: p.next("ROW"),
    "UNBOUNDED": lambda p: p.next("PRECEDING", "FOLLOWING"),
    "PRECEDING": lambda p: p.next("AND", ")"),
    "FOLLOWING": lambda p: p.next("AND", ")"),
    "ONLY": lambda p: p.last("ROWS", "ROW"),
    "TIES": lambda p: p.last("WITH"),
    "PERCENT": lambda p: p.next("ROWS", "ROW"),
    "OFFSET": lambda p: p.kind(1) in ("number", "bind") and p.word(2) in ("ROWS", "ROW"),
    "NOWAIT": lambda p: p.kind(1) == "end" or p.next(")", ";"),
    "SKIP": lambda p: p.next("LOCKED"),
    "LOCKED": lambda p: p.last("SKIP"),
    "WAIT": lambda p: p.kind(1) == "number" and (p.last("UPDATE") or p.word(-2) in ("OF", ".", ",")),
    "BOTH": lambda p: p.word(-2) == "TRIM",
    "LEADING": lambda p: p.word(-2) == "TRIM",
    "TRAILING": lambda p: p.word(-2) == "TRIM",
    "AT": lambda p: p.next("TIME", "LOCAL"),
    "TIME": lambda p: p.last("AT") and p.next("ZONE"),
    "ZONE": lambda p: p.last("TIME"),
    "LOCAL": lambda p: p.last("AT"),
    "DEFAULT": lambda p: p.last(",", "(", "="),
}


def mask(text: str) -> Masked:
    """ORA-01756, ORA-00911 for what is no token; errors of date and interval literals."""
    found = tokens(text)
    result = Masked("", found)
    out = [" "] * len(text)
    in_cast: list[bool] = []
    cast_type = False
    at = 0
    while at < len(found) - 1:
        token = found[at]
        place = _Place(found, at)
        spelling, used = token.text, 1
        if token.kind == "bind":
            spelling = chr(_BIND + len(result.binds))
            result.binds.append(token)
        elif token.kind == "string":
            if not place.last("ESCAPE"):
                spelling = _literal(result, Literal(Type.VARCHAR2 if token.value else None, token.value or None))
        elif token.kind == "word":
            literal, used = _typed_literal(found, at, text)
            if literal is not None:
                spelling = _literal(result, literal)
            elif cast_type and token.value in ("CHAR", "BYTE") and place.kind(-1) == "number":
                spelling = ""
            elif place.last("AS") and in_cast and in_cast[-1] and token.value in _TYPES:
                cast_type = True
            elif token.value == "ON" and place.next("OVERFLOW"):
                used = _skip_overflow(found, at, result)
                spelling = ""
            elif not cast_type and not _grammar(token, place):
                spelling = _masked(token.text)
        elif token.text == "(":
            in_cast.append(place.last("CAST"))
        elif token.text == ")" and in_cast:
            in_cast.pop()
            cast_type = cast_type and bool(in_cast) and in_cast[-1]
        elif token.text == "@":
            raise OracleError(2019, position=token.end)
        out[token.start : token.start + len(spelling)] = spelling
        at += used
    result.text = "".join(out)
    return result


def _literal(result: Masked, literal: Literal) -> str:
    result.literals.append(literal)
    return chr(_LITERAL + len(result.literals) - 1)


def _masked(word: str) -> str:
    return chr(_WORD + ord(word[0])) + word[1:] if ord(word[0]) < 0x100 else word


def _grammar(token: Token, place: _Place) -> bool:
    if place.last(".") or place.next("."):
        return False
    test = _CONDITIONAL.get(token.value)
    return test(place) if test is not None else token.value in _ALWAYS


def _skip_overflow(found: list[Token], at: int, result: Masked) -> int:
    """``ON OVERFLOW TRUNCATE '...' WITH COUNT`` up to the closing parenthesis; its default text is all that is known."""
    end = at
    while not found[end].is_(")") and found[end].kind != "end":
        result.truncates = result.truncates or found[end].is_("TRUNCATE")
        end += 1
    return end - at


def _typed_literal(found: list[Token], at: int, text: str) -> tuple[Literal | None, int]:
    """``DATE '...'``, ``TIMESTAMP '...'`` or ``INTERVAL '...' unit [TO unit]``, and how many tokens it takes."""
    token, value = found[at], found[at + 1]
    if value.kind != "string":
        return None, 1
    try:
        if token.value == "DATE":
            return Literal(Type.DATE, dates.from_datetime(_moment(value.value, "YYYY-MM-DD"))), 2
        if token.value == "TIMESTAMP":
            zone = value.value.strip().rpartition(" ")[2]
            if zone[:1] in "+-" or zone.upper() in ("UTC", "GMT"):
                moment = _moment(value.value, "YYYY-MM-DD HH24:MI:SSXFF TZR")
                return Literal(Type.TIMESTAMP_TZ, dates.from_datetime(moment)), 2
            return Literal(Type.TIMESTAMP, dates.from_datetime(_moment(value.value, "YYYY-MM-DD HH24:MI:SSXFF"))), 2
        if token.value == "INTERVAL":
            return _interval(found, at, value)
    except OracleError as error:
        raise OracleError(error.code, position=value.start) from None
    return None, 1


def _moment(text: str, model: str) -> datetime:
    return date_formats.parse_date(text, model, dates.EPOCH)


def _interval(found: list[Token], at: int, value: Token) -> tuple[Literal | None, int]:
    end = at + 2
    units = []
    while True:
        unit = found[end]
        if not unit.is_(*_UNITS, "YEAR", "MONTH"):
            raise OracleError(30089)
        units.append(unit.value)
        end += 1
        if found[end].is_("("):
            while not found[end].is_(")"):
                end += 1
            end += 1
        if len(units) == 1 and found[end].is_("TO"):
            end += 1
            continue
        break
    leading, trailing = units[0], units[-1]
    if leading in _UNITS:
        return Literal(Type.INTERVAL_DS, dates.parse_interval(value.value, leading, trailing)), end - at
    sign = -1 if value.value.strip().startswith("-") else 1
    years, _unused, months = value.value.strip().lstrip("+-").partition("-")
    try:
        amount = int(years) * (12 if leading == "YEAR" else 1) + int(months or 0)
    except ValueError:
        raise OracleError(1867) from None
    return Literal("MONTHS", sign * amount), end - at


def headings(masked: Masked) -> list[str]:
    """How the items of the outermost select list are written: upper case, without blanks, as headings have them."""
    depth = 0
    best: tuple[int, int] | None = None
    for index, token in enumerate(masked.tokens):
        if token.is_("("):
            depth += 1
        elif token.is_(")"):
            depth -= 1
        elif token.is_("SELECT") and (best is None or depth < best[0]):
            best = (depth, index)
    if best is None:
        return []
    items: list[str] = []
    current: list[str] = []
    depth = 0
    for token in masked.tokens[best[1] + 1 :]:
        if depth == 0 and (token.is_("FROM", ",", ")") or token.kind == "end"):
            items.append("".join(current).upper())
            current = []
            if not token.is_(","):
                break
            continue
        depth += token.is_("(") - token.is_(")")
        if current or not token.is_("DISTINCT", "UNIQUE", "ALL"):
            current.append("".join(token.text.split()))
    return items
