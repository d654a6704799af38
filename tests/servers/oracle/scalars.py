# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How single values look in bytes: NUMBER, DATE, TIMESTAMP, INTERVAL, BINARY_DOUBLE, text; as columns and as binds.

Source of the formats: python-oracledb (impl/base/encoders.pyx, decoders.pyx, thin/messages/base.pyx), read, not copied.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from .errors import OracleError
from .values import Type, Value
from .wire import FORM_NCHAR, ProtocolError, Reader

# Type codes that only binds have; values.Type has those of columns. Source: impl/base/constants.pxi.
BINARY_INTEGER, LONG, ROWID, LONG_RAW = 3, 8, 11, 24
BINARY_FLOAT, CURSOR, CLOB, BLOB, TIMESTAMP_LTZ, BOOLEAN = 100, 102, 112, 113, 231, 252

_ESCAPE = 0xFD  # starts the NULL of a BOOLEAN
_NUMBER_CONTEXT = Context(prec=38, Emin=-999, Emax=999)
_MID = 0x80000000
_BIAS = 60
_TZ_HOUR_BIAS = 20


def encode_number(value: int | float | Decimal) -> bytes:
    """NUMBER, rounded to 38 digits. ORA-01426 beyond 1e126, 0 below 1e-130."""
    if value == 0:
        return b"\x80"
    if isinstance(value, int) and abs(value) < 10**38:
        negative, digits, exponent = value < 0, str(abs(value)), 0
    else:
        number = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
        if not number.is_finite():
            raise OracleError(1426)
        rounded = _NUMBER_CONTEXT.plus(number)
        negative, exponent = rounded.is_signed(), int(rounded.as_tuple().exponent)
        digits = "".join(map(str, rounded.as_tuple().digits))
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    if exponent % 2:
        stripped, exponent = stripped + "0", exponent - 1
    if len(stripped) % 2:
        stripped = "0" + stripped
    pairs = [int(stripped[at : at + 2]) for at in range(0, len(stripped), 2)]
    power = exponent // 2 + len(pairs) - 1  # of 100, of the first pair
    if power > 62:
        raise OracleError(1426)
    if power < -65:
        return b"\x80"
    if not negative:
        return bytes([power + 193, *(pair + 1 for pair in pairs)])
    return bytes([62 - power, *(101 - pair for pair in pairs)]) + (b"f" if len(pairs) < 20 else b"")


def decode_number(raw: bytes) -> int | Decimal:
    """An int where the number is whole, otherwise a Decimal."""
    if raw == b"\x80":
        return 0
    negative = raw[0] < 128
    if negative:
        power = 62 - raw[0]
        pairs = [101 - byte for byte in raw[1:].removesuffix(b"f")]
    else:
        power = raw[0] - 193
        pairs = [byte - 1 for byte in raw[1:]]
    if len(raw) > 21 or not pairs or not all(0 <= pair <= 99 for pair in pairs):
        raise ProtocolError(f"not a NUMBER: {raw.hex()}")
    mantissa = 0
    for pair in pairs:
        mantissa = mantissa * 100 + pair
    if negative:
        mantissa = -mantissa
    exponent = 2 * (power - len(pairs) + 1)
    if exponent >= 0:
        return mantissa * int(10**exponent)
    whole, rest = divmod(mantissa, 10**-exponent)
    return Decimal(mantissa).scaleb(exponent, Context(prec=60)).normalize(Context(prec=60)) if rest else whole


def encode_date(value: datetime.date) -> bytes:
    """DATE: the clock as it stands, without fractions of a second. A date alone is its midnight."""
    clock = value if isinstance(value, datetime.datetime) else datetime.datetime(value.year, value.month, value.day)
    century, year = divmod(clock.year, 100)
    return bytes(
        (century + 100, year + 100, clock.month, clock.day, clock.hour + 1, clock.minute + 1, clock.second + 1)
    )


def encode_timestamp(value: datetime.date) -> bytes:
    micro = value.microsecond if isinstance(value, datetime.datetime) else 0
    return encode_date(value) + (micro * 1000).to_bytes(4, "big")


