"""Faults that can be switched on, and the account's limit of concurrent requests."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from netsuite.sandbox.problems import concurrency_limit_exceeded

DEFAULT_CONCURRENCY = 15
"""An account of tier 1; the limit is shared by all its integrations."""

_Rate = Field(default=0.0, ge=0.0, le=1.0)


class Faults(BaseModel):
    """What goes wrong on the NetSuite side. The default is: nothing. Kept in memory only.

    Attributes:
        outage: 503 for everything, the token endpoint included.
        maintenance: what the front answers instead: 200 with a web ``page``, or a 302 ``redirect`` to one.
        latency_ms: added to every request, in milliseconds; it is spent inside a concurrency slot.
        error_rate: share of record requests answered with ``error_status`` and not carried out.
        error_status: 400 to 599.
        reset_rate: share of record requests whose connection is reset; not carried out.
        commit_then_timeout_rate: share of successful writes that are carried out and never answered.
        commit_then_page_rate: share of successful writes that are carried out and answered with a web page.
        max_concurrency: record requests at once before 429; None is the server's own limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    outage: bool = False
    maintenance: Literal["page", "redirect"] | None = None
    latency_ms: float = Field(default=0.0, ge=0.0, le=600_000.0)
    error_rate: float = _Rate
    error_status: int = Field(default=500, ge=400, le=599)
    reset_rate: float = _Rate
    commit_then_timeout_rate: float = _Rate
    commit_then_page_rate: float = _Rate
    max_concurrency: int | None = Field(default=None, ge=0)


def strikes(rate: float) -> bool:
    """Throw the dice once: never at 0, always at 1."""
    return random.random() < rate  # noqa: S311 - nothing secret


class Governor:
    """Counts the record requests in progress. Lives in the server's loop, so it needs no lock."""

    def __init__(self, limit: int = DEFAULT_CONCURRENCY) -> None:
        """``limit`` is the account's own; a fault may set another for a while."""
        self.limit = limit
        self.in_progress = 0
        self.most_at_once = 0

    @contextmanager
    def slot(self, limit: int | None) -> Iterator[None]:
        """Hold one slot for the length of the block.

        Raises:
            Refusal: 429, all slots are taken.
        """
        if self.in_progress >= (self.limit if limit is None else limit):
            raise concurrency_limit_exceeded()
        self.in_progress += 1
        self.most_at_once = max(self.most_at_once, self.in_progress)
        try:
            yield
        finally:
            self.in_progress -= 1
