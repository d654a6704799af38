# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What every dialect offers.

A dialect writes SQL and reads rows; it opens no connection and knows nothing of Ansible.
"""

from __future__ import annotations

import re

from ..values import BadOption

# What a server's error on an end-session statement means.
GONE, MARKED, REFUSED, PRIVILEGE, UNKNOWN, OTHER = "gone", "marked", "refused", "privilege", "unknown", "other"


class Dialect:
    """Statements and error classes as data, queries and rows as small functions.

    A dialect has these functions; what the database does not have it refuses with BadOption:

    - `parse_login(options)`: the Login, from the login options.
    - `introduce(connection, login)`: the dialect that fits the server which answers, and what it says of itself: the
      start of a result's database dictionary.
    - `sessions(ask, keys, sids)`: the server's time, its sessions, and the match keys it cannot answer, with reasons.
    - `check(way)`: refuses a way to end sessions that this server does not know.
    - `statement(way, session)`: the exact statement for one session.
    - `send(connection, steps, matching, sparing, seconds)`: sends the statements of these steps, for a rule that matches
      and spares by these keys, and returns the server's Answers to as many of them as it has dealt with. What lies behind
      them was not carried out, and comes again.

    A dialect that has instances also has:

    - `instance_name(inst_id)`: its name, None for one that was not open at the login.
    - `reached(connection)`: the instance that a connection is on.

    One on which accounts can be set up (session_account) also has:

    - `access(connection, about)`: what its accounts may do, and the statements that change it.
    - `access_of(version, cluster, account)`: the same for a server that nobody asks.

    One that hides killed sessions (`hides_killed`) also has:

    - `rolling_back(ask, sids)`: which of these ids have a transaction that is not over, listed or not, and why that cannot be
      seen, None if it can.

    One that shows how transactions of dead processes are recovered has `recovering(ask)`: a list of dictionaries.

    `connection` and its `ask` are those of the driver that the dialect names.
    """

    name = ""
    driver = ""
    # The largest session id that the server can tell from another one.
    largest_sid = 0
    has_serial = False
    has_instances = False
    error_classes: dict = {}
    # What an error of that class means to the reader of the result, where the server's own text does not say it.
    advice: dict = {}
    # Whether a session that is listed as killed, without a transaction, counts as ended.
    killed_is_ended = False
    # Whether a killed session may be listed no more while its transaction still rolls back.
    hides_killed = False
    # Why a session may be listed although the server answers that it knows no such session.
    unknown_although_listed = ""
    sql_id_form: re.Pattern
    sql_id_shape = ""

    def __init__(self):
        self.version: tuple[int, ...] = ()

    def assume(self, database):
        """Goes by what the database dictionary of a saved result tells, where no server is asked."""
        self.version = tuple(int(part) for part in re.findall(r"[0-9]+", database.get("version") or ""))

    def classify(self, code):
        """The class of a server's error code on an end-session statement."""
        return self.error_classes.get(code, OTHER)

    def doubts(self, way, sessions):
        """Why the statements for these sessions might be refused, as far as the login tells; for a run in check mode."""
        return []

    def misreads(self, sid):
        """Why a session may live that has this id for its client, and is not listed by it; None where that cannot be."""
        return None

    def looks_first(self, matching, sparing):
        """Whether sessions must be read again before their statements are sent, for a rule that matches by some keys and
        excludes or protects by others.

        If not, the statements themselves look whether their session is still what it was.
        """
        return True

    def lives_here(self, session):
        """Whether it is sure to end when the server that we are logged in to is restarted."""
        return True

    def instance_for(self, way, session):
        """The instance that the statement must be sent on, None for the one we are on."""
        return None

    def recovering(self, ask):
        raise BadOption("include", f"{self.name} does not show the recovery of dead transactions; leave recovery out.")
