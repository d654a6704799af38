# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sessions a rule picks, why the others are spared, and what must not have changed when their turn comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.builders import DATABASE, oracle, oracle_session, rule, running, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import Wanted, parse_rule
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.select import Selection, changed_since, select
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session, Snapshot, restarted
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption


def picked(where: Snapshot, **options: Any) -> list[int]:
    return [each.sid for each in select(where, rule(**options)).picked]


def spared(selection: Selection) -> dict[int, str]:
    return {each.sid: reason for each, reason in selection.spared}


# --- match and exclude


def test_every_session_is_either_picked_or_spared_with_a_reason() -> None:
    where = snapshot(session(1), running(2), session(3, username="OTHER"), session(4, type="background"))
    selection = select(where, rule(match={"username": "APP_1", "idle": 60}))
    assert [each.sid for each in selection.picked] == [1]
    assert selection.matched == 1
    assert spared(selection) == {
        2: "idle is none, the rule wants 60",
        3: "username is 'OTHER', the rule wants 'APP_1'",
        4: "a background session, never picked by a rule",
    }


def test_exclusion_beats_inclusion() -> None:
    where = snapshot(session(1), session(2, machine="app2"), session(3, module="nightly"))
    selection = select(
        where, rule(match={"username": "APP_*"}, exclude=[{"machine": "app2"}, {"module": "nightly", "idle": 1}])
    )
    assert [each.sid for each in selection.picked] == [1]
    assert spared(selection) == {
        2: "excluded by machine: 'app2'",
        3: "excluded by module: 'nightly', idle: 1",
    }


def test_an_entry_of_exclude_must_fit_as_a_whole() -> None:
    where = snapshot(session(1, module="nightly"))
    assert picked(where, exclude=[{"module": "nightly", "idle": "2h"}]) == [1]


def test_null_does_not_exclude_either() -> None:
    assert picked(snapshot(session(1, module=None)), exclude=[{"module": "*"}]) == [1]


def test_at_most_is_an_exclusion() -> None:
    where = snapshot(session(1, idle_seconds=59.0), session(2, idle_seconds=60.0))
    assert picked(where, match={"idle": 1}, exclude=[{"idle": 60}]) == [1]


def test_killed_sessions_are_seen_only_by_name() -> None:
    where = snapshot(session(1), session(2, status="killed"))
    assert picked(where, match={"username": "APP_1"}) == [1]
    assert picked(where, match={"username": "APP_1", "status": "*"}) == [1]
    assert picked(where, match={"username": "APP_1", "status": "killed"}) == [2]
    assert spared(select(where, rule(match={"username": "APP_1"})))[2].startswith("already killed; ")
    assert [each.sid for each in select(where, rule(match={"username": "APP_1"}), listing=True).picked] == [1, 2]


def test_closed_sessions_are_passed_by() -> None:
    where = snapshot(session(1), session(2))
    selection = select(where, rule(match={"username": "APP_1"}, closed_sessions=[session(1).row()]))
    assert [each.sid for each in selection.picked] == [2]
    assert spared(selection)[1] == "an earlier rule of this run has dealt with it"
    # Another session under the same id is not the one that was dealt with.
    assert picked(where, match={"username": "APP_1"}, closed_sessions=[session(1, client_port=1).row()]) == [1, 2]
    selection = select(where, rule(sid=1, closed_sessions=[session(1).row()]))
    assert [each.outcome for each in selection.settled] == ["skipped"]


# --- pick, limit, keep


def at(sid: int, idle: float | None = None, logon: float | None = None, **fields: Any) -> Session:
    seconds = {"idle_seconds": idle} if idle is not None else {"active_seconds": 1.0}
    return session(sid, logon_seconds=logon, **seconds, **fields)


IDLE = snapshot(at(4, 10.0), at(1, 30.0), at(3), at(2, 30.0), at(5, 20.0))
AGES = snapshot(at(4, 1.0, 10.0), at(1, 1.0, 30.0), at(3, 1.0, None), at(2, 1.0, 30.0), at(5, 1.0, 20.0))


