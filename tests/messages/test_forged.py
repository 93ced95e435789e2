"""A subject that hides a header is refused where it is typed, and where it is stored from before it never leaves."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.mail import MailActivities
from credit.states import Delivery, MessageVerdict
from db.act import Act
from db.engine import transaction
from db.errors import BadInputError
from db.messages import messages, templates
from db.models import MessageRevision
from tests.messages.mailing import Mailing
from tests.messages.post_office import Sink
from tests.world import World
from worker import mail_server
from workflows.contract import OUTBOUND_MESSAGE, MessageView, message_workflow_id
from workflows.signatures import MessageAt

FORGED = "=?utf-8?q?Your_account=0D=0ABcc:_eve=40attacker.example=0D=0A=0D=0AClick?="


async def send(mailing: Mailing, message: UUID) -> MessageView:
    """Run the sending activity as a worker does."""
    activities = MailActivities(mailing.world.engine, mail_server(mailing.world.settings))
    order, environment = MessageAt(message_id=message, now=datetime.now(UTC)), ActivityEnvironment()
    environment.info = replace(
        environment.info,
        started_time=order.now,
        workflow_type=OUTBOUND_MESSAGE,
        workflow_id=message_workflow_id(message),
    )
    return await asyncio.to_thread(environment.run, activities.send_message, order)


@pytest.mark.parametrize("subject", [FORGED, f"Re: {FORGED}", "Your account\r\nBcc: eve@attacker.example", "a\x07"])
async def test_a_subject_with_a_hidden_header_is_refused_at_the_door(idle_mailing: Mailing, subject: str) -> None:
    message = await idle_mailing.draft(start=False)
    with pytest.raises(BadInputError, match="the subject"):
        await idle_mailing.edit(message, subject=subject)
    with pytest.raises(BadInputError, match="not an e-mail address"):
        await idle_mailing.edit(message, recipient="=?utf-8?q?a=0D=0ABcc:_eve?=@example.test")
    assert idle_mailing.show(message)["revision"] == 1
    await idle_mailing.edit(message, subject="Åse Økern: 日本")


async def test_one_stored_before_is_not_sent_says_why_and_can_be_mended(idle_mailing: Mailing, sink: Sink) -> None:
    """Approved while nobody looked for encoded words."""
    mailing = idle_mailing
    mailing.cooling_off(0)
    message = await mailing.draft(start=False)
    mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE)
    with transaction(mailing.world.engine) as session:
        row = messages.find(session, message)
        row.revision = 2
        text = {"subject": FORGED, "body": "Please pay.\n", "recipient": row.recipient}
        session.add(MessageRevision(message_id=row.id, revision=2, editor="ann", at=datetime.now(UTC), **text))
    recipient = mailing.show(message)["recipient"]

    seen = await send(mailing, message)

    assert seen.delivery is Delivery.REFUSED
    assert "not sent: " in (seen.error or "")
    assert "take it out" in (seen.error or "")
    assert sink.mails(recipient) == []
    assert [one["outcome"] for one in mailing.show(message)["deliveries"]] == ["unfit"]
    assert len(mailing.audit(message, "message_unfit")) == 1

    mailing.recall_and_tell_nobody(message)
    with pytest.raises(BadInputError, match="take it out"):
        mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE)
    await mailing.edit(message, subject="Your account")
    mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE)
    assert (await send(mailing, message)).delivery is Delivery.SENT
    [mail] = sink.mails(recipient)
    assert mail["Subject"] == "Your account"


def test_a_templates_subject_is_looked_at_where_it_is_typed(idle_world: World) -> None:
    with transaction(idle_world.engine) as session:
        used = templates.find(session, "service_hold_customer_notice")
        text = {"subject": FORGED, "body": used.body, "changed": used.version}
        with pytest.raises(BadInputError, match="the subject has"):
            templates.change(Act(session, "ada", datetime.now(UTC)), used.name, **text)


async def test_a_drafts_subject_makes_a_customers_name_harmless(idle_mailing: Mailing) -> None:
    message = await idle_mailing.draft(start=False, subject=f"On hold: {FORGED}")
    assert idle_mailing.show(message)["subject"] == f"On hold: {FORGED}".replace("=?", "=\ufffd", 1)
    idle_mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE)
