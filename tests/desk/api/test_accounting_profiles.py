"""Accounting profiles and Credit Hold pages over HTTP and from the command line."""

import io
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from credit.permissions import Role
from tests.desk.api.helpers import refused
from tests.desk.api.test_cli import REFUSED, USAGE, Hold
from tests.desk.server import DeskServer
from tests.holds.helpers import in_force
from tests.world import World


async def put(api: httpx.AsyncClient, customer: str, **changes: Any) -> dict[str, Any]:
    answer = await api.put(f"/api/customers/{customer}/accounting-profile", json=changes)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def add(api: httpx.AsyncClient, customer: str, **block: Any) -> dict[str, Any]:
    answer = await api.post(f"/api/customers/{customer}/credit-hold-entries", json={"note": "why", **block})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_new_customer_is_good_and_has_no_limit(desk: DeskServer, world: World) -> None:
    customer, vera = world.customer(in_netsuite=False), desk.client(Role.VIEWER)
    path = f"/api/customers/{customer}/accounting-profile"
    answer = await vera.get(path)
    shown = answer.json()
    assert (shown["credit_status"], shown["credit_status_label"]) == ("good", "Good")
    nothing = ("credit_limit", "available", "override", "parent_id")
    assert [shown[name] for name in nothing] == [None] * 4
    assert (shown["currency"], shown["organisation"], shown["entries"]) == ("USD", "main", [])
    unchanged = await vera.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert unchanged.status_code == 304
    refused(await vera.get("/api/customers/nobody/accounting-profile"), 404, "unknown_customer")
    refused(await vera.get("/api/customers/nobody/credit-hold-entries"), 404, "unknown_customer")


async def test_credit_hold_makes_its_entry_and_good_removes_exactly_that(desk: DeskServer, world: World) -> None:
    customer, mike = world.customer(in_netsuite=False), desk.client(name="mike")
    single = await add(mike, customer, tariff="LTL-STANDARD", note="damaged freight")
    held = await put(mike, customer, credit_status="Credit Hold", reason="two cheques came back")
    assert (held["credit_status"], held["credit_status_label"]) == ("credit_hold", "Credit Hold")
    kept, made = held["entries"]
    assert (kept["id"], kept["label"], kept["all_tariffs"]) == (single["id"], "LTL-STANDARD", False)
    assert (made["label"], made["tariffs"], made["note"]) == ("Block All Tariffs", None, "two cheques came back")
    assert (made["source"], made["created_by"]) == ("manual", "mike")
    again = await put(mike, customer, credit_status="CREDIT HOLD")
    assert [entry["id"] for entry in again["entries"]] == [kept["id"], made["id"]]
    free = await put(mike, customer, credit_status="good")
    assert (free["credit_status"], [entry["id"] for entry in free["entries"]]) == ("good", [single["id"]])
    assert "release" not in free


async def test_the_limit_alone_leaves_the_status_and_the_status_alone_the_limit(desk: DeskServer, world: World) -> None:
    customer, mike = world.customer(in_netsuite=False), desk.client()
    limited = await put(mike, customer, credit_limit="30000.50")
    assert (limited["credit_limit"], limited["exposure"], limited["available"]) == ("30000.50", "40000.00", "-9999.50")
    assert (limited["limit_state"], limited["credit_status"]) == ("exceeded", "good")  # first seen exceeded: no edge
    assert (await put(mike, customer, credit_status="Credit Hold"))["credit_limit"] == "30000.50"
    freed = await put(mike, customer, credit_status="good", reason="they pay on Friday")
    assert freed["override"]["reason"] == "they pay on Friday"
    unlimited = await put(mike, customer, credit_limit=None)
    assert (unlimited["credit_limit"], unlimited["limit_state"], unlimited["override"]) == (None, "acceptable", None)
    assert (await put(mike, customer, credit_limit=50000))["available"] == "10000.00"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"credit_limit": "10.005"}, "credit limit: give 2 digits behind the point at most"),
        ({"credit_limit": 10.005}, "give 2 digits behind the point"),
        ({"credit_limit": -1}, "credit limit: give 0 or more"),
        ({"credit_limit": "NaN"}, "credit limit: give a number"),
        ({"credit_limit": "much"}, "credit limit: give a number"),
        ({"credit_status": "bad"}, "credit status: choose good or credit hold"),
        ({"credit_status": None}, "leave it out"),
        ({"limit": "10"}, "limit"),
    ],
)
async def test_what_makes_no_sense_is_refused_precisely(
    desk: DeskServer, world: World, changes: dict[str, Any], said: str
) -> None:
    customer = world.customer(in_netsuite=False)
    answer = await desk.client().put(f"/api/customers/{customer}/accounting-profile", json=changes)
    assert said in refused(answer, 422, "bad_input")["detail"]


