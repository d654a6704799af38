# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Which sessions a rule picks from a snapshot, and whether the rule still fits one of them later. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .guard import protected_by
from .session import Outcome, Session, moment, restarted
from .values import BadOption

# Outside the sys tenant, OceanBase shows an account without this privilege the sessions of its own user only (server's
# source: ob_show_processlist); taking what it hides for "none" would report the living as gone.
_SHOWING = {"oceanbase_oracle": ("SHOW PROCESS", ""), "oceanbase_mysql": ("PROCESS", " ON *.*")}


# How far the clocks of a cluster's nodes may lie apart, in seconds, before a listing from the future is refused.
_CLOCK_TOLERANCE = 60.0


@dataclass
class Selection:
    """`picked`: sessions to be judged by the guards; `settled`: asked for by identity, and already decided;
    `spared`: everybody else, each with the reason; `matched`: how many fit before keep, pick and limit.
    """

    picked: list = field(default_factory=list)
    settled: list = field(default_factory=list)
    spared: list = field(default_factory=list)
    matched: int = 0
    warnings: list = field(default_factory=list)


def select(snapshot, rule, listing=False):
    """The Selection of a rule; raises BadOption when the snapshot cannot answer it.

    A listing shows killed sessions like any other, a rule that acts passes them by.
    """
    require(snapshot, rule, listing)
    if rule.origin:
        _same_database(rule.origin, snapshot.database)
    selection = Selection()
    if listing and not _sees_all(snapshot):
        selection.warnings.append(f"login_user: {_hidden(snapshot)}.")
    if rule.named:
        _by_identity(snapshot, rule, selection, listing)
    else:
        _by_rule(snapshot, rule, selection, listing)
    return selection


def require(snapshot, rule, listing=False):
    """Refuses a rule that needs what could not be read: unknown is neither true nor false."""
    for option, key in rule.needs():
        if key in snapshot.unavailable:
            what = "it" if option == key else f"{key}, which it needs,"
            reason = snapshot.unavailable[key]
            raise BadOption(option, f"{what} cannot be seen here ({reason}); leave it out, or mend that.")
    if not (listing or rule.named or _sees_all(snapshot) or rule.match.is_about_user(_own_user(snapshot))):
        raise BadOption("login_user", f"{_hidden(snapshot)}; or limit the rule to username: {_own_user(snapshot)}.")
    if (
        snapshot.database.get("all_containers")
        and rule.match
        and not rule.named
        and "container" not in rule.match.keys()
    ):
        raise BadOption(
            "match.container",
            "this login sees the sessions of every container; name the one that is meant, or '*' for all of them.",
        )


def _sees_all(snapshot):
    return snapshot.database.get("all_users") is not False


def _hidden(snapshot):
    privilege, everywhere = _SHOWING[snapshot.database["dialect"]]
    return (
        f"it lacks the privilege {privilege}, so the server hides the sessions of other users: "
        f"GRANT {privilege}{everywhere} TO it"
    )


def _own_user(snapshot):
    return next((session.username for session in snapshot.sessions if session.own), None)


def _by_rule(snapshot, rule, selection, listing):
    fitting = []
    ambiguous = {} if listing else ambiguous_ids(snapshot.sessions)
    for session in snapshot.sessions:
        reason = _spares(rule, session, listing) or ambiguous.get(session.place)
        if reason is None:
            fitting.append(session)
        else:
            selection.spared.append((session, reason))
    selection.matched = len(fitting)
    kept = _kept(fitting, rule)
    left = [session for session in fitting if id(session) not in kept]
    ordered = sorted(left, key=_order(rule.pick))
    selection.picked = ordered[: rule.limit]
    selection.spared += [
        (session, f"kept: one of the {rule.keep} most recently used of its {rule.per}")
        for session in fitting
        if id(session) in kept
    ]
    selection.spared += [(session, f"beyond the limit of {rule.limit}") for session in ordered[len(selection.picked) :]]


