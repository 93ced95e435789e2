"""Eligibility, rates, orders, loads and tariffs over HTTP (freight spec, front office and back office)."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from credit.credit_hold import LoadStatus
from credit.eligibility import BACK_OFFICE, FRONT_OFFICE
from credit.outcomes import ExceptionScope
from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.holds import holds
from db.models import HoldException, OrgSettings
from tests.credit_hold.freight import LINES, block, held, lift
from tests.desk.api.helpers import refused
from tests.desk.server import DeskServer
from tests.holds.helpers import events, in_force
from tests.world import World

LANE = {"origin": "chicago", "destination": "Dallas"}
SEEDED = ["FTL-DRY-VAN", "FTL-REEFER", "INTERMODAL", "LTL-EXPEDITED", "LTL-STANDARD"]


async def load_at(api: httpx.AsyncClient, customer: str, status: LoadStatus) -> str:
    """The address of a new load of this status."""
    load = (await api.post("/api/loads", json={"customer_id": customer, "tariff": "FTL-REEFER"})).json()
    while load["status"] != status:
        load = (await api.post(f"/api/loads/{load['id']}/advance")).json()
    return f"/api/loads/{load['id']}"


async def eligible(api: httpx.AsyncClient, customer: str, action: str = "order", **more: object) -> dict[str, Any]:
    answer = await api.get(f"/api/customers/{customer}/eligibility", params={"action": action, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_eligibility_says_what_is_in_the_way_and_since_when(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.VIEWER), idle_world.customer(in_netsuite=False)
    free = {"allowed": True, "message": None, "holds": [], "action": "order", "template": None}
    assert await eligible(api, customer) == free | {"blocked_tariffs": [], "degraded": False}

    block(idle_world.engine, customer, "FTL-REEFER", note="damaged pallets")
    assert (await eligible(api, customer))["blocked_tariffs"] == ["FTL-REEFER"]
    assert (await eligible(api, customer, "rate", tariff="FTL-REEFER"))["allowed"] is False
    assert (await eligible(api, customer, "rate", tariff="LTL-STANDARD"))["allowed"] is True
    block(idle_world.engine, customer)

    for action, template in (("order", FRONT_OFFICE), ("rate", FRONT_OFFICE), ("advance_load", BACK_OFFICE)):
        found = await eligible(api, customer, action)
        assert (found["allowed"], found["template"]) == (False, template)
        [one] = found["holds"]
        assert (one["source"], one["label"], one["note"]) == ("manual", "Block All Tariffs", "cheque bounced")
        assert datetime.now(UTC) - datetime.fromisoformat(one["since"]) < timedelta(minutes=1)
        assert customer in found["message"]
        assert "cheque" not in found["message"]
    refused(await api.get("/api/customers/nobody/eligibility?action=order"), 404, "unknown_customer")
    refused(await api.get(f"/api/customers/{customer}/eligibility?action=fly"), 422, "bad_input")
    refused(await api.get(f"/api/customers/{customer}/eligibility"), 422, "bad_input")


async def test_rates_of_a_free_customer_are_the_most_specific_of_each_tariff(
    desk: DeskServer, idle_world: World
) -> None:
    api, customer = desk.client(Role.VIEWER), idle_world.customer(in_netsuite=False)
    rated = (await api.post("/api/rates", json={"customer_id": customer, **LANE})).json()
    assert {one["tariff"]: (one["amount"], one["origin"]) for one in rated["rates"]} == {
        "LTL-STANDARD": ("365.00", "Chicago"),
        "LTL-EXPEDITED": ("620.00", "Chicago"),
        "FTL-DRY-VAN": ("1890.00", "Chicago"),
        "FTL-REEFER": ("2780.00", ""),
        "INTERMODAL": ("1540.00", ""),
    }
    assert (rated["blocked_tariffs"], rated["degraded"]) == ([], False)
    wanted = {"customer_id": customer, "tariff": "LTL-STANDARD", "origin": "Chicago"}
    [anywhere] = (await api.post("/api/rates", json=wanted)).json()["rates"]
    assert (anywhere["amount"], anywhere["destination"]) == ("410.00", "")
    missing = refused(await api.post("/api/rates", json=wanted | {"tariff": "AIR"}), 404, "unknown_tariff")
    assert ", ".join(SEEDED) in missing["detail"]
    refused(await api.post("/api/rates", json={"customer_id": "nobody"}), 404, "unknown_customer")


async def test_held_customer_is_not_rated_until_the_entry_is_deleted(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.VIEWER), idle_world.customer(in_netsuite=False)
    entry = block(idle_world.engine, customer)
    problem = refused(await api.post("/api/rates", json={"customer_id": customer}), 409, "customer_on_hold")
    assert (problem["template"], problem["message"]) == (FRONT_OFFICE, problem["detail"])
    assert f"quote account {customer}" in problem["message"]
    assert [one["label"] for one in problem["holds"]] == ["Block All Tariffs"]
    assert events(idle_world, "system", "request_refused") == []  # a question is counted, and changes nothing
    lift(idle_world.engine, customer, entry)
    assert len((await api.post("/api/rates", json={"customer_id": customer})).json()["rates"]) == len(SEEDED)
    counted = (await api.get("/metrics")).text
    assert 'hold_eligibility_answers_total{action="rate",answer="refused",degraded="false"} 1.0' in counted
    assert 'hold_eligibility_answers_total{action="rate",answer="allowed",degraded="false"} 1.0' in counted


async def test_with_some_tariffs_blocked_the_others_are_rated(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.VIEWER), idle_world.customer(in_netsuite=False)
    block(idle_world.engine, customer, "LTL-STANDARD", "LTL-EXPEDITED")
    rated = (await api.post("/api/rates", json={"customer_id": customer})).json()
    assert [one["tariff"] for one in rated["rates"]] == SEEDED[:3]
    assert rated["blocked_tariffs"] == ["LTL-EXPEDITED", "LTL-STANDARD"]
    named = {"customer_id": customer, "tariff": "LTL-STANDARD"}
    problem = refused(await api.post("/api/rates", json=named), 409, "customer_on_hold")
    assert [one["label"] for one in problem["holds"]] == ["LTL-EXPEDITED, LTL-STANDARD"]
    assert (await api.post("/api/rates", json=named | {"tariff": "FTL-REEFER"})).is_success

    block(idle_world.engine, customer, *SEEDED[:3])
    refused(await api.post("/api/rates", json={"customer_id": customer}), 409, "customer_on_hold")
    assert (await eligible(api, customer, "rate"))["allowed"] is False
    assert (await eligible(api, customer, "order"))["allowed"] is True


async def test_order_is_taken_listed_and_ended_once(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.REQUESTER, "rosa"), idle_world.customer(in_netsuite=False)
    lines = [*LINES, {"quantity": "0.333", "unit_price": "0.05"}]
    made = await api.post("/api/orders", json={"customer_id": customer, "lines": lines})
    order = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/api/orders/{order['id']}")
    assert (order["status"], order["amount"], order["prepaid"]) == ("open", "730.02", False)
    own = {"customer_id": customer, "prepaid": True, "id": "PO-7"}
    assert (await api.post("/api/orders", json=own)).json()["amount"] == "0.00"
    refused(await api.post("/api/orders", json=own), 409, "number_taken")

    first = (await api.get("/api/orders", params={"customer_id": customer, "limit": 1})).json()
    assert [one["id"] for one in first["orders"]] == ["PO-7"]
    more = {"customer_id": customer, "limit": 1, "cursor": first["next_cursor"]}
    rest = (await api.get("/api/orders", params=more)).json()
    assert (rest["orders"], rest["next_cursor"]) == ([order], None)
    for list_of in ("orders", "loads"):
        refused(await api.get(f"/api/{list_of}?customer_id=nobody"), 404, "unknown_customer")

    for _ in range(2):
        assert (await api.post(f"/api/orders/{order['id']}/cancel")).json()["status"] == "cancelled"
    refused(await api.post(f"/api/orders/{order['id']}/invoiced"), 409, "order_closed")
    assert (await api.post("/api/orders/PO-7/invoiced")).json()["status"] == "invoiced"
    assert (await api.get("/api/orders/PO-7")).json()["closed_at"]
    refused(await api.post("/api/orders/odd/cancel"), 404, "unknown_order")
    [cancelled] = events(idle_world, f"customer/{customer}", "order_cancelled")
    assert (cancelled.actor, cancelled.detail["order"]) == ("rosa", order["id"])


@pytest.mark.parametrize(
    "line",
    [
        {"quantity": "0", "unit_price": "1"},
        {"quantity": "-1", "unit_price": "1"},
        {"quantity": "1", "unit_price": "-0.01"},
        {"quantity": "1", "unit_price": "NaN"},
        {"quantity": "1.0001", "unit_price": "1"},
        {"quantity": "999999999", "unit_price": "9999999999"},
        {"quantity": "1"},
        {"quantity": "1", "unit_price": "1", "odd": 1},
    ],
)
async def test_order_that_makes_no_sense_is_refused(
    desk: DeskServer, idle_world: World, line: dict[str, object]
) -> None:
    wanted = {"customer_id": idle_world.customer(in_netsuite=False), "lines": [line]}
    refused(await desk.client(Role.REQUESTER).post("/api/orders", json=wanted), 422, "bad_input")


async def test_held_customer_orders_only_what_is_paid_in_advance_or_excepted(desk: DeskServer, world: World) -> None:
    api, customer = desk.client(Role.REQUESTER), world.customer()
    await in_force(world, customer)
    wanted = {"customer_id": customer, "lines": LINES}
    problem = refused(await api.post("/api/orders", json=wanted), 409, "customer_on_hold")
    assert problem["template"] == FRONT_OFFICE
    assert problem["message"].startswith("Your account is on credit hold")
    [logged] = events(world, "system", "request_refused")
    assert logged.detail["code"] == "customer_on_hold"

    world.set_policy(prepaid_orders_pass=True)
    assert (await api.post("/api/orders", json=wanted | {"prepaid": True})).status_code == 201
    refused(await api.post("/api/orders", json=wanted), 409, "customer_on_hold")
    with transaction(world.engine) as session:
        hold = holds.find(session, customer)
        row = {"id": uuid4(), "hold_id": hold.id, "reason": "x", "created_by": "mike", "created_at": datetime.now(UTC)}
        until = datetime.now(UTC).date() + timedelta(days=1)
        session.add(HoldException(scope=ExceptionScope.ORDER, reference="PO-1", until=until, **row))
    assert (await eligible(api, customer, reference="PO-1"))["allowed"] is True
    refused(await api.post("/api/orders", json=wanted | {"id": "PO-2"}), 409, "customer_on_hold")
    assert (await api.post("/api/orders", json=wanted | {"id": "PO-1"})).status_code == 201


async def test_order_over_the_limit_stands_and_the_next_is_refused(desk: DeskServer, idle_world: World) -> None:
    """Where the policy counts open orders, auto-apply acts in the order's own transaction."""
    api, customer = desk.client(Role.REQUESTER), idle_world.customer(amount="500", in_netsuite=False)
    with transaction(idle_world.engine) as session:
        session.execute(update(OrgSettings).values(auto_apply_credit_hold=True))
        limit, now = Decimal(1000), datetime.now(UTC)
        accounting_profiles.set_limit(Act(session, "robin", now), customer, limit)
    wanted = {"customer_id": customer, "lines": LINES}
    idle_world.set_policy(exposure_counts_open_orders=True)
    assert (await api.post("/api/orders", json=wanted | {"prepaid": True})).status_code == 201  # never counts
    assert (await eligible(api, customer))["allowed"] is True
    order = await api.post("/api/orders", json=wanted)
    assert order.status_code == 201
    assert (await api.get(order.headers["location"])).json()["status"] == "open"
    problem = refused(await api.post("/api/orders", json=wanted), 409, "customer_on_hold")
    assert [one["source"] for one in problem["holds"]] == ["auto_apply"]


