"""Mutants of the contracts: one small change at a time, and whether any test notices.

``python -m tests.contracts.mutate [--only FILE ...] [--kinds KIND ...] [--json FILE]`` compiles each mutant and runs
the tests of its contract, then (for Settlement) a settlement game. It prints survivors; docs/settlement-mutants.md
explains them. ``--count FILE`` counts the verdicts of such a file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

HERE: Final = Path(__file__).resolve().parents[2] / "contracts"
CONTRACT: Final = {
    "settlement_storage.vy": "Settlement",
    "sum_proof.vy": "Settlement",
    "escrow.vy": "Settlement",
    "drafts.vy": "Settlement",
    "challenges.vy": "Settlement",
    "settlement.vy": "Settlement",
    "registry.vy": "Registry",
    "content_storage.vy": "Content",
    "content_sale.vy": "Content",
    "content_server.vy": "Content",
    "content.vy": "Content",
    "rights_storage.vy": "Rights",
    "rights_sale.vy": "Rights",
    "rights_market.vy": "Rights",
    "rights.vy": "Rights",
    "gomaa.vy": "GoMAA",
}
TESTS: Final = {
    "Settlement": (
        "test_settlement_funds.py",
        "test_settlement_post.py",
        "test_settlement_claim.py",
        "test_settlement_challenge.py",
        "test_settlement_slash.py",
        "test_settlement_answered.py",
        "test_settlement_parts.py",
        "test_settlement_undo.py",
        "test_settlement_leaving.py",
        "test_settlement_deep.py",
        "test_reentrancy.py",
    ),
    "Registry": ("test_registry.py",),
    "Content": (
        "test_content.py",
        "test_content_sale.py",
        "test_content_server.py",
        "test_content_game.py",
        "test_rights.py",
        "test_rights_market.py",
        "test_registry.py",
        "test_reentrancy.py",
    ),
    "Rights": (
        "test_rights.py",
        "test_rights_market.py",
        "test_rights_seen.py",
        "test_rights_places.py",
        "test_reentrancy.py",
    ),
    "GoMAA": ("test_token.py",),
}
SWAPS: Final = (
    (r" >= ", " > "),
    (r" <= ", " < "),
    (r" > ", " >= "),
    (r" < ", " <= "),
    (r" == ", " != "),
    (r" != ", " == "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" and ", " or "),
    (r" or ", " and "),
    (r"\bmin\(", "max("),
    (r"\bmax\(", "min("),
    (r" // 2\b", " // 3"),
    (r"= True\b", "= False"),
    (r"\| \(?1 <<", "& (1 <<"),
    (r" \+ 1\b", " + 2"),
)
COMPARISON: Final = re.compile(r" (<=|>=|<|>) ")
KINDS: Final = ("comparisons", "refusals", "sums", "statements", "events", "locks")
LIMIT_S: Final = 240


@dataclass(frozen=True)
class Mutant:
    """A mutant: one changed line."""

    file: str
    line: int
    before: str
    after: str

    @property
    def kind(self) -> str:
        """Return one of KINDS: a bound moved, or a refusal, event, lock or other statement omitted.

        ``sums``: another change inside a line.
        """
        if self.before == "@nonreentrant":
            return "locks"
        if self.after.strip() == "pass" or self.after.strip().startswith("_: bool"):
            return {"assert": "refusals", "log": "events"}.get(self.before.split()[0], "statements")
        return "sums" if COMPARISON.findall(self.before) == COMPARISON.findall(self.after) else "comparisons"


def mutants(file: str) -> Iterator[Mutant]:
    """Every change of a file that the rules above make.

    Lines of docstrings, comments, constants and declarations stay.
    """
    quoted = inside = False
    for number, line in enumerate((HERE / file).read_text().splitlines(), 1):
        code = line.split("#")[0].rstrip()
        if line.count('"""') == 1:
            quoted = not quoted
            continue
        if quoted or '"""' in line or not code.strip():
            continue
        if not line.startswith((" ", ")")):
            inside = line.startswith("def ")
            if line == "@nonreentrant":
                yield Mutant(file, number, line, "")
            continue
        if inside:
            for changed in _changes(code):
                yield Mutant(file, number, code, changed)


def _changes(code: str) -> Iterator[str]:
    indent, text = code[: len(code) - len(code.lstrip())], code.strip()
    if text.startswith("assert extcall"):
        yield f"{indent}_: bool = {text.removeprefix('assert ').rsplit(', ', 1)[0]}"
        return
    if (
        text.startswith("assert ")
        or re.match(r"(self|storage)\.[\w.]+(\[.*\])* [|+-]?= ", text)
        or (text.startswith(("log ", "storage._", "self._", "ownable._")) and text[-1] == ")")
    ):
        yield f"{indent}pass"
    body = text.rsplit(', "', 1)
    for pattern, new in SWAPS:
        for found in re.finditer(pattern, body[0]):
            changed = body[0][: found.start()] + new + body[0][found.end() :]
            yield indent + ', "'.join([changed, *body[1:]])


def compiled(mutant: Mutant) -> dict[str, Any] | None:
    """Return the mutant's artefact, or None where it doesn't compile."""
    from contracts import compile as compiler

    with tempfile.TemporaryDirectory() as folder:
        for path in HERE.glob("*.vy"):
            (Path(folder) / path.name).write_text(path.read_text())
        lines = (HERE / mutant.file).read_text().splitlines()
        lines[mutant.line - 1] = mutant.after
        (Path(folder) / mutant.file).write_text("\n".join(lines) + "\n")
        try:
            return compiler._compile(Path(folder) / compiler.SOURCES[CONTRACT[mutant.file]])
        except Exception:
            return None


