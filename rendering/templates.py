"""Content templates: Jinja that reads plain data and applies filters. It calls nothing and has no objects to call.

A template gets strings, numbers, lists and dicts; a dot reads a dict's key. Dates are strings like 2027-03-01.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import SandboxedEnvironment

FILTERS = frozenset(
    [
        "abs",
        "batch",
        "capitalize",
        "center",
        "count",
        "d",
        "default",
        "dictsort",
        "first",
        "float",
        "format",
        "groupby",
        "indent",
        "int",
        "items",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "reverse",
        "round",
        "select",
        "selectattr",
        "slice",
        "sort",
        "string",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
        "wordcount",
        "wordwrap",
    ]
)
"""Jinja's own filters that a template may use. None of them reads an attribute but through the sandbox."""
REFUSED_TESTS = frozenset({"callable", "escaped", "filter", "test"})
"""Tests about programs, not about data."""

_LOOP = frozenset(
    ["index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem", "nextitem"]
)
_REPEATED = 1000
"""The longest text that `*` makes: enough for a line of dashes."""
_DATE_FORMAT = re.compile(r"(?:[^%]|%[-A-Za-z%])*")


class TooLongError(Exception):
    """What is rendered grows longer than it may."""


def render(subject: str, body: str, values: Mapping[str, Any], longest: int) -> tuple[str, str]:
    """Return subject and body of a message.

    Args:
        subject: its template.
        body: its template.
        values: what they may name: strings, numbers, None, and lists and dicts of them.
        longest: how many characters each may become.

    Raises:
        TooLongError: longer than that.
        Exception: whatever else Jinja or Python says of a template that cannot be rendered.
    """
    sandbox = _Sandbox()
    return _filled(sandbox, subject, values, longest), _filled(sandbox, body, values, longest)


def _filled(sandbox: "_Sandbox", source: str, values: Mapping[str, Any], longest: int) -> str:
    pieces, length = [], 0
    for piece in sandbox.from_string(source).generate(values):
        length += len(piece)
        if length > longest:
            raise TooLongError
        pieces.append(piece)
    return "".join(pieces)


class _Sandbox(SandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, cache_size=0)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS} | {"money": money, "date": day}
        self.tests = {name: test for name, test in self.tests.items() if name not in REFUSED_TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read a key, never an attribute: of objects there is only a loop's place."""
        if type(obj) is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Read a dict's key, or one place of a list or string."""
        if isinstance(obj, Undefined):
            return obj[argument]  # which says what is not defined
        try:
            if type(obj) is dict or (isinstance(obj, (str, list, tuple)) and isinstance(argument, int)):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        why = None
        if type(obj) is not dict and isinstance(argument, str):
            why = f"there is no {argument!r} in a {_kind(obj)}: a template reads values and applies filters to them"
        return self.undefined(why, obj=obj, name=argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call nothing but what the template itself defined, a macro."""
        if type(obj) is Macro or isinstance(obj, Undefined):  # which says what is not defined
            return context.call(obj, *args, **kwargs)
        raise SecurityError("a template calls no functions: apply a filter, like `name | upper`")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse: nothing is read this way."""
        del obj, attr, value
        return False

    def is_safe_callable(self, obj: Any) -> bool:
        """Refuse: nothing is called this way."""
        del obj
        return False

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply numbers; repeat no text beyond a line."""
        del context
        return _OPERATORS[operator](left, right)


def _times(left: Any, right: Any) -> Any:
    for text, count in ((left, right), (right, left)):
        if isinstance(text, str) and isinstance(count, int) and len(text) * count > _REPEATED:
            raise ValueError(f"a text repeated {count} times is too long")
        if isinstance(text, (list, tuple, dict)):
            raise TypeError(f"a {_kind(text)} cannot be multiplied")
    return operator.mul(left, right)


def _power(left: Any, right: Any) -> Any:
    if not (isinstance(right, int) and abs(right) <= 100 and abs(left) < 10**15):  # noqa: PLR2004
        raise ValueError(f"{left} to the power of {right} is not computed here")
    return operator.pow(left, right)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"*": _times, "**": _power}


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float, Decimal)):
        return "number"
    return "list" if isinstance(value, (list, tuple)) else "value"


def money(amount: Any) -> str:
    """Return an amount with two decimals and a comma between thousands."""
    if not isinstance(amount, (int, float, Decimal)):
        raise TypeError(f"`money` takes a number, not {str(amount)[:50]!r}")
    return f"{amount:,.2f}"


def day(written: Any, form: str = "%Y-%m-%d") -> str:
    """Return a date in another form: `invoice.due_date | date("%d.%m.%Y")`."""
    if not _DATE_FORMAT.fullmatch(form) or len(form) > 100:  # noqa: PLR2004
        raise ValueError(f"`date` takes a form like %d.%m.%Y, not {form[:50]!r}")
    return date.fromisoformat(str(written)).strftime(form)
