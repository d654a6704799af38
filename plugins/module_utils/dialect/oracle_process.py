# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Oracle Database: what kind of process serves a session, from its rows of V$SESSION and V$PROCESS.

Source of the columns: the vendor's Database Reference, V$SESSION and V$PROCESS.
"""

from __future__ import annotations

import re
from collections import Counter

# Names of the server's own processes, V$PROCESS.PNAME, by what they are.
_KINDS = (
    (re.compile(r"J[0-9A-Z]{3}"), "job"),
    (re.compile(r"P[0-9A-Z]{3}|P[PZ][0-9A-Z]{2}"), "parallel"),
    (re.compile(r"[SDN][0-9]{3}"), "shared"),
    (re.compile(r"L[0-9]{3}"), "pooled"),
)


def kind_of(row, working_for, windows=False):
    """What kind of process serves the session, None for one of no known kind: only a dedicated one is its alone."""
    if row["BACKGROUND"]:
        return "background"
    # On Windows all are threads of one process, and SPID is the thread's own number.
    if row.get("EXECUTION_TYPE") == "THREAD" and not windows:
        return "thread"
    if working_for:
        return "parallel"
    if row["PNAME"]:
        # A server process that a listener started for a client has no name. One with another name than these serves
        # somebody else's purpose.
        return next((kind for pattern, kind in _KINDS if pattern.fullmatch(row["PNAME"])), None)
    return {"SHARED": "shared", "NONE": "shared", "POOLED": "pooled"}.get(row["SERVER"] or "", "dedicated")


def find_shared_processes(sessions):
    """A client may open several sessions on one connection: their process is nobody's alone, whatever V$SESSION calls it."""
    served = Counter(_process_of(session) for session in sessions if session.process)
    for session in sessions:
        if session.process and session.process["kind"] == "dedicated" and served[_process_of(session)] > 1:
            session.process["kind"] = "shared"


def _process_of(session):
    return session.inst_id, session.process["spid"]
