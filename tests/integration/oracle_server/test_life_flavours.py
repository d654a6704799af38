# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log in and end sessions, in the kinds of databases that there are: releases, containers, Amazon RDS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import oracledb
import pytest
from integration.oracle_server.life import (
    SPIN,
    attempt,
    await_active,
    await_gone,
    code,
    failure,
    fate,
    named,
    row,
    rule,
)

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle.policy import CLOSE
from servers.oracle_actors import BusySession, Session

STAND_IN = {"kill_wait_seconds": 0.3}
PASSWORD = 'it\'s "q" @ 1/2'


def login_failure(server: OracleServer, **login: Any) -> int:
    with pytest.raises(oracledb.Error) as caught:
        server.connect(**login)
    return code(caught.value)


def stop_it(owner: str = "keeper") -> str:
    """A wrapper as DBAs write them, with definer's rights."""
    return (
        f"CREATE OR REPLACE PROCEDURE {owner}.stop_it(p_sid NUMBER, p_serial NUMBER) AS n NUMBER; BEGIN"
        " SELECT COUNT(*) INTO n FROM v$session WHERE sid = p_sid AND serial# = p_serial AND username <> 'SYS';"
        " IF n = 0 THEN RAISE_APPLICATION_ERROR(-20001, 'not this one'); END IF;"
        " EXECUTE IMMEDIATE 'ALTER SYSTEM KILL SESSION ''' || p_sid || ',' || p_serial || ''' IMMEDIATE'; END;"
    )


# ---- accounts


def test_a_password_may_hold_anything_but_its_quote(server: OracleServer) -> None:
    password = PASSWORD.replace('"', "")
    server.create_user("quoted", password)
    with server.connect(user="quoted", password=password) as connection:
        assert connection.username == "quoted"
    assert login_failure(server, user="quoted", password=password.upper()) == 1017


def test_who_is_not_let_in(server: OracleServer) -> None:
    server.create_user("locked", PASSWORD.replace('"', ""))
    server.sql("ALTER USER locked ACCOUNT LOCK")
    server.create_user("outside", server.password, grants=())
    assert login_failure(server, user="nobody", password="x") == 1017
    assert login_failure(server, password="wrong") == 1017
    assert login_failure(server, user="locked", password=PASSWORD.replace('"', "")) == 28000
    assert login_failure(server, user="locked", password="wrong") in (1017, 28000)
    assert login_failure(server, user="outside") == 1045
    assert login_failure(server, user="sys") == 28009
    assert login_failure(server, user="outside", mode=oracledb.AUTH_MODE_SYSDBA) in (1017, 1031)
    server.sql("ALTER USER locked ACCOUNT UNLOCK")
    server.connect(user="locked", password=PASSWORD.replace('"', "")).close()


def test_a_login_shows_where_it_comes_from(server: OracleServer) -> None:
    given = {"program": "backup", "machine": "host7", "terminal": "pts/9", "osuser": "carol", "driver_name": "mine : 1"}
    with server.connect(**given) as connection:
        connection.module, connection.action = "nightly", "step 1"
        connection.client_identifier, connection.clientinfo = "c1", "info"
        found = actors.Session(server, connection).execute(
            "SELECT program, machine, terminal, osuser, module, action, client_identifier, client_info, username, type,"
            " server, status FROM v$session WHERE sid = SYS_CONTEXT('USERENV', 'SID')"
        )
    assert found == [
        (
            "backup",
            "host7",
            "pts/9",
            "carol",
            "nightly",
            "step 1",
            "c1",
            "info",
            "SYSTEM",
            "USER",
            "DEDICATED",
            "ACTIVE",
        )
    ]


def test_one_account_through_another(server: OracleServer) -> None:
    server.create_user("app_owner", server.password)
    server.create_user("pool", server.password)
    assert login_failure(server, user="pool[app_owner]") == 28150
    server.sql("ALTER USER app_owner GRANT CONNECT THROUGH pool")
    with server.connect(user="pool[app_owner]") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT USER, SYS_CONTEXT('USERENV', 'PROXY_USER') FROM dual")
        assert cursor.fetchone() == ("APP_OWNER", "POOL")
    server.sql("ALTER USER app_owner REVOKE CONNECT THROUGH pool")
    assert login_failure(server, user="pool[app_owner]") == 28150


