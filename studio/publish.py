"""A song goes public: its contract on the chain, its content keys to its security server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chain.client import Chain, TxReceipt
from chain.content import Content
from chain.deployment import Deployment
from chain.registry import Registry
from pywallet.errors import GomaaError, InputError, Unavailable
from pywallet.platform import address_of
from pywallet.policy import Policy
from pywallet.sps import Header
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.server import upload
from studio.verify import hold


@dataclass(frozen=True)
class PublishResult:
    """``created``: whether the contract was made now, by ``transaction`` for ``gas_used``; ``licensed``: domains that got a licence now."""

    content: bytes
    created: bool
    transaction: bytes | None
    gas_used: int
    licensed: tuple[str, ...]
    unknown: tuple[str, ...]
    """Domains of the policy that no registered station has."""


async def publish(
    path: Path,
    owner_key: bytes,
    deployment: Deployment,
    *,
    key_path: Path | None = None,
    server_url: str | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> PublishResult:
    """Create the content's contract where it is missing, license the policy's stations, hand the keys over. Again is harmless.

    Args:
        owner_key: the account that signed the header; it pays the gas.
        server_url: where to reach the security server, when not at the header's URL.
        told: called with "contract", then "keys", as each begins.

    Raises:
        InputError: ``sps.*``, ``content.owner``, ``sps.policy.mismatch``, ``server.mismatch``, ``chain.mismatch``.
        Refusal: ``content.revoked``, ``content.destroyed``, and what the server says.
        Unavailable: ``chain.unreachable``, ``server.*``.
    """
    with SongFile(path) as song:
        song.check_size()
        header, cose = song.header, song.container.cose
    keys = ContentKeys.load(key_path or ContentKeys.beside(path))
    _check(header, keys, owner_key, deployment)
    policy = Policy.from_dict(header.policy)
    async with deployment.connect() as chain:
        if await chain.chain_id() != header.chain:
            raise InputError("sps.header.chain", header=header.chain)
        registry = Registry(chain, deployment)
        entry = await registry.server(header.server.address)
        if entry is None or entry.key != header.server.key:
            raise InputError("server.mismatch", reason="the registry lists another key, or no such server")
        told("contract")
        receipt = None
        if await hold(chain, deployment, header) is None:
            receipt = await _create(chain, registry, deployment, header, owner_key, keys.salt)
        licensed, unknown = await _license(chain, registry, header, policy, owner_key)
    told("keys")
    await asyncio.to_thread(upload, server_url or header.server.url, header, cose, keys.keys, owner_key)
    return PublishResult(
        header.content, receipt is not None, receipt.hash if receipt else None, receipt.gas_used if receipt else 0, licensed, unknown
    )


async def _create(
    chain: Chain, registry: Registry, deployment: Deployment, header: Header, owner_key: bytes, salt: bytes
) -> TxReceipt | None:
    """Make the contract; None where an earlier attempt's transaction came first."""
    policy = Policy.from_dict(header.policy)
    price, receipt = policy.price, None
    try:
        receipt = await registry.create_content(
            owner_key, policy.hash, price.owner, price.interval_s, header.server.address, policy.stations == ("*",), salt
        )
    except GomaaError as e:
        # Interrupted after sending, before it was in a block: the address is taken, by ourselves.
        if e.code != "chain.reverted" or await hold(chain, deployment, header) is None:
            raise
    if await hold(chain, deployment, header) is None:
        raise Unavailable("chain.mismatch", reason="the content stands at another address than the file says")
    return receipt


def _check(header: Header, keys: ContentKeys, owner_key: bytes, deployment: Deployment) -> None:
    if address_of(owner_key) != header.owner:
        raise InputError("content.owner", reason="the key is not the owner's")
    if header.chain != deployment.chain_id:
        raise InputError("sps.header.chain", header=header.chain, deployment=deployment.chain_id)
    if keys.content != header.content:
        raise InputError("sps.segment.tag", reason="the key file is another song's")
    if missing := {epoch for track in header.renditions for epoch, _ in track.key_epochs} - keys.keys.keys():
        raise InputError("message.schema", field="keys", reason=f"no key of epoch {min(missing)}")


async def _license(
    chain: Chain, registry: Registry, header: Header, policy: Policy, owner_key: bytes
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    content, licensed, unknown = Content(chain, header.content), [], []
    for domain in policy.stations:
        if domain == "*":
            continue
        station = await registry.station_of(domain)
        if station is None:
            unknown.append(domain)
        elif not await content.licensed(station):
            await content.license(owner_key, station)
            licensed.append(domain)
    return tuple(licensed), tuple(unknown)
