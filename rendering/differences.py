"""The difference of two texts, word by word or as a unified diff."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, unified_diff
from itertools import takewhile
from typing import Literal, NamedTuple

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text that both texts have, or only one of them."""

    kind: Literal["same", "removed", "added"]
    text: str


def pieces(before: str, after: str) -> list[Piece]:
    """Return the pieces that make `after` out of `before`: lines first, then the words of lines that changed."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Piece] = []
    for kind, *(a, b, c, d) in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace":
            found += _words("".join(old[a:b]), "".join(new[c:d]))
        else:
            found += _pieces(kind, old[a:b], new[c:d])
    return found


def whole_pieces(before: str, after: str) -> list[Piece]:
    """Return pieces that take no time to find: all lines between the equal beginning and end, removed and added."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    start, end = _equal_ends(old, new)
    middle = [*_pieces("replace", old[start : len(old) - end], new[start : len(new) - end])]
    return [*_same(old[:start]), *middle, *_same(old[len(old) - end :])]


def unified(before: str, after: str, name_before: str, name_after: str) -> str:
    return "\n".join(unified_diff(before.splitlines(), after.splitlines(), name_before, name_after, lineterm=""))


def whole_unified(before: str, after: str, name_before: str, name_after: str) -> str:
    """Return a unified diff that takes no time to find: one hunk from the first to the last line that differs."""
    old, new = before.splitlines(), after.splitlines()
    start, end = _equal_ends(old, new)
    removed, added = old[start : len(old) - end], new[start : len(new) - end]
    if not removed and not added:
        return ""
    places = (f"{sign}{start + bool(lines)},{len(lines)}" for sign, lines in (("-", removed), ("+", added)))
    head = [f"--- {name_before}", f"+++ {name_after}", f"@@ {' '.join(places)} @@"]
    return "\n".join([*head, *(f"-{line}" for line in removed), *(f"+{line}" for line in added)])


def _equal_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    def run(pairs: Iterable[tuple[str, str]]) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    start = run(zip(old, new, strict=False))
    return start, run(zip(reversed(old[start:]), reversed(new[start:]), strict=False))


def _words(before: str, after: str) -> Iterable[Piece]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    for kind, *(a, b, c, d) in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield from _pieces(kind, old[a:b], new[c:d])


def _pieces(kind: str, old: Sequence[str], new: Sequence[str]) -> Iterable[Piece]:
    if kind == "equal":
        yield from _same(new)
        return
    if old:
        yield Piece("removed", "".join(old))
    if new:
        yield Piece("added", "".join(new))


def _same(lines: Sequence[str]) -> Iterable[Piece]:
    if lines:
        yield Piece("same", "".join(lines))