def encode_timestamp_tz(value: datetime.datetime) -> bytes:
    """The clock of UTC and the offset; one without a time zone is UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    offset = aware.utcoffset() or datetime.timedelta()
    minutes = abs(int(offset.total_seconds())) // 60
    sign = -1 if offset < datetime.timedelta() else 1
    zone = bytes((_TZ_HOUR_BIAS + sign * (minutes // 60), _BIAS + sign * (minutes % 60)))
    return encode_timestamp(aware.astimezone(datetime.UTC)) + zone


def decode_date(raw: bytes) -> datetime.datetime:
    """DATE, TIMESTAMP (naive) or TIMESTAMP WITH TIME ZONE (aware), told by the number of bytes: 7, 11, 13."""
    if len(raw) not in (7, 11, 13):
        raise ProtocolError(f"not a date: {raw.hex()}")
    micro = int.from_bytes(raw[7:11], "big") // 1000
    try:
        year = (raw[0] - 100) * 100 + raw[1] - 100
        clock = datetime.datetime(year, raw[2], raw[3], raw[4] - 1, raw[5] - 1, raw[6] - 1, micro)
    except ValueError as error:
        raise ProtocolError(f"not a date: {raw.hex()}") from error
    if len(raw) < 13:
        return clock
    offset = datetime.timedelta(hours=raw[11] - _TZ_HOUR_BIAS, minutes=raw[12] - _BIAS)
    return clock.replace(tzinfo=datetime.UTC).astimezone(datetime.timezone(offset))


def encode_interval(value: datetime.timedelta) -> bytes:
    sign = -1 if value < datetime.timedelta() else 1
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return struct.pack(
        ">I3BI",
        _MID + sign * size.days,
        _BIAS + sign * hours,
        _BIAS + sign * minutes,
        _BIAS + sign * seconds,
        _MID + sign * size.microseconds * 1000,
    )


def decode_interval(raw: bytes) -> datetime.timedelta:
    if len(raw) != 11:
        raise ProtocolError(f"not an interval: {raw.hex()}")
    days, hours, minutes, seconds, nano = struct.unpack(">I3BI", raw)
    return datetime.timedelta(
        days - _MID, seconds - _BIAS, int((nano - _MID) / 1000), 0, minutes - _BIAS, hours - _BIAS
    )


def encode_double(value: float) -> bytes:
    """BINARY_DOUBLE, whose bytes sort as the numbers do."""
    raw = struct.pack(">d", value)
    if raw[0] & 0x80:
        return bytes(byte ^ 0xFF for byte in raw)
    return bytes([raw[0] | 0x80]) + raw[1:]


def decode_double(raw: bytes) -> float:
    """BINARY_DOUBLE (8 bytes) or BINARY_FLOAT (4)."""
    if len(raw) not in (4, 8):
        raise ProtocolError(f"not a binary number: {raw.hex()}")
    plain = bytes([raw[0] & 0x7F]) + raw[1:] if raw[0] & 0x80 else bytes(byte ^ 0xFF for byte in raw)
    return float(struct.unpack(">d" if len(raw) == 8 else ">f", plain)[0])


def _encode_text(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


_ENCODERS: dict[Type, tuple[tuple[type, ...], Callable[[Any], bytes]]] = {
    Type.VARCHAR2: ((str,), _encode_text),
    Type.CHAR: ((str,), _encode_text),
    Type.NUMBER: ((int, float, Decimal), encode_number),
    Type.DATE: ((datetime.date,), encode_date),
    Type.TIMESTAMP: ((datetime.date,), encode_timestamp),
    Type.TIMESTAMP_TZ: ((datetime.datetime,), encode_timestamp_tz),
    Type.INTERVAL_DS: ((datetime.timedelta,), encode_interval),
    Type.BINARY_DOUBLE: ((int, float, Decimal), lambda value: encode_double(float(value))),
    Type.RAW: ((bytes,), bytes),
}


def encode_column(kind: Type, value: Value) -> bytes | None:
    """A value of a result's column, None for NULL. TypeError for a value that the type cannot have."""
    if value is None:
        return None
    accepted, encode = _ENCODERS[kind]
    if not isinstance(value, accepted):
        raise TypeError(f"a column of type {kind.name} cannot hold {value!r}")
    return encode(value)


def encode_bind(code: int, form: int, value: Value) -> bytes | None:
    """A value that goes out through a bind of type ``code``; ORA-06502 where it does not convert to that type."""
    if value is None:
        return None
    if code in (Type.VARCHAR2.value, Type.CHAR.value, LONG):
        text = str(value) if isinstance(value, str | int | float | Decimal) else None
        if text is not None:
            return text.encode("utf-16-be" if form == FORM_NCHAR else "utf-8")
    elif code in (Type.NUMBER.value, BINARY_INTEGER):
        return encode_number(_to_number(value))
    elif code in (Type.RAW.value, LONG_RAW) and isinstance(value, bytes):
        return value
    elif code == Type.DATE.value and isinstance(value, datetime.date):
        return encode_date(value)
    elif code in (Type.TIMESTAMP.value, TIMESTAMP_LTZ) and isinstance(value, datetime.date):
        return encode_timestamp(value)
    elif code == Type.TIMESTAMP_TZ.value and isinstance(value, datetime.datetime):
        return encode_timestamp_tz(value)
    elif code == Type.INTERVAL_DS.value and isinstance(value, datetime.timedelta):
        return encode_interval(value)
    elif code == Type.BINARY_DOUBLE.value:
        return encode_double(float(_to_number(value)))
    elif code == BOOLEAN and isinstance(value, bool):
        return b"\x01\x01" if value else b"\x00"
    raise OracleError(6502, "")


def _to_number(value: Value) -> int | float | Decimal:
    if isinstance(value, int | float | Decimal):
        return value
    try:
        return Decimal(value) if isinstance(value, str) else Decimal("")
    except ArithmeticError:
        raise OracleError(6502, ": character to number conversion error") from None


def read_bind(reader: Reader, code: int, form: int) -> Value:
    """The value of a bind of type ``code``. ProtocolError for types that the stand-in has no values for."""
    if code == BOOLEAN and reader.peek() == _ESCAPE:
        reader.raw(2)
        return None
    if code == CURSOR:
        # A REF CURSOR: 1 and the number of the cursor it stands for, 0 where it stands for none yet.
        reader.u8()
        if reader.u8():
            reader.ub()
        return None
    raw = reader.clr()
    if raw is None:
        return None
    if code in (Type.VARCHAR2.value, Type.CHAR.value, LONG, ROWID):
        return raw.decode("utf-16-be" if form == FORM_NCHAR else "utf-8", "replace")
    if code in (Type.NUMBER.value, BINARY_INTEGER):
        return decode_number(raw)
    if code in (Type.RAW.value, LONG_RAW):
        return raw
    if code in (Type.DATE.value, Type.TIMESTAMP.value, Type.TIMESTAMP_TZ.value, TIMESTAMP_LTZ):
        return decode_date(raw)
    if code == Type.INTERVAL_DS.value:
        return decode_interval(raw)
    if code in (BINARY_FLOAT, Type.BINARY_DOUBLE.value):
        return decode_double(raw)
    if code == BOOLEAN:
        return raw[-1] != 0
    raise ProtocolError(f"a bind of type {code}")
