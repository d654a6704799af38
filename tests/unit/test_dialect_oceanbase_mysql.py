# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OceanBase in MySQL mode: what the server says of itself, how sessions are ended, and ids that come back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from unit.builders import outcomes, planned, rule
from unit.recorded_oceanbase import (
    BEHIND_PROXY,
    CLUSTER_OWN,
    LOGIN,
    NOW,
    OWN,
    SEEKDB_IDLE,
    Recorded,
    look,
)

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.act import act
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import (
    GONE,
    OTHER,
    PRIVILEGE,
    REFUSED,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_mysql import OceanBaseMySQL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import DatabaseError, StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, DISCONNECT, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session, iso
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

# --- where we are


def test_the_cluster_s_view_comes_first() -> None:
    assert any("GV$OB_PROCESSLIST" in query for query in read([CLUSTER_OWN], "GV$OB_PROCESSLIST").asked)
    server = read([OWN], "V$OB_PROCESSLIST")
    assert server.asked[-1].endswith("FROM oceanbase.V$OB_PROCESSLIST")


def read(rows: list[dict[str, Any]], view: str) -> Recorded:
    server = Recorded(rows, view)
    look(server, ())
    return server


def test_the_database_of_a_result() -> None:
    where = look(Recorded([OWN]))
    assert where.database == {
        "dialect": "oceanbase_mysql",
        "version": "4.3.5.3",
        "name": "sys",
        "unique_name": None,
        "dbid": "6c2fe7b4-c6a1-11f0-8de9-0242ac120002",
        "role": None,
        "platform": None,
        "instance": None,
        "instances": [],
        "host": "127.0.0.1",
        "proxy": None,
        "container": "sys",
        "all_users": True,
        "all_containers": False,
        "startup_time": "2026-11-21T06:00:00.000+00:00",
        "taken_at": "2026-11-21T07:00:00.000+00:00",
    }


def test_without_an_uptime_there_is_no_start_up_time() -> None:
    assert look(Recorded([OWN], uptime=None)).database["startup_time"] is None


def test_the_sys_tenant_sees_every_tenant_and_must_name_one() -> None:
    rows = [CLUSTER_OWN, BEHIND_PROXY, {**BEHIND_PROXY, "ID": 5, "TENANT": "blog"}]
    where = look(Recorded(rows, "GV$OB_PROCESSLIST"))
    assert (where.database["container"], where.database["all_containers"]) == ("sys", True)
    with pytest.raises(BadOption, match=r"^match\.container: this login sees the sessions of every container"):
        planned(where, rule(match={"username": "app"}))
    assert outcomes(planned(where, rule(match={"username": "app", "container": "SHOP"}))) == {3221487726: "planned"}
    assert len(planned(where, rule(match={"username": "app", "container": "*"})).outcomes) == 2


def test_another_tenant_sees_its_own_sessions_and_need_not_name_itself() -> None:
    rows = [{**CLUSTER_OWN, "TENANT": "shop"}, BEHIND_PROXY]
    where = look(Recorded(rows, "GV$OB_PROCESSLIST"))
    assert (where.database["name"], where.database["all_containers"]) == ("shop", False)
    assert outcomes(planned(where, rule(match={"username": "app"}))) == {3221487726: "planned"}


@pytest.mark.parametrize(
    ("tenant", "grants", "all_users"),
    [
        ("sys", "GRANT USAGE ON *.* TO 'ops'", True),
        ("shop", "GRANT USAGE ON *.* TO 'ops'", False),
        ("shop", "GRANT PROCESS ON `oceanbase`.* TO 'ops'", False),
        ("shop", "GRANT SELECT, PROCESS ON *.* TO 'ops'", True),
        ("shop", "GRANT SUPER ON *.* TO 'ops'", False),
        ("shop", "GRANT ALL PRIVILEGES ON *.* TO 'ops' WITH GRANT OPTION", True),
    ],
)
def test_whether_the_account_sees_other_users(tenant: str, grants: str, all_users: bool) -> None:
    where = look(Recorded([{**CLUSTER_OWN, "TENANT": tenant}], "GV$OB_PROCESSLIST", grants=grants))
    assert where.database["all_users"] is all_users


@pytest.mark.parametrize(
    ("tenant", "grants", "doubted"),
    [
        ("shop", "GRANT SELECT, PROCESS ON *.* TO 'ops'", True),
        ("shop", "GRANT SELECT, SUPER ON *.* TO 'ops'", False),
        ("shop", "GRANT ALL PRIVILEGES ON *.* TO 'ops' WITH GRANT OPTION", False),
        ("sys", "GRANT USAGE ON *.* TO 'ops'", False),
    ],
)
def test_check_mode_says_that_others_sessions_are_out_of_reach(tenant: str, grants: str, doubted: bool) -> None:
    dialect = OceanBaseMySQL()
    dialect.introduce(Recorded([{**CLUSTER_OWN, "TENANT": tenant}], "GV$OB_PROCESSLIST", grants=grants), LOGIN)
    own, other = (Session(sid=1, username=name, node="10.1.1.1:2882") for name in ("root", "app"))
    assert bool(dialect.doubts(Way(KILL), [own, other])) is doubted
    assert not dialect.doubts(Way(KILL), [own])


def test_through_a_proxy_nobody_knows_which_server_tells_its_uptime() -> None:
    client = {**CLUSTER_OWN, "PROXY_SESSID": 12402504630519660553}
    found = look(Recorded([client, {**client, "SVR_IP": "10.1.1.2"}], "GV$OB_PROCESSLIST")).database
    assert (found["proxy"], found["startup_time"], found["instance"]) == ("v2", None, None)


def test_who_ends_when_our_server_is_restarted() -> None:
    dialect = OceanBaseMySQL()
    dialect.introduce(Recorded([CLUSTER_OWN], "GV$OB_PROCESSLIST"), LOGIN)
    nodes = ("10.1.1.1:2882", "10.1.1.2:2882", None)
    assert [dialect.lives_here(Session(sid=1, node=node)) for node in nodes] == [True, False, False]
    dialect.introduce(Recorded([OWN]), LOGIN)
    assert dialect.lives_here(Session(sid=1)), "seekdb is one server, and does not say which"


def test_our_session_carries_the_tag_and_the_comment() -> None:
    server = Recorded([OWN])
    look(server)
    assert f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{TAG}', '')" in server.asked
    assert any(f"X'{b'CHG-1'.hex()}'" in query for query in server.asked)


def test_a_comment_reaches_no_statement_as_text() -> None:
    server = Recorded([OWN])
    comment = "'; DROP TABLE x; -- " + "\u00e9" * 60
    OceanBaseMySQL().introduce(server, replace(LOGIN, comment=comment))
    (told,) = [query for query in server.asked if "SET_CLIENT_INFO" in query]
    assert "DROP" not in told
    written = re.search(r"X'([0-9a-f]*)'", told)
    assert written
    # CLIENT_INFO has 64 bytes; a character is not cut in two.
    assert comment.startswith(bytes.fromhex(written[1]).decode())
    assert len(bytes.fromhex(written[1])) <= 64


def test_a_server_without_the_package_leaves_us_unnamed() -> None:
    for code in (1049, 1064, 1235, 1305):
        assert look(Recorded([OWN], errors={"DBMS_APPLICATION_INFO": code})).sessions[0].own
    with pytest.raises(StatementFailed):
        look(Recorded([OWN], errors={"DBMS_APPLICATION_INFO": 1227}))


def test_what_is_not_oceanbase_in_mysql_mode_is_refused() -> None:
    with pytest.raises(DatabaseError, match=r"^dialect: the server calls itself MySQL Community .*not OceanBase"):
        look(Recorded([OWN], version="MySQL Community Server - GPL"))
    with pytest.raises(
        DatabaseError, match=r"^dialect: root@sys belongs to a tenant in Oracle mode; set dialect to oceanbase_oracle"
    ):
        look(Recorded([OWN], mode="ORACLE"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1094, GONE), (1095, REFUSED), (1142, PRIVILEGE), (1227, PRIVILEGE), (1064, OTHER), (None, OTHER)],
)
def test_error_classes(code: int | None, kind: str) -> None:
    assert OceanBaseMySQL().classify(code) == kind


