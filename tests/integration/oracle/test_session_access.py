# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""session_account, the role session_access and the wrapper: what the account can do then, and what it cannot."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oracledb
import pytest

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle.handle import OracleServer
from servers.oracle_actors import BusySession, Session, listed
from servers.real_oracle import RealOracle

from .rows import placed

Server = OracleServer | RealOracle
Run = Callable[..., dict[str, Any]]
Busy = Callable[..., BusySession]
User = dict[str, str]

SECRET = "Secret_of_DBOPS_1"
GONE, NO_PRIVILEGE = 30, 1031
BAD_MODE, BAD_NUMBER, NOT_A_USER, MAINTAINED, OWN, BACKGROUND, WORKER, OTHER_USER, OTHER_INSTANCE = range(20301, 20310)
CALL = "BEGIN {}(:inst, :sid, :serial, :verb, :code, :message); END;"


def administrator(server: Server) -> dict[str, Any]:
    """Who may grant on objects of SYS, as options of a module."""
    if isinstance(server, RealOracle):
        return {"login_dsn": server.dsn, "login_user": server.user, "login_password": server.password}
    return {"login_dsn": server.dsn, "login_user": "sys", "login_mode": "sysdba", "login_password": server.password}


@dataclass
class Account:
    """Names of an account and its wrapper that nobody else has; ``options`` set it up, ``login`` uses it."""

    server: Server

    def __post_init__(self) -> None:
        self.name = f"DBOPS_{secrets.token_hex(4).upper()}"
        self.owner = f"{self.name}_OWNER"
        self.wrapper = f"{self.owner}.END_SESSION"

    @property
    def options(self) -> dict[str, Any]:
        return administrator(self.server) | {"name": self.name, "password": SECRET, "via_procedure": self.wrapper}

    @property
    def login(self) -> dict[str, Any]:
        dsn = self.server.dsn
        return {"login_dsn": dsn, "login_user": self.name, "login_password": SECRET, "via_procedure": self.wrapper}

    def connect(self, **arguments: Any) -> oracledb.Connection:
        return self.server.connect(user=self.name, password=SECRET, **arguments)

    def call(self, inst: Any, sid: Any, serial: Any, mode: str | None, **arguments: Any) -> tuple[int, str | None]:
        """What the wrapper answers when the account calls it."""
        with self.connect(**arguments) as connection, connection.cursor() as cursor:
            code, message = cursor.var(int), cursor.var(str, 4000)
            names = {"inst": inst, "sid": sid, "serial": serial, "verb": mode, "code": code, "message": message}
            cursor.execute(CALL.format(self.wrapper), names)
            return code.getvalue(), message.getvalue()

    def end(self, session: Session, mode: str = "KILL IMMEDIATE", **arguments: Any) -> int:
        return self.call(session.inst_id, session.sid, session.serial, mode, **arguments)[0]

    def grants(self) -> set[str]:
        system = "SELECT privilege FROM dba_sys_privs WHERE grantee = :1"
        objects = "SELECT privilege || ' ON ' || owner || '.' || table_name FROM dba_tab_privs WHERE grantee = :1"
        return {row[0] for query in (system, objects) for row in self.server.sql(query, [self.name])}

    def drop(self) -> None:
        sessions = "SELECT 1 FROM gv$session WHERE username = :1"
        wait_until(lambda: not self.server.sql(sessions, [self.name]), what=f"the sessions of {self.name} to be gone")
        for name in (self.name, self.owner):
            if self.server.sql("SELECT 1 FROM dba_users WHERE username = :1", [name]):
                self.server.sql(f"DROP USER {name} CASCADE")


@pytest.fixture
def account(server: Server) -> Iterator[Account]:
    """Names that are not in use yet; what is made of them is dropped after the test."""
    named = Account(server)
    yield named
    named.drop()


@pytest.fixture(scope="module")
def shared(server: Server, run_module: Run) -> Iterator[Account]:
    """An account that stands, for tests that only use it."""
    named = Account(server)
    result = run_module("session_account", named.options)
    assert not result["failed"], result["msg"]
    yield named
    named.drop()


# --- setting it up


