# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shared memory holds: one class a table, one attribute a column, the defaults as a new row has them.

Oracle keeps the same things in the structures behind its X$ tables, which gave the tables their names. Conventions:
times are days since 1970-01-01 UTC; addresses and other RAW values are bytes; ``con_id`` is 0 for what belongs to the
whole database (all of a non-CDB does), 1 for CDB$ROOT, from 3 a pluggable database; yes and no are 1 and 0.
Rows carry what a client or the life of a session gave them; whatever follows from other rows (who blocks whom, seconds
since a call began) is computed by the views and stored nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, dataclass_transform

Index = tuple[str, str]


@dataclasses.dataclass
class Record:
    """The base of all rows. ``TABLE`` is the SQLite table, ``KEY`` its primary key, ``INDEXES`` pairs of a column list
    and the condition of a partial index."""

    TABLE: ClassVar[str] = ""
    KEY: ClassVar[tuple[str, ...]] = ()
    INDEXES: ClassVar[tuple[Index, ...]] = ()

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        return tuple(field.name for field in dataclasses.fields(cls))

    def values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.columns())


Class = TypeVar("Class", bound=type[Record])
TABLES: list[type[Record]] = []


@dataclass_transform()
def table(name: str, *key: str, indexes: tuple[Index, ...] = ()) -> Callable[[Class], Class]:
    """Makes a class a table. A key of the single column ``id`` is given out by SQLite where a row leaves it None."""

    def decorate(cls: Class) -> Class:
        cls.TABLE, cls.KEY, cls.INDEXES = name, key, indexes
        # It is changed in place.
        dataclasses.dataclass(cls)
        TABLES.append(cls)
        return cls

    return decorate


# ---- the database and its parts -------------------------------------------------------------------------------------


@table("x_database", "dbid")
class Database(Record):
    dbid: int
    name: str
    unique_name: str
    # Five numbers, as V$INSTANCE.VERSION has them: "19.0.0.0.0". From 18c on it says only the release.
    version: str
    # With the release update (V$INSTANCE.VERSION_FULL, 18c and later): "19.24.0.0.0".
    version_full: str
    created: float
    cdb: int = 0
    rds: int = 0
    role: str = "PRIMARY"
    open_mode: str = "READ WRITE"
    platform: str = "Linux x86 64-bit"
    log_mode: str = "ARCHIVELOG"


@table("x_instance", "inst_id")
class Instance(Record):
    inst_id: int
    name: str
    host: str
    startup: float
    # Where its listener is, and the process that listens: what REDIRECT and the stopping of an instance need.
    port: int = 0
    os_pid: int = 0
    # Where its process ids mean something (see signals.py).
    pid_space: int = 0
    status: str = "OPEN"
    logins: str = "ALLOWED"
    threaded: int = 0


@table("x_pdb", "con_id")
class Pdb(Record):
    """A container. A CDB has CDB$ROOT (1), PDB$SEED (2) and its pluggable databases; a non-CDB is the only one, with 0
    and the name of the database."""

    con_id: int
    name: str
    dbid: int
    created: float
    open_mode: str = "READ WRITE"
    restricted: str = "NO"


@table("x_service", "name", "con_id")
class Service(Record):
    name: str
    con_id: int
    id: int
    created: float


@table("x_parameter", "inst_id", "name")
class Parameter(Record):
    """An initialization parameter; ``type`` as V$PARAMETER has it: 1 Boolean, 2 string, 3 integer, 6 big integer."""

    inst_id: int
    name: str
    value: str | None
    type: int = 2
    modifiable: str = "IMMEDIATE"
    is_default: str = "TRUE"
    modified: str = "FALSE"
    description: str | None = None


@table("x_policy", "name")
class Policy(Record):
    """What a test changed of the stand-in's own policy; ``value`` is JSON."""

    name: str
    value: str


@table("x_counter", "name", "inst_id")
class Counter(Record):
    name: str
    inst_id: int
    value: int


