"""People who stand in for one another, and moments of a proposal that come before their time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from credit.states import NotificationEvent, Verdict
from db.act import Act
from db.engine import transaction
from db.holds import deadlines, decisions, holds
from db.models import Absence, Approval, Decision, Notification
from db.people import absences
from tests.acting import acted
from tests.notifications.helpers import outbox
from tests.world import World

DAY = timedelta(days=1)


def away(world: World, login: str, delegate: str, **changes: Any) -> Absence:
    """Let somebody stand in: from an hour ago, for a month, where nothing else is said."""
    now = datetime.now(UTC)
    times = {
        "starts_at": now - timedelta(hours=1),
        "ends_at": now + 30 * DAY,
        "reason": "holiday",
        "is_admin": True,
    } | changes
    return acted(world.engine, "test", absences.add, login=login, delegate=delegate, **times)


def back(world: World, absence: Absence) -> None:
    with transaction(world.engine) as session:
        absences.end(Act(session, "test", datetime.now(UTC)), absences.get(session, absence.id))


def pass_by(world: World, hold_id: UUID, later: timedelta) -> None:
    """Do what is due `later` than now, as the workflow's look does."""
    with transaction(world.engine) as session:
        deadlines.pass_by(Act.of_system(session, datetime.now(UTC) + later), hold_id)


def told(world: World, event: NotificationEvent) -> list[str]:
    """Whom the outbox is to mail about it."""
    return sorted(row.recipient for row in outbox(world) if row.event == event)


def unsent(world: World, event: NotificationEvent) -> list[Notification]:
    return [row for row in outbox(world) if row.event == event and row.sent_at is None]


def decide(
    world: World, hold_id: UUID, actor: str, verdict: Verdict = Verdict.APPROVE, *, is_admin: bool = False
) -> Decision | decisions.FirstApproval:
    """Claim and decide; the claim is given back where it was refused."""
    now = datetime.now(UTC)
    with transaction(world.engine) as session:
        hold = holds.find(session, str(hold_id))
        claim, proposal = decisions.claim(Act(session, actor, now), hold)
        return decisions.decide(
            Act(session, actor, now),
            hold,
            claim_id=claim.id,
            revision=proposal.revision,
            verdict=verdict,
            reason="as discussed",
            is_admin=is_admin,
        )


def first_approval(world: World) -> Approval:
    with transaction(world.engine) as session:
        return session.scalars(select(Approval)).one()