def test_an_administrator_is_sys(server: OracleServer) -> None:
    with server.connect(user="sys", mode=oracledb.AUTH_MODE_SYSDBA) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT USER, SYS_CONTEXT('USERENV', 'ISDBA'), SYS_CONTEXT('USERENV', 'SESSIONID') FROM dual")
        assert cursor.fetchone() == ("SYS", "TRUE", "4294967295")


def test_an_account_with_sessions_is_not_dropped(server: OracleServer) -> None:
    server.create_user("leaver", server.password)
    session = actors.idle(server, user="leaver")
    with server.connect() as killer:
        assert failure(killer, "DROP USER leaver") == 1940
        assert attempt(killer, f"ALTER SYSTEM KILL SESSION '{named(session)}' IMMEDIATE") == 0
        await_gone(session)
        assert failure(killer, "DROP USER leaver") == 0


# ---- privileges


def test_nothing_is_ended_or_seen_without_a_grant(server: OracleServer) -> None:
    server.create_user("app", server.password)
    bystander = actors.idle(server)
    with bystander, server.connect(user="app") as connection:
        statement = f"ALTER SYSTEM KILL SESSION '{named(bystander)}' IMMEDIATE"
        assert failure(connection, statement) == rule("kill_not_allowed")
        assert attempt(connection, statement) == rule("kill_not_allowed")
        assert failure(connection, "SELECT 1 FROM v$session") == 942
        server.sql("GRANT SELECT ON sys.v_$session TO app")
        assert failure(connection, "SELECT 1 FROM v$session") == 0
        assert failure(connection, "SELECT 1 FROM gv$session") == 942
        server.sql("GRANT SELECT_CATALOG_ROLE TO app")
        assert failure(connection, "SELECT 1 FROM gv$session") in (0, 942)  # A role counts from the next login on.
    with server.connect(user="app") as connection:
        assert failure(connection, "SELECT 1 FROM gv$session") == 0
    assert row(bystander) is None


def test_a_wrapper_with_rights_of_its_own(server: OracleServer) -> None:
    server.create_user("keeper", server.password, ("CREATE SESSION", "ALTER SYSTEM", "SELECT ON sys.v_$session"))
    server.create_user("caller", server.password)
    server.sql(stop_it())
    victim = actors.idle(server, user="caller")
    with server.connect(user="caller") as connection:
        call = f"BEGIN keeper.stop_it({named(victim)}); END;"
        assert failure(connection, call) == 6550
        server.sql("GRANT EXECUTE ON keeper.stop_it TO caller")
        assert failure(connection, "BEGIN keeper.stop_it(9999, 1); END;") == 20001
        assert failure(connection, call) == 0
        assert fate(victim) == CLOSE
        # The rights are the wrapper's alone.
        assert failure(connection, f"ALTER SYSTEM KILL SESSION '{named(victim)}' IMMEDIATE") == 1031
        assert failure(connection, "SELECT 1 FROM v$session") == 942


def test_roles_do_not_count_inside_of_a_wrapper(server: OracleServer) -> None:
    server.create_user("roled", server.password, ("CREATE SESSION", "DBA"))
    with server.connect(user="roled") as owner:
        assert failure(owner, "SELECT 1 FROM v$session") == 0
        # It is created, with errors.
        failure(owner, stop_it("roled"))
        assert failure(owner, "BEGIN stop_it(9999, 1); END;") == 6550
    server.sql("GRANT SELECT ON sys.v_$session TO roled")
    bystander = actors.idle(server)
    with bystander, server.connect(user="roled") as owner:
        failure(owner, stop_it("roled"))
        assert failure(owner, f"BEGIN stop_it({named(bystander)}); END;") == 1031
        server.sql("GRANT ALTER SYSTEM TO roled")
        assert failure(owner, f"BEGIN stop_it({named(bystander)}); END;") == 0
        assert fate(bystander) == CLOSE


# ---- containers


