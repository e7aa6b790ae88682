"""What a reader has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pywallet.encoding.hex import to_hex


@dataclass(frozen=True)
class Detection:
    """One block that was read.

    ``position_s`` is where in the file it begins; ``block`` its number in the recording (each two seconds; None in the
    in-band layer, whose blocks are all alike); ``confidence`` 0 to 1: how closely the soft bits follow the code;
    ``speed`` 1.04 for a song played 4 % faster; ``how`` "crc", or "list" where only the candidate list made it out.
    """

    address: bytes
    layer: Literal["ultrasonic", "inband"]
    position_s: float
    block: int | None
    confidence: float
    speed: float = 1.0
    how: Literal["crc", "list"] = "crc"

    def to_json(self) -> dict[str, Any]:
        """For tools."""
        return {
            "address": to_hex(self.address),
            "layer": self.layer,
            "position_s": round(self.position_s, 4),
            "block": self.block,
            "confidence": round(self.confidence, 3),
            "speed": round(self.speed, 5),
            "how": self.how,
        }
