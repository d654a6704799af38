# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling expressions and conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import OracleError
from ..values import Value
from . import datatypes as kinds
from . import operators
from . import syntax as ast
from .compile_places import PlaceCompiler
from .datatypes import Datatype, OpenCursor, Scalar
from .runtime import Frame
from .scope import Code, CursorSymbol, Get, VariableSymbol
from .source import CompileError

_DATES = ("DATE", "TIMESTAMP")


class ExpressionCompiler(PlaceCompiler):
    """Adds operators, CASE and cursor attributes to names. Calls come from the class that completes it."""

    def value(self, expression: ast.Expression) -> Code:
        return _RULES[type(expression)](self, expression)

    def condition(self, expression: ast.Expression) -> Callable[[Frame], bool | None]:
        """PLS-00382 for what is no condition."""
        code = self.value(expression)
        if code.type.kind in ("BOOLEAN", "NULL"):
            return code.run
        if code.type.kind:
            raise CompileError(expression.at, "PLS-00382: expression is of wrong type")
        run, check = code.run, kinds.BOOLEAN.assign
        return lambda frame: check(run(frame))

    def scalar(self, expression: ast.Expression, operator: str) -> Code:
        """An operand that is no condition and no composite value."""
        code = self.value(expression)
        if code.type.kind in ("BOOLEAN", "RECORD", "TABLE", "CURSOR"):
            raise CompileError(expression.at, f"PLS-00306: wrong number or types of arguments in call to '{operator}'")
        return code

    # ---- Leaves

    def _literal(self, expression: ast.Literal) -> Code:
        value = expression.value
        kind = kinds.TIMESTAMP_TZ if expression.timestamp else _literal_type(value)
        return Code(lambda frame: value, kind)

    def _reference(self, expression: ast.Expression) -> Code:
        place = self.place(expression)
        return self.call(expression) if place is None else self.read(place)

    def _sql(self, expression: ast.SqlExpression) -> Code:
        written, codes = [], []
        for piece in expression.pieces:
            if isinstance(piece, str):
                written.append(piece)
            else:
                codes.append(self.scalar(piece, "SQL"))
                written.append(f":B{len(codes)}")
        return self.by_sql("".join(written), codes, kinds.UNKNOWN)

    def by_sql(self, text: str, codes: Sequence[Code], kind: Datatype) -> Code:
        """What the SQL engine makes of an expression with the binds :B1, :B2, ..."""
        if kind is kinds.BOOLEAN:
            text = f"CASE WHEN {text} THEN 1 WHEN NOT ({text}) THEN 0 END"
        statement = f"SELECT {text} FROM DUAL"
        binds = [(f"B{number}", code.run) for number, code in enumerate(codes, 1)]

        def run(frame: Frame) -> Value:
            values = {name: get(frame) for name, get in binds}
            try:
                found = frame.run.host.query(statement, values).rows[0][0]
            except OracleError as error:
                # INVALID_NUMBER belongs to SQL; in PL/SQL it is a VALUE_ERROR.
                if error.code != 1722:
                    raise
                raise operators.value_error("character to number conversion error") from None
            if kind is kinds.BOOLEAN:
                return None if found is None else bool(found)
            return None if found == "" else found

        return Code(run, kind)

    # ---- Operators

    def _unary(self, expression: ast.Unary) -> Code:
        if expression.operator == "NOT":
            run = self.condition(expression.operand)
            return Code(lambda frame: operators.negation(run(frame)), kinds.BOOLEAN)
        operand = self.scalar(expression.operand, expression.operator)
        if expression.operator == "+":
            return operand
        inner = operand.run
        if isinstance(expression.operand, ast.Literal):
            value = operators.negative(expression.operand.value)
            return Code(lambda frame: value, kinds.NUMBER)
        return Code(
            lambda frame: operators.negative(inner(frame)),
            kinds.INTERVAL if operand.type.kind == "INTERVAL" else kinds.NUMBER,
        )

    def _binary(self, expression: ast.Binary) -> Code:
        operator = expression.operator
        if operator in ("AND", "OR"):
            first, second = self.condition(expression.left), self.condition(expression.right)
            return Code((_both if operator == "AND" else _either)(first, second), kinds.BOOLEAN)
        if operator == "||":
            return self._concatenation(expression)
        if operator in operators.COMPARISONS:
            return self._comparison(expression)
        left, right = self.scalar(expression.left, operator), self.scalar(expression.right, operator)
        operation = operators.ARITHMETIC[operator]
        kind = _arithmetic_type(operator, left.type.kind, right.type.kind)
        if operator == "-" and kind is kinds.INTERVAL:
            operation = operators.subtract_timestamps
        one, two = left.run, right.run
        return Code(lambda frame: operation(one(frame), two(frame)), kind)

    def _concatenation(self, expression: ast.Binary) -> Code:
        operands: list[Get] = []

        def collect(part: ast.Expression) -> None:
            if isinstance(part, ast.Binary) and part.operator == "||":
                collect(part.left)
                collect(part.right)
            else:
                operands.append(self.scalar(part, "||").run)

        collect(expression)
        text = operators.text

        def run(frame: Frame) -> Value:
            return "".join([text(operand(frame)) or "" for operand in operands]) or None

        return Code(run, kinds.VARCHAR2)

    def _comparison(self, expression: ast.Binary) -> Code:
        left, right = self.value(expression.left), self.value(expression.right)
        operation = self.comparison(expression.operator, left.type, right.type, expression.at)
        one, two = left.run, right.run
        return Code(lambda frame: operation(one(frame), two(frame)), kinds.BOOLEAN)

    @staticmethod
    def comparison(operator: str, left: Datatype, right: Datatype, at: int) -> Callable[[Value, Value], bool | None]:
        """What compares values of these types; PLS-00306 if nothing does."""
        kind, other = left.kind, right.kind
        composite = ("RECORD", "TABLE", "CURSOR")
        wrong = kind in composite or other in composite
        if "BOOLEAN" in (kind, other):
            wrong |= not {kind, other} <= {"BOOLEAN", "NULL", ""}
        if wrong:
            raise CompileError(at, f"PLS-00306: wrong number or types of arguments in call to '{operator}'")
        operation = operators.COMPARISONS[operator]
        return operators.padded(operation) if kind == other == "CHAR" else operation

    def _is_null(self, expression: ast.IsNull) -> Code:
        operand = self.value(expression.operand).run
        if expression.negated:
            return Code(lambda frame: operand(frame) is not None, kinds.BOOLEAN)
        return Code(lambda frame: operand(frame) is None, kinds.BOOLEAN)

    def _like(self, expression: ast.Like) -> Code:
        operand, pattern = self.scalar(expression.operand, "LIKE").run, self.scalar(expression.pattern, "LIKE").run
        escape = self.scalar(expression.escape, "LIKE").run if expression.escape else None

        def run(frame: Frame) -> Value:
            return operators.like(operand(frame), pattern(frame), escape(frame) if escape else None)

        return _negated(run, expression.negated)

    def _between(self, expression: ast.Between) -> Code:
        operand = self.scalar(expression.operand, "BETWEEN")
        low, high = self.scalar(expression.low, "BETWEEN"), self.scalar(expression.high, "BETWEEN")
        above = self.comparison(">=", operand.type, low.type, expression.at)
        below = self.comparison("<=", operand.type, high.type, expression.at)

        def run(frame: Frame) -> Value:
            value = operand.run(frame)
            return operators.both(above(value, low.run(frame)), below(value, high.run(frame)))

        return _negated(run, expression.negated)

    def _in_list(self, expression: ast.InList) -> Code:
        operand = self.value(expression.operand)
        choices = []
        for choice in expression.choices:
            code = self.value(choice)
            choices.append((self.comparison("=", operand.type, code.type, choice.at), code.run))

        def run(frame: Frame) -> Value:
            value = operand.run(frame)
            result: bool | None = False
            for same, choice in choices:
                found = same(value, choice(frame))
                if found:
                    return True
                if found is None:
                    result = None
            return result

        return _negated(run, expression.negated)

    def _case(self, expression: ast.CaseExpression) -> Code:
        chosen = self.branches(expression.selector, expression.branches, self.value)
        otherwise = self.value(expression.otherwise) if expression.otherwise else None
        codes = [code for _matches, code in chosen] + ([otherwise] if otherwise else [])
        kind = next((code.type for code in codes if code.type.kind != "NULL"), kinds.NULL)
        if isinstance(kind, Scalar) and kind.kind == "CHAR":
            kind = kinds.VARCHAR2
        select = self.selector(expression.selector)

        def run(frame: Frame) -> Value:
            value = select(frame) if select else None
            for matches, code in chosen:
                if matches(frame, value):
                    return code.run(frame)
            return otherwise.run(frame) if otherwise else None

        return Code(run, kind)

    def selector(self, expression: ast.Expression | None) -> Get | None:
        return self.value(expression).run if expression else None

    def branches(
        self, selector: ast.Expression | None, branches: Sequence[ast.When], result: Callable[[Any], Any]
    ) -> list[tuple[Callable[[Frame, Value], bool | None], Any]]:
        """For each branch of a CASE: whether it fits (given the value of the selector), and its compiled result."""
        kind = self.value(selector).type if selector else None
        return [(self._branch_fits(kind, branch.condition), result(branch.result)) for branch in branches]

    def _branch_fits(self, selector: Datatype | None, choice: ast.Expression) -> Callable[[Frame, Value], bool | None]:
        if selector is None:
            condition = self.condition(choice)
            return lambda frame, _value: condition(frame)
        code = self.value(choice)
        same, get = self.comparison("=", selector, code.type, choice.at), code.run
        return lambda frame, value: same(value, get(frame))

    # ---- Cursor attributes

    def _attribute(self, expression: ast.Attribute) -> Code:
        name = expression.name
        if name not in ("FOUND", "NOTFOUND", "ROWCOUNT", "ISOPEN"):
            raise CompileError(expression.at, f"PLS-00208: identifier '{name}' is not a legal cursor attribute")
        kind = kinds.NUMBER if name == "ROWCOUNT" else kinds.BOOLEAN
        if isinstance(expression.base, ast.Name) and expression.base.name == "SQL":
            return Code(_SQL_ATTRIBUTES[name], kind)
        cursor = self.cursor(expression.base)

        def run(frame: Frame) -> Value:
            opened = cursor(frame)
            if name == "ISOPEN":
                return opened is not None
            if opened is None:
                raise OracleError(1001)
            if name == "ROWCOUNT":
                return opened.fetched
            return opened.found if name == "FOUND" else operators.negation(opened.found)

        return Code(run, kind)

    def cursor(self, expression: ast.Expression) -> Callable[[Frame], OpenCursor | None]:
        """The rows of a cursor or of a cursor variable, None while it is closed."""
        if isinstance(expression, ast.Name):
            symbol = self.scope.find(expression.name)
            if isinstance(symbol, CursorSymbol):
                return self.variable(VariableSymbol(symbol.unit, symbol.slot, kinds.CursorType())).get
        place = self.place(expression)
        if place is None:
            self.value(expression)
        elif place.type.kind in ("CURSOR", ""):
            return place.get
        raise CompileError(expression.at, "PLS-00456: item is not a cursor")


