# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..oracle import commands
from ..oracle.errors import OracleError
from ..oracle.sql import Context
from ..oracle.values import Column, Result, Type
from . import calls, grammar, ids, kill, variables
from .accounts import SYS_TENANT
from .errors import of_engine, oracle, syntax
from .session import Session

if TYPE_CHECKING:
    from .observer import Observer

_V, _N = Type.VARCHAR2, Type.NUMBER
_VERBS = {"insert": "INSERT", "update": "UPDATE", "delete": "DELETE", "merge": "UPDATE", "lock": "SELECT"}
_LISTED = ("ID", "USER", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO")
_PROXY_LISTED = ("Id", "Tenant", "User", "Host", "db", "trans_count", "svr_session_count", "state", "tid", "pid")
_NUMBERS = ("ID", "Id", "TIME", "PORT", "trans_count", "svr_session_count", "tid", "pid")


@dataclass
class Answer:
    """What a statement gives: a result with columns, or how many rows it changed."""

    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[Any]] = ()
    count: int = 0


async def execute(observer: Observer, session: Session, text: str) -> Answer:
    """The answer to one statement of a client; ServerError otherwise."""
    session.start(text)
    try:
        statement = grammar.parse(text)
        if session.client.kind == "v1":
            answer = _by_proxy(observer, session, statement)
            if answer is not None:
                return answer
        return await _run(observer, session, statement)
    except OracleError as error:
        raise of_engine(error, text) from None
    finally:
        session.finish()


async def _run(observer: Observer, session: Session, statement: grammar.Statement) -> Answer:
    if isinstance(statement, grammar.Query):
        return await _query(observer, session, statement.text)
    if isinstance(statement, grammar.Change):
        return await _change(observer, session, statement.text)
    if isinstance(statement, grammar.Block):
        for step in statement.steps:
            if isinstance(step, grammar.Call):
                await calls.call(session, step)
            else:
                await _run(observer, session, grammar.parse(step.text))
        return Answer()
    if isinstance(statement, grammar.Call):
        await calls.call(session, statement)
        return Answer()
    return _at_once(observer, session, statement)


def _at_once(observer: Observer, session: Session, statement: grammar.Statement) -> Answer:
    """Statements that never wait."""
    if isinstance(statement, grammar.Kill):
        kill.kill(observer, session, _number(observer, session, statement.expression), statement.query)
    elif isinstance(statement, grammar.KillSession):
        if not observer.options.knows_kill_session or observer.version < (4,):
            raise syntax(session.info or "", (session.info or "").upper().find("KILL"))
        if not session.account.has("ALTER SYSTEM"):
            raise oracle(observer.policies["kill_not_allowed"])
        kill.kill(observer, session, ids.of_string(statement.target))
    elif isinstance(statement, grammar.ShowVariables):
        known = observer.variables if statement.everywhere else session.variables
        columns = [Column("VARIABLE_NAME", _V, 128), Column("VALUE", _V, 4000)]
        return Answer(columns, variables.matching(known, statement.pattern))
    elif isinstance(statement, grammar.ShowProcesslist):
        return _processlist(observer, session, statement.full)
    elif isinstance(statement, grammar.SetVariables):
        _set(observer, session, statement)
    elif isinstance(statement, grammar.Begin):
        session.end_transaction(commit=True)
        session.begin(explicit=True)
    elif isinstance(statement, commands.Command):
        _command(observer, session, statement)
    return Answer()


def _by_proxy(observer: Observer, session: Session, statement: grammar.Statement) -> Answer | None:
    """What a proxy with client session ids of version 1 does not pass on."""
    if isinstance(statement, grammar.ShowProcesslist) and not statement.full:
        rows = [
            (
                *(each.client.told_id, each.tenant, each.user, f"{each.client_ip}:{each.client_port}", each.schema),
                *(int(each.transaction is not None), 1, "MCS_ACTIVE_READER", 1, 1),
            )
            for each in observer.sessions.values()
            if each.client.proxied and each.listed and each.tenant == session.tenant
        ]
        return _listing(_PROXY_LISTED, rows)
    if isinstance(statement, grammar.Kill) and statement.expression.isdigit():
        kill.by_proxy(observer, session, int(statement.expression), statement.query)
        return Answer()
    return None


# --- queries and changes


def _context(observer: Observer, session: Session) -> Context:
    observer.catalog.session = session
    return Context(
        user=session.user,
        schema=session.schema,
        sys_context=session.context_value,
        parameters={
            "tenant": session.tenant,
            "everybody": observer.shows_everybody(session),
            "transaction": session.transaction.id if session.transaction else 0,
            "node": session.node.ip,
            "lock_time": observer.policies["lock_time_listed"],
        },
        roles_key=(session.tenant, session.client.proxied),
    )


