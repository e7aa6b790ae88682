"""Verification that a network's contracts are compiled from this source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chain.anvil import Anvil
from chain.commands import schedule
from chain.deploy import deploy
from chain.deployment import Deployment
from chain.verification import verify, write
from pywallet.errors import GomaaError


async def test_deployed_code_is_compared_with_this_source(tmp_path: Path) -> None:
    """Every contract is the network's; a standard JSON and its arguments give the deployed code.

    Swapped and empty addresses are reported.
    """
    from contracts.compile import artifacts
    from contracts.standard import compiled, standard_json

    with Anvil() as anvil:
        made = await deploy(anvil.rpc, anvil.keys[0], schedule(60), bps=700)
        found = await verify(made)
        assert [one.name for one in found if one.matches] == ["GoMAA", "Registry", "Rights", "Content", "Settlement"]
        async with made.connect() as chain:
            block = await chain.request("eth_getBlockByNumber", hex(made.block + 2), True)
        # The explorer compiles the JSON and appends the arguments: exactly the transaction's data.
        sent = {one["input"] for one in block["transactions"]}
        registry = next(one for one in found if one.name == "Registry")
        creation = compiled(standard_json("Registry"), "Registry")["creation"]
        assert creation == artifacts()["Registry"]["bytecode"]
        assert creation + registry.arguments.hex() in sent
        write([registry], tmp_path)
        assert json.loads((tmp_path / "contracts.json").read_text())["Registry"]["matches"] is True
        assert not any(str(Path.cwd()) in file.read_text() for file in tmp_path.iterdir())

        swapped = replace(made, registry=made.token, token=made.registry)
        with pytest.raises(GomaaError):
            await verify(swapped)
        with pytest.raises(GomaaError) as caught:
            await verify(replace(made, rights=bytes([1]) * 20))
        assert caught.value.code == "chain.mismatch"


async def test_another_chain_id_is_refused() -> None:
    """A deployment of one chain never uses another one at its address."""
    with Anvil() as anvil:
        made: Deployment = await deploy(anvil.rpc, anvil.keys[0], schedule(60))
        with pytest.raises(GomaaError) as caught:
            async with replace(made, chain_id=made.chain_id + 1).connect():
                raise AssertionError("connected")
        assert caught.value.code == "chain.mismatch"
