# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that the rung process_kill is built from; each is documented in the .yml file of its name."""

from __future__ import annotations

from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.plugins.loader import module_loader

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_hosts import InventoryHost, parse_hosts
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_result import process_result
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_rung import (
    check_settings,
    first_look,
    second_look,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption, seconds


def process_kill_hosts(hosts, names, settings=None):
    """The inventory hosts by instance numbers, as text, checked together with the settings of the rung."""
    try:
        check_settings(settings or {})
        return {str(instance): name for instance, name in parse_hosts(hosts, names).items()}
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None


def process_kill_sessions(left, look, hosts, names, hostvars, wait_timeout=60):
    """Whose processes may have to be ended, by inventory hosts, after one look; and what becomes of the others."""

    def inventory(name=None):
        if name is not None:
            return InventoryHost.of(name, hostvars[name])
        return [each for each in map(readable, names) if each]

    def readable(name):
        try:
            return InventoryHost.of(name, hostvars[name])
        except AnsibleError:
            # Its variables lead nowhere, and so does it.
            return None

    try:
        found = first_look(left, look, parse_hosts(hosts, names), inventory, _reaches_windows)
        return {**found, "wait_seconds": seconds(wait_timeout, "oracle_sessions_wait_timeout")}
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None


def _reaches_windows():
    """Tasks with a module that is not there end the whole run, so that is asked before."""
    return module_loader.find_plugin_with_context("ansible.windows.win_command").resolved


def process_kill_proof(group, look, hostname=None):
    """Whose processes are to be ended on one host, after the second look; and what becomes of the others."""
    try:
        return second_look(group, look, hostname)
    except BadOption as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self):
        return {
            "process_kill_hosts": process_kill_hosts,
            "process_kill_sessions": process_kill_sessions,
            "process_kill_proof": process_kill_proof,
            "process_kill_result": process_result,
        }
