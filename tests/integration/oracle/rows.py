# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions as options of a module, and the rows of its result."""

from __future__ import annotations

from typing import Any

from servers.oracle_actors import Session


def named(session: Session) -> dict[str, int]:
    """The options that name it where a single instance is open."""
    return {"sid": session.sid, "serial": session.serial}


def placed(session: Session) -> dict[str, int]:
    """The same where there may be several."""
    return {**named(session), "inst_id": session.inst_id}


def the(result: dict[str, Any]) -> dict[str, Any]:
    """The only row."""
    (row,) = result["sessions"]
    return row


def outcomes(result: dict[str, Any]) -> dict[int, str]:
    """What became of each session, by its sid."""
    return {row["sid"]: row["outcome"] for row in result["sessions"]}
