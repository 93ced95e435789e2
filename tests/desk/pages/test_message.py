from datetime import timedelta

import pytest
from sqlalchemy import update

from credit.permissions import Role
from db.engine import transaction
from db.models import Message
from tests.desk.pages.conftest import Sit
from tests.desk.pages.reader import Page
from tests.holds.helpers import events
from tests.world import World


def framed(page: Page) -> str:
    [given] = [given for tag, given in page.elements if tag == "iframe"]
    assert given["sandbox"] == ""
    return given["src"]


async def test_notice_is_edited_approved_as_shown_and_recalled(world: World, sit: Sit, notice: str) -> None:
    rosa, mike = sit(Role.REQUESTER, "rosa"), sit(name="mike")
    page = await rosa.get(notice)
    assert not page.offers("Claim to review")
    page = await rosa.send(page, "Save as revision 2", body="Please **call** us.", format="markdown")
    assert "Saved as a new revision." in page.text
    page = await mike.send(page, "Claim to review") if page.offers("Claim to review") else await mike.get(notice)
    page = await mike.send(page, "Claim to review")
    page = await mike.send(page, "Approve revision 2…")
    shown = await mike.http.get(framed(page))
    assert "<strong>call</strong>" in shown.text
    assert "It leaves 1 h after you approve" in page.text
    [button] = [words for form in page.forms for words in form.buttons if words.startswith("Approve revision 2 to ap-")]
    page = await mike.send(page, button)
    assert "Approved. It leaves when its cooling-off ends." in page.text
    assert "Until then it can be recalled" in page.text
    assert not page.offers("Save as revision 3"), "an approved text stays as it is"
    page = await mike.send(page, "Recall", reason="wrong amount")
    assert "Recalled." in page.text
    assert page.offers("Claim to review")
    page = await mike.send(page, "Compare", before="1", after="2")
    assert "Please **call** us." in "".join(page.text)
    assert {"del", "ins"} <= {tag for tag, _ in page.elements}


async def test_text_changed_meanwhile_is_refused_with_the_difference_and_keeps_what_was_typed(
    world: World, sit: Sit, notice: str
) -> None:
    rosa, mike = sit(Role.REQUESTER, "rosa"), sit(name="mike")
    opened = await mike.get(notice)
    await rosa.send(await rosa.get(notice), "Save as revision 2", subject="Call us", body="Rosa's words.")
    answer = await mike.send(opened, "Save as revision 2", 409, body="Mike's words.")
    assert "What rosa changed meanwhile (revision 1 → 2)" in answer.text
    assert "added: Rosa's" in answer.text
    form = answer.form_with("Save as revision 3")
    assert (form.fields["body"], form.fields["revision"]) == ("Mike's words.", "2")
    page = await mike.send(answer, "Save as revision 3")
    assert page.form_with("Save as revision 4").fields["body"] == "Mike's words."


async def test_approving_text_that_moved_on_is_refused_with_the_difference(world: World, sit: Sit, notice: str) -> None:
    mike = sit(name="mike")
    claimed = await mike.send(await mike.get(notice), "Claim to review")
    confirm = await mike.send(claimed, "Approve revision 1…")
    await mike.send(claimed, "Save as revision 2", body="Other words.")
    [button] = [words for form in confirm.forms for words in form.buttons if words.startswith("Approve revision 1 to")]
    for page, pressed in ((confirm, button), (claimed, "Approve revision 1…")):
        answer = await mike.send(page, pressed, 409)
        assert "What mike changed meanwhile (revision 1 → 2)" in answer.text
    assert "pending review" in answer.text
    assert {event.detail["code"] for event in events(world, "system", "request_refused")} == {"stale_revision"}


async def test_what_mail_cannot_carry_is_refused_and_kept_in_the_form(world: World, sit: Sit, notice: str) -> None:
    mike = sit(name="mike")
    answer = await mike.send(await mike.get(notice), "Save as revision 2", 422, recipient="nobody", body="Kept.")
    assert "is not an e-mail address" in answer.text
    assert answer.form_with("Save as revision 2").fields["body"] == "Kept."
    [area] = [given for tag, given in answer.elements if given.get("id") == "text-form"]
    assert area["data-dirty"] == "yes"


async def test_discarding_takes_a_reason(world: World, sit: Sit, notice: str) -> None:
    mike = sit(name="mike")
    page = await mike.send(await mike.get(notice), "Claim to review")
    page = await mike.send(page, "Discard…", 422)
    assert "say why" in page.text
    page = await mike.send(page, "Discard…", reason="they called us")
    page = await mike.send(page, "Discard revision 1")
    assert "Discarded by mike" in page.text
    assert "they called us" in page.text


