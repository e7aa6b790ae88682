"""Publication of a song: its contract on the chain, its content keys to its security server.

Everything is checked before the first transaction: a content address has one set of terms for ever, so a contract with
wrong terms cannot be made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from chain.abi import function
from chain.client import Chain, TxReceipt
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.deployment import Deployment
from chain.simulation import gas_limit, require_funds, simulate
from pywallet.crypto import address_of
from pywallet.errors import GomaaError, InputError, Unavailable
from pywallet.policy import Policy, require_narrower
from pywallet.sps import Header
from studio.moving import serving
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.server import ServerInfo, fetch_info, put_song, upload_body
from studio.verify import contract_state

_LICENSE_GAS: Final = 150_000
"""Gas limit of one licence; it cannot be estimated before the content exists."""

_MAX_DOMAIN: Final = 253
"""Bytes of a station's domain in the registry."""


@dataclass(frozen=True)
class PublishResult:
    """The result of a publication.

    Attributes:
        content: Content address, 20 bytes.
        created: True if the contract was made now.
        transaction: Hash of its transaction; None unless ``created``.
        gas_used: Gas of that transaction.
        licensed: Domains whose stations were licensed now.
        unknown: Domains of the policy that no registered station has.
    """

    content: bytes
    created: bool
    transaction: bytes | None
    gas_used: int
    licensed: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class _Terms:
    """Arguments of the registry's ``create``; the hash is of the policy's bytes in the header."""

    policy_hash: bytes
    price: int
    interval: int
    server: bytes
    open_license: bool
    salt: bytes

    @classmethod
    def of(cls, header: Header, policy: Policy, salt: bytes) -> _Terms:
        price = policy.price
        return cls(
            header.policy_hash, price.owner, price.interval_s, header.server.address, "*" in policy.stations, salt
        )

    @property
    def arguments(self) -> tuple[bytes, int, int, bytes, bool, bytes]:
        return self.policy_hash, self.price, self.interval, self.server, self.open_license, self.salt


@dataclass(frozen=True)
class _Plan:
    """Transactions to send: the contract unless ``exists``, a licence for each of ``stations`` (domain, address)."""

    exists: bool
    stations: tuple[tuple[str, bytes], ...]
    unknown: tuple[str, ...]


