"""The studio's page behind the scenes: recordings that were dropped, releases that run, songs that are out."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chain.contracts.registry import Registry
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.encoding.hex import checksum
from pywallet.errors import GomaaError, InputError
from studio import marking, tags
from studio.batch import Job
from studio.convert import Options
from studio.release import problem, release
from studio.renditions import KINDS
from studio.server import ServerInfo
from studio.study import PREVIEW_S, Study, preview, study
from studio.terms import Form, explain

_NAME: Final = re.compile(r"[^\w. -]+")
_FILE: Final = re.compile(r"[^\w.-]+")
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


@dataclass(frozen=True)
class Band:
    """Who releases, where.

    The owner's key (32 bytes), the network, the security server, and the folder for everything.
    """

    owner_key: bytes
    deployment: Deployment
    server: ServerInfo
    folder: Path


@dataclass
class Piece:
    """A recording that was dropped, and what it was found to be."""

    id: str
    name: str
    path: Path
    size: int
    found: Study | None = None

    def to_json(self) -> dict[str, Any]:
        """The page's view of it."""
        found = self.found
        assert found is not None
        rounded = {k: None if v is None else round(v, 1) for k, v in vars(found.loudness).items()}
        sound = {"rate": found.sound.rate, "channels": found.sound.channels, "bits": found.sound.bits}
        names = {k: getattr(found, k) for k in ("title", "artist", "album", "isrc", "seconds")}
        more = {"waveform": list(found.waveform), "cover": found.artwork is not None}
        return {"id": self.id, "name": self.name, "size": self.size, **names, **sound, **rounded, **more}


