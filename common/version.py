"""Version of the project."""

from typing import Final

VERSION: Final = "0.1.0"
