"""Logs and tracebacks without the secrets that URLs carry, whatever library wrote the line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

from pywallet.redaction import redact


class RedactingFormatter(logging.Formatter):
    """A formatter that cuts every URL of a line, and of the traceback below it, to scheme, host and port."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return redact(super().format(record))


def log_to(handlers: Sequence[logging.Handler], level: int, layout: str) -> None:
    """Send the process's logs to these handlers, redacted.

    Args:
        handlers: Where lines go.
        level: The least level that is written, as in ``logging``.
        layout: The line, as in ``logging.Formatter``.
    """
    for handler in handlers:
        handler.setFormatter(RedactingFormatter(layout))
    logging.basicConfig(level=level, handlers=list(handlers))


def report_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For ``sys.excepthook``: the traceback, redacted."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
