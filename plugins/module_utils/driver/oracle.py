# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""python-oracledb, for Oracle Database: one connection, bounded in time, that is never asked for more than it can bear.

What the driver does to a connection was measured on 26.1.0. It takes some error codes that speak of another session,
ORA-00031 among them, for the death of its own connection, so no statement that ends a session goes out as such; and once
the connection is dead, cancel() and setting call_timeout crash the process, so both are kept behind is_healthy().
"""

from __future__ import annotations

import queue
import re
import threading
from contextlib import contextmanager

from ..errors import CallTimedOut, ConnectionLost, DriverMissing, LoginFailed, StatementFailed
from ..guard import TAG

try:
    import oracledb

    IMPORT_ERROR = None
except ImportError as error:
    IMPORT_ERROR = error

# The first release that can ask a listener for one instance of several (instance_name).
MINIMUM = (3, 0, 0)
# Rows per round trip. The thick mode sets aside a buffer for every one of them.
_ROWS, _THICK_ROWS = 2000, 100
# Rows of a block that there is room for from the first one on.
_BLOCK_ROWS = 50
# The longest text that a bind variable of a block takes.
_TEXT = 4000
# Codes that speak of our own connection, or that leave open what became of a call: our session was killed, not logged
# on, cancelled, idle for too long, end of file, not connected, connection lost.
_LOST = {22, 28, 1012, 1013, 1041, 2396, 3113, 3114, 3135, 12537, 12547, 12570}
# The driver's own words (impl/thin/protocol.pyx) when the server has not answered its break in time either.
_TIMED_OUT = "socket timed out"
_NO_HELP = re.compile(r"\nHelp: https?://\S+")
_NO_CODE = re.compile(r"^(?:ORA|DPY|DPI)-[0-9]+: ")
_DRIVER_CODE = re.compile(r"(?:DPY|DPI)-[0-9]{4}")


def check_installed():
    """Raises DriverMissing unless a python-oracledb is there that is new enough."""
    if IMPORT_ERROR is not None:
        raise DriverMissing("oracledb", f"the Python driver oracledb is not installed ({IMPORT_ERROR})")
    found = tuple(int(part) for part in re.findall(r"[0-9]+", oracledb.__version__)[:3])
    if found < MINIMUM:
        needed = ".".join(map(str, MINIMUM))
        raise DriverMissing("oracledb", f"oracledb {oracledb.__version__} is too old, {needed} is needed")


class Connection:
    """An open session on the server. A call that takes longer than `call_timeout` seconds is broken off, and given
    the same time once more to end; then the connection counts as lost.
    """

    def __init__(self, login, instance_name=None):
        self._call_timeout = login.call_timeout
        self._rows = _THICK_ROWS if login.thick_mode else _ROWS
        try:
            if login.thick_mode:
                _load_client(login)
            self._driver = _within(login.login_timeout, lambda: _connect(login, instance_name))
        except LoginFailed:
            raise
        except Exception as error:
            raise _login_failed(login, error) from error
        self._driver.call_timeout = _milliseconds(self._call_timeout)
        # Sent along with the next call.
        self._driver.module = TAG
        if login.comment:
            self._driver.client_identifier = login.comment.encode(errors="replace")[:64].decode(errors="ignore")

    @property
    def version(self):
        """The server's version as numbers, such as (19, 3, 0, 0, 0)."""
        return tuple(int(part) for part in self._driver.version.split("."))

    def ask(self, query, binds=None):
        """The rows of a query, each a dictionary by upper-case column names."""
        with self._call(self._call_timeout), self._driver.cursor() as cursor:
            cursor.arraysize = cursor.prefetchrows = self._rows
            cursor.execute(query, binds or {})
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor]

    def run(self, statements):
        """Executes these statements one by one, each a text without bind variables."""
        for statement in statements:
            with self._call(self._call_timeout), self._driver.cursor() as cursor:
                cursor.execute(statement)

    def block(self, text, rows, inputs, outputs, seconds=None):
        """Executes a PL/SQL block once for each row of inputs, all in one round trip; what came out of each.

        `rows` are dictionaries by the names of the bind variables that go in; `inputs` and `outputs` tell of each name
        whether it is an int or a str, which a null does not. The first call with a text takes a second round trip, in which the
        driver learns which variables come out. The whole call may take `seconds` instead of call_timeout.
        """
        with self._call(seconds or self._call_timeout), self._driver.cursor() as cursor:
            # Sizes and numbers are fixed, or a longer text or a shorter batch would make the server learn the block anew.
            room = max(len(rows), _BLOCK_ROWS)
            variables = {
                name: cursor.var(kind, size=_TEXT if kind is str else 0, arraysize=room)
                for name, kind in {**inputs, **outputs}.items()
            }
            cursor.setinputsizes(**variables)
            cursor.executemany(text, rows)
            return [{name: variables[name].getvalue(index) for name in outputs} for index in range(len(rows))]

    def close(self):
        """Ends the session; one that is lost already is only forgotten."""
        if self._driver.is_healthy():
            try:
                self._driver.close()
            except oracledb.Error:
                # It is gone already, which is what we want.
                pass

    @contextmanager
    def _call(self, seconds):
        if not self._driver.is_healthy():
            raise ConnectionLost("the connection was lost")
        if seconds != self._call_timeout:
            self._driver.call_timeout = _milliseconds(seconds)
        try:
            yield
        except Exception as error:
            code, text, driver_code = _explained(error)
            if driver_code == "DPY-4024" or _TIMED_OUT in text:
                lost = CallTimedOut if self._driver.is_healthy() else ConnectionLost
                raise lost(f"call_timeout: the server did not answer within {seconds:g} s") from error
            if code in _LOST or not code or not self._driver.is_healthy():
                # Without a code it is no answer of the server, and what the driver could not read leaves it out of step.
                raise ConnectionLost(f"the connection was lost ({text})", code) from error
            raise StatementFailed(text, code) from error
        finally:
            if seconds != self._call_timeout and self._driver.is_healthy():
                self._driver.call_timeout = _milliseconds(self._call_timeout)


