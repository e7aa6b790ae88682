"""A recording becomes an SPS file.

Decoded, marked, packaged, sealed, described and signed in one pass of flat memory.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from chain.contracts.registry import predict_content
from chain.deployment import Deployment
from pywallet import crypto
from pywallet.errors import InputError
from pywallet.policy import Policy
from pywallet.sps import Container, Header, ServerRef, sign_header
from pywallet.sps.header import Artwork
from studio import tags
from studio.audio import Recording
from studio.body import Body, Progress
from studio.owner import ContentKeys, Replacing
from studio.renditions import bundle
from studio.server import ServerInfo


@dataclass(frozen=True)
class Options:
    """What may be said of a song beside its terms. None and empty: what the recording's tags say.

    Attributes:
        artwork: a picture file, instead of the recording's own.
        layers: watermark layers, see ``studio.marking``.
        every: one watermark block in so many.
        salt: 32 bytes, to get an address and keys again; None is a new one.
        renditions: further encodings, of ``studio.renditions.KINDS``.
        measure: also say how it sounds, and guess its genre where nobody says it, if the ``features`` package is there.
        replace: allow an output that exists. Its key file is replaced too, so a published song would be lost.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    isrc: str | None = None
    genre: str | None = None
    artwork: Path | None = None
    delivery: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    every: int = 1
    salt: bytes | None = None
    replace: bool = False
    measure: bool = False
    renditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConvertResult:
    """What was written.

    ``samples`` per channel at ``rate`` Hz; ``size`` of the file in bytes; ``elapsed_s`` of the machine's time.
    """

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
    album: str | None = None
    isrc: str | None = None
    genre: str | None = None
    loudness: float | None = None
    """Integrated, LUFS."""
    loudness_range: float | None = None
    """LU."""
    true_peak: float | None = None
    """dBTP."""
    artwork: Path | None = None
    layers: tuple[str, ...] = ()
    key_epochs: int = 1
    warnings: tuple[str, ...] = ()
    """What was changed, left out or passed over."""

    @property
    def duration_ms(self) -> int:
        """Length of the song."""
        return self.samples * 1000 // self.rate


def convert(
    source: Path | BinaryIO,
    output: Path,
    policy: Policy,
    owner_key: bytes,
    deployment: Deployment,
    server: ServerInfo,
    options: Options = Options(),
    *,
    progress: Progress | None = None,
) -> ConvertResult:
    """Write ``output`` and, beside it, its content-key file and its cover; each whole or not at all.

    The same recording, owner's key, salt and options give the same bytes. A key file that is there without its song is
    used again, so that a song whose file was lost comes back under its address.

    Args:
        source: a file, or a binary stream, which is written to a temporary file in the output's folder first.
        owner_key: the private key whose account will own the content, 32 bytes.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``, ``sps.header.malformed``, ``message.schema``,
            ``content.owner``.
        FileExistsError: without ``replace``.
        OSError: files that cannot be read or written.
    """
    began = time.monotonic()
    if output.exists() and not options.replace:
        raise FileExistsError(f"{output} exists")
    keys = _keys(output, owner_key, deployment, options)
    with Recording(source, output.parent) as recording, tempfile.TemporaryFile(dir=output.parent) as body:
        made = Body(
            recording, body, keys, owner_key, key_epoch_s=policy.key_epoch_s, layers=options.layers, every=options.every
        )
        made.write(progress)
        cover = tags.load_artwork(options.artwork) if options.artwork else recording.artwork
        names = named(recording, options)
        header = _header(source, names, made, cover, policy, owner_key, deployment, server, options)
        container = Container(sign_header(header, owner_key))
        with Replacing(output, 0o644) as temporary:
            with temporary.open("wb") as file:
                file.write(container.prefix())
                body.seek(0)
                shutil.copyfileobj(body, file, 1 << 20)
            if options.renditions:
                bundle(temporary, temporary, owner_key, made.keys, options.renditions)
            size = temporary.stat().st_size
            # The key first: a song without its key could never be played, a key without its song harms nobody.
            made.keys.save(ContentKeys.beside(output))
            picture = _save(cover, output)
    loudness, rendition = made.loudness, made.rendition
    return ConvertResult(
        path=output,
        key_path=ContentKeys.beside(output),
        content=keys.content,
        salt=keys.salt,
        owner=header.owner,
        policy_hash=header.policy_hash,
        title=header.title,
        artist=header.artist,
        rate=rendition.rate,
        channels=rendition.channels,
        bits=rendition.bits,
        samples=rendition.samples,
        segments=len(rendition.segments),
        size=size,
        elapsed_s=time.monotonic() - began,
        album=header.album,
        isrc=header.isrc,
        genre=header.genre,
        loudness=loudness.integrated,
        loudness_range=loudness.range,
        true_peak=loudness.true_peak,
        artwork=picture,
        layers=options.layers,
        key_epochs=len(rendition.key_epochs),
        warnings=(*recording.notes, *names.notes),
    )


