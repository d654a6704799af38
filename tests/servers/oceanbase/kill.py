# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How sessions are ended: who may, and what becomes of the victim. Sources: see policy.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .accounts import SYS_TENANT
from .errors import Cut, ServerError, internal, mysql, oracle
from .ids import OBSERVER_BIT
from .policy import CUT, OK
from .session import ABORTED, IN_TERMINATE, Session

if TYPE_CHECKING:
    from .observer import Observer


def kill(observer: Observer, caller: Session, number: int, query: bool = False) -> None:
    """What KILL with this number does, or its error. Of a client that has sessions on several nodes it ends all."""
    by_client_id = caller.client.kind == "v2" and not number & OBSERVER_BIT
    victims = observer.with_id(number)
    if victims and not by_client_id:
        listed = len(victims)
        victims = [victim for victim in victims if victim.client.kind != "v2"]
        if not victims:
            name = "kill_client_id_directly" if listed == 1 else "kill_client_id_twice_directly"
            raise internal(observer.policies[name], number)
    if not victims:
        if query and by_client_id and observer.policies["cancel_unknown_v2"] == OK:
            return
        raise internal(observer.policies["kill_unknown"], number)
    # See kill_client_id_owner in policy.py.
    if not allowed(caller, victims[0]):
        raise internal(observer.policies["kill_not_owner"], number)
    if query:
        for victim in victims:
            cancel(observer, victim)
    elif caller in victims:
        caller.client.closing = True
        if observer.policies["kill_self_v2" if by_client_id else "kill_self"] == CUT:
            raise Cut
    elif alive := [victim for victim in victims if not victim.killed]:
        for victim in alive:
            end(observer, victim)
    elif observer.policies["kill_again"] != OK:
        raise internal(observer.policies["kill_again"], number)


def allowed(caller: Session, victim: Session) -> bool:
    if caller.tenant == SYS_TENANT:
        return True
    return caller.tenant == victim.tenant and (caller.user == victim.user or caller.account.has("SUPER"))


def end(observer: Observer, victim: Session) -> None:
    """Mark it, roll it back, disconnect it; in which order and how long each lasts depends on what it does."""
    blocked = victim.waits_for is not None
    victim.killed = True
    if blocked:
        assert victim.transaction is not None
        victim.ended_transaction = victim.transaction.id, ABORTED
        victim.end_transaction(commit=False)
        victim.changed_state()
        observer.after("linger", lambda: _remove(observer, victim, observer.policies["victim_waiter"]))
        return
    outcome = observer.policies["victim_busy" if victim.waiting else "victim_idle"]
    if victim.transaction is None or not observer.policies["rollback_linger"]:
        _remove(observer, victim, outcome)
        return
    victim.ended_transaction = victim.transaction.id, IN_TERMINATE
    victim.listed = observer.policies["rolling_back_listed"]
    victim.changed_state()
    _disconnect(victim, outcome)
    observer.after("rollback_linger", lambda: observer.forget(victim))


def _remove(observer: Observer, victim: Session, outcome: Any) -> None:
    observer.forget(victim)
    _disconnect(victim, outcome)


def _disconnect(victim: Session, outcome: Any) -> None:
    if victim.waiting:
        victim.interrupt(Cut() if outcome == CUT else _outcome(outcome))
    elif not victim.client.waiting:
        # Otherwise its session on another node answers first.
        victim.client.end()


def _outcome(policy: int) -> ServerError:
    return internal(policy) if policy < 0 else oracle(policy)


def cancel(observer: Observer, victim: Session) -> None:
    """End its statement, and nothing else. One that runs nothing is only shown as cancelled, until its next statement."""
    if victim.killed:
        return
    blocked = victim.waits_for is not None
    error = victim.cancelled = _outcome(observer.policies["victim_cancelled"])
    victim.changed_state()

    def interrupt() -> None:
        # Unless that statement has ended, and another one runs.
        if victim.cancelled is error:
            victim.interrupt(error)

    if blocked and observer.policies["cancel_linger"]:
        observer.after("cancel_linger", interrupt)
    else:
        interrupt()


def by_proxy(observer: Observer, caller: Session, number: int, query: bool) -> None:
    """What a proxy with ids of version 1 does with KILL, which takes its own ids only and goes no further."""
    policies = observer.policies
    victim = next(
        (each for each in observer.sessions.values() if each.client.proxied and each.client.told_id == number), None
    )
    if victim is None or victim.killed:
        raise mysql(policies["proxy_unknown"], number)
    if (victim.tenant, victim.user) != (caller.tenant, caller.user):
        raise mysql(policies["proxy_not_owner"], number)
    if query and victim is caller:
        raise mysql(policies["proxy_cancel_self"])
    if query:
        cancel(observer, victim)
    elif victim is caller:
        raise Cut
    else:
        # Its connection to the server is closed, as when its client hangs up.
        victim.killed = True
        _remove(observer, victim, CUT)
