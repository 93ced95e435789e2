"""A renderer with other limits for everybody in this process: what takes too long does so on any machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from rendering import texts
from rendering.renderer import Limits, Renderer

LOOPS = "{% for a in customer_name %}" * 8 + "{% endfor %}" * 8
"""A template that takes hours: each character of a name, for each character of it, …"""
COSTLY_MARKDOWN = "[[[[]](" * 14_000


@contextmanager
def everybody_s(**limits: float) -> Iterator[Renderer]:
    made = Renderer(Limits(**limits))  # type: ignore[arg-type]  # seconds and numbers
    with patch.object(texts, "shared", lambda: made):
        yield made
    made.close()


@contextmanager
def strict() -> Iterator[Renderer]:
    """Which ends what takes a fifth of a second."""
    with everybody_s(cpu_seconds=0.2, wall_seconds=60) as made:
        yield made


@contextmanager
def lenient() -> Iterator[Renderer]:
    """Which ends nothing by itself."""
    with everybody_s(cpu_seconds=600, wall_seconds=600) as made:
        yield made
