"""Further renditions of a converted song: FLAC of 16 bits, and Opus for slow connections.

The first rendition, with its watermark, is unsealed, decoded and encoded again. New renditions are sealed with the same
content keys (a segment key is derived with the rendition's id), and the header is signed again.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from pywallet.crypto import address_of
from pywallet.errors import GomaaError, InputError
from pywallet.sps import Container, Rendition, Segment, sign_header
from pywallet.sps.file_layout import rendition_size
from studio.audio import SampleFormat
from studio.fragments import FragmentSink, timing
from studio.owner import AtomicWrite, ContentKeys
from studio.package import MIME, SEGMENT_S, Packager
from studio.reader import SongFile
from studio.sealing import Sealer

OPUS_RATE: Final = 48_000
OPUS_FRAME: Final = 960
OPUS_BITS_PER_S: Final = 128_000
OPUS_MIME: Final = 'audio/mp4; codecs="opus"'
KINDS: Final = ("flac16", "opus")


@dataclass(frozen=True)
class Bundle:
    """The file written: codec, bits and size (bytes) of each rendition, and the whole size, bytes."""

    path: Path
    renditions: tuple[tuple[str, int, int], ...]
    size: int


def bundle(
    song: Path, output: Path, owner_key: bytes, keys: ContentKeys | None = None, kinds: Iterable[str] = KINDS
) -> Bundle:
    """Write a song with further renditions; the first one is unchanged. Must precede publication.

    ``flac16`` is left out for a song of 16 bits. Deterministic for one build of the encoders.

    Args:
        song: The song.
        output: The new file; may be the same.
        owner_key: The owner's private key, 32 bytes.
        keys: Content keys; None: from the file beside the song.
        kinds: Of ``KINDS``.

    Raises:
        InputError: ``sps.*``, ``media.*``; ``content.owner``: another owner's key; ``message.schema``: an unknown kind.
    """
    kinds = tuple(kinds)
    if unknown := set(kinds) - set(KINDS):
        raise InputError("message.schema", field="rendition", reason=f"unknown: {', '.join(sorted(unknown))}")
    keys = keys or ContentKeys.load(ContentKeys.beside(song))
    with SongFile(song) as opened, tempfile.TemporaryFile(dir=output.parent) as body:
        opened.check_size()
        header = opened.header
        if header.owner != address_of(owner_key):
            raise InputError("content.owner", owner=header.owner.hex())
        first = header.renditions[0]
        tracks = [_copy(opened, place, body) for place in range(len(header.renditions))]
        for kind in kinds:
            if kind == "flac16" and first.bits <= 16:
                continue
            identity = max(track.id for track in tracks) + 1
            encoder = _Flac16(first) if kind == "flac16" else _Opus(first)
            tracks.append(_encode(opened, keys, encoder, identity, body))
        container = Container(sign_header(replace(header, renditions=tuple(tracks)), owner_key))
        with AtomicWrite(output, 0o644) as temporary, temporary.open("wb") as file:
            file.write(container.prefix())
            body.seek(0)
            shutil.copyfileobj(body, file, 1 << 20)
            size = file.tell()
    if output != song:
        keys.save(ContentKeys.beside(output))
    rows = tuple((t.codec, t.bits, rendition_size(t)) for t in tracks)
    return Bundle(output, rows, size)


def _copy(opened: SongFile, place: int, body: IO[bytes]) -> Rendition:
    body.write(opened.init(place))
    track = opened.header.renditions[place]
    for index in range(len(track.segments)):
        body.write(opened.segment(index, place))
    return track


def _frames(
    opened: SongFile, keys: ContentKeys, convert: Callable[[AudioFrame], list[AudioFrame]]
) -> Iterator[AudioFrame]:
    """Decoded frames of the first rendition."""
    init = opened.init(0)
    for index in range(len(opened.header.renditions[0].segments)):
        try:
            with av.open(io.BytesIO(init + opened.clear(index, keys)), "r") as container:
                for frame in container.decode(audio=0):
                    frame.pts = None
                    yield from convert(frame)
        except av.FFmpegError as error:
            raise InputError("media.decode", segment=index, reason=error) from None


class _Flac16:
    """FLAC of 16 bits at the same rate, converted by FFmpeg."""

    codec, bits, mime = "flac", 16, MIME

    def __init__(self, first: Rendition) -> None:
        self.sound = SampleFormat(first.rate, first.channels, 16)
        self.rate, self.segment_samples = first.rate, first.segment_samples
        self._packager = Packager(self.sound)
        self._resampler = AudioResampler(
            format="s16", layout=self.sound.layout, rate=first.rate, frame_size=self.sound.frame
        )

    @property
    def init(self) -> bytes:
        """The init segment: ``ftyp`` and ``moov``."""
        return self._packager.init

    def segments(self, opened: SongFile, keys: ContentKeys) -> Iterator[tuple[bytes, int]]:
        """Yield each segment and its number of samples."""

        def frames() -> Iterator[AudioFrame]:
            yield from _frames(opened, keys, self._resampler.resample)
            yield from self._resampler.resample(None)

        yield from self._packager.segments(frames())


class _Opus:
    """Opus at 48 kHz and 128 kbit/s, in frames of 20 ms: a hundred in a segment of 2 s."""

    codec, bits, mime = "opus", 0, OPUS_MIME

    def __init__(self, first: Rendition) -> None:
        self.rate, self.segment_samples = OPUS_RATE, OPUS_RATE * SEGMENT_S
        self._layout = "mono" if first.channels == 1 else "stereo"
        self._sink = FragmentSink()

    @property
    def init(self) -> bytes:
        """The init segment: ``ftyp`` and ``moov``."""
        return self._sink.init

    def segments(self, opened: SongFile, keys: ContentKeys) -> Iterator[tuple[bytes, int]]:
        """Yield each segment and its number of samples, including the encoder's delay and padding."""
        flags = "+empty_moov+default_base_moof+skip_sidx+skip_trailer"
        options = {"movflags": flags, "frag_duration": str(SEGMENT_S * 1_000_000)}
        container: Any = av.open(self._sink, "w", format="mp4", options=options)
        context = container.add_stream("libopus", rate=OPUS_RATE).codec_context
        context.format, context.layout, context.bit_rate = "flt", self._layout, OPUS_BITS_PER_S
        context.time_base = Fraction(1, OPUS_RATE)
        index = 0
        for at, packet in enumerate(self._packets(context, opened, keys)):
            # Times count from zero: the decoder drops the delay (312 samples, in ``dOps``), which must not shift
            # segment boundaries.
            packet.time_base, packet.duration = context.time_base, OPUS_FRAME
            packet.pts = packet.dts = at * OPUS_FRAME
            container.mux(packet)
            for segment in self._sink.take():
                yield segment, self._check(segment, index)
                index += 1
        container.close()
        for segment in self._sink.take():
            yield segment, self._check(segment, index)
            index += 1

    def _packets(self, context: Any, opened: SongFile, keys: ContentKeys) -> Iterator[Any]:
        resampler = AudioResampler(format="flt", layout=self._layout, rate=OPUS_RATE, frame_size=OPUS_FRAME)
        done = 0
        for frame in chain(_frames(opened, keys, resampler.resample), resampler.resample(None)):
            frame.pts, frame.time_base = done, Fraction(1, OPUS_RATE)
            done += frame.samples
            yield from context.encode(frame)
        yield from context.encode(None)

    def _check(self, segment: bytes, index: int) -> int:
        start, samples = timing(segment)
        if start != index * self.segment_samples or samples > self.segment_samples:
            raise GomaaError(
                "internal", reason="a segment is cut in the wrong place", segment=index, start=start, samples=samples
            )
        return samples


