"""The one rule of eligibility, and the one query that it looks at."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.orm import Session

from credit.credit_hold import BlockSource
from credit.eligibility import BACK_OFFICE, FRONT_OFFICE, Action, Block, Standing, check
from credit.outcomes import ExceptionScope
from credit.policy import Policy
from credit.states import EntityStatus, HoldStatus
from db import policies, policy_change
from db.act import Act
from db.engine import transaction
from db.errors import UnknownCustomerError
from db.freight import accounting_profiles, eligibility
from db.models import Customer, Hold, HoldException
from tests.owner import as_owner
from tests.world import World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHO = "robin"
STRICT, PREPAID_PASSES = Policy(), Policy(prepaid_orders_pass=True)


def block(*tariffs: str, source: BlockSource = BlockSource.MANUAL) -> Block:
    return Block(uuid4(), "C", source, tariffs or None, "the note", None, NOW)


ALL, LTL = block(), block("LTL", "LTL-2")


@pytest.mark.parametrize(
    ("blocks", "action", "how", "policy", "allowed"),
    [
        pytest.param([], Action.ORDER, {}, STRICT, True, id="a free customer orders"),
        pytest.param([], Action.RATE, {}, STRICT, True, id="a free customer is rated"),
        pytest.param([], Action.ADVANCE_LOAD, {}, STRICT, True, id="a free customer's load advances"),
        pytest.param([ALL], Action.ORDER, {}, STRICT, False, id="a held customer orders nothing"),
        pytest.param([ALL], Action.RATE, {}, STRICT, False, id="a held customer is not rated"),
        pytest.param([ALL], Action.RATE, {"tariff": "FTL"}, STRICT, False, id="nor with any tariff by name"),
        pytest.param([ALL], Action.ADVANCE_LOAD, {}, STRICT, False, id="a held customer's load stops"),
        pytest.param([ALL], Action.ORDER, {"prepaid": True}, STRICT, False, id="paid in advance, policy says no"),
        pytest.param([ALL], Action.ORDER, {"prepaid": True}, PREPAID_PASSES, True, id="paid in advance passes"),
        pytest.param([ALL], Action.ORDER, {}, PREPAID_PASSES, False, id="that policy passes no other order"),
        pytest.param([ALL], Action.RATE, {"prepaid": True}, PREPAID_PASSES, False, id="nor a rating"),
        pytest.param([ALL], Action.ADVANCE_LOAD, {"prepaid": True}, PREPAID_PASSES, False, id="nor a load"),
        pytest.param([LTL], Action.ORDER, {}, STRICT, True, id="a named tariff stops no order"),
        pytest.param([LTL], Action.ADVANCE_LOAD, {"tariff": "LTL"}, STRICT, True, id="nor a load that it rated"),
        pytest.param([LTL], Action.RATE, {"tariff": "LTL"}, STRICT, False, id="it stops rating with it"),
        pytest.param([LTL], Action.RATE, {"tariff": "LTL-2"}, STRICT, False, id="and with its set's second"),
        pytest.param([LTL], Action.RATE, {"tariff": "FTL"}, STRICT, True, id="and with no other"),
        pytest.param([LTL], Action.RATE, {}, STRICT, True, id="at large the others are rated"),
    ],
)
def test_the_rule(
    blocks: list[Block], action: Action, how: dict[str, object], policy: Policy, *, allowed: bool
) -> None:
    found = check(Standing("C", EntityStatus.ACTIVE, blocks), action, policy, **how)
    assert found.allowed is allowed
    assert found.allowed or list(found.because) == blocks


@pytest.mark.parametrize("action", Action)
def test_the_flag_alone_holds_and_an_exception_lets_through(action: Action) -> None:
    flagged = check(Standing("C", EntityStatus.HOLD, []), action, STRICT)
    assert (flagged.allowed, list(flagged.because), flagged.why) == (False, [], "entitystatus is hold")
    assert check(Standing("C", EntityStatus.HOLD, [ALL], excepted=True), action, STRICT).allowed
    assert action.template == (BACK_OFFICE if action is Action.ADVANCE_LOAD else FRONT_OFFICE)


def test_what_refuses_is_named_by_source() -> None:
    blocks = [ALL, block(source=BlockSource.AUTO_APPLY)]
    found = check(Standing("C", EntityStatus.ACTIVE, blocks), Action.ORDER, STRICT)
    assert found.why == "Block All Tariffs (manual); Block All Tariffs (auto apply)"


def customer(session: Session, parent: str | None = None) -> str:
    name = f"C-{uuid4().hex[:8]}"
    session.add(Customer(id=name, name=name, netsuite_id=name, parent_id=parent))
    session.flush()
    return name


def set_policy(session: Session, **changes: object) -> None:
    changed = Policy.model_validate(policies.current(session)[1].model_dump() | changes)
    policy_change.change(Act(session, WHO, NOW), changed, note="for a test")


def labels(session: Session, name: str) -> list[str]:
    return [one.label for one in eligibility.read(session, name, NOW)[0].blocks]


def test_parents_block_for_all_tariffs_covers_the_family_only_where_the_policy_says_so(engine: Engine) -> None:
    with transaction(engine) as session:
        grandparent = customer(session)
        child = customer(session, customer(session, grandparent))
        accounting_profiles.add_entry(Act(session, WHO, NOW), grandparent, tariffs=["LTL"], note="")
        accounting_profiles.enter_credit_hold(Act(session, WHO, NOW), grandparent, note="")
        assert labels(session, child) == []
        set_policy(session, family_accounts_together=True)
        assert labels(session, child) == ["Block All Tariffs"]
        assert sorted(labels(session, grandparent)) == ["Block All Tariffs", "LTL"]
        with pytest.raises(UnknownCustomerError):
            eligibility.read(session, "nobody", NOW)


async def test_exception_counts_for_its_own_order_through_its_last_day(idle_world: World) -> None:
    """In the time zone of the policy's calendar; a load's is no order's, and one ended early counts no more."""
    held = idle_world.customer()
    with transaction(idle_world.engine) as session:
        about = {"status": HoldStatus.IN_FORCE, "reason": "x", "warnings": [], "run_id": "r"}
        hold = Hold(id=uuid4(), customer_id=held, proposed_at=NOW, **about)
        session.add(hold)
        session.flush()
        row = {"hold_id": hold.id, "reason": "x", "created_by": WHO, "created_at": NOW, "until": NOW.date()}
        one = {"id": uuid4(), "scope": ExceptionScope.ORDER, "reference": "ORD-1"}
        session.execute(insert(HoldException).values(**row, **one))

        def excepted(reference: str, scope: ExceptionScope = ExceptionScope.ORDER, at: datetime = NOW) -> bool:
            return eligibility.read(session, held, at, scope=scope, reference=reference)[0].excepted

        assert excepted("ORD-1")
        assert not excepted("ORD-2")
        assert not excepted("")
        assert not excepted("ORD-1", ExceptionScope.LOAD)
        assert not excepted("ORD-1", at=NOW + timedelta(days=1))
        session.execute(update(HoldException).values(ended_at=NOW, ended_by=WHO, end_reason="x"))
        assert not excepted("ORD-1")


