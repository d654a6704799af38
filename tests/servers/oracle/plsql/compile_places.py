# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling names: what has a value, what may be assigned to, elements and fields.

Compiled code is functions of a frame, put together once; see :class:`~servers.oracle.plsql.scope.Code`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import OracleError
from ..values import Value
from . import datatypes as kinds
from . import syntax as ast
from .datatypes import Datatype, RecordType, Scalar, Table, TableType
from .interface import IN, OUT, Host
from .operators import value_error
from .runtime import Frame
from .scope import Code, Get, LabelSymbol, Place, Scope, VariableSymbol
from .source import CompileError, Problem, Source


@dataclass
class Compilation:
    """What all parts of one compilation share. ``stored``: a stored program, which cannot have bind variables."""

    host: Host
    source: Source
    stored: bool
    problems: list[Problem] = field(default_factory=list)
    # Directions of the bind variables so far: IN, OUT or both.
    directions: dict[str, int] = field(default_factory=dict)

    def report(self, error: CompileError) -> None:
        self.problems.append(self.source.problem(error.at, error.text))


def undeclared(at: int, name: str) -> CompileError:
    return CompileError(at, f"PLS-00201: identifier '{name}' must be declared")


def dotted(expression: ast.Expression) -> tuple[str, ...]:
    """The parts of a plain name, () for anything else."""
    if isinstance(expression, ast.Name):
        return (expression.name,)
    if isinstance(expression, ast.Member) and (outer := dotted(expression.base)):
        return (*outer, expression.name)
    return ()


def start(expression: ast.Expression) -> int:
    """Where a name begins, its first part included."""
    while isinstance(expression, (ast.Member, ast.Apply)):
        expression = expression.base
    return expression.at


