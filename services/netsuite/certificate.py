"""When NetSuite's OAuth certificate ends: it lasts two years at most, and then nothing is pushed any more.

No API of NetSuite tells the date, so `HOLD_NETSUITE_CERTIFICATE_EXPIRES` does: the certificate shows it when it is made
(`openssl x509 -enddate`), and NetSuite's page of OAuth 2.0 client credentials lists it.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from credit.wording import counted

NEAR = timedelta(days=60)
"""From then on everybody is warned: a new certificate takes an administrator, and a quiet moment."""
_AGAIN = timedelta(days=1)

_log = structlog.get_logger(__name__)


def time_left(expires: date, now: datetime) -> timedelta:
    """Return how long the certificate is good for; below zero where it is over. It ends with the day's first moment."""
    return datetime.combine(expires, time(), UTC) - now


def warning(expires: date | None, now: datetime) -> str | None:
    """Say that the certificate ends soon, or has ended; None where there is time, or nobody knows."""
    if expires is None:
        return None
    left = time_left(expires, now)
    if left > NEAR:
        return None
    if left <= timedelta(0):
        return f"NetSuite's OAuth certificate ended on {expires}: nothing can be pushed"
    return f"NetSuite's OAuth certificate ends on {expires}, in {counted(left.days, 'day')}"


class CertificateExpiry(Collector):
    """The gauge `hold_netsuite_certificate_expires_seconds`; left out where nobody knows."""

    def __init__(self, expires: date | None) -> None:
        self._expires = expires

    def collect(self) -> Iterator[Metric]:
        """Count now."""
        if self._expires is not None:
            left = time_left(self._expires, datetime.now(UTC)).total_seconds()
            yield GaugeMetricFamily(
                "hold_netsuite_certificate_expires_seconds", "Until NetSuite's OAuth certificate ends", value=left
            )


async def warn_daily(expires: date | None) -> None:
    """Log the warning once a day, for as long as the process runs."""
    while True:
        problem = warning(expires, datetime.now(UTC))
        if problem is not None:
            _log.warning("netsuite certificate", problem=problem, remedy="upload a new one and set HOLD_NETSUITE_…")
        await asyncio.sleep(_AGAIN.total_seconds())
