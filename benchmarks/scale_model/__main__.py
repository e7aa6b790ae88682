"""``python -m benchmarks.scale_model``: the model's results as JSON, or as the tables of docs/scale.md."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final

from benchmarks.scale_model.results import results
from benchmarks.scale_model.tables import tables, written
from demo.paths import ROOT

PAGE: Final = ROOT / "docs" / "scale.md"


def main() -> int:
    """Print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_model", description="Model of many listeners.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--tables", action="store_true", help="print the tables of docs/scale.md")
    form.add_argument("--write", action="store_true", help="write the tables into docs/scale.md")
    options = parser.parse_args()
    found = results()
    if options.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables(found)), encoding="utf-8")
    elif options.tables:
        print("\n".join(f"{name}\n\n{text}" for name, text in tables(found).items()))
    else:
        print(json.dumps(found.to_json(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
