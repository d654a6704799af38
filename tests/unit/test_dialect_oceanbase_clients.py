# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of a proxy with session ids of the whole cluster: one id, and sessions on several servers; from recorded rows."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import outcomes, planned, rule
from unit.recorded_oceanbase import BEHIND_PROXY, CLUSTER_OWN, LOGIN, SQL_ID, Recorded, look

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.act import act
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Answer, Outcome, Session

VIEW = "GV$OB_PROCESSLIST"
CLIENT = 1234567
OWN = {**CLUSTER_OWN, "PROXY_SESSID": None}
# The client idles on one server; the proxy has its own connection, and so its own port, to each of them.
IDLE = {
    **BEHIND_PROXY,
    "ID": CLIENT,
    "PROXY_SESSID": 12402504630519660553,
    "TIME": 9000.0,
    "TOTAL_TIME": 9000.0,
    "DB": "shop",
    "MODULE": "billing",
}
ELSEWHERE = {"SVR_IP": "10.1.1.2", "HOST": "10.2.2.2:40999"}
BUSY = {
    **IDLE,
    **ELSEWHERE,
    "COMMAND": "Query",
    "STATE": "ACTIVE",
    "TIME": 2.0,
    "TOTAL_TIME": 2.0,
    "INFO": "select sleep(60)",
    "SQL_ID": SQL_ID,
    "TRACE_ID": "YB427F000002-0",
    "MODULE": "",
}
RECENT = {**IDLE, **ELSEWHERE, "TIME": 5.0, "TOTAL_TIME": 5.0}


def client(*rows: dict[str, Any]) -> Session:
    (found,) = [each for each in look(Recorded([OWN, *rows], VIEW)).sessions if each.sid == CLIENT]
    return found


def test_a_client_s_sessions_are_one() -> None:
    found = client(IDLE, BUSY)
    assert (found.status, found.idle_seconds, found.active_seconds, found.sql_id) == ("active", None, 2.0, SQL_ID)
    assert (found.client_address, found.client_port, found.node) == ("10.3.3.3", 51515, None)
    # What the session used last does not tell, the other one does.
    assert (found.schema, found.module) == ("shop", "billing")
    assert client(IDLE, RECENT).idle_seconds == 5.0


@pytest.mark.parametrize("rows", [(IDLE, BUSY), (BUSY, IDLE), (IDLE, RECENT), (RECENT, IDLE)])
def test_a_client_that_works_on_another_server_is_not_idle(rows: tuple[dict[str, Any], ...]) -> None:
    where = look(Recorded([OWN, *rows], VIEW))
    idle = rule(match={"idle": "2h", "container": "*"})
    assert planned(where, idle).outcomes == []
    assert outcomes(planned(look(Recorded([OWN, IDLE, {**IDLE, **ELSEWHERE}], VIEW)), idle)) == {CLIENT: "planned"}
    (found,) = planned(where, rule(sid=CLIENT, match={"idle": "2h"})).outcomes
    assert (found.outcome, found.statement) == ("skipped", None)


def test_one_statement_ends_the_client_and_counts_once() -> None:
    where = look(Recorded([OWN, IDLE, RECENT], VIEW))
    (found,) = planned(where, rule(match={"username": "app", "container": "*"}, max_sessions=1)).outcomes
    assert (found.outcome, found.statement) == ("planned", f"KILL {CLIENT}")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("other", "guard"),
    [
        ({"MODULE": TAG}, "own"),
        ({"HOST": "0.0.0.0:0"}, "background"),
        ({"MASTER_SESSID": 7}, "parallel_servers"),
        ({"MODULE": "backup full"}, "backup"),
        ({"MODULE": "payroll"}, "protect"),
    ],
)
def test_what_protects_one_of_them_protects_the_client(
    other: dict[str, Any], guard: str, order: tuple[int, int]
) -> None:
    """The one that was used last says something else."""
    pair = ({**IDLE, **other}, {**RECENT, "MODULE": "x"})
    where = look(Recorded([OWN, *(pair[each] for each in order)], VIEW))
    (found,) = planned(where, rule(sid=CLIENT, protect=[{"module": "payroll"}])).outcomes
    assert found.outcome == "refused" and found.reason.startswith(f"{guard}: ")
    if guard == "protect":
        everybody = {"username": "app", "container": "*"}
        assert planned(where, rule(match=everybody, exclude=[{"module": "payroll"}])).outcomes == []


def test_sessions_of_our_own_client_are_own_wherever_they_are() -> None:
    own = {**IDLE, "ID": 99, "USER": "root"}
    server = Recorded([own, {**own, **ELSEWHERE}, {**IDLE, "PROXY_SESSID": 8}], VIEW)
    found = look(server)
    assert [(each.sid, each.own) for each in found.sessions] == [(99, True), (CLIENT, False)]
    assert found.database["proxy"] == "v2"


@pytest.mark.parametrize("within", [IDLE, RECENT])
def test_a_transaction_on_any_server_is_the_client_s(within: dict[str, Any]) -> None:
    rows = [{**row, "TRANS_ID": 5, "TRANS_STATE": "ACTIVE"} if row is within else row for row in (IDLE, RECENT)]
    assert client(*rows).transaction is not None
    assert client(IDLE, RECENT).transaction is None


