"""The timeline of the engine's start, and that its benchmark's page may start a Worker at all."""

from __future__ import annotations

import json
import re

from benchmarks.engine import _START, median_timeline
from extension import pack


def test_each_step_is_the_median_in_the_order_of_time() -> None:
    """Steps are printed in the order in which they end, each the median of the runs."""
    timelines = [
        {"ready_ms": 900.0, "snapshot_ms": 300.0, "wasm_ms": 500.0},
        {"ready_ms": 1000.0, "snapshot_ms": 200.0, "wasm_ms": 550.0},
        {"ready_ms": 5000.0, "snapshot_ms": 210.0, "wasm_ms": 540.0},
    ]
    assert list(median_timeline(timelines).items()) == [
        ("snapshot_ms", 210.0),
        ("wasm_ms", 540.0),
        ("ready_ms", 1000.0),
    ]


def test_the_page_takes_the_workers_address_from_the_policy_that_the_extension_allows() -> None:
    """Trusted Types of the packed extension accept the one policy by whose name the benchmark's page creates it."""
    policy = json.dumps(pack.manifest("chromium")["content_security_policy"])
    allowed = re.search(r"trusted-types ([^;\"]+)", policy)
    created = re.search(r"createPolicy\('(\w+)'", _START)
    assert allowed
    assert created
    assert created[1] in allowed[1].split()
