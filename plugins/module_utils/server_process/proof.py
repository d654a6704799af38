# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""What proves that a process is the one that is meant. Pure: facts in, a verdict with its reason out."""

import re
from typing import NamedTuple, Optional

from .request import DEDICATED

# Why a process of these kinds is never ended, whatever its name looks like.
_KINDS = {
    "shared": "it serves many sessions",
    "pooled": "it belongs to a pool and serves others after this session",
    "parallel": "it works for another session; end that one",
    "job": "it runs a job of the scheduler; stop the job",
    "thread": "it is a thread, and a signal ends all threads of its process",
    "background": "it is a background process, and the instance may end with it",
}
# Both times of a session's age are cut to whole seconds, and so may be the time since; the process is never younger.
_YOUNGER_AT_MOST = 3.0
# What makes a process seem older that serves this session alone: a slow login, a row that was kept for a while, clocks
# that were set back an hour. Beyond that it has served other sessions before, and may serve others now.
_OLDER_AT_MOST = 2 * 3600.0

_LISTENED = re.compile(r"oracle([^ ]+) \((?:LOCAL=NO|DESCRIPTION=\(LOCAL=(?:YES|NO)\).*)\)", re.DOTALL)
# Started beforehand by a broker of the instance: it may wait for its session for any time.
_SPAWNED = re.compile(r"oracle_[0-9]+_([^ ]+)")
_BACKGROUND = re.compile(r"(?:ora|asm|mdb|apx|ios|db)_[A-Za-z0-9]+_")


class Process(NamedTuple):
    """A process as /proc shows it, read at one moment."""

    pid: int
    leader: int
    parent: int
    # its ids, from our PID namespace to the one it lives in
    numbers: tuple
    # that namespace; empty for our own
    namespace: str
    # its command line, as ps shows it
    title: str
    comm: str
    # what its threads call themselves
    threads: tuple
    # of its effective user, as the program `oracle` changes to its owner
    uid: int
    user: str
    state: str
    # seconds from the start of the machine to its own
    started: float
    kernel: bool
    # path, device and inode of its program, where that may be read
    program: Optional[tuple] = None

    def ended(self):
        # Its first thread may end before the others.
        return self.state in ("Z", "X") and len(self.threads) <= 1


class Here(NamedTuple):
    """Where and when we look: the host's name, seconds since its start, and our own process with its ancestors."""

    host: str
    now: float
    ourselves: frozenset


class Verdict(NamedTuple):
    outcome: str
    reason: str
    proven: Optional[dict] = None


def refusal_of(target, targets):
    """Why no process of this target is ended, whatever the host shows; None when nothing speaks against it."""
    if target.kind != DEDICATED:
        why = _KINDS.get(target.kind, "what it serves is not known")
        return f"the database says that it is of kind {target.kind}: {why}; only a dedicated server is ended"
    if target.spid == 1:
        return "PID 1 is where all other processes begin"
    if sum((each.spid, each.oracle_sid) == (target.spid, target.oracle_sid) for each in targets) > 1:
        return "it is named more than once; a process that serves several sessions is not ended for one of them"
    return None


def choose_pmon(target, pmons, owner, here):
    """The PMON of the target's instance and None, or None and why nothing can be told here.

    `owner` is the uid that was asked for, None for that of PMON. One that was asked for does without PMON.
    """
    pmon = f"ora_pmon_{target.oracle_sid}"
    at_hand = [each for each in pmons if owner in (None, each.uid)]
    if len(at_hand) > 1:
        return None, (
            f"there are {len(at_hand)} processes {pmon} on this host, so its instance cannot be told from another one; "
            "run this where only one of them is seen, such as in its container, or name its owner"
        )
    if pmons and not at_hand:
        return None, f"{pmon} belongs to {pmons[0].user}, not to the owner that was given"
    found = at_hand[0] if at_hand else None
    # The name of a host inside a container is another one, and cannot be seen from outside.
    if target.host and not (found and found.namespace) and not same_host(target.host, here.host):
        return (
            None,
            f"it lives on {target.host}, this is {here.host}; run it there (the role goes where oracle_sessions_hosts says), or leave host out if both are one",
        )
    if found is None and owner is None:
        return None, (
            f"no process {pmon} is seen here, so that nothing shows that its instance is; look whether this is the right "
            "host and the instance is up, run this with become: true, or name the owner"
        )
    return found, None


