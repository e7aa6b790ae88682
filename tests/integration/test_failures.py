"""Failures of a running host: each has its code, and following the screen's advice makes the song play."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from native_host.playback.content_check import Station
from pywallet.crypto import address_of
from pywallet.errors import SENTENCES, GomaaError
from pywallet.policy import Context, Count, Price, Usage
from pywallet.policy.describe import describe
from pywallet.protocol import Session, Signed
from pywallet.sps.renderer import require as require_renderer
from pywallet.sps.signed_header import sign_header
from tests.integration.host_process import ROOT
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, OWNER, POLICY, SERVER, START_S, STATION, World, header, world
from tests.ui_preview import failures as shown

HERE = "https://radio.example"
PAID = replace(POLICY, price=Price(30, 20, 0, "listener"), lease=None)
LATER = replace(POLICY, not_before_s=START_S + 3600)
WALLET = replace(POLICY, listener="wallet")
FREE = replace(POLICY, counts={})
MINDS = replace(FREE, self_destruct=("rollback",))
REGION = replace(POLICY, territories=("DE", "AT"))
ONCE = replace(POLICY, counts={"play": Count(1, per_s=3_600)}, lease=None)
RADIO = Station(address_of(STATION), "Radio", "radio.example")
Step = Callable[[World], Awaitable[Any]]


@pytest.fixture
async def fan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host after its hello, and its server."""
    async with StandIn(SERVER, DOMAIN).running() as server, world(tmp_path, server, monkeypatch) as one:
        yield one


async def play(fan: World, policy: Any = POLICY, wallet: bool = True, **ticket: Any) -> None:
    """All requests of one press of play; Try again opens the song anew."""
    await fan.open("s", policy)
    told = await fan.identify(fan.session().to_json() if wallet else None)
    session = fan.session() if wallet else Signed.from_json(Session, told["session"])
    await fan.prepare(fan.ticket(session, **ticket).to_json())
    await fan.invoke("play", 0, 0, 1)


async def _chain(fan: World, down: bool) -> None:
    fan.chain.down = down


async def _facts(fan: World, **changes: Any) -> None:
    fan.chain.facts = replace(fan.chain.facts, **changes)


async def _site(fan: World, state: str) -> None:
    await fan.ask("site", origin=HERE, state=state)


async def _budget(fan: World) -> None:
    for origin in (HERE, "*"):
        await fan.ask("site", origin=origin, day_wei="40")


async def _nothing(fan: World) -> None:
    """Do nothing."""


async def _hour(fan: World) -> None:
    fan.chain.now += 3_600_000
    fan.server.now_s += 3_600


async def _elsewhere(fan: World) -> None:
    """Play the same listener's music in another tab."""
    await fan.prepared("other")
    await fan.invoke("play", 0, 0, 1, stream="other")


async def _stopped(fan: World) -> None:
    await fan.ask("close", stream="other")
    await fan.reported()


async def _heard(fan: World) -> None:
    """Play the only permitted play to its end."""
    await play(fan, ONCE)
    fan.chain.now += 10_000
    await fan.invoke("pause", 10_000)
    await fan.ask("close", stream="s")


async def _ended(fan: World) -> None:
    """Use a session of the week before."""
    await fan.open("s")
    await fan.identify(fan.session(not_after=START_S - 1).to_json())


async def _skew(fan: World, ms: int) -> None:
    """Set this computer's clock off the chain's."""
    fan.chain.skew_ms = ms


async def _back(fan: World) -> None:
    """Set the clock back by ten minutes during playback."""
    await play(fan, MINDS)
    await _skew(fan, -600_000)


async def _seek(fan: World) -> None:
    await fan.invoke("seek", 20_000)


