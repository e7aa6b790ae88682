"""Operations for the listener's escrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chain.abi import function
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Domain,
    Signed,
    Voucher,
    signer,
)
from pywallet.worker_api import call, wallet

WORDS = "test test test test test test test test test test test junk"
STATION, SERVER, SETTLEMENT, FAN = (bytes([n]) * 20 for n in (1, 2, 3, 4))


@pytest.fixture(autouse=True)
def _locked() -> Iterator[None]:
    wallet._open = None
    yield
    wallet._open = None


async def asked(**changes: Any) -> dict[str, Any]:
    """A payload for a voucher of the station's listener key."""
    await call("wallet.create", {"mnemonic": WORDS, "password": "long enough"})
    payer = (await call("listener", {"station": to_hex(STATION)}))["listener"]
    place = {"chain_id": 31337, "settlement": to_hex(SETTLEMENT), "station": to_hex(STATION), "server": to_hex(SERVER)}
    return {**place, "payer": payer, "cap_wei": "4200000000000000", "until": 7, **changes}


async def test_a_voucher_is_signed_by_the_listener_key() -> None:
    """The voucher would have other fields or another signer."""
    due = await asked()
    signed = Signed.from_json(Voucher, (await call("voucher.sign", due))["voucher"])
    assert signed.message == Voucher(
        server=SERVER, payer=from_hex(due["payer"], 20), cap=4_200_000_000_000_000, until=7
    )
    assert signer(signed, Domain(31337, SETTLEMENT)) == from_hex(due["payer"], 20)


async def test_no_other_key_and_no_locked_wallet_signs() -> None:
    """Another payer's voucher would be signed, or a locked wallet sign."""
    with pytest.raises(GomaaError) as error:
        await call("voucher.sign", await asked(payer=to_hex(FAN)))
    assert error.value.code == "message.schema"
    due = await asked()
    await call("wallet.lock", {})
    with pytest.raises(GomaaError) as error:
        await call("voucher.sign", due)
    assert error.value.code == "wallet.locked"


async def test_the_calls_agree_with_an_independent_encoder() -> None:
    """Call data would differ from the contract's ABI."""
    names = {"settlement": to_hex(SETTLEMENT), "server": to_hex(SERVER), "payer": to_hex(FAN), "to": to_hex(STATION)}
    told = await call("escrow.calls", {**names, "amount_wei": "5"})
    assert told["approve"] == to_hex(function("GoMAA", "approve").encode(SETTLEMENT, 5))
    assert told["deposit"] == to_hex(function("Settlement", "deposit").encode(SERVER, FAN, 5))
    assert told["request"] == to_hex(function("Settlement", "request").encode(SERVER, 5))
    assert told["withdraw"] == to_hex(function("Settlement", "withdraw").encode(SERVER))
    assert told["transfer"] == to_hex(function("GoMAA", "transfer").encode(STATION, 5))
