"""Logs: one JSON object a line on standard error, for machines; people get tables and progress bars instead."""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

import structlog

_TRACEBACKS: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
"""Tracebacks without the values of variables: among those are keys, and the bodies of webhooks (PAY-039)."""


def configure_logs(level: str | None = None) -> None:
    """Send structured logs to standard error from `level` (or CUTLINE_LOG_LEVEL, or warning) upwards."""
    name = (level or os.environ.get("CUTLINE_LOG_LEVEL") or "warning").upper()
    threshold = logging.getLevelNamesMapping().get(name, logging.WARNING)
    logging.basicConfig(level=max(threshold, logging.WARNING), stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _TRACEBACKS,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
