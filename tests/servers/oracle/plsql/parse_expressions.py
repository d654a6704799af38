# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of expressions and type names.

Source of the grammar: the vendor's PL/SQL Language Reference, "Expression", "PL/SQL Reserved Words and Keywords". The
list of what was expected instead is shorter in the PLS-00103 here than in a real one.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from ..lexer import Token
from . import syntax as ast
from .source import CompileError

# Words that are no name, so that a forgotten operand is found where it is missing. Of the reserved words, those that
# this parser has to stop at.
RESERVED = frozenset(
    "ALL ALTER AND AS BEGIN BETWEEN BY CASE CREATE DECLARE DELETE DISTINCT DROP ELSE ELSIF END EXCEPTION FETCH FOR FROM "
    "GRANT GROUP IF IN INSERT INTO IS LIKE LOOP NOT OF ON OR ORDER REVOKE SELECT THEN TO UNION UPDATE USING VALUES WHEN "
    "WHERE WHILE WITH".split()
)
_COMPARISONS = ("=", "<>", "!=", "^=", "~=", "<", ">", "<=", ">=")
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
_INTERVAL_UNITS = ("DAY", "HOUR", "MINUTE", "SECOND", "YEAR", "MONTH")


class ExpressionParser:
    """A position in the tokens, and the rules for expressions. CompileError with PLS-00103 where they do not fit."""

    def __init__(self, tokens: list[Token] | tuple[Token, ...], position: int = 0) -> None:
        self.tokens = tokens
        self.position = position

    # ---- Tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.position + 1, len(self.tokens) - 1)]

    def advance(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Consume all of these words or operators, if that is what comes next."""
        for ahead, word in enumerate(words):
            at = self.position + ahead
            if at >= len(self.tokens) or not self.tokens[at].is_(word):
                return False
        self.position += len(words)
        return True

    def expect(self, word: str) -> Token:
        if not self.token.is_(word):
            self.fail(word)
        return self.advance()

    def fail(self, *expected: str) -> NoReturn:
        token = self.token
        symbol = "end-of-file" if token.kind == "end" else token.value if token.kind == "word" else token.text
        raise CompileError(
            token.start,
            f'PLS-00103: Encountered the symbol "{symbol}" when expecting one of the following:\n\n   {" ".join(expected)}\n',
        )

    def identifier(self) -> str:
        token = self.token
        if token.kind == "quoted" or (token.kind == "word" and token.value not in RESERVED):
            return self.advance().value
        self.fail("<an identifier>", "<a double-quoted delimited-identifier>")

    def dotted(self) -> tuple[str, ...]:
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.member())
        return tuple(parts)

    def member(self) -> str:
        """A name after a dot, where reserved words are names too: ``table.DELETE``."""
        if self.token.kind not in ("word", "quoted"):
            self.fail("<an identifier>", "<a double-quoted delimited-identifier>", "delete", "exists", "prior")
        return self.advance().value

    def whole_number(self) -> int:
        token = self.token
        if token.kind != "number" or not token.text.isdigit():
            self.fail("<a number>")
        return int(self.advance().text)

    # ---- Expressions, from the weakest operator to the strongest

    def expression(self) -> ast.Expression:
        left = self._conjunction()
        while self.token.is_("OR"):
            at = self.advance().start
            left = ast.Binary(at, "OR", left, self._conjunction())
        return left

    def _conjunction(self) -> ast.Expression:
        left = self._negation()
        while self.token.is_("AND"):
            at = self.advance().start
            left = ast.Binary(at, "AND", left, self._negation())
        return left

    def _negation(self) -> ast.Expression:
        if self.token.is_("NOT"):
            at = self.advance().start
            return ast.Unary(at, "NOT", self._negation())
        return self._comparison()

    def _comparison(self) -> ast.Expression:
        left = self._sum()
        while True:
            token = self.token
            if token.is_(*_COMPARISONS):
                self.advance()
                operator = "<>" if token.value in ("!=", "^=", "~=") else token.value
                left = ast.Binary(token.start, operator, left, self._sum())
            elif self.accept("IS"):
                negated = self.accept("NOT")
                self.expect("NULL")
                left = ast.IsNull(token.start, left, negated)
            elif token.is_("LIKE", "BETWEEN", "IN") or (
                token.is_("NOT") and self.following.is_("LIKE", "BETWEEN", "IN")
            ):
                left = self._condition(token.start, left)
            else:
                return left

    def _condition(self, at: int, left: ast.Expression) -> ast.Expression:
        negated = self.accept("NOT")
        if self.accept("LIKE"):
            pattern = self._sum()
            escape = self._sum() if self.accept("ESCAPE") else None
            return ast.Like(at, left, pattern, escape, negated)
        if self.accept("BETWEEN"):
            low = self._sum()
            self.expect("AND")
            return ast.Between(at, left, low, self._sum(), negated)
        self.expect("IN")
        self.expect("(")
        choices = [self.expression()]
        while self.accept(","):
            choices.append(self.expression())
        self.expect(")")
        return ast.InList(at, left, tuple(choices), negated)

    def _sum(self) -> ast.Expression:
        left = self._product()
        while self.token.is_("+", "-", "||"):
            token = self.advance()
            left = ast.Binary(token.start, token.value, left, self._product())
        return left

    def _product(self) -> ast.Expression:
        left = self._signed()
        while self.token.is_("*", "/", "MOD"):
            token = self.advance()
            left = ast.Binary(token.start, token.value, left, self._signed())
        return left

    def _signed(self) -> ast.Expression:
        if self.token.is_("-", "+"):
            token = self.advance()
            return ast.Unary(token.start, token.value, self._signed())
        left = self._primary()
        if self.token.is_("**"):
            at = self.advance().start
            left = ast.Binary(at, "**", left, self._signed())
        return left

    def _primary(self) -> ast.Expression:
        token = self.token
        at = token.start
        if token.kind == "number":
            self.advance()
            return ast.Literal(at, _number(token.text))
        if token.kind == "string":
            self.advance()
            return ast.Literal(at, token.value or None)
        if token.is_("("):
            self.advance()
            inner = self.expression()
            self.expect(")")
            return inner
        if token.kind == "bind":
            self.advance()
            return self._postfix(ast.BindName(at, token.value))
        if token.kind == "word" and token.value in _CONSTANTS:
            self.advance()
            return ast.Literal(at, _CONSTANTS[token.value])
        if token.is_("CASE"):
            return self._case()
        special = self._special()
        return special if special is not None else self.reference()

    def _case(self) -> ast.Expression:
        at = self.expect("CASE").start
        selector = None if self.token.is_("WHEN") else self.expression()
        branches = []
        if not self.token.is_("WHEN"):
            self.fail("when")
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append(ast.When(condition, self.expression()))
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return ast.CaseExpression(at, selector, tuple(branches), otherwise)

    def _special(self) -> ast.Expression | None:
        """Literals and functions with a syntax of their own."""
        token, following = self.token, self.following
        at = token.start
        if following.kind == "string" and token.is_("DATE", "TIMESTAMP"):
            self.position += 2
            try:
                value = datetime.fromisoformat(following.value.strip())
                return ast.Literal(at, value, token.is_("TIMESTAMP"))
            except ValueError:
                return ast.SqlExpression(at, (f"{token.value} {following.text}",))
        if following.kind == "string" and token.is_("INTERVAL"):
            return self._interval()
        if not following.is_("("):
            return None
        if token.is_("EXTRACT") and self.tokens[min(self.position + 3, len(self.tokens) - 1)].is_("FROM"):
            self.position += 2
            field = self.identifier()
            self.expect("FROM")
            return self._enclosed(at, f"EXTRACT({field} FROM ")
        if token.is_("CAST"):
            self.position += 2
            operand = self.expression()
            self.expect("AS")
            start = self.position
            self.type_name()
            words = " ".join(one.text for one in self.tokens[start : self.position])
            self.expect(")")
            return ast.SqlExpression(at, ("CAST(", operand, f" AS {words})"))
        if token.is_("TRIM"):
            return self._trim(at)
        return None

    def _enclosed(self, at: int, before: str) -> ast.Expression:
        operand = self.expression()
        self.expect(")")
        return ast.SqlExpression(at, (before, operand, ")"))

    def _interval(self) -> ast.Expression:
        first = self.advance()
        words = [first.value, self.advance().text]
        while self.token.is_(*_INTERVAL_UNITS, "TO") or (words[-1] in _INTERVAL_UNITS and self.token.is_("(")):
            if self.accept("("):
                words[-1] += f"({self.whole_number()})"
                self.expect(")")
            else:
                words.append(self.advance().value)
        return ast.SqlExpression(first.start, (" ".join(words),))

    def _trim(self, at: int) -> ast.Expression:
        """TRIM([LEADING | TRAILING | BOTH] [character] FROM text), or the plain TRIM(text)."""
        self.position += 2
        side = self.advance().value if self.token.is_("LEADING", "TRAILING", "BOTH") else "BOTH"
        operand: ast.Expression = ast.Literal(at, " ")
        if not self.token.is_("FROM"):
            operand = self.expression()
        if not self.accept("FROM"):
            self.expect(")")
            return ast.Apply(at, ast.Name(at, "TRIM"), (ast.Argument(None, operand),))
        text = self.expression()
        self.expect(")")
        name = {"LEADING": "LTRIM", "TRAILING": "RTRIM", "BOTH": "TRIM"}[side]
        return ast.Apply(at, ast.Name(at, name), (ast.Argument(None, text), ast.Argument(None, operand)))

    # ---- Names and calls

    def reference(self) -> ast.Expression:
        """A name with all that follows it: ``a.b(1).c``, ``cursor%FOUND``, ``SYSTIMESTAMP AT TIME ZONE 'UTC'``."""
        at = self.token.start
        if self.token.is_("SQL") and self.following.is_("%"):
            name = self.advance().value
        else:
            if self.token.kind not in ("word", "quoted", "bind") or self.token.value in RESERVED:
                self.fail(
                    "(", "-", "+", "case", "mod", "new", "not", "null", "<an identifier>",
                    "<a double-quoted delimited-identifier>", "<a bind variable>", "exists", "date", "interval",
                )  # fmt: skip
            if self.token.kind == "bind":
                return self._postfix(ast.BindName(at, self.advance().value))
            name = self.identifier()
        return self._postfix(ast.Name(at, name))

    def _postfix(self, base: ast.Expression) -> ast.Expression:
        while True:
            token = self.token
            if token.is_("(") and not isinstance(base, ast.Attribute):
                self.advance()
                base = ast.Apply(base.at, base, self._arguments())
            elif token.is_("."):
                self.advance()
                at = self.token.start
                base = ast.Member(at, base, self.member())
            elif token.is_("%") and self.following.kind == "word":
                self.advance()
                base = ast.Attribute(token.start, base, self.advance().value)
                if base.name in ("BULK_ROWCOUNT", "BULK_EXCEPTIONS"):
                    raise CompileError(token.start, f"PLS-00201: identifier 'SQL%{base.name}' must be declared")
            elif token.is_("AT") and self.following.is_("TIME", "LOCAL"):
                self.advance()
                if self.accept("LOCAL"):
                    base = ast.SqlExpression(token.start, ("(", base, " AT LOCAL)"))
                else:
                    self.expect("TIME")
                    self.expect("ZONE")
                    base = ast.SqlExpression(token.start, ("(", base, " AT TIME ZONE ", self._primary(), ")"))
            else:
                return base

    def _arguments(self) -> tuple[ast.Argument, ...]:
        if self.accept(")"):
            return ()
        found = []
        while True:
            name = None
            if self.following.is_("=>"):
                name = self.identifier()
                self.advance()
            found.append(ast.Argument(name, self.expression()))
            if not self.accept(","):
                break
        if not self.token.is_(")"):
            self.fail(
                ".",
                "(",
                ")",
                ",",
                "*",
                "@",
                "%",
                "&",
                "=",
                "-",
                "+",
                "<",
                "/",
                ">",
                "in",
                "is",
                "mod",
                "not",
                "or",
                "||",
            )
        self.advance()
        return tuple(found)

    # ---- Types

    def type_name(self) -> ast.TypeName:
        at = self.token.start
        if self.token.is_("INTERVAL"):
            return self._interval_type(at)
        parts = self.dotted()
        if self.accept("%"):
            attribute = self.token.value
            if attribute not in ("TYPE", "ROWTYPE"):
                self.fail("rowtype", "type")
            self.advance()
            return ast.TypeName(at, parts, attribute=attribute)
        if parts == ("LONG",) and self.accept("RAW"):
            parts = ("LONG RAW",)
        elif parts == ("DOUBLE",) and self.accept("PRECISION"):
            parts = ("DOUBLE PRECISION",)
        elif parts == ("REF",) and self.accept("CURSOR"):
            parts = ("SYS_REFCURSOR",)
        elif parts == ("CHARACTER",):
            parts = ("VARCHAR2",) if self.accept("VARYING") else ("CHAR",)
        sizes = []
        if self.accept("("):
            while True:
                sign = -1 if self.accept("-") else 1
                sizes.append(0 if self.accept("*") else sign * self.whole_number())
                if self.token.is_("CHAR", "BYTE"):
                    self.advance()
                if not self.accept(","):
                    break
            self.expect(")")
        if parts == ("TIMESTAMP",) and self.accept("WITH"):
            parts = ("TIMESTAMP WITH LOCAL TIME ZONE",) if self.accept("LOCAL") else ("TIMESTAMP WITH TIME ZONE",)
            self.expect("TIME")
            self.expect("ZONE")
        if self.accept("CHARACTER", "SET"):
            self.identifier()
        return ast.TypeName(at, parts, tuple(sizes))

    def _interval_type(self, at: int) -> ast.TypeName:
        self.advance()
        words = ["INTERVAL"]
        while self.token.is_(*_INTERVAL_UNITS, "TO"):
            words.append(self.advance().value)
            if self.accept("("):
                self.whole_number()
                self.expect(")")
        return ast.TypeName(at, (" ".join(words),))


def _number(text: str) -> int | Decimal | float:
    if text[-1] in "fFdD":
        return float(text[:-1])
    if text.isdigit():
        return int(text)
    value = Decimal(text)
    return int(value) if value == math.floor(value) and value.adjusted() < 40 else value