def test_check_mode_tells_the_statements_and_changes_nothing(server: Server, run_module: Run, account: Account) -> None:
    planned = run_module("session_account", account.options, check=True, diff=True)
    assert planned["changed"] and not planned["failed"]
    assert not server.sql("SELECT 1 FROM dba_users WHERE username LIKE :1", [f"{account.name}%"])
    done = run_module("session_account", account.options)
    assert done["changed"] and done["statements"] == planned["statements"]
    again = run_module("session_account", account.options, diff=True)
    assert (again["changed"], again["statements"]) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"] == planned["diff"]["after"]
    assert planned["diff"]["before"] == "" and f"user {account.name}\n" in planned["diff"]["after"]
    assert SECRET not in str(planned) + str(done) + str(again)


def test_the_account_has_exactly_what_it_needs(
    server: Server, run_module: Run, account: Account, db_user: User
) -> None:
    run_module("session_account", account.options)
    views = ("DATABASE", "INSTANCE", "PROCESS", "PX_SESSION", "SESSION", "TRANSACTION")
    selects = {f"SELECT ON SYS.V_${view}" for view in views}
    assert account.grants() == {"CREATE SESSION", f"EXECUTE ON {account.wrapper}"} | selects
    with actors.idle(server, **db_user) as victim, actors.idle(server, **db_user) as bystander:
        direct = run_module("session_kill", {**account.login, "via_procedure": None} | placed(victim))
        assert direct["failed"] and direct["sessions"][0]["error"]["code"] == NO_PRIVILEGE and victim.alive()
        result = run_module("session_kill", account.login | placed(victim))
        assert listed(victim) is None and not victim.alive() and bystander.alive()
    assert result["counts"]["ended"] == 1 and not result["failed"] and not result["warnings"]
    assert result["database"]["unavailable"] == ["client_address"]


def test_the_owner_lets_nobody_in(server: Server, shared: Account) -> None:
    with pytest.raises(oracledb.Error):
        server.connect(user=shared.owner, password=SECRET)
    (status,) = server.sql("SELECT account_status FROM dba_users WHERE username = :1", [shared.owner])[0]
    assert "LOCKED" in status


@pytest.mark.parametrize(
    ("feature", "match"),
    [("temp_space", {"temp_mb": 1}), ("sql_text", {"sql_text": "*X*"}), ("locked_objects", {"locked_object": "A.B"})],
)
def test_a_feature_is_what_a_rule_needs(run_module: Run, account: Account, feature: str, match: dict[str, Any]) -> None:
    rule = {**account.login, "via_procedure": None, "match": match}
    run_module("session_account", account.options | {"features": []})
    assert "GRANT SELECT ON" in run_module("session_info", rule)["msg"]
    added = run_module("session_account", account.options | {"features": [feature]})
    assert added["changed"] and not added["failed"]
    assert not run_module("session_info", rule)["failed"]


def test_from_alter_system_to_the_wrapper(run_module: Run, account: Account) -> None:
    assert not run_module("session_account", {**account.options, "via_procedure": None})["failed"]
    assert "ALTER SYSTEM" in account.grants()
    lax = run_module("session_account", account.options)
    assert any("still has ALTER SYSTEM" in warning for warning in lax["warnings"])
    strict = run_module("session_account", account.options | {"exclusive": True})
    assert strict["statements"] == [f"REVOKE ALTER SYSTEM FROM {account.name}"] and not strict["warnings"]
    assert "ALTER SYSTEM" not in account.grants()
    assert not run_module("session_account", account.options | {"exclusive": True})["changed"]


def test_the_password_of_an_existing_account_stays(run_module: Run, account: Account) -> None:
    run_module("session_account", account.options)
    result = run_module("session_account", account.options | {"password": "Another_one_2"})
    assert not result["changed"]
    account.connect().close()


def test_a_procedure_of_somebody_else_is_left_alone(server: Server, run_module: Run, account: Account) -> None:
    run_module("session_account", account.options)
    theirs = f"CREATE OR REPLACE PROCEDURE {account.wrapper} (a IN NUMBER) AS BEGIN NULL; END;"
    server.sql(theirs)
    refused = run_module("session_account", account.options)
    assert refused["failed"] and "not the work of this collection" in refused["msg"]
    replaced = run_module("session_account", account.options | {"replace": True})
    assert replaced["changed"] and account.call(1, 1, 1, "NONE")[0] == BAD_MODE


