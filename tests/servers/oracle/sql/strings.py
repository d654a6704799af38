# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle's character functions over Python strings. No argument is None here; an empty result becomes NULL later.

Source: the vendor's SQL Language Reference, "Character Functions" and "Oracle Regular Expression Support".
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..errors import OracleError


def substr(text: str, position: float, length: float | None = None) -> str:
    start = int(position)
    if start < 0:
        start += len(text)
        if start < 0:
            return ""
    elif start > 0:
        start -= 1
    return text[start:] if length is None else text[start : start + int(length)] if length >= 1 else ""


def instr(text: str, part: str, position: float = 1, occurrence: float = 1) -> int:
    start, nth = int(position), int(occurrence)
    if nth < 1:
        raise OracleError(1428, nth)
    if start == 0:
        return 0
    if start > 0:
        at = start - 2
        for _unused in range(nth):
            at = text.find(part, at + 1)
            if at < 0:
                return 0
        return at + 1
    end = len(text) + start + len(part)
    at = -1
    for _unused in range(nth):
        at = text.rfind(part, 0, max(end, 0))
        if at < 0:
            return 0
        end = at + len(part) - 1
    return at + 1


def pad_left(text: str, size: float, filler: str = " ") -> str:
    missing = int(size) - len(text)
    return text[: max(int(size), 0)] if missing <= 0 else (filler * missing)[:missing] + text


def pad_right(text: str, size: float, filler: str = " ") -> str:
    missing = int(size) - len(text)
    return text[: max(int(size), 0)] if missing <= 0 else text + (filler * missing)[:missing]


def initcap(text: str) -> str:
    return re.sub(r"[^\W_]+", lambda word: word[0][0].upper() + word[0][1:].lower(), text)


def translate(text: str, old: str, new: str) -> str:
    table: dict[int, str | None] = {}
    for index, character in enumerate(old):
        table.setdefault(ord(character), new[index] if index < len(new) else None)
    return text.translate(table)


def soundex(text: str) -> str:
    codes = {c: str(n) for n, group in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for c in group}
    letters = [character for character in text.upper() if character.isalpha()]
    if not letters:
        return ""
    result, last = letters[0], codes.get(letters[0], "")
    for letter in letters[1:]:
        code = codes.get(letter, "")
        if code and code != last:
            result += code
        if letter not in "HW":
            last = code
    return result[:4].ljust(4, "0")


_CLASSES = {
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:alnum:]": "a-zA-Z0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:space:]": r"\s",
    "[:blank:]": r" \t",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:cntrl:]": r"\x00-\x1f\x7f",
    "[:print:]": r"\x20-\x7e",
    "[:graph:]": r"\x21-\x7e",
}


@lru_cache(maxsize=512)
def regex(pattern: str, flags: str = "") -> re.Pattern[str]:
    """A POSIX pattern with the Perl extensions that Oracle has; within brackets a backslash is an ordinary character."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and at + 1 < len(pattern):
            parts.append(pattern[at : at + 2])
            at += 2
        elif character == "[":
            bracket, at = _bracket(pattern, at)
            parts.append(bracket)
        else:
            parts.append(character)
            at += 1
    options = re.ASCII
    for flag in flags:
        if flag not in "icnmx":
            raise OracleError(1760)
        options |= {"i": re.IGNORECASE, "n": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE}.get(flag, 0)
    if "c" in flags and flags.rindex("c") > flags.rfind("i"):
        options &= ~re.IGNORECASE
    try:
        return re.compile("".join(parts), options)
    except re.error as error:
        unmatched = "paren" in error.msg or "subpattern" in error.msg
        raise OracleError(12725 if unmatched else 12726) from None


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    at = start + 1
    text = "["
    if pattern[at : at + 1] == "^":
        text += "^"
        at += 1
    if pattern[at : at + 1] == "]":
        text += r"\]"
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        if pattern.startswith("[:", at):
            end = pattern.find(":]", at)
            name = pattern[at : end + 2]
            if end < 0 or name not in _CLASSES:
                raise OracleError(12726)
            text += _CLASSES[name]
            at = end + 2
        else:
            text += "\\" + pattern[at] if pattern[at] in "[\\&~|" else pattern[at]
            at += 1
    if at >= len(pattern):
        raise OracleError(12726)
    return text + "]", at + 1


def regexp_like(text: str, pattern: str, flags: str = "") -> int:
    return 1 if regex(pattern, flags).search(text) else 0


def regexp_substr(
    text: str, pattern: str, position: float = 1, occurrence: float = 1, flags: str | None = "", group: float = 0
) -> str | None:
    for nth, found in enumerate(regex(pattern, flags or "").finditer(text, int(position) - 1), 1):
        if nth == occurrence:
            return found[int(group)] if group <= (found.re.groups or 0) else None
    return None


def regexp_instr(
    text: str, pattern: str, position: float = 1, occurrence: float = 1, after: float = 0, flags: str | None = ""
) -> int:
    for nth, found in enumerate(regex(pattern, flags or "").finditer(text, int(position) - 1), 1):
        if nth == occurrence:
            return (found.end() if after else found.start()) + 1
    return 0


def regexp_count(text: str, pattern: str, position: float = 1, flags: str | None = "") -> int:
    return sum(1 for _unused in regex(pattern, flags or "").finditer(text, int(position) - 1))


def regexp_replace(
    text: str, pattern: str, new: str | None = "", position: float = 1, occurrence: float = 0, flags: str | None = ""
) -> str:
    """Occurrence 0 replaces all. A group is ``\\1`` to ``\\9`` in ``new``."""

    compiled = regex(pattern, flags or "")
    count = 0

    def replacement(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        if occurrence and count != occurrence:
            return found[0]
        return re.sub(r"\\([1-9\\])", lambda mark: _group(found, mark[1]), new or "")

    start = int(position) - 1
    return text[:start] + compiled.sub(replacement, text[start:])


def _group(found: re.Match[str], name: str) -> str:
    """What ``\\n`` of a replacement stands for."""
    if name == "\\":
        return name
    return (found[int(name)] or "") if int(name) <= found.re.groups else ""
