# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of schemas: tables, their columns, stored programs."""

from __future__ import annotations

from .model import accessible, dictionary, family, text_of

_ACCESSIBLE = accessible("o.owner", "o.name")
_MAINTAINED = "(SELECT max(u.oracle_maintained) FROM x_user u WHERE u.name = o.owner)"

family(
    "OBJECTS",
    f"""
    OWNER                   VARCHAR2(128)  o.owner
    OBJECT_NAME             VARCHAR2(128)  o.name
    SUBOBJECT_NAME          VARCHAR2(128)  NULL
    OBJECT_ID               NUMBER         o.id
    DATA_OBJECT_ID          NUMBER         CASE o.type WHEN 'TABLE' THEN o.id END
    OBJECT_TYPE             VARCHAR2(23)   o.type
    CREATED                 DATE           o.created
    LAST_DDL_TIME           DATE           o.last_ddl
    TIMESTAMP               VARCHAR2(19)   {text_of("o.last_ddl", "%Y-%m-%d:%H:%M:%S")}
    STATUS                  VARCHAR2(7)    o.status
    TEMPORARY               VARCHAR2(1)    'N'
    GENERATED               VARCHAR2(1)    'N'
    SECONDARY               VARCHAR2(1)    'N'
    NAMESPACE               NUMBER         1
    EDITION_NAME            VARCHAR2(128)  NULL
    SHARING@12.1            VARCHAR2(18)   'NONE'
    EDITIONABLE@12.1        VARCHAR2(1)    NULL
    ORACLE_MAINTAINED@12.1  VARCHAR2(1)    CASE WHEN o.owner = 'PUBLIC' OR {_MAINTAINED} THEN 'Y' ELSE 'N' END
    """,
    "x_object o",
    "o",
    owner="o.owner",
    accessible=_ACCESSIBLE,
)
family(
    "TABLES",
    """
    OWNER                   VARCHAR2(128)  o.owner
    TABLE_NAME              VARCHAR2(128)  o.name
    TABLESPACE_NAME         VARCHAR2(30)   'USERS'
    CLUSTER_NAME            VARCHAR2(128)  NULL
    IOT_NAME                VARCHAR2(128)  NULL
    STATUS                  VARCHAR2(8)    o.status
    PCT_FREE                NUMBER         10
    INI_TRANS               NUMBER         1
    MAX_TRANS               NUMBER         255
    LOGGING                 VARCHAR2(3)    'YES'
    NUM_ROWS                NUMBER         NULL
    BLOCKS                  NUMBER         NULL
    LAST_ANALYZED           DATE           NULL
    PARTITIONED             VARCHAR2(3)    'NO'
    IOT_TYPE                VARCHAR2(12)   NULL
    TEMPORARY               VARCHAR2(1)    'N'
    SECONDARY               VARCHAR2(1)    'N'
    NESTED                  VARCHAR2(3)    'NO'
    ROW_MOVEMENT            VARCHAR2(8)    'DISABLED'
    DROPPED                 VARCHAR2(3)    'NO'
    READ_ONLY               VARCHAR2(3)    'NO'
    """,
    "x_object o",
    "o",
    where="o.type = 'TABLE'",
    owner="o.owner",
    accessible=_ACCESSIBLE,
)

_COLUMN = """
    OWNER                   VARCHAR2(128)  o.owner
    TABLE_NAME              VARCHAR2(128)  o.name
    COLUMN_NAME             VARCHAR2(128)  c.name
    DATA_TYPE               VARCHAR2(128)
        CASE c.type WHEN 'TIMESTAMP_TZ' THEN 'TIMESTAMP(6) WITH TIME ZONE' WHEN 'TIMESTAMP' THEN 'TIMESTAMP(6)'
        WHEN 'INTERVAL_DS' THEN 'INTERVAL DAY(2) TO SECOND(6)' ELSE c.type END
    DATA_TYPE_MOD           VARCHAR2(3)    NULL
    DATA_TYPE_OWNER         VARCHAR2(128)  NULL
    DATA_LENGTH             NUMBER         c.size
    DATA_PRECISION          NUMBER         NULLIF(c.precision, 0)
    DATA_SCALE              NUMBER         NULLIF(c.scale, -127)
    NULLABLE                VARCHAR2(1)    CASE WHEN c.nullable THEN 'Y' ELSE 'N' END
    COLUMN_ID               NUMBER         c.position
    DEFAULT_LENGTH          NUMBER         length(c."default")
    DATA_DEFAULT            VARCHAR2(4000) c."default"
    CHAR_LENGTH             NUMBER         CASE WHEN c.type IN ('VARCHAR2', 'CHAR') THEN c.size ELSE 0 END
    CHAR_USED               VARCHAR2(1)    CASE WHEN c.type IN ('VARCHAR2', 'CHAR') THEN 'B' END
    """
