# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Oracle Database: transactions whose process is dead, which the server rolls back in its stead.

Source of the columns: the vendor's Database Reference, V$FAST_START_TRANSACTIONS. It lists what is recovered in parallel.
"""

from __future__ import annotations

from ..errors import StatementFailed
from ..values import BadOption
from .oracle_snapshot import NO_PRIVILEGE, NO_SUCH_TABLE, grantable

_RECOVERING = """
SELECT {instance} AS inst_id, f.usn, f.slt, f.seq, f.state, f.undoblocksdone, f.undoblockstotal, f.cputime
FROM {view} f WHERE f.state <> 'RECOVERED' ORDER BY 1, 2, 3, 4"""


def recovering(ask, views):
    """The dead transactions that are not recovered yet; what has been recovered stays in the view."""
    view = views.view("fast_start_transactions")
    instance = "f.inst_id" if views.several else str(views.here)
    try:
        rows = ask(_RECOVERING.format(instance=instance, view=view))
    except StatementFailed as error:
        if error.code in (NO_SUCH_TABLE, NO_PRIVILEGE):
            raise BadOption(
                "include",
                f"recovery cannot be seen here (missing privilege: GRANT SELECT ON SYS.{grantable(view)} TO the login user); "
                "leave it out, or grant that.",
            ) from error
        raise
    return [_transaction(row) for row in rows]


def _transaction(row):
    done, total, seconds = (int(row[name] or 0) for name in ("UNDOBLOCKSDONE", "UNDOBLOCKSTOTAL", "CPUTIME"))
    found = {
        "inst_id": int(row["INST_ID"]),
        "usn": int(row["USN"]),
        "slot": int(row["SLT"]),
        "sequence": int(row["SEQ"]),
        "state": row["STATE"].lower(),
        "undo_blocks_done": done,
        "undo_blocks_total": total,
        "eta_seconds": None,
    }
    if done and seconds:
        found["eta_seconds"] = round((total - done) * seconds / done, 1)
    return found
