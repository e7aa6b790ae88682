"""Amounts as the extension writes them, read by the core. Apart from the core's own tests, which run in Pyodide too."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random

from pywallet.encoding.amounts import parse


def test_what_the_extension_writes_is_read() -> None:
    """Every text that the extension's show and exact make of an amount is that amount, cut off where show cuts."""
    amounts = [0, 1, 10**14, 1234 * 10**18, 12_000 * 10**18, 1_234_567 * 10**18 + 5 * 10**17]
    chance = Random(5)
    amounts += [chance.randrange(10 ** chance.randrange(1, 40)) for _ in range(500)]
    module = Path(__file__).parents[3] / "extension" / "ui" / "amounts.js"
    script = f"import {{ exact, show }} from {json.dumps(module.as_uri())};" + (
        "import { readFileSync } from 'node:fs';"
        "const all = JSON.parse(readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(all.map((wei) => [exact(wei), show(wei, 4), show(wei, 6)])));"
    )
    node = ["node", "--input-type=module", "-e", script]
    made = subprocess.run(
        node, input=json.dumps([str(one) for one in amounts]), capture_output=True, text=True, check=True
    )
    for amount, (whole, four, six) in zip(amounts, json.loads(made.stdout), strict=True):
        assert parse(whole) == amount
        assert parse(whole.removesuffix(" GoMAA")) == amount
        assert parse(four) == amount - amount % 10**14
        assert parse(six) == amount - amount % 10**12
