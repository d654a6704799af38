# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Which inventory host an instance of a database runs on. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from . import values
from .server_process.proof import same_host
from .values import BadOption

OPTION = "oracle_sessions_hosts"
_WINDOWS_CONNECTIONS, _WINDOWS_SHELLS = ("winrm", "psrp"), ("powershell", "cmd")
_WINDOWS_PLATFORM = "Microsoft Windows"


@dataclass(frozen=True)
class InventoryHost:
    """What the inventory says of a host: its address, and how Ansible gets there."""

    name: str
    address: str = ""
    connection: str = ""
    shell: str = ""

    @classmethod
    def of(cls, name, variables):
        found = [variables.get(f"ansible_{key}") for key in ("host", "connection", "shell_type")]
        return cls(name, *(str(each or "") for each in found))

    @property
    def windows(self):
        return _last(self.connection) in _WINDOWS_CONNECTIONS or _last(self.shell) in _WINDOWS_SHELLS

    @property
    def local(self):
        """Such a host stands for a database, or is the controller: its name says nothing of where processes run."""
        return _last(self.connection) == "local"

    def may_be(self, host):
        return same_host(self.name, host) or (self.address and same_host(self.address, host))


def parse_hosts(raw, names):
    """The inventory hosts by instance numbers; `names` are all that the inventory has.

    They may be written as JSON, as on the command line.
    """
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise BadOption(
                OPTION,
                f"{values.shown(raw)} is neither a dictionary nor JSON; write it such as {{1: rac1, 2: rac2}}, on the command line "
                '-e \'{"oracle_sessions_hosts": {"1": "rac1", "2": "rac2"}}\'.',
            ) from None
    if not isinstance(raw, dict):
        raise BadOption(OPTION, f"{values.shown(raw)} is not a dictionary; write it such as {{1: rac1, 2: rac2}}.")
    found: dict[int, str] = {}
    for key, name in raw.items():
        instance = values.whole(key, OPTION, minimum=1)
        values.text(name, f"{OPTION}[{instance}]")
        if instance in found:
            raise BadOption(f"{OPTION}[{instance}]", "it is there twice, as a number and as text; leave one out.")
        if name not in names and name != "localhost":
            raise BadOption(
                f"{OPTION}[{instance}]", f"{values.shown(name)} is not in the inventory; name a host that is."
            )
        found[instance] = str(name)
    return found


def find_host(process, inst_id, platform, given, inventory):
    """The InventoryHost where this process runs, or None, and then why.

    `given` are parse_hosts' own; `inventory` gives every InventoryHost by its name.
    """
    host = process["host"]
    cure = f"say which one is, with {OPTION}: {{{inst_id}: <inventory host>}}"
    if inst_id in given:
        found = inventory(given[inst_id])
    else:
        may_be = [each for each in inventory() if not each.local and each.may_be(host)]
        exact = [each for each in may_be if host.lower() in (each.name.lower(), each.address.lower())]
        candidates = exact or may_be
        if not candidates:
            return None, f"no inventory host is {host}, where its process runs; {cure}"
        if len(candidates) > 1:
            names = ", ".join(sorted(each.name for each in candidates))
            return None, f"the inventory hosts {names} may all be {host}, where its process runs; {cure}"
        found = candidates[0]
    if found.windows != str(platform or "").startswith(_WINDOWS_PLATFORM):
        kind = "a Windows host" if found.windows else "no Windows host"
        return None, f"{found.name} is {kind} to Ansible, and the database runs on {platform}; {cure}"
    return found, None


def _last(name):
    return name.rpartition(".")[2]
