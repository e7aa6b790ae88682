"""``python -m tests.vectors.mark.make``: marked segments as samples, and the soft bits that Python reads from them.

The samples are bytes: the mark at -60 dBFS with noise and a tone, in steps of 2^-15 of full scale.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from pywallet.encoding.hex import to_hex
from watermark.band import SpeedHypothesis, band_spectrum
from watermark.demodulate import chips, soft_bits
from watermark.parameters import WatermarkParameters
from watermark.ultrasonic import block_waveform

PATH: Final = Path(__file__).with_name("segments.json")
ADDRESS: Final = bytes.fromhex("52908400098527886e0f7030069857d2e4169ee7")
OTHER: Final = bytes.fromhex("c0ffee" + "11" * 17)


def soft(samples: np.ndarray[Any, Any], rate: int) -> list[float]:
    """The soft bits of one aligned segment, scaled to a mean square of 1."""
    speed = SpeedHypothesis(1.0)
    bits = soft_bits(chips(speed.envelope(band_spectrum(samples, rate)), 0.0)).astype(float)
    return [round(float(v), 3) for v in bits / max(float(np.sqrt((bits**2).mean())), 1e-12)]


def segment(rate: int, address: bytes | None, block: int, noise: float, seed: int) -> dict[str, Any]:
    """One case; ``address`` None is a segment without a mark."""
    draw = np.random.default_rng(seed)
    t = np.arange(2 * rate) / rate
    sound = draw.normal(0, noise, 2 * rate) + 20 / 2**15 * np.sin(2 * np.pi * 997 * t)
    if address is not None:
        sound = sound + block_waveform(address, block, rate)
    steps = np.clip(np.rint(sound * 2**15), -128, 127).astype(np.int8)
    return {
        "rate": rate,
        "address": to_hex(address) if address else None,
        "block": block,
        "samples": base64.b64encode(steps.tobytes()).decode(),
        "soft": soft(steps.astype(np.float32) / 2**15, rate),
    }


def cases() -> dict[str, Any]:
    """All of them."""
    return {
        "watermark": WatermarkParameters(44_100, ("ultrasonic",)).to_map(),
        "expected": to_hex(ADDRESS),
        "segments": [
            segment(44_100, ADDRESS, 7, 3e-4, 1),
            segment(48_000, ADDRESS, 4095, 1e-3, 2),
            segment(48_000, OTHER, 2, 1e-3, 3),
            segment(44_100, None, 0, 1e-3, 4),
        ],
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(cases()) + "\n")
