# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling static SQL: the statement in Oracle's normal form, with PL/SQL variables as its binds.

A name is a column before it is a variable, as in Oracle: a variable becomes a bind only if no table of the statement has
such a column (looked up with :meth:`Host.describe`), no query in it gives a column or table that name, and it is not
qualified by one of the tables. The columns of all tables of the statement count, whichever subquery they are in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import OracleError
from ..lexer import Token
from ..values import Column
from . import syntax as ast
from .compile_calls import CallCompiler
from .datatypes import Datatype, RecordType, TableType
from .parse_expressions import ExpressionParser
from .scope import Code, CursorSymbol, Get, LabelSymbol, Unit, VariableSymbol
from .source import CompileError

# Words that end a table in a FROM clause, so that they are no alias of it.
_AFTER_TABLE = frozenset(
    "ANTI APPLY CONNECT CROSS DEFAULT EXCEPT FETCH FOR FULL GROUP HAVING INNER INTERSECT JOIN LEFT LOG MINUS MODEL NATURAL "
    "OFFSET ON ORDER OUTER PARTITION PIVOT RETURNING RIGHT SAMPLE SELECT SET START UNION UNPIVOT USING VALUES WHEN WHERE "
    "WITH".split()
)
# Columns that every query has.
_PSEUDO_COLUMNS = frozenset("LEVEL ROWID ROWNUM SYSDATE SYSTIMESTAMP USER UID".split())
# Functions whose argument list has a FROM that is no clause.
_FROM_INSIDE = frozenset(["EXTRACT", "TRIM"])


@dataclass
class Statement:
    """``binds`` gives the values by name; ``columns`` is None where they show only when it is executed."""

    text: str
    binds: list[tuple[str, Get]]
    columns: Sequence[Column] | None


@dataclass
class _Names:
    """What is a column or a table in one statement, with the words that are not looked up."""

    columns: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)


class SqlCompiler(CallCompiler):
    """Adds static SQL to calls and expressions."""

    def statement(self, at: int, tokens: Sequence[Token]) -> Statement:
        """Compile one statement that starts at ``at``. What is wrong with it gets both of its PL/SQL lines."""
        try:
            names = self._names(tokens)
            text, places, binds = self._normal_form(tokens, names)
            try:
                columns = self.host.prepare(text, [name for name, _get in binds])
            except OracleError as error:
                where = bisect_right(places, (error.position, len(self.compilation.source.text))) - 1
                raise _sql_error(places[max(where, 0)][1], error) from None
        except CompileError as error:
            self.compilation.report(error)
            raise CompileError(at, "PL/SQL: SQL Statement ignored") from None
        return Statement(text, binds, columns)

    # ---- Columns and tables of the statement

    def _names(self, tokens: Sequence[Token]) -> _Names:
        names = _Names()
        subqueries = {
            token.value
            for token, before, after, then in _windows(tokens)
            if before.is_("WITH", ",") and after.is_("AS") and then.is_("(")
        }
        names.tables |= subqueries
        for at in _table_positions(tokens):
            self._table_at(tokens, at, names, subqueries)
        for token, before, after, _then in _windows(tokens):
            # The name of a column of a query: AS name, or a name right behind an expression.
            if token.kind in ("word", "quoted") and after.is_(",", "FROM", ")"):
                if before.is_("AS"):
                    names.columns.add(token.value)
                elif after.is_(",", "FROM") and (
                    before.kind in ("number", "string", "bind", "quoted") or before.is_(")")
                ):
                    names.columns.add(token.value)
                elif after.is_(",", "FROM") and before.kind == "word" and before.value not in _NO_OPERAND:
                    names.columns.add(token.value)
        return names

    def _table_at(self, tokens: Sequence[Token], at: int, names: _Names, subqueries: set[str]) -> None:
        parser = ExpressionParser([*tokens, _end(tokens)], at)
        start = parser.token.start
        if parser.token.is_("(") or (parser.token.is_("TABLE", "LATERAL") and parser.following.is_("(")):
            parser.advance()
            depth = 1 if tokens[at].is_("(") else 0
            while depth or not parser.token.is_(")"):
                if parser.token.kind == "end":
                    break
                depth += parser.token.is_("(") - parser.token.is_(")")
                parser.advance()
                if not depth and parser.tokens[parser.position - 1].is_(")"):
                    break
        else:
            if parser.token.kind not in ("word", "quoted"):
                return
            table = parser.dotted()
            names.tables.add(table[-1])
            if parser.accept("@"):
                parser.dotted()
            elif table[-1] not in subqueries:
                try:
                    names.columns |= {column.name for column in self.host.describe(table)}
                except OracleError as error:
                    raise _sql_error(start, error) from None
        parser.accept("AS")
        if parser.token.kind == "quoted" or (parser.token.kind == "word" and parser.token.value not in _AFTER_TABLE):
            names.tables.add(parser.token.value)

    # ---- The text

    def _normal_form(
        self, tokens: Sequence[Token], names: _Names
    ) -> tuple[str, list[tuple[int, int]], list[tuple[str, Get]]]:
        """The text, where its parts are in the source (pairs of offsets, both rising), and its binds."""
        written: list[str] = []
        places: list[tuple[int, int]] = []
        binds: dict[str, tuple[str, Get]] = {}
        length = 0
        position = 0
        while position < len(tokens):
            token = tokens[position]
            end = position + 1
            operands = None
            if found := self._operands(tokens, position, names):
                end, operands = found
            if operands is None:
                shown = token.value if token.kind in ("word", "number") else token.text
            else:
                source = self.compilation.source.text[token.start : tokens[end - 1].end].upper()
                shown = ", ".join(
                    binds.setdefault(f"{source}.{number}", (f"B{len(binds) + 1}", operand.run))[0].join((":", ""))
                    for number, operand in enumerate(operands)
                )
                if tokens[position - 1].is_("VALUES"):
                    shown = f"({shown})"
            if position and tokens[position - 1].end != token.start:
                shown = " " + shown
            places.append((length, token.start))
            written.append(shown)
            length += len(shown)
            position = end
        return "".join(written), places, list(binds.values())

    def _operands(self, tokens: Sequence[Token], at: int, names: _Names) -> tuple[int, list[Code]] | None:
        """The variable that starts at this token: where it ends, and its value (one for each field of a record)."""
        token = tokens[at]
        after = tokens[at + 1] if at + 1 < len(tokens) else _end(tokens)
        if token.kind == "bind":
            if not after.is_("("):
                return at + 1, [self.value(ast.BindName(token.start, token.value))]
        elif not self._is_variable(tokens, at, names):
            return None
        parser = ExpressionParser([*tokens, _end(tokens)], at)
        if token.kind != "bind" and not after.is_(".", "("):
            parser.advance()
            expression: ast.Expression = ast.Name(token.start, token.value)
        else:
            expression = parser.reference()
        code = self.value(expression)
        if isinstance(code.type, RecordType) and code.type.fields:
            return parser.position, [self._field_of(code, name, kind) for name, kind in code.type.fields.items()]
        if code.type.kind in ("TABLE", "CURSOR", "RECORD", "BOOLEAN"):
            raise CompileError(token.start, "PLS-00382: expression is of wrong type")
        return parser.position, [code]

    @staticmethod
    def _field_of(record: Code, name: str, kind: Datatype) -> Code:
        run = record.run
        return Code(lambda frame: run(frame)[name], kind)

    def _is_variable(self, tokens: Sequence[Token], at: int, names: _Names) -> bool:
        token = tokens[at]
        if token.kind not in ("word", "quoted") or (at and tokens[at - 1].is_(".", "AS")):
            return False
        after = tokens[at + 1] if at + 1 < len(tokens) else _end(tokens)
        symbol = self.scope.find(token.value)
        if after.is_("."):
            if token.value in names.tables:
                return False
            return isinstance(symbol, LabelSymbol) or (
                isinstance(symbol, VariableSymbol) and isinstance(symbol.type, (RecordType, TableType))
            )
        if not isinstance(symbol, VariableSymbol):
            if isinstance(symbol, Unit) and after.is_("("):
                raise CompileError(token.start, f"PLS-00231: function '{token.value}' may not be used in SQL")
            return False
        if after.is_("(") and not isinstance(symbol.type, TableType):
            return False
        return token.value not in names.columns | names.tables | _PSEUDO_COLUMNS

    def cursor_symbol(self, expression: ast.Expression) -> CursorSymbol | None:
        """The declared cursor of that name; None for cursor variables and all else."""
        symbol = self.scope.find(expression.name) if isinstance(expression, ast.Name) else None
        return symbol if isinstance(symbol, CursorSymbol) else None


