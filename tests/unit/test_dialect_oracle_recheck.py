# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PL/SQL block that ends a session only if it is still what it was: its text, its values, its answers.

What its one query decides is asked of SQLite, which knows enough of this SQL for that: the views are tables, DECODE and
TO_CHAR two functions. It is the meaning of the conditions that is tested here; that a server takes the block is tested
against one (tests/integration).
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import ORACLE_ZONE, oracle, oracle_running, oracle_session, rule

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_recheck import (
    OUTPUTS,
    SPARED_IN_BLOCK,
    Recheck,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oracle_snapshot import SessionList
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import KILL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.select import changed_since
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Answer, Outcome, Session

ALWAYS = {"was_killed", "sid", "serial", "inst_id", "logon_time", "statement"}
LOCK = "enq: TX - row lock contention"
SQL_ID = "7h35uxf5uhmm1"


def session_list(container: str = "SHOP", several: bool = False) -> SessionList:
    instances: dict[int, Any] = {number: {} for number in ((1, 2) if several else (1,))}
    return SessionList((19, 3), instances, 1, 99, ORACLE_ZONE, container)


def recheck(
    *matching: str, sparing: tuple[str, ...] = (), several: bool = False, wrapped: bool = False, container: str = "SHOP"
) -> Recheck:
    return Recheck(session_list(container, several), frozenset(matching), frozenset(sparing), wrapped)


def step(of: Session) -> Outcome:
    return Outcome(of, KILL, "ALTER SYSTEM KILL SESSION '30,15,@1' IMMEDIATE")


# --- the query, asked of SQLite

COLUMNS = (
    *("inst_id", "sid", "serial_", "logon_time", "status", "module", "last_call_et", "sql_id", "sql_exec_id"),
    *("schemaname", "action", "client_identifier", "client_info", "resource_consumer_group", "service_name", "con_id"),
    *("saddr", "blocking_session", "blocking_instance", "blocking_session_status", "event", "wait_time_micro"),
)


def columns(of: Session, **changed: Any) -> dict[str, Any]:
    """The row of V$SESSION that this session was read from, with what has changed since."""
    active = of.active_seconds is not None
    row = {
        "inst_id": of.inst_id,
        "sid": of.sid,
        "serial_": of.serial,
        "logon_time": (of.logon_time or "")[:19],
        "status": (of.status or "").upper(),
        "module": of.module,
        "last_call_et": int((of.active_seconds if active else of.idle_seconds) or 0),
        "sql_id": of.sql_id,
        "sql_exec_id": of.sql_exec_id,
        "schemaname": of.schema,
        "action": of.action,
        "client_identifier": of.client_identifier,
        "client_info": of.client_info,
        "resource_consumer_group": of.resource_group,
        "service_name": of.service,
        "con_id": 3,
        "saddr": of.sid,
        "event": "SQL*Net message from client",
        **changed,
    }
    return {name: row.get(name) for name in COLUMNS}


def decode(value: Any, wanted: Any, same: Any, other: Any) -> Any:
    return same if value == wanted else other


def asked(
    check: Recheck,
    seen: Session,
    *rows: dict[str, Any],
    transactions: tuple[dict[str, Any], ...] = (),
    containers: tuple[tuple[int, str], ...] = ((3, "SHOP"),),
) -> str | None:
    """What the block's query finds: None, the number of a check, or gone."""
    found = re.search(r"SELECT (CASE .* END) INTO changed\n(.*?);", check.text, re.DOTALL)
    assert found
    query = f"SELECT {found[1]} {found[2]}".replace("serial#", "serial_").replace("SYSDATE", "1000000.0 / 86400")
    database = sqlite3.connect(":memory:")
    database.create_function("DECODE", 4, decode)
    database.create_function("TO_CHAR", 2, lambda value, _format: value)
    database.create_function("NVL", 2, lambda value, other: other if value is None else value)
    for prefix in ("v$", "gv$"):
        database.execute(f'CREATE TABLE "{prefix}session" ({", ".join(COLUMNS)})')
        database.execute(f'CREATE TABLE "{prefix}transaction" (inst_id, ses_addr, start_date)')
        for row in rows:
            marks = ", ".join(f":{name}" for name in COLUMNS)
            database.execute(f'INSERT INTO "{prefix}session" VALUES ({marks})', row)
        for each in transactions:
            # Dates are days, as they are to Oracle Database when one is taken from another.
            start = (1000000.0 - each["age"]) / 86400
            values = (each.get("inst_id", 1), each["of"], start)
            database.execute(f'INSERT INTO "{prefix}transaction" VALUES (?, ?, ?)', values)
    database.execute('CREATE TABLE "v$containers" (con_id, name)')
    database.executemany('INSERT INTO "v$containers" VALUES (?, ?)', containers)
    answers = database.execute(query, check.row(step(seen))).fetchall()
    assert len(answers) <= 1
    return str(answers[0][0]) if answers and answers[0][0] is not None else None if answers else "gone"


def judged(check: Recheck, seen: Session, *rows: dict[str, Any], **world: Any) -> Answer:
    return check.answer({"changed": asked(check, seen, *rows, **world), "code": 0, "message": None})


OPEN = Answer()


def is_open(answer: Answer) -> bool:
    return answer == OPEN


# --- identity


@pytest.mark.parametrize("several", [False, True])
def test_the_session_itself_is_told_from_every_other(several: bool) -> None:
    seen = oracle_session()
    check = recheck(several=several)
    assert is_open(judged(check, seen, columns(seen)))
    assert is_open(judged(check, seen, columns(seen), columns(oracle_session(31)), columns(seen, serial_=14)))
    for other in ({"sid": 31}, {"serial_": 16}, {"logon_time": "2026-11-21T06:00:31"}):
        found = judged(check, seen, columns(seen, **other))
        assert (found.held, found.reason) == ("gone", "no such session any more when its turn came")
    assert judged(check, seen).held == "gone"


def test_the_same_numbers_on_another_instance() -> None:
    there = oracle_session(inst_id=2)
    assert judged(recheck(several=True), oracle_session(), columns(there)).held == "gone"
    assert is_open(judged(recheck(several=True), there, columns(there), columns(oracle_session())))
    # Where one instance is open, nothing on another one can be meant.
    assert judged(recheck(), there, columns(there)).held == "gone"


# --- what has changed, key by key

SEEN = oracle_session(module="orders", schema="SHOP", action=None, client_identifier="user 7", service="shop_rw")
ACTIVE = oracle_running(active_seconds=60.0)
IN_PLSQL = oracle_running(sql_id=None, sql_exec_id=None)
TX = {"transaction": {"age_seconds": 100.0, "undo_records": 5}}
MINE = {"of": 30, "age": 100.0}
BLOCKING = {"blocking": {"waiters": 1, "longest_seconds": 9.0, "root": True}}
WAITING = {
    "blocking_session_status": "VALID",
    "blocking_session": 77,
    "blocking_instance": 1,
    "event": LOCK,
    "wait_time_micro": 3_000_000,
}
WAITS = {"blocked_by": {"inst_id": 1, "sid": 77}}
RAN = "it has run something since it was matched"
KILLED = "somebody else has killed it meanwhile"
ANOTHER = "it runs another statement by now, or none"


@pytest.mark.parametrize(
    ("keys", "seen", "now", "reason"),
    [
        # Whatever the rule is about.
        ((), SEEN, {}, None),
        ((), SEEN, {"status": "ACTIVE", "sql_id": SQL_ID, "last_call_et": 0, "module": "other"}, None),
        ((), SEEN, {"status": "KILLED"}, KILLED),
        ((), replace(SEEN, status="killed"), {}, None),
        ((), SEEN, {"module": TAG}, "own: it is another run of this collection by now"),
        ((), SEEN, {"module": f"{TAG}2"}, None),
        ((), SEEN, {"module": None}, None),
        # idle
        (("idle",), SEEN, {}, None),
        (("idle",), SEEN, {"last_call_et": 3601}, None),
        (("idle",), SEEN, {"last_call_et": 3599}, RAN),
        (("idle",), SEEN, {"last_call_et": 0}, RAN),
        (("idle",), SEEN, {"status": "ACTIVE", "last_call_et": 9999}, RAN),
        (("idle",), SEEN, {"status": "SNIPED"}, None),
        (("idle",), replace(SEEN, idle_seconds=0.0), {"status": "ACTIVE"}, RAN),
        # what runs
        *(((key,), ACTIVE, {}, None) for key in ("active", "sql_active", "sql_id", "sql_text")),
        *(
            ((key,), ACTIVE, {"sql_exec_id": 16777217}, ANOTHER)
            for key in ("active", "sql_active", "sql_id", "sql_text")
        ),
        (("active",), ACTIVE, {"last_call_et": 61}, None),
        (("active",), ACTIVE, {"last_call_et": 59}, ANOTHER),
        (("active",), ACTIVE, {"status": "INACTIVE"}, ANOTHER),
        (("active",), ACTIVE, {"sql_id": "0123456789abc"}, ANOTHER),
        (("active",), ACTIVE, {"sql_id": None}, ANOTHER),
        (("active",), ACTIVE, {"sql_exec_id": None}, ANOTHER),
        (("active",), IN_PLSQL, {}, None),
        (("active",), IN_PLSQL, {"sql_id": SQL_ID}, ANOTHER),
        (("active",), IN_PLSQL, {"sql_exec_id": 1}, ANOTHER),
        (("command",), ACTIVE, {"sql_exec_id": 16777217}, ANOTHER),
        # It was matched by what it did last, and does something again.
        (("command",), replace(SEEN, command="SELECT"), {}, None),
        (("command",), replace(SEEN, command="SELECT"), {"status": "ACTIVE"}, ANOTHER),
        # texts, two nulls being the same
        (("status",), SEEN, {}, None),
        (("status",), SEEN, {"status": "SNIPED"}, "its status has changed"),
        (("module",), SEEN, {}, None),
        (("module",), SEEN, {"module": "Orders"}, "its module has changed"),
        (("module",), SEEN, {"module": None}, "its module has changed"),
        (("action",), SEEN, {}, None),
        (("action",), SEEN, {"action": "x"}, "its action has changed"),
        (("schema",), SEEN, {"schemaname": "OTHER"}, "its schema has changed"),
        (("client_identifier",), SEEN, {"client_identifier": "user 8"}, "its client identifier has changed"),
        (("client_info",), SEEN, {"client_info": "x"}, "its client info has changed"),
        (("resource_group",), SEEN, {"resource_consumer_group": "x"}, "its consumer group has changed"),
        (("service",), SEEN, {"service_name": "other"}, "its service has changed"),
        (("module", "idle"), SEEN, {"module": "x", "last_call_et": 0}, RAN),
        # What a rule is not about may change.
        (("username", "machine", "program", "os_user"), SEEN, {"module": "x", "last_call_et": 0}, None),
        (("logon_age", "event", "wait_class", "temp_mb", "pga_mb"), SEEN, {"event": "x", "last_call_et": 0}, None),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_changes(keys: tuple[str, ...], seen: Session, now: dict[str, Any], reason: str | None, several: bool) -> None:
    found = judged(recheck(*keys, several=several), seen, columns(seen, **now))
    assert (found.held is None, found.reason or None) == (reason is None, reason)
    assert found.held == {ANOTHER: "another", KILLED: "killed", None: None}.get(reason, "changed")


BEGUN = "it has begun or ended a transaction"
OVER = "its transaction is over, or another one by now"


@pytest.mark.parametrize(
    ("keys", "seen", "transactions", "reason"),
    [
        (("in_transaction",), replace(SEEN, **TX), (MINE,), None),
        (("in_transaction",), replace(SEEN, **TX), (), BEGUN),
        (("in_transaction",), SEEN, (), None),
        (("in_transaction",), SEEN, ({**MINE, "age": 0.0},), BEGUN),
        (("in_transaction",), SEEN, ({**MINE, "of": 31},), None),
        (("in_transaction",), replace(SEEN, **TX), ({**MINE, "of": 31},), BEGUN),
        (("transaction_age",), replace(SEEN, **TX), (MINE,), None),
        # Two looks at one moment may differ by the second they are cut to.
        (("transaction_age",), replace(SEEN, **TX), ({**MINE, "age": 99.0},), None),
        (("transaction_age",), replace(SEEN, **TX), ({**MINE, "age": 5.0},), OVER),
        (("transaction_age",), replace(SEEN, **TX), (), OVER),
        (("undo_records",), replace(SEEN, **TX), ({**MINE, "age": 0.0},), OVER),
        (
            ("undo_records",),
            replace(SEEN, transaction={"age_seconds": 1.0, "undo_records": 1}),
            ({**MINE, "age": 0.0},),
            None,
        ),
        (("undo_records",), SEEN, (), None),
        (("undo_records",), SEEN, ({**MINE, "age": 0.0},), OVER),
        # Several, the oldest of which counts.
        (("transaction_age",), replace(SEEN, **TX), ({**MINE, "age": 1.0}, MINE), None),
        (("idle",), replace(SEEN, **TX), (), None),
    ],
)
def test_transactions(
    keys: tuple[str, ...], seen: Session, transactions: tuple[dict[str, Any], ...], reason: str | None
) -> None:
    found = judged(recheck(*keys), seen, columns(seen), transactions=transactions)
    assert (found.reason or None) == reason


def test_a_transaction_of_the_same_address_on_another_instance_is_another_s() -> None:
    seen = replace(SEEN, **TX)
    check = recheck("in_transaction", several=True)
    assert is_open(judged(check, seen, columns(seen), transactions=(MINE,)))
    assert judged(check, seen, columns(seen), transactions=({**MINE, "inst_id": 2},)).reason == BEGUN


NOBODY = "nobody waits for it any more"
MOVED = "it waits for another session by now, or does not any more"


@pytest.mark.parametrize("key", ["blocking", "root_blocker", "waiters", "blocking_for"])
@pytest.mark.parametrize(
    ("waiter", "reason"),
    [
        ({}, None),
        ({"event": "library cache lock"}, None),
        ({"event": "library cache pin"}, None),
        ({"event": "row cache lock"}, None),
        ({"event": "buffer busy waits"}, NOBODY),
        ({"event": None}, NOBODY),
        ({"blocking_session_status": "UNKNOWN"}, NOBODY),
        ({"blocking_session": 31}, NOBODY),
        ({"wait_time_micro": 2_999_999}, NOBODY),
    ],
)
def test_a_blocker_must_block_still(key: str, waiter: dict[str, Any], reason: str | None) -> None:
    seen = replace(SEEN, **BLOCKING)
    row = columns(oracle_session(40), **{**WAITING, "blocking_session": 30, **waiter})
    assert (judged(recheck(key), seen, columns(seen), row).reason or None) == reason
    assert judged(recheck(key), seen, columns(seen)).reason == NOBODY
    # A rule about those that block nobody.
    assert is_open(judged(recheck(key), SEEN, columns(SEEN)))


def test_a_blocker_of_the_same_sid_on_another_instance() -> None:
    seen = replace(SEEN, **BLOCKING)
    for instance, reason in ((1, None), (2, NOBODY)):
        row = columns(oracle_session(40), **{**WAITING, "blocking_session": 30, "blocking_instance": instance})
        found = judged(recheck("blocking", several=True), seen, columns(seen), row)
        assert (found.reason or None) == reason


@pytest.mark.parametrize("key", ["blocked", "blocked_by", "root_blocker"])
@pytest.mark.parametrize(
    ("seen", "now", "reason"),
    [
        (replace(SEEN, **WAITS), WAITING, None),
        (replace(SEEN, **WAITS), {}, MOVED),
        (replace(SEEN, **WAITS), {**WAITING, "event": "SQL*Net message from client"}, MOVED),
        (SEEN, {}, None),
        (SEEN, WAITING, MOVED),
    ],
)
def test_a_waiter_must_wait_still(key: str, seen: Session, now: dict[str, Any], reason: str | None) -> None:
    assert (judged(recheck(key), seen, columns(seen, **now)).reason or None) == reason


def test_it_must_wait_for_the_same_one() -> None:
    seen = replace(SEEN, **WAITS)
    for other in ({"blocking_session": 78}, {"blocking_instance": 2}):
        found = judged(recheck("blocked_by", several=True), seen, columns(seen, **{**WAITING, **other}))
        assert found.reason == "it waits for another session by now"


@pytest.mark.parametrize(
    ("container", "now", "changed"),
    [
        ("SHOP", {}, False),
        ("CDB$ROOT", {}, False),
        ("CDB$ROOT", {"con_id": 4}, True),
        ("CDB$ROOT", {"con_id": 1}, True),
    ],
)
def test_a_session_may_have_moved_to_another_container(container: str, now: dict[str, Any], changed: bool) -> None:
    seen = replace(SEEN, container="SHOP")
    check = recheck("container", container=container)
    found = judged(check, seen, columns(seen, **now), containers=((1, "CDB$ROOT"), (3, "SHOP"), (4, "BLOG")))
    assert (found.reason or None) == ("its container has changed" if changed else None)


# --- what spares


@pytest.mark.parametrize("key", ["module", "action", "status", "schema", "client_info", "service"])
def test_what_spares_a_session_must_be_what_it_was(key: str) -> None:
    changed = {
        **{"module": "x", "action": "x", "status": "SNIPED", "schemaname": "x", "client_info": "x"},
        "service_name": "x",
    }
    assert judged(recheck(sparing=(key,)), SEEN, columns(SEEN, **changed)).held == "changed"
    assert is_open(judged(recheck(sparing=(key,)), SEEN, columns(SEEN)))


@pytest.mark.parametrize(
    "key", ["idle", "active", "sql_id", "sql_text", "in_transaction", "transaction_age", "blocking"]
)
def test_what_spares_by_the_moment_is_not_left_to_the_block(key: str) -> None:
    assert key not in SPARED_IN_BLOCK
    # It is looked at before, by the whole rule, and the block makes sure that nothing has changed since.
    assert recheck(sparing=(key,)).text != recheck().text


def test_every_key_that_spares_in_the_block_cannot_change_or_is_compared() -> None:
    unchanging = {
        "username",
        "os_user",
        "machine",
        "client_address",
        "program",
        "type",
        "server",
        "inst_id",
        "logon_age",
    }
    assert set(SPARED_IN_BLOCK) <= set(KEYS)
    for key in SPARED_IN_BLOCK - unchanging:
        assert key in recheck(sparing=(key,)).inputs


# --- the block itself


@pytest.mark.parametrize("keys", [(), *((key,) for key in sorted(KEYS)), tuple(sorted(KEYS))])
def test_the_values_of_the_block(keys: tuple[str, ...]) -> None:
    for wrapped in (False, True):
        check = recheck(*keys, sparing=keys, wrapped=wrapped)
        for seen in (SEEN, ACTIVE, IN_PLSQL, replace(SEEN, **TX, **BLOCKING, **WAITS), replace(SEEN, status="killed")):
            row = check.row(step(seen))
            assert set(row) == set(check.inputs) >= ALWAYS
            # Every value is of the kind that the driver is told, a null of any.
            for name, value in row.items():
                assert value is None or isinstance(value, check.inputs[name]), name
        outs = set(OUTPUTS)
        named = set(re.findall(r"(?<![:\w]):([a-z_]+)\b", check.text))
        assert named == set(check.inputs) | outs
        assert "{" not in check.text and "}" not in check.text


def test_the_logon_time_goes_in_as_the_server_stores_it() -> None:
    row = recheck().row(step(SEEN))
    assert row["logon_time"] == "2026-11-21T06:00:30"
    assert (row["sid"], row["serial"], row["inst_id"], row["was_killed"]) == (30, 15, 1, 0)


def test_nothing_of_a_session_is_written_into_the_block() -> None:
    hostile = replace(ACTIVE, module="'; DROP TABLE x --", sql_id="' OR 1=1", client_info="x'")
    check = recheck(*KEYS)
    assert "DROP" not in check.text
    assert check.row(step(hostile))["module"] == "'; DROP TABLE x --"
    assert judged(recheck("module"), hostile, columns(hostile)) == OPEN


def test_the_statement_is_carried_out_only_when_nothing_has_changed_and_its_error_is_caught() -> None:
    text = recheck("idle").text
    assert "IF changed IS NULL THEN\n    EXECUTE IMMEDIATE :statement;\n  END IF;" in text
    assert text.index("NO_DATA_FOUND THEN changed := 'gone'") < text.index("IF changed IS NULL")
    assert text.count("EXECUTE IMMEDIATE") == 1
    assert text.index("EXECUTE IMMEDIATE") < text.index("WHEN OTHERS THEN") < text.index(":code := SQLCODE")
    assert "EXECUTE IMMEDIATE :statement USING OUT failed, OUT told;" in recheck(wrapped=True).text


def test_views_of_one_instance_and_of_several() -> None:
    everything = tuple(KEYS)
    assert set(re.findall(r"\bg?v\$\w+", recheck(*everything).text)) == {"v$session", "v$transaction"}
    assert set(re.findall(r"\bg?v\$\w+", recheck(*everything, several=True).text)) == {"gv$session", "gv$transaction"}
    assert set(re.findall(r"\bg?v\$\w+", recheck("idle").text)) == {"v$session"}


# --- answers


@pytest.mark.parametrize(
    ("out", "answer"),
    [
        ({"changed": None, "code": 0, "message": None}, Answer()),
        ({"changed": None, "code": None, "message": None}, Answer()),
        ({"changed": None, "code": -30, "message": "ORA-00030: x"}, Answer(code=30, message="ORA-00030: x")),
        ({"changed": None, "code": -31, "message": None}, Answer(code=31)),
        # A wrapper may hand the code over without its sign.
        ({"changed": None, "code": 1031, "message": "no"}, Answer(code=1031, message="no")),
        (
            {"changed": "gone", "code": 0, "message": None},
            Answer(held="gone", reason="no such session any more when its turn came"),
        ),
        (
            {"changed": "0", "code": 0, "message": None},
            Answer(held="killed", reason=KILLED),
        ),
        ({"changed": "2", "code": 0, "message": None}, Answer(held="changed", reason=RAN)),
        ({"changed": "3", "code": 0, "message": None}, Answer(held="another", reason=ANOTHER)),
    ],
)
def test_answers(out: dict[str, Any], answer: Answer) -> None:
    assert recheck("idle", "active").answer(out) == answer


# --- the block is as strict as the look at the whole session

KEPT = st.sampled_from([{}, {"module": "orders"}, {"module": "x"}, {"module": None}, {"module": TAG}])
STATES = st.sampled_from(
    [
        {"status": "inactive", "idle_seconds": seconds, "active_seconds": None, "sql_id": None, "sql_exec_id": None}
        for seconds in (0.0, 59.0, 60.0, 3600.0)
    ]
    + [
        {"status": "active", "idle_seconds": None, "active_seconds": seconds, "sql_id": sql_id, "sql_exec_id": number}
        for seconds in (0.0, 59.0, 60.0)
        for sql_id, number in ((SQL_ID, 1), (SQL_ID, 2), ("0123456789abc", 1), (None, None))
    ]
    + [{"status": "killed", "idle_seconds": 1.0, "active_seconds": None, "sql_id": None, "sql_exec_id": None}]
)
CONDITIONS = {
    "idle": [0, 60],
    "active": [0, 60],
    "sql_id": [SQL_ID, "0*"],
    "status": ["active", "inactive", "killed"],
    "module": ["orders", "?"],
    "in_transaction": [False, True],
}
RULES = st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=2, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: st.sampled_from(CONDITIONS[key]) for key in keys})
)
SPARES = st.sampled_from(
    [{}, {}, {}, {"module": "x"}, {"status": "killed"}, {"module": "x", "status": "active"}, {"idle": 60}]
)


