"""Exempt customers: automatic triggers leave them alone, people see a warning, and it ends by itself."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from credit.credit_hold import BlockSource, CreditStatus
from credit.permissions import Role
from credit.triggers import TriggerKind
from db.act import Act
from db.engine import transaction
from db.errors import AlreadyExemptError, BadInputError, NotExemptError, UnknownCustomerError
from db.freight import accounting_profiles
from db.models import Exemption, LimitTransition, OrgSettings
from db.receivables import exemptions
from services.holds.operations import TriggerTurnedAwayError
from tests.acting import acted
from tests.admission.cli import Program, token
from tests.credit_hold.test_hold_life import live, relaying, standing
from tests.holds.helpers import events, holds_of, in_force
from tests.scans.test_ar_aging import dispositions
from tests.world import World

__all__ = ["relaying"]
DAY = timedelta(days=1)


def today() -> date:
    return datetime.now(UTC).date()


def exempt(world: World, customer: str, days: int = 30, now: datetime | None = None, **changes: Any) -> Exemption:
    values = {"owner": "mike", "reason": "new terms are being negotiated", "until": today() + timedelta(days=days)}
    with transaction(world.engine) as session:
        at = now or datetime.now(UTC)
        return exemptions.grant(Act(session, "ann", at), customer, **(values | changes))[0]


async def test_scan_leaves_an_exempt_customer_alone_and_says_so(world: World) -> None:
    free, spared = world.customer(), world.customer()
    exempt(world, spared)

    counts = (await world.operations.scan(today(), actor="robin")).counts

    assert counts == {"exempt": 1, "proposed": 1}
    assert dispositions(world) == {free: "proposed", spared: "exempt"}


async def test_automatic_trigger_is_turned_away_and_a_person_is_warned(world: World) -> None:
    customer = world.customer()
    until = exempt(world, customer).until
    with pytest.raises(TriggerTurnedAwayError, match="exempt from automatic holds"):
        await world.start(customer, kind=TriggerKind.AR_AGING)

    assert (await world.start(customer)).created

    assert f"exempt from automatic holds until {until}" in world.show(customer)["warnings"]


async def test_exemption_counts_on_its_last_day_and_ends_by_itself(world: World) -> None:
    customer = world.customer()
    exempt(world, customer, days=0)
    with transaction(world.engine) as session:
        assert exemptions.active(session, customer, datetime.now(UTC)) is not None
        assert exemptions.active(session, customer, datetime.now(UTC) + timedelta(days=1)) is None

    tomorrow = today() + timedelta(days=1)
    counts = (await world.operations.scan(tomorrow, actor="robin")).counts

    assert counts == {"proposed": 1}


def test_one_at_a_time_with_an_owner_a_reason_and_an_end_ahead(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer(in_netsuite=False)
    with pytest.raises(BadInputError, match="is over"):
        exempt(world, customer, days=-1)
    for nobody in ({"owner": " "}, {"reason": ""}):
        with pytest.raises(BadInputError, match=r"needs an owner|say why"):
            exempt(world, customer, **nobody)
    with pytest.raises(UnknownCustomerError):
        exempt(world, "nobody")
    exempt(world, customer)
    with pytest.raises(AlreadyExemptError, match="owner mike"):
        exempt(world, customer)
    exempt(world, customer, days=90, now=datetime.now(UTC) + timedelta(days=31))


def test_change_is_audited_with_before_and_after(idle_world: World) -> None:
    world, customer = idle_world, idle_world.customer(in_netsuite=False)
    until = exempt(world, customer).until.isoformat()
    acted(world.engine, "zoe", exemptions.end, customer, reason="terms agreed")

    (granted,) = events(world, "system", "exemption_granted")
    (ended,) = events(world, "system", "exemption_ended")

    state = {"owner": "mike", "reason": "new terms are being negotiated", "until": until, "ended_at": None}
    assert (granted.actor, granted.detail["before"], granted.detail["after"]) == ("ann", None, state)
    assert (ended.actor, ended.detail["before"], ended.detail["why"]) == ("zoe", state, "terms agreed")
    assert ended.detail["after"]["ended_at"] is not None
    assert granted.detail["customer_id"] == ended.detail["customer_id"] == customer
    with transaction(world.engine) as session, pytest.raises(NotExemptError):
        exemptions.end(Act(session, "zoe", datetime.now(UTC)), customer, reason="again")


async def test_on_the_command_line(idle_world: World, hold: Program) -> None:
    customer, until = idle_world.customer(in_netsuite=False), str(today() + timedelta(days=7))
    add = ("exempt", "add", customer, "--until", until, "--reason", "[b]strategic[/b]")
    assert (await hold(*add, role=Role.APPROVER)).code == 1
    assert (await hold("exempt", "add", customer, "--reason", "x")).code == 2

    added = (await hold(*add, "--json")).json

    assert (added["owner"], added["until"], added["ended_at"]) == ("a-admin", until, None)
    (listed,) = (await hold("exempt", "list", "--json", role=Role.VIEWER)).json["exemptions"]
    assert (listed["id"], listed["customer_name"][:8]) == (added["id"], "Customer")
    assert "[b]strategic[/b]" in (await hold("exempt", "list")).out
    assert (await hold("exempt", "end", customer, "--reason", "enough", role=Role.APPROVER)).code == 1
    assert (await hold("exempt", "end", customer, "--reason", "enough", "--json")).json["end_reason"] == "enough"
    assert (await hold("exempt", "list", "--json")).json == {"exemptions": []}
    assert len((await hold("exempt", "list", "--all", "--json")).json["exemptions"]) == 1
    assert "by a-admin: enough" in (await hold("exempt", "list", "--all")).out
    assert (await hold("exempt", "end", customer, "--reason", "enough")).code == 1


async def test_over_http(idle_world: World, desk: httpx.AsyncClient) -> None:
    customer = idle_world.customer(in_netsuite=False)
    url = f"/api/customers/{customer}/exemption"
    admin = {"Authorization": f"Bearer {token(idle_world, Role.ADMIN)}"}
    approver = {"Authorization": f"Bearer {token(idle_world, Role.APPROVER)}"}
    wanted = {"until": str(today()), "reason": "a new plant", "owner": "ann"}

    assert (await desk.get(url)).status_code == 401
    assert (await desk.get(url, headers=approver)).json()["code"] == "not_exempt"
    assert (await desk.post(url, json=wanted, headers=approver)).status_code == 403
    assert (await desk.post(url, json={"reason": "no end"}, headers=admin)).status_code == 422
    made = await desk.post(url, json=wanted, headers=admin)
    assert (made.status_code, made.json()["owner"], made.json()["created_by"]) == (201, "ann", "a-admin")
    assert (await desk.post(url, json=wanted, headers=admin)).status_code == 409
    assert (await desk.get(url, headers=approver)).json() | {"kept_by": None} == made.json()
    assert (await desk.delete(url, headers=admin)).status_code == 422
    assert (await desk.delete(url, params={"reason": "over"}, headers=approver)).status_code == 403
    ended = await desk.delete(url, params={"reason": "over"}, headers=admin)
    assert (ended.status_code, ended.json()["ended_by"]) == (200, "a-admin")
    assert (await desk.delete(url, params={"reason": "over"}, headers=admin)).status_code == 404
    assert (await desk.get("/api/customers/nobody/exemption", headers=admin)).json()["code"] == "unknown_customer"


@pytest.mark.usefixtures("relaying")
async def test_exempt_customer_that_crosses_its_limit_is_not_blocked_and_nobody_is_asked(world: World) -> None:
    exempted, other = world.customer(), world.customer()
    exempt(world, exempted)
    for customer in (exempted, other):
        limited(world, customer)

    await world.eventually(lambda: bool(holds_of(world, other)))
    assert live(world, other) == [(BlockSource.AUTO_APPLY, False)]
    assert live(world, exempted) == []
    with transaction(world.engine) as session:
        crossed = session.scalars(select(LimitTransition).where(LimitTransition.customer_id == exempted)).one()
    assert (crossed.after, crossed.applied) == ("exceeded", False)
    assert holds_of(world, exempted) == []


@pytest.mark.usefixtures("relaying")
@pytest.mark.parametrize("ended", ["by a person", "by itself"])
async def test_kind_11_an_exemption_lifts_the_limits_block_and_its_end_brings_it_back_and_proposes(
    world: World, ended: str
) -> None:
    blocked, crosses, overridden = (world.customer() for _ in range(3))
    limited(world, blocked)
    await world.eventually(lambda: bool(holds_of(world, blocked)))
    await world.decline(blocked)
    await world.in_status(blocked, "declined")
    assert live(world, blocked) == [(BlockSource.AUTO_APPLY, False)]
    limited(world, overridden)
    acted(world.engine, "mike", accounting_profiles.leave_credit_hold, overridden, reason="by phone")

    for customer in (blocked, crosses, overridden):
        exempt(world, customer, days=0)
    limited(world, crosses)

    assert live(world, blocked) == live(world, crosses) == []
    assert standing(world, blocked) == (CreditStatus.GOOD, False), "exempt is no override"
    [lifted] = events(world, f"customer/{blocked}", "tariffs_unblocked")
    assert (lifted.actor, lifted.detail["why"][:28]) == ("ann", "exempt from automatic holds ")

    if ended == "by itself":
        await world.operations.scan(today(), actor="robin")
        assert live(world, blocked) == [], "it counts on its last day"
        with transaction(world.engine) as session:
            for granted in session.scalars(select(Exemption)):
                granted.until, granted.created_at = granted.until - DAY, granted.created_at - DAY
            for transition in session.scalars(select(LimitTransition)):
                transition.at -= DAY
        for _ in range(2):
            await world.operations.scan(today(), actor="robin")
    else:
        for customer in (blocked, crosses, overridden):
            acted(world.engine, "zoe", exemptions.end, customer, reason="terms agreed")

    assert live(world, blocked) == live(world, crosses) == [(BlockSource.AUTO_APPLY, False)]
    assert (live(world, overridden), standing(world, overridden)) == ([], (CreditStatus.GOOD, True))
    await world.eventually(lambda: len(holds_of(world, blocked)) == 2 and bool(holds_of(world, crosses)))
    assert [row.detail["cause"] for row in events(world, f"customer/{blocked}", "limit_exceeded")] == [
        "limit",
        "exemption",
    ]


async def test_kind_11_an_exemption_leaves_a_hold_in_force_and_says_so(world: World, hold: Program) -> None:
    customer = world.customer()
    await in_force(world, customer)

    added = await hold("exempt", "add", customer, "--until", str(today()), "--reason", "new terms")

    assert "The service hold was approved by a person and stays" in added.err
    assert live(world, customer) == [(BlockSource.SERVICE_HOLD, True)]
    (granted,) = events(world, "system", "exemption_granted")
    assert granted.detail["kept_by"] == world.show(customer)["id"]
    await hold("exempt", "end", customer, "--reason", "enough")
    again = await hold("exempt", "add", customer, "--until", str(today()), "--reason", "new terms", "--json")
    assert again.json["kept_by"] == world.show(customer)["id"]


@pytest.mark.usefixtures("relaying")
@pytest.mark.parametrize("ending", ["declined", "released"])
async def test_what_is_applied_is_also_proposed_in_the_snooze_and_in_the_grace(world: World, ending: str) -> None:
    customer = world.customer()
    await world.start(customer)
    if ending == "declined":
        await world.decline(customer)
    else:
        await world.approve(customer)
        await world.in_status(customer, "in_force")
        await world.operations.request_release(customer, reason="they paid", actor="robin")
        await world.approve(customer)
    await world.in_status(customer, ending)
    with pytest.raises(TriggerTurnedAwayError):
        await world.start(customer, kind=TriggerKind.CUSTOMER_HEALTH)

    limited(world, customer)

    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]
    await world.eventually(lambda: len(holds_of(world, customer)) == 2)


def limited(world: World, customer: str) -> None:
    """Give the customer a limit below what it owes, where auto-apply is on."""
    with transaction(world.engine) as session:
        session.execute(update(OrgSettings).values(auto_apply_credit_hold=True))
    for limit in (Decimal(1_000_000), Decimal(100)):  # the first look at a customer crosses nothing
        acted(world.engine, "robin", accounting_profiles.set_limit, customer, limit)


async def test_an_expiry_does_not_end_the_snooze_of_an_earlier_decline(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    world.set_policy(proposal_expires_after=timedelta(seconds=1))
    await world.start(customer)
    await world.in_status(customer, "expired")

    with pytest.raises(TriggerTurnedAwayError, match="snoozed after a decline"):
        await world.start(customer, kind=TriggerKind.CUSTOMER_HEALTH)
