# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How sessions live and die in the stand-in: one table, each row with where it comes from.

No Oracle Database was at hand when this was written, so nothing here was measured by us. ``basis`` says what a row
rests on: ``documented`` by the vendor, ``measured`` by the author of the source, or ``chosen`` because nobody says.
Every row has a value that a test may change, at start or while the server runs; a server keeps the values in its shared
memory, and a session reads them when it needs them. Rows with one allowed value are rules that the code follows.

An outcome is what a client gets: a number is that ORA error, ``"close"`` a connection that ends without a word, 0 no
error at all. Durations are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .errors import MESSAGES

_ALTER_SYSTEM = "docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/ALTER-SYSTEM.html"
_FORCE_19C = "anjo.pt/keyword-oracle/2026/04/16/alter-system-kill-session-force-timeout-0-new-form-of-kill-immediate/"
_RUST_SPIKE = "GitHub, a Rust thin driver's notes on CANCEL SQL and KILL IMMEDIATE, 2026-09"
_ADMIN_GUIDE_8 = "riddle.ru/mirrors/oracledocs/server/sad73/ch405.html"
_ADMIN_GUIDE_11 = "docs.oracle.com/cd/B28359_01/server.111/b28310/manproc008.htm"
_IDLE_KILL = "international-dba.blogspot.co.uk/2014/02/ora-00028.html"
_TERMINATE = "renenyffenegger.ch/notes/development/databases/Oracle/architecture/session/terminate-kill"
_CREATOR = "javamana.com/2021/04/20210408121740689m.html"
_DISCONNECT_11 = "oracle141.rssing.com/chan-8510449/article175.html"
_ORA_00031 = "oraexcel.com/database-oracle-11gR1-ORA-00031"
_ORA_00029 = "docs.oracle.com/en/error-help/db/oci-00029"
_ORA_00030 = "w3buddy.com/ora-00030-user-session-id-does-not-exist"
_ORA_00026 = "oraexcel.com/database-oracle-11gR1-ORA-00026"
_ERRORS_19C = "docs.oracle.com/cd/F19136_01/errmg/ORA-00000.html"
_GRAMMAR_18C = "docs.oracle.com/cd/E96517_01/sqlrf/img_text/end_session_clauses.html"
_CANCEL_12_2 = "blog.tanelpoder.com/2010/02/17/how-to-cancel-a-query-running-in-another-session/"
_CANCEL_IDLE = "oracle-system.blogspot.com/2023/10/alter-system-cancel-sql-no-oracle-22c.html"
_CANCEL_DML = "dbaora.com/cancel-sql-statement-oracle-database-18c/"
_SLEEP = "github.com/oracle/dotnet-db-samples/issues/211"
_NOREPLAY = "oracle/odpi src/dpiError.c: the errors after which a session is dead"
_SNIPED = "tuanlp.com/killed-sniped-session-in-oracle/amp"
_PX_KILL = "querytuning.org/posts/oracle-parallel-query-cpu.html"
_PDB = "tweakingoracle.wordpress.com/2020/04/05/multitenant-why-alter-system-checkpoint-launched-from-pdb-affects-the-entire-cdb"
_RECOVERY = "ora-am.blogspot.com/2026/01/smon-recovery-when-large-transaction-is.html"
_PARALLEL_RECOVERY = "docs.oracle.com/en/database/oracle/oracle-database/23/refrn/V-FAST_START_TRANSACTIONS.html"
_RECOVERED = "danielwestermann.com/2014/08/22/watching-killed-transaction-undo/"
_UNDO = "techgoeasy.com/how-to-monitor-transaction-rollback"
_BLOCKERS = "yong321.freeshell.org/oranotes/BlockingSessionInRAC.txt"
_THREADS = "docs.oracle.com/en/database/oracle/oracle-database/18/refrn/THREADED_EXECUTION.html"
_BACKGROUND = (
    "oracle-patches.com/en/databases/oracle/3355-terminating-oracle-database-processes-on-linux-solaris-server"
)
_RDS_KILL = "docs.amazonaws.cn/en_us/AmazonRDS/latest/UserGuide/Appendix.Oracle.CommonDBATasks.KillingSession.html"
_OLD_SYNTAX = "oracle-base.com/articles/misc/killing-oracle-sessions"

CLOSE = "close"
DOCUMENTED, MEASURED, CHOSEN = "documented", "measured", "chosen"


@dataclass(frozen=True)
class Policy:
    """One row. ``allowed`` holds the values it may take; empty: any number that is not negative."""

    name: str
    value: Any
    basis: str
    source: str
    meaning: str
    allowed: tuple[Any, ...] = ()

    def check(self, value: Any) -> Any:
        """``value``, or ValueError that names what is allowed."""
        if self.allowed and value not in self.allowed:
            raise ValueError(f"policy {self.name}: {value!r} is none of {', '.join(map(repr, self.allowed))}")
        if not self.allowed and (not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0):
            raise ValueError(f"policy {self.name}: {value!r} is no number from 0 up")
        return value


