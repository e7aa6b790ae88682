"""A long session, compressed: memory must not grow with playing time."""

from __future__ import annotations

from pathlib import Path

from benchmarks.memory import Sample, session, slope

SONG_S = 160
MUSIC_S = 480


def least(samples: list[Sample], name: str) -> float:
    """The smallest size measured: what remains after garbage collection."""
    return min(float(getattr(sample, name)) for sample in samples)


def test_memory_is_flat_over_many_minutes_and_songs(packed: None, tmp_path: Path) -> None:
    """Eight minutes of music, the song restarted three times: bounded buffers, keys, objects and processes."""
    with session(tmp_path, SONG_S) as listening:
        samples = listening.listen(MUSIC_S, 1)
    half = len(samples) // 2
    early, late = samples[2:half], samples[half:]

    # A retained copy of the played sound, sealed or clear, would be 10 MB and more.
    assert least(late, "extension_mb") < least(early, "extension_mb") + 8
    assert max(sample.buffered_s for sample in samples) < 100
    assert max(sample.keys for sample in samples) < 120
    assert slope(samples[2:], "heap_mb") < 3, "MB in an hour of music"
    assert least(late, "host_mb") < least(early, "host_mb") + 2
    assert least(late, "server_mb") < least(early, "server_mb") + 8
    assert samples[-1].ledger_mb < 1
