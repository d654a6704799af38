# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of sessions and of instances."""

from __future__ import annotations

from .model import fixed, values

_PGA = "(SELECT p.{} FROM x_process p WHERE p.inst_id = s.inst_id AND p.pid = s.pid)"
_UNDO = "(SELECT t.{} FROM x_transaction t WHERE t.inst_id = s.inst_id AND t.sid = s.sid LIMIT 1)"
# Name, class (V$STATNAME: 1 user, 8 cache, 64 SQL ...) and the value for the session "s". STATISTIC# differs from release
# to release, so nobody may know it by heart: the place in this list.
_STATISTICS = (
    ("logons cumulative", 1, "1"),
    ("logons current", 1, "1"),
    ("opened cursors cumulative", 1, "s.user_calls"),
    ("opened cursors current", 1, "s.in_call"),
    ("user commits", 1, "s.user_commits"),
    ("user rollbacks", 1, "s.user_rollbacks"),
    ("user calls", 1, "s.user_calls"),
    ("recursive calls", 1, "0"),
    ("session logical reads", 1, "s.logical_reads"),
    ("CPU used by this session", 1, "CAST(s.cpu_used * 100 AS INTEGER)"),
    ("DB time", 1, "CAST(s.cpu_used * 100 AS INTEGER)"),
    ("session uga memory", 1, f"{_PGA.format('pga_used')} / 2"),
    ("session uga memory max", 1, f"{_PGA.format('pga_max')} / 2"),
    ("session pga memory", 1, _PGA.format("pga_alloc")),
    ("session pga memory max", 1, _PGA.format("pga_max")),
    ("physical reads", 8, "s.physical_reads"),
    ("physical writes", 8, "0"),
    ("db block changes", 8, "s.block_changes"),
    ("consistent gets", 8, "s.logical_reads"),
    ("redo size", 2, "s.block_changes * 512"),
    ("undo change vector size", 128, f"coalesce({_UNDO.format('used_urec')}, 0) * 120"),
    ("parse count (total)", 64, "s.user_calls"),
    ("parse count (hard)", 64, "0"),
    ("execute count", 64, "s.user_calls"),
    ("sorts (memory)", 64, "0"),
    ("sorts (disk)", 64, "0"),
    ("bytes sent via SQL*Net to client", 1, "s.user_calls * 400"),
    ("bytes received via SQL*Net from client", 1, "s.user_calls * 400"),
    ("SQL*Net roundtrips to/from client", 1, "s.user_calls"),
)
_NAMES = values(
    [(number, name, kind) for number, (name, kind, _unused) in enumerate(_STATISTICS)], "number", "name", "class"
)
_VALUE = (
    "CASE n.number "
    + " ".join(f"WHEN {number} THEN {sql}" for number, (_unused, _unused, sql) in enumerate(_STATISTICS))
    + " END"
)

fixed(
    "STATNAME",
    """
    STATISTIC#           NUMBER         n.number
    NAME                 VARCHAR2(64)   n.name
    CLASS                NUMBER         n.class
    STAT_ID              NUMBER         x_hash(n.name)
    DISPLAY_NAME@12.1    VARCHAR2(64)   n.name
    CON_ID@12.1          NUMBER         0
    """,
    f"x_instance i CROSS JOIN {_NAMES} n",
    where="i.status <> 'DOWN'",
    instance="i.inst_id",
)
for _name, _where in (("SESSTAT", "s.type <> 'RECURSIVE'"), ("MYSTAT", "s.sid = :sid")):
    fixed(
        _name,
        f"""
    SID                  NUMBER         s.sid
    STATISTIC#           NUMBER         n.number
    VALUE                NUMBER         {_VALUE}
    CON_ID@12.1          NUMBER         s.con_id
    """,
        f"x_session s CROSS JOIN {_NAMES} n",
        where=_where,
        instance="s.inst_id",
        container="s.con_id",
    )
fixed(
    "SYSSTAT",
    f"""
    STATISTIC#           NUMBER         n.number
    NAME                 VARCHAR2(64)   n.name
    CLASS                NUMBER         n.class
    VALUE                NUMBER
        coalesce((SELECT sum({_VALUE}) FROM x_session s WHERE s.inst_id = i.inst_id AND s.type <> 'RECURSIVE'), 0)
    STAT_ID              NUMBER         x_hash(n.name)
    CON_ID@12.1          NUMBER         0
    """,
    f"x_instance i CROSS JOIN {_NAMES} n",
    where="i.status <> 'DOWN'",
    instance="i.inst_id",
)

_PROCESSES = "(SELECT coalesce(sum(p.{}), 0) FROM x_process p WHERE p.inst_id = i.inst_id)"
_PGA_TOTALS = (
    "(SELECT 'total PGA inuse' AS name, 'pga_used' AS kind UNION ALL SELECT 'total PGA allocated', 'pga_alloc'"
    " UNION ALL SELECT 'maximum PGA allocated', 'pga_max' UNION ALL SELECT 'total freeable PGA memory', 'pga_freeable')"
)
fixed(
    "PGASTAT",
    f"""
    NAME                 VARCHAR2(64)   n.name
    VALUE                NUMBER
        CASE n.kind WHEN 'pga_used' THEN {_PROCESSES.format("pga_used")} WHEN 'pga_alloc' THEN
        {_PROCESSES.format("pga_alloc")} WHEN 'pga_max' THEN {_PROCESSES.format("pga_max")}
        ELSE {_PROCESSES.format("pga_freeable")} END
    UNIT                 VARCHAR2(12)   'bytes'
    CON_ID@12.1          NUMBER         0
    """,
    f"x_instance i CROSS JOIN {_PGA_TOTALS} n",
    where="i.status <> 'DOWN'",
    instance="i.inst_id",
)

_USED = "(SELECT count(*) FROM {} r WHERE r.inst_id = i.inst_id)"
_LIMIT = "coalesce((SELECT CAST(r.value AS INTEGER) FROM x_parameter r WHERE r.inst_id = i.inst_id AND r.name = n.name), 1000)"
_RESOURCE_USED = (
    f"CASE n.name WHEN 'processes' THEN {_USED.format('x_process')} WHEN 'sessions' THEN {_USED.format('x_session')}"
    f" ELSE {_USED.format('x_transaction')} END"
)
fixed(
    "RESOURCE_LIMIT",
    f"""
    RESOURCE_NAME        VARCHAR2(30)   n.name
    CURRENT_UTILIZATION  NUMBER         {_RESOURCE_USED}
    MAX_UTILIZATION      NUMBER         {_RESOURCE_USED}
    INITIAL_ALLOCATION   VARCHAR2(40)   printf('%10d', {_LIMIT})
    LIMIT_VALUE          VARCHAR2(40)   printf('%10d', {_LIMIT})
    CON_ID@12.1          NUMBER         0
    """,
    f"x_instance i CROSS JOIN {values([('processes',), ('sessions',), ('transactions',)], 'name')} n",
    where="i.status <> 'DOWN'",
    instance="i.inst_id",
)
