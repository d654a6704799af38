# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles and what they were granted."""

from __future__ import annotations

from .model import accessible, dictionary, family, fixed

# A common user is one row, and is seen in every container.
_SEEN = "u.con_id = {container} OR u.common"
_COMMON = "CASE WHEN u.common THEN 'YES' ELSE 'NO' END"
_MAINTAINED = "CASE WHEN u.oracle_maintained THEN 'Y' ELSE 'N' END"
_INHERITED = "CASE WHEN u.common AND {container} > 1 THEN 'YES' ELSE 'NO' END"
_STATUS = "CASE WHEN u.locked THEN 'LOCKED' ELSE 'OPEN' END"

family(
    "USERS",
    f"""
    USERNAME                VARCHAR2(128)  u.name
    USER_ID                 NUMBER         u.id
    PASSWORD                VARCHAR2(4000) NULL
    ACCOUNT_STATUS          VARCHAR2(32)   {_STATUS}
    LOCK_DATE               DATE           u.lock_date
    EXPIRY_DATE             DATE           NULL
    DEFAULT_TABLESPACE      VARCHAR2(30)   u.default_tablespace
    TEMPORARY_TABLESPACE    VARCHAR2(30)   u.temporary_tablespace
    LOCAL_TEMP_TABLESPACE@12.2 VARCHAR2(30) u.temporary_tablespace
    CREATED                 DATE           u.created
    PROFILE                 VARCHAR2(128)  u.profile
    INITIAL_RSRC_CONSUMER_GROUP VARCHAR2(128) 'DEFAULT_CONSUMER_GROUP'
    EXTERNAL_NAME           VARCHAR2(4000) NULL
    PASSWORD_VERSIONS       VARCHAR2(17)   CASE WHEN u.verifiers IS NOT NULL THEN '11G 12C' END
    EDITIONS_ENABLED        VARCHAR2(1)    'N'
    AUTHENTICATION_TYPE     VARCHAR2(8)    u.authentication
    PROXY_ONLY_CONNECT@12.1 VARCHAR2(1)    'N'
    COMMON@12.1             VARCHAR2(3)    {_COMMON}
    LAST_LOGIN@12.1         TIMESTAMP_TZ   u.last_login
    ORACLE_MAINTAINED@12.1  VARCHAR2(1)    {_MAINTAINED}
    INHERITED@12.2          VARCHAR2(3)    {_INHERITED}
    DEFAULT_COLLATION@12.2  VARCHAR2(100)  'USING_NLS_COMP'
    IMPLICIT@12.2           VARCHAR2(3)    'NO'
    ALL_SHARD@12.2          VARCHAR2(3)    'NO'
    PASSWORD_CHANGE_DATE@18 DATE           u.created
    """,
    "x_user u",
    "u",
    condition=_SEEN,
)
dictionary(
    "ALL_USERS",
    f"""
    USERNAME                VARCHAR2(128)  u.name
    USER_ID                 NUMBER         u.id
    CREATED                 DATE           u.created
    COMMON@12.1             VARCHAR2(3)    {_COMMON}
    ORACLE_MAINTAINED@12.1  VARCHAR2(1)    {_MAINTAINED}
    INHERITED@12.2          VARCHAR2(3)    {_INHERITED}
    DEFAULT_COLLATION@12.2  VARCHAR2(100)  'USING_NLS_COMP'
    IMPLICIT@18             VARCHAR2(3)    'NO'
    ALL_SHARD@18            VARCHAR2(3)    'NO'
    """,
    "x_user u",
    where=f"({_SEEN})",
    role="PUBLIC",
)
dictionary(
    "USER_USERS",
    f"""
    USERNAME                VARCHAR2(128)  u.name
    USER_ID                 NUMBER         u.id
    ACCOUNT_STATUS          VARCHAR2(32)   {_STATUS}
    LOCK_DATE               DATE           u.lock_date
    EXPIRY_DATE             DATE           NULL
    DEFAULT_TABLESPACE      VARCHAR2(30)   u.default_tablespace
    TEMPORARY_TABLESPACE    VARCHAR2(30)   u.temporary_tablespace
    CREATED                 DATE           u.created
    INITIAL_RSRC_CONSUMER_GROUP VARCHAR2(128) 'DEFAULT_CONSUMER_GROUP'
    EXTERNAL_NAME           VARCHAR2(4000) NULL
    PROXY_ONLY_CONNECT@12.1 VARCHAR2(1)    'N'
    COMMON@12.1             VARCHAR2(3)    {_COMMON}
    ORACLE_MAINTAINED@12.1  VARCHAR2(1)    {_MAINTAINED}
    """,
    "x_user u",
    where=f"({_SEEN}) AND u.name = {{user}}",
    role="PUBLIC",
)