def judge_process(target, process, pmon, owner, patterns, here):
    """Whether this process is the one that is meant: planned with what was proven, gone, or refused with the reason."""
    if process.ended() and process.leader == process.pid:
        return Verdict("gone", "it has ended, and its parent has yet to notice")
    age = here.now - process.started
    reason = (
        _not_a_process(process, here)
        or _not_its_name(target, process, patterns)
        or _not_its_instance(target, process, pmon, owner)
        or _not_its_age(target, process, age)
    )
    if reason:
        return Verdict("refused", reason)
    return Verdict(
        "planned",
        "it is the dedicated server of that session",
        {
            "pid": process.pid,
            # A name that only a pattern of the user's knows may be a command line with a password.
            "name": process.title if _instance_of(process.title) else process.comm,
            "owner": process.user,
            "program": process.program[0] if process.program else None,
            "process_seconds": round(age, 2),
            "session_seconds": None if target.logon_seconds is None else _session_seconds(target),
        },
    )


def _not_a_process(process, here):
    if process.pid in here.ourselves:
        return "it is the process of this module, or one that it was started by"
    if process.leader != process.pid:
        return f"it is a thread of process {process.leader}, and a signal ends all threads of its process"
    if process.kernel:
        return f"it is the kernel's own thread {process.comm!r}"
    return None


def _not_its_name(target, process, patterns):
    for name in (process.title, process.comm, *process.threads):
        if _BACKGROUND.match(name):
            # Its first word only: the rest of a command line may hold a password.
            return f"it is the background process {name.split()[0][:30]!r}, and the instance may end with it"
    instance = _instance_of(process.title)
    if instance not in (None, target.oracle_sid):
        return f"it is a server process of the instance {instance}, not of {target.oracle_sid}"
    if not (any(each.fullmatch(process.title) for each in patterns) if patterns else instance):
        # Not its command line: that of a client may hold a password.
        fitting = "by process_pattern" if patterns else f"of {target.oracle_sid}"
        return f"it is {process.comm!r}, whose name is not that of a dedicated server {fitting}"
    callers = {name for name in process.threads if name.startswith("ora")}
    if len(callers) > 1:
        return f"it is shared: its threads are {', '.join(sorted(callers))}, and a signal ends them all"
    return None


def _not_its_instance(target, process, pmon, owner):
    if process.namespace != (pmon.namespace if pmon else "") or process.numbers[-1] != target.spid:
        return "it lives in another PID namespace than its instance, where this number is another process"
    if process.uid != (pmon.uid if owner is None else owner):
        return f"it belongs to {process.user}, and the server processes of {target.oracle_sid} do not"
    if pmon and process.started < pmon.started:
        return f"it is older than the instance {target.oracle_sid} itself"
    if pmon and pmon.program and process.program:
        (path, *inode), (other_path, *other_inode) = pmon.program, process.program
        # An update replaces the file under those who run it; the path stays.
        if path.rpartition("/")[2] == "oracle" and path != other_path and inode != other_inode:
            return f"it runs {other_path}, and the instance {target.oracle_sid} runs {path}"
    return None


def _not_its_age(target, process, age):
    if target.logon_seconds is None:
        return None
    session = _session_seconds(target)
    ages = f"it is {age:.0f} s old and its session has been logged on for {session:.0f} s"
    if age < session - _YOUNGER_AT_MOST:
        return f"{ages}: the server process of that session is gone, and its PID is another one's by now"
    if age > session + _OLDER_AT_MOST and not _SPAWNED.fullmatch(process.title):
        return f"{ages}: it has served others before, and may serve them now"
    return None


def _session_seconds(target):
    return target.logon_seconds + target.looked_seconds_ago


def _instance_of(title):
    """The instance that a dedicated server names itself after, None for another process."""
    found = _LISTENED.fullmatch(title) or _SPAWNED.fullmatch(title)
    return found.group(1) if found else None


def same_host(one, other):
    """Whether both may name one host: a name without a domain may be in any."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if one == other:
        return True
    short, _dot, domain = one.partition(".")
    other_short, _dot, other_domain = other.partition(".")
    # The first number of an address is no name.
    return short == other_short and not short.isdigit() and not (domain and other_domain)
