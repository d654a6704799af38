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
      - V(oracle) is Oracle Database from 11.2 on. It recognises Amazon RDS by itself, V(oracle_rds) names it.
      - V(oceanbase) is OceanBase, and finds out by itself whether the tenant is in MySQL mode or in Oracle mode. For a
        tenant in Oracle mode it logs in twice, because such a server refuses a client that does not ask for that mode.
      - V(oceanbase_mysql) and V(oceanbase_oracle) name the mode, and log in once. A tenant in the other mode is then
        refused, before anything is sent.
    type: str
    choices: [oracle, oracle_rds, oceanbase, oceanbase_oracle, oceanbase_mysql]
    default: oracle
  login_dsn:
    description:
      - Where the database is. It must be given, here or in one of the other places where login options are looked up.
      - For Oracle Database it is an EZConnect string such as C(db1.example.com:1521/shop), C(tcps://) before it for
        TLS, or the alias of an entry in C(tnsnames.ora), see O(login_config_dir), or a whole connect descriptor.
      - For OceanBase it is C(host:port), an IPv6 address in brackets, in both modes. It had better be the address of a
        server itself, on port 2881 as a rule. That of its proxy ODP, on port 2883 as a rule, will do with limits, see
        RV(dbops.oracle_sessions.session_info#module:database.proxy).
      - One that carries a user or a password is refused. So is any other that contains C(@) or the word C(password).
    type: str
  login_user:
    description:
      - The database user. On Oracle Database C(user[target]) logs in as the proxy user C(user) and acts as C(target).
      - For OceanBase it is written C(user@tenant), behind a proxy C(user@tenant#cluster). The tenant's administrator is
        C(SYS@tenant) in Oracle mode, C(root@tenant) in MySQL mode.
      - It must be given, here or in one of the other places where login options are looked up, unless
        O(login_external_auth=true).
    type: str
  login_password:
    description:
      - The password of O(login_user). Without one the login is tried with an empty password.
      - Refused with O(login_external_auth=true), which takes none.
      - Ansible masks this text wherever it stands in a result. A session whose user name or machine contains it can
        be listed, but not be acted on from that result.
    type: str
  login_mode:
    description:
      - With which administrative privilege to log in, V(default) with none.
      - It is for Oracle Database. OceanBase has nothing of the kind, so there anything else is refused.
    type: str
    choices: [default, sysdba, sysoper, sysbackup, sysdg, syskm, sysrac]
    default: default
  login_external_auth:
    description:
      - Whether the operating system, a Kerberos ticket, or a certificate or password in a wallet proves who logs in,
        rather than O(login_password).
      - The driver's thin mode knows only certificates, since oracledb 26.0. Everything else takes
        O(login_thick_mode=true).
      - It is for Oracle Database and refused on OceanBase.
    type: bool
    default: false
  login_wallet_dir:
    description:
      - The directory of the wallet with certificates for a C(tcps) address, on the host where the module runs. The thin
        mode reads C(ewallet.pem) in it, the thick mode C(cwallet.sso).
      - It is for Oracle Database and refused on OceanBase.
    type: path
  login_wallet_password:
    description:
      - The password of an encrypted C(ewallet.pem). The thick mode does not use it.
      - It is for Oracle Database and refused on OceanBase.
    type: str
  login_config_dir:
    description:
      - The directory of C(tnsnames.ora), on the host where the module runs, for an alias in O(login_dsn). In thick mode
        also that of C(sqlnet.ora). Without it the driver looks where E(TNS_ADMIN) points.
      - It is for Oracle Database and refused on OceanBase.
    type: path
  login_thick_mode:
    description:
      - Whether the driver uses Oracle Client libraries, which must be installed where the module runs. Oracle Database
        11.2, native network encryption, Kerberos and password verifiers of 10g need it. Anything else does without.
      - It is for Oracle Database and refused on OceanBase.
    type: bool
    default: false
  login_client_dir:
    description:
      - The directory of the Oracle Client libraries. Without it they are looked for where the system looks for
        libraries. On Linux the driver asks for them there in any case, because the libraries load one another.
      - It goes with O(login_thick_mode=true) and is refused without.
      - It is for Oracle Database and refused on OceanBase.
    type: path
  login_ca_cert:
    description:
      - A file with the certificates, in PEM format, of the authorities that may have signed the server's certificate.
        It lies on the host where the module runs.
      - With it the connection is encrypted, and the server's certificate and host name are verified; a server without
        TLS is refused. Without it the connection is not encrypted.
      - It is for OceanBase. Oracle Database takes a C(tcps) address in O(login_dsn), and O(login_wallet_dir) where its
        certificate is not one that the system trusts. There this option is refused.
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
      - The longest time that the server may take to answer one call after the login. A call in which the server is
        asked to wait for a session gets that time instead, see
        O(dbops.oracle_sessions.session_kill#module:server_timeout).
      - A number of seconds, or text such as V(90s), V(2m), V(1h). It must be longer than 0.
      - Past it the call is broken off, on Oracle Database with the same time once more for the server to end it, and the
        connection counts as lost. A lost connection is replaced once in a run, and what became of the statements that
        were under way is read from the server. The second loss fails the task; sessions that were still open then have
        the outcome V(failed), with a reason that says whether their statement had been sent.
    type: raw
    default: 30
  via_procedure:
    description:
      - End sessions by calling this procedure, written C(owner.name), instead of sending C(ALTER SYSTEM), so that the
        login user does not need that privilege. Letters, digits, C(_), C($) and C(#) only, taken in upper case.
      - It has four parameters C(IN), the instance, the sid, the serial# and the mode, and two parameters C(OUT), the
        code and the message, and is called by position. C(mode) is a text such as V(KILL IMMEDIATE), V(KILL FORCE),
        V(DISCONNECT POST_TRANSACTION) or V(CANCEL 7ws837zynp1zv), the verb, and behind it what the statement would
        have behind the session, for a cancel the sql_id. The procedure refuses what it does not know.
      - C(code) is 0 or null when the statement was carried out, otherwise the number of the error that the server
        answered it with, such as 30 or 31, with or without a minus sign. C(message) is its text. An exception that the
        procedure lets out counts the same.
      - It must be one with definer's rights whose owner has C(ALTER SYSTEM), granted directly and not by a role. It
        should hold guards of its own, because whoever may execute it can do so without this collection.
      - M(dbops.oracle_sessions.session_account) installs such a procedure, with the guards in it.
      - It is for Oracle Database and refused on OceanBase.
    type: str
  comment:
    description:
      - Free text such as a ticket or the number of a job. It is returned in the result and shown in the session list
        of the server while the module runs.
      - The server shows its first 64 bytes, on Oracle Database as CLIENT_IDENTIFIER of our session, on OceanBase as its
        CLIENT_INFO.
    type: str
requirements:
  - Python 3.9 or newer, on the host where the module runs; newer versions of oracledb need a newer one
  - oracledb >= 3.0.0 for Oracle Database, on the host where the module runs
  - PyMySQL >= 1.2.0 for OceanBase in both modes, on the host where the module runs; where there is none, its fork
    pyoceanbase >= 1.1.0
notes:
  - In the inventory, one host stands for one database. It has C(ansible_connection) set to V(local) and
    C(ansible_python_interpreter) set to V({{ ansible_playbook_python }}), so that the module runs on the control
    node, where the driver is.
  - O(dialect), O(call_timeout), O(via_procedure), O(comment) and each option whose name begins with C(login_) are taken
    from the first place that has them. These are the task, then C(module_defaults), then the inventory variable
    C(oracle_sessions_<option>), then the environment variable C(ORACLE_SESSIONS_<OPTION>) of the controller, then the
    default. The inventory variable is that of the inventory host, also when the task is delegated.
  - The environment variable E(ORACLE_SESSIONS_LOGIN_DSN) is refused in a play with several hosts, because they would
    all be the same database.
  - On Oracle Database the login user needs C(CREATE SESSION) and C(SELECT) on C(SYS.V_$SESSION), C(SYS.V_$INSTANCE) and
    C(SYS.V_$DATABASE). To act it also needs C(SYS.V_$PROCESS) and C(SYS.V_$PX_SESSION), without which the guards hold
    back every session, and C(SYS.V_$TRANSACTION), without which a rollback cannot be told from a session that hangs.
    C(SELECT_CATALOG_ROLE) covers all that is read.
  - Some keys of a rule need more, on Oracle Database these. C(temp_mb) needs C(SYS.V_$SORT_USAGE) and
    C(SYS.V_$PARAMETER), C(sql_text) needs C(SYS.V_$SQL), C(locked_object) needs C(SYS.V_$LOCKED_OBJECT) and
    C(SYS.DBA_OBJECTS). From the root of a container database C(SYS.V_$CONTAINERS) is needed in any case. Where several
    instances are open, it is C(SYS.GV_$INSTANCE) and the views named C(GV_$) rather than those named C(V_$).
  - To end something on Oracle Database the login user needs C(ALTER SYSTEM), or C(EXECUTE) on O(via_procedure), or on
    Amazon RDS C(EXECUTE) on C(RDSADMIN.RDSADMIN_UTIL).
  - On OceanBase the login user needs C(SELECT) on GV$OB_PROCESSLIST. C(transaction_age) needs
    GV$OB_TRANSACTION_SCHEDULERS, keys about locks need GV$OB_LOCKS, C(locked_object) needs DBA_OBJECTS as well. They belong
    to C(oceanbase) in MySQL mode and to C(SYS) in Oracle mode. In MySQL mode, a server that has only the views named V$
    needs the same on those. Before OceanBase 4.0 there are none of these, and C(SHOW FULL PROCESSLIST) is read instead.
  - To tell whether a killed session of OceanBase still rolls back when it is not listed any more takes C(SELECT) on
    GV$OB_TRANSACTION_SCHEDULERS, too. Without it, the reason of the result says so.
  - In MySQL mode of OceanBase a user sees only its own sessions unless it has C(PROCESS), and ends only its own unless it
    has C(SUPER). A user of the sys tenant sees and ends the sessions of all tenants.
  - In Oracle mode of OceanBase a user sees only its own sessions unless it has C(SHOW PROCESS), and needs C(ALTER SYSTEM) to
    kill. Whether C(ALTER SYSTEM) alone is enough for sessions of other users is not known. By the source of the
    server those take C(SYS) or a user with C(SUPER). A tenant in Oracle mode shows its own sessions only.
  - Behind the proxy ODP, what ends is the session on a server. Its transaction and its locks end with it. Whether the
    proxy hangs up on its client as well, or goes on with another session, is not known. With session ids of the whole
    cluster, a client is one session however many servers it uses, and it ends on all of them.
  - What the login user may not read is listed in
    RV(dbops.oracle_sessions.session_info#module:database.unavailable), and a rule that needs it is refused with the
    name of the grant.
"""