def _literal_type(value: Value) -> Scalar:
    if value is None:
        return kinds.NULL
    if isinstance(value, bool):
        return kinds.BOOLEAN
    if isinstance(value, str):
        return kinds.LITERAL
    if isinstance(value, (int, float)) or hasattr(value, "adjusted"):
        return kinds.NUMBER
    return kinds.DATE


def _arithmetic_type(operator: str, left: str, right: str) -> Scalar:
    if operator in ("+", "-"):
        if left in _DATES and right in _DATES:
            return kinds.INTERVAL if "TIMESTAMP" in (left, right) else kinds.NUMBER
        for kind, other in ((left, right), (right, left)):
            if kind == "DATE":
                return kinds.DATE if other else kinds.UNKNOWN
            if kind == "TIMESTAMP":
                return kinds.TIMESTAMP_TZ if other == "INTERVAL" else kinds.DATE if other else kinds.UNKNOWN
    if "INTERVAL" in (left, right):
        return kinds.INTERVAL
    return kinds.NUMBER if left and right else kinds.UNKNOWN


def _both(first: Get, second: Get) -> Get:
    def run(frame: Frame) -> Value:
        left = first(frame)
        return False if left is False else operators.both(left, second(frame))

    return run


def _either(first: Get, second: Get) -> Get:
    def run(frame: Frame) -> Value:
        left = first(frame)
        return True if left is True else operators.either(left, second(frame))

    return run


