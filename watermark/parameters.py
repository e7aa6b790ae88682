"""Constants of both watermark layers, and their description in the SPS header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pywallet.errors import InputError
from pywallet.sps.mark import MAX_EVERY

LAYERS: Final = ("ultrasonic", "inband")

# Ultrasonic. All frequencies are multiples of 0.5 Hz, so a block of 2 s is one period of a Fourier series.
BLOCK_S: Final = 2
CARRIER_HZ: Final = 20_630
CHIP_HZ: Final = 960
ROLLOFF: Final = 0.18
TONE_HZ: Final = 20_020
LEVEL_DB: Final = -60
TONE_DB: Final = -10
"""Level of the pilot tone relative to the block, dB."""
SLOTS: Final = BLOCK_S * CHIP_HZ
GUARD: Final = 10
"""Empty chip slots at both ends of a block, so that pulses do not overlap the next block."""
CHIPS: Final = SLOTS - 2 * GUARD
STRIDE: Final = 187
"""Interleaver: chip i carries coded bit i * 187 mod 420, so a burst error affects many bits a little."""
CLEAN_HZ: Final = 19_850
"""Cut-off frequency (-6 dB) of the low-pass that clears the band."""
CLEAN_WIDTH_HZ: Final = 280
MIN_RATE: Final = 44_100

# In-band. A frame of 20 ms is a whole number of samples at 44.1 and at 48 kHz.
FRAMES_HZ: Final = 50
FIRST_BIN, END_BIN = 17, 200
"""Bins of 50 Hz: 850 Hz to 9.95 kHz."""
PERIOD: Final = 550
"""Frames of one block, 11 s; all blocks are equal."""
DEPTH: Final = 0.12
"""Natural logarithm of the factor of a cell's magnitude."""
MIN_RATE_INBAND: Final = 22_050
READ_S: Final = 44


@dataclass(frozen=True)
class WatermarkParameters:
    """Watermark of one rendition.

    Attributes:
        rate: Sample rate, Hz.
        layers: Watermark layers.
        every: One block in so many segments.
        level: Level of the ultrasonic layer, dBFS (rms).

    Raises:
        InputError: ``media.unsupported``: the rate cannot carry a layer; ``message.schema``.
    """

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
        """The header's ``watermark``: integers; frequencies in Hz, times in ms, levels in dBFS."""
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
