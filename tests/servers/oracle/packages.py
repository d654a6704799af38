# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedures and functions that the server itself has.

Oracle's are a part of those in the vendor's PL/SQL Packages and Types Reference, RDS's a part of those in the Amazon RDS
User Guide, "Performing common database tasks for Oracle DB instances". STANDIN is the stand-in's own package, there to
put a session into a state that tests need:

- STANDIN.SPIN(seconds): busy, and can be interrupted at any time.
- STANDIN.HOLD(seconds): in a call that hears of neither kill nor cancel nor break, as one that hangs in the operating
  system is. Only the end of its process ends it early, or OracleServer.release.
- STANDIN.PARALLEL(degree, seconds): a coordinator whose parallel servers work for so long.
- STANDIN.TEMP(blocks): the session uses so many blocks of temporary space until it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from . import locks, sga, signals, tables
from .commands import CancelSql, Command, DisconnectSession, KillSession
from .errors import OracleError
from .plsql import Parameter, Routine
from .session import Session
from .transactions import waiters_of_all
from .values import Value

Arguments = dict[str, Value]
Name = tuple[str, ...]

# DBMS_LOCK.MAXWAIT: a session that asks for so many seconds waits for ever.
_MAXWAIT = 32767
# How often STANDIN.HOLD looks whether it was released.
_LOOK_SECONDS = 0.1
# DBMS_APPLICATION_INFO cuts what is longer (PL/SQL Packages and Types Reference).
_MODULE, _ACTION, _CLIENT_INFO, _IDENTIFIER = 48, 32, 64, 64


class Host(Protocol):
    """What the packages need of the session's executor."""

    session: Session
    version: tuple[int, ...]
    output: Output

    def end_session(self, command: Command, text: str) -> None:
        """Carry out and log a KILL, DISCONNECT or CANCEL, without asking for ALTER SYSTEM."""

    def kill_process(self, sid: int, serial: int, text: str) -> None:
        """The same for the end of a server process."""

    def run_parallel(self, degree: int, seconds: float) -> None:
        """Be the coordinator of parallel servers for so long."""


class Output:
    """The buffer of DBMS_OUTPUT."""

    def __init__(self) -> None:
        self.enabled = False
        self.lines: list[str | None] = []
        self._line = ""

    def put(self, text: Value) -> None:
        if self.enabled:
            self._line += str(text if text is not None else "")

    def new_line(self) -> None:
        if self.enabled:
            self.lines.append(self._line or None)
            self._line = ""


def packages(host: Host, rds: bool) -> Mapping[Name, Routine]:
    """All of them, by upper-case name without SYS."""
    found: dict[Name, Routine] = {}
    for package in (
        _session(host),
        _application_info(host),
        _output(host),
        _utility(host),
        _stand_in(host),
        _service(host),
    ):
        found |= package
    if rds:
        found |= _rds(host)
    return found


# Packages that everybody may call; the others take EXECUTE.
PUBLIC = ("DBMS_SESSION", "DBMS_APPLICATION_INFO", "DBMS_OUTPUT", "DBMS_UTILITY", "STANDIN")


def _procedure(
    name: str, body: Callable[[Arguments], Value], *parameters: str, owner: str = "SYS"
) -> tuple[Name, Routine]:
    """``parameters`` are written ``NAME``, ``OUT NAME``, ``IN OUT NAME``; with a ``?`` at the end it may be left out."""
    declared = []
    for written in parameters:
        mode, _unused, parameter = written.rpartition(" ")
        declared.append(Parameter(parameter.rstrip("?"), mode or "IN", parameter.endswith("?")))
    path = tuple(name.split("."))
    return path, Routine(body, tuple(declared), name=f"{owner}.{path[0]}")


def _function(name: str, body: Callable[[Arguments], Value], *parameters: str) -> tuple[Name, Routine]:
    path, routine = _procedure(name, body, *parameters)
    return path, Routine(routine.body, routine.parameters, True, routine.name)


def _cut(value: Value, length: int) -> str | None:
    return None if value is None else str(value)[:length]


def _seconds(value: Value) -> float:
    if value is None or value < 0:
        raise OracleError(6502, "")
    return float(value)


