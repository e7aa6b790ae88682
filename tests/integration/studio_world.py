"""A chain and a server that checks uploads as the security server does, for the studio's tests."""

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
from chain.contracts.registry import Registry
from chain.deploy import deploy
from chain.deployment import Deployment
from messages.server_contents import Upload
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from security_server.content.contents import verify as verify_upload

# The first two accounts of anvil's default mnemonic.
PLATFORM = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
OWNER = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
SERVER = b"\x51" * 20
SCHEDULE = Schedule(length=60, grace=10, window=30, answer=20, late=90, delay=70)
TERMS = {"permissions": ["play"], "price": {"interval_s": 5, "owner": 10**16, "reward": 10**15}}


class Uploads(ThreadingHTTPServer):
    """``GET /v1/info`` and ``PUT /v1/contents/…``; records the uploads."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deployment = deployment
        self.private, self.public = generate_keypair()
        self.kept: list[tuple[bytes, dict[int, bytes]]] = []

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Uploads

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _reply(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer with the server's identity."""
        domain = self.server.deployment.domain
        key = to_b64(self.server.public)
        self._reply(
            200,
            {
                "server": to_hex(SERVER),
                "key": key,
                "chain_id": domain.chain_id,
                "settlement": to_hex(domain.settlement),
            },
        )

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
    """A chain for this test session."""
    with Anvil() as anvil:
        yield anvil


@pytest.fixture
async def network(node: Anvil) -> Deployment:
    """Fresh contracts."""
    return await deploy(node.rpc, PLATFORM, SCHEDULE)


@pytest.fixture
def uploads(network: Deployment) -> Iterator[Uploads]:
    """A server that accepts uploads."""
    server = Uploads(network)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def noise(path: Path, seconds: float = 1) -> Path:
    """Mono noise as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(
            np.random.default_rng(1).integers(-9000, 9000, round(44_100 * seconds)).astype("<i2").tobytes()
        )
    return path


async def list_server(network: Deployment, uploads: Uploads) -> None:
    """List the server in the registry."""
    async with Chain.connect(network.rpc) as chain:
        await Registry(chain, network).add_server(PLATFORM, SERVER, uploads.url, uploads.public)
