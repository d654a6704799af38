# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dbops.oracle_sessions.blocking_tree; its documentation stands in blocking_tree.yml."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.blocking import tree
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import saved_rows
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption


def blocking_tree(snapshot):
    """Who blocks whom, as text, from a result of session_info or from its rows."""
    rows = snapshot.get("sessions") if isinstance(snapshot, dict) else snapshot
    try:
        return tree(saved_rows(rows, "blocking_tree"))
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self):
        return {"blocking_tree": blocking_tree}
