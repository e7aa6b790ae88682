"""``gomaa chain``: deploy the contracts, run the embedded node, show what a network says."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pywallet.redaction import place

if TYPE_CHECKING:
    from chain.deployment import Deployment
    from pywallet.settlement import Schedule


@click.group()
def chain() -> None:
    """Deploy contracts and look at a network."""


@chain.command()
@click.option("--rpc", required=True, help="the node's URL: ws(s) or http(s)")
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="file with the platform's key, 0x-hex",
)
@click.option("--epoch-seconds", default=3600, show_default=True, help="length of an epoch; the windows follow from it")
@click.option("--commission", "bps", default=500, show_default=True, help="basis points")
@click.option(
    "--confirmations",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="blocks until this network is trusted",
)
@click.option(
    "--block-time",
    type=click.IntRange(1, 3600),
    help="seconds between blocks, by default what is usual on this network",
)
@click.option("--max-fee-gwei", type=float, help="never offer more per gas")
@click.option(
    "-o", "--output", default="deployment.json", type=click.Path(dir_okay=False, path_type=Path), show_default=True
)
def deploy(
    rpc: str,
    key_file: Path,
    epoch_seconds: int,
    bps: int,
    confirmations: int,
    block_time: int | None,
    max_fee_gwei: float | None,
    output: Path,
) -> None:
    """Deploy token, registry, content implementation and settlement; write the addresses.

    Nothing is deployed where blocks are too slow for the epoch's windows (chain.schedule).
    """
    from chain.deploy import deploy as run
    from pywallet.encoding.hex import from_hex

    key = from_hex(key_file.read_text().strip(), 32)
    max_fee = None if max_fee_gwei is None else int(max_fee_gwei * 10**9)
    work = run(
        rpc,
        key,
        schedule(epoch_seconds),
        bps=bps,
        confirmations=confirmations,
        max_fee=max_fee,
        block_time=block_time,
        check=True,
    )
    made = asyncio.run(work)
    made.save(output)
    click.echo(json.dumps(_shown(made), indent=2))


def _shown(made: Deployment) -> dict[str, Any]:
    """The deployment for a terminal: the node's URL may hold a key, so only the file has it whole."""
    return {**made.to_json(), "rpc": place(made.rpc)}


