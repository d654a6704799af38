# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions that convert their arguments to fixed types and have a fixed one themselves.

Source: the vendor's SQL Language Reference, "Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import OracleError
from ..values import Type
from .expr import (
    TEXTS,
    Expr,
    as_date,
    as_number,
    as_raw,
    as_text,
)
from .scope import Scope

if TYPE_CHECKING:
    from .compiler import Compiler

Node = exp.Expr
Arguments = Sequence[Node]


@dataclass(frozen=True)
class Plain:
    """A function whose arguments are converted to fixed types: S text, N number, D date, R raw, * as it is.

    ``sql`` has ``{}`` where the arguments go, or is a name. The last letter of ``arguments`` stands for all further
    ones. ``sized``: the result is as wide as the first argument.
    """

    sql: str
    arguments: str
    least: int
    most: int
    type: Type
    sized: bool = False


_V, _N, _D, _R = Type.VARCHAR2, Type.NUMBER, Type.DATE, Type.RAW
CONVERT: dict[str, Callable[[Expr], Expr]] = {
    "S": as_text,
    "N": as_number,
    "D": as_date,
    "R": as_raw,
    "*": lambda e: e,
}

PLAIN: dict[str, Plain] = {
    "ABS": Plain("abs", "N", 1, 1, _N),
    "ADD_MONTHS": Plain("o_add_months", "DN", 2, 2, _D),
    "ASCII": Plain("o_ascii", "S", 1, 1, _N),
    "BITAND": Plain("(CAST({0} AS INTEGER) & CAST({1} AS INTEGER))", "N", 2, 2, _N),
    "CEIL": Plain("o_ceil", "N", 1, 1, _N),
    "CHARTOROWID": Plain("{0}", "S", 1, 1, _V, True),
    "CHR": Plain("o_chr", "N", 1, 1, _V),
    "EXP": Plain("o_exp", "N", 1, 1, _N),
    "FLOOR": Plain("o_floor", "N", 1, 1, _N),
    "FROM_TZ": Plain("o_zone({0}, {1}, -1)", "DS", 2, 2, Type.TIMESTAMP_TZ),
    "HEXTORAW": Plain("o_hextoraw", "S", 1, 1, _R),
    "INITCAP": Plain("o_initcap", "S", 1, 1, _V, True),
    "INSTR": Plain("o_instr", "SSN", 2, 4, _N),
    "INSTRB": Plain("o_instr", "SSN", 2, 4, _N),
    "LAST_DAY": Plain("o_last_day", "D", 1, 1, _D),
    "LENGTH": Plain("length", "S", 1, 1, _N),
    "LENGTHB": Plain("o_lengthb", "S", 1, 1, _N),
    "LN": Plain("o_ln", "N", 1, 1, _N),
    "LOG": Plain("o_log", "N", 2, 2, _N),
    "LOWER": Plain("o_lower", "S", 1, 1, _V, True),
    "LPAD": Plain("o_lpad", "SNS", 2, 3, _V),
    "MOD": Plain("o_mod", "N", 2, 2, _N),
    "MONTHS_BETWEEN": Plain("o_months_between", "D", 2, 2, _N),
    "NEXT_DAY": Plain("o_next_day", "DS", 2, 2, _D),
    "NUMTODSINTERVAL": Plain("o_interval", "NS", 2, 2, Type.INTERVAL_DS),
    "ORA_HASH": Plain("o_hash", "SN", 1, 3, _N),
    "POWER": Plain("o_power", "N", 2, 2, _N),
    "RAWTOHEX": Plain("nullif(hex({0}), '')", "R", 1, 1, _V),
    "REGEXP_COUNT": Plain("o_regexp_count", "SSNS", 2, 4, _N),
    "REGEXP_INSTR": Plain("o_regexp_instr", "SSNNNS", 2, 6, _N),
    "REGEXP_REPLACE": Plain("o_regexp_replace", "SSSNNS", 2, 6, _V),
    "REGEXP_SUBSTR": Plain("o_regexp_substr", "SSNNSN", 2, 6, _V, True),
    "REMAINDER": Plain("({0} - {1} * o_round(o_div({0}, {1})))", "N", 2, 2, _N),
    "REPLACE": Plain("o_replace", "S", 2, 3, _V),
    "REVERSE": Plain("o_reverse", "S", 1, 1, _V, True),
    "ROWIDTOCHAR": Plain("{0}", "S", 1, 1, _V, True),
    "RPAD": Plain("o_rpad", "SNS", 2, 3, _V),
    "SIGN": Plain("sign", "N", 1, 1, _N),
    "SOUNDEX": Plain("o_soundex", "S", 1, 1, _V),
    "SQRT": Plain("o_sqrt", "N", 1, 1, _N),
    "STANDARD_HASH": Plain("o_standard_hash", "*S", 1, 2, _R),
    "SUBSTR": Plain("o_substr", "SN", 2, 3, _V, True),
    "SUBSTRB": Plain("o_substr", "SN", 2, 3, _V, True),
    "SYS_CONTEXT": Plain("o_sys_context", "SSN", 2, 3, _V),
    "SYS_EXTRACT_UTC": Plain("{0}", "D", 1, 1, Type.TIMESTAMP),
    "SYS_GUID": Plain("o_guid", "*", 0, 0, _R),
    "TO_CLOB": Plain("{0}", "S", 1, 1, _V, True),
    "TO_DSINTERVAL": Plain("o_to_interval", "S", 1, 1, Type.INTERVAL_DS),
    "TO_MULTI_BYTE": Plain("{0}", "S", 1, 1, _V, True),
    "TO_SINGLE_BYTE": Plain("{0}", "S", 1, 1, _V, True),
    "TRANSLATE": Plain("o_translate", "S", 3, 3, _V, True),
    "UPPER": Plain("o_upper", "S", 1, 1, _V, True),
    "USERENV": Plain("o_sys_context('USERENV', {0})", "S", 1, 1, _V),
    "VSIZE": Plain("o_lengthb", "*", 1, 1, _N),
}
# Functions of packages; stored ones and the server's own come from the catalog.
DOTTED: dict[tuple[str, str], Plain] = {
    ("DBMS_RANDOM", "VALUE"): Plain("o_random", "N", 0, 2, _N),
    ("UTL_RAW", "CAST_TO_RAW"): Plain("o_text_raw", "S", 1, 1, _R),
    ("UTL_RAW", "CAST_TO_VARCHAR2"): Plain("o_raw_text", "R", 1, 1, _V),
}