class PlaceCompiler(ABC):
    """Names, elements and fields. Expressions come from the class that completes it."""

    def __init__(self, compilation: Compilation, scope: Scope) -> None:
        self.compilation = compilation
        self.host = compilation.host
        self.scope = scope

    @abstractmethod
    def value(self, expression: ast.Expression) -> Code:
        """What computes the expression."""

    @abstractmethod
    def call(self, expression: ast.Expression) -> Code:
        """A call of a function."""

    # ---- Use

    def read(self, place: Place) -> Code:
        if place.bind:
            self._direction(place.bind, IN)
        return Code(place.get, place.type)

    def target(self, expression: ast.Expression) -> Place:
        """Something to assign to, its ``set`` with conversion. PLS-00363 if it cannot be assigned to."""
        place = self.place(expression)
        if place is None or place.set is None:
            if place is None and dotted(expression):
                self.call(expression)
            name = ".".join(dotted(expression)) or "expression"
            raise CompileError(expression.at, f"PLS-00363: expression '{name}' cannot be used as an assignment target")
        if place.bind:
            self._direction(place.bind, OUT)
        return place

    def _direction(self, bind: str, direction: int) -> None:
        directions = self.compilation.directions
        directions[bind] = directions.get(bind, 0) | direction

    # ---- Places

    def place(self, expression: ast.Expression) -> Place | None:
        """None for what is no variable nor part of one: a call."""
        if isinstance(expression, ast.Name):
            symbol = self.scope.find(expression.name)
            return self.variable(symbol) if isinstance(symbol, VariableSymbol) else None
        if isinstance(expression, ast.BindName):
            return self._bind(expression)
        if isinstance(expression, ast.Member):
            return self._member(expression)
        if isinstance(expression, ast.Apply):
            return self._element(expression)
        return None

    def variable(self, symbol: VariableSymbol) -> Place:
        slot, convert = symbol.slot, symbol.type.assign
        up = self.scope.unit.level - symbol.unit.level
        if not up:

            def get(frame: Frame) -> Value:
                return frame.slots[slot]

            def put(frame: Frame, value: Value) -> None:
                frame.slots[slot] = convert(value)

        else:
            home = self.ancestor(up)

            def get(frame: Frame) -> Value:
                return home(frame).slots[slot]

            def put(frame: Frame, value: Value) -> None:
                home(frame).slots[slot] = convert(value)

        return Place(get, None if symbol.constant else put, get, symbol.type)

    @staticmethod
    def ancestor(levels: int) -> Callable[[Frame], Frame]:
        """The frame so many subprograms further out."""

        def find(frame: Frame) -> Frame:
            for _level in range(levels):
                assert frame.parent is not None
                frame = frame.parent
            return frame

        return find

    def _bind(self, expression: ast.BindName) -> Place:
        name = expression.name
        if self.compilation.stored:
            raise CompileError(expression.at, f"PLS-00049: bad bind variable '{name}'")
        self.compilation.directions.setdefault(name, 0)

        def get(frame: Frame) -> Value:
            return frame.run.values[name]

        def put(frame: Frame, value: Value) -> None:
            frame.run.values[name] = frame.run.types[name].assign(value)

        return Place(get, put, get, kinds.UNKNOWN, name)

    def _member(self, expression: ast.Member) -> Place | None:
        name = expression.name
        if isinstance(expression.base, ast.Name):
            symbol = self.scope.find(expression.base.name)
            if isinstance(symbol, LabelSymbol):
                inner = symbol.scope.symbols.get(name)
                return self.variable(inner) if isinstance(inner, VariableSymbol) else None
        base = self.place(expression.base)
        if base is None:
            if dotted(expression):
                return None
            code = self.call(expression.base)
            base = Place(code.run, None, code.run, code.type)
        if not isinstance(base.type, RecordType):
            return None
        fields = base.type.fields
        kind = kinds.UNKNOWN if fields is None else fields.get(name)
        if kind is None:
            raise CompileError(expression.at, f"PLS-00302: component '{name}' must be declared")
        return self._field(base, name, kind)

    def _field(self, base: Place, name: str, kind: Datatype) -> Place:
        outer, reach, convert = base.get, base.reach, kind.assign

        def get(frame: Frame) -> Value:
            try:
                return outer(frame)[name]
            except KeyError:
                raise OracleError(904, f'"{name}"') from None

        def put(frame: Frame, value: Value) -> None:
            reach(frame)[name] = convert(value)

        def inside(frame: Frame) -> Value:
            return reach(frame)[name]

        return Place(get, put if base.set else None, inside, kind, base.bind)

    def _element(self, expression: ast.Apply) -> Place | None:
        base = self.place(expression.base)
        if base is None:
            if not isinstance(expression.base, ast.Apply):
                return None
            code = self.call(expression.base)
            base = Place(code.run, None, code.run, code.type)
        if not isinstance(base.type, TableType) and not base.bind:
            return None
        if len(expression.arguments) != 1 or expression.arguments[0].name:
            raise CompileError(expression.at, "PLS-00306: wrong number or types of arguments in call to '()'")
        index = self.value(expression.arguments[0].value)
        if base.bind:
            return self._bind_element(base, index.run)
        return self._table_element(base, index.run)

    def _bind_element(self, base: Place, index: Get) -> Place:
        name, table = base.bind, base.get
        # An element that is not assigned keeps what it has, so the array goes in as well.
        self._direction(name, IN)

        def get(frame: Frame) -> Value:
            return existing(table(frame), _key(index(frame), kinds.PLS_INTEGER))

        def put(frame: Frame, value: Value) -> None:
            kind, key = frame.run.types[name], _key(index(frame), kinds.PLS_INTEGER)
            if not isinstance(kind, TableType):
                raise value_error()
            if not 1 <= key <= (kind.limit or 0):
                raise OracleError(6513)
            frame.run.values[name].set(key, kind.element.assign(value))

        return Place(get, put, get, kinds.UNKNOWN, name)

    def _table_element(self, base: Place, index: Get) -> Place:
        kind = base.type
        assert isinstance(kind, TableType)
        table, reach, convert, keys = base.get, base.reach, kind.element.assign, kind.index
        initial = kind.element.initial

        def get(frame: Frame) -> Value:
            return existing(table(frame), _key(index(frame), keys), keys is None)

        def put(frame: Frame, value: Value) -> None:
            found, key = reach(frame), _key(index(frame), keys)
            if keys is None:
                existing(found, key, nested=True)
            found.set(key, convert(value))

        def inside(frame: Frame) -> Value:
            found, key = reach(frame), _key(index(frame), keys)
            if keys is not None and key not in found.items:
                found.set(key, initial(frame))
            return existing(found, key, keys is None)

        return Place(get, put if base.set else None, inside, kind.element, base.bind)


def _key(value: Value, kind: Scalar | None) -> Value:
    if value.__class__ is int and (kind is None or kind.kind == "NUMBER"):
        return value
    found = (kind or kinds.PLS_INTEGER).assign(value)
    if found is None:
        raise value_error("NULL index table key value")
    return found


def existing(table: Value, key: Value, nested: bool = False) -> Value:
    """The element: ORA-01403 if an index-by table has none there, ORA-06531 to 06533 for other collections."""
    if not isinstance(table, Table):
        raise OracleError(6531) if nested else value_error()
    try:
        return table.items[key]
    except KeyError:
        pass
    if not nested:
        raise OracleError(1403)
    raise OracleError(6533 if key > 0 and key <= (table.limit or key) else 6532)
