"""Every failure that a fan can meet: its code, what is known of it, and the action that the screen offers.

Names of actions are those of `remedy` in extension/player/model.js. Previews draw each;
tests/integration/test_failures.py meets the host's and performs the advice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Failure:
    """One failure as the player is told of it."""

    code: str
    action: str
    detail: dict[str, Any] = field(default_factory=dict)
    wallet: str = "open"
    """The wallet's state at that time: none, locked, open."""


STATION: Final = "https://harbour.example"
INSTALL: Final = {"command": f"gomaa host install --network {STATION}"}
FAILURES: Final = (
    Failure("host.missing", "command", INSTALL),
    Failure("host.version", "upgrade", INSTALL),
    Failure("host.answer", "upgrade"),
    Failure("host.gone", "retry"),
    Failure("host.slow", "retry"),
    Failure("host.network.missing", "network", {"origin": STATION}),
    Failure("host.network.damaged", "network", {"origin": STATION}),
    Failure("host.disk.full", "retry"),
    Failure("host.folder.denied", "repair"),
    Failure("host.ledger.failed", "retry"),
    Failure("host.ledger.busy", "retry"),
    Failure("host.ledger.damaged", "repair"),
    Failure("host.ledger.version", "upgrade"),
    Failure("host.device.key", "repair"),
    Failure("chain.unreachable", "retry"),
    Failure("server.unreachable", "retry"),
    Failure("server.answer", "retry"),
    Failure("station.unreachable", "retry"),
    Failure("station.unknown", "retry"),
    Failure("station.escrow.short", "retry"),
    Failure("station.right.missing", "none"),
    Failure("station.answer", "retry"),
    Failure("content.revoked", "none"),
    Failure("content.destroyed", "none"),
    Failure("policy.station.denied", "none", {"rule": "stations"}),
    Failure("policy.territory.denied", "retry", {"rule": "territories"}),
    Failure("policy.not_yet", "none", {"rule": "window"}),
    Failure("policy.expired", "none", {"rule": "window"}),
    Failure("policy.count.exhausted", "none", {"rule": "counts.play"}),
    Failure("policy.wallet.required", "create", wallet="none"),
    Failure("policy.wallet.required", "unlock", wallet="locked"),
    Failure("policy.clock.rollback", "retry"),
    Failure("invocation.time", "retry"),
    Failure("site.consent", "popup"),
    Failure("site.paused", "popup"),
    Failure("site.budget", "popup"),
    Failure("session.busy", "popup"),
    Failure("session.expired", "unlock", wallet="locked"),
    Failure("message.flood", "retry"),
    Failure("sps.truncated", "retry"),
    Failure("sps.version", "none"),
    Failure("sps.header.signature", "none"),
    Failure("media.unsupported", "none"),
    Failure("internal", "retry", {"reason": "TypeError: x is undefined"}),
)
