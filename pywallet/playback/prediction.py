"""What a wish would do in this state, told before it is made.

The shell posts an invocation in the same moment in which a person clicks and
lets the machine follow beside it; this is how it knows the action without
knowing the rules. The machine itself is asked, so the two cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.playback.session import Player, State, step

WISHES: Final = ("play", "pause", "seek")


@dataclass(frozen=True)
class Foreseen:
    """``invoke``: the counted action, None where the wish counts nothing; ``sound``: on or hold once it is granted;
    ``state``: where the session stands meanwhile; ``from_start``: the position of the wish is not used.
    """

    state: State
    invoke: str | None
    sound: str | None
    from_start: bool


def foresee(player: Player, wish: str) -> Foreseen:
    """What ``wish`` would do now, at a position inside the recording."""
    middle = player.timeline.duration_ms // 2 if player.timeline else 0
    after, commands = step(player, wish, middle)
    invoke = next((command for command in commands if command.kind == "invoke"), None)
    _, later = step(after, "granted") if invoke is not None else (after, ())
    sound = next((command.action for command in later if command.kind == "sound"), None)
    return Foreseen(
        after.state, invoke.action if invoke else None, sound, invoke is not None and invoke.position_ms != middle
    )
