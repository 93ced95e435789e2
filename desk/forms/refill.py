"""Put what was typed back into a form of a page's HTML, with what is wrong beside its field.

The page is our own, so its tags are well-formed; all that is not a field of the form stays as it is, byte for byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from desk.forms.sent import Refusal, Sent, address

_NOT_TYPED = frozenset({"hidden", "password", "submit", "button", "file", "image", "reset"})
_TICKED = frozenset({"checkbox", "radio"})
_RENEWED = frozenset({"csrf_token", "claim_id"})
"""Hidden fields that only the page as it is now knows."""


@dataclass
class _Control:
    tag: str
    attrs: dict[str, str | None]
    start: int
    end: int
    value: str = ""
    """Of a text area: what stands in it."""
    close: int = 0
    """Where a text area's or select's end tag starts."""
    options: list["_Control"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.attrs.get("name") or ""

    @property
    def kind(self) -> str:
        return (self.attrs.get("type") or "text") if self.tag == "input" else self.tag


@dataclass
class _Form:
    start: _Control
    actions: set[str]
    folded: _Control | None = None
    """The `details` it stands in."""
    controls: list[_Control] = field(default_factory=list)

    def hidden(self) -> dict[str, str]:
        return {one.name: one.attrs.get("value") or "" for one in self.controls if one.kind == "hidden"}


class Html(HTMLParser):
    """A page, its POST forms, and where they stand in its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.forms: list[_Form] = []
        self.csrf_token = ""
        self.main = self.main_end = len(source)
        self.problem_end = 0
        """Behind the box that says what was wrong; 0 where there is none."""
        self.takes_password = False
        self._in_problem = False
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._form: _Form | None = None
        self._folded: _Control | None = None
        self._area: _Control | None = None
        self._select: _Control | None = None
        self.feed(source)
        self.close()

    def shows(self, value: str) -> bool:
        """Whether a field that a person sees has this in it."""
        wanted = value.strip()
        return any(wanted == shown.strip() for form in self.forms for shown in _visible(form))

    def form_of(self, sent: Sent) -> _Form | None:
        """Return the form that was sent: of several with one action the one that carried the same."""
        action = address(sent.action)
        also = f"{action.removesuffix('/decision')}/confirm" if action.endswith("/decision") else action
        found = [form for form in self.forms if form.actions & {action, also}]
        if not found:
            return None
        values = sent.values
        return max(found, key=lambda form: sum(values.get(n) == [v] for n, v in form.hidden().items()))

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._at()
        one = _Control(tag, dict(attrs), start, start + len(self.get_starttag_text() or ""))
        match tag:
            case "meta" if one.name == "csrf-token":
                self.csrf_token = one.attrs.get("content") or ""
            case "main" if one.attrs.get("id") == "main":
                self.main = one.end
            case "form" if one.attrs.get("method") == "post":
                self._form = _Form(one, {address(one.attrs.get("action") or "")}, self._folded)
                self.forms.append(self._form)
            case "button" if self._form and one.attrs.get("formaction"):
                self._form.actions.add(address(one.attrs["formaction"] or ""))
            case "details":
                self._folded = one
            case "div" if one.attrs.get("id") == "problem":
                self._in_problem = True
            case "input" | "textarea" | "select" if self._form:
                self._form.controls.append(one)
                self.takes_password |= one.kind == "password"
                self._area = one if tag == "textarea" else None
                self._select = one if tag == "select" else None
            case "option" if self._select:
                self._select.options.append(one)
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data
        elif self._select is not None and self._select.options:
            self._select.options[-1].value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "details":
            self._folded = None
        elif tag == "textarea" and self._area is not None:
            self._area.value = self._area.value.removeprefix("\n")
            self._area.close, self._area = self._at(), None
        elif tag == "select" and self._select is not None:
            self._select.close, self._select = self._at(), None
        elif tag == "div" and self._in_problem:
            self.problem_end, self._in_problem = self._at() + len("</div>"), False
        elif tag == "main":
            self.main_end = self._at()


