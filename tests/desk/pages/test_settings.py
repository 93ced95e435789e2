import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.calendar import Calendar
from credit.permissions import Role
from credit.policy import Amount, Policy
from credit.policy_change import PolicyChangeError, require_bounds
from credit.setting import LENGTHS, Setting, Unit, setting
from credit.templates import MessageContext
from db import policies
from db.engine import transaction
from db.messages import templates
from db.models import PolicyVersion
from desk.forms.model_form import BadFieldsError, ModelForm
from desk.pages.settings import _PLACEHOLDERS
from tests.desk.pages.conftest import Sit
from tests.world import World

_FORM = ModelForm(Policy)
_OTHER = {
    Unit.CURRENCY: "NOK",
    Unit.NAME: "the credit desk",
    Unit.TIME_ZONE: "Europe/Oslo",
    Unit.WEEKDAYS: "Mon Tue",
    Unit.ADDRESSES: "anna@example.com\nbob@example.com",
    Unit.DATES: "2027-12-24\n2027-12-25",
}
"""Another value than the default, as it is typed."""


def in_force(world: World) -> tuple[int, Policy]:
    with transaction(world.engine) as session:
        return policies.current(session)


def other(unit: Unit, before: str) -> str:
    if unit is Unit.YES:
        return "" if before else "yes"
    return str(Decimal(before or 0) + 1) if unit.is_number else _OTHER[unit]


async def test_every_value_is_shown_changed_and_kept(world: World, sit: Sit) -> None:
    mira = sit(Role.ADMIN)
    page = await mira.get("/settings")
    for version, (name, asked) in enumerate(_FORM.settings.items(), 2):
        assert asked.label in page.text
        assert asked.explanation in page.text
        before = in_force(world)[1]
        shown = _FORM.typed(before)
        typed = other(asked.unit, shown[name])
        page = await mira.send(page, f"Save as version {version}", note="another", **{name: typed})
        policy = in_force(world)[1]
        assert _FORM.typed(policy) == shown | {name: typed}
        assert [one.name for one in _FORM.settings.values() if one.of(policy) != one.of(before)] == [name]
        assert f"{asked.label}: {shown[name] or '–'} → {' '.join(typed.split()) or '–'}" in page.text
        assert page.form_with(f"Save as version {version + 1}").fields.get(name, "") == typed


NUMBERS = [one for one in _FORM.settings.values() if one.unit.is_number]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda one: one.name)
def test_every_number_has_bounds_that_are_told_in_a_sentence_whoever_asks(number: Setting) -> None:
    assert number.least < number.most
    assert number.wrong(number.of(Policy())) is None
    for bound, step in ((number.least, -1), (number.most, 1)):
        beyond = number.at(bound + step)
        assert number.wrong(number.at(bound)) is None
        assert number.wrong(beyond) == number.range
        policy = Policy().model_copy(update={number.name: beyond})
        with pytest.raises(PolicyChangeError, match=re.escape(f"“{number.label}”: {number.range}")):
            require_bounds(policy, Policy())
        require_bounds(policy, policy)  # what was in force before is not asked about again
        with pytest.raises(BadFieldsError) as refused:
            _FORM.parsed(_FORM.typed(policy))
        assert list(refused.value.problems) == [number.name]


@given(st.data())
def test_what_was_saved_beyond_its_bounds_is_read_as_the_bound(data: st.DataObject) -> None:
    saved = Policy().model_dump(mode="json")
    for number in NUMBERS:
        if number.unit in LENGTHS:
            saved[number.name] = f"P{data.draw(st.integers(0, 999_999_999))}D"
    read = Policy.stored(saved)
    for number in NUMBERS:
        value = number.of(read)
        assert value is None or value <= number.at(number.most)


def test_no_two_values_have_one_name() -> None:
    labels = [one.label for one in _FORM.settings.values()]
    assert len(set(labels)) == len(labels)


async def test_a_time_saved_before_it_was_bounded_proposes_all_the_same(world: World) -> None:
    with transaction(world.engine) as session:
        version, policy = policies.current(session)
        longest = policy.model_dump(mode="json") | {"proposal_expires_after": "P9000000D"}
        session.add(PolicyVersion(version=version + 1, settings=longest, note="", created_by="an older version"))

    customer = world.customer()
    await world.start(customer)

    due = datetime.fromisoformat(world.show(customer)["proposal"]["due_at"])
    assert timedelta(days=364) < due - datetime.now(UTC) < timedelta(days=366)


