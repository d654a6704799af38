# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What can go wrong between us and the server, told apart by what we may still believe afterwards."""

from __future__ import annotations


class DatabaseError(Exception):
    """A sentence for people; where the server gave one, with its error code and text."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.message = message
        self.code = code


class DriverMissing(DatabaseError):
    """The Python driver is not installed, or is too old. `library` is its name on the package index."""

    def __init__(self, library, message):
        super().__init__(message)
        self.library = library


class LoginFailed(DatabaseError):
    """No session was opened, so nothing was sent."""


class StatementFailed(DatabaseError):
    """The server refused one statement and the connection lives on."""


class ConnectionLost(DatabaseError):
    """Our connection is gone; whether the last statement was carried out is unknown until it is looked up.

    `reached` is how many of several statements may have reached the server, where they were sent one by one.
    """

    def __init__(self, message, code=None, reached=None):
        super().__init__(message, code)
        self.reached = reached


class ServerRestarted(DatabaseError):
    """The server has been restarted under us: all its sessions ended then, and their ids mean others now.

    `ended` tells of a session whether it lived there, as other servers of a cluster may go on.
    """

    def __init__(self, message, ended):
        super().__init__(message)
        self.ended = ended


class CallTimedOut(ConnectionLost):
    """The server did not answer in time and was stopped; the connection lives on, what became of the call is unknown."""


class InstanceOutOfReach(DatabaseError):
    """The statement must be sent on an instance that the connect string does not lead to; nothing was sent."""
