# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PL/SQL: a parser for a subset of the language and what runs it, over a :class:`Host` that knows sessions and SQL.

A block from a client::

    block = parse(text)                      # cached by text; ORA-06550 with PLS-00103 if it is no PL/SQL
    run(block, {"CODE": Bind(None, Type.NUMBER)}, host)

``run`` compiles first (names, calls, static SQL: ORA-06550 with all that is wrong, before anything was executed), and
sets ``value`` and ``direction`` of every bind variable. An error that the block does not handle leaves ``run`` as
:class:`~servers.oracle.errors.OracleError`, its ``stack`` filled with the ``ORA-06512: at line ...`` lines. What was
assigned to binds before such an error stays in them; a client is not sent them.

A stored procedure or function::

    program = parse_program(text)            # CREATE [OR REPLACE] PROCEDURE | FUNCTION ...
    problems = program_errors(program, host, owner)  # [] or what ALL_ERRORS has to show: it is stored as INVALID then
    StoredProgram("SCOTT", "STOP_IT", program)   # keep it; give it back from Host.program

``parse_program`` raises only where the header cannot be read; a mistake further down is in ``program_errors``.
``program.text`` is what ALL_SOURCE shows; it can be parsed again by ``parse_program`` in another process, with or
without its CREATE.

Parsed and compiled code is kept in this process, by text and :meth:`Host.key`, so that a block that is run again costs
microseconds.

What a host has to do is in :class:`Host`. Nested blocks of EXECUTE IMMEDIATE and CALL are run here, never by the host.
"""

from __future__ import annotations

from .interface import Bind, Host, Parameter, Routine, StoredProgram
from .parse import parse, parse_program
from .run import program_errors, run
from .source import Problem
from .syntax import Anonymous, Program

__all__ = [
    "Anonymous",
    "Bind",
    "Host",
    "Parameter",
    "Problem",
    "Program",
    "Routine",
    "StoredProgram",
    "parse",
    "parse_program",
    "program_errors",
    "run",
]
