# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dbops.oracle_sessions.plan; its documentation stands in plan.yml."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.module_utils import values
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.registry import find
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import KILL, VERBS, check_sql_id
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
        sql_id = options.pop("sql_id", None)
        unknown = sorted(set(options) - set(RULE_OPTIONS))
        if unknown:
            raise BadOption(
                unknown[0], f"a rule has no such option; it has {', '.join((*RULE_OPTIONS, 'verb', 'sql_id'))}."
            )
        if verb not in VERBS:
            raise BadOption("verb", f"{verb!r} is not a verb; use one of {', '.join(VERBS)}.")
        saved = _snapshot(snapshot)
        dialect = find(saved.database.get("dialect"))
        check_sql_id(dialect, None if sql_id is None else values.text(sql_id, "sql_id"))
        planned = plan_sessions(saved, parse_rule(options), verb, dialect, sql_id)
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
