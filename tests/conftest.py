"""Threads of numpy, the recursion limit, and Hypothesis profiles, chosen by ``HYPOTHESIS_PROFILE``.

``steady``, the default, runs the same 25 examples each time, and ``quick`` five. ``soak`` runs a thousand that differ
each time, and prints what reproduces a failure. No example has a deadline.
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

settings.register_profile("quick", max_examples=5, deadline=None, derandomize=True)
settings.register_profile("steady", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_RECURSION = sys.getrecursionlimit()


@pytest.fixture(autouse=True)
def recursion_limit() -> None:
    """Python's own limit: py_ecc, which only tests import, raises it so far that nested JSON overflows the stack."""
    sys.setrecursionlimit(_RECURSION)
