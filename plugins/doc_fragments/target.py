# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sessions are meant, beside the fragment match; in step with module_utils/options.py, TARGET."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  sid:
    description:
      - The id of one session, as an integer or as text of digits only. Anything else is refused, such as V(true),
        V(1e2) or V(30.0).
      - On Oracle Database it is the SID of V$SESSION, and O(serial) must be given with it.
      - On OceanBase it is the session id that the server lists as ID, 1 to 4294967295. A larger one is refused,
        because the server would cut it to 32 bits and take another session for it. Copy it from
        M(dbops.oracle_sessions.session_info). Behind the proxy ODP, C(SHOW PROCESSLIST) may show ids of the proxy, which
        name nobody here.
      - On OceanBase whoever has that id is meant, because there is no serial#. Give O(match) with it, or O(sessions).
        An id that two clients have, as two proxies with one number hand out, is refused.
      - With O(match), the session must satisfy that as well, and with O(exclude) it must not fit any entry.
      - It cannot be combined with O(sessions).
    type: raw
    aliases: [session_id]
  serial:
    description:
      - The serial# of the session O(sid), which tells it from an earlier or later one with the same id. Oracle Database
        gives a sid to the next session as soon as it is free.
      - When the sid belongs to a session with another serial# by now, the outcome is V(gone), with a warning that says
        whose it is.
      - OceanBase has none. One that is given is dropped with a warning, in Oracle mode as well, where the statement has a
        place for it that the server ignores.
    type: raw
  inst_id:
    description:
      - The instance that the session O(sid) lives on. On Oracle Database it may be left out only while a single
        instance is open; otherwise the error names the instances on which the session exists.
      - OceanBase has no instance numbers, its session ids are unique in the whole cluster. One that is given is
        refused.
    type: raw
  sessions:
    description:
      - Exactly the sessions of an earlier result. Give the registered result of
        M(dbops.oracle_sessions.session_info), or a dictionary with such rows as C(sessions) and the result's
        C(database), for example after filtering the rows. Rows of a module that ends sessions are taken when it ran
        with O(dbops.oracle_sessions.session_kill#module:detail=full).
      - Every session is looked up again by its identity. On Oracle Database that is instance, sid, serial# and logon
        time, on OceanBase it is sid, node, user name, container, client address and client port. One that is no longer
        there under that identity is never mistaken for whoever has its sid now.
      - With O(match), each session must satisfy that as well, and with O(exclude) it must not fit any entry.
      - Refused are rows of another database, container or tenant, rows from before a restart of the server, rows older than
        O(sessions_max_age), rows without a complete identity, and rows in which Ansible has masked a secret.
      - In Oracle mode of OceanBase nobody can tell when the server started. There only address and port of the client
        tell a session from one with the same id from before a restart.
      - It cannot be combined with O(sid).
    type: raw
  sessions_max_age:
    description:
      - How old O(sessions) may be, measured on the server's clock from
        RV(dbops.oracle_sessions.session_info#module:database.taken_at) of the result that they come from.
      - A number of seconds, or text such as V(90s), V(15m), V(2h), V(1.5d).
    type: raw
    default: 1h
  pick:
    description:
      - The order in which O(limit) takes the sessions that fit.
      - V(longest_idle) takes the session first that has run nothing for the longest time; one that is running
        something comes last. On Oracle Database the time counts in whole seconds, and every call sets it back, also the
        one by which a connection pool makes sure of a connection.
      - V(oldest) and V(newest) go by the time of logon. OceanBase does not list it, so there both are refused.
      - V(all) goes by logon time, instance and sid, which also break ties of the others.
      - Refused with O(sid) and O(sessions), which name their sessions.
    type: str
    choices: [all, oldest, newest, longest_idle]
    default: all
  limit:
    description:
      - The largest number of sessions to pick, at least 1. Without it there is no limit here.
      - Refused with O(sid) and O(sessions), which name their sessions.
    type: raw
  keep:
    description:
      - Of the sessions that fit, leave alone this many in each group of O(per), namely the most recently used ones. A
        session that is running something counts as used now.
      - The other ones go on to O(pick) and O(limit). V(0) leaves none alone.
      - It must be given together with O(per).
      - Refused with O(sid) and O(sessions), which name their sessions.
    type: raw
  per:
    description:
      - What makes the groups of O(keep). Sessions without the value form a group of their own.
      - OceanBase lists neither V(program) nor V(service), so there both are refused.
    type: str
    choices: [username, program, machine, service]
"""
