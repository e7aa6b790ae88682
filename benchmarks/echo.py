"""The peer of the security server's figures: an aiohttp WebSocket that verifies a signature and echoes the message.

``python -m benchmarks.echo`` serves in a process of its own; it prints its URL and stops when standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import WSMsgType, web
from btclib_secp256k1 import recovery

from common.http_limits import allow_files

PEER: Final = "aiohttp echo with a bare verification"
MOST_CONNECTIONS: Final = 20_000

Signature = tuple[bytes, bytes]
"""64 bytes with the recovery id behind them, and the digest that they sign."""
SignatureOf = Callable[[dict[str, Any]], Signature | None]


def recoverable(signature: bytes, digest: bytes) -> Signature:
    """An Ethereum signature (65 bytes, v of 27 or 28) in the form that the library recovers from."""
    return signature[:64] + bytes([signature[64] - 27]), digest


@asynccontextmanager
async def serving(signature_of: SignatureOf) -> AsyncIterator[str]:
    """Serve the echo in this process; the context's value is its URL.

    Args:
        signature_of: The signature to recover from for a request; None: the request is echoed only.
    """

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = json.loads(message.data)
            signed = signature_of(asked)
            if signed is not None:
                recovery.recover(signed[1], signed[0][:64], signed[0][64])
            await socket.send_str(json.dumps({"id": asked["id"], "ok": True, "result": asked}))
        return socket

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def _of_request(asked: dict[str, Any]) -> Signature | None:
    if "digest" not in asked:
        return None
    signature = asked["invocations"][0]["signature"]
    return recoverable(bytes.fromhex(signature[2:]), bytes.fromhex(asked["digest"]))


async def _serve() -> None:
    allow_files(MOST_CONNECTIONS)
    async with serving(_of_request) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
