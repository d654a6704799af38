# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How orakill is called, and what of its output is believed. Its texts are published ones; nothing ran on Windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.orakill import command, said
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

SUCCESS = "Kill of thread id 2760 in instance ORCL successfully signalled."
USAGE = """
Usage:  orakill sid thread

  where sid    = the Oracle instance to target
        thread = the thread id of the thread to kill

  The thread id should be retrieved from the spid column of a query such as:

        select spid, osuser, s.program from
        v$process p, v$session s where p.addr=s.paddr
"""


def test_one_thread_of_one_instance() -> None:
    assert command("ORCL", "2760") == ["orakill", "ORCL", "2760"]


@pytest.mark.parametrize("sid", ["", "ORCL 1", 'ORCL"', "a&b", "%PATH%", "x" * 65, "ÄRGER"])
def test_what_is_no_instance_is_not_called(sid: str) -> None:
    with pytest.raises(BadOption, match="oracle_sid"):
        command(sid, "2760")


@pytest.mark.parametrize("spid", ["", "0", "-1", "0xAC8", "AC8", "2760 1", "12345678901", "٢"])
def test_what_is_no_thread_is_not_called(spid: str) -> None:
    with pytest.raises(BadOption, match="spid"):
        command("ORCL", spid)


@given(st.text(), st.text())
def test_nothing_that_a_shell_would_read_gets_into_it(sid: str, spid: str) -> None:
    try:
        words = command(sid, spid)
    except BadOption:
        return
    assert all(letter.isascii() and (letter.isalnum() or letter in "_$#") for word in words for letter in word)


@pytest.mark.parametrize("text", [SUCCESS, f"\r\n{SUCCESS}\r\n", SUCCESS.upper(), SUCCESS.replace("ORCL", "orcl")])
def test_success(text: str) -> None:
    assert said(text, "ORCL", "2760")[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        USAGE,
        "Kill of thread id 2761 in instance ORCL successfully signalled.",
        "Kill of thread id 27601 in instance ORCL successfully signalled.",
        "Kill of thread id 2760 in instance ORCL2 successfully signalled.",
        "Kill of thread id 2760 in instance ORCL failed",
        "'orakill' is not recognized as an internal or external command,\r\noperable program or batch file.",
    ],
)
def test_anything_else_is_no_success(text: str) -> None:
    signalled, words = said(text, "ORCL", "2760")
    assert not signalled and words and "\n" not in words


def test_what_it_said_is_handed_on() -> None:
    assert said(USAGE, "ORCL", "2760")[1].startswith("Usage: orakill sid thread where sid")
    assert said(" \n", "ORCL", "2760")[1] == "nothing"
