# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account lacks is named, with the grant that mends it; what it cannot see is never taken for "none"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.real_oracle import RealOracle

from .rows import named, the

Server = OracleServer | RealOracle
Run = Callable[..., dict[str, Any]]
User = dict[str, str]

REQUIRED = ("V_$SESSION", "V_$INSTANCE", "V_$DATABASE")
OPTIONAL = {
    "V_$PROCESS": ("process", "pga_mb"),
    "V_$PX_SESSION": ("coordinator",),
    "V_$TRANSACTION": ("in_transaction", "transaction_age", "undo_records"),
    "V_$SORT_USAGE": ("temp_mb",),
    "V_$PARAMETER": ("temp_mb",),
    "V_$SQL": ("sql_text",),
    "V_$LOCKED_OBJECT": ("locked_object",),
    "DBA_OBJECTS": ("locked_object",),
}


@pytest.fixture(scope="module")
def least(create_user: Callable[..., User]) -> dict[str, str]:
    """The account that docs/oracle.md describes, as login options: every view by a grant of its own, and ALTER SYSTEM."""
    user = create_user("ALTER SYSTEM", *(f"SELECT ON sys.{view}" for view in (*REQUIRED, *OPTIONAL)))
    return {"login_user": user["user"], "login_password": user["password"]}


@pytest.fixture
def without(server: Server, least: dict[str, str]) -> Callable[[str], Any]:
    """``with without(privilege): ...``: the account lacks it meanwhile."""

    @contextmanager
    def taken(privilege: str) -> Iterator[None]:
        what = privilege if " " in privilege else f"SELECT ON sys.{privilege}"
        server.sql(f"REVOKE {what} FROM {least['login_user']}")
        try:
            yield
        finally:
            server.sql(f"GRANT {what} TO {least['login_user']}")

    return taken


def test_the_documented_grants_are_enough(
    server: Server, run_module: Run, db_user: User, least: dict[str, str]
) -> None:
    everything = {
        "in_transaction": True,
        "temp_mb": 0,
        "pga_mb": 0,
        "transaction_age": 0,
        "locked_object": "*.PRIVILEGED_T",
    }
    with (
        actors.idle_in_transaction(server, database="privileged", **db_user) as victim,
        actors.idle(server) as bystander,
    ):
        listing = run_module("session_info", {"match": {"username": db_user["user"]}, "include": ["sql_text"], **least})
        assert listing["database"]["unavailable"] == ["client_address", "locked_object", "temp_mb"], (
            "those nobody asked for"
        )
        result = run_module("session_kill", {"match": {"username": db_user["user"], **everything}, **least})
        assert not result["failed"] or "temp_mb" in result["msg"], result["msg"]
        result = run_module("session_kill", {**named(victim), **least})
        assert the(result)["outcome"] in ("ended", "gone") and not victim.alive() and bystander.alive()


@pytest.mark.parametrize("view", REQUIRED)
def test_without_a_view_that_everything_needs(
    server: Server, run_module: Run, least: dict[str, str], without: Any, view: str
) -> None:
    with without(view):
        result = run_module("session_info", least)
    assert result["failed"] and result["msg"].startswith("login_user: missing privilege"), result["msg"]
    assert f"SYS.{view}" in result["msg"] and "GRANT SELECT ON SYS." in result["msg"] and "\n" not in result["msg"]


@pytest.mark.parametrize(("view", "keys"), OPTIONAL.items())
def test_without_a_view_that_can_be_done_without(
    server: Server,
    run_module: Run,
    db_user: User,
    least: dict[str, str],
    without: Any,
    view: str,
    keys: tuple[str, ...],
) -> None:
    asking: dict[str, Any] = {"temp_mb": 0, "locked_object": "*", "sql_text": "*"}
    values: dict[str, Any] = {"in_transaction": False, "transaction_age": 0, "undo_records": 0, "pga_mb": 0, **asking}
    with actors.idle(server, **db_user) as bystander, without(view):
        user = {"username": db_user["user"]}
        wanted = {key: asking[key] for key in keys if key in asking}
        # A key that cannot be seen is an error, whatever its value: it is neither true nor false.
        for key in keys:
            if key not in values:
                continue
            for options in (
                {"match": {**user, key: values[key]}},
                {"match": user, "exclude": [{key: values[key]}]},
                {"match": user, "protect": [{key: values[key]}]},
            ):
                result = run_module("session_kill", {**options, **least})
                assert result["failed"] and f"{key}: it cannot be seen here (" in result["msg"], result["msg"]
                assert f"GRANT SELECT ON SYS.{view} TO" in result["msg"]
        # Rules about other things still work, unless a guard is blind.
        if not wanted:
            listing = run_module("session_info", {"match": user, **least})
            assert not listing["failed"] and set(keys) <= set(listing["database"]["unavailable"])
        result = run_module("session_kill", {"match": user, **least}, check=True)
        if view in ("V_$PROCESS", "V_$PX_SESSION"):
            assert the(result)["outcome"] == "refused" and f"GRANT SELECT ON SYS.{view} TO" in the(result)["reason"]
        else:
            assert the(result)["outcome"] == "planned"
        assert bystander.alive()


