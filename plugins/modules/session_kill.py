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
    now, or when O(match) does not hold any more or O(exclude) or O(protect) fits by now. A session that was picked by
    C(idle) must not have run anything meanwhile, and one that was picked by C(active), C(sql_active), C(sql_id) or
    C(sql_text) must still be in the same execution of the same statement.
  - On Oracle Database that look and the statement are one PL/SQL block on the server, for 50 sessions in one call.
    Not looked at again are measures of the moment, namely C(event), C(wait_class), C(command), C(temp_mb), C(pga_mb) and
    C(locked_object). Who waits for whom is read again for each 50 sessions as a whole, before their block.
  - On OceanBase, sessions are looked at and sent for in batches of 50. Within a batch, a session may still change
    between the look and its statement. In Oracle mode the statements of a batch go one by one, and what has not been
    sent within half a second is looked at again first.
  - What the server shows decides about the outcome, not what it answers.
  - It acts on Oracle Database, where the statement is C(ALTER SYSTEM KILL SESSION), and on Oracle Database at Amazon RDS,
    where it is C(rdsadmin.rdsadmin_util.kill).
  - It acts on OceanBase as well. In Oracle mode the statement is C(ALTER SYSTEM KILL SESSION) with nothing but the id,
    or C(KILL) where the server does not know that, as before OceanBase 4.0. In MySQL mode it is C(KILL).
options:
  immediate:
    description:
      - Whether the server answers at once and ends the session as soon as it can, without waiting for its client.
      - With V(false) on Oracle Database, the server keeps us waiting for up to 60 seconds while the session is busy, and
        a session that is idle stays listed as killed until its client calls the next time or hangs up. So the sessions
        go one by one, and share O(wait_timeout).
      - OceanBase knows no other way than V(true) and refuses V(false).
    type: bool
    default: true
  force:
    description:
      - Whether the server closes the connection when the session has not ended within its time limit, 5 seconds unless
        O(server_timeout) says otherwise. It takes the place of O(immediate).
      - It exists since Oracle Database 23ai, and without being documented since 12.2, see O(allow_undocumented).
      - On Amazon RDS it ends the server process instead, on any version. Amazon wants it used only after a kill
        without it has failed.
      - OceanBase has none and refuses it.
    type: bool
    default: false
  noreplay:
    description:
      - Whether Application Continuity is kept from replaying on a new session what the killed one was doing. Without
        it, a session of a service that replays may come back under another sid.
      - It exists since Oracle Database 12.1. Before 23ai it takes the place of IMMEDIATE, so O(immediate=false) must go
        with it, and O(force) cannot.
      - Amazon RDS and OceanBase have none and refuse it.
    type: bool
    default: false
  server_timeout:
    description:
      - How many seconds the server itself waits for a session to end before it marks it as killed, or with O(force)
        closes its connection. A whole number. The server's own limit is 0 with O(immediate), 5 with O(force) and 60
        without both.
      - The sessions go one by one, each in a call that may take 10 seconds longer than that.
      - It exists since Oracle Database 23ai, and without being documented since 12.2, see O(allow_undocumented).
      - Amazon RDS and OceanBase have none and refuse it.
    type: raw
  allow_undocumented:
    description:
      - Whether O(force) and O(server_timeout) may be sent to Oracle Database 12.2 to 21c, which take them although
        their documentation does not mention them. Without it they are refused there, before anything is sent.
      - OceanBase refuses it.
    type: bool
    default: false
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
  - A session of Oracle Database that cannot end yet, most often because it rolls back, is marked for kill. It keeps its
    locks until its rollback is over, and nothing that is done to it makes that faster. The result tells how far it is.
  - A session of OceanBase that waits for a lock when it is killed frees its own locks at once, but stays in the list
    as killed for up to 10 seconds, which was measured in MySQL mode. It counts as ended as soon as its transaction is
    over. Before OceanBase 4.0 transactions are not listed, so there it is V(pending) until it is gone.
