"""One hold, from a trigger to in force."""

from sqlalchemy import select

from db.engine import transaction
from db.models import AutoDecision, ReflexionLog
from tests.world import World


async def test_approved_hold_runs_all_four_beats(world: World) -> None:
    customer = world.customer()

    started = await world.start(customer)
    assert started.created
    assert world.show(customer)["status"] == "proposed"
    assert world.customer_row(customer).entitystatus == "active"
    assert world.sandbox.ledger(customer) == []

    await world.approve(customer)
    hold = await world.shown_in_status(customer, "in_force")

    assert world.customer_row(customer).entitystatus == "hold"
    await world.eventually(lambda: world.beat(customer, "push_netsuite")["status"] == "done")
    hold = world.show(customer)
    assert [beat["status"] for beat in hold["beats"]] == ["done"] * 4
    assert [row["body"] for row in world.sandbox.applied(customer)] == [{"creditHoldOverride": {"id": "ON"}}]
    assert (hold["netsuite"]["prior"], hold["netsuite"]["value"]) == ("AUTO", "ON")
    assert {(m["kind"], m["status"]) for m in hold["messages"]} == {
        ("sales_rep", "pending_review"),
        ("customer_notice", "pending_review"),
    }
    with transaction(world.engine) as session:
        decision = session.scalars(select(AutoDecision).where(AutoDecision.customer_id == customer)).one()
        assert (decision.verdict, decision.decided_by) == ("approve", "mike")
        lesson = session.scalars(select(ReflexionLog)).one()
        assert lesson.tags == f"service_hold,customer:{customer}"