@pytest.mark.parametrize(
    ("where", "options", "expected"),
    [
        (IDLE, {}, [1, 2, 3, 4, 5]),
        (IDLE, {"limit": 2}, [1, 2]),
        (IDLE, {"limit": 9}, [1, 2, 3, 4, 5]),
        (IDLE, {"pick": "longest_idle"}, [1, 2, 5, 4, 3]),
        (IDLE, {"pick": "longest_idle", "limit": 3}, [1, 2, 5]),
        (AGES, {"pick": "oldest"}, [1, 2, 5, 4, 3]),
        (AGES, {"pick": "oldest", "limit": 1}, [1]),
        (AGES, {"pick": "newest", "limit": 2}, [3, 4]),
    ],
)
def test_pick_and_limit(where: Snapshot, options: dict[str, Any], expected: list[int]) -> None:
    assert picked(where, match={"username": "APP_1"}, **options) == expected


def test_ties_go_by_logon_time_then_instance_then_sid() -> None:
    where = snapshot(
        at(1, 5.0, inst_id=2, logon_time="2026-01-02"),
        at(2, 5.0, inst_id=2, logon_time="2026-01-01"),
        at(3, 5.0, inst_id=1, logon_time="2026-01-02"),
        at(5, 5.0, inst_id=1, logon_time="2026-01-01"),
        at(4, 5.0, inst_id=1, logon_time="2026-01-01"),
    )
    assert picked(where, pick="longest_idle") == [4, 5, 2, 3, 1]


def test_the_order_does_not_depend_on_that_of_the_rows() -> None:
    for pick in ("all", "longest_idle"):
        backwards = snapshot(*reversed(IDLE.sessions))
        options = {"match": {"username": "APP_1"}, "pick": pick, "limit": 2}
        assert picked(backwards, **options) == picked(IDLE, **options)


def test_beyond_the_limit_is_spared() -> None:
    selection = select(IDLE, rule(match={"username": "APP_1"}, limit=2))
    assert selection.matched == 5
    assert spared(selection) == dict.fromkeys((3, 4, 5), "beyond the limit of 2")


def test_keep_leaves_the_most_recently_used_of_each_group() -> None:
    where = snapshot(
        at(1, 10.0), at(2, 30.0), at(3), at(4, 20.0), at(5, 90.0, machine="app2"), at(6, 5.0, machine=None)
    )
    selection = select(where, rule(match={"username": "APP_1"}, keep=2, per="machine"))
    assert [each.sid for each in selection.picked] == [2, 4]
    assert selection.matched == 6
    assert spared(selection) == dict.fromkeys((1, 3, 5, 6), "kept: one of the 2 most recently used of its machine")
    assert picked(where, match={"username": "APP_1"}, keep=0, per="machine") == [1, 2, 3, 4, 5, 6]
    assert picked(where, match={"username": "APP_1"}, keep=9, per="username") == []


def test_keep_breaks_ties_like_pick() -> None:
    where = snapshot(at(3, 5.0), at(1, 5.0), at(2, 5.0))
    assert picked(where, keep=1, per="username") == [2, 3]


def test_keep_counts_only_sessions_that_fit() -> None:
    where = snapshot(at(1, 10.0), at(2, 30.0), at(3, 1.0, username="OTHER"), at(4, 1.0, module="spare me"))
    options: dict[str, Any] = {"match": {"username": "APP_1"}, "exclude": [{"module": "spare*"}]}
    assert picked(where, **options, keep=1, per="machine") == [2]


def test_keep_comes_before_pick_and_limit() -> None:
    assert picked(IDLE, match={"idle": 0}, keep=1, per="username", pick="longest_idle", limit=2) == [1, 2]
    assert picked(IDLE, match={"idle": 0}, keep=3, per="username", pick="longest_idle", limit=2) == [2]


