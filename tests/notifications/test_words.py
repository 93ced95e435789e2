"""Each notice says what is proposed, its own reason, who asked, on what occasion, and what holds meanwhile.

The cases are made of the enums: a new kind, occasion or event without its sentences and its way here is red.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from credit import notices
from credit.notices import Occasion, ToDecide
from credit.states import (
    HoldStatus,
    NotificationChannel,
    NotificationEvent,
    ProposalKind,
    ReleaseCause,
    Verdict,
)
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.holds import decisions, drift, holds, proposals, releases
from db.models import NetSuiteDrift, Notification
from services.notifier import _NOTICES, _notice
from tests.deadlines.helpers import DAY, pass_by
from tests.holds.helpers import pay
from tests.notifications.helpers import decide, outbox, person, propose
from tests.world import World

PLACE, RELEASE, REPAIR = ProposalKind.PLACE, ProposalKind.RELEASE, ProposalKind.REPAIR

WHAT = {PLACE: "hold for ", RELEASE: "release for ", REPAIR: "NetSuite repair for "}
WHY = {PLACE: "they do not answer the phone", RELEASE: "paid in full", REPAIR: "NetSuite says OFF for customer N-"}
ASKED = {PLACE: "robin", RELEASE: "rita", REPAIR: "the system"}
MEANWHILE = {
    PLACE: "Nothing happens to the customer before somebody decides.",
    RELEASE: "The hold stays in force before a release is approved",
    REPAIR: "The customer stays on hold here",
}
HEADED = {
    Occasion.NEW: "To decide: ",
    Occasion.WEAKENED: "Back to decide, the case weakened: ",
    Occasion.UNDONE: "Back to decide, the approval was undone: ",
}
ENDED = {
    (PLACE, Verdict.APPROVE): "new orders, rates and loads stop",
    (PLACE, Verdict.DECLINE): "No hold is placed.",
    (RELEASE, Verdict.APPROVE): "The hold is lifted.",
    (RELEASE, Verdict.DECLINE): "The hold stays in force.",
    (REPAIR, Verdict.APPROVE): "NetSuite is written again.",
    (REPAIR, Verdict.DECLINE): "What NetSuite says is accepted.",
}
EXPIRED = {PLACE: "No hold was placed.", RELEASE: "The hold stays in force.", REPAIR: "NetSuite stays as it is"}
NEVER = {(RELEASE, Occasion.WEAKENED), (REPAIR, Occasion.WEAKENED)}
"""Only a hold's approval is given back for a weakened case."""


def now() -> datetime:
    return datetime.now(UTC)


def in_force(world: World, customer: str | None = None) -> UUID:
    hold_id = propose(world, customer, reason=WHY[PLACE])
    assert decide(world, hold_id, Verdict.APPROVE) == "approved"
    with transaction(world.engine) as session:
        decisions.put_in_force(Act.of_system(session, now()), hold_id=hold_id)
    return hold_id


def ask_for_release(session: Session, hold_id: UUID, actor: str = "rita", reason: str = WHY[RELEASE]) -> None:
    releases.request(Act(session, actor, now()), hold_id, f"{actor}/{reason}", ReleaseCause.PERSON, reason)


def for_place(world: World, customer: str) -> UUID:
    return propose(world, customer, reason=WHY[PLACE])


def for_release(world: World, customer: str) -> UUID:
    hold_id = in_force(world, customer)
    with transaction(world.engine) as session:
        ask_for_release(session, hold_id)
    return hold_id


def for_repair(world: World, customer: str) -> UUID:
    hold_id = in_force(world, customer)
    with transaction(world.engine) as session:
        session.add(
            NetSuiteDrift(
                netsuite_id=f"N-{customer}",
                hold_id=hold_id,
                generation=1,
                expected="ON",
                found="OFF",
                first_seen_at=now(),
                last_seen_at=now(),
            )
        )
        session.flush()
        drift.propose_repair(Act.of_system(session, now()), hold_id)
    return hold_id


