"""State machine of a playback session: an event in, the next state and the commands for the player out.

The player (JavaScript in the extension, a test on CPython) fetches, decrypts and renders. It runs this machine from its
table (``transitions``). Every metered action becomes exactly one ``invoke`` command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pywallet.errors import SENTENCES
from pywallet.sps.segment_index import SegmentIndex


class State(StrEnum):
    """States of a session (docs/protocol.md section 6)."""

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
    """Command to the player: ``invoke`` an action, ``sound`` or ``report`` a code.

    ``sound`` is on (segments are loaded and play), off, hold (loaded, paused) or held (plays what a hold has buffered).
    """

    kind: str
    action: str = ""
    position_ms: int = 0
    segment: int = 0


@dataclass(frozen=True)
class PlaybackSession:
    """One session.

    Attributes:
        timeline: Segments of the rendition; None while the song loads.
        state: Current state.
        position_ms: Latest known position.
        granted: True from the acceptance of a play to its end.
        resume_to: State after the seek that is under way.
        code: Code of the latest problem.
        begins: Action that starts a play: play, preview or live_join.
        from_ms: First position that may sound.
        pending_pause: A pause that is kept until the play is granted.
        pending_seek_ms: Target of a seek that is kept until the play is granted.
        play_after_seek: A play that is kept until a seek while paused has arrived.
        held: The first sound is buffered under a hold (docs/protocol.md section 2), which no grant has captured.
    """

    timeline: SegmentIndex | None = None
    state: State = State.LOADING
    position_ms: int = 0
    granted: bool = False
    resume_to: State = State.READY
    code: str | None = None
    begins: str = "play"
    from_ms: int = 0
    pending_pause: bool = False
    pending_seek_ms: int | None = None
    play_after_seek: bool = False
    held: bool = False


Step = tuple[PlaybackSession, tuple[Command, ...]]

REFUSALS: Final = (
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
"""Prefixes of the codes of refusals. Other codes are failures, after which the player offers a retry."""

_SILENT: Final = Command("sound", "off")


def step(
    session: PlaybackSession,
    event: str,
    position_ms: int | None = None,
    code: str | None = None,
    timeline: SegmentIndex | None = None,
) -> Step:
    """Apply one event. An event that does not fit the state changes nothing and commands nothing.

    Args:
        session: Session before the event.
        event: loaded (with ``timeline``), play, seek, pause, granted, playing, waiting, ended, stop, continued (an
            interrupted play goes on, paused), held (the first sound is buffered under a hold), unheld (that sound may
            not be heard any further), problem (with ``code``) or retry.
        position_ms: Position of the event; the session's own by default.
        code: Code of a problem; one that is not registered counts as internal.
        timeline: Segments of the loaded rendition.

    Returns:
        The session after the event, and the commands in order.
    """
    if event == "loaded" and timeline is not None and session.state is State.LOADING:
        return replace(session, timeline=timeline, state=State.READY), ()
    if event == "problem":
        return _problem(session, code if code is not None and code in SENTENCES else "internal")
    if event == "retry" and session.state in (State.REFUSED, State.FAILED):
        state = State.READY if session.timeline is not None else State.LOADING
        return replace(_without_pending(session), state=state, granted=False, code=None), ()
    if session.timeline is None or session.state in (State.REFUSED, State.FAILED):
        return session, ()
    position = session.timeline.clamp(session.position_ms if position_ms is None else position_ms)
    handler = _HANDLERS.get(event)
    return (session, ()) if handler is None else handler(session, position, session.timeline)


def _play(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if p.state in (State.READY, State.ENDED):
        at = p.from_ms if p.state is State.ENDED or not p.from_ms <= position < t.duration_ms else position
        held = p.held and at == position == p.position_ms
        after = replace(p, state=State.STARTING, position_ms=at, granted=False, held=held)
        commands: tuple[Command, ...] = (Command("invoke", p.begins, at, t.segment_at(at)),)
        return after, commands + _held_sound(after, t)
    if p.state is State.PAUSED:
        return _resume(p, position, t)
    if p.state is State.SEEKING and p.resume_to is State.PAUSED:
        return replace(p, play_after_seek=True), ()
    after = replace(p, pending_pause=False)
    return after, _held_sound(after, t) if p.pending_pause else ()


def _held_sound(p: PlaybackSession, t: SegmentIndex) -> tuple[Command, ...]:
    return (Command("sound", "held", p.position_ms, t.segment_at(p.position_ms)),) if p.held else ()


def _is_heard_under_hold(p: PlaybackSession) -> bool:
    return p.held and p.state in (State.STARTING, State.PLAYING, State.WAITING)


def _held(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    return (replace(p, held=True), ()) if p.state is State.READY else (p, ())


def _unheld(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if _is_heard_under_hold(p):
        return replace(p, state=State.STARTING, position_ms=position, held=False), (_SILENT,)
    return replace(p, held=False), ()


def _resume(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    after = replace(p, state=State.STARTING, position_ms=position, play_after_seek=False)
    return after, (Command("invoke", "resume", position, t.segment_at(position)),)


def _without_pending(p: PlaybackSession) -> PlaybackSession:
    return replace(p, pending_pause=False, pending_seek_ms=None, play_after_seek=False, held=False)


def _seek(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if p.state is State.READY:
        # Nothing plays yet: the play will name its position.
        return replace(p, position_ms=position, held=False), ()
    if _is_heard_under_hold(p):
        silent, commands = _unheld(p, position, t)
        return replace(silent, position_ms=p.position_ms, pending_seek_ms=position), commands
    if p.state is State.STARTING and not p.granted:
        return replace(p, pending_seek_ms=position), ()
    if not p.granted or p.state is State.ENDED:
        return p, ()
    resume_to = p.resume_to if p.state is State.SEEKING else State.PAUSED if p.state is State.PAUSED else State.PLAYING
    after = replace(p, state=State.SEEKING, position_ms=position, resume_to=resume_to)
    return after, (Command("invoke", "seek", position, t.segment_at(position)),)


def _granted(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if _is_heard_under_hold(p) and not p.pending_pause:
        # The sound plays on from where it is.
        after = replace(_without_pending(p), granted=True, position_ms=position)
        return after, (Command("sound", "on", position, t.segment_at(position)),)
    if p.state is State.STARTING:
        after = replace(_without_pending(p), granted=True)
        commands: tuple[Command, ...] = ()
        if p.pending_pause:
            after, commands = _pause(after, p.position_ms, t)
        elif p.pending_seek_ms is None:
            commands = (Command("sound", "on", p.position_ms, t.segment_at(p.position_ms)),)
        if p.pending_seek_ms is not None:
            after, seek = _seek(after, p.pending_seek_ms, t)
            commands += seek
        return after, commands
    if p.state is State.SEEKING:
        return p, (
            Command(
                "sound", "on" if p.resume_to is State.PLAYING else "hold", p.position_ms, t.segment_at(p.position_ms)
            ),
        )
    return p, ()


def _playing(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if p.state is State.SEEKING and p.resume_to is State.PAUSED:
        return (
            _resume(p, position, t) if p.play_after_seek else (replace(p, state=State.PAUSED, position_ms=position), ())
        )
    is_heard = p.granted or (p.held and not p.pending_pause)
    if is_heard and p.state in (State.STARTING, State.SEEKING, State.WAITING, State.PLAYING):
        return replace(p, state=State.PLAYING, position_ms=position), ()
    return p, ()


def _waiting(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    return (replace(p, state=State.WAITING, position_ms=position), ()) if p.state is State.PLAYING else (p, ())


def _pause(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if _is_heard_under_hold(p) and not p.pending_pause:
        # The host may count the play yet, which is then paused.
        return replace(p, state=State.STARTING, position_ms=position, pending_pause=True), (_SILENT,)
    if p.state is State.STARTING and not p.granted:
        return replace(p, pending_pause=True), ()
    if p.state is State.SEEKING and p.resume_to is State.PAUSED:
        return replace(p, play_after_seek=False), ()
    if p.granted and p.state in (State.PLAYING, State.WAITING, State.STARTING, State.SEEKING):
        return replace(p, state=State.PAUSED, position_ms=position), (_SILENT, Command("invoke", "pause", position))
    return p, ()


def _ended(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if p.granted and p.state in (State.PLAYING, State.WAITING, State.SEEKING):
        return replace(_without_pending(p), state=State.ENDED, position_ms=t.duration_ms, granted=False), (
            Command("invoke", "stop", t.duration_ms),
        )
    return p, ()


def _stop(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    if not p.granted:
        return replace(_without_pending(p), state=State.READY), (_SILENT,)
    return replace(_without_pending(p), state=State.READY, position_ms=0, granted=False), (
        _SILENT,
        Command("invoke", "stop", position),
    )


def _problem(p: PlaybackSession, code: str) -> Step:
    state = State.REFUSED if code.startswith(REFUSALS) else State.FAILED
    if state is State.REFUSED and p.state is State.SEEKING:
        # The music goes on at the position before the seek.
        return replace(_without_pending(p), state=p.resume_to, code=code), (Command("report", code),)
    return replace(_without_pending(p), state=state, granted=False, code=code), (_SILENT, Command("report", code))


def _continued(p: PlaybackSession, position: int, t: SegmentIndex) -> Step:
    return (
        (replace(p, state=State.PAUSED, position_ms=position, granted=True, held=False), ())
        if p.state is State.READY
        else (p, ())
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
    "held": _held,
    "unheld": _unheld,
}
