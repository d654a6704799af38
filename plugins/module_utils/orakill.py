# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The program orakill of Oracle Database on Windows: how it is called, and what it says. Pure.

Nothing of this was tried on Windows. Source of the usage and of the text of success: what others have published, see
docs/server-process.md. What it says and how it exits when it fails nobody has published, so only success is believed.
"""

from __future__ import annotations

import re

from . import values
from .values import BadOption

_THREAD = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_INSTANCE = re.compile(r"[A-Za-z0-9_$#]{1,64}", re.ASCII)
_SUCCESS = re.compile(r"kill of thread id ([0-9]+) in instance ([^\s]+) successfully signalled", re.IGNORECASE)


def command(oracle_sid, spid):
    """The program and its arguments, for one thread of one instance."""
    if not _INSTANCE.fullmatch(oracle_sid):
        raise BadOption("oracle_sid", f"{values.shown(oracle_sid)} is not the name of a database instance.")
    if not _THREAD.fullmatch(spid):
        raise BadOption("spid", f"{values.shown(spid)} is not the id of a thread.")
    return ["orakill", oracle_sid, spid]


def said(output, oracle_sid, spid):
    """Whether it says that this very thread was signalled, and what it said in one line. Its exit code tells nothing."""
    told = " ".join(output.split())
    success = _SUCCESS.search(told)
    target = (int(success[1]), success[2].lower()) if success else None
    return target == (int(spid), oracle_sid.lower()), told[:200] or "nothing"
