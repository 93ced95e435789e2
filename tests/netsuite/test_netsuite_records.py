"""The record API of the sandbox: as strict as the real one, and the client at home in it."""

from datetime import UTC
from decimal import Decimal

import httpx
import pytest

from netsuite.client import CreditHoldOverride
from netsuite.errors import ContentRefused, RecordNotFound
from tests.netsuite.sandbox_server import STRICT

HOLD_ON = {"creditHoldOverride": {"id": "ON"}}


def code_of(answer: httpx.Response) -> str:
    """The one error code, once the body and its media type are seen to be NetSuite's."""
    assert answer.headers["content-type"] == "application/vnd.oracle.resource+json; type=error"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "o:errorDetails"}
    assert body["status"] == answer.status_code
    (detail,) = body["o:errorDetails"]
    assert detail["detail"]
    return detail["o:errorCode"]


def test_hold_and_release_round_trip(client, sandbox, customer):
    assert client.read_customer(customer).credit_hold_override is CreditHoldOverride.AUTO
    client.set_credit_hold_override(customer, CreditHoldOverride.ON)
    assert client.read_customer(customer).credit_hold_override is CreditHoldOverride.ON
    client.set_credit_hold_override(customer, CreditHoldOverride.AUTO)
    assert client.read_customer(customer).credit_hold_override is CreditHoldOverride.AUTO
    assert [row["body"]["creditHoldOverride"]["id"] for row in sandbox.applied(customer)] == ["ON", "AUTO"]


def test_the_whole_record_is_read(client, sandbox, customer):
    sandbox.seed([{"id": customer, "overdueBalance": 25000.1, "daysOverdue": 91}])
    record = client.read_customer(customer)
    assert record.netsuite_id == customer
    assert record.company_name == f"Company {customer}"
    assert record.overdue_balance == Decimal("25000.1")
    assert record.days_overdue == 91
    assert record.last_modified is not None
    assert record.last_modified.tzinfo == UTC


def test_an_external_id_addresses_what_exists_and_creates_nothing(client, sandbox, customer):
    client.set_credit_hold_override(f"eid:X-{customer}", CreditHoldOverride.ON)
    assert client.read_customer(f"eid:X-{customer}").netsuite_id == customer
    with pytest.raises(RecordNotFound):
        client.set_credit_hold_override("eid:nobody", CreditHoldOverride.ON)
    with pytest.raises(RecordNotFound):
        client.read_customer("eid:nobody")


def test_unknown_ids_are_not_found(client, sandbox):
    with pytest.raises(RecordNotFound, match="NONEXISTENT_ID"):
        client.read_customer("no such")
    with pytest.raises(RecordNotFound):
        client.set_credit_hold_override("no/such", CreditHoldOverride.ON)
    (row,) = sandbox.ledger("no/such")
    assert row["applied"] is False


def test_an_id_with_a_slash_is_one_segment(client, sandbox):
    sandbox.seed([{"id": "A/B ?é"}])
    client.set_credit_hold_override("A/B ?é", CreditHoldOverride.ON)
    assert client.read_customer("A/B ?é").credit_hold_override is CreditHoldOverride.ON
    assert len(sandbox.applied("A/B ?é")) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": ""}, {"Authorization": "Bearer forged"}, {"Authorization": "Basic x"}],
    ids=str,
)
def test_without_a_good_token_nothing_is_answered(api, sandbox, customer, headers):
    for answer in (
        api.get(f"/customer/{customer}", headers=headers),
        api.patch(f"/customer/{customer}", headers=headers, json=HOLD_ON),
        api.get("/noSuchType/1", headers=headers),
    ):
        assert answer.status_code == 401
        assert code_of(answer) == "INVALID_LOGIN"
    assert sandbox.ledger(customer) == []


def test_get_shows_the_fields_asked_for_in_either_form(api, customer):
    answer = api.get(f"/customer/{customer}", params={"fields": "creditHoldOverride"})
    assert answer.headers["content-type"] == "application/vnd.oracle.resource+json; type=singular"
    assert answer.json().keys() == {"links", "id", "creditHoldOverride"}
    assert answer.json()["creditHoldOverride"] == {"id": "AUTO", "refName": "Auto"}
    simple = api.get(f"/customer/{customer}", params={"simpleEnumFormat": "true"})
    assert simple.json()["creditHoldOverride"] == "AUTO"
    assert simple.json()["externalId"] == f"X-{customer}"


def test_get_refuses_unknown_fields_and_parameters(api, customer):
    for parameters in ({"fields": "credit_hold"}, {"field": "creditHoldOverride"}):
        answer = api.get(f"/customer/{customer}", params=parameters)
        assert answer.status_code == 400
        assert code_of(answer) == "INVALID_PARAMETER"
        assert answer.json()["o:errorDetails"][0]["o:errorQueryParam"] in parameters | {"fields": ""}


def test_patch_answers_204_with_a_location(api, customer):
    answer = api.patch(f"/customer/eid:X-{customer}", json=HOLD_ON, headers=STRICT)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["location"] == f"{api.base_url}customer/{customer}"