# --- what cannot be read


@pytest.mark.parametrize("option", ["match", "exclude", "protect"])
@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_that_cannot_be_read_is_an_error(option: str, key: str) -> None:
    operand: Any = {
        "blocked_by": {"sid": 1},
        **dict.fromkeys(("in_transaction", "blocking", "blocked", "root_blocker"), False),
        **dict.fromkeys(("idle", "active", "sql_active", "logon_age", "transaction_age", "undo_records"), 0),
        **dict.fromkeys(("temp_mb", "pga_mb", "waiters", "blocking_for"), 0),
        "inst_id": 1,
        **{"status": "inactive", "type": "user", "server": "shared"},
    }.get(key, "x")
    match = {"username" if key != "username" else "idle": "1" if key == "username" else "APP_1"}
    options: dict[str, Any] = {"match": match}
    options[option] = {**match, key: operand} if option == "match" else [{key: operand}]
    where = snapshot(session(1), unavailable={key: "missing privilege: GRANT SELECT ON x TO y"})
    with pytest.raises(BadOption) as error:
        select(where, rule(**options))
    assert str(error.value) == (
        f"{key}: it cannot be seen here (missing privilege: GRANT SELECT ON x TO y); leave it out, or mend that."
    )


@pytest.mark.parametrize(
    ("options", "option", "key"),
    [
        ({"pick": "oldest"}, "pick", "logon_age"),
        ({"pick": "newest"}, "pick", "logon_age"),
        ({"pick": "longest_idle"}, "pick", "idle"),
        ({"keep": 1, "per": "program"}, "per", "program"),
        ({"keep": 1, "per": "service"}, "per", "service"),
        ({"max_rollback_records": 10}, "max_rollback_records", "undo_records"),
    ],
)
def test_order_groups_and_limits_need_what_they_compare(options: dict[str, Any], option: str, key: str) -> None:
    where = snapshot(session(1), unavailable={key: "not listed"})
    with pytest.raises(BadOption) as error:
        select(where, rule(match={"username": "APP_1"}, **options))
    assert str(error.value) == (
        f"{option}: {key}, which it needs, cannot be seen here (not listed); leave it out, or mend that."
    )


def test_what_a_rule_does_not_use_may_be_unavailable() -> None:
    where = snapshot(session(1), unavailable=dict.fromkeys(set(KEYS) - {"username"}, "not listed"))
    assert picked(where, match={"username": "APP_1"}) == [1]


def test_a_login_that_sees_every_container_must_name_one() -> None:
    where = snapshot(session(1, container="t1"), session(2, container="t2"), all_containers=True)
    for options in ({"match": {"username": "APP_1"}}, {"match": {"idle": 1}, "exclude": [{"container": "t2"}]}):
        with pytest.raises(BadOption, match=r"^match\.container: .* name the one that is meant, or '\*' for all"):
            select(where, rule(**options))
    assert picked(where, match={"username": "APP_1", "container": "T1"}) == [1]
    assert picked(where, match={"username": "APP_1", "container": "*"}) == [1, 2]
    # An id is unique in the whole cluster.
    assert picked(where, sid=1) == [1]
    assert picked(where, sid=1, match={"username": "APP_1"}) == [1]


def test_what_the_server_hides_is_not_none() -> None:
    own = session(9, username="ops", own=True, idle_seconds=None, active_seconds=0.1)
    where = snapshot(session(1, username="OPS"), own, all_users=False)
    for match in ({"username": "APP_1"}, {"username": ["OPS", "APP_1"]}, {"username": "OPS*"}, {"idle": 1}):
        with pytest.raises(BadOption, match=r"^login_user: it lacks the privilege PROCESS.*GRANT PROCESS ON"):
            select(where, rule(match=match))
    assert picked(where, match={"username": "ops", "idle": 1}) == [1]
    assert picked(where, sid=1) == [1]
    (hidden,) = select(where, rule(sid=30)).settled
    assert hidden.outcome == "failed" and "GRANT PROCESS" in hidden.reason
    listed = select(where, parse_rule({}, acting=False), listing=True)
    assert len(listed.picked) == 2 and "GRANT PROCESS" in listed.warnings[0]


