"""``gomaa chain``: commands that list stations and suspend them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from chain.deployment import Deployment

_KEY: Final = click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="file with the key, 0x-hex",
)
_DEPLOYMENT: Final = click.argument("deployment", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command("apply-station")
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

    network, key = Deployment.load(deployment), from_hex(key_file.read_text().strip(), 32)
    output.write_bytes(domain_proof.make(key, network.chain_id, network.registry, domain))
    if not file_only:
        asyncio.run(_apply(network, key, domain, name))
    click.echo(f"serve {output} as {domain_proof.PATH}")


async def _apply(network: Deployment, key: bytes, domain: str, name: str) -> None:
    from chain.contracts.registry import Registry

    async with network.connect() as client:
        await Registry(client, network).apply(key, domain, name)


@click.command("add-station")
@_DEPLOYMENT
@click.argument("domain")
@_KEY
@click.option("--name", help="list a station that has not applied, under this name")
def add_station(deployment: Path, domain: str, key_file: Path, name: str | None) -> None:
    """Look at a domain's proof, then list the station that signed it. KEY is the platform's or a verifier's."""
    from chain.deployment import Deployment
    from pywallet.encoding.hex import checksum, from_hex

    network, key = Deployment.load(deployment), from_hex(key_file.read_text().strip(), 32)
    station = asyncio.run(_add_station(network, key, domain, name))
    click.echo(f"{domain} is {checksum(station)}'s")


async def _add_station(network: Deployment, key: bytes, domain: str, name: str | None) -> bytes:
    from chain import domain_proof
    from chain.contracts.registry import Registry

    proof = await domain_proof.verify(domain, network.chain_id, network.registry)
    async with network.connect() as client:
        registry = Registry(client, network)
        if name is None:
            await registry.verify_station(key, proof.station, domain, proof.hash)
        else:
            await registry.add_station(key, proof.station, domain, name)
    return proof.station


@click.command("suspend-station")
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


async def _suspend(network: Deployment, key: bytes, domain: str, reason: str | None) -> None:
    from chain.client import Chain
    from chain.contracts.registry import Registry
    from pywallet.errors import InputError

    async with Chain.connect(network.rpc, network.chain_id) as client:
        registry = Registry(client, network)
        station = await registry.station_of(domain)
        if station is None:
            raise InputError("message.schema", field="domain", reason="no station is listed under it")
        if reason:
            await registry.suspend_station(key, station, reason)
        else:
            await registry.reinstate_station(key, station)


STATION_COMMANDS: Final = (apply_station, add_station, suspend_station)
