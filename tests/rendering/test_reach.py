"""A template reaches plain data and nothing else: no attribute, no method, no function, on any way that Jinja has."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from jinja2 import Undefined
from pydantic import BaseModel

from credit.credit_hold import BlockSource
from credit.credit_limit import LimitState
from credit.eligibility import Action
from credit.facts import Facts
from credit.freight_messages import OnHoldContext
from credit.templates import MessageContext, OpenInvoice, values
from rendering import child, renderer, templates

DAY = date(2027, 3, 1)
MONEY = Decimal("1234.50")
FACTS = Facts(
    as_of=DAY,
    total_open=MONEY,
    ar_balance=MONEY,
    days_overdue=95,
    oldest_due_date=DAY,
    promised_for=DAY,
    exempt_until=DAY,
    credit_limit=MONEY,
    exposure=MONEY,
    limit_state=LimitState.EXCEEDED,
    blocked_by=(BlockSource.MANUAL,),
)
INVOICE = OpenInvoice(id="I-1", due_date=DAY, amount_open=MONEY)
MESSAGE = MessageContext(
    customer_id="1", customer_name="A", rep_name="R", reason="r", facts=FACTS, invoices=[INVOICE], next_call="today"
)
ON_HOLD = OnHoldContext(
    customer_id="1", customer_name="A", rep_name="R", blocked="all", action=Action.ORDER, reference="O-1", tariff="T"
)
CONTEXTS = [MESSAGE, ON_HOLD]
PLAIN = {str, bool, int, Decimal, type(None), list, dict}
METHODS = sorted({name for kind in (BaseModel, Facts, MessageContext, OnHoldContext, *PLAIN) for name in dir(kind)})
"""Every name that a value has, had, or might have: of pydantic's models too, which templates were given once."""


def as_in_the_child(context: BaseModel) -> dict[str, Any]:
    """What a template of this context gets, having gone the way it goes."""
    sent = json.dumps(values(context), default=renderer._decimal)
    got: dict[str, Any] = json.loads(sent, object_hook=child._decimal)
    return got


def reached(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    yield path, value
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in below:
        yield from reached(one, f"{path}[{name!r}]")


def fill(body: str, **named: object) -> str:
    return templates.render("", body, named, 10_000)[1]


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: type(context).__name__)
def test_all_that_can_be_reached_is_plain(context: BaseModel) -> None:
    whole = [getattr(context, name) for name in type(context).model_fields]
    assert None not in whole, "what is left out is not tried here"
    assert None not in FACTS.model_dump().values(), "what is left out is not tried here"
    found = dict(reached(as_in_the_child(context)))
    assert {path: type(value) for path, value in found.items() if type(value) not in PLAIN} == {}
    for path, value in found.items():
        names = [name for name in METHODS if not (isinstance(value, dict) and name in value)]
        for name in names:
            for read in (templates._Sandbox().getattr, templates._Sandbox().getitem):
                assert isinstance(read(value, name), Undefined), f"{path}.{name}"


def test_every_kind_of_context_is_tried() -> None:
    kinds = {kind for kind in BaseModel.__subclasses__() if kind.__name__.endswith("Context")}
    ours = {kind for kind in kinds if kind.__module__.startswith("credit.")}
    assert ours == {type(context) for context in CONTEXTS}


@pytest.mark.parametrize("value", [MONEY, "text", 1, True, None, [1], {"key": 1}], ids=lambda value: str(type(value)))
@pytest.mark.parametrize("way", ["{{{{ v.{0} }}}}", "{{{{ v.{0}() }}}}", "{{{{ v['{0}']('x') }}}}"])
def test_no_method_is_read_or_called(value: object, way: str) -> None:
    for name in METHODS:
        with pytest.raises(Exception, match=r"no |undefined"):
            fill(way.format(name), v=value)


@pytest.mark.parametrize(
    ("made", "thing"),
    [
        ("{% for x in v %}", "loop"),
        ("{% macro m() %}{{ caller }}{% endmacro %}{% if true %}", "m"),
        ("{% set made = v | map('upper') %}{% if true %}", "made"),
        ("{% for made in rows | groupby('a') %}", "made"),
        ("{% set made %}text{% endset %}{% if true %}", "made"),
        ("{% autoescape true %}{% set made = 'a' %}{% if true %}", "(made ~ '<')"),
        ("{% if true %}", "self"),
        ("{% if true %}", "nobody"),
        ("{% if true %}", "(nobody | default('x'))"),
    ],
)
def test_nothing_is_reached_from_what_jinja_makes(made: str, thing: str) -> None:
    end = "{% endfor %}" if "{% for" in made else "{% endif %}"
    end += "{% endautoescape %}" if "autoescape" in made else ""
    fill(made + "x" + end, v="ab", rows=[{"a": 1}])  # this far it is a template
    names = {*METHODS, "cycle", "changed", "_func", "name", "arguments", "grouper", "gi_frame", "environment", "render"}
    for name in names - templates._LOOP:
        for way in (f"{{{{ {thing}.{name} }}}}", f"{{{{ {thing}['{name}'] }}}}", f"{{{{ {thing}.{name}() }}}}"):
            with pytest.raises(Exception, match=r"no |undefined"):
                fill(made + way + end, v="ab", rows=[{"a": 1}])


@pytest.mark.parametrize(
    "body",
    [
        "{{ range(9) }}",
        "{{ lipsum() }}",
        "{{ cycler(1) }}",
        "{{ joiner() }}",
        "{{ namespace() }}",
        "{{ dict(a=1) }}",
        "{{ v() }}",
        "{{ (v | map('upper'))() }}",
        "{{ v | attr('upper') }}",
        "{{ v | map('attr', 'upper') | list }}",
        "{{ v | map('nothing') | list }}",
        "{{ [v] | map(attribute='upper') | map('upper') | list }}",
        "{{ [v] | map(attribute='__class__.__mro__') | map('upper') | list }}",
        "{{ [v] | sort(attribute='__class__') | first | nothing }}",
        "{{ [v] | selectattr('__class__') | list | length + nobody }}",
        "{{ '{0.__class__}'.format(v) }}",
        "{{ '{0.__class__}'.format_map({'0': v}) }}",
        "{{ '%(__class__)s' % {} }}",
        "{{ '%(__class__)s' | format(v) }}",
        "{{ v | tojson }}",
        "{{ v | xmlattr }}",
        "{{ v | pprint }}",
        "{{ v is callable }}",
        "{{ self() }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% set v.x = 1 %}",
        "{% do v.clear() %}",
        "{% for x in v recursive %}{{ loop(v) }}{% endfor %}",
    ],
)
def test_nothing_is_called_but_filters(body: str) -> None:
    with pytest.raises(Exception, match=r"\w"):
        fill(body, v="text")


def test_what_is_not_plain_does_not_leave_for_the_child() -> None:
    class OddContext(BaseModel):
        odd: Any

    for odd in (object(), 1.5, {1, 2}, b"x", lambda: None):
        with pytest.raises(TypeError, match="is not for templates"):
            values(OddContext(odd=odd))
    with pytest.raises(TypeError, match="is not plain data"):
        renderer.Renderer().ask("template", {"values": {"odd": object()}})