PROPOSED: dict[ProposalKind, Callable[[World, str], UUID]] = {
    PLACE: for_place,
    RELEASE: for_release,
    REPAIR: for_repair,
}


def leave(world: World, customer: str, hold_id: UUID) -> None:
    """New: nothing more happens."""


def weaken(world: World, customer: str, hold_id: UUID) -> None:
    pay(world, customer, "10000")
    assert decide(world, hold_id, Verdict.APPROVE) == "returned"


def undo(world: World, customer: str, hold_id: UUID) -> None:
    world.set_policy(approval_undo=timedelta(minutes=5))
    assert decide(world, hold_id, Verdict.APPROVE) == "waiting"
    with transaction(world.engine) as session:
        decisions.undo(Act(session, "mike", now()), holds.find(session, str(hold_id)), reason="the wrong one")


HAPPENS = {Occasion.NEW: leave, Occasion.WEAKENED: weaken, Occasion.UNDONE: undo}


def told(world: World, event: NotificationEvent) -> tuple[str, str]:
    """The newest notice of this kind as a mail's subject and text."""
    rows = [row for row in outbox(world, NotificationChannel.WEBHOOK) if row.event == event]
    return notices.mail([_notice(rows[-1])], "https://desk.example.test")


def others(text: str, kind: ProposalKind) -> list[str]:
    """What another kind of proposal would have given as its reason."""
    return [why for other, why in WHY.items() if other is not kind and why in text]


@pytest.mark.parametrize(
    ("kind", "occasion"),
    [(kind, occasion) for kind in ProposalKind for occasion in Occasion if (kind, occasion) not in NEVER],
)
def test_approvers_are_told_what_is_proposed_and_why(idle_world: World, kind: ProposalKind, occasion: Occasion) -> None:
    world = idle_world
    customer = world.customer(in_netsuite=False)
    HAPPENS[occasion](world, customer, PROPOSED[kind](world, customer))

    subject, text = told(world, NotificationEvent.PROPOSAL_OPENED)

    assert subject.startswith(HEADED[occasion] + WHAT[kind])
    assert f"Why:       {WHY[kind]}" in text
    assert f"Asked by:  {ASKED[kind]}\n" in text
    assert others(text, kind) == []
    assert MEANWHILE[kind] in text
    assert ("Undone:    mike: the wrong one" in text) is (occasion is Occasion.UNDONE)
    assert ("Changed:   " in text) is (occasion is Occasion.WEAKENED)
    [data] = [row.payload for row in outbox(world, NotificationChannel.WEBHOOK) if row.event == "proposal.opened"][-1:]
    assert (data["kind"], data["occasion"]) == (kind, occasion)
    assert data["reason"].startswith(WHY[kind])
    assert data["asked_by"] == ("service-holds" if kind is REPAIR else ASKED[kind])


def remind(world: World, hold_id: UUID) -> None:
    pass_by(world, hold_id, 3 * DAY)


def escalate(world: World, hold_id: UUID) -> None:
    pass_by(world, hold_id, 6 * DAY)


def expire(world: World, hold_id: UUID) -> None:
    with transaction(world.engine) as session:
        proposal, at = holds.newest_proposal(session, hold_id), now() + 30 * DAY
        assert proposals.settle_undecided(
            Act.of_system(session, at), hold_id=hold_id, proposal_id=proposal.id, ending=HoldStatus.EXPIRED
        )


WAITED: dict[NotificationEvent, tuple[Callable[[World, UUID], None], str]] = {
    NotificationEvent.PROPOSAL_REMINDED: (remind, "Still to decide: "),
    NotificationEvent.PROPOSAL_ESCALATED: (escalate, "Escalated to credit management: "),
    NotificationEvent.PROPOSAL_EXPIRED: (expire, "Expired undecided: "),
}
COVERED = {
    NotificationEvent.PROPOSAL_OPENED,
    NotificationEvent.PROPOSAL_DECIDED,
    NotificationEvent.HOLD_RELEASED,
}


