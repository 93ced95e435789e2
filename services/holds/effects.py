"""What deciding about a hold would do, as the record is now: for whoever is about to decide, on every way."""

from datetime import datetime

from sqlalchemy.orm import Session

from credit import facts
from credit.credit_hold import BlockSource
from credit.effects import Case, effects
from credit.states import Verdict
from credit.wording import counted
from db import netsuite, policies
from db.freight import eligibility
from db.holds import hold_page
from db.models import Hold, Proposal


def of_deciding(session: Session, hold: Hold, proposal: Proposal, now: datetime) -> dict[Verdict, list[str]]:
    """Return what each verdict about a proposal does, in sentences, the heaviest first."""
    stays = eligibility.causes_besides(session, hold, now)
    owed = facts.Facts.model_validate(proposal.facts)
    age = f", {counted(owed.days_overdue, 'day')} overdue" if owed.days_overdue else ""
    record, drift = netsuite.record_of(session, hold.id), hold_page.standing_drift(session, hold.id)
    case = Case(
        kind=proposal.kind,
        netsuite_prior=record.prior if record else None,
        netsuite_wanted=drift.expected if drift else None,
        netsuite_found=drift.found if drift else None,
        stays=[f"{block.source.label}: {block.note}" for block in stays],
        still_open=f"{owed.total_open:,.2f} {owed.currency}{age}" if owed.total_open > 0 else "",
        auto_applied=any(block.source is BlockSource.AUTO_APPLY for block in stays),
    )
    _, policy = policies.current(session)
    return {verdict: effects(case, verdict, policy) for verdict in Verdict}
