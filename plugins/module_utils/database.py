# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""One database: a dialect that writes SQL, on a connection that a driver keeps. Owns what happens when it breaks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import values
from .errors import ConnectionLost, ServerRestarted
from .session import Snapshot, iso, restarted
from .values import BadOption

_DSN = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})", re.ASCII)


@dataclass(frozen=True)
class Login:
    host: str
    port: int
    user: str
    password: str
    ca_cert: str | None
    login_timeout: float
    call_timeout: float
    comment: str | None

    def __repr__(self):
        return f"Login({self.user} at {self.host}:{self.port})"


def parse_login(options):
    """The Login of a module's options; refuses what would fail or leak later."""
    dsn = values.text(_given(options, "login_dsn", "where the database is, as host:port"), "login_dsn")
    user = values.text(_given(options, "login_user", "the database user, as user@tenant"), "login_user")
    if "@" in dsn or "/" in dsn:
        raise BadOption(
            "login_dsn", "it takes host:port only; give user and password in login_user and login_password."
        )
    address = _DSN.fullmatch(dsn)
    if address is None or not 1 <= int(address["port"]) <= 65535:
        raise BadOption("login_dsn", f"{values.shown(dsn)} is not host:port; write it such as db1.example.com:2881.")
    limits = {name: values.seconds(options[name], name) for name in ("login_timeout", "call_timeout")}
    for name, limit in limits.items():
        if limit <= 0:
            raise BadOption(name, "it must be longer than 0 s, or nothing could ever answer in time.")
    return Login(
        host=address["v6"] or address["host"],
        port=int(address["port"]),
        user=user,
        password=options.get("login_password") or "",
        ca_cert=options.get("login_ca_cert"),
        comment=options.get("comment"),
        **limits,
    )


def _given(options, name, meaning):
    if options.get(name) is None:
        raise BadOption(
            name,
            f"it is missing: {meaning}; set it in the task, in module_defaults, or as the host's variable oracle_sessions_{name}.",
        )
    return options[name]


class Database:
    """An open session on one database, and what we know of it.

    A lost connection is replaced once per run. Reads are then simply repeated; whether a statement that ends a
    session was carried out is for the caller to look up.
    """

    def __init__(self, dialect, connect, login):
        self.dialect = dialect
        self._connect = connect
        self._login = login
        self._connection = connect(login)
        self._spare = True
        try:
            self._about = self._introduce()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, dialect, options):
        """Logs in as the options say; raises BadOption, DriverMissing or LoginFailed."""
        login = parse_login(options)
        # Imported here: importing the driver costs more than the rest of a module's start.
        from .driver import mysql

        mysql.check_installed()
        return cls(dialect, mysql.Connection, login)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        self._connection.close()

    def snapshot(self, keys):
        """All sessions now, with everything that costs little and what these match keys need beyond it."""
        now, sessions, unavailable = self._read(lambda: self.dialect.sessions(self._ask, keys))
        database = {**self._about, "taken_at": iso(now)}
        return Snapshot(database, sessions, unavailable)

    def look_up(self, sids, keys):
        """The sessions that have one of these ids now, by identity, each with its status and these match keys."""
        sessions = self._read(lambda: self.dialect.sessions(self._ask, keys, sids))[1]
        return {session.identity: session for session in sessions}

    def send(self, statements):
        """Sends end-session statements in one go: how many were carried out, and the error that stopped the rest.

        Raises ConnectionLost when that cannot be known.
        """
        results, error = self._connection.script(statements)
        return len(results), error

    def reconnect(self):
        """A new connection in place of the lost one; raises ConnectionLost when that leads nowhere that we know."""
        if not self._spare:
            raise ConnectionLost("the connection was lost a second time")
        self._spare = False
        self._connection.close()
        self._connection = self._connect(self._login)
        about = self._introduce()
        if any(about[key] != self._about[key] for key in ("dbid", "container")):
            raise ConnectionLost("the connection was lost, and another server answers at its address now")
        if restarted(self._about, about):
            raise ServerRestarted("the server was restarted meanwhile")

    def _introduce(self):
        return self.dialect.introduce(self._ask, self._login)

    def _ask(self, queries):
        results, error = self._connection.script(queries)
        if error is not None:
            raise error
        return results

    def _read(self, read):
        try:
            return read()
        except ConnectionLost:
            self.reconnect()
            return read()
