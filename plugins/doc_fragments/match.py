# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Match dictionaries: their keys, their patterns and what they mean; in step with module_utils/match.py, KEYS."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  match:
    description:
      - Conditions on a session, as a dictionary. All of them must hold. Where the value is a list, one of its members
        must fit.
      - Text keys are C(username), C(schema), C(os_user), C(machine), C(client_address), C(program), C(module),
        C(action), C(client_identifier), C(client_info), C(service), C(resource_group), C(container), C(status),
        C(type), C(server), C(command), C(sql_id), C(sql_text), C(event) and C(wait_class), each compared with the
        field of that name in a row of M(dbops.oracle_sessions.session_info). C(locked_object) is compared with each
        object on which the session holds a lock, written C(OWNER.NAME), in MySQL mode of OceanBase C(database.table).
      - A text is compared as a whole. V(*) stands for any number of characters and V(?) for one. After a leading V(~)
        it is a regular expression as Python has them, which must match the whole text. Commas mean nothing, so
        several patterns need a list.
      - C(username), C(schema), C(container), C(service) and C(resource_group) are compared without regard to case,
        unless the pattern is in double quotes of its own, as in V("Shop"). All other keys are compared with regard to
        case. C(status) is V(active), V(inactive) or V(killed), on Oracle Database also V(sniped) or V(cached). C(type)
        and C(server) are in lower case, too, such as V(user) and V(dedicated). A word that no session can have is refused.
      - "Thresholds, which ask for at least so much, are these. C(idle): the time for which the session has run
        nothing. C(active): the time since its current call began. C(sql_active): the time since its current statement
        began. C(logon_age): the time since it logged on. C(transaction_age): the time since its transaction began.
        C(undo_records): the undo records of that transaction. C(temp_mb), C(pga_mb): its temporary space and its
        private memory in MiB. In these three, and in the age of the transaction, a session of Oracle Database counts
        what its parallel servers have. C(waiters): the number of sessions that wait for its locks, directly or behind one
        another. C(blocking_for): the longest of those waits."
      - Times are a number of seconds, or text such as V(90s), V(15m), V(2h), V(1.5d). The other thresholds are
        integers or text of digits only. With V(0) a threshold fits any session that has the value at all, so C(idle)
        of V(0) fits every session that runs nothing.
      - C(inst_id) is an instance number or a list of them.
      - "Flags, V(true) or V(false) and no text, are these. C(in_transaction): the session has an open transaction.
        C(blocking): another session waits for a lock of this one. C(blocked): this session waits for a lock of
        another one. C(root_blocker): it blocks and is not blocked itself, so in a deadlock nobody is one."
      - C(blocking), C(root_blocker), C(waiters) and C(blocking_for) count a session as a blocker once one of the
        waits behind it has lasted for 3 seconds.
      - C(blocked_by) is a dictionary with C(sid), and with C(inst_id) where there are instances. It fits the sessions
        that wait directly for that session.
      - A value that the session does not have is null in its row and satisfies no condition, not even the pattern
        V(*).
      - Refused are unknown keys, an empty dictionary, a value that is null, an empty text, an empty list, a value of
        the wrong kind, and a regular expression that is none. A variable that came out empty therefore never drops a
        condition.
      - A key that this database, its version or the login user cannot see is refused, never taken for true or false.
        All such keys are listed in RV(dbops.oracle_sessions.session_info#module:database.unavailable).
      - On Oracle Database C(idle) and C(active) are LAST_CALL_ET, in whole seconds since the last call began or ended.
        A connection pool that tests its connections sets it back each time, so such a session is never idle for long.
        C(sql_active) counts from SQL_EXEC_START. C(client_address) is not listed there. C(temp_mb), C(sql_text) and
        C(locked_object) take views of their own, which are read only when a rule names the key.
      - OceanBase does not list C(os_user), C(program), C(client_identifier), C(service), C(resource_group),
        C(server), C(event), C(wait_class), C(inst_id), C(logon_age), C(undo_records), C(temp_mb) and C(pga_mb). There
        C(schema) is the current database, in Oracle mode the current schema, C(container) the tenant, C(machine) the same
        as C(client_address), and C(sql_active) the same as C(active). The keys about locks need OceanBase 4.2.4 or newer,
        and C(in_transaction), C(transaction_age), C(module), C(action), C(client_info) and C(sql_id) need 4.0.
      - Where the login sees the sessions of all containers, that is from CDB$ROOT of Oracle Database and from the sys
        tenant of OceanBase, C(container) must be given. The pattern V(*) means all of them.
      - Sessions that are not of C(type) V(user) fit no rule. To act, a rule also passes by sessions that are already
        killed, unless its C(status) names V(killed) literally.
    type: dict
  exclude:
    description:
      - Sessions to leave alone, as a list of dictionaries that are written like O(match). A session that fits any of
        them is left alone, whatever else it fits.
      - This is the only negation. For example, at most 5 waiters is an exclusion of those with C(waiters) of V(6).
      - The value that a session does not have satisfies no condition here either, so it excludes nobody.
    type: list
    elements: dict
    default: []
"""
