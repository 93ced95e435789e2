"""Questions that must be answered soon, database or no database: what it does not answer in time is not waited for."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import Session

from credit.eligibility import Action
from db.engine import make_engine, transaction

WhenDown = Literal["refuse", "allow"]
T = TypeVar("T")

DOWN = (OperationalError, InterfaceError, NoConnectionError)
"""How a database that is away shows itself."""
_PATIENCE = 2
"""Seconds for a connection or a statement …"""
_AT_MOST = 3.0
"""… and for everything, from a server that has stopped without a word."""
_CONNECTIONS = 10


class NoAnswerError(SQLAlchemyError):
    """The database did not answer in time."""

    def __init__(self) -> None:
        super().__init__("the database does not answer, so nothing can be looked up or written: try again soon")


class Gates(Collector):
    """Short questions on connections and threads of their own, and the count of what was answered.

    Args:
        database_url: `postgresql+psycopg://…`.
        when_down: what eligibility and rates answer while the database does not.
    """

    def __init__(self, database_url: str, when_down: WhenDown = "refuse") -> None:
        self.when_down = when_down
        self._answers = Counter(
            "hold_eligibility_answers",
            "What customers were answered who wanted to order, be rated, or have a load advance",
            ["action", "answer", "degraded"],
            registry=None,
        )
        self._engine = make_engine(database_url, pool_size=_CONNECTIONS, patience=_PATIENCE)
        self._threads = ThreadPoolExecutor(_CONNECTIONS, "gates")

    async def ask(self, question: Callable[[Session], T]) -> T:
        """Return what `question` reads, in a transaction of its own. It may go on after its time: it must not write.

        Raises:
            NoAnswerError: not in time.
        """

        def run() -> T:
            with transaction(self._engine) as session:
                return question(session)

        under_way = asyncio.get_running_loop().run_in_executor(self._threads, run)
        try:
            return await asyncio.wait_for(under_way, _AT_MOST)
        except (TimeoutError, *DOWN) as error:
            raise NoAnswerError from error

    def count(self, action: Action, *, allowed: bool, degraded: bool = False) -> None:
        """Count an answer; degraded is one that the setting gave, not the record."""
        self._answers.labels(action, "allowed" if allowed else "refused", str(degraded).lower()).inc()

    def collect(self) -> Iterator[Metric]:
        """Tell the metrics: what was answered, and what the setting is."""
        yield from self._answers.collect()
        help_text = "Whether eligibility and rates allow while the database does not answer"
        yield GaugeMetricFamily("hold_eligibility_when_down_allows", help_text, value=self.when_down == "allow")

    def close(self) -> None:
        """Let go of the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()
