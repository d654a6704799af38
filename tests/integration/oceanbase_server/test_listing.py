# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server lists of its sessions, their locks and transactions, and to whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from integration.oceanbase_server.life import Account, Change, Client, Open, listed, rule

from servers import oceanbase_actors as actors
from servers.oceanbase.handle import OceanBaseServer
from servers.oceanbase.policy import OK

VIEW = "SYS.GV$OB_PROCESSLIST"


def test_an_idle_session(server: OceanBaseServer, idle: Open) -> None:
    session = idle()
    row = listed(server, session)
    assert row is not None
    port = session.connection._sock.getsockname()[1]
    told = {
        "ID": session.id, "USER": "SYS", "DB": "SYS", "TENANT": "shop", "HOST": f"127.0.0.1:{port}", "COMMAND": "Sleep",
        "STATE": "SLEEP", "INFO": None, "SQL_ID": None, "TRACE_ID": None, "TRANS_ID": 0, "TRANS_STATE": None,
        "PROXY_SESSID": None, "USER_CLIENT_IP": "127.0.0.1", "USER_CLIENT_PORT": port, "SVR_IP": "127.0.0.1",
        "SVR_PORT": 2882, "SQL_PORT": server.port, "MODULE": None,
    }  # fmt: skip
    assert {name: row[name] for name in told} == told
    assert isinstance(row["TIME"], float) and row["TIME"] >= 0


def test_a_running_statement(server: OceanBaseServer, stack: ExitStack) -> None:
    first, second = (stack.enter_context(actors.sleeping(server, 3600)) for _turn in range(2))
    one, other = listed(server, first), listed(server, second)
    assert one is not None and other is not None
    assert (one["COMMAND"], one["STATE"], one["INFO"]) == ("Query", "ACTIVE", "CALL DBMS_LOCK.SLEEP(3600)")
    assert re.fullmatch(r"[0-9A-F]{32}", one["SQL_ID"]) and one["SQL_ID"] == other["SQL_ID"]
    assert one["TRACE_ID"] and one["TRACE_ID"] != other["TRACE_ID"], "an execution has one of its own"


def test_what_a_session_says_of_itself(server: OceanBaseServer, idle: Open) -> None:
    session = idle(init_command="CALL DBMS_APPLICATION_INFO.SET_MODULE('billing', 'close')")
    session.execute("BEGIN DBMS_APPLICATION_INFO.SET_CLIENT_INFO(client_info => 'it''s'); NULL; END;")
    session.execute("CALL DBMS_APPLICATION_INFO.SET_ACTION('open')")
    row = listed(server, session)
    assert row is not None and (row["MODULE"], row["ACTION"], row["CLIENT_INFO"]) == ("billing", "open", "it's")
    session.execute(f"CALL DBMS_APPLICATION_INFO.SET_MODULE('{'x' * 60}', NULL)")
    row = listed(server, session)
    assert row is not None and (row["MODULE"], row["ACTION"]) == ("x" * 48, None)


def test_time_starts_anew_with_every_state(server: OceanBaseServer, idle: Open, client: Callable[..., Client]) -> None:
    session, one = idle(), client()
    times = [float(one.value(f'SELECT "TIME" FROM {VIEW} WHERE ID = {session.id}')) for _turn in range(2)]
    assert times[0] < times[1]
    one.rows("CALL DBMS_LOCK.SLEEP(0.05)")
    before = float(one.value(f'SELECT "TIME" FROM {VIEW} WHERE ID = {session.id}'))
    session.execute("SELECT 1 FROM DUAL")
    assert float(one.value(f'SELECT "TIME" FROM {VIEW} WHERE ID = {session.id}')) < before
    assert one.code(f"KILL QUERY {session.id}") == OK


