# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""The PL/SQL block that ends one session of Oracle Database, if it is still what it was when it was matched.

Nothing that ends a session goes out as a statement of its own: the driver takes ORA-00031, which is about the session to
be ended, for the death of its own connection. Inside the block the server's errors are caught and handed back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from ..guard import TAG
from ..session import BLOCKING_SECONDS, Answer
from .oracle_snapshot import LOCK_WAIT, LOGON_TIME

# A look in the block sees ages of its own; two readings of one moment may differ by the second they are cut to.
_SLACK_SECONDS = 2


@dataclass(frozen=True)
class Check:
    """One way in which a session may have changed since it was matched, asked when the rule matches by one of `keys`, or
    always. Where `spares` is set, also when the rule excludes or protects by one of them.

    `changed` is true in SQL when it has; names in braces stand for views. `inputs` are its bind variables, each with the
    function that takes its value from the session as it was seen. `reason` tells people, `held` the program.
    """

    keys: frozenset | None
    changed: str
    reason: str
    inputs: dict[str, Callable]
    held: str = "changed"
    spares: bool = False


def _same(key, column, what):
    """A text must be what it was: DECODE takes two nulls for equal."""
    return Check(
        frozenset({key}),
        f"DECODE({column}, :{key}, 0, 1) = 1",
        f"its {what} has changed",
        {key: lambda session: getattr(session, key)},
        spares=True,
    )


def _at_least(seconds):
    """What these seconds must be by now, -1 where there were none: the session must still do nothing of the kind, for
    the rule may be about that in `exclude` or `protect` only.
    """
    return -1 if seconds is None else int(seconds)


def _least_transaction_age(session):
    if not session.transaction:
        return -1
    return max(0, int((session.transaction["age_seconds"] or 0.0) - _SLACK_SECONDS))


_WAITS_FOR_IT = (
    "EXISTS (SELECT 1 FROM {session} w WHERE w.blocking_session_status = 'VALID' AND w.blocking_session = s.sid"
    "{its_instance} AND w.wait_time_micro >= "
    + str(int(BLOCKING_SECONDS * 1e6))
    + " AND "
    + LOCK_WAIT.format("w")
    + ")"
)
_WAITS = "s.blocking_session_status = 'VALID' AND " + LOCK_WAIT.format("s")
_TRANSACTION = "SELECT 1 FROM {transaction} t WHERE t.ses_addr = s.saddr{same_instance}"

# The order is that of the reasons. What a rule may be about but is not here cannot change while a session lives (its
# user, its program), only grows (the time since its logon), or is of the moment, so that nobody can rely on it to stay
# (its event, its temporary space).
_CHECKS = (
    Check(
        None,
        "s.status = 'KILLED' AND :was_killed = 0",
        "somebody else has killed it meanwhile",
        {"was_killed": lambda session: int(session.killed)},
        held="killed",
    ),
    Check(None, f"s.module = '{TAG}'", "own: it is another run of this collection by now", {}),
    Check(
        frozenset({"idle"}),
        "(:idle < 0 AND s.status <> 'ACTIVE') OR (:idle >= 0 AND (s.status = 'ACTIVE' OR s.last_call_et < :idle))",
        "it has run something since it was matched",
        {"idle": lambda session: _at_least(session.idle_seconds)},
        spares=True,
    ),
    Check(
        frozenset({"active", "sql_active", "sql_id", "sql_text", "command"}),
        "(:active < 0 AND s.status = 'ACTIVE') OR (:active >= 0 AND (s.status <> 'ACTIVE' OR s.last_call_et < :active "
        "OR DECODE(s.sql_id, :sql_id, 0, 1) = 1 OR DECODE(s.sql_exec_id, :sql_exec_id, 0, 1) = 1))",
        "it runs another statement by now, or none",
        {
            "active": lambda session: _at_least(session.active_seconds),
            "sql_id": lambda session: session.sql_id,
            "sql_exec_id": lambda session: session.sql_exec_id,
        },
        held="another",
        spares=True,
    ),
    _same("status", "LOWER(s.status)", "status"),
    _same("schema", "s.schemaname", "schema"),
    _same("module", "s.module", "module"),
    _same("action", "s.action", "action"),
    _same("client_identifier", "s.client_identifier", "client identifier"),
    _same("client_info", "s.client_info", "client info"),
    _same("resource_group", "s.resource_consumer_group", "consumer group"),
    _same("service", "s.service_name", "service"),
    _same("container", "{container}", "container"),
    Check(
        frozenset({"in_transaction"}),
        f"CASE WHEN EXISTS ({_TRANSACTION}) THEN 1 ELSE 0 END <> :in_transaction",
        "it has begun or ended a transaction",
        {"in_transaction": lambda session: int(session.transaction is not None)},
        spares=True,
    ),
    Check(
        frozenset({"in_transaction", "transaction_age", "undo_records"}),
        f"(:transaction_age < 0 AND EXISTS ({_TRANSACTION})) OR (:transaction_age >= 0 "
        f"AND NOT EXISTS ({_TRANSACTION} AND (SYSDATE - t.start_date) * 86400 >= :transaction_age))",
        "its transaction is over, or another one by now",
        {"transaction_age": _least_transaction_age},
        spares=True,
    ),
    Check(
        frozenset({"blocking", "root_blocker", "waiters", "blocking_for"}),
        f":blocks = 1 AND NOT {_WAITS_FOR_IT}",
        "nobody waits for it any more",
        {"blocks": lambda session: int(session.blocks())},
        spares=True,
    ),
    Check(
        frozenset({"blocked", "root_blocker", "blocked_by"}),
        f"CASE WHEN {_WAITS} THEN 1 ELSE 0 END <> :waits",
        "it waits for another session by now, or does not any more",
        {"waits": lambda session: int(session.blocked_by is not None)},
        spares=True,
    ),
    Check(
        frozenset({"blocked_by"}),
        ":holder > 0 AND (s.blocking_session <> :holder OR s.blocking_instance <> :holder_instance)",
        "it waits for another session by now",
        {
            "holder": lambda session: (session.blocked_by or {}).get("sid") or 0,
            "holder_instance": lambda session: (session.blocked_by or {}).get("inst_id") or 0,
        },
        spares=True,
    ),
)
# DISCONNECT SESSION names no instance, so it means the session with that number where the connection is just then.
_ON_ITS_INSTANCE = Check(
    None,
    "TO_NUMBER(SYS_CONTEXT('USERENV', 'INSTANCE')) <> :inst_id",
    "the connection is on another instance than the session's by now",
    {},
)

