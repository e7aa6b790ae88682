"""Native-messaging frames: a 32-bit native-endian length, then that many bytes of UTF-8 JSON.

The declared length is not trusted: memory grows only with the bytes that arrive. A frame above the limit is skipped.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

from messages.browser_host.connection import Part
from pywallet.errors import GomaaError, InputError

MAX_FRAME: Final = 8 << 20
"""Largest message from the browser, in bytes: a header of 4 MiB in base64 fits."""

MAX_REPLY: Final = 1 << 20
"""Largest message that browsers accept from a host, in bytes. A longer one is sent in parts."""

MAX_WHOLE: Final = 64 << 20
"""Largest message in parts, in bytes."""

PART: Final = 720 << 10
"""Bytes of a message in one part; base64 makes them a third more."""

MAX_SKIP: Final = 64 << 20
"""Longest oversized frame that is skipped, in bytes; a longer one cannot come from a browser."""

MAX_NESTED: Final = 2048
"""Most objects and lists in one message: deep nesting must not depend on the parser's stack."""

_CHUNK: Final = 1 << 16
_LENGTH: Final = struct.Struct("=I")

Read = Callable[[int], bytes]


class FrameError(Exception):
    """The stream of frames is broken: no further frame can be read. ``error``: the cause."""

    def __init__(self, error: GomaaError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Pipes:
    """Descriptors of the pipes to the browser, separate from stdin and stdout."""

    read: int
    write: int


def duplicate_pipes(out: int = 1) -> Pipes:
    """Duplicate the pipes to the browser, and redirect stdout to stderr, so that no print reaches the browser.

    Args:
        out: Descriptor of the pipe to the browser, where the launcher has moved it away from stdout.
    """
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        pipes = Pipes(os.dup(0), os.dup(out))
    except OSError:
        # Started by hand, or by a launcher that leaves the pipe at stdout.
        pipes = Pipes(os.dup(0), os.dup(1))
    else:
        if out != 1:
            os.close(out)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (pipes.read, pipes.write):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return pipes


def frames(read: Read) -> Iterator[bytes | GomaaError]:
    """The frames of a stream, until it ends.

    Args:
        read: ``read(n)`` returns between 1 and n bytes; empty at the end.

    Yields:
        The bytes of a frame, or the error of one that cannot be accepted.

    Raises:
        FrameError: No further frame can be read.
    """
    while True:
        prefix = _collect(read, _LENGTH.size)
        if not prefix:
            return
        if len(prefix) < _LENGTH.size:
            raise FrameError(InputError("host.frame.malformed", reason="ends inside a length"))
        (length,) = _LENGTH.unpack(prefix)
        if length > MAX_FRAME:
            yield _skip(read, length)
            continue
        body = _collect(read, length)
        if len(body) < length:
            raise FrameError(
                InputError("host.frame.malformed", reason="ends inside a message", declared=length, received=len(body))
            )
        yield body


def _collect(read: Read, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        chunk = read(min(_CHUNK, length - len(parts)))
        if not chunk:
            break
        parts += chunk
    return bytes(parts)


def _skip(read: Read, length: int) -> GomaaError:
    error = InputError("host.frame.size", declared=length, limit=MAX_FRAME)
    if length > MAX_SKIP:
        raise FrameError(error)
    while length:
        chunk = read(min(_CHUNK, length))
        if not chunk:
            raise FrameError(error)
        length -= len(chunk)
    return error


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in a frame.

    Raises:
        InputError: ``host.frame.malformed``.
    """
    if body.count(b"{") + body.count(b"[") > MAX_NESTED:
        raise InputError("host.frame.malformed", reason="too many parts")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise InputError("host.frame.malformed", reason=str(e)[:200]) from None
    if not isinstance(value, dict):
        raise InputError("host.frame.malformed", reason="not an object")
    return value


def encode(message: Struct) -> bytes:
    """Encode an outgoing message: one frame, or several where it is longer than ``MAX_REPLY``.

    Each of several frames is a ``Part``, in order and with no other frame between them. An incomplete message fails
    only its own request.

    Returns:
        The bytes of all frames.

    Raises:
        InputError: ``host.frame.size`` above ``MAX_WHOLE``.
    """
    try:
        body = msgspec.json.encode(message)
    except UnicodeEncodeError:
        # A lone surrogate in a node's text has no UTF-8.
        body = json.dumps(msgspec.to_builtins(message), ensure_ascii=False).encode("utf-8", "replace")
    if len(body) <= MAX_REPLY:
        return _LENGTH.pack(len(body)) + body
    if len(body) > MAX_WHOLE:
        raise InputError("host.frame.size", size=len(body), limit=MAX_WHOLE)
    pieces = [body[at : at + PART] for at in range(0, len(body), PART)]
    out = bytearray()
    for number, piece in enumerate(pieces, 1):
        part = msgspec.json.encode(Part(getattr(message, "id", 0), number, len(pieces), piece))
        out += _LENGTH.pack(len(part)) + part
    return bytes(out)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, blocking. Raises OSError when the browser has closed the pipe."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