# --- by identity


def test_a_sid_finds_its_session_and_match_is_an_assertion() -> None:
    where = snapshot(session(1), running(2), session(3, status="killed"))
    assert picked(where, sid=1) == [1]
    assert picked(where, sid=3) == [3]
    selection = select(where, rule(sid=2, match={"idle": 0}))
    assert selection.picked == []
    assert [(each.session.sid, each.outcome, each.reason) for each in selection.settled] == [
        (2, "skipped", "idle is none, the rule wants 0")
    ]
    selection = select(where, rule(sid=1, exclude=[{"username": "APP_1"}]))
    assert [(each.outcome, each.reason) for each in selection.settled] == [("skipped", "excluded by username: 'APP_1'")]


def test_a_sid_that_nobody_has_is_gone() -> None:
    selection = select(snapshot(session(1)), rule(sid=2))
    assert [(each.session.sid, each.outcome) for each in selection.settled] == [(2, "gone")]
    assert selection.warnings == []


def test_a_serial_that_is_not_the_session_s_is_gone_and_names_who_has_the_sid() -> None:
    where = snapshot(session(1, serial=7, inst_id=2))
    wrong = replace(rule(sid=1), wanted=(Wanted(1, serial=6),))
    selection = select(where, wrong)
    assert [each.outcome for each in selection.settled] == ["gone"]
    assert selection.warnings == [
        "Session 1 is gone; its sid now belongs to session 1,7,@2 of APP_1 from app1, which was left alone."
    ]
    assert select(where, replace(wrong, wanted=(Wanted(1, serial=7),))).picked == where.sessions


def test_a_sid_on_several_instances_must_name_one() -> None:
    where = snapshot(
        *(session(1, serial=serial, inst_id=instance) for serial, instance in ((7, 1), (8, 2), (8, 3))),
        instances=[1, 2, 3],
    )
    one = rule(sid=1)
    for serial, exists_on in ((7, "1"), (8, "2, 3"), (9, "none of them")):
        # Even where one instance has it only: what the caller sees there may be another session already.
        with pytest.raises(BadOption) as error:
            select(where, replace(one, wanted=(Wanted(1, serial=serial),)))
        assert str(error.value) == (
            "inst_id: several instances are open, each with sids of its own; "
            f"session 1,{serial} exists on {exists_on}: say which one is meant."
        )
    assert select(where, replace(one, wanted=(Wanted(1, serial=8, inst_id=2),))).picked == where.sessions[1:2]
    selection = select(where, replace(one, wanted=(Wanted(1, serial=7, inst_id=2),)))
    assert [each.outcome for each in selection.settled] == ["gone"]
    assert selection.warnings == [
        "Session 1 is gone; its sid now belongs to session 1,8,@2 of APP_1 from app1, which was left alone.",
        "inst_id: there is no session 1,7 on instance 2, but there is session 1,7,@1 of APP_1 from app1, which was left alone.",
    ]


def test_where_one_instance_is_open_it_need_not_be_named() -> None:
    where = snapshot(session(1, serial=7, inst_id=2), instances=[2])
    for wanted in (Wanted(1, serial=7), Wanted(1, serial=7, inst_id=2)):
        assert select(where, replace(rule(sid=1), wanted=(wanted,))).picked == where.sessions


def test_without_its_serial_no_session_of_oracle_database_is_named() -> None:
    with pytest.raises(BadOption) as error:
        rule(oracle(), sid=30)
    assert str(error.value) == (
        "serial: it is missing: Oracle Database gives a sid to the next session as soon as it is free, and the serial# "
        "tells them apart; copy both from session_info."
    )
    with pytest.raises(BadOption, match=r"^sid: 2147483648 is no session id here, the largest is 2147483647; "):
        rule(oracle(), sid=2**31, serial=1)
    assert rule(oracle(), sid="30", serial="15", inst_id="2").wanted == (Wanted(30, 15, 2),)


