"""The one JSON object of a headless demo, and the promises it is checked against."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Report:
    """Every amount in wei, read back from the chain after the claim."""

    browser: str
    content: str
    title: str
    heard_s: float
    plays: int
    seeks: int
    reward_wei: int
    listener_balance_wei: int
    owner_paid_wei: int
    commission_wei: int
    station_debit_wei: int
    epoch: list[int]
    engine_cold_ms: float | None
    first_audio_ms: float | None
    seek_ms: list[float]
    refusals: list[str]
    audit: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def promise(self, holds: bool, text: str) -> None:
        """Note a promise that was not kept."""
        if not holds:
            self.broken.append(text)

    def to_json(self) -> dict[str, Any]:
        """Amounts as decimal strings; ``ok`` only if every promise holds."""
        out = {k: str(v) if k.endswith("_wei") else v for k, v in asdict(self).items()}
        return {"ok": not self.broken, **out}
