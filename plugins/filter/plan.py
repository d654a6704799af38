# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dbops.oracle_sessions.plan; its documentation stands in plan.yml."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.module_utils import values
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.registry import find
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import (
    KILL,
    VERBS,
    WAY_OPTIONS,
    check_sql_id,
    parse_way,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import RULE_OPTIONS, parse_rule, saved_rows
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.run import plan_sessions
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Snapshot
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption


def plan(snapshot, rule):
    """What this rule would do to a saved snapshot: planned and refused sessions, and the spared ones with reasons."""
    try:
        options = dict(values.mapping(rule, "rule"))
        values.refuse_null(options)
        verb = options.pop("verb", KILL)
        if verb not in VERBS:
            raise BadOption("verb", f"{verb!r} is not a verb; use one of {', '.join(VERBS)}.")
        way = parse_way(verb, {name: options.pop(name) for name in WAY_OPTIONS[verb] if name in options})
        unknown = sorted(set(options) - set(RULE_OPTIONS))
        if unknown:
            known = (*RULE_OPTIONS, "verb", *WAY_OPTIONS[verb])
            raise BadOption(unknown[0], f"a rule to {verb} has no such option; it has {', '.join(known)}.")
        saved = _snapshot(snapshot)
        dialect = find(saved.database.get("dialect"))
        dialect.assume(saved.database)
        check_sql_id(dialect, way.sql_id)
        planned = plan_sessions(saved, parse_rule(options), way, dialect)
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None
    return {
        "sessions": planned.rows(full=True),
        "spared": planned.spared,
        "counts": planned.counts(),
        "matched": planned.matched,
    }


def _snapshot(result):
    if not isinstance(result, dict) or "sessions" not in result or not isinstance(result.get("database"), dict):
        raise BadOption("plan", "it takes the result of session_info, or its sessions and its database.")
    database = dict(result["database"])
    unavailable = values.members(database.get("unavailable") or ["none"], "database.unavailable")
    reasons = {values.text(key, "database.unavailable"): "the snapshot does not tell it" for key in unavailable}
    return Snapshot(database, saved_rows(result["sessions"], "sessions", whole=True), reasons)


class FilterModule:
    def filters(self):
        return {"plan": plan}
