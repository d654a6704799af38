# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parallel execution."""

from __future__ import annotations

from .model import fixed

fixed(
    "PX_SESSION",
    """
    SADDR          RAW(8)       x.saddr
    SID            NUMBER       x.sid
    SERIAL#        NUMBER       x.serial
    QCSID          NUMBER       x.qc_sid
    QCSERIAL#      NUMBER       x.qc_serial
    QCINST_ID      NUMBER       x.qc_inst_id
    SERVER_GROUP   NUMBER       x.server_group
    SERVER_SET     NUMBER       x.server_set
    SERVER#        NUMBER       x.server_number
    DEGREE         NUMBER       x.degree
    REQ_DEGREE     NUMBER       x.requested_degree
    CON_ID@12.1    NUMBER       x.con_id
    """,
    "x_px_session x",
    instance="x.inst_id",
    container="x.con_id",
)

# Parallel servers are named P000 ...; those that read GV$ views of another instance PZ99 downwards.
_SESSION = "(SELECT s.{} FROM x_session s WHERE s.inst_id = p.inst_id AND s.paddr = p.addr LIMIT 1)"
_AT_WORK = (
    "EXISTS (SELECT 1 FROM x_px_session x JOIN x_session s ON s.inst_id = x.inst_id AND s.sid = x.sid"
    " WHERE s.inst_id = p.inst_id AND s.paddr = p.addr AND x.server_set IS NOT NULL)"
)
fixed(
    "PX_PROCESS",
    f"""
    SERVER_NAME    VARCHAR2(4)  p.pname
    STATUS         VARCHAR2(9)  CASE WHEN {_AT_WORK} THEN 'IN USE' ELSE 'AVAILABLE' END
    PID            NUMBER       p.pid
    SPID           VARCHAR2(24) p.spid
    SID            NUMBER       {_SESSION.format("sid")}
    SERIAL#        NUMBER       {_SESSION.format("serial")}
    IS_GV@12.1     VARCHAR2(5)  CASE WHEN p.pname GLOB 'PZ*' THEN 'TRUE' ELSE 'FALSE' END
    CON_ID@12.1    NUMBER       p.con_id
    """,
    "x_process p",
    where="p.pname GLOB 'P[0-9A-Z][0-9A-Z][0-9]' AND p.background IS NULL",
    instance="p.inst_id",
    container="p.con_id",
)
