# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server process: one client's session from the listener's hand to its end."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setproctitle import setproctitle

from . import cleanup, plsql, registration, requests, rights, sga, signals, tables, transactions
from .definitions import loaded
from .errors import OracleError
from .executor import Executor, command_number
from .lexer import is_plsql, tokens
from .login import Login, identifier
from .options import Options
from .policy import CLOSE
from .session import KILL, POST_TRANSACTION, Ended, Post, Session
from .tns import ConnectRequest
from .ttc import Channel, ClientGone, ProtocolError, Woken
from .values import Column, Row, Type, Value
from .verifier import Verifier

_NO_SUCH_SERVICE, _NO_SUCH_SID, _NO_SUCH_INSTANCE = 12514, 12505, 12521
_NOT_OPEN, _MAY_NOT_CONNECT = 1033, 28150
# All administrative sessions have this AUDSID.
_AUDSID_OF_ADMINISTRATORS = 4294967295
# What a session that rolls back waits for: blocks of its undo.
_UNDO_EVENT = "db file sequential read"
# How a bind variable of these types is declared, beside those of values.Type; anything else is taken for text.
_OTHER_TYPES = {3: Type.NUMBER, 8: Type.VARCHAR2, 24: Type.RAW, 100: Type.BINARY_DOUBLE, 231: Type.TIMESTAMP}
# The end-to-end attributes that V$SESSION shows, by the names of its columns.
_ATTRIBUTES = ("module", "action", "client_identifier", "client_info")


def serve(sock: socket.socket, folder: Path, inst_id: int, options: Options) -> None:
    """Serve one client until it has gone, or its session is ended."""
    with contextlib.closing(sga.connect(folder / sga.FILE_NAME)) as connection:
        channel = Channel(sock, options.wire)
        try:
            wanted = channel.connect_request()
            service = _route(connection, channel, wanted, inst_id, options)
            if service is None:
                return
            channel.accept()
            server = _log_in(connection, channel, wanted, service, folder, inst_id, options)
        except (ClientGone, ProtocolError):
            return
        if server is not None:
            server.run()


def _route(
    connection: sqlite3.Connection, channel: Channel, wanted: ConnectRequest, inst_id: int, options: Options
) -> tables.Service | None:
    """What a listener does: the service that is meant, or None when the client was sent away or elsewhere."""
    own = sga.get(connection, tables.Instance, inst_id=inst_id)
    assert own is not None
    services = sga.select(connection, tables.Service)
    if wanted.service_name:
        asked = wanted.service_name.lower()
        found = next((each for each in services if each.name == asked), None)
    else:
        # An instance is known by its name, too; so are sessions by their SID for lack of a service.
        found = next((each for each in services if each.name == "SYS$USERS"), None)
        if wanted.sid.upper() != own.name:
            channel.refuse(_NO_SUCH_SID)
            return None
    if found is None:
        channel.refuse(_NO_SUCH_SERVICE)
        return None
    name = wanted.instance_name.upper()
    if not name or name == own.name:
        return found
    other = sga.get(connection, tables.Instance, name=name)
    if other is None or other.status != "OPEN":
        channel.refuse(_NO_SUCH_INSTANCE)
    else:
        channel.redirect(f"(ADDRESS=(PROTOCOL=TCP)(HOST={options.address(other.inst_id)})(PORT={other.port}))")
    return None


def _log_in(
    connection: sqlite3.Connection,
    channel: Channel,
    wanted: ConnectRequest,
    service: tables.Service,
    folder: Path,
    inst_id: int,
    options: Options,
) -> Server | None:
    """The session of whoever can show who he is; None after the login was refused."""
    con_id = service.con_id

    def verifier(name: str) -> Verifier | None:
        user = rights.find_user(connection, name, con_id)
        return loaded(user.verifiers) if user else None

    try:
        login = channel.authenticate(verifier)
        user = _user(connection, login, con_id, inst_id)
    except OracleError as error:
        channel.fail(error)
        return None
    post = Post()
    shared = None
    with sga.write(connection):
        row = _enter(connection, channel, wanted, login, user, service, inst_id, options)
        if wanted.server == "SHARED":
            shared = _share(connection, row)
        call = tables.Call(
            None, row.logon_time, inst_id, row.sid, row.serial, row.username, row.program, row.module, "connect"
        )
        sga.insert(connection, call)
    database = sga.get(connection, tables.Database)
    assert database is not None
    server = Server(connection, channel, Session(connection, row, post, channel, shared), folder, options)
    try:
        if login.alter_session:
            server.executor.statement(login.alter_session.rstrip("\0"))
    except OracleError as error:
        channel.fail(error)
        server.leave()
        return None
    for namespace, name, value in login.context:
        server.executor.application_context[namespace.upper(), name.upper()] = value
    try:
        channel.welcome(
            row.sid,
            row.serial,
            {
                "AUTH_SC_SERVICE_NAME": service.name,
                "AUTH_INSTANCENAME": options.instance_name(inst_id),
                "AUTH_SC_DBUNIQUE_NAME": database.name,
                "AUTH_SC_REAL_DBUNIQUE_NAME": database.unique_name,
                "AUTH_SC_DB_DOMAIN": "",
                "AUTH_MAX_OPEN_CURSORS": "300",
                "AUTH_MAX_IDEN_LENGTH": "128" if options.release >= (12, 2) else "30",
            },
        )
    except ClientGone:
        server.leave()
        return None
    return server


