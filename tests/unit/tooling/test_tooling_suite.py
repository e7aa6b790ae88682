"""Report of failed tests: rerun, name, count, and the exit code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tooling import pytest_run, suite
from tooling.pytest_run import FAILED, MOST_RERUNS, PASSED, Outcome, Part, last_failed, outcome, verdict
from tooling.suite import MODES, SHORT, UNITS, left_out

ROOT = Path(__file__).resolve().parents[3]
PART = Part("some tests", ("-q", "tests"), workers=2)


class Script:
    """A pytest whose tests fail as a script says: ``fails[test]`` times each."""

    def __init__(self, code: int | None = None, **fails: int) -> None:
        self.code, self.fails = code, dict(fails)
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, arguments: Sequence[str]) -> tuple[int, Mapping[str, str]]:
        """Run the one test that is named, or all."""
        self.calls.append(tuple(arguments))
        named = [test for test in self.fails if test in arguments] or list(self.fails)
        failed = [test for test in named if self.fails[test] > 0]
        for test in failed:
            self.fails[test] -= 1
        return (self.code if self.code is not None else FAILED if failed else PASSED), {
            test: f"{test} is wrong" for test in failed
        }


def test_a_run_without_failures_is_run_once() -> None:
    """Nothing is started again, and the run passes."""
    script = Script(one=0)
    found = outcome(PART, script)
    assert (found, script.calls) == (Outcome(), [PART.command()])
    assert verdict([found])[0] == 0


def test_a_failed_test_is_run_again_alone_and_sorted_by_its_second_result() -> None:
    """Each in a process of its own without workers; passed is unsteady, failed is failed."""
    script = Script(shaky=1, wrong=2, good=0)
    found = outcome(PART, script)
    assert (found.unsteady, found.failed) == (("shaky",), ("wrong",))
    assert script.calls[1:] == [PART.again("shaky"), PART.again("wrong")]
    assert "-n" in PART.command()
    assert "-n" not in PART.again("shaky")


@pytest.mark.parametrize(("unsteady", "code"), [(0, 0), (2, 0), (3, 1)])
def test_more_than_two_unsteady_tests_fail_a_run(unsteady: int, code: int) -> None:
    """Counted over all parts, and each is named."""
    names = tuple(f"test_{n}" for n in range(unsteady))
    found, lines = verdict([Outcome(unsteady=names[:1]), Outcome(unsteady=names[1:])])
    assert found == code
    assert all(any(line.endswith(name) for line in lines) for name in names)
    assert lines[-1].startswith(f"{unsteady} unsteady")


@pytest.mark.parametrize(
    ("reasons", "code"), [(("no words",) * 4, 0), (("no words", "no words", "late", "lost"), 1), (("",) * 4, 1)]
)
def test_tests_that_share_a_broken_fixture_have_one_cause(reasons: tuple[str, ...], code: int) -> None:
    """The same words in the same file are counted once; without words each test counts."""
    names = [f"tests/test_x.py::test_{n}" for n in range(4)]
    assert verdict([Outcome(unsteady=tuple(names), reasons=dict(zip(names, reasons, strict=True)))])[0] == code


def test_a_test_that_fails_twice_fails_the_run_and_is_named() -> None:
    """One is enough; the first line of what it said comes after it."""
    code, lines = verdict(
        [Outcome(), Outcome(failed=("tests/x.py::test_wrong",), reasons={"tests/x.py::test_wrong": "1 is not 2"})]
    )
    assert code == 1
    assert lines[:2] == ["failed: tests/x.py::test_wrong", "  1 is not 2"]


@pytest.mark.parametrize("code", [2, 3, 4, 5, -9, FAILED])
def test_an_aborted_run_fails(code: int) -> None:
    """Interrupted, crashed, nothing collected, or failed without a test's name: never a pass."""
    script = Script(code)
    found = outcome(PART, script)
    assert found.broken == code
    assert len(script.calls) == 1
    assert verdict([found])[0] == 1


def test_many_failures_are_not_rerun() -> None:
    """More than ``MOST_RERUNS`` are not run again."""
    script = Script(**{f"test_{n}": 1 for n in range(MOST_RERUNS + 1)})
    found = outcome(PART, script)
    assert len(found.failed) == MOST_RERUNS + 1
    assert len(script.calls) == 1