def test_a_client_is_killed_when_all_of_it_is() -> None:
    dying = {"STATE": "SESSION_KILLED", "COMMAND": "Query"}
    assert client({**IDLE, **dying}, RECENT).status == "inactive"
    assert client({**IDLE, **dying}, {**RECENT, **dying}).status == "killed"


KINDS = [IDLE, RECENT, BUSY, {**IDLE, "STATE": "SESSION_KILLED"}, {**BUSY, "TIME": 30.0, "TOTAL_TIME": 30.0}]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=4))
def test_a_client_is_as_idle_as_the_least_idle_of_its_sessions(kinds: list[tuple[dict[str, Any], bool]]) -> None:
    rows = [
        {**kind, "SVR_IP": f"10.1.1.{number}", "TRANS_ID": 5 * within, "TRANS_STATE": "ACTIVE" if within else ""}
        for number, (kind, within) in enumerate(kinds)
    ]
    found = client(*rows)
    alive = [row for row in rows if row["STATE"] != "SESSION_KILLED"]
    assert found.killed is not bool(alive)
    assert (found.transaction is not None) is any(row["TRANS_ID"] for row in rows)
    if alive:
        active = [row for row in alive if row["COMMAND"] != "Sleep"]
        assert (found.status == "active") is bool(active)
        assert (found.idle_seconds is None) is bool(active)
        assert found.idle_seconds is None or found.idle_seconds == min(row["TIME"] for row in alive)


# --- the port of a client


def test_a_port_of_the_proxy_is_not_that_of_its_client() -> None:
    untold = [{**row, "USER_CLIENT_PORT": 0} for row in (IDLE, RECENT)]
    found = client(*untold)
    assert (found.client_port, found.idle_seconds) == (None, 5.0)
    # With ids of the proxy's own, each connection of the proxy is a session.
    assert client({**IDLE, "USER_CLIENT_PORT": 0, "PROXY_SESSID": None}).client_port == 40112


# --- an id that two clients have


STRANGER = {**RECENT, "USER": "payroll", "USER_CLIENT_IP": "10.7.7.7", "PROXY_SESSID": 7}


@pytest.mark.parametrize("rows", [(IDLE, STRANGER), (STRANGER, IDLE)])
def test_an_id_that_two_clients_have_is_refused(rows: tuple[dict[str, Any], ...]) -> None:
    where = look(Recorded([OWN, *rows], VIEW))
    assert planned(where, rule(match={"username": "app", "container": "*"})).outcomes == []
    (found,) = planned(where, rule(sid=CLIENT)).outcomes
    assert (found.outcome, found.statement) == ("refused", None)
    assert "app from 10.3.3.3" in found.reason and "payroll from 10.7.7.7" in found.reason
    saved = {"sessions": [where.sessions[1].row()], "database": where.database}
    (found,) = planned(where, rule(sessions=saved)).outcomes
    assert found.outcome == "refused"


class Meanwhile:
    """A database for act: what is there when its turn comes is from other rows; it keeps what it was sent."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.dialect = OceanBaseMySQL()
        self.server = Recorded([OWN, *rows], VIEW)
        self.dialect.introduce(self.server, LOGIN)
        self.sent: list[str | None] = []

    def look_up(self, sids: list[int], keys: Any) -> dict[tuple[Any, ...], Session]:
        return {each.identity: each for each in self.dialect.sessions(self.server.ask, frozenset(keys), sids)[1]}

    def send(self, steps: list[Outcome], *_how: Any) -> list[Answer]:
        self.sent += [step.statement for step in steps]
        return [Answer() for _step in steps]


@pytest.mark.parametrize(
    ("before", "now", "verb", "outcome"),
    [
        # It works on another server by now.
        ([IDLE], [IDLE, BUSY], KILL, "skipped"),
        ([IDLE, RECENT], [IDLE, BUSY], KILL, "skipped"),
        # Somebody else has the same id by now.
        ([IDLE], [IDLE, STRANGER], KILL, "skipped"),
        # It went from one server to the other, and is the same client all the same.
        ([IDLE, RECENT], [RECENT], KILL, ""),
        ([IDLE], [{**IDLE, **ELSEWHERE}], KILL, ""),
        ([IDLE, BUSY], [BUSY, IDLE], CANCEL, ""),
        ([IDLE, BUSY], [IDLE, {**BUSY, "TRACE_ID": "YB427F000002-1"}], CANCEL, "unchanged"),
    ],
)
def test_a_client_is_looked_at_whole_when_its_turn_comes(
    before: list[dict[str, Any]], now: list[dict[str, Any]], verb: str, outcome: str
) -> None:
    what = rule(sid=CLIENT, match={"username": "app", **({"idle": 1} if verb == KILL else {})})
    where = look(Recorded([OWN, *before], VIEW))
    (session,) = [each for each in where.sessions if each.sid == CLIENT]
    step = Outcome(session, verb, "the statement")
    database = Meanwhile(*now)
    act(database, [step], what, Way(verb), time.monotonic() + 60)
    assert step.outcome == outcome
    assert database.sent == (["the statement"] if outcome == "" else [])