_BLOCK = """DECLARE
  changed VARCHAR2(10);
  failed NUMBER := 0;
  told VARCHAR2(4000);
BEGIN
  BEGIN
    SELECT CASE {cases} END INTO changed
    FROM {session} s
    WHERE s.sid = :sid AND s.serial# = :serial AND {instance} = :inst_id AND {logon_time} = :logon_time;
  EXCEPTION
    WHEN NO_DATA_FOUND THEN changed := 'gone';
  END;
  IF changed IS NULL THEN
    EXECUTE IMMEDIATE :statement{using};
  END IF;
  :changed := changed;
  :code := failed;
  :message := told;
EXCEPTION
  WHEN OTHERS THEN
    -- We have broken the call off: the rest of the batch must not run on.
    IF SQLCODE = -1013 THEN
      RAISE;
    END IF;
    :changed := NULL;
    :code := SQLCODE;
    :message := SUBSTR(SQLERRM, 1, 400);
END;"""
OUTPUTS = {"changed": str, "code": int, "message": str}
_ALWAYS = {"sid": int, "serial": int, "inst_id": int, "logon_time": str, "statement": str}
# A null does not tell what it is, and the server would take a text for a number that is compared with one.
_TEXTS = (
    *("sql_id", "status", "schema", "module", "action", "client_identifier", "client_info", "resource_group"),
    *("service", "container"),
)
_UNCHANGING = frozenset(
    {"username", "os_user", "machine", "client_address", "program", "type", "server", "inst_id", "logon_age"}
)
# What a rule may exclude or protect by without anybody having to look before the block does.
SPARED_IN_BLOCK = _UNCHANGING.union(_TEXTS) - {"sql_id"}


class Recheck:
    """The block for a rule that matches by some keys and spares by others, and the values and answers of its binds.

    `sessions` knows the names of the views; `wrapped` says that the statements hand back code and message themselves,
    `disconnecting` that they name no instance.
    """

    def __init__(self, sessions, matching, sparing, wrapped, disconnecting=False):
        self._checks = [
            check
            for check in _CHECKS
            if check.keys is None or check.keys & matching or (check.spares and check.keys & sparing)
        ]
        if disconnecting:
            self._checks.append(_ON_ITS_INSTANCE)
        names = {
            "session": sessions.view("session"),
            "transaction": sessions.view("transaction"),
            "its_instance": " AND w.blocking_instance = s.inst_id" if sessions.several else "",
            "same_instance": sessions.same_instance("t", "s"),
            "container": sessions.container_of_session(),
        }
        cases = " ".join(
            f"WHEN {check.changed.format(**names)} THEN '{number}'" for number, check in enumerate(self._checks)
        )
        self.text = _BLOCK.format(
            cases=cases,
            session=names["session"],
            instance="s.inst_id" if sessions.several else str(sessions.here),
            logon_time=LOGON_TIME,
            using=" USING OUT failed, OUT told" if wrapped else "",
        )

    @property
    def inputs(self):
        """Whether each value that goes in is an int or a str, by name."""
        asked = (name for check in self._checks for name in check.inputs)
        return {**{name: str if name in _TEXTS else int for name in asked}, **_ALWAYS}

    def row(self, step):
        """The values that go in with the statement of one step."""
        session = step.session
        return {
            **{name: read(session) for check in self._checks for name, read in check.inputs.items()},
            "sid": session.sid,
            "serial": session.serial,
            "inst_id": session.inst_id,
            # Without the offset, which the server does not store.
            "logon_time": session.logon_time[:19],
            "statement": step.statement,
        }

    def answer(self, out):
        """The Answer that came out for one step."""
        if out["changed"] == "gone":
            return Answer(held="gone", reason="no such session any more when its turn came")
        if out["changed"] is not None:
            check = self._checks[int(out["changed"])]
            return Answer(held=check.held, reason=check.reason)
        if out["code"]:
            return Answer(code=abs(int(out["code"])), message=out["message"] or "")
        return Answer()
