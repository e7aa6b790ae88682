"""Signatures for the tokens at a wallet's payees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pywallet.crypto import recover
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Domain,
    Signed,
    Sweep,
    signer,
)
from pywallet.wallet.derivation import payee_path
from pywallet.wallet.permit import Permit, transfer_from_data
from pywallet.worker_api import call, wallet

WORDS = "test test test test test test test test test test test junk"
STATION, TOKEN, SETTLEMENT, RELAYER = (bytes([n]) * 20 for n in (3, 4, 5, 6))


@pytest.fixture(autouse=True)
def _locked() -> Iterator[None]:
    wallet._open = None
    yield
    wallet._open = None


async def opened() -> dict[str, Any]:
    """An open wallet, and a sweep of 70 wei from its payee 9."""
    await wallet._unlock(WORDS)
    payee = to_hex(wallet.keyring().payee(STATION, 9))
    where = {"chain_id": 31337, "token": to_hex(TOKEN), "station": to_hex(STATION), "number": 9, "payee": payee}
    return {"index": 1, **where, "amount_wei": "70", "nonce": 2, "deadline": 1000}


async def test_the_permit_names_the_wallets_own_account() -> None:
    """Another account could take the tokens."""
    asked = await opened()
    payee, account = from_hex(asked["payee"]), wallet.keyring().account_at(1)
    permit = Permit(31337, TOKEN, payee, account, 70, 2, 1000)

    made = await call("sweep.sign", asked)

    signature = permit.sign(wallet.keyring().private_key(payee_path(STATION, 9)))
    assert made == {
        "to": to_hex(account),
        "permit": to_hex(permit.data(signature)),
        "move": to_hex(transfer_from_data(payee, account, 70)),
    }


async def test_permit_and_order_are_signed_by_the_payee() -> None:
    """A relayer could change amount, recipient or time."""
    asked = await opened()
    payee, account = from_hex(asked["payee"]), wallet.keyring().account_at(1)

    made = await call("sweep.sign", {**asked, "relayer": to_hex(RELAYER), "settlement": to_hex(SETTLEMENT)})

    order = Signed.from_json(Sweep, made["sweep"])
    assert order.message == Sweep(RELAYER, payee, account, 70, 1000)
    assert signer(order, Domain(31337, SETTLEMENT)) == payee
    assert recover(Permit(31337, TOKEN, payee, RELAYER, 70, 2, 1000).digest, from_hex(made["permit"], 65)) == payee
    assert made["to"] == to_hex(account)
    assert "move" not in made


async def test_an_order_pays_another_recipient() -> None:
    """A payment from a payee would reveal an account, or go elsewhere."""
    asked = {key: value for key, value in (await opened()).items() if key != "index"}
    other, payee = bytes([9]) * 20, from_hex(asked["payee"])

    made = await call(
        "sweep.sign", {**asked, "to": to_hex(other), "relayer": to_hex(RELAYER), "settlement": to_hex(SETTLEMENT)}
    )

    order = Signed.from_json(Sweep, made["sweep"])
    assert order.message == Sweep(RELAYER, payee, other, 70, 1000)
    assert recover(Permit(31337, TOKEN, payee, RELAYER, 70, 2, 1000).digest, from_hex(made["permit"], 65)) == payee
    assert made["to"] == to_hex(other)


@pytest.mark.parametrize("to", [None, bytes(20)])
async def test_a_recipient_without_relayer_is_refused(to: bytes | None) -> None:
    """Another address would become the spender."""
    asked = await opened()
    payee = asked["payee"]
    relayed = {} if to is None else {"relayer": to_hex(RELAYER), "settlement": to_hex(SETTLEMENT)}
    for recipient in (to_hex(bytes([9]) * 20 if to is None else to), *([payee] if relayed else [])):
        with pytest.raises(GomaaError) as caught:
            await call("sweep.sign", {**asked, "to": recipient, **relayed})
        assert caught.value.code == "message.schema"


@pytest.mark.parametrize(
    "changed", [{"payee": "0x" + "11" * 20}, {"number": 8}, {"amount_wei": str(1 << 256)}, {"index": 100}]
)
async def test_other_payees_are_refused(changed: dict[str, Any]) -> None:
    """Another payee's or session's sweep would be signed."""
    asked = await opened()
    with pytest.raises(GomaaError) as caught:
        await call("sweep.sign", {**asked, **changed})
    assert caught.value.code == "message.schema"


async def test_a_locked_wallet_signs_nothing() -> None:
    """A locked wallet would sign."""
    asked = await opened()
    await call("wallet.lock", {})
    with pytest.raises(GomaaError) as caught:
        await call("sweep.sign", asked)
    assert caught.value.code == "wallet.locked"
