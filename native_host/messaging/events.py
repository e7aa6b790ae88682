"""Events: messages to the extension that answer no request (docs/protocol.md section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Emit = Callable[[dict[str, Any]], None]
"""Sends one event to the extension."""