family(
    "ROLES",
    f"""
    ROLE                    VARCHAR2(128)  u.name
    ROLE_ID@18              NUMBER         u.id
    PASSWORD_REQUIRED       VARCHAR2(8)    'NO'
    AUTHENTICATION_TYPE     VARCHAR2(11)   'NONE'
    COMMON@12.1             VARCHAR2(3)    {_COMMON}
    ORACLE_MAINTAINED@12.1  VARCHAR2(1)    {_MAINTAINED}
    INHERITED@12.2          VARCHAR2(3)    {_INHERITED}
    IMPLICIT@12.2           VARCHAR2(3)    'NO'
    EXTERNAL_NAME@12.2      VARCHAR2(4000) NULL
    """,
    "x_role u",
    "u",
    condition=_SEEN,
)

# A grant for all containers has container 0 in a CDB; a non-CDB has no other, and no column that could tell.
_GRANT = """
    COMMON@12.1             VARCHAR2(3)
        CASE WHEN g.con_id = 0 AND (SELECT cdb FROM x_database) THEN 'YES' ELSE 'NO' END
"""
_GRANT_INHERITED = """
    INHERITED@12.2          VARCHAR2(3)    CASE WHEN g.con_id = 0 AND {container} > 1 THEN 'YES' ELSE 'NO' END
"""
_ADMIN = "CASE WHEN g.admin THEN 'YES' ELSE 'NO' END"
_SYS_PRIVS = f"""
    PRIVILEGE               VARCHAR2(40)   g.privilege
    ADMIN_OPTION            VARCHAR2(3)    {_ADMIN}
""" + (_GRANT + _GRANT_INHERITED)
# Administrative privileges stand in the password file, not here.
_ORDINARY = "g.privilege NOT IN ('SYSDBA', 'SYSOPER', 'SYSBACKUP', 'SYSDG', 'SYSKM', 'SYSRAC')"
family(
    "SYS_PRIVS",
    "    GRANTEE                 VARCHAR2(128)  g.grantee" + _SYS_PRIVS,
    "x_sys_grant g",
    "g",
    where=_ORDINARY,
)
_SEEN_GRANT = "g.con_id IN (0, {container})"
dictionary(
    "USER_SYS_PRIVS",
    "    USERNAME                VARCHAR2(128)  g.grantee" + _SYS_PRIVS,
    "x_sys_grant g",
    where=f"{_SEEN_GRANT} AND g.grantee = {{user}}",
    role="PUBLIC",
)

_ROLE_PRIVS = f"""
    GRANTED_ROLE            VARCHAR2(128)  g.role
    ADMIN_OPTION            VARCHAR2(3)    {_ADMIN}
    DELEGATE_OPTION@12.1    VARCHAR2(3)    'NO'
    DEFAULT_ROLE            VARCHAR2(3)    CASE WHEN g.is_default THEN 'YES' ELSE 'NO' END
""" + (_GRANT + _GRANT_INHERITED)
family("ROLE_PRIVS", "    GRANTEE                 VARCHAR2(128)  g.grantee" + _ROLE_PRIVS, "x_role_grant g", "g")
dictionary(
    "USER_ROLE_PRIVS",
    "    USERNAME                VARCHAR2(128)  g.grantee"
    + _ROLE_PRIVS.replace("    COMMON@", "    OS_GRANTED              VARCHAR2(3)    'NO'\n    COMMON@"),
    "x_role_grant g",
    where=f"{_SEEN_GRANT} AND g.grantee = {{user}}",
    role="PUBLIC",
)

