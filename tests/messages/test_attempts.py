"""The row keeps an attempt from going on that is too early, or that a later one has taken over from."""

from datetime import timedelta

import pytest

from credit.states import MessageVerdict
from db.act import Act
from db.engine import transaction
from db.messages import deliveries
from db.messages.deliveries import ACCEPTED, SupersededError
from tests.messages.mailing import Mailing

HOST = "example.com"


async def test_no_attempt_begins_before_the_cooling_off_is_over(idle_mailing: Mailing) -> None:
    mailing = idle_mailing
    mailing.cooling_off(60)
    message = await mailing.draft(start=False)
    mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE)
    send_after = mailing.row(message).send_after
    assert send_after is not None

    for early, begins in ((timedelta(seconds=1), False), (timedelta(0), True)):
        with transaction(mailing.world.engine) as session:
            attempt = deliveries.begin(Act.of_system(session, send_after - early), message, domain=HOST)
        assert (attempt is not None) is begins


async def test_attempt_that_was_taken_over_from_hands_nothing_over_and_changes_nothing(idle_mailing: Mailing) -> None:
    mailing = idle_mailing
    mailing.cooling_off(0)
    message = await mailing.draft(start=False)
    mailing.decide_and_tell_nobody(message, MessageVerdict.APPROVE)
    now = mailing.row(message).send_after
    assert now is not None
    with transaction(mailing.world.engine) as session:
        first = deliveries.begin(Act.of_system(session, now), message, domain=HOST)
    with transaction(mailing.world.engine) as session:
        second = deliveries.begin(Act.of_system(session, now), message, domain="other.example")
    assert first is not None
    assert second is not None
    assert second.message_id_header == first.message_id_header

    with pytest.raises(SupersededError), transaction(mailing.world.engine) as session:
        deliveries.hand_over(session, first.id, now)
    with transaction(mailing.world.engine) as session:
        deliveries.end(Act.of_system(session, now), first.id, ACCEPTED, "250 late")

    assert mailing.show(message)["delivery"] == "sending"
    assert len(mailing.audit(message, "message_answered_late")) == 1