@pytest.fixture(scope="module")
def containers() -> Iterator[OracleServer]:
    with OracleServer(pdbs=("SHOP", "CRM")) as running:
        for pdb in ("shop", "crm"):
            running.create_user("clerk", running.password, ("CREATE SESSION", "DBA"), service=pdb)
        running.sql(f'CREATE USER c##boss IDENTIFIED BY "{running.password}" CONTAINER = ALL', service="orcl")
        for privilege in ("CREATE SESSION", "SET CONTAINER", "ALTER SYSTEM", "SELECT ANY DICTIONARY"):
            running.sql(f"GRANT {privilege} TO c##boss CONTAINER = ALL", service="orcl")
        yield running


def clerk(containers: OracleServer, service: str) -> Session:
    return Session(containers, containers.connect(user="clerk", service=service))


def seen(connection: oracledb.Connection) -> set[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT con_id, sid FROM v$session WHERE type = 'USER'")
        return set(cursor.fetchall())


def test_a_container_sees_its_own_sessions(containers: OracleServer) -> None:
    with (
        clerk(containers, "shop") as shop,
        clerk(containers, "crm") as crm,
        containers.connect(user="c##boss", service="orcl") as root,
    ):
        assert {(3, shop.sid), (4, crm.sid)} <= seen(root)
        assert (3, shop.sid) in seen(shop.connection)
        assert {con_id for con_id, _sid in seen(shop.connection)} <= {0, 3}
        assert shop.execute("SELECT name FROM v$containers") == [("SHOP",)]
        assert actors.Session(containers, root).execute("SELECT name FROM v$containers ORDER BY con_id") == [
            ("CDB$ROOT",), ("PDB$SEED",), ("SHOP",), ("CRM",),
        ]  # fmt: skip
        assert shop.execute(
            "SELECT SYS_CONTEXT('USERENV', 'CON_NAME'), SYS_CONTEXT('USERENV', 'CON_ID') FROM dual"
        ) == [("SHOP", "3")]


def test_a_container_ends_its_own_sessions(containers: OracleServer) -> None:
    shop = clerk(containers, "shop")
    crm = clerk(containers, "crm")
    with containers.connect(user="clerk", service="crm") as killer:
        assert attempt(killer, f"ALTER SYSTEM KILL SESSION '{named(shop)}' IMMEDIATE") == rule("kill_other_container")
        assert attempt(killer, f"ALTER SYSTEM KILL SESSION '{named(crm)}' IMMEDIATE") == 0
    assert fate(crm) == CLOSE
    with containers.connect(user="c##boss", service="orcl") as killer:
        assert shop.alive()
        assert attempt(killer, f"ALTER SYSTEM KILL SESSION '{named(shop)}' IMMEDIATE") == 0
    assert fate(shop) == CLOSE


def test_going_from_one_container_to_another(containers: OracleServer) -> None:
    with containers.connect(user="c##boss", service="orcl") as connection:
        session = actors.Session(containers, connection)
        session.execute("ALTER SESSION SET CONTAINER = shop")
        assert session.execute("SELECT con_id FROM v$session WHERE sid = SYS_CONTEXT('USERENV', 'SID')") == [(3,)]
        assert failure(connection, "ALTER SESSION SET CONTAINER = nosuch") == 65011
        session.execute("ALTER SESSION SET CONTAINER = cdb$root")
    with containers.connect(user="clerk", service="shop") as connection:
        assert failure(connection, "ALTER SESSION SET CONTAINER = crm") == 1031


def test_whose_name_is_known_where(containers: OracleServer) -> None:
    assert login_failure(containers, user="clerk", service="orcl") == 1017
    containers.connect(user="c##boss", service="crm").close()
    with containers.connect(user="c##boss", service="orcl") as root:
        # The prefix and the privilege: both are asked for.
        assert failure(root, "CREATE USER local IDENTIFIED BY x") in (1031, 65096)
    with containers.connect(user="clerk", service="shop") as local:
        assert failure(local, "CREATE USER c##other IDENTIFIED BY x") == 65094


# ---- Amazon RDS


@pytest.fixture(scope="module")
def rds() -> Iterator[OracleServer]:
    with OracleServer(rds=True, kill_wait_seconds=0.3) as running:
        yield running


@pytest.fixture
def master(rds: OracleServer) -> Iterator[oracledb.Connection]:
    with rds.connect() as connection:
        yield connection


def test_the_master_user_has_no_alter_system(rds: OracleServer, master: oracledb.Connection) -> None:
    with actors.idle(rds) as bystander:
        assert attempt(master, f"ALTER SYSTEM KILL SESSION '{named(bystander)}' IMMEDIATE") == rule("kill_not_allowed")
        assert bystander.alive()
    assert login_failure(rds, user="sys", mode=oracledb.AUTH_MODE_SYSDBA) in (1017, 1031)
    assert failure(master, "GRANT ALTER SYSTEM TO admin") == 1031


@pytest.mark.parametrize(
    ("method", "answer", "outcome"),
    [
        ("", 0, "victim_idle"),
        (", NULL", 0, "victim_idle"),
        (", 'IMMEDIATE'", 0, "victim_idle_immediate"),
        (", method => 'IMMEDIATE'", 0, "victim_idle_immediate"),
        (", 'PROCESS'", 0, "victim_process_killed"),
    ],
)
def test_kill_of_rdsadmin(
    rds: OracleServer, master: oracledb.Connection, method: str, answer: int, outcome: str
) -> None:
    assert rule("rds_process") == "process ends"
    victim, bystander = actors.idle(rds), actors.idle(rds)
    with bystander:
        assert failure(master, f"BEGIN rdsadmin.rdsadmin_util.kill({named(victim)}{method}); END;") == answer
        assert fate(victim) == (CLOSE if outcome == "victim_process_killed" else rule(outcome))
        await_gone(victim)
        assert bystander.alive()


def test_kill_of_rdsadmin_takes_binds_and_gives_the_servers_errors(
    rds: OracleServer, master: oracledb.Connection
) -> None:
    call = "BEGIN rdsadmin.rdsadmin_util.kill(sid => :1, serial => :2, method => :3); END;"
    assert failure(master, call, [9999, 1, "IMMEDIATE"]) == rule("kill_gone")
    assert failure(master, call, [master.session_id, master.serial_num, "IMMEDIATE"]) == rule("kill_self")
    victim = BusySession(rds, rds.connect(), SPIN)
    await_active(victim)
    # Inside a block the driver does not see it as an error about its own connection.
    with master.cursor() as cursor:
        outcome = cursor.var(int)
        block = f"BEGIN rdsadmin.rdsadmin_util.kill({named(victim)}, 'IMMEDIATE'); EXCEPTION WHEN OTHERS THEN :1 := SQLCODE; END;"
        cursor.execute(block, [outcome])
        assert outcome.getvalue() == -rule("kill_busy_immediate")
    assert fate(victim) == rule("victim_busy_immediate")


def test_disconnect_and_cancel_of_rdsadmin(rds: OracleServer, master: oracledb.Connection) -> None:
    victim = BusySession(rds, rds.connect(), SPIN)
    await_active(victim)
    (sql_id,) = row(victim, "sql_id") or ()
    wrong = failure(master, f"BEGIN rdsadmin.rdsadmin_util.cancel({named(victim)}, '0000000000000'); END;")
    assert wrong == rule("cancel_other_sql_id")
    assert failure(master, f"BEGIN rdsadmin.rdsadmin_util.cancel({named(victim)}, '{sql_id}'); END;") == 0
    assert fate(victim) == rule("victim_cancelled")
    assert failure(master, f"BEGIN rdsadmin.rdsadmin_util.disconnect({named(victim)}); END;") == 0
    assert fate(Session(rds, rds.connect())) == 0
    wait_until(lambda: row(victim) is None, what="the session to go")
    in_work = actors.idle_in_transaction(rds)
    post = f"BEGIN rdsadmin.rdsadmin_util.disconnect({named(in_work)}, 'POST_TRANSACTION'); END;"
    assert failure(master, post) == 0
    assert in_work.alive()
    in_work.commit()
    await_gone(in_work)


def test_others_may_not_call_rdsadmin(rds: OracleServer) -> None:
    rds.create_user("plain", rds.password)
    with rds.connect(user="plain") as connection:
        assert failure(connection, "BEGIN rdsadmin.rdsadmin_util.kill(1, 2); END;") == 6550


def test_there_is_no_rdsadmin_elsewhere(server: OracleServer) -> None:
    with server.connect() as connection:
        assert failure(connection, "BEGIN rdsadmin.rdsadmin_util.kill(1, 2); END;") == 6550


# ---- releases


@contextmanager
def release(version: str) -> Iterator[tuple[OracleServer, oracledb.Connection]]:
    """A server of that release; one that the driver would refuse for its age speaks as the oldest that it takes."""
    old = {"field_version": 7} if version.startswith("11.") else {}
    with OracleServer(version=version, kill_wait_seconds=0.3, **old) as running, running.connect() as connection:
        yield running, connection


def works(connection: oracledb.Connection, clause: str) -> bool:
    """Whether the release knows it: that the session does not exist is said of statements that it understands."""
    number = attempt(connection, f"ALTER SYSTEM {clause}")
    assert number in (rule("kill_gone"), rule("option_unknown"), rule("noreplay_immediate"))
    return number == rule("kill_gone")


@pytest.mark.parametrize(
    ("version", "noreplay", "force", "cancel", "both"),
    [
        ("11.2.0.4.0", False, False, False, False),
        ("12.1.0.2.0", True, False, False, False),
        ("12.2.0.1.0", True, True, True, False),
        ("18.0.0.0.0", True, True, True, False),
        ("19.0.0.0.0", True, True, True, False),
        ("21.0.0.0.0", True, True, True, False),
        ("23.4.0.24.5", True, True, True, True),
    ],
)
def test_what_each_release_knows(version: str, noreplay: bool, force: bool, cancel: bool, both: bool) -> None:
    with release(version) as (running, connection):
        assert works(connection, "KILL SESSION '9999,1'") and works(connection, "KILL SESSION '9999,1' IMMEDIATE")
        assert works(connection, "DISCONNECT SESSION '9999,1' IMMEDIATE")
        assert works(connection, "KILL SESSION '9999,1' NOREPLAY") is noreplay
        assert works(connection, "KILL SESSION '9999,1' FORCE TIMEOUT 1") is force
        assert works(connection, "KILL SESSION '9999,1' TIMEOUT 1") is force
        assert works(connection, "CANCEL SQL '9999,1'") is cancel
        assert works(connection, "KILL SESSION '9999,1' IMMEDIATE NOREPLAY") is both
        release_numbers = tuple(int(number) for number in version.split("."))
        assert running.sql("SELECT version FROM v$instance") == [(version,)] or release_numbers >= (18,)
        has_containers = release_numbers >= (12, 1)
        assert failure(connection, "SELECT con_id FROM v$session") == (0 if has_containers else 904)
        assert failure(connection, "SELECT version_full FROM v$instance") == (0 if release_numbers >= (18,) else 904)
        assert failure(connection, "SELECT stid, execution_type FROM v$process") == (0 if has_containers else 904)
        assert failure(connection, "SELECT oracle_maintained FROM dba_users") == (0 if has_containers else 904)
        assert failure(connection, "BEGIN DBMS_SESSION.SLEEP(0); END;") == (0 if release_numbers >= (18,) else 6550)
        victim = actors.idle(running)
        assert attempt(connection, f"ALTER SYSTEM KILL SESSION '{named(victim)},@1' IMMEDIATE") == 0
        assert fate(victim) == CLOSE


def test_the_driver_refuses_what_is_too_old() -> None:
    with OracleServer(version="11.2.0.4.0") as running, pytest.raises(oracledb.Error, match="DPY-3010"):
        running.connect()


def test_the_newest_release_names_what_is_missing() -> None:
    with release("23.4.0.24.5") as (running, _connection):
        running.create_user("app", running.password)
        with running.connect(user="app") as connection, connection.cursor() as cursor:
            with pytest.raises(oracledb.Error, match=r'"SYS"\."V_\$SESSION"'):
                cursor.execute("SELECT 1 FROM v$session")


@pytest.mark.parametrize("kind", ["11g", "12c"])
def test_both_kinds_of_verifiers(kind: str) -> None:
    with OracleServer(verifier=kind) as running:
        running.create_user("app", "Secret 1")
        running.connect(user="app", password="Secret 1").close()
        assert login_failure(running, user="app", password="secret 1") == 1017
