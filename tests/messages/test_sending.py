"""One approval sends one mail: what arrives, what keeps it from leaving, and what people see of it meanwhile."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from credit.states import HoldStatus, MessageKind, MessageVerdict, TextFormat
from db.act import Act
from db.engine import transaction
from db.errors import MessageClosedError, TooLateError
from db.messages import review
from db.models import Customer, Message, MessageDecision
from tests.holds.helpers import all_done, in_force, pending, timers
from tests.messages.mailing import NOTICE, REP, Mailing
from tests.messages.post_office import FailingServer, Sink
from tests.rendering.renderers import COSTLY_MARKDOWN, strict


def arrived(sink: Sink, mailing: Mailing, message: UUID) -> int:
    return len(sink.mails(mailing.show(message)["recipient"]))


async def test_approved_message_arrives_once_exactly_as_approved(mailing: Mailing, sink: Sink) -> None:
    mailing.cooling_off(0)
    message = await mailing.draft()
    await mailing.edit(message, subject="Überfällig: 5 €", body="Grüße\n.\n.. two dots\n" + "x" * 2000)

    decided = await mailing.approve(message)

    assert await mailing.handle(message).result() == "sent"
    shown = mailing.show(message)
    [mail] = sink.mails(shown["recipient"])
    assert mail["Message-ID"] == shown["message_id_header"] == f"<{decided.decision_id}@example.com>"
    assert (mail["From"], mail["To"]) == ("Credit team <credit@example.com>", shown["recipient"])
    assert mail["Subject"] == "Überfällig: 5 €"
    assert mail.get_content().replace("\r\n", "\n") == shown["body"] + "\n"
    assert not {"Reply-To", "Auto-Submitted", "Bcc", "Cc"} & set(mail.keys())
    assert (shown["status"], shown["delivery"], shown["approved_by"]) == ("sent", "sent", "mike")
    assert shown["sent_at"]
    assert [one["outcome"] for one in shown["deliveries"]] == ["accepted"]
    [event] = mailing.audit(message, "message_sent")
    assert event.detail["recipient"] == shown["recipient"]


async def test_markdown_arrives_as_text_and_as_safe_html(mailing: Mailing, sink: Sink) -> None:
    mailing.cooling_off(0)
    message = await mailing.draft()
    body = "Please **pay**: [here](https://pay.example) or [there](javascript:alert(1))\n<script>alert(2)</script>\n"
    await mailing.edit(message, body=body, format=TextFormat.MARKDOWN)

    await mailing.approve(message)
    await mailing.handle(message).result()

    [mail] = sink.mails(mailing.show(message)["recipient"])
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == body
    page = html.get_content()
    assert "<strong>pay</strong>" in page
    assert '<a href="https://pay.example">here</a>' in page
    assert "<script" not in page
    assert 'href="javascript' not in page


async def test_markdown_that_takes_too_long_to_lay_out_waits_for_a_person(mailing: Mailing, sink: Sink) -> None:
    """One that was stored before such a text was refused: it can be recalled, and sent as plain text."""
    mailing.cooling_off(0)
    message = await mailing.draft()
    with transaction(mailing.world.engine) as session:
        review.edit(
            Act(session, "ann", datetime.now(UTC)),
            message,
            revision=1,
            subject="s",
            body=COSTLY_MARKDOWN,
            recipient=mailing.show(message)["recipient"],
            format=TextFormat.MARKDOWN,
        )

    with strict():
        await mailing.approve(message)
        await mailing.world.eventually(lambda: mailing.show(message)["delivery"] == "refused")

    [attempt] = mailing.show(message)["deliveries"]
    assert "takes more than 0.2 seconds" in attempt["answer"]
    assert arrived(sink, mailing, message) == 0
    await mailing.operations.recall(message, actor="ann", reason="too wild")
    await mailing.edit(message, format=TextFormat.TEXT)
    await mailing.approve(message)
    assert await mailing.handle(message).result() == "sent"


async def test_both_messages_of_a_hold_are_approved_and_sent_each_for_itself(mailing: Mailing, sink: Sink) -> None:
    """From the trigger to the mail; by the policy's default the notice cools off and the rep's message does not."""
    world = mailing.world
    customer = world.customer()
    await in_force(world, customer)
    await all_done(world, customer)
    ids = {one["kind"]: UUID(one["id"]) for one in world.show(customer)["messages"]}

    await mailing.approve(ids[REP])
    await mailing.approve(ids[NOTICE])

    assert await mailing.handle(ids[REP]).result() == "sent"
    assert arrived(sink, mailing, ids[REP]) == 1
    await mailing.says(ids[NOTICE], "it waits, and can be recalled", "notice to the customer", customer)
    assert arrived(sink, mailing, ids[NOTICE]) == 0
    by_kind = {one["kind"]: (one["status"], one["delivery"]) for one in world.show(customer)["messages"]}
    assert by_kind == {"sales_rep": ("sent", "sent"), "customer_notice": ("approved", "cooling_off")}


async def test_message_recalled_while_it_cools_off_is_not_sent_and_can_be_approved_again(
    mailing: Mailing, sink: Sink
) -> None:
    mailing.cooling_off(5)
    message = await mailing.draft()
    first = await mailing.approve(message)
    await mailing.waits_on(message, "nobody")

    recalled = await mailing.operations.recall(message, actor="ann", reason="a wrong amount")

    assert recalled.status == "pending_review"
    await mailing.says(message, "Draft pending review")
    await mailing.waits_on(message, "approver")
    assert first.send_after is not None
    assert await timers(mailing.handle(message)) == [], "the cooling-off was recalled"
    assert arrived(sink, mailing, message) == 0
    assert mailing.show(message)["deliveries"] == []
    mailing.cooling_off(0)
    second = await mailing.approve(message)
    assert await mailing.handle(message).result() == "sent"
    [mail] = sink.mails(mailing.show(message)["recipient"])
    assert mail["Message-ID"] == f"<{second.decision_id}@example.com>"
    assert [event.actor for event in mailing.audit(message, "message_recalled")] == ["ann"]


async def test_recall_whose_signal_never_came_still_stops_the_message(mailing: Mailing, sink: Sink) -> None:
    mailing.cooling_off(5)
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.says(message, "it waits, and can be recalled")

    mailing.recall_and_tell_nobody(message)

    await mailing.says(message, "Draft pending review")
    assert arrived(sink, mailing, message) == 0


async def test_recall_of_a_message_that_was_sent_comes_too_late(mailing: Mailing) -> None:
    mailing.cooling_off(0)
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.handle(message).result()

    with pytest.raises(TooLateError, match="was sent at"):
        await mailing.operations.recall(message, actor="ann", reason="oh no")


async def test_recall_of_a_message_that_is_just_leaving_comes_too_late(
    failing_mailing: Mailing, failing_server: FailingServer
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    failing_server.answers.clear()
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.world.eventually(lambda: failing_server.taken)

    with pytest.raises(TooLateError, match="right now"):
        await mailing.operations.recall(message, actor="ann", reason="oh no")

    failing_server.answers.set()
    assert await mailing.handle(message).result() == "sent"


async def test_discarded_message_ends_unsent(mailing: Mailing, sink: Sink) -> None:
    message = await mailing.draft()

    decided = await mailing.decide(message, MessageVerdict.DISCARD)

    assert await mailing.handle(message).result() == "discarded"
    assert (decided.status, decided.send_after) == ("discarded", None)
    assert arrived(sink, mailing, message) == 0
    [event] = mailing.audit(message, "message_discarded")
    assert event.detail["why"] == "as discussed"


@pytest.mark.parametrize("approved", [False, True])
async def test_message_of_a_hold_that_is_over_is_withdrawn(mailing: Mailing, sink: Sink, *, approved: bool) -> None:
    mailing.cooling_off(600)
    message = await mailing.draft()
    if approved:
        await mailing.approve(message)
    mailing.end_hold(message)

    await mailing.handle(message).signal("withdraw", {})

    assert await mailing.handle(message).result() == "withdrawn"
    assert mailing.show(message)["status"] == "withdrawn"
    assert len(mailing.audit(message, "message_withdrawn")) == 1
    assert arrived(sink, mailing, message) == 0


async def test_message_whose_hold_ends_while_it_cools_off_is_not_sent_even_if_nobody_withdraws_it(
    mailing: Mailing, sink: Sink
) -> None:
    mailing.cooling_off(0.5)
    message = await mailing.draft()
    await mailing.approve(message)
    mailing.end_hold(message, HoldStatus.RELEASING)

    assert await mailing.handle(message).result() == "withdrawn"
    assert arrived(sink, mailing, message) == 0


async def test_release_notice_is_not_sent_while_a_new_hold_is_in_force(mailing: Mailing, sink: Sink) -> None:
    world = mailing.world
    mailing.cooling_off(4)
    cooling, waiting = [await mailing.draft(kind=MessageKind.RELEASE_NOTICE) for _ in range(2)]
    for message in (cooling, waiting):
        mailing.end_hold(message)
    await mailing.approve(cooling)
    for message in (cooling, waiting):
        customer = mailing.show(message)["customer_id"]
        await world.start(customer)
        await world.approve(customer)
        await world.eventually(lambda: world.status(customer) in ("applying", "in_force"))  # noqa: B023

    assert await mailing.handle(cooling).result() == "withdrawn"
    [event] = mailing.audit(cooling, "message_withdrawn")
    assert event.detail["why"] == "a new hold of the customer is in force"
    assert arrived(sink, mailing, cooling) == 0
    with pytest.raises(MessageClosedError, match="a new hold of the customer is in force"):
        await mailing.approve(waiting)


async def test_mail_server_that_is_away_gets_the_message_once_when_it_is_back(
    failing_mailing: Mailing, failing_server: FailingServer
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    await failing_server.stop()
    message = await mailing.draft()

    await mailing.approve(message)

    shown = await mailing.in_delivery(message, "retrying")
    assert "Connection refused" in shown["delivery_error"]
    await mailing.says(message, "tried again until the mail server takes it", "Connection refused")
    await mailing.world.eventually(lambda: len(mailing.show(message)["deliveries"]) >= 2)
    assert len(mailing.audit(message, "message_delayed")) == 1
    await failing_server.start()
    await mailing.operations.retry_delivery(message, actor="olga", reason="the server is back")
    assert await mailing.handle(message).result() == "sent"
    assert len(failing_server.taken) == 1
    deliveries = mailing.show(message)["deliveries"]
    assert deliveries[-1]["outcome"] == "accepted"
    assert {one["outcome"] for one in deliveries[:-1]} == {"try_later"}
    assert {one["handed_over_at"] for one in deliveries[:-1]} == {None}


@pytest.mark.parametrize("fault", ["rcpt 4xx", "data 4xx", "hang up"])
async def test_what_a_server_puts_off_is_sent_later(
    failing_mailing: Mailing, failing_server: FailingServer, fault: str
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    if fault == "rcpt 4xx":
        failing_server.rcpt_answer = "450 4.2.0 greylisted"
    elif fault == "data 4xx":
        failing_server.data_answer = "452 4.3.1 disk full"
    else:
        failing_server.hang_up_before_the_text = True
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.in_delivery(message, "retrying")

    failing_server.rcpt_answer = failing_server.data_answer = "250 OK"
    failing_server.hang_up_before_the_text = False

    assert await mailing.handle(message).result() == "sent"
    assert len(failing_server.taken) == 1


async def test_message_that_waits_for_the_mail_server_can_be_recalled(
    failing_mailing: Mailing, failing_server: FailingServer
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    failing_server.rcpt_answer = "450 greylisted"
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.in_delivery(message, "retrying")

    await mailing.recall_between_attempts(message)

    await mailing.says(message, "Draft pending review")
    failing_server.rcpt_answer = "250 OK"
    attempts = len(mailing.show(message)["deliveries"])
    assert await timers(mailing.handle(message)) == await pending(mailing.handle(message)) == []
    assert failing_server.taken == []
    assert len(mailing.show(message)["deliveries"]) == attempts


async def test_refused_recipient_is_mended_and_approved_again(
    failing_mailing: Mailing, failing_server: FailingServer
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    failing_server.rcpt_answer = "550 5.1.1 no such mailbox"
    message = await mailing.draft()
    first = await mailing.approve(message)

    shown = await mailing.in_delivery(message, "refused")
    assert shown["delivery_error"] == "550 5.1.1 no such mailbox"
    await mailing.says(message, "cannot be sent as it is", "no such mailbox")
    await mailing.waits_on(message, "operator")
    assert len(mailing.audit(message, "message_refused_by_server")) == 1
    failing_server.rcpt_answer = "250 OK"
    await mailing.operations.recall(message, actor="ann", reason="a wrong address")
    await mailing.edit(message, recipient="right@example.test")
    second = await mailing.approve(message)

    assert await mailing.handle(message).result() == "sent"
    [(recipient, mail)] = failing_server.taken
    assert recipient == "right@example.test"
    assert mail["Message-ID"] == f"<{second.decision_id}@example.com>"
    assert first.decision_id != second.decision_id


async def test_refused_message_is_retried_when_a_person_asks(
    failing_mailing: Mailing, failing_server: FailingServer
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    failing_server.data_answer = "554 5.7.1 looks like spam"
    message = await mailing.draft()
    decided = await mailing.approve(message)
    await mailing.in_delivery(message, "refused")

    failing_server.data_answer = "250 OK"
    await mailing.operations.retry_delivery(message, actor="olga", reason="they allow us now")

    assert await mailing.handle(message).result() == "sent"
    [(_, mail)] = failing_server.taken
    assert mail["Message-ID"] == f"<{decided.decision_id}@example.com>"
    assert [event.actor for event in mailing.audit(message, "message_retried")] == ["olga"]
    with pytest.raises(MessageClosedError):
        await mailing.operations.retry_delivery(message, actor="olga", reason="again")


@pytest.mark.parametrize("arrived", [True, False])
async def test_message_whose_answer_was_lost_is_sent_again_only_if_a_person_says_so(
    failing_mailing: Mailing, failing_server: FailingServer, *, arrived: bool
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    failing_server.lose_answers = True
    message = await mailing.draft()
    await mailing.approve(message)

    shown = await mailing.in_delivery(message, "unknown")
    assert shown["deliveries"][-1]["handed_over_at"]
    await mailing.says(message, "answer was lost", "never sent twice by itself")
    await mailing.waits_on(message, "operator")
    with pytest.raises(TooLateError, match="may have left"):
        await mailing.operations.recall(message, actor="ann", reason="oh no")
    with pytest.raises(MessageClosedError):
        await mailing.operations.retry_delivery(message, actor="olga", reason="again")
    assert await timers(mailing.handle(message)) == await pending(mailing.handle(message)) == []
    assert len(failing_server.taken) == 1

    failing_server.lose_answers = False
    await mailing.operations.settle_unknown(message, arrived=arrived, actor="olga", reason="asked the recipient")

    assert await mailing.handle(message).result() == "sent"
    assert len({mail["Message-ID"] for _, mail in failing_server.taken}) == 1
    assert len(failing_server.taken) == (1 if arrived else 2)
    outcomes = [one["outcome"] for one in mailing.show(message)["deliveries"]]
    assert outcomes == (["arrived"] if arrived else ["not_arrived", "accepted"])
    assert [event.actor for event in mailing.audit(message, "message_settled")] == ["olga"]


async def test_address_and_sender_beyond_ascii(mailing: Mailing, sink: Sink) -> None:
    mailing.cooling_off(0)
    message = await mailing.draft()
    await mailing.edit(message, recipient="ap@müller-gmbh.example")

    await mailing.approve(message)
    await mailing.handle(message).result()

    assert mailing.show(message)["recipient"] == "ap@xn--mller-gmbh-9db.example"
    assert len(sink.mails("ap@xn--mller-gmbh-9db.example")) == 1


async def test_customer_renamed_into_a_header_changes_no_header(mailing: Mailing, sink: Sink) -> None:
    world = mailing.world
    customer = world.customer()
    with transaction(world.engine) as session:
        name = "Evil\r\nBcc: all@example.test\r\n\r\nLtd"
        session.execute(update(Customer).where(Customer.id == customer).values(name=name))
    await in_force(world, customer)
    await all_done(world, customer)
    [rep] = [UUID(one["id"]) for one in world.show(customer)["messages"] if one["kind"] == REP]
    shown = mailing.show(rep)
    if not shown["subject"].isprintable():
        await mailing.edit(rep, actor="mike", subject=" ".join(shown["subject"].split()))

    await mailing.approve(rep)
    await mailing.handle(rep).result()

    [mail] = sink.mails(mailing.show(rep)["recipient"])
    assert mail["Bcc"] is None
    assert mail.get_all("X-Envelope-To") == [mailing.show(rep)["recipient"]]


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(seconds=-30)])
async def test_kind_8_a_cooling_off_lasts_as_long_whatever_the_desks_clock_says(
    mailing: Mailing, ahead: timedelta
) -> None:
    mailing.cooling_off(2)
    message = await mailing.draft()
    decision = mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE, clock_ahead=ahead)
    await mailing.handle(message).signal("decide", {"decision_id": str(decision)})

    assert await mailing.handle(message).result() == "sent"
    with transaction(mailing.world.engine) as session:
        row, approved = session.get_one(Message, message), session.get_one(MessageDecision, decision)
        assert row.sent_at is not None
        assert approved.applied_at is not None
        assert timedelta(seconds=2) <= row.sent_at - approved.applied_at < timedelta(seconds=20)
