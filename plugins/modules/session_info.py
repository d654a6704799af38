#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_info
short_description: List database sessions
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Lists the sessions of a database that satisfy a rule, or all of them, with what they run, what they wait for, whom
    they block, and which guard would protect them from being ended.
  - The rule means the same in the modules that end sessions, so it can be tried here. Their guards, and the limits on
    a whole run, are not applied to the list.
  - It reads Oracle Database from 11.2 on, there or at Amazon RDS, and tenants of OceanBase in MySQL mode or Oracle mode.
options:
  include:
    description:
      - What to read besides, because it takes time or space.
      - V(sql_text) reads the text of the statement that each session runs.
      - V(blockers) adds to each row the sessions that it waits for, up to the root of the chain.
      - V(rollback) adds to each row how its rollback goes on, for which killed sessions with a transaction are looked at
        twice more, 2 seconds apart. It is refused where undo records cannot be read, so always on OceanBase.
      - V(recovery) adds to the result how the server rolls back the transactions of processes that are dead. It needs
        C(SELECT) on C(V_$FAST_START_TRANSACTIONS), with several instances on C(GV_$FAST_START_TRANSACTIONS), and is
        refused without, and on OceanBase.
    type: list
    elements: str
    choices: [sql_text, blockers, rollback, recovery]
    default: []
  explain:
    description:
      - Whether to return the sessions that the rule leaves out as well, each with the first reason for that.
    type: bool
    default: false
extends_documentation_fragment:
  - dbops.oracle_sessions.login
  - dbops.oracle_sessions.target
  - dbops.oracle_sessions.match
  - dbops.oracle_sessions.guards.protect
  - dbops.oracle_sessions.attributes.listing
seealso:
  - module: dbops.oracle_sessions.session_facts
  - module: dbops.oracle_sessions.session_kill
  - module: dbops.oracle_sessions.session_disconnect
  - module: dbops.oracle_sessions.sql_cancel
  - plugin: dbops.oracle_sessions.plan
    plugin_type: filter
  - plugin: dbops.oracle_sessions.blocking_tree
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

- name: List the sessions of the application, the longest idle ones first
  dbops.oracle_sessions.session_info:
    match:
      username: APP_*
    pick: longest_idle
    limit: 50
  register: listed

- name: Show them in one line each
  ansible.builtin.debug:
    msg: >-
      {{ item.sid }},{{ item.serial }} {{ item.username }} {{ item.machine }} {{ item.status }}
      for {{ item.idle_seconds | default(item.active_seconds, true) }} s
  loop: "{{ listed.sessions }}"
  loop_control:
    label: "{{ item.sid }}"

- name: List who waits for locks, what for, and behind whom
  dbops.oracle_sessions.session_info:
    match:
      blocked: true
    include:
      - sql_text
      - blockers

- name: List all sessions
  dbops.oracle_sessions.session_info:
  register: everybody

- name: Draw who blocks whom
  ansible.builtin.debug:
    msg: "{{ (everybody | dbops.oracle_sessions.blocking_tree).splitlines() }}"

- name: List the sessions that are marked for kill and still roll back, with how long that will take
  dbops.oracle_sessions.session_info:
    match:
      status: killed
      in_transaction: true
    include:
      - rollback

- name: See what the database still rolls back for processes that are dead
  dbops.oracle_sessions.session_info:
    limit: 1
    include:
      - recovery
  register: seen

- name: Show how long that will take
  ansible.builtin.debug:
    msg: "{{ seen.recovering }}"

- name: Try a rule, and learn why it leaves out each of the other sessions
  dbops.oracle_sessions.session_info:
    match:
      username:
        - APP_WEB
        - ~REPORT_[0-9]+
      idle: 30m
      in_transaction: true
    exclude:
      - machine: build*.example.com
      - client_info: payroll*
    explain: true

- name: Log in with options of the task rather than of the inventory, by an alias of tnsnames.ora
  dbops.oracle_sessions.session_info:
    login_dsn: SHOP_RW
    login_config_dir: /etc/oracle/network
    login_user: "{{ database_user }}"
    login_password: "{{ database_password }}"
    match:
      sql_active: 10m
    include:
      - sql_text

