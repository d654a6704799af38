# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for PL/SQL in memory: a few tables in SQLite, procedures of the server, and a record of what was executed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from servers.oracle.errors import OracleError
from servers.oracle.lexer import bind_names
from servers.oracle.plsql import Bind, Parameter, Routine, StoredProgram, parse, parse_program, run
from servers.oracle.values import Column, Result, Type, Value

SESSIONS = [
    Column("SID", Type.NUMBER, 22),
    Column("SERIAL#", Type.NUMBER, 22),
    Column("USERNAME", Type.VARCHAR2, 30),
    Column("STATUS", Type.VARCHAR2, 8),
    Column("LOGON", Type.NUMBER, 22, 5, 2),
]
TABLES = {
    "DUAL": [Column("DUMMY", Type.VARCHAR2, 1)],
    "V$SESSION": SESSIONS,
    "NOTES": [Column("ID", Type.NUMBER, 22), Column("TEXT", Type.VARCHAR2, 10)],
}
ROWS = [
    (11, 101, "APP", "ACTIVE", 1.5),
    (12, 102, "APP", "INACTIVE", 2),
    (13, 103, "BATCH", "INACTIVE", 3),
    (14, 104, None, "ACTIVE", 4),
]


class Memory:
    """``failing`` maps a pattern of a statement to the number of the error that it gets; ``log`` has what was executed
    that is no query, ``seen`` the queries. ``hidden`` are tables that only directly granted rights show."""

    def __init__(self) -> None:
        self.user = "TESTER"
        self.failing: dict[str, int] = {}
        self.log: list[str] = []
        self.seen: list[str] = []
        self.checks = 0
        self.end_after: tuple[int, int] | None = None
        self.programs: dict[tuple[str, ...], StoredProgram] = {}
        self.owners: list[str] = []
        self.granted: dict[str, set[str]] = {}
        self.version = 0
        self.db = sqlite3.connect(":memory:")
        self.db.executescript(
            """create table dual (dummy text); insert into dual values ('X');
            create table "V$SESSION" (sid, serial_n, username, status, logon); create table notes (id unique, text);"""
        )
        self.db.executemany('insert into "V$SESSION" values (?, ?, ?, ?, ?)', ROWS)

    # -- what tests do

    def run(self, text: str, **binds: Value) -> dict[str, Value]:
        """Run a block; the values of its binds afterwards. A value may be a Bind."""
        given = {name.upper(): value if isinstance(value, Bind) else Bind(value) for name, value in binds.items()}
        block = parse(text)
        for name in block.binds:
            given.setdefault(name, Bind())
        run(block, given, self)
        return {name: bind.value for name, bind in given.items()}

    def value(self, expression: str, **binds: Value) -> Value:
        """What an expression gives."""
        return self.run(f"BEGIN :result := {expression}; END;", **binds)["RESULT"]

    def create(self, text: str, owner: str = "TESTER") -> StoredProgram:
        program = parse_program(text)
        stored = StoredProgram(program.owner or owner, program.name, program)
        self.programs[(stored.owner, stored.name)] = self.programs[(stored.name,)] = stored
        self.version += 1
        return stored

    # -- the host

    def key(self) -> Hashable:
        # Blocks are kept compiled for the whole process, so worlds must not be taken for each other.
        return self, tuple(self.owners[-1:]), self.version

    def check(self) -> None:
        self.checks += 1
        if self.end_after and self.checks >= self.end_after[0]:
            raise OracleError(self.end_after[1])

    def describe(self, name: tuple[str, ...]) -> Sequence[Column]:
        table = name[-1]
        wanted = self.granted.get(table)
        if table not in TABLES or (wanted is not None and (self.owners or ["TESTER"])[-1] not in wanted):
            raise OracleError(942)
        return TABLES[table]

    def prepare(self, sql: str, binds: Sequence[str]) -> Sequence[Column] | None:
        if not sql.startswith("SELECT"):
            return None
        try:
            found = self.db.execute(_to_sqlite(f"SELECT * FROM ({sql}) LIMIT 0"), dict.fromkeys(binds))
        except sqlite3.OperationalError as error:
            name = str(error).rsplit(" ", 1)[-1]
            raise OracleError(904, f'"{name}"', position=max(sql.find(name), 0)) from None
        types = {column.name: column for columns in TABLES.values() for column in columns}
        names = [_name(one[0]) for one in found.description]
        return [types.get(name, Column(name, Type.VARCHAR2, 4000)) for name in names]

    def query(self, sql: str, binds: Mapping[str, Value] | Sequence[Value]) -> Result:
        self.seen.append(sql)
        self._fail(sql)
        cursor = self._execute(sql, binds)
        columns = [Column(_name(one[0]), Type.VARCHAR2) for one in cursor.description]
        return Result(columns, cursor.fetchall())

    def execute(self, sql: str, binds: Mapping[str, Value] | Sequence[Value]) -> int:
        self.log.append(sql)
        self._fail(sql)
        if not re.match(r"(?i)insert|update|delete", sql):
            return 0
        return self._execute(sql, binds).rowcount

    def _execute(self, sql: str, binds: Mapping[str, Value] | Sequence[Value]) -> sqlite3.Cursor:
        if not isinstance(binds, Mapping):
            binds = {name.lower(): value for name, value in zip(bind_names(sql), binds, strict=True)}
            sql = re.sub(r":\w+", lambda found: found[0].lower(), sql)
        try:
            return self.db.execute(_to_sqlite(sql), dict(binds))
        except sqlite3.IntegrityError:
            raise OracleError(1, "TESTER.NOTES_ID") from None
        except sqlite3.OperationalError as error:
            raise OracleError(942 if "table" in str(error) else 904, f'"{error}"') from None

    def _fail(self, sql: str) -> None:
        for pattern, code in self.failing.items():
            if re.search(pattern, sql):
                raise OracleError(code)

    def routine(self, name: tuple[str, ...]) -> Routine | None:
        return ROUTINES.get(name)

    def program(self, name: tuple[str, ...]) -> StoredProgram | None:
        return self.programs.get(name)

    @contextmanager
    def as_owner(self, owner: str) -> Iterator[None]:
        self.owners.append(owner)
        try:
            yield
        finally:
            self.owners.pop()

    @contextmanager
    def autonomous(self) -> Iterator[None]:
        self.log.append("(begin autonomous)")
        yield
        self.log.append("(end autonomous)")


