# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values and columns between the parts of the stand-in.

A value is what Python has for it: NUMBER is int, or Decimal or float where it is no whole number; VARCHAR2 and CHAR are
str, DATE and TIMESTAMP are datetime (TIMESTAMP WITH TIME ZONE an aware one), RAW is bytes, INTERVAL DAY TO SECOND is
timedelta, NULL is None. An empty string is NULL wherever it appears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Value = Any
Row = Sequence[Value]


class Type(Enum):
    """Column types, with the code that the protocol has for each (python-oracledb, impl/base/constants.pxi)."""

    VARCHAR2 = 1
    NUMBER = 2
    DATE = 12
    RAW = 23
    CHAR = 96
    BINARY_DOUBLE = 101
    TIMESTAMP = 180
    TIMESTAMP_TZ = 181
    INTERVAL_DS = 183


@dataclass(frozen=True)
class Column:
    """One column of a result. ``size`` is in bytes, and never 0: to the driver, 0 means "always NULL"."""

    name: str
    type: Type
    size: int = 4000
    precision: int = 0
    scale: int = -127
    nullable: bool = True


@dataclass
class Result:
    """What a statement gave: ``columns`` and ``rows`` of a query, ``count`` rows that a DML statement touched."""

    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    count: int = 0
