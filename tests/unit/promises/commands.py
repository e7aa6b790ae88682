"""Check the command lines in a text against the existing commands."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from gomaa.cli import group
from tests.unit.promises.documents import ROOT, Document

_GOMAA: Final = re.compile(r"(?<![\w/.\-])gomaa (?=\S)(.*)")
_BUILD: Final = re.compile(r"(?<![\w/.\-])build\.py (?=\S)(.*)")
_MODULE: Final = re.compile(r"python3? -m (\S+)(.*)")
_OPTION: Final = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[a-z](?![\w-]))")
_WORD: Final = re.compile(r"[a-z][a-z0-9-]*(\|[a-z][a-z0-9-]*)*$")
_END: Final = re.compile(r"\s[#|;&>]\s|\s#|  \s*(?=[a-z])")


def tokens(text: str) -> list[str]:
    """Words of one command line, up to a pipe, a comment or the column that explains it."""
    text = _END.split(f"{text} ", maxsplit=1)[0]
    return [word.strip("[](),.") for word in text.split() if word.strip("[](),.")]


def lines(document: Document) -> Iterator[str]:
    """Command lines: of fenced blocks, and whole spans of code."""
    yield from document.lines
    yield from document.spans


def resolve(words: list[str]) -> Iterator[tuple[click.Command, list[str], str]]:
    """Find the commands behind ``words``, in which ``a|b`` stands for either.

    Yields:
        The command, the words after its name, and what is wrong with the name (empty if nothing).
    """
    yield from _below(group, words, "gomaa")


def _below(command: click.Command, words: list[str], path: str) -> Iterator[tuple[click.Command, list[str], str]]:
    if not isinstance(command, click.Group) or not words or not _WORD.match(words[0]):
        yield command, words, ""
        return
    for name in words[0].split("|"):
        found = command.get_command(click.Context(command), name)
        if found is None:
            yield command, [], f"{path} {name}: no such command"
        else:
            yield from _below(found, words[1:], f"{path} {name}")


def options_of(command: click.Command) -> dict[str, click.Parameter]:
    """Options of a command, by each of their names."""
    found = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("-")}
    helps = click.Option(["--help", "-h"])
    return {**found, "--help": helps, "-h": helps}


def wrong_options(command: click.Command, words: list[str]) -> Iterator[str]:
    """Options and values of a choice that a command does not have."""
    known = options_of(command)
    for word, after in itertools.zip_longest(words, words[1:], fillvalue=""):
        name, _, value = word.partition("=")
        for option in name.split("|"):
            if not _OPTION.fullmatch(option):
                continue
            if option not in known:
                yield f"{command.name} {option}: no such option"
                continue
            choice = known[option].type
            values = (value or after).split("|")
            if isinstance(choice, click.Choice) and all(re.fullmatch(r"[a-z0-9]+", one) for one in values):
                yield from (
                    f"{command.name} {option} {one}: no such choice" for one in values if one not in choice.choices
                )


def missing_parts(command: click.Command, words: list[str]) -> Iterator[str]:
    """Required options and arguments that a whole command line leaves out."""
    if (
        isinstance(command, click.Group)
        or {"…", "...", "-h", "--help"} & set(words)
        or any("|" in word for word in words)
    ):
        return
    takes_value = {
        name for name, one in options_of(command).items() if isinstance(one, click.Option) and not one.is_flag
    }
    given = {name for name in words if name.startswith("-") and name != "-"}
    free, skip = 0, False
    for word in words:
        free += not skip and (not word.startswith("-") or word == "-")
        skip = word in takes_value
    for one in command.params:
        if one.required and isinstance(one, click.Option) and not given & set(one.opts):
            yield f"{command.name}: {one.opts[0]} is missing"
    if free < sum(one.required for one in command.params if isinstance(one, click.Argument)):
        yield f"{command.name}: an argument is missing"


def wrong_gomaa(document: Document) -> Iterator[str]:
    """``gomaa`` command lines with a command, option or choice that is not there, or a block's line that cannot run."""
    for line in lines(document):
        for rest in _GOMAA.findall(line):
            for command, words, wrong in resolve(tokens(rest)):
                if wrong:
                    yield wrong
                    continue
                yield from wrong_options(command, words)
                if line in document.lines and "[" not in line:
                    yield from missing_parts(command, words)


