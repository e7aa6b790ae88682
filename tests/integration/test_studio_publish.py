"""Publishing on a real chain, to a server that checks an upload as the security server does."""

from __future__ import annotations

import json
import threading
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chain.anvil import Anvil
from chain.client import Chain
from chain.content import Content
from chain.deploy import deploy
from chain.deployment import Deployment
from chain.registry import Registry
from pywallet.errors import GomaaError
from pywallet.hexes import from_b64, to_b64, to_hex
from pywallet.platform import address_of
from pywallet.policy import Policy
from pywallet.settlement import Schedule
from pywallet.sps.wrapping import generate_keypair
from security_server.contents import verify as verify_upload
from security_server.schema import Upload
from studio.convert import ConvertResult, Options, convert
from studio.owner import ContentKeys
from studio.publish import publish
from studio.server import ServerInfo, fetch_info
from studio.verify import verify_chain

# The first two accounts of anvil's well-known test mnemonic.
PLATFORM = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
OWNER = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
SERVER = b"\x51" * 20
SCHEDULE = Schedule(length=60, grace=10, window=30, answer=20, late=90, delay=70)
TERMS = {"permissions": ["play"], "price": {"interval_s": 5, "owner": 10**16, "reward": 10**15}}


class Uploads(ThreadingHTTPServer):
    """``GET /v1/info`` and ``PUT /v1/contents/…``; keeps what was uploaded."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deployment = deployment
        self.private, self.public = generate_keypair()
        self.kept: list[tuple[bytes, dict[int, bytes]]] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Uploads

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _reply(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Who the server is."""
        domain = self.server.deployment.domain
        key = to_b64(self.server.public)
        self._reply(200, {"server": to_hex(SERVER), "key": key, "chain_id": domain.chain_id, "settlement": to_hex(domain.settlement)})

    def do_PUT(self) -> None:
        """Verify an upload with the security server's own function."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = bytes.fromhex(self.path.rsplit("/0x", 1)[1])
        try:
            verified = verify_upload(Upload(**body), content, self.server.private)
        except GomaaError as e:
            self._reply(400, {"error": e.to_json()})
            return
        assert from_b64(body["header"]) == verified.cose
        self.server.kept.append((content, verified.keys))
        self._reply(200, {"content": to_hex(content)})


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    """A chain of our own."""
    with Anvil() as anvil:
        yield anvil


@pytest.fixture
async def network(node: Anvil) -> Deployment:
    """Fresh contracts."""
    return await deploy(node.rpc, PLATFORM, SCHEDULE)


@pytest.fixture
def uploads(network: Deployment) -> Iterator[Uploads]:
    """A server that takes uploads."""
    server = Uploads(network)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def make(folder: Path, network: Deployment, server: ServerInfo, **terms: Any) -> ConvertResult:
    """A second of noise as a song of OWNER's."""
    source = folder / "noise.wav"
    with wave.open(str(source), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(np.random.default_rng(1).integers(-9000, 9000, 44_100).astype("<i2").tobytes())
    return convert(source, folder / "noise.sps", Policy.from_dict({**TERMS, **terms}), OWNER, network, server, Options(replace=True))


async def list_server(network: Deployment, uploads: Uploads) -> None:
    """Put the server on the registry's list."""
    async with Chain.connect(network.rpc) as chain:
        await Registry(chain, network).add_server(PLATFORM, SERVER, uploads.url, uploads.public)


async def test_publishing_creates_the_content_once(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """The contract stands at the predicted address with the file's terms; again changes nothing on the chain and uploads again."""
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
    assert (state.owner, state.policy_hash, state.price, state.interval) == (address_of(OWNER), song.policy_hash, 10**16, 5)
    assert (state.server, state.open_license, state.revoked) == (SERVER, True, False)
    assert [check.name for check in await verify_chain(song.path, network)] == ["chain"]


async def test_named_stations_are_licensed(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Where the policy names stations, the registered ones get a licence and the others are reported."""
    await list_server(network, uploads)
    station = b"\x77" * 20
    async with Chain.connect(network.rpc) as chain:
        await Registry(chain, network).add_station(PLATFORM, station, "radio.example", "Radio")
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain), stations=["radio.example", "nobody.example"])
    result = await publish(song.path, OWNER, network)
    assert (result.licensed, result.unknown) == (("radio.example",), ("nobody.example",))
    async with Chain.connect(network.rpc) as chain:
        assert await Content(chain, song.content).licensed(station)
    assert (await publish(song.path, OWNER, network)).licensed == ()


async def test_a_revoked_song_is_not_published_again(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """After revoke the code says so, and no keys go out."""
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


async def test_a_server_that_is_not_listed_is_refused(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Keys go only to the server that the registry knows under this key."""
    song = make(tmp_path, network, ServerInfo(uploads.url, SERVER, uploads.public))
    with pytest.raises(GomaaError, match=r"server\.mismatch"):
        await publish(song.path, OWNER, network)
    assert uploads.kept == []


async def test_a_song_that_was_not_published_is_unknown(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """Verification against the chain tells an unpublished song."""
    song = make(tmp_path, network, ServerInfo(uploads.url, SERVER, uploads.public))
    with pytest.raises(GomaaError, match=r"content\.unknown"):
        await verify_chain(song.path, network)


async def test_a_server_that_is_down_loses_nothing(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """The contract is made, the upload fails with its code, and publishing again completes it."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    with pytest.raises(GomaaError, match=r"server\.unreachable"):
        await publish(song.path, OWNER, network, server_url="http://127.0.0.1:1")
    result = await publish(song.path, OWNER, network)
    assert (result.created, len(uploads.kept)) == (False, 1)
