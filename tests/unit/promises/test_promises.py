"""Everything that the documents and the commands' help name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import click
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import MODULES
from gomaa.cli import group
from tests.unit.promises import commands, names
from tests.unit.promises.documents import ROOT, Document, documents, guides

GUIDES: Final = list(guides())
ALL: Final = {one.name: one for one in documents()}
KINDS: Final = {
    "gomaa": commands.wrong_gomaa,
    "options": commands.wrong_lone_options,
    "build.py": commands.wrong_build,
    "modules": commands.wrong_modules,
    "extras": commands.wrong_extras,
    "paths": names.wrong_paths,
    "links": lambda document: names.wrong_links(document, ALL),
    "codes": names.wrong_codes,
    "variables": names.wrong_variables,
    "routes": names.wrong_routes,
}

INVENTED: Final = [
    ("gomaa", "`gomaa sing song.wav`"),
    ("gomaa", "`gomaa report fan|producer`"),
    ("gomaa", "`gomaa report society --form xml`"),
    ("gomaa", "`gomaa report fan --form dsr`"),
    ("gomaa", "Say `gomaa audit --sworn`, then wait."),
    ("gomaa", "```sh\ngomaa publish song.sps --key owner.key --deployment deployment.json\ngomaa chain show\n```\n"),
    ("gomaa", "```sh\ngomaa publish song.sps \\\n  --deployment deployment.json\n```\n"),
    ("options", "With `--sworn FILE` it swears."),
    ("build.py", "```\npython3 build.py sing\n```\n"),
    ("build.py", "`python3 build.py demo --headless --colour`"),
    ("build.py", "`GOMAA_BENCH_ROUNDS=3 python3 build.py bench seek loudest`"),
    ("modules", "`python -m benchmarks.loudest`"),
    ("modules", "`python -m tests.vectors.codes --sworn`"),
    ("extras", "`pip install '.[singing]'`"),
    ("extras", '`pip install "gomaa[studio,singing]"`'),
    ("paths", "`docs/singing.md`"),
    ("paths", "`content/singing.js`"),
    ("paths", "`singing.py`"),
    ("paths", "`studio/singing/`"),
    ("paths", "`tests/unit/promises/test_promises.py::test_singing`"),
    ("links", "[here](docs/singing.md)"),
    ("links", "![picture](docs/pictures/singing.png)"),
    ("links", "[here](#singing)"),
    ("links", "[here](docs/audit.md#singing)"),
    ("codes", "`content.sung`"),
    ("codes", "`data.missing`, `data.sung`"),
    ("variables", "Set `GOMAA_SINGING=1`."),
    ("routes", "`GET /v1/songs`"),
    ("routes", "`POST {server url}/v1/voucher`"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("document", GUIDES, ids=lambda one: one.name)
def test_names_in_a_document_exist(document: Document, kind: str) -> None:
    """No command, option, file, link, code, variable or route in it is invented or removed."""
    assert sorted(set(KINDS[kind](document))) == []


@pytest.mark.parametrize(("kind", "text"), INVENTED)
def test_an_invented_name_is_found(kind: str, text: str) -> None:
    """Each kind of name is checked: an invented one is reported, and only by its kind."""
    document = Document("README.md", text)
    assert list(KINDS[kind](document))
    assert [other for other in KINDS if other != kind and list(KINDS[other](document))] == []


def leaves(
    command: click.Command = group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group with the words that lead to it."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from leaves(found, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in leaves()], ids=lambda path: " ".join(("gomaa", *path)))
def test_names_in_help_exist(path: tuple[str, ...]) -> None:
    """``--help`` of each command works, and the commands, options and pages in it exist."""
    done = CliRunner().invoke(group, [*path, "--help"], terminal_width=10_000)
    assert done.exit_code == 0, done.output
    text = done.output
    # Help has no backquotes: each word that looks like a promise is taken as one.
    spans = " ".join(f"`{word.strip('.,;:()[]')}`" for word in text.split() if "/" in word or word.endswith(names.CODE))
    document = Document("README.md", f"```\n{text}\n```\n{spans}")
    lines = [line for line in text.splitlines() if "gomaa " in line and not line.startswith("Usage:")]
    promised = Document("README.md", " ".join(f"`{line[line.index('gomaa ') :]}`" for line in lines))
    assert [*names.wrong_paths(document), *names.wrong_variables(document), *commands.wrong_gomaa(promised)] == []


def test_each_command_is_documented() -> None:
    """Every command is named in a guide or the README."""
    said = "\n".join(one.text for one in GUIDES if one.name != "CHANGELOG.md")
    named: set[tuple[str, ...]] = set()
    for one in GUIDES:
        for line in commands.lines(one):
            for rest in commands._GOMAA.findall(line):
                for command, _, _ in commands.resolve(commands.tokens(rest)):
                    named |= {path for path, found in leaves() if found is command}
    missing = [
        " ".join(path) for path, command in leaves() if not isinstance(command, click.Group) and path not in named
    ]
    assert [path for path in missing if f"gomaa {path}" not in said] == []


def _rows(heading: str) -> list[list[str]]:
    """Cells of the table in docs/benchmarks.md whose first line begins so."""
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    (table,) = [part for part in text.split("\n\n") if part.startswith(heading)]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in table.splitlines()[2:]]


def test_documented_figures_are_those_of_the_command() -> None:
    """docs/benchmarks.md describes every name of ``build.py bench`` and no other."""
    listed = [name.strip() for row in _rows("| figure | what is measured") for name in row[0].split(",")]
    assert sorted(listed) == sorted(MODULES)


def test_each_figure_has_its_date_commit_and_command() -> None:
    """A figure in docs/benchmarks.md has date, commit and command, or is marked as not measured."""
    rows = _rows("| figure | ours |")
    for name, ours, *_, when, command in rows:
        assert command.strip("`").split(" python3 ")[-1].removeprefix("python3 ").startswith("build.py bench "), name
        assert when == "" if ours == "not idle yet" else re.fullmatch(r"20\d\d-\d\d-\d\d, [0-9a-f]{7}", when), name
    commands_of = " ".join(row[-1] for row in rows)
    modules = {MODULES[word] for word in re.findall(r"\w+", commands_of) if word in MODULES}
    assert modules == set(MODULES.values())
