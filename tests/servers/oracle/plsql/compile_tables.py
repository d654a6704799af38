# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling arguments, and what collections have of their own: constructors and methods."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import OracleError
from ..values import Value
from . import datatypes as kinds
from . import syntax as ast
from .compile_expressions import ExpressionCompiler
from .compile_places import existing
from .datatypes import Datatype, Table, TableType
from .operators import number
from .runtime import Frame
from .scope import Code, Get, Place
from .source import CompileError

_METHODS = ("COUNT", "EXISTS", "FIRST", "LAST", "LIMIT", "NEXT", "PRIOR")
_UNCONVERTED = ("BOOLEAN", "RECORD", "TABLE", "CURSOR")
_CHANGES = ("DELETE", "EXTEND", "TRIM")


class TableCompiler(ExpressionCompiler):
    """Adds arguments and collections to expressions."""

    def argument(self, value: ast.Expression, kind: Datatype, name: str) -> Code:
        """What is passed for a parameter of that type. PLS-00306 for a condition or composite in place of a value."""
        code = self.value(value)
        if not _convertible(code.type, kind):
            raise CompileError(value.at, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
        return code

    def assigned(self, value: ast.Expression, kind: Datatype) -> Get:
        """A value for a target of that type. PLS-00382 for a condition or composite in place of a value."""
        code = self.value(value)
        if not _convertible(code.type, kind):
            raise CompileError(value.at, "PLS-00382: expression is of wrong type")
        return code.run

    def positional(
        self, name: str, arguments: Sequence[ast.Argument], least: int, most: int, at: int, composite: bool = False
    ) -> list[Code]:
        """That many arguments without names, scalars unless ``composite``. PLS-00306."""
        if not least <= len(arguments) <= most or any(argument.name for argument in arguments):
            raise CompileError(at, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
        if composite:
            return [self.value(argument.value) for argument in arguments]
        return [self.scalar(argument.value, name) for argument in arguments]

    def constructor(self, kind: TableType, arguments: Sequence[ast.Argument]) -> Code:
        """``type(1, 2, 3)``."""
        getters = [self.argument(argument.value, kind.element, "()").run for argument in arguments]
        return Code(lambda frame: kind.of([get(frame) for get in getters]), kind)

    def _table_of(self, base: ast.Expression, names: Sequence[str]) -> tuple[Place, str] | None:
        """The table and the method, if it is one of these methods of a table."""
        if not isinstance(base, ast.Member) or base.name not in names:
            return None
        place = self.place(base.base)
        if place is None or not (isinstance(place.type, TableType) or place.bind):
            return None
        return place, base.name

    def method(self, base: ast.Expression, arguments: Sequence[ast.Argument]) -> Code | None:
        """``table.COUNT`` and the like, None for anything else."""
        found = self._table_of(base, _METHODS)
        if found is None:
            return None
        place, name = found
        table = self.read(place).run
        keyed = name in ("EXISTS", "NEXT", "PRIOR")
        codes = self.positional(name, arguments, int(keyed), int(keyed), base.at)
        index = (place.type.index if isinstance(place.type, TableType) else None) or kinds.PLS_INTEGER
        numeric = index.kind == "NUMBER"

        def run(frame: Frame) -> Value:
            elements = table(frame)
            if not isinstance(elements, Table):
                if name == "EXISTS":
                    return False
                raise OracleError(6531)
            if keyed:
                key = codes[0].run(frame)
                if numeric:
                    key = number(key)
                if name == "EXISTS":
                    return key in elements.items
                if key is None:
                    return None
                return elements.next(key) if name == "NEXT" else elements.prior(key)
            if name == "COUNT":
                return len(elements.items)
            if name == "LIMIT":
                return elements.limit
            keys = elements.keys
            return keys[0 if name == "FIRST" else -1] if keys else None

        return Code(run, kinds.BOOLEAN if name == "EXISTS" else kinds.NUMBER if name in ("COUNT", "LIMIT") else index)

    def change(self, base: ast.Expression, arguments: Sequence[ast.Argument]) -> Get | None:
        """``table.DELETE`` and the like, None for anything else."""
        found = self._table_of(base, _CHANGES)
        if found is None:
            return None
        place, name = found
        if place.set is None:
            raise CompileError(base.at, f"PLS-00363: expression '{name}' cannot be used as an assignment target")
        reach = place.reach
        getters = [code.run for code in self.positional(name, arguments, 0, 2, base.at)]
        nested = isinstance(place.type, TableType) and place.type.index is None
        if name != "DELETE" and not nested:
            raise CompileError(base.at, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
        initial = place.type.element.initial if isinstance(place.type, TableType) else None

        def run(frame: Frame) -> Value:
            table = reach(frame)
            if not isinstance(table, Table):
                raise OracleError(6531)
            values = [get(frame) for get in getters]
            if name == "DELETE":
                if not values or values[0] is not None:
                    table.delete(*values)
                return None
            count = whole(values[0]) if values else 1
            last = table.keys[-1] if table.keys else 0
            if name == "TRIM":
                if count > len(table.items):
                    raise OracleError(6533)
                table.delete(last - count + 1, last)
                return None
            if table.limit is not None and last + count > table.limit:
                raise OracleError(6532)
            for key in range(last + 1, last + count + 1):
                table.set(
                    key,
                    existing(table, whole(values[1]), nested=True) if len(values) > 1 else initial and initial(frame),
                )
            return None

        return run


def _convertible(given: Datatype, wanted: Datatype) -> bool:
    """Whether a value may fit, as far as it is known before it runs: all scalars but BOOLEAN are converted."""
    if given.kind in ("", "NULL") or not wanted.kind or given.kind == wanted.kind:
        return True
    return given.kind not in _UNCONVERTED and wanted.kind not in _UNCONVERTED


def whole(value: Value) -> int:
    """A number as an argument that has to be a whole one; NULL is 0."""
    return int(kinds.PLS_INTEGER.assign(value) or 0)
