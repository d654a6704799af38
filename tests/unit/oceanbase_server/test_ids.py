# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session ids of the stand-in: how they are handed out, and what a value in a KILL statement is taken for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.oceanbase.ids import Ids, of_string, of_value

TOP = 2**32 - 1


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("5", 5),
        (" 5", 5),
        ("12abc", 12),
        ("abc", 0),
        ("", 0),
        (None, 0),
        (-1, TOP),
        ("-1", TOP),
        ("+7", 7),
        (Decimal("1403.4"), 1403),
        ("1403.4", 1403),
        (4294968696, 1400),
        ("4294968696", 1400),
        (3221487726, 3221487726),
        ("99999999999999999999999", TOP),
        ("-99999999999999999999999", 0),
    ],
)
def test_what_a_value_is_taken_for(value: object, number: int) -> None:
    assert of_value(value) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3221487726", 3221487726),
        ("15,1", 15),
        ("15, serial", 15),
        (",15", 0),
        ("15,@2", 15),
        ("x,15", 0),
        ("15 ,1", 15),
    ],
)
def test_what_follows_the_first_comma_is_not_read(text: str, number: int) -> None:
    assert of_string(text) == number


@given(st.integers(-(2**63), 2**63 - 1), st.text())
def test_a_number_keeps_its_lowest_32_bits(number: int, rest: str) -> None:
    assert of_value(number) == of_value(str(number)) == of_string(f"{number},{rest}") == number % 2**32


@given(st.text() | st.integers() | st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_everything_is_taken_for_some_id(value: object) -> None:
    assert 0 <= of_value(value) <= TOP


def test_ids_of_an_observer_begin_as_those_of_the_reference_document() -> None:
    ids = Ids()
    first = [ids.observer(()) for _turn in range(110)]
    assert first[105] == 3221487722 and first[109] == 3221487726


def test_an_id_in_use_is_passed_over() -> None:
    ids = Ids()
    following = Ids().observer(())
    assert ids.observer({following}) == following + 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_ids_of_a_proxy_have_the_highest_bit_clear_and_differ(version: str) -> None:
    ids = Ids()
    found = [ids.client(version, ()) for _turn in range(1000)]
    assert len(set(found)) == 1000 and all(0 < number < 2**31 for number in found)
    assert ids.client(version, set(found)) not in found


def test_planned_ids_come_first_and_in_order() -> None:
    ids = Ids()
    ids.planned.extend([7, 5])
    assert [ids.observer(()), ids.observer(())] == [7, 5] and ids.observer(()) > 2**31


def test_the_number_that_a_proxy_keeps_has_64_bits() -> None:
    ids = Ids()
    first, second = ids.proxy_sessid(), ids.proxy_sessid()
    assert 2**63 < first < second < 2**64
