"""Logs and tracebacks without the secrets in URLs, whatever library wrote the line."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pywallet.errors import SENTENCES, GomaaError
from pywallet.redaction import hide_identifiers, redact


class RedactingFormatter(logging.Formatter):
    """Formatter that reduces every URL of a line and its traceback to scheme, host and port."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return redact(super().format(record))


class ServerFormatter(RedactingFormatter):
    """Formatter of a server's log: also without keys, signatures, sessions, tickets and raw bytes."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return hide_identifiers(super().format(record))


class JsonFormatter(ServerFormatter):
    """Formatter of one JSON object a line: ``time``, ``level``, ``logger``, ``message``; ``code`` and ``trace`` if any.

    ``time`` is UTC (RFC 3339, milliseconds); ``code`` is that of the error that the line is about.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide_identifiers(redact(record.getMessage())),
        }
        code = error_code(record)
        if code is not None:
            line["code"] = code
        if record.exc_info:
            line["trace"] = hide_identifiers(redact(self.formatException(record.exc_info)))
        return json.dumps(line, ensure_ascii=False)


def error_code(record: logging.LogRecord) -> str | None:
    """The code of the error that a record is about: of its exception or arguments, or at the start of its message."""
    causes = [*(record.args if isinstance(record.args, tuple) else ()), record.exc_info[1] if record.exc_info else None]
    for cause in causes:
        if isinstance(cause, GomaaError):
            return cause.code
    if record.exc_info:
        return "internal"
    first = record.getMessage().partition(":")[0]
    return first if first in SENTENCES else None


def log_to(
    handlers: Sequence[logging.Handler],
    level: int,
    layout: str,
    formatter: type[logging.Formatter] = RedactingFormatter,
) -> None:
    """Configure the process's logging with redaction.

    Args:
        handlers: Destinations of the lines.
        level: Lowest level that is written, as in ``logging``.
        layout: Format of a line, as in ``logging.Formatter``.
        formatter: Makes the lines.
    """
    for handler in handlers:
        handler.setFormatter(formatter(layout))
    logging.basicConfig(level=level, handlers=list(handlers))


def report_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write a redacted traceback to stderr; for ``sys.excepthook``."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