@pytest.mark.parametrize("kind", list(ProposalKind))
@pytest.mark.parametrize("event", [event for event in NotificationEvent if event not in COVERED])
def test_what_waits_is_told_of_by_its_kind_and_reason(
    idle_world: World, event: NotificationEvent, kind: ProposalKind
) -> None:
    world = idle_world
    hold_id = PROPOSED[kind](world, world.customer(in_netsuite=False))
    happen, headed = WAITED[event]
    happen(world, hold_id)

    subject, text = told(world, event)

    assert subject.startswith(headed + WHAT[kind])
    assert f"Why:       {WHY[kind]}" in text
    assert f"Asked by:  {ASKED[kind]}\n" in text
    assert others(text, kind) == []
    if event is NotificationEvent.PROPOSAL_EXPIRED:
        assert EXPIRED[kind] in text
    else:
        assert "If nobody decides by then it expires: nothing is approved" in text


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("kind", list(ProposalKind))
def test_who_asked_is_told_what_was_decided_of_it(idle_world: World, kind: ProposalKind, verdict: Verdict) -> None:
    world = idle_world
    asking = {login: person(world, login, "requester") for login in ("robin", "rita")}
    hold_id = PROPOSED[kind](world, world.customer(in_netsuite=False))
    decide(world, hold_id, verdict)

    subject, text = told(world, NotificationEvent.PROPOSAL_DECIDED)

    assert subject.startswith(f"{'Approved' if verdict is Verdict.APPROVE else 'Declined'}: {WHAT[kind]}")
    assert f"Asked for: {WHY[kind]}" in text
    assert f"Verdict:   {verdict}d by mike on " in text
    assert "Why:       they promised to pay" in text
    assert ENDED[kind, verdict] in text
    mailed = [row.recipient for row in outbox(world) if row.event == "proposal.decided" and row.payload["kind"] == kind]
    assert mailed == ([] if kind is REPAIR else [asking[ASKED[kind]]])


def test_every_notice_has_words_for_every_kind() -> None:
    assert set(_NOTICES) == set(NotificationEvent)
    assert set(notices._WORDS) == set(ProposalKind)


def test_a_customer_that_is_blocked_already_is_not_said_to_be_untouched(idle_world: World) -> None:
    world = idle_world
    for kind in (PLACE, RELEASE):
        customer = world.customer(in_netsuite=False)
        hold_id = None if kind is PLACE else in_force(world, customer)
        with transaction(world.engine) as session:
            accounting_profiles.add_entry(Act(session, "olga", now()), customer, tariffs=None, note="a cheque bounced")
        if hold_id is None:
            propose(world, customer)
            said = "The customer is on credit hold already: by hand: a cheque bounced. Nothing else happens"
        else:
            with transaction(world.engine) as session:
                ask_for_release(session, hold_id)
            said = "Whatever becomes of this hold, the customer stays on credit hold: by hand: a cheque bounced."
        _, text = told(world, NotificationEvent.PROPOSAL_OPENED)
        assert said in text
        assert "Nothing happens to the customer" not in text


def test_who_joined_in_asking_for_a_release_is_told_too(idle_world: World) -> None:
    world = idle_world
    asking = {person(world, login, "requester") for login in ("rita", "rob")}
    hold_id = for_release(world, world.customer(in_netsuite=False))
    with transaction(world.engine) as session:
        ask_for_release(session, hold_id, "rob", "a bank guarantee came")
    decide(world, hold_id, Verdict.APPROVE)

    decided = [row for row in outbox(world) if row.event == "proposal.decided" and row.payload["kind"] == RELEASE]
    assert {row.recipient for row in decided} == asking