async def test_entries_are_made_once_and_deleted_once(desk: DeskServer, world: World) -> None:
    customer, mike = world.customer(in_netsuite=False), desk.client(name="mike")
    path = f"/api/customers/{customer}/credit-hold-entries"
    some = await add(mike, customer, tariffs=["LTL-STANDARD", "FTL-REEFER"])
    assert (some["label"], some["warnings"]) == ("FTL-REEFER, LTL-STANDARD", [])
    same = await mike.post(path, json={"tariffs": ["FTL-REEFER", "LTL-STANDARD"], "note": "again"})
    assert (same.status_code, same.json()["id"], same.json()["note"]) == (200, some["id"], "why")
    [warning] = (await add(mike, customer, tariff="SUBMARINE"))["warnings"]
    assert "SUBMARINE" in warning
    assert "FTL-DRY-VAN" in warning
    everything = await add(mike, customer)
    assert (everything["all_tariffs"], everything["label"]) == (True, "Block All Tariffs")
    assert len((await mike.get(path)).json()["entries"]) == 3

    gone = await mike.delete(f"{path}/{some['id']}", params={"reason": "settled"})
    assert (gone.status_code, gone.json()) == (200, {"id": some["id"], "ended": True})
    refused(await mike.delete(f"{path}/{some['id']}"), 404, "unknown_entry")
    assert (await mike.delete(path, params={"id": everything["id"]})).json()["ended"]
    refused(await mike.delete(path, params={"id": everything["id"]}), 404, "unknown_entry")
    other = world.customer(in_netsuite=False)
    elsewhere = await add(mike, other)
    refused(await mike.delete(f"{path}/{elsewhere['id']}"), 404, "unknown_entry")
    for nonsense in ({"note": " "}, {"tariffs": [], "note": "x"}, {"tariffs": ["A"], "tariff": "B", "note": "x"}):
        refused(await mike.post(path, json=nonsense), 422, "bad_input")
    refused(await mike.delete(f"{path}/odd"), 422, "bad_input")


async def test_who_may_do_what(desk: DeskServer, world: World) -> None:
    customer, mike = world.customer(in_netsuite=False), desk.client()
    made = await add(mike, customer)
    path = f"/api/customers/{customer}"
    for role in (Role.VIEWER, Role.REQUESTER):
        other = desk.client(role)
        refused(await other.put(f"{path}/accounting-profile", json={"credit_limit": 1}), 403, "not_allowed")
        refused(await other.post(f"{path}/credit-hold-entries", json={"note": "x"}), 403, "not_allowed")
        refused(await other.delete(f"{path}/credit-hold-entries/{made['id']}"), 403, "not_allowed")
        assert len((await other.get(f"{path}/credit-hold-entries")).json()["entries"]) == 1
    refused(await desk.anyone().get(f"{path}/accounting-profile"), 401, "not_signed_in")