seealso:
  - module: dbops.oracle_sessions.session_info
  - module: dbops.oracle_sessions.session_disconnect
  - module: dbops.oracle_sessions.sql_cancel
  - plugin: dbops.oracle_sessions.plan
    plugin_type: filter
"""

EXAMPLES = r"""
# These examples act on databases that stand in the inventory like this:
#
#   databases:
#     hosts:
#       shop:
#         oracle_sessions_login_dsn: db1.example.com:1521/shop
#         oracle_sessions_login_user: dbops
#         oracle_sessions_login_password: "{{ vault_shop_password }}"
#       orders:
#         oracle_sessions_dialect: oceanbase
#         oracle_sessions_login_dsn: observer1.example.com:2881
#         oracle_sessions_login_user: dbops@orders
#         oracle_sessions_login_password: "{{ vault_orders_password }}"
#     vars:
#       ansible_connection: local
#       ansible_python_interpreter: "{{ ansible_playbook_python }}"

- name: Kill one session, provided that it is the user's that it should be
  dbops.oracle_sessions.session_kill:
    sid: 30
    serial: 15
    match:
      username: TEST
    comment: CHG0031337

- name: The same where two instances are open
  dbops.oracle_sessions.session_kill:
    sid: 30
    serial: 15
    inst_id: 1

- name: The same on OceanBase, which has no serial#, in MySQL mode
  dbops.oracle_sessions.session_kill:
    sid: 3221487624
    match:
      username: app_web

- name: And in Oracle mode, with the session of the vendor's example
  dbops.oracle_sessions.session_kill:
    sid: 3221487726
    match:
      username: KILL_USER

- name: Show what would be killed, and send nothing
  dbops.oracle_sessions.session_kill:
    match:
      username: APP_*
      idle: 2h
  check_mode: true
  diff: true

- name: Kill what has been idle in a transaction for half an hour, except for the payroll
  dbops.oracle_sessions.session_kill:
    match:
      username: APP_*
      idle: 30m
      in_transaction: true
    exclude:
      - client_info: payroll*
    max_sessions: 50
    max_percent: 25

- name: Kill runaway reports, unless that would undo more than they are worth, and leave long rollbacks to themselves
  dbops.oracle_sessions.session_kill:
    match:
      module: REPORT*
      active: 2h
    max_rollback_records: 1000000
    wait_timeout: 5m
    on_pending: warn
  register: killed

- name: Show how long the rollbacks will take
  ansible.builtin.debug:
    msg: "{{ item.sid }} has {{ item.rollback.records }} undo records left, about {{ item.rollback.eta_seconds }} s"
  loop: "{{ killed.sessions | selectattr('rollback', 'defined') }}"
  loop_control:
    label: "{{ item.sid }}"

- name: Free the waiters, by killing the root of every chain of blockers that has lasted for a minute
  dbops.oracle_sessions.session_kill:
    match:
      root_blocker: true
      blocking_for: 1m
    protect:
      - username: APP_PAYROLL
    limit: 3

- name: Leave each machine its 5 most recently used idle sessions
  dbops.oracle_sessions.session_kill:
    match:
      username: APP_WEB
      status: inactive
    keep: 5
    per: machine
    max_sessions: 200

- name: Close the connections of sessions that do not end by themselves within 20 seconds (Oracle Database 23ai)
  dbops.oracle_sessions.session_kill:
    match:
      username: APP_OLD
    force: true
    server_timeout: 20

- name: List what a user has left idle
  dbops.oracle_sessions.session_info:
    match:
      username: REPORT_7
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
      username: APP_OLD
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
          username: REPORT_*
          idle: 8h
