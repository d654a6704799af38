# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as text and back: implicit conversion, TO_CHAR and TO_NUMBER with a number format model.

Source: the vendor's SQL Language Reference, "Number Format Models" and "Implicit Data Conversion".
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from ..errors import OracleError

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*\Z")
# NUMBER keeps 38 to 40 digits, a double 15 to 17: what shows beyond 15 is an artefact of the stand-in.
_DIGITS = 15


def clean(value: int | float) -> int | float:
    """A double as NUMBER would have it: a whole number as int, without the noise of binary fractions."""
    if isinstance(value, int):
        return value
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e18 else rounded


def to_text(value: int | float) -> str:
    """As TO_CHAR(n) has it: ``.5``, no exponent up to 40 digits."""
    value = clean(value)
    if isinstance(value, int):
        return str(value)
    if abs(value) >= 1e40 or abs(value) < 1e-38:
        mantissa, exponent = f"{value:.14E}".split("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"
    text = f"{Decimal(repr(value)):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return re.sub(r"^(-?)0\.", r"\1.", text)


def to_number(value: Any) -> int | float:
    """Implicit TO_NUMBER; ORA-01722 for a text that is no number."""
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str) or not _NUMBER.match(value):
        raise OracleError(1722)
    text = value.strip()
    try:
        number = int(text)
    except ValueError:
        return clean(float(text))
    return number if -(2**63) <= number < 2**63 else float(number)


def parse(text: str, model: str) -> int | float:
    """TO_NUMBER(text, model)."""
    if set(model.upper()) <= {"X", "F", "M", "0"} and "X" in model.upper():
        try:
            return int(text.strip(), 16)
        except ValueError:
            raise OracleError(1722) from None
    negative = text.strip().endswith("-") or text.strip().startswith(("-", "<", "("))
    digits = re.sub(r"[,$\sG<>()+-]", "", text)
    if not _NUMBER.match(digits):
        raise OracleError(1722)
    value = to_number(digits)
    return -value if negative else value


def format_number(value: int | float, model: str) -> str:
    """TO_CHAR(n, model). A number that does not fit gives ``#``; ORA-01481 for a model that is none."""
    picture = model.upper()
    fill = not picture.startswith("FM")
    picture = picture.removeprefix("FM")
    if picture in ("TM", "TM9"):
        return to_text(value)
    if "X" in picture:
        return _hexadecimal(value, picture, "x" in model, fill)
    if not re.fullmatch(r"S?[$LBC]?[90,.GDV]*(EEEE)?(MI|PR|S|[$L])?", picture.replace("FM", "")):
        raise OracleError(1481)
    number = Decimal(repr(clean(value)))
    if "EEEE" in picture:
        return _scientific(number, picture, fill)
    body = re.sub(r"[^90,.GDV]", "", picture)
    body = body.replace("G", ",").replace("D", ".")
    whole_model, _unused, part_model = body.partition("V" if "V" in body else ".")
    decimals = len(part_model)
    if "V" in body:
        number *= Decimal(10) ** decimals
        whole_model, decimals = whole_model + part_model, 0
    places = sum(character in "90" for character in whole_model)
    width = len(body.replace("V", "")) + 1 + ("$" in picture) + (9 if picture.endswith("L") or "L" in picture else 0)
    width += picture.endswith("PR")
    try:
        rounded = number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    except InvalidOperation:
        return "#" * width
    negative = rounded < 0
    whole, _unused, part = f"{abs(rounded):f}".partition(".")
    if whole == "0" and (decimals or "0" not in whole_model) and "0" not in whole_model:
        # A 9 shows no leading zero, but the number 0 itself is shown where there are no decimals.
        whole = "" if decimals else "0"
    if len(whole) > places:
        return "#" * width
    text = _group(whole, whole_model)
    if not fill and "0" not in part_model:
        part = part.rstrip("0")
    elif not fill:
        # Under FM a 9 behind the last 0 shows no trailing zero.
        keep = part_model.rindex("0") + 1
        part = part[:keep] + part[keep:].rstrip("0")
    if "." in body:
        text = text + "." + part
    if "$" in picture or "L" in picture:
        text = "$" + text
    return _sign(text, negative, picture, width, fill)


def _group(whole: str, model: str) -> str:
    """The digits of the whole part laid over its model from the right."""
    text = ""
    digits = list(whole)
    needed = len(model) - model.index("0") if "0" in model else 0
    for place, character in enumerate(reversed(model), 1):
        if character == ",":
            text = ("," if digits or place <= needed else "") + text
        elif digits:
            text = digits.pop() + text
        elif place <= needed:
            text = "0" + text
    return text


def _sign(text: str, negative: bool, picture: str, width: int, fill: bool) -> str:
    if picture.endswith("MI"):
        text += "-" if negative else " " if fill else ""
    elif picture.endswith("PR"):
        text = f"<{text}>" if negative else f" {text} " if fill else text
    elif picture.startswith("S"):
        text = ("-" if negative else "+") + text
    elif picture.endswith("S"):
        text += "-" if negative else "+"
    elif negative:
        text = "-" + text
    return text.rjust(width) if fill else text


def _scientific(number: Decimal, picture: str, fill: bool) -> str:
    decimals = len(re.sub(r"[^90]", "", picture.replace("EEEE", "").replace("D", ".").partition(".")[2]))
    mantissa, exponent = f"{number:.{decimals}E}".split("E")
    text = f"{mantissa}E{exponent[0]}{int(exponent[1:]):02d}"
    return text if not fill or number < 0 else " " + text


def _hexadecimal(value: int | float, picture: str, lower: bool, fill: bool) -> str:
    digits = f"{round(value):x}" if lower else f"{round(value):X}"
    width = len(picture)
    if value < 0 or len(digits) > width:
        return "#" * (width + 1)
    if picture.startswith("0"):
        digits = digits.rjust(width, "0")
    return digits.rjust(width + 1) if fill else digits
