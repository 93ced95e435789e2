"""Whatever the code itself writes down as who acted is in one list, and so is no person's and no token's name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit.actors import OwnActor, reads_as_the_system

_ROOT = Path(__file__).parents[2]
_ROOMS = ("activities", "credit", "db", "desk", "netsuite", "runtime", "services", "starter", "workflows")
_EXAMPLES = _ROOT / "desk" / "api" / "examples.py"
"""Its people are made up."""
_WHO = {"actor", "requested_by", "created_by", "updated_by", "asked_by"}
_PLACE = {"Act": 1, "acting": 1, "by": 0, "Delivery": 0, "Cause": 0}
"""Which argument of these calls says who acts."""


def _written() -> Iterator[tuple[str, str]]:
    """Find every text that is given for who acts: where, and which; a constant's, too."""
    files = [file for room in _ROOMS for file in sorted((_ROOT / room).rglob("*.py")) if file != _EXAMPLES]
    trees = {file: ast.parse(file.read_text()) for file in files}
    constants = {
        target.id: one.value.value
        for tree in trees.values()
        for one in tree.body
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for file, tree in trees.items():
        for who in (who for node in ast.walk(tree) for given in _who(node) for who in _alternatives(given)):
            said = who.value if isinstance(who, ast.Constant) else constants.get(_name(who))
            if isinstance(said, str) and said and not ast.unparse(who).startswith("OwnActor."):
                yield f"{file.relative_to(_ROOT)}:{who.lineno}", said


def _who(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        place = _PLACE.get(_name(node.func))
        yield from (one.value for one in node.keywords if one.arg in _WHO)
        yield from node.args[place : place + 1] if place is not None else ()
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (node.value for one in targets if _name(one) in _WHO)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value in _WHO)


def _alternatives(given: ast.expr) -> Iterator[ast.expr]:
    match given:
        case ast.BoolOp(values=values):
            yield from values
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case _:
            yield given


def _name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))


def test_what_the_code_writes_as_actor_is_in_the_list() -> None:
    found = dict(_written())
    assert "db/migrations/versions/0002_spec_rows.py:109" in found, "the walk finds what is there"
    assert {where: name for where, name in found.items() if not reads_as_the_system(name)} == {}


@pytest.mark.parametrize("name", [*OwnActor, "Hold  Up", "webhook_signed", "ｓｙｓｔｅｍ", "POLICY: x", "policy-y"])
def test_a_name_that_reads_as_the_system_s(name: str) -> None:
    assert reads_as_the_system(name)


@pytest.mark.parametrize("name", ["mike", "ann", "policyholder", "systems", "erp", "hold", "job", "netsuite-erp"])
def test_a_name_that_does_not(name: str) -> None:
    assert not reads_as_the_system(name)
