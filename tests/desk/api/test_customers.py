"""Finding a customer among many, quickly."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from credit.permissions import Role
from db import customers
from db.engine import transaction
from tests.desk.api.helpers import refused
from tests.desk.server import DeskServer
from tests.world import World

MANY = 200_000


@pytest.fixture
def many(engine: Engine) -> Engine:
    """Two hundred thousand customers with names of a few common words and a rare number."""
    with transaction(engine) as session:
        session.execute(
            text(
                """
                INSERT INTO customers (id, name, netsuite_id)
                SELECT 'K-' || lpad(n::text, 7, '0'),
                       (ARRAY['Harbour', 'Northern', 'Golden', 'Silver', 'Baltic', 'Royal'])[1 + n % 6] || ' '
                       || (ARRAY['Foods', 'Trading', 'Logistics', 'Paper', 'Steel'])[1 + n / 7 % 5] || ' '
                       || md5(n::text) || (ARRAY[' Ltd', ' Inc', ' GmbH'])[1 + n % 3],
                       'N-' || n
                FROM generate_series(1, :many) AS n
                """
            ),
            {"many": MANY},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE customers"))
    return engine


def plan_of(engine: Engine, search: Callable[[Session], object]) -> str:
    """Run a search and explain the very statements that it ran."""
    ran: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if statement.startswith("SELECT customers"):
            ran.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with transaction(engine) as session:
            search(session)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert ran
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN {one}", parameters).scalars().all() for one, parameters in ran]
    return "\n".join(line for plan in plans for line in plan)


def test_no_search_reads_the_whole_table(many: Engine) -> None:
    with transaction(many) as session:
        name = session.execute(text("SELECT name FROM customers WHERE id = 'K-0123456'")).scalar_one()
    rare = name.split()[2][:12]
    for words in (
        rare,
        rare.upper(),
        "Ltd",
        "oods",
        "K-01234",
        "0123456",
        "K-0123456",
        "b",
        "ba",
        "a-",
        "%",
        "_",
        "",
        "xyzzy",
    ):
        for after in (None, "K-0150000"):
            plan = plan_of(many, lambda session, w=words, a=after: customers.search(session, w, after=a, limit=51))
            assert "Seq Scan on customers" not in plan, f"{words!r} after {after}:\n{plan}"
    plan = plan_of(many, lambda session: customers.search(session, rare, limit=51))
    assert "ix_customers_search" in plan
    with transaction(many) as session:
        assert [found.customer.name for found in customers.search(session, rare, limit=51)] == [name]


async def test_search_finds_by_part_of_name_or_id_and_the_exact_id_first(desk: DeskServer, idle_world: World) -> None:
    with transaction(idle_world.engine) as session:
        for number, name in enumerate(["Alpha 100% Ltd", "Beta_1 Ltd", "C-3 Trading", "Betamax", "ÅSGARD Öl"], 1):
            session.execute(
                text("INSERT INTO customers (id, name, netsuite_id) VALUES (:id, :name, :id)"),
                {"id": f"C-{number}", "name": name},
            )
        session.execute(
            text("INSERT INTO customers (id, name, netsuite_id) VALUES ('Z', 'c-3', 'z'), ('A', 'c-3', 'a')")
        )
    api = desk.client(Role.VIEWER)

    async def found(words: str, **query: object) -> list[str]:
        answer = await api.get("/api/customers", params={"q": words, **query})
        return [row["id"] for row in answer.json()["customers"]]

    assert await found("beta") == ["C-2", "C-4"]
    assert await found("C-3") == ["C-3", "A", "Z"]
    assert await found("Z") == ["Z"]
    assert await found("100% L") == ["C-1"]
    assert await found("eta_1") == ["C-2"]
    assert await found("åsg") == ["C-5"]
    assert await found("be") == ["C-2", "C-4"]
    assert await found("nothing") == []
    assert await found("") == ["A", "C-1", "C-2", "C-3", "C-4", "C-5", "Z"]
    first = (await api.get("/api/customers?limit=5")).json()
    assert await found("", limit=5, cursor=first["next_cursor"]) == ["C-5", "Z"]
    exact = (await api.get("/api/customers?q=C-3&limit=1")).json()
    assert [row["id"] for row in exact["customers"]] == ["C-3"]
    assert await found("C-3", limit=9, cursor=exact["next_cursor"]) == ["A", "Z"]


async def test_customer_is_shown_with_what_it_owes_and_its_holds(desk: DeskServer, world: World) -> None:
    customer = world.customer(amount="40000", days_overdue=120)
    started = await world.start(customer)
    api = desk.client(Role.VIEWER)
    shown = (await api.get(f"/api/customers/{customer}")).json()
    assert (shown["facts"]["total_open"], shown["facts"]["days_overdue"]) == ("40000.00", 120)
    assert shown["hold"] == {"id": str(started.hold_id), "status": "proposed"}
    assert [hold["id"] for hold in shown["holds"]] == [str(started.hold_id)]
    assert shown["sales_rep"]["name"] == "Robin Rep"
    [listed] = (await api.get("/api/customers", params={"q": customer})).json()["customers"]
    assert listed["hold"]["status"] == "proposed"
    refused(await api.get("/api/customers/nobody"), 404, "unknown_customer")
    refused(await api.get("/api/customers?cursor=odd"), 422, "bad_input")