def _session(host: Host) -> dict[Name, Routine]:
    session = host.session

    def sleep(arguments: Arguments) -> None:
        session.sleep(_seconds(arguments["SECONDS"]), deaf_to_cancel=session.policies["sleep_ignores_cancel"])

    def request(arguments: Arguments) -> int:
        """0 for a lock, 1 when another session had it all the time. The mode is exclusive where none is asked for."""
        seconds = float(arguments.get("TIMEOUT", _MAXWAIT))
        try:
            locks.lock_number(
                session,
                int(arguments["ID"]),
                int(arguments.get("LOCKMODE", locks.EXCLUSIVE)),
                None if seconds >= _MAXWAIT else seconds,
            )
        except OracleError as error:
            if error.code != 54:
                raise
            return 1
        return 0

    def release(arguments: Arguments) -> int:
        """0, or 4 when the session does not have that lock."""
        key = {"inst_id": session.inst_id, "sid": session.sid, "type": "UL", "id1": int(arguments["ID"])}
        if not sga.delete(session.connection, tables.Lock, **key):
            return 4
        signals.post_all(session.connection, waiters_of_all(session.connection))
        return 0

    entries = [
        _procedure(
            "DBMS_SESSION.SET_IDENTIFIER",
            lambda arguments: session.set(client_identifier=_cut(arguments["CLIENT_ID"], _IDENTIFIER)),
            "CLIENT_ID",
        ),
        _procedure("DBMS_SESSION.CLEAR_IDENTIFIER", lambda _arguments: session.set(client_identifier=None)),
        _function(
            "DBMS_SESSION.UNIQUE_SESSION_ID",
            lambda _arguments: f"{session.sid:04X}{session.serial:04X}{session.inst_id:04X}",
        ),
        _procedure("DBMS_LOCK.SLEEP", sleep, "SECONDS"),
        _function("DBMS_LOCK.REQUEST", request, "ID", "LOCKMODE?", "TIMEOUT?"),
        _function("DBMS_LOCK.RELEASE", release, "ID"),
    ]
    if host.version >= (18,):
        entries.append(_procedure("DBMS_SESSION.SLEEP", sleep, "SECONDS"))
    return dict(entries)


def _application_info(host: Host) -> dict[Name, Routine]:
    session = host.session

    def set_module(arguments: Arguments) -> None:
        session.set(module=_cut(arguments["MODULE_NAME"], _MODULE), action=_cut(arguments["ACTION_NAME"], _ACTION))

    def read_module(arguments: Arguments) -> None:
        arguments["MODULE_NAME"], arguments["ACTION_NAME"] = session.row.module, session.row.action

    def read_client_info(arguments: Arguments) -> None:
        arguments["CLIENT_INFO"] = session.row.client_info

    package = "DBMS_APPLICATION_INFO"
    return dict(
        (
            _procedure(f"{package}.SET_MODULE", set_module, "MODULE_NAME", "ACTION_NAME"),
            _procedure(
                f"{package}.SET_ACTION",
                lambda arguments: session.set(action=_cut(arguments["ACTION_NAME"], _ACTION)),
                "ACTION_NAME",
            ),
            _procedure(
                f"{package}.SET_CLIENT_INFO",
                lambda arguments: session.set(client_info=_cut(arguments["CLIENT_INFO"], _CLIENT_INFO)),
                "CLIENT_INFO",
            ),
            _procedure(f"{package}.READ_MODULE", read_module, "OUT MODULE_NAME", "OUT ACTION_NAME"),
            _procedure(f"{package}.READ_CLIENT_INFO", read_client_info, "OUT CLIENT_INFO"),
        )
    )


def _output(host: Host) -> dict[Name, Routine]:
    output = host.output

    def enable(_arguments: Arguments) -> None:
        output.enabled = True

    def disable(_arguments: Arguments) -> None:
        output.enabled = False
        output.lines.clear()

    def put_line(arguments: Arguments) -> None:
        output.put(arguments["A"])
        output.new_line()

    def get_line(arguments: Arguments) -> None:
        arguments["STATUS"] = 0 if output.lines else 1
        arguments["LINE"] = output.lines.pop(0) if output.lines else None

    def get_lines(arguments: Arguments) -> None:
        wanted = int(arguments["NUMLINES"] or 0)
        arguments["LINES"], output.lines[:wanted] = output.lines[:wanted], []
        arguments["NUMLINES"] = len(arguments["LINES"])

    return dict(
        (
            _procedure("DBMS_OUTPUT.ENABLE", enable, "BUFFER_SIZE?"),
            _procedure("DBMS_OUTPUT.DISABLE", disable),
            _procedure("DBMS_OUTPUT.PUT", lambda arguments: output.put(arguments["A"]), "A"),
            _procedure("DBMS_OUTPUT.PUT_LINE", put_line, "A"),
            _procedure("DBMS_OUTPUT.NEW_LINE", lambda _arguments: output.new_line()),
            _procedure("DBMS_OUTPUT.GET_LINE", get_line, "OUT LINE", "OUT STATUS"),
            _procedure("DBMS_OUTPUT.GET_LINES", get_lines, "OUT LINES", "IN OUT NUMLINES"),
        )
    )


def _utility(host: Host) -> dict[Name, Routine]:
    return dict(
        (
            _function("DBMS_UTILITY.GET_TIME", lambda _arguments: int(time.monotonic() * 100)),
            _function("DBMS_UTILITY.CURRENT_INSTANCE", lambda _arguments: host.session.inst_id),
        )
    )


