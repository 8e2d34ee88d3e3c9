"""Logs of the long-running process: lines for a person on a terminal, JSON lines for a collector, never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.dev import plain_traceback

from crmsync.redact import HIDDEN, clean, named_secret


def configure(*, as_json: bool = False, level: str = "info", stream: TextIO | None = None) -> None:
    """Send structlog's events and those of the standard `logging` to `stream` (standard error)."""
    out = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # before the secrets are looked for: a traceback may hold some
        without_secrets,
    ]
    last: Any = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain_traceback)
    if as_json:
        last = structlog.processors.JSONRenderer(ensure_ascii=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_number(level), logging.INFO))


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values that are named like secrets, and what looks like one inside a text."""
    return {name: HIDDEN if named_secret(name) else clean(value) for name, value in event.items()}
