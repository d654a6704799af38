# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database, its instances, containers, services and parameters."""

from __future__ import annotations

from .model import dictionary, fixed

_RUNNING = "i.status <> 'DOWN'"
_DATABASE = "x_instance i CROSS JOIN x_database d"
_SEVERAL = "(SELECT count(*) > 1 FROM x_instance)"
# The product's name over time; the whole version stands in VERSION_FULL and BANNER_FULL.
_MAJOR = "CAST(d.version AS INTEGER)"
_RELEASE = (
    f"CASE {_MAJOR} WHEN 11 THEN '11g' WHEN 12 THEN '12c' WHEN 18 THEN '18c' WHEN 19 THEN '19c' WHEN 21 THEN '21c'"
    f" WHEN 26 THEN '26ai' ELSE {_MAJOR} || 'ai' END"
)
_BANNER = f"""'Oracle Database ' || {_RELEASE} || ' Enterprise Edition Release ' || CASE WHEN {_MAJOR} < 18
    THEN d.version || ' - 64bit Production' ELSE {_MAJOR} || '.0.0.0.0 - Production' END""".replace("\n", " ")

fixed(
    "INSTANCE",
    f"""
    INSTANCE_NUMBER      NUMBER         i.inst_id
    INSTANCE_NAME        VARCHAR2(16)   i.name
    HOST_NAME            VARCHAR2(64)   i.host
    VERSION              VARCHAR2(17)   d.version
    VERSION_LEGACY@18    VARCHAR2(17)   d.version
    VERSION_FULL@18      VARCHAR2(17)   d.version_full
    STARTUP_TIME         DATE           i.startup
    STATUS               VARCHAR2(12)   i.status
    PARALLEL             VARCHAR2(3)    CASE WHEN {_SEVERAL} THEN 'YES' ELSE 'NO' END
    THREAD#              NUMBER         i.inst_id
    ARCHIVER             VARCHAR2(7)    CASE d.log_mode WHEN 'ARCHIVELOG' THEN 'STARTED' ELSE 'STOPPED' END
    LOG_SWITCH_WAIT      VARCHAR2(15)   NULL
    LOGINS               VARCHAR2(10)   i.logins
    SHUTDOWN_PENDING     VARCHAR2(3)    'NO'
    DATABASE_STATUS      VARCHAR2(17)   'ACTIVE'
    INSTANCE_ROLE        VARCHAR2(18)   'PRIMARY_INSTANCE'
    ACTIVE_STATE         VARCHAR2(9)    'NORMAL'
    BLOCKED              VARCHAR2(3)    'NO'
    CON_ID@12.1          NUMBER         0
    INSTANCE_MODE@12.2   VARCHAR2(11)   'REGULAR'
    EDITION@12.1         VARCHAR2(7)    'EE'
    FAMILY@12.2          VARCHAR2(80)   NULL
    DATABASE_TYPE@12.2   VARCHAR2(15)   CASE WHEN {_SEVERAL} THEN 'RAC' ELSE 'SINGLE' END
    """,
    _DATABASE,
    where=_RUNNING,
    instance="i.inst_id",
)