def _user(connection: sqlite3.Connection, login: Login, con_id: int, inst_id: int) -> tables.User:
    """Whose session it becomes; raises what keeps an account out."""
    name = identifier(login.username)
    if login.target:
        target = identifier(login.target)
        if not rights.may_proxy(connection, name, target, con_id):
            raise OracleError(_MAY_NOT_CONNECT)
        name = target
    user = rights.find_user(connection, name, con_id)
    if user is None:
        raise OracleError(1017)
    rights.check_logon(connection, user, con_id, login.mode.lower() or "default")
    if not login.mode and not sga.get(connection, tables.Instance, inst_id=inst_id, status="OPEN"):
        raise OracleError(_NOT_OPEN)
    if sga.get(connection, tables.Instance, inst_id=inst_id, logins="RESTRICTED") and not login.mode:
        held = rights.rights_of(connection, user.name, con_id)
        if not rights.has_privilege(connection, held, "RESTRICTED SESSION"):
            raise OracleError(1035)
    if login.mode in ("SYSDBA", "SYSOPER") and (owner := rights.find_user(connection, "SYS", con_id)):
        return owner
    return user


def _enter(
    connection: sqlite3.Connection,
    channel: Channel,
    wanted: ConnectRequest,
    login: Login,
    user: tables.User,
    service: tables.Service,
    inst_id: int,
    options: Options,
) -> tables.Session:
    own = os.getpid()
    instance = options.instance_name(inst_id)
    kind: dict[str, Any] = {}
    pname = None
    if options.threaded:
        # All server threads live in one OS process; ours is a process so that it can be ended alone.
        container = sga.get(connection, tables.Process, inst_id=inst_id, pname="U004")
        kind = {"execution_type": "THREAD", "spid": container.spid if container else str(own)}
    pooled = wanted.server == "POOLED"
    if pooled:
        pname = registration.free_name(connection, inst_id, "L")
    # Where it is no dedicated server it looks like the process that it is a part of.
    if name := pname or ("U004" if options.threaded else "S000" if wanted.server == "SHARED" else None):
        setproctitle(registration.title(instance, name))
    process = registration.add_process(
        connection, inst_id, instance, own, pname, con_id=service.con_id, terminal=login.terminal or "UNKNOWN", **kind
    )
    row = registration.add_session(
        connection,
        process,
        own,
        server="POOLED" if pooled else "DEDICATED",
        user_id=user.id,
        username=user.name,
        schema_id=user.id,
        schemaname=user.name,
        proxy_user=identifier(login.username) if login.target else None,
        login_mode=login.mode.lower() or "default",
        service_name=service.name,
        con_id=service.con_id,
        osuser=login.os_user or None,
        process=login.pid or None,
        machine=login.machine or None,
        port=_port(channel),
        terminal=login.terminal or None,
        program=login.program or None,
        module=login.program or None,
        client_driver=login.driver_name.split(" ")[0] or None,
        client_version=login.client_version or None,
        **({"audsid": _AUDSID_OF_ADMINISTRATORS} if login.mode else {}),
    )
    sga.update(connection, tables.User, {"last_login": sga.now()}, con_id=user.con_id, name=user.name)
    return row


def _share(connection: sqlite3.Connection, row: tables.Session) -> tuple[bytes, bytes] | None:
    """Make it a shared-server session: its own process is not seen, but a dispatcher, and in calls a shared server."""
    processes = [sga.get(connection, tables.Process, inst_id=row.inst_id, pname=name) for name in ("D000", "S000")]
    dispatcher, server = processes
    if dispatcher is None or server is None:
        return None
    sga.delete(connection, tables.Process, inst_id=row.inst_id, pid=row.pid)
    row.pid, row.server, row.paddr = 0, "NONE", dispatcher.addr
    row.creator_addr, row.creator_serial = dispatcher.addr, dispatcher.serial
    columns = {name: getattr(row, name) for name in ("pid", "server", "paddr", "creator_addr", "creator_serial")}
    sga.update(connection, tables.Session, columns, inst_id=row.inst_id, sid=row.sid)
    circuit = tables.Circuit(row.inst_id, row.saddr, row.saddr, dispatcher.addr, None, con_id=row.con_id)
    sga.insert(connection, circuit)
    return dispatcher.addr, server.addr


