# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""V$SESSION and what else there is one row a session for."""

from __future__ import annotations

from .blocking import blocker, final_blocker, requested_lock
from .model import days, fixed, micros

# A wait that is over left its event behind; how long it took says STATE.
_LAST_WAIT = "(coalesce(s.wait_end, s.wait_start) - s.wait_start)"
_SHORT = f"{_LAST_WAIT} * 86400.0 < 0.01"
_STATE = f"CASE WHEN s.waiting THEN 'WAITING' WHEN {_SHORT} THEN 'WAITED SHORT TIME' ELSE 'WAITED KNOWN TIME' END"
_WAIT_TIME = f"CASE WHEN s.waiting THEN 0 WHEN {_SHORT} THEN -1 ELSE CAST({_LAST_WAIT} * 8640000.0 AS INTEGER) END"
_SECONDS_IN_WAIT = days(":now - CASE WHEN s.waiting THEN s.wait_start ELSE coalesce(s.wait_end, s.wait_start) END")
_WAIT_MICRO = micros(f"CASE WHEN s.waiting THEN :now - s.wait_start ELSE {_LAST_WAIT} END")
_SINCE_WAIT = micros("CASE WHEN s.waiting THEN 0 ELSE :now - coalesce(s.wait_end, s.wait_start) END")


def _event(column: str) -> str:
    return f"(SELECT e.{column} FROM x_event e WHERE e.name = s.event)"


def _blocking(final: bool) -> tuple[str, str, str]:
    find = final_blocker if final else blocker
    instance, sid = find("inst_id"), find("sid")
    waits = "EXISTS (SELECT 1 FROM x_lock w WHERE w.inst_id = s.inst_id AND w.sid = s.sid AND w.request > 0)"
    status = (
        f"CASE WHEN NOT s.waiting THEN 'NOT IN WAIT' WHEN NOT {waits} THEN 'NO HOLDER'"
        f" WHEN s.blocker_unknown THEN 'UNKNOWN' WHEN {sid} IS NULL THEN 'NO HOLDER' ELSE 'VALID' END"
    )
    known = f"CASE WHEN s.waiting AND NOT s.blocker_unknown AND {waits} THEN {{}} END"
    return status, known.format(instance), known.format(sid)


_STATUS, _INSTANCE, _SID = _blocking(final=False)
_FINAL_STATUS, _FINAL_INSTANCE, _FINAL_SID = _blocking(final=True)

_WAIT = f"""
    EVENT                         VARCHAR2(64)   s.event
    P1TEXT                        VARCHAR2(64)   {_event("p1_text")}
    P1                            NUMBER         s.p1
    P1RAW                         RAW(8)         x_raw(s.p1)
    P2TEXT                        VARCHAR2(64)   {_event("p2_text")}
    P2                            NUMBER         s.p2
    P2RAW                         RAW(8)         x_raw(s.p2)
    P3TEXT                        VARCHAR2(64)   {_event("p3_text")}
    P3                            NUMBER         s.p3
    P3RAW                         RAW(8)         x_raw(s.p3)
    WAIT_CLASS_ID                 NUMBER         {_event("class_id")}
    WAIT_CLASS#                   NUMBER         {_event("class_number")}
    WAIT_CLASS                    VARCHAR2(64)   {_event("class_name")}
    WAIT_TIME                     NUMBER         {_WAIT_TIME}
    SECONDS_IN_WAIT               NUMBER         {_SECONDS_IN_WAIT}
    STATE                         VARCHAR2(19)   {_STATE}
    WAIT_TIME_MICRO               NUMBER         {_WAIT_MICRO}
    TIME_REMAINING_MICRO          NUMBER         CASE WHEN s.waiting THEN -1 END
    """
_SINCE = f"""
    TIME_SINCE_LAST_WAIT_MICRO    NUMBER         {_SINCE_WAIT}
    """

