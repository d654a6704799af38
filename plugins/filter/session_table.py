# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dbops.oracle_sessions.session_table; its documentation stands in session_table.yml."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import saved_rows
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.table import table
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption


def session_table(snapshot):
    """The sessions of a result of session_info, or of its rows, as a table."""
    rows = snapshot.get("sessions") if isinstance(snapshot, dict) else snapshot
    try:
        return table(saved_rows(rows, "session_table"))
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self):
        return {"session_table": session_table}