def ambiguous_ids(sessions):
    """Why a statement for a session would end another one as well, by the places that several of these sessions share.

    Two proxies of OceanBase that were given the same number hand out the same ids.
    """
    found = defaultdict(list)
    for session in sessions:
        found[session.place].append(session)
    return {
        place: "its id does not name it alone: " + " and ".join(map(_who, members)) + " have it, and would end together"
        for place, members in found.items()
        if len(members) > 1
    }


def _spares(rule, session, listing):
    """Why the rule leaves the session alone, or None."""
    if session.type != "user":
        return f"a {session.type} session, never picked by a rule"
    if session.identity in rule.closed:
        return "an earlier rule of this run has dealt with it"
    if session.killed and not listing and not (rule.match and rule.match.names_killed()):
        return "already killed; a rule sees such sessions only when it names status: killed"
    miss = rule.match.first_miss(session) if rule.match else None
    if miss:
        return miss.miss(session)
    return _excluded(rule, session)


def _excluded(rule, session):
    entry = next((each for each in rule.exclude if any(map(each.fits, session.parts))), None)
    return f"excluded by {entry}" if entry else None


def _kept(fitting, rule):
    if not rule.keep:
        return set()
    groups = defaultdict(list)
    for session in fitting:
        groups[getattr(session, rule.per)].append(session)
    kept: set[int] = set()
    for members in groups.values():
        members.sort(key=lambda each: (each.idle_seconds or 0.0, *_ties(each)))
        kept.update(id(each) for each in members[: rule.keep])
    return kept


def _order(pick):
    if pick == "oldest":
        return lambda each: (-(each.logon_seconds or 0.0), *_ties(each))
    if pick == "newest":
        return lambda each: (each.logon_seconds or 0.0, *_ties(each))
    if pick == "longest_idle":
        return lambda each: (-(each.idle_seconds or 0.0), *_ties(each))
    return _ties


def _ties(session):
    return session.logon_time or "", session.inst_id or 0, session.sid


def _by_identity(snapshot, rule, selection, listing):
    ambiguous = {} if listing else ambiguous_ids(snapshot.sessions)
    for wanted in rule.wanted:
        found = _find(snapshot, wanted)
        if found is None:
            selection.settled.append(_gone(snapshot, wanted, selection))
            continue
        asked = rule.asked_of(found)
        miss = asked.first_miss(found) if asked else None
        reason = miss.miss(found) if miss else _excluded(rule, found)
        if wanted.seen and asked and not reason:
            reason = _interrupted(rule, wanted.seen, found)
        if found.identity in rule.closed:
            reason = "an earlier rule of this run has dealt with it"
        if reason:
            selection.settled.append(Outcome(found).settle("skipped", reason))
        elif found.place in ambiguous:
            selection.settled.append(Outcome(found).settle("refused", ambiguous[found.place]))
        else:
            selection.matched += 1
            selection.picked.append(found)


def _find(snapshot, wanted):
    at = _at(snapshot, wanted)
    if wanted.seen is not None:
        return next((each for each in at if each.identity == wanted.seen.identity), None)
    at = [each for each in at if wanted.serial is None or each.serial in (None, wanted.serial)]
    if wanted.inst_id is None and len(snapshot.database.get("instances") or ()) > 1:
        found = ", ".join(str(each.inst_id) for each in at) or "none of them"
        raise BadOption(
            "inst_id",
            f"several instances are open, each with sids of its own; session {wanted.sid},{wanted.serial} exists on {found}: say which one is meant.",
        )
    return at[0] if at else None


def _at(snapshot, wanted):
    return [each for each in snapshot.sessions if each.sid == wanted.sid and wanted.inst_id in (None, each.inst_id)]


def _gone(snapshot, wanted, selection):
    holders = _at(snapshot, wanted)
    if holders and not holders[0].own:
        selection.warnings.append(
            f"Session {wanted.sid} is gone; its sid now belongs to {_who(holders[0])}, which was left alone."
        )
    elsewhere = [] if wanted.seen else [each for each in snapshot.sessions if _same_number_elsewhere(each, wanted)]
    if elsewhere:
        selection.warnings.append(
            f"inst_id: there is no session {wanted.sid},{wanted.serial} on instance {wanted.inst_id}, but there is "
            f"{_who(elsewhere[0])}, which was left alone."
        )
    session = wanted.seen or Session(sid=wanted.sid, serial=wanted.serial, inst_id=wanted.inst_id, status=None)
    if not _sees_all(snapshot) and session.username != _own_user(snapshot):
        return Outcome(session).settle(
            "failed", f"it is not listed, but that may mean nothing; login_user: {_hidden(snapshot)}"
        )
    return Outcome(session).settle("gone", f"no such session when looked at{_as_seen_from(snapshot.database)}")


