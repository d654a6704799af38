# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Policies: lists of rules with ladders of verbs. Read once, strictly, before anything is sent. Pure."""

from __future__ import annotations

from . import values
from .match import parse_matches
from .plan import CANCEL, DISCONNECT, KILL, WAY_OPTIONS, parse_way
from .process_rung import PROCESS_KILL, SETTINGS, check_settings
from .rule import RULE_OPTIONS, parse_rule
from .values import BadOption

OPTION = "oracle_sessions_policy"
RUNGS = (CANCEL, DISCONNECT, KILL, PROCESS_KILL)
# From the gentlest to the hardest, a ladder only ever goes up: a disconnect that waits for the transaction comes before a
# kill, one that does not wait ends the process that a kill only asks to end itself.
_GENTLE_DISCONNECT = "disconnect with post_transaction"
_ORDER = (CANCEL, _GENTLE_DISCONNECT, KILL, DISCONNECT, PROCESS_KILL)
# What each rung leaves, where that is not killed: a process that still works for somebody is not ended.
_LEAVES_ALIVE = {
    None: "it ends what the database was told to end and has not",
    CANCEL: "what a cancel leaves is not killed, and goes on with its work",
    _GENTLE_DISCONNECT: "what waits for the end of its transaction is not killed",
}


def parse_policy(raw, max_sessions=20, protect=(), wait_timeout=60):
    """The rules of a policy, each as {name, options, rungs}.

    `options` are the options of the modules, the role's limit and protection included. Each rung is {verb, way,
    after_seconds, wait_timeout, on_pending}, `way` being options of the verb's module, times in seconds: it waits for its sessions until the next rung's turn,
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
    highest = -1
    for index, entry in enumerate(values.members(raw, where)):
        at = f"{where}[{index}]" if isinstance(raw, (list, tuple)) else where
        verb, way, after = _rung(entry, at, index == 0, patience)
        step = _ORDER.index(_GENTLE_DISCONNECT if way.get("post_transaction") else verb)
        if step <= highest:
            raise BadOption(
                at,
                f"{_ORDER[step]} cannot follow {_ORDER[highest]}; a ladder goes up, in the order {', '.join(_ORDER)}.",
            )
        if verb == PROCESS_KILL:
            _refuse_alive(at, _ORDER[highest] if rungs else None)
        highest = step
        if rungs:
            # What a process kill leaves aside, because it rolls back, nobody speaks of after this.
            rungs[-1].update(wait_timeout=after, on_pending="warn" if verb == PROCESS_KILL else "ok")
        rungs.append({"verb": verb, "way": way, "after_seconds": after, "wait_timeout": patience, "on_pending": None})
    return rungs


def _refuse_alive(where, before):
    if before in _LEAVES_ALIVE:
        raise BadOption(where, f"{PROCESS_KILL} must come right after a kill or a disconnect: {_LEAVES_ALIVE[before]}.")


def _rung(entry, where, first, patience):
    """The verb of a rung, the options of its module, and how many seconds after the rung before it has its turn."""
    settings: dict = {}
    verb = entry
    if isinstance(entry, dict):
        if len(entry) != 1:
            raise BadOption(where, f"{values.shown(entry)} is not one rung; write a verb, or {{kill: {{after: 60s}}}}.")
        ((verb, settings),) = entry.items()
    if verb not in RUNGS:
        raise BadOption(where, f"{values.shown(verb)} is not a verb; this version has {', '.join(RUNGS)}.")
    if not isinstance(entry, dict):
        return verb, {}, 0.0 if first else patience
    at = f"{where}.{verb}"
    settings = dict(values.mapping(settings, at))
    values.refuse_null(settings, f"{at}.")
    after = settings.pop("after", None)
    # A rule says which statement to cancel by its match.
    known = SETTINGS if verb == PROCESS_KILL else [name for name in WAY_OPTIONS[verb] if name != "sql_id"]
    for name in settings:
        if name not in known:
            raise BadOption(f"{at}.{name}", f"a rung has no such setting; {verb} has {', '.join(('after', *known))}.")
    try:
        check_settings(settings) if verb == PROCESS_KILL else parse_way(verb, settings)
    except BadOption as error:
        raise BadOption(f"{at}.{error.option}", str(error)[len(f"{error.option}: ") :]) from None
    if after is None:
        return verb, settings, 0.0 if first else patience
    if first:
        raise BadOption(f"{at}.after", "there is nothing before the first rung to wait for; leave it out.")
    return verb, settings, values.seconds(after, f"{at}.after")
