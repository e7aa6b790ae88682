"""Requests of the studio's page: uploads, releases, released songs."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from chain.contracts.registry import Registry
from pywallet.crypto import address_of
from pywallet.encoding.hex import checksum
from pywallet.errors import GomaaError, InputError
from studio import marking, tags
from studio.analysis import PREVIEW_S, analyse, preview
from studio.batch import Job
from studio.convert import ConvertOptions
from studio.release import error_json, release
from studio.release_runs import ReleaseRun, ReleaseSettings, UploadedRecording
from studio.renditions import KINDS
from studio.terms import TermsForm, explain

_NAME: Final = re.compile(r"[^\w. -]+")
_FILE: Final = re.compile(r"[^\w.-]+")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


class ReleaseService:
    """Handles the requests of the page; bound to one event loop."""

    def __init__(self, settings: ReleaseSettings) -> None:
        self.settings = settings
        self._incoming = settings.folder / ".recordings"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._uploads: dict[str, UploadedRecording] = {}
        self._releases: dict[str, ReleaseRun] = {}
        self._bps: int | None = None
        self._closing = False

    async def close(self) -> None:
        """Cancel running releases and delete uploads; finished steps stay, so a release can be retried."""
        self._closing = True
        for running in self._releases.values():
            running.update()
        tasks = [r.task for r in self._releases.values() if r.task is not None and not r.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(self._incoming, ignore_errors=True)

    async def state(self) -> dict[str, Any]:
        """Owner, network, server, released songs and running releases, as JSON."""
        settings = self.settings
        return {
            "owner": checksum(address_of(settings.owner_key)),
            "chain_id": settings.deployment.chain_id,
            "server": settings.server.url,
            "folder": str(settings.folder),
            "layers": list(marking.LAYERS) if marking.available() else [],
            "commission_bps": await self._commission(),
            "releases": [release.to_json() for release in self._releases.values()],
            "songs": await asyncio.to_thread(self._songs),
        }

    def open(self, name: str) -> UploadedRecording:
        """Make the folder of a new upload.

        Args:
            name: The file's name in the browser.
        """
        clean = _NAME.sub("-", Path(name.replace("\\", "/")).name).strip(" .-") or "recording"
        number = secrets.token_hex(8)
        suffix = Path(clean).suffix
        folder = self._incoming / number
        folder.mkdir()
        # A song without tags is named after its file, so the name is kept; the suffix only where it is alphanumeric.
        return UploadedRecording(
            number, clean, folder / (Path(clean).stem[:80] + (suffix if _SUFFIX.fullmatch(suffix) else "")), 0
        )

    async def analyse(self, upload: UploadedRecording) -> dict[str, Any]:
        """Analyse an upload; a refused one is deleted.

        Raises:
            InputError: ``media.*``.
        """
        try:
            upload.size = upload.path.stat().st_size
            upload.analysis = await asyncio.to_thread(analyse, upload.path)
        except BaseException:
            shutil.rmtree(upload.path.parent, ignore_errors=True)
            raise
        self._uploads[upload.id] = upload
        return upload.to_json()

    def upload(self, number: str) -> UploadedRecording:
        """An upload by its id.

        Raises:
            InputError: ``message.schema``.
        """
        if number not in self._uploads:
            raise InputError("message.schema", field="recording", reason="no such recording; drop it again")
        return self._uploads[number]

    async def preview(self, number: str, layers: tuple[str, ...]) -> bytes:
        """Half a minute of an upload with the watermark, as a WAV."""
        upload = self.upload(number)
        assert upload.analysis is not None
        start = max(0.0, min(upload.analysis.seconds / 3, upload.analysis.seconds - PREVIEW_S))
        return await asyncio.to_thread(preview, upload.path, marking.choose_layers(layers), start)

    async def explain(self, value: Any) -> dict[str, Any]:
        """The form's terms as sentences and amounts.

        Raises:
            InputError: ``message.schema``, ``policy.malformed``.
        """
        if not isinstance(value, dict):
            raise InputError("message.schema", reason="an object")
        policy, seconds = TermsForm.read(value.get("terms")).policy(), value.get("seconds", 180)
        if type(seconds) not in (int, float) or not 0 <= seconds < 1e6:
            raise InputError("message.schema", field="seconds")
        return explain(policy, seconds, await self._commission() or 0, str(value.get("artist") or ""))

    async def start(self, value: Any) -> ReleaseRun:
        """Start a release.

        Raises:
            InputError: ``message.schema``, ``policy.malformed``.
        """
        if not isinstance(value, dict):
            raise InputError("message.schema", reason="an object")
        if str(value.get("recording")) in self._releases:
            # One upload makes one contract: a failed release is retried, a finished one stays.
            raise InputError(
                "message.schema", field="recording", reason="it was signed already; let it go on, or drop it again"
            )
        upload, policy = self.upload(str(value.get("recording"))), TermsForm.read(value.get("terms")).policy()
        names = {name: tags.clean(str(value.get(name) or "")) or None for name in ("title", "artist", "album")}
        layers = value.get("layers", [])
        if not isinstance(layers, list) or not all(isinstance(layer, str) for layer in layers):
            raise InputError("message.schema", field="layers")
        renditions = value.get("renditions", [])
        if not isinstance(renditions, list) or not set(map(str, renditions)) <= set(KINDS):
            raise InputError("message.schema", field="renditions")
        isrc = tags.isrc(str(value["isrc"])) if value.get("isrc") else None
        options = ConvertOptions(
            title=names["title"],
            artist=names["artist"],
            album=names["album"],
            isrc=isrc,
            layers=marking.choose_layers(layers),
            measure=True,
            renditions=tuple(renditions),
        )
        title = names["title"] or upload.name
        settings = self.settings
        job = Job(
            upload.path,
            self._new_path(title),
            policy.to_dict(),
            settings.owner_key,
            settings.deployment,
            settings.server,
            options,
        )
        return self._start(ReleaseRun(upload.id, job, title))

    def retry(self, number: str) -> ReleaseRun:
        """Retry a failed release; finished steps are kept."""
        before = self.release(number)
        return before if before.error is None else self._start(ReleaseRun(number, before.job, before.title))

    def release(self, number: str) -> ReleaseRun:
        """A release by its id.

        Raises:
            InputError: ``message.schema``.
        """
        if number not in self._releases:
            raise InputError("message.schema", field="release", reason="no such release")
        return self._releases[number]

    async def watch(self, number: str) -> AsyncIterator[dict[str, Any]]:
        """Yield a release's state now and at every change until it has ended."""
        while True:
            release = self.release(number)
            changed = release.changed
            yield release.to_json()
            if release.ended or self._closing:
                return
            await changed.wait()

    def _start(self, started: ReleaseRun) -> ReleaseRun:
        self._releases[started.id] = started
        started.task = asyncio.create_task(self._run(started))
        return started

    async def _run(self, started: ReleaseRun) -> None:
        loop = asyncio.get_running_loop()

        def on_step(step: str, share: float | None) -> None:
            if self._closing:
                raise OSError("the studio is closing")  # ends the conversion in its thread
            if share is None or step != started.step or share >= 1 or share - (started.share or 0) > 0.01:
                loop.call_soon_threadsafe(lambda: started.update(step=step, share=share))

        try:
            receipt = await release(started.job, on_step)
        except Exception as e:
            # Any failure is reported to the page.
            started.update(error=error_json(e))
        else:
            started.update(receipt=receipt.to_json())

    def _new_path(self, title: str) -> Path:
        """Path of a new song: its title, with a number where the path is taken."""
        stem = _FILE.sub("-", title).strip(".-").lower()[:80] or "song"
        for number in range(1, 10_000):
            path = self.settings.folder / f"{stem}{'' if number == 1 else f'-{number}'}.sps"
            taken = {release.job.output for release in self._releases.values()}
            if path not in taken and not path.exists() and not path.with_name(path.name + ".key").exists():
                return path
        raise InputError("message.schema", field="title", reason="too many songs of this name")

    def _songs(self) -> list[dict[str, Any]]:
        """Released songs by their receipts, newest first."""
        out = []
        for path in sorted(self.settings.folder.glob("*.sps.receipt.json")):
            try:
                value = json.loads(path.read_text(encoding="utf-8"))
                out.append({name: value[name] for name in ("content", "title", "artist", "released_s")})
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return sorted(out, key=lambda song: int(song["released_s"]), reverse=True)

    async def _commission(self) -> int | None:
        """The current commission, basis points; None while the chain is unreachable."""
        if self._bps is None:
            deployment = self.settings.deployment
            try:
                async with asyncio.timeout(3), deployment.connect() as chain:
                    block = await chain.block()
                    self._bps = await Registry(chain, deployment).rate_at(deployment.schedule.epoch_of(block.timestamp))
            except (GomaaError, TimeoutError, OSError):
                return None
        return self._bps
