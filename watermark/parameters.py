"""The two signals' constants and what the SPS header says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pywallet.errors import InputError
from pywallet.sps.mark import MAX_EVERY

LAYERS: Final = ("ultrasonic", "inband")

# Ultrasonic. Everything is a multiple of 0.5 Hz, so a block of two seconds is one period of a Fourier series.
BLOCK_S: Final = 2
CARRIER_HZ: Final = 20_630
CHIP_HZ: Final = 960
ROLLOFF: Final = 0.18
TONE_HZ: Final = 20_020
LEVEL_DB: Final = -60
TONE_DB: Final = -10
"""The pilot tone's level below the block's."""
SLOTS: Final = BLOCK_S * CHIP_HZ
GUARD: Final = 10
"""Empty chip slots at either end of a block, so that no pulse's tail reaches into the next one."""
CHIPS: Final = SLOTS - 2 * GUARD
STRIDE: Final = 187
"""Chip i carries coded bit i * 187 mod 420: a burst costs many bits a little."""
CLEAN_HZ: Final = 19_850
"""Middle of the low-pass that makes room for the mark."""
CLEAN_WIDTH_HZ: Final = 280
MIN_RATE: Final = 44_100

# In-band. Frames of 20 ms are whole samples at 44.1 and 48 kHz alike.
FRAMES_HZ: Final = 50
FIRST_BIN, END_BIN = 17, 200
"""Bins of 50 Hz: 850 Hz to 9.95 kHz."""
PERIOD: Final = 550
"""Frames of one block, 11 s; every block is the same, so that any four of them add up."""
DEPTH: Final = 0.12
"""A cell's magnitude is multiplied by e^+-0.12."""
MIN_RATE_INBAND: Final = 22_050
READ_S: Final = 44


@dataclass(frozen=True)
class Marks:
    """The marks of one rendition. Raises InputError ``media.unsupported`` where ``rate`` (Hz) cannot carry a layer."""

    rate: int
    layers: Sequence[str] = LAYERS
    every: int = 1
    level: int = LEVEL_DB

    def __post_init__(self) -> None:
        if not self.layers or set(self.layers) - set(LAYERS) or len(set(self.layers)) != len(self.layers):
            raise InputError("message.schema", field="layers", reason=f"one or both of {', '.join(LAYERS)}")
        if not 1 <= self.every <= MAX_EVERY:
            raise InputError("message.schema", field="every", reason=f"1 to {MAX_EVERY} segments")
        if not -80 <= self.level <= -40:
            raise InputError("message.schema", field="level", reason="-80 to -40 dBFS")
        if "ultrasonic" in self.layers and self.rate < MIN_RATE:
            raise InputError(
                "media.unsupported",
                reason=f"{self.rate} Hz cannot carry a mark above 20 kHz; {MIN_RATE} Hz or more can",
            )
        if "inband" in self.layers and (self.rate < MIN_RATE_INBAND or self.rate % FRAMES_HZ):
            raise InputError(
                "media.unsupported",
                reason=f"{self.rate} Hz cannot carry the in-band mark; {MIN_RATE_INBAND} Hz or more can",
            )

    def to_map(self) -> dict[str, Any]:
        """The header's ``watermark``: whole numbers, frequencies in Hz, times in ms, levels in dBFS."""
        out: dict[str, Any] = {
            "version": 1,
            "layers": [layer for layer in LAYERS if layer in self.layers],
            "every": self.every,
        }
        if "ultrasonic" in self.layers:
            out["ultrasonic"] = {
                "carrier_hz": CARRIER_HZ,
                "chip_hz": CHIP_HZ,
                "rolloff_percent": round(100 * ROLLOFF),
                "tone_hz": TONE_HZ,
                "block_ms": 1000 * BLOCK_S,
                "level_db": self.level,
            }
        if "inband" in self.layers:
            out["inband"] = {
                "low_hz": FIRST_BIN * FRAMES_HZ,
                "high_hz": END_BIN * FRAMES_HZ,
                "block_ms": 1000 * PERIOD // FRAMES_HZ,
                "depth_percent": round(100 * DEPTH),
            }
        return out
