#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_facts
short_description: List database sessions as facts
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Lists sessions as M(dbops.oracle_sessions.session_info) does, with the same options, and returns the result as a
    fact and in no other way.
  - A fact cache that is configured keeps it like any fact, so it may be old when it is used. A module that ends
    sessions tells its age from C(database.taken_at) and refuses it past O(sessions_max_age).
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
  - dbops.oracle_sessions.attributes.facts
seealso:
  - module: dbops.oracle_sessions.session_info
  - module: dbops.oracle_sessions.session_kill
  - module: dbops.oracle_sessions.session_disconnect
  - module: dbops.oracle_sessions.sql_cancel
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

- name: Keep the sessions of the reports as a fact
  dbops.oracle_sessions.session_facts:
    match:
      username: REPORT_*
    include:
      - sql_text

- name: Show how many there are
  ansible.builtin.debug:
    var: ansible_facts.oracle_sessions.counts

- name: Kill exactly those, unless the fact is older than 10 minutes
  dbops.oracle_sessions.session_kill:
    sessions: "{{ ansible_facts.oracle_sessions }}"
    sessions_max_age: 10m
"""

RETURN = r"""
ansible_facts:
  description: The fact.
  returned: success
  type: dict
  contains:
    oracle_sessions:
      description: The sessions and their database.
      type: dict
      contains:
        sessions:
          description: The sessions. Each row is one of RV(dbops.oracle_sessions.session_info#module:sessions).
          type: list
          elements: dict
        database:
          description:
            - The database that the sessions live in, as RV(dbops.oracle_sessions.session_info#module:database).
          type: dict
        counts:
          description:
            - How many of the sessions are what, as RV(dbops.oracle_sessions.session_info#module:counts).
          type: dict
          sample:
            sessions: 4
            active: 2
            inactive: 2
            killed: 0
            in_transaction: 2
            blocked: 1
            blocking: 1
        spared:
          description:
            - The sessions that the rule leaves out, as RV(dbops.oracle_sessions.session_info#module:spared).
          returned: with O(explain=true)
          type: list
          elements: dict
        recovering:
          description:
            - The transactions of dead processes that the server has yet to roll back, as
              RV(dbops.oracle_sessions.session_info#module:recovering).
          returned: with O(include=recovery)
          type: list
          elements: dict
"""

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import list_module


def main():
    list_module(as_facts=True)


if __name__ == "__main__":
    main()
