"""A signal is only a call to look at the row: invented ones change nothing and are audited, lost ones cost nothing."""

import base64
import json
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError
from temporalio.worker import Worker

from credit.states import MessageVerdict
from db.engine import transaction
from db.messages import review
from db.models import Decision, MessageDecision
from tests.holds.helpers import rows, until, workers
from tests.holds.test_relay import relaying
from tests.messages.mailing import Mailing
from tests.messages.old_outbound_message import OutboundMessage as OldOutboundMessage
from tests.messages.post_office import FailingServer, Sink
from tests.replay import histories


async def refused(mailing: Mailing, message: UUID, number: int = 1) -> list[str]:
    """Wait for this many refused signals; returns why."""
    await mailing.world.eventually(lambda: len(mailing.audit(message, "signal_refused")) == number)
    return [event.detail["why"] for event in mailing.audit(message, "signal_refused")]


async def test_decision_that_nobody_made_is_refused(mailing: Mailing) -> None:
    message, other = await mailing.draft(), await mailing.draft()
    mailing.cooling_off(600)
    decided = await mailing.approve(other)

    await mailing.handle(message).signal("decide", {"decision_id": str(uuid4())})
    await mailing.handle(message).signal("decide", {"decision_id": str(decided.decision_id)})

    assert await refused(mailing, message, 2) == ["no decision with this id was made about this message"] * 2
    assert mailing.show(message)["status"] == "pending_review"


async def test_withdrawal_by_a_stranger_is_refused_while_the_hold_is_in_force(mailing: Mailing) -> None:
    message = await mailing.draft()

    await mailing.handle(message).signal("withdraw", {})

    assert await refused(mailing, message) == ["the record says that the hold of this message is not over"]
    assert (await mailing.handle(message).describe()).status is WorkflowExecutionStatus.RUNNING


async def test_recall_and_retry_by_a_stranger_change_nothing(mailing: Mailing, sink: Sink) -> None:
    mailing.cooling_off(600)
    message = await mailing.draft()
    decided = await mailing.approve(message)

    await mailing.handle(message).signal("recall", {"decision_id": str(decided.decision_id)})
    await mailing.handle(message).signal("retry", {})

    assert await refused(mailing, message, 2) == ["this decision was not recalled", "nobody asked for another try"]
    assert mailing.show(message)["delivery"] == "cooling_off"
    assert sink.mails(mailing.show(message)["recipient"]) == []


async def test_stranger_cannot_put_the_end_of_the_cooling_off_off(mailing: Mailing) -> None:
    mailing.cooling_off(2)
    message = await mailing.draft()
    decided = await mailing.approve(message)
    assert decided.send_after is not None

    async def sent() -> bool:
        with suppress(RPCError):  # sent between the look and the signal: its workflow is over
            await mailing.handle(message).signal("nonsense")
        return mailing.row(message).sent_at is not None

    await until(sent)

    sent_at = mailing.row(message).sent_at
    assert sent_at is not None
    assert decided.send_after <= sent_at


async def test_garbage_and_cancel_are_audited_and_change_nothing(mailing: Mailing) -> None:
    message = await mailing.draft()
    handle = mailing.handle(message)

    await handle.signal("decide", "approve")
    await handle.signal("decide", [])
    await handle.signal("withdraw", None)
    await handle.signal("send", {"now": True})
    await handle.signal("x" * 900)
    await refused(mailing, message, 5)
    await handle.cancel(reason="tidying up")

    assert (await refused(mailing, message, 6))[-1] == "a message is discarded or recalled, not cancelled"
    assert mailing.show(message)["status"] == "pending_review"
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize("verdict", list(MessageVerdict))
async def test_decision_whose_signal_was_never_sent_is_delivered_by_the_relay(
    mailing: Mailing, sink: Sink, verdict: MessageVerdict
) -> None:
    mailing.cooling_off(0)
    message = await mailing.draft()
    decision = mailing.decide_and_tell_nobody(message, verdict)

    async with relaying(mailing.world):
        assert await mailing.handle(message).result() == ("sent" if verdict is MessageVerdict.APPROVE else "discarded")

    [row] = rows(mailing.world, select(MessageDecision).where(MessageDecision.id == decision))
    assert row.applied_at is not None
    assert len(sink.mails(mailing.show(message)["recipient"])) == (verdict is MessageVerdict.APPROVE)