- name: The same on OceanBase, in either mode
  dbops.oracle_sessions.session_info:
    dialect: oceanbase
    login_dsn: "{{ database_address }}"
    login_user: "{{ database_user }}"
    login_password: "{{ database_password }}"
    login_timeout: 5
    call_timeout: 2m
    match:
      active: 10m
"""

RETURN = r"""
msg:
  description: The counts in words; when the task fails, one sentence that names the option and the cure.
  returned: always
  type: str
  sample: "4 sessions: 2 active, 2 inactive, 2 in transaction, 1 blocked, 1 blocking"
database:
  description: The database that the sessions live in.
  returned: success
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
        - The keys of O(match) that this result cannot answer. Besides those that the database, its version or the
          login user cannot see, it names C(sql_text) without O(include=sql_text), and on Oracle Database C(temp_mb) and
          C(locked_object), on OceanBase C(locked_object), unless the rule uses them. C(process) and C(coordinator)
          stand among them, too, when they cannot be read.
      type: list
      elements: str
      sample: [client_address]
matched:
  description:
    - How many sessions fit O(match) and no entry of O(exclude), counted before O(keep), O(pick) and O(limit). With
      O(sid) or O(sessions), how many of those are there and satisfy O(match).
  returned: success
  type: int
  sample: 4
comment:
  description: What O(comment) says, or null.
  returned: success
  type: str