_GRANTABLE = """
    PRIVILEGE               VARCHAR2(40)   g.privilege
    GRANTABLE               VARCHAR2(3)    CASE WHEN g.grantable THEN 'YES' ELSE 'NO' END
    HIERARCHY               VARCHAR2(3)    'NO'
"""
_TYPE = "    TYPE@12.1               VARCHAR2(24)   g.type"
_TAB_PRIVS = (
    """
    GRANTEE                 VARCHAR2(128)  g.grantee
    OWNER                   VARCHAR2(128)  g.owner
    TABLE_NAME              VARCHAR2(128)  g.name
    GRANTOR                 VARCHAR2(128)  g.grantor
"""
    + (_GRANTABLE + _GRANT)
    + (_TYPE + _GRANT_INHERITED)
)
family("TAB_PRIVS", _TAB_PRIVS, "x_object_grant g", "g")
dictionary(
    "USER_TAB_PRIVS",
    _TAB_PRIVS,
    "x_object_grant g",
    where=f"{_SEEN_GRANT} AND {{user}} IN (g.grantee, g.owner, g.grantor)",
    role="PUBLIC",
)
dictionary(
    "ALL_TAB_PRIVS",
    """
    GRANTOR                 VARCHAR2(128)  g.grantor
    GRANTEE                 VARCHAR2(128)  g.grantee
    TABLE_SCHEMA            VARCHAR2(128)  g.owner
    TABLE_NAME              VARCHAR2(128)  g.name
"""
    + (_GRANTABLE + _GRANT)
    + (_TYPE + _GRANT_INHERITED),
    "x_object_grant g",
    where=f"{_SEEN_GRANT} AND (g.grantee IN ({{grantees}}) OR {{user}} IN (g.owner, g.grantor))",
    role="PUBLIC",
)

dictionary(
    "ROLE_SYS_PRIVS",
    f"""
    ROLE                    VARCHAR2(128)  g.grantee
    PRIVILEGE               VARCHAR2(40)   g.privilege
    ADMIN_OPTION            VARCHAR2(3)    {_ADMIN}
"""
    + _GRANT,
    "x_sys_grant g",
    where=f"{_SEEN_GRANT} AND g.grantee IN ({{grantees}}) AND EXISTS (SELECT 1 FROM x_role r WHERE r.name = g.grantee)",
    role="PUBLIC",
)
dictionary(
    "ROLE_ROLE_PRIVS",
    f"""
    ROLE                    VARCHAR2(128)  g.grantee
    GRANTED_ROLE            VARCHAR2(128)  g.role
    ADMIN_OPTION            VARCHAR2(3)    {_ADMIN}
"""
    + _GRANT,
    "x_role_grant g",
    where=f"{_SEEN_GRANT} AND g.grantee IN ({{grantees}}) AND EXISTS (SELECT 1 FROM x_role r WHERE r.name = g.grantee)",
    role="PUBLIC",
)
dictionary(
    "ROLE_TAB_PRIVS",
    """
    ROLE                    VARCHAR2(128)  g.grantee
    OWNER                   VARCHAR2(128)  g.owner
    TABLE_NAME              VARCHAR2(128)  g.name
    COLUMN_NAME             VARCHAR2(128)  NULL
    PRIVILEGE               VARCHAR2(40)   g.privilege
    GRANTABLE               VARCHAR2(3)    CASE WHEN g.grantable THEN 'YES' ELSE 'NO' END
"""
    + _GRANT,
    "x_object_grant g",
    where=f"{_SEEN_GRANT} AND g.grantee IN ({{grantees}}) AND EXISTS (SELECT 1 FROM x_role r WHERE r.name = g.grantee)",
    role="PUBLIC",
)
dictionary(
    "SESSION_PRIVS",
    """
    PRIVILEGE               VARCHAR2(40)   g.privilege
    """,
    "(SELECT DISTINCT privilege FROM x_sys_grant WHERE privilege IN ({privileges})) g",
    role="PUBLIC",
)
dictionary(
    "SESSION_ROLES",
    """
    ROLE                    VARCHAR2(128)  r.name
    """,
    "x_role r",
    where="r.name IN ({grantees}) AND (r.con_id = {container} OR r.common)",
    role="PUBLIC",
)

