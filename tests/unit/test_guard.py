# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is never touched, what is touched only when it is named, and when the whole run does not happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from unit.builders import outcomes, planned, rule, running, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import (
    GUARDS,
    LIFTABLE,
    TAG,
    guard,
    mark_protected,
    protected_by,
    refusal,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.select import select
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session, Snapshot
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

HELD = [
    ("own", {"own": True}),
    ("own", {"module": TAG}),
    ("background", {"type": "background"}),
    ("system_users", {"oracle_maintained": True}),
    ("no_username", {"username": None}),
    ("no_username", {"username": ""}),
    ("parallel_servers", {"coordinator": {"inst_id": None, "sid": 7}}),
    ("replication", {"username": "__oceanbase_inner_drc_user"}),
    ("replication", {"username": "__OCEANBASE_INNER_DRC_USER"}),
    ("monitoring", {"username": "ocp_monitor"}),
    ("monitoring", {"username": "OCP"}),
    # Oracle Database
    ("own", {"program": TAG}),
    ("background", {"type": "recursive"}),
    ("background", {"process": {"kind": "background"}}),
    ("background", {"program": "oracle@db1 (D000)"}),
    ("background", {"program": "oracle@db1 (S012)"}),
    ("background", {"program": "oracle@db1 (N001)"}),
    ("background", {"program": "oracle@db1 (L000)"}),
    ("parallel_servers", {"coordinator": {"inst_id": 2, "sid": 7}, "program": "oracle@db1 (P000)"}),
    ("job_slaves", {"process": {"kind": "job"}}),
    ("job_slaves", {"program": "oracle@db1 (J000)"}),
    ("job_slaves", {"program": "oracle@db1 (J0A1)"}),
    ("xa", {"status": "cached"}),
    ("replication", {"username": "GGADMIN"}),
    ("replication", {"username": "C##GGADMIN"}),
    ("replication", {"username": "GGSYS"}),
    ("replication", {"username": "XSTRMADMIN"}),
    ("replication", {"program": "extract@gg1 (TNS V1-V3)"}),
    ("replication", {"program": "replicat@gg1 (TNS V1-V3)"}),
    ("replication", {"program": "REPLICAT.EXE"}),
    ("replication", {"program": "oracle@db1 (AP00)"}),
    ("replication", {"program": "oracle@db1 (AS01)"}),
    ("replication", {"program": "oracle@db1 (CP01)"}),
    ("replication", {"program": "oracle@db1 (LSP0)"}),
    ("replication", {"program": "oracle@db1 (MRP0)"}),
    ("replication", {"program": "oracle@db1 (PR00)"}),
    ("replication", {"module": "GoldenGate"}),
    ("replication", {"module": "OGG-EXT1-OPEN_DATA_SOURCE"}),
    ("replication", {"module": "XStream"}),
    ("backup", {"program": "rman@db1 (TNS V1-V3)"}),
    ("backup", {"program": "RMAN.EXE"}),
    ("backup", {"module": "backup incr datafile"}),
    ("backup", {"module": "restore full datafile"}),
    ("backup", {"module": "rman@db1 (TNS V1-V3)"}),
    ("datapump", {"program": "oracle@db1 (DM00)"}),
    ("datapump", {"program": "oracle@db1 (DW0A)"}),
    ("datapump", {"program": "ude@app1 (TNS V1-V3)"}),
    ("datapump", {"program": "udi@app1 (TNS V1-V3)"}),
    ("datapump", {"program": "expdp.exe"}),
    ("datapump", {"module": "Data Pump Master"}),
    ("datapump", {"module": "Data Pump Worker"}),
    ("monitoring", {"username": "DBSNMP"}),
    ("monitoring", {"username": "dbsnmp"}),
    ("monitoring", {"program": "emagent@db1 (TNS V1-V3)"}),
    ("monitoring", {"program": "OMS"}),
    ("monitoring", {"module": "emagent_SQL_oracle_database"}),
    ("monitoring", {"module": "OEM.SystemPool"}),
    ("monitoring", {"module": "Oracle Enterprise Manager.rollup"}),
]
# What looks like one of these, and is an application.
NEAR_MISSES: list[dict[str, Any]] = [
    {"program": f"{TAG}.py"},
    {"program": "oracle@db1"},
    {"program": "oracle@db1 (TNS V1-V3)"},
    {"program": "oracle@db1 (D000) and more"},
    {"program": "report (D00)"},
    {"program": "report (D0000)"},
    {"program": "report (X000)"},
    {"program": "report (J00)"},
    {"program": "(J000) report"},
    {"process": {"kind": "dedicated"}},
    {"process": {"kind": "shared"}},
    {"process": {"kind": "pooled"}},
    {"process": {"kind": "thread"}},
    {"server": "shared", "process": None},
    {"status": "sniped"},
    {"username": "GGADMIN2"},
    {"username": "MY_GGADMIN"},
    {"program": "extractor@app1 (TNS V1-V3)"},
    {"program": "my_extract@app1 (TNS V1-V3)"},
    {"program": "sqlplus@extract (TNS V1-V3)"},
    {"program": "oracle@db1 (W000)"},
    {"module": "OGGETTO"},
    {"module": "Upstreams"},
    {"program": "german@app1 (TNS V1-V3)"},
    {"program": "roman.exe"},
    {"module": "backups"},
    {"module": "our backup of orders"},
    {"program": "oracle@db1 (DM0)"},
    {"program": "expdp_wrapper.sh"},
    {"program": "etude@app1 (TNS V1-V3)"},
    {"module": "My Data Pump"},
    {"username": "DBSNMP2"},
    {"program": "OMSK"},
    {"program": "my_emagent"},
    {"module": "POEM"},
]
NEVER_LIFTED = ("own", "background")


