# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small database for tests of the SQL engine: views as a DBA knows them, and HR's two tables.

Session 10 (SCOTT) blocks 11 (HR), which blocks 12 (HR); 14 was killed; it is noon on 10 March 2026.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from servers.oracle.sql import Context, Engine, install
from servers.oracle.sql.tables import Tables
from servers.oracle.values import Column, Result, Type, Value

NOW = datetime(2026, 3, 10, 12, 0, 0)
GIB = 2**30


def varchar(name: str, size: int = 64) -> Column:
    return Column(name, Type.VARCHAR2, size)


def number(name: str, precision: int = 0, scale: int = -127, nullable: bool = True) -> Column:
    return Column(name, Type.NUMBER, 22, precision, scale, nullable)


def date(name: str) -> Column:
    return Column(name, Type.DATE, 7)


def raw(name: str, size: int = 8) -> Column:
    return Column(name, Type.RAW, size)


def ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


def address(value: int) -> bytes:
    """A RAW(8) as V$ views have them."""
    return (256 + value).to_bytes(8, "big")


class World:
    """The engine, its catalog, and SYSTEM's context."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        install(self.connection)
        self.catalog = Tables(self.connection)
        fill(self.catalog)
        seconds = (NOW - datetime(1970, 1, 1)).total_seconds()
        self.context = Context(user="SYSTEM", user_id=9, now=seconds)
        self.engine = Engine(self.connection, self.catalog)

    def result(self, sql: str, *binds: Value, **named: Value) -> Result:
        return self.engine.query(sql, named or binds, self.context)

    def rows(self, sql: str, *binds: Value, **named: Value) -> list[tuple[Value, ...]]:
        return [tuple(row) for row in self.result(sql, *binds, **named).rows]

    def value(self, expression: str, *binds: Value) -> Value:
        """Of an expression, selected from DUAL."""
        return self.rows(f"SELECT {expression} FROM DUAL", *binds)[0][0]


def fill(tables: Tables) -> None:
    tables.add(
        "V$SESSION",
        [
            raw("SADDR"),
            number("SID"),
            number("SERIAL#"),
            raw("PADDR"),
            varchar("USERNAME"),
            varchar("STATUS", 8),
            varchar("SERVER", 9),
            varchar("MACHINE"),
            varchar("PROGRAM", 48),
            varchar("TYPE", 10),
            varchar("SQL_ID", 13),
            date("LOGON_TIME"),
            number("LAST_CALL_ET"),
            number("BLOCKING_SESSION"),
            varchar("EVENT"),
            varchar("WAIT_CLASS"),
            raw("TADDR"),
            number("SECONDS_IN_WAIT"),
            varchar("STATE", 19),
            varchar("OSUSER", 30),
            varchar("MODULE"),
        ],
        [
            (
                address(1),
                1,
                101,
                address(101),
                None,
                "ACTIVE",
                "DEDICATED",
                "db1",
                "oracle@db1 (PMON)",
                "BACKGROUND",
                None,
                ago(days=3),
                260000,
                None,
                "pmon timer",
                "Idle",
                None,
                2,
                "WAITING",
                "oracle",
                None,
            ),
            (
                address(10),
                10,
                11,
                address(110),
                "SCOTT",
                "INACTIVE",
                "DEDICATED",
                "app1",
                "sqlplus@app1",
                "USER",
                "aaaaaaaaaaaa1",
                ago(hours=5),
                7200,
                None,
                "SQL*Net message from client",
                "Idle",
                address(201),
                7200,
                "WAITING",
                "joe",
                "SQL*Plus",
            ),
            (
                address(11),
                11,
                12,
                address(111),
                "HR",
                "ACTIVE",
                "DEDICATED",
                "app1",
                "JDBC Thin Client",
                "USER",
                "bbbbbbbbbbbb2",
                ago(minutes=90),
                600,
                10,
                "enq: TX - row lock contention",
                "Application",
                None,
                600,
                "WAITING",
                "web",
                "order entry",
            ),
            (
                address(12),
                12,
                13,
                address(112),
                "HR",
                "ACTIVE",
                "DEDICATED",
                "app2",
                "JDBC Thin Client",
                "USER",
                "bbbbbbbbbbbb2",
                ago(minutes=45),
                60,
                11,
                "enq: TX - row lock contention",
                "Application",
                None,
                60,
                "WAITING",
                "web",
                "order entry",
            ),
            (
                address(13),
                13,
                14,
                address(113),
                "SYSTEM",
                "ACTIVE",
                "SHARED",
                "db1",
                "python3",
                "USER",
                "cccccccccccc3",
                ago(seconds=30),
                0,
                None,
                "SQL*Net message to client",
                "Network",
                None,
                0,
                "WAITED SHORT TIME",
                "dba",
                None,
            ),
            (
                address(14),
                14,
                15,
                address(114),
                "APP",
                "KILLED",
                "PSEUDO",
                "app2",
                "perl",
                "USER",
                None,
                ago(days=1),
                86400,
                None,
                "SQL*Net message from client",
                "Idle",
                None,
                86400,
                "WAITING",
                "batch",
                "load",
            ),
        ],
    )
    tables.add(
        "V$PROCESS",
        [
            raw("ADDR"),
            number("PID"),
            varchar("SPID", 24),
            varchar("PROGRAM", 48),
            number("PGA_USED_MEM"),
            number("PGA_ALLOC_MEM"),
        ],
        [(address(101), 2, "4001", "oracle@db1 (PMON)", 1000000, 2000000)]
        + [(address(100 + n), n, str(4000 + n), "oracle@db1", n * 1048576, n * 2097152) for n in (10, 11, 12, 13)],
    )
    tables.add(
        "V$LOCK",
        [
            raw("ADDR"),
            number("SID"),
            varchar("TYPE", 2),
            number("ID1"),
            number("ID2"),
            number("LMODE"),
            number("REQUEST"),
            number("CTIME"),
            number("BLOCK"),
        ],
        [
            (address(90), 10, "TX", 65537, 500, 6, 0, 7200, 1),
            (address(91), 11, "TX", 65537, 500, 0, 6, 600, 0),
            (address(92), 10, "TM", 7001, 0, 3, 0, 7200, 0),
            (address(93), 11, "TM", 7001, 0, 3, 0, 600, 0),
            (address(94), 12, "TX", 65538, 501, 0, 6, 60, 0),
            (address(95), 11, "TX", 65538, 501, 6, 0, 600, 1),
        ],
    )
    tables.add(
        "V$TRANSACTION",
        [
            raw("ADDR"),
            number("XIDUSN"),
            varchar("STATUS", 16),
            varchar("START_TIME", 20),
            number("USED_UBLK"),
            number("USED_UREC"),
            raw("SES_ADDR"),
            date("START_DATE"),
        ],
        [(address(201), 1, "ACTIVE", "03/10/26 10:00:00", 12, 340, address(10), ago(hours=2))],
    )
    tables.add(
        "V$SQL",
        [
            varchar("SQL_ID", 13),
            number("CHILD_NUMBER"),
            varchar("SQL_TEXT", 1000),
            number("EXECUTIONS"),
            number("ELAPSED_TIME"),
            number("CPU_TIME"),
            number("BUFFER_GETS"),
        ],
        [
            ("aaaaaaaaaaaa1", 0, "update emp set sal = :1 where id = :2", 10, 2500000, 1000000, 400),
            ("bbbbbbbbbbbb2", 0, "select * from orders", 1000, 900000000, 800000000, 10**9),
            ("bbbbbbbbbbbb2", 1, "select * from orders", 5, 1000, 900, 10),
            ("cccccccccccc3", 0, "select 1 from dual", 0, 0, 0, 0),
        ],
    )
    tables.add(
        "DBA_OBJECTS",
        [
            varchar("OWNER"),
            varchar("OBJECT_NAME", 128),
            number("OBJECT_ID"),
            varchar("OBJECT_TYPE", 23),
            varchar("STATUS", 7),
            date("CREATED"),
        ],
        [
            ("HR", "EMP", 7001, "TABLE", "VALID", ago(days=100)),
            ("HR", "EMP_PK", 7002, "INDEX", "VALID", ago(days=100)),
            ("SCOTT", "DEPT", 7003, "TABLE", "VALID", ago(days=40)),
            ("SCOTT", "P1", 7004, "PROCEDURE", "INVALID", ago(days=5)),
        ],
    )
    tables.add(
        "V$LOCKED_OBJECT",
        [number("OBJECT_ID"), number("SESSION_ID"), varchar("ORACLE_USERNAME"), number("LOCKED_MODE")],
        [(7001, 10, "SCOTT", 3), (7001, 11, "HR", 3)],
    )
    tables.add(
        "V$PARAMETER",
        [varchar("NAME", 80), varchar("VALUE", 512), varchar("ISDEFAULT", 9)],
        [
            ("processes", "300", "FALSE"),
            ("sessions", "472", "TRUE"),
            ("undo_retention", "900", "TRUE"),
            ("control_files", None, "TRUE"),
        ],
    )
    tables.add(
        "V$SESSTAT",
        [number("SID"), number("STATISTIC#"), number("VALUE")],
        [(s, n, s * 100 + n) for s in (10, 11, 12, 13) for n in (1, 2)],
    )
    tables.add("V$STATNAME", [number("STATISTIC#"), varchar("NAME")], [(1, "user commits"), (2, "redo size")])
    tables.add(
        "V$INSTANCE",
        [
            number("INSTANCE_NUMBER"),
            varchar("INSTANCE_NAME", 16),
            varchar("HOST_NAME"),
            varchar("VERSION", 17),
            date("STARTUP_TIME"),
            varchar("STATUS", 12),
        ],
        [(1, "ORCL1", "db1", "19.0.0.0.0", ago(days=3, hours=2), "OPEN")],
    )
    tables.add(
        "EMP",
        [
            number("ID", 6, 0, nullable=False),
            varchar("NAME", 10),
            number("SAL"),
            number("MGR"),
            date("HIRED"),
            number("DEPT"),
        ],
        [
            (1, "KING", 5000, None, datetime(2020, 1, 31), 10),
            (2, "BLAKE", 2850, 1, datetime(2021, 5, 1), 30),
            (3, "CLARK", 2450, 1, datetime(2021, 6, 9), 10),
            (4, "ALLEN", 1600, 2, datetime(2022, 2, 20), 30),
            (5, "SMITH", None, 3, None, 20),
        ],
        owner="HR",
        writable=True,
    )
    tables.add(
        "DEPT",
        [number("ID"), varchar("DNAME", 14)],
        [(10, "ACCOUNTING"), (20, "RESEARCH"), (30, "SALES"), (40, "OPERATIONS")],
        owner="HR",
        writable=True,
    )
    tables.add(
        "DBA_DATA_FILES",
        [varchar("TABLESPACE_NAME", 30), varchar("FILE_NAME", 513), number("BYTES"), number("MAXBYTES")],
        [
            ("SYSTEM", "/u01/system01.dbf", 2 * GIB, 32 * GIB),
            ("USERS", "/u01/users01.dbf", GIB, GIB),
            ("USERS", "/u01/users02.dbf", GIB, 4 * GIB),
        ],
    )
    tables.add(
        "DBA_FREE_SPACE",
        [varchar("TABLESPACE_NAME", 30), number("BYTES")],
        [("SYSTEM", GIB // 2), ("USERS", GIB // 4), ("USERS", GIB // 4)],
    )
    tables.add_function(("DBMS_UTILITY", "GET_TIME"), lambda: 123456, Type.NUMBER)
