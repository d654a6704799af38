# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Argument specifications, one group per documentation fragment, and the names that inventories may use for them."""

from __future__ import annotations

from .access import FEATURES, PRESENT, SCRIPT
from .dialect.registry import DIALECTS
from .guard import LIFTABLE
from .login import MODES
from .plan import CANCEL, DISCONNECT, KILL
from .rule import GROUPS, PICKS

LOGIN = {
    "dialect": {"type": "str", "choices": list(DIALECTS), "default": "oracle"},
    "login_dsn": {"type": "str"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_mode": {"type": "str", "choices": list(MODES), "default": "default"},
    "login_external_auth": {"type": "bool", "default": False},
    "login_wallet_dir": {"type": "path"},
    "login_wallet_password": {"type": "str", "no_log": True},
    "login_config_dir": {"type": "path"},
    "login_thick_mode": {"type": "bool", "default": False},
    "login_client_dir": {"type": "path"},
    "login_ca_cert": {"type": "path"},
    "login_timeout": {"type": "raw", "default": 10},
    "call_timeout": {"type": "raw", "default": 30},
    "via_procedure": {"type": "str"},
    "comment": {"type": "str"},
}
# What the action plugin looks for as the variable oracle_sessions_<option> and in ORACLE_SESSIONS_<OPTION>.
RESOLVED = tuple(LOGIN)

TARGET = {
    "sid": {"type": "raw", "aliases": ["session_id"]},
    "serial": {"type": "raw"},
    "inst_id": {"type": "raw"},
    "sessions": {"type": "raw"},
    "sessions_max_age": {"type": "raw", "default": "1h"},
    "match": {"type": "dict"},
    "exclude": {"type": "list", "elements": "dict", "default": []},
    "pick": {"type": "str", "choices": list(PICKS), "default": "all"},
    "limit": {"type": "raw"},
    "keep": {"type": "raw"},
    "per": {"type": "str", "choices": list(GROUPS)},
}

PROTECT = {
    "protect": {"type": "list", "elements": "dict", "default": []},
}

GUARDS = {
    "max_sessions": {"type": "raw", "default": 20},
    "max_percent": {"type": "raw"},
    "max_rollback_records": {"type": "raw"},
    "allow": {"type": "list", "elements": "str", "choices": list(LIFTABLE), "default": []},
    "closed_sessions": {"type": "list", "elements": "dict", "default": []},
}

WAITING = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "raw", "default": 60},
    "wait_interval": {"type": "raw", "default": 0.5},
    "on_pending": {"type": "str", "choices": ["ok", "warn", "fail"]},
    "detail": {"type": "str", "choices": ["compact", "full"], "default": "compact"},
}

INCLUDES = ("sql_text", "blockers", "rollback", "recovery")
LISTING = {
    "include": {"type": "list", "elements": "str", "choices": list(INCLUDES), "default": []},
    "explain": {"type": "bool", "default": False},
}

# How a verb is carried out, by verb.
WAYS = {
    KILL: {
        "immediate": {"type": "bool", "default": True},
        "force": {"type": "bool", "default": False},
        "noreplay": {"type": "bool", "default": False},
        "server_timeout": {"type": "raw"},
        "allow_undocumented": {"type": "bool", "default": False},
    },
    DISCONNECT: {
        "post_transaction": {"type": "bool", "default": False},
        "immediate": {"type": "bool"},
        "noreplay": {"type": "bool", "default": False},
    },
    CANCEL: {
        "sql_id": {"type": "str"},
        "allow_undocumented": {"type": "bool", "default": False},
    },
}

READING_SPEC = {**LOGIN, **TARGET, **PROTECT, **LISTING}
ACTING_SPEC = {**LOGIN, **TARGET, **PROTECT, **GUARDS, **WAITING}
ACCOUNT_SPEC = {
    **LOGIN,
    "state": {"type": "str", "choices": [PRESENT, SCRIPT], "default": PRESENT},
    "name": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "features": {"type": "list", "elements": "str", "choices": list(FEATURES), "default": [KILL]},
    "only_users": {"type": "list", "elements": "raw"},
    "exclusive": {"type": "bool", "default": False},
    "replace": {"type": "bool", "default": False},
    "server_version": {"type": "str"},
    "cluster": {"type": "bool", "default": False},
}
