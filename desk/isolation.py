"""What people and other systems wrote never changes how the page around it reads.

Text may hold letters that are written from right to left, and rows that are older than `credit.plain_text` characters
that turn everything behind them round. So every template, as it is compiled, gets each value that it prints between
tags wrapped in `isolated`: no template has to remember it.
"""

import re
from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

from credit.plain_text import kept

NAME = "isolated"
_PLAIN = re.compile(r"[\t\n\r -~\u00a0-\u0590\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2190-\u21ff\u3000-\ud7a3]*")
"""Text all of whose letters are written from left to right: what stands alone already, and most of what is shown."""
_MARKUP = re.compile(r"<!--.*?-->|<(/?)([a-zA-Z][a-zA-Z0-9]*)?|>|[\"']", re.DOTALL)
_NO_CHILDREN = frozenset({"title", "option", "textarea", "script", "style"})
"""Elements in which a tag is text."""


def isolated(value: object) -> object:
    """Return a value as it is printed between tags: letters of another direction isolated, refused characters shown."""
    if not isinstance(value, str) or isinstance(value, Markup) or _PLAIN.fullmatch(value):
        return value
    return Markup("<bdi>{}</bdi>").format(kept(value))


class Isolation(Extension):
    """Wraps what is printed between tags. What stands in a tag, a title or a field is left alone."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Return the tokens of a template, with `isolated(…)` around every such expression."""
        place = _Place()
        wrapped = False
        for token in stream:
            if token.type == "data":
                place.read(str(token.value))
            if token.type == "variable_begin" and place.is_text:
                wrapped = True
                yield token
                yield Token(token.lineno, "name", NAME)
                yield Token(token.lineno, "lparen", "(")
                continue
            if token.type == "variable_end" and wrapped:
                wrapped = False
                yield Token(token.lineno, "rparen", ")")
            yield token


class _Place:
    """Where in the HTML a template is."""

    def __init__(self) -> None:
        self._in_tag = False
        self._quote = ""
        self._element = ""
        self._inside = ""

    @property
    def is_text(self) -> bool:
        """Whether what is printed here may be an element."""
        return not self._in_tag and not self._inside

    def read(self, data: str) -> None:
        """Go on to the end of a piece of the template."""
        for found in _MARKUP.finditer(data):
            self._step(found)

    def _step(self, found: re.Match[str]) -> None:
        mark = found[0]
        if self._in_tag:
            if self._quote:
                self._quote = "" if mark == self._quote else self._quote
            elif mark in "\"'":
                self._quote = mark
            elif mark == ">":
                self._in_tag = False
                if self._element in _NO_CHILDREN:
                    self._inside = self._element
        elif self._inside:
            if found[1] and (found[2] or "").lower() == self._inside:
                self._inside, self._in_tag, self._element = "", True, ""
        elif mark.startswith("<") and not mark.startswith("<!--") and found[2]:
            self._in_tag, self._element = True, "" if found[1] else found[2].lower()
