"""The accounting profile, the Credit Hold page, organisations, rates and loads, without JavaScript."""

from datetime import UTC, datetime

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles, credit_hold_page
from tests.desk.pages.conftest import Sit
from tests.desk.pages.reader import Page
from tests.holds.helpers import in_force
from tests.world import World


def delete_button(page: Page, what: str) -> str:
    """The text of the trash can that deletes this entry is its accessible name."""
    [name] = [given["aria-label"] for tag, given in page.elements if tag == "button" and "aria-label" in given]
    assert name.startswith(f"Delete {what}")
    [form] = [form for form in page.forms if form.action.endswith("/delete")]
    assert form.method == "get"
    return form.action


async def test_credit_hold_is_set_in_the_profile_and_deleted_on_the_page(world: World, sit: Sit) -> None:
    customer, mike = world.customer(in_netsuite=False), sit(name="mike")
    page = await mike.get(f"/customers/{customer}")
    assert "Accounting Information" in page.text
    page = await mike.get(page.links["Edit Accounting Profile"])
    said = {"credit_status": "credit_hold", "credit_limit": "50,000", "reason": "two cheques"}
    assert "say why" in (await mike.send(page, "Save", 422, **(said | {"reason": " "}))).text
    bad = await mike.send(page, "Save", 422, **(said | {"credit_limit": "1.005"}))
    assert "write an amount like 50000.00" in bad.text
    assert bad.form_with("Save").fields["credit_limit"] == "1.005"
    asked = await mike.send(page, "Save", **said)
    for words in ("Block all tariffs by hand?", "Nobody is asked", "no letter", "NetSuite is not told", "two cheques"):
        assert words in asked.text
    assert world.customer_row(customer).entitystatus == "active"
    assert "Nothing is blocked" in (await mike.get(f"/customers/{customer}/credit-hold")).text
    proposed = await mike.send(asked, "Propose a hold instead")
    assert proposed.form_with("Propose the hold of 40,000.00 USD").fields["reason"] == "two cheques"
    page = await mike.send(asked, "Block all tariffs now")
    assert "Saved. " in page.text + " "
    for words in ("Credit Hold", "50,000.00 USD", "10,000.00 left", "acceptable"):
        assert words in page.text
    page = await mike.get(page.links["Credit Hold"])
    assert "two cheques" in page.text

    page = await mike.get(delete_button(page, "Block All Tariffs"))
    assert "the credit status becomes Good" in page.text
    again = await mike.send(page, "Delete the entry", 422, reason="")
    page = await mike.send(again, "Delete the entry", reason="they paid")
    assert "The block is lifted." in page.text
    assert "mike: they paid" in page.text
    assert "Nothing is blocked" in page.text


async def test_some_tariffs_are_blocked_and_the_others_rated(world: World, sit: Sit) -> None:
    customer, mike = world.customer(in_netsuite=False), sit(name="mike")
    page = await mike.get(f"/customers/{customer}/credit-hold")
    assert "choose the tariffs" in (await mike.send(page, "Block…", 422, scope="some", note="damage")).text.lower()
    assert "say why" in (await mike.send(page, "Block…", 422, scope="all", note=" ")).text.lower()
    asked = await mike.send(page, "Block…", scope="some", tariff="FTL-REEFER", note="damage")
    assert "No rates by FTL-REEFER, at once. Orders and loads go on." in asked.text
    page = await mike.send(asked, "Block FTL-REEFER now")
    assert "Blocked. " in page.text + " "
    page = await mike.send(asked, "Block FTL-REEFER now")
    assert "blocked already" in page.text
    rates = await mike.get("/rates", customer=customer, origin="Chicago", destination="Dallas")
    assert "365.00 USD" in rates.text
    assert "Blocked for this customer: FTL-REEFER" in rates.text
    assert "nobody" in (await mike.get("/rates", 404, customer="nobody")).text


async def test_a_held_customer_is_not_rated_and_its_load_stops_at_committed(world: World, sit: Sit) -> None:
    customer, mike = world.customer(in_netsuite=False), sit(name="mike")
    made = await mike.send(await mike.get("/loads"), "Make the load", customer_id=customer, origin="Boston")
    [button] = [name for form in made.forms for name in form.buttons if name.startswith("To committed")]
    await mike.send(made, button)
    page = await mike.get(f"/customers/{customer}/credit-hold")
    asked = await mike.send(page, "Block…", scope="all", note="two cheques")
    assert "Committed loads that go no further: LOAD-" in asked.text
    await mike.send(asked, "Block all tariffs now")
    rates = await mike.get("/rates", 409, customer=customer)
    assert "INFO Front Office Credit Hold" in rates.text
    assert "cannot give you rates" in rates.text
    committed = await mike.get("/loads")
    [button] = [name for form in committed.forms for name in form.buttons if name.startswith("To ready")]
    stopped = await mike.send(committed, button, 409)
    assert "INFO Back Office Credit Hold" in stopped.text
    assert "cannot pass Committed" in stopped.text
    aging = await mike.get("/aging")
    assert "Credit holds" in aging.text
    assert f"{customer} by hand" in aging.text
    assert "held_after" not in "".join(aging.links.values())


