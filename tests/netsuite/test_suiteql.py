"""SuiteQL, client and sandbox, over HTTP: pages, what NetSuite refuses, and values as they arrive."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from netsuite import suiteql
from netsuite.client import Credentials, NetSuiteClient
from netsuite.errors import ConcurrencyLimited, ContentRefused, UnexpectedAnswer
from netsuite.records import CreditHoldOverride
from tests.netsuite.sandbox_server import PLAIN_HTTP, CountingTransport, SandboxServer

MANY = 2500
CUSTOMERS = "SELECT id, companyname, creditholdoverride FROM customer"
HEADERS = {"Prefer": "transient"}


@pytest.fixture(scope="session")
def full_sandbox(shared_sandbox: SandboxServer) -> SandboxServer:
    shared_sandbox.seed([{"id": f"S{number:05}", "companyName": "Seeded"} for number in range(MANY)]).raise_for_status()
    return shared_sandbox


@pytest.fixture
def raw(full_sandbox: SandboxServer, sandbox: SandboxServer, credentials: Credentials) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=full_sandbox.url, trust_env=False, verify=PLAIN_HTTP, headers=HEADERS) as ready:
        ready.headers["Authorization"] = f"Bearer {full_sandbox.token(credentials)}"
        yield ready


def ask(raw: httpx.Client, query: Any, **request: Any) -> httpx.Response:
    return raw.post(suiteql.SUITEQL_PATH, json={"q": query}, **request)


def error(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/vnd.oracle.resource+json; type=error"
    [entry] = answer.json()["o:errorDetails"]
    return {"status": answer.status_code, **entry}


def test_a_walk_gives_every_row_once_in_order_with_a_request_per_page(
    full_sandbox: SandboxServer, client: NetSuiteClient, transport: CountingTransport
) -> None:
    found = list(suiteql.walk(client, CUSTOMERS, "companyname = 'Seeded'", "id"))

    assert [row["id"] for row in found] == [f"S{number:05}" for number in range(MANY)]
    assert transport.seen["record"] == 3


def test_a_page_is_as_netsuite_gives_it(raw: httpx.Client) -> None:
    answer = ask(raw, f"{CUSTOMERS} WHERE companyname = 'Seeded' ORDER BY id", params={"limit": 500, "offset": 2000})
    page = answer.json()

    assert (page["count"], page["offset"], page["totalResults"], page["hasMore"]) == (500, 2000, MANY, False)
    assert page["items"][0] == {
        "links": [], "id": "S02000", "companyname": "Seeded", "creditholdoverride": "AUTO",
    }  # fmt: skip


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}])
def test_without_prefer_transient_nothing_is_answered(raw: httpx.Client, headers: dict[str, str]) -> None:
    del raw.headers["Prefer"]
    refused = error(ask(raw, CUSTOMERS, headers=headers))
    assert (refused["status"], refused["o:errorCode"], refused["o:errorHeader"]) == (400, "INVALID_HEADER", "Prefer")


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"limit": "1001"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "100", "offset": "50"}, "offset"),
        ({"limit": "1000", "offset": "100000"}, "offset"),
        ({"page": "2"}, "page"),
    ],
)
def test_pages_that_netsuite_does_not_have_are_refused(raw: httpx.Client, params: dict[str, str], where: str) -> None:
    refused = error(ask(raw, CUSTOMERS, params=params))
    assert (refused["status"], refused["o:errorQueryParam"]) == (400, where)


@pytest.mark.parametrize(
    ("query", "because"),
    [
        ("SELECT id FROM customers", "Invalid search type: customers"),
        ("SELECT id FROM sqlite_master", "Invalid search type: sqlite_master"),
        ("SELECT id FROM customer, records", "no such column|not authorized|prohibited|ambiguous"),
        ("SELECT credit_hold FROM customer", "Unknown identifier 'credit_hold'"),
        ("SELECT id FROM customer LIMIT 5", "near 'LIMIT'"),
        ("SELECT id FROM customer; SELECT id FROM customer", "near ';'"),
        ("DELETE FROM customer", "unsupported"),
        ("SELECT load_extension('x') FROM customer", "unsupported"),
        ("SELECT FROM WHERE", "Invalid search type: WHERE"),
    ],
)
def test_queries_that_netsuite_would_not_run_are_refused(
    raw: httpx.Client, client: NetSuiteClient, query: str, because: str
) -> None:
    refused = error(ask(raw, query))
    assert (refused["status"], refused["o:errorCode"], refused["o:errorQueryParam"]) == (400, "INVALID_PARAMETER", "q")
    with pytest.raises(ContentRefused, match=because):
        client.suiteql(query)


def test_a_body_without_a_query_and_another_method_are_refused(raw: httpx.Client) -> None:
    assert error(raw.post(suiteql.SUITEQL_PATH, json={"query": CUSTOMERS}))["o:errorPath"] == "q"
    assert error(ask(raw, 7))["o:errorPath"] == "q"
    assert raw.get(suiteql.SUITEQL_PATH).status_code == 405
    del raw.headers["Authorization"]
    assert ask(raw, CUSTOMERS).status_code == 401


def test_the_limit_of_concurrent_requests_is_shared_with_the_record_api(
    sandbox: SandboxServer, client: NetSuiteClient
) -> None:
    sandbox.faults(max_concurrency=0)
    with pytest.raises(ConcurrencyLimited):
        client.suiteql(CUSTOMERS)


def test_dates_come_in_the_accounts_form_and_nulls_not_at_all(sandbox: SandboxServer, client: NetSuiteClient) -> None:
    sandbox.put("employees", [{"id": "E1", "email": "rep@example.test"}])
    sandbox.seed([{"id": "D1", "companyName": "D'Arcy", "salesRep": "E1", "creditLimit": 1000000}])
    invoice = {"id": "T1", "tranId": "INV1", "type": "CustInvc", "entity": "D1", "tranDate": "2026-01-09"}
    sandbox.put("transactions", [invoice | {"unpaid": 10.25}])
    darcy = suiteql.text("D'Arcy")
    select = (
        "SELECT t.trandate, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS day, t.duedate, t.foreignamountunpaid, c.creditlimit, "
        "e.email FROM transaction t JOIN customer c ON c.id = t.entity LEFT JOIN employee e ON e.id = c.salesrep "
    )

    [row] = client.suiteql(f"{select} WHERE c.companyname = {darcy}").rows

    assert row == {
        "trandate": "1/9/2026",
        "day": "2026-01-09",
        "foreignamountunpaid": "10.25",
        "creditlimit": "1000000",
        "email": "rep@example.test",
    }


def test_what_the_hold_column_may_say() -> None:
    said = {value: suiteql.hold_value(value) for value in ("ON", "_on", "Off", "AUTO", "T", "F", "", None, "yes")}
    assert said == {
        "ON": CreditHoldOverride.ON,
        "_on": CreditHoldOverride.ON,
        "Off": CreditHoldOverride.OFF,
        "AUTO": CreditHoldOverride.AUTO,
        "T": CreditHoldOverride.OFF,
        "F": None,
        "": None,
        None: None,
        "yes": None,
    }


@pytest.mark.parametrize(
    "answer", [[], {"items": []}, {"items": {}, "hasMore": False}, {"items": [1], "hasMore": True}]
)
def test_an_answer_that_is_no_page_is_said_to_be_none(answer: object) -> None:
    with pytest.raises(UnexpectedAnswer, match="not a page"):
        suiteql.page(answer)


def test_an_order_of_a_held_customer_passes_where_the_account_only_warns(
    sandbox: SandboxServer, api: httpx.Client
) -> None:
    sandbox.seed([{"id": "W1", "creditHoldOverride": "ON"}])
    order = {"entity": {"id": "W1"}}
    assert api.post("/salesOrder", json=order).status_code == 400
    sandbox.put("preferences", {"creditLimitHandling": "warn"})
    assert api.post("/salesOrder", json=order).status_code == 204
    sandbox.put("preferences", {"creditLimitHandling": "enforce"})