async def test_a_holds_entry_is_released_never_deleted(desk: DeskServer, world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    rosa, mike = desk.client(Role.REQUESTER, "rosa"), desk.client(name="mike")
    path = f"/api/customers/{customer}/credit-hold-entries"
    [entry] = (await rosa.get(path)).json()["entries"]
    hold = world.show(customer)
    assert (entry["source"], entry["hold_id"]) == ("service_hold", hold["id"])
    asked = await rosa.delete(f"{path}/{entry['id']}", params={"reason": "they paid"})
    assert (asked.status_code, asked.json()["status"], asked.json()["hold_id"]) == (202, "proposed", hold["id"])
    assert (await mike.get(path)).json()["entries"] == [entry]

    decided = await put(mike, customer, credit_status="good", reason="they paid indeed")
    assert decided["release"] == {"hold_id": hold["id"], "status": "approved"}
    await world.in_status(str(hold["id"]), "released")
    shown = (await mike.get(f"/api/customers/{customer}/accounting-profile")).json()
    assert (shown["credit_status"], shown["entries"]) == ("good", [])
    refused(await mike.delete(f"{path}/{entry['id']}"), 404, "unknown_entry")


class Terminal(io.StringIO):
    """Somebody at the keyboard, who types this."""

    def isatty(self) -> bool:
        return True


async def test_a_terminal_is_told_what_a_block_by_hand_skips_and_asks(
    desk: DeskServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = world.customer(in_netsuite=False)
    hold = Hold(desk, desk.token("mike", Role.APPROVER))
    ways = (
        ("block", "add", customer, "--note", "two cheques"),
        ("profile", "set", customer, "--status", "credit_hold", "--reason", "two cheques"),
    )
    for way in ways:
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        said = await hold(*way)
        for words in ("All tariffs are blocked at once", "Nobody is asked", f"hold start {customer}", "Nothing was"):
            assert words in said, words
        assert (await hold.json("block", "list", customer))["entries"] == []
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    named = await hold(*ways[0], "--tariff", "FTL-REEFER", "--tariff", "LTL-STANDARD")
    assert "No rates by FTL-REEFER, LTL-STANDARD, at once." in named
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert "Block All Tariffs" in await hold(*ways[0])
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert "Nobody is asked" not in await hold(*ways[1], "--yes")
    [entry] = (await hold.json("block", "list", customer))["entries"]
    assert entry["note"] == "two cheques"


async def test_profiles_and_blocks_from_the_command_line(desk: DeskServer, world: World) -> None:
    customer = world.customer(in_netsuite=False)
    hold = Hold(desk, desk.token("mike", Role.APPROVER))
    limited = await hold.json("profile", "set", customer, "--limit", "50000", "--reason", "agreed")
    assert (limited["credit_limit"], limited["credit_status"]) == ("50000.00", "good")
    held = await hold.json("profile", "set", customer, "--status", "credit_hold", "--reason", "two cheques")
    assert (held["credit_limit"], held["entries"][0]["note"]) == ("50000.00", "two cheques")
    assert Decimal((await hold.json("profile", "show", customer))["available"]) == 10000
    await hold("profile", "show", customer)
    assert "no limit" in await hold("profile", "set", customer, "--limit", "none")
    assert "Credit Hold" in await hold("profile", "set", customer, "--status", "credit_hold")
    one = await hold.json("block", "add", customer, "--tariff", "FTL-REEFER", "--note", "damage")
    assert one["tariffs"] == ["FTL-REEFER"]
    assert "no tariff is called SUBMARINE" in await hold(
        "block", "add", customer, "--tariff", "SUBMARINE", "--note", "x"
    )
    assert len((await hold.json("block", "list", customer))["entries"]) == 3
    await hold("block", "list", customer)
    assert "not blocked by it" in await hold("block", "remove", customer, one["id"], "--reason", "repaired")
    assert "no live credit hold entry" in await hold("block", "remove", customer, one["id"], code=REFUSED)
    assert "no live credit hold entry" in await hold("block", "remove", customer, str(uuid4()), code=REFUSED)
    assert "no customer" in await hold("profile", "show", "nobody", code=REFUSED)
    for arguments in (("--limit", "-1"), ("--limit", "1.005"), ("--limit", "much"), ("--status", "odd"), ()):
        await hold("profile", "set", customer, *arguments, code=USAGE)
    await hold("block", "add", customer, "--note", " ", code=USAGE)
    await hold("block", "remove", customer, "odd", code=USAGE)
    viewer = Hold(desk, desk.token("vera", Role.VIEWER))
    assert "viewer" in await viewer("profile", "set", customer, "--limit", "1", code=REFUSED)
    assert "Nothing is blocked" in await viewer("block", "list", world.customer(in_netsuite=False))
