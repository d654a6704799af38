# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""A rule: which sessions are meant, how many of them, and what may be lifted. Parsed once, strictly. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from . import values
from .guard import LIFTABLE
from .match import Match, parse_match, parse_matches
from .plan import DISCONNECT, KILL
from .session import FIELDS, IDENTITY, Session
from .values import BadOption

PICKS = ("all", "oldest", "newest", "longest_idle")
_ORDERED_BY = {"oldest": "logon_age", "newest": "logon_age", "longest_idle": "idle"}
GROUPS = ("username", "program", "machine", "service")
# What the fields of a saved row may be, besides null; a field that is not named here is a text.
_NUMBER = (int, float)
_FIELD_KINDS = {
    **dict.fromkeys(
        ("idle_seconds", "active_seconds", "sql_active_seconds", "logon_seconds", "temp_mb", "pga_mb"), _NUMBER
    ),
    **dict.fromkeys(("inst_id", "serial", "client_port"), _NUMBER),
    **dict.fromkeys(("own", "oracle_maintained"), (bool,)),
    "sql_exec_id": (str, int),
    "sid": (object,),
    "locked_objects": (list, tuple),
    "process": (dict,),
    "coordinator": {"inst_id": _NUMBER, "sid": _NUMBER},
    "transaction": {"age_seconds": _NUMBER, "undo_records": _NUMBER},
    "blocked_by": {"inst_id": _NUMBER, "sid": _NUMBER},
    "blocking": {"waiters": _NUMBER, "longest_seconds": _NUMBER, "root": (bool,)},
}
# What the guards must know of a session before a plan may speak of it.
_GUARDED_BY = ("type", "own", "oracle_maintained", "username", "module", "status", "coordinator")
# What Ansible writes over secrets; an identity that holds it is not the identity any more.
_MASKS = ("********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")


# What a rule may say where no database is asked: the plan filter and policies.
RULE_OPTIONS = (
    *("match", "exclude", "pick", "limit", "keep", "per"),
    *("max_sessions", "max_percent", "max_rollback_records", "protect", "allow"),
)


@dataclass(frozen=True)
class Wanted:
    """A session asked for by identity: `seen` is its row where a saved result was given."""

    sid: int
    serial: int | None = None
    inst_id: int | None = None
    seen: Session | None = None


@dataclass(frozen=True)
class Origin:
    """The database that saved rows came from, and how old they may be, in seconds."""

    database: dict
    max_age: float


@dataclass(frozen=True)
class Rule:
    match: Match | None = None
    exclude: tuple = ()
    pick: str = "all"
    limit: int | None = None
    keep: int | None = None
    per: str | None = None
    max_sessions: int = 20
    max_percent: float | None = None
    max_rollback_records: int | None = None
    protect: tuple = ()
    allow: frozenset = frozenset()
    wanted: tuple = ()
    origin: Origin | None = None
    closed: frozenset = frozenset()
    # Sessions that an earlier call has told to end: what they did before is not asked of them again.
    under_way: frozenset = frozenset()

    def asked_of(self, session):
        """The match that this session must satisfy, or None: one that we have killed does nothing any more."""
        return None if session.killed and session.identity in self.under_way else self.match

    @property
    def named(self):
        """Whether sessions were asked for by identity, rather than by what they do."""
        return bool(self.wanted) or self.origin is not None

    def matches(self):
        return ((self.match,) if self.match else ()) + self.exclude + self.protect

    def needs(self):
        """What must be readable to answer this rule: pairs of the option that needs it and the match key."""
        needed = [(key, key) for match in self.matches() for key in sorted(match.keys())]
        needed += [("pick", _ORDERED_BY[self.pick])] if self.pick in _ORDERED_BY else []
        needed += [("per", self.per)] if self.per else []
        needed += [("max_rollback_records", "undo_records")] if self.max_rollback_records is not None else []
        return needed

    def keys(self):
        return {key for _option, key in self.needs()}

    def matching(self, session):
        """The match keys that this session is asked again right before its statement."""
        asked = self.asked_of(session)
        return asked.keys() if asked else frozenset()

    def sparing(self):
        """The match keys by which sessions are left alone."""
        return frozenset().union(*(each.keys() for each in self.exclude + self.protect))


def parse_rule(options, acting=True):
    """The Rule of a module's own options, None standing for an option that was not given.

    A rule to act on must say which sessions it means; a listing may go without.
    """
    given = {name: value for name, value in options.items() if value is not None}
    wanted, origin = _target(given)
    rows = given["sessions"]["sessions"] if origin else []
    if acting and not wanted and origin is None and "match" not in given:
        raise BadOption("match", "say which sessions are meant: give sid, sessions or match.")
    pick = given.get("pick", "all")
    if wanted or origin:
        for name in ("limit", "keep", "per", *(("pick",) if pick != "all" else ())):
            if name in given:
                raise BadOption(
                    name,
                    "it picks among the sessions that a match fits; sid and sessions name theirs, so leave it out.",
                )
    per = given.get("per")
    if pick not in PICKS:
        raise BadOption("pick", f"{values.shown(pick)} is not a way to pick; use one of {', '.join(PICKS)}.")
    if per is not None and per not in GROUPS:
        raise BadOption("per", f"{values.shown(per)} is not something to group by; use one of {', '.join(GROUPS)}.")
    if ("keep" in given) != (per is not None):
        raise BadOption(
            "keep", "keep and per go together: keep is how many to leave alone, per says of what, such as username."
        )
    return Rule(
        match=parse_match(given["match"]) if "match" in given else None,
        exclude=_matches(given, "exclude"),
        pick=pick,
        limit=_count(given, "limit", minimum=1),
        keep=_count(given, "keep"),
        per=per,
        max_sessions=_count(given, "max_sessions", default=20),
        max_percent=_percent(given),
        max_rollback_records=_count(given, "max_rollback_records"),
        protect=_matches(given, "protect"),
        allow=_allow(given),
        wanted=wanted,
        origin=origin,
        closed=_closed(given),
        under_way=frozenset(Session.from_row(row).identity for row in rows if _told_to_end(row)),
    )


