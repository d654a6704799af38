#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_account
short_description: Set up the least-privileged account for this collection
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Gives an account of Oracle Database what the other modules of this collection need and nothing else. That is
    C(CREATE SESSION), C(SELECT) on the views that they read, and the means to end sessions.
  - The means are C(ALTER SYSTEM), which is far more than that. With O(via_procedure), the account gets C(EXECUTE) on a
    procedure instead, which this module installs in a schema of its own. The procedure holds guards inside it, so the
    account can end other people's sessions and nothing more, with this collection or without it.
  - The procedure refuses sessions that are not of C(TYPE) C(USER) or have no user name, sessions of users that belong to
    the database itself (C(ORACLE_MAINTAINED)), the session that calls it, background processes, dispatchers, shared
    and pooled servers, parallel servers, job slaves, modes that are not on its list, a disconnect on another instance,
    and with O(only_users) everybody else's sessions. It builds its statement from checked numbers and its own text.
  - It hands back 0, or the number of the server's error and its text, or one of its own numbers. Those are 20301 for a
    mode or a C(sql_id) that is none, 20302 for a number that is none, 20303 for what is no session of a user, 20304 for
    a user of the database itself, 20305 for the calling session, 20306 for the server's own processes, 20307 for
    parallel servers and job slaves, 20308 for a user that O(only_users) leaves out, and 20309 for a disconnect on
    another instance. The modules of this collection show these sessions as refused.
  - It compares with what is granted directly, not by roles, and with the stored source of the procedure. Only what is
    missing or different is changed.
  - It logs in as an administrator and is for Oracle Database. OceanBase is refused.
