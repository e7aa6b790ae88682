"""``gomaa chain``: deploy the contracts, run the embedded node, inspect a network, list stations."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chain.station_commands import STATION_COMMANDS
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
    deployed = asyncio.run(work)
    deployed.save(output)
    click.echo(json.dumps(_shown(deployed), indent=2))


def _shown(deployed: Deployment) -> dict[str, Any]:
    """The deployment for a terminal, without the node's full URL, which may contain an API key."""
    return {**deployed.to_json(), "rpc": place(deployed.rpc)}


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

    # Set before the start, so that a termination stops anvil too.
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

    deployed = Deployment.load(path)
    async with deployed.connect() as client:
        block = await client.block()
        rate = await Registry(client, deployed).rate_at(deployed.schedule.epoch_of(block.timestamp))
        extra = {
            "now": {
                "block": block.number,
                "time": block.timestamp,
                "epoch": deployed.schedule.epoch_of(block.timestamp),
                "commission_bps": rate,
            }
        }
        supply = str(await Token(client, deployed).total_supply())
        click.echo(json.dumps({**_shown(deployed), **extra, "supply": supply}, indent=2))


@chain.command()
@click.argument("deployment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="folder for what a block explorer asks for"
)
def verify_source(deployment: Path, output: Path | None) -> None:
    """Compare the network's code with this source; write each contract's standard JSON, to verify it elsewhere."""
    from chain.deployment import Deployment
    from chain.verification import verify, write
    from pywallet.encoding.hex import checksum

    contracts = asyncio.run(verify(Deployment.load(deployment)))
    for contract in contracts:
        click.echo(f"{'same ' if contract.matches else 'OTHER'} {checksum(contract.address)} {contract.name}")
    if output is not None:
        write(contracts, output)
    if not all(contract.matches for contract in contracts):
        raise SystemExit(1)


for command in STATION_COMMANDS:
    chain.add_command(command)

commands = [chain]
