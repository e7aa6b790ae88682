"""Operations that collect tokens from the wallet's payees, one-time addresses without coins for gas."""

from __future__ import annotations

from typing import Any, Final

from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import InputError
from pywallet.protocol import Sweep
from pywallet.wallet.derivation import HARDENED, payee_path
from pywallet.wallet.permit import Permit, transfer_from_data
from pywallet.worker_api import wallet
from pywallet.worker_api.accounts import MOST_ACCOUNTS
from pywallet.worker_api.fields import Payload

_MAX_INT: Final = (1 << 53) - 1


async def sign_sweep(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Sign an EIP-2612 permit of a payee, and with a relayer the sweep order.

    Args:
        payload: chain_id, token, station, number (of the session), payee, amount_wei, nonce, deadline (Unix s); index
            of the receiving account, or with a relayer ``to``; relayer and settlement where a relayer sends it.
        blob: Not used.

    Returns:
        {to, permit, move}: calls of the token for the account to send. With a relayer {to, permit, sweep}: the permit's
        signature (spender: the relayer) and the signed order.

    Raises:
        WalletError: ``wallet.locked``.
        InputError: ``message.schema``, also where the payee is not this wallet's, and for ``to`` without a relayer.
    """
    keys = wallet.keyring()
    station, number = payload.address("station"), payload.integer("number", 0, HARDENED - 1)
    payee = keys.payee(station, number)
    if payload.address("payee") != payee:
        raise InputError("message.schema", field="payee", reason="not this wallet's")
    amount, deadline = payload.amount("amount_wei"), payload.integer("deadline", 1, _MAX_INT)
    relayer = payload.address("relayer") if payload.has("relayer") else None
    if payload.has("to"):
        to = payload.address("to")
        # Without a relayer the recipient is the spender, which could take the tokens.
        if relayer is None or to in (ZERO_ADDRESS, payee):
            raise InputError("message.schema", field="to")
    else:
        to = keys.account_at(payload.integer("index", 0, MOST_ACCOUNTS - 1))
    permit = Permit(
        chain_id=payload.integer("chain_id", 1, _MAX_INT),
        token=payload.address("token"),
        owner=payee,
        spender=to if relayer is None else relayer,
        amount=amount,
        nonce=payload.integer("nonce", 0, _MAX_INT),
        deadline=deadline,
    )
    signature = permit.sign(keys.private_key(payee_path(station, number)))
    if relayer is None:
        return {
            "to": to_hex(to),
            "permit": to_hex(permit.data(signature)),
            "move": to_hex(transfer_from_data(payee, to, amount)),
        }
    order = keys.sign_sweep(payload.domain(), station, number, Sweep(relayer, payee, to, amount, deadline))
    return {"to": to_hex(to), "permit": to_hex(signature), "sweep": order.to_json()}


OPS: Final[dict[str, wallet.Handler]] = {"sweep.sign": sign_sweep}
