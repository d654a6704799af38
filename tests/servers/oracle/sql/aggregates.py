# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aggregate and analytic functions that SQLite 3.40 lacks, each usable with and without OVER.

The first arguments of those with an order of their own are: a text with one letter pair per sort key (``a`` or ``d`` for
the direction, ``f`` or ``l`` for where NULL goes), the value, further values, and the sort keys last.
"""

from __future__ import annotations

import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import OracleError
from . import numbers
from .failures import keep

Row = tuple[Any, ...]
VARCHAR2_LIMIT = 4000


def ordered(rows: Iterable[Row], spec: str, key_at: int) -> list[Row]:
    """By the keys from ``key_at`` on; equal rows stay in the order in which they came."""
    result = list(rows)
    for number in range(len(spec) // 2 - 1, -1, -1):
        direction, nulls = spec[2 * number], spec[2 * number + 1]
        at = key_at + number
        filled = sorted(
            (row for row in result if row[at] is not None), key=lambda row: row[at], reverse=direction == "d"
        )
        empty = [row for row in result if row[at] is None]
        result = [*empty, *filled] if nulls == "f" else [*filled, *empty]
    return result


class Collected(ABC):
    """An aggregate that sees all rows of its group or frame at the end."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def step(self, *arguments: Any) -> None:
        self.rows.append(arguments)

    def inverse(self, *arguments: Any) -> None:
        # Rows leave a frame in the order in which they came.
        del self.rows[0]

    def value(self) -> Any:
        try:
            return self.result() if self.rows else None
        except Exception as error:
            keep(error)
            raise

    finalize = value

    @abstractmethod
    def result(self) -> Any:
        """The value for all rows; there is at least one."""


class Single(Collected):
    """The value of a scalar subquery, which must not have two rows."""

    def step(self, *arguments: Any) -> None:
        if self.rows:
            error = OracleError(1427)
            keep(error)
            raise error
        self.rows.append(arguments)

    def result(self) -> Any:
        return self.rows[0][0]


class ListAgg(Collected):
    """Arguments: spec, distinct (0 or 1), truncate (0 or 1), value, separator, keys."""

    def result(self) -> Any:
        spec, distinct, truncated = self.rows[0][:3]
        values = [row[3] for row in ordered(self.rows, spec, 5) if row[3] is not None]
        if distinct:
            values = list(dict.fromkeys(values))
        text = (self.rows[0][4] or "").join(values)
        if len(text.encode()) > VARCHAR2_LIMIT:
            if not truncated:
                raise OracleError(1489)
            text = text[: VARCHAR2_LIMIT - 3] + "..."
        return text or None


_KEPT: dict[str, Callable[[list[Any]], Any]] = {"MAX": max, "MIN": min, "SUM": sum, "AVG": statistics.fmean}


class Keep(Collected):
    """``aggregate(value) KEEP (DENSE_RANK FIRST | LAST ORDER BY ...)``. Arguments: spec, aggregate, which, value, keys."""

    def result(self) -> Any:
        spec, aggregate, which = self.rows[0][:3]
        sorted_rows = ordered(self.rows, spec, 4)
        best = sorted_rows[0 if which == "FIRST" else -1][4:]
        values = [row[3] for row in self.rows if row[4:] == best and row[3] is not None]
        if aggregate == "COUNT":
            return len(values)
        return _KEPT[aggregate](values) if values else None


class Percentile(Collected):
    """``PERCENTILE_CONT`` (continuous 1) or ``PERCENTILE_DISC`` (0). Arguments: spec, continuous, share, value."""

    def result(self) -> Any:
        spec, continuous, share = self.rows[0][:3]
        values = [row[3] for row in ordered(self.rows, spec, 3) if row[3] is not None]
        if not values:
            return None
        if not continuous:
            at = next(n for n in range(1, len(values) + 1) if n / len(values) >= share - 1e-12)
            return values[at - 1]
        place = share * (len(values) - 1)
        low = int(place)
        high = min(low + 1, len(values) - 1)
        return numbers.clean(values[low] + (values[high] - values[low]) * (place - low))


class _Statistic(Collected):
    def values(self) -> list[Any]:
        return [row[0] for row in self.rows if row[0] is not None]


class Median(_Statistic):
    def result(self) -> Any:
        return statistics.median(self.values()) if self.values() else None


class Mode(_Statistic):
    def result(self) -> Any:
        return statistics.mode(self.values()) if self.values() else None


def _spread(function: Callable[[list[Any]], float], one: Any, least: int) -> type[_Statistic]:
    class Spread(_Statistic):
        def result(self) -> Any:
            values = self.values()
            if len(values) >= least:
                return numbers.clean(function(values))
            return one if values else None

    return Spread


class FirstFilled(_Statistic):
    """``FIRST_VALUE(x IGNORE NULLS)``."""

    def result(self) -> Any:
        return next(iter(self.values()), None)


class LastFilled(_Statistic):
    """``LAST_VALUE(x IGNORE NULLS)``."""

    def result(self) -> Any:
        return next(reversed(self.values()), None)


AGGREGATES: dict[str, type[Collected]] = {
    "o_single": Single,
    "o_listagg": ListAgg,
    "o_keep": Keep,
    "o_percentile": Percentile,
    "o_median": Median,
    "o_mode": Mode,
    # With one row STDDEV and VARIANCE are 0, the _SAMP functions NULL.
    "o_stddev": _spread(statistics.stdev, 0, 2),
    "o_stddev_samp": _spread(statistics.stdev, None, 2),
    "o_stddev_pop": _spread(statistics.pstdev, 0, 1),
    "o_variance": _spread(statistics.variance, 0, 2),
    "o_var_samp": _spread(statistics.variance, None, 2),
    "o_var_pop": _spread(statistics.pvariance, 0, 1),
    "o_first_filled": FirstFilled,
    "o_last_filled": LastFilled,
}
