# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws that conversions and the text passes keep for any value."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.oracle_server.sql_world import World

from servers.oracle.errors import OracleError
from servers.oracle.sql import date_formats, dates, numbers, strings
from servers.oracle.sql.masking import mask, unmask
from servers.oracle.sql.translate import parse

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)).map(lambda moment: moment.replace(microsecond=0))
TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Co"], blacklist_characters="\0"), max_size=20)
FORMAT = "YYYY-MM-DD HH24:MI:SS"


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@given(MOMENTS)
def test_date_survives_days(moment: datetime) -> None:
    assert dates.to_date(dates.from_datetime(moment)) == moment


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))
def test_timestamp_survives_days(moment: datetime) -> None:
    assert abs(dates.to_datetime(dates.from_datetime(moment)) - moment) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    "model",
    [
        FORMAT,
        "DD-MON-RRRR HH:MI:SS AM",
        "YYYYMMDDHH24MISS",
        "Day, DD Month YYYY SSSSS",
        "YYYY DDD HH24.MI.SS",
        "J HH24:MI:SS",
    ],
)
@given(moment=MOMENTS)
@settings(max_examples=50)
def test_date_survives_text(model: str, moment: datetime) -> None:
    assert date_formats.parse_date(date_formats.format_date(moment, model), model, moment) == moment


@given(MOMENTS, st.integers(-600, 600))
def test_added_months_are_between(moment: datetime, months: int) -> None:
    days = dates.from_datetime(moment)
    assert abs(dates.months_between(dates.add_months(days, months), days) - months) < 0.1


@given(MOMENTS, st.sampled_from(["HH24", "MI", "DD", "IW", "WW", "W", "DAY", "MM", "Q", "YYYY", "IYYY", "CC"]))
def test_truncation_is_once(moment: datetime, unit: str) -> None:
    days = dates.from_datetime(moment)
    cut = dates.truncate(days, unit)
    assert cut <= days
    assert dates.truncate(cut, unit) == cut


@given(st.integers(-(10**17), 10**17))
def test_integer_survives_text(value: int) -> None:
    assert numbers.to_number(numbers.to_text(value)) == value


@given(st.floats(-1e12, 1e12).map(lambda value: float(f"{value:.12g}")))
def test_number_survives_text(value: float) -> None:
    assert numbers.to_number(numbers.to_text(value)) == numbers.clean(value)


@given(st.integers(-999_999, 999_999))
def test_formatted_number_can_be_read(value: int) -> None:
    assert numbers.parse(numbers.format_number(value, "S999,999"), "S999,999") == value


@given(TEXTS)
def test_literal_means_itself(world: World, text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    assert world.value(literal) == (text or None)
    assert world.value(f"replace({literal}, '', '')") == (text or None)


@given(TEXTS, TEXTS)
def test_concatenation_and_substring(world: World, left: str, right: str) -> None:
    assert world.rows("select :1 || :2, substr(:3, 1, :4), instr(:5, :6) from dual", *_binds(left, right)) == [
        ((left + right) or None, left[:2] or None, _instr(left, right))
    ]


def _binds(left: str, right: str) -> tuple[str | int, ...]:
    return left, right, left, 2, left, right


def _instr(left: str, right: str) -> int | None:
    return left.find(right) + 1 if left and right else None


@given(st.text("ab%_\\", max_size=8), st.text("ab%_", max_size=4))
def test_like_without_wildcards_is_equality(world: World, text: str, pattern: str) -> None:
    escaped = "".join("\\" + character if character in "%_\\" else character for character in pattern)
    rows = world.rows("select case when :1 like :2 escape '\\' then 1 else 0 end from dual", text, escaped)
    assert rows == [(int(bool(text) and text == pattern),)]


@given(st.text("abc", max_size=12), st.text("abc", min_size=1, max_size=2), st.integers(-12, 12), st.integers(1, 3))
def test_position_that_is_found_is_there(text: str, part: str, position: int, occurrence: int) -> None:
    found = strings.instr(text, part, position, occurrence)
    assert found == 0 or text[found - 1 :].startswith(part)


@given(
    st.lists(
        st.sampled_from("select from where sid = 'a' \"b\" :c ( ) , 1 .5 -- /* */ + || and order by over v$x.y".split())
    )
)
def test_masking_moves_nothing_and_text_is_an_error_or_a_tree(words: list[str]) -> None:
    text = " ".join(words)
    try:
        masked = mask(text)
    except OracleError:
        return
    assert len(masked.text) == len(text)
    for token in masked.tokens:
        if token.kind == "word":
            assert unmask(masked.text[token.start : token.end]) == token.value or not masked.text[token.start].isalnum()
    try:
        parse(text)
    except OracleError as error:
        assert 0 <= error.position <= len(text)
