from datetime import timedelta

from sqlalchemy import update

from credit.permissions import OF_PEOPLE, Role
from db.engine import transaction
from db.models import Customer, HoldBeat
from tests.desk.pages.conftest import Sit
from tests.holds.helpers import bill, events, in_force
from tests.world import World

AMOUNT = "40,000.00"


async def test_hold_is_claimed_confirmed_and_approved_by_plain_forms(world: World, sit: Sit) -> None:
    customer = world.customer()
    started = await world.start(customer)
    mike = sit(name="mike")
    page = await mike.get(f"/holds/{started.hold_id}")
    assert "a phone call revealed trouble" in page.text
    assert "Over 90 days" in page.text
    assert page.links["The same workflow in Temporal’s Web UI"].startswith(
        f"{world.settings.temporal_ui_url}/namespaces/default/workflows/service-hold%2F{customer}/"
    )
    page = await mike.send(page, "Claim to decide")
    assert "Claimed: nobody else can decide this" in page.text
    page = await mike.send(page, "Approve…", 422)
    assert "say why" in page.text
    page = await mike.send(page, "Approve…", reason="called twice")
    assert f"{AMOUNT} USD open" in page.text
    assert "Your reason: called twice" in page.text
    assert world.show(customer)["proposal"]["status"] == "open"
    page = await mike.send(page, f"Approve the hold of {AMOUNT} USD")
    assert "Approved. The hold is being applied." in page.text
    await world.in_status(customer, "in_force")
    page = await mike.get(f"/holds/{customer}")
    assert "Approved. The hold is being applied." not in page.text, "said once only"
    for words in ("Flag the customer done", "mike approved revision 1", "called twice", "NetSuite said AUTO before"):
        assert words in page.text
    assert "Customer’s notice" in page.links


async def test_hold_is_declined(world: World, sit: Sit) -> None:
    customer = world.customer()
    await world.start(customer)
    mike = sit(name="mike")
    page = await mike.send(await mike.get(f"/holds/{customer}"), "Claim to decide")
    page = await mike.send(page, "Decline…", reason="they pay on Monday")
    page = await mike.send(page, f"Decline the hold of {AMOUNT} USD")
    await world.in_status(customer, "declined")
    assert "Declined by mike" in (await mike.get(f"/holds/{customer}")).text
    await world.start(customer)
    assert "they pay on Monday" in (await mike.get(f"/holds/{customer}")).text, "the next one shows what was decided"


async def test_stale_revision_shows_what_changed_and_decides_nothing(world: World, sit: Sit) -> None:
    customer = world.customer()
    await world.start(customer)
    mike = sit(name="mike")
    claimed = await mike.send(await mike.get(f"/holds/{customer}"), "Claim to decide")
    confirm = await mike.send(claimed, "Approve…", reason="called twice")
    bill(world, customer, "20000")
    await world.start(customer, "more trouble")
    for page, button in ((confirm, f"Approve the hold of {AMOUNT} USD"), (claimed, "Approve…")):
        answer = await mike.send(page, button, 409, reason="called twice")
        assert "You were shown revision 1, the proposal is at revision 2" in answer.text
        assert "Open amount 40,000.00 60,000.00" in answer.text
        assert answer.form_with("Approve…").fields["reason"] == "called twice"
        assert answer.form_with("Approve…").fields["revision"] == "2"
    assert world.show(customer)["proposal"]["status"] == "open"
    refusals = events(world, "system", "request_refused")
    assert [event.detail["code"] for event in refusals] == ["stale_revision", "stale_revision"]


async def test_moved_receivables_stand_side_by_side(world: World, sit: Sit) -> None:
    customer = world.customer()
    await world.start(customer)
    bill(world, customer, "1000")
    page = await sit(Role.VIEWER).get(f"/holds/{customer}")
    assert "Open amount 40,000.00 41,000.00" in page.text


async def test_who_may_not_is_not_offered_and_is_refused(world: World, sit: Sit) -> None:
    customer = world.customer()
    await world.start(customer)
    mike, dana = sit(name="mike"), sit(name="dana")
    claimed = await mike.send(await mike.get(f"/holds/{customer}"), "Claim to decide")
    page = await dana.get(f"/holds/{customer}")
    assert "mike has claimed it" in page.text
    assert not page.offers("Approve…")
    answer = await dana.http.post(f"/holds/{customer}/claim")
    assert answer.status_code == 409
    assert "Claimed by mike" in answer.text
    fields = claimed.form_with("Approve…").fields | {"verdict": "approve", "reason": "stolen"}
    assert (await dana.http.post(f"/holds/{customer}/decision", data=fields)).status_code == 409
    for role in (Role.VIEWER, Role.REQUESTER):
        reader = sit(role)
        page = await reader.get(f"/holds/{customer}")
        assert "It waits for an approver" in page.text
        assert [form.action for form in page.forms if form.method == "post"] == ["/sign-out"] * 2
        for action in ("claim", "give-back", "confirm", "decision", "undo", "beats/push_netsuite/retry"):
            answer = await reader.http.post(f"/holds/{customer}/{action}", data=fields)
            assert answer.status_code == 403, action
            assert "You may not do this" in answer.text
    assert world.show(customer)["proposal"]["claimed_by"] == "mike"


async def test_a_claim_is_given_back_and_released_on_leaving(world: World, sit: Sit) -> None:
    customer = world.customer()
    await world.start(customer)
    mike = sit(name="mike")
    page = await mike.send(await mike.get(f"/holds/{customer}"), "Claim to decide")
    page = await mike.send(page, "Give back undecided")
    assert world.show(customer)["proposal"]["claimed_by"] is None
    page = await mike.send(page, "Claim to decide")
    [release] = [given["data-release"] for _, given in page.elements if "data-release" in given]
    assert (await mike.http.post(release)).status_code == 204
    assert world.show(customer)["proposal"]["claimed_by"] is None


