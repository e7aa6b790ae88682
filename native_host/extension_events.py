"""Events: messages to the extension that answer no request (docs/protocol.md section 3)."""

from __future__ import annotations

from collections.abc import Callable

from messages.browser_host.events import Event

Emit = Callable[[Event], None]
"""Sends one event to the extension."""
