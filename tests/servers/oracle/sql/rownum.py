# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ROWNUM in conditions: how many rows pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from .joins import own
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr

# More rows than any test has.
_ALL = str(2**53)
_TURNED: dict[type[Node], type[Node]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
}


def _is_rownum(c: Compiler, node: Node | None) -> bool:
    return (
        isinstance(node, exp.Column)
        and not node.args.get("table")
        and isinstance(node.this, exp.Identifier)
        and not node.this.args.get("quoted")
        and c.name(node.this) == "ROWNUM"
    )


def uses_rownum(c: Compiler, node: exp.Select, outside_where: bool = False) -> bool:
    """In the block itself, not in queries within it."""
    parts: list[Node] = [*node.expressions]
    for key in ("group", "having", "order") if outside_where else ("where", "group", "having", "order"):
        if node.args.get(key) is not None:
            parts.append(node.args[key])
    return any(_is_rownum(c, found) for part in parts for found in own(part))


def row_limits(c: Compiler, where: Sequence[Node], scope: Scope) -> tuple[list[str], list[Node], list[Node]]:
    """Limits as SQL, the conditions without ROWNUM, and those with it that are no limit.

    A row gets the next number only if it passes, so that ``ROWNUM > 1`` lets none pass, and ``ROWNUM = 1`` one.
    """
    limits: list[str] = []
    rest: list[Node] = []
    late: list[Node] = []
    for node in where:
        if not any(_is_rownum(c, found) for found in own(node)):
            rest.append(node)
            continue
        limit = _limit(c, node, scope)
        if limit is None:
            late.append(node)
        else:
            limits.append(limit)
    return limits, rest, late


def least(limits: Sequence[str]) -> str:
    """The smallest of some limits, as SQL."""
    return limits[0] if len(limits) == 1 else f"min({', '.join(limits)})"


def _limit(c: Compiler, node: Node, scope: Scope) -> str | None:
    if isinstance(node, exp.Paren):
        return _limit(c, node.this, scope)
    if isinstance(node, exp.Between) and _is_rownum(c, node.this):
        low, high = (c.number(node.args[key], scope) for key in ("low", "high"))
        return _only_if(f"{low} <= 1", _whole(high))
    kind, bound = type(node), None
    if kind in _TURNED and _is_rownum(c, node.this):
        bound = node.args["expression"]
    elif kind in _TURNED and _is_rownum(c, node.args["expression"]):
        kind, bound = _TURNED[kind], node.this
    if bound is None or any(_is_rownum(c, found) for found in own(bound)):
        return None
    if any(isinstance(n, exp.Column) and not c.masked.stands_for_value(n.name) for n in own(bound)):
        # A limit cannot depend on the row.
        return None
    number = c.number(bound, scope)
    if kind is exp.LTE:
        return _whole(number)
    if kind is exp.LT:
        return f"max(o_ceil(ifnull({number}, 0)) - 1, 0)"
    if kind is exp.EQ:
        return _only_if(f"{number} = 1", "1")
    return _only_if(f"{number} {'<' if kind is exp.GT else '<='} 1", _ALL)


def _whole(number: str) -> str:
    return f"max(o_floor(ifnull({number}, 0)), 0)"


def _only_if(test: str, limit: str) -> str:
    return f"(CASE WHEN {test} THEN {limit} ELSE 0 END)"
