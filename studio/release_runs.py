"""Records of the studio's page: settings, uploaded recordings, running releases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.deployment import Deployment
from studio.analysis import RecordingAnalysis
from studio.batch import Job
from studio.server import ServerInfo


@dataclass(frozen=True)
class ReleaseSettings:
    """Settings of all releases: the owner's key (32 bytes), network, security server, folder of all files."""

    owner_key: bytes
    deployment: Deployment
    server: ServerInfo
    folder: Path


@dataclass
class UploadedRecording:
    """An uploaded recording and its analysis; ``size`` in bytes."""

    id: str
    name: str
    path: Path
    size: int
    analysis: RecordingAnalysis | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON for the page."""
        result = self.analysis
        assert result is not None
        rounded = {k: None if v is None else round(v, 1) for k, v in vars(result.loudness).items()}
        sound = {"rate": result.sound.rate, "channels": result.sound.channels, "bits": result.sound.bits}
        names = {k: getattr(result, k) for k in ("title", "artist", "album", "isrc", "seconds")}
        more = {"waveform": list(result.waveform), "cover": result.artwork is not None}
        return {"id": self.id, "name": self.name, "size": self.size, **names, **sound, **rounded, **more}


@dataclass
class ReleaseRun:
    """A release that runs or has ended.

    Attributes:
        id: Id of the upload.
        job: The conversion.
        title: Title.
        step: Current step (``studio.release.STEPS``).
        share: Share of the step that is done, 0 to 1; None: unknown.
        error: Code and message of a failed release.
        receipt: The receipt of a finished release.
        task: The running task.
        changed: Set, and replaced, at every change.
    """

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
        """True if it has succeeded or failed."""
        return self.error is not None or self.receipt is not None

    def to_json(self) -> dict[str, Any]:
        """JSON for the page."""
        return {name: getattr(self, name) for name in ("id", "title", "step", "share", "error", "receipt")}

    def update(self, **changes: Any) -> None:
        """Change fields and notify ``ReleaseService.watch``."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()
