#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_kill
short_description: Kill database sessions
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Kills the sessions that are named or that satisfy a rule, and looks until they are gone. Their transactions are
    rolled back.
  - Guards that are on by default hold back sessions that must not die, and refuse a run that would end too many, see
    O(allow), O(protect) and O(max_sessions).
  - Right before its statement is sent, each session is looked at again. It is left alone when it is another one by
    now, when O(match) does not hold any more, or when it fits O(exclude) or O(protect) by now. A session that was
    picked by C(idle) must not have run anything meanwhile, and one that was picked by C(active), C(sql_active),
    C(sql_id) or C(sql_text) must still be in the same execution of the same statement.
  - Sessions are looked at and sent for in batches of 50. Within a batch, a session may still change between the look
    and its statement.
  - What the server shows decides about the outcome, not what it answers.
  - This version acts on MySQL-mode tenants of OceanBase, where the statement is C(KILL).
extends_documentation_fragment:
  - dbops.oracle_sessions.login
  - dbops.oracle_sessions.target
  - dbops.oracle_sessions.match
  - dbops.oracle_sessions.guards.protect
  - dbops.oracle_sessions.guards
  - dbops.oracle_sessions.waiting
  - dbops.oracle_sessions.attributes.acting
notes:
  - Give exactly one of O(sid), O(sessions) and O(match). O(match) may accompany the other two.
  - A session of OceanBase that waits for a lock when it is killed frees its own locks at once, but stays in the list
    as killed for up to 10 seconds. It counts as ended as soon as its transaction is over.
seealso:
  - module: dbops.oracle_sessions.session_info
  - module: dbops.oracle_sessions.sql_cancel
  - plugin: dbops.oracle_sessions.plan
    plugin_type: filter
"""

EXAMPLES = r"""
# These examples act on a database that stands in the inventory like this:
#
#   databases:
#     hosts:
#       shop:
#         ansible_connection: local
#         ansible_python_interpreter: "{{ ansible_playbook_python }}"
#         oracle_sessions_dialect: oceanbase
#         oracle_sessions_login_dsn: db1.example.com:2881
#         oracle_sessions_login_user: dbops@shop
#         oracle_sessions_login_password: "{{ vault_shop_password }}"

- name: Kill one session, provided that it is the user's that it should be
  dbops.oracle_sessions.session_kill:
    sid: 3221487624
    match:
      username: app_web
    comment: CHG0031337

- name: Show what would be killed, and send nothing
  dbops.oracle_sessions.session_kill:
    match:
      username: app_*
      idle: 2h
  check_mode: true
  diff: true

- name: Kill what has been idle in a transaction for half an hour, except for the payroll
  dbops.oracle_sessions.session_kill:
    match:
      username: app_*
      idle: 30m
      in_transaction: true
    exclude:
      - client_info: payroll*
    max_sessions: 50
    max_percent: 25

- name: Free the waiters, by killing the root of every chain of blockers that has lasted for a minute
  dbops.oracle_sessions.session_kill:
    match:
      root_blocker: true
      blocking_for: 1m
    protect:
      - username: app_payroll
    limit: 3

- name: Leave each machine its 5 most recently used idle sessions
  dbops.oracle_sessions.session_kill:
    match:
      username: app_web
      status: inactive
    keep: 5
    per: machine
    max_sessions: 200

- name: List what a user has left idle
  dbops.oracle_sessions.session_info:
    match:
      username: report_7
      idle: 1h
  register: listed

- name: Kill exactly those that were listed, for example after an approval, unless they have run anything since
  dbops.oracle_sessions.session_kill:
    sessions: "{{ listed }}"
    match:
      idle: 1h
    detail: full

- name: Kill an account's sessions without waiting for their end, and go by what became of them
  dbops.oracle_sessions.session_kill:
    match:
      username: app_old
    wait: false
    on_pending: ok
  register: result

- name: Show the sessions that are still there
  ansible.builtin.debug:
    msg: "{{ result.sessions | selectattr('outcome', 'in', ['pending', 'rolling_back']) | map(attribute='sid') }}"

- name: Set options once for several tasks
  module_defaults:
    group/dbops.oracle_sessions.acting:
      comment: nightly clean-up
      wait_timeout: 2m
      on_pending: warn
  block:
    - name: Kill the reports that nobody reads any more
      dbops.oracle_sessions.session_kill:
        match:
          username: report_*
          idle: 8h
"""

RETURN = r"""
msg:
  description:
    - A line for each of the first 10 sessions, without the skipped ones where there are others, then the counts. When
      the task fails, first the reason; for an option that cannot be used, one sentence that names it and the cure.
  returned: always
  type: str
  sample: "ended: session 3221487624 app_web 10.0.1.7 inactive - KILL 3221487624\n1 matched: 1 ended"
changed:
  description: Whether a session has an outcome that counts as changed, see RV(sessions[].outcome).
  returned: always
  type: bool
