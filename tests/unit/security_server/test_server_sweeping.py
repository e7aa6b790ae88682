"""Sweeps of dust: however many a payee asks for, claims go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywallet.crypto import address_of
from security_server.billing.claim_relay import DAY_MS, GAS, HOUR_MS
from security_server.billing.payee_sweeps import MOST
from tests.unit.security_server import services
from tests.unit.security_server.test_server_mixing import Scene, claim, key
from tests.unit.security_server.test_server_relay import refused

EACH = GAS[0] + GAS[1]
"""Wei that are set aside for one, at a price of 1."""


async def test_sweeps_leave_half_of_the_budget_to_claims(tmp_path: Path) -> None:
    """Many small sweeps of one payee leave gas of the hour for claims."""
    scene = Scene(tmp_path)
    mixer = scene.start(relay_hour_wei=4 * EACH)
    sweeps = services.sweeps(scene.parts, mixer._relay)
    await scene.owe(1, 1)
    for _ in range(2):
        await sweeps.offer(address_of(key(1)), 1)
        await mixer._relay.reserve(1, 2)
    assert await refused(sweeps.offer(address_of(key(1)), 1)) == "claim.busy"
    assert await refused(mixer._relay.reserve(1, 2)) == "claim.busy"
    for number in (2, 3):
        await mixer._relay.claim(claim(number))
    assert scene.network.sent == 2
    scene.store.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(("passed_ms", "again"), [(HOUR_MS, False), (DAY_MS, True)])
async def test_a_payee_has_so_many_sweeps_a_day(tmp_path: Path, passed_ms: int, again: bool) -> None:
    scene = Scene(tmp_path)
    mixer = scene.start()
    sweeps = services.sweeps(scene.parts, mixer._relay)
    for number in (1, 2):
        await scene.owe(number, 1)
    for _ in range(MOST):
        await sweeps.offer(address_of(key(1)), 1)
        await mixer._relay.count_sweep(address_of(key(1)))
    assert await refused(sweeps.offer(address_of(key(1)), 1)) == "claim.busy"
    await sweeps.offer(address_of(key(2)), 1)
    scene.now_ms += passed_ms
    if again:
        await sweeps.offer(address_of(key(1)), 1)
    else:
        assert await refused(sweeps.offer(address_of(key(1)), 1)) == "claim.busy"
    scene.store.close()  # type: ignore[union-attr]
