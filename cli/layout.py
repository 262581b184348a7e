"""Text on a terminal: how wide it is, how to fill it up, cut it, and keep strangers' names harmless."""

import unicodedata
from collections.abc import Sequence


def printable(text: str) -> str:
    """The text with control characters spelled out: names come from traces, and traces from strangers."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def display_width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_character_width(c) for c in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, width: int, *, right: bool) -> str:
    """The text filled up with spaces to a width on the terminal, on its left if `right`-aligned."""
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def shorten(text: str, width: int, mark: str) -> str:
    """The text cut in the middle to at most `width` columns; both its ends stay readable."""
    if display_width(text) <= width:
        return text
    room = width - display_width(mark)
    head = _start_of(text, (room + 1) // 2)
    tail = _start_of(text[::-1], room - display_width(head))[::-1]
    return head + mark + tail


def _start_of(text: str, width: int) -> str:
    """As much of the text's beginning as takes at most `width` columns."""
    taken = 0
    for place, character in enumerate(text):
        taken += _character_width(character)
        if taken > width:
            return text[:place]
    return text


def fit(widths: Sequence[int], shrinkable: Sequence[bool], room: int) -> list[int]:
    """Column widths that fit in `room` by narrowing the widest shrinkable ones, to 12 at the least."""
    result = list(widths)
    while sum(result) > room:
        widest = max((w for w, can in zip(result, shrinkable, strict=True) if can), default=0)
        if widest <= 12:
            break
        at = next(i for i, w in enumerate(result) if w == widest and shrinkable[i])
        result[at] -= 1
    return result