database:
  description: The database that the sessions live in.
  returned: when the sessions could be read
  type: dict
  contains:
    dialect:
      description: The dialect in use, which O(dialect=oceanbase) is resolved to.
      type: str
      sample: oceanbase_mysql
    version:
      description: The version of the server.
      type: str
      sample: 4.3.5.3
    name:
      description: The name of the database, on OceanBase the tenant.
      type: str
      sample: shop
    unique_name:
      description: The unique name of the database. Always null on OceanBase.
      type: str
    dbid:
      description: What tells this database from others, on OceanBase the UUID of the server.
      type: str
      sample: d803429a-e57b-11f1-9da1-02fc00000001
    role:
      description: The role of the database in a replication. Always null on OceanBase.
      type: str
    instance:
      description: The name of the instance, on a cluster of OceanBase the node of the login, as address:port. Null on seekdb.
      type: str
    host:
      description: The host of the server, on OceanBase the one that O(login_dsn) names.
      type: str
      sample: db1.example.com
    container:
      description: The part of the database that the login is in, on OceanBase the tenant.
      type: str
      sample: shop
    all_users:
      description:
        - Whether the login user sees the sessions of other users. If it does not, rules about others are refused, and a
          session that is not listed counts as failed, not as gone.
      type: bool
    all_containers:
      description: Whether the login sees the sessions of all containers, so that a rule must name one.
      type: bool
      sample: false
    startup_time:
      description:
        - When the server started, in ISO 8601 with offset. Null where it cannot be told.
        - On OceanBase it is computed from an uptime in whole seconds, so two readings may differ by a second.
      type: str
      sample: "2026-11-21T07:19:09.039+00:00"
    taken_at:
      description: When the sessions were read, by the clock of the server, in ISO 8601 with offset.
      type: str
      sample: "2026-11-21T07:19:16.235+00:00"
    unavailable:
      description:
        - The keys of O(match) that this result cannot answer. They are those that the database, its version or the
          login user cannot see.
      type: list
      elements: str
      sample: [logon_age, os_user, program]
matched:
  description:
    - How many sessions fit O(match) and no entry of O(exclude), counted before O(keep), O(pick) and O(limit), the
      guards and the limits on a run. With O(sid) or O(sessions), how many of those are there and satisfy O(match).
  returned: when the sessions could be read
  type: int
  sample: 4
comment:
  description: What O(comment) says, or null.
  returned: when the sessions could be read
  type: str
sessions:
  description:
    - What became of each session that the rule picked or that was asked for. O(detail=full) adds the other fields of
      RV(dbops.oracle_sessions.session_info#module:sessions).
  returned: when the sessions could be read, also when the task fails
  type: list
  elements: dict
  contains:
    inst_id:
      description: The instance that the session lives on. Always null on OceanBase.
      type: int
    sid:
      description: The id of the session.
      type: int
      sample: 3221487624
    serial:
      description: What tells the session from others that have the same id at other times. Always null on OceanBase.
      type: int
    username:
      description: The database user.
      type: str
      sample: app_web
    machine:
      description: The client's machine, on OceanBase its network address.
      type: str
      sample: 10.0.1.7
    program:
      description: The client's program. Always null on OceanBase.
      type: str
    status:
      description:
        - The status when the session was first looked at, V(active), V(inactive) or V(killed). For one that was not
          there, it is null, or what O(sessions) had.
      type: str
      sample: inactive
    verb:
      description: Always V(kill).
      type: str
      sample: kill
    statement:
      description:
        - The statement for it, whether it has been sent or not. Null when none was meant to be sent.
      type: str
      sample: KILL 3221487624
    outcome:
      description:
        - What became of it.
        - V(planned) means that in check mode its statement would be sent. Changed.
        - V(ended) means that its statement was sent and it was seen gone, or seen killed with its transaction over.
          Changed.
        - V(rolling_back) means that it is killed and still there at the deadline, because its transaction is being
          rolled back. Changed when this run sent something for it. It warns unless O(on_pending) says otherwise.
        - V(pending) means that it is still there at the deadline, with nothing to roll back. Changed when this run
          sent something for it. It fails the task unless O(on_pending) says otherwise.
        - V(gone) means that there was no such session when it was looked at or when its turn came. Not changed.
        - V(refused) means that a guard, a limit or the server refuses it, and nothing was done to it. Not changed. It
          fails the task when the session was named by O(sid) or O(sessions), or when the whole run is refused.
        - V(skipped) means that it was left alone, because it does not satisfy O(match), fits O(exclude), is one of
          O(closed_sessions), or changed before its turn came. Not changed.
        - V(failed) means that the server answered with another error, or that the connection was lost for good before
          the end was seen. Not changed. It fails the task, after all other sessions have been tried.
      type: str
      sample: ended
    reason:
      description: The outcome in words, for a refused session the guard and why it holds the session back.
      type: str
      sample: seen gone
    error:
      description: The error that the server answered the statement with.
      returned: when it did
      type: dict
      contains:
        code:
          description: The number of the error.
          type: int
          sample: 1095
        message:
          description: The text of the error.
          type: str
          sample: You are not owner of thread 3221487624
    waited_seconds:
      description: How many seconds after the last statement its outcome was seen.
      returned: when the server was looked at after the statements
      type: float
      sample: 0.502
counts:
  description: How many sessions have which outcome, with every outcome there is as a key. V(unchanged) belongs to
    M(dbops.oracle_sessions.sql_cancel) and is always 0 here.
  returned: when the sessions could be read
  type: dict
  sample:
    planned: 0
    ended: 1
    pending: 0
    rolling_back: 0
    gone: 0
    unchanged: 0
    refused: 0
    skipped: 0
    failed: 0
diff:
  description: The sessions before and after, one line each.
  returned: in diff mode
  type: dict
  contains:
    before_header:
      description: What the lines are.
      type: str
      sample: sessions
    after_header:
      description: What the lines are.
      type: str
      sample: sessions
    before:
      description: The sessions that were there.
      type: str
    after:
      description: The same, without those that have ended or would end.
      type: str
"""

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import KILL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import end_module


def main():
    end_module(KILL)


if __name__ == "__main__":
    main()