fixed(
    "DATABASE",
    """
    DBID                          NUMBER         d.dbid
    NAME                          VARCHAR2(9)    d.name
    CREATED                       DATE           d.created
    RESETLOGS_CHANGE#             NUMBER         1
    RESETLOGS_TIME                DATE           d.created
    PRIOR_RESETLOGS_CHANGE#       NUMBER         0
    PRIOR_RESETLOGS_TIME          DATE           NULL
    LOG_MODE                      VARCHAR2(12)   d.log_mode
    CHECKPOINT_CHANGE#            NUMBER         CAST(:now * 86400 AS INTEGER) - 60
    ARCHIVE_CHANGE#               NUMBER         CAST(:now * 86400 AS INTEGER) - 600
    CONTROLFILE_TYPE              VARCHAR2(7)    'CURRENT'
    CONTROLFILE_CREATED           DATE           d.created
    CONTROLFILE_SEQUENCE#         NUMBER         1000
    CONTROLFILE_CHANGE#           NUMBER         CAST(:now * 86400 AS INTEGER) - 60
    CONTROLFILE_TIME              DATE           :now
    OPEN_RESETLOGS                VARCHAR2(11)   'NOT ALLOWED'
    VERSION_TIME                  DATE           d.created
    OPEN_MODE                     VARCHAR2(20)   d.open_mode
    PROTECTION_MODE               VARCHAR2(20)   'MAXIMUM PERFORMANCE'
    PROTECTION_LEVEL              VARCHAR2(20)   'MAXIMUM PERFORMANCE'
    REMOTE_ARCHIVE                VARCHAR2(8)    'ENABLED'
    ACTIVATION#                   NUMBER         d.dbid
    SWITCHOVER#                   NUMBER         d.dbid
    DATABASE_ROLE                 VARCHAR2(16)   d.role
    ARCHIVELOG_CHANGE#            NUMBER         CAST(:now * 86400 AS INTEGER) - 600
    ARCHIVELOG_COMPRESSION        VARCHAR2(8)    'DISABLED'
    SWITCHOVER_STATUS             VARCHAR2(20)   'NOT ALLOWED'
    DATAGUARD_BROKER              VARCHAR2(8)    'DISABLED'
    GUARD_STATUS                  VARCHAR2(7)    'NONE'
    SUPPLEMENTAL_LOG_DATA_MIN     VARCHAR2(8)    'NO'
    SUPPLEMENTAL_LOG_DATA_PK      VARCHAR2(3)    'NO'
    SUPPLEMENTAL_LOG_DATA_UI      VARCHAR2(3)    'NO'
    FORCE_LOGGING                 VARCHAR2(39)   'NO'
    PLATFORM_ID                   NUMBER         13
    PLATFORM_NAME                 VARCHAR2(101)  d.platform
    RECOVERY_TARGET_INCARNATION#  NUMBER         1
    LAST_OPEN_INCARNATION#        NUMBER         1
    CURRENT_SCN                   NUMBER         CAST(:now * 86400 AS INTEGER)
    FLASHBACK_ON                  VARCHAR2(18)   'NO'
    SUPPLEMENTAL_LOG_DATA_FK      VARCHAR2(3)    'NO'
    SUPPLEMENTAL_LOG_DATA_ALL     VARCHAR2(3)    'NO'
    DB_UNIQUE_NAME                VARCHAR2(30)   d.unique_name
    STANDBY_BECAME_PRIMARY_SCN    NUMBER         0
    FS_FAILOVER_STATUS            VARCHAR2(22)   'DISABLED'
    FS_FAILOVER_CURRENT_TARGET    VARCHAR2(30)   NULL
    FS_FAILOVER_THRESHOLD         NUMBER         0
    FS_FAILOVER_OBSERVER_PRESENT  VARCHAR2(7)    NULL
    FS_FAILOVER_OBSERVER_HOST     VARCHAR2(512)  NULL
    CONTROLFILE_CONVERTED         VARCHAR2(3)    'NO'
    PRIMARY_DB_UNIQUE_NAME        VARCHAR2(30)   NULL
    SUPPLEMENTAL_LOG_DATA_PL      VARCHAR2(3)    'NO'
    MIN_REQUIRED_CAPTURE_CHANGE#  NUMBER         NULL
    CDB@12.1                      VARCHAR2(3)    CASE WHEN d.cdb THEN 'YES' ELSE 'NO' END
    CON_ID@12.1                   NUMBER         0
    PENDING_ROLE_CHANGE_TASKS@12.1 VARCHAR2(512) 'NOT APPLICABLE'
    CON_DBID@12.1                 NUMBER         d.dbid
    FORCE_FULL_DB_CACHING@12.1    VARCHAR2(3)    'NO'
    SUPPLEMENTAL_LOG_DATA_SR@19   VARCHAR2(3)    'NO'
    """,
    _DATABASE,
    where=_RUNNING,
    instance="i.inst_id",
)

fixed(
    "VERSION",
    f"""
    BANNER               VARCHAR2(80)   {_BANNER}
    BANNER_FULL@18       VARCHAR2(160)  {_BANNER} || char(10) || 'Version ' || d.version_full
    BANNER_LEGACY@18     VARCHAR2(80)   {_BANNER}
    CON_ID@12.1          NUMBER         0
    """,
    _DATABASE,
    where=_RUNNING,
    instance="i.inst_id",
    role="PUBLIC",
)
dictionary(
    "PRODUCT_COMPONENT_VERSION",
    f"""
    PRODUCT              VARCHAR2(80)   'Oracle Database ' || {_RELEASE} || ' Enterprise Edition'
    VERSION              VARCHAR2(80)   d.version
    VERSION_FULL@18      VARCHAR2(80)   d.version_full
    STATUS               VARCHAR2(80)   'Production'
    """,
    "x_database d",
    role="PUBLIC",
)

fixed(
    "ACTIVE_INSTANCES",
    """
    INST_NUMBER          NUMBER         a.inst_id
    INST_NAME            VARCHAR2(60)   a.host || ':' || a.name
    CON_ID@12.1          NUMBER         0
    """,
    "x_instance i CROSS JOIN x_instance a",
    where=f"{_RUNNING} AND a.status <> 'DOWN' AND (SELECT count(*) > 1 FROM x_instance)",
    instance="i.inst_id",
    role="PUBLIC",
)

