# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait events that sessions of the stand-in can be in, with their classes and what P1, P2 and P3 mean.

Source: the vendor's Reference, appendix "Oracle Wait Events", and V$EVENT_NAME as quoted in public threads. The event
numbers change with every release; those here are arbitrary, as are the identifiers (a hash of the name in reality).
"""

from __future__ import annotations

import zlib

from .tables import Event

# V$SYSTEM_WAIT_CLASS: the numbers and identifiers of the classes, the same in all releases.
CLASSES = {
    "Other": (1893977003, 0),
    "Application": (4217450380, 1),
    "Configuration": (3290255840, 2),
    "Administrative": (4166625743, 3),
    "Concurrency": (3875070507, 4),
    "Commit": (3386400367, 5),
    "Idle": (2723168908, 6),
    "Network": (2000153315, 7),
    "User I/O": (1740759767, 8),
    "System I/O": (4108307767, 9),
    "Scheduler": (2396326234, 10),
    "Cluster": (3871361733, 11),
    "Queueing": (644977587, 12),
}

_EVENTS: tuple[tuple[str, str, str | None, str | None, str | None], ...] = (
    ("SQL*Net message from client", "Idle", "driver id", "#bytes", None),
    ("SQL*Net message to client", "Network", "driver id", "#bytes", None),
    ("SQL*Net more data from client", "Network", "driver id", "#bytes", None),
    ("SQL*Net more data to client", "Network", "driver id", "#bytes", None),
    ("SQL*Net message from dblink", "Network", "driver id", "#bytes", None),
    ("SQL*Net break/reset to client", "Application", "driver id", "break?", None),
    ("enq: TX - row lock contention", "Application", "name|mode", "usn<<16 | slot", "sequence"),
    ("enq: TX - index contention", "Concurrency", "name|mode", "usn<<16 | slot", "sequence"),
    ("enq: TX - allocate ITL entry", "Configuration", "name|mode", "usn<<16 | slot", "sequence"),
    ("enq: TX - contention", "Other", "name|mode", "usn<<16 | slot", "sequence"),
    ("enq: TM - contention", "Application", "name|mode", "object #", "table/partition"),
    ("enq: UL - contention", "Application", "name|mode", "id", "0"),
    ("library cache lock", "Concurrency", "handle address", "lock address", "100*mode+namespace"),
    ("library cache pin", "Concurrency", "handle address", "pin address", "100*mode+namespace"),
    ("row cache lock", "Concurrency", "cache id", "mode", "request"),
    ("cursor: pin S wait on X", "Concurrency", "idn", "value", "where"),
    ("latch: cache buffers chains", "Concurrency", "address", "number", "why"),
    ("buffer busy waits", "Concurrency", "file#", "block#", "class#"),
    ("db file sequential read", "User I/O", "file#", "block#", "blocks"),
    ("db file scattered read", "User I/O", "file#", "block#", "blocks"),
    ("direct path read temp", "User I/O", "file number", "first dba", "block cnt"),
    ("direct path write temp", "User I/O", "file number", "first dba", "block cnt"),
    ("log file sync", "Commit", "buffer#", "sync scn", None),
    ("log file parallel write", "System I/O", "files", "blocks", "requests"),
    ("resmgr:cpu quantum", "Scheduler", "location", "consumer group id", None),
    ("PL/SQL lock timer", "Idle", "duration", None, None),
    ("pipe get", "Idle", "handle address", "buffer length", "timeout"),
    ("jobq slave wait", "Idle", None, None, None),
    ("PX Deq: Execute Reply", "Idle", "sleeptime/senderid", "passes", None),
    ("PX Deq: Execution Msg", "Idle", "sleeptime/senderid", "passes", None),
    ("PX Deq Credit: send blkd", "Other", "sleeptime/senderid", "passes", "qref"),
    ("PX Deq: Txn Recovery Start", "Idle", "sleeptime/senderid", "passes", None),
    ("wait for a undo record", "Other", None, None, None),
    ("wait for stopper event to be increased", "Other", None, None, None),
    ("rdbms ipc message", "Idle", "timeout", None, None),
    ("pmon timer", "Idle", "duration", None, None),
    ("smon timer", "Idle", "sleep time", "failed", None),
    ("VKTM Logical Idle Wait", "Idle", None, None, None),
    ("DIAG idle wait", "Idle", "component", "where", "wait time(millisec)"),
    ("Space Manager: slave idle wait", "Idle", "Slave ID", None, None),
    ("Streams AQ: qmn coordinator idle wait", "Idle", None, None, None),
    ("virtual circuit wait", "Network", "circuit#", "type", None),
    ("shared server idle wait", "Idle", None, None, None),
    ("dispatcher timer", "Idle", "sleep time", None, None),
    ("OFS idle", "Idle", None, None, None),
    ("gc cr request", "Cluster", "file#", "block#", "class#"),
    ("gc current request", "Cluster", "file#", "block#", "id#"),
    ("ges remote message", "Idle", "waittime", "loop", "p3"),
    ("null event", "Other", None, None, None),
)

EVENTS = tuple(
    Event(name, number, zlib.crc32(name.encode()), p1, p2, p3, *CLASSES[class_name], class_name)
    for number, (name, class_name, p1, p2, p3) in enumerate(_EVENTS, 1)
)
