# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proves that a process is the one that is meant: each fact by itself, and all of them together."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.proof import (
    Here,
    Process,
    choose_pmon,
    judge_process,
    refusal_of,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.request import Target

ORACLE, OTHER = 54321, 1000
PROGRAM = ("/u01/bin/oracle", 1, 2)
NOW = 100_000.0
HERE = Here("db1", NOW, frozenset({1, 900, 901}))
PMON = Process(
    700,
    700,
    1,
    (700,),
    "",
    "ora_pmon_SHOP",
    "ora_pmon_SHOP",
    ("ora_pmon_SHOP",),
    ORACLE,
    "oracle",
    "S",
    1000.0,
    False,
    PROGRAM,
)
# A dedicated server that has run for 5410 s.
GOOD = PMON._replace(
    pid=3859,
    leader=3859,
    numbers=(3859,),
    title="oracleSHOP (LOCAL=NO)",
    comm="oracle_3859_sh",
    threads=("oracle_3859_sh",),
    started=NOW - 5410,
)
TARGET = Target(3859, "SHOP", 5402.0)
HOUR = 3600.0


def judged(process: Process, target: Target = TARGET, pmon: Process | None = PMON, **options: Any) -> Any:
    return judge_process(target, process, pmon, options.get("owner"), options.get("patterns", ()), HERE)


def test_what_is_proven() -> None:
    verdict = judged(GOOD)
    assert verdict.outcome == "planned"
    assert verdict.proven == {
        "pid": 3859,
        "name": "oracleSHOP (LOCAL=NO)",
        "owner": "oracle",
        "program": "/u01/bin/oracle",
        "process_seconds": 5410.0,
        "session_seconds": 5402.0,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": "oracleSHOP2 (LOCAL=NO)"}, "instance SHOP2, not of SHOP"),
        ({"title": "oracle_3859_SHOP2"}, "instance SHOP2, not of SHOP"),
        ({"title": "oracleSHO (LOCAL=NO)"}, "instance SHO, not of SHOP"),
        ({"title": "tnslsnr LISTENER"}, "whose name is not that of a dedicated server"),
        ({"title": "oracleSHOP (LOCAL=NO)\n"}, "whose name is not that of a dedicated server"),
        ({"title": ""}, "whose name is not that of a dedicated server"),
        ({"title": "ora_lgwr_SHOP"}, "the background process 'ora_lgwr_SHOP'"),
        # No more of a command line is shown than that.
        ({"title": "ora_lgwr_SHOP password=hunter2"}, "the background process 'ora_lgwr_SHOP',"),
        ({"comm": "ora_lgwr_SHOP"}, "the background process 'ora_lgwr_SHOP'"),
        ({"threads": ("oracle_3859_sh", "ora_lgwr_SHOP")}, "the background process 'ora_lgwr_SHOP'"),
        (
            {"threads": ("oracle_3859_sh", "oracle_3860_sh")},
            "it is shared: its threads are oracle_3859_sh, oracle_3860_sh",
        ),
        ({"leader": 3858}, "a thread of process 3858"),
        ({"leader": 3858, "state": "Z"}, "a thread of process 3858"),
        ({"pid": 900, "leader": 900, "numbers": (900,)}, "the process of this module, or one that it was started by"),
        ({"kernel": True}, "the kernel's own thread"),
        ({"uid": OTHER, "user": "app"}, "it belongs to app"),
        ({"namespace": "pid:[7]"}, "another PID namespace"),
        ({"numbers": (3859, 12)}, "another PID namespace"),
        ({"started": 999.0}, "older than the instance"),
        ({"program": ("/usr/bin/cat", 1, 3)}, "it runs /usr/bin/cat, and the instance SHOP runs /u01/bin/oracle"),
        ({"started": NOW - 5402 + 3.1}, "its PID is another one's by now"),
        ({"started": NOW + 5}, "its PID is another one's by now"),
        ({"started": NOW - 5402 - 2 * HOUR - 0.1}, "it has served others before"),
    ],
)
def test_each_fact_that_speaks_against_it(changes: dict[str, Any], reason: str) -> None:
    verdict = judged(GOOD._replace(**changes))
    assert verdict.outcome == "refused" and reason in verdict.reason and verdict.proven is None


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "oracleSHOP (DESCRIPTION=(LOCAL=YES)(ADDRESS=(PROTOCOL=beq)))"},
        {"title": "oracle_1_SHOP"},
        {"threads": ("oracle_3859_sh", "oracle_3859_sh", "helper")},
        {"started": NOW - 5402 + 2.9},
        {"started": NOW - 5402 - 2 * HOUR + 0.1},
        # Started beforehand, it has waited for its session.
        {"title": "oracle_1_SHOP", "started": 1000.0},
        {"state": "D"},
        {"state": "T"},
        {"program": None},
        # Updated since: another file by the same path, or renamed while it runs.
        {"program": ("/u01/bin/oracle", 1, 3)},
        {"program": ("/u01/bin/oracleO", 1, 2)},
    ],
)
def test_what_does_not_speak_against_it(changes: dict[str, Any]) -> None:
    assert judged(GOOD._replace(**changes)).outcome == "planned"