async def test_preview_shows_what_stands_in_the_form_and_runs_nothing(world: World, sit: Sit, notice: str) -> None:
    mike = sit(name="mike")
    form = (await mike.get(notice)).form_with("Preview below")
    body = "Hello **there** <script>alert(1)</script>"
    answer = await mike.http.post(f"{notice}/preview", data=form.fields | {"body": body, "format": "markdown"})
    assert "<strong>there</strong> &lt;script&gt;" in answer.text
    for words in ("Credit team", form.fields["recipient"], form.fields["subject"], "Message-ID"):
        assert words in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert (await mike.get(notice)).form_with("Preview below").fields["revision"] == "1", "nothing was kept"


async def test_claimed_by_somebody_else_is_neither_edited_nor_decided(world: World, sit: Sit, notice: str) -> None:
    mike, dana = sit(name="mike"), sit(name="dana")
    opened = await dana.get(notice)
    claimed = await mike.send(await mike.get(notice), "Claim to review")
    page = await dana.get(notice)
    assert "mike has claimed it" in page.text
    assert not page.offers("Save as revision 2")
    answer = await dana.send(opened, "Save as revision 2", 409, body="Dana's words.")
    assert "Claimed by mike" in answer.text
    fields = claimed.form_with("Approve revision 1…").fields | {"verdict": "approve"}
    assert (await dana.http.post(f"{notice}/decision", data=fields)).status_code == 409
    viewer = sit(Role.VIEWER)
    for action in ("", "/claim", "/confirm", "/decision", "/recall", "/retry", "/settle", "/preview", "/give-back"):
        answered = await viewer.http.post(f"{notice}{action}", data=fields)
        assert answered.status_code == 403, action
    await mike.send(claimed, "Give back undecided")
    assert (await dana.get(notice)).offers("Save as revision 2")


@pytest.mark.parametrize(
    ("delivery", "words", "button"),
    [
        ("cooling_off", "Until then it can be recalled", "Recall"),
        ("sending", "being handed to the mail server", None),
        ("retrying", "tried again by itself", "Try again now"),
        ("refused", "It cannot be sent as it is", "Recall"),
        ("unknown", "Nobody knows whether it left", "It did not: send it again"),
    ],
)
async def test_each_state_of_a_delivery_says_what_to_do(
    world: World, sit: Sit, notice: str, delivery: str, words: str, button: str | None
) -> None:
    mike = sit(name="mike")
    page = await mike.send(await mike.get(notice), "Claim to review")
    page = await mike.send(page, "Approve revision 1…")
    page = await mike.send(
        page, next(words for form in page.forms for words in form.buttons if "revision 1 to" in words)
    )
    with transaction(world.engine) as session:
        stuck = update(Message).where(Message.id == notice.rpartition("/")[2])
        session.execute(stuck.values(delivery=delivery, delivery_error="451 later"))
    page = await mike.get(notice)
    assert words in page.text
    assert (button is None) == (not page.offers(button or "Recall"))
    assert not (await sit(Role.VIEWER).get(notice)).offers(button or "Recall")
    in_queue = notice in (await mike.get("/", kind="attention")).links.values()
    assert in_queue == (delivery in {"refused", "unknown"})


async def test_whether_a_lost_mail_arrived_is_said_with_how_it_is_known(world: World, sit: Sit, notice: str) -> None:
    mike = sit(name="mike")
    page = await mike.send(await mike.get(notice), "Claim to review")
    page = await mike.send(page, "Approve revision 1…")
    page = await mike.send(
        page, next(words for form in page.forms for words in form.buttons if "revision 1 to" in words)
    )
    with transaction(world.engine) as session:
        session.execute(update(Message).where(Message.id == notice.rpartition("/")[2]).values(delivery="unknown"))
    page = await mike.get(notice)
    assert "say why" in (await mike.send(page, "It arrived: count it as sent", 422)).text


async def test_a_message_left_open_takes_over_what_is_new(world: World, sit: Sit, notice: str) -> None:
    rosa, mike = sit(Role.REQUESTER, "rosa"), sit(name="mike")
    page = await mike.get(notice)
    await mike.again(page)
    await rosa.send(await rosa.get(notice), "Save as revision 2", body="Rosa's words.")
    assert "Rosa's words." in (await mike.again(page, 200)).text


async def test_no_cooling_off_is_said_before_it_is_approved(world: World, sit: Sit, notice: str) -> None:
    world.set_policy(notice_cooling_off=timedelta(0))
    mike = sit(name="mike")
    page = await mike.send(await mike.get(notice), "Claim to review")
    assert "It leaves at once, and cannot be recalled" in (await mike.send(page, "Approve revision 1…")).text
