"""What all our pages share: the one stylesheet of tokens and components."""

from pathlib import Path
from typing import Final

LAMPLIGHT: Final = Path(__file__).with_name("lamplight.css")
