# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, snapshots and rules as the tests of the pure code write them: only what a test is about is spelled out."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import Dialect
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle import Oracle
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import KILL, parse_way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.result import Report, listing
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import Rule, parse_rule
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.run import fit_to_dialect, plan_sessions
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.select import Selection
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session, Snapshot

TAKEN_AT = "2026-11-21T07:00:00.000+00:00"
STARTED_AT = "2026-11-01T00:00:00.000+00:00"
DATABASE = {
    "dialect": "oceanbase_mysql",
    "version": "4.3.5.3",
    "name": "sys",
    "unique_name": None,
    "dbid": "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
    "role": None,
    "instance": None,
    "host": "127.0.0.1",
    "container": "sys",
    "all_containers": False,
    "startup_time": STARTED_AT,
    "taken_at": TAKEN_AT,
}


def session(sid: int = 30, **fields: Any) -> Session:
    """A session of user APP_1 that has been idle for an hour; `active_seconds` makes it a running one."""
    if fields.get("active_seconds") is not None:
        fields = {"status": "active", "command": "Query", "idle_seconds": None, **fields}
    given = {
        "sid": sid,
        "username": "APP_1",
        "machine": "app1",
        "client_address": "10.0.0.7",
        "client_port": 40000 + sid % 20000,
        "container": "sys",
        "status": "inactive",
        "command": "Sleep",
        "idle_seconds": 3600.0,
        "oracle_maintained": False,
    }
    return Session(**{**given, **fields})


def running(sid: int = 30, **fields: Any) -> Session:
    """A session that has run one statement for a minute."""
    return session(
        sid,
        **{
            "active_seconds": 60.0,
            "sql_active_seconds": 60.0,
            "sql_id": "A" * 32,
            "sql_exec_id": "YB42-1",
            "sql_text": "SELECT 1",
            **fields,
        },
    )


def snapshot(*sessions: Session, unavailable: dict[str, str] | None = None, **database: Any) -> Snapshot:
    return Snapshot({**DATABASE, **database}, list(sessions), dict(unavailable or {}))


def rule(dialect: Dialect | None = None, **options: Any) -> Rule:
    """The rule of a module's options, as OceanBase takes it or another dialect; idle sessions where no target is given."""
    if not {"match", "sid", "sessions"} & set(options):
        options["match"] = {"idle": "1s"}
    return fit_to_dialect(parse_rule(options), dialect or OceanBaseMySQL())[0]


def planned(
    where: Snapshot, what: Rule, verb: str = KILL, sql_id: str | None = None, dialect: Dialect | None = None, **way: Any
) -> Report:
    """The plan for OceanBase or another dialect; `way` are further options of the verb."""
    return plan_sessions(where, what, parse_way(verb, {"sql_id": sql_id, **way}), dialect or OceanBaseMySQL())


# --- the same of Oracle Database

ORACLE_ZONE = "+02:00"


def oracle(version: str = "19.3.0.0.0") -> Oracle:
    """The dialect as a saved snapshot of this version gets it: it has never seen a server."""
    dialect = Oracle()
    dialect.assume({"version": version})
    return dialect


def oracle_session(sid: int = 30, **fields: Any) -> Session:
    """An idle session of user APP_1 on Oracle Database, served by a process of its own."""
    logged_on = datetime.fromisoformat("2026-11-21T06:00:00") + timedelta(seconds=sid % 3600)
    return session(
        sid,
        **{
            "inst_id": 1,
            "serial": 15,
            "logon_time": f"{logged_on.isoformat()}{ORACLE_ZONE}",
            "logon_seconds": 3600.0,
            "client_address": None,
            "program": "app@app1 (TNS V1-V3)",
            "server": "dedicated",
            "container": "SHOP",
            "command": None,
            "process": {"host": "db1", "spid": str(4000 + sid), "kind": "dedicated", "oracle_sid": "SHOP1"},
            **fields,
        },
    )


def oracle_running(sid: int = 30, **fields: Any) -> Session:
    """One that has run one statement for a minute."""
    return oracle_session(
        sid,
        **{
            "active_seconds": 60.0,
            "sql_active_seconds": 60.0,
            "sql_id": "7h35uxf5uhmm1",
            "sql_exec_id": 16777216,
            "command": "SELECT",
            **fields,
        },
    )


def saved(where: Snapshot) -> dict[str, Any]:
    """The snapshot as session_info returns it, gone through JSON as a registered variable or a file does."""
    listed = [each for each in where.sessions if each.type == "user"]
    everybody = Selection(picked=listed, matched=len(listed))
    return json.loads(json.dumps(listing(where, everybody, parse_rule({}, acting=False))))


def outcomes(report: Report) -> dict[int, str]:
    """What became of each session, by its sid."""
    return {each.session.sid: each.outcome for each in report.outcomes}