def _port(channel: Channel) -> int:
    """The client's own port, V$SESSION.PORT."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(channel.fileno())) as copy:
        return int(copy.getpeername()[1])
    return 0


@dataclass
class Cursor:
    """The rows of a query that the client has not fetched yet."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    next: int = 0

    def take(self, count: int) -> Sequence[Row]:
        taken = self.rows[self.next : self.next + count]
        self.next += len(taken)
        return taken

    @property
    def more(self) -> bool:
        return self.next < len(self.rows)


class Server:
    """Carries out the requests of one session, one after the other."""

    def __init__(
        self, connection: sqlite3.Connection, channel: Channel, session: Session, folder: Path, options: Options
    ) -> None:
        self.connection = connection
        self.channel = channel
        self.session = session
        self.executor = Executor(session, folder, options)
        self._cursors: dict[int, Cursor] = {}
        # Rows, or executions of a block, that the call at hand has done.
        self._count = 0

    def run(self) -> None:
        try:
            while (request := self._next()) is not None:
                self._carry_out(request)
        except Ended as end:
            self._die(end.outcome)
        except (ClientGone, ProtocolError):
            pass
        self.leave()

    def leave(self) -> None:
        """Roll back and go; the connection is closed first, so that nobody takes the session for a living one."""
        self.channel.close()
        row = self.session.reload()
        if row is None:
            return
        if row.kill_mode is not None and self.executor.work.current is not None:
            # It takes part in nothing any more; what is seen of it is its rollback.
            self.session.set(in_call=0, paddr=sga.PSEUDO_PROCESS, event=_UNDO_EVENT, waiting=1, wait_start=sga.now())
        cleanup.finish(self.connection, row, self.session.policies)

    # -- idle

    def _next(self) -> requests.Request | None:
        while True:
            try:
                return self.channel.next_request(self.session.post.fd)
            except Woken:
                self.session.post.take()
                self._look_while_idle()

    def _look_while_idle(self) -> None:
        """Somebody has posted the process while its client was silent."""
        row = self.session.reload()
        if row is None:
            raise Ended(CLOSE)
        if row.kill_mode is None:
            return
        if row.kill_mode == POST_TRANSACTION:
            if self.executor.work.current is None:
                raise Ended(CLOSE)
            return
        if row.kill_mode == KILL:
            # Everything is undone now; the row stays until the client calls or hangs up.
            self._roll_back_all()
            signals.post_all(self.connection, cleanup.release_locks(self.connection, row.inst_id, row.sid))
            return
        outcome = self.session.outcome_while_idle()
        if outcome == CLOSE:
            raise Ended(CLOSE)
        # The session goes at once, and its client hears of that at its next call.
        cleanup.finish(self.connection, row, self.session.policies)
        self.channel.next_request()
        raise Ended(outcome)

    def _roll_back_all(self) -> None:
        session = self.session
        for transaction in reversed(transactions.of_session(self.connection, session.inst_id, session.sid)):
            assert transaction.id is not None
            transactions.roll_back(self.connection, transaction.id, session.policies)

    # -- calls

    def _carry_out(self, request: requests.Request) -> None:
        self._before(request)
        handler = _HANDLERS.get(type(request))
        self._count = 0
        try:
            if handler is None:
                raise OracleError(3001)
            handler(self, request)
        except Ended as end:
            self.session.ended = True
            raise Ended(end.outcome) from None
        except OracleError as error:
            self._fail(error)
        if self.session.leaving and self.executor.work.current is None:
            raise Ended(CLOSE)

    def _fail(self, error: OracleError) -> None:
        session = self.session
        if session.in_call:
            session.end_call()
        self.channel.transaction_open = self.executor.work.current is not None
        if session.broken:
            session.broken = False
            self.channel.answer_break()
        else:
            self.channel.reply_error(error, self._count)

    def _done(self) -> None:
        """The call is over; the reply comes next."""
        if self.session.broken:
            # A block has caught the client's break as an error; the protocol wants an answer of its own all the same.
            raise OracleError(1013)
        self.session.end_call()
        self.channel.transaction_open = self.executor.work.current is not None

    def _before(self, request: requests.Request) -> None:
        for piggyback in request.before:
            if isinstance(piggyback, requests.CloseCursors):
                for cursor_id in piggyback.cursor_ids:
                    self._cursors.pop(cursor_id, None)
            elif isinstance(piggyback, requests.EndToEnd):
                changes = {name: value for name, value in piggyback.changes.items() if name in _ATTRIBUTES}
                if changes:
                    self.session.set(**changes)
            elif isinstance(piggyback, requests.CurrentSchema):
                with contextlib.suppress(OracleError):  # The next statement will find out.
                    self.executor.set_schema(identifier(piggyback.name))
            elif isinstance(piggyback, requests.ApplicationContext):
                namespace = piggyback.namespace.upper()
                for name, value in piggyback.values.items():
                    self.executor.application_context[namespace, name.upper()] = value

    def _execute(self, request: requests.Execute) -> None:
        sql = request.sql
        if request.fetch_only:
            self._fetch_more(request.cursor_id, request.rows)
            return
        block = is_plsql(sql)
        self.session.begin_call("execute", 94, sql, command_number(sql))
        self.executor.begin_statement()
        if request.describe_only:
            self._describe(sql, block)
        elif block:
            self._block(request)
        elif _is_query(sql):
            self._query(request)
        else:
            self._change(request)

    def _describe(self, sql: str, block: bool) -> None:
        if not block and _is_query(sql):
            columns = self.executor.columns(sql)
            self._done()
            self.channel.reply_describe(columns)
        else:
            self._done()
            self.channel.reply_dml(0)

    def _query(self, request: requests.Execute) -> None:
        binds = request.iterations[0] if request.iterations else []
        result = self.executor.query(request.sql, binds)
        if request.commit:
            self.executor.work.commit()
        cursor = self._cursors[request.cursor_id] = Cursor(result.columns, result.rows)
        self._done()
        self.channel.reply_rows(cursor.columns, cursor.take(request.rows), more=cursor.more)

    def _fetch(self, request: requests.Fetch) -> None:
        self._fetch_more(request.cursor_id, request.rows)

    def _fetch_more(self, cursor_id: int, count: int) -> None:
        cursor = self._cursors.get(cursor_id)
        if cursor is None:
            raise OracleError(1001)
        self.session.begin_call("fetch", 5)
        self._done()
        self.channel.reply_fetch(cursor.columns, cursor.take(count), more=cursor.more)

    def _change(self, request: requests.Execute) -> None:
        if any(bind.returning for bind in request.binds):
            raise OracleError(3001)
        for values in request.iterations or [[]]:
            self._count += self.executor.execute(request.sql, values)
        if request.commit:
            self.executor.work.commit()
        warning = self.executor.compiled_with_errors
        self.executor.compiled_with_errors = False
        self._done()
        self.channel.reply_dml(self._count, warning=warning)

    def _block(self, request: requests.Execute) -> None:
        directions: list[int] = []
        outcomes: list[list[Value]] = []
        for values in request.iterations or [[]]:
            binds = {
                bind.name: plsql.Bind(value, _type(bind.type), bind.size, bind.elements or 0)
                for bind, value in zip(request.binds, values, strict=True)
            }
            position = self.executor.work.mark()
            try:
                self.executor.run_block(request.sql, binds)
            except OracleError:
                self.executor.work.undo_to(position)
                raise
            self._count += 1
            directions = [bind.direction for bind in binds.values()]
            outcomes.append([bind.value for bind in binds.values()])
        if request.commit:
            self.executor.work.commit()
        self._done()
        self.channel.reply_plsql(directions, outcomes)

    def _commit(self, _request: requests.Request) -> None:
        self._transaction("commit", 14)

    def _rollback(self, _request: requests.Request) -> None:
        self._transaction("rollback", 15)

    def _transaction(self, kind: str, call: int) -> None:
        self.session.begin_call(kind, call)
        if kind == "commit":
            self.executor.work.commit()
        else:
            self.executor.work.roll_back()
        self._done()
        self.channel.reply_status()

    def _ping(self, _request: requests.Request) -> None:
        self.session.begin_call("ping", 147)
        self._done()
        self.channel.reply_status()

    def _logoff(self, _request: requests.Request) -> None:
        self.session.begin_call("logoff", 9)
        self.executor.work.commit()
        self._done()
        self.channel.reply_status()

    def _release(self, _request: requests.Request) -> None:
        self.executor.work.roll_back()

    # -- death

    def _die(self, outcome: int | str) -> None:
        """Tell the client what its end was, if it is told anything."""
        with contextlib.suppress(ClientGone, OSError):
            if outcome == CLOSE:
                self.channel.close()
            else:
                self.channel.send_death(OracleError(int(outcome)))


_HANDLERS: Mapping[type, Any] = {
    requests.Execute: Server._execute,
    requests.Fetch: Server._fetch,
    requests.Commit: Server._commit,
    requests.Rollback: Server._rollback,
    requests.Ping: Server._ping,
    requests.Logoff: Server._logoff,
    requests.Release: Server._release,
}


def _is_query(sql: str) -> bool:
    return tokens(sql)[0].is_("SELECT", "WITH", "(")


def _type(code: int) -> Type:
    try:
        return Type(code)
    except ValueError:
        return _OTHER_TYPES.get(code, Type.VARCHAR2)