def verdict(mutant: Mutant) -> str:
    """Return ``killed by …``, ``survived``, ``same code`` or ``stillborn``. Runs in a process of its own."""
    from contracts import compile as compiler

    # Every user of the artefacts shares this dictionary.
    made, contract = compiler.artifacts(), CONTRACT[mutant.file]
    changed = compiled(mutant)
    if changed is None:
        return "stillborn"
    if changed["bytecode"] == made[contract]["bytecode"]:
        return "same code"
    made[contract] = changed
    return noticed(contract)


def noticed(contract: str) -> str:
    """Run the tests of a changed contract; return the failing test.

    ``survived`` where all pass, as for the unchanged contract.
    """
    if contract == "Settlement":
        # First a short game: it needs no node and kills most mutants.
        from tests.contracts.settlement_game import play
        from tests.contracts.settlement_rules import Game

        try:
            play(Game, 12, 25, shrink=False)
        except BaseException:
            return "killed by the game"
    import pytest

    here = Path(__file__).parent
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", *(str(here / name) for name in TESTS[contract])]
    if pytest.main(arguments):
        return "killed by tests"
    if contract == "Settlement":
        try:
            play(Game, 120, 30, shrink=False)
        except BaseException:
            return "killed by the long game"
    return "survived"


def judge(ask: Callable[[], str]) -> str:
    """Return the verdict of ``ask`` in a child process, which may hang or crash, with the failing test's name."""
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as output:
        return _judge(ask, reader, writer, output)


def _judge(ask: Callable[[], str], reader: int, writer: int, output: IO[bytes]) -> str:
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        os.write(writer, ask().encode())
        os._exit(0)
    os.close(writer)
    begun = time.monotonic()
    os.set_blocking(reader, False)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() - begun > LIMIT_S:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return "killed by time"
        time.sleep(0.05)
    said = os.read(reader, 100).decode()
    os.close(reader)
    output.seek(0)
    if said == "killed by tests":
        failed = re.search(rb"FAILED \S*::(\w+)|ERROR \S*::(\w+)", output.read())
        said += f" {(failed[1] or failed[2]).decode() if failed else '?'}"
    return said or "killed by a crash"


def check_unchanged(contracts: Iterable[str]) -> None:
    """Exit where the tests fail without any change: every mutant would count as killed."""
    for contract in contracts:
        said = judge(partial(noticed, contract))
        if said != "survived":
            raise SystemExit(f"{contract} without a change: {said}; no mutant can be judged")


def count(file: Path) -> dict[str, dict[str, int]]:
    """Count the verdicts of a file that ``--json`` wrote by source; the killing test is ignored."""
    counts: dict[str, Counter[str]] = {}
    for line in file.read_text().splitlines():
        row = json.loads(line)
        said = "killed" if row["verdict"].startswith("killed") else row["verdict"]
        counts.setdefault(row["file"], Counter())[said] += 1
    return {name: dict(found) for name, found in counts.items()}


def main() -> int:
    """Judge all mutants, or those of some files."""
    parser = argparse.ArgumentParser(
        description="Change the contracts one line at a time, and see whether a test notices."
    )
    parser.add_argument("--only", nargs="*", default=list(CONTRACT), metavar="FILE")
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS, help="which changes")
    parser.add_argument("--count", type=Path, metavar="FILE", help="only count the verdicts of such a file")
    parser.add_argument("--json", type=Path, help="write every verdict to this file, one a line")
    parser.add_argument("--again", type=Path, metavar="FILE", help="only those that survived according to such a file")
    parser.add_argument("--list", action="store_true", help="only count the mutants")
    options = parser.parse_args()
    if options.count:
        print(json.dumps(count(options.count)))
        return 0
    every = [mutant for file in options.only for mutant in mutants(file) if mutant.kind in options.kinds]
    if options.again:
        told = [json.loads(line) for line in options.again.read_text().splitlines()]
        alive = {(row["file"], row["line"], row["after"]) for row in told if row["verdict"] == "survived"}
        every = [mutant for mutant in every if (mutant.file, mutant.line, mutant.after) in alive]
    if options.list:
        print(json.dumps(Counter(mutant.file for mutant in every)))
        return 0
    # Loaded once, for all children.
    import eth_account
    import pytest
    import vyper.cli.vyper_compile

    from contracts.compile import artifacts
    from tests.contracts import anvil_world, settlement_rules

    assert all((eth_account, pytest, vyper, anvil_world, settlement_rules))
    artifacts()
    check_unchanged(sorted({CONTRACT[mutant.file] for mutant in every}))
    counts: Counter[str] = Counter()
    for number, mutant in enumerate(every, 1):
        said = judge(partial(verdict, mutant))
        counts[" ".join(said.split()[:3])] += 1
        if options.json:
            with options.json.open("a") as file:
                file.write(json.dumps({**asdict(mutant), "verdict": said}) + "\n")
        if said == "survived":
            print(f"{mutant.file}:{mutant.line}\n  - {mutant.before.strip()}\n  + {mutant.after.strip()}", flush=True)
        print(f"{number}/{len(every)} {dict(counts)}", file=sys.stderr, flush=True)
    print(json.dumps(counts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
