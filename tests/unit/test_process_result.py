# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a session: what its host says of the process, and what the database shows afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.test_process_rung import HOSTS, WINDOWS, killed, left, look

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_result import process_result
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_rung import first_look, second_look
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import IDENTITY, OUTCOMES, Session

SUDO = {"failed": True, "msg": "Task failed: Premium become", "module_stderr": "sudo: a password is required\n"}
UNREACHED = {"unreachable": True, "msg": "Failed to connect to the host via ssh: Connection refused"}
CRASHED = {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "Traceback\nMemoryError: out of it\n"}


def answer(outcome: str, *signals: str, reason: str = "so", spid: str = "4030") -> dict[str, Any]:
    """What server_process_kill returns for one process."""
    row = {"spid": spid, "oracle_sid": "SHOP1", "outcome": outcome, "reason": reason, "signals": list(signals)}
    return {"processes": [row], "failed": outcome in ("refused", "pending", "failed")}


def rung(call: dict[str, Any], *listed: Session, after: Any = (), windows: bool = False, **more: Any) -> dict[str, Any]:
    """The result for one session that was proven. ``listed`` are still there at the last look, which ``after`` replaces."""
    victim = killed()
    about = WINDOWS if windows else {}
    if windows:
        victim.process = {**(victim.process or {}), "host": "win1"}
    first = first_look(left(victim), look(victim, **about), {1: "win1" if windows else "db1"}, lambda name: HOSTS[name])
    (group,) = first["groups"]
    proof = second_look(group, look(victim, after=11, **about), {"stdout": "win1"})
    assert proof["processes"]
    one = {"host": group["host"], "windows": windows, "signals": ["TERM", "KILL"], "proof": proof, "call": call}
    result = {"asked": proof["sessions"], "result": look(*listed, after=15) if after == () else after}
    return json.loads(json.dumps(process_result(first, [one], [] if after is None else [result], **more)))


def row(result: dict[str, Any]) -> dict[str, Any]:
    (only,) = result["sessions"]
    return only


STILL = killed()
ROLLING = killed(transaction={"age_seconds": 1.0, "undo_records": 9})


@pytest.mark.parametrize(
    ("call", "after", "outcome", "reason", "statement"),
    [
        (answer("ended", "TERM"), (), "ended", "its process was ended by TERM, and the database lists it", "kill -TERM 4030 on db1"),
        (answer("ended", "TERM", "KILL"), (), "ended", "its process", "kill -TERM 4030, kill -KILL 4030 on db1"),
        (answer("ended", "TERM"), (STILL,), "pending", "its process was ended by TERM; the database still", "kill -TERM 4030 on db1"),
        (answer("ended", "TERM"), (ROLLING,), "rolling_back", "killed, and still rolling back", "kill -TERM 4030 on db1"),
        (answer("gone"), (), "gone", "the database lists it no more; nothing", None),
        (answer("gone"), (STILL,), "pending", "its process is gone from db1; the database still lists it", None),
        (answer("pending", "TERM", "KILL", reason="D"), (STILL,), "pending", "D", "kill -TERM 4030, kill -KILL 4030 on db1"),
        (answer("pending", "TERM", "KILL"), (), "ended", "its process was ended", "kill -TERM 4030, kill -KILL 4030 on db1"),
        (answer("refused", reason="a recycled PID"), (STILL,), "refused", "a recycled PID", None),
        (answer("refused", reason="a recycled PID"), (), "gone", "the database lists it no more", None),
        (answer("failed", reason="/proc"), (STILL,), "failed", "/proc", None),
        (UNREACHED, (STILL,), "pending", "db1 was not reached, so its process there was not ended: Failed to connect", None),
        (UNREACHED, (), "gone", "the database lists it no more", None),
        (SUDO, (STILL,), "pending", "its process was not ended, as we may not act on db1 as its owner: sudo: a pass", None),
        (CRASHED, (STILL,), "failed", "server_process_kill on db1 failed: MemoryError: out of it", None),
        ({}, (STILL,), "failed", "server_process_kill on db1 failed: it returned nothing", None),
        # An answer about another process is none about this one.
        (answer("ended", "TERM", spid="4031"), (STILL,), "failed", "server_process_kill on db1 failed", None),
    ],
)  # fmt: skip
def test_what_became_of_it(
    call: dict[str, Any], after: tuple[Session, ...], outcome: str, reason: str, statement: str | None
) -> None:
    result = rung(call, *after)
    one = row(result)
    assert (one["outcome"], one["statement"], one["verb"]) == (outcome, statement, "process_kill")
    assert one["reason"].startswith(reason)
    assert result["failed"] == (outcome in ("pending", "refused", "failed"))
    sent = bool(statement)
    assert result["changed"] == (outcome == "ended" or (sent and outcome in ("pending", "rolling_back")))
    assert result["counts"] == {**dict.fromkeys(OUTCOMES, 0), outcome: 1}
    assert all(name in one for name in IDENTITY) and one["process"]["inventory_host"] == "db1"
    assert one["process"]["spid"] == "4030" and one["waited_seconds"] == 4.0
    assert result["matched"] == 1
    assert (one["statement"] if outcome == "ended" else one["reason"]) in result["msg"]


