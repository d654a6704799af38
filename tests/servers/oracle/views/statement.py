# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements in the shared pool."""

from __future__ import annotations

import re

from .model import fixed, text_of

_STATEMENT = f"""
    SQL_TEXT             VARCHAR2(1000)  substr(q.text, 1, 1000)
    SQL_FULLTEXT         VARCHAR2(32767) q.text
    SQL_ID               VARCHAR2(13)    q.sql_id
    SHARABLE_MEM         NUMBER          length(q.text) * 16 + 8192
    PERSISTENT_MEM       NUMBER          1024
    RUNTIME_MEM          NUMBER          1024
    SORTS                NUMBER          0
    LOADED_VERSIONS      NUMBER          1
    OPEN_VERSIONS        NUMBER          q.users_executing > 0
    USERS_OPENING        NUMBER          q.users_executing
    FETCHES              NUMBER          q.executions
    EXECUTIONS           NUMBER          q.executions
    PX_SERVERS_EXECUTIONS NUMBER         0
    END_OF_FETCH_COUNT   NUMBER          q.executions
    USERS_EXECUTING      NUMBER          q.users_executing
    LOADS                NUMBER          1
    FIRST_LOAD_TIME      VARCHAR2(19)    {text_of("q.first_load", "%Y-%m-%d/%H:%M:%S")}
    INVALIDATIONS        NUMBER          0
    PARSE_CALLS          NUMBER          q.parse_calls
    DISK_READS           NUMBER          q.disk_reads
    DIRECT_WRITES        NUMBER          0
    BUFFER_GETS          NUMBER          q.buffer_gets
    APPLICATION_WAIT_TIME NUMBER         0
    CONCURRENCY_WAIT_TIME NUMBER         0
    CLUSTER_WAIT_TIME    NUMBER          0
    USER_IO_WAIT_TIME    NUMBER          0
    PLSQL_EXEC_TIME      NUMBER          0
    JAVA_EXEC_TIME       NUMBER          0
    ROWS_PROCESSED       NUMBER          q.rows_processed
    COMMAND_TYPE         NUMBER          q.command
    OPTIMIZER_MODE       VARCHAR2(10)    'ALL_ROWS'
    OPTIMIZER_COST       NUMBER          1
    PARSING_USER_ID      NUMBER          q.parsing_user_id
    PARSING_SCHEMA_ID    NUMBER          q.parsing_user_id
    PARSING_SCHEMA_NAME  VARCHAR2(128)   q.parsing_schema
    KEPT_VERSIONS        NUMBER          0
    ADDRESS              RAW(8)          x_raw(x_sql_hash(q.sql_id))
    HASH_VALUE           NUMBER          x_sql_hash(q.sql_id)
    OLD_HASH_VALUE       NUMBER          x_hash(q.text)
    PLAN_HASH_VALUE      NUMBER          x_hash(q.text)
    MODULE               VARCHAR2(64)    q.module
    MODULE_HASH          NUMBER          x_hash(q.module)
    ACTION               VARCHAR2(64)    q.action
    ACTION_HASH          NUMBER          x_hash(q.action)
    SERIALIZABLE_ABORTS  NUMBER          0
    CPU_TIME             NUMBER          q.cpu_micro
    ELAPSED_TIME         NUMBER          q.elapsed_micro
    REMOTE               VARCHAR2(1)     'N'
    OBJECT_STATUS        VARCHAR2(19)    'VALID'
    IS_OBSOLETE          VARCHAR2(1)     'N'
    SQL_PROFILE          VARCHAR2(64)    NULL
    SQL_PATCH            VARCHAR2(128)   NULL
    SQL_PLAN_BASELINE    VARCHAR2(128)   NULL
    PROGRAM_ID           NUMBER          0
    PROGRAM_LINE#        NUMBER          0
    EXACT_MATCHING_SIGNATURE NUMBER      x_hash(q.text)
    FORCE_MATCHING_SIGNATURE NUMBER      x_hash(q.text)
    LAST_ACTIVE_TIME     DATE            q.last_active
    """