"""

RETURN = r"""
msg:
  description:
    - A line for each of the first 10 sessions, without the skipped ones where there are others, then the counts. When
      the task fails, first the reason; for an option that cannot be used, one sentence that names it and the cure.
  returned: always
  type: str
  sample: |-
    ended: session 30,15,@1 TEST oe15-11gr2.localdomain sqlplus@oe15-11gr2.localdomain (TNS V1-V3) inactive - ALTER SYSTEM KILL SESSION '30,15,@1' IMMEDIATE
    1 matched: 1 ended
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
      description: The dialect in use, which O(dialect=oracle) and O(dialect=oceanbase) are resolved to.
      type: str
      sample: oracle
    version:
      description: The version of the server.
      type: str
      sample: 19.3.0.0.0
    name:
      description: The name of the database, on OceanBase the tenant.
      type: str
      sample: SHOP
    unique_name:
      description: The unique name of the database, DB_UNIQUE_NAME. Always null on OceanBase.
      type: str
      sample: SHOP_A
    dbid:
      description: What tells this database from others, on Oracle Database the DBID, on OceanBase the UUID of the server, or
        O(login_dsn) where the server has none.
      type: str
      sample: "1593214455"
    role:
      description: The role of the database in a replication, DATABASE_ROLE. Always null on OceanBase.
      type: str
      sample: PRIMARY
    platform:
      description: The platform that the database runs on, PLATFORM_NAME. Always null on OceanBase.
      type: str
      sample: Linux x86 64-bit
    instance:
      description:
        - The name of the instance that we are logged in to, on a cluster of OceanBase the node of the login, as
          address:port. Null on seekdb, and through a proxy.
      type: str
      sample: shop1
    instances:
      description: The numbers of the instances that are open. Always empty on OceanBase.
      type: list
      elements: int
      sample: [1, 2]
    host:
      description: The host of the instance, on OceanBase the one that O(login_dsn) names.
      type: str
      sample: db1.example.com
    proxy:
      description:
        - Which session ids the way to a server of OceanBase goes by. Null for a login to a server itself.
        - V(v1) is a way through the proxy ODP with session ids of its own, which no server knows. The ids in this result are
          those of the server. What the proxy would take for itself is refused, that is C(KILL) and C(KILL QUERY). So
          M(dbops.oracle_sessions.sql_cancel) is refused, and M(dbops.oracle_sessions.session_kill) is in MySQL mode and
          before OceanBase 4.0.
        - V(v2) is a way through the proxy ODP with session ids of the whole cluster, where nothing is refused for it.
        - Always null on Oracle Database.
      type: str
      sample: v1
    container:
      description:
        - The part of the database that the login is in, on Oracle Database the container, or the name of the database
          where there are none, on OceanBase the tenant.
      type: str
      sample: SHOPPDB
    all_users:
      description:
        - Whether the login user sees the sessions of other users. If it does not, rules about others are refused, and a
          session that is not listed counts as failed, not as gone. Always true on Oracle Database.
      type: bool
      sample: true
    all_containers:
      description: Whether the login sees the sessions of all containers, so that a rule must name one.
      type: bool
      sample: false
    startup_time:
      description:
        - When the instance started, in ISO 8601 with offset. Null where it cannot be told, which is through a proxy, and
          always in Oracle mode of OceanBase.
        - In MySQL mode of OceanBase it is computed from an uptime in whole seconds, so two readings may differ by a second.
      type: str
      sample: "2026-11-21T07:19:09+00:00"
    taken_at:
      description: When the sessions were read, by the clock of the server, in ISO 8601 with offset.
      type: str
      sample: "2026-11-21T07:19:16.235+00:00"
    unavailable:
      description:
        - The keys of O(match) that this result cannot answer. They are those that the database, its version or the
          login user cannot see. C(process) and C(coordinator) stand among them, too, when they cannot be read.
      type: list
      elements: str
      sample: [client_address]
