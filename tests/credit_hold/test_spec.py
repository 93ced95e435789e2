"""The freight spec, sentence by sentence, as people and programs meet it: over HTTP, on the desk's pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from credit.permissions import Role
from tests.desk.pages.reader import Page, Reader
from tests.desk.server import DeskServer
from tests.world import World

FRONT_OFFICE = "INFO Front Office Credit Hold"
BACK_OFFICE = "INFO Back Office Credit Hold"


@dataclass
class Office:
    """A customer with a limit of 1,000.00 and nothing open, and an admin who works on it."""

    world: World
    http: httpx.AsyncClient
    reader: Reader
    customer: str

    async def profile(self, **change: Any) -> dict[str, Any]:
        """The accounting profile, after a change where one is given."""
        path = f"/api/customers/{self.customer}/accounting-profile"
        answer = await (self.http.put(path, json=change) if change else self.http.get(path))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def entries(self) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/api/customers/{self.customer}/credit-hold-entries")
        found: list[dict[str, Any]] = answer.json()["entries"]
        return found

    async def block(self, note: str, tariffs: list[str] | None = None) -> str:
        answer = await self.http.post(
            f"/api/customers/{self.customer}/credit-hold-entries", json={"tariffs": tariffs, "note": note}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def delete(self, entry: str) -> None:
        answer = await self.http.delete(f"/api/customers/{self.customer}/credit-hold-entries/{entry}")
        assert answer.status_code == 200, answer.text

    async def rate(self, **wanted: str) -> httpx.Response:
        return await self.http.post("/api/rates", json={"customer_id": self.customer, **wanted})

    async def rated(self) -> set[str]:
        """The tariffs that the front office shows."""
        answer = await self.rate()
        return {rate["tariff"] for rate in answer.json()["rates"]} if answer.status_code == 200 else set()

    async def load(self) -> str:
        answer = await self.http.post("/api/loads", json={"customer_id": self.customer})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def advance(self, load: str) -> httpx.Response:
        return await self.http.post(f"/api/loads/{load}/advance")

    async def owes(self, amount: str) -> None:
        """Post an invoice."""
        due = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        invoice = {"invoice_id": f"I-{uuid4().hex[:8]}", "due_date": due, "amount": amount, "currency": "USD"}
        await self._event("invoice", invoice)

    async def pays(self, amount: str) -> None:
        today = datetime.now(UTC).date().isoformat()
        payment = {"payment_id": uuid4().hex, "amount": amount, "currency": "USD", "paid_on": today}
        await self._event("payment", payment)

    async def _event(self, kind: str, body: dict[str, Any]) -> None:
        told = {"event_id": uuid4().hex, "customer_id": self.customer, **body}
        answer = await self.http.post(f"/api/events/{kind}", json=told)
        assert answer.status_code == 202, answer.text

    async def auto_apply(self, *, on: bool = True) -> None:
        answer = await self.http.put("/api/org-settings/main", json={"auto_apply_credit_hold": on})
        assert answer.status_code == 200, answer.text

    async def page(self, of: str = "") -> Page:
        return await self.reader.get(f"/customers/{self.customer}{of}")


@pytest.fixture
async def office(idle_world: World, desk: DeskServer) -> Office:
    customer = idle_world.customer(amount="0.00", in_netsuite=False)
    made = Office(idle_world, desk.client(Role.ADMIN), Reader.of(desk, Role.ADMIN), customer)
    await made.profile(credit_limit="1000.00")
    return made


def told(answer: httpx.Response, template: str) -> str:
    """What a refused office reads."""
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert (problem["code"], problem["template"]) == ("customer_on_hold", template)
    return str(problem["message"])


async def rating_and_loads_are_stopped(office: Office) -> None:
    load = await office.load()
    assert await office.rated()
    assert (await office.advance(load)).json()["status"] == "committed"

    await office.profile(credit_status="credit_hold")

    told(await office.rate(), FRONT_OFFICE)
    told(await office.advance(load), BACK_OFFICE)


async def the_status_is_what_stops(office: Office) -> None:
    assert (await office.profile())["credit_status"] == "good"
    assert (await office.profile(credit_status="credit_hold"))["credit_status"] == "credit_hold"
    told(await office.rate(), FRONT_OFFICE)
    assert (await office.profile(credit_status="good"))["credit_status"] == "good"
    assert await office.rated()


async def a_load_past_committed_is_untouched(office: Office) -> None:
    past, before = await office.load(), await office.load()
    for load, times in ((past, 2), (before, 1)):
        for _ in range(times):
            assert (await office.advance(load)).status_code == 200
    await office.profile(credit_status="credit_hold")
    assert (await office.advance(past)).json()["status"] == "dispatched"
    told(await office.advance(before), BACK_OFFICE)


async def the_messages_are_content_templates(office: Office) -> None:
    load = await office.load()
    await office.advance(load)
    await office.profile(credit_status="credit_hold")
    for name, words in ((FRONT_OFFICE, "Please call Ann, {{ customer_name }}."), (BACK_OFFICE, "Ask credit first.")):
        shown = (await office.http.get(f"/api/templates/{name}")).json()
        answer = await office.http.put(
            f"/api/templates/{name}",
            json={"subject": shown["subject"], "body": words},
            headers={"If-Match": f'"{shown["version"]}"'},
        )
        assert answer.status_code == 200, answer.text
    name = office.world.customer_row(office.customer).name
    assert told(await office.rate(), FRONT_OFFICE) == f"Please call Ann, {name}."
    assert told(await office.advance(load), BACK_OFFICE) == "Ask credit first."


async def the_profile_is_edited_from_the_customers_page(office: Office) -> None:
    page = await office.page()
    edit = await office.reader.get(page.links["Edit Accounting Profile"])
    assert "Credit Status" in edit.text


async def the_credit_status_is_set_on_the_profile(office: Office) -> None:
    page = await office.page("/accounting-profile")
    [form] = [form for form in page.forms if "credit_status" in form.fields]
    assert form.fields["credit_status"] == "good"
    options = [given for tag, given in page.elements if tag == "option"]
    assert "credit_hold" in [given.get("value") for given in options]


async def an_entry_is_made_for_all_tariffs(office: Office) -> None:
    await office.profile(credit_status="credit_hold")
    [entry] = await office.entries()
    assert (entry["label"], entry["source"]) == ("Block All Tariffs", "manual")
    assert await office.rated() == set()


async def the_credit_hold_page_is_linked(office: Office) -> None:
    page = await office.page()
    assert "Accounting Information" in page.text
    assert "Credit Hold" in (await office.reader.get(page.links["Credit Hold"])).text


async def all_or_some_tariffs_with_a_note(office: Office) -> None:
    everything = await office.rated()
    some = sorted(everything)[:2]
    await office.block("claims on the last two loads", some)
    assert await office.rated() == everything - set(some)
    told(await office.rate(tariff=some[0]), FRONT_OFFICE)
    page = await office.page("/credit-hold")
    assert "claims on the last two loads" in page.text
    await office.block("nothing more until he calls")
    assert await office.rated() == set()


async def the_trash_can_lifts_the_block(office: Office) -> None:
    everything = await office.rated()
    entry = await office.block("he did not call")
    assert await office.rated() == set()
    await office.delete(entry)
    assert await office.rated() == everything
    assert await office.entries() == []


async def leaving_removes_exactly_the_entry_for_all(office: Office) -> None:
    [tariff, *_] = sorted(await office.rated())
    await office.block("claims", [tariff])
    await office.profile(credit_status="credit_hold")
    await office.profile(credit_status="good")
    [left] = await office.entries()
    assert (left["tariffs"], left["note"]) == ([tariff], "claims")
    assert tariff not in await office.rated()


async def auto_apply_is_an_organisations_setting(office: Office) -> None:
    assert (await office.http.get("/api/org-settings/main")).json()["auto_apply_credit_hold"] is False
    await office.owes("1500.00")
    assert (await office.profile())["credit_status"] == "good"
    assert "Auto Apply Credit Hold" in (await office.reader.get("/settings")).text


async def from_acceptable_to_exceeded_applies(office: Office) -> None:
    await office.auto_apply()
    await office.owes("1000.00")
    assert (await office.profile())["limit_state"] == "acceptable"
    await office.owes("0.01")
    profile = await office.profile()
    assert (profile["limit_state"], profile["credit_status"]) == ("exceeded", "credit_hold")
    [entry] = await office.entries()
    assert (entry["label"], entry["source"]) == ("Block All Tariffs", "auto_apply")


async def lifting_is_manual(office: Office) -> None:
    await office.auto_apply()
    await office.owes("1500.00")
    await office.pays("1500.00")
    profile = await office.profile()
    assert (profile["limit_state"], profile["credit_status"]) == ("acceptable", "credit_hold")
    told(await office.rate(), FRONT_OFFICE)


async def lifting_shows_under_accounts_receivable_and_in_the_front_office(office: Office) -> None:
    await office.auto_apply()
    await office.owes("1500.00")
    name = office.world.customer_row(office.customer).name
    assert name in (await office.reader.get("/aging")).text
    await office.profile(credit_status="good")
    assert await office.entries() == []
    assert await office.rated()
    assert name not in (await office.reader.get("/aging")).text


async def exceeded_already_gets_none(office: Office) -> None:
    await office.owes("1500.00")
    await office.auto_apply()
    await office.owes("500.00")
    profile = await office.profile()
    assert (profile["limit_state"], profile["credit_status"]) == ("exceeded", "good")


async def out_of_credit_hold_while_exceeded(office: Office) -> None:
    await office.auto_apply()
    await office.owes("1500.00")
    profile = await office.profile(credit_status="good", reason="paid by phone")
    assert (profile["credit_status"], profile["limit_state"]) == ("good", "exceeded")
    assert profile["override"]["reason"] == "paid by phone"
    assert await office.rated()


async def overridden_gets_none(office: Office) -> None:
    await out_of_credit_hold_while_exceeded(office)
    await office.owes("700.00")
    await office.profile(credit_limit="900.00")
    assert (await office.profile())["credit_status"] == "good"


async def satisfied_and_surpassed_again_applies(office: Office) -> None:
    await out_of_credit_hold_while_exceeded(office)
    await office.pays("1000.00")
    assert (await office.profile())["override"] is None
    await office.owes("700.00")
    assert (await office.profile())["credit_status"] == "credit_hold"


Case = Callable[[Office], Awaitable[None]]
SENTENCES: dict[str, Case] = {
    "The Credit Hold function allows users to halt shipments from auto rating (front office) and blocks a load from "
    "advancing past the Committed status.": rating_and_loads_are_stopped,
    "Credit Hold is a status in the customer's accounting profile that has added functionality that allows the user to "
    "stop the end customer from rating in the front office": the_status_is_what_stops,
    "and enables the ability to block the shipment from advancing past the Committed status when engaged.": (
        a_load_past_committed_is_untouched
    ),
    "These messages are customizable within content templates by looking for: INFO Front Office Credit Hold, INFO Back "
    "Office Credit Hold": the_messages_are_content_templates,
    "In the customer's profile: Click on Edit Accounting Profile": the_profile_is_edited_from_the_customers_page,
    "In the Credit Status section, set the Credit Status to Credit Hold": the_credit_status_is_set_on_the_profile,
    "A Credit Hold entry will be made when this occurs, ensuring that all Front Office auto rating is blocked. This is "
    "done by adding rating blocks to the Credit Hold page.": an_entry_is_made_for_all_tariffs,
    "The Credit Hold page can be accessed by clicking on the Credit Hold link in the Accounting Information section": (
        the_credit_hold_page_is_linked
    ),
    "You can Block All Tariffs or a Specific Tariff (set of tariffs) and put a note to tell other users the reason for "
    "the block.": all_or_some_tariffs_with_a_note,
    "Click the Trash Can Icon to delete a Credit Hold and remove the block on the customer.": (
        the_trash_can_lifts_the_block
    ),
    'If a Credit Hold is resolved from the Accounting Profile, it automatically removes the "Block All Tariffs" entry '
    "from the Credit Hold page.": leaving_removes_exactly_the_entry_for_all,
    "The Auto Apply Credit Hold feature is a function that can be enabled from the LSP Org Settings page.": (
        auto_apply_is_an_organisations_setting
    ),
    "When enabled, the system will auto-apply the credit hold status to the customer's accounting profile whenever the "
    "Credit Limit goes from acceptable to exceeded.": from_acceptable_to_exceeded_applies,
    "Once the system assigns a credit hold status to the accounting profile, and you need to update it because the "
    "customer's status is now acceptable, you need to lift this status manually.": lifting_is_manual,
    "Doing so will automatically update the credit hold under Accounts Receivable and display tariffs in the front "
    "office.": lifting_shows_under_accounts_receivable_and_in_the_front_office,
    "A credit hold will not be applied if a customer's credit limit has already been exceeded. Credit Holds are only "
    "used when the customer's credit goes from being acceptable to an exceeded condition. This is intentional and is "
    "part of the Credit Hold Override functionality.": exceeded_already_gets_none,
    "When a customer is in a Credit Limit exceeded state and has a Credit Hold status, users with access to the "
    "customer's accounting profile can change the Credit Status, thus taking it out of Credit Hold.": (
        out_of_credit_hold_while_exceeded
    ),
    "When this occurs, customers in a Credit Limit exceeded state will not automatically get a credit hold.": (
        overridden_gets_none
    ),
    "However, if their credit limit state is satisfied and they surpass it again, that will trigger the automatic "
    "Credit Hold workflow.": satisfied_and_surpassed_again_applies,
}


@pytest.mark.parametrize("case", SENTENCES.values(), ids=[case.__name__ for case in SENTENCES.values()])
async def test_sentence(office: Office, case: Case) -> None:
    await case(office)
