"""Move of a content to another security server: proposal on the chain, takeover by the new server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from chain.client import Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry, ServerEntry
from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError, Refusal
from pywallet.rules.content_check import withdrawal
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.server import ServerInfo, fetch_info, put_song, take_over, upload_body


@dataclass(frozen=True)
class Moved:
    """An accepted move.

    Attributes:
        server: The new server.
        from_epoch: First epoch in which it serves.
        transaction: Hash of the proposal's transaction; None: it was proposed before.
    """

    server: ServerInfo
    from_epoch: int
    transaction: bytes | None


async def _entry(chain: Chain, deployment: Deployment, server: bytes) -> ServerEntry:
    entry = await Registry(chain, deployment).server(server)
    if entry is None or not entry.active:
        raise InputError("server.mismatch", reason="the registry lists no such server", server=to_hex(server))
    return entry


async def serving(chain: Chain, deployment: Deployment, content: bytes) -> ServerInfo:
    """The content's security server in the running epoch, as in the registry.

    Raises:
        InputError: ``server.mismatch``.
    """
    epoch = deployment.schedule.epoch_of((await chain.block()).timestamp)
    address = await Content(chain, content).server_at(epoch)
    entry = await Registry(chain, deployment).server(address)
    if entry is None:
        raise InputError("server.mismatch", reason="the registry lists no such server", server=to_hex(address))
    return ServerInfo(entry.url.rstrip("/"), address, entry.key)


async def move(
    deployment: Deployment, content: bytes, owner_key: bytes, server: bytes, song: Path | None = None
) -> Moved:
    """Propose a server and have it take the content over; can be repeated after a failure.

    Args:
        deployment: The network.
        content: The content's address, 20 bytes.
        owner_key: The owner's private key, 32 bytes.
        server: Address of the new server, 20 bytes.
        song: The song's file with its content keys beside it, to upload the keys where the former server is gone; the
            listeners' used limits are lost then. None: the former server hands everything over.

    Returns:
        The new server, the first epoch in which it serves, and the proposal's transaction, if one was sent.

    Raises:
        InputError: ``content.unknown``; ``server.mismatch``: not listed, or another server answers;
            ``chain.reverted``: not the owner's key; ``message.schema``: no key file.
        Refusal: ``content.revoked``, ``content.destroyed``, and the new server's refusal.
        Unavailable: ``chain.unreachable``, ``server.*``; the proposal stands then.
    """
    async with deployment.connect() as chain:
        contract = Content(chain, content)
        state = await contract.state() if await Registry(chain, deployment).is_content(content) else None
        if state is None:
            raise InputError("content.unknown", content=content.hex())
        code = withdrawal(state)
        if code is not None:
            raise Refusal(code)
        entry = await _entry(chain, deployment, server)
        info = await asyncio.to_thread(fetch_info, entry.url, deployment.domain)
        if (info.address, info.key) != (server, entry.key):
            raise InputError("server.mismatch", reason="another server answers at the registry's URL", url=entry.url)
        body = None if song is None else await asyncio.to_thread(_upload, song, content, owner_key, entry.key)
        epoch = deployment.schedule.epoch_of((await chain.block()).timestamp)
        transaction = None
        if await contract.server_at(epoch + 1) != server and await contract.proposed_server() != server:
            transaction = (await contract.propose_server(owner_key, server)).hash
        if body is not None:
            await asyncio.to_thread(put_song, info.url, content, body)
        first = await asyncio.to_thread(take_over, info.url, content)
        if await contract.server_at(first) != server:
            raise InputError("chain.mismatch", reason="the server says that it serves, the chain does not", epoch=first)
        return Moved(info, first, transaction)


def _upload(song: Path, content: bytes, owner_key: bytes, exchange: bytes) -> dict[str, object]:
    keys_path = ContentKeys.beside(song)
    if not keys_path.exists():
        raise InputError("message.schema", field="content-keys", reason=f"{keys_path.name} does not exist")
    keys = ContentKeys.load(keys_path)
    with SongFile(song) as file:
        if keys.content != file.header.content or content != file.header.content:
            raise InputError("message.schema", field="content-keys", reason="the key file is another song's")
        return upload_body(file.header, file.container.cose, keys.keys, owner_key, exchange)


async def retract(deployment: Deployment, content: bytes, owner_key: bytes) -> bytes:
    """Withdraw a proposal that no server has accepted yet; returns the transaction's hash."""
    async with deployment.connect() as chain:
        return (await Content(chain, content).propose_server(owner_key, None)).hash