@dataclass
class Judged:
    """What guard and refusal say of a rule together."""

    passed: list[Session]
    held: list[Outcome]
    refusal: BadOption | None


def guarded(where: Snapshot, **options: Any) -> Judged:
    what = rule(**options)
    found = guard(select(where, what), what, where.unavailable)
    return Judged(found.passed, found.held, refusal(where, what, len(found.passed)))


def test_own_and_background_are_the_ones_that_nothing_lifts() -> None:
    assert tuple(each.name for each in GUARDS if not each.liftable) == NEVER_LIFTED
    assert not set(NEVER_LIFTED) & set(LIFTABLE)
    assert {"killed", "unfiltered"} <= set(LIFTABLE)


@pytest.mark.parametrize(("name", "fields"), HELD)
def test_a_guard_holds_its_session_back(name: str, fields: dict[str, Any]) -> None:
    one = session(30, **fields)
    held = guarded(snapshot(one), sid=30)
    assert held.passed == []
    assert [(each.session, each.outcome, each.statement) for each in held.held] == [(one, "refused", None)]
    assert held.held[0].reason.startswith(f"{name}: ")
    assert held.refusal is None
    found = protected_by(one, rule(sid=30))
    assert found is not None and found[0] == name


@pytest.mark.parametrize(("name", "fields"), HELD)
def test_allow_lifts_by_name_except_own_and_background(name: str, fields: dict[str, Any]) -> None:
    where = snapshot(session(30, **fields))
    others = [each for each in LIFTABLE if each != name]
    assert guarded(where, sid=30, allow=others).passed == []
    if name in LIFTABLE:
        assert guarded(where, sid=30, allow=[name]).passed == where.sessions
    lifted = guarded(where, sid=30, allow=list(LIFTABLE))
    assert bool(lifted.passed) is (name not in NEVER_LIFTED)


@pytest.mark.parametrize("fields", NEAR_MISSES, ids=str)
def test_what_only_looks_alike_is_not_protected(fields: dict[str, Any]) -> None:
    one = session(30, **fields)
    assert protected_by(one, rule(sid=30)) is None
    assert guarded(snapshot(one), sid=30).passed == [one]


@pytest.mark.parametrize(
    ("coordinator", "named"), [({"inst_id": None, "sid": 7}, "7"), ({"inst_id": 2, "sid": 7}, "7 on instance 2")]
)
def test_the_reason_of_a_parallel_server_names_its_coordinator(coordinator: dict[str, Any], named: str) -> None:
    held = guarded(snapshot(session(30, coordinator=coordinator)), sid=30).held[0]
    assert held.reason == f"parallel_servers: it works for another session, its coordinator {named}"


def test_the_reason_of_a_job_names_the_cure() -> None:
    held = guarded(snapshot(session(30, program="oracle@db1 (J000)")), sid=30).held[0]
    assert held.reason == "job_slaves: it runs a job of the scheduler; stop the job with DBMS_SCHEDULER.STOP_JOB"


# --- evidence that cannot be read

GRANT = "missing privilege: GRANT SELECT ON SYS.V_$X TO the login user"


def test_the_evidence_of_the_guards() -> None:
    assert {each.name: each.evidence for each in GUARDS if each.evidence} == {
        "background": "process",
        "parallel_servers": "coordinator",
    }


def test_without_its_evidence_a_guard_holds_everybody_back_and_names_the_grant() -> None:
    where = snapshot(session(1), running(2), unavailable={"coordinator": GRANT})
    found = guarded(where, match={"username": "APP_1"})
    assert found.passed == []
    assert [(each.session.sid, each.reason) for each in found.held] == [
        (sid, f"parallel_servers: whether it is one cannot be seen here ({GRANT})") for sid in (1, 2)
    ]
    assert outcomes(planned(where, rule(sid=1))) == {1: "refused"}
    assert outcomes(planned(where, rule(sid=1, allow=["parallel_servers"]))) == {1: "planned"}
    others = [name for name in LIFTABLE if name != "parallel_servers"]
    assert outcomes(planned(where, rule(sid=1, allow=others))) == {1: "refused"}


