"""How pages write amounts, times and names: the filters of the templates."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from markupsafe import Markup, escape

from credit.states import ReleaseCause
from credit.triggers import TriggerKind
from credit.wording import counted, long_span, sentence, span, words

_TEMPLATES = {"service_hold_sales_rep": "Sales rep’s message", "service_hold_customer_notice": "Customer’s notice"}


def money(amount: Decimal | str) -> str:
    """`12,345.60`."""
    return f"{Decimal(amount):,.2f}"


def pretty(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def names_as_code(text: str) -> Markup:
    """A text in which names that programs know, `amount_open`, stand out."""
    return Markup(re.sub(r"\w+_\w+", r"<code>\g<0></code>", str(escape(text))))  # noqa: S704 (escaped before)


def trigger_name(kind: str) -> str:
    """A trigger as people call it."""
    return sentence(TriggerKind(kind).label)


def cause_name(cause: str) -> str:
    """Why a release is proposed; `unknown` where nothing is on record."""
    return ReleaseCause(cause).label if cause in set(ReleaseCause) else words(cause)


def template_name(name: str) -> str:
    """A content template as people call it."""
    return _TEMPLATES.get(name) or sentence(name)


def seconds_span(seconds: float) -> str:
    """A number of seconds, likewise."""
    return span(timedelta(seconds=seconds))


def when(at: datetime | str) -> Markup:
    """A time to the minute: in UTC, and in a browser that runs our script in its own zone. The title is exact."""
    at = _time(at)
    tag = Markup('<time datetime="{}" title="{}" data-when>{}</time>')
    return tag.format(_iso(at), f"{at:%Y-%m-%d %H:%M:%S} UTC", f"{at:%Y-%m-%d %H:%M} UTC")


def ago(at: datetime | str, now: datetime) -> Markup:
    """How long something has been going on: `3 d`. The whole time is its title."""
    at = _time(at)
    return _live("since", at, span(now - at))


def left(at: datetime | str, now: datetime) -> Markup:
    """How long until something happens: `9 min`; counts down in the browser."""
    at = _time(at)
    return _live("until", at, long_span(at - now))


def until(at: datetime) -> Markup:
    """When something happens, to the second; counts down in the browser. Says the same whenever it is asked."""
    at = _time(at)
    return _live("until", at, f"{at:%H:%M:%S} UTC")


def _live(kind: str, at: datetime, text: str) -> Markup:
    tag = Markup('<time datetime="{}" data-{} title="{}">{}</time>')
    return tag.format(_iso(at), kind, f"{at:%Y-%m-%d %H:%M:%S} UTC", text)


def day_of(at: datetime) -> Markup:
    """A time, to the day."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        _iso(at), f"{at:%Y-%m-%d %H:%M} UTC", f"{at:%Y-%m-%d}"
    )


def day(value: date | str) -> str:
    """A day: `2026-11-21`."""
    return value if isinstance(value, str) else value.isoformat()


def _time(at: datetime | str) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


FILTERS: dict[str, Callable[..., object]] = {
    "money": money,
    "words": words,
    "sentence": sentence,
    "span": span,
    "seconds_span": seconds_span,
    "long_span": long_span,
    "when": when,
    "ago": ago,
    "left": left,
    "until": until,
    "day": day,
    "day_of": day_of,
    "trigger_name": trigger_name,
    "cause_name": cause_name,
    "template_name": template_name,
    "names_as_code": names_as_code,
    "pretty": pretty,
    "count": counted,
}
