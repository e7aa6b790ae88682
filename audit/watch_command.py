"""``gomaa watch``: the watcher of receipts."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.options import DATA, DEPLOYMENT, RPC

if TYPE_CHECKING:
    from chain.client import Chain
    from chain.deployment import Deployment


@click.command()
@DEPLOYMENT
@DATA
@RPC
@click.option(
    "--receipts",
    required=True,
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="files or folders, read at every block",
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="0x-hex; without it nothing is sent",
)
@click.option(
    "--patience", "patience_s", type=int, help="seconds a server may be late or silent (default: half a window)"
)
@click.option(
    "--owner-key",
    "owner_keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="0x-hex; fetch the receipts that this owner has, too, into the first folder of --receipts: servers tell "
    "them to no other",
)
@click.option(
    "--public", is_flag=True, help="also tell every lie in anybody's published data, with or without a receipt"
)
@click.option("--once", is_flag=True, help="one round, then end")
def watch(
    deployment_file: Path,
    places: tuple[str, ...],
    rpc: str | None,
    receipts: tuple[Path, ...],
    key_file: Path | None,
    patience_s: int | None,
    owner_keys: tuple[Path, ...],
    public: bool,
    once: bool,
) -> None:
    """Hold servers to receipts: check each epoch's leaves, challenge what is missing or low, slash, refund.

    One JSON object a line.
    """
    from chain.deployment import Deployment
    from pywallet.encoding.hex import from_hex

    key = None if key_file is None else from_hex(key_file.read_text(encoding="utf-8").strip(), 32)
    owners = [from_hex(file.read_text(encoding="utf-8").strip(), 32) for file in owner_keys]
    asyncio.run(_watch(Deployment.load(deployment_file), rpc, receipts, places, key, patience_s, owners, public, once))


async def _watch(
    deployment: Deployment,
    rpc: str | None,
    receipts: tuple[Path, ...],
    places: tuple[str, ...],
    key: bytes | None,
    patience_s: int | None,
    owners: list[bytes],
    public: bool,
    once: bool,
) -> None:
    from audit.watch import Watcher
    from chain.client import Chain

    async with Chain.connect(rpc or deployment.rpc, deployment.chain_id) as chain:
        watcher = Watcher(
            chain,
            deployment,
            receipts,
            places,
            key,
            patience_s,
            lambda event: click.echo(json.dumps(event.to_json())),
            public,
        )
        if once:
            await _fetch(chain, deployment, receipts, owners)
            await watcher.round()
            return
        watching = asyncio.create_task(watcher.run())
        try:
            while owners:
                await _fetch(chain, deployment, receipts, owners)
                await asyncio.sleep(max(1, deployment.schedule.grace / 2))
            await watching
        finally:
            watching.cancel()


async def _fetch(chain: Chain, deployment: Deployment, receipts: tuple[Path, ...], owners: list[bytes]) -> None:
    """Fetch owners' receipts from the servers, which require the owner's signature."""
    import aiohttp

    from chain.abi import event
    from pywallet.crypto import address_of, sign
    from pywallet.encoding.hex import to_hex
    from pywallet.protocol import receipts_digest

    folder = next((place for place in receipts if place.is_dir()), None)
    if folder is None or not owners:
        return
    logs = await chain.logs(deployment.registry, event("Registry", "ServerSet"), deployment.block)
    urls = {str(log.fields["url"]).rstrip("/"): bytes(log.fields["server"]) for log in logs}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        for url, server in urls.items():
            for key in owners:
                owner, now_s = address_of(key), int(time.time())
                request = {
                    "payee": to_hex(owner),
                    "time_s": now_s,
                    "signature": to_hex(sign(key, receipts_digest(server, owner, now_s))),
                }
                try:
                    async with http.post(f"{url}/v1/receipts", json=request, allow_redirects=False) as response:
                        received = (await response.json())["receipts"]
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError):
                    continue
                for item in received if isinstance(received, list) else []:
                    _save(folder, item)


def _save(folder: Path, item: object) -> None:
    """Write one receipt to a file named by its hash, so that no later receipt replaces it."""
    from pywallet.crypto import keccak256

    text = json.dumps(item, sort_keys=True)
    path = folder / f"{keccak256(text.encode()).hex()[:32]}.json"
    if not path.exists():
        path.write_text(text, encoding="utf-8")
