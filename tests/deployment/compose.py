"""docker-compose.yml and .env.example as the tests read them."""

import itertools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

_REFERENCE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\})")
_EXAMPLE_LINE = re.compile(r"^(?P<off>#)?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$")
_DURATION = re.compile(r"^(?:(\d+)m)?(?:(\d+)s)?$")


class UnsetVariableError(Exception):
    """A variable that docker-compose.yml insists on is not set."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Fill in `$$`, `${A}`, `${A:-default}` and `${A:?message}` as Compose does; a plain `$` is refused."""

    def value(found: re.Match[str]) -> str:
        name, how, rest = found["name"], found["how"], found["rest"]
        if name is None:
            return "$"
        if variables.get(name):
            return variables[name]
        if how == "-":
            return str(rest)
        raise UnsetVariableError(f"{name}: {rest}")

    assert "$" not in _REFERENCE.sub("", text), f"a `$` that is neither `$$` nor `${{…}}`: {text}"
    return _REFERENCE.sub(value, text)


def variables_of(node: Any) -> set[str]:
    """Every variable that is referred to below this node."""
    if isinstance(node, dict):
        return set().union(*(variables_of(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(variables_of(value) for value in node))
    return {found["name"] for found in _REFERENCE.finditer(str(node)) if found["name"]}


def filled_in(node: Any, variables: Mapping[str, str]) -> Any:
    """The same tree with every string interpolated."""
    if isinstance(node, dict):
        return {key: filled_in(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [filled_in(value, variables) for value in node]
    return interpolate(node, variables) if isinstance(node, str) else node


def raw() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


@dataclass(frozen=True)
class ExampleLine:
    name: str
    value: str
    active: bool


def example_lines() -> list[ExampleLine]:
    """The assignments of .env.example, those that are commented out too."""
    found = map(_EXAMPLE_LINE.match, (ROOT / ".env.example").read_text().splitlines())
    return [ExampleLine(line["name"], line["value"], line["off"] is None) for line in found if line]


def example_environment() -> dict[str, str]:
    """What a fresh copy of .env.example sets."""
    return {line.name: line.value for line in example_lines() if line.active}


def services(variables: Mapping[str, str] | None = None) -> dict[str, "Service"]:
    document = filled_in(raw(), example_environment() if variables is None else variables)
    return {name: Service(name, body) for name, body in document["services"].items()}


def seconds(duration: str) -> float:
    """Read `1m30s`."""
    found = _DURATION.match(duration)
    assert found, duration
    return timedelta(minutes=int(found[1] or 0), seconds=int(found[2] or 0)).total_seconds()


@dataclass(frozen=True)
class Service:
    name: str
    body: Mapping[str, Any]

    @property
    def one_shot(self) -> bool:
        return bool(self.body.get("restart") == "no")

    @property
    def ours(self) -> bool:
        return "build" in self.body

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.body.get("environment", {}))

    @property
    def command(self) -> list[str]:
        return [*self.body.get("entrypoint", []), *self.body.get("command", [])]

    @property
    def health_command(self) -> list[str]:
        kind, *command = self.body["healthcheck"]["test"]
        assert kind == "CMD"
        return list(command)

    @property
    def depends_on(self) -> dict[str, str]:
        return {name: how["condition"] for name, how in self.body.get("depends_on", {}).items()}

    @property
    def mounts(self) -> dict[str, str]:
        """Container folder to named volume."""
        pairs = (entry.split(":") for entry in self.body.get("volumes", []))
        return {target: volume for volume, target, *_ in pairs}

    @property
    def ports(self) -> list[tuple[str, str, int]]:
        """Host address, host port, container port."""
        split = (entry.rsplit(":", 2) for entry in self.body.get("ports", []))
        return [(host, published, int(target)) for host, published, target in split]

    def python_call(self) -> tuple[str, list[str]] | None:
        """The module that `python -m` runs in this service, with its arguments; None where it runs none."""
        scripts = self.body.get("entrypoint", [])
        words = [
            word
            for part in self.command
            for word in (shlex.split(part.replace("\\\n", " ")) if scripts and "\n" in part else [part])
        ]
        for at, pair in enumerate(itertools.pairwise(words)):
            if pair == ("python", "-m"):
                return words[at + 2], words[at + 3 :]
        return None
