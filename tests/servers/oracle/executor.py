# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the statements of a session: queries, changes of rows, PL/SQL and commands. The host of the PL/SQL engine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from . import (
    changes,
    cleanup,
    command_parser,
    commands,
    definitions,
    kill,
    packages,
    plsql,
    rights,
    sga,
    signals,
    tables,
)
from .consistent import TRANSACTION, ConsistentDictionary
from .errors import OracleError
from .instance_requests import request
from .lexer import is_plsql, tokens
from .options import Options
from .plsql import Routine, StoredProgram
from .rights import Rights
from .session import Interrupted, Session
from .sql import Context, Engine, Plan, install
from .userenv import userenv
from .values import Column, Result, Value

Binds = Mapping[str, Value] | Sequence[Value]
Answer = TypeVar("Answer")

_QUERY = ("SELECT", "WITH", "(")
_DML = {"INSERT": 2, "UPDATE": 6, "DELETE": 7, "MERGE": 189}
_COMMAND_OF_QUERY, _COMMAND_OF_BLOCK = 3, 47
# Opcodes of SQLite between two looks at the news: about a millisecond.
_PROGRESS = 20000


def command_number(text: str) -> int:
    """V$SESSION.COMMAND of a statement, as far as its first word tells it."""
    try:
        first = tokens(text)[0]
    except OracleError:
        return 0
    if first.is_(*_QUERY):
        return _COMMAND_OF_QUERY
    if first.is_("BEGIN", "DECLARE", "CALL"):
        return _COMMAND_OF_BLOCK
    return _DML.get(first.value, 0)