def _encode(opened: SongFile, keys: ContentKeys, encoder: _Flac16 | _Opus, identity: int, body: IO[bytes]) -> Rendition:
    """Encode, seal and write one rendition; its key epochs begin at the first rendition's segments."""
    first = opened.header.renditions[0]
    sealer, rows = Sealer(keys, identity), list[Segment]()
    for clear, samples in encoder.segments(opened, keys):
        if not rows:
            body.write(encoder.init)
            sealer.follow(encoder.init)
        # With the delay there may be one segment more than in the first rendition; it is in the last epoch.
        epoch = first.key_epoch(min(len(rows), len(first.segments) - 1))
        sealed = sealer.seal(len(rows), epoch, clear)
        body.write(sealed)
        rows.append(Segment(len(sealed), samples, sha256(sealed).digest()))
    return Rendition(
        id=identity,
        codec=encoder.codec,
        mime=encoder.mime,
        rate=encoder.rate,
        channels=first.channels,
        bits=encoder.bits,
        samples=sum(row.samples for row in rows),
        segment_samples=encoder.segment_samples,
        init_size=len(encoder.init),
        init_sha256=sha256(encoder.init).digest(),
        segments=tuple(rows),
        key_epochs=tuple((epoch, at) for epoch, at in first.key_epochs if at < len(rows)),
    )