def test_credit_holds_are_listed_page_by_page_each_customer_once(world: World) -> None:
    names = sorted(world.customer(in_netsuite=False) for _ in range(3))
    free, now = world.customer(in_netsuite=False), datetime.now(UTC)
    with transaction(world.engine) as session:
        for name in names:
            accounting_profiles.enter_credit_hold(Act(session, "mike", now), name, note="two cheques")
        accounting_profiles.add_entry(Act(session, "mike", now), free, tariffs=["FTL-REEFER"], note="damage")
        first = credit_hold_page.held(session, after=None, limit=2)
        rest = credit_hold_page.held(session, after=first[-1].customer_id, limit=2)
        accounting_profiles.leave_credit_hold(Act(session, "mike", now), names[0], reason="paid")
        left = credit_hold_page.held(session, after=None, limit=5)
    assert [[one.customer_id for one in page] for page in (first, rest)] == [names[:2], names[2:]]
    assert [entry.note for entry in first[0].entries] == ["two cheques"]
    assert [one.customer_id for one in left] == names[1:]


async def test_out_of_a_service_hold_is_only_its_release(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    mike, path = sit(name="mike"), f"/customers/{customer}"
    page = await mike.get(f"{path}/credit-hold")
    hold = f"/holds/{world.show(customer)['id']}"
    assert page.links["Release it there"] == f"{hold}#release"
    assert not [form for form in page.forms if form.action.endswith("/delete")]
    profile = await mike.get(f"{path}/accounting-profile")
    assert profile.links["A service hold"] == hold
    assert "credit_status" not in profile.form_with("Save").fields
    saved = await mike.send(profile, "Save", credit_limit="90000", reason="agreed")
    assert "Saved." in saved.text
    entries = (await mike.http.get(f"/api{path}/credit-hold-entries")).json()["entries"]
    assert [entry["source"] for entry in entries] == ["service_hold"], "a new limit is no block by hand"

    sent = {"reason": "they paid", "csrf_token": "", "credit_status": "good"}
    for stale in (f"{path}/accounting-profile", f"{path}/credit-hold/{entries[0]['id']}/delete"):
        answer = await mike.http.post(stale, data=sent)
        assert (answer.status_code, "its release is what lifts" in answer.text) == (409, True), stale
    assert world.show(customer)["proposal"]["kind"] == "place", "no release was asked for"


async def test_viewers_see_and_change_nothing(world: World, sit: Sit) -> None:
    customer, vera = world.customer(in_netsuite=False), sit(Role.VIEWER)
    with transaction(world.engine) as session:
        act = Act(session, "mike", datetime.now(UTC))
        accounting_profiles.enter_credit_hold(act, customer, note="x")
    for path in (f"/customers/{customer}", f"/customers/{customer}/credit-hold", "/loads", "/rates"):
        page = await vera.get(path)
        assert not [form for form in page.forms if form.method == "post" and "sign-out" not in form.action], path
        assert "Edit Accounting Profile" not in page.links
    await vera.get(f"/customers/{customer}/accounting-profile", 403)
    for path in ("accounting-profile", "credit-hold"):
        answer = await vera.http.post(f"/customers/{customer}/{path}", data={"note": "x", "credit_status": "good"})
        assert answer.status_code == 403
    assert (await vera.http.post("/loads", data={"customer_id": customer})).status_code == 403


async def test_organisations_are_set_and_added(world: World, sit: Sit) -> None:
    del world
    ada = sit(Role.ADMIN, "ada")
    page = await ada.get((await ada.get("/settings")).links["Organisation settings"])
    assert "acceptable to exceeded" in page.text
    form = page.form_with("Save the settings of main")
    assert "auto_apply_credit_hold" not in form.fields  # off by default
    saved = await ada.send(page, "Save the settings of main", auto_apply_credit_hold="true")
    assert saved.form_with("Save the settings of main").fields["auto_apply_credit_hold"] == "true"
    assert "version 1" in (await ada.send(page, "Save the settings of main", 412)).text
    assert "no name for an organisation" in (await ada.send(saved, "Add", 422, organisation="West Coast")).text
    added = await ada.send(saved, "Add", organisation="west-coast")
    assert added.offers("Save the settings of west-coast")
    assert (await sit().http.get("/settings/organisations")).status_code == 403
