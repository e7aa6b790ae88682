"""Temporary folders of benchmarks."""

from __future__ import annotations

from pathlib import Path

from benchmarks.disk import CACHE, disk_folder

BENCHMARKS = CACHE.parent / "benchmarks"


def test_a_folder_on_disk_is_removed() -> None:
    """Each run would leave its data."""
    with disk_folder() as folder:
        (folder / "data").write_bytes(b"data")
        assert folder.parent == CACHE
    assert not folder.exists()


def test_no_benchmark_writes_beside_the_sources() -> None:
    """A killed run would leave a folder that is committed by mistake."""
    found = [path.name for path in BENCHMARKS.rglob("*.py") if "dir=Path.cwd()" in path.read_text(encoding="utf-8")]
    assert (found, ".cache/" in Path(CACHE.parent / ".gitignore").read_text().splitlines()) == ([], True)