def test_new_settings_replace_the_wrapper(run_module: Run, account: Account) -> None:
    run_module("session_account", account.options)
    changed = run_module("session_account", account.options | {"only_users": ["NOBODY_*"]}, diff=True)
    (statement,) = changed["statements"]
    assert statement.startswith(f"CREATE OR REPLACE PROCEDURE {account.wrapper} (") and "'NOBODY!_%'" in statement
    assert "NOBODY" in changed["diff"]["after"] and "NOBODY" not in changed["diff"]["before"]


def test_who_may_not_do_it_is_told_so(run_module: Run, account: Account, create_user: Callable[..., User]) -> None:
    nobody = create_user("SELECT ON SYS.V_$INSTANCE", "SELECT ON SYS.V_$DATABASE")
    login = {"login_user": nobody["user"], "login_password": nobody["password"], "login_mode": "default"}
    result = run_module("session_account", account.options | login)
    assert result["failed"] and "GRANT SELECT_CATALOG_ROLE" in result["msg"]
    reader = create_user("SELECT_CATALOG_ROLE", "CREATE USER")
    login = {"login_user": reader["user"], "login_password": reader["password"], "login_mode": "default"}
    result = run_module("session_account", account.options | login)
    assert result["failed"] and "log in as an administrator" in result["msg"] and result["changed"]
    assert result["statements"] and all(text.startswith("CREATE USER") for text in result["statements"])


def test_a_database_of_another_kind_is_refused(run_module: Run, account: Account) -> None:
    result = run_module("session_account", account.options | {"dialect": "oceanbase"})
    assert result["failed"] and result["msg"].startswith("dialect: accounts are set up on Oracle Database only")


# --- the guards inside the wrapper


@pytest.mark.parametrize(
    "mode",
    [
        None,
        "KILLED",
        "kill immediate",
        "KILL  IMMEDIATE",
        "KILL IMMEDIATE ",
        "KILL IMMEDIATE FORCE",
        "KILL TIMEOUT",
        "KILL TIMEOUT ",
        "KILL TIMEOUT -1",
        "KILL TIMEOUT 1e3",
        "KILL TIMEOUT 1234567890",
        "KILL TIMEOUT 1 TIMEOUT 2",
        "DISCONNECT",
        "DISCONNECT IMMEDIATE TIMEOUT 5",
        "CANCEL",
        "CANCEL ",
        "CANCEL 7ws837zynp1z",
        "CANCEL 7ws837zynp1zvx",
        "CANCEL 7WS837ZYNP1ZV",
        "CANCEL 7ws837zynp1z'",
        "SET OPEN_CURSORS=1",
        "KILL' IMMEDIATE --",
        "X" * 61,
    ],
)
def test_a_mode_that_is_not_on_the_list(server: Server, shared: Account, db_user: User, mode: str | None) -> None:
    with actors.idle(server, **db_user) as victim:
        code, message = shared.call(victim.inst_id, victim.sid, victim.serial, mode)
        assert (code, victim.alive()) == (BAD_MODE, True)
    assert message is not None and message.startswith(f"ORA-{BAD_MODE}: ") and "\n" not in message


@pytest.mark.parametrize("number", [None, 0, -1, 1.5, 2**31, 10**30])
def test_a_number_that_is_none(shared: Account, number: Any) -> None:
    assert shared.call(number, 10, 10, "KILL")[0] == BAD_NUMBER
    assert shared.call(1, number, 10, "KILL")[0] == BAD_NUMBER
    assert shared.call(1, 10, number, "KILL")[0] == BAD_NUMBER


def test_a_session_that_is_not_there(server: Server, shared: Account, db_user: User) -> None:
    with actors.idle(server, **db_user) as victim:
        for inst, sid, serial in ((1, 65000, 1), (1, victim.sid, victim.serial + 1), (9, victim.sid, victim.serial)):
            assert shared.call(inst, sid, serial, "KILL IMMEDIATE")[0] == GONE
        assert victim.alive()


