"""The processes that render: what they may not do, what a text may cost, and that one text never stops another."""

import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from credit.states import TextFormat
from rendering import differences
from rendering import renderer as renderer_module
from rendering.renderer import BeyondLimitsError, Limits, NotRenderedError, Renderer, RendererAwayError
from rendering.texts import difference, html_of, unified_difference
from tests.rendering import renderers
from tests.rendering.renderers import LOOPS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shared() -> Iterator[Renderer]:
    """A renderer with little patience, everybody's."""
    with renderers.strict() as made:
        yield made


def fill(renderer: Renderer, body: str, longest: int = 100_000) -> str:
    request = {"subject": "", "body": body, "values": {"v": "x" * 40, "customer_name": "x" * 40}, "longest": longest}
    return str(renderer.ask("template", request)[1])


def children(renderer: Renderer) -> list[psutil.Process]:
    ours = [one._process.pid for one in (*renderer._idle, *renderer._working)]
    return [psutil.Process(pid) for pid in ours]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (LOOPS, "takes more than 0.2 seconds"),
        ("{{ v | slice(1000000000) | list | length }}", "takes more than"),
        ("{{ '%200000000d' % 1 }}", "takes more than 128 MB of memory"),
        ("{{ v | center(300000000) }}", "takes more than 128 MB of memory"),
        ("{{ '%200000d' % 1 }}", "becomes longer than 100,000 characters"),
        (
            "{% for a in v %}{% for b in v %}{% for c in v %}" + "{{ v }}" * 3 + "{% endfor %}" * 3,
            "becomes longer than",
        ),
        ("x" * 250_001, "more than 250,000 are not laid out"),
    ],
)
def test_what_costs_too_much_is_refused_in_words_and_the_next_text_goes_on(
    shared: Renderer, body: str, says: str
) -> None:
    with pytest.raises(BeyondLimitsError, match=says):
        fill(shared, body)
    assert fill(shared, "{{ v | upper }}") == "X" * 40


@pytest.mark.parametrize(
    "body", ["{{" + "(" * 9000, "{{" + "-" * 9000 + "1}}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"]
)
def test_what_is_nested_without_end_is_refused(shared: Renderer, body: str) -> None:
    with pytest.raises(NotRenderedError, match="nested too deeply"):
        fill(shared, body)


def test_child_has_nothing_to_reach(shared: Renderer) -> None:
    fill(shared, "x")
    [process] = children(shared)
    assert set(process.environ()) <= {"PYTHONPATH", "LD_LIBRARY_PATH", "LC_CTYPE"}
    assert process.cwd() == "/"
    limits = (Path("/proc") / str(process.pid) / "limits").read_text()
    for what in ("Max open files", "Max file size", "Max core file size", "Max processes"):
        [line] = [one for one in limits.splitlines() if one.startswith(what)]
        assert line.removeprefix(what).split()[:2] == ["0", "0"], line
    assert process.num_fds() == 3


def test_one_child_serves_many_and_is_replaced_when_it_has_served_enough() -> None:
    renderer = Renderer(Limits(requests=3))
    served = []
    for _ in range(4):
        fill(renderer, "x")
        served.append([one.pid for one in children(renderer)])
    renderer.close()
    assert served[0] == served[1] != []
    assert served[2] == []
    assert served[3] not in ([], served[0])


def test_child_that_was_killed_is_replaced_without_anybody_noticing(shared: Renderer) -> None:
    fill(shared, "x")
    [process] = children(shared)
    process.kill()
    assert fill(shared, "{{ v | length }}") == "40"


def test_close_ends_the_children_and_tells_who_waits() -> None:
    renderer = Renderer(Limits(cpu_seconds=600, wall_seconds=600))
    with ThreadPoolExecutor() as threads:
        endless = threads.submit(fill, renderer, LOOPS)
        while not renderer._working:
            assert not endless.done()
        [process] = children(renderer)
        renderer.close()
        with pytest.raises(RendererAwayError, match="ending"):
            endless.result()
    assert not process.is_running()


def test_close_ends_a_child_that_is_only_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(Limits(cpu_seconds=600, wall_seconds=600))
    start, started = renderer_module._Child, []

    def close_meanwhile(limits: Limits) -> renderer_module._Child:
        started.append(start(limits))
        renderer.close()
        return started[0]

    monkeypatch.setattr(renderer_module, "_Child", close_meanwhile)
    with pytest.raises(RendererAwayError, match="ending"):
        fill(renderer, LOOPS)
    assert [child.is_alive for child in started] == [False]
    with pytest.raises(RendererAwayError, match="ending"):
        fill(renderer, "x")