_HOLDS = "CASE WHEN EXISTS (SELECT 1 FROM x_sys_grant g WHERE g.grantee = u.name AND g.privilege = '{}') THEN 'TRUE' ELSE 'FALSE' END"
fixed(
    "PWFILE_USERS",
    f"""
    USERNAME                VARCHAR2(128)  u.name
    SYSDBA                  VARCHAR2(5)    CASE WHEN u.name = 'SYS' THEN 'TRUE' ELSE {_HOLDS.format("SYSDBA")} END
    SYSOPER                 VARCHAR2(5)    CASE WHEN u.name = 'SYS' THEN 'TRUE' ELSE {_HOLDS.format("SYSOPER")} END
    SYSASM                  VARCHAR2(5)    'FALSE'
    SYSBACKUP@12.1          VARCHAR2(5)    {_HOLDS.format("SYSBACKUP")}
    SYSDG@12.1              VARCHAR2(5)    {_HOLDS.format("SYSDG")}
    SYSKM@12.1              VARCHAR2(5)    {_HOLDS.format("SYSKM")}
    ACCOUNT_STATUS@12.2     VARCHAR2(30)   {_STATUS}
    CON_ID@12.1             NUMBER         0
    """,
    "x_instance i CROSS JOIN x_user u",
    where="i.status <> 'DOWN' AND (u.name = 'SYS' OR EXISTS (SELECT 1 FROM x_sys_grant g WHERE g.grantee = u.name"
    " AND g.privilege IN ('SYSDBA', 'SYSOPER', 'SYSBACKUP', 'SYSDG', 'SYSKM')))",
    instance="i.inst_id",
)

_PROXY = """
    PROXY                   VARCHAR2(128)  y.proxy
    CLIENT                  VARCHAR2(128)  y.client
    AUTHENTICATION          VARCHAR2(3)    'NO'
"""
dictionary(
    "PROXY_USERS",
    _PROXY + "    FLAGS VARCHAR2(35) 'PROXY MAY ACTIVATE ALL CLIENT ROLES'",
    "x_proxy_grant y",
    where="y.con_id IN (0, {container})",
)
family(
    "PROXIES",
    _PROXY
    + """
    AUTHORIZATION_CONSTRAINT VARCHAR2(35)  'PROXY MAY ACTIVATE ALL CLIENT ROLES'
    ROLE                    VARCHAR2(128)  NULL
    PROXY_AUTHORITY         VARCHAR2(9)    'DATABASE'
    """,
    "x_proxy_grant y",
    "y",
    owner="y.proxy",
    owner_column="PROXY",
)

family(
    "SYNONYMS",
    """
    OWNER                   VARCHAR2(128)  y.owner
    SYNONYM_NAME            VARCHAR2(128)  y.name
    TABLE_OWNER             VARCHAR2(128)  y.table_owner
    TABLE_NAME              VARCHAR2(128)  y.table_name
    DB_LINK                 VARCHAR2(128)  NULL
    ORIGIN_CON_ID@12.1.0.2  NUMBER         y.con_id
    """,
    "x_synonym y",
    "y",
    owner="y.owner",
    accessible=accessible("y.owner", "y.name"),
)