# --- how a session is ended


def test_no_session_is_disconnected() -> None:
    with pytest.raises(BadOption, match=r"^dialect: OceanBase has no DISCONNECT SESSION; use session_kill"):
        OceanBaseMySQL().check(Way(DISCONNECT))
    for verb in (KILL, CANCEL):
        OceanBaseMySQL().check(Way(verb))


@pytest.mark.parametrize(
    ("option", "value"),
    [("immediate", False), ("force", True), ("noreplay", True), ("server_timeout", 0), ("allow_undocumented", True)],
)
def test_what_modifies_a_kill_elsewhere_is_refused(option: str, value: Any) -> None:
    for verb in (KILL, CANCEL):
        with pytest.raises(BadOption) as error:
            OceanBaseMySQL().check(Way(verb, **{option: value}))
        assert str(error.value) == f"{option}: the KILL of OceanBase has no such option; leave it out."


def test_behind_a_proxy_with_ids_of_its_own_nothing_is_sent() -> None:
    server = Recorded([CLUSTER_OWN])
    # What the client was greeted with is the proxy's id, not that of the server's list.
    server.session_id = 524301
    dialect = OceanBaseMySQL()
    assert dialect.introduce(server, LOGIN)[1]["proxy"] == "v1"
    for verb, statement in ((KILL, "KILL"), (CANCEL, "KILL QUERY")):
        with pytest.raises(BadOption, match=f"^login_dsn: it leads through the proxy ODP, which takes {statement} for"):
            dialect.check(Way(verb))


