# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose server process may be ended from outside the database: who qualifies, and that nobody else ever does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import DATABASE, TAKEN_AT, oracle_session

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_hosts import InventoryHost
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_rung import APART, first_look, second_look
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import OUTCOMES, Session

ORACLE = {
    **DATABASE,
    "dialect": "oracle",
    "name": "SHOP",
    "container": "SHOP",
    "instance": "SHOP1",
    "platform": "Linux x86 64-bit",
    "unavailable": ["client_address"],
}
WINDOWS = {"platform": "Microsoft Windows x86 64-bit"}
HOSTS = {"db1": InventoryHost("db1"), "db2": InventoryHost("db2"), "win1": InventoryHost("win1", connection="winrm")}


def killed(sid: int = 30, **fields: Any) -> Session:
    """Marked for kill, and nothing to roll back."""
    return oracle_session(sid, **{"status": "killed", "server": "pseudo", **fields})


def left(*sessions: Session, outcome: str = "pending") -> dict[str, Any]:
    """The result of the rung before, which saw them alive, gone through JSON."""
    before = [{**each.row(), "outcome": outcome, "statement": "ALTER SYSTEM KILL SESSION"} for each in sessions]
    return json.loads(json.dumps({"database": ORACLE, "sessions": before}))


def look(
    *sessions: Session, after: float = 0.0, rollback: dict[str, Any] | None = None, **database: Any
) -> dict[str, Any]:
    """A result of session_info, so many seconds after the first one."""
    taken = datetime.fromisoformat(TAKEN_AT) + timedelta(seconds=after)
    rows = [{**each.row(), "rollback": rollback} for each in sessions]
    about = {**ORACLE, "taken_at": taken.isoformat(), **database}
    return json.loads(json.dumps({"database": about, "sessions": rows}))


def inventory(name: str | None = None) -> Any:
    return list(HOSTS.values()) if name is None else HOSTS[name]


def first(result: dict[str, Any], *before: Session, given: dict[int, str] | None = None) -> dict[str, Any]:
    return first_look(left(*(before or (killed(),))), result, given or {}, inventory)


def second(result: dict[str, Any], **group: Any) -> dict[str, Any]:
    about = {"host": "db1", "windows": False, "database": look()["database"], "sessions": [killed().row()]}
    return second_look({**about, **group}, result)


def verdict(found: dict[str, Any]) -> tuple[str, str]:
    """What became of the only session that was settled."""
    (only,) = found["settled"]
    return only["outcome"], only["reason"]


# --- who qualifies


def test_a_killed_session_with_a_process_of_its_own() -> None:
    found = first(look(killed()), oracle_session())
    assert found["settled"] == []
    (group,) = found["groups"]
    assert (group["host"], group["windows"], group["database"]["name"]) == ("db1", False, "SHOP")
    proven = second_look(group, look(killed(logon_seconds=3611.0), after=11))
    assert proven["settled"] == []
    assert proven["processes"] == [
        {
            "spid": "4030",
            "oracle_sid": "SHOP1",
            "logon_seconds": 3611.0,
            "kind": "dedicated",
            "host": "db1",
            "inst_id": 1,
            "sid": 30,
            "serial": 15,
            "username": "APP_1",
        }
    ]
    assert [each["sid"] for each in proven["sessions"]] == [30]


def test_what_was_not_left_pending_is_not_touched() -> None:
    for outcome in set(OUTCOMES) - {"pending"}:
        found = first_look(left(killed(), outcome=outcome), look(killed()), {}, inventory)
        assert found["settled"] == found["groups"] == []


