"""Batch conversion: one song for each recording, in several processes; finished songs are skipped."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import Any, Final

from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from studio.convert import ConvertOptions, ConvertResult, convert
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.renditions import bundle
from studio.server import ServerInfo

_ENDINGS: Final = "wav wave w64 rf64 aif aiff aifc flac mp3 ogg oga opus m4a mp4 aac wma wv ape tta caf au mka webm"
SUFFIXES: Final = frozenset(f".{ending}" for ending in _ENDINGS.split())
"""Endings of recordings in a folder; a file given by itself may have any ending."""

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
            for base, folders, names in os.walk(source):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                here = Path(base)
                pairs += [
                    (here / name, folder / (here / name).relative_to(source))
                    for name in sorted(names)
                    if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
                ]
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


def run(jobs: Sequence[Job], workers: int, on_progress: OnProgress) -> Iterator[tuple[int, JobOutcome]]:
    """Run the jobs, ``workers`` at a time; yields each job's number and outcome when it ends.

    Expected errors are yielded as ``Failure``; others are raised.
    """
    waiting: list[tuple[int, Job]] = []
    for number, job in enumerate(jobs):
        outcome = attempt(job, lambda: None)
        if outcome is None:
            waiting.append((number, job))
        else:
            yield number, _with_renditions(job, outcome) if isinstance(outcome, Kept) else outcome
    if workers <= 1 or len(waiting) <= 1:
        for number, job in waiting:
            yield number, convert_job(job, lambda done, total, n=number: on_progress(n, done, total))  # type: ignore[misc]
        return
    # Spawned, not forked: a fork would copy the locks of FFmpeg's threads.
    context = multiprocessing.get_context("spawn")
    events = context.SimpleQueue()
    listener = Thread(target=_forward_progress, args=(events, on_progress), daemon=True)
    listener.start()
    with ProcessPoolExecutor(min(workers, len(waiting)), context, _init_worker, (events,)) as pool:
        with _interrupts_ignored():
            futures: dict[Future[JobOutcome], tuple[int, Job]] = {
                pool.submit(_in_worker, number, job): (number, job) for number, job in waiting
            }
        try:
            for future in as_completed(futures):
                number, job = futures[future]
                try:
                    yield number, future.result()
                except BrokenProcessPool:
                    yield (
                        number,
                        Failure(job.name, "internal", "A worker was ended from outside. What was finished is kept."),
                    )
        except BaseException:
            # Songs are renamed to their final names when complete, so nothing partial remains.
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
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


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started inside ignore SIGINT, which a terminal sends to the whole process group.

    The parent ends them.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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


def _in_worker(number: int, job: Job) -> JobOutcome:
    return convert_job(job, lambda done, total: _events.put((number, done, total)))


def _forward_progress(events: Any, on_progress: OnProgress) -> None:
    while (event := events.get()) is not None:
        with contextlib.suppress(Exception):
            on_progress(*event)


def for_song(options: ConvertOptions, several: bool) -> ConvertOptions:
    """Options of one song; among ``several``, title, ISRC and salt come from each recording."""
    return replace(options, title=None, isrc=None, salt=None) if several else options