def test_what_cannot_be_seen_to_be_background_is_never_ended() -> None:
    where = snapshot(session(1), unavailable={"process": GRANT})
    for allow in ([], list(LIFTABLE)):
        (held,) = guarded(where, sid=1, allow=allow).held
        assert held.reason == f"background: whether it is one cannot be seen here ({GRANT})"
        assert held.outcome == "refused"


def test_what_can_be_told_without_the_evidence_is_told() -> None:
    where = snapshot(
        session(1, own=True),
        session(2, type="background"),
        session(3),
        unavailable={"process": GRANT},
    )
    reasons = {each.session.sid: each.reason for each in guarded(where, match={"idle": 1}).held}
    assert reasons == {
        1: "own: it is our own session, or another run of this collection",
        3: f"background: whether it is one cannot be seen here ({GRANT})",
    }
    mark_protected(where, rule())
    assert [each.protected_by for each in where.sessions] == ["own", "background", "background"]


def test_what_no_guard_relies_on_may_be_unavailable() -> None:
    gone = dict.fromkeys({*KEYS} - {"idle"}, "not listed")
    assert len(guarded(snapshot(session(1), unavailable=gone), match={"idle": 1}).passed) == 1


def test_every_session_is_marked_with_what_protects_it() -> None:
    where = snapshot(
        session(1),
        session(2, oracle_maintained=True),
        session(3, status="killed"),
        session(4, module="payroll"),
        session(5, status="killed", own=True),
    )
    mark_protected(where, rule(protect=[{"module": "payroll"}]))
    assert [each.protected_by for each in where.sessions] == [None, "system_users", "killed", "protect", "own"]
    mark_protected(where, rule(allow=["system_users"]))
    assert [each.protected_by for each in where.sessions] == [None, None, "killed", None, "own"]


def test_an_ordinary_session_passes() -> None:
    assert protected_by(session(), rule()) is None
    assert protected_by(running(module="dbops.oracle_sessions.not_us"), rule()) is None
    assert protected_by(session(oracle_maintained=None), rule()) is None


def test_protect_adds_to_the_guards_and_nothing_lifts_it() -> None:
    where = snapshot(session(1), session(2, module="payroll"), session(3, username="BATCH"))
    options = {"match": {"idle": 1}, "protect": [{"module": "pay*"}, {"username": "BATCH", "idle": 0}]}
    for allow in ([], list(LIFTABLE)):
        found = guarded(where, **options, allow=allow)
        assert [each.sid for each in found.passed] == [1]
        assert [each.reason for each in found.held] == [
            "protect: protected by module: 'pay*'",
            "protect: protected by username: 'BATCH', idle: 0",
        ]


def test_protect_needs_the_whole_dictionary_and_null_never_protects() -> None:
    where = snapshot(session(1, module="payroll"), session(2, module=None))
    assert len(guarded(where, protect=[{"module": "payroll", "idle": "2h"}, {"client_info": "*"}]).passed) == 2


# --- killed


def test_a_killed_session_is_waited_for_and_not_sent_again() -> None:
    where = snapshot(session(1, status="killed"), session(2, status="killed", transaction={"age_seconds": 1.0}))
    report = planned(where, rule(match={"username": "APP_1", "status": "killed"}))
    assert [each.statement for each in report.outcomes] == [None, None]
    assert outcomes(report) == {1: "gone", 2: "rolling_back"}
    assert not report.changed
    assert outcomes(planned(where, rule(sid=1))) == {1: "gone"}


def test_allow_killed_sends_it_again() -> None:
    where = snapshot(session(1, status="killed"))
    report = planned(where, rule(match={"username": "APP_1", "status": "killed"}, allow=["killed"]))
    assert [each.statement for each in report.outcomes] == ["KILL 1"]


def test_other_guards_come_before_killed() -> None:
    where = snapshot(session(1, status="killed", own=True))
    assert outcomes(planned(where, rule(sid=1, allow=["killed"]))) == {1: "refused"}


# --- rollback


@pytest.mark.parametrize(
    ("records", "limit", "held"), [(10, 10, False), (11, 10, True), (1, 0, True), (0, 0, False), (None, 0, False)]
)
def test_max_rollback_records(records: int | None, limit: int, held: bool) -> None:
    where = snapshot(session(1, transaction={"age_seconds": 5.0, "undo_records": records}), session(2))
    found = guarded(where, max_rollback_records=limit)
    assert [each.session.sid for each in found.held] == ([1] if held else [])
    if held:
        reason = f"max_rollback_records: it would roll back {records} undo records, more than {limit}"
        assert found.held[0].reason == reason


