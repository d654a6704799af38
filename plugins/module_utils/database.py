# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""One database: a dialect that writes SQL, on a connection that a driver keeps. Owns what happens when it breaks."""

from __future__ import annotations

from .errors import CallTimedOut, ConnectionLost, DatabaseError, InstanceOutOfReach, ServerRestarted
from .session import Snapshot, iso, restarted


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
        self._elsewhere: dict[int, object] = {}
        self._spare = True
        # Why match keys could not be answered at the last look.
        self.unavailable: dict[str, str] = {}
        try:
            self.dialect, self._about = dialect.introduce(self._connection, login)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, dialect, options):
        """Logs in as the options say; raises BadOption, DriverMissing or LoginFailed."""
        login = dialect.parse_login(options)
        driver = _driver(dialect.driver)
        driver.check_installed()
        return cls(dialect, driver.Connection, login)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        for connection in (self._connection, *self._elsewhere.values()):
            connection.close()
        self._elsewhere.clear()

    def snapshot(self, keys):
        """All sessions now, with everything that costs little and what these match keys need beyond it."""
        now, sessions, self.unavailable = self._read(lambda: self.dialect.sessions(self._connection.ask, keys))
        return Snapshot({**self._about, "taken_at": iso(now)}, sessions, self.unavailable)

    def look_up(self, sids, keys):
        """The sessions that have one of these ids now, by identity, each with its status and these match keys."""
        _now, sessions, self.unavailable = self._read(lambda: self.dialect.sessions(self._connection.ask, keys, sids))
        return {session.identity: session for session in sessions}

    def rolling_back(self, sids):
        """Which of these ids, of sessions that are not listed, still have a transaction; why that cannot be seen, or None."""
        return self._read(lambda: self.dialect.rolling_back(self._connection.ask, sids))

    def send(self, steps, matching, sparing, instance=None, seconds=None):
        """Sends the statements of these steps and returns the Answers to as many of them as were dealt with.

        Raises ConnectionLost when what became of them cannot be known. `instance` is where they must be sent, if not
        where we are; `seconds` replaces call_timeout.
        """
        connection = self._connection if instance is None else self.reach(instance)
        return self.dialect.send(connection, steps, matching, sparing, seconds)

    def recovering(self):
        """The transactions of dead processes that the server has yet to roll back."""
        return self._read(lambda: self.dialect.recovering(self._connection.ask))

    def access(self):
        """Who may do what on this server: what reads it, and writes and carries out the statements that change it."""
        return self.dialect.access(self._connection, self._about)

    def recover(self, error):
        """Makes sure of a connection after `error` came in place of an answer; raises ConnectionLost when that fails."""
        if isinstance(error, CallTimedOut) and self._spare:
            self._spare = False
        else:
            self.reconnect()

    def reconnect(self):
        """A new connection in place of the lost one; raises ConnectionLost when that leads nowhere that we know."""
        if not self._spare:
            raise ConnectionLost("the connection was lost a second time")
        self._spare = False
        self.close()
        self._connection = self._connect(self._login)
        self.dialect, about = self.dialect.introduce(self._connection, self._login)
        if any(about[key] != self._about[key] for key in ("dbid", "container")):
            raise ConnectionLost("the connection was lost, and another server answers at its address now")
        if about.get("proxy") != self._about.get("proxy"):
            raise ConnectionLost("the connection was lost, and the new one goes by other session ids")
        if any(self._about.get(key) and not about.get(key) for key in ("all_users", "all_containers")):
            raise ConnectionLost("the connection was lost, and the new one is shown fewer sessions than the one before")
        if restarted(self._about, about):
            raise ServerRestarted("the server was restarted meanwhile", self.dialect.lives_here)

    def reach(self, instance):
        """A connection to another instance of this database; raises InstanceOutOfReach where our login leads to none."""
        if instance not in self._elsewhere:
            name = self.dialect.instance_name(instance)
            if name is None:
                raise InstanceOutOfReach(f"inst_id: instance {instance} was not open when we logged in; try again")
            try:
                connection = self._connect(self._login, name)
            except DatabaseError as error:
                raise InstanceOutOfReach(
                    f"login_dsn: it does not lead to instance {instance}, {name} ({error.message})"
                ) from error
            self._elsewhere[instance] = connection
            reached = self.dialect.reached(connection)
            if reached != instance:
                connection.close()
                del self._elsewhere[instance]
                raise InstanceOutOfReach(f"login_dsn: it leads to instance {reached} only, not to {instance}, {name}")
        return self._elsewhere[instance]

    def _read(self, read):
        try:
            return read()
        except ConnectionLost:
            self.reconnect()
            return read()


def _driver(name):
    # Imported here: importing a driver costs more than the rest of a module's start.
    if name == "oracle":
        from .driver import oracle

        return oracle
    from .driver import mysql

    return mysql