@table("x_slot", "kind", "inst_id", "slot")
class Slot(Record):
    """A place in the array of sessions or processes, with the serial number of its latest user."""

    kind: str
    inst_id: int
    slot: int
    serial: int


# ---- processes and sessions -----------------------------------------------------------------------------------------


@table("x_process", "inst_id", "pid", indexes=(("inst_id, addr", ""), ("inst_id, spid", "")))
class Process(Record):
    inst_id: int
    # Oracle's number of the process, its place in the array: address and serial number follow from it.
    pid: int
    serial: int
    addr: bytes
    created: float
    spid: str | None = None
    # The thread within the OS process; equal to SPID where the process is not threaded.
    stid: str | None = None
    # The OS process that signals go to; 0 where there is none.
    os_pid: int = 0
    pname: str | None = None
    username: str | None = "oracle"
    terminal: str | None = "UNKNOWN"
    program: str | None = None
    background: int | None = None
    execution_type: str = "PROCESS"
    tracefile: str | None = None
    pga_used: int = 2_500_000
    pga_alloc: int = 3_600_000
    pga_freeable: int = 0
    pga_max: int = 3_600_000
    con_id: int = 0


@table(
    "x_session",
    "inst_id",
    "sid",
    indexes=(
        ("inst_id, saddr", ""),
        ("inst_id, paddr", ""),
        ("inst_id, creator_addr, creator_serial", ""),
        ("username", ""),
        ("os_pid", ""),
        ("kill_time", "kill_time IS NOT NULL"),
    ),
)
class Session(Record):
    inst_id: int
    sid: int
    serial: int
    saddr: bytes
    paddr: bytes
    creator_addr: bytes
    creator_serial: int
    logon_time: float
    # Of the server process, for joins that must survive the change of PADDR by a kill.
    pid: int = 0
    # The OS process that posts go to. Not always that of V$PROCESS: a shared-server session has one of its own here.
    os_pid: int = 0
    audsid: int = 0
    user_id: int = 0
    username: str | None = None
    schema_id: int = 0
    schemaname: str | None = None
    proxy_user: str | None = None
    # USERENV's AUTHENTICATION_METHOD and ISDBA; sysdba, sysoper ... or default
    login_mode: str = "default"
    type: str = "USER"
    server: str = "DEDICATED"
    status: str = "INACTIVE"
    # When STATUS last changed between ACTIVE and another value: the origin of LAST_CALL_ET.
    status_since: float = 0.0
    command: int = 0
    owner_id: int = 2147483644
    service_name: str | None = "SYS$USERS"
    con_id: int = 0
    # ---- the client
    osuser: str | None = None
    process: str | None = None
    machine: str | None = None
    port: int = 0
    terminal: str | None = None
    program: str | None = None
    module: str | None = None
    action: str | None = None
    client_info: str | None = None
    client_identifier: str | None = None
    ecid: str | None = None
    client_driver: str | None = None
    client_version: str | None = None
    # ---- the statement
    sql_id: str | None = None
    sql_child: int | None = None
    sql_exec_start: float | None = None
    sql_exec_id: int | None = None
    prev_sql_id: str | None = None
    prev_child: int | None = None
    prev_exec_start: float | None = None
    prev_exec_id: int | None = None
    # V$TOPLEVELCALL: 94 V8 Bundled Exec, 5 FETCH, ...
    top_level_call: int = 94
    # ---- the wait: its number, whether it lasts, when it began and when the latest one ended
    wait_seq: int = 1
    event: str = "SQL*Net message from client"
    waiting: int = 1
    wait_start: float = 0.0
    wait_end: float | None = None
    p1: int = 1952673792
    p2: int = 1
    p3: int = 0
    row_wait_object: int = -1
    row_wait_file: int = 0
    row_wait_block: int = 0
    row_wait_row: int = 0
    # 1: BLOCKING_SESSION_STATUS says UNKNOWN though there is a holder, as 19c was seen to do for a while.
    blocker_unknown: int = 0
    # ---- resources
    resource_consumer_group: str | None = None
    pdml_enabled: str = "NO"
    pdml_status: str = "DISABLED"
    pddl_status: str = "ENABLED"
    pq_status: str = "ENABLED"
    failover_type: str = "NONE"
    failover_method: str = "NONE"
    failed_over: str = "NO"
    sql_trace: str = "DISABLED"
    cpu_used: float = 0.0
    user_calls: int = 0
    user_commits: int = 0
    user_rollbacks: int = 0
    logical_reads: int = 0
    physical_reads: int = 0
    block_changes: int = 0
    consistent_changes: int = 0
    # ---- its end: "kill", "immediate", "force", "disconnect", "post_transaction", "process" ...; None: it lives
    kill_mode: str | None = None
    kill_time: float | None = None
    kill_noreplay: int = 0
    # Until when FORCE and TIMEOUT let it go on.
    kill_deadline: float | None = None
    # CANCEL SQL: when it was asked for, and the statement it was meant for (None: whichever is, or comes next).
    cancel_time: float | None = None
    cancel_sql_id: str | None = None
    # 1 while a call runs; 1 while it reacts to neither kill nor cancel.
    in_call: int = 0
    uninterruptible: int = 0

    def __post_init__(self) -> None:
        self.status_since = self.status_since or self.logon_time
        self.wait_start = self.wait_start or self.logon_time


