# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling declarations: what they add to a scope, and what is done when their block is entered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from ..errors import OracleError
from ..values import Column
from . import datatypes as kinds
from . import syntax as ast
from .compile_places import undeclared
from .compile_sql import SqlCompiler
from .datatypes import CursorType, Datatype, OpenCursor, RecordType, Scalar, TableType
from .runtime import Frame
from .scope import (
    PACKAGE_TYPES,
    CursorSymbol,
    ExceptionSymbol,
    Formal,
    LabelSymbol,
    Scope,
    Step,
    Symbol,
    TypeSymbol,
    Unit,
    VariableSymbol,
)
from .source import CompileError


class DeclarationCompiler(SqlCompiler):
    """Adds declarations to static SQL, calls and expressions."""

    @abstractmethod
    def block_body(self, block: ast.Block) -> Step:
        """What a block does, in a scope of its own inside of the current one."""

    def declare(self, declarations: tuple[ast.Declaration, ...]) -> list[tuple[int, Step]]:
        """Add them to the current scope; the steps that give the variables their values, each with its line."""
        steps: list[tuple[int, Step]] = []
        bodies: list[tuple[Unit, ast.Subprogram]] = []
        for declaration in declarations:
            try:
                step = _RULES[type(declaration)](self, declaration)
                if isinstance(step, Unit):
                    assert isinstance(declaration, ast.Subprogram)
                    if declaration.body is not None:
                        bodies.append((step, declaration))
                elif step is not None:
                    steps.append((self.compilation.source.line(declaration.at), step))
            except CompileError as error:
                self.compilation.report(error)
                if not isinstance(declaration, (ast.Subprogram, ast.ExceptionInit, ast.ExceptionName)):
                    self.compilation.report(CompileError(declaration.at, "PL/SQL: Item ignored"))
                if isinstance(declaration, ast.Variable):
                    # Declared all the same, so that its uses are no further mistakes.
                    self._add(declaration.name, VariableSymbol(self.scope.unit, self.scope.unit.slot(), kinds.UNKNOWN))
        # Last, because they may call each other.
        for unit, subprogram in bodies:
            self.subprogram_body(unit, subprogram)
        return steps

    def _add(self, name: str, symbol: Symbol, at: int | None = None) -> None:
        if at is not None and name in self.scope.symbols:
            raise CompileError(at, f"PLS-00371: at most one declaration for '{name}' is permitted")
        self.scope.symbols[name] = symbol

    # ---- Types

    def type_of(self, name: ast.TypeName, parameter: bool = False) -> Datatype:
        """PLS-00201 for a type, table or variable that there is not, PLS-00302 for a column or field."""
        if name.attribute:
            return self._anchored(name)
        symbol = self._symbol(name.parts)
        if isinstance(symbol, TypeSymbol):
            return symbol.type
        if symbol is not None:
            raise CompileError(name.at, f"PLS-00488: '{'.'.join(name.parts)}' must be a type")
        if (found := PACKAGE_TYPES.get(name.parts)) is not None:
            return found
        try:
            scalar = kinds.scalar(name.parts[-1], name.sizes, parameter) if len(name.parts) == 1 else None
        except ValueError as error:
            raise CompileError(name.at, str(error)) from None
        if scalar is None:
            raise undeclared(name.at, ".".join(name.parts))
        return scalar

    def _symbol(self, parts: tuple[str, ...]) -> Symbol | None:
        symbol = self.scope.find(parts[0])
        if len(parts) == 2 and isinstance(symbol, LabelSymbol):
            return symbol.scope.symbols.get(parts[1])
        return symbol if len(parts) == 1 else None

    def _anchored(self, name: ast.TypeName) -> Datatype:
        """``variable%TYPE``, ``table.column%TYPE``, ``table%ROWTYPE``, ``cursor%ROWTYPE``."""
        shown = ".".join(name.parts)
        if name.attribute == "ROWTYPE":
            symbol = self._symbol(name.parts)
            if isinstance(symbol, CursorSymbol):
                return symbol.row
            return kinds.of_columns(self._columns(name.at, name.parts, shown))
        expression: ast.Expression = ast.Name(name.at, name.parts[0])
        for part in name.parts[1:]:
            expression = ast.Member(name.at, expression, part)
        place = self.place(expression)
        if place is not None:
            return place.type
        if len(name.parts) == 1:
            raise undeclared(name.at, shown)
        for column in self._columns(name.at, name.parts[:-1], shown):
            if column.name == name.parts[-1]:
                return kinds.of_column(column)
        raise CompileError(name.at, f"PLS-00302: component '{name.parts[-1]}' must be declared")

    def _columns(self, at: int, table: tuple[str, ...], shown: str) -> list[Column]:
        try:
            return list(self.host.describe(table))
        except OracleError as error:
            if error.code != 942:
                raise
            raise undeclared(at, shown) from None

    # ---- Variables

    def _variable(self, declaration: ast.Variable) -> Step:
        kind = self.type_of(declaration.type)
        if declaration.not_null and isinstance(kind, Scalar):
            kind = kinds.not_null(kind)
        default = None
        if declaration.default is not None:
            default = self.assigned(declaration.default, kind)
        unit = self.scope.unit
        slot = unit.slot()
        symbol = VariableSymbol(unit, slot, kind, declaration.constant)
        self._add(declaration.name, symbol, declaration.at)
        if default is None:
            initial = kind.initial

            def clear(frame: Frame) -> None:
                frame.slots[slot] = initial(frame)

            return clear
        value, convert = default, kind.assign

        def fill(frame: Frame) -> None:
            frame.slots[slot] = convert(value(frame))

        return fill

    def _exception(self, declaration: ast.ExceptionName) -> None:
        self._add(declaration.name, ExceptionSymbol(declaration.name), declaration.at)

    def _exception_init(self, declaration: ast.ExceptionInit) -> None:
        symbol = self.scope.symbols.get(declaration.name)
        if not isinstance(symbol, ExceptionSymbol):
            raise undeclared(declaration.at, declaration.name)
        if declaration.number == 100:
            symbol.code = 1403
        elif declaration.number in (0, -1403) or declaration.number > 0:
            raise CompileError(declaration.at, "PLS-00701: illegal ORACLE error number for PRAGMA EXCEPTION_INIT")
        else:
            symbol.code = -declaration.number

    def _subtype(self, declaration: ast.Subtype) -> None:
        self._add(declaration.name, TypeSymbol(self.type_of(declaration.type, parameter=True)), declaration.at)

    def _record(self, declaration: ast.RecordDefinition) -> None:
        fields: dict[str, Datatype] = {}
        defaults: dict[str, Callable[[Any], Any]] = {}
        for one in declaration.fields:
            fields[one.name] = self.type_of(one.type)
            if one.default is not None:
                defaults[one.name] = self.value(one.default).run
        self._add(declaration.name, TypeSymbol(RecordType(fields, defaults)), declaration.at)

    def _table(self, declaration: ast.TableDefinition) -> None:
        index = None
        if declaration.index is not None:
            index_type = self.type_of(declaration.index)
            if not isinstance(index_type, Scalar) or index_type.kind not in ("NUMBER", "VARCHAR2"):
                raise CompileError(
                    declaration.index.at, "PLS-00315: Implementation restriction: unsupported table index type"
                )
            index = index_type
        element = self.type_of(declaration.element)
        self._add(declaration.name, TypeSymbol(TableType(element, index, declaration.limit)), declaration.at)

    def _ref_cursor(self, declaration: ast.RefCursorDefinition) -> None:
        self._add(declaration.name, TypeSymbol(CursorType()), declaration.at)

    # ---- Cursors

    def _cursor(self, declaration: ast.CursorDefinition) -> Step:
        unit = self.scope.unit
        slot = unit.slot()
        outer = self.scope
        self.scope = Scope(unit, outer)
        try:
            formals = self.formals(declaration.parameters)
            row, query = self.query(declaration.query)
        finally:
            self.scope = outer
        self._add(declaration.name, CursorSymbol(unit, slot, formals, row, query), declaration.at)

        def close(frame: Frame) -> None:
            frame.slots[slot] = None

        return close

    def query(self, query: ast.Query) -> tuple[RecordType, Callable[[Frame], OpenCursor]]:
        """A query that is executed whole when its cursor is opened."""
        statement = self.statement(query.at, query.tokens)
        row = RecordType(None) if statement.columns is None else kinds.of_columns(statement.columns)
        text, binds = statement.text, statement.binds

        def execute(frame: Frame) -> OpenCursor:
            result = frame.run.host.query(text, {name: get(frame) for name, get in binds})
            return OpenCursor([column.name for column in result.columns], result.rows)

        return row, execute

    # ---- Subprograms

    def formals(self, parameters: tuple[ast.Parameter, ...]) -> list[Formal]:
        """Declare the parameters in the current scope. Their defaults see what is around it."""
        found = []
        for parameter in parameters:
            kind = self.type_of(parameter.type, parameter=True)
            default = None
            if parameter.default is not None:
                inner, self.scope = self.scope, self.scope.outer or self.scope
                try:
                    default = self.value(parameter.default).run
                finally:
                    self.scope = inner
            unit = self.scope.unit
            formal = Formal(parameter.name, parameter.mode, kind, default, unit.slot())
            self._add(parameter.name, VariableSymbol(unit, formal.slot, kind, parameter.mode == "IN"), parameter.at)
            found.append(formal)
        return found

    def _subprogram(self, declaration: ast.Subprogram) -> Unit:
        """Its header; the body of one that was declared before belongs to that declaration."""
        earlier = self.scope.symbols.get(declaration.name)
        if isinstance(earlier, Unit) and earlier.body is None and declaration.body is not None:
            return earlier
        unit = Unit(declaration.name, "", self.scope.unit.level + 1)
        self._add(declaration.name, unit, declaration.at)
        self.header(unit, declaration)
        return unit

    def header(self, unit: Unit, subprogram: ast.Subprogram) -> Scope:
        """Parameters and result, in a new scope that is given back."""
        outer = self.scope
        self.scope = inner = Scope(unit, outer)
        try:
            unit.formals = self.formals(subprogram.parameters)
            unit.returns = self.type_of(subprogram.returns, parameter=True) if subprogram.returns else None
        finally:
            self.scope = outer
        return inner

    def stored(self, unit: Unit, subprogram: ast.Subprogram) -> None:
        """A stored program: its header and its body. Mistakes are reported to the compilation."""
        try:
            self.header(unit, subprogram)
        except CompileError as error:
            self.compilation.report(error)
            return
        self.subprogram_body(unit, subprogram)

    def subprogram_body(self, unit: Unit, subprogram: ast.Subprogram) -> None:
        """Compile the body behind a header."""
        assert subprogram.body is not None
        outer = self.scope
        self.scope = Scope(unit, outer)
        for formal in unit.formals:
            self.scope.symbols[formal.name] = VariableSymbol(unit, formal.slot, formal.type, formal.mode == "IN")
        try:
            unit.autonomous = subprogram.body.autonomous
            unit.body = self.block_body(subprogram.body)
        finally:
            self.scope = outer


_RULES: dict[type, Callable[[Any, Any], Any]] = {
    ast.Variable: DeclarationCompiler._variable,
    ast.ExceptionName: DeclarationCompiler._exception,
    ast.ExceptionInit: DeclarationCompiler._exception_init,
    ast.Subtype: DeclarationCompiler._subtype,
    ast.RecordDefinition: DeclarationCompiler._record,
    ast.TableDefinition: DeclarationCompiler._table,
    ast.RefCursorDefinition: DeclarationCompiler._ref_cursor,
    ast.CursorDefinition: DeclarationCompiler._cursor,
    ast.Subprogram: DeclarationCompiler._subprogram,
}
