# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Match dictionaries: parsed once, strictly, and then asked of one session at a time. Pure.

Modules, roles and the plan filter all read their dictionaries here, so that a rule means the same everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from . import values
from .values import BadOption

# A pattern that fits every one of these names fits any name: it does not narrow.
_ANY_NAMES = ("QXZJVKWQ", "zq_0 j#w@", "\u00df\u4e16\u00e9\u0416\u05d0\u0e01\u3042\uac00", "8675309142")
# What a session's status and type can be at all: a condition on anything else could never hold, and an exclusion never spare.
_CLOSED = {
    "status": ("active", "inactive", "killed", "sniped", "cached"),
    "type": ("user", "background", "recursive"),
    "server": ("dedicated", "shared", "pseudo", "pooled", "none"),
}


@dataclass(frozen=True)
class Pattern:
    """A text to compare with: exact, with the wildcards * and ?, or after ~ an anchored regular expression."""

    written: str
    expression: re.Pattern

    def fits(self, text):
        return text is not None and self.expression.fullmatch(str(text)) is not None

    def is_exactly(self, text):
        return self.fits(text) and self.written.strip('"').casefold() == text.casefold()

    def can_fail(self):
        if not self.written.strip('"').strip("*?"):
            return False
        return self.expression.fullmatch("") is None and not all(map(self.fits, _ANY_NAMES))


def _pattern(value, option, folded):
    written = values.text(value, option)
    text = written
    if folded and len(text) > 1 and text[0] == text[-1] == '"':
        text, folded = values.text(text[1:-1], option), False
    if text.startswith("~"):
        try:
            expression = re.compile(values.text(text[1:], option), re.IGNORECASE if folded else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadOption(
                option,
                f"{values.shown(written)} is not a regular expression ({error}); mend it, or drop the leading ~.",
            ) from error
    else:
        globbed = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)
        expression = re.compile(globbed, re.DOTALL | (re.IGNORECASE if folded else 0))
    return Pattern(written, expression)


@dataclass(frozen=True)
class Key:
    """One key of a match dictionary: how to read its value and how to ask it of a session.

    `parse(value, option)` gives the condition's operand; `holds(session, operand)` decides, and a value that the
    session does not have (NULL) never satisfies it; `narrows(operand)` tells whether it can spare anybody.
    """

    name: str
    parse: Callable[[Any, str], Any]
    holds: Callable[[Any, Any], bool]
    describe: Callable[[Any], str]
    narrows: Callable[[Any], bool]


def _texts(value, option, folded):
    return tuple(_pattern(each, option, folded) for each in values.members(value, option))


def _words(value, option, name):
    patterns = _texts(value, option, folded=False)
    for pattern in patterns:
        if not any(map(pattern.fits, _CLOSED[name])):
            raise BadOption(
                option,
                f"{values.shown(pattern.written)} fits no {name} there is; those are {', '.join(_CLOSED[name])}.",
            )
    return patterns


def _text_key(name, folded=False, narrowing=True, read=None):
    read = read or (lambda session: getattr(session, name))

    def holds(session, patterns):
        found = read(session)
        candidates = found if isinstance(found, (list, tuple)) else [found]
        return any(pattern.fits(each) for pattern in patterns for each in candidates)

    return Key(
        name,
        parse=partial(_words, name=name) if name in _CLOSED else partial(_texts, folded=folded),
        holds=holds,
        describe=lambda session: values.shown(read(session)) if read(session) is not None else "empty",
        narrows=lambda patterns: narrowing and all(pattern.can_fail() for pattern in patterns),
    )


def _least_key(name, read, parse):
    def holds(session, least):
        found = read(session)
        return found is not None and found >= least

    return Key(
        name,
        parse=parse,
        holds=holds,
        describe=lambda session: "none" if read(session) is None else f"{read(session):g}",
        narrows=lambda least: least > 0,
    )


def _flag_key(name, read, narrowing):
    return Key(
        name,
        parse=values.flag,
        holds=lambda session, wanted: read(session) is wanted,
        describe=lambda session: str(read(session)).lower(),
        narrows=lambda wanted: narrowing and wanted,
    )


def _instances(value, option):
    return tuple(values.whole(each, option, minimum=1) for each in values.members(value, option))


def _holder(value, option):
    wanted = values.mapping(value, option)
    unknown = sorted(map(str, set(wanted) - {"inst_id", "sid"}))
    if unknown or "sid" not in wanted:
        raise BadOption(option, "it takes sid, and inst_id where there are instances; nothing else.")
    return {name: values.whole(wanted[name], f"{option}.{name}", minimum=1) for name in wanted}