def test_sessions_of_the_database_itself(stand_in: OracleServer, shared: Account) -> None:
    with Session(stand_in, stand_in.connect(user="system")) as system:
        assert shared.end(system) == MAINTAINED and system.alive()
    background = stand_in.sql("SELECT sid, serial# FROM v$session WHERE type = 'BACKGROUND'")
    assert background and {shared.call(1, *each, "KILL IMMEDIATE")[0] for each in background} == {NOT_A_USER}


def test_its_own_session(server: Server, shared: Account) -> None:
    with shared.connect() as connection, connection.cursor() as cursor:
        code, message = cursor.var(int), cursor.var(str, 4000)
        cursor.execute("SELECT TO_NUMBER(SYS_CONTEXT('USERENV', 'SID')) FROM dual")
        (sid,) = cursor.fetchone()
        names = {
            "inst": 1,
            "sid": sid,
            "serial": connection.serial_num,
            "verb": "KILL",
            "code": code,
            "message": message,
        }
        cursor.execute(CALL.format(shared.wrapper), names)
        assert code.getvalue() == OWN


def test_jobs_parallel_servers_and_what_calls_itself_so(
    stand_in: OracleServer, shared: Account, running: Busy, db_user: User
) -> None:
    job = stand_in.open_job(db_user["user"])
    assert shared.call(1, job["sid"], job["serial"], "KILL IMMEDIATE")[0] == WORKER
    with actors.idle(stand_in, **db_user) as shared_server:
        stand_in.set_session(shared_server.sid, program="oracle@db1 (S000)")
        assert shared.end(shared_server) == BACKGROUND and shared_server.alive()
    coordinator = running("BEGIN STANDIN.PARALLEL(2, 60); END;", **db_user)
    query = "SELECT sid, serial# FROM v$px_session WHERE qcserial# IS NOT NULL"
    wait_until(lambda: len(stand_in.sql(query)) == 2, what="two parallel servers")
    assert {shared.call(1, *each, "KILL IMMEDIATE")[0] for each in stand_in.sql(query)} == {WORKER}
    assert coordinator.alive()
    assert shared.end(coordinator) in (0, 31)


def test_only_some_users(server: Server, run_module: Run, account: Account, create_user: Callable[..., User]) -> None:
    one, other = create_user(), create_user()
    run_module("session_account", account.options | {"only_users": [one["user"].lower()[:-1] + "?"]})
    with actors.idle(server, **one) as victim, actors.idle(server, **other) as bystander:
        assert (account.end(victim), account.end(bystander)) == (0, OTHER_USER)
        assert not victim.alive() and bystander.alive()
        result = run_module("session_kill", account.login | placed(bystander))
    (row,) = result["sessions"]
    assert result["failed"] and row["outcome"] == "refused" and row["error"]["code"] == OTHER_USER
    assert "not one whose sessions this procedure may end" in row["reason"]


def test_a_guard_that_is_lifted_here_holds_there(stand_in: OracleServer, run_module: Run, shared: Account) -> None:
    with Session(stand_in, stand_in.connect(user="system")) as system:
        result = run_module("session_kill", shared.login | placed(system) | {"allow": ["system_users"]})
        assert system.alive()
    assert result["sessions"][0]["outcome"] == "refused" and result["sessions"][0]["error"]["code"] == MAINTAINED


# --- what it does


def test_a_busy_session_and_a_cancel(
    stand_in: OracleServer, run_module: Run, shared: Account, running: Busy, db_user: User
) -> None:
    busy = running("BEGIN STANDIN.SPIN(60); END;", **db_user)
    result = run_module("sql_cancel", shared.login | placed(busy) | {"match": {"status": "active"}})
    assert result["counts"]["ended"] == 1, result
    busy.wait()
    assert busy.error_code == 1013 and busy.alive()
    assert [text.split(" '")[0] for text in stand_in.statements()] == ["ALTER SYSTEM CANCEL SQL"]
    busy = running("BEGIN STANDIN.SPIN(60); END;", **db_user)
    result = run_module("session_kill", shared.login | placed(busy))
    assert result["counts"]["ended"] == 1, result


