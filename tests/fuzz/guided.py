"""Coverage-guided fuzzing of the same targets with atheris, where it is installed.

``python -m tests.fuzz.guided TARGET [libFuzzer options]``

Inputs that reach new code go to a temporary folder, which the run names;
worthwhile ones are copied into tests/fuzz/corpus by hand. atheris is no
dependency of the project: docs/decisions/ says why.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fuzz until libFuzzer stops."""
    import atheris  # type: ignore[import-not-found]

    with atheris.instrument_imports(include=["pywallet", "native_host"]):
        from tests.fuzz import targets
    from pywallet.errors import GomaaError

    name = sys.argv[1]
    target = targets.TARGETS[name]

    def once(data: bytes) -> None:
        try:
            target(data)
        except GomaaError:
            return

    found = tempfile.mkdtemp(prefix=f"fuzz-{name}-")
    print(f"inputs go to {found}", flush=True)
    options = [arg for arg in sys.argv[2:] if arg.startswith("-")]
    folders = [arg for arg in sys.argv[2:] if not arg.startswith("-")]
    atheris.Setup(
        [
            sys.argv[0],
            "-max_len=65536",
            "-timeout=5",
            "-rss_limit_mb=1024",
            *options,
            found,
            str(Path(targets.CORPUS) / name),
            *folders,
        ],
        once,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