def test_reserved_words(client: Callable[..., Client]) -> None:
    """USER and LEVEL are columns only with quotes or behind the name of the view."""
    one = client(user="ROOT", tenant="sys")
    where = f"FROM {VIEW} p WHERE ID = {one.connection.thread_id()}"
    assert one.rows(f'SELECT USER, p.USER AS a, "USER" AS b, p."LEVEL" AS c {where}') == [
        {"USER": "ROOT", "A": "ROOT", "B": "ROOT", "C": 1}
    ]
    assert one.values(f"SELECT \"USER\" FROM {VIEW} WHERE USER = 'ROOT' AND \"USER\" <> 'ROOT' AND ROWNUM = 1") in (
        [],
        ["SYS"],
    )
    assert one.code(f"SELECT LEVEL FROM {VIEW}") == 1788


def test_locks_and_waits(server: OceanBaseServer, stack: ExitStack) -> None:
    """As the same kernel shows them in MySQL mode."""
    holder = stack.enter_context(actors.idle_in_transaction(server, database="locks"))
    waiter = stack.enter_context(actors.waiter(server, database="locks", holds=2))
    names = "TRANS_ID, SESSION_ID, TYPE, ID1, ID2, ID3, LMODE, REQUEST, BLOCK"
    rows = set(server.sql(f"SELECT {names} FROM SYS.GV$OB_LOCKS WHERE SESSION_ID IN ({holder.id}, {waiter.id})"))
    transactions = dict(server.sql(f"SELECT ID, TRANS_ID FROM {VIEW} WHERE TRANS_ID <> 0"))
    one, other = transactions[holder.id], transactions[waiter.id]
    (tablet,) = {int(row[5]) for row in rows if row[2] == "TM"}
    assert rows == {
        (other, waiter.id, "TR", one, holder.id, f'{tablet}-{{"NUMBER":1}}', "NONE", "X", 1),
        (other, waiter.id, "TR", other, waiter.id, f'{tablet}-{{"NUMBER":2}}', "X", "NONE", 0),
        (one, holder.id, "TR", one, holder.id, f'{tablet}-{{"NUMBER":1}}', "X", "NONE", 0),
        (other, waiter.id, "TX", other, waiter.id, None, "X", "NONE", 0),
        (one, holder.id, "TX", one, holder.id, None, "X", "NONE", 0),
        (other, waiter.id, "TM", other, waiter.id, str(tablet), "RX", "NONE", 0),
        (one, holder.id, "TM", one, holder.id, str(tablet), "RX", "NONE", 0),
    }
    assert server.sql(f"SELECT OWNER, OBJECT_NAME FROM DBA_OBJECTS WHERE DATA_OBJECT_ID = {tablet}") == (
        ("SYS", "LOCKS_T"),
    )
    begun = dict(server.sql("SELECT SESSION_ID, TX_ID FROM SYS.GV$OB_TRANSACTION_SCHEDULERS"))
    assert begun == transactions
    age = f"SELECT (SYSDATE - CAST(ACTIVE_TIME AS DATE)) * 86400 FROM V$OB_TRANSACTION_SCHEDULERS WHERE SESSION_ID = {holder.id}"
    assert -1 <= float(server.sql(age)[0][0]) < 60
    (elapsed,) = server.sql(f"SELECT CTIME FROM V$OB_LOCKS WHERE SESSION_ID = {waiter.id} AND BLOCK = 1")[0]
    assert elapsed > 0


def test_locks_without_a_time(server: OceanBaseServer, stack: ExitStack, policy: Change) -> None:
    assert rule("lock_time_listed") is True
    holder = stack.enter_context(actors.idle_in_transaction(server, database="timeless"))
    times = f"SELECT DISTINCT CTIME FROM GV$OB_LOCKS WHERE SESSION_ID = {holder.id} AND CTIME IS {{}} NULL"
    assert server.sql(times.format("NOT")) and not server.sql(times.format(""))
    policy(lock_time_listed=False)
    assert server.sql(times.format("")) == ((None,),) and not server.sql(times.format("NOT"))


# --- to whom


