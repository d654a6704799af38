# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of the server and of a session: those that clients of this tenant mode ask for or set."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from .errors import UNKNOWN_VARIABLE, internal

_READ_ONLY = frozenset({"ob_compatibility_mode", "version", "version_comment", "server_uuid", "license"})
_SWITCHES = frozenset({"autocommit"})
_ON = {"1": "ON", "ON": "ON", "TRUE": "ON", "0": "OFF", "OFF": "OFF", "FALSE": "OFF"}


def defaults(release: str, query_timeout: int) -> dict[str, str]:
    """Name and value of each, as the server starts; times are in microseconds."""
    return {
        "autocommit": "ON",
        "character_set_client": "utf8mb4",
        "character_set_connection": "utf8mb4",
        "character_set_results": "utf8mb4",
        "collation_connection": "utf8mb4_bin",
        "interactive_timeout": "28800",
        "license": "",
        "nls_date_format": "DD-MON-RR",
        "nls_timestamp_format": "DD-MON-RR HH.MI.SSXFF AM",
        "nls_timestamp_tz_format": "DD-MON-RR HH.MI.SSXFF AM TZR",
        "ob_compatibility_mode": "ORACLE",
        "ob_query_timeout": str(query_timeout),
        "ob_trx_idle_timeout": "86400000000",
        "ob_trx_lock_timeout": "-1",
        "ob_trx_timeout": "86400000000",
        "server_uuid": str(uuid.uuid4()),
        "sql_mode": "PIPES_AS_CONCAT,STRICT_ALL_TABLES,PAD_CHAR_TO_FULL_LENGTH",
        "time_zone": "+00:00",
        "tx_isolation": "READ-COMMITTED",
        "version": f"5.7.25-OceanBase-v{release}",
        "version_comment": f"OceanBase {release} (r{release.replace('.', '0')}0-0) (Built Nov 20 2025 10:00:00)",
        "wait_timeout": "28800",
    }


def changed(known: Mapping[str, str], name: str, value: str) -> str:
    """The value as it is kept; the server's error for a variable that there is not, or that cannot be set."""
    if name not in known or name in _READ_ONLY:
        raise internal(UNKNOWN_VARIABLE, name)
    return _ON.get(value.upper(), value) if name in _SWITCHES else value


def matching(known: Mapping[str, str], pattern: str) -> list[tuple[str, str]]:
    """Those whose name is LIKE this."""
    parts = {"%": ".*", "_": "."}
    like = re.compile("".join(parts.get(letter) or re.escape(letter) for letter in pattern), re.IGNORECASE | re.DOTALL)
    return [(name, value) for name, value in sorted(known.items()) if like.fullmatch(name)]
