"""No text that could disguise the record comes in, whichever door it takes: JSON, query, form, command line, file."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from credit import bulk
from credit.ledger_file.reader import LedgerFormat, LedgerReader
from credit.permissions import Role
from db.engine import transaction
from db.holds import holds
from services.receivables.event import Line, Text
from starter.cli import run
from tests.desk.server import DeskServer, first_app
from tests.holds.helpers import events, send, trigger
from tests.patience import PATIENCE
from tests.world import World

DISGUISES = {"a\u202eb": "right-to-left override (U+202E)", "a\x1b]0;x\x07b": "escape (U+001B)"}
FREE = re.compile(r"/(sign-in|sign-out|password|oidc|csp)\b.*|/api/(eligibility|rates|device-tokens)\b.*|/.*sign-out")
"""Where nobody is known yet, where only a secret is typed, and questions that keep nothing."""


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return resolved(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    for either in ("anyOf", "allOf", "oneOf"):
        for one in schema.get(either, []):
            found = resolved(one, document)
            if found.get("type") != "null":
                return found
    return schema


def texts(schema: dict[str, Any], document: dict[str, Any], text: str) -> Iterator[tuple[str, Any]]:
    """Each place of a body that takes a string, and a body with the text there."""
    schema = resolved(schema, document)
    if schema.get("type") == "string":
        yield "", text
    elif schema.get("type") == "array":
        yield from ((f".0{place}", [body]) for place, body in texts(schema["items"], document, text))
    for name, inner in schema.get("properties", {}).items():
        yield from ((f".{name}{place}", {name: body}) for place, body in texts(inner, document, text))


def address(path: str) -> str:
    named = re.sub(r"\{(customer_id|load_id|order_id|name)(:path)?\}", "x", path)
    return re.sub(r"\{\w*id(:path)?\}", str(uuid4()), named).replace("{login}", "x")


def says(answer: httpx.Response, place: str, named: str) -> bool:
    if answer.status_code != 422:
        return False
    found = [one["what"] for one in answer.json()["errors"] if one["where"] == place]
    return any(named in what and "Delete it there" in what for what in found)


def admin(desk: DeskServer) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {desk.token('ada', Role.ADMIN)}"}
    return httpx.AsyncClient(base_url=desk.url, headers=headers, trust_env=False, timeout=PATIENCE)


async def test_every_text_of_every_endpoint(desk: DeskServer) -> None:
    document, missed, tried = desk.contract.document, [], 0
    async with admin(desk) as api:
        for method, path, operation in changing(document):
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for text, named in DISGUISES.items():
                sent: list[tuple[str, dict[str, Any]]] = [
                    (f"body{place}", {"json": body}) for place, body in texts(content.get("schema", {}), document, text)
                ]
                sent += [
                    (f"query.{given['name']}", {"params": {given["name"]: text}})
                    for given in operation.get("parameters", [])
                    if given["in"] == "query" and resolved(given["schema"], document).get("type") == "string"
                ]
                for place, how in sent:
                    tried += 1
                    answer = await api.request(method, address(path), **how)
                    if not says(answer, place, named):
                        missed.append(f"{method} {path} {place}: {answer.status_code} {answer.text[:200]}")
    assert missed == []
    assert tried > 80


def changing(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "get" and not FREE.fullmatch(path) and not path.startswith("/api/events/"):
                yield method, path, operation


def routes(of: Any) -> Iterator[APIRoute]:
    for route in of.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner)
        elif isinstance(route, APIRoute):
            yield route


async def test_every_form(desk: DeskServer) -> None:
    forms = {route.path for route in routes(first_app()) if "POST" in route.methods}
    forms = {path for path in forms if not path.startswith("/api/") and not FREE.fullmatch(path)}
    missed = []
    async with admin(desk) as person:
        person.headers["Accept"] = "text/html"
        for path in sorted(forms):
            for text, named in DISGUISES.items():
                answer = await person.post(address(path), data={"reason": text})
                if answer.status_code != 422 or named not in answer.text:
                    missed.append(f"{path}: {answer.status_code} {answer.text[:200]}")
    assert missed == []
    assert len(forms) > 30


@pytest.mark.parametrize(("text", "named"), DISGUISES.items(), ids=["turned", "escaped"])
def test_events(text: str, named: str) -> None:
    for kind in (Line, Text):
        with pytest.raises(ValidationError, match=re.escape(named)):
            TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(("text", "named"), DISGUISES.items(), ids=["turned", "escaped"])
def test_files_name_the_line(text: str, named: str) -> None:
    lines = [
        "customer_id,customer_name,invoice_id,due_date,amount_open",
        "A,Acme,1,2020-01-01,1",
        f"B,Bolt {text},2,2020-01-01,1",
    ]
    ledger = LedgerReader((f"{line}\n" for line in lines), LedgerFormat(ledger_currency="USD"))
    [bad] = [row for row in ledger if hasattr(row, "reason")]
    assert (bad.line, bad.column) == (3, "customer_name")
    assert named in bad.reason
    said = f"line 3, reason: it has an invisible character after “why a”: {named}"
    with pytest.raises(bulk.BulkFileError, match=re.escape(said)):
        bulk.read(f"customer_id,reason\nA,x\nB,why {text}\n".encode())


@pytest.mark.parametrize(("text", "named"), DISGUISES.items(), ids=["turned", "escaped"])
def test_the_command_line(text: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["undo", "1005", "--reason", text], ["token", "create", f"--name={text}", "--role", "viewer"]):
        assert run(arguments) == 2
        said = capsys.readouterr()
        assert named in " ".join(said.err.replace("│", " ").split())
        assert not set(text) & {"\x1b", "\u202e"} & set(said.err + said.out)


async def test_a_signal_cannot_be_refused_so_it_is_written_out(world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await send(world, customer, trigger(reason="By \u202eekim\x1b[2J"))
    await world.eventually(lambda: world.show(customer)["id"] if _known(world, customer) else None)
    assert world.show(customer)["reason"] == "By \\u202eekim\\x1b[2J"
    [event] = events(world, world.show(customer)["id"], "hold_proposed")
    assert event.detail["why"] == "By \\u202eekim\\x1b[2J"


def _known(world: World, customer: str) -> bool:
    with transaction(world.engine) as session:
        return holds.open_of(session, customer) is not None
