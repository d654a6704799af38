# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Which server processes are meant: the options, read strictly. Pure.

This package runs on database hosts, with whatever Python they have: the standard library alone, the syntax of
Python 3.6, and nothing else of this collection.
"""

import math
import re
from typing import NamedTuple, Optional

TERM, KILL = "TERM", "KILL"
DEDICATED = "dedicated"

_LONGEST = 100 * 366 * 86400
# The largest that Linux can be told to use.
_LARGEST_PID = 2**22
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_WHOLE = re.compile(r"[0-9]{1,40}", re.ASCII)
_SID = re.compile(r"[A-Za-z0-9_$#]{1,64}", re.ASCII)
_MASKS = ("********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
# A pattern that fits these fits any name.
_ANY_NAMES = ("", "QXZJVKWQ", "zq_0 j#w@", "8675309142")
# What tells people which session a process belongs to; nothing is decided by it.
ECHOED = ("inst_id", "sid", "serial", "username")


class BadOption(Exception):
    """An option that cannot be used as given: one sentence with the option's name and the cure."""

    def __init__(self, option, sentence):
        super().__init__(f"{option}: {sentence}")


class Target(NamedTuple):
    """A process as the database told of it. Without `logon_seconds` its age proves nothing."""

    spid: int
    oracle_sid: str
    logon_seconds: Optional[float] = None
    looked_seconds_ago: float = 0.0
    kind: Optional[str] = DEDICATED
    host: Optional[str] = None
    session: dict = {}

    def named(self):
        """As messages name it: process 3859 of SHOP, session 30,15,@1 TEST."""
        known = self.session
        session = "".join(
            f"{mark}{known[name]}" for name, mark in (("sid", ""), ("serial", ","), ("inst_id", ",@")) if name in known
        )
        words = [session and f"session {session}", str(known.get("username", ""))]
        return ", ".join(filter(None, [f"process {self.spid} of {self.oracle_sid}", " ".join(filter(None, words))]))


class Request(NamedTuple):
    """What a call of the module asks for."""

    targets: list
    signals: tuple
    grace: float
    patterns: tuple = ()
    owner: Optional[str] = None


def parse_request(options):
    """The Request of the module's options; None stands for one that was not given."""
    given = {name: value for name, value in options.items() if value is not None}
    if ("processes" in given) == ("spid" in given):
        raise BadOption("processes", "say which processes are meant: give processes, or spid and oracle_sid.")
    if "processes" in given:
        for name in ("oracle_sid", "logon_seconds"):
            if name in given:
                raise BadOption(name, "it belongs to spid; with processes, each of them has its own.")
        rows = given["processes"]
        if not isinstance(rows, list):
            raise BadOption("processes", f"{_shown(rows)} is not a list; give the process of result rows, as a list.")
        targets = [_target(row, f"processes[{index}]") for index, row in enumerate(rows)]
    else:
        if "oracle_sid" not in given:
            raise BadOption("oracle_sid", "it is missing; name the instance that the process belongs to.")
        row = {name: given[name] for name in ("spid", "oracle_sid", "logon_seconds") if name in given}
        targets = [_target(row, "")]
    return Request(
        targets=targets,
        signals=_signals(given.get("signals", [TERM, KILL])),
        grace=_seconds(given.get("grace", 30), "grace"),
        patterns=_patterns(given["process_pattern"]) if "process_pattern" in given else (),
        owner=_text(given["owner"], "owner") if "owner" in given else None,
    )


def _target(row, where):
    """One row; where there is none, its values are the module's own options."""
    if not isinstance(row, dict):
        raise BadOption(where, f"{_shown(row)} is not a dictionary; give the process of a result row.")
    inside = f"{where}." if where else ""
    for name, value in row.items():
        if isinstance(value, str) and any(mask in value for mask in _MASKS):
            raise BadOption(
                f"{inside}{name}", "Ansible masked it, as it holds a secret's text; list sessions with another user."
            )
    for name in ("spid", "oracle_sid") + ("logon_seconds",) * bool(where):
        if row.get(name) is None:
            raise BadOption(f"{inside}{name}", "it is missing; give spid, oracle_sid and logon_seconds, as results do.")
    for name in ("logon_seconds", "looked_seconds_ago"):
        if name in row and row[name] is None:
            raise BadOption(f"{inside}{name}", "it is null; give a number of seconds.")
    oracle_sid = row["oracle_sid"]
    if not isinstance(oracle_sid, str) or not _SID.fullmatch(oracle_sid):
        raise BadOption(
            f"{inside}oracle_sid",
            f"{_shown(oracle_sid)} is not the name of a database instance; write letters, digits and _ $ #.",
        )
    for name in ("kind", "host"):
        if not isinstance(row.get(name), (str, type(None))):
            raise BadOption(f"{inside}{name}", f"{_shown(row[name])} is not text; give it as results do.")
    ages = {
        name: _seconds(row[name], f"{inside}{name}") for name in ("logon_seconds", "looked_seconds_ago") if name in row
    }
    return Target(
        spid=_spid(row["spid"], f"{inside}spid"),
        oracle_sid=oracle_sid,
        kind=row.get("kind", DEDICATED),
        host=row.get("host") or None,
        session={name: row[name] for name in ECHOED if row.get(name) is not None},
        **ages,
    )


def _spid(value, option):
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise BadOption(option, f"{_shown(value)} is not the id of a process; write digits only, such as 3859.")
    if not 1 <= int(text) <= _LARGEST_PID:
        raise BadOption(option, f"{_shown(value)} is not the id of a process; they go from 1 to {_LARGEST_PID}.")
    return int(text)


def _seconds(value, option):
    number = math.nan
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LONGEST):
        number = float(value)
    elif isinstance(value, str):
        written = _DURATION.fullmatch(value)
        if written:
            number = float(written.group(1)) * _UNITS[written.group(2)]
    if 0 <= number <= _LONGEST:
        return number
    raise BadOption(
        option, f"{_shown(value)} is not a duration; write seconds or a number with s, m, h or d, such as 90 or 15m."
    )


def _signals(names):
    if tuple(names) not in ((TERM,), (KILL,), (TERM, KILL)):
        raise BadOption("signals", f"{_shown(names)} cannot be used; write [TERM], [KILL] or [TERM, KILL].")
    return tuple(names)


def _text(value, option):
    if not isinstance(value, str) or not value.strip():
        raise BadOption(option, f"{_shown(value)} is no text; write one, in quotes, or leave the option out.")
    return value


def _patterns(value):
    """What the whole name must fit: text with the wildcards * and ?, or after ~ a regular expression."""
    patterns = []
    for written in value if isinstance(value, list) and value else [value]:
        text = _text(written, "process_pattern")
        if not text.startswith("~"):
            text = "~" + "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)
        try:
            pattern = re.compile(text[1:], re.DOTALL)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadOption(
                "process_pattern", f"{_shown(written)} is not a regular expression ({error}); mend it, or drop the ~."
            ) from error
        if any(pattern.fullmatch(name) for name in _ANY_NAMES):
            raise BadOption("process_pattern", f"{_shown(written)} fits any process; write what the name begins with.")
        patterns.append(pattern)
    return tuple(patterns)


def _shown(value):
    written = repr(str(value)) if isinstance(value, str) else str(value)
    return written if len(written) <= 60 else written[:57] + "..."