def _number(observer: Observer, session: Session, expression: str) -> int:
    """The id that KILL is given, which may be any expression."""
    opening = "SELECT ("
    try:
        found = observer.engine.query(f"{opening}{expression}) FROM DUAL", (), _context(observer, session))
    except OracleError as error:
        error.position = max(0, error.position - len(opening)) + (session.info or "").find(expression)
        raise
    return ids.of_value(found.rows[0][0])


async def _query(observer: Observer, session: Session, text: str) -> Answer:
    context = _context(observer, session)
    if observer.engine.is_lock(text):
        await _change(observer, session, text)
        return _answer(observer.engine.dml(text, (), _context(observer, session)).query())
    observer.memory.show_privileges(session)
    return _answer(observer.engine.query(text, (), context))


def _answer(result: Result) -> Answer:
    return Answer(result.columns, result.rows)


async def _change(observer: Observer, session: Session, text: str) -> Answer:
    plan = observer.engine.dml(text, (), _context(observer, session))
    if not plan.table:
        raise OracleError(1031)
    table = observer.data.table_of(plan)
    if not observer.catalog.may(_VERBS[plan.kind], table.owner, table.name):
        raise OracleError(1031)
    own = session.transaction is None
    transaction = session.begin()
    try:
        # A transaction that began just now sees no more than none at all.
        plan = observer.engine.dml(text, (), _context(observer, session))
        count = await observer.data.execute(transaction, plan)
    except BaseException:
        if own and session.autocommit and not session.killed:
            session.end_transaction(commit=False)
        raise
    if own and session.autocommit:
        session.end_transaction(commit=True)
    return Answer(count=count)


def _command(observer: Observer, session: Session, command: commands.Command) -> None:
    if isinstance(command, commands.Commit):
        session.end_transaction(commit=True)
    elif isinstance(command, commands.Rollback):
        _roll_back(observer, session, command.savepoint)
    elif isinstance(command, commands.Savepoint):
        transaction = session.begin()
        transaction.savepoints[command.name] = len(transaction.changes)
    elif isinstance(command, commands.AlterSession):
        for name, value in command.parameters.items():
            _alter_session(observer, session, name.lower(), value)
    elif isinstance(command, (commands.CreateTable, commands.DropObject)):
        session.end_transaction(commit=True)
        _define(observer, session, command)
    else:
        session.end_transaction(commit=True)
        observer.accounts.execute(session.tenant, session.account, command)


def _roll_back(observer: Observer, session: Session, savepoint: str | None) -> None:
    transaction = session.transaction
    if savepoint is None:
        session.end_transaction(commit=False)
    elif transaction is None or savepoint not in transaction.savepoints:
        raise OracleError(1086, savepoint)
    else:
        observer.data.undo_to(transaction, transaction.savepoints[savepoint])


def _define(observer: Observer, session: Session, command: commands.CreateTable | commands.DropObject) -> None:
    owner, name = command.name[0] or session.schema, command.name[1]
    verb = "CREATE" if isinstance(command, commands.CreateTable) else "DROP"
    own = owner == session.user and (verb == "DROP" or session.account.has("CREATE TABLE"))
    if not own and not session.account.has(f"{verb} ANY TABLE"):
        raise OracleError(1031)
    if isinstance(command, commands.CreateTable):
        observer.memory.created(observer.data.create(session.tenant, owner, command))
        return
    table = observer.data.find(session.tenant, owner, name) if command.kind == "TABLE" else None
    if table is None:
        raise OracleError(942)
    observer.data.drop(table)
    observer.memory.dropped(table)


# --- variables


def _set(observer: Observer, session: Session, statement: grammar.SetVariables) -> None:
    if statement.everywhere and not session.account.has("ALTER SYSTEM"):
        raise OracleError(1031)
    known = observer.variables if statement.everywhere else session.variables
    for name, value in statement.values:
        known[name] = variables.changed(known, name, value)
        if name == "autocommit" and session.autocommit:
            session.end_transaction(commit=True)


def _alter_session(observer: Observer, session: Session, name: str, value: str) -> None:
    if name == "current_schema":
        if observer.accounts.find(session.tenant, value) is None:
            raise OracleError(1435)
        session.schema = value
    else:
        session.variables[name] = variables.changed(session.variables, name, value)


# --- listing


def _processlist(observer: Observer, session: Session, full: bool) -> Answer:
    """SHOW PROCESSLIST: the newest session first."""
    everybody = observer.shows_everybody(session)
    rows = []
    for each in reversed(observer.sessions.values()):
        seen = everybody or each.user == session.user
        if not (each.listed and seen and session.tenant in (each.tenant, SYS_TENANT)):
            continue
        row = (each.id, each.user, each.host, each.schema, each.command, observer.elapsed(each), each.state, each.info)
        rows.append((*row, each.tenant, each.node.ip, each.node.rpc_port) if full else row)
    return _listing((*_LISTED, "TENANT", "IP", "PORT") if full else _LISTED, rows)


def _listing(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Answer:
    return Answer([Column(name, _N if name in _NUMBERS else _V, 4000) for name in names], rows)