def every_option() -> set[str]:
    """Options of every command of ``gomaa``."""

    def below(command: click.Command) -> Iterator[str]:
        yield from options_of(command)
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                found = command.get_command(click.Context(command), name)
                assert found is not None
                yield from below(found)

    return set(below(group))


def wrong_lone_options(document: Document) -> Iterator[str]:
    """Options named without their command (```--keep DIR```) that no command has."""
    known = every_option() | set(
        _OPTION.findall(
            _source("build.py", "tooling/*.py", "demo/*.py", "benchmarks/*.py", "tests/contracts/mutate.py")
        )
    )
    for span in document.spans:
        if span.startswith("--"):
            yield from (f"{option}: no command has it" for option in _OPTION.findall(span) if option not in known)


@cache
def build_commands() -> frozenset[str]:
    """Commands of build.py, as its own help lists them."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "build.py"), "--help"], capture_output=True, text=True, check=True
    )
    listed = re.search(r"\{([a-z,-]+)\}", done.stdout)
    assert listed
    return frozenset(listed[1].split(","))


@cache
def _source(*patterns: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(ROOT.glob(pattern)))


_OPTIONS_OF_BUILD: Final = {
    "demo": ("build.py", "demo/*.py"),
    "bench": ("build.py", "benchmarks/__main__.py"),
    "soak": ("build.py", "tests/simulation/run.py", "tests/integration/kills.py", "tests/integration/chaos.py"),
}


def wrong_build(document: Document) -> Iterator[str]:
    """``build.py`` command lines with a command, an option or a figure that is not there."""
    from benchmarks.__main__ import MODULES

    for line in lines(document):
        for rest in _BUILD.findall(line):
            words = tokens(rest)
            for name in words[0].split("|") if words and _WORD.match(words[0]) else ():
                if name not in build_commands():
                    yield f"build.py {name}: no such command"
                    continue
                source = _source(*_OPTIONS_OF_BUILD.get(name, ("build.py", "tooling/*.py")))
                options = [word for word in words[1:] if _OPTION.fullmatch(word)]
                yield from (
                    f"build.py {name} {option}: no such option" for option in options if f'"{option}"' not in source
                )
                if name == "bench":
                    figures = (word for word in words[1:] if re.fullmatch(r"[a-z0-9_]+", word))
                    yield from (
                        f"build.py bench {figure}: no such figure" for figure in figures if figure not in MODULES
                    )


def wrong_modules(document: Document) -> Iterator[str]:
    """``python -m`` lines with a module of ours that is not there, or an option that its source does not have."""
    for line in lines(document):
        for module, rest in _MODULE.findall(line):
            name = module.strip("`,.;)")
            if not (ROOT / name.split(".")[0]).exists():
                continue
            spec = find_spec(name)
            if spec is None:
                yield f"python -m {name}: no such module"
                continue
            places = [Path(one) for one in spec.submodule_search_locations or ()]
            main = [place / "__main__.py" for place in places] or [Path(spec.origin or "")]
            source = main[0].read_text(encoding="utf-8")
            options = [word for word in tokens(rest) if re.fullmatch(r"--[a-z-]+", word)]
            yield from (
                f"python -m {name} {option}: no such option" for option in options if f'"{option}"' not in source
            )


def wrong_extras(document: Document) -> Iterator[str]:
    """Extras of an installation (``pip install ".[studio]"``) that pyproject.toml does not have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in lines(document):
        for found in re.findall(r"(?:\bgomaa|(?<!\w)\.)\[([a-z]+(?:, ?[a-z]+)*)\]", line):
            names = re.split(r", ?", found)
            yield from (f"[{name}]: no such extra" for name in names if name not in project["optional-dependencies"])
