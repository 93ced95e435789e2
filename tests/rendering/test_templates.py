"""What templates may do: the ones that ship come out as ever, and what people need to write has its way."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined
from sqlalchemy import Engine

from db.engine import transaction
from db.messages import templates as stored
from rendering import child, templates
from rendering.renderer import Limits, Renderer
from rendering.texts import filled_in
from services.messages import template_check


def fill(body: str, **named: object) -> str:
    return templates.render("", body, named, 10_000)[1]


def test_seeded_templates_come_out_as_from_the_objects_themselves(engine: Engine) -> None:
    with transaction(engine) as session:
        seeded = [(row.name, row.subject, row.body) for row in stored.newest(session)]
    assert len(seeded) >= 7
    trusting = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701
    trusting.filters["money"] = templates.money
    for name, subject, body in seeded:
        for context in template_check._samples(name):
            named = {field: getattr(context, field) for field in type(context).model_fields}
            if "invoices" in named:
                named["invoices"] = named["invoices"][:10]
            wanted = trusting.from_string(subject).render(named), trusting.from_string(body).render(named)
            assert filled_in(name, subject, body, context) == wanted, name


FACTS = {"total_open": Decimal("40000.00"), "days_overdue": 120, "plan": True, "due": "2026-11-01"}


@pytest.mark.parametrize(
    ("body", "becomes"),
    [
        ("{{ facts.total_open | money }} {{ facts['days_overdue'] }}", "40,000.00 120"),
        ("{% if facts.total_open > 0 and facts.plan %}yes{% endif %}", "yes"),
        ("{{ (facts.total_open / 2) | money }} {{ (facts.total_open * 2) | money }}", "20,000.00 80,000.00"),
        ("{{ facts.due | date('%d.%m.%Y') }} {{ facts.due | date }}", "01.11.2026 2026-11-01"),
        ("{% for one in rows %}{{ loop.index }}{{ one.id }}{{ '' if loop.last else ', ' }}{% endfor %}", "1A, 2B"),
        ("{{ rows | map(attribute='id') | join('+') }} {{ rows | sum('n') }} {{ rows[0].id }}", "A+B 3 A"),
        (
            "{{ '-' * 20 }}{{ 'a' ~ 1 }}{{ 2 ** 10 }}{{ 7 % 4 }}{{ '%.1f' | format(1.25) }}",
            "-" * 20 + "a110243" + "1.2",
        ),
        ("{{ rep or 'there' }} {{ rep | default('x', true) }} {{ facts.none is defined }}", "there x False"),
        ("{% macro line(n) %}<{{ n }}>{% endmacro %}{{ line(1) }}{{ line(2) }}", "<1><2>"),
        ("{% set x = rows | length %}{{ x }} {{ rows | selectattr('n', 'gt', 1) | list | length }}", "2 1"),
        ("{% for key, value in facts | dictsort %}{{ key[0] }}{% endfor %}", "ddpt"),
        ("{{ 'two words' | title | wordwrap(5) | upper }}", "TWO\nWORDS"),
    ],
)
def test_what_people_write(body: str, becomes: str) -> None:
    rows = [{"id": "A", "n": 1}, {"id": "B", "n": 2}]
    assert fill(body, facts=FACTS, rows=rows, rep="") == becomes


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{{ name.upper() }}", "no 'upper' in a text: a template reads values and applies filters"),
        ("{{ facts.due.strftime('%d') }}", "no 'strftime' in a text"),
        ("{{ facts.total }}", "has no attribute 'total'"),
        ("{{ facts.items() }}", "has no attribute 'items'"),
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{{ name | money }}", "`money` takes a number, not 'Ann'"),
        ("{{ facts.due | date('%9999999d') }}", "takes a form like"),
        ("{{ name | date }}", "Invalid isoformat"),
        ("{{ name | attr('x') }}", "No filter named 'attr'"),
        ("{{ 'a' * 200000000 }}", "repeated 200000000 times is too long"),
        ("{{ 200000000 * 'a' }}", "repeated 200000000 times is too long"),
        ("{{ [0] * 200000000 }}", "a list cannot be multiplied"),
        ("{{ 2 ** 1000000000 }}", "is not computed here"),
        ("{{ (10 ** 90) ** 100 }}", "is not computed here"),
        ("{% if %}", "Expected an expression"),
    ],
)
def test_what_is_refused_says_why(body: str, says: str) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        fill(body, facts=FACTS, name="Ann")
    assert says in str(caught.value)


@pytest.fixture(scope="module")
def confined() -> Any:
    made = Renderer(Limits(cpu_seconds=20))
    yield made
    made.close()


@pytest.mark.parametrize("name", sorted({*templates.FILTERS, "money", "date"}))
def test_every_filter_works_where_no_file_can_be_opened(confined: Renderer, name: str) -> None:
    """What a filter imports when it is first used must be there by then."""
    value: dict[str, Any] = {
        "money": {child.DECIMAL: "1"},
        "abs": -1,
        "round": 1.26,
        "date": "2027-03-01",
        "format": "%s",
        "dictsort": {"a": 1},
        "items": {"a": 1},
        "groupby": [{"a": 1}],
        "selectattr": [{"a": 1}],
        "rejectattr": [{"a": 1}],
        "sum": [1, 2],
    }
    takes = {"batch": "2", "slice": "2", "format": "1", "map": "'upper'", "replace": "'a', 'b'"}
    takes |= {"groupby": "'a'", "selectattr": "'a'", "rejectattr": "'a'"}
    call = f"{name}({takes[name]})" if name in takes else name
    body = f"{{% set made = v | {call} %}}{{{{ made | list if made is iterable else made }}}}"
    given = value.get(name, "some words")
    here = fill(body, v=Decimal(1) if name == "money" else given)
    request = {"subject": "", "body": body, "values": {"v": given}, "longest": 1000}
    assert confined.ask("template", request) == ["", here]


def test_dates_of_the_samples_are_still_dates_to_compare() -> None:
    assert fill("{{ a < b }}", a=date(2026, 9, 30).isoformat(), b=date(2026, 10, 1).isoformat()) == "True"