def schedule(length: int) -> Schedule:
    """The default windows for an epoch of ``length`` seconds (docs/settlement.md, Time)."""
    from pywallet.settlement import Schedule

    grace, window, answer = (max(1, length * part // 60) for part in (5, 25, 20))
    return Schedule(
        length, grace, window, answer, late=max(3600, 336 * length), delay=length + grace + max(10, length // 6)
    )


@chain.command()
@click.option("--port", default=8545, show_default=True)
@click.option("--block-time", default=1, show_default=True, help="seconds")
@click.option("--state", type=click.Path(path_type=Path), help="file that keeps the chain between runs")
def node(port: int, block_time: int, state: Path | None) -> None:
    """Run the embedded chain until interrupted. Its keys are public: for this machine only."""
    from chain.anvil import Anvil

    # Before anything is started: whoever stops us stops anvil too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Anvil(port=port, block_time=block_time, state=state) as anvil:
            click.echo(anvil.rpc)
            signal.pause()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


@chain.command()
@click.argument("deployment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(deployment: Path) -> None:
    """Check a deployment against its network and print both."""
    asyncio.run(_show(deployment))


async def _show(path: Path) -> None:
    from chain.contracts.registry import Registry
    from chain.contracts.token import Token
    from chain.deployment import Deployment

    made = Deployment.load(path)
    async with made.connect() as client:
        block = await client.block()
        rate = await Registry(client, made).rate_at(made.schedule.epoch_of(block.timestamp))
        extra = {
            "now": {
                "block": block.number,
                "time": block.timestamp,
                "epoch": made.schedule.epoch_of(block.timestamp),
                "commission_bps": rate,
            }
        }
        click.echo(
            json.dumps({**_shown(made), **extra, "supply": str(await Token(client, made).total_supply())}, indent=2)
        )


@chain.command()
@click.argument("deployment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="folder for what a block explorer asks for"
)
def verify_source(deployment: Path, output: Path | None) -> None:
    """Whether the network runs this source; and each contract's standard JSON, to verify it elsewhere."""
    from chain.deployment import Deployment
    from chain.verification import verify, write
    from pywallet.encoding.hex import checksum

    found = asyncio.run(verify(Deployment.load(deployment)))
    for one in found:
        click.echo(f"{'same ' if one.matches else 'OTHER'} {checksum(one.address)} {one.name}")
    if output is not None:
        write(found, output)
    if not all(one.matches for one in found):
        raise SystemExit(1)


_KEY = click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="file with the key, 0x-hex",
)
_DEPLOYMENT = click.argument("deployment", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@chain.command("apply-station")
@_DEPLOYMENT
@click.argument("domain")
@click.argument("name")
@_KEY
@click.option(
    "-o", "--output", default="gomaa-station.json", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--file-only", is_flag=True, help="write the proof, send nothing")
def apply_station(deployment: Path, domain: str, name: str, key_file: Path, output: Path, file_only: bool) -> None:
    """A station asks to be listed under DOMAIN (host[:port]), and gets the file that the domain must serve."""
    from chain import domain_proof
    from chain.deployment import Deployment
    from pywallet.encoding.hex import from_hex

    made, key = Deployment.load(deployment), from_hex(key_file.read_text().strip(), 32)
    output.write_bytes(domain_proof.make(key, made.chain_id, made.registry, domain))
    if not file_only:
        asyncio.run(_apply(made, key, domain, name))
    click.echo(f"serve {output} as {domain_proof.PATH}")


async def _apply(made: Deployment, key: bytes, domain: str, name: str) -> None:
    from chain.contracts.registry import Registry

    async with made.connect() as client:
        await Registry(client, made).apply(key, domain, name)


@chain.command("add-station")
@_DEPLOYMENT
@click.argument("domain")
@_KEY
@click.option("--name", help="list a station that has not applied, under this name")
def add_station(deployment: Path, domain: str, key_file: Path, name: str | None) -> None:
    """Look at a domain's proof, then list the station that signed it. KEY is the platform's or a verifier's."""
    from chain.deployment import Deployment
    from pywallet.encoding.hex import checksum, from_hex

    made, key = Deployment.load(deployment), from_hex(key_file.read_text().strip(), 32)
    station = asyncio.run(_add_station(made, key, domain, name))
    click.echo(f"{domain} is {checksum(station)}'s")


async def _add_station(made: Deployment, key: bytes, domain: str, name: str | None) -> bytes:
    from chain import domain_proof
    from chain.contracts.registry import Registry

    proof = await domain_proof.verify(domain, made.chain_id, made.registry)
    async with made.connect() as client:
        registry = Registry(client, made)
        if name is None:
            await registry.verify_station(key, proof.station, domain, proof.hash)
        else:
            await registry.add_station(key, proof.station, domain, name)
    return proof.station


@chain.command("suspend-station")
@_DEPLOYMENT
@click.argument("domain")
@_KEY
@click.option("--reason", help="why, for all to read (at most 200 bytes)")
@click.option("--end", is_flag=True, help="end the suspension")
def suspend_station(deployment: Path, domain: str, key_file: Path, reason: str | None, end: bool) -> None:
    """Stop a station, and say why; or let it play again. KEY is the platform's."""
    from chain.deployment import Deployment
    from pywallet.encoding.hex import from_hex

    if end == bool(reason):
        raise click.UsageError("either --reason or --end")
    asyncio.run(_suspend(Deployment.load(deployment), from_hex(key_file.read_text().strip(), 32), domain, reason))
    click.echo(f"{domain} may play again" if end else f"{domain} is suspended")


async def _suspend(made: Deployment, key: bytes, domain: str, reason: str | None) -> None:
    from chain.client import Chain
    from chain.contracts.registry import Registry
    from pywallet.errors import InputError

    async with Chain.connect(made.rpc, made.chain_id) as client:
        registry = Registry(client, made)
        station = await registry.station_of(domain)
        if station is None:
            raise InputError("message.schema", field="domain", reason="no station is listed under it")
        if reason:
            await registry.suspend_station(key, station, reason)
        else:
            await registry.reinstate_station(key, station)


commands = [chain]
