"""The report as a JSON document, for the CLI, the desk and its charts alike."""

from credit.report import Numbers, Report
from services.answers import Document


def document(report: Report) -> Document:
    """Return the report. Amounts are strings, durations seconds, rates shares of 1; null where nothing happened."""
    return {
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "currency": report.currency,
        "period": _numbers(report.period),
        "overall": _numbers(report.overall),
        "now": report.now.model_dump(mode="json"),
        "weeks": [week.model_dump(mode="json") for week in report.weeks],
    }


def _numbers(numbers: Numbers) -> Document:
    return numbers.model_dump(mode="json") | {"rates": numbers.outcomes.rates() | {"overridden": numbers.override_rate}}
