"""Every action that any code writes to the audit trail has a sentence: found by reading the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit.credit_hold import LimitState, OrderStatus
from credit.outcomes import Outcome
from credit.states import HoldStatus, Verdict
from credit.wording import words
from db.messages import deliveries
from desk.pages.timeline import what_happened

ROOT = Path(__file__).parents[3]
PACKAGES = ("db", "services", "activities", "starter", "desk")
MADE_UP = {
    "f'{what}_{ending}'": {
        f"{what}_{ending}"
        for what in ("hold", "release", "repair")
        for ending in (HoldStatus.EXPIRED, HoldStatus.WITHDRAWN)
    },
    "f'proposal_{proposal.status}'": {f"proposal_{verdict}d" for verdict in Verdict},
    "effect.outcome": set(Outcome),
    "f'order_{status}'": {f"order_{status}" for status in OrderStatus if status is not OrderStatus.OPEN},
    "f'limit_{it.after}'": {f"limit_{state}" for state in LimitState},
    "Outcome.OVERRIDDEN": {Outcome.OVERRIDDEN},
    "_DELIVERIES[outcome]": {action for _, action in deliveries._DELIVERIES.values()},
}
"""Actions that are put together where they are written: how the code says it -> what it comes to."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    """Every function and method; those within another one belong to it."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            body = ast.parse(path.read_text()).body
            for node in [*body, *(one for group in body if isinstance(group, ast.ClassDef) for one in group.body)]:
                if isinstance(node, Function):
                    yield path, node


def seen_from(path: Path) -> list[Path]:
    """A file and the modules of ours that it imports from: whose public methods it may call."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return [path, *(ROOT / f"{(node.module or '').replace('.', '/')}.py" for node in nodes)]


def parameters(function: Function) -> list[str]:
    return [one.arg for one in (*function.args.posonlyargs, *function.args.args)]


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def by_thread(call: ast.Call) -> ast.Call:
    """`asyncio.to_thread(f, x)` as `f(x)`."""
    return ast.Call(call.args[0], call.args[1:], call.keywords) if called(call) == "to_thread" else call


def writes(call: ast.Call) -> bool:
    """Whether it is `audit.append(…)`."""
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "audit.append"


def actions_of(value: ast.expr, function: Function) -> set[str]:
    """What an expression for an action can come to."""
    if isinstance(value, ast.Constant):
        return {value.value}
    if isinstance(value, ast.IfExp):
        return actions_of(value.body, function) | actions_of(value.orelse, function)
    if isinstance(value, ast.Name):
        if value.id in parameters(function):
            return set()  # its callers say
        assigned = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and value.id in ast.unparse(node.targets[0]).strip("()").split(", ")
        ]
        assert assigned, f"{function.name}: where does {value.id} come from?"
        return set().union(*(actions_of(one, function) for one in assigned))
    text = ast.unparse(value)
    assert text in MADE_UP, f"{function.name}: say in MADE_UP what {text} comes to"
    return set(MADE_UP[text])


def all_actions() -> dict[str, str]:
    """Return action -> where it is written."""
    found: dict[str, str] = {}
    passing_on = {}
    seen = {path: seen_from(path) for path in {path for path, _ in functions()}}
    for path, function in functions():
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and writes(node)):
            [value] = [word.value for word in call.keywords if word.arg == "action"]
            found |= dict.fromkeys(actions_of(value, function), f"{path.name}: {function.name}")
            if isinstance(value, ast.Name) and value.id in parameters(function):
                passing_on[path, function.name] = parameters(function), value.id
    for path, function in functions():
        known = {
            name: passed
            for (where, name), passed in passing_on.items()
            if where == path or (where in seen[path] and passed[0][0] == "self" and not name.startswith("_"))
        }
        for call in (by_thread(node) for node in ast.walk(function) if isinstance(node, ast.Call)):
            if called(call) not in known:
                continue
            names, wanted = known[called(call)]
            names = [name for name in names if name != "self"]
            given = dict(zip(names, call.args, strict=False)) | {word.arg or "": word.value for word in call.keywords}
            found |= dict.fromkeys(actions_of(given[wanted], function), f"{path.name}: {function.name}")
    return found


ACTIONS = all_actions()


def test_the_walk_finds_what_is_written_in_every_way() -> None:
    known = {"hold_proposed", "beat_skipped", "ar_aging_paused", "netsuite_drift_accepted", "health_predicted"}
    known |= {"release_refused", "repair_expired", "proposal_declined", "part_paid", "password_reset", "message_sent"}
    assert known <= ACTIONS.keys()


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_has_a_sentence(action: str) -> None:
    said = what_happened(action, {})
    assert said != words(action) or action in {"signed_in", "signed_out", "ended_sessions"}, ACTIONS[action]
