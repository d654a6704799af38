# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statement a text is. Source: the published part of the server's grammar (sql_parser_oracle_mode.y) and its documents.

Queries and changes of rows are left to the SQL engine; what Oracle Database has alike (users, grants, tables, COMMIT) to the
parser of the other stand-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..oracle import command_parser, commands
from ..oracle.errors import OracleError
from ..oracle.lexer import Token, tokens
from .errors import of_engine, syntax


@dataclass(frozen=True)
class Query:
    text: str


@dataclass(frozen=True)
class Change:
    """INSERT, UPDATE, DELETE or MERGE."""

    text: str


@dataclass(frozen=True)
class Kill:
    """KILL [CONNECTION|QUERY] ``expression``."""

    expression: str
    query: bool = False


@dataclass(frozen=True)
class KillSession:
    """ALTER SYSTEM KILL SESSION 'target' [IMMEDIATE]."""

    target: str


@dataclass(frozen=True)
class Begin:
    pass


@dataclass(frozen=True)
class SetNames:
    """SET NAMES, which changes nothing here."""


@dataclass(frozen=True)
class SetVariables:
    values: tuple[tuple[str, str], ...]
    everywhere: bool = False


@dataclass(frozen=True)
class ShowVariables:
    pattern: str = "%"
    everywhere: bool = False


@dataclass(frozen=True)
class ShowProcesslist:
    full: bool = False


@dataclass(frozen=True)
class Call:
    """A procedure by its upper-case dotted name, with literals as arguments, by name where they have one."""

    name: tuple[str, ...]
    arguments: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class ExecuteImmediate:
    text: str


@dataclass(frozen=True)
class Block:
    """BEGIN ... END of calls."""

    steps: tuple[Call | ExecuteImmediate, ...]


Statement = (
    Query | Change | Kill | KillSession | Begin | SetNames | SetVariables | ShowVariables | ShowProcesslist | Call | Block
    | commands.Command
)  # fmt: skip
_QUERIES = ("SELECT", "WITH", "(")
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE")
_COMMON = ("CREATE", "DROP", "GRANT", "REVOKE", "COMMIT", "ROLLBACK", "SAVEPOINT")