class Scripted:
    """A connection on which the statements up to one of them work."""

    def __init__(self, works: int, code: int) -> None:
        self.works, self.code = works, code
        self.sent: list[str] = []

    def script(self, statements: list[str], _seconds: float) -> tuple[list[list[Any]], StatementFailed | None]:
        self.sent += statements
        failed = StatementFailed("no", self.code) if self.works < len(statements) else None
        return [[]] * min(self.works, len(statements)), failed


@pytest.mark.parametrize(("works", "answered"), [(0, 1), (1, 2), (2, 3), (3, 3)])
def test_what_stands_behind_an_error_has_no_answer(works: int, answered: int) -> None:
    connection = Scripted(works, 1094)
    steps = [Outcome(Session(sid=sid), KILL, f"KILL {sid}") for sid in (1, 2, 3)]
    answers = OceanBaseMySQL().send(connection, steps, frozenset(), frozenset())
    assert connection.sent == ["KILL 1", "KILL 2", "KILL 3"]
    assert [each.code for each in answers] == [*[None] * min(works, 3), *[1094] * (works < 3)]
    assert len(answers) == answered
    assert all(each.held is None for each in answers)


def test_every_session_is_looked_at_first_and_from_one_server() -> None:
    assert OceanBaseMySQL().looks_first(frozenset(), frozenset())
    assert OceanBaseMySQL().instance_for(Way(KILL), Session(sid=1)) is None


# --- id reuse and restart


class Reread:
    """A database for act: what is there now comes from recorded rows, and sending anything is a failure."""

    def __init__(self, server: Recorded) -> None:
        self.dialect = OceanBaseMySQL()
        self.dialect.introduce(server, LOGIN)
        self.server = server

    def look_up(self, sids: list[int], keys: Iterable[str]) -> dict[tuple[Any, ...], Session]:
        return {each.identity: each for each in self.dialect.sessions(self.server.ask, frozenset(keys), sids)[1]}

    def send(self, steps: list[Outcome], *_how: Any) -> None:
        pytest.fail(f"sent {[step.statement for step in steps]}")


