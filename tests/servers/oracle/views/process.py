# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, and what cleans up after dead ones."""

from __future__ import annotations

from .locks import BLOCKED_BY_SESSION
from .model import days, fixed

fixed(
    "PROCESS",
    """
    ADDR                   RAW(8)         p.addr
    PID                    NUMBER         p.pid
    SOSID@12.2             VARCHAR2(24)   CASE p.execution_type WHEN 'THREAD' THEN p.spid || '_' || p.stid ELSE p.spid END
    SPID                   VARCHAR2(24)   p.spid
    STID@12.1              VARCHAR2(24)   coalesce(p.stid, p.spid)
    EXECUTION_TYPE@12.1    VARCHAR2(10)   p.execution_type
    PNAME                  VARCHAR2(5)    p.pname
    USERNAME               VARCHAR2(15)   p.username
    SERIAL#                NUMBER         p.serial
    TERMINAL               VARCHAR2(30)   p.terminal
    PROGRAM                VARCHAR2(48)   p.program
    TRACEID                VARCHAR2(255)  NULL
    TRACEFILE              VARCHAR2(513)  p.tracefile
    BACKGROUND             VARCHAR2(1)    CASE WHEN p.background THEN '1' END
    LATCHWAIT              VARCHAR2(16)   NULL
    LATCHSPIN              VARCHAR2(16)   NULL
    PGA_USED_MEM           NUMBER         p.pga_used
    PGA_ALLOC_MEM          NUMBER         p.pga_alloc
    PGA_FREEABLE_MEM       NUMBER         p.pga_freeable
    PGA_MAX_MEM            NUMBER         p.pga_max
    CPU_USED@18            NUMBER         0
    NUMA_DEFAULT@12.2      NUMBER         0
    NUMA_CURR@12.2         NUMBER         0
    CON_ID@12.1            NUMBER         p.con_id
    """,
    "x_process p",
    instance="p.inst_id",
    container="p.con_id",
)

fixed(
    "BGPROCESS",
    """
    PADDR                  RAW(8)         p.addr
    PSERIAL#               NUMBER         p.serial
    NAME                   VARCHAR2(5)    p.pname
    DESCRIPTION            VARCHAR2(64)   p.pname
    ERROR                  NUMBER         0
    TYPE@12.2              VARCHAR2(10)   NULL
    PRIORITY@12.2          VARCHAR2(8)    'NORMAL'
    CON_ID@12.1            NUMBER         p.con_id
    """,
    "x_process p",
    where="p.background",
    instance="p.inst_id",
    container="p.con_id",
)

# A session marked for kill stays here until its row goes. Before 12.2 PMON did it all, and the states had other names
# (facts/oracle.md 2.3): a session that waits for its client to hear of the kill is "pending ack".
_MODERN = "(SELECT CAST(d.version AS REAL) >= 12.2 FROM x_database d)"
_ROLLS_BACK = "EXISTS (SELECT 1 FROM x_transaction t WHERE t.inst_id = s.inst_id AND t.saddr = s.saddr)"
_STATE = (
    f"CASE WHEN {_ROLLS_BACK} AND {_MODERN} THEN 'CLEANUP IN PROGRESS' WHEN {_ROLLS_BACK} THEN 'PARTIAL CLEANUP'"
    f" WHEN s.server = 'PSEUDO' AND {_MODERN} THEN 'RESOURCES FREED'"
    f" WHEN s.server = 'PSEUDO' THEN 'RESOURCES FREED - PENDING ACK' ELSE 'CLEANUP PENDING' END"
)
fixed(
    "DEAD_CLEANUP",
    f"""
    TYPE                   VARCHAR2(64)   'KILLED SESSION'
    PADDR                  RAW(8)         NULLIF(s.paddr, s.creator_addr)
    SADDR                  RAW(8)         s.saddr
    ROOT_ADDR@12.2         RAW(8)         s.saddr
    CLEANUP_OWNER@12.2     VARCHAR2(64)   'OWNER PROCESS'
    STATE                  VARCHAR2(64)   {_STATE}
    DEAD_TIME              NUMBER         {days(":now - s.kill_time")}
    CLEANUP_ATTEMPTS       NUMBER         1
    LAST_ATTEMPT           NUMBER         {days(":now - s.kill_time")}
    CLEANUP_PROCESS@12.2   RAW(8)         NULL
    CLEANUP_TIME           NUMBER         {days(":now - s.kill_time")}
    NUM_BLOCKED            NUMBER         {BLOCKED_BY_SESSION}
    CON_ID@12.1            NUMBER         s.con_id
    """,
    "x_session s",
    where="s.kill_time IS NOT NULL AND s.status = 'KILLED'",
    instance="s.inst_id",
    container="s.con_id",
)