class Executor:
    """What a session can run. ``user`` is who logged in, or who it became through a proxy."""

    def __init__(self, session: Session, folder: Path, options: Options) -> None:
        self.session = session
        self.connection = session.connection
        self.folder = folder
        self.options = options
        self.version: tuple[int, ...] = options.release
        self.work = changes.Work(session)
        self.output = packages.Output()
        install(self.connection)
        self._engine = Engine(self.connection, ConsistentDictionary(self.connection))
        self._engine.interrupted = Interrupted
        self.connection.set_progress_handler(self._progress, _PROGRESS)
        self._listening = False
        self._schema = session.row.schemaname or self.user
        self._rights = self._fresh_rights()
        self._definer: list[Rights] = []
        self._context: Context | None = None
        self._parameters: dict[str, int | float | str | bytes | None] = {"sid": session.sid, "serial": session.serial}
        self._version_seen = sga.dictionary_version(self.connection)
        self._packages = packages.packages(self, options.rds)
        # What the client set of namespaces of SYS_CONTEXT.
        self.application_context: dict[tuple[str, str], str] = {}
        # Whether the program that was created last is invalid, which a client is told as a warning.
        self.compiled_with_errors = False

    # -- who and where

    @property
    def user(self) -> str:
        return self.session.row.username or "SYS"

    @property
    def rights(self) -> Rights:
        """Those in force: of the owner inside definer's rights, else of the user with its roles."""
        return self._definer[-1] if self._definer else self._rights

    @property
    def schema(self) -> str:
        return self._definer[-1].user if self._definer else self._schema

    def set_schema(self, name: str) -> None:
        """ALTER SESSION SET CURRENT_SCHEMA; ORA-01435 without such a user."""
        user = rights.find_user(self.connection, name, self.session.con_id)
        if user is None:
            raise OracleError(1435)
        self._schema = name
        self.session.set(schemaname=name, schema_id=user.id)
        self._context = None

    def set_container(self, name: str) -> None:
        """ALTER SESSION SET CONTAINER; ORA-65011 without such a one, ORA-01031 for who may not change."""
        if self.work.current is not None:
            raise OracleError(65023)
        pdb = sga.get(self.connection, tables.Pdb, name=name)
        con_id = 1 if name == "CDB$ROOT" else pdb.con_id if pdb else None
        if con_id is None:
            raise OracleError(65011, name)
        user = rights.find_user(self.connection, self.user, con_id)
        if con_id != self.session.con_id:
            if user is None or not user.common:
                raise OracleError(1031)
            if self.user != "SYS":
                target = rights.rights_of(self.connection, self.user, con_id)
                rights.require(self.connection, target, "SET CONTAINER")
        self.session.set(con_id=con_id)
        self.refresh_rights()

    def refresh_rights(self) -> None:
        self._rights = self._fresh_rights()
        self._context = None

    def _fresh_rights(self) -> Rights:
        return rights.rights_of(self.connection, self.user, self.session.con_id)

    def begin_statement(self) -> None:
        """Before each statement of the client: take notice of grants and objects that have changed since the last."""
        version = sga.dictionary_version(self.connection)
        if version != self._version_seen:
            self._version_seen = version
            self.refresh_rights()

    def context(self) -> Context:
        self._parameters[TRANSACTION] = self.work.current or 0
        if self._context is None:
            row = self.session.row
            self._context = Context(
                user=self.user,
                schema=self.schema,
                user_id=row.user_id,
                inst_id=row.inst_id,
                con_id=row.con_id,
                sys_context=lambda namespace, name: userenv(self, namespace, name),
                parameters=self._parameters,
                release=self.version[0],
                roles_key=self.rights,
            )
        return self._context

    def require(self, *privileges: str) -> None:
        rights.require(self.connection, self.rights, *privileges)

    # -- the host of PL/SQL

    def key(self) -> Hashable:
        return self.rights, self.schema, sga.dictionary_version(self.connection)

    def check(self) -> None:
        self.session.check()

    def describe(self, name: tuple[str, ...]) -> Sequence[Column]:
        quoted = ".".join(f'"{part}"' for part in name)
        return self._engine.describe(f"SELECT * FROM {quoted}", self.context())

    def prepare(self, sql: str, binds: Sequence[str]) -> Sequence[Column] | None:
        first = tokens(sql)[0]
        if first.is_(*_QUERY):
            return self._engine.describe(sql, self.context())
        return None

    def routine(self, name: tuple[str, ...]) -> Routine | None:
        path = name[1:] if len(name) > 1 and name[0] == "SYS" else name
        found = self._packages.get(path)
        if found is None:
            return None
        package = path[0]
        owner = "SYS"
        if package == "RDSADMIN":
            owner, package = "RDSADMIN", path[1]
        elif package in packages.PUBLIC:
            return found
        may = rights.object_privileges(self.connection, self.rights, owner, package)
        return found if "EXECUTE" in may else None

    def program(self, name: tuple[str, ...]) -> StoredProgram | None:
        if len(name) > 2:
            return None
        owner = name[0] if len(name) == 2 else None
        return definitions.find_program(self, owner, name[-1])

    @contextlib.contextmanager
    def as_owner(self, owner: str) -> Iterator[None]:
        self._definer.append(rights.rights_of(self.connection, owner, self.session.con_id, roles_active=False))
        context, self._context = self._context, None
        try:
            yield
        finally:
            self._definer.pop()
            self._context = context

    def autonomous(self) -> contextlib.AbstractContextManager[None]:
        return self.work.autonomous()

    # -- statements

    def query(self, sql: str, binds: Binds) -> Result:
        if self._engine.is_lock(sql):
            plan = self._plan(sql, binds)
            self._change(plan, sql, _COMMAND_OF_QUERY)
            # It reads the rows in its own transaction, which may have begun only now.
            return self._plan(sql, binds).query()
        with self.session.executing(sql, _COMMAND_OF_QUERY):
            return self._interruptible(lambda: self._engine.query(sql, binds, self.context()))

    def columns(self, sql: str) -> Sequence[Column]:
        """The columns of a query that is not executed."""
        return self._engine.describe(sql, self.context())

    def execute(self, sql: str, binds: Binds) -> int:
        first = tokens(sql)[0]
        if first.is_(*_DML):
            plan = self._plan(sql, binds)
            return self._change(plan, sql, _DML[first.value])
        if first.is_(*_QUERY):
            return len(self.query(sql, binds).rows)
        if binds:
            raise OracleError(1027)
        self.command(sql)
        return 0

    def insert_rows(self, table: str, rows: Result) -> None:
        """CREATE TABLE ... AS SELECT: put the rows of a query into a table."""
        marks = ", ".join(f":{number}" for number in range(1, len(rows.columns) + 1))
        for row in rows.rows:
            self.execute(f"INSERT INTO {table} VALUES ({marks})", list(row))

    def _plan(self, sql: str, binds: Binds) -> Plan:
        return self._interruptible(lambda: self._engine.dml(sql, binds, self.context()))

    def _change(self, plan: Plan, sql: str, command: int) -> int:
        with self.session.executing(sql, command):
            return changes.execute(self.session, self.work, plan, self._interruptible)

    def _interruptible(self, work: Callable[[], Answer]) -> Answer:
        while True:
            self._listening = True
            try:
                return work()
            except Interrupted:
                # News that ends nothing: once more.
                self.session.check_interrupted()
            finally:
                self._listening = False

    def _progress(self) -> bool:
        return self._listening and self.session.news()

    def run_block(self, text: str, binds: dict[str, plsql.Bind]) -> None:
        plsql.run(plsql.parse(text), binds, self)

    def statement(self, text: str) -> None:
        """Any statement without binds and results, such as the one that a client sends along with its login."""
        self.begin_statement()
        if is_plsql(text):
            self.run_block(text, {})
        else:
            self.execute(text, [])

    # -- commands

    def command(self, text: str) -> commands.Command:
        command = command_parser.parse(text, self.version, self.session.policies)
        if command.commits:
            self.work.commit()
        self._HANDLERS[type(command)](self, command, text)
        if command.commits:
            self.work.commit()
            self.begin_statement()
        return command

    def _transaction(self, command: commands.Command, _text: str) -> None:
        if isinstance(command, commands.Commit):
            self.work.commit()
        elif isinstance(command, commands.Savepoint):
            self.work.savepoint(command.name)
        elif isinstance(command, commands.Rollback):
            if command.savepoint is None:
                self.work.roll_back()
            else:
                self.work.roll_back_to(command.savepoint)

    def _accepted(self, command: commands.Command, _text: str) -> None:
        assert isinstance(command, commands.Accepted)
        if command.privilege:
            self.require(command.privilege)

    def _alter_system(self, command: commands.Command, text: str) -> None:
        self.require("ALTER SYSTEM")
        if isinstance(command, (commands.KillSession, commands.DisconnectSession, commands.CancelSql)):
            self.end_session(command, text)
        elif isinstance(command, commands.RestrictSession):
            logins = "RESTRICTED" if command.enable else "ALLOWED"
            sga.update(self.connection, tables.Instance, {"logins": logins}, inst_id=self.session.inst_id)
        elif isinstance(command, commands.AlterSystemSet):
            definitions.set_parameters(self, command)

    def end_session(self, command: commands.Command, text: str) -> None:
        with self._logged(text):
            if isinstance(command, commands.KillSession):
                kill.kill(self.session, command)
            elif isinstance(command, commands.DisconnectSession):
                kill.disconnect(self.session, command)
            elif isinstance(command, commands.CancelSql):
                kill.cancel(self.session, command)

    def kill_process(self, sid: int, serial: int, text: str) -> None:
        with self._logged(text):
            kill.kill_process(self.session, sid, serial)

    @contextlib.contextmanager
    def _logged(self, text: str) -> Iterator[None]:
        code = 0
        try:
            yield
        except OracleError as error:
            code = error.code
            raise
        finally:
            row = self.session.row
            sga.insert(
                self.connection,
                tables.Statement(
                    None, sga.now(), row.inst_id, row.sid, row.serial, row.username, row.module, text, code
                ),
            )

    def run_parallel(self, degree: int, seconds: float) -> None:
        """Be a coordinator: start the servers, wait, end them. ORA-12805 when one of them has gone before its time."""
        row = self.session.row
        own = tables.PxSession(row.inst_id, row.sid, row.serial, row.saddr, None, row.sid, None, con_id=row.con_id)
        sga.insert(self.connection, own)
        try:
            for number in range(1, degree + 1):
                request(
                    self.folder,
                    row.inst_id,
                    kind="parallel",
                    qc_inst_id=row.inst_id,
                    qc_sid=row.sid,
                    qc_serial=row.serial,
                    number=number,
                    degree=degree,
                )
            with self.session.waiting("PX Deq: Execute Reply"):
                self._await_servers(degree, seconds)
        finally:
            with sga.write(self.connection):
                posts = cleanup.end_parallel_servers(self.connection, row.inst_id, row.sid, row.serial)
                sga.delete(self.connection, tables.PxSession, inst_id=row.inst_id, sid=row.sid)
            signals.post_all(self.connection, posts)

    def _await_servers(self, degree: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.session.pause(left)
            row = self.session.row
            there = self.connection.execute(
                "SELECT count(*) FROM x_px_session WHERE qc_inst_id = ? AND qc_sid = ? AND qc_serial = ?",
                (row.inst_id, row.sid, row.serial),
            ).fetchone()[0]
            if there < degree:
                code = self.session.policies["px_server_killed"]
                raise OracleError(code, *(["P000"] if code == 12801 else []))

    def _lock_table(self, command: commands.Command, _text: str) -> None:
        assert isinstance(command, commands.LockTable)
        definitions.lock_table(self, command)

    def _alter_session(self, command: commands.Command, _text: str) -> None:
        assert isinstance(command, commands.AlterSession)
        for name, value in command.parameters.items():
            if name == "CURRENT_SCHEMA":
                self.set_schema(value)
            elif name == "CONTAINER":
                self.set_container(value.upper())

    _HANDLERS: Mapping[type, Callable[[Any, commands.Command, str], None]] = {
        commands.Commit: _transaction,
        commands.Rollback: _transaction,
        commands.Savepoint: _transaction,
        commands.Accepted: _accepted,
        commands.KillSession: _alter_system,
        commands.DisconnectSession: _alter_system,
        commands.CancelSql: _alter_system,
        commands.AlterSystemSet: _alter_system,
        commands.RestrictSession: _alter_system,
        commands.LockTable: _lock_table,
        commands.AlterSession: _alter_session,
        **dict.fromkeys(definitions.KINDS, definitions.execute),
    }
