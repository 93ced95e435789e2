"""What a test needs, as a marker: `pure`, `service`, `browser`, `long` or `stack`; and which tests keep together."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TESTS = Path(__file__).parent
_OF_FOLDER = {"stack": "stack", "whole": "stack", "long_waits": "long", "long_histories": "long"}
_SERVICES = {"postgres", "temporal_server", "sandbox", "shared_sandbox", "own_sandbox", "sink", "failing_server"}
"""Fixtures that start one, or run one in this process."""

SLOWEST_FIRST = ("stack", "long", "browser", "service", "pure")


def level_of(item: pytest.Item) -> str:
    """The first marker that a test has of these, or what its folder and its fixtures say."""
    for level in SLOWEST_FIRST:
        if item.get_closest_marker(level):
            return level
    if level := _OF_FOLDER.get(item.path.relative_to(_TESTS).parts[0]):
        return level
    fixtures = set(getattr(item, "fixturenames", ()))
    if "browser" in fixtures:
        return "browser"
    return "service" if fixtures & _SERVICES else "pure"


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """Hands the tests out one by one, but those together that share a fixture of their module or package."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # they are in order: `sort`
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return _shared(nodeid.partition("::")[0]) or nodeid


@cache
def _shared(file: str) -> str | None:
    """The file or folder whose tests belong to one process, told from the text: who hands out sees no fixture."""
    path = Path(file)
    texts = [path.read_text()] + [one.read_text() for one in [path.parent / "conftest.py"] if one.exists()]
    if any('scope="package"' in text for text in texts):
        return str(path.parent)
    return file if any('scope="module"' in text for text in texts) else None


def sort(items: list[pytest.Item]) -> None:
    """Mark every test with its level, and put the slowest levels first, so that no process ends long after the rest."""
    rank = {}
    for item in items:
        level = level_of(item)
        rank[item] = SLOWEST_FIRST.index(level)
        item.add_marker(level)
    items.sort(key=rank.__getitem__)
