"""``gomaa policy``, and the policies that a musician finds as examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gomaa.policy import policy
from pywallet.errors import GomaaError
from pywallet.policy import Policy, require_narrower

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples" / "policies").glob("*.toml"))


def run(*arguments: str) -> str:
    """The command's output; its error as it was raised."""
    done = CliRunner().invoke(policy, arguments)
    if isinstance(done.exception, GomaaError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_and_said_in_both_languages(path: Path) -> None:
    """Checked, its hash told, and told in English and Chinese with as many sentences."""
    found = Policy.from_toml(path.read_text())
    require_narrower(found)
    assert found.hash.hex() in run("check", str(path))
    english, chinese = (json.loads(run("explain", str(path), "--language", lang, "--json")) for lang in ("en", "zh"))
    assert len(english["limits"]) == len(chinese["limits"])
    assert all(ord(max(text)) > 0x2E80 for text in (chinese["may"], chinese["left"], *chinese["limits"]))


def test_the_examples_are_the_five_that_are_promised() -> None:
    """Free radio, ten plays, a rental, a preview, a promo."""
    assert [path.stem for path in EXAMPLES] == [
        "free-radio",
        "preview-then-pay",
        "promo-self-destruct",
        "rental-48h",
        "ten-plays",
    ]


def test_times_in_words_are_the_headers_seconds(tmp_path: Path) -> None:
    """Durations and dates become seconds; zones are kept; without one it is UTC."""
    text = 'permissions=["play"]\nttl = "48 hours"\nexpires = 2027-01-31T01:00:00+01:00\nstart_by = 2027-01-31\n'
    found = Policy.from_toml(
        text + '[price]\ninterval_s = 5\nowner = "1"\nreward = "0"\n[counts]\nplay = { limit = 1, per = "1 week" }\n'
    )
    assert (found.ttl_s, found.expires_s, found.start_by_s) == (172_800, 1_801_353_600, 1_801_353_600)
    assert found.counts["play"].per_s == 604_800


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('ttl = "soon"', "ttl"),
        ("ttl = 5", "ttl"),
        ('ttl = "2 hours"\nttl_s = 7200', "ttl"),
        ('expires = "tomorrow"', "expires"),
        ('self_destruct = ["never"]', "self_destruct"),
        ('territories = ["Germany"]', "territories"),
        ("devices = 0", "devices"),
        ('preview = "30 s"', "preview_s"),
        ("part = { from_s = 9, to_s = 9 }", "part.to_s"),
        ('renewal = { every = "1 h", retry = "2 h" }', "renewal.retry_s"),
        ("counts = { seek = { limit = 1, unit = 'second' } }", "counts.seek.unit"),
        ("counts = { play = { limit = 1, unit = 'timed' } }", "counts.play.after_s"),
        ("counts = { play = { limit = 1, unit = 'second', per = '1 h' } }", "counts.play.unit"),
        ("child = { permissions = ['play'] }", "child"),
        ("child = " + "{ child = " * 40 + "{}" + " }" * 40, "child" + ".child" * 13),
    ],
)
def test_a_wrong_line_is_named(line: str, field: str, tmp_path: Path) -> None:
    """Each mistake is refused with the field that a musician wrote."""
    path = tmp_path / "terms.toml"
    path.write_text(f'permissions = ["play"]\n{line}\n[price]\ninterval_s = 5\nowner = "1"\nreward = "0"\n')
    with pytest.raises(GomaaError) as caught:
        run("check", str(path))
    assert (caught.value.code, caught.value.detail["field"]) == ("policy.malformed", field)


def test_passing_on_under_wider_terms_is_refused() -> None:
    """Ten plays may not become free radio; the other way round the price would fall."""
    by_name = {path.stem: str(path) for path in EXAMPLES}
    for parent, child in (("ten-plays", "free-radio"), ("promo-self-destruct", "ten-plays")):
        with pytest.raises(GomaaError) as caught:
            run("check", by_name[child], "--narrows", by_name[parent])
        assert caught.value.code == "policy.child.wider"
    run("check", by_name["ten-plays"], "--narrows", by_name["ten-plays"])
