# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of the statements in commands.py.

Grammar: the vendor's SQL Language Reference, under the name of each statement; for the clauses that end sessions, and
for the releases that have them, see policy.py. What the grammar here does not know ends with the error that the server
gives for it, with the position of the offending word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from .commands import (
    Accepted,
    AlterSession,
    AlterSystemSet,
    AlterUser,
    AlterUserProxy,
    CancelSql,
    ColumnDefinition,
    Command,
    Commit,
    CompileProgram,
    CreateProgram,
    CreateRole,
    CreateSynonym,
    CreateTable,
    CreateUser,
    DisconnectSession,
    DropObject,
    DropRole,
    DropUser,
    Grant,
    KillSession,
    LockTable,
    Name,
    RestrictSession,
    Revoke,
    Rollback,
    Savepoint,
    TruncateTable,
    UserClauses,
)
from .errors import OracleError
from .lexer import Token, tokens
from .policy import defaults

Version = tuple[int, ...]

V12_1: Version = (12, 1)
V12_2: Version = (12, 2)
V23: Version = (23,)


def parse(text: str, version: Version = (19,), policies: Mapping[str, Any] | None = None) -> Command:
    """The command in ``text``; OracleError as the server of that version gives it, ORA-00900 for no command at all."""
    return _Parser(text, version, policies or defaults()).statement()


_WORD_TYPES = {"LONG": ("RAW",), "DOUBLE": ("PRECISION",), "CHARACTER": ("VARYING",), "CHAR": ("VARYING",)}
# Modes of LOCK TABLE as V$LOCK numbers them; the longer names first.
_LOCK_MODES = (
    (("SHARE", "ROW", "EXCLUSIVE"), 5),
    (("SHARE", "UPDATE"), 2),
    (("ROW", "SHARE"), 2),
    (("ROW", "EXCLUSIVE"), 3),
    (("SHARE",), 4),
    (("EXCLUSIVE",), 6),
)
_NO_PASSWORD = {"EXTERNALLY", "GLOBALLY"}
_TABLE_OPTIONS = (
    "TABLESPACE", "PCTFREE", "PCTUSED", "INITRANS", "STORAGE", "LOGGING", "NOLOGGING", "SEGMENT", "ORGANIZATION",
    "ON", "CACHE", "NOCACHE", "PARALLEL", "NOPARALLEL", "COMPRESS", "NOCOMPRESS", "ROWDEPENDENCIES", "MONITORING",
)  # fmt: skip
# Statements that change nothing that anybody could see here, with the privilege they take.
_ACCEPTED_SYSTEM = (
    "CHECKPOINT",
    "SWITCH",
    "FLUSH",
    "ARCHIVE",
    "REGISTER",
    "CHECK",
    "QUIESCE",
    "UNQUIESCE",
    "RESUME",
    "SUSPEND",
)


