# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""From outcomes to results that a person can read and a machine can use. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .guard import protected_by
from .plan import CANCEL
from .session import NOT_READ, OUTCOMES
from .values import BadOption

# Victims that a message names one by one.
_NAMED = 10
_COMPACT = ("inst_id", "sid", "serial", "username", "machine", "program", "status")
_TIMES = ("idle_seconds", "active_seconds", "sql_active_seconds", "logon_seconds")


@dataclass
class Report:
    """What end_sessions found and did; the edge turns it into a module's result."""

    database: dict
    matched: int
    outcomes: list
    spared: list
    refusal: BadOption | None = None
    warnings: list = field(default_factory=list)

    @property
    def changed(self):
        return any(
            each.outcome in ("planned", "ended") or (each.outcome in ("pending", "rolling_back") and each.sent)
            for each in self.outcomes
        )

    def counts(self):
        counted = Counter(each.outcome for each in self.outcomes)
        return {name: counted[name] for name in OUTCOMES}

    def rows(self, full=False):
        return [outcome_row(each, full) for each in self.outcomes]

    def failure(self, named, on_pending=None):
        """Why the task fails, as the contract has it; None when it does not."""
        wrong = [each for each in self.outcomes if self._fails(each, named, on_pending)]
        if self.refusal:
            return str(self.refusal)
        if not wrong:
            return None
        return _naming(wrong)

    @staticmethod
    def _fails(each, named, on_pending):
        if each.outcome == "refused":
            return named
        return each.outcome == "failed" or (
            each.outcome in _PENDING and (on_pending or _PENDING[each.outcome]) == "fail"
        )

    def doubts(self, on_pending=None):
        """What the task warns of without failing."""
        left = [
            each
            for each in self.outcomes
            if each.outcome in _PENDING and (on_pending or _PENDING[each.outcome]) == "warn"
        ]
        return self.warnings + ([_naming(left)] if left else [])

    def message(self):
        """A line per victim, then the counts."""
        named = [each for each in self.outcomes if each.outcome != "skipped"] or self.outcomes
        lines = [_line(each) for each in named[:_NAMED]]
        if len(named) > _NAMED:
            lines.append(f"... and {len(named) - _NAMED} more")
        counts = ", ".join(f"{count} {_words(name)}" for name, count in self.counts().items() if count)
        lines.append(f"{self.matched} matched" + (f": {counts}" if counts else "; nothing to do"))
        return "\n".join(lines)

    def diff(self):
        """The sessions before and after, one line each; a cancelled statement's session stays."""
        before = [each for each in self.outcomes if each.outcome != "gone"]
        return {
            "before_header": "sessions",
            "after_header": "sessions",
            "before": "".join(f"{_who(each.session)}{_running(each)}\n" for each in before),
            "after": "".join(
                f"{_who(each.session)}{_running(each)}\n"
                if each.outcome not in ("planned", "ended")
                else f"{_who(each.session)}\n" * (each.verb == CANCEL)
                for each in before
            ),
        }


# What is still there at the deadline, and what that means for the task unless on_pending says otherwise.
_PENDING = {"pending": "fail", "rolling_back": "warn"}


def report(snapshot, selection, outcomes, verb, refusal=None):
    for each in outcomes:
        each.verb = verb
    return Report(
        database=described(snapshot, read_only_what_was_asked=True),
        matched=selection.matched,
        outcomes=outcomes,
        spared=spared_rows(selection.spared),
        refusal=refusal,
        warnings=list(selection.warnings),
    )


def described(snapshot, read_only_what_was_asked=False):
    """The database dictionary of a result, with the match keys that the result cannot answer."""
    unavailable = [
        key for key, reason in snapshot.unavailable.items() if not (read_only_what_was_asked and reason == NOT_READ)
    ]
    return {**snapshot.database, "unavailable": sorted(unavailable)}


def listing(snapshot, selection, rule, chains=None, explain=False, rollbacks=None):
    """The result of a listing; `explain` tells for every session that would be left alone what spares it."""
    rows = []
    for session in selection.picked:
        row = session_row(session)
        if chains is not None:
            row["blockers"] = chains[id(session)]
        if rollbacks is not None:
            row["rollback"] = rollbacks.get(session.identity)
        rows.append(row)
    result = {
        "database": described(snapshot),
        "matched": selection.matched,
        "sessions": rows,
        "counts": _summary(selection.picked),
    }
    if explain:
        held = [(session, protected_by(session, rule, snapshot.unavailable)) for session in selection.picked]
        guarded = [(session, f"{found[0]}: {found[1]}") for session, found in held if found]
        settled = [(each.session, each.reason) for each in selection.settled]
        result["spared"] = spared_rows([*settled, *guarded, *selection.spared])
    return result


def session_row(session):
    row = session.row()
    for name in _TIMES:
        if row[name] is not None:
            row[name] = round(row[name], 3)
    return row


def outcome_row(outcome, full=False):
    """One row of an acting module; compact, because a run may have thousands."""
    row = session_row(outcome.session) if full else {name: getattr(outcome.session, name) for name in _COMPACT}
    row.update(verb=outcome.verb, statement=outcome.statement, outcome=outcome.outcome, reason=outcome.reason)
    for name in ("error", "waited_seconds", "rollback"):
        if getattr(outcome, name) is not None:
            row[name] = getattr(outcome, name)
    if outcome.session.process is not None:
        # What the operating system needs to end it, and that it is as old as its session.
        row["process"] = {**outcome.session.process, "logon_seconds": outcome.session.logon_seconds}
    return row


def spared_rows(spared):
    return [{**{name: getattr(session, name) for name in _COMPACT}, "reason": reason} for session, reason in spared]


def _summary(sessions):
    by_status = Counter(session.status for session in sessions)
    return {
        "sessions": len(sessions),
        **{status: by_status[status] for status in ("active", "inactive", "killed")},
        "in_transaction": sum(1 for session in sessions if session.transaction),
        "blocked": sum(1 for session in sessions if session.blocked_by),
        "blocking": sum(1 for session in sessions if session.blocks()),
    }


def listing_message(counts):
    parts = ", ".join(f"{count} {_words(name)}" for name, count in counts.items() if count and name != "sessions")
    return f"{counts['sessions']} sessions" + (f": {parts}" if parts else "")


def _naming(outcomes):
    """One sentence about the first of them, and how many more there are."""
    first = outcomes[0]
    more = f" (and {len(outcomes) - 1} more)" if len(outcomes) > 1 else ""
    return f"Session {first.session.name()} is {_words(first.outcome)}: {first.reason}{more}."


def _words(name):
    return name.replace("_", " ")


def _line(outcome):
    return f"{_words(outcome.outcome)}: {_who(outcome.session)}" + (
        f" - {outcome.statement}" if outcome.outcome in ("planned", "ended") else f" - {outcome.reason}"
    )


def _who(session):
    return " ".join(
        str(part)
        for part in ("session", session.name(), session.username, session.machine, session.program, session.status)
        if part
    )


def _running(outcome):
    return f" running {outcome.session.sql_id}" if outcome.verb == CANCEL and outcome.session.sql_id else ""
