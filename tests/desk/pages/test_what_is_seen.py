"""What a person is shown before a decision counts: all that it does, all that was said, and who has not been told."""

from datetime import timedelta

from credit.permissions import Role
from tests.desk.api.helpers import claimed, refused
from tests.desk.pages.conftest import Sit
from tests.desk.server import DeskServer
from tests.drift.helpers import asked, check, says
from tests.holds.helpers import in_force
from tests.world import World

NOTICE = "The customer is on hold and has not been told: the notice waits for somebody to approve it."


async def test_words_added_since_the_page_send_a_decision_back_once(world: World, sit: Sit, desk: DeskServer) -> None:
    customer = world.customer()
    await world.start(customer)
    dana = sit(name="dana")
    page = await dana.send(await dana.get(f"/holds/{customer}"), "Claim to decide")
    confirm = await dana.send(page, "Approve…", reason="no payment in sight")
    [approve] = [words for form in confirm.forms for words in form.buttons if words.startswith("Approve the hold")]
    await world.start(customer, reason="second call: they are insolvent")

    for asked_on, button in ((confirm, approve), (page, "Approve…")):
        typed = {} if asked_on is confirm else {"reason": "no payment in sight"}
        back = await dana.send(asked_on, button, 409, **typed)
        assert "Nothing was done. Robin said more since you were shown this: read it, then decide" in back.text
        assert "Said since the page you sent second call: they are insolvent" in back.text
        assert back.form_with("Approve…").fields["reason"] == "no payment in sight"
    assert world.show(customer)["revision"] == 1, "words move no revision"
    page = await dana.send(await dana.send(back, "Approve…"), approve)
    assert "Approved. The hold is being applied." in page.text


async def test_ones_own_words_and_what_a_scan_finds_again_send_nothing_back(
    world: World, sit: Sit, desk: DeskServer
) -> None:
    customer = world.customer()
    await world.start(customer)
    api = desk.client(name="mike")
    body = await claimed(api, customer) | {"decision": "approve", "reason": "as discussed", "evidence_seen": 1}
    await world.operations.start_hold(customer, reason="I heard it too", actor="mike")
    shown = (await api.get(f"/api/holds/{customer}")).json()
    assert shown["proposal"]["evidence_count"] == 2
    assert (await api.post(f"/api/holds/{customer}/decision", json=body)).status_code == 202


async def test_a_program_is_told_which_words_it_has_not_seen(world: World, desk: DeskServer) -> None:
    customer = world.customer()
    await world.start(customer)
    api = desk.client()
    body = await claimed(api, customer) | {"decision": "decline", "reason": "as discussed"}
    seen = (await api.get(f"/api/holds/{customer}")).json()["proposal"]["evidence_count"]
    await world.start(customer, reason="their bank called")
    answer = await api.post(f"/api/holds/{customer}/decision", json=body | {"evidence_seen": seen})
    problem = refused(answer, 409, "unseen_evidence")
    assert [(one["actor"], one["reason"]) for one in problem["unseen"]] == [("robin", "their bank called")]
    assert problem["evidence_count"] == 2
    assert (await api.post(f"/api/holds/{customer}/decision", json=body)).status_code == 202, "it is optional"