def test_patch_leaves_omitted_fields_and_deletes_nulls(api, customer):
    url = f"/customer/{customer}"
    assert api.patch(url, json={"email": "ar@example.com", "creditLimit": 500} | HOLD_ON, headers=STRICT).is_success
    assert api.patch(url, json={"creditLimit": 900}, headers=STRICT).is_success
    record = api.get(url).json()
    assert (record["email"], record["creditLimit"]) == ("ar@example.com", 900)
    assert record["creditHoldOverride"]["id"] == "ON"
    assert record["companyName"] == f"Company {customer}"
    assert api.patch(url, json={"email": None, "creditHoldOverride": None}, headers=STRICT).is_success
    record = api.get(url).json()
    assert "email" not in record
    assert record["creditHoldOverride"]["id"] == "AUTO"
    assert api.patch(url, json={"companyName": None}, headers=STRICT).status_code == 400


@pytest.mark.parametrize("value", [{"id": "ON"}, "ON", {"refName": "On"}, {"id": "ON", "refName": "On"}], ids=str)
def test_patch_takes_either_form(api, customer, value):
    assert api.patch(f"/customer/{customer}", json={"creditHoldOverride": value}, headers=STRICT).status_code == 204
    assert api.get(f"/customer/{customer}").json()["creditHoldOverride"]["id"] == "ON"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"credit_hold": True}, "credit_hold"),
        (HOLD_ON | {"holdIt": True}, "holdIt"),
        ({"creditHoldOverride": {"id": "PERHAPS"}}, "creditHoldOverride"),
        ({"creditHoldOverride": "_on"}, "creditHoldOverride"),
        ({"creditHoldOverride": "on"}, "creditHoldOverride"),
        ({"creditHoldOverride": True}, "creditHoldOverride"),
        ({"creditHoldOverride": {}}, "creditHoldOverride"),
        ({"creditHoldOverride": {"id": "ON", "x": 1}}, "creditHoldOverride.x"),
        ({"creditLimit": "much"}, "creditLimit"),
        ({"overdueBalance": 0}, "overdueBalance"),
    ],
    ids=str,
)
def test_patch_refuses_what_it_does_not_know(api, sandbox, customer, body, path):
    answer = api.patch(f"/customer/{customer}", json=body, headers=STRICT)
    assert answer.status_code == 400
    assert code_of(answer) == "INVALID_CONTENT"
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == path
    assert api.get(f"/customer/{customer}").json()["creditHoldOverride"]["id"] == "AUTO"
    (row,) = sandbox.ledger(customer)
    assert (row["applied"], row["body"]) == (False, body)


def test_without_strict_names_an_unknown_one_passes_in_silence(api, customer):
    for headers in ({}, {"X-NetSuite-PropertyNameValidation": "Ignore"}):
        answer = api.patch(f"/customer/{customer}", json={"credit_hold": True}, headers=headers)
        assert answer.status_code == 204
    assert api.get(f"/customer/{customer}").json()["creditHoldOverride"]["id"] == "AUTO"
    wrong = {"X-NetSuite-PropertyNameValidation": "Perhaps"}
    assert api.patch(f"/customer/{customer}", json=HOLD_ON, headers=wrong).status_code == 400


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"creditLimit": 1e999}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"comments": "\\ud800", "x": 1}', "application/json"),
        (b"not json", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"creditLimit": NaN}', "application/json"),
        (b"\xff\xfe\x00", "application/json"),
        (b'{"creditHoldOverride":"ON"}', "text/plain"),
        (b'{"creditHoldOverride":"ON"}', ""),
    ],
)
def test_patch_refuses_bodies_that_are_not_json(api, sandbox, customer, content, kind):
    answer = api.patch(f"/customer/{customer}", content=content, headers={"Content-Type": kind} | STRICT)
    assert answer.status_code == (400 if kind == "application/json" else 415)
    code_of(answer)
    assert [row["applied"] for row in sandbox.ledger(customer)] == [False]


def test_other_types_and_methods_are_refused(api, customer):
    assert api.get("/noSuchType/1").status_code == 404
    for method, path in (
        ("PUT", f"/customer/{customer}"),
        ("DELETE", f"/customer/{customer}"),
        ("PUT", "/customer/eid:brand-new"),
        ("POST", "/customer"),
        ("GET", "/salesOrder"),
    ):
        answer = api.request(method, path, json={"companyName": "New"})
        assert answer.status_code == 405, (method, path)
        code_of(answer)
    assert api.get("/customer/eid:brand-new").status_code == 404


def test_a_held_customer_cannot_order(api, client, customer):
    order = {"entity": {"id": customer}}
    accepted = api.post("/salesOrder", json=order)
    assert accepted.status_code == 204
    assert "/salesOrder/" in accepted.headers["location"]
    client.set_credit_hold_override(customer, CreditHoldOverride.ON)
    for body in (order, {"entity": {"externalId": f"X-{customer}"}}):
        refused = api.post("/salesOrder", json=body)
        assert refused.status_code == 400
        assert code_of(refused) == "USER_ERROR"
        assert refused.json()["o:errorDetails"][0]["detail"] == "Customer is on credit hold."
    client.set_credit_hold_override(customer, CreditHoldOverride.OFF)
    assert api.post("/salesOrder", json=order).status_code == 204


@pytest.mark.parametrize("body", [{}, {"entity": "1"}, {"entity": {"id": "nobody"}}, {"entity": {"id": 1}, "x": 1}])
def test_an_order_without_a_customer_is_refused(api, body):
    answer = api.post("/salesOrder", json=body)
    assert answer.status_code == 400
    assert code_of(answer) == "INVALID_CONTENT"


def test_the_client_meets_the_refusals_as_errors(client, sandbox, customer):
    sandbox.faults(error_rate=1.0, error_status=400)
    with pytest.raises(ContentRefused, match="USER_ERROR"):
        client.set_credit_hold_override(customer, CreditHoldOverride.ON)
