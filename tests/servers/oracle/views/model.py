# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a view is written down, and the functions that its expressions may use."""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ..values import Column, Type

Release = tuple[int, ...]
OLDEST: Release = (11, 2)

# Sizes of the types that have only one.
_SIZES = {
    Type.NUMBER: 22,
    Type.DATE: 7,
    Type.TIMESTAMP: 11,
    Type.TIMESTAMP_TZ: 13,
    Type.INTERVAL_DS: 11,
    Type.BINARY_DOUBLE: 8,
}
_LINE = re.compile(
    r"(?P<name>[A-Z][\w$#-]*)(?:@(?P<since>[\d.]+))?\s+(?P<type>[A-Z][A-Z0-9_]*)(?:\((?P<size>\d+)\))?\s+(?P<sql>\S.*)"
)
_SQL_ID_DIGITS = "0123456789abcdfghjkmnpqrstuvwxyz"


@dataclass(frozen=True)
class ViewColumn:
    """One column: ``sql`` is what it is computed by, ``since`` the release that brought it."""

    column: Column
    sql: str
    since: Release


@dataclass(frozen=True)
class View:
    """A view. ``source`` is what follows FROM, ``where`` a condition or "".

    ``instance`` and ``container`` are expressions for the instance and the container of a row, "" for views that have
    none (each instance then shows all rows, and so does each container). ``role`` is who may select from it from the
    start: PUBLIC, SELECT_CATALOG_ROLE or "" for nobody. All texts may hold marks that stand for who asks: ``{user}``,
    ``{grantees}`` (the user, PUBLIC and the roles in force, for IN), ``{any}`` (1 if ANY privileges show everything),
    ``{privileges}`` (the system privileges in force, for IN) and ``{container}``.
    """

    name: str
    columns: tuple[ViewColumn, ...]
    source: str
    where: str = ""
    instance: str = ""
    container: str = ""
    since: Release = OLDEST
    role: str = "SELECT_CATALOG_ROLE"
    # Whether a V$ view has a GV$ view beside it.
    everywhere: bool = True

    def columns_of(self, release: Release) -> list[ViewColumn]:
        return [column for column in self.columns if column.since <= release]


# The column that a GV$ view has before those of its V$ view.
INSTANCE_COLUMN = Column("INST_ID", Type.NUMBER, 22)

# V$ and GV$ views by their name without prefix, and the other views by their whole name.
FIXED: dict[str, View] = {}
DICTIONARY: dict[str, View] = {}


def release_of(text: str) -> Release:
    """ "12.1.0.2.0" -> (12, 1, 0, 2, 0)"""
    return tuple(int(number) for number in text.split("."))


def columns(text: str) -> tuple[ViewColumn, ...]:
    """Reads lines of ``NAME[@release] TYPE[(size)] expression``; a line that is indented deeper goes on."""
    found: list[ViewColumn] = []
    for line in _logical_lines(text):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"no column: {line}")
        kind = Type[match["type"]]
        size = int(match["size"]) if match["size"] else _SIZES[kind]
        since = release_of(match["since"]) if match["since"] else OLDEST
        sql = match["sql"]
        if kind is Type.DATE and sql != "NULL":
            # Kept with a fraction, which the same DATE from a client does not have.
            sql = f"CAST(({sql}) * 86400.0 + 0.0001 AS INTEGER) / 86400.0"
        found.append(ViewColumn(Column(match["name"], kind, size), sql, since))
    return tuple(found)


def _logical_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if indent > 4:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())
    return lines


def fixed(
    name: str,
    text: str,
    source: str,
    *,
    where: str = "",
    instance: str = "",
    container: str = "",
    since: Release = OLDEST,
    role: str = "SELECT_CATALOG_ROLE",
    everywhere: bool = True,
) -> None:
    """Declares V$name, and GV$name unless it is not ``everywhere``."""
    FIXED[name] = View(name, columns(text), source, where, instance, container, since, role, everywhere)


def dictionary(
    name: str,
    text: str,
    source: str,
    *,
    where: str = "",
    container: str = "",
    since: Release = OLDEST,
    role: str = "SELECT_CATALOG_ROLE",
) -> None:
    """Declares a view of the data dictionary."""
    DICTIONARY[name] = View(name, columns(text), source, where, "", container, since, role)