def parse(text: str) -> Statement:
    """The statement; ServerError where it is none, or more than one."""
    try:
        return _Parser(text).statement()
    except OracleError as error:
        raise of_engine(error, text) from None


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        if len(self._tokens) > 2 and self._tokens[-2].is_(";") and not self._is_block():
            end = self._tokens.pop(-2)
            self._text = text[: end.start]
            self._tokens[-1] = Token("end", "", end.start, "")

    def _is_block(self) -> bool:
        return self._tokens[0].is_("BEGIN") and not (self._tokens[1].is_("WORK", ";") or self._tokens[1].kind == "end")

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _fail(self) -> Exception:
        return syntax(self._text, self._next.start)

    def _take(self, kind: str = "") -> Token:
        token = self._next
        if token.kind == "end" or (kind and token.kind != kind):
            raise self._fail()
        self._at += 1
        return token

    def _accept(self, *words: str) -> bool:
        """Take these words when all of them follow."""
        following = self._tokens[self._at : self._at + len(words)]
        if len(following) < len(words) or not all(
            token.is_(word) for token, word in zip(following, words, strict=True)
        ):
            return False
        self._at += len(words)
        return True

    def _expect(self, *words: str) -> None:
        if not self._accept(*words):
            raise self._fail()

    def _rest(self) -> str:
        """The text that is left, which something else is to parse; not empty."""
        if self._next.kind == "end":
            raise self._fail()
        start, self._at = self._next.start, len(self._tokens) - 1
        return self._text[start:].strip()

    def statement(self) -> Statement:
        several = next((token for token in self._tokens if token.is_(";")), None)
        if several is not None and not self._is_block():
            raise syntax(self._text, several.start)
        first = self._next
        if first.is_(*_QUERIES):
            return Query(self._text)
        if first.is_(*_CHANGES):
            return Change(self._text)
        if first.is_(*_COMMON):
            return command_parser.parse(self._text)
        handler = {
            "ALTER": self._alter,
            "KILL": self._kill,
            "BEGIN": self._begin,
            "START": self._start,
            "SET": self._set,
            "SHOW": self._show,
            "CALL": self._call_statement,
        }.get(first.value if first.kind == "word" else "")
        if handler is None:
            raise self._fail()
        self._take()
        found = handler()
        if self._next.kind != "end":
            raise self._fail()
        return found

    def _alter(self) -> Statement:
        if self._accept("SYSTEM", "KILL", "SESSION"):
            target = self._take("string").value
            self._accept("IMMEDIATE")
            return KillSession(target)
        if not self._next.is_("SESSION", "USER"):
            raise self._fail()
        self._rest()
        return command_parser.parse(self._text)

    def _kill(self) -> Statement:
        query = self._accept("QUERY")
        if not query:
            self._accept("CONNECTION")
        return Kill(self._rest(), query)

    def _start(self) -> Statement:
        self._expect("TRANSACTION")
        return Begin()

    # --- variables

    def _set(self) -> Statement:
        if self._accept("NAMES"):
            self._take()
            return SetNames()
        everywhere = self._accept("GLOBAL")
        if not everywhere:
            self._accept("SESSION")
        found = []
        while True:
            if self._accept("@"):
                self._expect("@")
            name = self._take("word").value
            if not self._accept(":="):
                self._expect("=")
            sign = "-" if self._accept("-") else ""
            value = self._take()
            found.append((name.lower(), sign + (value.value if value.kind == "string" else value.text)))
            if not self._accept(","):
                return SetVariables(tuple(found), everywhere)

    def _show(self) -> Statement:
        if self._accept("FULL"):
            self._expect("PROCESSLIST")
            return ShowProcesslist(full=True)
        if self._accept("PROCESSLIST"):
            return ShowProcesslist()
        everywhere = self._accept("GLOBAL")
        if not everywhere:
            self._accept("SESSION")
        self._expect("VARIABLES")
        pattern = self._take("string").value if self._accept("LIKE") else "%"
        return ShowVariables(pattern, everywhere)

    # --- calls

    def _begin(self) -> Statement:
        self._accept("WORK")
        if self._next.kind == "end":
            return Begin()
        steps: list[Call | ExecuteImmediate] = []
        while not self._accept("END"):
            if self._accept("EXECUTE", "IMMEDIATE"):
                steps.append(ExecuteImmediate(self._take("string").value))
            elif not self._accept("NULL"):
                steps.append(self._call())
            self._expect(";")
        self._accept(";")
        return Block(tuple(steps))

    def _call_statement(self) -> Statement:
        return self._call()

    def _call(self) -> Call:
        name = [self._identifier()]
        while self._accept("."):
            name.append(self._identifier())
        arguments: list[Any] = []
        named: list[tuple[str, Any]] = []
        if self._accept("(") and not self._accept(")"):
            while True:
                if self._next.kind == "word" and self._tokens[self._at + 1].is_("=>"):
                    parameter = self._take().value
                    self._take()
                    named.append((parameter, self._literal()))
                else:
                    arguments.append(self._literal())
                if not self._accept(","):
                    break
            self._expect(")")
        return Call(tuple(name[1:] if name[0] == "SYS" else name), tuple(arguments), tuple(named))

    def _identifier(self) -> str:
        if self._next.kind not in ("word", "quoted"):
            raise self._fail()
        return self._take().value

    def _literal(self) -> Any:
        if self._accept("NULL"):
            return None
        if self._next.kind == "string":
            return self._take().value or None
        sign = -1 if self._accept("-") else 1
        number = float(self._take("number").text.rstrip("fFdD"))
        return sign * (int(number) if number.is_integer() else number)