REUSED = [
    {**SEEKDB_IDLE, "USER_CLIENT_PORT": 47857, "HOST": "127.0.0.1:47857"},
    {**SEEKDB_IDLE, "USER_CLIENT_IP": "127.0.0.2"},
    {**SEEKDB_IDLE, "USER": "other"},
]
BECAME_ANOTHER_NODE_S = {**BEHIND_PROXY, "SVR_IP": "10.1.1.2"}
BECAME_ANOTHER_TENANT_S = {**BEHIND_PROXY, "TENANT": "blog"}
REUSED_IDS = [
    *(([OWN, SEEKDB_IDLE], [OWN, other], "V$OB_PROCESSLIST") for other in REUSED),
    ([OWN, SEEKDB_IDLE], [OWN], "V$OB_PROCESSLIST"),
    ([CLUSTER_OWN, BEHIND_PROXY], [CLUSTER_OWN, BECAME_ANOTHER_NODE_S], "GV$OB_PROCESSLIST"),
    ([CLUSTER_OWN, BEHIND_PROXY], [CLUSTER_OWN, BECAME_ANOTHER_TENANT_S], "GV$OB_PROCESSLIST"),
]


@pytest.mark.parametrize(("before", "after", "view"), REUSED_IDS)
@pytest.mark.parametrize("cancel", [False, True])
def test_a_reused_id_is_gone_when_its_turn_comes_and_nothing_is_sent(
    before: list[dict[str, Any]], after: list[dict[str, Any]], view: str, cancel: bool
) -> None:
    what = rule(sid=before[1]["ID"])
    (step,) = planned(look(Recorded(before, view)), what).outcomes
    assert step.statement == f"KILL {before[1]['ID']}"
    step.settle("", "")
    step.verb = "cancel" if cancel else "kill"
    act(Reread(Recorded(after, view)), [step], what, Way(step.verb), time.monotonic() + 60)
    assert (step.outcome, step.sent) == ("gone", False)


@pytest.mark.parametrize(("before", "after", "view"), REUSED_IDS)
def test_a_saved_session_whose_id_was_reused_is_gone(
    before: list[dict[str, Any]], after: list[dict[str, Any]], view: str
) -> None:
    (asked,) = [each for each in look(Recorded(before, view)).sessions if each.sid == before[1]["ID"]]
    where = look(Recorded(after, view))
    result = {"sessions": [asked.row()], "database": where.database}
    report = planned(where, rule(sessions=json.loads(json.dumps(result))))
    assert [(each.outcome, each.statement) for each in report.outcomes] == [("gone", None)]


def test_a_restarted_server_takes_no_saved_sessions_even_where_the_ids_repeat() -> None:
    before = look(Recorded([OWN, SEEKDB_IDLE]))
    later = datetime(2026, 11, 21, 7, 10, 0)
    result = {"sessions": [each.row() for each in before.sessions if not each.own], "database": before.database}
    again = look(Recorded([OWN, SEEKDB_IDLE], uptime=60, now=later))
    with pytest.raises(
        BadOption, match=r"^sessions: the instance was restarted at 2026-11-21T07:09:00.000\+00:00, .*; list"
    ):
        planned(again, rule(sessions=result))
    still = look(Recorded([OWN, SEEKDB_IDLE], uptime=4201, now=later))
    assert outcomes(planned(still, rule(sessions=result))) == {178: "planned"}
    another = look(Recorded([OWN, SEEKDB_IDLE], uptime=4200, now=later, uuid="another"))
    with pytest.raises(BadOption, match=r"^sessions: they were listed in another database \(dbid "):
        planned(another, rule(sessions=result))


def test_times_are_utc_with_offset() -> None:
    assert iso(NOW) == iso(NOW.replace(tzinfo=UTC)) == "2026-11-21T07:00:00.000+00:00"
