"""Targets of fuzzing: each reads bytes, and either accepts them or raises a coded error.

Shared by the tests (hypothesis), the bench (benchmarks/fuzz.py) and the
coverage-guided runner (guided.py beside this file).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

from native_host.messaging import framing
from pywallet.encoding import cbor
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.sps import (
    Container,
    live,
    open_header,
    payload,
    polyglot,
    renditions,
)

CORPUS: Final = Path(__file__).with_name("corpus")
CONTENT: Final = bytes(range(100, 120))
SIGNER: Final = bytes.fromhex("6370ef2f4db3611d657b90667de398a2cc2a370c")


def header(data: bytes) -> None:
    """Parse a signed header; most inputs end at the signature."""
    open_header(data)


def fields(data: bytes) -> None:
    """Parse a header's payload, as if its signature were valid."""
    payload.from_map(cbor.loads(data))


def index(data: bytes) -> None:
    """Parse renditions with their segment indexes."""
    for rendition in renditions.from_list(cbor.loads(data)):
        rendition.key_epoch(len(rendition.segments) - 1)
        len(rendition.index.starts_ms)


def live_index(data: bytes) -> None:
    """Parse a signed live index, and its payload as if its signature were valid."""
    try:
        live.open_live(data, CONTENT, SIGNER)
    except GomaaError:
        now = live.from_map(cbor.loads(data, limits=live.LIMITS))
        now.advance(now.time_ms + 1, *now.segments[:2]).follow(now)


def policy(data: bytes) -> None:
    """Parse terms in a header's form."""
    Policy.from_dict(cbor.loads(data)).to_cbor()


def policy_text(data: bytes) -> None:
    """Parse terms in an artist's text form."""
    Policy.from_toml(data.decode("utf-8", "replace"))


def file(data: bytes) -> None:
    """Parse a whole file."""
    container = Container.read(data)
    container.check_size(open_header(container.cose), len(data))


def page(data: bytes) -> None:
    """Parse a self-rendering page and the song's header in it."""
    place = polyglot.find_song(data)
    file(place.restore(data[place.offset : place.offset + place.size], 0))


def page_text(data: bytes) -> None:
    """Parse a page's comment in a browser's form: numbers of lines, bits and text, each ending with a NUL."""
    pairs, bits, text = [*data.split(b"\0", 2), b"", b""][:3]
    numbers = tuple(int(word) for word in pairs[:200].split() if word.isdigit() and len(word) < 10)
    polyglot.from_text(text.decode("utf-8", "replace"), polyglot.LineEnds(bits.decode("latin-1"), numbers))


def frame(data: bytes) -> None:
    """Parse messages of the browser to the host: frames of JSON."""
    stream = io.BytesIO(data)
    try:
        for item in framing.frames(stream.read):
            if isinstance(item, bytes):
                framing.decode(item)
    except framing.FrameError as e:
        raise e.error from None


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "header": header,
    "fields": fields,
    "index": index,
    "live": live_index,
    "policy": policy,
    "policy_text": policy_text,
    "file": file,
    "page": page,
    "page_text": page_text,
    "frame": frame,
}


def corpus(name: str) -> list[bytes]:
    """Return the kept inputs of a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