def test_a_guard_that_cannot_see_holds_everybody_back(
    server: Server, run_module: Run, db_user: User, least: dict[str, str], without: Any
) -> None:
    with actors.idle(server, **db_user) as bystander, without("V_$PX_SESSION"):
        result = run_module("session_kill", {**named(bystander), **least})
        assert the(result)["outcome"] == "refused" and result["failed"] and bystander.alive()
        assert the(result)["reason"].startswith("parallel_servers: whether it is one cannot be seen here (")
        lifted = run_module("session_kill", {**named(bystander), "allow": ["parallel_servers"], **least})
        assert the(lifted)["outcome"] == "ended" and not bystander.alive()
    with actors.idle(server, **db_user) as bystander, without("V_$PROCESS"):
        result = run_module("session_kill", {**named(bystander), **least})
        assert the(result)["outcome"] == "refused" and the(result)["reason"].startswith("background: ")
        assert bystander.alive()


def test_a_limit_that_cannot_be_checked_is_an_error(
    server: Server, run_module: Run, db_user: User, least: dict[str, str], without: Any
) -> None:
    with actors.idle(server, **db_user) as bystander, without("V_$TRANSACTION"):
        result = run_module("session_kill", {**named(bystander), "max_rollback_records": 5, **least})
        assert result["failed"] and result["msg"].startswith("max_rollback_records: undo_records, which it needs, ")
        listing = run_module("session_info", {**named(bystander), "include": ["rollback"], **least})
        assert listing["failed"] and listing["msg"].startswith("include: rollback cannot be seen here (")
        assert bystander.alive()


def test_whether_it_rolls_back_cannot_be_seen(
    stand_in: OracleServer, run_module: Run, db_user: User, least: dict[str, str], without: Any, policy: Any
) -> None:
    with (
        policy(rollback_rate=20),
        actors.idle_in_transaction(stand_in, database="unseen", rows=60, **db_user) as victim,
        without("V_$TRANSACTION"),
    ):
        result = run_module("session_kill", {**named(victim), "wait_timeout": 0.3, **least})
        assert the(result)["outcome"] == "pending" and result["failed"]
        assert "whether it rolls back cannot be seen" in the(result)["reason"]
        stand_in.set_policy("rollback_rate", 20000)


# --- acting


def test_without_alter_system(
    server: Server, run_module: Run, db_user: User, least: dict[str, str], without: Any
) -> None:
    with (
        actors.idle(server, **db_user) as bystander,
        actors.sleeping(server, **db_user) as busy,
        without("ALTER SYSTEM"),
    ):
        for module, session in (
            ("session_kill", bystander),
            ("session_disconnect", bystander),
            ("sql_cancel", busy),
        ):
            result = run_module(module, {**named(session), **least})
            row = the(result)
            assert row["outcome"] == "failed" and result["failed"] and not result["changed"]
            assert row["error"]["code"] == 1031 and row["reason"].startswith("missing privilege: ")
            assert "GRANT ALTER SYSTEM TO the login user, or set via_procedure" in row["reason"]
        assert bystander.alive() and not busy.done.is_set()
        listing = run_module("session_info", {"match": {"username": db_user["user"]}, **least})
        assert not listing["failed"] and len(listing["sessions"]) == 2


def test_the_connection_lives_on_after_a_refusal(
    stand_in: OracleServer, run_module: Run, pool: Any, db_user: User, least: dict[str, str], without: Any, logins: Any
) -> None:
    bystanders = pool(3, **db_user)
    stand_in.reset_calls()
    with without("ALTER SYSTEM"):
        result = run_module("session_kill", {"match": {"username": db_user["user"]}, **least})
    assert result["counts"]["failed"] == 3 and all(each.alive() for each in bystanders) and logins() == 1
