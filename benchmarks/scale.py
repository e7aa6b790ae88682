"""Sizes of inputs: the usual ones, or the smallest that exercise every step, for tests of the benchmarks."""

from __future__ import annotations

import os
from typing import Final, TypeVar

VARIABLE: Final = "GOMAA_BENCH_SMALLEST"
SMALLEST: Final = os.environ.get(VARIABLE) == "1"
"""Set by ``--smallest``: one round over tiny inputs. Such figures say that a benchmark works, nothing else."""

T = TypeVar("T")
N = TypeVar("N", int, float)


def scaled(usual: T, smallest: T) -> T:
    """Choose between the usual and the smallest value of a constant.

    Args:
        usual: The value a figure is measured with.
        smallest: The least value with which every step still runs.

    Returns:
        ``smallest`` under ``--smallest``, else ``usual``.
    """
    return smallest if SMALLEST else usual


def setting(variable: str, usual: N, smallest: N) -> N:
    """Read a number from an environment variable, with ``scaled(usual, smallest)`` as its default.

    Args:
        variable: Name of the environment variable.
        usual: Default of a measurement; its type is the type of the result.
        smallest: Default under ``--smallest``.

    Returns:
        The number.

    Raises:
        ValueError: The variable holds no number of that type.
    """
    return type(usual)(os.environ.get(variable, scaled(usual, smallest)))
