# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of statements and blocks. Source of the grammar: the vendor's PL/SQL Language Reference, "Block" and
"PL/SQL Language Elements"."""

from __future__ import annotations

from collections.abc import Callable

from ..lexer import Token
from . import syntax as ast
from .parse_declarations import DeclarationParser
from .source import CompileError

# What a list of statements ends at.
_ENDS = ("END", "ELSE", "ELSIF", "WHEN", "EXCEPTION")
_EXPECTED = (
    "( begin case declare exit for goto if loop mod null pragma raise return select update while with <an identifier> "
    "<a double-quoted delimited-identifier> <a bind variable> << close current delete fetch lock insert open rollback "
    "savepoint set sql execute commit forall merge"
).split()


class StatementParser(DeclarationParser):
    """Adds statements to declarations and expressions."""

    def statements(self) -> ast.Statements:
        """One statement at least, up to END, ELSE and the like."""
        found: list[ast.Statement] = [self.statement()]
        while not self.token.is_(*_ENDS):
            found.append(self.statement())
        return tuple(found)

    def statement(self) -> ast.Statement:
        label = self.label()
        token = self.token
        if token.kind == "word" and (rule := _RULES.get(token.value)) is not None:
            return rule(self, label)
        if token.kind == "word" and token.value in _SQL:
            return self._sql()
        if token.kind not in ("word", "quoted", "bind"):
            self.fail(*_EXPECTED)
        if token.kind == "word" and token.value in _NO_STATEMENT:
            self.fail(*_EXPECTED)
        return self._assignment_or_call()

    def label(self) -> str:
        label = ""
        while self.accept("<<"):
            label = self.identifier()
            self.expect(">>")
        return label

    def end_of_statement(self) -> None:
        self.expect(";")

    def _assignment_or_call(self) -> ast.Statement:
        at = self.token.start
        target = self.reference()
        if self.accept(":="):
            value = self.expression()
            self._finish_expression()
            return ast.Assign(at, target, value)
        if not self.token.is_(";"):
            self.fail(":=", ".", "(", "@", "%", ";")
        self.advance()
        return ast.Call(at, target)

    def _finish_expression(self) -> None:
        if not self.token.is_(";"):
            self.fail(
                ".", "(", "*", "@", "%", "&", "=", "-", "+", ";", "<", "/", ">", "at", "in", "is", "mod", "not", "rem",
                "<an exponent (**)>", "<> or != or ~= or >= or <= or <> and or like", "between", "||", "multiset",
            )  # fmt: skip
        self.advance()

    # ---- Blocks

    def block(self, label: str = "") -> ast.Block:
        """From DECLARE or BEGIN to the semicolon after END."""
        at = self.token.start
        declarations: tuple[ast.Declaration, ...] = ()
        autonomous = False
        if self.accept("DECLARE"):
            declarations, autonomous = self.declarations()
        return self.body(at, label, declarations, autonomous)

    def body(
        self, at: int, label: str, declarations: tuple[ast.Declaration, ...], autonomous: bool, name: str = ""
    ) -> ast.Block:
        self.expect("BEGIN")
        statements = self.statements()
        handlers: list[ast.Handler] = []
        if self.accept("EXCEPTION"):
            if not self.token.is_("WHEN"):
                self.fail("pragma", "when")
            while self.token.is_("WHEN"):
                handlers.append(self._handler())
        self._end(label or name)
        return ast.Block(at, label, declarations, statements, tuple(handlers), autonomous)

    def _end(self, name: str, *words: str) -> None:
        self.expect("END")
        for word in words:
            self.expect(word)
        if self.token.kind in ("word", "quoted"):
            at = self.token.start
            found = self.identifier()
            if found != name:
                raise CompileError(at, f"PLS-00113: END identifier '{found}' must match '{name}'")
        self.end_of_statement()

    def _handler(self) -> ast.Handler:
        at = self.expect("WHEN").start
        names: list[ast.Expression] = []
        if not self.accept("OTHERS"):
            names.append(self.reference())
            while self.accept("OR"):
                names.append(self.reference())
        self.expect("THEN")
        return ast.Handler(at, tuple(names), self.statements())

    def _nested(self, label: str) -> ast.Statement:
        return self.block(label)

    # ---- Control

    def _if(self, _label: str) -> ast.Statement:
        at = self.advance().start
        branches = [self._branch()]
        while self.accept("ELSIF"):
            branches.append(self._branch())
        otherwise = self.statements() if self.accept("ELSE") else ()
        self.expect("END")
        self.expect("IF")
        self.end_of_statement()
        return ast.If(at, tuple(branches), otherwise)

    def _branch(self) -> ast.When:
        condition = self.expression()
        self.expect("THEN")
        return ast.When(condition, self.statements())

    def _case_statement(self, label: str) -> ast.Statement:
        at = self.advance().start
        selector = None if self.token.is_("WHEN") else self.expression()
        branches = []
        if not self.token.is_("WHEN"):
            self.fail("when")
        while self.accept("WHEN"):
            branches.append(self._branch())
        otherwise = self.statements() if self.accept("ELSE") else None
        self._end(label, "CASE")
        return ast.Case(at, selector, tuple(branches), otherwise)

    def _loop(self, label: str) -> ast.Statement:
        at = self.token.start
        condition = None
        if self.accept("WHILE"):
            condition = self.expression()
        return ast.Loop(at, label, condition, self._loop_body(label))

    def _loop_body(self, label: str) -> ast.Statements:
        self.expect("LOOP")
        found = self.statements()
        self._end(label, "LOOP")
        return found

    def _for(self, label: str) -> ast.Statement:
        at = self.advance().start
        variable = self.identifier()
        self.expect("IN")
        if self.token.is_("(") and self.following.is_("SELECT", "WITH"):
            self.advance()
            query = self.query(")")
            self.expect(")")
            return ast.CursorLoop(at, label, variable, query, self._loop_body(label))
        reverse = self.accept("REVERSE")
        low = self.expression()
        if not reverse and self.token.is_("LOOP"):
            return ast.CursorLoop(at, label, variable, low, self._loop_body(label))
        self.expect("..")
        high = self.expression()
        return ast.RangeLoop(at, label, variable, low, high, reverse, self._loop_body(label))

    def _forall(self, _label: str) -> ast.Statement:
        at = self.advance().start
        variable = self.identifier()
        self.expect("IN")
        low = self.expression()
        self.expect("..")
        high = self.expression()
        if not (self.token.is_("EXECUTE") or (self.token.kind == "word" and self.token.value in _SQL)):
            self.fail("insert", "update", "delete", "merge", "execute")
        return ast.RangeLoop(at, "", variable, low, high, False, (self.statement(),))

    def _exit(self, _label: str) -> ast.Statement:
        token = self.advance()
        label = ""
        if self.token.kind in ("word", "quoted") and not self.token.is_("WHEN"):
            label = self.identifier()
        condition = self.expression() if self.accept("WHEN") else None
        self.end_of_statement()
        return ast.Exit(token.start, label, condition, token.is_("CONTINUE"))

    def _null(self, _label: str) -> ast.Statement:
        at = self.advance().start
        self.end_of_statement()
        return ast.Null(at)

    def _return(self, _label: str) -> ast.Statement:
        at = self.advance().start
        value = None if self.token.is_(";") else self.expression()
        self._finish_expression()
        return ast.Return(at, value)

    def _raise(self, _label: str) -> ast.Statement:
        at = self.advance().start
        name = None if self.token.is_(";") else self.reference()
        self.end_of_statement()
        return ast.Raise(at, name)

    # ---- SQL

    def query(self, end: str) -> ast.Query:
        """A SELECT up to ``end`` (a semicolon, or the parenthesis that closes it), its INTO clause taken out."""
        at = self.token.start
        kept: list[Token] = []
        into: tuple[ast.Expression, ...] = ()
        bulk = False
        depth = 0
        while depth or not self.token.is_(end):
            token = self.token
            if token.kind == "end" or token.is_(";"):
                self.fail(")" if end == ")" else ";")
            depth += token.is_("(") - token.is_(")")
            if not depth and not into and (token.is_("INTO") or (token.is_("BULK") and self.following.is_("COLLECT"))):
                bulk = self._bulk()
                self.expect("INTO")
                into = self._targets()
            else:
                kept.append(self.advance())
        return ast.Query(at, tuple(kept), into, bulk)

    def _bulk(self) -> bool:
        return self.accept("BULK", "COLLECT")

    def _targets(self) -> tuple[ast.Expression, ...]:
        found = [self.reference()]
        while self.accept(","):
            found.append(self.reference())
        return tuple(found)

    def _select(self, _label: str) -> ast.Statement:
        query = self.query(";")
        self.end_of_statement()
        return query

    def _sql(self) -> ast.Statement:
        at = self.token.start
        kept = []
        while not self.token.is_(";"):
            if self.token.kind == "end":
                self.fail(";")
            kept.append(self.advance())
        self.end_of_statement()
        return ast.Sql(at, tuple(kept))

    def _execute(self, _label: str) -> ast.Statement:
        at = self.advance().start
        self.expect("IMMEDIATE")
        text = self.expression()
        into: tuple[ast.Expression, ...] = ()
        bulk = False
        if self.token.is_("INTO", "BULK"):
            bulk = self._bulk()
            self.expect("INTO")
            into = self._targets()
        using = self._using()
        self._finish_expression()
        return ast.ExecuteImmediate(at, text, into, bulk, using)

    def _using(self) -> tuple[ast.UsingArgument, ...]:
        if not self.accept("USING"):
            return ()
        found = []
        while True:
            mode = self.mode()
            found.append(ast.UsingArgument(mode, self.expression()))
            if not self.accept(","):
                return tuple(found)

    # ---- Cursors

    def _open(self, _label: str) -> ast.Statement:
        at = self.advance().start
        cursor = self.reference()
        query: ast.Query | ast.Expression | None = None
        using: tuple[ast.UsingArgument, ...] = ()
        if self.accept("FOR"):
            if self.token.is_("SELECT", "WITH"):
                query = self.query(";")
            else:
                query = self.expression()
                using = self._using()
        self.end_of_statement()
        return ast.Open(at, cursor, query, using)

    def _fetch(self, _label: str) -> ast.Statement:
        at = self.advance().start
        cursor = self.reference()
        bulk = self._bulk()
        self.expect("INTO")
        into = self._targets()
        limit = self.expression() if bulk and self.accept("LIMIT") else None
        self.end_of_statement()
        return ast.Fetch(at, cursor, into, bulk, limit)

    def _close(self, _label: str) -> ast.Statement:
        at = self.advance().start
        cursor = self.reference()
        self.end_of_statement()
        return ast.Close(at, cursor)


_RULES: dict[str, Callable[[StatementParser, str], ast.Statement]] = {
    "BEGIN": StatementParser._nested,
    "DECLARE": StatementParser._nested,
    "IF": StatementParser._if,
    "CASE": StatementParser._case_statement,
    "LOOP": StatementParser._loop,
    "WHILE": StatementParser._loop,
    "FOR": StatementParser._for,
    "FORALL": StatementParser._forall,
    "EXIT": StatementParser._exit,
    "CONTINUE": StatementParser._exit,
    "NULL": StatementParser._null,
    "RETURN": StatementParser._return,
    "RAISE": StatementParser._raise,
    "SELECT": StatementParser._select,
    "WITH": StatementParser._select,
    "EXECUTE": StatementParser._execute,
    "OPEN": StatementParser._open,
    "FETCH": StatementParser._fetch,
    "CLOSE": StatementParser._close,
}
# Statements that go to SQL as they are.
_SQL = ("INSERT", "UPDATE", "DELETE", "MERGE", "COMMIT", "ROLLBACK", "SAVEPOINT", "SET", "LOCK")
# SQL that only EXECUTE IMMEDIATE can run, and words that nothing starts with.
_NO_STATEMENT = (
    "ALTER", "CREATE", "DROP", "GRANT", "REVOKE", "END", "ELSE", "ELSIF", "WHEN", "THEN", "EXCEPTION", "PROCEDURE",
    "FUNCTION", "IS", "AS", "INTO", "FROM", "WHERE", "AND", "OR", "NOT", "VALUES", "OF", "TO", "BY", "ON", "IN", "UNION",
)  # fmt: skip