def test_a_disconnect(server: Server, run_module: Run, shared: Account, db_user: User) -> None:
    with actors.idle(server, **db_user) as victim:
        result = run_module("session_disconnect", shared.login | placed(victim))
        assert result["counts"]["ended"] == 1 and not victim.alive()


def test_the_statements_are_those_of_the_modules(stand_in: OracleServer, shared: Account, db_user: User) -> None:
    how = ("KILL", "KILL IMMEDIATE", "KILL NOREPLAY", "DISCONNECT IMMEDIATE", "DISCONNECT POST_TRANSACTION")
    expected = []
    for mode in how:
        with actors.idle(stand_in, **db_user) as victim:
            shared.end(victim, mode)
            verb, _space, clause = mode.partition(" ")
            instance = ",@1" if verb == "KILL" else ""
            expected.append(f"ALTER SYSTEM {verb} SESSION '{victim.sid},{victim.serial}{instance}' {clause}".rstrip())
    assert stand_in.statements() == expected


def test_what_the_release_does_not_know_comes_back(stand_in: OracleServer, run_module: Run) -> None:
    with OracleServer(version="12.1.0.2.0") as old:
        account = Account(old)
        assert not run_module("session_account", account.options)["failed"]
        with actors.idle(old, user="system", password=old.password) as system:
            assert account.end(system, "KILL FORCE") == MAINTAINED
        old.create_user("APP_1", SECRET)
        with actors.idle(old, user="APP_1", password=SECRET) as victim:
            code, message = account.call(1, victim.sid, victim.serial, "KILL FORCE TIMEOUT 5")
            assert 0 < code < 20000 and message is not None and message.startswith("ORA-") and victim.alive()


@pytest.mark.parametrize(
    "options", [{"version": "11.2.0.4.0", "field_version": 24}, {"version": "23.0.0.0.0"}, {"pdbs": ("SHOP",)}]
)
def test_on_other_databases(stand_in: OracleServer, run_module: Run, options: dict[str, Any]) -> None:
    with OracleServer(**options) as other:
        account = Account(other)
        assert not run_module("session_account", account.options)["failed"]
        assert not run_module("session_account", account.options)["changed"]
        other.create_user("APP_1", SECRET)
        with actors.idle(other, user="APP_1", password=SECRET) as victim:
            assert run_module("session_kill", account.login | placed(victim))["counts"]["ended"] == 1
        with Session(other, other.connect(user="system")) as system:
            assert account.end(system) == MAINTAINED and system.alive()
        if options.get("version", "").startswith("23"):
            with actors.idle(other, user="APP_1", password=SECRET) as victim:
                force = {"force": True, "server_timeout": 5}
                assert run_module("session_kill", account.login | placed(victim) | force)["counts"]["ended"] == 1
                assert other.statements()[-1].endswith(" FORCE TIMEOUT 5")


def test_several_instances(stand_in: OracleServer, run_module: Run) -> None:
    with OracleServer(instances=2) as cluster, ExitStack() as open_sessions:
        account = Account(cluster)
        assert not run_module("session_account", account.options)["failed"]
        cluster.create_user("APP_1", SECRET)

        def idle() -> Session:
            return open_sessions.enter_context(actors.idle(cluster, user="APP_1", password=SECRET, instance=2))

        assert run_module("session_kill", account.login | placed(idle()))["counts"]["ended"] == 1
        assert run_module("session_disconnect", account.login | placed(idle()))["counts"]["ended"] == 1
        victim = idle()
        assert account.end(victim, "DISCONNECT IMMEDIATE") == OTHER_INSTANCE and victim.alive()
        assert account.end(victim, "DISCONNECT IMMEDIATE", instance=2) == 0 and not victim.alive()
        # With one instance left, the modules read the views of the other name.
        cluster.stop_instance(2)
        listing = run_module("session_info", account.login)
        assert not listing["failed"] and "in_transaction" not in listing["database"]["unavailable"], listing["msg"]
        assert listing["database"]["instances"] == [1] and not listing["warnings"]


# --- the script and the role


