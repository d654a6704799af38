# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datetime format models: TO_CHAR, TO_DATE and TO_TIMESTAMP with NLS settings AMERICAN_AMERICA.

Source: the vendor's SQL Language Reference, "Format Models".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from ..errors import OracleError

DATE_FORMAT = "DD-MON-RR"
TIMESTAMP_FORMAT = "DD-MON-RR HH.MI.SSXFF AM"
TIMESTAMP_TZ_FORMAT = "DD-MON-RR HH.MI.SSXFF AM TZR"

_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_NAME_WIDTH = 9
_ROMAN = "I II III IV V VI VII VIII IX X XI XII".split()

# The longest first: YYYY is not YYY and Y.
_ELEMENTS = re.compile(
    r'"(?P<literal>[^"]*)"|(?P<element>FM|FX|SYYYY|YYYY|YYY|YY|Y,YYY|RRRR|RR|IYYY|IYY|IY|SCC|CC|MONTH|MON|MM|MI|DAY|DDD|DD|DY'
    r"|DL|DS|HH24|HH12|HH|SSSSS|SS|FF[1-9]?|A\.M\.|P\.M\.|AM|PM|A\.D\.|B\.C\.|AD|BC|TZH|TZM|TZR|TZD|TS|RM|IW|WW|Q|J|X|Y|I|W|D)"
    r"(?P<suffix>TH)?|(?P<punctuation>[-/,.;: ]|[^\w\s])",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def _model(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of an element in upper case ('' for fixed text) and how it is written; ORA-01821 for what is none."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _ELEMENTS.match(text, at)
        if match is None:
            raise OracleError(1821)
        at = match.end()
        if match["element"]:
            name = match["element"].upper()
            if name == "DS":
                found += _model("MM/DD/YYYY")
            elif name == "DL":
                found += _model("fmDay, Month DD, YYYY")
            elif name == "TS":
                found += _model("HH:MI:SS AM")
            else:
                found.append((name + (match["suffix"] or "").upper(), match["element"]))
        else:
            found.append(("", match["literal"] if match["literal"] is not None else match["punctuation"]))
    return tuple(found)


def _like(written: str, name: str) -> str:
    """A name in the case of its element: MON, Mon, mon."""
    return name.upper() if written[:2].isupper() else name if written[0].isupper() else name.lower()


def _hour12(moment: datetime) -> int:
    return (moment.hour + 11) % 12 + 1


# What an element gives, and the width to which it is padded: with zeros for numbers.
_NUMBERS: dict[str, tuple[Callable[[datetime], int], int]] = {
    "YYYY": (lambda m: m.year, 4),
    "RRRR": (lambda m: m.year, 4),
    "YYY": (lambda m: m.year % 1000, 3),
    "YY": (lambda m: m.year % 100, 2),
    "RR": (lambda m: m.year % 100, 2),
    "Y": (lambda m: m.year % 10, 1),
    "IYYY": (lambda m: m.isocalendar().year, 4),
    "IYY": (lambda m: m.isocalendar().year % 1000, 3),
    "IY": (lambda m: m.isocalendar().year % 100, 2),
    "I": (lambda m: m.isocalendar().year % 10, 1),
    "CC": (lambda m: (m.year + 99) // 100, 2),
    "SCC": (lambda m: (m.year + 99) // 100, 3),
    "Q": (lambda m: (m.month + 2) // 3, 1),
    "MM": (lambda m: m.month, 2),
    "IW": (lambda m: m.isocalendar().week, 2),
    "WW": (lambda m: (m.timetuple().tm_yday + 6) // 7, 2),
    "W": (lambda m: (m.day + 6) // 7, 1),
    "DDD": (lambda m: m.timetuple().tm_yday, 3),
    "DD": (lambda m: m.day, 2),
    # Sunday is 1 in America.
    "D": (lambda m: m.isoweekday() % 7 + 1, 1),
    "HH24": (lambda m: m.hour, 2),
    "HH12": (_hour12, 2),
    "HH": (_hour12, 2),
    "MI": (lambda m: m.minute, 2),
    "SS": (lambda m: m.second, 2),
    "SSSSS": (lambda m: m.hour * 3600 + m.minute * 60 + m.second, 5),
    "J": (lambda m: m.toordinal() + 1721425, 7),
}


def format_date(moment: datetime, model: str, fraction_digits: int = 6) -> str:
    """TO_CHAR of a datetime; ``fraction_digits`` are those of FF without a number."""
    parts: list[str] = []
    fill = True
    for element, written in _model(model):
        if not element:
            parts.append(written)
            continue
        ordinal = element.endswith("TH") and element not in ("MONTH",)
        name = element[:-2] if ordinal and element != "MONTHTH" else element
        if name == "FM":
            fill = not fill
        elif name == "FX":
            continue
        elif name in _NUMBERS:
            number, width = _NUMBERS[name]
            value = str(number(moment)).rjust(width, "0") if fill else str(number(moment))
            parts.append(value + (_ordinal(int(value), written) if ordinal else ""))
        elif name == "SYYYY":
            parts.append(f" {moment.year:04d}" if fill else str(moment.year))
        elif name == "Y,YYY":
            parts.append(f"{moment.year // 1000},{moment.year % 1000:03d}")
        elif name in ("MONTH", "DAY"):
            text = _like(written, _MONTHS[moment.month - 1] if name == "MONTH" else _DAYS[moment.weekday()])
            parts.append(text.ljust(_NAME_WIDTH) if fill else text)
        elif name in ("MON", "DY"):
            parts.append(_like(written, (_MONTHS[moment.month - 1] if name == "MON" else _DAYS[moment.weekday()])[:3]))
        elif name == "RM":
            text = _like(written, _ROMAN[moment.month - 1])
            parts.append(text.ljust(4) if fill else text)
        elif name.startswith("FF"):
            digits = int(name[2:] or fraction_digits)
            parts.append(f"{moment.microsecond:06d}".ljust(9, "0")[:digits])
        elif name in ("AM", "PM"):
            parts.append(_like(written, "Am" if moment.hour < 12 else "Pm"))
        elif name in ("A.M.", "P.M."):
            parts.append(_like(written.replace(".", ""), "A.m." if moment.hour < 12 else "P.m."))
        elif name in ("AD", "BC", "A.D.", "B.C."):
            parts.append(_like(written.replace(".", ""), "A.d." if "." in name else "Ad"))
        elif name == "X":
            parts.append(".")
        else:
            parts.append({"TZH": "+00", "TZM": "00", "TZR": "+00:00", "TZD": "UTC"}[name])
    return "".join(parts)


def _ordinal(value: int, written: str) -> str:
    ending = "th" if 10 <= value % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return ending.upper() if written.isupper() else ending


def _digits(text: str, at: int, width: int) -> tuple[int, int]:
    start = at
    while at < len(text) and at - start < width and text[at].isdigit():
        at += 1
    if at == start:
        raise OracleError(1858 if at < len(text) else 1840)
    return int(text[start:at]), at


def _name(text: str, at: int, names: list[str], code: int, whole: bool) -> tuple[int, int]:
    rest = text[at:].upper()
    for index, name in enumerate(names):
        for size in (len(name), 3):
            if rest.startswith(name[:size].upper()) and (size == len(name) or not whole or not rest[3:4].isalpha()):
                end = at + size
                # TO_CHAR fills whole names up with blanks.
                while whole and end - at < _NAME_WIDTH and text[end : end + 1] == " ":
                    end += 1
                return index, end
    raise OracleError(code)


# Element: field, digits that are read, smallest and largest value, the error for one outside.
_READ = {
    "YYYY": ("year", 4, 1, 9999, 1841),
    "SYYYY": ("year", 4, 1, 9999, 1841),
    "YYY": ("year3", 3, 0, 999, 1841),
    "YY": ("year2", 2, 0, 99, 1841),
    "MM": ("month", 2, 1, 12, 1843),
    "DD": ("day", 2, 1, 31, 1847),
    "DDD": ("yearday", 3, 1, 366, 1848),
    "HH24": ("hour", 2, 0, 23, 1850),
    "HH12": ("hour12", 2, 1, 12, 1849),
    "HH": ("hour12", 2, 1, 12, 1849),
    "MI": ("minute", 2, 0, 59, 1851),
    "SS": ("second", 2, 0, 59, 1852),
    "SSSSS": ("daysecond", 5, 0, 86399, 1853),
    "J": ("julian", 7, 1, 5373484, 1854),
}


def parse_date(text: str, model: str, today: datetime) -> datetime:
    """TO_DATE and TO_TIMESTAMP. What the model leaves out is the first of ``today``'s month, at midnight."""
    fields: dict[str, int] = {}
    offset = timedelta()
    afternoon: bool | None = None
    text = text.strip()
    at = 0
    for element, written in _model(model):
        if at < len(text) and element in _READ and not text[at].isalnum() and text[at] not in "+-":
            # Punctuation of the text may be more than that of the model.
            at += 1
        if element in ("FM", "FX"):
            continue
        if not element or element == "X":
            for character in written if element != "X" else ".":
                if at < len(text) and (text[at] == character or not (text[at].isalnum() or character.isalnum())):
                    at += 1
                elif at < len(text) and character.isalnum():
                    raise OracleError(1861)
        elif at >= len(text):
            if element in ("YYYY", "YY", "RR", "RRRR", "MM", "MON", "MONTH", "DD"):
                raise OracleError(1840)
        elif element in ("RR", "RRRR"):
            value, end = _digits(text, at, 4 if element == "RRRR" or text[at : at + 4].isdigit() else 2)
            fields["year" if end - at > 2 else "rr"] = value
            at = end
        elif element in _READ:
            field, width, lowest, highest, code = _READ[element]
            value, at = _digits(text, at, width)
            if not lowest <= value <= highest:
                raise OracleError(code)
            fields[field] = value
        elif element in ("MON", "MONTH"):
            index, at = _name(text, at, _MONTHS, 1843, element == "MONTH")
            fields["month"] = index + 1
        elif element in ("DAY", "DY"):
            _unused, at = _name(text, at, _DAYS, 1846, element == "DAY")
        elif element.startswith("FF"):
            start = at
            _unused, at = _digits(text, at, 9)
            fields["microsecond"] = int(text[start:at].ljust(9, "0")[:6])
        elif element in ("AM", "PM", "A.M.", "P.M."):
            mark = text[at : at + len(element)].upper().replace(".", "")
            if mark[:1] not in ("A", "P"):
                raise OracleError(1855)
            afternoon, at = mark[0] == "P", at + len(element)
        elif element in ("TZH", "TZR"):
            zone = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?|UTC|GMT|Z", re.IGNORECASE).match(text, at)
            if zone is None:
                raise OracleError(1882)
            if zone[2]:
                # With TZH the minutes are TZM's own.
                minutes = zone[3] if element == "TZR" else None
                offset = timedelta(hours=int(zone[2]), minutes=int(minutes or 0)) * (-1 if zone[1] == "-" else 1)
                at = zone.end() if minutes else zone.end(2)
            else:
                at = zone.end()
        elif element == "TZM":
            value, at = _digits(text, at, 2)
            offset += timedelta(minutes=-value if offset < timedelta() else value)
        else:
            raise OracleError(1820)
    if at < len(text):
        raise OracleError(1830)
    return _build(fields, afternoon, today) - offset


def _build(fields: dict[str, int], afternoon: bool | None, today: datetime) -> datetime:
    year = fields.get("year", today.year)
    if "rr" in fields:
        # 00-49 belongs to the century of a present year below 50, else to the next one.
        century = today.year // 100 + (today.year % 100 >= 50) - (fields["rr"] >= 50)
        year = century * 100 + fields["rr"]
    elif "year2" in fields:
        year = today.year // 100 * 100 + fields["year2"]
    elif "year3" in fields:
        year = today.year // 1000 * 1000 + fields["year3"]
    hour = fields.get("hour", 0)
    if "hour12" in fields:
        hour = fields["hour12"] % 12 + (12 if afternoon else 0)

    month = fields.get("month", today.month)
    try:
        if "julian" in fields:
            date = datetime.fromordinal(fields["julian"] - 1721425)
        elif "yearday" in fields:
            date = datetime(year, 1, 1) + timedelta(days=fields["yearday"] - 1)
        else:
            date = datetime(year, month, fields.get("day", 1))
    except ValueError:
        raise OracleError(1839) from None
    if "daysecond" in fields:
        return date + timedelta(seconds=fields["daysecond"])
    return date.replace(
        hour=hour,
        minute=fields.get("minute", 0),
        second=fields.get("second", 0),
        microsecond=fields.get("microsecond", 0),
    )