def test_what_a_numbered_session_is_called_may_change() -> None:
    seen = oracle_session(1)
    where = snapshot(oracle_session(1, username="APP_2", container="OTHER", client_port=1), instances=[1, 2])
    result = saved(snapshot(seen))
    assert [each.sid for each in select(where, rule(oracle(), sessions=result)).picked] == [1]
    for other in ({"serial": 16}, {"inst_id": 2}, {"logon_time": "2026-11-21T06:00:02+02:00"}):
        selection = select(snapshot(oracle_session(1, **other)), rule(oracle(), sessions=result))
        assert (selection.picked, [each.outcome for each in selection.settled]) == ([], ["gone"])


def test_what_an_earlier_call_has_told_to_end_is_not_asked_again() -> None:
    told = {"verb": "kill", "outcome": "pending"}
    rows = [session(1).row() | told, session(2).row() | told | {"outcome": "failed"}]
    rows += [session(3).row() | told | {"verb": "cancel"}, session(4).row() | told | {"verb": "disconnect"}]
    result = {"sessions": rows, "database": DATABASE}
    dying = [running(sid, status="killed") for sid in (1, 2, 3, 4)]
    what = rule(sessions=result, match={"idle": 60}, allow=["killed"])
    selection = select(snapshot(*dying), what)
    assert [each.sid for each in selection.picked] == [1, 4]
    assert [(each.session.sid, each.outcome) for each in selection.settled] == [(2, "skipped"), (3, "skipped")]
    assert [what.matching(each) for each in dying[:2]] == [frozenset(), {"idle"}]
    assert changed_since(what, dying[0], dying[0]) is None
    # Told or not, one that is not killed may be at work for somebody: it must still fit.
    where = snapshot(*(running(sid) for sid in (1, 2, 3, 4)))
    assert not select(where, what).picked
    # Who it is, what is excluded and what is protected is asked of everybody.
    spared = rule(sessions=result, exclude=[{"status": "active"}])
    assert [each.outcome for each in select(where, spared).settled] == ["skipped"] * 4
    assert changed_since(rule(sessions=result, protect=[{"status": "active"}]), session(1), running(1))
    assert [each.outcome for each in select(snapshot(session(1, client_port=1)), what).settled] == ["gone"] * 4


def test_saved_sessions_are_found_again() -> None:
    where = snapshot(session(1), session(2), session(3))
    before = saved(snapshot(session(1), session(3)))
    assert picked(where, sessions=before) == [1, 3]
    # What a session does has changed, who it is has not.
    busy = snapshot(running(1))
    assert picked(busy, sessions=saved(snapshot(session(1)))) == [1]
    selection = select(busy, rule(sessions=saved(snapshot(session(1))), match={"idle": 0}))
    assert [each.outcome for each in selection.settled] == ["skipped"]


@pytest.mark.parametrize(
    "other",
    [
        {"client_port": 7},
        {"client_address": "10.0.0.8"},
        {"username": "APP_2"},
        {"container": "t2"},
        {"node": "10.9.9.9:2882"},
        {"serial": 5},
        {"logon_time": "2026-11-21T06:00:00.000+00:00"},
    ],
)
def test_a_reused_id_is_gone(other: dict[str, Any]) -> None:
    selection = select(snapshot(session(1, **other)), rule(sessions=saved(snapshot(session(1)))))
    assert selection.picked == []
    assert [each.outcome for each in selection.settled] == ["gone"]
    assert len(selection.warnings) == 1
    assert "its sid now belongs to" in selection.warnings[0]


# --- saved results of elsewhere and of another time