def _as_seen_from(database):
    """A pluggable database of Oracle shows its own sessions only."""
    container = database.get("container")
    if not str(database.get("dialect")).startswith("oracle") or container in (None, "CDB$ROOT", database.get("name")):
        return ""
    return f" from container {container}, which does not show the sessions of other containers"


def _same_number_elsewhere(session, wanted):
    """Whether it would be the one that is asked for if it were on that instance."""
    return (session.sid, session.serial) == (wanted.sid, wanted.serial) and session.inst_id != wanted.inst_id


def _who(session):
    origin = session.machine or session.client_address or "an unknown machine"
    return f"session {session.name()} of {session.username or 'no user'} from {origin}"


def _same_database(origin, database):
    """Refuses rows of another database, of an earlier life of this one, or too old to act on."""
    for name in ("dialect", "dbid", "name", "container"):
        if origin.database.get(name) != database.get(name):
            raise BadOption(
                "sessions",
                f"they were listed in another database ({name} {origin.database.get(name)}, here {database.get(name)}); list them here first.",
            )
    try:
        taken, restart = moment(origin.database.get("taken_at")), restarted(origin.database, database)
    except (TypeError, ValueError) as error:
        raise BadOption(
            "sessions",
            f"their database holds a time that is none ({error}); give the result of session_info as it was returned.",
        ) from error
    if bool(database.get("startup_time")) != bool(origin.database.get("startup_time")):
        raise BadOption(
            "sessions", "their database lacks startup_time; give the result of session_info as it was returned."
        )
    if restart:
        raise BadOption(
            "sessions",
            f"the instance was restarted at {database['startup_time']}, so its session ids mean others now; list them again.",
        )
    if taken is None:
        raise BadOption(
            "sessions",
            "their database lacks taken_at, so their age is unknown; give the result of session_info as it was returned.",
        )
    age = (moment(database["taken_at"]) - taken).total_seconds()
    if age < -_CLOCK_TOLERANCE:
        raise BadOption("sessions", f"they were listed {-age:.0f} s in the future of this database; list them again.")
    if age > origin.max_age:
        raise BadOption(
            "sessions",
            f"they were listed {age:.0f} s ago, longer than sessions_max_age ({origin.max_age:.0f} s); list them again.",
        )


def changed_since(rule, seen, now, cancelling=False):
    """What has changed between look and act so that the session must be left alone, or None.

    The whole rule is asked again, and beyond it: an idle session must have stayed idle all the time, and what ran
    must be the same execution still, because the next statement is not the one that was matched.
    """
    if now.killed and not seen.killed:
        return "somebody else has killed it meanwhile"
    asked = rule.asked_of(seen)
    miss = asked.first_miss(now) if asked else None
    if miss:
        return f"it changed before its turn came: {miss.miss(now)}"
    excluded = _excluded(rule, now)
    if excluded:
        return f"it changed before its turn came: {excluded}"
    held = protected_by(now, rule)
    if held:
        return f"it changed before its turn came: {held[1]}"
    return _interrupted(rule, seen, now, cancelling) if asked or cancelling else None


def _interrupted(rule, seen, now, cancelling=False):
    """Why what the session was doing when it was seen is over, where the rule is about that; or None."""
    keys = rule.match.keys() if rule.match else set()
    if "idle" in keys and (now.idle_seconds is None or now.idle_seconds < (seen.idle_seconds or 0.0)):
        return "it has run something since it was matched"
    if (cancelling or keys & {"active", "sql_active", "sql_id", "sql_text"}) and not _same_execution(seen, now):
        return "it runs another statement by now, or none"
    return None


def _same_execution(seen, now):
    return seen.execution == now.execution and (now.active_seconds or 0.0) >= (seen.active_seconds or 0.0)
