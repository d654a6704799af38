# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a verb is to be carried out: the options of each, their defaults, and how long the server may wait."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.options import WAYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import (
    CANCEL,
    DISCONNECT,
    KILL,
    VERBS,
    WAY_OPTIONS,
    Way,
    parse_way,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

SQL_ID = "7h35uxf5uhmm1"


def test_every_verb_has_its_options_in_the_modules_too() -> None:
    assert VERBS == ("kill", "disconnect", "cancel")
    assert {verb: set(options) for verb, options in WAYS.items()} == {
        verb: set(options) for verb, options in WAY_OPTIONS.items()
    }


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_module_hands_over_when_nothing_is_given(verb: str) -> None:
    assert parse_way(verb, {name: spec.get("default") for name, spec in WAYS[verb].items()}) == parse_way(verb, {})
    assert parse_way(verb, dict.fromkeys(WAY_OPTIONS[verb])) == parse_way(verb, {})


@pytest.mark.parametrize(
    ("verb", "options", "way"),
    [
        (KILL, {}, Way(KILL, immediate=True)),
        (KILL, {"immediate": False}, Way(KILL, immediate=False)),
        (KILL, {"force": True}, Way(KILL, force=True)),
        (KILL, {"noreplay": True, "immediate": False}, Way(KILL, noreplay=True, immediate=False)),
        (KILL, {"server_timeout": 0}, Way(KILL, server_timeout=0)),
        (KILL, {"server_timeout": "20"}, Way(KILL, server_timeout=20)),
        (KILL, {"allow_undocumented": True}, Way(KILL, allow_undocumented=True)),
        (DISCONNECT, {}, Way(DISCONNECT, immediate=True)),
        (DISCONNECT, {"post_transaction": False}, Way(DISCONNECT, immediate=True)),
        (DISCONNECT, {"post_transaction": True}, Way(DISCONNECT, post_transaction=True, immediate=False)),
        (
            DISCONNECT,
            {"post_transaction": True, "immediate": True},
            Way(DISCONNECT, post_transaction=True, immediate=True),
        ),
        (DISCONNECT, {"noreplay": True}, Way(DISCONNECT, noreplay=True, immediate=False)),
        (
            DISCONNECT,
            {"noreplay": True, "post_transaction": True},
            Way(DISCONNECT, noreplay=True, post_transaction=True, immediate=False),
        ),
        (CANCEL, {}, Way(CANCEL)),
        (CANCEL, {"sql_id": SQL_ID, "allow_undocumented": True}, Way(CANCEL, sql_id=SQL_ID, allow_undocumented=True)),
    ],
)
def test_options_and_defaults(verb: str, options: dict[str, Any], way: Way) -> None:
    assert parse_way(verb, options) == way


@pytest.mark.parametrize(
    ("verb", "options", "option", "cure"),
    [
        (KILL, {"immediate": "yes"}, "immediate", "write true or false, without quotes"),
        (KILL, {"force": 1}, "force", "write true or false, without quotes"),
        (KILL, {"noreplay": "no"}, "noreplay", "write true or false, without quotes"),
        (KILL, {"allow_undocumented": "true"}, "allow_undocumented", "write true or false, without quotes"),
        (KILL, {"server_timeout": "1m"}, "server_timeout", "write digits only"),
        (KILL, {"server_timeout": True}, "server_timeout", "write digits only"),
        (KILL, {"server_timeout": -1}, "server_timeout", "the smallest is 0"),
        (KILL, {"server_timeout": 1.5}, "server_timeout", "write digits only"),
        (KILL, {"server_timeout": "5; DROP"}, "server_timeout", "write digits only"),
        (DISCONNECT, {"post_transaction": 1}, "post_transaction", "write true or false, without quotes"),
        (DISCONNECT, {"immediate": False}, "immediate", "set one of them to true"),
        (DISCONNECT, {"immediate": False, "post_transaction": False}, "immediate", "set one of them to true"),
        (CANCEL, {"sql_id": ""}, "sql_id", "give it a value"),
        (CANCEL, {"sql_id": 7}, "sql_id", "put it in quotes"),
    ],
)
def test_bad_options(verb: str, options: dict[str, Any], option: str, cure: str) -> None:
    with pytest.raises(BadOption) as error:
        parse_way(verb, options)
    assert error.value.option == option
    assert str(error.value).startswith(f"{option}: ")
    assert cure in str(error.value)


@pytest.mark.parametrize("verb", VERBS)
def test_options_of_another_verb_are_left_aside(verb: str) -> None:
    """A module's other options lie beside them; the plan filter and policies refuse what they do not know."""
    others = {name: True for each in VERBS for name in WAY_OPTIONS[each] if name not in WAY_OPTIONS[verb]}
    assert parse_way(verb, {**others, "match": {}, "sid": 1}) == parse_way(verb, {})


@pytest.mark.parametrize(
    ("verb", "options", "seconds"),
    [
        (KILL, {}, 0),
        (KILL, {"immediate": False}, 60),
        (KILL, {"force": True}, 5),
        (KILL, {"force": True, "immediate": False}, 5),
        (KILL, {"noreplay": True, "immediate": False}, 60),
        (KILL, {"server_timeout": 20}, 20),
        (KILL, {"server_timeout": 0}, 0),
        (KILL, {"server_timeout": 0, "immediate": False}, 0),
        (KILL, {"server_timeout": 90, "force": True}, 90),
        (DISCONNECT, {}, 0),
        (DISCONNECT, {"post_transaction": True}, 0),
        (DISCONNECT, {"noreplay": True}, 0),
        (CANCEL, {}, 0),
    ],
)
def test_how_long_the_server_may_hold_its_answer_back(verb: str, options: dict[str, Any], seconds: int) -> None:
    assert parse_way(verb, options).waits == seconds


VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5) | st.lists(st.integers())


@settings(deadline=None)
@given(
    st.sampled_from(VERBS),
    st.dictionaries(st.sampled_from(sorted({*WAY_OPTIONS[KILL], *WAY_OPTIONS[DISCONNECT], "sql_id"})), VALUES),
)
def test_options_are_parsed_or_refused_by_name(verb: str, options: dict[str, Any]) -> None:
    try:
        way = parse_way(verb, options)
    except BadOption as error:
        assert error.option in WAY_OPTIONS[verb]
        assert str(error).startswith(error.option + ": ")
        return
    assert way.verb == verb
    # A disconnect without any of them is ORA-02000.
    assert verb != DISCONNECT or way.immediate or way.post_transaction or way.noreplay
    for name in ("immediate", "force", "noreplay", "post_transaction", "allow_undocumented"):
        assert isinstance(getattr(way, name), bool)
