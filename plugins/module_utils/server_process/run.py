# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The steps from a request to what became of each process, and how people and machines read it.

Each process is held on to first, judged then, and sent its signals through that hold: the one that was judged is the
one that is hit.
"""

import time

from . import linux
from .proof import choose_pmon, judge_process, refusal_of
from .request import ECHOED, BadOption

OUTCOMES = ("planned", "ended", "gone", "refused", "pending", "failed")
# What fails the task, as each process was named.
_WRONG = ("refused", "pending", "failed")
_POLL_SECONDS = 0.05
# An end takes a moment even without a grace.
_LEAST_AFTER_THE_LAST = 5.0
# Processes that a message names one by one.
_NAMED = 10


class Fate:
    """A target and what became of it; no outcome as long as that is open."""

    def __init__(self, target):
        self.target = target
        self.outcome = None
        self.reason = ""
        self.sent = []
        self.waited = None
        self.proven = None
        self.pmon = None
        self.held = None
        self.since = None

    def settle(self, outcome, reason):
        # What had a signal and is not there has ended by it.
        self.outcome = "ended" if outcome == "gone" and self.sent else outcome
        self.reason = f"ended by {self.sent[-1]}" if self.outcome == "ended" else reason
        if self.since is not None:
            self.waited = round(time.monotonic() - self.since, 3)

    @property
    def changed(self):
        return self.outcome in ("planned", "ended") or bool(self.sent)

    def row(self):
        row = {"spid": str(self.target.spid), "oracle_sid": self.target.oracle_sid}
        row.update((name, self.target.session[name]) for name in ECHOED if name in self.target.session)
        row.update(outcome=self.outcome, reason=self.reason, signals=list(self.sent))
        if self.proven is not None:
            row["proven"] = self.proven
        if self.waited is not None:
            row["waited_seconds"] = self.waited
        return row

    def line(self):
        return f"{self.outcome}: {self.target.named()} - {self.reason}"


def end_processes(request, check_mode):
    """The Fate of each target. In check mode all is as otherwise, but nothing is sent."""
    owner = None if request.owner is None else linux.uid_of(request.owner)
    if owner is None and request.owner is not None:
        raise BadOption("owner", f"there is no user {request.owner!r} on this host; name one, or its number.")
    here = linux.look_around()
    titles = linux.titles()
    fates = [Fate(target) for target in request.targets]

    def look(fate):
        _find(fate, request, titles, owner, here)

    def judge(fate):
        _judge(fate, request, owner, here)

    try:
        for fate in fates:
            _attempt(look, fate)
            _attempt(judge, fate)
        if check_mode:
            for fate in _open(fates):
                fate.settle("planned", fate.reason)
        else:
            _signal_all(fates, request, judge)
    finally:
        for fate in fates:
            if fate.held:
                fate.held.close()
    return fates


def _open(fates):
    return [fate for fate in fates if fate.outcome is None]


def _attempt(step, fate):
    """One step for one process; whatever goes wrong, the others have their turn."""
    if fate.outcome is not None:
        return
    try:
        step(fate)
    except linux.Unreadable as error:
        fate.settle("failed", str(error))
    except PermissionError:
        fate.settle("failed", "we may not send it signals; run this with become: true")
    except ProcessLookupError:
        fate.settle("gone", "there is no such process any more")
    except OSError as error:
        fate.settle("failed", f"the system says: {error.strerror or error}")


def _find(fate, request, titles, owner, here):
    """Take hold of the process, if there is one to be taken hold of."""
    reason = refusal_of(fate.target, request.targets)
    if reason:
        fate.settle("refused", reason)
        return
    pmons = linux.find_pmons(fate.target.oracle_sid, titles)
    fate.pmon, reason = choose_pmon(fate.target, pmons, owner, here)
    if reason:
        fate.settle("refused", reason)
        return
    pid = linux.find(fate.target.spid, fate.pmon)
    try:
        fate.held = linux.Held(pid) if pid else None
    except ProcessLookupError:
        fate.held = None
    if fate.held is None:
        _settle_missing(fate)


def _judge(fate, request, owner, here):
    """Settle it, or leave it open with what was proven: then it may be signalled."""
    process = linux.read(fate.held.pid)
    if process is None or fate.held.ended():
        _settle_missing(fate)
        return
    if fate.sent and not process.title:
        # The same process, which gives back its memory, and its name with that: it is about to end.
        return
    verdict = judge_process(fate.target, process, fate.pmon, owner, request.patterns, here)
    if verdict.outcome != "planned":
        fate.settle(verdict.outcome, verdict.reason)
        return
    fate.held.started = process.started
    fate.proven = dict(verdict.proven, pidfd=fate.held.by_pidfd)
    fate.reason = verdict.reason


def _settle_missing(fate):
    if fate.pmon is None and not fate.sent:
        # On the wrong host it would look the same.
        pmon = f"ora_pmon_{fate.target.oracle_sid}"
        fate.settle("refused", f"there is no such process, and no {pmon} that shows that it was on this host")
    else:
        fate.settle("gone", "there is no such process")


def _signal_all(fates, request, judge):
    for name in request.signals:

        def send(fate, name=name):
            # Judged again, however shortly after: what cannot be held on to might be another one by now.
            judge(fate)
            if fate.outcome is None:
                fate.held.send(name)
                fate.sent.append(name)
                fate.since = fate.since or time.monotonic()

        for fate in _open(fates):
            _attempt(send, fate)
        last = name == request.signals[-1]
        _wait(fates, max(request.grace, _LEAST_AFTER_THE_LAST) if last else request.grace)
    for fate in _open(fates):
        _attempt(_settle_left, fate)


def _wait(fates, seconds):
    deadline = time.monotonic() + seconds
    while True:
        for fate in _open(fates):
            _attempt(_look_for_end, fate)
        if not _open(fates) or time.monotonic() >= deadline:
            return
        time.sleep(_POLL_SECONDS)


def _look_for_end(fate):
    if fate.held.ended():
        fate.settle("ended", "")


def _settle_left(fate):
    process = linux.read(fate.held.pid)
    if process is None or fate.held.ended():
        fate.settle("ended", "")
        return
    why = {
        "D": "the kernel is in a call for it that cannot be interrupted, and ends it after that",
        "T": "it is stopped",
        "t": "a debugger has stopped it",
    }.get(process.state, f"its state is {process.state}")
    fate.settle("pending", f"it is still there {time.monotonic() - fate.since:.0f} s after {fate.sent[0]}; {why}")


def counts(fates):
    return {name: sum(fate.outcome == name for fate in fates) for name in OUTCOMES}


def failure(fates):
    """Why the task fails; None when it does not."""
    wrong = [fate for fate in fates if fate.outcome in _WRONG]
    if not wrong:
        return None
    first, more = wrong[0], f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    named = first.target.named()
    return f"{named[0].upper()}{named[1:]} is {first.outcome}: {first.reason}{more}."


def message(fates):
    """A line per process, then the counts."""
    lines = [fate.line() for fate in fates[:_NAMED]]
    if len(fates) > _NAMED:
        lines.append(f"... and {len(fates) - _NAMED} more")
    counted = ", ".join(f"{count} {name}" for name, count in counts(fates).items() if count)
    lines.append(f"{len(fates)} process{'es' * (len(fates) != 1)}" + (f": {counted}" if counted else "; nothing to do"))
    return "\n".join(lines)


def diff(fates):
    """The processes before and after, one line each."""
    there = [fate for fate in fates if fate.outcome != "gone"]
    left = [fate for fate in there if fate.outcome not in ("planned", "ended")]
    return {
        "before_header": "server processes",
        "after_header": "server processes",
        "before": "".join(f"{fate.target.named()}\n" for fate in there),
        "after": "".join(f"{fate.target.named()}\n" for fate in left),
    }