async def test_retry_whose_signal_was_never_sent_is_delivered_by_the_relay(
    failing_mailing: Mailing, failing_server: FailingServer
) -> None:
    mailing = failing_mailing
    mailing.cooling_off(0)
    failing_server.data_answer = "554 no"
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.in_delivery(message, "refused")
    await mailing.waits_on(message, "operator")
    failing_server.data_answer = "250 OK"
    mailing.retry_and_tell_nobody(message)

    async with relaying(mailing.world):
        assert await mailing.handle(message).result() == "sent"

    assert len(failing_server.taken) == 1


async def test_undelivered_message_decisions_do_not_starve_those_about_holds(mailing: Mailing) -> None:
    mailing.cooling_off(600)
    for _ in range(3):
        mailing.decide_and_tell_nobody(await mailing.draft(start=False), MessageVerdict.APPROVE)
    message = await mailing.draft()
    mailing.decide_and_tell_nobody(message, MessageVerdict.DISCARD)

    async with relaying(mailing.world):
        assert await mailing.handle(message).result() == "discarded"

    left = rows(mailing.world, select(MessageDecision).where(MessageDecision.applied_at.is_(None)))
    assert len(left) == 3
    assert rows(mailing.world, select(Decision)) == []


async def test_workflow_that_was_ended_is_started_again_and_takes_up_the_approval(mailing: Mailing, sink: Sink) -> None:
    mailing.cooling_off(2)
    message = await mailing.draft()
    await mailing.approve(message)
    await mailing.says(message, "it waits, and can be recalled")
    await mailing.handle(message).terminate("by accident")

    await mailing.start(mailing.order(message))

    assert await mailing.handle(message).result() == "sent"
    assert len(sink.mails(mailing.show(message)["recipient"])) == 1


async def test_draft_that_an_older_version_began_can_be_approved(idle_mailing: Mailing, sink: Sink) -> None:
    mailing = idle_mailing
    mailing.cooling_off(0)
    queue = mailing.world.settings.task_queue
    message = await mailing.draft()
    handle = mailing.handle(message)
    async with Worker(mailing.world.client, task_queue=queue, workflows=[OldOutboundMessage]):
        await until(lambda: handle.query("__temporal_workflow_metadata"))

    async with workers(mailing.world):
        await mailing.approve(message)
        assert await handle.result() == "sent"

    assert len(sink.mails(mailing.show(message)["recipient"])) == 1


@pytest.mark.parametrize("signal", ["send", "decide"])
async def test_history_of_an_older_version_replays(signal: str) -> None:
    """That version refused every signal but `withdraw`, also the ones that mean something now."""
    history = json.loads(Path(__file__).with_name("before_reviews.json").read_text())
    [sent] = [
        event["workflowExecutionSignaledEventAttributes"]
        for event in history["events"]
        if event.get("workflowExecutionSignaledEventAttributes", {}).get("signalName") == "send"
    ]
    sent["signalName"] = signal
    sent["input"]["payloads"][0]["data"] = base64.b64encode(f'{{"decision_id": "{uuid4()}"}}'.encode()).decode()

    await histories.replayer().replay_workflow(WorkflowHistory.from_json("old", history))


async def test_claims_and_decisions_leave_who_and_why_in_the_audit_trail(mailing: Mailing) -> None:
    mailing.cooling_off(600)
    message = await mailing.draft()
    decided = await mailing.approve(message)

    [event] = mailing.audit(message, "message_approved")
    assert (event.actor, event.detail["why"]) == ("mike", "as discussed")
    assert event.detail["decision_id"] == str(decided.decision_id)
    assert [one.actor for one in mailing.audit(message, "message_claimed")] == ["mike"]
    with transaction(mailing.world.engine) as session:
        assert review.text_of(session, mailing.row(message)).revision == event.detail["revision"]
