"""Conversion of FFmpeg's frames to floats."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pywallet.errors import InputError

_SCALE: Final = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


def to_floats(frame: Any) -> NDArray[np.float64]:
    """Convert a decoded frame of any format and layout to floats of full scale 1, shape (samples, channels).

    FFmpeg's own conversion does not accept layouts with unnamed channels.

    Raises:
        InputError: ``media.unsupported``: an unknown sample format; ``media.decode``: not finite.
    """
    name: str = frame.format.name
    channels = len(frame.layout.channels)
    scale = _SCALE.get(name.removesuffix("p"))
    if scale is None or not channels:
        raise InputError("media.unsupported", reason=f"samples of {name}")
    values = np.asarray(frame.to_ndarray())
    shaped = values.T if name.endswith("p") else values.reshape(-1, channels)
    out = shaped.astype(np.float64) / scale
    if name.startswith("u8"):
        out -= 1.0
    if not np.isfinite(out).all():
        raise InputError("media.decode", reason="samples that are not numbers")
    return out
