"""Which characters text that comes in may have, and how stored text is shown that has others.

Refused is what draws nothing and changes how other text reads: control characters (of Unicode's C0 and C1, save the
line break and the tab), line and paragraph separators, the embeddings, overrides and isolates of bidirectional text,
zero-width spaces and other invisible format characters, tags, and lone surrogates. Allowed, though invisible, is what
scripts and names need: the joiners U+200C and U+200D, the marks U+200E, U+200F and U+061C (they order their own text
and cannot reach out of an isolated one), and variation selectors.
"""

import json
import re
import unicodedata

_REFUSED = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but \t and \n
    r"\u180e\u200b\u2060-\u2064\ufeff"  # zero width
    r"\u2028\u2029\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # separators, direction, deprecated format characters
    r"\ufff9-\ufffb\U000e0000-\U000e007f"  # annotations, tags
    r"\ud800-\udfff"
)
_MARKS = r"\u061c\u200e\u200f"

_refused = re.compile(f"[{_REFUSED}]")
_not_shown = re.compile(f"[{_REFUSED}{_MARKS}]")
_BEFORE = 20
"""Characters of the text before a refused one that are quoted: nobody sees where it stands."""
_CONTROLS = {
    0x00: "null",
    0x07: "bell",
    0x08: "backspace",
    0x0B: "vertical tab",
    0x0C: "form feed",
    0x0D: "carriage return",
    0x1B: "escape",
    0x7F: "delete",
    0x85: "next line",
    0x9B: "control sequence introducer",
}


class NotPlainTextError(ValueError):
    """The text has a character that is not taken; the message says which, where, and what to do."""


def with_line_feeds(text: str) -> str:
    r"""Return the text with `\n` for each `\r\n`. A `\r` by itself stays: it can hide what stands before it."""
    return text.replace("\r\n", "\n")


def normalize_newlines(text: str) -> str:
    r"""Return the text of a form or a mail with `\n` for `\r\n` and for `\r`: there each is a line break."""
    return with_line_feeds(text).replace("\r", "\n")


def plain(text: str) -> str:
    r"""Return the text as it is kept: line breaks as `\n`.

    Raises:
        NotPlainTextError: it has a character that is refused.
    """
    text = with_line_feeds(text)
    found = _refused.search(text)
    if found is not None:
        raise NotPlainTextError(_problem(text, found.start()))
    return text


def plain_line(text: str) -> str:
    """Return the text, which is one line.

    Raises:
        NotPlainTextError: it has a character that is refused, a line break or a tab.
    """
    text = plain(text)
    for character, name in (("\n", "a line break"), ("\t", "a tab")):
        if character in text:
            raise NotPlainTextError(f"it has {name}{_place(text, text.index(character))}: write it in one line")
    return text


def kept(text: str) -> str:
    r"""Return text that nobody can be asked about (a signal, an answer of another system) as it is kept: `\x1b`."""
    return _refused.sub(_escaped, with_line_feeds(text)) if _refused.search(text) else text


def replaced(text: str, by: str) -> str:
    """Return text with another character in place of each that is refused."""
    return _refused.sub(by, text)


def shown(text: str) -> str:
    r"""Return text that may be of any kind as it is shown where nothing else isolates it: `\x1b`, `\u202e`.

    Line breaks and tabs stay. Text that may come in is unchanged, but for the three marks of direction.
    """
    return _not_shown.sub(_escaped, with_line_feeds(text)) if _not_shown.search(text) else text


def shown_line(text: str) -> str:
    """Return it likewise, in one line."""
    return " ".join(shown(text).split())


def shown_in_json(document: str) -> str:
    r"""Return a JSON document that says exactly the same, with these characters of its strings as `\u202e`."""
    return _not_shown.sub(lambda found: json.dumps(found[0])[1:-1], document)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _problem(text: str, at: int) -> str:
    character = text[at]
    name = _CONTROLS.get(ord(character)) or unicodedata.name(character, "control character").lower()
    what = f"an invisible character{_place(text, at)}: {name} (U+{ord(character):04X})"
    return f"it has {what}, which could make text read as something else. Delete it there, or type the text anew"


def _place(text: str, at: int) -> str:
    before = shown_line(text[max(at - _BEFORE, 0) : at])
    return f" after “{before}”" if before else " at its beginning"
