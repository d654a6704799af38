# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Values as people write them: durations, counts, ids and text. Pure; knows neither Ansible nor a database."""

from __future__ import annotations

import math
import re

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", re.ASCII)
# A hundred years, in seconds: beyond it a duration is a slip, and timers and the server's own settings overflow.
_LONGEST = 100 * 366 * 86400
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# Longer ones are no id and no count, and Python refuses to convert some thousand digits.
_WHOLE = re.compile(r"[0-9]{1,40}", re.ASCII)
_NULL = "it is null, most often a variable that came out empty; give it a value or leave the key out."
# What `omit` leaves behind where Ansible does not remove it, as in the arguments of a filter on ansible-core up to 2.18.
_OMITTED = "__omit_place_holder__"


class BadOption(Exception):
    """An option that cannot be used as given: one sentence with the option's name and the cure."""

    def __init__(self, option, sentence):
        super().__init__(f"{option}: {sentence}")
        self.option = option


def whole(value, option, minimum=0):
    """An integer of at least `minimum`.

    Stricter than Ansible's own int, which takes true, "3_0", "1e2" and 30.0: a session id that was
    guessed from such a value belongs to somebody else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        number = int(value)
    elif isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(value)
    else:
        raise BadOption(option, f"{shown(value)} is not a whole number; write digits only, such as 30.")
    if number < minimum:
        raise BadOption(option, f"{number} is too small; the smallest is {minimum}.")
    return number


def seconds(value, option):
    """A duration in seconds, from a number or from text such as 90, 90s, 15m, 2h, 1.5d."""
    number = math.nan
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LONGEST):
        number = float(value)
    elif isinstance(value, str):
        written = _DURATION.fullmatch(value)
        if written:
            number = float(written[1]) * _UNITS[written[2]]
    if 0 <= number <= _LONGEST:
        return number
    raise BadOption(
        option, f"{shown(value)} is not a duration; write seconds or a number with s, m, h or d, such as 90, 15m or 2h."
    )


def text(value, option):
    """A text that says something."""
    if value is None:
        raise BadOption(option, _NULL)
    if not isinstance(value, str):
        raise BadOption(option, f"{shown(value)} is not text; put it in quotes.")
    if not value.strip():
        raise BadOption(
            option, "it is empty, most often a variable that came out empty; give it a value or leave the key out."
        )
    if value.startswith(_OMITTED):
        raise BadOption(
            option, "it was omitted inside a dictionary, which would drop the condition; leave the key out instead."
        )
    return str(value)


def flag(value, option):
    """A real boolean: a text that only looks like one may come from a template gone wrong."""
    if isinstance(value, bool):
        return value
    raise BadOption(option, f"{shown(value)} is not a boolean; write true or false, without quotes.")


def mapping(value, option):
    """A dictionary with text keys and at least one entry."""
    if not isinstance(value, dict):
        raise BadOption(option, f"{shown(value)} is not a dictionary; write one key and value per condition.")
    for key in value:
        if not isinstance(key, str):
            raise BadOption(option, f"its key {shown(key)} is not text; keys are names.")
    if not value:
        raise BadOption(
            option,
            "it is empty, most often a variable that came out empty; give it a condition or leave the option out.",
        )
    return value


def refuse_null(options, prefix=""):
    """Refuses options that are null where leaving them out would mean something else."""
    for name, value in options.items():
        if value is None:
            raise BadOption(f"{prefix}{name}", _NULL)


def members(value, option):
    """The members of a list, or a single value as a list of one; commas never split."""
    if not isinstance(value, (list, tuple)):
        return [value]
    if not value:
        raise BadOption(
            option, "it is an empty list, which would fit nothing or everything; give it a member or leave the key out."
        )
    return list(value)


def shown(value):
    """The value as a message shows it, cut to a readable length."""
    written = repr(str(value)) if isinstance(value, str) else str(value)
    return written if len(written) <= 60 else written[:57] + "..."
