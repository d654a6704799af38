# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Oracle Database that somebody else runs, for the integration tests: the environment says where it is.

    ORACLE_SESSIONS_TEST_DSN       host:port/service of a pluggable database that may be used for tests
    ORACLE_SESSIONS_TEST_USER      an administrator there, such as SYSTEM
    ORACLE_SESSIONS_TEST_PASSWORD

The tests create accounts and tables there, and drop the accounts again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import oracledb

VARIABLE = "ORACLE_SESSIONS_TEST_DSN"


def given() -> bool:
    return bool(os.environ.get(VARIABLE))


class RealOracle:
    """The part of the stand-in's handle that a server in other hands can have."""

    def __init__(self) -> None:
        self.dsn = os.environ[VARIABLE]
        self.user = os.environ["ORACLE_SESSIONS_TEST_USER"]
        self.password = os.environ["ORACLE_SESSIONS_TEST_PASSWORD"]
        self._lock = threading.Lock()
        self._connection: oracledb.Connection | None = None
        self._users: list[str] = []

    def connect(self, user: str | None = None, password: str | None = None, **arguments: Any) -> oracledb.Connection:
        return oracledb.connect(user=user or self.user, password=password or self.password, dsn=self.dsn, **arguments)

    def sql(self, statement: str, binds: Any = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement, run and committed as the administrator."""
        with self._lock:
            if self._connection is None or not self._connection.is_healthy():
                self._connection = self.connect()
            with self._connection.cursor() as cursor:
                cursor.execute(statement, binds)
                rows = list(cursor.fetchall()) if cursor.description else []
            self._connection.commit()
            return rows

    def create_user(self, name: str, password: str, grants: Sequence[str] = ("CREATE SESSION",)) -> None:
        self.sql(f'CREATE USER {name} IDENTIFIED BY "{password}"')
        self._users.append(name)
        for grant in grants:
            self.sql(f"GRANT {grant} TO {name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._users:
            self.sql(f"DROP USER {name} CASCADE")
        if self._connection is not None:
            self._connection.close()
