# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The last rung of a ladder: whose server processes may be ended from outside the database, and on which hosts. Pure.

A session gets here when the database was told to end it and still lists it. It is looked at twice, and what is asked of
it, it must satisfy both times. No option lifts any of that: a signal to the wrong process ends other people's work, and
one in the middle of a rollback makes that longer.
"""

from __future__ import annotations

import re

from . import orakill, values
from .guard import LIFTABLE, protected_by
from .process_hosts import find_host
from .rule import Rule, saved_rows
from .server_process.proof import same_host
from .session import moment, progress, restarted
from .values import BadOption

PROCESS_KILL = "process_kill"
SETTINGS = ("grace", "signals")
# Two looks say more than one when they lie so far apart, in seconds.
APART = 10.0

# The guards that stay up whatever a rule has lifted for its statements, as they are about the process.
_GUARDED = Rule(allow=frozenset(LIFTABLE) - {"parallel_servers", "job_slaves", "xa"})
# What must have been readable, and the view that a grant opens.
_EVIDENCE = {"in_transaction": "V_$TRANSACTION", "process": "V_$PROCESS", "coordinator": "V_$PX_SESSION"}
_KINDS = {
    "shared": "it serves other sessions as well",
    "pooled": "it belongs to a pool and serves others after this one",
    "thread": "it is a thread, and a signal ends the whole process with all its threads",
    "parallel": "it works for another session",
    "job": "it runs a job of the scheduler",
    "background": "the instance may end with it",
}
# V$SESSION.SERVER of a session with a server process of its own, and of one that was killed.
_SERVERS = ("dedicated", "pseudo")
_SPID = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_ORACLE_SID = re.compile(r"[A-Za-z0-9_$#]{1,64}", re.ASCII)
_ONE_DATABASE = ("dialect", "dbid", "name", "container")


def check_settings(settings):
    """Refuses settings of the rung that server_process_kill would not take."""
    if "grace" in settings:
        values.seconds(settings["grace"], "grace")
    if "signals" in settings:
        signals = values.members(settings["signals"], "signals")
        if signals not in (["TERM"], ["KILL"], ["TERM", "KILL"]):
            raise BadOption("signals", f"{values.shown(signals)} cannot be used; write [TERM], [KILL] or [TERM, KILL].")


def first_look(left, result, given, inventory, reaches_windows=lambda: True):
    """Who may qualify, by inventory hosts, and what becomes of the others: {settled, groups}.

    `left` is the result of the rung before, of which the pending sessions are taken, `result` that of session_info about
    them; `given` and `inventory` are as find_host takes them. A group is what one host is told at once: {host, windows,
    database, sessions}. On Windows nothing there proves a thread, so each has a group of its own, to be looked at right
    before its turn; `reaches_windows` says whether Ansible can run programs there.
    """
    look = Look(result)
    settled: list[dict] = []
    groups: list[dict] = []
    for row in left.get("sessions") or []:
        if row.get("outcome") != "pending":
            continue
        before = _session(row)
        session, objection = _judge(before, look)
        if not objection:
            host, reason = find_host(session.process, session.inst_id, look.database.get("platform"), given, inventory)
            if host and host.windows and not reaches_windows():
                reason = f"{host.name} is a Windows host, and the collection ansible.windows is not installed"
            objection = ("pending", reason) if reason else None
        if objection:
            settled.append(_settle(session, objection, look.rollback(session)))
            continue
        group = next((each for each in groups if each["host"] == host.name and not host.windows), None)
        if not group:
            group = {"host": host.name, "windows": host.windows, "database": look.database, "sessions": []}
            groups.append(group)
        group["sessions"].append(session.row())
    return {"settled": settled, "groups": groups, "database": look.database or left["database"]}


def second_look(group, result, hostname=None):
    """Whose processes may be ended now, and what becomes of the others: {settled, sessions, processes}.

    `group` is one of first_look, `result` that of session_info about its sessions, right before the act. On Windows
    `hostname` is what the host answers to the program of that name. The processes are in the order of the sessions, as
    server_process_kill takes them; on Windows each has its `command`.
    """
    look = Look(result)
    settled: list[dict] = []
    sessions: list[dict] = []
    processes: list[dict] = []
    for row in group["sessions"]:
        session, objection = _judge(_session(row), look)
        objection = objection or _too_close(group["database"], look.database)
        if group["windows"]:
            objection = objection or _elsewhere(session, group["host"], hostname or {})
        if objection:
            settled.append(_settle(session, objection, look.rollback(session)))
            continue
        sessions.append(session.row())
        process = {name: getattr(session, name) for name in ("inst_id", "sid", "serial", "username", "logon_seconds")}
        process.update({name: session.process[name] for name in ("host", "spid", "kind", "oracle_sid")})
        if group["windows"]:
            process["command"] = orakill.command(process["oracle_sid"], process["spid"])
        processes.append(process)
    return {"settled": settled, "sessions": sessions, "processes": processes, "database": look.database}


class Look:
    """One result of session_info: the sessions that it lists, or why it lists none."""

    def __init__(self, result):
        self.failure = None
        if result.get("failed") or result.get("unreachable") or "sessions" not in result:
            self.failure = str(result.get("msg") or "there is no result").partition("\n")[0].rstrip(".")
        # What module_defaults narrow is not listed, and is not gone for that.
        asked = (result.get("invocation") or {}).get("module_args") or {}
        narrowed = [option for option in ("match", "exclude") if asked.get(option)]
        if narrowed:
            self.failure = (
                f"module_defaults of session_info have {narrowed[0]}, so that it does not list everybody; leave it out"
            )
        self.database = result.get("database") or {}
        self._rows = {_session(row).identity: row for row in result.get("sessions") or []}

    def find(self, session):
        """The session as it is now; None when it is not listed."""
        row = self._rows.get(session.identity)
        return None if row is None else _session(row)

    def rollback(self, session):
        return self._rows.get(session.identity, {}).get("rollback")


def _settle(session, objection, rollback):
    """What became of a session, as it is handed on from task to task."""
    outcome, reason = objection
    return {"session": session.row(), "outcome": outcome, "reason": reason, "rollback": rollback}


def rolling_back(rollback):
    """The reason of one that rolls back."""
    return f"killed, and still rolling back{progress(rollback)}; a signal would make that longer"


def _session(row):
    return saved_rows([row], "sessions")[0]


def _judge(before, look):
    """The session as this look shows it, with the outcome and the reason that speak against its turn, or None."""
    if look.failure:
        return before, ("failed", f"it could not be looked at: {look.failure}")
    now = look.find(before)
    if now is None:
        return before, ("gone", "the database lists it no more; nothing had to be sent")
    objection = _objection(now, look) or _objection_to_past(before, now)
    return now, objection


def _objection(session, look):
    """Why the process of this session must not be ended, by one look."""
    unseen = {key: f"GRANT SELECT ON SYS.{view} TO the login user" for key, view in _EVIDENCE.items()}
    unseen = {key: grant for key, grant in unseen.items() if key in look.database.get("unavailable", unseen)}
    if not session.killed:
        return "refused", f"it is {session.status}, not killed: only what the database was told to end is ended so"
    if "in_transaction" in unseen:
        return "refused", f"whether it has a transaction cannot be seen ({unseen['in_transaction']})"
    if session.transaction is not None:
        return "rolling_back", rolling_back(look.rollback(session))
    held = protected_by(session, _GUARDED, unseen)
    if held:
        return "refused", f"{held[0]}: {held[1]}"
    if session.process is None:
        return "pending", "it has no server process any more that could be ended; the database has yet to clean up"
    return _objection_to_process(session.process, session)


def _objection_to_process(process, session):
    kind = process.get("kind")
    if kind != "dedicated" or session.server not in _SERVERS:
        kind = session.server if kind == "dedicated" else kind
        why = _KINDS.get("shared" if kind == "none" else kind, "what it serves is not known")
        return "refused", f"its process is not its alone: {why}; no signal is sent to such a one"
    if not _SPID.fullmatch(process.get("spid") or "") or not _ORACLE_SID.fullmatch(process.get("oracle_sid") or ""):
        return "refused", f"the database names no process that could be found: {values.shown(process)}"
    if not process.get("host"):
        return "refused", "the database does not name the host that its process runs on"
    if session.logon_seconds is None:
        return "refused", "how old it is cannot be told, so nothing would tell its process from a later one"
    return None


def _objection_to_past(before, now):
    """What it was when it was seen the time before. A session that has been killed hides some of what it was."""
    if before.process is None:
        return None
    if before.process.get("kind") != "dedicated" or before.server not in _SERVERS:
        return _objection_to_process({**before.process, "spid": "1"}, before)
    names = ("host", "spid", "oracle_sid")
    if any(before.process.get(name) != now.process[name] for name in names):
        return "refused", f"its process was {before.process['spid']} before, and is {now.process['spid']} now"
    return None


def _too_close(earlier, later):
    if any(earlier.get(name) != later.get(name) for name in _ONE_DATABASE) or restarted(earlier, later):
        return "refused", "the two looks were at different databases, or at different lives of one"
    first, second = moment(earlier.get("taken_at")), moment(later.get("taken_at"))
    seconds = (second - first).total_seconds() if first and second else 0.0
    if seconds < APART:
        return "pending", f"the two looks at it were {seconds:.1f} s apart, which tells too little; try again"
    return None


def _elsewhere(session, host, hostname):
    """Why this host is not where the thread is: nothing else there would prove it."""
    name = str(hostname.get("stdout") or "").strip()
    if not name:
        reason = str(hostname.get("msg") or hostname.get("stderr") or "it did not tell its name").strip()
        return "pending", f"{host} was not reached, so its thread there was not ended: {reason.splitlines()[0]}"
    if not same_host(name, session.process["host"]):
        return "refused", f"its thread is on {session.process['host']}, and {host} says that it is {name}"
    return None