@table("x_event", "name")
class Event(Record):
    """A wait event with what V$EVENT_NAME says of it."""

    name: str
    number: int
    event_id: int
    p1_text: str | None
    p2_text: str | None
    p3_text: str | None
    class_id: int
    class_number: int
    class_name: str


# ---- transactions and locks -----------------------------------------------------------------------------------------


@table(
    "x_transaction",
    "id",
    indexes=(("inst_id, saddr", ""), ("inst_id, sid", ""), ("inst_id, addr", ""), ("usn, slot, sqn", "")),
)
class Transaction(Record):
    id: int | None
    inst_id: int
    sid: int
    saddr: bytes
    addr: bytes
    usn: int
    slot: int
    sqn: int
    start_date: float
    status: str = "ACTIVE"
    used_ublk: int = 1
    used_urec: int = 0
    log_io: int = 0
    phy_io: int = 0
    # Bit 7 (128): it rolls back.
    flag: int = 3587
    name: str | None = None
    space: str = "NO"
    recursive: str = "NO"
    start_scn: int = 0
    # The parallel transaction of the coordinator, where it is a branch of one.
    ptx_usn: int = 0
    ptx_slot: int = 0
    ptx_sqn: int = 0
    con_id: int = 0


@table("x_undo", "id", indexes=(("transaction_id, id", ""), ("object_id, row_id", "")))
class Undo(Record):
    """One change of a transaction. ``action`` insert, update or delete; ``before`` the row as it was (None: no row),
    in whatever form the writer gave it."""

    id: int | None
    transaction_id: int
    object_id: int
    row_id: int
    action: str
    before: bytes | None = None


@table("x_row_lock", "object_id", "row_id", indexes=(("transaction_id", ""),))
class RowLock(Record):
    object_id: int
    row_id: int
    transaction_id: int


@table(
    "x_lock",
    "id",
    indexes=(
        ("inst_id, sid", ""),
        ("inst_id, sid, type, id1, id2", "request > 0"),
        ("type, id1, id2, inst_id, sid, lmode", "lmode > 0"),
        ("type, id1, id2, inst_id, sid", "request > 0"),
    ),
)
class Lock(Record):
    """A lock held (``lmode`` above 0) or asked for (``request`` above 0) in modes 1 null, 2 SS, 3 SX, 4 S, 5 SSX, 6 X.

    A TX lock's ``id1`` is undo segment number * 65536 + slot, its ``id2`` the sequence number; a TM lock's ``id1`` is
    the object. The views work out from these rows alone who blocks whom. ``enqueue`` 0 is one of the library cache or
    row cache: it blocks, but V$LOCK does not show it.
    """

    id: int | None
    inst_id: int
    sid: int
    type: str
    id1: int
    id2: int
    lmode: int
    request: int
    since: float
    enqueue: int = 1
    con_id: int = 0