@pytest.mark.parametrize(
    ("grants", "sees"),
    [((), {"own"}), (("SUPER",), {"own"}), (("ALTER SYSTEM",), {"own"}), (("SHOW PROCESS",), {"own", "other"}), (("DBA",), {"own", "other"})],
)  # fmt: skip
def test_sessions_of_others(
    client: Callable[..., Client], idle: Open, account: Callable[..., Account], grants: tuple[str, ...], sees: set[str]
) -> None:
    assert rule("listing") == "show_process"
    login = account(f"SELECT ON {VIEW}", "SELECT ON SYS.V$OB_PROCESSLIST", *grants)
    one, own, other = client(**login), idle(**login), idle()
    names = {own.id: "own", other.id: "other"}
    for statement in (
        f"SELECT ID FROM {VIEW}",
        "SELECT ID FROM V$OB_PROCESSLIST",
        "SHOW PROCESSLIST",
        "SHOW FULL PROCESSLIST",
    ):
        assert {names[int(number)] for number in one.values(statement) if number in names} == sees, statement


def test_a_server_that_shows_everybody(
    client: Callable[..., Client], idle: Open, account: Callable[..., Account], policy: Change
) -> None:
    policy(listing="everybody")
    other = idle()
    one = client(**account())
    assert other.id in one.values("SHOW PROCESSLIST")


@pytest.mark.parametrize("name", ["GV$OB_PROCESSLIST", "V$OB_LOCKS", "GV$OB_TRANSACTION_SCHEDULERS", "DBA_OBJECTS"])
def test_a_view_takes_a_privilege(client: Callable[..., Client], account: Callable[..., Account], name: str) -> None:
    assert client(**account()).code(f"SELECT 1 FROM SYS.{name} WHERE ROWNUM <= 1") == 942
    for grant in (f"SELECT ON SYS.{name}", "SELECT ANY DICTIONARY"):
        assert client(**account(grant)).code(f"SELECT 1 FROM SYS.{name} WHERE ROWNUM <= 1") == OK


def test_privileges_that_one_has(client: Callable[..., Client], account: Callable[..., Account]) -> None:
    login = account("ALTER SYSTEM", "CONNECT", "RESOURCE")
    one = client(**login)
    assert one.values("SELECT PRIVILEGE FROM SESSION_PRIVS ORDER BY 1") == [
        "ALTER SYSTEM",
        "CREATE SESSION",
        "CREATE TABLE",
    ]
    own = one.rows("SELECT * FROM SYS.USER_SYS_PRIVS ORDER BY PRIVILEGE")
    assert [row["PRIVILEGE"] for row in own] == ["ALTER SYSTEM", "CREATE SESSION"] and own[0]["USERNAME"] == login[
        "user"
    ]
    roles = one.rows("SELECT ROLE, PRIVILEGE FROM ROLE_SYS_PRIVS ORDER BY ROLE")
    assert roles == [
        {"ROLE": "CONNECT", "PRIVILEGE": "CREATE SESSION"},
        {"ROLE": "RESOURCE", "PRIVILEGE": "CREATE TABLE"},
    ]
    assert "SHOW PROCESS" in client().values("SELECT PRIVILEGE FROM SYS.USER_SYS_PRIVS")


# --- the same by SHOW


def test_show_full_processlist_says_where(client: Callable[..., Client]) -> None:
    one = client()
    (row,) = [row for row in one.rows("SHOW FULL PROCESSLIST") if row["ID"] == one.connection.thread_id()]
    assert list(row) == ["ID", "USER", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO", "TENANT", "IP", "PORT"]
    assert (row["TENANT"], row["IP"], row["PORT"], row["INFO"]) == ("shop", "127.0.0.1", 2882, "SHOW FULL PROCESSLIST")


def test_a_thousand_sessions(server: OceanBaseServer, client: Callable[..., Client]) -> None:
    many = actors.pool(server, 1000)
    try:
        one = client()
        assert {session.id for session in many} <= {int(number) for number in one.values(f"SELECT ID FROM {VIEW}")}
    finally:
        actors.close_all(many)