def _negated(run: Get, negated: bool) -> Code:
    if negated:
        return Code(lambda frame: operators.negation(run(frame)), kinds.BOOLEAN)
    return Code(run, kinds.BOOLEAN)


_SQL_ATTRIBUTES: dict[str, Get] = {
    "ROWCOUNT": lambda frame: frame.run.rowcount,
    "FOUND": lambda frame: None if frame.run.rowcount is None else frame.run.rowcount > 0,
    "NOTFOUND": lambda frame: None if frame.run.rowcount is None else frame.run.rowcount == 0,
    "ISOPEN": lambda frame: False,
}
_RULES: dict[type, Callable[[ExpressionCompiler, Any], Code]] = {
    ast.Literal: ExpressionCompiler._literal,
    ast.Name: ExpressionCompiler._reference,
    ast.BindName: ExpressionCompiler._reference,
    ast.Member: ExpressionCompiler._reference,
    ast.Apply: ExpressionCompiler._reference,
    ast.Attribute: ExpressionCompiler._attribute,
    ast.Unary: ExpressionCompiler._unary,
    ast.Binary: ExpressionCompiler._binary,
    ast.IsNull: ExpressionCompiler._is_null,
    ast.Like: ExpressionCompiler._like,
    ast.Between: ExpressionCompiler._between,
    ast.InList: ExpressionCompiler._in_list,
    ast.CaseExpression: ExpressionCompiler._case,
    ast.SqlExpression: ExpressionCompiler._sql,
}
