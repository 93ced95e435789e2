"""What a test needs, as a marker: `pure`, `service`, `browser`, `long` or `stack`; and which tests keep together."""

from pathlib import Path

import pytest

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


def _keeps_together(item: pytest.Item) -> str | None:
    """The name of the group that shares something costly: one process runs all of it, in the order of the file."""
    known = getattr(item, "_fixtureinfo", None)
    scopes = {fixture.scope for found in known.name2fixturedefs.values() for fixture in found} if known else set()
    if "package" in scopes:
        return str(item.path.parent.relative_to(_TESTS))
    return str(item.path.relative_to(_TESTS)) if "module" in scopes else None


def sort(items: list[pytest.Item]) -> None:
    """Mark every test with its level, and put the slowest levels first, so that no process ends long after the rest."""
    rank = {}
    for item in items:
        level = level_of(item)
        rank[item] = SLOWEST_FIRST.index(level)
        item.add_marker(level)
        if group := _keeps_together(item):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=rank.__getitem__)
