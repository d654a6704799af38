# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of declarations: variables, types, cursors, exceptions, pragmas and local subprograms."""

from __future__ import annotations

from abc import ABC, abstractmethod

from . import syntax as ast
from .parse_expressions import ExpressionParser
from .source import CompileError


class DeclarationParser(ExpressionParser, ABC):
    """Adds declarations to expressions. Blocks and queries come from the class that completes it."""

    @abstractmethod
    def body(
        self, at: int, label: str, declarations: tuple[ast.Declaration, ...], autonomous: bool, name: str = ""
    ) -> ast.Block:
        """A block from BEGIN on."""

    @abstractmethod
    def query(self, end: str) -> ast.Query:
        """A SELECT up to ``end``, its INTO clause taken out."""

    def declarations(self) -> tuple[tuple[ast.Declaration, ...], bool]:
        """All up to BEGIN, and whether PRAGMA AUTONOMOUS_TRANSACTION was among them."""
        found: list[ast.Declaration] = []
        autonomous = False
        while not self.token.is_("BEGIN"):
            if self.token.is_("PRAGMA"):
                pragma = self._pragma()
                autonomous |= pragma == "AUTONOMOUS_TRANSACTION"
                if isinstance(pragma, ast.ExceptionInit):
                    found.append(pragma)
            else:
                found.append(self._declaration())
        return tuple(found), autonomous

    def _pragma(self) -> ast.ExceptionInit | str:
        self.advance()
        at = self.token.start
        name = self.identifier()
        if name == "EXCEPTION_INIT":
            self.expect("(")
            exception = self.identifier()
            self.expect(",")
            sign = -1 if self.accept("-") else 1
            number = sign * self.whole_number()
            self.expect(")")
            self.expect(";")
            return ast.ExceptionInit(at, exception, number)
        if name not in ("AUTONOMOUS_TRANSACTION", "SERIALLY_REUSABLE", "INLINE", "UDF"):
            raise CompileError(at, f"PLS-00127: Pragma {name} is not a supported pragma")
        while not self.accept(";"):
            if self.token.kind == "end":
                self.fail(";")
            self.advance()
        return name

    def _declaration(self) -> ast.Declaration:
        if self.token.is_("PROCEDURE", "FUNCTION"):
            return self.subprogram()
        if self.token.is_("TYPE"):
            return self._type()
        if self.token.is_("SUBTYPE"):
            at = self.advance().start
            name = self.identifier()
            self.expect("IS")
            target = self.type_name()
            self.accept("NOT", "NULL")
            self.expect(";")
            return ast.Subtype(at, name, target)
        if self.token.is_("CURSOR"):
            return self._cursor()
        if self.token.kind == "word" and self.following.is_("EXCEPTION"):
            at = self.token.start
            name = self.identifier()
            self.advance()
            self.expect(";")
            return ast.ExceptionName(at, name)
        if self.token.kind not in ("word", "quoted"):
            self.fail(
                "begin", "function", "pragma", "procedure", "subtype", "type", "<an identifier>", "current", "cursor"
            )
        variable = self._variable(field=False)
        self.expect(";")
        return variable

    def _variable(self, field: bool) -> ast.Variable:
        at = self.token.start
        name = self.identifier()
        constant = not field and self.accept("CONSTANT")
        target = self.type_name()
        not_null = self.accept("NOT", "NULL")
        default = None
        if self.accept(":=") or self.accept("DEFAULT"):
            default = self.expression()
        elif constant:
            raise CompileError(
                at, f"PLS-00322: declaration of a constant '{name}' must contain an initialization assignment"
            )
        elif not_null:
            raise CompileError(at, "PLS-00218: a variable declared NOT NULL must have an initialization assignment")
        if default is None and not self.token.is_(";", ",", ")"):
            self.fail(":=", ".", "(", "@", "%", ";", "not", "null", "range", "default", "character")
        return ast.Variable(at, name, target, constant, not_null, default)

    def _type(self) -> ast.Declaration:
        at = self.advance().start
        name = self.identifier()
        self.expect("IS")
        if self.accept("RECORD"):
            self.expect("(")
            fields = [self._variable(field=True)]
            while self.accept(","):
                fields.append(self._variable(field=True))
            self.expect(")")
            self.expect(";")
            return ast.RecordDefinition(at, name, tuple(fields))
        if self.accept("REF", "CURSOR"):
            if self.accept("RETURN"):
                self.type_name()
            self.expect(";")
            return ast.RefCursorDefinition(at, name)
        limit = None
        index = None
        if self.accept("VARRAY") or self.accept("VARYING", "ARRAY"):
            self.expect("(")
            limit = self.whole_number()
            self.expect(")")
        elif not self.accept("TABLE"):
            self.fail("(", "array", "limited", "new", "private", "range", "record", "VARRAY", "table", "ref", "object")
        self.expect("OF")
        element = self.type_name()
        self.accept("NOT", "NULL")
        if limit is None and self.accept("INDEX", "BY"):
            index = self.type_name()
        self.expect(";")
        return ast.TableDefinition(at, name, element, index, limit)

    def _cursor(self) -> ast.Declaration:
        at = self.advance().start
        name = self.identifier()
        parameters = self._parameters()
        if self.accept("RETURN"):
            self.type_name()
        self.expect("IS")
        if not self.token.is_("SELECT", "WITH"):
            self.fail("(", "select", "<a SQL statement>")
        query = self.query(";")
        self.expect(";")
        return ast.CursorDefinition(at, name, parameters, query)

    def _parameters(self) -> tuple[ast.Parameter, ...]:
        if not self.accept("("):
            return ()
        found = []
        while True:
            at = self.token.start
            name = self.identifier()
            mode = self.mode()
            self.accept("NOCOPY")
            target = self.type_name()
            default = self.expression() if self.accept(":=") or self.accept("DEFAULT") else None
            found.append(ast.Parameter(at, name, mode, target, default))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(found)

    def mode(self) -> str:
        """IN, OUT or IN OUT; IN where nothing is said."""
        if self.accept("IN"):
            return "IN OUT" if self.accept("OUT") else "IN"
        return "OUT" if self.accept("OUT") else "IN"

    def subprogram(self) -> ast.Subprogram:
        """A local procedure or function, from that word on."""
        token = self.advance()
        name = self.identifier()
        parameters, returns = self.header(token.is_("FUNCTION"))
        body = None if self.accept(";") else self.subprogram_body(name)
        return ast.Subprogram(token.start, name, parameters, returns, body)

    def header(self, function: bool) -> tuple[tuple[ast.Parameter, ...], ast.TypeName | None]:
        """Parameters, and the type that a function returns."""
        parameters = self._parameters()
        returns = None
        if function:
            self.expect("RETURN")
            returns = self.type_name()
        while self.token.is_("DETERMINISTIC", "RESULT_CACHE", "PARALLEL_ENABLE"):
            self.advance()
        return parameters, returns

    def subprogram_body(self, name: str) -> ast.Block:
        """IS or AS, declarations and the block."""
        at = self.token.start
        if not self.accept("IS") and not self.accept("AS"):
            self.fail(
                ";", "is", "authid", "as", "cluster", "order", "using", "external", "deterministic", "result_cache"
            )
        declarations, autonomous = self.declarations()
        return self.body(at, "", declarations, autonomous, name)