# TADDR is text though V$TRANSACTION.ADDR is RAW: so it is documented, and comparing the two converts.
fixed(
    "SESSION",
    f"""
    SADDR                         RAW(8)         s.saddr
    SID                           NUMBER         s.sid
    SERIAL#                       NUMBER         s.serial
    AUDSID                        NUMBER         s.audsid
    PADDR                         RAW(8)         s.paddr
    USER#                         NUMBER         s.user_id
    USERNAME                      VARCHAR2(128)  s.username
    COMMAND                       NUMBER         s.command
    OWNERID                       NUMBER
        coalesce((SELECT x.qc_inst_id * 65536 + x.qc_sid FROM x_px_session x
                   WHERE x.inst_id = s.inst_id AND x.sid = s.sid AND x.server_set IS NOT NULL), s.owner_id)
    TADDR                         VARCHAR2(16)
        (SELECT hex(t.addr) FROM x_transaction t WHERE t.inst_id = s.inst_id AND t.saddr = s.saddr LIMIT 1)
    LOCKWAIT                      VARCHAR2(16)   {requested_lock()}
    STATUS                        VARCHAR2(8)    s.status
    SERVER                        VARCHAR2(9)    s.server
    SCHEMA#                       NUMBER         s.schema_id
    SCHEMANAME                    VARCHAR2(128)  s.schemaname
    OSUSER                        VARCHAR2(128)  s.osuser
    PROCESS                       VARCHAR2(24)   s.process
    MACHINE                       VARCHAR2(64)   s.machine
    PORT                          NUMBER         s.port
    TERMINAL                      VARCHAR2(30)   s.terminal
    PROGRAM                       VARCHAR2(48)   s.program
    TYPE                          VARCHAR2(10)   s.type
    SQL_ADDRESS                   RAW(8)         x_raw(x_sql_hash(s.sql_id))
    SQL_HASH_VALUE                NUMBER         x_sql_hash(s.sql_id)
    SQL_ID                        VARCHAR2(13)   s.sql_id
    SQL_CHILD_NUMBER              NUMBER         s.sql_child
    SQL_EXEC_START                DATE           s.sql_exec_start
    SQL_EXEC_ID                   NUMBER         s.sql_exec_id
    PREV_SQL_ADDR                 RAW(8)         x_raw(x_sql_hash(s.prev_sql_id))
    PREV_HASH_VALUE               NUMBER         x_sql_hash(s.prev_sql_id)
    PREV_SQL_ID                   VARCHAR2(13)   s.prev_sql_id
    PREV_CHILD_NUMBER             NUMBER         s.prev_child
    PREV_EXEC_START               DATE           s.prev_exec_start
    PREV_EXEC_ID                  NUMBER         s.prev_exec_id
    PLSQL_ENTRY_OBJECT_ID         NUMBER         NULL
    PLSQL_ENTRY_SUBPROGRAM_ID     NUMBER         NULL
    PLSQL_OBJECT_ID               NUMBER         NULL
    PLSQL_SUBPROGRAM_ID           NUMBER         NULL
    MODULE                        VARCHAR2(64)   s.module
    MODULE_HASH                   NUMBER         x_hash(s.module)
    ACTION                        VARCHAR2(64)   s.action
    ACTION_HASH                   NUMBER         x_hash(s.action)
    CLIENT_INFO                   VARCHAR2(64)   s.client_info
    FIXED_TABLE_SEQUENCE          NUMBER         s.user_calls
    ROW_WAIT_OBJ#                 NUMBER         s.row_wait_object
    ROW_WAIT_FILE#                NUMBER         s.row_wait_file
    ROW_WAIT_BLOCK#               NUMBER         s.row_wait_block
    ROW_WAIT_ROW#                 NUMBER         s.row_wait_row
    TOP_LEVEL_CALL#               NUMBER         s.top_level_call
    LOGON_TIME                    DATE           s.logon_time
    LAST_CALL_ET                  NUMBER         {days(":now - s.status_since")}
    PDML_ENABLED                  VARCHAR2(3)    s.pdml_enabled
    FAILOVER_TYPE                 VARCHAR2(13)   s.failover_type
    FAILOVER_METHOD               VARCHAR2(10)   s.failover_method
    FAILED_OVER                   VARCHAR2(3)    s.failed_over
    RESOURCE_CONSUMER_GROUP       VARCHAR2(32)   s.resource_consumer_group
    PDML_STATUS                   VARCHAR2(8)    s.pdml_status
    PDDL_STATUS                   VARCHAR2(8)    s.pddl_status
    PQ_STATUS                     VARCHAR2(8)    s.pq_status
    CURRENT_QUEUE_DURATION        NUMBER         0
    CLIENT_IDENTIFIER             VARCHAR2(64)   s.client_identifier
    BLOCKING_SESSION_STATUS       VARCHAR2(11)   {_STATUS}
    BLOCKING_INSTANCE             NUMBER         {_INSTANCE}
    BLOCKING_SESSION              NUMBER         {_SID}
    FINAL_BLOCKING_SESSION_STATUS VARCHAR2(11)   {_FINAL_STATUS}
    FINAL_BLOCKING_INSTANCE       NUMBER         {_FINAL_INSTANCE}
    FINAL_BLOCKING_SESSION        NUMBER         {_FINAL_SID}
    SEQ#                          NUMBER         s.wait_seq
    EVENT#                        NUMBER         {_event("number")}
    {_WAIT}
    TOTAL_TIME_WAITED_MICRO@18    NUMBER         {_WAIT_MICRO}
    HEUR_TIME_WAITED_MICRO@18     NUMBER         {_WAIT_MICRO}
    {_SINCE}
    SERVICE_NAME                  VARCHAR2(64)   s.service_name
    SQL_TRACE                     VARCHAR2(8)    s.sql_trace
    SQL_TRACE_WAITS               VARCHAR2(5)    'FALSE'
    SQL_TRACE_BINDS               VARCHAR2(5)    'FALSE'
    SQL_TRACE_PLAN_STATS          VARCHAR2(10)   'FIRST EXEC'
    SESSION_EDITION_ID            NUMBER         134
    CREATOR_ADDR                  RAW(8)         s.creator_addr
    CREATOR_SERIAL#               NUMBER         s.creator_serial
    ECID                          VARCHAR2(64)   s.ecid
    SQL_TRANSLATION_PROFILE_ID@12.1 NUMBER       0
    PGA_TUNABLE_MEM@12.1          NUMBER         0
    SHARD_DDL_STATUS@12.2         VARCHAR2(8)    'DISABLED'
    CON_ID@12.1                   NUMBER         s.con_id
    EXTERNAL_NAME@12.1            VARCHAR2(1024) NULL
    PLSQL_DEBUGGER_CONNECTED@12.2 VARCHAR2(5)    'FALSE'
    DRAIN_STATUS@21               VARCHAR2(8)    'NONE'
    DRAIN_DEADLINE@21             NUMBER         0
    """,
    "x_session s",
    where="s.type <> 'RECURSIVE'",
    instance="s.inst_id",
    container="s.con_id",
)