def _told_to_end(row):
    """Whether the row of an acting module is that of a session which has been told to end and was still there."""
    return row.get("verb") in (KILL, DISCONNECT) and row.get("outcome") in ("pending", "rolling_back")


def _matches(given, name):
    # An empty list is how Ansible says "not given"; any other empty value is a variable that came out empty.
    return parse_matches(given[name], name) if given.get(name, []) != [] else ()


def _count(given, name, minimum=0, default=None):
    return values.whole(given[name], name, minimum) if name in given else default


def _percent(given):
    if "max_percent" not in given:
        return None
    percent = values.whole(given["max_percent"], "max_percent", minimum=1)
    if percent > 100:
        raise BadOption("max_percent", f"{percent} is more than all sessions; write 1 to 100.")
    return percent


def _allow(given):
    names = given.get("allow") or []
    for name in values.members(names, "allow") if names else []:
        if name not in LIFTABLE:
            raise BadOption(
                "allow", f"{values.shown(name)} is not a guard that can be lifted; those are {', '.join(LIFTABLE)}."
            )
    return frozenset([names] if isinstance(names, str) else names)


def _target(given):
    """What was asked for by identity: the Wanted sessions and, for saved rows, their Origin."""
    if "sid" in given and "sessions" in given:
        raise BadOption("sessions", "it cannot be combined with sid; give one of them.")
    for name in ("serial", "inst_id"):
        if name in given and "sid" not in given:
            raise BadOption(name, "it says which sid is meant; give sid as well.")
    if "sid" in given:
        wanted = Wanted(
            sid=values.whole(given["sid"], "sid", minimum=1),
            serial=_count(given, "serial", minimum=1),
            inst_id=_count(given, "inst_id", minimum=1),
        )
        return (wanted,), None
    if "sessions" in given:
        return _saved(given["sessions"], values.seconds(given.get("sessions_max_age", 3600), "sessions_max_age"))
    return (), None


def _saved(result, max_age):
    if not isinstance(result, dict) or "sessions" not in result or not isinstance(result.get("database"), dict):
        raise BadOption(
            "sessions",
            "give a registered result of session_info, or a dictionary with its rows as sessions and its database.",
        )
    rows = saved_rows(result["sessions"], "sessions")
    wanted = tuple(Wanted(sid=row.sid, serial=row.serial, inst_id=row.inst_id, seen=row) for row in rows)
    return wanted, Origin(dict(result["database"]), max_age)


def saved_rows(rows, option, whole=False):
    """The sessions of saved rows; rows that are masked, tampered with or without an identity are refused.

    A `whole` row also holds what the guards must know.
    """
    if not isinstance(rows, (list, tuple)):
        raise BadOption(option, f"{values.shown(rows)} is not a list of rows; give those of a session_info result.")
    sessions: dict[tuple, Session] = {}
    for index, row in enumerate(rows):
        where = f"{option}[{index}]"
        if not isinstance(row, dict) or any(name not in row for name in IDENTITY + (_GUARDED_BY if whole else ())):
            raise BadOption(
                where,
                "it lacks the identity of its session; give rows of session_info, or of an acting module run with detail: full.",
            )
        for name, value in row.items():
            _check_field(value, _FIELD_KINDS.get(name, (str,)) if name in FIELDS else (object,), f"{where}.{name}")
        sid = values.whole(row["sid"], f"{where}.sid", minimum=1)
        session = Session.from_row({**row, "sid": sid})
        sessions.setdefault(session.identity, session)
    return list(sessions.values())


def _check_field(value, kinds, where):
    if isinstance(value, str) and any(mask in value for mask in _MASKS):
        raise BadOption(
            where,
            "Ansible masked it, as it holds a secret's text, so the session cannot be recognised; list the sessions with another password or user.",
        )
    if value is None:
        return
    if isinstance(kinds, dict):
        if not isinstance(value, dict) or not set(kinds) <= set(value):
            raise BadOption(
                where,
                f"{values.shown(value)} is not what session_info returns there; give the rows as they were returned.",
            )
        for name, inner in kinds.items():
            _check_field(value[name], inner, f"{where}.{name}")
    elif not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and kinds != (object,)):
        raise BadOption(
            where, f"{values.shown(value)} is not what session_info returns there; give the rows as they were returned."
        )


def _closed(given):
    """The identities that an earlier rule of the same run has dealt with."""
    return frozenset(session.identity for session in saved_rows(given.get("closed_sessions") or [], "closed_sessions"))
