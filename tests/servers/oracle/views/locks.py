# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions, locks, and who waits for whom."""

from __future__ import annotations

from .blocking import holds, lock_address
from .model import days, dictionary, fixed, text_of

# How many sessions wait for the session "s".
BLOCKED_BY_SESSION = (
    f"(SELECT count(DISTINCT w.inst_id * 1000000 + w.sid) FROM x_lock h JOIN x_lock w ON {holds()}"
    f" WHERE h.inst_id = s.inst_id AND h.sid = s.sid AND h.lmode > 0)"
)

_XID = "x_xid(t.usn, t.slot, t.sqn)"
_NO_XID = "x_raw(0)"
fixed(
    "TRANSACTION",
    f"""
    ADDR           RAW(8)         t.addr
    XIDUSN         NUMBER         t.usn
    XIDSLOT        NUMBER         t.slot
    XIDSQN         NUMBER         t.sqn
    UBAFIL         NUMBER         4
    UBABLK         NUMBER         1000 + t.usn
    UBASQN         NUMBER         t.sqn
    UBAREC         NUMBER         t.used_urec
    STATUS         VARCHAR2(16)   t.status
    START_TIME     VARCHAR2(20)
        {text_of("t.start_date", "%m/%d/")} || substr({text_of("t.start_date", "%Y %H:%M:%S")}, 3)
    START_SCNB     NUMBER         t.start_scn & 4294967295
    START_SCNW     NUMBER         t.start_scn >> 32
    START_UEXT     NUMBER         2
    START_UBAFIL   NUMBER         4
    START_UBABLK   NUMBER         1000 + t.usn
    START_UBASQN   NUMBER         t.sqn
    START_UBAREC   NUMBER         1
    SES_ADDR       RAW(8)         t.saddr
    FLAG           NUMBER         t.flag
    SPACE          VARCHAR2(3)    t.space
    RECURSIVE      VARCHAR2(3)    t.recursive
    NOUNDO         VARCHAR2(3)    'NO'
    PTX            VARCHAR2(3)    CASE WHEN t.ptx_usn THEN 'YES' ELSE 'NO' END
    NAME           VARCHAR2(256)  t.name
    PRV_XIDUSN     NUMBER         0
    PRV_XIDSLT     NUMBER         0
    PRV_XIDSQN     NUMBER         0
    PTX_XIDUSN     NUMBER         t.ptx_usn
    PTX_XIDSLT     NUMBER         t.ptx_slot
    PTX_XIDSQN     NUMBER         t.ptx_sqn
    DSCN-B         NUMBER         0
    DSCN-W         NUMBER         0
    USED_UBLK      NUMBER         t.used_ublk
    USED_UREC      NUMBER         t.used_urec
    LOG_IO         NUMBER         t.log_io
    PHY_IO         NUMBER         t.phy_io
    CR_GET         NUMBER         0
    CR_CHANGE      NUMBER         0
    START_DATE     DATE           t.start_date
    DSCN_BASE      NUMBER         0
    DSCN_WRAP      NUMBER         0
    START_SCN      NUMBER         t.start_scn
    DEPENDENT_SCN  NUMBER         0
    XID            RAW(8)         {_XID}
    PRV_XID        RAW(8)         {_NO_XID}
    PTX_XID        RAW(8)         x_xid(t.ptx_usn, t.ptx_slot, t.ptx_sqn)
    CON_ID@12.1    NUMBER         t.con_id
    """,
    "x_transaction t",
    instance="t.inst_id",
    container="t.con_id",
)

fixed(
    "FAST_START_TRANSACTIONS",
    """
    USN             NUMBER        d.usn
    SLT             NUMBER        d.slot
    SEQ             NUMBER        d.sqn
    STATE           VARCHAR2(16)  d.state
    UNDOBLOCKSDONE  NUMBER        d.blocks_done
    UNDOBLOCKSTOTAL NUMBER        d.blocks_total
    PID             NUMBER        d.pid
    CPUTIME         NUMBER        CAST(max(0, (coalesce(d.ended, :now) - d.start) * 86400.0) AS INTEGER)
    PARENTUSN       NUMBER        0
    PARENTSLT       NUMBER        0
    PARENTSEQ       NUMBER        0
    XID             RAW(8)        x_xid(d.usn, d.slot, d.sqn)
    PXID            RAW(8)        x_raw(0)
    RCVSERVERS      NUMBER        0
    CON_ID@12.1     NUMBER        d.con_id
    """,
    "x_dead_transaction d",
    where="d.listed",
    instance="d.inst_id",
    container="d.con_id",
)

fixed(
    "GLOBAL_TRANSACTION",
    """
    FORMATID        NUMBER        g.format_id
    GLOBALID        RAW(64)       g.global_id
    BRANCHID        RAW(64)       g.branch_id
    BRANCHES        NUMBER        1
    REFCOUNT        NUMBER        1
    PREPARECOUNT    NUMBER        CASE g.state WHEN 'PREPARED' THEN 1 ELSE 0 END
    STATE           VARCHAR2(38)  g.state
    FLAGS           NUMBER        0
    COUPLING        VARCHAR2(15)  g.coupling
    CON_ID@12.1     NUMBER        g.con_id
    """,
    "x_global_transaction g",
    instance="g.inst_id",
    container="g.con_id",
)

