"""Gas compared with the recorded values."""

from __future__ import annotations

import json

from tests.contracts.anvil_world import World
from tests.contracts.gas_scenes import FILE, measure

LIMIT = 1.02


def test_gas_has_not_grown(w: World) -> None:
    """No scene costs more than 2 % over its recorded gas.

    A deliberate increase is recorded again and appears in the diff.
    """
    recorded = json.loads(FILE.read_text())
    now = measure(w)
    assert recorded.keys() == now.keys()
    grown = {name: (recorded[name], gas) for name, gas in now.items() if gas > recorded[name] * LIMIT}
    assert not grown, grown