options:
  state:
    description:
      - With V(present), the account is set up.
      - With V(script), nothing is set up and nobody logs in. RV(script) has all statements for somebody who runs them by
        hand, for a server as O(server_version), O(cluster) and O(dialect) tell.
    type: str
    choices: [present, script]
    default: present
  name:
    description:
      - The account, as a name that needs no quotes. It is taken in upper case.
      - In the root of a container database it must be a common user, such as C(C##DBOPS).
    type: str
    required: true
  password:
    description:
      - The password of an account that does not exist yet and is created. That of an existing one is not looked at and
        not changed.
      - Without one, the account must be there. It may then log in with a wallet, for example.
      - It is never shown. O(state=script) does without, because the script asks for it.
    type: str
  features:
    description:
      - What the account is to be able to do, besides listing sessions.
      - V(kill) is to end sessions and what they run. Without it, the account can list and not act, and no procedure is
        installed.
      - V(temp_space) allows the key C(temp_mb) in a rule, with C(SELECT) on C(V_$SORT_USAGE) and C(V_$PARAMETER).
      - V(sql_text) allows C(sql_text), with C(V_$SQL). The text of a statement can hold data of other people.
      - V(locked_objects) allows C(locked_object), with C(V_$LOCKED_OBJECT) and C(DBA_OBJECTS).
      - V(recovery) allows O(dbops.oracle_sessions.session_info#module:include=recovery), with
        C(V_$FAST_START_TRANSACTIONS).
    type: list
    elements: str
    choices: [kill, temp_space, sql_text, locked_objects, recovery]
    default: [kill]
  only_users:
    description:
      - The procedure of O(via_procedure) ends sessions of these users only. Without it, it ends those of everybody whom
        its guards do not protect.
      - Each is a name, in which C(*) and C(?) stand for any characters. It is taken in upper case unless it stands in
        double quotes.
    type: list
    elements: raw
  exclusive:
    description:
      - Whether to take away everything else that was granted to the account directly, privileges and roles alike.
      - Without it, a warning says when the account still has C(ALTER SYSTEM) although it uses a procedure.
      - What was granted in all containers can be taken away in the root only, and is left alone elsewhere.
    type: bool
    default: false
  replace:
    description:
      - Whether to replace a procedure of that name that is not the work of this module. Otherwise that is an error.
    type: bool
    default: false
  server_version:
    description:
      - The release that a script is for, such as V(19) or V(12.2). It is required with O(state=script), and otherwise not
        used.
    type: str
  cluster:
    description:
      - Whether a script is for a database of which several instances can be open. With O(state=present), the server is
        asked.
      - An account of such a database needs the views named C(GV_$) and those named C(V_$), because it is the number of
        instances that are open at the time that decides which of them are read.
    type: bool
    default: false
extends_documentation_fragment:
  - dbops.oracle_sessions.login
attributes:
  check_mode:
    description: What the module does in check mode.
    support: full
    details:
      - It logs in, looks and compares as it would otherwise, returns the exact statements, and changes nothing.
  diff_mode:
    description: What the module shows in diff mode.
    support: full
    details:
      - It shows what the account and the owner of the procedure have, and the procedure, before and after.
  idempotent:
    description: Whether a second run on an unchanged world changes nothing.
    support: full
  action_group:
    description: Which C(module_defaults) groups set defaults for this module.
    support: full
    membership:
      - dbops.oracle_sessions.sessions
notes:
  - For this module, O(via_procedure) is the procedure to install, in the same form as the other modules take it. One
    variable C(oracle_sessions_via_procedure) serves all of them. Its owner is created when it is missing, locked and
    without a password, and gets C(ALTER SYSTEM) and C(SELECT) on the views that the procedure reads, directly, because
    roles do not count in a procedure with definer's rights. Nothing else belongs into that schema.
  - Whoever logs in here must be able to create users, to grant C(ALTER SYSTEM) and C(SELECT) on views of SYS, to create
    procedures in other schemas, and to read the views named C(DBA_). SYS with O(login_mode=sysdba) is.
  - On Amazon RDS the master user logs in. Views of SYS are granted with C(rdsadmin.rdsadmin_util.grant_sys_object), which
    passes on only what the master user has. To end sessions, the account gets C(EXECUTE) on
    C(RDSADMIN.RDSADMIN_UTIL), which the master user must be allowed to grant, and which has more in it than that. A
    procedure would have nothing to call there, so O(via_procedure) is refused.
  - In the root of a container database, C(ALTER SYSTEM) is granted in all containers, and the account is told to see the
    rows of all of them (C(CONTAINER_DATA)). To look after a single pluggable database, set it up in there instead.
  - A statement that fails ends the run. What was done before it stays, and the next run goes on from there.
seealso:
  - module: dbops.oracle_sessions.session_info
  - module: dbops.oracle_sessions.session_kill
"""

EXAMPLES = r"""
# These examples act on a database that stands in the inventory like this:
#
#   databases:
#     hosts:
#       shop:
#         ansible_connection: local
#         ansible_python_interpreter: "{{ ansible_playbook_python }}"
#         oracle_sessions_login_dsn: db1.example.com:1521/shop
#         oracle_sessions_via_procedure: dbops_owner.end_session

- name: Set up an account that ends sessions through a procedure with guards
  dbops.oracle_sessions.session_account:
    login_user: sys
    login_mode: sysdba
    login_password: "{{ vault_sys_password }}"
    name: dbops
    password: "{{ vault_dbops_password }}"
    only_users:
      - APP_*
      - REPORT_?
    exclusive: true

- name: Show the statements that this would take, and change nothing
  dbops.oracle_sessions.session_account:
    login_user: sys
    login_mode: sysdba
    login_password: "{{ vault_sys_password }}"
    name: dbops
  check_mode: true
  diff: true

- name: Set up an account for reports, which can end nothing
  dbops.oracle_sessions.session_account:
    login_user: sys
    login_mode: sysdba
    login_password: "{{ vault_sys_password }}"
    name: dbops_report
    password: "{{ vault_report_password }}"
    features:
      - temp_space
      - locked_objects

- name: Write a script for the people who may do this
  dbops.oracle_sessions.session_account:
    state: script
    server_version: "19"
    cluster: true
    name: dbops
    via_procedure: dbops_owner.end_session
  register: account

- name: Keep the script
  ansible.builtin.copy:
    content: "{{ account.script }}"
    dest: /tmp/dbops.sql
    mode: "0644"
"""

RETURN = r"""
msg:
  description: What was done, in check mode what would be, in a sentence. When the task fails, why.
  returned: always
  type: str
  sample: "DBOPS: 9 statements"
changed:
  description: Whether a statement was executed, in check mode whether one would be.
  returned: always
  type: bool
statements:
  description:
    - The statements that were executed, in check mode those that would be, in their order, with asterisks in place of
      the password. With O(state=script), all that the account needs.
    - When the task fails, those that were executed before.
  returned: when they could be worked out
  type: list
  elements: str
  sample: ['CREATE USER DBOPS IDENTIFIED BY "********"', GRANT CREATE SESSION TO DBOPS]
script:
  description: The statements as a script for SQL*Plus, which asks for the password.
  returned: with O(state=script)
  type: str
"""

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import account_module


def main():
    account_module()


if __name__ == "__main__":
    main()
