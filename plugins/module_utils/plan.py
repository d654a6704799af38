# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What will be sent for each session, statement by statement. Pure: check mode and the plan filter stop here."""

from __future__ import annotations

from .session import Outcome
from .values import BadOption

KILL, CANCEL = "kill", "cancel"
VERBS = (KILL, CANCEL)


def plan(passed, verb, dialect, sql_id=None):
    """One Outcome per session: with its exact statement, or settled already where there is nothing to send."""
    return [_step(session, verb, dialect, sql_id) for session in passed]


def _step(session, verb, dialect, sql_id):
    step = Outcome(session, verb=verb)
    if verb == CANCEL:
        if session.active_seconds is None:
            return step.settle("unchanged", "it runs nothing")
        if session.sql_id is None:
            return step.settle("refused", "what it runs has no sql_id, so it cannot be told from the next statement")
        if sql_id is not None and session.sql_id != sql_id:
            return step.settle("unchanged", f"it runs {session.sql_id}, not {sql_id}")
    step.statement = dialect.statement(verb, session)
    return step


def check_sql_id(dialect, sql_id):
    """Refuses a sql_id that this dialect cannot have."""
    if sql_id is not None and not dialect.sql_id_form.fullmatch(sql_id):
        raise BadOption(
            "sql_id",
            f"{sql_id!r} is not a sql_id of {dialect.name}; copy it from session_info ({dialect.sql_id_shape}).",
        )