@table("x_dead_transaction", "inst_id", "usn", "slot", "sqn")
class DeadTransaction(Record):
    """A transaction that outlived its process and is recovered by SMON (V$FAST_START_TRANSACTIONS, where it is ``listed``)."""

    inst_id: int
    usn: int
    slot: int
    sqn: int
    state: str = "RECOVERING"
    blocks_done: int = 0
    blocks_total: int = 0
    pid: int = 0
    start: float = 0.0
    ended: float | None = None
    listed: int = 1
    con_id: int = 0


@table("x_global_transaction", "id")
class GlobalTransaction(Record):
    """A branch of an XA transaction."""

    id: int | None
    inst_id: int
    format_id: int
    global_id: bytes
    branch_id: bytes
    state: str = "ACTIVE"
    coupling: str = "TIGHTLY COUPLED"
    con_id: int = 0


@table("x_pending", "local_tran_id")
class PendingTransaction(Record):
    """An in-doubt distributed transaction (DBA_2PC_PENDING)."""

    local_tran_id: str
    global_tran_id: str
    state: str
    fail_time: float
    retry_time: float
    os_user: str | None = None
    host: str | None = None
    db_user: str | None = None
    commit_scn: str | None = None


# ---- what sessions use ----------------------------------------------------------------------------------------------


@table("x_px_session", "inst_id", "sid", indexes=(("qc_inst_id, qc_sid, qc_serial", ""),))
class PxSession(Record):
    """A parallel server at work, or (``server_set`` None) the coordinator's own row."""

    inst_id: int
    sid: int
    serial: int
    saddr: bytes
    qc_inst_id: int | None
    qc_sid: int
    qc_serial: int | None
    server_group: int | None = None
    server_set: int | None = None
    server_number: int | None = None
    degree: int | None = None
    requested_degree: int | None = None
    con_id: int = 0


@table("x_tempseg", "id", indexes=(("inst_id, saddr", ""),))
class TempSegment(Record):
    id: int | None
    inst_id: int
    sid: int
    serial: int
    saddr: bytes
    username: str | None
    blocks: int
    sql_id: str | None = None
    tablespace: str = "TEMP"
    contents: str = "TEMPORARY"
    segment_type: str = "SORT"
    extents: int = 1
    con_id: int = 0


@table("x_sql", "inst_id", "sql_id")
class Sql(Record):
    inst_id: int
    sql_id: str
    text: str
    first_load: float
    last_active: float
    hash_value: int = 0
    command: int = 3
    executions: int = 0
    parse_calls: int = 0
    rows_processed: int = 0
    elapsed_micro: int = 0
    cpu_micro: int = 0
    buffer_gets: int = 0
    disk_reads: int = 0
    users_executing: int = 0
    parsing_user_id: int = 0
    parsing_schema: str | None = None
    module: str | None = None
    action: str | None = None
    con_id: int = 0


@table("x_longop", "id", indexes=(("inst_id, sid, serial", ""),))
class LongOperation(Record):
    id: int | None
    inst_id: int
    sid: int
    serial: int
    opname: str
    sofar: int
    totalwork: int
    start_time: float
    last_update: float
    target: str | None = None
    units: str = "Blocks"
    message: str | None = None
    username: str | None = None
    sql_id: str | None = None
    con_id: int = 0


@table("x_job", "owner", "name")
class Job(Record):
    """A job that the scheduler runs now."""

    owner: str
    name: str
    inst_id: int
    sid: int
    pid: int
    spid: str | None
    started: float
    style: str = "REGULAR"
    con_id: int = 0