def test_kind_12_everybody_who_asked_for_a_release_is_told_that_it_is_carried_out(idle_world: World) -> None:
    world = idle_world
    person(world, "mike")
    asking = {person(world, login, "requester") for login in ("rita", "rob")}
    hold_id = for_release(world, world.customer(in_netsuite=False))
    with transaction(world.engine) as session:
        for asker in ("rob", "mike"):
            ask_for_release(session, hold_id, asker, "a bank guarantee came")
        # what a program asks for, or the system, tells nobody
        releases.request(Act.of_system(session, now()), hold_id, "paid", ReleaseCause.PAYMENT, "paid in full")
    decide(world, hold_id, Verdict.APPROVE)
    for _ in range(2):
        with transaction(world.engine) as session:
            releases.finish(Act.of_system(session, now()), hold_id)

    subject, text = told(world, NotificationEvent.HOLD_RELEASED)

    assert subject.startswith("Carried out: release for ")
    assert f"Asked for: {WHY[RELEASE]}" in text
    assert "The hold is lifted, and NetSuite has its prior value again." in text
    assert {row.recipient for row in outbox(world) if row.event == "hold.released"} == asking


def test_kind_12_who_joined_in_asking_for_a_release_is_told_that_it_expired(idle_world: World) -> None:
    world = idle_world
    asking = {person(world, login, "requester") for login in ("rita", "rob")}
    hold_id = for_release(world, world.customer(in_netsuite=False))
    with transaction(world.engine) as session:
        ask_for_release(session, hold_id, "rob", "a bank guarantee came")
    expire(world, hold_id)

    assert {row.recipient for row in outbox(world) if row.event == "proposal.expired"} == asking


@pytest.mark.parametrize("kind", [RELEASE, REPAIR])
def test_what_is_withdrawn_is_not_told_of_as_waiting(idle_world: World, kind: ProposalKind) -> None:
    world = idle_world
    person(world, "mike")
    hold_id = PROPOSED[kind](world, world.customer(in_netsuite=False))
    remind(world, hold_id)
    assert {row.event for row in outbox(world)} == {"proposal.opened", "proposal.reminded"}

    with transaction(world.engine) as session:
        hold = holds.lock(session, hold_id)
        if kind is RELEASE:
            releases.withdraw(
                Act.of_system(session, now()), hold, holds.newest_proposal(session, hold_id), "paid no more"
            )
        else:
            drift.withdraw_repair(Act.of_system(session, now()), hold, "a release was asked for")

    assert outbox(world) == []


def test_the_next_note_says_what_was_decided_before(idle_world: World) -> None:
    """An approved release is no approved hold."""
    world = idle_world
    customer = world.customer(in_netsuite=False)
    hold_id = for_release(world, customer)
    assert decide(world, hold_id, Verdict.APPROVE) == "approved"
    with transaction(world.engine) as session:
        releases.finish(Act.of_system(session, now()), hold_id)
    again = propose(world, customer)

    note = str(world.show(again)["proposal"]["note"])
    assert [line.split(" on ")[0] for line in note.splitlines() if line.startswith("Decided before")] == [
        "Decided before: release approved",
        "Decided before: hold approved",
    ]


# --- written by the version before -------------------------------------------------------------------------------

BEFORE = {"proposal_id", "held_besides"}
"""What it did not write of what is to be decided."""


@pytest.mark.parametrize("kind", list(ProposalKind))
def test_a_notice_that_the_version_before_wrote_claims_nothing_it_could_not_know(
    idle_world: World, kind: ProposalKind
) -> None:
    """It gave a release and a repair the hold's reason, `undone`, and for a repair the hold's asker."""
    world = idle_world
    PROPOSED[kind](world, world.customer(in_netsuite=False))
    row: Notification = [
        one for one in outbox(world, NotificationChannel.WEBHOOK) if one.event == NotificationEvent.PROPOSAL_OPENED
    ][-1]
    payload = {name: value for name, value in row.payload.items() if name not in BEFORE}
    if kind is not PLACE:
        payload |= {"occasion": "undone", "reason": WHY[PLACE]}
    if kind is REPAIR:
        payload |= {"asked_by": "robin"}
    row.payload = payload

    notice = _notice(row)
    subject, text = notices.mail([notice], "")

    assert isinstance(notice, ToDecide)
    assert subject.startswith("To decide: " + WHAT[kind])
    assert f"Asked by:  {ASKED[kind]}\n" in text
    assert others(text, kind) == []
    assert MEANWHILE[kind] in text
