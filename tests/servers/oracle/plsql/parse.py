# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of whole texts: a block or CALL from a client, and CREATE PROCEDURE or FUNCTION."""

from __future__ import annotations

from functools import lru_cache

from ..errors import OracleError
from . import syntax as ast
from .parse_statements import StatementParser
from .source import CompileError, Problem, Source, failure, too_large

# Blocks that are kept parsed, with what they were compiled to.
CACHED_TEXTS = 512


@lru_cache(maxsize=CACHED_TEXTS)
def parse(text: str) -> ast.Anonymous:
    """A block or a CALL. ORA-06550 with PLS-00103 where it is no PL/SQL, ORA-01756 or ORA-00911 where it is no tokens.

    The same text gives the same object again.
    """
    source = Source(text)
    parser = StatementParser(source.tokens)
    try:
        block = _call(parser) if parser.token.is_("CALL") else parser.block(parser.label())
        if parser.token.kind != "end":
            parser.fail("end-of-file")
    except CompileError as error:
        raise failure([source.problem(error.at, error.text)]) from None
    except RecursionError:
        raise failure([too_large(source)]) from None
    binds = dict.fromkeys(token.value for token in source.tokens if token.kind == "bind")
    return ast.Anonymous(source, block, tuple(binds))


def _call(parser: StatementParser) -> ast.Block:
    """``CALL procedure(...)``, ``CALL function(...) INTO :x``."""
    at = parser.advance().start
    called = parser.reference()
    statement: ast.Statement = ast.Call(at, called)
    if parser.accept("INTO"):
        statement = ast.Assign(at, parser.reference(), called)
    parser.accept(";")
    return ast.Block(at, "", (), (statement,), ())


@lru_cache(maxsize=CACHED_TEXTS)
def parse_program(text: str) -> ast.Program:
    """CREATE [OR REPLACE] PROCEDURE or FUNCTION, or such a text from its PROCEDURE or FUNCTION on.

    A statement that is not that gets ORA-00922; a mistake behind the name of the program is in ``problems``, for such a
    program is created all the same. The same text gives the same object again.
    """
    outer = StatementParser(Source(text).tokens)
    replace = False
    if outer.accept("CREATE"):
        replace = outer.accept("OR", "REPLACE")
        outer.accept("EDITIONABLE") or outer.accept("NONEDITIONABLE")
    if not outer.token.is_("PROCEDURE", "FUNCTION"):
        raise OracleError(922, position=outer.token.start)
    source = Source(text[outer.token.start :])
    parser = StatementParser(source.tokens)
    kind = parser.advance().value
    parser.accept("IF", "NOT", "EXISTS")
    try:
        names = parser.dotted()
    except CompileError as error:
        raise OracleError(903, position=outer.token.start + error.at) from None
    if len(names) > 2:
        raise OracleError(922, position=outer.token.start)
    owner, name = names if len(names) == 2 else ("", names[0])
    definer = True
    subprogram = None
    problems: tuple[Problem, ...] = ()
    try:
        parameters, returns = parser.header(kind == "FUNCTION")
        if parser.accept("AUTHID"):
            definer = not parser.accept("CURRENT_USER")
            if definer and not parser.accept("DEFINER"):
                parser.fail("current_user", "definer")
        subprogram = ast.Subprogram(0, name, parameters, returns, parser.subprogram_body(name))
        if parser.token.kind != "end":
            parser.fail("end-of-file")
    except CompileError as error:
        subprogram = None
        problems = (source.problem(error.at, error.text),)
    except RecursionError:
        problems = (too_large(source),)
    return ast.Program(owner, name, kind, replace, source.text, definer, source, subprogram, problems)
