# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module reaches its database; in step with module_utils/options.py, LOGIN."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  dialect:
    description:
      - What kind of database stands behind O(login_dsn).
      - V(oceanbase) finds out the mode of the tenant by itself, V(oceanbase_mysql) names it. This version acts on
        MySQL-mode tenants; an Oracle-mode tenant is refused at login, whichever of the two is set.
      - V(oracle), V(oracle_rds) and V(oceanbase_oracle) come with a later version of this collection. This one
        refuses them by name before it connects. V(oracle) is the default all the same, so for OceanBase this option
        must be set.
    type: str
    choices: [oracle, oracle_rds, oceanbase, oceanbase_oracle, oceanbase_mysql]
    default: oracle
  login_dsn:
    description:
      - Where the database is, as C(host:port), an IPv6 address in brackets. The address may be that of a proxy.
      - It must be given, here or in one of the other places where login options are looked up.
      - One that carries a user, a password or a path is refused.
    type: str
  login_user:
    description:
      - The database user. For OceanBase it is written C(user@tenant), behind a proxy C(user@tenant#cluster).
      - It must be given, here or in one of the other places where login options are looked up.
    type: str
  login_password:
    description:
      - The password of O(login_user). Without one the login is tried with an empty password.
      - Ansible masks this text wherever it stands in a result. A session whose user name or machine contains it can
        be listed, but not be acted on from that result.
    type: str
  login_ca_cert:
    description:
      - A file with the certificates, in PEM format, of the authorities that may have signed the server's certificate.
        It lies on the host where the module runs.
      - With it the connection is encrypted, and the server's certificate and host name are verified; a server without
        TLS is refused. Without it the connection is not encrypted.
    type: path
  login_timeout:
    description:
      - The longest time that a login may take, from connecting to the end of the authentication.
      - A number of seconds, or text such as V(90s), V(2m), V(1h). It must be longer than 0.
      - Past it the task fails, and nothing has been sent.
    type: raw
    default: 10
  call_timeout:
    description:
      - The longest time that the server may take to answer one call after the login.
      - A number of seconds, or text such as V(90s), V(2m), V(1h). It must be longer than 0.
      - Past it the connection counts as lost. A lost connection is replaced once in a run, and what became of the
        statements that were under way is read from the server. The second loss fails the task; sessions that were
        still open then have the outcome V(failed), with a reason that says whether their statement had been sent.
    type: raw
    default: 30
  comment:
    description:
      - Free text such as a ticket or the number of a job. It is returned in the result and shown in the session list
        of the server while the module runs.
      - On OceanBase the server shows its first 64 bytes, as CLIENT_INFO of our session.
    type: str
requirements:
  - Python 3.9 or newer, on the host where the module runs
  - PyMySQL >= 1.2.0, on the host where the module runs
notes:
  - In the inventory, one host stands for one database. It has C(ansible_connection) set to V(local) and
    C(ansible_python_interpreter) set to V({{ ansible_playbook_python }}), so that the module runs on the control
    node, where the driver is.
  - Each of O(dialect), O(login_dsn), O(login_user), O(login_password), O(login_ca_cert), O(login_timeout),
    O(call_timeout) and O(comment) is taken from the first place that has it. These are the task, then
    C(module_defaults), then the inventory variable C(oracle_sessions_<option>), then the environment variable
    C(ORACLE_SESSIONS_<OPTION>) of the controller, then the default. The inventory variable is that of the inventory
    host, also when the task is delegated.
  - The environment variable E(ORACLE_SESSIONS_LOGIN_DSN) is refused in a play with several hosts, because they would
    all be the same database.
  - On OceanBase the login user needs SELECT on oceanbase.GV$OB_PROCESSLIST. What else it may not read is listed in
    RV(dbops.oracle_sessions.session_info#module:database.unavailable), and a rule that needs it is refused.
    Transactions need oceanbase.GV$OB_TRANSACTION_SCHEDULERS, locks need oceanbase.GV$OB_LOCKS, locked objects need
    oceanbase.DBA_OBJECTS as well. Servers that have only the views named V$ need the same on those.
  - On OceanBase a user sees only its own sessions unless it has the PROCESS privilege, and ends only its own unless
    it has SUPER. A user of the sys tenant sees and ends the sessions of all tenants.
"""
