# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates as days since 1970-01-01 UTC, and the calendar functions of Oracle's SQL over them.

A double holds today's dates to 0.3 microseconds. Source of the rules: the vendor's SQL Language Reference, "Datetime
Functions" and "ROUND and TRUNC Date Functions".
"""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime, timedelta

from ..errors import OracleError

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
DAY_SECONDS = 86400.0
# TRUNC(date, 'DY') goes back to the first day of the week of the territory AMERICA.
_SUNDAY = 6
_MICROSECONDS = 86400e6


def to_datetime(days: float) -> datetime:
    """With microseconds, without a time zone."""
    return EPOCH + timedelta(microseconds=round(days * _MICROSECONDS))


def to_date(days: float) -> datetime:
    """A DATE has whole seconds; the fraction of a value that is stored with one is cut off."""
    return EPOCH + timedelta(seconds=math.floor(days * DAY_SECONDS + 1e-4))


def to_datetime_utc(days: float) -> datetime:
    return EPOCH_UTC + timedelta(microseconds=round(days * _MICROSECONDS))


def to_interval(days: float) -> timedelta:
    return timedelta(microseconds=round(days * _MICROSECONDS))


def from_datetime(moment: datetime) -> float:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return from_interval(moment - EPOCH)


def from_interval(interval: timedelta) -> float:
    # One division, as in from_seconds: equal times have equal numbers.
    return (interval.days * DAY_SECONDS + interval.seconds + interval.microseconds / 1e6) / DAY_SECONDS


def from_seconds(seconds: float) -> float:
    """Days of a DATE, from seconds since 1970; the fraction is cut off."""
    return math.floor(seconds) / DAY_SECONDS


def add_months(days: float, months: float) -> float:
    """The last day of a month stays the last day."""
    moment = to_date(days)
    index = moment.year * 12 + moment.month - 1 + int(months)
    year, month = index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        raise OracleError(1841)
    last = calendar.monthrange(year, month)[1]
    was_last = moment.day == calendar.monthrange(moment.year, moment.month)[1]
    return from_datetime(moment.replace(year=year, month=month, day=last if was_last else min(moment.day, last)))


def last_day(days: float) -> float:
    moment = to_date(days)
    return from_datetime(moment.replace(day=calendar.monthrange(moment.year, moment.month)[1]))


def months_between(later: float, earlier: float) -> float:
    """Whole months for equal days of the month or two last days, else with a fraction of 31-day months."""
    one, two = to_date(later), to_date(earlier)
    months = (one.year - two.year) * 12 + one.month - two.month
    both_last = all(m.day == calendar.monthrange(m.year, m.month)[1] for m in (one, two))
    if one.day == two.day or both_last:
        return months
    seconds = [(m - m.replace(day=1, hour=0, minute=0, second=0)).total_seconds() for m in (one, two)]
    return months + (seconds[0] - seconds[1]) / (31 * DAY_SECONDS)


def next_day(days: float, name: str) -> float:
    short = name.strip()[:3].title()
    if short not in calendar.day_abbr:
        raise OracleError(1846)
    moment = to_date(days)
    ahead = (list(calendar.day_abbr).index(short) - moment.weekday() - 1) % 7 + 1
    return from_datetime(moment + timedelta(days=ahead))


def truncate(days: float, unit: str = "DD") -> float:
    """TRUNC(date, unit)."""
    moment = to_date(days)
    if unit in ("HH", "HH12", "HH24"):
        return from_datetime(moment.replace(minute=0, second=0))
    if unit == "MI":
        return from_datetime(moment.replace(second=0))
    day = moment.replace(hour=0, minute=0, second=0)
    if unit in ("DDD", "DD", "J"):
        return from_datetime(day)
    if unit in ("DAY", "DY", "D"):
        return from_datetime(day - timedelta(days=(day.weekday() - _SUNDAY) % 7))
    if unit == "IW":
        return from_datetime(day - timedelta(days=day.weekday()))
    if unit in ("WW", "W"):
        first = day.replace(day=1) if unit == "W" else day.replace(month=1, day=1)
        return from_datetime(day - timedelta(days=(day - first).days % 7))
    if unit in ("MONTH", "MON", "MM", "RM"):
        return from_datetime(day.replace(day=1))
    if unit == "Q":
        return from_datetime(day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1))
    if unit in ("SYYYY", "YYYY", "YEAR", "SYEAR", "YYY", "YY", "Y"):
        return from_datetime(day.replace(month=1, day=1))
    if unit in ("IYYY", "IYY", "IY", "I"):
        return from_datetime(datetime.fromisocalendar(day.isocalendar().year, 1, 1))
    if unit in ("CC", "SCC"):
        return from_datetime(day.replace(year=(day.year - 1) // 100 * 100 + 1, month=1, day=1))
    raise OracleError(1898)


# How far into a unit a date must be for ROUND to take the next one, as a share of it; months and years have rules of
# their own.
_STEP = {"HH": 1 / 24, "HH12": 1 / 24, "HH24": 1 / 24, "MI": 1 / 1440, "DDD": 1.0, "DD": 1.0, "J": 1.0}


def round_(days: float, unit: str = "DD") -> float:
    """ROUND(date, unit): to the nearest; a month from its 16th day, a year from July on."""
    if unit in _STEP:
        return truncate(days + _STEP[unit] / 2, unit)
    if unit in ("MONTH", "MON", "MM", "RM"):
        moment = to_date(days)
        return truncate(add_months(truncate(days, unit), 1) if moment.day >= 16 else days, unit)
    if unit in ("SYYYY", "YYYY", "YEAR", "SYEAR", "YYY", "YY", "Y"):
        return truncate(add_months(truncate(days, unit), 12) if to_date(days).month >= 7 else days, unit)
    if unit in ("DAY", "DY", "D", "IW", "WW", "W"):
        return truncate(days + 3.5, unit)
    return truncate(days, unit)


_PARTS = {
    "YEAR": lambda m: m.year,
    "MONTH": lambda m: m.month,
    "DAY": lambda m: m.day,
    "HOUR": lambda m: m.hour,
    "MINUTE": lambda m: m.minute,
    "SECOND": lambda m: m.second + m.microsecond / 1e6 if m.microsecond else m.second,
    "TIMEZONE_HOUR": lambda m: 0,
    "TIMEZONE_MINUTE": lambda m: 0,
    "TIMEZONE_REGION": lambda m: "UTC",
    "TIMEZONE_ABBR": lambda m: "UTC",
}


def part(unit: str, days: float) -> int | float | str:
    """EXTRACT(unit FROM a date or timestamp)."""
    return _PARTS[unit](to_datetime(days))


def interval_part(unit: str, days: float) -> int | float:
    """EXTRACT(unit FROM an interval): every part has the sign of the whole."""
    microseconds = round(abs(days) * _MICROSECONDS)
    sign = -1 if days < 0 else 1
    seconds, fraction = divmod(microseconds, 1_000_000)
    if unit == "SECOND":
        return sign * (seconds % 60 + fraction / 1e6 if fraction else seconds % 60)
    return sign * {"DAY": seconds // 86400, "HOUR": seconds // 3600 % 24, "MINUTE": seconds // 60 % 60}[unit]


def interval_text(days: float, day_digits: int = 9, fraction_digits: int = 9) -> str:
    """``+000000000 01:30:00.000000000``, the precision that NUMTODSINTERVAL gives."""
    microseconds = round(abs(days) * _MICROSECONDS)
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    text = f"{'-' if days < 0 else '+'}{day:0{day_digits}d} {hour:02d}:{minute:02d}:{second:02d}"
    return text + (f".{fraction:06d}".ljust(fraction_digits + 1, "0")[: fraction_digits + 1] if fraction_digits else "")


def parse_interval(text: str, leading: str = "DAY", trailing: str = "SECOND") -> float:
    """Days of the text of an interval literal from ``leading`` to ``trailing``; ORA-01867 for one that is none."""
    units = ["DAY", "HOUR", "MINUTE", "SECOND"]
    written = text.strip()
    sign = -1 if written.startswith("-") else 1
    words = written.lstrip("+-").split(None, 1)
    wanted = units[units.index(leading) : units.index(trailing) + 1]
    parts = ([words[0]] if leading == "DAY" else []) + (
        words[-1].split(":") if leading != "DAY" or len(words) > 1 else []
    )
    if not words or len(parts) != len(wanted):
        raise OracleError(1867)
    size = {"DAY": 1.0, "HOUR": 1 / 24, "MINUTE": 1 / 1440, "SECOND": 1 / DAY_SECONDS}
    try:
        return sign * sum(float(value) * size[unit] for unit, value in zip(wanted, parts, strict=True))
    except ValueError:
        raise OracleError(1867) from None
