#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sql_cancel
short_description: Cancel the statement that a database session runs
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Cancels what the sessions run that are named or that satisfy a rule, and looks until it runs no more. The sessions
    live on, with their earlier changes, their transactions and their locks.
  - A session that runs nothing stays as it is, and nothing is sent.
  - Guards that are on by default hold back sessions that must not be touched, and refuse a run that would cancel too
    many, see O(allow), O(protect) and O(max_sessions).
  - Right before its statement is sent, each session is looked at again. It is left alone when it is another one by
    now, when it is not in the same execution of the same statement any more, or when O(match) does not hold any more or
    O(exclude) or O(protect) fits by now.
  - On Oracle Database that look and the statement are one PL/SQL block on the server, for 50 sessions in one call.
    Not looked at again are measures of the moment, namely C(event), C(wait_class), C(command), C(temp_mb), C(pga_mb) and
    C(locked_object). Who waits for whom is read again for each 50 sessions as a whole, before their block.
  - On OceanBase, sessions are looked at and sent for in batches of 50. Within a batch, a session may still change
    between the look and its statement. In Oracle mode the statements of a batch go one by one, which takes a round
    trip each.
  - What the server shows decides about the outcome, not what it answers.
  - It acts on Oracle Database from 18c on, where the statement is C(ALTER SYSTEM CANCEL SQL), on Oracle Database at
    Amazon RDS from 19c on, where it is C(rdsadmin.rdsadmin_util.cancel), and on OceanBase from 4.0 on, where it is
    C(KILL QUERY) in both modes. An older OceanBase does not list a C(sql_id), so there each session is V(refused).
options:
  sql_id:
    description:
      - Cancel only where this statement runs. A session that runs another one stays as it is.
      - It is written as in RV(dbops.oracle_sessions.session_info#module:sessions[].sql_id), on Oracle Database as 13
        characters of V(0) to V(9) and V(a) to V(z), on OceanBase as 32 characters of V(0) to V(9) and V(A) to V(F).
        Anything else is refused. On OceanBase, statements that differ only in constants have the same.
      - Without it, what runs when the session is first looked at is cancelled. On Oracle Database the statement always
        names the sql_id, because without one it would cancel whatever the session runs next.
    type: str
  allow_undocumented:
    description:
      - Whether to cancel on Oracle Database 12.2, which knows the statement although its documentation does not mention
        it. Without it that version is refused before anything is sent. On any other server it changes nothing.
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
  - On Oracle Database a statement that sleeps in C(DBMS_SESSION.SLEEP) or C(DBMS_LOCK.SLEEP) ends only after that.
  - A session of OceanBase that waits for a lock may take up to 10 seconds to notice that its statement was cancelled,
    which was measured in MySQL mode.
  - Behind a proxy of OceanBase with session ids of its own, a cancel is refused before anything is sent, see
    RV(database.proxy). Log in to a server itself.
seealso:
  - module: dbops.oracle_sessions.session_info
  - module: dbops.oracle_sessions.session_kill
  - module: dbops.oracle_sessions.session_disconnect
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

- name: Cancel reports that have run for half an hour
  dbops.oracle_sessions.sql_cancel:
    match:
      username: REPORT_*
      active: 30m

- name: Cancel what one session runs, whatever it is
  dbops.oracle_sessions.sql_cancel:
    sid: 30
    serial: 15

- name: Cancel one statement of one session, and leave the session alone if it runs another one by now
  dbops.oracle_sessions.sql_cancel:
    sid: 30
    serial: 15
    sql_id: 7ws837zynp1zv

- name: The same on OceanBase, which has no serial#
  dbops.oracle_sessions.sql_cancel:
    sid: 3221487624
    sql_id: E16B9A98D6762EA3334113F3FED6237F

- name: Show what would be cancelled, and send nothing
  dbops.oracle_sessions.sql_cancel:
    match:
      sql_text: "*CARTESIAN_REPORT*"
  check_mode: true
  diff: true

- name: Cancel a statement wherever it runs, and go on when it does not end
  dbops.oracle_sessions.sql_cancel:
    match:
      sql_id: 7ws837zynp1zv
    max_sessions: 100
    wait_timeout: 30
    on_pending: warn
    detail: full
  register: result

- name: Kill the sessions in which it still runs
  dbops.oracle_sessions.session_kill:
    sessions:
      sessions: "{{ result.sessions | selectattr('outcome', 'equalto', 'pending') }}"
      database: "{{ result.database }}"
"""

RETURN = r"""
msg:
  description:
    - A line for each of the first 10 sessions, without the skipped ones where there are others, then the counts. When
      the task fails, first the reason; for an option that cannot be used, one sentence that names it and the cure.
  returned: always
  type: str
  sample: |-
    ended: session 30,15,@1 TEST oe15-11gr2.localdomain sqlplus@oe15-11gr2.localdomain (TNS V1-V3) active - ALTER SYSTEM CANCEL SQL '30, 15, @1, 7ws837zynp1zv'
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
      sample: active
    verb:
      description: Always V(cancel).
      type: str
      sample: cancel
    statement:
      description:
        - The statement for it, whether it has been sent or not. Null when none was meant to be sent.
        - On Oracle Database it is executed inside a PL/SQL block. With O(via_procedure) it is the call of that.
        - On OceanBase it is such as V(KILL QUERY 3221487624).
      type: str
      sample: "ALTER SYSTEM CANCEL SQL '30, 15, @1, 7ws837zynp1zv'"
    outcome:
      description:
        - What became of it.
        - V(planned) means that in check mode its statement would be sent. Changed.
        - V(ended) means that its statement was sent and the execution was seen over, or the session was seen gone.
          Changed.
        - V(rolling_back) means that the session was killed by somebody and is still there at the deadline, because
          its transaction is being rolled back. Changed when this run sent something for it. It warns unless
          O(on_pending) says otherwise.
        - V(pending) means that the execution still runs at the deadline. Changed when this run sent something for it.
          It fails the task unless O(on_pending) says otherwise.
        - V(gone) means that there was no such session when it was looked at or when its turn came. Not changed.
        - V(unchanged) means that it runs nothing, not O(sql_id), or another execution by now. Nothing was sent. Not
          changed.
        - V(refused) means that a guard, a limit or the server refuses it, or that it runs something without a sql_id,
          which cannot be told from what it runs next. Nothing was done to it. Not changed. It fails the task when the
          session was named by O(sid) or O(sessions), or when the whole run is refused.
        - V(skipped) means that it was left alone, because it does not satisfy O(match), fits O(exclude), is one of
          O(closed_sessions), or changed before its turn came. Not changed.
        - V(failed) means that the server answered with another error, or that the connection was lost for good before
          the end was seen. Not changed. It fails the task, after all other sessions have been tried.
      type: str
      sample: ended
    reason:
      description: The outcome in words, for a refused session the guard and why it holds the session back.
      type: str
      sample: the statement runs no more; the session lives on
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
  description: How many sessions have which outcome, with every outcome there is as a key.
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
      description: The same, without the statements that have ended or would end.
      type: str
"""

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import end_module


def main():
    end_module(CANCEL)


if __name__ == "__main__":
    main()