@pytest.mark.long
def test_failures_of_a_real_run_are_read_back(tmp_path: Path) -> None:
    """With workers, in a set-up, with a parameter: pytest's record names each failed test by what runs it again."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "from pathlib import Path\n"
        "@pytest.fixture\ndef broken(): raise ValueError\n"
        "def test_set_up(broken): pass\n"
        "@pytest.mark.parametrize('x', ['a b', 'c'])\ndef test_call(x): assert x == 'c'\n"
        "def test_once():\n    made = Path('made').exists()\n    Path('made').touch()\n    assert made\n"
    )
    # Without the plugins of everything else that is installed, which take longer than the tests.
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p xdist -p pytest_timeout"}
    found = outcome(Part("real", ("-q", "test_some.py"), 2), pytest_run.pytest(bare, tmp_path))
    assert found.unsteady == ("test_some.py::test_once",)
    assert sorted(found.failed) == ["test_some.py::test_call[a b]", "test_some.py::test_set_up"]
    assert found.broken is None
    assert found.reasons["test_some.py::test_call[a b]"].startswith("AssertionError: assert 'a b' == 'c'")
    assert "ValueError" in found.reasons["test_some.py::test_set_up"]


def test_a_cache_without_failures_names_none(tmp_path: Path) -> None:
    """Pytest writes the record only when there is something in it."""
    assert last_failed(tmp_path) == []


def test_temporary_files_are_removed(tmp_path: Path) -> None:
    """Every temporary file of the tests is in the given folder, and is removed at the end."""
    memory, project = tmp_path / "memory", tmp_path / "project"
    memory.mkdir()
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "test_some.py").write_text(
        "import tempfile\n"
        f"def test_place(tmp_path):\n    assert {str(memory)!r} in str(tmp_path)\n"
        f"    assert {str(memory)!r} in tempfile.mkdtemp()\n"
    )
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    assert pytest_run.pytest(bare, project, memory)(["-q", "test_some.py"]) == (PASSED, {})
    assert list(memory.iterdir()) == []


@pytest.mark.parametrize(("mode", "expected"), [("all", []), ("quick", ["pytest"])])
def test_a_failed_check_fails_the_run(monkeypatch: pytest.MonkeyPatch, mode: str, expected: list[str]) -> None:
    """In a whole run before the tests start; a quick run has them beside the checks, and fails all the same."""
    ran: list[str] = []

    def run(parts: Sequence[Part]) -> list[Outcome]:
        ran.append("pytest")
        return [Outcome() for _ in parts]

    monkeypatch.setattr(suite, "check", lambda title, command: title != "mypy")
    monkeypatch.setattr(suite, "tests", run)
    assert suite.main(mode) == FAILED
    assert ran == expected
    monkeypatch.setattr(suite, "check", lambda title, command: True)
    assert suite.main(mode) == PASSED


def test_the_parts_run_every_test_file_once() -> None:
    """Each test file is in exactly one part of the whole run."""
    for name in files():
        held = [part for part in MODES["all"].parts if covers(part, name)]
        assert len(held) == 1, (name, [part.title for part in held])


def test_a_quick_run_has_a_test_of_every_room() -> None:
    """Each folder of the unit tests has a file that the quick run reaches and that is not marked long as a whole."""
    (part,) = MODES["quick"].parts
    reached = {
        Path(name).parts[2]
        for name in files()
        if covers(part, name) and "\npytestmark = pytest.mark.long" not in (ROOT / name).read_text()
    }
    assert {
        folder.name for folder in (ROOT / "tests" / "unit").iterdir() if any(folder.glob("**/test_*.py"))
    } <= reached


def files() -> list[str]:
    """Every test file, relative to the project's root."""
    return [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]


def covers(part: Part, name: str) -> bool:
    """Return whether pytest's arguments of a part reach a file."""
    paths = [one for one in part.arguments if one.startswith("tests")]
    ignored = [one.removeprefix("--ignore=") for one in part.arguments if one.startswith("--ignore=")]

    def under(one: str) -> bool:
        return os.path.commonpath([one, name]) == one

    return name in paths or (any(map(under, paths)) and not any(map(under, ignored)))


def test_a_quick_run_ignores_no_folder_of_a_short_file() -> None:
    """Pytest would not collect files of ``SHORT``: they are within ``tests/unit``, and their folder is ignored."""
    ignored = {Path(path) for path in left_out()}
    for name in SHORT:
        path = Path(UNITS) / name
        assert (ROOT / path).is_file()
        assert ignored.isdisjoint({path, *path.parents})
    assert Path(UNITS) / "chain" / "test_contract_clients.py" in ignored