class _Parser:
    def __init__(self, text: str, version: Version, policies: Mapping[str, Any]) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._version = version
        self._policies = policies

    # -- small steps

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
        return token

    def _accept(self, *words: str) -> bool:
        """Take these words when all of them follow."""
        for number, word in enumerate(words):
            if self._at + number >= len(self._tokens) or not self._tokens[self._at + number].is_(word):
                return False
        self._at += len(words)
        return True

    def _fail(self, code: int, *values: Any) -> OracleError:
        return OracleError(code, *values, position=self._next.start)

    def _expect(self, *words: str, code: int = 905) -> None:
        for word in words:
            if not self._accept(word):
                raise self._fail(code)

    def _end(self, code: int = 933) -> None:
        if self._next.kind != "end":
            raise self._fail(code)

    def _identifier(self, code: int = 903) -> str:
        token = self._next
        if token.kind not in ("word", "quoted"):
            raise self._fail(code)
        return self._take().value

    def _name(self, code: int = 903) -> Name:
        first = self._identifier(code)
        if self._accept("."):
            return first, self._identifier(code)
        return None, first

    def _if(self, *words: str) -> bool:
        """``IF EXISTS`` or ``IF NOT EXISTS``, which 23ai brought."""
        return self._version >= V23 and self._accept("IF", *words)

    # -- statements

    def statement(self) -> Command:
        first = self._take()
        handler = self._STATEMENTS.get(first.value) if first.kind == "word" else None
        if handler is None:
            raise OracleError(900, position=first.start)
        command = handler(self)
        self._end()
        return command

    def _commit(self) -> Command:
        self._accept("WORK")
        if self._accept("WRITE"):
            while self._accept("WAIT") or self._accept("NOWAIT") or self._accept("IMMEDIATE") or self._accept("BATCH"):
                pass
        if self._accept("COMMENT"):
            self._take()
        return Commit()

    def _rollback(self) -> Command:
        self._accept("WORK")
        if not self._accept("TO"):
            return Rollback()
        self._accept("SAVEPOINT")
        return Rollback(self._identifier())

    def _savepoint(self) -> Command:
        return Savepoint(self._identifier())

    def _set(self) -> Command:
        if not (
            self._accept("ROLE")
            or self._accept("TRANSACTION")
            or self._accept("CONSTRAINTS")
            or self._accept("CONSTRAINT")
        ):
            raise self._fail(922)
        while self._next.kind != "end":
            self._take()
        return Accepted()

    def _lock(self) -> Command:
        self._expect("TABLE")
        table = self._name()
        self._expect("IN")
        mode = next((mode for words, mode in _LOCK_MODES if self._accept(*words)), 0)
        if not mode:
            raise self._fail(1737)
        self._expect("MODE")
        return LockTable(table, mode, self._accept("NOWAIT"))

    # -- ALTER

    def _alter(self) -> Command:
        if self._accept("SYSTEM"):
            return self._alter_system()
        if self._accept("SESSION"):
            return self._alter_session()
        if self._accept("USER"):
            return self._alter_user()
        for kind in ("PROCEDURE", "FUNCTION"):
            if self._accept(kind):
                name = self._name()
                self._expect("COMPILE")
                return CompileProgram(name, kind)
        raise self._fail(940)

    def _alter_system(self) -> Command:
        if self._accept("KILL"):
            self._expect("SESSION")
            return self._kill()
        if self._accept("DISCONNECT"):
            self._expect("SESSION")
            return self._disconnect()
        if self._next.is_("CANCEL") and self._version >= V12_2:
            self._take()
            self._expect("SQL")
            return CancelSql(self._target())
        if self._accept("SET"):
            return AlterSystemSet(self._parameters())
        for word in ("ENABLE", "DISABLE"):
            if self._accept(word, "RESTRICTED", "SESSION"):
                return RestrictSession(word == "ENABLE")
        if self._next.is_(*_ACCEPTED_SYSTEM):
            while self._next.kind in ("word", "string"):
                self._take()
            return Accepted("ALTER SYSTEM")
        raise self._fail(self._policies["option_unknown"])

    def _target(self) -> str:
        if self._next.kind != "string":
            raise self._fail(self._policies["kill_malformed"])
        return self._take().value

    def _kill(self) -> Command:
        target = self._target()
        given: dict[str, Any] = {}
        while self._next.kind != "end":
            start = self._at
            word = self._take()
            option = word.value.lower()
            value: Any = True
            if not word.is_("IMMEDIATE", "FORCE", "NOREPLAY", "TIMEOUT") or option in given:
                self._at = start
                break
            since = {"IMMEDIATE": (), "NOREPLAY": V12_1}.get(word.value, V12_2)
            if self._version < since:
                raise OracleError(self._policies["option_unknown"], position=word.start)
            if word.is_("TIMEOUT"):
                if self._next.kind != "number" or not self._next.text.isdigit():
                    raise self._fail(922)
                value = int(self._take().text)
            given[option] = value
        if given.keys() >= {"immediate", "force"}:
            raise self._fail(933)
        if self._version < V23 and given.keys() >= {"immediate", "noreplay"}:
            raise self._fail(self._policies["noreplay_immediate"])
        return KillSession(target, **given)

    def _disconnect(self) -> Command:
        target = self._target()
        post_transaction = self._accept("POST_TRANSACTION")
        immediate = self._accept("IMMEDIATE")
        noreplay = not immediate and V12_1 <= self._version < V23 and self._accept("NOREPLAY")
        if not (post_transaction or immediate):
            raise self._fail(self._policies["disconnect_bare"], "POST_TRANSACTION or IMMEDIATE")
        return DisconnectSession(target, post_transaction, immediate, noreplay)

    def _parameters(self) -> dict[str, str]:
        """``name = value [, value ...]`` as often as it comes."""
        found: dict[str, str] = {}
        while self._next.kind in ("word", "quoted"):
            name = self._take().value
            if name == "DEFERRED":
                continue
            if name == "EVENTS" and self._next.kind == "string":
                found[name] = self._take().value
                continue
            self._expect("=", code=927)
            values = [self._value()]
            while self._accept(","):
                values.append(self._value())
            found[name] = ", ".join(values)
        if not found:
            raise self._fail(2065)
        return found

    def _value(self) -> str:
        sign = "-" if self._accept("-") else ""
        token = self._next
        if token.kind not in ("word", "quoted", "string", "number"):
            raise self._fail(922)
        self._take()
        # 100M is a number and a word, its unit.
        unit = self._take().text if token.kind == "number" and self._next.is_("K", "M", "G") else ""
        return sign + (token.text if token.kind == "number" else token.value) + unit

    def _alter_session(self) -> Command:
        if self._accept("SET"):
            return AlterSession(self._parameters())
        if not self._next.is_("ENABLE", "DISABLE", "FORCE", "CLOSE", "ADVISE", "SYNC"):
            raise self._fail(2248)
        while self._next.kind == "word":
            self._take()
        return AlterSession()

    # -- accounts

    def _alter_user(self) -> Command:
        name = self._identifier(987)
        for word in ("GRANT", "REVOKE"):
            if self._accept(word, "CONNECT", "THROUGH"):
                proxy = self._identifier(987)
                while self._next.kind != "end":  # WITH ROLE ..., AUTHENTICATION REQUIRED
                    self._take()
                return AlterUserProxy(name, proxy, word == "GRANT")
        return AlterUser(name, self._user_clauses())

    def _user_clauses(self) -> UserClauses:
        password: str | None = None
        locked: bool | None = None
        profile: str | None = None
        container: str | None = None
        while self._next.kind != "end":
            if self._accept("IDENTIFIED"):
                if self._accept("BY"):
                    self._accept("VALUES")
                    token = self._next
                    if token.kind not in ("word", "quoted"):
                        raise self._fail(988)
                    # Passwords keep their case, also without quotes.
                    password = token.value if token.kind == "quoted" else token.text
                    self._take()
                    if self._accept("REPLACE"):
                        self._take()
                elif self._next.is_(*_NO_PASSWORD):
                    self._take()
                    password = ""
                    if self._accept("AS"):
                        self._take()
                else:
                    raise self._fail(924)
            elif self._accept("NO", "AUTHENTICATION"):
                password = ""
            elif self._accept("ACCOUNT"):
                locked = self._accept("LOCK")
                if not locked:
                    self._expect("UNLOCK")
            elif self._accept("PASSWORD"):
                self._expect("EXPIRE")
            elif self._accept("PROFILE"):
                profile = self._identifier()
            elif self._accept("CONTAINER"):
                container = self._container()
            elif self._accept("DEFAULT", "ROLE"):
                while self._next.kind in ("word", "quoted", "op"):
                    self._take()
            elif self._accept("DEFAULT") or self._accept("TEMPORARY") or self._accept("LOCAL", "TEMPORARY"):
                self._expect("TABLESPACE", code=922)
                self._identifier(959)
            elif self._accept("QUOTA"):
                self._value()
                self._expect("ON")
                self._identifier(959)
            else:
                raise self._fail(922)
        return UserClauses(password, locked, profile, container)

    def _container(self) -> str:
        self._expect("=", code=922)
        if not self._next.is_("ALL", "CURRENT"):
            raise self._fail(65013)
        return self._take().value

    def _grant(self) -> Command:
        privileges, target = self._privileges()
        self._expect("TO", code=905)
        grantees = self._grantees()
        option = False
        container: str | None = None
        while self._next.kind != "end":
            if self._accept("WITH"):
                if not (
                    self._accept("ADMIN")
                    or self._accept("GRANT")
                    or self._accept("HIERARCHY")
                    or self._accept("DELEGATE")
                ):
                    raise self._fail(994)
                self._expect("OPTION", code=994)
                option = True
            elif self._accept("CONTAINER"):
                container = self._container()
            else:
                break
        return Grant(privileges, target, grantees, option, container)

    def _revoke(self) -> Command:
        privileges, target = self._privileges()
        self._expect("FROM", code=905)
        grantees = self._grantees()
        container = self._container() if self._accept("CONTAINER") else None
        self._accept("CASCADE", "CONSTRAINTS")
        return Revoke(privileges, target, grantees, container)

    def _privileges(self) -> tuple[tuple[str, ...], Name | None]:
        found = []
        while True:
            token = self._next
            if token.kind == "quoted":
                found.append(self._take().value)
            else:
                words = []
                while self._next.kind == "word" and not self._next.is_("ON", "TO", "FROM"):
                    words.append(self._take().value)
                if not words:
                    raise self._fail(990)
                found.append(" ".join(words))
            if self._accept("("):  # Columns of an object privilege.
                while not self._accept(")"):
                    if self._take().kind == "end":
                        raise self._fail(907)
            if not self._accept(","):
                break
        target = None
        if self._accept("ON"):
            self._accept("DIRECTORY")
            target = self._name()
        return tuple(found), target

    def _grantees(self) -> tuple[str, ...]:
        found = [self._identifier(987)]
        while self._accept(","):
            found.append(self._identifier(987))
        return tuple(found)

    # -- CREATE and DROP

    def _create(self) -> Command:
        replace = self._accept("OR", "REPLACE")
        self._accept("EDITIONABLE") or self._accept("NONEDITIONABLE")
        for kind in ("PROCEDURE", "FUNCTION"):
            start = self._next.start
            if self._accept(kind):
                self._if("NOT", "EXISTS")
                name = self._name()
                self._at = len(self._tokens) - 1  # The rest belongs to PL/SQL.
                return CreateProgram(name, kind, self._text[start:], replace)
        public = self._accept("PUBLIC")
        if self._accept("SYNONYM"):
            name = self._name()
            self._expect("FOR", code=905)
            return CreateSynonym(name, self._name(), public, replace)
        if public or replace:
            raise self._fail(922)
        if self._accept("USER"):
            exists = self._if("NOT", "EXISTS")
            return CreateUser(self._identifier(987), self._user_clauses_of_new(), exists)
        if self._accept("ROLE"):
            exists = self._if("NOT", "EXISTS")
            role = self._identifier(987)
            self._accept("NOT", "IDENTIFIED")
            if self._accept("CONTAINER"):
                self._container()
            return CreateRole(role, exists)
        if self._accept("GLOBAL", "TEMPORARY", "TABLE") or self._accept("TABLE"):
            return self._create_table()
        if self._accept("UNIQUE", "INDEX") or self._accept("INDEX"):
            while self._next.kind != "end":
                self._take()
            return Accepted()
        raise self._fail(901)

    def _user_clauses_of_new(self) -> UserClauses:
        if not self._next.is_("IDENTIFIED", "NO"):
            raise self._fail(922)
        return self._user_clauses()

    def _create_table(self) -> Command:
        exists = self._if("NOT", "EXISTS")
        name = self._name()
        columns: list[ColumnDefinition] = []
        keys: list[tuple[str, ...]] = []
        if self._accept("("):
            while True:
                if self._next.is_("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
                    key = self._table_constraint()
                    if key:
                        keys.append(key)
                else:
                    columns.append(self._column())
                if not self._accept(","):
                    break
            self._expect(")", code=907)
        while self._next.is_(*_TABLE_OPTIONS):
            self._take()
            if self._accept("("):
                self._skip_to_close()
            while self._next.kind in ("word", "number", "quoted") and not self._next.is_("AS", *_TABLE_OPTIONS):
                self._take()
        query = None
        if self._accept("AS"):
            query = self._text[self._next.start :]
            self._at = len(self._tokens) - 1
        elif not columns:
            raise self._fail(906)
        return CreateTable(name, tuple(columns), tuple(keys), query, exists)

    def _column(self) -> ColumnDefinition:
        name = self._identifier(904 if self._next.kind == "op" else 903)
        if self._next.kind != "word":
            raise self._fail(902)
        kind = self._take().value
        for second in _WORD_TYPES.get(kind, ()):
            if self._accept(second):
                kind = f"{kind} {second}"
        arguments = self._type_arguments()
        if kind == "TIMESTAMP" and self._accept("WITH"):
            kind += " WITH LOCAL TIME ZONE" if self._accept("LOCAL") else " WITH TIME ZONE"
            self._expect("TIME", "ZONE")
        if kind == "INTERVAL":
            self._expect("DAY")
            self._type_arguments()
            self._expect("TO", "SECOND")
            self._type_arguments()
            kind = "INTERVAL DAY TO SECOND"
        nullable, primary, unique = True, False, False
        default: str | None = None
        while True:
            if self._accept("NOT", "NULL"):
                nullable = False
            elif self._accept("NULL"):
                nullable = True
            elif self._accept("PRIMARY", "KEY"):
                primary, nullable = True, False
            elif self._accept("UNIQUE"):
                unique = True
            elif self._accept("CONSTRAINT"):
                self._identifier()
            elif self._accept("DEFAULT"):
                default = self._expression()
            elif self._accept("CHECK") or self._accept("REFERENCES"):
                if self._next.kind in ("word", "quoted"):
                    self._name()
                if self._accept("("):
                    self._skip_to_close()
            elif self._accept("ENABLE") or self._accept("USING", "INDEX"):
                pass
            else:
                return ColumnDefinition(name, kind, arguments, nullable, primary, unique, default)

    def _type_arguments(self) -> tuple[int, ...]:
        if not self._accept("("):
            return ()
        found: list[int] = []
        while True:
            if self._accept("*"):
                found.append(38)
            else:
                sign = -1 if self._accept("-") else 1
                if self._next.kind != "number" or not self._next.text.isdigit():
                    raise self._fail(910)
                found.append(sign * int(self._take().text))
            self._accept("BYTE") or self._accept("CHAR")
            if not self._accept(","):
                break
        self._expect(")", code=907)
        return tuple(found)

    def _expression(self) -> str:
        """The text of one expression: to the next comma, closing parenthesis or column constraint."""
        start = self._next.start
        end = start
        depth = 0
        while self._next.kind != "end":
            token = self._next
            if depth == 0 and token.is_(
                ",", ")", "NOT", "NULL", "PRIMARY", "UNIQUE", "CONSTRAINT", "CHECK", "REFERENCES"
            ):
                if not (token.is_("NULL") and end == start):
                    break
            depth += token.is_("(") - token.is_(")")
            end = self._take().end
        return self._text[start:end]

    def _table_constraint(self) -> tuple[str, ...]:
        if self._accept("CONSTRAINT"):
            self._identifier()
        key: tuple[str, ...] = ()
        if self._accept("PRIMARY", "KEY") or self._accept("UNIQUE"):
            self._expect("(", code=906)
            names = [self._identifier(904)]
            while self._accept(","):
                names.append(self._identifier(904))
            self._expect(")", code=907)
            key = tuple(names)
        elif self._accept("CHECK") or self._accept("FOREIGN", "KEY"):
            self._expect("(", code=906)
            self._skip_to_close()
            if self._accept("REFERENCES"):
                self._name()
                if self._accept("("):
                    self._skip_to_close()
        else:
            raise self._fail(904, self._next.text)
        self._accept("ENABLE") or self._accept("USING", "INDEX")
        return key

    def _skip_to_close(self) -> None:
        depth = 1
        while depth:
            token = self._take()
            if token.kind == "end":
                raise self._fail(907)
            depth += token.is_("(") - token.is_(")")

    def _drop(self) -> Command:
        public = self._accept("PUBLIC")
        if self._accept("USER"):
            exists = self._if("EXISTS")
            return DropUser(self._identifier(987), self._accept("CASCADE"), exists)
        if self._accept("ROLE"):
            exists = self._if("EXISTS")
            return DropRole(self._identifier(987), exists)
        for kind in ("TABLE", "PROCEDURE", "FUNCTION", "SYNONYM"):
            if self._accept(kind):
                exists = self._if("EXISTS")
                name = self._name()
                if kind == "TABLE":
                    self._accept("CASCADE", "CONSTRAINTS")
                    self._accept("PURGE")
                elif kind == "SYNONYM":
                    self._accept("FORCE")
                return DropObject(kind, name, public, exists)
        raise self._fail(950)

    def _truncate(self) -> Command:
        self._expect("TABLE", code=3290)
        name = self._name()
        self._accept("DROP", "STORAGE") or self._accept("REUSE", "STORAGE")
        return TruncateTable(name)

    _STATEMENTS: ClassVar[Mapping[str, Callable[[_Parser], Command]]] = {
        "COMMIT": _commit,
        "ROLLBACK": _rollback,
        "SAVEPOINT": _savepoint,
        "SET": _set,
        "LOCK": _lock,
        "ALTER": _alter,
        "CREATE": _create,
        "DROP": _drop,
        "TRUNCATE": _truncate,
        "GRANT": _grant,
        "REVOKE": _revoke,
    }
