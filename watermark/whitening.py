"""What of a cell's log magnitude its neighbours do not foretell, weighed by how quiet it is there.

Where layer 2 stands out.

A partial that lasts, an onset, the slope of a spectrum: each is foretold by the cells around it. So every group of bins
gets the
linear prediction of least squares from the 24 neighbours, and what is left is divided by the variance around it: a
restless place counts little, a steady one much.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from watermark.inband import BANDS, window
from watermark.parameters import END_BIN, FIRST_BIN, FRAMES_HZ, PERIOD

Floats = NDArray[np.floating[Any]]

PHASES: Final = 8
"""Places within a frame that are tried: 2.5 ms apart."""
GROUP: Final = 15
"""Bins that share one prediction."""
_SIDE: Final = 4
_NEAR: Final = 2
_AROUND: Final = (
    *((0, bins) for bins in (-4, -3, -2, -1, 1, 2, 3, 4)),
    *((frames, bins) for frames in (-1, 1) for bins in (-2, -1, 0, 1, 2)),
    *((frames, bins) for frames in (-2, 2) for bins in (-1, 0, 1)),
)
_RIDGE: Final = 1e-4
_STILL: Final = 0.05
"""Added to the local standard deviation: nothing counts without bound."""
_CLIP: Final = 1.5
"""Standard deviations."""
_BOX: Final = (3, 5)
"""Frames and bins over which the variance is taken."""
_BESIDE: Final = 0.7
"""What the places 2.5 ms before and after count: the mark is in them too, their noise partly another."""


def _unforetold(logs: Floats) -> Floats:
    """The prediction's error, shape (550, 183), of log magnitudes with four more bins on either side."""
    padded = np.pad(logs, ((_NEAR, _NEAR), (0, 0)), mode="edge")
    around = np.stack(
        [padded[_NEAR + t : _NEAR + t + PERIOD, _SIDE + f : _SIDE + f + BANDS] for t, f in _AROUND], axis=-1
    )
    here = logs[:, _SIDE:-_SIDE]
    out = np.empty((PERIOD, BANDS), np.float32)
    for first in range(0, BANDS, GROUP):
        known = around[:, first : first + GROUP].reshape(-1, len(_AROUND))
        known = known - known.mean(axis=0)
        value = here[:, first : first + GROUP].ravel()
        value = value - value.mean()
        square = known.T @ known + np.float32(_RIDGE * len(value)) * np.eye(len(_AROUND), dtype=np.float32)
        out[:, first : first + GROUP] = (value - known @ np.linalg.solve(square, known.T @ value)).reshape(PERIOD, -1)
    return out


def cells(samples: Floats, rate: int) -> Floats:
    """The cells of one block at every place, shape (8, 550, 183); ``samples`` holds 551 frames at ``rate`` Hz."""
    size = rate // FRAMES_HZ
    shape = window(size, "float32")
    single = np.empty((PHASES, PERIOD, BANDS), np.float32)
    for phase in range(PHASES):
        first = round(phase * size / PHASES)
        frames = samples[first : first + PERIOD * size].reshape(PERIOD, size)
        magnitude = np.abs(scipy.fft.rfft(frames * shape)[:, FIRST_BIN - _SIDE : END_BIN + _SIDE])
        rest = _unforetold(np.log(magnitude + np.float32(1e-6)))
        spread = np.sqrt(uniform_filter(np.minimum(rest * rest, 4), _BOX, mode="nearest")) + np.float32(_STILL)
        single[phase] = np.clip(rest / spread, -_CLIP, _CLIP) / spread
    out = single.copy()
    out[1:] += _BESIDE * single[:-1]
    out[:-1] += _BESIDE * single[1:]
    out[0, 1:] += _BESIDE * single[-1, :-1]
    out[-1, :-1] += _BESIDE * single[0, 1:]
    return out