# Keywords in a select list or a condition that an operand follows, so that the word behind is no alias.
_NO_OPERAND = frozenset(
    "ALL AND AS ASC BETWEEN BY CASE CONNECT CONNECT_BY_ROOT DESC DISTINCT ELSE ESCAPE EXISTS FROM IN INTO IS LIKE NOT ON "
    "OR PRIOR SELECT SET THEN UNIQUE UPDATE VALUES WHEN WHERE WITH".split()
)


def _end(tokens: Sequence[Token]) -> Token:
    return Token("end", "", tokens[-1].end if tokens else 0, "")


def _windows(tokens: Sequence[Token]) -> list[tuple[Token, Token, Token, Token]]:
    """Each token with the one before it and the two behind it."""
    end = _end(tokens)
    padded = [end, *tokens, end, end]
    return [(padded[at], padded[at - 1], padded[at + 1], padded[at + 2]) for at in range(1, len(tokens) + 1)]


def _table_positions(tokens: Sequence[Token]) -> list[int]:
    """Where tables are named: after FROM, JOIN, UPDATE, INTO, USING, DELETE, and after each comma of a FROM clause."""
    found: list[int] = []
    # For each open parenthesis, and outside of all: whether commas separate tables there, and whether FROM is a clause.
    in_tables = [False]
    clauses = [True]
    for at, token in enumerate(tokens):
        if token.is_("("):
            in_tables.append(False)
            clauses.append(not (at and tokens[at - 1].value in _FROM_INSIDE))
        elif token.is_(")") and len(in_tables) > 1:
            in_tables.pop()
            clauses.pop()
        elif token.is_("FROM", "JOIN", "APPLY") and clauses[-1]:
            in_tables[-1] = True
            found.append(at + 1)
        elif token.is_(",") and in_tables[-1]:
            found.append(at + 1)
        elif _names_target(tokens, at):
            found.append(at + 1)
        elif token.is_(
            "WHERE", "SELECT", "SET", "GROUP", "ORDER", "CONNECT", "START", "HAVING", "UNION", "ON", "FETCH", "FOR"
        ):
            in_tables[-1] = False
    return [at for at in found if at < len(tokens)]


def _names_target(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    if token.is_("UPDATE", "DELETE"):
        # Not FOR UPDATE, DELETE FROM, nor a branch of MERGE.
        following = tokens[at + 1] if at + 1 < len(tokens) else token
        return not at and not following.is_("FROM")
    if token.is_("INTO"):
        return True
    return token.is_("USING") and tokens[0].is_("MERGE")


def _sql_error(at: int, error: OracleError) -> CompileError:
    return CompileError(at, f"PL/SQL: {error.text}")