def test_what_the_whole_look_would_spare_the_block_spares() -> None:
    seen_both = {"spared": 0, "open": 0}

    @settings(deadline=None, max_examples=1000)
    @given(RULES, SPARES, STATES, STATES, KEPT, KEPT, st.booleans(), st.booleans())
    def check(
        match: dict[str, Any],
        spare: dict[str, Any],
        before: dict[str, Any],
        after: dict[str, Any],
        kept: dict[str, Any],
        then: dict[str, Any],
        was_within: bool,
        is_within: bool,
    ) -> None:
        match = {"username": "APP_1", **match}
        what = rule(oracle(), match=match, **({"exclude": [spare]} if spare else {}))
        seen = oracle_session(**before, **kept, transaction=TX["transaction"] if was_within else None)
        if what.match is None or not what.match.fits(seen) or any(each.fits(seen) for each in what.exclude):
            return
        if oracle().looks_first(what.matching(seen), what.sparing()):
            return
        now = oracle_session(**after, **then, transaction=TX["transaction"] if is_within else None)
        found = judged(
            Recheck(session_list(), what.matching(seen), what.sparing(), False),
            seen,
            columns(now),
            transactions=(MINE,) if is_within else (),
        )
        if changed_since(what, seen, now) is not None:
            seen_both["spared"] += 1
            assert found.held, (match, spare, seen, now)
        elif found.held is None:
            seen_both["open"] += 1

    check()
    assert min(seen_both.values()) > 20, seen_both
