"""Operations for the listener's escrow and for points: vouchers, escrow calls, points requests."""

from __future__ import annotations

from typing import Any, Final

from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError
from pywallet.protocol import Voucher
from pywallet.rewards.points_request import PointsRequest
from pywallet.wallet.transactions import call_data
from pywallet.worker_api import wallet
from pywallet.worker_api.fields import Payload

_MAX: Final = 1 << 53


async def sign_voucher(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{chain_id, settlement, station, server, payer, cap_wei, until} → {voucher}.

    Signed by the wallet's key for the station. Errors wallet.locked; message.schema where ``payer`` is another address.
    """
    keys = wallet.keyring()
    station = payload.address("station")
    if payload.address("payer") != keys.listener(station):
        raise InputError("message.schema", field="payer", reason="not this wallet's")
    until = payload.integer("until", 0, _MAX)
    voucher = Voucher(
        server=payload.address("server"), payer=keys.listener(station), cap=payload.amount("cap_wei"), until=until
    )
    return {"voucher": keys.sign_voucher(payload.domain(), station, voucher).to_json()}


async def listener(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{station} → {listener}: the wallet's address at a station, which also pays it."""
    return {"listener": to_hex(wallet.keyring().listener(payload.address("station")))}


async def calls(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{settlement, server, payer, to, amount_wei} → {approve, deposit, request, withdraw, transfer}.

    Call data for the host to simulate.
    """
    settlement, server, payer = payload.address("settlement"), payload.address("server"), payload.address("payer")
    amount = payload.amount("amount_wei")
    return {
        "approve": to_hex(call_data("approve(address,uint256)", settlement, amount)),
        "deposit": to_hex(call_data("deposit(address,address,uint256)", server, payer, amount)),
        "request": to_hex(call_data("request(address,uint256)", server, amount)),
        "withdraw": to_hex(call_data("withdraw(address)", server)),
        "transfer": to_hex(call_data("transfer(address,uint256)", payload.address("to"), amount)),
    }


async def points(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{station, domain, time_s, what} → {signature}.

    Signs a points request (pywallet.rewards.points_request).
    """
    keys, command = wallet.keyring(), payload.text("what")
    domain, time_s = payload.text("domain"), payload.integer("time_s", 0, _MAX)
    return {
        "signature": to_hex(
            keys.sign_points_request(PointsRequest(payload.address("station"), domain, time_s, command))
        )
    }


OPS: Final[dict[str, wallet.Handler]] = {
    "voucher.sign": sign_voucher,
    "listener": listener,
    "escrow.calls": calls,
    "points.sign": points,
}