@dataclass
class Release:
    """A release that runs or has ended. ``revision`` rises with every change."""

    id: str
    job: Job
    title: str
    step: str = "convert"
    share: float | None = 0.0
    error: dict[str, str] | None = None
    receipt: dict[str, Any] | None = None
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.error is not None or self.receipt is not None

    def to_json(self) -> dict[str, Any]:
        """The page's view of it."""
        return {name: getattr(self, name) for name in ("id", "title", "step", "share", "error", "receipt")}

    def tell(self, **changes: Any) -> None:
        """Change something and wake who watches."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()


class Desk:
    """Everything the page asks for. Belongs to one event loop."""

    def __init__(self, band: Band) -> None:
        self.band = band
        self._incoming = band.folder / ".recordings"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._pieces: dict[str, Piece] = {}
        self._releases: dict[str, Release] = {}
        self._bps: int | None = None
        self._closing = False

    async def close(self) -> None:
        """End what runs; what was finished stays, and a release may be started again."""
        self._closing = True
        for one in self._releases.values():
            one.tell()
        tasks = [one.task for one in self._releases.values() if one.task is not None and not one.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(self._incoming, ignore_errors=True)

    async def state(self) -> dict[str, Any]:
        """Who releases, by whom keys are given out, what is out and what runs."""
        band = self.band
        return {
            "owner": checksum(address_of(band.owner_key)),
            "chain_id": band.deployment.chain_id,
            "server": band.server.url,
            "folder": str(band.folder),
            "layers": list(marking.LAYERS) if marking.available() else [],
            "commission_bps": await self._commission(),
            "releases": [release.to_json() for release in self._releases.values()],
            "songs": await asyncio.to_thread(self._songs),
        }

    def open(self, name: str) -> Piece:
        """A place for a recording that is about to arrive."""
        clean = _NAME.sub("-", Path(name.replace("\\", "/")).name).strip(" .-") or "recording"
        number = secrets.token_hex(8)
        ending = Path(clean).suffix
        folder = self._incoming / number
        folder.mkdir()
        # The song's name without tags is its file's name, so the recording keeps it; only the ending is looked at.
        return Piece(number, clean, folder / (Path(clean).stem[:80] + (ending if _ENDING.fullmatch(ending) else "")), 0)

    async def take(self, piece: Piece) -> dict[str, Any]:
        """Look at a recording that has arrived. Raises InputError ``media.*``; it is deleted then."""
        try:
            piece.size = piece.path.stat().st_size
            piece.found = await asyncio.to_thread(study, piece.path)
        except BaseException:
            shutil.rmtree(piece.path.parent, ignore_errors=True)
            raise
        self._pieces[piece.id] = piece
        return piece.to_json()

    def piece(self, number: str) -> Piece:
        """A recording by its id. Raises InputError ``message.schema``."""
        if number not in self._pieces:
            raise InputError("message.schema", field="recording", reason="no such recording; drop it again")
        return self._pieces[number]

    async def hear(self, number: str, layers: tuple[str, ...]) -> bytes:
        """Half a minute of a recording as the song will sound: a WAV."""
        piece = self.piece(number)
        assert piece.found is not None
        start = max(0.0, min(piece.found.seconds / 3, piece.found.seconds - PREVIEW_S))
        return await asyncio.to_thread(preview, piece.path, marking.choose(layers), start)

    async def explain(self, value: Any) -> dict[str, Any]:
        """A form's words and money. Raises InputError ``message.schema``, ``policy.malformed``."""
        if not isinstance(value, dict):
            raise InputError("message.schema", reason="an object")
        policy, seconds = Form.read(value.get("terms")).policy(), value.get("seconds", 180)
        if type(seconds) not in (int, float) or not 0 <= seconds < 1e6:
            raise InputError("message.schema", field="seconds")
        return explain(policy, seconds, await self._commission() or 0, str(value.get("artist") or ""))

    async def begin(self, value: Any) -> Release:
        """Start a release. Raises InputError ``message.schema``, ``policy.malformed``."""
        if not isinstance(value, dict):
            raise InputError("message.schema", reason="an object")
        if str(value.get("recording")) in self._releases:
            # One recording, one contract: what failed goes on, what is out is out.
            raise InputError(
                "message.schema", field="recording", reason="it was signed already; let it go on, or drop it again"
            )
        piece, policy = self.piece(str(value.get("recording"))), Form.read(value.get("terms")).policy()
        names = {name: tags.clean(str(value.get(name) or "")) or None for name in ("title", "artist", "album")}
        layers = value.get("layers", [])
        if not isinstance(layers, list) or not all(isinstance(layer, str) for layer in layers):
            raise InputError("message.schema", field="layers")
        renditions = value.get("renditions", [])
        if not isinstance(renditions, list) or not set(map(str, renditions)) <= set(KINDS):
            raise InputError("message.schema", field="renditions")
        isrc = tags.isrc(str(value["isrc"])) if value.get("isrc") else None
        options = Options(
            title=names["title"],
            artist=names["artist"],
            album=names["album"],
            isrc=isrc,
            layers=marking.choose(layers),
            measure=True,
            renditions=tuple(renditions),
        )
        title = names["title"] or piece.name
        band = self.band
        job = Job(
            piece.path, self._place(title), policy.to_dict(), band.owner_key, band.deployment, band.server, options
        )
        return self._start(Release(piece.id, job, title))

    def again(self, number: str) -> Release:
        """Start a release again that has failed: what is done is kept."""
        before = self.release(number)
        return before if before.error is None else self._start(Release(number, before.job, before.title))

    def release(self, number: str) -> Release:
        """A release by its id. Raises InputError ``message.schema``."""
        if number not in self._releases:
            raise InputError("message.schema", field="release", reason="no such release")
        return self._releases[number]

    async def watch(self, number: str) -> AsyncIterator[dict[str, Any]]:
        """A release's state now, and whenever it changes, until it has ended."""
        while True:
            release = self.release(number)
            changed = release.changed
            yield release.to_json()
            if release.ended or self._closing:
                return
            await changed.wait()

    def _start(self, started: Release) -> Release:
        self._releases[started.id] = started
        started.task = asyncio.create_task(self._run(started))
        return started

    async def _run(self, started: Release) -> None:
        loop = asyncio.get_running_loop()

        def told(step: str, share: float | None) -> None:
            if self._closing:
                raise OSError("the studio is closing")  # ends a conversion in its thread, which nothing else could
            if share is None or step != started.step or share >= 1 or share - (started.share or 0) > 0.01:
                loop.call_soon_threadsafe(lambda: started.tell(step=step, share=share))

        try:
            receipt = await release(started.job, told)
        except Exception as e:
            # Whatever it is, who watches must hear of it.
            started.tell(error=problem(e))
        else:
            started.tell(receipt=receipt.to_json())

    def _place(self, title: str) -> Path:
        """The song's file: its title, and a number where that name is taken."""
        stem = _FILE.sub("-", title).strip(".-").lower()[:80] or "song"
        for number in range(1, 10_000):
            path = self.band.folder / f"{stem}{'' if number == 1 else f'-{number}'}.sps"
            taken = {release.job.output for release in self._releases.values()}
            if path not in taken and not path.exists() and not path.with_name(path.name + ".key").exists():
                return path
        raise InputError("message.schema", field="title", reason="too many songs of this name")

    def _songs(self) -> list[dict[str, Any]]:
        out = []
        for path in sorted(self.band.folder.glob("*.sps.receipt.json")):
            try:
                value = json.loads(path.read_text(encoding="utf-8"))
                out.append({name: value[name] for name in ("content", "title", "artist", "released_s")})
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return sorted(out, key=lambda song: int(song["released_s"]), reverse=True)

    async def _commission(self) -> int | None:
        """The platform's share in basis points, None while the chain does not answer."""
        if self._bps is None:
            deployment = self.band.deployment
            try:
                async with asyncio.timeout(3), deployment.connect() as chain:
                    block = await chain.block()
                    self._bps = await Registry(chain, deployment).rate_at(deployment.schedule.epoch_of(block.timestamp))
            except (GomaaError, TimeoutError, OSError):
                return None
        return self._bps