async def publish(
    path: Path,
    owner_key: bytes,
    deployment: Deployment,
    *,
    key_path: Path | None = None,
    server_url: str | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> PublishResult:
    """Create the content's contract where it is missing, license the policy's stations, upload the keys. Idempotent.

    Before anything is sent, the file, its keys, the security server, the registry, the creation (simulated) and the
    account's balance are checked.

    Args:
        path: The song.
        owner_key: Private key of the account that signed the header, 32 bytes; it pays the gas.
        deployment: The network.
        key_path: The content-key file; None: beside the song.
        server_url: URL of the security server; None: the header's.
        on_step: Called with "contract" and "keys" as each begins.

    Raises:
        InputError: ``sps.*``, ``policy.*``, ``content.owner``, ``server.mismatch``, ``chain.mismatch``,
            ``chain.funds``; ``message.schema``: keys or a size that the server does not take.
        Refusal: ``content.revoked``, ``content.destroyed``, and the server's refusal.
        Unavailable: ``chain.unreachable``, ``server.*``.
    """
    key_path = key_path or ContentKeys.beside(path)
    if not key_path.exists():
        raise InputError("message.schema", field="content-keys", reason=f"{key_path} does not exist")
    keys = ContentKeys.load(key_path)
    header, cose = await asyncio.to_thread(_read, path, keys, owner_key, deployment)
    policy = Policy.from_dict(header.policy)
    require_narrower(policy)
    # Raises for a song that cannot be uploaded, before anything is sent.
    upload_body(header, cose, keys.keys, owner_key, header.server.key)
    async with deployment.connect() as chain:
        terms = _Terms.of(header, policy, keys.salt)
        plan = await _plan(chain, deployment, header, policy, terms)
        server = await _server(chain, deployment, header, server_url, plan)
        await asyncio.to_thread(_check_server, server, deployment)
        on_step("contract")
        receipt = None if plan.exists else await _create(chain, deployment, header, owner_key, terms)
        for _, station in plan.stations:
            await Content(chain, header.content).license(owner_key, station)
    on_step("keys")
    body = upload_body(header, cose, keys.keys, owner_key, server.key)
    await asyncio.to_thread(put_song, server.url, header.content, body)
    return PublishResult(
        content=header.content,
        created=receipt is not None,
        transaction=receipt.hash if receipt else None,
        gas_used=receipt.gas_used if receipt else 0,
        licensed=tuple(domain for domain, _ in plan.stations),
        unknown=plan.unknown,
    )


def _read(path: Path, keys: ContentKeys, owner_key: bytes, deployment: Deployment) -> tuple[Header, bytes]:
    """Header and its signed bytes, after checking owner, network, keys and every part of the song."""
    with SongFile(path) as song:
        header = song.header
        if address_of(owner_key) != header.owner:
            raise InputError("content.owner", reason="the key is not the owner's")
        if header.chain != deployment.chain_id:
            raise InputError("sps.header.chain", header=header.chain, deployment=deployment.chain_id)
        if keys.content != header.content:
            raise InputError("sps.segment.tag", reason="the key file is another song's")
        if missing := {epoch for track in header.renditions for epoch, _ in track.key_epochs} - keys.keys.keys():
            raise InputError("message.schema", field="keys", reason=f"no key of epoch {min(missing)}")
        song.check_parts()
        for place, track in enumerate(header.renditions):
            for _, first in track.key_epochs:
                song.clear(first, keys, place)
        return header, song.container.cose


async def _server(chain: Chain, deployment: Deployment, header: Header, url: str | None, plan: _Plan) -> ServerInfo:
    """The server that gets the keys: the header's, or the one to which the song has moved."""
    if plan.exists:
        now = await serving(chain, deployment, header.content)
        if now.address != header.server.address:
            return replace(now, url=url or now.url)
    return ServerInfo(url or header.server.url, header.server.address, header.server.key)


def _check_server(server: ServerInfo, deployment: Deployment) -> None:
    info = fetch_info(server.url, deployment.domain)
    if (info.address, info.key) != (server.address, server.key):
        raise InputError("server.mismatch", reason="another server answers than the song's", url=server.url)


async def _plan(chain: Chain, deployment: Deployment, header: Header, policy: Policy, terms: _Terms) -> _Plan:
    """The transactions still to be sent; each was checked to succeed."""
    registry, content = Registry(chain, deployment), Content(chain, header.content)
    entry = await registry.server(header.server.address)
    if entry is None or entry.key != header.server.key:
        raise InputError("server.mismatch", reason="the registry lists another key, or no such server")
    state, gas = await contract_state(chain, deployment, header), 0
    if state is None:
        if not entry.active:
            raise InputError("server.mismatch", reason="the registry no longer lets new songs choose this server")
        try:
            gas = await _simulate_creation(chain, deployment, header, terms)
        except GomaaError as e:
            # The transaction of an earlier attempt was included meanwhile: the contract exists.
            state = await contract_state(chain, deployment, header) if e.code == "chain.reverted" else None
            if state is None:
                raise
    is_open = terms.open_license if state is None else state.open_license
    stations, unknown = [], []
    for domain in policy.stations:
        if domain == "*":
            continue
        station = await registry.station_of(domain) if len(domain.encode()) <= _MAX_DOMAIN else None
        if station is None:
            unknown.append(domain)
        elif not is_open and (state is None or not await content.licensed(station)):
            stations.append((domain, station))
    if state is None or stations:
        await require_funds(chain, header.owner, gas + _LICENSE_GAS * len(stations))
    return _Plan(state is not None, tuple(stations), tuple(unknown))


async def _simulate_creation(chain: Chain, deployment: Deployment, header: Header, terms: _Terms) -> int:
    """Gas of the contract's creation, after simulating that it succeeds at the header's address."""
    create = function("Registry", "create")
    made = await simulate(chain, header.owner, deployment.registry, create, *terms.arguments)
    if bytes.fromhex(made[0][2:]) != header.content:
        raise InputError(
            "chain.mismatch", reason="the content would stand at another address than the file says", address=made[0]
        )
    return await gas_limit(chain, header.owner, deployment.registry, create, *terms.arguments)


async def _create(
    chain: Chain, deployment: Deployment, header: Header, owner_key: bytes, terms: _Terms
) -> TxReceipt | None:
    """Create the contract; None where the transaction of an earlier attempt was included first."""
    receipt = None
    try:
        receipt = await Registry(chain, deployment).create_content(owner_key, *terms.arguments)
    except GomaaError as e:
        # The transaction of an earlier, interrupted attempt was included: the contract exists.
        if e.code != "chain.reverted" or await contract_state(chain, deployment, header) is None:
            raise
    if await contract_state(chain, deployment, header) is None:
        raise Unavailable("chain.mismatch", reason="the content stands at another address than the file says")
    return receipt
