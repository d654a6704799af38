# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pluggable databases: from one of them only its own sessions, from the root all of them, each container by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from servers import oracle_actors as actors
from servers.oracle.handle import OracleServer
from servers.oracle_actors import Session

from .rows import named, outcomes

STAND_IN = {"pdbs": ("SHOP", "CRM")}

Run = Callable[..., dict[str, Any]]

USER = "APP_EVERYWHERE"


@pytest.fixture(scope="module")
def accounts(server: Any) -> None:
    """The same name in both, as names repeat across containers."""
    if not isinstance(server, OracleServer):
        pytest.skip("needs the stand-in")
    for service in ("shop", "crm"):
        server.create_user(USER, server.password, service=service)


@pytest.fixture
def both(stand_in: OracleServer, accounts: None) -> Iterator[tuple[Session, Session]]:
    """An idle session of one user name in each of the two."""
    login = {"user": USER, "password": stand_in.password}
    with (
        actors.Session(stand_in, stand_in.connect(service="shop", **login)) as shop,
        actors.Session(stand_in, stand_in.connect(service="crm", **login)) as crm,
    ):
        yield shop, crm


@pytest.fixture
def root(stand_in: OracleServer) -> dict[str, str]:
    """The options that lead to CDB$ROOT."""
    return {"login_dsn": stand_in.dsn_of(1, stand_in.options.service())}


def test_from_a_pluggable_database_only_its_own(
    stand_in: OracleServer, run_module: Run, both: tuple[Session, Session]
) -> None:
    shop, crm = both
    listing = run_module("session_info", {"match": {"username": USER}})
    assert [row["sid"] for row in listing["sessions"]] == [shop.sid]
    assert listing["sessions"][0]["container"] == listing["database"]["container"] == "SHOP"
    foreign = run_module("session_kill", named(crm))
    assert outcomes(foreign) == {crm.sid: "gone"} and crm.alive()
    result = run_module("session_kill", {"match": {"username": USER}})
    assert outcomes(result) == {shop.sid: "ended"} and not shop.alive() and crm.alive()
    assert len(stand_in.statements()) == 1


def test_from_the_root_a_rule_names_the_container(
    stand_in: OracleServer, run_module: Run, both: tuple[Session, Session], root: dict[str, str]
) -> None:
    shop, crm = both
    refused = run_module("session_kill", {"match": {"username": USER}, **root})
    assert refused["failed"] and refused["msg"].startswith(
        "match.container: this login sees the sessions of every container"
    )
    assert shop.alive() and crm.alive() and not stand_in.statements()
    listing = run_module("session_info", {"match": {"username": USER, "container": "*"}, **root})
    assert {row["sid"]: row["container"] for row in listing["sessions"]} == {shop.sid: "SHOP", crm.sid: "CRM"}
    assert listing["database"]["container"] == "CDB$ROOT"
    result = run_module("session_kill", {"match": {"username": USER, "container": "crm"}, **root})
    assert outcomes(result) == {crm.sid: "ended"} and shop.alive() and not crm.alive()


def test_from_the_root_by_identity(
    stand_in: OracleServer, run_module: Run, both: tuple[Session, Session], root: dict[str, str]
) -> None:
    shop, crm = both
    result = run_module("session_kill", {**named(crm), **root})
    assert outcomes(result) == {crm.sid: "ended"} and shop.alive()
    asserted = run_module("session_kill", {**named(shop), "match": {"container": "CRM"}, **root})
    assert outcomes(asserted) == {shop.sid: "skipped"} and shop.alive()


def test_a_listing_of_one_container_is_not_for_another(
    stand_in: OracleServer, run_module: Run, both: tuple[Session, Session]
) -> None:
    shop, crm = both
    listing = run_module("session_info", {"match": {"username": USER}})
    result = run_module("session_kill", {"sessions": listing, "login_dsn": stand_in.dsn_of(1, "crm")})
    assert result["failed"] and result["msg"].startswith("sessions: they were listed in another database")
    assert shop.alive() and crm.alive() and not stand_in.statements()


def test_locked_objects_are_those_of_their_container(
    stand_in: OracleServer, run_module: Run, both: tuple[Session, Session], root: dict[str, str]
) -> None:
    """Each container counts its objects for itself."""
    shop, crm = both
    for session, service, table in ((shop, "shop", "in_shop"), (crm, "crm", "in_crm")):
        stand_in.sql(f"CREATE TABLE system.{table} (id NUMBER PRIMARY KEY, v NUMBER)", service=service)
        stand_in.sql(f"INSERT INTO system.{table} VALUES (1, 0)", service=service)
        stand_in.sql(f"GRANT SELECT, UPDATE ON system.{table} TO {USER}", service=service)
        session.execute(f"UPDATE system.{table} SET v = 1 WHERE id = 1")
    match = {"username": USER, "container": "*", "locked_object": "SYSTEM.IN_CRM"}
    result = run_module("session_kill", {"match": match, **root})
    assert outcomes(result) == {crm.sid: "ended"} and shop.alive() and not crm.alive()