# With several instances a lock that may be asked for from another one has 2, whether or not anybody waits (S83 of
# facts/oracle.md): 1 is only a waiter on the same instance.
_WAITED_FOR = f"EXISTS (SELECT 1 FROM x_lock w WHERE {holds('l')})"
_WAITED_FOR_HERE = f"EXISTS (SELECT 1 FROM x_lock w WHERE {holds('l')} AND w.inst_id = l.inst_id)"
_SEVERAL = "(SELECT count(*) > 1 FROM x_instance i WHERE i.status <> 'DOWN')"
_BLOCK = (
    f"CASE WHEN l.lmode = 0 THEN 0 WHEN {_SEVERAL} THEN CASE WHEN {_WAITED_FOR_HERE} THEN 1 ELSE 2 END"
    f" ELSE {_WAITED_FOR} END"
)
_LOCK = f"""
    ADDR            RAW(8)        x_raw({lock_address("l")} - 24)
    KADDR           RAW(8)        x_raw({lock_address("l")})
    SID             NUMBER        l.sid
    TYPE            VARCHAR2(2)   l.type
    ID1             NUMBER        l.id1
    ID2             NUMBER        l.id2
    LMODE           NUMBER        l.lmode
    REQUEST         NUMBER        l.request
    CTIME           NUMBER        {days(":now - l.since")}
    BLOCK           NUMBER        {_BLOCK}
    CON_ID@12.1     NUMBER        l.con_id
    """
for _name, _where in (
    ("LOCK", "l.enqueue"),
    ("ENQUEUE_LOCK", "l.enqueue AND l.type NOT IN ('TX', 'TM')"),
    ("TRANSACTION_ENQUEUE", "l.enqueue AND l.type = 'TX'"),
):
    fixed(_name, _LOCK, "x_lock l", where=_where, instance="l.inst_id", container="l.con_id")

_TRANSACTION_OF_LOCK = "(SELECT t.{} FROM x_transaction t WHERE t.inst_id = l.inst_id AND t.sid = l.sid LIMIT 1)"
fixed(
    "LOCKED_OBJECT",
    f"""
    XIDUSN          NUMBER        coalesce({_TRANSACTION_OF_LOCK.format("usn")}, 0)
    XIDSLOT         NUMBER        coalesce({_TRANSACTION_OF_LOCK.format("slot")}, 0)
    XIDSQN          NUMBER        coalesce({_TRANSACTION_OF_LOCK.format("sqn")}, 0)
    OBJECT_ID       NUMBER        l.id1
    SESSION_ID      NUMBER        l.sid
    ORACLE_USERNAME VARCHAR2(128) s.username
    OS_USER_NAME    VARCHAR2(128) s.osuser
    PROCESS         VARCHAR2(24)  s.process
    LOCKED_MODE     NUMBER        l.lmode
    CON_ID@12.1     NUMBER        l.con_id
    """,
    "x_lock l JOIN x_session s ON s.inst_id = l.inst_id AND s.sid = l.sid",
    where="l.type = 'TM' AND l.enqueue",
    instance="l.inst_id",
    container="l.con_id",
)

_PAIRS = (
    f"x_lock w JOIN x_lock h ON {holds()}"
    " JOIN x_session ws ON ws.inst_id = w.inst_id AND ws.sid = w.sid"
    " JOIN x_session hs ON hs.inst_id = h.inst_id AND hs.sid = h.sid"
)
fixed(
    "SESSION_BLOCKERS",
    """
    SID                  NUMBER        w.sid
    SESS_SERIAL#         NUMBER        ws.serial
    WAIT_ID              NUMBER        ws.wait_seq
    WAIT_EVENT           NUMBER        (SELECT e.number FROM x_event e WHERE e.name = ws.event)
    WAIT_EVENT_TEXT      VARCHAR2(64)  ws.event
    BLOCKER_INSTANCE_ID  NUMBER        h.inst_id
    BLOCKER_SID          NUMBER        h.sid
    BLOCKER_SESS_SERIAL# NUMBER        hs.serial
    CON_ID@12.1          NUMBER        w.con_id
    """,
    _PAIRS,
    where="NOT ws.blocker_unknown",
    instance="w.inst_id",
    container="w.con_id",
)

