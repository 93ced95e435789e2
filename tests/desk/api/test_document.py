"""The OpenAPI document says of each operation what is true of it: its example, its refusals, its security.

That no refusal is left out is asserted wherever the API is called: `tests/desk/contract.py`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator

from credit.permissions import LEAST_ROLE, Permission, Role
from db.engine import transaction
from db.models import Customer
from desk.access import Needs
from tests.desk.people.all_routes import OPEN
from tests.desk.server import DeskServer, first_app
from tests.notifications.helpers import person
from tests.world import World, invoice

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return first_app().openapi()


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def problems(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for status, answer in operation["responses"].items():
        for code, one in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).items():
            yield status, code, document["components"]["examples"][one["$ref"].rpartition("/")[2]]["value"]


def examples(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = operation["requestBody"]["content"]["application/json"]["examples"]
    return found


def needed(dependant: Dependant) -> Iterator[Permission]:
    if isinstance(dependant.call, Needs):
        yield dependant.call.permission
    for below in dependant.dependencies:
        yield from needed(below)


def test_each_body_has_an_example_that_its_schema_takes(document: dict[str, Any]) -> None:
    bodies = [(method, path, one) for method, path, one in operations(document) if "requestBody" in one]
    assert len(bodies) > 40
    for method, path, operation in bodies:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert examples(operation), path
        for name, example in examples(operation).items():
            wrong = [error.message for error in validator.iter_errors(example["value"])]
            assert not wrong, f"{method} {path} {name}: {wrong}"


def test_the_decision_s_example_has_what_the_specification_names(document: dict[str, Any]) -> None:
    decision = document["paths"]["/api/holds/{name}/decision"]["post"]
    assert examples(decision)["NewDecision"]["value"].keys() == {"claim", "revision", "decision", "reason"}


def test_each_refusal_is_shown_as_it_is_answered(document: dict[str, Any]) -> None:
    shown = set()
    for method, path, operation in operations(document):
        for status, code, example in problems(document, operation):
            said = f"{method} {path} {status}"
            assert (example["status"], example["code"]) == (int(status), code), said
            assert example["detail"], said
            shown.add((status, code))
    assert len(shown) > 60
    claim = document["paths"]["/api/holds/{name}/claim"]["post"]
    codes = {code for status, code, _ in problems(document, claim) if status == "409"}
    refused = {"nothing_to_decide", "claimed_by_another"}
    assert codes == refused | {"request_under_way", "answer_lost"}
    assert {code for status, code, _ in problems(document, claim) if status == "404"} == {"unknown_hold"}


def test_each_operation_says_who_may_and_how(document: dict[str, Any]) -> None:
    paths = document["paths"]
    asked = 0
    for route in iter_route_contexts(first_app().routes):
        for method in (route.methods or set()) & {one.upper() for one in paths.get(route.path_format, {})}:
            operation = paths[route.path_format][method.lower()]
            permission = next(needed(route.dependant), None)
            said = f"{method} {route.path_format}"
            by_session = {"session": []} if method == "GET" else {"session": [], "csrf": []}
            if permission is None:
                assert (route.path_format in OPEN, operation["security"]) == (True, []), said
            elif permission is Permission.SEND_EVENT:
                assert operation["security"] == [{"token": []}, {"signature": []}], said
                assert "no person's session may" in operation["description"], said
            else:
                assert operation["security"] == [{"token": []}, by_session], said
                assert f"the role `{LEAST_ROLE[permission].label}` or above" in operation["description"], said
            asked += 1
    assert asked == len(list(operations(document))) > 90


def test_every_name_says_something(document: dict[str, Any]) -> None:
    assert {"token", "session", "csrf", "signature"} == document["components"]["securitySchemes"].keys()
    assert all(
        word in document["info"]["description"] for word in ("If-Match", "Idempotency-Key", "answer_lost", "UTC")
    )
    tags = [one["name"] for one in document["tags"] if one["description"]]
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert set(tags) == used
    for method, path, operation in operations(document):
        assert len(operation["summary"].split()) > 2, f"{method} {path}"


def maps(schema: Any) -> Iterator[Any]:
    """Yield what Swagger UI shows as `additionalProp1`: objects with neither members nor an example."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict) and "examples" not in schema:
        if schema.get("type") == "object" and "properties" not in schema:
            yield schema
        for below in schema.values():
            yield from maps(below)


def test_no_member_is_a_map_of_who_knows_what(document: dict[str, Any]) -> None:
    assert list(maps(document["components"]["schemas"])) == []


@pytest.mark.timeout(400)
async def test_each_example_is_taken_or_refused_as_documented(
    desk: DeskServer, world: World, document: dict[str, Any]
) -> None:
    """The world is the one that the examples are about; `DeskServer.client` holds each answer against the document."""
    with transaction(world.engine) as session:
        session.add(Customer(id="1012", name="Harbour Foods Ltd", netsuite_id="N-1012", email="ap@example.com"))
        session.flush()
        session.add(invoice("INV-1012-1", "1012", datetime.now(UTC).date() - timedelta(days=120), "40000"))
    for login in ("anna", "mike"):
        person(world, login)
    api = desk.client(Role.ADMIN)
    for method, path, operation in operations(document):
        address = path
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                address = address.replace("{" + parameter["name"] + "}", parameter["example"])
        headers = {"If-Match": '"1"'} if "/policy" in path or "/templates" in path or "/org-" in path else {}
        for name, example in examples(operation).items() if "requestBody" in operation else ():
            answer = await api.request(method, address, json=example["value"], headers=headers)
            ended = answer.status_code == 400 and answer.json()["code"] == "expired_token"
            assert ended or answer.status_code in (*range(200, 300), 404, 409, 412), f"{path} {name}: {answer.text}"
