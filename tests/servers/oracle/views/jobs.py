# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that run now."""

from __future__ import annotations

from .model import dictionary

_RUNNING = """
    JOB_NAME                VARCHAR2(128)  j.name
    JOB_SUBNAME             VARCHAR2(128)  NULL
    JOB_STYLE               VARCHAR2(17)   j.style
    DETACHED                VARCHAR2(5)    'FALSE'
    SESSION_ID              NUMBER         j.sid
    SLAVE_PROCESS_ID        NUMBER         j.pid
    SLAVE_OS_PROCESS_ID     VARCHAR2(12)   j.spid
    RUNNING_INSTANCE        NUMBER         j.inst_id
    RESOURCE_CONSUMER_GROUP VARCHAR2(32)   NULL
    ELAPSED_TIME            INTERVAL_DS    :now - j.started
    CPU_USED                INTERVAL_DS    0.0
    DESTINATION_OWNER       VARCHAR2(128)  NULL
    DESTINATION             VARCHAR2(261)  NULL
    CREDENTIAL_OWNER        VARCHAR2(128)  NULL
    CREDENTIAL_NAME         VARCHAR2(128)  NULL
    LOG_ID                  NUMBER         j.sid * 1000
    """
_OWNER = "    OWNER                   VARCHAR2(128)  j.owner"
dictionary("DBA_SCHEDULER_RUNNING_JOBS", _OWNER + _RUNNING, "x_job j", container="j.con_id")
dictionary(
    "ALL_SCHEDULER_RUNNING_JOBS",
    _OWNER + _RUNNING,
    "x_job j",
    where="(j.owner = {user} OR {any})",
    container="j.con_id",
    role="PUBLIC",
)
dictionary(
    "USER_SCHEDULER_RUNNING_JOBS", _RUNNING, "x_job j", where="j.owner = {user}", container="j.con_id", role="PUBLIC"
)
# DBMS_JOB is gone into the scheduler: nothing runs here.
dictionary(
    "DBA_JOBS_RUNNING",
    """
    SID                     NUMBER         NULL
    JOB                     NUMBER         NULL
    FAILURES                NUMBER         NULL
    LAST_DATE               DATE           NULL
    LAST_SEC                VARCHAR2(8)    NULL
    THIS_DATE               DATE           NULL
    THIS_SEC                VARCHAR2(8)    NULL
    INSTANCE                NUMBER         NULL
    """,
    "(SELECT 1 WHERE 0) j",
)
