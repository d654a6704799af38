# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds sessions back and refuses runs; in step with module_utils/options.py, PROTECT and GUARDS."""

from __future__ import annotations


class ModuleDocFragment:
    # For every module that looks at sessions.
    PROTECT = r"""
options:
  protect:
    description:
      - Sessions that must not be ended, as a list of dictionaries that are written like O(match), in addition to
        those that the built-in guards hold back.
      - A module that ends sessions refuses a session that fits any of them. A module that lists sessions shows
        V(protect) in C(protected_by).
    type: list
    elements: dict
    default: []
"""

    # For modules that end something.
    DOCUMENTATION = r"""
options:
  max_sessions:
    description:
      - The largest number of sessions that a run may send a statement for. When there are more, nothing is sent, all
        of them have the outcome V(refused), and the task fails.
      - It counts what is left after O(pick), O(limit), O(keep) and the guards. It holds for O(sid) and O(sessions) as
        well.
    type: raw
    default: 20
  max_percent:
    description:
      - The same limit in percent of all user sessions that the login can see, a whole number from 1 to 100. Without
        it there is no such limit.
    type: raw
  max_rollback_records:
    description:
      - Refuse each session whose transaction would roll back more undo records than this, those of its parallel servers
        included. Without it there is no such limit.
      - "On Oracle Database it goes by USED_UREC of V$TRANSACTION, as it was when the session was first looked at. The
        session may have written more by the time of its statement."
      - OceanBase does not list undo records, so there this option is refused.
    type: raw
  allow:
    description:
      - Guards to lift, by name. A session that several guards hold back needs all of them lifted.
      - V(system_users) holds back sessions whose user belongs to the database itself. On Oracle Database those are the
        users that ALL_USERS lists as ORACLE_MAINTAINED, on 11.2 a fixed list. On OceanBase they are V(root), V(SYS),
        V(LBACSYS), V(ORAAUDITOR), V(PROXYRO) and all whose name begins with two underscores.
      - V(no_username) holds back sessions without a user name.
      - V(parallel_servers) holds back sessions that work for another session, the coordinator; the reason names it. End
        the coordinator instead, and its parallel servers end with it.
      - V(job_slaves) holds back sessions of Oracle Database that run a job of the scheduler. Stop the job with
        C(DBMS_SCHEDULER.STOP_JOB) instead, or the scheduler may start it again.
      - V(xa) holds back sessions of Oracle Database with the status V(cached), which are kept for a distributed
        transaction.
      - V(replication) holds back sessions that feed a replica. On Oracle Database those are GoldenGate, XStream and the
        apply processes of a standby. On OceanBase it is the user V(__oceanbase_inner_drc_user), which V(system_users)
        holds back as well.
      - V(backup) holds back RMAN, by the name of its program or module.
      - V(datapump) holds back exports and imports by Data Pump, the client's session as well as the masters and workers.
      - V(monitoring) holds back the monitoring. On Oracle Database those are the user V(DBSNMP) and Oracle Enterprise
        Manager, on OceanBase the users V(ocp) and V(ocp_monitor).
      - V(killed) holds back sessions that are already killed. They are waited for, and no second statement is sent.
      - V(unfiltered) refuses the whole run when O(match) does not narrow, that is, when no condition in it can spare
        anybody. What narrows is a text key whose patterns can all fail, a threshold above 0, C(blocked_by), and
        C(blocking), C(blocked) or C(root_blocker) that is V(true). C(container), C(status), C(command), C(type),
        C(inst_id), C(in_transaction), flags that are V(false) and O(exclude) do not. With O(sid) or O(sessions) this
        guard does not apply.
      - Two guards are never lifted. They hold back our own session, its parallel servers and the sessions of other runs
        of this collection, which the server shows with the module or the program V(dbops.oracle_sessions), and the
        background sessions of the server, among them dispatchers, shared servers and pooled servers.
      - A guard whose evidence the login user cannot read holds back every session, and its reason names the grant.
    type: list
    elements: str
    choices:
      - system_users
      - no_username
      - parallel_servers
      - job_slaves
      - xa
      - replication
      - backup
      - datapump
      - monitoring
      - killed
      - unfiltered
    default: []
  closed_sessions:
    description:
      - Sessions that an earlier rule of the same policy has dealt with, as rows with a complete identity such as
        those of M(dbops.oracle_sessions.session_info). A rule passes them by; named by O(sid) or O(sessions) they are
        V(skipped).
      - The role P(dbops.oracle_sessions.session_cleanup#role) uses it so that its first rule that fits a session is
        the only one.
    type: list
    elements: dict
    default: []
"""
