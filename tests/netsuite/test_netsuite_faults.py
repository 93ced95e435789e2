"""Faults switched on in the sandbox, and what the client makes of them."""

import threading
import time

import httpx
import pytest

from netsuite.client import CreditHoldOverride, NetSuiteClient
from netsuite.errors import ConcurrencyLimited, OutcomeUnknown, PermissionRefused, ServerFailure
from tests.netsuite.sandbox_server import CountingTransport, all_at_once, assertion, in_threads

ON = CreditHoldOverride.ON
IMPATIENT = httpx.Timeout(5.0, read=0.4)


@pytest.fixture
def impatient(sandbox, credentials):
    with NetSuiteClient(sandbox.url, credentials, timeout=IMPATIENT) as client:
        client.probe()
        yield client


def test_a_write_whose_answer_is_lost_happened_once(sandbox, impatient, customer):
    sandbox.faults(commit_then_timeout_rate=1.0)
    with pytest.raises(OutcomeUnknown, match="ReadTimeout") as raised:
        impatient.set_credit_hold_override(customer, ON)
    assert raised.value.retryable
    assert impatient.read_customer(customer).credit_hold_override is ON  # reads are answered
    (row,) = sandbox.ledger(customer)
    assert row["applied"] is True
    assert row.keys() == {"at", "method", "path", "body", "applied"}
    assert (row["method"], row["body"]) == ("PATCH", {"creditHoldOverride": {"id": "ON"}})
    assert row["path"] == f"/services/rest/record/v1/customer/{customer}"


def test_a_refused_write_is_answered_even_then(sandbox, impatient, customer):
    sandbox.faults(commit_then_timeout_rate=1.0, error_rate=1.0, error_status=403)
    with pytest.raises(PermissionRefused):
        impatient.set_credit_hold_override(customer, ON)


def test_a_lost_answer_keeps_no_concurrency_slot(sandbox, client, customer, credentials):
    sandbox.faults(commit_then_timeout_rate=1.0, max_concurrency=1)
    with NetSuiteClient(sandbox.url, credentials, timeout=httpx.Timeout(5.0, read=1.5)) as patient:

        def lose() -> None:
            with pytest.raises(OutcomeUnknown):
                patient.set_credit_hold_override(customer, ON)

        waiting = threading.Thread(target=lose)
        waiting.start()
        until = time.monotonic() + 1.4
        while not sandbox.applied(customer) and time.monotonic() < until:
            time.sleep(0.02)
        client.read_customer(customer)
        waiting.join()


def test_a_reset_leaves_the_outcome_unknown_and_writes_nothing(sandbox, client, customer):
    client.probe()
    sandbox.faults(reset_rate=1.0)
    with pytest.raises(OutcomeUnknown):
        client.set_credit_hold_override(customer, ON)
    with pytest.raises(OutcomeUnknown):
        client.read_customer(customer)
    sandbox.clear_faults()
    assert client.read_customer(customer).credit_hold_override is CreditHoldOverride.AUTO
    assert [row["applied"] for row in sandbox.ledger(customer)] == [False]


def test_an_outage_covers_records_and_sign_in_but_not_the_control_side(sandbox, client, customer, credentials, ec_keys):
    client.probe()
    sandbox.faults(outage=True)
    with pytest.raises(ServerFailure, match="HTTP 503"):
        client.set_credit_hold_override(customer, ON)
    with NetSuiteClient(sandbox.url, credentials) as newcomer, pytest.raises(ServerFailure, match="sign-in"):
        newcomer.probe()
    assert sandbox.ask_for_token(assertion(sandbox.url, ec_keys.private)).status_code == 503
    assert sandbox.health()["status"] == "ok"
    assert sandbox.applied(customer) == []
    sandbox.clear_faults()
    client.set_credit_hold_override(customer, ON)
    assert len(sandbox.applied(customer)) == 1


def test_an_error_rate_answers_with_its_status(sandbox, client, customer):
    sandbox.faults(error_rate=1.0, error_status=502)
    with pytest.raises(ServerFailure, match="HTTP 502"):
        client.set_credit_hold_override(customer, ON)
    assert [row["applied"] for row in sandbox.ledger(customer)] == [False]
    sandbox.faults(error_status=429)
    with pytest.raises(ConcurrencyLimited, match="CONCURRENCY_LIMIT_EXCEEDED") as raised:
        client.set_credit_hold_override(customer, ON)
    assert raised.value.retry_after is None


def test_latency_is_added(sandbox, client, customer):
    client.probe()
    sandbox.faults(latency_ms=300)
    started = time.monotonic()
    client.read_customer(customer)
    assert time.monotonic() - started >= 0.3


def test_the_account_takes_no_more_requests_at_once_than_its_limit(sandbox, client, customer):
    client.probe()
    sandbox.faults(latency_ms=1500)
    outcomes = all_at_once(20, lambda _: client.set_credit_hold_override(customer, ON))
    refused = [outcome for outcome in outcomes if isinstance(outcome, ConcurrencyLimited)]
    assert len(refused) == 5
    assert outcomes.count(None) == 15
    assert len(sandbox.applied(customer)) == 15
    assert sandbox.health()["in_progress"] == 0


def test_another_limit_can_be_set(sandbox, client, customer):
    client.probe()
    sandbox.faults(latency_ms=800, max_concurrency=2)
    with in_threads(2, lambda _: client.read_customer(customer)) as outcomes:
        until = time.monotonic() + 0.7
        while sandbox.health()["in_progress"] < 2 and time.monotonic() < until:
            time.sleep(0.02)
        with pytest.raises(ConcurrencyLimited):
            client.read_customer(customer)
    assert [outcome.netsuite_id for outcome in outcomes] == [customer] * 2


def test_faults_are_merged_checked_and_cleared(sandbox):
    assert sandbox.faults(latency_ms=1).json()["latency_ms"] == 1
    merged = sandbox.faults(error_rate=0.5).json()
    assert (merged["latency_ms"], merged["error_rate"]) == (1, 0.5)
    for wrong in ({"outrage": True}, {"error_rate": 2}, {"error_status": 200}, {"outage": "yes"}, {"latency_ms": -1}):
        assert sandbox.faults(**wrong).status_code == 422, wrong
    assert httpx.get(f"{sandbox.url}/_sandbox/faults", trust_env=False).json() == merged
    sandbox.clear_faults()
    assert sandbox.faults().json() == {
        "outage": False,
        "maintenance": None,
        "latency_ms": 0,
        "error_rate": 0,
        "error_status": 500,
        "reset_rate": 0,
        "commit_then_timeout_rate": 0,
        "commit_then_page_rate": 0,
        "max_concurrency": None,
    }


def test_a_client_in_trouble_uses_its_connections_again(sandbox, credentials, customer):
    transport = CountingTransport()
    with NetSuiteClient(sandbox.url, credentials, timeout=IMPATIENT, transport=transport) as client:
        client.probe()
        sandbox.faults(reset_rate=1.0)
        for _ in range(120):  # more than the pool has connections
            with pytest.raises(OutcomeUnknown):
                client.read_customer(customer)
        sandbox.clear_faults()
        assert client.read_customer(customer).netsuite_id == customer
    assert transport.seen["token"] == 1