_MANY = """
INSERT INTO customers (id, name, netsuite_id, parent_id)
SELECT 'M-' || n, 'Many ' || n, 'M-' || n, CASE WHEN n % 10 = 0 THEN 'M-' || n - 1 END FROM generate_series(1, 20000) n;
INSERT INTO credit_hold_entries (id, customer_id, source, note, created_by, created_at, ended_at, ended_by, end_reason)
SELECT gen_random_uuid(), 'M-' || n, 'manual', '', 'test', now(), now(), 'test', 'x' FROM generate_series(1, 20000) n;
INSERT INTO credit_hold_entries (id, customer_id, source, note, created_by, created_at)
SELECT gen_random_uuid(), 'M-' || n, 'manual', '', 'test', now() FROM generate_series(1, 20000, 4) n;
INSERT INTO holds (id, customer_id, status, reason, warnings, run_id, proposed_at)
SELECT gen_random_uuid(), 'M-' || n, 'in_force', 'x', '[]', 'r', now() FROM generate_series(1, 20000, 4) n;
INSERT INTO hold_exceptions (id, hold_id, scope, reference, reason, until, created_by, created_at)
SELECT gen_random_uuid(), id, 'order', customer_id, 'x', current_date, 'test', now() FROM holds;
ANALYZE customers, credit_hold_entries, holds, hold_exceptions, policies;
"""


@pytest.mark.parametrize("together", [False, True])
def test_hot_path_reads_by_indexes_alone(engine: Engine, *, together: bool) -> None:
    """The policy's few rows may be read whole: they are one page."""
    with as_owner(engine) as session:
        set_policy(session, family_accounts_together=together)
        session.execute(text(_MANY))
        values = {"customer_ids": ["M-10"], "reference": "M-10", "scope": "order"}
        plan = session.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {eligibility.STANDING.text}"), values).scalar_one()
    whole = json.dumps(plan)
    scanned = {node["Relation Name"] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"policies"}, whole
    assert '"Relation Name": "credit_hold_entries"' in whole
    assert plan[0]["Execution Time"] < 20


def nodes(node: dict) -> list[dict]:  # type: ignore[type-arg]  # PostgreSQL's own shape
    return [node, *(found for child in node.get("Plans", ()) for found in nodes(child))]