def test_the_time_since_the_look_counts() -> None:
    young = TARGET._replace(logon_seconds=2.0)
    recycled = GOOD._replace(started=NOW - 50)
    assert judged(recycled, young).outcome == "planned"
    assert judged(recycled, young._replace(looked_seconds_ago=60.0)).outcome == "refused"
    assert judged(GOOD._replace(started=NOW - 62), young._replace(looked_seconds_ago=60.0)).outcome == "planned"


def test_without_the_age_of_the_session() -> None:
    verdict = judged(GOOD._replace(started=NOW - 1), TARGET._replace(logon_seconds=None))
    assert verdict.outcome == "planned" and verdict.proven["session_seconds"] is None


def test_one_that_has_ended_is_gone_whatever_it_was() -> None:
    ended = GOOD._replace(state="Z", title="", program=None, uid=OTHER)
    assert judged(ended).outcome == "gone"
    # Its first thread has ended, the others go on.
    assert judged(ended._replace(threads=("oracle_3859_sh", "helper"))).outcome == "refused"


def test_a_container() -> None:
    pmon = PMON._replace(numbers=(9000, 12), namespace="pid:[7]", pid=9000, leader=9000)
    inside = GOOD._replace(pid=9010, leader=9010, numbers=(9010, 3859), namespace="pid:[7]")
    assert judged(inside, pmon=pmon).outcome == "planned"
    for changes in ({"namespace": "pid:[8]"}, {"namespace": "", "numbers": (3859,)}, {"numbers": (3859, 12)}):
        assert judged(inside._replace(**changes), pmon=pmon).outcome == "refused"


def test_names_by_a_pattern() -> None:
    pattern = (re.compile("shadow .*"),)
    verdict = judged(GOOD._replace(title="shadow of scott/tiger", comm="shadow"), patterns=pattern)
    assert verdict.outcome == "planned" and verdict.proven["name"] == "shadow"
    assert judged(GOOD, patterns=pattern).outcome == "refused"
    everything = (re.compile("(ora|sha).*", re.DOTALL),)
    for title in ("oracleSHOP2 (LOCAL=NO)", "ora_smon_SHOP"):
        assert judged(GOOD._replace(title=title), patterns=everything).outcome == "refused"


def test_a_refusal_shows_no_command_line() -> None:
    assert "tiger" not in judged(GOOD._replace(title="sqlplus scott/tiger", comm="sqlplus")).reason


# --- before there is a process


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "shared"}, "of kind shared: it serves many sessions"),
        ({"kind": "pooled"}, "of kind pooled"),
        ({"kind": "parallel"}, "of kind parallel"),
        ({"kind": "job"}, "of kind job"),
        ({"kind": "thread"}, "of kind thread"),
        ({"kind": "background"}, "of kind background"),
        ({"kind": None}, "of kind None: what it serves is not known"),
        ({"kind": "Dedicated"}, "of kind Dedicated"),
        ({"spid": 1}, "PID 1 is"),
    ],
)
def test_targets_that_are_never_ended(changes: dict[str, Any], reason: str) -> None:
    target = TARGET._replace(**changes)
    assert reason in refusal_of(target, [target])


def test_targets_that_are_named_twice() -> None:
    other = TARGET._replace(oracle_sid="SHOP2")
    assert refusal_of(TARGET, [TARGET, other]) is None
    assert "more than once" in refusal_of(TARGET, [TARGET, other, TARGET._replace(logon_seconds=1.0)])