NEVER = [
    ({"status": "inactive", "server": "dedicated"}, "refused", "it is inactive, not killed: "),
    ({"status": "active", "server": "dedicated", "active_seconds": 1.0}, "refused", "it is active, not killed: "),
    ({"status": "sniped"}, "refused", "it is sniped, not killed: "),
    ({"transaction": {"age_seconds": 1.0, "undo_records": 0}}, "rolling_back", "killed, and still rolling back"),
    ({"type": "background"}, "refused", "background: "),
    ({"own": True}, "refused", "own: "),
    ({"module": "dbops.oracle_sessions"}, "refused", "own: "),
    ({"coordinator": {"inst_id": 1, "sid": 31}}, "refused", "parallel_servers: it works for another session, its coordinator 31"),
    ({"program": "oracle@db1 (J000)"}, "refused", "job_slaves: "),
    ({"program": "oracle@db1 (S000)"}, "refused", "background: "),
    ({"server": "shared"}, "refused", "its process is not its alone: it serves other sessions as well"),
    ({"server": "none"}, "refused", "its process is not its alone: it serves other sessions as well"),
    ({"server": "pooled"}, "refused", "its process is not its alone: it belongs to a pool"),
    ({"server": None}, "refused", "its process is not its alone: what it serves is not known"),
    ({"process": None}, "pending", "it has no server process any more"),
    ({"logon_seconds": None}, "refused", "how old it is cannot be told"),
]  # fmt: skip
PROCESSES = [
    *(({"kind": kind}, "its process is not its alone: ") for kind in ("shared", "pooled", "thread", "parallel", None)),
    ({"kind": "job"}, "job_slaves: it runs a job of the scheduler"),
    ({"kind": "background"}, "background: it is a background session"),
    *(({"spid": spid}, "the database names no process ") for spid in ("", "0", "-1", "4030 1", "x", None)),
    *(({"oracle_sid": name}, "the database names no process ") for name in ("", "SHOP1 (LOCAL=NO)", "../x", None)),
    *(({"host": host}, "the database does not name the host ") for host in ("", None)),
]


def with_process(**process: Any) -> Session:
    return killed(process={"host": "db1", "spid": "4030", "kind": "dedicated", "oracle_sid": "SHOP1", **process})


