# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long to watch what was ended, and how to tell of it; in step with module_utils/options.py, WAITING."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to look again and again until everything is gone or O(wait_timeout) is over. With V(false) the server
        is looked at once after the last statement, and what is still there then counts as still there at the
        deadline.
      - Nothing is waited for when the first look shows that everything is gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - The longest time that sending the statements and waiting for the end of their sessions may take together, counted
        from the first statement. When it is over, the server is looked at once more.
      - Statements are sent all the same when the time is over before their turn, except those on which the server itself
        waits for the session, see O(dbops.oracle_sessions.session_kill#module:immediate) and
        O(dbops.oracle_sessions.session_kill#module:server_timeout). Those are then not sent, and their sessions have
        the outcome V(failed).
      - A number of seconds, or text such as V(90s), V(2m), V(1h).
    type: raw
    default: 60
  wait_interval:
    description:
      - The pause between the first two looks. Each following pause is half as long again as the one before, up to 5
        seconds.
      - A number of seconds, or text such as V(2s). It must be longer than 0.
    type: raw
    default: 0.5
  on_pending:
    description:
      - What becomes of the task when something is still there at the deadline, outcome V(pending) or V(rolling_back).
      - V(ok) says so in the result only, V(warn) warns as well, V(fail) fails the task.
      - Without it, V(pending) fails the task and V(rolling_back) warns. A disconnect with
        O(dbops.oracle_sessions.session_disconnect#module:post_transaction=true) is meant to take its time, so it goes
        by V(ok).
    type: str
    choices: [ok, warn, fail]
  detail:
    description:
      - V(compact) returns of each session what is needed to recognise it, because a run may have thousands.
      - V(full) returns all fields of a row of M(dbops.oracle_sessions.session_info) besides. Statement texts, temporary
        space and locked objects are read only where the rule needs them, and are null otherwise.
    type: str
    choices: [compact, full]
    default: compact
"""
