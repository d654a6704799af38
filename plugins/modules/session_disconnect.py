#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_disconnect
short_description: Disconnect database sessions, at once or after their transactions
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Ends the server processes of the sessions that are named or that satisfy a rule, where a kill asks a session to end
    itself. With O(post_transaction) each session is left to finish its transaction first.
  - Guards that are on by default hold back sessions that must not die, and refuse a run that would end too many, see
    O(allow), O(protect) and O(max_sessions).
  - Right before its statement is sent, each session is looked at again. It is left alone when it is another one by
    now, or when O(match) does not hold any more or O(exclude) or O(protect) fits by now. A session that was picked by
    C(idle) must not have run anything meanwhile, and one that was picked by C(active), C(sql_active), C(sql_id) or
    C(sql_text) must still be in the same execution of the same statement.
  - On Oracle Database that look and the statement are one PL/SQL block on the server, for 50 sessions in one call.
    Not looked at again are measures of the moment, namely C(event), C(wait_class), C(command), C(temp_mb), C(pga_mb) and
    C(locked_object). Who waits for whom is read again for each 50 sessions as a whole, before their block.
  - What the server shows decides about the outcome, not what it answers.
  - It acts on Oracle Database, where the statement is C(ALTER SYSTEM DISCONNECT SESSION), and on Oracle Database at
    Amazon RDS, where it is C(rdsadmin.rdsadmin_util.disconnect). OceanBase has nothing like it in either mode, and is
    refused before anything is sent; use M(dbops.oracle_sessions.session_kill), which ends the connection there as well.
  - The statement names no instance. For a session on another instance than ours, the module logs in there as well, by
    the name of that instance and with the same options. Where O(login_dsn) does not lead to it, the session is
    V(refused), and the reason says where it led.
options:
  post_transaction:
    description:
      - Whether to let each session finish its open transaction. The server answers at once and disconnects the session
        when its transaction is committed or rolled back, which may be never. A session without one ends like after a
        kill without C(IMMEDIATE).
      - What is still in its transaction when O(wait_timeout) is over has the outcome V(pending), which does not fail
        the task unless O(on_pending) says so. The server's documentation names nothing that would show the mark. As
        long as such a session is not listed as killed, a later run sends the statement again, and that counts as
        changed.
      - O(wait=false) is enough when nobody is interested in how the transactions end.
    type: bool
    default: false
  immediate:
    description:
      - Whether to disconnect at once. Open transactions are rolled back.
      - Without it, that is V(true), unless O(post_transaction) or O(noreplay) is set. V(false) needs one of these.
      - Together with O(post_transaction), a session that has a transaction is left to finish it, and any other is
        disconnected at once.
    type: bool
  noreplay:
    description:
      - Whether Application Continuity is kept from replaying on a new session what this one was doing.
      - It exists in Oracle Database 12.1 to 21c, where it takes the place of O(immediate). Other versions and Amazon
        RDS refuse it.
      - The syntax diagrams allow it without O(post_transaction). Whether the server does is not known.
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
  - The database must be open.
  - With O(via_procedure) the procedure is called on our own instance, and sees to other instances itself.
seealso:
  - module: dbops.oracle_sessions.session_info
  - module: dbops.oracle_sessions.session_kill
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
#         oracle_sessions_login_dsn: db1.example.com:1521/shop
#         oracle_sessions_login_user: dbops
#         oracle_sessions_login_password: "{{ vault_shop_password }}"
#     vars:
#       ansible_connection: local
#       ansible_python_interpreter: "{{ ansible_playbook_python }}"

- name: Disconnect one session at once
  dbops.oracle_sessions.session_disconnect:
    sid: 30
    serial: 15

- name: Let one session finish what it has begun, and wait for that for up to 10 minutes
  dbops.oracle_sessions.session_disconnect:
    sid: 30
    serial: 15
    inst_id: 1
    post_transaction: true
    wait_timeout: 10m

- name: Ask the sessions of an application to go, before its service is moved
  dbops.oracle_sessions.session_disconnect:
    match:
      username: APP_*
      service: SHOP
    post_transaction: true
    immediate: true
    max_sessions: 500
    wait_timeout: 5m
    detail: full
  register: asked

- name: Disconnect at once those that were still in their transactions
  dbops.oracle_sessions.session_disconnect:
    sessions:
      sessions: "{{ asked.sessions | selectattr('outcome', 'equalto', 'pending') }}"
      database: "{{ asked.database }}"
    max_sessions: 500

- name: Show what would be disconnected, and send nothing
  dbops.oracle_sessions.session_disconnect:
    match:
      machine: oe15-11gr2.localdomain
      idle: 1d
  check_mode: true
  diff: true
"""

RETURN = r"""
msg:
  description:
    - A line for each of the first 10 sessions, without the skipped ones where there are others, then the counts. When
      the task fails, first the reason; for an option that cannot be used, one sentence that names it and the cure.
  returned: always
  type: str
  sample: |-
    ended: session 30,15,@1 TEST oe15-11gr2.localdomain sqlplus@oe15-11gr2.localdomain (TNS V1-V3) inactive - ALTER SYSTEM DISCONNECT SESSION '30,15' IMMEDIATE
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
      description: Always V(disconnect).
      type: str
      sample: disconnect
    statement:
      description:
        - The statement for it, whether it has been sent or not. Null when none was meant to be sent.
        - It is executed inside a PL/SQL block. With O(via_procedure) it is the call of that.
      type: str
      sample: "ALTER SYSTEM DISCONNECT SESSION '30,15' IMMEDIATE"
    outcome:
      description:
        - What became of it.
        - V(planned) means that in check mode its statement would be sent. Changed.
        - V(ended) means that its statement was sent and it was seen gone. Changed.
        - V(pending) means that it is still there at the deadline. After O(post_transaction) that is what a session does
          whose transaction is open still; it will be disconnected when that ends. Changed when this run sent something
          for it. It fails the task unless O(on_pending) says otherwise, and after O(post_transaction) it does not.
        - V(rolling_back) means that it is killed and still there at the deadline, because its transaction is being
          rolled back. Changed when this run sent something for it. It warns unless O(on_pending) says otherwise, and
          after O(post_transaction) it does not.
        - V(gone) means that there was no such session when it was looked at or when its turn came. Not changed.
        - V(refused) means that a guard, a limit or the server refuses it, or that it lives on an instance to which
          O(login_dsn) does not lead. Nothing was done to it. Not changed. It fails the task when the session was named
          by O(sid) or O(sessions), or when the whole run is refused.
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

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import DISCONNECT
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import end_module


def main():
    end_module(DISCONNECT)


if __name__ == "__main__":
    main()