@pytest.mark.parametrize(
    ("now", "outcome", "reason"),
    [(killed(**fields), outcome, reason) for fields, outcome, reason in NEVER]
    + [(with_process(**process), "refused", reason) for process, reason in PROCESSES],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_who_never_qualifies(now: Session, outcome: str, reason: str) -> None:
    """In neither look: the first one sorts them out, the second one again."""
    before = oracle_session()
    for found in (first(look(now), before), second(look(now, after=APART))):
        assert not found.get("groups") and not found.get("processes")
        assert verdict(found)[0] == outcome and verdict(found)[1].startswith(reason)


def test_a_thread_is_never_ended_on_linux_and_its_process_least_of_all() -> None:
    now = with_process(kind="thread")
    assert "a signal ends the whole process with all its threads" in verdict(first(look(now), now))[1]


@pytest.mark.parametrize("server", ["shared", "none", "pooled"])
@pytest.mark.parametrize("kind", ["dedicated", "shared", "pooled", "thread", "job"])
def test_what_it_was_before_the_kill_counts_too(server: str, kind: str) -> None:
    """A killed session is served by nobody (PSEUDO), and is found by the process that created it."""
    process = {"host": "db1", "spid": "4030", "kind": kind, "oracle_sid": "SHOP1"}
    found = first(look(killed()), oracle_session(server=server, process=process))
    assert not found["groups"] and verdict(found)[0] == "refused"


@pytest.mark.parametrize("change", [{"spid": "4031"}, {"host": "db2"}, {"oracle_sid": "SHOP2"}])
def test_another_process_than_before(change: dict[str, str]) -> None:
    for found in (
        first(look(with_process(**change)), oracle_session()),
        second(look(with_process(**change), after=11)),
    ):
        assert not found.get("groups") and not found.get("processes")
        assert verdict(found)[0] == "refused" and verdict(found)[1].startswith("its process was 4030 before")


@pytest.mark.parametrize(
    ("key", "grant"),
    [("in_transaction", "V_$TRANSACTION"), ("process", "V_$PROCESS"), ("coordinator", "V_$PX_SESSION")],
)
def test_what_cannot_be_read_is_never_taken_for_none(key: str, grant: str) -> None:
    for found in (
        first(look(killed(), unavailable=["client_address", key])),
        second(look(killed(), after=11, unavailable=[key])),
    ):
        assert not found.get("groups") and not found.get("processes")
        outcome, reason = verdict(found)
        assert outcome == "refused" and f"GRANT SELECT ON SYS.{grant} TO the login user" in reason


def test_a_result_that_does_not_say_what_it_could_read() -> None:
    result = look(killed())
    del result["database"]["unavailable"]
    assert verdict(first(result))[0] == "refused"


def test_a_rollback_says_how_long_it_takes() -> None:
    told = {"records": 580, "per_second": 30.0, "eta_seconds": 19.3}
    now = killed(transaction={"age_seconds": 60.0, "undo_records": 580})
    found = first(look(now, rollback=told))
    assert "580 undo records left, about 19 s at 30 per second" in verdict(found)[1]
    assert found["settled"][0]["rollback"] == told


def test_who_is_gone_is_gone() -> None:
    reused = killed(serial=17)
    for found in (first(look()), first(look(reused)), second(look(after=11)), second(look(reused, after=11))):
        assert not found.get("groups") and not found.get("processes")
        assert verdict(found)[0] == "gone"


@pytest.mark.parametrize(
    "result", [{"failed": True, "msg": "no login.\nmore"}, {"unreachable": True, "msg": "no login"}, {}]
)
def test_a_look_that_failed(result: dict[str, Any]) -> None:
    for found in (first(result), second(result)):
        assert not found.get("groups") and not found.get("processes")
        assert verdict(found)[0] == "failed" and verdict(found)[1].startswith("it could not be looked at: ")


# --- the two looks


@pytest.mark.parametrize("after", [-60.0, 0.0, 9.9])
def test_looks_that_lie_too_close(after: float) -> None:
    outcome, reason = verdict(second(look(killed(), after=after)))
    assert outcome == "pending" and "s apart, which tells too little" in reason


@pytest.mark.parametrize(
    "about",
    [{"dbid": "1"}, {"name": "X"}, {"container": "PDB2"}, {"startup_time": "2026-11-21T06:59:00+00:00"}],
    ids=str,
)
def test_looks_at_different_databases(about: dict[str, str]) -> None:
    assert verdict(second(look(killed(), after=11, **about)))[0] == "refused"


@pytest.mark.parametrize("taken_at", [None, ""])
def test_looks_without_a_time(taken_at: Any) -> None:
    assert verdict(second(look(killed(), taken_at=taken_at)))[0] == "pending"


# --- on which host


def test_each_host_is_told_once_of_all_its_processes() -> None:
    of_two = {"host": "db2", "spid": "77", "kind": "dedicated", "oracle_sid": "SHOP2"}
    sessions = [killed(30), killed(31), killed(40, inst_id=2, process=of_two)]
    found = first(look(*sessions), *sessions)
    assert [(each["host"], [row["sid"] for row in each["sessions"]]) for each in found["groups"]] == [
        ("db1", [30, 31]),
        ("db2", [40]),
    ]


def test_no_host_leaves_it_pending_with_the_cure() -> None:
    now = with_process(host="db9.example.com")
    outcome, reason = verdict(first(look(now), now))
    assert outcome == "pending"
    assert "db9.example.com" in reason and "oracle_sessions_hosts: {1: <inventory host>}" in reason


def test_windows_threads_are_looked_at_one_by_one() -> None:
    sessions = [killed(sid, process={**(killed(sid).process or {}), "host": "win1"}) for sid in (30, 31)]
    found = first(look(*sessions, **WINDOWS), *sessions)
    assert [(each["windows"], len(each["sessions"])) for each in found["groups"]] == [(True, 1), (True, 1)]
    group = found["groups"][0]
    again = look(*sessions, after=11, **WINDOWS)
    proven = second_look(group, again, {"stdout": "WIN1\r\n", "rc": 0})
    assert [each["command"] for each in proven["processes"]] == [["orakill", "SHOP1", "4030"]]
    assert verdict(second_look(group, again, {"stdout": "win2"}))[0] == "refused"
    unreached = second_look(group, again, {"unreachable": True, "msg": "no route"})
    assert verdict(unreached) == ("pending", "win1 was not reached, so its thread there was not ended: no route")
    assert not second_look(group, again)["processes"]


def test_windows_without_what_reaches_it() -> None:
    asked: list[bool] = []

    def reaches_windows() -> bool:
        asked.append(True)
        return False

    on_linux = first_look(left(killed()), look(killed()), {}, inventory, reaches_windows)
    assert on_linux["groups"] and not asked, "nobody needs it there"
    thread = killed(process={**(killed().process or {}), "host": "win1"})
    found = first_look(left(thread), look(thread, **WINDOWS), {}, inventory, reaches_windows)
    assert not found["groups"]
    reason = "win1 is a Windows host, and the collection ansible.windows is not installed"
    assert verdict(found) == ("pending", reason)


# --- whatever comes


def of(values: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(options) for name, options in values.items()})


