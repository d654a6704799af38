# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What every dialect offers.

A dialect writes SQL and reads rows; it opens no connection and knows nothing of Ansible. It is handed `ask`, which
takes a list of queries, sends them in one round trip and returns one list of rows for each.
"""

from __future__ import annotations

# What a server's error on an end-session statement means.
GONE, REFUSED, PRIVILEGE, UNKNOWN, OTHER = "gone", "refused", "privilege", "unknown", "other"


class Dialect:
    """Statements and error classes as data, queries and rows as small functions.

    A dialect has `introduce(ask, login)`, `sessions(ask, keys, sids)` and `statement(verb, session)`; what it does
    not have it refuses with BadOption.
    """

    name = ""
    # The largest session id that the server can tell from another one.
    largest_sid = 0
    has_serial = False
    has_instances = False
    error_classes: dict = {}
    # Whether a session that is listed as killed, without a transaction, counts as ended.
    killed_is_ended = False

    def classify(self, code):
        """The class of a server's error code on an end-session statement."""
        return self.error_classes.get(code, OTHER)
