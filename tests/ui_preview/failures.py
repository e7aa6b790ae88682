"""Every failure that a fan can meet: its code, what is known of it, and the action that the screen offers.

Names of actions are those of `remedy` in extension/player/model.js. Previews draw each;
tests/integration/test_failures.py meets the host's and performs the advice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class FailureSample:
    """One failure as the player is told of it."""

    code: str
    action: str
    detail: dict[str, Any] = field(default_factory=dict)
    wallet: str = "open"
    """The wallet's state at that time: none, locked, open."""


STATION: Final = "https://harbour.example"
INSTALL: Final = {"command": f"gomaa host install --network {STATION}"}
FAILURES: Final = (
    FailureSample("host.missing", "command", INSTALL),
    FailureSample("host.version", "upgrade", INSTALL),
    FailureSample("host.answer", "upgrade"),
    FailureSample("host.gone", "retry"),
    FailureSample("host.slow", "retry"),
    FailureSample("host.network.missing", "network", {"origin": STATION}),
    FailureSample("host.network.damaged", "network", {"origin": STATION}),
    FailureSample("host.disk.full", "retry"),
    FailureSample("host.folder.denied", "repair"),
    FailureSample("host.ledger.failed", "retry"),
    FailureSample("host.ledger.busy", "retry"),
    FailureSample("host.ledger.damaged", "repair"),
    FailureSample("host.ledger.version", "upgrade"),
    FailureSample("host.device.key", "repair"),
    FailureSample("chain.unreachable", "retry"),
    FailureSample("server.unreachable", "retry"),
    FailureSample("server.answer", "retry"),
    FailureSample("station.unreachable", "retry"),
    FailureSample("station.unknown", "retry"),
    FailureSample("station.escrow.short", "retry"),
    FailureSample("station.right.missing", "none"),
    FailureSample("station.answer", "retry"),
    FailureSample("content.revoked", "none"),
    FailureSample("content.destroyed", "none"),
    FailureSample("policy.station.denied", "none", {"rule": "stations"}),
    FailureSample("policy.territory.denied", "retry", {"rule": "territories"}),
    FailureSample("policy.not_yet", "none", {"rule": "window"}),
    FailureSample("policy.expired", "none", {"rule": "window"}),
    FailureSample("policy.count.exhausted", "none", {"rule": "counts.play"}),
    FailureSample("policy.wallet.required", "create", wallet="none"),
    FailureSample("policy.wallet.required", "unlock", wallet="locked"),
    FailureSample("policy.clock.rollback", "retry"),
    FailureSample("invocation.time", "retry"),
    FailureSample("site.consent", "popup"),
    FailureSample("site.paused", "popup"),
    FailureSample("site.budget", "popup"),
    FailureSample("session.busy", "popup"),
    FailureSample("session.expired", "unlock", wallet="locked"),
    FailureSample("message.flood", "retry"),
    FailureSample("sps.truncated", "retry"),
    FailureSample("sps.version", "none"),
    FailureSample("sps.header.signature", "none"),
    FailureSample("media.unsupported", "none"),
    FailureSample("internal", "retry", {"reason": "TypeError: x is undefined"}),
)
