# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the text of a statement to a tree, and from a query's tree to SQLite."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.dialects.oracle import Oracle
from sqlglot.errors import SqlglotError

from ..errors import OracleError
from ..values import Column
from .compiler import Compiler
from .expr import Kind
from .interface import Catalog, Context, Function
from .masking import Masked, headings, mask
from .query import query
from .syntax import check, diagnose

# It warns of what it takes for a command of another dialect; that is an error here, and the client's.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_HEADING_BYTES = 128


@dataclass(frozen=True)
class Parsed:
    masked: Masked
    tree: exp.Expr


@dataclass(frozen=True)
class Translation:
    """A query in SQLite. ``functions`` are those of the catalog that it calls."""

    sql: str
    columns: list[Column]
    functions: tuple[Function, ...]


def parse(text: str) -> Parsed:
    """Errors of syntax with number and position."""
    masked = mask(text)
    check(masked.tokens)
    try:
        tree = sqlglot.parse_one(masked.text, dialect=Oracle)
    except SqlglotError as error:
        raise diagnose(masked.tokens, error) from None
    except RecursionError:
        raise OracleError(3001) from None
    if isinstance(tree, exp.Command):
        raise OracleError(933 if masked.tokens[0].is_("SELECT", "WITH") else 900)
    return Parsed(masked, tree)


def translate(parsed: Parsed, catalog: Catalog, context: Context, kinds: Sequence[Kind]) -> Translation:
    """A query for a user, a catalog and types of binds."""
    compiler = Compiler(parsed.masked, catalog, context, kinds)
    rows = query(compiler, parsed.tree, None)
    written = headings(parsed.masked)
    columns = [
        column if number is None or number >= len(written) else replace(column, name=_heading(written[number]))
        for column, number in zip(rows.columns, rows.headings, strict=True)
    ]
    return Translation(rows.sql, columns, tuple(compiler.functions))


def _heading(text: str) -> str:
    return text.encode()[:_HEADING_BYTES].decode(errors="ignore")
