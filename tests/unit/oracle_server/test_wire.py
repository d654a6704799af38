# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in bytes and back. The fixed encodings are those that the driver gives and takes, see oracle-wire notes."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.oracle import scalars, wire
from servers.oracle.errors import OracleError
from servers.oracle.values import Type
from servers.oracle.wire import NeedMore, ProtocolError, Reader, Writer

UTC = datetime.UTC


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "80"),
        (1, "c102"),
        (-1, "3e6466"),
        (100, "c202"),
        (Decimal("0.1"), "c00b"),
        (Decimal("-0.1"), "3f5b66"),
        (Decimal("0.001"), "bf0b"),
        (12345, "c302182e"),
        (-12345, "3c644e3866"),
        (1.5, "c10233"),
        (10**125, "ff0b"),
        (99999999999999999999999999999999999999, "d3" + "64" * 19),
    ],
)
def test_number(value: int | float | Decimal, encoded: str) -> None:
    assert scalars.encode_number(value).hex() == encoded
    assert scalars.decode_number(bytes.fromhex(encoded)) == value


@given(st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1))
def test_whole_numbers_come_back(value: int) -> None:
    back = scalars.decode_number(scalars.encode_number(value))
    assert back == value
    assert back.__class__ is int


@given(st.integers(-(10**37), 10**37), st.integers(-120, 80))
def test_numbers_come_back(digits: int, exponent: int) -> None:
    value = Decimal(digits).scaleb(exponent)
    assert scalars.decode_number(scalars.encode_number(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e120, max_value=1e120))
def test_floats_keep_their_digits(value: float) -> None:
    back = scalars.decode_number(scalars.encode_number(value))
    assert float(back) == value or abs(value) < 1e-129


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12), st.decimals(allow_nan=False, places=12))
def test_encoded_numbers_sort_as_numbers_do(one: Decimal, other: Decimal) -> None:
    if not one.is_finite() or not other.is_finite() or max(abs(one), abs(other)) > 10**20:
        return
    assert (scalars.encode_number(one) < scalars.encode_number(other)) == (one < other)


def test_number_limits() -> None:
    assert scalars.encode_number(Decimal("1e-140")) == b"\x80"
    for value in (10**126, Decimal("NaN"), math.inf):
        with pytest.raises(OracleError) as caught:
            scalars.encode_number(value)
        assert caught.value.code == 1426
    # 40 digits are more than a NUMBER keeps.
    assert scalars.decode_number(scalars.encode_number(Decimal("1." + "3" * 39))) == Decimal("1." + "3" * 37)
    for bad in ("c1", "00", "c1ff", "c1" + "02" * 21):
        with pytest.raises(ProtocolError):
            scalars.decode_number(bytes.fromhex(bad))


def test_date_encodings() -> None:
    moment = datetime.datetime(2026, 11, 21, 9, 8, 7, 123456)
    assert scalars.encode_date(moment).hex() == "787e0b150a0908"
    assert scalars.encode_date(datetime.date(2026, 11, 21)).hex() == "787e0b15010101"
    assert scalars.encode_timestamp(moment).hex() == "787e0b150a0908" + "075bca00"
    eastern = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-3, minutes=-30)))
    assert scalars.encode_timestamp_tz(eastern).hex() == "787e0b150d2708" + "075bca00" + "111e"
    assert scalars.decode_date(scalars.encode_date(moment)) == moment.replace(microsecond=0)
    for bad in ("787e0b150a09", "787e0d150a0908"):
        with pytest.raises(ProtocolError):
            scalars.decode_date(bytes.fromhex(bad))


@given(st.datetimes())
def test_timestamps_come_back(value: datetime.datetime) -> None:
    assert scalars.decode_date(scalars.encode_timestamp(value)) == value


@given(
    st.datetimes(min_value=datetime.datetime(2, 1, 1), max_value=datetime.datetime(9998, 1, 1)),
    st.integers(-12 * 60, 14 * 60),
)
def test_time_zones_come_back(value: datetime.datetime, minutes: int) -> None:
    aware = value.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=minutes)))
    back = scalars.decode_date(scalars.encode_timestamp_tz(aware))
    assert (back, back.utcoffset()) == (aware, aware.utcoffset())


@given(st.timedeltas(min_value=datetime.timedelta(days=-99999), max_value=datetime.timedelta(days=99999)))
def test_intervals_come_back(value: datetime.timedelta) -> None:
    encoded = scalars.encode_interval(value)
    assert len(encoded) == 11
    assert scalars.decode_interval(encoded) == value


