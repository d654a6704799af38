# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of Oracle's SQL and PL/SQL, and the bind variables in a text.

Source of the rules: the vendor's SQL Language Reference, "Literals" and "Database Object Names and Qualifiers", and
PL/SQL Language Reference, "Lexical Units".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import OracleError

_TOKEN = re.compile(
    r"""
    (?P<space>\s+ | --[^\n]* | /\*.*?\*/)
  | (?P<quoting>[nN]?[qQ]'(?P<open>.))
  | (?P<string>[nN]?'(?:[^']|'')*')
  | (?P<quoted>"[^"\0]+")
  | (?P<number>(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?(?!(?![kKmMgG]\b)[A-Za-z_\#$]))
  | (?P<word>[^\W\d][\w$\#]*)
  | (?P<bind>:[ ]*(?:[^\W_][\w$\#]*|"[^"\0]+"))
  | (?P<op>:=|=>|\|\||\*\*|<>|!=|\^=|~=|<=|>=|<<|>>|\.\.|\(\+\)|[-+*/%()=<>,.;@:\[\]|&^~{}?!])
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"[": "]", "{": "}", "(": ")", "<": ">"}
# The first word of a text that the server hands to PL/SQL.
_PLSQL = ("BEGIN", "DECLARE", "CALL")


@dataclass(frozen=True)
class Token:
    """``kind`` is word, quoted, string, number, bind, op or end; ``text`` as written, ``start`` its offset.

    ``value`` is what it means: a word in upper case, a quoted identifier or a string without its quotes, the name of a
    bind variable in upper case (as written where it is quoted).
    """

    kind: str
    text: str
    start: int
    value: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def is_(self, *words: str) -> bool:
        """Whether it is one of these keywords or operators, which a string or a quoted identifier never is."""
        return self.kind in ("word", "op") and self.value in words


def tokens(text: str) -> list[Token]:
    """All tokens without space and comments, and one of kind ``end`` at last.

    ORA-01756 for a string that does not end, ORA-00911 for a character that no token has.
    """
    return [*_scan(text), Token("end", "", len(text), "")]


def _scan(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise OracleError(
                1756 if text[at] in "'\"" or text[at : at + 2].upper() in ("N'", "Q'") else 911, position=at
            )
        start, at = at, found.end()
        kind = found.lastgroup or ""
        written = found[0]
        if kind == "space":
            continue
        if found["quoting"]:
            closing = _CLOSING.get(found["open"], found["open"]) + "'"
            close = text.find(closing, at)
            if close < 0:
                raise OracleError(1756, position=start)
            yield Token("string", text[start : close + 2], start, text[at:close])
            at = close + 2
        elif kind == "string":
            yield Token(kind, written, start, written[written.index("'") + 1 : -1].replace("''", "'"))
        elif kind == "quoted":
            yield Token(kind, written, start, written[1:-1])
        elif kind == "bind":
            name = written[1:].strip()
            yield Token(kind, written, start, name[1:-1] if name.startswith('"') else name.upper())
        else:
            yield Token(kind, written, start, written.upper())


def is_plsql(text: str) -> bool:
    """Whether the text is a PL/SQL block or a call, rather than one SQL statement."""
    return next(_scan(text), Token("end", "", 0, "")).is_(*_PLSQL)


def bind_names(text: str) -> list[str]:
    """The bind variables in the order in which a client sends their values.

    In SQL every occurrence is one; in PL/SQL each name counts once, where it first appears. Statements that define
    something, such as CREATE, have none: a colon in a stored procedure belongs to the procedure.
    """
    found = list(_scan(text))
    if not found or found[0].is_("CREATE", "ALTER", "DROP", "GRANT", "REVOKE"):
        return []
    names = [token.value for token in found if token.kind == "bind"]
    return list(dict.fromkeys(names)) if found[0].is_(*_PLSQL) else names
