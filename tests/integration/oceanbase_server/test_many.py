# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients that work, wait for each other and end each other: whatever happens, nothing is left of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pymysql
import pytest

from servers import oceanbase_actors as actors
from servers.actors import READY_SECONDS, wait_until
from servers.oceanbase.handle import OceanBaseServer

CLIENTS, STATEMENTS, ROWS = 12, 150, 5
KILLS = ("KILL {}", "KILL QUERY {}", "ALTER SYSTEM KILL SESSION '{}'")


def some_statement(choice: random.Random, listed: Callable[[], list[int]]) -> str:
    row, other = choice.randint(1, ROWS), choice.randint(1, ROWS)
    kind = choice.choices(["begin", "end", "update", "lock", "sleep", "kill"], [2, 2, 6, 1, 1, 4])[0]
    return {
        "begin": lambda: "BEGIN",
        "end": lambda: choice.choice(["COMMIT", "ROLLBACK"]),
        "update": lambda: f"UPDATE SYS.many_t SET v = v + 1 WHERE id IN ({row}, {other})",
        "lock": lambda: f"SELECT v FROM SYS.many_t WHERE id = {row} FOR UPDATE",
        "sleep": lambda: "CALL DBMS_LOCK.SLEEP(0.01)",
        "kill": lambda: choice.choice(KILLS).format(choice.choice(listed() or [0])),
    }[kind]()


class Worker:
    """A client that logs in again whenever its connection has ended."""

    def __init__(self, server: OceanBaseServer, seed: int) -> None:
        self._server = server
        self._choice = random.Random(seed)
        self._connection: Any = None
        self.thread = threading.Thread(target=self._work, name=f"worker {seed}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        for _turn in range(STATEMENTS):
            try:
                if self._connection is None:
                    self._connection = self._server.connect()
                self._run(some_statement(self._choice, self._listed))
            except pymysql.err.MySQLError:
                if not self._alive():
                    self._hang_up()
        self._hang_up()

    def _run(self, statement: str) -> list[int]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return [int(row[0]) for row in cursor.fetchall()]

    def _listed(self) -> list[int]:
        return self._run("SELECT ID FROM SYS.GV$OB_PROCESSLIST")

    def _alive(self) -> bool:
        try:
            return self._connection is not None and bool(self._run("SELECT 1 FROM DUAL"))
        except pymysql.err.MySQLError:
            return False

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection._force_close()


@pytest.mark.parametrize(("proxy", "lingers"), [(None, 0), (None, 0.02), ("v1", 0), ("v2", 0.02)])
def test_nothing_is_left_of_anybody(proxy: str | None, lingers: float, capfd: pytest.CaptureFixture[str]) -> None:
    policies = dict.fromkeys(("linger", "cancel_linger", "rollback_linger"), lingers)
    with OceanBaseServer(proxy=proxy, **policies) as server:
        actors.make_table(server, "many", range(1, ROWS + 1))
        workers = [Worker(server, seed) for seed in range(CLIENTS)]
        for worker in workers:
            worker.thread.join(2 * READY_SECONDS)
            assert not worker.thread.is_alive(), "it waits for somebody who is gone"
        wait_until(lambda: len(server.sql("SELECT ID FROM GV$OB_PROCESSLIST")) == 1, what="all sessions to go")
        assert server.sql("SELECT * FROM GV$OB_LOCKS") == server.sql("SELECT * FROM GV$OB_TRANSACTION_SCHEDULERS") == ()
        free = "SELECT COUNT(*) FROM SYS.many_t WHERE id > 0"
        assert server.sql("UPDATE SYS.many_t SET v = 0") == () and server.sql(free)[0][0] == ROWS
    assert "Traceback" not in capfd.readouterr().err
