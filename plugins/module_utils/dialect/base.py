# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What every dialect offers, and how one is found by its name.

A dialect writes SQL and reads rows; it opens no connection and knows nothing of Ansible. It is handed `ask`, which
takes a list of queries, sends them in one round trip and returns one list of rows for each.
"""

from __future__ import annotations

from ..values import BadOption

# Contract names; those that are not built yet are refused by name, so that nobody wonders about a typing error.
DIALECTS = ("oracle", "oracle_rds", "oceanbase", "oceanbase_oracle", "oceanbase_mysql")

GONE, REFUSED, PRIVILEGE, OTHER = "gone", "refused", "privilege", "other"


class Dialect:
    """Statements and error classes as data, queries and rows as small functions."""

    name = ""
    # The largest session id that the server can tell from another one.
    largest_sid = 0
    has_serial = False
    has_instances = False
    error_classes: dict = {}

    def statement(self, verb, session):
        """The exact statement for a verb of plan.VERBS; raises BadOption for a verb that the dialect does not have."""
        raise NotImplementedError

    def classify(self, code):
        """The class of a server's error code on an end-session statement."""
        return self.error_classes.get(code, OTHER)


def find(name):
    """The dialect of a name; raises BadOption for one that this version does not act on yet."""
    if name in ("oceanbase", "oceanbase_mysql"):
        # Imported here: whoever uses one dialect does not load the others.
        from .oceanbase_mysql import OceanBaseMySQL

        return OceanBaseMySQL()
    if name in DIALECTS:
        raise BadOption(
            "dialect",
            f"{name} comes with a later version of this collection; this one acts on oceanbase_mysql, or oceanbase.",
        )
    raise BadOption("dialect", f"there is no {name!r}; use one of {', '.join(DIALECTS)}.")
