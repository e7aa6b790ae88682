"""Bodies of HTTP responses: read whole in any pieces; truncated ones are errors."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.http_body import read_up_to
from pywallet.errors import Unavailable
from studio import earnings
from studio.server import _request


class Pieces:
    """A stream that yields one piece per read, as a socket does."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    async def read(self, n: int = -1) -> bytes:
        """At most n bytes of the next piece."""
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > n:
            self.pieces.insert(0, piece[n:])
        return piece[:n]


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 100))
def test_a_body_is_read_to_its_end_or_the_cap(pieces: list[bytes], most: int) -> None:
    """A body in several pieces would be truncated."""
    assert asyncio.run(read_up_to(Pieces(pieces), most)) == b"".join(pieces)[:most]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"
NO_HTTP = b"hello\r\n\r\n"


@pytest.mark.parametrize("answer", [CHUNKED, SHORT, NO_HTTP, b""], ids=["chunked", "short", "no http", "nothing"])
def test_a_truncated_response_is_an_error(answer: bytes) -> None:
    """A truncated response of a server would be used."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        for ask in (lambda: _request("GET", f"{url}/v1/info"), lambda: earnings._published(url, 1)):
            with pytest.raises(Unavailable, match=r"server\.unreachable"):
                ask()
        thread.join()
