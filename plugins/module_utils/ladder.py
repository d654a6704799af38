# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Climbing the ladders of a policy: what the next rung gets, and what became of everybody. Pure.

A *step* is one rung carried out: {rule: its name, verb, result: what the module returned, with detail: full}. The
functions below take the steps of the run so far.
"""

from __future__ import annotations

import math
from collections import Counter

from .guard import KILLED
from .plan import CANCEL
from .process_rung import PROCESS_KILL
from .session import IDENTITY, OUTCOMES

# What a rung takes of those that the rung before has tried. A process is ended only when nothing else is left to be
# waited for.
_LEFT = ("pending", "rolling_back", "failed")
_LEFT_FOR_A_PROCESS_KILL = ("pending",)
# Options that say how many to pick. A later rung does not pick: it takes what was left.
_PICKING = ("pick", "limit", "keep", "per", "max_percent")
# Sessions of a rule that its lines name one by one.
_NAMED = 10
_REPORTED = ("inst_id", "sid", "serial", "username", "machine", "program", "verb", "statement", "outcome", "reason")
_AUDITED = ("verb", *IDENTITY, "statement", "outcome", "reason")


def next_rung(rule, number, steps, max_sessions):
    """The options for rung `number` of a rule, {} when the rung before has left nobody.

    `max_sessions` is how many sessions the whole run may act on. The result is {verb, pause_seconds, options, way},
    the latter two being options of the verb's module.
    """
    rung = rule["rungs"][number]
    options = {"wait_timeout": rung["wait_timeout"], "detail": "full"}
    if rung["on_pending"]:
        options["on_pending"] = rung["on_pending"]
    if number == 0:
        budget = max(0, max_sessions - _acted_on(steps))
        options.update(rule["options"], closed_sessions=_closed(steps))
        options["max_sessions"] = min(rule["options"]["max_sessions"], budget)
        return {"verb": rung["verb"], "pause_seconds": 0, "options": options, "way": rung["way"]}
    before: dict = next((step["result"] for step in reversed(steps) if step["rule"] == rule["name"]), {})
    takes = _LEFT_FOR_A_PROCESS_KILL if rung["verb"] == PROCESS_KILL else _LEFT
    left = [row for row in _rows(before) if row["outcome"] in takes]
    if not left:
        return {}
    options["sessions"] = {"database": before["database"], "sessions": left}
    options["sessions_max_age"] = 3600 + rung["after_seconds"]
    waited = max(row.get("waited_seconds") or 0.0 for row in _rows(before))
    pause = max(0, math.ceil(round(rung["after_seconds"] - waited, 1)))
    if rung["verb"] == PROCESS_KILL:
        return {"verb": rung["verb"], "pause_seconds": pause, "options": options, "way": rung["way"]}
    options.update({name: value for name, value in rule["options"].items() if name not in _PICKING})
    if rule["rungs"][number - 1]["verb"] == CANCEL:
        # The statement that was matched must run still: the session may be in the middle of another one by now.
        options["match"] = {**rule["options"]["match"], "sql_id": sorted({row["sql_id"] for row in left})}
    else:
        # They are killed because this ladder did it.
        options["allow"] = sorted({*_names(options.get("allow")), KILLED})
    options["max_sessions"] = len(left)
    return {"verb": rung["verb"], "pause_seconds": pause, "options": options, "way": rung["way"]}


def _names(given):
    return [given] if isinstance(given, str) else given or []


def _rows(result):
    return result.get("sessions") or []


def _acted_on(steps):
    """How many sessions the run has sent, or in check mode would send, a statement for."""
    return len({_identity(row) for step in steps for row in _rows(step["result"]) if row["statement"]})


def _closed(steps):
    found = {_identity(row): row for step in steps for row in _rows(step["result"])}
    return [{name: row[name] for name in IDENTITY} for row in found.values()]


def _identity(row):
    return tuple(row[name] for name in IDENTITY)


def policy_report(rules, steps):
    """What became of each rule: {rules, counts, lines}. Each session counts once, with its last outcome; `lines` are
    for people.

    Per rule: `matched` before any limit, `done` ended or gone, `left` pending or rolling back, `failed`, the
    `counts` of all outcomes, the verbs that were tried, the sessions, and the `failure`, a sentence or None.
    """
    entries = [_entry(rule["name"], [step for step in steps if step["rule"] == rule["name"]]) for rule in rules]
    total: Counter = Counter()
    for entry in entries:
        total.update(entry["counts"])
    lines = [line for entry in entries for line in _lines(entry)]
    return {"rules": entries, "counts": {name: total[name] for name in OUTCOMES}, "lines": lines}


def _entry(name, steps):
    last: dict[tuple, dict] = {}
    for step in steps:
        last.update((_identity(row), row) for row in _rows(step["result"]))
    counted = Counter(row["outcome"] for row in last.values())
    return {
        "name": name,
        "matched": steps[0]["result"].get("matched", 0) if steps else 0,
        "done": counted["ended"] + counted["gone"],
        "left": counted["pending"] + counted["rolling_back"],
        "failed": counted["failed"],
        "counts": {outcome: counted[outcome] for outcome in OUTCOMES},
        "verbs": [step["verb"] for step in steps],
        "sessions": [{key: row[key] for key in _REPORTED} for row in last.values()],
        "recovering": steps[-1]["result"].get("recovering") if steps else None,
        "remarks": (steps[-1]["result"].get("remarks") or []) if steps else [],
        "failure": _failure(steps),
    }


def _lines(entry):
    """The rule in a line, and a line for each of its sessions, as far as a person reads on."""
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in entry["counts"].items() if count)
    yield f"{entry['name']}: {entry['matched']} matched" + (f", {counts}" if counts else "")
    for row in entry["sessions"][:_NAMED]:
        who = " ".join(str(row[name]) for name in ("sid", "username", "machine", "program") if row[name] is not None)
        what = row["statement"] if row["outcome"] in ("planned", "ended") else row["reason"]
        yield f"  {row['outcome'].replace('_', ' ')}: session {who} - {what}"
    if len(entry["sessions"]) > _NAMED:
        yield f"  ... and {len(entry['sessions']) - _NAMED} more"
    yield from (f"  {line}" for line in entry["remarks"])
    if entry["failure"]:
        yield f"  FAILED: {entry['failure']}"


def _failure(steps):
    """Why the rule failed: its last rung decides, because it took what the others had left; a process kill leaves aside
    what has failed before it.
    """
    if not steps:
        return "it was not carried out, because the run ended before."
    deciding = steps[-2:] if steps[-1]["verb"] == PROCESS_KILL else steps[-1:]
    failed = [step["result"] for step in reversed(deciding) if step["result"].get("failed")]
    return str(failed[0].get("msg")).split("\n", maxsplit=1)[0] if failed else None


def audit_records(step, time, run, host):
    """One record per session of a step; `time` as ISO 8601, `run` and `host` as the reader of the log knows them."""
    result = step["result"]
    database = result.get("database") or {}
    return [
        {
            "time": time,
            "run": run,
            "host": host,
            "database": {name: database.get(name) for name in ("name", "dbid", "container")},
            "rule": step["rule"],
            **{name: row[name] for name in _AUDITED},
            "comment": result.get("comment"),
        }
        for row in _rows(result)
    ]