def refilled(page: str, sent: Sent, refusal: Refusal | None = None, *, as_sent: bool = False) -> str | None:
    """Return the page with the form as it was sent; None where the page has no such form.

    `as_sent`: the page was made anew rather than by who refused the form, so what the form carried stays what it was:
    whoever takes it next can tell that it is stale.
    """
    html = Html(page)
    form = html.form_of(sent)
    if form is None:
        return None
    values, wrong = sent.values, dict(refusal.fields) if refusal else {}
    edits: list[tuple[int, int, str]] = [(form.start.start, form.start.end, _tag(form.start, {"data-dirty": "yes"}))]
    if form.folded is not None:
        edits.append((form.folded.start, form.folded.end, _tag(form.folded, {"open": ""})))
    for one in form.controls:
        if one.kind == "hidden":
            if as_sent and one.name in values and one.name not in _RENEWED:
                edits.append((one.start, one.end, _tag(one, {"value": values[one.name][0]})))
        elif one.kind not in _NOT_TYPED:
            edits += _typed(one, values.get(one.name, []), wrong.pop(one.name, ""))
    for start, end, text in sorted(edits, reverse=True):
        page = page[:start] + text + page[end:]
    return page


def before_content(page: str, text: str) -> str:
    """Return the page with something put at the top of what it says."""
    at = Html(page).main
    return page[:at] + text + page[at:]


def after_problem(page: str, text: str) -> str:
    """Return the page with something put below what it says was wrong, or else at its end."""
    html = Html(page)
    at = html.problem_end or html.main_end
    return page[:at] + text + page[at:]


def _typed(one: _Control, values: list[str], wrong: str) -> list[tuple[int, int, str]]:
    """Return the edits that make a field what was sent for it."""
    more: dict[str, str | None] = {}
    note: list[tuple[int, int, str]] = []
    if wrong:
        about = f"wrong-{one.attrs.get('id') or one.name}"
        described = " ".join(filter(None, (one.attrs.get("aria-describedby"), about)))
        more = {"aria-invalid": "true", "aria-describedby": described}
        end = one.end if one.tag == "input" else one.close + len(f"</{one.tag}>")
        note = [(end, end, f'<small class="field-error" id="{escape(about)}">{escape(wrong)}</small>')]
    if one.kind in _TICKED:
        ticked = (one.attrs.get("value") or "on") in values
        return [(one.start, one.end, _tag(one, more | {"checked": "" if ticked else None}, drop="checked")), *note]
    if one.tag == "select":
        edits = [(one.start, one.end, _tag(one, more))] if more else []
        known = [option for option in one.options if _value(option) in values]
        for option in one.options if known else ():
            chosen = {"selected": ""} if option in known else {}
            edits.append((option.start, option.end, _tag(option, chosen, drop="selected")))
        return edits + note
    text = values[0] if values else None
    if text is None:  # a field that was not sent keeps what it has
        return ([(one.start, one.end, _tag(one, more))] if more else []) + note
    if one.tag == "textarea":
        return [(one.start, one.close, f"{_tag(one, more)}\n{escape(text)}"), *note]
    return [(one.start, one.end, _tag(one, more | {"value": text})), *note]


def _value(option: _Control) -> str:
    return option.attrs.get("value") if "value" in option.attrs else option.value.strip()  # type: ignore[return-value]


def _tag(one: _Control, more: Mapping[str, str | None], *, drop: str = "") -> str:
    kept = {name: value for name, value in one.attrs.items() if name != drop}
    attrs = kept | {name: value for name, value in more.items() if value is not None}
    bare = {name for name, value in attrs.items() if not value and name != "value"}
    written = [name if name in bare else f'{name}="{escape(value or "")}"' for name, value in attrs.items()]
    return f"<{' '.join([one.tag, *written])}>"


def _visible(form: _Form) -> list[str]:
    shown: list[str] = []
    for one in form.controls:
        if one.kind in _NOT_TYPED:
            continue
        if one.kind in _TICKED:
            shown += [one.attrs.get("value") or "on"] if "checked" in one.attrs else []
        elif one.tag == "select":
            chosen = [option for option in one.options if "selected" in option.attrs] or one.options[:1]
            shown += [_value(option) for option in chosen]
        else:
            shown.append(one.value if one.tag == "textarea" else one.attrs.get("value") or "")
    return shown