fixed(
    "SESSION_WAIT",
    f"""
    SID                           NUMBER         s.sid
    SEQ#                          NUMBER         s.wait_seq
    {_WAIT}
    {_SINCE}
    CON_ID@12.1                   NUMBER         s.con_id
    """,
    "x_session s",
    where="s.type <> 'RECURSIVE'",
    instance="s.inst_id",
    container="s.con_id",
)

fixed(
    "SESSION_CONNECT_INFO",
    """
    SID                           NUMBER         s.sid
    SERIAL#                       NUMBER         s.serial
    AUTHENTICATION_TYPE           VARCHAR2(26)   CASE s.login_mode WHEN 'external' THEN 'OS' ELSE 'DATABASE' END
    OSUSER                        VARCHAR2(128)  s.osuser
    NETWORK_SERVICE_BANNER        VARCHAR2(4000) 'TCP/IP NT Protocol Adapter for Linux - Production'
    CLIENT_CHARSET                VARCHAR2(40)   'AL32UTF8'
    CLIENT_CONNECTION             VARCHAR2(13)   'Heterogeneous'
    CLIENT_OCI_LIBRARY            VARCHAR2(27)   'Unknown'
    CLIENT_VERSION                VARCHAR2(40)   s.client_version
    CLIENT_DRIVER                 VARCHAR2(30)   s.client_driver
    CLIENT_LOBATTR                VARCHAR2(23)   'Client Temp Lob Rfc Off'
    CLIENT_REGID                  NUMBER         0
    CON_ID@12.1                   NUMBER         s.con_id
    """,
    "x_session s",
    where="s.type = 'USER'",
    instance="s.inst_id",
    container="s.con_id",
    role="PUBLIC",
)