def _blocked_by_key():
    return Key(
        "blocked_by",
        parse=_holder,
        holds=lambda session, wanted: (
            bool(session.blocked_by) and all(session.blocked_by.get(name) == wanted[name] for name in wanted)
        ),
        describe=lambda session: f"session {session.blocked_by['sid']}" if session.blocked_by else "nobody",
        narrows=lambda wanted: True,
    )


def _of(field, name):
    return lambda session: (getattr(session, field) or {}).get(name)


def _of_blocker(name):
    return lambda session: session.blocking[name] if session.blocks() else None


KEYS = {
    key.name: key
    for key in [
        *(_text_key(name, folded=True) for name in ("username", "schema", "service", "resource_group")),
        _text_key("container", folded=True, narrowing=False),
        *(_text_key(name) for name in ("os_user", "machine", "client_address", "program", "module", "action")),
        *(_text_key(name) for name in ("client_identifier", "client_info", "server", "sql_id", "event", "wait_class")),
        *(_text_key(name, narrowing=False) for name in ("status", "command", "type")),
        _text_key("sql_text"),
        _text_key("locked_object", read=lambda session: session.locked_objects or []),
        Key(
            "inst_id",
            parse=_instances,
            holds=lambda session, wanted: session.inst_id in wanted,
            describe=lambda session: str(session.inst_id),
            narrows=lambda wanted: False,
        ),
        _least_key("idle", lambda session: session.idle_seconds, values.seconds),
        _least_key("active", lambda session: session.active_seconds, values.seconds),
        _least_key("sql_active", lambda session: session.sql_active_seconds, values.seconds),
        _least_key("logon_age", lambda session: session.logon_seconds, values.seconds),
        _least_key("transaction_age", _of("transaction", "age_seconds"), values.seconds),
        _least_key("undo_records", _of("transaction", "undo_records"), values.whole),
        _least_key("temp_mb", lambda session: session.temp_mb, values.whole),
        _least_key("pga_mb", lambda session: session.pga_mb, values.whole),
        _least_key("waiters", _of_blocker("waiters"), values.whole),
        _least_key("blocking_for", _of_blocker("longest_seconds"), values.seconds),
        _flag_key("in_transaction", lambda session: session.transaction is not None, narrowing=False),
        _flag_key("blocking", lambda session: session.blocks(), narrowing=True),
        _flag_key("blocked", lambda session: session.blocked_by is not None, narrowing=True),
        _flag_key(
            "root_blocker",
            lambda session: session.blocks() and session.blocking["root"],
            narrowing=True,
        ),
        _blocked_by_key(),
    ]
}


@dataclass(frozen=True)
class Condition:
    key: Key
    operand: Any
    written: Any

    def holds(self, session):
        return self.key.holds(session, self.operand)

    def miss(self, session):
        """Why the session does not fit, for people."""
        return f"{self.key.name} is {self.key.describe(session)}, the rule wants {values.shown(self.written)}"


@dataclass(frozen=True)
class Match:
    """All conditions of one dictionary; they hold together or not at all."""

    conditions: tuple

    def fits(self, session):
        return self.first_miss(session) is None

    def first_miss(self, session):
        """The first condition that does not hold, or None."""
        return next((each for each in self.conditions if not each.holds(session)), None)

    def narrows(self):
        return any(each.key.narrows(each.operand) for each in self.conditions)

    def keys(self):
        keys = {each.key.name for each in self.conditions}
        nested = any(each.key.name == "blocked_by" and "inst_id" in each.operand for each in self.conditions)
        return keys | ({"inst_id"} if nested else set())

    def is_about_user(self, name):
        """Whether it can fit sessions of this one user only."""
        return any(
            each.key.name == "username" and name and all(pattern.is_exactly(name) for pattern in each.operand)
            for each in self.conditions
        )

    def names_killed(self):
        return any(
            each.key.name == "status" and any(pattern.written == "killed" for pattern in each.operand)
            for each in self.conditions
        )

    def __str__(self):
        return ", ".join(f"{each.key.name}: {values.shown(each.written)}" for each in self.conditions)


def parse_match(raw, option="match"):
    """The Match of a raw dictionary; raises BadOption for anything that is not plainly a condition."""
    conditions = []
    values.refuse_null(values.mapping(raw, option), f"{option}.")
    for name, value in raw.items():
        key = KEYS.get(name)
        if key is None:
            raise BadOption(f"{option}.{name}", f"there is no such key; the keys are {', '.join(sorted(KEYS))}.")
        conditions.append(Condition(key, key.parse(value, f"{option}.{name}"), value))
    return Match(tuple(conditions))


def parse_matches(raw, option):
    """The Matches of a list of dictionaries, or of one dictionary."""
    members = values.members(raw, option)
    return tuple(parse_match(each, f"{option}[{index}]") for index, each in enumerate(members))
