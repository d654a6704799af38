# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of server to be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Self

from . import policy
from .accounts import SYS_TENANT

LOOPBACK = "127.0.0.1"
MAX_NODES = 9
DEFAULT_QUERY_TIMEOUT, LONG_QUERY_TIMEOUT = 10_000_000, 3_600_000_000


@dataclass(frozen=True)
class Options:
    """``error_prefix`` is ORA or OBE; before version 4 it is ORA. ``proxy``: None, or the version of the client session ids
    of a proxy in front: v1, v2. ``nodes``: how many observers there are. ``tenants`` are further ones beside ``tenant`` and
    sys. With ``long_statements`` statements may last an hour, otherwise as long as on a server as it comes, 10 s.
    ``knows_kill_session``: whether there is ALTER SYSTEM KILL SESSION, which before version 4 there is not. ``policies`` are
    changes to the table in policy.py.
    """

    version: str = "4.3.5.1"
    tenant: str = "shop"
    error_prefix: str = "OBE"
    proxy: str | None = None
    nodes: int = 1
    tenants: tuple[str, ...] = ()
    long_statements: bool = True
    knows_kill_session: bool = True
    policies: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(part.isdigit() for part in self.version.split(".")):
            raise ValueError(f"a version is numbers and points, such as 4.3.5.1; not {self.version!r}")
        if self.error_prefix not in ("ORA", "OBE"):
            raise ValueError(f"errors begin with ORA or OBE, not {self.error_prefix!r}")
        if self.proxy not in (None, "v1", "v2"):
            raise ValueError(f"a proxy has ids of version v1 or v2, not {self.proxy!r}")
        if self.proxy == "v2" and self.numbers < (4, 2, 5):
            raise ValueError("client session ids of version 2 need OceanBase 4.2.5")
        if not 1 <= self.nodes <= MAX_NODES:
            raise ValueError(f"a cluster has 1 to {MAX_NODES} nodes here, not {self.nodes!r}")
        if SYS_TENANT in (self.tenant, *self.tenants):
            raise ValueError(f"the tenant {SYS_TENANT} is there anyway")
        for name, value in self.policies.items():
            policy.checked(name, value)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    @property
    def prefix(self) -> str:
        return self.error_prefix if self.numbers >= (4,) else "ORA"

    @property
    def query_timeout(self) -> int:
        return LONG_QUERY_TIMEOUT if self.long_statements else DEFAULT_QUERY_TIMEOUT

    def every_tenant(self) -> list[str]:
        return [SYS_TENANT, self.tenant, *self.tenants]

    def all_policies(self) -> dict[str, Any]:
        return policy.defaults() | self.policies

    @classmethod
    def from_json(cls, text: str) -> Self:
        given = json.loads(text)
        return cls(**given | {"tenants": tuple(given.get("tenants", ()))})
