"""Which characters come in, and how others are shown."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.plain_text import NotPlainTextError, kept, plain, plain_line, shown, shown_in_json
from desk.isolation import isolated
from desk.rendering import STATIC

REFUSED = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\t\n"),
    *(chr(code) for code in range(0x7F, 0xA0)),
    *map(chr, (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x2060, 0xFEFF, 0xE0041)),
    "\ud800",
]


@pytest.mark.parametrize("character", REFUSED, ids=lambda one: f"U+{ord(one):04X}")
def test_what_is_refused_is_named_with_its_place(character: str) -> None:
    with pytest.raises(NotPlainTextError) as refused:
        plain(f"they called {character}twice")
    assert f"U+{ord(character):04X}" in str(refused.value)
    assert "after “they called”" in str(refused.value)
    assert str(refused.value).isprintable()
    assert kept(character).isprintable()
    assert shown(character).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\tand a tab",
        "Zoë’s “Café” – 10 % €",
        "שלום \u200fעולם",
        "می\u200cخواهم",
        "👩\u200d👧 ❤️",
        "日本",
        "a\u00adb",
    ],
)
def test_what_names_and_reasons_need_is_taken(text: str) -> None:
    assert plain(text) == text
    assert kept(text) == text


def test_line_breaks_of_every_machine_become_one_kind_and_a_line_has_none() -> None:
    assert plain("a\r\nb") == "a\nb"
    for text, named in (("a\nb", "a line break after “a”"), ("\ta", "a tab at its beginning")):
        with pytest.raises(NotPlainTextError, match=named):
            plain_line(text)


@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Lo", "Ll"])))
def test_nothing_that_acts_is_left_in_what_is_shown(text: str) -> None:
    left = {one for one in shown(text) if unicodedata.category(one) in ("Cc", "Zl", "Zp")} - {"\n", "\t"}
    assert not left
    turning = {"LRO", "RLO", "LRE", "RLE", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not {unicodedata.bidirectional(one) for one in shown(text)} & turning
    assert json.loads(shown_in_json(json.dumps(text, ensure_ascii=False))) == text
    assert shown(shown(text)) == shown(text)


def test_pages_isolate_what_is_written_the_other_way() -> None:
    assert isolated("plain, ‘quoted’ → 5 €") == "plain, ‘quoted’ → 5 €"
    assert isolated("שלום <b>") == "<bdi>שלום &lt;b&gt;</bdi>"
    assert isolated("By \u202emike") == "<bdi>By \\u202emike</bdi>"
    assert "bdi { unicode-bidi: isolate; }" in (STATIC / "desk.css").read_text()
