"""Structured logs: one line an event, with the hold it is about; JSON for machines, columns for people."""

import logging
import sys
from typing import TYPE_CHECKING

import structlog

from credit.plain_text import shown

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor


def _inert(_: object, __: str, event: "EventDict") -> "EventDict":
    """Write out what a terminal would obey: an error may quote anybody."""
    return {name: shown(value) if isinstance(value, str) else value for name, value in event.items()}


def configure(*, as_json: bool, level: str = "INFO") -> None:
    """Send every log, the libraries' too, through structlog to stderr.

    Args:
        as_json: JSON lines instead of columns.
        level: of our own logs and the libraries', like `INFO`.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=("temporal_workflow", "temporal_activity", "message_id")),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[Processor] = (
        [structlog.processors.JSONRenderer()] if as_json else [_inert, structlog.dev.ConsoleRenderer(colors=False)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *renderers,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
