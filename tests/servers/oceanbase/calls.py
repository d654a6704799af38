# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedures of the server's packages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..oracle.errors import OracleError
from .grammar import Call
from .session import Session

# How much of each the server keeps, in bytes.
_MODULE, _ACTION, _CLIENT_INFO = 48, 32, 64


async def call(session: Session, statement: Call) -> None:
    """ORA-06550 for a procedure that there is not, or for other arguments than it has."""
    found = _PROCEDURES.get(statement.name)
    if found is None:
        name = ".".join(statement.name)
        raise OracleError(6550, 1, 1, f"PLS-00201: identifier '{name}' must be declared")
    parameters, procedure = found
    given = dict(zip(parameters, statement.arguments, strict=False)) | dict(statement.named)
    if len(statement.arguments) + len(statement.named) != len(parameters) or set(given) != set(parameters):
        name = statement.name[-1]
        raise OracleError(6550, 1, 1, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
    await procedure(session, *(given[parameter] for parameter in parameters))


def _cut(value: Any, size: int) -> str:
    return str(value if value is not None else "").encode()[:size].decode(errors="ignore")


async def _set_module(session: Session, module: Any, action: Any) -> None:
    session.module, session.action = _cut(module, _MODULE), _cut(action, _ACTION)


async def _set_action(session: Session, action: Any) -> None:
    session.action = _cut(action, _ACTION)


async def _set_client_info(session: Session, client_info: Any) -> None:
    session.client_info = _cut(client_info, _CLIENT_INFO)


async def _sleep(session: Session, seconds: Any) -> None:
    try:
        await session.sleep(float(seconds))
    except (TypeError, ValueError):
        raise OracleError(6502, "") from None


_PROCEDURES: dict[tuple[str, ...], tuple[tuple[str, ...], Callable[..., Awaitable[None]]]] = {
    ("DBMS_APPLICATION_INFO", "SET_MODULE"): (("MODULE_NAME", "ACTION_NAME"), _set_module),
    ("DBMS_APPLICATION_INFO", "SET_ACTION"): (("ACTION_NAME",), _set_action),
    ("DBMS_APPLICATION_INFO", "SET_CLIENT_INFO"): (("CLIENT_INFO",), _set_client_info),
    ("DBMS_LOCK", "SLEEP"): (("SECONDS",), _sleep),
    ("DBMS_SESSION", "SLEEP"): (("SECONDS",), _sleep),
}