fixed(
    "SESS_IO",
    """
    SID                           NUMBER         s.sid
    BLOCK_GETS                    NUMBER         0
    CONSISTENT_GETS               NUMBER         s.logical_reads
    PHYSICAL_READS                NUMBER         s.physical_reads
    BLOCK_CHANGES                 NUMBER         s.block_changes
    CONSISTENT_CHANGES            NUMBER         s.consistent_changes
    OPTIMIZED_PHYSICAL_READS      NUMBER         0
    CON_ID@12.1                   NUMBER         s.con_id
    """,
    "x_session s",
    where="s.type <> 'RECURSIVE'",
    instance="s.inst_id",
    container="s.con_id",
)

_LONGOP_DONE = "(o.last_update - o.start_time) * 86400.0"
fixed(
    "SESSION_LONGOPS",
    f"""
    SID                           NUMBER         o.sid
    SERIAL#                       NUMBER         o.serial
    OPNAME                        VARCHAR2(64)   o.opname
    TARGET                        VARCHAR2(64)   o.target
    TARGET_DESC                   VARCHAR2(32)   NULL
    SOFAR                         NUMBER         o.sofar
    TOTALWORK                     NUMBER         o.totalwork
    UNITS                         VARCHAR2(32)   o.units
    START_TIME                    DATE           o.start_time
    LAST_UPDATE_TIME              DATE           o.last_update
    TIMESTAMP                     DATE           NULL
    TIME_REMAINING                NUMBER
        CASE WHEN o.sofar > 0 THEN CAST({_LONGOP_DONE} * (o.totalwork - o.sofar) / o.sofar AS INTEGER) END
    ELAPSED_SECONDS               NUMBER         {days("o.last_update - o.start_time")}
    CONTEXT                       NUMBER         0
    MESSAGE                       VARCHAR2(512)  o.message
    USERNAME                      VARCHAR2(30)   o.username
    SQL_ADDRESS                   RAW(8)         x_raw(x_sql_hash(o.sql_id))
    SQL_HASH_VALUE                NUMBER         x_sql_hash(o.sql_id)
    SQL_ID                        VARCHAR2(13)   o.sql_id
    SQL_PLAN_HASH_VALUE           NUMBER         0
    SQL_EXEC_START                DATE           NULL
    SQL_EXEC_ID                   NUMBER         NULL
    SQL_PLAN_LINE_ID              NUMBER         NULL
    SQL_PLAN_OPERATION            VARCHAR2(30)   NULL
    SQL_PLAN_OPTIONS              VARCHAR2(30)   NULL
    QCSID                         NUMBER         0
    CON_ID@12.1                   NUMBER         o.con_id
    """,
    "x_longop o",
    instance="o.inst_id",
    container="o.con_id",
    role="PUBLIC",
)
