"""Overhead of the packagings, per cent of the music.

Of ``.sps`` over its own clear segments, and of ``.sps.html`` over ``.sps``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import av

from benchmarks.convert import KEY, POLICY, music, network, write
from benchmarks.figure import Figure
from benchmarks.scale import scaled
from pywallet.policy import Policy
from studio.convert import ConvertOptions, convert
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.release import packages

SECONDS: Final = scaled(180, 6)


def _plain(source: Path, target: Path) -> int:
    """The same sound as an ordinary FLAC file of the same compression; its size."""
    with av.open(str(source)) as recording, av.open(str(target), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=recording.streams.audio[0].rate, options={"compression_level": "5"})
        for frame in recording.decode(audio=0):
            frame.pts = None
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.stat().st_size


def run() -> list[dict[str, Any]]:
    """Both figures, for three minutes of music; the peer is what an unprotected fragmented MP4 adds to plain FLAC."""
    deployment, server = network()
    policy = Policy.from_toml(POLICY.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, output = folder / "song.wav", folder / "song.sps"
        write(source, music(SECONDS))
        made = convert(source, output, policy, KEY, deployment, server, ConvertOptions())
        keys = ContentKeys.load(made.key_path)
        with SongFile(output) as song:
            clear = len(song.init()) + sum(len(song.clear(index, keys)) for index in range(made.segments))
        plain = _plain(source, folder / "song.flac")
        peer = round(100 * (clear / plain - 1), 3)
        sizes = {"flac": plain, "clear": clear, "sps": made.size}
        figures = [("overhead_sps", made.size / clear), *_html(output, made.size, sizes)]
        return [
            Figure(
                kind, round(100 * (ratio - 1), 3), "per cent", "fragmented MP4 over FLAC", peer, "lower", sizes
            ).to_json()
            for kind, ratio in figures
        ]


def _html(song: Path, size: int, sizes: dict[str, int]) -> list[tuple[str, float]]:
    """The self-rendering file, where its writer is installed."""
    for kind, path in packages(song, html=True, exploded=False):
        if kind == "html":
            sizes["html"] = path.stat().st_size
            return [("overhead_html", sizes["html"] / size)]
    return []
