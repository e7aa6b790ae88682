"""Playback sessions as a pure state machine, and its transition table."""

from pywallet.playback.session import (
    Command,
    PlaybackSession,
    State,
    Step,
    step,
)
from pywallet.playback.transitions import BEGINS, transition_table

__all__ = ["BEGINS", "Command", "PlaybackSession", "State", "Step", "step", "transition_table"]