def named(recording: Recording, options: Options) -> tags.Names:
    """The names that the header gets: the options, else the recording's tags. Raises InputError ``message.schema``."""
    said = {name: getattr(options, name) for name in ("title", "artist", "album", "genre", "isrc")}
    return tags.names(recording.tags, recording.stem, said)


def _keys(output: Path, owner_key: bytes, deployment: Deployment, options: Options) -> ContentKeys:
    """Address and salt of the song; the keys of the file that is there, if one is to be used again."""
    owner, beside = crypto.address_of(owner_key), ContentKeys.beside(output)
    kept = ContentKeys.load(beside) if beside.exists() and not options.replace else None
    if kept is not None and options.salt not in (None, kept.salt):
        raise FileExistsError(f"{beside} exists, with another salt")
    salt = kept.salt if kept else options.salt or crypto.random_bytes(32)
    content = predict_content(deployment.registry, deployment.content_implementation, owner, salt)
    if kept is not None and kept.content != content:
        raise InputError(
            "content.owner", file=beside.name, reason="the key file is another owner's or another network's"
        )
    return kept or ContentKeys(content, salt, {})


def _header(
    source: Path | BinaryIO,
    names: tags.Names,
    made: Body,
    cover: tags.Artwork | None,
    policy: Policy,
    owner_key: bytes,
    deployment: Deployment,
    server: ServerInfo,
    options: Options,
) -> Header:
    loudness, genre = made.loudness, names.genre or None
    heard = _measure(source) if options.measure and isinstance(source, Path) else {}
    return Header(
        chain=deployment.chain_id,
        content=made.keys.content,
        owner=crypto.address_of(owner_key),
        title=names.title,
        artist=names.artist,
        album=names.album or None,
        isrc=names.isrc,
        genre=genre or heard.get("genre"),
        genre_confidence=None if genre else heard.get("genre_confidence"),
        features=heard.get("features", b""),
        loudness=_hundredths(loudness.integrated),
        loudness_range=_hundredths(loudness.range),
        true_peak=_hundredths(loudness.true_peak),
        artwork=Artwork(cover.sha256, cover.mime, len(cover.data)) if cover else None,
        policy=policy.to_dict(),
        renditions=(made.rendition,),
        server=ServerRef(server.url, server.address, server.key),
        delivery=options.delivery,
        waveform=made.waveform,
        watermark=made.watermark,
    )


def _measure(source: Path) -> dict[str, Any]:
    """Header fields of the ``features`` package; none where it, or what it needs, is not installed."""
    try:
        found: dict[str, Any] = importlib.import_module("features").for_header(source)
    except (ImportError, InputError):
        return {}
    return found


def _hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _save(cover: tags.Artwork | None, output: Path) -> Path | None:
    """The cover beside the song, under its name."""
    if cover is None:
        return None
    path = output.with_suffix(cover.suffix)
    with Replacing(path, 0o644) as temporary:
        temporary.write_bytes(cover.data)
    return path
