# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""PyMySQL, for servers that speak the MySQL protocol: one connection, bounded in time, with batched statements.

Its fork pyoceanbase will do where PyMySQL is not installed: it is PyMySQL 1.2.0 with one capability more, which we set ourselves.
"""

from __future__ import annotations

import importlib
import queue
import re
import socket
import ssl
import threading
import time
from contextlib import contextmanager

from ..errors import ConnectionLost, DriverMissing, LoginFailed, StatementFailed

# The first release that refuses to go on in plain text when TLS was asked for and the server has none; of the fork, the one
# that was made of it.
MINIMUM = {"pymysql": ("PyMySQL", (1, 2, 0)), "pyoceanbase": ("pyoceanbase", (1, 1, 0))}


def _imported():
    """The first of them that is installed, and None; or None, and why the first of all cannot be imported."""
    problem = None
    for name in MINIMUM:
        try:
            return importlib.import_module(name), None
        except ImportError as error:
            problem = problem or error
    return None, problem


pymysql, IMPORT_ERROR = _imported()

# CLIENT_MULTI_STATEMENTS, and the capability by which a client tells OceanBase that it knows Oracle mode
# (OB_CLIENT_SUPPORT_ORACLE_MODE_POS in the server's ob_mysql_packet.h). MySQL 8 uses the same bit for something else, so
# nobody but OceanBase is told.
_MULTI_STATEMENTS, _ORACLE_MODE = 1 << 16, 1 << 27
# How Oracle mode says that the password is right and the right to log in is missing; the number alone is that of both.
_NO_LOGIN = re.compile(r"(?:ORA|OBE)-01045\b")
# What a server says that wants to be told (OB_NOT_SUPPORTED).
_ORACLE_MODE_WANTED = 1235

# CR_SSL_CONNECTION_ERROR: the server has no TLS, or the handshake failed.
_TLS_FAILED = 2026
# Codes that speak of our own connection: 2006/2013 lost; 5066 is OceanBase telling a session that it was killed
# (OB_ERR_SESSION_INTERRUPTED, seen from the victim's side on seekdb 1.4), 1092 how it says so in Oracle mode (ob_errno.def).
_LOST = {2006, 2013, 2014, 2055, 5066, 1092}


def check_installed():
    """Raises DriverMissing unless a PyMySQL is there that is new enough."""
    if IMPORT_ERROR is not None:
        raise DriverMissing("PyMySQL", f"the Python driver PyMySQL is not installed ({IMPORT_ERROR})")
    name, minimum = MINIMUM[pymysql.__name__]
    if tuple(pymysql.VERSION[:3]) < minimum:
        found, needed = (".".join(map(str, version[:3])) for version in (pymysql.VERSION, minimum))
        raise DriverMissing(name, f"{name} {found} is too old, {needed} is needed")


class Connection:
    """An open session on the server. Every call ends within `call_timeout` seconds, whatever the server does."""

    def __init__(self, login):
        self._call_timeout = login.call_timeout
        self._watchdog = Watchdog()
        # Whether each statement goes out by itself; a dialect sets it whose server may not take several in one go.
        self.one_at_a_time = False
        transport = _transport(login)
        try:
            with self._watchdog.limit(login.login_timeout):
                try:
                    self._driver = self._log_in(login, transport, login.oracle_mode)
                except pymysql.MySQLError as error:
                    if login.oracle_mode is not None or _code_and_text(error)[0] != _ORACLE_MODE_WANTED:
                        raise
                    self._driver = self._log_in(login, transport, True)
        except Exception as error:
            # Whatever the driver raises: an answer that is not MySQL's ends in IndexError, struct.error and others.
            self._watchdog.close()
            raise _login_failed(login, error, self._watchdog.fired) from error

    def _log_in(self, login, transport, oracle_mode):
        plain = _dial(login)
        self._watchdog.guard(plain)
        driver = pymysql.connections.Connection(
            user=login.user,
            # As bytes: the driver would encode it as Latin-1, which cannot hold every password.
            password=login.password.encode(errors="surrogateescape"),
            host=login.host,
            port=login.port,
            charset="utf8mb4",
            autocommit=True,
            client_flag=_MULTI_STATEMENTS | (_ORACLE_MODE if oracle_mode else 0),
            # Rows come as bytes: one session whose SQL text is no UTF-8 must not break the whole listing.
            use_unicode=False,
            conv={},
            defer_connect=True,
            **transport,
        )
        driver.connect(plain)
        return driver

    @property
    def session_id(self):
        """The number of our session that the server, or a proxy in front of it, greeted us with."""
        return self._driver.thread_id()

    def script(self, statements, seconds=None):
        """Sends the statements in one go and returns the results of those that worked, in order, and the error that
        stopped the rest (StatementFailed), or None. A result is a list of rows, each a dictionary of texts and None.

        The server stops at the first error: what stands behind it was not carried out. Where they go `one_at_a_time`, so do
        we, and each has its own `call_timeout`; after so many `seconds` the rest is not sent.
        """
        results: list[list[dict]] = []
        if not self.one_at_a_time:
            return results, self._carry_out("; ".join(statements), results)
        began = time.monotonic()
        for number, text in enumerate(statements, start=1):
            if results and seconds is not None and time.monotonic() - began > seconds:
                break
            try:
                error = self._carry_out(text, results)
            except ConnectionLost as lost:
                lost.reached = number
                raise
            if error is not None:
                return results, error
        return results, None

    def _carry_out(self, text, results):
        """Sends one text and adds what its statements return; the StatementFailed that stopped it, or None."""
        try:
            with self._watchdog.limit(self._call_timeout), self._driver.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute(text)
                results.append(_texts(cursor))
                while cursor.nextset():
                    results.append(_texts(cursor))
        except Exception as error:
            code, text = _code_and_text(error)
            if self._watchdog.fired:
                raise ConnectionLost(
                    f"call_timeout: the server did not answer within {self._call_timeout:g} s"
                ) from error
            if code in _LOST or not code or not self._driver.open:
                # Without a code it is no answer of the server: what the driver could not read leaves it out of step.
                raise ConnectionLost(f"the connection was lost ({text})", code) from error
            return StatementFailed(text, code)
        return None

    def ask(self, queries):
        """Sends the queries in one go and returns a list of rows for each."""
        results, error = self.script(queries)
        if error is not None:
            raise error
        return results

    def close(self):
        """Ends the session without waiting for anything."""
        try:
            with self._watchdog.limit(self._call_timeout):
                self._driver.close()
        except (pymysql.MySQLError, OSError):
            # It is gone already, which is what we want.
            pass
        self._watchdog.close()


def _texts(cursor):
    return [
        {name: None if value is None else value.decode(errors="replace") for name, value in row.items()}
        for row in cursor.fetchall()
    ]


def _dial(login):
    """A TCP connection within login_timeout, the look-up of the name included, which nothing else can end."""
    opened: queue.Queue = queue.Queue()

    def dial():
        try:
            opened.put(socket.create_connection((login.host, login.port), timeout=login.login_timeout))
        except OSError as error:
            opened.put(error)

    threading.Thread(target=dial, daemon=True).start()
    try:
        answer = opened.get(timeout=login.login_timeout)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    answer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return answer


def _transport(login):
    if not login.ca_cert:
        # Without this the driver prepares for TLS in vain, which takes 40 ms per connection.
        return {"ssl_disabled": True}
    try:
        return {"ssl": ssl.create_default_context(cafile=login.ca_cert)}
    except OSError as error:
        raise LoginFailed(
            f"login_ca_cert: {login.ca_cert} cannot be used ({error}); give a file of PEM certificates."
        ) from error


def _login_failed(login, error, timed_out):
    code, text = _code_and_text(error)
    where = f"{login.host}:{login.port}"
    if timed_out or isinstance(error, TimeoutError):
        return LoginFailed(
            f"login_timeout: {where} did not complete a login within {login.login_timeout:g} s; check login_dsn, or raise it."
        )
    # The driver wraps what went wrong below it.
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, ssl.SSLError) or code == _TLS_FAILED:
        return LoginFailed(f"login_ca_cert: no TLS with {where} ({text}); check the certificates of both sides.", code)
    if _NO_LOGIN.match(text):
        return LoginFailed(
            f"login_user: {where} does not let {login.user} log in ({text}); GRANT CREATE SESSION TO it.", code
        )
    if code == 1045:
        return LoginFailed(
            f"login_password: {where} refuses the login of {login.user} ({text}); check login_user and login_password.",
            code,
        )
    if code == _ORACLE_MODE_WANTED:
        if login.oracle_mode is False:
            return LoginFailed(
                f"dialect: {login.user} belongs to a tenant in Oracle mode ({text}); set dialect to oceanbase_oracle, or to "
                "oceanbase, which finds that out by itself.",
                code,
            )
        return LoginFailed(
            f"login_dsn: {where} was told that this client knows Oracle mode, and refuses it all the same ({text}); a proxy in between "
            "does not pass that on: give the address of a server itself.",
            code,
        )
    return LoginFailed(f"login_dsn: no login at {where} ({text}); check the address, and that the server is up.", code)


def _code_and_text(error):
    if isinstance(error, pymysql.MySQLError) and len(error.args) >= 2:
        return int(error.args[0] or 0), str(error.args[1] or "connection closed")
    return 0, str(error) or type(error).__name__


class Watchdog:
    """Shuts the connection down when a call outlives its limit, so that a read that waits for ever comes back.

    The driver's own timeouts start anew with every packet, and its connect_timeout covers TCP only.
    """

    def __init__(self):
        self.fired = False
        self._guarded = None

    def guard(self, plain):
        self.close()
        # A copy: TLS takes the first socket object over and leaves it closed.
        self._guarded = plain.dup()
        if self.fired:
            raise TimeoutError

    @contextmanager
    def limit(self, seconds):
        self.fired = False
        timer = threading.Timer(seconds, self._fire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _fire(self):
        self.fired = True
        if self._guarded is not None:
            try:
                self._guarded.shutdown(socket.SHUT_RDWR)
            except OSError:
                # Already closed by the other side; the read that we guard is on its way back.
                pass

    def close(self):
        if self._guarded is not None:
            self._guarded.close()
            self._guarded = None