def test_a_failure_stands_first() -> None:
    result = rung(UNREACHED, STILL)
    assert result["msg"].startswith("Session 30,15,@1 is pending: db1 was not reached")


@pytest.mark.parametrize("call", [answer("ended", "TERM"), answer("gone")])
def test_who_was_not_looked_at_again_is_not_called_dead(call: dict[str, Any]) -> None:
    for after, why in ((None, "nobody has looked"), ({"failed": True, "msg": "no login.\nmore"}, "no login")):
        one = row(rung(call, after=after))
        assert one["outcome"] == "pending"
        assert one["reason"].endswith(f"whether the database has cleaned up was not seen: {why}")


def test_check_mode() -> None:
    planned = {"processes": [answer("planned")["processes"][0]], "failed": False}
    result = rung(planned, after=None, check_mode=True)
    assert (row(result)["outcome"], row(result)["statement"]) == ("planned", "kill -TERM 4030 on db1")
    assert result["changed"] and not result["failed"] and "signals" in row(result)["process"]
    skipped = rung({"skipped": True}, after=None, windows=True, check_mode=True)
    assert (row(skipped)["outcome"], row(skipped)["statement"]) == ("planned", "orakill SHOP1 4030 on win1")


SIGNALLED = "Kill of thread id 4030 in instance SHOP1 successfully signalled."


@pytest.mark.parametrize(
    ("call", "after", "outcome", "reason"),
    [
        ({"rc": 0, "stdout": SIGNALLED}, (), "ended", "its process was ended by orakill, and"),
        ({"rc": 1, "stdout": SIGNALLED}, (STILL,), "pending", "its process was ended"),
        ({"rc": 0, "stdout": "Usage: orakill sid thread"}, (STILL,), "failed", "orakill on win1 said: Usage"),
        ({"rc": 0, "stdout": ""}, (STILL,), "failed", "orakill on win1 failed: it returned nothing"),
        (
            {"failed": True, "msg": "The system cannot find the file"},
            (STILL,),
            "failed",
            "orakill on win1 failed: The sys",
        ),
        (UNREACHED, (STILL,), "pending", "win1 was not reached"),
    ],
)
def test_on_windows_its_text_decides(
    call: dict[str, Any], after: tuple[Session, ...], outcome: str, reason: str
) -> None:
    one = row(rung(call, *after, windows=True))
    assert one["outcome"] == outcome and one["reason"].startswith(reason)


def test_what_is_still_rolled_back_is_told() -> None:
    dead = {"inst_id": 1, "usn": 7, "slot": 12, "sequence": 2104, "state": "recovering", "undo_blocks_done": 480}
    dead |= {"undo_blocks_total": 600, "eta_seconds": 12.0}
    result = rung(answer("ended", "TERM"), recovering={**look(), "recovering": [dead]})
    assert result["recovering"] == [dead] and "480 of 600 blocks of undo done, about 12 s" in result["msg"]
    unseen = rung(
        answer("ended", "TERM"), recovering={"failed": True, "msg": "include: recovery cannot be seen here (grant)."}
    )
    assert unseen["recovering"] is None and not unseen["failed"]
    words = (
        "whether dead transactions are still rolled back cannot be seen: include: recovery cannot be seen here (grant)"
    )
    assert unseen["remarks"] == [words] and words in unseen["msg"]
    assert rung(answer("ended", "TERM"))["recovering"] is None


def test_who_never_got_to_a_host_is_in_the_result_too() -> None:
    victims = [killed(30), killed(31, transaction={"age_seconds": 5.0, "undo_records": 3})]
    told = {"records": 3, "per_second": 1.0, "eta_seconds": 3.0}
    first = first_look(left(*victims), look(*victims, rollback=told), {1: "db1"}, lambda name: HOSTS[name])
    (group,) = first["groups"]
    proof = second_look(group, look(after=11))
    one = {"host": "db1", "windows": False, "signals": ["TERM"], "proof": proof, "call": {"skipped": True}}
    result = process_result(first, [one], [])
    assert {each["sid"]: each["outcome"] for each in result["sessions"]} == {30: "gone", 31: "rolling_back"}
    assert next(each for each in result["sessions"] if each["sid"] == 31)["rollback"] == told
    assert not result["failed"] and not result["changed"]


def test_a_thread_that_was_looked_at_too_long_ago_is_not_ended() -> None:
    late = row(rung({"skipped": True, "skip_reason": "Conditional result was False"}, STILL, windows=True))
    assert late["outcome"] == "pending" and "held up for more than 10 s" in late["reason"] and not late["statement"]
    # A play that is in check mode itself skips the module without a condition.
    assert row(rung({"skipped": True}, STILL, windows=True))["outcome"] == "planned"