def test_child_ends_with_its_parent() -> None:
    renderer = Renderer()
    fill(renderer, "x")
    [process] = children(renderer)
    renderer._idle[0]._process.stdin.close()  # type: ignore[union-attr]  # as the end of the parent does
    assert process.wait(30) in (0, None)
    renderer.close()


def test_many_threads_get_each_its_own_text() -> None:
    renderer = Renderer()
    with ThreadPoolExecutor(8) as threads:
        bodies = [f"{number} {{{{ v | length }}}}" for number in range(200)]
        assert list(threads.map(lambda body: fill(renderer, body), bodies)) == [f"{n} 40" for n in range(200)]
    assert len(children(renderer)) <= 2
    renderer.close()


def test_a_text_without_end_does_not_stop_another() -> None:
    renderer = Renderer(Limits(cpu_seconds=600, wall_seconds=600))
    with ThreadPoolExecutor() as threads:
        endless = threads.submit(fill, renderer, LOOPS)
        while not renderer._working:
            assert not endless.done()
        assert fill(renderer, "{{ v | length }}") == "40"
        assert not endless.done()
        others = threads.submit(fill, renderer, LOOPS)
        while len(renderer._working) < 2:
            assert not others.done()
        request = {"subject": "", "body": "", "values": {}, "longest": 1}
        with pytest.raises(RendererAwayError, match="try again soon"):
            renderer.ask("template", request, patience=0)
        renderer.close()


def test_a_busy_machine_is_not_the_text_s_fault() -> None:
    renderer = Renderer(Limits(cpu_seconds=600, wall_seconds=0.2))
    with pytest.raises(RendererAwayError, match="too busy"):
        fill(renderer, LOOPS)
    renderer.close()


@pytest.mark.parametrize(
    "body",
    [
        "[[[[]](" * 12_000,
        "[a](b" * 20_000,
        "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n" + "|b\n" * 5000,
        "*a_" * 30_000,
    ],
)
def test_markdown_that_costs_too_much_is_told_as_such(shared: Renderer, body: str) -> None:
    assert len(body) <= 100_000
    with pytest.raises(BeyondLimitsError, match=r"takes more than|becomes longer than"):
        html_of(body, TextFormat.MARKDOWN)
    assert html_of("**x**", TextFormat.MARKDOWN) == "<p><strong>x</strong></p>\n"
    assert html_of(body, TextFormat.TEXT).startswith("<pre>")


def test_message_that_is_too_long_is_not_laid_out(shared: Renderer) -> None:
    with pytest.raises(BeyondLimitsError, match="the text has 100,001 characters: shorten it to 100,000"):
        html_of("x" * 100_001, TextFormat.MARKDOWN)


@pytest.mark.parametrize("nested", ["> " * 5000, "* " * 5000, "[" * 5000, "**" * 5000])
def test_nesting_has_an_end(nested: str) -> None:
    page = html_of(f"{nested}x\n\nlast words", TextFormat.MARKDOWN)
    assert max(page.count("<blockquote>"), page.count("<ul>")) <= 20


def rebuilt(pieces: list[differences.Piece], *kinds: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in ("same", *kinds))


def shuffled() -> tuple[str, str]:
    chance = random.Random(7)  # noqa: S311
    lines = [f"{number % 500}\n" for number in range(24_000)]
    after = lines[:]
    chance.shuffle(after)
    return "".join(["first\n", *lines, "last\n"]), "".join(["first\n", *after, "last\n"])


@pytest.mark.parametrize(("before", "after"), [shuffled(), ("a b " * 20_000, "b a " * 20_000)])
def test_difference_that_would_take_too_long_is_shown_whole(shared: Renderer, before: str, after: str) -> None:
    pieces = difference(before, after)
    assert len(pieces) <= 4
    assert (rebuilt(pieces, "removed"), rebuilt(pieces, "added")) == (before, after)
    unified = unified_difference(*shuffled(), "revision 1", "revision 2").splitlines()
    assert unified[:3] == ["--- revision 1", "+++ revision 2", "@@ -2,24000 +2,24000 @@"]
    assert len(unified) == 3 + 48_000


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("a", "a"), ("a\n", "b\n"), ("a\nb\n", "a\n"), ("", "a\n"), ("a\nb\nc", "a\nx\nc"), ("a\na\n", "a\n")],
)
def test_whole_difference_makes_one_of_the_other(before: str, after: str) -> None:
    pieces = differences.whole_pieces(before, after)
    assert (rebuilt(pieces, "removed"), rebuilt(pieces, "added")) == (before, after)
    assert (before == after) == (differences.whole_unified(before, after, "x", "y") == "")


def test_the_worker_has_nothing_to_render_with() -> None:
    """Its process, which has every secret, never sees a template run."""
    found = "import sys, worker; print([name for name in ('jinja2', 'markdown_it') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", found], cwd=ROOT, check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
