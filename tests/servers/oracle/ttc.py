# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of one client connection: login, requests in, replies out, breaks, and death.

A :class:`Channel` is used by one thread, over one connected socket; it knows nothing of SQL and nothing of sessions::

    channel = Channel(sock, Settings.of_release((19, 0, 0, 0, 0)))
    wanted = channel.connect_request()             # ConnectRequest of tns.py
    channel.accept()                               # or refuse(12514), or redirect("(ADDRESS=...)"): both close
    login = channel.authenticate(find_verifier)    # Login; OracleError(1017) for a wrong password, not yet answered
    channel.welcome(session_id, serial, {...})     # or fail(OracleError(1017)), which closes
    while (request := channel.next_request(wake_fd)) is not None:
        ...                                        # one reply_... (or answer_break, send_death) per request

**Requests** (requests.py): Execute, Fetch, Commit, Rollback, Ping, Logoff, Release (needs no reply, see ``answered``) and
Unknown; ``request.before`` holds the piggybacks, to be carried out first. Execute.cursor_id is never 0: the channel
numbers statements, the session keeps the remaining rows under that number until a CloseCursors names it.

**Replies.** Exactly one for each request; any may raise OracleError (a value that does not fit) or TypeError before it
has sent a byte, and ClientGone when nobody is there any more.

====================  ==========================================================================================
Execute of a query    reply_rows(columns, rows, more=...), or reply_describe(columns) when ``describe_only``
Fetch                 reply_fetch(columns, rows, more=...)
Execute of DML, DDL   reply_dml(count), with RETURNING ... INTO reply_returning(iterations, count)
Execute of PL/SQL     reply_plsql(directions, iterations): per bind 16 OUT, 32 IN or 48 IN OUT, and for each execution
                      a value per bind (those of IN binds are not looked at), a list for an array
any other             reply_status()
any                   reply_error(OracleError, count): count is how many rows or executions were done before it
====================  ==========================================================================================

``channel.transaction_open`` is to be true while the session has a transaction: every reply carries it.

**Waiting.** next_request blocks until there is a request; None means that the client has gone or has said good-bye.
With ``wake_fd`` it raises Woken as soon as that descriptor is readable; the caller empties the descriptor.

**Breaks.** During a call, poll_break(timeout, wake_fd) tells whether the client wants the call to end, and may be used
as the call's way to wait. If so: stop, then answer_break() instead of a reply. A call that ends before anybody looked
is answered as usual; the channel answers the break by itself in next_request, as it does for a break between calls.

**Death.** send_death(OracleError(28)) answers the request at hand and closes; close() closes without a word, which a
client sees as a broken connection. Between calls there is no request to answer: the client hears of its death with
its next call, so a session killed while idle waits in next_request for that.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence

from . import login as handshake
from . import replies, requests, tns
from .errors import OracleError
from .login import Login, Settings
from .request_reader import RequestReader
from .requests import PipelineBegin, PipelineEnd, Request
from .tns import ClientGone, ConnectRequest, Marker, Packet, Packets, Woken
from .values import Column, Row, Value
from .verifier import Exchange, Verifier, unknown_user
from .wire import ProtocolError, Reader, Writer

__all__ = ["Channel", "ClientGone", "ConnectRequest", "Login", "ProtocolError", "Settings", "Woken"]

# How long to wait for a client to close after the last word to it.
_LINGER_SECONDS = 1.0


class _Interrupted(Exception):
    """A marker came in the middle of a message."""


