"""Search for payees after a restore: complete, bounded, and derived in batches."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import batch_keys, public_key
from pywallet.crypto.interface import ORDER
from pywallet.encoding.hex import from_b64, from_hex, to_hex
from pywallet.rewards import recovery
from pywallet.settlement import Schedule
from pywallet.wallet.keyring import Keyring
from pywallet.worker_api import call, wallet

STATION = bytes([3]) * 20
lengths = st.sampled_from([60, 600, 3_600, 86_400, 7 * 86_400])


@given(
    length=lengths,
    signed_s=st.integers(200 * 86_400, 3_000_000_000),
    kept_s=st.integers(0, recovery.SESSION_S - 1),
    played_s=st.integers(0, recovery.MAX_PLAY_S),
    late_s=st.integers(0, recovery.MAX_VOUCHER_DELAY_S),
    apart_s=st.integers(-recovery.MAX_CLOCK_DIFFERENCE_S, recovery.MAX_CLOCK_DIFFERENCE_S),
    begun_s=st.integers(0, 3_000_000_000),
)
def test_every_possible_hour_of_a_reward_is_searched(
    length: int, signed_s: int, kept_s: int, played_s: int, late_s: int, apart_s: int, begun_s: int
) -> None:
    """A reward would not be found after a restore."""
    schedule = Schedule(length, 1, 1, 1, 0, 0)
    number = max(0, signed_s + apart_s) // recovery.HOUR_S
    paid_s = signed_s + kept_s + played_s + late_s
    # The contracts were there when the play was heard.
    begin_s = min(begun_s, signed_s + kept_s)
    assert number // recovery.HOURS in recovery.days(schedule, schedule.epoch_of(paid_s), begin_s)
    assert number // recovery.HOURS in recovery.days(schedule, schedule.epoch_of(paid_s))


@given(length=lengths, epoch=st.integers(0, 10**6))
def test_the_search_is_bounded(length: int, epoch: int) -> None:
    """The search would take far more days than rewards can be of."""
    schedule = Schedule(length, 1, 1, 1, 0, 0)
    bound = (
        recovery.SESSION_S
        + recovery.MAX_PLAY_S
        + recovery.MAX_VOUCHER_DELAY_S
        + 2 * recovery.MAX_CLOCK_DIFFERENCE_S
        + length
    )
    assert len(recovery.days(schedule, epoch)) <= bound // recovery.DAY_S + 2


@given(st.lists(st.integers(1, ORDER - 1), max_size=4))
def test_batch_keys_are_those_of_single_derivation(scalars: list[int]) -> None:
    """A payee would differ in the browser."""
    keys = [scalar.to_bytes(32, "big") for scalar in [*scalars, 1, 2, ORDER - 1, 1 << 255, (1 << 10) - 1, 1 << 10]]
    assert batch_keys.public_keys(keys) == [public_key(key) for key in keys]


@pytest.mark.parametrize("wrong", [0, ORDER, (1 << 256) - 1])
def test_invalid_private_keys_are_refused(wrong: int) -> None:
    """Zero or the order would give a key."""
    with pytest.raises(ValueError, match="out of range"):
        batch_keys.public_keys([b"\1" * 32, wrong.to_bytes(32, "big")])


def test_payees_of_many_numbers_are_those_of_each() -> None:
    """A batch would have other payees or another order."""
    keys = Keyring(secrets.token_bytes(64))
    numbers = [0, 1, 500_000, 7, (1 << 31) - 1]
    other = bytes([4]) * 20
    found = keys.payees([(STATION, numbers), (other, range(3)), (STATION, [])])
    assert found == [[keys.payee(STATION, n) for n in numbers], [keys.payee(other, n) for n in range(3)], []]


async def test_candidates_are_the_payees_of_the_hours_of_a_day() -> None:
    """A session's payee would be missing among the candidates."""
    await wallet._unlock("legal winner thank year wave sausage worth useful legal winner thank yellow")
    where = {
        "device": to_hex(bytes([9]) * 20),
        "chain_id": 1,
        "settlement": to_hex(bytes([8]) * 20),
        "station": to_hex(STATION),
    }
    made = await call("session.sign", {**where, "now_s": 20_000 * 86_400 + 5 * 3_600 + 1})
    (found,) = (await call("candidates", {"wants": [{"station": to_hex(STATION), "day": 20_000}]}))["candidates"]
    payees = from_b64(found["payees"])
    assert (len(payees), payees[100:120]) == (480, from_hex(made["payee"], 20))
    wallet._open = None
