"""Verification that a network runs these sources, and the files that a block explorer takes for its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode

from chain.client import Chain
from chain.deploy import constructor_types
from chain.deployment import Deployment
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError

FIELDS: Final = {
    "GoMAA": "token",
    "Registry": "registry",
    "Rights": "rights",
    "Content": "content_implementation",
    "Settlement": "settlement",
}
"""Contract -> the deployment's field with its address."""


@dataclass(frozen=True)
class VerifiedContract:
    """One contract: address, True if its code is that of these sources, and ABI-encoded constructor arguments."""

    name: str
    address: bytes
    matches: bool
    arguments: bytes


async def verify(deployment: Deployment) -> list[VerifiedContract]:
    """Compare every contract's code with the network's.

    Vyper appends immutables to the compiled code, so the network's code begins with it. Constructor arguments are read
    back from the deployed contracts.

    Raises:
        GomaaError: ``chain.mismatch`` if there is no contract at an address.
        Unavailable: ``chain.unreachable``.
    """
    from contracts.compile import artifacts

    verified = []
    async with deployment.connect() as chain:
        for name, field in FIELDS.items():
            address = getattr(deployment, field)
            code = await chain.code(address)
            if not code:
                raise GomaaError("chain.mismatch", contract=name, address=to_hex(address), reason="no code")
            artifact = artifacts()[name]
            runtime = bytes.fromhex(artifact["runtime"].removeprefix("0x"))
            arguments = encode(constructor_types(artifact["abi"]), await _arguments(chain, deployment, name))
            verified.append(VerifiedContract(name, address, code.startswith(runtime), arguments))
    return verified


async def _arguments(chain: Chain, deployment: Deployment, name: str) -> list[Any]:
    from chain.abi import function

    if name == "GoMAA":
        supply = (await chain.call(deployment.token, function("GoMAA", "totalSupply")))[0]
        minted = await _first_holder(chain, deployment)
        return [minted, supply]
    if name == "Registry":
        bps = (await chain.call(deployment.registry, function("Registry", "rate_at"), 0))[0]
        return [bps, deployment.schedule.length]
    if name == "Rights":
        return [deployment.token, deployment.registry]
    if name == "Content":
        return [deployment.registry, deployment.token, deployment.rights]
    times = deployment.schedule
    windows = [times.length, times.grace, times.window, times.answer, times.late, times.delay]
    return [deployment.token, deployment.registry, deployment.treasury, *windows, deployment.stake]


async def _first_holder(chain: Chain, deployment: Deployment) -> bytes:
    from chain.abi import event

    transfer = event("GoMAA", "Transfer")
    first = (await chain.logs(deployment.token, transfer, deployment.block, [ZERO_ADDRESS]))[0]
    return bytes(list(first.fields.values())[1])


def write(contracts: list[VerifiedContract], folder: Path) -> None:
    """Write one standard JSON per contract, and ``contracts.json`` with addresses and constructor arguments."""
    from contracts.standard import standard_json

    folder.mkdir(parents=True, exist_ok=True)
    table = {}
    for contract in contracts:
        standard = standard_json(contract.name)
        (folder / f"{contract.name}.standard.json").write_text(json.dumps(standard, indent=1) + "\n", encoding="utf-8")
        table[contract.name] = {
            "address": to_hex(contract.address),
            "matches": contract.matches,
            "compiler": standard.get("compiler_version"),
            "constructor_arguments": to_hex(contract.arguments),
        }
    (folder / "contracts.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
