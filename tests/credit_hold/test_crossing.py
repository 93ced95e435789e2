"""What a crossed limit does, in SQL and by the rule: the two say the same, whatever was so before."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from credit.credit_hold import BlockSource
from credit.credit_limit import (
    Chosen,
    Consequence,
    LimitCause,
    LimitState,
    consequence,
    is_crossed,
    is_override,
    state_of,
)
from db.act import Act
from db.engine import transaction
from db.freight import credit_limits
from db.models import AccountingProfile, CreditHoldEntry, Customer, Invoice, LimitTransition
from tests.credit_hold.accounts import DUE, NOW, WHO, organisation

NAME = "C-1"
cents = st.integers(0, 300).map(lambda amount: Decimal(amount) / 100)


@pytest.fixture
def one(engine: Engine) -> Iterator[Session]:
    with transaction(engine) as session:
        session.add(Customer(id=NAME, name=NAME, netsuite_id=NAME))
        session.flush()
        yield session


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(
    before=st.none() | st.sampled_from(LimitState),
    owed=cents,
    limit=st.none() | cents,
    chosen=st.builds(Chosen, st.booleans(), st.booleans()),
    has_auto_entry=st.booleans(),
    taken_out=st.booleans(),
)
def test_crossing_in_sql_is_what_the_rule_says(
    one: Session,
    before: LimitState | None,
    owed: Decimal,
    limit: Decimal | None,
    chosen: Chosen,
    has_auto_entry: bool,  # noqa: FBT001
    taken_out: bool,  # noqa: FBT001
) -> None:
    for table in (CreditHoldEntry, LimitTransition, AccountingProfile, Invoice):
        one.execute(delete(table))
    organisation(one, auto_apply_credit_hold=chosen.auto_apply, auto_lift_credit_hold=chosen.auto_lift)
    overridden = is_override(before, left_credit_hold=taken_out)
    by = {"overridden_at": NOW, "overridden_by": WHO, "override_reason": "by phone"} if overridden else {}
    one.add(AccountingProfile(customer_id=NAME, credit_limit=limit, limit_state=before, **by))
    one.flush()
    if has_auto_entry:
        made = {"customer_id": NAME, "note": "", "created_by": WHO, "created_at": NOW}
        one.add(CreditHoldEntry(source=BlockSource.AUTO_APPLY, **made))
    source = {"customer_id": NAME, "source_amount": owed, "source_currency": "USD"}
    one.add(Invoice(id="I", due_date=DUE, amount_open=owed, **source))

    crossed = credit_limits.evaluate(Act(one, WHO, NOW), [NAME], cause=LimitCause.INVOICE)

    after = state_of(owed, limit)
    expected = consequence(after, chosen, has_auto_entry=has_auto_entry)
    happened = [(row.after, Consequence(row.applied, row.lifted)) for row in crossed]
    assert happened == ([(after, expected)] if is_crossed(before, after) else [])
    lifted = bool(happened) and expected.lifted
    applied = bool(happened) and expected.applied
    live = one.scalars(select(CreditHoldEntry).where(CreditHoldEntry.ended_at.is_(None))).all()
    assert len(live) == (has_auto_entry or applied) - lifted
    profile = one.get_one(AccountingProfile, NAME)
    assert profile.limit_state is after
    assert (profile.overridden_at is not None) is (overridden and is_override(after, left_credit_hold=True))
