# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which inventory host an instance runs on: by what the user says, by name, or nobody's guess."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.oracle_sessions.plugins.filter.process_kill import FilterModule, process_kill_hosts
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.process_hosts import (
    InventoryHost,
    find_host,
    parse_hosts,
)
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

NAMES = ["rac1", "rac2"]
LINUX, WINDOWS = "Linux x86 64-bit", "Microsoft Windows x86 64-bit"


def host(name: str, **variables: Any) -> InventoryHost:
    return InventoryHost.of(name, {f"ansible_{key}": value for key, value in variables.items()})


def found(where: str, *hosts: InventoryHost, given: dict[int, str] | None = None, platform: str | None = LINUX) -> Any:
    """The name of the host where an instance on ``where`` is reached, or why there is none."""

    def inventory(name: str | None = None) -> Any:
        return list(hosts) if name is None else next(each for each in hosts if each.name == name)

    one, reason = find_host({"host": where}, 1, platform, given or {}, inventory)
    assert (one is None) == bool(reason)
    return one.name if one else reason


@pytest.mark.parametrize("raw", [{1: "rac1", 2: "rac2"}, {"1": "rac1", "2": "rac2"}, '{"1": "rac1", "2": "rac2"}'])
def test_keys_may_be_numbers_or_texts(raw: Any) -> None:
    assert parse_hosts(raw, NAMES) == {1: "rac1", 2: "rac2"}
    assert process_kill_hosts(raw, NAMES) == {"1": "rac1", "2": "rac2"}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (None, "oracle_sessions_hosts: None is not a dictionary; "),
        ([], "oracle_sessions_hosts: [] is not a dictionary; "),
        ("rac1", "oracle_sessions_hosts: 'rac1' is neither a dictionary nor JSON; "),
        ("[1]", "oracle_sessions_hosts: [1] is not a dictionary; "),
        ({"one": "rac1"}, "oracle_sessions_hosts: 'one' is not a whole number; "),
        ({0: "rac1"}, "oracle_sessions_hosts: 0 is too small; "),
        ({True: "rac1"}, "oracle_sessions_hosts: True is not a whole number; "),
        ({1: "rac9"}, "oracle_sessions_hosts[1]: 'rac9' is not in the inventory; "),
        ({1: ""}, "oracle_sessions_hosts[1]: it is empty, "),
        ({1: None}, "oracle_sessions_hosts[1]: it is null, "),
        ({1: ["rac1"]}, "oracle_sessions_hosts[1]: ['rac1'] is not text; "),
        ({1: "rac1", "1": "rac2"}, "oracle_sessions_hosts[1]: it is there twice, "),
    ],
)
def test_bad_input(raw: Any, sentence: str) -> None:
    with pytest.raises(BadOption) as refused:
        parse_hosts(raw, NAMES)
    assert str(refused.value).startswith(sentence)
    with pytest.raises(AnsibleFilterError, match="oracle_sessions_hosts"):
        process_kill_hosts(raw, NAMES)


def test_the_controller_needs_no_place_in_the_inventory() -> None:
    assert parse_hosts({1: "localhost"}, NAMES) == {1: "localhost"}


def test_the_settings_are_checked_with_them() -> None:
    assert process_kill_hosts({}, NAMES, {"grace": "5s", "signals": ["TERM"]}) == {}
    for settings in ({"grace": "soon"}, {"signals": ["HUP"]}):
        with pytest.raises(AnsibleFilterError, match=r"^(grace|signals): "):
            process_kill_hosts({}, NAMES, settings)


def test_what_the_user_says_goes_first() -> None:
    assert found("db1", host("db1"), host("rac1"), given={1: "rac1"}) == "rac1"
    assert found("db1", host("db1"), host("rac1"), given={2: "rac1"}) == "db1"
    assert found("db1", host("here", connection="local"), given={1: "here"}) == "here"


@pytest.mark.parametrize(
    ("where", "name", "variables"),
    [
        ("rac1", "rac1", {}),
        ("RAC1", "rac1", {}),
        ("rac1.example.com", "rac1.example.com", {}),
        ("rac1.example.com", "rac1", {}),
        ("rac1", "rac1.example.com", {}),
        ("rac1.example.com", "node-a", {"host": "rac1.example.com"}),
        ("rac1", "node-a", {"host": "rac1.example.com"}),
        ("rac1.example.com", "node-a", {"host": "rac1"}),
        ("10.0.0.7", "node-a", {"host": "10.0.0.7"}),
    ],
)
def test_by_name(where: str, name: str, variables: dict[str, str]) -> None:
    assert found(where, host("other"), host(name, **variables)) == name


@pytest.mark.parametrize(
    ("where", "name", "variables"),
    [
        ("rac1", "rac11", {}),
        ("rac1", "rac", {}),
        ("rac1.a.example.com", "rac1.b.example.com", {}),
        ("10.0.0.7", "10.0.0.8", {}),
        ("10", "10.0.0.8", {}),
        # It stands for a database, or is the controller.
        ("rac1", "rac1", {"connection": "local"}),
        ("rac1", "rac1", {"connection": "ansible.builtin.local"}),
    ],
)
def test_another_name_is_another_host(where: str, name: str, variables: dict[str, str]) -> None:
    reason = found(where, host(name, **variables))
    assert reason == (
        f"no inventory host is {where}, where its process runs; say which one is, with oracle_sessions_hosts: "
        "{1: <inventory host>}"
    )


def test_the_full_name_wins_over_short_ones() -> None:
    near, far, bare = host("rac1.a.example.com"), host("rac1.b.example.com"), host("rac1")
    assert found("rac1.a.example.com", near, far, bare) == "rac1.a.example.com"
    assert "rac1.a.example.com, rac1.b.example.com may all be rac1, " in found("rac1", near, far)
    assert found("rac1", near, far, bare) == "rac1"


@pytest.mark.parametrize(
    ("variables", "windows"),
    [
        ({}, False),
        ({"connection": "ssh"}, False),
        ({"connection": "winrm"}, True),
        ({"connection": "psrp"}, True),
        ({"connection": "ansible.builtin.psrp"}, True),
        ({"connection": "ssh", "shell_type": "powershell"}, True),
        ({"connection": "ssh", "shell_type": "cmd"}, True),
        ({"connection": "ssh", "shell_type": "sh"}, False),
        ({"shell_type": None}, False),
    ],
)
def test_which_hosts_are_windows(variables: dict[str, Any], windows: bool) -> None:
    one = host("db1", **variables)
    assert one.windows is windows
    assert found("db1", one, platform=WINDOWS if windows else LINUX) == "db1"
    wrong = found("db1", one, platform=LINUX if windows else WINDOWS)
    assert "to Ansible, and the database runs on " in wrong
    assert "to Ansible" in found("db1", one, given={1: "db1"}, platform=LINUX if windows else WINDOWS)


def test_the_filters_have_their_names() -> None:
    assert set(FilterModule().filters()) == {
        *("process_kill_hosts", "process_kill_sessions", "process_kill_proof", "process_kill_result")
    }
