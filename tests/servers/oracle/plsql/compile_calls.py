# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling calls: of built-in functions, of table methods, of local and stored subprograms, of the server's packages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from ..errors import OracleError
from ..values import Value
from . import datatypes as kinds
from . import syntax as ast
from .compile_places import dotted, start, undeclared
from .compile_tables import TableCompiler, whole
from .datatypes import Datatype, Table, TableType
from .functions import BARE, FUNCTIONS, ONLY_SQL, SQL_FUNCTIONS, Function, NotHere
from .interface import Routine, StoredProgram
from .operators import text
from .runtime import Frame, PlsqlError, sqlcode, sqlerrm, sqlerrm_of
from .scope import PACKAGE_TYPES, Code, Get, LabelSymbol, Place, TypeSymbol, Unit
from .source import CompileError

# RAISE_APPLICATION_ERROR takes these numbers, and so much text.
APPLICATION_ERRORS = range(-20999, -19999)
APPLICATION_ERROR_BYTES = 2048


def run_unit(unit: Unit, frame: Frame) -> None:
    """Run a subprogram whose parameters are in its frame; an error gets its line of the error stack."""
    assert unit.body is not None
    try:
        if unit.owner or unit.autonomous:
            with ExitStack() as stack:
                if unit.owner:
                    stack.enter_context(frame.run.host.as_owner(unit.owner))
                if unit.autonomous:
                    stack.enter_context(frame.run.host.autonomous())
                signal = unit.body(frame)
        else:
            signal = unit.body(frame)
        if signal is None and unit.returns is not None:
            raise OracleError(6503)
    except OracleError as error:
        frame.run.leaves(error, unit.at(frame.line))
        raise


