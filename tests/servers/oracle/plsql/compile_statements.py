# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling blocks and what controls their flow.

A compiled statement gives None, or a :class:`Signal` that the statements around it pass on until it is taken: by the
loop that EXIT or CONTINUE is for, or by the end of the subprogram.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..errors import OracleError
from ..values import Value
from . import syntax as ast
from .compile_dynamic import DynamicCompiler
from .compile_places import dotted, undeclared
from .datatypes import NUMBER
from .operators import number, value_error
from .runtime import PREDEFINED, UNCATCHABLE, Execution, Frame, PlsqlError, UserError, message_of
from .scope import ExceptionSymbol, Get, LabelSymbol, Scope, Step, Unit, VariableSymbol
from .source import CompileError


@dataclass(eq=False)
class Signal:
    """What leaves statements: one object for each EXIT and CONTINUE of a loop, and :data:`RETURN`."""

    what: str


RETURN = Signal("return")


@dataclass(eq=False)
class _LoopSignals:
    label: str
    leave: Signal
    again: Signal


class StatementCompiler(DynamicCompiler):
    """Adds blocks and control statements to declarations and SQL."""

    # Around the statement that is being compiled, in its subprogram.
    loops: tuple[_LoopSignals, ...] = ()
    handling = False

    def statements(self, statements: ast.Statements) -> Step:
        """In order, each with its line for the error stack. A mistake spoils only its own statement."""
        steps: list[tuple[int, Step]] = []
        for statement in statements:
            try:
                steps.append((self.compilation.source.line(statement.at), _RULES[type(statement)](self, statement)))
            except CompileError as error:
                self.compilation.report(error)
                if not isinstance(statement, (ast.Query, ast.Sql)) or not error.text.endswith("Statement ignored"):
                    self.compilation.report(CompileError(statement.at, "PL/SQL: Statement ignored"))

        def run(frame: Frame) -> Signal | None:
            check = frame.run.check
            for line, step in steps:
                frame.line = line
                check()
                signal = step(frame)
                if signal is not None:
                    return signal
            return None

        return run

    def subprogram_body(self, unit: Unit, subprogram: ast.Subprogram) -> None:
        around = self.loops, self.handling
        self.loops, self.handling = (), False
        try:
            super().subprogram_body(unit, subprogram)
        finally:
            self.loops, self.handling = around

    # ---- Blocks

    def block_body(self, block: ast.Block) -> Step:
        outer = self.scope
        self.scope = inner = Scope(outer.unit, outer)
        if block.label:
            inner.symbols[block.label] = LabelSymbol(inner)
        try:
            entering = self.declare(block.declarations)
            body = self.statements(block.body)
            handlers = [self._handler(handler) for handler in block.handlers]
        finally:
            self.scope = outer
        if handlers:
            body = _guarded(body, handlers)
        if not entering:
            return body

        def run(frame: Frame) -> Any:
            for line, step in entering:
                frame.line = line
                step(frame)
            return body(frame)

        return run

    def _handler(self, handler: ast.Handler) -> tuple[Callable[[OracleError], bool], Step]:
        around, self.handling = self.handling, True
        try:
            body = self.statements(handler.body)
        finally:
            self.handling = around
        if not handler.names:
            return (lambda error: True), body
        codes: set[int] = set()
        symbols: set[object] = set()
        for name in handler.names:
            try:
                symbol = self._exception_symbol(name)
            except CompileError as error:
                self.compilation.report(error)
                continue
            if symbol.code is None:
                symbols.add(symbol)
            else:
                codes.add(symbol.code)

        def catches(error: OracleError) -> bool:
            if isinstance(error, UserError):
                return error.exception in symbols
            return error.code in codes

        return catches, body

    def _exception_symbol(self, name: ast.Expression) -> ExceptionSymbol:
        parts = dotted(name)
        symbol: Any = self.scope.find(parts[0]) if parts else None
        if isinstance(symbol, LabelSymbol) and len(parts) == 2:
            symbol = symbol.scope.symbols.get(parts[1])
        if isinstance(symbol, ExceptionSymbol):
            return symbol
        if symbol is None and parts and parts[-1] in PREDEFINED and parts[:-1] in ((), ("STANDARD",)):
            return ExceptionSymbol(parts[-1], PREDEFINED[parts[-1]])
        raise undeclared(name.at, ".".join(parts))

    def _raise(self, statement: ast.Raise) -> Step:
        if statement.name is None:
            if not self.handling:
                raise CompileError(
                    statement.at,
                    "PLS-00367: a RAISE statement with no exception name must be inside an exception handler",
                )

            def again(frame: Frame) -> None:
                raise frame.run.handled[-1]

            return again
        symbol = self._exception_symbol(statement.name)

        def run(frame: Frame) -> None:
            if symbol.code is None:
                raise UserError(symbol)
            raise PlsqlError(symbol.code, message_of(symbol.code))

        return run

    # ---- Flow

    def _assign(self, statement: ast.Assign) -> Step:
        place = self.target(statement.target)
        value = self.assigned(statement.value, place.type)
        put = place.set
        assert put is not None
        return lambda frame: put(frame, value(frame))

    def _call(self, statement: ast.Call) -> Step:
        call = self.procedure(statement.call)

        def run(frame: Frame) -> None:
            call(frame)

        return run

    def _if(self, statement: ast.If) -> Step:
        line = self.compilation.source.line
        branches = [
            (line(branch.condition.at), self.condition(branch.condition), self.statements(branch.result))
            for branch in statement.branches
        ]
        otherwise = self.statements(statement.otherwise) if statement.otherwise else None

        def run(frame: Frame) -> Any:
            for at, condition, body in branches:
                frame.line = at
                if condition(frame):
                    return body(frame)
            return otherwise(frame) if otherwise else None

        return run

    def _case_statement(self, statement: ast.Case) -> Step:
        branches = self.branches(statement.selector, statement.branches, self.statements)
        otherwise = self.statements(statement.otherwise) if statement.otherwise is not None else None
        select = self.selector(statement.selector)

        def run(frame: Frame) -> Any:
            value = select(frame) if select else None
            for matches, body in branches:
                if matches(frame, value):
                    return body(frame)
            if otherwise is None:
                raise OracleError(6592)
            return otherwise(frame)

        return run

    def _looped(self, label: str, body: ast.Statements) -> tuple[Step, Signal, Signal]:
        signals = _LoopSignals(label, Signal("exit"), Signal("continue"))
        around, self.loops = self.loops, (*self.loops, signals)
        try:
            return self.statements(body), signals.leave, signals.again
        finally:
            self.loops = around

    def _loop(self, statement: ast.Loop) -> Step:
        condition = self.condition(statement.condition) if statement.condition else None
        body, leave, again = self._looped(statement.label, statement.body)
        line = self.compilation.source.line(statement.at)

        def run(frame: Frame) -> Any:
            while condition is None or condition(frame):
                signal = body(frame)
                if signal is leave:
                    break
                if signal is not None and signal is not again:
                    return signal
                frame.line = line
            return None

        return run

    def _range_loop(self, statement: ast.RangeLoop) -> Step:
        low, high = self.scalar(statement.low, "..").run, self.scalar(statement.high, "..").run
        reverse = statement.reverse
        outer = self.scope
        slot = outer.unit.slot()
        self.scope = Scope(outer.unit, outer)
        self.scope.symbols[statement.variable] = VariableSymbol(outer.unit, slot, NUMBER, constant=True)
        try:
            body, leave, again = self._looped(statement.label, statement.body)
        finally:
            self.scope = outer

        def run(frame: Frame) -> Any:
            first, last = _bound(low(frame)), _bound(high(frame))
            turns = range(last, first - 1, -1) if reverse else range(first, last + 1)
            for turn in turns:
                frame.slots[slot] = turn
                signal = body(frame)
                if signal is leave:
                    break
                if signal is not None and signal is not again:
                    return signal
            return None

        return run

    def _cursor_loop(self, statement: ast.CursorLoop) -> Step:
        row, rows, close = self.loop_rows(statement)
        outer = self.scope
        slot = outer.unit.slot()
        self.scope = Scope(outer.unit, outer)
        self.scope.symbols[statement.variable] = VariableSymbol(outer.unit, slot, row)
        try:
            body, leave, again = self._looped(statement.label, statement.body)
        finally:
            self.scope = outer

        def run(frame: Frame) -> Any:
            records = rows(frame)
            try:
                for record in records:
                    frame.slots[slot] = record
                    signal = body(frame)
                    if signal is leave:
                        break
                    if signal is not None and signal is not again:
                        return signal
            finally:
                close(frame)
            return None

        return run

    def _exit(self, statement: ast.Exit) -> Step:
        if not self.loops:
            raise CompileError(statement.at, "PLS-00376: illegal EXIT/CONTINUE statement; it must appear inside a loop")
        found = [loop for loop in self.loops if not statement.label or loop.label == statement.label]
        if not found:
            raise undeclared(statement.at, statement.label)
        signal = found[-1].again if statement.again else found[-1].leave
        if statement.condition is None:
            return lambda frame: signal
        condition = self.condition(statement.condition)
        return lambda frame: signal if condition(frame) else None

    def _null(self, _statement: ast.Null) -> Step:
        return lambda frame: None

    def _return(self, statement: ast.Return) -> Step:
        returns = self.scope.unit.returns
        if statement.value is None:
            if returns is not None:
                raise CompileError(
                    statement.at, "PLS-00503: RETURN <value> statement is required for this return from function"
                )
            return lambda frame: RETURN
        if returns is None:
            raise CompileError(statement.at, "PLS-00372: In a procedure, RETURN statement cannot contain an expression")
        value: Get = self.assigned(statement.value, returns)
        convert = returns.assign

        def run(frame: Frame) -> Signal:
            frame.result = convert(value(frame))
            return RETURN

        return run


