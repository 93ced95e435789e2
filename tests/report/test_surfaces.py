"""The report where people and programs meet it: the command, the desk's API and Prometheus."""

from datetime import UTC, date, datetime, timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from credit.permissions import Role
from credit.states import Beat, ProposalKind
from db.engine import transaction
from db.holds import report
from desk.formats import cause_name
from runtime.metrics import Metrics
from tests.admission.cli import Program, token
from tests.holds.helpers import in_force
from tests.report import plain
from tests.report.stories import tell, write
from tests.world import World


async def test_command_and_api_give_the_same_document(
    idle_world: World, hold: Program, desk: httpx.AsyncClient
) -> None:
    now = datetime.now(UTC)
    with transaction(idle_world.engine) as session:
        write(session, tell(3, now))
    today = now.date()
    headers = {"Authorization": f"Bearer {token(idle_world, Role.VIEWER)}"}

    served = (await desk.get("/api/report", headers=headers)).json()
    printed = (await hold("report", "--json")).json

    ages = [one["now"].pop("time_in_force") for one in (served, printed)]
    assert served == printed
    assert ages[0]["count"] == ages[1]["count"]
    assert (served["from"], served["to"]) == (str(today - timedelta(days=90)), str(today))
    wanted = plain.numbers(tell(3, now), plain.days(today - timedelta(days=90), today))
    assert served["period"]["payments_while_held"] == str(wanted["payments_while_held"])
    assert served["period"]["outcomes"] == wanted["outcomes"]
    rates = served["period"]["rates"]
    assert rates["declined"] == round(wanted["outcomes"]["declined"] / sum(wanted["outcomes"].values()), 4)
    assert rates["overridden"] == round(wanted["overridden"] / wanted["released"], 4)
    assert [date.fromisoformat(week["begins"]).weekday() for week in served["weeks"]] == [0] * len(served["weeks"])
    table = await hold("report", "--from", str(today - timedelta(days=10)), "--to", str(today), role=Role.VIEWER)
    assert table.code == 0
    assert "Time to decide a hold" in table.out
    assert "In force now" in table.err


async def test_days_that_make_no_period_are_refused(idle_world: World, hold: Program, desk: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {token(idle_world, Role.VIEWER)}"}
    for query in ({"from": "2026-02-01", "to": "2026-01-01"}, {"to": "9999-12-31"}, {"from": "soon"}):
        answer = await desk.get("/api/report", params=query, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert (await desk.get("/api/report")).status_code == 401
    assert (await hold("report", "--from", "2026-02-01", "--to", "2026-01-01")).code == 2


def samples(world: World) -> dict[str, float]:
    text = Metrics(world.engine).text().decode()
    return {
        f"{one.name}{{{','.join(one.labels.values())}}}": one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_metrics(idle_world: World) -> None:
    world, now = idle_world, datetime.now(UTC)
    stories = tell(5, now)
    assert samples(world)["hold_decisions_total{approve}"] == 0
    assert not [name for name in samples(world) if name.startswith("hold_time_")]
    with transaction(world.engine) as session:
        write(session, stories)

    seen = samples(world)

    outcomes = [asked.outcome for story in stories for asked in story.asked if asked.outcome]
    declined = outcomes.count("declined")
    assert seen["hold_decisions_total{decline}"] == declined
    assert seen["hold_decisions_total{approve}"] == len(outcomes) - declined
    lately: plain.Within = lambda at: at is not None and at >= now - timedelta(days=90)  # noqa: E731
    _, median, p90 = plain.spread(plain.waits(stories, lately, ProposalKind.PLACE))
    assert seen["hold_time_to_decide_seconds{0.5}"] == median
    assert seen["hold_time_to_decide_seconds{0.9}"] == p90
    _, held, _ = plain.numbers(stories, lately)["time_held"]
    assert seen["hold_time_held_seconds{0.5}"] == held
    assert {f"hold_beats_stuck{{{beat}}}" for beat in Beat} <= seen.keys()


async def test_counter_of_decisions_does_not_fall_when_one_is_taken_back(world: World) -> None:
    world.set_policy(approval_undo=timedelta(minutes=5))
    customer = world.customer()
    await world.start(customer)
    await world.approve(customer)
    assert samples(world)["hold_decisions_total{approve}"] == 1

    await world.operations.undo(customer, actor="mike", reason="wrong one")

    assert samples(world)["hold_decisions_total{approve}"] == 1
    with transaction(world.engine) as session:
        assert report.numbers(session, report.ALL_TIME).time_to_decide == {}


async def test_a_life_as_the_workflow_leaves_it(world: World) -> None:
    customer = world.customer(amount="40000.00")
    await in_force(world, customer)
    with transaction(world.engine) as session:
        before = report.standing(session, datetime.now(UTC))
    await world.operations.request_release(customer, reason="they promised", actor="robin")
    await world.approve(customer)
    await world.in_status(customer, "released")

    with transaction(world.engine) as session:
        seen = report.numbers(session, report.ALL_TIME)

    assert (before.in_force, before.stuck_beats) == (1, {})
    assert (seen.released, seen.release_causes, seen.overridden) == (1, {"person": 1}, 1)
    assert seen.proposed_by_trigger == {"manual": 1}
    assert seen.time_to_decide.keys() == {"place", "release"}
    assert (seen.open_amount_fell, seen.outcomes.approved) == (0, 1)


def test_a_release_that_nobody_is_on_record_for_is_said_too() -> None:
    assert [cause_name(cause) for cause in ("payment", "unknown")] == ["a payment", "unknown"]