async def test_a_reason_survives_a_lost_claim(world: World, sit: Sit) -> None:
    customer = world.customer()
    await world.start(customer)
    mike = sit(name="mike")
    page = await mike.send(await mike.get(f"/holds/{customer}"), "Claim to decide")
    page = await mike.send(page, "Approve…", reason="called twice")
    await mike.http.post(f"/claims/{page.forms[-1].fields['claim_id']}/release")
    page = await mike.send(page, f"Approve the hold of {AMOUNT} USD", 409)
    assert "The claim does not hold" in page.text
    page = await mike.send(page, "Claim to decide")
    assert page.form_with("Approve…").fields["reason"] == "called twice"


async def test_an_approval_is_taken_back_while_its_time_runs(world: World, sit: Sit) -> None:
    world.set_policy(approval_undo=timedelta(hours=1))
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    mike = sit(name="mike")
    page = await mike.get(f"/holds/{customer}")
    page = await mike.send(page, "Take the approval back", reason="wrong customer")
    assert "Taken back." in page.text
    assert page.offers("Claim to decide")
    assert world.show(customer)["proposal"]["status"] == "open"


async def test_two_people_above_the_amount(world: World, sit: Sit) -> None:
    world.set_policy(second_approver_above="30000")
    customer = world.customer()
    await world.start(customer)
    mike = sit(name="mike")
    page = await mike.send(await mike.get(f"/holds/{customer}"), "Claim to decide")
    page = await mike.send(page, "Approve…", reason="called twice")
    assert "the first of two approvals" in page.text
    page = await mike.send(page, f"Approve the hold of {AMOUNT} USD")
    assert "Your approval stands." in page.text
    page = await mike.send(page, "Claim to decide")
    assert not page.offers("Approve…"), "the second one is another person"
    assert "second approval pending" in (await sit(Role.VIEWER).get("/")).text


async def test_a_broken_beat_is_shown_and_tried_again(world: World, sit: Sit) -> None:
    customer = world.customer(in_netsuite=False)
    await world.start(customer)
    await world.approve(customer)
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "needs_attention")
    mike = sit(name="mike")
    page = await mike.get(f"/holds/{customer}")
    assert "No retry mends this by itself" in page.text
    record = {"id": f"N-{customer}", "externalId": customer, "companyName": customer, "creditHoldOverride": "AUTO"}
    world.sandbox.seed([record]).raise_for_status()
    page = await mike.send(page, "Try again now: Set NetSuite’s credit hold")
    assert "Trying again now." in page.text
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "done")
    assert not (await sit(Role.VIEWER).get(f"/holds/{customer}")).offers("Try again now")


async def test_a_page_left_open_asks_for_itself_and_is_answered_when_it_says_something_else(
    world: World, sit: Sit
) -> None:
    customer = world.customer()
    await world.start(customer)
    reader, mike = sit(Role.VIEWER), sit(name="mike")
    page = await reader.get(f"/holds/{customer}")
    await reader.again(page)
    reader.http.cookies.set("flash", "claimed")
    await mike.http.post(f"/holds/{customer}/claim")
    news = await reader.again(page, 200)
    assert "mike has claimed it until" in news.text
    assert "Claimed: nobody else" not in news.text, "what is said once is for the next page"
    await reader.again(news)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    last = await reader.again(news, 200)
    assert not [given for tag, given in last.elements if tag == "main" and "hx-get" in given], "nothing will change"


async def test_every_state_renders_for_every_role(world: World, sit: Sit) -> None:
    held, declined, proposed = (world.customer() for _ in range(3))
    await in_force(world, held)
    for customer in (declined, proposed):
        await world.start(customer)
    await world.decline(declined)
    await world.in_status(declined, "declined")
    readers = {role: sit(role) for role in OF_PEOPLE}
    for status in ("running", "retrying", "needs_attention", "skipped"):
        with transaction(world.engine) as session:
            session.execute(update(HoldBeat).values(status=status, done_at=None, attempts=3, last_error="<b>no</b>"))
        for role, reader in readers.items():
            page = await reader.get(f"/holds/{held}")
            assert "<b>no</b>" in page.text
            assert ("b", {}) not in page.elements
            assert ("tried again by itself, at most 1 min after" in page.text) == (status == "retrying")
            may_retry = status in {"retrying", "needs_attention"} and role >= Role.APPROVER
            assert page.offers("Try again now: Flag the customer") == may_retry
    for role, reader in readers.items():
        for customer in (declined, proposed):
            page = await reader.get(f"/holds/{customer}")
            assert page.offers("Claim to decide") == (customer == proposed and role >= Role.APPROVER)


async def test_what_people_wrote_is_only_ever_text(world: World, sit: Sit) -> None:
    customer = world.customer()
    nasty = '<script>alert("1")</script><img src=x onerror=alert(2)>'
    with transaction(world.engine) as session:
        session.execute(update(Customer).where(Customer.id == customer).values(name=nasty))
    started = await world.start(customer, reason=nasty)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    reader = sit(Role.ADMIN)
    paths = ["/", f"/holds/{started.hold_id}", f"/customers/{customer}", f"/holds/new?customer={customer}"]
    paths += [
        f"/customers?q={customer}",
        "/audit",
        *(f"/messages/{one['id']}" for one in world.show(customer)["messages"]),
    ]
    for path in paths:
        page = await reader.get(path)
        assert nasty in page.text or path in ("/", "/audit"), path
        assert not [given for tag, given in page.elements if tag == "img"], path
        assert len([tag for tag, _ in page.elements if tag == "script"]) == 3, path
