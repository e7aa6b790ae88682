"""A playback session: events in, the next state and the commands for the shell out.

The shell (JavaScript in the extension, a test on CPython) fetches, decrypts
and sounds; this machine says what is needed and keeps the session honest:
every counted action becomes exactly one ``invoke`` command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pywallet.errors import SENTENCES
from pywallet.sps.segment_index import SegmentIndex as Timeline


class State(StrEnum):
    """Where a session stands (docs/protocol.md section 6)."""

    LOADING = "loading"
    READY = "ready"
    STARTING = "starting"
    PLAYING = "playing"
    PAUSED = "paused"
    SEEKING = "seeking"
    WAITING = "waiting"
    ENDED = "ended"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Command:
    """What the shell does next: ``invoke`` (action, position, segment), ``sound`` on or off, ``report`` a problem."""

    kind: str
    action: str = ""
    position_ms: int = 0
    segment: int = 0


@dataclass(frozen=True)
class Player:
    """One session. ``granted`` is true from the accepted play until its stop; ``begins`` is the action that starts it,
    ``from_ms`` the first position that may sound.

    A wish that cannot be met yet is kept: ``halting``, a pause, and ``target_ms``, a seek, until the play is granted;
    ``wanted``, a play, until a seek that stands still has arrived.
    """

    timeline: Timeline | None = None
    state: State = State.LOADING
    position_ms: int = 0
    granted: bool = False
    resume_to: State = State.READY
    code: str | None = None
    begins: str = "play"
    from_ms: int = 0
    halting: bool = False
    target_ms: int | None = None
    wanted: bool = False


Step = tuple[Player, tuple[Command, ...]]

# A refusal is a rule's; a failure is a part that broke: the page offers "retry" for the latter only.
_REFUSING: Final = (
    "listener.",
    "policy.",
    "content.",
    "station.",
    "ticket.",
    "session.",
    "lease.",
    "invocation.",
    "wallet.",
    "site.",
)
_SILENT: Final = Command("sound", "off")


def step(
    player: Player,
    event: str,
    position_ms: int | None = None,
    code: str | None = None,
    timeline: Timeline | None = None,
) -> Step:
    """The session after ``event``. Events that make no sense in a state change nothing and command nothing.

    Events: loaded (timeline), play, seek, pause, granted, playing, waiting,
    ended, stop, continued (a play of before goes on, paused), problem (code), retry.
    """
    if event == "loaded" and timeline is not None and player.state is State.LOADING:
        return replace(player, timeline=timeline, state=State.READY), ()
    if event == "problem":
        return _problem(player, code if code is not None and code in SENTENCES else "internal")
    if event == "retry" and player.state in (State.REFUSED, State.FAILED):
        state = State.READY if player.timeline is not None else State.LOADING
        return replace(_without_wishes(player), state=state, granted=False, code=None), ()
    if player.timeline is None or player.state in (State.REFUSED, State.FAILED):
        return player, ()
    position = player.timeline.clamp(player.position_ms if position_ms is None else position_ms)
    handler = _HANDLERS.get(event)
    return (player, ()) if handler is None else handler(player, position, player.timeline)


def _play(p: Player, position: int, t: Timeline) -> Step:
    if p.state in (State.READY, State.ENDED):
        at = p.from_ms if p.state is State.ENDED or not p.from_ms <= position < t.duration_ms else position
        return replace(p, state=State.STARTING, position_ms=at, granted=False), (
            Command("invoke", p.begins, at, t.segment_at(at)),
        )
    if p.state is State.PAUSED:
        return _resume(p, position, t)
    if p.state is State.SEEKING and p.resume_to is State.PAUSED:
        return replace(p, wanted=True), ()
    return replace(p, halting=False), ()


def _resume(p: Player, position: int, t: Timeline) -> Step:
    after = replace(p, state=State.STARTING, position_ms=position, wanted=False)
    return after, (Command("invoke", "resume", position, t.segment_at(position)),)


def _without_wishes(p: Player) -> Player:
    return replace(p, halting=False, target_ms=None, wanted=False)


def _seek(p: Player, position: int, t: Timeline) -> Step:
    if p.state is State.READY:
        # Nothing plays yet: moving the mark is free, the play will say where it began.
        return replace(p, position_ms=position), ()
    if p.state is State.STARTING and not p.granted:
        return replace(p, target_ms=position), ()
    if not p.granted or p.state is State.ENDED:
        return p, ()
    resume_to = p.resume_to if p.state is State.SEEKING else State.PAUSED if p.state is State.PAUSED else State.PLAYING
    after = replace(p, state=State.SEEKING, position_ms=position, resume_to=resume_to)
    return after, (Command("invoke", "seek", position, t.segment_at(position)),)


def _granted(p: Player, position: int, t: Timeline) -> Step:
    if p.state is State.STARTING:
        after = replace(_without_wishes(p), granted=True)
        commands: tuple[Command, ...] = ()
        if p.halting:
            after, commands = _pause(after, p.position_ms, t)
        elif p.target_ms is None:
            commands = (Command("sound", "on", p.position_ms, t.segment_at(p.position_ms)),)
        if p.target_ms is not None:
            after, seek = _seek(after, p.target_ms, t)
            commands += seek
        return after, commands
    if p.state is State.SEEKING:
        return p, (
            Command(
                "sound", "on" if p.resume_to is State.PLAYING else "hold", p.position_ms, t.segment_at(p.position_ms)
            ),
        )
    return p, ()


def _playing(p: Player, position: int, t: Timeline) -> Step:
    if p.state is State.SEEKING and p.resume_to is State.PAUSED:
        return _resume(p, position, t) if p.wanted else (replace(p, state=State.PAUSED, position_ms=position), ())
    if p.granted and p.state in (State.STARTING, State.SEEKING, State.WAITING, State.PLAYING):
        return replace(p, state=State.PLAYING, position_ms=position), ()
    return p, ()


def _waiting(p: Player, position: int, t: Timeline) -> Step:
    return (replace(p, state=State.WAITING, position_ms=position), ()) if p.state is State.PLAYING else (p, ())


def _pause(p: Player, position: int, t: Timeline) -> Step:
    if p.state is State.STARTING and not p.granted:
        return replace(p, halting=True), ()
    if p.state is State.SEEKING and p.resume_to is State.PAUSED:
        return replace(p, wanted=False), ()
    if p.granted and p.state in (State.PLAYING, State.WAITING, State.STARTING, State.SEEKING):
        return replace(p, state=State.PAUSED, position_ms=position), (_SILENT, Command("invoke", "pause", position))
    return p, ()


def _ended(p: Player, position: int, t: Timeline) -> Step:
    if p.granted and p.state in (State.PLAYING, State.WAITING, State.SEEKING):
        return replace(_without_wishes(p), state=State.ENDED, position_ms=t.duration_ms, granted=False), (
            Command("invoke", "stop", t.duration_ms),
        )
    return p, ()


def _stop(p: Player, position: int, t: Timeline) -> Step:
    if not p.granted:
        return replace(_without_wishes(p), state=State.READY), (_SILENT,)
    return replace(_without_wishes(p), state=State.READY, position_ms=0, granted=False), (
        _SILENT,
        Command("invoke", "stop", position),
    )


def _problem(p: Player, code: str) -> Step:
    state = State.REFUSED if code.startswith(_REFUSING) else State.FAILED
    if state is State.REFUSED and p.state is State.SEEKING:
        # A refused seek takes nothing back: the music goes on where it was.
        return replace(_without_wishes(p), state=p.resume_to, code=code), (Command("report", code),)
    return replace(_without_wishes(p), state=state, granted=False, code=code), (_SILENT, Command("report", code))


def _continued(p: Player, position: int, t: Timeline) -> Step:
    return (
        (replace(p, state=State.PAUSED, position_ms=position, granted=True), ()) if p.state is State.READY else (p, ())
    )


_HANDLERS: Final = {
    "play": _play,
    "seek": _seek,
    "granted": _granted,
    "playing": _playing,
    "waiting": _waiting,
    "pause": _pause,
    "ended": _ended,
    "continued": _continued,
    "stop": _stop,
}
