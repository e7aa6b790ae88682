"""The renderer: one playback session as a state machine, without I/O."""

from pywallet.player.machine import Command, Player, State, step
from pywallet.player.timeline import Timeline

__all__ = ["Command", "Player", "State", "Timeline", "step"]