@pytest.mark.parametrize(
    ("database", "sentence"),
    [
        ({"dbid": "another"}, "they were listed in another database (dbid another"),
        ({"name": "t2"}, "they were listed in another database (name t2"),
        ({"container": "t2"}, "they were listed in another database (container t2"),
        ({"dialect": "oracle"}, "they were listed in another database (dialect oracle"),
        ({"dbid": None}, "they were listed in another database (dbid None"),
        ({"startup_time": "2026-10-01T00:00:00.000+00:00"}, "the instance was restarted at 2026-11-01"),
        ({"startup_time": "2026-11-01T00:00:04.000+00:00"}, "the instance was restarted at 2026-11-01"),
        ({"taken_at": "2026-11-21T05:59:59.000+00:00"}, "they were listed 3601 s ago, longer than sessions_max_age"),
        ({"taken_at": "2099-01-01T00:00:00.000+00:00"}, "they were listed "),
        ({"taken_at": None}, "their database lacks taken_at"),
        ({"startup_time": None}, "their database lacks startup_time"),
        ({"taken_at": "yesterday"}, "their database holds a time that is none"),
        ({"taken_at": 5}, "their database holds a time that is none"),
        ({"startup_time": "soon"}, "their database holds a time that is none"),
    ],
)
def test_saved_results_that_are_refused(database: dict[str, Any], sentence: str) -> None:
    result = saved(snapshot(session(1)))
    result["database"].update(database)
    with pytest.raises(BadOption) as error:
        select(snapshot(session(1)), rule(sessions=result))
    assert str(error.value).startswith("sessions: " + sentence)
    assert "list them" in str(error.value) or "give the result of session_info as it was returned" in str(error.value)


@pytest.mark.parametrize(
    "database",
    [
        {},
        {"taken_at": "2026-11-21T06:00:00.000+00:00"},
        {"taken_at": "2026-11-21T09:00:00.000+03:00"},
        # Read from an uptime in whole seconds, so two readings of one start differ.
        {"startup_time": "2026-11-01T00:00:02.900+00:00"},
        {"startup_time": "2026-10-31T23:59:57.100+00:00"},
    ],
)
def test_saved_results_that_are_taken(database: dict[str, Any]) -> None:
    result = saved(snapshot(session(1)))
    result["database"].update(database)
    assert picked(snapshot(session(1)), sessions=result) == [1]


def test_sessions_max_age_is_the_limit() -> None:
    result = saved(snapshot(session(1), taken_at="2026-11-21T06:59:00.000+00:00"))
    assert picked(snapshot(session(1)), sessions=result, sessions_max_age=60) == [1]
    with pytest.raises(BadOption, match="longer than sessions_max_age \\(59 s\\); list them again"):
        picked(snapshot(session(1)), sessions=result, sessions_max_age="59s")


def test_a_restart_shows_in_the_start_up_time() -> None:
    assert not restarted(DATABASE, DATABASE)
    assert restarted(DATABASE, {**DATABASE, "startup_time": "2026-11-21T06:59:00.000+00:00"})
    assert not restarted(DATABASE, {**DATABASE, "startup_time": None})


# --- between look and act

