"""The difference of two texts, word by word."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text that both texts have, or only one of them."""

    kind: Literal["same", "removed", "added"]
    text: str


def diff(before: str, after: str) -> list[Piece]:
    """Return the pieces that make `after` out of `before`: lines first, then the words of lines that changed."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    for kind, *(a, b, c, d) in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace":
            pieces += _words("".join(old[a:b]), "".join(new[c:d]))
        else:
            pieces += _pieces(kind, old[a:b], new[c:d])
    return pieces


def _words(before: str, after: str) -> Iterable[Piece]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    for kind, *(a, b, c, d) in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield from _pieces(kind, old[a:b], new[c:d])


def _pieces(kind: str, old: Sequence[str], new: Sequence[str]) -> Iterable[Piece]:
    if kind == "equal":
        yield Piece("same", "".join(new))
        return
    if old:
        yield Piece("removed", "".join(old))
    if new:
        yield Piece("added", "".join(new))
