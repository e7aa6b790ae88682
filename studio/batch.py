"""Batch conversion: one song for each recording, in several processes or on a cluster; finished songs are skipped."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from audio.recordings import recordings_in
from chain.deployment import Deployment
from common.spread import Spread, as_finished
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from studio.convert import ConvertOptions, ConvertResult, convert
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.renditions import bundle
from studio.server import ServerInfo

OnProgress = Callable[[int, float, float | None], None]
"""Called with a job's number, the seconds converted, and the recording's length (s) or None."""


@dataclass(frozen=True)
class Job:
    """One conversion; ``source`` None is standard input."""

    source: Path | None
    output: Path
    policy: dict[str, Any]
    owner_key: bytes
    """32 bytes; empty in a dry run without a key."""
    deployment: Deployment
    server: ServerInfo
    options: ConvertOptions

    @property
    def name(self) -> str:
        """The source's name in messages."""
        return "standard input" if self.source is None else str(self.source)


@dataclass(frozen=True)
class Failure:
    """A failed conversion: error code and message."""

    source: str
    code: str
    message: str


@dataclass(frozen=True)
class Kept:
    """A song that an earlier run made, complete and with the same terms."""

    source: str
    path: Path
    content: bytes


JobOutcome = ConvertResult | Failure | Kept


def find_recordings(sources: Sequence[Path], folder: Path) -> list[tuple[Path, Path]]:
    """Pairs of recording and song path; folders are searched recursively.

    A song's path relative to ``folder`` is the recording's path relative to the searched folder.
    """
    pairs: list[tuple[Path, Path]] = []
    for source in sources:
        if source.is_dir():
            pairs += [(path, folder / path.relative_to(source)) for path in recordings_in(source)]
        else:
            pairs.append((source, folder / source.name))
    # Recordings that differ only in their suffix keep it in the song's name.
    stems = Counter(place.with_suffix("") for _, place in pairs)
    return [
        (
            source,
            place.with_name(place.name + ".sps") if stems[place.with_suffix("")] > 1 else place.with_suffix(".sps"),
        )
        for source, place in pairs
    ]


def existing_song(job: Job) -> Kept | None:
    """The finished song of an earlier run, or None.

    Raises:
        InputError: ``sps.*``: another file has the song's name.
        GomaaError: ``sps.policy.mismatch``, ``content.owner``: made with other terms or another key.
    """
    if job.options.replace or not job.output.exists():
        return None
    with SongFile(job.output) as song:
        song.check_size()
        header = song.header
    if job.owner_key and header.owner != address_of(job.owner_key):
        raise GomaaError("content.owner", file=job.output.name, reason="made with another owner's key")
    # Terms are compared, not bytes: a header may leave defaults out.
    if Policy.from_dict(header.policy).hash != Policy.from_dict(job.policy).hash:
        raise GomaaError(
            "sps.policy.mismatch", file=job.output.name, reason="made with other terms; --force makes it anew"
        )
    if ContentKeys.load(ContentKeys.beside(job.output)).content != header.content:
        raise GomaaError("sps.segment.tag", file=job.output.name, reason="the key file beside it is another song's")
    return Kept(job.name, job.output, header.content)


