# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors: every number that the code raises has a message."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from servers.oracle import errors
from servers.oracle.errors import MESSAGES, OracleError

PACKAGE = Path(errors.__file__).parent


def raised() -> dict[int, str]:
    """Numbers that stand as such in a call of OracleError, and the file of each."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = {
            target.id: value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for targets, values in [(node.targets[0], node.value)]
            for target, value in zip(
                targets.elts if isinstance(targets, ast.Tuple) else [targets],
                values.elts if isinstance(values, ast.Tuple) else [values],
                strict=False,
            )
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, int)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "OracleError"
                and node.args
            ):
                code = node.args[0]
                for part in [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]:
                    number = constants.get(part.id) if isinstance(part, ast.Name) else getattr(part, "value", None)
                    if isinstance(number, int):
                        found[number] = path.name
    return found


def test_every_number_has_a_message() -> None:
    assert len(raised()) > 50
    assert {number: name for number, name in raised().items() if number not in MESSAGES} == {}


def test_messages_are_in_order() -> None:
    assert list(MESSAGES) == sorted(MESSAGES)


def test_a_text_has_number_message_and_stack() -> None:
    error = OracleError(904, '"X"', position=7)
    error.stack.append("ORA-06512: at line 1")
    assert error.text == 'ORA-00904: "X": invalid identifier\nORA-06512: at line 1'
    assert error.position == 7


def test_an_error_of_an_application_has_its_own_text() -> None:
    assert OracleError(20001, "not this one").text == "ORA-20001: not this one"


def test_a_number_without_a_message_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        OracleError(99999)