def _milliseconds(seconds):
    return max(1, int(seconds * 1000))


def _connect(login, instance_name):
    params = oracledb.ConnectParams(
        user=login.user,
        password=login.password or None,
        mode=getattr(oracledb, _MODES[login.mode]),
        externalauth=login.external_auth,
        wallet_location=login.wallet_dir,
        wallet_password=login.wallet_password,
        config_dir=login.config_dir,
        tcp_connect_timeout=login.login_timeout,
        program=TAG,
    )
    params.parse_connect_string(login.dsn)
    # Again, because the connect string sets what it leaves out to the defaults.
    params.set(tcp_connect_timeout=login.login_timeout, retry_count=0)
    if login.wallet_dir:
        params.set(wallet_location=login.wallet_dir)
    if instance_name:
        params.set(instance_name=instance_name)
    return oracledb.connect(params=params)


_MODES = {
    "default": "AUTH_MODE_DEFAULT",
    "sysdba": "AUTH_MODE_SYSDBA",
    "sysoper": "AUTH_MODE_SYSOPER",
    "sysbackup": "AUTH_MODE_SYSBKP",
    "sysdg": "AUTH_MODE_SYSDGD",
    "syskm": "AUTH_MODE_SYSKMT",
    "sysrac": "AUTH_MODE_SYSRAC",
}


def _load_client(login):
    try:
        oracledb.init_oracle_client(lib_dir=login.client_dir, config_dir=login.config_dir)
    except oracledb.Error as error:
        raise LoginFailed(
            f"login_client_dir: the Oracle Client libraries cannot be loaded ({_explained(error)[1]}); "
            "install Oracle Instant Client where the module runs and name its directory, or leave out login_thick_mode."
        ) from error


