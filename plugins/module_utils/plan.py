# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What will be sent for each session, statement by statement. Pure: check mode and the plan filter stop here."""

from __future__ import annotations

from dataclasses import dataclass

from . import values
from .session import Outcome
from .values import BadOption

KILL, DISCONNECT, CANCEL = "kill", "disconnect", "cancel"
VERBS = (KILL, DISCONNECT, CANCEL)
# The options that say how a verb is carried out, beside what it is carried out on.
WAY_OPTIONS = {
    KILL: ("immediate", "force", "noreplay", "server_timeout", "allow_undocumented"),
    DISCONNECT: ("post_transaction", "immediate", "noreplay"),
    CANCEL: ("sql_id", "allow_undocumented"),
}


@dataclass(frozen=True)
class Way:
    """How sessions are to be ended: the verb, and what modifies it. What it cannot do a dialect refuses.

    `server_timeout` is how many seconds the server itself waits before it gives up waiting for the session.
    """

    verb: str
    sql_id: str | None = None
    immediate: bool = True
    force: bool = False
    noreplay: bool = False
    post_transaction: bool = False
    server_timeout: int | None = None
    allow_undocumented: bool = False

    @property
    def waits(self):
        """For how many seconds the server may hold its answer back until the session has ended.

        Source: SQL Language Reference, ALTER SYSTEM, kill_session_clause: 60 s, with FORCE 5 s, with IMMEDIATE none.
        """
        if self.verb != KILL:
            return 0
        if self.server_timeout is not None:
            return self.server_timeout
        return 5 if self.force else 0 if self.immediate else 60


def parse_way(verb, options):
    """The Way of a verb and its options, None standing for an option that was not given."""
    given = {name: options[name] for name in WAY_OPTIONS[verb] if options.get(name) is not None}
    for name, value in given.items():
        if name == "server_timeout":
            given[name] = values.whole(value, name, minimum=0)
        elif name == "sql_id":
            given[name] = values.text(value, name)
        else:
            given[name] = values.flag(value, name)
    if verb == DISCONNECT:
        given.setdefault("immediate", not (given.get("post_transaction") or given.get("noreplay")))
        if not (given["immediate"] or given.get("post_transaction") or given.get("noreplay")):
            raise BadOption(
                "immediate", "a disconnect is either immediate or post_transaction; set one of them to true."
            )
    return Way(verb, **given)


def plan(passed, way, dialect):
    """One Outcome per session: with its exact statement, or settled already where there is nothing to send."""
    return [_step(session, way, dialect) for session in passed]


def _step(session, way, dialect):
    step = Outcome(session, verb=way.verb)
    if way.verb == CANCEL:
        if session.active_seconds is None:
            return step.settle("unchanged", "it runs nothing")
        if session.sql_id is None:
            return step.settle("refused", "what it runs has no sql_id, so it cannot be told from the next statement")
        if way.sql_id is not None and session.sql_id != way.sql_id:
            return step.settle("unchanged", f"it runs {session.sql_id}, not {way.sql_id}")
    step.statement = dialect.statement(way, session)
    return step


def check_sql_id(dialect, sql_id):
    """Refuses a sql_id that this dialect cannot have."""
    if sql_id is not None and not dialect.sql_id_form.fullmatch(sql_id):
        raise BadOption(
            "sql_id",
            f"{sql_id!r} is not a sql_id of {dialect.name}; copy it from session_info ({dialect.sql_id_shape}).",
        )
