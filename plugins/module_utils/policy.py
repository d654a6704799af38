# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Policies: lists of rules with ladders of verbs. Read once, strictly, before anything is sent. Pure."""

from __future__ import annotations

from . import values
from .match import parse_matches
from .plan import CANCEL, KILL
from .rule import RULE_OPTIONS, parse_rule
from .values import BadOption

OPTION = "oracle_sessions_policy"
# From the gentlest to the hardest: a ladder only ever goes up.
RUNGS = (CANCEL, KILL)
_LATER = ("disconnect", "process_kill")


def parse_policy(raw, max_sessions=20, protect=(), wait_timeout=60):
    """The rules of a policy, each as {name, options, rungs}.

    `options` are the options of the modules, the role's limit and protection included. Each rung is {verb,
    after_seconds, wait_timeout, on_pending}, times in seconds: it waits for its sessions until the next rung's turn,
    the last one for as long as the role says and with the modules' own judgement (on_pending None).
    """
    allowed = values.whole(max_sessions, "oracle_sessions_max_sessions")
    patience = values.seconds(wait_timeout, "oracle_sessions_wait_timeout")
    protected = values.members(protect, "oracle_sessions_protect") if protect else []
    if protected:
        parse_matches(protected, "oracle_sessions_protect")
    if not isinstance(raw, (list, tuple)) or not raw:
        raise BadOption(OPTION, f"{values.shown(raw)} is not a list of rules; give at least one with name and match.")
    rules = []
    places: dict[str, str] = {}
    for index, entry in enumerate(raw):
        where = f"{OPTION}[{index}]"
        rule = _rule(entry, where, allowed, protected, patience)
        taken = places.setdefault(rule["name"], where)
        if taken != where:
            raise BadOption(
                f"{where}.name",
                f"{values.shown(rule['name'])} is the name of {taken} already; reports tell rules apart by their names.",
            )
        rules.append(rule)
    return rules


def _rule(entry, where, allowed, protected, patience):
    given = values.mapping(entry, where)
    values.refuse_null(given, f"{where}.")
    for name in given:
        if name not in ("name", "then", *RULE_OPTIONS):
            raise BadOption(f"{where}.{name}", f"a rule has no such key; it has name, then, {', '.join(RULE_OPTIONS)}.")
    if "name" not in given:
        raise BadOption(f"{where}.name", "it is missing; reports and messages call the rule by it.")
    if "match" not in given:
        raise BadOption(
            f"{where}.match", "it is missing; say which sessions are meant, such as {username: 'APP_*', idle: 2h}."
        )
    options = {name: given[name] for name in RULE_OPTIONS if name in given}
    try:
        rule = parse_rule(options)
    except BadOption as error:
        raise BadOption(f"{where}.{error.option}", str(error)[len(f"{error.option}: ") :]) from None
    options["max_sessions"] = min(rule.max_sessions, allowed) if "max_sessions" in given else allowed
    protecting = protected + (values.members(given["protect"], "protect") if given.get("protect") else [])
    if protecting:
        options["protect"] = protecting
    return {
        "name": values.text(given["name"], f"{where}.name"),
        "options": options,
        "rungs": _ladder(given.get("then", [KILL]), f"{where}.then", patience),
    }


def _ladder(raw, where, patience):
    rungs: list[dict] = []
    for index, entry in enumerate(values.members(raw, where)):
        at = f"{where}[{index}]" if isinstance(raw, (list, tuple)) else where
        verb, after = _rung(entry, at, index == 0, patience)
        if rungs and RUNGS.index(verb) <= RUNGS.index(rungs[-1]["verb"]):
            raise BadOption(
                at, f"{verb} cannot follow {rungs[-1]['verb']}; a ladder goes up, in the order {', '.join(RUNGS)}."
            )
        if rungs:
            rungs[-1].update(wait_timeout=after, on_pending="ok")
        rungs.append({"verb": verb, "after_seconds": after, "wait_timeout": patience, "on_pending": None})
    return rungs


def _rung(entry, where, first, patience):
    """The verb of a rung, and how many seconds after the statement of the rung before it has its turn."""
    settings: dict = {}
    verb = entry
    if isinstance(entry, dict):
        if len(entry) != 1:
            raise BadOption(where, f"{values.shown(entry)} is not one rung; write a verb, or {{kill: {{after: 60s}}}}.")
        ((verb, settings),) = entry.items()
    if verb in _LATER:
        raise BadOption(
            where, f"{verb} comes with a later version of this collection; this one has {' and '.join(RUNGS)}."
        )
    if verb not in RUNGS:
        raise BadOption(where, f"{values.shown(verb)} is not a verb; this version has {' and '.join(RUNGS)}.")
    if not isinstance(entry, dict):
        return verb, 0.0 if first else patience
    at = f"{where}.{verb}"
    for name in values.mapping(settings, at):
        if name != "after":
            raise BadOption(f"{at}.{name}", "a rung has no such setting; it has after.")
    if first:
        raise BadOption(f"{at}.after", "there is nothing before the first rung to wait for; leave it out.")
    return verb, values.seconds(settings["after"], f"{at}.after")
