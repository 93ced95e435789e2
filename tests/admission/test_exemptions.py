"""Exempt customers: automatic triggers leave them alone, people see a warning, and it ends by itself."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from credit.permissions import Role
from credit.triggers import TriggerKind
from db.act import Act
from db.engine import transaction
from db.errors import AlreadyExemptError, BadInputError, NotExemptError, UnknownCustomerError
from db.models import Exemption
from db.receivables import exemptions
from services.holds.operations import TriggerTurnedAwayError
from tests.acting import acted
from tests.admission.cli import Program, token
from tests.holds.helpers import events
from tests.scans.test_ar_aging import dispositions
from tests.world import World


def today() -> date:
    return datetime.now(UTC).date()


def exempt(world: World, customer: str, days: int = 30, now: datetime | None = None, **changes: Any) -> Exemption:
    values = {"owner": "mike", "reason": "new terms are being negotiated", "until": today() + timedelta(days=days)}
    with transaction(world.engine) as session:
        at = now or datetime.now(UTC)
        return exemptions.grant(Act(session, "ann", at), customer, **(values | changes))


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
    assert (await desk.get(url, headers=approver)).json() == made.json()
    assert (await desk.delete(url, headers=admin)).status_code == 422
    assert (await desk.delete(url, params={"reason": "over"}, headers=approver)).status_code == 403
    ended = await desk.delete(url, params={"reason": "over"}, headers=admin)
    assert (ended.status_code, ended.json()["ended_by"]) == (200, "a-admin")
    assert (await desk.delete(url, params={"reason": "over"}, headers=admin)).status_code == 404
    assert (await desk.get("/api/customers/nobody/exemption", headers=admin)).json()["code"] == "unknown_customer"