matched:
  description:
    - How many sessions fit O(match) and no entry of O(exclude), counted before O(keep), O(pick) and O(limit), the
      guards and the limits on a run. With O(sid) or O(sessions), how many of those are there and satisfy O(match).
  returned: when the sessions could be read
  type: int
  sample: 1
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
      sample: 1
    sid:
      description: The id of the session.
      type: int
      sample: 30
    serial:
      description: What tells the session from others that have the same id at other times. Always null on OceanBase.
      type: int
      sample: 15
    username:
      description: The database user.
      type: str
      sample: TEST
    machine:
      description: The client's machine, on OceanBase its network address.
      type: str
      sample: oe15-11gr2.localdomain
    program:
      description: The client's program. Always null on OceanBase.
      type: str
      sample: sqlplus@oe15-11gr2.localdomain (TNS V1-V3)
    status:
      description:
        - The status when the session was first looked at, as RV(dbops.oracle_sessions.session_info#module:sessions[].status).
          For one that was not there, it is null, or what O(sessions) had.
      type: str
      sample: inactive
    verb:
      description: Always V(kill).
      type: str
      sample: kill
    statement:
      description:
        - The statement for it, whether it has been sent or not. Null when none was meant to be sent.
        - On Oracle Database it is executed inside a PL/SQL block. With O(via_procedure) it is the call of that.
        - In MySQL mode of OceanBase it is such as V(KILL 3221487624), in Oracle mode such as
          V(ALTER SYSTEM KILL SESSION '3221487726').
      type: str
      sample: "ALTER SYSTEM KILL SESSION '30,15,@1' IMMEDIATE"
    outcome:
      description:
        - What became of it.
        - V(planned) means that in check mode its statement would be sent. Changed.
        - V(ended) means that its statement was sent and it was seen gone, on OceanBase from 4.0 on also seen killed with
          its transaction over. Changed.
        - V(rolling_back) means that it is killed and still there at the deadline, because its transaction is being
          rolled back, on OceanBase also when only its transaction is still listed. Changed when this run sent something
          for it. It warns unless O(on_pending) says otherwise.
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
          description: The number of the error. In Oracle mode of OceanBase, which wraps errors of its own in ORA-00600 or
            OBE-00600, it is the one inside, such as V(-5251).
          type: int
          sample: 1031
        message:
          description: The text of the error.
          type: str
          sample: "ORA-01031: insufficient privileges"
    waited_seconds:
      description: How many seconds after the first statement of the call its outcome was seen.
      returned: when the server was looked at after the statements
      type: float
      sample: 0.502
    rollback:
      description:
        - How its rollback goes on, from the undo records that it had left at the first look and at the last.
      returned: when the outcome is V(rolling_back) and undo records can be read, so never on OceanBase
      type: dict
      contains:
        records:
          description: The undo records that were left at the last look, those of its parallel servers included.
          type: int
          sample: 48000
        per_second:
          description: How many it has applied in a second. Null when there was one look only.
          type: float
          sample: 2000.0
        eta_seconds:
          description: How many seconds it would take at this rate. Null when there is no rate, or when it is not above 0.
          type: float
          sample: 24.0
    process:
      description:
        - The server process of the session as it was before the statement, on its database host. Afterwards the server
          tells it by a detour only, or not at all.
      returned: when there is one and it can be read, so never on OceanBase
      type: dict
      contains:
        host:
          description: The host of the instance.
          type: str
          sample: db1.example.com
        spid:
          description: The id of the process in its operating system, SPID, as text.
          type: str
          sample: "3859"
        kind:
          description:
            - V(dedicated) is a process that serves this session alone. V(shared), V(pooled) and V(thread) serve others
              as well, V(parallel) and V(job) work for others, V(background) belongs to the server.
          type: str
          sample: dedicated
        oracle_sid:
          description: The name of the instance.
          type: str
          sample: shop1
        logon_seconds:
          description: For how many seconds the session had been logged on when it was first looked at.
          type: float
          sample: 5402.0
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