_GUID = "x_raw(c.dbid) || x_raw(c.con_id)"
fixed(
    "CONTAINERS",
    f"""
    CON_ID                   NUMBER         c.con_id
    DBID                     NUMBER         c.dbid
    CON_UID                  NUMBER         c.dbid
    GUID                     RAW(16)        CAST({_GUID} AS BLOB)
    NAME                     VARCHAR2(128)  c.name
    OPEN_MODE                VARCHAR2(10)   c.open_mode
    RESTRICTED               VARCHAR2(3)    c.restricted
    OPEN_TIME                TIMESTAMP_TZ   i.startup
    CREATE_SCN               NUMBER         1
    TOTAL_SIZE               NUMBER         0
    BLOCK_SIZE               NUMBER         8192
    RECOVERY_STATUS@12.1.0.2 VARCHAR2(8)    'ENABLED'
    """,
    "x_instance i CROSS JOIN x_pdb c",
    where=_RUNNING,
    instance="i.inst_id",
    container="c.con_id",
    since=(12, 1),
)
fixed(
    "PDBS",
    f"""
    CON_ID                   NUMBER         c.con_id
    DBID                     NUMBER         c.dbid
    CON_UID                  NUMBER         c.dbid
    GUID                     RAW(16)        CAST({_GUID} AS BLOB)
    NAME                     VARCHAR2(128)  c.name
    OPEN_MODE                VARCHAR2(10)   c.open_mode
    RESTRICTED               VARCHAR2(3)    c.restricted
    OPEN_TIME                TIMESTAMP_TZ   i.startup
    CREATE_SCN               NUMBER         1
    TOTAL_SIZE               NUMBER         0
    BLOCK_SIZE               NUMBER         8192
    RECOVERY_STATUS@12.1.0.2 VARCHAR2(8)    'ENABLED'
    SNAPSHOT_PARENT_CON_ID@12.1.0.2 NUMBER  NULL
    APPLICATION_ROOT@12.2    VARCHAR2(3)    'NO'
    APPLICATION_PDB@12.2     VARCHAR2(3)    'NO'
    APPLICATION_SEED@12.2    VARCHAR2(3)    'NO'
    APPLICATION_ROOT_CON_ID@12.2 NUMBER     NULL
    APPLICATION_ROOT_CLONE@12.2 VARCHAR2(3) 'NO'
    PROXY_PDB@12.2           VARCHAR2(3)    'NO'
    LOCAL_UNDO@12.2          NUMBER         1
    UNDO_SCN@12.2            NUMBER         1
    """,
    "x_instance i CROSS JOIN x_pdb c",
    where=f"{_RUNNING} AND c.con_id > 1",
    instance="i.inst_id",
    container="c.con_id",
    since=(12, 1),
)
dictionary(
    "DBA_PDBS",
    """
    PDB_ID                   NUMBER         c.con_id
    PDB_NAME                 VARCHAR2(128)  c.name
    DBID                     NUMBER         c.dbid
    CON_UID                  NUMBER         c.dbid
    STATUS                   VARCHAR2(10)   'NORMAL'
    CREATION_SCN             NUMBER         1
    CON_ID                   NUMBER         c.con_id
    """,
    "x_pdb c",
    where="c.con_id > 1",
    container="c.con_id",
    since=(12, 1),
)

_SERVICE = """
    SERVICE_ID               NUMBER         v.id
    NAME                     VARCHAR2(64)   v.name
    NAME_HASH                NUMBER         x_hash(v.name)
    NETWORK_NAME             VARCHAR2(512)  CASE WHEN v.name NOT LIKE 'SYS$%' THEN v.name END
    CREATION_DATE            DATE           v.created
    CREATION_DATE_HASH       NUMBER         x_hash(v.name || v.id)
    GOAL                     VARCHAR2(12)   'NONE'
    DTP                      VARCHAR2(1)    'N'
    AQ_HA_NOTIFICATION       VARCHAR2(3)    'NO'
    CLB_GOAL                 VARCHAR2(5)    'LONG'
    COMMIT_OUTCOME@12.1      VARCHAR2(3)    'NO'
    GLOBAL@12.1              VARCHAR2(3)    'NO'
    PDB@12.1                 VARCHAR2(128)  (SELECT c.name FROM x_pdb c WHERE c.con_id = v.con_id AND v.con_id > 0)
    DRAIN_TIMEOUT@12.2       NUMBER         0
    STOP_OPTION@12.2         VARCHAR2(128)  'NONE'
    CON_ID@12.1              NUMBER         v.con_id
    """
for _name in ("SERVICES", "ACTIVE_SERVICES"):
    fixed(
        _name,
        _SERVICE,
        "x_instance i CROSS JOIN x_service v",
        where=_RUNNING,
        instance="i.inst_id",
        container="v.con_id",
    )

