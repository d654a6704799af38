# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, counts, ids and text: what is taken, and what is refused in a sentence that names option and cure."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.oracle_sessions.plugins.module_utils import values
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption


class Tagged(int):
    """ansible-core 2.19 hands over integers of a type of its own, derived from int."""


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1), ("30", 30), (0, 0), ("007", 7), (4294967295, 4294967295), (Tagged(30), 30)]
)
def test_a_whole_number(value: Any, number: int) -> None:
    found = values.whole(value, "sid")
    assert found == number
    assert isinstance(found, int) and not isinstance(found, bool)


@pytest.mark.parametrize(
    "value",
    [
        "12abc",
        "-1",
        "+1",
        True,
        False,
        "true",
        "3_0",
        "1e2",
        "30.0",
        30.0,
        "12; DROP",
        "",
        " 30",
        "30\n",
        "0x1e",
        "\u0663\u0660",  # digits, but Arabic ones
        "\u00b2",
        None,
        [],
        [30],
        {},
        float("nan"),
        "9" * 5000,
    ],
)
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(BadOption, match=r"^sid: .* is not a whole number; write digits only, such as 30\.$"):
        values.whole(value, "sid")


@pytest.mark.parametrize(("value", "minimum"), [(-1, 0), (0, 1), ("0", 1), (-(2**70), 0)])
def test_a_whole_number_below_the_smallest(value: Any, minimum: int) -> None:
    with pytest.raises(BadOption, match=rf"^sid: {value} is too small; the smallest is {minimum}\.$"):
        values.whole(value, "sid", minimum)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1.5d", 129600),
        ("0", 0),
        ("36500d", 36500 * 86400),
        (Tagged(90), 90),
    ],
)
def test_a_duration_in_seconds(value: Any, number: float) -> None:
    found = values.seconds(value, "idle")
    assert found == number
    assert isinstance(found, float)


@pytest.mark.parametrize(
    "value",
    [
        "10x",
        "-1",
        -1,
        -0.1,
        True,
        False,
        None,
        "",
        "h",
        "1h30m",
        "1 h",
        "1H",
        ".5",
        "5.",
        "1e2",
        "3_0",
        "inf",
        "nan",
        float("inf"),
        float("nan"),
        10**400,
        "9" * 400,
        "99999999d",
        [],
        {},
        "30\n",
    ],
)
def test_what_is_no_duration(value: Any) -> None:
    with pytest.raises(BadOption, match=r"^idle: .* is not a duration; write .* such as 90, 15m or 2h\.$"):
        values.seconds(value, "idle")


def test_text_is_taken_as_it_is() -> None:
    assert values.text(" APP, OTHER ", "username") == " APP, OTHER "


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        (None, r"it is null, most often a variable that came out empty; give it a value or leave the key out\.$"),
        ("", r"it is empty, .*; give it a value or leave the key out\.$"),
        (" \t", r"it is empty, .*; give it a value or leave the key out\.$"),
        (5, r"5 is not text; put it in quotes\.$"),
        (True, r"True is not text; put it in quotes\.$"),
        ({"a": 1}, r"\{'a': 1\} is not text; put it in quotes\.$"),
        # What ansible-core 2.16 puts into a dictionary for a value of `omit`.
        ("__omit_place_holder__3c1f", r"it was omitted inside a dictionary, .*; leave the key out instead\.$"),
    ],
)
def test_what_is_no_text(value: Any, cure: str) -> None:
    with pytest.raises(BadOption, match=r"^match\.username: " + cure):
        values.text(value, "match.username")


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, None, [], "", "True"])
def test_what_is_no_flag(value: Any) -> None:
    with pytest.raises(
        BadOption, match=r"^match\.blocked: .* is not a boolean; write true or false, without quotes\.$"
    ):
        values.flag(value, "match.blocked")


@pytest.mark.parametrize("value", [[], "username=A", None, 5, True])
def test_what_is_no_dictionary(value: Any) -> None:
    with pytest.raises(BadOption, match=r"^match: .* is not a dictionary; write one key and value per condition\.$"):
        values.mapping(value, "match")


def test_an_empty_dictionary_is_refused() -> None:
    with pytest.raises(BadOption, match=r"^match: it is empty, .*; give it a condition or leave the option out\.$"):
        values.mapping({}, "match")


def test_members_of_a_list_and_of_a_single_value() -> None:
    assert values.members(["a", "b"], "username") == ["a", "b"]
    assert values.members(("a",), "username") == ["a"]
    assert values.members("a,b", "username") == ["a,b"]
    with pytest.raises(
        BadOption, match=r"^username: it is an empty list, .*; give it a member or leave the key out\.$"
    ):
        values.members([], "username")


@pytest.mark.parametrize(("value", "shown"), [("a", "'a'"), (5, "5"), (None, "None"), ([1], "[1]")])
def test_values_in_messages(value: Any, shown: str) -> None:
    assert values.shown(value) == shown


def test_long_values_are_cut_in_messages() -> None:
    assert len(values.shown("x" * 500)) == 60
    assert values.shown("x" * 500).endswith("...")
