# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From sqlglot's tree of a masked statement to SQLite: what all parts of a statement share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from ..errors import OracleError
from .expr import Expr, Kind, Pseudo, as_number, as_text
from .expressions import HANDLERS
from .interface import Catalog, Context, Function
from .masking import Masked, unmask
from .scope import Relation, Scope

Node = exp.Expr


class Compiler:
    """One statement, for one set of bind types."""

    def __init__(self, masked: Masked, catalog: Catalog, context: Context, bind_kinds: Sequence[Kind]) -> None:
        self.masked = masked
        self.catalog = catalog
        self.context = context
        self.bind_kinds = bind_kinds
        # Functions of the catalog that the statement calls, by the number under which o_call finds them.
        self.functions: list[Function] = []
        # WITH clauses in force, the innermost last: name to what stands for it.
        self.ctes: list[dict[str, Callable[[str], Relation]]] = []
        self._names = 0

    def alias(self) -> str:
        """A name that nothing else in the statement has."""
        self._names += 1
        return f"q{self._names}"

    def name(self, node: Node | str | None) -> str:
        """The name an identifier stands for; "" for none."""
        if node is None:
            return ""
        if isinstance(node, exp.Identifier):
            return str(node.this) if node.args.get("quoted") else unmask(str(node.this))
        return unmask(node if isinstance(node, str) else node.name)

    def position(self, node: Node | None) -> int:
        """Offset of the first word of the node."""
        if node is None:
            return 0
        starts = [found.meta["start"] for found in node.walk() if found._meta and "start" in found._meta]
        return min(starts, default=0)

    def value(self, node: Node, scope: Scope) -> Expr:
        """An expression; ORA-00904, ORA-00918 and the like with their position."""
        within: Scope | None = scope
        while within is not None:
            ready = within.ready.get(id(node))
            if ready is not None:
                return ready
            within = within.parent
        handler = HANDLERS.get(type(node))
        if handler is None:
            code = {exp.Star: 936, exp.Alias: 907}.get(type(node), 3001)
            raise OracleError(code, position=self.position(node))
        try:
            result = handler(self, node, scope)
        except OracleError as error:
            # What does not know where it stands is an error of the smallest expression around it.
            error.position = error.position or self.position(node)
            raise
        if scope.nulled and result.sql in scope.nulled:
            return replace(result, sql="NULL")
        return result

    def operand(self, node: Node | None, scope: Scope) -> Expr:
        """An expression that is a value, which a condition is not."""
        if node is None:
            raise OracleError(936)
        result = self.value(node, scope)
        if result.kind is Pseudo.CONDITION:
            raise OracleError(907, position=self.position(node))
        return result

    def number(self, node: Node | None, scope: Scope) -> str:
        return as_number(self.operand(node, scope)).sql

    def text(self, node: Node | None, scope: Scope) -> str:
        return as_text(self.operand(node, scope)).sql

    def condition(self, node: Node, scope: Scope) -> str:
        """A condition as SQLite's three-valued integer; ORA-00920 for a value."""
        result = self.value(node, scope)
        if result.kind is not Pseudo.CONDITION:
            raise OracleError(920, position=self.behind(node))
        return result.sql

    def last(self, node: Node) -> int:
        """Offset of the end of the node's last word."""
        return max((found.meta["end"] for found in node.walk() if found._meta and "end" in found._meta), default=0)

    def behind(self, node: Node) -> int:
        """Where the word behind a node starts: there an operator is missing."""
        last = self.last(node)
        return next((token.start for token in self.masked.tokens if token.start > last), last)

    def function(self, names: tuple[str, ...]) -> tuple[int, Function] | None:
        """A function of the catalog, and its number for o_call. ``SYS.`` before a package is dropped."""
        if names[0] == "SYS" and len(names) > 1:
            names = names[1:]
        found = self.catalog.function(names, self.context)
        if found is None:
            return None
        self.functions.append(found)
        return len(self.functions) - 1, found

    def called(self, names: tuple[str, ...], arguments: Sequence[Expr], position: int) -> Expr:
        found = self.function(names)
        if found is None:
            raise OracleError(904, ".".join(f'"{name}"' for name in names), position=position)
        number, function = found
        call = "o_call_fixed" if function.fixed else "o_call"
        return Expr(f"{call}({', '.join([str(number), *(a.sql for a in arguments)])})", function.type, function.size)