def test_a_field_needs_nothing_but_its_own_words_to_be_in_the_form() -> None:
    class Longer(Policy):
        dunning_fee: Amount = setting(Decimal(5), "Ledger", "Dunning fee", "For each letter.")

    form = ModelForm(Longer)
    assert [one.name for one in form.groups["Ledger"]] == ["ledger_currency", "full_import_max_closed", "dunning_fee"]
    assert form.parsed(form.typed(Longer()) | {"dunning_fee": "7.5"}) == Longer(dunning_fee=Decimal("7.5"))


def test_a_field_without_words_is_refused_at_once() -> None:
    class Wordless(Policy):
        dunning_fee: Decimal = Decimal(5)

    with pytest.raises(TypeError, match="dunning_fee: make it with setting"):
        ModelForm(Wordless)


def test_the_api_describes_every_value_in_the_same_words() -> None:
    described = Policy.model_json_schema()
    fields = described["properties"] | {
        f"calendar.{name}": field for name, field in described["$defs"]["Calendar"]["properties"].items()
    }
    assert {name: (fields[name]["title"], fields[name]["description"]) for name in _FORM.settings} == {
        name: (one.label, one.explanation) for name, one in _FORM.settings.items()
    }


def test_every_placeholder_is_listed() -> None:
    assert _PLACEHOLDERS.keys() == MessageContext.model_fields.keys()


@given(
    st.builds(
        Policy,
        trigger_total_open=st.decimals(0, 10**9, places=2),
        material_share=st.decimals(0, 1, places=3),
        claim_lease=st.integers(1, 1440).map(lambda minutes: timedelta(minutes=minutes)),
        decline_snooze=st.integers(0, 10**4).map(lambda hours: timedelta(hours=hours)),
        second_approver_above=st.none() | st.decimals(0, 10**9, places=2),
        bar_self_approval=st.booleans(),
        repeated_disputes_count=st.integers(2, 100),
        remind_after=st.none() | st.integers(1, 100).map(lambda days: timedelta(days=days)),
        escalate_to=st.lists(st.emails(domains=st.just("example.com")).filter(lambda one: "," not in one)).map(tuple),
        calendar=st.builds(
            Calendar,
            time_zone=st.sampled_from(["UTC", "Europe/Oslo"]),
            working_days=st.frozensets(st.integers(0, 6), min_size=1),
            holidays=st.frozensets(st.dates()),
        ),
    )
)
@settings(max_examples=50, deadline=None)
def test_what_the_form_shows_is_what_it_reads(policy: Policy) -> None:
    assert _FORM.parsed(_FORM.typed(policy)) == policy


async def test_policy_is_changed_with_a_note(world: World, sit: Sit) -> None:
    mira = sit(Role.ADMIN, "mira")
    page = await mira.get("/settings")
    page = await mira.send(
        page,
        "Save as version 2",
        trigger_total_open="30,000",
        material_share="12.5",
        approval_undo="5",
        bar_self_approval="yes",
        second_approver_above="100000",
        note="after the audit",
    )
    assert "Saved. The new version is in force." in page.text
    assert "Open more than: 25000 → 30000" in page.text
    assert "after the audit mira" in page.text
    version, policy = in_force(world)
    assert version == 2
    assert (policy.trigger_total_open, policy.material_share) == (Decimal(30000), Decimal("0.125"))
    assert (policy.approval_undo.total_seconds(), policy.bar_self_approval) == (300, True)
    assert policy.second_approver_above == Decimal(100000)
    assert policy.trigger_days_overdue == 90
    page = await mira.send(page, "Save as version 3", note="again")
    assert "Nothing was changed." in page.text


async def test_what_makes_no_sense_stands_beside_its_field(world: World, sit: Sit) -> None:
    mira = sit(Role.ADMIN)
    wrong = {
        "trigger_days_overdue": "1.5",
        "material_share": "101",
        "claim_lease": "soon",
        "ledger_currency": "dollars",
    }
    page = await mira.send(await mira.get("/settings"), "Save as version 2", 422, note="a try", **wrong)
    for words in ("Give whole days.", "Give 0 to 100.", "Give a number, with a point", "Give three capital letters"):
        assert words in page.text
    assert "“Asked to look again when facts move by”: give 0 to 100" in page.text
    invalid = {given["id"] for _, given in page.elements if given.get("aria-invalid") == "true"}
    assert invalid == wrong.keys()  # all in one round
    fields = page.form_with("Save as version 2").fields
    assert fields["claim_lease"] == "soon"
    page = await mira.send(await mira.get("/settings"), "Save as version 2", 422)
    assert "“Why this change?”: say why: it is kept in the record" in page.text
    page = await mira.send(page, "Save as version 2", 422, note="none", claim_lease="0", decline_snooze="1,5")
    assert "“A claim lasts”: give 1 second to 1,440 minutes" in page.text
    assert "“Quiet after a decline”: give a number" in page.text  # 15 days, or one and a half?
    assert in_force(world)[0] == 1