def statements_of(script: str, password: str) -> list[str]:
    """The statements that SQL*Plus would execute: a line up to a semicolon, or PL/SQL up to a slash of its own."""
    found, lines = [], iter(script.splitlines())
    commands = ("--", "SET ", "ACCEPT ", "WHENEVER ", "UNDEFINE ", "SHOW ")
    for line in lines:
        if not line or line.startswith(commands):
            continue
        if line.startswith(("CREATE OR REPLACE", "BEGIN")):
            body = [line]
            while (following := next(lines)) != "/":
                body.append(following)
            found.append("\n".join(body))
        else:
            assert line.endswith(";")
            found.append(line[:-1].replace("&account_password", password))
    return found


def test_the_script_does_what_the_module_does(server: Server, run_module: Run, account: Account) -> None:
    (version,) = server.sql("SELECT version FROM v$instance")[0]
    wanted = {"state": "script", "server_version": version, "name": account.name, "via_procedure": account.wrapper}
    written = run_module("session_account", {**wanted, "login_dsn": None, "login_user": None, "login_password": None})
    assert not written["changed"] and not written["failed"]
    for statement in statements_of(written["script"], SECRET):
        server.sql(statement)
    assert run_module("session_account", account.options)["statements"] == []


ROLE = "dbops.oracle_sessions.session_access"


def inventory(account: Account, **variables: Any) -> dict[str, Any]:
    admin = administrator(account.server)
    prefixed = {f"oracle_sessions_access_{name}": value for name, value in admin.items() if name != "login_dsn"}
    login = {f"oracle_sessions_{name}": value for name, value in account.login.items()}
    return {"shop": prefixed | login | {f"oracle_sessions_access_{name}": value for name, value in variables.items()}}


def play() -> list[dict[str, Any]]:
    return [{"hosts": "all", "gather_facts": False, "roles": [ROLE]}]


def test_the_role_twice_and_in_check_mode(account: Account, run_playbook: Callable[..., Any]) -> None:
    hosts = inventory(account)
    checked = run_playbook(hosts, play(), "--check", "--diff", "-vvvv")
    assert checked.code == 0 and f"GRANT EXECUTE ON {account.wrapper}" in checked.output, checked.output
    first, second = run_playbook(hosts, play(), "--diff", "-vvvv"), run_playbook(hosts, play())
    assert first.of("Set up the account")["changed"] and not second.of("Set up the account")["changed"]
    assert first.of("Set up the account")["statements"] == checked.of("Set up the account")["statements"]
    for each in (checked, first, second):
        assert SECRET not in each.output and account.server.password not in each.output
    account.connect().close()


def test_the_role_writes_the_script(account: Account, run_playbook: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "dbops.sql"
    hosts = inventory(account, state="script", server_version="19", script_file=str(path))
    run = run_playbook(hosts, play())
    assert run.code == 0, run.output
    script = path.read_text()
    assert re.search(rf"^GRANT EXECUTE ON {re.escape(account.wrapper)} TO {account.name};$", script, re.MULTILINE)
    assert SECRET not in script + run.output
    assert not run_playbook(hosts, play()).of("Write the script")["changed"]
    del hosts["shop"]["oracle_sessions_access_script_file"]
    shown = run_playbook(hosts, play())
    assert shown.of("Show the script")["msg"] == script.splitlines()
    assert not account.server.sql("SELECT 1 FROM dba_users WHERE username = :1", [account.name])


def test_the_playbook(account: Account, run_playbook: Callable[..., Any]) -> None:
    book = [{"ansible.builtin.import_playbook": "dbops.oracle_sessions.grant_access"}]
    run = run_playbook(inventory(account), book, "-e", "oracle_sessions_target=shop")
    assert run.code == 0, run.output
    account.connect().close()


def test_the_password_of_the_account_is_not_tried_for_the_administrator(
    stand_in: OracleServer, account: Account, run_playbook: Callable[..., Any]
) -> None:
    hosts = inventory(account)
    del hosts["shop"]["oracle_sessions_access_login_password"]
    run = run_playbook(hosts, play(), "-e", f"oracle_sessions_login_password={stand_in.password}")
    assert run.code != 0 and "login_password: " in run.output
