# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of session_kill from connect to verified, in a process of their own and without Ansible around them.

Usage: python inside.py LOGIN USER COUNT [BATCH]. LOGIN are login options and dialect as JSON, BATCH is how many sessions
go out in a call. Prints one JSON line: seconds from connect to verified, how many sessions ended, and the longest time in
which a session of a batch could change unseen, from asking for it again to the batch's answer.
"""

from __future__ import annotations

import json
import sys
import time

from ansible_collections.dbops.oracle_sessions.plugins.module_utils import act
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.database import Database
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.dialect.registry import find
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import KILL, Way
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import parse_rule
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.run import end_sessions
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.verify import Waiting


class Timed(Database):
    """Takes the time from each look at a batch to the answer to its statements."""

    def __init__(self, *opened: object) -> None:
        self.looked = 0.0
        self.window = 0.0
        super().__init__(*opened)

    def look_up(self, *asked: object) -> dict:
        self.looked = time.perf_counter()
        return super().look_up(*asked)

    def send(self, *sent: object) -> list:
        answer = super().send(*sent)
        self.window = max(self.window, time.perf_counter() - self.looked)
        return answer


def main() -> None:
    login, user, count = json.loads(sys.argv[1]), *sys.argv[2:4]
    act.BATCH = int(sys.argv[4]) if len(sys.argv) > 4 else act.BATCH
    dialect = find(login["dialect"])
    login = {"login_timeout": 10, "call_timeout": 30, **login}
    rule = parse_rule({"match": {"username": user, "idle": 0}, "max_sessions": count})
    started = time.perf_counter()
    with Timed.open(dialect, login) as database:
        report = end_sessions(database, rule, Way(KILL), Waiting(True, 60.0, 0.5))
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "ended": report.counts()["ended"], "window": database.window}))


main()