sessions:
  description: The sessions, in the order of O(pick); with O(sid) or O(sessions), in the order in which they were
    asked for.
  returned: success
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
    logon_time:
      description: When the session logged on, in ISO 8601 with offset. Always null on OceanBase.
      type: str
      sample: "2026-11-21T05:49:14+00:00"
    node:
      description: Address and port of the node of OceanBase that the session lives on. Null where there is only one, for a
        client of a proxy with session ids of the whole cluster, which may have sessions on several, and on Oracle
        Database.
      type: str
    client_address:
      description: The network address of the client, behind a proxy that of the client itself where the server knows
        it. Always null on Oracle Database, which does not list it.
      type: str
    client_port:
      description: The port on the client's side of the connection.
      type: int
      sample: 59342
    type:
      description: V(user) or V(background). A rule fits sessions of users only.
      type: str
      sample: user
    server:
      description: The kind of server, V(dedicated), V(shared), V(pooled), V(pseudo) for a killed session, or V(none) for
        an idle one on shared servers. Always null on OceanBase.
      type: str
      sample: dedicated
    own:
      description: Whether it is the session of this very task, or a parallel server of it.
      type: bool
      sample: false
    oracle_maintained:
      description: Whether the user belongs to the database itself, see
        O(dbops.oracle_sessions.session_kill#module:allow).
      type: bool
    protected_by:
      description:
        - The name of the first guard that would hold the session back from a module that ends sessions, or null. The
          guards are V(own), V(background) and those of O(dbops.oracle_sessions.session_kill#module:allow). V(protect)
          stands for O(protect). A guard whose evidence cannot be read holds back every session.
        - The limits on a whole run and V(unfiltered) are no guards of one session, and do not show here.
      type: str
    username:
      description: The database user. Null when the session has none.
      type: str
      sample: TEST
    schema:
      description: The current schema, in MySQL mode of OceanBase the current database. Null when there is none.
      type: str
      sample: TEST
    os_user:
      description: The client's user in its operating system. Always null on OceanBase.
      type: str
      sample: oracle
    machine:
      description: The client's machine. On OceanBase the same as RV(sessions[].client_address).
      type: str
      sample: oe15-11gr2.localdomain
    program:
      description: The client's program. Always null on OceanBase.
      type: str
      sample: sqlplus@oe15-11gr2.localdomain (TNS V1-V3)
    module:
      description: The module that the application has set.
      type: str
      sample: SQL*Plus
    action:
      description: The action that the application has set.
      type: str
    client_identifier:
      description: The client identifier that the application has set. Always null on OceanBase.
      type: str
    client_info:
      description: The client info that the application has set.
      type: str
    service:
      description: The service that the session is connected to. Always null on OceanBase.
      type: str
      sample: shop
    resource_group:
      description: The resource group of the session, on Oracle Database its consumer group. Always null on OceanBase.
      type: str
      sample: OTHER_GROUPS
    container:
      description: The part of the database that the session is in, on Oracle Database the container, or the name of the
        database where there are none, on OceanBase the tenant.
      type: str
      sample: SHOPPDB
    status:
      description:
        - V(active) while it runs a call, V(inactive) while it runs nothing, V(killed) once it was killed and is still
          listed. On Oracle Database also V(sniped), idle for longer than its profile allows, and V(cached), kept for a
          distributed transaction.
      type: str
      sample: inactive
    command:
      description: What the session is doing, as the server names it. On Oracle Database the kind of statement, null for
        kinds that this collection has no name for; on OceanBase such as V(Sleep) or V(Query).
      type: str
      sample: SELECT
    sql_id:
      description: The id of the statement that it runs. Null while it runs nothing. On OceanBase statements that
        differ only in constants have the same.
      type: str
      sample: 7ws837zynp1zv
    sql_exec_id:
      description: What tells this execution of the statement from others, on Oracle Database SQL_EXEC_ID, which is null
        for some kinds of statements, on OceanBase the trace id. Null while it runs nothing.
      type: raw
      sample: 16777216
    sql_text:
      description: The text of the statement that it runs, on Oracle Database its first 1000 characters. Null while it
        runs nothing, and unless O(include=sql_text) or a rule asks for it.
      type: str
    event:
      description: What the session waits for, or waited for last. Always null on OceanBase.
      type: str
      sample: SQL*Net message from client
    wait_class:
      description: The class of RV(sessions[].event). Always null on OceanBase.
      type: str
      sample: Idle
    idle_seconds:
      description: For how many seconds it has run nothing, on Oracle Database LAST_CALL_ET, in whole seconds. Null while
        it runs something.
      type: float
      sample: 612.0
    active_seconds:
      description: For how many seconds its current call has run, on Oracle Database LAST_CALL_ET, in whole seconds. Null
        while it runs nothing.
      type: float
    sql_active_seconds:
      description: For how many seconds its current statement has run, on Oracle Database since SQL_EXEC_START. Null while
        it runs nothing. On OceanBase the same as RV(sessions[].active_seconds).
      type: float
    logon_seconds:
      description: For how many seconds it has been logged on. Always null on OceanBase.
      type: float
      sample: 5402.0
    transaction:
      description: Its open transaction, those of its parallel servers included. Null when there is none, and when
        transactions cannot be read, which RV(database.unavailable) tells.
      type: dict
      contains:
        age_seconds:
          description: For how many seconds it has been open. Null when the login user may not read it.
          type: float
          sample: 5.478289
        undo_records:
          description: How many undo records it would roll back, USED_UREC. Always null on OceanBase.
          type: int
          sample: 1200
    temp_mb:
      description: Its temporary space in MiB, that of its parallel servers included. Null when there is none, and unless
        a rule asks for it. Always null on OceanBase.
      type: float
    pga_mb:
      description: The private memory of its server process in MiB, that of its parallel servers included. Always null on
        OceanBase.
      type: float
      sample: 4.251
    blocked_by:
      description: The session whose lock it waits for; of several, the one it has waited for longest. Null when it
        waits for none, and when locks cannot be read, which RV(database.unavailable) tells.
      type: dict
      contains:
        inst_id:
          description: The instance of that session. Always null on OceanBase.
          type: int
          sample: 1
        sid:
          description: The id of that session.
          type: int
          sample: 23
    blocking:
      description: Who waits for its locks. Null when nobody does, and when locks cannot be read, which
        RV(database.unavailable) tells. Unlike the keys of O(match), this tells of waits of less than 3 seconds, too.
      type: dict
      contains:
        waiters:
          description: How many sessions wait for it, directly or behind one another.
          type: int
          sample: 1
        longest_seconds:
          description: The longest of those waits, in seconds.
          type: float
          sample: 5.28159
        root:
          description: Whether it is not blocked itself.
          type: bool
    locked_objects:
      description: The objects on which it holds locks, as C(OWNER.NAME), in MySQL mode of OceanBase C(database.table). Null
        when there are none, and unless the rule uses C(locked_object).
      type: list
      elements: str
      sample: [TEST.ORDERS]
    coordinator:
      description: The session that it works for as a parallel server. Null when it works for none, and when that cannot
        be read, which RV(database.unavailable) tells.
      type: dict
      contains:
        inst_id:
          description: The instance of that session. Always null on OceanBase.
          type: int
        sid:
          description: The id of that session.
          type: int
    process:
      description: Its server process. For a killed session it is the process that created it. Null when there is none,
        and when it cannot be read, which RV(database.unavailable) tells. Always null on OceanBase.
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
    blockers:
      description:
        - The sessions from the one that blocks this one up to the root, nearest first, each with C(inst_id) and
          C(sid). Empty when it is not blocked. A deadlock ends where it closes.
      returned: with O(include=blockers)
      type: list
      elements: dict
      sample:
        - inst_id: 1
          sid: 23
    rollback:
      description: How its rollback goes on. Null unless the session is killed and has a transaction.
      returned: with O(include=rollback)
      type: dict
      contains:
        records:
          description: The undo records that were left at the last look, those of its parallel servers included.
          type: int
          sample: 48000
        per_second:
          description: How many it has applied in a second.
          type: float
          sample: 2000.0
        eta_seconds:
          description: How many seconds it would take at this rate. Null when the rate is not above 0.
          type: float
          sample: 24.0
counts:
  description: How many of the sessions are what. One session may count several times. Those of another status count
    in C(sessions) only.
  returned: success
  type: dict
  contains:
    sessions:
      description: All of them.
      type: int
      sample: 4
    active:
      description: Those of RV(sessions[].status) V(active).
      type: int
      sample: 2
    inactive:
      description: Those of RV(sessions[].status) V(inactive).
      type: int
      sample: 2
    killed:
      description: Those of RV(sessions[].status) V(killed).
      type: int
      sample: 0
    in_transaction:
      description: Those with an open transaction.
      type: int
      sample: 2
    blocked:
      description: Those that wait for a lock of another session.
      type: int
      sample: 1
    blocking:
      description: Those that others have waited for, the longest for at least 3 seconds.
      type: int
      sample: 1
spared:
  description: The sessions that the rule leaves out.
  returned: with O(explain=true)
  type: list
  elements: dict
  contains:
    inst_id:
      description: As in RV(sessions[].inst_id).
      type: int
    sid:
      description: As in RV(sessions[].sid).
      type: int
    serial:
      description: As in RV(sessions[].serial).
      type: int
    username:
      description: As in RV(sessions[].username).
      type: str
    machine:
      description: As in RV(sessions[].machine).
      type: str
    program:
      description: As in RV(sessions[].program).
      type: str
    status:
      description: As in RV(sessions[].status).
      type: str
    reason:
      description: The first condition that does not hold, the exclusion that fits, or that O(keep) or O(limit) left
        it out.
      type: str
      sample: username is 'SYS', the rule wants 'APP_*'
recovering:
  description:
    - The transactions whose server process is dead, and which the server has yet to roll back. Their locks are held so long.
    - The database lists those that it recovers in parallel, V$FAST_START_TRANSACTIONS. What one process recovers alone is not
      among them.
  returned: with O(include=recovery)
  type: list
  elements: dict
  contains:
    inst_id:
      description: The instance that recovers it.
      type: int
      sample: 1
    usn:
      description: The number of its undo segment, USN.
      type: int
      sample: 7
    slot:
      description: Its slot in there, SLT.
      type: int
      sample: 12
    sequence:
      description: What tells it from others that had that slot, SEQ.
      type: int
      sample: 2104
    state:
      description: V(recovering), or V(to be recovered) when its turn is to come.
      type: str
      sample: recovering
    undo_blocks_done:
      description: How many blocks of undo have been applied.
      type: int
      sample: 480
    undo_blocks_total:
      description: How many there are.
      type: int
      sample: 600
    eta_seconds:
      description: How many seconds the rest would take at the rate so far. Null as long as there is none.
      type: float
      sample: 12.0
"""

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import list_module


def main():
    list_module()


if __name__ == "__main__":
    main()