def _guarded(body: Step, handlers: Sequence[tuple[Callable[[OracleError], bool], Step]]) -> Step:
    def run(frame: Frame) -> Any:
        try:
            return body(frame)
        except OracleError as error:
            if error.code == UNCATCHABLE:
                raise
            for catches, handler in handlers:
                if catches(error):
                    return _handle(frame, frame.run, error, handler)
            raise

    return run


def _handle(frame: Frame, run: Execution, error: OracleError, handler: Step) -> Any:
    run.handled.append(error)
    try:
        return handler(frame)
    finally:
        run.handled.pop()


def _bound(value: Value) -> int:
    """A bound of a loop, rounded to a whole number; ORA-06502 for NULL."""
    found = number(value)
    if found is None:
        raise value_error()
    return found if found.__class__ is int else int(Decimal(found).to_integral_value(rounding=ROUND_HALF_UP))


_RULES: dict[type, Callable[[Any, Any], Step]] = {
    ast.Assign: StatementCompiler._assign,
    ast.Call: StatementCompiler._call,
    ast.If: StatementCompiler._if,
    ast.Case: StatementCompiler._case_statement,
    ast.Loop: StatementCompiler._loop,
    ast.RangeLoop: StatementCompiler._range_loop,
    ast.CursorLoop: StatementCompiler._cursor_loop,
    ast.Exit: StatementCompiler._exit,
    ast.Null: StatementCompiler._null,
    ast.Return: StatementCompiler._return,
    ast.Raise: StatementCompiler._raise,
    ast.Query: StatementCompiler._query,
    ast.Sql: StatementCompiler._sql_statement,
    ast.ExecuteImmediate: StatementCompiler._execute_immediate,
    ast.Open: StatementCompiler._open,
    ast.Fetch: StatementCompiler._fetch,
    ast.Close: StatementCompiler._close,
    ast.Block: StatementCompiler.block_body,
}
