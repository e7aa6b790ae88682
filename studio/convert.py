"""A recording becomes an SPS file: decoded, packaged, sealed, described and signed in one pass of flat memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chain.deployment import Deployment
from chain.registry import predict_content
from pywallet import platform
from pywallet.policy import Policy
from pywallet.sps import Container, Header, Rendition, Segment, ServerRef, segment_aad, segment_key, sign_header
from pywallet.sps.segments import NONCE
from studio.audio import Recording
from studio.owner import ContentKeys, Replacing
from studio.package import MIME, Packager
from studio.server import ServerInfo

RENDITION: Final = 1
KEY_EPOCH: Final = 1
_TEXT: Final = 500

Progress = Callable[[float, float | None], None]
"""Called with the seconds done and the recording's length, if it is known."""


@dataclass(frozen=True)
class ConvertResult:
    """What was written. ``samples`` per channel at ``rate`` Hz; ``size`` of the file in bytes; ``elapsed_s`` of the machine's time."""

    path: Path
    key_path: Path
    content: bytes
    salt: bytes
    owner: bytes
    policy_hash: bytes
    title: str
    artist: str
    rate: int
    channels: int
    bits: int
    samples: int
    segments: int
    size: int
    elapsed_s: float

    @property
    def duration_ms(self) -> int:
        """Length of the song."""
        return self.samples * 1000 // self.rate


def convert(
    source: Path,
    output: Path,
    policy: Policy,
    owner_key: bytes,
    deployment: Deployment,
    server: ServerInfo,
    *,
    title: str | None = None,
    artist: str | None = None,
    delivery: Sequence[str] = (),
    replace: bool = False,
    progress: Progress | None = None,
) -> ConvertResult:
    """Write ``output`` and, beside it, its content-key file; both whole or not at all.

    Args:
        owner_key: the private key whose account will own the content, 32 bytes.
        replace: allow an ``output`` that exists. Its key file is replaced too, so a published song would be lost.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``, ``sps.header.malformed``.
        FileExistsError: without ``replace``.
        OSError: files that cannot be read or written.
    """
    began = time.monotonic()
    key_path = ContentKeys.beside(output)
    for path in (output, key_path):
        if path.exists() and not replace:
            raise FileExistsError(f"{path} exists")
    owner, salt = platform.address_of(owner_key), platform.random_bytes(32)
    content = predict_content(deployment.registry, deployment.content_implementation, owner, salt)
    keys = ContentKeys(content, salt, {KEY_EPOCH: platform.random_bytes(32)})
    with Recording(source) as recording, tempfile.TemporaryFile(dir=output.parent) as body:
        rendition, waveform = _seal(recording, body, keys, progress)
        header = Header(
            chain=deployment.chain_id,
            content=content,
            owner=owner,
            title=_clean(title or recording.tags.get("title") or source.stem) or "Untitled",
            artist=_clean(artist or recording.tags.get("artist") or "") or "Unknown artist",
            album=_clean(recording.tags.get("album", "")) or None,
            genre=_clean(recording.tags.get("genre", "")) or None,
            policy=policy.to_dict(),
            renditions=(rendition,),
            server=ServerRef(server.url, server.address, server.key),
            delivery=tuple(delivery),
            waveform=waveform,
        )
        container = Container(sign_header(header, owner_key))
        with Replacing(output, 0o644) as temporary:
            with temporary.open("wb") as file:
                file.write(container.prefix())
                body.seek(0)
                shutil.copyfileobj(body, file, 1 << 20)
            # The key first: a song without its key could never be played, a key without its song harms nobody.
            keys.save(key_path)
    return ConvertResult(
        path=output,
        key_path=key_path,
        content=content,
        salt=salt,
        owner=owner,
        policy_hash=header.policy_hash,
        title=header.title,
        artist=header.artist,
        rate=rendition.rate,
        channels=rendition.channels,
        bits=rendition.bits,
        samples=rendition.samples,
        segments=len(rendition.segments),
        size=container.size(header),
        elapsed_s=time.monotonic() - began,
    )


def _seal(recording: Recording, body: IO[bytes], keys: ContentKeys, progress: Progress | None) -> tuple[Rendition, bytes]:
    """Write the init part and every sealed segment to ``body``; the rendition they are and its waveform."""
    sound = recording.sound
    packager = Packager(sound)
    rows: list[Segment] = []
    for clear, samples in packager.segments(recording.frames()):
        index = len(rows)
        if index == 0:
            body.write(packager.init)
        sealed = _seal_segment(keys, index, clear)
        body.write(sealed)
        rows.append(Segment(len(sealed), samples, sha256(sealed).digest()))
        if progress is not None:
            progress(packager.samples / sound.rate, recording.seconds)
    rendition = Rendition(
        id=RENDITION,
        codec="flac",
        mime=MIME,
        rate=sound.rate,
        channels=sound.channels,
        bits=sound.bits,
        samples=packager.samples,
        segment_samples=packager.segment_samples,
        init_size=len(packager.init),
        init_sha256=sha256(packager.init).digest(),
        segments=tuple(rows),
        key_epochs=((KEY_EPOCH, 0),),
    )
    return rendition, packager.waveform()


def _seal_segment(keys: ContentKeys, index: int, clear: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    key = segment_key(keys.keys[KEY_EPOCH], RENDITION, index)
    return nonce + AESGCM(key).encrypt(nonce, clear, segment_aad(keys.content, RENDITION, KEY_EPOCH, index))


def _clean(text: str) -> str:
    """A tag as the header takes it: printable, on one line, at most 500 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_TEXT]