PROCESS = st.none() | st.fixed_dictionaries(
    {
        "host": st.sampled_from(["db1", "db2", "db9", None]),
        "spid": st.sampled_from(["4030", "4031", "1; reboot", "", None]),
        "kind": st.sampled_from(
            ["dedicated", "dedicated", "shared", "pooled", "thread", "parallel", "job", "background", None]
        ),
        "oracle_sid": st.sampled_from(["SHOP1", "SHOP2", "", None]),
    }
)
FIELDS = of(
    {
        "status": ["killed", "killed", "killed", "inactive", "active", "sniped", "cached", None],
        "server": ["pseudo", "dedicated", "shared", "none", "pooled", None],
        "type": ["user", "user", "background"],
        "own": [False, False, True],
        "coordinator": [None, None, {"inst_id": 1, "sid": 7}],
        "transaction": [None, None, {"age_seconds": 1.0, "undo_records": 3}, {"age_seconds": None, "undo_records": 0}],
        "module": ["shop", "dbops.oracle_sessions"],
        "program": ["app.exe", "oracle@db1 (J001)", "oracle@db1 (D001)", None],
        "serial": [15, 15, 16],
        "logon_seconds": [3600.0, 12.0, None],
    }
)
LOOKS = of(
    {
        "unavailable": [[], ["client_address"], ["in_transaction"], ["process"], ["coordinator"]],
        "dbid": [ORACLE["dbid"], "1"],
        "startup_time": [ORACLE["startup_time"], "2026-11-21T06:59:00+00:00"],
        "platform": ["Linux x86 64-bit", None, WINDOWS["platform"]],
    }
)


@settings(max_examples=600)
@given(FIELDS, PROCESS, FIELDS, PROCESS, LOOKS, LOOKS, st.sampled_from([0.0, 9.0, 10.0, 60.0]))
def test_no_input_makes_anybody_qualify_who_must_not(
    one: dict[str, Any],
    process: dict[str, Any] | None,
    other: dict[str, Any],
    later: dict[str, Any] | None,
    about: dict[str, Any],
    afterwards: dict[str, Any],
    seconds: float,
) -> None:
    before, now = killed(**one, process=process), killed(**other, process=later)
    found = first(look(before, **about), oracle_session(), given={1: "db1"})
    looked = look(now, after=seconds, **afterwards)
    for group in found["groups"]:
        for process_of in second_look(group, looked)["processes"]:
            assert seconds >= APART
            for each, database in ((before, {**ORACLE, **about}), (now, {**ORACLE, **afterwards})):
                assert each.status == "killed" and each.transaction is None and each.type == "user"
                assert not each.own and each.coordinator is None and each.module != "dbops.oracle_sessions"
                assert each.process == {"host": "db1", "spid": "4030", "kind": "dedicated", "oracle_sid": "SHOP1"}
                assert each.server in ("dedicated", "pseudo") and each.serial == 15
                assert each.program in ("app.exe", "app@app1 (TNS V1-V3)", None)
                assert not {"in_transaction", "process", "coordinator"} & set(database["unavailable"])
                assert (database["dbid"], database["startup_time"]) == (ORACLE["dbid"], ORACLE["startup_time"])
            assert (process_of["spid"], process_of["host"], process_of["kind"]) == ("4030", "db1", "dedicated")


@given(FIELDS, PROCESS, LOOKS)
def test_every_session_is_accounted_for_once(one: dict[str, Any], process: Any, about: dict[str, Any]) -> None:
    sessions = [killed(**one, process=process), killed(31)]
    found = first(look(*sessions, **about), killed(), killed(31))
    named = [each["session"]["sid"] for each in found["settled"]]
    named += [row["sid"] for group in found["groups"] for row in group["sessions"]]
    assert sorted(named) == [30, 31]
    assert {each["outcome"] for each in found["settled"]} <= {"refused", "rolling_back", "gone", "pending"}


@pytest.mark.parametrize("option", [{"match": {"status": "active"}}, {"exclude": [{"status": "killed"}]}])
def test_a_look_that_module_defaults_narrow_is_no_evidence(option: dict[str, Any]) -> None:
    """Whoever does not fit is not listed, and lives."""
    result = {**look(), "invocation": {"module_args": {"exclude": None, "match": None, **option}}}
    outcome, reason = verdict(first(result, killed()))
    assert outcome == "failed" and f"module_defaults of session_info have {next(iter(option))}" in reason
    everybody = {**look(killed()), "invocation": {"module_args": {"match": None, "exclude": []}}}
    assert first(everybody, killed())["groups"]