BLOCKS = {"waiters": 1, "longest_seconds": 9.0, "root": True}
CHANGES = [
    # rule, session as it was seen, session as it is now, reason or None
    ({"match": {"idle": 60}}, session(), session(idle_seconds=3601.0), None),
    ({"match": {"idle": 60}}, session(), session(), None),
    (
        {"match": {"idle": 60}},
        session(),
        session(idle_seconds=3601.0, module="dbops.oracle_sessions"),
        "it changed before its turn came: it is our own session, or another run of this collection",
    ),
    ({"match": {"idle": 60}}, session(), session(idle_seconds=3599.9), "it has run something since it was matched"),
    ({"match": {"idle": 60}}, session(), session(idle_seconds=59.0), "idle is 59, the rule wants 60"),
    ({"match": {"idle": 60}}, session(), running(), "idle is none, the rule wants 60"),
    ({"match": {"idle": 0}}, session(), session(idle_seconds=0.0), "it has run something since it was matched"),
    # Without idle in the rule it may have run something.
    ({"match": {"username": "APP_1"}}, session(), running(), None),
    ({"match": {"username": "APP_1"}}, running(), session(), None),
    ({"match": {"active": 10}}, running(), running(active_seconds=61.0), None),
    ({"match": {"active": 10}}, running(), session(), "active is none, the rule wants 10"),
    ({"match": {"active": 10}}, running(), running(sql_exec_id="YB42-2"), "it runs another statement by now, or none"),
    ({"match": {"active": 10}}, running(), running(sql_id="B" * 32), "it runs another statement by now, or none"),
    ({"match": {"active": 10}}, running(), running(active_seconds=59.0), "it runs another statement by now, or none"),
    ({"match": {"sql_active": 10}}, running(), running(sql_exec_id="2"), "it runs another statement by now, or none"),
    ({"match": {"sql_id": "A*"}}, running(), running(sql_exec_id="2"), "it runs another statement by now, or none"),
    ({"match": {"sql_text": "*"}}, running(), running(sql_exec_id="2"), "it runs another statement by now, or none"),
    ({"match": {"in_transaction": False}}, session(), session(transaction={}), "in_transaction is true"),
    ({"match": {"in_transaction": True}}, session(transaction={}), session(), "in_transaction is false"),
    ({"match": {"blocking": True}}, session(blocking=BLOCKS), session(blocking=BLOCKS), None),
    ({"match": {"blocking": True}}, session(blocking=BLOCKS), session(), "blocking is false"),
    ({"match": {"root_blocker": True}}, session(blocking=BLOCKS), session(blocking={**BLOCKS, "root": False}), "root"),
    ({"match": {"blocked": True}}, session(blocked_by={"sid": 2}), session(), "blocked is false"),
    (
        {"match": {"blocked_by": {"sid": 2}}},
        session(blocked_by={"sid": 2}),
        session(blocked_by={"sid": 3}),
        "session 3",
    ),
    ({"match": {"module": "a"}}, session(module="a"), session(module="b"), "module is 'b', the rule wants 'a'"),
    (
        {"exclude": [{"module": "b"}]},
        session(module="a"),
        session(module="b", idle_seconds=3601.0),
        "excluded by module",
    ),
    ({"protect": [{"module": "b"}]}, session(module="a"), session(module="b"), "protected by module: 'b'"),
    ({"sid": 30}, session(), running(), None),
    ({"sid": 30, "match": {"idle": 0}}, session(), session(idle_seconds=1.0), "it has run something"),
    ({"sid": 30, "protect": [{"in_transaction": True}]}, session(), session(transaction={}), "protected by"),
    ({"match": {"username": "APP_1"}}, session(), session(status="killed"), "somebody else has killed it meanwhile"),
    ({"match": {"status": "killed"}}, session(status="killed"), session(status="killed"), None),
]


@pytest.mark.parametrize(("options", "seen", "now", "reason"), CHANGES)
def test_what_has_changed_since(options: dict[str, Any], seen: Session, now: Session, reason: str | None) -> None:
    found = changed_since(rule(**options), seen, now)
    assert (found is None) is (reason is None), found
    assert reason is None or reason in (found or "")


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (running(active_seconds=61.0), False),
        (running(), False),
        (running(sql_exec_id="YB42-2"), True),
        (running(sql_id="B" * 32, active_seconds=61.0), True),
        (running(active_seconds=0.1), True),
        (session(), True),
    ],
)
def test_a_cancel_is_for_one_execution(now: Session, changed: bool) -> None:
    found = changed_since(rule(match={"username": "APP_1"}), running(), now, cancelling=True)
    assert found == ("it runs another statement by now, or none" if changed else None)