_PARAMETER = """
    NUM                      NUMBER         row_number() OVER (ORDER BY r.name)
    NAME                     VARCHAR2(80)   r.name
    TYPE                     NUMBER         r.type
    VALUE                    VARCHAR2(4000) r.value
    DISPLAY_VALUE            VARCHAR2(4000) r.value
    DEFAULT_VALUE@12.1       VARCHAR2(255)  NULL
    ISDEFAULT                VARCHAR2(9)    r.is_default
    ISSES_MODIFIABLE         VARCHAR2(5)    'FALSE'
    ISSYS_MODIFIABLE         VARCHAR2(9)    r.modifiable
    ISPDB_MODIFIABLE@12.1    VARCHAR2(5)    'FALSE'
    ISINSTANCE_MODIFIABLE    VARCHAR2(5)    CASE r.modifiable WHEN 'FALSE' THEN 'FALSE' ELSE 'TRUE' END
    ISMODIFIED               VARCHAR2(10)   r.modified
    ISADJUSTED               VARCHAR2(5)    'FALSE'
    ISDEPRECATED             VARCHAR2(5)    'FALSE'
    ISBASIC                  VARCHAR2(5)    'FALSE'
    DESCRIPTION              VARCHAR2(255)  r.description
    UPDATE_COMMENT           VARCHAR2(255)  NULL
    HASH                     NUMBER         x_hash(r.name)
    CON_ID@12.1              NUMBER         0
    """
for _name in ("PARAMETER", "SYSTEM_PARAMETER"):
    fixed(_name, _PARAMETER, "x_parameter r", instance="r.inst_id")

fixed(
    "OPTION",
    """
    PARAMETER                VARCHAR2(64)   o.name
    VALUE                    VARCHAR2(64)   o.value
    CON_ID@12.1              NUMBER         0
    """,
    f"x_instance i CROSS JOIN (SELECT 'Partitioning' AS name, 'TRUE' AS value UNION ALL"
    f" SELECT 'Real Application Clusters', CASE WHEN {_SEVERAL} THEN 'TRUE' ELSE 'FALSE' END UNION ALL"
    f" SELECT 'Unified Auditing', 'FALSE') o",
    where=_RUNNING,
    instance="i.inst_id",
    role="PUBLIC",
)
_NLS = (
    "(SELECT column1 AS name, column2 AS value FROM (VALUES ('NLS_LANGUAGE', 'AMERICAN'), ('NLS_TERRITORY', 'AMERICA'),"
    " ('NLS_CURRENCY', '$'), ('NLS_NUMERIC_CHARACTERS', '.,'), ('NLS_CALENDAR', 'GREGORIAN'),"
    " ('NLS_DATE_FORMAT', 'DD-MON-RR'), ('NLS_DATE_LANGUAGE', 'AMERICAN'), ('NLS_CHARACTERSET', 'AL32UTF8'),"
    " ('NLS_SORT', 'BINARY'), ('NLS_NCHAR_CHARACTERSET', 'AL16UTF16'), ('NLS_COMP', 'BINARY'),"
    " ('NLS_LENGTH_SEMANTICS', 'BYTE')))"
)
fixed(
    "NLS_PARAMETERS",
    """
    PARAMETER                VARCHAR2(64)   o.name
    VALUE                    VARCHAR2(64)   o.value
    CON_ID@12.1              NUMBER         0
    """,
    f"x_instance i CROSS JOIN {_NLS} o",
    where=_RUNNING,
    instance="i.inst_id",
    role="PUBLIC",
)
for _name in ("NLS_DATABASE_PARAMETERS", "NLS_SESSION_PARAMETERS", "NLS_INSTANCE_PARAMETERS"):
    dictionary(
        _name,
        """
    PARAMETER                VARCHAR2(128)  o.name
    VALUE                    VARCHAR2(64)   o.value
    """,
        f"{_NLS} o",
        role="PUBLIC",
    )

fixed(
    "EVENT_NAME",
    """
    EVENT#                   NUMBER         e.number
    EVENT_ID                 NUMBER         e.event_id
    NAME                     VARCHAR2(64)   e.name
    PARAMETER1               VARCHAR2(64)   e.p1_text
    PARAMETER2               VARCHAR2(64)   e.p2_text
    PARAMETER3               VARCHAR2(64)   e.p3_text
    WAIT_CLASS_ID            NUMBER         e.class_id
    WAIT_CLASS#              NUMBER         e.class_number
    WAIT_CLASS               VARCHAR2(64)   e.class_name
    CON_ID@12.1              NUMBER         0
    """,
    "x_event e",
)
