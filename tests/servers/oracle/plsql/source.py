# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something is in a PL/SQL text, and the errors of compiling it.

Lines and columns count from 1. ORA-06550 carries each of the problems; source of the texts: the vendor's error help for
PLS-00103 and so on, and errors quoted in public threads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import OracleError
from ..lexer import Token, tokens


@dataclass(frozen=True)
class Problem:
    """One mistake; ``text`` starts with its own number: ``PLS-00201: identifier 'X' must be declared``."""

    line: int
    column: int
    text: str


class Source:
    """A text with its tokens. ORA-01756 and ORA-00911 as the lexer raises them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = tokens(text)
        self._lines = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]

    def line(self, at: int) -> int:
        return bisect_right(self._lines, at)

    def problem(self, at: int, text: str) -> Problem:
        line = self.line(at)
        return Problem(line, at - self._lines[line - 1] + 1, text)


class CompileError(Exception):
    """A mistake at offset ``at``; what compiles the statement around it goes on with the next statement."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at
        self.text = text


def too_large(source: Source) -> Problem:
    """Expressions or blocks that are nested more deeply than Python can follow."""
    return source.problem(0, "PLS-00123: program too large (Diana nodes)")


def failure(problems: Sequence[Problem]) -> OracleError:
    """ORA-06550 for all of them, in the order in which they were found."""
    first, *others = problems
    error = OracleError(6550, first.line, first.column, first.text)
    for problem in others:
        error.stack += [f"ORA-06550: line {problem.line}, column {problem.column}:", problem.text]
    return error