async def test_load_stops_at_committed_and_one_past_it_goes_on(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.REQUESTER, "rosa"), idle_world.customer(in_netsuite=False)
    past = await load_at(api, customer, LoadStatus.READY)
    at = await load_at(api, customer, LoadStatus.COMMITTED)
    entry = block(idle_world.engine, customer)

    problem = refused(await api.post(f"{at}/advance"), 409, "customer_on_hold")
    assert problem["template"] == BACK_OFFICE
    assert f"{at.rpartition('/')[2]} cannot pass Committed" in problem["message"]
    assert (await api.get(at)).json()["status"] == "committed"
    await load_at(api, customer, LoadStatus.COMMITTED)  # a new one may be made and committed
    for status in ("dispatched", "in_transit", "delivered"):
        assert (await api.post(f"{past}/advance")).json()["status"] == status
    refused(await api.post(f"{past}/advance"), 409, "load_moved")

    lift(idle_world.engine, customer, entry)
    assert (await api.post(f"{at}/advance")).json()["status"] == "ready"
    listed = (await api.get("/api/loads", params={"customer_id": customer, "status": "ready"})).json()["loads"]
    assert [one["id"] for one in listed] == [at.rpartition("/")[2]]
    refused(await api.post("/api/loads/odd/advance"), 404, "unknown_load")
    refused(await api.post("/api/loads", json={"customer_id": customer, "tariff": "AIR"}), 404, "unknown_tariff")
    refused(await api.post("/api/loads", json={"customer_id": "nobody"}), 404, "unknown_customer")


