# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server answers, as bytes: descriptions of columns, rows, errors, the directions of binds.

Source of the layouts: what python-oracledb reads (impl/thin/messages/base.pyx), read, not copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .errors import OracleError
from .requests import IN, V12_2, V20, V23, V23_4, V23_EXT3, Bind
from .scalars import encode_bind, encode_column
from .values import Column, Row, Type, Value
from .wire import FORM_CHAR, FORM_NONE, UTF8_CHARSET, Writer

# Message types that a server sends.
ERROR, ROW_HEADER, ROW_DATA, PARAMETER, STATUS, IO_VECTOR, DESCRIBE = 4, 6, 7, 8, 9, 11, 16
END_OF_RESPONSE, TOKEN = 29, 33

NO_MORE_ROWS = 1403

_TRANSACTION_OPEN = 0x2
_COMPILATION_WARNING = 0x20
_NUMBER_BYTES = 22
_MOST_POSITION = 32767

# Buffers of types whose width does not depend on the column. Never 0: that means "always NULL" to the driver.
_SIZES = {
    Type.NUMBER: _NUMBER_BYTES,
    Type.DATE: 7,
    Type.TIMESTAMP: 11,
    Type.TIMESTAMP_TZ: 13,
    Type.INTERVAL_DS: 11,
    Type.BINARY_DOUBLE: 8,
}


def status(transaction_open: bool, sequence: int) -> Writer:
    return Writer().u8(STATUS).ub(_TRANSACTION_OPEN * transaction_open, sequence)


def error_info(
    writer: Writer,
    field_version: int,
    *,
    transaction_open: bool,
    sequence: int,
    cursor_id: int = 0,
    count: int = 0,
    error: OracleError | None = None,
    no_more_rows: bool = False,
    warning: bool = False,
) -> Writer:
    """The end of the answer to a call: an error, or none with the number of rows.

    ``no_more_rows``: a query is at its end. ``warning``: something was created with compilation errors.
    """
    number = error.code if error else NO_MORE_ROWS if no_more_rows else 0
    writer.u8(ERROR)
    writer.ub(_TRANSACTION_OPEN * transaction_open, sequence, count, min(number, 65535), 0, 0, cursor_id)
    writer.sb(min(error.position, _MOST_POSITION) if error else 0)
    writer.u8(0, 0, 0, 0, 0, _COMPILATION_WARNING if warning else 0)
    writer.ub(0, 0).u8(0).ub(0, 0)  # rowid
    writer.ub(0).u8(0, 0).ub(0, 0)
    writer.ub(0)  # logical rowid
    writer.ub(0, 0, 0)  # batch errors: codes, offsets, texts
    writer.ub(number, count)
    if field_version >= V20:
        writer.ub(0, 0)
    if error:
        writer.clr(error.text.encode() + b"\n")
    elif no_more_rows:
        writer.clr(OracleError(NO_MORE_ROWS).text.encode() + b"\n")
    return writer


def describe(writer: Writer, field_version: int, columns: Sequence[Column]) -> None:
    writer.u8(DESCRIBE).clr(bytes(16)).ub(0, len(columns))
    if columns:
        writer.u8(0)
    for position, column in enumerate(columns, 1):
        _describe_column(writer, field_version, column, position)
    writer.two(bytes(7)).ub(0, 0, 0, 0).two(None)


def _describe_column(writer: Writer, field_version: int, column: Column, position: int) -> None:
    size = _SIZES.get(column.type, max(column.size, 1))
    name = column.name.encode()
    is_text = column.type in (Type.VARCHAR2, Type.CHAR)
    writer.u8(column.type.value, 0, column.precision & 0xFF, column.scale & 0xFF)
    writer.ub(size, 0, 0).two(None).ub(0)
    writer.ub(UTF8_CHARSET if is_text else 0).u8(FORM_CHAR if is_text else FORM_NONE)
    writer.ub(size if is_text else 0)
    if field_version >= V12_2:
        writer.ub(0)
    writer.u8(int(column.nullable), min(len(name), 255)).two(name).two(None).two(None).ub(position, 0)
    if field_version >= V23:
        writer.two(None).two(None)  # domain
    if field_version >= V23_EXT3:
        writer.ub(0)  # annotations
    if field_version >= V23_4:
        writer.ub(0).u8(0, 0)  # vector


def rows(writer: Writer, columns: Sequence[Column], values: Sequence[Row]) -> None:
    writer.u8(ROW_HEADER, 0).ub(0, 0, len(values), 0, 0, 0)
    encoders = [partial(encode_column, column.type) for column in columns]
    for row in values:
        writer.u8(ROW_DATA)
        for encode, value in zip(encoders, row, strict=True):
            writer.clr(encode(value) or None)


def bind_directions(writer: Writer, directions: Sequence[int]) -> None:
    writer.u8(IO_VECTOR, 0).ub(len(directions) & 0xFF, len(directions) >> 8, 0, 0, 0, 0).u8(*directions)


def out_values(writer: Writer, binds: Sequence[Bind], directions: Sequence[int], values: Sequence[Value]) -> None:
    """One execution's values of those binds that are not IN; ``values`` has a place for every bind.

    ORA-06502 for a value that does not fit the client's bind.
    """
    writer.u8(ROW_DATA)
    for bind, direction, value in zip(binds, directions, values, strict=True):
        if direction == IN:
            continue
        if bind.elements is None:
            _out_value(writer, bind, value)
            continue
        array = value or []
        if len(array) > bind.elements:
            raise OracleError(6513)
        writer.ub(len(array))
        for element in array:
            _out_value(writer, bind, element)


def returned_values(writer: Writer, binds: Sequence[Bind], values: Sequence[Sequence[Value]]) -> None:
    """One execution's RETURNING: for each returning bind, the values of all rows."""
    writer.u8(ROW_DATA)
    for bind, column in zip((bind for bind in binds if bind.returning), values, strict=True):
        writer.ub(len(column))
        for value in column:
            _out_value(writer, bind, value)


def _out_value(writer: Writer, bind: Bind, value: Value) -> None:
    raw = encode_bind(bind.type, bind.form, value)
    if raw and len(raw) > bind.size and bind.type in (Type.VARCHAR2.value, Type.CHAR.value, Type.RAW.value):
        raise OracleError(6502, ": character string buffer too small")
    writer.clr(raw).sb(0)
