# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How sessions live and die in the stand-in: one table, each row with where it comes from.

No tenant in Oracle mode was at hand when this was written. ``basis`` says what a row rests on: ``documented`` by the vendor,
``source`` read in the server's code (of the editions that are public), ``measured`` by us on the same kernel in MySQL mode
(seekdb), or ``chosen`` because nobody says. A test may change every row that has a choice, at start or while the server runs.

An outcome is what a client gets: a number from 1 up is that error, a number below 0 is OceanBase's own, inside of error 600;
``"cut"`` is a connection that ends without a word, ``"ok"`` no error at all. Durations are in seconds.
"""

from __future__ import annotations

from ..oracle.policy import CHOSEN, DOCUMENTED, MEASURED, Policy, Table
from .errors import (
    INTERRUPTED,
    LOCK_TIMEOUT,
    NOT_OWNER,
    PROXY_INTERRUPTED,
    PROXY_NOT_OWNER,
    PROXY_UNKNOWN,
    TERMINATED,
    TIMEOUT,
    UNEXPECTED,
    UNKNOWN_SESSION,
)

SOURCE = "source"
CUT, OK = "cut", "ok"

_PAGE = "docs: ALTER SYSTEM KILL SESSION (Oracle mode)"
_TERMINATE = "docs: terminate tenant sessions"
_EXECUTOR = "ob_kill_executor.cpp"
_ARGUMENT = "ob_kill_session_arg.cpp"
_MANAGER = "ob_sql_session_mgr.cpp, kill_session"
_GRAMMAR = "sql_parser_oracle_mode.y"
_SEEKDB = "seekdb 1.4.0"
_PROCESSLIST = "ob_show_processlist.cpp"
_LISTING = _PROCESSLIST + ", check_ora_show_process_priv"
_PROXY = "obproxy: ob_kill_op_handler.cpp"

_ROWS = (
    # Who ends whom: the answer to the session that issues the statement.
    Policy("kill_unknown", UNKNOWN_SESSION, SOURCE, _EXECUTOR, "no session has this id", (UNKNOWN_SESSION,)),
    Policy("kill_not_owner", NOT_OWNER, SOURCE, _EXECUTOR, "another user's session without SUPER", (NOT_OWNER,)),
    Policy(
        "kill_not_allowed", 1031, SOURCE, "ob_ora_priv_check.cpp", "ALTER SYSTEM form without ALTER SYSTEM", (1031,)
    ),
    Policy(
        "kill_string", "cast", SOURCE, _ARGUMENT, "cut at the first comma, cast to a number, 32 bits of it", ("cast",)
    ),
    Policy("kill_immediate", "ignored", DOCUMENTED, _PAGE, "IMMEDIATE and serial# mean nothing", ("ignored",)),
    Policy("kill_again", OK, CHOSEN, "", "a session that is marked and still there", (OK, UNKNOWN_SESSION)),
    Policy("kill_self", OK, DOCUMENTED, _PAGE, "the own session: answered, then it ends", (OK, CUT)),
    Policy("kill_self_v2", CUT, SOURCE, _EXECUTOR, "the same by a client session id through a proxy", (CUT, OK)),
    Policy(
        "kill_client_id",
        "every node",
        SOURCE,
        _EXECUTOR,
        "where KILL and KILL QUERY by a client session id through a proxy end what they find",
        ("every node",),
    ),
    Policy(
        "kill_client_id_owner",
        "first node",
        SOURCE,
        _EXECUTOR + ", get_client_session_create_time_and_auth",
        "where it is looked who owns a client session id",
        ("first node",),
    ),
    Policy(
        "kill_client_id_directly",
        UNKNOWN_SESSION,
        SOURCE,
        _EXECUTOR,
        "the same by a login without a proxy: found in the list, but there it is no session's own number",
        (UNKNOWN_SESSION,),
    ),
    Policy(
        "kill_client_id_twice_directly",
        UNEXPECTED,
        SOURCE,
        _EXECUTOR + ", get_remote_session_location",
        "the same where the list has it on several nodes",
        (UNEXPECTED,),
    ),
    Policy("cancel_idle", OK, MEASURED, _SEEKDB, "KILL QUERY on a session that runs nothing has no effect", (OK,)),
    Policy("cancel_unknown_v2", OK, SOURCE, _EXECUTOR, "KILL QUERY with a client session id that nobody has", (OK,)),
    Policy("disconnect", 900, SOURCE, _GRAMMAR, "DISCONNECT SESSION and CANCEL SQL are not in the grammar", (900,)),
    # What becomes of the victim.
    Policy("victim_idle", CUT, MEASURED, _SEEKDB, "killed while idle", (CUT,)),
    Policy(
        "victim_busy", TERMINATED, SOURCE, "ob_errno.def, -5066", "killed while a statement runs", (TERMINATED, CUT)
    ),
    Policy("victim_waiter", CUT, MEASURED, _SEEKDB, "killed while it waited for a lock", (CUT, TERMINATED)),
    Policy("victim_cancelled", INTERRUPTED, SOURCE, "ob_errno.def", "KILL QUERY: the session lives on", (INTERRUPTED,)),
    Policy(
        "linger",
        0.0,
        CHOSEN,
        "9 s on " + _SEEKDB,
        "a killed lock waiter, rolled back at once, stays listed as SESSION_KILLED",
    ),
    Policy("cancel_linger", 0.0, CHOSEN, "7 to 9 s on " + _SEEKDB, "a cancelled lock waiter stays QUERY_KILLED"),
    Policy("rollback_linger", 0.0, CHOSEN, _MANAGER, "a killed session rolls back so long, and holds its locks"),
    Policy(
        "rolling_back_listed",
        True,
        CHOSEN,
        "False: " + _PROCESSLIST + ", which leaves out what is marked killed",
        "whether session lists have it meanwhile, as SESSION_KILLED; its transaction is shown in any case",
        (True, False),
    ),
    # Who sees what.
    Policy(
        "listing",
        "show_process",
        SOURCE,
        _LISTING,
        "who sees the sessions of other users: who has SHOW PROCESS, or everybody, as the transcript in "
        + _PAGE
        + " has it",
        ("show_process", "everybody"),
    ),
    Policy("lock_time_listed", True, CHOSEN, "", "whether CTIME of a lock says how long, or nothing", (True, False)),
    # Statements that last too long.
    Policy("query_timeout", TIMEOUT, MEASURED, _SEEKDB, "longer than ob_query_timeout", (TIMEOUT,)),
    Policy("lock_timeout", LOCK_TIMEOUT, CHOSEN, "", "the same, while waiting for a lock", (LOCK_TIMEOUT, 54)),
    Policy("deadlock", 60, CHOSEN, "", "the statement that closes a circle of waiters", (60,)),
    # What a proxy with client session ids of version 1 answers itself.
    Policy("proxy_unknown", PROXY_UNKNOWN, SOURCE, _PROXY, "KILL with what is no id of its own", (PROXY_UNKNOWN,)),
    Policy("proxy_not_owner", PROXY_NOT_OWNER, SOURCE, _PROXY, "KILL of another user's session", (PROXY_NOT_OWNER,)),
    Policy("proxy_cancel_self", PROXY_INTERRUPTED, SOURCE, _PROXY, "KILL QUERY of the own one", (PROXY_INTERRUPTED,)),
)

POLICIES = Table(_ROWS)
defaults, checked = POLICIES.defaults, POLICIES.checked
