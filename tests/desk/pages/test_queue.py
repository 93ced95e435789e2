from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from credit.permissions import Role
from db.engine import transaction
from db.holds import queue
from db.holds.queue import QueueFilter, QueueKind
from db.models import HoldBeat, Proposal
from tests.desk.pages.conftest import Sit
from tests.desk.pages.reader import Page
from tests.holds.helpers import in_force
from tests.world import World


def customers_on(page: Page, *among: str) -> list[str]:
    """The customers' numbers, in the order of the page."""
    return [word for word in page.text.split() if word in among]


def poll_of(page: Page) -> str:
    [found] = [given["hx-get"] for _, given in page.elements if given.get("id") == "poll"]
    return found


def sends_marks(page: Page) -> bool:
    [poll] = [given for _, given in page.elements if given.get("id") == "poll"]
    return "hx-include" in poll


def marks_of(page: Page) -> list[str]:
    return [given["value"] for _, given in page.elements if given.get("name") == "shown"]


async def test_broken_first_then_the_oldest_day_then_the_largest_amount(world: World, sit: Sit) -> None:
    broken, small, large, old = (world.customer(amount=amount) for amount in ("30000", "31000", "90000", "26000"))
    await in_force(world, broken)
    for customer in (small, large, old):
        await world.start(customer)
    with transaction(world.engine) as session:
        session.execute(update(HoldBeat).values(status="needs_attention", done_at=None, last_error="unknown id"))
        an_hour_into_yesterday = datetime.now(UTC).replace(hour=1, minute=0) - timedelta(days=1)
        old_hold = world.show(old)["id"]
        session.execute(update(Proposal).where(Proposal.hold_id == old_hold).values(opened_at=an_hour_into_yesterday))
    page = await sit(Role.VIEWER).get("/", kind="")
    assert customers_on(page, broken, small, large, old)[0] == broken
    held = await sit(Role.VIEWER).get("/", kind="hold")
    assert customers_on(held, broken, small, large, old) == [old, large, small]


async def test_pages_go_on_where_the_last_one_ended(world: World) -> None:
    wanted = [world.customer(amount=amount) for amount in ("50000", "40000", "30000")]
    for customer in wanted:
        await world.start(customer)
    with transaction(world.engine) as session:
        seen, after = [], None
        while found := queue.page(session, QueueFilter(), me="x", now=datetime.now(UTC), after=after, limit=1):
            seen += [item.customer_id for item in found]
            after = found[-1].cursor
    assert seen == wanted


async def test_filters(world: World, sit: Sit) -> None:
    mine, other = world.customer(amount="50000"), world.customer(amount="30000")
    for customer in (mine, other):
        await world.start(customer)
    mike = sit(name="mike")
    await mike.http.post(f"/holds/{mine}/claim")
    for filtered, expected in (
        ({"claimed": "mine"}, [mine]),
        ({"claimed": "unclaimed"}, [other]),
        ({"min_amount": "40,000"}, [mine]),
        ({"text": other.lower()}, [other]),
        ({"trigger": "ar_aging_tick_threshold"}, []),
        ({"trigger": "manual"}, [mine, other]),
        ({"kind": "message"}, []),
    ):
        page = await mike.get("/", **filtered)
        assert customers_on(page, mine, other) == expected, filtered
    assert "Nothing matches" in (await mike.get("/", kind="message")).text
    page = await mike.get("/", 422, min_amount="25.000,50", claimed="nonsense")
    assert "“At least”: give a number, with a point for decimals: 1250.50 or 1,250.50" in page.text
    assert "“Claimed”: 'nonsense' is none of those offered: choose one" in page.text
    assert customers_on(page, mine, other) == []
    assert "25.000,50" in page.typed
    assert "claimed by mike" in (await sit(Role.VIEWER).get("/")).text


async def test_nothing_waits(sit: Sit, world: World) -> None:
    assert "Nothing waits for anybody" in (await sit(Role.VIEWER).get("/")).text


async def test_a_place_that_is_none_is_refused(sit: Sit, world: World) -> None:
    page = await sit(Role.VIEWER).get("/", status=422, after="nonsense")
    assert "open the queue anew" in page.text


async def test_live_updates_say_what_is_new_and_nothing_else(world: World, sit: Sit) -> None:
    shown, gone, later = (world.customer() for _ in range(3))
    for customer in (shown, gone):
        await world.start(customer)
    reader, mike = sit(Role.VIEWER), sit(name="mike")
    page = await reader.get("/")
    marks = marks_of(page)
    assert len(marks) == 2
    unchanged = await reader.ask(poll_of(page), shown=marks)
    assert (unchanged.status_code, unchanged.content) == (204, b"")

    await world.start(later)
    await mike.http.post(f"/holds/{shown}/claim")
    await world.decline(gone)
    news = await reader.get(poll_of(page), shown=marks)
    assert "1 new item since you opened this page" in news.text
    assert "claimed by mike" in news.text
    assert "done by somebody" in news.text
    swapped = [given["id"] for _, given in news.elements if given.get("hx-swap-oob") == "true"]
    assert sorted(swapped) == sorted(f"state-{mark.partition('.')[0]}" for mark in marks)

    again = await reader.ask(poll_of(news), shown=marks_of(news))
    assert again.status_code == 204, again.text


async def test_a_page_without_rows_never_sends_marks_along(world: World, sit: Sit) -> None:
    """HTMX complains on the console of a selector that finds nothing."""
    reader = sit(Role.VIEWER)
    empty = await reader.get("/")
    await world.start(world.customer())
    news = await reader.get(poll_of(empty))
    assert "1 new item" in news.text
    full = await reader.get("/")
    more = await reader.get(poll_of(full).replace("told=0", "told=9"), shown=marks_of(full))

    assert [sends_marks(page) for page in (empty, news, full, more)] == [False, False, True, True]


async def test_a_draft_waits_in_the_queue_until_it_is_decided(world: World, sit: Sit, notice: str) -> None:
    mike = sit(name="mike")
    assert notice in (await mike.get("/", kind="message")).links.values()
    with transaction(world.engine) as session:
        counted = queue.counts(session, QueueFilter(), me="x", now=datetime.now(UTC))
    assert counted == {QueueKind.HOLD: 0, QueueKind.MESSAGE: 2, QueueKind.ATTENTION: 0}
