# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From single waits to blockers, roots, chains and the tree."""

from __future__ import annotations

from unit.builders import session

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.blocking import Wait, chain, relate, tree
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session


def related(
    *waits: tuple[int, int, float], killed: tuple[int, ...] = (), sids: range = range(1, 6)
) -> dict[int, Session]:
    """Sessions 1 to 5 after (waiter, holder, seconds) have been told."""
    sessions = {sid: session(sid, **({"status": "killed"} if sid in killed else {})) for sid in sids}
    relate(list(sessions.values()), [Wait((None, waiter), (None, holder), length) for waiter, holder, length in waits])
    return sessions


def holder(one: Session) -> int | None:
    return one.blocked_by["sid"] if one.blocked_by else None


def test_without_waits_nobody_blocks() -> None:
    for one in related().values():
        assert (one.blocked_by, one.blocking) == (None, None)


def test_one_wait() -> None:
    found = related((2, 1, 4.0))
    assert found[1].blocking == {"waiters": 1, "longest_seconds": 4.0, "root": True}
    assert found[1].blocked_by is None
    assert (holder(found[2]), found[2].blocking) == (1, None)
    assert found[2].blocked_by == {"inst_id": None, "sid": 1}


def test_indirect_waiters_count_and_the_longest_wait_is_anywhere_behind() -> None:
    found = related((2, 1, 4.0), (3, 2, 9.0), (4, 2, 1.0))
    assert found[1].blocking == {"waiters": 3, "longest_seconds": 9.0, "root": True}
    assert found[2].blocking == {"waiters": 2, "longest_seconds": 9.0, "root": False}
    assert found[3].blocking is None and found[4].blocking is None


def test_a_session_that_waits_for_two_is_blocked_by_the_longer_wait_and_counted_once() -> None:
    found = related((3, 1, 2.0), (3, 2, 8.0), (3, 2, 5.0))
    assert holder(found[3]) == 2
    assert found[1].blocking == {"waiters": 1, "longest_seconds": 2.0, "root": True}
    assert found[2].blocking == {"waiters": 1, "longest_seconds": 8.0, "root": True}


def test_a_cycle_has_no_root() -> None:
    found = related((1, 2, 5.0), (2, 3, 6.0), (3, 1, 7.0), (4, 1, 8.0))
    for sid in (1, 2, 3):
        assert found[sid].blocking == {"waiters": 3, "longest_seconds": 8.0, "root": False}
    assert found[4].blocking is None


def test_nobody_blocks_itself() -> None:
    found = related((1, 1, 9.0), (2, 1, 4.0))
    assert found[1].blocked_by is None
    assert found[1].blocking == {"waiters": 1, "longest_seconds": 4.0, "root": True}


def test_a_killed_session_waits_for_nothing_any_more_but_may_still_hold() -> None:
    found = related((2, 1, 9.0), (3, 2, 4.0), killed=(2,))
    assert found[1].blocking is None
    assert found[2].blocked_by is None
    assert found[2].blocking == {"waiters": 1, "longest_seconds": 4.0, "root": True}


def test_a_holder_that_is_not_listed() -> None:
    found = related((2, 99, 9.0))
    assert holder(found[2]) == 99
    assert chain(found[2], list(found.values())) == [{"inst_id": None, "sid": 99}]
    assert tree(list(found.values())).splitlines()[0] == "session 99 (not listed)"


def test_telling_the_waits_again_forgets_the_old_ones() -> None:
    found = list(related((2, 1, 9.0)).values())
    relate(found, [])
    assert all(one.blocked_by is None and one.blocking is None for one in found)


def test_instances_are_told_apart() -> None:
    first, second, waiter = session(1, inst_id=1), session(1, inst_id=2), session(3, inst_id=1)
    relate([first, second, waiter], [Wait((1, 3), (2, 1), 5.0)])
    assert first.blocking is None
    assert second.blocking is not None
    assert waiter.blocked_by == {"inst_id": 2, "sid": 1}


def test_chains_lead_to_the_root_and_end_where_a_cycle_closes() -> None:
    found = related((3, 2, 1.0), (2, 1, 1.0), (4, 5, 1.0), (5, 4, 1.0))
    everybody = list(found.values())
    assert [each["sid"] for each in chain(found[3], everybody)] == [2, 1]
    assert chain(found[1], everybody) == []
    assert [each["sid"] for each in chain(found[4], everybody)] == [5]


def test_the_tree_of_nobody() -> None:
    assert tree([]) == tree(list(related().values())) == "No session waits for a lock of another one."


def test_the_tree_shows_roots_first_and_each_session_once() -> None:
    found = related((2, 1, 4.0), (3, 1, 9.0), (4, 3, 2.0))
    assert tree(list(found.values())).splitlines() == [
        "session 1  APP_1  app1  inactive  idle 3600 s  blocks 3 for up to 9 s",
        "   └─ session 3  APP_1  app1  inactive  idle 3600 s  blocks 1 for up to 2 s",
        "      └─ session 4  APP_1  app1  inactive  idle 3600 s",
        "   └─ session 2  APP_1  app1  inactive  idle 3600 s",
    ]


def test_the_busier_root_comes_first() -> None:
    lines = tree(list(related((2, 1, 9.0), (4, 3, 1.0), (5, 3, 1.0)).values())).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("session")] == ["3", "1"]


def test_a_deadlock_is_drawn_once_and_named() -> None:
    text = tree(list(related((1, 2, 5.0), (2, 1, 5.0)).values()))
    assert text.count("\n") == 2
    assert text.endswith("(see above: a deadlock)")


def test_the_tree_says_what_is_in_a_transaction_and_what_runs() -> None:
    one = session(1, transaction={"age_seconds": 5.0, "undo_records": None}, username=None, machine=None)
    two = session(2, active_seconds=7.4)
    relate([one, two], [Wait((None, 2), (None, 1), 7.0)])
    assert tree([one, two]).splitlines() == [
        "session 1  (no user)  inactive  idle 3600 s  in a transaction  blocks 1 for up to 7 s",
        "   └─ session 2  APP_1  app1  active  active 7 s",
    ]