def family(
    name: str,
    text: str,
    source: str,
    alias: str,
    *,
    where: str = "",
    condition: str = "",
    owner: str = "",
    owner_column: str = "OWNER",
    accessible: str = "",
) -> None:
    """Declares DBA_name and CDB_name, and where ``accessible`` or ``owner`` say how, ALL_name and USER_name.

    ``condition`` says when the row ``alias`` is seen in the container ``{container}``; usually when it belongs to all
    or to that one. ``owner`` is SQL for whose row it is: USER_ views have it only for the user, without its column.
    """
    condition = condition or f"{alias}.con_id IN (0, {{container}})"
    both = f"({condition})" + (f" AND {where}" if where else "")
    dictionary(f"DBA_{name}", text, source, where=both)
    # The seed is left out, as it is without a hidden parameter.
    dictionary(
        f"CDB_{name}",
        text.rstrip().replace("{container}", "cc.con_id") + "\n    CON_ID NUMBER cc.con_id",
        f"{source} JOIN x_pdb cc ON cc.con_id <> 2 AND ({condition.replace('{container}', 'cc.con_id')})",
        where=where,
        container="cc.con_id",
        since=(12, 1),
    )
    if accessible:
        dictionary(f"ALL_{name}", text, source, where=f"{both} AND {accessible}", role="PUBLIC")
    if owner:
        own = "\n".join(line for line in text.splitlines() if line.split()[:1] != [owner_column])
        dictionary(f"USER_{name}", own, source, where=f"{both} AND {owner} = {{user}}", role="PUBLIC")


def accessible(owner: str, name: str) -> str:
    """SQL: the user owns this object, or has been granted something on it."""
    return (
        f"({{any}} OR {owner} IN ({{user}}, 'PUBLIC') OR EXISTS (SELECT 1 FROM x_object_grant a WHERE a.owner = {owner}"
        f" AND a.name = {name} AND a.grantee IN ({{grantees}}) AND a.con_id IN (0, {{container}})))"
    )


def days(seconds: str) -> str:
    """SQL for whole seconds, never negative, from SQL for a number of days."""
    return f"CAST(max(0, ({seconds}) * 86400.0 + 0.000001) AS INTEGER)"


def micros(expression: str) -> str:
    """The same in microseconds."""
    return f"CAST(max(0, ({expression}) * 86400000000.0) AS INTEGER)"


def text_of(expression: str, picture: str) -> str:
    """SQL for a time as text, by a picture of strftime."""
    return f"strftime('{picture}', 2440587.5 + ({expression}))"


def values(rows: Sequence[Sequence[object]], *names: str) -> str:
    """SQL for a constant table with these columns."""
    written = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    renamed = ", ".join(f"column{number} AS {name}" for number, name in enumerate(names, 1))
    return f"(SELECT {renamed} FROM (VALUES {written}))"


def literal(value: object) -> str:
    """A constant of SQL; an empty string is NULL, as everywhere in Oracle."""
    if value is None or value == "":
        return "NULL"
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def install(connection: sqlite3.Connection) -> None:
    """Registers what SQLite lacks: ``x_raw(number)`` (8 bytes), ``x_xid(usn, slot, sqn)`` (XID as V$TRANSACTION has it),
    ``x_sql_hash(sql_id)`` and ``x_hash(text)``."""
    connection.create_function("x_raw", 1, _raw, deterministic=True)
    connection.create_function("x_xid", 3, _xid, deterministic=True)
    connection.create_function("x_sql_hash", 1, _sql_hash, deterministic=True)
    connection.create_function("x_hash", 1, _hash, deterministic=True)


def _raw(number: int | None) -> bytes | None:
    return None if number is None else (number & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")


def _xid(usn: int, slot: int, sqn: int) -> bytes:
    return struct.pack("<HHI", usn & 0xFFFF, slot & 0xFFFF, sqn & 0xFFFFFFFF)


def _sql_hash(sql_id: str | None) -> int:
    """SQL_HASH_VALUE is the lower half of the number that SQL_ID writes in base 32."""
    number = 0
    for digit in sql_id or "":
        number = number * 32 + max(_SQL_ID_DIGITS.find(digit), 0)
    return number & 0xFFFFFFFF


def _hash(text: str | None) -> int:
    # Any hash that stays the same; Oracle's is not known.
    number = 0
    for byte in (text or "").encode():
        number = (number * 31 + byte) & 0xFFFFFFFF
    return number
