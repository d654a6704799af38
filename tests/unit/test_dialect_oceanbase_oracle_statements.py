# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OceanBase in Oracle mode: the tables of numbers, the choice of the statement by version and proxy, and what might be refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.oracle_mode_tenant import (
    IDLE,
    OLD,
    OLD_OWN,
    OLD_ROW,
    OTHER_USER,
    OTHERS,
    OWN,
    PROXIED,
    SYS,
    Tenant,
    failure,
    introduced,
)

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.base import (
    GONE,
    OTHER,
    PRIVILEGE,
    REFUSED,
    UNKNOWN,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.oceanbase_oracle import (
    OceanBaseOracle,
    number_of,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.errors import StatementFailed
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, DISCONNECT, KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Outcome, Session
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

# --- statements


@pytest.mark.parametrize(
    ("version", "verb", "statement"),
    [
        ("4.3.5.1", KILL, f"ALTER SYSTEM KILL SESSION '{SYS}'"),
        ("4.0.0.0", KILL, f"ALTER SYSTEM KILL SESSION '{SYS}'"),
        ("3.2.4.5", KILL, f"KILL {SYS}"),
        ("4.3.5.1", CANCEL, f"KILL QUERY {SYS}"),
        ("2.2.77", CANCEL, f"KILL QUERY {SYS}"),
    ],
)
def test_the_statement_by_verb_and_version(version: str, verb: str, statement: str) -> None:
    found = OceanBaseOracle()
    found.assume({"version": version})
    assert found.statement(Way(verb), Session(sid=SYS, serial=15)) == statement


@given(st.one_of(st.integers(max_value=0), st.integers(min_value=2**32), st.text(), st.booleans()))
def test_nothing_but_an_id_reaches_a_statement(sid: Any) -> None:
    found = OceanBaseOracle()
    found.assume({"version": "4.3.5.1"})
    if isinstance(sid, str) and re.fullmatch(r"[0-9]+", sid, re.ASCII) and 1 <= int(sid) < 2**32:
        assert found.statement(Way(KILL), Session(sid=sid)) == f"ALTER SYSTEM KILL SESSION '{int(sid)}'"  # type: ignore[arg-type]
        return
    with pytest.raises(BadOption, match=r"^sid: "):
        found.statement(Way(KILL), Session(sid=sid))


@pytest.mark.parametrize(
    ("option", "value"),
    [("immediate", False), ("force", True), ("noreplay", True), ("server_timeout", 0), ("allow_undocumented", True)],
)
def test_what_modifies_a_kill_elsewhere_is_refused(option: str, value: Any) -> None:
    with pytest.raises(BadOption, match=f"^{option}: the KILL of OceanBase has no such option; leave it out"):
        OceanBaseOracle().check(Way(KILL, **{option: value}))
    with pytest.raises(BadOption, match=r"^dialect: OceanBase has no DISCONNECT SESSION; use session_kill"):
        OceanBaseOracle().check(Way(DISCONNECT))


def steps(dialect: OceanBaseOracle, *sids: int) -> list[Outcome]:
    return [Outcome(Session(sid=sid), KILL, dialect.statement(Way(KILL), Session(sid=sid))) for sid in sids]


@pytest.mark.parametrize("number", [900, 1064])
def test_a_server_that_does_not_know_the_statement_gets_kill(number: int) -> None:
    server = Tenant(refused={"ALTER SYSTEM": failure(number)})
    found, _about = introduced(server)
    batch, later = steps(found, 5, 6), steps(found, 7)
    # Nothing is sent in the other way before the sessions have been looked at again.
    assert found.send(server, batch, frozenset(), frozenset()) == []
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'"]
    assert [each.code for each in found.send(server, batch, frozenset(), frozenset())] == [None, None]
    assert [each.code for each in found.send(server, later, frozenset(), frozenset())] == [None]
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'", "KILL 5", "KILL 6", "KILL 7"]
    assert [each.statement for each in batch + later] == ["KILL 5", "KILL 6", "KILL 7"], "the result says which"


def test_what_went_before_is_not_sent_again() -> None:
    server = Tenant(refused={"ALTER SYSTEM KILL SESSION '6'": failure(900)})
    found, _about = introduced(server)
    batch = steps(found, 5, 6)
    assert [each.code for each in found.send(server, batch, frozenset(), frozenset())] == [None]
    assert [each.code for each in found.send(server, batch[1:], frozenset(), frozenset())] == [None]
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'", "ALTER SYSTEM KILL SESSION '6'", "KILL 6"]


def test_a_syntax_error_of_kill_itself_is_an_answer() -> None:
    server = Tenant(refused={"KILL": failure(900)})
    found, _about = introduced(server)
    assert found.send(server, batch := steps(found, 5, 6), frozenset(), frozenset()) == []
    assert [each.code for each in found.send(server, batch, frozenset(), frozenset())] == [900]


# --- the proxy


def test_behind_a_proxy_with_ids_of_its_own_only_the_statement_that_it_does_not_know_is_sent() -> None:
    server = Tenant([{**OWN, **PROXIED}, OTHER_USER], greeted=524301, refused={"ALTER SYSTEM": failure(900)})
    found, about = introduced(server)
    assert about["proxy"] == "v1"
    found.check(Way(KILL))
    with pytest.raises(
        BadOption, match=r"^login_dsn: it leads through the proxy ODP, which takes KILL QUERY for itself"
    ):
        found.check(Way(CANCEL))
    assert [each.code for each in found.send(server, steps(found, 5), frozenset(), frozenset())] == [900]
    assert server.sent == ["ALTER SYSTEM KILL SESSION '5'"], "KILL would mean a session of the proxy"


def test_behind_such_a_proxy_an_old_server_gets_nothing() -> None:
    found, about = introduced(Tenant([OLD_OWN, OLD_ROW], version=OLD, greeted=524301))
    assert about["proxy"] == "v1"
    with pytest.raises(BadOption, match=r"^login_dsn: .* takes KILL for itself .* give the address of a server"):
        found.check(Way(KILL))


def test_a_saved_result_tells_the_proxy_to_the_plan() -> None:
    found = OceanBaseOracle()
    found.assume({"version": "4.3.5.1", "proxy": "v1"})
    with pytest.raises(BadOption, match=r"^login_dsn: "):
        found.check(Way(CANCEL))
    found.assume({"version": "4.3.5.1", "proxy": "v2"})
    found.check(Way(CANCEL))


def test_ids_of_the_whole_cluster_are_trusted() -> None:
    found, about = introduced(Tenant([{**OWN, **PROXIED, "ID": 524301}, OTHER_USER], greeted=524301))
    assert about["proxy"] == "v2"
    found.check(Way(KILL))
    found.check(Way(CANCEL))


def test_all_sessions_by_which_a_proxy_serves_us_are_our_own() -> None:
    elsewhere = {**OWN, **PROXIED, "ID": 3222012000, "SVR_IP": "10.1.1.2"}
    somebody = {**OTHER_USER, **PROXIED, "ID": 3222012001, "PROXY_SESSID": "12402504630519660554"}
    found, _about = introduced(server := Tenant([{**OWN, **PROXIED}, elsewhere, somebody], greeted=524301))
    assert [each.own for each in found.sessions(server.ask, frozenset())[1]] == [True, True, False]


# --- errors


@pytest.mark.parametrize(
    ("code", "text", "number", "kind"),
    [
        (600, "OBE-00600: internal error code, arguments: -4174, Unknown thread id: 5", -4174, GONE),
        (600, "ORA-00600: internal error code, arguments: -4174, Unknown thread id: 5", -4174, GONE),
        (600, "OBE-00600: internal error code, arguments: -5251, You are not owner of thread 5", -5251, REFUSED),
        (600, "ORA-00600: internal error code, arguments: -5251, You are not owner of thread 5", -5251, REFUSED),
        (600, "OBE-00600: internal error code, arguments: -5065, Query execution was interrupted", -5065, UNKNOWN),
        (600, "OBE-00600: internal error code, arguments: -4012, Timeout", -4012, UNKNOWN),
        (600, "OBE-00600: internal error code, arguments: -4402, Kill Client Session failed", -4402, OTHER),
        (1031, "OBE-01031: insufficient privileges", 1031, PRIVILEGE),
        (1031, "ORA-01031: insufficient privileges", 1031, PRIVILEGE),
        (600, "ORA-01031: insufficient privileges", 1031, PRIVILEGE),
        (1094, "Unknown thread id: 5", 1094, GONE),
        (1095, "You are not owner of thread 5", 1095, REFUSED),
        (1317, "Query execution was interrupted", 1317, UNKNOWN),
        (900, "ORA-00900: invalid SQL statement", 900, OTHER),
        # What a session is called must not be taken for a number of the server.
        (1045, "Access denied for user 'ORA-1'@'xxx.xxx.xxx.xxx'", 1045, OTHER),
    ],
)
def test_errors_by_their_inner_number(code: int, text: str, number: int, kind: str) -> None:
    assert number_of(StatementFailed(text, code)) == number
    assert OceanBaseOracle().classify(number) == kind
    server = Tenant(refused={"KILL": StatementFailed(text, code)})
    found, _about = introduced(server)
    sent = steps(found, 5)
    (answer,) = found.send(server, sent, frozenset(), frozenset()) or found.send(server, sent, frozenset(), frozenset())
    assert (answer.code, answer.message) == (number, text)


@given(st.integers(min_value=1, max_value=99999), st.text())
def test_a_text_without_a_number_leaves_the_number_of_the_wire(code: int, text: str) -> None:
    error = StatementFailed(text, code)
    if not re.search(r"(ORA|OBE)-[0-9]{5}", text, re.ASCII):
        assert number_of(error) == code


# --- what might be refused


def test_check_mode_says_that_alter_system_is_missing() -> None:
    lacking = introduced(Tenant(privileges=("CREATE SESSION", "SUPER")))[0]
    assert lacking.doubts(Way(KILL), OTHERS) == [
        "login_user: it lacks ALTER SYSTEM, so the server would refuse this: GRANT ALTER SYSTEM TO it."
    ]
    assert not lacking.doubts(Way(CANCEL), OTHERS), "KILL QUERY needs no such privilege"
    for server in (Tenant(), Tenant(user="SYS"), Tenant(refused={"_PRIVS": failure(942)})):
        assert not introduced(server)[0].doubts(Way(KILL), OTHERS)


@pytest.mark.parametrize("verb", [KILL, CANCEL])
def test_check_mode_says_that_others_sessions_may_be_out_of_reach(verb: str) -> None:
    found = introduced(Tenant(privileges=("CREATE SESSION", "ALTER SYSTEM")))[0]
    assert found.doubts(Way(verb), OTHERS) == [
        "login_user: it is not SYS and lacks SUPER, so the server may refuse to end what other users run; "
        "log in as SYS, or as the user of that session."
    ]
    assert not found.doubts(Way(verb), [Session(sid=IDLE, username="KILL_USER", node="10.1.1.1:2882")])


def test_check_mode_says_where_a_proxy_s_client_must_be_ended() -> None:
    client = Session(sid=4711, username="KILL_USER")
    (doubt,) = introduced(Tenant())[0].doubts(Way(KILL), [client, *OTHERS])
    assert doubt.startswith("login_dsn: it leads to a server,") and doubt.endswith("log in through that proxy.")
    through = introduced(Tenant([{**OWN, **PROXIED, "ID": 524301}], greeted=524301))[0]
    assert not through.doubts(Way(KILL), [client])


def test_check_mode_says_that_other_runs_do_not_recognise_us() -> None:
    found = introduced(Tenant(refused={"SET_MODULE": failure(1031, "insufficient privileges")}))[0]
    (doubt,) = found.doubts(Way(KILL), OTHERS)
    assert doubt.startswith(f"login_user: its sessions cannot call themselves {TAG} (OBE-01031: insufficient")