@pytest.mark.parametrize(
    ("target", "pmons", "owner", "reason"),
    [
        (TARGET, [PMON], None, None),
        (TARGET, [PMON], ORACLE, None),
        (TARGET, [], ORACLE, None),
        (TARGET, [PMON, PMON._replace(uid=OTHER)], ORACLE, None),
        (TARGET._replace(host="DB1.example.com"), [PMON], None, None),
        (TARGET._replace(host="3f2a"), [PMON._replace(namespace="pid:[7]")], None, None),
        (TARGET, [], None, "no process ora_pmon_SHOP is seen here"),
        (TARGET, [PMON], OTHER, "ora_pmon_SHOP belongs to oracle"),
        (TARGET, [PMON, PMON._replace(uid=OTHER)], None, "there are 2 processes ora_pmon_SHOP"),
        (TARGET, [PMON, PMON._replace(namespace="pid:[7]")], ORACLE, "there are 2 processes ora_pmon_SHOP"),
        (TARGET._replace(host="db2"), [PMON], None, "it lives on db2, this is db1"),
        (TARGET._replace(host="db2"), [], ORACLE, "it lives on db2, this is db1"),
    ],
)
def test_which_instance_is_meant(target: Target, pmons: list[Process], owner: int | None, reason: str | None) -> None:
    found, why = choose_pmon(target, pmons, owner, HERE)
    if reason is None:
        assert why is None and found == next((each for each in pmons if owner in (None, each.uid)), None)
    else:
        assert found is None and reason in why


# --- all facts together

# What makes a good process of GOOD, and what makes a bad one, each under a name.
FACTS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "name": (
        [{}, {"title": "oracle_77_SHOP"}, {"title": "oracleSHOP (DESCRIPTION=(LOCAL=NO)(SDU=8192))"}],
        [
            {"title": title}
            for title in ("oracleSHOP2 (LOCAL=NO)", "ora_ckpt_SHOP", "sqlplus", "oracleSHOP (LOCAL=MAYBE)")
        ],
    ),
    "threads": (
        [{}, {"threads": ("x", "y")}],
        [{"threads": ("oracle_1_s", "oracle_2_s")}, {"threads": ("ora_ckpt_S",)}],
    ),
    "owner": ([{}], [{"uid": 0}, {"uid": OTHER}]),
    "state": ([{}, {"state": "R"}, {"state": "D"}], []),
    "leader": ([{}], [{"leader": 1}, {"leader": 3858}]),
    "kernel": ([{}], [{"kernel": True}]),
    "namespace": ([{}], [{"namespace": "pid:[7]"}, {"numbers": (3859, 3859), "namespace": "pid:[7]"}]),
    "program": ([{}, {"program": None}], [{"program": ("/bin/sh", 1, 9)}]),
    "age": (
        [{"started": NOW - age} for age in (5399.5, 5402.0, 5500.0, 5402 + 1.9 * HOUR)],
        [{"started": started} for started in (NOW, NOW - 5398.0, 999.0)],
    ),
}


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_only_what_is_good_in_every_way_is_signalled(data: st.DataObject) -> None:
    process, bad = GOOD, []
    for name, (good_ones, bad_ones) in FACTS.items():
        choices = [(True, each) for each in good_ones * 3] + [(False, each) for each in bad_ones]
        good, changes = data.draw(st.sampled_from(choices), label=name)
        process = process._replace(**changes)
        bad += [] if good else [name]
    verdict = judged(process)
    assert verdict.outcome == ("refused" if bad else "planned"), (bad, verdict)
    assert verdict.reason and "\n" not in verdict.reason
    assert (verdict.proven is None) == bool(bad)


@pytest.mark.parametrize(
    ("told", "here", "same"),
    [
        ("db1", "db1", True),
        ("DB1.example.com", "db1", True),
        ("db1", "db1.example.com", True),
        ("db1.example.com.", "db1.example.com", True),
        ("db1.example.org", "db1.example.com", False),
        ("db10", "db1", False),
    ],
)
def test_a_host_in_another_domain_is_another_one(told: str, here: str, same: bool) -> None:
    found, reason = choose_pmon(TARGET._replace(host=told), [PMON], None, HERE._replace(host=here))
    assert (found is PMON) is same and (reason is None) is same
