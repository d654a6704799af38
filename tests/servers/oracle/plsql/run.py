# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running: compile what was parsed, once for each :meth:`Host.key`, and execute it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import nullcontext
from typing import Any

from ..errors import OracleError
from . import syntax as ast
from .compile_calls import run_unit
from .compile_places import Compilation
from .compile_statements import StatementCompiler
from .interface import IN, OUT, Bind, Host, StoredProgram
from .parse import parse
from .runtime import Execution, Frame
from .scope import Scope, Unit
from .source import Problem, failure, too_large

# Compiled forms of one text that are kept: for users with other rights, and for older states of the dictionary.
KEPT_COMPILED = 16


class Compiler(StatementCompiler):
    """The whole language, with stored programs and nested blocks."""

    def stored_unit(self, stored: StoredProgram) -> Unit:
        return stored_unit(stored, self.host)

    def run_text(self, frame: Frame, text: str, arguments: list[Bind]) -> None:
        block = parse(text)
        if len(arguments) != len(block.binds):
            raise OracleError(1006 if len(arguments) > len(block.binds) else 1008)
        binds = dict(zip(block.binds, arguments, strict=True))
        host = frame.run.host
        _unit, directions = _compiled(block, host)
        if any(binds[name].direction == IN and direction & OUT for name, direction in directions.items()):
            raise OracleError(6536)
        run(block, binds, host)


def run(block: ast.Anonymous, binds: Mapping[str, Bind], host: Host) -> None:
    """Run a parsed block; see the package for what it does to ``binds``. ORA-01008 if one is missing."""
    unit, directions = _compiled(block, host)
    if not binds.keys() >= directions.keys():
        raise OracleError(1008)
    for name, direction in directions.items():
        binds[name].direction = direction
    execution = Execution(host, binds)
    frame = Frame(execution, None, unit.slots)
    try:
        run_unit(unit, frame)
    except OracleError as error:
        execution.finish(error)
        raise
    except RecursionError:
        raise OracleError(6500) from None
    finally:
        execution.store_binds()


def _compiled(block: ast.Anonymous, host: Host) -> tuple[Unit, dict[str, int]]:
    key = host.key()
    found = block.compiled.get(key)
    if found is None:
        found = _compile_block(block, host)
        _keep(block.compiled, key, found)
    return found


def _compile_block(block: ast.Anonymous, host: Host) -> tuple[Unit, dict[str, int]]:
    compilation = Compilation(host, block.source, stored=False)
    unit = Unit("", "", 0, autonomous=block.block.autonomous)
    compiler = Compiler(compilation, Scope(unit))
    try:
        unit.body = compiler.block_body(block.block)
    except RecursionError:
        raise failure([too_large(block.source)]) from None
    if compilation.problems:
        raise failure(compilation.problems)
    return unit, {name: direction or IN for name, direction in compilation.directions.items()}


def _keep(compiled: dict[Hashable, Any], key: Hashable, value: Any) -> None:
    if len(compiled) >= KEPT_COMPILED:
        del compiled[next(iter(compiled))]
    compiled[key] = value


# ---- Stored programs


def stored_unit(stored: StoredProgram, host: Host) -> Unit:
    """A stored program, compiled under the rights with which it runs. ORA-06550 if it is invalid."""
    program = stored.program
    if program.subprogram is None:
        raise failure(program.problems)
    with host.as_owner(stored.owner) if program.definer else nullcontext():
        key = (stored.owner, stored.name, host.key())
        unit = program.compiled.get(key)
        if unit is None:
            unit = Unit(stored.name, f"{stored.owner}.{stored.name}", 0, owner=stored.owner if program.definer else "")
            # Kept before its body is compiled, for that may call the program itself.
            _keep(program.compiled, key, unit)
            problems = _compile_program(program, unit, host)
            if problems:
                del program.compiled[key]
                raise failure(problems)
    return unit


def program_errors(program: ast.Program, host: Host, owner: str) -> list[Problem]:
    """What is wrong with a program of that owner: the lines of ALL_ERRORS. [] for a valid one."""
    if program.subprogram is None:
        return list(program.problems)
    with host.as_owner(owner) if program.definer else nullcontext():
        return _compile_program(program, Unit(program.name, f"{owner}.{program.name}", 0), host)


def _compile_program(program: ast.Program, unit: Unit, host: Host) -> list[Problem]:
    assert program.subprogram is not None
    compilation = Compilation(host, program.source, stored=True)
    # The program can call itself by its name alone.
    around = Scope(Unit("", "", -1))
    around.symbols[unit.name] = unit
    compiler = Compiler(compilation, around)
    compiler.stored(unit, program.subprogram)
    return compilation.problems
