"""A second implementation of the EVM behind JSON-RPC.

Two nodes of @ethereumjs/client, one that builds blocks and one that checks them.

Blocks are made through the Engine API as a consensus client would: the
builder is asked for a payload, both nodes execute it and have to find the same
state. Base fee and gas limits are on; time is the test's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp

from demo.paths import ROOT
from demo.waiting import TIMEOUT_S

PROGRAM: Final = ROOT / "node_modules" / "@ethereumjs" / "client" / "dist" / "esm" / "bin" / "cli.js"
CHAIN_ID: Final = 28_765
ZERO: Final = "0x" + "00" * 32
_FORKS: Final = (
    *("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg"),
    *("istanbul", "berlin", "london", "mergeFork", "mergeNetsplit"),
)


def genesis(rich: str, timestamp: int) -> dict[str, Any]:
    """A network in the rules of Prague from its first block, with one account that has coins."""
    blobs = {"target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477}
    config: dict[str, Any] = {"chainId": CHAIN_ID, "terminalTotalDifficulty": 0, "terminalTotalDifficultyPassed": True}
    config |= {f"{name}Block": 0 for name in _FORKS} | {"shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0}
    config["blobSchedule"] = {"cancun": blobs, "prague": blobs}
    header = {
        "nonce": "0x0",
        "timestamp": hex(timestamp),
        "extraData": "0x",
        "gasLimit": hex(30_000_000),
        "difficulty": "0x0",
    }
    header |= {"mixHash": ZERO, "coinbase": "0x" + "00" * 20, "baseFeePerGas": hex(10**9)}
    return {"config": config, **header, "alloc": {rich: {"balance": hex(10**24)}}}


class Node:
    """One client process with JSON-RPC and Engine API on ports of its own."""

    def __init__(self, folder: Path, name: str, genesis_file: Path) -> None:
        self.rpc_port, engine_port, peer_port, other = (_free_port() for _ in range(4))
        self.rpc = f"http://127.0.0.1:{self.rpc_port}"
        self.engine = f"http://127.0.0.1:{engine_port}"
        self._log = (folder / f"{name}.log").open("wb")
        options = {
            "gethGenesis": genesis_file,
            "dataDir": folder / name,
            "rpc": "true",
            "rpcPort": self.rpc_port,
            "rpcAddr": "127.0.0.1",
            "rpcEngine": "true",
            "rpcEnginePort": engine_port,
            "rpcEngineAddr": "127.0.0.1",
            "rpcEngineAuth": "false",
            "wsEnginePort": other,
            "port": peer_port,
            "discDns": "false",
            "discV4": "false",
            "logFile": folder / f"{name}-own.log",
            "logLevel": "warn",
            "isSingleNode": "true",
            "startExecution": "true",
        }
        arguments = [f"--{key}={value}" for key, value in options.items()]
        self.process = subprocess.Popen(
            ["node", str(PROGRAM), *arguments],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
        )

    def stop(self) -> None:
        """End the process by its id."""
        # Nothing of its state is kept, so it needs no orderly shutdown.
        self.process.kill()
        self.process.wait()
        self._log.close()


class Pair:
    """The builder, the follower, and the consensus between them."""

    def __init__(self, builder: Node, follower: Node, session: aiohttp.ClientSession) -> None:
        self.builder, self.follower, self._session = builder, follower, session
        self._head: dict[str, Any] = {}
        self._jump = 0
        self.blocks = 0

    async def ask(self, url: str, method: str, *params: Any) -> Any:
        """Send one request."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self._session.post(url, json=body) as answer:
            found = await answer.json(content_type=None)
        if "error" in found:
            raise AssertionError(f"{method}: {found['error']}")
        return found["result"]

    async def up(self) -> None:
        """Wait until both nodes answer."""
        for node in (self.builder, self.follower):
            deadline = time.monotonic() + TIMEOUT_S
            while True:
                try:
                    self._head = await self.ask(node.rpc, "eth_getBlockByNumber", "latest", False)
                    await self.ask(node.engine, "eth_chainId")
                    break
                except (aiohttp.ClientError, OSError):
                    if time.monotonic() > deadline or node.process.poll() is not None:
                        raise
                    await asyncio.sleep(0.2)

    def jump(self, timestamp: int) -> None:
        """Set the earliest timestamp of the next block."""
        self._jump = timestamp

    async def produce(self) -> None:
        """Produce a block: built by one node, executed by both, final."""
        base = self._head["hash"]
        stamp = max(int(self._head["timestamp"], 16) + 1, self._jump)
        wish = {
            "timestamp": hex(stamp),
            "prevRandao": ZERO,
            "suggestedFeeRecipient": "0x" + "11" * 20,
            "withdrawals": [],
        }
        chosen = await self.ask(
            self.builder.engine, "engine_forkchoiceUpdatedV3", _choice(base), {**wish, "parentBeaconBlockRoot": ZERO}
        )
        built = await self.ask(self.builder.engine, "engine_getPayloadV4", chosen["payloadId"])
        payload = built["executionPayload"]
        for node in (self.builder, self.follower):
            verdict = await self.ask(
                node.engine, "engine_newPayloadV4", payload, [], ZERO, built.get("executionRequests", [])
            )
            assert verdict["status"] == "VALID", verdict
            await self.ask(node.engine, "engine_forkchoiceUpdatedV3", _choice(payload["blockHash"]), None)
        self._head = {"hash": payload["blockHash"], "timestamp": payload["timestamp"]}
        self.blocks += 1

    async def run(self) -> None:
        """Produce block after block."""
        while True:
            await self.produce()
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def pair(folder: Path, rich: str, timestamp: int) -> AsyncIterator[Pair]:
    """Two nodes of one fresh network that produce blocks until the end."""
    file = folder / "genesis.json"
    file.write_text(json.dumps(genesis(rich, timestamp)))
    nodes = [Node(folder, name, file) for name in ("builder", "follower")]
    producing: asyncio.Task[None] | None = None
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            both = Pair(*nodes, session)
            await both.up()
            producing = asyncio.create_task(both.run())
            yield both
            producing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await producing
    finally:
        if producing is not None:
            producing.cancel()
        for node in nodes:
            node.stop()


def _choice(head: str) -> dict[str, str]:
    return {"headBlockHash": head, "safeBlockHash": ZERO, "finalizedBlockHash": ZERO}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