fixed(
    "CLEANUP_PROCESS",
    """
    NAME                    VARCHAR2(5)   p.pname
    PADDR                   RAW(8)        p.addr
    SADDR                   RAW(8)        (SELECT s.saddr FROM x_session s WHERE s.inst_id = p.inst_id AND s.paddr = p.addr)
    STATE                   VARCHAR2(4)   'IDLE'
    DEAD_IN_CLEANUP         RAW(8)        NULL
    CLEANUP_TIME            NUMBER        0
    TIME_SINCE_LAST_CLEANUP NUMBER        0
    NUM_CLEANED             NUMBER        0
    CON_ID                  NUMBER        p.con_id
    """,
    "x_process p",
    where="p.pname GLOB 'CL[M0-9][N0-9]'",
    instance="p.inst_id",
    container="p.con_id",
    since=(12, 2),
)

fixed(
    "CIRCUIT",
    """
    CIRCUIT                RAW(8)         c.address
    DISPATCHER             RAW(8)         c.dispatcher
    SERVER                 RAW(8)         coalesce(c.server, x_raw(0))
    WAITER                 RAW(8)         x_raw(0)
    SADDR                  RAW(8)         c.saddr
    STATUS                 VARCHAR2(16)   c.status
    QUEUE                  VARCHAR2(16)   c.queue
    MESSAGE0               NUMBER         0
    MESSAGE1               NUMBER         0
    MESSAGE2               NUMBER         0
    MESSAGE3               NUMBER         0
    MESSAGES               NUMBER         0
    BYTES                  NUMBER         0
    BREAKS                 NUMBER         0
    PRESENTATION           VARCHAR2(30)   'TTC'
    PCIRCUIT               RAW(8)         x_raw(0)
    CON_ID@12.1            NUMBER         c.con_id
    """,
    "x_circuit c",
    instance="c.inst_id",
    container="c.con_id",
)

fixed(
    "CPOOL_CONN_INFO",
    """
    CMON_ADDR              RAW(8)         x_raw(0)
    SESSION_ADDR           RAW(8)         s.saddr
    CONNECTION_ADDR        RAW(8)         s.paddr
    USERNAME               VARCHAR2(30)   s.username
    PROXY_USER             VARCHAR2(30)   s.proxy_user
    CCLASS_NAME            VARCHAR2(1024) s.username || '.SHARED'
    PURITY                 VARCHAR2(4)    'SELF'
    TAG                    VARCHAR2(1024) NULL
    SERVICE                VARCHAR2(1024) s.service_name
    PROGRAM                VARCHAR2(48)   s.program
    MACHINE                VARCHAR2(64)   s.machine
    TERMINAL               VARCHAR2(16)   s.terminal
    CONNECTION_MODE        NUMBER         0
    CONNECTION_STATUS      VARCHAR2(9)    CASE s.status WHEN 'ACTIVE' THEN 'ACTIVE' ELSE 'IDLE' END
    CLIENT_REGID           NUMBER         0
    CON_ID@12.1            NUMBER         s.con_id
    """,
    "x_session s",
    where="s.server = 'POOLED'",
    instance="s.inst_id",
    container="s.con_id",
)