def run(jobs: Sequence[Job], spread: Spread, on_progress: OnProgress) -> Iterator[tuple[int, JobOutcome]]:
    """Run the jobs; yields each job's number and outcome when it ends. Errors are yielded as ``Failure``.

    Args:
        jobs: The jobs. On a cluster every worker sees the recordings and the songs' folder at the same paths.
        spread: Where they run.
        on_progress: Called in this process, of jobs of this machine.

    Raises:
        GomaaError: ``spread.plain``; as ``Spread.opened``.
    """
    waiting: list[tuple[int, Job]] = []
    for number, job in enumerate(jobs):
        outcome = attempt(job, lambda: None)
        if outcome is None:
            waiting.append((number, job))
        else:
            yield number, _with_renditions(job, outcome) if isinstance(outcome, Kept) else outcome
    alone = spread.dask is None and (spread.workers <= 1 or len(waiting) <= 1)
    if alone or any(job.source is None for _, job in waiting):
        for number, job in waiting:
            yield number, convert_job(job, lambda done, total, n=number: on_progress(n, done, total))  # type: ignore[misc]
        return
    if not waiting:
        return
    events = multiprocessing.get_context("spawn").SimpleQueue()
    listener = Thread(target=_forward_progress, args=(events, on_progress), daemon=True)
    listener.start()
    try:
        # A job has the owner's key in it.
        with spread.opened(len(waiting), _init_worker, (events,), private=True) as pool:
            sent = ((number, _absolute(job)) for number, job in waiting)
            for (number, _), future in as_finished(pool, _in_worker, sent, lambda pair: jobs[pair[0]].name):
                job = jobs[number]
                try:
                    yield number, _named(job, future.result())
                except GomaaError as error:
                    # Songs are renamed to their final names when complete, so nothing partial remains.
                    yield number, Failure(job.name, error.code, str(error))
    finally:
        events.put(None)
        listener.join()


def _with_renditions(job: Job, song: Kept) -> JobOutcome:
    """Add the requested renditions to a kept song that has only one."""

    def add() -> JobOutcome:
        with SongFile(job.output) as opened:
            single = len(opened.header.renditions) == 1
        if single and job.options.renditions:
            bundle(job.output, job.output, job.owner_key, None, job.options.renditions)
        return song

    return _failing(job, add) or song


def attempt(job: Job, otherwise: Callable[[], JobOutcome | None]) -> JobOutcome | None:
    """The existing song of a job, else the result of ``otherwise``; expected errors as ``Failure``."""
    return _failing(job, lambda: existing_song(job) or otherwise())


def _failing(job: Job, make: Callable[[], JobOutcome | None]) -> JobOutcome | None:
    """The result of ``make``; expected errors as ``Failure``."""
    try:
        return make()
    except GomaaError as e:
        return Failure(job.name, e.code, str(e))
    except OSError as e:
        return Failure(job.name, "media.decode", f"{e.strerror or e}: {job.name}")


def convert_job(job: Job, progress: Callable[[float, float | None], None]) -> JobOutcome:
    """Convert one recording; expected errors as ``Failure``."""

    def make() -> ConvertResult:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        source = sys.stdin.buffer if job.source is None else job.source
        policy = Policy.from_dict(job.policy)
        return convert(
            source, job.output, policy, job.owner_key, job.deployment, job.server, job.options, progress=progress
        )

    outcome = attempt(job, make)
    assert outcome is not None
    return outcome


_events: Any = None


def _init_worker(events: Any) -> None:
    global _events
    _events = events


def _in_worker(pair: tuple[int, Job]) -> JobOutcome:
    number, job = pair

    def progress(done: float, total: float | None) -> None:
        # A worker of a cluster has no queue.
        if _events is not None:
            _events.put((number, done, total))

    return convert_job(job, progress)


def _absolute(job: Job) -> Job:
    """The job with full paths: a worker may run in another folder."""
    artwork = job.options.artwork
    return replace(
        job,
        source=None if job.source is None else job.source.absolute(),
        output=job.output.absolute(),
        options=replace(job.options, artwork=None if artwork is None else artwork.absolute()),
    )


def _named(job: Job, outcome: JobOutcome) -> JobOutcome:
    """An outcome with the job's own names instead of full paths."""
    if isinstance(outcome, ConvertResult):
        return replace(outcome, path=job.output, key_path=ContentKeys.beside(job.output))
    if isinstance(outcome, Kept):
        return replace(outcome, source=job.name, path=job.output)
    return replace(outcome, source=job.name, message=outcome.message.replace(str(_absolute(job).source), job.name))


def _forward_progress(events: Any, on_progress: OnProgress) -> None:
    while (event := events.get()) is not None:
        with contextlib.suppress(Exception):
            on_progress(*event)


def for_song(options: ConvertOptions, several: bool) -> ConvertOptions:
    """Options of one song; among ``several``, title, ISRC and salt come from each recording."""
    return replace(options, title=None, isrc=None, salt=None) if several else options
