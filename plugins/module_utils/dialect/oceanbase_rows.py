# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""How rows of OceanBase's views become sessions. Sources: see oceanbase.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..blocking import Wait
from ..session import Session

# The server lists these states; QUERY_KILLED is not one of them: the session lives on.
_DYING = "SESSION_KILLED"
_INTERNAL_HOST = "0.0.0.0:0"
# A transaction in one of these states holds no lock any more, although its row is still there.
FINISHED = ("IDLE", "ABORTED", "ROLLED_BACK", "COMMITED")
# The administrators of MySQL and Oracle mode, the proxy's account, and those for security and auditing of Oracle mode; what
# begins with two underscores belongs to the server, too.
_SYSTEM_USERS = ("ROOT", "SYS", "PROXYRO", "LBACSYS", "ORAAUDITOR")
# The ids that servers hand out begin here (ob_kill_executor: the highest bit tells them from those of a proxy).
SERVER_S_OWN = 1 << 31


def session_of(row, tenant, empty):
    """The session of a row, of this tenant unless the row names one; `empty` is how an empty text arrives."""
    sid = int(row["ID"])
    state = row.get("STATE")
    active = row.get("COMMAND") != "Sleep"
    address, port = _client(row)
    elapsed = max(float(row.get("TIME") or 0.0), float(row.get("TOTAL_TIME") or 0.0))
    coordinator = int(row.get("MASTER_SESSID") or 0)
    username = row.get("USER") or None
    return Session(
        sid=sid,
        # A client of the cluster has sessions on several servers, and goes from one to the other.
        node=None if is_of_cluster(row) else node_of(row),
        client_address=address,
        client_port=port,
        type="background" if row.get("HOST") == _INTERNAL_HOST else "user",
        oracle_maintained=(username or "").upper() in _SYSTEM_USERS or (username or "").startswith("__"),
        username=username,
        schema=row.get("DB") if row.get("DB") not in ("NULL", "") else None,
        machine=address,
        module=row.get("MODULE") or None,
        action=row.get("ACTION") or None,
        client_info=row.get("CLIENT_INFO") or None,
        container=row.get("TENANT") or tenant,
        status="killed" if state == _DYING else "active" if active else "inactive",
        command=row.get("COMMAND"),
        sql_id=(row.get("SQL_ID") or None) if active else None,
        sql_exec_id=(row.get("TRACE_ID") or None) if active else None,
        sql_text=row.get("INFO"),
        # TIME counts the present state and starts anew when a statement is retried or killed; TOTAL_TIME goes on.
        idle_seconds=None if active else float(row.get("TIME") or 0.0),
        active_seconds=elapsed if active else None,
        sql_active_seconds=elapsed if active else None,
        transaction=_transaction(row, empty),
        coordinator={"inst_id": None, "sid": coordinator} if coordinator and coordinator != sid else None,
    )


def node_of(row):
    return f"{row['SVR_IP']}:{row['SVR_PORT']}" if row.get("SVR_IP") else None


def is_of_cluster(row):
    """Whether its id is that of a client in the whole cluster, which a proxy gave it: a server sets the highest bit of its own."""
    return bool(int(row.get("PROXY_SESSID") or 0)) and int(row["ID"]) < SERVER_S_OWN


def _client(row):
    """Address and port of the client itself; behind a proxy HOST is the proxy's, with a port for each of its servers."""
    host, _colon, port = str(row.get("HOST") or "").rpartition(":")
    port = str(int(row.get("USER_CLIENT_PORT") or 0) or ("" if is_of_cluster(row) else port))
    return row.get("USER_CLIENT_IP") or host or None, (int(port) if port.isdigit() else 0) or None


def _transaction(row, empty):
    # A server without the column has the id only.
    finished = "TRANS_STATE" in row and row["TRANS_STATE"] in (empty, *FINISHED)
    if finished or not int(row.get("TRANS_ID") or 0):
        return None
    return {"age_seconds": None, "undo_records": None}


# --- clients that a proxy serves by several servers


def of_clients(sessions):
    """Sessions as their clients know them: what a proxy opened on several servers for one client is one session."""
    found: dict[tuple, list[Session]] = {}
    for session in sessions:
        found.setdefault(session.identity, []).append(session)
    return [members[0] if len(members) == 1 else _united(members) for members in found.values()]


def _united(members):
    """One client's sessions on several servers as one: what it did last counts, wherever that was.

    What the session used last does not tell, the others do; the client is in a transaction if one of them is.
    """
    ordered = sorted(members, key=_since_use)
    told = {
        name: next((value for value in (getattr(each, name) for each in ordered) if value is not None), None)
        for name in ("schema", "module", "action", "client_info", "coordinator", "transaction")
    }
    kind = next((each.type for each in ordered if each.type != "user"), "user")
    return replace(ordered[0], **told, type=kind, members=tuple(ordered))


def _since_use(session):
    """Sorts by the time since a session was last used: what runs now comes first, what is killed already last."""
    idle = session.idle_seconds
    return session.killed, idle is not None, session.active_seconds if idle is None else idle


# --- what other views tell


def time_of(written):
    return datetime.fromisoformat(str(written))


def wait_of(row):
    """The Wait of a row of locks; one that does not tell since when has only begun."""
    return Wait((None, int(row["SESSION_ID"])), (None, int(row["ID2"])), float(row["CTIME"] or 0.0) / 1e6)


def add_ages(sessions, rows, now):
    begun: dict[int, datetime] = {}
    for row in rows:
        sid, since = int(row["SESSION_ID"]), time_of(row["SINCE"])
        begun[sid] = min(since, begun.get(sid, since))
    for session in sessions:
        if session.transaction and session.sid in begun:
            session.transaction["age_seconds"] = (now - begun[session.sid]).total_seconds()


def add_objects(sessions, rows):
    objects: dict[int, list[str]] = {}
    for row in rows:
        objects.setdefault(int(row["SESSION_ID"]), []).append(f"{row['OWNER']}.{row['OBJECT_NAME']}")
    for session in sessions:
        session.locked_objects = sorted(objects.get(session.sid, ())) or None
