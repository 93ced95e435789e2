"""What the documentation names is there: files, links, decisions, and the code that the glossary points to."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
_DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
_BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
_PRODUCT = tuple(_BUILD["targets"]["wheel"]["packages"])
_ROOMS = (*_PRODUCT, "tests", "script", "docs", "bench")
_QUOTED = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def _named(page: Path) -> list[str]:
    """The paths a page names in backticks, from the root of the project."""
    quoted = (one.split("::")[0] for one in _QUOTED.findall(page.read_text()))
    return [one for one in quoted if re.fullmatch(rf"({'|'.join(_ROOMS)})/[\w./*-]*", one)]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    assert [name for name in _named(page) if not list(ROOT.glob(name.rstrip("/")))] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text()):
        if target.startswith(("http:", "https:")):
            continue
        found = page.parent / target if target else page
        assert found.exists(), target
        if anchor:
            assert anchor.removeprefix("#") in _anchors(found), f"{target}{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_decisions_are_numbered_listed_and_whole() -> None:
    numbers = [int(page.name[:4]) for page in _DECISIONS]
    assert numbers == list(range(1, len(_DECISIONS) + 1))
    index = (ROOT / "docs/decisions/README.md").read_text()
    for number, page in zip(numbers, _DECISIONS, strict=True):
        [title] = re.findall(r"^# (.+)$", page.read_text(), re.MULTILINE)
        assert f"{number}. [{title.removeprefix(f'{number}. ')}]({page.name})" in index.splitlines(), page.name
        headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], page.name


def test_the_code_refers_to_decisions_that_are_there() -> None:
    there = {page.name[:4] for page in _DECISIONS}
    referred = re.findall(r"docs/decisions/(\d{4})", _code())
    assert len(referred) > 10
    assert set(referred) <= there


def test_the_code_refers_to_nothing_that_is_elsewhere() -> None:
    """A specification is one of the two that docs/specification.md is about."""
    assert re.findall(r"design \d[\d.]*|(?<!service-hold )(?<!freight )\bspec: [A-Z]", _code()) == []


@cache
def _code() -> str:
    rooms = (*_PRODUCT, "tests", "script", "bench")
    files = [*ROOT.glob("*.py"), *(file for room in rooms for file in (ROOT / room).rglob("*") if _is_code(file))]
    return "\n".join(file.read_text() for file in files if file != Path(__file__))


def _is_code(file: Path) -> bool:
    return file.is_file() and (file.suffix in (".py", ".html", ".sh", ".js") or file.parent.name == "script")


def test_the_glossary_points_to_what_there_is() -> None:
    words = set(re.findall(r"\w+", _code()))
    rows = re.findall(r"^\| (.+) \| .+ \| (.+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    rows = [(word, where) for word, where in rows if word not in ("word", "---")]
    assert len(rows) > 50
    for word, where in rows:
        quoted = _QUOTED.findall(where)
        assert quoted or "](" in where, word
        for name in quoted:
            if "/" not in name:
                assert set(re.findall(r"\w+", name)) <= words, f"{word}: {name}"
