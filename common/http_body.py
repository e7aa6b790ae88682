"""Bodies of HTTP answers, read whole: one ``read(n)`` gives only what has arrived so far."""

from __future__ import annotations

from http.client import HTTPResponse, IncompleteRead
from typing import Protocol


class Stream(Protocol):
    """A body that comes in pieces, such as aiohttp's ``StreamReader``."""

    async def read(self, n: int = -1) -> bytes:
        """At most ``n`` bytes; none at the end."""


async def read_up_to(stream: Stream, most: int) -> bytes:
    """Read a body to its end or to a cap, however many pieces it comes in.

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
    """Read an answer of ``urllib`` to its end or to a cap.

    Args:
        reply: The answer.
        most: Cap in bytes; what follows is not read.

    Raises:
        IncompleteRead: The connection was cut before the length that the answer names; ``read(n)`` alone says nothing
            of it.
    """
    body = reply.read(most)
    if len(body) < most and reply.length:
        raise IncompleteRead(body, reply.length)
    return body