async def test_the_same_holds_for_what_is_said_for_a_release(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    await world.operations.request_release(customer, reason="paid in full", actor="rosa")
    dana = sit(name="dana")
    page = await dana.send(await dana.get(f"/holds/{customer}"), "Claim to decide")
    await world.operations.request_release(customer, reason="no, the cheque bounced", actor="robin")
    back = await dana.send(page, "Approve…", 409, reason="they paid")
    assert "Said since the page you sent no, the cheque bounced" in back.text


async def test_every_effect_is_named_before_it_happens(world: World, sit: Sit, desk: DeskServer) -> None:
    customer = world.customer()
    await world.start(customer)
    mike, api = sit(name="mike"), desk.client()

    async def confirmed(verdict: str) -> str:
        page = await mike.get(f"/holds/{customer}")
        page = await mike.send(page, "Claim to decide") if page.offers("Claim to decide") else page
        effects = (await api.get(f"/api/holds/{customer}")).json()["proposal"]["effects"][verdict]
        shown = await mike.send(page, f"{verdict.capitalize()}…", reason="so it is")
        for one in effects:
            assert one in shown.text, one
        return " ".join(effects)

    told = await confirmed("approve")
    for words in (
        "All tariffs are blocked at once: no rates, no new orders",
        "loads stop at Committed",
        "its status becomes Hold",
        "NetSuite’s credit hold is set to ON.",
        "Two messages are drafted",
        "Nothing is sent",
    ):
        assert words in told
    assert "Nothing is done to the customer." in await confirmed("decline")

    await mike.send(await mike.get(f"/holds/{customer}"), "Give back undecided")
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    admin = sit(Role.ADMIN, "ada")
    page = await admin.get(f"/customers/{customer}/credit-hold")
    asked = await admin.send(page, "Block…", scope="all", note="their broker left")
    await admin.send(asked, "Block all tariffs now")
    await world.operations.request_release(customer, reason="paid in full", actor="rosa")
    told = await confirmed("approve")
    for words in (
        "40,000.00 USD, 120 days overdue is still open, and stays so: a release settles nothing.",
        "All tariffs stay blocked all the same (by hand: their broker left).",
        "The customer is taken off hold",
        "NetSuite’s credit hold says AUTO again, as before the hold.",
        "Two messages that tell of it are drafted. Nothing is sent",
        "What the hold drafted and nobody sent is withdrawn.",
    ):
        assert words in told
    assert "The hold stays, with everything that it did." in await confirmed("decline")


async def test_a_repair_says_what_is_written(world: World, sit: Sit, desk: DeskServer) -> None:
    customer = world.customer()
    await in_force(world, customer)
    says(world, customer, "OFF")
    await check(world)
    await asked(world, customer)
    effects = (await desk.client().get(f"/api/holds/{customer}")).json()["proposal"]["effects"]
    assert effects["approve"] == ["NetSuite is written again: ON instead of OFF.", "Nothing else is done."]
    assert effects["decline"][0].startswith("NetSuite keeps OFF")


async def test_a_customer_on_hold_who_was_not_told_is_a_headline(world: World, sit: Sit, desk: DeskServer) -> None:
    world.set_policy(notice_cooling_off=timedelta(hours=1))
    customer = world.customer()
    await in_force(world, customer)
    mike, api = sit(name="mike"), desk.client()
    page = await mike.get(f"/holds/{customer}")
    assert NOTICE in page.text
    assert "Waiting on approver, for the notice" in page.text
    address = page.links["Review the notice"]
    for shown in ((await api.get(f"/api/holds/{customer}")).json(), (await api.get("/api/holds")).json()["holds"][0]):
        assert shown["waiting_on"] == "nobody", "the contract's values stay"
        assert shown["unsent_notice"]["said"] == NOTICE
        assert address == f"/messages/{shown['unsent_notice']['message_id']}"
    assert "on hold, not told" in (await mike.get("/", kind="message")).text

    page = await mike.send(await mike.get(address), "Claim to review")
    page = await mike.send(page, "Approve revision 1…")
    [button] = [words for form in page.forms for words in form.buttons if words.startswith("Approve revision 1 to")]
    await mike.send(page, button)
    assert "has not been told: the notice is approved and has not left." in (await mike.get(f"/holds/{customer}")).text
    viewer = await sit(Role.VIEWER).get(f"/holds/{customer}")
    assert "has not been told" in viewer.text
    assert "Look at the notice" not in viewer.links


async def test_claiming_a_message_brings_the_typed_text_along(world: World, sit: Sit, notice: str) -> None:
    mike, dana = sit(name="mike"), sit(name="dana")
    opened = await dana.get(notice)
    page = await mike.send(await mike.get(notice), "Claim to review", body="Mike's words.", subject="Call us")
    form = page.form_with("Save as revision 2")
    assert (form.fields["body"], form.fields["subject"]) == ("Mike's words.", "Call us")
    assert "Your text is not saved yet" in page.text
    assert page.offers("Approve revision 1…")
    for button in ("Claim to review", "Save as revision 2"):
        answer = await dana.send(opened, button, 409, body="Dana's words.")
        assert "Claimed by mike" in answer.text
        assert "Dana's words." in answer.typed
    page = await mike.send(page, "Save as revision 2")
    assert page.form_with("Save as revision 3").fields["body"] == "Mike's words."
    await mike.send(page, "Give back undecided")
    page = await dana.send(opened, "Claim to review", body="Dana's words.")
    assert "What mike changed meanwhile (revision 1 → 2)" in page.text
    assert page.form_with("Save as revision 3").fields["body"] == "Dana's words."
    await dana.send(page, "Give back undecided")
    page = await mike.send(await mike.get(notice), "Claim to review")
    assert "Your text is not saved yet" not in page.text, "nothing was typed"