def _to_sqlite(sql: str) -> str:
    # A number sign is no part of a name there.
    return re.sub("(?i)serial#", "serial_n", sql)


def _name(column: str) -> str:
    return column.upper().replace("SERIAL_N", "SERIAL#")


def _read_module(arguments: dict[str, Value]) -> None:
    arguments["MODULE_NAME"], arguments["ACTION_NAME"] = "a module", None


def _get_lines(arguments: dict[str, Value]) -> None:
    arguments["LINES"] = ["one", "two"][: arguments["NUMLINES"]]
    arguments["NUMLINES"] = len(arguments["LINES"])


def _refuse(_arguments: dict[str, Value]) -> None:
    raise OracleError(20001, "refused")


ROUTINES = {
    ("DBMS_APPLICATION_INFO", "READ_MODULE"): Routine(
        _read_module, (Parameter("MODULE_NAME", "OUT"), Parameter("ACTION_NAME", "OUT"))
    ),
    ("DBMS_OUTPUT", "GET_LINES"): Routine(_get_lines, (Parameter("LINES", "OUT"), Parameter("NUMLINES", "IN OUT"))),
    ("RDSADMIN", "RDSADMIN_UTIL", "KILL"): Routine(
        _refuse,
        (Parameter("SID"), Parameter("SERIAL"), Parameter("METHOD", optional=True)),
        name="RDSADMIN.RDSADMIN_UTIL",
    ),
    ("DBMS_LOCK", "X_MODE"): Routine(lambda _arguments: 6, function=True),
}