class CallCompiler(TableCompiler):
    """Adds calls to expressions."""

    @abstractmethod
    def stored_unit(self, stored: StoredProgram) -> Unit:
        """A stored program, compiled; OracleError if it is invalid."""

    # ---- What is called

    def call(self, expression: ast.Expression) -> Code:
        """A function. PLS-00201 for what there is not, PLS-00222 for a procedure."""
        base, arguments = _parts(expression)
        at = start(expression)
        if (method := self.method(base, arguments)) is not None:
            return method
        names = dotted(base)
        if not names:
            raise CompileError(at, "PLS-00306: wrong number or types of arguments in call to '()'")
        shown = ".".join(names)
        called = self._local(names)
        if isinstance(called, Unit):
            if called.returns is None:
                raise CompileError(at, f"PLS-00222: no function with name '{shown}' exists in this scope")
            return Code(self._unit_call(called, arguments, at), called.returns)
        if isinstance(called, TableType):
            return self.constructor(called, arguments)
        if called is None and len(names) == 1 and (code := self._built_in(names[0], arguments, at)):
            return code
        if names[-1] in ("NEXTVAL", "CURRVAL") and not arguments:
            return self.by_sql(shown, (), kinds.NUMBER)
        if called is None and (routine := self.host.routine(names)) is not None:
            if not routine.function:
                raise CompileError(at, f"PLS-00222: no function with name '{shown}' exists in this scope")
            return Code(self._routine_call(names, routine, arguments, at), kinds.UNKNOWN)
        if called is None and (stored := self.host.program(names)) is not None:
            unit = self._valid(stored, at)
            if unit.returns is None:
                raise CompileError(at, f"PLS-00222: no function with name '{shown}' exists in this scope")
            return Code(self._unit_call(unit, arguments, at), unit.returns)
        raise undeclared(at, shown)

    def procedure(self, expression: ast.Expression) -> Get:
        """A call as a statement. PLS-00221 for what is no procedure."""
        base, arguments = _parts(expression)
        at = start(expression)
        if (change := self.change(base, arguments)) is not None:
            return change
        names = dotted(base)
        shown = ".".join(names)
        called = self._local(names) if names else None
        if isinstance(called, Unit):
            if called.returns is not None:
                raise CompileError(at, f"PLS-00221: '{shown}' is not a procedure or is undefined")
            return self._unit_call(called, arguments, at)
        if names in (("RAISE_APPLICATION_ERROR",), ("DBMS_STANDARD", "RAISE_APPLICATION_ERROR")):
            return self._application_error(arguments, at)
        if called is None and names and names[0] not in FUNCTIONS:
            if (routine := self.host.routine(names)) is not None and not routine.function:
                return self._routine_call(names, routine, arguments, at)
            if routine is None and (stored := self.host.program(names)) is not None:
                unit = self._valid(stored, at)
                if unit.returns is None:
                    return self._unit_call(unit, arguments, at)
            elif routine is None:
                raise undeclared(at, shown)
        raise CompileError(at, f"PLS-00221: '{shown}' is not a procedure or is undefined")

    def _local(self, names: tuple[str, ...]) -> Any:
        """A subprogram or table type that is declared, None for no such name, something else for other symbols."""
        symbol: Any = self.scope.find(names[0])
        if isinstance(symbol, LabelSymbol) and len(names) == 2:
            symbol = symbol.scope.symbols.get(names[1])
        elif isinstance(symbol, (Unit, LabelSymbol)) and len(names) > 1:
            symbol = None
        if symbol is None and names in PACKAGE_TYPES:
            return PACKAGE_TYPES[names]
        return symbol.type if isinstance(symbol, TypeSymbol) else symbol

    def _valid(self, stored: StoredProgram, at: int) -> Unit:
        try:
            return self.stored_unit(stored)
        except OracleError as error:
            if error.code != 6550:
                raise
            raise CompileError(at, f"PLS-00905: object {stored.owner}.{stored.name} is invalid") from None

    # ---- Arguments

    def match(
        self, name: str, wanted: Sequence[tuple[str, bool]], arguments: Sequence[ast.Argument], at: int
    ) -> list[ast.Expression | None]:
        """One argument or None for each parameter, given as name and whether it may be left out. PLS-00306."""
        found: list[ast.Expression | None] = [None] * len(wanted)
        names = [parameter for parameter, _optional in wanted]
        wrong = CompileError(at, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
        named = False
        for place, argument in enumerate(arguments):
            if argument.name is not None:
                named = True
                if argument.name not in names:
                    raise wrong
                place = names.index(argument.name)
            elif named:
                raise CompileError(
                    at, "PLS-00312: a positional parameter association may not follow a named association"
                )
            if place >= len(found) or found[place] is not None:
                raise wrong
            found[place] = argument.value
        if any(given is None and not optional for given, (_name, optional) in zip(found, wanted, strict=True)):
            raise wrong
        return found

    def _unit_call(self, unit: Unit, arguments: Sequence[ast.Argument], at: int) -> Get:
        wanted = [(formal.name, formal.default is not None) for formal in unit.formals]
        given = self.match(unit.name, wanted, arguments, at)
        ins: list[tuple[int, Get, Callable[[Value], Value]]] = []
        outs: list[tuple[int, Callable[[Frame, Value], None]]] = []
        defaults: list[tuple[int, Get, Callable[[Value], Value]]] = []
        fresh: list[tuple[int, Datatype]] = []
        for formal, value in zip(unit.formals, given, strict=True):
            if value is None:
                assert formal.default is not None
                defaults.append((formal.slot, formal.default, formal.type.assign))
                continue
            if formal.mode != "OUT":
                ins.append((formal.slot, self.argument(value, formal.type, unit.name).run, formal.type.assign))
            else:
                fresh.append((formal.slot, formal.type))
            if formal.mode != "IN":
                place = self.target(value)
                assert place.set is not None
                outs.append((formal.slot, place.set))
        up = self.scope.unit.level - unit.level + 1
        home = self.ancestor(up) if unit.level else None

        def run(frame: Frame) -> Value:
            parent = home(frame) if home else None
            inner = Frame(frame.run, parent, unit.slots)
            slots = inner.slots
            for slot, get, convert in ins:
                slots[slot] = convert(get(frame))
            for slot, get, convert in defaults:
                slots[slot] = convert(get(parent or inner))
            for slot, kind in fresh:
                slots[slot] = kind.initial(inner)
            run_unit(unit, inner)
            for slot, put in outs:
                put(frame, slots[slot])
            return inner.result

        return run

    def _routine_call(
        self, names: tuple[str, ...], routine: Routine, arguments: Sequence[ast.Argument], at: int
    ) -> Get:
        wanted = [(parameter.name, parameter.optional) for parameter in routine.parameters]
        given = self.match(names[-1], wanted, arguments, at)
        ins: list[tuple[str, Get]] = []
        outs: list[tuple[str, Place]] = []
        for parameter, value in zip(routine.parameters, given, strict=True):
            if value is None:
                continue
            if parameter.mode != "OUT":
                ins.append((parameter.name, self.value(value).run))
            if parameter.mode != "IN":
                outs.append((parameter.name, self.target(value)))
        body, name = routine.body, routine.name

        def run(frame: Frame) -> Value:
            values: dict[str, Value] = {}
            for parameter, get in ins:
                value = get(frame)
                values[parameter] = value.values() if isinstance(value, Table) else value
            try:
                result = body(values)
            except OracleError as error:
                if name:
                    frame.run.leaves(error, f'ORA-06512: at "{name}", line 1')
                raise
            for parameter, place in outs:
                assert place.set is not None
                place.set(frame, values.get(parameter))
            return None if result == "" else result

        return run

    # ---- Built-in functions

    def _built_in(self, name: str, arguments: Sequence[ast.Argument], at: int) -> Code | None:
        if name in ("SQLCODE", "SQLERRM", "USER") and not arguments:
            return _SESSION[name]
        if name == "COALESCE":
            return self._coalesce(arguments, at)
        if name == "SQLERRM":
            (value,) = self.positional(name, arguments, 1, 1, at)
            inner = value.run
            return Code(lambda frame: sqlerrm_of(whole(inner(frame))), kinds.VARCHAR2)
        if (function := FUNCTIONS.get(name)) is not None:
            return self._function(name, function, arguments, at)
        if name in ONLY_SQL:
            raise CompileError(
                at, f"PLS-00204: function or pseudo-column '{name}' may be used inside a SQL statement only"
            )
        if (kind := SQL_FUNCTIONS.get(name)) is None:
            return None
        codes = self.positional(name, arguments, 0, 255, at)
        return self.by_sql(_written(name, len(codes)), codes, kind)

    def _function(self, name: str, function: Function, arguments: Sequence[ast.Argument], at: int) -> Code:
        # NVL and NULLIF are there for conditions too.
        any_type = not function.strict and function.kind is None
        codes = self.positional(name, arguments, function.least, function.most, at, any_type)
        kind: Datatype = function.kind or next((code.type for code in codes if code.type.kind != "NULL"), kinds.NULL)
        if kind is kinds.LITERAL:
            kind = kinds.VARCHAR2
        getters = [code.run for code in codes]
        strict, local = function.strict, function.run
        by_sql = None if any_type else self.by_sql(_written(name, len(codes)), codes, kind).run

        def run(frame: Frame) -> Value:
            values = [get(frame) for get in getters]
            if strict and None in values:
                return None
            try:
                found = local(*values)
            except NotHere:
                if by_sql is None:
                    raise
                return by_sql(frame)
            return None if found == "" else found

        return Code(run, kind)

    def _coalesce(self, arguments: Sequence[ast.Argument], at: int) -> Code:
        codes = self.positional("COALESCE", arguments, 2, 255, at, composite=True)

        def run(frame: Frame) -> Value:
            for code in codes:
                if (value := code.run(frame)) is not None:
                    return value
            return None

        return Code(run, next((code.type for code in codes if code.type.kind != "NULL"), kinds.NULL))

    def _application_error(self, arguments: Sequence[ast.Argument], at: int) -> Get:
        codes = self.positional("RAISE_APPLICATION_ERROR", arguments, 2, 3, at, composite=True)

        def run(frame: Frame) -> Value:
            values = [code.run(frame) for code in codes]
            code = whole(values[0])
            if code not in APPLICATION_ERRORS:
                raise OracleError(21000, code)
            message = (text(values[1]) or "").encode()[:APPLICATION_ERROR_BYTES].decode(errors="ignore")
            error = PlsqlError(-code, message)
            if len(values) > 2 and values[2] and frame.run.handled:
                error.stack += frame.run.handled[-1].text.split("\n")
            raise error

        return run


def _parts(expression: ast.Expression) -> tuple[ast.Expression, tuple[ast.Argument, ...]]:
    if isinstance(expression, ast.Apply):
        return expression.base, expression.arguments
    return expression, ()


def _written(name: str, count: int) -> str:
    if not count and name in BARE:
        return name
    return f"{name}({', '.join(f':B{at}' for at in range(1, count + 1))})"


def _current(frame: Frame) -> OracleError | None:
    handled = frame.run.handled
    return handled[-1] if handled else None


_SESSION = {
    "SQLCODE": Code(lambda frame: sqlcode(_current(frame)), kinds.NUMBER),
    "SQLERRM": Code(lambda frame: sqlerrm(_current(frame)), kinds.VARCHAR2),
    "USER": Code(lambda frame: frame.run.host.user, kinds.VARCHAR2),
}
