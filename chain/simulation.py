"""Simulation of a transaction before it is sent: the call, its gas, and the sender's balance against the fee."""

from __future__ import annotations

from typing import Any

from chain import node_answers
from chain.abi import Function
from chain.client import Chain
from chain.sender import GAS_MARGIN, fees
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError


async def simulate(chain: Chain, sender: bytes, to: bytes, function: Function, *args: Any) -> tuple[Any, ...]:
    """Run a state-changing function by ``eth_call`` and return its decoded result; nothing is sent.

    Raises:
        GomaaError: ``chain.reverted`` with the contract's reason, ``chain.mismatch`` where no such contract answers.
        Unavailable: ``chain.unreachable``.
    """
    response = await chain.request("eth_call", _call(sender, to, function.encode(*args)), "latest")
    return function.decode(node_answers.data(response))


async def gas_limit(chain: Chain, sender: bytes, to: bytes, function: Function, *args: Any) -> int:
    """Gas limit that a transaction of this call gets. Raises as ``simulate``."""
    estimate = node_answers.number(await chain.request("eth_estimateGas", _call(sender, to, function.encode(*args))))
    return estimate * GAS_MARGIN[0] // GAS_MARGIN[1]


async def require_funds(chain: Chain, sender: bytes, gas: int) -> None:
    """Check that the sender's balance covers the most that ``gas`` may cost now.

    Raises:
        InputError: ``chain.funds``.
    """
    tip, base = await fees(chain)
    needed = gas * (2 * base + tip)
    balance = node_answers.number(await chain.request("eth_getBalance", to_hex(sender), "latest"))
    if balance < needed:
        raise InputError("chain.funds", account=to_hex(sender), balance=balance, needed=needed)


def _call(sender: bytes, to: bytes, data: bytes) -> dict[str, str]:
    return {"from": to_hex(sender), "to": to_hex(to), "data": to_hex(data)}
