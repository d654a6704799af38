# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests are read from messages: any number of piggybacks, and one function call.

Source of the layouts: python-oracledb (impl/thin/messages/*.pyx), read, not copied.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import OracleError
from .lexer import bind_names, tokens
from .requests import (
    FUNCTION,
    IN,
    ONE_WAY,
    OUT,
    PIGGYBACK,
    ROW_DATA,
    V12_2,
    V12_2_EXT,
    V23_EXT1,
    ApplicationContext,
    Bind,
    CloseCursors,
    Commit,
    CurrentSchema,
    EndToEnd,
    Execute,
    Fetch,
    Logoff,
    Piggyback,
    Ping,
    PipelineBegin,
    PipelineEnd,
    Release,
    Request,
    Rollback,
    SessionState,
    Unknown,
)
from .scalars import BLOB, CLOB, read_bind
from .values import Column, Value
from .wire import ProtocolError, Reader

# Options of an execution, of a re-execution, and the flag of an array bind.
_DEFINE, _EXECUTE, _FETCH, _COMMIT = 0x10, 0x20, 0x40, 0x100
_REEXECUTE_COMMIT = 0x1
_ARRAY = 0x40
_AL8I4_LENGTH = 13


@dataclass
class Statement:
    """What the server remembers of a cursor: the client sends it once."""

    sql: str
    binds: list[Bind] = field(default_factory=list)
    directions: list[int] = field(default_factory=list)
    described: list[Column] | None = None
    is_query: bool = False


def statement_kind(sql: str) -> str:
    """The first word, in upper case, behind any opening parentheses; empty where there is none."""
    try:
        for token in tokens(sql):
            if not token.is_("("):
                return token.value if token.kind == "word" else ""
    except OracleError:
        pass  # No statement at all; whoever executes it says so.
    return ""


def _bind_places(sql: str) -> tuple[list[str], int]:
    """The names of the binds, and how many of them stand before RETURNING ... INTO."""
    try:
        names = bind_names(sql)
        if statement_kind(sql) not in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            return names, len(names)
        before = 0
        returning = False
        for token in tokens(sql):
            returning = returning or token.is_("RETURNING")
            if returning and token.is_("INTO"):
                return names, before
            before += token.kind == "bind"
    except OracleError:
        return [], 0
    return names, len(names)


class RequestReader:
    """Reads requests of one connection: knows its field version, and its cursors."""

    def __init__(self, field_version: int, max_string: int) -> None:
        self.field_version = field_version
        self.max_string = max_string
        self.statements: dict[int, Statement] = {}
        self._last_cursor = 0

    def read(self, reader: Reader) -> Request:
        """One request. The reader is left where the request ends, or anywhere for an Unknown one."""
        before: list[Piggyback] = []
        token = function = 0
        try:
            while True:
                kind = reader.u8()
                if kind not in (FUNCTION, PIGGYBACK, ONE_WAY):
                    raise ProtocolError(f"a message of type {kind}")
                function = reader.u8()
                reader.u8()  # sequence number
                if self.field_version >= V23_EXT1:
                    token = reader.ub()
                if kind != PIGGYBACK:
                    break
                piggyback = self._piggyback(function, reader)
                if piggyback is not None:
                    before.append(piggyback)
            request = self._function(function, reader)
            if reader.left:
                raise ProtocolError(f"{reader.left} bytes behind function {function}")
        except ProtocolError as error:
            request = Unknown(function, str(error))
        request.before, request.token = before, token
        return request

    def _function(self, function: int, reader: Reader) -> Request:
        match function:
            case 94:
                return self._execute(reader)
            case 4 | 78:
                return self._reexecute(reader, function == 78)
            case 5:
                return Fetch(reader.ub(), reader.ub())
            case 14:
                return Commit()
            case 15:
                return Rollback()
            case 147:
                return Ping()
            case 9:
                return Logoff()
            case 200:
                reader.ub()
                return PipelineEnd()
            case 163:
                reader.raw(2)
                reader.ub()
                return Release()
        raise ProtocolError(f"function {function}")

    def _piggyback(self, code: int, reader: Reader) -> Piggyback | None:
        match code:
            case 105:
                reader.u8()
                ids = tuple(reader.ub() for _unused in range(reader.ub()))
                for cursor_id in ids:
                    self.statements.pop(cursor_id, None)
                return CloseCursors(ids)
            case 135:
                return _end_to_end(reader)
            case 152:
                reader.u8()
                return CurrentSchema(_text(reader))
            case 154:
                return _application_context(reader)
            case 176:
                return SessionState(reader.ub())
            case 199:
                reader.ub()
                reader.u8()
                return PipelineBegin(reader.u8() == 1)
        raise ProtocolError(f"piggyback {code}")

    def _execute(self, reader: Reader) -> Execute:
        options = reader.ub()
        cursor_id = reader.ub()
        reader.u8()
        sql_length = reader.ub()
        reader.raw(1)
        reader.ub()
        reader.raw(2)
        reader.ub()
        rows = reader.ub()
        reader.ub()
        reader.u8()
        bind_count = reader.ub()
        reader.raw(5)
        reader.u8()
        define_count = reader.ub()
        reader.ub()
        reader.raw(3)
        reader.ub()
        reader.u8()
        reader.ub()
        reader.ub()
        reader.u8()
        reader.ub()
        reader.u8()
        if self.field_version >= V12_2:
            reader.u8()
            reader.ub()
            reader.u8()
            reader.ub()
            reader.u8()
        if self.field_version >= V12_2_EXT:
            reader.u8()
            reader.ub()
        sql = reader.text() if sql_length else ""
        numbers = [reader.ub() for _unused in range(_AL8I4_LENGTH)]
        statement, new = self._statement(cursor_id, sql)
        for _unused in range(define_count):
            self._metadata(reader, "", False)
        if bind_count:
            statement.binds = self._binds(reader, statement.sql, bind_count)
            statement.directions = [OUT if bind.returning else IN for bind in statement.binds]
        executions = 1 if statement.is_query else numbers[1]
        executes = bool(options & _EXECUTE)
        request = Execute(
            statement.sql,
            self._last_cursor if new else cursor_id,
            statement.binds,
            new=new,
            describe_only=not executes and not options & (_DEFINE | _FETCH),
            fetch_only=not executes and bool(options & (_DEFINE | _FETCH)),
            rows=rows if options & _FETCH else 0,
            commit=bool(options & _COMMIT),
        )
        if executes:
            sent = [not bind.returning for bind in statement.binds] if bind_count else []
            request.iterations = self._iterations(reader, statement, sent, max(executions, 1))
        return request

    def _statement(self, cursor_id: int, sql: str) -> tuple[Statement, bool]:
        """The statement of a cursor; a new text (of DDL, which is never reused) replaces the old one."""
        statement = self.statements.get(cursor_id)
        if statement is not None and (not sql or statement.sql == sql):
            return statement, False
        if not sql and cursor_id:
            raise ProtocolError(f"no cursor {cursor_id}")
        new = Statement(sql, is_query=statement_kind(sql) in ("SELECT", "WITH"))
        self._last_cursor = self._last_cursor % 65535 + 1
        self.statements[self._last_cursor] = new
        return new, True

    def _reexecute(self, reader: Reader, fetch: bool) -> Execute:
        cursor_id = reader.ub()
        count = reader.ub()
        reader.ub()
        options = reader.ub()
        statement = self.statements.get(cursor_id)
        if statement is None:
            raise ProtocolError(f"no cursor {cursor_id}")
        request = Execute(statement.sql, cursor_id, statement.binds, new=False)
        if fetch:
            request.rows = count
        else:
            request.commit = bool(options & _REEXECUTE_COMMIT)
        sent = [direction != OUT for direction in statement.directions]
        executions = 1 if fetch or statement.is_query else count
        request.iterations = self._iterations(reader, statement, sent, executions)
        return request

    def _binds(self, reader: Reader, sql: str, count: int) -> list[Bind]:
        names, inputs = _bind_places(sql)
        if len(names) != count:
            names, inputs = [str(number) for number in range(1, count + 1)], count
        return [self._metadata(reader, name, place >= inputs) for place, name in enumerate(names)]

    def _metadata(self, reader: Reader, name: str, returning: bool) -> Bind:
        kind = reader.u8()
        flags = reader.u8()
        reader.raw(2)
        size = reader.ub()
        elements = reader.ub()
        reader.ub()
        reader.two()
        reader.ub()
        reader.ub()
        form = reader.u8()
        reader.ub()
        if self.field_version >= V12_2:
            reader.ub()
        return Bind(name, kind, form, size, elements if flags & _ARRAY else None, returning)

    def _iterations(self, reader: Reader, statement: Statement, sent: list[bool], executions: int) -> list[list[Value]]:
        binds = statement.binds
        if not any(sent):
            return [[None] * len(binds) for _unused in range(executions)]
        # Outside PL/SQL, values that may be longer than any column come last.
        in_order = statement_kind(statement.sql) in ("BEGIN", "DECLARE", "CALL")
        late = [not in_order and bind.size > self.max_string for bind in binds]
        order = [place for part in (False, True) for place in range(len(binds)) if sent[place] and late[place] == part]
        rows = []
        for _unused in range(executions):
            if reader.u8() != ROW_DATA:
                raise ProtocolError("no bind values where they were due")
            row: list[Value] = [None] * len(binds)
            for place in order:
                row[place] = _bind_value(reader, binds[place])
            rows.append(row)
        return rows


def _bind_value(reader: Reader, bind: Bind) -> Value:
    if bind.type in (CLOB, BLOB):
        raise ProtocolError("a LOB as a bind")
    if bind.elements is None:
        return read_bind(reader, bind.type, bind.form)
    return [read_bind(reader, bind.type, bind.form) for _unused in range(reader.ub())]


def _text(reader: Reader) -> str:
    return (reader.two() or b"").decode("utf-8", "replace")


def _end_to_end(reader: Reader) -> EndToEnd:
    reader.raw(2)
    reader.ub()

    def header() -> tuple[bool, bool]:
        changed = bool(reader.u8())
        return changed, bool(reader.ub())

    headers = {"client_identifier": header(), "module": header(), "action": header()}
    header()
    header()
    headers["client_info"] = header()
    header()
    header()
    headers["dbop"] = header()
    changes: dict[str, str | None] = {}
    for name, (changed, has_value) in headers.items():
        if changed:
            # The driver writes the text of an empty string, which is one byte, and no text for None: both clear.
            has_text = has_value or reader.peek() == 0
            changes[name] = reader.text() or None if has_text else None
    return EndToEnd(changes)


def _application_context(reader: Reader) -> ApplicationContext:
    reader.u8()
    reader.ub()
    reader.u8()
    count = reader.ub()
    reader.ub()
    reader.u8()
    namespace = reader.text()
    values = {}
    for _unused in range(count):
        key = _text(reader)
        values[key] = _text(reader)
        reader.ub()
    return ApplicationContext(namespace, values)