# --- the whole run


def sessions(count: int, **fields: Any) -> list[Session]:
    return [session(sid, **fields) for sid in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "limit", "refused"), [(20, None, False), (21, None, True), (3, 2, True), (1, 0, True)]
)
def test_max_sessions(count: int, limit: int | None, refused: bool) -> None:
    found = guarded(snapshot(*sessions(count)), **({} if limit is None else {"max_sessions": limit}))
    assert (found.refusal is not None) is refused
    if refused:
        shown = 20 if limit is None else limit
        assert str(found.refusal) == (
            f"max_sessions: the rule picks {count} sessions, more than the {shown} allowed in a run; "
            "narrow it, or raise max_sessions."
        )


def test_max_sessions_counts_after_everything_else() -> None:
    where = snapshot(
        *sessions(2),
        session(50, own=True),
        session(51, module="payroll"),
        session(52, status="killed"),
        session(53, username="OTHER"),
        session(54, machine="spare"),
    )
    options = {
        "match": {"username": "APP_1", "status": ["inactive", "killed"]},
        "exclude": [{"machine": "spare"}],
        "protect": [{"module": "payroll"}],
        "max_sessions": 2,
    }
    assert guarded(where, **options).refusal is None
    assert guarded(where, **{**options, "max_sessions": 1}).refusal is not None
    assert guarded(snapshot(*sessions(9)), limit=2, max_sessions=2).refusal is None


def test_max_sessions_holds_for_saved_sessions_too() -> None:
    where = snapshot(*sessions(21))
    assert guarded(where, sessions=saved(where)).refusal is not None
    assert guarded(where, sessions=saved(where), max_sessions=21).refusal is None


@pytest.mark.parametrize(
    ("count", "percent", "refused"), [(5, 50, False), (6, 50, True), (1, 1, True), (10, 100, False)]
)
def test_max_percent(count: int, percent: int, refused: bool) -> None:
    where = snapshot(*sessions(count), *(session(sid, username="OTHER") for sid in range(100, 110 - count)))
    assert len(where.sessions) == 10
    where.sessions.append(session(200, type="background"))
    found = guarded(where, match={"username": "APP_1"}, max_percent=percent)
    assert (found.refusal is not None) is refused
    if refused:
        assert str(found.refusal) == (
            f"max_percent: the rule picks {count} of 10 user sessions, more than {percent} percent; "
            "narrow it, or raise max_percent."
        )


@pytest.mark.parametrize(
    "match",
    [
        {"username": "*"},
        {"username": "~.+"},
        {"username": ["APP_1", "*"]},
        {"status": "inactive"},
        {"status": "killed"},
        {"command": "Sleep"},
        {"type": "user"},
        {"container": "sys"},
        {"inst_id": 1},
        {"idle": 0},
        {"in_transaction": True},
        {"in_transaction": False},
        {"blocked": False},
        {"root_blocker": False},
        {"status": "inactive", "idle": 0, "username": "?*", "in_transaction": False},
    ],
)
def test_a_rule_that_does_not_narrow_is_refused_even_when_it_picks_nobody(match: dict[str, Any]) -> None:
    for where in (snapshot(session(1)), snapshot()):
        found = guarded(where, match=match, exclude=[{"username": "OTHER"}])
        assert found.refusal is not None
        assert found.refusal.option == "match"
        assert "add a condition that some sessions fail" in str(found.refusal)
        assert "allow: [unfiltered]" in str(found.refusal)
        assert guarded(where, match=match, allow=["unfiltered"]).refusal is None


@pytest.mark.parametrize(
    "match", [{"username": "APP_1"}, {"idle": 1}, {"blocking": True}, {"blocked_by": {"sid": 1}}, {"sql_id": "A"}]
)
def test_a_rule_that_narrows_is_taken(match: dict[str, Any]) -> None:
    assert guarded(snapshot(session(1)), match=match).refusal is None


def test_a_session_named_by_its_id_needs_no_narrowing() -> None:
    assert guarded(snapshot(session(1)), sid=1, match={"status": "inactive"}).refusal is None


def test_unfiltered_lifts_neither_the_limits_nor_the_other_guards() -> None:
    where = snapshot(*sessions(21), session(50, own=True), session(51, oracle_maintained=True))
    found = guarded(where, match={"username": "*"}, allow=["unfiltered"])
    assert found.refusal is not None and found.refusal.option == "max_sessions"
    assert [each.session.sid for each in found.held] == [50, 51]


def test_a_refusal_plans_nothing() -> None:
    with pytest.raises(BadOption, match=r"^max_sessions: "):
        planned(snapshot(*sessions(21)), rule())
