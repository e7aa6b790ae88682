"""Reading of whole HTTP bodies, since one ``read(n)`` returns only the bytes that have arrived."""

from __future__ import annotations

from http.client import HTTPResponse, IncompleteRead
from typing import Protocol


class Stream(Protocol):
    """A stream of body chunks, such as aiohttp's ``StreamReader``."""

    async def read(self, n: int = -1) -> bytes:
        """Read at most ``n`` bytes; empty at the end."""


async def read_up_to(stream: Stream, most: int) -> bytes:
    """Read a body to its end or to a cap.

    Args:
        stream: The body.
        most: Cap in bytes; what follows is not read.

    Returns:
        The body's first bytes, at most ``most``.
    """
    body = bytearray()
    while len(body) < most and (piece := await stream.read(most - len(body))):
        body += piece
    return bytes(body)


def read_reply(reply: HTTPResponse, most: int) -> bytes:
    """Read a response of ``urllib`` to its end or to a cap.

    Args:
        reply: The response.
        most: Cap in bytes; what follows is not read.

    Raises:
        IncompleteRead: The connection ended before the length in the header, which ``read(n)`` does not report.
    """
    body = reply.read(most)
    if len(body) < most and reply.length:
        raise IncompleteRead(body, reply.length)
    return body