@given(st.floats(allow_nan=False))
def test_doubles_come_back(value: float) -> None:
    assert scalars.decode_double(scalars.encode_double(value)) == value


@given(st.integers(0, 2**64 - 1), st.integers(-(2**31), 2**31))
def test_integers_come_back(unsigned: int, signed: int) -> None:
    reader = Reader(bytes(Writer().ub(unsigned).sb(signed).data))
    assert (reader.ub(), reader.sb(), reader.left) == (unsigned, signed, 0)


@given(
    st.binary(max_size=600)
    | st.builds(lambda byte, size: byte * size, st.binary(min_size=1, max_size=1), st.integers(0, 99999))
)
def test_bytes_come_back(value: bytes) -> None:
    reader = Reader(bytes(Writer().clr(value).two(value).data))
    assert (reader.clr() or b"", reader.two() or b"", reader.left) == (value, value, 0)


@given(st.binary(min_size=300, max_size=700), st.integers(1, 50))
def test_a_message_may_be_split_anywhere(value: bytes, size: int) -> None:
    whole = bytes(Writer().ub(70000).clr(value).u16(7).two(value).data)
    pieces = iter([whole[at : at + size] for at in range(0, len(whole), size)])
    reader = Reader(next(pieces), lambda: next(pieces))
    assert (reader.ub(), reader.clr(), reader.u16(), reader.two()) == (70000, value, 7, value)


def test_reader_without_more() -> None:
    with pytest.raises(NeedMore):
        Reader(b"\x02\x01").ub()
    assert Reader(b"\xff").clr() is None
    with pytest.raises(ProtocolError):
        Reader(b"\x09").ub()
    with pytest.raises(ProtocolError):
        Reader(b"\x89").sb()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Type.VARCHAR2, "grüße"),
        (Type.CHAR, "x  "),
        (Type.NUMBER, Decimal("3.5")),
        (Type.DATE, datetime.datetime(2026, 1, 2, 3, 4, 5)),
        (Type.TIMESTAMP, datetime.datetime(2026, 1, 2, 3, 4, 5, 6)),
        (Type.TIMESTAMP_TZ, datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
        (Type.INTERVAL_DS, datetime.timedelta(hours=-1)),
        (Type.BINARY_DOUBLE, 0.1),
        (Type.RAW, b"\0\xff"),
    ],
)
def test_columns_and_binds_share_their_encodings(kind: Type, value: object) -> None:
    encoded = scalars.encode_column(kind, value)
    assert encoded == scalars.encode_bind(kind.value, wire.FORM_CHAR, value)
    assert encoded is not None
    assert scalars.read_bind(Reader(bytes(Writer().clr(encoded).data)), kind.value, wire.FORM_CHAR) == value
    assert scalars.encode_column(kind, None) is None


def test_a_column_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(TypeError, match="NUMBER"):
        scalars.encode_column(Type.NUMBER, "1")


def test_binds_convert() -> None:
    assert scalars.encode_bind(1, wire.FORM_CHAR, 42) == b"42"
    assert scalars.encode_bind(1, wire.FORM_NCHAR, "é") == b"\0\xe9"
    assert scalars.encode_bind(2, 0, " 42 ") == scalars.encode_number(42)
    assert scalars.encode_bind(scalars.BOOLEAN, 0, True) == b"\x01\x01"
    assert scalars.read_bind(Reader(b"\x04\0a\0b"), 1, wire.FORM_NCHAR) == "ab"
    for code, value in ((2, "x"), (12, "x"), (23, "x"), (2, b"1")):
        with pytest.raises(OracleError) as caught:
            scalars.encode_bind(code, 0, value)
        assert caught.value.code == 6502


def test_nulls_of_binds() -> None:
    for code in (1, 2, 12, 23, 180):
        assert scalars.read_bind(Reader(b"\0"), code, 0) is None
    reader = Reader(b"\xfd\x01" + b"\x01\0" + b"\x01\x01\x01\x07")
    assert scalars.read_bind(reader, scalars.BOOLEAN, 0) is None
    assert scalars.read_bind(reader, scalars.CURSOR, 0) is None
    assert scalars.read_bind(reader, scalars.CURSOR, 0) is None
    assert reader.left == 0
