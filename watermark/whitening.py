"""Whitening for the in-band layer: linear-prediction residual of the log magnitudes, over its local variance.

Sustained partials, onsets and the slope of the spectrum are predictable from neighbouring cells, the watermark is not.
Each group of bins has its own least-squares predictor from 24 neighbours; the residual is divided by the variance
around the cell, so that cells in unsteady sound weigh little.
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
"""Frame alignments that are tried, 2.5 ms apart."""
GROUP: Final = 15
"""Bins that share one predictor."""
_SIDE: Final = 4
_NEAR: Final = 2
_NEIGHBOURS: Final = (
    *((0, bins) for bins in (-4, -3, -2, -1, 1, 2, 3, 4)),
    *((frames, bins) for frames in (-1, 1) for bins in (-2, -1, 0, 1, 2)),
    *((frames, bins) for frames in (-2, 2) for bins in (-1, 0, 1)),
)
_RIDGE: Final = 1e-4
_MIN_DEVIATION: Final = 0.05
"""Added to the local standard deviation, which bounds the weight of a cell."""
_CLIP: Final = 1.5
"""Bound of a residual, standard deviations."""
_BOX: Final = (3, 5)
"""Frames and bins over which the local variance is averaged."""
_ADJACENT: Final = 0.7
"""Weight of the alignments 2.5 ms before and after, which have the watermark and partly independent noise."""


def _prediction_residual(logs: Floats) -> Floats:
    """Linear-prediction residual, shape (550, 183), of log magnitudes with four more bins on each side (550, 191)."""
    padded = np.pad(logs, ((_NEAR, _NEAR), (0, 0)), mode="edge")
    neighbours = np.stack(
        [padded[_NEAR + t : _NEAR + t + PERIOD, _SIDE + f : _SIDE + f + BANDS] for t, f in _NEIGHBOURS], axis=-1
    )
    here = logs[:, _SIDE:-_SIDE]
    out = np.empty((PERIOD, BANDS), np.float32)
    for first in range(0, BANDS, GROUP):
        known = neighbours[:, first : first + GROUP].reshape(-1, len(_NEIGHBOURS))
        known = known - known.mean(axis=0)
        value = here[:, first : first + GROUP].ravel()
        value = value - value.mean()
        square = known.T @ known + np.float32(_RIDGE * len(value)) * np.eye(len(_NEIGHBOURS), dtype=np.float32)
        out[:, first : first + GROUP] = (value - known @ np.linalg.solve(square, known.T @ value)).reshape(PERIOD, -1)
    return out


def cells(samples: Floats, rate: int) -> Floats:
    """Whitened cells of one block at each frame alignment.

    Args:
        samples: 551 frames of 20 ms, mono.
        rate: Sample rate, Hz.

    Returns:
        Shape (8, 550, 183): alignment, frame, bin.
    """
    size = rate // FRAMES_HZ
    shape = window(size, "float32")
    single = np.empty((PHASES, PERIOD, BANDS), np.float32)
    for phase in range(PHASES):
        first = round(phase * size / PHASES)
        frames = samples[first : first + PERIOD * size].reshape(PERIOD, size)
        magnitude = np.abs(scipy.fft.rfft(frames * shape)[:, FIRST_BIN - _SIDE : END_BIN + _SIDE])
        residual = _prediction_residual(np.log(magnitude + np.float32(1e-6)))
        deviation = np.sqrt(uniform_filter(np.minimum(residual * residual, 4), _BOX, mode="nearest")) + np.float32(
            _MIN_DEVIATION
        )
        single[phase] = np.clip(residual / deviation, -_CLIP, _CLIP) / deviation
    out = single.copy()
    out[1:] += _ADJACENT * single[:-1]
    out[:-1] += _ADJACENT * single[1:]
    out[0, 1:] += _ADJACENT * single[-1, :-1]
    out[-1, :-1] += _ADJACENT * single[0, 1:]
    return out
