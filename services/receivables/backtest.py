"""Whom a changed policy would propose, beside today's: the scan's query under both, and nothing is written."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from credit import policy_change
from db import policies
from db.errors import BadInputError
from db.receivables import backtest
from services.receivables.answers import Backtest, Candidate


def run(session: Session, as_of: date, changes: Mapping[str, Any], now: datetime) -> Backtest:
    """Return whom the scan would propose on a day, today and with these fields of the policy changed.

    Raises:
        BadInputError: the policy cannot be changed so.
    """
    today = policies.current(session)[1]
    try:
        changed = policy_change.apply(today, changes)
    except policy_change.PolicyChangeError as error:
        raise BadInputError(str(error)) from None
    found = backtest.run(session, as_of, today=today, changed=changed, now=now)
    return Backtest(
        as_of=as_of,
        changed=policy_change.differences(today, changed),
        candidates_today=[Candidate.of(one) for one in found.today],
        candidates_changed=[Candidate.of(one) for one in found.changed],
        only_today=[one.customer_id for one in found.only_today],
        only_changed=[one.customer_id for one in found.only_changed],
    )