async def test_calendar_and_escalation_are_typed_in_words(world: World, sit: Sit) -> None:
    mira = sit(Role.ADMIN)
    page = await mira.get("/settings")
    assert page.form_with("Save as version 2").fields["calendar.working_days"] == "Mon Tue Wed Thu Fri"
    wrong = {
        "calendar.time_zone": "Europe/Atlantis",
        "note": "a try",
    }
    answer = await mira.send(page, "Save as version 2", 422, **wrong)
    assert "No time zone 'Europe/Atlantis': give one like Europe/Oslo or UTC." in answer.text
    wrong = {"calendar.working_days": "Mon Noday", "calendar.holidays": "Yule", "escalate_to": "anna"}
    answer = await mira.send(page, "Save as version 2", 422, note="a try", **wrong)
    for words in ("'Noday' is no weekday", "'Yule' is no day", "'anna' is not an e-mail address"):
        assert words in answer.text
    right = {
        "calendar.time_zone": "Europe/Oslo",
        "calendar.working_days": "sunday, mon",
        "calendar.holidays": "2027-12-25\n2027-12-24",
        "escalate_to": "anna@example.com bob@example.com",
        "remind_after": "",
    }
    await mira.send(page, "Save as version 2", note="our days", **right)
    policy = in_force(world)[1]
    holidays = frozenset({date(2027, 12, 24), date(2027, 12, 25)})
    assert policy.calendar == Calendar(time_zone="Europe/Oslo", working_days=frozenset({6, 0}), holidays=holidays)
    assert (policy.escalate_to, policy.remind_after) == (("anna@example.com", "bob@example.com"), None)


async def test_policy_changed_meanwhile_is_refused_and_what_was_typed_is_kept(world: World, sit: Sit) -> None:
    mira = sit(Role.ADMIN)
    page = await mira.get("/settings")
    world.set_policy(decline_snooze="P3D")
    answer = await mira.send(page, "Save as version 2", 412, decline_snooze="10", note="mine")
    assert "In force: 3." in answer.text
    assert answer.form_with("Save as version 3").fields["decline_snooze"] == "10"
    await mira.send(answer, "Save as version 3")
    assert in_force(world)[1].decline_snooze.days == 10


async def test_template_is_previewed_and_changed(world: World, sit: Sit) -> None:
    mira, address = sit(Role.ADMIN, "mira"), "/settings/templates/service_hold_customer_notice"
    page = await mira.get("/settings")
    assert page.links["Customer’s notice"] == address
    page = await mira.get(address)
    assert "{{ customer_name }}" in page.form_with("Preview below").fields["body"]
    answer = await mira.http.post(f"{address}/preview", data={"subject": "Hello", "body": "To {{ customer_name }}"})
    assert "To Harbour Foods Ltd" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    answer = await mira.http.post(f"{address}/preview", data={"subject": "Hello", "body": "To {{ nobody }}"})
    assert "It cannot be rendered" in answer.text
    refused = await mira.send(page, "Save as version 2", 422, body="To {{ nobody }}")
    assert "is undefined" in refused.text
    assert refused.form_with("Save as version 2").fields["body"] == "To {{ nobody }}"
    saved = await mira.send(page, "Save as version 2", body="To {{ customer_name }}\n")
    assert "Saved. The next draft uses this version." in saved.text
    stale = await mira.send(page, "Save as version 2", 412, body="Other words")
    assert stale.form_with("Save as version 3").fields["body"] == "Other words"
    with transaction(world.engine) as session:
        newest = templates.versions(session, "service_hold_customer_notice")[0]
    assert (newest.version, newest.body, newest.created_by) == (2, "To {{ customer_name }}\n", "mira")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REQUESTER, Role.APPROVER])
async def test_settings_are_for_admins(world: World, sit: Sit, role: Role) -> None:
    reader = sit(role)
    for path in ("/settings", "/settings/templates/service_hold_customer_notice"):
        await reader.get(path, 403)
        assert (await reader.http.post(path, data={"version": "1", "note": "mine"})).status_code == 403
    assert in_force(world)[0] == 1