# What the session and the clock say; the clocks may have a precision in parentheses.
SESSION: dict[str, Expr] = {
    "SYSDATE": Expr(":now_date", Type.DATE, 7),
    "CURRENT_DATE": Expr(":now_date", Type.DATE, 7),
    "SYSTIMESTAMP": Expr(":now", Type.TIMESTAMP_TZ, 13),
    "CURRENT_TIMESTAMP": Expr(":now", Type.TIMESTAMP_TZ, 13),
    "LOCALTIMESTAMP": Expr(":now", Type.TIMESTAMP, 11),
    "USER": Expr(":user", Type.VARCHAR2, 128),
    "UID": Expr(":user_id", Type.NUMBER, 22),
    "SESSIONTIMEZONE": Expr("'+00:00'", Type.VARCHAR2, 75),
    "DBTIMEZONE": Expr("'+00:00'", Type.VARCHAR2, 6),
}


def plain(c: Compiler, function: Plain, arguments: Arguments, scope: Scope, position: int) -> Expr:
    count(arguments, function.least, function.most, position)
    given = []
    for number, argument in enumerate(arguments):
        letter = function.arguments[min(number, len(function.arguments) - 1)]
        given.append(CONVERT[letter](c.operand(argument, scope)))
    texts = [expr.sql for expr in given]
    sql = function.sql.format(*texts) if "{" in function.sql else f"{function.sql}({', '.join(texts)})"
    size = given[0].size if function.sized else 4000
    return Expr(sql, function.type, size if function.type in TEXTS or function.type is _R else 22, position=position)


def count(arguments: Arguments, least: int, most: int, position: int) -> None:
    """ORA-00909, ORA-00938 or ORA-00939 for another number of arguments."""
    if len(arguments) < least:
        raise OracleError(938 if least > 1 else 909, position=position)
    if len(arguments) > most:
        raise OracleError(939 if most > 1 else 909, position=position)
