"""The renderer: a playback session as a pure state machine, its timeline, and what it foresees."""

from pywallet.player.foresight import WISHES, Foreseen, foresee
from pywallet.player.machine import Command, Player, State, Step, step
from pywallet.player.timeline import Timeline

__all__ = ["WISHES", "Command", "Foreseen", "Player", "State", "Step", "Timeline", "foresee", "step"]
