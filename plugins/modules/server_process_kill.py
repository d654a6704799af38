#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: server_process_kill
short_description: End dedicated server processes of Oracle Database on their host
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Sends signals to the server processes of sessions that are still there after the database itself was told to end them,
    and looks until the processes are gone. It is the last resort.
  - It runs on the host of the database, and needs neither a login nor a driver, only Python 3.6 or later and the C(/proc)
    of Linux.
  - A process is ended only when C(/proc) proves that it is the one that is meant. It must have the name of a dedicated
    server of that instance, belong to the owner of the instance, run the program that the instance runs, live in the PID
    namespace of the instance, and be as old as its session. Ages are compared, not times of day, which time zones and clocks
    of different hosts would make differ.
  - Never ended, whatever the options say, are background processes of any instance, processes of another instance,
    threads, processes that hold several threads of Oracle, the kernel's threads, PID 1, and the process of this module with
    all that it was started by.
  - Each process is held on to by a pidfd, proven then, and signalled through that pidfd, so that no other process that
    gets its PID in between is hit. Kernels before 5.3 have no pidfd. There the process is proven again immediately before
    each signal.
  - What the database knows is not looked at here. Whether the session has a transaction that is being rolled back must be
    asked before. A rollback goes no faster without its process.
options:
  processes:
    description:
      - The processes, each a dictionary such as RV(dbops.oracle_sessions.session_kill#module:sessions[].process) of the
        acting modules. An empty list ends nothing.
      - C(spid) is the id of the process as V$PROCESS has it, C(oracle_sid) the name of the instance, and C(logon_seconds) for
        how long the session had been logged on when it was looked at. They are required.
      - C(looked_seconds_ago) says how long ago that look was, 0 if it is left out. Give it for sessions that may have been
        logged on for less time than has passed since. Otherwise a process that got the PID meanwhile can be as old as
        the session was at that look.
      - C(kind) must be V(dedicated) when it is given. Processes of all other kinds serve others as well.
      - C(host) must be the name of this host when it is given. It is not compared when the instance runs in a PID namespace
        of its own, seen from outside, because there the host has another name.
      - C(inst_id), C(sid), C(serial) and C(username) are returned and stand in messages. Other keys are ignored.
      - A process that is named more than once is refused.
    type: list
    elements: raw
  spid:
    description:
      - One process, instead of O(processes).
    type: raw
  oracle_sid:
    description:
      - The name of the instance that the process of O(spid) belongs to, in upper and lower case as V$INSTANCE has it.
    type: str
  logon_seconds:
    description:
      - For how long the session of O(spid) has been logged on, as in C(processes).
      - Without it, the process is proven to be a dedicated server of that instance, but not to be that of the session that
        was meant. When that has ended, its PID may be that of another session's server by now. The module warns of it.
      - A number of seconds, or text such as V(90m) or V(2h).
    type: raw
  signals:
    description:
      - What is sent, in this order, as long as the process is there. It is V([TERM]), V([KILL]) or V([TERM, KILL]).
      - V(TERM) lets a server process clean up and end by itself. V(KILL) it cannot refuse.
      - Other signals do not end it. V(INT), for one, cancels what it runs.
    type: list
    elements: str
    choices: [TERM, KILL]
    default: [TERM, KILL]
  grace:
    description:
      - For how long to wait for the end of the processes after each signal. After the last signal that is at least 5
        seconds.
      - All processes get a signal at once and share the time, so that a call takes no longer than O(grace) for each of
        O(signals).
      - A number of seconds, or text such as V(90s) or V(2m).
    type: raw
    default: 30
  process_pattern:
    description:
      - What the command line of the process must fit, in place of the names that dedicated servers have. A list fits
        when one of its members does.
      - Text is exact, C(*) and C(?) stand for any characters, and what begins with C(~) is a regular expression for the
        whole. One that fits any process is refused.
      - Without it, these are V(oracle<oracle_sid> (LOCAL=NO\)), V(oracle<oracle_sid> (DESCRIPTION=(LOCAL=...\)...\)) and
        V(oracle_<pid>_<oracle_sid>).
      - All other proof is asked for all the same.
    type: raw
  owner:
    description:
      - The user that the process must belong to, by name or number. It is the effective user that counts.
      - Without it, that is the owner of C(ora_pmon_<oracle_sid>), and the call is refused when no such process is seen.
      - It also tells which instance is meant when several of that name run on the host under different users.
    type: str
attributes:
  check_mode:
    description: What the module does in check mode.
    support: full
    details:
      - It finds and proves the processes as it would otherwise, sends no signal, and returns the same rows with the
        outcome V(planned).
  diff_mode:
    description: What the module shows in diff mode.
    support: full
    details:
      - It shows the processes before and after, one line each, in check mode as they would be.
  idempotent:
    description: Whether a second run on an unchanged world changes nothing.
    support: full
    details:
      - What has ended is not there to be ended again, which is not an error.
  platform:
    description: The systems that the module works on.
    support: full
    platforms: posix
    details:
      - It takes Linux. On other systems it fails without sending anything.
notes:
  - Run it as the owner of the database software, or as root, with C(become). Nothing that cannot be read is taken for
    proven.
  - A process is as old as its session or a little older. One that is younger by more than 3 seconds has got the PID of a
    process that is gone. One that is older by more than 2 hours has served other sessions before, as happens with session
    pools that switch users on one connection and with proxy sessions, and may serve them now, so it is refused.
    Only processes that the instance starts beforehand, named V(oracle_<pid>_<oracle_sid>), may have any greater age.
  - The database counts the age of a session by its clock. When that was set forward since the logon, as for daylight
    saving time, the session seems older than its process, and is refused.
  - When several instances of one name are seen, as from outside of containers, nothing is ended unless O(owner) tells
    which is meant. Run the module inside the container then.
  - A process in a container is found by the id that it has inside, which is what the database shows. Its PID on this host is
    returned as RV(processes[].proven.pid).
  - Python 3.6 on the host takes ansible-core 2.16 on the controller, as later ones need a later Python there.
  - On Windows, sessions are threads of one process, which this module does not end.
seealso:
  - module: dbops.oracle_sessions.session_kill
  - module: dbops.oracle_sessions.session_disconnect
"""

EXAMPLES = r"""
# The sessions are killed where the driver is, and what is left of them on the host of the database.

- name: Kill what has been idle for two days
  dbops.oracle_sessions.session_kill:
    match:
      username: REPORT_*
      idle: 2d
    on_pending: warn
  register: killed

- name: End the server processes of what is still there and has nothing to roll back
  dbops.oracle_sessions.server_process_kill:
    processes: "{{ killed.sessions | selectattr('outcome', 'equalto', 'pending') | map(attribute='process') }}"
  delegate_to: db1.example.com
  become: true
  become_user: oracle

- name: Show what would be ended, and send no signal
  dbops.oracle_sessions.server_process_kill:
    processes:
      - spid: "3859"
        oracle_sid: SHOP
        logon_seconds: 5402
        looked_seconds_ago: 90
        kind: dedicated
  delegate_to: db1.example.com
  become: true
  become_user: oracle
  check_mode: true
  diff: true

- name: End one process politely, and give it two minutes
  dbops.oracle_sessions.server_process_kill:
    spid: 3859
    oracle_sid: SHOP
    logon_seconds: 90m
    signals: [TERM]
    grace: 2m
  delegate_to: db1.example.com
  become: true
  become_user: oracle
"""

RETURN = r"""
msg:
  description:
    - A line for each of the first 10 processes, then the counts. When the task fails, first the reason; for an option
      that cannot be used, one sentence that names it and the cure.
  returned: always
  type: str
  sample: |-
    ended: process 3859 of SHOP, session 30,15,@1 TEST - ended by TERM
    1 process: 1 ended
changed:
  description: Whether a signal was sent, or in check mode would be.
  returned: always
  type: bool
processes:
  description: What became of each process, in the order of the option.
  returned: unless an option cannot be used or C(/proc) is not there
  type: list
  elements: dict
  contains:
    spid:
      description: The id of the process as the database has it, as text.
      type: str
      sample: "3859"
    oracle_sid:
      description: The name of the instance.
      type: str
      sample: SHOP
    inst_id:
      description: The number of the instance.
      returned: when O(processes) has it
      type: int
      sample: 1
    sid:
      description: The id of the session.
      returned: when O(processes) has it
      type: int
      sample: 30
    serial:
      description: What tells the session from others that have the same id at other times.
      returned: when O(processes) has it
      type: int
      sample: 15
    username:
      description: The database user.
      returned: when O(processes) has it
      type: str
      sample: TEST
    outcome:
      description:
        - What became of it.
        - V(planned) means that in check mode it is proven and would be signalled. Changed.
        - V(ended) means that it was signalled and seen gone. Changed.
        - V(gone) means that there is no such process. Not changed.
        - V(refused) means that it is not proven to be the one that is meant, or must not be ended. It fails the task.
        - V(pending) means that it is still there after the last signal. Changed. It fails the task.
        - V(failed) means that the proof cannot be read, or that the system does not let us send signals. It fails the task.
      type: str
      sample: ended
    reason:
      description: The outcome in words, for a refused process what speaks against it.
      type: str
      sample: ended by TERM
    signals:
      description: The signals that were sent to it.
      type: list
      elements: str
      sample: [TERM]
    waited_seconds:
      description: How many seconds after the first signal the outcome was seen.
      returned: when a signal was sent
      type: float
      sample: 0.151
    proven:
      description: What was found out about the process before it was signalled or planned to be.
      returned: when it was proven to be the one that is meant
      type: dict
      contains:
        pid:
          description: Its PID on this host, which differs from RV(processes[].spid) when it lives in a container.
          type: int
          sample: 3859
        name:
          description: Its command line, or the short name of its program when only O(process_pattern) knows it.
          type: str
          sample: oracleSHOP (LOCAL=NO)
        owner:
          description: The user that it belongs to.
          type: str
          sample: oracle
        program:
          description: The path of its program. Null when we may not know it, which then was not compared.
          type: str
          sample: /u01/app/oracle/product/19.0.0/dbhome_1/bin/oracle
        process_seconds:
          description: How old it is.
          type: float
          sample: 5492.31
        session_seconds:
          description: How old its session is. Null when that was not given, so that the ages were not compared.
          type: float
          sample: 5492.0
        pidfd:
          description: Whether it was held on to by a pidfd.
          type: bool
          sample: true
counts:
  description: How many processes have which outcome, with every outcome there is as a key.
  returned: unless an option cannot be used or C(/proc) is not there
  type: dict
  sample:
    planned: 0
    ended: 1
    gone: 0
    refused: 0
    pending: 0
    failed: 0
diff:
  description: The processes before and after, one line each.
  returned: in diff mode
  type: dict
  contains:
    before_header:
      description: What the lines are.
      type: str
      sample: server processes
    after_header:
      description: What the lines are.
      type: str
      sample: server processes
    before:
      description: The processes that were there.
      type: str
    after:
      description: The same, without those that have ended or would end.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.linux import Unreadable
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.request import (
    KILL,
    TERM,
    BadOption,
    parse_request,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.server_process.run import (
    counts,
    diff,
    end_processes,
    failure,
    message,
)


def main():
    module = AnsibleModule(
        argument_spec={
            "processes": {"type": "list", "elements": "raw"},
            "spid": {"type": "raw"},
            "oracle_sid": {"type": "str"},
            "logon_seconds": {"type": "raw"},
            "signals": {"type": "list", "elements": "str", "choices": [TERM, KILL], "default": [TERM, KILL]},
            "grace": {"type": "raw", "default": 30},
            "process_pattern": {"type": "raw"},
            "owner": {"type": "str"},
        },
        supports_check_mode=True,
    )
    try:
        fates = end_processes(parse_request(module.params), module.check_mode)
    except (BadOption, Unreadable) as error:
        module.fail_json(msg=str(error))
    result = {
        "changed": any(fate.changed for fate in fates),
        "msg": message(fates),
        "processes": [fate.row() for fate in fates],
        "counts": counts(fates),
    }
    if module._diff:
        result["diff"] = diff(fates)
    if module.params["spid"] is not None and module.params["logon_seconds"] is None:
        module.warn(
            "logon_seconds: without it nothing proves that the process is that of the session that was meant; give the age "
            "of that session."
        )
    failed = failure(fates)
    if failed:
        result["msg"] = f"{failed}\n{result['msg']}"
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