async def _server(fan: World, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(fan.server, name, value)


async def _full(fan: World) -> None:
    """Fill the disk during playback."""
    await play(fan, FREE)
    fan.host.ledger._db.execute("PRAGMA max_page_count=1")
    with pytest.raises(GomaaError, match=r"host\.disk\.full"):
        _fill(fan)


def _fill(fan: World) -> None:
    ledger = fan.host.ledger
    for number in range(10_000):
        with ledger.write():
            ledger.add_content(number.to_bytes(20, "big"), "x" * 1000, "")


async def _room(fan: World) -> None:
    fan.host.ledger._db.execute("PRAGMA max_page_count=1000000")


async def _held(fan: World) -> None:
    """Lock the ledger, as a backup program does."""
    fan.host.ledger._db.execute("PRAGMA busy_timeout=1")
    other = sqlite3.connect(fan.host.paths.ledger, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    fan.held = other  # type: ignore[attr-defined]


async def _through(fan: World) -> None:
    fan.held.close()  # type: ignore[attr-defined]


async def _mistaken(fan: World) -> None:
    """Raise an unexpected error once."""

    async def ready() -> None:
        del fan.chain.ready  # type: ignore[attr-defined]
        raise LookupError("not foreseen")

    fan.chain.ready = ready  # type: ignore[method-assign]


async def _deaf(fan: World) -> None:
    """Open as a browser that decodes none of the song's formats."""
    await fan.open("s", codecs=["opus"])


async def _hearing(fan: World) -> None:
    await fan.open("s", codecs=["opus", "flac"])


def _with(policy: Any = POLICY, wallet: bool = True, **ticket: Any) -> Step:
    return lambda fan: play(fan, policy, wallet, **ticket)


CASES: dict[str, tuple[Step, Step, Step, Step]] = {
    # code: its cause, the play that fails, the advised action, the play that works
    "chain.unreachable": (lambda f: _chain(f, True), _with(), lambda f: _chain(f, False), _with()),
    "site.paused": (lambda f: _site(f, "paused"), _with(), lambda f: _site(f, "allowed"), _with()),
    "site.consent": (lambda f: _site(f, "revoked"), _with(), lambda f: _site(f, "allowed"), _with()),
    "site.budget": (_nothing, _with(PAID, reward=0), _budget, _with(PAID, reward=0)),
    "policy.not_yet": (_nothing, _with(LATER), _hour, _with(LATER, expiry=START_S + 7_200)),
    "policy.wallet.required": (_nothing, _with(WALLET, wallet=False), _nothing, _with(WALLET)),
    "policy.count.exhausted": (_heard, _with(ONCE), _hour, _with(ONCE, expiry=START_S + 7_200)),
    "session.busy": (_elsewhere, _with(), _stopped, _with()),
    "session.expired": (_nothing, _ended, _nothing, _with()),
    "host.disk.full": (_full, _with(FREE), _room, _with(FREE)),
    "host.ledger.busy": (_held, _with(), _through, _with()),
    "internal": (_mistaken, _with(), _nothing, _with()),
    "invocation.time": (lambda f: _server(f, ahead_ms=600_000), _with(), lambda f: _server(f, ahead_ms=0), _with()),
    "media.unsupported": (_nothing, _deaf, _nothing, _hearing),
    "policy.clock.rollback": (_back, _seek, lambda f: _skew(f, 0), _with(MINDS)),
    "policy.territory.denied": (
        lambda f: _server(f, place={"territory": "FR"}),
        _with(REGION),
        lambda f: _server(f, place={"territory": "AT"}),
        _with(REGION),
    ),
    "server.answer": (lambda f: _server(f, closed="internal"), _with(), lambda f: _server(f, closed=""), _with()),
    "station.escrow.short": (
        lambda f: _server(f, closed="station.escrow.short"),
        _with(),
        lambda f: _server(f, closed=""),
        _with(),
    ),
    "station.unknown": (lambda f: _facts(f, station=None), _with(), lambda f: _facts(f, station=RADIO), _with()),
    "station.right.missing": (
        lambda f: _facts(f, licensed=False),
        _with(),
        lambda f: _facts(f, licensed=True),
        _with(),
    ),
}


_FAULTS = "tests/unit/native_host/test_start_faults.py::"
_NETWORK = "tests/integration/test_host_network.py::"
_NATIVE = "tests/unit/extension/native.test.mjs::"
_WEB = "tests/unit/extension/web_request.test.mjs::"
ELSEWHERE: dict[str, str] = {
    # code: the test that performs the advised action, where that is no request to a running host
    "host.missing": f"{_NETWORK}test_the_players_command_installs_a_working_host",
    "host.version": f"{_FAULTS}test_of_two_versions_the_older_is_updated",
    "host.answer": f"{_NATIVE}a host that makes no sense is updated, and its successor is understood",
    "host.gone": f"{_NATIVE}a host that goes takes every waiting request with it, and the next request opens anew",
    "host.slow": f"{_NATIVE}a host that takes too long is asked again, and answers",
    "host.network.missing": f"{_NETWORK}test_a_station_network_is_added_after_consent",
    "host.network.damaged": f"{_NETWORK}test_a_damaged_network_is_added_again",
    "host.folder.denied": f"{_FAULTS}test_a_fault_at_start_has_its_code_and_remedy",
    "host.ledger.failed": f"{_FAULTS}test_a_disk_with_read_errors_is_reported",
    "host.ledger.damaged": f"{_FAULTS}test_a_fault_at_start_has_its_code_and_remedy",
    "host.ledger.version": f"{_FAULTS}test_a_lost_table_is_damage_and_a_newer_ledger_is_not",
    "host.device.key": f"{_FAULTS}test_a_fault_at_start_has_its_code_and_remedy",
    "server.unreachable": "tests/integration/test_failures.py::test_an_unreachable_server_is_reported_and_recovers",
    "station.unreachable": f"{_WEB}a station that was unreachable or invalid is requested again",
    "station.answer": f"{_WEB}a station that was unreachable or invalid is requested again",
    "message.flood": "tests/unit/extension/token_bucket.test.mjs::a bucket grants a burst, marks the first refusal "
    "only, and refills with time",
    "sps.truncated": "tests/unit/extension/sps_source.test.mjs::a file that was truncated can be read "
    "once it is complete",
    "sps.version": "tests/integration/test_failures.py::test_a_file_of_a_later_version_plays_in_a_later_player",
}
_VERBS = "update|try|check|set|press|open|run|wait|unlock|create|make room|close|raise|stop|allow|resume"
ASKS = re.compile(rf"(?:^|[.;,:] (?:then )?)(?:{_VERBS})\b", re.IGNORECASE)
"""Words with which a sentence asks a person to do something."""
TEXTS = json.loads((ROOT / "extension/_locales/en/messages.json").read_text(encoding="utf-8"))


def test_every_advice_is_performed_by_a_test() -> None:
    """Every action that a screen of the table of codes offers or advises is performed in a test."""
    remedies = {}
    for file in ("extension/player/model.js", "extension/ui/host.js"):
        remedies |= dict(re.findall(r'^  "([a-z_.]+)": "([a-z]+)"', (ROOT / file).read_text(), re.MULTILINE))
    assert remedies.keys() <= SENTENCES.keys()
    failures = {one.code for one in shown.FAILURES}
    advised = {
        one.code
        for one in shown.FAILURES
        if one.action != "none" or ASKS.search(TEXTS[f"fix_{_key(one.code)}"]["message"])
    }
    performed = CASES.keys() | ELSEWHERE.keys()
    assert advised <= performed, advised - performed
    assert performed <= failures, performed - failures
    # A code with a button or commands of its own is among the failures, or shares the advice of one that is.
    assert {code for code, action in remedies.items() if action != "none"} - failures == SAME.keys()


SAME = {
    # code: the failure with the same advice
    "host.message.schema": "host.version",
    "host.message.unknown": "host.version",
    "server.protocol": "host.version",
    "wallet.locked": "policy.wallet.required",
    "wallet.missing": "policy.wallet.required",
}


@pytest.mark.parametrize("name", sorted(set(ELSEWHERE.values())))
def test_tests_that_perform_an_advice_exist(name: str) -> None:
    """A renamed test would leave its advice untested."""
    file, _, test = name.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert (f"def {test}(" if file.endswith(".py") else f'test("{test}"') in text


def _key(code: str) -> str:
    return code.replace(".", "_")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_terms_hold_where_their_sentence_says(language: str) -> None:
    """Where a song can be played, from when, how often, and on which sites."""
    here = {"en": ("DE, AT", "radio.example", "2027"), "zh": ("DE", "radio.example", "2027")}[language]
    policy = replace(POLICY, territories=("DE", "AT"), stations=("radio.example",), not_before_s=START_S)
    said = " ".join(describe(policy, Usage(), Context(now_s=START_S - 1), language).limits)
    for words in here:
        assert words in said, (words, said)


@pytest.mark.parametrize("code", CASES)
async def test_the_advised_action_makes_the_song_play(fan: World, code: str) -> None:
    """The same host, before and after the action that the screen advises."""
    spoil, fails, mend, plays = CASES[code]
    assert code in {one.code for one in shown.FAILURES}
    await spoil(fan)
    with pytest.raises(GomaaError) as caught:
        await fails(fan)
    assert caught.value.code == code
    await mend(fan)
    await plays(fan)


async def test_an_unreachable_server_is_reported_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again succeeds when it is up."""
    server = StandIn(SERVER, DOMAIN)
    async with server.running():
        pass
    async with world(tmp_path, server, monkeypatch) as fan:
        with pytest.raises(GomaaError) as caught:
            await play(fan)
        assert caught.value.code == "server.unreachable"
        async with server.running():
            await play(fan)


async def test_a_servers_message_is_not_displayed(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code of this computer, or an unknown one, with a sentence: a code of ours, and the next try works."""
    for code in ("wallet.mnemonic", "host.missing", "internal", "made.up"):

        def opened(request: dict[str, Any], code: str = code) -> dict[str, Any]:
            raise _Hostile(code)

        monkeypatch.setattr(fan.server, "_open", opened, raising=False)
        with pytest.raises(GomaaError) as caught:
            await play(fan)
        assert (caught.value.code, caught.value.detail) == ("server.answer", {})
    monkeypatch.undo()


async def test_a_file_of_a_later_version_plays_in_a_later_player(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the update that its message advises."""
    cose = sign_header(replace(header(fan.server), renderer={"version": "2"}), OWNER)
    with pytest.raises(GomaaError) as caught:
        await fan.open("s", cose=cose)
    assert caught.value.code == "sps.version"
    monkeypatch.setattr("native_host.operations.open.require_renderer", partial(require_renderer, version="2"))
    assert (await fan.open("s", cose=cose))["stream"] == "s"


class _Hostile(GomaaError):
    """A server's error with a text for the screen."""

    def __init__(self, code: str) -> None:
        super().__init__("internal")
        self.code = code

    @property
    def message(self) -> str:
        """The server's text."""
        return "Enter your 12 words at evil.example"

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {"code": self.code, "message": self.message, "detail": {"reason": self.message, "command": "curl evil"}}
