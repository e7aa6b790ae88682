"""Embedding into a WAV file from any audio file, in constant memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
from numpy.typing import NDArray

from audio.samples import to_floats
from audio.source import open_container, open_patched
from pywallet.errors import InputError
from watermark.embed import Embedder
from watermark.parameters import LAYERS

_WIDE: Final = frozenset({"s32", "s32p", "s64", "s64p", "flt", "fltp", "dbl", "dblp"})
_DATA_LIMIT: Final = 0xFFFF_FFFF - 128
_BATCH_S: Final = 2
_GUID: Final = bytes.fromhex("0100000000001000800000aa00389b71")


def _decoded(container: Any) -> Iterator[NDArray[np.float64]]:
    try:
        for frame in container.decode(audio=0):
            yield to_floats(frame)
    except av.EOFError:
        return
    except (av.FFmpegError, ValueError) as e:
        raise InputError("media.decode", reason=e) from None


def _header(rate: int, channels: int, depth: int, data: int) -> bytes:
    width = depth // 8
    size = min(data, _DATA_LIMIT)
    form = struct.pack("<HIIHH", channels, rate, rate * channels * width, channels * width, depth)
    # More than two channels need WAVE_FORMAT_EXTENSIBLE; the channel mask is 0 (unassigned).
    body = (
        struct.pack("<H", 1) + form
        if channels <= 2
        else struct.pack("<H", 0xFFFE) + form + struct.pack("<HHI", 22, depth, 0) + _GUID
    )
    chunk = b"fmt " + struct.pack("<I", len(body)) + body
    return (
        b"RIFF"
        + struct.pack("<I", 4 + len(chunk) + 8 + size + size % 2)
        + b"WAVE"
        + chunk
        + b"data"
        + struct.pack("<I", size)
    )


def _integers(samples: NDArray[np.floating[Any]], depth: int) -> bytes:
    top = 2 ** (depth - 1)
    values = np.clip(np.rint(np.asarray(samples, np.float64) * top), -top, top - 1)
    if depth == 16:
        return bytes(values.astype("<i2").tobytes())
    return np.ascontiguousarray(values.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3]).tobytes()


def mark_file(
    source: Path | str | BinaryIO,
    output: BinaryIO,
    address: bytes,
    layers: Sequence[str] = LAYERS,
    clean: bool = True,
    every: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Write a watermarked WAV of the file's rate and channels; 24 bits where it has more than 16.

    Args:
        source: Path, or a binary stream.
        output: A seekable file.
        address: The content's address, 20 bytes.
        layers: Watermark layers.
        clean: Remove the recording's own sound above 20 kHz first.
        every: Embed into every n-th segment of 2 s.
        progress: Called with the seconds read.

    Returns:
        Rate, channels, depth, seconds, and the header's ``watermark``, as JSON.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``.
    """
    with ExitStack() as stack:
        target: Any = stack.enter_context(open_patched(Path(source))) if isinstance(source, (Path, str)) else source
        try:
            container: Any = stack.enter_context(open_container(target))
        except (av.FFmpegError, ValueError, OSError) as e:
            raise InputError("media.decode", reason=e) from None
        stream: Any = next(iter(container.streams.audio), None)
        context = stream.codec_context if stream is not None else None
        if context is None or not context.rate or not context.channels:
            raise InputError("media.decode", reason="no audio in this file")
        rate, channels = context.rate, context.channels
        lossy = not stream.codec.lossless and not context.name.startswith("pcm_")
        depth = 24 if context.format.name in _WIDE and not lossy else 16
        embedder = Embedder(address, rate, channels, layers, clean, every, depth)
        output.write(_header(rate, channels, depth, 0))
        frames = 0
        for batch in _batches(_decoded(container), _BATCH_S * rate):
            frames += len(batch)
            if frames * channels * (depth // 8) > _DATA_LIMIT:
                raise InputError("media.unsupported", reason="longer than a WAV can be (4 GiB)")
            output.write(_integers(embedder.process(batch), depth))
            if progress:
                progress(frames / rate)
        if not frames:
            raise InputError("media.decode", reason="no sound in this file")
        output.write(_integers(embedder.finish(), depth))
    size = frames * channels * (depth // 8)
    if size % 2:
        output.write(b"\0")
    output.seek(0)
    output.write(_header(rate, channels, depth, size))
    return {
        "rate": rate,
        "channels": channels,
        "depth": depth,
        "seconds": round(frames / rate, 3),
        "watermark": embedder.marks.to_map(),
    }


def _batches(blocks: Iterator[NDArray[np.float64]], size: int) -> Iterator[NDArray[np.float64]]:
    held: list[NDArray[np.float64]] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= size:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)
