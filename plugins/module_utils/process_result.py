# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What became of the sessions whose server processes were ended, as a module that acts returns it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import orakill
from .process_rung import PROCESS_KILL, Look, rolling_back
from .result import Report
from .rule import saved_rows
from .session import Outcome, moment

# What becomes of the rights of another user when it is not allowed, whichever way is used.
_NOT_ALLOWED = re.compile(r"sudo|\bsu\b|doas|runas|become|privilege|password", re.IGNORECASE)


@dataclass
class _Told:
    """What a host says of one process; `signals` are those that were sent."""

    outcome: str
    reason: str
    signals: list = field(default_factory=list)
    statement: str | None = None


def process_result(first, tries, looks, recovering=None, check_mode=False, comment=None):
    """The result of the rung, in the form of the acting modules, with `recovering` besides.

    `first` is what first_look returned. Each try is {host, windows, signals, proof, call}: what second_look returned, and
    what the module or the program on that host did. `looks` are the last ones, each {asked: sessions, result: what
    session_info returned}; `recovering` is a result of session_info, too.
    """
    outcomes = [
        _settled(each) for each in [*first["settled"], *(each for one in tries for each in one["proof"]["settled"])]
    ]
    for one in tries:
        for session, process in zip(one["proof"]["sessions"], one["proof"]["processes"]):
            told = _told(one, process, check_mode)
            outcomes.append(_outcome(saved_rows([session], "sessions")[0], told, one, looks))
    report = Report(database=_database(first, tries, looks), matched=len(outcomes), outcomes=outcomes, spared=[])
    failure = report.failure(named=True)
    lines = [*([failure] if failure else []), report.message()]
    result = {
        "changed": report.changed,
        "failed": bool(failure),
        "database": report.database,
        "matched": report.matched,
        "comment": comment,
        "sessions": report.rows(full=True),
        "counts": report.counts(),
        "recovering": (recovering or {}).get("recovering"),
        "remarks": _recovery(recovering) if recovering else [],
    }
    return {**result, "msg": "\n".join([*lines, *result["remarks"]])}


def _recovery(seen):
    """What is still rolled back for dead processes, in a line each."""
    failure = Look(seen).failure
    if failure:
        return [f"whether dead transactions are still rolled back cannot be seen: {failure}"]
    lines = []
    for each in seen["recovering"]:
        eta = "" if each["eta_seconds"] is None else f", about {each['eta_seconds']:.0f} s"
        lines.append(
            f"still rolled back on instance {each['inst_id']}: the transaction {each['usn']}.{each['slot']}.{each['sequence']} of a "
            f"dead process, {each['undo_blocks_done']} of {each['undo_blocks_total']} blocks of undo done{eta}"
        )
    return lines


def _settled(each):
    session = saved_rows([each["session"]], "sessions")[0]
    return Outcome(session, verb=PROCESS_KILL, rollback=each["rollback"]).settle(each["outcome"], each["reason"])


def _told(one, process, check_mode):
    """What the host says of this process."""
    host, call = one["host"], one["call"]
    if call.get("unreachable"):
        return _Told("pending", f"{host} was not reached, so its process there was not ended: {_first_line(call)}")
    if one["windows"]:
        return _told_by_orakill(host, call, process, check_mode)
    rows = [row for row in call.get("processes") or [] if _same_process(row, process)]
    if not rows:
        words = _first_line(call)
        if _NOT_ALLOWED.search(words):
            cure = "allow that, or set oracle_sessions_software_owner"
            return _Told(
                "pending", f"its process was not ended, as we may not act on {host} as its owner: {words}; {cure}"
            )
        return _Told("failed", f"server_process_kill on {host} failed: {words}")
    (row,) = rows
    signals = row["signals"] or (one["signals"][:1] if row["outcome"] == "planned" else [])
    statement = ", ".join(f"kill -{name} {process['spid']}" for name in signals)
    return _Told(row["outcome"], row["reason"], row["signals"], f"{statement} on {host}" if statement else None)


def _told_by_orakill(host, call, process, check_mode):
    statement = f"{' '.join(process['command'])} on {host}"
    if check_mode:
        return _Told("planned", "would be sent", [], statement)
    if call.get("skipped") and call.get("skip_reason"):
        return _Told(
            "pending",
            "the play was held up for more than 10 s after the last look at it, so its thread was not ended; try again",
        )
    if call.get("skipped"):
        # The play itself is in check mode, and says so to nobody else.
        return _Told("planned", "would be sent", [], statement)
    output = "\n".join(str(call.get(name) or "") for name in ("stdout", "stderr")).strip()
    if not output:
        return _Told("failed", f"orakill on {host} failed: {_first_line(call)}")
    signalled, words = orakill.said(output, process["oracle_sid"], process["spid"])
    reason = f"orakill on {host} said: {words}"
    return _Told("ended" if signalled else "failed", reason, ["orakill"], statement)


def _same_process(row, process):
    return (row.get("spid"), row.get("oracle_sid")) == (process["spid"], process["oracle_sid"])


def _first_line(call):
    # The words of a way to become another user stand beside the message that the module has returned nothing.
    words = call.get("module_stderr") or call.get("msg") or call.get("module_stdout") or "it returned nothing"
    lines = [line.strip() for line in str(words).splitlines() if line.strip()]
    return lines[-1] if call.get("module_stderr") else lines[0]


def _outcome(session, told, one, looks):
    """By what the host says and what the database shows afterwards."""
    sent = bool(told.signals)
    session.process = {**session.process, "inventory_host": one["host"], "signals": told.signals}
    outcome = Outcome(session, verb=PROCESS_KILL, statement=told.statement, sent=sent)
    ended = f"its process was ended by {told.signals[-1]}" if sent else f"its process is gone from {one['host']}"
    look = next((Look(each["result"]) for each in looks if _asked(session, each)), None)
    if look and not look.failure:
        outcome.waited_seconds = _seconds(one["proof"]["database"], look.database)
        now = look.find(session)
        if now is None and sent:
            return outcome.settle("ended", f"{ended}, and the database lists it no more")
        if now is None:
            return outcome.settle("gone", "the database lists it no more; nothing had to be sent")
        if now.transaction is not None:
            outcome.rollback = look.rollback(session)
            return outcome.settle("rolling_back", rolling_back(outcome.rollback))
        if told.outcome in ("ended", "gone"):
            return outcome.settle(
                "pending", f"{ended}; the database still lists it {outcome.waited_seconds:.0f} s later"
            )
    elif told.outcome in ("ended", "gone"):
        why = look.failure if look else "nobody has looked"
        return outcome.settle("pending", f"{ended}; whether the database has cleaned up was not seen: {why}")
    return outcome.settle(told.outcome, told.reason)


def _asked(session, look):
    return any(saved_rows([row], "sessions")[0].identity == session.identity for row in look["asked"])


def _seconds(earlier, later):
    return round((moment(later["taken_at"]) - moment(earlier["taken_at"])).total_seconds(), 3)


def _database(first, tries, looks):
    found = [*(each["result"].get("database") for each in looks), *(one["proof"]["database"] for one in tries)]
    return next((each for each in found if each), first["database"])
