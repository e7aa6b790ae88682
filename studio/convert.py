"""Conversion of a recording to an SPS file: decode, watermark, encode, seal, sign; one pass, constant memory."""

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
from studio.artwork import CoverPicture, load_cover
from studio.audio import Recording
from studio.owner import AtomicWrite, ContentKeys
from studio.payload_writer import PayloadWriter, Progress
from studio.renditions import bundle
from studio.server import ServerInfo


@dataclass(frozen=True)
class ConvertOptions:
    """Options of a conversion, without the terms. None and empty names are taken from the recording's tags.

    Attributes:
        title: Title.
        artist: Artist.
        album: Album.
        isrc: ISRC (ISO 3901).
        genre: Genre.
        artwork: A picture file instead of the recording's own.
        delivery: URLs of the file, best first.
        layers: Watermark layers (``studio.marking``).
        every: One watermark block in so many.
        salt: 32 bytes, to reproduce an address and its keys; None: a new one.
        replace: Overwrite an existing output and its key file, which would make a published song unplayable.
        measure: Measure sound features, and estimate a missing genre, where the ``features`` package is installed.
        renditions: Further encodings (``studio.renditions.KINDS``).
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
    """The result of a conversion: ``samples`` per channel at ``rate`` Hz, ``size`` in bytes, ``elapsed_s`` in s."""

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
    """Notes on what was changed or left out."""

    @property
    def duration_ms(self) -> int:
        """Length, ms."""
        return self.samples * 1000 // self.rate


def convert(
    source: Path | BinaryIO,
    output: Path,
    policy: Policy,
    owner_key: bytes,
    deployment: Deployment,
    server: ServerInfo,
    options: ConvertOptions = ConvertOptions(),
    *,
    progress: Progress | None = None,
) -> ConvertResult:
    """Write ``output`` and, beside it, its content-key file and its cover, each atomically.

    Deterministic in recording, owner's key, salt and options. An existing key file without its song is used again, so
    that a lost song is restored under its address.

    Args:
        source: A file, or a binary stream, which is written to a temporary file in the output's folder first.
        output: The song.
        policy: The terms.
        owner_key: Private key of the content's owner, 32 bytes.
        deployment: The network.
        server: The security server.
        options: Names and packaging.
        progress: Called with the seconds done and the recording's length (s) or None.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``, ``sps.header.malformed``, ``message.schema``,
            ``content.owner``.
        FileExistsError: The output exists, without ``replace``.
        OSError: A file cannot be read or written.
    """
    began = time.monotonic()
    if output.exists() and not options.replace:
        raise FileExistsError(f"{output} exists")
    keys = _keys(output, owner_key, deployment, options)
    with Recording(source, output.parent) as recording, tempfile.TemporaryFile(dir=output.parent) as body:
        writer = PayloadWriter(
            recording, body, keys, owner_key, key_epoch_s=policy.key_epoch_s, layers=options.layers, every=options.every
        )
        writer.write(progress)
        cover = load_cover(options.artwork) if options.artwork else recording.artwork
        names = header_names(recording, options)
        header = _header(source, names, writer, cover, policy, owner_key, deployment, server, options)
        container = Container(sign_header(header, owner_key))
        with AtomicWrite(output, 0o644) as temporary:
            with temporary.open("wb") as file:
                file.write(container.prefix())
                body.seek(0)
                shutil.copyfileobj(body, file, 1 << 20)
            if options.renditions:
                bundle(temporary, temporary, owner_key, writer.keys, options.renditions)
            size = temporary.stat().st_size
            # Keys first: a song without its keys cannot be played.
            writer.keys.save(ContentKeys.beside(output))
            picture = _save(cover, output)
    loudness, rendition = writer.loudness, writer.rendition
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


def header_names(recording: Recording, options: ConvertOptions) -> tags.Names:
    """Names in the header: those of the options, otherwise the recording's tags.

    Raises:
        InputError: ``message.schema``.
    """
    given = {name: getattr(options, name) for name in ("title", "artist", "album", "genre", "isrc")}
    return tags.names(recording.tags, recording.stem, given)


def _keys(output: Path, owner_key: bytes, deployment: Deployment, options: ConvertOptions) -> ContentKeys:
    """Content address, salt and keys: of the existing key file unless it is to be replaced, else new without keys."""
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
    writer: PayloadWriter,
    cover: CoverPicture | None,
    policy: Policy,
    owner_key: bytes,
    deployment: Deployment,
    server: ServerInfo,
    options: ConvertOptions,
) -> Header:
    loudness, genre = writer.loudness, names.genre or None
    measured = _measure(source) if options.measure and isinstance(source, Path) else {}
    return Header(
        chain=deployment.chain_id,
        content=writer.keys.content,
        owner=crypto.address_of(owner_key),
        title=names.title,
        artist=names.artist,
        album=names.album or None,
        isrc=names.isrc,
        genre=genre or measured.get("genre"),
        genre_confidence=None if genre else measured.get("genre_confidence"),
        features=measured.get("features", b""),
        loudness=_hundredths(loudness.integrated),
        loudness_range=_hundredths(loudness.range),
        true_peak=_hundredths(loudness.true_peak),
        artwork=Artwork(cover.sha256, cover.mime, len(cover.data)) if cover else None,
        policy=policy.to_dict(),
        renditions=(writer.rendition,),
        server=ServerRef(server.url, server.address, server.key),
        delivery=options.delivery,
        waveform=writer.waveform,
        watermark=writer.watermark,
    )


def _measure(source: Path) -> dict[str, Any]:
    """Header fields measured by the ``features`` package; {} where it or its dependencies are not installed."""
    try:
        fields: dict[str, Any] = importlib.import_module("features").for_header(source)
    except (ImportError, InputError):
        return {}
    return fields


def _hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _save(cover: CoverPicture | None, output: Path) -> Path | None:
    """Write the cover beside the song; returns its path."""
    if cover is None:
        return None
    path = output.with_suffix(cover.suffix)
    with AtomicWrite(path, 0o644) as temporary:
        temporary.write_bytes(cover.data)
    return path
