"""Claim, edit, approve or discard exactly the revision shown: the row decides, whoever races."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from credit.states import HoldStatus, MessageVerdict, TextFormat
from db.engine import transaction
from db.errors import (
    BadInputError,
    ClaimedByAnotherError,
    ClaimLostError,
    MessageClosedError,
    RefusedError,
    StaleRevisionError,
    UnknownMessageError,
)
from db.messages import messages
from db.models import Claim, MessageDecision, MessageRevision
from services.messages.answers import MessageList
from tests.holds.helpers import rows
from tests.messages.mailing import Mailing
from tests.owner import as_owner


async def test_edit_makes_a_revision_and_says_who_changed_what(mailing: Mailing) -> None:
    message = await mailing.draft()

    await mailing.edit(message, body="Please **pay**.\r\nToday.", format=TextFormat.MARKDOWN, recipient=" a@x.example ")

    shown = mailing.show(message)
    assert (shown["revision"], shown["body"], shown["recipient"]) == (2, "Please **pay**.\nToday.", "a@x.example")
    assert [(one["revision"], one["editor"], one["format"]) for one in shown["revisions"]] == [
        (1, "service-holds", "text"),
        (2, "ann", "markdown"),
    ]
    [event] = mailing.audit(message, "message_edited")
    assert (event.actor, event.detail["changed"]) == ("ann", ["body", "recipient", "format"])
    assert (event.detail["before"]["revision"], event.detail["after"]["revision"]) == (1, 2)
    assert event.detail["after"]["recipient"] == "a@x.example"


async def test_edit_that_changes_nothing_makes_no_revision(mailing: Mailing) -> None:
    message = await mailing.draft()

    assert (await mailing.edit(message)).revision == 1
    assert mailing.audit(message, "message_edited") == []


async def test_edit_of_another_revision_than_the_newest_is_refused(mailing: Mailing) -> None:
    message = await mailing.draft()
    await mailing.edit(message, subject="First")

    with pytest.raises(StaleRevisionError):
        await mailing.edit(message, revision=1, subject="Second")

    assert mailing.show(message)["subject"] == "First"


async def test_message_that_another_reviews_cannot_be_edited(mailing: Mailing) -> None:
    message = await mailing.draft()
    claim, _ = await mailing.operations.claim(message, actor="mike")

    with pytest.raises(ClaimedByAnotherError, match="claimed by mike"):
        await mailing.edit(message, actor="ann", subject="Mine")
    assert (await mailing.edit(message, actor="mike", subject="Mine")).revision == 2

    await mailing.operations.release_claim(claim.id, actor="mike")
    assert (await mailing.edit(message, actor="ann", subject="Ours")).revision == 3


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"subject": " "}, "the subject is empty"),
        ({"subject": "Hold\r\nBcc: all@example.com"}, "one line"),
        ({"subject": "Hold\u2028Bcc: all@example.com"}, "line separator"),
        ({"subject": "x" * 201}, "shorten it"),
        ({"body": " \n "}, "the text is empty"),
        ({"body": "x" * 100_001}, "shorten it"),
        ({"body": "a\x00b"}, "invisible character"),
        ({"recipient": "not an address"}, "not an e-mail address"),
        ({"recipient": "a@b.example, c@d.example"}, "one address"),
        ({"recipient": "a@b.example\r\nBcc: c@d.example"}, "not an e-mail address"),
        ({"recipient": "a@localhost"}, "not an e-mail address"),
    ],
)
async def test_what_mail_cannot_carry_is_refused_with_advice(
    idle_mailing: Mailing, changes: dict[str, str], advice: str
) -> None:
    message = await idle_mailing.draft(start=False)

    with pytest.raises(BadInputError, match=advice):
        await idle_mailing.edit(message, **changes)

    assert idle_mailing.show(message)["revision"] == 1


async def test_approval_of_a_revision_that_was_changed_meanwhile_is_refused(mailing: Mailing) -> None:
    message = await mailing.draft()
    claim, shown = await mailing.operations.claim(message, actor="mike")
    await mailing.edit(message, actor="mike", body="Something else")

    with pytest.raises(StaleRevisionError):
        await mailing.operations.decide(
            message,
            claim_id=claim.id,
            revision=shown.revision - 1,
            verdict=MessageVerdict.APPROVE,
            reason="",
            actor="mike",
        )

    assert mailing.show(message)["status"] == "pending_review"


async def test_two_people_race_for_one_message_and_one_wins(mailing: Mailing) -> None:
    message = await mailing.draft()
    names = [f"person-{number}" for number in range(8)]

    tried = await asyncio.gather(
        *(mailing.operations.claim(message, actor=name) for name in names), return_exceptions=True
    )

    assert sum(isinstance(one, tuple) for one in tried) == 1
    assert sum(isinstance(one, ClaimedByAnotherError) for one in tried) == 7
    assert mailing.show(message)["claimed_by"] in names


async def test_same_approval_sent_many_times_at_once_is_one_decision(mailing: Mailing) -> None:
    mailing.cooling_off(600)
    message = await mailing.draft()
    claim, shown = await mailing.operations.claim(message, actor="mike")

    def once() -> object:
        return mailing.operations.decide(
            message,
            claim_id=claim.id,
            revision=shown.revision,
            verdict=MessageVerdict.APPROVE,
            reason="",
            actor="mike",
        )

    tried = await asyncio.gather(*(once() for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(one, RefusedError) for one in tried) == 19
    assert len(rows(mailing.world, select(MessageDecision))) == 1


async def test_claim_of_another_or_of_nothing_or_run_out_entitles_to_nothing(mailing: Mailing) -> None:
    message, other = await mailing.draft(), await mailing.draft()
    claim, _ = await mailing.operations.claim(message, actor="mike")
    how = {"revision": 1, "verdict": MessageVerdict.DISCARD, "reason": ""}

    for changes, target in (
        ({"claim_id": claim.id, "actor": "ann"}, message),
        ({"claim_id": uuid4(), "actor": "mike"}, message),
        ({"claim_id": claim.id, "actor": "mike"}, other),
    ):
        with pytest.raises(ClaimLostError):
            await mailing.operations.decide(target, **how, **changes)
    with transaction(mailing.world.engine) as session:
        row = session.get_one(Claim, claim.id)
        row.claimed_at, row.expires_at = row.claimed_at - timedelta(hours=1), datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(ClaimLostError, match="lease"):
        await mailing.operations.decide(message, claim_id=claim.id, actor="mike", **how)
    fresh, _ = await mailing.operations.claim(message, actor="ann")
    assert fresh.holder == "ann"


@pytest.mark.parametrize("recipient", [None, "nonsense"])
async def test_message_without_a_usable_recipient_cannot_be_approved_before_one_is_filled_in(
    mailing: Mailing, recipient: str | None
) -> None:
    mailing.cooling_off(600)
    message = await mailing.draft(recipient=recipient)

    with pytest.raises(BadInputError):
        await mailing.approve(message)

    await mailing.edit(message, actor="mike", recipient="ap@example.test")
    assert (await mailing.approve(message)).status == "approved"


async def test_message_of_a_hold_that_is_over_cannot_be_approved(mailing: Mailing) -> None:
    message = await mailing.draft()
    mailing.end_hold(message, HoldStatus.RELEASING)

    with pytest.raises(MessageClosedError, match="its hold is over"):
        await mailing.approve(message)


async def test_approved_message_has_to_be_recalled_before_it_is_edited(mailing: Mailing) -> None:
    mailing.cooling_off(600)
    message = await mailing.draft()
    await mailing.approve(message)

    with pytest.raises(MessageClosedError):
        await mailing.edit(message, subject="Too late")
    with pytest.raises(MessageClosedError):
        await mailing.operations.claim(message, actor="ann")

    await mailing.operations.recall(message, actor="ann", reason="a wrong amount")
    assert (await mailing.edit(message, subject="In time")).revision == 2


async def test_unknown_message_is_refused(mailing: Mailing) -> None:
    with pytest.raises(UnknownMessageError):
        await mailing.operations.claim(uuid4(), actor="mike")


async def test_list_shows_who_reviews_what_and_goes_on_page_by_page(mailing: Mailing) -> None:
    mailing.cooling_off(600)
    made = [await mailing.draft() for _ in range(3)]
    await mailing.operations.claim(made[0], actor="mike")
    await mailing.approve(made[1])

    with transaction(mailing.world.engine) as session:
        first = messages.listed(session, limit=2)
        rest = messages.listed(session, limit=2, after=(first[-1].drafted_at, first[-1].id))
        document = MessageList.of(session, [*first, *rest], datetime.now(UTC)).document()["messages"]

    assert [one["id"] for one in document] == [str(one) for one in made]
    assert [one["claimed_by"] for one in document] == ["mike", None, None]
    assert [one["approved_by"] for one in document] == [None, "mike", None]
    assert [one["delivery"] for one in document] == [None, "cooling_off", None]


async def test_revisions_cannot_be_changed_afterwards(mailing: Mailing) -> None:
    message = await mailing.draft()
    with pytest.raises(Exception, match="permission denied"), transaction(mailing.world.engine) as session:
        session.get_one(MessageRevision, (message, 1)).body = "forged"
    with pytest.raises(Exception, match="append-only"), as_owner(mailing.world.engine) as session:
        session.get_one(MessageRevision, (message, 1)).body = "forged"
