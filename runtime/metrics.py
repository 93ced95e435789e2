"""Prometheus metrics: the product's own, counted from the record at each scrape, and the Temporal SDK's."""

import socket
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from credit.states import Beat
from db import gauges
from db.engine import transaction
from db.gauges import Gauges

_SDK_LIMIT = 2.0  # seconds


class Metrics:
    def __init__(self, engine: Engine, sdk_address: str | None = None, more: Sequence[Collector] = ()) -> None:
        self._registry = CollectorRegistry()
        for collector in (_Record(engine), *more):
            self._registry.register(collector)
        self._sdk_address = sdk_address

    def text(self) -> bytes:
        """Return everything in Prometheus's text format. What cannot be counted right now is left out."""
        return generate_latest(self._registry) + self._sdk()

    def _sdk(self) -> bytes:
        if self._sdk_address is None:
            return b""
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://{self._sdk_address}/metrics", timeout=_SDK_LIMIT) as answer:
                return bytes(answer.read())
        except OSError:
            return b""


class _Record(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterator[Metric]:
        """Nothing ahead of time: registering must not need the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Count now; an unreachable database shows as `hold_database_up 0`."""
        up = GaugeMetricFamily("hold_database_up", "Whether the record could be read")
        try:
            with transaction(self._engine) as session:
                seen = gauges.read(session, datetime.now(UTC))
        except SQLAlchemyError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        holds = GaugeMetricFamily("hold_holds_open", "Open holds", labels=["status"])
        for status, count in seen.holds.items():
            holds.add_metric([status], count)
        yield holds
        beats = GaugeMetricFamily("hold_beats_unfinished", "Beats that are not done", labels=["beat", "status"])
        for (beat, status), count in seen.beats.items():
            beats.add_metric([beat, status], count)
        yield beats
        for name, help_text, value in (
            ("hold_proposals_waiting", "Proposals that wait for an approver", seen.proposals_waiting),
            ("hold_oldest_proposal_age_seconds", "Age of the oldest waiting proposal", seen.oldest_proposal_age),
            ("hold_oldest_unfinished_beat_age_seconds", "Age of the oldest beat", seen.oldest_unfinished_beat_age),
            ("hold_decisions_undelivered", "Decisions their workflow has not obeyed yet", seen.decisions_undelivered),
            ("hold_notifications_undelivered", "Mails and webhook calls not taken yet", seen.notifications_undelivered),
            ("hold_notifications_given_up", "Those that can never be told", seen.notifications_given_up),
        ):
            yield GaugeMetricFamily(name, help_text, value=value)
        yield from _people(seen)


def _people(seen: Gauges) -> Iterator[Metric]:
    """What people steer by: `hold report` has more."""
    decided = CounterMetricFamily("hold_decisions", "Decisions ever made", labels=["verdict"])
    for verdict, count in seen.decisions.items():
        decided.add_metric([verdict], count)
    yield decided
    stuck = GaugeMetricFamily("hold_beats_stuck", "Beats unfinished for longer than an hour", labels=["beat"])
    for beat in Beat:
        stuck.add_metric([beat], seen.beats_stuck.get(beat, 0))
    yield stuck
    for name, help_text, spread in (
        ("hold_time_to_decide_seconds", "From proposal to decision, last 90 days", seen.time_to_decide),
        ("hold_time_held_seconds", "From in force to released, last 90 days", seen.time_held),
    ):
        family = GaugeMetricFamily(name, help_text, labels=["quantile"])
        for quantile, seconds in (("0.5", spread.median_seconds), ("0.9", spread.p90_seconds)):
            if seconds is not None:
                family.add_metric([quantile], seconds)
        yield family


def install_sdk_metrics() -> str:
    """Make the Temporal SDK of this process serve its metrics; returns where. Call it before any client is made."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    prometheus = PrometheusConfig(
        bind_address=address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=prometheus)))
    return address
