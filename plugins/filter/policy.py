# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that the role session_cleanup is built from; each is documented in the .yml file of its name."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.ladder import (
    audit_records,
    next_rung,
    policy_report,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.policy import parse_policy
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption, whole


def policy(rules, max_sessions=20, protect=(), wait_timeout=60):
    """The rules of a policy, checked and with everything that was left out filled in."""
    try:
        return parse_policy(rules, max_sessions, protect, wait_timeout)
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None


def policy_rung(rule, number, steps, max_sessions):
    """What the rung of a rule is to do, given what the run has done so far; empty when nobody is left for it."""
    return next_rung(rule, int(number), steps, whole(max_sessions, "oracle_sessions_max_sessions"))


class FilterModule:
    def filters(self):
        return {
            "policy": policy,
            "policy_rung": policy_rung,
            "policy_report": policy_report,
            "policy_audit": audit_records,
        }
