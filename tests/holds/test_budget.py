"""What a whole hold may cost, counted: statements and commits of its activities, and the events of its history."""

from collections import Counter

from sqlalchemy import event
from temporalio import activity
from temporalio.api.enums.v1 import EventType

from tests.holds.helpers import in_force
from tests.world import World

STATEMENTS = {
    "open_hold": 18,
    "settle_decision": 24,
    "flag_customer": 21,
    "draft_message": 32,  # both messages
    "push_netsuite": 19,
    "put_in_force": 7,
    "read_message": 4,  # both messages
}
COMMITS = {
    "open_hold": 1,
    "settle_decision": 1,
    "flag_customer": 1,
    "draft_message": 2,
    "push_netsuite": 4,
    "put_in_force": 1,
    "read_message": 2,
}
EVENTS = 80


async def test_a_hold_from_its_trigger_to_in_force_keeps_its_budget(world: World) -> None:
    await in_force(world, world.customer())  # what is compiled and remembered once is not the next one's cost
    statements, commits = Counter[str](), Counter[str]()

    def count_statement(*_: object) -> None:
        if activity.in_activity():
            statements[activity.info().activity_type] += 1

    def count_commit(*_: object) -> None:
        if activity.in_activity():
            commits[activity.info().activity_type] += 1

    event.listen(world.engine, "before_cursor_execute", count_statement)
    event.listen(world.engine, "commit", count_commit)
    customer = world.customer()
    await in_force(world, customer)
    await world.eventually(lambda: statements["read_message"] >= STATEMENTS["read_message"])
    event.remove(world.engine, "before_cursor_execute", count_statement)
    event.remove(world.engine, "commit", count_commit)

    assert dict(statements) == STATEMENTS, "fewer is a reason to say so here, more one to think again"
    assert dict(commits) == COMMITS
    history = await world.workflow(customer).fetch_history()
    assert len(history.events) <= EVENTS, Counter(EventType.Name(one.event_type) for one in history.events)