def _service(host: Host) -> dict[Name, Routine]:
    session = host.session

    def disconnect(arguments: Arguments) -> None:
        """Instance-local; a service that there is not ends nothing and is no error."""
        option = arguments.get("DISCONNECT_OPTION")
        immediate = option == 1
        for row in sga.select(
            session.connection, tables.Session, inst_id=session.inst_id, service_name=arguments["SERVICE_NAME"]
        ):
            if row.type == "USER" and row.sid != session.sid:
                command = DisconnectSession(f"{row.sid},{row.serial}", not immediate, immediate, option == 2)
                host.end_session(command, f"DBMS_SERVICE.DISCONNECT_SESSION of {row.sid},{row.serial}")

    return dict(
        (
            _procedure("DBMS_SERVICE.DISCONNECT_SESSION", disconnect, "SERVICE_NAME", "DISCONNECT_OPTION?"),
            _function("DBMS_SERVICE.POST_TRANSACTION", lambda _arguments: 0),
            _function("DBMS_SERVICE.IMMEDIATE", lambda _arguments: 1),
            _function("DBMS_SERVICE.NOREPLAY", lambda _arguments: 2),
        )
    )


def _stand_in(host: Host) -> dict[Name, Routine]:
    session = host.session

    def spin(arguments: Arguments) -> None:
        # Seen as on CPU: no wait is shown.
        deadline = time.monotonic() + _seconds(arguments["SECONDS"])
        while (left := deadline - time.monotonic()) > 0:
            session.pause(left)

    def hold(arguments: Arguments) -> None:
        with session.uninterruptible():
            deadline = time.monotonic() + _seconds(arguments["SECONDS"])
            while (left := deadline - time.monotonic()) > 0 and not session.is_released():
                time.sleep(min(left, _LOOK_SECONDS))

    def temp(arguments: Arguments) -> None:
        row = session.row
        segment = tables.TempSegment(
            None, row.inst_id, row.sid, row.serial, row.saddr, row.username, int(arguments["BLOCKS"]), con_id=row.con_id
        )
        sga.insert(session.connection, segment)

    def parallel(arguments: Arguments) -> None:
        host.run_parallel(int(arguments["DEGREE"]), _seconds(arguments["SECONDS"]))

    return dict(
        (
            _procedure("STANDIN.SPIN", spin, "SECONDS"),
            _procedure("STANDIN.HOLD", hold, "SECONDS"),
            _procedure("STANDIN.TEMP", temp, "BLOCKS"),
            _procedure("STANDIN.PARALLEL", parallel, "DEGREE", "SECONDS"),
        )
    )


def _rds(host: Host) -> dict[Name, Routine]:
    package = "RDSADMIN.RDSADMIN_UTIL"

    def target(arguments: Arguments) -> str:
        return f"{_number(arguments['SID'])},{_number(arguments['SERIAL'])}"

    def end(arguments: Arguments) -> None:
        method = arguments.get("METHOD")
        text = f"rdsadmin.rdsadmin_util.kill({target(arguments)},{_quoted(method)})"
        if method is not None and str(method).upper() == "PROCESS":
            host.kill_process(_number(arguments["SID"]), _number(arguments["SERIAL"]), text)
            return
        immediate = method is not None and str(method).upper() == "IMMEDIATE"
        host.end_session(KillSession(target(arguments), immediate), text)

    def disconnect(arguments: Arguments) -> None:
        method = str(arguments.get("METHOD", "IMMEDIATE"))
        text = f"rdsadmin.rdsadmin_util.disconnect({target(arguments)},{_quoted(method)})"
        post = method.upper() == "POST_TRANSACTION"
        host.end_session(DisconnectSession(target(arguments), post, not post), text)

    def cancel(arguments: Arguments) -> None:
        wanted = arguments.get("SQL_ID")
        text = f"rdsadmin.rdsadmin_util.cancel({target(arguments)},{_quoted(wanted)})"
        host.end_session(CancelSql(target(arguments) + (f",{wanted}" if wanted is not None else "")), text)

    entries = [
        _procedure(f"{package}.KILL", end, "SID", "SERIAL", "METHOD?", owner="RDSADMIN"),
        _procedure(f"{package}.DISCONNECT", disconnect, "SID", "SERIAL", "METHOD?", owner="RDSADMIN"),
    ]
    if host.version >= (19,):
        entries.append(_procedure(f"{package}.CANCEL", cancel, "SID", "SERIAL", "SQL_ID?", owner="RDSADMIN"))
    return dict(entries)


def _number(value: Value) -> int:
    if value is None:
        raise OracleError(26)
    return int(value)


def _quoted(value: Any) -> str:
    return "null" if value is None else f"'{value}'"
