"""Logs and tracebacks without the secrets in URLs, whatever library wrote the line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

from pywallet.redaction import redact


class RedactingFormatter(logging.Formatter):
    """Formatter that reduces every URL of a line and its traceback to scheme, host and port."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return redact(super().format(record))


def log_to(handlers: Sequence[logging.Handler], level: int, layout: str) -> None:
    """Configure the process's logging with redaction.

    Args:
        handlers: Destinations of the lines.
        level: Lowest level that is written, as in ``logging``.
        layout: Format of a line, as in ``logging.Formatter``.
    """
    for handler in handlers:
        handler.setFormatter(RedactingFormatter(layout))
    logging.basicConfig(level=level, handlers=list(handlers))


def report_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write a redacted traceback to stderr; for ``sys.excepthook``."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
