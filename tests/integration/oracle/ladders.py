# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays of the role session_cleanup whose rules end server processes, and what came of them."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers import oracle_actors as actors
from servers.actors import wait_until
from servers.oracle_actors import BusySession, Session

ROLE = "dbops.oracle_sessions.session_cleanup"
REPORT = "report"
# A call that hears of nothing, and a ladder that leaves it no way.
HOLD = "BEGIN STANDIN.HOLD(600); END;"
LADDER = ("kill", {"process_kill": {"after": "1s", "grace": "10s"}})
# Where its first look is over.
BETWEEN_THE_LOOKS = "Wait 10 s, as a second look tells more than one"


def cleanup_play(policy: Any, **variables: Any) -> dict[str, Any]:
    return {
        "hosts": "db",
        "gather_facts": False,
        "vars": {"oracle_sessions_policy": policy}
        | {f"oracle_sessions_{name}": value for name, value in variables.items()},
        "tasks": [
            {
                "block": [{"include_role": {"name": ROLE}}],
                "always": [{"name": REPORT, "debug": {"msg": "{{ oracle_sessions_report | default({}) }}"}}],
            }
        ],
    }


def here(login: dict[str, Any], wait_timeout: Any = "20s") -> dict[str, Any]:
    """The variables of an inventory host that is this database, whose processes are our own user's and run here."""
    own = {"hosts": {"1": "localhost"}, "software_owner": getpass.getuser(), "wait_timeout": wait_timeout}
    return {f"oracle_sessions_{name}": value for name, value in {**login, **own}.items()}


def stuck(user: dict[str, str], then: Any = LADDER, **keys: Any) -> list[dict[str, Any]]:
    """A policy for whatever this user's sessions are busy with."""
    return [{"name": "stuck", "match": {"username": user["user"], "active": 0}, "then": then, **keys}]


def rows(done: Any) -> dict[tuple[int, int], dict[str, Any]]:
    """What the report says of each session of the only rule, by instance and sid."""
    (rule,) = done.of(REPORT)["msg"]["rules"]
    return {(row["inst_id"], row["sid"]): row for row in rule["sessions"]}


def key(session: Session) -> tuple[int, int]:
    return session.inst_id, session.sid


def alive(session: Session) -> bool:
    """Its process, its session and its call are."""
    return actors.listed(session) is not None and not (isinstance(session, BusySession) and session.done.is_set())


def spid(session: Session) -> int:
    """On its host. To be asked before a KILL of an idle session, whose PADDR then leads nowhere."""
    process = (
        "SELECT p.spid FROM gv$session s JOIN gv$process p ON p.inst_id = s.inst_id AND p.addr = s.paddr"
        " WHERE s.inst_id = :1 AND s.sid = :2 AND s.serial# = :3"
    )
    return int(session.server.sql(process, (session.inst_id, session.sid, session.serial))[0][0])


@contextmanager
def before_task(name: str, folder: Path, act: Callable[[], None]) -> Iterator[dict[str, str]]:
    """The environment of a play in which ``act`` is called right before the task of this name begins, once for the play."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            wait_until((folder / "reached").exists, timeout=60, what=f"the task {name}")
            act()
        except BaseException as error:
            failed.append(error)
        finally:
            (folder / "go").touch()

    thread = threading.Thread(target=run)
    thread.start()
    yield {"HOLD_BEFORE": name, "HOLD_IN": str(folder)}
    thread.join()
    assert not failed, failed