fixed(
    "WAIT_CHAINS",
    f"""
    CHAIN_ID                  NUMBER        w.id
    CHAIN_IS_CYCLE            VARCHAR2(5)   'FALSE'
    CHAIN_SIGNATURE           VARCHAR2(801) '''' || ws.event || ''''
    CHAIN_SIGNATURE_HASH      NUMBER        x_hash(ws.event)
    INSTANCE                  NUMBER        w.inst_id
    OSID                      VARCHAR2(25)
        (SELECT p.spid FROM x_process p WHERE p.inst_id = ws.inst_id AND p.addr = ws.paddr)
    PID                       NUMBER        ws.pid
    SID                       NUMBER        w.sid
    SESS_SERIAL#              NUMBER        ws.serial
    BLOCKER_IS_VALID          VARCHAR2(5)   'TRUE'
    BLOCKER_INSTANCE          NUMBER        h.inst_id
    BLOCKER_OSID              VARCHAR2(25)
        (SELECT p.spid FROM x_process p WHERE p.inst_id = hs.inst_id AND p.addr = hs.paddr)
    BLOCKER_PID               NUMBER        hs.pid
    BLOCKER_SID               NUMBER        h.sid
    BLOCKER_SESS_SERIAL#      NUMBER        hs.serial
    BLOCKER_CHAIN_ID          NUMBER        0
    IN_WAIT                   VARCHAR2(5)   'TRUE'
    TIME_SINCE_LAST_WAIT_SECS NUMBER        NULL
    WAIT_ID                   NUMBER        ws.wait_seq
    WAIT_EVENT                NUMBER        (SELECT e.number FROM x_event e WHERE e.name = ws.event)
    WAIT_EVENT_TEXT           VARCHAR2(64)  ws.event
    P1                        NUMBER        ws.p1
    P2                        NUMBER        ws.p2
    P3                        NUMBER        ws.p3
    IN_WAIT_SECS              NUMBER        {days(":now - ws.wait_start")}
    TIME_REMAINING_SECS       NUMBER        NULL
    NUM_WAITERS               NUMBER        {BLOCKED_BY_SESSION.replace("s.inst_id", "ws.inst_id").replace("s.sid", "ws.sid")}
    ROW_WAIT_OBJ#             NUMBER        ws.row_wait_object
    ROW_WAIT_FILE#            NUMBER        ws.row_wait_file
    ROW_WAIT_BLOCK#           NUMBER        ws.row_wait_block
    ROW_WAIT_ROW#             NUMBER        ws.row_wait_row
    CON_ID@12.1               NUMBER        w.con_id
    """,
    _PAIRS,
    container="w.con_id",
    everywhere=False,
)

_MODES = "CASE {} WHEN 0 THEN 'None' WHEN 1 THEN 'Null' WHEN 2 THEN 'Row-S (SS)' WHEN 3 THEN 'Row-X (SX)'" + (
    " WHEN 4 THEN 'Share' WHEN 5 THEN 'S/Row-X (SSX)' WHEN 6 THEN 'Exclusive' END"
)
_LOCK_TYPES = (
    "CASE w.type WHEN 'TX' THEN 'Transaction' WHEN 'TM' THEN 'DML' WHEN 'UL' THEN 'PL/SQL User Lock' ELSE w.type END"
)
dictionary(
    "DBA_WAITERS",
    f"""
    WAITING_SESSION        NUMBER       w.sid
    WAITING_CON_ID@12.1    NUMBER       w.con_id
    HOLDING_SESSION        NUMBER       h.sid
    HOLDING_CON_ID@12.1    NUMBER       h.con_id
    LOCK_TYPE              VARCHAR2(26) {_LOCK_TYPES}
    MODE_HELD              VARCHAR2(40) {_MODES.format("h.lmode")}
    MODE_REQUESTED         VARCHAR2(40) {_MODES.format("w.request")}
    LOCK_ID1               NUMBER       w.id1
    LOCK_ID2               NUMBER       w.id2
    """,
    _PAIRS,
    where="w.enqueue",
    container="w.con_id",
)
dictionary(
    "DBA_BLOCKERS",
    """
    HOLDING_SESSION        NUMBER       b.sid
    CON_ID@12.2            NUMBER       b.con_id
    """,
    f"(SELECT DISTINCT h.sid, h.con_id FROM {_PAIRS} WHERE w.enqueue AND NOT EXISTS"
    " (SELECT 1 FROM x_lock r WHERE r.inst_id = h.inst_id AND r.sid = h.sid AND r.request > 0)) b",
    container="b.con_id",
)
dictionary(
    "DBA_2PC_PENDING",
    """
    LOCAL_TRAN_ID          VARCHAR2(22)  q.local_tran_id
    GLOBAL_TRAN_ID         VARCHAR2(169) q.global_tran_id
    STATE                  VARCHAR2(16)  q.state
    MIXED                  VARCHAR2(3)   'no'
    ADVICE                 VARCHAR2(1)   NULL
    TRAN_COMMENT           VARCHAR2(255) NULL
    FAIL_TIME              DATE          q.fail_time
    FORCE_TIME             DATE          NULL
    RETRY_TIME             DATE          q.retry_time
    OS_USER                VARCHAR2(64)  q.os_user
    OS_TERMINAL            VARCHAR2(255) NULL
    HOST                   VARCHAR2(128) q.host
    DB_USER                VARCHAR2(128) q.db_user
    COMMIT#                VARCHAR2(16)  q.commit_scn
    """,
    "x_pending q",
)
