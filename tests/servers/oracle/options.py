# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of database to be: release, instances, containers, flavour."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from . import policy
from .login import Settings
from .place import Place

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """``ports``: where the listeners of the instances are to be; one that is 0 or missing is chosen freely.

    ``places``: the hosts that the instances run on, for all of them or for none, which then are on this machine.
    ``pdbs`` makes it a container database with these pluggable ones; without any it is none. ``threaded``: server
    processes are threads (THREADED_EXECUTION=TRUE). ``rds``: the Amazon RDS flavour. The four options of the wire
    follow from the release where they are None. ``policies`` are changes to the table in policy.py.
    """

    version: str = "19.0.0.0.0"
    instances: int = 1
    threaded: bool = False
    rds: bool = False
    pdbs: tuple[str, ...] = ()
    name: str = "ORCL"
    ports: tuple[int, ...] = ()
    places: tuple[Place, ...] = ()
    verifier: str | None = None
    field_version: int | None = None
    end_of_response: bool | None = None
    fast_auth: bool | None = None
    policies: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = self.version.split(".")
        if len(numbers) != 5 or not all(part.isdigit() for part in numbers):
            raise ValueError(f"a version has five numbers, such as 19.0.0.0.0; not {self.version!r}")
        if not 1 <= self.instances <= 9:
            raise ValueError(f"1 to 9 instances, not {self.instances}")
        if self.places and len(self.places) != self.instances:
            raise ValueError(f"{self.instances} instances on {len(self.places)} hosts")
        if self.rds and self.instances > 1:
            raise ValueError("Amazon RDS has no clusters")
        if self.pdbs and self.release < (12, 1):
            raise ValueError("pluggable databases came with 12.1")
        if self.threaded and self.release < (12, 1):
            raise ValueError("threaded execution came with 12.1")
        for name, value in self.policies.items():
            policy.checked(name, value)

    @property
    def release(self) -> tuple[int, int, int, int, int]:
        a, b, c, d, e = (int(part) for part in self.version.split("."))
        return a, b, c, d, e

    @property
    def full_version(self) -> str:
        """VERSION_FULL, which names the release update; the version when that does so already."""
        major, minor, *rest = self.release
        return self.version if any(rest) or minor else f"{major}.24.0.0.0" if major in (18, 19) else f"{major}.3.0.0.0"

    def instance_name(self, inst_id: int) -> str:
        return self.name if self.instances == 1 else f"{self.name}{inst_id}"

    def place(self, inst_id: int) -> Place | None:
        return self.places[inst_id - 1] if self.places else None

    def address(self, inst_id: int) -> str:
        """Where the listener of an instance is."""
        place = self.place(inst_id)
        return place.address if place else LOOPBACK

    def service(self, pdb: str | None = None) -> str:
        return (pdb or self.name).lower()

    @property
    def wire(self) -> Settings:
        given = {
            name: value
            for name in ("verifier", "field_version", "end_of_response", "fast_auth")
            if (value := getattr(self, name)) is not None
        }
        if "field_version" in given or "end_of_response" in given or "fast_auth" in given:
            # An old release that is to speak in a new way needs the new way's framing.
            given["protocol_version"] = 319
        return dataclasses.replace(Settings.of_release(self.release), **given)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Options:
        given = json.loads(text)
        lists = {name: tuple(given.get(name, ())) for name in ("pdbs", "ports")}
        places = tuple(Place(**place) for place in given.get("places", ()))
        return cls(**given | lists | {"places": places})
