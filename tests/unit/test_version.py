"""One version, wherever it has to be written."""

import json
from pathlib import Path

from common.version import VERSION

ROOT = Path(__file__).parents[2]


def test_every_manifest_states_the_version() -> None:
    """The extension's manifest and the node package cannot read it from Python."""
    for name in ("manifest.json", "package.json", "package-lock.json"):
        assert json.loads((ROOT / name).read_text(encoding="utf-8"))["version"] == VERSION, name