_OF_CURSOR = f"""
    CHILD_NUMBER         NUMBER          0
    CHILD_ADDRESS        RAW(8)          x_raw(x_sql_hash(q.sql_id) + 4096)
    SERVICE              VARCHAR2(64)    'SYS$USERS'
    SQLTYPE              NUMBER          6
    LAST_LOAD_TIME       VARCHAR2(19)    {text_of("q.first_load", "%Y-%m-%d/%H:%M:%S")}
    CON_ID@12.1          NUMBER          q.con_id
    """
_OF_PARENT = """
    VERSION_COUNT        NUMBER          1
    LAST_ACTIVE_CHILD_ADDRESS RAW(8)     x_raw(x_sql_hash(q.sql_id) + 4096)
    LAST_LOAD_TIME       DATE            q.first_load
    CON_ID@12.1          NUMBER          q.con_id
    """

# V$SQLSTATS has fewer of them.
_STATISTICS = "".join(
    line + "\n"
    for line in _STATEMENT.splitlines()
    if line.split()[:1]
    and not re.match(r"(OPTIMIZER|PARSING|MODULE|ACTION|OLD_|KEPT|USERS|OPEN|REMOTE|OBJECT)", line.split()[0])
)

for _name, _text in (
    ("SQL", _STATEMENT + _OF_CURSOR),
    ("SQLAREA", _STATEMENT + _OF_PARENT),
    ("SQLSTATS", _STATISTICS + "    CON_ID@12.1 NUMBER q.con_id"),
):
    fixed(_name, _text, "x_sql q", instance="q.inst_id", container="q.con_id")

_TEMPSEG = """
    USERNAME             VARCHAR2(128)   u.username
    USER                 VARCHAR2(128)   u.username
    SESSION_ADDR         RAW(8)          u.saddr
    SESSION_NUM          NUMBER          u.serial
    SQLADDR              RAW(8)          x_raw(x_sql_hash(u.sql_id))
    SQLHASH              NUMBER          x_sql_hash(u.sql_id)
    SQL_ID               VARCHAR2(13)    u.sql_id
    TABLESPACE           VARCHAR2(30)    u.tablespace
    CONTENTS             VARCHAR2(9)     u.contents
    SEGTYPE              VARCHAR2(9)     u.segment_type
    SEGFILE#             NUMBER          201
    SEGBLK#              NUMBER          128 + u.id * 128
    EXTENTS              NUMBER          u.extents
    BLOCKS               NUMBER          u.blocks
    SEGRFNO#             NUMBER          1
    TS#                  NUMBER          3
    CON_ID@12.1          NUMBER          u.con_id
    SQL_ID_TEMPSEG@12.2  VARCHAR2(13)    u.sql_id
    """
for _name in ("TEMPSEG_USAGE", "SORT_USAGE"):
    fixed(_name, _TEMPSEG, "x_tempseg u", instance="u.inst_id", container="u.con_id")

fixed(
    "SQLCOMMAND",
    """
    COMMAND_TYPE         NUMBER          c.number
    COMMAND_NAME         VARCHAR2(64)    c.name
    CON_ID@12.1          NUMBER          0
    """,
    "(SELECT column1 AS number, column2 AS name FROM (VALUES (1, 'CREATE TABLE'), (2, 'INSERT'), (3, 'SELECT'),"
    " (6, 'UPDATE'), (7, 'DELETE'), (12, 'DROP TABLE'), (17, 'GRANT OBJECT'), (18, 'REVOKE OBJECT'), (26, 'LOCK TABLE'),"
    " (42, 'ALTER SESSION'), (43, 'ALTER USER'), (44, 'COMMIT'), (45, 'ROLLBACK'), (47, 'PL/SQL EXECUTE'),"
    " (49, 'ALTER SYSTEM'), (51, 'CREATE USER'), (53, 'DROP USER'), (85, 'TRUNCATE TABLE'), (189, 'UPSERT'))) c",
)
