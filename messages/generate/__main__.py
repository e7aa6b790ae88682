"""Writer of the generated files: ``python -m messages.generate``; with ``--check`` it only compares them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from messages.generate.files import stale, write


def main(arguments: Sequence[str]) -> int:
    """Write or check the files. Returns the exit status: 1 where a checked file is stale."""
    if list(arguments) == ["--check"]:
        names = stale()
        for name in names:
            print(f"{name} is stale: python -m messages.generate")
        return 1 if names else 0
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
