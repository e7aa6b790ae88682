"""Sources of published data: folders and servers. Data are accepted only by their posted hash."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from audit.tables import EpochFile
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError

MAX_BYTES: Final = 1 << 30
"""Most published data of an epoch that are fetched, bytes."""
TIMEOUT_S: Final = 60.0
SUFFIX: Final = ".gmed"


class PostReference(Protocol):
    """The post of published data."""

    @property
    def server(self) -> bytes:
        """The server's signing address."""

    @property
    def epoch(self) -> int:
        """The epoch's number."""

    @property
    def data(self) -> bytes:
        """Keccak of the data."""


class Sources:
    """Folders and URLs in the given order, then the registered servers, for ``async with``."""

    def __init__(
        self,
        places: Sequence[str] = (),
        urls_of: Callable[[bytes], str | None] = lambda _: None,
        keep: Path | None = None,
        scratch: Path | None = None,
    ) -> None:
        """Initialise the sources.

        Args:
            places: Folders and URLs.
            urls_of: Returns the registered URL of a server, or None.
            keep: Folder in which fetched data with the posted hash are kept.
            scratch: Folder in which other fetched data are, until they are read; without it the system's.
        """
        self._urls = [place.rstrip("/") for place in places if place.startswith(("http://", "https://"))]
        self._folders = [Path(place) for place in places if not place.startswith(("http://", "https://"))]
        self._urls_of = urls_of
        self._keep = keep
        self._scratch = scratch
        self._indexed: dict[tuple[bytes, int], list[Path]] | None = None

    async def __aenter__(self) -> Sources:
        self._temporary = tempfile.TemporaryDirectory(prefix="gomaa-audit-", dir=self._scratch)
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        self._temporary.cleanup()

    async def find(self, wanted: PostReference) -> Path | None:
        """Find the data with the posted hash, or else other data of that server and epoch, to report their faults.

        A response of the server itself counts as its data. A given URL may be another server's, so its data must name
        the server and epoch.
        """
        wrong: Path | None = None
        for path in self._local(wanted.server, wanted.epoch):
            if await asyncio.to_thread(_hash, path) == wanted.data:
                return path
            wrong = wrong or path
        own = (self._urls_of(wanted.server) or "").rstrip("/")
        for url in [*self._urls, *([own] if own and own not in self._urls else [])]:
            # Of this post alone: another post may name the same data.
            path = Path(self._temporary.name) / f"{wanted.server.hex()}-{wanted.epoch}{SUFFIX}"
            if not await self._fetch(f"{url}/v1/epochs/{wanted.epoch}/data", path):
                continue
            if await asyncio.to_thread(_hash, path) == wanted.data:
                return self._kept(path, wanted.data)
            if wrong is None and (url == own or _head(path) == (wanted.server, wanted.epoch)):
                wrong = path.rename(path.with_suffix(".wrong"))
        return wrong

    def _kept(self, path: Path, data_hash: bytes) -> Path:
        if self._keep is None:
            return path
        self._keep.mkdir(parents=True, exist_ok=True)
        target = self._keep / name_of(data_hash)
        part = self._keep / f"{path.name}.part"
        shutil.copyfile(path, part)
        part.replace(target)
        path.unlink()
        return target

    def done(self, path: Path) -> None:
        """Delete fetched data."""
        if path.parent == Path(self._temporary.name):
            path.unlink(missing_ok=True)

    def _local(self, server: bytes, epoch: int) -> list[Path]:
        if self._indexed is None:
            self._indexed = {}
            for folder in self._folders:
                for path in sorted(folder.rglob(f"*{SUFFIX}")):
                    head = _head(path)
                    if head is not None:
                        self._indexed.setdefault(head, []).append(path)
        return self._indexed.get((server, epoch), [])

    async def _fetch(self, url: str, path: Path) -> bool:
        try:
            async with self._http.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    return False
                size = 0
                with path.open("wb") as file:
                    async for chunk in response.content.iter_chunked(1 << 16):
                        size += len(chunk)
                        if size > MAX_BYTES:
                            return False
                        file.write(chunk)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
        return True


def _hash(path: Path) -> bytes | None:
    try:
        with EpochFile(path) as file:
            return file.hash
    except (InputError, OSError):
        return None


def _head(path: Path) -> tuple[bytes, int] | None:
    try:
        raw = path.open("rb").read(33)
    except OSError:
        return None
    return (raw[5:25], int.from_bytes(raw[25:33], "big")) if raw[:4] == b"GMED" and len(raw) == 33 else None


def name_of(data_hash: bytes) -> str:
    """The content-addressed name of a file of published data."""
    return f"{to_hex(data_hash)[2:]}{SUFFIX}"
