# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ORDER BY, OFFSET and FETCH FIRST."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from ..errors import OracleError
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler
    from .query import Query

Node = exp.Expr


class Key(NamedTuple):
    """One item of an ORDER BY in SQLite."""

    sql: str
    descending: bool
    nulls_first: bool


def order_text(keys: Sequence[Key]) -> str:
    return ", ".join(
        f"{key.sql}{' DESC' if key.descending else ''} NULLS {'FIRST' if key.nulls_first else 'LAST'}" for key in keys
    )


def sort_key(c: Compiler, node: Node, scope: Scope) -> Key:
    """An item whose numbers and names have no special meaning. NULL comes last, with DESC first, unless it is said."""
    if isinstance(node, exp.Ordered):
        descending, nulls_first = bool(node.args.get("desc")), bool(node.args.get("nulls_first"))
        return Key(_not_a_number(c.operand(node.this, scope).sql), descending, nulls_first)
    return Key(_not_a_number(c.operand(node, scope).sql), False, False)


def _not_a_number(sql: str) -> str:
    """To SQLite a bare number is the number of a column."""
    return f"{sql} + 0" if sql.isdigit() else sql


def position_of(c: Compiler, node: Node, names: Sequence[str]) -> int:
    """The number of the column that an item after a set operation means, by its number or its name."""
    if isinstance(node, exp.Literal) and not node.is_string:
        number = int(float(node.this))
        if 1 <= number <= len(names):
            return number
        raise OracleError(1785, position=c.position(node))
    if isinstance(node, exp.Column):
        name = c.name(node.this)
        if name in names:
            return list(names).index(name) + 1
        raise OracleError(904, f'"{name}"', position=c.position(node))
    raise OracleError(1785, position=c.position(node))


def limited(c: Compiler, node: Node, rows: Query, keys: Sequence[Key], scope: Scope) -> Query:
    """The query with its OFFSET and FETCH FIRST, also with PERCENT and WITH TIES.

    For WITH TIES the keys must be columns of the query: c1 and so on, or further ones.
    """
    fetch, offset = node.args.get("limit"), node.args.get("offset")
    if fetch is None and offset is None:
        return rows
    if fetch is not None and not isinstance(fetch, exp.Fetch):
        raise OracleError(933, position=c.position(fetch))
    outside = replace(scope, relations=[], aliases={})
    skipped = c.number(offset.args["expression"], outside) if offset is not None else "0"
    skipped = f"max(CAST(ifnull({skipped}, 0) AS INTEGER), 0)"
    if fetch is None:
        return replace(rows, sql=f"{_open(rows)} LIMIT -1 OFFSET {skipped}", closed=True, limited=True)
    count = c.number(fetch.args["count"], outside) if fetch.args.get("count") is not None else "1"
    options = fetch.args.get("limit_options")
    if options is None:
        raise OracleError(905, position=len(c.masked.text))
    if options.args.get("percent"):
        amount = f"o_ceil(max(ifnull({count}, 0) * (SELECT count(*) FROM ({rows.sql})) / 100.0, 0))"
    else:
        amount = f"max(CAST(ifnull({count}, 0) AS INTEGER), 0)"
    if options.args.get("with_ties") and keys:
        return _with_ties(rows, keys, amount, skipped)
    single = rows.single or (count == "1" and not options.args.get("percent"))
    sql = f"{_open(rows)} LIMIT {amount}" + (f" OFFSET {skipped}" if offset is not None else "")
    return replace(rows, sql=sql, closed=True, limited=True, single=single)


def _open(rows: Query) -> str:
    """Something that LIMIT can be put behind."""
    return f"SELECT * FROM ({rows.sql})" if rows.limited else rows.sql


def _with_ties(rows: Query, keys: Sequence[Key], amount: str, skipped: str) -> Query:
    order = order_text(keys)
    names = ", ".join(f"c{number}" for number in range(1, len(rows.columns) + 1))
    sql = (
        f"SELECT {names} FROM (SELECT *, rank() OVER (ORDER BY {order}) AS rk, row_number() OVER (ORDER BY {order}) AS rn "
        f"FROM ({rows.sql})) WHERE rn > {skipped} AND rk <= {skipped} + {amount} ORDER BY rn"
    )
    return replace(rows, sql=sql, closed=True, limited=False)
