"""Threads of numpy, the limit of recursion, and Hypothesis profiles, chosen by ``HYPOTHESIS_PROFILE``.

``steady``, the default, runs a few of the same examples each time. ``soak`` searches long and elsewhere each time;
it prints what reproduces a failure. No example fails because it took long.
"""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# Test workers share the cores already. Further threads of OpenBLAS spin while they wait for one: reading a watermark
# takes seven times the processor time then. Before anything imports numpy; processes that tests start inherit it.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile("steady", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_RECURSION = sys.getrecursionlimit()


@pytest.fixture(autouse=True)
def recursion_limit() -> None:
    """Python's own limit.

    Py_ecc, which only tests import, raises it so far that deeply nested JSON overflows the stack.
    """
    sys.setrecursionlimit(_RECURSION)
