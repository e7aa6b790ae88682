"""Publishing on a real chain, to a server that checks an upload as the security server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chain.client import Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from studio.convert import ConvertOptions, ConvertResult, convert
from studio.owner import ContentKeys
from studio.publish import publish
from studio.server import ServerInfo, fetch_info
from studio.verify import verify_chain
from tests.integration.studio_world import (
    OWNER,
    PLATFORM,
    SERVER,
    TERMS,
    Uploads,
    list_server,
    network,
    node,
    noise,
    uploads,
)

__all__ = ["network", "node", "uploads"]


def make(folder: Path, network: Deployment, server: ServerInfo, **terms: Any) -> ConvertResult:
    """Package a second of noise as a song of OWNER's."""
    source = noise(folder / "noise.wav")
    return convert(
        source,
        folder / "noise.sps",
        Policy.from_dict({**TERMS, **terms}),
        OWNER,
        network,
        server,
        ConvertOptions(replace=True),
    )


async def test_publishing_creates_the_content_once(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """The contract is at the predicted address with the file's terms.

    A second time changes nothing on the chain and uploads again.
    """
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    first = await publish(song.path, OWNER, network)
    second = await publish(song.path, OWNER, network)
    assert (first.created, second.created) == (True, False)
    assert first.content == song.content
    keys = ContentKeys.load(song.key_path)
    assert uploads.kept == [(song.content, keys.keys)] * 2
    async with Chain.connect(network.rpc) as chain:
        state = await Content(chain, song.content).state()
    assert state is not None
    assert (state.owner, state.policy_hash, state.price, state.interval) == (
        address_of(OWNER),
        song.policy_hash,
        10**16,
        5,
    )
    assert (state.server, state.open_license, state.revoked) == (SERVER, True, False)
    assert [check.name for check in await verify_chain(song.path, network)] == ["chain"]


async def test_named_stations_are_licensed(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Where the policy names stations, the registered ones get a licence and the others are reported."""
    await list_server(network, uploads)
    station = b"\x77" * 20
    async with Chain.connect(network.rpc) as chain:
        await Registry(chain, network).add_station(PLATFORM, station, "radio.example", "Radio")
    song = make(
        tmp_path, network, fetch_info(uploads.url, network.domain), stations=["radio.example", "nobody.example"]
    )
    result = await publish(song.path, OWNER, network)
    assert (result.licensed, result.unknown) == (("radio.example",), ("nobody.example",))
    async with Chain.connect(network.rpc) as chain:
        assert await Content(chain, song.content).licensed(station)
    assert (await publish(song.path, OWNER, network)).licensed == ()


async def test_a_revoked_song_is_not_published_again(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """After a revocation the code says so, and no keys are sent."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    await publish(song.path, OWNER, network)
    async with Chain.connect(network.rpc) as chain:
        await Content(chain, song.content).revoke(OWNER)
    with pytest.raises(GomaaError, match=r"content\.revoked"):
        await publish(song.path, OWNER, network)
    assert len(uploads.kept) == 1


async def test_another_key_cannot_publish(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Only the owner of the header publishes it."""
    song = make(tmp_path, network, ServerInfo(uploads.url, SERVER, uploads.public))
    with pytest.raises(GomaaError, match=r"content\.owner"):
        await publish(song.path, PLATFORM, network)


async def test_an_unlisted_server_is_refused(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Keys are sent only to the server that the registry lists under this key."""
    song = make(tmp_path, network, ServerInfo(uploads.url, SERVER, uploads.public))
    with pytest.raises(GomaaError, match=r"server\.mismatch"):
        await publish(song.path, OWNER, network)
    assert uploads.kept == []


async def test_an_unpublished_song_is_reported(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Verification against the chain reports it."""
    song = make(tmp_path, network, ServerInfo(uploads.url, SERVER, uploads.public))
    with pytest.raises(GomaaError, match=r"content\.unknown"):
        await verify_chain(song.path, network)


async def test_a_failed_upload_can_be_repeated(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """The contract is created, the upload fails with its code, and publishing again completes it."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    # The server answers, without the key that uploads are wrapped to.
    true, uploads.private = uploads.private, bytes(range(32))
    with pytest.raises(GomaaError, match=r"message\.schema"):
        await publish(song.path, OWNER, network)
    uploads.private = true
    result = await publish(song.path, OWNER, network)
    assert (result.created, len(uploads.kept)) == (False, 1)
