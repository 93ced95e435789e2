"""Holds every answer against the OpenAPI document: its status is declared, its body is as described, and no more."""

import copy
import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator


class Schemas:
    """The schemas of a document; each is made ready once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = copy.deepcopy(document["components"])
        for schema in self._components["schemas"].values():
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)  # a member that is answered is declared
        self._validators: dict[str, Draft202012Validator] = {}

    def validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        key = repr(schema)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**schema, "components": self._components})
        return self._validators[key]


class Contract:
    def __init__(self, schemas: Schemas) -> None:
        self.document = document = schemas.document
        self.seen: set[tuple[str, str, bool]] = set()
        """(method, path, whether it went well) of every answer that was checked."""
        self._schemas = schemas
        self._paths = sorted(document["paths"], key=lambda path: path.count("{"))

    async def check(self, response: httpx.Response) -> None:
        await response.aread()
        request = response.request
        path = self._path_of(request.url.path)
        operation = self.document["paths"].get(path or "", {}).get(request.method.lower())
        if operation is None or response.status_code == 304:
            return
        self.seen.add((request.method, str(path), response.is_success))
        said = f"{request.method} {path} answered {response.status_code}: {response.text[:300]}"
        assert str(response.status_code) in operation["responses"], f"not declared: {said}"
        content = operation["responses"][str(response.status_code)].get("content")
        if not content:
            assert response.content == b"", said
            return
        kind = response.headers["content-type"].partition(";")[0]
        assert kind in content, said
        if kind == "application/problem+json":
            assert response.json()["code"] in content[kind]["examples"], f"not among its refusals: {said}"
        body = response.json() if kind.endswith("json") else response.text
        validator = self._schemas.validator(content[kind]["schema"])
        errors = [error.message for error in validator.iter_errors(body)]
        assert not errors, f"{said}\n{errors}"

    def _path_of(self, path: str) -> str | None:
        fits = (one for one in self._paths if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", one), path))
        return next(fits, None)
