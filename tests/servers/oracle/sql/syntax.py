# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which error of syntax Oracle gives, and where: sqlglot overlooks some and has other words for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot.errors import ParseError

from ..errors import OracleError
from ..lexer import Token

_STATEMENTS = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "(")
_CLAUSES = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "UNION", "INTERSECT", "MINUS", "CONNECT", "START", "FETCH")
_CONNECTIVES = ("AND", "OR", "THEN", "ELSE", "END")
_SYMBOLS = ("=", "<", ">", "<=", ">=", "<>", "!=", "^=", "~=")
# What an operand must follow.
_EXPECTING = (*_SYMBOLS, ",", "||", "+", "-", "/", "AND", "OR", "NOT", "WHERE", "HAVING", "SELECT", "DISTINCT", "UNIQUE",
              "BETWEEN", "LIKE", "THEN", "ELSE", "WHEN", "BY", "ON", "SET", "PRIOR")  # fmt: skip
_COMPARISONS = (*_SYMBOLS, "IN", "LIKE", "BETWEEN", "IS", "EXISTS", "NOT")
_CONDITIONS = ("WHERE", "HAVING", "ON", "START", "CONNECT")
# Words that are neither operands nor separate them.
_TRANSPARENT = ("DISTINCT", "UNIQUE", "ALL", "AS", "PRIOR", "NOCYCLE", "NULL", "ASC", "DESC", "NULLS", "END")
_OPERANDS = ("word", "quoted", "number", "string", "bind")
# The parser's report shows so many characters before the word that it marks.
_CONTEXT = 100


def _in_threes(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token, Token]]:
    """Each token with the one before and the one behind it."""
    return zip((tokens[0], *tokens), tokens, (*tokens[1:], tokens[-1]), strict=False)


def check(tokens: Sequence[Token]) -> None:
    """What sqlglot lets pass: another statement, empty operands, ``;``, unbalanced parentheses."""
    if not tokens[0].is_(*_STATEMENTS):
        raise OracleError(900, position=tokens[0].start)
    depth = 0
    clauses: list[str] = [""]
    for last, token, following in _in_threes(tokens):
        clause = _begins_clause(token, following) and not last.is_(".")
        if token.is_(";"):
            raise OracleError(933, position=token.start)
        if token.is_("("):
            depth += 1
            clauses.append("")
        elif token.is_(")"):
            depth -= 1
            if depth < 0:
                raise OracleError(933, position=token.start)
            clauses.pop()
        elif token is not tokens[0] and (clause or token.kind == "end" or token.is_(*_CONNECTIVES)):
            if last.is_(*_EXPECTING) and not last.is_("."):
                no_table = last.is_(",") and clauses[-1] == "FROM"
                raise OracleError(903 if no_table else 936, position=token.start)
        if token.is_(*_SYMBOLS) and last.is_(*_SYMBOLS) and token is not tokens[0]:
            raise OracleError(936, position=token.start)
        if (token.is_(",") and last.is_(",", "SELECT", "(", "BY")) or (token.is_(")") and last.is_(*_EXPECTING)):
            raise OracleError(936, position=token.start)
        if clause:
            _check_clause(last, token, following)
        if clause or token.is_("SELECT"):
            clauses[-1] = token.value
    if depth > 0:
        raise OracleError(907, position=tokens[-1].start)


def _begins_clause(token: Token, following: Token) -> bool:
    """CONNECT, START and FETCH are clauses only with their second word."""
    second = {"CONNECT": ("BY",), "START": ("WITH",), "FETCH": ("FIRST", "NEXT")}.get(token.value)
    return token.is_(*_CLAUSES) and (second is None or following.is_(*second))


def _check_clause(last: Token, token: Token, following: Token) -> None:
    if token.is_("GROUP", "ORDER") and not following.is_("BY", "SIBLINGS") and not last.is_("WITHIN"):
        raise OracleError(924, position=following.start)
    if token.is_("UNION", "INTERSECT", "MINUS") and following.kind == "end":
        raise OracleError(928, position=following.start)
    if token.is_("FROM"):
        if last.is_("AS"):
            raise OracleError(923, position=token.start)
        if following.kind == "end" or following.is_(",", ")", "FROM", "WHERE", "GROUP", "ORDER"):
            raise OracleError(903, position=following.start)


def diagnose(tokens: Sequence[Token], error: Exception) -> OracleError:
    """The error for a statement that sqlglot refuses."""
    walked = _walk(tokens)
    if walked is not None:
        return walked
    if not isinstance(error, ParseError) or not error.errors:
        return OracleError(933)
    details = error.errors[0]
    context = str(details.get("start_context") or "")
    start = len(context) if len(context) < _CONTEXT else int(details.get("col") or 0)
    at = next((number for number, token in enumerate(tokens) if token.start >= start), len(tokens) - 1)
    behind = tokens[min(at + 1, len(tokens) - 1)].start
    description = str(details.get("description") or "")
    for words, code in (("Expecting )", 907), ("Expected END", 905), ("Required", 936), ("Expected table name", 903)):
        if words in description:
            return OracleError(code, position=behind)
    return OracleError(906 if "Expecting (" in description else 933, position=tokens[at].start)


def _walk(tokens: Sequence[Token]) -> OracleError | None:
    """Finds an operand right behind an operand, clause by clause."""
    clause, operands, compared = "", 0, False
    stack: list[tuple[str, int, bool]] = []
    for last, token, following in _in_threes(tokens):
        if token.is_("("):
            stack.append((clause, operands, compared))
            clause, operands, compared = "(", 0, False
        elif token.is_(")"):
            clause, operands, compared = stack.pop()
            operands = max(operands, 1)
        elif token.is_("SELECT") or (_begins_clause(token, following) and not last.is_(".")):
            if clause == "SELECT" and token.is_("WHERE", "GROUP", "ORDER"):
                return OracleError(923, position=token.start)
            clause, operands, compared = token.value, 0, False
        elif token.is_("AND", "OR", "ON", ",", "BY", "WHEN", "THEN", "ELSE", "CASE", "SET", "VALUES", "INTO"):
            if token.is_("AND", "OR") and clause in ("WHERE", "HAVING", "ON") and operands and not compared:
                return OracleError(920, position=token.start)
            operands, compared = 0, False
            clause = "ON" if token.is_("ON") else clause
        elif token.is_(*_COMPARISONS):
            if last.is_(*_SYMBOLS) and token.kind == "op":
                return OracleError(936, position=token.start)
            operands, compared = 0, True
        elif token.kind in _OPERANDS and not last.is_(".") and not token.is_(*_TRANSPARENT):
            adjacent = last.kind in _OPERANDS or last.is_(")")
            operands = operands + 1 if adjacent and operands else 1
            code = _misplaced(clause, operands, compared, token)
            if code:
                return OracleError(code, position=token.start)
    return None


def _misplaced(clause: str, operands: int, compared: bool, token: Token) -> int:
    """The error for the n-th operand without anything between them, 0 for none."""
    if clause == "SELECT" and (operands > 2 or (operands == 2 and token.kind in ("number", "string", "bind"))):
        return 923
    if clause in _CONDITIONS and operands > 1:
        return 933 if compared else 920
    return 0