class Channel:
    """See the module's text."""

    def __init__(self, sock: socket.socket, settings: Settings) -> None:
        self.settings = settings
        self.transaction_open = False
        self._packets = Packets(sock)
        self._connect: ConnectRequest | None = None
        self._field_version = settings.field_version
        self._end_of_response = False
        self._reader = RequestReader(settings.field_version, settings.max_string)
        self._sequence = 0
        self._request: Request = Request()
        self._response = ""  # AUTH_SVR_RESPONSE
        self._break_pending = False
        self._resetting = False
        self._abort_on_error = False
        self._aborted: OracleError | None = None

    def fileno(self) -> int:
        return self._packets.sock.fileno()

    # Login.

    def connect_request(self) -> ConnectRequest:
        """What the client asks the listener for. ClientGone when it closes instead, ProtocolError for other bytes."""
        self._connect = tns.read_connect(self._packets)
        return self._connect

    @property
    def _connected(self) -> ConnectRequest:
        assert self._connect is not None, "connect_request() comes first"
        return self._connect

    def accept(self) -> None:
        version = min(self.settings.protocol_version, self._connected.version)
        flags = handshake.FAST_AUTH_FLAG * self.settings.fast_auth
        flags |= handshake.END_OF_RESPONSE_FLAG * self.settings.end_of_response
        tns.accept(self._packets, version, min(self.settings.sdu, self._connected.sdu), flags)

    def refuse(self, number: int) -> None:
        """Say no with a TNS error such as 12514, and close."""
        tns.refuse(self._packets, number)
        self._packets.close(_LINGER_SECONDS)

    def redirect(self, address: str) -> None:
        """Send the client elsewhere, to ``(ADDRESS=(PROTOCOL=TCP)(HOST=...)(PORT=...))``, and close."""
        tns.redirect(self._packets, address, self._connected.descriptor)
        self._packets.close(_LINGER_SECONDS)

    def authenticate(self, find_verifier: Callable[[str], Verifier | None]) -> Login:
        """Find out who the client is. OracleError(1017), unanswered, for a wrong password or an unknown user.

        ``find_verifier`` gets the user name as the dictionary has it. An unknown user goes through the same exchange.
        """
        reader = self._message()
        fast = reader.u8() == requests.FAST_AUTH
        answer = Writer()
        if fast:
            reader.raw(3)  # version, flags
            reader.u8()  # the protocol message's type
        handshake.read_protocol(reader)
        handshake.write_protocol(answer, self.settings)
        if fast:
            reader.raw(6)  # character sets, field version
            reader.u8()  # the data types message's type
        else:
            self._packets.send_data(answer.data)
            answer, reader = Writer(), self._message()
            reader.u8()
        client = handshake.read_data_types(reader)
        handshake.write_data_types(answer)
        self._field_version = min(self.settings.field_version, client.field_version)
        if not fast:
            self._packets.send_data(answer.data)
            answer, reader = Writer(), self._message()
        version = requests.V19_EXT if fast else self._field_version
        first = handshake.read_auth(reader, handshake.PHASE_ONE, version)
        self._end_of_response = self.settings.end_of_response and client.end_of_response
        verifier = find_verifier(handshake.identifier(first.user))
        exchange = Exchange(verifier or unknown_user(self.settings.verifier))
        answer.u8(replies.PARAMETER).ub(len(exchange.challenge))
        handshake.write_pairs(answer, exchange.challenge)
        self._finish(answer, replies.status(False, self._next_sequence()))
        second = handshake.read_auth(self._message(), handshake.PHASE_TWO, self._field_version)
        response = exchange.check(second.values)
        if response is None:
            raise OracleError(1017)
        self._response = response
        self._reader = RequestReader(self._field_version, self.settings.max_string)
        return handshake.login_of(first, second)

    def welcome(self, session_id: int, serial: int, parameters: Mapping[str, str]) -> None:
        """Let the client in. ``serial`` must fit 16 bits.

        ``parameters`` are further AUTH_ keys, such as AUTH_SC_SERVICE_NAME, AUTH_INSTANCENAME,
        AUTH_SC_DBUNIQUE_NAME (name of the database), AUTH_SC_REAL_DBUNIQUE_NAME (its unique name), AUTH_SC_DB_DOMAIN,
        AUTH_MAX_OPEN_CURSORS, AUTH_MAX_IDEN_LENGTH.
        """
        if not 0 <= serial < 1 << 16:
            raise ValueError(f"the client keeps 16 bits of a serial number, not {serial}")
        number = handshake.version_number(self.settings.version, self._field_version)
        pairs = {
            "AUTH_VERSION_STRING": "- Production",
            "AUTH_VERSION_NO": str(number),
            "AUTH_SESSION_ID": str(session_id),
            "AUTH_SERIAL_NUM": str(serial),
            "AUTH_SVR_RESPONSE": self._response,
            **parameters,
        }
        answer = Writer().u8(replies.PARAMETER).ub(len(pairs))
        handshake.write_pairs(answer, [(key, value, 0) for key, value in pairs.items()])
        self._finish(answer, replies.status(False, self._next_sequence()))

    def fail(self, error: OracleError, close: bool = True) -> None:
        """Answer a login with an error, and close unless told not to."""
        self.reply_error(error)
        if close:
            self._packets.close(_LINGER_SECONDS)

    # Requests.

    def next_request(self, wake_fd: int | None = None) -> Request | None:
        """The next request, None at the end of the connection; Woken when ``wake_fd`` is readable first.

        ProtocolError for bytes that are no packets; nothing can be made of the connection then.
        """
        while True:
            if self._break_pending:
                self.answer_break()
            packet = self._packets.receive(wake_fd)
            if packet is None:
                return None
            if packet.kind == tns.Kind.MARKER:
                self._marker(packet)
            elif packet.kind == tns.Kind.DATA and not self._resetting:
                if packet.data_flags & tns.EOF and not packet.data:
                    return None
                request = self._read_request(packet)
                if request is not None:
                    return request

    def _read_request(self, packet: Packet) -> Request | None:
        """None where the client broke off, or where the channel has answered by itself."""
        try:
            request = self._reader.read(Reader(packet.data, self._more))
        except _Interrupted:
            self.answer_break()
            return None
        except ClientGone:
            return None
        self._request = request
        for piggyback in request.before:
            if isinstance(piggyback, PipelineBegin):
                self._abort_on_error = not piggyback.continue_on_error
        if isinstance(request, PipelineEnd):
            self._abort_on_error, self._aborted = False, None
            self.reply_status()
            return None
        if self._aborted is not None:
            self.reply_error(self._aborted)
            return None
        return request

    def _more(self) -> bytes:
        """The rest of a message that does not fit into one packet."""
        packet = self._packets.receive()
        if packet is None:
            raise ClientGone("the client has gone")
        if packet.kind != tns.Kind.DATA:
            raise _Interrupted
        return packet.data

    def _message(self) -> Reader:
        """A message of the login."""
        packet = self._packets.receive()
        if packet is None or packet.kind != tns.Kind.DATA:
            raise ClientGone("the client has gone")
        return Reader(packet.data, self._more)

    def _forget_new(self) -> None:
        """A statement that fails the first time has no cursor: the client was not told its number."""
        if isinstance(self._request, requests.Execute) and self._request.new:
            self._reader.statements.pop(self._request.cursor_id, None)

    # Breaks.

    def poll_break(self, timeout: float = 0.0, wake_fd: int | None = None) -> bool:
        """Whether the client wants the call at hand to end; waits up to ``timeout`` seconds for that.

        Woken when ``wake_fd`` is readable first.
        """
        if not self._break_pending:
            self._break_pending = self._packets.take_break(timeout, wake_fd)
        return self._break_pending

    def answer_break(self) -> None:
        """End the call with ORA-01013. The client takes part in that, so it is next_request that finishes it."""
        self._break_pending = False
        self._resetting = True
        self._forget_new()
        self._packets.send_marker(Marker.BREAK)

    def _marker(self, packet: Packet) -> None:
        if not self._resetting:
            # BREAK or INTERRUPT; a RESET out of the blue is what some clients send behind one of them.
            if packet.marker != Marker.RESET:
                self.answer_break()
        elif packet.marker == Marker.RESET:
            self._reset(OracleError(1013))

    def _reset(self, error: OracleError) -> None:
        self._resetting = False
        self._packets.send_marker(Marker.RESET)
        self._request = Request()
        self.reply_error(error)

    # Replies.

    def reply_rows(self, columns: Sequence[Column], rows: Sequence[Row], more: bool) -> None:
        """The first rows of a query. ``more``: there are further ones, which the client will fetch."""
        request = self._request
        assert isinstance(request, requests.Execute)
        _check_room(request, rows)
        answer = self._start()
        statement = self._reader.statements.get(request.cursor_id)
        described = list(columns)
        if statement is None or statement.described != described:
            replies.describe(answer, self._field_version, columns)
        replies.rows(answer, columns, rows)
        self._end_call(answer, cursor_id=request.cursor_id, count=len(rows), no_more_rows=not more)
        if statement is not None:
            statement.described = described

    def reply_describe(self, columns: Sequence[Column]) -> None:
        """The columns of a query that was only parsed."""
        request = self._request
        assert isinstance(request, requests.Execute)
        answer = self._start()
        replies.describe(answer, self._field_version, columns)
        self._end_call(answer, cursor_id=request.cursor_id)

    def reply_fetch(self, columns: Sequence[Column], rows: Sequence[Row], more: bool) -> None:
        request = self._request
        assert isinstance(request, requests.Fetch | requests.Execute)
        _check_room(request, rows)
        answer = self._start()
        replies.rows(answer, columns, rows)
        self._end_call(answer, cursor_id=request.cursor_id, count=len(rows), no_more_rows=not more)

    def reply_dml(self, count: int, warning: bool = False) -> None:
        """``count`` rows were touched, 0 for DDL. ``warning``: something was created with compilation errors."""
        self._end_call(self._start(), cursor_id=self._cursor_id, count=count, warning=warning)

    def reply_returning(self, iterations: Sequence[Sequence[Sequence[Value]]], count: int) -> None:
        """For each execution, for each RETURNING bind, the values of all rows that it touched."""
        request = self._request
        assert isinstance(request, requests.Execute)
        answer = self._start()
        for values in iterations:
            replies.returned_values(answer, request.binds, values)
        self._end_call(answer, cursor_id=request.cursor_id, count=count)

    def reply_plsql(self, directions: Sequence[int], iterations: Sequence[Sequence[Value]]) -> None:
        """What a block has done to its binds; ORA-06502 where a value does not fit the client's variable."""
        request = self._request
        assert isinstance(request, requests.Execute)
        answer = self._start()
        if request.binds:
            replies.bind_directions(answer, directions)
            if any(direction != requests.IN for direction in directions):
                for values in iterations:
                    replies.out_values(answer, request.binds, directions, values)
        self._end_call(answer, cursor_id=request.cursor_id, count=len(iterations))
        statement = self._reader.statements.get(request.cursor_id)
        if statement is not None:
            statement.directions = list(directions)

    def reply_status(self) -> None:
        self._finish(self._start(), replies.status(self.transaction_open, self._next_sequence()))

    def reply_error(self, error: OracleError, count: int = 0) -> None:
        """``count``: rows, or executions of a block, that were done before the error."""
        if self._abort_on_error:
            self._aborted = error
        self._forget_new()
        self._end_call(self._start(), error=error, count=count)

    @property
    def _cursor_id(self) -> int:
        return self._request.cursor_id if isinstance(self._request, requests.Execute | requests.Fetch) else 0

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % 65535 + 1
        return self._sequence

    def _start(self) -> Writer:
        """The beginning of a reply: inside a pipeline it says which call it answers."""
        answer = Writer()
        if self._request.token:
            answer.u8(replies.TOKEN).ub(self._request.token)
        return answer

    def _end_call(
        self,
        answer: Writer,
        *,
        cursor_id: int = 0,
        count: int = 0,
        error: OracleError | None = None,
        no_more_rows: bool = False,
        warning: bool = False,
    ) -> None:
        end = replies.error_info(
            Writer(),
            self._field_version,
            transaction_open=self.transaction_open,
            sequence=self._next_sequence(),
            cursor_id=cursor_id,
            count=count,
            error=error,
            no_more_rows=no_more_rows,
            warning=warning,
        )
        self._finish(answer, end)

    def _finish(self, answer: Writer, end: Writer) -> None:
        answer.raw(end.data)
        if self._end_of_response:
            answer.u8(replies.END_OF_RESPONSE)
        self._packets.send_data(answer.data, tns.END_OF_RESPONSE if self._end_of_response else 0)

    # Death.

    def send_death(self, error: OracleError) -> None:
        """Answer the call at hand with ``error`` (ORA-00028 and the like), and close. Quiet when nobody is there."""
        try:
            if self._resetting:
                self._reset(error)
            else:
                self.reply_error(error)
        except ClientGone:
            pass
        self._packets.close(_LINGER_SECONDS)

    def close(self) -> None:
        """Close for all processes that share the socket, without a word."""
        self._packets.close()


def _check_room(request: requests.Execute | requests.Fetch, rows: Sequence[Row]) -> None:
    if len(rows) > request.rows:
        raise ValueError(f"{len(rows)} rows for a client that has room for {request.rows}")
