"""Result of the watermark readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pywallet.encoding.hex import to_hex


@dataclass(frozen=True)
class Detection:
    """One detected block.

    Attributes:
        address: The content's address, 20 bytes.
        layer: Which watermark.
        position_s: Begin of the block in the file, s.
        block: Its number in the recording, one each 2 s; None in the in-band layer, whose blocks are equal.
        confidence: Correlation of the soft bits with the codeword, 0 to 1.
        speed: Playback speed; 1.04 for a recording played 4 % faster.
        method: "crc": the block's checksum holds; "list": detected by correlation with a listed address.
    """

    address: bytes
    layer: Literal["ultrasonic", "inband"]
    position_s: float
    block: int | None
    confidence: float
    speed: float = 1.0
    method: Literal["crc", "list"] = "crc"

    def to_json(self) -> dict[str, Any]:
        """JSON of ``gomaa watermark read --json``."""
        return {
            "address": to_hex(self.address),
            "layer": self.layer,
            "position_s": round(self.position_s, 4),
            "block": self.block,
            "confidence": round(self.confidence, 3),
            "speed": round(self.speed, 5),
            "how": self.method,
        }