@table("x_circuit", "inst_id", "address")
class Circuit(Record):
    """A virtual circuit of a shared-server session; addresses of the processes, None where there is none now."""

    inst_id: int
    address: bytes
    saddr: bytes
    dispatcher: bytes | None
    server: bytes | None
    status: str = "NORMAL"
    queue: str = "NONE"
    con_id: int = 0


# ---- accounts and objects -------------------------------------------------------------------------------------------


@table("x_user", "con_id", "name")
class User(Record):
    """``con_id`` of a common user is 1; it is seen in all containers. ``verifiers`` is whatever the login stores."""

    con_id: int
    name: str
    id: int
    created: float
    verifiers: bytes | None = None
    locked: int = 0
    oracle_maintained: int = 0
    common: int = 0
    profile: str = "DEFAULT"
    default_tablespace: str = "USERS"
    temporary_tablespace: str = "TEMP"
    lock_date: float | None = None
    last_login: float | None = None
    authentication: str = "PASSWORD"


@table("x_role", "con_id", "name")
class Role(Record):
    con_id: int
    name: str
    id: int
    oracle_maintained: int = 0
    common: int = 0


@table("x_sys_grant", "con_id", "grantee", "privilege")
class SysGrant(Record):
    """``con_id`` of a grant is the container it holds in, 0 for all of them (CONTAINER=ALL)."""

    con_id: int
    grantee: str
    privilege: str
    admin: int = 0
    oracle_maintained: int = 0


@table("x_role_grant", "con_id", "grantee", "role", indexes=(("grantee", ""),))
class RoleGrant(Record):
    con_id: int
    grantee: str
    role: str
    admin: int = 0
    is_default: int = 1


@table("x_object_grant", "con_id", "grantee", "owner", "name", "privilege", indexes=(("owner, name", ""),))
class ObjectGrant(Record):
    """The object is named, not numbered: V_$ views of Oracle's own have no row among the objects."""

    con_id: int
    grantee: str
    owner: str
    name: str
    privilege: str
    grantor: str
    grantable: int = 0
    type: str = "TABLE"


@table("x_proxy_grant", "con_id", "proxy", "client")
class ProxyGrant(Record):
    con_id: int
    proxy: str
    client: str


@table("x_object", "id", indexes=(("owner, name, type, con_id", ""),))
class Object(Record):
    """An object that somebody created. The rows of a table are in the SQLite table ``sga.rows_of(id)``."""

    id: int | None
    con_id: int
    owner: str
    name: str
    type: str
    created: float
    last_ddl: float
    status: str = "VALID"
    # Of a procedure: DEFINER or CURRENT_USER.
    authid: str | None = None


@table("x_column", "object_id", "position")
class TableColumn(Record):
    """``type`` is a name of values.Type."""

    object_id: int
    position: int
    name: str
    type: str
    size: int = 4000
    precision: int = 0
    scale: int = -127
    nullable: int = 1
    default: str | None = None


@table("x_source", "object_id", "line")
class Source(Record):
    object_id: int
    line: int
    text: str


@table("x_synonym", "con_id", "owner", "name")
class Synonym(Record):
    con_id: int
    owner: str
    name: str
    table_owner: str
    table_name: str


# ---- what tests ask the stand-in for --------------------------------------------------------------------------------


@table("x_call", "id")
class Call(Record):
    """One call of a client, that is one round trip: what it was, and the statement it carried."""

    id: int | None
    time: float
    inst_id: int
    sid: int
    serial: int
    username: str | None
    program: str | None
    module: str | None
    kind: str
    text: str | None = None


@table("x_statement", "id")
class Statement(Record):
    """One end-session statement that was executed, also from inside PL/SQL; ``code`` what it ended with, 0 for success.

    The session is the one that issued it.
    """

    id: int | None
    time: float
    inst_id: int
    sid: int
    serial: int
    username: str | None
    module: str | None
    text: str
    code: int = 0
