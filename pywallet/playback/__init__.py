"""The renderer: a playback session as a pure state machine, its timeline, and what it foresees."""

from pywallet.playback.prediction import WISHES, Foreseen, foresee
from pywallet.playback.session import (
    Command,
    Player,
    State,
    Step,
    step,
)
from pywallet.sps.segment_index import SegmentIndex as Timeline

__all__ = ["WISHES", "Command", "Foreseen", "Player", "State", "Step", "Timeline", "foresee", "step"]
