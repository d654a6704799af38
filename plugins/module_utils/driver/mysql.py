# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""PyMySQL, for servers that speak the MySQL protocol: one connection, bounded in time, with batched statements."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from contextlib import contextmanager

from ..errors import ConnectionLost, DriverMissing, LoginFailed, StatementFailed

try:
    import pymysql
    from pymysql.constants import CLIENT

    IMPORT_ERROR = None
except ImportError as error:
    IMPORT_ERROR = error

# The first release that refuses to go on in plain text when TLS was asked for and the server has none.
MINIMUM = (1, 2, 0)

# CR_SSL_CONNECTION_ERROR: the server has no TLS, or the handshake failed.
_TLS_FAILED = 2026
# Codes that speak of our own connection: 2006/2013 lost; 5066 is OceanBase telling a session that it was killed
# (OB_ERR_SESSION_INTERRUPTED, seen from the victim's side on seekdb 1.4).
_LOST = {2006, 2013, 2014, 2055, 5066}


def check_installed():
    """Raises DriverMissing unless a PyMySQL is there that is new enough."""
    if IMPORT_ERROR is not None:
        raise DriverMissing("PyMySQL", f"the Python driver PyMySQL is not installed ({IMPORT_ERROR})")
    if tuple(pymysql.VERSION[:3]) < MINIMUM:
        found, needed = (".".join(map(str, version[:3])) for version in (pymysql.VERSION, MINIMUM))
        raise DriverMissing("PyMySQL", f"PyMySQL {found} is too old, {needed} is needed")


class Connection:
    """An open session on the server. Every call ends within `call_timeout` seconds, whatever the server does."""

    def __init__(self, login):
        self._call_timeout = login.call_timeout
        self._watchdog = Watchdog()
        transport = _transport(login)
        try:
            with self._watchdog.limit(login.login_timeout):
                plain = _dial(login)
                self._watchdog.guard(plain)
                self._driver = pymysql.Connection(
                    user=login.user,
                    # As bytes: the driver would encode it as Latin-1, which cannot hold every password.
                    password=login.password.encode(errors="surrogateescape"),
                    host=login.host,
                    port=login.port,
                    charset="utf8mb4",
                    autocommit=True,
                    client_flag=CLIENT.MULTI_STATEMENTS,
                    # Rows come as bytes: one session whose SQL text is no UTF-8 must not break the whole listing.
                    use_unicode=False,
                    conv={},
                    defer_connect=True,
                    **transport,
                )
                self._driver.connect(plain)
        except Exception as error:
            # Whatever the driver raises: an answer that is not MySQL's ends in IndexError, struct.error and others.
            self._watchdog.close()
            raise _login_failed(login, error, self._watchdog.fired) from error

    def script(self, statements):
        """Sends the statements in one go and returns the results of those that worked, in order, and the error that
        stopped the rest (StatementFailed), or None. A result is a list of rows, each a dictionary of texts and None.

        The server stops at the first error: what stands behind it was not carried out.
        """
        results = []
        try:
            with self._watchdog.limit(self._call_timeout), self._driver.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute("; ".join(statements))
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
            return results, StatementFailed(text, code)
        return results, None

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
    if code == 1045:
        return LoginFailed(
            f"login_password: {where} refuses the login of {login.user} ({text}); check login_user and login_password.",
            code,
        )
    if code == 1235:
        return LoginFailed(
            f"dialect: {login.user} belongs to an Oracle-mode tenant ({text}); this version ends sessions of MySQL-mode tenants, "
            "dialect oceanbase_oracle comes with a later one.",
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
