"""The version of all that is in this repository."""

from typing import Final

VERSION: Final = "0.1.0"