async def test_named_tariffs_stop_no_load_and_an_exception_lets_one_through(desk: DeskServer, world: World) -> None:
    api, customer = desk.client(Role.REQUESTER), world.customer()
    block(world.engine, customer, "FTL-REEFER")
    assert (await api.post(f"{await load_at(api, customer, LoadStatus.COMMITTED)}/advance")).is_success
    one, other = [await load_at(api, customer, LoadStatus.COMMITTED) for _ in range(2)]
    await in_force(world, customer)
    reference, day = one.rpartition("/")[2], (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    wanted = {"scope": "load", "reference": reference, "until": day, "reason": "perishable"}
    approver = desk.client(Role.APPROVER)
    assert (await approver.post(f"/api/holds/{customer}/exceptions", json=wanted)).status_code == 201
    assert (await api.post(f"{one}/advance")).json()["status"] == "ready"
    refused(await api.post(f"{other}/advance"), 409, "customer_on_hold")


async def test_doubled_advance_moves_a_load_once(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.REQUESTER), idle_world.customer(in_netsuite=False)
    load = await load_at(api, customer, LoadStatus.QUOTED)
    both = await asyncio.gather(*(api.post(f"{load}/advance", json={"from": "quoted"}) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    assert (await api.get(load)).json()["status"] == "committed"
    key = {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        assert (await api.post(f"{load}/advance", headers=key)).json()["status"] == "ready"
    assert len(events(idle_world, f"customer/{customer}", "load_advanced")) == 2


async def test_tariff_is_put_whole_by_an_admin(desk: DeskServer, idle_world: World) -> None:
    admin, customer = desk.client(Role.ADMIN, "ada"), idle_world.customer(in_netsuite=False)
    lanes = [
        {"amount": "9", "transit_days": 1},
        {"destination": "Rome", "amount": "8", "transit_days": 1},
        {"origin": "Oslo", "amount": "7.50", "transit_days": 1},
    ]
    tariff = {"name": "Air", "currency": "EUR", "rates": lanes}
    assert (await admin.put("/api/tariffs/AIR", json=tariff)).status_code == 201
    for place, amount in (({"origin": "Oslo", "destination": "Rome"}, "7.50"), ({"destination": "rome"}, "8.00")):
        wanted = {"customer_id": customer, "tariff": "AIR", **place}
        [found] = (await admin.post("/api/rates", json=wanted)).json()["rates"]
        assert (found["amount"], found["currency"]) == (amount, "EUR")
    changed = await admin.put("/api/tariffs/AIR", json=tariff | {"rates": lanes[:1]})
    assert (changed.status_code, len(changed.json()["rates"])) == (200, 1)
    assert "AIR" in [one["code"] for one in (await admin.get("/api/tariffs")).json()["tariffs"]]
    for bad in ({"currency": "euro"}, {"rates": [lanes[0], lanes[0]]}, {"rates": [lanes[0] | {"amount": "0"}]}):
        refused(await admin.put("/api/tariffs/AIR", json=tariff | bad), 422, "bad_input")
    assert len(events(idle_world, "system", "tariff_changed")) == 2
    refused(await desk.client(Role.APPROVER).put("/api/tariffs/AIR", json=tariff), 403, "not_allowed")


async def test_viewers_look_and_requesters_move(desk: DeskServer, idle_world: World) -> None:
    viewer, customer = desk.client(Role.VIEWER), held(idle_world)
    for path in ("/api/orders", "/api/loads"):
        refused(await viewer.post(path, json={"customer_id": customer}), 403, "not_allowed")
        assert (await viewer.get(path)).is_success
    refused(await viewer.post("/api/rates", json={"customer_id": customer}), 409, "customer_on_hold")
    refused(await desk.anyone().post("/api/rates", json={"customer_id": customer}), 401, "not_signed_in")
