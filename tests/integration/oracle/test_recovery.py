# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What session_info tells of transactions whose process is dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer

Run = Callable[..., dict[str, Any]]
User = dict[str, str]

STAND_IN = {"instances": 2}
LOOK = {"limit": 1, "include": ["recovery"]}


def test_the_dead_are_listed_until_they_are_recovered(
    stand_in: OracleServer, run_module: Run, db_user: User, policy: Any
) -> None:
    assert run_module("session_info", LOOK)["recovering"] == []
    with (
        policy(rollback_rate=50),
        actors.idle_in_transaction(stand_in, database="dead", rows=600, instance=2, **db_user) as victim,
    ):
        stand_in.end_process(victim)
        seen: dict[str, Any] = {}

        def advanced() -> bool:
            seen.update(run_module("session_info", LOOK)["recovering"][0])
            return seen["eta_seconds"] is not None

        wait_until(advanced, what="the recovery to advance")
        assert (seen["inst_id"], seen["state"]) == (2, "recovering")
        assert 0 < seen["undo_blocks_done"] < seen["undo_blocks_total"]
        facts = run_module("session_facts", LOOK)["ansible_facts"]["oracle_sessions"]
        assert [each["usn"] for each in facts["recovering"]] == [seen["usn"]]
        stand_in.set_policy("rollback_rate", 20000)
        # The server itself goes on listing it, as recovered.
        wait_until(lambda: run_module("session_info", LOOK)["recovering"] == [], what="the end of the recovery")
        assert stand_in.sql("SELECT state FROM gv$fast_start_transactions") == [("RECOVERED",)]


def test_a_missing_grant_is_named(stand_in: OracleServer, run_module: Run, create_user: Any) -> None:
    views = ("SESSION", "PROCESS", "TRANSACTION", "PX_SESSION", "INSTANCE")
    user = create_user(
        *(f"SELECT ON sys.{prefix}_${view}" for prefix in ("V", "GV") for view in views), "SELECT ON sys.V_$DATABASE"
    )
    login = {"login_user": user["user"], "login_password": user["password"]}
    result = run_module("session_info", {**LOOK, **login})
    assert result["failed"]
    assert (
        "include: recovery cannot be seen here (missing privilege: GRANT SELECT ON SYS.GV_$FAST_START" in result["msg"]
    )
    stand_in.sql(f"GRANT SELECT ON sys.GV_$FAST_START_TRANSACTIONS TO {user['user']}")
    assert run_module("session_info", {**LOOK, **login})["recovering"] == []