for _name in ("TAB_COLUMNS", "TAB_COLS"):
    family(
        _name,
        _COLUMN,
        "x_object o JOIN x_column c ON c.object_id = o.id",
        "o",
        where="o.type IN ('TABLE', 'VIEW')",
        owner="o.owner",
        accessible=_ACCESSIBLE,
    )

family(
    "SOURCE",
    """
    OWNER                   VARCHAR2(128)  o.owner
    NAME                    VARCHAR2(128)  o.name
    TYPE                    VARCHAR2(12)   o.type
    LINE                    NUMBER         c.line
    TEXT                    VARCHAR2(4000) c.text
    ORIGIN_CON_ID@12.1.0.2  NUMBER         o.con_id
    """,
    "x_object o JOIN x_source c ON c.object_id = o.id",
    "o",
    owner="o.owner",
    accessible=_ACCESSIBLE,
)
family(
    "PROCEDURES",
    """
    OWNER                   VARCHAR2(128)  o.owner
    OBJECT_NAME             VARCHAR2(128)  o.name
    PROCEDURE_NAME          VARCHAR2(128)  NULL
    OBJECT_ID               NUMBER         o.id
    SUBPROGRAM_ID           NUMBER         CASE o.type WHEN 'PACKAGE' THEN 0 ELSE 1 END
    OVERLOAD                VARCHAR2(40)   NULL
    OBJECT_TYPE             VARCHAR2(13)   o.type
    AGGREGATE               VARCHAR2(3)    'NO'
    PIPELINED               VARCHAR2(3)    'NO'
    PARALLEL                VARCHAR2(3)    'NO'
    INTERFACE               VARCHAR2(3)    'NO'
    DETERMINISTIC           VARCHAR2(3)    'NO'
    AUTHID                  VARCHAR2(12)   coalesce(o.authid, 'DEFINER')
    """,
    "x_object o",
    "o",
    where="o.type IN ('PROCEDURE', 'FUNCTION', 'PACKAGE')",
    owner="o.owner",
    accessible=_ACCESSIBLE,
)
# Programs that do not compile are refused when they are created, so there is never a row.
family(
    "ERRORS",
    """
    OWNER                   VARCHAR2(128)  o.owner
    NAME                    VARCHAR2(128)  o.name
    TYPE                    VARCHAR2(12)   o.type
    SEQUENCE                NUMBER         1
    LINE                    NUMBER         1
    POSITION                NUMBER         1
    TEXT                    VARCHAR2(4000) NULL
    ATTRIBUTE               VARCHAR2(9)    'ERROR'
    MESSAGE_NUMBER          NUMBER         NULL
    """,
    "x_object o",
    "o",
    where="o.status = 'INVALID' AND 0",
    owner="o.owner",
    accessible=_ACCESSIBLE,
)
for _prefix, _where in (("USER", "o.owner = {user}"), ("ALL", _ACCESSIBLE), ("DBA", "1")):
    dictionary(
        f"{_prefix}_VIEWS",
        ("" if _prefix == "USER" else "    OWNER                   VARCHAR2(128)  o.owner\n")
        + """    VIEW_NAME               VARCHAR2(128)  o.name
    TEXT_LENGTH             NUMBER         0
    TEXT                    VARCHAR2(4000) NULL
    """,
        "x_object o",
        where=f"o.type = 'VIEW' AND o.con_id IN (0, {{container}}) AND {_where}",
        role="SELECT_CATALOG_ROLE" if _prefix == "DBA" else "PUBLIC",
    )