class Table(dict[str, Policy]):
    """The rows by their names."""

    def __init__(self, rows: Iterable[Policy]) -> None:
        super().__init__((row.name, row) for row in rows)

    def defaults(self) -> dict[str, Any]:
        return {name: row.value for name, row in self.items()}

    def checked(self, name: str, value: Any) -> Any:
        """``value``, when the table has such a row and allows it; ValueError otherwise."""
        if name not in self:
            raise ValueError(f"there is no policy {name}")
        return self[name].check(value)


_NUMBERS = (0, *MESSAGES)
_DEATH = (CLOSE, 28, 45, 1012, 3113, 3135)

_ROWS = (
    # Who ends whom: the answer to the session that issues the statement.
    Policy("kill_self", 27, DOCUMENTED, _ERRORS_19C, "the own session named", _NUMBERS),
    Policy("kill_no_user_session", 29, DOCUMENTED, _ORA_00029, "a background session named", _NUMBERS),
    Policy("kill_gone", 30, MEASURED, _ORA_00030, "no such sid, or another serial#", _NUMBERS),
    Policy("kill_elsewhere", 30, DOCUMENTED, _ALTER_SYSTEM, "a sid of another instance without @inst", _NUMBERS),
    Policy("kill_other_container", 30, CHOSEN, _PDB, "from a PDB, a session of another container", _NUMBERS),
    Policy("kill_malformed", 26, DOCUMENTED, _ORA_00026, "a string that is not 'sid,serial#[,@inst]'", _NUMBERS),
    Policy("kill_no_instance", 26, CHOSEN, "", "@inst names no running instance", _NUMBERS),
    Policy("kill_not_allowed", 1031, DOCUMENTED, _ALTER_SYSTEM, "without ALTER SYSTEM", (1031,)),
    Policy("kill_busy", 31, DOCUMENTED, _ALTER_SYSTEM, "the session could not end while the killer waited", (31, 0)),
    Policy("kill_busy_immediate", 31, MEASURED, _FORCE_19C, "the same with IMMEDIATE, which waits no longer", (31, 0)),
    Policy("kill_again", 31, MEASURED, _ORA_00031, "a session that is marked and cannot end yet", (31, 0)),
    Policy("kill_wait_seconds", 60.0, DOCUMENTED, _ALTER_SYSTEM, "how long KILL waits for a session that cannot end"),
    Policy("kill_immediate_wait_seconds", 0.0, DOCUMENTED, _ALTER_SYSTEM, "the same with IMMEDIATE"),
    Policy("kill_force_wait_seconds", 5.0, DOCUMENTED, _ALTER_SYSTEM, "the same with FORCE; then the process ends"),
    Policy(
        "kill_post_seconds", 0.2, CHOSEN, "", "how long every kind of KILL lets an idle session finish a short rollback"
    ),
    Policy("disconnect_bare", 2000, MEASURED, _OLD_SYNTAX, "neither POST_TRANSACTION nor IMMEDIATE", (2000,)),
    Policy("disconnect_instance", 26, CHOSEN, _GRAMMAR_18C, "DISCONNECT with @inst: no grammar has it", _NUMBERS),
    Policy(
        "disconnect_busy",
        0,
        MEASURED,
        _DISCONNECT_11,
        "DISCONNECT ... IMMEDIATE in a call: its process ends at once; 31: as KILL ... IMMEDIATE",
        (0, 31),
    ),
    Policy(
        "force_busy",
        0,
        DOCUMENTED,
        _ALTER_SYSTEM,
        "KILL ... FORCE, its time over, in a call that hears of nothing: its process ends; 31: as KILL ... IMMEDIATE",
        (0, 31),
    ),
    Policy("option_unknown", 2065, CHOSEN, _CANCEL_12_2, "a clause that this release does not have", _NUMBERS),
    Policy("noreplay_immediate", 933, CHOSEN, _GRAMMAR_18C, "IMMEDIATE and NOREPLAY together before 23ai", _NUMBERS),
    # What the ended session's client gets.
    Policy("victim_idle", 28, MEASURED, _IDLE_KILL, "KILL, while idle: at its next call", _DEATH),
    Policy("victim_busy", 28, DOCUMENTED, _ADMIN_GUIDE_11, "KILL, in a call: as soon as it can be interrupted", _DEATH),
    Policy("victim_idle_immediate", CLOSE, MEASURED, _FORCE_19C, "IMMEDIATE, while idle", _DEATH),
    Policy("victim_busy_immediate", 28, MEASURED, _RUST_SPIKE, "IMMEDIATE, in a call", _DEATH),
    Policy("victim_noreplay", 45, CHOSEN, _NOREPLAY, "NOREPLAY, at its next call or in its call", _DEATH),
    Policy("victim_force", CLOSE, MEASURED, _FORCE_19C, "FORCE, once its time is over", (CLOSE,)),
    Policy("victim_disconnect", CLOSE, MEASURED, _DISCONNECT_11, "DISCONNECT ... IMMEDIATE", (CLOSE,)),
    Policy(
        "victim_post_transaction", CLOSE, CHOSEN, _ALTER_SYSTEM, "POST_TRANSACTION, after its transaction", (CLOSE,)
    ),
    Policy("victim_sniped", 2396, MEASURED, _SNIPED, "idle longer than its profile allows: at its next call", (2396,)),
    Policy("victim_process_killed", CLOSE, DOCUMENTED, _ADMIN_GUIDE_11, "its server process was killed", (CLOSE,)),
    # Cancelled statements.
    Policy("victim_cancelled", 1013, MEASURED, _CANCEL_IDLE, "CANCEL SQL: the call ends, the session lives", (1013,)),
    Policy(
        "cancel_keeps_transaction",
        True,
        MEASURED,
        _CANCEL_DML,
        "only the statement is rolled back, locks stay",
        (True,),
    ),
    Policy(
        "cancel_idle",
        "next",
        MEASURED,
        _CANCEL_IDLE,
        "CANCEL SQL without sql_id, while idle: the next statement ends, or nothing",
        ("next", "nothing"),
    ),
    Policy("cancel_other_sql_id", 30, CHOSEN, _ALTER_SYSTEM, "the session runs another statement, or none", _NUMBERS),
    Policy("cancel_gone", 30, CHOSEN, _ALTER_SYSTEM, "CANCEL SQL: no such sid, or another serial#", _NUMBERS),
    Policy(
        "sleep_ignores_cancel", True, MEASURED, _SLEEP, "DBMS_SESSION.SLEEP hears of no cancel or break", (True, False)
    ),
    Policy("sleep_ignores_kill", False, CHOSEN, "", "DBMS_SESSION.SLEEP hears of no KILL", (True, False)),
    Policy(
        "hold_hears_term",
        True,
        MEASURED,
        _OLD_SYNTAX,
        "a call that hears of nothing ends with SIGTERM; False: SIGTERM waits until it is over, only SIGKILL ends it",
        (True, False),
    ),
    # What the views show.
    Policy(
        "killed_idle_server", "PSEUDO", DOCUMENTED, _ADMIN_GUIDE_8, "SERVER of a session killed while idle", ("PSEUDO",)
    ),
    Policy(
        "killed_paddr",
        "pseudo",
        MEASURED,
        _TERMINATE,
        "PADDR of a killed session: no V$PROCESS row has it",
        ("pseudo",),
    ),
    Policy("killed_creator", "kept", MEASURED, _CREATOR, "CREATOR_ADDR and CREATOR_SERIAL# still name it", ("kept",)),
    Policy(
        "killed_idle_row",
        "next call",
        DOCUMENTED,
        _ALTER_SYSTEM,
        "KILL, while idle: rolled back at once, the row goes when the client calls or hangs up",
        ("next call",),
    ),
    # Transactions.
    Policy(
        "rollback_rate", 20000.0, CHOSEN, _UNDO, "undo records that a rollback applies in a second; USED_UREC falls"
    ),
    Policy(
        "dead_transaction",
        "recovered",
        MEASURED,
        _RECOVERY,
        "of a killed process: no longer in V$TRANSACTION, in V$FAST_START_TRANSACTIONS until undone, locks held so long",
        ("recovered",),
    ),
    Policy(
        "dead_transaction_listed",
        True,
        DOCUMENTED,
        _PARALLEL_RECOVERY,
        "it is recovered in parallel; False: by one process, and V$FAST_START_TRANSACTIONS does not list it",
        (True, False),
    ),
    Policy(
        "recovered_transaction",
        "stays",
        MEASURED,
        _RECOVERED,
        "V$FAST_START_TRANSACTIONS goes on listing it as RECOVERED, or it goes",
        ("stays", "goes"),
    ),
    Policy("pmon_seconds", 0.0, CHOSEN, "", "how long PMON lets a dead process lie before it cleans up"),
    Policy(
        "lock_holder_shown_after_seconds",
        0.0,
        CHOSEN,
        _BLOCKERS,
        "until then BLOCKING_SESSION_STATUS of a waiter is UNKNOWN",
    ),
    # Special sessions.
    Policy(
        "px_coordinator_killed", "servers end", MEASURED, _PX_KILL, "its parallel servers end with it", ("servers end",)
    ),
    Policy("px_server_killed", 12805, CHOSEN, _PX_KILL, "what the coordinator's call gets", (12801, 12805)),
    Policy(
        "thread_killed", "instance ends", DOCUMENTED, _THREADS, "SPID of a threaded server killed", ("instance ends",)
    ),
    Policy(
        "background_killed", "instance ends", DOCUMENTED, _BACKGROUND, "a background process killed", ("instance ends",)
    ),
    Policy(
        "rds_process",
        "process ends",
        DOCUMENTED,
        _RDS_KILL,
        "rdsadmin_util.kill(method => 'PROCESS')",
        ("process ends",),
    ),
)

POLICIES = Table(_ROWS)
defaults, checked = POLICIES.defaults, POLICIES.checked
