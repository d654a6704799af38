# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's connection: login, commands, results. The packets are those of mysql-mimic."""

from __future__ import annotations

import asyncio
from typing import Any

from mysql_mimic import packets, utils
from mysql_mimic.auth import IdentityProvider
from mysql_mimic.charset import CharacterSet
from mysql_mimic.connection import Connection
from mysql_mimic.constants import DEFAULT_SERVER_CAPABILITIES
from mysql_mimic.control import Control
from mysql_mimic.errors import MysqlError
from mysql_mimic.results import ResultColumn, ResultSet
from mysql_mimic.session import BaseSession
from mysql_mimic.stream import ConnectionClosed, MysqlStream
from mysql_mimic.types import Capabilities, ColumnType, Commands, ServerStatus

from ..oracle.sql import date_formats, numbers
from ..oracle.values import Type
from .client import Client
from .errors import UNKNOWN_COMMAND, Cut, ServerError, mysql
from .executor import Answer, execute
from .observer import Observer

_PLUGIN = "mysql_native_password"
# MySQL's number for it is CLIENT_QUERY_ATTRIBUTES, which a server offers that reads them; this one has another use for the bit.
_ORACLE_CLIENT = int(Capabilities.CLIENT_QUERY_ATTRIBUTES)
_CAPABILITIES = Capabilities(DEFAULT_SERVER_CAPABILITIES & ~_ORACLE_CLIENT)
_TYPES = {
    Type.NUMBER: ColumnType.NEWDECIMAL,
    Type.BINARY_DOUBLE: ColumnType.DOUBLE,
    Type.DATE: ColumnType.DATETIME,
    Type.RAW: ColumnType.VAR_STRING,
}


class Reader(asyncio.StreamReader):
    """Tells at once when the client hangs up, also while nobody reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.gone: asyncio.Future[None] = loop.create_future()

    def feed_eof(self) -> None:
        super().feed_eof()
        if not self.gone.done():
            self.gone.set_result(None)


class ClientConnection(Connection):
    """``kind`` says which port it came to: direct, which is that of the ``node`` with this number, or that of a proxy with
    ids of version v1 or v2.
    """

    def __init__(self, observer: Observer, kind: str, node: int, reader: Reader, writer: asyncio.StreamWriter) -> None:
        stream = MysqlStream(reader, writer)
        super().__init__(stream, BaseSession(), Control(), IdentityProvider(), _CAPABILITIES)
        self._observer = observer
        self._kind = kind
        self._node = observer.nodes[node - 1]
        self._reader, self._writer = reader, writer
        self._client: Client | None = None
        ids, taken = observer.ids, observer.taken()
        self.connection_id = ids.observer(taken, node) if kind == "direct" else ids.client(kind, taken)
        self.status_flags = ServerStatus.SERVER_STATUS_AUTOCOMMIT

    @property
    def server_charset(self) -> CharacterSet:
        return CharacterSet.utf8mb4

    async def serve(self) -> None:
        """Until one of the two hangs up, or the session is ended."""
        try:
            await self.connection_phase()
            await self.command_phase()
        except (Cut, ConnectionClosed, ConnectionError, asyncio.IncompleteReadError, MysqlError):
            pass
        finally:
            if self._client is not None:
                self._observer.hang_up(self._client)
            self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()

    # --- login

    async def connection_phase(self) -> None:
        nonce = utils.nonce(20)
        greeting = packets.make_handshake_v10(
            capabilities=_CAPABILITIES,
            server_charset=self.server_charset,
            server_version=self._observer.variables["version"],
            connection_id=self.connection_id,
            auth_data=nonce + b"\0",
            status_flags=self.status_flags,
            auth_plugin_name=_PLUGIN,
        )
        await self.stream.write(greeting)
        data = await self.stream.read()
        response = packets.parse_handshake_response_41(capabilities=_CAPABILITIES, data=data)
        self.capabilities = response.capabilities
        scramble = response.auth_response
        if response.client_plugin not in (None, _PLUGIN):
            await self.stream.write(packets.make_auth_switch_request(self.server_charset, _PLUGIN, nonce + b"\0"))
            scramble = await self.stream.read()
        oracle_client = bool(int.from_bytes(data[:4], "little") & _ORACLE_CLIENT)
        try:
            tenant, account = self._observer.account_of(response.username, scramble, nonce, oracle_client)
        except ServerError as error:
            await self._fail(error)
            raise Cut from None
        ip, port = self._writer.get_extra_info("peername")[:2]
        proxy_sessid = None if self._kind == "direct" else self._observer.ids.proxy_sessid()
        told = self.connection_id
        client = Client(
            self._observer, self._kind, tenant, account, ip, port, told, self._node, self.abort, proxy_sessid
        )
        self._observer.log_in(client)
        self._client = client
        self._reader.gone.add_done_callback(lambda _gone: client.hang_up())
        await self.stream.write(self.ok())
        self.stream.reset_seq()

    # --- commands

    async def command_phase(self) -> None:
        assert self._client is not None
        while not self._client.closing:
            data = await self.stream.read()
            # What it had sent before it was killed comes too late.
            if data[0] == Commands.COM_QUIT or self._client.killed:
                return
            try:
                await self._command(data[0], data[1:])
            except ServerError as error:
                self._show_status()
                await self._fail(error)
                if error.fatal:
                    return
            finally:
                self.stream.reset_seq()

    async def _command(self, command: int, data: bytes) -> None:
        if command == Commands.COM_PING:
            await self.stream.write(self.ok())
        elif command == Commands.COM_QUERY:
            await self._execute(data.decode())
        elif command == Commands.COM_PROCESS_KILL:
            await self._execute(f"KILL {int.from_bytes(data[:4], 'little')}")
        else:
            raise mysql(UNKNOWN_COMMAND)

    async def _execute(self, text: str) -> None:
        assert self._client is not None
        answer = await execute(self._observer, self._client.next_session(), text)
        self._show_status()
        if answer.columns:
            await self.write_text_resultset(_result(answer))
        else:
            await self.stream.write(self.ok(affected_rows=answer.count))

    def _show_status(self) -> None:
        assert self._client is not None
        flags = ServerStatus(0)
        if self._client.session.autocommit:
            flags |= ServerStatus.SERVER_STATUS_AUTOCOMMIT
        if self._client.session.transaction is not None:
            flags |= ServerStatus.SERVER_STATUS_IN_TRANS
        self.status_flags = flags

    async def _fail(self, error: ServerError) -> None:
        text = error.text(self._observer.options.prefix)
        await self.stream.write(self.error(msg=text, code=error.number))


def _number(value: Any) -> Any:
    return numbers.to_text(value) if isinstance(value, float) else value


def _moment(model: str) -> Any:
    return lambda value: date_formats.format_date(value, model)


# What the protocol's text form of a value is, where it is not Python's.
_WRITTEN = {
    Type.NUMBER: _number,
    Type.TIMESTAMP: _moment(date_formats.TIMESTAMP_FORMAT),
    Type.TIMESTAMP_TZ: _moment(date_formats.TIMESTAMP_TZ_FORMAT),
}


def _result(answer: Answer) -> ResultSet:
    columns = [ResultColumn(column.name, _TYPES.get(column.type, ColumnType.VAR_STRING)) for column in answer.columns]
    writers = [_WRITTEN.get(column.type) for column in answer.columns]
    rows = [
        [write(value) if write and value is not None else value for write, value in zip(writers, row, strict=True)]
        for row in answer.rows
    ]
    return ResultSet(rows, columns)