def _within(seconds, connect):
    """What `connect` returns or raises; TimeoutError after so many seconds.

    The driver's own limit covers the TCP connection only: with a listener that accepts and never answers, its
    connect() was still blocked after ten minutes. The thread that is left behind ends with the process.
    """
    opened: queue.Queue = queue.Queue()
    given_up = threading.Event()

    def dial():
        try:
            connection = connect()
        except BaseException as error:
            opened.put((None, error))
            return
        opened.put((connection, None))
        if given_up.is_set():
            connection.close()

    threading.Thread(target=dial, daemon=True).start()
    try:
        connection, error = opened.get(timeout=seconds)
    except queue.Empty:
        given_up.set()
        raise TimeoutError from None
    if error is not None:
        raise error
    return connection


def _explained(error):
    """The number of an error (0 if it has none), its text, and the driver's own code where that speaks."""
    details = error.args[0] if isinstance(error, oracledb.Error) and error.args else None
    if details is None or not hasattr(details, "full_code"):
        return 0, str(error) or type(error).__name__, ""
    text = _NO_HELP.sub("", details.message or "").strip()
    driver_code = _DRIVER_CODE.match(text)
    return details.code or 0, text, driver_code[0] if driver_code else ""


# What a failed login says about the options, by the driver's codes and the server's.
_LOGIN_FAILURES = (
    (
        {"ORA-01017", "ORA-01005", "DPY-4001"},
        "login_password: {dsn} refuses the login of {user} ({text}); check login_user and login_password.",
    ),
    ({"ORA-28000"}, "login_user: the account {user} is locked ({text}); unlock it, or use another one."),
    ({"ORA-28001", "ORA-28002"}, "login_password: the password of {user} has expired ({text}); set a new one."),
    ({"ORA-01045"}, "login_user: {user} may not log in ({text}); GRANT CREATE SESSION TO {user}."),
    (
        {"ORA-01031", "ORA-28009"},
        "login_mode: {user} may not log in like that ({text}); use another login_mode, or grant it.",
    ),
    (
        {"ORA-01033", "ORA-01034", "ORA-01089", "ORA-01090", "ORA-01109"},
        "login_dsn: the database at {dsn} is not open ({text}); try again when it is.",
    ),
    (
        {"DPY-6001", "DPY-6003"},
        "login_dsn: {dsn} has no such service ({text}); check the service name, lsnrctl status lists them.",
    ),
    (
        {"DPY-4000", "DPY-4026", "DPY-4027"},
        "login_config_dir: {dsn} is no connect string, and as a TNS alias it cannot be looked up ({text}); "
        "name the directory of tnsnames.ora, or write host:port/service.",
    ),
    (
        {"DPY-2049", "DPY-4017", "DPY-4018", "DPY-4021", "DPY-4022", "DPY-4028"},
        "login_dsn: {dsn} cannot be read ({text}); write host:port/service, a TNS alias or a descriptor.",
    ),
    (
        {"DPY-3001", "DPY-3010", "DPY-3015"},
        "login_thick_mode: the driver's thin mode cannot do this ({text}); "
        "set login_thick_mode: true, with Oracle Client libraries.",
    ),
    ({"DPY-2018"}, "login_wallet_dir: the wallet cannot be read ({text}); check it and login_wallet_password."),
)


def _login_failed(login, error):
    code, text, driver_code = _explained(error)
    if isinstance(error, TimeoutError):
        return LoginFailed(
            f"login_timeout: {login.dsn} did not complete a login within {login.login_timeout:g} s; check login_dsn, or raise it."
        )
    named = {*_DRIVER_CODE.findall(text), driver_code, f"ORA-{code:05d}"}
    short = _NO_CODE.sub("", text.splitlines()[-1] if "DPY-6005" in named else text.splitlines()[0])
    for codes, sentence in _LOGIN_FAILURES:
        if codes & named:
            return LoginFailed(sentence.format(dsn=login.dsn, user=login.user, text=short), code or None)
    return LoginFailed(
        f"login_dsn: no login at {login.dsn} ({short}); check the address, and that the listener and the database are up.",
        code or None,
    )
